//! How is text read whose every line is a row?
//!
//! In blocks of whole lines on several threads, as CSV is; what was found is joined in the order of the text. Blank
//! lines are no rows.

use crate::data::blocks::Blocks;
use crate::data::csv::ReadOptions;
use crate::data::lines::Lines;
use crate::data::skipped::Skipped;
use crate::data::sniff::{self, BYTE_ORDER_MARK};
use crate::data::source::Source;
use crate::error::{Error, ErrorKind, Place, Result};

/// Lines of about so many bytes are read by one thread at a time.
const BLOCK_BYTES: usize = 1 << 19;

/// What was read of the lines of a block.
struct Block<T> {
    rows: T,
    lines: Lines,
    n_lines: u64,
    skipped: Skipped,
    is_ended: bool,
}

/// What was seen of a text beside its rows.
pub(super) struct Seen {
    pub(super) skipped: Skipped,
    /// Whether the last row has a line end, as writers give it.
    pub(super) is_ended: bool,
}

/// Reads all rows of a text, and hands them on block by block, with their lines.
///
/// `add` adds a line to the rows of a block, and says whether it was a row at all; of a line that it refuses nothing may
/// be added.
///
/// # Errors
/// That of the first row that `add` refuses, if rows are not to be skipped, with its place; [`ErrorKind::EmptyFile`];
/// [`ErrorKind::NotUtf8`]; and those of `hand_on`.
pub(super) fn read_rows<T: Default + Send>(
    source: &Source,
    options: &ReadOptions,
    add: impl Fn(&mut T, &str) -> Result<bool> + Sync,
    mut hand_on: impl FnMut(T, Lines) -> Result<()> + Send,
) -> Result<Seen> {
    let refused = |error| source.refused(error);
    let mut blocks = Blocks::of_lines(source.reader()?, BLOCK_BYTES);
    let mut first = Vec::new();
    if !blocks.next(&mut first).map_err(refused)? {
        return Err(Error::from(ErrorKind::EmptyFile).in_source(source.name()));
    }
    if first.starts_with(BYTE_ORDER_MARK) {
        first.drain(..BYTE_ORDER_MARK.len());
    }
    let work = |text: &str, (): &mut ()| {
        let mut block = Block {
            rows: T::default(),
            lines: Lines::default(),
            n_lines: 0,
            skipped: Skipped::default(),
            is_ended: true,
        };
        for line in text.lines() {
            if !line.trim().is_empty() {
                match add(&mut block.rows, line) {
                    Ok(true) => block.lines.push(block.n_lines),
                    Ok(false) => {}
                    Err(error) => {
                        block.skipped.add(at_line(error, block.n_lines), options.on_bad_row)?;
                    }
                }
            }
            block.n_lines += 1;
        }
        let last_row = block.lines.len().checked_sub(1).map(|last| block.lines.of(last));
        block.is_ended = text.ends_with('\n') || last_row.is_some_and(|last| last + 1 < block.n_lines);
        Ok(block)
    };
    let (mut line, mut skipped, mut is_ended) = (1, Skipped::default(), true);
    let join = |block: Result<Block<T>>| {
        let block = block.map_err(|error| below(error, line))?;
        skipped.join(block.skipped, |error| below(error, line));
        if block.lines.len() > 0 {
            is_ended = block.is_ended;
        }
        let mut lines = Lines::default();
        lines.join(&block.lines, line);
        line += block.n_lines;
        if line > u64::from(u32::MAX) {
            return Err(Error::malformed("table", "more than 4294967295 lines"));
        }
        if lines.len() == 0 { Ok(()) } else { hand_on(block.rows, lines) }
    };
    match blocks.work(&first, options.n_threads(), work, join).map_err(refused)? {
        None => Ok(Seen { skipped, is_ended }),
        Some(error) if matches!(error.kind(), ErrorKind::NotUtf8) => {
            let line = sniff::line_of_other_encoding(&mut source.reader()?).map_err(refused)?;
            let place = Place { line, ..Place::source(source.name()) };
            Err(error.at(place))
        }
        Some(error) => Err(error.in_source(source.name())),
    }
}

fn at_line(error: Error, line: u64) -> Error {
    let place = error.place().clone().line(line);
    error.at(place)
}

/// An error in a part of the text that begins on a line.
fn below(error: Error, first: u64) -> Error {
    match error.place().line {
        Some(line) => at_line(error, first + line),
        None => error,
    }
}
