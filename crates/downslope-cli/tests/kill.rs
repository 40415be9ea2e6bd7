//! A run that is killed at any moment and resumed each time ends with the same bytes as one left alone: the model, the
//! metrics, the record, all but the times. After every kill its directory reads.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test that cannot go on says so and ends")]

mod support;

use std::time::{Duration, Instant};

use serde_json::Value;
use support::{Draws, Workplace, without_times};

/// Kills in one way of training, at least, one of them within an epoch; there are six ways.
const KILLS: usize = 9;

/// What must be the same: model, metrics, record; and what may differ taken away.
fn bits(here: &Workplace, run: &str) -> (Vec<u8>, Vec<Value>, Value) {
    let events = here.events(run).into_iter().map(without_times).collect();
    (here.read(&format!("{run}/model.safetensors")), events, without_times(here.json(&format!("{run}/run.json"))))
}

/// Whatever a kill left behind can be read and shown. Returns how many batches of an epoch the checkpoint had done.
fn batches_of_readable(here: &Workplace, run: &str) -> Option<usize> {
    let record = here.json(&format!("{run}/run.json"));
    assert!(record["settings"]["epochs"].is_u64(), "{record}");
    let metrics = String::from_utf8(here.read(&format!("{run}/metrics.jsonl"))).unwrap();
    let lines: Vec<&str> = metrics.split_inclusive('\n').collect();
    for (index, line) in lines.iter().enumerate() {
        let is_cut = index + 1 == lines.len() && !line.ends_with('\n');
        assert!(is_cut || serde_json::from_str::<Value>(line).is_ok(), "line {} of metrics.jsonl: {line}", index + 1);
    }
    let checkpoint = here.path(&format!("{run}/checkpoint/state.safetensors"));
    let batches =
        checkpoint.exists().then(|| downslope::checkpoint::Checkpoint::read(&checkpoint).unwrap().state.batch);
    here.run(&format!("report {run} --quiet --out shown.html")).with_code(0);
    std::fs::remove_file(here.path("shown.html")).unwrap();
    batches
}

/// Returns the events that all of them have.
fn killed_runs_end_like_one_left_alone(flags: &str, seed: u64) -> Vec<Value> {
    let here = Workplace::new();
    here.run("data make logistic --rows 4000 --features 12 --noise 0.2 --seed 7 --out t.csv").with_code(0);
    let keep = "--quiet --log-every 50 --checkpoint-seconds 0.001";
    let started = Instant::now();
    here.run(&format!("train t.csv --out alone {keep} {flags}")).with_code(0);
    let duration = started.elapsed();
    let alone = bits(&here, "alone");
    let mut draws = Draws(seed);
    let (mut kills, mut after_checkpoint, mut within_epoch, mut runs) = (0, 0, 0, 0);
    while kills < KILLS || within_epoch == 0 {
        runs += 1;
        let run = format!("killed-{runs}");
        loop {
            let has_begun = here.path(&run).exists();
            let call = if has_begun {
                format!("resume {run} {keep}")
            } else {
                format!("train t.csv --out {run} {keep} {flags}")
            };
            let mut child = here.command(&call).stdout(std::process::Stdio::null()).spawn().unwrap();
            if kills < KILLS || within_epoch == 0 {
                // The moment is what is tried here; nothing waits for it.
                std::thread::sleep(duration.mul_f64(draws.next()).max(Duration::from_millis(1)));
                child.kill().unwrap();
            }
            let status = child.wait().unwrap();
            if let Some(code) = status.code() {
                assert_eq!(code, 0, "{call}");
                break;
            }
            kills += 1;
            assert!(kills < 20 * KILLS, "no kill met a run within an epoch");
            if here.path(&run).exists() {
                let batches = batches_of_readable(&here, &run);
                after_checkpoint += usize::from(batches.is_some());
                within_epoch += usize::from(batches > Some(0));
            }
        }
        let (model, events, record) = bits(&here, &run);
        assert!(model == alone.0, "{flags}: another model after {kills} kills");
        assert_eq!(events, alone.1, "{flags}");
        assert_eq!(record, alone.2, "{flags}");
        let left: Vec<String> =
            here.listing().into_iter().filter(|name| name.starts_with(&format!("{run}/"))).collect();
        let expected = [
            "/",
            "/checkpoint/",
            "/checkpoint/state.safetensors",
            "/metrics.jsonl",
            "/model.safetensors",
            "/report.html",
            "/run.json",
        ];
        assert_eq!(left, expected.map(|name| format!("{run}{name}")), "{flags}");
    }
    println!(
        "{flags}: {kills} kills in {runs} runs of {duration:.0?}, {after_checkpoint} with a checkpoint, {within_epoch} within an epoch"
    );
    alone.1
}

#[test]
fn one_row_a_step_at_a_rate_that_is_found_too_low() {
    let events = killed_runs_end_like_one_left_alone("--batch-size 1 --epochs 15 --lr 0.00002", 1);
    let slugs = events.iter().filter_map(|event| event.pointer("/finding/slug")).filter_map(Value::as_str);
    assert_eq!(slugs.filter(|slug| *slug == "learning-rate-too-low").count(), 2, "after epoch 8 and at the end");
}

#[test]
fn mini_batches_with_momentum() {
    killed_runs_end_like_one_left_alone("--batch-size 32 --momentum 0.9 --epochs 100", 2);
}

#[test]
fn full_batches_with_nesterov_and_l1() {
    killed_runs_end_like_one_left_alone("--batch-size full --momentum 0.9 --nesterov --l1 0.001 --epochs 150", 3);
}

#[test]
fn a_plateau_schedule() {
    let flags = "--batch-size 8 --epochs 40 --schedule plateau:factor=0.5,patience=1,threshold=0.05";
    killed_runs_end_like_one_left_alone(flags, 4);
}

#[test]
fn a_one_cycle_schedule_that_moves_the_momentum() {
    let flags = "--batch-size 16 --momentum 0.9 --epochs 60 --schedule one-cycle:max-lr=0.1";
    killed_runs_end_like_one_left_alone(flags, 5);
}

#[test]
fn patience_with_a_hidden_layer() {
    killed_runs_end_like_one_left_alone("--batch-size 16 --hidden 8 --epochs 60 --patience 4 --lr 0.3", 6);
}
