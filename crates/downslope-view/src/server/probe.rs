//! What is measured for a figure, beside the runs?
//!
//! Each probe is one of the library's own measurements, of the experiment that a figure is about.

use downslope::diagnosis::path::Path;
use downslope::diagnosis::{noise, surface};
use downslope::loader::{Batch, BatchSize, DataLoader, LastBatch, Order};
use downslope::run::Terrain;
use downslope::state::State;
use serde::{Deserialize, Serialize};

use super::protocol::Asked;
use super::stage::{MOST_STEPS, Reading, Refusal, Stage, refused};
use super::subject::Subject;

/// Places of a surface, across and up.
const SURFACE_POINTS: usize = 61;
/// Dots of a cloud at most.
const MOST_DOTS: usize = 500;
/// Steps that find the lowest place of a plane.
const STEPS_TO_LOWEST: u64 = 3_000;

/// What a figure asks to be measured.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Question {
    #[serde(flatten)]
    pub(crate) asked: Asked,
    /// The first parameters of the place to measure at, if not where the experiment begins.
    #[serde(default)]
    pub(crate) at: Vec<f32>,
    /// The batch size it is about; all rows if not given.
    pub(crate) batch_size: Option<String>,
}

impl Question {
    pub(crate) fn batch_size(&self) -> Result<BatchSize, Refusal> {
        Ok(self.batch_size.as_deref().map_or(Ok(BatchSize::Full), str::parse)?)
    }
}

/// The measured limits of the rate.
#[derive(Debug, Serialize)]
pub(crate) struct Limits {
    lambda_max: f64,
    /// 1/λmax: up to here every full-batch step goes down without leaping across.
    monotone: f64,
    /// 2/λmax: from here on every full-batch step leaps farther out.
    limit: f64,
    /// What the measurements suggest for the batch size asked about.
    suggested: f64,
    batch_size: usize,
    n_rows: usize,
    n_features: usize,
    initial_loss: f64,
    steps_per_epoch: u64,
    model: String,
    source: String,
}

pub(crate) fn limits(stage: &Stage, question: &Question) -> Result<Limits, Refusal> {
    let reading = Reading::of(&question.asked)?;
    let subject = stage.subject(&reading)?;
    let batch_size = question.batch_size()?;
    let mut objective = subject.objective();
    let theta = placed(&subject, &question.at)?;
    let trainer = subject.trainer(batch_size, 1.0, 1);
    let chosen = subject.suggested_at(&theta, batch_size)?;
    let n_rows = objective.n_rows();
    let (model, source, n_features) = match &subject {
        Subject::Table(experiment) => {
            let summary = experiment.summary();
            (summary.model.clone(), summary.source.clone(), summary.n_features)
        }
        Subject::Terrain(terrain) => ("landscape".to_owned(), terrain.to_string(), 2),
    };
    Ok(Limits {
        lambda_max: chosen.lambda_max,
        monotone: chosen.stability_limit / 2.0,
        limit: chosen.stability_limit,
        suggested: chosen.lr,
        batch_size: batch_size.of(n_rows),
        n_rows,
        n_features,
        initial_loss: objective.loss(&theta, Batch::all(n_rows)).mean(),
        steps_per_epoch: trainer.loader.as_ref().map_or(1, DataLoader::len) as u64,
        model,
        source,
    })
}

/// The start of a subject, with the first parameters moved.
pub(crate) fn placed(subject: &Subject, at: &[f32]) -> Result<Vec<f32>, Refusal> {
    let mut theta = subject.start();
    if at.len() > theta.len() || at.iter().any(|value| !value.is_finite()) {
        return refused("a place has a finite number for each parameter");
    }
    theta[..at.len()].copy_from_slice(at);
    Ok(theta)
}

/// The loss around, over the first two parameters.
#[derive(Debug, Serialize)]
pub(crate) struct Ground {
    across: Vec<f64>,
    up: Vec<f64>,
    /// Row-major (up, across).
    loss: Vec<f64>,
    start: Vec<f32>,
    /// Where full batches lead from the start.
    lowest: [f32; 2],
    lowest_loss: f64,
    /// What the two parameters are called.
    names: [String; 2],
    n_parameters: usize,
}

