//! What becomes of rows that cannot be read?
//!
//! The first is an error, unless rows are to be skipped: then all of them are counted, and told once, with the last part
//! of the table.

use serde::{Deserialize, Serialize};

use crate::data::format::Consume;
use crate::data::notice::Notice;
use crate::data::table::Table;
use crate::error::{Error, ErrorKind, Result};

/// What is done about a row that cannot be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnBadRow {
    /// It is an error.
    #[default]
    Error,
    /// It is left out, counted, and told of.
    Skip,
}

/// Rows of a source that were left out.
#[derive(Default)]
pub(super) struct Skipped {
    n_rows: usize,
    first: Option<Error>,
}

impl Skipped {
    /// A row that cannot be read: its error, or nothing where it is to be skipped.
    pub(super) fn add(&mut self, error: Error, on_bad_row: OnBadRow) -> Result<()> {
        if on_bad_row == OnBadRow::Error {
            return Err(error);
        }
        self.n_rows += 1;
        self.first.get_or_insert(error);
        Ok(())
    }

    /// Adds those of the rows that follow, whose places are told by `place`.
    pub(super) fn join(&mut self, below: Self, place: impl Fn(Error) -> Error) {
        self.n_rows += below.n_rows;
        if self.first.is_none() {
            self.first = below.first.map(place);
        }
    }

    /// What is to be told of them.
    pub(super) fn notice(&self, source: &str) -> Option<Notice> {
        let first = self.first.as_ref()?;
        let place = match first.place() {
            place if place.source.is_some() => place.to_string(),
            place => format!("{source}:{place}"),
        };
        Some(Notice::RowsSkipped { rows: self.n_rows, first: format!("{place} {}", first.kind()) })
    }
}

/// Hands on the parts of a table one late, so that the last can bear what was noticed on the way.
pub(super) struct Parts<'a> {
    consume: Consume<'a>,
    waiting: Option<Table>,
}

impl<'a> Parts<'a> {
    pub(super) fn new(consume: Consume<'a>) -> Self {
        Self { consume, waiting: None }
    }

    /// The next part.
    pub(super) fn push(&mut self, part: Table) -> Result<()> {
        self.waiting.replace(part).map_or(Ok(()), |part| (self.consume)(part))
    }

    /// Leaves out the last row so far.
    pub(super) fn drop_last_row(&mut self) {
        // A part of no rows still bears what was noticed.
        self.waiting = self.waiting.take().map(|part| {
            let rows = part.rows();
            part.only(&rows[..rows.len().saturating_sub(1)])
        });
    }

    /// Hands on the last part.
    ///
    /// # Errors
    /// [`ErrorKind::NoRows`] without a row; the error of the first bad row if all were bad.
    pub(super) fn finish(self, skipped: Skipped, source: &str) -> Result<()> {
        let notice = skipped.notice(source);
        match (self.waiting, skipped.first) {
            (None, Some(error)) => Err(error),
            (None, None) => Err(ErrorKind::NoRows.into()),
            (Some(part), _) => (self.consume)(notice.into_iter().fold(part, Table::with_notice)),
        }
    }
}
