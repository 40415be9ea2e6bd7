//! Losses for numbers: value and derivative at a score s and a target t, with r = s − t.

/// r², 2r.
pub(super) fn squared(score: f64, target: f64) -> (f64, f64) {
    let r = score - target;
    (r * r, 2.0 * r)
}

/// |r|, sign r; 0 at r = 0, as PyTorch.
pub(super) fn absolute(score: f64, target: f64) -> (f64, f64) {
    let r = score - target;
    (r.abs(), sign(r))
}

/// ½r² within ±δ, δ(|r| − ½δ) beyond; r clipped to ±δ.
pub(super) fn huber(score: f64, target: f64, delta: f64) -> (f64, f64) {
    let r = score - target;
    let value = if r.abs() <= delta { 0.5 * r * r } else { delta * (r.abs() - 0.5 * delta) };
    (value, r.clamp(-delta, delta))
}

/// max(−τr, (1−τ)r): a target above the score costs τ, one below 1 − τ; slope 0 at r = 0.
pub(super) fn quantile(score: f64, target: f64, tau: f64) -> (f64, f64) {
    let r = score - target;
    let slope = if r > 0.0 {
        1.0 - tau
    } else if r < 0.0 {
        -tau
    } else {
        0.0 * r
    };
    (slope * r, slope)
}

/// eˢ − ts, eˢ − t.
pub(super) fn poisson(score: f64, target: f64) -> (f64, f64) {
    let mean = score.exp();
    (mean - target * score, mean - target)
}

/// −1, 0 or 1; NaN for NaN.
fn sign(r: f64) -> f64 {
    if r > 0.0 {
        1.0
    } else if r < 0.0 {
        -1.0
    } else {
        0.0 * r
    }
}
