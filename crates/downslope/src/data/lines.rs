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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_back_whether_regular_or_not_and_however_they_were_joined() {
        for lines in [vec![2, 3, 4, 5, 6], vec![4, 5, 6, 9, 10], vec![1, 3, 4, 8, 20], vec![2, 3, 4, 5, 7], vec![9]] {
            for cut in 0..lines.len() {
                let mut all = Lines::default();
                let mut first = 0;
                for part in [&lines[..cut], &lines[cut..]] {
                    let mut below = Lines::default();
                    for line in part {
                        below.push(line - first);
                    }
                    all.join(&below, first);
                    first = lines[cut];
                }
                assert_eq!((0..all.len()).map(|row| all.of(row)).collect::<Vec<_>>(), lines);
            }
        }
        let regular = |line: u64| if line < 1000 { line + 3 } else { line + 4 };
        let mut lines = Lines::default();
        (0..1000).for_each(|row| lines.push(regular(row)));
        assert!(lines.below_first.is_empty(), "nothing is kept of a regular file");
        lines.push(regular(1000));
        assert_eq!((lines.of(999), lines.of(1000)), (1002, 1004));
    }

    #[test]
    fn rows_that_were_never_lines_stand_below_a_header() {
        assert_eq!((Lines::default().of(0), Lines::default().of(7)), (2, 9));
    }
}
