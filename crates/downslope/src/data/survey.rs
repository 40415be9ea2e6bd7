//! What kind of column is this, as its fields go by, block by block?
//!
//! The rules are told in [`crate::data::csv`].

use std::collections::HashMap;

use crate::data::csv::{ColumnKind, ReadOptions};
use crate::data::decimal::{Decimal, Number};
use crate::data::lines::Lines;
use crate::data::missing::Missing;
use crate::data::numbers::{Gathering, Numbers};
use crate::data::rows::Rows;
use crate::data::skipped::{OnBadRow, Skipped};
use crate::data::table::{MISSING, Values};
use crate::data::times;
use crate::error::{Error, ErrorKind, Place, Result};

/// What one field looks like.
enum Cell {
    Number(Number),
    /// An attempt at a number that is none: `inf`, `nan`, `1e999`.
    NotFinite,
    /// Another attempt at a number that is none: see [`is_meant_as_number`].
    Attempt,
    Boolean(bool),
    /// Seconds since 1970.
    Time(f64),
    Text,
}

impl Cell {
    fn of(field: &str) -> Self {
        match field.as_bytes()[0] {
            b'0'..=b'9' | b'+' | b'-' | b'.' | b'i' | b'I' | b'n' | b'N' => match Number::at_start_of(field.as_bytes())
            {
                Some((number, length)) if length == field.len() => Self::Number(number),
                _ if let Some(seconds) = times::parse(field) => Self::Time(seconds),
                // What is spelled as a number, and none of ours, is an infinity or NaN.
                _ if field.parse::<f64>().is_ok() => Self::NotFinite,
                _ if is_meant_as_number(field) => Self::Attempt,
                _ => Self::Text,
            },
            b't' | b'T' if field.eq_ignore_ascii_case("true") => Self::Boolean(true),
            b'f' | b'F' if field.eq_ignore_ascii_case("false") => Self::Boolean(false),
            _ if is_meant_as_number(field) => Self::Attempt,
            _ => Self::Text,
        }
    }
}

const CURRENCIES: [char; 4] = ['$', '€', '£', '¥'];

/// Whether a field that is no number is meant as one: `1,5`, `1,234,567`, `12%`, `$5`.
fn is_meant_as_number(field: &str) -> bool {
    let unsigned = field.trim_start_matches(['-', '+']);
    let digits = unsigned.trim_start_matches(CURRENCIES).trim_end_matches(CURRENCIES).trim_end_matches('%');
    let dressed = digits.len() < unsigned.len() || digits.contains(',');
    dressed && digits.split(',').all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit() || b == b'.'))
}

/// What is learned of a column while the fields of a block go by.
#[derive(Default)]
pub(super) struct Survey {
    numbers: Gathering,
    found: Found,
}

/// What was learned of a column in some rows.
#[derive(Default)]
pub(super) struct Found {
    /// A number for each row; missing where there is none; 0 and 1 for booleans.
    numbers: Numbers,
    n_values: usize,
    n_numbers: usize,
    n_attempts: usize,
    n_booleans: usize,
    n_times: usize,
    /// The first value that is no finite number: its line, its text, and whether it is an infinity or NaN.
    offender: Option<(u64, String, bool)>,
}

impl Survey {
    /// A missing value.
    pub(super) fn add_missing(&mut self) {
        self.numbers.push_missing();
    }

    /// A value that is known to be a number.
    #[inline]
    pub(super) fn add_number(&mut self, number: Number) {
        self.found.n_values += 1;
        self.found.n_numbers += 1;
        self.numbers.push(number);
    }

    /// A value that may be anything, and is not empty.
    pub(super) fn add(&mut self, line: u64, field: &str) {
        let cell = Cell::of(field);
        if let Cell::Number(number) = cell {
            return self.add_number(number);
        }
        let found = &mut self.found;
        found.n_values += 1;
        match cell {
            Cell::NotFinite | Cell::Attempt => found.n_attempts += 1,
            Cell::Boolean(_) => found.n_booleans += 1,
            Cell::Time(_) => found.n_times += 1,
            Cell::Number(_) | Cell::Text => {}
        }
        match cell {
            Cell::Boolean(value) => self.numbers.push(Number::Decimal(Decimal { mantissa: value.into(), places: 0 })),
            Cell::Time(seconds) => self.numbers.push(Number::Float(seconds)),
            _ => self.numbers.push_missing(),
        }
        found.offender.get_or_insert_with(|| (line, field.to_owned(), matches!(cell, Cell::NotFinite)));
    }

