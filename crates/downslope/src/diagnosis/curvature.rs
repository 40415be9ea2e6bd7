//! How sharply does the loss bend?
//!
//! λmax, the largest eigenvalue of the second derivative H of the mean loss, decides how far a full-batch step may go:
//!
//! ```text
//! lr < 1/λmax            every step goes down
//! 1/λmax < lr < 2/λmax   every step overshoots along the steepest direction, and still comes closer
//! lr > 2/λmax            every step leaps farther out
//! ```
//!
//! With momentum μ and dampening τ the limit is 2(1+μ)/((1−τ)λmax), with Nesterov's (2+2μ)/((1+2μ)λmax).
//!
//! On a quadratic this holds exactly; where the curvature changes along the way (logistic, softmax, hidden layers) it
//! holds here and now, and runs with hidden layers may hover at the edge (Cohen et al. 2021).

use crate::loader::Batch;
use crate::objective::Objective;
use crate::random::{Purpose, Stream};
use crate::sgd::Sgd;

/// At most so many products with H.
const MAX_PRODUCTS: usize = 40;
/// The estimate has settled when a step changes it by less than this share.
const SETTLED: f64 = 1e-3;
/// Rows that are enough for an estimate.
const MAX_ROWS: usize = 8192;

/// An estimate of the largest curvature.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Curvature {
    /// The largest eigenvalue of the second derivative of the mean loss. Estimates of this kind come from below.
    pub lambda_max: f64,
    /// Products with the second derivative it took.
    pub products: usize,
    /// Rows it was taken on.
    pub n_rows: usize,
}

/// Measures λmax at θ by the method of Lanczos, with every new direction made orthogonal to all before.
///
/// **Cost**: up to 40 products with H, each about two gradients over at most 8192 rows (taken evenly from all), and as
/// many vectors as long as θ. **Differs from** power iteration, which needs ten times the products for the same digits.
///
/// **Reference**: Lanczos 1950; Golub and Van Loan, *Matrix Computations*, §10.1.
pub fn largest(objective: &mut dyn Objective, theta: &[f32]) -> Curvature {
    let rows = evenly(objective.n_rows());
    let batch = rows.as_deref().map_or(Batch::all(objective.n_rows()), Batch::Rows);
    let product = |v: &[f64], out: &mut [f64]| objective.curvature_product(theta, batch.clone(), v, out);
    let (lambda_max, products) = lanczos(theta.len(), product);
    Curvature { lambda_max, products, n_rows: batch.len() }
}

/// The largest eigenvalue of a symmetric matrix known by its products, and the products it took.
pub(super) fn lanczos(n: usize, mut product: impl FnMut(&[f64], &mut [f64])) -> (f64, usize) {
    let mut stream = Stream::new(0, Purpose::Probe, 0);
    let mut direction: Vec<f64> = (0..n).map(|_| stream.normal()).collect();
    normalise(&mut direction);
    let mut basis: Vec<Vec<f64>> = Vec::new();
    let (mut diagonal, mut off_diagonal): (Vec<f64>, Vec<f64>) = (Vec::new(), Vec::new());
    let mut estimate = 0.0;
    for products in 1..=MAX_PRODUCTS.min(n) {
        let mut next = vec![0.0; n];
        product(&direction, &mut next);
        diagonal.push(inner(&direction, &next));
        basis.push(direction);
        for earlier in &basis {
            let along = inner(earlier, &next);
            next.iter_mut().zip(earlier).for_each(|(x, e)| *x -= along * e);
        }
        let before = std::mem::replace(&mut estimate, largest_of_tridiagonal(&diagonal, &off_diagonal));
        let residual = normalise(&mut next);
        let settled = products > 3 && (estimate - before).abs() <= SETTLED * estimate.abs();
        if settled || residual.is_nan() || residual <= 1e-9 * estimate.abs() || !estimate.is_finite() {
            return (estimate, products);
        }
        off_diagonal.push(residual);
        direction = next;
    }
    (estimate, MAX_PRODUCTS.min(n))
}

