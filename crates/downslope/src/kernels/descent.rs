//! Stochastic descent on dense rows of one score: a step a row, weights in registers.
//!
//! What bounds a step is the chain from one row to the next: derivative → score of the next row → derivative. The dot product
//! is not on it: the next row is scored with the weights of before, while the derivative is computed, and the step
//! W ← W + δx, b ← b + δ moves that score by δ·(x·x′ + 1). Losses are computed for sixteen steps at a time, rows are fetched
//! ahead, and no gradient is written. Rows of more than 64 columns are scored when their weights are there.
//!
//! The first of sixteen rows of an epoch is scored with the weights themselves: of rows that are streamed, the next is
//! not always there.

use super::lanes::{LANES, Lanes, Wanted};
use super::losses::derivative_of_one;
use super::update::RuleLanes;
use super::{Kernel, Rows, Targets};
use crate::loss::Loss;
use crate::objective::{LossSum, StepLosses, StepRule, TOGETHER};

/// A step down w∇ℓ for one row after the other.
pub(crate) struct OneRowSteps<'a> {
    /// The loss, not cross-entropy.
    pub(crate) loss: Loss,
    /// The rows, in the order of their steps, and those that come behind them.
    pub(crate) x: Rows<'a>,
    /// How many steps are taken.
    pub(crate) n_steps: usize,
    /// Rows of the epoch before the first.
    pub(crate) n_before: usize,
    /// The score of the first row, if steps before it have told, and afterwards that of the row behind the last, if known.
    pub(crate) ahead: &'a mut Vec<f32>,
    /// The targets and weights of all rows of the table.
    pub(crate) targets: Targets<'a>,
    /// How a step is taken.
    pub(crate) rule: StepRule,
    /// Weights, and the bias behind them.
    pub(crate) theta: &'a mut [f32],
    /// As many velocities, or none without momentum.
    pub(crate) velocity: &'a mut [f32],
    /// What the steps are told to; the first without a finite loss is the last.
    pub(crate) losses: &'a mut StepLosses,
}

/// All of a row, or the first lines of a long one, is asked for so many steps ahead. With bursts of first lines and only twelve
/// ahead, 128 columns from memory took 95 ns instead of 91, 32 columns 19.4 instead of 17.7 (Intel Xeon, family 6, model 167).
const NEXT: usize = 40;
const LINES: usize = 16;

/// Sixteens of columns up to which the next row is scored ahead: wider ones leave AVX2 no registers (128 columns took 50
/// instead of 42 ns there, 64 took 31 instead of 37).
const AHEAD: usize = 4;

impl Kernel for OneRowSteps<'_> {
    type Output = ();

    #[inline(always)]
    fn run<V: Lanes>(self) {
        if self.n_steps == 0 {
            return;
        }
        if !self.rule.is_plain() {
            return self.by_rule::<V>();
        }
        match self.x.width().div_ceil(LANES) {
            1 => self.in_registers::<V, 1>(),
            2 => self.in_registers::<V, 2>(),
            3..=4 => self.in_registers::<V, 4>(),
            5..=8 => self.in_registers::<V, 8>(),
            _ => self.in_memory::<V>(),
        }
    }
}

