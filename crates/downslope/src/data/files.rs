//! Which files make the table?
//!
//! One, or all that a pattern names (`part-*.csv`), in the order of their names, one below the other. They must have the
//! same columns. Where a column is of one kind here and of another there, it is read again as what holds both: texts.

use std::collections::BTreeMap;
use std::path::Path;

use crate::data::builtin;
use crate::data::csv::{self, ColumnKind, ReadOptions};
use crate::data::format::{Consume, Format};
use crate::data::skipped::OnBadRow;
use crate::data::source::Source;
use crate::data::table::{Column, Table, Values};
use crate::error::{Error, ErrorKind, Result};
use crate::memory::Bytes;

/// A table in files that can be read as often as needed, whole or part by part.
pub struct TableSource {
    name: String,
    files: Vec<(Source<'static>, Format)>,
}

impl TableSource {
    /// A file, all files that a pattern names, standard input (`-`), or a table that is built in (`@digits`).
    ///
    /// # Errors
    /// Whatever stops one from being read; [`ErrorKind::NoMatch`].
    pub fn open(name: &str, options: &ReadOptions) -> Result<Self> {
        if let Some(builtin) = name.strip_prefix('@') {
            let source = Source::of_bytes(name, builtin::find(builtin)?.csv());
            return Ok(Self { name: name.to_owned(), files: vec![(source, Format::Csv)] });
        }
        let open = |name: &String| {
            let source = Source::open(name)?;
            let format = Format::of(&source, options)?;
            Ok((source, format))
        };
        let files = matching(name)?.iter().map(open).collect::<Result<Vec<_>>>()?;
        let name = if let [(alone, _)] = &files[..] { alone.name() } else { name };
        Ok(Self { name: name.to_owned(), files })
    }

    /// What messages call it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// About how much memory the table takes with its rows encoded, at most: a guess from the size of the files.
    pub fn memory(&self) -> Bytes {
        let of_file = |(source, format): &(Source, Format)| {
            // Text takes up to twice its size, and is packed to a fifth of it, as columns pack themselves.
            let packs_itself = matches!(format, Format::Parquet | Format::Arrow | Format::Npz);
            source.n_bytes().saturating_mul(if source.is_packed() || packs_itself { 10 } else { 2 })
        };
        Bytes(self.files.iter().map(of_file).fold(0, u64::saturating_add))
    }

    /// The whole table.
    ///
    /// # Errors
    /// Whatever keeps it from being a table, with its place.
    pub fn read(&self, options: &ReadOptions) -> Result<Table> {
        let read = |options: &ReadOptions| {
            self.files.iter().map(|(source, format)| format.read(source, options)).collect::<Result<Vec<_>>>()
        };
        let mut tables = read(options)?;
        let mut common = options.clone();
        common.kinds.extend(kinds_that_differ(&tables.iter().map(seen).collect::<Vec<_>>()));
        if common.kinds.len() > options.kinds.len() {
            tables = read(&common)?;
        }
        Ok(Table::concat(&self.name, tables)?.with_sparse_rows_in_order())
    }

    /// Hands on the rows part by part: tables of consecutive rows with the same columns. Those of several files are of one
    /// kind if [`ReadOptions::kinds`] says so.
    ///
    /// # Errors
    /// Whatever keeps it from being a table, with its place; and those of `consume`.
    pub fn read_parts(&self, options: &ReadOptions, consume: Consume) -> Result<()> {
        let mut names: Option<Vec<String>> = None;
        for (source, format) in &self.files {
            format.read_parts(source, options, &mut |part: Table| {
                let found = part.columns().iter().map(|column| column.name.clone());
                match &names {
                    None => names = Some(found.collect()),
                    Some(expected) if !found.clone().eq(expected.iter().cloned()) => {
                        let kind = ErrorKind::ColumnsDiffer { expected: expected.clone(), found: found.collect() };
                        return Err(Error::from(kind).in_source(source.name()));
                    }
                    Some(_) => {}
                }
                consume(part)
            })?;
        }
        Ok(())
    }

