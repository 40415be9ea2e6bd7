//! What does the engine read?
//!
//! Features and targets as `f32`: dense rows, or sparse rows of which only what is not zero is kept, and what each row
//! weighs. How they came out of a table is told in [`crate::data::encode`].

use std::ops::Range;

use crate::error::{Error, ErrorKind, Result};
use crate::kernels::Aligned;

/// Rows to learn from or to be judged on.
#[derive(Clone, Debug, PartialEq)]
pub struct Dataset {
    /// The features, (`n_rows`, `n_features`).
    pub features: Features,
    /// The targets, (`n_rows`): numbers, or class codes 0.0, 1.0 ….
    pub targets: Vec<f32>,
    weights: Option<Vec<f32>>,
}

impl Dataset {
    /// Features and a target for each row; all rows weigh 1.
    ///
    /// # Errors
    /// [`ErrorKind::ShapeMismatch`] if there is not one target a row.
    pub fn new(features: Features, targets: Vec<f32>) -> Result<Self> {
        check_length("targets", features.n_rows(), targets.len())?;
        Ok(Self { features, targets, weights: None })
    }

    /// What [`Dataset::into_parts`] gave, changed so that it still fits together.
    pub(super) fn from_parts(features: Features, targets: Vec<f32>, weights: Option<Vec<f32>>) -> Self {
        debug_assert!(features.n_rows() == targets.len() && weights.as_ref().is_none_or(|w| w.len() == targets.len()));
        Self { features, targets, weights }
    }

    /// Its memory, to be used again.
    pub(super) fn into_parts(self) -> (Features, Vec<f32>, Option<Vec<f32>>) {
        (self.features, self.targets, self.weights)
    }

    /// The same rows with a weight each, (`n_rows`), divided by their mean, so that a row weighs 1 on average.
    ///
    /// The loss of a batch of B rows is then (1/B) Σ wᵢ ℓᵢ. Over all rows that is Σ wᵢ ℓᵢ / Σ wᵢ for the weights as they
    /// were given, as if row i stood there wᵢ times; and the loss of a batch is an unbiased estimate of it. Their scale
    /// changes nothing: weights of 2 everywhere are weights of 1.
    ///
    /// **Differs from** PyTorch, whose weighted losses divide by the Σ wᵢ of the *batch*: the same over all rows, but in a
    /// batch with few heavy rows each of them pulls harder.
    ///
    /// ```
    /// use downslope::data::{Dataset, Features, Matrix};
    /// let x = Features::Dense(Matrix::new(3, 1, vec![1.0, 2.0, 3.0])?);
    /// let data = Dataset::new(x, vec![0.0, 0.0, 1.0])?.with_weights(vec![1.0, 1.0, 4.0])?;
    /// assert_eq!(data.weights(), Some(&[0.5, 0.5, 2.0][..]));
    /// # Ok::<(), downslope::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::ShapeMismatch`] if there is not one weight a row; [`ErrorKind::WeightOutOfRange`] for one below 0 or
    /// not finite, and if all are 0.
    pub fn with_weights(self, weights: Vec<f32>) -> Result<Self> {
        let mut weighted = self.with_scaled_weights(weights)?;
        if let Some(weights) = &mut weighted.weights {
            let mean = weights.iter().map(|&weight| f64::from(weight)).sum::<f64>() / weights.len() as f64;
            if mean == 0.0 {
                let (expected, found) = ("row weights that are not all 0", "nothing else".to_owned());
                return Err(ErrorKind::WeightOutOfRange { expected, found }.into());
            }
            for weight in weights {
                *weight = (f64::from(*weight) / mean) as f32;
            }
        }
        Ok(weighted)
    }

    /// The same rows with weights as they are: for rows held out, divided by the mean of those that train, so that the
    /// losses of both can be compared.
    ///
    /// # Errors
    /// As [`Dataset::with_weights`], but all may be 0.
    pub fn with_scaled_weights(mut self, weights: Vec<f32>) -> Result<Self> {
        check_length("weights", self.n_rows(), weights.len())?;
        if let Some(row) = weights.iter().position(|&weight| !(weight >= 0.0 && weight.is_finite())) {
            let (expected, found) =
                ("finite row weights, 0 or above", format!("`{}` in row {}", weights[row], row + 1));
            return Err(ErrorKind::WeightOutOfRange { expected, found }.into());
        }
        self.weights = Some(weights);
        Ok(self)
    }

