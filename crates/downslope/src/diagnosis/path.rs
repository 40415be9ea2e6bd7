//! How much of the way is detour?

use crate::event::Event;
use crate::observer::{Control, Observer};
use crate::state::State;

/// Measures the path θ takes: its length Σ‖θₜ₊₁ − θₜ‖ beside the distance ‖θ − θ₀‖ it covers.
///
/// **Cost**: a copy of θ and two passes over it each step; meant for probing runs, not for timed ones.
#[derive(Clone, Debug, Default)]
pub struct Path {
    start: Vec<f32>,
    last: Vec<f32>,
    length: f64,
    steps: u64,
    most_steps: u64,
}

impl Path {
    /// Measures so many steps, and then stops the run.
    pub fn over(most_steps: u64) -> Self {
        Self { most_steps, ..Self::default() }
    }

    /// Length over distance: 1 for a straight way, more the more it zig-zags. NaN if nothing was covered.
    pub fn zig_zag(&self) -> f64 {
        self.length / distance(&self.start, &self.last)
    }
}

fn distance(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(&a, &b)| (f64::from(a) - f64::from(b)).powi(2)).sum::<f64>().sqrt()
}

impl Observer for Path {
    fn next_step(&self) -> u64 {
        self.steps + 1
    }

    fn observe(&mut self, event: &Event<'_>, state: &State) -> Control {
        match event {
            Event::Started(_) => {
                self.start.clone_from(&state.theta);
                self.last.clone_from(&state.theta);
            }
            Event::Step(step) => {
                self.steps = step.step;
                self.length += distance(&self.last, &state.theta);
                self.last.clone_from(&state.theta);
                if step.step >= self.most_steps {
                    return Control::Stop;
                }
            }
            _ => {}
        }
        Control::Continue
    }
}
