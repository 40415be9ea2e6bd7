//! Are these bytes a text table, and what stands between its fields?
//!
//! Looks at the bytes only; the file's name counts for nothing here.

use std::io::{self, Read};

use crate::data::vowpal;
use crate::error::{Error, ErrorKind, Place, Result};

/// U+FEFF at the beginning of a text in UTF-8.
pub(super) const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// First bytes by which formats that are no text table announce themselves.
const MAGIC: [(&[u8], &str); 18] = [
    (b"\x1f\x8b", "gzip-compressed data"),
    (b"\x28\xb5\x2f\xfd", "zstd-compressed data"),
    (b"BZh", "bzip2-compressed data"),
    (b"\xfd7zXZ\0", "xz-compressed data"),
    (b"PAR1", "a Parquet file"),
    (b"ARROW1", "an Arrow file"),
    (b"\x93NUMPY", "a NumPy array"),
    (b"FEA1", "a Feather file of the first version"),
    (b"\x89HDF", "an HDF5 file"),
    (b"SQLite format 3\0", "an SQLite database"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook"),
    (b"%PDF", "a PDF document"),
    (b"\x89PNG", "a PNG image"),
    (b"\xff\xfe", "UTF-16 text"),
    (b"\xfe\xff", "UTF-16 text"),
    (b"<!DOCTYPE", "a web page"),
    (b"<html", "a web page"),
    (b"[{", "a JSON array"),
];

/// What may stand between fields. Where two would do equally well the first is taken: commas come last because they
/// also stand inside numbers and texts.
const DELIMITERS: [u8; 4] = [b'\t', b';', b'|', b','];

/// How much of the file, and how many of its rows, the delimiter is judged by.
const SAMPLE_BYTES: usize = 1 << 16;
const SAMPLE_ROWS: usize = 50;

/// The beginning of a source, up to a line end: enough for everything here to be judged by, or all there is.
pub(super) fn head(source: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    let mut wanted = 2 * SAMPLE_BYTES;
    while source.take((wanted - head.len()) as u64).read_to_end(&mut head)? > 0 && head.len() == wanted {
        let end = memchr::memrchr(b'\n', &head).map_or(0, |newline| newline + 1);
        let is_row = |line: &&[u8]| !String::from_utf8_lossy(line).trim().is_empty();
        let n_rows = head[..end].split(|&byte| byte == b'\n').filter(is_row).take(SAMPLE_ROWS).count();
        if end > SAMPLE_BYTES + BYTE_ORDER_MARK.len() && n_rows == SAMPLE_ROWS {
            head.truncate(end);
            break;
        }
        wanted *= 2;
    }
    Ok(head)
}

/// The line of the first bytes of a source that are no UTF-8.
pub(super) fn line_of_other_encoding(source: &mut impl Read) -> io::Result<Option<u64>> {
    let (mut bytes, mut line) = (Vec::new(), 1);
    loop {
        let n_read = source.take(SAMPLE_BYTES as u64).read_to_end(&mut bytes)?;
        let (n_valid, is_wrong) = match std::str::from_utf8(&bytes) {
            Ok(text) => (text.len(), false),
            Err(error) => (error.valid_up_to(), error.error_len().is_some() || n_read == 0),
        };
        line += count_newlines(&bytes[..n_valid]);
        if is_wrong {
            return Ok(Some(line));
        }
        if n_read == 0 {
            return Ok(None);
        }
        // The beginning of a character whose end is still to come.
        bytes.drain(..n_valid);
    }
}

/// The beginning of a source as text, less a byte order mark.
///
/// # Errors
/// [`ErrorKind::EmptyFile`], [`ErrorKind::NotText`], and [`ErrorKind::NotUtf8`] with its line.
pub(super) fn text(bytes: &[u8]) -> Result<&str> {
    let bytes = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes);
    if bytes.trim_ascii().is_empty() {
        return Err(ErrorKind::EmptyFile.into());
    }
    if let Some(looks_like) = announced_format(bytes) {
        return Err(ErrorKind::NotText { looks_like: Some(looks_like) }.into());
    }
    if bytes.iter().take(SAMPLE_BYTES).any(|&byte| byte == 0) {
        return Err(ErrorKind::NotText { looks_like: None }.into());
    }
    std::str::from_utf8(bytes).map_err(|error| {
        let line = 1 + count_newlines(&bytes[..error.valid_up_to()]);
        Error::from(ErrorKind::NotUtf8).at(Place::default().line(line))
    })
}

