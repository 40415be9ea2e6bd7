//! Matrices to be written, whole or some columns of them: so that threads may each write some.

use std::marker::PhantomData;
use std::ops::Range;

use super::lanes::{LANES, Lanes, Wanted};

/// How far apart the elements of a matrix stand in a slice.
#[derive(Clone, Copy)]
pub(crate) struct Strides {
    /// From one row of the table to the next.
    pub(crate) row: usize,
    /// From one output to the next.
    pub(crate) output: usize,
}

/// Rows and columns of numbers that nobody else sees; either a row's or a column's stand side by side.
pub(crate) struct MatrixMut<'a> {
    first: *mut f32,
    n_rows: usize,
    n_columns: usize,
    row_apart: usize,
    column_apart: usize,
    marker: PhantomData<&'a mut [f32]>,
}

// SAFETY: it is what a `&mut [f32]` is, for some of the numbers; `split_at` gives no number to two.
unsafe impl Send for MatrixMut<'_> {}

impl<'a> MatrixMut<'a> {
    /// Numbers that stand so far apart: a row for each of the table, a column for each output.
    ///
    /// # Panics
    /// If neither the numbers of a row nor those of a column stand side by side, if two would stand at one place, or one
    /// beyond the slice.
    pub(crate) fn new(values: &'a mut [f32], n_rows: usize, n_columns: usize, strides: Strides) -> Self {
        let Strides { row: row_apart, output: column_apart } = strides;
        let in_rows = column_apart == 1 && (n_columns <= row_apart || n_rows <= 1);
        let in_columns = row_apart == 1 && (n_rows <= column_apart || n_columns <= 1);
        assert!(in_rows || in_columns, "no two numbers stand at one place");
        if n_rows > 0 && n_columns > 0 {
            let last = |n: usize, apart: usize| (n - 1).checked_mul(apart);
            let last = last(n_rows, row_apart).zip(last(n_columns, column_apart));
            let last = last.and_then(|(row, column)| row.checked_add(column));
            assert!(last.is_some_and(|last| last < values.len()), "all numbers are there");
        }
        let first = values.as_mut_ptr();
        Self { first, n_rows, n_columns, row_apart, column_apart, marker: PhantomData }
    }

    /// Rows one after the other.
    ///
    /// # Panics
    /// If the last is not whole.
    pub(crate) fn of_rows(values: &'a mut [f32], width: usize) -> Self {
        let n_rows = values.len() / width;
        assert_eq!(n_rows * width, values.len(), "all rows are whole");
        Self::new(values, n_rows, width, Strides { row: width, output: 1 })
    }

    /// How many rows.
    #[inline(always)]
    pub(super) fn n_rows(&self) -> usize {
        self.n_rows
    }

    /// How many columns.
    #[inline(always)]
    pub(crate) fn n_columns(&self) -> usize {
        self.n_columns
    }

    /// The columns before one, and the others.
    ///
    /// # Panics
    /// If there are fewer.
    pub(crate) fn split_at(self, column: usize) -> (Self, Self) {
        assert!(column <= self.n_columns, "the column is there");
        let behind = self.first.wrapping_add(column * self.column_apart);
        (Self { n_columns: column, ..self }, Self { first: behind, n_columns: self.n_columns - column, ..self })
    }

    /// The same numbers, for a while.
    pub(crate) fn reborrow(&mut self) -> MatrixMut<'_> {
        MatrixMut { marker: PhantomData, ..*self }
    }

    /// Whether the numbers of a column stand side by side.
    #[inline(always)]
    pub(super) fn is_in_columns(&self) -> bool {
        self.row_apart == 1
    }

    /// Some numbers of a row that stand side by side.
    #[inline(always)]
    pub(super) fn in_row(&mut self, row: usize, columns: Range<usize>) -> &mut [f32] {
        let n = columns.len();
        let are_there = row < self.n_rows && columns.start <= columns.end && columns.end <= self.n_columns;
        assert!(are_there && (self.column_apart == 1 || n <= 1), "they are there");
        let first = self.first.wrapping_add(row * self.row_apart + columns.start * self.column_apart);
        // SAFETY: the numbers were seen to be there, side by side, and nobody else has them while `self` is borrowed.
        unsafe { std::slice::from_raw_parts_mut(first, n) }
    }

    /// Asks for some numbers of a row that stand side by side; of a row that is not there, for nothing.
    #[inline(always)]
    pub(super) fn fetch_row<V: Lanes>(&self, row: usize, columns: Range<usize>) {
        if row < self.n_rows {
            for column in columns.step_by(LANES) {
                V::prefetch_from(self.first.wrapping_add(row * self.row_apart + column), Wanted::Next);
            }
        }
    }

    /// Some numbers of a column that stand side by side.
    #[inline(always)]
    pub(super) fn in_column(&mut self, column: usize, rows: Range<usize>) -> &mut [f32] {
        let n = rows.len();
        let are_there = column < self.n_columns && rows.start <= rows.end && rows.end <= self.n_rows;
        assert!(are_there && (self.row_apart == 1 || n <= 1), "they are there");
        let first = self.first.wrapping_add(rows.start * self.row_apart + column * self.column_apart);
        // SAFETY: the same.
        unsafe { std::slice::from_raw_parts_mut(first, n) }
    }

    /// Writes numbers of a row, wherever they stand.
    #[inline(always)]
    pub(super) fn write_row(&mut self, row: usize, column: usize, values: &[f32]) {
        if self.column_apart == 1 {
            self.in_row(row, column..column + values.len()).copy_from_slice(values);
        } else {
            values
                .iter()
                .enumerate()
                .for_each(|(index, &value)| self.in_column(column + index, row..row + 1)[0] = value);
        }
    }
}
