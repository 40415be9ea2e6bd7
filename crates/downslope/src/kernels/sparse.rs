//! Rows of which only the values other than zero are kept: scores, gradients and steps that touch only those.
//!
//! On the machines at hand, gathering lanes from memory by one instruction is no faster than loading them one by one;
//! so these loops run on single numbers, in eight sums side by side.

use std::ops::Range;

use super::descent::Record;
use super::lanes::{LANES, Lanes, Wanted};
use super::losses::derivative_of_one;
use super::slices::scale;
use super::{Kernel, Strides, Targets};
use crate::data::Csr;
use crate::loader::Batch;
use crate::loss::Loss;
use crate::objective::StepLosses;

/// Sums side by side in a dot product.
const CHAINS: usize = 8;
/// Rows are fetched so many steps ahead.
const AHEAD: usize = 8;

/// `out`(r, o) = Σₖ x(r, k)·weight(o, k) + bias(o).
pub(crate) struct SparseScores<'a> {
    /// The table.
    pub(crate) x: &'a Csr,
    /// Which of its rows.
    pub(crate) batch: &'a Batch<'a>,
    /// (outputs, columns of x), row-major.
    pub(crate) weight: &'a [f32],
    /// (outputs).
    pub(crate) bias: &'a [f32],
    /// Where the scores go.
    pub(crate) out: &'a mut [f32],
    /// How far apart they stand in `out`.
    pub(crate) strides: Strides,
}

impl Kernel for SparseScores<'_> {
    type Output = ();

    #[inline(always)]
    fn run<V: Lanes>(self) {
        for position in 0..self.batch.len() {
            prefetch::<V>(self.x, self.batch, position + AHEAD, &Csr::BOTH);
            let row = self.x.row(self.batch.row(position));
            for (output, weight) in self.weight.chunks_exact(self.x.n_columns()).enumerate() {
                let score = dot(row, weight, 0) + self.bias[output];
                self.out[position * self.strides.row + output * self.strides.output] = score;
            }
        }
    }
}

/// into(o, :) ← into(o, :) + Σᵣ factor(r, o)·row(r, :), r in order.
pub(crate) struct SparseGradient<'a> {
    /// The table.
    pub(crate) x: &'a Csr,
    /// Which of its rows.
    pub(crate) batch: &'a Batch<'a>,
    /// By how much each is added.
    pub(crate) factors: &'a [f32],
    /// How far apart the factors stand.
    pub(crate) strides: Strides,
    /// (outputs, columns of x), row-major.
    pub(crate) into: &'a mut [f32],
}

impl Kernel for SparseGradient<'_> {
    type Output = ();

    #[inline(always)]
    fn run<V: Lanes>(self) {
        for position in 0..self.batch.len() {
            prefetch::<V>(self.x, self.batch, position + AHEAD, &Csr::BOTH);
            let row = self.x.row(self.batch.row(position));
            for (output, into) in self.into.chunks_exact_mut(self.x.n_columns()).enumerate() {
                let factor = self.factors[position * self.strides.row + output * self.strides.output];
                add(factor, row, into, 0);
            }
        }
    }
}

/// θ ← (1 − lr·`weight_decay`)·θ − lr·w∇ℓ for one row of one score after the other.
///
/// Weight decay is taken together for all weights: see [`Decay`].
pub(crate) struct SparseOneRowSteps<'a> {
    /// The loss, not cross-entropy.
    pub(crate) loss: Loss,
    /// The table.
    pub(crate) x: &'a Csr,
    /// Its rows, in the order of their steps.
    pub(crate) batch: &'a Batch<'a>,
    /// The targets and weights of all rows of the table.
    pub(crate) targets: Targets<'a>,
    /// The learning rate.
    pub(crate) lr: f64,
    /// The L2 penalty; `lr` times it is below 1.
    pub(crate) weight_decay: f64,
    /// Weights, and the bias behind them.
    pub(crate) theta: &'a mut [f32],
    /// What the steps are told to; the first without a finite loss is the last.
    pub(crate) losses: &'a mut StepLosses,
}

/// What weight decay makes of all weights alike. They are c·u, where each step makes c smaller and changes u where its rows have
/// values; at the end, or where c becomes very small, it goes into all of them (Shalev-Shwartz et al. 2011, "Pegasos").
pub(crate) struct Decay {
    kept: f64,
    c: f64,
}

impl Decay {
    /// Where c is smaller it goes into the weights: u is larger by as much, and must stay a number.
    const SMALLEST: f64 = 1e-6;

    /// Weights as they are, before steps that keep 1 − lr·`weight_decay` of them.
    pub(crate) fn begin(lr: f64, weight_decay: f64) -> Self {
        Self { kept: 1.0 - lr * weight_decay, c: 1.0 }
    }

    /// What a step keeps of a bias.
    #[inline(always)]
    pub(crate) fn kept(&self) -> f32 {
        self.kept as f32
    }

    /// How many times u the weights are.
    #[inline(always)]
    pub(crate) fn c(&self) -> f32 {
        self.c as f32
    }

    /// Makes all weights smaller by a step, and tells how many times what is added to them is to be added to u.
    #[inline(always)]
    pub(crate) fn step(&mut self, u: &mut [f32]) -> f32 {
        self.c *= self.kept;
        if self.c < Self::SMALLEST {
            self.end(u);
        }
        (1.0 / self.c) as f32
    }

    /// Makes u the weights.
    pub(crate) fn end(&mut self, u: &mut [f32]) {
        if self.c < 1.0 {
            scale(self.c as f32, u);
        }
        self.c = 1.0;
    }
}

