//! What does the batch size cost, and what does it give?
//!
//! The same model on the same data from the same start by the same code; only `batch_size`, and the rate that suits it,
//! differ. Each method is measured on three clocks: after equal *steps*, equal *epochs* and equal *seconds*.
//!
//! Everything that depends on the clock on the wall stands under a key `time`; the rest is the same in every repetition.

use serde::{Deserialize, Serialize};

use crate::diagnosis::Finding;
use crate::diagnosis::learning_rate::Chosen;
use crate::diagnosis::noise::relative_noise;
use crate::diagnosis::path::Path;
use crate::error::Result;
use crate::event::Event;
use crate::loader::{Batch, BatchSize};
use crate::metrics::{Metrics, number_or_null};
use crate::numeric::quantile;
use crate::objective::{EmpiricalLoss, Objective};
use crate::observer::{Control, Observer};
use crate::run::{DataSummary, Experiment, Machine, Settings};
use crate::state::State;
use crate::stop::StopReason;

/// Points of a curve between a step and ten times that step.
const POINTS_PER_DECADE: f64 = 12.0;
/// Times taken in an epoch.
const TIMES_PER_EPOCH: u64 = 64;
/// The way is measured over at most so many steps.
const MAX_PATH_STEPS: u64 = 50_000;

/// Several methods, measured side by side.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// The version of the program.
    pub downslope: String,
    /// What was decided; its batch size is none of those compared.
    pub settings: Settings,
    /// What it is about.
    pub data: DataSummary,
    /// The machine.
    pub machine: Machine,
    /// The seed.
    pub seed: u64,
    /// Epochs of each method.
    pub epochs: u64,
    /// Mean training loss at the common start.
    pub initial_loss: f64,
    /// Steps that every method is given at least: the first clock.
    pub equal_steps: u64,
    /// Epochs that every method with a model did at least: the second clock.
    pub equal_epochs: u64,
    /// The loss that every method reached: `seconds_to_target` is about it.
    pub target_loss: f64,
    /// The methods, in the order asked for.
    pub methods: Vec<Method>,
    /// Which method had the lowest training loss after equal steps and after equal epochs.
    pub winners: Winners,
    /// What the clock said.
    pub time: ComparisonTime,
}

/// The best method on the two clocks that no machine changes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Winners {
    /// After equal steps; nothing if every method failed.
    pub equal_steps: Option<String>,
    /// After equal epochs.
    pub equal_epochs: Option<String>,
}

/// What the clock said of a comparison.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ComparisonTime {
    /// Seconds that every method trained at least: the third clock.
    pub equal_seconds: f64,
    /// The method with the lowest training loss by then.
    pub winner: Option<String>,
}

/// One method.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Method {
    /// `batch`, `mini-batch` or `stochastic`; with its batch size where several have the same name.
    pub name: String,
    /// Rows a step.
    pub batch_size: usize,
    /// The learning rate.
    pub lr: f64,
    /// The measurements it came from, unless it was given.
    pub lr_from: Option<Chosen>,
    /// Steps in an epoch.
    pub steps_per_epoch: u64,
    /// Epochs done.
    pub epochs: u64,
    /// Steps done.
    pub steps: u64,
    /// Why it stopped.
    pub reason: StopReason,
    /// Standard deviation of the batch gradient relative to the full gradient, at the common start.
    pub gradient_noise: f64,
    /// Length of the path over the distance it covered.
    pub zig_zag: f64,
    /// Mean cosine between each step and the next.
    #[serde(default = "unknown", deserialize_with = "number_or_null")]
    pub step_cosine: f64,
    /// Training loss after the steps that every method took.
    pub loss_at_equal_steps: Option<f64>,
    /// Training loss after the epochs that every method did.
    pub loss_at_equal_epochs: Option<f64>,
    /// Quality on the rows it was trained on.
    pub train: Metrics,
    /// Quality on the rows held out.
    pub validation: Option<Metrics>,
    /// Training loss over all rows along the way.
    pub curve: Vec<Point>,
    /// What is worth saying about it.
    pub findings: Vec<Finding>,
    /// What the clock said.
    pub time: MethodTime,
}

