#![doc = include_str!("momentum_too_high.md")]

use crate::diagnosis::{Case, Finding, Severity};
use crate::stop::StopReason;

pub(super) const SLUG: &str = "momentum-too-high";

pub(super) fn find(case: &mut Case<'_>) -> Option<Finding> {
    let momentum = case.settings.momentum;
    let has_failed = case.reason == Some(StopReason::Diverged);
    // A rate that was chosen is halved and halved again, and none is low enough.
    if momentum < 1.0 || !(has_failed || case.has_ended_well() && case.back_offs > 0) {
        return None;
    }
    let severity = if has_failed { Severity::Failure } else { Severity::Warning };
    let cause = format!(
        "momentum {momentum} keeps all of every step so far and more: the speed never fades, at any learning rate"
    );
    let finding = Finding::new(SLUG, severity, [("momentum", momentum)], cause);
    Some(finding.remedy([("--momentum", Some("0.9".to_owned()))], "nine tenths of the speed are kept at each step"))
}
