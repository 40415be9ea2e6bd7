//! Why this learning rate, and this batch size?

use downslope::advise::Race;
use downslope::diagnosis::learning_rate::Chosen;
use downslope::run::Plan;
use downslope::schedule::Schedule;

use crate::quantity::{count, number, percent, seconds};
use crate::words::plural;

/// One sentence on a rate that was chosen: what was measured, and what limits a step of so many rows.
pub fn learning_rate_words(chosen: &Chosen, batch_size: usize, n_rows: usize) -> String {
    let Chosen { lr, lambda_max, row_curvature, stability_limit, momentum, weight_decay, .. } = *chosen;
    let curvature = format!(
        "the largest curvature λmax {} {} up to {} for full batches{}",
        number(lambda_max),
        if weight_decay > 0.0 {
            format!("and weight decay {} allow", number(weight_decay))
        } else {
            "allows".to_owned()
        },
        number(stability_limit),
        if momentum > 0.0 { format!(" with momentum {}", number(momentum)) } else { String::new() }
    );
    let limit = if batch_size >= n_rows {
        // With momentum the limit is higher, and no rate goes down at every step.
        let safe = if momentum > 0.0 {
            "the rate leaves room for what it adds up"
        } else {
            "half of that goes down at every step"
        };
        format!("{curvature}; {safe}")
    } else {
        let rows = if batch_size == 1 {
            "steps of a single row".to_owned()
        } else {
            format!("batches of {} rows", count(batch_size as u64))
        };
        let adds_up = if momentum > 0.0 && momentum < 1.0 {
            format!(", and momentum adds up {} steps", number(1.0 / (1.0 - momentum)))
        } else {
            String::new()
        };
        format!(
            "{curvature}; {rows} must stay lower, for a typical row alone curves by {}{adds_up}",
            number(row_curvature)
        )
    };
    let trials = match chosen.halvings {
        0 => String::new(),
        1 => "; halved once, since a short trial went up".to_owned(),
        times => format!("; halved {times} times, since short trials went up"),
    };
    format!("learning rate {} (auto: {limit}{trials})", number(lr))
}

/// What was chosen for a run, and why, a sentence each; nothing where all was given.
pub fn plan_words(plan: &Plan, n_rows: usize) -> Vec<String> {
    let batch_size = plan.batch_size.of(n_rows);
    let mut out: Vec<String> = plan.race.iter().map(|race| race_words(race, batch_size)).collect();
    if let Some(chosen) = &plan.lr_from {
        out.push(if plan.race.is_some() {
            let way = match plan.schedule {
                Schedule::StableDecay { share } => {
                    format!("; it goes down to nothing over the last {} of them", percent(share))
                }
                _ => String::new(),
            };
            format!(
                "learning rate {}, the best of the race: {} times {}, which theory calls safe; {}{way}",
                number(plan.lr),
                number(plan.lr / chosen.lr),
                number(chosen.lr),
                plural(plan.epochs, "epoch")
            )
        } else {
            learning_rate_words(chosen, batch_size, n_rows)
        });
    }
    out
}

/// One sentence on a race.
pub fn race_words(race: &Race, batch_size: usize) -> String {
    let sizes = race.step_seconds.len();
    format!(
        "batch size {} (auto: the lowest loss after {} of training, of {} pairs with {} batch sizes; choosing took {})",
        count(batch_size as u64),
        seconds(race.seconds),
        race.runners.len(),
        sizes,
        seconds(race.took_seconds)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn momentum_is_told_where_it_changes_the_rate_or_the_limit() {
        let chosen = |momentum| Chosen {
            lr: 0.1,
            lambda_max: 1.0,
            row_curvature: 8.0,
            largest_row_curvature: 9.0,
            stability_limit: 2.0 * (1.0 + momentum),
            momentum,
            weight_decay: 0.0,
            halvings: 0,
        };
        let words = |momentum, batch_size| learning_rate_words(&chosen(momentum), batch_size, 100);
        assert_eq!(
            words(0.9, 10),
            "learning rate 0.1 (auto: the largest curvature λmax 1 allows up to 3.8 for full batches with momentum 0.9; \
             batches of 10 rows must stay lower, for a typical row alone curves by 8, and momentum adds up 10 steps)"
        );
        let decaying = learning_rate_words(&Chosen { weight_decay: 0.5, ..chosen(0.0) }, 100, 100);
        assert!(decaying.contains("λmax 1 and weight decay 0.5 allow up to 2 for full batches;"), "{decaying}");
        for batch_size in [1, 10] {
            assert!(!words(0.0, batch_size).contains("momentum"));
        }
        assert!(words(0.0, 100).ends_with("allows up to 2 for full batches; half of that goes down at every step)"));
        assert!(words(0.9, 100).ends_with("with momentum 0.9; the rate leaves room for what it adds up)"));
    }
}
