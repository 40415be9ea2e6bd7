//! The loops themselves, in safe Rust that any compiler turns into vector instructions.

/// Sums run in this many lanes side by side; what is left over runs in [`REST`] lanes, then one by one.
const LANES: usize = 32;
const REST: usize = 8;

#[inline(always)]
#[allow(clippy::inline_always, reason = "must be compiled anew inside each instruction set's function")]
pub(super) fn dot(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len(), "a dot product takes slices of one length");
    let mut lanes = [0.0_f32; LANES];
    let (mut a_wide, mut b_wide) = (a.chunks_exact(LANES), b.chunks_exact(LANES));
    for (a, b) in (&mut a_wide).zip(&mut b_wide) {
        for lane in 0..LANES {
            lanes[lane] += a[lane] * b[lane];
        }
    }
    let (mut a_rest, mut b_rest) = (a_wide.remainder().chunks_exact(REST), b_wide.remainder().chunks_exact(REST));
    for (a, b) in (&mut a_rest).zip(&mut b_rest) {
        for lane in 0..REST {
            lanes[lane] += a[lane] * b[lane];
        }
    }
    let mut width = LANES / 2;
    while width > 0 {
        for lane in 0..width {
            lanes[lane] += lanes[lane + width];
        }
        width /= 2;
    }
    a_rest.remainder().iter().zip(b_rest.remainder()).fold(lanes[0], |sum, (a, b)| sum + a * b)
}

#[inline(always)]
#[allow(clippy::inline_always, reason = "must be compiled anew inside each instruction set's function")]
pub(super) fn axpy(alpha: f32, x: &[f32], y: &mut [f32]) {
    assert_eq!(x.len(), y.len(), "adding takes slices of one length");
    for (y, x) in y.iter_mut().zip(x) {
        *y += alpha * x;
    }
}

#[inline(always)]
#[allow(clippy::inline_always, reason = "must be compiled anew inside each instruction set's function")]
pub(super) fn scale(alpha: f32, x: &mut [f32]) {
    for x in x {
        *x *= alpha;
    }
}

#[inline(always)]
#[allow(clippy::inline_always, reason = "must be compiled anew inside each instruction set's function")]
pub(super) fn sum_of_squares(x: &[f32]) -> f64 {
    let mut lanes = [0.0_f64; REST];
    let mut wide = x.chunks_exact(REST);
    for x in &mut wide {
        for lane in 0..REST {
            lanes[lane] += f64::from(x[lane]) * f64::from(x[lane]);
        }
    }
    let rest: f64 = wide.remainder().iter().map(|&x| f64::from(x) * f64::from(x)).sum();
    lanes.iter().sum::<f64>() + rest
}
