//! What is asked of a model on a table beside its loss and gradient: how the loss bends, and how rows differ.
//!
//! Nothing here is needed for a step. All of it goes through blocks of rows with the same [`Pass`] that steps use.

use super::empirical::EmpiricalLoss;
use super::parts::Outputs;
use super::pass::Pass;
use super::workers::blocks;
use super::{CurvatureProduct, Objective, differences_of_gradients};
use crate::data::{Features, Matrix};
use crate::kernels::{self, LinearGradient, LinearRows, Rows, Scores, SquaredLengths, Targets};
use crate::loader::Batch;
use crate::loss::Loss;

impl EmpiricalLoss {
    /// Exact for linear models: H·v = X̃ᵀ(wℓ″∘(X̃v))/n, with ℓ″ computed once. Otherwise by differences of gradients.
    pub(super) fn product_with_curvature<'a>(&'a mut self, theta: &'a [f32], batch: Batch<'a>) -> CurvatureProduct<'a> {
        if !self.model().is_linear() {
            return Box::new(move |vector, out| differences_of_gradients(self, theta, &batch, vector, out));
        }
        let bends = self.bends(theta, &batch);
        let (n_rows, span_rows, data) = (batch.len(), self.problem().span_rows(), self.data().clone());
        let of_rows = OneScore::of(self, &bends, &batch);
        let mut direction = vec![0.0_f32; theta.len()];
        let mut sum = vec![0.0_f32; theta.len()];
        Box::new(move |vector, out| {
            direction.iter_mut().zip(vector).for_each(|(to, &from)| *to = from as f32);
            out.fill(0.0);
            for (block, bends) in blocks(0..n_rows).zip(&bends) {
                let rows = batch.part(block.clone());
                match (&of_rows, &data.features) {
                    (Some(of_rows), Features::Dense(x)) => of_rows.add_product(x, &rows, &direction, &mut sum),
                    _ => self.add_product(bends, &rows, &direction, &mut sum),
                }
                // In one long `f32` sum small terms get lost.
                if block.end % span_rows == 0 || block.end == n_rows {
                    for (out, sum) in out.iter_mut().zip(&mut sum) {
                        *out += f64::from(std::mem::take(sum)) / n_rows as f64;
                    }
                }
            }
        })
    }

    /// Adds X̃ᵀ(wℓ″∘(X̃v)) of a block of rows.
    fn add_product(&mut self, bends: &[f32], rows: &Batch<'_>, direction: &[f32], into: &mut [f32]) {
        let (loss, data) = (self.loss_function(), self.data().clone());
        let n_weights = self.model().n_features * self.model().n_outputs;
        let pass = self.pass();
        pass.forward(direction, &data.features, rows);
        bend(loss, pass, bends, rows.len());
        if data.weights().is_some() {
            let scores = pass.scores_mut(rows.len());
            let stride = stride(loss, bends, rows.len());
            for scores in scores.chunks_mut(stride) {
                scores
                    .iter_mut()
                    .enumerate()
                    .take(rows.len())
                    .for_each(|(i, score)| *score *= data.weight(rows.row(i)));
            }
        }
        let (weight, bias) = into.split_at_mut(n_weights);
        pass.accumulate(0, 0, &data.features, (rows, None), Outputs { weight, bias });
    }

    /// w‖x̃‖²·λmax(ℓ″), with x̃ the row and its 1, for linear models.
    pub(super) fn curvatures_of_rows(&mut self, theta: &[f32]) -> Option<Vec<f64>> {
        if !self.model().is_linear() {
            return None;
        }
        let all = Batch::all(self.n_rows());
        let bends = self.bends(theta, &all);
        let mut out = Vec::with_capacity(all.len());
        for (block, bends) in blocks(0..all.len()).zip(&bends) {
            let stride = stride(self.loss_function(), bends, block.len());
            let lengths = squared_lengths(&self.data().features, &Batch::Range(block.clone()));
            out.extend(block.zip(lengths).enumerate().map(|(position, (row, length))| {
                let of_loss = largest_of(self.loss_function(), bends[position..].iter().step_by(stride));
                f64::from(self.data().weight(row)) * (1.0 + f64::from(length)) * of_loss
            }));
        }
        Some(out)
    }

    /// The diagonal of H for linear models: mean wℓ″·x̃ⱼ², laid out as θ.
    pub(super) fn diagonal_of_curvature(&mut self, theta: &[f32], batch: &Batch<'_>) -> Option<Vec<f64>> {
        if !self.model().is_linear() {
            return None;
        }
        let bends = self.bends(theta, batch);
        let (n_features, n_outputs) = (self.model().n_features, self.model().n_outputs);
        let mut out = vec![0.0; theta.len()];
        let (weight, bias) = out.split_at_mut(n_features * n_outputs);
        for (block, bends) in blocks(0..batch.len()).zip(&bends) {
            let stride = stride(self.loss_function(), bends, block.len());
            for (position, row) in block.enumerate() {
                let row = batch.row(row);
                let row_weight = f64::from(self.data().weight(row));
                for output in 0..n_outputs {
                    let p = f64::from(bends[output * stride + position]);
                    let curvature =
                        row_weight * if self.loss_function() == Loss::CrossEntropy { p * (1.0 - p) } else { p };
                    let weight = &mut weight[output * n_features..][..n_features];
                    bias[output] += curvature;
                    self.for_each_value(row, |column, value| weight[column] += curvature * f64::from(value).powi(2));
                }
            }
        }
        for sum in &mut out {
            *sum /= batch.len() as f64;
        }
        Some(out)
    }

    /// ‖∇ℓᵢ‖² of each row, from what stands before and behind each layer: Σ ‖δᵢ‖²·(1 + ‖aᵢ‖²).
    pub(super) fn squared_norms_of_rows(&mut self, theta: &[f32], batch: &Batch<'_>) -> Vec<f64> {
        let (loss, data) = (self.loss_function(), self.data().clone());
        let widths = self.model().hidden.clone();
        let mut out = Vec::with_capacity(batch.len());
        for block in blocks(0..batch.len()) {
            let (rows, length) = (batch.part(block.clone()), block.len());
            let pass = self.pass();
            pass.derive(theta, &data, loss, &rows, 1.0, 1);
            let mut sums = vec![0.0; length];
            for layer in 0..=widths.len() {
                let derivatives = pass.squared_derivatives(layer, length);
                let inputs = match layer.checked_sub(1) {
                    None => squared_lengths(&data.features, &rows),
                    Some(below) => lengths_of(Rows::all(pass.hidden_outputs(below, length), widths[below])),
                };
                for ((sum, derivative), input) in sums.iter_mut().zip(derivatives).zip(inputs) {
                    *sum += derivative * (1.0 + f64::from(input));
                }
            }
            out.extend(sums);
        }
        out
    }

    /// For every hidden layer and unit, whether it is above zero for any row of the batch: a rectifier that is not passes
    /// nothing on and learns nothing.
    pub fn active_units(&mut self, theta: &[f32], batch: &Batch<'_>) -> Vec<Vec<bool>> {
        let data = self.data().clone();
        let hidden = self.model().hidden.clone();
        let mut active: Vec<Vec<bool>> = hidden.iter().map(|&width| vec![false; width]).collect();
        for block in blocks(0..batch.len()) {
            let pass = self.pass();
            pass.forward(theta, &data.features, &batch.part(block.clone()));
            for (layer, active) in active.iter_mut().enumerate() {
                for outputs in pass.hidden_outputs(layer, block.len()).chunks_exact(active.len()) {
                    active.iter_mut().zip(outputs).for_each(|(active, &output)| *active |= output > 0.0);
                }
            }
        }
        active
    }

    /// What ℓ″ is made of, block by block as scores are laid out: its value for one score, the probabilities of classes.
    fn bends(&mut self, theta: &[f32], batch: &Batch<'_>) -> Vec<Vec<f32>> {
        let (loss, data, kink_width) = (self.loss_function(), self.data().clone(), self.kink_width());
        let at_zero = theta.iter().all(|&theta| theta == 0.0).then(|| loss.bend_at_zero(self.model().n_outputs));
        let of_block = |block: std::ops::Range<usize>| {
            let (rows, length) = (batch.part(block.clone()), block.len());
            let pass = self.pass();
            if let Some(curvature) = loss.constant_curvature(kink_width) {
                return vec![curvature as f32; length];
            }
            if let Some(bend) = at_zero {
                return vec![bend; pass.scores_mut(length).len()];
            }
            pass.forward(theta, &data.features, &rows);
            let targets = Targets { values: &data.targets, weights: None };
            pass.losses(loss, targets, &rows, Scores::Derive(1.0));
            let mut bends = pass.scores_mut(length).to_vec();
            if loss == Loss::Logistic {
                for bend in &mut bends {
                    *bend = loss.bend(*bend, 0.0);
                }
                return bends;
            }
            let stride = stride(loss, &bends, length);
            for position in 0..length {
                let target = data.targets[rows.row(position)];
                let at = if loss == Loss::CrossEntropy { target as usize * stride } else { 0 } + position;
                bends[at] = loss.bend(bends[at], target);
            }
            bends
        };
        blocks(0..batch.len()).map(of_block).collect()
    }

    fn for_each_value(&self, row: usize, mut each: impl FnMut(usize, f32)) {
        match &self.data().features {
            Features::Dense(x) => x.row(row).iter().enumerate().for_each(|(column, &value)| each(column, value)),
            Features::Sparse(x) => {
                let (columns, values) = x.row(row);
                columns.iter().zip(values).for_each(|(&column, &value)| each(column as usize, value));
            }
        }
    }

    /// The scale of the targets over which a kink of the loss is seen: their standard deviation; 1 where there is no kink
    /// that it matters for.
    fn kink_width(&self) -> f64 {
        if !matches!(self.loss_function(), Loss::Absolute | Loss::Quantile { .. }) {
            return 1.0;
        }
        let mean_over_rows = |of_target: &dyn Fn(f64) -> f64| {
            let rows = self.data().targets.iter().enumerate();
            let sum: f64 = rows.map(|(row, &t)| f64::from(self.data().weight(row)) * of_target(f64::from(t))).sum();
            sum / self.data().n_rows() as f64
        };
        let mean = mean_over_rows(&|t| t);
        let variance = mean_over_rows(&|t| (t - mean).powi(2));
        if variance > 0.0 { variance.sqrt() } else { 1.0 }
    }
}

