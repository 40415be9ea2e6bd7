//! What if a row names only what it has?
//!
//! LIBSVM and Vowpal Wabbit text list the features of a row with their values; all others are zero. Such rows are one
//! column of a table, and only what is listed is kept.

use std::collections::HashMap;

use crate::data::table::{Column, Values};

/// The column of sparse rows, in formats that have no name for it.
pub(super) const FEATURES: &str = "features";

/// So many names may become plain columns.
pub(super) const MOST_PLAIN_COLUMNS: usize = 4096;

/// Rows that each hold numbers under some of many names; under all others they hold 0.
///
/// No name is there that no row uses, so a large feature number costs nothing.
#[derive(Clone, Debug, PartialEq)]
pub struct SparseRows {
    names: Vec<String>,
    /// Where the rows start in `codes` and `values`, and where the last one ends.
    starts: Vec<usize>,
    /// The places of the names in `names`, ascending within a row.
    codes: Vec<u32>,
    values: Vec<f64>,
}

impl Default for SparseRows {
    fn default() -> Self {
        Self { names: Vec::new(), starts: vec![0], codes: Vec::new(), values: Vec::new() }
    }
}

impl SparseRows {
    /// The names, each once, in the order in which they were met.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The number of rows.
    pub fn len(&self) -> usize {
        self.starts.len() - 1
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The number of values kept, in all rows.
    pub fn n_values(&self) -> usize {
        self.values.len()
    }

    /// One row: places in [`SparseRows::names`], ascending, and the values there.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn row(&self, row: usize) -> (&[u32], &[f64]) {
        let range = self.starts[row]..self.starts[row + 1];
        (&self.codes[range.clone()], &self.values[range])
    }

    /// Whether at least half of what the rows could hold is there, under few names: then a plain table is smaller.
    pub(super) fn is_mostly_filled(&self) -> bool {
        let (n_rows, n_names) = (self.len(), self.names.len());
        n_names <= MOST_PLAIN_COLUMNS && 2 * self.n_values() >= n_rows * n_names
    }

    /// The same rows, their names in order: as numbers where all are whole numbers, else as they were met.
    pub(super) fn in_order(self) -> Self {
        let numbers: Option<Vec<u64>> = self.names.iter().map(|name| name.parse().ok()).collect();
        let Some(numbers) = numbers.filter(|numbers| !numbers.is_sorted()) else { return self };
        let mut order: Vec<u32> = (0..numbers.len() as u32).collect();
        order.sort_by_key(|&code| numbers[code as usize]);
        let mut codes = vec![0; order.len()];
        order.iter().zip(0..).for_each(|(&before, now)| codes[before as usize] = now);
        let mut sorted = SparseBuilder::default();
        for &code in &order {
            sorted.code(&self.names[code as usize]);
        }
        for row in 0..self.len() {
            let (before, values) = self.row(row);
            before.iter().zip(values).for_each(|(&code, &value)| sorted.push(codes[code as usize], value));
            sorted.end_row();
        }
        sorted.finish()
    }

    /// So many rows in which nothing is named.
    pub(super) fn empty(n_rows: usize) -> Self {
        Self { starts: vec![0; n_rows + 1], ..Self::default() }
    }

    /// The same rows under some names only, whether any row has such a name or not.
    pub(super) fn only(&self, names: &[String]) -> Self {
        let mut builder = SparseBuilder::default();
        for name in names {
            builder.code(name);
        }
        let kept: Vec<Option<u32>> = self.names.iter().map(|name| builder.places.get(name).copied()).collect();
        for row in 0..self.len() {
            let (codes, values) = self.row(row);
            for (&code, &value) in codes.iter().zip(values) {
                if let Some(code) = kept[code as usize] {
                    builder.push(code, value);
                }
            }
            builder.end_row();
        }
        builder.finish()
    }

