//! What stands for a value that is not there?
//!
//! Words that are named, in any form of table ([`Missing`]); and numbers that look as if they did, which are only told of
//! ([`StandIn`]).

use crate::data::csv::ReadOptions;
use crate::data::libsvm::number;
use crate::data::notice::Notice;
use crate::data::table::{Values, shortest};

/// The words of [`ReadOptions::missing`], and the numbers among them.
pub(super) struct Missing<'a> {
    words: &'a [String],
    /// Each as it is and as `f32` has it.
    numbers: Vec<f64>,
}

impl<'a> Missing<'a> {
    pub(super) fn of(options: &'a ReadOptions) -> Self {
        let numbers = options.missing.iter().filter_map(|word| Some(number(word)?.value()));
        let numbers = numbers.flat_map(|number| [number, f64::from(number as f32)]).collect();
        Self { words: &options.missing, numbers }
    }

    /// Whether a number may stand for a missing value: looked for among numbers only then.
    pub(super) fn has_numbers(&self) -> bool {
        !self.numbers.is_empty()
    }

    /// Whether a number stands for a missing value, however it is spelled, or rounded to `f32` where a form keeps it so.
    pub(super) fn is_number(&self, number: f64) -> bool {
        self.numbers.contains(&number)
    }

    /// Whether a text is one of the words, or spells one of the numbers.
    pub(super) fn is_text(&self, text: &str) -> bool {
        let is_number = || number(text).is_some_and(|number| self.is_number(number.value()));
        self.words.iter().any(|word| word == text) || (self.has_numbers() && is_number())
    }

    /// Whether a field between delimiters is none, or stands for none.
    pub(super) fn is_field(&self, field: &str) -> bool {
        field.is_empty() || self.is_text(field)
    }

    /// Numbers or texts without those that stand for a missing value; values of other kinds as they are.
    pub(super) fn taken_from(&self, values: Values) -> Values {
        match values {
            Values::Number(numbers) if self.has_numbers() && numbers.iter().any(|number| self.is_number(number)) => {
                let present = |number| if self.is_number(number) { f64::NAN } else { number };
                Values::Number(numbers.iter().map(present).collect::<Vec<_>>().into())
            }
            Values::Category { levels, codes } if levels.iter().any(|level| self.is_text(level)) => {
                let present: Vec<Option<&str>> =
                    levels.iter().map(|level| Some(level.as_str()).filter(|level| !self.is_text(level))).collect();
                Values::categories(codes.iter().map(|&code| present.get(code as usize).copied().flatten()))
            }
            values => values,
        }
    }
}

/// A number of nines, in several rows and far from zero beside all others, as in −999: by custom no measurement.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct StandIn {
    /// The largest absolute value; its number, and in how many rows it is, where it is spelled with nines.
    max_abs: f64,
    nines: Option<(f64, usize)>,
    /// The largest absolute value of the other numbers.
    others: f64,
}

/// Fewer than two nines are too short, and so are two with a point between them.
const LEAST: f64 = 99.0;
/// In fewer rows it may be a mistake of its own.
const LEAST_ROWS: usize = 2;
/// So many times the others' largest absolute value is far.
const FAR: f64 = 4.0;

impl StandIn {
    /// What there is among some numbers, none of which is NaN, with this largest absolute value.
    pub(super) fn among(numbers: impl Iterator<Item = f64>, max_abs: f64) -> Self {
        if !is_of_nines(max_abs) {
            return Self { max_abs, nines: None, others: max_abs };
        }
        let (mut n_below, mut n_above, mut others) = (0, 0, 0.0_f64);
        for number in numbers {
            if number.abs() < max_abs {
                others = others.max(number.abs());
            } else if number < 0.0 {
                n_below += 1;
            } else {
                n_above += 1;
            }
        }
        // Both signs are values like others.
        let nines = match (n_below, n_above) {
            (n, 0) => Some((-max_abs, n)),
            (0, n) => Some((max_abs, n)),
            _ => None,
        };
        Self { max_abs, nines, others: if nines.is_some() { others } else { max_abs } }
    }

    /// What there is among these and others' numbers.
    pub(super) fn join(&mut self, below: Self) {
        let same = match (self.nines, below.nines) {
            (Some((here, n)), Some((there, more))) if here.to_bits() == there.to_bits() => Some((here, n + more)),
            _ => None,
        };
        *self = if same.is_some() {
            Self { max_abs: self.max_abs, nines: same, others: self.others.max(below.others) }
        } else {
            let (low, high) = if self.max_abs < below.max_abs { (*self, below) } else { (below, *self) };
            let others = high.others.max(low.max_abs);
            Self { max_abs: high.max_abs, nines: high.nines, others }
        };
    }