    /// What was learned since the last time.
    pub(super) fn take(&mut self) -> Found {
        let mut found = std::mem::take(&mut self.found);
        found.numbers = self.numbers.take().into();
        found
    }
}

impl Found {
    /// Adds what was learned of the rows that follow, whose lines count from `line`.
    pub(super) fn join(&mut self, mut below: Self, line: u64) {
        self.numbers.join(std::mem::take(&mut below.numbers));
        self.count(below, line);
    }

    /// Adds the same, but for the values.
    pub(super) fn count(&mut self, below: Self, line: u64) {
        self.n_values += below.n_values;
        self.n_numbers += below.n_numbers;
        self.n_attempts += below.n_attempts;
        self.n_booleans += below.n_booleans;
        self.n_times += below.n_times;
        if self.offender.is_none() {
            self.offender = below.offender.map(|(below, found, not_finite)| (line + below, found, not_finite));
        }
    }

    /// The kind that the values have, or most of them.
    pub(super) fn kind(&self) -> ColumnKind {
        match self.n_values {
            0 => ColumnKind::Number,
            n if 2 * (self.n_numbers + self.n_attempts) > n => ColumnKind::Number,
            n if self.n_booleans == n => ColumnKind::Boolean,
            n if 2 * self.n_times > n => ColumnKind::Time,
            _ => ColumnKind::Category,
        }
    }

    /// The values of the column; none where they are to be read as texts first.
    pub(super) fn decide(self, name: &str, field: u64, forced: Option<ColumnKind>) -> Result<Option<Values>> {
        match (forced.unwrap_or_else(|| self.kind()), self.offender) {
            (ColumnKind::Number, Some((line, found, not_finite))) => {
                Err(not_a_number(name, found, not_finite).at(Place::default().line(line).column(field)))
            }
            (ColumnKind::Number, None) => Ok(Some(Values::Number(self.numbers))),
            (ColumnKind::Boolean, _) if self.n_booleans == self.n_values => {
                Ok(Some(Values::Boolean(self.numbers.iter().map(boolean_code).collect())))
            }
            (ColumnKind::Time, _) if self.n_times == self.n_values => Ok(Some(Values::Time(self.numbers))),
            _ => Ok(None),
        }
    }
}

fn not_a_number(name: &str, found: String, not_finite: bool) -> Error {
    let name = name.to_owned();
    let kind = if not_finite { ErrorKind::NotFinite { name, found } } else { ErrorKind::NotANumber { name, found } };
    kind.into()
}

/// The code of a boolean that was kept as a number.
fn boolean_code(number: f64) -> u32 {
    if number.is_nan() { MISSING } else { u32::from(number > 0.0) }
}

/// The texts of a column while its fields go by.
#[derive(Default)]
pub(super) struct Texts {
    first_codes: HashMap<String, u32>,
    codes: Vec<u32>,
}

impl Texts {
    pub(super) fn add(&mut self, text: Option<&str>) {
        let code = match text {
            None => MISSING,
            Some(text) => self.first_codes.get(text).copied().unwrap_or_else(|| self.new_code(text.to_owned())),
        };
        self.codes.push(code);
    }

    /// Adds the texts of the rows that follow.
    pub(super) fn join(&mut self, below: Self) {
        let mut here = vec![MISSING; below.first_codes.len()];
        let mut texts: Vec<(String, u32)> = below.first_codes.into_iter().collect();
        texts.sort_unstable_by_key(|&(_, code)| code);
        for (text, code) in texts {
            here[code as usize] = self.first_codes.get(&text).copied().unwrap_or_else(|| self.new_code(text));
        }
        self.codes
            .extend(below.codes.into_iter().map(|code| if code == MISSING { MISSING } else { here[code as usize] }));
    }

    fn new_code(&mut self, text: String) -> u32 {
        let code = self.first_codes.len() as u32;
        self.first_codes.insert(text, code);
        code
    }

    pub(super) fn finish(self) -> Values {
        Values::from_codes_in_order_of_appearance(self.first_codes, self.codes)
    }
}

/// What was seen in the rows of a block.
pub(super) struct Part {
    /// The line of each row, from the block's first.
    pub(super) lines: Lines,
    /// How many lines the block has.
    pub(super) n_lines: u64,
    pub(super) columns: Vec<Found>,
}

/// The values of a block's columns, whose kinds are known.
pub(super) struct Block {
    /// The line of each row, from the block's first.
    pub(super) lines: Lines,
    /// How many lines the block has.
    pub(super) n_lines: u64,
    pub(super) columns: Vec<Reading>,
    /// With lines from the block's first.
    pub(super) skipped: Skipped,
}

