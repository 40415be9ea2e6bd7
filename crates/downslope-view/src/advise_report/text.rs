//! How does advice read on a terminal?

use downslope::advise::Advice;

use super::{figures, verdict};
use crate::quantity::{count, number, seconds};
use crate::table::{Column, Table};
use crate::terminal::Canvas;
use crate::words::{hanging, next_steps, paragraph};

/// Lines a figure takes in all, where the canvas has as many.
const FIGURE_LINES: usize = 14;

pub(super) fn report(advice: &Advice, canvas: Canvas) -> String {
    let mut out = paragraph(&format!("{}.", verdict::headline(advice)), canvas);
    out.push_str(&paragraph(&verdict::subject(advice), canvas));
    out.push('\n');
    out.push_str(&canvas.glyphs.spelled(&table(advice).to_text(canvas.width, canvas.glyphs)));
    let figure = Canvas { height: canvas.height.min(FIGURE_LINES), ..canvas };
    for chart in [figures::limits(advice), figures::times_to_target(advice)] {
        out.push('\n');
        out.push_str(&canvas.glyphs.spelled(&chart.to_text(figure)));
    }
    out.push('\n');
    for words in verdict::paragraphs(advice) {
        out.push_str(&hanging(&words, canvas));
    }
    out.push('\n');
    out.push_str(&next_steps(&verdict::next(advice), canvas));
    out
}

/// What was measured and what follows at each batch size.
pub(super) fn table(advice: &Advice) -> Table {
    let columns = ["batch size", "safe rate", "limit", "time per step", "steps to target", "time to target"];
    let nothing = || "–".to_owned();
    let rows = advice.at.iter().map(|at| {
        let time = advice.time.step_seconds.iter().find(|(rows, _)| *rows == at.batch_size);
        let to_target = advice.time.seconds_to_target.iter().find(|(rows, _)| *rows == at.batch_size);
        vec![
            count(at.batch_size as u64),
            number(at.lr),
            number(at.limit),
            time.map_or_else(nothing, |(_, time)| seconds(*time)),
            at.steps_to_target.map_or_else(nothing, count),
            to_target.and_then(|(_, time)| *time).map_or_else(nothing, seconds),
        ]
    });
    Table { caption: String::new(), columns: columns.into_iter().map(Column::number).collect(), rows: rows.collect() }
}
