//! Penalties and momentum on sparse rows, applied to a weight when it is next needed.
//!
//! Weight decay, L1 and momentum change every weight in every step, a sparse row only its own. While its rows stay away, k
//! steps of a weight are one:
//!
//! - Without momentum it only decays and shrinks, θ ← S(aθ) with a = 1 − lr·`weight_decay` and S taking τ = lr·l1 off its
//!   size: |θ| ← max(0, aᵏ|θ| − τ(1 − aᵏ)/(1 − a)) (Carpenter 2008, "Lazy sparse stochastic gradient descent", for each
//!   penalty alone; together the sum is geometric).
//! - With momentum and without L1 it glides on: (θ, v) ← Mᵏ(θ, v), where M is a step of [`crate::sgd::Sgd`] without a gradient,
//!   which is linear.
//!
//! So a step costs its rows, and the steps are those of the eager rule up to rounding. Of models of one score, weight decay
//! alone is taken for all weights together instead, see [`crate::kernels::Decay`]: that costs a quarter.

use crate::data::Csr;
use crate::loader::Batch;
use crate::model::Model;

use super::{Gradient, StepRule};

/// How far behind its steps every parameter is.
///
/// **Cost**: a `u32` a parameter, and two or four `f64` for each step between two times at which all are brought up to date.
#[derive(Default)]
pub(crate) struct Lazy {
    rule: StepRule,
    /// The steps that a parameter has seen.
    seen: Vec<u32>,
    /// (aᵏ, τ(1 + a + … + aᵏ⁻¹)), without momentum.
    shrinks: Vec<[f64; 2]>,
    /// Mᵏ, with momentum.
    glides: Vec<Glide>,
    /// Biases, which are not shrunk, stand from here on.
    weights: usize,
}

/// The parameters of a linear model, and their velocities where there is momentum.
pub(crate) struct Moving<'a> {
    pub(crate) theta: &'a mut [f32],
    pub(crate) velocity: &'a mut [f32],
}

impl Moving<'_> {
    /// Those of a model of one score.
    #[inline]
    pub(crate) fn weight_and_bias(&mut self) -> (&mut [f32], &mut f32) {
        let (weight, bias) = self.theta.split_at_mut(self.theta.len() - 1);
        (weight, &mut bias[0])
    }
}

/// A matrix that takes (θ, v) to where they are after some steps.
type Glide = [[f64; 2]; 2];

impl StepRule {
    /// Whether a parameter without a gradient can be brought over many steps at once, and stays finite there.
    pub(crate) fn can_wait(self) -> bool {
        let decay = self.lr * self.weight_decay;
        if self.momentum == 0.0 {
            return decay <= 1.0;
        }
        self.l1 == 0.0 && self.momentum < 1.0 && decay <= 1.0 && (0.0..=1.0).contains(&self.dampening)
    }

    /// Whether all that a step does to parameters without a gradient is to multiply them by one number, not close to zero.
    pub(super) fn decays_alike(self) -> bool {
        self.momentum == 0.0 && self.l1 == 0.0 && self.lr * self.weight_decay <= 0.5
    }

    /// Where a step with momentum and without L1 takes (θ, v), given the slope.
    fn step(self, [theta, velocity]: [f64; 2], slope: f64) -> [f64; 2] {
        let direction = slope + self.weight_decay * theta;
        let velocity = self.momentum * velocity + (1.0 - self.dampening) * direction;
        let way = if self.nesterov { direction + self.momentum * velocity } else { velocity };
        [theta - self.lr * way, velocity]
    }

    /// M: its columns are where a step takes (1, 0) and (0, 1).
    fn glide(self) -> Glide {
        let [of_theta, of_velocity] = [[1.0, 0.0], [0.0, 1.0]].map(|unit| self.step(unit, 0.0));
        [0, 1].map(|i| [of_theta[i], of_velocity[i]])
    }
}

