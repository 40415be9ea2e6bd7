//! How is the quality of a model said?

use downslope::metrics::Metrics;

use crate::axis::Format;
use crate::quantity::count;
use crate::table::{Column, Table};

/// The quality of a model on some rows, as a table.
pub fn table(metrics: &Metrics, n_rows: usize) -> Table {
    let rows = measures(metrics).into_iter();
    Table {
        caption: format!("On {} rows", count(n_rows as u64)),
        columns: vec![Column::text("measure"), Column::number("value"), Column::text("what it is")],
        rows: rows.map(|m| vec![m.name.to_owned(), m.format.write(m.value), m.meaning.to_owned()]).collect(),
    }
}

/// One metric, ready to be written.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Measure {
    /// Its name for a person.
    pub(crate) name: &'static str,
    /// What it is, as a formula where it has one.
    pub(crate) meaning: &'static str,
    pub(crate) value: f64,
    pub(crate) format: Format,
    pub(crate) best: Best,
}

/// Which end of a quantity is the good one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Best {
    Lowest,
    Highest,
}

/// All metrics that apply, the loss first; the log loss is left out where it is the loss.
pub(crate) fn measures(metrics: &Metrics) -> Vec<Measure> {
    use Best::{Highest, Lowest};
    use Format::{Number, Percent};
    let log_loss = metrics.log_loss.filter(|log_loss| (log_loss - metrics.loss).abs() > 0.0);
    let all = [
        ("loss", "mean of the loss over the rows", Some(metrics.loss), Number, Lowest),
        ("accuracy", "share of rows whose most likely class is the target", metrics.accuracy, Percent, Highest),
        ("AUC", "chance that a row of the second class scores above one of the first", metrics.auc, Number, Highest),
        ("log loss", "mean of −ln p(target)", log_loss, Number, Lowest),
        ("R²", "1 − Σ(t − ŷ)² / Σ(t − t̄)²: 1 is perfect, 0 is as good as the mean", metrics.r2, Number, Highest),
        ("RMSE", "√mean (t − ŷ)², in the unit of the target", metrics.rmse, Number, Lowest),
        ("MAE", "mean |t − ŷ|, in the unit of the target", metrics.mae, Number, Lowest),
    ];
    let measure = |(name, meaning, value, format, best)| {
        Option::<f64>::map(value, |value| Measure { name, meaning, value, format, best })
    };
    all.into_iter().filter_map(measure).collect()
}

/// The metric people ask for first: accuracy for classes, R² for numbers, else the loss.
pub(crate) fn headline(metrics: &Metrics) -> Option<Measure> {
    let all = measures(metrics);
    ["accuracy", "R²", "loss"].iter().find_map(|name| all.iter().find(|measure| measure.name == *name).copied())
}