impl Method {
    /// Whether it ended with a model.
    pub fn succeeded(&self) -> bool {
        self.reason != StopReason::Diverged
    }
}

/// What older records do not hold.
fn unknown() -> f64 {
    f64::NAN
}

/// A point of a learning curve.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// Steps done.
    pub step: u64,
    /// Epochs done, with their fraction.
    pub epoch: f64,
    /// Mean training loss over all rows.
    pub loss: f64,
}

/// What the clock said of a method.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct MethodTime {
    /// Median seconds of a step.
    pub step_seconds: f64,
    /// The lower quartile of the seconds of a step.
    pub step_seconds_low: f64,
    /// The upper quartile.
    pub step_seconds_high: f64,
    /// Rows a second, over the whole run.
    pub rows_per_second: f64,
    /// Seconds spent on steps.
    pub training_seconds: f64,
    /// Seconds spent on steps at each point of the curve.
    pub curve_seconds: Vec<f64>,
    /// Training loss after the seconds that every method trained.
    pub loss_at_equal_seconds: Option<f64>,
    /// Seconds until the loss that every method reached.
    pub seconds_to_target: Option<f64>,
}

/// Runs each method and measures it. `observers` are told of each run in turn.
///
/// # Errors
/// None that [`Experiment::prepare`] has not found.
pub fn compare(
    experiment: &Experiment,
    batch_sizes: &[BatchSize],
    observers: &mut [&mut dyn Observer],
) -> Result<Comparison> {
    let n_rows = experiment.objective().n_rows();
    let start = experiment.start();
    let initial_loss = experiment.objective().loss(start, Batch::all(n_rows)).mean();
    let epochs = experiment.settings().epochs;
    let steps_in = |&batch_size: &BatchSize| experiment.trainer(batch_size, 1.0).loader.map_or(1, |l| l.len() as u64);
    let equal_steps = epochs.saturating_mul(batch_sizes.iter().map(steps_in).min().unwrap_or(1));
    let mut methods = Vec::new();
    let n_train = experiment.summary().n_train;
    for (index, &batch_size) in batch_sizes.iter().enumerate() {
        // Two sizes that hold all rows are one method.
        if batch_sizes[..index].iter().any(|earlier| earlier.of(n_train) == batch_size.of(n_train)) {
            continue;
        }
        let method = measure(experiment, batch_size, equal_steps, initial_loss, observers)?;
        let interrupted = method.reason == StopReason::Interrupted;
        methods.push(method);
        if interrupted {
            break;
        }
    }
    tell_apart(&mut methods);
    let mut comparison = Comparison {
        downslope: env!("CARGO_PKG_VERSION").to_owned(),
        settings: experiment.settings().clone(),
        data: experiment.summary().clone(),
        machine: Machine::this(),
        seed: experiment.settings().seed,
        epochs,
        initial_loss,
        equal_steps,
        equal_epochs: epochs,
        target_loss: f64::NAN,
        methods,
        winners: Winners::default(),
        time: ComparisonTime::default(),
    };
    comparison.judge(experiment.settings().target_loss);
    Ok(comparison)
}

