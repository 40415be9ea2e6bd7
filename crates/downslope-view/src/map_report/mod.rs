//! What came of a map of learning rates and batch sizes, in words, a table and a figure?
//!
//! [`to_text`] is what `downslope compare --map` prints at its end, [`to_page`] the same as a page with definitions of
//! every number, [`to_svg`] and [`to_png`] the heat map, [`to_csv`] its cells. Nothing is computed here that was not
//! measured.

mod figures;
mod page;
mod verdict;

use std::fmt::Write;

use downslope::Result;
use downslope::map::LearningRateMap;
use downslope::stop::StopReason;

use crate::figure::HeatMap;
use crate::page::Page;
use crate::svg::Theme;
use crate::terminal::Canvas;
use crate::words::{hanging, next_steps, paragraph};

/// The whole report for a terminal, ending in a line break.
pub fn to_text(map: &LearningRateMap, canvas: Canvas) -> String {
    let mut out = paragraph(&verdict::subject(map), canvas);
    out.push('\n');
    out.push_str(&canvas.glyphs.spelled(&figures::heat_map(map).to_text(canvas)));
    out.push('\n');
    out.push_str(&canvas.glyphs.spelled(&figures::by_batch_size(map).to_text(canvas.width, canvas.glyphs)));
    out.push('\n');
    for words in verdict::paragraphs(map) {
        out.push_str(&hanging(&words, canvas));
    }
    out.push('\n');
    out.push_str(&next_steps(&verdict::next(map), canvas));
    out
}

/// The whole report as a page.
pub fn to_page(map: &LearningRateMap) -> Page {
    page::report(map)
}

/// The heat map under its finding, for those who see nothing else of the report.
fn figure(map: &LearningRateMap) -> HeatMap {
    let figure = figures::heat_map(map);
    let description = format!("{} {}", figure.description, verdict::border(map));
    HeatMap { title: verdict::headline(map), description, ..figure }
}

/// The heat map as an SVG file.
pub fn to_svg(map: &LearningRateMap) -> String {
    figure(map).to_svg(Theme::Light)
}

/// The picture of [`to_svg`] as the bytes of a PNG file.
///
/// # Errors
/// As [`crate::png::render`].
pub fn to_png(map: &LearningRateMap) -> Result<Vec<u8>> {
    figure(map).to_png()
}

/// The runs, a row each, with the header `batch_size,lr,steps,diverged,loss`; every digit kept, a loss that is none
/// written `NaN`, and lines ended by CRLF (RFC 4180).
pub fn to_csv(map: &LearningRateMap) -> String {
    let mut out = "batch_size,lr,steps,diverged,loss\r\n".to_owned();
    for column in &map.columns {
        for cell in &column.cells {
            let (diverged, loss) = (cell.reason == StopReason::Diverged, cell.loss.unwrap_or(f64::NAN));
            // Writing to a `String` cannot fail.
            let _ = write!(out, "{},{:?},{},{diverged},{loss:?}\r\n", column.batch_size, cell.lr, cell.steps);
        }
    }
    out
}

#[cfg(test)]
mod tests;