impl OneRowSteps<'_> {
    /// C·16 weights in registers; those beyond the last are zero and see only zeros.
    #[inline(always)]
    fn in_registers<V: Lanes, const C: usize>(self) {
        let (width, lr) = (self.x.width(), self.rule.lr as f32);
        // The bias stands in the first lane alone, where every sum of products begins.
        let first_lane = V::load_part(&[1.0]);
        let (weight, bias) = self.theta.split_at_mut(width);
        let mut bias_lane = V::load_part(bias);
        let mut theta = load::<V, C>(weight);
        let mut record = Record::new(self.loss);
        let mut x = load::<V, C>(self.x.row(0));
        let is_ahead = |position: usize| C <= AHEAD && !(self.n_before + position).is_multiple_of(TOGETHER);
        let mut score = match self.ahead[..] {
            [score] if is_ahead(0) => score,
            _ => dot(&x, &theta, bias_lane).first(),
        };
        self.ahead.clear();
        let mut is_broken_off = false;
        for position in 0..self.n_steps {
            Self::prefetch::<V>(&self.x, self.targets, position);
            // Beside the chain. The last row stands in for one that is not there.
            let next = load::<V, C>(self.x.row((position + 1).min(self.x.len() - 1)));
            let (before, product) = if C <= AHEAD {
                (dot(&next, &theta, bias_lane).first(), dot(&next, &x, first_lane).first())
            } else {
                (0.0, 0.0)
            };
            let number = self.x.number(position);
            let (target, row_weight) = (self.targets.value(number), self.targets.weight(number));
            let step = derivative_of_one::<V>(self.loss, score, target, -lr * row_weight);
            let steps = V::splat(step);
            bias_lane = first_lane.mul_add(steps, bias_lane);
            for c in 0..C {
                theta[c] = x[c].mul_add(steps, theta[c]);
            }
            if record.push::<V>(score, target, row_weight, self.losses) {
                is_broken_off = true;
                break;
            }
            score = step.mul_add(product, before);
            // A product beyond all numbers tells nothing, not even of a step of zero.
            if !is_ahead(position + 1) || !score.is_finite() {
                score = dot(&next, &theta, bias_lane).first();
            }
            x = next;
        }
        if !is_broken_off && self.n_steps < self.x.len() && is_ahead(self.n_steps) {
            self.ahead.push(score);
        }
        record.flush::<V>(self.losses);
        bias_lane.store_part(bias);
        for (c, theta) in theta.into_iter().enumerate() {
            theta.store_part(part_mut(weight, c));
        }
    }

    /// Asks for a row well ahead.
    #[inline(always)]
    fn prefetch<V: Lanes>(x: &Rows<'_>, targets: Targets<'_>, position: usize) {
        let next = position + NEXT..position + NEXT + 1;
        targets.prefetch::<V>(x.which(), next.clone());
        x.prefetch_lines::<V>(next, 0..x.width().div_ceil(LANES).min(LINES), Wanted::Soon);
    }

    /// More weights than registers: they stay in the first cache.
    #[inline(always)]
    fn in_memory<V: Lanes>(self) {
        let (width, lr) = (self.x.width(), self.rule.lr as f32);
        let mut record = Record::new(self.loss);
        self.ahead.clear();
        for position in 0..self.n_steps {
            let row = self.x.row(position);
            Self::prefetch::<V>(&self.x, self.targets, position);
            let (weight, bias) = self.theta.split_at_mut(width);
            let score = dot_of_four::<V>(row, weight).first() + bias[0];
            let number = self.x.number(position);
            let (target, row_weight) = (self.targets.value(number), self.targets.weight(number));
            let step = derivative_of_one::<V>(self.loss, score, target, -lr * row_weight);
            bias[0] += step;
            let steps = V::splat(step);
            let (weight_chunks, weight_rest) = weight.as_chunks_mut::<LANES>();
            let (row_chunks, row_rest) = row.as_chunks::<LANES>();
            for (weight, row) in weight_chunks.iter_mut().zip(row_chunks) {
                V::load(row).mul_add(steps, V::load(weight)).store(weight);
            }
            V::load_part(row_rest).mul_add(steps, V::load_part(weight_rest)).store_part(weight_rest);
            if record.push::<V>(score, target, row_weight, self.losses) {
                break;
            }
        }
        record.flush::<V>(self.losses);
    }

    /// Steps with momentum or penalties. Weights and velocities stay in the first cache.
    #[inline(always)]
    fn by_rule<V: Lanes>(self) {
        let width = self.x.width();
        let (lanes, mut record) = (RuleLanes::<V>::of(self.rule, false), Record::new(self.loss));
        self.ahead.clear();
        for position in 0..self.n_steps {
            Self::prefetch::<V>(&self.x, self.targets, position);
            let (row, number) = (self.x.row(position), self.x.number(position));
            let score = dot_of_four::<V>(row, &self.theta[..width]).first() + self.theta[width];
            let (target, row_weight) = (self.targets.value(number), self.targets.weight(number));
            let slope = derivative_of_one::<V>(self.loss, score, target, row_weight);
            lanes.update_with_bias(slope, (row, &[1.0]), self.velocity, self.theta);
            if record.push::<V>(score, target, row_weight, self.losses) {
                break;
            }
        }
        record.flush::<V>(self.losses);
    }
}

