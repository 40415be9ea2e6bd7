//! How is a batch shared out, and how are the shares put together?
//!
//! By its size and the model alone, never by the number of threads: so the bits are the same for any number of them. Where
//! their number decides what is done together, it is what is done in the same order anyway.
//!
//! - **Linear models**: chunks of rows, each with a gradient of its own, added in order. A gradient is small beside the
//!   rows, and rows are read once.
//! - **Sparse rows of one score**, where a step is taken on θ itself: halves of the columns ([`super::halves`]).
//! - **Steps of one row**: the outputs of a large first layer ([`super::row_by_row`]).
//! - **Hidden layers**: in small batches the outputs of every layer, forward, back and in the step, so that a thread's
//!   weights stay in its cache. In larger ones parts of the rows go forward and back side by side; then the *parameters* are
//!   shared out, and each is added up over all rows in order: a gradient is large beside a few rows, so there is only one.
//!   Batches of several spans are shared out span by span, each with a gradient of its own, added in order.

use std::ops::Range;
use std::sync::Arc;

use rayon::ThreadPool;
use rayon::prelude::*;

use super::halves::Halves;
use super::parts::{Outputs, cut_in_two, in_parts};
use super::pass::{BLOCK_ROWS, Pass};
use super::{Gradient, LossSum, StepLosses, StepRule};
use crate::awake::{install, is_within};
use crate::data::{Dataset, Features};
use crate::kernels::{self, Aligned, LANES, Scores, Targets, Update};
use crate::loader::{Batch, Batches};
use crate::loss::Loss;
use crate::model::{Layer, Model};

/// A batch is shared out at most so often.
pub(super) const MOST_SHARES: usize = 8;

/// A chunk of rows is worth at least so much work: some 10 µs. To hand it to a thread that is awake takes a twentieth of
/// that, and while a run lasts all are ([`crate::awake`]).
const CHUNK_WORK: usize = 1 << 18;
/// But where a step has to wake the threads for itself alone, it is worth that only if it is so much work.
const WAKING_WORK: usize = 1 << 22;
/// Rows of one score are waited for more than computed with; they count as so many.
const OF_ONE_SCORE: usize = 16;

/// Sparse rows are scored by halves of the columns in steps of so many rows or more.
const HALVES_ROWS: usize = 16;
/// Two threads share them where a step is worth so much work,
const HALVES_WORK: usize = 1 << 14;
/// products with weights that are too many for the first cache counted as so many, for they are waited for,
const OF_FAR_WEIGHTS: usize = 16;
const FAR_WEIGHTS: usize = 1 << 13;
/// and where the larger half holds no more than so many tenths of the values.
const LARGER_HALF: usize = 8;

/// With hidden layers, a batch of so many products of a parameter and a row is shared out,
const PART_WORK: usize = 1 << 21;
/// but a share has no fewer rows than this.
const PART_ROWS: usize = 16;

/// So many slopes are added up before the step is taken from them, or those of sixteen outputs: they stay in the second cache, and
/// rows need not be gone through too often (a quarter as many took 256 rows before 784 × 128 a tenth longer).
const SLOPES: usize = 1 << 17;

/// Rows whose gradients are added up on their own before they join the rest. In one long `f32` sum small terms get lost: a
/// million equal rows of 0.056 came to a mean of 0.0556.
const SPAN_ROWS: usize = 4 * BLOCK_ROWS;
/// With hidden layers so many spans a thread are under way at once: a gradient each, and who is done sooner takes more.
const SPANS_A_THREAD: usize = 2;
/// And so many are cut at least, of shorter ones if need be, so that as many threads find one,
const FEWEST_SPANS: usize = 4;
/// but none that are so short that adding another gradient costs more than is gained.
const FEWEST_SPAN_ROWS: usize = SPAN_ROWS / 2;
/// Sparse rows may be added up in longer spans, so that going through a long gradient pays, but not in longer ones.
const MOST_SPAN_ROWS: usize = 128 * BLOCK_ROWS;

