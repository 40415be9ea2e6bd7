#![doc = include_str!("dead_units.md")]

use crate::diagnosis::finding::{digits, percent, round_down};
use crate::diagnosis::{Case, Finding, Severity};
use crate::run::LearningRate;

pub(super) const SLUG: &str = "dead-units";

/// So large a share of dead units is worth a word; a few are born dead, or die and are not missed.
const SHARE: f64 = 0.2;

pub(super) fn find(case: &mut Case<'_>) -> Option<Finding> {
    if !case.has_ended_well() {
        return None;
    }
    let (dead, units) = case.dead_units()?;
    let share = dead as f64 / units as f64;
    if share < SHARE {
        return None;
    }
    let cause = format!(
        "{dead} of {units} hidden units ({}) are zero for every row looked at: their gradient is zero too, and they learn no more",
        percent(share)
    );
    let numbers = [("dead", dead as f64), ("units", units as f64), ("share", share)];
    let finding = Finding::new(SLUG, Severity::Warning, numbers, cause);
    if let (LearningRate::Fixed(lr), Some(chosen)) = (case.settings.lr, case.chosen())
        && chosen.lr < lr
    {
        let rate = round_down(chosen.lr);
        let does = format!("{} times lower; it was the large steps that threw them out", digits(lr / rate));
        return Some(finding.remedy([("--lr", Some(rate.to_string()))], &does));
    }
    Some(finding.remedy([("--activation", Some("tanh".to_owned()))], "it has a slope everywhere"))
}
