//! What happened in a run, and what to try, in plain words?

use downslope::diagnosis::Trend;
use downslope::metrics::Metrics;
use downslope::run::{Record, Validation, ZeroWeights};
use downslope::schedule::Schedule;
use downslope::stop::StopReason;

use super::Run;
use super::curves::Curves;
use crate::command::{self, Flag, differing};
use crate::quality::headline;
use crate::quantity::{count, number, percent, seconds};
use crate::words::{capital, plural, reasons};

/// So many findings are answered with a whole command.
const MOST_REMEDIES: usize = 3;
/// A validation loss so many times the training loss is clearly worse.
const OVERFITS: f64 = 1.5;
/// Differences of losses below this share of the first loss are too small to speak of.
const WORTH_A_WORD: f64 = 0.01;
/// Findings that say why a loss wanders.
const NOISE: &[&str] = &["batch-noise-dominated", "last-batch-imbalance", "at-the-noise-floor", "edge-of-stability"];

/// The state of a run in one line.
pub(super) fn title(run: &Run<'_>) -> String {
    let record = run.record;
    let Some(outcome) = record.outcome else {
        return "The run has not ended".to_owned();
    };
    match outcome.reason {
        StopReason::Diverged => "The run diverged and left no model".to_owned(),
        StopReason::Interrupted => format!("Interrupted after {}", plural(outcome.epochs, "epoch")),
        _ => {
            let (metrics, rows) = match (&record.validation, &record.train) {
                (Some(validation), _) => (validation, "on rows held out"),
                (None, Some(train)) => (train, "on the rows it was trained on"),
                (None, None) => return format!("Done after {}", plural(outcome.epochs, "epoch")),
            };
            headline(metrics).map_or_else(String::new, |measure| {
                format!("{} {} {rows}", capital(measure.name), measure.format.write(measure.value))
            })
        }
    }
}

/// Whether there is something to go on with.
pub(super) fn can_go_on(record: &Record) -> bool {
    record.outcome.is_none_or(|outcome| outcome.reason == StopReason::Interrupted)
}

/// Whether there is no model.
pub(super) fn has_failed(record: &Record) -> bool {
    record.outcome.is_some_and(|outcome| outcome.reason == StopReason::Diverged)
}

/// What was found in a run that has a model, a paragraph each.
pub(super) fn findings(record: &Record) -> Vec<String> {
    let findings = record.findings.iter().filter(|_| !has_failed(record));
    findings.map(|finding| format!("{} ({}): {}.", capital(&finding.cause), finding.slug, finding.remedy)).collect()
}

/// Whether one of these was found.
fn has_found(record: &Record, slugs: &[&str]) -> bool {
    record.findings.iter().any(|finding| slugs.contains(&finding.slug.as_str()))
}

/// What happened, sentence by sentence, beside the findings of a run that has a model.
pub(super) fn sentences(run: &Run<'_>) -> Vec<String> {
    let (record, curves) = (run.record, Curves::of(run));
    let mut out = vec![what_happened(record, &curves)];
    if has_failed(record) {
        out.extend(reasons(&record.findings));
        out.push("No model was written.".to_owned());
        return out;
    }
    out.extend(why_it_stopped(record));
    if can_go_on(record) {
        return out;
    }
    out.extend(how_it_ended(record, &curves));
    out.extend(on_new_rows(record, &curves));
    out.extend(what_l1_left(record));
    out
}

fn what_happened(record: &Record, curves: &Curves) -> String {
    let first = curves.initial_loss.filter(|loss| loss.is_finite());
    let Some(outcome) = record.outcome else {
        return match (first, curves.epochs.last()) {
            (Some(first), Some(last)) => format!(
                "The run has not ended: it goes on elsewhere, or was killed. So far the training loss went from {} to {} in {} of {}.",
                number(first),
                number(last.train_loss),
                number(last.place.epoch),
                plural(record.plan.epochs, "epoch")
            ),
            _ => {
                "The run has not ended: it goes on elsewhere, or was killed before its first epoch was over.".to_owned()
            }
        };
    };
    let effort = format!(
        "{} ({}, {} of training)",
        plural(outcome.epochs, "epoch"),
        plural(outcome.steps, "step"),
        seconds(outcome.time.training_seconds)
    );
    if outcome.reason == StopReason::Diverged {
        let last = record.train.map(|train| train.loss);
        let to = match last {
            Some(loss) if loss.is_finite() => format!("rose to {}", number(loss)),
            _ => "left the range of numbers".to_owned(),
        };
        let from = first.map_or(String::new(), |first| format!(", which began at {},", number(first)));
        return format!("The run diverged after {}: the training loss{from} {to}.", plural(outcome.steps, "step"));
    }
    match (first, record.train) {
        (Some(first), Some(train)) => {
            format!("The training loss went from {} to {} in {effort}.", number(first), number(train.loss))
        }
        (None, Some(train)) => format!("The training loss is {} after {effort}.", number(train.loss)),
        _ => format!("The run took {effort}."),
    }
}

