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
        let means = means_of_windows(losses, epochs);
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

/// The mean of every window of so many losses, no more than there are. Each window is the end of one block as long and the
/// start of the next, so none is looked through again, and nothing is taken away from a sum: a first loss may be 10¹⁰ times
/// the last.
fn means_of_windows(losses: &[(f64, f64)], length: usize) -> Vec<f64> {
    let (mut sum, mut to_block_end) = (0.0, vec![0.0; losses.len()]);
    for (at, &(_, loss)) in losses.iter().enumerate().rev() {
        sum = if (at + 1).is_multiple_of(length) { loss } else { sum + loss };
        to_block_end[at] = sum;
    }
    let mut from_block_start = 0.0;
    let mut means = Vec::with_capacity(losses.len() + 1 - length);
    for (end, &(_, loss)) in losses.iter().enumerate() {
        from_block_start = if end.is_multiple_of(length) { loss } else { from_block_start + loss };
        if let Some(start) = (end + 1).checked_sub(length) {
            let of_block_before = if start.is_multiple_of(length) { 0.0 } else { to_block_end[start] };
            means.push((of_block_before + from_block_start) / length as f64);
        }
    }
    means
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn means_of_windows_are_those_of_each_alone() {
        let losses: Vec<(f64, f64)> = (0..47).map(|epoch| (f64::from(epoch), 1e10 * 0.3_f64.powi(epoch))).collect();
        for length in [1, 3, 5, 46, 47] {
            let found = means_of_windows(&losses, length);
            let mean = |part: &[(f64, f64)]| part.iter().map(|(_, loss)| loss).sum::<f64>() / length as f64;
            let expected: Vec<f64> = losses.windows(length).map(mean).collect();
            assert_eq!(found.len(), expected.len());
            let are_equal = found.iter().zip(&expected).all(|(a, b)| (a - b).abs() <= 1e-12 * b);
            assert!(are_equal, "{length}: {found:?} {expected:?}");
        }
    }
}
