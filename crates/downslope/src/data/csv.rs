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
//! - otherwise: categories.
//!
//! Missing is an empty field, or one of the words in [`ReadOptions::missing`], spelled exactly so.
//! A header of numbers is taken for a row of data and refused, except `0,1,2…` as pandas numbers nameless columns.

use crate::data::sniff::{self, Quoting};
use crate::data::survey::{Survey, Texts};
use crate::data::table::{Column, Table, Values, check_names, no_such_column};
use crate::error::{Error, ErrorKind, Place, Result};

/// What a column is read as, whatever its values look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ColumnKind {
    /// Numbers; anything else in it is an error.
    Number,
    /// Categories; numbers are texts like any other.
    Category,
}

/// How text is read as a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadOptions {
    /// Words that stand for a missing value, besides the empty field. Default: `NA` and `null`.
    pub missing: Vec<String>,
    /// Columns whose kind is given rather than inferred. Default: none.
    pub kinds: Vec<(String, ColumnKind)>,
}

impl Default for ReadOptions {
    fn default() -> Self {
        Self { missing: vec!["NA".to_owned(), "null".to_owned()], kinds: Vec::new() }
    }
}

/// Reads a table; errors have lines and fields, but no source yet.
pub(super) fn read(source: &str, bytes: &[u8], options: &ReadOptions) -> Result<Table> {
    let text = sniff::text(bytes)?;
    let mut rows = Rows::new(text, sniff::delimiter(text)?)?;
    let names = rows.names()?;
    let forced = forced_kinds(&names, options)?;
    let is_missing = |field: &str| field.is_empty() || options.missing.iter().any(|word| word == field);

    let mut surveys: Vec<Survey> = forced.iter().map(|&kind| Survey::new(kind)).collect();
    let mut lines = Vec::new();
    while let Some(line) = rows.advance()? {
        lines.push(u32::try_from(line).map_err(|_| Error::malformed("table", "more than 4294967295 lines"))?);
        for (field, survey) in rows.fields().zip(&mut surveys) {
            survey.add(line, field?, is_missing);
        }
    }
    if lines.is_empty() {
        return Err(ErrorKind::NoRows.into());
    }

    let mut columns = Vec::with_capacity(names.len());
    for ((name, survey), field) in names.into_iter().zip(surveys).zip(1..) {
        let values = survey.decide(&name, field)?;
        columns.push((name, values));
    }
    let texts = read_texts(text, rows.delimiter, &columns, is_missing)?;
    let columns = columns
        .into_iter()
        .zip(texts)
        .map(|((name, values), text)| Column { name, values: values.unwrap_or_else(|| text.finish()) })
        .collect();
    Ok(Table::from_columns(source, columns)?.with_lines(lines))
}

fn forced_kinds(names: &[String], options: &ReadOptions) -> Result<Vec<Option<ColumnKind>>> {
    let mut kinds = vec![None; names.len()];
    for (name, kind) in &options.kinds {
        let index = names.iter().position(|other| other == name);
        let index = index.ok_or_else(|| no_such_column(name, names.iter().map(String::as_str)))?;
        kinds[index] = Some(*kind);
    }
    Ok(kinds)
}

/// Reads the columns once more whose values are texts: only now is it known which these are, and keeping every field
/// of every column as text until then would cost several times the file's size.
fn read_texts(
    text: &str,
    delimiter: u8,
    columns: &[(String, Option<Values>)],
    is_missing: impl Fn(&str) -> bool,
) -> Result<Vec<Texts>> {
    let mut texts: Vec<Texts> = columns.iter().map(|_| Texts::default()).collect();
    let wanted: Vec<usize> = (0..columns.len()).filter(|&index| columns[index].1.is_none()).collect();
    if wanted.is_empty() {
        return Ok(texts);
    }
    let mut rows = Rows::new(text, delimiter)?;
    while rows.advance()?.is_some() {
        for &index in &wanted {
            texts[index].add(rows.field(index)?, &is_missing);
        }
    }
    Ok(texts)
}

/// The rows of a text below its header, one at a time, with their lines.
struct Rows<'a> {
    text: &'a [u8],
    delimiter: u8,
    reader: csv::Reader<&'a [u8]>,
    header: csv::ByteRecord,
    record: csv::ByteRecord,
    /// The line on which the record starts, and the offset up to which lines are counted.
    line: u64,
    counted: usize,
}

impl<'a> Rows<'a> {
    fn new(text: &'a str, delimiter: u8) -> Result<Self> {
        let text = text.as_bytes();
        let reader = csv::ReaderBuilder::new().delimiter(delimiter).has_headers(false).flexible(true).from_reader(text);
        let record = csv::ByteRecord::new();
        let mut rows = Self { text, delimiter, reader, header: record.clone(), record, line: 1, counted: 0 };
        rows.read_record()?;
        rows.header = rows.record.clone();
        Ok(rows)
    }

