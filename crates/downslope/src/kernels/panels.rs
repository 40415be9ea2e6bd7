//! Scores of many rows for many outputs, the rows turned.
//!
//! [`Dots`] has neighbours of a row in its lanes, and adds up the lanes of every sum at its end. Here the lanes are rows:
//! sixteen of them are turned, so that their first numbers stand side by side, then their second, and every weight is
//! multiplied with all sixteen at once. Turning costs as much for two outputs as for two hundred, so it is worth it for rows
//! that are at most some times as wide as there are outputs: [`PanelDots::pays`].
//!
//! Each sum begins with the bias and runs over the columns in order, whatever the number of rows and the instruction set;
//! but that is another order than that of [`Dots`], so a row's scores may differ in their low bits with how many rows are
//! scored with it.

use std::ops::Range;

use super::Kernel;
use super::combine::{Fetch, add_products};
use super::lanes::{LANES, Lanes};
use super::memory::Line;
use super::tiles::{Dots, activated};

/// What [`Dots`] computes, for many rows and outputs.
pub(crate) struct PanelDots<'a> {
    /// Rows, weights, and where the sums go.
    pub(crate) dots: Dots<'a>,
    /// Room for rows that were turned, [`PanelDots::room`].
    pub(crate) panel: &'a mut [f32],
}

/// Sixteens of rows side by side at most: with eight outputs, their sums leave just enough registers.
const SIDE_BY_SIDE: usize = 3;
/// Columns that are added to the sums of sixteen outputs before the next are, so that they stay in a first cache of 48 KB: 30 KB
/// of rows and 10 KB of weights.
const COLUMNS: usize = 10 * LANES;
/// Fewer outputs are not worth turning for.
const FEWEST_OUTPUTS: usize = 8;
/// Nor are wider rows, whose sums are long beside what is done at their end.
const WIDEST: usize = 1024;

impl PanelDots<'_> {
    /// Whether it takes less time than [`Dots`]. Measured for 8 to 784 columns and 10 to 512 outputs (Xeon of family 6, model
    /// 207, AVX-512, 2026-11-29): it does for rows up to eight times as wide as there are outputs, but only four times
    /// where there are no more than sixteen.
    pub(crate) fn pays(n_rows: usize, width: usize, n_outputs: usize) -> bool {
        let is_worth = width <= n_rows.min(2 * LANES) / 4 * n_outputs;
        n_rows >= LANES && n_outputs >= FEWEST_OUTPUTS && width <= WIDEST && is_worth
    }

    /// How many numbers it keeps of rows of a width.
    pub(crate) fn room(width: usize) -> usize {
        SIDE_BY_SIDE * LANES * width
    }
}

impl Kernel for PanelDots<'_> {
    type Output = ();

    #[inline(always)]
    fn run<V: Lanes>(mut self) {
        let n_rows = self.dots.x.len();
        let mut start = 0;
        while start < n_rows {
            start += match (n_rows - start).div_ceil(LANES) {
                SIDE_BY_SIDE | 5.. if V::MANY_REGISTERS => self.rows::<V, 8, SIDE_BY_SIDE>(start),
                2.. if V::MANY_REGISTERS => self.rows::<V, 8, 2>(start),
                _ if V::MANY_REGISTERS => self.rows::<V, 8, 1>(start),
                _ => self.rows::<V, 4, 1>(start),
            };
        }
    }
}