fn measure(
    experiment: &Experiment,
    batch_size: BatchSize,
    equal_steps: u64,
    initial_loss: f64,
    observers: &mut [&mut dyn Observer],
) -> Result<Method> {
    let plan = experiment.plan_at(batch_size)?;
    let mut trainer = experiment.trainer_of(&plan);
    // A target is a line to be timed at, not a reason to stop: the clocks need whole runs.
    trainer.stop.target = None;
    let n_rows = experiment.objective().n_rows();
    let (rows, steps_per_epoch) = trainer.loader.as_ref().map_or((n_rows, 1), |l| (l.batch_size(), l.len() as u64));

    let mut curve = Curve::new(experiment.objective(), steps_per_epoch, equal_steps, initial_loss);
    let mut times = StepTimes::new(steps_per_epoch);
    let mut state = State::new(experiment.start().to_vec());
    let trained = {
        let mut all: Vec<&mut dyn Observer> = vec![&mut curve, &mut times];
        all.extend(observers.iter_mut().map(|observer| &mut **observer as &mut dyn Observer));
        experiment.descend(&trainer, plan.lr_from, &mut state, &mut all)?
    };

    // The same run once more, step by step, by the same rules but for the clock's.
    let mut path = Path::over(MAX_PATH_STEPS.min(state.step));
    trainer.stop.time = None;
    let mut validation = experiment.validation_objective();
    trainer.run(
        &mut experiment.objective(),
        validation.as_mut().map(|validation| validation as &mut dyn Objective),
        &mut State::new(experiment.start().to_vec()),
        &mut [&mut path],
    )?;

    let gradient_noise = trainer
        .loader
        .as_ref()
        .map_or(0.0, |loader| relative_noise(&mut experiment.objective(), experiment.start(), loader));
    let training_seconds = state.training_time.as_secs_f64();
    let at_equal_steps = curve.points.iter().find(|point| point.step == equal_steps).map(|point| point.loss);
    Ok(Method {
        name: match rows {
            rows if rows == n_rows => "batch",
            1 => "stochastic",
            _ => "mini-batch",
        }
        .to_owned(),
        batch_size: rows,
        lr: plan.lr,
        lr_from: plan.lr_from,
        steps_per_epoch,
        epochs: state.epoch,
        steps: state.step,
        reason: trained.outcome.reason,
        gradient_noise,
        zig_zag: path.zig_zag(),
        step_cosine: path.mean_cosine(),
        loss_at_equal_steps: at_equal_steps,
        loss_at_equal_epochs: None,
        train: trained.train,
        validation: trained.validation,
        curve: curve.points,
        findings: trained.findings,
        time: MethodTime {
            step_seconds: quantile(&mut times.samples, 0.5),
            step_seconds_low: quantile(&mut times.samples, 0.25),
            step_seconds_high: quantile(&mut times.samples, 0.75),
            rows_per_second: state.step as f64 / steps_per_epoch as f64 * n_rows as f64 / training_seconds,
            training_seconds,
            curve_seconds: curve.seconds,
            loss_at_equal_seconds: None,
            seconds_to_target: None,
        },
    })
}

/// Several mini-batches need their sizes in their names.
fn tell_apart(methods: &mut [Method]) {
    let names: Vec<String> = methods.iter().map(|method| method.name.clone()).collect();
    for method in methods {
        if names.iter().filter(|name| **name == method.name).count() > 1 {
            method.name = format!("{} {}", method.name, method.batch_size);
        }
    }
}

impl Comparison {
    /// Fills in what only all methods together can tell.
    fn judge(&mut self, target_loss: Option<f64>) {
        let ended = || self.methods.iter().filter(|method| method.succeeded());
        let equal_seconds = ended().map(|method| method.time.training_seconds).fold(f64::INFINITY, f64::min);
        let lowest = |method: &Method| method.curve.iter().map(|point| point.loss).fold(f64::INFINITY, f64::min);
        let reached_by_all = ended().map(lowest).fold(f64::NEG_INFINITY, f64::max);
        self.target_loss = target_loss.unwrap_or(reached_by_all);
        let equal_epochs = ended().map(|method| method.epochs).min().unwrap_or(self.epochs);
        self.equal_epochs = equal_epochs;
        self.time.equal_seconds = equal_seconds;
        for method in self.methods.iter_mut().filter(|method| method.succeeded()) {
            let last_step = equal_epochs * method.steps_per_epoch;
            let after_equal_epochs = method.curve.iter().find(|point| point.step == last_step);
            method.loss_at_equal_epochs = after_equal_epochs.filter(|_| equal_epochs > 0).map(|point| point.loss);
            let timed = || method.curve.iter().zip(&method.time.curve_seconds);
            method.time.loss_at_equal_seconds =
                timed().take_while(|&(_, &seconds)| seconds <= equal_seconds).last().map(|(point, _)| point.loss);
            method.time.seconds_to_target =
                timed().find(|(point, _)| point.loss <= self.target_loss).map(|(_, &seconds)| seconds);
        }
        self.winners = Winners {
            equal_steps: self.lowest(|method| method.loss_at_equal_steps),
            equal_epochs: self.lowest(|method| method.loss_at_equal_epochs),
        };
        self.time.winner = self.lowest(|method| method.time.loss_at_equal_seconds);
    }

