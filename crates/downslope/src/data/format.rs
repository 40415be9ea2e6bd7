//! In which form is a table written, and who reads it?
//!
//! The content says, and where that leaves a doubt the end of the file's name. Every form is read in parts, tables of
//! consecutive rows with the same columns; only CSV is read whole by a way of its own, which takes less memory.

use crate::data::csv::{self, ColumnKind, ReadOptions};

use crate::data::source::{Packing, Source};
use crate::data::table::Table;
use crate::error::Result;
use crate::memory::Bytes;

/// A form in which tables are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Format {
    /// Fields between commas, semicolons, tabs or `|`, with a header: [`crate::data::csv`].
    Csv,
}

/// Takes the rows of a table part by part.
pub type Consume<'a> = &'a mut (dyn FnMut(Table) -> Result<()> + Send);

impl Format {
    /// The form of a source.
    ///
    /// # Errors
    /// What stops it from being read; [`ErrorKind::NotText`] for bytes in no form that is known here.
    pub(super) fn of(source: &Source) -> Result<Self> {
        let _ = source;
        Ok(Self::Csv)
    }

    /// The form that a file's name asks for, and how it asks for the bytes to be packed.
    pub fn of_name(name: &str) -> Option<(Self, Packing)> {
        let (packing, name) = Packing::of_name(name);
        let format = match name.rsplit_once('.')?.1.to_ascii_lowercase().as_str() {
            "csv" | "tsv" | "txt" => Self::Csv,
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

/// A table that is read part by part, as often as needed.
pub struct TableSource {
    source: Source<'static>,
    format: Format,
}

impl TableSource {
    /// A file, or standard input (`-`).
    ///
    /// # Errors
    /// Whatever stops the source from being read.
    pub fn open(name: &str) -> Result<Self> {
        let source = Source::open(name)?;
        Ok(Self { format: Format::of(&source)?, source })
    }

    /// What messages call it.
    pub fn name(&self) -> &str {
        self.source.name()
    }

    /// The number of bytes it has, packed as they may be.
    pub fn n_bytes(&self) -> u64 {
        self.source.n_bytes()
    }

    /// About how much memory the table takes with its rows encoded, at most: a guess from the size of the source.
    pub fn memory(&self) -> Bytes {
        // Text takes up to twice its size, and is packed to a fifth of it.
        let times = if self.source.is_packed() { 10 } else { 2 };
        Bytes(self.source.n_bytes().saturating_mul(times))
    }

    /// The whole table.
    ///
    /// # Errors
    /// Whatever keeps it from being a table, with its place.
    pub fn read(&self, options: &ReadOptions) -> Result<Table> {
        self.format.read(&self.source, options)
    }

    /// Hands on its rows part by part: tables of consecutive rows with the same columns.
    ///
    /// # Errors
    /// Whatever keeps it from being a table, with its place; and those of `consume`.
    pub fn read_parts(&self, options: &ReadOptions, consume: Consume) -> Result<()> {
        self.format.read_parts(&self.source, options, consume)
    }

    /// The kinds of its columns by the first rows alone, for [`ReadOptions::kinds`]: so that text need not be gone through
    /// for them first. None where reading needs no such help. Rows further on may not fit them.
    ///
    /// # Errors
    /// Those of the first rows.
    pub(crate) fn guess_kinds(&self, options: &ReadOptions) -> Result<Option<Vec<(String, ColumnKind)>>> {
        match self.format {
            Format::Csv => csv::guess_kinds(&self.source, options).map(Some),
        }
    }
}
