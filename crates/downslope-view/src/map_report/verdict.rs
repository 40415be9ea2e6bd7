//! Where is the border, why there, and how does the best rate grow, in plain words?

use downslope::clip::Clip;
use downslope::loss::Loss;
use downslope::map::{Best, Column, LearningRateMap};
use downslope::run::Settings;
use downslope::schedule::Schedule;
use downslope::stop::StopReason;

use crate::command::{self, Flag, differing};
use crate::quantity::{count, number};
use crate::words::{self, capital, plural, rounded};

/// Rates stand a factor of 2 apart, so a border is known to within its root.
const RESOLUTION: f64 = 1.42;
/// From this slope on the best rate is said to grow with the batch size itself.
const LINEAR: f64 = 0.8;
/// And within these, with its root.
const ROOT: (f64, f64) = (0.35, 0.65);

/// What is mapped on what.
pub(super) fn subject(map: &LearningRateMap) -> String {
    let rates = plural(map.rates.len() as u64, "learning rate");
    let sizes = plural(map.columns.len() as u64, "batch size");
    format!("{}; {sizes} by {rates}, {} each from the same start", words::subject(&map.data), length(map))
}

/// `10 epochs`, or `8,192 rows` where it is less than one.
pub(super) fn length(map: &LearningRateMap) -> String {
    let n_rows = (map.data.n_train as u64).max(1);
    if map.rows_per_run < n_rows { plural(map.rows_per_run, "row") } else { plural(map.rows_per_run / n_rows, "epoch") }
}

/// `full batches`, `single rows`, `batches of 64 rows`.
fn batches(map: &LearningRateMap, column: &Column) -> String {
    match column.batch_size {
        rows if rows >= map.data.n_train => "full batches".to_owned(),
        1 => "single rows".to_owned(),
        rows => format!("batches of {} rows", count(rows as u64)),
    }
}

/// How many times the predicted limit the measured border is.
pub(super) fn factor_over_prediction(column: &Column) -> Option<f64> {
    Some(column.measured_border? / column.predicted_limit)
}

/// The lowest loss of the map, and where it is.
pub(super) fn lowest(map: &LearningRateMap) -> Option<(&Column, Best)> {
    let best = map.columns.iter().filter_map(|column| Some((column, column.best?)));
    best.min_by(|a, b| a.1.loss.total_cmp(&b.1.loss))
}

/// How many times the predicted limit a border is; nothing where a map cannot tell them apart.
fn times(factor: f64) -> Option<String> {
    let is_same = (1.0 / RESOLUTION..=RESOLUTION).contains(&factor);
    (!is_same).then(|| format!("{} times", number(rounded(factor))))
}

/// Where a border is, seen from where it was predicted.
fn against_prediction(factor: f64) -> String {
    times(factor).map_or("at the predicted limit".to_owned(), |times| format!("at {times} the predicted limit"))
}

/// The finding of the whole map in one line.
pub(super) fn headline(map: &LearningRateMap) -> String {
    let (Some(first), Some(last)) = (map.columns.first(), map.columns.last()) else {
        return "There is nothing on the map yet".to_owned();
    };
    let diverge = |column: &Column, factor: f64| {
        capital(&format!("{} diverge {}", batches(map, column), against_prediction(factor)))
    };
    match (factor_over_prediction(last), factor_over_prediction(first)) {
        (Some(of_last), Some(of_first)) if map.columns.len() > 1 => {
            let theirs = times(of_first).map_or("too".to_owned(), |times| format!("at {times} theirs"));
            format!("{}, {} {theirs}", diverge(last, of_last), batches(map, first))
        }
        (Some(factor), _) => diverge(last, factor),
        (None, Some(factor)) => diverge(first, factor),
        (None, None) => lowest(map).map_or("No run came to its end".to_owned(), |(column, best)| {
            format!("The lowest loss is that of {} at a rate of {}", batches(map, column), number(best.lr))
        }),
    }
}

/// The whole verdict.
pub(super) fn paragraphs(map: &LearningRateMap) -> Vec<String> {
    let mut out = Vec::new();
    if !map.is_whole() {
        out.push(
            "The map was interrupted: what is empty was not run, and the batch size under way is not done.".to_owned(),
        );
    }
    out.extend([border(map), why(map), ridge(map), auto(map), best(map)]);
    if map.is_shortened {
        out.push(format!(
            "There are {}; each run saw only {}, so that the map does not take too long. `--epochs` asks for more.",
            plural(map.data.n_train as u64, "row"),
            length(map)
        ));
    }
    out.retain(|words| !words.is_empty());
    out
}

