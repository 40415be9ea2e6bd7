//! Steps on sparse rows of one score by two threads, each with the weights of one half of the columns.
//!
//! What a step changes stays in the cache of the thread that changed it: only a sum and a derivative for each row go from
//! one thread to the other. And they wait for each other once a step: each goes from the step on its half straight to the
//! next rows' sums there, which nothing else can change. A score is the sum over one half and the sum over the other, also
//! where one thread computes both. Weight decay is taken together for all weights, see [`Decay`].

use std::ops::Range;

use crate::data::Features;
use crate::kernels::{self, Decay, Losses, Scores, StepAndHalfScores, Targets};
use crate::loader::Batches;

use super::workers::Problem;
use super::{LossSum, StepLosses, StepRule};

/// Scratch memory for batches of so many rows.
pub(super) struct Halves {
    /// A row's sums over the low and over the high half of its columns.
    low: Vec<f32>,
    high: Vec<f32>,
    /// Scores, then `factor` times their derivatives.
    scores: Vec<f32>,
}

impl Halves {
    pub(super) fn new(batch_rows: usize) -> Self {
        let zeros = || vec![0.0; batch_rows];
        Self { low: zeros(), high: zeros(), scores: zeros() }
    }

    /// A step on each batch, one after the other, by a rule that decays alike; the first without a finite loss is the last.
    pub(super) fn steps(
        &mut self,
        problem: Problem<'_>,
        theta: &mut [f32],
        batches: &Batches<'_>,
        rule: StepRule,
        has_two_threads: bool,
        losses: &mut StepLosses,
    ) {
        let Problem { data, loss, .. } = problem;
        let Features::Sparse(x) = &data.features else { return };
        let batch = batches.rows();
        let (weight, bias) = theta.split_at_mut(x.n_columns());
        let mut decay = Decay::begin(rule.lr, rule.weight_decay);
        let (mut last, mut end) = (0..0, batch.len());
        loop {
            let next = last.end..(last.end + batches.batch_size()).min(end);
            let factors = &self.scores[..last.len()];
            let turn = |halves: Range<usize>, weight: &mut [f32], sums: [&mut [f32]; 2]| {
                let (last, next) = (last.clone(), next.clone());
                kernels::run(StepAndHalfScores { x, batch, halves, last, factors, next, sums, weight });
            };
            let (low_sums, high_sums) = (&mut self.low[..], &mut self.high[..]);
            if has_two_threads {
                let (low, high) = weight.split_at_mut(x.middle());
                rayon::join(|| turn(0..1, low, [low_sums, &mut []]), || turn(1..2, high, [&mut [], high_sums]));
            } else {
                turn(0..2, weight, [low_sums, high_sums]);
            }
            if next.is_empty() {
                break;
            }
            let (scores, c) = (&mut self.scores[..next.len()], decay.c());
            for ((score, low), high) in scores.iter_mut().zip(&self.low).zip(&self.high) {
                *score = c * (low + high) + bias[0];
            }
            let then = Scores::Derive((-rule.lr / next.len() as f64) as f32);
            let rows = batch.part(next.clone());
            let sum = kernels::run(Losses { loss, scores, targets: Targets::of(data), batch: &rows, then });
            bias[0] *= decay.kept();
            self.scores[..next.len()].iter().for_each(|step| bias[0] += step);
            if rule.weight_decay > 0.0 {
                kernels::scale(decay.step(weight), &mut self.scores[..next.len()]);
            }
            losses.push(LossSum::new(sum, next.len()));
            if !sum.is_finite() {
                end = next.end;
            }
            last = next;
        }
        decay.end(weight);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Csr, Dataset};
    use crate::loader::Batch;
    use crate::loss::Loss;
    use crate::model::{Activation, Model};
    use crate::random::{Purpose, Stream};

    const WIDTH: usize = 31;

    fn table(n_rows: usize) -> Dataset {
        let mut stream = Stream::new(1, Purpose::Probe, 1);
        let (mut indptr, mut indices, mut values) = (vec![0], Vec::new(), Vec::new());
        for row in 0..n_rows {
            // Some rows are empty, some have nothing in one half.
            let columns = [0..0, 0..WIDTH / 2, WIDTH / 2..WIDTH, 0..WIDTH][row % 4].clone();
            for column in columns.step_by(1 + row % 3) {
                indices.push(column as u32);
                values.push(stream.normal() as f32);
            }
            indptr.push(indices.len());
        }
        let targets = (0..n_rows).map(|row| (row % 5 / 3) as f32).collect();
        Dataset::new(Features::Sparse(Csr::new(WIDTH, indptr, indices, values).unwrap()), targets).unwrap()
    }

    fn steps(data: &Dataset, loss: Loss, rule: StepRule, has_two_threads: bool) -> (Vec<f32>, StepLosses) {
        let model = Model { n_features: WIDTH, hidden: Vec::new(), activation: Activation::Relu, n_outputs: 1 };
        let problem = Problem { model: &model, loss, data };
        let order: Vec<u32> = (0..data.n_rows() as u32).rev().collect();
        let (mut theta, mut losses) = (vec![0.1; WIDTH + 1], StepLosses::default());
        let batches = Batches::new(Batch::Rows(&order), 20);
        Halves::new(20).steps(problem, &mut theta, &batches, rule, has_two_threads, &mut losses);
        (theta, losses)
    }

    #[test]
    fn two_threads_take_the_steps_of_one() {
        let data = table(110);
        for loss in [Loss::Logistic, Loss::Squared, Loss::Hinge] {
            for weight_decay in [0.0, 0.2, 5.0] {
                let rule = StepRule { weight_decay, ..StepRule::plain(0.1) };
                let ((one, of_one), (two, of_two)) = (steps(&data, loss, rule, false), steps(&data, loss, rule, true));
                assert_eq!(one, two, "{loss}");
                assert_eq!((of_one.n_steps, of_one.total.sum), (of_two.n_steps, of_two.total.sum), "{loss}");
                assert_eq!((of_one.n_steps, of_one.total.n_rows), (6, 110), "{loss}");
            }
        }
    }

    #[test]
    fn the_first_step_without_a_finite_loss_is_the_last_and_is_taken() {
        let data = table(110);
        for has_two_threads in [false, true] {
            let (theta, losses) = steps(&data, Loss::Squared, StepRule::plain(1e25), has_two_threads);
            assert!((2..6).contains(&losses.n_steps) && !losses.last.sum.is_finite(), "{}", losses.n_steps);
            assert!(theta.iter().any(|value| !value.is_finite()));
        }
    }
}