/// What is computed.
#[derive(Clone, Copy)]
pub(super) struct Problem<'a> {
    pub(super) model: &'a Model,
    pub(super) loss: Loss,
    pub(super) data: &'a Dataset,
}

impl Problem<'_> {
    /// Whether a row has one score, straight from its features.
    pub(super) fn is_single(&self) -> bool {
        self.model.is_linear() && self.loss != Loss::CrossEntropy
    }

    /// Whether a step of one row goes through many weights, and through all of them.
    pub(super) fn goes_through_all_weights(&self) -> bool {
        match self.data.features {
            Features::Dense(_) => !self.is_single(),
            Features::Sparse(_) => !self.model.is_linear(),
        }
    }

    /// Products of a parameter and a row that a row costs.
    pub(super) fn work_a_row(&self) -> usize {
        match &self.data.features {
            Features::Sparse(x) if self.model.is_linear() => {
                self.model.n_outputs * (1 + x.n_values() / self.data.n_rows().max(1))
            }
            _ => self.model.n_parameters(),
        }
    }

    /// What a batch is worth, in products.
    fn work(&self, batch_rows: usize) -> usize {
        let weight = if self.is_single() { OF_ONE_SCORE } else { 1 };
        batch_rows.saturating_mul(self.work_a_row()).saturating_mul(weight)
    }

    /// Into how many shares a batch is cut.
    pub(super) fn n_shares(&self, batch_rows: usize) -> usize {
        let work = self.work(batch_rows);
        let most = if self.model.is_linear() {
            (work / CHUNK_WORK).min(batch_rows / PART_ROWS)
        } else if work < PART_WORK {
            1
        } else {
            batch_rows / PART_ROWS
        };
        // A power of two, so that two or four threads have the same to do.
        1 << most.clamp(1, MOST_SHARES).ilog2()
    }

    /// Into how many shares of rows a batch is cut to take its step; small ones are one share where something else is shared
    /// out. Of sparse rows whose step is taken on θ itself that is the columns, or nothing: what a step changes would have to
    /// move from one thread's cache to another's, and two threads took a quarter longer than one. With hidden layers it is
    /// the outputs of the layers.
    fn n_shares_of_step(&self, batch_rows: usize) -> usize {
        let is_sparse = self.model.is_linear() && matches!(self.data.features, Features::Sparse(_));
        let is_whole = (is_sparse || self.shares_outputs()) && batch_rows <= self.direct_rows();
        if is_whole { 1 } else { self.n_shares(batch_rows) }
    }

    /// Whether all hidden layers have outputs enough to be cut in two.
    fn shares_outputs(&self) -> bool {
        !self.model.is_linear() && self.model.hidden.iter().all(|&width| cut_in_two(width, 2).is_some())
    }

    /// Whether a row's score is added up by [`Halves`] of the columns in a step.
    fn steps_by_halves(&self, batch_rows: usize) -> bool {
        self.is_single()
            && matches!(self.data.features, Features::Sparse(_))
            && (HALVES_ROWS..=self.direct_rows()).contains(&batch_rows)
    }

    /// Whether that is worth two threads. No bit depends on it.
    fn shares_halves(&self, batch_rows: usize) -> bool {
        let Features::Sparse(x) = &self.data.features else { return false };
        let is_balanced = 10 * x.n_in_larger_half() <= LARGER_HALF * x.n_values();
        let weight = if self.model.n_parameters() > FAR_WEIGHTS { OF_FAR_WEIGHTS } else { 1 };
        let work = batch_rows.saturating_mul(self.work_a_row()).saturating_mul(weight);
        is_balanced && work >= HALVES_WORK && self.steps_by_halves(batch_rows)
    }

    /// Whether outputs of layers, and their parameters, are worth sharing out.
    fn has_large_steps(&self, batch_rows: usize) -> bool {
        !self.model.is_linear() && self.work(batch_rows) >= PART_WORK
    }

    /// Whether so many rows are worth sharing out where threads have to be woken for them alone.
    pub(super) fn is_worth_waking(&self, n_rows: usize) -> bool {
        self.work(n_rows) >= WAKING_WORK
    }

    /// Whether more than one thread has something to do in a step.
    pub(super) fn is_shared_out(&self, batch_rows: usize) -> bool {
        self.n_shares_of_step(batch_rows) > 1 || self.has_large_steps(batch_rows) || self.shares_halves(batch_rows)
    }

    /// Into how many equal spans a batch is cut that is more than one, with hidden layers.
    fn n_spans(batch_rows: usize) -> usize {
        let rows = (batch_rows / FEWEST_SPANS).next_multiple_of(BLOCK_ROWS).clamp(FEWEST_SPAN_ROWS, SPAN_ROWS);
        batch_rows.div_ceil(rows)
    }

    /// Rows that are one span at most.
    pub(super) fn span_rows(&self) -> usize {
        match &self.data.features {
            Features::Sparse(_) if self.model.is_linear() => {
                (8 * self.model.n_parameters() / self.work_a_row()).clamp(SPAN_ROWS, MOST_SPAN_ROWS)
            }
            _ => SPAN_ROWS,
        }
    }

    /// The rows that are scored before the first is added to θ, at most.
    fn direct_rows(&self) -> usize {
        match &self.data.features {
            Features::Sparse(_) if self.model.is_linear() => (64 * BLOCK_ROWS / self.model.n_outputs).max(BLOCK_ROWS),
            _ => BLOCK_ROWS,
        }
    }

    /// The rows of a block at most. Of sparse ones with many weights it is large: all are scored before the first is added, so
    /// that θ and the gradient are in the second cache one after the other (262,144 of each took 95 instead of 138 ns a row).
    fn block_rows(&self) -> usize {
        if self.model.n_parameters() > FAR_WEIGHTS { self.direct_rows() } else { BLOCK_ROWS }
    }

    /// A gradient of zeros.
    pub(super) fn gradient(&self) -> Gradient {
        match self.data.features {
            Features::Sparse(_) if self.model.is_linear() => Gradient::sparse(self.model.n_parameters()),
            _ => Gradient::dense(self.model.n_parameters()),
        }
    }
}

