//! What becomes of a column, in a few words?

use std::fmt;

use crate::data::encode::{Encoding, Factor};

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number { std, max_abs, powers, .. } => {
                f.write_str(scaling(*std, *max_abs))?;
                if let Some(power) = powers.last() {
                    write!(f, ", powers to {}", power.exponent)?;
                }
            }
            Self::Boolean { .. } => f.write_str("0 or 1")?,
            Self::Category { levels, .. } => write!(f, "{}", counted(levels.len(), "level"))?,
            Self::Time { std, max_abs, year, day, weekdays, .. } => {
                write!(f, "elapsed ({})", scaling(*std, *max_abs))?;
                let parts = [(*year, "time of year"), (*day, "time of day"), (!weekdays.is_empty(), "weekday")];
                parts.iter().filter(|(is_there, _)| *is_there).try_for_each(|(_, part)| write!(f, ", {part}"))?;
            }
            Self::Hashed { bits, words: true, .. } => write!(f, "2^{bits} hashed words and pairs of words")?,
            Self::Hashed { bits, .. } => write!(f, "2^{bits} hashed texts")?,
            Self::Sparse { divisors } => {
                let is_divided = divisors.iter().any(|divisor| divisor.to_bits() != 1_f64.to_bits());
                let how = if is_divided { ", by their largest" } else { "" };
                write!(f, "{}{how}", counted(divisors.len(), "name"))?;
            }
            Self::Product { factors: [left, right] } => write!(f, "{} × {}", part(left), part(right))?,
            Self::Pair { encoding, .. } => match &**encoding {
                Self::Category { levels, .. } => write!(f, "{} seen", counted(levels.len(), "pair"))?,
                Self::Hashed { bits, .. } => write!(f, "2^{bits} hashed pairs")?,
                _ => {}
            },
            Self::Presence => f.write_str("whether it is missing")?,
        }
        match self {
            Self::Number { marks_missing: true, .. }
            | Self::Boolean { marks_missing: true, .. }
            | Self::Time { marks_missing: true, .. } => f.write_str(", filled with the mean and marked"),
            encoding if encoding.marks_missing() => f.write_str(", missing marked"),
            _ => Ok(()),
        }
    }
}

fn scaling(std: Option<f64>, max_abs: Option<f64>) -> &'static str {
    match (std, max_abs) {
        (Some(_), _) => "standardised",
        (None, Some(_)) => "by the largest",
        (None, None) => "as it is",
    }
}

fn part(factor: &Factor) -> String {
    match &*factor.encoding {
        Encoding::Category { levels, .. } => counted(levels.len(), "level"),
        Encoding::Hashed { bits, .. } => format!("2^{bits} hashed texts"),
        Encoding::Boolean { .. } => "0 or 1".to_owned(),
        _ => "number".to_owned(),
    }
}

fn counted(n: usize, noun: &str) -> String {
    format!("{n} {noun}{}", if n == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_encoding_is_told_in_a_few_words() {
        let number =
            |std, marks_missing| Encoding::Number { mean: 1.0, std, max_abs: None, powers: Vec::new(), marks_missing };
        let category = Encoding::Category { levels: vec!["a".to_owned()], marks_missing: true };
        let factor = |encoding: Encoding| Factor { name: "x".to_owned(), encoding: Box::new(encoding) };
        let time = Encoding::Time {
            mean: 0.0,
            std: None,
            max_abs: Some(2.0),
            year: true,
            day: false,
            weekdays: vec![0, 1],
            marks_missing: false,
        };
        for (encoding, words) in [
            (number(Some(2.0), true), "standardised, filled with the mean and marked"),
            (number(None, false), "as it is"),
            (category.clone(), "1 level, missing marked"),
            (time, "elapsed (by the largest), time of year, weekday"),
            (Encoding::Hashed { bits: 18, words: true, marks_missing: false }, "2^18 hashed words and pairs of words"),
            (Encoding::Sparse { divisors: vec![1.0, 2.0] }, "2 names, by their largest"),
            (Encoding::Product { factors: [factor(number(None, false)), factor(category)] }, "number × 1 level"),
        ] {
            assert_eq!(encoding.to_string(), words);
        }
    }
}
