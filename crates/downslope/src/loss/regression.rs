//! Losses for numbers: value, and derivative times a factor, at a score s and a target t, with r = s − t.
#![allow(clippy::inline_always, reason = "kernels compile these for each instruction set")]

use crate::numeric::Number;

/// r², 2r.
#[inline(always)]
pub(super) fn squared<N: Number>(score: N, target: N, factor: N) -> (N, N) {
    let r = score - target;
    (r * r, (factor + factor) * r)
}

/// |r|, sign r; 0 at r = 0, as PyTorch.
#[inline(always)]
pub(super) fn absolute<N: Number>(score: N, target: N, factor: N) -> (N, N) {
    let r = score - target;
    (r.abs(), of_sign(r, factor, -factor))
}

/// ½r² within ±δ, δ(|r| − ½δ) beyond; r clipped to ±δ.
#[inline(always)]
pub(super) fn huber<N: Number>(score: N, target: N, factor: N, delta: f64) -> (N, N) {
    let (r, delta) = (score - target, N::of(delta));
    let clipped = r.at_least(-delta).at_most(delta);
    (clipped * (r - N::of(0.5) * clipped), factor * clipped)
}

/// max(−τr, (1−τ)r): a target above the score costs τ, one below 1 − τ; slope 0 at r = 0.
#[inline(always)]
pub(super) fn quantile<N: Number>(score: N, target: N, factor: N, tau: f64) -> (N, N) {
    let r = score - target;
    let slope = of_sign(r, N::of(1.0 - tau), N::of(-tau));
    (slope * r, factor * slope)
}

/// eˢ − ts, eˢ − t.
#[inline(always)]
pub(super) fn poisson<N: Number>(score: N, target: N, factor: N) -> (N, N) {
    let mean = score.exp();
    (mean - target * score, factor * (mean - target))
}

/// One value above 0, another below; 0 at 0, NaN for NaN.
#[inline(always)]
fn of_sign<N: Number>(r: N, above: N, below: N) -> N {
    let zero = N::of(0.0);
    r.if_above(zero, above, zero.if_above(r, below, zero * r))
}
