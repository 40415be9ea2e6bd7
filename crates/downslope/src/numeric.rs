//! Which scalar functions need care, and where?
//!
//! Each states its domain and what it does at the edges. All work in `f64`; the kernels have twins that work on sixteen
//! `f32` at a time. What is written once for both is written over `Number`.

use std::ops::{Add, Div, Mul, Neg, Sub};

/// What formulas are written over: one `f64`, or many `f32` side by side.
pub(crate) trait Number:
    Copy + Add<Output = Self> + Sub<Output = Self> + Mul<Output = Self> + Div<Output = Self> + Neg<Output = Self>
{
    /// A constant.
    fn of(value: f64) -> Self;
    /// The larger of both; self where either is NaN.
    fn at_least(self, bound: Self) -> Self;
    /// The smaller of both; self where either is NaN.
    fn at_most(self, bound: Self) -> Self;
    /// |self|.
    fn abs(self) -> Self;
    /// `then` where self > `limit`, else (and where either is NaN) `otherwise`.
    fn if_above(self, limit: Self, then: Self, otherwise: Self) -> Self;
    /// eˣ.
    fn exp(self) -> Self;
    /// eˣ for x ≤ 0.
    fn exp_of_negative(self) -> Self;
    /// ln(1 + x) for x from 0 to 1.
    fn ln_1p_of_share(self) -> Self;
}

impl Number for f64 {
    fn of(value: f64) -> Self {
        value
    }

    fn at_least(self, bound: Self) -> Self {
        if bound > self { bound } else { self }
    }

    fn at_most(self, bound: Self) -> Self {
        if bound < self { bound } else { self }
    }

    fn abs(self) -> Self {
        self.abs()
    }

    fn if_above(self, limit: Self, then: Self, otherwise: Self) -> Self {
        if self > limit { then } else { otherwise }
    }

    fn exp(self) -> Self {
        self.exp()
    }

    fn exp_of_negative(self) -> Self {
        self.exp()
    }

    fn ln_1p_of_share(self) -> Self {
        self.ln_1p()
    }
}

/// ln(1 + eˣ), without overflow for any x: for large x it is x itself, for very negative x it is eˣ.
pub fn softplus(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}

/// 1 / (1 + e⁻ˣ): 0 at −∞, 1 at +∞, never NaN for a number.
pub fn sigmoid(x: f64) -> f64 {
    if x >= 0.0 {
        1.0 / (1.0 + (-x).exp())
    } else {
        let e = x.exp();
        e / (1.0 + e)
    }
}

/// ln Σ eˣⁱ, shifted by the largest x so that no term overflows. NaN if any x is NaN.
pub fn log_sum_exp(x: &[f32]) -> f64 {
    let shift = x.iter().fold(f64::NEG_INFINITY, |largest, &x| largest.max(f64::from(x)));
    if shift.is_infinite() {
        return if x.iter().any(|x| x.is_nan()) { f64::NAN } else { shift };
    }
    shift + x.iter().map(|&x| (f64::from(x) - shift).exp()).sum::<f64>().ln()
}

/// The middle value; of an even number of values the mean of the two in the middle. NaN for none.
pub fn median(values: &mut [f64]) -> f64 {
    quantile(values, 0.5)
}

/// The value below which a share `q` of the values lies, with linear interpolation (NumPy's default). NaN for none.
/// Puts the values in order.
pub fn quantile(values: &mut [f64], q: f64) -> f64 {
    if values.is_empty() {
        return f64::NAN;
    }
    values.sort_unstable_by(f64::total_cmp);
    let position = q * (values.len() - 1) as f64;
    let (low, high) = (values[position.floor() as usize], values[position.ceil() as usize]);
    low + (high - low) * position.fract()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn softplus_and_sigmoid_hold_at_the_extremes() {
        assert_eq!(softplus(1000.0).to_bits(), 1000_f64.to_bits());
        assert_eq!(softplus(-1000.0).to_bits(), 0_f64.to_bits());
        assert!((softplus(0.0) - 2_f64.ln()).abs() < 1e-15);
        assert!((sigmoid(-40.0) / (-40_f64).exp() - 1.0).abs() < 1e-12);
        assert_eq!(sigmoid(f64::NEG_INFINITY).to_bits(), 0_f64.to_bits());
        assert_eq!(sigmoid(f64::INFINITY).to_bits(), 1_f64.to_bits());
    }

    #[test]
    fn log_sum_exp_neither_overflows_nor_hides_nan() {
        assert!((log_sum_exp(&[1000.0, 1000.0]) - 1000.0 - 2_f64.ln()).abs() < 1e-12);
        assert!((log_sum_exp(&[-1000.0, 0.0])).abs() < 1e-12);
        assert!(log_sum_exp(&[f32::NAN, 0.0]).is_nan());
        assert!(log_sum_exp(&[f32::INFINITY, 0.0]).is_infinite());
    }

    #[test]
    fn quantiles_interpolate_as_numpy_does() {
        assert!((median(&mut [3.0, 1.0, 2.0, 10.0]) - 2.5).abs() < 1e-15);
        assert!((quantile(&mut [0.0, 1.0, 2.0, 3.0], 0.9) - 2.7).abs() < 1e-12);
        assert!(median(&mut []).is_nan());
    }
}
