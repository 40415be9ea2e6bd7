//! What came of a comparison, in words, tables and figures?
//!
//! [`to_text`] is what `downslope compare` prints at its end, [`to_page`] the same as a page with definitions of every
//! number, [`to_svg`] and [`to_png`] the one figure that says it all, [`to_csv`] its points. Nothing is computed here
//! that was not measured: values are chosen, written and put into sentences.

mod contest;
mod figures;
mod page;
mod table;
mod text;
mod verdict;

use std::fmt::Write;

use downslope::Result;
use downslope::compare::Comparison;

use crate::page::Page;
use crate::png;
use crate::svg;
use crate::terminal::Canvas;

/// The whole report for a terminal, ending in a line break. The canvas's height is that of each figure.
pub fn to_text(comparison: &Comparison, canvas: Canvas) -> String {
    text::report(comparison, canvas)
}

/// The whole report as a page.
pub fn to_page(comparison: &Comparison) -> Page {
    page::report(comparison)
}

/// The loss on the three clocks, one panel above the other, as an SVG file.
///
/// All three, because any single one would have decided the winner.
pub fn to_svg(comparison: &Comparison) -> String {
    svg::stacked(&verdict::headline(comparison), &figures::clocks(comparison))
}

/// The picture of [`to_svg`] as the bytes of a PNG file.
///
/// # Errors
/// As [`png::render`].
pub fn to_png(comparison: &Comparison) -> Result<Vec<u8>> {
    png::render(&to_svg(comparison), png::SCALE)
}

/// The points of all curves, a row each, with the header `method,batch_size,step,epoch,seconds,loss`; every digit kept
/// and lines ended by CRLF (RFC 4180).
pub fn to_csv(comparison: &Comparison) -> String {
    let mut out = "method,batch_size,step,epoch,seconds,loss\r\n".to_owned();
    for method in &comparison.methods {
        for (i, point) in method.curve.iter().enumerate() {
            let seconds = method.time.curve_seconds.get(i).copied().unwrap_or(f64::NAN);
            // Names hold neither commas nor quotation marks; writing to a `String` cannot fail.
            let _ = write!(
                out,
                "{},{},{},{:?},{seconds:?},{:?}\r\n",
                method.name, method.batch_size, point.step, point.epoch, point.loss
            );
        }
    }
    out
}

#[cfg(test)]
mod tests;
