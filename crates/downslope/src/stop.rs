//! When is a run over, and why?
//!
//! Everything here is a function of what the run's [`State`] has recorded, so a resumed run stops where an
//! uninterrupted one would. Divergence and interruption are reasons to stop like any other, not errors.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::error::Problem;
use crate::state::State;

/// The rules that end a run; the first that holds does. Without any, a run goes on for ever.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Stop {
    /// After so many epochs.
    pub epochs: Option<u64>,
    /// After so many steps, in the middle of an epoch too.
    pub steps: Option<u64>,
    /// After so much time spent on steps; evaluation and observers do not count.
    pub time: Option<Duration>,
    /// When the monitored loss is at or below this.
    pub target: Option<f64>,
    /// When the monitored loss has had no new lowest for so many epochs; the weights of the lowest are then restored.
    pub patience: Option<u64>,
}

/// Why a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StopReason {
    /// All epochs are done.
    Epochs,
    /// All steps are done.
    Steps,
    /// The time is up.
    Seconds,
    /// The loss reached its target.
    Target,
    /// The loss has not fallen for too long.
    Patience,
    /// The loss left the range of numbers, or rises instead of falling: the weights are no model.
    Diverged,
    /// An observer asked to stop.
    Interrupted,
}

impl fmt::Display for StopReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Epochs => "all epochs done",
            Self::Steps => "all steps done",
            Self::Seconds => "time is up",
            Self::Target => "target reached",
            Self::Patience => "no better loss within the patience",
            Self::Diverged => "diverged",
            Self::Interrupted => "interrupted",
        })
    }
}

/// Which way the training loss should go.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Course {
    /// Down with every step: full batches, no momentum, no penalty beside the loss.
    Descends,
    /// Down on the whole: batches are noisy, momentum may first swing far out, and a penalty may fall while the loss rises.
    Wanders {
        /// The momentum.
        momentum: f64,
    },
    /// Up: `maximize`.
    Climbs,
}

impl Course {
    /// A loss, turned so that lower is better.
    fn turned(self, loss: f64) -> f64 {
        if self == Self::Climbs { -loss } else { loss }
    }

    /// What the loss may be on its way, turned so that lower is better: it may rise by as much as the penalties were at first, for
    /// shrinking the weights is what was asked.
    fn first(self, state: &State) -> f64 {
        let penalty = if self == Self::Climbs { 0.0 } else { state.initial_penalty.max(0.0) };
        self.turned(state.initial_loss) + penalty
    }

    /// How many times the first loss a loss must be to be no passing swing. Within its stability limit momentum μ may
    /// stretch a distance by (1+μ)/(1−μ) before it brings it down, and so a quadratic loss by the square of that.
    fn leapt_out(self) -> f64 {
        match self {
            Self::Wanders { momentum } if momentum < 1.0 => LEAPT_OUT * ((1.0 + momentum) / (1.0 - momentum)).powi(2),
            Self::Wanders { .. } => f64::INFINITY,
            Self::Descends | Self::Climbs => LEAPT_OUT,
        }
    }

    /// How many times the first loss the last may be. Noise alone may raise the loss of a run that began at the optimum.
    fn ended_worse(self) -> f64 {
        match self {
            Self::Descends => 1.0 + 1e-6,
            Self::Wanders { .. } | Self::Climbs => 1.5,
        }
    }
}

/// A loss this many times the first one is not noise.
const LEAPT_OUT: f64 = 4.0;
/// A loss below this is rounding, and many times rounding is rounding.
const ROUNDING: f64 = 1e-9;
/// Full batches without momentum that make the loss rise so many times in a row will go on doing so.
const RISES: usize = 5;

impl Stop {
    /// So many epochs and nothing else.
    pub fn epochs(epochs: u64) -> Self {
        Self { epochs: Some(epochs), ..Self::default() }
    }

