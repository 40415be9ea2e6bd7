//! Rows of equal length, wherever they stand in a slice.

use std::ops::Range;

use super::lanes::{LANES, Lanes, Wanted};
use super::{Kernel, Targets, run};
use crate::data::{Dataset, Features};
use crate::loader::Batch;

/// Some of the rows of a row-major matrix.
#[derive(Clone)]
pub(crate) struct Rows<'a> {
    values: &'a [f32],
    width: usize,
    /// From one row to the next: the width of the whole matrix.
    apart: usize,
    /// How many rows stand in `values`.
    in_values: usize,
    which: Batch<'a>,
}

impl<'a> Rows<'a> {
    /// The rows `which` of a matrix whose rows are `width` wide.
    pub(crate) fn new(values: &'a [f32], width: usize, which: Batch<'a>) -> Self {
        Self { values, width, apart: width, in_values: values.len() / width, which }
    }

    /// Some of their columns.
    ///
    /// # Panics
    /// If there are no such columns.
    pub(crate) fn columns(self, columns: Range<usize>) -> Self {
        assert!(columns.end <= self.width, "the columns are there");
        Self { values: self.values.get(columns.start..).unwrap_or_default(), width: columns.len(), ..self }
    }

    /// All rows of a matrix.
    pub(crate) fn all(values: &'a [f32], width: usize) -> Self {
        Self::new(values, width, Batch::all(values.len() / width))
    }

    /// How many.
    #[inline(always)]
    pub(crate) fn len(&self) -> usize {
        self.which.len()
    }

    /// How wide.
    #[inline(always)]
    pub(crate) fn width(&self) -> usize {
        self.width
    }

    /// The row at a position, (`width`).
    #[inline(always)]
    pub(crate) fn row(&self, position: usize) -> &'a [f32] {
        &self.values[self.which.row(position) * self.apart..][..self.width]
    }

    /// Which rows of the matrix they are.
    #[inline(always)]
    pub(super) fn which(&self) -> &Batch<'a> {
        &self.which
    }

    /// The number of a row in the matrix.
    #[inline(always)]
    pub(crate) fn number(&self, position: usize) -> usize {
        self.which.row(position)
    }

    /// Where R rows stand from a position on; the last row stands in for those that are not there. Each is `width` wide.
    ///
    /// # Panics
    /// If there is no row at that position.
    #[inline(always)]
    pub(super) fn places<const R: usize>(&self, start: usize) -> [*const f32; R] {
        assert!(start < self.len(), "there is a row");
        let (width, apart, last) = (self.width, self.apart, self.len() - 1);
        let mut places = [self.values.as_ptr(); R];
        match &self.which {
            Batch::Range(range) => {
                let values = &self.values[range.start * apart..(range.end - 1) * apart + width];
                for (r, place) in places.iter_mut().enumerate() {
                    *place = values.as_ptr().wrapping_add((start + r).min(last) * apart);
                }
            }
            Batch::Rows(numbers) => match numbers[start..].first_chunk::<R>() {
                Some(numbers) => {
                    let in_values = self.in_values;
                    assert!(numbers.iter().all(|&number| (number as usize) < in_values), "every row is in the table");
                    for r in 0..R {
                        places[r] = self.values.as_ptr().wrapping_add(numbers[r] as usize * apart);
                    }
                }
                None => {
                    for (r, place) in places.iter_mut().enumerate() {
                        *place = self.values[numbers[(start + r).min(last)] as usize * apart..][..width].as_ptr();
                    }
                }
            },
        }
        places
    }

    /// Asks for some lines of the row of a number.
    #[inline(always)]
    pub(super) fn fetch<V: Lanes>(&self, number: u32, lines: Range<usize>, wanted: Wanted) {
        ask::<V>(self.values, number as usize * self.apart, lines, wanted);
    }

    /// Asks for some lines of rows. Positions behind the last row ask for nothing.
    #[inline(always)]
    pub(super) fn prefetch_lines<V: Lanes>(&self, positions: Range<usize>, lines: Range<usize>, wanted: Wanted) {
        let end = positions.end.min(self.len());
        let positions = positions.start.min(end)..end;
        match &self.which {
            Batch::Range(range) => {
                for position in positions {
                    ask::<V>(self.values, (range.start + position) * self.apart, lines.clone(), wanted);
                }
            }
            Batch::Rows(numbers) => {
                for &number in &numbers[positions] {
                    ask::<V>(self.values, number as usize * self.apart, lines.clone(), wanted);
                }
            }
        }
    }
}

/// Asks for some lines from a place on.
#[inline(always)]
fn ask<V: Lanes>(values: &[f32], start: usize, lines: Range<usize>, wanted: Wanted) {
    for line in lines {
        V::prefetch(values, start + line * LANES, wanted);
    }
}

/// Asks for the first rows of a batch that comes next, and for their targets.
pub(crate) fn prefetch(data: &Dataset, batch: &Batch<'_>) {
    if let Features::Dense(x) = &data.features {
        let x = Rows::new(x.values(), x.n_columns(), batch.clone());
        run(Prefetch { x, targets: Targets::of(data) });
    }
}

/// Asks for the targets of the first rows of a batch that comes next.
pub(crate) fn prefetch_targets(data: &Dataset, batch: &Batch<'_>) {
    run(PrefetchTargets { targets: Targets::of(data), batch });
}

struct PrefetchTargets<'a> {
    targets: Targets<'a>,
    batch: &'a Batch<'a>,
}

impl Kernel for PrefetchTargets<'_> {
    type Output = ();

    #[inline(always)]
    fn run<V: Lanes>(self) {
        self.targets.prefetch::<V>(self.batch, 0..FIRST_ROWS);
    }
}

struct Prefetch<'a> {
    x: Rows<'a>,
    targets: Targets<'a>,
}

/// So many rows.
const FIRST_ROWS: usize = 64;
/// So many cache lines of sixteen numbers in all, but some of every row.
const FIRST_LINES: usize = 512;

impl Kernel for Prefetch<'_> {
    type Output = ();

    #[inline(always)]
    fn run<V: Lanes>(self) {
        let lines = FIRST_LINES.div_ceil(self.x.len().clamp(1, FIRST_ROWS)).min(self.x.width.div_ceil(LANES));
        self.x.prefetch_lines::<V>(0..FIRST_ROWS, 0..1, Wanted::Soon);
        self.x.prefetch_lines::<V>(0..FIRST_ROWS, 1..lines, Wanted::Soon);
        PrefetchTargets { targets: self.targets, batch: &self.x.which }.run::<V>();
    }
}
