//! What is measured for a figure, beside the runs?
//!
//! Each probe is one of the library's own measurements, of the experiment that a figure is about.

use downslope::diagnosis::{noise, surface};
use downslope::loader::{Batch, BatchSize, DataLoader};
use downslope::run::Terrain;
use downslope::state::State;
use serde::{Deserialize, Serialize};

use super::protocol::Asked;
use super::stage::{Reading, Refusal, Stage, refused};
use super::subject::Subject;

/// Places of a surface, across and up.
const SURFACE_POINTS: usize = 61;
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

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::lesson::Lesson;

    pub(in crate::server) fn stage() -> Stage {
        Stage::new(Lesson { title: String::new(), steps: Vec::new() })
    }

    pub(in crate::server) fn question(name: &str) -> Question {
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
    fn a_place_that_is_none_is_refused() {
        for at in [vec![f32::NAN], vec![0.0; 99]] {
            assert!(underfoot(&stage(), &Question { at, ..question("fog-mountain") }).is_err());
        }
    }
}
