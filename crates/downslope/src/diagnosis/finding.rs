//! A verdict on a run.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// The result is usable and could be better.
    Advice,
    /// The result may not be what was asked.
    Warning,
    /// There is no usable result, and this is why.
    Failure,
}

/// Something about a run that is worth saying.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// Its name, which is also its page: `downslope explain SLUG`.
    pub slug: String,
    /// How much it matters.
    pub severity: Severity,
    /// The numbers it rests on.
    #[serde(deserialize_with = "numbers_or_null")]
    pub numbers: BTreeMap<String, f64>,
    /// One sentence on what happened and why.
    pub cause: String,
    /// One sentence on what to do, naming a flag and a value.
    pub remedy: String,
    /// The same as flags of the command, ready to be added to those of the run: `--lr`, `0.03`.
    #[serde(default)]
    pub flags: Vec<(String, Option<String>)>,
}

fn numbers_or_null<'de, D: Deserializer<'de>>(from: D) -> Result<BTreeMap<String, f64>, D::Error> {
    let numbers = BTreeMap::<String, Option<f64>>::deserialize(from)?;
    Ok(numbers.into_iter().map(|(name, number)| (name, number.unwrap_or(f64::NAN))).collect())
}

impl Finding {
    /// A finding without a remedy yet. `cause` is one sentence, lower case, without a period.
    pub(super) fn new<const N: usize>(
        slug: &str,
        severity: Severity,
        numbers: [(&str, f64); N],
        cause: String,
    ) -> Self {
        let numbers = numbers.into_iter().map(|(name, number)| (name.to_owned(), number)).collect();
        Self { slug: slug.to_owned(), severity, numbers, cause, remedy: String::new(), flags: Vec::new() }
    }

    /// Whether it says why there is no model. Several can, each from its own side: the rate, and the column that bears no other.
    pub fn explains_failure(&self) -> bool {
        self.severity == Severity::Failure
    }

    /// The same with a remedy: flags with their values, and what they do: "try `--lr 0.1`: it …".
    pub(super) fn remedy<'f>(mut self, flags: impl IntoIterator<Item = (&'f str, Option<String>)>, does: &str) -> Self {
        self.flags = flags.into_iter().map(|(flag, value)| (flag.to_owned(), value)).collect();
        if self.flags.is_empty() {
            does.clone_into(&mut self.remedy);
            return self;
        }
        let is_special = |c: char| c.is_whitespace() || "'\"$&|;<>()`\\*?!#".contains(c);
        let quoted = |value: &str| {
            if value.contains(is_special) { format!("'{}'", value.replace('\'', "'\\''")) } else { value.to_owned() }
        };
        let written = self.flags.iter().map(|(flag, value)| match value {
            Some(value) => format!("{flag} {}", quoted(value)),
            None => flag.clone(),
        });
        self.remedy = format!("try `{}`: {does}", written.collect::<Vec<_>>().join(" "));
        self
    }
}

/// A number of three digits, as a person would write it.
pub(super) fn digits(value: f64) -> String {
    if value.to_string().len() <= 6 {
        return value.to_string();
    }
    if !(1e-4..1e5).contains(&value) {
        return format!("{value:.2e}");
    }
    let decimals = (2.0 - value.log10().floor()).max(0.0) as usize;
    format!("{value:.decimals$}")
}

/// A share as a person would write it.
pub(super) fn percent(share: f64) -> String {
    let hundredths = 100.0 * share;
    if hundredths < 10.0 { format!("{hundredths:.1}%") } else { format!("{hundredths:.0}%") }
}

/// A number of two digits, not above the one given.
pub(super) fn round_down(value: f64) -> f64 {
    let unit = 10_f64.powf(value.log10().floor() - 1.0);
    let rounded = (value / unit).floor() * unit;
    // Written and read again, so that 0.030000000000000002 becomes 0.03.
    format!("{rounded:.1e}").parse().unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_suggested_rate_has_two_digits_and_is_not_above_its_source() {
        for (value, rounded) in [(0.0319, 0.031), (1.0, 1.0), (4.7e-5, 4.7e-5), (0.3, 0.3)] {
            assert!((round_down(value) - rounded).abs() <= 0.05 * value && round_down(value) <= value * 1.000_001);
        }
    }

    #[test]
    fn a_remedy_is_told_in_words_and_as_flags() {
        let finding = Finding::new("overshooting", Severity::Advice, [("lr", 0.2)], "it leaps".to_owned())
            .remedy([("--lr", Some("0.1".to_owned())), ("--nesterov", None)], "every step then goes down");
        assert_eq!(finding.remedy, "try `--lr 0.1 --nesterov`: every step then goes down");
        assert_eq!(finding.flags[0], ("--lr".to_owned(), Some("0.1".to_owned())));
    }
}
