//! How much do batches disagree, and what comes of it?
//!
//! Probes for the figures on small batches: the cloud of their gradients, their noise by size, and the detours of a walk.

use downslope::diagnosis::noise;
use downslope::diagnosis::path::Path;
use downslope::loader::{Batch, BatchSize, DataLoader, LastBatch, Order};
use downslope::objective::Gradient;
use downslope::state::State;
use serde::Serialize;

use super::price;
use super::probe::{Question, placed};
use super::stage::{MOST_STEPS, Reading, Refusal, Stage};

/// Dots of a cloud at most.
const MOST_DOTS: usize = 500;

/// The gradients of batches around that of all rows, over the first two parameters.
#[derive(Debug, Serialize)]
pub(crate) struct Cloud {
    full: Vec<f32>,
    dots: Vec<Vec<f32>>,
    batch_size: usize,
    n_rows: usize,
    relative_noise: f64,
    standard_error: f64,
}

pub(crate) fn cloud(stage: &Stage, question: &Question) -> Result<Cloud, Refusal> {
    let reading = Reading::of(&question.asked)?;
    let subject = stage.subject(&reading)?;
    let mut objective = subject.objective();
    let theta = placed(&subject, &question.at)?;
    let n_rows = objective.n_rows();
    let loader = shuffled(n_rows, question.batch_size()?, reading.read("seed").unwrap_or(0));
    let in_plane = |gradient: &Gradient| gradient.values().iter().take(2).copied().collect();
    let full = noise::mean_gradient(&mut *objective, &theta, Batch::all(n_rows));
    let measured = noise::measure(&mut *objective, &theta, &loader);
    let dots = noise::batch_gradients(&mut *objective, &theta, &loader, MOST_DOTS);
    Ok(Cloud {
        full: in_plane(&full),
        dots: dots.iter().map(in_plane).collect(),
        batch_size: loader.batch_size(),
        n_rows,
        relative_noise: measured.relative,
        standard_error: measured.standard_error,
    })
}

fn shuffled(n_rows: usize, batch_size: BatchSize, seed: u64) -> DataLoader {
    DataLoader::new(n_rows, batch_size, Order::Shuffled { seed }, LastBatch::Keep)
}

/// How much of the way is detour at one batch size.
#[derive(Debug, Serialize)]
pub(crate) struct ZigZag {
    batch_size: usize,
    zig_zag: f64,
}

/// The same at several batch sizes.
#[derive(Debug, Serialize)]
pub(crate) struct ZigZags {
    lr: f64,
    found: Vec<ZigZag>,
}

/// Measured over so many steps, all at one rate: the one given, or one between those that suit the smallest and the
/// middle one of the batch sizes. At rates of their own, small batches would be slower instead of rougher.
pub(crate) fn zig_zags(stage: &Stage, question: &Question) -> Result<ZigZags, Refusal> {
    let reading = Reading::of(&question.asked)?;
    let subject = stage.subject(&reading)?;
    let mut objective = subject.objective();
    let steps = reading.read("steps").unwrap_or(100).min(MOST_STEPS);
    let batch_sizes = reading.batch_sizes();
    let n_rows = objective.n_rows();
    let mut by_size = batch_sizes.clone();
    by_size.sort_by_key(|batch_size| batch_size.of(n_rows));
    let suited = |place: usize| {
        let batch_size = by_size.get(place).copied().unwrap_or(BatchSize::Full);
        subject.suggested(batch_size).map(|chosen| chosen.lr)
    };
    let lr = match reading.lr() {
        Some(lr) => lr,
        None => (suited(0)? * suited(by_size.len() / 2)?).sqrt(),
    };
    let mut found = Vec::new();
    for batch_size in batch_sizes {
        let mut path = Path::over(steps);
        let mut state = State::new(placed(&subject, &question.at)?);
        subject.trainer(batch_size, lr, steps).run(&mut *objective, None, &mut state, &mut [&mut path])?;
        found.push(ZigZag { batch_size: batch_size.of(n_rows), zig_zag: path.zig_zag() });
    }
    Ok(ZigZags { lr, found })
}

/// The noise of the gradient at one batch size.
#[derive(Debug, Serialize)]
pub(crate) struct NoiseAt {
    batch_size: usize,
    noise: f64,
    standard_error: f64,
    /// What theory makes of the noise of one row.
    expected: f64,
    n_batches: usize,
    step_seconds: f64,
}

pub(crate) fn noises(stage: &Stage, question: &Question) -> Result<Vec<NoiseAt>, Refusal> {
    let reading = Reading::of(&question.asked)?;
    let subject = stage.subject(&reading)?;
    let mut objective = subject.objective();
    let theta = placed(&subject, &question.at)?;
    let n_rows = objective.n_rows();
    let seed = reading.read("seed").unwrap_or(0);
    let one = shuffled(n_rows, BatchSize::rows(1)?, seed);
    let of_one = noise::measure(&mut *objective, &theta, &one).relative;
    reading
        .batch_sizes()
        .into_iter()
        .map(|batch_size| {
            let loader = shuffled(n_rows, batch_size, seed);
            let measured = noise::measure(&mut *objective, &theta, &loader);
            let rows = loader.batch_size();
            Ok(NoiseAt {
                batch_size: rows,
                noise: measured.relative,
                standard_error: measured.standard_error,
                expected: noise::expected(of_one, n_rows, rows),
                n_batches: measured.n_batches,
                step_seconds: price::of_a_step(&subject, batch_size, price::SHORT)?,
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::probe::tests::{question, stage};
    use crate::server::protocol::Asked;

    #[test]
    fn the_cloud_of_all_rows_has_the_full_gradient_as_its_mean() {
        let cloud = cloud(&stage(), &Question { batch_size: Some("1".into()), ..question("gradient-cloud") }).unwrap();
        assert_eq!((cloud.dots.len(), cloud.n_rows), (442, 442));
        for axis in 0..2 {
            let mean = cloud.dots.iter().map(|dot| f64::from(dot[axis])).sum::<f64>() / 442.0;
            assert!((mean - f64::from(cloud.full[axis])).abs() < 1e-4);
        }
    }

    #[test]
    fn the_noise_falls_as_theory_says_within_its_error() {
        for at in noises(&stage(), &question("noise-and-batch")).unwrap() {
            let off = (at.noise - at.expected).abs();
            assert!(off <= 4.0 * at.standard_error + 0.1 * at.expected, "{at:?}");
            assert!(at.step_seconds > 0.0);
        }
    }

    #[test]
    fn smaller_batches_zig_zag_more() {
        let question = Question {
            asked: Asked { name: "zig-zag".into(), parameters: [("columns".into(), "s1,s2".into())].into() },
            ..question("")
        };
        let found = zig_zags(&stage(), &question).unwrap().found;
        assert_eq!(found.iter().map(|found| found.batch_size).collect::<Vec<_>>(), [442, 32, 1]);
        assert!(found.is_sorted_by(|larger, smaller| larger.zig_zag < smaller.zig_zag), "{found:?}");
    }
}
