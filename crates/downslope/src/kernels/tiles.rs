//! Products of dense matrices, tile by tile, in the forms that descent needs.
//!
//! [`Dots`] takes rows and weights that are both contiguous in the direction of the sum: scores. For steps of one row,
//! [`StepAndDots`] takes a step on the way, and [`Products`] and [`Activate`] are what several of them take to be computed
//! together. A tile's sums stay in registers while the rows stream past, read where they stand. A tile's shape never changes
//! the order of a sum.

use super::functions::tanh;
use super::lanes::{LANES, Lanes, Wanted};
use super::{Kernel, MatrixMut, Rows};
use crate::model::Activation;

/// `out`(r, o) = Σₖ x(r, k)·weight(o, k) + bias(o), activated, for every row r and output o.
pub(crate) struct Dots<'a> {
    /// The rows.
    pub(crate) x: Rows<'a>,
    /// (outputs, width of x), row-major.
    pub(crate) weight: &'a [f32],
    /// (outputs).
    pub(crate) bias: &'a [f32],
    /// What is done to a sum before it is written.
    pub(crate) activation: Option<Activation>,
    /// Where the sums go, (rows, outputs).
    pub(crate) out: MatrixMut<'a>,
}

impl Kernel for Dots<'_> {
    type Output = ();

    #[inline(always)]
    fn run<V: Lanes>(mut self) {
        let n_outputs = self.bias.len();
        let mut output = 0;
        while output < n_outputs {
            // As square as can be: few loads for many products. One row alone reads each weight once anyway.
            output += match (n_outputs - output, self.x.len()) {
                (8.., 1) => self.columns::<V, 1, 8>(output),
                (4.., 1) => self.columns::<V, 1, 4>(output),
                (4.., _) => self.columns::<V, 4, 4>(output),
                (3, 2..) => self.columns::<V, 5, 3>(output),
                (2.., 2..) => self.columns::<V, 8, 2>(output),
                (2.., _) => self.columns::<V, 1, 2>(output),
                (_, 2..) => self.columns::<V, 16, 1>(output),
                _ => self.columns::<V, 1, 1>(output),
            };
        }
    }
}

impl Dots<'_> {
    /// All rows for C outputs, R rows at a time.
    #[inline(always)]
    fn columns<V: Lanes, const R: usize, const C: usize>(&mut self, output: usize) -> usize {
        let width = self.x.width();
        let mut weights = [self.weight.as_ptr(); C];
        let mut biases = [0.0; LANES];
        for c in 0..C {
            weights[c] = self.weight[(output + c) * width..][..width].as_ptr();
            for r in 0..R {
                biases[r * C + c] = self.bias[output + c];
            }
        }
        let n_rows = self.x.len();
        for start in (0..n_rows).step_by(R) {
            // The last tile repeats the last row where it lacks rows, and forgets what came of it.
            let rows = self.x.places::<R>(start);
            let next = (output == 0 && start + R < n_rows).then(|| self.x.places::<R>(start + R));
            // SAFETY: rows and weights are `width` wide.
            let sums = unsafe { dots::<V, R, C>(rows, weights, width, next) } + V::load(&biases);
            self.write::<V, R, C>(activated(sums, self.activation), start, output);
        }
        C
    }

    #[inline(always)]
    fn write<V: Lanes, const R: usize, const C: usize>(&mut self, sums: V, start: usize, output: usize) {
        let n_rows = R.min(self.x.len() - start);
        if C == 1 && self.out.is_in_columns() {
            return sums.store_part(self.out.in_column(output, start..start + n_rows));
        }
        let mut lanes = [0.0; LANES];
        sums.store(&mut lanes);
        for r in 0..n_rows {
            self.out.write_row(start + r, output, &lanes[r * C..][..C]);
        }
    }
}

