//! How much do the gradients of batches differ from the gradient of all rows?
//!
//! Without replacement the covariance of a batch's mean gradient is (Σ/B)·(n−B)/(n−1), with Σ that of single rows: Σ at
//! one row, nothing at all rows, and 1/B in between. Here it is measured, not assumed: batches are drawn as the loader
//! draws them.

use serde::{Deserialize, Serialize};

use crate::loader::{Batch, DataLoader};
use crate::metrics::number_or_null;
use crate::objective::{Gradient, Objective};
use crate::random::{Purpose, Stream};

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

/// The rows on which a [`Scale`] is measured, at most.
const MOST_ROWS: usize = 1 << 14;
/// Groups of rows, each left out once to see how much the estimates depend on it.
const GROUPS: usize = 16;
/// Two-sided 95 % of Student's t with 15 degrees of freedom.
const STUDENT: f64 = 2.131;

/// How noisy the gradients of single rows are, beside the gradient of all.
///
/// ```text
/// tr Σ̂ = (Σ‖gᵢ‖² − m‖ḡ‖²)/(m − 1)     |G|²̂ = ‖ḡ‖² − tr Σ̂/m·(1 − m/n)     `B_simple` = tr Σ̂/|G|²̂
/// ```
///
/// over m of the n rows. A batch of B rows has noise tr Σ/B beside a signal of |G|²: `B_simple` is the batch in which both
/// are equal. Much smaller batches walk about; much larger ones hardly see more.
///
/// **References**: `McCandlish`, Kaplan, Amodei et al. 2018, appendix A, with the correction for rows drawn without
/// replacement (Cochran, *Sampling Techniques*, §2.6).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scale {
    /// tr Σ: the sum of the variances of a row's gradient.
    #[serde(deserialize_with = "number_or_null")]
    pub trace: f64,
    /// ± of it, at 95 %. Nothing where all rows were looked at.
    #[serde(deserialize_with = "number_or_null")]
    pub trace_error: f64,
    /// |G|²: the squared length of the gradient of all rows; 0 where the noise hides it.
    #[serde(deserialize_with = "number_or_null")]
    pub squared_gradient: f64,
    /// tr Σ/|G|²; infinite where the noise hides the gradient.
    #[serde(deserialize_with = "number_or_unbounded")]
    pub b_simple: f64,
    /// The lowest `B_simple` that the rows looked at allow for, at 95 %.
    #[serde(deserialize_with = "number_or_null")]
    pub b_simple_low: f64,
    /// The highest; infinite where the gradient may be nothing but noise.
    #[serde(deserialize_with = "number_or_unbounded")]
    pub b_simple_high: f64,
    /// Rows looked at.
    pub n_rows: usize,
}

/// Reads a number that JSON had no word for as infinite.
fn number_or_unbounded<'de, D: serde::Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
    Option::deserialize(from).map(|number| number.unwrap_or(f64::INFINITY))
}

impl Scale {
    /// The floor of a constant rate: how far above the lowest the loss of small batches stays, lr·tr Σ/4B·(n − B)/(n − 1)
    /// times 1/(1 − μ). With rows shuffled anew each epoch it is an upper estimate.
    pub fn floor(&self, lr: f64, momentum: f64, batch_size: usize, n_rows: usize) -> f64 {
        let of_batch = expected(self.trace.sqrt(), n_rows, batch_size).powi(2);
        lr / 4.0 * of_batch / (1.0 - momentum.min(0.999))
    }
}

