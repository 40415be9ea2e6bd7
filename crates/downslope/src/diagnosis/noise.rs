//! How much do the gradients of batches differ from the gradient of all rows?
//!
//! Without replacement the covariance of a batch's mean gradient is (Σ/B)·(n−B)/(n−1), with Σ that of single rows: Σ at
//! one row, nothing at all rows, and 1/B in between. Here it is measured, not assumed: batches are drawn as the loader
//! draws them.

use crate::loader::{Batch, DataLoader};
use crate::objective::{Gradient, Objective};

/// At most so many batches are looked at.
const MAX_BATCHES: usize = 256;

/// How noisy the gradients of batches are, as measured.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Noise {
    /// √(mean ‖`g_B` − g‖²) / ‖g‖.
    pub relative: f64,
    /// How far off that may be: its standard error, from the spread of the batches looked at.
    pub standard_error: f64,
    /// Batches looked at.
    pub n_batches: usize,
}

/// The standard deviation of the batch gradient relative to the full gradient, at θ: √(mean ‖`g_B` − g‖²) / ‖g‖ over the
/// whole batches of the loader's first epoch. Zero for full batches; NaN where the full gradient is zero.
///
/// **Cost**: a gradient over all rows and one over each of at most 256 batches.
pub fn relative_noise(objective: &mut dyn Objective, theta: &[f32], loader: &DataLoader) -> f64 {
    measure(objective, theta, loader).relative
}

/// As [`relative_noise`], with how far off it may be.
///
/// The error is that of the root of a mean: half the standard error of the mean square, over the root.
pub fn measure(objective: &mut dyn Objective, theta: &[f32], loader: &DataLoader) -> Noise {
    if loader.batch_size() == loader.n_rows() {
        return Noise { relative: 0.0, standard_error: 0.0, n_batches: 1 };
    }
    let all = Batch::all(objective.n_rows());
    let full = mean_gradient(objective, theta, all);
    let squares: Vec<f64> = batch_gradients(objective, theta, loader, MAX_BATCHES)
        .iter()
        .map(|gradient| {
            let off = gradient.values().iter().zip(full.values());
            off.map(|(&g, &full)| (f64::from(g) - f64::from(full)).powi(2)).sum()
        })
        .collect();
    let n = squares.len() as f64;
    let mean = squares.iter().sum::<f64>() / n;
    let variance = squares.iter().map(|square| (square - mean).powi(2)).sum::<f64>() / (n - 1.0).max(1.0);
    Noise {
        relative: mean.sqrt() / full.norm(),
        standard_error: (variance / n).sqrt() / (2.0 * mean.sqrt()) / full.norm(),
        n_batches: squares.len(),
    }
}

/// What theory says of the noise of `batch_size` of `n_rows` rows, where that of single rows is known:
/// `of_one`·√((n − B) / (B(n − 1))).
pub fn expected(of_one: f64, n_rows: usize, batch_size: usize) -> f64 {
    let (n, b) = (n_rows as f64, batch_size as f64);
    if n_rows < 2 { 0.0 } else { of_one * ((n - b).max(0.0) / (b * (n - 1.0))).sqrt() }
}

/// The mean gradients at θ of the first whole batches of the loader's first epoch, at most so many.
pub fn batch_gradients(
    objective: &mut dyn Objective,
    theta: &[f32],
    loader: &DataLoader,
    at_most: usize,
) -> Vec<Gradient> {
    let mut order = Vec::new();
    loader.write_order(0, &mut order);
    // A last short batch is noisier than its name.
    let n_batches = (loader.n_rows() / loader.batch_size().max(1)).min(at_most);
    let batch = |index: usize| loader.batches(&order, index..index + 1);
    (0..n_batches).map(|index| mean_gradient(objective, theta, batch(index).batch(0))).collect()
}

/// The mean gradient over a batch at θ.
pub fn mean_gradient(objective: &mut dyn Objective, theta: &[f32], batch: Batch<'_>) -> Gradient {
    let mut gradient = objective.gradient();
    let loss = objective.loss_and_gradient(theta, batch, &mut gradient);
    gradient.scale((1.0 / loss.n_rows as f64) as f32);
    gradient
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_expected_noise_is_that_of_one_row_at_one_row_and_none_at_all_rows() {
        assert!((expected(3.0, 100, 1) - 3.0).abs() < 1e-12);
        assert!(expected(3.0, 100, 100).abs() < 1e-12);
        // (100 − 25) / (25·99) = 1/33
        assert!((expected(3.0, 100, 25) - 3.0 / 33.0_f64.sqrt()).abs() < 1e-12);
    }
}
