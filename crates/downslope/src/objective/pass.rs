//! One pass through the layers for a block of rows: forward to the scores, back to the gradient.
//!
//! Rows × layers is all there is: without a hidden layer the scores are dot products with the rows, dense or sparse,
//! and the gradient is rows added up; with hidden layers both are matrix products. All memory is taken once.

use crate::data::Features;
use crate::kernels::{axpy, dot, matmul, row_major, transposed};
use crate::loader::Batch;
use crate::model::{Activation, Layer, Model};

use super::Gradient;

/// Rows in a block: enough for the matrix products to run at speed, few enough for a block to stay in cache.
pub(super) const BLOCK_ROWS: usize = 256;

/// Scratch memory for a block, and what was left in it by the last forward pass.
pub(super) struct Pass {
    layers: Vec<Layer>,
    activation: Activation,
    /// The block's features as dense rows; used with hidden layers only.
    input: Vec<f32>,
    /// The outputs of each layer, (rows, width); of the last: the scores, then the derivatives.
    outputs: Vec<Vec<f32>>,
    /// The derivative of the loss with respect to what each hidden layer's activation was given.
    deltas: Vec<Vec<f32>>,
}

impl Pass {
    pub(super) fn new(model: &Model, block_rows: usize) -> Self {
        let layers = model.layers();
        let of_width = |layer: &Layer| vec![0.0; block_rows * layer.n_outputs];
        Self {
            input: vec![0.0; if model.is_linear() { 0 } else { block_rows * model.n_features }],
            outputs: layers.iter().map(of_width).collect(),
            deltas: layers[..layers.len() - 1].iter().map(of_width).collect(),
            activation: model.activation,
            layers,
        }
    }

    fn is_linear(&self) -> bool {
        self.layers.len() == 1
    }

    /// The scores of the last forward pass, (rows, outputs), to be replaced by the derivatives.
    pub(super) fn scores(&mut self, n_rows: usize) -> &mut [f32] {
        let last = self.layers.len() - 1;
        &mut self.outputs[last][..n_rows * self.layers[last].n_outputs]
    }

    /// Computes the scores of a block.
    pub(super) fn forward(&mut self, theta: &[f32], features: &Features, block: &Batch<'_>) {
        if self.is_linear() {
            return self.score_rows(theta, features, block);
        }
        gather(features, block, &mut self.input);
        let n_rows = block.len();
        for (index, layer) in self.layers.iter().enumerate() {
            let (before, after) = self.outputs.split_at_mut(index);
            let inputs = before.last().unwrap_or(&self.input);
            let outputs = &mut after[0][..n_rows * layer.n_outputs];
            for row in outputs.chunks_exact_mut(layer.n_outputs) {
                row.copy_from_slice(&theta[layer.bias.clone()]);
            }
            let inputs = row_major(&inputs[..n_rows * layer.n_inputs], n_rows, layer.n_inputs);
            let weight = transposed(&theta[layer.weight.clone()], layer.n_outputs, layer.n_inputs);
            matmul(1.0, inputs, weight, 1.0, outputs);
            if index + 1 < self.layers.len() {
                match self.activation {
                    Activation::Relu => outputs.iter_mut().for_each(|z| *z = if *z < 0.0 { 0.0 } else { *z }),
                    Activation::Tanh => outputs.iter_mut().for_each(|z| *z = z.tanh()),
                }
            }
        }
    }

    fn score_rows(&mut self, theta: &[f32], features: &Features, block: &Batch<'_>) {
        let Layer { n_inputs, n_outputs, ref weight, ref bias } = self.layers[0];
        let (weight, bias) = (&theta[weight.clone()], &theta[bias.clone()]);
        for (position, scores) in self.outputs[0].chunks_exact_mut(n_outputs).take(block.len()).enumerate() {
            let row = block.row(position);
            for ((score, weight), bias) in scores.iter_mut().zip(weight.chunks_exact(n_inputs)).zip(bias) {
                *score = bias
                    + match features {
                        Features::Dense(x) => dot(weight, x.row(row)),
                        Features::Sparse(x) => {
                            let (columns, values) = x.row(row);
                            columns.iter().zip(values).map(|(&column, value)| weight[column as usize] * value).sum()
                        }
                    };
            }
        }
    }