/// The step of one row, and on the way the scores of another: every weight is read and written once for both.
///
/// weight(o, :) ← weight(o, :) + factor(o)·last, bias(o) ← bias(o) + factor(o), and then
/// `out`(o) = Σₖ x(k)·weight(o, k) + bias(o), activated: the bits of [`Combine`](super::Combine) and then [`Dots`].
pub(crate) struct StepAndDots<'a> {
    /// The row whose step is taken.
    pub(crate) last: &'a [f32],
    /// By how much it is added for each output.
    pub(crate) factors: &'a [f32],
    /// How far apart the factors stand.
    pub(crate) factors_apart: usize,
    /// The row that is scored.
    pub(crate) x: &'a [f32],
    /// The row after that, which is fetched on the way, or nothing.
    pub(crate) next: &'a [f32],
    /// (outputs, width of the rows), row-major.
    pub(crate) weight: &'a mut [f32],
    /// (outputs).
    pub(crate) bias: &'a mut [f32],
    /// What is done to a score before it is written.
    pub(crate) activation: Option<Activation>,
    /// Where the scores go.
    pub(crate) out: &'a mut [f32],
    /// How far apart they stand in `out`.
    pub(crate) out_apart: usize,
}

impl Kernel for StepAndDots<'_> {
    type Output = ();

    #[inline(always)]
    fn run<V: Lanes>(mut self) {
        let n_outputs = self.bias.len();
        let mut output = 0;
        while output < n_outputs {
            output += match n_outputs - output {
                // Ten classes are many a table's, and two outputs alone would wait for their own sums.
                10 if V::MANY_REGISTERS => self.outputs::<V, 10>(output),
                8.. if V::MANY_REGISTERS => self.outputs::<V, 8>(output),
                4.. if V::MANY_REGISTERS => self.outputs::<V, 4>(output),
                2.. => self.outputs::<V, 2>(output),
                _ => self.outputs::<V, 1>(output),
            };
        }
    }
}

impl StepAndDots<'_> {
    /// C outputs at once.
    #[inline(always)]
    fn outputs<V: Lanes, const C: usize>(&mut self, output: usize) -> usize {
        let (last, x) = (self.last, &self.x[..self.last.len()]);
        let width = last.len();
        let first = self.weight[output * width..][..C * width].as_mut_ptr();
        let mut weights = [first; C];
        let mut factors = [V::splat(0.0); C];
        for c in 0..C {
            weights[c] = first.wrapping_add(c * width);
            let factor = self.factors[(output + c) * self.factors_apart];
            factors[c] = V::splat(factor);
            self.bias[output + c] += factor;
        }
        let mut sums = [V::splat(0.0); LANES];
        let (last_chunks, last_rest) = last.as_chunks::<LANES>();
        let (x_chunks, x_rest) = x.as_chunks::<LANES>();
        for (chunk, (last, x)) in last_chunks.iter().zip(x_chunks).enumerate() {
            let (last, x) = (V::load(last), V::load(x));
            // A line at a time: a whole row at once would fill all places for what is on its way, and wait.
            if output == 0 && !self.next.is_empty() {
                V::prefetch(self.next, chunk * LANES, Wanted::Soon);
            }
            for c in 0..C {
                // SAFETY: these sixteen are within the `width` weights of the output, and no other output has them.
                let place = unsafe { &mut *weights[c].add(chunk * LANES).cast::<[f32; LANES]>() };
                let weight = factors[c].mul_add(last, V::load(place));
                weight.store(place);
                sums[c] = x.mul_add(weight, sums[c]);
            }
        }
        if !last_rest.is_empty() {
            if output == 0 && !self.next.is_empty() {
                V::prefetch(self.next, last_chunks.len() * LANES, Wanted::Soon);
            }
            let (last, x) = (V::load_part(last_rest), V::load_part(x_rest));
            for c in 0..C {
                let place = &mut self.weight[(output + c) * width..][..width][last_chunks.len() * LANES..];
                let weight = factors[c].mul_add(last, V::load_part(place));
                weight.store_part(place);
                sums[c] = x.mul_add(weight, sums[c]);
            }
        }
        let scores = V::sums(sums) + V::load_part(&self.bias[output..][..C]);
        let mut lanes = [0.0; LANES];
        activated(scores, self.activation).store(&mut lanes);
        for (c, &score) in lanes[..C].iter().enumerate() {
            self.out[(output + c) * self.out_apart] = score;
        }
        C
    }
}

/// The products of rows with each other: `out`(i, j) = Σₖ x(i, k)·x(j, k) for the first `n` rows i and every row j behind
/// them; what stands elsewhere means nothing.
pub(crate) struct Products<'a> {
    /// The rows.
    pub(crate) x: Rows<'a>,
    /// How many of them are multiplied by all.
    pub(crate) n: usize,
    /// (`n`, rows), row-major.
    pub(crate) out: &'a mut [f32],
}

