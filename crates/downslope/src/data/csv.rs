//! How does text become a table?
//!
//! Fields stand between commas, semicolons, tabs or `|`, whichever divides the rows alike; the first row names the
//! columns; spaces around a field do not count, and blank lines are skipped. A column's kind follows from its values:
//!
//! - all `true` or `false`, in any case: boolean;
//! - all finite numbers, or no value at all: numbers;
//! - more than half of them numbers: numbers too, so whatever else stands there is an error at its place, never a
//!   silent category. `inf`, `nan`, and numbers with commas, per cent or currency signs (`1,5`, `12%`, `$5`) count as
//!   attempts at a number;
//! - more than half of them dates, with or without a time of day (`2024-02-29`, `2024-02-29T12:30`): times, and anything
//!   else is an error too;
//! - otherwise: categories.
//!
//! Missing is an empty field, or one of the words in [`ReadOptions::missing`].
//! A header of numbers is taken for a row of data and refused, except `0,1,2…` as pandas numbers nameless columns.
//!
//! A file is read in blocks of whole rows on several threads (`blocks`), each block by itself (`rows`, `survey`), and
//! what was found is joined in the order of the text. So neither values nor messages depend on blocks or threads: of
//! several errors the one in the first row is told, but text in another encoding before any other.
//! Columns of texts are read once more from the file: only then is it known which these are, and keeping every field
//! as text until then would cost several times the file's size.

use std::io::{self, Read};

use crate::data::blocks::Blocks;
use crate::data::format::{Consume, Format};
use crate::data::lines::Lines;
use crate::data::rows::Rows;
use crate::data::skipped::{OnBadRow, Parts, Skipped};
use crate::data::sniff::{self, BYTE_ORDER_MARK};
use crate::data::source::Source;
use crate::data::survey::{Block, Found, Part, Survey, Texts, gather_texts, read_block, survey};
use crate::data::table::{Column, Places, Table, check_names, no_such_column};
use crate::error::{Error, ErrorKind, Place, Result};

/// Rows of about so many bytes are read by one thread at a time. With their numbers they stay in its second-level cache.
const BLOCK_BYTES: usize = 1 << 19;

/// Rows of about so many bytes tell what the columns hold, unless later ones contradict.
const GUESSED_BYTES: usize = 1 << 22;

/// What a column is read as, whatever its values look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ColumnKind {
    /// Numbers; anything else in it is an error.
    Number,
    /// `true` and `false`, in any case; anything else in it is an error.
    Boolean,
    /// Categories; numbers are texts like any other.
    Category,
    /// Free text, to be taken apart into words.
    Text,
    /// Dates, with or without a time of day; anything else in it is an error.
    Time,
}

/// How text is read as a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadOptions {
    /// Words that stand for a missing value, spelled exactly so, and numbers that do, however they are spelled; besides
    /// the empty field, and null and NaN where a form has them. In columns of numbers and texts of every form of table but
    /// sparse rows. Default: `NA` and `null`.
    pub missing: Vec<String>,
    /// Columns whose kind is given rather than inferred. Default: none.
    pub kinds: Vec<(String, ColumnKind)>,
    /// Threads to read with; as many as the machine has, if not given. They change no value and no message.
    pub threads: Option<usize>,
    /// What is done about a row that cannot be read. Default: it is an error.
    pub on_bad_row: OnBadRow,
    /// The form of the source. Default: what its content, and then its name, say.
    pub format: Option<Format>,
}

impl Default for ReadOptions {
    fn default() -> Self {
        Self {
            missing: vec!["NA".to_owned(), "null".to_owned()],
            kinds: Vec::new(),
            threads: None,
            on_bad_row: OnBadRow::Error,
            format: None,
        }
    }
}

impl ReadOptions {
    pub(super) fn n_threads(&self) -> usize {
        self.threads.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from))
    }
}

/// Reads a table.
pub(super) fn read(source: &Source, options: &ReadOptions) -> Result<Table> {
    if options.on_bad_row == OnBadRow::Skip {
        // Which rows are bad is known only once the kinds of the columns are.
        let mut parts = Vec::new();
        read_parts(source, options, &mut |part| {
            parts.push(part);
            Ok(())
        })?;
        return Table::concat(source.name(), parts);
    }
    read_in_blocks(source, options, BLOCK_BYTES)
}