    /// Some of the rows, in the order given, with the weights they have here.
    ///
    /// # Panics
    /// If there is no such row.
    #[must_use]
    pub fn rows(&self, rows: &[u32]) -> Self {
        let numbers = || rows.iter().map(|&row| row as usize);
        let features = match &self.features {
            Features::Dense(x) => {
                let mut picked = Matrix::zeros(rows.len(), x.n_columns());
                let into = picked.values_mut().chunks_exact_mut(x.n_columns().max(1));
                into.zip(numbers()).for_each(|(into, row)| into.copy_from_slice(x.row(row)));
                Features::Dense(picked)
            }
            Features::Sparse(x) => {
                let (mut indptr, mut indices, mut values) = (vec![0], Vec::new(), Vec::new());
                for (columns, of_row) in numbers().map(|row| x.row(row)) {
                    indices.extend_from_slice(columns);
                    values.extend_from_slice(of_row);
                    indptr.push(indices.len());
                }
                Features::Sparse(Csr::from_parts(x.n_columns, indptr, indices, values))
            }
        };
        Self {
            features,
            targets: numbers().map(|row| self.targets[row]).collect(),
            weights: self.weights.as_ref().map(|weights| numbers().map(|row| weights[row]).collect()),
        }
    }

    /// The rows of several, one below the other; all with the same features, all dense or all sparse, all with weights or
    /// none.
    ///
    /// # Errors
    /// [`ErrorKind::ShapeMismatch`] if they have not.
    pub fn concat(parts: &[Self]) -> Result<Self> {
        let n_columns = parts.first().map_or(0, Self::n_features);
        let (mut indptr, mut indices, mut values, mut targets, mut weights) =
            (vec![0], Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let is_sparse = parts.iter().all(|part| matches!(part.features, Features::Sparse(_))) && !parts.is_empty();
        for part in parts {
            check_length("features", n_columns, part.n_features())?;
            match &part.features {
                Features::Dense(x) => values.extend_from_slice(x.values()),
                Features::Sparse(x) => {
                    indptr.extend((0..x.n_rows()).map(|row| values.len() + x.range(row, &Csr::BOTH).end));
                    indices.extend_from_slice(&x.indices);
                    values.extend_from_slice(&x.values);
                }
            }
            targets.extend_from_slice(&part.targets);
            weights.extend_from_slice(part.weights().unwrap_or_default());
        }
        let features = if is_sparse {
            Features::Sparse(Csr::new(n_columns, indptr, indices, values)?)
        } else {
            Features::Dense(Matrix::new(targets.len(), n_columns, values)?)
        };
        let all = Self::new(features, targets)?;
        if weights.is_empty() { Ok(all) } else { all.with_scaled_weights(weights) }
    }

    /// What each row weighs, (`n_rows`); none where all weigh 1.
    pub fn weights(&self) -> Option<&[f32]> {
        self.weights.as_deref()
    }

    /// What a row weighs.
    ///
    /// # Panics
    /// If there is no such row and rows weigh differently.
    pub fn weight(&self, row: usize) -> f32 {
        self.weights.as_ref().map_or(1.0, |weights| weights[row])
    }

    /// The number of rows.
    pub fn n_rows(&self) -> usize {
        self.targets.len()
    }

    /// The number of features a row.
    pub fn n_features(&self) -> usize {
        self.features.n_features()
    }
}

/// Features, one row after the other.
#[derive(Clone, Debug, PartialEq)]
pub enum Features {
    /// Every value is kept.
    Dense(Matrix),
    /// Only values other than zero are kept.
    Sparse(Csr),
}

impl Features {
    /// The number of rows.
    pub fn n_rows(&self) -> usize {
        match self {
            Self::Dense(matrix) => matrix.n_rows(),
            Self::Sparse(csr) => csr.n_rows(),
        }
    }

