//! What does a step cost in time on this machine?

use std::time::Duration;

use downslope::data::Column;
use downslope::loader::BatchSize;
use downslope::random::{Purpose, Stream};
use downslope::run::{Experiment, Settings, Validation};
use downslope::state::State;
use downslope::stop::Stop;
use downslope::trainer::Trainer;
use downslope::{Table, numeric};
use serde::Serialize;

use super::probe::Question;
use super::stage::{Reading, Refusal, refused};
use super::subject::Subject;

/// How long a short measurement goes on.
pub(crate) const SHORT: Duration = Duration::from_millis(25);
/// How long one goes on that is the point of a figure.
const LONG: Duration = Duration::from_millis(200);
/// Measurements of which the middle one counts.
const REPEATS: usize = 3;
/// Values of a made table at most: 160 MB while it is made.
const MOST_VALUES: usize = 20_000_000;

/// Seconds of a step: the middle one of a few short runs from the start.
pub(crate) fn of_a_step(subject: &Subject, batch_size: BatchSize, time: Duration) -> Result<f64, Refusal> {
    let mut objective = subject.objective();
    let mut seconds = Vec::with_capacity(REPEATS);
    // The first finds the caches cold and does not count.
    for repeat in 0..=REPEATS {
        let stop = Stop { steps: Some(5_000), time: Some(time / REPEATS as u32), ..Stop::default() };
        let trainer = Trainer { stop, ..subject.trainer(batch_size, 1e-6, 1) };
        let mut state = State::new(subject.start());
        trainer.run(&mut *objective, None, &mut state, &mut [])?;
        if repeat > 0 {
            seconds.push(state.training_time.as_secs_f64() / state.step.max(1) as f64);
        }
    }
    Ok(numeric::median(&mut seconds))
}

/// The price of a step on a large table.
#[derive(Debug, Serialize)]
pub(crate) struct Price {
    n_rows: usize,
    n_features: usize,
    threads: usize,
    steps: Vec<PriceAt>,
}

/// The price of a step at one batch size.
#[derive(Debug, Serialize)]
pub(crate) struct PriceAt {
    batch_size: usize,
    step_seconds: f64,
    rows_per_second: f64,
}

pub(crate) fn measure(question: &Question) -> Result<Price, Refusal> {
    let reading = Reading::of(&question.asked)?;
    let n_rows: usize = reading.read("rows").unwrap_or(1_000_000);
    let n_features: usize = reading.read("features").unwrap_or(10);
    if n_rows < 2 || n_rows.saturating_mul(n_features) > MOST_VALUES {
        return refused(format!("a table of {n_rows} rows and {n_features} features is more than is made here"));
    }
    let experiment = made(n_rows, n_features, reading.read("seed").unwrap_or(0))?;
    let subject = Subject::Table(std::sync::Arc::new(experiment));
    let mut steps = Vec::new();
    for batch_size in reading.batch_sizes() {
        let step_seconds = of_a_step(&subject, batch_size, LONG)?;
        let rows = batch_size.of(n_rows);
        steps.push(PriceAt { batch_size: rows, step_seconds, rows_per_second: rows as f64 / step_seconds });
    }
    Ok(Price { n_rows, n_features, threads: std::thread::available_parallelism().map_or(1, usize::from), steps })
}

/// A table of made numbers with two classes: what is in it does not change what a step costs.
fn made(n_rows: usize, n_features: usize, seed: u64) -> Result<Experiment, Refusal> {
    let mut stream = Stream::new(seed, Purpose::Generate, 0);
    let mut sum = vec![0.0; n_rows];
    let mut columns = Vec::with_capacity(n_features + 1);
    for feature in 1..=n_features {
        let values: Vec<f64> = (0..n_rows).map(|_| 2.0 * stream.uniform() - 1.0).collect();
        sum.iter_mut().zip(&values).for_each(|(sum, value)| *sum += value);
        columns.push(Column::numbers(format!("x{feature}"), values));
    }
    let class = sum.iter().map(|&sum| f64::from(u8::from(sum > 0.0))).collect();
    columns.push(Column::numbers("target", class));
    let table = Table::from_columns("made", columns)?;
    let settings = Settings { target: Some("target".to_owned()), validation: Validation::None, ..Settings::default() };
    Ok(Experiment::prepare(&table, &settings)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::protocol::Asked;

    fn asked(rows: &str) -> Question {
        let parameters = [("rows".to_owned(), rows.to_owned())].into();
        let asked = Asked { name: "step-price".to_owned(), parameters };
        Question { asked, at: Vec::new(), batch_size: None }
    }

    #[test]
    fn all_rows_cost_more_a_step_than_one_and_less_a_row() {
        let price = measure(&asked("20000")).unwrap();
        let (full, one) = (&price.steps[0], &price.steps[2]);
        assert_eq!((full.batch_size, one.batch_size), (20_000, 1));
        assert!(full.step_seconds > 20.0 * one.step_seconds, "{price:?}");
    }

    #[test]
    fn a_table_too_large_is_not_made() {
        assert!(measure(&asked("1000000000")).is_err());
    }
}
