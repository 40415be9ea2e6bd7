//! How does one run of the lesson go?
//!
//! The library's own trainer runs on a thread of its own until it is done or must be steered; then the thread does what
//! the order says and lets the trainer go on from the same state. A rate changed in flight takes effect with the next
//! step; another batch size begins a new pass over the rows. Everything is a function of the seed and of what was
//! asked at which step.

use std::ops::ControlFlow;
use std::time::Instant;

use downslope::diagnosis::{self, learning_rate};
use downslope::loader::{Batch, BatchSize, DataLoader};
use downslope::objective::{LossSum, Objective};
use downslope::state::State;
use downslope::stop::StopReason;
use downslope::trainer::Trainer;

use super::protocol::{Mode, Now};
use super::snapshots::Snapshots;
use super::subject::Subject;
use super::watch::{Board, Forked, Order, Watch};

/// A run to begin.
pub(crate) struct Plan {
    pub(crate) subject: Subject,
    pub(crate) state: State,
    pub(crate) lr: f64,
    pub(crate) batch_size: BatchSize,
    /// Whether the state comes from a run with another batch size.
    pub(crate) turns: bool,
    pub(crate) last_step: u64,
}

/// A run that goes on, on a thread of its own, until this is dropped.
pub(crate) struct Running {
    pub(crate) board: Board,
}

impl Running {
    /// Begins a run.
    pub(crate) fn begin(plan: Plan, mode: Mode, speed: f64) -> std::io::Result<Self> {
        let now = Now { mode, step: plan.state.step, last_step: plan.last_step, ..Now::default() };
        Self::continue_on(plan, Board::new(now, speed))
    }

    /// Goes on from a step of another run, with its curves, and stands still at first.
    pub(crate) fn fork(plan: Plan, forked: Forked, speed: f64) -> std::io::Result<Self> {
        let now = Now { mode: Mode::Paused, step: plan.state.step, last_step: plan.last_step, ..Now::default() };
        let board = Board::new(now, speed);
        board.write(|written| {
            (written.batch, written.train, written.trail) = (forked.batch, forked.train, forked.trail);
            written.batch.tell_all();
            written.train.tell_all();
            written.trail.tell_all();
        });
        Self::continue_on(plan, board)
    }

    fn continue_on(plan: Plan, board: Board) -> std::io::Result<Self> {
        let on_thread = board.clone();
        let thread = std::thread::Builder::new().name("descent".to_owned());
        thread.spawn(move || Descent::new(plan, on_thread).go())?;
        Ok(Self { board })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.board.order(Order::Quit);
    }
}

struct Descent {
    subject: Subject,
    objective: Box<dyn Objective>,
    state: State,
    lr: f64,
    batch_size: BatchSize,
    last_step: u64,
    snapshots: Snapshots,
    board: Board,
    due: Instant,
}

impl Descent {
    fn new(plan: Plan, board: Board) -> Self {
        let Plan { subject, mut state, lr, batch_size, turns, last_step } = plan;
        if turns {
            begin_new_pass(&mut state);
        }
        let objective = subject.objective();
        let snapshots = Snapshots::default();
        Self { subject, objective, state, lr, batch_size, last_step, snapshots, board, due: Instant::now() }
    }

    fn go(mut self) {
        self.snapshots.turn(&self.state, self.lr, self.batch_size);
        loop {
            self.run();
            // An order may be one that leaves a finished run finished.
            loop {
                let order = self.board.wait_for_order();
                if self.obey(order).is_break() {
                    return;
                }
                if self.board.write(|written| written.now.mode != Mode::Finished && written.orders.is_empty()) {
                    break;
                }
            }
        }
    }

    fn trainer(&self) -> Trainer {
        self.subject.trainer(self.batch_size, self.lr, self.last_step)
    }

