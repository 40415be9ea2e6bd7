//! How does it all run?
//!
//! The loop: while no rule says stop, go through an epoch batch by batch, take a step on each, then look at where that
//! led. The [`Trainer`] holds what was decided before the run, [`State`] what has become of it. It prints nothing and
//! draws no conclusions ([`crate::diagnosis`] does).

use std::ops::{ControlFlow, Range};
use std::sync::Arc;
use std::time::Duration;

use crate::awake::among_awake;
use crate::clip::Clip;
use crate::clock::{Clock, Stopwatch};
use crate::error::{Error, ErrorKind, Result};
use crate::event::{BackedOff, Epoch, Event, Started, Step};
use crate::loader::{Batch, BatchSize, Batches, DataLoader, LastBatch, Order, Orders};
use crate::objective::{Gradient, LossSum, Objective, StepLosses, StepRule};
use crate::observer::{Control, Observer, Pace, tell};
use crate::schedule::{Moment, Schedule};
use crate::sgd::{Rate, Sgd};
use crate::state::State;
use crate::stop::{Course, Stop, StopReason, is_worse, leapt_out};

/// How often a run with a time limit looks at the clock.
const LOOK_AT_THE_CLOCK: Duration = Duration::from_millis(2);

/// A run that was halved so often has no rate that works.
const MOST_BACK_OFFS: u32 = 60;

/// What becomes of a run that diverges.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnDivergence {
    /// It ends.
    #[default]
    Stop,
    /// It goes back to the weights after the last epoch that had not diverged, and on at half the rate.
    BackOff,
}

/// Gradient descent on any [`Objective`].
///
/// The front page of the crate descends on Rosenbrock's function in ten lines.
#[derive(Clone, Debug)]
pub struct Trainer {
    /// The optimiser.
    pub sgd: Sgd,
    /// When to stop.
    pub stop: Stop,
    /// The rows of each step; full batches of all rows if not given.
    pub loader: Option<DataLoader>,
    /// How the rate changes.
    pub schedule: Schedule,
    /// How large a gradient may be.
    pub clip: Clip,
    /// What becomes of a run that diverges.
    pub on_divergence: OnDivergence,
    /// What time it is.
    pub clock: Clock,
}

impl Trainer {
    /// Full-batch descent at a constant rate.
    pub fn new(sgd: Sgd, stop: Stop) -> Self {
        Self {
            sgd,
            stop,
            loader: None,
            schedule: Schedule::Constant,
            clip: Clip::None,
            on_divergence: OnDivergence::Stop,
            clock: Clock::default(),
        }
    }

    /// Trains from θ, leaves the result in θ, and says why it stopped.
    ///
    /// # Errors
    /// Settings that cannot be used, all of them together.
    pub fn train(&self, objective: &mut dyn Objective, theta: &mut Vec<f32>) -> Result<StopReason> {
        let mut state = State::new(std::mem::take(theta));
        let reason = self.run(objective, None, &mut state, &mut []);
        *theta = state.theta;
        reason
    }

    /// Goes on from a state until a rule says stop, and tells the observers on the way.
    ///
    /// # Errors
    /// Settings that cannot be used, all of them together; nothing is changed then.
    pub fn run(
        &self,
        objective: &mut dyn Objective,
        validation: Option<&mut dyn Objective>,
        state: &mut State,
        observers: &mut [&mut dyn Observer],
    ) -> Result<StopReason> {
        self.check(objective, state)?;
        let pool = objective.pool_of_steps(self.loader.as_ref().map_or(objective.n_rows(), DataLoader::batch_size));
        Ok(among_awake(pool.as_deref(), || self.go_on(objective, validation, state, observers)))
    }

