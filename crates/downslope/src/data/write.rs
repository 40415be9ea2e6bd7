//! How is a table written, in any form that is read?
//!
//! What a form cannot hold is refused with the column, never left out in silence. Numbers are written in the shortest form
//! that reads back the same, times as ISO 8601 spells them.

use std::io::{self, Write};

use zip::write::SimpleFileOptions;

#[cfg(feature = "arrow")]
use crate::data::columnar;
use crate::data::format::Format;
use crate::data::source::Packing;
use crate::data::sparse::MOST_PLAIN_COLUMNS;
use crate::data::table::{Column, MISSING, Table, Values, shortest};
use crate::data::vowpal::IMPORTANCE;
use crate::error::{Error, ErrorKind, Problem, Result};

impl Table {
    /// Writes the table. `target` names the column that becomes the label: LIBSVM and Vowpal Wabbit text need one, and
    /// a NumPy archive has it apart; to other forms it is a column like any other.
    ///
    /// # Errors
    /// [`ErrorKind::NoFormFor`] a column, [`ErrorKind::NoSuchColumn`], [`ErrorKind::Settings`] without a target; and what
    /// `out` refuses, without a path.
    pub fn write(
        &self,
        format: Format,
        packing: Packing,
        target: Option<&str>,
        out: &mut (dyn Write + Send),
    ) -> Result<()> {
        match packing {
            Packing::None => self.write_as(format, target, out),
            Packing::Gzip => {
                let mut out = flate2::write::GzEncoder::new(out, flate2::Compression::default());
                self.write_as(format, target, &mut out)?;
                out.finish().map(drop).map_err(Error::not_written)
            }
            Packing::Zstd => {
                let mut out = zstd::Encoder::new(out, zstd::DEFAULT_COMPRESSION_LEVEL).map_err(Error::not_written)?;
                self.write_as(format, target, &mut out)?;
                out.finish().map(drop).map_err(Error::not_written)
            }
            Packing::Bzip2 => {
                let mut out = bzip2::write::BzEncoder::new(out, bzip2::Compression::default());
                self.write_as(format, target, &mut out)?;
                out.finish().map(drop).map_err(Error::not_written)
            }
        }
    }

    fn write_as(&self, format: Format, target: Option<&str>, out: &mut (dyn Write + Send)) -> Result<()> {
        let target = target.map(|name| self.column_index(name)).transpose()?;
        let needed = || target.ok_or_else(|| no_target(format));
        let plain;
        let table = match format {
            Format::Libsvm | Format::Vowpal => self,
            _ => {
                plain = self.with_plain_columns(MOST_PLAIN_COLUMNS)?;
                plain.as_ref().unwrap_or(self)
            }
        };
        // Whoever looks a column up by its place in `self` finds it where its name is.
        let target_of = |table: &Table| target.map(|index| table.column_index(&self.columns()[index].name)).transpose();
        match format {
            Format::Csv => table.write_csv(out).map_err(Error::not_written),
            Format::JsonLines => write_json_lines(table, out).map_err(Error::not_written),
            Format::Libsvm => write_libsvm(table, needed()?, out),
            Format::Vowpal => write_vowpal(table, needed()?, out),
            Format::Npy => {
                let columns: Vec<&Column> = table.columns().iter().collect();
                write_matrix(&columns, table.n_rows(), out)
            }
            Format::Npz => write_archive(table, target_of(table)?, out),
            #[cfg(feature = "arrow")]
            Format::Parquet => columnar::write_parquet(table, out),
            #[cfg(feature = "arrow")]
            Format::Arrow => columnar::write_arrow(table, out),
            #[cfg(not(feature = "arrow"))]
            Format::Parquet | Format::Arrow => Err(ErrorKind::NotBuilt { format }.into()),
        }
    }
}

fn no_target(format: Format) -> Error {
    ErrorKind::Settings(vec![Problem::new("target", format!("the column that becomes the label of {format}"), "none")])
        .into()
}

impl Column {
    /// The error for a column that a form cannot hold.
    pub(super) fn no_form(&self, expected: &'static str) -> Error {
        let holds = self.values.kind();
        ErrorKind::NoFormFor { name: self.name.clone(), expected, holds }.into()
    }

    /// The numbers of a column that can be written as one number a row.
    fn number(&self, row: usize, expected: &'static str) -> Result<f64> {
        match &self.values {
            Values::Number(numbers) if numbers.get(row).is_nan() => Err(self.missing(expected)),
            Values::Number(numbers) => Ok(numbers.get(row)),
            Values::Boolean(codes) if codes[row] == MISSING => Err(self.missing(expected)),
            Values::Boolean(codes) => Ok(codes[row].into()),
            _ => Err(self.no_form(expected)),
        }
    }

    fn missing(&self, expected: &'static str) -> Error {
        ErrorKind::NoFormFor { name: self.name.clone(), expected, holds: "a missing value" }.into()
    }
}

