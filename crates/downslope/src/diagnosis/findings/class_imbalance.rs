#![doc = include_str!("class_imbalance.md")]

use crate::diagnosis::finding::percent;
use crate::diagnosis::{Case, Finding, Severity};
use crate::run::ClassWeight;

pub(super) const SLUG: &str = "class-imbalance";

/// A class is rare with less than this part of its fair share: a tenth of the rows where there are two.
const RARE: f64 = 0.2;
/// Of what always naming the largest class gets wrong, a model that learnt something gets at least this share right.
const LEARNT: f64 = 0.1;

pub(super) fn find(case: &mut Case<'_>) -> Option<Finding> {
    if !case.has_ended_well() || case.settings.class_weight != ClassWeight::None {
        return None;
    }
    let accuracy = case.validation.or(case.train)?.accuracy?;
    let counts = case.class_counts()?;
    let total = counts.iter().sum::<usize>() as f64;
    let (rarest, &fewest) = counts.iter().enumerate().min_by_key(|(_, count)| **count)?;
    let (largest, &most) = counts.iter().enumerate().max_by_key(|(_, count)| **count)?;
    let (rare, large) = (fewest as f64 / total, most as f64 / total);
    if rare >= RARE / counts.len() as f64 || accuracy - large >= LEARNT * (1.0 - large) {
        return None;
    }
    let cause = format!(
        "class `{}` has {} of the rows and `{}` {}: the accuracy of {} is hardly more than always answering `{}` would have",
        case.data.classes.get(rarest)?,
        percent(rare),
        case.data.classes.get(largest)?,
        percent(large),
        percent(accuracy),
        case.data.classes.get(largest)?,
    );
    let numbers = [("rarest_share", rare), ("largest_share", large), ("accuracy", accuracy)];
    let finding = Finding::new(SLUG, Severity::Warning, numbers, cause);
    Some(finding.remedy(
        [("--class-weight", Some("balanced".to_owned()))],
        "every class then weighs the same; rare ones are found, at some cost in accuracy",
    ))
}
