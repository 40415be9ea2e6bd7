//! Who watches a run?
//!
//! An [`Observer`] is told what happens and may ask to stop; it cannot change the run. Taking all observers away
//! changes no bit of θ. What is done with the news (a progress bar, a file, a chart) is the observer's affair.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use crate::event::Event;
use crate::metrics::Metrics;
use crate::state::State;

/// Whether a run goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Control {
    /// It goes on.
    Continue,
    /// It stops after this event.
    Stop,
}

/// Someone who watches a run, on whichever thread it goes. The defaults do nothing.
pub trait Observer: Send {
    /// The next step after which this observer wants to be told of [`Event::Step`]: after that step, or the first after it at
    /// which the objective can be looked at ([`Objective::steps_between_looks`](crate::objective::Objective)). Asking rarely
    /// costs nothing.
    fn next_step(&self) -> u64 {
        u64::MAX
    }

    /// Told of an event, with the state of the run right after it.
    fn observe(&mut self, event: &Event<'_>, state: &State) -> Control {
        let _ = (event, state);
        Control::Continue
    }
}

/// Tells every observer that wants to know; one of them is enough to stop.
pub(crate) fn tell(observers: &mut [&mut dyn Observer], event: &Event<'_>, state: &State) -> Control {
    let mut control = Control::Continue;
    for observer in observers.iter_mut() {
        let unasked = matches!(event, Event::Step(step) if step.step < observer.next_step());
        if !unasked && observer.observe(event, state) == Control::Stop {
            control = Control::Stop;
        }
    }
    control
}

/// Chooses steps about evenly spaced in *time*, whatever a step takes.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    period: Duration,
    next: u64,
    last: Option<(u64, Duration)>,
}

impl Pace {
    /// About one step every period.
    pub fn new(period: Duration) -> Self {
        Self { period, next: 1, last: None }
    }

    /// The same pace from the next step on.
    #[must_use]
    pub fn restarted(self) -> Self {
        Self::new(self.period)
    }

    /// The next step to look at.
    pub fn next_step(&self) -> u64 {
        self.next
    }

    /// Learns from where the run is now.
    pub fn advance(&mut self, step: u64, training_time: Duration) {
        let steps = match self.last {
            Some((before, then)) if step > before => {
                let a_step = (training_time.saturating_sub(then)).as_secs_f64() / (step - before) as f64;
                let wanted = self.period.as_secs_f64() / a_step.max(1e-9);
                wanted.clamp(1.0, 4.0 * (step - before) as f64)
            }
            _ => 1.0,
        };
        self.last = Some((step, training_time));
        self.next = step + steps as u64;
    }
}

/// How often an interruption is listened for.
const LISTEN: Duration = Duration::from_millis(10);

/// Stops a run when a flag is raised, say by Ctrl-C.
pub struct Interrupt {
    flag: Arc<AtomicBool>,
    pace: Pace,
}

impl Interrupt {
    /// Looks at the flag about every hundredth of a second.
    pub fn new(flag: Arc<AtomicBool>) -> Self {
        Self { flag, pace: Pace::new(LISTEN) }
    }
}

impl Observer for Interrupt {
    fn next_step(&self) -> u64 {
        self.pace.next_step()
    }

    fn observe(&mut self, event: &Event<'_>, _: &State) -> Control {
        match event {
            Event::Started(_) | Event::BackedOff(_) => self.pace = Pace::new(LISTEN),
            Event::Step(step) => self.pace.advance(step.step, step.training_time),
            _ => {}
        }
        if self.flag.load(Ordering::Relaxed) { Control::Stop } else { Control::Continue }
    }
}

/// Keeps the losses of a run in memory.
#[derive(Clone, Debug, Default)]
pub struct History {
    log_every: u64,
    next: u64,
    /// (step, mean loss of its batch, learning rate) of the steps asked for.
    pub steps: Vec<(u64, f64, f64)>,
    /// Every epoch.
    pub epochs: Vec<crate::event::Epoch>,
}

impl History {
    /// Keeps every n-th step (0: none) and every epoch.
    pub fn every(log_every: u64) -> Self {
        Self { log_every, next: log_every, ..Self::default() }
    }
}

impl Observer for History {
    fn next_step(&self) -> u64 {
        if self.log_every == 0 { u64::MAX } else { self.next }
    }