    fn lowest(&self, loss: impl Fn(&Method) -> Option<f64>) -> Option<String> {
        let ended = self.methods.iter().filter(|method| method.succeeded());
        // A clock on which not all were measured has no winner.
        let measured: Option<Vec<_>> = ended.map(|method| Some((method, loss(method)?))).collect();
        measured?.into_iter().min_by(|a, b| a.1.total_cmp(&b.1)).map(|(method, _)| method.name.clone())
    }

    /// Whether every method did all that was asked: ended of itself, with a model, at the target where one was given.
    pub fn succeeded(&self) -> bool {
        let as_asked = |method: &Method| {
            let on_target = self.settings.target_loss.is_none() || method.time.seconds_to_target.is_some();
            method.succeeded() && method.reason != StopReason::Interrupted && on_target
        };
        self.methods.iter().all(as_asked)
    }
}

/// Measures the training loss over all rows at steps spaced evenly by their logarithm, and after each epoch.
struct Curve {
    objective: EmpiricalLoss,
    steps_per_epoch: u64,
    equal_steps: u64,
    next: u64,
    points: Vec<Point>,
    seconds: Vec<f64>,
}

impl Curve {
    fn new(objective: EmpiricalLoss, steps_per_epoch: u64, equal_steps: u64, initial_loss: f64) -> Self {
        let start = Point { step: 0, epoch: 0.0, loss: initial_loss };
        Self { objective, steps_per_epoch, equal_steps, next: 1, points: vec![start], seconds: vec![0.0] }
    }

    fn push(&mut self, step: u64, loss: f64, seconds: f64) {
        if self.points.last().is_none_or(|last| last.step < step) {
            self.points.push(Point { step, epoch: step as f64 / self.steps_per_epoch as f64, loss });
            self.seconds.push(seconds);
        }
    }
}

impl Observer for Curve {
    fn next_step(&self) -> u64 {
        self.next
    }

    fn observe(&mut self, event: &Event<'_>, state: &State) -> Control {
        match event {
            Event::Step(step) => {
                let farther = (step.step as f64 * 10_f64.powf(1.0 / POINTS_PER_DECADE)).ceil() as u64;
                self.next = farther.max(step.step + 1);
                if step.step < self.equal_steps {
                    self.next = self.next.min(self.equal_steps);
                }
                // The end of an epoch brings its own measurement.
                if step.step % self.steps_per_epoch != 0 {
                    let loss = self.objective.loss(&state.theta, Batch::all(self.objective.n_rows())).mean();
                    self.push(step.step, loss, step.training_time.as_secs_f64());
                }
            }
            Event::BackedOff(back) => {
                let kept = self.points.iter().take_while(|point| point.step <= back.step).count();
                self.points.truncate(kept);
                self.seconds.truncate(kept);
                self.next = back.step + 1;
            }
            Event::Epoch(epoch) => self.push(epoch.step, epoch.train_loss, epoch.training_time.as_secs_f64()),
            _ => {}
        }
        Control::Continue
    }
}

/// Times steps, several at once where they are many.
struct StepTimes {
    interval: u64,
    next: u64,
    last: (u64, f64),
    samples: Vec<f64>,
}

impl StepTimes {
    fn new(steps_per_epoch: u64) -> Self {
        let interval = (steps_per_epoch / TIMES_PER_EPOCH).max(1);
        Self { interval, next: interval, last: (0, 0.0), samples: Vec::new() }
    }
}

impl Observer for StepTimes {
    fn next_step(&self) -> u64 {
        self.next
    }

    fn observe(&mut self, event: &Event<'_>, state: &State) -> Control {
        match event {
            Event::Step(step) => {
                let now = (step.step, step.training_time.as_secs_f64());
                self.samples.push((now.1 - self.last.1) / (now.0 - self.last.0) as f64);
                self.last = now;
                self.next = step.step + self.interval;
            }
            Event::BackedOff(back) => {
                self.last = (back.step, state.training_time.as_secs_f64());
                self.next = back.step + self.interval;
            }
            _ => {}
        }
        Control::Continue
    }
}
