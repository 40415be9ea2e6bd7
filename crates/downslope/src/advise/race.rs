//! Which batch size and rate go down fastest in the time there is?
//!
//! Theory tells which rates cannot work and which are safe; how fast a pair is on this machine, on these data, is measured:
//! pairs descend from the same start for the same time, and those that are ahead go on.

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::diagnosis::learning_rate::{self, Chosen, Curvatures};
use crate::diagnosis::{evenly, rows_of, step_time};
use crate::error::Result;
use crate::loader::{Batch, BatchSize};
use crate::metrics::number_or_null;
use crate::objective::{EmpiricalLoss, Objective};
use crate::run::{Experiment, Plan};
use crate::schedule::Schedule;
use crate::state::State;
use crate::stop::{Stop, StopReason};
use crate::trainer::{OnDivergence, Trainer};

/// From one batch size to the next.
const SIZE_FACTOR: usize = 4;
/// From one rate to the next in the heats, and the smallest change in the finals.
const RATE_FACTOR: f64 = 4.0;
const FINE: f64 = std::f64::consts::SQRT_2;
/// A first heat takes this part of the time of a final.
const HEAT: f64 = 0.125;
/// In the heats a rate is tried up to so many times the one that theory calls safe; finals may go on from there.
const MOST_TIMES: f64 = 64.0;
/// Pairs that come into the final.
const FINALISTS: usize = 3;
/// Finals in all.
const MOST_FINALS: usize = 24;
/// A final is run no longer than this: then what is ahead is taken to stay ahead.
const MOST_SECONDS: f64 = 0.1;
/// The part of a given time that is planned for: steps may take longer later than when they were timed, and a run that is cut
/// short before its rate went down ends with the noise of a high one.
const PLANNED: f64 = 0.85;
/// Rows on which the loss is looked at, at most.
const MOST_ROWS: usize = 1 << 16;
/// How long steps of one batch size are timed.
const TIMING: Duration = Duration::from_millis(6);

/// What a race was about, and who ran.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Race {
    /// Seconds of training a final stands for: the whole run, where that is short.
    pub seconds: f64,
    /// Seconds the choice took in all.
    pub took_seconds: f64,
    /// Seconds of a step at each batch size.
    pub step_seconds: Vec<(usize, f64)>,
    /// Every pair that ran, in order.
    pub runners: Vec<Runner>,
}

/// A pair of batch size and rate in a race.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Runner {
    /// Rows a step.
    pub batch_size: usize,
    /// The learning rate.
    pub lr: f64,
    /// Steps it took.
    pub steps: u64,
    /// Seconds that is meant to take.
    pub seconds: f64,
    /// Loss then, on the rows held out or, where there are none, on those that train; NaN where the run diverged.
    #[serde(deserialize_with = "number_or_null")]
    pub loss: f64,
}

/// Batch sizes four times apart, from one row to all; all rows are also taken where they are less than twice the last.
pub fn batch_sizes(n_rows: usize) -> Vec<BatchSize> {
    let sizes = std::iter::successors(Some(1_usize), |&size| size.checked_mul(SIZE_FACTOR));
    let rows = sizes.take_while(|&size| 2 * size <= n_rows).filter_map(|size| BatchSize::rows(size).ok());
    rows.chain([BatchSize::Full]).collect()
}

/// Chooses batch size and, unless it was given, rate, for a run as long as the settings ask for.
///
/// The time of a run is that of `--seconds`, or what its epochs take at 32 rows a step: the pair is chosen for that time, and
/// its epochs follow from it. Each batch size begins at the rate that theory calls safe ([`learning_rate::choose`]) and tries
/// rates four times higher as long as that helps; the best pairs then run for the whole time (a tenth of a second at most),
/// and the winner's rate and batch size are changed, by √2 to 2, as long as that helps. Everything runs with the
/// schedule that the run itself will have. What counts is the loss on the rows held out, where there are some: on data that
/// can be learnt by heart the lowest training loss goes to weights that are certain of everything.
///
/// **When it does not hold**: a run much longer than a tenth of a second is chosen by its beginning; the schedule's decay
/// takes away what noise the choice leaves. What is chosen depends on the clock, and so may differ from time to time; it is
/// recorded, and the run goes by the record.
///
/// # Errors
/// [`crate::ErrorKind::NoCurvature`].
pub fn choose(experiment: &Experiment) -> Result<Plan> {
    let begun = Instant::now();
    run(experiment, learning_rate::measure(&mut experiment.objective(), experiment.start()), begun)
}