    /// Carries the derivatives of the scores back through the hidden layers. Afterwards θ is no longer needed.
    pub(super) fn backward(&mut self, theta: &[f32], n_rows: usize) {
        for index in (1..self.layers.len()).rev() {
            let layer = &self.layers[index];
            let (before, after) = self.deltas.split_at_mut(index);
            let above = after.first().unwrap_or(&self.outputs[index]);
            let above = row_major(&above[..n_rows * layer.n_outputs], n_rows, layer.n_outputs);
            let below = &mut before[index - 1][..n_rows * layer.n_inputs];
            let weight = row_major(&theta[layer.weight.clone()], layer.n_outputs, layer.n_inputs);
            matmul(1.0, above, weight, 0.0, below);
            for (delta, &a) in below.iter_mut().zip(&self.outputs[index - 1]) {
                match self.activation {
                    Activation::Relu => *delta = if a > 0.0 { *delta } else { 0.0 },
                    Activation::Tanh => *delta *= 1.0 - a * a,
                }
            }
        }
    }

    /// Adds `factor` times the gradient of the block to `into`, which may be a gradient (factor 1) or θ itself
    /// (factor −lr/B: the fused step).
    pub(super) fn accumulate(&self, factor: f32, features: &Features, block: &Batch<'_>, into: &mut [f32]) {
        if self.is_linear() {
            return self.accumulate_rows(factor, features, block, into);
        }
        let n_rows = block.len();
        for (index, layer) in self.layers.iter().enumerate() {
            let inputs = if index == 0 { &self.input } else { &self.outputs[index - 1] };
            let deltas = &self.deltas.get(index).unwrap_or(&self.outputs[index])[..n_rows * layer.n_outputs];
            let inputs = row_major(&inputs[..n_rows * layer.n_inputs], n_rows, layer.n_inputs);
            let flipped = transposed(deltas, n_rows, layer.n_outputs);
            matmul(factor, flipped, inputs, 1.0, &mut into[layer.weight.clone()]);
            for delta in deltas.chunks_exact(layer.n_outputs) {
                axpy(factor, delta, &mut into[layer.bias.clone()]);
            }
        }
    }

    fn accumulate_rows(&self, factor: f32, features: &Features, block: &Batch<'_>, into: &mut [f32]) {
        let Layer { n_inputs, n_outputs, ref weight, ref bias } = self.layers[0];
        for (position, derivatives) in self.outputs[0].chunks_exact(n_outputs).take(block.len()).enumerate() {
            let row = block.row(position);
            for (output, &derivative) in derivatives.iter().enumerate() {
                let step = factor * derivative;
                let weight = &mut into[weight.start + output * n_inputs..][..n_inputs];
                match features {
                    Features::Dense(x) => axpy(step, x.row(row), weight),
                    Features::Sparse(x) => {
                        let (columns, values) = x.row(row);
                        for (&column, value) in columns.iter().zip(values) {
                            weight[column as usize] += step * value;
                        }
                    }
                }
                into[bias.start + output] += step;
            }
        }
    }

    /// Tells a sparse gradient which parameters the block touches.
    pub(super) fn touch(&self, features: &Features, block: &Batch<'_>, gradient: &mut Gradient) {
        let (Features::Sparse(x), true) = (features, self.is_linear()) else { return };
        let Layer { n_inputs, n_outputs, ref weight, ref bias } = self.layers[0];
        for position in 0..block.len() {
            for output in 0..n_outputs {
                for &column in x.row(block.row(position)).0 {
                    gradient.touch((weight.start + output * n_inputs) as u32 + column);
                }
                gradient.touch((bias.start + output) as u32);
            }
        }
    }
}

/// Copies the rows of a block, as dense rows, to where they stand side by side.
fn gather(features: &Features, block: &Batch<'_>, into: &mut [f32]) {
    let rows = into.chunks_exact_mut(features.n_features()).take(block.len()).enumerate();
    for (position, into) in rows {
        match features {
            Features::Dense(x) => into.copy_from_slice(x.row(block.row(position))),
            Features::Sparse(x) => {
                into.fill(0.0);
                let (columns, values) = x.row(block.row(position));
                for (&column, &value) in columns.iter().zip(values) {
                    into[column as usize] = value;
                }
            }
        }
    }
}
