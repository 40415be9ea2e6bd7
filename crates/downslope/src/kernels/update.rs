//! The step that an optimiser makes of a gradient, with whatever it remembers and penalises.
//!
//! [`crate::sgd::Sgd`] has the formula. It is the same for all parameters of a model at once and for a few that stay in
//! registers from step to step.

use super::Kernel;
use super::lanes::{LANES, Lanes};
use crate::objective::StepRule;

/// A step on some parameters down `factor` times a gradient.
pub(crate) struct Update<'a> {
    /// By which rule.
    pub(crate) rule: StepRule,
    /// Whether velocities begin here: v ← g.
    pub(crate) is_first: bool,
    /// How many times the gradient is meant.
    pub(crate) factor: f32,
    /// One slope a parameter.
    pub(crate) gradient: &'a [f32],
    /// One velocity a parameter, or none without momentum.
    pub(crate) velocity: &'a mut [f32],
    /// The parameters.
    pub(crate) theta: &'a mut [f32],
}

impl Kernel for Update<'_> {
    type Output = ();

    #[inline(always)]
    fn run<V: Lanes>(self) {
        let Self { rule, is_first, factor, gradient, velocity, theta } = self;
        assert_eq!(gradient.len(), theta.len(), "a slope for every parameter");
        assert!(velocity.is_empty() || velocity.len() == theta.len(), "a velocity for every parameter, or none");
        RuleLanes::<V>::of(rule, is_first).update(factor, gradient, velocity, theta);
    }
}

/// The numbers of a rule, each in every lane.
#[derive(Clone, Copy)]
pub(super) struct RuleLanes<V> {
    minus_lr: V,
    weight_decay: V,
    momentum: V,
    /// What is kept of the velocity, and what share of the direction it gets.
    kept: V,
    share: V,
    nesterov: bool,
    /// What L1 takes off.
    threshold: V,
}

impl<V: Lanes> RuleLanes<V> {
    #[inline(always)]
    pub(super) fn of(rule: StepRule, is_first: bool) -> Self {
        let StepRule { lr, weight_decay, l1, momentum, dampening, nesterov } = rule;
        let lanes = |value: f64| V::splat(value as f32);
        let (kept, share) = if is_first { (0.0, 1.0) } else { (momentum, 1.0 - dampening) };
        Self {
            minus_lr: lanes(-lr),
            weight_decay: lanes(weight_decay),
            momentum: lanes(momentum),
            kept: lanes(kept),
            share: lanes(share),
            nesterov,
            threshold: lanes(lr * l1),
        }
    }

    /// A step on weights and the bias behind them, down `factor` times a gradient of both.
    #[inline(always)]
    pub(super) fn update_with_bias(
        self,
        factor: f32,
        (of_weight, of_bias): (&[f32], &[f32]),
        velocity: &mut [f32],
        theta: &mut [f32],
    ) {
        let (weight, bias) = theta.split_at_mut(of_weight.len());
        let (velocity, velocity_of_bias) = velocity.split_at_mut(of_weight.len().min(velocity.len()));
        self.update(factor, of_weight, velocity, weight);
        self.sparing().update(factor, of_bias, velocity_of_bias, bias);
    }

    /// The same without L1, for biases.
    #[inline(always)]
    pub(super) fn sparing(self) -> Self {
        Self { threshold: V::splat(0.0), ..self }
    }

    /// Parameters after a step without momentum.
    #[inline(always)]
    pub(super) fn step(self, theta: V, slope: V) -> V {
        self.shrunk(self.minus_lr.mul_add(self.weight_decay.mul_add(theta, slope), theta))
    }

    /// Parameters and velocities after a step with momentum.
    #[inline(always)]
    pub(super) fn step_with_momentum(self, theta: V, velocity: V, slope: V) -> [V; 2] {
        let direction = self.weight_decay.mul_add(theta, slope);
        let velocity = self.kept.mul_add(velocity, self.share * direction);
        let way = if self.nesterov { self.momentum.mul_add(velocity, direction) } else { velocity };
        [self.shrunk(self.minus_lr.mul_add(way, theta)), velocity]
    }

    /// sign(θ)·max(0, |θ| − threshold); NaN stays NaN.
    #[inline(always)]
    fn shrunk(self, theta: V) -> V {
        let none = V::splat(0.0);
        (theta - self.threshold).at_least(none) + (theta + self.threshold).at_most(none)
    }

    /// A step on a slice, down `factor` times a gradient; there are no velocities without momentum.
    #[inline(always)]
    fn update(self, factor: f32, gradient: &[f32], velocity: &mut [f32], theta: &mut [f32]) {
        let factor = V::splat(factor);
        let slopes = gradient.chunks(LANES).map(|slopes| factor * V::load_part(slopes));
        let parts = theta.chunks_mut(LANES).zip(slopes);
        if velocity.is_empty() {
            for (theta, slope) in parts {
                self.step(V::load_part(theta), slope).store_part(theta);
            }
            return;
        }
        for ((theta, slope), velocity) in parts.zip(velocity.chunks_mut(LANES)) {
            let after = self.step_with_momentum(V::load_part(theta), V::load_part(velocity), slope);
            after[0].store_part(theta);
            after[1].store_part(velocity);
        }
    }
}
