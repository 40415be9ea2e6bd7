#![doc = include_str!("learning_rate_too_low.md")]

use crate::diagnosis::finding::{digits, round_down};
use crate::diagnosis::trend::Trend;
use crate::diagnosis::{Case, Finding, Severity};
use crate::run::LearningRate;

pub(super) const SLUG: &str = "learning-rate-too-low";

/// A rate so many times lower than one that was measured to be safe is worth a word.
const TIMES: f64 = 5.0;
/// A loss that moved by a smaller share stands where it began;
const STANDS: f64 = 1e-6;
/// which is the rate's fault, and not the model's, where the rate is so many times lower.
const TIMES_OF_STANDING: f64 = 1e4;

pub(super) fn find(case: &mut Case<'_>) -> Option<Finding> {
    let falls = matches!(case.trend(), Some(Trend::Falls { .. }));
    let (began, losses) = (case.initial_loss, case.train_losses);
    let stands = began.abs() > 0.0
        && !losses.is_empty()
        && losses.iter().all(|loss| (loss - began).abs() <= STANDS * began.abs());
    if !(falls || stands) || !matches!(case.settings.lr, LearningRate::Fixed(_)) {
        return None;
    }
    let suggested = round_down(case.chosen()?.lr);
    let times = suggested / case.lr;
    let (goes, enough) = if stands { ("stands where it began", TIMES_OF_STANDING) } else { ("still falls", TIMES) };
    if times < enough {
        return None;
    }
    let cause = format!(
        "the loss {goes}, and the learning rate {} is {} times lower than one that is safe here",
        digits(case.lr),
        digits(times)
    );
    let numbers = [("lr", case.lr), ("suggested_lr", suggested), ("times_too_low", times)];
    let finding = Finding::new(SLUG, Severity::Warning, numbers, cause);
    let does = format!("every step goes {} times as far", digits(times));
    Some(finding.remedy([("--lr", Some(suggested.to_string()))], &does))
}
