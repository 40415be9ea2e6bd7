//! What happens in a run, as told to those who watch?

use std::time::Duration;

use crate::diagnosis::Finding;
use crate::metrics::Metrics;
use crate::stop::StopReason;

/// Something that happened in a run.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// The run begins, or goes on.
    Started(Started),
    /// A step was taken. Told only after the steps an observer asks for.
    Step(Step),
    /// An epoch is over.
    Epoch(Epoch),
    /// The run diverged, went back to the last good weights, and goes on at half the rate.
    BackedOff(BackedOff),
    /// Something about the run is worth saying.
    Finding(&'a Finding),
    /// The run is over.
    Finished(StopReason),
}

/// The beginning of a run.
#[derive(Clone, Copy, Debug)]
pub struct Started {
    /// Mean training loss before the first step.
    pub initial_loss: f64,
    /// Steps in an epoch.
    pub steps_per_epoch: u64,
    /// Epochs of the run, where its length is known.
    pub total_epochs: Option<u64>,
    /// Rows of a whole batch.
    pub batch_size: usize,
}

/// A step.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    /// Steps done, this one included.
    pub step: u64,
    /// The epoch it belongs to, from 1.
    pub epoch: u64,
    /// Mean loss of its batch *before* the step.
    pub loss: f64,
    /// Its learning rate.
    pub lr: f64,
    /// Time spent on steps so far.
    pub training_time: Duration,
}

/// A step back from a rate that was too high.
#[derive(Clone, Copy, Debug)]
pub struct BackedOff {
    /// Steps done until the weights it goes on from.
    pub step: u64,
    /// Epochs done until then.
    pub epoch: u64,
    /// The learning rate of the next step.
    pub lr: f64,
}

/// The end of an epoch.
#[derive(Clone, Copy, Debug)]
pub struct Epoch {
    /// Steps done.
    pub step: u64,
    /// Epochs done, this one included.
    pub epoch: u64,
    /// Row-weighted mean of the losses of the epoch's batches, each before its step.
    pub loss: f64,
    /// The learning rate of the last step.
    pub lr: f64,
    /// Mean loss over all training rows at the weights of this moment.
    pub train_loss: f64,
    /// What the validation rows say at the same weights.
    pub validation: Option<Metrics>,
    /// Time spent on steps so far.
    pub training_time: Duration,
}
