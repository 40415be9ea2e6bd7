//! Which learning rate and batch size suit these data, and what says so?
//!
//! [`advise`] gathers the evidence: the curvatures, and the limits that follow from them at every batch size; range tests
//! beside those limits, as a check that owes them nothing; the noise of single rows; the time of a step, as measured; and
//! from these the time to a target, as predicted. The pair it recommends has won a race ([`choose`]).
//!
//! Everything that depends on the clock on the wall stands under a key `time`; the rest is the same in every repetition.

mod race;

use std::sync::Arc;
use std::time::Instant;

use serde::{Deserialize, Serialize};

use crate::data::Dataset;
use crate::diagnosis::learning_rate::{self, Chosen, Curvatures};
use crate::diagnosis::quadratic::{self, Quadratic};
use crate::diagnosis::range_test::{self, RangeTest};
use crate::diagnosis::{curvature, evenly, noise, rows_of};
use crate::error::Result;
use crate::loader::{Batch, BatchSize};
use crate::loss::Loss;
use crate::metrics::number_or_null;
use crate::objective::{EmpiricalLoss, Objective};
use crate::run::{DataSummary, Experiment, Machine, Plan, Settings};
use crate::trainer::Trainer;
pub use race::{Race, Runner, batch_sizes, choose};

/// The target that times are predicted to: so much of what can be gained is left.
pub const TARGET: f64 = 0.01;
/// Rows that predictions look at, at most.
const MOST_ROWS: usize = 1 << 14;
/// Range tests take thousands of steps; so many products of a parameter and a row at most in each, but no fewer rows than this.
const MOST_WORK: usize = 1 << 22;
const LEAST_ROWS: usize = 1 << 10;

/// A recommendation, and what it rests on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Advice {
    /// The version of the program.
    pub downslope: String,
    /// What was decided.
    pub settings: Settings,
    /// What it is about.
    pub data: DataSummary,
    /// The machine.
    pub machine: Machine,
    /// How far the predictions can be trusted.
    pub certainty: Certainty,
    /// The curvatures at the start, and the rate for full batches that follows from them.
    pub curvature: Chosen,
    /// The noise of single rows at the start.
    pub noise: noise::Scale,
    /// The parabola that touches the loss at the start: what can be gained, and along which curvatures.
    pub quadratic: Quadratic,
    /// Mean training loss at the start.
    #[serde(deserialize_with = "number_or_null")]
    pub initial_loss: f64,
    /// What theory says at each batch size.
    pub at: Vec<AtBatchSize>,
    /// A range test of full batches.
    pub range_test: RangeTest,
    /// What depends on the clock.
    pub time: AdviceTime,
}

impl Advice {
    /// The range tests: of full batches, and of the batch size recommended.
    pub fn range_tests(&self) -> impl Iterator<Item = &RangeTest> {
        [&self.range_test].into_iter().chain(&self.time.range_test)
    }
}

/// How far predictions can be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Certainty {
    /// A linear model with a squared loss: its curvature is the same everywhere, and theory holds to the percent.
    Exact,
    /// A linear model with another loss: the curvature changes along the way, so limits and times are those of its first part.
    Start,
    /// Hidden layers: the curvature can grow along the way, up to the edge of stability. Only orders of size can be told.
    Local,
}

/// What theory says of a batch size.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct AtBatchSize {
    /// Rows a step.
    pub batch_size: usize,
    /// The rate that is safe: [`learning_rate::choose`].
    pub lr: f64,
    /// The rate above which it may leap out: [`curvature::batch_limit`].
    #[serde(deserialize_with = "number_or_null")]
    pub limit: f64,
    /// The rate at which the target is predicted to be reached first: the safe one, or where its noise would not allow the
    /// target, one whose floor is half the target.
    pub lr_to_target: f64,
    /// Steps until [`TARGET`] of the loss that can be gained is left, as predicted; nothing where that takes forever.
    pub steps_to_target: Option<u64>,
}

/// What the clock said.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AdviceTime {
    /// Seconds of a step, measured at each batch size.
    pub step_seconds: Vec<(usize, f64)>,
    /// Predicted seconds to the target at each batch size.
    pub seconds_to_target: Vec<(usize, Option<f64>)>,
    /// A range test of the batch size recommended, where that is not all rows.
    pub range_test: Option<RangeTest>,
    /// What is recommended, and the race it has won.
    pub plan: Plan,
}

