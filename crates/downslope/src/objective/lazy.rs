//! Penalties on sparse rows, applied to a weight when it is next needed.
//!
//! Weight decay and L1 change every weight in every step, a sparse row only its own. While its rows stay away, a weight
//! only decays and shrinks, θ ← S(aθ) with a = 1 − lr·`weight_decay` and S taking τ = lr·l1 off its size; and k such steps
//! are one: |θ| ← max(0, aᵏ|θ| − τ(1 − aᵏ)/(1 − a)) (Carpenter 2008, "Lazy sparse stochastic gradient descent", for each
//! penalty alone; together the sum is geometric). So a step costs its rows, and the steps are those of the eager rule up to
//! rounding.

use crate::data::Csr;
use crate::loader::Batch;
use crate::model::Model;

use super::{Gradient, StepRule};

/// How far behind its steps every parameter is.
///
/// **Cost**: a `u32` a parameter, and two `f64` for each step between two times at which all are brought up to date.
#[derive(Default)]
pub(super) struct Lazy {
    /// The steps that a parameter has seen.
    seen: Vec<u32>,
    /// aᵏ.
    powers: Vec<f64>,
    /// τ(1 + a + … + aᵏ⁻¹).
    drops: Vec<f64>,
    /// Biases, which are not shrunk, stand from here on.
    weights: usize,
}

impl Lazy {
    /// Before `n_steps` steps by a rule, for which every parameter is up to date.
    pub(super) fn begin(&mut self, model: &Model, rule: StepRule, n_steps: usize) {
        self.weights = model.n_features * model.n_outputs;
        self.seen.clear();
        self.seen.resize(model.n_parameters(), 0);
        self.powers.clear();
        self.drops.clear();
        let (kept, threshold) = (1.0 - rule.lr * rule.weight_decay, rule.lr * rule.l1);
        let (mut power, mut drop) = (1.0, 0.0);
        for _ in 0..=n_steps {
            self.powers.push(power);
            self.drops.push(drop);
            drop += threshold * power;
            power *= kept;
        }
    }

    /// Brings the weights of some rows to where they are after `step` steps.
    pub(super) fn catch_up_rows(&mut self, theta: &mut [f32], x: &Csr, batch: &Batch<'_>, step: usize) {
        for position in 0..batch.len() {
            let (columns, _) = x.row(batch.row(position));
            for first in (0..self.weights).step_by(x.n_columns()) {
                for &column in columns {
                    let index = first + column as usize;
                    self.catch_up(&mut theta[index], index, step);
                }
            }
        }
    }

    /// Brings every parameter to where it is after `step` steps.
    pub(super) fn catch_up_all(&mut self, theta: &mut [f32], step: usize) {
        for (index, theta) in theta[..self.weights].iter_mut().enumerate() {
            self.catch_up(theta, index, step);
        }
    }

    fn catch_up(&mut self, theta: &mut f32, index: usize, step: usize) {
        let missed = step - self.seen[index] as usize;
        if missed > 0 && *theta != 0.0 {
            *theta = self.shrunk(f64::from(*theta), missed);
        }
        self.seen[index] = step as u32;
    }

    /// A weight after `n` steps without a gradient.
    fn shrunk(&self, theta: f64, n: usize) -> f32 {
        ((self.powers[n] * theta.abs() - self.drops[n]).max(0.0) * theta.signum()) as f32
    }

    /// θ ← S(aθ + factor·g) for the parameters that a gradient touches, in the step after `step` others.
    pub(super) fn apply(&mut self, theta: &mut [f32], gradient: &Gradient, factor: f32, step: usize) {
        if let Some(touched) = gradient.touched() {
            for &index in touched {
                self.apply_to(&mut theta[index as usize], index as usize, gradient, factor, step);
            }
            return;
        }
        self.catch_up_all(theta, step);
        for (index, theta) in theta.iter_mut().enumerate() {
            self.apply_to(theta, index, gradient, factor, step);
        }
    }

    fn apply_to(&mut self, theta: &mut f32, index: usize, gradient: &Gradient, factor: f32, step: usize) {
        let moved = self.powers[1] * f64::from(*theta) + f64::from(factor * gradient.values()[index]);
        let drop = if index < self.weights { self.drops[1] } else { 0.0 };
        *theta = ((moved.abs() - drop).max(0.0) * moved.signum()) as f32;
        self.seen[index] = step as u32 + 1;
    }
}
