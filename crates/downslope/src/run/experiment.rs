//! How does a table become something to descend on?

use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::fitted::{FittedModel, read_parameters, target_unit};
use super::held_out::{HeldOutRows, own_weights, with_targets};
use super::live::Live;
use super::settings::{Init, Settings, Validation};
use super::stream::Streamed;
use super::weighing::{Weighing, Weights};
use crate::clock::Clock;
use crate::data::{Dataset, Notice, Preprocessing, Table, Target, TaskKind, builtin, hold_out};
use crate::diagnosis::{self, Finding, Probes, learning_rate};
use crate::error::{Error, ErrorKind, Result};
use crate::loader::{BatchSize, DataLoader, LastBatch, Order};
use crate::loss::{Loss, Suits};
use crate::memory::{self, Bytes};
use crate::metrics::Metrics;
use crate::model::Model;
use crate::objective::{EmpiricalLoss, Objective, StreamedLoss};
use crate::observer::Observer;
use crate::state::State;
use crate::stop::StopReason;
use crate::trainer::{OnDivergence, Trainer};

/// A table made ready by settings: rows split, features and targets encoded, model and loss decided, θ at its start.
pub struct Experiment {
    settings: Settings,
    summary: DataSummary,
    preprocessing: Preprocessing,
    model: Model,
    loss: Loss,
    /// The rows that train; where they are streamed, some of them.
    train: Arc<Dataset>,
    streamed: Option<Streamed>,
    validation: Option<Arc<Dataset>>,
    notices: Vec<Notice>,
    start: Vec<f32>,
    pool: Option<Arc<rayon::ThreadPool>>,
    pub(super) clock: Clock,
}

/// What a run was trained on, in a few numbers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DataSummary {
    /// The table as it was named; a file by its full path.
    pub source: String,
    /// What the table held, in 16 hexadecimal digits.
    pub fingerprint: String,
    /// The same of the table of validation rows, where it is another.
    #[serde(default)]
    pub validation_fingerprint: Option<String>,
    /// Rows of the table.
    pub n_rows: usize,
    /// Rows that train.
    pub n_train: usize,
    /// Rows that are held out.
    pub n_validation: usize,
    /// Features of a row.
    pub n_features: usize,
    /// The target's column.
    pub target: String,
    /// The kind of task.
    pub task: TaskKind,
    /// The names of the classes.
    pub classes: Vec<String>,
    /// The model in words: `softmax regression`, `64-32-10 relu network`.
    pub model: String,
    /// The length of θ.
    pub n_parameters: usize,
    /// The loss.
    pub loss: Loss,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// Why.
    pub reason: StopReason,
    /// Epochs done.
    pub epochs: u64,
    /// Steps done.
    pub steps: u64,
    /// How often it backed off from a rate that was too high, each time to half of it.
    #[serde(default)]
    pub back_offs: u32,
    /// The epoch, from 1, whose weights were kept, where there was patience.
    pub best_epoch: Option<u64>,
    /// The weights that L1 left nothing of, where there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zero_weights: Option<ZeroWeights>,
    /// What the clock and the system said.
    pub time: OutcomeTime,
}

/// How many weights of a model are zero; biases are none of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ZeroWeights {
    /// So many are zero.
    pub zero: usize,
    /// Of so many.
    pub of: usize,
}

impl ZeroWeights {
    /// Counts those of a model at θ.
    fn count(model: &Model, theta: &[f32]) -> Self {
        let parts = model.parts().into_iter().filter(|part| !part.is_bias());
        let weights = parts.flat_map(|part| &theta[part.range]);
        weights.fold(Self { zero: 0, of: 0 }, |Self { zero, of }, weight| Self {
            zero: zero + usize::from(*weight == 0.0),
            of: of + 1,
        })
    }
}

/// What the clock and the system said of a run.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct OutcomeTime {
    /// Seconds spent on steps.
    pub training_seconds: f64,
    /// The most memory the process had resident until then, where the system tells.
    #[serde(default)]
    pub peak_resident: Option<Bytes>,
}