/// Measures the noise of single rows at θ, on up to `most` rows drawn by the seed (16,384 if nothing else is said).
///
/// How far off the estimates may be is seen by leaving out each of 16 groups of rows in turn (the jackknife); that of tr Σ
/// is made wider where few rows make up much of it. On an eighth of 4096 rows, 100 draws each, intervals held tr Σ 94 to 98
/// times and `B_simple` 91 to 100 times, for normal and far-off features and errors; but where a few rows make up a tenth of
/// tr Σ (features and errors by Student's t with 3 degrees), most draws meet none of them, and 68 intervals held it.
///
/// **Cost**: a gradient and the norms of the rows' own gradients, both over the rows looked at; 16 vectors as long as θ.
pub fn scale(objective: &mut dyn Objective, theta: &[f32], most: Option<usize>, seed: u64) -> Scale {
    let n_rows = objective.n_rows();
    let most = most.unwrap_or(MOST_ROWS).max(2 * GROUPS);
    // Drawn at random whatever their order in the table; groups of neighbours would be alike.
    let mut rows: Vec<u32> = (0..n_rows as u32).collect();
    Stream::new(seed, Purpose::Probe, 1).shuffle(&mut rows);
    rows.truncate(most);
    let groups = GROUPS.min(rows.len());
    let mut parts: Vec<Sums> = Vec::with_capacity(groups);
    let mut squared_norms = Vec::with_capacity(rows.len());
    for group in 0..groups {
        let rows = Batch::Rows(&rows[group * rows.len() / groups..(group + 1) * rows.len() / groups]);
        let mut gradient = objective.gradient();
        objective.loss_and_gradient(theta, rows.clone(), &mut gradient);
        let norms = objective.squared_gradient_norms(theta, rows.clone());
        let squares = norms.iter().sum();
        squared_norms.extend(norms);
        let gradient = gradient.values().iter().map(|&g| f64::from(g)).collect();
        parts.push(Sums { gradient, squares, n_rows: rows.len() });
    }
    let mut all = Sums { gradient: vec![0.0; theta.len()], squares: 0.0, n_rows: 0 };
    for part in &parts {
        all.add(part, 1.0);
    }
    let whole = all.estimate(n_rows);
    let without: Vec<[f64; 2]> = parts
        .iter()
        .map(|part| {
            all.add(part, -1.0);
            let estimate = all.estimate(n_rows);
            all.add(part, 1.0);
            estimate
        })
        .collect();
    // Rows that were all looked at leave nothing to chance.
    let finite = (1.0 - rows.len() as f64 / n_rows as f64).max(0.0).sqrt();
    let error = |times: f64, value: &dyn Fn(&[f64; 2]) -> f64| {
        let mean = without.iter().map(value).sum::<f64>() / groups as f64;
        let spread: f64 = without.iter().map(|estimate| (value(estimate) - mean).powi(2)).sum();
        times * finite * (spread * (groups as f64 - 1.0) / groups as f64).sqrt()
    };
    let [trace, squared_gradient] = whole;
    // The share of the signal, which stays finite where the gradient is lost in noise.
    let signal = squared_gradient / trace;
    let signal_error = error(STUDENT, &|&[trace, squared_gradient]| squared_gradient / trace);
    let batch = |signal: f64| if signal > 0.0 { 1.0 / signal } else { f64::INFINITY };
    Scale {
        trace,
        trace_error: error(STUDENT + for_skew(&squared_norms), &|&[trace, _]| trace),
        squared_gradient: squared_gradient.max(0.0),
        b_simple: if trace > 0.0 { batch(signal) } else { 0.0 },
        b_simple_low: if trace > 0.0 { batch(signal + signal_error) } else { 0.0 },
        b_simple_high: if trace > 0.0 { batch(signal - signal_error) } else { 0.0 },
        n_rows: rows.len(),
    }
}

/// By how many standard errors an interval around a mean must be wider where a few values are far above the others: most
/// samples have met too few of those, and then tell too small a mean and too small a spread. γ·(1 + 2t²)/6√m, with γ the
/// skewness of m values (Johnson 1978; Hall 1992).
fn for_skew(values: &[f64]) -> f64 {
    let m = values.len() as f64;
    let mean = values.iter().sum::<f64>() / m;
    let moment = |power| values.iter().map(|value| (value - mean).powi(power)).sum::<f64>() / m;
    let skewness = moment(3) / moment(2).powf(1.5);
    if skewness > 0.0 { skewness * (1.0 + 2.0 * STUDENT * STUDENT) / (6.0 * m.sqrt()) } else { 0.0 }
}

/// Sums over some rows.
struct Sums {
    gradient: Vec<f64>,
    squares: f64,
    n_rows: usize,
}

impl Sums {
    /// Adds others, or with −1 takes them away.
    fn add(&mut self, other: &Self, sign: f64) {
        self.gradient.iter_mut().zip(&other.gradient).for_each(|(sum, g)| *sum += sign * g);
        self.squares += sign * other.squares;
        self.n_rows = if sign > 0.0 { self.n_rows + other.n_rows } else { self.n_rows - other.n_rows };
    }

    /// tr Σ and |G|² of all `n_rows`, as these rows tell them.
    fn estimate(&self, n_rows: usize) -> [f64; 2] {
        let (m, n) = (self.n_rows as f64, n_rows as f64);
        let of_mean = self.gradient.iter().map(|g| (g / m).powi(2)).sum::<f64>();
        let trace = ((self.squares - m * of_mean) / (m - 1.0).max(1.0)).max(0.0);
        [trace * (n - 1.0).max(1.0) / n, of_mean - trace / m * (1.0 - m / n)]
    }
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
