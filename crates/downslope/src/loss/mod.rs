//! Which number do we go down?
//!
//! A [`Loss`] compares the outputs of a model for one row with the row's target. The number reported everywhere is the
//! **mean over the rows**, row-weighted wherever means are averaged. A loss knows no model and no data: it sees the
//! outputs (scores, *logits*) of one row.
//!
//! **Weights.** Where rows weigh differently ([`crate::data::Dataset::with_weights`]), the loss of a batch of B rows is
//! (1/B) Σ wᵢ ℓᵢ, with weights whose mean over all training rows is 1. Over those rows that is Σ wᵢ ℓᵢ / Σ wᵢ, what
//! scikit-learn's `log_loss(sample_weight=…)` and PyTorch's `CrossEntropyLoss(weight=…)` give for them, and a batch
//! estimates it without bias.
//!
//! s is the row's score, t its target, r = s − t; for two classes t is 0 or 1 and y = 2t − 1 is −1 or +1.
//!
//! | loss | for | ℓ | dℓ/ds | PyTorch's name |
//! |---|---|---|---|---|
//! | `squared` | the mean of t | r² (no ½) | 2r | `MSELoss` |
//! | `absolute` | the median | \|r\| | sign r, 0 at 0 | `L1Loss` |
//! | `huber=δ` | the mean, outliers dimmed | ½r² if \|r\| ≤ δ, else δ(\|r\| − ½δ) | r clipped to ±δ | `HuberLoss` |
//! | `quantile=τ` | the τ-quantile | max(−τr, (1−τ)r) | 1−τ if r > 0, −τ if r < 0 | – |
//! | `poisson` | counts, eˢ their mean | eˢ − ts | eˢ − t | `PoissonNLLLoss` |
//! | `logistic` | two classes | ln(1 + eˢ) − ts | σ(s) − t | `BCEWithLogitsLoss` |
//! | `cross-entropy` | classes | ln Σⱼeˢʲ − sₜ | softmax(s) − 1ₜ | `CrossEntropyLoss` |
//! | `hinge` | two classes, margin | max(0, 1 − ys) | −y if ys < 1 | – |
//! | `squared-hinge` | two classes, margin | max(0, 1 − ys)² | −2y·max(0, 1 − ys) | – |
//!
//! **Numerics.** The methods here compute in `f64`; training evaluates the same formulas in `f32`, sixteen rows at a time,
//! with exponentials within 4e-7 of their value, and sums the losses in `f64`. `logistic` and `cross-entropy` start from logits and neither
//! overflow nor cancel at ±100 or beyond; `poisson` overflows where eˢ does, and the run is then stopped as diverged.
//! A score that is not a number gives a loss that is not a number.
//!
//! **Differs from**: scikit-learn's `SGDRegressor` puts ½ before the squared loss; its rate for the same path is twice
//! ours. The constant ln t! of `poisson` is left out, as in PyTorch with `full=False`. PyTorch divides the weighted loss
//! of a batch by the Σ wᵢ of that very batch, which differs from batch to batch: the mean of its batches is not the loss
//! of all rows, and a heavy row pulls harder where there are few of them.
//!
//! ```
//! use downslope::loss::Loss;
//! assert_eq!(Loss::Squared.value(&[3.0], 1.0), 4.0);
//! assert_eq!(Loss::Hinge.value(&[0.25], 1.0), 0.75);
//! ```
//!
//! References: Huber 1964 (eq. 3.2); Koenker and Bassett 1978 (eq. 2); Bishop 2006, §4.3.

mod classification;
mod regression;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind, Problem, Result};
use crate::numeric::Number;

/// The error of one row.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Loss {
    /// r²: the fit is the conditional mean.
    Squared,
    /// |r|: the fit is the conditional median.
    Absolute,
    /// Squared near zero and absolute beyond ±δ.
    Huber {
        /// Where the square ends, above 0, in the unit of the targets the loss is given: a run that standardises its
        /// target (the default) counts it in standard deviations. PyTorch's default is 1.
        delta: f64,
    },
    /// The pinball loss: the fit is the conditional τ-quantile.
    Quantile {
        /// The share of targets to lie below the fit, between 0 and 1.
        tau: f64,
    },
    /// The negative log-likelihood of counts whose mean is eˢ.
    Poisson,
    /// The negative log-likelihood of two classes, from logits.
    Logistic,
    /// The negative log-likelihood of k classes, from k logits.
    CrossEntropy,
    /// Zero beyond the margin, linear within.
    Hinge,
    /// Zero beyond the margin, quadratic within.
    SquaredHinge,
}

/// What a loss can be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Suits {
    /// Numbers.
    Regression,
    /// Two classes, one score.
    TwoClasses,
    /// Any number of classes, a score each.
    Classes,
}

