//! Which learning rates work at which batch size, and where is the border?
//!
//! Many short runs from the same start, each with a learning rate and a batch size of its own, all over the same number
//! of rows. What came out is a table of losses with a border in it, beyond which runs diverge; beside the measured
//! border stands the predicted one, [`batch_limit`]. Rates stand at half powers of two times the limit of full
//! batches, so that it lies midway between two of them.
//!
//! The rules that end other runs early have no place here: a run ends when its rows are seen, or when it diverges.
//! Everything that depends on the clock on the wall stands under a key `time`.

use serde::{Deserialize, Serialize};

use crate::clock::Clock;
use crate::diagnosis::curvature::batch_limit;
use crate::diagnosis::learning_rate::{self, Chosen};
use crate::error::{Error, Problem, Result};
use crate::loader::{Batch, BatchSize, DataLoader};
use crate::objective::{EmpiricalLoss, Objective};
use crate::observer::Observer;
use crate::run::{DataSummary, Experiment, LearningRate, Machine, Settings};
use crate::state::State;
use crate::stop::{Stop, StopReason};

/// Epochs of each run where nobody says how many and the data are not large.
pub const EPOCHS: u64 = 10;
/// Where nobody says how many epochs, a run may take so many products of a row with a parameter: a map of ten columns then
/// takes some ten seconds, whatever the data.
const WORK_OF_A_RUN: u64 = 1_000_000_000;
/// What is done for a row whatever the model, in such products.
const WORK_OF_A_ROW: u64 = 300;
/// A batch size belongs on a map if it can take so many steps: fewer would show no divergence.
const MIN_STEPS: u64 = 4;
/// Batch sizes on a map, at most, where nobody says which.
const MOST_SIZES: usize = 9;
/// The best rate of a batch size is free to grow up to this share of the highest.
const FREE_TO_GROW: f64 = 0.25;
/// Fewer batch sizes have no slope worth the name.
const FEWEST_ON_RIDGE: usize = 3;
/// Rates above the highest limit.
const RATES_ABOVE: i32 = 4;
/// Rates below the lowest limit.
const RATES_BELOW: i32 = 1;
/// Rates on a map, at least.
const FEWEST_RATES: i32 = 13;
/// Rates on a map, at most.
const MOST_RATES: i32 = 20;

/// What can be asked of a map.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MapOptions {
    /// The batch sizes. Default, if there are none: 1, 4, 16 … and all rows.
    pub batch_sizes: Vec<BatchSize>,
    /// Epochs of each run, however long they take. Default: [`EPOCHS`], or as many rows as can be seen in some seconds.
    pub epochs: Option<u64>,
}

/// What a map will hold: measured once, before its runs.
#[derive(Clone, Debug, PartialEq)]
pub struct Grid {
    sizes: Vec<(BatchSize, Chosen)>,
    rates: Vec<f64>,
    length: Length,
}

/// How much each run sees: whole epochs, or a part of the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Length {
    epochs: u64,
    rows: u64,
    is_shortened: bool,
}

/// Losses by batch size and learning rate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LearningRateMap {
    /// The version of the program.
    pub downslope: String,
    /// What was decided; its batch size is none of those on the map.
    pub settings: Settings,
    /// What it is about.
    pub data: DataSummary,
    /// The machine.
    pub machine: Machine,
    /// The seed.
    pub seed: u64,
    /// Rows that each run saw unless it diverged, some of them many times.
    pub rows_per_run: u64,
    /// Whether that is less than [`EPOCHS`], which would have taken too long, and nobody said how many.
    pub is_shortened: bool,
    /// Mean training loss at the common start.
    pub initial_loss: f64,
    /// The largest curvature of the mean loss at the start.
    pub lambda_max: f64,
    /// The largest curvature of a single row's loss at the start.
    pub largest_row_curvature: f64,
    /// The learning rates, rising.
    pub rates: Vec<f64>,
    /// A column for each batch size, rising.
    pub columns: Vec<Column>,
    /// How the best rate grows with the batch size: the slope of log(best rate) over log(batch size) by least squares,
    /// from the smallest batch size on, as long as the best rate is at most a quarter of the highest best rate, near
    /// which the curvature of all rows holds it down. 1 is linear scaling, ½ that by the square root. Nothing where
    /// these are fewer than three batch sizes.
    pub ridge_slope: Option<f64>,
    /// What the clock said.
    pub time: MapTime,
}

