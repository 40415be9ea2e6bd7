//! Exponentials and logarithms, sixteen at a time, and a sigmoid for one.
//!
//! | function | domain | error at most | beyond |
//! |---|---|---|---|
//! | [`exp`] | −87.33 … 88.37 | 4e-7 of the value | 1.2e-38 below, ∞ above |
//! | [`ln`] | normal numbers above 0 | 1.5e-7 of the value, or 1e-7 near 1 | – |
//! | [`ln_1p_of_share`] | 0 … 1 | 2e-7 of the value | – |
//! | [`tanh`] | all | 4e-7 of the value | ±1 |
//! | [`sigmoid_of_one`] | −18 … 18 | 3e-7 of the value | – |
//!
//! NaN gives NaN everywhere. Each is held against its `f64` twin over the whole domain in the tests. The polynomials
//! are minimax fits (Remez 1934) in the `f32` numbers written here.

use super::lanes::Lanes;

/// 1.5·2²³: added to a number of moderate size it rounds it to a whole number, which then stands in the lowest bits.
const ROUNDER: f32 = 12_582_912.0;

/// eˣ.
#[inline(always)]
pub(super) fn exp<V: Lanes>(x: V) -> V {
    exp_of_negative(x.at_most(V::splat(89.0)))
}

/// eˣ = 2ⁿ·eʳ with n = round(x / ln 2) and |r| ≤ ½ ln 2, for x below 89.
#[inline(always)]
pub(super) fn exp_of_negative<V: Lanes>(x: V) -> V {
    let x = x.at_least(V::splat(-87.33));
    let offset = x.mul_add(V::splat(std::f32::consts::LOG2_E), V::splat(ROUNDER));
    let n = offset - V::splat(ROUNDER);
    let r = n.mul_add(V::splat(-std::f32::consts::LN_2), x);
    // 1 + r + r²·(c₂ + c₃r + c₄r² + c₅r³ + c₆r⁴), in an order with a short chain.
    let square = r * r;
    let low = r.mul_add(V::splat(0.166_665_09), V::splat(0.499_999_94));
    let high = r.mul_add(V::splat(0.008_370_135), V::splat(0.041_668_527));
    let high = square.mul_add(V::splat(0.001_381_166_3), high);
    let sum = square.mul_add(low, r + V::splat(1.0));
    let sum = (square * square).mul_add(high, sum);
    sum * offset.two_to_the_offset()
}

/// ln x = e·ln 2 + ln m with x = m·2ᵉ and m near 1.
#[inline(always)]
pub(super) fn ln<V: Lanes>(x: V) -> V {
    let (m, e) = x.split();
    let one = V::splat(1.0);
    let z = (m - one) / (m + one);
    let square = z * z;
    // 2 artanh z = ln m.
    let tail = square.mul_add(V::splat(0.298_721_52), V::splat(0.399_775_27));
    let tail = square.mul_add(tail, V::splat(0.666_667_76));
    let ln_m = (z * square).mul_add(tail, z + z);
    e.mul_add(V::splat(std::f32::consts::LN_2), ln_m)
}

/// ln(1 + x) = 2 artanh(x / (2 + x)), which loses nothing where x is small.
#[inline(always)]
pub(super) fn ln_1p_of_share<V: Lanes>(x: V) -> V {
    let z = x / (x + V::splat(2.0));
    let square = z * z;
    let tail = square.mul_add(V::splat(0.243_009_33), V::splat(0.214_276_58));
    let tail = square.mul_add(tail, V::splat(0.286_168_84));
    let tail = square.mul_add(tail, V::splat(0.399_988_77));
    let tail = square.mul_add(tail, V::splat(0.666_666_75));
    (z * square).mul_add(tail, z + z)
}

/// 1 − 2/(e²ˣ + 1), and near 0, where that cancels, x + x³·p(x²).
#[inline(always)]
pub(super) fn tanh<V: Lanes>(x: V) -> V {
    let (one, two) = (V::splat(1.0), V::splat(2.0));
    let size = x.abs();
    let far = one - two / (exp((size + size).at_most(V::splat(40.0))) + one);
    let far = V::splat(0.0).if_above(x, -far, far);
    let square = x * x;
    let tail = square.mul_add(V::splat(-0.005_717_045), V::splat(0.020_650_588));
    let tail = square.mul_add(tail, V::splat(-0.053_743_497));
    let tail = square.mul_add(tail, V::splat(0.133_314_91));
    let tail = square.mul_add(tail, V::splat(-0.333_332_84));
    let near = (x * square).mul_add(tail, x);
    V::splat(0.625).if_above(size, near, far)
}

/// 1 / (1 + e⁻ˣ) of one number x = sign·score, by a cubic from the nearest sixteenth on: for steps that wait for it. Sixteen
/// at a time take twice as long, for the chain through an exponential and a division is that long.
#[inline(always)]
pub(super) fn sigmoid_of_one(sign: f32, score: f32) -> f32 {
    // In sixteenths, x = n + rest.
    let sixteenths = 16.0 * sign;
    let offset = score.mul_add(sixteenths, ROUNDER);
    let rest = score.mul_add(sixteenths, ROUNDER - offset);
    let [c0, c1, c2, c3] = SIGMOID[offset.to_bits() as usize % SIGMOID.len()];
    (rest * rest).mul_add(rest.mul_add(c3, c2), rest.mul_add(c1, c0))
}

/// [`sigmoid_of_one`] is for numbers below this and above minus this.
pub(super) const NEAR: f32 = 18.0;

/// What the cubics from σ(n/16) on are made of, σ, σ′/16, σ″/(2·16²) and σ‴/(6·16³), in the place that the lowest bits of n
/// name.
static SIGMOID: [[f32; 4]; 1024] = {
    const EXP_OF_MINUS_A_SIXTEENTH: f64 = 0.939_413_062_813_475_8;
    let mut cubics = [[0.0; 4]; 1024];
    let (mut n, mut e) = (0, 1.0_f64);
    while n as f32 <= 16.0 * NEAR {
        // e = exp(−n/16), and σ(−n/16) = e / (1 + e) = 1 − σ(n/16).
        let (low, high) = (e / (1.0 + e), 1.0 / (1.0 + e));
        let slope = low * high;
        let (first, third) = (slope / 16.0, slope * (1.0 - 6.0 * slope) / (6.0 * 4096.0));
        let second = slope * (high - low) / (2.0 * 256.0);
        cubics[n] = [high as f32, first as f32, -second as f32, third as f32];
        cubics[(1024 - n) % 1024] = [low as f32, first as f32, second as f32, third as f32];
        n += 1;
        e *= EXP_OF_MINUS_A_SIXTEENTH;
    }
    cubics
};