/// Scratch memory for every share, and the threads that compute them.
pub(super) struct Workers {
    each: Vec<Worker>,
    halves: Option<Halves>,
    /// Slopes of a few outputs, for each part of a layer that a thread may take.
    slopes: Vec<Aligned>,
    pub(super) pool: Option<Arc<ThreadPool>>,
    /// It was made for so many.
    n_rows: usize,
}

struct Worker {
    pass: Pass,
    /// The sum over a span of a linear model; only where there are more rows than one span has.
    span: Option<Gradient>,
    /// The sum over a share, a span where there are hidden layers; from the first batch on that is cut in several.
    share: Option<Gradient>,
    loss: LossSum,
}

impl Workers {
    pub(super) fn new(problem: Problem<'_>) -> Self {
        let n_rows = problem.data.n_rows();
        let n_shares = problem.n_shares(n_rows);
        let is_linear = problem.model.is_linear();
        let has_spans = n_rows > problem.span_rows();
        let block_rows = problem.direct_rows().min(n_rows.max(1));
        let pass = |n_parts| Pass::new(problem.model, &problem.data.features, block_rows, n_parts);
        let worker = |index: usize| Worker {
            pass: pass(if index == 0 { n_shares } else { 1 }),
            span: (has_spans && is_linear).then(|| problem.gradient()),
            share: None,
            loss: LossSum::default(),
        };
        let direct_rows = problem.direct_rows().min(n_rows);
        let halves = problem.steps_by_halves(direct_rows).then(|| Halves::new(direct_rows));
        let room =
            problem.model.layers().iter().map(LayerStep::room).max().filter(|_| problem.goes_through_all_weights());
        let slopes = (0..n_shares).map(|_| Aligned::zeros(room.unwrap_or(0))).collect();
        Self { each: (0..n_shares).map(worker).collect(), halves, slopes, pool: None, n_rows }
    }

