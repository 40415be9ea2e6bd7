//! Which numbers stand side by side, and which of them is the best of its row?

use downslope::compare::{Comparison, Method};
use downslope::stop::StopReason;

use super::contest::Contest;
use crate::quality::{Best, headline};
use crate::quantity::{count, number, rate, seconds};
use crate::words::plural;

/// Rows that answer one question.
#[derive(Clone, Debug)]
pub(super) struct Group {
    pub(super) title: String,
    pub(super) rows: Vec<Row>,
}

/// One quantity, a field a method.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) label: String,
    pub(super) fields: Vec<Field>,
}

/// One number and whether it is the best of its row.
#[derive(Clone, Debug)]
pub(super) struct Field {
    pub(super) text: String,
    pub(super) is_best: bool,
}

/// What stands where there is no number.
const NOTHING: &str = "–";

/// Epochs that every method with a model did, if they all did as many.
pub(super) fn equal_epochs(comparison: &Comparison) -> Option<u64> {
    let mut epochs = comparison.methods.iter().filter(|method| method.succeeded()).map(|method| method.epochs);
    let first = epochs.next()?;
    epochs.all(|other| other == first).then_some(first)
}

/// The loss after equal epochs. What stopped early (by time, patience or hand) leaves none that are equal.
pub(super) fn at_equal_epochs(comparison: &Comparison, method: &Method) -> Option<f64> {
    method.loss_at_equal_epochs.filter(|_| method.succeeded() && equal_epochs(comparison).is_some())
}

/// The best share of rows, or what is said first of a model, on rows held out.
pub(super) fn held_out(method: &Method) -> Option<f64> {
    method.validation.as_ref().filter(|_| method.succeeded()).and_then(headline).map(|measure| measure.value)
}

pub(super) fn is_full(comparison: &Comparison, method: &Method) -> bool {
    method.batch_size >= comparison.data.n_train
}

pub(super) fn groups(comparison: &Comparison) -> Vec<Group> {
    vec![
        Group { title: "What it is".to_owned(), rows: what_it_is(comparison) },
        Group { title: "What a step costs".to_owned(), rows: what_a_step_costs(comparison) },
        Group { title: "What it gives".to_owned(), rows: what_it_gives(comparison) },
    ]
}

fn what_it_is(comparison: &Comparison) -> Vec<Row> {
    let from = |method: &Method| match &method.lr_from {
        None => "given".to_owned(),
        Some(chosen) => match chosen.halvings {
            0 => "auto".to_owned(),
            1 => "auto, halved".to_owned(),
            times => format!("auto, halved {times}×"),
        },
    };
    vec![
        plain(comparison, "batch size (rows)", |method| count(method.batch_size as u64)),
        plain(comparison, "learning rate", |method| number(method.lr)),
        plain(comparison, "where from", from),
        plain(comparison, "steps per epoch", |method| count(method.steps_per_epoch)),
    ]
}

fn what_a_step_costs(comparison: &Comparison) -> Vec<Row> {
    let step = |method: &Method| Some(method.time.step_seconds).filter(|time| *time > 0.0);
    let spread = |method: &Method| middle_half(method.time.step_seconds_low, method.time.step_seconds_high);
    let measured = |value: f64| if value.is_finite() { number(value) } else { NOTHING.to_owned() };
    let noise = |method: &Method| measured(method.gradient_noise);
    let zig_zag = |method: &Method| if method.succeeded() { measured(method.zig_zag) } else { NOTHING.to_owned() };
    let rows_per_second = |method: &Method| Some(method.time.rows_per_second);
    vec![
        contested(comparison, "time per step", Best::Lowest, seconds, step),
        plain(comparison, "  middle half", spread),
        contested(
            comparison,
            "rows per second",
            Best::Highest,
            |value| rate(value).replace(" rows/s", ""),
            rows_per_second,
        ),
        contested(comparison, "time per epoch", Best::Lowest, seconds, |method| epoch_seconds(comparison, method)),
        plain(comparison, "gradient noise", noise),
        plain(comparison, "zig-zag", zig_zag),
    ]
}

