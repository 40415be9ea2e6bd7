//! In which form is a table written, and who reads it?
//!
//! The content says, and where that leaves a doubt the end of the file's name. Every form is read in parts, tables of
//! consecutive rows with the same columns; only CSV is read whole by a way of its own, which takes less memory.

use crate::data::csv::{self, ReadOptions};

use crate::data::source::{Packing, Source};
use crate::data::table::Table;
use crate::error::Result;

/// A form in which tables are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Format {
    /// Fields between commas, semicolons, tabs or `|`, with a header: [`crate::data::csv`].
    Csv,
}

/// Takes the rows of a table part by part.
pub(super) type Consume<'a> = &'a mut (dyn FnMut(Table) -> Result<()> + Send);

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
