//! Sixteen numbers at a time: what every instruction set can do, and the portable twin.
//!
//! A kernel is written once over [`Lanes`] and compiled for each instruction set. Products are added **fused**
//! (one rounding), sums over lanes have one fixed order, and every operation is exact or correctly rounded, so every
//! implementation gives the same bits.

use std::ops::{Add, Div, Mul, Neg, Sub};

/// How many numbers stand side by side.
pub(crate) const LANES: usize = 16;

/// Sixteen `f32`. All operations go lane by lane unless they say otherwise.
pub(crate) trait Lanes:
    Copy + Add<Output = Self> + Sub<Output = Self> + Mul<Output = Self> + Div<Output = Self> + Neg<Output = Self>
{
    /// Whether sixteen of these, and some more, stay in registers.
    const MANY_REGISTERS: bool;

    /// The same number in every lane.
    fn splat(value: f32) -> Self;

    /// Sixteen numbers from a place in memory.
    ///
    /// # Safety
    /// Sixteen numbers can be read there.
    unsafe fn load_from(place: *const f32) -> Self;

    /// The first `n` numbers from a place in memory, at most sixteen, zeros behind them.
    ///
    /// # Safety
    /// `n` numbers can be read there.
    unsafe fn load_first(place: *const f32, n: usize) -> Self;

    /// Sixteen numbers.
    #[inline(always)]
    fn load(values: &[f32; LANES]) -> Self {
        // SAFETY: sixteen numbers stand there.
        unsafe { Self::load_from(values.as_ptr()) }
    }

    /// Up to sixteen numbers, zeros behind them.
    #[inline(always)]
    fn load_part(values: &[f32]) -> Self {
        // SAFETY: no more than the slice holds is read.
        unsafe { Self::load_first(values.as_ptr(), values.len()) }
    }

    /// Writes all lanes.
    fn store(self, out: &mut [f32; LANES]);

    /// Writes the first lanes, as many as there are places.
    fn store_part(self, out: &mut [f32]);

    /// The number in the first lane.
    fn first(self) -> f32;

    /// self·factor + term, rounded once.
    fn mul_add(self, factor: Self, term: Self) -> Self;

    /// The larger of both; self where either is NaN.
    fn at_least(self, bound: Self) -> Self;

    /// The smaller of both; self where either is NaN.
    fn at_most(self, bound: Self) -> Self;

    /// |self|.
    fn abs(self) -> Self;

    /// `then` where self > `limit`, else (and where either is NaN) `otherwise`.
    fn if_above(self, limit: Self, then: Self, otherwise: Self) -> Self;

    /// The sum over all lanes, in every lane: lanes 8 apart are added first, then 4, 2 and 1.
    fn sum(self) -> Self;

    /// The largest of all lanes, in every lane; where some are NaN, whatever it may be.
    fn largest(self) -> Self;

    /// Lane i becomes the sum over the lanes of `rows[i]`, in the order of [`Lanes::sum`].
    fn sums(rows: [Self; LANES]) -> Self;

    /// Lane i of the j-th becomes lane j of the i-th.
    fn transpose(square: [Self; LANES]) -> [Self; LANES];

    /// 2ⁿ where self is 1.5·2²³ + n, n a whole number from −126 to 127; ∞ for n = 128.
    fn two_to_the_offset(self) -> Self;

    /// m and e with self = m·2ᵉ and m in [√½, √2), for positive numbers that are not subnormal.
    fn split(self) -> (Self, Self);

    /// Tells the machine that numbers are soon wanted, or very soon; it may do nothing.
    #[inline(always)]
    fn prefetch<T>(values: &[T], at: usize, wanted: Wanted) {
        Self::prefetch_from(values.as_ptr().wrapping_add(at), wanted);
    }

    /// The same for a place, whatever stands there.
    fn prefetch_from<T>(place: *const T, wanted: Wanted);
}

/// How soon.
#[derive(Clone, Copy)]
pub(crate) enum Wanted {
    /// Within the next steps: into the first cache, which is small and has few places for what is on its way.
    Next,
    /// A little later: into the second cache.
    Soon,
}

/// The twin in plain Rust, which any compiler turns into whatever vectors the target has: on aarch64 that is NEON, which
/// is always there.
#[derive(Clone, Copy)]
pub(crate) struct Portable([f32; LANES]);

impl Portable {
    #[inline(always)]
    fn map(self, f: impl Fn(f32) -> f32) -> Self {
        Self(self.0.map(f))
    }

    #[inline(always)]
    fn zip(self, other: Self, f: impl Fn(f32, f32) -> f32) -> Self {
        Self(std::array::from_fn(|lane| f(self.0[lane], other.0[lane])))
    }
}

