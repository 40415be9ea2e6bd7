//! What would descent do if the loss were the parabola that touches it here?
//!
//! On a parabola every direction of H shrinks on its own. For plain descent the loss above the lowest is
//!
//! ```text
//! f(θₜ) − f* = Σⱼ gainⱼ·(1 − lr·λⱼ)²ᵗ        gainⱼ = gⱼ²/2λⱼ
//! ```
//!
//! with gⱼ the gradient along direction j. A few products with H, begun at the gradient, find the curvatures λⱼ and gains
//! that matter (Gauss quadrature; Golub and Meurant 2010, §7): as many products as there are directions find them all.
//! With momentum each direction follows a recursion of two numbers instead of one; it is followed here as the optimiser
//! writes it, dampening and Nesterov included.
//!
//! **When its theory does not hold**: losses that are not quadratic and hidden layers change their curvature along the way,
//! so the prediction is that of the first part of it; and batches add noise, which is not in here.

use serde::{Deserialize, Serialize};

use super::lanczos::lanczos;
use super::noise::mean_gradient;
use crate::loader::Batch;
use crate::objective::Objective;
use crate::sgd::Sgd;

/// Products with H, at most. Directions less than 1/40² as curved as the steepest are then seen together.
const MOST_PRODUCTS: usize = 40;
/// Curvatures below this share of the largest are rounding: nothing can be gained there in any time worth naming.
const FLAT: f64 = 1e-7;
/// So many steps are looked at one by one: momentum passes the lowest point and comes back, so that the loss is below a
/// target for the first time well before it is so for good.
const FIRST_STEPS: u64 = 256;
/// Steps that nobody takes.
const MOST_STEPS: u64 = 1 << 40;

/// The parabola that touches the loss at one θ, along the directions in which something can be gained.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Quadratic {
    /// Curvature λⱼ, ascending, and what can be gained along it.
    pub directions: Vec<Direction>,
}

/// A direction of a [`Quadratic`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Direction {
    /// The second derivative λⱼ.
    pub curvature: f64,
    /// The loss that is left to be gained, gⱼ²/2λⱼ.
    pub gain: f64,
}

/// Measures the loss around θ on some rows.
///
/// Of all rows, the steps it tells were those of runs on squared losses to 4 %, for conditions from 10 to 10⁴; of a
/// sixteenth of 4000 rows within a factor 2 until 1 % of the excess is left, and up to 2.8 until 0.01 %, where 60 features
/// had a condition of 10⁴: few rows make flat directions flatter than they are.
///
/// **Cost**: a gradient and up to 40 products with H over the rows, and as many vectors as long as θ.
pub fn touching(objective: &mut dyn Objective, theta: &[f32], rows: Batch<'_>) -> Quadratic {
    let gradient: Vec<f64> =
        mean_gradient(objective, theta, rows.clone()).values().iter().map(|&g| f64::from(g)).collect();
    let squared_length = gradient.iter().map(|g| g * g).sum::<f64>();
    if squared_length <= 0.0 || !squared_length.is_finite() {
        return Quadratic { directions: Vec::new() };
    }
    let found = lanczos(gradient, MOST_PRODUCTS, 0.0, objective.curvature(theta, rows));
    let least = FLAT * found.largest();
    let directions = found.values.iter().zip(found.shares_of_start()).filter(|&(&curvature, _)| curvature > least);
    let gain = |curvature: f64, share: f64| share * squared_length / (2.0 * curvature);
    let directions = directions.map(|(&curvature, share)| Direction { curvature, gain: gain(curvature, share) });
    Quadratic { directions: directions.collect() }
}

impl Quadratic {
    /// The loss that can be gained in all, f(θ) − f*.
    pub fn excess(&self) -> f64 {
        self.directions.iter().map(|direction| direction.gain).sum()
    }

    /// The loss still above the lowest after so many full-batch steps.
    pub fn excess_after(&self, steps: u64, sgd: &Sgd) -> f64 {
        self.directions.iter().map(|direction| direction.gain * distance(direction.curvature, steps, sgd).powi(2)).sum()
    }

    /// Full-batch steps until no more than `share` of the excess is left for the first time (with momentum and beyond 256
    /// steps, for one of the first times); nothing where that never happens.
    pub fn steps_to(&self, share: f64, sgd: &Sgd) -> Option<u64> {
        let target = share * self.excess();
        let is_there = |steps: u64| self.excess_after(steps, sgd) <= target;
        if let Some(steps) = (1..=FIRST_STEPS).find(|&steps| is_there(steps)) {
            return Some(steps);
        }
        let mut high = 2 * FIRST_STEPS;
        while !is_there(high) {
            high *= 2;
            if high > MOST_STEPS {
                return None;
            }
        }
        let mut low = high / 2;
        while low + 1 < high {
            let middle = u64::midpoint(low, high);
            if is_there(middle) { high = middle } else { low = middle }
        }
        Some(high)
    }