/// C·16 numbers; those beyond the last are zero.
#[inline(always)]
fn load<V: Lanes, const C: usize>(values: &[f32]) -> [V; C] {
    let mut lanes = [V::splat(0.0); C];
    for (c, lanes) in lanes.iter_mut().enumerate() {
        *lanes = V::load_part(part(values, c));
    }
    lanes
}

/// The dot product and a first lane, in every lane. Up to four sums side by side make it short.
#[inline(always)]
fn dot<V: Lanes, const C: usize>(a: &[V; C], b: &[V; C], first_lane: V) -> V {
    let mut sums = [first_lane; 4];
    for c in 0..C {
        sums[c % 4] = if (1..4).contains(&c) { a[c] * b[c] } else { a[c].mul_add(b[c], sums[c % 4]) };
    }
    let sum = match C {
        1 => sums[0],
        2 => sums[0] + sums[1],
        _ => (sums[0] + sums[1]) + (sums[2] + sums[3]),
    };
    sum.sum()
}

/// The dot product, in every lane, by four sums side by side.
#[inline(always)]
fn dot_of_four<V: Lanes>(a: &[f32], b: &[f32]) -> V {
    let (a_chunks, a_rest) = a.as_chunks::<LANES>();
    let (b_chunks, b_rest) = b.as_chunks::<LANES>();
    let mut sums = [V::splat(0.0); 4];
    let (a_fours, a_few) = a_chunks.as_chunks::<4>();
    let (b_fours, b_few) = b_chunks.as_chunks::<4>();
    for (a, b) in a_fours.iter().zip(b_fours) {
        for c in 0..4 {
            sums[c] = V::load(&a[c]).mul_add(V::load(&b[c]), sums[c]);
        }
    }
    for (a, b) in a_few.iter().zip(b_few) {
        sums[0] = V::load(a).mul_add(V::load(b), sums[0]);
    }
    sums[1] = V::load_part(a_rest).mul_add(V::load_part(b_rest), sums[1]);
    ((sums[0] + sums[1]) + (sums[2] + sums[3])).sum()
}

/// The c-th sixteen of a slice, or what there is of them.
#[inline(always)]
fn part(values: &[f32], c: usize) -> &[f32] {
    let start = (c * LANES).min(values.len());
    &values[start..(start + LANES).min(values.len())]
}

#[inline(always)]
fn part_mut(values: &mut [f32], c: usize) -> &mut [f32] {
    let start = (c * LANES).min(values.len());
    let end = (start + LANES).min(values.len());
    &mut values[start..end]
}

/// Scores, targets and weights of steps whose losses are still to be computed.
pub(super) struct Record {
    loss: Loss,
    is_finite_below: f32,
    scores: [f32; LANES],
    targets: [f32; LANES],
    weights: [f32; LANES],
    n: usize,
}

impl Record {
    #[inline(always)]
    pub(super) fn new(loss: Loss) -> Self {
        let (is_finite_below, none) = (loss.is_finite_below(), [0.0; LANES]);
        Self { loss, is_finite_below, scores: none, targets: none, weights: none, n: 0 }
    }

    /// Notes a step and says whether it is the last because its loss is not finite.
    #[inline(always)]
    pub(super) fn push<V: Lanes>(&mut self, score: f32, target: f32, weight: f32, losses: &mut StepLosses) -> bool {
        self.scores[self.n] = score;
        self.targets[self.n] = target;
        self.weights[self.n] = weight;
        self.n += 1;
        let is_finite = score.abs() + target.abs() < self.is_finite_below;
        if self.n == LANES || !is_finite {
            self.flush::<V>(losses);
            return !is_finite && !losses.last.sum.is_finite();
        }
        false
    }

    /// Tells the losses of all steps noted.
    #[inline(always)]
    pub(super) fn flush<V: Lanes>(&mut self, losses: &mut StepLosses) {
        let values = self.loss.of_score(V::load(&self.scores), V::load(&self.targets), V::splat(0.0)).0;
        let mut lanes = [0.0; LANES];
        values.store(&mut lanes);
        // Multiplied in `f64`, where no weight makes a loss infinite that is not.
        for (&value, &weight) in lanes[..self.n].iter().zip(&self.weights) {
            losses.push(LossSum::new(f64::from(value) * f64::from(weight), 1));
        }
        self.n = 0;
    }
}
