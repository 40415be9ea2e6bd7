//! Dense rows of one score: gradients of many, and steps of small batches.
//!
//! Each row is read once: scored, derived and added to the gradient while it is in the first cache.

use std::ops::Range;

use super::lanes::{LANES, Lanes, Wanted};
use super::losses::Sum;
use super::slices::Axpy;
use super::tiles::dots;
use super::{Kernel, Rows, Targets};
use crate::data::{Dataset, Matrix};
use crate::loader::Batch;
use crate::loss::Loss;
use crate::objective::{LossSum, StepLosses};

/// Rows of one score each, and what their losses are told.
pub(crate) struct LinearRows<'a> {
    /// The loss, not cross-entropy.
    pub(crate) loss: Loss,
    /// The rows.
    pub(crate) x: Rows<'a>,
    /// The targets and weights of all rows of the table.
    pub(crate) targets: Targets<'a>,
}

impl<'a> LinearRows<'a> {
    /// Rows of a table.
    pub(crate) fn of(loss: Loss, data: &'a Dataset, x: &'a Matrix, rows: &Batch<'a>) -> Self {
        let x = Rows::new(x.values(), x.n_columns(), rows.clone());
        Self { loss, x, targets: Targets::of(data) }
    }

    /// Adds `factor` times Σ w∇ℓ of the rows at some positions to `into`, shaped as θ, and returns their Σ wℓ: each row is
    /// scored and added while it is in the cache. Rows behind them are fetched.
    #[inline(always)]
    fn add_gradient<V: Lanes>(&self, positions: Range<usize>, theta: &[f32], factor: f32, into: &mut [f32]) -> f64 {
        let (width, batch) = (self.x.width(), self.x.which());
        let (weight, bias) = (&theta[..width], V::splat(theta[width]));
        let (of_weight, of_bias) = into.split_at_mut(width);
        let (mut sum, mut of_bias_sum) = (Sum::ZERO, V::splat(0.0));
        let whole = (CACHED / width / LANES * LANES).clamp(LANES, MOST_ROWS);
        let mut places = [[weight.as_ptr(); LANES]; MOST_ROWS / LANES];
        let mut steps = [[0.0; LANES]; MOST_ROWS / LANES];
        // All rows of a group are scored, then derived, then added: three loops without a chain from one turn to the next.
        for start in positions.clone().step_by(whole) {
            let n = whole.min(positions.end - start);
            let n_lanes = n.div_ceil(LANES);
            for (index, (places, scores)) in places.iter_mut().zip(&mut steps[..n_lanes]).enumerate() {
                *places = self.x.places::<LANES>(start + index * LANES);
                let ahead = start + whole + index * LANES;
                // Into the first cache: on an Intel Xeon (family 6, model 207), 32 columns took 12 instead of 20 ns a row.
                self.x.prefetch::<V>(ahead..ahead + LANES, Wanted::Next);
                self.targets.prefetch::<V>(batch, ahead..ahead + LANES);
                // SAFETY: rows and weights are `width` wide.
                (unsafe { dots::<V, LANES, 1>(*places, [weight.as_ptr()], width, None) } + bias).store(scores);
            }
            for (index, steps) in steps[..n_lanes].iter_mut().enumerate() {
                let n = LANES.min(n - index * LANES);
                let targets = self.targets.values_at::<V>(batch, start + index * LANES, n);
                let weights = self.targets.weights_at::<V>(batch, start + index * LANES, n);
                let (values, derivatives) = self.loss.of_score(V::load(steps), targets, V::splat(factor) * weights);
                sum.add(values * weights, n);
                derivatives.store(steps);
                steps[n..].fill(0.0);
                of_bias_sum = of_bias_sum + V::load(steps);
            }
            // SAFETY: the rows are as wide as their sum.
            unsafe { add_rows::<V>(&places.as_flattened()[..n], steps.as_flattened(), of_weight) };
        }
        of_bias[0] += of_bias_sum.sum().first();
        sum.total()
    }
}

/// Σ wℓ of some of the rows and the sum of their gradients.
pub(crate) struct LinearGradient<'a> {
    /// The rows.
    pub(crate) rows: LinearRows<'a>,
    /// Which of them.
    pub(crate) positions: Range<usize>,
    /// Weights, and the bias behind them.
    pub(crate) theta: &'a [f32],
    /// What every derivative is multiplied by.
    pub(crate) factor: f32,
    /// Where the sum is added, shaped as θ.
    pub(crate) into: &'a mut [f32],
}

impl Kernel for LinearGradient<'_> {
    type Output = f64;

    #[inline(always)]
    fn run<V: Lanes>(self) -> f64 {
        self.rows.add_gradient::<V>(self.positions, self.theta, self.factor, self.into)
    }
}

