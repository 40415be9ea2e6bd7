//! What does a person see while a run goes on?
//!
//! On a terminal a bar with loss, rate, rows a second and time left; elsewhere a line at epochs 1, 2, 4, 8 … . Of many
//! short runs a bar that counts them; elsewhere a line for each batch size.

use std::time::Duration;

use downslope::event::{Event, Started};
use downslope::objective::LossSum;
use downslope::observer::{Control, Observer, Pace};
use downslope::state::State;
use downslope_view::quantity::{count, number, rate};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::console::say;

/// How often the bar is redrawn.
const REDRAW: Duration = Duration::from_millis(80);

/// Shows a run, or several one after the other.
pub(crate) struct Progress {
    bar: Option<ProgressBar>,
    quiet: bool,
    started: Option<Started>,
    n_rows: usize,
    pace: Pace,
    next_epoch: u64,
    running: f64,
    /// What is found at the end is told with the result.
    is_running: bool,
    /// What was said already.
    found: Vec<String>,
    progressive: Option<Progressive>,
}

/// The mean loss of rows before they were learned from, told at 1, 2, 4, 8 … rows of the first epoch: progressive
/// validation, as Vowpal Wabbit has it (Blum, Kalai, Langford 1999, "Beating the hold-out").
#[derive(Default)]
struct Progressive {
    next_step: u64,
    /// Rows and losses when it was told last.
    told: LossSum,
}

impl Progressive {
    /// The line for what all rows so far have lost, and the step of the next line.
    fn line(&mut self, step: u64, all: LossSum) -> String {
        let since = LossSum { sum: all.sum - self.told.sum, n_rows: all.n_rows - self.told.n_rows };
        let heading = if self.told.n_rows == 0 { "        rows    mean loss   since last\n" } else { "" };
        self.told = all;
        self.next_step = step.saturating_mul(2);
        format!("{heading}{:>12} {:>12.6} {:>12.6}", count(all.n_rows), all.mean(), since.mean())
    }
}

impl Progress {
    /// For runs over so many rows; `quiet` shows nothing.
    pub(crate) fn new(n_rows: usize, quiet: bool) -> Self {
        Self {
            bar: None,
            quiet,
            started: None,
            n_rows,
            pace: Pace::new(REDRAW),
            next_epoch: 1,
            running: f64::NAN,
            is_running: false,
            found: Vec::new(),
            progressive: None,
        }
    }

    /// Also tells how the first epoch goes, row by row.
    pub(crate) fn with_progressive_loss(mut self) -> Self {
        self.progressive = (!self.quiet).then(Progressive::default);
        self
    }

    /// Says something beside the bar.
    fn say(&self, words: String) {
        match &self.bar {
            Some(bar) => bar.suspend(|| say(words)),
            None => say(words),
        }
    }

    fn begin(&mut self, started: Started, state: &State) {
        self.started = Some(started);
        self.pace = Pace::new(REDRAW);
        self.next_epoch = state.epoch + 1;
        self.running = started.initial_loss;
        self.is_running = true;
        self.found.clear();
        // A run that goes on has begun its first epoch already.
        self.progressive = self.progressive.take().filter(|_| state.step == 0);
        let steps = started.total_epochs.map(|epochs| epochs.saturating_mul(started.steps_per_epoch));
        let bar = ProgressBar::with_draw_target(steps, ProgressDrawTarget::stderr());
        if self.quiet {
            return;
        }
        let prefix = prefix(started.batch_size);
        if bar.is_hidden() {
            let steps = if started.steps_per_epoch == 1 { "step" } else { "steps" };
            say(format!("{prefix} a step, {} {steps} an epoch:", count(started.steps_per_epoch)));
            return;
        }
        let style = ProgressStyle::with_template("{prefix} {bar:12} {percent:>3}%, {eta} left: {wide_msg}");
        if let Ok(style) = style {
            bar.set_style(style.progress_chars("━╸─"));
        }
        bar.set_prefix(prefix);
        bar.set_position(state.step);
        self.bar = Some(bar);
    }

    fn rows_per_second(&self, state: &State) -> String {
        let steps_per_epoch = self.started.map_or(1, |started| started.steps_per_epoch) as f64;
        rate(state.step as f64 / steps_per_epoch * self.n_rows as f64 / state.training_time.as_secs_f64())
    }

