//! Who wins on each clock, and why, in plain words?

use std::fmt::Write;

use downslope::compare::{Comparison, Method};
use downslope::data::TaskKind;
use downslope::run::LearningRate;
use downslope::stop::StopReason;

use super::contest::Contest;
use super::table::{epoch_seconds, held_out, is_full};
use crate::command::{self, Flag, differing};
use crate::quality::{self, Best};
use crate::quantity::{count, number, seconds};
use crate::words::{capital, listed, plural, reasons, rounded};

/// A factor below this is not worth a word.
const WORTH_A_WORD: f64 = 1.2;

/// The three clocks by which a descent can be timed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Clock {
    Steps,
    Epochs,
    Seconds,
}

impl Clock {
    pub(super) const ALL: [Self; 3] = [Self::Steps, Self::Epochs, Self::Seconds];

    pub(super) fn contest(self, comparison: &Comparison) -> Contest<'_> {
        Contest::new(comparison, Best::Lowest, |method| match self {
            Self::Steps => method.loss_at_equal_steps,
            Self::Epochs => method.loss_at_equal_epochs,
            Self::Seconds => method.time.loss_at_equal_seconds,
        })
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Steps => "steps",
            Self::Epochs => "epochs",
            Self::Seconds => "seconds",
        }
    }

    /// `30 steps`, `24.4 ms`.
    pub(super) fn amount(self, comparison: &Comparison) -> String {
        match self {
            Self::Steps => plural(comparison.equal_steps, "step"),
            Self::Epochs => plural(comparison.equal_epochs, "epoch"),
            Self::Seconds => seconds(comparison.time.equal_seconds),
        }
    }

    /// `Equal epochs: mini-batch and stochastic tie`.
    pub(super) fn finding(self, comparison: &Comparison) -> String {
        let contest = self.contest(comparison);
        let names = names(contest.winners());
        let what = match contest.winners().len() {
            0 => return format!("Training loss against {}", self.name()),
            1 => format!("{names} is ahead"),
            _ if contest.is_tied() && contest.places.len() > 2 => "all are level".to_owned(),
            _ => format!("{names} are level"),
        };
        format!("Equal {}: {what}", self.name())
    }
}

fn names(places: &[(&Method, f64)]) -> String {
    listed(&places.iter().map(|(method, _)| method.name.clone()).collect::<Vec<_>>())
}

fn each<'a>(methods: impl IntoIterator<Item = &'a Method>, words: impl Fn(&Method) -> String) -> String {
    listed(&methods.into_iter().map(words).collect::<Vec<_>>())
}

fn ended(comparison: &Comparison) -> impl Iterator<Item = &Method> {
    comparison.methods.iter().filter(|method| method.succeeded())
}

/// The finding of the whole comparison in one line.
pub(super) fn headline(comparison: &Comparison) -> String {
    if !comparison.methods.is_empty() && ended(comparison).next().is_none() {
        return match comparison.methods.as_slice() {
            [only] => format!("{} diverged", capital(&only.name)),
            _ => "Every method diverged".to_owned(),
        };
    }
    if let (Some(only), 1) = (ended(comparison).next(), comparison.methods.len()) {
        return format!("{} reached a training loss of {}", capital(&only.name), number(only.train.loss));
    }
    // Clocks with the same outcome are told together.
    let mut outcomes: Vec<(String, Vec<&str>)> = Vec::new();
    for clock in Clock::ALL {
        let contest = clock.contest(comparison);
        let outcome = match contest.winners() {
            [] => continue,
            [(winner, _)] => format!("{} wins", winner.name),
            tied if contest.is_tied() && tied.len() > 2 => "all are level".to_owned(),
            tied => format!("{} are level", names(tied)),
        };
        match outcomes.iter_mut().find(|(other, _)| *other == outcome) {
            Some((_, clocks)) => clocks.push(clock.name()),
            None => outcomes.push((outcome, vec![clock.name()])),
        }
    }
    match outcomes.as_slice() {
        [] => "There was nothing to compare".to_owned(),
        [(outcome, clocks)] if clocks.len() == Clock::ALL.len() => format!("{} on every clock", capital(outcome)),
        _ => {
            let by = |clocks: &[&str]| listed(&clocks.iter().map(|clock| format!("by {clock}")).collect::<Vec<_>>());
            let clauses: Vec<String> =
                outcomes.iter().map(|(outcome, clocks)| format!("{outcome} {}", by(clocks))).collect();
            capital(&clauses.join(", "))
        }
    }
}

