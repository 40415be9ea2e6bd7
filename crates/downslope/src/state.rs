//! What must be known to go on?

use std::time::Duration;

use crate::objective::{LossSum, StepLosses};

/// All that a run is at one moment: what is in here, together with its settings and its data, decides every later bit.
/// The order of the rows is not in here: it is a function of (seed, epoch).
#[derive(Clone, Debug, PartialEq)]
pub struct State {
    /// The parameters.
    pub theta: Vec<f32>,
    /// The momentum buffer; empty before the first step and without momentum.
    pub velocity: Vec<f32>,
    /// What is known of rows to come at these parameters, where an objective looks ahead and the run is between steps of which
    /// the later were looked at ([`Objective::fused_steps`](crate::objective::Objective::fused_steps)). Whoever changes θ
    /// clears it.
    pub ahead: Vec<f32>,
    /// Steps done.
    pub step: u64,
    /// Epochs done.
    pub epoch: u64,
    /// Batches done in the epoch under way.
    pub batch: usize,
    /// The losses of those batches, each before its step.
    pub running: LossSum,
    /// Mean training loss before the first step; NaN until it is known.
    pub initial_loss: f64,
    /// The penalties before the first step, ½·`weight_decay`·‖θ‖² + `l1`·‖weights‖₁; NaN until they are known.
    pub initial_penalty: f64,
    /// Mean training loss after each epoch.
    pub train_losses: Vec<f64>,
    /// Mean validation loss after each epoch; empty where no rows are held out.
    pub validation_losses: Vec<f64>,
    /// The weights after the epoch with the lowest monitored loss; kept where there is patience.
    pub best_theta: Vec<f32>,
    /// The weights after the last epoch whose loss was not above the first; kept where the trainer backs off.
    pub last_good: Vec<f32>,
    /// That epoch.
    pub last_good_epoch: u64,
    /// How often the trainer backed off: each time it halved the rate.
    pub back_offs: u32,
    /// Time spent on steps.
    pub training_time: Duration,
}

impl State {
    /// A run that has not begun.
    pub fn new(theta: Vec<f32>) -> Self {
        Self {
            theta,
            velocity: Vec::new(),
            ahead: Vec::new(),
            step: 0,
            epoch: 0,
            batch: 0,
            running: LossSum::default(),
            initial_loss: f64::NAN,
            initial_penalty: f64::NAN,
            train_losses: Vec::new(),
            validation_losses: Vec::new(),
            best_theta: Vec::new(),
            last_good: Vec::new(),
            last_good_epoch: 0,
            back_offs: 0,
            training_time: Duration::ZERO,
        }
    }

    /// The loss that schedules, patience and targets go by, after each epoch: on the validation rows where there are
    /// any, else on the training rows.
    pub fn monitored(&self) -> &[f64] {
        if self.validation_losses.is_empty() { &self.train_losses } else { &self.validation_losses }
    }

    /// Notes steps that were taken.
    pub(crate) fn record_steps(&mut self, losses: &StepLosses) {
        self.step += losses.n_steps;
        self.batch += losses.n_steps as usize;
        self.running = losses.total;
    }

    /// Notes the weights between two epochs as good.
    pub(crate) fn keep_good(&mut self) {
        self.last_good.clone_from(&self.theta);
        self.last_good_epoch = self.epoch;
    }

    /// Goes back to the last weights that were good, at half the rate, as if the epochs that led astray had not been.
    /// The time they took stays spent.
    pub(crate) fn back_off(&mut self, steps_per_epoch: u64) {
        let best = |losses: &[f64]| (0..losses.len()).min_by(|&a, &b| losses[a].total_cmp(&losses[b]));
        if !self.best_theta.is_empty() && best(self.monitored()).is_some_and(|best| best as u64 >= self.last_good_epoch)
        {
            self.best_theta.clone_from(&self.last_good);
        }
        self.epoch = self.last_good_epoch;
        self.train_losses.truncate(self.epoch as usize);
        self.validation_losses.truncate(self.epoch as usize);
        self.theta.clone_from(&self.last_good);
        self.velocity.clear();
        self.ahead.clear();
        self.step = self.epoch * steps_per_epoch;
        (self.batch, self.running) = (0, LossSum::default());
        self.back_offs += 1;
    }

    /// Notes the end of an epoch and returns the losses of its batches.
    pub(crate) fn record_epoch(&mut self, train_loss: f64, validation_loss: Option<f64>, keeps_best: bool) -> LossSum {
        self.epoch += 1;
        self.batch = 0;
        self.train_losses.push(train_loss);
        self.validation_losses.extend(validation_loss);
        if let (true, Some((&last, before))) = (keeps_best, self.monitored().split_last())
            && before.iter().all(|&loss| last < loss)
        {
            self.best_theta.clone_from(&self.theta);
        }
        std::mem::take(&mut self.running)
    }
}
