//! What does a table hold, and where did each value stand?
//!
//! Named columns of numbers, booleans or categories, with values missing here and there. How text becomes a table is
//! told in [`crate::data::csv`]; what a column means to a model, in [`crate::data::encode`].

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Cursor, Read};
use std::path::Path;

use ::csv::{QuoteStyle, WriterBuilder};

use crate::data::builtin;
use crate::data::csv::{self, ReadOptions};
use crate::data::lines::Lines;
use crate::data::numbers::Numbers;
use crate::error::{Error, ErrorKind, Place, Result};

/// The code of a missing boolean or category.
pub const MISSING: u32 = u32::MAX;

/// What cannot be read twice is kept for that: so much in memory, more in a file that vanishes with the process.
const KEPT_IN_MEMORY: usize = 1 << 24;

/// The values of one column, a row each.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    /// Finite numbers; NaN where the value is missing.
    Number(Numbers),
    /// 0 (false), 1 (true) or [`MISSING`].
    Boolean(Vec<u32>),
    /// Texts out of a set.
    Category {
        /// The different texts, sorted, each once.
        levels: Vec<String>,
        /// For each row the place of its text in `levels`, or [`MISSING`].
        codes: Vec<u32>,
    },
}

impl Values {
    /// Categories from one text a row; none where the value is missing.
    pub fn categories<'a>(texts: impl IntoIterator<Item = Option<&'a str>>) -> Self {
        let mut first_codes = HashMap::new();
        let mut codes = Vec::new();
        for text in texts {
            let next = first_codes.len() as u32;
            codes.push(text.map_or(MISSING, |text| *first_codes.entry(text.to_owned()).or_insert(next)));
        }
        Self::from_codes_in_order_of_appearance(first_codes, codes)
    }

    /// Renumbers codes given in order of appearance by the sorted order of their texts.
    pub(crate) fn from_codes_in_order_of_appearance(first_codes: HashMap<String, u32>, mut codes: Vec<u32>) -> Self {
        let mut sorted: Vec<(String, u32)> = first_codes.into_iter().collect();
        sorted.sort_unstable();
        let mut renumbered = vec![0; sorted.len()];
        for (code, (_, first_code)) in sorted.iter().enumerate() {
            renumbered[*first_code as usize] = code as u32;
        }
        for code in codes.iter_mut().filter(|code| **code != MISSING) {
            *code = renumbered[*code as usize];
        }
        Self::Category { levels: sorted.into_iter().map(|(level, _)| level).collect(), codes }
    }

    /// The number of rows.
    pub fn len(&self) -> usize {
        match self {
            Self::Number(numbers) => numbers.len(),
            Self::Boolean(codes) | Self::Category { codes, .. } => codes.len(),
        }
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether the value of a row is missing.
    pub fn is_missing(&self, row: usize) -> bool {
        match self {
            Self::Number(numbers) => numbers.get(row).is_nan(),
            Self::Boolean(codes) | Self::Category { codes, .. } => codes[row] == MISSING,
        }
    }

    /// The value of a row as text: a number in its shortest form, nothing where it is missing.
    pub fn text(&self, row: usize) -> String {
        match self {
            _ if self.is_missing(row) => String::new(),
            Self::Number(numbers) => shortest(numbers.get(row)),
            Self::Boolean(codes) => (codes[row] == 1).to_string(),
            Self::Category { levels, codes } => levels[codes[row] as usize].clone(),
        }
    }

    /// What is wrong with the values themselves, if anything.
    fn defect(&self) -> Option<&'static str> {
        let sound = match self {
            Self::Number(numbers) => return numbers.any_infinite().then_some("an infinite number"),
            Self::Boolean(codes) => codes.iter().all(|&code| code < 2 || code == MISSING),
            Self::Category { levels, codes } => {
                if !levels.is_sorted_by(|a, b| a < b) {
                    return Some("levels that are not sorted or not different");
                }
                codes.iter().all(|&code| (code as usize) < levels.len() || code == MISSING)
            }
        };
        (!sound).then_some("a code without a level")
    }
}

/// A number in the shortest form that reads back as the same number: `1`, `2.5`, `1e-20`.
pub(crate) fn shortest(number: f64) -> String {
    let magnitude = number.abs();
    if magnitude == 0.0 {
        "0".to_owned()
    } else if (1e-5..1e16).contains(&magnitude) {
        number.to_string()
    } else {
        format!("{number:e}")
    }
}