impl Kernel for Products<'_> {
    type Output = ();

    #[inline(always)]
    fn run<V: Lanes>(self) {
        const TILE: usize = 4;
        let n_rows = self.x.len();
        for first in (0..self.n).step_by(TILE) {
            let rows = self.x.places::<TILE>(first);
            for second in (first..n_rows).step_by(TILE) {
                let others = self.x.places::<TILE>(second);
                let mut lanes = [0.0; LANES];
                // SAFETY: all rows are of one width.
                unsafe { dots::<V, TILE, TILE>(rows, others, self.x.width(), None) }.store(&mut lanes);
                let n_others = TILE.min(n_rows - second);
                let out = self.out[first * n_rows..].chunks_mut(n_rows).take(TILE);
                for (out, products) in out.zip(lanes.chunks(TILE)) {
                    out[second..][..n_others].copy_from_slice(&products[..n_others]);
                }
            }
        }
    }
}

/// What a layer makes of the sums of a row.
pub(crate) struct Activate<'a> {
    /// The sums.
    pub(crate) sums: &'a [f32],
    /// What is done to each before it is written.
    pub(crate) activation: Option<Activation>,
    /// Where they go.
    pub(crate) out: &'a mut [f32],
    /// How far apart they stand in `out`.
    pub(crate) out_apart: usize,
}

impl Kernel for Activate<'_> {
    type Output = ();

    #[inline(always)]
    fn run<V: Lanes>(self) {
        for (index, sums) in self.sums.chunks(LANES).enumerate() {
            let mut lanes = [0.0; LANES];
            activated(V::load_part(sums), self.activation).store(&mut lanes);
            let out = self.out[index * LANES * self.out_apart..].iter_mut().step_by(self.out_apart);
            out.zip(&lanes[..sums.len()]).for_each(|(out, &lane)| *out = lane);
        }
    }
}

/// Derivatives with respect to a layer's outputs become those with respect to its sums, and are turned where rows are
/// several: out(r, o) = derivative(r, o)·slope(output(r, o)).
pub(crate) struct BackThrough<'a> {
    /// With respect to the outputs: (rows, outputs), row-major.
    pub(crate) derivatives: MatrixMut<'a>,
    /// What the layer made of the rows, as wide.
    pub(crate) outputs: Rows<'a>,
    /// How.
    pub(crate) activation: Activation,
    /// With respect to the sums: (rows, outputs), those of an output side by side.
    pub(crate) out: MatrixMut<'a>,
}

impl Kernel for BackThrough<'_> {
    type Output = ();

    #[inline(always)]
    fn run<V: Lanes>(mut self) {
        let (n_rows, n_outputs) = (self.outputs.len(), self.outputs.width());
        for start in (0..n_rows).step_by(LANES) {
            let rows = start..n_rows.min(start + LANES);
            for first in (0..n_outputs).step_by(LANES) {
                let columns = first..n_outputs.min(first + LANES);
                let mut square = [V::splat(0.0); LANES];
                for (square, row) in square.iter_mut().zip(rows.clone()) {
                    let derivatives = V::load_part(self.derivatives.in_row(row, columns.clone()));
                    let outputs = V::load_part(&self.outputs.row(row)[columns.clone()]);
                    *square = back_through(outputs, derivatives, self.activation);
                }
                if n_rows == 1 {
                    square[0].store_part(self.out.in_row(0, columns));
                } else {
                    for (of_output, column) in V::transpose(square).iter().zip(columns) {
                        of_output.store_part(self.out.in_column(column, rows.clone()));
                    }
                }
            }
        }
    }
}

/// Derivatives times the slope of an activation, told by what it gave.
#[inline(always)]
fn back_through<V: Lanes>(outputs: V, derivatives: V, activation: Activation) -> V {
    match activation {
        Activation::Relu => outputs.if_above(V::splat(0.0), derivatives, V::splat(0.0)),
        Activation::Tanh => derivatives * (V::splat(1.0) - outputs * outputs),
    }
}

/// What a layer makes of its sums.
#[inline(always)]
pub(super) fn activated<V: Lanes>(sums: V, activation: Option<Activation>) -> V {
    match activation {
        None => sums,
        Some(Activation::Relu) => sums.at_least(V::splat(0.0)),
        Some(Activation::Tanh) => tanh(sums),
    }
}

