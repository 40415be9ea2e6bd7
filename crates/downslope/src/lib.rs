//! Gradient descent you can watch, measure and use: the engine.

pub mod error;
pub mod random;

pub use error::{Error, ErrorKind, Place, Result};