impl LearningRateMap {
    /// The columns over which [`LearningRateMap::ridge_slope`] is taken.
    pub fn ridge(&self) -> &[Column] {
        growing(&self.columns)
    }

    /// Whether all runs were taken. That some diverged is what a map is for.
    pub fn is_whole(&self) -> bool {
        !self.columns.iter().any(Column::is_interrupted)
    }
}

/// What the clock said of a map.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct MapTime {
    /// Seconds that all runs took together.
    pub seconds: f64,
}

/// One batch size.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Column {
    /// Rows a step.
    pub batch_size: usize,
    /// Steps of a run that did not diverge.
    pub steps: u64,
    /// The rate above which such batches may leap out: [`batch_limit`].
    pub predicted_limit: f64,
    /// Where they did: the geometric mean of the highest rate that did not diverge and the lowest that did. Nothing if all
    /// did, or none, or if the column is not whole.
    pub measured_border: Option<f64>,
    /// The rate that is chosen where none is given: [`crate::diagnosis::learning_rate`].
    pub auto_lr: f64,
    /// The rate with the lowest loss, and that loss; nothing if all diverged, or if the column is not whole.
    pub best: Option<Best>,
    /// The runs, by rising rate. Fewer than rates only if interrupted.
    pub cells: Vec<Cell>,
}

impl Column {
    /// Whether it was interrupted before all its runs had ended.
    pub fn is_interrupted(&self) -> bool {
        self.cells.last().is_some_and(|cell| cell.reason == StopReason::Interrupted)
    }
}

/// The best run of a column.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Best {
    /// Its rate.
    pub lr: f64,
    /// Its loss.
    pub loss: f64,
}

/// One run.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cell {
    /// The learning rate.
    pub lr: f64,
    /// Mean training loss over all rows at its end; nothing if it did not get there.
    pub loss: Option<f64>,
    /// Steps taken.
    pub steps: u64,
    /// Why it ended.
    pub reason: StopReason,
}

/// Fails with every setting that has no place beside a map, told together.
///
/// # Errors
/// [`crate::ErrorKind::Settings`].
pub fn check(settings: &Settings) -> Result<()> {
    let mut problems = Vec::new();
    if let LearningRate::Fixed(lr) = settings.lr {
        problems.push(Problem::new("lr", "`auto` for a map, which tries many rates", lr));
    }
    if let Some(lr) = settings.schedule.own_lr() {
        problems.push(Problem::new("schedule", "no rate of its own for a map, which tries many rates", lr));
    }
    let Settings { seconds, target_loss, patience, .. } = settings;
    let patience = patience.map(|epochs| epochs as f64);
    for (setting, value) in [("seconds", *seconds), ("target-loss", *target_loss), ("patience", patience)] {
        if let Some(value) = value {
            problems.push(Problem::new(setting, "none for a map, whose runs all see the same rows", value));
        }
    }
    Error::unless_empty(problems)
}

