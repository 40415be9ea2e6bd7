//! Steps of one row each, where a row has several scores or goes through hidden layers.
//!
//! Such a step goes through every weight, to score the row and to take the step; and where the weights are more than a cache
//! holds, going through them is what it costs.
//!
//! - So the step of a row is put off until the next row is scored, and both are done to a weight while it is in a register.
//!   The bits are those of one after the other.
//! - A large first layer is gone through once for several rows: with zⱼ = Wxⱼ + b of them all at the weights of before, a
//!   step W ← W + δᵢxᵢᵀ, b ← b + δᵢ moves each by zⱼ ← zⱼ + (xᵢ·xⱼ + 1)·δᵢ, and W takes all their steps together. That is
//!   the same up to rounding. Which rows are taken together depends on their places in the epoch alone; whoever looks at
//!   θ between their steps is handed the sums of those still to come, to go on from. Threads may share its outputs: each goes
//!   from the steps of some rows on its weights straight to the sums of the next.

use super::parts::{Outputs, cut_in_two, in_parts};
use super::pass::{Pass, gather, rows_of};
use super::workers::{MOST_SHARES, Problem};
use super::{LossSum, StepLosses, TOGETHER};
use crate::data::Features;
use crate::kernels::{self, Aligned, Combine, Dots, MatrixMut, Products, Rows, Start, Strides};
use crate::loader::{Batch, Batches};
use crate::model::Layer;

/// Where it has so many weights at least: fewer stay in the first cache, and going through them costs less than the products
/// of rows (784 × 10 took 490 ns a row one by one and 700 together, 784 × 128 took 10.3 µs and 5.3).
const LARGE: usize = 1 << 14;
/// And so many outputs, for the products of the rows cost about as much as ten.
const MANY: usize = 16;
/// Threads share the outputs of one that has so many weights: to hand over a part costs as much as some 2¹⁴ products (61 × 1024
/// took two threads 0.88 of one's time, 61 × 512 as long).
const SHARED: usize = 1 << 15;

/// The last two rows on their way through the model.
pub(super) struct RowByRow {
    now: Pass,
    last: Pass,
    ahead: Option<Ahead>,
}

/// The first layer of a few rows.
struct Ahead {
    layer: Layer,
    /// (rows, outputs): W·x + b at the weights of the row that is next.
    sums: Aligned,
    /// (rows, outputs): the derivatives of rows whose steps W has still to take, times minus the rate.
    steps: Aligned,
    /// (rows to step on, rows): xᵢ·xⱼ.
    products: Vec<f32>,
    /// How many rows these are.
    n_rows: usize,
    /// (rows, features): sparse rows as dense ones, and those of the rows before.
    input: Aligned,
    input_of_last: Aligned,
    /// In how many parts the layer is gone through.
    n_parts: usize,
}

impl RowByRow {
    pub(super) fn new(problem: Problem<'_>) -> Self {
        let pass = || Pass::new(problem.model, &problem.data.features, 1, 1);
        let (now, last) = (pass(), pass());
        let first = &now.layers()[0];
        let is_large = first.weight.len() >= LARGE && first.n_outputs >= MANY && !problem.is_shared_out(1);
        let ahead = is_large.then(|| Ahead::new(problem, first.clone()));
        Self { now, last, ahead }
    }

    /// Whether several threads have something to do.
    pub(super) fn is_shared_out(&self) -> bool {
        self.ahead
            .as_ref()
            .is_some_and(|ahead| ahead.layer.weight.len() >= SHARED && cut_in_two(ahead.layer.n_outputs, 2).is_some())
    }

    /// The next steps are taken by so many threads of a pool.
    pub(super) fn use_threads(&mut self, n: usize) {
        let n_parts = if self.is_shared_out() { n.min(MOST_SHARES) } else { 1 };
        self.ahead.iter_mut().for_each(|ahead| ahead.n_parts = n_parts);
    }

