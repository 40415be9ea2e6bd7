#![doc = include_str!("ill_conditioned.md")]

use super::{badly_scaled_columns, learning_rate_too_low};
use crate::diagnosis::finding::{digits, percent};
use crate::diagnosis::learning_rate::Chosen;
use crate::diagnosis::trend::Trend;
use crate::diagnosis::{Case, Finding, Severity};
use crate::sgd::Sgd;

pub(super) const SLUG: &str = "ill-conditioned";

/// Largest over smallest curvature, along directions that matter.
const CONDITION: f64 = 1e3;
/// Directions that together hold less of what is left do not matter.
const IGNORED: f64 = 0.01;
/// Of all there was to gain, so much is left. Where classes can be told apart without a mistake, a little always is: `@breast-cancer`
/// with full batches has 5 % left after 30 epochs, and rows held out gain nothing by it.
const LEFT: f64 = 0.1;
/// The momentum that helps.
const MOMENTUM: f64 = 0.9;
/// It must be so many times faster to be worth a word.
const FASTER: f64 = 2.0;

pub(super) fn find(case: &mut Case<'_>) -> Option<Finding> {
    let is_candidate = case.has_ended_well() && case.is_linear() && case.settings.momentum < MOMENTUM;
    // Batches may rest on their noise while much is left; a full batch rests because it crawls.
    let may_crawl = case.is_full_batch() || matches!(case.trend(), Some(Trend::Falls { .. }));
    if !is_candidate || !case.has_constant_rate() || !may_crawl || case.left_at_most()? < LEFT {
        return None;
    }
    if badly_scaled_columns::find(case).is_some() || learning_rate_too_low::find(case).is_some() {
        return None;
    }
    // Where the noise of batches sets the rate, momentum lowers it as much as it speeds it up.
    let heavy = Sgd { momentum: MOMENTUM, lr: with_momentum(&case.chosen()?, case), ..case.sgd() };
    let speed = |lr: f64, momentum: f64| lr / (1.0 - momentum);
    if speed(heavy.lr, MOMENTUM) < FASTER * speed(case.last_lr, case.settings.momentum) {
        return None;
    }
    let quadratic = case.quadratic()?;
    let (excess, condition) = (quadratic.excess(), quadratic.condition(IGNORED));
    let left = excess / (case.initial_loss - case.last_loss()? + excess);
    if left.is_nan() || left < LEFT || condition < CONDITION {
        return None;
    }
    let steps_per_epoch = case.steps_per_epoch as f64;
    let epochs = |sgd: &Sgd| Some(quadratic.steps_to(0.1, sgd)? as f64 / steps_per_epoch);
    let (now, then) = (epochs(&case.sgd())?, epochs(&heavy)?);
    if now < FASTER * then {
        return None;
    }
    let cause = format!(
        "the valley is {} times as steep across as along: {} of what there is to gain is left, and to a tenth of that it would take {} epochs at this rate",
        digits(condition.round()),
        percent(left),
        digits(now.ceil())
    );
    let numbers = [
        ("condition", condition),
        ("left_share", left),
        ("epochs_to_a_tenth", now),
        ("epochs_to_a_tenth_with_momentum", then),
    ];
    let does = format!("gets there in {} epochs", digits(then.ceil()));
    let flags = [("--momentum", Some(MOMENTUM.to_string())), ("--lr", Some("auto".to_owned()))];
    Some(Finding::new(SLUG, Severity::Advice, numbers, cause).remedy(flags, &does))
}

/// The rate that would be chosen with [`MOMENTUM`]: in the formula of [`crate::diagnosis::learning_rate`] only what stands
/// for the noise of batches grows by 1/(1 − μ).
fn with_momentum(chosen: &Chosen, case: &Case<'_>) -> f64 {
    let of_full_batch = chosen.lambda_max.max(f64::MIN_POSITIVE);
    let tried = chosen.lr * 2_f64.powi(chosen.halvings.cast_signed());
    let (n, b) = (case.data.n_train as f64, case.batch_size as f64);
    let noise = if n > 1.0 { (n - b) / (n - 1.0) / b } else { 0.0 };
    let beta = (1.0 / tried - of_full_batch) + of_full_batch * noise;
    1.0 / (of_full_batch - of_full_batch * noise + beta * (1.0 - case.settings.momentum) / (1.0 - MOMENTUM))
}