fn read_in_blocks(source: &Source, options: &ReadOptions, block_bytes: usize) -> Result<Table> {
    TextFile { source, start: 0, delimiter: b',', block_bytes }.told(|file| file.table(options))
}

/// Hands on the rows block by block, each a table with the same columns.
///
/// What a column holds is seen in a first pass, unless the kinds of all are given.
pub(super) fn read_parts(source: &Source, options: &ReadOptions, consume: Consume) -> Result<()> {
    let mut file = TextFile { source, start: 0, delimiter: b',', block_bytes: BLOCK_BYTES };
    file.told(|file| file.parts(options, consume))
}

/// What the columns hold, by the first rows.
pub(super) fn guess_kinds(source: &Source, options: &ReadOptions) -> Result<Vec<(String, ColumnKind)>> {
    let mut file = TextFile { source, start: 0, delimiter: b',', block_bytes: GUESSED_BYTES };
    file.told(|file| {
        file.look()?;
        let Begun { names, header_line, line, first_block, .. } = file.begin()?;
        check_header(&names, header_line)?;
        let text = std::str::from_utf8(&first_block).map_err(|_| ErrorKind::NotUtf8)?;
        let mut surveys: Vec<Survey> = names.iter().map(|_| Survey::default()).collect();
        let part = survey(Rows::new(text, file.delimiter), &names, &mut surveys, options)
            .map_err(|error| below(error, line))?;
        let mut columns: Vec<Found> = names.iter().map(|_| Found::default()).collect();
        columns.iter_mut().zip(part.columns).for_each(|(column, below)| column.count(below, line));
        let forced = forced_kinds(&names, options)?;
        let kinds = kinds(&names, forced, columns, options)?;
        Ok(names.into_iter().zip(kinds).collect())
    })
}

/// A text that can be read more than once.
struct TextFile<'a> {
    source: &'a Source<'a>,
    /// Behind the byte order mark.
    start: u64,
    delimiter: u8,
    block_bytes: usize,
}

/// A text whose header has been read.
struct Begun<'a> {
    names: Vec<String>,
    /// The line the header is on, and the one where the first block begins.
    header_line: u64,
    line: u64,
    /// What follows the header, up to the first cut, and all the rest.
    first_block: Vec<u8>,
    blocks: Blocks<Box<dyn Read + Send + 'a>>,
}

/// What was seen of a text.
struct Surveyed {
    names: Vec<String>,
    forced: Vec<Option<ColumnKind>>,
    columns: Vec<Found>,
    lines: Lines,
}

impl<'a> TextFile<'a> {
    /// Does something with the text, and tells of errors where they are; but of text in another encoding before any other.
    fn told<T>(&mut self, does: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        let told = does(self).or_else(|error| match error.kind() {
            ErrorKind::Io { .. } | ErrorKind::NotText { looks_like: Some(_) } => Err(error),
            _ => match self.line_of_other_encoding()? {
                Some(line) => Err(Error::from(ErrorKind::NotUtf8).at(Place::default().line(line))),
                None => Err(error),
            },
        });
        told.map_err(|error| match error.kind() {
            ErrorKind::Io { .. } => error,
            _ => error.in_source(self.source.name()),
        })
    }

    fn parts(&mut self, options: &ReadOptions, consume: Consume) -> Result<()> {
        self.look()?;
        let (delimiter, source) = (self.delimiter, self.source);
        let Begun { names, header_line, line, first_block, blocks } = self.begin()?;
        check_header(&names, header_line)?;
        let forced = forced_kinds(&names, options)?;
        let kinds = match forced.into_iter().collect::<Option<Vec<ColumnKind>>>() {
            Some(kinds) => kinds,
            None => self.kinds(options)?,
        };
        let (mut line, mut skipped) = (line, Skipped::default());
        let mut parts = Parts::new(consume);
        let work = |text: &str, (): &mut ()| read_block(Rows::new(text, delimiter), &names, &kinds, options);
        let hand_on = |block: Result<Block>| {
            let block = block.map_err(|error| below(error, line))?;
            let mut lines = Lines::default();
            lines.join(&block.lines, line);
            skipped.join(block.skipped, |error| below(error, line));
            let columns =
                block.columns.into_iter().zip(&kinds).zip(&names).zip(1..).map(|(((column, &kind), name), field)| {
                    let values = column.finish(name, field, kind, line)?;
                    Ok(Column { name: name.clone(), values })
                });
            let columns = columns.collect::<Result<Vec<_>>>()?;
            line += block.n_lines;
            check_lines(line)?;
            if lines.len() == 0 {
                return Ok(());
            }
            parts.push(Table::from_columns(source.name(), columns)?.with_places(Places::Fields(lines)))
        };
        let error = blocks.work(&first_block, options.n_threads(), work, hand_on);
        if let Some(error) = error.map_err(|error| source.refused(error))? {
            return Err(error);
        }
        parts.finish(skipped, source.name())
    }