fn write_json_lines(table: &Table, out: &mut (dyn Write + Send)) -> io::Result<()> {
    let mut out = io::BufWriter::new(out);
    let keys = table.columns().iter().map(|column| serde_json::to_string(&column.name));
    let keys: Vec<String> = keys.collect::<std::result::Result<_, _>>()?;
    for row in 0..table.n_rows() {
        let mut separator = "{";
        for (Column { values, .. }, key) in table.columns().iter().zip(&keys) {
            write!(out, "{separator}{key}:")?;
            match values {
                _ if values.is_missing(row) => out.write_all(b"null")?,
                Values::Number(_) | Values::Boolean(_) => out.write_all(values.text(row).as_bytes())?,
                _ => serde_json::to_writer(&mut out, &values.text(row))?,
            }
            separator = ",";
        }
        out.write_all(b"}\n")?;
    }
    out.flush()
}

const FOR_LIBSVM: &str = "a number in every row of a column for LIBSVM text";

fn write_libsvm(table: &Table, target: usize, out: &mut (dyn Write + Send)) -> Result<()> {
    let label = &table.columns()[target];
    let features =
        || table.columns().iter().enumerate().filter(move |&(place, _)| place != target).map(|(_, column)| column);
    let mut names: Vec<&str> = Vec::new();
    // For each column the place of its first name.
    let mut starts = Vec::new();
    for column in features() {
        starts.push(names.len());
        match &column.values {
            Values::Sparse(rows) => names.extend(rows.names().iter().map(String::as_str)),
            Values::Number(_) | Values::Boolean(_) => names.push(&column.name),
            _ => return Err(column.no_form(FOR_LIBSVM)),
        }
    }
    let indices = indices(&names);
    let mut out = io::BufWriter::new(out);
    let mut pairs = Vec::new();
    for row in 0..table.n_rows() {
        pairs.clear();
        for (column, &start) in features().zip(&starts) {
            if let Values::Sparse(rows) = &column.values {
                let (codes, values) = rows.row(row);
                pairs.extend(codes.iter().zip(values).map(|(&code, &value)| (indices[start + code as usize], value)));
            } else {
                pairs.push((indices[start], column.number(row, FOR_LIBSVM)?));
            }
        }
        pairs.sort_unstable_by_key(|&(index, _)| index);
        write!(out, "{}", shortest(label.number(row, FOR_LIBSVM)?)).map_err(Error::not_written)?;
        for &(index, value) in &pairs {
            write!(out, " {index}:{}", shortest(value)).map_err(Error::not_written)?;
        }
        out.write_all(b"\n").map_err(Error::not_written)?;
    }
    out.flush().map_err(Error::not_written)
}

/// The names themselves where all are different whole numbers above 0, else 1, 2 ….
fn indices(names: &[&str]) -> Vec<u64> {
    let index = |name: &&str| name.parse::<u64>().ok().filter(|&index| index > 0 && index.to_string() == *name);
    let own: Option<Vec<u64>> = names.iter().map(index).collect();
    let own = own.filter(|own| {
        let mut sorted = own.clone();
        sorted.sort_unstable();
        sorted.windows(2).all(|pair| pair[0] < pair[1])
    });
    own.unwrap_or_else(|| (1..=names.len() as u64).collect())
}

const FOR_VOWPAL: &str = "a number in every row, or a text, in a column for Vowpal Wabbit text";
const NAME_FOR_VOWPAL: &str = "names without spaces, `:` and `|` for Vowpal Wabbit text";

fn write_vowpal(table: &Table, target: usize, out: &mut (dyn Write + Send)) -> Result<()> {
    let label = &table.columns()[target];
    let importance = table.columns().iter().position(|column| column.name == IMPORTANCE);
    for Column { name, values } in table.columns() {
        let names: &[String] = match values {
            Values::Sparse(rows) => rows.names(),
            Values::Category { levels, .. } => levels,
            _ => &[],
        };
        if let Some(name) = std::iter::once(name).chain(names).find(|name| !is_vowpal_name(name)) {
            return Err(ErrorKind::NotAsExpected { expected: NAME_FOR_VOWPAL, found: name.clone() }.into());
        }
    }
    let mut out = io::BufWriter::new(out);
    let mut line = String::new();
    for row in 0..table.n_rows() {
        line.clear();
        if !label.values.is_missing(row) {
            line.push_str(&shortest(label.number(row, FOR_VOWPAL)?));
            line.push(' ');
            if let Some(importance) = importance {
                line.push_str(&shortest(table.columns()[importance].number(row, FOR_VOWPAL)?));
                line.push(' ');
            }
        }
        line.push('|');
        let mut namespace = "";
        for (place, column) in table.columns().iter().enumerate() {
            if place == target || Some(place) == importance {
                continue;
            }
            match &column.values {
                Values::Sparse(rows) => {
                    let (codes, values) = rows.row(row);
                    for (&code, &value) in codes.iter().zip(values) {
                        let (of, name) =
                            rows.names()[code as usize].split_once('^').unwrap_or(("", &rows.names()[code as usize]));
                        if of != namespace {
                            line.extend([" |", of]);
                            namespace = of;
                        }
                        line.extend([" ", name, ":", &shortest(value)]);
                    }
                }
                Values::Category { .. } if column.values.is_missing(row) => {}
                Values::Category { .. } => line.extend([" ", &column.name, "=", &column.values.text(row)]),
                _ => line.extend([" ", &column.name, ":", &shortest(column.number(row, FOR_VOWPAL)?)]),
            }
        }
        line.push('\n');
        out.write_all(line.as_bytes()).map_err(Error::not_written)?;
    }
    out.flush().map_err(Error::not_written)
}