    fn draw(&self, loss: f64, lr: f64, state: &State) {
        if let Some(bar) = &self.bar {
            bar.set_position(state.step);
            bar.set_message(format!("loss {}, lr {}, {}", number(loss), number(lr), self.rows_per_second(state)));
        }
    }
}

impl Observer for Progress {
    fn next_step(&self) -> u64 {
        let of_bar = if self.bar.is_some() { self.pace.next_step() } else { u64::MAX };
        self.progressive.as_ref().map_or(of_bar, |progressive| progressive.next_step.min(of_bar))
    }

    fn observe(&mut self, event: &Event<'_>, state: &State) -> Control {
        match event {
            Event::Started(started) => self.begin(*started, state),
            Event::Step(step) => {
                if let Some(progressive) = self.progressive.as_mut().filter(|it| step.step >= it.next_step) {
                    let line = progressive.line(step.step, state.running);
                    self.say(line);
                }
                if self.bar.is_none() || step.step < self.pace.next_step() {
                    return Control::Continue;
                }
                self.pace.advance(step.step, step.training_time);
                // A single row's loss says little: what is shown follows it slowly.
                self.running = if self.running.is_nan() { step.loss } else { 0.8 * self.running + 0.2 * step.loss };
                self.draw(self.running, step.lr, state);
            }
            Event::Epoch(epoch) => {
                self.progressive = None;
                self.running = epoch.train_loss;
                self.draw(epoch.train_loss, epoch.lr, state);
                if self.bar.is_none() && !self.quiet && epoch.epoch >= self.next_epoch {
                    self.next_epoch = (2 * epoch.epoch).next_power_of_two();
                    let validation = epoch.validation.map_or(String::new(), |metrics| {
                        let (name, value) = metrics.headline();
                        format!(", validation {name} {}", number(value))
                    });
                    say(format!(
                        "epoch {:>5}  loss {}{validation}, lr {}, {}",
                        epoch.epoch,
                        number(epoch.train_loss),
                        number(epoch.lr),
                        self.rows_per_second(state)
                    ));
                }
            }
            Event::BackedOff(back) if !self.quiet => {
                let words = format!(
                    "the rate was too high: back to the weights after epoch {}, and on at {}",
                    count(back.epoch),
                    number(back.lr)
                );
                self.say(words);
                self.pace = Pace::new(REDRAW);
            }
            Event::Finding(finding) if self.is_running && !self.quiet && !self.found.contains(&finding.slug) => {
                self.found.push(finding.slug.clone());
                let words = format!("{}: {}; {}", finding.slug, finding.cause, finding.remedy);
                self.say(words);
            }
            Event::Finished(_) => {
                self.is_running = false;
                if let Some(bar) = self.bar.take() {
                    bar.finish_and_clear();
                }
            }
            _ => {}
        }
        Control::Continue
    }
}

/// Shows how many of many short runs are done.
pub(crate) struct MapProgress {
    bar: Option<ProgressBar>,
    quiet: bool,
    batch_size: usize,
}

impl MapProgress {
    /// For so many runs; `quiet` shows nothing.
    pub(crate) fn new(n_runs: u64, quiet: bool) -> Self {
        let bar = ProgressBar::with_draw_target(Some(n_runs), ProgressDrawTarget::stderr());
        if let Ok(style) = ProgressStyle::with_template("{bar:24} {pos}/{len} runs, {eta} left: {wide_msg}") {
            bar.set_style(style.progress_chars("━╸─"));
        }
        let is_shown = !quiet && !bar.is_hidden();
        Self { bar: is_shown.then_some(bar), quiet, batch_size: 0 }
    }
}

impl Observer for MapProgress {
    fn observe(&mut self, event: &Event<'_>, _: &State) -> Control {
        match event {
            Event::Started(started) if started.batch_size != self.batch_size => {
                self.batch_size = started.batch_size;
                let rows = prefix(started.batch_size);
                match &self.bar {
                    Some(bar) => bar.set_message(format!("{rows} a step")),
                    None if !self.quiet => say(format!("{rows} a step …")),
                    None => {}
                }
            }
            Event::Finished(_) => {
                if let Some(bar) = &self.bar {
                    bar.inc(1);
                }
            }
            _ => {}
        }
        Control::Continue
    }
}

impl Drop for MapProgress {
    fn drop(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}

/// `1 row`, `1,438 rows`.
fn prefix(batch_size: usize) -> String {
    match batch_size {
        1 => "1 row".to_owned(),
        rows => format!("{} rows", count(rows as u64)),
    }
}
