//! How is a run that was kept examined again?

use serde_json::Value;

use super::directory::{Record, RunDirectory};
use crate::diagnosis::{Case, Probes};
use crate::error::Result;
use crate::state::State;
use crate::trainer::Trainer;

/// A run as it was kept: what was decided, what it recorded along the way, and what was probed. There are no data to ask, so
/// findings rest on the probes that were made while there were.
#[derive(Clone, Debug)]
pub struct SavedRun {
    record: Record,
    trainer: Trainer,
    /// Without parameters.
    state: State,
}

impl SavedRun {
    /// Puts a record together with the events of the run.
    pub fn new(record: Record, events: &[Value]) -> Self {
        let trainer = record.plan.trainer(&record.settings, record.data.n_train);
        let mut state = State::new(Vec::new());
        // What was no number has no word in JSON.
        let number = |value: &Value| value.as_f64().unwrap_or(f64::NAN);
        for event in events {
            match event["event"].as_str() {
                Some("started") => state.initial_loss = number(&event["initial_loss"]),
                Some("epoch") => {
                    state.train_losses.push(number(&event["train_loss"]));
                    state.validation_losses.extend(event.get("validation_loss").map(number));
                }
                Some("backed-off") => {
                    let epoch = event["epoch"].as_u64().unwrap_or(0) as usize;
                    state.train_losses.truncate(epoch);
                    state.validation_losses.truncate(epoch);
                    state.back_offs += 1;
                }
                _ => {}
            }
        }
        state.epoch = state.train_losses.len() as u64;
        if let Some(outcome) = record.outcome {
            let steps_per_epoch = trainer.loader.as_ref().map_or(1, crate::loader::DataLoader::len) as u64;
            (state.epoch, state.step, state.back_offs) = (outcome.epochs, outcome.steps, outcome.back_offs);
            state.batch = outcome.steps.saturating_sub(outcome.epochs * steps_per_epoch) as usize;
        }
        Self { record, trainer, state }
    }

    /// What was recorded of it.
    pub fn record(&self) -> &Record {
        &self.record
    }

    /// The run as findings see it.
    pub fn case(&self) -> Case<'_> {
        let Record { settings, data, plan, outcome, probes, train, validation, .. } = &self.record;
        let probes = Probes { chosen: plan.lr_from.or(probes.chosen), ..probes.clone() };
        let reason = outcome.map(|outcome| outcome.reason);
        Case {
            train: *train,
            validation: *validation,
            ..Case::of(settings, data, &self.trainer, &self.state, reason, probes)
        }
    }
}

impl RunDirectory {
    /// The run as it can be examined again.
    ///
    /// # Errors
    /// Those of [`RunDirectory::record`] and [`RunDirectory::events`].
    pub fn saved(&self) -> Result<SavedRun> {
        Ok(SavedRun::new(self.record()?, &self.events()?))
    }
}