/// The whole verdict: what failed, each clock, what a step costs and what the model is worth.
pub(super) fn paragraphs(comparison: &Comparison) -> Vec<String> {
    let mut out = failures(comparison);
    let n_ended = ended(comparison).count();
    if n_ended > 1 {
        for clock in Clock::ALL {
            let why = match clock {
                Clock::Steps => why_by_steps(comparison),
                Clock::Epochs => why_by_epochs(comparison),
                Clock::Seconds => why_by_seconds(comparison),
            };
            out.extend(standing(comparison, clock).map(|standing| format!("{standing} {why}").trim().to_owned()));
        }
        out.extend(time_to_target(comparison));
    } else if let Some(only) = ended(comparison).next() {
        out.push(alone(comparison, only));
    }
    let way = smoothness(comparison);
    let worth = on_new_rows(comparison);
    if n_ended > 0 {
        out.push(format!("{way} {worth}").trim().to_owned());
    }
    out
}

/// What went wrong and what to do about it, a paragraph a method.
pub(super) fn failures(comparison: &Comparison) -> Vec<String> {
    let mut out = Vec::new();
    if comparison.methods.len() > 1 && ended(comparison).next().is_none() {
        out.push("Every method diverged, so no clock has a winner and there is no model.".to_owned());
    }
    for method in &comparison.methods {
        let name = capital(&method.name);
        match method.reason {
            StopReason::Diverged => {
                let mut words = format!("{name} diverged after {}, and has no model.", plural(method.steps, "step"));
                for reason in reasons(&method.findings) {
                    words.push(' ');
                    words.push_str(&reason);
                }
                out.push(words);
            }
            StopReason::Interrupted => out.push(format!(
                "{name} was interrupted after {}; methods after it were not run.",
                plural(method.steps, "step")
            )),
            _ => {}
        }
    }
    out
}

/// `After 30 steps batch is ahead: training loss 0.132, against 0.707 for mini-batch.`
fn standing(comparison: &Comparison, clock: Clock) -> Option<String> {
    let contest = clock.contest(comparison);
    let amount = match clock {
        // The next run on a busy machine may say otherwise.
        Clock::Seconds => format!("{} in this run", clock.amount(comparison)),
        _ => clock.amount(comparison),
    };
    let of = |places: &[(&Method, f64)]| {
        listed(&places.iter().map(|(m, v)| format!("{} for {}", number(*v), m.name)).collect::<Vec<_>>())
    };
    let losses = |places: &[(&Method, f64)]| listed(&places.iter().map(|(_, v)| number(*v)).collect::<Vec<_>>());
    let against =
        if contest.others().is_empty() { String::new() } else { format!(", against {}", of(contest.others())) };
    Some(match contest.winners() {
        [] => return None,
        [(winner, loss)] => format!(
            "Equal {} ({amount}): {} is ahead with training loss {}{against}.",
            clock.name(),
            winner.name,
            number(*loss)
        ),
        tied => {
            let who = if contest.is_tied() && tied.len() > 2 { "all".to_owned() } else { names(tied) };
            format!(
                "Equal {} ({amount}): {who} are level with training losses {}{against}.",
                clock.name(),
                losses(tied)
            )
        }
    })
}

