//! How does a comparison read on a terminal?

use std::fmt::Write;

use downslope::compare::Comparison;
use unicode_width::UnicodeWidthStr;

use super::table::{Group, groups};
use super::{figures, verdict};
use crate::terminal::{Canvas, Glyphs};
use crate::words::{self, hanging, next_steps, paragraph, plural};

/// Columns between two columns.
const GAP: usize = 2;
/// Lines a figure takes in all, where the canvas has as many.
const FIGURE_LINES: usize = 15;

pub(super) fn report(comparison: &Comparison, canvas: Canvas) -> String {
    let mut out = paragraph(&subject(comparison), canvas);
    out.push('\n');
    out.push_str(&table(comparison, canvas));
    let figure = Canvas { height: canvas.height.min(FIGURE_LINES), ..canvas };
    for chart in [figures::by_epochs(comparison), figures::by_seconds(comparison)] {
        out.push('\n');
        out.push_str(&canvas.glyphs.spelled(&chart.to_text(figure)));
    }
    out.push('\n');
    for words in verdict::paragraphs(comparison) {
        out.push_str(&hanging(&words, canvas));
    }
    out.push('\n');
    out.push_str(&next_steps(&verdict::next(comparison), canvas));
    out
}

/// What is compared on what.
pub(super) fn subject(comparison: &Comparison) -> String {
    format!("{}; the same start and {} each", words::subject(&comparison.data), plural(comparison.epochs, "epoch"))
}

/// The methods as columns, in as many tables as the width asks for.
fn table(comparison: &Comparison, canvas: Canvas) -> String {
    let groups = spelled(groups(comparison), canvas.glyphs);
    let names: Vec<&str> = comparison.methods.iter().map(|method| method.name.as_str()).collect();
    let rows = || groups.iter().flat_map(|group| &group.rows);
    let labels = 2 + rows().map(|row| row.label.width()).max().unwrap_or(0);
    // A number, and the sign of the best beside it.
    let widths: Vec<usize> = (0..names.len())
        .map(|i| rows().map(|row| row.fields[i].text.width()).chain([names[i].width()]).max().unwrap_or(0) + 2)
        .collect();
    let mut out = String::new();
    let mut first = 0;
    while first < names.len() {
        let mut used = labels + GAP + widths[first];
        let mut last = first + 1;
        while last < names.len() && used + GAP + widths[last] <= canvas.width {
            used += GAP + widths[last];
            last += 1;
        }
        if first > 0 {
            out.push('\n');
        }
        part(&mut out, &groups, &names, &widths, (first..last, labels), canvas);
        first = last;
    }
    let (sign, tie) = (canvas.picks('◂', '*'), "a tie is marked for each");
    if rows().any(|row| row.fields.iter().any(|field| field.is_best)) {
        out.push_str(&paragraph(&format!("{sign} best of its row; {tie}, where they differ by less than 1%"), canvas));
    }
    out
}

fn spelled(mut groups: Vec<Group>, glyphs: Glyphs) -> Vec<Group> {
    for row in groups.iter_mut().flat_map(|group| &mut group.rows) {
        row.label = glyphs.spelled(&row.label);
        for field in &mut row.fields {
            field.text = glyphs.spelled(&field.text);
        }
    }
    groups
}

fn part(
    out: &mut String,
    groups: &[Group],
    names: &[&str],
    widths: &[usize],
    (shown, labels): (std::ops::Range<usize>, usize),
    canvas: Canvas,
) {
    let _ = write!(out, "{:labels$}", "");
    for i in shown.clone() {
        let _ = write!(out, "{:>1$}", "", GAP + widths[i] - 2 - names[i].width());
        out.push_str(&canvas.coloured(i, names[i]));
        out.push_str("  ");
    }
    trim(out);
    let whole = labels + shown.clone().map(|i| GAP + widths[i]).sum::<usize>() - 2;
    for group in groups {
        let rule = canvas.picks("─", "-").repeat(whole.saturating_sub(group.title.width() + 1));
        let _ = writeln!(out, "{} {rule}", group.title);
        for row in &group.rows {
            let _ = write!(out, "  {}{:>2$}", row.label, "", labels - 2 - row.label.width());
            for i in shown.clone() {
                let field = &row.fields[i];
                let _ = write!(out, "{:>1$}", "", GAP + widths[i] - 2 - field.text.width());
                if field.is_best {
                    let _ = write!(out, "{} {}", canvas.coloured(i, &field.text), canvas.picks('◂', '*'));
                } else {
                    let _ = write!(out, "{}  ", field.text);
                }
            }
            trim(out);
        }
    }
}

/// Ends a line without blanks.
fn trim(out: &mut String) {
    out.truncate(out.trim_end_matches(' ').len());
    out.push('\n');
}
