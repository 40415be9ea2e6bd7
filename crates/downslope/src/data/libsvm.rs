//! How does LIBSVM text become a table?
//!
//! A line is a row: a label, then `index:value` pairs whose indices ascend from 1, then perhaps `# a comment`. What is not
//! listed is zero. The label becomes the column `label`; the pairs become the column `features`, under their indices as
//! names, so that a large index costs nothing.
//!
//! Groups of ranked rows (`qid:`) and several labels a row are refused. So is a last line without an end that has fewer
//! pairs than any other row: a row that was cut short behind a whole pair looks like that, and hardly any other.

use std::collections::HashMap;

use crate::data::csv::{ColumnKind, ReadOptions};
use crate::data::decimal::Number;
use crate::data::format::Consume;
use crate::data::numbers::{Gathering, Numbers};
use crate::data::skipped::Parts;
use crate::data::source::Source;
use crate::data::sparse::{FEATURES, SparseBuilder};
use crate::data::table::{Column, Places, Table, Values};
use crate::data::text_rows::read_rows;
use crate::error::{Error, ErrorKind, Place, Result};

/// The column of the labels.
pub(super) const LABEL: &str = "label";

/// Hands on the rows block by block.
pub(super) fn read_parts(source: &Source, options: &ReadOptions, consume: Consume) -> Result<()> {
    let forced = [options.kind_of(LABEL), None];
    let mut parts = Parts::new(consume);
    let mut widths = Widths::default();
    let mut seen = read_rows(source, options, Rows::add, |rows, lines| {
        widths.last_line = lines.of(lines.len() - 1);
        let columns = rows.columns();
        if let [_, Column { values: Values::Sparse(rows), .. }] = &columns[..] {
            (0..rows.len()).for_each(|row| widths.add(rows.row(row).0.len()));
        }
        parts.push(Table::from_columns(source.name(), columns)?.with_places(Places::Lines(lines)).with_kinds(&forced)?)
    })?;
    if let Some(error) = widths.cut_short().filter(|_| !seen.is_ended) {
        seen.skipped.add(error.in_source(source.name()), options.on_bad_row)?;
        parts.drop_last_row();
    }
    parts.finish(seen.skipped, source.name()).map_err(|error| error.in_source(source.name()))
}

/// How many pairs rows have.
#[derive(Default)]
struct Widths {
    n_rows: usize,
    last: usize,
    last_line: u64,
    /// Of all rows but the last.
    fewest: usize,
}

/// Of so many rows at least it can be said how many pairs they have.
const ENOUGH_ROWS: usize = 10;

impl Widths {
    fn add(&mut self, width: usize) {
        self.fewest = if self.n_rows < 2 { self.last } else { self.fewest.min(self.last) };
        self.last = width;
        self.n_rows += 1;
    }

    /// The error for a last row that is shorter than all others.
    fn cut_short(&self) -> Option<Error> {
        let is_cut = self.n_rows > ENOUGH_ROWS && self.last < self.fewest;
        let kind = ErrorKind::CutShort { found: self.last, fewest: self.fewest };
        is_cut.then(|| Error::from(kind).at(Place::default().line(self.last_line)))
    }
}

/// The rows of a block.
#[derive(Default)]
struct Rows {
    labels: Gathering,
    features: SparseBuilder,
    codes: Codes,
    /// Of the row that is being read.
    pairs: Vec<(u64, f64)>,
}

/// The codes of indices that were met.
#[derive(Default)]
struct Codes {
    small: Vec<Option<u32>>,
    large: HashMap<u64, u32>,
}

/// Indices below are looked up by their place.
const SMALL: u64 = 1 << 16;

impl Codes {
    fn of(&mut self, index: u64, features: &mut SparseBuilder) -> u32 {
        let code = if index < SMALL {
            let place = index as usize;
            if self.small.len() <= place {
                self.small.resize(place + 1, None);
            }
            &mut self.small[place]
        } else {
            return *self.large.entry(index).or_insert_with(|| features.code(&index.to_string()));
        };
        *code.get_or_insert_with(|| features.code(&index.to_string()))
    }
}

impl Rows {
    /// Adds a line; false if there is only a comment on it.
    fn add(&mut self, line: &str) -> Result<bool> {
        let line = line.split_once('#').map_or(line, |(row, _)| row);
        let mut words = line.split_ascii_whitespace();
        let Some(label) = words.next() else { return Ok(false) };
        let label = number(label).ok_or_else(|| not_as_expected("a label that is a number", label))?;
        self.pairs.clear();
        let mut last = 0;
        for word in words {
            let (index, value) = pair(word)?;
            if index <= last {
                let expected = if index == 0 { "an index of 1 or more" } else { "an index above the one before it" };
                return Err(not_as_expected(expected, word).into());
            }
            last = index;
            self.pairs.push((index, value));
        }
        self.labels.push(label);
        for &(index, value) in &self.pairs {
            let code = self.codes.of(index, &mut self.features);
            self.features.push(code, value);
        }
        self.features.end_row();
        Ok(true)
    }

    fn columns(mut self) -> Vec<Column> {
        let labels = Values::Number(Numbers::from(self.labels.take()));
        let features = Values::Sparse(self.features.finish());
        vec![Column { name: LABEL.to_owned(), values: labels }, Column { name: FEATURES.to_owned(), values: features }]
    }
}

fn pair(word: &str) -> Result<(u64, f64)> {
    let Some((index, value)) = word.split_once(':') else { return Err(not_as_expected("`index:value`", word).into()) };
    if index == "qid" {
        return Err(not_as_expected("`index:value` (groups of ranked rows are not read)", word).into());
    }
    let is_digits = !index.is_empty() && index.bytes().all(|byte| byte.is_ascii_digit());
    let index = is_digits.then(|| index.parse().ok()).flatten();
    match (index, number(value)) {
        (Some(index), Some(value)) => Ok((index, value.value())),
        (Some(_), None) if value.parse::<f64>().is_ok() => {
            Err(not_as_expected("a finite number behind the index", word).into())
        }
        _ => Err(not_as_expected("`index:value`", word).into()),
    }
}

/// The finite number that a whole text spells.
pub(super) fn number(text: &str) -> Option<Number> {
    let (number, length) = Number::at_start_of(text.as_bytes())?;
    (length == text.len()).then_some(number)
}

pub(super) fn not_as_expected(expected: &'static str, found: &str) -> ErrorKind {
    ErrorKind::NotAsExpected { expected, found: found.to_owned() }
}

impl ReadOptions {
    /// The kind that is asked for of a column that its format names.
    pub(super) fn kind_of(&self, name: &str) -> Option<ColumnKind> {
        self.kinds.iter().rev().find(|(other, _)| other == name).map(|&(_, kind)| kind)
    }
}