/// A column whose kind is known, while its fields go by.
pub(super) enum Reading {
    /// Numbers, and the first value that is none: its line, and its text.
    Numbers(Survey),
    /// Booleans or times, as numbers, and the first value that is of another kind: its line, and its text.
    Others(Gathering, Option<(u64, String)>),
    Texts(Texts),
}

impl Reading {
    fn new(kind: ColumnKind) -> Self {
        match kind {
            ColumnKind::Number => Self::Numbers(Survey::default()),
            ColumnKind::Boolean | ColumnKind::Time => Self::Others(Gathering::default(), None),
            ColumnKind::Category | ColumnKind::Text => Self::Texts(Texts::default()),
        }
    }

    fn add(&mut self, line: u64, field: Option<&str>, kind: ColumnKind) {
        match (self, field) {
            (Self::Texts(texts), text) => texts.add(text),
            (Self::Numbers(survey), None) => survey.add_missing(),
            (Self::Numbers(survey), Some(text)) => survey.add(line, text),
            (Self::Others(numbers, _), None) => numbers.push_missing(),
            (Self::Others(numbers, offender), Some(text)) => match (Cell::of(text), kind) {
                (Cell::Boolean(value), ColumnKind::Boolean) => numbers.push(Number::Float(f64::from(u8::from(value)))),
                (Cell::Number(number), ColumnKind::Boolean) if [0.0, 1.0].contains(&number.value()) => {
                    numbers.push(number);
                }
                (Cell::Time(seconds), ColumnKind::Time) => numbers.push(Number::Float(seconds)),
                _ => {
                    numbers.push_missing();
                    offender.get_or_insert_with(|| (line, text.to_owned()));
                }
            },
        }
    }

    /// The values; lines count from `line`.
    pub(super) fn finish(self, name: &str, field: u64, kind: ColumnKind, line: u64) -> Result<Values> {
        let place = |below: u64| Place::default().line(line + below).column(field);
        match self {
            Self::Texts(texts) => Ok(texts.finish()),
            Self::Numbers(mut survey) => {
                let Found { numbers, offender, .. } = survey.take();
                match offender {
                    Some((line, found, not_finite)) => Err(not_a_number(name, found, not_finite).at(place(line))),
                    None => Ok(Values::Number(numbers)),
                }
            }
            Self::Others(_, Some((line, found))) => Err(times::of_another_kind(name, kind, found).at(place(line))),
            Self::Others(mut numbers, None) => {
                let numbers = Numbers::from(numbers.take());
                Ok(match kind {
                    ColumnKind::Time => Values::Time(numbers),
                    _ => Values::Boolean(numbers.iter().map(boolean_code).collect()),
                })
            }
        }
    }
}

/// The values of a block in columns of these names and kinds.
///
/// # Errors
/// [`ErrorKind::Ragged`] and [`ErrorKind::OpenQuote`], with lines from the block's first.
pub(super) fn read_block(
    mut rows: Rows,
    names: &[String],
    kinds: &[ColumnKind],
    options: &ReadOptions,
) -> Result<Block> {
    let mut columns: Vec<Reading> = kinds.iter().map(|&kind| Reading::new(kind)).collect();
    let n_numbers = numbers_in_turn(kinds);
    let missing = Missing::of(options);
    let number_is_missing = missing.has_numbers();
    let (mut lines, mut skipped) = (Lines::default(), Skipped::default());
    'rows: while let Some(line) = rows.next_row() {
        if options.on_bad_row == OnBadRow::Skip
            && let Some((error, behind)) = bad_row(&rows, line, names, Some(kinds), &missing)?
        {
            skipped.add(error, options.on_bad_row)?;
            rows = behind;
            continue;
        }
        let mut wanted = columns.iter_mut().zip(kinds);
        loop {
            let more = rows.numbers(n_numbers[kinds.len() - wanted.len()], |number| match wanted.next() {
                Some((Reading::Numbers(survey), _)) if number_is_missing && missing.is_number(number.value()) => {
                    survey.add_missing();
                }
                Some((Reading::Numbers(survey), _)) => survey.add_number(number),
                // Numbers are asked for only where columns of numbers are.
                _ => {}
            });
            if !more {
                break;
            }
            rows.field()?;
            if rows.is_blank(kinds.len()) {
                continue 'rows;
            }
            let field = rows.text().trim();
            if let Some((column, &kind)) = wanted.next() {
                column.add(line, (!missing.is_field(field)).then_some(field), kind);
            }
            if !rows.next_field() {
                break;
            }
        }
        check_width(&rows, kinds.len(), line)?;
        lines.push(line);
    }
    Ok(Block { lines, n_lines: rows.position().1, columns, skipped })
}

