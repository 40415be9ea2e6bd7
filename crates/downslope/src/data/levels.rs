//! Which of the known levels, or classes, is this value?

use std::collections::HashMap;

use crate::data::numbers::Numbers;
use crate::data::table::{MISSING, Values, shortest};

/// Where the value of a row stands in a list of levels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Code {
    Known(u32),
    Unknown,
    Missing,
}

/// Finds the values of a column in a list of levels learned from another table, whatever kind the column has here:
/// numbers are compared as numbers, booleans without regard to case.
#[derive(Clone)]
pub(super) enum LevelCodes<'a> {
    Numbers { numbers: &'a Numbers, known: HashMap<u64, u32> },
    Codes { codes: &'a [u32], known: Vec<Code> },
}

impl<'a> LevelCodes<'a> {
    pub(super) fn new(values: &'a Values, levels: &[String]) -> Self {
        let find = |same: &dyn Fn(&str) -> bool| {
            levels.iter().position(|level| same(level)).map_or(Code::Unknown, |place| Code::Known(place as u32))
        };
        match values {
            // Sparse rows are no levels; as numbers that are not there, all of them are missing.
            Values::Sparse(_) => Self::Codes { codes: &[], known: Vec::new() },
            Values::Number(numbers) | Values::Time(numbers) => {
                // A later level must not hide an earlier one that is the same number.
                let parsed = levels.iter().enumerate().rev();
                let known = parsed.filter_map(|(code, level)| Some((bits(level.parse().ok()?), code as u32))).collect();
                Self::Numbers { numbers, known }
            }
            Values::Boolean(codes) => {
                let known = ["false", "true"].map(|word| find(&|level| level.eq_ignore_ascii_case(word))).to_vec();
                Self::Codes { codes, known }
            }
            Values::Category { levels: found, codes } => {
                let places: HashMap<&str, u32> = levels.iter().map(String::as_str).zip(0..).collect();
                let place =
                    |level: &String| places.get(level.as_str()).map_or(Code::Unknown, |&code| Code::Known(code));
                let as_number = |level: &String| {
                    // `1.0` among texts is the class `1`.
                    let number = level.parse::<f64>().ok()?;
                    places.get(shortest(number).as_str()).map(|&code| Code::Known(code))
                };
                let known = found.iter().map(|level| match place(level) {
                    Code::Unknown => as_number(level).unwrap_or(Code::Unknown),
                    known => known,
                });
                Self::Codes { codes, known: known.collect() }
            }
        }
    }

    pub(super) fn code(&self, row: usize) -> Code {
        match self {
            Self::Numbers { numbers, known } => match numbers.get(row) {
                number if number.is_nan() => Code::Missing,
                number => known.get(&bits(number)).map_or(Code::Unknown, |&code| Code::Known(code)),
            },
            Self::Codes { codes, known } => match codes.get(row) {
                None | Some(&MISSING) => Code::Missing,
                Some(&code) => known[code as usize],
            },
        }
    }
}

/// The bits of a number, the same for both zeros.
fn bits(number: f64) -> u64 {
    (number + 0.0).to_bits()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(values: &Values, levels: &[&str]) -> Vec<Code> {
        let levels: Vec<String> = levels.iter().map(|&level| level.to_owned()).collect();
        let codes = LevelCodes::new(values, &levels);
        (0..values.len()).map(|row| codes.code(row)).collect()
    }

    #[test]
    fn a_level_is_found_whatever_kind_the_column_has_here() {
        let (first, second) = (Code::Known(0), Code::Known(1));
        let texts = Values::categories([Some("b"), None, Some("c"), Some("a")]);
        assert_eq!(codes(&texts, &["a", "b"]), [second, Code::Missing, Code::Unknown, first]);
        let numbers = Values::Number(vec![2.5, 1.0, f64::NAN, -0.0].into());
        assert_eq!(codes(&numbers, &["1.0", "2.5"]), [second, first, Code::Missing, Code::Unknown]);
        assert_eq!(codes(&numbers, &["0", "1"]), [Code::Unknown, second, Code::Missing, first]);
        let booleans = Values::Boolean(vec![1, 0, MISSING]);
        assert_eq!(codes(&booleans, &["False", "True"]), [second, first, Code::Missing]);
        assert_eq!(codes(&booleans, &["no", "true"]), [second, Code::Unknown, Code::Missing]);
        let texts = Values::categories([Some("1.0"), Some("2"), Some("x")]);
        assert_eq!(codes(&texts, &["1", "2"]), [first, second, Code::Unknown]);
    }
}
