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

use super::lanczos::lanczos;
use crate::loader::Batch;
use crate::objective::Objective;
use crate::random::{Purpose, Stream};
use crate::sgd::Sgd;

/// At most so many products with H, of a part of the rows and of all.
const MOST_PRODUCTS: usize = 24;
const MOST_FINE_PRODUCTS: usize = 6;
/// The estimate has settled when its residual is below this share of it, on a part of the rows and on all.
const SETTLED: f64 = 0.01;
const SETTLED_FINE: f64 = 0.02;
/// The part of the rows on which the steepest direction is looked for: every so-manieth, but no fewer and no more than this.
const ONE_OF: usize = 16;
const LEAST_ROWS: usize = 256;
const MOST_ROWS: usize = 4096;
/// No fewer for the steepest direction: with 256 rows of `@digits` the answer was 12 % off.
const LEAST_STEEP_ROWS: usize = 2048;
/// The rows on which the curvature along that direction is then measured, at most.
const MOST_FINE_ROWS: usize = 1 << 15;

/// (√5 − 1)/2: its multiples fill the places between 0 and 1 most evenly.
const GOLDEN: f64 = 0.618_033_988_749_895;

/// An estimate of the largest curvature.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Curvature {
    /// The largest eigenvalue of the second derivative of the mean loss.
    pub lambda_max: f64,
    /// Products of a row with the second derivative it took: n of them are what an epoch of gradients costs.
    pub row_products: usize,
}

/// Measures λmax at θ.
///
/// The steepest direction v is looked for on a sixteenth of the rows (2048 to 4096) by the method of Lanczos, which then
/// goes on from v with all rows (32,768 at most), often for no more than the one product that tells vᵀHv and the residual
/// ‖Hv − (vᵀHv)v‖. An eigenvalue is no farther from vᵀHv than the residual, and usually above: estimates of this kind come
/// from below, which for a limit is the wrong side. So half the residual is added, unless a small one was cheap, as all rows
/// were no more than the part. Within 2 % where it was held against computed eigenvalues.
///
/// **Cost**: up to 24 products on the part and 6 on all rows, each about a gradient for linear models, two with hidden
/// layers; and as many vectors as long as θ. Seen were 3 to 12 passes over up to 2048 rows, 2 to 6 over 12,000, 1.3 to 3
/// over 60,000 of 12 features, and 7 over 60,000 of 784 and ten classes, all alike. **Differs from** power iteration, which needs ten times the products for the same digits, and from the
/// part alone, which in many directions mistakes the chance of its rows for curvature.
///
/// **References**: Golub and Van Loan, *Matrix Computations*, §10.1; Parlett, *The Symmetric Eigenvalue Problem*, §4.5.
pub fn largest(objective: &mut dyn Objective, theta: &[f32]) -> Curvature {
    let n_rows = objective.n_rows();
    let part = evenly(n_rows, (n_rows / ONE_OF).clamp(LEAST_STEEP_ROWS, MOST_ROWS));
    let all = evenly(n_rows, MOST_FINE_ROWS);
    let (part, all) = (rows_of(part.as_deref(), n_rows), rows_of(all.as_deref(), n_rows));
    let mut stream = Stream::new(0, Purpose::Probe, 0);
    let start = (0..theta.len()).map(|_| stream.normal()).collect();
    let found = lanczos(start, MOST_PRODUCTS, SETTLED, objective.curvature(theta, part.clone()));
    let row_products = found.products() * part.len();
    if part.len() == all.len() || !found.largest().is_finite() {
        return Curvature { lambda_max: found.largest(), row_products };
    }
    let v = found.along_largest();
    let found = lanczos(v, MOST_FINE_PRODUCTS, SETTLED_FINE, objective.curvature(theta, all.clone()));
    let row_products = row_products + found.products() * all.len();
    Curvature { lambda_max: found.largest() + found.residual / 2.0, row_products }
}

/// Rows that are enough for a probe whose answer is refined on more, or need not be exact.
pub(super) fn sample_size(n_rows: usize) -> usize {
    (n_rows / ONE_OF).clamp(LEAST_ROWS, MOST_ROWS)
}

/// At most so many rows, spread over all; nothing if that is all. One from each of so many equal stretches, at a place of
/// its own (multiples of the golden ratio), so that rows which repeat themselves (hours of a day) are all met.
pub(crate) fn evenly(n_rows: usize, most: usize) -> Option<Vec<u32>> {
    // In stretches of hardly more than a row places of their own would meet some rows twice.
    let jitter = if n_rows < 4 * most { 0.0 } else { GOLDEN };
    let pick = |i: usize| {
        let within = (i as f64 * jitter).fract();
        ((i as f64 + within) * n_rows as f64 / most as f64) as u32
    };
    (n_rows > most).then(|| (0..most).map(pick).collect())
}

/// Those rows, or all.
pub(crate) fn rows_of(picked: Option<&[u32]>, n_rows: usize) -> Batch<'_> {
    picked.map_or(Batch::all(n_rows), Batch::Rows)
}

/// The rate above which full-batch descent with these options leaps out, for a loss whose largest curvature is λmax, to which
/// weight decay adds its own.
pub fn stability_limit(lambda_max: f64, sgd: &Sgd) -> f64 {
    let Sgd { momentum, dampening, nesterov, weight_decay, .. } = *sgd;
    let curvature = lambda_max + weight_decay;
    if nesterov {
        (2.0 + 2.0 * momentum) / ((1.0 + 2.0 * momentum) * curvature)
    } else if momentum > 0.0 {
        2.0 * (1.0 + momentum) / ((1.0 - dampening) * curvature)
    } else {
        2.0 / curvature
    }
}

/// The rate above which batches of `batch_size` of `n_rows` rows may leap out: ηmax(B) = 2B(1−μ)/(β + (B−1)λmax + Bλ), with β
/// the largest curvature of a row and λ the weight decay; for all rows the [`stability_limit`], which is also never exceeded.
///
/// It is conservative: β is that of the worst row, and an average over batches forgives more (Ma, Bassily and Belkin 2018,
/// eq. 6).
pub fn batch_limit(lambda_max: f64, largest_row_curvature: f64, batch_size: usize, n_rows: usize, sgd: &Sgd) -> f64 {
    let full = stability_limit(lambda_max, sgd);
    if batch_size >= n_rows {
        return full;
    }
    let b = batch_size as f64;
    let curvature = largest_row_curvature + (b - 1.0) * lambda_max + b * sgd.weight_decay;
    let noisy = 2.0 * b * (1.0 - sgd.momentum.min(0.999)) / curvature;
    noisy.min(full)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_picked_once_from_everywhere_in_order_and_at_every_hour() {
        let rows = evenly(24 * 1000, 1000).unwrap();
        assert!(rows.windows(2).all(|pair| pair[0] < pair[1]) && *rows.last().unwrap() < 24_000);
        for hour in 0..24 {
            let seen = rows.iter().filter(|&&row| row % 24 == hour).count();
            assert!((30..55).contains(&seen), "{hour}: {seen}");
        }
        assert_eq!(evenly(10, 10), None);
        assert_eq!(evenly(u32::MAX as usize, 7).unwrap().len(), 7);
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
        let decaying = Sgd { weight_decay: 1.0, ..sgd };
        assert!((stability_limit(4.0, &decaying) - 0.4).abs() < 1e-12);
        // 2·3/(10 + 2·4 + 3)
        assert!((batch_limit(4.0, 10.0, 3, 100, &decaying) - 6.0 / 21.0).abs() < 1e-12);
    }
}
