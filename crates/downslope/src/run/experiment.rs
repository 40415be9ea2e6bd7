//! How does a table become something to descend on?

use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::fitted::{FittedModel, read_parameters, target_unit};
use super::live::Live;
use super::settings::{Init, Settings, Validation};
use crate::clock::Clock;
use crate::data::{
    Dataset, EncodeOptions, Notice, OnMissingTarget, Preprocessing, Scale, Table, Target, TaskKind, builtin, hold_out,
};
use crate::diagnosis::{self, Finding, Probes, learning_rate};
use crate::error::{Error, ErrorKind, Place, Result};
use crate::loader::{BatchSize, DataLoader, LastBatch, Order};
use crate::loss::{Loss, Suits};
use crate::metrics::Metrics;
use crate::model::Model;
use crate::objective::{EmpiricalLoss, Objective};
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
    train: Arc<Dataset>,
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
    /// What the clock said.
    pub time: OutcomeTime,
}

/// What the clock said of a run.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct OutcomeTime {
    /// Seconds spent on steps.
    pub training_seconds: f64,
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
        let pool = pool(settings.threads)?;
        // A fingerprint is one chain of multiplications, which takes as long as all the rest.
        let (fingerprint, encoded) = match &pool {
            Some(pool) => pool.join(|| table.fingerprint(), || Encoded::of(table, settings)),
            None => (table.fingerprint(), Encoded::of(table, settings)),
        };
        let Encoded { target, loss, preprocessing, train, validation, validation_fingerprint, notices } = encoded?;
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
        let summary = DataSummary {
            source: full_name(table.source()),
            fingerprint,
            validation_fingerprint,
            n_rows: table.n_rows(),
            n_train: train.n_rows(),
            n_validation: validation.as_ref().map_or(0, Dataset::n_rows),
            n_features: model.n_features,
            target: target.name,
            task: target.task,
            classes: target.classes,
            model: describe(&model, loss),
            n_parameters: model.n_parameters(),
            loss,
        };
        Ok(Self {
            settings: settings.clone(),
            summary,
            preprocessing,
            model,
            loss,
            train: Arc::new(train),
            validation: validation.map(Arc::new),
            notices,
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

    /// The parameters at the start.
    pub fn start(&self) -> &[f32] {
        &self.start
    }

    /// How columns become features.
    pub fn preprocessing(&self) -> &Preprocessing {
        &self.preprocessing
    }

    /// The mean loss over the training rows.
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

    /// The trainer for a batch size and a rate. Everything else is the same for every method.
    pub fn trainer(&self, batch_size: BatchSize, lr: f64) -> Trainer {
        Trainer { clock: self.clock.clone(), ..trainer_of(&self.settings, self.train.n_rows(), batch_size, lr) }
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
        let mut objective = self.objective();
        let mut validation = self.validation_objective();
        let known = Probes { chosen, ..Probes::default() };
        let mut live = Live::new(self, trainer, known.clone(), observers);
        let reason = trainer.run(
            &mut objective,
            validation.as_mut().map(|validation| validation as &mut dyn Objective),
            state,
            &mut [&mut live],
        )?;
        let train = objective.evaluate(&state.theta);
        let validation = validation.map(|mut validation| validation.evaluate(&state.theta));
        let mut case = self.case(trainer, state, Some(reason), known);
        (case.train, case.validation) = (Some(train), validation);
        let findings = if reason == StopReason::Interrupted { Vec::new() } else { diagnosis::examine(&mut case) };
        let probes = case.probes;
        live.tell(&findings, state);
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
                time: OutcomeTime { training_seconds: state.training_time.as_secs_f64() },
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

/// The trainer that settings ask for, for so many rows.
pub(super) fn trainer_of(settings: &Settings, n_rows: usize, batch_size: BatchSize, lr: f64) -> Trainer {
    let order = if settings.shuffle { Order::Shuffled { seed: settings.seed } } else { Order::Sequential };
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
struct Encoded {
    target: Target,
    loss: Loss,
    preprocessing: Preprocessing,
    train: Dataset,
    validation: Option<Dataset>,
    validation_fingerprint: Option<String>,
    notices: Vec<Notice>,
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
        let loss = settings.loss.unwrap_or(match (target.task, target.classes.len()) {
            (TaskKind::Regression, _) => Loss::Squared,
            (TaskKind::Classification, 2) => Loss::Logistic,
            (TaskKind::Classification, _) => Loss::CrossEntropy,
        });
        let n_classes = target.classes.len();
        if loss.suits() == Suits::TwoClasses && n_classes != 2 {
            let kind = ErrorKind::LossNeedsTwoClasses { loss: loss.to_string(), n_classes };
            return Err(Error::from(kind).at(Place::source(table.source())));
        }
        let (train_rows, held_out) = match settings.validation {
            Validation::Fraction(share) => {
                let strata = target.strata(table)?;
                hold_out(table.n_rows(), strata.as_deref(), share, settings.seed)
                    .map_err(|error| error.in_source(table.source()))?
            }
            _ => (table.rows(), Vec::new()),
        };
        let options = EncodeOptions {
            scale: settings.scale,
            drop: settings.drop.clone(),
            scale_target: settings.scale == Scale::Standard && loss != Loss::Poisson,
        };
        let (preprocessing, learnt) = Preprocessing::learn(table, &target, &train_rows, &options)?;
        notices.extend(learnt);
        let (mut train, _) = preprocessing.dataset(table, &train_rows)?;
        if loss == Loss::Poisson {
            check_counts(&train, table, &train_rows, &target.name)?;
        }
        let mut validation_fingerprint = None;
        let validation = match &settings.validation {
            Validation::Fraction(_) => Some(preprocessing.dataset(table, &held_out)?),
            Validation::File(path) => {
                let table = Table::read(path, &settings.read_options())?;
                validation_fingerprint = Some(table.fingerprint());
                notices.extend(table.notices().iter().cloned());
                let (kept, dropped) = with_targets(&table, Some(&target.name), settings)?.unzip();
                notices.extend(dropped);
                let table = kept.unwrap_or(table);
                Some(preprocessing.dataset(&table, &table.rows())?)
            }
            Validation::None => None,
        };
        let mut validation = validation.map(|(dataset, seen)| {
            notices.extend(seen);
            dataset
        });
        if let Some(weights) =
            class_weights(&train, &target, settings).map_err(|error| error.in_source(table.source()))?
        {
            train = weighted(train, &weights)?;
            validation = validation.map(|validation| weighted(validation, &weights)).transpose()?;
            notices.push(Notice::ClassWeights { weights: target.classes.iter().cloned().zip(weights).collect() });
        }
        Ok(Self { target, loss, preprocessing, train, validation, validation_fingerprint, notices })
    }
}

/// The rows that have a target, if others have none and are to be left out.
fn with_targets(table: &Table, target: Option<&str>, settings: &Settings) -> Result<Option<(Table, Notice)>> {
    match settings.on_missing_target {
        OnMissingTarget::Error => Ok(None),
        OnMissingTarget::Drop => Target::present(table, target),
    }
}

/// What a row of each class weighs, if the settings say that they weigh differently.
fn class_weights(train: &Dataset, target: &Target, settings: &Settings) -> Result<Option<Vec<f64>>> {
    if target.task == TaskKind::Regression {
        return Error::unless_empty(settings.class_weight.problem_of_regression().into_iter().collect()).map(|()| None);
    }
    let mut counts = vec![0; target.classes.len()];
    train.targets.iter().for_each(|&class| counts[class as usize] += 1);
    settings.class_weight.of(&target.name, &target.classes, &counts)
}

/// Rows that weigh what their classes do.
fn weighted(data: Dataset, of_classes: &[f64]) -> Result<Dataset> {
    let weights = data.targets.iter().map(|&class| of_classes[class as usize] as f32).collect();
    data.with_scaled_weights(weights)
}

/// A pool of threads, where there is more than one.
fn pool(threads: Option<usize>) -> Result<Option<Arc<rayon::ThreadPool>>> {
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

fn check_counts(data: &Dataset, table: &Table, rows: &[u32], name: &str) -> Result<()> {
    let Some(at) = data.targets.iter().position(|&target| target < 0.0) else { return Ok(()) };
    let place = table.place(rows[at] as usize, table.column_index(name)?);
    let found = data.targets[at].to_string();
    Err(Error::from(ErrorKind::TargetOutOfRange { name: name.to_owned(), expected: "counts, 0 or above,", found })
        .at(place))
}
