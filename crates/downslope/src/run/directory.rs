//! Where is a run kept, and how does it survive being killed?
//!
//! ```text
//! run.json            what was decided, what it is about, how it ended; replaced whole
//! metrics.jsonl       one event a line; only ever grows, cut back to the checkpoint when a run goes on
//! checkpoint/state.safetensors    everything needed to go on; replaced whole
//! model.safetensors   the model, once there is one
//! report.html         the same for people
//! ```
//!
//! The directory appears under its name only when `run.json` is in it, so it can be read from the first moment on.

use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::experiment::{DataSummary, Experiment, Outcome, Trained};
use super::plan::Plan;
use super::settings::Settings;
use crate::checkpoint::{
    Checkpoint, Outlives, folder_of, remove_unfinished_files, unfinished_file, without_the_name, write_whole,
};
use crate::clock::Clock;
use crate::data::Notice;
use crate::diagnosis::{Finding, Probes};
use crate::error::{Error, ErrorKind, Place, Result};
use crate::event::Event;
use crate::metrics::Metrics;
use crate::observer::{Control, JsonLines, Observer, Pace};
use crate::state::State;
use crate::stop::StopReason;

/// What stands in `run.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// The version of the program.
    pub downslope: String,
    /// What was decided.
    pub settings: Settings,
    /// What it is about.
    pub data: DataSummary,
    /// The machine.
    pub machine: Machine,
    /// What it goes by: batch size, rate and what they came from.
    #[serde(flatten)]
    pub plan: Plan,
    /// Every how many steps one was written down; 0: none.
    pub log_every: u64,
    /// How it ended; nothing while it runs, or if it was killed.
    pub outcome: Option<Outcome>,
    /// What is worth saying about it.
    pub findings: Vec<Finding>,
    /// What that rests on, beside what was recorded.
    #[serde(default)]
    pub probes: Probes,
    /// What was said about the data, in words.
    pub notices: Vec<String>,
    /// How good the model is on the rows it was trained on.
    pub train: Option<Metrics>,
    /// How good it is on the rows held out.
    pub validation: Option<Metrics>,
}

/// The machine a run was made on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// The operating system.
    pub os: String,
    /// The kind of processor.
    pub arch: String,
    /// The threads it runs at once.
    pub cores: usize,
}

impl Machine {
    /// The machine this runs on.
    pub fn this() -> Self {
        Self {
            os: std::env::consts::OS.to_owned(),
            arch: std::env::consts::ARCH.to_owned(),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
        }
    }
}

impl Record {
    /// The record of a run that begins.
    pub fn new(experiment: &Experiment, plan: Plan, log_every: u64) -> Self {
        Self {
            downslope: env!("CARGO_PKG_VERSION").to_owned(),
            settings: experiment.settings().clone(),
            data: experiment.summary().clone(),
            machine: Machine::this(),
            plan,
            log_every,
            outcome: None,
            findings: Vec::new(),
            probes: Probes::default(),
            notices: experiment.notices().iter().map(Notice::to_string).collect(),
            train: None,
            validation: None,
        }
    }

    /// The same record with what came out.
    #[must_use]
    pub fn ended(mut self, trained: &Trained) -> Self {
        self.outcome = Some(trained.outcome);
        self.findings.clone_from(&trained.findings);
        self.probes = trained.probes.clone();
        if self.plan.lr_from.is_some() {
            self.probes.chosen = None;
        }
        self.train = Some(trained.train);
        self.validation = trained.validation;
        self
    }
}

/// A directory that keeps a run.
#[derive(Clone, Debug)]
pub struct RunDirectory {
    path: PathBuf,
}