fn inner(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Brings a vector to length one and returns the length it had.
fn normalise(vector: &mut [f64]) -> f64 {
    let norm = inner(vector, vector).sqrt();
    if norm > 0.0 {
        for x in vector.iter_mut() {
            *x /= norm;
        }
    }
    norm
}

/// The largest eigenvalue of a symmetric tridiagonal matrix, by bisection with Sturm's count.
fn largest_of_tridiagonal(diagonal: &[f64], off_diagonal: &[f64]) -> f64 {
    let beside = |i: usize| if i < diagonal.len() - 1 { off_diagonal[i].abs() } else { 0.0 };
    let reach = |i: usize| beside(i) + if i > 0 { beside(i - 1) } else { 0.0 };
    let bounds = (0..diagonal.len()).fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), i| {
        (low.min(diagonal[i] - reach(i)), high.max(diagonal[i] + reach(i)))
    });
    let (mut low, mut high) = bounds;
    for _ in 0..100 {
        let middle = f64::midpoint(low, high);
        // The matrix minus `middle` has a positive eigenvalue exactly if a pivot of its elimination is positive.
        let mut pivot = 1.0;
        let above = (0..diagonal.len()).any(|i| {
            let carried = if i > 0 { off_diagonal[i - 1].powi(2) / pivot } else { 0.0 };
            pivot = diagonal[i] - middle - carried;
            if pivot == 0.0 {
                pivot = -f64::MIN_POSITIVE.sqrt();
            }
            pivot > 0.0
        });
        if above { low = middle } else { high = middle }
    }
    f64::midpoint(low, high)
}

/// At most [`MAX_ROWS`] rows, evenly spread; nothing if that is all.
fn evenly(n_rows: usize) -> Option<Vec<u32>> {
    let pick = |i: usize| (i * n_rows / MAX_ROWS) as u32;
    (n_rows > MAX_ROWS).then(|| (0..MAX_ROWS).map(pick).collect())
}

/// The rate above which full-batch descent with these options leaps out, for a loss whose largest curvature is λmax.
pub fn stability_limit(lambda_max: f64, sgd: &Sgd) -> f64 {
    let Sgd { momentum, dampening, nesterov, .. } = *sgd;
    if nesterov {
        (2.0 + 2.0 * momentum) / ((1.0 + 2.0 * momentum) * lambda_max)
    } else if momentum > 0.0 {
        2.0 * (1.0 + momentum) / ((1.0 - dampening) * lambda_max)
    } else {
        2.0 / lambda_max
    }
}

/// The rate above which batches of `batch_size` of `n_rows` rows may leap out: ηmax(B) = 2B(1−μ)/(β + (B−1)λmax), with β
/// the largest curvature of a row; for all rows the [`stability_limit`], which is also never exceeded.
///
/// It is conservative: β is that of the worst row, and an average over batches forgives more (Ma, Bassily and Belkin 2018,
/// eq. 6).
pub fn batch_limit(lambda_max: f64, largest_row_curvature: f64, batch_size: usize, n_rows: usize, sgd: &Sgd) -> f64 {
    let full = stability_limit(lambda_max, sgd);
    if batch_size >= n_rows {
        return full;
    }
    let b = batch_size as f64;
    let noisy = 2.0 * b * (1.0 - sgd.momentum.min(0.999)) / (largest_row_curvature + (b - 1.0) * lambda_max);
    noisy.min(full)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lanczos_finds_the_largest_eigenvalue_of_a_spread_spectrum() {
        let eigenvalues: Vec<f64> = (0..200).map(|i| 10_f64.powf(-6.0 * f64::from(i) / 199.0)).collect();
        let (estimate, products) = lanczos(200, |v, out| {
            out.iter_mut().zip(v).zip(&eigenvalues).for_each(|((out, v), e)| *out = e * v);
        });
        assert!((estimate - 1.0).abs() < 0.01 && products < 30, "{estimate} after {products}");
    }

    #[test]
    fn a_matrix_of_one_eigenvalue_is_known_at_once() {
        let (estimate, products) = lanczos(50, |v, out| out.iter_mut().zip(v).for_each(|(out, v)| *out = 3.0 * v));
        assert!((estimate - 3.0).abs() < 1e-9 && products == 1, "{estimate} after {products}");
    }

    #[test]
    fn limits_follow_their_formulas() {
        let sgd = Sgd::new(0.1);
        assert!((stability_limit(4.0, &sgd) - 0.5).abs() < 1e-12);
        assert!((stability_limit(4.0, &Sgd { momentum: 0.5, ..sgd }) - 0.75).abs() < 1e-12);
        assert!((stability_limit(4.0, &Sgd { momentum: 0.5, nesterov: true, ..sgd }) - 0.375).abs() < 1e-12);
        // 2·3/(10 + 2·4)
        assert!((batch_limit(4.0, 10.0, 3, 100, &sgd) - 1.0 / 3.0).abs() < 1e-12);
        assert!((batch_limit(4.0, 10.0, 100, 100, &sgd) - 0.5).abs() < 1e-12);
    }
}
