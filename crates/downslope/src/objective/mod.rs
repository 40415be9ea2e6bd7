//! What does the model cost on these rows, and which way is up?
//!
//! An [`Objective`] is anything with parameters, a loss and a gradient: a model on a table ([`EmpiricalLoss`]), or a
//! function of one's own. It knows no optimiser. It returns **sums with counts**, so that batches shared out between
//! threads, or one day machines, are joined by adding. Where rows weigh differently, ℓ below is a row's loss times its
//! weight, and counts stay counts of rows: see [`crate::loss`].

mod empirical;
mod gradient;
mod halves;
mod lazy;
mod parts;
mod pass;
mod probes;
mod row_by_row;
mod streamed;
mod workers;

pub use empirical::EmpiricalLoss;
pub use gradient::Gradient;
pub(crate) use lazy::{Lazy, Moving};
pub use streamed::StreamedLoss;

use std::sync::Arc;

use rayon::ThreadPool;

use crate::loader::{Batch, Batches};
use crate::metrics::Metrics;
use crate::model::Part;

/// A sum of losses and the number of rows it is over.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct LossSum {
    /// Σ ℓ, each times the weight of its row.
    pub sum: f64,
    /// Rows.
    pub n_rows: u64,
}

impl LossSum {
    /// The sum of some rows' losses.
    pub fn new(sum: f64, n_rows: usize) -> Self {
        Self { sum, n_rows: n_rows as u64 }
    }

    /// The mean loss Σ wℓ / rows; NaN of no rows.
    pub fn mean(self) -> f64 {
        self.sum / self.n_rows as f64
    }
}

impl std::ops::AddAssign for LossSum {
    fn add_assign(&mut self, other: Self) {
        self.sum += other.sum;
        self.n_rows += other.n_rows;
    }
}

/// A step of [`crate::sgd::Sgd`] downhill. Without momentum it remembers nothing of those before: θ ← S(θ − `lr`·(g +
/// `weight_decay`·θ)), where S takes `lr`·`l1` off the size of every weight, but not of biases.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct StepRule {
    /// The learning rate.
    pub lr: f64,
    /// L2 penalty.
    pub weight_decay: f64,
    /// L1 penalty.
    pub l1: f64,
    /// How much of the last direction is kept.
    pub momentum: f64,
    /// How much of the new direction is left out of it.
    pub dampening: f64,
    /// Whether the step looks ahead along the momentum.
    pub nesterov: bool,
}

impl StepRule {
    /// θ ← θ − `lr`·g.
    pub fn plain(lr: f64) -> Self {
        Self { lr, ..Self::default() }
    }

    /// The same for a bias, which L1 leaves alone.
    pub(crate) fn without_l1(self) -> Self {
        Self { l1: 0.0, ..self }
    }

    /// Whether there is neither a penalty nor momentum.
    pub fn is_plain(self) -> bool {
        self.weight_decay == 0.0 && self.l1 == 0.0 && self.momentum == 0.0
    }
}

/// Where steps of one row each look at rows to come, they do within so many, counted from the first row of the epoch.
pub(crate) const TOGETHER: usize = 16;

/// The losses of steps taken one after the other.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct StepLosses {
    /// Steps taken.
    pub n_steps: u64,
    /// The loss of the last batch, before its step.
    pub last: LossSum,
    /// The losses of all batches, added in their order.
    pub total: LossSum,
}

impl StepLosses {
    /// No step yet, and losses to go on from.
    pub fn after(total: LossSum) -> Self {
        Self { n_steps: 0, last: LossSum::default(), total }
    }

    /// Notes a step.
    #[inline]
    pub fn push(&mut self, loss: LossSum) {
        self.n_steps += 1;
        self.last = loss;
        self.total += loss;
    }
}

/// Something to go down on.
///
/// Two methods are enough ([`Objective::n_parameters`], [`Objective::loss_and_gradient`]); the others have defaults
/// that work for any objective and are there to be made faster or richer. An objective may keep scratch memory, hence
/// `&mut self`, but its answers depend on θ and the rows alone.
pub trait Objective: Send {
    /// The length of θ.
    fn n_parameters(&self) -> usize;

    /// The rows there are. A function without data has one.
    fn n_rows(&self) -> usize {
        1
    }

    /// Told before each epoch of small batches in which order its rows will be asked for, so that rows that are not in
    /// memory can be fetched in time.
    fn begin_epoch(&mut self, rows: &Batch<'_>) {
        let _ = rows;
    }

