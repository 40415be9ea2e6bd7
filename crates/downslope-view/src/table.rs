//! How does a table read on a terminal of any width?
//!
//! One [`Table`] for the terminal and for the page: text columns on the left, numbers on the right of their columns.
//! Where the terminal is too narrow for the numbers to stay whole, each row becomes a small list.

use std::fmt::Write;

use comfy_table::{CellAlignment, ColumnConstraint, ContentArrangement, LineStyle, TableStyle, Width};
use unicode_width::UnicodeWidthStr;

use crate::terminal::Glyphs;

/// What a column holds, and so on which side it stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kind {
    /// Words, on the left; wrapped where there is no room.
    #[default]
    Text,
    /// Numbers, on the right; never broken.
    Number,
}

/// A column's heading and kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Column {
    /// What the column holds, with its unit if the values have none.
    pub heading: String,
    /// Words or numbers.
    pub kind: Kind,
}

impl Column {
    /// A column of words.
    pub fn text(heading: impl Into<String>) -> Self {
        Self { heading: heading.into(), kind: Kind::Text }
    }

    /// A column of numbers.
    pub fn number(heading: impl Into<String>) -> Self {
        Self { heading: heading.into(), kind: Kind::Number }
    }
}

/// A small table to be read by a person; the first column names the rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    /// What the table says.
    pub caption: String,
    /// The columns.
    pub columns: Vec<Column>,
    /// The rows, each with a field a column; missing fields are empty.
    pub rows: Vec<Vec<String>>,
}

const GAP: usize = 2;

impl Table {
    /// The table for a terminal of some width, ending in a line break.
    pub fn to_text(&self, width: usize, glyphs: Glyphs) -> String {
        if self.columns.is_empty() {
            return String::new();
        }
        let clean = self.printable();
        let body = if clean.narrowest() <= width { clean.aligned(width, glyphs) } else { clean.stacked(width) };
        let caption = wrap(&self.caption, width).map(|line| line + "\n").collect::<String>();
        caption + &body
    }

    fn printable(&self) -> Self {
        let column = |column: &Column| Column { heading: printable(&column.heading), kind: column.kind };
        Self {
            caption: String::new(),
            columns: self.columns.iter().map(column).collect(),
            rows: self.rows.iter().map(|row| row.iter().map(|field| printable(field)).collect()).collect(),
        }
    }

    /// A field, empty where the row is too short.
    pub(crate) fn field(row: &[String], column: usize) -> &str {
        row.get(column).map_or("", String::as_str)
    }

    /// The least width in which no number and no word is broken.
    fn narrowest(&self) -> usize {
        let columns = self.columns.iter().enumerate().map(|(i, column)| {
            let fields = self.rows.iter().map(|row| Self::field(row, i));
            let whole = |text: &str| match column.kind {
                Kind::Number => text.width(),
                Kind::Text => longest_word(text),
            };
            fields.map(whole).chain([longest_word(&column.heading)]).max().unwrap_or(0)
        });
        columns.sum::<usize>() + GAP * self.columns.len().saturating_sub(1)
    }

    fn aligned(&self, width: usize, glyphs: Glyphs) -> String {
        let rule = if glyphs == Glyphs::Ascii { '-' } else { '─' };
        let mut table = comfy_table::Table::new();
        table.load_style(TableStyle::new().header_separator(LineStyle::none().fill(rule)));
        table.set_content_arrangement(ContentArrangement::Dynamic);
        // The gap after the last column is trimmed below.
        table.set_width(u16::try_from(width + GAP).unwrap_or(u16::MAX));
        table.set_header(self.columns.iter().map(|c| c.heading.as_str()));
        for row in &self.rows {
            table.add_row((0..self.columns.len()).map(|i| Self::field(row, i)));
        }
        for (i, column) in self.columns.iter().enumerate() {
            let Some(drawn) = table.column_mut(i) else { continue };
            drawn.set_padding((0, u16::try_from(GAP).unwrap_or(0)));
            if column.kind == Kind::Number {
                drawn.set_cell_alignment(CellAlignment::Right);
                let widest = self.rows.iter().map(|row| Self::field(row, i).width()).max().unwrap_or(0);
                let least = widest.max(longest_word(&column.heading)) + GAP;
                drawn.set_constraint(ColumnConstraint::LowerBoundary(Width::Fixed(
                    u16::try_from(least).unwrap_or(u16::MAX),
                )));
            }
        }
        let longest = table.lines().map(|line| line.trim_end_matches([' ', rule]).width()).max().unwrap_or(0);
        let cut = |line: String| {
            let line = line.trim_end();
            if line.starts_with(rule) && line.chars().all(|c| c == rule) {
                rule.to_string().repeat(longest) + "\n"
            } else {
                line.to_owned() + "\n"
            }
        };
        table.lines().map(cut).collect()
    }