    fn observe(&mut self, event: &Event<'_>, _: &State) -> Control {
        match event {
            Event::Step(step) => {
                self.steps.push((step.step, step.loss, step.lr));
                self.next = next_multiple(self.log_every, step.step);
            }
            Event::Epoch(epoch) => self.epochs.push(*epoch),
            Event::BackedOff(back) => {
                self.steps.retain(|(step, ..)| *step <= back.step);
                self.epochs.retain(|epoch| epoch.step <= back.step);
                self.next = next_multiple(self.log_every, back.step);
            }
            _ => {}
        }
        Control::Continue
    }
}

/// Writes a run as lines of JSON, one event a line.
///
/// Every line has `event`. `step` lines have `step, epoch, loss, lr`; `epoch` lines add `train_loss`, and
/// `validation_loss` and the other metrics where rows are held out, and `time` with the seconds spent on steps.
/// A loss that is no number is `null`.
///
/// A line that cannot be written stops the run; [`JsonLines::finish`] tells why.
pub struct JsonLines<W: Write> {
    out: W,
    log_every: u64,
    next: u64,
    error: Option<std::io::Error>,
}

impl<W: Write> JsonLines<W> {
    /// Writes every n-th step (0: none), counted from the first step of the run, and every other event, of a run that
    /// has done so many steps.
    pub fn new(out: W, log_every: u64, steps_done: u64) -> Self {
        Self { out, log_every, next: next_multiple(log_every, steps_done), error: None }
    }

    /// Where the lines go.
    pub fn get_mut(&mut self) -> &mut W {
        &mut self.out
    }

    /// Writes out what is still held back.
    ///
    /// # Errors
    /// The first failure to write.
    pub fn finish(&mut self) -> std::io::Result<()> {
        self.error.take().map_or(Ok(()), Err)?;
        self.out.flush()
    }
}

impl<W: Write + Send> Observer for JsonLines<W> {
    fn next_step(&self) -> u64 {
        self.next
    }

    fn observe(&mut self, event: &Event<'_>, state: &State) -> Control {
        match event {
            Event::Step(step) => self.next = next_multiple(self.log_every, step.step),
            Event::BackedOff(back) => self.next = next_multiple(self.log_every, back.step),
            _ => {}
        }
        let line = line_of(event, state);
        match writeln!(self.out, "{line}") {
            Ok(()) => Control::Continue,
            Err(error) => {
                self.error.get_or_insert(error);
                Control::Stop
            }
        }
    }
}

/// The next step to be written down after so many.
fn next_multiple(log_every: u64, steps_done: u64) -> u64 {
    steps_done.checked_div(log_every).map_or(u64::MAX, |times| (times + 1) * log_every)
}

fn line_of(event: &Event<'_>, state: &State) -> Value {
    match event {
        Event::Started(started) => json!({
            "event": "started", "step": state.step, "epoch": state.epoch, "initial_loss": started.initial_loss,
            "batch_size": started.batch_size, "steps_per_epoch": started.steps_per_epoch,
        }),
        Event::Step(step) => {
            json!({ "event": "step", "step": step.step, "epoch": step.epoch, "loss": step.loss, "lr": step.lr })
        }
        Event::Epoch(epoch) => {
            let mut line = json!({
                "event": "epoch", "step": epoch.step, "epoch": epoch.epoch, "loss": epoch.loss, "lr": epoch.lr,
                "train_loss": epoch.train_loss,
                "time": { "training_seconds": epoch.training_time.as_secs_f64() },
            });
            if let (Some(metrics), Some(line)) = (&epoch.validation, line.as_object_mut()) {
                add_validation(metrics, line);
            }
            line
        }
        Event::BackedOff(back) => {
            json!({ "event": "backed-off", "step": back.step, "epoch": back.epoch, "lr": back.lr })
        }
        Event::Finding(finding) => json!({ "event": "finding", "finding": finding }),
        Event::Finished(reason) => {
            json!({ "event": "finished", "step": state.step, "epoch": state.epoch, "reason": reason })
        }
    }
}

fn add_validation(metrics: &Metrics, line: &mut serde_json::Map<String, Value>) {
    if let Ok(Value::Object(metrics)) = serde_json::to_value(metrics) {
        for (name, value) in metrics {
            line.insert(if name == "loss" { "validation_loss".to_owned() } else { name }, value);
        }
    }
}
