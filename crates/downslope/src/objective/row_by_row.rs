//! Steps of one row each, where a row has several scores or goes through hidden layers.
//!
//! Such a step goes through every weight, to score the row and to take the step; and where the weights are more than a cache
//! holds, going through them is what it costs. So the step of a row is put off until the next row is scored, and both are
//! done to a weight while it is in a register. The bits are those of one after the other.

use super::pass::Pass;
use super::workers::Problem;
use super::{LossSum, StepLosses};
use crate::loader::Batches;

/// The last two rows on their way through the model.
pub(super) struct RowByRow {
    now: Pass,
    last: Pass,
}

impl RowByRow {
    pub(super) fn new(problem: Problem<'_>) -> Self {
        let pass = || Pass::new(problem.model, &problem.data.features, 1);
        Self { now: pass(), last: pass() }
    }

    /// θ ← θ + factor·w∇ℓ for one row after the other; the first without a finite loss is the last.
    pub(super) fn steps(
        &mut self,
        problem: Problem<'_>,
        theta: &mut [f32],
        rows: &Batches<'_>,
        factor: f32,
        losses: &mut StepLosses,
    ) {
        let Problem { loss, data, .. } = problem;
        let numbers = rows.rows();
        for (index, row) in rows.iter().enumerate() {
            if index == 0 {
                self.now.forward(theta, &data.features, &row);
            } else {
                let taken = (&self.last, &rows.batch(index - 1));
                let next = (index + 1 < rows.len()).then(|| numbers.row(index + 1));
                self.now.step_and_forward(theta, taken, &data.features, &row, next);
            }
            let sum = self.now.turn_back(theta, data, loss, &row, factor);
            std::mem::swap(&mut self.now, &mut self.last);
            losses.push(LossSum::new(sum, 1));
            if index + 1 == rows.len() || !sum.is_finite() {
                return self.last.accumulate_all(&data.features, &row, theta);
            }
        }
    }
}