impl RunDirectory {
    /// Makes the directory for a run that begins; it appears with its record in it or not at all.
    ///
    /// # Errors
    /// [`ErrorKind::RunExists`], or the operating system's refusal.
    pub fn create(path: &Path, record: &Record) -> Result<Self> {
        if std::fs::symlink_metadata(path).is_ok() {
            return Err(Error::from(ErrorKind::RunExists).at(Place::source(path.to_string_lossy())));
        }
        let refused = |error| Error::io("create", path, error);
        if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            std::fs::create_dir_all(parent).map_err(refused)?;
        }
        let parent = folder_of(path).map_err(refused)?;
        let making = unfinished_file().tempdir_in(parent).map_err(without_the_name).map_err(refused)?;
        set_ordinary_permissions(making.path()).map_err(refused)?;
        let inside = Self { path: making.path().to_owned() };
        std::fs::create_dir(inside.path.join("checkpoint")).map_err(refused)?;
        File::create(inside.metrics()).map_err(refused)?;
        inside.write_record(record)?;
        std::fs::rename(making.path(), path).map_err(|error| match error.kind() {
            // Somebody else was faster.
            std::io::ErrorKind::DirectoryNotEmpty | std::io::ErrorKind::AlreadyExists => {
                Error::from(ErrorKind::RunExists).at(Place::source(path.to_string_lossy()))
            }
            _ => refused(error),
        })?;
        // What was made is now under its name; nothing is left to remove.
        let _ = making.keep();
        Ok(Self { path: path.to_owned() })
    }

    /// Opens a directory that keeps a run.
    ///
    /// # Errors
    /// A directory that is not there or has no `run.json`.
    pub fn open(path: &Path) -> Result<Self> {
        let directory = Self { path: path.to_owned() };
        let refused = |error| Error::io("open", path, error);
        if !std::fs::metadata(path).map_err(refused)?.is_dir() {
            return Err(refused(std::io::ErrorKind::NotADirectory.into()));
        }
        if !directory.path.join("run.json").is_file() {
            return Err(
                Error::malformed("run directory", "there is no `run.json` in it").in_source(&path.to_string_lossy())
            );
        }
        Ok(directory)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where the model is, once there is one.
    pub fn model(&self) -> PathBuf {
        self.path.join("model.safetensors")
    }

    /// Where the events are.
    pub fn metrics(&self) -> PathBuf {
        self.path.join("metrics.jsonl")
    }

    fn checkpoint(&self) -> PathBuf {
        self.path.join("checkpoint").join("state.safetensors")
    }

    /// Reads the record.
    ///
    /// # Errors
    /// A record that is damaged.
    pub fn record(&self) -> Result<Record> {
        let path = self.path.join("run.json");
        let bytes = std::fs::read(&path).map_err(|error| Error::io("read", &path, error))?;
        serde_json::from_slice(&bytes)
            .map_err(|error| Error::malformed("run record", error).in_source(&path.to_string_lossy()))
    }

    /// Replaces the record.
    ///
    /// # Errors
    /// The operating system's refusal; the old record is then as it was.
    pub fn write_record(&self, record: &Record) -> Result<()> {
        let path = self.path.join("run.json");
        let mut bytes = serde_json::to_vec_pretty(record).map_err(|error| Error::malformed("run record", error))?;
        bytes.push(b'\n');
        write_whole(&path, &bytes)
    }

    /// The events written so far, one a line; a last line cut short by a kill is left out.
    ///
    /// # Errors
    /// The operating system's refusal.
    pub fn events(&self) -> Result<Vec<serde_json::Value>> {
        let path = self.metrics();
        let text = std::fs::read_to_string(&path).map_err(|error| Error::io("read", &path, error))?;
        Ok(text.lines().map_while(|line| serde_json::from_str(line).ok()).collect())
    }

    /// The state of the last checkpoint, or one that has not begun, and the file that goes on from there.
    ///
    /// # Errors
    /// A damaged checkpoint, [`ErrorKind::RunBusy`] if another process is writing, or the operating system's refusal.
    pub fn go_on(&self, start: &[f32], log_every: u64, period: Option<Duration>) -> Result<(State, Recorder)> {
        let path = self.metrics();
        let refused = |error| Error::io("write", &path, error);
        let mut file = OpenOptions::new().write(true).open(&path).map_err(refused)?;
        // First of all: what stands in the checkpoint of a run that another process goes on with is soon out of date.
        if file.try_lock().is_err() {
            return Err(Error::from(ErrorKind::RunBusy).at(Place::source(self.path.to_string_lossy())));
        }
        let checkpoint = self.checkpoint();
        let Checkpoint { state, metrics_bytes } = if checkpoint.exists() {
            Checkpoint::read(&checkpoint)?
        } else {
            Checkpoint { state: State::new(start.to_vec()), metrics_bytes: 0 }
        };
        remove_unfinished_files(&self.path);
        remove_unfinished_files(&self.path.join("checkpoint"));
        if file.metadata().map_err(refused)?.len() < metrics_bytes {
            let detail = "`metrics.jsonl` is shorter than the checkpoint says";
            return Err(Error::malformed("run directory", detail).in_source(&self.path.to_string_lossy()));
        }
        file.set_len(metrics_bytes).map_err(refused)?;
        file.seek(SeekFrom::End(0)).map_err(refused)?;
        let out = Counted { out: BufWriter::with_capacity(1 << 16, file), bytes: metrics_bytes };
        let recorder = Recorder {
            lines: JsonLines::new(out, log_every, state.step),
            metrics: path,
            checkpoint,
            pace: period.map(Pace::new),
            has_begun: metrics_bytes > 0,
            clock: Clock::default(),
            saved: None,
            error: None,
        };
        Ok((state, recorder))
    }
}

