//! What time is it?
//!
//! The one place where the library reads a clock, so that tests can hold it still.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// A clock that only goes forward.
#[derive(Clone, Debug)]
pub struct Clock(Source);

#[derive(Clone, Debug)]
enum Source {
    System(Instant),
    Manual(Arc<AtomicU64>),
}

impl Default for Clock {
    fn default() -> Self {
        Self(Source::System(Instant::now()))
    }
}

impl Clock {
    /// A clock that stands still unless `nanoseconds` are moved on.
    pub fn manual(nanoseconds: Arc<AtomicU64>) -> Self {
        Self(Source::Manual(nanoseconds))
    }

    /// The time since the clock was made.
    pub fn now(&self) -> Duration {
        match &self.0 {
            Source::System(start) => start.elapsed(),
            Source::Manual(nanoseconds) => Duration::from_nanos(nanoseconds.load(Ordering::Relaxed)),
        }
    }
}

/// Adds up the time between start and pause.
#[derive(Clone, Debug)]
pub(crate) struct Stopwatch {
    clock: Clock,
    total: Duration,
    since: Option<Duration>,
}

impl Stopwatch {
    pub(crate) fn new(clock: Clock, total: Duration) -> Self {
        Self { clock, total, since: None }
    }

    pub(crate) fn start(&mut self) {
        self.since = Some(self.clock.now());
    }

    pub(crate) fn pause(&mut self) -> Duration {
        if let Some(since) = self.since.take() {
            self.total += self.clock.now().saturating_sub(since);
        }
        self.total
    }
}
