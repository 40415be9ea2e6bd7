//! The loss on three clocks, what a step costs and how noisy it is, as figures.

use downslope::compare::{Comparison, Method, Point};

use super::verdict::Clock;
use crate::axis::{Axis, Format};
use crate::figure::{Bar, BarChart, LineChart, Mark, Series};
use crate::quantity::{number, seconds};
use crate::words::plural;

/// The loss must fall so many times for the small values to need a logarithmic axis.
const FALLS_FAR: f64 = 8.0;
/// Points of the line that theory draws.
const POINTS: u32 = 40;

/// The same losses on all three clocks.
pub(super) fn clocks(comparison: &Comparison) -> Vec<LineChart> {
    vec![by_steps(comparison), by_epochs(comparison), by_seconds(comparison)]
}

pub(super) fn by_steps(comparison: &Comparison) -> LineChart {
    let x = Axis::new("steps (log scale)").log10();
    let mut chart = chart(comparison, Clock::Steps, x, |_, _, point| point.step as f64);
    chart.marks = equal(comparison, Clock::Steps, comparison.equal_steps as f64);
    chart
}

pub(super) fn by_epochs(comparison: &Comparison) -> LineChart {
    chart(comparison, Clock::Epochs, Axis::new("epochs"), |_, _, point| point.epoch)
}

pub(super) fn by_seconds(comparison: &Comparison) -> LineChart {
    let x = Axis::new("training time (log scale)").log10().format(Format::Seconds);
    let mut chart = chart(comparison, Clock::Seconds, x, |method, i, _| {
        method.time.curve_seconds.get(i).copied().unwrap_or(f64::NAN)
    });
    chart.marks = equal(comparison, Clock::Seconds, comparison.time.equal_seconds);
    chart
}

/// Where on its axis a clock compares the methods.
fn equal(comparison: &Comparison, clock: Clock, x: f64) -> Vec<Mark> {
    let is_contest = !clock.contest(comparison).winners().is_empty();
    if is_contest { vec![Mark::Vertical { x, label: clock.amount(comparison) }] } else { Vec::new() }
}

fn chart(
    comparison: &Comparison,
    clock: Clock,
    x: Axis,
    position: impl Fn(&Method, usize, &Point) -> f64,
) -> LineChart {
    let series = |method: &Method| {
        let points = method.curve.iter().enumerate().map(|(i, point)| (position(method, i, point), point.loss));
        Series::new(method.name.clone(), points.collect())
    };
    let last = |method: &Method| {
        let loss = method.curve.iter().rev().find(|point| point.loss.is_finite()).map_or(f64::NAN, |point| point.loss);
        let ending = if method.succeeded() { "" } else { " and diverges" };
        format!("{} goes from {} to {}{ending}", method.name, number(comparison.initial_loss), number(loss))
    };
    let falls: Vec<String> = comparison.methods.iter().map(last).collect();
    LineChart {
        title: clock.finding(comparison),
        description: format!("Training loss over all rows against {}: {}.", clock.name(), falls.join("; ")),
        x,
        y: loss_axis(comparison),
        series: comparison.methods.iter().map(series).collect(),
        marks: Vec::new(),
    }
}

fn loss_axis(comparison: &Comparison) -> Axis {
    let losses = || comparison.methods.iter().flat_map(|method| &method.curve).map(|point| point.loss);
    let lowest = losses().filter(|loss| loss.is_finite()).fold(f64::INFINITY, f64::min);
    if lowest > 0.0 && comparison.initial_loss > FALLS_FAR * lowest {
        Axis::new("training loss (log scale)").log10()
    } else {
        Axis::new("training loss")
    }
}

/// The time of a step, a dot a method.
pub(super) fn step_times(comparison: &Comparison) -> BarChart {
    let bar = |method: &Method| Bar {
        name: format!("{} ({})", method.name, plural(method.batch_size as u64, "row")),
        value: method.time.step_seconds,
    };
    let times = |method: &Method| format!("{} {}", method.name, seconds(method.time.step_seconds));
    BarChart {
        title: "What one step costs".to_owned(),
        description: format!(
            "Median time of a step: {}.",
            comparison.methods.iter().map(times).collect::<Vec<_>>().join(", ")
        ),
        axis: Axis::new("median time per step (log scale)").log10().format(Format::Seconds),
        bars: comparison.methods.iter().map(bar).collect(),
    }
}

/// The noise that was measured, and the line it should lie on; nothing where fewer than two methods have any.
pub(super) fn noise(comparison: &Comparison) -> Option<LineChart> {
    let n = comparison.data.n_train as f64;
    let mut measured: Vec<(f64, f64)> = comparison
        .methods
        .iter()
        .filter(|method| method.gradient_noise.is_finite() && method.gradient_noise > 0.0)
        .map(|method| (method.batch_size as f64, method.gradient_noise))
        .collect();
    measured.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (Some(anchor), true) = (measured.first().copied(), measured.len() > 1 && n > 2.0) else { return None };
    // Cov(g_B) = Σ/B·(n−B)/(n−1), so the deviation of a batch relative to that of one row is:
    let relative = |batch: f64| ((n - batch) / (batch * (n - 1.0))).sqrt();
    let of_one_row = anchor.1 / relative(anchor.0);
    let expected = (0..POINTS).map(|i| (n - 1.0).powf(f64::from(i) / f64::from(POINTS - 1)));
    let line = expected.map(|batch| (batch, of_one_row * relative(batch))).collect();
    let words: Vec<String> = measured
        .iter()
        .map(|(rows, noise)| {
            format!(
                "{} at {}",
                number(*noise),
                if *rows < 1.5 { "1 row".to_owned() } else { format!("{} rows", number(*rows)) }
            )
        })
        .collect();
    Some(LineChart {
        title: "Noise falls with the square root of the batch size".to_owned(),
        description: format!(
            "Standard deviation of a batch's gradient over the length of the full gradient, measured at the common start: \
             {}. The line of theory goes through the first of them.",
            words.join(", ")
        ),
        x: Axis::new("rows a batch (log scale)").log10(),
        y: Axis::new("gradient noise (log scale)").log10(),
        series: vec![Series::new("measured", measured), Series::new("theory", line)],
        marks: Vec::new(),
    })
}