fn why_it_stopped(record: &Record) -> Option<String> {
    let outcome = record.outcome?;
    let monitored = if record.data.n_validation > 0 { "validation" } else { "training" };
    Some(match outcome.reason {
        StopReason::Epochs | StopReason::Steps | StopReason::Diverged => return None,
        StopReason::Seconds => "It stopped because the time was up.".to_owned(),
        StopReason::Target => format!("It stopped because the {monitored} loss reached its target."),
        StopReason::Interrupted => "It was interrupted, and can go on from there.".to_owned(),
        StopReason::Patience => {
            let patience = record.settings.patience.unwrap_or(0);
            let kept =
                outcome.best_epoch.map_or(String::new(), |epoch| format!("; the weights of epoch {epoch} are kept"));
            format!(
                "It stopped because the {monitored} loss had no new lowest for {}{kept}.",
                plural(patience, "epoch")
            )
        }
    })
}

/// The losses that show whether more epochs would help: of rows held out, where there are some.
fn monitored(curves: &Curves) -> (&'static str, Vec<(f64, f64)>) {
    let validation = curves.validation();
    if validation.is_empty() { ("training", curves.train()) } else { ("validation", validation) }
}

fn how_it_ended(record: &Record, curves: &Curves) -> Option<String> {
    if record.outcome?.reason == StopReason::Patience {
        return None;
    }
    let (which, losses) = monitored(curves);
    let trend = Trend::of(&losses)?;
    // Findings say it with a reason.
    let is_told = match trend {
        Trend::RisesAgain { .. } => has_found(record, &["overfitting"]),
        Trend::Wanders { .. } => has_found(record, NOISE),
        Trend::Falls { .. } | Trend::Rests { .. } => false,
    };
    if is_told {
        return None;
    }
    Some(match trend {
        Trend::Falls { share, epochs } => format!(
            "Over the last {} the mean {which} loss was still {} lower than over the {epochs} before: more epochs would help.",
            plural(epochs as u64, "epoch"),
            percent(round(share))
        ),
        Trend::RisesAgain { lowest, epoch, share } => format!(
            "The {which} loss was lowest after epoch {} ({}) and ended {} higher.",
            number(epoch),
            number(lowest),
            percent(round(share))
        ),
        Trend::Wanders { epochs } => format!(
            "Over the last {} the {which} loss went up and down more than it fell: more epochs{}.",
            plural(epochs as u64, "epoch"),
            match record.plan.schedule {
                Schedule::Constant => " at this rate would change little, a rate that shrinks would",
                _ => " would change little",
            }
        ),
        Trend::Rests { epochs } => format!(
            "Over the last {} the {which} loss changed by less than 1%: more epochs would change little.",
            plural(epochs as u64, "epoch")
        ),
    })
}

/// A share to whole hundredths, or two digits where that is nothing.
fn round(share: f64) -> f64 {
    if share >= 0.1 { (share * 100.0).round() / 100.0 } else { (share * 1000.0).round() / 1000.0 }
}

/// How many times the training loss the validation loss is, if that is worth a word.
fn overfits(record: &Record, curves: &Curves) -> Option<f64> {
    let (train, validation) = (record.train?, record.validation?);
    let ratio = validation.loss / train.loss;
    let scale = curves.initial_loss.unwrap_or(validation.loss).abs();
    let matters = validation.loss - train.loss > WORTH_A_WORD * scale;
    Some(ratio).filter(|ratio| train.loss > 0.0 && *ratio > OVERFITS && matters)
}

fn on_new_rows(record: &Record, curves: &Curves) -> Option<String> {
    let (Some(train), Some(validation)) = (record.train, record.validation) else {
        let asked = record.settings.validation == Validation::None;
        return asked
            .then(|| "No rows were held out, so nothing here says how good the model is on new rows.".to_owned());
    };
    let write = |metrics: &Metrics| headline(metrics).map_or_else(String::new, |m| m.format.write(m.value));
    let name = headline(&validation)?.name;
    let side_by_side = format!("{name} {} against {}", write(&validation), write(&train));
    let losses = format!("{} against {}", number(validation.loss), number(train.loss));
    let both = if name == "loss" { losses } else { format!("{losses}, {side_by_side}") };
    let than = "than on the rows it was trained on";
    Some(if overfits(record, curves).is_some() {
        format!("On rows held out it is clearly worse {than}: loss {both}.")
    } else if validation.loss > train.loss {
        format!("On rows held out it is a little worse {than}: loss {both}.")
    } else {
        format!("On rows held out it is no worse {than}: loss {both}.")
    })
}

