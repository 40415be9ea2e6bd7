//! Stochastic descent on sparse rows of one score: a step a row.
//!
//! A row says nothing of most weights, but penalties and momentum change them all. There are four ways to go about that, for all
//! of which the loop is the same: leave them, where nothing changes them; take weight decay together ([`Decay`]); step on
//! all of them, where they are few or cannot wait; or make up for it when they are next needed ([`Lazy`]).

use super::descent::Record;
use super::lanes::Lanes;
use super::losses::derivative_of_one;
use super::slices::scale;
use super::sparse::{AHEAD, add, dot, prefetch};
use super::update::RuleLanes;
use super::{Kernel, Targets};
use crate::data::Csr;
use crate::loader::Batch;
use crate::loss::Loss;
use crate::objective::{Lazy, Moving, StepLosses, StepRule};

/// A step down w∇ℓ for one row of one score after the other.
pub(crate) struct SparseOneRowSteps<'a> {
    /// The loss, not cross-entropy.
    pub(crate) loss: Loss,
    /// The table.
    pub(crate) x: &'a Csr,
    /// Its rows, in the order of their steps.
    pub(crate) batch: &'a Batch<'a>,
    /// The targets and weights of all rows of the table.
    pub(crate) targets: Targets<'a>,
    /// How a step is taken.
    pub(crate) rule: StepRule,
    /// Weights, and the bias behind them.
    pub(crate) theta: &'a mut [f32],
    /// As many velocities, or none without momentum.
    pub(crate) velocity: &'a mut [f32],
    /// What is done about weights that a row has no value for.
    pub(crate) others: Others<'a>,
    /// What the steps are told to; the first without a finite loss is the last.
    pub(crate) losses: &'a mut StepLosses,
}

/// Weights that a row has no value for.
pub(crate) enum Others<'a> {
    /// Nothing changes them but weight decay.
    Alike,
    /// Every step changes all. Needs a zero for every column, and leaves them so.
    Stepped(&'a mut [f32]),
    /// They wait; all are to be brought up to date before the first step and after the last.
    Wait(&'a mut Lazy),
}

impl Kernel for SparseOneRowSteps<'_> {
    type Output = ();

    #[inline(always)]
    fn run<V: Lanes>(mut self) {
        let rule = self.rule;
        match std::mem::replace(&mut self.others, Others::Alike) {
            Others::Alike if rule.weight_decay > 0.0 => {
                self.steps::<V>(Decaying {
                    minus_lr: -rule.lr as f32,
                    decay: Decay::begin(rule.lr, rule.weight_decay),
                });
            }
            Others::Alike => self.steps::<V>(Plain { minus_lr: -rule.lr as f32 }),
            Others::Stepped(zeros) => self.steps::<V>(Stepped { lanes: RuleLanes::<V>::of(rule, false), row: zeros }),
            Others::Wait(lazy) => self.steps::<V>(Waiting(lazy)),
        }
    }
}

impl SparseOneRowSteps<'_> {
    #[inline(always)]
    fn steps<V: Lanes>(self, mut way: impl Way) {
        let mut record = Record::new(self.loss);
        let mut moving = Moving { theta: self.theta, velocity: self.velocity };
        for position in 0..self.batch.len() {
            prefetch::<V>(self.x, self.batch, position + AHEAD, &Csr::BOTH);
            self.targets.prefetch::<V>(self.batch, position + AHEAD..position + AHEAD + 1);
            let number = self.batch.row(position);
            let row = self.x.row(number);
            way.meet(row, &mut moving, position);
            let score = way.score(row, &mut moving);
            let (target, row_weight) = (self.targets.value(number), self.targets.weight(number));
            let slope = derivative_of_one::<V>(self.loss, score, target, way.factor() * row_weight);
            way.step(slope, row, &mut moving, position);
            if record.push::<V>(score, target, row_weight, self.losses) {
                break;
            }
        }
        record.flush::<V>(self.losses);
        way.end(&mut moving);
    }
}

/// The columns of a row's values, and the values.
type Row<'a> = (&'a [u32], &'a [f32]);

/// How steps are taken.
trait Way {
    /// How many times a slope is asked for.
    #[inline(always)]
    fn factor(&self) -> f32 {
        1.0
    }

    /// Before a row is scored.
    #[inline(always)]
    fn meet(&mut self, _: Row<'_>, _: &mut Moving<'_>, _: usize) {}

    /// The score of a row.
    #[inline(always)]
    fn score(&self, row: Row<'_>, moving: &mut Moving<'_>) -> f32 {
        let (weight, bias) = moving.weight_and_bias();
        dot(row, weight, 0) + *bias
    }

    /// The step of a row that was scored.
    fn step(&mut self, slope: f32, row: Row<'_>, moving: &mut Moving<'_>, position: usize);