impl PanelDots<'_> {
    /// J·16 rows for all outputs, I at a time: a part of sixteen.
    #[inline(always)]
    fn rows<V: Lanes, const I: usize, const J: usize>(&mut self, start: usize) -> usize {
        for j in 0..J {
            self.turn::<V, J>(start + j * LANES, j);
        }
        let (n_outputs, width) = (self.dots.bias.len(), self.dots.x.width());
        // As equal as whole lines can be: a short part would spend its time on loading and storing sums.
        let (n_lines, n_parts) = (width.div_ceil(LANES), width.div_ceil(COLUMNS));
        for first in (0..n_outputs).step_by(LANES) {
            let n = LANES.min(n_outputs - first);
            let mut sums = [[Line::ZEROS; J]; LANES];
            for part in 0..n_parts {
                let lines = n_lines * part / n_parts..n_lines * (part + 1) / n_parts;
                let columns = lines.start * LANES..width.min(lines.end * LANES);
                for output in (0..n).step_by(I) {
                    self.tile::<V, I, J>(first + output, columns.clone(), &mut sums[output..]);
                }
            }
            for j in 0..J {
                self.write::<V, J>(start + j * LANES, first, &sums[..n], j);
            }
        }
        J * LANES
    }

    /// Turns sixteen rows: their k-th numbers stand side by side, the j-th sixteen in J. The last row stands in for rows that
    /// are not there.
    #[inline(always)]
    fn turn<V: Lanes, const J: usize>(&mut self, start: usize, j: usize) {
        let width = self.dots.x.width();
        let rows = self.dots.x.places::<LANES>(start);
        let panel = self.panel.as_chunks_mut::<LANES>().0.as_chunks_mut::<J>().0;
        let mut square = [V::splat(0.0); LANES];
        let (whole, rest) = panel[..width].as_chunks_mut::<LANES>();
        for (index, panel) in whole.iter_mut().enumerate() {
            for r in 0..LANES {
                // SAFETY: the row is `width` wide.
                square[r] = unsafe { V::load_from(rows[r].add(index * LANES)) };
            }
            let columns = V::transpose(square);
            for k in 0..LANES {
                columns[k].store(&mut panel[k][j]);
            }
        }
        if !rest.is_empty() {
            for r in 0..LANES {
                // SAFETY: the row is `width` wide.
                square[r] = unsafe { V::load_first(rows[r].add(width - rest.len()), rest.len()) };
            }
            let columns = V::transpose(square);
            for (panel, column) in rest.iter_mut().zip(columns) {
                column.store(&mut panel[j]);
            }
        }
    }

    /// Adds some columns to the sums of I outputs for the rows of the panel; the first are added to the bias. The last output
    /// stands in for outputs that are not there.
    #[inline(always)]
    fn tile<V: Lanes, const I: usize, const J: usize>(
        &self,
        output: usize,
        columns: Range<usize>,
        out: &mut [[Line; J]],
    ) {
        let Dots { x, weight, bias, .. } = &self.dots;
        let (width, last) = (x.width(), bias.len() - 1);
        let lines = self.panel[columns.start * J * LANES..columns.end * J * LANES].as_chunks::<LANES>().0;
        let mut weights = [weight.as_ptr(); I];
        let mut sums = [[V::splat(0.0); J]; I];
        for i in 0..I {
            let output = (output + i).min(last);
            weights[i] = weight[output * width..][columns.clone()].as_ptr();
            for j in 0..J {
                sums[i][j] = if columns.start == 0 { V::splat(bias[output]) } else { V::load(&out[i][j].0) };
            }
        }
        let places = lines.as_chunks::<J>().0.iter().map(|lines| lines.as_ptr().cast());
        // SAFETY: every column has J·16 numbers in the panel, and a weight for every output.
        unsafe { add_products(&mut sums, places, weights, 1, Fetch::NOTHING) };
        for i in 0..I {
            for j in 0..J {
                sums[i][j].store(&mut out[i][j].0);
            }
        }
    }

    /// Writes the sums of up to sixteen outputs for the j-th sixteen rows, which start at a position, activated.
    #[inline(always)]
    fn write<V: Lanes, const J: usize>(&mut self, start: usize, first: usize, sums: &[[Line; J]], j: usize) {
        let Dots { x, activation, out, .. } = &mut self.dots;
        let n_rows = (x.len() - start).min(LANES);
        let mut square = [V::splat(0.0); LANES];
        for (square, sums) in square.iter_mut().zip(sums) {
            *square = activated(V::load(&sums[j].0), *activation);
        }
        if out.is_in_columns() {
            for (index, rows) in square[..sums.len()].iter().enumerate() {
                rows.store_part(out.in_column(first + index, start..start + n_rows));
            }
        } else {
            for (index, outputs) in V::transpose(square)[..n_rows].iter().enumerate() {
                outputs.store_part(out.in_row(start + index, first..first + sums.len()));
            }
        }
    }
}
