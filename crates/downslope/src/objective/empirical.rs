//! A model on a table: the mean loss over its rows.

use std::ops::Range;
use std::sync::Arc;

use rayon::prelude::*;

use super::pass::{BLOCK_ROWS, Pass};
use super::{Gradient, LossSum, Objective, StepLosses, differences_of_gradients};
use crate::data::{Dataset, Features};
use crate::error::{ErrorKind, Result};
use crate::kernels::{self, OneRowSteps, Rows, Scores, SparseOneRowSteps, axpy};
use crate::loader::{Batch, Batches};
use crate::loss::{Loss, Suits};
use crate::metrics::Metrics;
use crate::model::{Model, Part};

/// A batch is shared out in at most [`EmpiricalLoss::MAX_CHUNKS`] chunks, each worth at least so many products of a parameter and a row (about a millisecond).
const CHUNK_WORK: usize = 1 << 22;

/// Rows whose gradients are added up on their own before they join the rest. In one long `f32` sum small terms get lost:
/// a million equal rows of 0.056 came to a mean of 0.0556.
const SPAN_ROWS: usize = 4 * BLOCK_ROWS;

/// minimise f(θ) = (1/n) Σᵢ ℓ(model(θ, xᵢ), yᵢ), given rows (xᵢ, yᵢ).
///
/// **Threads**: a batch with enough work is cut into chunks by its size alone, never by the number of threads; each
/// chunk is summed in order and the chunks are added in order. So the bits are the same for any number of threads.
///
/// **Cost**: scratch for blocks of 256 rows; a gradient more where there are over 1024 rows, and two for each of up to
/// eight chunks where batches are large enough to be cut. A step allocates nothing.
pub struct EmpiricalLoss {
    model: Model,
    loss: Loss,
    data: Arc<Dataset>,
    target_unit: f64,
    workers: Vec<Worker>,
    /// The gradient of a fused step whose rows are not all scored before the first is added.
    step: Vec<f32>,
    pool: Option<Arc<rayon::ThreadPool>>,
}

struct Worker {
    pass: Pass,
    /// The sum over a span; only where there are more rows than one span has.
    span: Option<Gradient>,
    /// The sum over a chunk; only where there are several chunks.
    gradient: Option<Gradient>,
    loss: LossSum,
}

impl EmpiricalLoss {
    /// A batch is shared out in at most so many chunks, so more threads find nothing to do.
    pub const MAX_CHUNKS: usize = 8;

    /// A model on a table, computed by one thread.
    ///
    /// # Errors
    /// A model of other inputs or outputs than the table and the loss need, and a target that is none of the classes.
    pub fn new(model: Model, loss: Loss, data: Arc<Dataset>) -> Result<Self> {
        let differs = |part: &str, expected: usize, found: usize| ErrorKind::ShapeMismatch {
            part: part.to_owned(),
            expected: vec![expected],
            found: vec![found],
        };
        if model.n_features != data.n_features() || model.n_features == 0 {
            return Err(differs("features", data.n_features().max(1), model.n_features).into());
        }
        if model.n_outputs == 0 || (loss != Loss::CrossEntropy && model.n_outputs != 1) {
            return Err(differs("outputs", 1, model.n_outputs).into());
        }
        if model.hidden.contains(&0) {
            return Err(differs("hidden", 1, 0).into());
        }
        let n_classes = match loss.suits() {
            Suits::Regression => return Ok(Self::trusted(model, loss, data)),
            Suits::TwoClasses => 2,
            Suits::Classes => model.n_outputs,
        };
        let is_class = |&target: &f32| target.fract() == 0.0 && target >= 0.0 && (target as usize) < n_classes;
        match data.targets.iter().find(|target| !is_class(target)) {
            None => Ok(Self::trusted(model, loss, data)),
            Some(target) => {
                let (name, found) = ("targets".to_owned(), target.to_string());
                Err(ErrorKind::TargetOutOfRange { name, expected: "the number of a class", found }.into())
            }
        }
    }

