//! How good are these outputs?
//!
//! | metric | for | formula |
//! |---|---|---|
//! | `loss` | all | mean of wℓ over the rows, w the weight of a row, 1 unless given |
//! | `accuracy` | classes | share of rows whose most likely class is the target |
//! | `auc` | two classes | chance that a row of class 1 has the higher score than one of class 0, ties half |
//! | `log_loss` | `logistic`, `cross-entropy` | mean of −ln p(target) |
//! | `r2` | numbers | 1 − Σ(t − ŷ)² / Σ(t − t̄)² over these rows |
//! | `rmse`, `mae` | numbers | √mean (t − ŷ)², mean \|t − ŷ\|, in the unit of the target |
//!
//! `loss` is what is gone down, so it alone knows weights; the others count every row once.

use serde::{Deserialize, Deserializer, Serialize};

use crate::loss::{Loss, Suits};

/// The quality of a model on some rows. What does not apply is absent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Metrics {
    /// Mean loss, weighted where the rows are.
    #[serde(deserialize_with = "number_or_null")]
    pub loss: f64,
    /// Share of rows classified correctly.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub accuracy: Option<f64>,
    /// Area under the receiver operating characteristic.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub auc: Option<f64>,
    /// Mean negative log-likelihood, never weighted.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub log_loss: Option<f64>,
    /// Coefficient of determination.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub r2: Option<f64>,
    /// Root of the mean squared error, in the unit of the target.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub rmse: Option<f64>,
    /// Mean absolute error, in the unit of the target.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub mae: Option<f64>,
}

/// Reads a number that JSON had no word for, and wrote as `null`, as NaN.
pub(crate) fn number_or_null<'de, D: Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
    Option::deserialize(from).map(|number| number.unwrap_or(f64::NAN))
}

impl Metrics {
    /// The metrics of outputs (`n_rows`, `n_outputs`) against targets, with weights (`n_rows`) where rows do not all weigh
    /// 1; one target is `target_unit` of the unit that `rmse` and `mae` are told in.
    pub fn of(loss: Loss, outputs: &[f32], targets: &[f32], weights: Option<&[f32]>, target_unit: f64) -> Self {
        let mut sums = MetricSums::new(loss);
        sums.add(outputs, targets, weights);
        let n_outputs = outputs.len() / targets.len().max(1);
        let auc = match n_outputs {
            _ if loss.suits() == Suits::Regression => None,
            1 => auc(outputs.iter().copied().zip(targets.iter().copied()).collect()),
            2 => auc(outputs.chunks_exact(2).zip(targets).map(|(row, &target)| (row[1] - row[0], target)).collect()),
            _ => None,
        };
        Self { auc, ..sums.metrics(target_unit) }
    }

    /// The one figure people ask for first, with its name: `accuracy` for classes, `r2` for numbers, else `loss`.
    pub fn headline(&self) -> (&'static str, f64) {
        let accuracy = self.accuracy.map(|value| ("accuracy", value));
        accuracy.or(self.r2.map(|value| ("r2", value))).unwrap_or(("loss", self.loss))
    }
}

/// What the metrics of rows are made of, part by part: all but `auc`, for which all scores must be known at once.
#[derive(Clone, Debug)]
pub(crate) struct MetricSums {
    loss: Loss,
    n_rows: usize,
    losses: f64,
    weighted_losses: f64,
    n_correct: usize,
    squared_errors: f64,
    absolute_errors: f64,
    /// Of the targets, and the sum of their squared distances from it.
    mean: f64,
    spread: f64,
}

impl MetricSums {
    pub(crate) fn new(loss: Loss) -> Self {
        Self {
            loss,
            n_rows: 0,
            losses: 0.0,
            weighted_losses: 0.0,
            n_correct: 0,
            squared_errors: 0.0,
            absolute_errors: 0.0,
            mean: 0.0,
            spread: 0.0,
        }
    }