/// What came out of a training.
#[derive(Clone, Debug)]
pub struct Trained {
    /// The model at the weights the run ended with. After a divergence it is no model to be used.
    pub model: FittedModel,
    /// How it ended.
    pub outcome: Outcome,
    /// What is worth saying about it.
    pub findings: Vec<Finding>,
    /// What that rests on.
    pub probes: Probes,
    /// How good the model is on the rows it was trained on.
    pub train: Metrics,
    /// How good it is on the rows held out.
    pub validation: Option<Metrics>,
}

impl Experiment {
    /// Makes a table ready.
    ///
    /// # Errors
    /// Settings that cannot be used (all of them together), and whatever of the table does not fit them, with its place.
    pub fn prepare(table: &Table, settings: &Settings) -> Result<Self> {
        settings.check()?;
        let (settings, weighed) = settings.weighed_by(table);
        let settings = &settings;
        let pool = pool(settings.threads)?;
        // A fingerprint is one chain of multiplications, which takes as long as all the rest.
        let (fingerprint, rows) = match &pool {
            Some(pool) => pool.join(|| table.fingerprint(), || Encoded::of(table, settings)),
            None => (table.fingerprint(), Encoded::of(table, settings)),
        };
        let mut rows = rows?;
        rows.notices.extend(weighed);
        Self::of_rows(Encoded { fingerprint, ..rows }, settings, pool)
    }

    /// Decides on the model for rows that are encoded.
    pub(super) fn of_rows(rows: Encoded, settings: &Settings, pool: Option<Arc<rayon::ThreadPool>>) -> Result<Self> {
        let Encoded { loss, target, preprocessing, .. } = &rows;
        let model = Model {
            n_features: preprocessing.n_features(),
            hidden: settings.hidden.clone(),
            activation: settings.activation,
            n_outputs: if loss.suits() == Suits::Classes { target.classes.len() } else { 1 },
        };
        model.check()?;
        let start = match &settings.init {
            Init::Auto => model.init(settings.seed),
            Init::Zeros => vec![0.0; model.n_parameters()],
            Init::File(path) => read_parameters(Path::new(path), &model)?,
        };
        let n_validation = rows.validation.as_ref().map_or(0, Dataset::n_rows);
        let summary = DataSummary {
            source: full_name(&rows.source),
            fingerprint: rows.fingerprint,
            validation_fingerprint: rows.validation_fingerprint,
            n_rows: rows.n_rows,
            n_train: rows.streamed.as_ref().map_or(rows.train.n_rows(), |streamed| streamed.cache.n_rows()),
            n_validation,
            n_features: model.n_features,
            target: rows.target.name,
            task: rows.target.task,
            classes: rows.target.classes,
            model: describe(&model, rows.loss),
            n_parameters: model.n_parameters(),
            loss: rows.loss,
        };
        Ok(Self {
            settings: settings.clone(),
            summary,
            preprocessing: rows.preprocessing,
            model,
            loss: rows.loss,
            train: Arc::new(rows.train),
            streamed: rows.streamed,
            validation: rows.validation.map(Arc::new),
            notices: rows.notices,
            start,
            pool,
            clock: Clock::default(),
        })
    }

    /// What was decided.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// What it is about.
    pub fn summary(&self) -> &DataSummary {
        &self.summary
    }

    /// What a person should be told.
    pub fn notices(&self) -> &[Notice] {
        &self.notices
    }

    /// Whether the training rows are streamed from a file: [`Experiment::objective`] then has a part of them.
    pub fn is_streamed(&self) -> bool {
        self.streamed.is_some()
    }

    /// The parameters at the start.
    pub fn start(&self) -> &[f32] {
        &self.start
    }

    /// How columns become features.
    pub fn preprocessing(&self) -> &Preprocessing {
        &self.preprocessing
    }

    /// The mean loss over the training rows; where they are streamed, over the part of them that is kept in memory to be
    /// measured on.
    pub fn objective(&self) -> EmpiricalLoss {
        self.objective_on(&self.train)
    }

