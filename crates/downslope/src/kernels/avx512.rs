//! Sixteen lanes in one register of AVX-512.

use std::arch::x86_64::{
    __m512, _CMP_GT_OQ, _MM_HINT_T0, _MM_HINT_T1, _mm_prefetch, _mm512_abs_ps, _mm512_add_epi32, _mm512_add_ps,
    _mm512_and_si512, _mm512_castpd_ps, _mm512_castps_pd, _mm512_castps_si512, _mm512_castsi512_ps, _mm512_cmp_ps_mask,
    _mm512_cvtepi32_ps, _mm512_cvtss_f32, _mm512_div_ps, _mm512_fmadd_ps, _mm512_loadu_ps, _mm512_mask_blend_ps,
    _mm512_mask_storeu_ps, _mm512_maskz_loadu_ps, _mm512_max_ps, _mm512_min_ps, _mm512_mul_ps, _mm512_permute_ps,
    _mm512_set1_epi32, _mm512_set1_ps, _mm512_shuffle_f32x4, _mm512_shuffle_ps, _mm512_slli_epi32, _mm512_srai_epi32,
    _mm512_storeu_ps, _mm512_sub_epi32, _mm512_sub_ps, _mm512_unpackhi_pd, _mm512_unpackhi_ps, _mm512_unpacklo_pd,
    _mm512_unpacklo_ps, _mm512_xor_si512,
};
use std::ops::{Add, Div, Mul, Neg, Sub};

use super::Kernel;
use super::lanes::{LANES, Lanes, MANTISSA_BITS, ROOT_OF_HALF_BITS, Wanted};

/// Sixteen lanes. Named only in [`run`] and in tests that have looked for AVX-512F themselves.
#[derive(Clone, Copy)]
pub(super) struct Avx512(__m512);

/// Runs a kernel compiled for AVX-512F.
#[target_feature(enable = "avx512f")]
pub(super) fn run<K: Kernel>(kernel: K) -> K::Output {
    kernel.run::<Avx512>()
}

/// One instruction of AVX-512F.
macro_rules! avx512 {
    ($instruction:expr) => {{
        // SAFETY: values of this type are computed with only below `run`, which needs AVX-512F.
        unsafe { $instruction }
    }};
}

macro_rules! operator {
    ($trait:ident, $method:ident, $instruction:ident) => {
        impl $trait for Avx512 {
            type Output = Self;

            #[inline(always)]
            fn $method(self, other: Self) -> Self {
                Self(avx512!($instruction(self.0, other.0)))
            }
        }
    };
}

operator!(Add, add, _mm512_add_ps);
operator!(Sub, sub, _mm512_sub_ps);
operator!(Mul, mul, _mm512_mul_ps);
operator!(Div, div, _mm512_div_ps);

impl Neg for Avx512 {
    type Output = Self;

    #[inline(always)]
    fn neg(self) -> Self {
        let sign = avx512!(_mm512_set1_epi32(i32::MIN));
        let bits = avx512!(_mm512_castps_si512(self.0));
        Self(avx512!(_mm512_castsi512_ps(_mm512_xor_si512(bits, sign))))
    }
}

/// The mask of the first lanes.
#[inline(always)]
fn first_lanes(n: usize) -> u16 {
    ((1_u32 << n.min(LANES)) - 1) as u16
}

impl Lanes for Avx512 {
    const MANY_REGISTERS: bool = true;

    #[inline(always)]
    fn splat(value: f32) -> Self {
        Self(avx512!(_mm512_set1_ps(value)))
    }

    #[inline(always)]
    unsafe fn load_from(place: *const f32) -> Self {
        // SAFETY: below `run`; sixteen numbers can be read there, by contract.
        Self(unsafe { _mm512_loadu_ps(place) })
    }

    #[inline(always)]
    unsafe fn load_first(place: *const f32, n: usize) -> Self {
        // SAFETY: below `run`; the mask names no lane beyond the `n` numbers that can be read, by contract.
        Self(unsafe { _mm512_maskz_loadu_ps(first_lanes(n), place) })
    }