    /// Adds rows.
    pub(crate) fn add(&mut self, outputs: &[f32], targets: &[f32], weights: Option<&[f32]>) {
        let (loss, n_rows) = (self.loss, targets.len());
        let n_outputs = outputs.len() / n_rows.max(1);
        let rows = || outputs.chunks_exact(n_outputs.max(1)).zip(targets);
        let losses = || rows().map(|(outputs, &target)| loss.value(outputs, target));
        let sum = losses().sum::<f64>();
        let weighted = |weights: &[f32]| losses().zip(weights).map(|(loss, &w)| loss * f64::from(w)).sum::<f64>();
        self.losses += sum;
        self.weighted_losses += weights.map_or(sum, weighted);
        if loss.suits() == Suits::Regression {
            let predict = |score: f32| if loss == Loss::Poisson { f64::from(score).exp() } else { f64::from(score) };
            let errors = || rows().map(|(outputs, &target)| f64::from(target) - predict(outputs[0]));
            self.squared_errors += errors().map(|e| e * e).sum::<f64>();
            self.absolute_errors += errors().map(f64::abs).sum::<f64>();
            let mean = targets.iter().map(|&t| f64::from(t)).sum::<f64>() / n_rows.max(1) as f64;
            let spread = targets.iter().map(|&t| (f64::from(t) - mean).powi(2)).sum::<f64>();
            // Chan, Golub, LeVeque 1983, "Algorithms for computing the sample variance".
            let (before, all) = (self.n_rows as f64, (self.n_rows + n_rows).max(1) as f64);
            let apart = mean - self.mean;
            self.spread += spread + apart * apart * (before * (n_rows as f64 / all));
            self.mean += apart * (n_rows as f64 / all);
        } else {
            self.n_correct += rows().filter(|&(outputs, &target)| class_of(outputs) == target as usize).count();
        }
        self.n_rows += n_rows;
    }

    /// The metrics of all rows added.
    pub(crate) fn metrics(&self, target_unit: f64) -> Metrics {
        let n = self.n_rows as f64;
        let metrics = Metrics { loss: self.weighted_losses / n, ..Metrics::default() };
        if self.loss.suits() == Suits::Regression {
            return Metrics {
                r2: (self.spread > 0.0).then(|| 1.0 - self.squared_errors / self.spread),
                rmse: Some((self.squared_errors / n).sqrt() * target_unit),
                mae: Some(self.absolute_errors / n * target_unit),
                ..metrics
            };
        }
        let has_likelihood = matches!(self.loss, Loss::Logistic | Loss::CrossEntropy);
        Metrics {
            accuracy: Some(self.n_correct as f64 / n),
            log_loss: has_likelihood.then(|| self.losses / n),
            ..metrics
        }
    }
}

/// The class the outputs of a row point to: 1 where a single score is above zero, else the largest score's.
pub fn class_of(outputs: &[f32]) -> usize {
    if let [score] = outputs {
        return usize::from(*score > 0.0);
    }
    let largest = |best: usize, k: usize| if outputs[k] > outputs[best] { k } else { best };
    (0..outputs.len()).fold(0, largest)
}