    /// The mean loss over the rows held out.
    pub fn validation_objective(&self) -> Option<EmpiricalLoss> {
        self.validation.as_ref().map(|data| self.objective_on(data))
    }

    fn objective_on(&self, data: &Arc<Dataset>) -> EmpiricalLoss {
        EmpiricalLoss::trusted(self.model.clone(), self.loss, Arc::clone(data))
            .with_pool(self.pool.clone())
            .with_target_unit(target_unit(&self.preprocessing))
    }

    /// The mean loss over training rows that are streamed; nothing where they are in memory.
    fn streamed_objective(&self) -> Result<Option<StreamedLoss>> {
        let Some(Streamed { cache, n_blocks }) = &self.streamed else { return Ok(None) };
        let objective = StreamedLoss::new(self.model.clone(), self.loss, Arc::clone(cache), *n_blocks)?;
        let unit = target_unit(&self.preprocessing);
        Ok(Some(objective.with_pool(self.pool.clone()).with_target_unit(unit)))
    }

    /// The order in which the training rows are seen.
    pub(super) fn order(&self) -> Order {
        order_of(&self.settings, self.streamed.as_ref())
    }

    /// The trainer for a batch size and a rate on the rows of [`Experiment::objective`]. Everything else is the same for
    /// every method.
    pub fn trainer(&self, batch_size: BatchSize, lr: f64) -> Trainer {
        self.equipped(trainer_of(&self.settings, self.train.n_rows(), batch_size, lr))
    }

    /// A trainer with the clock and the threads of the experiment.
    pub(super) fn equipped(&self, trainer: Trainer) -> Trainer {
        let loader = trainer.loader.map(|loader| loader.with_pool(self.pool.clone()));
        Trainer { clock: self.clock.clone(), loader, ..trainer }
    }

    /// The rate for a batch size, and the measurements it came from unless it was given.
    ///
    /// # Errors
    /// [`ErrorKind::NoCurvature`].
    pub fn learning_rate(&self, batch_size: BatchSize) -> Result<(f64, Option<learning_rate::Chosen>)> {
        if let Some(lr) = self.settings.given_lr() {
            return Ok((lr, None));
        }
        let trainer = self.trainer(batch_size, 1.0);
        let chosen = learning_rate::choose(&mut self.objective(), &self.start, &trainer)?;
        Ok((chosen.lr, Some(chosen)))
    }

    /// Trains from the start by the plan that the settings leave room for.
    ///
    /// # Errors
    /// None that [`Experiment::prepare`] has not found.
    pub fn train(&self, observers: &mut [&mut dyn Observer]) -> Result<Trained> {
        let plan = self.plan()?;
        self.descend(&self.trainer_of(&plan), plan.lr_from, &mut State::new(self.start.clone()), observers)
    }

