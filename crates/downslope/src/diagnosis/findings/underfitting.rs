#![doc = include_str!("underfitting.md")]

use super::{dead_units, learning_rate_too_high, learning_rate_too_low, momentum_too_high};
use crate::diagnosis::finding::{digits, percent, round_down};
use crate::diagnosis::trend::Trend;
use crate::diagnosis::{Case, Finding, Severity};
use crate::run::LearningRate;

pub(super) const SLUG: &str = "underfitting";

/// A loss this little below that of the best constant is nothing learnt.
const NOTHING: f64 = 0.02;
/// A best constant whose loss is so small a part of the first is right.
const RIGHT: f64 = 1e-6;
/// A model of numbers that explains so much has learnt something; it saves the search for the best constant.
const EXPLAINS: f64 = 0.1;
/// A rate so many times lower than one that is safe is what holds it up.
const TIMES: f64 = 2.0;
/// Epochs a run that still falls may be given more, in multiples.
const MORE: u64 = 4;

pub(super) fn find(case: &mut Case<'_>) -> Option<Finding> {
    let train = case.train.filter(|train| train.r2.is_none_or(|r2| r2 < EXPLAINS))?;
    // A run of a few epochs may still be on its way.
    if !case.has_ended_well() || case.trend().is_none() {
        return None;
    }
    let constant = case.best_constant_loss()?;
    // One answer that is right for all rows leaves nothing to learn.
    if constant.abs() <= RIGHT * case.initial_loss.abs() {
        return None;
    }
    // What was learnt and lost again is no underfitting.
    let lowest = case.train_losses.iter().copied().fold(train.loss, f64::min);
    let below = (constant - lowest) / constant.abs();
    if below.is_nan() || below > NOTHING {
        return None;
    }
    let reasons =
        [momentum_too_high::find, learning_rate_too_high::find, learning_rate_too_low::find, dead_units::find];
    if reasons.into_iter().filter_map(|find| find(case)).any(|finding| finding.severity != Severity::Advice) {
        return None;
    }
    let by = if below > 0.0 { format!("only {} below", percent(below)) } else { "not below".to_owned() };
    let cause = format!(
        "the training loss was at best {}, {by} the {} of one answer for all rows: the model has learnt nothing",
        digits(lowest),
        digits(constant)
    );
    let numbers = [("lowest_train_loss", lowest), ("best_constant_loss", constant)];
    let finding = Finding::new(SLUG, Severity::Warning, numbers, cause);
    let settings = case.settings;
    let penalties = [("--weight-decay", settings.weight_decay), ("--l1", settings.l1)];
    let penalties = penalties.into_iter().filter(|(_, penalty)| *penalty > 0.0).map(|(flag, _)| flag);
    let penalties: Vec<(&str, Option<String>)> = penalties.map(|flag| (flag, Some("0".to_owned()))).collect();
    if !penalties.is_empty() {
        return Some(finding.remedy(penalties, "the penalty holds the weights at zero"));
    }
    let falls = matches!(case.trend(), Some(Trend::Falls { .. }));
    if case.is_linear() && !falls {
        return Some(
            finding.remedy([("--hidden", Some("32".to_owned()))], "a hidden layer bends where a plane cannot"),
        );
    }
    if let (LearningRate::Fixed(lr), Some(chosen)) = (settings.lr, case.chosen())
        && chosen.lr >= TIMES * lr
    {
        let rate = round_down(chosen.lr).to_string();
        return Some(finding.remedy([("--lr", Some(rate))], "measured to be safe here, and faster"));
    }
    let epochs = MORE * case.epochs;
    Some(finding.remedy([("--epochs", Some(epochs.to_string()))], "it has not left the plain it began on"))
}