impl Lazy {
    /// Before `n_steps` steps by a rule, for which every parameter is up to date.
    pub(crate) fn begin(&mut self, model: &Model, rule: StepRule, n_steps: usize) {
        self.rule = rule;
        self.weights = model.n_features * model.n_outputs;
        self.seen.clear();
        self.seen.resize(model.n_parameters(), 0);
        self.shrinks.clear();
        self.glides.clear();
        if rule.momentum > 0.0 {
            let (step, mut steps) = (rule.glide(), [[1.0, 0.0], [0.0, 1.0]]);
            for _ in 0..=n_steps {
                self.glides.push(steps);
                steps = steps.map(|row| [0, 1].map(|j| row[0] * step[0][j] + row[1] * step[1][j]));
            }
            return;
        }
        let (kept, threshold) = (1.0 - rule.lr * rule.weight_decay, rule.lr * rule.l1);
        let (mut power, mut drop) = (1.0, 0.0);
        for _ in 0..=n_steps {
            self.shrinks.push([power, drop]);
            drop += threshold * power;
            power *= kept;
        }
    }

    /// Brings the weights of some rows to where they are after `step` steps.
    pub(super) fn catch_up_rows(&mut self, moving: &mut Moving<'_>, x: &Csr, batch: &Batch<'_>, step: usize) {
        for position in 0..batch.len() {
            let (columns, _) = x.row(batch.row(position));
            for first in (0..self.weights).step_by(x.n_columns()) {
                for &column in columns {
                    self.catch_up(moving, first + column as usize, step);
                }
            }
        }
    }

    /// Brings every parameter to where it is after `step` steps.
    pub(crate) fn catch_up_all(&mut self, moving: &mut Moving<'_>, step: usize) {
        for index in 0..self.weights {
            self.catch_up(moving, index, step);
        }
    }

    /// Brings a weight to where it is after `step` steps.
    #[inline]
    pub(crate) fn catch_up(&mut self, moving: &mut Moving<'_>, index: usize, step: usize) {
        let missed = step - self.seen[index] as usize;
        self.seen[index] = step as u32;
        if missed == 0 {
            return;
        }
        let theta = &mut moving.theta[index];
        if self.rule.momentum > 0.0 {
            let velocity = &mut moving.velocity[index];
            let here = [f64::from(*theta), f64::from(*velocity)];
            [*theta, *velocity] = self.glides[missed].map(|row| (row[0] * here[0] + row[1] * here[1]) as f32);
        } else {
            let [power, drop] = self.shrinks[missed];
            *theta = shrunk(power * f64::from(*theta), drop);
        }
    }

    /// The step after `step` others for the parameters that the gradient of `n_rows` rows touches.
    pub(super) fn apply(&mut self, moving: &mut Moving<'_>, gradient: &Gradient, n_rows: usize, step: usize) {
        let slopes = gradient.values();
        if let Some(touched) = gradient.touched() {
            for &index in touched {
                self.step(moving, index as usize, f64::from(slopes[index as usize]) / n_rows as f64, step);
            }
            return;
        }
        self.catch_up_all(moving, step);
        for (index, &slope) in slopes.iter().enumerate() {
            self.step(moving, index, f64::from(slope) / n_rows as f64, step);
        }
    }

    /// The step after `step` others for a parameter that has seen them, down a slope.
    #[inline]
    pub(crate) fn step(&mut self, moving: &mut Moving<'_>, index: usize, slope: f64, step: usize) {
        self.seen[index] = step as u32 + 1;
        let (theta, rule) = (&mut moving.theta[index], self.rule);
        if rule.momentum > 0.0 {
            let velocity = &mut moving.velocity[index];
            let here = [f64::from(*theta), f64::from(*velocity)];
            [*theta, *velocity] = rule.step(here, slope).map(|value| value as f32);
            return;
        }
        let [kept, threshold] = self.shrinks[1];
        let moved = kept * f64::from(*theta) - rule.lr * slope;
        *theta = shrunk(moved, if index < self.weights { threshold } else { 0.0 });
    }
}

/// sign(θ)·max(0, |θ| − threshold); NaN stays NaN.
#[inline]
fn shrunk(theta: f64, threshold: f64) -> f32 {
    ((theta.abs() - threshold).max(0.0) * theta.signum()) as f32
}