    /// θ ← θ + factor·w∇ℓ for one row after the other; the first without a finite loss is the last.
    pub(super) fn steps(
        &mut self,
        problem: Problem<'_>,
        theta: &mut [f32],
        carried: &mut Vec<f32>,
        rows: &Batches<'_>,
        factor: f32,
        losses: &mut StepLosses,
    ) {
        let Some(mut ahead) = self.ahead.take() else {
            self.steps_of(None, problem, theta, rows, factor, losses);
            return;
        };
        // Rows whose steps the first layer has still to take.
        let mut taken = None;
        let mut groups = rows.groups(TOGETHER).peekable();
        while let Some(group) = groups.next() {
            let behind = groups.peek().map(Batches::rows);
            let is_begun = !group.n_before().is_multiple_of(TOGETHER);
            if let Some(behind) = behind {
                // The rows themselves are fetched while steps are taken, where there are such.
                let prefetch = if taken.is_some() { kernels::prefetch_targets } else { kernels::prefetch };
                prefetch(problem.data, behind);
            }
            let n_coming = (TOGETHER - group.n_before() % TOGETHER).min(group.coming().len());
            let coming = group.coming().part(0..n_coming);
            let are_usable = if is_begun {
                ahead.go_on(problem, carried, &coming, group.len())
            } else {
                ahead.begin(problem, theta, taken.as_ref(), &coming, behind)
            };
            let n_steps = self.steps_of(are_usable.then_some(&mut ahead), problem, theta, &group, factor, losses);
            taken = are_usable.then(|| group.rows().part(0..n_steps));
            carried.clear();
            if !losses.last.sum.is_finite() {
                break;
            }
            if are_usable {
                carried.extend_from_slice(ahead.sums_from(group.len(), n_coming));
            }
        }
        if let Some(taken) = taken {
            ahead.go_through(problem, theta, Some(&taken), None, None);
        }
        self.ahead = Some(ahead);
    }

    /// Steps whose first layer was looked at ahead and has still to take them, or goes through its weights row by row as the
    /// others do. Returns how many were taken.
    fn steps_of(
        &mut self,
        mut ahead: Option<&mut Ahead>,
        problem: Problem<'_>,
        theta: &mut [f32],
        rows: &Batches<'_>,
        factor: f32,
        losses: &mut StepLosses,
    ) -> usize {
        let Problem { loss, data, .. } = problem;
        let first_layer = usize::from(ahead.is_some());
        for (index, row) in rows.iter().enumerate() {
            if index.is_multiple_of(TOGETHER) {
                let (start, end) = (index + TOGETHER, index + 2 * TOGETHER);
                kernels::prefetch_targets(data, &rows.rows().part(start.min(rows.len())..end.min(rows.len())));
            }
            if let Some(ahead) = &ahead {
                self.now.take_sums(ahead.sums(index));
            }
            match (index, first_layer) {
                (0, 0) => self.now.forward(theta, &data.features, &row),
                (0, _) => self.now.forward_from(first_layer, theta, &data.features, &row, 1),
                _ => {
                    let taken = (&self.last, &rows.batch(index - 1));
                    let next = (index + 1 < rows.len()).then(|| rows.rows().row(index + 1));
                    self.now.step_and_forward(first_layer, theta, taken, &data.features, &row, next);
                }
            }
            let sum = self.now.turn_back(theta, data, loss, &row, factor, 1);
            std::mem::swap(&mut self.now, &mut self.last);
            losses.push(LossSum::new(sum, 1));
            if let Some(ahead) = &mut ahead {
                ahead.step(&self.last, index);
            }
            if index + 1 == rows.len() || !sum.is_finite() {
                self.last.accumulate_from(first_layer, &data.features, (&row, None), theta);
                return index + 1;
            }
        }
        0
    }
}

impl Ahead {
    fn new(problem: Problem<'_>, layer: Layer) -> Self {
        let of_rows = |width| Aligned::zeros(TOGETHER * width);
        let width_of_gathered = if let Features::Sparse(_) = problem.data.features { layer.n_inputs } else { 0 };
        Self {
            sums: of_rows(layer.n_outputs),
            steps: of_rows(layer.n_outputs),
            products: Vec::with_capacity(TOGETHER * TOGETHER),
            n_rows: 0,
            n_parts: 1,
            input: of_rows(width_of_gathered),
            input_of_last: of_rows(width_of_gathered),
            layer,
        }
    }

    /// Takes the steps of the rows before, and computes the sums and products of rows. Says whether they can be used: not where
    /// a product is no number, for then a step of nothing would not be nothing. While steps are taken, rows `behind` are fetched.
    fn begin(
        &mut self,
        problem: Problem<'_>,
        theta: &mut [f32],
        taken: Option<&Batch<'_>>,
        rows: &Batch<'_>,
        behind: Option<&Batch<'_>>,
    ) -> bool {
        std::mem::swap(&mut self.input, &mut self.input_of_last);
        self.multiply(&problem.data.features, rows, rows.len());
        self.go_through(problem, theta, taken, Some(rows), behind);
        (0..rows.len()).all(|i| {
            let products = &self.products[i * rows.len()..][i + 1..rows.len()];
            products.iter().all(|product| product.is_finite())
        })
    }