macro_rules! operator {
    ($trait:ident, $method:ident) => {
        impl $trait for Portable {
            type Output = Self;

            #[inline(always)]
            fn $method(self, other: Self) -> Self {
                self.zip(other, f32::$method)
            }
        }
    };
}

operator!(Add, add);
operator!(Sub, sub);
operator!(Mul, mul);
operator!(Div, div);

impl Neg for Portable {
    type Output = Self;

    #[inline(always)]
    fn neg(self) -> Self {
        self.map(f32::neg)
    }
}

impl Lanes for Portable {
    const MANY_REGISTERS: bool = false;

    #[inline(always)]
    fn splat(value: f32) -> Self {
        Self([value; LANES])
    }

    #[inline(always)]
    unsafe fn load_from(place: *const f32) -> Self {
        // SAFETY: sixteen numbers can be read there, by contract; an array of them may stand anywhere.
        Self(unsafe { place.cast::<[f32; LANES]>().read_unaligned() })
    }

    #[inline(always)]
    unsafe fn load_first(place: *const f32, n: usize) -> Self {
        // SAFETY: `n` numbers can be read there, by contract.
        let values = unsafe { std::slice::from_raw_parts(place, n) };
        let mut lanes = [0.0; LANES];
        lanes.iter_mut().zip(values).for_each(|(lane, &value)| *lane = value);
        Self(lanes)
    }

    #[inline(always)]
    fn store(self, out: &mut [f32; LANES]) {
        *out = self.0;
    }

    #[inline(always)]
    fn store_part(self, out: &mut [f32]) {
        out.iter_mut().zip(self.0).for_each(|(out, lane)| *out = lane);
    }

    #[inline(always)]
    fn first(self) -> f32 {
        self.0[0]
    }

    #[inline(always)]
    fn mul_add(self, factor: Self, term: Self) -> Self {
        Self(std::array::from_fn(|lane| self.0[lane].mul_add(factor.0[lane], term.0[lane])))
    }

    #[inline(always)]
    fn at_least(self, bound: Self) -> Self {
        self.zip(bound, |a, b| if b > a { b } else { a })
    }

    #[inline(always)]
    fn at_most(self, bound: Self) -> Self {
        self.zip(bound, |a, b| if b < a { b } else { a })
    }

    #[inline(always)]
    fn abs(self) -> Self {
        self.map(f32::abs)
    }

    #[inline(always)]
    fn if_above(self, limit: Self, then: Self, otherwise: Self) -> Self {
        let choose = |lane: usize| if self.0[lane] > limit.0[lane] { then.0[lane] } else { otherwise.0[lane] };
        Self(std::array::from_fn(choose))
    }

    #[inline(always)]
    fn sum(self) -> Self {
        let mut lanes = self.0;
        for apart in [8, 4, 2, 1] {
            for lane in 0..apart {
                lanes[lane] += lanes[lane + apart];
            }
        }
        Self::splat(lanes[0])
    }

    #[inline(always)]
    fn largest(self) -> Self {
        Self::splat(self.0.into_iter().fold(f32::NEG_INFINITY, f32::max))
    }

    #[inline(always)]
    fn sums(rows: [Self; LANES]) -> Self {
        Self(rows.map(|row| row.sum().0[0]))
    }

    #[inline(always)]
    fn transpose(square: [Self; LANES]) -> [Self; LANES] {
        std::array::from_fn(|column| Self(std::array::from_fn(|row| square[row].0[column])))
    }

    #[inline(always)]
    fn two_to_the_offset(self) -> Self {
        self.map(|value| f32::from_bits((value.to_bits() << 23).wrapping_add(1.0_f32.to_bits())))
    }

    #[inline(always)]
    fn split(self) -> (Self, Self) {
        let above_root = |value: f32| value.to_bits().wrapping_sub(ROOT_OF_HALF_BITS);
        let mantissa = |value: f32| f32::from_bits((above_root(value) & MANTISSA_BITS) + ROOT_OF_HALF_BITS);
        let exponent = |value: f32| (above_root(value).cast_signed() >> 23) as f32;
        (self.map(mantissa), self.map(exponent))
    }

    #[inline(always)]
    fn prefetch_from<T>(_: *const T, _: Wanted) {}
}

/// √½ as it stands in memory: exponents are counted from here in [`Lanes::split`].
pub(super) const ROOT_OF_HALF_BITS: u32 = 0x3f35_04f3;
/// The bits of a number below its exponent.
pub(super) const MANTISSA_BITS: u32 = 0x007f_ffff;
