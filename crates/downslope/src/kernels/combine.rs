//! Multiples of rows added to rows: gradients, and derivatives carried back through a layer.

use std::mem::MaybeUninit;
use std::ops::Range;

use super::lanes::{LANES, Lanes, Wanted};
use super::memory::Line;
use super::{Kernel, MatrixMut, Rows, Strides};

/// into(o, :) ← into(o, :) + Σᵣ factor(r, o)·row(r, :), r in order.
///
/// Factors are best read where those of an output stand side by side, and the outputs an odd number of lines apart: where
/// they are a power of two apart, a cache has few places for them (784 columns, 512 outputs: 15 % longer).
pub(crate) struct Combine<'a> {
    /// The rows that are added.
    pub(crate) rows: Rows<'a>,
    /// By how much.
    pub(crate) factors: &'a [f32],
    /// How far apart the factors stand.
    pub(crate) strides: Strides,
    /// (outputs, width of the rows).
    pub(crate) into: MatrixMut<'a>,
    /// What the sums begin with.
    pub(crate) start: Start,
    /// Rows as wide that are wanted next: fetched on the way, for memory has nothing else to do.
    pub(crate) next: Option<Rows<'a>>,
}

/// What sums begin with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Start {
    /// Zero, whatever stood there; but where there is no row, nothing is written.
    Zero,
    /// What stands where they go.
    Present,
}

/// Rows are added in blocks of so many at most, so that a strip of them (32 KB) stays in a first cache of 48 KB: in smaller
/// ones where they are read in place, for then a strip's lines find fewer places there.
const MOST_ROWS: usize = 128;
const MOST_ROWS_IN_PLACE: usize = 64;
/// Sixteens of columns in a strip at most.
const STRIP: usize = 4;
/// Outputs of a tile at most.
const MOST_OUTPUTS: usize = 6;
/// Strips of so many rows or more and for more outputs than this are copied to where their rows stand one behind the other:
/// where they are a power of two wide, a cache has few places for numbers one below the other.
const COPIED_ROWS: usize = 32;
const READ_IN_PLACE: usize = 60;
/// And while so many rows or more are added for some of so many outputs, there is time to fetch the sums of the next (784
/// columns, 512 outputs: 3 to 5 % shorter; for 32 rows, 6 % longer; Intel Xeon, family 6, model 167).
const WORTH_FETCHING_SUMS: usize = 64;

impl Kernel for Combine<'_> {
    type Output = ();

    #[inline(always)]
    fn run<V: Lanes>(mut self) {
        let block_rows = if self.is_copied() { MOST_ROWS } else { MOST_ROWS_IN_PLACE };
        for start in (0..self.rows.len()).step_by(block_rows) {
            let (mut places, mut next) = ([std::ptr::null(); MOST_ROWS], [std::ptr::null(); MOST_ROWS]);
            let places = places_of(&self.rows, start, &mut places[..block_rows]);
            let next = self.next.as_ref().map_or(&[][..], |rows| places_of(rows, start, &mut next[..block_rows]));
            // From the last column to the first: scores were taken the other way, and what was read last is still in the
            // cache.
            let mut end = self.rows.width();
            while end > 0 {
                end -= match (end % LANES, end / LANES) {
                    (0, STRIP..) if V::MANY_REGISTERS => {
                        self.strip::<V, STRIP>(start, places, next, end - STRIP * LANES)
                    }
                    (0, 2..) if V::MANY_REGISTERS => self.strip::<V, 2>(start, places, next, end - 2 * LANES),
                    (0, _) => self.strip::<V, 1>(start, places, next, end - LANES),
                    (left, _) => self.strip::<V, 0>(start, places, next, end - left),
                };
            }
        }
    }
}

