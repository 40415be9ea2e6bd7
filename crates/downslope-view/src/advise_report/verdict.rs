//! What is advised, how sure that is, and what to type?

use downslope::advise::{Advice, Certainty, TARGET};
use downslope::diagnosis::noise::Scale;
use downslope::run::{BatchSetting, LearningRate, Settings};

use crate::command::{self, differing};
use crate::learning_rate::plan_words;
use crate::quantity::{number, percent, seconds};
use crate::words::{capital, plural};

/// Edges and limits that differ by less than this share agree.
const AGREE: f64 = 0.1;

pub(super) fn headline(advice: &Advice) -> String {
    let plan = &advice.time.plan;
    let rows = plan.batch_size.of(advice.data.n_train);
    format!("Try {} a step at a learning rate of {}", plural(rows as u64, "row"), number(plan.lr))
}

/// How far the predictions can be trusted, as a sentence.
pub(super) fn certainty(advice: &Advice) -> &'static str {
    match advice.certainty {
        Certainty::Exact => {
            "The loss is squared and the model linear: limits hold to a few percent, times within a factor of two."
        }
        Certainty::Start => {
            "The loss is not squared, so its curvature changes along the way: limits and times are those of the first part of it."
        }
        Certainty::Local => {
            "With hidden layers the curvature can grow along the way: limits and times are those of the start, and only orders \
             of size."
        }
    }
}

/// The evidence, sentence by sentence.
pub(super) fn paragraphs(advice: &Advice) -> Vec<String> {
    let mut out: Vec<String> =
        plan_words(&advice.time.plan, advice.data.n_train).iter().map(|words| format!("Chosen: {words}.")).collect();
    let curvature = &advice.curvature;
    out.push(format!(
        "Limit: λmax is {}, so full batches leap out above {}; half of that goes down at every step.",
        number(curvature.lambda_max),
        number(curvature.stability_limit)
    ));
    out.extend(advice.range_tests().map(|test| {
        let rows = if test.batch_size == advice.data.n_train {
            "full batches".to_owned()
        } else {
            format!("batches of {}", plural(test.batch_size as u64, "row"))
        };
        match test.edge {
            None => format!(
                "Check: {rows} fell at every rate tried, up to {}.",
                number(test.trials.last().map_or(f64::NAN, |t| t.lr))
            ),
            Some(edge) => {
                let (ratio, last) = (edge / test.limit, advice.data.n_train % test.batch_size);
                let verdict = if (ratio - 1.0).abs() < AGREE {
                    "they agree".to_owned()
                } else if ratio > 1.0 {
                    format!("the limit is {} times stricter than need be", number(ratio))
                } else if last > 0 && !advice.settings.drop_last {
                    format!(
                        "the limit is that of whole batches, and the last of an epoch has only {}",
                        plural(last as u64, "row")
                    )
                } else {
                    "the limit does not hold here".to_owned()
                };
                format!(
                    "Check: {rows} were seen to leap out from {} on, where theory says {}: {verdict}.",
                    number(edge),
                    number(test.limit)
                )
            }
        }
    }));
    let noise = &advice.noise;
    out.push(if noise.b_simple < 1.0 {
        "Noise: at the start even a single row has less noise than gradient.".to_owned()
    } else if noise.b_simple.is_finite() {
        format!(
            "Noise: at the start a batch of {} rows has as much noise as gradient (B_simple); it grows as the gradient shrinks.",
            with_interval(noise)
        )
    } else {
        format!("Noise: it hides the gradient of all rows; B_simple is at least {}.", number(noise.b_simple_low))
    });
    let fastest = advice.time.seconds_to_target.iter().filter_map(|&(rows, time)| Some((rows, time?)));
    if let Some((rows, time)) = fastest.min_by(|a, b| a.1.total_cmp(&b.1)) {
        out.push(format!(
            "Prediction: {} of what can be gained is left soonest with {} a step, after {}. {}",
            percent(TARGET),
            plural(rows as u64, "row"),
            seconds(time),
            certainty(advice)
        ));
    } else {
        out.push(format!("Prediction: none. {}", certainty(advice)));
    }
    out
}

/// `28.5`, or `28.5 (25 to 33 at 95%)` where not all rows were looked at.
pub(super) fn with_interval(noise: &Scale) -> String {
    let Scale { b_simple, b_simple_low, b_simple_high, .. } = *noise;
    let interval = format!(" ({} to {} at 95%)", number(b_simple_low), number(b_simple_high));
    number(b_simple) + if b_simple_high > b_simple_low { &interval } else { "" }
}

/// What to type, with what it does.
pub(super) fn next(advice: &Advice) -> Vec<(String, String)> {
    let plan = &advice.time.plan;
    let rows = plan.batch_size.of(advice.data.n_train);
    let chosen = Settings {
        lr: LearningRate::Fixed(plan.lr),
        schedule: plan.schedule.clone(),
        epochs: plan.epochs,
        ..advice.settings.clone()
    };
    let mut flags = differing(&chosen);
    flags.insert(0, ("--batch-size", Some(plan.batch_size.to_string())));
    let auto = Settings { lr: LearningRate::Auto, ..advice.settings.clone() };
    let mut auto_flags = differing(&auto);
    auto_flags.insert(0, ("--batch-size", Some(BatchSetting::Auto.to_string())));
    let source = &advice.data.source;
    vec![
        (
            command::line("train", source, &flags),
            format!("trains with {} a step at this rate", plural(rows as u64, "row")),
        ),
        (
            command::line("train", source, &auto_flags),
            "measures anew, and backs off where a rate turns out too high".to_owned(),
        ),
    ]
}

/// What it is about.
pub(super) fn subject(advice: &Advice) -> String {
    let data = &advice.data;
    format!(
        "{} on {}: {}, {}, {}",
        capital(&data.model),
        data.source,
        plural(data.n_train as u64, "row"),
        plural(data.n_features as u64, "feature"),
        plural(data.n_parameters as u64, "parameter")
    )
}