/// The same, where the curvatures at the start are known, and were measured since `begun`.
pub(super) fn run(experiment: &Experiment, curvatures: Curvatures, begun: Instant) -> Result<Plan> {
    let mut track = Track::new(experiment, curvatures)?;
    let heat = track.seconds * HEAT;
    let mut best_of_sizes: Vec<Runner> = Vec::new();
    for batch_size in batch_sizes(track.n_rows) {
        let safe = track.safe_rate(batch_size)?;
        let mut best = track.run(batch_size, safe, heat)?;
        if track.chooses_rate() {
            while best.lr * RATE_FACTOR <= MOST_TIMES * safe
                && let Some(next) = better(best, track.run(batch_size, best.lr * RATE_FACTOR, heat)?)
            {
                best = next;
            }
        }
        best_of_sizes.push(best);
    }
    best_of_sizes.sort_by(|a, b| worth(a).total_cmp(&worth(b)));
    let mut best: Option<Runner> = None;
    let mut finals = 0;
    for runner in best_of_sizes.into_iter().take(FINALISTS) {
        finals += 1;
        let runner = track.run(track.size_of(runner.batch_size), runner.lr, track.seconds)?;
        best = match best {
            Some(best) => Some(better(best, runner).unwrap_or(best)),
            None => Some(runner),
        };
    }
    let mut best = best.unwrap_or(Runner { batch_size: 1, lr: 1.0, steps: 0, seconds: 0.0, loss: f64::NAN });
    // One after the other, and again from what helped: other rates, and larger and smaller batches at a rate in proportion.
    let moves =
        [(2.0, 1.0), (0.5, 1.0), (2.0, 2.0), (0.5, 0.5), (1.0, 2.0), (1.0, 0.5), (FINE, 1.0), (1.0 / FINE, 1.0)];
    let mut in_vain = 0;
    for (rate, size) in moves.into_iter().cycle() {
        if finals >= MOST_FINALS || in_vain >= moves.len() {
            break;
        }
        in_vain += 1;
        let rows = ((best.batch_size as f64 * size) as usize).clamp(1, track.n_rows);
        let lr = if track.chooses_rate() { best.lr * rate } else { best.lr };
        if !track.has_run(rows, lr) {
            finals += 1;
            if let Some(next) = better(best, track.run(track.size_of(rows), lr, track.seconds)?) {
                (best, in_vain) = (next, 0);
            }
        }
    }
    track.race.took_seconds = begun.elapsed().as_secs_f64();
    track.plan(best)
}

/// Something that can be compared where there is no number too.
fn worth(runner: &Runner) -> f64 {
    if runner.loss.is_finite() { runner.loss } else { f64::INFINITY }
}

/// The second, if it is better than the first.
fn better(first: Runner, second: Runner) -> Option<Runner> {
    (worth(&second) < worth(&first)).then_some(second)
}

/// What all runners share.
struct Track<'a> {
    experiment: &'a Experiment,
    objective: EmpiricalLoss,
    curvatures: Curvatures,
    initial_loss: f64,
    n_rows: usize,
    /// What runners are judged by: the rows held out, or where there are none those that train.
    judge: Option<EmpiricalLoss>,
    /// Of those that train so many, if not all.
    looked_at: Option<Vec<u32>>,
    /// The time of the whole run.
    run_seconds: f64,
    /// The time of a final.
    seconds: f64,
    race: Race,
}

impl<'a> Track<'a> {
    fn new(experiment: &'a Experiment, curvatures: Curvatures) -> Result<Self> {
        let mut objective = experiment.objective();
        let n_rows = objective.n_rows();
        let mut track = Self {
            experiment,
            curvatures,
            initial_loss: objective.loss(experiment.start(), Batch::all(n_rows)).mean(),
            objective,
            n_rows,
            judge: experiment.validation_objective(),
            looked_at: evenly(n_rows, MOST_ROWS),
            run_seconds: 0.0,
            seconds: 0.0,
            race: Race { seconds: 0.0, took_seconds: 0.0, step_seconds: Vec::new(), runners: Vec::new() },
        };
        let usual = BatchSize::rows(32)?;
        let settings = experiment.settings();
        let epoch = track.step_seconds(usual)? * track.steps_per_epoch(usual) as f64;
        let asked = settings.epochs as f64 * epoch;
        track.run_seconds = settings.seconds.map_or(asked, |seconds| asked.min(PLANNED * seconds));
        track.seconds = track.run_seconds.min(MOST_SECONDS);
        track.race.seconds = track.seconds;
        Ok(track)
    }

    fn chooses_rate(&self) -> bool {
        self.experiment.settings().given_lr().is_none()
    }

