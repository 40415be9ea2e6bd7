//! What is a run of an experiment a run of?

use std::sync::Arc;

use downslope::Result;
use downslope::diagnosis::{curvature, learning_rate};
use downslope::loader::BatchSize;
use downslope::objective::Objective;
use downslope::run::{Experiment, Terrain};
use downslope::sgd::Sgd;
use downslope::stop::Stop;
use downslope::trainer::Trainer;

/// Places across and up at which the curvature of a landscape is measured.
const PLACES: usize = 15;

/// Something to go down on: a model on a table, or a made landscape.
#[derive(Clone)]
pub(crate) enum Subject {
    Table(Arc<Experiment>),
    Terrain(Terrain),
}

impl Subject {
    pub(crate) fn objective(&self) -> Box<dyn Objective> {
        match self {
            Self::Table(experiment) => Box::new(experiment.objective()),
            Self::Terrain(terrain) => Box::new(*terrain),
        }
    }

    /// Where it begins.
    pub(crate) fn start(&self) -> Vec<f32> {
        match self {
            Self::Table(experiment) => experiment.start().to_vec(),
            Self::Terrain(_) => vec![-0.2, 2.6],
        }
    }

    /// The trainer that takes so many steps and knows no other end.
    pub(crate) fn trainer(&self, batch_size: BatchSize, lr: f64, steps: u64) -> Trainer {
        let stop = Stop { steps: Some(steps), ..Stop::default() };
        match self {
            Self::Table(experiment) => Trainer { stop, ..experiment.trainer(batch_size, lr) },
            Self::Terrain(_) => Trainer::new(Sgd::new(lr), stop),
        }
    }

    /// The rate that measurements suggest for a batch size.
    pub(crate) fn suggested(&self, batch_size: BatchSize) -> Result<learning_rate::Chosen> {
        self.suggested_at(&self.start(), batch_size)
    }

    /// The same for a run that begins elsewhere. A landscape bends differently everywhere: there, the place that bears
    /// least decides, so that no walk bounces.
    pub(crate) fn suggested_at(&self, theta: &[f32], batch_size: BatchSize) -> Result<learning_rate::Chosen> {
        let trainer = self.trainer(batch_size, 1.0, 1);
        let mut chosen = learning_rate::choose(&mut *self.objective(), theta, &trainer)?;
        if let Self::Terrain(mut terrain) = *self {
            let reach = Terrain::REACH as f32;
            for place in 0..PLACES * PLACES {
                let at = |i: usize| reach * (2.0 * i as f32 / (PLACES - 1) as f32 - 1.0);
                let bend = curvature::largest(&mut terrain, &[at(place % PLACES), at(place / PLACES)]).lambda_max;
                chosen.lr = chosen.lr.min(1.0 / bend.max(f64::MIN_POSITIVE));
            }
        }
        Ok(chosen)
    }
}
