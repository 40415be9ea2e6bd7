//! Sixteen lanes in two registers of AVX2, with fused multiply-add.

use std::arch::x86_64::{
    __m256, __m256i, _CMP_GT_OQ, _MM_HINT_T0, _MM_HINT_T1, _mm_prefetch, _mm256_add_epi32, _mm256_add_ps,
    _mm256_and_ps, _mm256_and_si256, _mm256_blendv_ps, _mm256_castpd_ps, _mm256_castps_pd, _mm256_castps_si256,
    _mm256_castsi256_ps, _mm256_cmp_ps, _mm256_cvtepi32_ps, _mm256_cvtss_f32, _mm256_div_ps, _mm256_fmadd_ps,
    _mm256_loadu_ps, _mm256_loadu_si256, _mm256_maskload_ps, _mm256_maskstore_ps, _mm256_max_ps, _mm256_min_ps,
    _mm256_mul_ps, _mm256_permute_ps, _mm256_permute2f128_ps, _mm256_set1_epi32, _mm256_set1_ps, _mm256_shuffle_ps,
    _mm256_slli_epi32, _mm256_srai_epi32, _mm256_storeu_ps, _mm256_sub_epi32, _mm256_sub_ps, _mm256_unpackhi_pd,
    _mm256_unpackhi_ps, _mm256_unpacklo_pd, _mm256_unpacklo_ps, _mm256_xor_ps,
};
use std::ops::{Add, Div, Mul, Neg, Sub};

use super::Kernel;
use super::lanes::{LANES, Lanes, MANTISSA_BITS, ROOT_OF_HALF_BITS, Wanted};

/// Lanes 0 to 7 and 8 to 15. Named only in [`run`] and in tests that have looked for AVX2 and FMA themselves.
#[derive(Clone, Copy)]
pub(super) struct Avx2(__m256, __m256);

/// Runs a kernel compiled for AVX2 and FMA.
#[target_feature(enable = "avx2,fma")]
pub(super) fn run<K: Kernel>(kernel: K) -> K::Output {
    kernel.run::<Avx2>()
}

/// One instruction of AVX2 or FMA.
macro_rules! avx2 {
    ($instruction:expr) => {{
        // SAFETY: values of this type are computed with only below `run`, which needs AVX2 and FMA.
        unsafe { $instruction }
    }};
}

macro_rules! operator {
    ($trait:ident, $method:ident, $instruction:ident) => {
        impl $trait for Avx2 {
            type Output = Self;

            #[inline(always)]
            fn $method(self, other: Self) -> Self {
                Self(avx2!($instruction(self.0, other.0)), avx2!($instruction(self.1, other.1)))
            }
        }
    };
}

operator!(Add, add, _mm256_add_ps);
operator!(Sub, sub, _mm256_sub_ps);
operator!(Mul, mul, _mm256_mul_ps);
operator!(Div, div, _mm256_div_ps);

impl Neg for Avx2 {
    type Output = Self;

    #[inline(always)]
    fn neg(self) -> Self {
        let sign = avx2!(_mm256_set1_ps(-0.0));
        Self(avx2!(_mm256_xor_ps(self.0, sign)), avx2!(_mm256_xor_ps(self.1, sign)))
    }
}

/// The masks of the first lanes of both halves.
#[inline(always)]
fn first_lanes(n: usize) -> (__m256i, __m256i) {
    const ONES_THEN_ZEROS: [i32; 16] = [-1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0];
    #[inline(always)]
    fn mask(ones: usize) -> __m256i {
        let from = &ONES_THEN_ZEROS[8 - ones.min(8)..];
        // SAFETY: below `run`; at least eight numbers stand from there on.
        unsafe { _mm256_loadu_si256(from.as_ptr().cast()) }
    }
    (mask(n), mask(n.saturating_sub(8)))
}

impl Lanes for Avx2 {
    const MANY_REGISTERS: bool = false;

    #[inline(always)]
    fn splat(value: f32) -> Self {
        let half = avx2!(_mm256_set1_ps(value));
        Self(half, half)
    }

    #[inline(always)]
    unsafe fn load_from(place: *const f32) -> Self {
        // SAFETY: below `run`; sixteen numbers can be read there, by contract.
        let low = unsafe { _mm256_loadu_ps(place) };
        // SAFETY: the same; the last eight of them.
        let high = unsafe { _mm256_loadu_ps(place.wrapping_add(8)) };
        Self(low, high)
    }

    #[inline(always)]
    unsafe fn load_first(place: *const f32, n: usize) -> Self {
        let (low, high) = first_lanes(n);
        // SAFETY: below `run`; the mask names no lane beyond the `n` numbers that can be read, by contract.
        let low = unsafe { _mm256_maskload_ps(place, low) };
        // SAFETY: the same.
        let high = unsafe { _mm256_maskload_ps(place.wrapping_add(8), high) };
        Self(low, high)
    }

