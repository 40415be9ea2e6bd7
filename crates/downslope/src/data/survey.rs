//! What kind of column is this, as its fields go by?
//!
//! The rules are told in [`crate::data::csv`].

use std::collections::HashMap;

use crate::data::csv::ColumnKind;
use crate::data::table::{MISSING, Values};
use crate::error::{Error, ErrorKind, Place, Result};

/// What one field looks like.
enum Cell {
    Number(f64),
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
            b'0'..=b'9' | b'+' | b'-' | b'.' | b'i' | b'I' | b'n' | b'N' => match field.parse::<f64>() {
                Ok(number) if number.is_finite() => Self::Number(number),
                Ok(_) => Self::NotFinite,
                Err(_) if is_meant_as_number(field) => Self::Attempt,
                Err(_) => Self::Text,
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

/// What is learned of a column while its fields go by.
pub(super) struct Survey {
    forced: Option<ColumnKind>,
    /// A number for each row; NaN where there is none; 0 and 1 for booleans.
    numbers: Vec<f64>,
    n_values: usize,
    n_numbers: usize,
    n_attempts: usize,
    n_booleans: usize,
    /// The first value that is no finite number: its line, its text, and whether it is an infinity or NaN.
    offender: Option<(u64, String, bool)>,
}

impl Survey {
    pub(super) fn new(forced: Option<ColumnKind>) -> Self {
        Self { forced, numbers: Vec::new(), n_values: 0, n_numbers: 0, n_attempts: 0, n_booleans: 0, offender: None }
    }

    pub(super) fn add(&mut self, line: u64, field: &str, is_missing: impl Fn(&str) -> bool) {
        if is_missing(field) {
            self.numbers.push(f64::NAN);
            return;
        }
        self.n_values += 1;
        let cell = Cell::of(field);
        if let Cell::Number(number) = cell {
            self.n_numbers += 1;
            self.numbers.push(number);
            return;
        }
        let mut number = f64::NAN;
        match cell {
            Cell::NotFinite | Cell::Attempt => self.n_attempts += 1,
            Cell::Boolean(value) => {
                self.n_booleans += 1;
                number = f64::from(u8::from(value));
            }
            Cell::Number(_) | Cell::Text => {}
        }
        self.numbers.push(number);
        self.offender.get_or_insert_with(|| (line, field.to_owned(), matches!(cell, Cell::NotFinite)));
    }

    /// The values of the column; none where they are texts.
    pub(super) fn decide(self, name: &str, field: u64) -> Result<Option<Values>> {
        let Some((line, found, not_finite)) = self.offender else {
            let texts = self.forced == Some(ColumnKind::Category);
            return Ok((!texts).then_some(Values::Number(self.numbers)));
        };
        let numbers_expected = match self.forced {
            Some(kind) => kind == ColumnKind::Number,
            None => 2 * (self.n_numbers + self.n_attempts) > self.n_values,
        };
        if numbers_expected {
            let name = name.to_owned();
            let kind =
                if not_finite { ErrorKind::NotFinite { name, found } } else { ErrorKind::NotANumber { name, found } };
            return Err(Error::from(kind).at(Place::default().line(line).column(field)));
        }
        if self.forced.is_none() && self.n_booleans == self.n_values {
            let code = |number: f64| if number.is_nan() { MISSING } else { u32::from(number > 0.0) };
            return Ok(Some(Values::Boolean(self.numbers.into_iter().map(code).collect())));
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
    pub(super) fn add(&mut self, field: &str, is_missing: impl Fn(&str) -> bool) {
        let code = if is_missing(field) {
            MISSING
        } else if let Some(&code) = self.first_codes.get(field) {
            code
        } else {
            let code = self.first_codes.len() as u32;
            self.first_codes.insert(field.to_owned(), code);
            code
        };
        self.codes.push(code);
    }

    pub(super) fn finish(self) -> Values {
        Values::from_codes_in_order_of_appearance(self.first_codes, self.codes)
    }
}