    /// Everything that is wrong with the rules.
    pub fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        for (setting, value) in [("epochs", self.epochs), ("steps", self.steps), ("patience", self.patience)] {
            if value == Some(0) {
                problems.push(Problem::new(setting, "a whole number above 0", 0));
            }
        }
        if let Some(target) = self.target.filter(|target| !target.is_finite()) {
            problems.push(Problem::new("target-loss", "a finite number", target));
        }
        if let Some(time) = self.time.filter(Duration::is_zero) {
            problems.push(Problem::new("seconds", "a finite number above 0", time.as_secs_f64()));
        }
        problems
    }

    /// Whether a run is over between two epochs.
    pub fn between_epochs(&self, state: &State, course: Course) -> Option<StopReason> {
        if has_diverged(state, course) {
            return Some(StopReason::Diverged);
        }
        let done = if self.target.is_some_and(|target| state.monitored().last().is_some_and(|&loss| loss <= target)) {
            StopReason::Target
        } else if self.patience.is_some_and(|patience| epochs_since_lowest(state.monitored()) >= patience) {
            StopReason::Patience
        } else if self.epochs.is_some_and(|epochs| state.epoch >= epochs) {
            StopReason::Epochs
        } else {
            self.within_epoch(state)?
        };
        Some(if is_worse(state, course) && done != StopReason::Target { StopReason::Diverged } else { done })
    }

    /// Whether a run is over between two steps.
    pub fn within_epoch(&self, state: &State) -> Option<StopReason> {
        if self.steps.is_some_and(|steps| state.step >= steps) {
            Some(StopReason::Steps)
        } else if self.time.is_some_and(|time| state.training_time >= time) {
            Some(StopReason::Seconds)
        } else {
            None
        }
    }
}

/// A loss that is so many times worse than another: the loss may be below zero, and then worse is nearer to it or above.
fn times(factor: f64, loss: f64) -> f64 {
    loss + (factor - 1.0) * loss.abs().max(ROUNDING)
}

/// Whether a training loss is so far from the first that the weights are no model.
pub(crate) fn leapt_out(loss: f64, state: &State, course: Course) -> bool {
    !loss.is_finite() || course.turned(loss) > times(course.leapt_out(), course.first(state))
}

/// Whether the last training loss is above the first by more than noise can explain.
pub(crate) fn is_worse(state: &State, course: Course) -> bool {
    let worse = times(course.ended_worse(), course.first(state));
    state.train_losses.last().is_some_and(|&loss| course.turned(loss) > worse)
}

/// Epochs since the lowest loss so far.
fn epochs_since_lowest(losses: &[f64]) -> u64 {
    let lowest = |best: usize, epoch: usize| if losses[epoch] < losses[best] { epoch } else { best };
    let best = (0..losses.len()).fold(0, lowest);
    losses.len().saturating_sub(best + 1) as u64
}

fn has_diverged(state: &State, course: Course) -> bool {
    let losses = &state.train_losses;
    let Some(&last) = losses.last() else { return !state.initial_loss.is_finite() };
    let lowest = || losses.iter().fold(state.initial_loss, |lowest, &loss| lowest.min(loss));
    let rises = losses.windows(2).rev().take(RISES).take_while(|pair| pair[1] > pair[0]).count();
    // All losses are looked through only after some rises: a long run of little epochs would do nothing else.
    leapt_out(last, state, course)
        || (course == Course::Descends && rises >= RISES && last > times(1.5, lowest()))
        || state.validation_losses.last().is_some_and(|loss| !loss.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state_after(initial_loss: f64, losses: &[f64]) -> State {
        let mut state = State::new(vec![0.0]);
        state.initial_loss = initial_loss;
        state.train_losses = losses.to_vec();
        state.epoch = losses.len() as u64;
        state
    }

    #[test]
    fn each_rule_ends_a_run_and_says_which() {
        let rule = |stop: Stop, losses: &[f64]| {
            stop.between_epochs(&state_after(1.0, losses), Course::Wanders { momentum: 0.0 })
        };
        assert_eq!(rule(Stop::epochs(2), &[0.9]), None);
        assert_eq!(rule(Stop::epochs(2), &[0.9, 0.8]), Some(StopReason::Epochs));
        assert_eq!(rule(Stop { target: Some(0.8), ..Stop::default() }, &[0.9, 0.8]), Some(StopReason::Target));
        let patient = Stop { patience: Some(2), ..Stop::default() };
        assert_eq!(rule(patient, &[0.5, 0.6]), None);
        assert_eq!(rule(patient, &[0.5, 0.6, 0.5]), Some(StopReason::Patience));
    }

    #[test]
    fn a_loss_that_leaps_out_or_keeps_rising_has_diverged() {
        let reason = |losses: &[f64], course| Stop::epochs(9).between_epochs(&state_after(1.0, losses), course);
        let (falling, wandering) = (Course::Descends, Course::Wanders { momentum: 0.0 });
        assert_eq!(reason(&[f64::NAN], wandering), Some(StopReason::Diverged));
        assert_eq!(reason(&[5.0], wandering), Some(StopReason::Diverged));
        let rising = [0.2, 0.22, 0.24, 0.27, 0.3, 0.34];
        assert_eq!(reason(&rising, falling), Some(StopReason::Diverged));
        assert_eq!(reason(&rising, wandering), None);
        assert_eq!(reason(&[0.9; 9], falling), Some(StopReason::Epochs));
        assert_eq!(reason(&[1.1; 9], falling), Some(StopReason::Diverged));
    }
}
