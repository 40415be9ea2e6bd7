//! Dense rows of one score: gradients of many, and steps of small batches.
//!
//! Each row is read once: scored, derived and added to the gradient while it is in the first cache. Weights of up to 64 columns,
//! and their gradient, stay in registers for as many steps as are asked for, or, where there are too few, near by; velocities
//! stay near by.

use std::ops::{Deref, Range};

use super::lanes::{LANES, Lanes, Wanted};
use super::losses::Sum;
use super::slices::Axpy;
use super::tiles::dots;
use super::update::RuleLanes;
use super::{Kernel, Rows, Targets};
use crate::data::{Dataset, Matrix};
use crate::loader::Batch;
use crate::loss::Loss;
use crate::objective::{LossSum, StepLosses, StepRule};

/// Rows of one score each, and what their losses are told.
pub(crate) struct LinearRows<'a> {
    /// The loss, not cross-entropy.
    pub(crate) loss: Loss,
    /// The rows.
    pub(crate) x: Rows<'a>,
    /// The targets and weights of all rows of the table.
    pub(crate) targets: Targets<'a>,
    /// Rows of the table that are wanted behind these, of which the first are fetched.
    pub(crate) next: Option<Batch<'a>>,
}

impl<'a> LinearRows<'a> {
    /// Rows of a table, and those that are wanted behind them.
    pub(crate) fn of(loss: Loss, data: &'a Dataset, x: &'a Matrix, rows: &Batch<'a>, next: Option<&Batch<'a>>) -> Self {
        let x = Rows::new(x.values(), x.n_columns(), rows.clone());
        Self { loss, x, targets: Targets::of(data), next: next.cloned() }
    }

    /// Adds `factor` times Σ w∇ℓ of the rows at some positions to a gradient and returns their Σ wℓ: each row is scored and
    /// added while it is in the cache. Rows behind them are fetched.
    #[inline(always)]
    fn add_gradient<V: Lanes>(&self, positions: Range<usize>, factor: f32, to: &mut impl Gradient<V>) -> f64 {
        let (width, batch) = (self.x.width(), self.x.which());
        let (mut sum, mut of_bias) = (Sum::ZERO, V::splat(0.0));
        let whole = (CACHED / width / LANES * LANES).clamp(LANES, MOST_ROWS);
        let mut places = [[std::ptr::null(); LANES]; MOST_ROWS / LANES];
        let mut steps = [[0.0; LANES]; MOST_ROWS / LANES];
        // All rows of a group are scored, then derived, then added: three loops without a chain from one turn to the next.
        // Each asks for some of the rows ahead, if they are short: there are places for sixteen lines on their way, and whoever
        // asks for more waits (32 columns took 8.2 instead of 9.3 ns a row; Intel Xeon, family 6, model 207).
        for start in positions.clone().step_by(whole) {
            let n = whole.min(positions.end - start);
            let n_lanes = n.div_ceil(LANES);
            let mut coming = Coming::new(self, start + whole, n, to.n_lines());
            for (index, (places, scores)) in places.iter_mut().zip(&mut steps[..n_lanes]).enumerate() {
                *places = self.x.places::<LANES>(start + index * LANES);
                if coming.are_long() {
                    coming.fetch::<V, LANES>();
                } else {
                    coming.fetch::<V, 6>();
                }
                // SAFETY: the rows are `width` wide, as `must_suit` has seen of the weights.
                unsafe { to.scores(places) }.store(scores);
            }
            for (index, steps) in steps[..n_lanes].iter_mut().enumerate() {
                coming.fetch::<V, 4>();
                let n = LANES.min(n - index * LANES);
                let targets = self.targets.values_at::<V>(batch, start + index * LANES, n);
                let weights = self.targets.weights_at::<V>(batch, start + index * LANES, n);
                let (values, derivatives) = self.loss.of_score(V::load(steps), targets, V::splat(factor) * weights);
                sum.add(values * weights, n);
                derivatives.store(steps);
                steps[n..].fill(0.0);
                of_bias = of_bias + V::load(steps);
            }
            for (index, (places, steps)) in places.iter().zip(&steps[..n_lanes]).enumerate() {
                coming.fetch::<V, 6>();
                let n = LANES.min(n - index * LANES);
                // SAFETY: the rows are `width` wide.
                unsafe { to.add(&places[..n], &steps[..n]) };
            }
        }
        to.add_bias(of_bias.sum());
        sum.total()
    }