    /// Lets the trainer go on until it is done or must be steered.
    fn run(&mut self) {
        let trainer = self.trainer();
        let n_rows = self.objective.n_rows();
        let batch_size = trainer.loader.as_ref().map_or(n_rows, DataLoader::batch_size);
        let steps_per_epoch = trainer.loader.as_ref().map_or(1, DataLoader::len) as u64;
        self.board.write(|written| {
            written.now.lr = self.lr;
            (written.now.batch_size, written.now.n_rows) = (batch_size, n_rows);
            written.now.steps_per_epoch = steps_per_epoch;
            (written.now.reason, written.now.cause) = (None, None);
        });
        let mut watch = Watch::new(&self.board, &mut self.snapshots, &mut self.due, steps_per_epoch, self.state.step);
        let result = trainer.run(&mut *self.objective, None, &mut self.state, &mut [&mut watch]);
        let (reason, cause) = match result {
            Ok(StopReason::Interrupted) => return,
            Ok(StopReason::Diverged) => (StopReason::Diverged.to_string(), self.cause(&trainer)),
            Ok(reason) => (reason.to_string(), None),
            Err(error) => ("refused".to_owned(), Some(error.to_string())),
        };
        // A run that ends within a pass was not looked at on all rows since the last one.
        let loss = self.objective.loss(&self.state.theta, Batch::all(n_rows)).mean();
        let step = self.state.step;
        self.board.write(|written| {
            written.now.mode = Mode::Finished;
            (written.now.reason, written.now.cause) = (Some(reason), cause);
            if self.state.batch > 0 && loss.is_finite() {
                written.train.record(step, loss);
                written.now.train_loss = Some(loss);
            }
        });
    }

    fn cause(&mut self, trainer: &Trainer) -> Option<String> {
        let start = self.subject.start();
        let chosen = learning_rate::choose(&mut *self.objective, &start, trainer).ok()?;
        let n_rows = self.objective.n_rows();
        let batch_size = trainer.loader.as_ref().map_or(n_rows, DataLoader::batch_size);
        Some(diagnosis::learning_rate_too_high(&chosen, &trainer.sgd, batch_size, n_rows).cause)
    }

    fn obey(&mut self, order: Order) -> ControlFlow<()> {
        match order {
            Order::Quit => return ControlFlow::Break(()),
            Order::Change { lr, batch_size } => self.change(lr, batch_size),
            Order::Rewind(step) => self.rewind(step),
            Order::Fork(give, step) => {
                let (state, lr, batch_size) = self.state_at(step);
                let step = state.step;
                let mut forked = self.board.write(|written| Forked {
                    state,
                    lr,
                    batch_size,
                    batch: written.batch.clone(),
                    train: written.train.clone(),
                    trail: written.trail.clone(),
                });
                forked.batch.cut_after(step);
                forked.train.cut_after(step);
                forked.trail.cut_after(step);
                give(forked);
            }
        }
        ControlFlow::Continue(())
    }

    fn change(&mut self, lr: Option<f64>, batch_size: Option<BatchSize>) {
        self.lr = lr.unwrap_or(self.lr);
        if let Some(batch_size) = batch_size.filter(|batch_size| *batch_size != self.batch_size) {
            self.batch_size = batch_size;
            begin_new_pass(&mut self.state);
        }
        self.snapshots.turn(&self.state, self.lr, self.batch_size);
        self.board.write(|written| written.now.lr = self.lr);
    }

    /// Goes back to a step and stands still there.
    fn rewind(&mut self, step: u64) {
        (self.state, self.lr, self.batch_size) = self.state_at(step);
        let step = self.state.step;
        self.snapshots.cut_after(step);
        self.board.write(|written| {
            written.batch.cut_after(step);
            written.train.cut_after(step);
            written.trail.cut_after(step);
            written.trail.record(step, &self.state.theta);
            written.now.mode = Mode::Paused;
            written.now.step = step;
            written.now.train_loss = self.state.train_losses.last().copied().or(written.now.initial_loss);
            written.now.training_seconds = self.state.training_time.as_secs_f64();
        });
    }

    /// The run as it was after a step, and how it then went on; the present where it has not got there yet.
    fn state_at(&mut self, step: u64) -> (State, f64, BatchSize) {
        if step >= self.state.step {
            return (self.state.clone(), self.lr, self.batch_size);
        }
        let Some(snapshot) = self.snapshots.before(step).cloned() else {
            return (self.state.clone(), self.lr, self.batch_size);
        };
        let mut state = snapshot.state;
        if state.step < step {
            let trainer = self.subject.trainer(snapshot.batch_size, snapshot.lr, step);
            // The way was gone before, so nothing about it can be refused.
            let _ = trainer.run(&mut *self.objective, None, &mut state, &mut []);
        }
        (state, snapshot.lr, snapshot.batch_size)
    }
}