    /// Whether there is scratch memory enough for other rows than it was made for.
    pub(super) fn suit(&self, problem: Problem<'_>) -> bool {
        let n_rows = problem.data.n_rows();
        let has_spans = !problem.model.is_linear() || self.each[0].span.is_some();
        n_rows <= self.n_rows
            && problem.n_shares(n_rows) <= self.each.len()
            && (has_spans || n_rows <= problem.span_rows())
    }

    /// The first worker's pass: for what one thread does block by block.
    pub(super) fn pass(&mut self) -> &mut Pass {
        &mut self.each[0].pass
    }

    /// Takes steps by halves of the columns, where batches are such.
    pub(super) fn steps_by_halves(
        &mut self,
        problem: Problem<'_>,
        theta: &mut [f32],
        batches: &Batches<'_>,
        rule: StepRule,
        losses: &mut StepLosses,
    ) -> bool {
        let batch_rows = batches.batch_size();
        let has_two_threads = self.n_threads() > 1 && problem.shares_halves(batch_rows);
        // Weight decay has no other way of being taken together in batches of fewer rows.
        let fewest = if rule.is_plain() { 0 } else { HALVES_ROWS };
        let halves = self.halves.as_mut().filter(|_| problem.steps_by_halves(batch_rows.max(fewest)));
        halves.map(|halves| halves.steps(problem, theta, batches, rule, has_two_threads, losses)).is_some()
    }

    /// How many threads are awake.
    pub(super) fn n_threads(&self) -> usize {
        self.pool.as_deref().filter(|pool| is_within(pool)).map_or(1, ThreadPool::current_num_threads)
    }

    /// The threads, where they are worth asking.
    fn pool_for(&self, problem: Problem<'_>, batch_rows: usize) -> Option<&Arc<ThreadPool>> {
        self.pool.as_ref().filter(|pool| is_within(pool) || problem.is_worth_waking(batch_rows))
    }

    /// Runs `work` on some shares of a batch of so many rows, each with a worker, on as many threads as there are, and adds
    /// what they lost to a total, one after the other.
    fn share_out(
        &mut self,
        problem: Problem<'_>,
        batch_rows: usize,
        shares: &Shares,
        total: &mut LossSum,
        work: impl Fn(&mut Worker, usize) -> LossSum + Sync,
    ) {
        let pool = self.pool_for(problem, batch_rows).cloned();
        let workers = &mut self.each[..shares.which.len()];
        let compute = |(index, worker): (usize, &mut Worker)| worker.loss = work(worker, index);
        match pool {
            Some(pool) if workers.len() > 1 => pool.install(|| workers.par_iter_mut().enumerate().for_each(compute)),
            _ => workers.iter_mut().enumerate().for_each(compute),
        }
        for worker in workers {
            *total += worker.loss;
        }
    }

    /// Σ wℓ over a batch.
    pub(super) fn loss(&mut self, problem: Problem<'_>, theta: &[f32], batch: &Batch<'_>) -> LossSum {
        let (shares, mut total) = (Shares::all(problem.n_shares(batch.len())), LossSum::default());
        self.share_out(problem, batch.len(), &shares, &mut total, |worker, index| {
            let (rows, mut total) = (shares.part(batch, index), LossSum::default());
            for block in worker.blocks(problem, 0..rows.len()) {
                let block = rows.part(block);
                worker.pass.forward(theta, &problem.data.features, &block);
                let sum = worker.pass.losses(problem.loss, Targets::of(problem.data), &block, Scores::Keep);
                total += LossSum::new(sum, block.len());
            }
            total
        });
        total
    }

