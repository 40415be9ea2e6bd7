//! Which verdicts are there?
//!
//! One file and one page each. A verdict is a function of a [`Case`]: cheap conditions first, probes only where they hold,
//! so that a run in which nothing is wrong is hardly asked anything.

mod learning_rate_too_high;
mod learning_rate_too_low;
mod momentum_too_high;
mod overshooting;

pub use learning_rate_too_high::learning_rate_too_high;

use super::{Case, Finding};

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

/// Every verdict, those that explain a failure first.
pub const RULES: &[Rule] = &rules![
    momentum_too_high
    learning_rate_too_high
    learning_rate_too_low
    overshooting
];

/// Everything worth saying about a run, in the order of [`RULES`].
pub fn examine(case: &mut Case<'_>) -> Vec<Finding> {
    let found = RULES.iter().filter_map(|rule| (rule.find)(case));
    let mut findings: Vec<Finding> = Vec::new();
    for finding in found {
        // Without a model only what explains that is worth a word, and one reason is enough.
        let is_about_a_failure = findings.iter().any(|found| found.severity == super::Severity::Failure);
        if !is_about_a_failure {
            findings.push(finding);
        }
    }
    findings
}