/// How many columns of numbers there are in turn from each column on, and from behind the last.
fn numbers_in_turn(kinds: &[ColumnKind]) -> Vec<usize> {
    let mut in_turn = vec![0; kinds.len() + 1];
    for (column, kind) in kinds.iter().enumerate().rev() {
        in_turn[column] = if *kind == ColumnKind::Number { in_turn[column + 1] + 1 } else { 0 };
    }
    in_turn
}

/// What makes the row that comes next a bad one, if anything does, and the walk behind it.
///
/// # Errors
/// [`ErrorKind::OpenQuote`]: then it cannot be told where the row ends.
fn bad_row<'a>(
    rows: &Rows<'a>,
    line: u64,
    names: &[String],
    kinds: Option<&[ColumnKind]>,
    missing: &Missing,
) -> Result<Option<(Error, Rows<'a>)>> {
    let mut rows = rows.clone();
    let mut offence = None;
    loop {
        rows.field()?;
        if rows.is_blank(names.len()) {
            return Ok(None);
        }
        let field = rows.n_fields();
        if offence.is_none()
            && let (Some(name), Some(&kind)) = (names.get(field - 1), kinds.and_then(|kinds| kinds.get(field - 1)))
        {
            let text = rows.text().trim();
            let is_of_kind = missing.is_field(text)
                || match kind {
                    ColumnKind::Number => matches!(Cell::of(text), Cell::Number(_)),
                    ColumnKind::Boolean => matches!(Cell::of(text), Cell::Boolean(_)),
                    ColumnKind::Time => matches!(Cell::of(text), Cell::Time(_)),
                    ColumnKind::Category | ColumnKind::Text => true,
                };
            if !is_of_kind {
                let place = Place::default().line(line).column(field as u64);
                offence = Some(times::of_another_kind(name, kind, text.to_owned()).at(place));
            }
        }
        if !rows.next_field() {
            break;
        }
    }
    let offence = check_width(&rows, names.len(), line).err().or(offence);
    Ok(offence.map(|error| (error, rows)))
}

/// A row must have a field for each column.
fn check_width(rows: &Rows, expected: usize, line: u64) -> Result<()> {
    let found = rows.n_fields();
    if found == expected {
        return Ok(());
    }
    Err(Error::from(ErrorKind::Ragged { expected, found }).at(Place::default().line(line)))
}

/// What a block's columns hold.
///
/// # Errors
/// [`ErrorKind::Ragged`] and [`ErrorKind::OpenQuote`], with lines from the block's first.
pub(super) fn survey(mut rows: Rows, names: &[String], columns: &mut [Survey], options: &ReadOptions) -> Result<Part> {
    let missing = Missing::of(options);
    let number_is_missing = missing.has_numbers();
    let (mut lines, expected) = (Lines::default(), columns.len());
    'rows: while let Some(line) = rows.next_row() {
        if options.on_bad_row == OnBadRow::Skip
            && let Some((_, behind)) = bad_row(&rows, line, names, None, &missing)?
        {
            rows = behind;
            continue;
        }
        let mut column = columns.iter_mut();
        loop {
            let more = rows.numbers(usize::MAX, |number| match column.next() {
                Some(column) if number_is_missing && missing.is_number(number.value()) => column.add_missing(),
                Some(column) => column.add_number(number),
                None => {}
            });
            if !more {
                break;
            }
            rows.field()?;
            if rows.is_blank(expected) {
                continue 'rows;
            }
            let field = rows.text().trim();
            match column.next() {
                Some(column) if missing.is_field(field) => column.add_missing(),
                Some(column) => column.add(line, field),
                None => {}
            }
            if !rows.next_field() {
                break;
            }
        }
        check_width(&rows, expected, line)?;
        lines.push(line);
    }
    Ok(Part { lines, n_lines: rows.position().1, columns: columns.iter_mut().map(Survey::take).collect() })
}

/// The texts of a block in the columns that are wanted.
pub(super) fn gather_texts(
    mut rows: Rows,
    wanted: &[bool],
    options: &ReadOptions,
    columns: &mut [Texts],
) -> Result<()> {
    let (n_columns, missing) = (wanted.len(), Missing::of(options));
    'rows: while rows.next_row().is_some() {
        let mut columns = columns.iter_mut();
        for &wanted in wanted {
            rows.field()?;
            if rows.is_blank(n_columns) {
                continue 'rows;
            }
            if wanted && let Some(column) = columns.next() {
                let text = rows.text().trim();
                column.add((!missing.is_field(text)).then_some(text));
            }
            rows.next_field();
        }
    }
    Ok(())
}
