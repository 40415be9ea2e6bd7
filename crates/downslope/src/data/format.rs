//! In which form is a table written, and who reads it?
//!
//! The content says, and where that leaves a doubt the end of the file's name. Every form is read in parts, tables of
//! consecutive rows with the same columns; only CSV is read whole by a way of its own, which takes less memory.

use std::fmt;
use std::io::Read;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

#[cfg(feature = "arrow")]
use crate::data::columnar;
use crate::data::csv::{self, ReadOptions};
use crate::data::source::{Packing, Source};
use crate::data::table::Table;
use crate::data::{json_lines, libsvm, numpy, sniff, vowpal};
use crate::error::{Error, ErrorKind, Problem, Result};

/// A form in which tables are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Format {
    /// Fields between commas, semicolons, tabs or `|`, with a header: [`crate::data::csv`].
    Csv,
    /// A JSON object a line.
    JsonLines,
    /// `label index:value …`, also known as svmlight.
    Libsvm,
    /// `label importance 'tag |namespace feature:value …`.
    Vowpal,
    /// One array of NumPy's.
    Npy,
    /// Several arrays of NumPy's, `X` and `y`.
    Npz,
    /// Parquet.
    Parquet,
    /// Arrow's own file, also known as Feather, or its stream.
    Arrow,
}

/// Takes the rows of a table part by part.
pub type Consume<'a> = &'a mut (dyn FnMut(Table) -> Result<()> + Send);

/// First bytes of Arrow's file, and of its stream.
const ARROW_FILE: &[u8] = b"ARROW1";
const ARROW_STREAM: &[u8] = b"\xff\xff\xff\xff";