    /// Adds Σ w∇ℓ over a batch to a gradient that is not θ, and returns Σ wℓ. Without hidden layers, dense rows of the `next`
    /// batch are fetched on the way.
    pub(super) fn add_gradient(
        &mut self,
        problem: Problem<'_>,
        theta: &[f32],
        (batch, next): (&Batch<'_>, Option<&Batch<'_>>),
        gradient: &mut Gradient,
    ) -> LossSum {
        if !problem.model.is_linear() {
            // One thread steps down the gradient. What others have added up of it, and what they read of θ, has to come from
            // their caches, which only pays where that is little beside the batch (784-128-10 with momentum, 32 rows a step: 1.8 µs
            // a row instead of 1.3).
            let pool = self.pool.take();
            self.pool = pool.clone().filter(|_| problem.is_worth_waking(batch.len()));
            let loss = install(self.pool.clone().as_deref(), || {
                if batch.len() <= problem.span_rows() {
                    self.add_in_layers(problem, theta, batch, gradient)
                } else {
                    self.add_spans(problem, theta, batch, gradient)
                }
            });
            self.pool = pool;
            return loss;
        }
        let n_shares = problem.n_shares(batch.len());
        if n_shares == 1 {
            return self.each[0].add_rows(problem, theta, (batch, next), gradient);
        }
        let mut total = LossSum::default();
        self.add_shares(problem, theta, (batch, next), &Shares::all(n_shares), &mut total, gradient);
        total
    }

    /// Adds up some shares of a batch, each to a gradient of its own, then these to one, in order; and what they lose to a
    /// total.
    fn add_shares(
        &mut self,
        problem: Problem<'_>,
        theta: &[f32],
        (batch, next): (&Batch<'_>, Option<&Batch<'_>>),
        shares: &Shares,
        total: &mut LossSum,
        gradient: &mut Gradient,
    ) {
        let n_threads = self.pool_for(problem, batch.len()).map_or(1, |pool| pool.current_num_threads());
        self.share_out(problem, batch.len(), shares, total, |worker, index| {
            let mut sum = worker.share.take().unwrap_or_else(|| problem.gradient());
            sum.clear();
            let (rows, next) = (shares.part(batch, index), shares.likely_next(index, n_threads, batch, next));
            let loss = worker.add_rows(problem, theta, (&rows, next.as_ref()), &mut sum);
            worker.share = Some(sum);
            loss
        });
        self.each[..shares.which.len()]
            .iter()
            .filter_map(|worker| worker.share.as_ref())
            .for_each(|sum| gradient.add(sum));
    }

    /// Adds Σ w∇ℓ over several spans of a batch of a model with hidden layers to a gradient, and returns Σ wℓ.
    fn add_spans(
        &mut self,
        problem: Problem<'_>,
        theta: &[f32],
        batch: &Batch<'_>,
        gradient: &mut Gradient,
    ) -> LossSum {
        let n_spans = Problem::n_spans(batch.len());
        let n_threads = self.n_threads();
        let at_once = if n_threads == 1 { 1 } else { self.each.len().min(SPANS_A_THREAD * n_threads) };
        let mut total = LossSum::default();
        for which in cut(0..n_spans, at_once) {
            let shares = Shares { which, n: n_spans };
            self.add_shares(problem, theta, (batch, None), &shares, &mut total, gradient);
        }
        total
    }

    /// Adds Σ w∇ℓ over a span of a model with hidden layers to a gradient, and returns Σ wℓ.
    fn add_in_layers(
        &mut self,
        problem: Problem<'_>,
        theta: &[f32],
        span: &Batch<'_>,
        gradient: &mut Gradient,
    ) -> LossSum {
        let mut total = LossSum::default();
        for rows in cut(0..span.len(), BLOCK_ROWS * problem.n_shares(span.len())) {
            let rows = span.part(rows);
            let n_shares = problem.n_shares_of_step(rows.len());
            // As many at a time as there are threads: then the rows are still in the cache when they are added.
            for which in cut(0..n_shares, self.n_threads()) {
                let shares = Shares { which, n: n_shares };
                self.derive(problem, theta, &rows, &shares, 1.0, &mut total);
                self.accumulate(problem, (&rows, None), &shares, gradient.values_mut());
            }
        }
        total
    }

    /// Whether a step can be taken on θ itself: all its rows are scored before the first is added. A batch of sparse rows is
    /// larger for that: adding them one after the other costs less than going through long gradients.
    pub(super) fn can_step_directly(problem: Problem<'_>, batch_rows: usize) -> bool {
        if problem.model.is_linear() {
            batch_rows <= problem.direct_rows() && problem.n_shares_of_step(batch_rows) == 1
        } else {
            batch_rows <= BLOCK_ROWS * problem.n_shares_of_step(batch_rows) && batch_rows <= SPAN_ROWS
        }
    }

