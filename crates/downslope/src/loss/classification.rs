//! Losses for classes, from logits: value, and derivative times a factor.
#![allow(clippy::inline_always, reason = "kernels compile these for each instruction set")]

use crate::numeric::{Number, log_sum_exp};

/// ln(1 + eˢ) − ts, σ(s) − t, taken as ln(1 + e⁻ʸˢ) and −y·σ(−ys) with y = 2t − 1, both from u = e⁻|ˢ|: nothing
/// overflows and nothing cancels for large ±s.
#[inline(always)]
pub(super) fn logistic<N: Number>(score: N, target: N, factor: N) -> (N, N) {
    let (zero, y) = (N::of(0.0), sign_of_class(target));
    let u = (-score.abs()).exp_of_negative();
    let against = -(y * score);
    let scale = -(y * factor);
    (against.at_least(zero) + u.ln_1p_of_share(), against.if_above(zero, scale, scale * u) / (u + N::of(1.0)))
}

/// max(0, 1 − ys), −y within the margin and 0 beyond.
#[inline(always)]
pub(super) fn hinge<N: Number>(score: N, target: N, factor: N) -> (N, N) {
    let (zero, y) = (N::of(0.0), sign_of_class(target));
    let short = (N::of(1.0) - y * score).at_least(zero);
    (short, short.if_above(zero, -(y * factor), zero * short))
}

/// max(0, 1 − ys)², −2y·max(0, 1 − ys).
#[inline(always)]
pub(super) fn squared_hinge<N: Number>(score: N, target: N, factor: N) -> (N, N) {
    let y = sign_of_class(target);
    let short = (N::of(1.0) - y * score).at_least(N::of(0.0));
    (short * short, -((y + y) * factor) * short)
}

/// −1 for class 0 and 1 for class 1.
#[inline(always)]
fn sign_of_class<N: Number>(target: N) -> N {
    target + target - N::of(1.0)
}

/// ln Σⱼeˢʲ − sₜ.
pub(super) fn cross_entropy(logits: &[f32], class: usize) -> f64 {
    log_sum_exp(logits) - f64::from(logits[class])
}

/// The loss; the logits are replaced by softmax(s) − 1ₜ.
pub(super) fn cross_entropy_and_derivative(logits: &mut [f32], class: usize) -> f64 {
    let normaliser = log_sum_exp(logits);
    let value = normaliser - f64::from(logits[class]);
    for logit in logits.iter_mut() {
        *logit = (f64::from(*logit) - normaliser).exp() as f32;
    }
    logits[class] -= 1.0;
    value
}