    #[inline(always)]
    fn store(self, out: &mut [f32; LANES]) {
        // SAFETY: below `run`; there are sixteen places.
        unsafe { _mm512_storeu_ps(out.as_mut_ptr(), self.0) }
    }

    #[inline(always)]
    fn store_part(self, out: &mut [f32]) {
        // SAFETY: below `run`; the mask names no lane beyond the slice.
        unsafe { _mm512_mask_storeu_ps(out.as_mut_ptr(), first_lanes(out.len()), self.0) }
    }

    #[inline(always)]
    fn first(self) -> f32 {
        avx512!(_mm512_cvtss_f32(self.0))
    }

    #[inline(always)]
    fn mul_add(self, factor: Self, term: Self) -> Self {
        Self(avx512!(_mm512_fmadd_ps(self.0, factor.0, term.0)))
    }

    #[inline(always)]
    fn at_least(self, bound: Self) -> Self {
        // The instruction gives its second operand where either is NaN.
        Self(avx512!(_mm512_max_ps(bound.0, self.0)))
    }

    #[inline(always)]
    fn at_most(self, bound: Self) -> Self {
        Self(avx512!(_mm512_min_ps(bound.0, self.0)))
    }

    #[inline(always)]
    fn abs(self) -> Self {
        Self(avx512!(_mm512_abs_ps(self.0)))
    }

    #[inline(always)]
    fn if_above(self, limit: Self, then: Self, otherwise: Self) -> Self {
        let above = avx512!(_mm512_cmp_ps_mask::<_CMP_GT_OQ>(self.0, limit.0));
        Self(avx512!(_mm512_mask_blend_ps(above, otherwise.0, then.0)))
    }

    #[inline(always)]
    fn sum(self) -> Self {
        let sum = self.0;
        let sum = avx512!(_mm512_add_ps(sum, _mm512_shuffle_f32x4::<0x4e>(sum, sum)));
        let sum = avx512!(_mm512_add_ps(sum, _mm512_shuffle_f32x4::<0xb1>(sum, sum)));
        let sum = avx512!(_mm512_add_ps(sum, _mm512_permute_ps::<0x4e>(sum)));
        Self(avx512!(_mm512_add_ps(sum, _mm512_permute_ps::<0xb1>(sum))))
    }

    #[inline(always)]
    fn largest(self) -> Self {
        let most = self.0;
        let most = avx512!(_mm512_max_ps(most, _mm512_shuffle_f32x4::<0x4e>(most, most)));
        let most = avx512!(_mm512_max_ps(most, _mm512_shuffle_f32x4::<0xb1>(most, most)));
        let most = avx512!(_mm512_max_ps(most, _mm512_permute_ps::<0x4e>(most)));
        Self(avx512!(_mm512_max_ps(most, _mm512_permute_ps::<0xb1>(most))))
    }

    /// Halves of pairs of rows are added, then quarters, so that each step leaves half as many registers. The pairs
    /// are chosen so that the sums end in the order of the rows.
    #[inline(always)]
    fn sums(rows: [Self; LANES]) -> Self {
        #[inline(always)]
        fn halves(a: Avx512, b: Avx512) -> __m512 {
            avx512!(_mm512_add_ps(_mm512_shuffle_f32x4::<0x44>(a.0, b.0), _mm512_shuffle_f32x4::<0xee>(a.0, b.0)))
        }
        #[inline(always)]
        fn quarters(a: __m512, b: __m512) -> __m512 {
            avx512!(_mm512_add_ps(_mm512_shuffle_f32x4::<0x88>(a, b), _mm512_shuffle_f32x4::<0xdd>(a, b)))
        }
        #[inline(always)]
        fn eighths(a: __m512, b: __m512) -> __m512 {
            let (a, b) = (avx512!(_mm512_castps_pd(a)), avx512!(_mm512_castps_pd(b)));
            let low = avx512!(_mm512_castpd_ps(_mm512_unpacklo_pd(a, b)));
            let high = avx512!(_mm512_castpd_ps(_mm512_unpackhi_pd(a, b)));
            avx512!(_mm512_add_ps(low, high))
        }
        #[inline(always)]
        fn every_fourth(rows: &[Avx512; LANES], first: usize) -> __m512 {
            quarters(halves(rows[first], rows[first + 4]), halves(rows[first + 8], rows[first + 12]))
        }
        let even = eighths(every_fourth(&rows, 0), every_fourth(&rows, 1));
        let odd = eighths(every_fourth(&rows, 2), every_fourth(&rows, 3));
        Self(avx512!(_mm512_add_ps(_mm512_shuffle_ps::<0x88>(even, odd), _mm512_shuffle_ps::<0xdd>(even, odd))))
    }

