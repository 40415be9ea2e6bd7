//! How does a loss move at the end of a run?

/// A change of the loss below this share is no change.
const NO_CHANGE: f64 = 0.01;
/// It is judged over the last of so many parts whether a run still fell.
const PARTS: usize = 5;
/// A change must be so large a part of the ups and downs to be a trend.
const MOSTLY: f64 = 0.3;

/// How a loss moved at the end of a run. Means over as many epochs are compared, since single epochs are noisy.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Trend {
    /// It fell against as many epochs before, and most of its way was downwards.
    Falls {
        /// By this share.
        share: f64,
        /// Over so many epochs.
        epochs: usize,
    },
    /// It was lower before.
    RisesAgain {
        /// The lowest loss.
        lowest: f64,
        /// After this epoch.
        epoch: f64,
        /// Now higher by this share.
        share: f64,
    },
    /// It goes up and down by more than it falls.
    Wanders {
        /// Over so many epochs.
        epochs: usize,
    },
    /// It changed by less than a hundredth.
    Rests {
        /// Over so many epochs.
        epochs: usize,
    },
}

impl Trend {
    /// Of losses by epoch, (epochs done, loss); nothing where there are too few to tell, or where they are not above zero.
    pub fn of(losses: &[(f64, f64)]) -> Option<Self> {
        let epochs = losses.len().div_ceil(PARTS).max(3);
        let positive = losses.iter().all(|(_, loss)| loss.is_finite() && *loss > 0.0);
        if losses.len() < 2 * epochs || !positive {
            return None;
        }
        let means: Vec<f64> =
            losses.windows(epochs).map(|part| part.iter().map(|(_, loss)| loss / epochs as f64).sum()).collect();
        let (last, before) = (means[means.len() - 1], means[means.len() - 1 - epochs]);
        let (epoch, lowest) = losses.iter().copied().min_by(|a, b| a.1.total_cmp(&b.1))?;
        let risen = last / means.iter().copied().fold(f64::INFINITY, f64::min) - 1.0;
        let ups_and_downs: f64 =
            losses[losses.len() - 2 * epochs..].windows(2).map(|pair| (pair[1].1 - pair[0].1).abs()).sum();
        let fallen = 1.0 - last / before;
        Some(if risen > NO_CHANGE && risen * last > ups_and_downs * MOSTLY {
            Self::RisesAgain { lowest, epoch, share: last / lowest - 1.0 }
        } else if fallen > NO_CHANGE && fallen * before > ups_and_downs * MOSTLY {
            Self::Falls { share: fallen, epochs }
        } else if ups_and_downs / (2.0 * epochs as f64) < NO_CHANGE * last {
            Self::Rests { epochs }
        } else {
            Self::Wanders { epochs }
        })
    }
}
