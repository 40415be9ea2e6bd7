//! On which line did each row stand?
//!
//! Most files have a row a line, and then nothing is kept but the first.

/// The lines of some rows, in ascending order.
#[derive(Clone, Debug)]
pub(crate) struct Lines {
    first: u64,
    n_rows: usize,
    /// The line of each row, from `first`; empty while every row stands at once below the one before.
    below_first: Vec<u32>,
}

impl Default for Lines {
    /// No rows. A table that was never a file answers as if its rows stood below a header of one line.
    fn default() -> Self {
        Self { first: 2, n_rows: 0, below_first: Vec::new() }
    }
}

impl Lines {
    /// Adds a row.
    #[inline]
    pub(super) fn push(&mut self, line: u64) {
        if self.n_rows == 0 {
            self.first = line;
        }
        let below = line - self.first;
        if !self.below_first.is_empty() || below != self.n_rows as u64 {
            if self.below_first.is_empty() {
                self.below_first.extend(0..self.n_rows as u32);
            }
            self.below_first.push(below as u32);
        }
        self.n_rows += 1;
    }

    /// Adds rows that follow, whose lines count from `line`.
    pub(super) fn join(&mut self, below: &Self, line: u64) {
        let goes_on = self.n_rows == 0 || below.first + line == self.first + self.n_rows as u64;
        if below.below_first.is_empty() && self.below_first.is_empty() && goes_on {
            if self.n_rows == 0 {
                self.first = below.first + line;
            }
            self.n_rows += below.n_rows;
        } else {
            (0..below.n_rows).for_each(|row| self.push(line + below.of(row)));
        }
    }

    /// The line of a row.
    pub(super) fn of(&self, row: usize) -> u64 {
        self.first + self.below_first.get(row).map_or(row as u64, |&below| u64::from(below))
    }

    /// The number of rows.
    pub(super) fn len(&self) -> usize {
        self.n_rows
    }
}