    /// What to tell of a column with such a number.
    pub(super) fn notice(&self, column: &str, is_target: bool) -> Option<Notice> {
        let Self { nines: Some((value, rows)), others, .. } = *self else { return None };
        // Beside zeros alone it is the other of two values.
        let is_told = rows >= LEAST_ROWS && others > 0.0 && value.abs() >= FAR * others;
        is_told.then(|| Notice::StandIn { column: column.to_owned(), is_target, value, rows, others })
    }
}

/// Whether an absolute value is spelled with nines alone.
fn is_of_nines(number: f64) -> bool {
    number >= LEAST && spelled(number).bytes().all(|digit| matches!(digit, b'9' | b'.'))
}

/// A number with as few digits as tell it from others, of `f32` where it is one: some forms of tables keep numbers so.
pub(super) fn spelled(number: f64) -> String {
    let rounded = number as f32;
    if f64::from(rounded).to_bits() == number.to_bits() { rounded.to_string() } else { shortest(number) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn missing(words: &[&str]) -> ReadOptions {
        ReadOptions { missing: words.iter().map(|&word| word.to_owned()).collect(), ..ReadOptions::default() }
    }

    #[test]
    fn a_number_is_missing_however_it_is_spelled_and_a_word_as_it_is() {
        let options = missing(&["-999", "NA", "x1"]);
        let missing = Missing::of(&options);
        let is_missing = |texts: &[&str]| texts.iter().map(|text| missing.is_text(text)).collect::<Vec<_>>();
        assert_eq!(is_missing(&["-999", "-999.0", "-9.99e2", "NA", "x1"]), [true; 5]);
        assert_eq!(is_missing(&["999", "-999x", "na", "x", ""]), [false; 5]);
        let rounded = self::missing(&["-999.9"]);
        assert!(Missing::of(&rounded).is_number((-999.9_f32).into()) && Missing::of(&rounded).is_number(-999.9));
        assert!(missing.is_number(-999.0) && !missing.is_number(999.0) && !missing.is_number(f64::NAN));
    }

    #[test]
    fn values_of_other_kinds_are_left_as_they_are() {
        let options = missing(&["1", "b"]);
        let missing = Missing::of(&options);
        let numbers = Values::Number(vec![1.0, f64::NAN, 2.0].into());
        let texts = Values::categories([Some("a"), Some("b"), None, Some("1.0")]);
        let rows = |values: Values| (0..values.len()).map(|row| values.text(row)).collect::<Vec<_>>();
        assert_eq!(rows(missing.taken_from(numbers)), ["", "", "2"]);
        assert_eq!(rows(missing.taken_from(texts)), ["a", "", "", ""]);
        for values in [Values::Boolean(vec![1, 0]), Values::Time(vec![1.0, 2.0].into())] {
            assert_eq!(missing.taken_from(values.clone()), values);
        }
    }

    #[test]
    fn nines_far_from_all_others_stand_out_whatever_the_parts() {
        let told = |parts: &[&[f64]]| {
            let mut found = StandIn::default();
            for part in parts {
                let max_abs = part.iter().fold(0.0_f64, |max_abs, number| max_abs.max(number.abs()));
                found.join(StandIn::among(part.iter().copied(), max_abs));
            }
            found.notice("x", false).map(|notice| match notice {
                Notice::StandIn { value, rows, others, .. } => (value, rows, others),
                other => panic!("{other}"),
            })
        };
        let numbers = [1.0, -999.0, -40.0, 3.0, -999.0, 2.0];
        for cut in 0..=numbers.len() {
            let (above, below) = numbers.split_at(cut);
            assert_eq!(told(&[above, below]), Some((-999.0, 2, 40.0)), "cut at {cut}");
        }
        assert_eq!(told(&[&[99.99, 1.0, 99.99]]), Some((99.99, 2, 1.0)));
        let of_f32 = f64::from(-999.9_f32);
        assert_eq!(told(&[&[of_f32, 1.0, of_f32]]), Some((of_f32, 2, 1.0)));
        // Smaller nines are a value like others, before and behind.
        assert_eq!(told(&[&[99.0, 99.0, 1.0], &[9999.0, 9999.0]]), Some((9999.0, 2, 99.0)));
        assert_eq!(told(&[&[9999.0, 9999.0], &[99.0, 99.0, 1.0]]), Some((9999.0, 2, 99.0)));
        let values: [&[f64]; 7] = [
            &[0.0, 99.0, 99.0],
            &[-999.0, 1.0],
            &[-999.0, -999.0, 300.0],
            &[999.0, 999.0, 998.0],
            &[-999.0, 999.0, -999.0, 1.0],
            &[1000.0, 1000.0, 1.0],
            &[9.9, 9.9, 1.0],
        ];
        for values in values {
            assert_eq!(told(&[values]), None, "{values:?}");
        }
        assert_eq!(told(&[&[-999.0, -999.0], &[999.0, 1.0]]), None, "both signs, in parts");
        assert_eq!(told(&[&[999.0, 999.0], &[1000.0]]), None);
    }
}
