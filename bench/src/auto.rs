//! Does `--lr auto --batch-size auto` find what a grid finds?
//!
//! Every pair of a grid of eight rates and six batch sizes trains for the same time, and so does what auto chooses. They are
//! compared by the loss on rows held out, at the end of that time; the training loss stands beside it. A pair that diverges
//! has no loss. What choosing takes is not in the time of the run, and is told.

use std::path::Path;
use std::time::Instant;

use downslope::data::Table;
use downslope::diagnosis::step_time;
use downslope::loader::BatchSize;
use downslope::objective::Objective;
use downslope::run::{BatchSetting, Experiment, LearningRate, Settings};
use downslope::state::State;
use downslope::stop::{Stop, StopReason};
use downslope::trainer::Trainer;
use serde::Serialize;

use crate::Result;

const RATES: [f64; 8] = [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0];
const SIZES: [&str; 6] = ["1", "8", "32", "128", "512", "full"];
/// A run is no shorter than this, so that its end can be timed.
const LEAST_SECONDS: f64 = 0.02;

/// A table and what is learnt of it.
pub struct Task {
    /// What it is called in the result.
    pub name: &'static str,
    data: &'static str,
    target: Option<&'static str>,
    drop: &'static [&'static str],
}

/// Every task.
pub const TASKS: [Task; 9] = [
    Task { name: "digits", data: "@digits", target: None, drop: &[] },
    Task { name: "breast-cancer", data: "@breast-cancer", target: None, drop: &[] },
    Task { name: "diabetes", data: "@diabetes", target: None, drop: &[] },
    Task { name: "california", data: "california_housing.csv", target: Some("median_house_value"), drop: &[] },
    Task { name: "diamonds, price", data: "diamonds.csv", target: Some("price"), drop: &[] },
    Task { name: "diamonds, cut", data: "diamonds.csv", target: Some("cut"), drop: &[] },
    Task { name: "titanic", data: "titanic.csv", target: Some("survived"), drop: &["alive"] },
    Task { name: "penguins", data: "penguins.csv", target: Some("species"), drop: &[] },
    Task { name: "a9a", data: "a9a.svm", target: Some("label"), drop: &[] },
];

/// What came of a task.
#[derive(Debug, Serialize)]
pub struct Outcome {
    /// The task.
    pub task: &'static str,
    /// Rows that train.
    pub n_rows: usize,
    /// Seconds of each run.
    pub seconds: f64,
    /// The pair of the grid with the lowest loss on rows held out.
    pub grid: Run,
    /// The lowest training loss of the grid.
    pub grid_train_loss: f64,
    /// Pairs of the grid that diverged.
    pub grid_diverged: usize,
    /// What auto chose.
    pub auto: Run,
    /// Seconds that choosing took.
    pub choosing_seconds: f64,
    /// How often auto backed off.
    pub back_offs: u32,
}

/// A run of a pair.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Run {
    /// Rows a step.
    pub batch_size: usize,
    /// The rate it began with.
    pub lr: f64,
    /// Loss on rows held out.
    pub validation_loss: f64,
    /// Training loss.
    pub train_loss: f64,
    /// Whether it diverged.
    pub diverged: bool,
}

/// Runs a task; nothing where its table is not in the folder.
///
/// # Errors
/// A table that cannot be read.
pub fn run(task: &Task, folder: &Path, seed: u64) -> Result<Option<Outcome>> {
    let say = |error: downslope::Error| error.to_string();
    let settings = Settings {
        target: task.target.map(str::to_owned),
        drop: task.drop.iter().map(|&column| column.to_owned()).collect(),
        batch_size: BatchSetting::Auto,
        seed,
        ..Settings::default()
    };
    let table = if task.data.starts_with('@') {
        Table::read(task.data, &settings.read_options()).map_err(say)?
    } else {
        let path = folder.join(task.data);
        if !path.exists() {
            return Ok(None);
        }
        Table::read(&path.to_string_lossy(), &settings.read_options()).map_err(say)?
    };
    let prepared = Experiment::prepare(&table, &settings).map_err(say)?;
    let usual = BatchSize::rows(32).map_err(say)?;
    let n_rows = prepared.summary().n_train;
    let start = prepared.start().to_vec();
    let time = std::time::Duration::from_millis(20);
    let a_step =
        step_time::measure(&mut prepared.objective(), &start, &prepared.trainer(usual, 1.0), time).map_err(say)?;
    let seconds = (settings.epochs as f64 * n_rows.div_ceil(32) as f64 * a_step).max(LEAST_SECONDS);
    let settings = Settings { seconds: Some(seconds), epochs: u64::MAX, ..settings };
    let experiment = Experiment::prepare(&table, &settings).map_err(say)?;
    let finish = |trainer: &Trainer, lr: f64| -> Result<(Run, u32)> {
        let (mut objective, mut validation) = (experiment.objective(), experiment.validation_objective());
        let mut state = State::new(start.clone());
        let judge = validation.as_mut().map(|validation| validation as &mut dyn Objective);
        let reason = trainer.run(&mut objective, judge, &mut state, &mut []).map_err(say)?;
        let run = Run {
            batch_size: trainer.loader.as_ref().map_or(n_rows, downslope::loader::DataLoader::batch_size),
            lr,
            validation_loss: validation.map_or(f64::NAN, |mut validation| validation.evaluate(&state.theta).loss),
            train_loss: objective.evaluate(&state.theta).loss,
            diverged: reason == StopReason::Diverged,
        };
        Ok((run, state.back_offs))
    };
    let mut grid = Vec::new();
    for size in SIZES {
        for lr in RATES {
            let trainer = experiment.trainer(size.parse().map_err(say)?, lr);
            let trainer = Trainer { stop: Stop { epochs: None, ..trainer.stop }, ..trainer };
            grid.push(finish(&trainer, lr)?.0);
        }
    }
    let begun = Instant::now();
    let plan = experiment.plan().map_err(say)?;
    let choosing_seconds = begun.elapsed().as_secs_f64();
    debug_assert!(settings.lr == LearningRate::Auto);
    let (auto, back_offs) = finish(&experiment.trainer_of(&plan), plan.lr)?;
    let ended = || grid.iter().filter(|run| !run.diverged && run.validation_loss.is_finite());
    let Some(best) = ended().min_by(|a, b| a.validation_loss.total_cmp(&b.validation_loss)) else {
        return Err(format!("{}: no pair of the grid ended", task.name));
    };
    Ok(Some(Outcome {
        task: task.name,
        n_rows,
        seconds,
        grid: *best,
        grid_train_loss: ended().map(|run| run.train_loss).fold(f64::INFINITY, f64::min),
        grid_diverged: grid.len() - ended().count(),
        auto,
        choosing_seconds,
        back_offs,
    }))
}
