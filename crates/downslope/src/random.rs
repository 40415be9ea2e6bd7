//! Where does chance come from?
//!
//! From a seed and nothing else. Every use of chance draws from a stream of its own, named by a [`Purpose`] and a
//! number, so that adding a use changes no other. The generator is `ChaCha8`, whose stream is fixed by its definition;
//! the few draws made from it are written out here, so that no release of a library can change them.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// What a stream of random numbers is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// The order of the rows in an epoch.
    Order = 1,
    /// The first values of the parameters.
    Init = 2,
    /// Which rows are held out for validation.
    Split = 3,
    /// Rows made by a generator.
    Generate = 4,
    /// Vectors and rows that a diagnosis probes with.
    Probe = 5,
}

/// A stream of random numbers: a function of (seed, purpose, number) alone.
#[derive(Clone, Debug)]
pub struct Stream(ChaCha8Rng);

impl Stream {
    /// The stream for a purpose; `number` tells apart, say, the epochs.
    pub fn new(seed: u64, purpose: Purpose, number: u64) -> Self {
        let mut generator = ChaCha8Rng::seed_from_u64(seed);
        generator.set_stream(number << 8 | purpose as u64);
        Self(generator)
    }

    /// A whole number, uniform on 0..bound, without bias (Lemire 2019, "Fast random integer generation in an interval").
    ///
    /// # Panics
    /// If `bound` is zero.
    pub fn below(&mut self, bound: u32) -> u32 {
        assert!(bound > 0, "an empty range has no number to draw");
        let mut product = u64::from(self.0.next_u32()) * u64::from(bound);
        if (product as u32) < bound {
            let threshold = bound.wrapping_neg() % bound;
            while (product as u32) < threshold {
                product = u64::from(self.0.next_u32()) * u64::from(bound);
            }
        }
        (product >> 32) as u32
    }

    /// A number uniform on [0, 1) with 53 bits.
    pub fn uniform(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 * (1.0 / (1_u64 << 53) as f64)
    }

    /// A standard normal number (Box and Muller 1958; the second of each pair is left unused).
    pub fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.uniform()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.uniform()).cos()
    }

    /// Puts a slice in random order, every order equally likely (Fisher and Yates).
    ///
    /// # Panics
    /// If there are more than `u32::MAX` items.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for i in (1..items.len()).rev() {
            let bound = u32::try_from(i + 1).unwrap_or_else(|_| panic!("more than {} items to shuffle", u32::MAX));
            items.swap(i, self.below(bound) as usize);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_a_function_of_seed_purpose_and_number() {
        let draw = |seed, purpose, number| Stream::new(seed, purpose, number).below(1_000_000);
        assert_eq!(draw(7, Purpose::Order, 3), draw(7, Purpose::Order, 3));
        assert_ne!(draw(7, Purpose::Order, 3), draw(7, Purpose::Order, 4));
        assert_ne!(draw(7, Purpose::Order, 3), draw(7, Purpose::Init, 3));
        assert_ne!(draw(7, Purpose::Order, 3), draw(8, Purpose::Order, 3));
    }

    #[test]
    fn a_shuffle_is_a_permutation_and_every_place_is_equally_likely() {
        let mut counts = [[0_u32; 5]; 5];
        for number in 0..10_000 {
            let mut items = [0, 1, 2, 3, 4];
            Stream::new(1, Purpose::Order, number).shuffle(&mut items);
            for (place, &item) in items.iter().enumerate() {
                counts[item][place] += 1;
            }
        }
        // 2000 expected in each cell, standard deviation 40.
        assert!(counts.iter().flatten().all(|&count| (1800..2200).contains(&count)), "{counts:?}");
    }

    #[test]
    fn normal_numbers_have_mean_zero_and_variance_one() {
        let mut stream = Stream::new(1, Purpose::Generate, 0);
        let draws: Vec<f64> = (0..20_000).map(|_| stream.normal()).collect();
        let mean = draws.iter().sum::<f64>() / draws.len() as f64;
        let variance = draws.iter().map(|z| (z - mean).powi(2)).sum::<f64>() / draws.len() as f64;
        assert!(mean.abs() < 0.03 && (variance - 1.0).abs() < 0.05, "{mean} {variance}");
    }
}
