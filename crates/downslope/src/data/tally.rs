//! What is counted of a column while its training rows go by?
//!
//! As little as decides what becomes of it. It grows with the different values of a column, up to a limit, and never
//! with the rows, so a table can go by in parts.

use std::collections::{BTreeSet, HashMap, HashSet};

use crate::data::calendar::Calendar;
use crate::data::hash::{hash, words};
use crate::data::moments::Moments;
use crate::data::sparse::SparseRows;
use crate::data::table::{MISSING, Values};

/// Different texts are counted up to here.
pub(super) const MAX_DISTINCT: usize = 1 << 20;

/// What was counted of a column.
#[derive(Clone, Debug)]
pub(super) enum Tally {
    Number(Moments),
    Boolean { n_false: usize, n_true: usize },
    Category(Levels),
    Time(Times),
    Sparse(Names),
}

impl Tally {
    /// What there is to count of such values; texts are kept until there are more than `most_kept`.
    pub(super) fn of(values: &Values, most_kept: usize) -> Self {
        match values {
            Values::Number(_) => Self::Number(Moments::default()),
            Values::Boolean(_) => Self::Boolean { n_false: 0, n_true: 0 },
            Values::Category { .. } => Self::Category(Levels::new(most_kept)),
            Values::Time(_) => Self::Time(Times::default()),
            Values::Sparse(_) => Self::Sparse(Names::default()),
        }
    }
}

/// The different texts of a column, in order; their number alone once they are too many.
#[derive(Clone, Debug)]
pub(super) struct Levels {
    /// Texts are kept up to so many.
    most_kept: usize,
    texts: BTreeSet<String>,
    hashes: HashSet<u64>,
    n_values: usize,
    n_words: usize,
}

impl Levels {
    pub(super) fn new(most_kept: usize) -> Self {
        Self { most_kept, texts: BTreeSet::new(), hashes: HashSet::new(), n_values: 0, n_words: 0 }
    }

