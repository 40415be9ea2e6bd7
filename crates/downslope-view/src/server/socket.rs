//! How does one page stream and steer its runs?
//!
//! Wishes come in one by one; what is new goes out at a steady pace, gathered from all runs of the page. Only what is
//! newest is ever sent, so a page that reads slowly gets less, not later; one that has stopped reading is let go after
//! a while. A run never waits for a page.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::response::Response;
use downslope::loader::BatchSize;
use downslope::state::State as RunState;
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::House;
use super::descent::{Plan, Running};
use super::probe::placed;
use super::protocol::{Mode, Refused, Start, Told, Wish};
use super::stage::{MOST_STEPS, Reading, Refusal, Stage, refused};
use super::subject::Subject;
use super::watch::{Forked, Order};

/// Between two messages to a page: 30 a second, where 60 are allowed.
const BEAT: Duration = Duration::from_millis(33);
/// How long a page may not read before it is let go.
const PATIENCE: Duration = Duration::from_secs(20);
/// The longest message that a page may send, in bytes.
const LONGEST: usize = 16 * 1024;
/// Runs of a page at most.
const MOST_RUNS: usize = 12;
/// Refusals told at once at most.
const MOST_REFUSED: usize = 16;

pub(crate) async fn open(State(house): State<Arc<House>>, upgrade: WebSocketUpgrade) -> Response {
    let upgrade = upgrade.max_message_size(LONGEST).max_frame_size(LONGEST).write_buffer_size(0);
    upgrade.on_upgrade(|socket| converse(socket, house))
}

/// A run that was forked, on its way from the thread of the run it came from.
struct Born {
    run: u32,
    plan: Plan,
    forked: Forked,
    speed: f64,
}

/// What a page has going.
struct Page {
    house: Arc<House>,
    runs: BTreeMap<u32, (Subject, Running)>,
    refused: Vec<Refused>,
    births: mpsc::UnboundedSender<Born>,
}

async fn converse(mut socket: WebSocket, house: Arc<House>) {
    let (births, mut born) = mpsc::unbounded_channel();
    let mut page = Page { house, runs: BTreeMap::new(), refused: Vec::new(), births };
    let mut beat = interval(BEAT);
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            message = socket.recv() => match message {
                Some(Ok(Message::Text(text))) => page.hear(text.as_str()).await,
                Some(Ok(Message::Binary(_))) => page.refuse(None, "messages are JSON in text"),
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                Some(Ok(Message::Close(_)) | Err(_)) | None => return,
            },
            Some(birth) = born.recv() => page.bear(birth),
            _ = beat.tick() => {
                let Some(text) = page.news() else { continue };
                match timeout(PATIENCE, socket.send(Message::Text(text.into()))).await {
                    Ok(Ok(())) => {}
                    Ok(Err(_)) | Err(_) => return,
                }
            }
        }
    }
}

impl Page {
    fn refuse(&mut self, run: Option<u32>, error: impl Into<String>) {
        if self.refused.len() < MOST_REFUSED {
            self.refused.push(Refused { run, error: error.into() });
        }
    }

    /// All that is new, as text; nothing if nothing is.
    fn news(&mut self) -> Option<String> {
        let runs: Vec<_> = self.runs.iter().filter_map(|(&run, (_, running))| running.board.news(run)).collect();
        let refused = std::mem::take(&mut self.refused);
        if runs.is_empty() && refused.is_empty() {
            return None;
        }
        serde_json::to_string(&Told { runs, refused }).ok()
    }

    async fn hear(&mut self, text: &str) {
        match serde_json::from_str::<Wish>(text) {
            Ok(Wish::Start(start)) => self.start(start).await,
            Ok(wish) => {
                let run = number(&wish);
                if let Err(Refusal(words)) = self.grant(wish) {
                    self.refuse(Some(run), words);
                }
            }
            Err(error) => self.refuse(None, format!("cannot be read: {error}")),
        }
    }

    async fn start(&mut self, start: Start) {
        let (run, speed) = (start.run, speed_of(start.speed));
        let mode = if start.paused { Mode::Paused } else { Mode::Running };
        self.runs.remove(&run);
        if self.runs.len() >= MOST_RUNS {
            return self.refuse(Some(run), format!("a page has at most {MOST_RUNS} runs"));
        }
        let house = Arc::clone(&self.house);
        let begun = tokio::task::spawn_blocking(move || {
            let plan = plan(&house.stage, &start)?;
            let subject = plan.subject.clone();
            Running::begin(plan, mode, speed).map(|running| (subject, running)).map_err(|error| no_thread(&error))
        });
        match begun.await {
            Ok(Ok(running)) => _ = self.runs.insert(run, running),
            Ok(Err(Refusal(words))) => self.refuse(Some(run), words),
            Err(error) => self.refuse(Some(run), error.to_string()),
        }
    }

