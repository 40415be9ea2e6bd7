//! Where do the rows and fields of a text begin and end?
//!
//! The rules are those of the `csv` crate with its defaults, and a test holds one against the other. It is not used here
//! itself because it copies every field before anyone looks at it: most fields are numbers, and these are read where
//! they stand, the number and the field's end in one go.
//!
//! - A field that begins with `"` goes up to the next `"` that is not doubled; what follows up to the delimiter belongs
//!   to it too. A `"` elsewhere is a character like any other.
//! - `\n`, `\r` and `\r\n` end a row, except between quotation marks. Lines without a byte are no rows.
//! - Lines are counted by `\n` alone, those between quotation marks too.

use crate::data::blocks::behind_quoted;
use crate::data::decimal::Number;
use crate::data::sniff::count_newlines;
use crate::error::{Error, ErrorKind, Place, Result};

/// A walk through a text, row by row and field by field.
#[derive(Clone)]
pub(super) struct Rows<'a> {
    text: &'a str,
    delimiter: u8,
    at: usize,
    /// The line that `at` is in, from zero.
    line: u64,
    /// The number of fields of this row that have been read.
    n_fields: usize,
    /// The field last read by [`Rows::field`].
    last: Last<'a>,
    /// What was between its quotation marks.
    unquoted: String,
}

#[derive(Clone)]
enum Last<'a> {
    Plain(&'a str),
    Quoted,
}

impl<'a> Rows<'a> {
    pub(super) fn new(text: &'a str, delimiter: u8) -> Self {
        Self { text, delimiter, at: 0, line: 0, n_fields: 0, last: Last::Plain(""), unquoted: String::new() }
    }

    /// How many bytes and lines lie behind.
    pub(super) fn position(&self) -> (usize, u64) {
        (self.at, self.line)
    }

    /// How many fields of this row have been read.
    pub(super) fn n_fields(&self) -> usize {
        self.n_fields
    }

    /// Goes from the end of a row to the next and gives its line, from zero; none behind the last.
    #[inline]
    pub(super) fn next_row(&mut self) -> Option<u64> {
        while let Some(byte @ (b'\n' | b'\r')) = self.text.as_bytes().get(self.at) {
            self.at += 1;
            self.line += u64::from(*byte == b'\n');
        }
        self.n_fields = 0;
        (self.at < self.text.len()).then_some(self.line)
    }

    /// Reads those of the next fields of the row, at most so many, that are numbers and nothing else, up to the first that
    /// is not; hands on each. Whether the row has another field, which then is next.
    #[inline]
    pub(super) fn numbers(&mut self, most: usize, mut each: impl FnMut(Number)) -> bool {
        let bytes = self.text.as_bytes();
        let (mut at, mut n_read) = (self.at, 0);
        let more = loop {
            if n_read == most {
                break true;
            }
            let Some((number, length)) = Number::at_start_of(&bytes[at..]) else { break true };
            let end = at + length;
            let behind = bytes.get(end).copied().unwrap_or(b'\n');
            if behind != self.delimiter && !matches!(behind, b'\n' | b'\r') {
                break true;
            }
            each(number);
            n_read += 1;
            if behind != self.delimiter {
                at = end;
                break false;
            }
            at = end + 1;
        };
        self.at = at;
        self.n_fields += n_read;
        more
    }

    /// Reads the next field of the row, whatever it is: [`Rows::text`] has it.
    ///
    /// # Errors
    /// [`ErrorKind::OpenQuote`] with its line, from zero, and its field.
    pub(super) fn field(&mut self) -> Result<()> {
        let start = self.at;
        let bytes = self.text.as_bytes();
        self.n_fields += 1;
        if bytes.get(start) != Some(&b'"') {
            self.at = self.end_of_field(start);
            self.last = Last::Plain(&self.text[start..self.at]);
            return Ok(());
        }
        let Some(behind) = behind_quoted(bytes, start) else {
            let place = Place::default().line(self.line).column(self.n_fields as u64);
            return Err(Error::from(ErrorKind::OpenQuote).at(place));
        };
        self.at = self.end_of_field(behind);
        self.line += count_newlines(&bytes[start..behind]);
        self.unquoted.clear();
        let mut pieces = self.text[start + 1..behind - 1].split("\"\"");
        self.unquoted.extend(pieces.next());
        for piece in pieces {
            self.unquoted.push('"');
            self.unquoted.push_str(piece);
        }
        self.unquoted.push_str(&self.text[behind..self.at]);
        self.last = Last::Quoted;
        Ok(())
    }

