//! Which eigenvalues has a symmetric matrix that is known by its products alone?

/// What the method of Lanczos has found out: the matrix as it looks from a few orthogonal directions.
pub(super) struct Krylov {
    /// The eigenvalues of the matrix within the directions, ascending. The ends of the spectrum are met first.
    pub(super) values: Vec<f64>,
    /// The eigenvectors that belong to them, each in terms of the directions.
    vectors: Vec<Vec<f64>>,
    /// Orthogonal, each of length one; the first is that of the start.
    directions: Vec<Vec<f64>>,
    /// How far the matrix leads away from the direction in which it is largest: an eigenvalue is no farther than this from
    /// the largest found (Parlett, *The Symmetric Eigenvalue Problem*, §4.5).
    pub(super) residual: f64,
}

/// Looks at a matrix along a start and what becomes of it under up to `most` products. Ends early when the residual is at
/// most `settled` of the largest eigenvalue, or when there is nowhere else to look. That a product hardly changes the
/// eigenvalue is no reason to end: it also happens on the way, where many eigenvalues lie close together.
///
/// Every new direction is made orthogonal to all before. **Cost**: the products, and as many vectors.
///
/// **References**: Lanczos 1950; Golub and Van Loan, *Matrix Computations*, §10.1.
pub(super) fn lanczos(
    mut start: Vec<f64>,
    most: usize,
    settled: f64,
    mut product: impl FnMut(&[f64], &mut [f64]),
) -> Krylov {
    normalise(&mut start);
    let n = start.len();
    let (mut direction, mut directions) = (start, Vec::new());
    let (mut diagonal, mut beside) = (Vec::new(), Vec::new());
    loop {
        let mut next = vec![0.0; n];
        product(&direction, &mut next);
        diagonal.push(inner(&direction, &next));
        directions.push(direction);
        for earlier in &directions {
            let along = inner(earlier, &next);
            next.iter_mut().zip(earlier).for_each(|(x, e)| *x -= along * e);
        }
        let length = normalise(&mut next);
        let reach = diagonal.iter().chain(&beside).fold(0.0, |most: f64, x: &f64| most.max(x.abs()));
        let is_over = directions.len() >= most.min(n) || length.is_nan() || length <= 1e-9 * reach;
        if is_over || settled > 0.0 {
            let (values, vectors) = eigen_of_tridiagonal(diagonal.clone(), &beside);
            let largest = values.last().copied().unwrap_or(f64::NAN);
            let residual = length * vectors.last().and_then(|vector| vector.last()).map_or(f64::NAN, |last| last.abs());
            if is_over || residual <= settled * largest.abs() {
                return Krylov { values, vectors, directions, residual };
            }
        }
        beside.push(length);
        direction = next;
    }
}

impl Krylov {
    /// The largest eigenvalue found.
    pub(super) fn largest(&self) -> f64 {
        self.values.last().copied().unwrap_or(f64::NAN)
    }

    /// The products it took.
    pub(super) fn products(&self) -> usize {
        self.directions.len()
    }

    /// The direction in which the matrix is largest.
    pub(super) fn along_largest(&self) -> Vec<f64> {
        let mut out = vec![0.0; self.directions.first().map_or(0, Vec::len)];
        for (share, direction) in self.vectors.last().into_iter().flatten().zip(&self.directions) {
            out.iter_mut().zip(direction).for_each(|(out, x)| *out += share * x);
        }
        out
    }

    /// For each eigenvalue the share of the start's squared length that lies along its direction.
    pub(super) fn shares_of_start(&self) -> impl Iterator<Item = f64> {
        self.vectors.iter().map(|vector| vector[0].powi(2))
    }
}

