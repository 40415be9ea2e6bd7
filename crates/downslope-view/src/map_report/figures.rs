//! The map as a figure, and its batch sizes as a table.

use downslope::map::{Column, LearningRateMap};
use downslope::stop::StopReason;

use super::verdict::{self, factor_over_prediction};
use crate::axis::{Axis, Format};
use crate::figure::{HeatMap, Profile};
use crate::quantity::{count, number};
use crate::table::{self, Table};
use crate::words::rounded;

/// Where shades end: what is left of the way from the loss at the start to the lowest on the map.
const LEFT_OF_THE_WAY: [f64; 6] = [0.003, 0.01, 0.03, 0.1, 0.3, 1.0];
const NOTHING: &str = "–";

/// Losses as shades, and over them where divergence was predicted, the best rates and those of `--lr auto`.
pub(super) fn heat_map(map: &LearningRateMap) -> HeatMap {
    let profile = |name: &str, value: &dyn Fn(&Column) -> f64| Profile {
        name: name.to_owned(),
        values: map.columns.iter().map(value).collect(),
    };
    // A run that was interrupted is not lost: its cell stays empty.
    let losses = |column: &Column| {
        let ended = column.cells.iter().filter(|cell| cell.reason != StopReason::Interrupted);
        ended.map(|cell| cell.loss.unwrap_or(f64::NAN)).collect()
    };
    HeatMap {
        title: format!("Training loss after {}", verdict::length(map)),
        description: verdict::reading(map),
        x: Axis::new("batch size (rows)").format(Format::Count),
        y: Axis::new("learning rate (log scale)").log10(),
        value: Axis::new("training loss"),
        columns: map.columns.iter().map(|column| column.batch_size as f64).collect(),
        rows: map.rates.clone(),
        cells: map.columns.iter().map(losses).collect(),
        bounds: bounds(map),
        lost: "diverged".to_owned(),
        profiles: vec![
            profile("best rate", &|column| column.best.map_or(f64::NAN, |best| best.lr)),
            profile("predicted limit", &|column| column.predicted_limit),
            profile("--lr auto", &|column| column.auto_lr),
        ],
    }
}

fn bounds(map: &LearningRateMap) -> Vec<f64> {
    let lowest = verdict::lowest(map).map_or(f64::INFINITY, |(_, best)| best.loss);
    if lowest < map.initial_loss {
        LEFT_OF_THE_WAY.map(|left| lowest + left * (map.initial_loss - lowest)).to_vec()
    } else {
        vec![map.initial_loss]
    }
}

/// What was found at each batch size.
pub(super) fn by_batch_size(map: &LearningRateMap) -> Table {
    let written = |value: Option<f64>| value.map_or(NOTHING.to_owned(), number);
    let row = |column: &Column| {
        vec![
            count(column.batch_size as u64),
            count(column.steps),
            written(column.best.map(|best| best.lr)),
            written(column.best.map(|best| best.loss)),
            number(column.auto_lr),
            number(column.predicted_limit),
            written(column.measured_border),
            factor_over_prediction(column).map_or(NOTHING.to_owned(), |factor| format!("{}×", number(rounded(factor)))),
        ]
    };
    let headings =
        ["batch size", "steps", "best rate", "its loss", "auto rate", "predicted limit", "measured border", "apart"];
    Table {
        caption: String::new(),
        columns: headings.into_iter().map(table::Column::number).collect(),
        rows: map.columns.iter().map(row).collect(),
    }
}
