//! What do two columns of texts say together?

use std::borrow::Cow;
use std::collections::HashMap;

use crate::data::encode::UNIT_SEPARATOR;
use crate::data::table::{MISSING, Values};

/// The texts of some rows of two columns as one, with [`UNIT_SEPARATOR`] between; missing where one is.
pub(super) fn pair(left: &Values, right: &Values, rows: &[u32]) -> Values {
    let (left, right) = (Texts::of(left, rows), Texts::of(right, rows));
    let mut codes_of_pairs = HashMap::new();
    let codes = left.codes.iter().zip(right.codes.iter()).map(|pair| match pair {
        (&MISSING, _) | (_, &MISSING) => MISSING,
        (&left, &right) => {
            let next = codes_of_pairs.len() as u32;
            *codes_of_pairs.entry((left, right)).or_insert(next)
        }
    });
    let codes = codes.collect();
    let text = |(left_code, right_code): (u32, u32)| {
        format!("{}{UNIT_SEPARATOR}{}", left.levels[left_code as usize], right.levels[right_code as usize])
    };
    let first_codes = codes_of_pairs.into_iter().map(|(pair, code)| (text(pair), code)).collect();
    Values::from_codes_in_order_of_appearance(first_codes, codes)
}

/// The texts of some rows, by codes.
struct Texts<'a> {
    levels: Cow<'a, [String]>,
    codes: Vec<u32>,
}

impl<'a> Texts<'a> {
    fn of(values: &'a Values, rows: &[u32]) -> Self {
        if let Values::Category { levels, codes } = values {
            return Self {
                levels: Cow::Borrowed(levels),
                codes: rows.iter().map(|&row| codes[row as usize]).collect(),
            };
        }
        // Columns that hold something else here than in training: their values in their shortest form.
        let texts: Vec<String> = rows.iter().map(|&row| values.text(row as usize)).collect();
        let present = texts.iter().map(|text| Some(text.as_str()).filter(|text| !text.is_empty()));
        match Values::categories(present) {
            Values::Category { levels, codes } => Self { levels: Cow::Owned(levels), codes },
            _ => Self { levels: Cow::Owned(Vec::new()), codes: Vec::new() },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_texts_are_one_and_missing_where_one_is() {
        let left = Values::categories([Some("b"), Some("a"), None, Some("b")]);
        let right = Values::Number(vec![1.0, f64::NAN, 2.0, 1.0].into());
        let expected = Values::categories([Some("b\u{1f}1"), None, None, Some("b\u{1f}1")]);
        assert_eq!(pair(&left, &right, &[0, 1, 2, 3]), expected);
        assert_eq!(pair(&left, &right, &[3]), Values::categories([Some("b\u{1f}1")]));
    }
}