/// Lane r·C + c is the dot product of row r and weights c. R·C is at most 16. The rows that come next are fetched on the
/// way, a line for each line that is read: all at once they would wait for each other.
///
/// # Safety
/// At every place `width` numbers can be read.
#[inline(always)]
pub(super) unsafe fn dots<V: Lanes, const R: usize, const C: usize>(
    rows: [*const f32; R],
    weights: [*const f32; C],
    width: usize,
    next: Option<[*const f32; R]>,
) -> V {
    let mut sums = [V::splat(0.0); LANES];
    let product = Product { rows, weights, width, next };
    /// Parts of the tile, as large as the registers hold.
    macro_rules! parts {
        ($rows:tt x $columns:tt at $($row:literal, $column:literal);+) => {{
            // SAFETY: the same contract.
            $(unsafe { product.part::<V, $rows, $columns>($row, $column, &mut sums) };)+
        }};
    }
    match (V::MANY_REGISTERS, R, C) {
        // More pointers than eight rows would not find room in registers.
        (true, 16, 1) => parts!(8 x 1 at 0, 0; 8, 0),
        (false, 16, 1) => parts!(4 x 1 at 0, 0; 4, 0; 8, 0; 12, 0),
        (false, 8, 2) => parts!(2 x 2 at 0, 0; 2, 0; 4, 0; 6, 0),
        (false, 5, 3) => parts!(1 x 3 at 0, 0; 1, 0; 2, 0; 3, 0; 4, 0),
        (false, 4, 4) => parts!(2 x 2 at 0, 0; 0, 2; 2, 0; 2, 2),
        (false, 1, 8) => parts!(1 x 4 at 0, 0; 0, 4),
        _ => parts!(R x C at 0, 0),
    }
    V::sums(sums)
}

/// Rows and weights whose products are summed.
struct Product<const R: usize, const C: usize> {
    rows: [*const f32; R],
    weights: [*const f32; C],
    width: usize,
    next: Option<[*const f32; R]>,
}

impl<const R: usize, const C: usize> Product<R, C> {
    /// Asks for a line of the rows that come next, once for all weights.
    #[inline(always)]
    fn fetch<V: Lanes, const ROWS: usize>(&self, row: usize, weight: usize, at: usize) {
        if let (Some(next), 0) = (self.next, weight) {
            for r in 0..ROWS {
                V::prefetch_from(next[row + r].wrapping_add(at), Wanted::Next);
            }
        }
    }

    /// The sums of each lane for rows and weights from `row` and `weight` on; `sums` has C places a row.
    ///
    /// # Safety
    /// At every place `width` numbers can be read.
    #[inline(always)]
    unsafe fn part<V: Lanes, const ROWS: usize, const COLUMNS: usize>(
        &self,
        row: usize,
        weight: usize,
        sums: &mut [V; LANES],
    ) {
        let mut tile = [[V::splat(0.0); COLUMNS]; ROWS];
        let whole = self.width / LANES * LANES;
        let mut at = 0;
        while at < whole {
            self.fetch::<V, ROWS>(row, weight, at);
            let mut of_weights = [V::splat(0.0); COLUMNS];
            for c in 0..COLUMNS {
                // SAFETY: sixteen numbers from `at` on are within `width`.
                of_weights[c] = unsafe { V::load_from(self.weights[weight + c].add(at)) };
            }
            for r in 0..ROWS {
                // SAFETY: the same.
                let of_row = unsafe { V::load_from(self.rows[row + r].add(at)) };
                for c in 0..COLUMNS {
                    tile[r][c] = of_row.mul_add(of_weights[c], tile[r][c]);
                }
            }
            at += LANES;
        }
        if at < self.width {
            self.fetch::<V, ROWS>(row, weight, at);
            let left = self.width - at;
            let mut of_weights = [V::splat(0.0); COLUMNS];
            for c in 0..COLUMNS {
                // SAFETY: `left` numbers from `at` on end at `width`.
                of_weights[c] = unsafe { V::load_first(self.weights[weight + c].add(at), left) };
            }
            for r in 0..ROWS {
                // SAFETY: the same.
                let of_row = unsafe { V::load_first(self.rows[row + r].add(at), left) };
                for c in 0..COLUMNS {
                    tile[r][c] = of_row.mul_add(of_weights[c], tile[r][c]);
                }
            }
        }
        for r in 0..ROWS {
            for c in 0..COLUMNS {
                sums[(row + r) * C + weight + c] = tile[r][c];
            }
        }
    }
}
