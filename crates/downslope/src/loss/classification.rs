//! Losses for classes, from logits.

use crate::numeric::{log_sum_exp, sigmoid, softplus};

/// ln(1 + eˢ) − ts, σ(s) − t. The value is taken as ln(1 + e⁻ʸˢ), which does not cancel for large ±s.
pub(super) fn logistic(score: f64, target: f64) -> (f64, f64) {
    let margin = if target > 0.5 { score } else { -score };
    (softplus(-margin), sigmoid(score) - target)
}

/// p(1 − p) at p = σ(s): at most ¼.
pub(super) fn logistic_curvature(score: f64) -> f64 {
    let p = sigmoid(score);
    p * (1.0 - p)
}

/// max(0, 1 − ys), −y within the margin and 0 beyond.
pub(super) fn hinge(score: f64, target: f64) -> (f64, f64) {
    let y = 2.0 * target - 1.0;
    let short = 1.0 - y * score;
    if short <= 0.0 { (0.0, 0.0) } else { (short, -y) }
}

/// max(0, 1 − ys)², −2y·max(0, 1 − ys).
pub(super) fn squared_hinge(score: f64, target: f64) -> (f64, f64) {
    let (short, slope) = hinge(score, target);
    (short * short, 2.0 * short * slope)
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

/// u ← p∘u − p(p·u) with p = softmax(s): the second derivative diag(p) − ppᵀ times u.
pub(super) fn curve_cross_entropy(logits: &[f32], direction: &mut [f32]) {
    let normaliser = log_sum_exp(logits);
    let share = |logit: f32| (f64::from(logit) - normaliser).exp();
    let mean: f64 = logits.iter().zip(&*direction).map(|(&logit, &u)| share(logit) * f64::from(u)).sum();
    for (&logit, u) in logits.iter().zip(direction) {
        *u = (share(logit) * (f64::from(*u) - mean)) as f32;
    }
}

/// min(max p, 2 max p(1−p)) ≥ λmax(diag(p) − ppᵀ): the first because ppᵀ only takes away, the second by Gershgorin.
pub(super) fn largest_curvature(logits: &[f32]) -> f64 {
    let normaliser = log_sum_exp(logits);
    let share = |logit: &f32| (f64::from(*logit) - normaliser).exp();
    let (largest, spread) = logits
        .iter()
        .map(share)
        .fold((0.0_f64, 0.0_f64), |(largest, spread), p| (largest.max(p), spread.max(2.0 * p * (1.0 - p))));
    largest.min(spread)
}