    #[inline(always)]
    fn store(self, out: &mut [f32; LANES]) {
        // SAFETY: below `run`; there are eight places.
        unsafe { _mm256_storeu_ps(out[..8].as_mut_ptr(), self.0) }
        // SAFETY: below `run`; there are eight places.
        unsafe { _mm256_storeu_ps(out[8..].as_mut_ptr(), self.1) }
    }

    #[inline(always)]
    fn store_part(self, out: &mut [f32]) {
        let (low, high) = first_lanes(out.len());
        // SAFETY: below `run`; the mask names no lane beyond the slice.
        unsafe { _mm256_maskstore_ps(out.as_mut_ptr(), low, self.0) }
        // SAFETY: below `run`; the mask names no lane beyond the slice.
        unsafe { _mm256_maskstore_ps(out.as_mut_ptr().wrapping_add(8), high, self.1) }
    }

    #[inline(always)]
    fn first(self) -> f32 {
        avx2!(_mm256_cvtss_f32(self.0))
    }

    #[inline(always)]
    fn mul_add(self, factor: Self, term: Self) -> Self {
        Self(avx2!(_mm256_fmadd_ps(self.0, factor.0, term.0)), avx2!(_mm256_fmadd_ps(self.1, factor.1, term.1)))
    }

    #[inline(always)]
    fn at_least(self, bound: Self) -> Self {
        // The instruction gives its second operand where either is NaN.
        Self(avx2!(_mm256_max_ps(bound.0, self.0)), avx2!(_mm256_max_ps(bound.1, self.1)))
    }

    #[inline(always)]
    fn at_most(self, bound: Self) -> Self {
        Self(avx2!(_mm256_min_ps(bound.0, self.0)), avx2!(_mm256_min_ps(bound.1, self.1)))
    }

    #[inline(always)]
    fn abs(self) -> Self {
        let all_but_sign = avx2!(_mm256_castsi256_ps(_mm256_set1_epi32(i32::MAX)));
        Self(avx2!(_mm256_and_ps(self.0, all_but_sign)), avx2!(_mm256_and_ps(self.1, all_but_sign)))
    }

    #[inline(always)]
    fn if_above(self, limit: Self, then: Self, otherwise: Self) -> Self {
        #[inline(always)]
        fn half(value: __m256, limit: __m256, then: __m256, otherwise: __m256) -> __m256 {
            avx2!(_mm256_blendv_ps(otherwise, then, _mm256_cmp_ps::<_CMP_GT_OQ>(value, limit)))
        }
        Self(half(self.0, limit.0, then.0, otherwise.0), half(self.1, limit.1, then.1, otherwise.1))
    }

    #[inline(always)]
    fn sum(self) -> Self {
        let sum = avx2!(_mm256_add_ps(self.0, self.1));
        let sum = avx2!(_mm256_add_ps(sum, _mm256_permute2f128_ps::<0x01>(sum, sum)));
        let sum = avx2!(_mm256_add_ps(sum, _mm256_permute_ps::<0x4e>(sum)));
        let sum = avx2!(_mm256_add_ps(sum, _mm256_permute_ps::<0xb1>(sum)));
        Self(sum, sum)
    }

    #[inline(always)]
    fn largest(self) -> Self {
        let most = avx2!(_mm256_max_ps(self.0, self.1));
        let most = avx2!(_mm256_max_ps(most, _mm256_permute2f128_ps::<0x01>(most, most)));
        let most = avx2!(_mm256_max_ps(most, _mm256_permute_ps::<0x4e>(most)));
        let most = avx2!(_mm256_max_ps(most, _mm256_permute_ps::<0xb1>(most)));
        Self(most, most)
    }

    /// Halves of pairs of rows are added, then quarters, so that each step leaves half as many registers. The pairs
    /// are chosen so that the sums end in the order of the rows.
    #[inline(always)]
    fn sums(rows: [Self; LANES]) -> Self {
        #[inline(always)]
        fn folded(row: Avx2) -> __m256 {
            avx2!(_mm256_add_ps(row.0, row.1))
        }
        #[inline(always)]
        fn halves(a: Avx2, b: Avx2) -> __m256 {
            let (a, b) = (folded(a), folded(b));
            avx2!(_mm256_add_ps(_mm256_permute2f128_ps::<0x20>(a, b), _mm256_permute2f128_ps::<0x31>(a, b)))
        }
        #[inline(always)]
        fn quarters(a: __m256, b: __m256) -> __m256 {
            let (a, b) = (avx2!(_mm256_castps_pd(a)), avx2!(_mm256_castps_pd(b)));
            let low = avx2!(_mm256_castpd_ps(_mm256_unpacklo_pd(a, b)));
            let high = avx2!(_mm256_castpd_ps(_mm256_unpackhi_pd(a, b)));
            avx2!(_mm256_add_ps(low, high))
        }
        #[inline(always)]
        fn eight(rows: &[Avx2; LANES], first: usize) -> __m256 {
            let even = quarters(halves(rows[first], rows[first + 4]), halves(rows[first + 1], rows[first + 5]));
            let odd = quarters(halves(rows[first + 2], rows[first + 6]), halves(rows[first + 3], rows[first + 7]));
            avx2!(_mm256_add_ps(_mm256_shuffle_ps::<0x88>(even, odd), _mm256_shuffle_ps::<0xdd>(even, odd)))
        }
        Self(eight(&rows, 0), eight(&rows, 8))
    }

