//! What is a run of an experiment a run of?

use std::sync::Arc;

use downslope::Result;
use downslope::diagnosis::learning_rate;
use downslope::loader::BatchSize;
use downslope::objective::Objective;
use downslope::run::{Experiment, Terrain};
use downslope::sgd::Sgd;
use downslope::stop::Stop;
use downslope::trainer::Trainer;

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
        learning_rate::choose(&mut *self.objective(), &self.start(), &self.trainer(batch_size, 1.0, 1))
    }
}
