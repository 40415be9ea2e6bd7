//! What is one whole training, from a table to a model that is kept?
//!
//! [`Settings`] say what was decided, an [`Experiment`] is a table made ready by them, a [`FittedModel`] is what comes
//! out and predicts, and a [`RunDirectory`] is where a run is kept: readable, reportable and resumable at every moment;
//! a [`SavedRun`] is read from it and examined again.
//! A [`Terrain`] is something to go down on without a table.

mod class_weight;
mod directory;
mod experiment;
mod fitted;
mod held_out;
mod live;
mod plan;
mod saved;
mod settings;
mod stream;
mod terrain;
mod weighing;

pub use class_weight::ClassWeight;
pub use directory::{Machine, Record, Recorder, RunDirectory};
pub use experiment::{DataSummary, Experiment, Outcome, OutcomeTime, Trained, ZeroWeights};
pub use fitted::{FittedModel, Predictions, read_parameters};
pub use plan::Plan;
pub use saved::SavedRun;
pub use settings::{BatchSetting, DEFAULT_EPOCHS, Init, LearningRate, Settings, Validation};
pub use stream::{Stream, Streaming};
pub use terrain::Terrain;