fn why_by_steps(comparison: &Comparison) -> String {
    let contest = Clock::Steps.contest(comparison);
    let [(winner, _)] = contest.winners() else { return String::new() };
    let others: Vec<&Method> = contest.others().iter().map(|(method, _)| *method).collect();
    let noisy = |method: &Method| method.gradient_noise.is_finite() && method.gradient_noise > 0.0;
    if !others.iter().all(|other| noisy(other) && other.gradient_noise > winner.gradient_noise) {
        let noise = number(winner.gradient_noise);
        let words = || format!("The noise of its gradient, {noise} times the gradient itself, did not hold it back.");
        return if noisy(winner) { words() } else { String::new() };
    }
    let own = if is_full(comparison, winner) {
        format!("Its gradient is that of all {} rows; ", count(winner.batch_size as u64))
    } else {
        format!("Its gradient has the least noise, {} times the gradient itself; ", number(winner.gradient_noise))
    };
    let noise = |method: &Method| {
        format!("at {} {} times", plural(method.batch_size as u64, "row"), number(method.gradient_noise))
    };
    let lower: Vec<f64> = others.iter().map(|other| winner.lr / other.lr).collect();
    let rates = if lower.iter().all(|factor| *factor > WORTH_A_WORD) {
        let factors: Vec<String> = lower.iter().map(|factor| number(rounded(*factor))).collect();
        format!(", so the rate was set {} times lower", listed(&factors))
    } else {
        String::new()
    };
    let itself = if is_full(comparison, winner) { " the gradient itself" } else { "" };
    format!("{own}the noise is {}{itself}{rates}.", each(others, noise))
}

fn why_by_epochs(comparison: &Comparison) -> String {
    let methods: Vec<&Method> = ended(comparison).collect();
    if methods.windows(2).all(|pair| pair[0].steps == pair[1].steps) {
        return String::new();
    }
    let steps = |method: &Method| format!("{} by {}", count(method.steps), method.name);
    format!("Steps in that time: {}.", each(methods, steps))
}

fn why_by_seconds(comparison: &Comparison) -> String {
    let timed =
        Contest::new(comparison, Best::Lowest, |method| Some(method.time.step_seconds).filter(|time| *time > 0.0));
    let (Some((cheap, low)), Some((dear, high))) = (timed.places.first(), timed.places.last()) else {
        return String::new();
    };
    if high / low < WORTH_A_WORD {
        return String::new();
    }
    let step = format!(
        "A {} step takes {}, a {} step {}, {} times as long",
        cheap.name,
        seconds(*low),
        dear.name,
        seconds(*high),
        number(rounded(high / low))
    );
    match (epoch_seconds(comparison, cheap), epoch_seconds(comparison, dear)) {
        (Some(of_cheap), Some(of_dear)) if of_cheap > WORTH_A_WORD * of_dear => format!(
            "{step}; but {} of the cheap ones make an epoch of {}, against {}.",
            count(cheap.steps_per_epoch),
            seconds(of_cheap),
            seconds(of_dear)
        ),
        _ => format!("{step}."),
    }
}

fn time_to_target(comparison: &Comparison) -> Option<String> {
    let contest = Contest::new(comparison, Best::Lowest, |method| method.time.seconds_to_target);
    let times: Vec<String> =
        contest.places.iter().map(|(method, time)| format!("{} {}", method.name, seconds(*time))).collect();
    let missed: Vec<&Method> = ended(comparison).filter(|method| method.time.seconds_to_target.is_none()).collect();
    let missed = match missed.len() {
        0 => String::new(),
        _ => format!(" {} did not reach it.", capital(&each(missed, |method| method.name.clone()))),
    };
    let target = number(comparison.target_loss);
    let whose = if comparison.settings.target_loss.is_some() { "the target" } else { "the lowest that all reach" };
    match times.as_slice() {
        [] if comparison.settings.target_loss.is_some() => Some(format!("Nobody reached the target, loss {target}.")),
        [] => None,
        _ => Some(format!("To loss {target}, {whose}: {}.{missed}", listed(&times))),
    }
}