    fn go_on(
        &self,
        objective: &mut dyn Objective,
        mut validation: Option<&mut dyn Objective>,
        state: &mut State,
        observers: &mut [&mut dyn Observer],
    ) -> StopReason {
        let mut descent = Descent::new(self, objective, state);
        if state.initial_loss.is_nan() {
            state.initial_loss = objective.loss(&state.theta, Batch::all(objective.n_rows())).mean();
        }
        if state.initial_penalty.is_nan() {
            state.initial_penalty = self.sgd.penalty(&state.theta, &descent.shrunk);
        }
        let wanted = tell(observers, &Event::Started(descent.started(state)), state);
        let reason = loop {
            if wanted == Control::Stop {
                break StopReason::Interrupted;
            }
            if state.batch == 0 {
                match self.stop.between_epochs(state, descent.course()) {
                    Some(StopReason::Diverged) if descent.backs_off(state, observers) => continue,
                    Some(reason) => break reason,
                    None => descent.keep_good(state),
                }
            }
            match descent.epoch(objective, state, observers) {
                ControlFlow::Break(StopReason::Diverged) if descent.backs_off(state, observers) => continue,
                ControlFlow::Break(reason) => break reason,
                ControlFlow::Continue(()) => {}
            }
            let validation = validation.as_mut().map(|validation| &mut **validation as &mut dyn Objective);
            let event = descent.evaluate(objective, validation, state);
            if tell(observers, &Event::Epoch(event), state) == Control::Stop {
                break StopReason::Interrupted;
            }
        };
        let asked = reason;
        let mut reason = descent.verdict(objective, state, asked);
        let is_cut_short = matches!(asked, StopReason::Seconds | StopReason::Steps);
        if reason == StopReason::Diverged && is_cut_short && state.last_good_epoch > 0 && self.can_back_off(state) {
            // There is no time left to go on: the last good weights are what there is.
            descent.backs_off(state, observers);
            reason = asked;
        }
        if !state.best_theta.is_empty() && reason != StopReason::Interrupted {
            state.theta.clone_from(&state.best_theta);
            state.ahead.clear();
        }
        tell(observers, &Event::Finished(reason), state);
        reason
    }

    /// The rate of the last step taken, or of the first where there was none.
    pub fn last_rate(&self, state: &State) -> Rate {
        let epoch = if state.batch > 0 { state.epoch } else { state.epoch.saturating_sub(1) };
        let losses = state.monitored();
        let losses = &losses[..losses.len().min(epoch as usize)];
        self.rate(state.back_offs, state.step.saturating_sub(1), epoch, losses)
    }

    /// The rate of the next step.
    fn next_rate(&self, state: &State) -> Rate {
        self.rate(state.back_offs, state.step, state.epoch, state.monitored())
    }

    /// The rate of a step, counted from 0, of an epoch, counted from 0.
    fn rate(&self, back_offs: u32, step: u64, epoch: u64, losses: &[f64]) -> Rate {
        let steps_per_epoch = self.loader.as_ref().map_or(1, DataLoader::len) as u64;
        let total_epochs = self.stop.epochs;
        let steps_of_epochs = total_epochs.map(|epochs| epochs.saturating_mul(steps_per_epoch));
        let total_steps = steps_of_epochs.into_iter().chain(self.stop.steps).min();
        let moment = Moment { step, epoch, total_steps, total_epochs, losses };
        let Rate { lr, momentum } = self.schedule.rate(self.sgd.lr, self.sgd.momentum, &moment);
        Rate { lr: lr * 0.5_f64.powi(back_offs.cast_signed()), momentum }
    }

    fn can_back_off(&self, state: &State) -> bool {
        self.on_divergence == OnDivergence::BackOff
            && !state.last_good.is_empty()
            && state.back_offs < MOST_BACK_OFFS
            && state.initial_loss.is_finite()
    }

    fn check(&self, objective: &dyn Objective, state: &State) -> Result<()> {
        let of_loader = self.loader.as_ref().map(DataLoader::problems).unwrap_or_default();
        let problems = [self.sgd.problems(), self.stop.problems(), self.schedule.problems(), self.clip.problems()];
        Error::unless_empty([problems.concat(), of_loader].concat())?;
        let same = |part: &str, expected: usize, found: usize| -> Result<()> {
            if expected == found {
                return Ok(());
            }
            Err(ErrorKind::ShapeMismatch { part: part.to_owned(), expected: vec![expected], found: vec![found] }.into())
        };
        same("theta", objective.n_parameters(), state.theta.len())?;
        if !state.velocity.is_empty() {
            same("velocity", objective.n_parameters(), state.velocity.len())?;
        }
        same("loader", objective.n_rows(), self.loader.as_ref().map_or(objective.n_rows(), DataLoader::n_rows))
    }
}

/// A trainer at work: what it decided, and the memory its steps share.
struct Descent<'a> {
    trainer: &'a Trainer,
    loader: Arc<DataLoader>,
    orders: Orders,
    gradient: Gradient,
    shrunk: Vec<Range<usize>>,
    watch: Stopwatch,
    pace: Option<Pace>,
}

