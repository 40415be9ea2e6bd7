//! Losses and their derivatives, sixteen rows at a time, each times the weight of its row.

use super::functions::{NEAR, exp, exp_of_negative, ln, ln_1p_of_share, sigmoid_of_one};
use super::lanes::{LANES, Lanes};
use super::{Kernel, Targets};
use crate::loader::Batch;
use crate::loss::Loss;
use crate::numeric::Number;

impl<V: Lanes> Number for V {
    #[inline(always)]
    fn of(value: f64) -> Self {
        V::splat(value as f32)
    }

    #[inline(always)]
    fn at_least(self, bound: Self) -> Self {
        Lanes::at_least(self, bound)
    }

    #[inline(always)]
    fn at_most(self, bound: Self) -> Self {
        Lanes::at_most(self, bound)
    }

    #[inline(always)]
    fn abs(self) -> Self {
        Lanes::abs(self)
    }

    #[inline(always)]
    fn if_above(self, limit: Self, then: Self, otherwise: Self) -> Self {
        Lanes::if_above(self, limit, then, otherwise)
    }

    #[inline(always)]
    fn exp(self) -> Self {
        exp(self)
    }

    #[inline(always)]
    fn exp_of_negative(self) -> Self {
        exp_of_negative(self)
    }

    #[inline(always)]
    fn ln_1p_of_share(self) -> Self {
        ln_1p_of_share(self)
    }
}

/// The derivative that [`Loss::of_score`] tells of one score, times a factor, up to rounding: for steps that wait for it.
#[inline(always)]
pub(super) fn derivative_of_one<V: Lanes>(loss: Loss, score: f32, target: f32, factor: f32) -> f32 {
    if loss == Loss::Logistic && score.abs() < NEAR {
        // −y·σ(−ys) with y = 2t − 1.
        let against = 1.0 - (target + target);
        return against * factor * sigmoid_of_one(against, score);
    }
    loss.of_score(V::splat(score), V::splat(target), V::splat(factor)).1.first()
}

/// Sums many `f32` in `f64`, in sixteen lanes side by side.
#[derive(Clone, Copy)]
pub(super) struct Sum([f64; LANES]);

impl Sum {
    pub(super) const ZERO: Self = Self([0.0; LANES]);

    /// Adds the first `n` lanes.
    #[inline(always)]
    pub(super) fn add<V: Lanes>(&mut self, values: V, n: usize) {
        let mut lanes = [0.0; LANES];
        values.store(&mut lanes);
        if n == LANES {
            self.0.iter_mut().zip(lanes).for_each(|(sum, value)| *sum += f64::from(value));
        } else {
            self.0.iter_mut().zip(&lanes[..n]).for_each(|(sum, &value)| *sum += f64::from(value));
        }
    }

    pub(super) fn total(self) -> f64 {
        self.0.iter().sum()
    }
}

/// What is to become of scores.
#[derive(Clone, Copy)]
pub(crate) enum Scores {
    /// They stay.
    Keep,
    /// They are replaced by so many times the derivatives of the weighted losses.
    Derive(f32),
}

/// Σ wℓ of rows of one score each, and their derivatives.
pub(crate) struct Losses<'a> {
    /// The loss, not cross-entropy.
    pub(crate) loss: Loss,
    /// The scores, one a row of the batch.
    pub(crate) scores: &'a mut [f32],
    /// The targets and weights of all rows of the table.
    pub(crate) targets: Targets<'a>,
    /// Which rows.
    pub(crate) batch: &'a Batch<'a>,
    /// What is to become of the scores.
    pub(crate) then: Scores,
}

impl Kernel for Losses<'_> {
    type Output = f64;

    #[inline(always)]
    fn run<V: Lanes>(self) -> f64 {
        let mut sum = Sum::ZERO;
        for (index, scores) in self.scores.chunks_mut(LANES).enumerate() {
            let targets = self.targets.values_at::<V>(self.batch, index * LANES, scores.len());
            let weights = self.targets.weights_at::<V>(self.batch, index * LANES, scores.len());
            let factor = match self.then {
                Scores::Keep => 0.0,
                Scores::Derive(factor) => factor,
            };
            let (values, derivatives) = self.loss.of_score(V::load_part(scores), targets, V::splat(factor) * weights);
            sum.add(values * weights, scores.len());
            if let Scores::Derive(_) = self.then {
                derivatives.store_part(scores);
            }
        }
        sum.total()
    }
}

/// Weighted cross-entropies of rows of several scores each, and their derivatives.
pub(crate) struct CrossEntropies<'a> {
    /// The scores, (classes, `stride`): one row of the table in each column.
    pub(crate) scores: &'a mut [f32],
    /// From one class to the next: at least the rows of the batch, and a multiple of sixteen.
    pub(crate) stride: usize,
    /// The targets and weights of all rows of the table.
    pub(crate) targets: Targets<'a>,
    /// Which rows.
    pub(crate) batch: &'a Batch<'a>,
    /// What is to become of the scores.
    pub(crate) then: Scores,
    /// The weighted losses, one a row of the batch.
    pub(crate) values: &'a mut [f32],
}