    /// Largest over smallest curvature, counting only directions that together hold all but `ignored` of the excess.
    pub fn condition(&self, ignored: f64) -> f64 {
        let Some(steepest) = self.directions.last() else { return 1.0 };
        let bound = ignored * self.excess();
        let mut held = 0.0;
        let flattest = self.directions.iter().find(|direction| {
            held += direction.gain;
            held > bound
        });
        steepest.curvature / flattest.unwrap_or(steepest).curvature
    }
}

/// How far from its lowest point a direction is after so many steps, in units of where it began.
fn distance(curvature: f64, steps: u64, sgd: &Sgd) -> f64 {
    let Sgd { lr, momentum, dampening, nesterov, .. } = *sgd;
    if steps == 0 {
        return 1.0;
    }
    if momentum == 0.0 {
        return (1.0 - lr * curvature).abs().powf(steps as f64);
    }
    // (e, v) ← M·(e, v), from v ← μv + (1 − τ)λe and e ← e − lr·v, or e − lr·(λe + μv) with Nesterov.
    let step = |v: [f64; 2]| {
        let look = if nesterov { [curvature + momentum * v[0], momentum * v[1]] } else { v };
        [[1.0 - lr * look[0], -lr * look[1]], v]
    };
    // The first step takes the whole gradient for its velocity.
    let [[first_e, _], [first_v, _]] = step([curvature, 0.0]);
    let [[of_e, of_v], _] = power(step([(1.0 - dampening) * curvature, momentum]), steps - 1);
    of_e * first_e + of_v * first_v
}

fn power(mut matrix: [[f64; 2]; 2], mut exponent: u64) -> [[f64; 2]; 2] {
    let product =
        |a: [[f64; 2]; 2], b: [[f64; 2]; 2]| [0, 1].map(|i| [0, 1].map(|j| a[i][0] * b[0][j] + a[i][1] * b[1][j]));
    let mut out = [[1.0, 0.0], [0.0, 1.0]];
    while exponent > 0 {
        if exponent & 1 == 1 {
            out = product(matrix, out);
        }
        matrix = product(matrix, matrix);
        exponent >>= 1;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::objective::Gradient;

    fn follow(curvature: f64, steps: u64, sgd: &Sgd) -> f64 {
        let (mut theta, mut velocity) = (vec![1.0_f32], Vec::new());
        for _ in 0..steps {
            let mut gradient = Gradient::dense(1);
            gradient.values_mut()[0] = curvature as f32 * theta[0];
            sgd.step(&mut theta, &mut velocity, &gradient, sgd.rate(), &[]);
        }
        f64::from(theta[0])
    }

    #[test]
    fn a_direction_shrinks_as_the_optimiser_makes_it() {
        let plain = Sgd::new(0.1);
        let heavy = Sgd { momentum: 0.8, ..plain };
        let damped = Sgd { dampening: 0.3, ..heavy };
        let nesterov = Sgd { nesterov: true, ..heavy };
        for sgd in [plain, heavy, damped, nesterov] {
            for steps in [0, 1, 2, 3, 10, 37] {
                for curvature in [0.5, 4.0, 17.0] {
                    let (told, seen) = (distance(curvature, steps, &sgd), follow(curvature, steps, &sgd));
                    let off = (told.abs() - seen.abs()).abs();
                    assert!(off < 1e-4 * seen.abs().max(1.0), "{sgd:?}, {curvature}, {steps}: {told}, {seen}");
                }
            }
        }
    }

    #[test]
    fn steps_to_a_share_are_those_of_the_formula() {
        let quadratic = Quadratic { directions: vec![Direction { curvature: 1.0, gain: 2.0 }] };
        // 0.9²ᵗ ≤ 0.01 from t = ln 0.01 / 2 ln 0.9 = 21.9 on
        assert_eq!(quadratic.steps_to(0.01, &Sgd::new(0.1)), Some(22));
        assert_eq!(quadratic.steps_to(0.01, &Sgd::new(2.1)), None);
        assert!((quadratic.excess_after(1, &Sgd::new(0.1)) - 2.0 * 0.81).abs() < 1e-12);
    }

    #[test]
    fn steps_to_a_share_are_the_first_that_reach_it() {
        let quadratic = Quadratic { directions: vec![Direction { curvature: 1.0, gain: 1.0 }] };
        let sgd = Sgd { momentum: 0.9, ..Sgd::new(0.5) };
        let told = quadratic.steps_to(0.01, &sgd).unwrap();
        assert!((1..told).all(|steps| quadratic.excess_after(steps, &sgd) > 0.01));
        assert!((told..40).any(|steps| quadratic.excess_after(steps, &sgd) > 0.01), "it comes back");
    }

    #[test]
    fn the_condition_counts_what_is_left_to_gain() {
        let direction = |curvature, gain| Direction { curvature, gain };
        let quadratic =
            Quadratic { directions: vec![direction(0.01, 0.001), direction(1.0, 1.0), direction(8.0, 1.0)] };
        assert!((quadratic.condition(0.0) - 800.0).abs() < 1e-9);
        assert!((quadratic.condition(0.01) - 8.0).abs() < 1e-9);
    }
}