    /// The number of features a row.
    pub fn n_features(&self) -> usize {
        match self {
            Self::Dense(matrix) => matrix.n_columns(),
            Self::Sparse(csr) => csr.n_columns(),
        }
    }
}

/// A dense matrix, row-major.
#[derive(Clone, Debug)]
pub struct Matrix {
    n_rows: usize,
    n_columns: usize,
    values: Storage,
}

#[derive(Clone, Debug)]
enum Storage {
    Given(Vec<f32>),
    Aligned(Aligned),
}

impl PartialEq for Matrix {
    fn eq(&self, other: &Self) -> bool {
        (self.n_rows, self.n_columns, self.values()) == (other.n_rows, other.n_columns, other.values())
    }
}

impl Matrix {
    /// A matrix of values given row by row, (`n_rows`, `n_columns`).
    ///
    /// # Errors
    /// [`ErrorKind::ShapeMismatch`] if there are not `n_rows` · `n_columns` values.
    pub fn new(n_rows: usize, n_columns: usize, values: Vec<f32>) -> Result<Self> {
        check_length("features", n_rows.saturating_mul(n_columns), values.len())?;
        Ok(Self { n_rows, n_columns, values: Storage::Given(values) })
    }

    /// A matrix of zeros, to be filled by [`Matrix::values_mut`]. It stands in memory so that rows are read fastest:
    /// at the start of a cache line, on large pages where the system has them.
    ///
    /// # Panics
    /// If it has more values than memory can hold.
    pub fn zeros(n_rows: usize, n_columns: usize) -> Self {
        let values = Storage::Aligned(Aligned::zeros(n_rows.saturating_mul(n_columns)));
        Self { n_rows, n_columns, values }
    }

    /// The same memory for another number of rows, whatever they hold.
    pub(super) fn with_rows(mut self, n_rows: usize) -> Self {
        let n_values = n_rows.saturating_mul(self.n_columns);
        match &mut self.values {
            Storage::Given(values) => values.resize(n_values, 0.0),
            Storage::Aligned(values) => values.resize(n_values),
        }
        Self { n_rows, ..self }
    }

    /// The number of rows.
    pub fn n_rows(&self) -> usize {
        self.n_rows
    }

    /// The number of columns.
    pub fn n_columns(&self) -> usize {
        self.n_columns
    }

    /// All values, row-major, (`n_rows`, `n_columns`).
    pub fn values(&self) -> &[f32] {
        match &self.values {
            Storage::Given(values) => values,
            Storage::Aligned(values) => values,
        }
    }

    /// All values, to be changed, row-major, (`n_rows`, `n_columns`).
    pub fn values_mut(&mut self) -> &mut [f32] {
        match &mut self.values {
            Storage::Given(values) => values,
            Storage::Aligned(values) => values,
        }
    }

    /// One row, (`n_columns`).
    ///
    /// # Panics
    /// If there is no such row.
    pub fn row(&self, i: usize) -> &[f32] {
        &self.values()[i * self.n_columns..(i + 1) * self.n_columns]
    }
}

/// A sparse matrix in compressed rows.
#[derive(Clone, Debug, PartialEq)]
pub struct Csr {
    n_columns: usize,
    /// Where the part of each row below [`Csr::middle`] starts and where the one from there on, and behind them where the
    /// last row ends, (2·`n_rows` + 1).
    bounds: Vec<usize>,
    indices: Vec<u32>,
    values: Vec<f32>,
    /// How many of the values stand from the middle on.
    n_high: usize,
}

impl Csr {
    /// The halves of a whole row.
    pub(crate) const BOTH: Range<usize> = 0..2;