impl Loss {
    /// What the loss can be used for.
    pub fn suits(self) -> Suits {
        match self {
            Self::Squared | Self::Absolute | Self::Huber { .. } | Self::Quantile { .. } | Self::Poisson => {
                Suits::Regression
            }
            Self::Logistic | Self::Hinge | Self::SquaredHinge => Suits::TwoClasses,
            Self::CrossEntropy => Suits::Classes,
        }
    }

    /// The loss of one row. `outputs` has one score, or one a class for [`Loss::CrossEntropy`].
    pub fn value(self, outputs: &[f32], target: f32) -> f64 {
        match self {
            Self::CrossEntropy => classification::cross_entropy(outputs, target as usize),
            _ => self.of_score(f64::from(outputs[0]), f64::from(target), 1.0).0,
        }
    }

    /// The loss of one row, whose outputs are replaced by the derivative of the loss with respect to them.
    pub fn value_and_derivative(self, outputs: &mut [f32], target: f32) -> f64 {
        if self == Self::CrossEntropy {
            return classification::cross_entropy_and_derivative(outputs, target as usize);
        }
        let (value, derivative) = self.of_score(f64::from(outputs[0]), f64::from(target), 1.0);
        outputs[0] = derivative as f32;
        value
    }

    /// Value, and derivative times a factor, of the losses of one score: of one row in `f64`, or of many in `f32`. Every
    /// kernel and every test reads the same formulas.
    #[inline(always)]
    #[allow(clippy::inline_always, reason = "kernels compile this for each instruction set")]
    pub(crate) fn of_score<N: Number>(self, score: N, target: N, factor: N) -> (N, N) {
        match self {
            Self::Squared => regression::squared(score, target, factor),
            Self::Absolute => regression::absolute(score, target, factor),
            Self::Huber { delta } => regression::huber(score, target, factor, delta),
            Self::Quantile { tau } => regression::quantile(score, target, factor, tau),
            Self::Poisson => regression::poisson(score, target, factor),
            Self::Logistic => classification::logistic(score, target, factor),
            Self::Hinge => classification::hinge(score, target, factor),
            Self::SquaredHinge => classification::squared_hinge(score, target, factor),
            Self::CrossEntropy => (N::of(f64::NAN), N::of(f64::NAN)),
        }
    }

    /// With score and target together below this, loss and derivative are finite in `f32`.
    pub(crate) fn is_finite_below(self) -> f32 {
        match self {
            Self::Poisson => 80.0,
            _ => 1e18,
        }
    }

    /// ℓ″ where it is the same at every score; nothing for `poisson`, `logistic` and `cross-entropy`.
    ///
    /// Where a loss has a kink, no second derivative tells how it curves over a step. Then the curvature of the
    /// parabola that matches it over `kink_width` stands in: 1/`kink_width` for `absolute` and `quantile`, 1 for
    /// `hinge`, and the largest value, 1, for `huber`; the second derivative of `squared-hinge` inside its margin, 2.
    pub fn constant_curvature(self, kink_width: f64) -> Option<f64> {
        match self {
            Self::Squared | Self::SquaredHinge => Some(2.0),
            Self::Absolute | Self::Quantile { .. } => Some(1.0 / kink_width),
            Self::Huber { .. } | Self::Hinge => Some(1.0),
            Self::Poisson | Self::Logistic | Self::CrossEntropy => None,
        }
    }

    /// What [`Loss::bend`] tells where all scores are 0, whatever the target.
    pub(crate) fn bend_at_zero(self, n_outputs: usize) -> f32 {
        match self {
            Self::Logistic => 0.25,
            Self::Poisson => 1.0,
            _ => 1.0 / n_outputs as f32,
        }
    }

    /// What ℓ″ is made of where it changes with the score, told from ℓ′ at the row's own output: eˢ for `poisson`, p(1 − p)
    /// for `logistic`, p itself for `cross-entropy`, whose ℓ″ is diag(p) − ppᵀ.
    pub(crate) fn bend(self, derivative: f32, target: f32) -> f32 {
        match self {
            Self::Logistic => derivative.abs() * (1.0 - derivative.abs()),
            Self::Poisson => (derivative + target).max(0.0),
            _ => derivative + 1.0,
        }
    }
}

/// Every name a loss goes by on the command line.
pub const NAMES: [&str; 9] = [
    "squared",
    "absolute",
    "huber[=δ]",
    "quantile=τ",
    "poisson",
    "logistic",
    "cross-entropy",
    "hinge",
    "squared-hinge",
];

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Squared => f.write_str("squared"),
            Self::Absolute => f.write_str("absolute"),
            Self::Huber { delta } => write!(f, "huber={delta}"),
            Self::Quantile { tau } => write!(f, "quantile={tau}"),
            Self::Poisson => f.write_str("poisson"),
            Self::Logistic => f.write_str("logistic"),
            Self::CrossEntropy => f.write_str("cross-entropy"),
            Self::Hinge => f.write_str("hinge"),
            Self::SquaredHinge => f.write_str("squared-hinge"),
        }
    }
}

