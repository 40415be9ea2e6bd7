#![doc = include_str!("batch_noise_dominated.md")]

use super::{last_batch_imbalance, underfitting};
use crate::diagnosis::finding::{digits, percent};
use crate::diagnosis::{Case, Finding, Severity};

pub(super) const SLUG: &str = "batch-noise-dominated";

/// Losses after single epochs differ by so large a share of all that was gained.
const JUMPS: f64 = 0.1;
/// The noise of a batch is so many times its signal.
const NOISY: f64 = 4.0;
/// What is left of the jumps by the batch that is named, in parts of the bound.
const QUIET: f64 = 0.25;
/// Fewer epochs show no ups and downs.
const LEAST_EPOCHS: usize = 6;

pub(super) fn find(case: &mut Case<'_>) -> Option<Finding> {
    let epochs = case.train_losses.len();
    if !case.has_ended_well() || case.is_full_batch() || epochs < LEAST_EPOCHS {
        return None;
    }
    let last_half = &case.train_losses[epochs / 2..];
    let jump = last_half.windows(2).map(|pair| (pair[1] - pair[0]).abs()).sum::<f64>() / (last_half.len() - 1) as f64;
    let lowest = case.train_losses.iter().copied().fold(f64::INFINITY, f64::min);
    // Against nothing gained every jump is large.
    let share = if lowest < case.initial_loss { jump / (case.initial_loss - lowest) } else { f64::INFINITY };
    if share < JUMPS || underfitting::find(case).is_some() || last_batch_imbalance::find(case).is_some() {
        return None;
    }
    let noise = case.noise()?;
    let (n, b) = (case.data.n_train, case.batch_size);
    // Infinite where the gradient is lost in it.
    let ratio = noise.b_simple / b as f64;
    if ratio < NOISY {
        return None;
    }
    // The jumps are as large as the floor, and that halves as the batch doubles.
    let larger = (b as f64 * (share.min(10.0) / JUMPS / QUIET).max(2.0)) as usize;
    let larger = larger.next_power_of_two();
    let suggested = if larger >= n { "full".to_owned() } else { larger.to_string() };
    let signal =
        if ratio.is_finite() { format!("{} times its signal", digits(ratio)) } else { "all it has".to_owned() };
    let cause = format!(
        "from epoch to epoch the loss jumps by {}: the noise of a batch of {b} is {signal}",
        if share < 10.0 {
            format!("{} of all that was gained", percent(share))
        } else {
            "far more than was gained".to_owned()
        }
    );
    let numbers = [("jump_share", share), ("noise_to_signal", ratio), ("b_simple", noise.b_simple)];
    let finding = Finding::new(SLUG, Severity::Warning, numbers, cause);
    Some(
        finding.remedy([("--batch-size", Some(suggested))], "averages the noise away; twice the batch, half the jumps"),
    )
}
