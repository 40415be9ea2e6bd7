//! One file a command.

pub(crate) mod advise;
pub(crate) mod compare;
pub(crate) mod data;
pub(crate) mod explain;
mod form;
pub(crate) mod learn;
mod play;
pub(crate) mod predict;
pub(crate) mod report;
pub(crate) mod train;

use downslope::Result;
use downslope::data::Notice;
use downslope::diagnosis::Finding;
use downslope::loader::BatchSize;
use downslope::run::Experiment;
use downslope_view::quantity::count;

use crate::args::{Judge, Voice};
use crate::console::say;

/// Says what is about to happen, and what was decided on the way.
fn introduce(experiment: &Experiment, name: &str, batch_sizes: &[BatchSize]) {
    let data = experiment.summary();
    let goal = match data.classes.len() {
        0 => format!("`{}`", data.target),
        classes => format!("`{}` ({classes} classes)", data.target),
    };
    say(format!(
        "{name}: {} rows to train on, {} held out, {} features → {goal}",
        count(data.n_train as u64),
        count(data.n_validation as u64),
        count(data.n_features as u64),
    ));
    say(format!("{}, {} parameters, loss `{}`", data.model, count(data.n_parameters as u64), data.loss));
    for batch_size in batch_sizes {
        if matches!(batch_size, BatchSize::Rows(rows) if rows.get() > data.n_train) {
            let rows = count(data.n_train as u64);
            say(format!("note: a batch of {batch_size} is more than the {rows} training rows: it holds them all"));
        }
    }
    tell(experiment.notices());
}

/// Categories that training never saw come in hordes; so many are told one by one.
const UNKNOWN_LEVELS_TOLD: usize = 3;

/// Says what was noticed.
fn tell(notices: &[Notice]) {
    let (unknown, others): (Vec<_>, Vec<_>) =
        notices.iter().partition(|notice| matches!(notice, Notice::UnknownLevel { .. }));
    let (told, more) = unknown.split_at(unknown.len().min(UNKNOWN_LEVELS_TOLD));
    for notice in others.iter().chain(told) {
        say(format!("note: {notice}"));
    }
    if !more.is_empty() {
        say(format!("note: {} more categories that training never saw count as none", more.len()));
    }
}

/// Fails if a finding to be denied does not exist.
fn check_deny(judge: &Judge) -> Result<()> {
    judge.deny.iter().try_for_each(|slug| explain::rule(slug, "deny").map(|_| ()))
}

/// Whether none of the findings is to be denied, and if one is, says so.
fn is_allowed<'a>(findings: impl IntoIterator<Item = &'a Finding>, judge: &Judge, voice: &Voice) -> bool {
    let denied: Vec<&str> = findings
        .into_iter()
        .map(|finding| finding.slug.as_str())
        .filter(|slug| judge.deny.iter().any(|d| d == slug))
        .collect();
    if !denied.is_empty() && !voice.quiet {
        say(format!("found what was denied: {}", denied.join(", ")));
    }
    denied.is_empty()
}
