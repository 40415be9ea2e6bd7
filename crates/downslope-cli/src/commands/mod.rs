//! One file a command.

pub(crate) mod compare;
pub(crate) mod data;
pub(crate) mod predict;
pub(crate) mod report;
pub(crate) mod train;

use downslope::run::Experiment;
use downslope_view::quantity::count;

use crate::console::say;

/// Says what is about to happen, and what was decided on the way.
fn introduce(experiment: &Experiment, name: &str) {
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
    for notice in experiment.notices() {
        say(format!("note: {notice}"));
    }
}