pub(super) fn inner(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Brings a vector to length one and returns the length it had.
pub(super) fn normalise(vector: &mut [f64]) -> f64 {
    let norm = inner(vector, vector).sqrt();
    if norm > 0.0 {
        for x in vector.iter_mut() {
            *x /= norm;
        }
    }
    norm
}

/// Eigenvalues, ascending, and eigenvectors of a symmetric matrix with nothing but a diagonal and what is beside it: by
/// turns in planes of neighbours with Wilkinson's shift (Golub and Van Loan, §8.3).
fn eigen_of_tridiagonal(mut diagonal: Vec<f64>, beside: &[f64]) -> (Vec<f64>, Vec<Vec<f64>>) {
    /// An eigenvalue takes two or three sweeps; numbers that are none would never end.
    const MOST_SWEEPS: usize = 60;
    let n = diagonal.len();
    let mut beside: Vec<f64> = beside.iter().copied().chain([0.0]).collect();
    let mut vectors: Vec<Vec<f64>> = (0..n).map(|i| (0..n).map(|j| f64::from(u8::from(i == j))).collect()).collect();
    let is_small = |d: &[f64], b: &[f64], i: usize| b[i].abs() <= f64::EPSILON * (d[i].abs() + d[i + 1].abs());
    let mut end = n.saturating_sub(1);
    let mut sweeps = 0;
    while end > 0 && sweeps < MOST_SWEEPS * n {
        if is_small(&diagonal, &beside, end - 1) {
            end -= 1;
            continue;
        }
        let start = (0..end).rev().find(|&i| i == 0 || is_small(&diagonal, &beside, i - 1)).unwrap_or(0);
        sweeps += 1;
        let half = (diagonal[end - 1] - diagonal[end]) / 2.0;
        let corner = beside[end - 1];
        let shift = diagonal[end] - corner * corner / (half + half.hypot(corner).copysign(half));
        let (mut x, mut z) = (diagonal[start] - shift, beside[start]);
        for k in start..end {
            let length = x.hypot(z);
            let (c, s) = if length > 0.0 { (x / length, z / length) } else { (1.0, 0.0) };
            if k > start {
                beside[k - 1] = length;
            }
            let (a, b, d) = (diagonal[k], beside[k], diagonal[k + 1]);
            diagonal[k] = c * c * a + 2.0 * c * s * b + s * s * d;
            diagonal[k + 1] = s * s * a - 2.0 * c * s * b + c * c * d;
            beside[k] = c * s * (d - a) + (c * c - s * s) * b;
            if k + 1 < end {
                (x, z) = (beside[k], s * beside[k + 1]);
                beside[k + 1] *= c;
            }
            let (left, right) = vectors.split_at_mut(k + 1);
            for (p, q) in left[k].iter_mut().zip(&mut right[0]) {
                (*p, *q) = (c * *p + s * *q, c * *q - s * *p);
            }
        }
    }
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|&i, &j| diagonal[i].total_cmp(&diagonal[j]));
    let vectors = order.iter().map(|&i| std::mem::take(&mut vectors[i])).collect();
    (order.iter().map(|&i| diagonal[i]).collect(), vectors)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tridiagonal_matrix_times_its_eigenvectors_is_them_times_its_eigenvalues() {
        let n = 23;
        let diagonal: Vec<f64> = (0..n).map(|i| f64::from(i * 7 % 11) - 3.0).collect();
        let beside: Vec<f64> = (0..n - 1).map(|i| 0.1 + f64::from(i * 5 % 7)).collect();
        let (values, vectors) = eigen_of_tridiagonal(diagonal.clone(), &beside);
        for (value, v) in values.iter().zip(&vectors) {
            assert!((inner(v, v) - 1.0).abs() < 1e-12);
            for i in 0..v.len() {
                let left = if i > 0 { beside[i - 1] * v[i - 1] } else { 0.0 };
                let right = if i + 1 < v.len() { beside[i] * v[i + 1] } else { 0.0 };
                assert!((left + diagonal[i] * v[i] + right - value * v[i]).abs() < 1e-11, "{value}");
            }
        }
        assert!(values.windows(2).all(|pair| pair[0] <= pair[1]));
    }

    fn of_diagonal(eigenvalues: &[f64]) -> impl FnMut(&[f64], &mut [f64]) {
        move |v, out| out.iter_mut().zip(v).zip(eigenvalues).for_each(|((out, v), e)| *out = e * v)
    }

    #[test]
    fn the_largest_eigenvalue_of_a_spread_spectrum_is_found() {
        let eigenvalues: Vec<f64> = (0..200).map(|i| 10_f64.powf(-6.0 * f64::from(i) / 199.0)).collect();
        let start = (0..200).map(|i| 1.0 + f64::from(i % 3)).collect();
        let found = lanczos(start, 40, 1e-2, of_diagonal(&eigenvalues));
        assert!((found.largest() - 1.0).abs() < 0.01 && found.products() < 30, "{}", found.products());
        assert!(found.along_largest()[0].abs() > 0.99);
    }

    #[test]
    fn a_matrix_of_one_eigenvalue_is_known_at_once() {
        let found = lanczos(vec![1.0; 50], 40, 1e-3, of_diagonal(&[3.0; 50]));
        assert!((found.largest() - 3.0).abs() < 1e-9 && found.products() == 1, "{}", found.products());
    }

    #[test]
    fn the_shares_of_the_start_are_those_of_its_eigenvectors() {
        let found = lanczos(vec![3.0, 0.0, 4.0], 3, 0.0, of_diagonal(&[1.0, 2.0, 5.0]));
        let shares: Vec<f64> = found.shares_of_start().collect();
        assert!((found.values[0] - 1.0).abs() < 1e-12 && (found.values[1] - 5.0).abs() < 1e-12);
        assert!((shares[0] - 9.0 / 25.0).abs() < 1e-12 && (shares[1] - 16.0 / 25.0).abs() < 1e-12);
    }

    #[test]
    fn numbers_that_are_none_come_to_an_end() {
        let found = lanczos(vec![1.0; 8], 8, 1e-3, |_, out| out.fill(f64::NAN));
        assert!(found.largest().is_nan());
    }
}