    fn safe_rate(&mut self, batch_size: BatchSize) -> Result<f64> {
        if !self.chooses_rate() {
            return Ok(self.experiment.learning_rate(batch_size)?.0);
        }
        Ok(self.chosen(batch_size)?.lr)
    }

    /// What theory makes of the curvatures at a batch size.
    fn chosen(&mut self, batch_size: BatchSize) -> Result<Chosen> {
        let trainer = self.experiment.trainer(batch_size, 1.0);
        self.curvatures.choose(&mut self.objective, self.experiment.start(), &trainer)
    }

    fn size_of(&self, rows: usize) -> BatchSize {
        if rows >= self.n_rows { BatchSize::Full } else { BatchSize::rows(rows).unwrap_or(BatchSize::Full) }
    }

    fn step_seconds(&mut self, batch_size: BatchSize) -> Result<f64> {
        let rows = batch_size.of(self.n_rows);
        if let Some((_, seconds)) = self.race.step_seconds.iter().find(|(known, _)| *known == rows) {
            return Ok(*seconds);
        }
        let trainer = self.experiment.trainer(batch_size, 1.0);
        let seconds = step_time::measure(&mut self.objective, self.experiment.start(), &trainer, TIMING)?;
        self.race.step_seconds.push((rows, seconds));
        Ok(seconds)
    }

    fn has_run(&self, batch_size: usize, lr: f64) -> bool {
        let is_same = |runner: &Runner| runner.batch_size == batch_size && (runner.lr / lr - 1.0).abs() < 0.01;
        self.race.runners.iter().any(|runner| is_same(runner) && runner.seconds >= self.seconds)
    }

    fn steps_per_epoch(&self, batch_size: BatchSize) -> u64 {
        self.experiment.trainer(batch_size, 1.0).loader.map_or(1, |loader| loader.len()) as u64
    }

    /// Epochs of a run of so many seconds, at least one.
    fn epochs_in(&mut self, batch_size: BatchSize, seconds: f64) -> Result<u64> {
        let steps_per_epoch = self.steps_per_epoch(batch_size) as f64;
        Ok((seconds / (self.step_seconds(batch_size)? * steps_per_epoch)).round().max(1.0) as u64)
    }

    /// The schedule of the run: where none was asked for and the rate is chosen, constant and then down to nothing.
    fn schedule(&self) -> Schedule {
        let asked = &self.experiment.settings().schedule;
        if *asked == Schedule::Constant && self.chooses_rate() {
            Schedule::StableDecay { share: 0.2 }
        } else {
            asked.clone()
        }
    }

    fn run(&mut self, batch_size: BatchSize, lr: f64, seconds: f64) -> Result<Runner> {
        // As a person would write it.
        let lr = if self.chooses_rate() { format!("{lr:.2e}").parse().unwrap_or(lr) } else { lr };
        let steps = (seconds / self.step_seconds(batch_size)?).round().max(1.0) as u64;
        let epochs = self.epochs_in(batch_size, seconds)?;
        let steps_per_epoch = self.steps_per_epoch(batch_size);
        // What is run for the whole time of the run is the very run that is planned.
        let steps = (steps < steps_per_epoch).then_some(steps);
        let trainer = self.experiment.trainer(batch_size, lr);
        let trainer = Trainer {
            stop: Stop { steps, epochs: Some(epochs), ..Stop::default() },
            schedule: self.schedule(),
            on_divergence: OnDivergence::Stop,
            ..trainer
        };
        let mut state = State::new(self.experiment.start().to_vec());
        state.initial_loss = self.initial_loss;
        let reason = trainer.run(&mut self.objective, None, &mut state, &mut [])?;
        let loss = match &mut self.judge {
            Some(judge) => judge.loss(&state.theta, Batch::all(judge.n_rows())),
            None => self.objective.loss(&state.theta, rows_of(self.looked_at.as_deref(), self.n_rows)),
        };
        let loss = loss.mean();
        let loss = if reason == StopReason::Diverged { f64::NAN } else { loss };
        let runner = Runner { batch_size: batch_size.of(self.n_rows), lr, steps: state.step, seconds, loss };
        self.race.runners.push(runner);
        Ok(runner)
    }

    fn plan(mut self, best: Runner) -> Result<Plan> {
        let batch_size = self.size_of(best.batch_size);
        let epochs = self.epochs_in(batch_size, self.run_seconds)?;
        let lr_from = if self.chooses_rate() { Some(self.chosen(batch_size)?) } else { None };
        Ok(Plan { batch_size, lr: best.lr, lr_from, epochs, schedule: self.schedule(), race: Some(self.race) })
    }
}