/// Mann–Whitney's statistic by ranks, ties sharing their mean rank; nothing if a class is absent.
fn auc(mut scored: Vec<(f32, f32)>) -> Option<f64> {
    scored.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    let (mut rank_sum, mut n_positive) = (0.0, 0_usize);
    let mut start = 0;
    for tied in scored.chunk_by(|a, b| a.0.total_cmp(&b.0).is_eq()) {
        let positive = tied.iter().filter(|(_, target)| *target > 0.5).count();
        rank_sum += positive as f64 * (start as f64 + f64::midpoint(tied.len() as f64, 1.0));
        n_positive += positive;
        start += tied.len();
    }
    let pairs = n_positive as f64 * (scored.len() - n_positive) as f64;
    (pairs > 0.0).then(|| (rank_sum - n_positive as f64 * (n_positive as f64 + 1.0) / 2.0) / pairs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_may_be_tallied_part_by_part() {
        let outputs: Vec<f32> = (0..40).map(|i| (i * 7 % 11) as f32 / 3.0).collect();
        let targets: Vec<f32> = (0..40).map(|i| 100.0 + (i * 5 % 13) as f32).collect();
        let weights: Vec<f32> = (0..40).map(|i| (i % 3) as f32).collect();
        let whole = Metrics::of(Loss::Squared, &outputs, &targets, Some(&weights), 2.0);
        let mut sums = MetricSums::new(Loss::Squared);
        for part in [0..7, 7..8, 8..40] {
            sums.add(&outputs[part.clone()], &targets[part.clone()], Some(&weights[part]));
        }
        let joined = sums.metrics(2.0);
        for (a, b) in [(whole.loss, joined.loss), (whole.r2.unwrap(), joined.r2.unwrap())] {
            assert!((a - b).abs() < 1e-12 * a.abs(), "{a} {b}");
        }
        assert!((whole.rmse.unwrap() - joined.rmse.unwrap()).abs() < 1e-9);
    }

    #[test]
    fn auc_counts_pairs_in_the_right_order_and_ties_as_half() {
        let metrics = |scores: &[f32], targets: &[f32]| Metrics::of(Loss::Logistic, scores, targets, None, 1.0).auc;
        assert_eq!(metrics(&[0.1, 0.4, 0.35, 0.8], &[0.0, 0.0, 1.0, 1.0]), Some(0.75));
        assert_eq!(metrics(&[0.5, 0.5], &[0.0, 1.0]), Some(0.5));
        assert_eq!(metrics(&[0.5, 0.7], &[1.0, 1.0]), None);
    }

    #[test]
    fn regression_metrics_are_told_in_the_unit_of_the_target() {
        let metrics = Metrics::of(Loss::Squared, &[1.0, 2.0, 3.0], &[1.0, 2.0, 5.0], None, 10.0);
        assert!((metrics.rmse.unwrap() - 10.0 * (4.0_f64 / 3.0).sqrt()).abs() < 1e-12);
        assert!((metrics.mae.unwrap() - 20.0 / 3.0).abs() < 1e-12);
        assert!((metrics.r2.unwrap() - (1.0 - 4.0 / (26.0 / 3.0))).abs() < 1e-12);
        assert!((metrics.loss - 4.0 / 3.0).abs() < 1e-12);
    }

    #[test]
    fn weights_count_in_the_loss_and_in_nothing_else() {
        let of = |weights| Metrics::of(Loss::Logistic, &[1.0, -2.0, 3.0], &[1.0, 1.0, 0.0], weights, 1.0);
        let (plain, weighted) = (of(None), of(Some(&[0.5, 2.5, 0.0])));
        let of_row = |score: f32, target: f32| Loss::Logistic.value(&[score], target);
        assert!((weighted.loss - (0.5 * of_row(1.0, 1.0) + 2.5 * of_row(-2.0, 1.0)) / 3.0).abs() < 1e-12);
        assert_eq!(plain.log_loss, Some(plain.loss));
        assert_eq!(Metrics { loss: plain.loss, ..weighted }, plain);
    }

    #[test]
    fn the_most_likely_class_wins_and_the_first_of_equals() {
        assert_eq!((class_of(&[0.0]), class_of(&[0.1]), class_of(&[1.0, 1.0, 0.5])), (0, 1, 0));
    }

    #[test]
    fn metrics_of_weights_that_left_the_numbers_are_read_back() {
        let metrics = Metrics::of(Loss::Squared, &[f32::NAN, 1.0], &[1.0, 2.0], None, 1.0);
        let text = serde_json::to_string(&metrics).unwrap();
        let read: Metrics = serde_json::from_str(&text).unwrap();
        assert!(read.loss.is_nan() && read.rmse.is_none(), "{text}");
    }
}
