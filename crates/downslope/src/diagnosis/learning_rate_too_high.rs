//! `learning-rate-too-high`: a run that leapt over the valley.

use std::collections::BTreeMap;

use super::{Finding, Severity, curvature};
use crate::loader::DataLoader;
use crate::objective::Objective;
use crate::trainer::Trainer;

/// Says of a run that diverged by how much its rate was above what the start of the run could bear.
///
/// **Condition**: the run diverged. The limits are measured at `theta`, where the run began: for full batches 2/λmax (with
/// momentum: [`curvature::stability_limit`]), for smaller ones 2B/(β + (B−1)λmax), with β the largest curvature of a row.
/// Nothing where the curvature at the start is no number.
/// `suggested_lr` is what [`super::learning_rate::choose`] found.
///
/// **When its theory does not hold**: with losses that are not quadratic and with hidden layers the limit is that of the
/// start; it may be stricter or looser later. If the rate was below it, the finding says so.
pub fn learning_rate_too_high(
    objective: &mut dyn Objective,
    theta: &[f32],
    trainer: &Trainer,
    lr: f64,
) -> Option<Finding> {
    let chosen = super::learning_rate::choose(objective, theta, trainer).ok()?;
    let n = objective.n_rows();
    let batch_size = trainer.loader.as_ref().map_or(n, DataLoader::batch_size);
    let limit = curvature::batch_limit(chosen.lambda_max, chosen.largest_row_curvature, batch_size, n, &trainer.sgd);
    let of_what = if batch_size == n {
        "the stability limit of full-batch descent here"
    } else {
        "what batches of this size can bear here"
    };
    let times = lr / limit;
    let cause = if times >= 1.0 {
        format!(
            "the learning rate {} is {} times {}, {of_what}: every step leaps over the valley and lands higher up",
            digits(lr),
            digits(times),
            digits(limit)
        )
    } else {
        format!(
            "the loss rose although the learning rate {} is below {}, {of_what}: the curvature must have grown along the way",
            digits(lr),
            digits(limit)
        )
    };
    let suggested = round_down(chosen.lr.min(lr / 2.0));
    Some(Finding {
        slug: "learning-rate-too-high".to_owned(),
        severity: Severity::Failure,
        numbers: BTreeMap::from([
            ("lr".to_owned(), lr),
            ("limit".to_owned(), limit),
            ("times_the_limit".to_owned(), times),
            ("lambda_max".to_owned(), chosen.lambda_max),
            ("suggested_lr".to_owned(), suggested),
        ]),
        cause,
        remedy: format!("try --lr {suggested} (or --lr auto)"),
    })
}

/// A number of three digits, as a person would write it.
fn digits(value: f64) -> String {
    if value.to_string().len() <= 6 {
        return value.to_string();
    }
    if !(1e-4..1e5).contains(&value) {
        return format!("{value:.2e}");
    }
    let decimals = (2.0 - value.log10().floor()).max(0.0) as usize;
    format!("{value:.decimals$}")
}

/// A number of two digits, not above the one given.
fn round_down(value: f64) -> f64 {
    let unit = 10_f64.powf(value.log10().floor() - 1.0);
    let rounded = (value / unit).floor() * unit;
    // Written and read again, so that 0.030000000000000002 becomes 0.03.
    format!("{rounded:.1e}").parse().unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_suggested_rate_has_two_digits_and_is_not_above_its_source() {
        for (value, rounded) in [(0.0319, 0.031), (1.0, 1.0), (4.7e-5, 4.7e-5), (0.3, 0.3)] {
            assert!((round_down(value) - rounded).abs() <= 0.05 * value && round_down(value) <= value * 1.000_001);
        }
    }
}
