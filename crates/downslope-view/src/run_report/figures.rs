//! Losses and learning rate by epoch, as figures.

use super::Run;
use super::curves::Curves;
use crate::axis::Axis;
use crate::figure::{LineChart, Series};
use crate::quantity::number;

/// The loss must fall so many times for the small values to need a logarithmic axis.
const FALLS_FAR: f64 = 8.0;

/// So few points of whole epochs show nothing yet.
const FEW_EPOCHS: usize = 2;

/// Training and validation loss: in one figure for one run, in one each for several.
pub(super) fn losses(runs: &[Run<'_>]) -> Vec<LineChart> {
    if let [run] = runs {
        return vec![losses_of(run)];
    }
    let curves: Vec<(&Run<'_>, Curves)> = runs.iter().map(|run| (run, Curves::of(run))).collect();
    let series = |points: fn(&Curves) -> Vec<(f64, f64)>| -> Vec<Series> {
        curves.iter().map(|(run, curves)| Series::new(run.name, points(curves))).collect()
    };
    let mut charts = vec![chart("Training loss", "training loss", series(Curves::train))];
    let validation = series(Curves::validation);
    if validation.iter().any(|series| !series.points.is_empty()) {
        charts.push(chart("Validation loss", "validation loss", validation));
    }
    charts
}

/// Training and validation loss of one run; where it did not get through its first epochs, the losses of single batches.
/// Beside whole epochs they would hide them: single rows scatter over ten decades. The CSV has them all.
pub(super) fn losses_of(run: &Run<'_>) -> LineChart {
    let curves = Curves::of(run);
    let mut series = vec![Series::new("training", curves.train())];
    let validation = curves.validation();
    if !validation.is_empty() {
        series.push(Series::new("validation", validation));
    }
    if !curves.steps.is_empty() && series[0].points.len() <= FEW_EPOCHS {
        let points = curves.steps.iter().map(|step| (step.place.epoch, step.loss)).collect();
        series.push(Series::new("single batches", points));
    }
    chart("Loss by epoch", "loss", series)
}

fn chart(title: &str, label: &str, series: Vec<Series>) -> LineChart {
    let sentence = |series: &Series| {
        let mut finite = series.points.iter().filter(|point| point.1.is_finite());
        let first = finite.next()?;
        let last = finite.next_back().unwrap_or(first);
        Some(format!("{} from {} to {}", series.name, number(first.1), number(last.1)))
    };
    let words: Vec<String> = series.iter().filter_map(sentence).collect();
    let losses =
        || series.iter().flat_map(|series| &series.points).map(|point| point.1).filter(|loss| loss.is_finite());
    let lowest = losses().fold(f64::INFINITY, f64::min);
    let first = series.iter().filter_map(|series| series.points.first()).map(|point| point.1).fold(0.0, f64::max);
    let y = Axis::new(label);
    let falls_far = lowest > 0.0 && first > FALLS_FAR * lowest;
    LineChart {
        title: title.to_owned(),
        description: if words.is_empty() { String::new() } else { format!("By epoch: {}.", words.join("; ")) },
        x: Axis::new("epochs"),
        y: if falls_far { Axis::new(format!("{label} (log scale)")).log10() } else { y },
        series,
        marks: Vec::new(),
    }
}

/// The learning rate by epoch, if it changes in any of the runs.
pub(super) fn learning_rates(runs: &[Run<'_>]) -> Option<LineChart> {
    let series: Vec<Series> = runs.iter().map(|run| Series::new(run.name, Curves::of(run).changing_lr())).collect();
    if series.iter().all(|series| series.points.is_empty()) {
        return None;
    }
    let series =
        if runs.len() == 1 { vec![Series { name: "rate".to_owned(), ..series.into_iter().next()? }] } else { series };
    let mut chart = chart("Learning rate by epoch", "learning rate", series);
    chart.series.retain(|series| !series.points.is_empty());
    Some(chart)
}