fn is_vowpal_name(name: &str) -> bool {
    !name.is_empty() && !name.contains(|char: char| char.is_whitespace() || char == ':' || char == '|')
}

const FOR_NUMPY: &str = "numbers or booleans in every column of a NumPy array";

/// Writes what stands before the values of an array, in version 1.0 of the form.
fn write_header(element: &str, shape: &str, out: &mut dyn Write) -> Result<()> {
    let mut text = format!("{{'descr': '{element}', 'fortran_order': False, 'shape': {shape}, }}");
    // Values begin at a multiple of 64.
    while !(text.len() + 11).is_multiple_of(64) {
        text.push(' ');
    }
    text.push('\n');
    let length = (text.len() as u16).to_le_bytes();
    out.write_all(&[b"\x93NUMPY\x01\0", &length[..], text.as_bytes()].concat()).map_err(Error::not_written)
}

fn write_matrix(columns: &[&Column], n_rows: usize, out: &mut dyn Write) -> Result<()> {
    write_header("<f8", &format!("({n_rows}, {})", columns.len()), out)?;
    let mut out = io::BufWriter::new(out);
    for row in 0..n_rows {
        for column in columns {
            let number = match &column.values {
                Values::Number(_) | Values::Boolean(_) if column.values.is_missing(row) => f64::NAN,
                _ => column.number(row, FOR_NUMPY)?,
            };
            out.write_all(&number.to_le_bytes()).map_err(Error::not_written)?;
        }
    }
    out.flush().map_err(Error::not_written)
}

fn write_archive(table: &Table, target: Option<usize>, out: &mut (dyn Write + Send)) -> Result<()> {
    let refused = |error: zip::result::ZipError| Error::not_written(error.into());
    let mut archive = zip::ZipWriter::new_stream(out);
    let options = SimpleFileOptions::default().large_file(true);
    let is_feature = |place: &usize| Some(*place) != target;
    let features: Vec<&Column> =
        (0..table.columns().len()).filter(is_feature).map(|place| &table.columns()[place]).collect();
    archive.start_file("X.npy", options).map_err(refused)?;
    write_matrix(&features, table.n_rows(), &mut archive)?;
    if let Some(target) = target {
        archive.start_file("y.npy", options).map_err(refused)?;
        write_vector(&table.columns()[target], table.n_rows(), &mut archive)?;
    }
    archive.finish().map(drop).map_err(refused)
}

/// A target: numbers, booleans where none is missing, or texts of the longest one's length.
fn write_vector(column: &Column, n_rows: usize, out: &mut dyn Write) -> Result<()> {
    let shape = format!("({n_rows},)");
    match &column.values {
        Values::Category { levels, .. } => {
            let length = levels.iter().map(|level| level.chars().count()).max().unwrap_or(0).max(1);
            write_header(&format!("<U{length}"), &shape, out)?;
            let mut out = io::BufWriter::new(out);
            for row in 0..n_rows {
                let text = column.values.text(row);
                for char in text.chars().chain(std::iter::repeat('\0')).take(length) {
                    out.write_all(&u32::from(char).to_le_bytes()).map_err(Error::not_written)?;
                }
            }
            out.flush().map_err(Error::not_written)
        }
        Values::Boolean(codes) if !codes.contains(&MISSING) => {
            write_header("|b1", &shape, out)?;
            let bytes: Vec<u8> = codes.iter().map(|&code| code as u8).collect();
            out.write_all(&bytes).map_err(Error::not_written)
        }
        _ => {
            write_header("<f8", &shape, out)?;
            let mut out = io::BufWriter::new(out);
            for row in 0..n_rows {
                let number = if column.values.is_missing(row) { f64::NAN } else { column.number(row, FOR_NUMPY)? };
                out.write_all(&number.to_le_bytes()).map_err(Error::not_written)?;
            }
            out.flush().map_err(Error::not_written)
        }
    }
}