fn what_l1_left(record: &Record) -> Option<String> {
    let ZeroWeights { zero, of } = record.outcome?.zero_weights?;
    Some(format!("L1 left {} of {} at zero.", count(zero as u64), plural(of as u64, "weight")))
}

/// What to try now: commands, each with what it does.
pub(super) fn next(run: &Run<'_>) -> Vec<(String, String)> {
    let record = run.record;
    let curves = Curves::of(run);
    let source = &record.data.source;
    let train = |changed: &'static str, value: String| {
        let mut flags = flags_of(record);
        flags.retain(|(flag, _)| *flag != changed);
        flags.push((changed, Some(value)));
        command::line("train", source, &flags)
    };
    if can_go_on(record) {
        return vec![(command::line("resume", run.name, &[]), "goes on from the last checkpoint".to_owned())];
    }
    if has_failed(record) {
        let mut out: Vec<(String, String)> = remedies(record).collect();
        // What lies behind a failure is told last and tried first.
        out.reverse();
        if out.is_empty() {
            out.push((train("--lr", "auto".to_owned()), "starts again with a rate that is measured".to_owned()));
        }
        return out;
    }
    let mut out: Vec<(String, String)> = remedies(record).take(MOST_REMEDIES).collect();
    let (_, losses) = monitored(&curves);
    let ended_by = |reason| record.outcome.is_some_and(|outcome| outcome.reason == reason);
    let (stopped_early, out_of_time) = (ended_by(StopReason::Patience), ended_by(StopReason::Seconds));
    let more = match Trend::of(&losses) {
        Some(Trend::Falls { .. }) if out_of_time => {
            let seconds = record.settings.seconds.map_or(1.0, |seconds| 2.0 * seconds);
            Some((train("--seconds", seconds.to_string()), "goes on twice as long"))
        }
        Some(Trend::Falls { .. }) if !stopped_early => {
            Some((train("--epochs", (record.plan.epochs * 2).to_string()), "goes twice as far"))
        }
        Some(Trend::RisesAgain { .. }) if record.settings.patience.is_none() && record.validation.is_some() => {
            Some((train("--patience", "5".to_owned()), "keeps the weights of the best epoch"))
        }
        Some(Trend::Wanders { .. }) if has_found(record, NOISE) => None,
        Some(Trend::Wanders { .. }) if record.plan.schedule == Schedule::Constant => {
            let schedule = format!("cosine:t-max={}", record.plan.epochs);
            Some((train("--schedule", schedule), "lets the rate shrink to nothing by the last epoch"))
        }
        _ if overfits(record, &curves).is_some() && record.settings.weight_decay <= 0.0 => {
            Some((train("--weight-decay", "0.001".to_owned()), "holds the weights small against overfitting"))
        }
        _ => None,
    };
    // A finding may have said so already, with its reason.
    if let Some((command, why)) = more
        && out.iter().all(|(told, _)| *told != command)
    {
        out.push((command, why.to_owned()));
    }
    let model = format!("{}/model.safetensors", run.name.trim_end_matches('/'));
    out.push((
        format!("{} NEW.csv", command::line("predict", &model, &[])),
        "predicts the rows of another table".to_owned(),
    ));
    out
}

/// The commands that follow the advice of the findings, each with what it does.
fn remedies(record: &Record) -> impl Iterator<Item = (String, String)> {
    record.findings.iter().map(|finding| {
        let mut flags = flags_of(record);
        for (flag, value) in &finding.flags {
            flags.retain(|(other, _)| other != flag);
            flags.push((flag, value.clone()));
        }
        let does = finding.remedy.split_once("`: ").map_or(finding.remedy.as_str(), |(_, does)| does);
        (command::line("train", &record.data.source, &flags), format!("answers `{}`: {does}", finding.slug))
    })
}

/// The flags of a run, its batch size among them where it is not the usual one.
pub(super) fn flags_of(record: &Record) -> Vec<Flag<'_>> {
    let mut flags = differing(&record.settings);
    if record.settings.batch_size != downslope::run::Settings::default().batch_size {
        flags.insert(0, ("--batch-size", Some(record.settings.batch_size.to_string())));
    }
    flags
}
