//! Gradient descent you can watch, measure and use: the engine.
//!
//! One optimiser and one data loader; the batch size decides which method it is. All rows are *batch*, one row is
//! *stochastic*, a few are *mini-batch* gradient descent. This library computes; it prints nothing.
//!
//! # A classifier on a table
//!
//! ```
//! use downslope::{Table, run::{Experiment, Settings}};
//!
//! let settings = Settings { target: Some("target".to_owned()), epochs: 10, ..Settings::default() };
//! let table = Table::read("@digits", &settings.read_options())?; // or the path of a CSV file
//! let trained = Experiment::prepare(&table, &settings)?.train(&mut [])?;
//! assert!(trained.validation.and_then(|metrics| metrics.accuracy) > Some(0.94));
//! trained.model.predict(&table)?;
//! # downslope::Result::Ok(())
//! ```
//!
//! # A function of one's own
//!
//! Anything with a loss and a gradient descends by the same optimiser and the same loop:
//!
//! ```
//! use downslope::{loader::Batch, objective::{Gradient, LossSum, Objective}, sgd::Sgd, stop::Stop, trainer::Trainer};
//!
//! struct Rosenbrock; // (1 − x)² + 100(y − x²)², lowest at (1, 1)
//!
//! impl Objective for Rosenbrock {
//!     fn n_parameters(&self) -> usize { 2 }
//!     fn loss_and_gradient(&mut self, theta: &[f32], _: Batch<'_>, gradient: &mut Gradient) -> LossSum {
//!         let (x, y) = (theta[0], theta[1]);
//!         gradient.values_mut()[0] += 2.0 * (x - 1.0) - 400.0 * x * (y - x * x);
//!         gradient.values_mut()[1] += 200.0 * (y - x * x);
//!         LossSum::new(((1.0 - x).powi(2) + 100.0 * (y - x * x).powi(2)).into(), 1)
//!     }
//! }
//!
//! let mut theta = vec![-1.2, 1.0];
//! let sgd = Sgd { momentum: 0.9, ..Sgd::new(3e-4) };
//! Trainer::new(sgd, Stop::epochs(10_000)).train(&mut Rosenbrock, &mut theta)?;
//! assert!((theta[0] - 1.0).abs() < 0.01 && (theta[1] - 1.0).abs() < 0.01);
//! # downslope::Result::Ok(())
//! ```
//!
//! # The house, in the order the data flow
//!
//! [`data`] → [`loader`] → [`loss`], [`model`] → [`objective`] → [`metrics`] → [`schedule`], [`clip`] → [`sgd`] →
//! [`state`] → [`stop`] → [`event`] → [`observer`] → [`trainer`] → [`run`] → [`diagnosis`] → [`advise`], and [`compare`],
//! which is the main job, with [`map`] beside it.
//! Beside them: [`checkpoint`], [`clock`], [`error`], [`numeric`], [`random`], and the inner loops, which are private.

pub mod data;
pub mod loader;
pub mod loss;
pub mod model;
pub mod objective;
pub mod metrics;
pub mod schedule;
pub mod clip;
pub mod sgd;
pub mod state;
pub mod stop;
pub mod event;
pub mod observer;
pub mod trainer;
pub mod run;
pub mod diagnosis;
pub mod advise;
pub mod compare;
pub mod map;

mod awake;
pub mod checkpoint;
pub mod clock;
pub mod error;
mod kernels;
pub mod memory;
pub mod numeric;
pub mod random;

pub use data::{Dataset, Features, Preprocessing, ReadOptions, Table, Target, TaskKind};
pub use error::{Error, ErrorKind, Place, Result};
