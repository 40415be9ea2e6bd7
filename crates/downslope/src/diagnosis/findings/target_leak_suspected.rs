#![doc = include_str!("target_leak_suspected.md")]

use crate::diagnosis::finding::percent;
use crate::diagnosis::{Case, Finding, Severity};

pub(super) const SLUG: &str = "target-leak-suspected";

/// What a column explains by itself if it is the target in other words. The closest honest column at hand, the petals of
/// irises, explains 94 %.
const TELLS: f64 = 0.97;

pub(super) fn find(case: &mut Case<'_>) -> Option<Finding> {
    let telltale = case.telltale()?;
    if telltale.explains < TELLS {
        return None;
    }
    let (column, target) = (&telltale.column, &case.data.target);
    let cause = format!(
        "column `{column}` alone explains {} of `{target}`: it may say the same in other words, and be unknown where the \
         model is to be used",
        percent(telltale.explains)
    );
    let dropped = case.settings.drop.iter().chain([column]).cloned().collect::<Vec<_>>().join(",");
    let finding = Finding::new(SLUG, Severity::Warning, [("explains", telltale.explains)], cause);
    if column.contains(',') {
        return Some(
            finding
                .remedy([], "leave the column out of the table (its name holds a comma, which `--drop` separates by)"),
        );
    }
    Some(finding.remedy([("--drop", Some(dropped))], "the other columns then show what they can tell"))
}
