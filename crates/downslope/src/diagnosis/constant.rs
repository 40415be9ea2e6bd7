//! How low is the loss of a model that answers the same for every row?

use crate::data::Dataset;
use crate::loss::{Loss, Suits};

/// Halvings of the interval in which the best answer lies: enough for all digits of `f32`.
const HALVINGS: usize = 40;

/// The lowest mean loss that one answer for all rows can have: what a model must be better than to have learnt anything.
///
/// Rows count by their weights. Squared loss: the variance. Classes: the entropy of their shares. Otherwise the answer is sought where the mean
/// derivative changes its sign, since every loss here is convex in the score.
///
/// **Cost**: a pass over the targets, or some forty for losses without a formula.
pub fn best_constant_loss(loss: Loss, data: &Dataset, n_classes: usize) -> f64 {
    let targets = &data.targets[..];
    let n = targets.len() as f64;
    if loss.suits() == Suits::Classes || loss == Loss::Logistic {
        let mut counts = vec![0.0_f64; n_classes.max(2)];
        targets.iter().enumerate().for_each(|(row, &class)| counts[class as usize] += f64::from(data.weight(row)));
        return counts.iter().filter(|&&count| count > 0.0).map(|count| -count / n * (count / n).ln()).sum();
    }
    let mean = |f: &dyn Fn(f64) -> f64| {
        targets.iter().enumerate().map(|(row, &t)| f64::from(data.weight(row)) * f(f64::from(t))).sum::<f64>() / n
    };
    let average = mean(&|target| target);
    if loss == Loss::Squared {
        return mean(&|target| (target - average).powi(2));
    }
    let (mut low, mut high) = match loss {
        // The answer is ln of the mean; with no count above zero there is no lowest loss but a limit.
        Loss::Poisson => return if average > 0.0 { average - average * average.ln() } else { 0.0 },
        Loss::Hinge | Loss::SquaredHinge => (-1.0, 1.0),
        _ => targets.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), &target| {
            (low.min(f64::from(target)), high.max(f64::from(target)))
        }),
    };
    for _ in 0..HALVINGS {
        let middle = f64::midpoint(low, high);
        if mean(&|target| loss.of_score(middle, target, 1.0).1) > 0.0 { high = middle } else { low = middle }
    }
    let at = |score: f64| mean(&|target| loss.of_score(score, target, 1.0).0);
    at(low).min(at(high))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Features, Matrix};

    #[test]
    fn the_best_constant_is_the_mean_the_median_the_quantile_or_the_share() {
        let targets = [1.0, 2.0, 3.0, 10.0, 4.0];
        let close = |loss: Loss, targets: &[f32], expected: f64| {
            let x = Features::Dense(Matrix::zeros(targets.len(), 1));
            let found = best_constant_loss(loss, &Dataset::new(x, targets.to_vec()).unwrap(), 2);
            assert!((found - expected).abs() < 1e-6, "{loss}: {found}");
        };
        close(Loss::Squared, &targets, 10.0); // mean 4: (9 + 4 + 1 + 36 + 0)/5
        close(Loss::Absolute, &targets, 2.2); // median 3: (2 + 1 + 0 + 7 + 1)/5
        close(Loss::Quantile { tau: 0.5 }, &targets, 1.1);
        close(Loss::Logistic, &[0.0, 1.0, 1.0, 1.0], -(0.25 * 0.25_f64.ln() + 0.75 * 0.75_f64.ln()));
        close(Loss::Hinge, &[0.0, 1.0, 1.0, 1.0], 0.5); // answer 1: only the zero costs, 2/4
        close(Loss::SquaredHinge, &[0.0, 1.0], 1.0);
        close(Loss::Poisson, &[0.0, 2.0], 1.0); // mean 1: 1 − 1·ln 1
    }
}