    /// The names in the header, checked.
    fn names(&self) -> Result<Vec<String>> {
        let names: Vec<String> = self.header.iter().map(|name| utf8(name).map(str::to_owned)).collect::<Result<_>>()?;
        let mut named = names.iter().filter(|name| !name.is_empty()).peekable();
        let all_numbers = named.peek().is_some() && named.all(|name| name.parse::<f64>().is_ok());
        let counted = names.len() > 1 && names.iter().enumerate().all(|(index, name)| *name == index.to_string());
        let place = Place::default().line(self.line);
        if all_numbers && !counted {
            return Err(Error::from(ErrorKind::NoHeader).at(place));
        }
        check_names(names.iter().map(String::as_str)).map_err(|error| {
            let column = error.place().column;
            error.at(Place { column, ..place })
        })?;
        Ok(names)
    }

    /// Goes to the next row that is not blank and gives its line; none after the last.
    fn advance(&mut self) -> Result<Option<u64>> {
        let expected = self.header.len();
        loop {
            if !self.read_record()? {
                return Ok(None);
            }
            let found = self.record.len();
            if found == expected {
                return Ok(Some(self.line));
            }
            let blank = found == 1 && self.record[0].trim_ascii().is_empty();
            if !blank {
                return Err(Error::from(ErrorKind::Ragged { expected, found }).at(Place::default().line(self.line)));
            }
        }
    }

    /// Reads the next record, counts lines up to it, and sees that no quotation mark in it stays open.
    fn read_record(&mut self) -> Result<bool> {
        if !self.reader.read_byte_record(&mut self.record).map_err(not_readable)? {
            return Ok(false);
        }
        // The reader's own line count lags behind where line ends are two bytes or lines are blank.
        let mut start = self.record.position().map_or(0, |position| position.byte() as usize);
        while matches!(self.text.get(start), Some(b'\n' | b'\r')) {
            start += 1;
        }
        self.line += sniff::count_newlines(&self.text[self.counted..start]);
        self.counted = start;
        // Only the last record can hold a quotation mark that is never closed: it swallows all that follows.
        if self.reader.position().byte() as usize >= self.text.len()
            && let Some((lines_below, field)) = open_quote(&self.text[start..], self.delimiter)
        {
            let place = Place::default().line(self.line + lines_below).column(field);
            return Err(Error::from(ErrorKind::OpenQuote).at(place));
        }
        Ok(true)
    }

    fn fields(&self) -> impl Iterator<Item = Result<&str>> {
        self.record.iter().map(utf8)
    }

    fn field(&self, index: usize) -> Result<&str> {
        utf8(&self.record[index])
    }
}

fn utf8(field: &[u8]) -> Result<&str> {
    std::str::from_utf8(field).map(str::trim).map_err(|_| ErrorKind::NotUtf8.into())
}

fn not_readable(error: csv::Error) -> Error {
    Error::malformed("table", error)
}

/// Where a quotation mark stands that is never closed: lines below the first, and the field from one.
fn open_quote(record: &[u8], delimiter: u8) -> Option<(u64, u64)> {
    let (mut at, mut lines, mut field, mut opened) = (Quoting::Start, 0, 1, (0, 1));
    for &byte in record {
        let before = at;
        at = at.after(byte, delimiter);
        match (before, at) {
            (Quoting::Start, Quoting::Quoted) => opened = (lines, field),
            (_, Quoting::Start) => field += 1,
            _ => {}
        }
        lines += u64::from(byte == b'\n');
    }
    matches!(at, Quoting::Quoted).then_some(opened)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::table::MISSING;
    use crate::random::{Purpose, Stream};

    fn read(text: &str) -> Table {
        Table::from_csv("t.csv", text.as_bytes(), &ReadOptions::default()).unwrap()
    }

    fn kinds(table: &Table) -> String {
        let kind = |column: &Column| match column.values {
            Values::Number(_) => 'n',
            Values::Boolean(_) => 'b',
            Values::Category { .. } => 'c',
        };
        table.columns().iter().map(kind).collect()
    }

    #[test]
    fn a_columns_kind_follows_from_its_values() {
        let table = read("a,b,c,d,e,f\n1,true,x,,7,1\n-2.5e3,FALSE,y,NA,x,\n+.5,,null,,y,NA\n");
        assert_eq!(kinds(&table), "nbcncn");
        assert_eq!(table.columns()[0].values, Values::Number(vec![1.0, -2500.0, 0.5]));
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

    #[test]
    fn a_missing_word_may_be_a_number() {
        let options = ReadOptions { missing: vec!["-999".to_owned()], ..ReadOptions::default() };
        let table = Table::from_csv("t.csv", b"a\n1\n-999\n", &options).unwrap();
        assert!(table.columns()[0].values.is_missing(1));
    }
}
