//! What does a row weigh, by its class and by itself?

use crate::data::Dataset;
use crate::error::{ErrorKind, Result};

/// What rows weigh: w = (weight of the class) · (weight of the row) / mean, so that a training row weighs 1 on average.
///
/// The loss of a batch of B rows is (1/B) Σ wᵢ ℓᵢ, over all training rows Σ wᵢ ℓᵢ / Σ wᵢ. Rows held out are divided by
/// the mean of the training rows, so that `loss` means the same on both.
#[derive(Clone, Debug)]
pub(super) struct Weighing {
    /// What a row weighs by its class, 1 on average over the training rows; none where all classes weigh the same.
    pub(super) of_classes: Option<Vec<f64>>,
    /// The mean of the products over the training rows; 1 where rows have no weights of their own.
    mean: f64,
}

impl Weighing {
    /// Given the classes of the training rows, and what each row and each class weighs, where they weigh differently.
    ///
    /// # Errors
    /// [`ErrorKind::WeightOutOfRange`] if all rows weigh 0.
    pub(super) fn new(targets: &[f32], of_rows: Option<&[f64]>, of_classes: Option<Vec<f64>>) -> Result<Self> {
        let mut weighing = Self { of_classes, mean: 1.0 };
        if let Some(of_rows) = of_rows {
            let weights = of_rows.iter().zip(targets).map(|(weight, &target)| weight * weighing.of_class(target));
            let mean = weights.sum::<f64>() / targets.len() as f64;
            if !(mean > 0.0 && mean.is_finite()) {
                let (expected, found) = ("row weights that are not all 0, with a finite sum", "none".to_owned());
                return Err(ErrorKind::WeightOutOfRange { expected, found }.into());
            }
            weighing.mean = mean;
        }
        Ok(weighing)
    }

    fn of_class(&self, target: f32) -> f64 {
        self.of_classes.as_ref().map_or(1.0, |weights| weights[target as usize])
    }

    /// Rows with what they weigh.
    ///
    /// # Errors
    /// [`ErrorKind::WeightOutOfRange`] for a weight beyond what `f32` holds.
    pub(super) fn weighted(&self, data: Dataset, of_rows: Option<&[f64]>) -> Result<Dataset> {
        if of_rows.is_none() && self.of_classes.is_none() {
            return Ok(data);
        }
        let of_row = |row: usize| of_rows.map_or(1.0, |weights| weights[row]);
        let weight = |(row, &target)| (of_row(row) * self.of_class(target) / self.mean) as f32;
        let weights = data.targets.iter().enumerate().map(weight).collect();
        data.with_scaled_weights(weights)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Features, Matrix};

    #[test]
    fn weights_of_rows_and_classes_are_multiplied_and_brought_to_the_mean_of_training() {
        let data = |targets: &[f32]| {
            let x = Features::Dense(Matrix::zeros(targets.len(), 1));
            Dataset::new(x, targets.to_vec()).unwrap()
        };
        let (targets, of_rows) = ([0.0, 1.0, 1.0], [4.0, 1.0, 0.0]);
        let weighing = Weighing::new(&targets, Some(&of_rows), Some(vec![0.5, 4.0])).unwrap();
        // 2, 4 and 0 have the mean 2.
        let train = weighing.weighted(data(&targets), Some(&of_rows)).unwrap();
        assert_eq!(train.weights(), Some(&[1.0, 2.0, 0.0][..]));
        let held_out = weighing.weighted(data(&[1.0]), Some(&[3.0])).unwrap();
        assert_eq!(held_out.weights(), Some(&[6.0][..]));
        let plain = Weighing::new(&targets, None, None).unwrap();
        assert_eq!(plain.weighted(data(&targets), None).unwrap().weights(), None);
        assert!(Weighing::new(&targets, Some(&[0.0; 3]), None).is_err());
    }
}