    /// What each column holds.
    fn kinds(&self, options: &ReadOptions) -> Result<Vec<ColumnKind>> {
        let Surveyed { names, forced, columns, .. } = self.survey(options, Found::count)?;
        kinds(&names, forced, columns, options)
    }

    fn table(&mut self, options: &ReadOptions) -> Result<Table> {
        self.look()?;
        let source = self.source;
        let Surveyed { names, forced, columns, lines } = self.survey(options, Found::join)?;
        let mut values = Vec::with_capacity(names.len());
        let mut kinds = Vec::with_capacity(names.len());
        for (((name, forced), column), field) in names.iter().zip(forced).zip(columns).zip(1..) {
            kinds.push(Some(forced.unwrap_or_else(|| column.kind())));
            values.push(column.decide(name, field, forced)?);
        }
        let wanted: Vec<bool> = values.iter().map(Option::is_none).collect();
        let mut texts = self.texts(&wanted, options)?.into_iter();
        let columns = names.into_iter().zip(values).filter_map(|(name, values)| {
            let values = values.or_else(|| texts.next().map(Texts::finish))?;
            Some(Column { name, values })
        });
        let table = Table::from_columns(source.name(), columns.collect())?.with_places(Places::Fields(lines));
        table.with_kinds(&kinds)
    }

    /// Looks at the beginning: where the text starts, and what stands between its fields.
    fn look(&mut self) -> Result<()> {
        let head = sniff::head(&mut self.source.reader()?).map_err(|error| self.source.refused(error))?;
        // A file that was joined of two has two marks.
        let n_marks = head.chunks(BYTE_ORDER_MARK.len()).take(2).take_while(|&bytes| bytes == BYTE_ORDER_MARK).count();
        self.start = (n_marks * BYTE_ORDER_MARK.len()) as u64;
        self.delimiter = sniff::delimiter(sniff::text(&head)?)?;
        Ok(())
    }

    /// Goes through all rows to see what the columns hold.
    fn survey(&self, options: &ReadOptions, add: impl Fn(&mut Found, Found, u64) + Sync) -> Result<Surveyed> {
        let (delimiter, source) = (self.delimiter, self.source);
        let Begun { names, header_line, line, first_block, blocks } = self.begin()?;
        check_header(&names, header_line)?;
        let forced = forced_kinds(&names, options)?;
        let mut columns: Vec<Found> = names.iter().map(|_| Found::default()).collect();
        let (mut lines, mut line) = (Lines::default(), line);
        let work = |text: &str, surveys: &mut Vec<Survey>| {
            surveys.resize_with(names.len(), Survey::default);
            survey(Rows::new(text, delimiter), &names, surveys, options)
        };
        let join = |part: Result<Part>| {
            let part = part.map_err(|error| below(error, line))?;
            columns.iter_mut().zip(part.columns).for_each(|(column, below)| add(column, below, line));
            lines.join(&part.lines, line);
            line += part.n_lines;
            check_lines(line)
        };
        let error = blocks.work(&first_block, options.n_threads(), work, join);
        if let Some(error) = error.map_err(|error| source.refused(error))? {
            return Err(error);
        }
        if lines.len() == 0 && options.on_bad_row == OnBadRow::Error {
            return Err(ErrorKind::NoRows.into());
        }
        Ok(Surveyed { names, forced, columns, lines })
    }

