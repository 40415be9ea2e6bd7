#![doc = include_str!("edge_of_stability.md")]

use crate::diagnosis::curvature::stability_limit;
use crate::diagnosis::finding::{digits, percent, round_down};
use crate::diagnosis::{Case, Finding, Severity};

pub(super) const SLUG: &str = "edge-of-stability";

/// So near to the limit the curvature itself is held down by the rate.
const AT_THE_EDGE: f64 = 0.9;
/// The rate that leaves room, in parts of the limit.
const ROOM: f64 = 0.25;

pub(super) fn find(case: &mut Case<'_>) -> Option<Finding> {
    let is_candidate = case.has_ended_well() && case.is_full_batch() && !case.is_linear() && case.has_constant_rate();
    // At the edge the loss goes up now and then. Where it never does there is no need to measure.
    let last_half = &case.train_losses[case.train_losses.len() / 2..];
    if !is_candidate || !last_half.windows(2).any(|pair| pair[1] > pair[0]) {
        return None;
    }
    let lambda_max = case.lambda_max()?;
    let limit = stability_limit(lambda_max, &case.sgd());
    let share = case.last_lr / limit;
    if lambda_max <= 0.0 || share < AT_THE_EDGE {
        return None;
    }
    let suggested = round_down(ROOM * limit);
    let cause = format!(
        "the learning rate {} is {} of {}, the stability limit where the run ended: the loss goes up and down there, and \
         only the valley's becoming flatter keeps it from leaping out",
        digits(case.last_lr),
        percent(share),
        digits(limit)
    );
    let numbers = [("lr", case.last_lr), ("lambda_max", lambda_max), ("limit", limit), ("suggested_lr", suggested)];
    let finding = Finding::new(SLUG, Severity::Advice, numbers, cause);
    Some(finding.remedy([("--lr", Some(suggested.to_string()))], "goes down smoothly, if more slowly"))
}