/// A name and the values under it.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    /// The name in the header.
    pub name: String,
    /// The values, a row each.
    pub values: Values,
}

impl Column {
    /// A column of numbers; NaN where the value is missing.
    pub fn numbers(name: impl Into<String>, numbers: Vec<f64>) -> Self {
        Self { name: name.into(), values: Values::Number(numbers.into()) }
    }
}

/// Columns of equal length, each with a name of its own, and where they came from.
#[derive(Clone, Debug)]
pub struct Table {
    source: String,
    columns: Vec<Column>,
    lines: Lines,
}

impl Table {
    /// Reads a table from a path, from standard input (`-`) or from the tables built in (`@digits`).
    ///
    /// # Errors
    /// Whatever stops the source from being read, and all that [`Table::from_csv`] reports.
    pub fn read(source: &str, options: &ReadOptions) -> Result<Self> {
        if let Some(name) = source.strip_prefix('@') {
            return builtin::find(name)?.read(options);
        }
        let kept = |name: &str, mut from: &mut dyn Read| {
            let mut kept = tempfile::spooled_tempfile(KEPT_IN_MEMORY);
            let copied = io::copy(&mut from, &mut kept);
            copied.map_err(|error| Error::io("read", Path::new(name), error))?;
            csv::read(name, kept, options)
        };
        if source == "-" {
            return kept("standard input", &mut io::stdin().lock());
        }
        let mut file = File::open(source).map_err(|error| Error::io("read", Path::new(source), error))?;
        let is_regular = file.metadata().is_ok_and(|metadata| metadata.is_file());
        if is_regular { csv::read(source, file, options) } else { kept(source, &mut file) }
    }

    /// Reads a table from the bytes of a text file; `source` names it in messages.
    ///
    /// # Errors
    /// Anything that makes the bytes no table, with its line and field: see [`crate::data::csv`].
    pub fn from_csv(source: &str, bytes: &[u8], options: &ReadOptions) -> Result<Self> {
        csv::read(source, Cursor::new(bytes), options)
    }

    /// Makes a table of columns.
    ///
    /// # Errors
    /// [`ErrorKind::NoRows`], [`ErrorKind::UnnamedColumn`], [`ErrorKind::DuplicateColumn`], and
    /// [`ErrorKind::Malformed`] if columns differ in length or a value is infinite or a code without a level.
    pub fn from_columns(source: impl Into<String>, columns: Vec<Column>) -> Result<Self> {
        let source = source.into();
        check_names(columns.iter().map(|column| column.name.as_str())).map_err(|error| error.in_source(&source))?;
        let n_rows = columns.first().map_or(0, |column| column.values.len());
        if n_rows == 0 {
            return Err(Error::from(ErrorKind::NoRows).in_source(&source));
        }
        for Column { name, values } in &columns {
            if values.len() != n_rows {
                let detail = format_args!("column `{name}` has {} rows, the first column {n_rows}", values.len());
                return Err(Error::malformed("table", detail).in_source(&source));
            }
            if let Some(defect) = values.defect() {
                return Err(
                    Error::malformed("table", format_args!("column `{name}` holds {defect}")).in_source(&source)
                );
            }
        }
        Ok(Self { source, columns, lines: Lines::default() })
    }

    /// The same table, with the line on which each row stood.
    pub(super) fn with_lines(self, lines: Lines) -> Self {
        Self { lines, ..self }
    }

    /// The number of rows.
    pub fn n_rows(&self) -> usize {
        self.columns.first().map_or(0, |column| column.values.len())
    }

    /// The numbers of all rows, from zero.
    pub fn rows(&self) -> Vec<u32> {
        (0..self.n_rows() as u32).collect()
    }

    /// The columns, in the order of the file.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The column of a name.
    ///
    /// # Errors
    /// [`ErrorKind::NoSuchColumn`] with the names that look most like it.
    pub fn column(&self, name: &str) -> Result<&Column> {
        self.column_index(name).map(|index| &self.columns[index])
    }

    /// The place of a name among the columns, from zero.
    ///
    /// # Errors
    /// [`ErrorKind::NoSuchColumn`] with the names that look most like it.
    pub fn column_index(&self, name: &str) -> Result<usize> {
        self.columns.iter().position(|column| column.name == name).ok_or_else(|| {
            let names = self.columns.iter().map(|column| column.name.as_str());
            no_such_column(name, names).at(Place::source(&self.source))
        })
    }

