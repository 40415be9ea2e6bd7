//! How does a figure read as text?
//!
//! Lines of box-drawing characters, one weight a series, so that they are told apart without colour; a band of dots
//! where a series is too noisy for a line alone. ASCII for terminals that have nothing else. Whether a terminal has
//! colour, and how wide it is, is for the command to find out.

mod grid;
mod heat;

use std::fmt::Write;

use unicode_width::UnicodeWidthStr;

use crate::axis::{Format, Span};
use crate::figure::{BarChart, LineChart, Mark};
use crate::page::unbroken;
use crate::plot::{Plot, whole};
use crate::table::{printable, wrap};
use grid::{Cell, Grid};

/// Which characters a terminal can show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Glyphs {
    /// Box drawing and blocks.
    #[default]
    Unicode,
    /// Nothing beyond ASCII in what is drawn; words stay as they are.
    Ascii,
}

/// Whether to colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Colour {
    /// No escape sequences: for files, pipes and `NO_COLOR`.
    #[default]
    Never,
    /// ANSI colours from the reader's own palette.
    Always,
}

/// Words for a terminal of a width: what data brought into them is shown and not obeyed, and lines too long are broken between
/// words.
///
/// ```
/// assert_eq!(downslope_view::terminal::wrapped("note: a column is left out", 16), "note: a column\nis left out");
/// ```
pub fn wrapped(words: &str, width: usize) -> String {
    let lines = words.lines().flat_map(|line| match printable(line) {
        line if line.width() <= width => vec![line],
        line => wrap(&unbroken(&line), width).collect(),
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// The room and the means that a drawing has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Canvas {
    /// Columns in all.
    pub width: usize,
    /// Lines in all, with title, legend and axis.
    pub height: usize,
    /// Which characters.
    pub glyphs: Glyphs,
    /// Whether to colour.
    pub colour: Colour,
}

impl Default for Canvas {
    /// 78 columns by 18 lines of Unicode without colour: fits the smallest usual terminal.
    fn default() -> Self {
        Self { width: 78, height: 18, glyphs: Glyphs::Unicode, colour: Colour::Never }
    }
}

/// How words of this program are spelled in ASCII.
const SPELLINGS: [(&str, &str); 15] = [
    ("λmax", "lambda_max"),
    ("R²", "R2"),
    ("µs", "us"),
    ("×", "x"),
    ("–", "-"),
    ("−", "-"),
    ("∞", "inf"),
    ("◂", "*"),
    ("→", "->"),
    ("·", "-"),
    ("η", "lr"),
    ("²", "^2"),
    ("√", "sqrt "),
    ("≤", "<="),
    ("β", "beta"),
];

impl Glyphs {
    /// Words of this program with nothing beyond ASCII in them where the terminal has no more; other words stay.
    pub(crate) fn spelled(self, words: &str) -> String {
        if self == Self::Unicode {
            return words.to_owned();
        }
        SPELLINGS.iter().fold(words.to_owned(), |words, (from, to)| words.replace(from, to))
    }
}

/// Cyan, yellow, magenta, green, blue, red: named colours, so the reader's own palette decides how they look.
const ANSI: [u8; 6] = [36, 33, 35, 32, 34, 31];

impl Canvas {
    pub(crate) fn picks<T>(self, unicode: T, ascii: T) -> T {
        if self.glyphs == Glyphs::Unicode { unicode } else { ascii }
    }

    pub(crate) fn coloured(self, series: usize, text: &str) -> String {
        match self.colour {
            Colour::Never => text.to_owned(),
            Colour::Always => format!("\u{1b}[{}m{text}\u{1b}[0m", ANSI[series % ANSI.len()]),
        }
    }
}

impl LineChart {
    /// The figure as text for a terminal, ending in a line break; where there is no room for axes, a line a series.
    pub fn to_text(&self, canvas: Canvas) -> String {
        // As many columns as points: a character takes the mean of its points, not of their extremes.
        let plot = Plot::of(self, 1 << 40);
        let mut out: String = wrap(&self.title, canvas.width).map(|line| line + "\n").collect();
        out.push_str(&self.legend(&plot, canvas));
        let heading = if self.y.label.is_empty() { String::new() } else { printable(&self.y.label) + "\n" };
        let head = out.lines().count() + heading.lines().count();
        let rows = canvas.height.saturating_sub(head + 3);
        if rows < 4 || canvas.width < 30 || self.is_empty() {
            return self.in_brief(canvas);
        }
        out.push_str(&heading);

        let labels: Vec<(usize, String)> = labels(&plot.y, self.y.format, rows / 2)
            .map(|(position, label)| (grid::row_of(position, rows), label))
            .collect();
        let gutter = labels.iter().map(|(_, label)| label.width()).max().unwrap_or(0);
        let columns = canvas.width.saturating_sub(gutter + 2);
        let grid = self.drawn(&plot, Grid::new(columns, rows), canvas);
        for r in 0..rows {
            let label = labels.iter().find(|(row, _)| *row == r).map_or("", |(_, label)| label);
            let edge = if label.is_empty() { canvas.picks('│', '|') } else { canvas.picks('┤', '+') };
            let _ = write!(out, "{}{label} {edge}", " ".repeat(gutter - label.width()));
            out.push_str(&grid.row(r, canvas));
            out.push('\n');
        }
        out.push_str(&ground(&plot.x, self.x.format, &printable(&self.x.label), gutter, columns, canvas));
        out
    }

    fn drawn(&self, plot: &Plot, mut grid: Grid, canvas: Canvas) -> Grid {
        for mark in &self.marks {
            match mark {
                Mark::Vertical { x, .. } if plot.x.scale.shows(*x) => {
                    grid.upright(plot.x.position(*x), canvas.picks('┊', ':'));
                }
                Mark::Horizontal { y, .. } if plot.y.scale.shows(*y) => {
                    grid.across(plot.y.position(*y), canvas.picks('┈', '.'));
                }
                _ => {}
            }
        }
        let noisy = |noisy: bool| plot.lines.iter().enumerate().rev().filter(move |(_, line)| line.noisy == noisy);
        for (i, line) in noisy(true) {
            grid.band(i, line, canvas.picks('·', '.'));
        }
        // The first series above the others, and the calm ones above the noise.
        for (i, line) in noisy(true).chain(noisy(false)) {
            grid.line(i, line, canvas);
        }
        for (i, exit) in plot.lines.iter().enumerate().filter_map(|(i, line)| Some((i, line.exit?))) {
            let row = if exit.upwards { 0 } else { grid.rows - 1 };
            let glyph = arrow(exit.upwards, canvas);
            grid.put(grid.column_of(exit.x), row, Cell { glyph, series: Some(i) });
        }
        grid
    }

    /// What each line is, and what it does that cannot be seen.
    fn legend(&self, plot: &Plot, canvas: Canvas) -> String {
        let mut entries = Vec::new();
        for (i, (series, line)) in self.series.iter().zip(&plot.lines).enumerate() {
            let mut words = printable(&series.name);
            if line.pieces.is_empty() {
                words.push_str(" (nothing to show)");
            }
            if let Some(exit) = line.exit {
                let _ = write!(words, " {} to {}", arrow(exit.upwards, canvas), self.y.format.write(exit.furthest));
            }
            let sample = grid::sample(i, canvas);
            entries.push((2 + 1 + words.width(), format!("{} {words}", canvas.coloured(i, &sample))));
        }
        for mark in &self.marks {
            let (glyph, label) = match mark {
                Mark::Vertical { label, .. } => (canvas.picks("┊", ":"), printable(label)),
                Mark::Horizontal { label, .. } => (canvas.picks("┈┈", ".."), printable(label)),
            };
            entries.push((glyph.width() + 1 + label.width(), format!("{glyph} {label}")));
        }
        flowing(entries, canvas.width)
    }

    /// A line a series: its name, its shape, its first and last value.
    fn in_brief(&self, canvas: Canvas) -> String {
        if self.series.is_empty() {
            return "nothing to show yet\n".to_owned();
        }
        let mut out = String::new();
        for (i, series) in self.series.iter().enumerate() {
            let name = printable(&series.name);
            let shown: Vec<f64> = series.points.iter().filter(|p| self.shows(**p)).map(|p| p.1).collect();
            let (Some(first), Some(last)) = (shown.first(), shown.last()) else {
                let _ = writeln!(out, "{name}: nothing to show");
                continue;
            };
            let ends =
                format!("{} {} {}", self.y.format.write(*first), canvas.picks("→", "->"), self.y.format.write(*last));
            let room = canvas.width.saturating_sub(name.width() + ends.width() + 2).min(24);
            let shape = if room >= 4 && canvas.glyphs == Glyphs::Unicode {
                sparkline(&shown, room) + " "
            } else {
                String::new()
            };
            let _ = writeln!(out, "{name} {}{ends}", canvas.coloured(i, &shape));
        }
        out
    }
}

impl BarChart {
    /// The figure as text for a terminal, ending in a line break; the height of the canvas is not used.
    pub fn to_text(&self, canvas: Canvas) -> String {
        let mut out: String = wrap(&self.title, canvas.width).map(|line| line + "\n").collect();
        let zero = (!self.is_dots()).then_some(0.0);
        let span = Span::of(self.axis.scale, self.bars.iter().map(|b| b.value).chain(zero));
        let span = if self.is_dots() { span.padded(0.08) } else { span };
        let names = self.bars.iter().map(|b| printable(&b.name).width()).max().unwrap_or(0);
        let shown = self.bars.iter().filter(|b| self.axis.scale.shows(b.value));
        let values = shown.map(|b| self.axis.format.write(b.value).width()).max().unwrap_or(0);
        let room = canvas.width.saturating_sub(names + values + 3).min(60);
        for (i, bar) in self.bars.iter().enumerate() {
            let name = printable(&bar.name);
            let pad = " ".repeat(names - name.width());
            if !self.axis.scale.shows(bar.value) {
                let _ = writeln!(out, "{name}{pad}  no value");
                continue;
            }
            let eighths = whole((span.position(bar.value).clamp(0.0, 1.0) * (room * 8) as f64).round());
            let drawn = match (self.is_dots(), canvas.glyphs) {
                (true, _) => canvas.picks("·", ".").repeat((eighths / 8).saturating_sub(1)) + canvas.picks("●", "o"),
                (false, Glyphs::Ascii) => "#".repeat(eighths.div_ceil(8)),
                (false, Glyphs::Unicode) => {
                    let part = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"][eighths % 8];
                    "█".repeat(eighths / 8) + part
                }
            };
            let value = self.axis.format.write(bar.value);
            let _ = writeln!(out, "{name}{pad}  {} {value}", canvas.coloured(i, &drawn));
        }
        if !self.axis.label.is_empty() {
            let scale = if self.is_dots() { " (log scale)" } else { "" };
            let _ = writeln!(out, "{}  {}{scale}", " ".repeat(names), printable(&self.axis.label));
        }
        out
    }
}

/// The shape of some values in one line of at most `width` blocks; a gap where no value is finite.
///
/// ```
/// # use downslope_view::terminal::sparkline;
/// assert_eq!(sparkline(&[8.0, 4.0, 2.0, 1.0], 10), "█▄▂▁");
/// ```
pub fn sparkline(values: &[f64], width: usize) -> String {
    const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let n = values.len().min(width);
    let means: Vec<Option<f64>> = (0..n)
        .map(|i| {
            let bucket = &values[i * values.len() / n..(i + 1) * values.len() / n];
            let finite: Vec<f64> = bucket.iter().copied().filter(|v| v.is_finite()).collect();
            (!finite.is_empty()).then(|| finite.iter().map(|v| v / finite.len() as f64).sum())
        })
        .collect();
    let low = means.iter().flatten().copied().fold(f64::INFINITY, f64::min);
    let high = means.iter().flatten().copied().fold(f64::NEG_INFINITY, f64::max);
    // Halved, because the difference of two huge values of unlike sign is beyond f64.
    let range = high / 2.0 - low / 2.0;
    let block = |mean: f64| {
        let share = if range > 0.0 { (mean / 2.0 - low / 2.0) / range } else { 0.0 };
        BLOCKS[whole((share * 7.0).round()).min(7)]
    };
    means.into_iter().map(|mean| mean.map_or(' ', block)).collect()
}

/// The entries of a legend, each with its width, in as many lines as they need.
fn flowing(entries: Vec<(usize, String)>, columns: usize) -> String {
    let mut out = String::new();
    let mut used = 0;
    for (width, entry) in entries {
        if used > 0 && used + 3 + width <= columns {
            out.push_str("   ");
            used += 3;
        } else if used > 0 {
            out.push('\n');
            used = 0;
        }
        out.push_str(&entry);
        used += width;
    }
    if out.is_empty() { out } else { out + "\n" }
}

fn arrow(upwards: bool, canvas: Canvas) -> char {
    if upwards { canvas.picks('▲', '^') } else { canvas.picks('▼', 'v') }
}

/// The labelled ticks of an axis: where they stand and what they say.
fn labels(span: &Span, format: Format, wanted: usize) -> impl Iterator<Item = (f64, String)> {
    let span = *span;
    span.ticks(format, wanted).into_iter().filter_map(move |t| Some((span.position(t.at), t.label?)))
}

/// The axis below: its line, its values, its name.
fn ground(span: &Span, format: Format, name: &str, gutter: usize, columns: usize, canvas: Canvas) -> String {
    let mut line = vec![canvas.picks('─', '-'); columns];
    let mut words = String::new();
    let indent = gutter + 2;
    for (position, label) in labels(span, format, columns / 12) {
        let column = whole((position * (columns.saturating_sub(1)) as f64).round());
        let start =
            (indent + column).saturating_sub(label.width() / 2).min((indent + columns).saturating_sub(label.width()));
        let used = words.width();
        if column >= columns || (used > 0 && start < used + 2) {
            continue;
        }
        line[column] = canvas.picks('┬', '+');
        words.push_str(&" ".repeat(start.saturating_sub(used)));
        words.push_str(&label);
    }
    let line: String = line.into_iter().collect();
    let mut out = format!("{} {}{line}\n{words}", " ".repeat(gutter), canvas.picks('└', '+'));
    // The name stands beside the values where it has room, and otherwise below them, in the middle.
    if !name.is_empty() {
        let beside = (indent + columns).saturating_sub(words.width() + name.width());
        let below = indent + columns.saturating_sub(name.width()) / 2;
        let _ = if beside >= 3 { write!(out, "{:beside$}{name}", "") } else { write!(out, "\n{:below$}{name}", "") };
    }
    out + "\n"
}

#[cfg(test)]
mod tests;