/// Gathers the evidence and recommends a pair.
///
/// **Predictions.** At rate lr and batch size B the loss above the lowest is taken to be the sum of what descent on the
/// touching parabola leaves ([`Quadratic`]) and the floor lr·tr Σ/4B·(n − B)/(n − 1)/(1 − μ) ([`noise::Scale::floor`]). The
/// noise is that of the start, where it is larger than at the end; with rows shuffled anew each epoch the floor is an upper
/// estimate too. So small batches are better than predicted rather than worse.
///
/// # Errors
/// [`crate::ErrorKind::NoCurvature`].
pub fn advise(experiment: &Experiment) -> Result<Advice> {
    let begun = Instant::now();
    let (mut objective, start) = (experiment.objective(), experiment.start());
    let curvatures = learning_rate::measure(&mut objective, start);
    let plan = race::run(experiment, curvatures, begun)?;
    let n_rows = objective.n_rows();
    let full = experiment.trainer(BatchSize::Full, 1.0);
    let chosen = curvatures.choose(&mut objective, start, &full)?;
    let picked = evenly(n_rows, MOST_ROWS);
    let quadratic = quadratic::touching(&mut objective, start, rows_of(picked.as_deref(), n_rows));
    let noise = noise::scale(&mut objective, start, None, experiment.settings().seed);
    let mut at = Vec::new();
    let mut seconds_to_target = Vec::new();
    let timed = plan.race.as_ref().map_or(&[][..], |race| &race.step_seconds);
    let mut step_seconds = Vec::new();
    for batch_size in batch_sizes(n_rows) {
        let rows = batch_size.of(n_rows);
        let trainer = experiment.trainer(batch_size, 1.0);
        let lr = curvatures.choose(&mut objective, start, &trainer)?.lr;
        let found = at_batch_size(rows, lr, &trainer, &curvatures, &noise, &quadratic, n_rows);
        if let Some(&(_, seconds)) = timed.iter().find(|(timed, _)| *timed == rows) {
            step_seconds.push((rows, seconds));
            seconds_to_target.push((rows, found.steps_to_target.map(|steps| steps as f64 * seconds)));
        }
        at.push(found);
    }
    let is_full = plan.batch_size.of(n_rows) == n_rows;
    let of_plan = if is_full { None } else { Some(range_test_at(experiment, plan.batch_size, curvatures)?) };
    Ok(Advice {
        downslope: env!("CARGO_PKG_VERSION").to_owned(),
        settings: experiment.settings().clone(),
        data: experiment.summary().clone(),
        machine: Machine::this(),
        certainty: match (experiment.settings().hidden.is_empty(), experiment.summary().loss) {
            (true, Loss::Squared) => Certainty::Exact,
            (true, _) => Certainty::Start,
            (false, _) => Certainty::Local,
        },
        curvature: chosen,
        noise,
        quadratic,
        initial_loss: objective.loss(start, Batch::all(n_rows)).mean(),
        at,
        range_test: range_test_at(experiment, BatchSize::Full, curvatures)?,
        time: AdviceTime { step_seconds, seconds_to_target, range_test: of_plan, plan },
    })
}

fn at_batch_size(
    batch_size: usize,
    lr: f64,
    trainer: &Trainer,
    curvatures: &Curvatures,
    noise: &noise::Scale,
    quadratic: &Quadratic,
    n_rows: usize,
) -> AtBatchSize {
    let sgd = &trainer.sgd;
    let limit = curvature::batch_limit(curvatures.lambda_max, curvatures.largest_of_row, batch_size, n_rows, sgd);
    // Half of the target is for the floor, the other half for what descent leaves.
    let allowed = TARGET / 2.0 * quadratic.excess();
    let floor = noise.floor(lr, sgd.momentum, batch_size, n_rows);
    let lr_to_target = if floor > allowed { lr * allowed / floor } else { lr };
    let at_rate = crate::sgd::Sgd { lr: lr_to_target, ..*sgd };
    AtBatchSize { batch_size, lr, limit, lr_to_target, steps_to_target: quadratic.steps_to(TARGET / 2.0, &at_rate) }
}

/// A range test, on a part of the rows where they are many; `curvatures` are those of all.
fn range_test_at(experiment: &Experiment, batch_size: BatchSize, mut curvatures: Curvatures) -> Result<RangeTest> {
    let (mut objective, start) = (experiment.objective(), experiment.start());
    let mut trainer = experiment.trainer(batch_size, 1.0);
    let n_rows = objective.n_rows();
    let most = (MOST_WORK / start.len()).clamp(LEAST_ROWS, MOST_ROWS);
    if let Some(rows) = evenly(n_rows, most) {
        let part: Dataset = objective.data().rows(&rows);
        objective = EmpiricalLoss::new(objective.model().clone(), objective.loss_function(), Arc::new(part))?;
        trainer.loader = trainer.loader.map(|loader| loader.over(rows.len()));
        curvatures = learning_rate::measure(&mut objective, start);
    }
    let found = range_test::run(&mut objective, start, &trainer, &curvatures)?;
    Ok(RangeTest { batch_size: batch_size.of(n_rows), ..found })
}
