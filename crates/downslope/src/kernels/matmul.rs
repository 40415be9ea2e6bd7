//! Products of matrices, by the `gemmkit` crate on one thread: rows are shared out between threads further up.
//!
//! The well-known `gemm` and `matrixmultiply` crates were tried as well; both allocate in every call, which a step must
//! not. `gemmkit` keeps its packing buffer per thread.

use gemmkit::{MatMut, MatRef, Parallelism};

/// A matrix of any strides in a slice.
pub(crate) type Strided<'a> = MatRef<'a, f32>;

/// An (m, n) matrix in a row-major slice.
pub(crate) fn row_major(values: &[f32], n_rows: usize, n_columns: usize) -> Strided<'_> {
    MatRef::from_row_major(values, n_rows, n_columns)
}

/// The (n, m) transpose of an (m, n) matrix in a row-major slice.
pub(crate) fn transposed(values: &[f32], n_rows: usize, n_columns: usize) -> Strided<'_> {
    MatRef::from_col_major(values, n_columns, n_rows)
}

/// C ← β·C + α·A·B with A (m, k), B (k, n) and C (m, n) row-major.
pub(crate) fn matmul(alpha: f32, a: Strided<'_>, b: Strided<'_>, beta: f32, c: &mut [f32]) {
    let (m, n) = (a.rows(), b.cols());
    gemmkit::gemm(alpha, a, b, beta, MatMut::from_row_major(c, m, n), Parallelism::Serial);
}
