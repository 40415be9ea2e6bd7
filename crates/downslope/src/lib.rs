//! Gradient descent you can watch, measure and use: the engine.

pub mod data;
pub mod loader;
pub mod loss;
pub mod model;
pub mod objective;
pub mod metrics;
pub mod schedule;
pub mod clip;
pub mod sgd;
pub mod stop;
pub mod trainer;
pub mod event;
pub mod observer;
pub mod run;
pub mod diagnosis;
pub mod compare;

pub mod checkpoint;
pub mod clock;
pub mod error;
mod kernels;
pub mod numeric;
pub mod random;

pub use data::{Dataset, Features, Preprocessing, ReadOptions, Table, Target, TaskKind};
pub use error::{Error, ErrorKind, Place, Result};