    /// Reads the columns that are wanted as texts.
    fn texts(&self, wanted: &[bool], options: &ReadOptions) -> Result<Vec<Texts>> {
        let n_wanted = wanted.iter().filter(|&&wanted| wanted).count();
        let mut columns: Vec<Texts> = (0..n_wanted).map(|_| Texts::default()).collect();
        if n_wanted == 0 {
            return Ok(columns);
        }
        let (delimiter, source) = (self.delimiter, self.source);
        let Begun { first_block, blocks, .. } = self.begin()?;
        let work = |text: &str, (): &mut ()| {
            let mut columns: Vec<Texts> = (0..n_wanted).map(|_| Texts::default()).collect();
            gather_texts(Rows::new(text, delimiter), wanted, options, &mut columns).map(|()| columns)
        };
        let join = |part: Result<Vec<Texts>>| {
            columns.iter_mut().zip(part?).for_each(|(column, below)| column.join(below));
            Ok(())
        };
        let error = blocks.work(&first_block, options.n_threads(), work, join);
        match error.map_err(|error| source.refused(error))? {
            None => Ok(columns),
            Some(_) => Err(Error::malformed("table", "the file changed while it was read")),
        }
    }

    /// Goes to the start and reads the header.
    fn begin(&self) -> Result<Begun<'a>> {
        let mut text = self.source.reader()?;
        let refused = |error| self.source.refused(error);
        io::copy(&mut text.by_ref().take(self.start), &mut io::sink()).map_err(refused)?;
        let mut blocks = Blocks::new(text, self.delimiter, self.block_bytes);
        let (mut block, mut line) = (Vec::new(), 1);
        while blocks.next(&mut block).map_err(refused)? {
            let text = std::str::from_utf8(&block).map_err(|_| ErrorKind::NotUtf8)?;
            let mut rows = Rows::new(text, self.delimiter);
            if let Some(header_line) = rows.next_row() {
                let names = row(&mut rows).map_err(|error| below(error, line))?;
                let (n_bytes, n_lines) = rows.position();
                block.drain(..n_bytes);
                return Ok(Begun {
                    names,
                    header_line: line + header_line,
                    line: line + n_lines,
                    first_block: block,
                    blocks,
                });
            }
            line += rows.position().1;
        }
        Err(ErrorKind::EmptyFile.into())
    }

    /// The line of the first bytes that are no UTF-8.
    fn line_of_other_encoding(&mut self) -> Result<Option<u64>> {
        sniff::line_of_other_encoding(&mut self.source.reader()?).map_err(|error| self.source.refused(error))
    }
}

/// The kinds of columns, as given or as found.
fn kinds(
    names: &[String],
    forced: Vec<Option<ColumnKind>>,
    columns: Vec<Found>,
    options: &ReadOptions,
) -> Result<Vec<ColumnKind>> {
    let columns = names.iter().zip(forced).zip(columns).zip(1..);
    let kind = |(((name, forced), column), field): (((&String, Option<ColumnKind>), Found), u64)| {
        let kind = forced.unwrap_or_else(|| column.kind());
        if options.on_bad_row == OnBadRow::Error {
            column.decide(name, field, forced)?;
        }
        Ok(kind)
    };
    columns.map(kind).collect()
}

/// Lines are counted in 32 bits.
fn check_lines(line: u64) -> Result<()> {
    if line > u64::from(u32::MAX) {
        return Err(Error::malformed("table", "more than 4294967295 lines"));
    }
    Ok(())
}

/// The kinds that are asked for, a column each.
pub(super) fn forced_kinds(names: &[String], options: &ReadOptions) -> Result<Vec<Option<ColumnKind>>> {
    let mut kinds = vec![None; names.len()];
    for (name, kind) in &options.kinds {
        let index = names.iter().position(|other| other == name);
        let index = index.ok_or_else(|| no_such_column(name, names.iter().map(String::as_str)))?;
        kinds[index] = Some(*kind);
    }
    Ok(kinds)
}

/// All the fields of a row, without the spaces around them.
fn row(rows: &mut Rows) -> Result<Vec<String>> {
    let mut fields = Vec::new();
    loop {
        rows.field()?;
        fields.push(rows.text().trim().to_owned());
        if !rows.next_field() {
            return Ok(fields);
        }
    }
}

/// Names in a header must be names, and different.
fn check_header(names: &[String], line: u64) -> Result<()> {
    let mut named = names.iter().filter(|name| !name.is_empty()).peekable();
    let all_numbers = named.peek().is_some() && named.all(|name| name.parse::<f64>().is_ok());
    let counted = names.len() > 1 && names.iter().enumerate().all(|(index, name)| *name == index.to_string());
    let place = Place::default().line(line);
    if all_numbers && !counted {
        return Err(Error::from(ErrorKind::NoHeader).at(place));
    }
    check_names(names.iter().map(String::as_str)).map_err(|error| {
        let column = error.place().column;
        error.at(Place { column, ..place })
    })
}

