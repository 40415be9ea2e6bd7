//! Rows of which only the values other than zero are kept: scores, gradients and steps of small batches that touch only those.
//!
//! On the machines at hand, gathering lanes from memory by one instruction is no faster than loading them one by one;
//! so these loops run on single numbers, in eight sums side by side.

use std::ops::Range;

use super::lanes::{LANES, Lanes, Wanted};
use super::{Kernel, Strides};
use crate::data::Csr;
use crate::loader::Batch;

/// Sums side by side in a dot product.
const CHAINS: usize = 8;
/// Rows are fetched so many steps ahead.
pub(super) const AHEAD: usize = 8;

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
pub(super) fn dot((columns, values): (&[u32], &[f32]), weight: &[f32], first: usize) -> f32 {
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
pub(super) fn add(factor: f32, (columns, values): (&[u32], &[f32]), into: &mut [f32], first: usize) {
    for (&column, value) in columns.iter().zip(values) {
        let into = &mut into[column as usize - first];
        *into = factor.mul_add(*value, *into);
    }
}

/// Asks for the halves of a row of a batch, if it has one at the position, and for where a later one starts.
#[inline(always)]
pub(super) fn prefetch<V: Lanes>(x: &Csr, batch: &Batch<'_>, position: usize, halves: &Range<usize>) {
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