    /// A matrix of which row i holds `values[indptr[i]..indptr[i + 1]]` in the columns `indices` of the same range.
    ///
    /// # Errors
    /// [`ErrorKind::Malformed`] if `indptr` does not ascend from 0 to the number of values, if there is not one index a
    /// value, or if the indices of a row do not ascend below `n_columns`.
    pub fn new(n_columns: usize, indptr: Vec<usize>, indices: Vec<u32>, values: Vec<f32>) -> Result<Self> {
        let refuse = |detail: &str| Err(Error::malformed("sparse matrix", detail));
        if indices.len() != values.len() {
            return refuse("there is not one index a value");
        }
        if indptr.first() != Some(&0) || indptr.last() != Some(&values.len()) || !indptr.is_sorted() {
            return refuse("the row starts do not ascend from 0 to the number of values");
        }
        for (row, bounds) in indptr.windows(2).enumerate() {
            let row_indices = &indices[bounds[0]..bounds[1]];
            let ascending = row_indices.is_sorted_by(|a, b| a < b);
            let in_range = row_indices.last().is_none_or(|&last| (last as usize) < n_columns);
            if !(ascending && in_range) {
                return refuse(&format!("the indices of row {row} do not ascend below {n_columns}"));
            }
        }
        Ok(Self::from_parts(n_columns, indptr, indices, values))
    }

    /// What is known to fit together.
    pub(super) fn from_parts(n_columns: usize, indptr: Vec<usize>, indices: Vec<u32>, values: Vec<f32>) -> Self {
        let (n_rows, n_values) = (indptr.len() - 1, values.len());
        let mut matrix = Self { n_columns, bounds: indptr, indices, values, n_high: 0 };
        let (middle, mut end) = (matrix.middle(), n_values);
        let Self { bounds, indices, n_high, .. } = &mut matrix;
        bounds.resize(2 * n_rows + 1, n_values);
        // In place, from the last row to the first.
        for row in (0..n_rows).rev() {
            let start = bounds[row];
            let in_middle = start + indices[start..end].partition_point(|&column| (column as usize) < middle);
            *n_high += end - in_middle;
            (bounds[2 * row], bounds[2 * row + 1]) = (start, in_middle);
            end = start;
        }
        matrix
    }

    /// Its memory, to be used again: row starts, columns, values.
    pub(super) fn into_parts(self) -> (Vec<usize>, Vec<u32>, Vec<f32>) {
        (self.bounds, self.indices, self.values)
    }

    /// The number of rows.
    pub fn n_rows(&self) -> usize {
        self.bounds.len() / 2
    }

    /// The number of columns.
    pub fn n_columns(&self) -> usize {
        self.n_columns
    }

    /// The number of values kept.
    pub fn n_values(&self) -> usize {
        self.values.len()
    }

    /// One row: the columns that hold something, ascending, and what they hold.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn row(&self, i: usize) -> (&[u32], &[f32]) {
        self.halves(i, &Self::BOTH)
    }

    /// What a row holds in half 0 of the columns, in half 1, or in both.
    ///
    /// # Panics
    /// If there is no such row.
    #[inline]
    pub(crate) fn halves(&self, i: usize, halves: &Range<usize>) -> (&[u32], &[f32]) {
        let range = self.range(i, halves);
        (&self.indices[range.clone()], &self.values[range])
    }

    /// Where that stands in [`Csr::indices`] and [`Csr::values`].
    #[inline]
    pub(crate) fn range(&self, i: usize, halves: &Range<usize>) -> Range<usize> {
        self.bounds[2 * i + halves.start]..self.bounds[2 * i + halves.end]
    }

    /// What tells [`Csr::range`] of a row starts at this place of the slice.
    pub(crate) fn bounds(&self, i: usize) -> (&[usize], usize) {
        (&self.bounds, 2 * i)
    }

    /// The first column of the second half.
    pub(crate) fn middle(&self) -> usize {
        self.n_columns / 2
    }

    /// How many values the larger half holds.
    pub(crate) fn n_in_larger_half(&self) -> usize {
        self.n_high.max(self.values.len() - self.n_high)
    }

    /// The columns of all values, row after row.
    pub fn indices(&self) -> &[u32] {
        &self.indices
    }

    /// All values, row after row.
    pub fn values(&self) -> &[f32] {
        &self.values
    }
}