    /// A step on each batch, one after the other; the first without a finite loss is the last.
    #[inline(always)]
    fn take_steps<V: Lanes>(
        &self,
        batch_size: usize,
        rule: StepRule,
        velocity: &mut [f32],
        losses: &mut StepLosses,
        on: &mut impl Steps<V>,
    ) {
        let (n_rows, lanes) = (self.x.len(), RuleLanes::of(rule, false));
        for start in (0..n_rows).step_by(batch_size) {
            let positions = start..(start + batch_size).min(n_rows);
            let n = positions.len();
            on.clear();
            let sum = self.add_gradient(positions, 1.0, on);
            if rule.is_plain() {
                on.step((-rule.lr / n as f64) as f32);
            } else {
                on.step_by(lanes, (1.0 / n as f64) as f32, velocity);
            }
            losses.push(LossSum::new(sum, n));
            if !sum.is_finite() {
                break;
            }
        }
    }

    /// # Panics
    /// Unless θ and a gradient have a weight for every column, and a bias.
    #[inline(always)]
    fn must_suit(&self, theta: &[f32], gradient: &[f32]) {
        let n_parameters = self.x.width() + 1;
        assert!(theta.len() == n_parameters && gradient.len() == n_parameters, "a weight for every column, and a bias");
    }
}

/// Rows that are scored before the first is added: as many as have about so many numbers, which the first cache holds,
const CACHED: usize = 4096;
/// and no more than this.
const MOST_ROWS: usize = 64;

/// Rows that come next, if they have to be asked for: neighbours are fetched by the machine itself.
struct Coming<'a> {
    rows: &'a LinearRows<'a>,
    n_lines: usize,
    numbers: &'a [u32],
}

impl<'a> Coming<'a> {
    /// So many rows from a position on, as far as they are there, of which so many lines are worth asking for. Where there is
    /// none, those that come behind them.
    #[inline(always)]
    fn new(rows: &'a LinearRows<'a>, start: usize, n: usize, n_lines: usize) -> Self {
        let (which, start) = match &rows.next {
            Some(next) if start >= rows.x.len() => (next, start - rows.x.len()),
            _ => (rows.x.which(), start),
        };
        let Batch::Rows(numbers) = which else { return Self { rows, n_lines, numbers: &[] } };
        let end = (start + n).min(numbers.len());
        Self { rows, n_lines, numbers: &numbers[start.min(end)..end] }
    }

    /// Whether they are so long that the first lines of many are better asked for at once: where a row lies on a page that the
    /// machine has not seen lately, asking waits for the page to be looked up, and many look-ups at once take hardly longer
    /// than one. And so long that the first cache has no places for all that are on their way: asked for into the second, 128
    /// columns from memory took 80 instead of 98 ns a row (Intel Xeon, family 6, model 167); but 32 columns took 20 instead of 12
    /// (model 207).
    #[inline(always)]
    fn are_long(&self) -> bool {
        self.n_lines > 4
    }

    /// Asks for the next N and what they are held against.
    #[inline(always)]
    fn fetch<V: Lanes, const N: usize>(&mut self) {
        if let Some((numbers, rest)) = self.numbers.split_first_chunk::<N>() {
            self.ask_for::<V>(numbers);
            self.numbers = rest;
        } else {
            self.ask_for::<V>(self.numbers);
            self.numbers = &[];
        }
    }

    #[inline(always)]
    fn ask_for<V: Lanes>(&self, numbers: &[u32]) {
        let (n_first, wanted) = if self.are_long() { (1, Wanted::Soon) } else { (self.n_lines, Wanted::Next) };
        for &number in numbers {
            self.rows.x.fetch::<V>(number, 0..n_first, wanted);
            self.rows.targets.fetch::<V>(number);
        }
        if n_first < self.n_lines {
            for &number in numbers {
                self.rows.x.fetch::<V>(number, n_first..self.n_lines, wanted);
            }
        }
    }
}