#[cfg(unix)]
fn set_ordinary_permissions(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755))
}

#[cfg(not(unix))]
fn set_ordinary_permissions(_: &Path) -> std::io::Result<()> {
    Ok(())
}

/// Counts the bytes on their way.
struct Counted<W> {
    out: W,
    bytes: u64,
}

impl<W: Write> Write for Counted<W> {
    fn write(&mut self, buffer: &[u8]) -> std::io::Result<usize> {
        let written = self.out.write(buffer)?;
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.out.flush()
    }
}

/// Writes a run down as it happens: its events, and a checkpoint after each epoch (where epochs are shorter than a
/// fiftieth of a second, after one in every such time), every so often in between, and when it stops. What cannot be written stops the run; [`Recorder::finish`] tells why.
pub struct Recorder {
    lines: JsonLines<Counted<BufWriter<File>>>,
    metrics: PathBuf,
    checkpoint: PathBuf,
    pace: Option<Pace>,
    has_begun: bool,
    clock: Clock,
    /// When the last checkpoint was written, and when the last that outlives the machine.
    saved: Option<(Duration, Duration)>,
    error: Option<Error>,
}

/// Epochs shorter than this do not each get a checkpoint: writing would take longer than what a kill could cost.
const BETWEEN_CHECKPOINTS: Duration = Duration::from_millis(20);
/// How often a checkpoint waits for the disk. In between they outlive a kill, but not a loss of power.
const BETWEEN_SYNCS: Duration = Duration::from_secs(1);

impl Recorder {
    /// Writes out what is still held back. The directory stays this process's own until the recorder is dropped.
    ///
    /// # Errors
    /// The first failure to write, with its path.
    pub fn finish(&mut self) -> Result<()> {
        self.error.take().map_or(Ok(()), Err)?;
        self.lines.finish().map_err(|error| Error::io("write", &self.metrics, error))
    }

    fn save(&mut self, state: &State) -> Result<()> {
        self.lines.finish().map_err(|error| Error::io("write", &self.metrics, error))?;
        let metrics_bytes = self.lines.get_mut().bytes;
        let now = self.clock.now();
        let (outlives, synced) = match self.saved {
            Some((_, synced)) if now.saturating_sub(synced) < BETWEEN_SYNCS => (Outlives::Process, synced),
            _ => (Outlives::PowerLoss, now),
        };
        Checkpoint { state: state.clone(), metrics_bytes }.write_to_outlive(outlives, &self.checkpoint)?;
        self.saved = Some((now, synced));
        Ok(())
    }

    fn saved_just_now(&self) -> bool {
        self.saved.is_some_and(|(saved, _)| self.clock.now().saturating_sub(saved) < BETWEEN_CHECKPOINTS)
    }

    fn note(&mut self, event: &Event<'_>, state: &State) -> Result<Control> {
        // What an interrupted run says at its end is not part of its history: it goes on as if it had not stopped.
        // Any other end is found again from the last checkpoint.
        if matches!(event, Event::Finished(StopReason::Interrupted)) {
            self.save(state)?;
        }
        let already_told = matches!(event, Event::Started(_)) && self.has_begun;
        let is_due = !matches!(event, Event::Step(step) if step.step < self.lines.next_step());
        let control = if is_due && !already_told { self.lines.observe(event, state) } else { Control::Continue };
        match event {
            Event::BackedOff(_) => self.pace = self.pace.map(Pace::restarted),
            Event::Epoch(_) if !self.saved_just_now() => self.save(state)?,
            Event::Step(step) => {
                if let Some(pace) = &mut self.pace
                    && step.step >= pace.next_step()
                {
                    pace.advance(step.step, step.training_time);
                    // A step that led out of the numbers ends the run; going on from there would take another.
                    if step.step > 1 && step.loss.is_finite() {
                        self.save(state)?;
                    }
                }
            }
            Event::Finished(reason) if *reason != StopReason::Interrupted => {
                self.lines.finish().map_err(|error| Error::io("write", &self.metrics, error))?;
            }
            _ => {}
        }
        Ok(control)
    }
}

impl Observer for Recorder {
    fn next_step(&self) -> u64 {
        self.pace.map_or(u64::MAX, |pace| pace.next_step()).min(self.lines.next_step())
    }

    fn observe(&mut self, event: &Event<'_>, state: &State) -> Control {
        self.note(event, state).unwrap_or_else(|error| {
            self.error.get_or_insert(error);
            Control::Stop
        })
    }
}
