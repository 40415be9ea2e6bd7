//! `downslope train` and `downslope resume`: fit, keep, go on.

use std::path::{Path, PathBuf};
use std::time::Duration;

use downslope::checkpoint::write_whole;
use downslope::error::Problem;
use downslope::run::{BatchSetting, Experiment, Record, RunDirectory};
use downslope::stop::StopReason;
use downslope::{Error, ErrorKind, Place, Result};
use downslope_view::learning_rate::plan_words;
use downslope_view::quantity;
use downslope_view::run_report::{self, Run};

use super::{check_deny, introduce, is_allowed};
use crate::args::{Judge, Keep, Resume, Train, Voice};
use crate::console::{canvas, give, give_json, say};
use crate::progress::Progress;
use crate::{Outcome, interrupt};

/// What stands for the source of data that were piped in; a file is named by its full path.
const STANDARD_INPUT: &str = "standard input";
/// Every how many steps one is written down unless something else is asked for.
const LOG_EVERY: u64 = 100;

pub(crate) fn run(args: &Train) -> Result<Outcome> {
    let settings = args.settings();
    settings.check()?;
    checkpoint_period(&args.keep)?;
    check_deny(&args.judge)?;
    if let Some(out) = &args.out
        && std::fs::symlink_metadata(out).is_ok()
    {
        return Err(Error::from(ErrorKind::RunExists).at(Place::source(out.to_string_lossy())));
    }
    let experiment = Experiment::open(&args.data, &settings)?;
    if !args.voice.quiet {
        let given = if let BatchSetting::Fixed(batch_size) = args.batch_size { Some(batch_size) } else { None };
        introduce(&experiment, &args.data, given.as_slice());
    }
    let plan = experiment.plan()?;
    if !args.voice.quiet {
        let n_rows = experiment.summary().n_train;
        for words in plan_words(&plan, n_rows) {
            say(words);
        }
    }
    let record = Record::new(&experiment, plan, args.keep.log_every.unwrap_or(LOG_EVERY));
    let directory = match &args.out {
        Some(out) => RunDirectory::create(out, &record)?,
        None => create_numbered(&args.data, &record)?,
    };
    carry_on(&directory, &experiment, record, &args.keep, &args.judge, &args.voice)
}

pub(crate) fn resume(args: &Resume) -> Result<Outcome> {
    check_deny(&args.judge)?;
    let directory = RunDirectory::open(&args.run)?;
    let mut record = directory.record()?;
    if let Some(outcome) = record.outcome.filter(|outcome| outcome.reason != StopReason::Interrupted) {
        if !args.voice.quiet {
            say(format!("nothing left to do: the run ended ({})", outcome.reason));
        }
        return conclude(&directory, &record, &args.judge, &args.voice);
    }
    if args.threads.is_some() {
        record.settings.threads = args.threads;
    }
    let source = args.data.as_deref().unwrap_or(&record.data.source);
    if source == STANDARD_INPUT && args.data.is_none() {
        return Err(Error::from(ErrorKind::DataNotKept).at(Place::source(args.run.to_string_lossy())));
    }
    let experiment = Experiment::open(source, &record.settings)?;
    let (was, is) = (&record.data, experiment.summary());
    let same = |expected: &str, found: &str, source: &str| {
        if expected == found {
            return Ok(());
        }
        let kind = ErrorKind::DataChanged { expected: expected.to_owned(), found: found.to_owned() };
        Err(Error::from(kind).at(Place::source(source)))
    };
    same(&was.fingerprint, &is.fingerprint, source)?;
    if let (Some(expected), Some(found)) = (&was.validation_fingerprint, &is.validation_fingerprint) {
        same(expected, found, &record.settings.validation.to_string())?;
    }
    carry_on(&directory, &experiment, record, &args.keep, &args.judge, &args.voice)
}

