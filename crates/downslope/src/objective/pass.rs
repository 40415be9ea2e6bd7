//! One pass through the layers for a block of rows: forward to the scores, back to the gradient.
//!
//! Without a hidden layer the scores are dot products with the rows, dense or sparse, and the gradient is rows added up;
//! with hidden layers both happen layer by layer. Dense rows are read where they stand in the table. All memory is
//! taken once.

use std::ops::Range;

use crate::data::{Dataset, Features};
use crate::kernels::{
    self, Activate, AddFactors, Aligned, BackThrough, Combine, CrossEntropies, CrossEntropy, Dots, LANES,
    LinearGradient, LinearRows, Losses, MatrixMut, PanelDots, Rows, Scores, SparseGradient, SparseScores, Start,
    StepAndDots, Strides, SumUp, Targets,
};
use crate::loader::Batch;
use crate::loss::Loss;
use crate::model::{Activation, Layer, Model};

use super::Gradient;
use super::parts::{Outputs, in_parts};
use super::workers::{MOST_SHARES, Problem};

/// Rows in a block at most: enough for the products to run at speed, few enough for a block to stay in cache.
pub(super) const BLOCK_ROWS: usize = 256;

/// Scratch memory for a block, and what was left in it by the last forward pass.
pub(super) struct Pass {
    layers: Vec<Layer>,
    activation: Activation,
    /// The block's features as dense rows; used for sparse rows before a hidden layer only.
    input: Aligned,
    /// The outputs of each hidden layer, (rows, width).
    hidden: Vec<Aligned>,
    /// The derivative of the loss with respect to what each hidden layer's activation was given, laid out as the scores.
    deltas: Vec<Aligned>,
    /// With respect to what it gave, (rows, width): scratch for one layer at a time.
    carried: Aligned,
    /// The scores, then the derivatives, (outputs, [`Pass::stride`] of the rows).
    scores: Aligned,
    /// The weighted losses of the rows.
    losses: Vec<f32>,
    /// Scratch for layers of many outputs, one for each part of them that a thread may compute.
    panels: Vec<Aligned>,
}

impl Pass {
    /// Scratch for blocks of so many rows, whose layers are computed in up to so many parts.
    pub(super) fn new(model: &Model, features: &Features, block_rows: usize, n_parts: usize) -> Self {
        let layers = model.layers();
        let of_width = |layer: &Layer| Aligned::zeros(block_rows * layer.n_outputs);
        let hidden = &layers[..layers.len() - 1];
        let stride = Self::stride(block_rows);
        let widest = hidden.iter().map(|layer| layer.n_outputs).max().unwrap_or(0);
        let turned = layers.iter().filter(|layer| PanelDots::pays(block_rows, layer.n_inputs, layer.n_outputs));
        let panel = turned.map(|layer| PanelDots::room(layer.n_inputs)).max().unwrap_or(0);
        let gathers = !model.is_linear() && matches!(features, Features::Sparse(_));
        Self {
            input: Aligned::zeros(if gathers { block_rows * model.n_features } else { 0 }),
            hidden: hidden.iter().map(of_width).collect(),
            deltas: hidden.iter().map(|layer| Aligned::zeros(layer.n_outputs * stride)).collect(),
            carried: Aligned::zeros(block_rows * widest),
            scores: Aligned::zeros(model.n_outputs * stride),
            losses: vec![0.0; block_rows],
            panels: vec![Aligned::zeros(panel); n_parts],
            activation: model.activation,
            layers,
        }
    }

    /// The rows it has scratch for.
    pub(super) fn block_rows(&self) -> usize {
        self.losses.len()
    }

    fn last(&self) -> &Layer {
        &self.layers[self.layers.len() - 1]
    }

    /// The layers, from the features to the scores.
    pub(super) fn layers(&self) -> &[Layer] {
        &self.layers
    }

