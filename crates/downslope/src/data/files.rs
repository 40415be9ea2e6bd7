//! Which files make the table?
//!
//! One, or all that a pattern names (`part-*.csv`), in the order of their names, one below the other. They must have the
//! same columns. Where a column is of one kind here and of another there, it is read again as what holds both: texts.

use std::collections::BTreeMap;
use std::path::Path;

use crate::data::csv::{ColumnKind, ReadOptions};
use crate::data::format::Format;
use crate::data::source::Source;
use crate::data::table::{Table, Values};
use crate::error::{ErrorKind, Result};

/// Reads a table from a path, a pattern, or standard input.
pub(super) fn read(source: &str, options: &ReadOptions) -> Result<Table> {
    let names = matching(source)?;
    let read = |name: &String, options: &ReadOptions| {
        let source = Source::open(name)?;
        Format::of(&source, options)?.read(&source, options)
    };
    let mut tables = names.iter().map(|name| read(name, options)).collect::<Result<Vec<_>>>()?;
    let mut common = options.clone();
    common.kinds.extend(kinds_that_differ(&tables));
    if common.kinds.len() > options.kinds.len() {
        for (table, name) in tables.iter_mut().zip(&names) {
            *table = read(name, &common)?;
        }
    }
    let name = if let [table] = &tables[..] { table.source().to_owned() } else { source.to_owned() };
    Ok(Table::concat(name, tables)?.with_sparse_rows_in_order())
}

/// The files that a source names: itself, unless it is a pattern and no file.
///
/// # Errors
/// [`ErrorKind::NoMatch`].
pub(super) fn matching(source: &str) -> Result<Vec<String>> {
    if !source.contains(['*', '?', '[']) || Path::new(source).exists() {
        return Ok(vec![source.to_owned()]);
    }
    let found = glob::glob(source).into_iter().flatten().flatten().filter(|path| path.is_file());
    let mut names: Vec<String> = found.map(|path| path.to_string_lossy().into_owned()).collect();
    names.sort_unstable();
    if names.is_empty() { Err(ErrorKind::NoMatch { pattern: source.to_owned() }.into()) } else { Ok(names) }
}

/// The columns that are not of one kind in all tables, each with the kind that holds what is in all of them.
fn kinds_that_differ(tables: &[Table]) -> Vec<(String, ColumnKind)> {
    // What is said of a column that is of one kind, of several where all are missing, and of several.
    let mut kinds: BTreeMap<&str, (ColumnKind, bool)> = BTreeMap::new();
    let columns =
        || tables.iter().flat_map(Table::columns).filter(|column| !matches!(column.values, Values::Sparse(_)));
    let is_empty = |values: &Values| (0..values.len()).all(|row| values.is_missing(row));
    for column in columns().filter(|column| !is_empty(&column.values)) {
        let here = column.values.column_kind();
        let (kind, _) = kinds.entry(&column.name).or_insert((here, false));
        if *kind != here {
            *kind = ColumnKind::Category;
        }
    }
    for column in columns() {
        if let Some((kind, differs)) = kinds.get_mut(column.name.as_str()) {
            *differs |= *kind != column.values.column_kind();
        }
    }
    let differing = kinds.into_iter().filter(|(_, (_, differs))| *differs);
    differing.map(|(name, (kind, _))| (name.to_owned(), kind)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

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