    /// θ ← θ + factor·Σ w∇ℓ over a batch that [`Workers::can_step_directly`], and returns Σ wℓ before. Without hidden
    /// layers, dense rows of the `next` batch are fetched on the way.
    pub(super) fn step_directly(
        &mut self,
        problem: Problem<'_>,
        theta: &mut [f32],
        (batch, next): (&Batch<'_>, Option<&Batch<'_>>),
        factor: f32,
    ) -> LossSum {
        let shares = Shares::all(problem.n_shares_of_step(batch.len()));
        let mut loss = LossSum::default();
        self.derive(problem, theta, batch, &shares, factor, &mut loss);
        self.accumulate(problem, (batch, next), &shares, theta);
        loss
    }

    /// Takes a step by a rule down (1/B) Σ w∇ℓ over a batch that [`Workers::can_step_directly`], and returns Σ wℓ before. Of the
    /// gradient there are never more than some outputs of each part, from which the step is taken at once. The bits are those
    /// of a gradient and a step behind it.
    pub(super) fn step_by_rule(
        &mut self,
        problem: Problem<'_>,
        (theta, velocity): (&mut [f32], &mut [f32]),
        (batch, next): (&Batch<'_>, Option<&Batch<'_>>),
        rule: StepRule,
    ) -> LossSum {
        let shares = Shares::all(problem.n_shares_of_step(batch.len()));
        let mut loss = LossSum::default();
        self.derive(problem, theta, batch, &shares, 1.0, &mut loss);
        let (pool, n_parts) = self.parts_for(problem, batch.len());
        let mut slopes = std::mem::take(&mut self.slopes);
        let (workers, features) = (&self.each[..shares.which.len()], &problem.data.features);
        let factor = (1.0 / batch.len() as f64) as f32;
        install(pool.as_deref(), || {
            for (index, layer) in self.each[0].pass.layers().iter().enumerate() {
                let of_velocity = if velocity.is_empty() { None } else { Some(Outputs::of(layer, velocity)) };
                let all = (Outputs::of(layer, theta), of_velocity);
                in_parts(all, 0, &mut slopes[..n_parts], &|outputs, (theta, velocity), slopes| {
                    let mut step = LayerStep { layer, theta, velocity, rule, factor, slopes };
                    step.take(outputs, |first, into| {
                        let next = next.filter(|_| first == 0);
                        accumulate(workers, (&shares, batch, next), (index, first), features, into);
                    });
                });
            }
        });
        self.slopes = slopes;
        loss
    }

    /// Takes the rows of some shares of a batch forward and back, and adds what they lose to a total.
    fn derive(
        &mut self,
        problem: Problem<'_>,
        theta: &[f32],
        batch: &Batch<'_>,
        shares: &Shares,
        factor: f32,
        total: &mut LossSum,
    ) {
        let Problem { data, loss, .. } = problem;
        if shares.n > 1 {
            return self.share_out(problem, batch.len(), shares, total, |worker, index| {
                let rows = shares.part(batch, index);
                LossSum::new(worker.pass.derive(theta, data, loss, &rows, factor, 1), rows.len())
            });
        }
        let (pool, n_parts) = self.parts_for(problem, batch.len());
        let pass = &mut self.each[0].pass;
        let sum = install(pool.as_deref(), || pass.derive(theta, data, loss, batch, factor, n_parts));
        *total += LossSum::new(sum, batch.len());
    }

    /// Into how many parts the outputs of layers are cut, and the threads for them if these are several; a part needs scratch,
    /// of which there is as much as a batch of all rows has shares.
    fn parts_for(&self, problem: Problem<'_>, batch_rows: usize) -> (Option<Arc<ThreadPool>>, usize) {
        let pool = self.pool_for(problem, batch_rows).filter(|_| problem.has_large_steps(batch_rows));
        let n_parts = pool.map_or(1, |pool| pool.current_num_threads().min(self.each.len()));
        (pool.filter(|_| n_parts > 1).cloned(), n_parts)
    }