    /// The numbers of plain columns; a missing one is 0 too. None without a column of numbers.
    pub(super) fn of_plain_columns<'a>(columns: impl Iterator<Item = &'a Column>) -> Option<Self> {
        let mut builder = SparseBuilder::default();
        let numbers: Vec<(u32, Vec<f64>)> = columns
            .filter_map(|column| match &column.values {
                Values::Number(numbers) => Some((builder.code(&column.name), numbers.to_vec())),
                _ => None,
            })
            .collect();
        let n_rows = numbers.first()?.1.len();
        for row in 0..n_rows {
            for (code, numbers) in &numbers {
                if numbers[row] != 0.0 && !numbers[row].is_nan() {
                    builder.push(*code, numbers[row]);
                }
            }
            builder.end_row();
        }
        Some(builder.finish())
    }

    /// A plain column for each name, with 0 where a row names nothing.
    pub(super) fn plain_columns(&self) -> Vec<Column> {
        let mut columns = vec![vec![0.0; self.len()]; self.names.len()];
        for (row, range) in self.starts.windows(2).enumerate() {
            for at in range[0]..range[1] {
                columns[self.codes[at] as usize][row] = self.values[at];
            }
        }
        self.names.iter().zip(columns).map(|(name, numbers)| Column::numbers(name, numbers)).collect()
    }

    /// Whether there is an infinity or NaN.
    pub(super) fn any_not_finite(&self) -> bool {
        self.values.iter().any(|value| !value.is_finite())
    }

    /// Some of the rows, in the order given, under the same names.
    pub(super) fn rows(&self, rows: &[u32]) -> Self {
        let mut picked = Self { names: self.names.clone(), ..Self::default() };
        for &row in rows {
            let (codes, values) = self.row(row as usize);
            picked.codes.extend_from_slice(codes);
            picked.values.extend_from_slice(values);
            picked.starts.push(picked.codes.len());
        }
        picked
    }

    /// The rows of several, one below the other.
    pub(super) fn concat(parts: impl IntoIterator<Item = Self>) -> Self {
        let mut builder = SparseBuilder::default();
        for part in parts {
            let here: Vec<u32> = part.names.iter().map(|name| builder.code(name)).collect();
            for row in 0..part.len() {
                let (codes, values) = part.row(row);
                codes.iter().zip(values).for_each(|(&code, &value)| builder.push(here[code as usize], value));
                builder.end_row();
            }
        }
        builder.finish()
    }
}

/// Gathers rows value by value.
#[derive(Default)]
pub(super) struct SparseBuilder {
    places: HashMap<String, u32>,
    rows: SparseRows,
    /// Of the row that is being gathered.
    row: Vec<(u32, f64)>,
}

impl SparseBuilder {
    /// The place of a name, a new one if it was not met before.
    pub(super) fn code(&mut self, name: &str) -> u32 {
        if let Some(&code) = self.places.get(name) {
            return code;
        }
        let code = self.rows.names.len() as u32;
        self.places.insert(name.to_owned(), code);
        self.rows.names.push(name.to_owned());
        code
    }

    /// A value of the row that is being gathered. Values under the same name are added up.
    pub(super) fn push(&mut self, code: u32, value: f64) {
        self.row.push((code, value));
    }

    /// Ends the row.
    pub(super) fn end_row(&mut self) {
        // In the order of the file among the same names, so that sums do not depend on the sorting.
        self.row.sort_by_key(|&(code, _)| code);
        let start = self.rows.codes.len();
        for (code, value) in self.row.drain(..) {
            match self.rows.values.last_mut() {
                Some(last) if self.rows.codes.len() > start && self.rows.codes.last() == Some(&code) => *last += value,
                _ => {
                    self.rows.codes.push(code);
                    self.rows.values.push(value);
                }
            }
        }
        self.rows.starts.push(self.rows.codes.len());
    }

    pub(super) fn finish(self) -> SparseRows {
        self.rows
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(rows: &[&[(&str, f64)]]) -> SparseRows {
        let mut builder = SparseBuilder::default();
        for row in rows {
            for &(name, value) in *row {
                let code = builder.code(name);
                builder.push(code, value);
            }
            builder.end_row();
        }
        builder.finish()
    }

    #[test]
    fn rows_hold_what_was_named_in_the_order_of_the_names() {
        let found = rows(&[&[("b", 1.0), ("a", 2.0)], &[], &[("a", 3.0), ("b", 4.0), ("a", 0.5)]]);
        assert_eq!(found.names(), ["b", "a"]);
        assert_eq!((found.len(), found.n_values()), (3, 4));
        assert_eq!(found.row(0), (&[0, 1][..], &[1.0, 2.0][..]));
        assert_eq!(found.row(1), (&[][..], &[][..]));
        assert_eq!(found.row(2), (&[0, 1][..], &[4.0, 3.5][..]));
        assert_eq!(found.rows(&[2, 2]).row(1), found.row(2));
    }

    #[test]
    fn parts_are_joined_by_name() {
        let joined = SparseRows::concat([rows(&[&[("b", 1.0)]]), rows(&[&[("c", 2.0), ("b", 3.0)]])]);
        assert_eq!(joined, rows(&[&[("b", 1.0)], &[("b", 3.0), ("c", 2.0)]]));
    }
}