    /// After the last step.
    #[inline(always)]
    fn end(self, _: &mut Moving<'_>)
    where
        Self: Sized,
    {
    }
}

struct Plain {
    minus_lr: f32,
}

impl Way for Plain {
    #[inline(always)]
    fn factor(&self) -> f32 {
        self.minus_lr
    }

    #[inline(always)]
    fn step(&mut self, step: f32, row: Row<'_>, moving: &mut Moving<'_>, _: usize) {
        let (weight, bias) = moving.weight_and_bias();
        *bias += step;
        add(step, row, weight, 0);
    }
}

struct Decaying {
    minus_lr: f32,
    decay: Decay,
}

impl Way for Decaying {
    #[inline(always)]
    fn factor(&self) -> f32 {
        self.minus_lr
    }

    #[inline(always)]
    fn score(&self, row: Row<'_>, moving: &mut Moving<'_>) -> f32 {
        let (weight, bias) = moving.weight_and_bias();
        self.decay.c().mul_add(dot(row, weight, 0), *bias)
    }

    #[inline(always)]
    fn step(&mut self, step: f32, row: Row<'_>, moving: &mut Moving<'_>, _: usize) {
        let (weight, bias) = moving.weight_and_bias();
        *bias = self.decay.kept().mul_add(*bias, step);
        add(step * self.decay.step(weight), row, weight, 0);
    }

    #[inline(always)]
    fn end(mut self, moving: &mut Moving<'_>) {
        self.decay.end(moving.weight_and_bias().0);
    }
}

struct Stepped<'a, V> {
    lanes: RuleLanes<V>,
    /// The row from when it is met to its step, else zeros.
    row: &'a mut [f32],
}

impl<V: Lanes> Way for Stepped<'_, V> {
    #[inline(always)]
    fn meet(&mut self, row: Row<'_>, _: &mut Moving<'_>, _: usize) {
        // Here already, so that what is written one by one is there when it is read sixteen at a time.
        for (&column, &value) in row.0.iter().zip(row.1) {
            self.row[column as usize] = value;
        }
    }

    #[inline(always)]
    fn step(&mut self, slope: f32, row: Row<'_>, moving: &mut Moving<'_>, _: usize) {
        self.lanes.update_with_bias(slope, (self.row, &[1.0]), moving.velocity, moving.theta);
        for &column in row.0 {
            self.row[column as usize] = 0.0;
        }
    }
}

struct Waiting<'a>(&'a mut Lazy);

impl Way for Waiting<'_> {
    #[inline(always)]
    fn meet(&mut self, row: Row<'_>, moving: &mut Moving<'_>, position: usize) {
        for &column in row.0 {
            self.0.catch_up(moving, column as usize, position);
        }
    }

    #[inline(always)]
    fn step(&mut self, slope: f32, row: Row<'_>, moving: &mut Moving<'_>, position: usize) {
        for (&column, &value) in row.0.iter().zip(row.1) {
            self.0.step(moving, column as usize, f64::from(slope * value), position);
        }
        self.0.step(moving, moving.theta.len() - 1, f64::from(slope), position);
    }
}

/// What weight decay makes of all weights alike. They are c·u, where each step makes c smaller and changes u where its rows have
/// values; at the end, or where c becomes very small, it goes into all of them (Shalev-Shwartz et al. 2011, "Pegasos").
pub(crate) struct Decay {
    kept: f64,
    c: f64,
}

impl Decay {
    /// Where c is smaller it goes into the weights: u is larger by as much, and must stay a number.
    const SMALLEST: f64 = 1e-6;

    /// Weights as they are, before steps that keep 1 − lr·`weight_decay` of them.
    pub(crate) fn begin(lr: f64, weight_decay: f64) -> Self {
        Self { kept: 1.0 - lr * weight_decay, c: 1.0 }
    }

    /// What a step keeps of a bias.
    #[inline(always)]
    pub(crate) fn kept(&self) -> f32 {
        self.kept as f32
    }

    /// How many times u the weights are.
    #[inline(always)]
    pub(crate) fn c(&self) -> f32 {
        self.c as f32
    }

    /// Makes all weights smaller by a step, and tells how many times what is added to them is to be added to u.
    #[inline(always)]
    pub(crate) fn step(&mut self, u: &mut [f32]) -> f32 {
        self.c *= self.kept;
        if self.c < Self::SMALLEST {
            self.end(u);
        }
        (1.0 / self.c) as f32
    }

    /// Makes u the weights.
    pub(crate) fn end(&mut self, u: &mut [f32]) {
        if self.c < 1.0 {
            scale(self.c as f32, u);
        }
        self.c = 1.0;
    }
}
