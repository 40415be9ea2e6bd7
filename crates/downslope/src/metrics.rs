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
        let n_rows = targets.len();
        let n_outputs = outputs.len() / n_rows.max(1);
        let rows = || outputs.chunks_exact(n_outputs.max(1)).zip(targets);
        let losses = || rows().map(|(outputs, &target)| loss.value(outputs, target));
        let mean_loss = losses().sum::<f64>() / n_rows as f64;
        let weighted = |weights: &[f32]| losses().zip(weights).map(|(loss, &w)| loss * f64::from(w)).sum::<f64>();
        let mut metrics =
            Self { loss: weights.map_or(mean_loss, |weights| weighted(weights) / n_rows as f64), ..Self::default() };
        match loss.suits() {
            Suits::Regression => {
                let predict =
                    |score: f32| if loss == Loss::Poisson { f64::from(score).exp() } else { f64::from(score) };
                let errors = || rows().map(|(outputs, &target)| f64::from(target) - predict(outputs[0]));
                let squared: f64 = errors().map(|e| e * e).sum();
                let mean = targets.iter().map(|&t| f64::from(t)).sum::<f64>() / n_rows as f64;
                let total: f64 = targets.iter().map(|&t| (f64::from(t) - mean).powi(2)).sum();
                metrics.r2 = (total > 0.0).then(|| 1.0 - squared / total);
                metrics.rmse = Some((squared / n_rows as f64).sqrt() * target_unit);
                metrics.mae = Some(errors().map(f64::abs).sum::<f64>() / n_rows as f64 * target_unit);
            }
            Suits::TwoClasses | Suits::Classes => {
                let correct = rows().filter(|&(outputs, &target)| class_of(outputs) == target as usize).count();
                metrics.accuracy = Some(correct as f64 / n_rows as f64);
                if matches!(loss, Loss::Logistic | Loss::CrossEntropy) {
                    metrics.log_loss = Some(mean_loss);
                }
                metrics.auc = match n_outputs {
                    1 => auc(outputs.iter().copied().zip(targets.iter().copied()).collect()),
                    2 => auc(rows().map(|(outputs, &target)| (outputs[1] - outputs[0], target)).collect()),
                    _ => None,
                };
            }
        }
        metrics
    }

    /// The one figure people ask for first, with its name: `accuracy` for classes, `r2` for numbers, else `loss`.
    pub fn headline(&self) -> (&'static str, f64) {
        let accuracy = self.accuracy.map(|value| ("accuracy", value));
        accuracy.or(self.r2.map(|value| ("r2", value))).unwrap_or(("loss", self.loss))
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