impl Grid {
    /// Measures what the map needs to know of the objective: limits, and with them the rates.
    ///
    /// **Cost**: that of [`learning_rate::measure`], and a trial for each batch size.
    ///
    /// # Errors
    /// Settings that have no place beside a map, and [`crate::ErrorKind::NoCurvature`].
    pub fn new(experiment: &Experiment, options: &MapOptions) -> Result<Self> {
        check(experiment.settings())?;
        let summary = experiment.summary();
        let length = Length::new(summary.n_train, summary.n_parameters, options);
        let mut objective = experiment.objective();
        let curvatures = learning_rate::measure(&mut objective, experiment.start());
        let mut sizes = Vec::new();
        for batch_size in batch_sizes(summary.n_train, length, &options.batch_sizes) {
            let trainer = experiment.trainer(batch_size, 1.0);
            sizes.push((batch_size, curvatures.choose(&mut objective, experiment.start(), &trainer)?));
        }
        let mut grid = Self { sizes, rates: Vec::new(), length };
        let anchor = grid.sizes.first().map_or(1.0, |(_, chosen)| chosen.stability_limit);
        let limits = |(batch_size, chosen): &(_, Chosen)| [predicted_limit(experiment, *batch_size, chosen), chosen.lr];
        grid.rates = rates(anchor, grid.sizes.iter().flat_map(limits));
        Ok(grid)
    }

    /// How many runs it takes.
    pub fn n_runs(&self) -> u64 {
        (self.sizes.len() * self.rates.len()) as u64
    }

    /// Takes the runs, batch size by batch size, each from the lowest rate to the highest. `observers` are told of each
    /// in turn; once one of them asks to stop, no other run begins.
    ///
    /// # Errors
    /// None that [`Grid::new`] has not found.
    pub fn map(&self, experiment: &Experiment, observers: &mut [&mut dyn Observer]) -> Result<LearningRateMap> {
        let clock = Clock::default();
        let mut objective = experiment.objective();
        let initial_loss = objective.loss(experiment.start(), Batch::all(objective.n_rows())).mean();
        let mut columns: Vec<Column> = Vec::new();
        for size in &self.sizes {
            columns.push(self.column(experiment, &mut objective, size, initial_loss, observers)?);
            if columns.last().is_some_and(Column::is_interrupted) {
                break;
            }
        }
        let largest = |number: fn(&Chosen) -> f64| self.sizes.first().map_or(f64::NAN, |(_, chosen)| number(chosen));
        let summary = experiment.summary();
        Ok(LearningRateMap {
            downslope: env!("CARGO_PKG_VERSION").to_owned(),
            settings: Settings { epochs: self.length.epochs, ..experiment.settings().clone() },
            data: summary.clone(),
            machine: Machine::this(),
            seed: experiment.settings().seed,
            rows_per_run: self.length.rows,
            is_shortened: self.length.is_shortened,
            initial_loss,
            lambda_max: largest(|chosen| chosen.lambda_max),
            largest_row_curvature: largest(|chosen| chosen.largest_row_curvature),
            rates: self.rates.clone(),
            ridge_slope: ridge_slope(&columns),
            columns,
            time: MapTime { seconds: clock.now().as_secs_f64() },
        })
    }

    fn column(
        &self,
        experiment: &Experiment,
        objective: &mut EmpiricalLoss,
        (batch_size, chosen): &(BatchSize, Chosen),
        initial_loss: f64,
        observers: &mut [&mut dyn Observer],
    ) -> Result<Column> {
        let mut trainer = experiment.trainer(*batch_size, chosen.lr);
        let steps = trainer.loader.as_ref().map_or(0, |loader| self.length.steps(loader));
        trainer.stop = Stop { epochs: Some(self.length.epochs), steps: Some(steps), ..Stop::default() };
        let mut cells = Vec::new();
        for &lr in &self.rates {
            trainer.sgd.lr = lr;
            let mut state = State { initial_loss, ..State::new(experiment.start().to_vec()) };
            let reason = trainer.run(objective, None, &mut state, observers)?;
            let got_there = !matches!(reason, StopReason::Diverged | StopReason::Interrupted);
            let loss = got_there.then(|| objective.loss(&state.theta, Batch::all(objective.n_rows())).mean());
            cells.push(Cell { lr, loss, steps: state.step, reason });
            if reason == StopReason::Interrupted {
                break;
            }
        }
        let is_whole = cells.iter().all(|cell| cell.reason != StopReason::Interrupted);
        Ok(Column {
            batch_size: batch_size.of(objective.n_rows()),
            steps,
            predicted_limit: predicted_limit(experiment, *batch_size, chosen),
            measured_border: border(&cells).filter(|_| is_whole),
            auto_lr: chosen.lr,
            best: best(&cells).filter(|_| is_whole),
            cells,
        })
    }
}