impl<'a> Descent<'a> {
    fn new(trainer: &'a Trainer, objective: &dyn Objective, state: &mut State) -> Self {
        let full = || DataLoader::new(objective.n_rows(), BatchSize::Full, Order::Sequential, LastBatch::Keep);
        let weights = objective.parts().into_iter().filter(|part| !part.is_bias()).map(|part| part.range);
        let mut shrunk: Vec<_> = weights.collect();
        shrunk.sort_by_key(|range: &Range<usize>| range.start);
        if shrunk.is_empty() {
            shrunk.push(0..state.theta.len());
        }
        state.velocity.reserve_exact(if trainer.sgd.momentum > 0.0 { state.theta.len() } else { 0 });
        let loader = Arc::new(trainer.loader.clone().unwrap_or_else(full));
        Self {
            trainer,
            orders: Orders::new(Arc::clone(&loader), trainer.stop.epochs),
            loader,
            gradient: objective.gradient(),
            shrunk,
            watch: Stopwatch::new(trainer.clock.clone(), state.training_time),
            pace: trainer.stop.time.map(|_| Pace::new(LOOK_AT_THE_CLOCK)),
        }
    }

    fn started(&self, state: &State) -> Started {
        Started {
            initial_loss: state.initial_loss,
            steps_per_epoch: self.loader.len() as u64,
            total_epochs: self.trainer.stop.epochs,
            batch_size: self.loader.batch_size(),
        }
    }

    /// Notes the weights of this moment, where they are good and the run may come back to them.
    fn keep_good(&self, state: &mut State) {
        if self.trainer.on_divergence == OnDivergence::BackOff && !is_worse(state, self.course()) {
            state.keep_good();
        }
    }

    /// Goes back to the last good weights, where the run may.
    fn backs_off(&mut self, state: &mut State, observers: &mut [&mut dyn Observer]) -> bool {
        if !self.trainer.can_back_off(state) {
            return false;
        }
        state.back_off(self.loader.len() as u64);
        self.pace = self.trainer.stop.time.map(|_| Pace::new(LOOK_AT_THE_CLOCK));
        let lr = self.trainer.next_rate(state).lr;
        tell(observers, &Event::BackedOff(BackedOff { step: state.step, epoch: state.epoch, lr }), state);
        true
    }

    /// Which way the training loss should go.
    fn course(&self) -> Course {
        let sgd = &self.trainer.sgd;
        let momentum = self.trainer.schedule.largest_momentum(sgd.momentum);
        if sgd.maximize {
            Course::Climbs
        } else if self.loader.batch_size() == self.loader.n_rows() && momentum == 0.0 && !sgd.is_penalised() {
            Course::Descends
        } else {
            Course::Wanders { momentum }
        }
    }

    /// The reason why a run ended, unless what it ended with is no model: nobody has looked at the last steps of a run
    /// that was cut short within an epoch, and no loss shows infinite weights of which it is zero.
    fn verdict(&self, objective: &mut dyn Objective, state: &State, reason: StopReason) -> StopReason {
        let is_cut_short = state.batch > 0 && matches!(reason, StopReason::Steps | StopReason::Seconds);
        let mut last_loss = || objective.loss(&state.theta, Batch::all(objective.n_rows())).mean();
        let is_lost = reason != StopReason::Interrupted && !state.theta.iter().all(|value| value.is_finite());
        if is_lost || is_cut_short && leapt_out(last_loss(), state, self.course()) {
            StopReason::Diverged
        } else {
            reason
        }
    }

    /// One pass over the rows, from the batch the state is at.
    fn epoch(
        &mut self,
        objective: &mut dyn Objective,
        state: &mut State,
        observers: &mut [&mut dyn Observer],
    ) -> ControlFlow<StopReason> {
        // The order of the rows is part of the price of small batches.
        self.watch.start();
        let order = self.orders.take(state.epoch);
        objective.begin_epoch(self.loader.batches(&order, 0..self.loader.len()).rows());
        let mut rate = self.trainer.next_rate(state);
        let mut next_look = self.next_look(observers);
        while state.batch < self.loader.len() {
            if self.trainer.schedule.is_per_step() {
                rate = self.trainer.next_rate(state);
            }
            let end = self.next_end(objective, state, rate, next_look);
            let loss = self.steps(objective, state, &self.loader.batches(&order, state.batch..end), rate);
            let is_finite = loss.sum.is_finite();
            if state.step >= next_look || !is_finite {
                state.training_time = self.watch.pause();
                let step = Step {
                    step: state.step,
                    epoch: state.epoch + 1,
                    loss: loss.mean(),
                    lr: rate.lr,
                    training_time: state.training_time,
                };
                let control = tell(observers, &Event::Step(step), state);
                if !is_finite {
                    return ControlFlow::Break(StopReason::Diverged);
                }
                if control == Control::Stop {
                    return ControlFlow::Break(StopReason::Interrupted);
                }
                // After the last batch the epoch is looked at first, and the run may end between the epochs.
                if state.batch < self.loader.len()
                    && let Some(reason) = self.trainer.stop.within_epoch(state)
                {
                    return ControlFlow::Break(reason);
                }
                if let Some(pace) = &mut self.pace {
                    pace.advance(state.step, state.training_time);
                }
                next_look = self.next_look(observers);
                self.watch.start();
            }
        }
        state.training_time = self.watch.pause();
        self.orders.put_back(order);
        ControlFlow::Continue(())
    }

