//! What are the mean and the spread of numbers that come in parts?
//!
//! Of each part by itself the mean first, then the sums of powers of the deviations from it: the formulas of one pass
//! lose all digits where the spread is small beside the mean. Parts are joined in their order by Chan's formula,
//!
//! ```text
//! n = nₐ + n_b,  δ = mean_b − mean_a,  mean = mean_a + δ·n_b/n,  M₂ = M₂ₐ + M₂_b + δ²·nₐ·n_b/n
//! ```
//!
//! and for higher powers Mₚ = Σ (x − mean)ᵖ by Pébay's, of which Chan's is the case p = 2.
//!
//! References: Chan, Golub and `LeVeque` 1983, "Algorithms for computing the sample variance", eq. 2.1; Pébay 2008,
//! "Formulas for robust, one-pass parallel computation of covariances and arbitrary-order statistical moments", eq. 2.1.

/// What is kept of numbers: how many they were, their mean, and the sums of powers of the deviations from it.
#[derive(Clone, Debug, Default)]
pub(super) struct Moments {
    n: usize,
    first: f64,
    is_constant: bool,
    mean: f64,
    max_abs: f64,
    /// M₂, M₃ … up to the highest power asked for.
    sums: Vec<f64>,
}

impl Moments {
    /// Those of some numbers, up to the power `highest`, 2 or more.
    pub(super) fn of(numbers: &(impl Iterator<Item = f64> + Clone), highest: i32) -> Self {
        let Some(first) = numbers.clone().next() else { return Self::default() };
        // As `Iterator::sum` begins.
        let (n, sum) = numbers.clone().fold((0, -0.0), |(n, sum), number| (n + 1, sum + number));
        let mean = sum / n as f64;
        let (squares, max_abs) = numbers.clone().fold((0.0, 0.0), |(squares, max_abs), number| {
            let deviation = number - mean;
            (squares + deviation * deviation, if number.abs() > max_abs { number.abs() } else { max_abs })
        });
        let of_power = |p| numbers.clone().map(|number| (number - mean).powi(p)).sum::<f64>();
        let sums = std::iter::once(squares).chain((3..=highest).map(of_power)).collect();
        let is_constant = numbers.clone().all(|number| number.to_bits() == first.to_bits());
        Self { n, first, is_constant, mean, max_abs, sums }
    }

    /// Those of the numbers of two parts, this one first.
    pub(super) fn join(&mut self, below: Self) {
        if self.n == 0 || below.n == 0 {
            if below.n > 0 {
                *self = below;
            }
            return;
        }
        let n = (self.n + below.n) as f64;
        let delta = below.mean - self.mean;
        // Deviations from the common mean are those from the own one and this besides.
        let (here, there) = (-delta * (below.n as f64 / n), delta * (self.n as f64 / n));
        let moved = |moments: &Self, by: f64, p: usize| {
            let (mut sum, mut factor) = (0.0, 1.0);
            for k in 0..=p {
                // M₀ is the number of numbers, M₁ is 0.
                match p - k {
                    0 => sum += factor * moments.n as f64,
                    1 => {}
                    of => sum += factor * moments.sums[of - 2],
                }
                // From the binomial coefficient and power of k to those of k + 1.
                factor *= by * (p - k) as f64 / (k + 1) as f64;
            }
            sum
        };
        self.sums = (2..self.sums.len() + 2).map(|p| moved(self, here, p) + moved(&below, there, p)).collect();
        self.mean -= here;
        self.is_constant &= below.is_constant && self.first.to_bits() == below.first.to_bits();
        self.max_abs = self.max_abs.max(below.max_abs);
        self.n += below.n;
    }

    /// How many numbers they are of.
    pub(super) fn n(&self) -> usize {
        self.n
    }

    /// The first number.
    pub(super) fn first(&self) -> f64 {
        self.first
    }

    /// The mean.
    pub(super) fn mean(&self) -> f64 {
        self.mean
    }

    /// The standard deviation of the population.
    pub(super) fn std(&self) -> f64 {
        (self.sums.first().copied().unwrap_or(0.0) / self.n as f64).sqrt()
    }

    /// The standard deviation among `n_rows`, of which those without a number are given the mean: that keeps the mean,
    /// and shrinks the variance by the share of numbers that were there.
    pub(super) fn std_among(&self, n_rows: usize) -> f64 {
        self.std() * (self.n as f64 / n_rows as f64).sqrt()
    }

    /// The sum of a power, 2 or more, of the deviations from the mean.
    pub(super) fn sum(&self, power: usize) -> f64 {
        self.sums[power - 2]
    }

    /// The largest absolute value.
    pub(super) fn max_abs(&self) -> f64 {
        self.max_abs
    }

    /// Whether all numbers are the same, or differ by less than can be squared.
    pub(super) fn is_constant(&self) -> bool {
        self.is_constant || self.std() <= 0.0
    }

    /// The same among `n_rows`, of which those without a number are given the mean.
    pub(super) fn is_constant_among(&self, n_rows: usize) -> bool {
        self.is_constant() || self.std_among(n_rows) <= 0.0
    }

    /// Whether mean and sums are finite.
    pub(super) fn are_finite(&self) -> bool {
        self.mean.is_finite() && self.sums.iter().all(|sum| sum.is_finite())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Purpose, Stream};

    fn of(numbers: &[f64], highest: i32) -> Moments {
        Moments::of(&numbers.iter().copied(), highest)
    }

    #[test]
    fn parts_have_the_moments_of_the_whole() {
        let mut stream = Stream::new(3, Purpose::Probe, 0);
        let numbers: Vec<f64> = (0..100).map(|i| stream.normal() + if i < 30 { 2.0 } else { 5.0 }).collect();
        let whole = of(&numbers, 8);
        let mut joined = Moments::default();
        for part in [&numbers[..0], &numbers[..1], &numbers[1..40], &numbers[40..40], &numbers[40..]] {
            joined.join(of(part, 8));
        }
        assert_eq!((joined.n, joined.first().to_bits()), (100, numbers[0].to_bits()));
        assert!((joined.mean() / whole.mean() - 1.0).abs() < 1e-14);
        assert_eq!(joined.max_abs().to_bits(), whole.max_abs().to_bits());
        for (p, (joined, whole)) in (2..).zip(joined.sums.iter().zip(&whole.sums)) {
            assert!((joined - whole).abs() < 1e-12 * whole.abs().max(1.0), "M{p}: {joined} and {whole}");
        }
    }

    #[test]
    fn a_small_spread_far_from_zero_keeps_its_digits() {
        let numbers = [1e9, 1e9 + 1.0, 1e9 + 2.0, 1e9 + 3.0];
        let mut joined = of(&numbers[..2], 2);
        joined.join(of(&numbers[2..], 2));
        assert_eq!((joined.mean(), joined.std()), (1e9 + 1.5, 1.25_f64.sqrt()));
        assert!(!joined.is_constant());
    }

    #[test]
    fn numbers_that_never_change_are_constant_whatever_their_parts() {
        let mut constant = of(&[0.1; 3], 2);
        constant.join(of(&[0.1; 7], 2));
        assert!(constant.is_constant());
        constant.join(of(&[0.3], 2));
        assert!(!constant.is_constant());
        assert!(!of(&[1e308, 1.5e308], 2).are_finite());
    }
}