/// How to read the figure.
pub(super) fn reading(map: &LearningRateMap) -> String {
    format!(
        "A cell is a run of {}: the stronger its shade, the lower the training loss it ended with; a cross is a run that diverged.",
        length(map)
    )
}

/// Where the border was measured, against where it was predicted.
pub(super) fn border(map: &LearningRateMap) -> String {
    let whole: Vec<&Column> = map.columns.iter().filter(|column| !column.is_interrupted()).collect();
    let told = match whole.as_slice() {
        [first, .., last] => vec![*last, *first],
        few => few.to_vec(),
    };
    let words = |column: &Column| {
        let (who, predicted) = (capital(&batches(map, column)), number(column.predicted_limit));
        let stable = column.cells.iter().filter(|cell| cell.loss.is_some()).map(|cell| cell.lr).reduce(f64::max);
        let diverged = column.cells.iter().filter(|cell| cell.reason == StopReason::Diverged).map(|cell| cell.lr);
        match (stable, diverged.reduce(f64::min), factor_over_prediction(column)) {
            (Some(stable), Some(diverged), Some(factor)) if stable < diverged => format!(
                "{who} last up to {} and diverge from {} on, {} of {predicted}.",
                number(stable),
                number(diverged),
                against_prediction(factor)
            ),
            (Some(stable), Some(diverged), Some(factor)) => format!(
                "{who} diverge by chance between {} and {}, {} of {predicted}.",
                number(diverged),
                number(stable),
                against_prediction(factor)
            ),
            (Some(stable), ..) => {
                format!("{who} last up to {}, the highest rate tried; {predicted} was predicted.", number(stable))
            }
            (None, Some(diverged), _) => {
                format!("{who} diverge even at {}; {predicted} was predicted.", number(diverged))
            }
            (None, None, _) => String::new(),
        }
    };
    told.into_iter().map(words).collect::<Vec<_>>().join(" ").trim().to_owned()
}

/// Why the border is where it is, and how far the prediction can be trusted.
fn why(map: &LearningRateMap) -> String {
    let (full, momentum) = match map.settings.momentum {
        momentum if momentum > 0.0 => ("the stability limit with this momentum", "(1−μ)"),
        _ => ("2/λmax", ""),
    };
    let worst = number(map.largest_row_curvature / map.lambda_max);
    let formula = format!(
        "The predicted limit is 2B{momentum}/(β + (B−1)λmax) for B rows and at most {full}, that of all rows: λmax is {}, and β, the \
         curvature of the worst single row, {worst} times that. It is conservative: it holds even for batches that hold nothing but that row.",
        number(map.lambda_max),
    );
    let is_linear = map.settings.hidden.is_empty();
    let trust = match map.data.loss {
        _ if !is_linear => {
            "With hidden layers both curvatures are those of the start and change along the way, so the limit is a first \
             guess; runs may settle at its edge, or diverge below it."
        }
        Loss::Squared => {
            "The loss is a parabola here, the same everywhere, so for full batches the limit is exact, up to the factor of 2 \
             between two rates."
        }
        Loss::Poisson => "The loss curves more the farther out, so the limit of the start is only a first guess.",
        Loss::SquaredHinge => {
            "The loss is a parabola only inside its margin and flat outside, so the limit holds near the start."
        }
        _ => {
            "But the gradient of this loss is bounded and its curvature fades away from the start: beyond the limit a run \
             is thrown about more often than it leaves for good, and on rows that can be told apart it may still arrive."
        }
    };
    let settings = &map.settings;
    let mut out = format!("{formula} {trust}");
    if settings.weight_decay > 0.0 || settings.l1 > 0.0 {
        out.push_str(
            " The penalty's own curvature is not in it, and beside a penalty a run counts as diverged only once its numbers \
             overflow.",
        );
    }
    if settings.clip != Clip::None {
        out.push_str(" Clipped gradients are held short, which the limit does not know.");
    }
    if settings.schedule != Schedule::Constant {
        out.push_str(" The schedule scales the rate along the way; the rates of the map are those it is given.");
    }
    out
}