/// Weights and a bias, and a gradient that is summed up beside them.
trait Gradient<V: Lanes> {
    /// Cache lines of a row that are worth asking for.
    fn n_lines(&self) -> usize;

    /// The scores of sixteen rows.
    ///
    /// # Safety
    /// At every place as many numbers can be read as there are weights.
    unsafe fn scores(&self, rows: &[*const f32; LANES]) -> V;

    /// Adds so many times each row.
    ///
    /// # Safety
    /// At every place as many numbers can be read as there are weights.
    unsafe fn add(&mut self, rows: &[*const f32], steps: &[f32]);

    /// Adds to the bias what stands in every lane.
    fn add_bias(&mut self, step: V);
}

/// The same, to step on.
trait Steps<V: Lanes>: Gradient<V> {
    /// The gradient is zero.
    fn clear(&mut self);

    /// θ ← θ + α·gradient.
    fn step(&mut self, alpha: f32);

    /// A step by another rule, down `factor` times the gradient; there are no velocities without momentum.
    fn step_by(&mut self, rule: RuleLanes<V>, factor: f32, velocity: &mut [f32]);
}

/// Of rows of up to C·16 columns, and of just so many if `WHOLE`; numbers beyond the last are zero and see only zeros.
struct InRegisters<V, const C: usize, const WHOLE: bool> {
    width: usize,
    weight: [V; C],
    bias: V,
    /// Rows are added to two sums in turn, so that none waits for the one before.
    of_weight: [[V; C]; 2],
    of_bias: V,
}

impl<V: Lanes, const C: usize, const WHOLE: bool> InRegisters<V, C, WHOLE> {
    /// Weights and a gradient, each with its bias behind it.
    ///
    /// # Panics
    /// If one is longer than the other, or has more weights than there are lanes, or fewer if `WHOLE`.
    #[inline(always)]
    fn load(theta: &[f32], gradient: &[f32]) -> Self {
        let width = theta.len() - 1;
        assert!(gradient.len() == theta.len() && width <= C * LANES, "weights and their gradient find room");
        assert!(!WHOLE || width == C * LANES, "rows are whole");
        let (none, bias) = ([V::splat(0.0); C], V::splat(theta[width]));
        let mut this = Self { width, weight: none, bias, of_weight: [none; 2], of_bias: V::splat(gradient[width]) };
        for c in 0..C {
            // SAFETY: both slices have `width` numbers and one more.
            this.weight[c] = unsafe { this.sixteen(theta.as_ptr(), c) };
            // SAFETY: the same.
            this.of_weight[0][c] = unsafe { this.sixteen(gradient.as_ptr(), c) };
        }
        this
    }

    /// The c-th sixteen numbers of a row.
    ///
    /// # Safety
    /// At the place `width` numbers can be read.
    #[inline(always)]
    unsafe fn sixteen(&self, row: *const f32, c: usize) -> V {
        if WHOLE {
            // SAFETY: a row of whole lines has them all.
            return unsafe { V::load_from(row.add(c * LANES)) };
        }
        let start = (c * LANES).min(self.width);
        // SAFETY: no more than the row has.
        unsafe { V::load_first(row.add(start), (self.width - start).min(LANES)) }
    }

    /// One sum instead of two.
    #[inline(always)]
    fn add_up(&mut self) {
        for c in 0..C {
            self.of_weight[0][c] = self.of_weight[0][c] + self.of_weight[1][c];
            self.of_weight[1][c] = V::splat(0.0);
        }
    }
}

/// Writes weights and a bias.
#[inline(always)]
fn store<V: Lanes, const C: usize>(weight: [V; C], bias: V, out: &mut [f32]) {
    let (of_weight, of_bias) = out.split_at_mut(out.len() - 1);
    of_weight.chunks_mut(LANES).zip(weight).for_each(|(out, lanes)| lanes.store_part(out));
    of_bias[0] = bias.first();
}

