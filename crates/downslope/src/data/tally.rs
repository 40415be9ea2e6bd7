//! What is counted of a column while its training rows go by?
//!
//! As little as decides what becomes of it. It grows with the different values of a column, up to a limit, and never
//! with the rows, so a table can go by in parts.

use std::collections::{BTreeSet, HashSet};

use crate::data::hash::{hash, words};
use crate::data::moments::Moments;
use crate::data::table::{MISSING, Values};

/// Different texts are counted up to here.
pub(super) const MAX_DISTINCT: usize = 1 << 20;

/// What was counted of a column.
#[derive(Clone, Debug)]
pub(super) enum Tally {
    Number(Moments),
    Boolean { n_false: usize, n_true: usize },
    Category(Levels),
    Time,
    Sparse,
}

impl Tally {
    /// What there is to count of such values; texts are kept until there are more than `max_levels`.
    pub(super) fn of(values: &Values, max_levels: usize) -> Self {
        match values {
            Values::Number(_) => Self::Number(Moments::default()),
            Values::Boolean(_) => Self::Boolean { n_false: 0, n_true: 0 },
            Values::Category { .. } => Self::Category(Levels::new(max_levels)),
            Values::Time(_) => Self::Time,
            Values::Sparse(_) => Self::Sparse,
        }
    }
}

/// The different texts of a column, in order; their number alone once they are too many.
#[derive(Clone, Debug)]
pub(super) struct Levels {
    max_levels: usize,
    texts: BTreeSet<String>,
    hashes: HashSet<u64>,
    n_values: usize,
    n_words: usize,
}

impl Levels {
    pub(super) fn new(max_levels: usize) -> Self {
        Self { max_levels, texts: BTreeSet::new(), hashes: HashSet::new(), n_values: 0, n_words: 0 }
    }

    /// Counts the texts of some rows.
    pub(super) fn add(&mut self, levels: &[String], codes: impl Iterator<Item = u32>) {
        let mut counts = vec![0; levels.len()];
        codes.filter(|&code| code != MISSING).for_each(|code| counts[code as usize] += 1);
        for (level, count) in levels.iter().zip(counts).filter(|&(_, count)| count > 0) {
            self.n_values += count;
            self.n_words += count * words(level).count();
            if self.hashes.len() < MAX_DISTINCT && self.hashes.insert(hash(level)) {
                if self.hashes.len() <= self.max_levels {
                    self.texts.insert(level.clone());
                } else {
                    self.texts.clear();
                }
            }
        }
    }

    /// How many different texts there are, as far as they are counted.
    pub(super) fn n_distinct(&self) -> usize {
        self.hashes.len()
    }

    /// Rows with a text.
    pub(super) fn n_values(&self) -> usize {
        self.n_values
    }

    /// Words a text, on average over the rows.
    pub(super) fn words_a_text(&self) -> f64 {
        self.n_words as f64 / self.n_values as f64
    }

    /// The texts in their order; none if there are too many.
    pub(super) fn into_texts(self) -> Vec<String> {
        self.texts.into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn add(levels: &mut Levels, texts: &[Option<&str>]) {
        let Values::Category { levels: found, codes } = Values::categories(texts.iter().copied()) else { panic!() };
        levels.add(&found, codes.into_iter());
    }

    #[test]
    fn levels_of_parts_are_joined_in_order() {
        let mut levels = Levels::new(3);
        add(&mut levels, &[Some("v"), None, Some("b c")]);
        add(&mut levels, &[Some("a"), Some("v")]);
        assert_eq!((levels.n_distinct(), levels.n_values(), levels.words_a_text()), (3, 4, 1.25));
        assert_eq!(levels.clone().into_texts(), ["a", "b c", "v"]);
        add(&mut levels, &[Some("d"), Some("v")]);
        assert_eq!(levels.n_distinct(), 4);
        assert!(levels.into_texts().is_empty(), "too many to keep");
    }
}
