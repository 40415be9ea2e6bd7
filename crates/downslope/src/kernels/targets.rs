//! What is each row held against, and what does it weigh?

use super::lanes::{LANES, Lanes, Wanted};
use crate::data::Dataset;
use crate::loader::Batch;

/// The targets of all rows of a table, and their weights, where they do not all weigh 1.
#[derive(Clone, Copy)]
pub(crate) struct Targets<'a> {
    /// The targets.
    pub(crate) values: &'a [f32],
    /// The weights.
    pub(crate) weights: Option<&'a [f32]>,
}

impl<'a> Targets<'a> {
    /// Those of a table.
    pub(crate) fn of(data: &'a Dataset) -> Self {
        Self { values: &data.targets, weights: data.weights() }
    }

    /// The targets of up to sixteen rows of a batch, from a position on.
    #[inline(always)]
    pub(super) fn values_at<V: Lanes>(self, batch: &Batch<'_>, start: usize, n: usize) -> V {
        at(self.values, batch, start, n)
    }

    /// What they weigh.
    #[inline(always)]
    pub(super) fn weights_at<V: Lanes>(self, batch: &Batch<'_>, start: usize, n: usize) -> V {
        match self.weights {
            None => V::splat(1.0),
            Some(weights) => at(weights, batch, start, n),
        }
    }

    /// The target of a row.
    #[inline(always)]
    pub(super) fn value(self, number: usize) -> f32 {
        self.values[number]
    }

    /// What a row weighs.
    #[inline(always)]
    pub(super) fn weight(self, number: usize) -> f32 {
        match self.weights {
            None => 1.0,
            Some(weights) => weights[number],
        }
    }

    /// Asks for what belongs to rows that do not follow each other. Positions behind the last row ask for nothing.
    #[inline(always)]
    pub(super) fn prefetch<V: Lanes>(self, batch: &Batch<'_>, positions: std::ops::Range<usize>) {
        if let Batch::Rows(numbers) = batch {
            let end = positions.end.min(numbers.len());
            numbers[positions.start.min(end)..end].iter().for_each(|&number| self.fetch::<V>(number));
        }
    }

    /// Asks for what belongs to a row.
    #[inline(always)]
    pub(super) fn fetch<V: Lanes>(self, number: u32) {
        V::prefetch(self.values, number as usize, Wanted::Soon);
        if let Some(weights) = self.weights {
            V::prefetch(weights, number as usize, Wanted::Soon);
        }
    }
}

/// What belongs to up to sixteen rows of a batch, from a position on.
#[inline(always)]
fn at<V: Lanes>(of_rows: &[f32], batch: &Batch<'_>, start: usize, n: usize) -> V {
    match batch {
        Batch::Range(range) => V::load_part(&of_rows[range.start + start..][..n]),
        Batch::Rows(rows) => {
            let rows = &rows[start..start + n];
            let mut lanes = [0.0; LANES];
            if let Some(rows) = rows.first_chunk::<LANES>() {
                assert!(rows.iter().all(|&row| (row as usize) < of_rows.len()), "every row has a place");
                for lane in 0..LANES {
                    // SAFETY: every row was seen to have a place.
                    lanes[lane] = unsafe { *of_rows.get_unchecked(rows[lane] as usize) };
                }
            } else {
                lanes.iter_mut().zip(rows).for_each(|(lane, &row)| *lane = of_rows[row as usize]);
            }
            V::load(&lanes)
        }
    }
}