    /// What messages call the table: its path, `standard input` or `@digits`.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Where a value stood: line and field, both from one. A table that was never a file answers as if
    /// [`Table::write_csv`] had written it.
    pub fn place(&self, row: usize, column: usize) -> Place {
        Place::source(&self.source).line(self.lines.of(row)).column(column as u64 + 1)
    }

    /// Writes the table as comma-separated text with a header; missing values become empty fields.
    ///
    /// Texts are quoted where they must be; all of them where one holds what might be taken for a delimiter.
    ///
    /// # Errors
    /// Whatever `out` refuses. The path is the caller's to add.
    pub fn write_csv(&self, out: impl io::Write) -> io::Result<()> {
        let alone = self.columns.len() == 1;
        let is_delicate = |text: &String| text.contains([';', '|', '\t']) || (alone && text.contains(' '));
        let delicate = self.columns.iter().any(|Column { name, values }| match values {
            Values::Category { levels, .. } => is_delicate(name) || levels.iter().any(is_delicate),
            _ => is_delicate(name),
        });
        let style = if delicate { QuoteStyle::NonNumeric } else { QuoteStyle::Necessary };
        let mut writer = WriterBuilder::new().quote_style(style).from_writer(out);
        writer.write_record(self.columns.iter().map(|column| &column.name))?;
        for row in 0..self.n_rows() {
            writer.write_record(self.columns.iter().map(|column| column.values.text(row)))?;
        }
        writer.flush()
    }
}

/// Every column must have a name, and no two the same.
pub(crate) fn check_names<'a>(names: impl Iterator<Item = &'a str>) -> Result<()> {
    let mut first_fields = HashMap::new();
    for (name, field) in names.zip(1..) {
        let place = Place::default().line(1).column(field);
        if name.is_empty() {
            return Err(Error::from(ErrorKind::UnnamedColumn).at(place));
        }
        if let Some(first) = first_fields.insert(name, field) {
            let kind = ErrorKind::DuplicateColumn { name: name.to_owned(), first: first as usize };
            return Err(Error::from(kind).at(place));
        }
    }
    Ok(())
}

/// A name that is not there, with at most three that look like it, best first.
pub(crate) fn no_such_column<'a>(name: &str, names: impl Iterator<Item = &'a str>) -> Error {
    let lower = name.to_lowercase();
    let mut nearest: Vec<(f64, &str)> = names
        .map(|other| (strsim::jaro_winkler(&lower, &other.to_lowercase()), other))
        .filter(|(likeness, _)| *likeness > 0.7)
        .collect();
    nearest.sort_by(|a, b| b.0.total_cmp(&a.0));
    let nearest = nearest.into_iter().take(3).map(|(_, other)| other.to_owned()).collect();
    ErrorKind::NoSuchColumn { name: name.to_owned(), nearest }.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(text: &str) -> Table {
        Table::from_csv("t.csv", text.as_bytes(), &ReadOptions::default()).unwrap()
    }

    #[test]
    fn a_written_table_reads_back_the_same() {
        let first = table("a,b c,d\n0.1,\"x, \"\"y\"\"\",TRUE\n-1e-300,,false\n,z,\n123456789012345680000,z,true\n");
        let mut written = Vec::new();
        first.write_csv(&mut written).unwrap();
        let text = String::from_utf8(written).unwrap();
        assert_eq!(text, "a,b c,d\n0.1,\"x, \"\"y\"\"\",true\n-1e-300,,false\n,z,\n1.2345678901234568e20,z,true\n");
        assert_eq!(first.fingerprint(), table(&text).fingerprint());
    }

    #[test]
    fn a_missing_column_is_answered_with_the_nearest_names() {
        let error = table("depth,table,price\n1,2,3\n").column("pirce").unwrap_err();
        assert_eq!(
            error.to_string(),
            "t.csv: expected a column `pirce`, found none of that name; the nearest are `price`"
        );
    }

    #[test]
    fn columns_that_cannot_be_a_table_are_refused() {
        let made = |columns| Table::from_columns("made", columns).unwrap_err().to_string();
        assert_eq!(made(vec![]), "made: expected rows below the header, found none");
        assert_eq!(
            made(vec![Column::numbers("a", vec![1.0]), Column::numbers("b", vec![1.0, 2.0])]),
            "made: expected a table: column `b` has 2 rows, the first column 1"
        );
        assert_eq!(
            made(vec![Column::numbers("a", vec![f64::INFINITY])]),
            "made: expected a table: column `a` holds an infinite number"
        );
    }
}
