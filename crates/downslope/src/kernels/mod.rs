//! Which loops does all the time go to?
//!
//! The few inner loops everything else is made of. Each is written once, portably, in [`portable`]; on x86-64 the same
//! lines are compiled again for AVX2 and AVX-512 and chosen when the program runs, so a plain `cargo build --release`
//! is enough. No fused multiply-add is used and the order of every sum is fixed by the number of lanes, not by the
//! instruction set: **every variant gives the same bits**. Only [`matmul`] (hidden layers) leaves that to its library.
//!
//! This is the only module with `unsafe` code.
#![allow(unsafe_code, reason = "run-time choice of the instruction set")]

mod matmul;
mod portable;

pub(crate) use matmul::{matmul, row_major, transposed};

/// Makes a function that picks the widest instruction set of the machine for a portable loop.
macro_rules! for_the_machine {
    ($(#[$doc:meta])* $name:ident($($arg:ident: $type:ty),*) $(-> $out:ty)?) => {
        $(#[$doc])*
        #[inline]
        pub(crate) fn $name($($arg: $type),*) $(-> $out)? {
            #[cfg(target_arch = "x86_64")]
            {
                if std::is_x86_feature_detected!("avx512f") {
                    // SAFETY: AVX-512F was found on this machine the line above.
                    return unsafe { avx512::$name($($arg),*) };
                }
                if std::is_x86_feature_detected!("avx2") {
                    // SAFETY: AVX2 was found on this machine the line above.
                    return unsafe { avx2::$name($($arg),*) };
                }
            }
            portable::$name($($arg),*)
        }
    };
}

macro_rules! compiled_with {
    ($module:ident, $feature:literal) => {
        #[cfg(target_arch = "x86_64")]
        mod $module {
            #[target_feature(enable = $feature)]
            pub(super) fn dot(a: &[f32], b: &[f32]) -> f32 {
                super::portable::dot(a, b)
            }

            #[target_feature(enable = $feature)]
            pub(super) fn axpy(alpha: f32, x: &[f32], y: &mut [f32]) {
                super::portable::axpy(alpha, x, y);
            }

            #[target_feature(enable = $feature)]
            pub(super) fn scale(alpha: f32, x: &mut [f32]) {
                super::portable::scale(alpha, x);
            }

            #[target_feature(enable = $feature)]
            pub(super) fn sum_of_squares(x: &[f32]) -> f64 {
                super::portable::sum_of_squares(x)
            }
        }
    };
}

compiled_with!(avx2, "avx2");
compiled_with!(avx512, "avx512f");

for_the_machine! {
    /// Σ aᵢ·bᵢ. The slices have the same length.
    dot(a: &[f32], b: &[f32]) -> f32
}
for_the_machine! {
    /// y ← y + α·x. The slices have the same length.
    axpy(alpha: f32, x: &[f32], y: &mut [f32])
}
for_the_machine! {
    /// x ← α·x.
    scale(alpha: f32, x: &mut [f32])
}
for_the_machine! {
    /// Σ xᵢ², in `f64`.
    sum_of_squares(x: &[f32]) -> f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Purpose, Stream};

    fn numbers(n: usize, number: u64) -> Vec<f32> {
        let mut stream = Stream::new(3, Purpose::Probe, number);
        (0..n).map(|_| stream.normal() as f32).collect()
    }

    #[test]
    fn dot_agrees_with_a_plain_sum_for_every_length_and_offset() {
        for length in 0..=70 {
            for offset in 0..4 {
                let a = &numbers(length + offset, 1)[offset..];
                let b = &numbers(length + offset, 2)[offset..];
                let plain: f64 = a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum();
                assert!((f64::from(dot(a, b)) - plain).abs() < 1e-5, "{length} {offset}");
            }
        }
    }

    #[cfg(target_arch = "x86_64")]
    #[test]
    fn every_instruction_set_gives_the_bits_of_the_portable_twin() {
        type Dot = fn(&[f32], &[f32]) -> f32;
        type Axpy = fn(f32, &[f32], &mut [f32]);
        type SumOfSquares = fn(&[f32]) -> f64;
        let mut twins: Vec<(&str, Dot, Axpy, Axpy, SumOfSquares)> = Vec::new();
        if std::is_x86_feature_detected!("avx2") {
            twins.push((
                "avx2",
                // SAFETY: AVX2 was found on this machine.
                |a, b| unsafe { avx2::dot(a, b) },
                // SAFETY: AVX2 was found on this machine.
                |alpha, x, y| unsafe { avx2::axpy(alpha, x, y) },
                // SAFETY: AVX2 was found on this machine.
                |alpha, _, y| unsafe { avx2::scale(alpha, y) },
                // SAFETY: AVX2 was found on this machine.
                |x| unsafe { avx2::sum_of_squares(x) },
            ));
        }
        if std::is_x86_feature_detected!("avx512f") {
            twins.push((
                "avx512",
                // SAFETY: AVX-512F was found on this machine.
                |a, b| unsafe { avx512::dot(a, b) },
                // SAFETY: AVX-512F was found on this machine.
                |alpha, x, y| unsafe { avx512::axpy(alpha, x, y) },
                // SAFETY: AVX-512F was found on this machine.
                |alpha, _, y| unsafe { avx512::scale(alpha, y) },
                // SAFETY: AVX-512F was found on this machine.
                |x| unsafe { avx512::sum_of_squares(x) },
            ));
        }
        for (name, dot, axpy, scale, sum_of_squares) in twins {
            for length in 0..=70 {
                for offset in 0..4 {
                    let a = &numbers(length + offset, 1)[offset..];
                    let b = &numbers(length + offset, 2)[offset..];
                    assert_eq!(dot(a, b).to_bits(), portable::dot(a, b).to_bits(), "{name} dot {length}");
                    assert_eq!(
                        sum_of_squares(a).to_bits(),
                        portable::sum_of_squares(a).to_bits(),
                        "{name} sum_of_squares {length}"
                    );
                    let (mut ours, mut twin) = (b.to_vec(), b.to_vec());
                    axpy(0.37, a, &mut ours);
                    portable::axpy(0.37, a, &mut twin);
                    assert_eq!(ours, twin, "{name} axpy {length}");
                    scale(0.37, a, &mut ours);
                    portable::scale(0.37, &mut twin);
                    assert_eq!(ours, twin, "{name} scale {length}");
                }
            }
        }
    }

    #[test]
    fn a_matrix_product_agrees_with_three_plain_loops() {
        for (m, k, n) in [(1, 1, 1), (1, 7, 5), (3, 64, 10), (32, 17, 9), (65, 33, 31)] {
            let (a, b) = (numbers(m * k, 1), numbers(k * n, 2));
            let mut c = numbers(m * n, 3);
            let before = c.clone();
            matmul(2.0, row_major(&a, m, k), row_major(&b, k, n), 1.0, &mut c);
            for i in 0..m {
                for j in 0..n {
                    let plain: f32 = (0..k).map(|l| a[i * k + l] * b[l * n + j]).sum();
                    assert!((c[i * n + j] - before[i * n + j] - 2.0 * plain).abs() < 1e-3, "{m} {k} {n}");
                }
            }
            let flipped: Vec<f32> = (0..k * n).map(|at| b[(at % k) * n + at / k]).collect();
            let mut again = before.clone();
            matmul(2.0, row_major(&a, m, k), transposed(&flipped, n, k), 1.0, &mut again);
            assert!(c.iter().zip(&again).all(|(x, y)| (x - y).abs() < 1e-3), "{m} {k} {n}");
        }
    }
}
