//! How is a run watched and steered while it goes?
//!
//! The run has a thread of its own; the page's task reads a [`Board`] that both know. The observer writes on it after
//! every step, waits there while the run is paused or ahead of its speed, and stops the trainer where an [`Order`] asks
//! for what a running trainer cannot do. It changes no bit of the run.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use downslope::event::Event;
use downslope::loader::BatchSize;
use downslope::observer::{Control, Observer};
use downslope::state::State;

use super::curve::Curve;
use super::protocol::{Mode, Now, RunNews};
use super::snapshots::Snapshots;
use super::trail::Trail;

/// A run that is ahead by less than this does not wait.
const CLOSE: Duration = Duration::from_millis(2);
/// A run that fell behind by more than this does not hurry to catch up.
const BEHIND: Duration = Duration::from_millis(200);

/// Something that a trainer under way cannot do.
pub(crate) enum Order {
    /// Another rate or batch size from here on.
    Change { lr: Option<f64>, batch_size: Option<BatchSize> },
    /// Back to a step, to stand still there.
    Rewind(u64),
    /// Gives away how the run was after a step.
    Fork(Box<dyn FnOnce(Forked) + Send>, u64),
    /// The end.
    Quit,
}

/// All that is needed to go on elsewhere from a step of a run.
pub(crate) struct Forked {
    pub(crate) state: State,
    pub(crate) lr: f64,
    pub(crate) batch_size: BatchSize,
    pub(crate) batch: Curve,
    pub(crate) train: Curve,
    pub(crate) trail: Trail,
}

/// What the thread of a run and the page's task both know.
#[derive(Clone)]
pub(crate) struct Board(Arc<(Mutex<Written>, Condvar)>);

pub(crate) struct Written {
    pub(crate) now: Now,
    pub(crate) batch: Curve,
    pub(crate) train: Curve,
    pub(crate) trail: Trail,
    pub(crate) orders: VecDeque<Order>,
    /// Steps a second; 0 is as fast as it goes.
    pub(crate) speed: f64,
    /// Steps to be taken although the run is paused.
    allowance: u64,
    is_news: bool,
}

impl Board {
    pub(crate) fn new(now: Now, speed: f64) -> Self {
        let written = Written {
            now,
            batch: Curve::new(),
            train: Curve::new(),
            trail: Trail::new(),
            orders: VecDeque::new(),
            speed,
            allowance: 0,
            is_news: true,
        };
        Self(Arc::new((Mutex::new(written), Condvar::new())))
    }

    fn lock(&self) -> MutexGuard<'_, Written> {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes what stands on it and wakes who waits there.
    pub(crate) fn write<T>(&self, change: impl FnOnce(&mut Written) -> T) -> T {
        let mut written = self.lock();
        let result = change(&mut written);
        written.is_news = true;
        self.0.1.notify_all();
        result
    }

    pub(crate) fn order(&self, order: Order) {
        self.write(|written| written.orders.push_back(order));
    }

    pub(crate) fn pause(&self) {
        self.write(|written| {
            if written.now.mode == Mode::Running {
                written.now.mode = Mode::Paused;
            }
        });
    }

    pub(crate) fn resume(&self) {
        self.write(|written| {
            if written.now.mode == Mode::Paused {
                written.now.mode = Mode::Running;
            }
        });
    }

    pub(crate) fn step(&self) {
        self.write(|written| {
            if written.now.mode == Mode::Running {
                written.now.mode = Mode::Paused;
            }
            written.allowance += 1;
        });
    }

    /// What the page does not know yet.
    pub(crate) fn news(&self, run: u32) -> Option<RunNews> {
        let mut written = self.lock();
        if !std::mem::take(&mut written.is_news) {
            return None;
        }
        let Written { now, batch, train, trail, .. } = &mut *written;
        Some(RunNews { run, now: now.clone(), batch: batch.news(), train: train.news(), trail: trail.news() })
    }

    /// Waits for an order.
    pub(crate) fn wait_for_order(&self) -> Order {
        let mut written = self.lock();
        loop {
            if let Some(order) = written.orders.pop_front() {
                return order;
            }
            written = self.0.1.wait(written).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Waits until the next step may be taken; stops where an order must be seen to first.
    fn wait_for_leave(&self, due: &mut Instant) -> Control {
        let mut written = self.lock();
        loop {
            if !written.orders.is_empty() {
                return Control::Stop;
            }
            let wait = match written.now.mode {
                Mode::Paused if written.allowance > 0 => {
                    written.allowance -= 1;
                    return Control::Continue;
                }
                Mode::Paused | Mode::Finished => None,
                Mode::Running if written.speed <= 0.0 => return Control::Continue,
                Mode::Running => {
                    let now = Instant::now();
                    if now + CLOSE >= *due {
                        let period = Duration::from_secs_f64((1.0 / written.speed).min(60.0));
                        *due = (*due + period).max(now.checked_sub(BEHIND).unwrap_or(now));
                        return Control::Continue;
                    }
                    Some(due.saturating_duration_since(now))
                }
            };
            written = match wait {
                None => self.0.1.wait(written).unwrap_or_else(PoisonError::into_inner),
                Some(time) => self.0.1.wait_timeout(written, time).unwrap_or_else(PoisonError::into_inner).0,
            };
            if wait.is_none() {
                // Whoever stood still is not behind.
                *due = Instant::now();
            }
        }
    }
}

/// The observer of a run.
pub(crate) struct Watch<'a> {
    pub(crate) board: &'a Board,
    pub(crate) snapshots: &'a mut Snapshots,
    pub(crate) due: &'a mut Instant,
    pub(crate) steps_per_epoch: u64,
    next: u64,
}

impl<'a> Watch<'a> {
    pub(crate) fn new(
        board: &'a Board,
        snapshots: &'a mut Snapshots,
        due: &'a mut Instant,
        steps_per_epoch: u64,
        steps_done: u64,
    ) -> Self {
        Self { board, snapshots, due, steps_per_epoch, next: steps_done + 1 }
    }
}

impl Observer for Watch<'_> {
    fn next_step(&self) -> u64 {
        self.next
    }

    fn observe(&mut self, event: &Event<'_>, state: &State) -> Control {
        match event {
            Event::Started(started) => {
                self.board.write(|written| {
                    written.now.initial_loss = Some(started.initial_loss);
                    if state.step == 0 {
                        written.trail.record(0, &state.theta);
                        written.train.record(0, started.initial_loss);
                    }
                });
                self.board.wait_for_leave(self.due)
            }
            Event::Step(step) => {
                self.next = step.step + 1;
                self.snapshots.offer(state);
                self.board.write(|written| {
                    written.batch.record(step.step, step.loss);
                    written.trail.record(step.step, &state.theta);
                    written.now.step = step.step;
                    written.now.epoch = state.epoch as f64 + state.batch as f64 / self.steps_per_epoch.max(1) as f64;
                    written.now.loss = Some(step.loss);
                    written.now.training_seconds = step.training_time.as_secs_f64();
                });
                // After the last step the trainer says by itself that it is over.
                if step.step >= self.board.lock().now.last_step {
                    return Control::Continue;
                }
                self.board.wait_for_leave(self.due)
            }
            Event::Epoch(epoch) => {
                self.board.write(|written| {
                    written.train.record(epoch.step, epoch.train_loss);
                    written.now.train_loss = Some(epoch.train_loss);
                });
                Control::Continue
            }
            _ => Control::Continue,
        }
    }
}
