use std::collections::BTreeMap;

use downslope::compare::{Comparison, ComparisonTime, Method, MethodTime, Point, Winners};
use downslope::data::TaskKind;
use downslope::diagnosis::learning_rate::Chosen;
use downslope::diagnosis::{Finding, Severity};
use downslope::loss::Loss;
use downslope::metrics::Metrics;
use downslope::run::{DataSummary, LearningRate, Machine, Settings};
use downslope::stop::StopReason;

use super::*;
use crate::snapshot::{assert_as_kept, assert_fits, assert_well_formed};
use crate::terminal::{Colour, Glyphs};

const ROWS: usize = 1_438;

/// A descent whose loss falls as 2.3/(1 + epochs·speed), measured at the start and after each of ten epochs.
fn method(name: &str, batch_size: usize, speed: f64, step_seconds: f64) -> Method {
    let steps_per_epoch = ROWS.div_ceil(batch_size) as u64;
    let loss = |epochs: f64| 2.3 / (1.0 + epochs * speed);
    let curve: Vec<Point> = (0..=10)
        .map(|epoch| Point { step: epoch * steps_per_epoch, epoch: epoch as f64, loss: loss(epoch as f64) })
        .collect();
    let last = loss(10.0);
    let lr = 1.34 / (1.0 + 0.5 * (ROWS as f64 / batch_size as f64 - 1.0));
    let noise = ((ROWS - batch_size) as f64 / (batch_size * (ROWS - 1)) as f64).sqrt();
    Method {
        name: name.to_owned(),
        batch_size,
        lr,
        lr_from: Some(Chosen {
            lr,
            lambda_max: 0.746,
            row_curvature: 25.6,
            largest_row_curvature: 246.0,
            stability_limit: 2.68,
            momentum: 0.0,
            weight_decay: 0.0,
            halvings: 0,
        }),
        steps_per_epoch,
        epochs: 10,
        steps: 10 * steps_per_epoch,
        reason: StopReason::Epochs,
        gradient_noise: 5.27 * noise,
        zig_zag: 1.0 + 14.0 * noise,
        step_cosine: 1.0 - noise,
        loss_at_equal_steps: Some(loss(10.0 / steps_per_epoch as f64)),
        loss_at_equal_epochs: Some(last),
        train: Metrics { loss: last, accuracy: Some(0.98), log_loss: Some(last), ..Metrics::default() },
        validation: Some(Metrics { loss: last * 1.2, accuracy: Some(1.0 - last / 5.0), ..Metrics::default() }),
        time: MethodTime {
            step_seconds,
            step_seconds_low: step_seconds * 0.95,
            step_seconds_high: step_seconds * 1.1,
            rows_per_second: ROWS as f64 / (steps_per_epoch as f64 * step_seconds),
            training_seconds: 10.0 * steps_per_epoch as f64 * step_seconds,
            curve_seconds: curve.iter().map(|point| point.step as f64 * step_seconds).collect(),
            loss_at_equal_seconds: Some(loss(7.0)),
            seconds_to_target: Some(4.0 * steps_per_epoch as f64 * step_seconds),
        },
        curve,
        findings: Vec::new(),
    }
}

fn three() -> Comparison {
    comparison(vec![
        method("batch", ROWS, 1.0, 1.04e-3),
        method("mini-batch", 32, 2.0, 21.9e-6),
        method("stochastic", 1, 1.6, 826e-9),
    ])
}

fn comparison(methods: Vec<Method>) -> Comparison {
    Comparison {
        downslope: "0.1.0".to_owned(),
        settings: Settings { epochs: 10, ..Settings::default() },
        data: DataSummary {
            source: "@digits".to_owned(),
            fingerprint: "606aa8cbd11690bc".to_owned(),
            validation_fingerprint: None,
            n_rows: 1_797,
            n_train: ROWS,
            n_validation: 359,
            n_features: 61,
            target: "target".to_owned(),
            task: TaskKind::Classification,
            classes: (0..10).map(|class| class.to_string()).collect(),
            model: "softmax regression".to_owned(),
            n_parameters: 620,
            loss: Loss::CrossEntropy,
        },
        machine: Machine { os: "linux".to_owned(), arch: "x86_64".to_owned(), cores: 2 },
        seed: 0,
        epochs: 10,
        initial_loss: 2.3,
        equal_steps: 10,
        equal_epochs: 10,
        target_loss: 0.209,
        methods,
        winners: Winners::default(),
        time: ComparisonTime { equal_seconds: 9.86e-3, winner: None },
    }
}

fn diverged(mut method: Method) -> Method {
    method.reason = StopReason::Diverged;
    method.lr = 50.0;
    method.lr_from = None;
    (method.steps, method.epochs) = (1_438, 0);
    method.curve.truncate(3);
    method.curve[1].loss = 1e9;
    method.curve[2].loss = f64::NAN;
    method.time.curve_seconds.truncate(3);
    method.loss_at_equal_epochs = Some(f64::NAN);
    method.train = Metrics { loss: f64::INFINITY, ..Metrics::default() };
    method.validation = Some(Metrics { loss: f64::NAN, accuracy: Some(0.999), ..Metrics::default() });
    method.time.loss_at_equal_seconds = None;
    method.time.seconds_to_target = None;
    method.findings = vec![Finding {
        slug: "learning-rate-too-high".to_owned(),
        severity: Severity::Failure,
        numbers: BTreeMap::new(),
        cause: "the learning rate 50 is 18.64 times 2.68".to_owned(),
        remedy: "try `--lr 1.3`: measured to go down here".to_owned(),
        flags: vec![("--lr".to_owned(), Some("1.3".to_owned()))],
    }];
    method
}