impl Length {
    fn new(n_rows: usize, n_parameters: usize, options: &MapOptions) -> Self {
        let largest = options.batch_sizes.iter().map(|size| size.of(n_rows) as u64).max().unwrap_or(0);
        let n_rows = n_rows as u64;
        if let Some(epochs) = options.epochs {
            return Self { epochs, rows: epochs.saturating_mul(n_rows), is_shortened: false };
        }
        let affordable = WORK_OF_A_RUN / (n_parameters as u64 + WORK_OF_A_ROW);
        let rows = affordable.max(MIN_STEPS * largest);
        if rows >= n_rows {
            let epochs = (rows / n_rows).min(EPOCHS);
            return Self { epochs, rows: epochs * n_rows, is_shortened: epochs < EPOCHS };
        }
        // A power of two is a whole number of batches of the usual sizes.
        Self { epochs: 1, rows: 1 << rows.max(1).ilog2(), is_shortened: true }
    }

    /// Steps in which so many rows are seen.
    fn steps(self, loader: &DataLoader) -> u64 {
        if self.rows < loader.n_rows() as u64 {
            self.rows.div_ceil(loader.batch_size() as u64)
        } else {
            self.epochs.saturating_mul(loader.len() as u64)
        }
    }
}

/// The sizes asked for, each once, or 1, 4, 16 … (by 8, 16 … where these are too many) and all rows, as far as the runs
/// are long enough for [`MIN_STEPS`]; rising.
fn batch_sizes(n_rows: usize, length: Length, asked: &[BatchSize]) -> Vec<BatchSize> {
    let mut sizes: Vec<usize> = asked.iter().map(|size| size.of(n_rows)).collect();
    if asked.is_empty() {
        let most = (length.rows / MIN_STEPS) as usize;
        // What is more than half of all rows says the same as all.
        let series = |factor: usize| {
            std::iter::successors(Some(1), move |size: &usize| size.checked_mul(factor))
                .take_while(move |&size| size <= most && size <= n_rows / 2)
        };
        let factor =
            (2..usize::BITS).map(|power| 1 << power).find(|&factor| series(factor).count() < MOST_SIZES).unwrap_or(4);
        sizes.extend(series(factor));
        sizes.extend((length.epochs >= MIN_STEPS || sizes.is_empty()).then_some(n_rows));
    }
    sizes.sort_unstable();
    sizes.dedup();
    let size = |rows| if rows == n_rows { Ok(BatchSize::Full) } else { BatchSize::rows(rows) };
    sizes.into_iter().filter_map(|rows| size(rows).ok()).collect()
}

fn predicted_limit(experiment: &Experiment, batch_size: BatchSize, chosen: &Chosen) -> f64 {
    let n_rows = experiment.summary().n_train;
    let sgd = experiment.settings().sgd(chosen.lr);
    batch_limit(chosen.lambda_max, chosen.largest_row_curvature, batch_size.of(n_rows), n_rows, &sgd)
}