    /// Kinds for [`ReadOptions::kinds`] that should fit all rows: of one CSV file what its first rows hold, so that the text
    /// need not be gone through for them first; of several files what all of them hold. None where reading needs no such
    /// help.
    ///
    /// # Errors
    /// Whatever keeps what is looked at from being a table.
    pub(crate) fn guess_kinds(&self, options: &ReadOptions) -> Result<Option<GuessedKinds>> {
        match &self.files[..] {
            // Rows that do not fit must be told from rows that are to be skipped.
            [(source, Format::Csv)] if options.on_bad_row == OnBadRow::Error => {
                Ok(Some(GuessedKinds { kinds: csv::guess_kinds(source, options)?, fit_all_rows: false }))
            }
            [_] => Ok(None),
            files => {
                let mut found = Vec::new();
                for (source, format) in files {
                    let mut columns: Vec<Seen> = Vec::new();
                    format.read_parts(source, options, &mut |part: Table| {
                        let here = seen(&part);
                        if columns.is_empty() {
                            columns = here;
                        } else {
                            columns.iter_mut().zip(here).for_each(|(column, here)| column.is_empty &= here.is_empty);
                        }
                        Ok(())
                    })?;
                    found.push(columns);
                }
                let common = kinds_that_differ(&found);
                let kinds = options.kinds.iter().cloned().chain(common).collect();
                Ok(Some(GuessedKinds { kinds, fit_all_rows: true }))
            }
        }
    }
}

/// Kinds for [`ReadOptions::kinds`].
pub(crate) struct GuessedKinds {
    /// The kinds, by the names of columns.
    pub(crate) kinds: Vec<(String, ColumnKind)>,
    /// Whether all rows have been seen, not only the first.
    pub(crate) fit_all_rows: bool,
}

/// The files that a source names: itself, unless it is a pattern and no file.
///
/// # Errors
/// [`ErrorKind::NoMatch`].
fn matching(source: &str) -> Result<Vec<String>> {
    if !source.contains(['*', '?', '[']) || Path::new(source).exists() {
        return Ok(vec![source.to_owned()]);
    }
    let found = glob::glob(source).into_iter().flatten().flatten().filter(|path| path.is_file());
    let mut names: Vec<String> = found.map(|path| path.to_string_lossy().into_owned()).collect();
    names.sort_unstable();
    if names.is_empty() { Err(ErrorKind::NoMatch { pattern: source.to_owned() }.into()) } else { Ok(names) }
}

/// What a file holds in a column.
struct Seen {
    name: String,
    kind: ColumnKind,
    is_empty: bool,
}

/// What a table holds in its columns, but for sparse rows.
fn seen(table: &Table) -> Vec<Seen> {
    let columns = table.columns().iter().filter(|column| !matches!(column.values, Values::Sparse(_)));
    let seen = |Column { name, values }: &Column| Seen {
        name: name.clone(),
        kind: values.column_kind(),
        is_empty: (0..values.len()).all(|row| values.is_missing(row)),
    };
    columns.map(seen).collect()
}

/// The columns that are not of one kind in all files, each with the kind that holds what is in all of them.
fn kinds_that_differ(files: &[Vec<Seen>]) -> Vec<(String, ColumnKind)> {
    // What is said of a column that is of one kind, of several where all are missing, and of several.
    let mut kinds: BTreeMap<&str, (ColumnKind, bool)> = BTreeMap::new();
    let columns = || files.iter().flatten();
    for column in columns().filter(|column| !column.is_empty) {
        let (kind, _) = kinds.entry(&column.name).or_insert((column.kind, false));
        if *kind != column.kind {
            *kind = ColumnKind::Category;
        }
    }
    for column in columns() {
        if let Some((kind, differs)) = kinds.get_mut(column.name.as_str()) {
            *differs |= *kind != column.kind;
        }
    }
    let differing = kinds.into_iter().filter(|(_, (_, differs))| *differs);
    differing.map(|(name, (kind, _))| (name.to_owned(), kind)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(source: &str, options: &ReadOptions) -> Result<Table> {
        TableSource::open(source, options)?.read(options)
    }

    fn read_all(files: &[(&str, &str)]) -> Result<Table> {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        read(&folder.path().join("part-*").to_string_lossy(), &ReadOptions::default())
    }

    #[test]
    fn files_are_read_in_the_order_of_their_names_and_places_name_the_file() {
        let table = read_all(&[("part-2.csv", "a,y\n3,4\n"), ("part-1.csv", "a,y\n1,2\n2,3\n"), ("other.csv", "z\n")]);
        let table = table.unwrap();
        assert_eq!(table.columns()[0].values, Values::Number(vec![1.0, 2.0, 3.0].into()));
        assert!(table.place(2, 1).to_string().ends_with("part-2.csv:2:2:"));
    }

    #[test]
    fn what_is_text_in_one_file_is_text_in_all() {
        let table = read_all(&[("part-1", "a,when\n1,\n2,\n"), ("part-2", "a,when\nu,2024-01-02\nv,\n")]).unwrap();
        assert_eq!(table.columns()[0].values, Values::categories([Some("1"), Some("2"), Some("u"), Some("v")]));
        assert_eq!(table.columns()[1].values.kind(), "times");
    }

    #[test]
    fn sparse_files_may_name_other_features() {
        let table = read_all(&[("part-1.svm", "1 1:1 2:2\n"), ("part-2.svm", "0 2:3 3:1\n")]).unwrap();
        assert_eq!(table.columns().len(), 4);
    }

    #[test]
    fn other_columns_and_patterns_without_files_are_refused() {
        let error = read_all(&[("part-1", "a,b\n1,2\n"), ("part-2", "a,c\n1,2\n")]).unwrap_err().to_string();
        let expected = "part-2: expected the columns of the files before it, found `c` instead of `b`";
        assert!(error.ends_with(expected), "{error}");
        let error = read("no/such/part-*.csv", &ReadOptions::default()).unwrap_err().to_string();
        assert_eq!(error, "expected files that match `no/such/part-*.csv`, found none");
    }
}