impl<V: Lanes, const C: usize, const WHOLE: bool> Gradient<V> for InRegisters<V, C, WHOLE> {
    #[inline(always)]
    fn n_lines(&self) -> usize {
        if C <= 2 { C } else { self.width.div_ceil(LANES) }
    }

    #[inline(always)]
    unsafe fn scores(&self, rows: &[*const f32; LANES]) -> V {
        let mut sums = [V::splat(0.0); LANES];
        for r in 0..LANES {
            for c in 0..C {
                // SAFETY: by contract.
                sums[r] = self.weight[c].mul_add(unsafe { self.sixteen(rows[r], c) }, sums[r]);
            }
        }
        V::sums(sums) + self.bias
    }

    #[inline(always)]
    unsafe fn add(&mut self, rows: &[*const f32], steps: &[f32]) {
        let (pairs, last) = rows.as_chunks::<2>();
        let (steps, step_of_last) = steps.as_chunks::<2>();
        for (rows, steps) in pairs.iter().zip(steps) {
            for k in 0..2 {
                let step = V::splat(steps[k]);
                for c in 0..C {
                    // SAFETY: by contract.
                    self.of_weight[k][c] = step.mul_add(unsafe { self.sixteen(rows[k], c) }, self.of_weight[k][c]);
                }
            }
        }
        if let (&[row], &[step]) = (last, step_of_last) {
            for c in 0..C {
                // SAFETY: by contract.
                self.of_weight[0][c] = V::splat(step).mul_add(unsafe { self.sixteen(row, c) }, self.of_weight[0][c]);
            }
        }
    }

    #[inline(always)]
    fn add_bias(&mut self, step: V) {
        self.of_bias = self.of_bias + step;
    }
}

impl<V: Lanes, const C: usize, const WHOLE: bool> Steps<V> for InRegisters<V, C, WHOLE> {
    #[inline(always)]
    fn clear(&mut self) {
        (self.of_weight, self.of_bias) = ([[V::splat(0.0); C]; 2], V::splat(0.0));
    }

    #[inline(always)]
    fn step(&mut self, alpha: f32) {
        self.add_up();
        let alpha = V::splat(alpha);
        for c in 0..C {
            self.weight[c] = alpha.mul_add(self.of_weight[0][c], self.weight[c]);
        }
        self.bias = alpha.mul_add(self.of_bias, self.bias);
    }

    #[inline(always)]
    fn step_by(&mut self, rule: RuleLanes<V>, factor: f32, velocity: &mut [f32]) {
        self.add_up();
        let factor = V::splat(factor);
        let slope_of_bias = factor * self.of_bias;
        let Some((of_bias, of_weight)) = velocity.split_last_mut() else {
            for c in 0..C {
                self.weight[c] = rule.step(self.weight[c], factor * self.of_weight[0][c]);
            }
            self.bias = rule.sparing().step(self.bias, slope_of_bias);
            return;
        };
        for (c, velocity) in of_weight.chunks_mut(LANES).enumerate() {
            let slope = factor * self.of_weight[0][c];
            let after = rule.step_with_momentum(self.weight[c], V::load_part(velocity), slope);
            self.weight[c] = after[0];
            after[1].store_part(velocity);
        }
        let after = rule.sparing().step_with_momentum(self.bias, V::splat(*of_bias), slope_of_bias);
        (self.bias, *of_bias) = (after[0], after[1].first());
    }
}

/// Of any rows.
struct InMemory<'a, T> {
    theta: T,
    gradient: &'a mut [f32],
}

