//! How are words put together and laid out on a terminal?

use std::fmt::Write;

use downslope::diagnosis::Finding;
use downslope::run::DataSummary;

use crate::page::unbroken;
use crate::quantity::count;
use crate::table::wrap;
use crate::terminal::Canvas;

/// `1 step`, `1,350 steps`.
pub(crate) fn plural(n: u64, noun: &str) -> String {
    format!("{} {noun}{}", count(n), if n == 1 { "" } else { "s" })
}

/// `1,797: 1,438 train, 359 held out`.
pub(crate) fn rows(data: &DataSummary) -> String {
    let DataSummary { n_rows, n_train, n_validation, .. } = data;
    format!("{}: {} train, {} held out", count(*n_rows as u64), count(*n_train as u64), count(*n_validation as u64))
}

/// `Linear regression on @diabetes: 354 rows to learn from, 88 held out, 10 features`.
pub(crate) fn subject(data: &DataSummary) -> String {
    let held_out = match data.n_validation {
        0 => "none held out".to_owned(),
        n => format!("{} held out", count(n as u64)),
    };
    format!(
        "{} on {}: {} to learn from, {held_out}, {}",
        capital(&data.model),
        data.source,
        plural(data.n_train as u64, "row"),
        plural(data.n_features as u64, "feature"),
    )
}

/// Two digits are enough for a factor.
pub(crate) fn rounded(factor: f64) -> f64 {
    let unit = 10_f64.powf(factor.abs().log10().floor() - 1.0);
    (factor / unit).round() * unit
}

/// The same words as the beginning of a sentence.
pub(crate) fn capital(words: &str) -> String {
    let mut rest = words.chars();
    rest.next().map_or(String::new(), |first| first.to_uppercase().chain(rest).collect())
}

/// Why there is no model, each reason with its remedy.
pub(crate) fn reasons(findings: &[Finding]) -> impl Iterator<Item = String> {
    findings.iter().enumerate().map(|(index, finding)| {
        let Finding { slug, cause, remedy, .. } = finding;
        let what = if index == 0 { "The reason" } else { "Behind it" };
        format!("{what} ({slug}): {cause}. {}.", capital(remedy))
    })
}

/// `a`, `a and b`, `a, b and c`.
pub(crate) fn listed(words: &[String]) -> String {
    match words {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// A paragraph as wide as the canvas.
pub(crate) fn paragraph(words: &str, canvas: Canvas) -> String {
    wrap(&unbroken(&canvas.glyphs.spelled(words)), canvas.width).map(|line| line + "\n").collect()
}

/// A paragraph whose beginning stands out.
pub(crate) fn hanging(words: &str, canvas: Canvas) -> String {
    let lines: Vec<String> = wrap(&unbroken(&canvas.glyphs.spelled(words)), canvas.width.saturating_sub(2)).collect();
    lines.join("\n  ") + "\n"
}

/// Commands to try, each with what it does.
pub(crate) fn next_steps(commands: &[(String, String)], canvas: Canvas) -> String {
    let mut out = "Next:\n".to_owned();
    for (command, why) in commands {
        // A command stays on one line, to be copied.
        let _ = writeln!(out, "  {command}");
        for line in wrap(why, canvas.width.saturating_sub(6).max(10)) {
            let _ = writeln!(out, "      {line}");
        }
    }
    out
}