impl Combine<'_> {
    /// J·16 columns of every output; J = 0 are the columns left over. The rows, from a position on, stand at their places.
    #[inline(always)]
    fn strip<V: Lanes, const J: usize>(
        &mut self,
        start: usize,
        places: &[*const f32],
        next: &[*const f32],
        column: usize,
    ) -> usize {
        let n_outputs = self.into.n_rows();
        #[expect(clippy::large_stack_arrays, reason = "32 KB of a thread's 2 MB, and written only where used")]
        let mut copy = [MaybeUninit::<Line>::uninit(); MOST_ROWS * STRIP];
        let mut in_copy = [std::ptr::null(); MOST_ROWS];
        let (places, from) = if J > 0 && self.is_copied() {
            for (index, copy) in copy.chunks_exact_mut(J).take(places.len()).enumerate() {
                for j in 0..J {
                    let mut line = Line::ZEROS;
                    // SAFETY: J·16 columns of the row stand from `column` on.
                    unsafe { V::load_from(places[index].add(column + j * LANES)) }.store(&mut line.0);
                    copy[j].write(line);
                }
                in_copy[index] = copy.as_ptr().cast::<f32>();
            }
            (&in_copy[..places.len()], 0)
        } else {
            (places, column)
        };
        let n_columns = if J == 0 { self.rows.width() - column } else { J * LANES };
        let from_end = self.rows.width() - column - n_columns;
        let n_groups = n_outputs.div_ceil(MOST_OUTPUTS);
        for group in 0..n_groups {
            // Groups of as equal a size as can be.
            let outputs = n_outputs * group / n_groups..n_outputs * (group + 1) / n_groups;
            let first = (start, outputs.start, column);
            // Each group asks for some of a strip's lines: from the first column to the last, for what is read in order is
            // recognised as that by the machine.
            let n_lines = J.max(1);
            let lines = n_lines * group / n_groups..n_lines * (group + 1) / n_groups;
            let next = if lines.is_empty() { &[] } else { next };
            let fetch = Fetch { places: next, column: from_end + lines.start * LANES, n_lines: lines.len() };
            match outputs.len() {
                1 => self.tile::<V, 1, J>(first, places, from, fetch),
                2 => self.tile::<V, 2, J>(first, places, from, fetch),
                3 => self.tile::<V, 3, J>(first, places, from, fetch),
                4 => self.tile::<V, 4, J>(first, places, from, fetch),
                5 => self.tile::<V, 5, J>(first, places, from, fetch),
                _ => self.tile::<V, MOST_OUTPUTS, J>(first, places, from, fetch),
            }
        }
        n_columns
    }

    /// I outputs from the first row, output and column on; the columns stand at the places of their rows, `from` so far on.
    #[inline(always)]
    fn tile<V: Lanes, const I: usize, const J: usize>(
        &mut self,
        first: (usize, usize, usize),
        places: &[*const f32],
        from: usize,
        fetch: Fetch<'_>,
    ) {
        if J == 0 {
            (0..places.len()).for_each(|position| fetch.row::<V>(position));
            return self.rest::<V, I>(first, places);
        }
        let (row, output, column) = first;
        let columns = column..column + J * LANES;
        let factors = self.factors_of::<I>(row..row + places.len(), output);
        let mut sums = [[V::splat(0.0); J]; I];
        if self.has_begun(row) {
            for i in 0..I {
                let into = self.into.in_row(output + i, columns.clone()).as_chunks().0;
                for j in 0..J {
                    sums[i][j] = V::load(&into[j]);
                }
            }
            if self.is_copied() && places.len() >= WORTH_FETCHING_SUMS {
                (0..I).for_each(|i| self.into.fetch_row::<V>(output + I + i, columns.clone()));
            }
        }
        let places = places.iter().map(|place| place.wrapping_add(from));
        // SAFETY: J·16 numbers stand at every place, and `factors_of` has seen that the factors are there.
        unsafe { add_products(&mut sums, places, factors, self.strides.row, fetch) };
        for i in 0..I {
            let into = self.into.in_row(output + i, columns.clone()).as_chunks_mut().0;
            for j in 0..J {
                sums[i][j].store(&mut into[j]);
            }
        }
    }

    /// The last columns, fewer than sixteen.
    #[inline(always)]
    fn rest<V: Lanes, const I: usize>(&mut self, (row, output, column): (usize, usize, usize), places: &[*const f32]) {
        let width = self.rows.width();
        let factors = self.factors_of::<I>(row..row + places.len(), output);
        let mut sums = [V::splat(0.0); I];
        if self.has_begun(row) {
            for i in 0..I {
                sums[i] = V::load_part(self.into.in_row(output + i, column..width));
            }
        }
        for (index, place) in places.iter().enumerate() {
            // SAFETY: the row is `width` wide.
            let of_row = unsafe { V::load_first(place.add(column), width - column) };
            for i in 0..I {
                // SAFETY: `factors_of` has seen that this factor is there.
                let factor = V::splat(unsafe { *factors[i].add(index * self.strides.row) });
                sums[i] = factor.mul_add(of_row, sums[i]);
            }
        }
        for i in 0..I {
            sums[i].store_part(self.into.in_row(output + i, column..width));
        }
    }

    /// Whether strips of rows are copied.
    #[inline(always)]
    fn is_copied(&self) -> bool {
        self.rows.len() >= COPIED_ROWS && self.into.n_rows() > READ_IN_PLACE
    }

    /// Whether sums go on from what stands where they go, once the rows before one were added.
    #[inline(always)]
    fn has_begun(&self, row: usize) -> bool {
        self.start == Start::Present || row > 0
    }

    /// Where the factors of some rows start, for I outputs.
    #[inline(always)]
    fn factors_of<const I: usize>(&self, rows: Range<usize>, first_output: usize) -> [*const f32; I] {
        let Strides { row, output } = self.strides;
        let first = first_output * output;
        let last = first + (rows.end - 1) * row + (I - 1) * output;
        assert!(last < self.factors.len(), "every row has a factor an output");
        let mut factors = [self.factors[first + rows.start * row..].as_ptr(); I];
        for i in 0..I {
            factors[i] = factors[i].wrapping_add(i * output);
        }
        factors
    }
}

