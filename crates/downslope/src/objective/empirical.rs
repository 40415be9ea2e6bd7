//! A model on a table: the mean loss over its rows.

use std::sync::Arc;

use rayon::ThreadPool;

use super::lazy::{Lazy, Moving};
use super::pass::{BLOCK_ROWS, Pass};
use super::row_by_row::RowByRow;
use super::workers::{MOST_SHARES, Problem, Workers, blocks};
use super::{CurvatureProduct, Gradient, LossSum, Objective, StepLosses, StepRule};
use crate::awake::install;
use crate::data::{Dataset, Features};
use crate::error::{ErrorKind, Result};
use crate::kernels::{self, Aligned, LinearRows, LinearSteps, OneRowSteps, Others, Rows, SparseOneRowSteps, Targets};
use crate::loader::{Batch, Batches};
use crate::loss::{Loss, Suits};
use crate::metrics::Metrics;
use crate::model::{Model, Part};

/// With fewer parameters to each value of a sparse row, its step shrinks all of them (with L1, 123 to 15 took 58 ns a row, and
/// 140 where they waited). Not with momentum: velocities that die away slow the machine down.
const FEW: usize = 32;
/// Where bringing all parameters up to date is worth fewer steps of one row, that is done up to `RARER` times more rarely, every
/// so many steps at most: more rarely still, a run would be seen too little.
const OFTEN: usize = 64;
const RARER: usize = 8;

/// minimise f(θ) = (1/n) Σᵢ wᵢ ℓ(model(θ, xᵢ), yᵢ), given rows (xᵢ, yᵢ) of weights wᵢ, which are 1 unless given
/// ([`Dataset::with_weights`]).
///
/// **Threads**: a batch with enough work is shared out by its size alone, never by the number of threads, and what comes
/// of the shares is added in order. So the bits are the same for any number of threads.
///
/// **Cost**: scratch for blocks of 256 rows, of sparse ones for up to 16,384, and a gradient; another one where there are
/// over 1024 rows; where batches are large enough to be cut, for linear models two for each of up to eight chunks, and with
/// hidden layers one for each of two spans a thread, eight at most, from the first batch of over 1024 rows on; two rows'
/// worth of activations where there are several scores or hidden layers, and sixteen rows' of a large first layer, and 32
/// sparse rows before it as dense ones; 48 rows of up to 1024 columns for each share, and for each part of a layer, where
/// layers have many outputs; with momentum or penalties 2¹⁷ slopes, or those of sixteen outputs, for each part. A step
/// allocates nothing, but for these spans at their first.
///
/// **Panics**, perhaps: for a batch of more rows than the table has.
pub struct EmpiricalLoss {
    model: Model,
    loss: Loss,
    data: Arc<Dataset>,
    target_unit: f64,
    workers: Workers,
    /// The gradient of a fused step that is not taken on θ directly.
    step: Gradient,
    /// θ while many steps are taken, where rows of weights can start at cache lines; empty for models of one score and
    /// for sparse rows.
    theta: Aligned,
    /// For steps of one row each through many weights; nothing for linear models of one score and for sparse ones.
    row_by_row: Option<RowByRow>,
    /// Used for penalties and momentum on sparse rows only.
    lazy: Lazy,
    /// Products that a row cost at first, which other rows of a stream do not change.
    work_a_row: usize,
}