    /// Four squares of eight by eight.
    #[inline(always)]
    fn transpose(square: [Self; LANES]) -> [Self; LANES] {
        #[inline(always)]
        fn eight(rows: [__m256; 8]) -> [__m256; 8] {
            let mut pairs = rows;
            for i in 0..4 {
                pairs[2 * i] = avx2!(_mm256_unpacklo_ps(rows[2 * i], rows[2 * i + 1]));
                pairs[2 * i + 1] = avx2!(_mm256_unpackhi_ps(rows[2 * i], rows[2 * i + 1]));
            }
            let mut fours = pairs;
            for i in 0..2 {
                for half in 0..2 {
                    let (a, b) = (pairs[4 * i + half], pairs[4 * i + half + 2]);
                    let (a, b) = (avx2!(_mm256_castps_pd(a)), avx2!(_mm256_castps_pd(b)));
                    fours[4 * i + 2 * half] = avx2!(_mm256_castpd_ps(_mm256_unpacklo_pd(a, b)));
                    fours[4 * i + 2 * half + 1] = avx2!(_mm256_castpd_ps(_mm256_unpackhi_pd(a, b)));
                }
            }
            let mut columns = fours;
            for c in 0..4 {
                columns[c] = avx2!(_mm256_permute2f128_ps::<0x20>(fours[c], fours[c + 4]));
                columns[c + 4] = avx2!(_mm256_permute2f128_ps::<0x31>(fours[c], fours[c + 4]));
            }
            columns
        }
        let mut columns = square;
        for bottom in [false, true] {
            let (mut left, mut right) = ([square[0].0; 8], [square[0].0; 8]);
            for row in 0..8 {
                let Avx2(first, last) = square[if bottom { 8 + row } else { row }];
                (left[row], right[row]) = (first, last);
            }
            let (left, right) = (eight(left), eight(right));
            for column in 0..8 {
                if bottom {
                    (columns[column].1, columns[column + 8].1) = (left[column], right[column]);
                } else {
                    (columns[column].0, columns[column + 8].0) = (left[column], right[column]);
                }
            }
        }
        columns
    }

    #[inline(always)]
    fn two_to_the_offset(self) -> Self {
        #[inline(always)]
        fn half(value: __m256) -> __m256 {
            let one = avx2!(_mm256_castps_si256(_mm256_set1_ps(1.0)));
            let shifted = avx2!(_mm256_slli_epi32::<23>(_mm256_castps_si256(value)));
            avx2!(_mm256_castsi256_ps(_mm256_add_epi32(shifted, one)))
        }
        Self(half(self.0), half(self.1))
    }

    #[inline(always)]
    fn split(self) -> (Self, Self) {
        #[inline(always)]
        fn half(value: __m256) -> (__m256, __m256) {
            let root = avx2!(_mm256_set1_epi32(ROOT_OF_HALF_BITS.cast_signed()));
            let above_root = avx2!(_mm256_sub_epi32(_mm256_castps_si256(value), root));
            let mantissa = avx2!(_mm256_and_si256(above_root, _mm256_set1_epi32(MANTISSA_BITS.cast_signed())));
            let mantissa = avx2!(_mm256_castsi256_ps(_mm256_add_epi32(mantissa, root)));
            (mantissa, avx2!(_mm256_cvtepi32_ps(_mm256_srai_epi32::<23>(above_root))))
        }
        let ((low, low_exponent), (high, high_exponent)) = (half(self.0), half(self.1));
        (Self(low, high), Self(low_exponent, high_exponent))
    }

    #[inline(always)]
    fn prefetch_from<T>(place: *const T, wanted: Wanted) {
        let place = place.cast();
        match wanted {
            // SAFETY: every x86-64 machine has the instruction, and it may be given any address.
            Wanted::Next => unsafe { _mm_prefetch::<_MM_HINT_T0>(place) },
            // SAFETY: the same.
            Wanted::Soon => unsafe { _mm_prefetch::<_MM_HINT_T1>(place) },
        }
    }
}
