//! What is done to a whole slice.

use super::lanes::{LANES, Lanes};
use super::{Kernel, Rows, run};

/// Sums of squares run in this many lanes side by side.
const WIDE: usize = 8;

/// y ← y + α·x.
pub(super) struct Axpy<'a>(pub(super) f32, pub(super) &'a [f32], pub(super) &'a mut [f32]);

impl Kernel for Axpy<'_> {
    type Output = ();

    #[inline(always)]
    fn run<V: Lanes>(self) {
        let Self(alpha, x, y) = self;
        assert_eq!(x.len(), y.len(), "adding takes slices of one length");
        for (y, x) in y.iter_mut().zip(x) {
            *y = alpha.mul_add(*x, *y);
        }
    }
}

/// y ← y + α·x. The slices have the same length.
pub(crate) fn axpy(alpha: f32, x: &[f32], y: &mut [f32]) {
    run(Axpy(alpha, x, y));
}

struct Scale<'a>(f32, &'a mut [f32]);

impl Kernel for Scale<'_> {
    type Output = ();

    #[inline(always)]
    fn run<V: Lanes>(self) {
        let Self(alpha, x) = self;
        for x in x {
            *x *= alpha;
        }
    }
}

/// x ← α·x.
pub(crate) fn scale(alpha: f32, x: &mut [f32]) {
    run(Scale(alpha, x));
}

struct SumOfSquares<'a>(&'a [f32]);

impl Kernel for SumOfSquares<'_> {
    type Output = f64;

    #[inline(always)]
    fn run<V: Lanes>(self) -> f64 {
        let mut lanes = [0.0_f64; WIDE];
        let (wide, rest) = self.0.as_chunks::<WIDE>();
        for x in wide {
            for lane in 0..WIDE {
                lanes[lane] += f64::from(x[lane]) * f64::from(x[lane]);
            }
        }
        let rest: f64 = rest.iter().map(|&x| f64::from(x) * f64::from(x)).sum();
        lanes.iter().sum::<f64>() + rest
    }
}

/// Σ xᵢ², in `f64`.
pub(crate) fn sum_of_squares(x: &[f32]) -> f64 {
    run(SumOfSquares(x))
}

/// ‖x‖² of each row.
pub(crate) struct SquaredLengths<'a> {
    /// The rows.
    pub(crate) x: Rows<'a>,
    /// Their squared lengths, one a row.
    pub(crate) out: &'a mut [f32],
}

impl Kernel for SquaredLengths<'_> {
    type Output = ();

    #[inline(always)]
    fn run<V: Lanes>(self) {
        for (position, out) in self.out.iter_mut().enumerate() {
            let mut sum = V::splat(0.0);
            for values in self.x.row(position).chunks(LANES) {
                let values = V::load_part(values);
                sum = values.mul_add(values, sum);
            }
            *out = sum.sum().first();
        }
    }
}
