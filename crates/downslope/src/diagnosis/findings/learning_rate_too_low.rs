#![doc = include_str!("learning_rate_too_low.md")]

use crate::diagnosis::finding::{digits, round_down};
use crate::diagnosis::trend::Trend;
use crate::diagnosis::{Case, Finding, Severity};
use crate::run::LearningRate;

pub(super) const SLUG: &str = "learning-rate-too-low";

/// A rate so many times lower than one that was measured to be safe is worth a word.
const TIMES: f64 = 5.0;

pub(super) fn find(case: &mut Case<'_>) -> Option<Finding> {
    let falls = matches!(case.trend(), Some(Trend::Falls { .. }));
    if !falls || !matches!(case.settings.lr, LearningRate::Fixed(_)) {
        return None;
    }
    let suggested = round_down(case.chosen()?.lr);
    let times = suggested / case.lr;
    if times < TIMES {
        return None;
    }
    let cause = format!(
        "the loss still falls, and the learning rate {} is {} times lower than one that is safe here",
        digits(case.lr),
        digits(times)
    );
    let numbers = [("lr", case.lr), ("suggested_lr", suggested), ("times_too_low", times)];
    let finding = Finding::new(SLUG, Severity::Warning, numbers, cause);
    let does = format!("every step goes {} times as far", digits(times));
    Some(finding.remedy([("--lr", Some(suggested.to_string()))], &does))
}