    /// Goes on from a state until the trainer stops, and says what came of it. `chosen` is what the rate came from, unless
    /// it was given.
    ///
    /// # Errors
    /// A state of another model.
    pub fn descend(
        &self,
        trainer: &Trainer,
        chosen: Option<learning_rate::Chosen>,
        state: &mut State,
        observers: &mut [&mut dyn Observer],
    ) -> Result<Trained> {
        if state.theta.len() != self.start.len() {
            let (expected, found) = (vec![self.start.len()], vec![state.theta.len()]);
            return Err(ErrorKind::ShapeMismatch { part: "theta".to_owned(), expected, found }.into());
        }
        let (mut in_memory, mut streamed) = (self.objective(), self.streamed_objective()?);
        let objective: &mut dyn Objective = match &mut streamed {
            Some(streamed) => streamed,
            None => &mut in_memory,
        };
        let mut validation = self.validation_objective();
        let known = Probes { chosen, ..Probes::default() };
        let mut live = Live::new(self, trainer, known.clone(), observers);
        let reason = trainer.run(
            objective,
            validation.as_mut().map(|validation| validation as &mut dyn Objective),
            state,
            &mut [&mut live],
        )?;
        let train = objective.evaluate(&state.theta);
        if let Some(error) = streamed.as_mut().and_then(StreamedLoss::error) {
            return Err(error);
        }
        let validation = validation.map(|mut validation| validation.evaluate(&state.theta));
        let mut case = self.case(trainer, state, Some(reason), known);
        (case.train, case.validation) = (Some(train), validation);
        let findings = if reason == StopReason::Interrupted { Vec::new() } else { diagnosis::examine(&mut case) };
        let probes = case.probes;
        live.tell(&findings, state);
        let is_sparse = self.settings.l1 > 0.0 && !matches!(reason, StopReason::Diverged | StopReason::Interrupted);
        let lowest = |losses: &[f64]| (0..losses.len()).rev().min_by(|&a, &b| losses[a].total_cmp(&losses[b]));
        Ok(Trained {
            outcome: Outcome {
                reason,
                epochs: state.epoch,
                steps: state.step,
                back_offs: state.back_offs,
                best_epoch: if state.best_theta.is_empty() {
                    None
                } else {
                    lowest(state.monitored()).map(|epoch| epoch as u64 + 1)
                },
                zero_weights: is_sparse.then(|| ZeroWeights::count(&self.model, &state.theta)),
                time: OutcomeTime {
                    training_seconds: state.training_time.as_secs_f64(),
                    peak_resident: memory::peak_resident(),
                },
            },
            findings,
            probes,
            train,
            validation,
            model: FittedModel {
                model: self.model.clone(),
                loss: self.loss,
                preprocessing: self.preprocessing.clone(),
                missing: self.settings.missing.clone(),
                theta: state.theta.clone(),
            },
        })
    }
}

/// The order of the rows, in memory or streamed.
fn order_of(settings: &Settings, streamed: Option<&Streamed>) -> Order {
    let seed = settings.seed;
    match streamed {
        _ if !settings.shuffle => Order::Sequential,
        None => Order::Shuffled { seed },
        Some(Streamed { cache, n_blocks }) => {
            Order::Buffered { seed, block_rows: cache.block_rows(), n_blocks: *n_blocks }
        }
    }
}

/// The trainer that settings ask for, for so many rows.
pub(super) fn trainer_of(settings: &Settings, n_rows: usize, batch_size: BatchSize, lr: f64) -> Trainer {
    let order = order_of(settings, None);
    let last_batch = if settings.drop_last { LastBatch::Drop } else { LastBatch::Keep };
    Trainer {
        sgd: settings.sgd(lr),
        stop: settings.stop(),
        loader: Some(DataLoader::new(n_rows, batch_size, order, last_batch)),
        schedule: settings.schedule.clone(),
        clip: settings.clip,
        on_divergence: OnDivergence::Stop,
        clock: Clock::default(),
    }
}

/// A table's rows as numbers, and what was decided for that.
pub(super) struct Encoded {
    pub(super) source: String,
    pub(super) fingerprint: String,
    pub(super) n_rows: usize,
    pub(super) target: Target,
    pub(super) loss: Loss,
    pub(super) preprocessing: Preprocessing,
    pub(super) train: Dataset,
    pub(super) validation: Option<Dataset>,
    pub(super) validation_fingerprint: Option<String>,
    pub(super) notices: Vec<Notice>,
    pub(super) streamed: Option<Streamed>,
}

