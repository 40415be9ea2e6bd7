//! How much of the way is detour?

use crate::event::Event;
use crate::observer::{Control, Observer};
use crate::state::State;

/// Measures the path θ takes: its length Σ‖θₜ₊₁ − θₜ‖ beside the distance ‖θ − θ₀‖ it covers, and the cosine of the angle
/// between each step and the next.
///
/// **Cost**: two copies of θ and some passes over them each step; meant for probing runs, not for timed ones.
#[derive(Clone, Debug, Default)]
pub struct Path {
    start: Vec<f32>,
    last: Vec<f32>,
    /// The last step.
    stride: Vec<f64>,
    length: f64,
    cosines: f64,
    n_cosines: u64,
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

    /// The mean cosine between each step and the next: 1 for a straight way, 0 where steps know nothing of each other, −1
    /// where each takes back the one before (across a valley, above 1/λmax). NaN of fewer than two steps.
    pub fn mean_cosine(&self) -> f64 {
        self.cosines / self.n_cosines as f64
    }

    fn step_to(&mut self, theta: &[f32]) {
        let length = distance(&self.last, theta);
        let before = self.stride.iter().map(|x| x * x).sum::<f64>().sqrt();
        let mut along = 0.0;
        self.stride.resize(theta.len(), 0.0);
        for ((stride, last), &theta) in self.stride.iter_mut().zip(&mut self.last).zip(theta) {
            let step = f64::from(theta) - f64::from(*last);
            along += step * *stride;
            (*stride, *last) = (step, theta);
        }
        self.length += length;
        if before * length > 0.0 {
            self.cosines += along / (before * length);
            self.n_cosines += 1;
        }
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
                self.step_to(&state.theta);
                if step.step >= self.most_steps {
                    return Control::Stop;
                }
            }
            _ => {}
        }
        Control::Continue
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::Terrain;
    use crate::sgd::Sgd;
    use crate::stop::Stop;
    use crate::trainer::Trainer;

    /// Down a bowl of curvature ⅓ along x.
    fn path_at(lr: f64) -> Path {
        let mut path = Path::over(10);
        let trainer = Trainer::new(Sgd::new(lr), Stop::epochs(10));
        trainer.run(&mut Terrain::Bowl, None, &mut State::new(vec![3.0, 0.0]), &mut [&mut path]).unwrap();
        path
    }

    #[test]
    fn steps_go_on_below_one_over_the_curvature_and_back_above_it() {
        let (below, above) = (path_at(0.3), path_at(4.5));
        assert!((below.mean_cosine() - 1.0).abs() < 1e-6 && (below.zig_zag() - 1.0).abs() < 1e-6);
        // Each step is −½ times the one before.
        assert!((above.mean_cosine() + 1.0).abs() < 1e-6 && above.zig_zag() > 2.9, "{}", above.zig_zag());
    }
}
