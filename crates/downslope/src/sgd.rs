//! How does a gradient become a step?
//!
//! Stochastic gradient descent with every option of `torch.optim.SGD`, in PyTorch's order of operations. The optimiser
//! knows no data and no loss: given θ, a mean gradient g and a rate, it takes the step. Its only memory, the momentum
//! buffer, is the caller's, so that a run can be stopped and resumed with the same bits.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Problem, Result};
use crate::kernels::{self, Update};
use crate::objective::{Gradient, StepRule};

/// `torch.optim.SGD`, and a proximal L1 penalty.
///
/// ```text
/// g ← −g                              if maximize
/// g ← g + weight_decay·θ
/// v ← g at the first step, then v ← momentum·v + (1 − dampening)·g
/// g ← g + momentum·v if nesterov, else v         (both only with momentum)
/// θ ← θ − lr·g
/// θ ← sign(θ)·max(0, |θ| − lr·l1)                 weights only
/// ```
///
/// | field | symbol | default | range | meaning |
/// |---|---|---|---|---|
/// | `lr` | η | 0.01 | finite, > 0 | how far a step goes |
/// | `momentum` | μ | 0 | 0 ≤ μ < ∞ | how much of the last direction is kept |
/// | `dampening` | τ | 0 | finite | how much of the new gradient is left out of it |
/// | `weight_decay` | λ | 0 | finite, ≥ 0 | L2 penalty ½λ‖θ‖², on biases too, as PyTorch |
/// | `nesterov` | | no | needs μ > 0, τ = 0 | look ahead along the momentum |
/// | `maximize` | | no | | go up instead of down |
/// | `l1` | | 0 | finite, ≥ 0 | L1 penalty l1·‖weights‖₁ |
///
/// **Numerics.** `f32` throughout, the rate rounded to `f32` once, products added with one rounding (but for plain steps of
/// a sparse gradient). Nothing here turns a number into NaN; an infinite gradient makes θ infinite and the trainer stops the run.
///
/// **Cost.** Plain: one pass over θ (over the touched indices of a sparse gradient). Momentum: one buffer as long as θ
/// and a dense pass. Penalties: a dense pass. But on sparse rows a linear [`crate::objective::EmpiricalLoss`] of many weights touches
/// only those of its rows and makes up for the rest later, in `f64`, with penalties or with momentum (below 1) and weight decay;
/// not with momentum and L1.
///
/// **Differs from**: scikit-learn and Vowpal Wabbit spare the bias from L2; PyTorch and this do not. PyTorch has no L1.
/// The truncation of Langford et al. is the same as the proximal step when done every step, as here. L1 spares biases.
///
/// ```
/// use downslope::{objective::Gradient, sgd::Sgd};
/// let sgd = Sgd { lr: 0.1, momentum: 0.5, ..Sgd::default() }.checked()?;
/// let (mut theta, mut velocity, mut gradient) = (vec![1.0], Vec::new(), Gradient::dense(1));
/// gradient.values_mut()[0] = 2.0;
/// sgd.step(&mut theta, &mut velocity, &gradient, sgd.rate(), &[]); // v = 2, θ = 1 − 0.1·2
/// sgd.step(&mut theta, &mut velocity, &gradient, sgd.rate(), &[]); // v = 0.5·2 + 2 = 3, θ = 0.8 − 0.3
/// assert_eq!(theta, [0.5]);
/// # downslope::Result::Ok(())
/// ```
///
/// **References**: Robbins and Monro 1951; Polyak 1964; Sutskever et al. 2013 (eq. 3–4, in PyTorch's form);
/// Duchi and Singer 2009; Langford, Li and Zhang 2009.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sgd {
    /// Learning rate η.
    pub lr: f64,
    /// Momentum μ.
    pub momentum: f64,
    /// Dampening τ.
    pub dampening: f64,
    /// Weight decay λ.
    pub weight_decay: f64,
    /// Nesterov's momentum.
    pub nesterov: bool,
    /// Up instead of down.
    pub maximize: bool,
    /// L1 penalty on the weights.
    pub l1: f64,
}

/// What a schedule decides for one step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rate {
    /// Learning rate η.
    pub lr: f64,
    /// Momentum μ.
    pub momentum: f64,
}

impl Default for Sgd {
    fn default() -> Self {
        Self { lr: 0.01, momentum: 0.0, dampening: 0.0, weight_decay: 0.0, nesterov: false, maximize: false, l1: 0.0 }
    }
}

impl Sgd {
    /// Plain descent at a rate.
    pub fn new(lr: f64) -> Self {
        Self { lr, ..Self::default() }
    }

    /// The same options, if they can be used.
    ///
    /// # Errors
    /// Everything that is wrong, together.
    pub fn checked(self) -> Result<Self> {
        Error::unless_empty(self.problems())?;
        Ok(self)
    }