/// Rates at half powers of two times the limit of full batches, rising: beyond all limits on both sides, but never so
/// many that a map could not be read. What is left out then are low rates, at which runs hardly move.
fn rates(full_limit: f64, limits: impl Iterator<Item = f64>) -> Vec<f64> {
    let powers = limits.map(|limit| (limit / full_limit).log2()).filter(|power| power.is_finite());
    let (low, high) = powers.fold((0.0, 0.0), |(low, high): (f64, f64), power| (low.min(power), high.max(power)));
    let highest = high.ceil() as i32 + RATES_ABOVE;
    let lowest = low.floor() as i32 - RATES_BELOW;
    let lowest = lowest.clamp(highest - MOST_RATES, highest - FEWEST_RATES);
    (lowest..highest).map(|power| full_limit * (f64::from(power) + 0.5).exp2()).collect()
}

fn border(cells: &[Cell]) -> Option<f64> {
    let diverged = cells.iter().filter(|cell| cell.reason == StopReason::Diverged).map(|cell| cell.lr);
    let stable = cells.iter().filter(|cell| cell.loss.is_some()).map(|cell| cell.lr);
    Some((diverged.reduce(f64::min)? * stable.reduce(f64::max)?).sqrt())
}

fn best(cells: &[Cell]) -> Option<Best> {
    let ended = cells.iter().filter_map(|cell| Some(Best { lr: cell.lr, loss: cell.loss? }));
    ended.min_by(|a, b| a.loss.total_cmp(&b.loss))
}

/// [`LearningRateMap::ridge_slope`].
fn ridge_slope(columns: &[Column]) -> Option<f64> {
    let growing = growing(columns);
    let points = || growing.iter().filter_map(|column| Some(((column.batch_size as f64).ln(), column.best?.lr.ln())));
    let n = growing.len() as f64;
    let (x, y) = points().fold((0.0, 0.0), |(x, y), point| (x + point.0 / n, y + point.1 / n));
    let (xy, xx) = points()
        .fold((0.0, 0.0), |(xy, xx), point| (xy + (point.0 - x) * (point.1 - y), xx + (point.0 - x) * (point.0 - x)));
    (growing.len() >= FEWEST_ON_RIDGE).then(|| xy / xx)
}