/// into(o) ← into(o) + Σᵣ factor(r, o), r in order; the factors of an output stand side by side.
pub(crate) struct AddFactors<'a> {
    /// By how much each row is added.
    pub(crate) factors: &'a [f32],
    /// How far apart those of two outputs stand.
    pub(crate) apart: usize,
    /// How many rows.
    pub(crate) n_rows: usize,
    /// (outputs).
    pub(crate) into: &'a mut [f32],
}

impl Kernel for AddFactors<'_> {
    type Output = ();

    #[inline(always)]
    fn run<V: Lanes>(self) {
        let Self { factors, apart, n_rows, into } = self;
        for (group, into) in into.chunks_mut(LANES).enumerate() {
            let mut sums = V::load_part(into);
            for start in (0..n_rows).step_by(LANES) {
                let n = LANES.min(n_rows - start);
                let mut square = [V::splat(0.0); LANES];
                for i in 0..into.len() {
                    square[i] = V::load_part(&factors[(group * LANES + i) * apart + start..][..n]);
                }
                let square = V::transpose(square);
                for of_row in &square[..n] {
                    sums = sums + *of_row;
                }
            }
            sums.store_part(into);
        }
    }
}

/// Lines that are asked for while others are added.
#[derive(Clone, Copy)]
pub(super) struct Fetch<'a> {
    /// Where their rows start.
    places: &'a [*const f32],
    column: usize,
    n_lines: usize,
}

impl Fetch<'_> {
    /// Nothing to fetch.
    pub(super) const NOTHING: Self = Fetch { places: &[], column: 0, n_lines: 0 };

    /// Asks for the lines of a row, where there are any.
    #[inline(always)]
    fn row<V: Lanes>(self, position: usize) {
        if let Some(place) = self.places.get(position) {
            for line in 0..self.n_lines {
                V::prefetch_from(place.wrapping_add(self.column + line * LANES), Wanted::Soon);
            }
        }
    }
}

/// Where the rows of a block stand, from a position on.
#[inline(always)]
fn places_of<'a>(rows: &Rows<'_>, start: usize, places: &'a mut [*const f32]) -> &'a [*const f32] {
    let n_rows = rows.len().saturating_sub(start).min(places.len());
    for (index, place) in places[..n_rows].iter_mut().enumerate() {
        [*place] = rows.places::<1>(start + index);
    }
    &places[..n_rows]
}

/// sums(i, :) ← sums(i, :) + Σₚ factor(p, i)·row(p), p in order; the rows stand at their places. With each of them, lines are
/// fetched that come next.
///
/// # Safety
/// At every place J·16 numbers can be read, and from each of `factors` on a number for every place, `apart` from each other.
#[inline(always)]
pub(super) unsafe fn add_products<V: Lanes, const I: usize, const J: usize>(
    sums: &mut [[V; J]; I],
    places: impl Iterator<Item = *const f32>,
    factors: [*const f32; I],
    apart: usize,
    fetch: Fetch<'_>,
) {
    for (position, row) in places.enumerate() {
        fetch.row::<V>(position);
        let mut of_row = [V::splat(0.0); J];
        for j in 0..J {
            // SAFETY: J·16 numbers stand there.
            of_row[j] = unsafe { V::load_from(row.add(j * LANES)) };
        }
        for i in 0..I {
            // SAFETY: every place has a factor for each.
            let factor = V::splat(unsafe { *factors[i].add(position * apart) });
            for j in 0..J {
                sums[i][j] = factor.mul_add(of_row[j], sums[i][j]);
            }
        }
    }
}