fn alone(comparison: &Comparison, only: &Method) -> String {
    let others = if comparison.methods.len() > 1 {
        format!("Only {} ended with a model, so there is no contest.", only.name)
    } else {
        format!("Only {} was run, so there is nothing to compare it with.", only.name)
    };
    format!(
        "{others} Its training loss went from {} to {} in {}, {} and {}.",
        number(comparison.initial_loss),
        number(only.train.loss),
        plural(only.epochs, "epoch"),
        plural(only.steps, "step"),
        seconds(only.time.training_seconds)
    )
}

/// How straight the ways were, and why the full batch's was smooth or not.
fn smoothness(comparison: &Comparison) -> String {
    let mut out = String::new();
    if let Some(batch) = ended(comparison).find(|method| is_full(comparison, method)) {
        let n_steps = batch.curve.len().saturating_sub(1);
        let rises = batch.curve.windows(2).filter(|pair| pair[1].loss > pair[0].loss).count();
        let limit = comparison.methods.iter().find_map(|method| method.lr_from).map(|chosen| chosen.stability_limit);
        let name = capital(&batch.name);
        let lr = number(batch.lr);
        let usual = comparison.settings.momentum.abs() < f64::MIN_POSITIVE;
        let bound = if usual { "2/λmax = " } else { "the limit for this momentum, " };
        let limit = limit.map(|limit| (limit, format!("{bound}{}, measured at the start", number(limit))));
        out = match (rises, limit) {
            (0, Some((limit, words))) if batch.lr < limit => {
                format!("{name} went down at every step: its rate {lr} is below {words}; it is smooth only below that.")
            }
            (0, _) => format!("{name} went down at every step."),
            (_, Some((limit, words))) if batch.lr < limit && batch.lr > limit / 2.0 => format!(
                "{name} went up at {rises} of {}: its rate {lr} is above half of {words}, so it overshoots.",
                plural(n_steps as u64, "step"),
            ),
            _ => format!(
                "{name} went up at {rises} of {}; it is smooth only below 2/λmax, which --lr auto measures.",
                plural(n_steps as u64, "step")
            ),
        };
    }
    let walked: Vec<&Method> = ended(comparison).filter(|method| method.zig_zag.is_finite()).collect();
    let longest = walked.iter().map(|method| method.zig_zag).fold(0.0, f64::max);
    if walked.len() > 1 && longest > 2.0 {
        let way = |method: &Method| format!("{} {}", method.name, number(method.zig_zag));
        let _ = write!(out, " Length of the way over the distance it covered: {}.", each(walked, way));
    }
    out.trim().to_owned()
}

fn on_new_rows(comparison: &Comparison) -> String {
    let Some(measure) = ended(comparison).find_map(|method| method.validation.as_ref().and_then(quality::headline))
    else {
        return "No rows were held out, so none of this says how good the models are on new rows.".to_owned();
    };
    let contest = Contest::new(comparison, measure.best, held_out);
    let write = |value: f64| measure.format.write(value);
    let rows = format!("the {} held out", plural(comparison.data.n_validation as u64, "row"));
    let name = measure.name;
    let values = |places: &[(&Method, f64)]| {
        listed(&places.iter().map(|(m, v)| format!("{} {}", m.name, write(*v))).collect::<Vec<_>>())
    };
    if contest.places.len() < 2 {
        return format!(
            "On {rows} its {name} is {}.",
            contest.places.first().map_or(String::new(), |place| write(place.1))
        );
    }
    if contest.is_tied() {
        return format!("On {rows} they are level: {name} {}.", values(&contest.places));
    }
    let verb = if contest.winners().len() == 1 { "is best" } else { "are level and best" };
    format!("On {rows} {} {verb}: {name} {}.", names(contest.winners()), values(&contest.places))
}