impl EmpiricalLoss {
    /// A batch is shared out in at most so many parts, so more threads find nothing to do.
    pub const MAX_CHUNKS: usize = MOST_SHARES;

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
        let problem = Problem { model: &model, loss, data: &data };
        let (workers, step) = (Workers::new(problem), problem.gradient());
        let reads_rows_of_weights = !problem.is_single() && matches!(data.features, Features::Dense(_));
        let theta = Aligned::zeros(if reads_rows_of_weights { model.n_parameters() } else { 0 });
        let row_by_row = problem.goes_through_all_weights().then(|| RowByRow::new(problem));
        let (lazy, work_a_row) = (Lazy::default(), problem.work_a_row());
        Self { model, loss, data, target_unit: 1.0, workers, step, theta, row_by_row, lazy, work_a_row }
    }

    /// The same, with large batches shared out between the threads of a pool. Changes no bit.
    #[must_use]
    pub fn with_pool(mut self, pool: Option<Arc<rayon::ThreadPool>>) -> Self {
        self.workers.pool = pool;
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

    /// What is gone down.
    pub fn loss_function(&self) -> Loss {
        self.loss
    }

    /// Goes on with other rows of the same features; returns the ones before.
    pub(super) fn replace_data(&mut self, data: Arc<Dataset>) -> Arc<Dataset> {
        let used = std::mem::replace(&mut self.data, data);
        let problem = Problem { model: &self.model, loss: self.loss, data: &self.data };
        if !self.workers.suit(problem) {
            let mut workers = Workers::new(problem);
            workers.pool = self.workers.pool.take();
            self.workers = workers;
        }
        used
    }

    pub(super) fn problem(&self) -> Problem<'_> {
        Problem { model: &self.model, loss: self.loss, data: &self.data }
    }

    pub(super) fn pass(&mut self) -> &mut Pass {
        self.workers.pass()
    }

    /// The outputs of the model for all rows, (`n_rows`, `n_outputs`).
    pub fn outputs(&mut self, theta: &[f32]) -> Vec<f32> {
        let n_rows = self.data.n_rows();
        let mut outputs = Vec::with_capacity(n_rows * self.model.n_outputs);
        let pass = self.workers.pass();
        for block in blocks(0..n_rows) {
            let length = block.len();
            pass.forward(theta, &self.data.features, &Batch::Range(block));
            pass.append_scores(length, &mut outputs);
        }
        outputs
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
        let problem = Problem { model: &self.model, loss: self.loss, data: &self.data };
        self.workers.add_gradient(problem, theta, (&batch, None), gradient)
    }

    fn loss(&mut self, theta: &[f32], batch: Batch<'_>) -> LossSum {
        let problem = Problem { model: &self.model, loss: self.loss, data: &self.data };
        self.workers.loss(problem, theta, &batch)
    }

    fn fused_steps(
        &mut self,
        theta: &mut [f32],
        velocity: &mut [f32],
        ahead: &mut Vec<f32>,
        batches: &Batches<'_>,
        rule: StepRule,
        losses: &mut StepLosses,
    ) -> bool {
        // Velocities begin with the first gradient, all of them.
        if rule.momentum > 0.0 && velocity.is_empty() {
            return false;
        }
        let velocity = if rule.momentum > 0.0 { velocity } else { &mut [] };
        let is_one_row = batches.batch_size() == 1 && self.problem().is_single();
        let at_once = self.steps_between_looks(batches.batch_size(), rule);
        if is_one_row && at_once == 1 {
            self.one_row_steps(theta, velocity, ahead, batches, rule, losses);
            return true;
        }
        if !rule.is_plain() {
            ahead.clear();
            if self.small_steps(theta, velocity, batches, rule, losses)
                || self.steps_by_rule(theta, velocity, batches, rule, losses)
            {
                return true;
            }
            if at_once == 1 {
                return false;
            }
            for group in batches.groups(at_once as usize) {
                if is_one_row {
                    self.one_row_steps(theta, velocity, ahead, &group, rule, losses);
                } else if !(rule.decays_alike() && self.decaying_steps(theta, &group, rule, losses)) {
                    self.lazy_steps(&mut Moving { theta, velocity }, &group, rule, losses);
                }
                if !losses.last.sum.is_finite() {
                    break;
                }
            }
            return true;
        }
        let lr = rule.lr;
        // Every step on dense rows goes over θ once or more, and moving it there and back costs as much as two such steps.
        let is_worth_moving = !self.theta.is_empty() && batches.len() > 4;
        let pool = self.pool_to_wake(batches);
        let mut aligned = std::mem::take(&mut self.theta);
        let mut steps = |theta: &mut [f32]| install(pool.as_deref(), || self.steps(theta, ahead, batches, lr, losses));
        if is_worth_moving {
            aligned.copy_from_slice(theta);
            steps(&mut aligned);
            theta.copy_from_slice(&aligned);
        } else {
            steps(theta);
        }
        self.theta = aligned;
        true
    }

    /// Penalties and momentum on sparse rows are applied when a weight is next needed, and to all weights once about as much
    /// has been done on rows, or a few times that; in every step where that costs less.
    fn steps_between_looks(&self, batch_size: usize, rule: StepRule) -> u64 {
        let is_sparse = matches!(self.data.features, Features::Sparse(_));
        if rule.is_plain() || !rule.can_wait() || !self.model.is_linear() || !is_sparse {
            return 1;
        }
        let at_once = (self.model.n_parameters() / self.work_a_row / batch_size.max(1)).max(1);
        if batch_size > 1 || !self.problem().is_single() {
            return at_once as u64;
        }
        let steps_on_all = at_once < FEW && rule.momentum == 0.0 && !rule.decays_alike();
        if steps_on_all { 1 } else { at_once.max(OFTEN.min(RARER * at_once)) as u64 }
    }

    fn pool_of_steps(&self, batch_size: usize) -> Option<Arc<ThreadPool>> {
        let (problem, n_rows) = (self.problem(), self.data.n_rows());
        let is_shared_out = problem.is_shared_out(batch_size.min(n_rows))
            || (batch_size == 1 && self.row_by_row.as_ref().is_some_and(RowByRow::is_shared_out));
        self.workers.pool.clone().filter(|_| is_shared_out && problem.is_worth_waking(n_rows))
    }

    fn gradient(&self) -> Gradient {
        Problem { model: &self.model, loss: self.loss, data: &self.data }.gradient()
    }

    fn evaluate(&mut self, theta: &[f32]) -> Metrics {
        let outputs = self.outputs(theta);
        Metrics::of(self.loss, &outputs, &self.data.targets, self.data.weights(), self.target_unit)
    }

    fn curvature<'a>(&'a mut self, theta: &'a [f32], batch: Batch<'a>) -> CurvatureProduct<'a> {
        self.product_with_curvature(theta, batch)
    }

    fn row_curvatures(&mut self, theta: &[f32]) -> Option<Vec<f64>> {
        self.curvatures_of_rows(theta)
    }

    fn curvature_diagonal(&mut self, theta: &[f32], batch: Batch<'_>) -> Option<Vec<f64>> {
        self.diagonal_of_curvature(theta, &batch)
    }

    fn squared_gradient_norms(&mut self, theta: &[f32], batch: Batch<'_>) -> Vec<f64> {
        self.squared_norms_of_rows(theta, &batch)
    }

    fn is_pulled_by_outliers(&self) -> bool {
        matches!(self.loss, Loss::Squared | Loss::Poisson | Loss::SquaredHinge)
    }

    /// Of linear models: where ℓ″ is constant, and p(1 − p), which is ¼ at most and at zero. Softmax bends more between two
    /// classes than among all.
    fn bends_most_at_zero(&self) -> bool {
        self.model.is_linear() && !matches!(self.loss, Loss::Poisson | Loss::CrossEntropy)
    }

    fn parts(&self) -> Vec<Part> {
        self.model.parts()
    }
}