pub(crate) fn ground(stage: &Stage, question: &Question) -> Result<Ground, Refusal> {
    let reading = Reading::of(&question.asked)?;
    let subject = stage.subject(&reading)?;
    let mut objective = subject.objective();
    let start = placed(&subject, &question.at)?;
    if start.len() < 2 {
        return refused("one parameter has no contour");
    }
    let lr = subject.suggested_at(&start, BatchSize::Full)?.lr;
    let mut state = State::new(start.clone());
    subject.trainer(BatchSize::Full, lr, STEPS_TO_LOWEST).run(&mut *objective, None, &mut state, &mut [])?;
    let lowest = [state.theta[0], state.theta[1]];
    let ranges = match subject {
        Subject::Terrain(_) => [(-Terrain::REACH, Terrain::REACH); 2],
        Subject::Table(_) => {
            let far = (0..2).map(|i| f64::from(lowest[i] - start[i]).abs()).fold(1e-3, f64::max) * 1.6;
            lowest.map(|centre| (f64::from(centre) - far, f64::from(centre) + far))
        }
    };
    let seen = surface::measure(&mut *objective, &state.theta, ranges, SURFACE_POINTS);
    Ok(Ground {
        across: seen.across,
        up: seen.up,
        loss: seen.loss,
        start,
        lowest,
        lowest_loss: objective.loss(&state.theta, Batch::all(objective.n_rows())).mean(),
        names: names(&subject, reading.text("columns")),
        n_parameters: state.theta.len(),
    })
}

fn names(subject: &Subject, columns: Option<&str>) -> [String; 2] {
    let mut columns = columns.unwrap_or("").split(',').map(str::trim).filter(|name| !name.is_empty());
    let weight = |name: &str| format!("weight of {name}");
    match (subject, columns.next(), columns.next()) {
        (Subject::Terrain(_), ..) => ["west to east".to_owned(), "south to north".to_owned()],
        (_, Some(first), Some(second)) => [weight(first), weight(second)],
        (_, Some(only), None) => [weight(only), "bias".to_owned()],
        _ => ["first weight".to_owned(), "second weight".to_owned()],
    }
}

/// What one feels underfoot.
#[derive(Debug, Serialize)]
pub(crate) struct Underfoot {
    height: f64,
    slope: Vec<f32>,
}

pub(crate) fn underfoot(stage: &Stage, question: &Question) -> Result<Underfoot, Refusal> {
    let subject = stage.subject(&Reading::of(&question.asked)?)?;
    let mut objective = subject.objective();
    let theta = placed(&subject, &question.at)?;
    let all = Batch::all(objective.n_rows());
    let height = objective.loss(&theta, all.clone()).mean();
    let slope = noise::mean_gradient(&mut *objective, &theta, all).values().iter().take(2).copied().collect();
    Ok(Underfoot { height, slope })
}

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
    let in_plane = |gradient: &downslope::objective::Gradient| gradient.values().iter().take(2).copied().collect();
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
                step_seconds: super::price::of_a_step(&subject, batch_size, super::price::SHORT)?,
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lesson::Lesson;

    fn stage() -> Stage {
        Stage::new(Lesson { title: String::new(), steps: Vec::new() })
    }

    fn question(name: &str) -> Question {
        Question { asked: Asked { name: name.to_owned(), ..Asked::default() }, at: Vec::new(), batch_size: None }
    }

    #[test]
    fn the_lowest_place_of_a_plane_lies_on_its_contour() {
        let ground = ground(&stage(), &question("zig-zag")).unwrap();
        assert_eq!(ground.loss.len(), SURFACE_POINTS * SURFACE_POINTS);
        let smallest = ground.loss.iter().copied().fold(f64::INFINITY, f64::min);
        // The centre of the grid is the lowest place.
        assert!((smallest - ground.lowest_loss).abs() < 1e-5, "{smallest} {}", ground.lowest_loss);
        assert!(ground.names[0].starts_with("weight of "));
    }

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

    #[test]
    fn a_place_that_is_none_is_refused() {
        for at in [vec![f32::NAN], vec![0.0; 99]] {
            assert!(underfoot(&stage(), &Question { at, ..question("fog-mountain") }).is_err());
        }
    }
}