    /// The same for what is known to fit.
    pub(crate) fn trusted(model: Model, loss: Loss, data: Arc<Dataset>) -> Self {
        let step = vec![0.0; model.n_parameters()];
        let mut objective = Self { model, loss, data, target_unit: 1.0, workers: Vec::new(), step, pool: None };
        let n_chunks = objective.n_chunks(objective.data.n_rows());
        let block_rows = BLOCK_ROWS.min(objective.data.n_rows().max(1));
        objective.workers = (0..n_chunks)
            .map(|_| Worker {
                pass: Pass::new(&objective.model, &objective.data.features, block_rows),
                span: (objective.data.n_rows() > SPAN_ROWS).then(|| objective.gradient()),
                gradient: (n_chunks > 1).then(|| objective.gradient()),
                loss: LossSum::default(),
            })
            .collect();
        objective
    }

    /// The same, with large batches shared out between the threads of a pool. Changes no bit.
    #[must_use]
    pub fn with_pool(mut self, pool: Option<Arc<rayon::ThreadPool>>) -> Self {
        self.pool = pool;
        self
    }

    /// The same, with regression metrics in a unit other than the targets': one target is so many of the unit.
    #[must_use]
    pub fn with_target_unit(mut self, unit: f64) -> Self {
        self.target_unit = unit;
        self
    }

    /// The model.
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// The rows.
    pub fn data(&self) -> &Arc<Dataset> {
        &self.data
    }

    /// The outputs of the model for all rows, (`n_rows`, `n_outputs`).
    pub fn outputs(&mut self, theta: &[f32]) -> Vec<f32> {
        let (n_rows, n_outputs) = (self.data.n_rows(), self.model.n_outputs);
        let mut outputs = Vec::with_capacity(n_rows * n_outputs);
        let pass = &mut self.workers[0].pass;
        for block in blocks(0..n_rows) {
            let length = block.len();
            pass.forward(theta, &self.data.features, &Batch::Range(block));
            for row in 0..length {
                outputs.extend((0..n_outputs).map(|output| *pass.score_mut(length, row, output)));
            }
        }
        outputs
    }

    fn n_chunks(&self, batch_rows: usize) -> usize {
        let work = batch_rows.saturating_mul(self.work_a_row());
        (work / CHUNK_WORK).clamp(1, Self::MAX_CHUNKS).min(batch_rows.div_ceil(BLOCK_ROWS).max(1))
    }

    fn work_a_row(&self) -> usize {
        match &self.data.features {
            Features::Sparse(x) if self.model.is_linear() => {
                self.model.n_outputs * (1 + x.n_values() / self.data.n_rows().max(1))
            }
            _ => self.model.n_parameters(),
        }
    }

    /// Runs `work` on each chunk of a batch, with its worker, on as many threads as there are.
    fn on_chunks(&mut self, batch: &Batch<'_>, work: impl Fn(&mut Worker, &Dataset, Loss, Batch<'_>) + Sync) -> usize {
        let n_chunks = self.n_chunks(batch.len());
        let (data, loss) = (&*self.data, self.loss);
        let chunk = |index: usize| batch.part(batch.len() * index / n_chunks..batch.len() * (index + 1) / n_chunks);
        let workers = &mut self.workers[..n_chunks];
        match &self.pool {
            Some(pool) if n_chunks > 1 => pool.install(|| {
                workers.par_iter_mut().enumerate().for_each(|(index, worker)| work(worker, data, loss, chunk(index)));
            }),
            _ => workers.iter_mut().enumerate().for_each(|(index, worker)| work(worker, data, loss, chunk(index))),
        }
        n_chunks
    }

    fn sum_of(&self, n_chunks: usize) -> LossSum {
        let mut total = LossSum::default();
        self.workers[..n_chunks].iter().for_each(|worker| total += worker.loss);
        total
    }
}

/// Positions cut into blocks.
fn blocks(positions: Range<usize>) -> impl Iterator<Item = Range<usize>> {
    cut(positions, BLOCK_ROWS)
}

fn cut(positions: Range<usize>, length: usize) -> impl Iterator<Item = Range<usize>> {
    let end = positions.end;
    positions.step_by(length).map(move |start| start..(start + length).min(end))
}

impl Worker {
    /// Adds up the rows of one span, block by block.
    fn sum_span(
        pass: &mut Pass,
        theta: &[f32],
        data: &Dataset,
        loss: Loss,
        span: &Batch<'_>,
        gradient: &mut Gradient,
    ) -> LossSum {
        let mut total = LossSum::default();
        for block in blocks(0..span.len()) {
            let block = span.part(block);
            pass.touch(&data.features, &block, gradient);
            let sum = pass.add_gradient(theta, data, loss, &block, 1.0, gradient.values_mut());
            total += LossSum::new(sum, block.len());
        }
        total
    }

