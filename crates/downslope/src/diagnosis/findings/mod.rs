//! Which verdicts are there?
//!
//! One file and one page each. A verdict is a function of a [`Case`]: cheap conditions first, probes only where they hold,
//! so that a run in which nothing is wrong is hardly asked anything.

mod at_the_noise_floor;
mod badly_scaled_columns;
mod batch_larger_than_useful;
mod batch_noise_dominated;
mod class_imbalance;
mod dead_units;
mod edge_of_stability;
mod ill_conditioned;
mod last_batch_imbalance;
mod learning_rate_too_high;
mod learning_rate_too_low;
mod momentum_too_high;
mod overfitting;
mod overshooting;
mod target_leak_suspected;
mod underfitting;

pub use learning_rate_too_high::learning_rate_too_high;

use super::{Case, Finding};
use crate::stop::StopReason;

/// A verdict that can be reached.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// Its name.
    pub slug: &'static str,
    /// Its page, in Markdown: what it sees, why it matters, what to do, how to provoke it.
    pub page: &'static str,
    find: fn(&mut Case<'_>) -> Option<Finding>,
}

macro_rules! rules {
    ($($name:ident)*) => {
        [$(Rule {
            slug: $name::SLUG,
            page: include_str!(concat!(stringify!($name), ".md")),
            find: $name::find,
        }),*]
    };
}

/// Every verdict: what explains a failure, then the data, the model, the rate and the batches.
pub const RULES: &[Rule] = &rules![
    momentum_too_high
    learning_rate_too_high
    badly_scaled_columns
    target_leak_suspected
    class_imbalance
    underfitting
    overfitting
    dead_units
    ill_conditioned
    learning_rate_too_low
    overshooting
    edge_of_stability
    batch_noise_dominated
    last_batch_imbalance
    at_the_noise_floor
    batch_larger_than_useful
];

/// Everything worth saying about a run, in the order of [`RULES`]. Without a model that is what explains its absence.
pub fn examine(case: &mut Case<'_>) -> Vec<Finding> {
    let has_failed = case.reason == Some(StopReason::Diverged);
    let found = RULES.iter().filter_map(|rule| (rule.find)(case));
    found.filter(|finding| !has_failed || finding.explains_failure()).collect()
}