    /// Everything that is wrong with the options.
    pub fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        let mut check = |setting, value: f64, holds: bool, expected: &str| {
            if !holds {
                problems.push(Problem::new(setting, expected, value));
            }
        };
        let at_least_zero = |value: f64| value >= 0.0 && value.is_finite();
        check("lr", self.lr, self.lr > 0.0 && self.lr.is_finite(), "a finite number above 0");
        check("momentum", self.momentum, at_least_zero(self.momentum), "a finite number, 0 or above");
        check("dampening", self.dampening, self.dampening.is_finite(), "a finite number");
        check("weight-decay", self.weight_decay, at_least_zero(self.weight_decay), "a finite number, 0 or above");
        check("l1", self.l1, at_least_zero(self.l1), "a finite number, 0 or above");
        if self.nesterov && (self.momentum <= 0.0 || self.dampening != 0.0) {
            let found = format!("momentum {} and dampening {}", self.momentum, self.dampening);
            problems.push(Problem::new("nesterov", "momentum above 0 and dampening 0 with it", found));
        }
        problems
    }

    /// Whether something beside the loss goes down.
    pub fn is_penalised(&self) -> bool {
        self.weight_decay > 0.0 || self.l1 > 0.0
    }

    /// Whether momentum keeps all of a speed, or more. Nesterov's looks ahead, which takes a little off even at 1.
    pub fn never_comes_to_rest(&self) -> bool {
        self.momentum > 1.0 || self.momentum >= 1.0 && !self.nesterov
    }

    /// What goes down beside the loss: ½·`weight_decay`·‖θ‖² + `l1`·‖weights‖₁, the weights in the ranges `shrunk` of θ.
    pub fn penalty(&self, theta: &[f32], shrunk: &[Range<usize>]) -> f64 {
        let weights = shrunk.iter().flat_map(|range| &theta[range.clone()]);
        let sizes: f64 = weights.map(|&weight| f64::from(weight).abs()).sum();
        0.5 * self.weight_decay * kernels::sum_of_squares(theta) + self.l1 * sizes
    }

    /// The rate without a schedule.
    pub fn rate(&self) -> Rate {
        Rate { lr: self.lr, momentum: self.momentum }
    }

    /// The rule of a step at a rate, if it goes down, so that an objective may fuse it.
    pub fn rule(&self, rate: Rate) -> Option<StepRule> {
        (!self.maximize).then(|| self.rule_down(rate))
    }

    /// The rule of a step at a rate, down the gradient or, with its sign turned, up.
    fn rule_down(&self, rate: Rate) -> StepRule {
        let Self { weight_decay, l1, dampening, nesterov, .. } = *self;
        StepRule { lr: rate.lr, weight_decay, l1, momentum: rate.momentum, dampening, nesterov }
    }

    /// Takes one step.
    ///
    /// `velocity` is the momentum buffer: empty before the first step, as long as θ after it; left alone without
    /// momentum. `shrunk` are the ranges of θ that L1 applies to, in their order.
    pub fn step(
        &self,
        theta: &mut [f32],
        velocity: &mut Vec<f32>,
        gradient: &Gradient,
        rate: Rate,
        shrunk: &[Range<usize>],
    ) {
        let (rule, factor) = (self.rule_down(rate), if self.maximize { -1.0 } else { 1.0 });
        if rule.is_plain() {
            return gradient.add_to(-factor * rate.lr as f32, theta);
        }
        let is_first = velocity.is_empty();
        let velocity = if rule.momentum > 0.0 {
            velocity.resize(theta.len(), 0.0);
            &mut velocity[..]
        } else {
            &mut []
        };
        let mut update = |range: Range<usize>, rule: StepRule| {
            let of_range = if velocity.is_empty() { 0..0 } else { range.clone() };
            let (theta, velocity) = (&mut theta[range.clone()], &mut velocity[of_range]);
            kernels::run(Update { rule, is_first, factor, gradient: &gradient.values()[range], velocity, theta });
        };
        // What L1 applies to, and what stands before, between and behind.
        let (mut end, without_l1) = (0, rule.without_l1());
        for range in shrunk.iter().filter(|_| rule.l1 > 0.0) {
            update(end..range.start, without_l1);
            update(range.clone(), rule);
            end = range.end;
        }
        update(end..gradient.values().len(), without_l1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nesterov_without_momentum_is_refused() {
        let error = Sgd { nesterov: true, lr: -1.0, ..Sgd::default() }.checked().unwrap_err();
        assert_eq!(
            error.to_string(),
            "`lr`: expected a finite number above 0, found `-1`; `nesterov`: expected momentum above 0 and dampening 0 with it, found `momentum 0 and dampening 0`"
        );
    }

    #[test]
    fn a_rate_that_is_no_rate_is_refused() {
        for lr in [0.0, -0.1, f64::NAN, f64::INFINITY] {
            assert!(Sgd::new(lr).checked().is_err(), "{lr}");
        }
    }

    #[test]
    fn l1_pulls_weights_to_exactly_zero_and_spares_the_rest() {
        let sgd = Sgd { lr: 0.25, l1: 1.0, ..Sgd::default() };
        let mut theta = vec![0.05, -0.5, 0.05];
        sgd.step(&mut theta, &mut Vec::new(), &Gradient::dense(3), sgd.rate(), std::slice::from_ref(&(0..2)));
        assert_eq!(theta, [0.0, -0.25, 0.05]);
    }

    #[test]
    fn a_sparse_step_equals_the_dense_one() {
        let mut sparse = Gradient::sparse(4);
        sparse.touch(2);
        sparse.values_mut()[2] = 0.5;
        let mut dense = Gradient::dense(4);
        dense.values_mut()[2] = 0.5;
        for sgd in [Sgd::new(0.1), Sgd { weight_decay: 0.1, momentum: 0.9, ..Sgd::new(0.1) }] {
            let (mut a, mut b) = (vec![1.0; 4], vec![1.0; 4]);
            let (mut u, mut v) = (Vec::new(), Vec::new());
            for _ in 0..3 {
                sgd.step(&mut a, &mut u, &sparse, sgd.rate(), &[]);
                sgd.step(&mut b, &mut v, &dense, sgd.rate(), &[]);
            }
            assert_eq!(a, b);
        }
    }
}
