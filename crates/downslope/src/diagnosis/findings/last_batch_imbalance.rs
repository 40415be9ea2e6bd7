#![doc = include_str!("last_batch_imbalance.md")]

use crate::diagnosis::finding::percent;
use crate::diagnosis::{Case, Finding, Severity};

pub(super) const SLUG: &str = "last-batch-imbalance";

/// The last batch is so many times smaller than the others.
const SMALLER: usize = 8;
/// The floor that follows is so large a part of the loss. It stands for the mean of the steps, and the loss is measured after the
/// noisiest of them: less is noticed here than elsewhere.
const NOTICEABLE: f64 = 0.03;

pub(super) fn find(case: &mut Case<'_>) -> Option<Finding> {
    let (n, b) = (case.data.n_train, case.batch_size);
    if !case.has_ended_well() || case.settings.drop_last || b >= n {
        return None;
    }
    let (others, last) = (n / b, n % b);
    // A batch of r rows has B/r times the noise of the others; so many of those together have as much.
    if last == 0 || b < last * SMALLER.max(others) {
        return None;
    }
    // That step may have thrown the last loss up; the lowest tells what is there to hold.
    let loss = case.train_losses.iter().copied().reduce(f64::min)?;
    let noise = case.noise()?;
    let floor = |rows: usize| noise.floor(case.last_lr, case.settings.momentum, rows, n);
    let steps = (others + 1) as f64;
    let mixed = (others as f64 * floor(b) + floor(last)) / steps;
    if !(mixed > 0.0 && loss > 0.0 && mixed >= NOTICEABLE * loss) {
        return None;
    }
    let rows = if last == 1 { "1 row".to_owned() } else { format!("{last} rows") };
    let cause = format!(
        "{n} rows in batches of {b} leave {rows} for the last step of every epoch: it moves as far as the others, brings {} \
         of the noise, and may hold the loss up to {} above its lowest",
        percent(floor(last) / (steps * mixed)),
        percent((mixed / loss).min(1.0))
    );
    let numbers = [("last_rows", last as f64), ("floor", mixed), ("floor_without", floor(b)), ("loss", loss)];
    let finding = Finding::new(SLUG, Severity::Advice, numbers, cause);
    Some(finding.remedy([("--drop-last", None)], "leaves that step out; with shuffling other rows miss out each epoch"))
}