    /// The field last read by [`Rows::field`], with the spaces around it.
    pub(super) fn text(&self) -> &str {
        match self.last {
            Last::Plain(text) => text,
            Last::Quoted => &self.unquoted,
        }
    }

    /// Whether the field last read by [`Rows::field`] shows that this is no row at all: spaces, where rows have more
    /// fields than one.
    pub(super) fn is_blank(&self, n_columns: usize) -> bool {
        let alone = self.n_fields == 1 && self.text.as_bytes().get(self.at) != Some(&self.delimiter);
        alone && n_columns != 1 && self.text().trim_ascii().is_empty()
    }

    /// Goes over a delimiter to the next field of the row; false at the row's end.
    #[inline]
    pub(super) fn next_field(&mut self) -> bool {
        let more = self.text.as_bytes().get(self.at) == Some(&self.delimiter);
        self.at += usize::from(more);
        more
    }

    /// Where the delimiter or line end stands that ends a field without quotation marks.
    fn end_of_field(&self, start: usize) -> usize {
        let bytes = &self.text.as_bytes()[start..];
        start + memchr::memchr3(self.delimiter, b'\n', b'\r', bytes).unwrap_or(bytes.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::libsvm::number;
    use crate::random::{Purpose, Stream};

    /// A field as it is, or the value of the number it spells.
    fn shown(field: &str) -> String {
        number(field).map_or_else(|| field.to_owned(), |number| number.value().to_string())
    }

    /// Each row's line, from zero, and its fields; or what is said.
    type Found = std::result::Result<Vec<(u64, Vec<String>)>, String>;

    /// As these rules read a text, fields that are numbers by the shorter way, at most so many in turn.
    fn ours(text: &str, delimiter: u8, most: usize) -> Found {
        let (mut rows, mut all) = (Rows::new(text, delimiter), Vec::new());
        while let Some(line) = rows.next_row() {
            let mut fields = Vec::new();
            loop {
                let more = rows.numbers(most, |number| fields.push(number.value().to_string()));
                assert_eq!(rows.n_fields(), fields.len());
                if !more {
                    break;
                }
                rows.field().map_err(|error| error.to_string())?;
                fields.push(shown(rows.text()));
                if !rows.next_field() {
                    break;
                }
            }
            all.push((line, fields));
        }
        assert_eq!(rows.position(), (text.len(), count_newlines(text.as_bytes())), "{text:?}");
        Ok(all)
    }

    /// As the `csv` crate reads it.
    fn theirs(text: &str, delimiter: u8) -> Vec<Vec<String>> {
        let mut reader = csv::ReaderBuilder::new();
        reader.delimiter(delimiter).has_headers(false).flexible(true);
        let records = reader.from_reader(text.as_bytes()).into_records();
        records.map(|record| record.unwrap().iter().map(shown).collect()).collect()
    }

    #[test]
    fn rows_and_fields_are_those_of_the_csv_crate() {
        let pieces =
            ["a", "1", "-2.5", "e", ",", ",", ",", ";", "\"", "\"", "\"\"", " ", "\n", "\n", "\r\n", "\r", "é", "nan"];
        let mut n_open = 0;
        for number in 0..60_000 {
            let mut stream = Stream::new(3, Purpose::Probe, number);
            let n_pieces = stream.below(20);
            let text: String = (0..n_pieces).map(|_| pieces[stream.below(pieces.len() as u32) as usize]).collect();
            let found = match ours(&text, b',', stream.below(4) as usize) {
                // The `csv` crate closes what is open; for us it is an error, and always the last row's.
                Err(words) => {
                    assert!(words.contains("closing quotation mark"), "{text:?}: {words}");
                    n_open += 1;
                    continue;
                }
                Ok(rows) => rows,
            };
            let fields: Vec<Vec<String>> = found.iter().map(|(_, fields)| fields.clone()).collect();
            assert_eq!(fields, theirs(&text, b','), "{text:?}");
        }
        assert!(n_open > 1000, "{n_open}");
    }

    #[test]
    fn lines_count_from_the_rows_first_byte() {
        let lines = |text: &str| ours(text, b';', 9).unwrap().iter().map(|(line, _)| *line).collect::<Vec<_>>();
        assert_eq!(lines("a;b\n1;2\n3;4"), [0, 1, 2]);
        assert_eq!(lines("\n\na\r\n\r\n\"b\nc\r\n\";d\ne\n"), [2, 4, 7]);
        assert_eq!(lines("a\rb\rc\n"), [0, 0, 0]);
        assert_eq!(lines("\n\r\n"), [0; 0]);
        assert_eq!(ours("a\n\"b\n\";\"c\n", b';', 9).unwrap_err().split(' ').next(), Some("2:2:"));
    }
}