    fn loss_and_gradient(
        &mut self,
        theta: &[f32],
        data: &Dataset,
        loss: Loss,
        batch: &Batch<'_>,
        gradient: &mut Gradient,
    ) -> LossSum {
        let Some(span_gradient) = self.span.as_mut().filter(|_| batch.len() > SPAN_ROWS) else {
            return Self::sum_span(&mut self.pass, theta, data, loss, batch, gradient);
        };
        let mut total = LossSum::default();
        for span in cut(0..batch.len(), SPAN_ROWS) {
            span_gradient.clear();
            total += Self::sum_span(&mut self.pass, theta, data, loss, &batch.part(span), span_gradient);
            gradient.add(span_gradient);
        }
        total
    }
}

impl Objective for EmpiricalLoss {
    fn n_parameters(&self) -> usize {
        self.model.n_parameters()
    }

    fn n_rows(&self) -> usize {
        self.data.n_rows()
    }

    fn loss_and_gradient(&mut self, theta: &[f32], batch: Batch<'_>, gradient: &mut Gradient) -> LossSum {
        if self.n_chunks(batch.len()) == 1 {
            return self.workers[0].loss_and_gradient(theta, &self.data, self.loss, &batch, gradient);
        }
        let n_chunks = self.on_chunks(&batch, |worker, data, loss, chunk| {
            if let Some(mut gradient) = worker.gradient.take() {
                gradient.clear();
                worker.loss = worker.loss_and_gradient(theta, data, loss, &chunk, &mut gradient);
                worker.gradient = Some(gradient);
            }
        });
        self.workers[..n_chunks].iter().filter_map(|worker| worker.gradient.as_ref()).for_each(|g| gradient.add(g));
        self.sum_of(n_chunks)
    }

    fn loss(&mut self, theta: &[f32], batch: Batch<'_>) -> LossSum {
        let n_chunks = self.on_chunks(&batch, |worker, data, loss, chunk| {
            worker.loss = LossSum::default();
            for block in blocks(0..chunk.len()) {
                let block = chunk.part(block);
                worker.pass.forward(theta, &data.features, &block);
                let sum = worker.pass.losses(loss, &data.targets, &block, Scores::Keep);
                worker.loss += LossSum::new(sum, block.len());
            }
        });
        self.sum_of(n_chunks)
    }

    /// For batches of one block: more rows gain nothing from leaving the gradient unwritten.
    fn fused_steps(&mut self, theta: &mut [f32], batches: &Batches<'_>, lr: f64, losses: &mut StepLosses) -> bool {
        if batches.batch_size() > BLOCK_ROWS {
            return false;
        }
        if batches.batch_size() == 1 && self.workers[0].pass.is_single(self.loss) {
            self.one_row_steps(theta, batches.rows(), lr as f32, losses);
            return true;
        }
        for (index, batch) in batches.iter().enumerate() {
            if index + 1 < batches.len() {
                Pass::prefetch(&self.data, &batches.batch(index + 1));
            }
            losses.push(self.fused_step(theta, &batch, lr));
            if !losses.last.sum.is_finite() {
                break;
            }
        }
        true
    }

    fn gradient(&self) -> Gradient {
        match self.data.features {
            Features::Sparse(_) if self.model.is_linear() => Gradient::sparse(self.n_parameters()),
            _ => Gradient::dense(self.n_parameters()),
        }
    }

    fn evaluate(&mut self, theta: &[f32]) -> Metrics {
        let outputs = self.outputs(theta);
        Metrics::of(self.loss, &outputs, &self.data.targets, self.target_unit)
    }