    /// Adds Σ ∇ℓ over the batch to `gradient` and returns Σ ℓ, both at θ.
    fn loss_and_gradient(&mut self, theta: &[f32], batch: Batch<'_>, gradient: &mut Gradient) -> LossSum;

    /// Σ ℓ over the batch at θ.
    fn loss(&mut self, theta: &[f32], batch: Batch<'_>) -> LossSum {
        let mut unused = self.gradient();
        self.loss_and_gradient(theta, batch, &mut unused)
    }

    /// Takes steps by a rule, one a batch, without handing out gradients, where the objective can; each equal to the
    /// unfused step up to rounding. Tells `losses` Σ ℓ of each batch *before* its step, and ends early after a step whose
    /// loss is not finite. Says whether the steps were taken.
    ///
    /// How the steps of a run are shared out among calls must change no bit, as long as calls end where
    /// [`Objective::steps_between_looks`] allows. What one call has to hand to the next for that stands in `ahead`, which
    /// belongs to θ: see [`State::ahead`](crate::state::State::ahead). `velocity` is the momentum buffer: empty without momentum
    /// and before the first step.
    fn fused_steps(
        &mut self,
        theta: &mut [f32],
        velocity: &mut [f32],
        ahead: &mut Vec<f32>,
        batches: &Batches<'_>,
        rule: StepRule,
        losses: &mut StepLosses,
    ) -> bool {
        let _ = (theta, velocity, ahead, batches, rule, losses);
        false
    }

    /// θ is to be looked at only after every so many steps of an epoch, its last, and the last of the run. More than one
    /// where a look is dear: where a step touches few of many parameters, and a look has to go through all of them.
    fn steps_between_looks(&self, batch_size: usize, rule: StepRule) -> u64 {
        let _ = (batch_size, rule);
        1
    }

    /// The threads that share a step of so many rows, if any do. A run stays among them from its beginning to its end, and they
    /// stay awake.
    fn pool_of_steps(&self, batch_size: usize) -> Option<Arc<ThreadPool>> {
        let _ = batch_size;
        None
    }

    /// A gradient of zeros, of the kind this objective fills fastest.
    fn gradient(&self) -> Gradient {
        Gradient::dense(self.n_parameters())
    }

    /// The loss and all that can be said about the quality of θ on all rows.
    fn evaluate(&mut self, theta: &[f32]) -> Metrics {
        Metrics { loss: self.loss(theta, Batch::all(self.n_rows())).mean(), ..Metrics::default() }
    }

    /// The product with H, the second derivative of the mean loss over the batch at θ: `out` ← H·v for any v.
    ///
    /// The default takes differences of gradients, (∇f(θ + εv) − ∇f(θ − εv))/2ε.
    fn curvature<'a>(&'a mut self, theta: &'a [f32], batch: Batch<'a>) -> CurvatureProduct<'a> {
        Box::new(move |vector, out| differences_of_gradients(self, theta, &batch, vector, out))
    }

    /// The diagonal of H, laid out as θ, if that is cheap to tell.
    fn curvature_diagonal(&mut self, theta: &[f32], batch: Batch<'_>) -> Option<Vec<f64>> {
        let _ = (theta, batch);
        None
    }

    /// ‖∇ℓᵢ‖² of each row of the batch at θ. The default takes the gradient of each.
    fn squared_gradient_norms(&mut self, theta: &[f32], batch: Batch<'_>) -> Vec<f64> {
        let mut gradient = self.gradient();
        let squared_norm = |position: usize| {
            gradient.clear();
            self.loss_and_gradient(theta, batch.part(position..position + 1), &mut gradient);
            gradient.norm().powi(2)
        };
        (0..batch.len()).map(squared_norm).collect()
    }

    /// The largest curvature of a single row's loss at θ, for every row, if that is cheap to tell.
    fn row_curvatures(&mut self, theta: &[f32]) -> Option<Vec<f64>> {
        let _ = theta;
        None
    }

    /// Whether one row far off can pull without bound: the derivative of its loss grows with its error.
    fn is_pulled_by_outliers(&self) -> bool {
        true
    }

    /// Whether the loss bends nowhere more than where all parameters are zero, so that a rate that is safe there is safe
    /// everywhere.
    fn bends_most_at_zero(&self) -> bool {
        false
    }

    /// The named parts of θ; none if they have no names.
    fn parts(&self) -> Vec<Part> {
        Vec::new()
    }
}

/// What H·v is asked of: from a vector v as long as θ to H·v.
pub type CurvatureProduct<'a> = Box<dyn FnMut(&[f64], &mut [f64]) + 'a>;

/// `out` ← (∇f(θ + εv) − ∇f(θ − εv))/2ε, close to H·v.
fn differences_of_gradients<O: Objective + ?Sized>(
    objective: &mut O,
    theta: &[f32],
    batch: &Batch<'_>,
    vector: &[f64],
    out: &mut [f64],
) {
    let norm = vector.iter().map(|v| v * v).sum::<f64>().sqrt();
    if norm == 0.0 {
        return out.fill(0.0);
    }
    // Rounding of θ to f32 asks for a large ε, curvature of higher order for a small one.
    let scale = theta.iter().fold(1.0_f64, |largest, &t| largest.max(f64::from(t).abs()));
    let epsilon = 1e-2 * scale / norm;
    let mut side = |sign: f64| {
        let moved: Vec<f32> =
            theta.iter().zip(vector).map(|(&t, v)| (f64::from(t) + sign * epsilon * v) as f32).collect();
        let mut gradient = objective.gradient();
        let n_rows = objective.loss_and_gradient(&moved, batch.clone(), &mut gradient).n_rows as f64;
        (gradient, n_rows)
    };
    let (up, n_rows) = side(1.0);
    let (down, _) = side(-1.0);
    for ((out, &up), &down) in out.iter_mut().zip(up.values()).zip(down.values()) {
        *out = (f64::from(up) - f64::from(down)) / (2.0 * epsilon * n_rows);
    }
}