impl EmpiricalLoss {
    /// Steps of one row and one score each.
    fn one_row_steps(
        &mut self,
        theta: &mut [f32],
        velocity: &mut [f32],
        ahead: &mut Vec<f32>,
        batches: &Batches<'_>,
        rule: StepRule,
        losses: &mut StepLosses,
    ) {
        let (loss, targets, batch) = (self.loss, Targets::of(&self.data), batches.rows());
        let can_wait = self.steps_between_looks(1, rule) > 1;
        match &self.data.features {
            Features::Dense(x) => {
                let (n_steps, n_before) = (batch.len(), batches.n_before());
                let x = Rows::new(x.values(), x.n_columns(), batches.coming().clone());
                kernels::run(OneRowSteps { loss, x, n_steps, n_before, ahead, targets, rule, theta, velocity, losses });
            }
            Features::Sparse(x) => {
                let n_before = losses.n_steps;
                let mut steps = |theta: &mut [f32], velocity: &mut [f32], others: Others<'_>| {
                    kernels::run(SparseOneRowSteps { loss, x, batch, targets, rule, theta, velocity, others, losses });
                };
                if rule.is_plain() || (can_wait && rule.decays_alike()) {
                    steps(theta, velocity, Others::Alike);
                } else if can_wait {
                    self.lazy.begin(&self.model, rule, batches.len());
                    steps(theta, velocity, Others::Wait(&mut self.lazy));
                    self.lazy.catch_up_all(&mut Moving { theta, velocity }, (losses.n_steps - n_before) as usize);
                } else {
                    self.step.clear();
                    steps(theta, velocity, Others::Stepped(&mut self.step.values_mut()[..x.n_columns()]));
                }
            }
        }
    }

    /// Steps with penalties or momentum on sparse rows, each touching the weights of its rows alone.
    fn lazy_steps(&mut self, moving: &mut Moving<'_>, batches: &Batches<'_>, rule: StepRule, losses: &mut StepLosses) {
        let Features::Sparse(x) = &self.data.features else { return };
        let problem = Problem { model: &self.model, loss: self.loss, data: &self.data };
        self.lazy.begin(&self.model, rule, batches.len());
        let mut n_steps = 0;
        one_by_one(batches, losses, |batch, _| {
            self.lazy.catch_up_rows(moving, x, batch, n_steps);
            self.step.clear();
            let loss = self.workers.add_gradient(problem, moving.theta, (batch, None), &mut self.step);
            self.lazy.apply(moving, &self.step, batch.len(), n_steps);
            n_steps += 1;
            loss
        });
        self.lazy.catch_up_all(moving, n_steps);
    }

    /// A step on each batch, one after the other.
    fn steps(
        &mut self,
        theta: &mut [f32],
        ahead: &mut Vec<f32>,
        batches: &Batches<'_>,
        lr: f64,
        losses: &mut StepLosses,
    ) {
        let problem = Problem { model: &self.model, loss: self.loss, data: &self.data };
        let batch_size = batches.batch_size();
        if let (1, false, Some(rows)) = (batch_size, problem.is_shared_out(1), &mut self.row_by_row) {
            rows.use_threads(self.workers.n_threads());
            return rows.steps(problem, theta, ahead, batches, -lr as f32, losses);
        }
        ahead.clear();
        let rule = StepRule::plain(lr);
        if self.workers.steps_by_halves(problem, theta, batches, rule, losses)
            || self.small_steps(theta, &mut [], batches, rule, losses)
        {
            return;
        }
        one_by_one(batches, losses, |batch, next| self.step(theta, batch, next, lr));
    }

    /// The threads of steps on these batches, for whoever is not among them already: if the steps are shared out, and are worth
    /// waking a thread for.
    fn pool_to_wake(&self, batches: &Batches<'_>) -> Option<Arc<ThreadPool>> {
        let is_worth_waking = self.problem().is_worth_waking(batches.rows().len());
        self.pool_of_steps(batches.batch_size()).filter(|_| is_worth_waking)
    }

    /// Steps on small batches of sparse rows of one score with weight decay, which is taken together for all weights. Says
    /// whether they are such.
    fn decaying_steps(
        &mut self,
        theta: &mut [f32],
        batches: &Batches<'_>,
        rule: StepRule,
        losses: &mut StepLosses,
    ) -> bool {
        let problem = Problem { model: &self.model, loss: self.loss, data: &self.data };
        let pool = self.pool_to_wake(batches);
        let workers = &mut self.workers;
        install(pool.as_deref(), || workers.steps_by_halves(problem, theta, batches, rule, losses))
    }

    /// Steps on small batches of dense rows of one score: entered once, not in every step. Says whether they are such.
    fn small_steps(
        &mut self,
        theta: &mut [f32],
        velocity: &mut [f32],
        batches: &Batches<'_>,
        rule: StepRule,
        losses: &mut StepLosses,
    ) -> bool {
        let problem = Problem { model: &self.model, loss: self.loss, data: &self.data };
        let batch_size = batches.batch_size();
        let Features::Dense(x) = &self.data.features else { return false };
        if !problem.is_single() || batch_size > BLOCK_ROWS || problem.is_shared_out(batch_size) {
            return false;
        }
        let rows = LinearRows::of(self.loss, &self.data, x, batches.rows(), None);
        let gradient = self.step.values_mut();
        kernels::run(LinearSteps { rows, batch_size, rule, theta, velocity, gradient, losses });
        true
    }

    /// Steps with momentum or penalties that go through all weights of several scores, or of hidden layers. Says whether they
    /// are such, of few enough rows.
    fn steps_by_rule(
        &mut self,
        theta: &mut [f32],
        velocity: &mut [f32],
        batches: &Batches<'_>,
        rule: StepRule,
        losses: &mut StepLosses,
    ) -> bool {
        let problem = Problem { model: &self.model, loss: self.loss, data: &self.data };
        // The last may be short, and fewer rows may not be shared out.
        let is_such = |index| Workers::can_step_directly(problem, batches.batch(index).len());
        if !problem.goes_through_all_weights() || !is_such(0) || !is_such(batches.len() - 1) {
            return false;
        }
        let pool = self.pool_to_wake(batches);
        let (workers, data) = (&mut self.workers, &self.data);
        install(pool.as_deref(), || {
            one_by_one(batches, losses, |batch, next| {
                if let Some(next) = next {
                    kernels::prefetch_targets(data, next);
                }
                workers.step_by_rule(problem, (&mut *theta, &mut *velocity), (batch, next), rule)
            });
        });
        true
    }

    fn step(&mut self, theta: &mut [f32], batch: &Batch<'_>, next: Option<&Batch<'_>>, lr: f64) -> LossSum {
        let factor = (-lr / batch.len() as f64) as f32;
        let problem = Problem { model: &self.model, loss: self.loss, data: &self.data };
        // Dense rows of one score are read once: scored and added while they are in the cache.
        let is_read_once = problem.is_single() && matches!(self.data.features, Features::Dense(_));
        if !is_read_once && Workers::can_step_directly(problem, batch.len()) {
            if let Some(next) = next {
                kernels::prefetch_targets(&self.data, next);
            }
            return self.workers.step_directly(problem, theta, (batch, next), factor);
        }
        // Of linear models, whoever adds the last of this batch asks for the first of the next.
        if let (Some(next), false) = (next, problem.model.is_linear()) {
            kernels::prefetch(&self.data, next);
        }
        self.step.clear();
        let loss = self.workers.add_gradient(problem, theta, (batch, next), &mut self.step);
        self.step.add_to(factor, theta);
        loss
    }
}

/// Takes a step on each batch, told which comes next; the first without a finite loss is the last.
fn one_by_one(
    batches: &Batches<'_>,
    losses: &mut StepLosses,
    mut step: impl FnMut(&Batch<'_>, Option<&Batch<'_>>) -> LossSum,
) {
    for (index, batch) in batches.iter().enumerate() {
        let next = (index + 1 < batches.len()).then(|| batches.batch(index + 1));
        losses.push(step(&batch, next.as_ref()));
        if !losses.last.sum.is_finite() {
            break;
        }
    }
}
