//! What is advised, and what says so, in words, tables and figures?
//!
//! [`to_text`] is what `downslope advise` prints, [`to_page`] the same with all figures, [`to_svg`] and [`to_png`] the
//! figures one above the other, [`to_csv`] their points.

mod figures;
mod page;
mod text;
mod verdict;

use std::fmt::Write;

use downslope::Result;
use downslope::advise::Advice;

use crate::page::Page;
use crate::png;
use crate::svg;
use crate::terminal::Canvas;

/// The whole report for a terminal, ending in a line break. The canvas's height is that of each figure.
pub fn to_text(advice: &Advice, canvas: Canvas) -> String {
    text::report(advice, canvas)
}

/// The whole report as a page.
pub fn to_page(advice: &Advice) -> Page {
    page::report(advice)
}

/// All figures, one panel above the other, as an SVG file.
pub fn to_svg(advice: &Advice) -> String {
    svg::stacked(&verdict::headline(advice), &figures::all(advice))
}

/// The picture of [`to_svg`] as the bytes of a PNG file.
///
/// # Errors
/// As [`png::render`].
pub fn to_png(advice: &Advice) -> Result<Vec<u8>> {
    png::render(&to_svg(advice), png::SCALE)
}

/// The points of all figures with the header `figure,series,x,y`, every digit kept and lines ended by CRLF (RFC 4180).
pub fn to_csv(advice: &Advice) -> String {
    let mut out = "figure,series,x,y\r\n".to_owned();
    for chart in figures::all(advice) {
        let name = crate::figure::csv_field(&chart.title);
        for line in chart.to_csv().lines().skip(1) {
            // Writing to a `String` cannot fail.
            let _ = write!(out, "{name},{line}\r\n");
        }
    }
    out
}