    /// Goes through the weights once: takes the steps of some rows and then computes the sums of others, in parts of the outputs
    /// that threads may share. While steps are taken, rows `behind` are fetched, by each thread for its own cache.
    fn go_through(
        &mut self,
        problem: Problem<'_>,
        theta: &mut [f32],
        taken: Option<&Batch<'_>>,
        rows: Option<&Batch<'_>>,
        behind: Option<&Batch<'_>>,
    ) {
        let Self { layer, sums, steps, input, input_of_last, .. } = self;
        let (width, features) = (layer.n_inputs, &problem.data.features);
        let (weight, bias) = layer.parts_mut(theta);
        // Rows whose steps are taken stand where they were gathered for their products, unless others have been since.
        let gathered = if rows.is_some() { &*input_of_last } else { &*input };
        let taken = taken.map(|taken| rows_of(gathered, width, features, taken));
        let factors = &steps[..taken.as_ref().map_or(0, Rows::len) * bias.len()];
        factors.chunks_exact(bias.len()).for_each(|step| kernels::axpy(1.0, step, bias));
        let x = rows.map(|rows| rows_of(input, width, features, rows));
        let next = match features {
            Features::Dense(x) => behind.map(|behind| Rows::new(x.values(), width, behind.clone())),
            Features::Sparse(_) => None,
        };
        let n_rows = x.as_ref().map_or(0, Rows::len);
        let sums = MatrixMut::new(sums, n_rows, bias.len(), row_major(layer));
        let both = (Outputs { weight, bias }, sums);
        in_parts(both, 0, &mut [(); MOST_SHARES][..self.n_parts], &|outputs, (of_layer, out), ()| {
            let Outputs { weight, bias } = of_layer;
            if let Some(rows) = taken.clone() {
                let (factors, strides) = (&factors[outputs.start..], row_major(layer));
                let into = MatrixMut::of_rows(weight, width);
                kernels::run(Combine { rows, factors, strides, into, start: Start::Present, next: next.clone() });
            }
            if let Some(x) = x.clone() {
                kernels::run(Dots { x, weight, bias, activation: None, out });
            }
        });
    }

    /// Takes over the sums of rows, and computes the products of the first `n` with all. Says whether there are such sums:
    /// there are none where the earlier rows of the group were taken one by one.
    fn go_on(&mut self, problem: Problem<'_>, sums: &[f32], rows: &Batch<'_>, n: usize) -> bool {
        if sums.len() != rows.len() * self.layer.n_outputs {
            return false;
        }
        self.sums[..sums.len()].copy_from_slice(sums);
        self.multiply(&problem.data.features, rows, n);
        true
    }

    /// Computes the products of the first `n` rows with those behind them.
    fn multiply(&mut self, features: &Features, rows: &Batch<'_>, n: usize) {
        gather(features, rows, &mut self.input);
        self.n_rows = rows.len();
        self.products.resize(n * rows.len(), 0.0);
        let x = rows_of(&self.input, self.layer.n_inputs, features, rows);
        kernels::run(Products { x, n, out: &mut self.products });
    }

    /// The sums of the row at a position.
    fn sums(&self, position: usize) -> &[f32] {
        self.sums_from(position, position + 1)
    }

    /// The sums of the rows from one position to another.
    fn sums_from(&self, start: usize, end: usize) -> &[f32] {
        &self.sums[start * self.layer.n_outputs..end * self.layer.n_outputs]
    }

    /// Notes the step of the row at a position, which a pass has derived, and moves the sums of the rows behind it.
    fn step(&mut self, pass: &Pass, position: usize) {
        let (n_rows, width) = (self.n_rows, self.layer.n_outputs);
        let step = &mut self.steps[position * width..][..width];
        pass.write_derivatives(step);
        let behind = self.sums[..n_rows * width].chunks_exact_mut(width).zip(&self.products[position * n_rows..]);
        behind.skip(position + 1).for_each(|(sums, product)| kernels::axpy(product + 1.0, step, sums));
    }
}

fn row_major(layer: &Layer) -> Strides {
    Strides { row: layer.n_outputs, output: 1 }
}