/// Dense rows of one score: their product with H is the gradient of a squared loss whose rows weigh wℓ″/2 and whose targets
/// are zero, and so one pass over the rows.
struct OneScore {
    zeros: Vec<f32>,
    /// wℓ″ of the rows of the batch, at their numbers in the table.
    weights: Vec<f32>,
}

impl OneScore {
    fn of(objective: &EmpiricalLoss, bends: &[Vec<f32>], batch: &Batch<'_>) -> Option<Self> {
        let data = objective.data();
        if objective.loss_function() == Loss::CrossEntropy || matches!(data.features, Features::Sparse(_)) {
            return None;
        }
        let mut weights = vec![0.0; data.n_rows()];
        for (position, bend) in bends.iter().flatten().enumerate() {
            let row = batch.row(position);
            weights[row] = bend * data.weight(row);
        }
        Some(Self { zeros: vec![0.0; data.n_rows()], weights })
    }

    fn add_product(&self, x: &Matrix, batch: &Batch<'_>, theta: &[f32], into: &mut [f32]) {
        let targets = Targets { values: &self.zeros, weights: Some(&self.weights) };
        let x = Rows::new(x.values(), x.n_columns(), batch.clone());
        let (rows, positions) = (LinearRows { loss: Loss::Squared, x, targets, next: None }, 0..batch.len());
        kernels::run(LinearGradient { rows, positions, theta, factor: 0.5, into });
    }
}

