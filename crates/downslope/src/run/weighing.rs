//! What does a row weigh, by its class and by itself?

use super::settings::Settings;
use crate::data::{Dataset, Notice, RowCache, Target, TaskKind};
use crate::error::{Error, ErrorKind, Result};

/// What rows weigh: w = (weight of the class) · (weight of the row) / mean, so that a training row weighs 1 on average.
///
/// The loss of a batch of B rows is (1/B) Σ wᵢ ℓᵢ, over all training rows Σ wᵢ ℓᵢ / Σ wᵢ. Rows held out are divided by
/// the mean of the training rows, so that `loss` means the same on both.
#[derive(Clone, Debug)]
pub(super) struct Weighing {
    /// What a row weighs by its class, 1 on average over the training rows; none where all classes weigh the same.
    of_classes: Option<Vec<f64>>,
    /// The mean of the products over the training rows; 1 where rows have no weights of their own.
    mean: f64,
}

/// The training rows of each class, and the sum of the weights of their own; for numbers there is one class.
#[derive(Clone, Debug)]
pub(super) struct Weights {
    counts: Vec<usize>,
    sums: Vec<f64>,
}

impl Weights {
    /// No rows yet.
    pub(super) fn new(target: &Target) -> Self {
        let n_classes = target.classes.len().max(1);
        Self { counts: vec![0; n_classes], sums: vec![0.0; n_classes] }
    }

    /// Adds rows, which weigh 1 where they have no weights of their own.
    pub(super) fn add(&mut self, targets: &[f32], of_rows: Option<&[f64]>) {
        let has_classes = self.counts.len() > 1;
        for (row, &target) in targets.iter().enumerate() {
            let class = if has_classes { target as usize } else { 0 };
            self.counts[class] += 1;
            self.sums[class] += of_rows.map_or(1.0, |weights| weights[row]);
        }
    }
}

impl Weighing {
    /// What the settings say, for training rows of which so much is known.
    ///
    /// # Errors
    /// Class weights for a regression or a class that there is not; [`ErrorKind::WeightOutOfRange`] if all rows weigh 0.
    pub(super) fn new(weights: &Weights, target: &Target, settings: &Settings) -> Result<Self> {
        let Weights { counts, sums } = weights;
        let of_classes = if target.task == TaskKind::Regression {
            Error::unless_empty(settings.class_weight.problem_of_regression().into_iter().collect())?;
            None
        } else {
            settings.class_weight.of(&target.name, &target.classes, counts)?
        };
        let mut weighing = Self { of_classes, mean: 1.0 };
        if settings.weight.is_some() {
            let sum: f64 = sums.iter().enumerate().map(|(class, sum)| sum * weighing.of_class(class as f32)).sum();
            let mean = sum / counts.iter().sum::<usize>() as f64;
            if !(mean > 0.0 && mean.is_finite()) {
                let (expected, found) = ("row weights that are not all 0, with a finite sum", "none".to_owned());
                return Err(ErrorKind::WeightOutOfRange { expected, found }.into());
            }
            weighing.mean = mean;
        }
        Ok(weighing)
    }

    /// Rows in a file that hold the weights of their own, as shares of the largest, with what they weigh.
    pub(super) fn weighted_cache(&self, cache: RowCache, largest: f64) -> RowCache {
        // Where rows have no weights of their own, all are the largest.
        let of_classes = self.of_classes.as_ref().map(|weights| weights.iter().map(|&weight| weight as f32).collect());
        cache.weighing(of_classes, (largest / self.mean) as f32)
    }

    /// What classes weigh, if not all the same.
    pub(super) fn notice(self, target: &Target) -> Option<Notice> {
        let of_classes = self.of_classes?;
        Some(Notice::ClassWeights { weights: target.classes.iter().cloned().zip(of_classes).collect() })
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
    use crate::run::ClassWeight;

    #[test]
    fn weights_of_rows_and_classes_are_multiplied_and_brought_to_the_mean_of_training() {
        let data = |targets: &[f32]| {
            let x = Features::Dense(Matrix::zeros(targets.len(), 1));
            Dataset::new(x, targets.to_vec()).unwrap()
        };
        let classes = vec!["a".to_owned(), "b".to_owned()];
        let target = Target { name: "y".to_owned(), task: TaskKind::Classification, classes };
        let class_weight: ClassWeight = "a=1,b=8".parse().unwrap();
        let settings = |class_weight, weight: Option<&str>| Settings {
            class_weight,
            weight: weight.map(str::to_owned),
            ..Settings::default()
        };
        let weighing = |targets: &[f32], of_rows: Option<&[f64]>, settings: &Settings| {
            let mut weights = Weights::new(&target);
            weights.add(targets, of_rows);
            Weighing::new(&weights, &target, settings)
        };
        let (targets, of_rows) = ([0.0, 1.0, 1.0], [4.0, 0.5, 0.0]);
        let both = settings(class_weight, Some("w"));
        let weighed = weighing(&targets, Some(&of_rows), &both).unwrap();
        // 4, 4 and 0 have the mean 8/3.
        let train = weighed.weighted(data(&targets), Some(&of_rows)).unwrap();
        assert_eq!(train.weights(), Some(&[1.5, 1.5, 0.0][..]));
        let held_out = weighed.weighted(data(&[1.0]), Some(&[3.0])).unwrap();
        assert_eq!(held_out.weights(), Some(&[9.0][..]));
        let plain = weighing(&targets, None, &Settings::default()).unwrap();
        assert_eq!(plain.weighted(data(&targets), None).unwrap().weights(), None);
        assert!(weighing(&targets, Some(&[0.0; 3]), &settings(ClassWeight::None, Some("w"))).is_err());
    }
}
