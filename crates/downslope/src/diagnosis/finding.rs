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
    /// There is no usable result.
    Failure,
}

/// Something about a run that is worth saying.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// Its name, which is also its page.
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
}

fn numbers_or_null<'de, D: Deserializer<'de>>(from: D) -> Result<BTreeMap<String, f64>, D::Error> {
    let numbers = BTreeMap::<String, Option<f64>>::deserialize(from)?;
    Ok(numbers.into_iter().map(|(name, number)| (name, number.unwrap_or(f64::NAN))).collect())
}
