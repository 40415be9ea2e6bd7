//! What could this machine do at most?
//!
//! Two roofs that no loop over rows gets through: how fast memory is read from end to end, and how many multiply-adds the
//! registers take when nothing is loaded at all. Both for any number of threads, with the widest vectors there are, chosen
//! at run time. A full batch is held against them: it reads every feature once and does four operations on it for each
//! score (a product and a sum forward, and back).
//!
//! Not shown: the latency of rows read in random order, the roofs of the caches, and what the clock does under load.

#![allow(clippy::inline_always, reason = "instructions are chosen by the caller, which a call would leave")]

use std::hint::black_box;
use std::time::Instant;

use pulp::{Arch, Simd, WithSimd};

/// Accumulators in flight: four cycles of latency times two units, and some to spare; sixteen registers hold them.
const LANES: usize = 12;

/// Lets every thread multiply and add in registers for a while; the operations done, a multiply-add counted as two.
pub fn multiply_add(threads: usize) -> f64 {
    const TURNS: usize = 1 << 22;
    let turn = || {
        black_box(Arch::new().dispatch(MultiplyAdd { turns: black_box(TURNS) }));
    };
    std::thread::scope(|scope| {
        for _ in 1..threads {
            scope.spawn(turn);
        }
        turn();
    });
    2.0 * (TURNS * LANES * Arch::new().dispatch(Width) * threads) as f64
}

/// Reads an array from end to end, each thread its own part; the bytes read. What no cache holds comes from memory.
pub fn read(values: &[f32], threads: usize) -> f64 {
    let read = |part: &[f32]| {
        black_box(Arch::new().dispatch(Sum { values: black_box(part) }));
    };
    std::thread::scope(|scope| {
        let mut parts = values.chunks(values.len().div_ceil(threads).max(1));
        let own = parts.next();
        for part in parts {
            scope.spawn(move || read(part));
        }
        if let Some(own) = own {
            read(own);
        }
    });
    size_of_val(values) as f64
}

/// The most work a second that one of some repetitions did.
pub fn most_per_second(repetitions: usize, mut work: impl FnMut() -> f64) -> f64 {
    let rate = |_| {
        let start = Instant::now();
        work() / start.elapsed().as_secs_f64()
    };
    (0..repetitions).map(rate).fold(0.0, f64::max)
}

/// How many `f32` a vector holds.
struct Width;

impl WithSimd for Width {
    type Output = usize;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> usize {
        S::F32_LANES
    }
}

/// a ← a·x + y in registers.
struct MultiplyAdd {
    turns: usize,
}

impl WithSimd for MultiplyAdd {
    type Output = f32;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> f32 {
        let (x, y) = (simd.splat_f32s(black_box(0.999_9)), simd.splat_f32s(black_box(1e-4)));
        let mut sums = [simd.splat_f32s(1.0); LANES];
        for _ in 0..self.turns {
            for sum in &mut sums {
                *sum = simd.mul_add_f32s(*sum, x, y);
            }
        }
        simd.reduce_sum_f32s(sums.into_iter().fold(y, |total, sum| simd.add_f32s(total, sum)))
    }
}

/// Σ of an array.
struct Sum<'a> {
    values: &'a [f32],
}

impl WithSimd for Sum<'_> {
    type Output = f32;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> f32 {
        let (vectors, rest) = S::as_simd_f32s(self.values);
        let mut sums = [simd.splat_f32s(0.0); 8];
        let (eights, left) = vectors.as_chunks::<8>();
        for eight in eights {
            for (sum, &vector) in sums.iter_mut().zip(eight) {
                *sum = simd.add_f32s(*sum, vector);
            }
        }
        let total = sums.into_iter().chain(left.iter().copied()).reduce(|total, sum| simd.add_f32s(total, sum));
        total.map_or(0.0, |total| simd.reduce_sum_f32s(total)) + rest.iter().sum::<f32>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_array_is_read_whole() {
        let values: Vec<f32> = (1..=1000).map(|value| value as f32).collect();
        for length in [0, 1, 7, 130, 1000] {
            let expected = (length * (length + 1) / 2) as f32;
            let sum = Arch::new().dispatch(Sum { values: &values[..length] });
            assert!((sum - expected).abs() < 1e-3 * (1.0 + expected), "{length}");
        }
    }

    #[test]
    fn a_multiply_add_ends_where_it_stands_still() {
        // a·0.9999 + 0.0001 leaves 1 where it is.
        let expected = (LANES * Arch::new().dispatch(Width)) as f32;
        let sum = Arch::new().dispatch(MultiplyAdd { turns: 1000 });
        assert!((sum - expected).abs() < 0.01 * expected, "{sum} {expected}");
    }
}