/// What to try now: commands, each with what it does.
pub(super) fn next(comparison: &Comparison) -> Vec<(String, String)> {
    let flags = differing(&comparison.settings);
    let without = |unwanted: &str| flags.iter().filter(|(flag, _)| *flag != unwanted).cloned().collect::<Vec<Flag>>();
    let compare = |flags: &[Flag]| command::line("compare", &comparison.data.source, flags);
    let sizes = |sizes: String| ("--batch-sizes", Some(sizes));
    let failed = comparison.methods.iter().any(|method| !method.succeeded());
    if failed && matches!(comparison.settings.lr, LearningRate::Fixed(_)) {
        let mut flags = without("--lr");
        flags.insert(0, sizes(sizes_of(comparison)));
        return vec![(compare(&flags), "lets each method have a rate that fits it".to_owned())];
    }
    let mut out = Vec::new();
    if let Some(best) = recommended(comparison) {
        let size = if is_full(comparison, best) { "full".to_owned() } else { best.batch_size.to_string() };
        let mut flags = without("--target-loss");
        flags.insert(0, ("--batch-size", Some(size)));
        let why = format!("trains {} again and keeps its model", best.name);
        out.push((command::line("train", &comparison.data.source, &flags), why));
    }
    let mut flags = flags.clone();
    match recommended(comparison) {
        Some(best) if comparison.methods.len() > 1 => {
            flags.insert(0, sizes(around(best.batch_size, comparison.data.n_train)));
            out.push((compare(&flags), format!("looks closer around {}", plural(best.batch_size as u64, "row"))));
        }
        _ => {
            flags.insert(0, sizes("full,32,1".to_owned()));
            out.push((compare(&flags), "has all three methods to compare".to_owned()));
        }
    }
    out
}

/// The one to train with: the best on new rows, and among equals the fastest to the common loss.
fn recommended(comparison: &Comparison) -> Option<&Method> {
    let measure = ended(comparison).find_map(|method| method.validation.as_ref().and_then(quality::headline));
    let contest = match measure {
        Some(measure) => Contest::new(comparison, measure.best, held_out),
        None => Clock::Seconds.contest(comparison),
    };
    let good: Vec<&Method> = match contest.winners() {
        [] => ended(comparison).collect(),
        winners => winners.iter().map(|(method, _)| *method).collect(),
    };
    let time = |method: &Method| method.time.seconds_to_target.unwrap_or(f64::INFINITY);
    good.into_iter().min_by(|a, b| time(a).total_cmp(&time(b)))
}

/// The batch sizes of a comparison, as they were asked for.
pub(super) fn sizes_of(comparison: &Comparison) -> String {
    let size =
        |method: &Method| if is_full(comparison, method) { "full".to_owned() } else { method.batch_size.to_string() };
    comparison.methods.iter().map(size).collect::<Vec<_>>().join(",")
}

fn around(batch_size: usize, n_rows: usize) -> String {
    let mut sizes = if batch_size >= n_rows {
        vec![n_rows, n_rows / 4, n_rows / 16]
    } else {
        vec![batch_size * 4, batch_size, batch_size / 4, batch_size * 16]
    };
    sizes.retain(|size| *size >= 1);
    for size in &mut sizes {
        *size = (*size).min(n_rows);
    }
    sizes.sort_unstable_by(|a, b| b.cmp(a));
    sizes.dedup();
    if sizes.len() > 3 {
        sizes.remove(0);
    }
    let word = |size: &usize| if *size >= n_rows { "full".to_owned() } else { size.to_string() };
    sizes.iter().map(word).collect::<Vec<_>>().join(",")
}

/// What the rows are called in a sentence about the task.
pub(super) fn task(comparison: &Comparison) -> String {
    match comparison.data.task {
        TaskKind::Regression => format!("regression of `{}`", comparison.data.target),
        TaskKind::Classification => {
            format!("classification of `{}` into {} classes", comparison.data.target, comparison.data.classes.len())
        }
    }
}
