#![doc = include_str!("badly_scaled_columns.md")]

use crate::data::Scale;
use crate::diagnosis::finding::digits;
use crate::diagnosis::{Case, Finding, Severity};
use crate::run::LearningRate;
use crate::stop::StopReason;

pub(super) const SLUG: &str = "badly-scaled-columns";

/// Curvatures along a column and along the bias may differ by so much: values of 100 beside 1.
const APART: f64 = 1e4;

pub(super) fn find(case: &mut Case<'_>) -> Option<Finding> {
    let has_failed = case.reason == Some(StopReason::Diverged);
    if case.settings.scale != Scale::None || (has_failed && case.settings.momentum >= 1.0) {
        return None;
    }
    let scales = case.column_scales()?;
    let ((steepest, most), (flattest, least)) = (&scales.steepest, &scales.flattest);
    if (most / scales.bias).max(scales.bias / least) < APART {
        return None;
    }
    let named = |column: &str| if column == "bias" { "the bias".to_owned() } else { format!("`{column}`") };
    let (steepest, flattest, times) = (named(steepest), named(flattest), digits(most / least));
    let what = if has_failed {
        format!("a rate that suits {flattest} leaps out along {steepest}")
    } else {
        format!("a rate that {steepest} can bear leads nowhere along {flattest}")
    };
    let cause = format!(
        "the columns differ in scale: the loss bends {times} times as much along {steepest} as along {flattest}, and {what}"
    );
    let severity = if has_failed { Severity::Failure } else { Severity::Warning };
    let numbers = [("steepest", *most), ("flattest", *least), ("times", most / least)];
    // A rate that was given was given for the columns as they are.
    let rate = matches!(case.settings.lr, LearningRate::Fixed(_)).then(|| ("--lr", Some("auto".to_owned())));
    let flags = [("--scale", Some("standard".to_owned()))].into_iter().chain(rate);
    Some(Finding::new(SLUG, severity, numbers, cause).remedy(flags, "one rate then suits every column"))
}
