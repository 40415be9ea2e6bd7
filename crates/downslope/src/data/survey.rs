//! What kind of column is this, as its fields go by, block by block?
//!
//! The rules are told in [`crate::data::csv`].

use std::collections::HashMap;

use crate::data::csv::{ColumnKind, ReadOptions};
use crate::data::decimal::{Decimal, Number};
use crate::data::lines::Lines;
use crate::data::numbers::{Gathering, Numbers};
use crate::data::rows::Rows;
use crate::data::table::{MISSING, Values};
use crate::error::{Error, ErrorKind, Place, Result};

/// What one field looks like.
enum Cell {
    Number(Number),
    /// An attempt at a number that is none: `inf`, `nan`, `1e999`.
    NotFinite,
    /// Another attempt at a number that is none: see [`is_meant_as_number`].
    Attempt,
    Boolean(bool),
    Text,
}

impl Cell {
    fn of(field: &str) -> Self {
        match field.as_bytes()[0] {
            b'0'..=b'9' | b'+' | b'-' | b'.' | b'i' | b'I' | b'n' | b'N' => match Number::at_start_of(field.as_bytes())
            {
                Some((number, length)) if length == field.len() => Self::Number(number),
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
            Cell::Number(_) | Cell::Text => {}
        }
        if let Cell::Boolean(value) = cell {
            self.numbers.push(Number::Decimal(Decimal { mantissa: value.into(), places: 0 }));
        } else {
            self.numbers.push_missing();
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
    pub(super) fn join(&mut self, below: Self, line: u64) {
        self.numbers.join(below.numbers);
        self.n_values += below.n_values;
        self.n_numbers += below.n_numbers;
        self.n_attempts += below.n_attempts;
        self.n_booleans += below.n_booleans;
        if self.offender.is_none() {
            self.offender = below.offender.map(|(below, found, not_finite)| (line + below, found, not_finite));
        }
    }

    /// The values of the column; none where they are texts.
    pub(super) fn decide(self, name: &str, field: u64, forced: Option<ColumnKind>) -> Result<Option<Values>> {
        let Some((line, found, not_finite)) = self.offender else {
            let texts = forced == Some(ColumnKind::Category);
            return Ok((!texts).then_some(Values::Number(self.numbers)));
        };
        let numbers_expected = match forced {
            Some(kind) => kind == ColumnKind::Number,
            None => 2 * (self.n_numbers + self.n_attempts) > self.n_values,
        };
        if numbers_expected {
            let name = name.to_owned();
            let kind =
                if not_finite { ErrorKind::NotFinite { name, found } } else { ErrorKind::NotANumber { name, found } };
            return Err(Error::from(kind).at(Place::default().line(line).column(field)));
        }
        if forced.is_none() && self.n_booleans == self.n_values {
            let code = |number: f64| if number.is_nan() { MISSING } else { u32::from(number > 0.0) };
            return Ok(Some(Values::Boolean(self.numbers.iter().map(code).collect())));
        }
        Ok(None)
    }
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

/// What was found in the rows of a block.
pub(super) struct Part {
    /// The line of each row, from the block's first.
    pub(super) lines: Lines,
    /// How many lines the block has.
    pub(super) n_lines: u64,
    pub(super) columns: Vec<Found>,
}

/// What a block's columns hold.
///
/// # Errors
/// [`ErrorKind::Ragged`] and [`ErrorKind::OpenQuote`], with lines from the block's first.
pub(super) fn survey(mut rows: Rows, columns: &mut [Survey], options: &ReadOptions) -> Result<Part> {
    // Looked for among numbers only where it is one.
    let number_is_missing = options
        .missing
        .iter()
        .any(|word| word.starts_with(['+', '-', '.']) || word.starts_with(|first: char| first.is_ascii_digit()));
    let (mut lines, expected) = (Lines::default(), columns.len());
    'rows: while let Some(line) = rows.next_row() {
        let mut column = columns.iter_mut();
        loop {
            let column = column.next();
            if let Some((number, text)) = rows.number() {
                match column {
                    Some(column) if number_is_missing && options.is_missing(text) => column.add_missing(),
                    Some(column) => column.add_number(number),
                    None => {}
                }
            } else {
                rows.field()?;
                if rows.is_blank(expected) {
                    continue 'rows;
                }
                let text = rows.text().trim();
                match column {
                    Some(column) if options.is_missing(text) => column.add_missing(),
                    Some(column) => column.add(line, text),
                    None => {}
                }
            }
            if !rows.next_field() {
                break;
            }
        }
        let found = rows.n_fields();
        if found != expected {
            return Err(Error::from(ErrorKind::Ragged { expected, found }).at(Place::default().line(line)));
        }
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
    let n_columns = wanted.len();
    'rows: while rows.next_row().is_some() {
        let mut columns = columns.iter_mut();
        for &wanted in wanted {
            rows.field()?;
            if rows.is_blank(n_columns) {
                continue 'rows;
            }
            if wanted && let Some(column) = columns.next() {
                let text = rows.text().trim();
                column.add((!options.is_missing(text)).then_some(text));
            }
            rows.next_field();
        }
    }
    Ok(())
}