    fn bear(&mut self, Born { run, plan, forked, speed }: Born) {
        let subject = plan.subject.clone();
        if self.runs.len() >= MOST_RUNS && !self.runs.contains_key(&run) {
            return self.refuse(Some(run), format!("a page has at most {MOST_RUNS} runs"));
        }
        match Running::fork(plan, forked, speed).map_err(|error| no_thread(&error)) {
            Ok(running) => _ = self.runs.insert(run, (subject, running)),
            Err(Refusal(words)) => self.refuse(Some(run), words),
        }
    }

    fn grant(&mut self, wish: Wish) -> Result<(), Refusal> {
        if let Wish::Stop { run } = wish {
            self.runs.remove(&run);
            return Ok(());
        }
        let Some((subject, running)) = self.runs.get(&number(&wish)) else {
            return refused("there is no such run");
        };
        let board = &running.board;
        match wish {
            Wish::Start(_) | Wish::Stop { .. } => {}
            Wish::Pause { .. } => board.pause(),
            Wish::Resume { .. } => board.resume(),
            Wish::Step { .. } => board.step(),
            Wish::Set { lr, batch_size, speed, .. } => {
                let (lr, batch_size) = (checked(lr)?, parsed(batch_size.as_deref())?);
                if let Some(speed) = speed {
                    board.write(|written| written.speed = speed_of(speed));
                }
                if lr.is_some() || batch_size.is_some() {
                    board.order(Order::Change { lr, batch_size });
                }
            }
            Wish::Rewind { step, .. } => board.order(Order::Rewind(step)),
            Wish::Fork { fork, step, lr, batch_size, .. } => {
                let (lr, batch_size) = (checked(lr)?, parsed(batch_size.as_deref())?);
                let (subject, births) = (subject.clone(), self.births.clone());
                let (speed, last_step) = board.write(|written| (written.speed, written.now.last_step));
                let give = move |forked: Forked| {
                    let plan = Plan {
                        subject,
                        state: forked.state.clone(),
                        lr: lr.unwrap_or(forked.lr),
                        batch_size: batch_size.unwrap_or(forked.batch_size),
                        turns: batch_size.is_some_and(|batch_size| batch_size != forked.batch_size),
                        last_step,
                    };
                    // A page that has gone wants no more runs.
                    let _ = births.send(Born { run: fork, plan, forked, speed });
                };
                board.order(Order::Fork(Box::new(give), step));
            }
        }
        Ok(())
    }
}

fn number(wish: &Wish) -> u32 {
    match *wish {
        Wish::Start(Start { run, .. })
        | Wish::Pause { run }
        | Wish::Resume { run }
        | Wish::Step { run }
        | Wish::Set { run, .. }
        | Wish::Rewind { run, .. }
        | Wish::Fork { run, .. }
        | Wish::Stop { run } => run,
    }
}

fn no_thread(error: &std::io::Error) -> Refusal {
    Refusal(format!("no more runs at the same time: {error}"))
}

/// A speed that is none is as fast as it goes.
fn speed_of(speed: f64) -> f64 {
    if speed.is_finite() && speed > 0.0 { speed } else { 0.0 }
}

fn checked(lr: Option<f64>) -> Result<Option<f64>, Refusal> {
    match lr {
        Some(lr) if !(lr.is_finite() && lr > 0.0) => refused("a learning rate is a finite number above 0"),
        _ => Ok(lr),
    }
}

fn parsed(batch_size: Option<&str>) -> Result<Option<BatchSize>, Refusal> {
    Ok(batch_size.map(str::parse).transpose()?)
}

/// What a run is to be, with everything that the page left open.
fn plan(stage: &Stage, start: &Start) -> Result<Plan, Refusal> {
    let reading = Reading::of(&start.asked)?;
    let subject = stage.subject(&reading)?;
    let theta = placed(&subject, &start.from)?;
    let own = reading.read::<BatchSize>("batch-size");
    let batch_size = parsed(start.batch_size.as_deref())?.or(own).unwrap_or(BatchSize::Full);
    let lr = match checked(start.lr)?.or(reading.lr()) {
        Some(lr) => lr,
        None => subject.suggested_at(&theta, batch_size)?.lr,
    };
    let per_epoch = subject.trainer(batch_size, lr, 1).loader.map_or(1, |loader| loader.len() as u64);
    let of_epochs = reading.read::<u64>("epochs").map(|epochs| epochs.saturating_mul(per_epoch));
    let last_step = reading.read("steps").or(of_epochs).unwrap_or(100).clamp(1, MOST_STEPS);
    Ok(Plan { subject, state: RunState::new(theta), lr, batch_size, turns: false, last_step })
}