impl Kernel for CrossEntropies<'_> {
    type Output = ();

    /// ln Σⱼeˢʲ − sₜ as (m − sₜ) + ln Σⱼe^(sⱼ − m) with m the largest score: no term is negative and none overflows.
    #[inline(always)]
    fn run<V: Lanes>(self) {
        let n_classes = self.scores.len() / self.stride;
        for (index, values) in self.values.chunks_mut(LANES).enumerate() {
            let start = index * LANES;
            let mut of_target = [0.0; LANES];
            let class_of = |lane: usize| self.targets.value(self.batch.row(start + lane)) as usize;
            let weights = self.targets.weights_at::<V>(self.batch, start, values.len());
            for lane in 0..values.len() {
                of_target[lane] = self.scores[class_of(lane) * self.stride + start + lane];
            }
            let mut largest = V::load_part(&self.scores[start..][..LANES]);
            for class in 1..n_classes {
                largest = Lanes::at_least(largest, V::load_part(&self.scores[class * self.stride + start..][..LANES]));
            }
            let mut sum = V::splat(0.0);
            for class in 0..n_classes {
                let place = &mut self.scores[class * self.stride + start..][..LANES];
                let share = exp(V::load_part(place) - largest);
                sum = sum + share;
                if matches!(self.then, Scores::Derive(_)) {
                    share.store_part(place);
                }
            }
            (((largest - V::load(&of_target)) + ln(sum)) * weights).store_part(values);
            if let Scores::Derive(factor) = self.then {
                let (factors, mut of_rows) = (V::splat(factor) * weights, [0.0; LANES]);
                factors.store(&mut of_rows);
                let scale = factors / sum;
                for class in 0..n_classes {
                    let place = &mut self.scores[class * self.stride + start..][..LANES];
                    (scale * V::load_part(place)).store_part(place);
                }
                for lane in 0..values.len() {
                    self.scores[class_of(lane) * self.stride + start + lane] -= of_rows[lane];
                }
            }
        }
    }
}

/// The weighted cross-entropy of one row, and its derivatives: what [`CrossEntropies`] computes up to rounding, with the classes
/// side by side.
pub(crate) struct CrossEntropy<'a> {
    /// The scores, one a class.
    pub(crate) scores: &'a mut [f32],
    /// The targets and weights of all rows of the table.
    pub(crate) targets: Targets<'a>,
    /// Which row.
    pub(crate) row: usize,
    /// What is to become of the scores.
    pub(crate) then: Scores,
}

impl Kernel for CrossEntropy<'_> {
    type Output = f64;

    #[inline(always)]
    fn run<V: Lanes>(self) -> f64 {
        let (class, weight) = (self.targets.value(self.row) as usize, self.targets.weight(self.row));
        let of_target = self.scores[class];
        let mut largest = V::splat(f32::NEG_INFINITY);
        for scores in self.scores.chunks(LANES) {
            largest = Lanes::at_least(largest, or_never::<V>(scores));
        }
        let largest = largest.largest();
        let mut sum = V::splat(0.0);
        for scores in self.scores.chunks_mut(LANES) {
            let share = exp(or_never::<V>(scores) - largest);
            sum = sum + share;
            if matches!(self.then, Scores::Derive(_)) {
                share.store_part(scores);
            }
        }
        let sum = sum.sum();
        if let Scores::Derive(factor) = self.then {
            let factor = factor * weight;
            let scale = V::splat(factor) / sum;
            for scores in self.scores.chunks_mut(LANES) {
                (scale * V::load_part(scores)).store_part(scores);
            }
            self.scores[class] -= factor;
        }
        // Multiplied in `f64`, where no weight makes a loss infinite that is not.
        f64::from(((largest - V::splat(of_target)) + ln(sum)).first()) * f64::from(weight)
    }
}

/// Up to sixteen scores, and −∞ for classes that there are not.
#[inline(always)]
fn or_never<V: Lanes>(scores: &[f32]) -> V {
    const NUMBERS: [f32; LANES] = [0., 1., 2., 3., 4., 5., 6., 7., 8., 9., 10., 11., 12., 13., 14., 15.];
    if scores.len() == LANES {
        return V::load_part(scores);
    }
    let last = V::splat(scores.len() as f32 - 0.5);
    V::load(&NUMBERS).if_above(last, V::splat(f32::NEG_INFINITY), V::load_part(scores))
}

/// Σ of many `f32`, in `f64`.
pub(crate) struct SumUp<'a>(pub(crate) &'a [f32]);

impl Kernel for SumUp<'_> {
    type Output = f64;

    #[inline(always)]
    fn run<V: Lanes>(self) -> f64 {
        let mut sum = Sum::ZERO;
        self.0.chunks(LANES).for_each(|values| sum.add(V::load_part(values), values.len()));
        sum.total()
    }
}