impl FromStr for Loss {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let refused = |expected: &str| -> Error {
            ErrorKind::Settings(vec![Problem::new("loss", expected.to_owned(), text)]).into()
        };
        let (name, number) = match text.split_once('=') {
            Some((name, number)) => (name, Some(number)),
            None => (text, None),
        };
        let number = |least: f64, most: f64, expected: &str| {
            let number = number.map_or(Ok(1.0), str::parse::<f64>).map_err(|_| refused(expected))?;
            if number > least && number < most { Ok(number) } else { Err(refused(expected)) }
        };
        match (name, text.contains('=')) {
            ("squared", false) => Ok(Self::Squared),
            ("absolute", false) => Ok(Self::Absolute),
            ("huber", _) => {
                Ok(Self::Huber { delta: number(0.0, f64::INFINITY, "`huber=δ` with a finite δ above 0")? })
            }
            ("quantile", true) => {
                Ok(Self::Quantile { tau: number(0.0, 1.0, "`quantile=τ` with τ between 0 and 1")? })
            }
            ("quantile", false) => Err(refused("`quantile=τ` with τ between 0 and 1")),
            ("poisson", false) => Ok(Self::Poisson),
            ("logistic", false) => Ok(Self::Logistic),
            ("cross-entropy", false) => Ok(Self::CrossEntropy),
            ("hinge", false) => Ok(Self::Hinge),
            ("squared-hinge", false) => Ok(Self::SquaredHinge),
            _ => Err(refused(&format!("one of {}", NAMES.join(", ")))),
        }
    }
}

impl TryFrom<String> for Loss {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<Loss> for String {
    fn from(loss: Loss) -> Self {
        loss.to_string()
    }
}

/// One of each loss of one score, for tests.
#[cfg(test)]
pub(crate) const OF_ONE_SCORE: [Loss; 8] = [
    Loss::Squared,
    Loss::Absolute,
    Loss::Huber { delta: 0.7 },
    Loss::Quantile { tau: 0.3 },
    Loss::Poisson,
    Loss::Logistic,
    Loss::Hinge,
    Loss::SquaredHinge,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn derivatives_agree_with_central_differences() {
        for loss in OF_ONE_SCORE {
            for score in [-3.1, -0.4, 0.2, 0.9, 2.7] {
                for target in [0.0, 1.0] {
                    let h = 1e-6;
                    let slope =
                        (loss.of_score(score + h, target, 1.0).0 - loss.of_score(score - h, target, 1.0).0) / (2.0 * h);
                    let derivative = loss.of_score(score, target, 1.0).1;
                    assert!((slope - derivative).abs() < 1e-6 * (1.0 + slope.abs()), "{loss} {score} {target}");
                }
            }
        }
    }

    #[test]
    fn cross_entropy_derivative_agrees_with_central_differences() {
        let outputs = [0.3_f32, -1.2, 2.0];
        let mut derivative = outputs;
        let value = Loss::CrossEntropy.value_and_derivative(&mut derivative, 1.0);
        assert!((value - Loss::CrossEntropy.value(&outputs, 1.0)).abs() < 1e-12);
        for k in 0..3 {
            let (mut up, mut down) = (outputs, outputs);
            up[k] += 1e-3;
            down[k] -= 1e-3;
            let slope = (Loss::CrossEntropy.value(&up, 1.0) - Loss::CrossEntropy.value(&down, 1.0)) / 2e-3;
            assert!((slope - f64::from(derivative[k])).abs() < 1e-4, "{k}");
        }
    }

    #[test]
    fn logits_of_a_hundred_give_finite_losses() {
        assert!((Loss::Logistic.value(&[100.0], 0.0) - 100.0).abs() < 1e-9);
        assert!(Loss::Logistic.value(&[-100.0], 0.0) < 1e-40);
        assert!((Loss::CrossEntropy.value(&[100.0, -100.0], 1.0) - 200.0).abs() < 1e-9);
        assert!(Loss::CrossEntropy.value(&[100.0, -100.0], 0.0) < 1e-40);
        assert!(Loss::Logistic.value(&[f32::NAN], 0.0).is_nan());
    }

    #[test]
    fn a_loss_reads_its_own_name() {
        for loss in OF_ONE_SCORE.into_iter().chain([Loss::CrossEntropy]) {
            assert_eq!(loss.to_string().parse::<Loss>().unwrap(), loss);
        }
        assert_eq!("huber".parse::<Loss>().unwrap(), Loss::Huber { delta: 1.0 });
    }

    #[test]
    fn a_loss_that_does_not_exist_is_refused() {
        for wrong in ["mse", "quantile", "quantile=1", "huber=0", "huber=nan", "squared=2"] {
            assert!(wrong.parse::<Loss>().is_err(), "{wrong}");
        }
    }
}
