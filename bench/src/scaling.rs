//! How does the cost grow with rows, and with features?
//!
//! Logistic regression on tables of growing size; a straight line through the logarithms of size and seconds has slope 1
//! where the cost is proportional. Small tables live in the first cache and large ones in memory, so the line is fitted
//! through all of them, and the points stand beside it.

use std::collections::BTreeMap;
use std::sync::Arc;

use downslope::loader::BatchSize;
use downslope::loss::Loss;

use crate::cases::Case;
use crate::descent::Descent;
use crate::{Result, make, median};

/// Features while rows grow.
const FEATURES: usize = 32;
/// Values of a table while features grow: its rows become fewer, so that every table comes from the same memory.
const VALUES: usize = 1 << 25;
/// Rows that a point should see, so that a small table is not one tick of the clock.
const ROWS_SEEN: usize = 200_000;

/// What was varied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Axis {
    /// Rows, at 32 features.
    Rows,
    /// Features, at 2²⁵ values.
    Features,
}

/// One size, and what it took.
#[derive(Clone, Copy, Debug)]
pub struct Point {
    /// Rows of the table.
    pub rows: usize,
    /// Features of a row.
    pub features: usize,
    /// Median time an epoch took, for each row of it.
    pub ns_per_row: f64,
}

/// The sizes along an axis; `largest` rows at most.
pub fn sizes(axis: Axis, largest: usize) -> Vec<(usize, usize)> {
    let sizes: Vec<(usize, usize)> = match axis {
        Axis::Rows => (3..=7).map(|exponent| (10_usize.pow(exponent), FEATURES)).collect(),
        Axis::Features => (3..=12).map(|exponent| (VALUES >> exponent, 1 << exponent)).collect(),
    };
    sizes.into_iter().filter(|&(rows, _)| rows <= largest).collect()
}

/// What each batch size takes at one size of the table.
///
/// # Errors
/// What the engine refuses.
pub fn point(rows: usize, features: usize, batches: &[BatchSize]) -> Result<Vec<Point>> {
    let case = Case {
        data: String::new(),
        loss: Loss::Logistic,
        rows,
        features,
        outputs: 1,
        hidden: Vec::new(),
        nonzeros: None,
        batches: BTreeMap::new(),
    };
    let data = Arc::new(make::dataset(&case)?);
    let epochs = (ROWS_SEEN / rows).max(3) as u64;
    let measure = |&batch_size: &BatchSize| {
        let lr = 0.1 / features as f64;
        let descent =
            Descent { model: case.model(), loss: case.loss, data: data.clone(), batch_size, lr, epochs, threads: 1 };
        let measured = descent.measure(&vec![0.0; features + 1])?;
        Ok(Point { rows, features, ns_per_row: 1e9 * median(&measured.epoch_seconds) / rows as f64 })
    };
    batches.iter().map(measure).collect()
}

/// The slope of a straight line through (ln a, ln b), by least squares.
pub fn slope(pairs: &[(f64, f64)]) -> f64 {
    let n = pairs.len() as f64;
    let logs = || pairs.iter().map(|(a, b)| (a.ln(), b.ln()));
    let (mean_a, mean_b) = logs().fold((0.0, 0.0), |(a, b), (x, y)| (a + x / n, b + y / n));
    let (over, under) = logs()
        .fold((0.0, 0.0), |(over, under), (x, y)| (over + (x - mean_a) * (y - mean_b), under + (x - mean_a).powi(2)));
    over / under
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_power_law_has_its_power_as_slope() {
        let pairs: Vec<_> = (1..6).map(|a| (f64::from(a), 3.0 * f64::from(a).powf(1.5))).collect();
        assert!((slope(&pairs) - 1.5).abs() < 1e-12);
    }
}
