//! `momentum-too-high`: a run that gathered speed for ever.

use std::collections::BTreeMap;

use super::{Finding, Severity};

/// Says of a run that diverged that its momentum alone was enough for that.
///
/// **Condition**: the run diverged with momentum of 1 or more. Velocity is then v ← μv + g with μ ≥ 1: it never fades,
/// whatever the learning rate.
pub fn momentum_too_high(momentum: f64) -> Option<Finding> {
    (momentum >= 1.0).then(|| Finding {
        slug: "momentum-too-high".to_owned(),
        severity: Severity::Failure,
        numbers: BTreeMap::from([("momentum".to_owned(), momentum)]),
        cause: format!(
            "momentum {momentum} keeps all of every step so far and more: the speed never fades, at any learning rate"
        ),
        remedy: "try --momentum 0.9".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn momentum_below_one_is_not_to_blame() {
        assert!(momentum_too_high(0.99).is_none());
        assert_eq!(momentum_too_high(1.5).unwrap().slug, "momentum-too-high");
    }
}
