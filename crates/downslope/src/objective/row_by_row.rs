//! Steps of one row each, where a row has several scores or goes through hidden layers.
//!
//! Such a step goes through every weight, to score the row and to take the step; and where the weights are more than a cache
//! holds, going through them is what it costs.
//!
//! - So the step of a row is put off until the next row is scored, and both are done to a weight while it is in a register.
//!   The bits are those of one after the other.
//! - A large first layer is gone through once for several rows: with zⱼ = Wxⱼ + b of them all at the weights of before, a
//!   step W ← W + δᵢxᵢᵀ, b ← b + δᵢ moves each by zⱼ ← zⱼ + (xᵢ·xⱼ + 1)·δᵢ, and W takes all their steps together. That is
//!   the same up to rounding, and which rows are taken together depends on their places in the epoch alone.

use super::pass::{Pass, gather};
use super::workers::Problem;
use super::{LossSum, StepLosses};
use crate::data::{Dataset, Features};
use crate::kernels::{self, Aligned, Combine, Dots, Products, Rows, Strides};
use crate::loader::{Batch, Batches};
use crate::model::Layer;

/// Rows whose first layer is computed together.
const TOGETHER: usize = 16;
/// Where it has so many weights at least. Fewer stay in the first cache: there going through them costs less than the
/// products of rows (784 × 10 took 490 ns a row one by one and 700 together, 784 × 128 took 10.3 µs and 5.3).
const LARGE: usize = 1 << 14;

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
    /// (rows, rows): xᵢ·xⱼ.
    products: Vec<f32>,
    /// (rows, features): sparse rows as dense ones.
    input: Aligned,
}

impl RowByRow {
    pub(super) fn new(problem: Problem<'_>) -> Self {
        let pass = || Pass::new(problem.model, &problem.data.features, 1);
        let (now, last) = (pass(), pass());
        let first = &now.layers()[0];
        let is_large = first.weight.len() >= LARGE && !problem.is_shared_out(1);
        let ahead = is_large.then(|| Ahead::new(problem, first.clone()));
        Self { now, last, ahead }
    }

    /// How many steps are taken together.
    pub(super) fn steps_at_once(&self) -> u64 {
        if self.ahead.is_some() { TOGETHER as u64 } else { 1 }
    }

    /// θ ← θ + factor·w∇ℓ for one row after the other; the first without a finite loss is the last.
    pub(super) fn steps(
        &mut self,
        problem: Problem<'_>,
        theta: &mut [f32],
        rows: &Batches<'_>,
        factor: f32,
        losses: &mut StepLosses,
    ) {
        let Some(mut ahead) = self.ahead.take() else {
            return self.steps_one_by_one(problem, theta, rows, factor, losses);
        };
        let mut groups = rows.groups(TOGETHER).peekable();
        while let Some(group) = groups.next() {
            if let Some(next) = groups.peek() {
                kernels::prefetch(problem.data, next.rows());
            }
            if ahead.look(problem, theta, group.rows()) {
                self.steps_together(&mut ahead, problem, theta, &group, factor, losses);
            } else {
                self.steps_one_by_one(problem, theta, &group, factor, losses);
            }
            if !losses.last.sum.is_finite() {
                break;
            }
        }
        self.ahead = Some(ahead);
    }

    fn steps_one_by_one(
        &mut self,
        problem: Problem<'_>,
        theta: &mut [f32],
        rows: &Batches<'_>,
        factor: f32,
        losses: &mut StepLosses,
    ) {
        let Problem { loss, data, .. } = problem;
        let numbers = rows.rows();
        for (index, row) in rows.iter().enumerate() {
            if index == 0 {
                self.now.forward(theta, &data.features, &row);
            } else {
                let taken = (&self.last, &rows.batch(index - 1));
                let next = (index + 1 < rows.len()).then(|| numbers.row(index + 1));
                self.now.step_and_forward(0, theta, taken, &data.features, &row, next);
            }
            let sum = self.now.turn_back(theta, data, loss, &row, factor);
            std::mem::swap(&mut self.now, &mut self.last);
            losses.push(LossSum::new(sum, 1));
            if index + 1 == rows.len() || !sum.is_finite() {
                return self.last.accumulate_from(0, &data.features, &row, theta);
            }
        }
    }

