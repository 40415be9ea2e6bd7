//! What are the rows?

mod dataset;

pub use dataset::{Csr, Dataset, Features, Matrix};
