#![doc = include_str!("overshooting.md")]

use crate::diagnosis::curvature::stability_limit;
use crate::diagnosis::finding::{digits, round_down};
use crate::diagnosis::{Case, Finding, Severity};

pub(super) const SLUG: &str = "overshooting";

/// Estimates of the curvature are not exact: nearer to 1/λmax than this nobody can tell on which side a step lands.
const MARGIN: f64 = 1.1;

pub(super) fn find(case: &mut Case<'_>) -> Option<Finding> {
    let is_plain = case.settings.momentum == 0.0 && case.has_constant_rate();
    if !case.has_ended_well() || !case.is_full_batch() || !case.is_linear() || !is_plain {
        return None;
    }
    let lambda_max = case.lambda_max()?;
    let (lr, limit) = (case.last_lr, stability_limit(lambda_max, &case.sgd()));
    let times = lr * lambda_max;
    if !(MARGIN..2.0).contains(&times) {
        return None;
    }
    let suggested = round_down(1.0 / lambda_max);
    let cause = format!(
        "the learning rate {} lies between 1/λmax = {} and 2/λmax = {}: along the steepest direction every step lands on the \
         other side of the valley, only a little lower",
        digits(lr),
        digits(1.0 / lambda_max),
        digits(limit)
    );
    let numbers = [("lr", lr), ("lambda_max", lambda_max), ("limit", limit), ("suggested_lr", suggested)];
    let finding = Finding::new(SLUG, Severity::Advice, numbers, cause);
    Some(finding.remedy([("--lr", Some(suggested.to_string()))], "steps then end at the bottom of the steepest valley"))
}