    /// The same for rows whose first layer was looked at ahead.
    fn steps_together(
        &mut self,
        ahead: &mut Ahead,
        problem: Problem<'_>,
        theta: &mut [f32],
        rows: &Batches<'_>,
        factor: f32,
        losses: &mut StepLosses,
    ) {
        let Problem { loss, data, .. } = problem;
        for (index, row) in rows.iter().enumerate() {
            self.now.take_sums(ahead.sums(index));
            if index == 0 {
                self.now.forward_from(1, theta, &data.features, &row);
            } else {
                let taken = (&self.last, &rows.batch(index - 1));
                self.now.step_and_forward(1, theta, taken, &data.features, &row, None);
            }
            let sum = self.now.turn_back(theta, data, loss, &row, factor);
            std::mem::swap(&mut self.now, &mut self.last);
            losses.push(LossSum::new(sum, 1));
            ahead.step(&self.last, index, rows.len());
            if index + 1 == rows.len() || !sum.is_finite() {
                self.last.accumulate_from(1, &data.features, &row, theta);
                return ahead.take_steps(&data.features, &rows.rows().part(0..index + 1), theta);
            }
        }
    }
}

impl Ahead {
    fn new(problem: Problem<'_>, layer: Layer) -> Self {
        let of_rows = |width| Aligned::zeros(TOGETHER * width);
        Self {
            sums: of_rows(layer.n_outputs),
            steps: of_rows(layer.n_outputs),
            products: vec![0.0; TOGETHER * TOGETHER],
            input: of_rows(if let Features::Sparse(_) = problem.data.features { layer.n_inputs } else { 0 }),
            layer,
        }
    }

    /// Computes the sums and products of rows. Says whether they can be used: not where a product is no number, for then a
    /// step of nothing would not be nothing.
    fn look(&mut self, problem: Problem<'_>, theta: &[f32], rows: &Batch<'_>) -> bool {
        let Problem { data: Dataset { features, .. }, .. } = problem;
        if let Features::Sparse(_) = features {
            gather(features, rows, &mut self.input);
        }
        let Self { layer, sums, products, .. } = self;
        let products = &mut products[..rows.len().pow(2)];
        let x = rows_of(&self.input, layer.n_inputs, features, rows);
        kernels::run(Products { x: x.clone(), out: products });
        let (weight, bias) = layer.parts(theta);
        kernels::run(Dots { x, weight, bias, activation: None, out: sums, strides: row_major(layer) });
        (0..rows.len()).all(|i| products[i * rows.len()..][i + 1..rows.len()].iter().all(|product| product.is_finite()))
    }

    /// The sums of the row at a position.
    fn sums(&self, position: usize) -> &[f32] {
        &self.sums[position * self.layer.n_outputs..][..self.layer.n_outputs]
    }

    /// Notes the step of the row at a position, which a pass has derived, and moves the sums of the rows behind it.
    fn step(&mut self, pass: &Pass, position: usize, n_rows: usize) {
        let width = self.layer.n_outputs;
        let step = &mut self.steps[position * width..][..width];
        pass.write_derivatives(step);
        let behind = self.sums[..n_rows * width].chunks_exact_mut(width).zip(&self.products[position * n_rows..]);
        behind.skip(position + 1).for_each(|(sums, product)| kernels::axpy(product + 1.0, step, sums));
    }

    /// Takes the steps of the rows.
    fn take_steps(&self, features: &Features, rows: &Batch<'_>, theta: &mut [f32]) {
        let (weight, bias) = self.layer.parts_mut(theta);
        let factors = &self.steps[..rows.len() * bias.len()];
        factors.chunks_exact(bias.len()).for_each(|step| kernels::axpy(1.0, step, bias));
        let rows = rows_of(&self.input, self.layer.n_inputs, features, rows);
        kernels::run(Combine { rows, factors, strides: row_major(&self.layer), into: weight });
    }
}

/// What goes into the first layer: rows of the table, or sparse ones as they were gathered.
fn rows_of<'a>(gathered: &'a [f32], width: usize, features: &'a Features, rows: &Batch<'a>) -> Rows<'a> {
    match features {
        Features::Dense(x) => Rows::new(x.values(), width, rows.clone()),
        Features::Sparse(_) => Rows::all(&gathered[..rows.len() * width], width),
    }
}

fn row_major(layer: &Layer) -> Strides {
    Strides { row: layer.n_outputs, output: 1 }
}
