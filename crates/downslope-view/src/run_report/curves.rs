//! What do the lines of a run say?

use serde_json::Value;

use super::Run;

/// Where in a run something was measured.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Place {
    /// Steps done.
    pub(super) step: u64,
    /// Epochs done, with their fraction.
    pub(super) epoch: f64,
}

/// A step that was written down.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Step {
    pub(super) place: Place,
    /// Mean loss of its batch before the step.
    pub(super) loss: f64,
    pub(super) lr: f64,
}

/// The end of an epoch.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Epoch {
    pub(super) place: Place,
    pub(super) train_loss: f64,
    /// `validation_loss` and the other metrics of the rows held out, under the names they have in the file.
    pub(super) validation: Vec<(&'static str, f64)>,
    pub(super) lr: f64,
    pub(super) seconds: f64,
}

/// The lines of a run.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Curves {
    pub(super) initial_loss: Option<f64>,
    pub(super) steps: Vec<Step>,
    pub(super) epochs: Vec<Epoch>,
}

const METRICS: [&str; 7] = ["validation_loss", "accuracy", "auc", "log_loss", "r2", "rmse", "mae"];

impl Curves {
    pub(super) fn of(run: &Run<'_>) -> Self {
        let mut curves = Self::default();
        let mut steps_per_epoch = 1.0;
        for event in run.events {
            // A loss that is no number is `null`.
            let number = |key: &str| event.get(key).and_then(Value::as_f64).unwrap_or(f64::NAN);
            let step = event.get("step").and_then(Value::as_u64).unwrap_or(0);
            match event.get("event").and_then(Value::as_str) {
                Some("started") => {
                    curves.initial_loss = Some(number("initial_loss"));
                    steps_per_epoch = number("steps_per_epoch").max(1.0);
                }
                Some("step") => {
                    let place = Place { step, epoch: step as f64 / steps_per_epoch };
                    curves.steps.push(Step { place, loss: number("loss"), lr: number("lr") });
                }
                // What led astray is not part of the way.
                Some("backed-off") => {
                    curves.steps.retain(|before| before.place.step <= step);
                    curves.epochs.retain(|before| before.place.step <= step);
                }
                Some("epoch") => {
                    let has = |key: &&'static str| event.get(*key).is_some();
                    let seconds = event.pointer("/time/training_seconds").and_then(Value::as_f64);
                    curves.epochs.push(Epoch {
                        place: Place { step, epoch: number("epoch") },
                        train_loss: number("train_loss"),
                        validation: METRICS.into_iter().filter(has).map(|key| (key, number(key))).collect(),
                        lr: number("lr"),
                        seconds: seconds.unwrap_or(f64::NAN),
                    });
                }
                _ => {}
            }
        }
        curves
    }

    /// Epochs done and training loss, from the start on.
    pub(super) fn train(&self) -> Vec<(f64, f64)> {
        let start = self.initial_loss.map(|loss| (0.0, loss));
        start.into_iter().chain(self.epochs.iter().map(|epoch| (epoch.place.epoch, epoch.train_loss))).collect()
    }

    /// Epochs done and validation loss; empty where no rows are held out.
    pub(super) fn validation(&self) -> Vec<(f64, f64)> {
        let loss = |epoch: &Epoch| {
            let (_, loss) = epoch.validation.iter().find(|(key, _)| *key == "validation_loss")?;
            Some((epoch.place.epoch, *loss))
        };
        self.epochs.iter().filter_map(loss).collect()
    }

    /// Epochs done and learning rate, if it ever changed.
    pub(super) fn changing_lr(&self) -> Vec<(f64, f64)> {
        let rates: Vec<(f64, f64)> = if self.steps.len() > self.epochs.len() {
            self.steps.iter().map(|step| (step.place.epoch, step.lr)).collect()
        } else {
            self.epochs.iter().map(|epoch| (epoch.place.epoch, epoch.lr)).collect()
        };
        let changes = rates.windows(2).any(|pair| (pair[0].1 - pair[1].1).abs() > 0.0);
        if changes { rates } else { Vec::new() }
    }
}