/// Trains from where the directory stands, and leaves in it what came out.
fn carry_on(
    directory: &RunDirectory,
    experiment: &Experiment,
    mut record: Record,
    keep: &Keep,
    judge: &Judge,
    voice: &Voice,
) -> Result<Outcome> {
    record.log_every = keep.log_every.unwrap_or(record.log_every);
    let period = checkpoint_period(keep)?;
    let trainer = experiment.trainer_of(&record.plan);
    let (mut state, mut recorder) = directory.go_on(experiment.start(), record.log_every, Some(period))?;
    if state.step > 0 && !voice.quiet {
        say(format!("going on after epoch {}, step {}", state.epoch, quantity::count(state.step)));
    }
    if record.outcome.take().is_some() {
        // It runs again.
        directory.write_record(&record)?;
    }
    let mut progress = Progress::new(experiment.summary().n_train, voice.quiet);
    if experiment.is_streamed() {
        progress = progress.with_progressive_loss();
    }
    let trained = experiment.descend(
        &trainer,
        record.plan.lr_from,
        &mut state,
        &mut [&mut recorder, &mut progress, &mut interrupt::observer()],
    )?;
    recorder.finish()?;
    if !matches!(trained.outcome.reason, StopReason::Interrupted | StopReason::Diverged) {
        trained.model.save(&directory.model())?;
    }
    let record = record.ended(&trained);
    let name = directory.path().display().to_string();
    let events = directory.events()?;
    let page = run_report::to_page(&[Run { name: &name, record: &record, events: &events }]).to_html();
    write_whole(&directory.path().join("report.html"), page.as_bytes())?;
    // Last, because it says that all else is there.
    directory.write_record(&record)?;
    conclude(directory, &record, judge, voice)
}

/// Tells what came out.
fn conclude(directory: &RunDirectory, record: &Record, judge: &Judge, voice: &Voice) -> Result<Outcome> {
    let path = directory.path().display();
    let reason = record.outcome.map(|outcome| outcome.reason);
    if voice.json {
        give_json(record)?;
    } else if !voice.quiet {
        let (name, events) = (path.to_string(), directory.events()?);
        give(run_report::summary_text(&Run { name: &name, record, events: &events }, canvas()))?;
    }
    if !voice.quiet {
        match reason {
            Some(StopReason::Interrupted) => say(format!("go on with: downslope resume {path}")),
            Some(StopReason::Diverged) => say(format!("the run is in {path}; no model was written")),
            _ => say(format!("the run is in {path}: model.safetensors predicts, report.html shows it")),
        }
    }
    let missed = record.settings.target_loss.filter(|_| reason != Some(StopReason::Target));
    if let (Some(target), false) = (missed, voice.quiet) {
        say(format!("the target loss {target} was not reached"));
    }
    let ended = !matches!(reason, None | Some(StopReason::Interrupted | StopReason::Diverged));
    let allowed = is_allowed(&record.findings, judge, voice);
    Ok(if ended && missed.is_none() && allowed { Outcome::Done } else { Outcome::NotAsAsked })
}

fn checkpoint_period(keep: &Keep) -> Result<Duration> {
    let refused = || {
        let problem = Problem::new("checkpoint-seconds", "a finite number above 0", keep.checkpoint_seconds);
        ErrorKind::Settings(vec![problem]).into()
    };
    let period = Duration::try_from_secs_f64(keep.checkpoint_seconds).ok();
    period.filter(|period| !period.is_zero()).ok_or_else(refused)
}

/// Makes the first directory `runs/NAME-1`, `runs/NAME-2` … that is free.
fn create_numbered(data: &str, record: &Record) -> Result<RunDirectory> {
    let stem = Path::new(data).file_stem().map_or("run".into(), |stem| stem.to_string_lossy());
    let name = match stem.trim_start_matches('@') {
        "-" | "" => "run",
        name => name,
    };
    let path = |number: u32| PathBuf::from("runs").join(format!("{name}-{number}"));
    let mut number = 1;
    loop {
        match RunDirectory::create(&path(number), record) {
            Err(error) if matches!(error.kind(), ErrorKind::RunExists) => number += 1,
            other => return other,
        }
    }
}