/// Whether the first rows are a number each, then `index:value` pairs: sparse rows, not a table with a header.
pub(super) fn is_libsvm(text: &str) -> bool {
    let is_pair = |word: &str| {
        word.split_once(':').is_some_and(|(index, value)| index.parse::<u64>().is_ok() && value.parse::<f64>().is_ok())
    };
    let mut n_pairs = 0;
    let mut lines = text.lines().filter(|line| !line.trim().is_empty()).take(SAMPLE_ROWS);
    let fits = lines.all(|line| {
        let line = line.split_once(" #").map_or(line, |(row, _)| row);
        let mut words = line.split_whitespace();
        words.next().is_some_and(|label| label.parse::<f64>().is_ok()) && words.inspect(|_| n_pairs += 1).all(is_pair)
    });
    fits && n_pairs > 0
}

/// Whether the first rows are a label or nothing, then a bar and features.
pub(super) fn is_vowpal(text: &str) -> bool {
    let mut lines = text.lines().filter(|line| !line.trim().is_empty()).take(SAMPLE_ROWS).peekable();
    lines.peek().is_some() && lines.all(vowpal::is_row)
}

fn announced_format(bytes: &[u8]) -> Option<&'static str> {
    if bytes.starts_with(b"PK\x03\x04") {
        let head = &bytes[..bytes.len().min(4096)];
        let holds = |name: &[u8]| head.windows(name.len()).any(|window| window == name);
        let workbook = holds(b"[Content_Types].xml") || holds(b"xl/");
        return Some(if workbook { "an Excel workbook" } else { "a zip archive" });
    }
    let start = bytes.trim_ascii_start();
    MAGIC.iter().find(|(magic, _)| bytes.starts_with(magic) || start.starts_with(magic)).map(|&(_, format)| format)
}

pub(super) fn count_newlines(bytes: &[u8]) -> u64 {
    memchr::memchr_iter(b'\n', bytes).count() as u64
}

/// What stands between the fields: of comma, semicolon, tab and `|` the one by which most of the first rows have as many
/// fields as the header. A table of one column has none, and gets the comma.
///
/// # Errors
/// [`ErrorKind::UnknownDelimiter`] where none of them divides the header, but spaces divide every line alike.
pub(super) fn delimiter(text: &str) -> Result<u8> {
    let truncated = text.len() > SAMPLE_BYTES;
    let sample = &text.as_bytes()[..text.len().min(SAMPLE_BYTES)];
    let mut best = (0.0, None);
    for delimiter in DELIMITERS {
        let share = agreeing_share(sample, delimiter, truncated);
        if share > best.0 {
            best = (share, Some(delimiter));
        }
    }
    match best.1 {
        Some(delimiter) => Ok(delimiter),
        None => only_column(text).map(|()| b','),
    }
}

/// The share of rows with as many fields as the header, less what quotation marks say against the delimiter; zero if
/// the header is a single field.
fn agreeing_share(sample: &[u8], delimiter: u8, truncated: bool) -> f64 {
    let (mut widths, n_stray) = widths(sample, delimiter);
    if truncated && widths.len() > 1 {
        widths.pop();
    }
    match widths.first() {
        None | Some(0 | 1) => 0.0,
        Some(header) => {
            let n_agreeing = widths.iter().filter(|&width| width == header).count();
            n_agreeing as f64 / (widths.len() + n_stray) as f64
        }
    }
}