    /// Exact for linear models: H·v = X̃ᵀ(ℓ″∘(X̃v))/n. Otherwise by differences of gradients.
    fn curvature_product(&mut self, theta: &[f32], batch: Batch<'_>, vector: &[f64], out: &mut [f64]) {
        if !self.model.is_linear() {
            return differences_of_gradients(self, theta, &batch, vector, out);
        }
        let direction: Vec<f32> = vector.iter().map(|&v| v as f32).collect();
        let kink_width = self.kink_width();
        let (pass, data, n_outputs) = (&mut self.workers[0].pass, &*self.data, self.model.n_outputs);
        let mut product = vec![0.0_f32; theta.len()];
        let (mut scores, mut changes) = (Vec::new(), vec![0.0; n_outputs]);
        out.fill(0.0);
        for block in blocks(0..batch.len()) {
            let (block, length) = (batch.part(block.clone()), block.len());
            pass.forward(theta, &data.features, &block);
            scores.clear();
            for row in 0..length {
                scores.extend((0..n_outputs).map(|output| *pass.score_mut(length, row, output)));
            }
            pass.forward(&direction, &data.features, &block);
            for (row, scores) in scores.chunks_exact(n_outputs).enumerate() {
                for (output, change) in changes.iter_mut().enumerate() {
                    *change = *pass.score_mut(length, row, output);
                }
                self.loss.curve(scores, kink_width, &mut changes);
                for (output, &change) in changes.iter().enumerate() {
                    *pass.score_mut(length, row, output) = change;
                }
            }
            product.fill(0.0);
            pass.accumulate(&data.features, &block, &mut product);
            for (out, &product) in out.iter_mut().zip(&product) {
                *out += f64::from(product) / batch.len() as f64;
            }
        }
    }

    /// ‖x̃‖²·λmax(ℓ″), with x̃ the row and its 1, for linear models.
    fn row_curvatures(&mut self, theta: &[f32]) -> Option<Vec<f64>> {
        if !self.model.is_linear() {
            return None;
        }
        let outputs = self.outputs(theta);
        let kink_width = self.kink_width();
        let squares = |row: usize| match &self.data.features {
            Features::Dense(x) => crate::kernels::sum_of_squares(x.row(row)),
            Features::Sparse(x) => crate::kernels::sum_of_squares(x.row(row).1),
        };
        let rows = outputs.chunks_exact(self.model.n_outputs).enumerate();
        let curvatures =
            rows.map(|(row, outputs)| (1.0 + squares(row)) * self.loss.largest_curvature(outputs, kink_width));
        Some(curvatures.collect())
    }

    fn is_pulled_by_outliers(&self) -> bool {
        matches!(self.loss, Loss::Squared | Loss::Poisson | Loss::SquaredHinge)
    }

    fn parts(&self) -> Vec<Part> {
        self.model.parts()
    }
}

impl EmpiricalLoss {
    /// Steps of one row and one score each.
    fn one_row_steps(&mut self, theta: &mut [f32], batch: &Batch<'_>, lr: f32, losses: &mut StepLosses) {
        let (loss, targets) = (self.loss, &self.data.targets[..]);
        match &self.data.features {
            Features::Dense(x) => {
                let x = Rows::new(x.values(), x.n_columns(), batch.clone());
                kernels::run(OneRowSteps { loss, x, targets, lr, theta, losses });
            }
            Features::Sparse(x) => kernels::run(SparseOneRowSteps { loss, x, batch, targets, lr, theta, losses }),
        }
    }

    fn fused_step(&mut self, theta: &mut [f32], batch: &Batch<'_>, lr: f64) -> LossSum {
        let factor = (-lr / batch.len() as f64) as f32;
        let (pass, data) = (&mut self.workers[0].pass, &*self.data);
        let is_read_once = matches!(data.features, Features::Dense(_)) && pass.is_single(self.loss);
        let sum = if is_read_once {
            self.step.fill(0.0);
            let sum = pass.add_gradient(theta, data, self.loss, batch, factor, &mut self.step);
            axpy(1.0, &self.step, theta);
            sum
        } else {
            let sum = pass.derive(theta, data, self.loss, batch, factor);
            pass.accumulate(&data.features, batch, theta);
            sum
        };
        LossSum::new(sum, batch.len())
    }

    /// The scale of the targets over which a kink of the loss is seen: their standard deviation, or 1 for classes.
    fn kink_width(&self) -> f64 {
        if self.loss.suits() != Suits::Regression {
            return 1.0;
        }
        let n = self.data.targets.len() as f64;
        let mean = self.data.targets.iter().map(|&t| f64::from(t)).sum::<f64>() / n;
        let variance = self.data.targets.iter().map(|&t| (f64::from(t) - mean).powi(2)).sum::<f64>() / n;
        if variance > 0.0 { variance.sqrt() } else { 1.0 }
    }
}