/// Leaves the rest of the pass under way, whose batches were of another size.
fn begin_new_pass(state: &mut State) {
    if state.batch > 0 {
        state.epoch += 1;
        state.batch = 0;
        state.running = LossSum::default();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, mpsc};

    use downslope::Table;
    use downslope::run::{Experiment, Settings, Validation};

    use super::*;

    fn subject() -> Subject {
        let settings = Settings { validation: Validation::None, threads: Some(1), ..Settings::default() };
        let table = Table::read("@diabetes", &settings.read_options()).unwrap();
        Subject::Table(Arc::new(Experiment::prepare(&table, &settings).unwrap()))
    }

    fn descent(last_step: u64) -> Descent {
        let subject = subject();
        let state = State::new(subject.start());
        let batch_size = BatchSize::rows(7).unwrap();
        let plan = Plan { subject, state, lr: 0.01, batch_size, turns: false, last_step };
        let mut descent = Descent::new(plan, Board::new(Now { last_step, ..Now::default() }, 0.0));
        descent.snapshots.turn(&descent.state, descent.lr, descent.batch_size);
        descent
    }

    fn bits(state: &State) -> Vec<u32> {
        state.theta.iter().map(|value| value.to_bits()).collect()
    }

    #[test]
    fn any_step_is_found_again_bit_for_bit() {
        let mut whole = descent(500);
        whole.run();
        assert_eq!(whole.state.step, 500);
        for step in [0, 1, 63, 64, 200, 377, 499] {
            let mut short = descent(step.max(1));
            if step > 0 {
                short.run();
            }
            let (found, ..) = whole.state_at(step);
            assert_eq!((found.step, bits(&found)), (step, bits(&short.state)), "step {step}");
        }
        whole.rewind(200);
        whole.board.resume();
        whole.run();
        let mut straight = descent(500);
        straight.run();
        assert_eq!(bits(&whole.state), bits(&straight.state));
    }

    #[test]
    fn a_fork_begins_where_the_run_was_and_leaves_it_alone() {
        let mut whole = descent(300);
        whole.run();
        let before = bits(&whole.state);
        let (give, forked) = mpsc::channel();
        let order = Order::Fork(Box::new(move |forked| give.send(forked).unwrap()), 100);
        assert!(whole.obey(order).is_continue());
        let forked = forked.try_recv().unwrap();
        assert_eq!(forked.state.step, 100);
        assert_eq!(bits(&whole.state), before);
    }

    #[test]
    fn another_batch_size_begins_a_new_pass_and_is_remembered() {
        let mut run = descent(100);
        run.last_step = 10;
        run.run();
        run.change(Some(0.02), Some(BatchSize::Full));
        run.last_step = 20;
        run.board.write(|written| written.now.mode = Mode::Running);
        run.run();
        assert_eq!((run.state.step, run.state.batch), (20, 0));
        let (state, lr, batch_size) = run.state_at(5);
        assert_eq!((state.step, batch_size), (5, BatchSize::rows(7).unwrap()));
        assert!((lr - 0.01).abs() < 1e-12);
        let (_, lr, batch_size) = run.state_at(15);
        assert!((lr - 0.02).abs() < 1e-12 && batch_size == BatchSize::Full);
    }

    #[test]
    fn a_rate_above_the_limit_ends_with_its_cause() {
        let mut run = descent(2_000);
        run.batch_size = BatchSize::Full;
        run.lr = 1.01 * run.subject.suggested(BatchSize::Full).unwrap().stability_limit;
        run.run();
        let now = run.board.news(1).unwrap().now;
        assert_eq!((now.mode, now.reason.as_deref()), (Mode::Finished, Some("diverged")));
        assert!(now.cause.unwrap().contains("leaps over the valley"));
        let mut run = descent(2_000);
        run.batch_size = BatchSize::Full;
        run.lr = 0.99 * run.subject.suggested(BatchSize::Full).unwrap().stability_limit;
        run.run();
        let now = run.board.news(1).unwrap().now;
        assert_eq!(now.reason.as_deref(), Some("all steps done"));
        assert!(now.train_loss < now.initial_loss.map(|loss| 0.6 * loss));
    }
}
