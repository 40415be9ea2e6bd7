//! What came of a run, or of several, in words, tables and figures?
//!
//! [`summary_text`] is what `downslope train` prints at its end, [`to_page`] the report of one run or several side by
//! side, [`to_svg`] and [`to_png`] their losses by epoch, [`to_csv`] all that was written down along the way. A run
//! that has not ended, or not well, says so first.

mod curves;
mod figures;
mod page;
mod text;
mod verdict;

use std::fmt::Write;

use downslope::Result;
use downslope::run::Record;
use serde_json::Value;

use crate::page::Page;
use crate::png;
use crate::svg;
use crate::terminal::Canvas;
use curves::{Curves, Place};

/// A run as it is kept in its directory.
#[derive(Clone, Copy, Debug)]
pub struct Run<'a> {
    /// The directory, as it was named: commands and legends name it so.
    pub name: &'a str,
    /// What stands in `run.json`.
    pub record: &'a Record,
    /// The lines of `metrics.jsonl`: [`downslope::run::RunDirectory::events`].
    pub events: &'a [Value],
}

/// What came of a run, for a terminal, ending in a line break. The canvas's height is that of the figure.
pub fn summary_text(run: &Run<'_>, canvas: Canvas) -> String {
    text::summary(run, canvas)
}

/// One run, or several side by side, as a page.
pub fn to_page(runs: &[Run<'_>]) -> Page {
    page::report(runs)
}

/// The losses by epoch as an SVG file: training and, where rows are held out, validation.
pub fn to_svg(runs: &[Run<'_>]) -> String {
    svg::stacked(&page::title(runs), &figures::losses(runs))
}

/// The picture of [`to_svg`] as the bytes of a PNG file.
///
/// # Errors
/// As [`png::render`].
pub fn to_png(runs: &[Run<'_>]) -> Result<Vec<u8>> {
    png::render(&to_svg(runs), png::SCALE)
}

/// What was written down along the way, a row each value, with the header `run,step,epoch,series,value`; every digit
/// kept and lines ended by CRLF (RFC 4180).
pub fn to_csv(runs: &[Run<'_>]) -> String {
    let mut out = "run,step,epoch,series,value\r\n".to_owned();
    for run in runs {
        let name = crate::figure::csv_field(run.name);
        let mut row = |place: Place, series: &str, value: f64| {
            // Writing to a `String` cannot fail.
            let _ = write!(out, "{name},{},{:?},{series},{value:?}\r\n", place.step, place.epoch);
        };
        let curves = Curves::of(run);
        for step in &curves.steps {
            row(step.place, "batch_loss", step.loss);
            row(step.place, "lr", step.lr);
        }
        for epoch in &curves.epochs {
            row(epoch.place, "train_loss", epoch.train_loss);
            for (series, value) in &epoch.validation {
                row(epoch.place, series, *value);
            }
            row(epoch.place, "lr", epoch.lr);
            row(epoch.place, "training_seconds", epoch.seconds);
        }
    }
    out
}

#[cfg(test)]
mod tests;