impl<V: Lanes, T: Deref<Target = [f32]>> Gradient<V> for InMemory<'_, T> {
    #[inline(always)]
    fn n_lines(&self) -> usize {
        /// Farther on, the machine has noticed that a row is read in order.
        const LINES: usize = 8;
        (self.theta.len() - 1).div_ceil(LANES).min(LINES)
    }

    #[inline(always)]
    unsafe fn scores(&self, rows: &[*const f32; LANES]) -> V {
        let width = self.theta.len() - 1;
        // SAFETY: rows and weights are `width` wide.
        let products = unsafe { dots::<V, LANES, 1>(*rows, [self.theta.as_ptr()], width, None) };
        products + V::splat(self.theta[width])
    }

    #[inline(always)]
    unsafe fn add(&mut self, rows: &[*const f32], steps: &[f32]) {
        let of_weight = &mut self.gradient[..self.theta.len() - 1];
        // SAFETY: the rows are as wide as their sum.
        unsafe { add_rows::<V>(rows, steps, of_weight) };
    }

    #[inline(always)]
    fn add_bias(&mut self, step: V) {
        self.gradient[self.theta.len() - 1] += step.first();
    }
}

impl<V: Lanes> Steps<V> for InMemory<'_, &mut [f32]> {
    #[inline(always)]
    fn clear(&mut self) {
        self.gradient.fill(0.0);
    }

    #[inline(always)]
    fn step(&mut self, alpha: f32) {
        Axpy(alpha, self.gradient, self.theta).run::<V>();
    }

    #[inline(always)]
    fn step_by(&mut self, rule: RuleLanes<V>, factor: f32, velocity: &mut [f32]) {
        let width = self.theta.len() - 1;
        rule.update_with_bias(factor, self.gradient.split_at(width), velocity, self.theta);
    }
}

/// Σ wℓ of some of the rows and the sum of their gradients.
pub(crate) struct LinearGradient<'a> {
    /// The rows.
    pub(crate) rows: LinearRows<'a>,
    /// Which of them.
    pub(crate) positions: Range<usize>,
    /// Weights, and the bias behind them.
    pub(crate) theta: &'a [f32],
    /// What every derivative is multiplied by.
    pub(crate) factor: f32,
    /// Where the sum is added, shaped as θ.
    pub(crate) into: &'a mut [f32],
}

impl Kernel for LinearGradient<'_> {
    type Output = f64;

    #[inline(always)]
    fn run<V: Lanes>(self) -> f64 {
        self.rows.must_suit(self.theta, self.into);
        match self.rows.x.width() {
            ..=16 => self.in_registers::<V, 1, false>(),
            32 => self.in_registers::<V, 2, true>(),
            17..=31 => self.in_registers::<V, 2, false>(),
            33..=64 => self.in_registers::<V, 4, false>(),
            _ => {
                let mut to = InMemory { theta: self.theta, gradient: self.into };
                self.rows.add_gradient::<V>(self.positions, self.factor, &mut to)
            }
        }
    }
}

impl LinearGradient<'_> {
    #[inline(always)]
    fn in_registers<V: Lanes, const C: usize, const WHOLE: bool>(self) -> f64 {
        let mut to = InRegisters::<V, C, WHOLE>::load(self.theta, self.into);
        let sum = self.rows.add_gradient(self.positions, self.factor, &mut to);
        to.add_up();
        store(to.of_weight[0], to.of_bias, self.into);
        sum
    }
}

/// A step down (1/B) Σ w∇ℓ for one small batch of B rows after the other.
pub(crate) struct LinearSteps<'a> {
    /// The rows, in the order of their batches.
    pub(crate) rows: LinearRows<'a>,
    /// Rows in a batch; the last may have fewer.
    pub(crate) batch_size: usize,
    /// How a step is taken.
    pub(crate) rule: StepRule,
    /// Weights, and the bias behind them.
    pub(crate) theta: &'a mut [f32],
    /// As many velocities, or none without momentum.
    pub(crate) velocity: &'a mut [f32],
    /// Scratch, as long as θ.
    pub(crate) gradient: &'a mut [f32],
    /// What the steps are told to; the first without a finite loss is the last.
    pub(crate) losses: &'a mut StepLosses,
}

