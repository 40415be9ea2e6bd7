#![doc = include_str!("momentum_too_high.md")]

use crate::diagnosis::{Case, Finding, Severity};
use crate::stop::StopReason;

pub(super) const SLUG: &str = "momentum-too-high";

pub(super) fn find(case: &mut Case<'_>) -> Option<Finding> {
    let momentum = case.settings.momentum;
    let has_failed = case.reason == Some(StopReason::Diverged);
    // Nesterov's looks ahead, which takes a little off a speed that is kept whole.
    let never_fades = momentum > 1.0 || momentum >= 1.0 && !case.settings.nesterov;
    if momentum < 1.0 || !(has_failed || case.has_ended_well() && never_fades) {
        return None;
    }
    let severity = if has_failed { Severity::Failure } else { Severity::Warning };
    let more = if momentum > 1.0 { " and more" } else { "" };
    let cause = format!(
        "momentum {momentum} keeps all of every step so far{more}: the speed never fades, at any learning rate"
    );
    let finding = Finding::new(SLUG, severity, [("momentum", momentum)], cause);
    Some(finding.remedy([("--momentum", Some("0.9".to_owned()))], "nine tenths of the speed are kept at each step"))
}
