//! Rows as numbers: features beside their targets.

/// Features, row-major, (`n_rows`, `n_columns`).
#[derive(Clone, Debug, PartialEq)]
pub struct Matrix {
    n_rows: usize,
    n_columns: usize,
    values: Vec<f32>,
}

impl Matrix {
    /// A matrix.
    pub fn new(n_rows: usize, n_columns: usize, values: Vec<f32>) -> Self {
        Self { n_rows, n_columns, values }
    }
    /// Row.
    pub fn row(&self, i: usize) -> &[f32] {
        &self.values[i * self.n_columns..][..self.n_columns]
    }
    /// Rows.
    pub fn n_rows(&self) -> usize {
        self.n_rows
    }
    /// Columns.
    pub fn n_columns(&self) -> usize {
        self.n_columns
    }
    /// All values.
    pub fn values(&self) -> &[f32] {
        &self.values
    }
}

/// Sparse.
#[derive(Clone, Debug, PartialEq)]
pub struct Csr {
    n_columns: usize,
    indptr: Vec<usize>,
    indices: Vec<u32>,
    values: Vec<f32>,
}

impl Csr {
    /// Stored values.
    pub fn n_values(&self) -> usize {
        self.values.len()
    }
    /// New.
    pub fn new(n_columns: usize, indptr: Vec<usize>, indices: Vec<u32>, values: Vec<f32>) -> Self {
        Self { n_columns, indptr, indices, values }
    }
    /// Row.
    pub fn row(&self, i: usize) -> (&[u32], &[f32]) {
        let range = self.indptr[i]..self.indptr[i + 1];
        (&self.indices[range.clone()], &self.values[range])
    }
    /// Rows.
    pub fn n_rows(&self) -> usize {
        self.indptr.len() - 1
    }
    /// Columns.
    pub fn n_columns(&self) -> usize {
        self.n_columns
    }
}

/// Features.
#[derive(Clone, Debug, PartialEq)]
pub enum Features {
    /// Dense.
    Dense(Matrix),
    /// Sparse.
    Sparse(Csr),
}

impl Features {
    /// Rows.
    pub fn n_rows(&self) -> usize {
        match self {
            Self::Dense(m) => m.n_rows(),
            Self::Sparse(m) => m.n_rows(),
        }
    }
    /// Columns.
    pub fn n_columns(&self) -> usize {
        match self {
            Self::Dense(m) => m.n_columns(),
            Self::Sparse(m) => m.n_columns(),
        }
    }
}

/// Rows.
#[derive(Clone, Debug, PartialEq)]
pub struct Dataset {
    /// Features.
    pub features: Features,
    /// Targets.
    pub targets: Vec<f32>,
}
impl Dataset {
    /// Rows.
    pub fn n_rows(&self) -> usize {
        self.targets.len()
    }
    /// Features.
    pub fn n_features(&self) -> usize {
        self.features.n_columns()
    }
}