/// The columns, from the first on, whose best rate is far enough below the highest to be free to grow.
fn growing(columns: &[Column]) -> &[Column] {
    let best = |column: &Column| column.best.map(|best| best.lr);
    let highest = columns.iter().filter_map(best).fold(0.0, f64::max);
    // The tolerance is for rounding: rates are powers of two apart.
    let free = |column: &&Column| best(column).is_some_and(|lr| lr <= highest * FREE_TO_GROW * 1.001);
    &columns[..columns.iter().take_while(free).count()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn length(rows: u64, epochs: u64) -> Length {
        Length { epochs, rows, is_shortened: false }
    }

    fn sizes(n_rows: usize, length: Length, asked: &[BatchSize]) -> Vec<String> {
        batch_sizes(n_rows, length, asked).iter().map(BatchSize::to_string).collect()
    }

    #[test]
    fn batch_sizes_go_by_fours_to_all_rows_and_are_never_many() {
        assert_eq!(sizes(1438, length(14_380, 10), &[]), ["1", "4", "16", "64", "256", "full"]);
        assert_eq!(sizes(354, length(3540, 10), &[]), ["1", "4", "16", "64", "full"]);
        assert_eq!(sizes(1, length(10, 10), &[]), ["full"]);
        // Runs that see only a part of the rows have no full batch.
        assert_eq!(sizes(60_000, length(8192, 1), &[]), ["1", "4", "16", "64", "256", "1024"]);
        for n_rows in [2, 10, 1 << 20, 1 << 30] {
            assert!(sizes(n_rows, length(10 * n_rows as u64, 10), &[]).len() <= MOST_SIZES, "{n_rows}");
        }
        let asked = ["64", "full", "8", "64", "999"].map(|size| size.parse().unwrap());
        assert_eq!(sizes(100, length(1000, 10), &asked), ["8", "64", "full"]);
    }

    #[test]
    fn a_run_is_some_epochs_or_where_they_would_take_long_a_part_of_one() {
        let asked = |epochs| MapOptions { epochs, ..MapOptions::default() };
        assert_eq!(Length::new(354, 11, &asked(None)), length(3540, 10));
        assert_eq!(Length::new(1 << 30, 11, &asked(Some(2))), length(2 << 30, 2));
        let shortened = |rows, epochs| Length { epochs, rows, is_shortened: true };
        assert_eq!(Length::new(1_000_000, 33, &asked(None)), shortened(3_000_000, 3));
        assert_eq!(Length::new(60_000, 101_770, &asked(None)), shortened(8192, 1));
        let full = MapOptions { batch_sizes: vec![BatchSize::Full], epochs: None };
        assert_eq!(Length::new(60_000, 101_770, &full), shortened(240_000, 4));
    }

    #[test]
    fn where_runs_see_a_part_of_the_rows_it_is_the_same_number_at_every_batch_size() {
        let settings = Settings::default();
        let table = crate::Table::read("@diabetes", &settings.read_options()).unwrap();
        let experiment = Experiment::prepare(&table, &settings).unwrap();
        let mut grid = Grid::new(&experiment, &MapOptions::default()).unwrap();
        grid.length = Length { epochs: 1, rows: 256, is_shortened: true };
        let map = grid.map(&experiment, &mut []).unwrap();
        for column in map.columns.iter().filter(|column| column.batch_size <= 64) {
            assert_eq!(column.steps * column.batch_size as u64, 256);
            for cell in column.cells.iter().filter(|cell| cell.reason != StopReason::Diverged) {
                assert_eq!((cell.steps, cell.reason), (column.steps, StopReason::Steps));
            }
        }
    }

    #[test]
    fn rates_surround_all_limits_and_have_the_full_limit_midway() {
        let near = rates(1.0, [1.0, 0.3].into_iter());
        assert_eq!(near.len(), 13);
        assert!((near[8] * near[9]).ln().abs() < 1e-12 && near[8] < 1.0 && near[9] > 1.0, "{near:?}");
        let far = rates(1.0, [1.0, 1e-9].into_iter());
        assert_eq!(far.len(), 20);
        assert!(far[19] > 11.0, "{far:?}");
    }

    #[test]
    fn the_border_lies_between_what_ended_and_what_diverged() {
        let cell = |lr, loss: Option<f64>| {
            let reason = if loss.is_some() { StopReason::Epochs } else { StopReason::Diverged };
            Cell { lr, loss, steps: 1, reason }
        };
        let cells = [cell(1.0, Some(0.5)), cell(2.0, Some(0.3)), cell(4.0, None)];
        assert_eq!(border(&cells), Some(8.0_f64.sqrt()));
        assert_eq!(border(&cells[..2]), None);
        assert_eq!(border(&cells[2..]), None);
        assert_eq!(best(&cells), Some(Best { lr: 2.0, loss: 0.3 }));
    }

    #[test]
    fn the_slope_of_the_ridge_is_that_of_its_growing_part() {
        let column = |batch_size: usize, lr| Column {
            batch_size,
            steps: 1,
            predicted_limit: 1.0,
            measured_border: None,
            auto_lr: 1.0,
            best: Some(Best { lr, loss: 0.1 }),
            cells: Vec::new(),
        };
        let slope = |rates: &[f64]| {
            let columns: Vec<Column> =
                rates.iter().enumerate().map(|(i, &lr)| column(4_usize.pow(i as u32), lr)).collect();
            ridge_slope(&columns)
        };
        assert!((slope(&[1.0, 4.0, 16.0, 32.0, 64.0, 64.0]).unwrap() - 1.0).abs() < 1e-12);
        assert!((slope(&[1.0, 2.0, 4.0, 8.0, 16.0]).unwrap() - 0.5).abs() < 1e-12);
        assert_eq!(slope(&[1.0, 4.0, 8.0, 8.0]), None);
        assert_eq!(slope(&[]), None);
    }
}
