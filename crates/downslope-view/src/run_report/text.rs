//! How does the end of a run read on a terminal?

use std::fmt::Write;

use super::{Run, figures, verdict};
use crate::learning_rate::plan_words;
use crate::quality::measures;
use crate::table::{Column, Table};
use crate::terminal::Canvas;
use crate::words::{next_steps, paragraph};

/// Lines the figure takes in all, where the canvas has as many.
const FIGURE_LINES: usize = 14;

pub(super) fn summary(run: &Run<'_>, canvas: Canvas) -> String {
    let mut out = String::new();
    let chart = figures::losses_of(run);
    if chart.series.iter().any(|series| series.points.len() > 1) {
        let figure = Canvas { height: canvas.height.min(FIGURE_LINES), ..canvas };
        out.push_str(&canvas.glyphs.spelled(&chart.to_text(figure)));
        out.push('\n');
    }
    if !verdict::has_failed(run.record)
        && let Some(table) = quality(run)
    {
        out.push_str(&canvas.glyphs.spelled(&table.to_text(canvas.width, canvas.glyphs)));
        out.push('\n');
    }
    out.push_str(&paragraph(&verdict::sentences(run).join(" "), canvas));
    for finding in verdict::findings(run.record) {
        out.push_str(&paragraph(&finding, canvas));
    }
    for words in plan_words(&run.record.plan, run.record.data.n_train) {
        let _ = write!(out, "{}", paragraph(&format!("{}.", crate::words::capital(&words)), canvas));
    }
    out.push('\n');
    out.push_str(&next_steps(&verdict::next(run), canvas));
    out
}

pub(super) fn batch_rows(run: &Run<'_>) -> usize {
    run.record.plan.batch_size.of(run.record.data.n_train)
}

/// The final metrics, a row each, for the rows that trained and those held out.
pub(super) fn quality(run: &Run<'_>) -> Option<Table> {
    let train = measures(run.record.train.as_ref()?);
    let validation = run.record.validation.as_ref().map(measures);
    let mut columns = vec![Column::text(""), Column::number("training")];
    if validation.is_some() {
        columns.push(Column::number("validation"));
    }
    let row = |measure: &crate::quality::Measure| {
        let other = validation.iter().flatten().find(|other| other.name == measure.name);
        let write = |measure: &crate::quality::Measure| measure.format.write(measure.value);
        [measure.name.to_owned(), write(measure)].into_iter().chain(other.map(write)).collect()
    };
    Some(Table { caption: String::new(), columns, rows: train.iter().map(row).collect() })
}
