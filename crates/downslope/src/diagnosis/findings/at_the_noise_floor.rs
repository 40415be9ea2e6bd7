#![doc = include_str!("at_the_noise_floor.md")]

use super::{batch_noise_dominated, last_batch_imbalance};
use crate::diagnosis::finding::{digits, percent};
use crate::diagnosis::{Case, Finding, Severity};

pub(super) const SLUG: &str = "at-the-noise-floor";

/// The floor is so large a part of the loss. `--lr auto` keeps it near 3 %.
const NOTICEABLE: f64 = 0.05;

pub(super) fn find(case: &mut Case<'_>) -> Option<Finding> {
    let is_candidate = case.has_ended_well() && !case.is_full_batch() && case.has_constant_rate();
    if !is_candidate || !case.falls_no_more() {
        return None;
    }
    let (noise, loss) = (case.noise()?, case.last_loss()?);
    let floor = noise.floor(case.last_lr, case.settings.momentum, case.batch_size, case.data.n_train);
    // An upper estimate; no loss here lies below zero.
    let floor = floor.min(loss.abs());
    let share = floor / loss;
    if share.is_nan() || share < NOTICEABLE {
        return None;
    }
    // Both say the same, and more of it.
    if last_batch_imbalance::find(case).is_some() || batch_noise_dominated::find(case).is_some() {
        return None;
    }
    let cause = format!(
        "the loss no longer falls: at the rate {} batches of {} may keep it up to {} above its lowest, {} of what it is",
        digits(case.last_lr),
        case.batch_size,
        digits(floor),
        percent(share)
    );
    let numbers = [("lr", case.last_lr), ("floor", floor), ("floor_share", share), ("trace", noise.trace)];
    let finding = Finding::new(SLUG, Severity::Advice, numbers, cause);
    let schedule = format!("cosine:t-max={}", case.epochs);
    Some(finding.remedy(
        [("--schedule", Some(schedule))],
        "the floor sinks with the rate; half the rate or twice the batch would halve it",
    ))
}
