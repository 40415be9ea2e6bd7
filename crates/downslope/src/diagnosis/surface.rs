//! What does the loss look like around here?

use crate::loader::Batch;
use crate::objective::Objective;

/// The mean loss over a rectangle of two parameters, all others held where they are.
#[derive(Clone, Debug, PartialEq)]
pub struct Surface {
    /// The values of the first parameter, ascending.
    pub across: Vec<f64>,
    /// The values of the second parameter, ascending.
    pub up: Vec<f64>,
    /// The mean loss, row-major (`up`, `across`).
    pub loss: Vec<f64>,
}

/// Measures the loss at `points` × `points` places, evenly spread from the first to the second end of each range.
///
/// The two parameters are the first two of θ; with fewer, or with fewer than two points, there is nothing to measure.
///
/// **Cost**: a loss over all rows for each place.
pub fn measure(objective: &mut dyn Objective, theta: &[f32], ranges: [(f64, f64); 2], points: usize) -> Surface {
    let mut theta = theta.to_vec();
    let all = Batch::all(objective.n_rows());
    let points = if theta.len() < 2 || points < 2 { 0 } else { points };
    let spread = |(from, to): (f64, f64)| -> Vec<f64> {
        (0..points).map(|i| from + (to - from) * i as f64 / (points - 1) as f64).collect()
    };
    let [across, up] = ranges.map(spread);
    let mut loss = Vec::with_capacity(points * points);
    for &second in &up {
        for &first in &across {
            (theta[0], theta[1]) = (first as f32, second as f32);
            loss.push(objective.loss(&theta, all.clone()).mean());
        }
    }
    Surface { across, up, loss }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::Terrain;

    #[test]
    fn a_surface_has_the_loss_of_every_place() {
        let surface = measure(&mut Terrain::Bowl, &[0.0, 0.0], [(-1.0, 1.0), (0.0, 2.0)], 3);
        assert_eq!((surface.across, surface.up), (vec![-1.0, 0.0, 1.0], vec![0.0, 1.0, 2.0]));
        let alone = |x: f32, y: f32| Terrain::Bowl.loss(&[x, y], Batch::all(1)).mean();
        assert!((surface.loss[5] - alone(1.0, 1.0)).abs() < 1e-12);
        assert!((surface.loss[6] - alone(-1.0, 2.0)).abs() < 1e-12);
    }

    #[test]
    fn one_parameter_has_no_surface() {
        let surface = measure(&mut Terrain::Bowl, &[0.0], [(0.0, 1.0); 2], 5);
        assert!(surface.loss.is_empty() && surface.across.is_empty());
    }
}
