use std::collections::BTreeMap;

use downslope::data::{Scale, TaskKind};
use downslope::diagnosis::learning_rate::Chosen;
use downslope::diagnosis::{Finding, Severity};
use downslope::loader::BatchSize;
use downslope::loss::Loss;
use downslope::metrics::Metrics;
use downslope::run::{DataSummary, LearningRate, Machine, Outcome, OutcomeTime, Plan, Settings, Validation};
use downslope::schedule::Schedule;
use downslope::stop::StopReason;
use serde_json::json;

use super::*;
use crate::snapshot::{assert_as_kept, assert_fits, assert_well_formed};
use crate::terminal::Glyphs;

fn record(reason: Option<StopReason>) -> Record {
    let outcome = |reason| Outcome {
        reason,
        epochs: 10,
        steps: 450,
        back_offs: 0,
        best_epoch: (reason == StopReason::Patience).then_some(6),
        zero_weights: None,
        time: OutcomeTime { training_seconds: 0.012, peak_resident: None },
    };
    let metrics = |loss: f64, accuracy: f64| Metrics {
        loss,
        accuracy: Some(accuracy),
        log_loss: Some(loss),
        ..Metrics::default()
    };
    Record {
        downslope: "0.1.0".to_owned(),
        settings: Settings { epochs: 10, ..Settings::default() },
        data: DataSummary {
            source: "@digits".to_owned(),
            fingerprint: "606aa8cbd11690bc".to_owned(),
            validation_fingerprint: None,
            n_rows: 1_797,
            n_train: 1_438,
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
        plan: Plan {
            batch_size: BatchSize::rows(32).unwrap(),
            lr: 0.0754,
            lr_from: Some(Chosen {
                lr: 0.0754,
                lambda_max: 0.746,
                row_curvature: 25.6,
                largest_row_curvature: 246.0,
                stability_limit: 2.68,
                momentum: 0.0,
                weight_decay: 0.0,
                halvings: 0,
            }),
            schedule: Schedule::Constant,
            epochs: 10,
            race: None,
        },
        log_every: 0,
        outcome: reason.map(outcome),
        findings: Vec::new(),
        probes: downslope::diagnosis::Probes::default(),
        notices: vec!["no target was named: taking column `target`, by its name".to_owned()],
        train: reason.map(|_| metrics(0.2, 0.97)),
        validation: reason.map(|_| metrics(0.24, 0.955)),
    }
}

/// Epochs whose training loss falls as 2/(1 + epoch), with a validation loss of one's own.
fn events(n: u32, validation: impl Fn(f64) -> f64) -> Vec<Value> {
    let mut events = vec![json!({
        "event": "started", "step": 0, "epoch": 0, "initial_loss": 2.3, "batch_size": 32, "steps_per_epoch": 45,
    })];
    for epoch in 1..=n {
        let at = f64::from(epoch);
        events.push(
            json!({ "event": "step", "step": epoch * 45 - 5, "epoch": epoch, "loss": 2.2 / (1.0 + at), "lr": 0.0754 }),
        );
        events.push(json!({
            "event": "epoch", "step": epoch * 45, "epoch": epoch, "loss": 2.1 / (1.0 + at), "lr": 0.0754,
            "train_loss": 2.0 / (1.0 + at), "validation_loss": validation(at), "accuracy": 1.0 - 0.5 / at,
            "time": { "training_seconds": 0.0012 * at },
        }));
    }
    events
}

fn diverged() -> (Record, Vec<Value>) {
    let mut record = record(Some(StopReason::Diverged));
    record.settings.lr = LearningRate::Fixed(50.0);
    (record.plan.lr, record.plan.lr_from) = (50.0, None);
    record.train = Some(Metrics { loss: f64::NAN, ..Metrics::default() });
    record.validation = Some(Metrics { loss: f64::NAN, accuracy: Some(0.1), ..Metrics::default() });
    record.findings = vec![Finding {
        slug: "learning-rate-too-high".to_owned(),
        severity: Severity::Failure,
        numbers: BTreeMap::from([("suggested_lr".to_owned(), 0.07)]),
        cause: "the learning rate 50 is 18.64 times 2.68".to_owned(),
        remedy: "try `--lr 0.07`: measured to go down here".to_owned(),
        flags: vec![("--lr".to_owned(), Some("0.07".to_owned()))],
    }];
    let mut events = events(1, |_| f64::NAN);
    events[2]["train_loss"] = Value::Null;
    (record, events)
}

/// A diverged run whose reason lies in the data.
fn badly_scaled() -> (Record, Vec<Value>) {
    let (mut record, events) = diverged();
    record.settings.scale = Scale::None;
    record.findings.push(Finding {
        slug: "badly-scaled-columns".to_owned(),
        severity: Severity::Failure,
        numbers: BTreeMap::from([("times".to_owned(), 1e6)]),
        cause: "the columns differ in scale: a rate that suits `a` leaps out along `c`".to_owned(),
        remedy: "try `--scale standard --lr auto`: one rate then suits every column".to_owned(),
        flags: vec![("--scale".to_owned(), Some("standard".to_owned())), ("--lr".to_owned(), Some("auto".to_owned()))],
    });
    (record, events)
}

/// A run that rises again, with a finding that says why and another.
fn with_findings() -> (Record, Vec<Value>) {
    let mut record = record(Some(StopReason::Epochs));
    record.train = Some(Metrics { loss: 0.05, accuracy: Some(1.0), ..Metrics::default() });
    record.findings = vec![
        Finding {
            slug: "overfitting".to_owned(),
            severity: Severity::Warning,
            numbers: BTreeMap::from([("best_epoch".to_owned(), 4.0)]),
            cause: "the loss on rows held out was lowest after epoch 4 (0.2) and then rose by 60%, while the training loss went on \
                    falling"
                .to_owned(),
            remedy: "try `--patience 5`: stops there and keeps the weights of the best epoch".to_owned(),
            flags: vec![("--patience".to_owned(), Some("5".to_owned()))],
        },
        Finding {
            slug: "last-batch-imbalance".to_owned(),
            severity: Severity::Advice,
            numbers: BTreeMap::from([("last_rows".to_owned(), 2.0)]),
            cause: "1438 rows in batches of 32 leave 2 rows for the last step of every epoch".to_owned(),
            remedy: "try `--drop-last`: leaves that step out".to_owned(),
            flags: vec![("--drop-last".to_owned(), None)],
        },
    ];
    (record, events(10, |at| 0.2 + (at - 4.0).abs() * 0.02))
}

fn all() -> Vec<(&'static str, Record, Vec<Value>)> {
    let done = || record(Some(StopReason::Epochs));
    let mut overfits = done();
    overfits.train = Some(Metrics { loss: 0.05, accuracy: Some(1.0), ..Metrics::default() });
    let mut no_validation = done();
    no_validation.settings.validation = Validation::None;
    no_validation.data.n_validation = 0;
    no_validation.validation = None;
    let mut without_rows = events(10, |_| 0.0);
    for event in &mut without_rows {
        if let Some(fields) = event.as_object_mut() {
            fields.remove("validation_loss");
            fields.remove("accuracy");
        }
    }
    let mut patient = record(Some(StopReason::Patience));
    patient.settings.patience = Some(4);
    let wandering = |at: f64| 0.5 + 0.1 * (at * 2.5).sin();
    let (diverged, diverged_events) = diverged();
    let (badly_scaled, badly_scaled_events) = badly_scaled();
    let (with_findings, with_findings_events) = with_findings();
    vec![
        ("still-falling", done(), events(10, |at| 2.4 / (1.0 + at))),
        ("at-rest", done(), events(10, |at| 0.24 + (-3.0 * at).exp())),
        ("rises-again", overfits, events(10, |at| 0.2 + (at - 4.0).abs() * 0.02)),
        ("wanders", done(), events(10, wandering)),
        ("patience", patient, events(10, |at| 0.2 + (at - 6.0).abs() * 0.01)),
        ("no-validation", no_validation, without_rows),
        ("interrupted", record(Some(StopReason::Interrupted)), events(4, |at| 2.4 / (1.0 + at))),
        ("killed", record(None), events(4, |at| 2.4 / (1.0 + at))),
        ("just-begun", record(None), Vec::new()),
        ("diverged", diverged, diverged_events),
        ("badly-scaled", badly_scaled, badly_scaled_events),
        ("with-findings", with_findings, with_findings_events),
    ]
}

fn canvas(width: usize) -> Canvas {
    Canvas { width, ..Canvas::default() }
}

#[test]
fn the_whole_summary_is_as_it_was_read() {
    for (name, record, events) in all() {
        let run = Run { name: "runs/one", record: &record, events: &events };
        let text = summary_text(&run, canvas(80));
        assert_as_kept(&format!("run-{name}"), &text);
        for width in [120, 80, 60, 40] {
            assert_fits(&summary_text(&run, canvas(width)), width);
            let ascii = summary_text(&run, Canvas { glyphs: Glyphs::Ascii, ..canvas(width) });
            assert_fits(&ascii, width);
            assert!(ascii.is_ascii(), "{name}: {ascii}");
        }
    }
}

#[test]
fn what_diverged_has_no_table_of_metrics_and_offers_a_rate() {
    let (record, events) = diverged();
    let run = Run { name: "runs/one", record: &record, events: &events };
    let text = summary_text(&run, canvas(80));
    assert!(!text.contains("accuracy"), "{text}");
    assert!(text.split_whitespace().collect::<Vec<_>>().join(" ").contains("No model was written."), "{text}");
    assert!(text.contains("  downslope train @digits --epochs 10 --lr 0.07\n"), "{text}");
    assert_eq!(to_page(&[run]).title, "The run diverged and left no model");
}

#[test]
fn every_page_and_picture_is_well_formed() {
    let all = all();
    let runs: Vec<Run<'_>> = all.iter().map(|(name, record, events)| Run { name, record, events }).collect();
    for run in &runs {
        assert_well_formed(&to_page(&[*run]));
        roxmltree::Document::parse(&to_svg(&[*run])).unwrap();
    }
    assert_well_formed(&to_page(&runs));
    assert_well_formed(&to_page(&[]));
    roxmltree::Document::parse(&to_svg(&runs)).unwrap();
}

#[test]
fn several_runs_say_what_differs_and_nothing_else() {
    let (one, mut two) = (record(Some(StopReason::Epochs)), record(Some(StopReason::Epochs)));
    two.settings.momentum = 0.9;
    let events = events(10, |at| 2.4 / (1.0 + at));
    let runs = [Run { name: "a", record: &one, events: &events }, Run { name: "b", record: &two, events: &events }];
    let html = to_page(&runs).to_html();
    assert!(html.contains("<th scope=\"row\">--momentum</th><td>default</td><td>0.9</td>"), "{html}");
    assert!(!html.contains("<th scope=\"row\">batch size</th>"), "{html}");
}

#[test]
fn the_lines_are_given_away_in_long_form() {
    let record = record(None);
    let events = events(1, |_| 1.5);
    let csv = to_csv(&[Run { name: "a,b", record: &record, events: &events }]);
    assert_eq!(
        csv,
        "run,step,epoch,series,value\r\n\
         \"a,b\",40,0.8888888888888888,batch_loss,1.1\r\n\
         \"a,b\",40,0.8888888888888888,lr,0.0754\r\n\
         \"a,b\",45,1.0,train_loss,1.0\r\n\
         \"a,b\",45,1.0,validation_loss,1.5\r\n\
         \"a,b\",45,1.0,accuracy,0.5\r\n\
         \"a,b\",45,1.0,lr,0.0754\r\n\
         \"a,b\",45,1.0,training_seconds,0.0012\r\n"
    );
}