fn check_length(part: &str, expected: usize, found: usize) -> Result<()> {
    if expected == found {
        return Ok(());
    }
    Err(ErrorKind::ShapeMismatch { part: part.to_owned(), expected: vec![expected], found: vec![found] }.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_slices_of_the_matrix() {
        let matrix = Matrix::new(2, 3, vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0]).unwrap();
        assert_eq!(matrix.row(1), [4.0, 5.0, 6.0]);
        assert_eq!(Matrix::new(2, 0, vec![]).unwrap().row(1), [0.0; 0]);
        assert!(Matrix::new(2, 3, vec![0.0; 5]).is_err());
    }

    #[test]
    fn sparse_rows_keep_what_is_not_zero() {
        let csr = Csr::new(4, vec![0, 2, 2, 3], vec![0, 3, 1], vec![1.0, 2.0, 3.0]).unwrap();
        assert_eq!((csr.n_rows(), csr.n_columns(), csr.n_values()), (3, 4, 3));
        assert_eq!(csr.row(0), (&[0, 3][..], &[1.0, 2.0][..]));
        assert_eq!(csr.row(1), (&[][..], &[][..]));
        assert_eq!(csr.halves(0, &(0..1)), (&[0][..], &[1.0][..]));
        assert_eq!(csr.halves(0, &(1..2)), (&[3][..], &[2.0][..]));
        assert_eq!((csr.halves(2, &(0..1)), csr.n_in_larger_half()), ((&[1][..], &[3.0][..]), 2));
        let dataset = Dataset::new(Features::Sparse(csr), vec![0.0, 1.0, 0.0]).unwrap();
        assert_eq!((dataset.n_rows(), dataset.n_features()), (3, 4));
    }

    #[test]
    fn a_sparse_matrix_that_is_none_is_refused() {
        for (indptr, indices) in [
            (vec![], vec![]),
            (vec![0, 1], vec![4]),
            (vec![0, 2], vec![1, 1]),
            (vec![0, 2], vec![2, 1]),
            (vec![1, 2], vec![0, 1]),
            (vec![0, 3], vec![0, 1]),
            (vec![0, 2, 1, 2], vec![0, 1]),
        ] {
            let values = vec![1.0; indices.len()];
            assert!(Csr::new(4, indptr, indices, values).is_err());
        }
        assert!(Csr::new(4, vec![0, 2], vec![0, 1], vec![1.0]).is_err());
    }

    #[test]
    fn a_data_set_has_one_target_a_row() {
        let features = Features::Dense(Matrix::new(2, 1, vec![1.0, 2.0]).unwrap());
        let error = Dataset::new(features, vec![1.0]).unwrap_err();
        assert_eq!(error.to_string(), "expected `targets` of shape [2], found [1]");
    }

    #[test]
    fn weights_are_brought_to_a_mean_of_one_and_odd_ones_are_refused() {
        let data = || {
            let x = Features::Dense(Matrix::new(2, 1, vec![1.0, 2.0]).unwrap());
            Dataset::new(x, vec![0.0, 1.0]).unwrap()
        };
        assert_eq!((data().weights(), data().weight(1).to_bits()), (None, 1_f32.to_bits()));
        let weighted = data().with_weights(vec![1.0, 3.0]).unwrap();
        assert_eq!(weighted.weights(), Some(&[0.5, 1.5][..]));
        assert_eq!(data().with_weights(vec![1e38, 3e38]).unwrap(), weighted);
        assert_eq!(data().with_scaled_weights(vec![0.0, 3.0]).unwrap().weights(), Some(&[0.0, 3.0][..]));
        for (weights, words) in [
            (vec![1.0, -1.0], "expected finite row weights, 0 or above, found `-1` in row 2"),
            (vec![f32::NAN, 1.0], "expected finite row weights, 0 or above, found `NaN` in row 1"),
            (vec![1.0, f32::INFINITY], "expected finite row weights, 0 or above, found `inf` in row 2"),
            (vec![0.0, 0.0], "expected row weights that are not all 0, found nothing else"),
            (vec![1.0], "expected `weights` of shape [2], found [1]"),
        ] {
            assert_eq!(data().with_weights(weights).unwrap_err().to_string(), words);
        }
    }
}
