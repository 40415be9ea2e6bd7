//! At which learning rate does descent fall fastest, and from which on does it leap out?
//!
//! The rate grows geometrically, and every rate is tried for the same few steps **from the same θ**: so a rate is judged by
//! itself and not by what the rates before it left behind. (The usual test changes the rate along one run; there the
//! steepest direction has died down when the rate passes 2/λmax, has to grow again out of rounding, and the edge is seen
//! late.) Nothing is left changed: the trials are copies.

use serde::{Deserialize, Serialize};

use super::curvature::batch_limit;
use super::learning_rate::Curvatures;
use crate::error::Result;
use crate::loader::{Batch, DataLoader};
use crate::metrics::number_or_null;
use crate::objective::Objective;
use crate::schedule::Schedule;
use crate::sgd::Sgd;
use crate::state::State;
use crate::stop::{Stop, StopReason};
use crate::trainer::{OnDivergence, Trainer};

/// Steps of a trial. At a rate 3 % above the limit of a parabola the loss along the steepest direction grows a million times:
/// enough to be seen where little of the loss is along it.
const STEPS: u64 = 120;
/// Rates between one and ten times it.
const PER_DECADE: i32 = 8;
/// How far below the expected edge the test begins, in factors of ten, and how far above it ends.
const DECADES_BELOW: i32 = 3;
const DECADES_ABOVE: i32 = 1;
/// A rise of this share of the first loss is rounding at the bottom of the valley.
const ROUNDING: f64 = 1e-5;
/// Halvings of the gap between a rate that falls and one that does not.
const HALVINGS: u32 = 6;

/// What a range test found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RangeTest {
    /// Rows a step.
    pub batch_size: usize,
    /// Steps of each trial.
    pub steps: u64,
    /// Mean loss where each trial began.
    #[serde(deserialize_with = "number_or_null")]
    pub initial_loss: f64,
    /// Rates, ascending, and the mean loss after the steps; NaN where the run leapt out.
    pub trials: Vec<Trial>,
    /// The rate from which on the loss rises instead of falling; nothing if it falls at every rate tried.
    pub edge: Option<f64>,
    /// What theory says of that rate: 2/λmax for full batches (and momentum's forms of it), else 2B/(β + (B − 1)λmax).
    #[serde(deserialize_with = "number_or_null")]
    pub limit: f64,
    /// The rate at which the loss falls fastest by the logarithm of the rate.
    pub steepest: Option<f64>,
    /// The rate with the lowest loss after the steps.
    pub lowest: Option<f64>,
}

/// A rate and what became of it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trial {
    /// The rate.
    pub lr: f64,
    /// Mean loss after the steps.
    #[serde(deserialize_with = "number_or_null")]
    pub loss: f64,
}

/// Tries rates from a thousandth of the expected edge to ten times it. The edge is expected from the `curvatures` at θ.
///
/// A rate is beyond the edge if its trial leaps out, ends above where it began, or rises over its last quarter
/// while batches are full. The edge is then found between two neighbours by halving.
///
/// **Cost**: some 40 trials of 120 steps, each with two looks at the loss of all rows.
///
/// # Errors
/// What the trainer refuses.
pub fn run(
    objective: &mut dyn Objective,
    theta: &[f32],
    trainer: &Trainer,
    curvatures: &Curvatures,
) -> Result<RangeTest> {
    let n_rows = objective.n_rows();
    let batch_size = trainer.loader.as_ref().map_or(n_rows, DataLoader::batch_size);
    let limit = batch_limit(curvatures.lambda_max, curvatures.largest_of_row, batch_size, n_rows, &trainer.sgd);
    let initial_loss = objective.loss(theta, Batch::all(n_rows)).mean();
    let is_full = batch_size == n_rows;
    let mut attempt = |lr: f64| -> Result<(f64, bool)> {
        let trial = |steps: u64| Trainer {
            sgd: Sgd { lr, ..trainer.sgd },
            stop: Stop { steps: Some(steps), ..Stop::default() },
            schedule: Schedule::Constant,
            on_divergence: OnDivergence::Stop,
            ..trainer.clone()
        };
        let mut state = State::new(theta.to_vec());
        state.initial_loss = initial_loss;
        // Nothing where the run leapt out.
        let mut go_on = |steps: u64| -> Result<Option<f64>> {
            let reason = trial(steps).run(objective, None, &mut state, &mut [])?;
            let loss = objective.loss(&state.theta, Batch::all(n_rows)).mean();
            Ok(Some(loss).filter(|loss| reason != StopReason::Diverged && loss.is_finite()))
        };
        let Some(before) = go_on(STEPS * 3 / 4)? else { return Ok((f64::NAN, false)) };
        let Some(loss) = go_on(STEPS)? else { return Ok((f64::NAN, false)) };
        let rises = loss - before > ROUNDING * initial_loss.abs();
        let falls = loss < initial_loss && !(is_full && rises);
        Ok((loss, falls))
    };
    let factor = 10_f64.powf(1.0 / f64::from(PER_DECADE));
    let (mut trials, mut edge, mut below) = (Vec::new(), None, None);
    for i in -DECADES_BELOW * PER_DECADE..=DECADES_ABOVE * PER_DECADE {
        let lr = limit * factor.powi(i);
        let (loss, falls) = attempt(lr)?;
        trials.push(Trial { lr, loss });
        if falls {
            (below, edge) = (Some(lr), None);
        } else if edge.is_none() {
            edge = Some(lr);
        }
    }
    if let (Some(mut low), Some(mut high)) = (below, edge) {
        for _ in 0..HALVINGS {
            let middle = (low * high).sqrt();
            if attempt(middle)?.1 { low = middle } else { high = middle }
        }
        edge = Some((low * high).sqrt());
    } else if below.is_none() {
        // Where no rate goes down there is nothing to gain, and no edge.
        edge = None;
    }
    let fell = || trials.iter().filter(|trial| trial.loss < initial_loss);
    let lowest = fell().min_by(|a, b| a.loss.total_cmp(&b.loss)).map(|trial| trial.lr);
    let steps_down = trials.windows(2).map(|pair| (pair[1].lr, pair[0].loss - pair[1].loss));
    let steepest = steps_down.filter(|(_, fall)| *fall > 0.0).max_by(|a, b| a.1.total_cmp(&b.1)).map(|(lr, _)| lr);
    Ok(RangeTest { batch_size, steps: STEPS, initial_loss, trials, edge, limit, steepest, lowest })
}