    /// Pairs of neighbours are exchanged, then pairs of those, then quarters and halves.
    #[inline(always)]
    fn transpose(square: [Self; LANES]) -> [Self; LANES] {
        /// Quarters 0 and 2 of both.
        #[inline(always)]
        fn even(a: Avx512, b: Avx512) -> Avx512 {
            Avx512(avx512!(_mm512_shuffle_f32x4::<0x88>(a.0, b.0)))
        }
        /// Quarters 1 and 3 of both.
        #[inline(always)]
        fn odd(a: Avx512, b: Avx512) -> Avx512 {
            Avx512(avx512!(_mm512_shuffle_f32x4::<0xdd>(a.0, b.0)))
        }
        let mut pairs = square;
        for i in 0..LANES / 2 {
            let (a, b) = (square[2 * i].0, square[2 * i + 1].0);
            pairs[2 * i] = Self(avx512!(_mm512_unpacklo_ps(a, b)));
            pairs[2 * i + 1] = Self(avx512!(_mm512_unpackhi_ps(a, b)));
        }
        // Quarter q of the c-th of four holds column 4q + c of four rows.
        let mut fours = pairs;
        for i in 0..LANES / 4 {
            for half in 0..2 {
                let (a, b) = (pairs[4 * i + half].0, pairs[4 * i + half + 2].0);
                let (a, b) = (avx512!(_mm512_castps_pd(a)), avx512!(_mm512_castps_pd(b)));
                fours[4 * i + 2 * half] = Self(avx512!(_mm512_castpd_ps(_mm512_unpacklo_pd(a, b))));
                fours[4 * i + 2 * half + 1] = Self(avx512!(_mm512_castpd_ps(_mm512_unpackhi_pd(a, b))));
            }
        }
        let mut columns = fours;
        for c in 0..4 {
            let (above, below) = ((fours[c], fours[c + 4]), (fours[c + 8], fours[c + 12]));
            let (evens, odds) =
                ((even(above.0, above.1), even(below.0, below.1)), (odd(above.0, above.1), odd(below.0, below.1)));
            columns[c] = even(evens.0, evens.1);
            columns[c + 4] = even(odds.0, odds.1);
            columns[c + 8] = odd(evens.0, evens.1);
            columns[c + 12] = odd(odds.0, odds.1);
        }
        columns
    }

    #[inline(always)]
    fn two_to_the_offset(self) -> Self {
        let shifted = avx512!(_mm512_slli_epi32::<23>(_mm512_castps_si512(self.0)));
        let one = avx512!(_mm512_castps_si512(_mm512_set1_ps(1.0)));
        Self(avx512!(_mm512_castsi512_ps(_mm512_add_epi32(shifted, one))))
    }

    #[inline(always)]
    fn split(self) -> (Self, Self) {
        let root = avx512!(_mm512_set1_epi32(ROOT_OF_HALF_BITS.cast_signed()));
        let above_root = avx512!(_mm512_sub_epi32(_mm512_castps_si512(self.0), root));
        let mantissa = avx512!(_mm512_and_si512(above_root, _mm512_set1_epi32(MANTISSA_BITS.cast_signed())));
        let mantissa = avx512!(_mm512_castsi512_ps(_mm512_add_epi32(mantissa, root)));
        let exponent = avx512!(_mm512_cvtepi32_ps(_mm512_srai_epi32::<23>(above_root)));
        (Self(mantissa), Self(exponent))
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
