//! How much do the gradients of batches differ from the gradient of all rows?
//!
//! Without replacement the covariance of a batch's mean gradient is (Σ/B)·(n−B)/(n−1), with Σ that of single rows: Σ at
//! one row, nothing at all rows, and 1/B in between. Here it is measured, not assumed: batches are drawn as the loader
//! draws them.

use crate::loader::{Batch, DataLoader};
use crate::objective::{Gradient, Objective};

/// At most so many batches are looked at.
const MAX_BATCHES: usize = 256;

/// √(mean ‖`g_B` − g‖²) / ‖g‖ over the whole batches of the loader's first epoch: the standard deviation of the batch gradient
/// relative to the full gradient, at θ. Zero for full batches; NaN where the full gradient is zero.
///
/// **Cost**: a gradient over all rows and one over each of at most 256 batches.
pub fn relative_noise(objective: &mut dyn Objective, theta: &[f32], loader: &DataLoader) -> f64 {
    let all = Batch::all(objective.n_rows());
    let full = mean_gradient(objective, theta, all);
    if loader.batch_size() == loader.n_rows() {
        return 0.0;
    }
    let mut order = Vec::new();
    loader.write_order(0, &mut order);
    // A last short batch is noisier than its name.
    let n_batches = (loader.n_rows() / loader.batch_size()).min(MAX_BATCHES);
    let mut sum = 0.0;
    for index in 0..n_batches {
        let gradient = mean_gradient(objective, theta, loader.batches(&order, index..index + 1).batch(0));
        let off = gradient.values().iter().zip(full.values());
        sum += off.map(|(&g, &full)| (f64::from(g) - f64::from(full)).powi(2)).sum::<f64>();
    }
    (sum / n_batches as f64).sqrt() / full.norm()
}

fn mean_gradient(objective: &mut dyn Objective, theta: &[f32], batch: Batch<'_>) -> Gradient {
    let mut gradient = objective.gradient();
    let loss = objective.loss_and_gradient(theta, batch, &mut gradient);
    gradient.scale((1.0 / loss.n_rows as f64) as f32);
    gradient
}
