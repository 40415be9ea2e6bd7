//! What does a run go by?

use serde::{Deserialize, Serialize};

use super::experiment::{Experiment, trainer_of};
use super::settings::{BatchSetting, Settings};
use crate::advise::{self, Race};
use crate::diagnosis::learning_rate;
use crate::error::Result;
use crate::loader::BatchSize;
use crate::schedule::Schedule;
use crate::sgd::Sgd;
use crate::stop::Stop;
use crate::trainer::{OnDivergence, Trainer};

/// What was given, and what was chosen where it was not. A run that goes on goes by what is written down of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// Rows a step.
    pub batch_size: BatchSize,
    /// The learning rate it begins with.
    pub lr: f64,
    /// The measurements it came from, unless it was given.
    pub lr_from: Option<learning_rate::Chosen>,
    /// How the rate changes.
    pub schedule: Schedule,
    /// Passes over the rows.
    pub epochs: u64,
    /// The race that batch size and rate have won, unless the batch size was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub race: Option<Race>,
}

impl Experiment {
    /// Chooses what the settings leave open.
    ///
    /// # Errors
    /// [`crate::ErrorKind::NoCurvature`].
    pub fn plan(&self) -> Result<Plan> {
        match self.settings().batch_size {
            BatchSetting::Fixed(batch_size) => self.plan_at(batch_size),
            BatchSetting::Auto => advise::choose(self),
        }
    }

    /// Chooses what the settings leave open, for a batch size.
    ///
    /// # Errors
    /// [`crate::ErrorKind::NoCurvature`].
    pub fn plan_at(&self, batch_size: BatchSize) -> Result<Plan> {
        let (lr, lr_from) = self.learning_rate(batch_size)?;
        let (schedule, epochs) = (self.settings().schedule.clone(), self.settings().epochs);
        Ok(Plan { batch_size, lr, lr_from, schedule, epochs, race: None })
    }

    /// The trainer of a plan. A rate that was chosen is held on to: the run backs off from one that turns out too high.
    pub fn trainer_of(&self, plan: &Plan) -> Trainer {
        let trainer = plan.trainer(self.settings(), self.summary().n_train);
        let loader = trainer.loader.map(|loader| loader.in_order(self.order()));
        self.equipped(Trainer { loader, ..trainer })
    }
}

impl Plan {
    /// The trainer for so many rows.
    pub(super) fn trainer(&self, settings: &Settings, n_rows: usize) -> Trainer {
        let trainer = trainer_of(settings, n_rows, self.batch_size, self.lr);
        // What was given, be it by a schedule, is left as it is; and where speed never fades no rate is low enough.
        let momentum = self.schedule.largest_momentum(trainer.sgd.momentum);
        let helps = self.lr_from.is_some() && !Sgd { momentum, ..trainer.sgd }.never_comes_to_rest();
        let on_divergence = if helps { OnDivergence::BackOff } else { OnDivergence::Stop };
        let stop = Stop { epochs: Some(self.epochs), ..trainer.stop };
        Trainer { schedule: self.schedule.clone(), stop, on_divergence, ..trainer }
    }
}