/// Seconds that one pass over the rows takes.
pub(super) fn epoch_seconds(comparison: &Comparison, method: &Method) -> Option<f64> {
    let time = comparison.data.n_train as f64 / method.time.rows_per_second;
    Some(time).filter(|time| time.is_finite() && *time > 0.0)
}

fn what_it_gives(comparison: &Comparison) -> Vec<Row> {
    let mut rows = Vec::new();
    if comparison.methods.iter().any(|method| method.reason != StopReason::Epochs) {
        rows.push(plain(comparison, "how it ended", |method| match method.reason {
            StopReason::Epochs => "done".to_owned(),
            StopReason::Diverged => "diverged".to_owned(),
            StopReason::Interrupted => "interrupted".to_owned(),
            StopReason::Patience => "patience".to_owned(),
            StopReason::Seconds => "time is up".to_owned(),
            StopReason::Target => "target".to_owned(),
            StopReason::Steps => "steps done".to_owned(),
        }));
    }
    let mut row = |label: String, write: &dyn Fn(f64) -> String, value: &dyn Fn(&Method) -> Option<f64>| {
        // What diverged has numbers, but gives nothing.
        let given = |method: &Method| value(method).filter(|_| method.succeeded());
        rows.push(contested(comparison, &label, Best::Lowest, write, given));
    };
    row(format!("loss after {}", plural(comparison.equal_steps, "step")), &number, &|m| m.loss_at_equal_steps);
    row(
        format!("loss after {}", plural(equal_epochs(comparison).unwrap_or(comparison.epochs), "epoch")),
        &number,
        &|m| at_equal_epochs(comparison, m),
    );
    if comparison.time.equal_seconds.is_finite() {
        let label = format!("loss after {}", seconds(comparison.time.equal_seconds));
        row(label, &number, &|m| m.time.loss_at_equal_seconds);
    }
    if comparison.target_loss.is_finite() {
        let label = format!("time to loss {}", number(comparison.target_loss));
        row(label, &seconds, &|m| m.time.seconds_to_target);
    }
    if let Some(measure) = comparison.methods.iter().find_map(|method| method.validation.as_ref().and_then(headline)) {
        let label = format!("validation {}", measure.name);
        rows.push(contested(comparison, &label, measure.best, |value| measure.format.write(value), held_out));
    }
    rows
}

/// Two times in one unit: `20.8–23.5 µs`.
fn middle_half(low: f64, high: f64) -> String {
    let (low, high) = (seconds(low), seconds(high));
    let unit = |text: &str| text.rsplit_once(' ').map_or(String::new(), |(_, unit)| unit.to_owned());
    match low.rsplit_once(' ') {
        Some((number, _)) if unit(&low) == unit(&high) && !number.contains(' ') => format!("{number}–{high}"),
        _ if low.is_empty() || low.starts_with("not") => NOTHING.to_owned(),
        _ => format!("{low}–{high}"),
    }
}

fn plain(comparison: &Comparison, label: &str, text: impl Fn(&Method) -> String) -> Row {
    let fields = comparison.methods.iter().map(|method| Field { text: text(method), is_best: false }).collect();
    Row { label: label.to_owned(), fields }
}

fn contested(
    comparison: &Comparison,
    label: &str,
    best: Best,
    write: impl Fn(f64) -> String,
    value: impl Fn(&Method) -> Option<f64>,
) -> Row {
    let contest = Contest::new(comparison, best, &value);
    let field = |method: &Method| match value(method) {
        Some(value) if value.is_finite() => Field { text: write(value), is_best: contest.is_won_by(method) },
        _ => Field { text: NOTHING.to_owned(), is_best: false },
    };
    Row { label: label.to_owned(), fields: comparison.methods.iter().map(field).collect() }
}
