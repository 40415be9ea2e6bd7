//! Gradient descent you can watch, measure and use: the engine.

pub mod data;
pub mod error;
pub mod random;

pub use data::{Dataset, Features, Preprocessing, ReadOptions, Table, Target, TaskKind};
pub use error::{Error, ErrorKind, Place, Result};