    /// Where the outputs of a layer go; those of the last are the scores.
    fn output_mut(&mut self, index: usize) -> &mut Aligned {
        match self.hidden.get_mut(index) {
            Some(hidden) => hidden,
            None => &mut self.scores,
        }
    }

    /// How far apart the scores of two outputs stand for a block of `n_rows`; those of two rows are neighbours. Those of
    /// one row alone are, too. Else they are an odd number of lines apart: a cache has few places for numbers a power of two
    /// apart.
    pub(super) fn stride(n_rows: usize) -> usize {
        if n_rows == 1 { 1 } else { (n_rows.div_ceil(LANES) | 1) * LANES }
    }

    /// The scores, or once derived the derivatives, of a block of `n_rows`: a row each for one output, else each output's
    /// [`Pass::stride`] apart.
    pub(super) fn scores_mut(&mut self, n_rows: usize) -> &mut [f32] {
        let n_outputs = self.last().n_outputs;
        let length = if n_outputs == 1 { n_rows } else { n_outputs * Self::stride(n_rows) };
        &mut self.scores[..length]
    }

    /// Appends the scores of a block of `n_rows`, (`n_rows`, outputs), to what stands in `out`.
    pub(super) fn append_scores(&mut self, n_rows: usize, out: &mut Vec<f32>) {
        let scores = self.scores_mut(n_rows);
        out.extend((0..n_rows).flat_map(|row| scores.iter().skip(row).step_by(Self::stride(n_rows))));
    }

    /// The outputs of a hidden layer for a block of `n_rows`, (`n_rows`, width).
    pub(super) fn hidden_outputs(&self, layer: usize, n_rows: usize) -> &[f32] {
        &self.hidden[layer][..n_rows * self.layers[layer].n_outputs]
    }

    /// Σ δ² over the outputs of a layer, for each row of a block that was derived.
    pub(super) fn squared_derivatives(&self, layer: usize, n_rows: usize) -> Vec<f64> {
        let (derivatives, strides) = self.derivatives(layer, n_rows);
        let mut sums = vec![0.0; n_rows];
        for output in 0..self.layers[layer].n_outputs {
            for (row, sum) in sums.iter_mut().enumerate() {
                *sum += f64::from(derivatives[row * strides.row + output * strides.output]).powi(2);
            }
        }
        sums
    }