    /// Adds the gradient of the rows that were last taken forward and back.
    fn accumulate(
        &self,
        problem: Problem<'_>,
        (batch, next): (&Batch<'_>, Option<&Batch<'_>>),
        shares: &Shares,
        into: &mut [f32],
    ) {
        let workers = &self.each[..shares.which.len()];
        let (pool, n_parts) = self.parts_for(problem, batch.len());
        let features = &problem.data.features;
        install(pool.as_deref(), || {
            for (index, layer) in self.each[0].pass.layers().iter().enumerate() {
                let all = Outputs::of(layer, into);
                in_parts(all, 0, &mut [(); MOST_SHARES][..n_parts], &|outputs, mut into, ()| {
                    accumulate(workers, (shares, batch, next), (index, outputs.start), features, &mut into);
                });
            }
        });
    }
}

/// Adds the gradient of the shares that workers took forward and back, one after the other, for some outputs of a layer, from
/// the `first` on.
fn accumulate(
    workers: &[Worker],
    (shares, batch, next): (&Shares, &Batch<'_>, Option<&Batch<'_>>),
    (layer, first): (usize, usize),
    features: &Features,
    into: &mut Outputs<'_>,
) {
    for (share, worker) in workers.iter().enumerate() {
        let (rows, next) = (shares.part(batch, share), next.map(|next| shares.part(next, share)));
        let into = Outputs { weight: &mut *into.weight, bias: &mut *into.bias };
        worker.pass.accumulate(layer, first, features, (&rows, next.as_ref()), into);
    }
}

impl Worker {
    /// Positions in blocks that are scored, and added, each at once.
    fn blocks(&self, problem: Problem<'_>, positions: Range<usize>) -> impl Iterator<Item = Range<usize>> + use<> {
        cut(positions, problem.block_rows().min(self.pass.block_rows()))
    }

    /// Adds up rows, those of a linear model span by span where they are more than one.
    fn add_rows(
        &mut self,
        problem: Problem<'_>,
        theta: &[f32],
        (batch, next): (&Batch<'_>, Option<&Batch<'_>>),
        gradient: &mut Gradient,
    ) -> LossSum {
        let (all, span_rows) = (0..batch.len(), problem.span_rows());
        let Some(mut sum) = self.span.take_if(|_| batch.len() > span_rows) else {
            return self.add_span(problem, theta, (batch, all), next, gradient);
        };
        let mut total = LossSum::default();
        for span in cut(all, span_rows) {
            sum.clear();
            total += self.add_span(problem, theta, (batch, span), next, &mut sum);
            gradient.add(&sum);
        }
        self.span = Some(sum);
        total
    }

    /// Adds up the rows at some positions of a batch, block by block.
    fn add_span(
        &mut self,
        problem: Problem<'_>,
        theta: &[f32],
        (batch, positions): (&Batch<'_>, Range<usize>),
        next: Option<&Batch<'_>>,
        gradient: &mut Gradient,
    ) -> LossSum {
        let mut total = LossSum::default();
        self.pass.touch(&problem.data.features, &batch.part(positions.clone()), gradient);
        for block in self.blocks(problem, positions) {
            let n_rows = block.len();
            let sum = self.pass.add_gradient(problem, theta, (batch, block), next, gradient.values_mut());
            total += LossSum::new(sum, n_rows);
        }
        total
    }
}

/// A step on some outputs of a layer.
struct LayerStep<'a> {
    layer: &'a Layer,
    theta: Outputs<'a>,
    /// None without momentum.
    velocity: Option<Outputs<'a>>,
    rule: StepRule,
    /// How many times the gradient is meant.
    factor: f32,
    /// Scratch.
    slopes: &'a mut Aligned,
}

