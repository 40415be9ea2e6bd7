//! Which learning rate suits this objective and this batch size?
//!
//! Three things limit how far a step may go, and one formula joins them; it is Ma, Bassily and Belkin's (2018) with
//! batches drawn without replacement:
//!
//! ```text
//! 1/lr = λ + λmax + (β/(1−μ) − λmax)/B · (n−B)/(n−1)        β = max(16·Σhᵢ²/Σhᵢ, max hᵢ)
//! ```
//!
//! λmax is the largest curvature of the mean loss and hᵢ that of row i: ‖x̃ᵢ‖²·λmax(ℓ″) for linear models. λ is the weight decay,
//! the curvature that it adds in every direction.
//! - For all rows this is 1/(λmax + λ), half the stability limit: every step goes down.
//! - Σhᵢ²/Σhᵢ is the curvature of a typical row, the curved ones counting more; 16 times that keeps the floor of a
//!   constant rate, about lr/(2B) times it, near 3 % of the loss.
//! - max hᵢ keeps the one batch with the worst outlier from throwing the weights out. It counts where the derivative of
//!   the loss grows without bound; elsewhere (classes, huber) an outlier pulls no harder than another row.
//!
//! Unless the loss is known to bend nowhere more than at a start of zeros, the rate that follows is tried on the data: as
//! long as a short trial ends with a higher loss than it began, it is halved.

use serde::{Deserialize, Serialize};

use super::curvature;
use super::lanczos::lanczos;
use crate::error::{ErrorKind, Result};
use crate::loader::{Batch, DataLoader};
use crate::metrics::number_or_null;
use crate::objective::Objective;
use crate::sgd::Sgd;
use crate::state::State;
use crate::stop::{Stop, StopReason};
use crate::trainer::{OnDivergence, Trainer};

/// How many times the typical curvature of a row bounds a step of one row: the floor is half its inverse.
const ABOVE_TYPICAL: f64 = 16.0;
/// The same where rows are probed, at hidden layers: the floor falls with the loss, which they can bring close to zero.
/// Measured on `@digits`, 64 hidden units, ten seeds, 30 epochs: 0.9699 at 16, 0.9744 at 2, 0.972 in between.
const ABOVE_TYPICAL_PROBED: f64 = 4.0;
/// Rows whose own curvature is measured where it is not cheap to tell for all.
const PROBED_ROWS: usize = 64;
/// Products for each of them, at most.
const PROBED_PRODUCTS: usize = 16;
/// Steps of a trial: so many, or half an epoch of them where that is fewer, but no fewer than the other.
const MOST_TRIAL_STEPS: u64 = 200;
const LEAST_TRIAL_STEPS: u64 = 4;
/// A rate halved so often is as good as none.
const MAX_HALVINGS: u32 = 20;

/// A learning rate, and the numbers it came from.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Chosen {
    /// The rate.
    pub lr: f64,
    /// The largest curvature of the mean loss at the start.
    #[serde(deserialize_with = "number_or_null")]
    pub lambda_max: f64,
    /// The typical curvature of a single row's loss, Σhᵢ²/Σhᵢ.
    #[serde(deserialize_with = "number_or_null")]
    pub row_curvature: f64,
    /// The largest curvature of a single row's loss.
    #[serde(deserialize_with = "number_or_null")]
    pub largest_row_curvature: f64,
    /// The rate above which full batches leap out, with this momentum.
    #[serde(deserialize_with = "number_or_null")]
    pub stability_limit: f64,
    /// The momentum it was chosen for, the largest of the schedule.
    #[serde(default)]
    pub momentum: f64,
    /// The weight decay it was chosen for.
    #[serde(default)]
    pub weight_decay: f64,
    /// How often a trial halved the rate.
    pub halvings: u32,
}

/// The curvatures at one θ: what a rate is chosen from, whatever the batch size.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Curvatures {
    /// The largest curvature of the mean loss.
    pub lambda_max: f64,
    /// The typical curvature of a single row's loss, Σhᵢ²/Σhᵢ.
    pub of_row: f64,
    /// The largest curvature of a single row's loss.
    pub largest_of_row: f64,
    /// How many times the typical curvature of a row bounds a step of one row.
    above_typical: f64,
}

/// Measures the curvatures at θ.
///
/// **Cost**: that of [`curvature::largest`] and a pass over the rows; with hidden layers a few dozen gradients of 64 rows.
pub fn measure(objective: &mut dyn Objective, theta: &[f32]) -> Curvatures {
    let lambda_max = curvature::largest(objective, theta).lambda_max;
    let known = objective.row_curvatures(theta);
    let above_typical = if known.is_some() { ABOVE_TYPICAL } else { ABOVE_TYPICAL_PROBED };
    let rows = known.unwrap_or_else(|| probe_rows(objective, theta));
    // A flat start, or one that bends down, says nothing: then the rows alone decide. NaN stays NaN and is refused later.
    let lambda_max = if lambda_max <= 0.0 { f64::MIN_POSITIVE } else { lambda_max };
    let of_row = (rows.iter().map(|h| h * h).sum::<f64>() / rows.iter().sum::<f64>()).max(lambda_max);
    let largest_of_row = rows.iter().copied().fold(lambda_max, f64::max);
    Curvatures { lambda_max, of_row, largest_of_row, above_typical }
}