/// An error in a part of the text that begins on a line.
fn below(error: Error, first: u64) -> Error {
    let mut place = error.place().clone();
    place.line = place.line.map(|line| first + line);
    error.at(place)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::table::{MISSING, Values};
    use crate::random::{Purpose, Stream};

    fn read(text: &str) -> Table {
        Table::from_csv("t.csv", text.as_bytes(), &ReadOptions::default()).unwrap()
    }

    fn kinds(table: &Table) -> String {
        let kind = |column: &Column| match column.values {
            Values::Number(_) => 'n',
            Values::Boolean(_) => 'b',
            Values::Category { .. } => 'c',
            Values::Time(_) => 't',
            Values::Sparse(_) => 's',
        };
        table.columns().iter().map(kind).collect()
    }

    #[test]
    fn a_columns_kind_follows_from_its_values() {
        let table = read("a,b,c,d,e,f\n1,true,x,,7,1\n-2.5e3,FALSE,y,NA,x,\n+.5,,null,,y,NA\n");
        assert_eq!(kinds(&table), "nbcncn");
        assert_eq!(table.columns()[0].values, Values::Number(vec![1.0, -2500.0, 0.5].into()));
        assert_eq!(table.columns()[1].values, Values::Boolean(vec![1, 0, MISSING]));
        let levels = vec!["x".to_owned(), "y".to_owned()];
        assert_eq!(table.columns()[2].values, Values::Category { levels, codes: vec![0, 1, MISSING] });
        assert!(table.columns()[3].values.is_missing(2));
    }

    #[test]
    fn a_kind_can_be_given() {
        let options = |kind| ReadOptions { kinds: vec![("a".to_owned(), kind)], ..ReadOptions::default() };
        let text = b"a,b\n1,1\nx,2\ny,3\n";
        let error = Table::from_csv("t.csv", text, &options(ColumnKind::Number)).unwrap_err();
        assert_eq!(error.to_string(), "t.csv:3:1: expected a number in column `a`, found `x`");
        let table = Table::from_csv("t.csv", b"a\n1\n2\n", &options(ColumnKind::Category)).unwrap();
        assert_eq!(kinds(&table), "c");
        let error = Table::from_csv("t.csv", b"b,c\n1,2\n", &options(ColumnKind::Number)).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::NoSuchColumn { .. }), "{error}");
    }

    #[test]
    fn dates_and_times_are_told_from_texts() {
        let table = read("a,b,c\n1970-01-02,2000-01-01,2024-02-29 12:30\n,x,2024-02-29T12:30:00Z\n");
        assert_eq!(kinds(&table), "tct");
        let seconds = table.columns()[0].values.rows(&[0]);
        assert_eq!((seconds, table.columns()[0].values.is_missing(1)), (Values::Time(vec![86400.0].into()), true));
        assert_eq!(table.columns()[2].values.text(1), "2024-02-29T12:30:00");
        let options = ReadOptions { kinds: vec![("b".to_owned(), ColumnKind::Time)], ..ReadOptions::default() };
        for (text, options) in [
            (&b"a,b\n1,2000-01-01\n2,x\n"[..], &options),
            (b"a,b\n1,2000-01-01\n2,2000-02-30\n3,2000-01-02\n", &ReadOptions::default()),
        ] {
            let error = Table::from_csv("t.csv", text, options).unwrap_err().to_string();
            assert!(error.starts_with("t.csv:3:2: expected a date such as"), "{error}");
        }
    }

    /// The parts of a table, put together, are the table; and an error is the same.
    #[test]
    fn a_table_read_in_parts_is_the_table() {
        let row = |row: usize| {
            format!("{row},{},{},2024-01-{:02},\"x\n{}\"\n", row.is_multiple_of(3), row % 7, row % 28 + 1, row % 5)
        };
        let mut text = "n,b,k,t,c\n".to_owned() + &(0..300).map(row).collect::<String>();
        let in_parts = |text: &str| {
            let source = Source::of_bytes("t.csv", text.as_bytes());
            let mut parts = Vec::new();
            let options = ReadOptions { threads: Some(3), ..ReadOptions::default() };
            let mut file = TextFile { source: &source, start: 0, delimiter: b',', block_bytes: 200 };
            let consume = &mut |part| {
                parts.push(part);
                Ok(())
            };
            file.told(|file| file.parts(&options, consume)).map(|()| Table::concat("t.csv", parts).unwrap())
        };
        let (whole, joined) = (read(&text), in_parts(&text).unwrap());
        assert_eq!(kinds(&whole), "nbntc");
        assert_eq!(whole.columns(), joined.columns());
        for row in [0, 1, 150, 299] {
            assert_eq!(whole.place(row, 4), joined.place(row, 4));
        }
        text.push_str("9,true,oops,2024-01-01,x\n");
        let whole = Table::from_csv("t.csv", text.as_bytes(), &ReadOptions::default()).unwrap_err();
        assert_eq!(whole.to_string(), "t.csv:602:3: expected a number in column `k`, found `oops`");
        assert_eq!(in_parts(&text).unwrap_err().to_string(), whole.to_string());
    }

    #[test]
    fn quotes_line_ends_marks_and_spaces_make_no_difference() {
        let plain = read("a,b\n1,x\n2,\"y, z\"\n");
        for text in [
            "\u{feff}a,b\r\n1,x\r\n2,\"y, z\"\r\n",
            "a, b\n\n1, x\n  \n2,\"y, z\"",
            "\"a\",\"b\"\n\"1\",\"x\"\n2,\"y, z\"",
        ] {
            assert_eq!(plain.columns(), read(text).columns(), "{text}");
        }
    }

    #[test]
    fn a_value_knows_its_line_below_blank_and_broken_lines() {
        let table = read("a,b\r\n\r\n1,\"x\r\ny\"\r\n2,z\r\n\r\n3,w\r\n");
        let lines: Vec<_> = (0..3).map(|row| table.place(row, 1).to_string()).collect();
        assert_eq!(lines, ["t.csv:3:2:", "t.csv:5:2:", "t.csv:7:2:"]);
    }

    #[test]
    fn columns_numbered_by_pandas_are_names() {
        assert_eq!(read("0,1,2\n5.1,3.5,1.4\n").columns()[2].name, "2");
    }

    /// Any text at all is a table or an error, and a table that is written reads back the same.
    #[test]
    fn whatever_is_read_can_be_written_and_read_again() {
        let pieces = [
            "a", "b", "1", "2.5", "-", "true", "NA", ",", ",", ",", ";", "|", "\t", "\"", " ", "\n", "\n", "\r\n", "é",
        ];
        let mut n_tables = 0;
        for number in 0..20_000 {
            let mut stream = Stream::new(2, Purpose::Probe, number);
            let n_pieces = stream.below(24);
            let text: String = (0..n_pieces).map(|_| pieces[stream.below(pieces.len() as u32) as usize]).collect();
            let Ok(table) = Table::from_csv("t.csv", text.as_bytes(), &ReadOptions::default()) else { continue };
            n_tables += 1;
            let mut written = Vec::new();
            table.write_csv(&mut written).unwrap();
            let again = Table::from_csv("again.csv", &written, &ReadOptions::default());
            let again = again
                .unwrap_or_else(|error| panic!("{text:?} became {:?}: {error}", String::from_utf8_lossy(&written)));
            assert_eq!(table.fingerprint(), again.fingerprint(), "{text:?}, {:?}", String::from_utf8_lossy(&written));
        }
        assert!(n_tables > 500, "{n_tables}");
    }

    /// All there is to be known of a table, or what is said of it.
    fn outcome(text: &[u8], block_bytes: usize, n_threads: usize) -> String {
        let options = ReadOptions { threads: Some(n_threads), ..ReadOptions::default() };
        match read_in_blocks(&Source::of_bytes("t.csv", text), &options, block_bytes) {
            Err(error) => error.to_string(),
            Ok(table) => {
                let lines: Vec<String> = (0..table.n_rows()).map(|row| table.place(row, 0).to_string()).collect();
                let names: Vec<&str> = table.columns().iter().map(|column| column.name.as_str()).collect();
                format!("{names:?} {} {} {lines:?}", table.fingerprint(), kinds(&table))
            }
        }
    }

    #[test]
    fn neither_blocks_nor_threads_change_a_value_or_a_message() {
        let texts: [&[u8]; 16] = [
            b"a,b,c\n1,x,true\n2.5,y,false\n,z,\n4,x,true\n",
            b"\xef\xbb\xbfa,b\r\n\r\n1,\"x\r\ny\"\r\n2,z\r\n\r\n3,w\r\n",
            b"\xef\xbb\xbf\xef\xbb\xbf\"a\n\",b\n1,2\n",
            b"\n\n \n",
            b"\n\n\na,b\n1,2\n  \n3,4\n",
            b"a\n1\n\n \n\"\"\n2\n",
            b"a,b\r1,2\r3,4\r",
            b"a,b\n1,2\n1,2,3\n1\n",
            b"a,b\n1,2\n1,2,3\n1,\"open\n2,3\n",
            b"a,b\n1,2\n1,\"open\n2,3\n4,5\n",
            b"a,b\n1,2\n1,2,3\nJos\xe9,3\n4,5\n",
            b"a,b\n1,2\n3,4\n5,n/a\n6,x\ny,7\n",
            b"a,b\n1,2\n3,inf\n5,n/a\n",
            b"a,b\n1,1\n2,2.50\n3,x\n4,y\n5,z\n6,x\n7,\"NA\"\n8,2.5\n",
            b"a,b,a\n1,2,3\n",
            b"\"a\nb\",c\n0.1234567890123456,1e-5\n-0,-7.25\n\"1\",+3\n",
        ];
        for text in texts {
            let whole = outcome(text, text.len() + 1, 1);
            for block_bytes in 1..=text.len() {
                let said = outcome(text, block_bytes, 1 + block_bytes % 3);
                assert_eq!(said, whole, "{:?} in blocks of {block_bytes}", String::from_utf8_lossy(text));
            }
        }
    }

    #[test]
    fn any_text_is_the_same_in_blocks() {
        let pieces = [
            "a", "b", "1", "2.5", "-", "true", "NA", ",", ",", ",", ";", "\"", " ", "\n", "\n", "\n", "\r\n", "\r",
            "é", "\n1,2", "\n3,x",
        ];
        for number in 0..2000 {
            let mut stream = Stream::new(6, Purpose::Probe, number);
            let n_pieces = stream.below(24);
            let text: String = (0..n_pieces).map(|_| pieces[stream.below(pieces.len() as u32) as usize]).collect();
            let whole = outcome(text.as_bytes(), 1000, 1);
            for block_bytes in [1, 2, 3, 5, 8, 13] {
                let n_threads = if number % 10 == 0 { 2 } else { 1 };
                assert_eq!(
                    outcome(text.as_bytes(), block_bytes, n_threads),
                    whole,
                    "{text:?} in blocks of {block_bytes}"
                );
            }
        }
    }

    #[test]
    fn another_encoding_far_below_is_told_before_anything_else() {
        let rows = "1,2\n".repeat(100_000);
        let mut text = format!("a,b\n1,2,3\n{rows}").into_bytes();
        let ragged = "t.csv:2: expected 2 fields as in the header, found 3";
        assert_eq!(outcome(&text, BLOCK_BYTES, 2), ragged);
        text.extend_from_slice("é".repeat(70_000).as_bytes());
        assert_eq!(outcome(&text, BLOCK_BYTES, 2), ragged);
        text.push(0xc3);
        let other = "t.csv:100003: expected UTF-8 text, found bytes of another encoding";
        assert_eq!(outcome(&text, BLOCK_BYTES, 2), other);
        let mut libsvm = b"1 1:2\n".repeat(100_000);
        libsvm.extend_from_slice(b"\xe9\n");
        assert_eq!(outcome(&libsvm, BLOCK_BYTES, 2), other.replace("100003", "100001"));
    }

    #[test]
    fn a_missing_word_may_be_a_number_however_it_is_spelled() {
        let options = ReadOptions { missing: vec!["-999".to_owned()], ..ReadOptions::default() };
        let text = b"a,b,c,d\n1,2,x,3\n4,-999,5,-999.0\n";
        let table = Table::from_csv("t.csv", text, &options).unwrap();
        assert_eq!(kinds(&table), "nncn");
        let mut parts = Vec::new();
        let consume = &mut |part| {
            parts.push(part);
            Ok(())
        };
        read_parts(&Source::of_bytes("t.csv", text), &options, consume).unwrap();
        for table in [table, parts.remove(0)] {
            let is_missing: Vec<bool> = table.columns().iter().map(|column| column.values.is_missing(1)).collect();
            assert_eq!(is_missing, [false, true, false, true]);
            assert_eq!(table.columns()[2].values.text(1), "5");
        }
    }
}
