//! Why this learning rate?

use downslope::diagnosis::learning_rate::Chosen;

use crate::quantity::{count, number};

/// One sentence on a rate that was chosen: what was measured, and what limits a step of so many rows.
pub fn learning_rate_words(chosen: &Chosen, batch_size: usize, n_rows: usize) -> String {
    let Chosen { lr, lambda_max, row_curvature, stability_limit, .. } = *chosen;
    let curvature = format!(
        "the largest curvature λmax {} allows up to {} for full batches",
        number(lambda_max),
        number(stability_limit)
    );
    let limit = if batch_size >= n_rows {
        format!("{curvature}; half of that goes down at every step")
    } else {
        let rows = if batch_size == 1 {
            "steps of a single row".to_owned()
        } else {
            format!("batches of {} rows", count(batch_size as u64))
        };
        format!("{curvature}; {rows} must stay lower, for a typical row alone curves by {}", number(row_curvature))
    };
    let trials = match chosen.halvings {
        0 => String::new(),
        1 => "; halved once, since a short trial went up".to_owned(),
        times => format!("; halved {times} times, since short trials went up"),
    };
    format!("learning rate {} (auto: {limit}{trials})", number(lr))
}