impl Kernel for SparseOneRowSteps<'_> {
    type Output = ();

    #[inline(always)]
    fn run<V: Lanes>(self) {
        if self.weight_decay > 0.0 { self.steps::<V, true>() } else { self.steps::<V, false>() }
    }
}

impl SparseOneRowSteps<'_> {
    #[inline(always)]
    fn steps<V: Lanes, const DECAYS: bool>(self) {
        let (lr, mut decay) = (self.lr as f32, Decay::begin(self.lr, self.weight_decay));
        let (weight, bias) = self.theta.split_at_mut(self.x.n_columns());
        let mut record = Record::new(self.loss);
        for position in 0..self.batch.len() {
            prefetch::<V>(self.x, self.batch, position + AHEAD, &Csr::BOTH);
            self.targets.prefetch::<V>(self.batch, position + AHEAD..position + AHEAD + 1);
            let number = self.batch.row(position);
            let row = self.x.row(number);
            let product = dot(row, weight, 0);
            let score = if DECAYS { decay.c().mul_add(product, bias[0]) } else { product + bias[0] };
            let (target, row_weight) = (self.targets.value(number), self.targets.weight(number));
            let step = derivative_of_one::<V>(self.loss, score, target, -lr * row_weight);
            if DECAYS {
                bias[0] = decay.kept().mul_add(bias[0], step);
                add(step * decay.step(weight), row, weight, 0);
            } else {
                bias[0] += step;
                add(step, row, weight, 0);
            }
            if record.push::<V>(score, target, row_weight, self.losses) {
                break;
            }
        }
        record.flush::<V>(self.losses);
        decay.end(weight);
    }
}

/// Takes the step of the rows at some positions, then scores the rows behind them: in half 0 of the columns, in half 1, or in
/// both, but in sums of their own.
///
/// weight ← weight + Σᵣ factor(r)·row(r, :) over the last rows, then sum(h, r) = Σₖ x(r, k)·weight(k) over the columns k of
/// half h, for the next rows r.
pub(crate) struct StepAndHalfScores<'a> {
    /// The table.
    pub(crate) x: &'a Csr,
    /// Which of its rows, those of all steps.
    pub(crate) batch: &'a Batch<'a>,
    /// Which halves of the columns.
    pub(crate) halves: Range<usize>,
    /// The positions of the rows to step with.
    pub(crate) last: Range<usize>,
    /// By how much each is added.
    pub(crate) factors: &'a [f32],
    /// The positions of the rows to score.
    pub(crate) next: Range<usize>,
    /// Where the sums over each half go; nothing is written for one that is not asked for.
    pub(crate) sums: [&'a mut [f32]; 2],
    /// The weights of these halves.
    pub(crate) weight: &'a mut [f32],
}

impl Kernel for StepAndHalfScores<'_> {
    type Output = ();

    #[inline(always)]
    fn run<V: Lanes>(self) {
        let Self { x, batch, halves, .. } = self;
        let first = if halves.start == 0 { 0 } else { x.middle() };
        for (position, &factor) in self.last.zip(self.factors) {
            prefetch::<V>(x, batch, position + AHEAD, &halves);
            add(factor, x.halves(batch.row(position), &halves), self.weight, first);
        }
        for (index, position) in self.next.enumerate() {
            prefetch::<V>(x, batch, position + AHEAD, &halves);
            for half in halves.clone() {
                let row = x.halves(batch.row(position), &(half..half + 1));
                self.sums[half][index] = dot(row, self.weight, first);
            }
        }
    }
}

/// Σ value·weight(column − first) over a row in [`CHAINS`] sums side by side.
#[inline(always)]
fn dot((columns, values): (&[u32], &[f32]), weight: &[f32], first: usize) -> f32 {
    let mut sums = [0.0_f32; CHAINS];
    let (column_chunks, column_rest) = columns.as_chunks::<CHAINS>();
    let (value_chunks, value_rest) = values.as_chunks::<CHAINS>();
    for (columns, values) in column_chunks.iter().zip(value_chunks) {
        for chain in 0..CHAINS {
            sums[chain] = values[chain].mul_add(weight[columns[chain] as usize - first], sums[chain]);
        }
    }
    for (chain, (&column, value)) in column_rest.iter().zip(value_rest).enumerate() {
        sums[chain] = value.mul_add(weight[column as usize - first], sums[chain]);
    }
    let mut apart = CHAINS / 2;
    while apart > 0 {
        for chain in 0..apart {
            sums[chain] += sums[chain + apart];
        }
        apart /= 2;
    }
    sums[0]
}

/// into(column − first) ← into(column − first) + factor·value.
#[inline(always)]
fn add(factor: f32, (columns, values): (&[u32], &[f32]), into: &mut [f32], first: usize) {
    for (&column, value) in columns.iter().zip(values) {
        let into = &mut into[column as usize - first];
        *into = factor.mul_add(*value, *into);
    }
}

/// Asks for the halves of a row of a batch, if it has one at the position, and for where a later one starts.
#[inline(always)]
fn prefetch<V: Lanes>(x: &Csr, batch: &Batch<'_>, position: usize, halves: &Range<usize>) {
    /// Cache lines of sixteen values; farther on, the machine has noticed that a row is read in order.
    const LINES: usize = 8;
    let Batch::Rows(numbers) = batch else { return };
    if let Some(&later) = numbers.get(position + AHEAD) {
        let (bounds, at) = x.bounds(later as usize);
        V::prefetch(bounds, at, Wanted::Next);
    }
    if let Some(&number) = numbers.get(position) {
        for at in x.range(number as usize, halves).step_by(LANES).take(LINES) {
            V::prefetch(x.indices(), at, Wanted::Soon);
            V::prefetch(x.values(), at, Wanted::Soon);
        }
    }
}
