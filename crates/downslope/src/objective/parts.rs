//! What of a layer can several threads do side by side?
//!
//! Whatever belongs to its outputs can be cut between two of them, and always is at the same places: so that no bit depends on
//! how often it is cut, and a thread comes back to weights that it had before.

use std::ops::Range;

use crate::kernels::{LANES, MatrixMut};
use crate::model::Layer;

/// What belongs to the outputs of a layer, one after the other, and can be cut between two of them.
pub(super) trait ByOutput: Send + Sized {
    fn n_outputs(&self) -> usize;

    /// What belongs to the outputs before one, and to the others.
    fn split_at(self, output: usize) -> (Self, Self);
}

/// Columns of outputs.
impl ByOutput for MatrixMut<'_> {
    fn n_outputs(&self) -> usize {
        self.n_columns()
    }

    fn split_at(self, output: usize) -> (Self, Self) {
        self.split_at(output)
    }
}

/// Parameters, or their gradient.
pub(super) struct Outputs<'a> {
    /// (outputs, inputs), row-major.
    pub(super) weight: &'a mut [f32],
    /// (outputs).
    pub(super) bias: &'a mut [f32],
}

impl<'a> Outputs<'a> {
    /// What stands for a layer in something laid out as θ.
    pub(super) fn of(layer: &Layer, theta: &'a mut [f32]) -> Self {
        let (weight, bias) = layer.parts_mut(theta);
        Self { weight, bias }
    }
}

impl ByOutput for Outputs<'_> {
    fn n_outputs(&self) -> usize {
        self.bias.len()
    }

    fn split_at(self, output: usize) -> (Self, Self) {
        let n_inputs = self.weight.len() / self.bias.len();
        let (weight, weight_behind) = self.weight.split_at_mut(output * n_inputs);
        let (bias, bias_behind) = self.bias.split_at_mut(output);
        (Self { weight, bias }, Self { weight: weight_behind, bias: bias_behind })
    }
}

/// Something that may be there for all outputs, or for none.
impl<A: ByOutput> ByOutput for Option<A> {
    fn n_outputs(&self) -> usize {
        self.as_ref().map_or(0, A::n_outputs)
    }

    fn split_at(self, output: usize) -> (Self, Self) {
        match self.map(|this| this.split_at(output)) {
            Some((low, high)) => (Some(low), Some(high)),
            None => (None, None),
        }
    }
}

/// Two things that belong to the same outputs.
impl<A: ByOutput, B: ByOutput> ByOutput for (A, B) {
    fn n_outputs(&self) -> usize {
        self.0.n_outputs()
    }

    fn split_at(self, output: usize) -> (Self, Self) {
        let ((a, a_behind), (b, b_behind)) = (self.0.split_at(output), self.1.split_at(output));
        ((a, b), (a_behind, b_behind))
    }
}

/// Where so many outputs of a layer are cut into two, and in how many parts the first half is to be cut: nothing where they are
/// to be one part, or are too few. The first half is in whole lanes.
pub(super) fn cut_in_two(n_outputs: usize, n_parts: usize) -> Option<(usize, usize)> {
    let half = (n_outputs / 2 + LANES / 2) / LANES * LANES;
    (n_outputs >= 2 * LANES && n_parts > 1).then(|| (half, n_parts.div_ceil(2)))
}

/// Does `work` for all outputs, from the `first` on: in a part for each scratch, which threads may share.
pub(super) fn in_parts<T: ByOutput, S: Send>(
    all: T,
    first: usize,
    scratch: &mut [S],
    work: &(impl Fn(Range<usize>, T, &mut S) + Sync),
) {
    let n_outputs = all.n_outputs();
    if let Some((half, n_low)) = cut_in_two(n_outputs, scratch.len()) {
        debug_assert!(rayon::current_thread_index().is_some(), "several parts are for the threads of a pool");
        let (low, high) = all.split_at(half);
        let (of_low, of_high) = scratch.split_at_mut(n_low);
        rayon::join(|| in_parts(low, first, of_low, work), || in_parts(high, first + half, of_high, work));
    } else if let Some(scratch) = scratch.first_mut() {
        work(first..first + n_outputs, all, scratch);
    }
}
