//! What do the page and the server say to each other on the WebSocket?
//!
//! The page sends one [`Wish`] a message. The server sends [`Told`]: all that is new of all runs of this page, gathered
//! so that there are at most so many messages a second, and what became of wishes that could not be granted.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::curve::CurveNews;
use super::trail::TrailNews;

/// Something a learner wants.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) enum Wish {
    /// Begin a run; one of the same number ends.
    Start(Start),
    /// Stand still after the step under way.
    Pause { run: u32 },
    /// Go on.
    Resume { run: u32 },
    /// Take one step and stand still.
    Step { run: u32 },
    /// Change what can be changed in flight.
    Set {
        run: u32,
        lr: Option<f64>,
        batch_size: Option<String>,
        /// Steps a second; 0 is as fast as it goes.
        speed: Option<f64>,
    },
    /// Go back to a step and stand still there.
    Rewind { run: u32, step: u64 },
    /// Begin another run from a step of this one, with another rate or batch size.
    Fork {
        run: u32,
        #[serde(rename = "as")]
        fork: u32,
        step: u64,
        lr: Option<f64>,
        batch_size: Option<String>,
    },
    /// End the run and forget it.
    Stop { run: u32 },
}

/// A run to begin.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(crate) struct Start {
    /// The number that the page gives it.
    pub(crate) run: u32,
    /// What it is a run of.
    #[serde(flatten)]
    pub(crate) asked: Asked,
    /// Rows a step, if not what the experiment says.
    pub(crate) batch_size: Option<String>,
    /// The rate, if not what the experiment says or measurements suggest.
    pub(crate) lr: Option<f64>,
    /// Where the first parameters begin, if not where the experiment does.
    #[serde(default)]
    pub(crate) from: Vec<f32>,
    /// Steps a second; 0 is as fast as it goes.
    #[serde(default)]
    pub(crate) speed: f64,
    /// Whether it stands still at first.
    #[serde(default)]
    pub(crate) paused: bool,
}

/// An experiment of a lesson with its parameters, as the lesson or the learner has them.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub(crate) struct Asked {
    /// Which experiment.
    pub(crate) name: String,
    /// What it is told.
    #[serde(default)]
    pub(crate) parameters: BTreeMap<String, String>,
}

/// What is new on this page.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Told {
    /// The runs of which something is new.
    pub(crate) runs: Vec<RunNews>,
    /// Wishes that could not be granted, and why.
    pub(crate) refused: Vec<Refused>,
}

/// A wish that could not be granted.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Refused {
    /// The run it was about, if it said so.
    pub(crate) run: Option<u32>,
    /// What is wrong with it.
    pub(crate) error: String,
}

/// What is new of a run.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct RunNews {
    pub(crate) run: u32,
    #[serde(flatten)]
    pub(crate) now: Now,
    /// The loss of each step's batch, before the step.
    pub(crate) batch: Option<CurveNews>,
    /// The loss over all rows, after each epoch.
    pub(crate) train: Option<CurveNews>,
    /// The first two parameters.
    pub(crate) trail: Option<TrailNews>,
}

/// Where a run is.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Now {
    pub(crate) mode: Mode,
    /// Steps done.
    pub(crate) step: u64,
    /// Epochs done, with their fraction.
    pub(crate) epoch: f64,
    /// The loss before the first step.
    pub(crate) initial_loss: Option<f64>,
    /// The loss of the last batch before its step.
    pub(crate) loss: Option<f64>,
    /// The last loss over all rows.
    pub(crate) train_loss: Option<f64>,
    pub(crate) lr: f64,
    pub(crate) batch_size: usize,
    pub(crate) n_rows: usize,
    pub(crate) steps_per_epoch: u64,
    /// Steps it will take in all.
    pub(crate) last_step: u64,
    /// Seconds spent on steps.
    pub(crate) training_seconds: f64,
    /// Why it ended, if it did.
    pub(crate) reason: Option<String>,
    /// Why it could not go down, in words.
    pub(crate) cause: Option<String>,
}

/// Whether a run is going.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Mode {
    #[default]
    Running,
    Paused,
    Finished,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wishes_are_read_and_what_is_none_is_refused() {
        let wish = |text: &str| serde_json::from_str::<Wish>(text);
        let fork = r#"{"do":"fork","run":1,"as":2,"step":40,"lr":0.5}"#;
        assert_eq!(wish(fork).unwrap(), Wish::Fork { run: 1, fork: 2, step: 40, lr: Some(0.5), batch_size: None });
        let start = r#"{"do":"start","run":1,"name":"zig-zag","parameters":{"batch-size":"1"},"speed":20}"#;
        assert!(matches!(wish(start).unwrap(), Wish::Start(start) if start.asked.name == "zig-zag"));
        for wrong in ["", "[]", "{}", r#"{"do":"fly"}"#, r#"{"do":"step"}"#, r#"{"do":"step","run":-1}"#] {
            assert!(wish(wrong).is_err(), "{wrong}");
        }
    }
}