impl Kernel for LinearSteps<'_> {
    type Output = ();

    #[inline(always)]
    fn run<V: Lanes>(self) {
        self.rows.must_suit(self.theta, self.gradient);
        let n_velocities = if self.rule.momentum > 0.0 { self.theta.len() } else { 0 };
        assert_eq!(self.velocity.len(), n_velocities, "velocities are there with momentum alone");
        match self.rows.x.width() {
            ..=16 => self.in_registers::<V, 1, false>(),
            32 => self.in_registers::<V, 2, true>(),
            17..=31 => self.in_registers::<V, 2, false>(),
            33..=64 => self.in_registers::<V, 4, false>(),
            _ => {
                let mut on = InMemory { theta: self.theta, gradient: self.gradient };
                self.rows.take_steps::<V>(self.batch_size, self.rule, self.velocity, self.losses, &mut on);
            }
        }
    }
}

impl LinearSteps<'_> {
    #[inline(always)]
    fn in_registers<V: Lanes, const C: usize, const WHOLE: bool>(self) {
        let mut on = InRegisters::<V, C, WHOLE>::load(self.theta, self.gradient);
        self.rows.take_steps(self.batch_size, self.rule, self.velocity, self.losses, &mut on);
        store(on.weight, on.bias, self.theta);
    }
}

/// into ← into + Σᵣ stepᵣ·rowᵣ.
///
/// # Safety
/// At every row's place as many numbers can be read as `into` holds.
#[inline(always)]
unsafe fn add_rows<V: Lanes>(rows: &[*const f32], steps: &[f32], into: &mut [f32]) {
    /// J·16 columns at once, their rows in K sums.
    macro_rules! columns {
        ($j:literal in $k:literal from $column:ident) => {
            // SAFETY: the same contract.
            unsafe { add_columns::<V, $j, $k>(rows, steps, $column, into) }
        };
    }
    let mut column = 0;
    while column < into.len() {
        column += match (into.len() - column) / LANES {
            8.. if V::MANY_REGISTERS => columns!(8 in 1 from column),
            4.. => columns!(4 in 1 from column),
            2.. => columns!(2 in 2 from column),
            1 => columns!(1 in 4 from column),
            0 => {
                let into = &mut into[column..];
                let mut sum = V::load_part(into);
                for (row, &step) in rows.iter().zip(steps) {
                    // SAFETY: the last numbers of the row.
                    let of_row = unsafe { V::load_first(row.add(column), into.len()) };
                    sum = V::splat(step).mul_add(of_row, sum);
                }
                sum.store_part(into);
                LANES
            }
        };
    }
}

/// The same for J·16 columns. Rows are added to K sums in turn, so that none waits for the one before.
///
/// # Safety
/// At every row's place as many numbers can be read as `into` holds.
#[inline(always)]
unsafe fn add_columns<V: Lanes, const J: usize, const K: usize>(
    rows: &[*const f32],
    steps: &[f32],
    column: usize,
    into: &mut [f32],
) -> usize {
    let into = &mut into[column..][..J * LANES].as_chunks_mut::<LANES>().0[..J];
    let mut sums = [[V::splat(0.0); J]; K];
    for j in 0..J {
        sums[0][j] = V::load(&into[j]);
    }
    let (rows, rest) = rows.as_chunks::<K>();
    let (steps, steps_of_rest) = steps.split_at(rows.len() * K);
    for (rows, steps) in rows.iter().zip(steps.as_chunks::<K>().0) {
        for k in 0..K {
            let step = V::splat(steps[k]);
            for j in 0..J {
                // SAFETY: these columns are columns of `into`.
                let of_row = unsafe { V::load_from(rows[k].add(column + j * LANES)) };
                sums[k][j] = step.mul_add(of_row, sums[k][j]);
            }
        }
    }
    for (row, &step) in rest.iter().zip(steps_of_rest) {
        for j in 0..J {
            // SAFETY: these columns are columns of `into`.
            let of_row = unsafe { V::load_from(row.add(column + j * LANES)) };
            sums[0][j] = V::splat(step).mul_add(of_row, sums[0][j]);
        }
    }
    for j in 0..J {
        let mut sum = sums[0][j];
        for k in 1..K {
            sum = sum + sums[k][j];
        }
        sum.store(&mut into[j]);
    }
    J * LANES
}