/// ‖x‖² of each row of a batch.
fn squared_lengths(features: &Features, batch: &Batch<'_>) -> Vec<f32> {
    match features {
        Features::Dense(x) => lengths_of(Rows::new(x.values(), x.n_columns(), batch.clone())),
        Features::Sparse(x) => {
            let of_row = |position: usize| kernels::sum_of_squares(x.row(batch.row(position)).1) as f32;
            (0..batch.len()).map(of_row).collect()
        }
    }
}

fn lengths_of(x: Rows<'_>) -> Vec<f32> {
    let mut out = vec![0.0; x.len()];
    kernels::run(SquaredLengths { x, out: &mut out });
    out
}

/// How far apart the values of a row stand in a block.
fn stride(loss: Loss, bends: &[f32], n_rows: usize) -> usize {
    if loss == Loss::CrossEntropy { Pass::stride(n_rows) } else { bends.len().max(1) }
}

/// Multiplies the scores of a block by ℓ″: of one score by its value, of classes by diag(p) − ppᵀ.
fn bend(loss: Loss, pass: &mut Pass, bends: &[f32], n_rows: usize) {
    let scores = pass.scores_mut(n_rows);
    if loss != Loss::CrossEntropy {
        return scores.iter_mut().zip(bends).for_each(|(score, bend)| *score *= bend);
    }
    let stride = Pass::stride(n_rows);
    let mut means = [0.0_f32; super::pass::BLOCK_ROWS];
    for (scores, p) in scores.chunks(stride).zip(bends.chunks(stride)) {
        means.iter_mut().zip(scores).zip(p).for_each(|((mean, score), p)| *mean += p * score);
    }
    for (scores, p) in scores.chunks_mut(stride).zip(bends.chunks(stride)) {
        scores.iter_mut().zip(&means).zip(p).for_each(|((score, mean), p)| *score = p * (*score - mean));
    }
}

/// λmax(ℓ″), or a bound that is reached where all classes are equally likely: λmax(diag(p) − ppᵀ) ≤ min(max p, 2 max
/// p(1 − p)); the first because ppᵀ only takes away, the second by Gershgorin.
fn largest_of<'a>(loss: Loss, bends: impl Iterator<Item = &'a f32>) -> f64 {
    let (largest, spread) = bends.fold((0.0_f64, 0.0_f64), |(largest, spread), &p| {
        let p = f64::from(p);
        (largest.max(p), spread.max(2.0 * p * (1.0 - p)))
    });
    if loss == Loss::CrossEntropy { largest.min(spread) } else { largest }
}
