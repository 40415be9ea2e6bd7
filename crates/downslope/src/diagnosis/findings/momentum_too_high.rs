#![doc = include_str!("momentum_too_high.md")]

use crate::diagnosis::{Case, Finding, Severity};
use crate::schedule::{OneCycle, Schedule};
use crate::sgd::Sgd;
use crate::stop::StopReason;

pub(super) const SLUG: &str = "momentum-too-high";

pub(super) fn find(case: &mut Case<'_>) -> Option<Finding> {
    let sgd = case.sgd();
    let momentum = case.schedule.largest_momentum(sgd.momentum);
    let has_failed = case.reason == Some(StopReason::Diverged);
    let is_worth_a_word = Sgd { momentum, ..sgd }.never_comes_to_rest() || case.back_offs > 0;
    if momentum < 1.0 || !(has_failed || case.has_ended_well() && is_worth_a_word) {
        return None;
    }
    let severity = if has_failed { Severity::Failure } else { Severity::Warning };
    let more = if momentum > 1.0 { " and more" } else { "" };
    let cause = format!(
        "momentum {momentum} keeps all of every step so far{more}: the speed never fades, at any learning rate"
    );
    let finding = Finding::new(SLUG, severity, [("momentum", momentum)], cause);
    // A schedule with momenta of its own goes by those.
    if let Schedule::OneCycle(cycle) = case.schedule
        && cycle.cycle_momentum
    {
        // PyTorch's own.
        let lower = OneCycle { base_momentum: 0.85, max_momentum: 0.95, ..cycle.clone() };
        let schedule = Schedule::OneCycle(lower).to_string();
        return Some(finding.remedy([("--schedule", Some(schedule))], "some of the speed is lost at each step"));
    }
    Some(finding.remedy([("--momentum", Some("0.9".to_owned()))], "nine tenths of the speed are kept at each step"))
}