    fn stacked(&self, width: usize) -> String {
        let headings = self.columns.iter().skip(1).map(|c| c.heading.width()).max().unwrap_or(0).min(width / 2);
        let mut out = String::new();
        for row in &self.rows {
            out.push_str(Self::field(row, 0));
            out.push('\n');
            for (i, column) in self.columns.iter().enumerate().skip(1) {
                let room = headings.saturating_sub(column.heading.width());
                let _ = writeln!(out, "  {}{}  {}", column.heading, " ".repeat(room), Self::field(row, i));
            }
        }
        out
    }
}

fn longest_word(text: &str) -> usize {
    text.split_whitespace().map(UnicodeWidthStr::width).max().unwrap_or(0)
}

/// Text that a terminal shows and does not obey: names come from data, and data can hold escape sequences.
pub(crate) fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// Text in lines of at most `width` columns, broken between words; a longer word stands alone.
pub(crate) fn wrap(text: &str, width: usize) -> impl Iterator<Item = String> {
    let mut lines: Vec<String> = Vec::new();
    // What is joined by a no-break space stays together.
    for word in printable(text).split(' ').filter(|word| !word.is_empty()) {
        match lines.last_mut() {
            Some(line) if line.width() + 1 + word.width() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines.into_iter().map(|line| line.replace('\u{a0}', " "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn methods() -> Table {
        let row = |fields: [&str; 5]| fields.map(str::to_owned).to_vec();
        Table {
            caption: "The three methods on the same rows".to_owned(),
            columns: vec![
                Column::text("method"),
                Column::number("time per step"),
                Column::number("loss"),
                Column::number("accuracy"),
                Column::text("verdict"),
            ],
            rows: vec![
                row(["batch", "4.1 ms", "0.337", "91.2%", "smooth, and slow to arrive"]),
                row(["mini-batch (32)", "9.8 µs", "0.0462", "97.4%", "the balance"]),
                row(["stochastic", "310 ns", "0.0812", "95.3%", "quick, then noisy around its floor"]),
            ],
        }
    }

    #[test]
    fn a_table_aligns_numbers_on_the_right() {
        let expected = "\
The three methods on the same rows
method           time per step    loss  accuracy  verdict
────────────────────────────────────────────────────────────────────────────────────
batch                   4.1 ms   0.337     91.2%  smooth, and slow to arrive
mini-batch (32)         9.8 µs  0.0462     97.4%  the balance
stochastic              310 ns  0.0812     95.3%  quick, then noisy around its floor
";
        assert_eq!(methods().to_text(100, Glyphs::Unicode), expected);
    }

    #[test]
    fn a_table_fits_every_width_and_keeps_numbers_whole() {
        for width in [20, 30, 40, 50, 60, 70, 80, 100, 200] {
            let text = methods().to_text(width, Glyphs::Ascii);
            for number in ["4.1 ms", "310 ns", "0.0462", "97.4%"] {
                assert!(text.contains(number), "{width}\n{text}");
            }
            if width >= 50 {
                assert!(text.lines().all(|line| line.width() <= width), "{width}\n{text}");
            }
        }
    }

    #[test]
    fn a_narrow_terminal_gets_a_list_a_row() {
        let text = methods().to_text(30, Glyphs::Unicode);
        assert!(text.contains("mini-batch (32)\n  time per step  9.8 µs\n  loss           0.0462\n"), "{text}");
    }

    #[test]
    fn a_table_without_rows_or_with_short_ones_is_drawn() {
        let table = Table { columns: vec![Column::text("a"), Column::number("b")], ..Table::default() };
        assert_eq!(table.to_text(80, Glyphs::Ascii), "a  b\n----\n");
        let table = Table { rows: vec![vec!["x".to_owned()]], ..table };
        assert_eq!(table.to_text(80, Glyphs::Ascii), "a  b\n----\nx\n");
        assert_eq!(Table::default().to_text(80, Glyphs::Ascii), "");
    }
}