impl LayerStep<'_> {
    /// Outputs that are taken at once, at most.
    fn at_once(layer: &Layer) -> usize {
        (SLOPES / layer.n_inputs.max(1)).max(1).next_multiple_of(LANES)
    }

    /// Slopes that there are at once, at most.
    fn room(layer: &Layer) -> usize {
        Self::at_once(layer).min(layer.n_outputs) * (layer.n_inputs + 1)
    }

    /// Goes through the outputs, a few at a time: `gradient` adds up what belongs to them, from an output on.
    fn take(&mut self, outputs: Range<usize>, gradient: impl Fn(usize, &mut Outputs<'_>)) {
        let Self { layer, theta, velocity, rule, factor, slopes } = self;
        let width = layer.n_inputs;
        for few in cut(0..outputs.len(), Self::at_once(layer)) {
            let weights = few.start * width..few.end * width;
            slopes.resize(weights.len() + few.len());
            slopes.fill(0.0);
            let (weight, bias) = slopes.split_at_mut(weights.len());
            gradient(outputs.start + few.start, &mut Outputs { weight: &mut *weight, bias: &mut *bias });
            let (of_weight, of_bias) = match velocity {
                Some(Outputs { weight, bias }) => (&mut weight[weights.clone()], &mut bias[few.clone()]),
                None => (&mut [][..], &mut [][..]),
            };
            let update = |rule: StepRule, gradient: &[f32], velocity: &mut [f32], theta: &mut [f32]| {
                kernels::run(Update { rule, is_first: false, factor: *factor, gradient, velocity, theta });
            };
            update(*rule, weight, of_weight, &mut theta.weight[weights]);
            update(rule.without_l1(), bias, of_bias, &mut theta.bias[few]);
        }
    }
}

/// Some of the shares that a batch is cut into.
struct Shares {
    which: Range<usize>,
    n: usize,
}

impl Shares {
    fn all(n: usize) -> Self {
        Self { which: 0..n, n }
    }

    /// The rows of one of them.
    fn part<'a>(&self, batch: &Batch<'a>, index: usize) -> Batch<'a> {
        let share = self.which.start + index;
        batch.part(batch.len() * share / self.n..batch.len() * (share + 1) / self.n)
    }

    /// Where all shares are taken at once, the rows that the thread of one most likely takes next: those of the share behind
    /// it, or where that is another thread's, its first of the `next` batch. Two threads have half of the shares each, and so on;
    /// a number that is not a power of two is told roughly.
    fn likely_next<'a>(
        &self,
        index: usize,
        n_threads: usize,
        batch: &Batch<'a>,
        next: Option<&Batch<'a>>,
    ) -> Option<Batch<'a>> {
        let n_each = self.n.div_ceil(n_threads);
        let is_last = (index + 1).is_multiple_of(n_each) || index + 1 == self.which.len();
        if is_last {
            next.map(|next| self.part(next, index / n_each * n_each))
        } else {
            Some(self.part(batch, index + 1))
        }
    }
}

/// Positions cut into blocks.
pub(super) fn blocks(positions: Range<usize>) -> impl Iterator<Item = Range<usize>> {
    cut(positions, BLOCK_ROWS)
}

fn cut(positions: Range<usize>, length: usize) -> impl Iterator<Item = Range<usize>> {
    let end = positions.end;
    positions.step_by(length).map(move |start| start..(start + length).min(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_takes_its_next_share_or_its_first_of_the_next_batch() {
        let (batch, next) = (Batch::Range(0..80), Batch::Range(80..160));
        let likely_next = |index, n_threads| {
            let rows = Shares::all(8).likely_next(index, n_threads, &batch, Some(&next));
            rows.map(|rows| rows.row(0)..rows.row(0) + rows.len())
        };
        // Two threads have four shares each.
        assert_eq!(likely_next(0, 2), Some(10..20));
        assert_eq!(likely_next(3, 2), Some(80..90));
        assert_eq!(likely_next(7, 2), Some(120..130));
        // One has them all; eight or more have one each.
        assert_eq!(likely_next(3, 1), Some(40..50));
        assert_eq!(likely_next(5, 8), Some(130..140));
        assert_eq!(likely_next(5, 11), Some(130..140));
        assert!(Shares::all(8).likely_next(7, 2, &batch, None).is_none(), "nothing is known to come");
    }
}