fn without_validation(mut comparison: Comparison) -> Comparison {
    comparison.data.n_validation = 0;
    for method in &mut comparison.methods {
        method.validation = None;
    }
    comparison
}

fn with_rate_50(mut comparison: Comparison) -> Comparison {
    comparison.settings.lr = LearningRate::Fixed(50.0);
    comparison
}

fn one_diverged() -> Comparison {
    let mut comparison = with_rate_50(three());
    comparison.methods[2] = diverged(comparison.methods[2].clone());
    comparison
}

fn all_diverged() -> Comparison {
    let mut comparison = with_rate_50(comparison(three().methods.into_iter().map(diverged).collect()));
    // What the engine gives where nothing was measured by everyone.
    comparison.target_loss = f64::NEG_INFINITY;
    comparison.time.equal_seconds = f64::INFINITY;
    comparison
}

fn tied() -> Comparison {
    let mut comparison = three();
    for method in &mut comparison.methods {
        let same = 0.21 + 1e-6 * method.batch_size as f64;
        method.loss_at_equal_steps = Some(same);
        method.loss_at_equal_epochs = Some(same);
        method.time.loss_at_equal_seconds = Some(same);
        method.time.seconds_to_target = Some(0.004 + 1e-9 * method.batch_size as f64);
        method.validation = Some(Metrics { loss: 0.3, accuracy: Some(0.95), ..Metrics::default() });
    }
    comparison
}

fn interrupted() -> Comparison {
    let mut comparison = comparison(three().methods.into_iter().take(2).collect());
    comparison.methods[1].reason = StopReason::Interrupted;
    comparison
}

fn all() -> Vec<(&'static str, Comparison)> {
    let two_mini = vec![method("mini-batch 32", 32, 2.0, 21.9e-6), method("mini-batch 256", 256, 1.5, 130e-6)];
    vec![
        ("three-methods", three()),
        ("one-diverged", one_diverged()),
        ("all-diverged", all_diverged()),
        ("ties", tied()),
        ("single-method", comparison(vec![method("batch", ROWS, 1.0, 1.04e-3)])),
        ("single-diverged", with_rate_50(comparison(vec![diverged(method("batch", ROWS, 1.0, 1.04e-3))]))),
        ("no-validation", without_validation(three())),
        ("interrupted", interrupted()),
        ("two-mini-batches", comparison(two_mini)),
    ]
}

fn canvas(width: usize) -> Canvas {
    Canvas { width, ..Canvas::default() }
}

#[test]
fn the_whole_text_is_as_it_was_read_at_80_columns() {
    for (name, comparison) in all() {
        let text = to_text(&comparison, canvas(80));
        assert_fits(&text, 80);
        assert_as_kept(&format!("compare-{name}"), &text);
    }
}

#[test]
fn narrow_and_plain_terminals_get_the_same_in_their_width() {
    assert_as_kept("compare-60-columns", &to_text(&three(), canvas(60)));
    assert_as_kept("compare-40-columns", &to_text(&three(), canvas(40)));
    let ascii = Canvas { glyphs: Glyphs::Ascii, ..canvas(80) };
    assert_as_kept("compare-ascii", &to_text(&three(), ascii));
    for (name, comparison) in all() {
        for width in [120, 60, 40] {
            assert_fits(&to_text(&comparison, canvas(width)), width);
            let text = to_text(&comparison, Canvas { width, ..ascii });
            assert_fits(&text, width);
            assert!(text.is_ascii(), "{name}: {:?}", text.chars().filter(|c| !c.is_ascii()).collect::<String>());
        }
    }
}

#[test]
fn colour_adds_nothing_but_colour() {
    let coloured = to_text(&three(), Canvas { colour: Colour::Always, ..canvas(80) });
    let mut plain = String::new();
    for part in coloured.split('\u{1b}') {
        plain.push_str(part.split_once('m').filter(|(code, _)| code.starts_with('[')).map_or(part, |(_, rest)| rest));
    }
    assert_ne!(coloured, plain);
    assert_eq!(plain, to_text(&three(), canvas(80)));
}

#[test]
fn what_diverged_wins_nothing() {
    // Its validation accuracy of 99.9 % would be the best.
    let text = to_text(&one_diverged(), canvas(80));
    assert!(!text.contains("99.9%"), "{text}");
    assert!(text.contains("learning-rate-too-high"), "{text}");
    assert!(text.contains("downslope compare @digits --batch-sizes full,32,1 --epochs 10\n"), "{text}");
}

#[test]
fn a_comparison_cut_short_in_its_first_epoch_has_no_winner_after_equal_epochs() {
    let mut comparison = three();
    comparison.equal_epochs = 0;
    for method in &mut comparison.methods {
        method.loss_at_equal_epochs = None;
    }
    let text = to_text(&comparison, canvas(80));
    assert!(!text.contains("Equal epochs"), "{text}");
}

#[test]
fn every_page_and_picture_is_well_formed() {
    for (name, comparison) in all() {
        assert_well_formed(&to_page(&comparison));
        roxmltree::Document::parse(&to_svg(&comparison)).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
    assert!(to_png(&three()).unwrap().starts_with(b"\x89PNG"));
}

#[test]
fn the_points_are_given_away_with_every_digit() {
    let csv = to_csv(&three());
    assert!(csv.starts_with(
        "method,batch_size,step,epoch,seconds,loss\r\nbatch,1438,0,0.0,0.0,2.3\r\nbatch,1438,1,1.0,0.00104,1.15\r\n"
    ));
    assert_eq!(csv.lines().count(), 1 + 3 * 11);
}
