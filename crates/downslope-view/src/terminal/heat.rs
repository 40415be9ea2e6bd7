//! How does a heat map read as text?
//!
//! Denser blocks for lower values, a cross for what is lost, and the signs of the lines where they pass.

use std::fmt::Write;

use unicode_width::UnicodeWidthStr;

use super::{Canvas, flowing};
use crate::figure::HeatMap;
use crate::plot::whole;
use crate::table::{printable, wrap};

/// From the lowest values to the highest.
const SHADES: [(char, char); crate::palette::SHADES] =
    [('█', '@'), ('▓', '#'), ('▒', '+'), ('░', '='), (':', '-'), ('·', '.'), ('╱', '/')];
/// The signs of the lines, in the order of their shapes.
const SIGNS: [(char, char); 3] = [('●', 'o'), ('▲', '^'), ('◆', 'd')];
const LOST: (char, char) = ('×', 'x');
/// Columns that one cell takes at most.
const WIDEST_CELL: usize = 8;

impl HeatMap {
    /// The figure as text for a terminal, ending in a line break; the height of the canvas is not used.
    pub fn to_text(&self, canvas: Canvas) -> String {
        let mut out: String = wrap(&self.title, canvas.width).map(|line| line + "\n").collect();
        if self.is_empty() {
            return out + "nothing to show yet\n";
        }
        out.push_str(&flowing(self.key(canvas), canvas.width));
        out.push_str(&flowing(self.signs(canvas), canvas.width));
        if !self.y.label.is_empty() {
            out.push_str(&(printable(&self.y.label) + "\n"));
        }
        let labels: Vec<String> = self.rows.iter().map(|row| self.y.format.write(*row)).collect();
        let gutter = labels.iter().map(|label| label.width()).max().unwrap_or(0);
        let room = canvas.width.saturating_sub(gutter + 2);
        let each = (room / self.columns.len()).clamp(1, WIDEST_CELL);
        let n_columns = self.columns.len().min(room / each);
        for (row, label) in labels.iter().enumerate().rev() {
            let _ = write!(out, "{label:>gutter$} {}", canvas.picks('┤', '+'));
            let cells: String = (0..n_columns).map(|column| self.cell(column, row, each, canvas)).collect();
            out.push_str(cells.trim_end());
            out.push('\n');
        }
        let line = canvas.picks("─", "-").repeat(n_columns * each);
        let _ = writeln!(out, "{:gutter$} {}{line}", "", canvas.picks('└', '+'));
        out.push_str(&self.ground(gutter + 2, n_columns, each));
        out
    }

    /// One cell, as many characters as it is wide.
    fn cell(&self, column: usize, row: usize, width: usize, canvas: Canvas) -> String {
        let Some(&value) = self.cells.get(column).and_then(|cells| cells.get(row)) else { return " ".repeat(width) };
        let shade = self.shade(value).map(|shade| picked(SHADES[shade], canvas));
        let passing: Vec<usize> = (0..self.profiles.len()).filter(|&line| self.passes(line, column, row)).collect();
        let passing = &passing[..passing.len().min(width)];
        let signs: String =
            passing.iter().map(|&line| canvas.coloured(line, &picked(SIGNS[line % 3], canvas))).collect();
        let (fill, cross) = match shade {
            Some(shade) => (shade, String::new()),
            None if passing.len() < width => (" ".to_owned(), picked(LOST, canvas)),
            None => (" ".to_owned(), String::new()),
        };
        // A little air around the signs, so that they are seen on the densest shade.
        let air = usize::from(!passing.is_empty() && cross.is_empty() && width >= passing.len() + 2);
        let rest = width - passing.len() - cross.width() - 2 * air;
        let (before, after) = (fill.repeat(rest / 2), fill.repeat(rest - rest / 2));
        let air = " ".repeat(air);
        format!("{before}{cross}{air}{signs}{air}{after}")
    }

    /// Whether a line passes through a cell; one that runs along an edge belongs to the cell below.
    fn passes(&self, line: usize, column: usize, row: usize) -> bool {
        let position = self.y_span().position(self.profiles[line].values.get(column).copied().unwrap_or(f64::NAN));
        let height = position * self.rows.len() as f64 - 1e-6;
        height > -1e-6 && height < self.rows.len() as f64 && whole(height.floor()) == row
    }

    fn key(&self, canvas: Canvas) -> Vec<(usize, String)> {
        let mut entries: Vec<String> = vec![printable(&self.value.label)];
        for (shade, bound) in self.bounds.iter().enumerate() {
            let shade = picked(SHADES[shade], canvas).repeat(2);
            entries.push(format!("{shade} {}{}", canvas.picks("≤", "<="), self.value.format.write(*bound)));
        }
        let above = |bound: &&f64| self.cells.iter().flatten().any(|value| value.is_finite() && value > bound);
        if let Some(bound) = self.bounds.last().filter(above) {
            let shade = picked(SHADES[self.bounds.len()], canvas).repeat(2);
            entries.push(format!("{shade} >{}", self.value.format.write(*bound)));
        }
        if !self.lost.is_empty() {
            entries.push(format!("{} {}", picked(LOST, canvas), printable(&self.lost)));
        }
        entries.into_iter().map(|entry| (entry.width(), entry)).collect()
    }

    fn signs(&self, canvas: Canvas) -> Vec<(usize, String)> {
        let entry = |(line, name): (usize, String)| {
            let sign = picked(SIGNS[line % 3], canvas);
            (2 + name.width(), format!("{} {name}", canvas.coloured(line, &sign)))
        };
        self.profiles.iter().map(|profile| printable(&profile.name)).enumerate().map(entry).collect()
    }

    /// The values of x, as many as have room, and what they are.
    fn ground(&self, indent: usize, n_columns: usize, each: usize) -> String {
        let mut line = String::new();
        for (column, value) in self.columns.iter().take(n_columns).enumerate() {
            let label = self.x.format.write(*value);
            let middle = indent + column * each + each / 2;
            let start =
                middle.saturating_sub(label.width() / 2).min((indent + n_columns * each).saturating_sub(label.width()));
            if line.is_empty() || start > line.width() {
                let _ = write!(line, "{:1$}{label}", "", start - line.width());
            }
        }
        let name = printable(&self.x.label);
        let below = (indent + n_columns * each / 2).saturating_sub(name.width() / 2);
        if name.is_empty() { line + "\n" } else { format!("{line}\n{:below$}{name}\n", "") }
    }
}

fn picked(glyph: (char, char), canvas: Canvas) -> String {
    canvas.picks(glyph.0, glyph.1).to_string()
}