impl Encoded {
    fn of(table: &Table, settings: &Settings) -> Result<Self> {
        // A built-in table says itself what is to be learned.
        let builtin = table.source().strip_prefix('@').and_then(|name| builtin::find(name).ok());
        let own_target = builtin.map(|builtin| builtin.target);
        let target_name = settings.target.as_deref().or(own_target);
        let (kept, dropped) = with_targets(table, target_name, settings)?.unzip();
        let table = kept.as_ref().unwrap_or(table);
        let (target, mut notices) = Target::choose(table, target_name, settings.asked_task())?;
        notices.splice(0..0, table.notices().iter().cloned().chain(dropped));
        let loss = settings.loss_for(&target).map_err(|error| error.in_source(table.source()))?;
        let (train_rows, held_out) = match settings.validation {
            Validation::Fraction(share) => {
                let strata = target.strata(table)?;
                hold_out(table.n_rows(), strata.as_deref(), share, settings.seed)
                    .map_err(|error| error.in_source(table.source()))?
            }
            _ => (table.rows(), Vec::new()),
        };
        let options = settings.encode_options(loss);
        let (preprocessing, learnt) = Preprocessing::learn(table, &target, &train_rows, &options)?;
        notices.extend(learnt);
        let (mut train, _) = preprocessing.dataset(table, &train_rows)?;
        if loss == Loss::Poisson {
            check_counts(&train, table, &train_rows, &target.name)?;
        }
        let held_out = match &settings.validation {
            Validation::Fraction(_) => Some(HeldOutRows::of(table, &held_out, &preprocessing, settings, &mut notices)?),
            Validation::File(path) => {
                Some(HeldOutRows::of_file(path, &target, &preprocessing, settings, &mut notices)?)
            }
            Validation::None => None,
        };
        let of_rows = own_weights(settings, table, &train_rows)?;
        let mut summed = Weights::new(&target);
        summed.add(&train.targets, of_rows.as_deref());
        let weighing = Weighing::new(&summed, &target, settings).map_err(|error| error.in_source(table.source()))?;
        train = weighing.weighted(train, of_rows.as_deref())?;
        let (validation, validation_fingerprint) = held_out.map(|rows| rows.weighted(&weighing)).transpose()?.unzip();
        let validation_fingerprint = validation_fingerprint.flatten();
        notices.extend(weighing.notice(&target));
        Ok(Self {
            source: table.source().to_owned(),
            fingerprint: String::new(),
            n_rows: table.n_rows(),
            target,
            loss,
            preprocessing,
            train,
            validation,
            validation_fingerprint,
            notices,
            streamed: None,
        })
    }
}

/// A pool of threads, where there is more than one.
pub(super) fn pool(threads: Option<usize>) -> Result<Option<Arc<rayon::ThreadPool>>> {
    let threads = threads.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from));
    if threads == 1 {
        return Ok(None);
    }
    // More threads than chunks would only wait.
    let threads = threads.min(EmpiricalLoss::MAX_CHUNKS);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
    let problem = |error| crate::error::Problem::new("threads", "as many threads as the system gives", error);
    pool.map(|pool| Some(Arc::new(pool))).map_err(|error| ErrorKind::Settings(vec![problem(error)]).into())
}

/// The full path of a file; other sources as they are.
fn full_name(source: &str) -> String {
    match std::fs::canonicalize(source) {
        Ok(path) if !source.starts_with('@') => path.to_string_lossy().into_owned(),
        _ => source.to_owned(),
    }
}

fn describe(model: &Model, loss: Loss) -> String {
    if !model.is_linear() {
        let widths = [model.n_features].into_iter().chain(model.hidden.iter().copied()).chain([model.n_outputs]);
        let widths: Vec<String> = widths.map(|width| width.to_string()).collect();
        return format!("{} {} network", widths.join("-"), model.activation);
    }
    match loss {
        Loss::Logistic => "logistic regression",
        Loss::CrossEntropy => "softmax regression",
        Loss::Poisson => "Poisson regression",
        Loss::Hinge | Loss::SquaredHinge => "linear support vector classifier",
        Loss::Quantile { .. } => "linear quantile regression",
        Loss::Squared | Loss::Absolute | Loss::Huber { .. } => "linear regression",
    }
    .to_owned()
}

pub(super) fn check_counts(data: &Dataset, table: &Table, rows: &[u32], name: &str) -> Result<()> {
    let Some(at) = data.targets.iter().position(|&target| target < 0.0) else { return Ok(()) };
    let place = table.place(rows[at] as usize, table.column_index(name)?);
    let found = data.targets[at].to_string();
    Err(Error::from(ErrorKind::TargetOutOfRange { name: name.to_owned(), expected: "counts, 0 or above,", found })
        .at(place))
}
