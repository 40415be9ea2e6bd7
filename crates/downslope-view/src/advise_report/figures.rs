//! The evidence as figures: limits, range tests, the time of a step, the time to the target, the race.

use downslope::advise::{Advice, TARGET};
use downslope::diagnosis::noise::expected;
use downslope::diagnosis::range_test::RangeTest;

use crate::axis::{Axis, Format};
use crate::figure::{LineChart, Mark, Series};
use crate::quantity::{number, percent, seconds};
use crate::words::plural;

/// Every figure there is something to show in, in the order of reading.
pub(super) fn all(advice: &Advice) -> Vec<LineChart> {
    let mut charts = vec![limits(advice)];
    charts.extend(advice.range_tests().map(|test| range_test(advice, test)));
    charts.push(step_times(advice));
    charts.push(times_to_target(advice));
    charts.push(noise(advice));
    charts.push(race(advice));
    charts.retain(|chart| !chart.is_empty());
    charts
}

fn batch_axis() -> Axis {
    Axis::new("rows a batch (log scale)").log10()
}

/// The rates that theory calls safe and those it warns of, over the batch size, and the edges that were measured.
pub(super) fn limits(advice: &Advice) -> LineChart {
    let of = |value: &dyn Fn(&downslope::advise::AtBatchSize) -> f64| {
        advice.at.iter().map(|at| (at.batch_size as f64, value(at))).collect::<Vec<_>>()
    };
    let edges = advice.range_tests().filter_map(|test| Some((test.batch_size as f64, test.edge?)));
    let mut edges: Vec<(f64, f64)> = edges.collect();
    edges.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut series = vec![Series::new("safe", of(&|at| at.lr)), Series::new("limit", of(&|at| at.limit))];
    if !edges.is_empty() {
        series.push(Series::new("edge, measured", edges));
    }
    LineChart {
        title: "How far a step may go".to_owned(),
        description: format!(
            "Learning rates against the batch size: the one called safe, the one above which a run may leap out, \
             2B/(β + (B − 1)λmax), and where range tests saw it leap out. Full batches: {} from 2/λmax.",
            number(advice.curvature.stability_limit)
        ),
        x: batch_axis(),
        y: Axis::new("learning rate (log scale)").log10(),
        series,
        marks: vec![Mark::Vertical {
            x: advice.time.plan.batch_size.of(advice.data.n_train) as f64,
            label: "advised".to_owned(),
        }],
    }
}

/// The loss after a few steps at each rate.
pub(super) fn range_test(advice: &Advice, test: &RangeTest) -> LineChart {
    let rows = if test.batch_size == advice.data.n_train {
        "full batches".to_owned()
    } else {
        format!("batches of {}", plural(test.batch_size as u64, "row"))
    };
    // What leapt out would hide what fell.
    let shown = |loss: f64| loss <= 4.0 * test.initial_loss;
    let points = test.trials.iter().filter(|trial| shown(trial.loss)).map(|trial| (trial.lr, trial.loss));
    let mut marks = vec![Mark::Vertical { x: test.limit, label: "theory".to_owned() }];
    if let Some(edge) = test.edge {
        marks.push(Mark::Vertical { x: edge, label: "measured".to_owned() });
    }
    let edge = test.edge.map_or("at no rate tried".to_owned(), |edge| format!("from {} on", number(edge)));
    LineChart {
        title: format!("Range test with {rows}"),
        description: format!(
            "Training loss after {} steps from the same start, against the rate: it rises instead of falling {edge}; theory \
             says {}.",
            test.steps,
            number(test.limit)
        ),
        x: Axis::new("learning rate (log scale)").log10(),
        y: Axis::new("loss"),
        series: vec![Series::new("loss", points.collect())],
        marks,
    }
}

/// What a step of each batch size takes, as measured.
pub(super) fn step_times(advice: &Advice) -> LineChart {
    let points: Vec<(f64, f64)> =
        advice.time.step_seconds.iter().map(|&(rows, seconds)| (rows as f64, seconds)).collect();
    let ends = [points.first(), points.last()].into_iter().flatten();
    let words: Vec<String> =
        ends.map(|(rows, time)| format!("{} at {}", seconds(*time), plural(*rows as u64, "row"))).collect();
    LineChart {
        title: "What a step costs here".to_owned(),
        description: format!("Median time of a step against the batch size: {}.", words.join(", ")),
        x: batch_axis(),
        y: Axis::new("time per step (log scale)").log10().format(Format::Seconds),
        series: vec![Series::new("measured", points)],
        marks: Vec::new(),
    }
}

/// The predicted time to the target.
pub(super) fn times_to_target(advice: &Advice) -> LineChart {
    let points: Vec<(f64, f64)> =
        advice.time.seconds_to_target.iter().filter_map(|&(rows, time)| Some((rows as f64, time?))).collect();
    let best = points.iter().min_by(|a, b| a.1.total_cmp(&b.1));
    let words = best.map_or(String::new(), |(rows, time)| {
        format!(" Lowest: {} at {}.", seconds(*time), plural(*rows as u64, "row"))
    });
    LineChart {
        title: format!("Predicted time until {} of the gain is left", percent(TARGET)),
        description: format!(
            "Steps that theory predicts times the seconds of a step, against the batch size.{words} {}",
            super::verdict::certainty(advice)
        ),
        x: batch_axis(),
        y: Axis::new("time (log scale)").log10().format(Format::Seconds),
        series: vec![Series::new("predicted", points)],
        marks: Vec::new(),
    }
}

/// The noise of a batch over the length of the gradient, by theory from the noise of single rows.
pub(super) fn noise(advice: &Advice) -> LineChart {
    let noise = &advice.noise;
    let relative = |rows: usize| expected(noise.b_simple.sqrt(), advice.data.n_train, rows);
    let points = advice.at.iter().map(|at| (at.batch_size as f64, relative(at.batch_size))).collect();
    LineChart {
        title: "How much of a batch's gradient is noise".to_owned(),
        description: format!(
            "√(tr Σ/B·(n − B)/(n − 1))/|G| at the start: noise and gradient are equal at B = {} rows.",
            super::verdict::with_interval(noise)
        ),
        x: batch_axis(),
        y: Axis::new("noise over gradient (log scale)").log10(),
        series: vec![Series::new("at the start", points)],
        marks: vec![
            Mark::Horizontal { y: 1.0, label: "as much noise as gradient".to_owned() },
            Mark::Vertical { x: noise.b_simple, label: "B_simple".to_owned() },
        ],
    }
}

/// Who ran for the whole time, and how far.
pub(super) fn race(advice: &Advice) -> LineChart {
    let Some(race) = &advice.time.plan.race else { return LineChart::default() };
    let finals = || race.runners.iter().filter(|runner| runner.seconds >= race.seconds);
    let mut sizes: Vec<usize> = finals().map(|runner| runner.batch_size).collect();
    sizes.sort_unstable();
    sizes.dedup();
    let of_size = |size: usize| {
        let runners = finals().filter(|runner| runner.batch_size == size);
        let mut points: Vec<(f64, f64)> = runners.map(|runner| (runner.lr, runner.loss)).collect();
        points.sort_by(|a, b| a.0.total_cmp(&b.0));
        Series::new(plural(size as u64, "row"), points)
    };
    LineChart {
        title: "The final of the race".to_owned(),
        description: format!(
            "Loss after {} of training against the rate, for the pairs that came so far.",
            seconds(race.seconds)
        ),
        x: Axis::new("learning rate (log scale)").log10(),
        y: Axis::new("loss"),
        series: sizes.into_iter().map(of_size).collect(),
        marks: Vec::new(),
    }
}