/// Measures the objective at θ and chooses the rate for the trainer's batch size and momentum.
///
/// **Cost**: that of [`measure`], and but for linear models with a squared, logistic or piecewise loss a trial of half an
/// epoch (4 to 200 steps) with its loss before and after.
///
/// # Errors
/// [`ErrorKind::NoCurvature`] where the curvature at θ is no number: the features are too large for any rate.
pub fn choose(objective: &mut dyn Objective, theta: &[f32], trainer: &Trainer) -> Result<Chosen> {
    measure(objective, theta).choose(objective, theta, trainer)
}

impl Curvatures {
    /// Chooses the rate for the trainer's batch size and momentum, for the objective that was measured at θ.
    ///
    /// # Errors
    /// As [`choose`].
    pub fn choose(&self, objective: &mut dyn Objective, theta: &[f32], trainer: &Trainer) -> Result<Chosen> {
        let Self { lambda_max, of_row, largest_of_row, above_typical } = *self;
        let sgd = &trainer.sgd;
        let momentum = trainer.schedule.largest_momentum(sgd.momentum);
        let n = objective.n_rows() as f64;
        let batch_size = trainer.loader.as_ref().map_or(n, |loader| loader.batch_size() as f64);
        let noise = if n > 1.0 { (n - batch_size) / (n - 1.0) / batch_size } else { 0.0 };
        let worst = if objective.is_pulled_by_outliers() { largest_of_row } else { 0.0 };
        let beta = worst.max(above_typical * of_row) / (1.0 - momentum.min(0.999));
        let mut chosen = Chosen {
            lr: 1.0 / (sgd.weight_decay + lambda_max + (beta - lambda_max) * noise),
            lambda_max,
            row_curvature: of_row,
            largest_row_curvature: largest_of_row,
            stability_limit: curvature::stability_limit(lambda_max, &Sgd { momentum, ..*sgd }),
            momentum,
            weight_decay: sgd.weight_decay,
            halvings: 0,
        };
        if !(chosen.lr > 0.0 && chosen.lr.is_finite()) {
            return Err(ErrorKind::NoCurvature { lambda_max, row_curvature: largest_of_row }.into());
        }
        // Where theory leaves nothing open there is nothing to be tried.
        let is_sure = objective.bends_most_at_zero() && !sgd.maximize && theta.iter().all(|&theta| theta == 0.0);
        while !is_sure && chosen.halvings < MAX_HALVINGS && !goes_down(objective, theta, trainer, chosen.lr) {
            chosen.lr /= 2.0;
            chosen.halvings += 1;
        }
        Ok(chosen)
    }
}

/// Whether a short run at a rate ends with a lower loss than it began.
fn goes_down(objective: &mut dyn Objective, theta: &[f32], trainer: &Trainer, lr: f64) -> bool {
    let half_an_epoch = trainer.loader.as_ref().map_or(1, DataLoader::len) as u64 / 2;
    let steps = Some(half_an_epoch.clamp(LEAST_TRIAL_STEPS, MOST_TRIAL_STEPS));
    let trial = Trainer {
        sgd: Sgd { lr, ..trainer.sgd },
        stop: Stop { steps, epochs: steps, ..Stop::default() },
        schedule: crate::schedule::Schedule::Constant,
        on_divergence: OnDivergence::Stop,
        ..trainer.clone()
    };
    let mut state = State::new(theta.to_vec());
    let reason = trial.run(objective, None, &mut state, &mut []);
    let loss = objective.loss(&state.theta, Batch::all(objective.n_rows())).mean();
    let went_down = loss < state.initial_loss || (loss - state.initial_loss).abs() <= 1e-12;
    let went_the_asked_way = if trial.sgd.maximize { loss.is_finite() } else { went_down };
    reason.is_ok_and(|reason| reason != StopReason::Diverged) && went_the_asked_way
}

/// The largest curvature of single rows, for some of them.
fn probe_rows(objective: &mut dyn Objective, theta: &[f32]) -> Vec<f64> {
    let n_rows = objective.n_rows();
    let probed = n_rows.min(PROBED_ROWS);
    let rows = (0..probed).map(|i| i * n_rows / probed);
    let start = vec![1.0; theta.len()];
    rows.map(|row| {
        let product = objective.curvature(theta, Batch::Range(row..row + 1));
        lanczos(start.clone(), PROBED_PRODUCTS, 1e-3, product).largest().abs()
    })
    .collect()
}
