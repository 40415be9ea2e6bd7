//! What could this machine do at most?
//!
//! What loops over rows are held against, for any number of threads, with the widest vectors there are, chosen at run time:
//!
//! - how fast memory is read from end to end, and how many multiply-adds the registers take when nothing is loaded at all. A full
//!   batch is held against them: it reads every feature once and does four operations on it for each score (a product and
//!   a sum forward, and back);
//! - how fast a plain loop reads rows in random order and does nothing with them, or numbers at random places of an array.
//!   Shuffled batches are held against these. No roof in the strict sense: who asks for rows ahead may be faster.
//!
//! Not shown: the roofs of the caches, and what the clock does under load.

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
    share_out(values, threads, |part| {
        black_box(Arch::new().dispatch(Sum { values: black_box(part) }));
    });
    size_of_val(values) as f64
}

/// Reads rows of an array in an order, each thread its own part of it; how many were read.
pub fn read_rows(values: &[f32], width: usize, order: &[u32], threads: usize) -> f64 {
    share_out(order, threads, |order| {
        black_box(Arch::new().dispatch(SumOfRows { values: black_box(values), width, order }));
    });
    order.len() as f64
}

/// Reads numbers at some places of an array, each thread its own part of the places; how many were read.
pub fn pick(values: &[f32], places: &[u32], threads: usize) -> f64 {
    share_out(places, threads, |places| {
        let (eights, left) = places.as_chunks::<8>();
        let mut sums = [0.0; 8];
        for eight in eights {
            for (sum, &place) in sums.iter_mut().zip(eight) {
                *sum += values[place as usize];
            }
        }
        black_box(sums.iter().sum::<f32>() + left.iter().map(|&place| values[place as usize]).sum::<f32>());
    });
    places.len() as f64
}

/// Does something with all of a slice, each thread with its own part.
fn share_out<T: Sync>(all: &[T], threads: usize, work: impl Fn(&[T]) + Sync) {
    std::thread::scope(|scope| {
        let mut parts = all.chunks(all.len().div_ceil(threads).max(1));
        let own = parts.next();
        for part in parts {
            scope.spawn(|| work(part));
        }
        own.into_iter().for_each(&work);
    });
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

/// Σ of rows.
struct SumOfRows<'a> {
    values: &'a [f32],
    width: usize,
    order: &'a [u32],
}

impl WithSimd for SumOfRows<'_> {
    type Output = f32;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> f32 {
        let mut sums = [simd.splat_f32s(0.0); 8];
        let mut of_rests = 0.0;
        for &row in self.order {
            let (vectors, rest) = S::as_simd_f32s(&self.values[row as usize * self.width..][..self.width]);
            for eight in vectors.chunks(sums.len()) {
                for (sum, &vector) in sums.iter_mut().zip(eight) {
                    *sum = simd.add_f32s(*sum, vector);
                }
            }
            of_rests += rest.iter().sum::<f32>();
        }
        let total = sums.into_iter().reduce(|total, sum| simd.add_f32s(total, sum));
        total.map_or(0.0, |total| simd.reduce_sum_f32s(total)) + of_rests
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
    fn every_row_of_an_order_is_read() {
        let values: Vec<f32> = (0..21 * 40).map(|value| (value % 10) as f32).collect();
        for order in [vec![], vec![3], vec![39, 0, 7, 7]] {
            let expected: f32 = order.iter().flat_map(|&row| &values[row as usize * 21..][..21]).sum();
            let sum = Arch::new().dispatch(SumOfRows { values: &values, width: 21, order: &order });
            assert!((sum - expected).abs() < 1e-3 * (1.0 + expected), "{order:?}");
        }
    }

    #[test]
    fn all_there_is_is_shared_out() {
        for (n, threads) in [(0, 2), (1, 2), (7, 2), (8, 3), (100, 1)] {
            let found = std::sync::Mutex::new(Vec::new());
            let all: Vec<u32> = (0..n).collect();
            share_out(&all, threads, |part| found.lock().unwrap().extend_from_slice(part));
            let mut found = found.into_inner().unwrap();
            found.sort_unstable();
            assert_eq!(found, all);
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
