//! Gradient descent you can watch, measure and use: the engine.

pub mod clip;
pub mod data;
pub mod diagnosis;
pub mod event;
pub mod loader;
pub mod loss;
pub mod model;
pub mod objective;
pub mod observer;
pub mod schedule;
pub mod sgd;
pub mod stop;
pub mod trainer;

pub mod checkpoint;
pub mod clock;
pub mod error;
mod kernels;
pub mod metrics;
pub mod numeric;
pub mod random;

pub use error::{Error, ErrorKind, Place, Result};
