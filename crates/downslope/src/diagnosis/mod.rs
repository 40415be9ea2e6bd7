//! What is wrong with a run, by how much, and what would help?
//!
//! *Probes* measure an objective where it stands: its [`curvature`], the [`quadratic`] that touches it, its gradient
//! [`noise`], the zig-zag of a [`path`], the [`columns`] that stand out, and the [`surface`] around it.
//! A [`learning_rate`] is chosen from them. A [`Finding`] is a verdict on a run, reached by a [`Rule`]: a function of a
//! [`Case`], what the run recorded and probes, the same live, from a saved run and in a test. Nothing here changes a run.

mod case;
pub mod columns;
mod constant;
pub mod curvature;
mod finding;
mod findings;
mod lanczos;
pub mod learning_rate;
pub mod noise;
pub mod path;
pub mod quadratic;
pub mod range_test;
pub mod step_time;
pub mod surface;
mod trend;

pub use case::{Case, Probes, Subject};
pub(crate) use curvature::{evenly, rows_of};

pub use constant::best_constant_loss;
pub use finding::{Finding, Severity};
pub use findings::{RULES, Rule, examine, learning_rate_too_high};
pub use trend::Trend;