/// The number of fields in each of the first rows, and how many of their quotation marks stand amid a field, or never
/// close: signs that fields end elsewhere.
fn widths(sample: &[u8], delimiter: u8) -> (Vec<usize>, usize) {
    let (mut widths, mut n_stray, mut width) = (Vec::new(), 0, 1);
    let mut at = Quoting::Start;
    for &byte in sample {
        let before = at;
        if byte == b'\r' && width == 1 && matches!(before, Quoting::Start) {
            continue; // of a blank line
        }
        at = at.after(byte, delimiter);
        let ends_row = byte == b'\n' && !matches!(at, Quoting::Quoted);
        let closes_amid = matches!((before, at), (Quoting::Closed, Quoting::Bare)) && !matches!(byte, b'\r' | b'\n');
        if closes_amid || (matches!(before, Quoting::Bare) && byte == b'"') {
            n_stray += 1;
        }
        if ends_row {
            if width > 1 || !matches!(before, Quoting::Start) {
                widths.push(width);
            }
            if widths.len() == SAMPLE_ROWS {
                return (widths, n_stray);
            }
            (width, at) = (1, Quoting::Start);
        } else if matches!(at, Quoting::Start) {
            width += 1;
        }
    }
    if width > 1 || !matches!(at, Quoting::Start) {
        widths.push(width);
    }
    (widths, n_stray + usize::from(matches!(at, Quoting::Quoted)))
}

/// Where in a field a byte stands, as far as quotation marks go.
#[derive(Clone, Copy)]
pub(super) enum Quoting {
    /// Before the first byte.
    Start,
    /// In a field without quotation marks, or behind the closing one.
    Bare,
    /// Between quotation marks.
    Quoted,
    /// At a quotation mark that closes, unless another follows.
    Closed,
}

impl Quoting {
    /// Where the next byte leads.
    pub(super) fn after(self, byte: u8, delimiter: u8) -> Self {
        match (self, byte) {
            (Self::Quoted, b'"') => Self::Closed,
            (Self::Start | Self::Closed, b'"') | (Self::Quoted, _) => Self::Quoted,
            (_, byte) if byte == delimiter => Self::Start,
            _ => Self::Bare,
        }
    }
}

fn only_column(text: &str) -> Result<()> {
    let mut lines = text.lines().filter(|line| !line.trim().is_empty()).take(SAMPLE_ROWS);
    let header = lines.next().unwrap_or_default();
    let is_quoted = header.starts_with('"');
    let width = if is_quoted { 1 } else { header.split_whitespace().count() };
    let mut below = lines.peekable();
    if width > 1 && below.peek().is_some() && below.all(|line| line.split_whitespace().count() == width) {
        let found = header.chars().take(60).collect();
        return Err(Error::from(ErrorKind::UnknownDelimiter { found }).at(Place::default().line(1)));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_delimiter_is_the_one_that_divides_every_row_alike() {
        for (text, expected) in [
            ("a,b\n1,2\n", b','),
            ("a;b\n1,5;2,5\n", b';'),
            ("a\tb\n1, 2\t3\n", b'\t'),
            ("a|b\n1|2\n", b'|'),
            ("a,b\n\"x;y\",\"1;2\"\n", b','),
            ("height, m;weight, kg\n1,8;80,5\n", b';'),
            ("a,b;c\n1,2\n3,4\n", b','),
            ("alone\n1\n2\n", b','),
            ("\r\na;b\r\n\r\n1;2", b';'),
            ("\"|\"\" a\",\"b|\"\n1,2\n", b','),
            ("a,b,c\n1,2\n1,2,3\n", b','),
        ] {
            assert_eq!(delimiter(text).unwrap(), expected, "{text}");
        }
    }

    #[test]
    fn a_long_file_is_judged_by_its_beginning() {
        let text = format!("a;b\n{}", "1;2,0\n".repeat(100_000));
        assert_eq!(delimiter(&text).unwrap(), b';');
    }

    #[test]
    fn only_text_passes() {
        assert_eq!(text(b"\xef\xbb\xbfa,b\n").unwrap(), "a,b\n");
        assert!(matches!(text(b" \n").unwrap_err().kind(), ErrorKind::EmptyFile));
        assert!(matches!(text(b"a,b\n\0\n").unwrap_err().kind(), ErrorKind::NotText { looks_like: None }));
    }
}