    /// The rows that a layer sees.
    fn inputs<'a>(&'a self, index: usize, features: &'a Features, block: &Batch<'a>) -> Rows<'a> {
        let width = self.layers[index].n_inputs;
        match index {
            0 => rows_of(&self.input, width, features, block),
            _ => Rows::all(&self.hidden[index - 1][..block.len() * width], width),
        }
    }

    /// Takes the step of one row that another pass has derived, and on the way computes the scores of a row, both from
    /// some layer on: every weight is read and written once for both. The row with the number `next` is fetched.
    pub(super) fn step_and_forward(
        &mut self,
        first_layer: usize,
        theta: &mut [f32],
        (last, last_row): (&Self, &Batch<'_>),
        features: &Features,
        row: &Batch<'_>,
        next: Option<usize>,
    ) {
        if first_layer == 0 {
            gather(features, row, &mut self.input);
        }
        for index in first_layer..self.layers.len() {
            // Taken out while the layer below is read.
            let mut out = std::mem::take(self.output_mut(index));
            let (weight, bias) = self.layers[index].parts_mut(theta);
            let (factors, strides) = last.derivatives(index, 1);
            let next = match (features, next) {
                (Features::Dense(x), Some(next)) if index == 0 => x.row(next),
                _ => &[],
            };
            kernels::run(StepAndDots {
                last: last.inputs(index, features, last_row).row(0),
                factors,
                factors_apart: strides.output,
                x: self.inputs(index, features, row).row(0),
                next,
                weight,
                bias,
                activation: self.activation(index),
                out: &mut out,
                out_apart: self.strides(index, 1).output,
            });
            *self.output_mut(index) = out;
        }
    }

    /// Takes the sums of the first layer for one row from elsewhere.
    pub(super) fn take_sums(&mut self, sums: &[f32]) {
        let (activation, out_apart) = (self.activation(0), self.strides(0, 1).output);
        kernels::run(Activate { sums, activation, out: self.output_mut(0), out_apart });
    }

    /// Writes the derivatives with respect to the first layer's sums for one row.
    pub(super) fn write_derivatives(&self, out: &mut [f32]) {
        let (derivatives, strides) = self.derivatives(0, 1);
        out.iter_mut().zip(derivatives.iter().step_by(strides.output)).for_each(|(out, &derivative)| *out = derivative);
    }

    /// Computes the scores of a block.
    pub(super) fn forward(&mut self, theta: &[f32], features: &Features, block: &Batch<'_>) {
        self.forward_in_parts(theta, features, block, 1);
    }

    fn forward_in_parts(&mut self, theta: &[f32], features: &Features, block: &Batch<'_>, n_parts: usize) {
        if let (1, Features::Sparse(x)) = (self.layers.len(), features) {
            let (weight, bias) = self.layers[0].parts(theta);
            let (out, strides) = (&mut self.scores[..], strides(block.len()));
            return kernels::run(SparseScores { x, batch: block, weight, bias, out, strides });
        }
        gather(features, block, &mut self.input);
        self.forward_from(0, theta, features, block, n_parts);
    }

    /// Goes on from what goes into a layer to the scores; into the first go the features, as dense rows.
    pub(super) fn forward_from(
        &mut self,
        first_layer: usize,
        theta: &[f32],
        features: &Features,
        block: &Batch<'_>,
        n_parts: usize,
    ) {
        for index in first_layer..self.layers.len() {
            // Taken out while the layer below is read.
            let mut out = std::mem::take(self.output_mut(index));
            let mut panels = std::mem::take(&mut self.panels);
            let layer = &self.layers[index];
            let (weight, bias) = layer.parts(theta);
            let (x, activation) = (self.inputs(index, features, block), self.activation(index));
            let is_turned = PanelDots::pays(block.len(), layer.n_inputs, layer.n_outputs);
            let sums = MatrixMut::new(&mut out, block.len(), layer.n_outputs, self.strides(index, block.len()));
            in_parts(sums, 0, &mut panels[..n_parts], &|outputs, out, panel| {
                let weight = &weight[outputs.start * layer.n_inputs..outputs.end * layer.n_inputs];
                let dots = Dots { x: x.clone(), weight, bias: &bias[outputs], activation, out };
                if is_turned { kernels::run(PanelDots { dots, panel }) } else { kernels::run(dots) }
            });
            self.panels = panels;
            *self.output_mut(index) = out;
        }
    }

    /// Σ wℓ of a block that was scored; the scores become derivatives if so wanted.
    pub(super) fn losses(&mut self, loss: Loss, targets: Targets<'_>, block: &Batch<'_>, then: Scores) -> f64 {
        let (n_rows, n_outputs) = (block.len(), self.last().n_outputs);
        if loss != Loss::CrossEntropy {
            let scores = &mut self.scores[..n_rows];
            return kernels::run(Losses { loss, scores, targets, batch: block, then });
        }
        if n_rows == 1 {
            let scores = &mut self.scores[..n_outputs];
            return kernels::run(CrossEntropy { scores, targets, row: block.row(0), then });
        }
        let stride = strides(n_rows).output;
        let (scores, values) = (&mut self.scores[..n_outputs * stride], &mut self.losses[..n_rows]);
        kernels::run(CrossEntropies { scores, stride, targets, batch: block, then, values });
        kernels::run(SumUp(&self.losses[..n_rows]))
    }

    /// Scores a block, sums its losses and leaves `factor` times the derivatives ready. Afterwards θ is no longer needed.
    /// Layers are computed in so many parts, by the threads of the pool that this is called in.
    pub(super) fn derive(
        &mut self,
        theta: &[f32],
        data: &Dataset,
        loss: Loss,
        block: &Batch<'_>,
        factor: f32,
        n_parts: usize,
    ) -> f64 {
        self.forward_in_parts(theta, &data.features, block, n_parts);
        self.turn_back(theta, data, loss, block, factor, n_parts)
    }

    /// From scores to derivatives.
    pub(super) fn turn_back(
        &mut self,
        theta: &[f32],
        data: &Dataset,
        loss: Loss,
        block: &Batch<'_>,
        factor: f32,
        n_parts: usize,
    ) -> f64 {
        let sum = self.losses(loss, Targets::of(data), block, Scores::Derive(factor));
        self.backward(theta, block.len(), n_parts);
        sum
    }

    /// Carries the derivatives of the scores back through the hidden layers.
    fn backward(&mut self, theta: &[f32], n_rows: usize, n_parts: usize) {
        for index in (1..self.layers.len()).rev() {
            let mut below = std::mem::take(&mut self.deltas[index - 1]);
            let mut carried = std::mem::take(&mut self.carried);
            let (layer, outputs) = (&self.layers[index], &self.hidden[index - 1]);
            let width = layer.n_inputs;
            let (factors, Strides { row, output }) = self.derivatives(index, n_rows);
            let (weight, _) = layer.parts(theta);
            let (weight, outputs) = (Rows::all(weight, width), Rows::all(&outputs[..n_rows * width], width));
            // Rows of weights are added up here, an output for each row of the block.
            let strides = Strides { row: output, output: row };
            let into = MatrixMut::of_rows(&mut carried[..n_rows * width], width);
            let out = MatrixMut::new(&mut below, n_rows, width, self::strides(n_rows));
            in_parts((into, out), 0, &mut [(); MOST_SHARES][..n_parts], &|columns, (mut into, out), ()| {
                let rows = weight.clone().columns(columns.clone());
                let (start, next) = (Start::Zero, None);
                kernels::run(Combine { rows, factors, strides, into: into.reborrow(), start, next });
                let (outputs, activation) = (outputs.clone().columns(columns), self.activation);
                kernels::run(BackThrough { derivatives: into, outputs, activation, out });
            });
            self.deltas[index - 1] = below;
            self.carried = carried;
        }
    }

    /// The derivatives with respect to a layer's sums.
    fn derivatives(&self, index: usize, n_rows: usize) -> (&[f32], Strides) {
        (self.deltas.get(index).unwrap_or(&self.scores), strides(n_rows))
    }

    /// How far apart a layer's outputs stand; those of the last are the scores.
    fn strides(&self, index: usize, n_rows: usize) -> Strides {
        let is_last = index == self.hidden.len();
        if is_last { strides(n_rows) } else { Strides { row: self.layers[index].n_outputs, output: 1 } }
    }

    /// What a layer makes of its sums; the scores are sums.
    fn activation(&self, index: usize) -> Option<Activation> {
        (index < self.hidden.len()).then_some(self.activation)
    }

    /// Adds the gradient of the block, times the factor it was derived with, for some outputs of a layer, from `first` on.
    /// What it is added to may be a gradient (factor 1) or θ itself (factor −lr/B: the direct step). The features of the
    /// `next` rows are fetched on the way, unless there are hidden layers: their tiles have hardly a register left for it.
    pub(super) fn accumulate(
        &self,
        index: usize,
        first: usize,
        features: &Features,
        (block, next): (&Batch<'_>, Option<&Batch<'_>>),
        Outputs { weight, bias }: Outputs<'_>,
    ) {
        let (factors, strides) = self.derivatives(index, block.len());
        let factors = &factors[first * strides.output..];
        match block.len() {
            1 => kernels::axpy(1.0, &factors[..bias.len()], bias),
            n_rows => kernels::run(AddFactors { factors, apart: strides.output, n_rows, into: bias }),
        }
        if let (1, Features::Sparse(x)) = (self.layers.len(), features) {
            return kernels::run(SparseGradient { x, batch: block, factors, strides, into: weight });
        }
        let next = match (features, next) {
            (Features::Dense(x), Some(next)) if self.layers.len() == 1 => {
                Some(Rows::new(x.values(), x.n_columns(), next.clone()))
            }
            _ => None,
        };
        let rows = self.inputs(index, features, block);
        let into = MatrixMut::of_rows(weight, rows.width());
        kernels::run(Combine { rows, factors, strides, into, start: Start::Present, next });
    }

    /// Adds the gradient of the block, times the factor it was derived with, from some layer on.
    pub(super) fn accumulate_from(
        &self,
        first_layer: usize,
        features: &Features,
        (block, next): (&Batch<'_>, Option<&Batch<'_>>),
        into: &mut [f32],
    ) {
        for (index, layer) in self.layers.iter().enumerate().skip(first_layer) {
            self.accumulate(index, 0, features, (block, next), Outputs::of(layer, into));
        }
    }

    /// Adds the gradient of a block to `into`, which is not θ, and returns Σ wℓ. The block is at some positions of a batch;
    /// what is behind it comes next, and then the `next` rows.
    pub(super) fn add_gradient(
        &mut self,
        problem: Problem<'_>,
        theta: &[f32],
        (batch, positions): (&Batch<'_>, Range<usize>),
        next: Option<&Batch<'_>>,
        into: &mut [f32],
    ) -> f64 {
        let Problem { data, loss, .. } = problem;
        if let (Features::Dense(x), true) = (&data.features, problem.is_single()) {
            let rows = LinearRows::of(loss, data, x, batch, next);
            return kernels::run(LinearGradient { rows, positions, theta, factor: 1.0, into });
        }
        let behind = batch.part(positions.end..batch.len().min(positions.end + positions.len()));
        let next = if behind.is_empty() { next } else { Some(&behind) };
        let block = batch.part(positions);
        let sum = self.derive(theta, data, loss, &block, 1.0, 1);
        self.accumulate_from(0, &data.features, (&block, next), into);
        sum
    }

    /// Tells a sparse gradient which parameters the block touches.
    pub(super) fn touch(&self, features: &Features, block: &Batch<'_>, gradient: &mut Gradient) {
        let (Features::Sparse(x), 1) = (features, self.layers.len()) else { return };
        let Layer { n_inputs, n_outputs, ref weight, ref bias } = self.layers[0];
        // Where most are touched anyway, remembering which costs more than it saves.
        let n_touched = block.len().saturating_mul(x.n_values() / x.n_rows().max(1) + 1) * n_outputs;
        if n_touched > bias.end / 2 {
            return gradient.touch_all();
        }
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

/// How far apart the scores of a block stand, and the derivatives of every layer.
fn strides(n_rows: usize) -> Strides {
    Strides { row: 1, output: Pass::stride(n_rows) }
}

/// The features of a block: rows of the table, or sparse ones as they were gathered.
pub(super) fn rows_of<'a>(gathered: &'a [f32], width: usize, features: &'a Features, block: &Batch<'a>) -> Rows<'a> {
    match features {
        Features::Dense(x) => Rows::new(x.values(), width, block.clone()),
        Features::Sparse(_) => Rows::all(&gathered[..block.len() * width], width),
    }
}

/// Copies the rows of a block that are sparse, as dense rows, to where they stand side by side.
pub(super) fn gather(features: &Features, block: &Batch<'_>, into: &mut [f32]) {
    let Features::Sparse(x) = features else { return };
    let rows = into.chunks_exact_mut(x.n_columns()).take(block.len()).enumerate();
    for (position, into) in rows {
        into.fill(0.0);
        let (columns, values) = x.row(block.row(position));
        for (&column, &value) in columns.iter().zip(values) {
            into[column as usize] = value;
        }
    }
}