    /// Counts the texts of some rows.
    pub(super) fn add(&mut self, levels: &[String], codes: impl Iterator<Item = u32>) {
        let mut counts = vec![0; levels.len()];
        codes.filter(|&code| code != MISSING).for_each(|code| counts[code as usize] += 1);
        for (level, count) in levels.iter().zip(counts).filter(|&(_, count)| count > 0) {
            self.n_values += count;
            self.n_words += count * words(level).count();
            if self.hashes.len() < MAX_DISTINCT && self.hashes.insert(hash(level)) {
                if self.hashes.len() <= self.most_kept {
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

    /// Whether no two rows have the same text.
    pub(super) fn all_differ(&self) -> bool {
        self.n_distinct() == self.n_values
    }

    /// The text, where there is one only.
    pub(super) fn only_text(&self) -> Option<String> {
        if self.n_distinct() == 1 { self.texts.first().cloned() } else { None }
    }

    /// Words a text, on average over the rows.
    pub(super) fn words_a_text(&self) -> f64 {
        self.n_words as f64 / self.n_values as f64
    }

    /// Whether the texts are too many to be kept.
    pub(super) fn are_too_many(&self) -> bool {
        self.n_distinct() > self.most_kept
    }

    /// The texts in their order; none if there are too many.
    pub(super) fn into_texts(self) -> Vec<String> {
        self.texts.into_iter().collect()
    }
}

/// Points in time, and which parts of the calendar they differ in.
#[derive(Clone, Debug, Default)]
pub(super) struct Times {
    /// Of the seconds since 1970.
    pub(super) moments: Moments,
    first: Option<Calendar>,
    pub(super) year_varies: bool,
    pub(super) day_varies: bool,
    has_weekday: [bool; 7],
}

impl Times {
    pub(super) fn add(&mut self, seconds: &(impl Iterator<Item = f64> + Clone)) {
        for calendar in seconds.clone().map(Calendar::of) {
            let first = *self.first.get_or_insert(calendar);
            // The first days of a year are not another time of year for their hour.
            self.year_varies |= (calendar.year - first.year).abs() > A_DAY_OF_A_YEAR;
            self.day_varies |= calendar.day.to_bits() != first.day.to_bits();
            self.has_weekday[usize::from(calendar.weekday)] = true;
        }
        self.moments.join(Moments::of(seconds, 2));
    }

    /// The days of the week that some times have and others not.
    pub(super) fn weekdays(&self) -> Vec<u8> {
        let days: Vec<u8> = (0..7).filter(|&day| self.has_weekday[usize::from(day)]).collect();
        if days.len() > 1 { days } else { Vec::new() }
    }
}

const A_DAY_OF_A_YEAR: f64 = 1.0 / 366.0;

/// The names of sparse rows in the order of their appearance, with the largest absolute value of each.
#[derive(Clone, Debug, Default)]
pub(super) struct Names {
    places: HashMap<String, u32>,
    max_abs: Vec<(String, f64)>,
}

impl Names {
    pub(super) fn add(&mut self, rows: &SparseRows, which: &[u32]) {
        let mut places = vec![None; rows.names().len()];
        for &row in which {
            let (codes, values) = rows.row(row as usize);
            for (&code, value) in codes.iter().zip(values) {
                let place = *places[code as usize].get_or_insert_with(|| self.place(&rows.names()[code as usize]));
                let max_abs = &mut self.max_abs[place as usize].1;
                *max_abs = max_abs.max(value.abs());
            }
        }
    }

    fn place(&mut self, name: &str) -> u32 {
        if let Some(&place) = self.places.get(name) {
            return place;
        }
        let place = self.max_abs.len() as u32;
        self.places.insert(name.to_owned(), place);
        self.max_abs.push((name.to_owned(), 0.0));
        place
    }

    /// Names and largest absolute values: in the order of the names if all are whole numbers, else as they appeared.
    pub(super) fn into_max_abs(self) -> Vec<(String, f64)> {
        let mut max_abs = self.max_abs;
        if max_abs.iter().all(|(name, _)| name.parse::<u64>().is_ok()) {
            max_abs.sort_by_key(|(name, _)| name.parse::<u64>().ok());
        }
        max_abs
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::sparse::SparseBuilder;
    use crate::data::times;

    fn add(levels: &mut Levels, texts: &[Option<&str>]) {
        let Values::Category { levels: found, codes } = Values::categories(texts.iter().copied()) else { panic!() };
        levels.add(&found, codes.into_iter());
    }

    #[test]
    fn levels_of_parts_are_joined_in_order() {
        let mut levels = Levels::new(3);
        add(&mut levels, &[Some("v"), None, Some("b c")]);
        add(&mut levels, &[Some("a"), Some("v")]);
        assert_eq!((levels.n_distinct(), levels.all_differ(), levels.words_a_text()), (3, false, 1.25));
        assert_eq!(levels.clone().into_texts(), ["a", "b c", "v"]);
        add(&mut levels, &[Some("d"), Some("v")]);
        assert_eq!(levels.n_distinct(), 4);
        assert!(levels.into_texts().is_empty(), "too many to keep");
    }
    #[test]
    fn the_calendar_counts_where_it_varies() {
        let add = |texts: &[&str]| {
            let mut times = Times::default();
            times.add(&texts.iter().map(|text| times::parse(text).unwrap()));
            (times.year_varies, times.day_varies, times.weekdays())
        };
        assert_eq!(add(&["2024-05-06", "2024-05-13"]), (true, false, vec![]));
        assert_eq!(add(&["2024-05-06T10:00", "2024-05-06T11:00"]), (false, true, vec![]));
        assert_eq!(add(&["2024-05-06", "2025-05-06"]), (false, false, vec![0, 1]));
    }

    #[test]
    fn names_that_are_whole_numbers_are_sorted_as_such() {
        let rows = |rows: &[&[(&str, f64)]]| {
            let mut builder = SparseBuilder::default();
            for row in rows {
                for &(name, value) in *row {
                    let code = builder.code(name);
                    builder.push(code, value);
                }
                builder.end_row();
            }
            builder.finish()
        };
        let mut names = Names::default();
        names.add(&rows(&[&[("10", 1.0), ("9", -2.0)], &[("7", 9.0)], &[("10", 3.0)]]), &[0, 2]);
        names.add(&rows(&[&[("9", 0.5)]]), &[0]);
        assert_eq!(names.clone().into_max_abs(), [("9".to_owned(), 2.0), ("10".to_owned(), 3.0)]);
        names.add(&rows(&[&[("b", 0.0)]]), &[0]);
        assert_eq!(names.into_max_abs().last(), Some(&("b".to_owned(), 0.0)));
    }
}
