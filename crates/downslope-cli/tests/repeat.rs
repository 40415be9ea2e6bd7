//! What is asked twice is answered twice the same: threads change no bit, and of a comparison only times differ.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so and ends")]

mod support;

use support::{Workplace, without_times};

/// Batches of 4096 rows through 3556 parameters are cut into three chunks (see `CHUNK_WORK` of the library).
const LARGE: &str = "--hidden 48,48 --batch-size 4096 --epochs 2 --momentum 0.9 --quiet";

#[test]
fn threads_change_no_bit_of_the_model_and_of_the_rate() {
    let here = Workplace::new();
    here.run("data make softmax --rows 6000 --features 20 --classes 4 --noise 0.1 --out t.csv").with_code(0);
    for threads in 1..=3 {
        here.run(&format!("train t.csv {LARGE} --threads {threads} --out run-{threads}")).with_code(0);
    }
    let model = |threads: u32| here.read(&format!("run-{threads}/model.safetensors"));
    let events =
        |threads: u32| here.events(&format!("run-{threads}")).into_iter().map(without_times).collect::<Vec<_>>();
    let lr_from = |threads: u32| here.json(&format!("run-{threads}/run.json"))["lr_from"].clone();
    assert!(lr_from(1).is_object());
    for threads in 2..=3 {
        assert_eq!(lr_from(threads), lr_from(1), "{threads} threads");
        assert!(model(threads) == model(1), "another model with {threads} threads");
        assert_eq!(events(threads), events(1), "{threads} threads");
    }
    let parameters = here.json("run-1/run.json")["data"]["n_parameters"].as_u64().unwrap();
    assert!(4096 * parameters >= 2 << 22, "the batches are too small to be cut: {parameters} parameters");
}

#[test]
fn two_comparisons_differ_in_times_alone() {
    let here = Workplace::new();
    let compare =
        |more: &str| here.run(&format!("compare @breast-cancer --epochs 5 --json {more}")).with_code(0).json();
    let (first, second) = (compare(""), compare(""));
    let mut threaded = compare("--threads 3");
    assert_eq!(threaded["settings"]["threads"].take(), 3);
    assert!(first["time"].is_object() && first["methods"][0]["time"].is_object());
    assert_eq!(without_times(first.clone()), without_times(second));
    assert_eq!(without_times(first.clone()), without_times(threaded), "other threads");
    assert_ne!(without_times(first), without_times(compare("--seed 1")), "another seed");
    let (map, mut threaded) = (compare("--map"), compare("--map --threads 3"));
    assert_eq!(threaded["settings"]["threads"].take(), 3);
    assert!(map["time"].is_object());
    assert_eq!(without_times(map), without_times(threaded), "another map");
}

#[test]
fn the_seed_decides() {
    let here = Workplace::new();
    let train = |seed: u32, run: &str| {
        here.run(&format!("train @diabetes --epochs 3 --quiet --seed {seed} --out {run}")).with_code(0);
        here.read(&format!("{run}/model.safetensors"))
    };
    let first = train(1, "first");
    assert!(first == train(1, "again"), "the same seed made another model");
    assert!(first != train(2, "other"), "another seed made the same model");
}
