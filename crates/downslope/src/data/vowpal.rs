//! How does Vowpal Wabbit text become a table?
//!
//! A line is a row: `label importance 'tag |namespace:scale feature:value …`. The label becomes the column `label`, and
//! is missing where there is none; the importance becomes the column `importance` if any row has one, and is 1 in rows
//! without; tags are passed over. A feature without a value is 1. Features become the column `features`, under the name
//! `namespace^feature`, or `feature` where the namespace has no name.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::data::csv::ReadOptions;
use crate::data::decimal::Number;
use crate::data::format::Consume;
use crate::data::libsvm::{LABEL, not_as_expected, number};
use crate::data::skipped::Parts;
use crate::data::source::Source;
use crate::data::sparse::{FEATURES, SparseBuilder};
use crate::data::table::{Column, Places, Table, Values};
use crate::data::text_rows::read_rows;
use crate::error::Result;

/// The column of the weights of rows.
pub(super) const IMPORTANCE: &str = "importance";

/// Hands on the rows block by block.
pub(super) fn read_parts(source: &Source, options: &ReadOptions, consume: Consume) -> Result<()> {
    // Every part must have the same columns.
    let any_importance = AtomicBool::new(false);
    let look = |(): &mut (), line: &str| {
        let head = Head::of(line.split_once('|').map_or(line, |(head, _)| head));
        if head.is_ok_and(|head| head.importance.is_some()) {
            any_importance.store(true, Ordering::Relaxed);
        }
        Ok(true)
    };
    read_rows(source, options, look, |(), _| Ok(()))?;
    let any_importance = any_importance.into_inner();

    let mut forced = vec![options.kind_of(LABEL)];
    forced.extend(any_importance.then(|| options.kind_of(IMPORTANCE)));
    let mut parts = Parts::new(consume);
    let seen = read_rows(source, options, Rows::add, |rows, lines| {
        let columns = rows.columns(any_importance);
        let table =
            Table::from_columns(source.name(), columns)?.with_places(Places::Lines(lines)).with_kinds(&forced)?;
        parts.push(if any_importance { table.with_weight(IMPORTANCE) } else { table })
    })?;
    parts.finish(seen.skipped, source.name()).map_err(|error| error.in_source(source.name()))
}

/// Whether a line can be a row in this form: what stands before the first `|` is a label or nothing, and apart from it.
pub(super) fn is_row(line: &str) -> bool {
    line.split_once('|').is_some_and(|(head, _)| Head::of(head).is_ok())
}

/// What stands before the features.
struct Head {
    label: Option<f64>,
    importance: Option<f64>,
}

impl Head {
    fn of(text: &str) -> Result<Self> {
        let mut words: Vec<&str> = text.split_ascii_whitespace().collect();
        let is_apart = text.is_empty() || text.ends_with(|last: char| last.is_ascii_whitespace());
        match words.last() {
            Some(last) if last.starts_with('\'') => {
                words.pop();
            }
            // A word at the bar is a tag; alone it may be a label too, and then what is meant cannot be told.
            Some(last) if !is_apart && (words.len() > 1 || number(last).is_some()) => {
                return Err(not_as_expected("a space, or a tag such as `'a`, before `|`", last).into());
            }
            Some(last) if !is_apart => return Err(not_as_expected("a label that is a number", last).into()),
            _ => {}
        }
        let value = |word: Option<&&str>, expected| match word {
            None => Ok(None),
            Some(word) => {
                number(word).map(|number| Some(number.value())).ok_or_else(|| not_as_expected(expected, word))
            }
        };
        let label = value(words.first(), "a label that is a number")?;
        let importance = value(words.get(1), "an importance that is a number")?;
        match words.get(2) {
            Some(word) => Err(not_as_expected("`|` behind label and importance", word).into()),
            None => Ok(Self { label, importance }),
        }
    }
}

/// The rows of a block.
#[derive(Default)]
struct Rows {
    labels: Vec<f64>,
    importances: Vec<f64>,
    features: SparseBuilder,
    /// Of the row that is being read; the names one after the other, with where each ends.
    names: String,
    pairs: Vec<(usize, f64)>,
}

impl Rows {
    fn add(&mut self, line: &str) -> Result<bool> {
        let Some((head, features)) = line.split_once('|') else {
            return Err(not_as_expected("`|` before the features", line.trim()).into());
        };
        let Head { label, importance } = Head::of(head)?;
        self.names.clear();
        self.pairs.clear();
        features.split('|').try_for_each(|of_namespace| self.add_namespace(of_namespace))?;
        self.labels.push(label.unwrap_or(f64::NAN));
        self.importances.push(importance.unwrap_or(1.0));
        let mut start = 0;
        for &(end, value) in &self.pairs {
            let code = self.features.code(&self.names[start..end]);
            self.features.push(code, value);
            start = end;
        }
        self.features.end_row();
        Ok(true)
    }

    /// Reads `name:scale feature:value …`; without a name a space comes first.
    fn add_namespace(&mut self, text: &str) -> Result<()> {
        let mut words = text.split_ascii_whitespace();
        let is_named = text.starts_with(|first: char| !first.is_ascii_whitespace());
        let (namespace, scale) = if is_named { named(words.next().unwrap_or_default())? } else { ("", 1.0) };
        for word in words {
            let (name, value) = named(word)?;
            if !(value * scale).is_finite() {
                return Err(not_as_expected("a finite value of a feature", word).into());
            }
            if !namespace.is_empty() {
                self.names.extend([namespace, "^"]);
            }
            self.names.push_str(name);
            self.pairs.push((self.names.len(), value * scale));
        }
        Ok(())
    }

    fn columns(self, with_importance: bool) -> Vec<Column> {
        let mut columns = vec![Column::numbers(LABEL, self.labels)];
        columns.extend(with_importance.then(|| Column::numbers(IMPORTANCE, self.importances)));
        columns.push(Column { name: FEATURES.to_owned(), values: Values::Sparse(self.features.finish()) });
        columns
    }
}

/// `name:value`, or a name whose value is 1.
fn named(word: &str) -> Result<(&str, f64)> {
    let (name, value) = word.split_once(':').map_or((word, Some(1.0)), |(name, value)| {
        let value = number(value).map(Number::value);
        (name, value)
    });
    match value {
        Some(value) if !name.is_empty() => Ok((name, value)),
        _ => Err(not_as_expected("`feature` or `feature:value`", word).into()),
    }
}