    /// The next step after which anyone wants to know.
    fn next_look(&self, observers: &[&mut dyn Observer]) -> u64 {
        let asked = observers.iter().map(|observer| observer.next_step());
        let own = [self.trainer.stop.steps, self.pace.map(|pace| pace.next_step())];
        asked.chain(own.into_iter().flatten()).min().unwrap_or(u64::MAX)
    }

    /// The rule of the steps, if the objective may fuse them.
    fn rule(&self, rate: Rate) -> Option<StepRule> {
        self.trainer.sgd.rule(rate).filter(|_| self.trainer.clip == Clip::None)
    }

    /// Up to which batch steps can be taken at once: as far as nobody wants to look between.
    fn next_end(&self, objective: &dyn Objective, state: &State, rate: Rate, next_look: u64) -> usize {
        let batch = state.batch as u64;
        if self.trainer.schedule.is_per_step() {
            return state.batch + 1;
        }
        let looks_apart =
            self.rule(rate).map_or(1, |rule| objective.steps_between_looks(self.loader.batch_size(), rule));
        let wanted = batch.saturating_add(next_look.saturating_sub(state.step).max(1));
        let wanted = wanted.checked_next_multiple_of(looks_apart).unwrap_or(u64::MAX);
        let of_run =
            self.trainer.stop.steps.map_or(u64::MAX, |steps| batch.saturating_add(steps.saturating_sub(state.step)));
        wanted.min(of_run.max(batch + 1)).min(self.loader.len() as u64) as usize
    }

    /// Takes a step on each batch, all at once where they can be fused, else on the first batch only. Returns the loss
    /// before the last step taken.
    fn steps(
        &mut self,
        objective: &mut dyn Objective,
        state: &mut State,
        batches: &Batches<'_>,
        rate: Rate,
    ) -> LossSum {
        let mut losses = StepLosses::after(state.running);
        let are_fused = self.rule(rate).is_some_and(|rule| {
            let State { theta, velocity, ahead, .. } = &mut *state;
            objective.fused_steps(theta, velocity, ahead, batches, rule, &mut losses)
        });
        if !are_fused {
            losses.push(self.step(objective, state, batches.batch(0), rate));
        }
        state.record_steps(&losses);
        losses.last
    }

    /// θ ← θ − lr·g, whatever the optimiser makes of it. Returns the loss before the step.
    fn step(&mut self, objective: &mut dyn Objective, state: &mut State, batch: Batch<'_>, rate: Rate) -> LossSum {
        let Trainer { sgd, clip, .. } = self.trainer;
        state.ahead.clear();
        self.gradient.clear();
        let loss = objective.loss_and_gradient(&state.theta, batch, &mut self.gradient);
        // Sums and counts of several machines would be joined here, before the one division.
        if loss.n_rows > 1 {
            self.gradient.scale((1.0 / loss.n_rows as f64) as f32);
        }
        clip.apply(&mut self.gradient);
        sgd.step(&mut state.theta, &mut state.velocity, &self.gradient, rate, &self.shrunk);
        loss
    }

    /// Looks at all rows at the weights of this moment.
    fn evaluate(
        &self,
        objective: &mut dyn Objective,
        validation: Option<&mut dyn Objective>,
        state: &mut State,
    ) -> Epoch {
        let last = state.step.saturating_sub(1);
        let lr = self.trainer.rate(state.back_offs, last, state.epoch, state.monitored()).lr;
        let train_loss = objective.loss(&state.theta, Batch::all(objective.n_rows())).mean();
        let validation = validation.map(|objective| objective.evaluate(&state.theta));
        let keeps_best = self.trainer.stop.patience.is_some();
        let batches = state.record_epoch(train_loss, validation.map(|metrics| metrics.loss), keeps_best);
        Epoch {
            step: state.step,
            epoch: state.epoch,
            loss: batches.mean(),
            lr,
            train_loss,
            validation,
            training_time: state.training_time,
        }
    }
}
