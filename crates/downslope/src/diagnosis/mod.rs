//! What is wrong with a run, by how much, and what would help?
//!
//! *Probes* measure an objective where it stands: its [`curvature`], its gradient [`noise`], the zig-zag of a [`path`],
//! and the [`surface`] around it.
//! A [`learning_rate`] is chosen from them. A [`Finding`] is a verdict on a run: a function of what the run recorded and
//! of probes, the same live, from a saved run and in a test. Nothing here changes a run.

pub mod curvature;
mod finding;
pub mod learning_rate;
mod learning_rate_too_high;
mod momentum_too_high;
pub mod noise;
pub mod path;
pub mod surface;

pub use finding::{Finding, Severity};
pub use learning_rate_too_high::learning_rate_too_high;
pub use momentum_too_high::momentum_too_high;
