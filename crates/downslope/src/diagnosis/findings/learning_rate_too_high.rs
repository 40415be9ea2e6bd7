#![doc = include_str!("learning_rate_too_high.md")]

use crate::diagnosis::curvature::batch_limit;
use crate::diagnosis::finding::{digits, round_down};
use crate::diagnosis::learning_rate::Chosen;
use crate::diagnosis::{Case, Finding, Severity};
use crate::schedule::{OneCycle, Schedule};
use crate::sgd::Sgd;
use crate::stop::StopReason;

pub(super) const SLUG: &str = "learning-rate-too-high";

pub(super) fn find(case: &mut Case<'_>) -> Option<Finding> {
    // A momentum that never fades is its own reason, at any rate.
    if case.schedule.largest_momentum(case.settings.momentum) >= 1.0 {
        return None;
    }
    if case.back_offs > 0 && case.has_ended_well() {
        return Some(backed_off(case));
    }
    let has_failed = case.reason == Some(StopReason::Diverged);
    // One that did not leap far enough out to be stopped.
    let ended_above = case.has_ended_well() && case.train.is_some_and(|train| train.loss > case.initial_loss);
    if !(has_failed || ended_above) {
        return None;
    }
    let chosen = case.chosen()?;
    // A schedule may have brought the rate down since.
    let highest = case.schedule.own_lr().unwrap_or(case.lr).max(case.last_lr);
    let sgd = if has_failed { case.sgd() } else { case.settings.sgd(highest) };
    let mut finding = learning_rate_too_high(&chosen, &sgd, case.batch_size, case.data.n_train);
    if !has_failed {
        let times = finding.numbers["times_the_limit"];
        if times.is_nan() || times < 1.0 {
            return None;
        }
        finding.severity = Severity::Warning;
        finding.cause = format!("the loss ended above where it began: {}", finding.cause);
    }
    // A schedule with a rate of its own goes by that.
    let Schedule::OneCycle(cycle) = &case.settings.schedule else { return Some(finding) };
    if cycle.max_lr.is_none() {
        return Some(finding);
    }
    let lower = OneCycle { max_lr: finding.numbers.get("suggested_lr").copied(), ..cycle.clone() };
    let schedule = Schedule::OneCycle(lower).to_string();
    Some(finding.remedy([("--schedule", Some(schedule))], "measured to go down here"))
}

/// Of a run that lowered its own rate: what was too high, and what it ended with.
fn backed_off(case: &Case<'_>) -> Finding {
    let ended = case.lr * 0.5_f64.powi(case.back_offs.cast_signed());
    let times = if case.back_offs == 1 { "once".to_owned() } else { format!("{} times", case.back_offs) };
    let cause = format!(
        "the learning rate {} that was chosen threw the run out of the valley: {times} it went back to the last good weights \
         and halved the rate, to {} in the end",
        digits(case.lr),
        digits(ended)
    );
    let suggested = round_down(ended);
    let numbers = [("lr", case.lr), ("ended_with_lr", ended), ("back_offs", case.back_offs.into())];
    let finding = Finding::new(SLUG, Severity::Advice, numbers, cause);
    finding.remedy([("--lr", Some(suggested.to_string()))], "the run then begins at the rate it ended with")
}

/// Says of a run that diverged by how much its rate was above what the start of the run could bear, and which rate goes
/// down there: the one that was chosen for this batch size, or half the rate of the run.
pub fn learning_rate_too_high(chosen: &Chosen, sgd: &Sgd, batch_size: usize, n_rows: usize) -> Finding {
    let lr = sgd.lr;
    let limit = batch_limit(chosen.lambda_max, chosen.largest_row_curvature, batch_size, n_rows, sgd);
    let of_what = if batch_size == n_rows {
        "the stability limit of full-batch descent here"
    } else {
        "what batches of this size can bear here"
    };
    let times = lr / limit;
    let (lr_words, limit_words) = (digits(lr), digits(limit));
    let cause = if times >= 1.0 {
        let times = digits(times);
        format!(
            "the learning rate {lr_words} is {times} times {limit_words}, {of_what}: every step leaps over the valley and lands higher up"
        )
    } else {
        format!(
            "the loss rose although the learning rate {lr_words} is below {limit_words}, {of_what}: the curvature must have grown along the way"
        )
    };
    let suggested = round_down(chosen.lr.min(lr / 2.0));
    let numbers = [
        ("lr", lr),
        ("limit", limit),
        ("times_the_limit", times),
        ("lambda_max", chosen.lambda_max),
        ("suggested_lr", suggested),
    ];
    let finding = Finding::new(SLUG, Severity::Failure, numbers, cause);
    finding.remedy([("--lr", Some(suggested.to_string()))], "measured to go down here; `--lr auto` measures anew")
}