/// How the best rate grows with the batch size.
fn ridge(map: &LearningRateMap) -> String {
    let highest = map.columns.iter().filter_map(|column| column.best).map(|best| best.lr).reduce(f64::max);
    let Some(highest) = highest else { return String::new() };
    let equal =
        format!("After equal rows ({}) larger batches have taken fewer steps and want larger ones.", length(map));
    let (Some(slope), Some((first, last))) = (map.ridge_slope, map.ridge().first().zip(map.ridge().last())) else {
        return format!(
            "{equal} Too few batch sizes are on the map before the best rate stops growing, at {}, to tell how it grows.",
            number(highest)
        );
    };
    let beyond = if map.rates.last().is_some_and(|rate| highest >= *rate) {
        format!("Beyond, it is up to {}, the highest rate tried.", number(highest))
    } else {
        format!("Beyond, it levels off at {}: there the curvature of all rows holds it.", number(highest))
    };
    let rate = |column: &Column| column.best.map_or(f64::NAN, |best| best.lr);
    let kind = match slope {
        slope if slope >= LINEAR => "linear scaling, four times the rows for four times the rate",
        slope if (ROOT.0..=ROOT.1).contains(&slope) => "the square root, four times the rows for twice the rate",
        slope if slope > ROOT.1 => "between the square root (½) and linear scaling (1)",
        _ => "less than the square root",
    };
    format!(
        "{equal} From {} to {} rows the best rate grows from {} to {}, by the power {} of the batch size: {kind}. {beyond}",
        count(first.batch_size as u64),
        count(last.batch_size as u64),
        number(rate(first)),
        number(rate(last)),
        number((slope * 100.0).round() / 100.0),
    )
}

/// How the rates of `--lr auto` compare.
fn auto(map: &LearningRateMap) -> String {
    let factors = || map.columns.iter().filter_map(|column| Some(column.auto_lr / column.best?.lr));
    let (Some(low), Some(high)) = (factors().reduce(f64::min), factors().reduce(f64::max)) else {
        return String::new();
    };
    let (low, high) = (number(low), number(high));
    let range = if low == high { low } else { format!("{low} to {high}") };
    format!(
        "`--lr auto` chooses {range} times the best rate of this map. It is made for longer runs, in which the noise that a \
         large rate leaves counts for more."
    )
}

fn best(map: &LearningRateMap) -> String {
    let Some((column, best)) = lowest(map) else { return String::new() };
    let edge = match map.rates.as_slice() {
        [lowest, ..] if best.lr <= *lowest => " It is the lowest rate on the map: a lower one may do better.",
        [.., highest] if best.lr >= *highest => " It is the highest rate on the map: a higher one may do better.",
        _ => "",
    };
    format!(
        "The lowest loss, {} from {} at the start, is that of {} at a rate of {}.{edge}",
        number(best.loss),
        number(map.initial_loss),
        batches(map, column),
        number(best.lr)
    )
}

/// The settings as flags, but for the epochs, which mean something else on a map.
fn flags(map: &LearningRateMap) -> Vec<Flag<'static>> {
    differing(&Settings { epochs: Settings::default().epochs, ..map.settings.clone() })
}

/// The command that draws the same map.
pub(super) fn again(map: &LearningRateMap) -> String {
    let size = |column: &Column| match column.batch_size {
        rows if rows >= map.data.n_train => "full".to_owned(),
        rows => rows.to_string(),
    };
    let sizes = map.columns.iter().map(size).collect::<Vec<_>>().join(",");
    let mut flags = flags(map);
    flags.splice(0..0, [("--map", None), ("--batch-sizes", Some(sizes))]);
    if !map.is_shortened {
        flags.push(("--epochs", Some(map.settings.epochs.to_string())));
    }
    command::line("compare", &map.data.source, &flags)
}

/// Commands worth trying, each with what it does.
pub(super) fn next(map: &LearningRateMap) -> Vec<(String, String)> {
    let mut out = Vec::new();
    if let Some((column, best)) = lowest(map) {
        let mut flags = flags(map);
        flags.splice(0..0, [("--batch-size", Some(column.batch_size.to_string())), ("--lr", Some(number(best.lr)))]);
        let words = "trains with the best batch size and rate of this map".to_owned();
        out.push((command::line("train", &map.data.source, &flags), words));
    }
    let words = "times the batch sizes, by steps, epochs and seconds".to_owned();
    out.push((command::line("compare", &map.data.source, &flags(map)), words));
    out
}
