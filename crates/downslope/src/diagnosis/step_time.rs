//! What does a step cost in time on this machine?

use std::time::Duration;

use crate::error::Result;
use crate::numeric;
use crate::objective::Objective;
use crate::schedule::Schedule;
use crate::sgd::Sgd;
use crate::state::State;
use crate::stop::Stop;
use crate::trainer::Trainer;

/// Measurements of which the middle one counts.
const REPEATS: usize = 3;
/// Steps of one measurement, at most.
const MOST_STEPS: u64 = 5_000;
/// A rate so small that no run leaves the ground while it is timed.
const HARMLESS: f64 = 1e-6;

/// Seconds of a step of a trainer's batch size: the middle one of three short runs from θ, after one that finds the caches
/// cold. They take about `time` in all, and no less than four steps.
///
/// # Errors
/// What the trainer refuses.
pub fn measure(objective: &mut dyn Objective, theta: &[f32], trainer: &Trainer, time: Duration) -> Result<f64> {
    let mut seconds = Vec::with_capacity(REPEATS);
    for repeat in 0..=REPEATS {
        let stop = Stop { steps: Some(MOST_STEPS), time: Some(time / REPEATS as u32), ..Stop::default() };
        let sgd = Sgd { lr: HARMLESS, ..trainer.sgd };
        let trainer = Trainer { stop, sgd, schedule: Schedule::Constant, ..trainer.clone() };
        let mut state = State::new(theta.to_vec());
        trainer.run(objective, None, &mut state, &mut [])?;
        if repeat > 0 {
            seconds.push(state.training_time.as_secs_f64() / state.step.max(1) as f64);
        }
    }
    Ok(numeric::median(&mut seconds))
}
