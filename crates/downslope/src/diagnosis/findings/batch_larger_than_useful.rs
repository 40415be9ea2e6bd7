#![doc = include_str!("batch_larger_than_useful.md")]

use super::learning_rate_too_low;
use crate::diagnosis::finding::digits;
use crate::diagnosis::trend::Trend;
use crate::diagnosis::{Case, Finding, Severity};
use crate::run::LearningRate;

pub(super) const SLUG: &str = "batch-larger-than-useful";

/// So many times `B_simple` at its highest, no row adds anything.
const TIMES: f64 = 8.0;
/// Fewer rows than this cost a step hardly less.
const CHEAP_ROWS: f64 = 16.0;
/// With less of the first loss left nothing is to be gained by more steps.
const LEFT: f64 = 0.05;

pub(super) fn find(case: &mut Case<'_>) -> Option<Finding> {
    let b = case.batch_size as f64;
    let falls = matches!(case.trend(), Some(Trend::Falls { .. }));
    if !case.has_ended_well() || !falls || b < TIMES * CHEAP_ROWS || case.left_at_most()? < LEFT {
        return None;
    }
    let noise = case.noise()?;
    if b < TIMES * noise.b_simple_high.max(CHEAP_ROWS) || learning_rate_too_low::find(case).is_some() {
        return None;
    }
    let suggested = (noise.b_simple.max(CHEAP_ROWS) as usize).next_power_of_two();
    let cause = format!(
        "the loss still falls, and a batch of {} has {} times the rows that tell the way down here ({}): its gradient is \
         hardly better than theirs",
        case.batch_size,
        digits(b / noise.b_simple),
        digits(noise.b_simple)
    );
    let numbers = [
        ("batch_size", b),
        ("b_simple", noise.b_simple),
        ("b_simple_high", noise.b_simple_high),
        ("left", case.left_at_most()?),
    ];
    // A rate that was given was given for a batch without noise.
    let rate = matches!(case.settings.lr, LearningRate::Fixed(_)).then(|| ("--lr", Some("auto".to_owned())));
    let flags = [("--batch-size", Some(suggested.to_string()))].into_iter().chain(rate);
    let does = format!("{} times as many steps in an epoch", digits((b / suggested as f64).round()));
    Some(Finding::new(SLUG, Severity::Advice, numbers, cause).remedy(flags, &does))
}