impl Format {
    /// All of them, and the names that ask for them.
    pub const ALL: [(Self, &'static str); 8] = [
        (Self::Csv, "csv"),
        (Self::JsonLines, "jsonl"),
        (Self::Libsvm, "libsvm"),
        (Self::Vowpal, "vw"),
        (Self::Npy, "npy"),
        (Self::Npz, "npz"),
        (Self::Parquet, "parquet"),
        (Self::Arrow, "arrow"),
    ];

    /// The form of a source: the one asked for, or what its content says, or its name.
    ///
    /// # Errors
    /// What stops it from being read; [`ErrorKind::NotText`] for columns or arrays that are packed once more.
    pub(super) fn of(source: &Source, options: &ReadOptions) -> Result<Self> {
        let refused = |error| source.refused(error);
        let mut start = Vec::new();
        source.reader()?.take(8).read_to_end(&mut start).map_err(refused)?;
        let announced = match start.as_slice() {
            start if start.starts_with(b"PAR1") => Some(Self::Parquet),
            start if start.starts_with(ARROW_FILE) || start.starts_with(ARROW_STREAM) => Some(Self::Arrow),
            start if start.starts_with(numpy::MAGIC) => Some(Self::Npy),
            start if start.starts_with(b"PK\x03\x04") => {
                let mut head = Vec::new();
                source.reader()?.take(4096).read_to_end(&mut head).map_err(refused)?;
                memchr::memmem::find(&head, b".npy").map(|_| Self::Npz)
            }
            _ => None,
        };
        let format = match options.format.or(announced) {
            Some(format) => format,
            None => Self::of_text(source)?,
        };
        let needs_places = match format {
            Self::Parquet => Some("a Parquet file that is packed once more"),
            Self::Arrow if start.starts_with(ARROW_FILE) => Some("an Arrow file that is packed once more"),
            Self::Npz => Some("a NumPy archive that is packed once more"),
            _ => None,
        };
        if source.is_packed() && needs_places.is_some() {
            return Err(Error::from(ErrorKind::NotText { looks_like: needs_places }).in_source(source.name()));
        }
        Ok(format)
    }

    /// The form of a source that does not begin with a mark.
    fn of_text(source: &Source) -> Result<Self> {
        let by_name = Self::of_name(source.name()).map_or(Self::Csv, |(format, _)| format);
        let head = sniff::head(&mut source.reader()?).map_err(|error| source.refused(error))?;
        // What is no text is refused by the reader that its name asks for, with its reasons.
        let Ok(text) = sniff::text(&head) else { return Ok(by_name) };
        Ok(match text.trim_start() {
            text if text.starts_with('{') => Self::JsonLines,
            _ if sniff::is_libsvm(text) => Self::Libsvm,
            _ if sniff::is_vowpal(text) => Self::Vowpal,
            _ => by_name,
        })
    }

    /// The form that a file's name asks for, and how it asks for the bytes to be packed.
    pub fn of_name(name: &str) -> Option<(Self, Packing)> {
        let (packing, name) = Packing::of_name(name);
        let format = match name.rsplit_once('.')?.1.to_ascii_lowercase().as_str() {
            "csv" | "tsv" | "txt" => Self::Csv,
            "jsonl" | "ndjson" => Self::JsonLines,
            "svm" | "libsvm" | "svmlight" => Self::Libsvm,
            "vw" => Self::Vowpal,
            "npy" => Self::Npy,
            "npz" => Self::Npz,
            "parquet" => Self::Parquet,
            "arrow" | "feather" | "ipc" => Self::Arrow,
            _ => return None,
        };
        Some((format, packing))
    }

    /// Hands on the rows of a source, part by part.
    ///
    /// # Errors
    /// Whatever keeps the source from being a table of this form, with its place; and those of `consume`.
    pub(super) fn read_parts(self, source: &Source, options: &ReadOptions, consume: Consume) -> Result<()> {
        match self {
            Self::Csv => csv::read_parts(source, options, consume),
            Self::JsonLines => json_lines::read_parts(source, options, consume),
            Self::Libsvm => libsvm::read_parts(source, options, consume),
            Self::Vowpal => vowpal::read_parts(source, options, consume),
            Self::Npy => numpy::read_parts(source, options, consume),
            Self::Npz => numpy::read_archive(source, options, consume),
            #[cfg(feature = "arrow")]
            Self::Parquet => columnar::read_parquet(source, options, consume),
            #[cfg(feature = "arrow")]
            Self::Arrow => {
                let mut start = Vec::new();
                let read = source.reader()?.take(ARROW_FILE.len() as u64).read_to_end(&mut start);
                read.map_err(|error| source.refused(error))?;
                let is_file = start == ARROW_FILE;
                if is_file {
                    columnar::read_arrow(source, options, consume)
                } else {
                    columnar::read_stream(source, options, consume)
                }
            }
            #[cfg(not(feature = "arrow"))]
            Self::Parquet | Self::Arrow => {
                Err(Error::from(ErrorKind::NotBuilt { format: self }).in_source(source.name()))
            }
        }
    }

    /// The whole table.
    pub(super) fn read(self, source: &Source, options: &ReadOptions) -> Result<Table> {
        if self == Self::Csv {
            return csv::read(source, options);
        }
        let mut parts = Vec::new();
        self.read_parts(source, options, &mut |part| {
            parts.push(part);
            Ok(())
        })?;
        Table::concat(source.name(), parts)
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = Self::ALL.iter().find(|(format, _)| format == self).map_or("", |&(_, name)| name);
        f.write_str(name)
    }
}

impl FromStr for Format {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let found = Self::ALL.iter().find(|(_, name)| *name == text);
        found.map(|&(format, _)| format).ok_or_else(|| {
            let names: Vec<&str> = Self::ALL.iter().map(|&(_, name)| name).collect();
            ErrorKind::Settings(vec![Problem::new("format", format!("one of {}", names.join(", ")), text)]).into()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn format(name: &str, bytes: &[u8]) -> Format {
        Format::of(&Source::of_bytes(name, bytes), &ReadOptions::default()).unwrap()
    }

    #[test]
    fn the_content_says_what_it_is_whatever_its_name() {
        for (bytes, expected) in [
            (&b"a,b\n1,2\n"[..], Format::Csv),
            (b"a|b\n1|2\n", Format::Csv),
            (b"0|1\n1|2\n", Format::Csv),
            (b"{\"a\": 1}\n", Format::JsonLines),
            (b"1 3:0.5\n-1 4:1\n", Format::Libsvm),
            (b"1 1.5 'x |f a:1\n| b\n", Format::Vowpal),
            (b"|f a b c\n|f d\n", Format::Vowpal),
            (b"\x93NUMPY\x01\0", Format::Npy),
            (b"PAR1\x15\0", Format::Parquet),
            (b"ARROW1\0\0", Format::Arrow),
            (b"\xff\xff\xff\xff\0\x01\0\0", Format::Arrow),
        ] {
            assert_eq!(format("t.csv", bytes), expected, "{}", String::from_utf8_lossy(bytes));
        }
    }

    #[test]
    fn the_name_says_where_the_content_leaves_a_doubt() {
        assert_eq!(format("t.svm", b"1\n-1\n"), Format::Libsvm);
        assert_eq!(format("t.dat", b"1\n-1\n"), Format::Csv);
        assert_eq!(format("t.parquet", b"\0\0"), Format::Parquet);
        assert_eq!(Format::of_name("x/t.ndjson.gz"), Some((Format::JsonLines, Packing::Gzip)));
        assert_eq!(Format::of_name("t"), None);
        let options = ReadOptions { format: Some(Format::Vowpal), ..ReadOptions::default() };
        assert_eq!(Format::of(&Source::of_bytes("t.csv", &b"a,b\n"[..]), &options).unwrap(), Format::Vowpal);
    }
}