/// θ ← θ − lr·(1/B) Σ w∇ℓ for one small batch of B rows after the other.
pub(crate) struct LinearSteps<'a> {
    /// The rows, in the order of their batches.
    pub(crate) rows: LinearRows<'a>,
    /// Rows in a batch; the last may have fewer.
    pub(crate) batch_size: usize,
    /// The learning rate.
    pub(crate) lr: f64,
    /// Weights, and the bias behind them.
    pub(crate) theta: &'a mut [f32],
    /// Scratch, as long as θ.
    pub(crate) gradient: &'a mut [f32],
    /// What the steps are told to; the first without a finite loss is the last.
    pub(crate) losses: &'a mut StepLosses,
}

impl Kernel for LinearSteps<'_> {
    type Output = ();

    #[inline(always)]
    fn run<V: Lanes>(self) {
        let n_rows = self.rows.x.len();
        for start in (0..n_rows).step_by(self.batch_size) {
            let positions = start..(start + self.batch_size).min(n_rows);
            let n = positions.len();
            self.gradient.fill(0.0);
            let sum = self.rows.add_gradient::<V>(positions, self.theta, 1.0, self.gradient);
            Axpy((-self.lr / n as f64) as f32, self.gradient, self.theta).run::<V>();
            self.losses.push(LossSum::new(sum, n));
            if !sum.is_finite() {
                break;
            }
        }
    }
}

/// Rows that are scored before the first is added: as many as have about so many numbers, which the first cache holds,
const CACHED: usize = 4096;
/// and no more than this.
const MOST_ROWS: usize = 64;

/// into ← into + Σᵣ stepᵣ·rowᵣ.
///
/// # Safety
/// At every row's place as many numbers can be read as `into` holds.
#[inline(always)]
unsafe fn add_rows<V: Lanes>(rows: &[*const f32], steps: &[f32], into: &mut [f32]) {
    /// J·16 columns at once, their rows in K sums.
    macro_rules! columns {
        ($j:literal in $k:literal from $column:ident) => {
            // SAFETY: the same contract.
            unsafe { add_columns::<V, $j, $k>(rows, steps, $column, into) }
        };
    }
    let mut column = 0;
    while column < into.len() {
        column += match (into.len() - column) / LANES {
            8.. if V::MANY_REGISTERS => columns!(8 in 1 from column),
            4.. => columns!(4 in 1 from column),
            2.. => columns!(2 in 2 from column),
            1 => columns!(1 in 4 from column),
            0 => {
                let into = &mut into[column..];
                let mut sum = V::load_part(into);
                for (row, &step) in rows.iter().zip(steps) {
                    // SAFETY: the last numbers of the row.
                    let of_row = unsafe { V::load_first(row.add(column), into.len()) };
                    sum = V::splat(step).mul_add(of_row, sum);
                }
                sum.store_part(into);
                LANES
            }
        };
    }
}

/// The same for J·16 columns. Rows are added to K sums in turn, so that none waits for the one before.
///
/// # Safety
/// At every row's place as many numbers can be read as `into` holds.
#[inline(always)]
unsafe fn add_columns<V: Lanes, const J: usize, const K: usize>(
    rows: &[*const f32],
    steps: &[f32],
    column: usize,
    into: &mut [f32],
) -> usize {
    let into = &mut into[column..][..J * LANES].as_chunks_mut::<LANES>().0[..J];
    let mut sums = [[V::splat(0.0); J]; K];
    for j in 0..J {
        sums[0][j] = V::load(&into[j]);
    }
    let (rows, rest) = rows.as_chunks::<K>();
    let (steps, steps_of_rest) = steps.split_at(rows.len() * K);
    for (rows, steps) in rows.iter().zip(steps.as_chunks::<K>().0) {
        for k in 0..K {
            let step = V::splat(steps[k]);
            for j in 0..J {
                // SAFETY: these columns are columns of `into`.
                let of_row = unsafe { V::load_from(rows[k].add(column + j * LANES)) };
                sums[k][j] = step.mul_add(of_row, sums[k][j]);
            }
        }
    }
    for (row, &step) in rest.iter().zip(steps_of_rest) {
        for j in 0..J {
            // SAFETY: these columns are columns of `into`.
            let of_row = unsafe { V::load_from(row.add(column + j * LANES)) };
            sums[0][j] = V::splat(step).mul_add(of_row, sums[0][j]);
        }
    }
    for j in 0..J {
        let mut sum = sums[0][j];
        for k in 1..K {
            sum = sum + sums[k][j];
        }
        sum.store(&mut into[j]);
    }
    J * LANES
}
