//! How a run ends, and what is then said where: exit statuses, streams, Ctrl-C, and models that answer alike however
//! they are asked.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so and ends")]

mod support;

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use support::{Draws, Said, Workplace, without_times};

/// A hundred rows on a plane, without chance.
fn with_plane() -> Workplace {
    let here = Workplace::new();
    let rows = (1..=100).map(|row| format!("{row},{},{}\n", row % 7, 3 * row + row % 7));
    here.write("plane.csv", format!("a,b,y\n{}", rows.collect::<String>()));
    here
}

/// Two classes in numbers, a boolean and a category.
fn with_classes() -> Workplace {
    let here = Workplace::new();
    let row = |row: u32| {
        let class = if (row * 7 + row % 5) % 11 > 5 { "yes, surely" } else { "no" };
        let colour = ["red", "green", "blue"][(row % 3) as usize];
        format!("{},{},{colour},\"{class}\"\n", f64::from(row % 11) / 4.0, row.is_multiple_of(2))
    };
    here.write("classes.csv", format!("size,is new,colour,class\n{}", (0..120).map(row).collect::<String>()));
    here
}

fn reason(here: &Workplace, run: &str) -> Value {
    here.json(&format!("{run}/run.json"))["outcome"]["reason"].clone()
}

#[test]
fn a_rate_too_high_ends_without_a_model_and_with_a_rate_that_works() {
    let here = with_plane();
    let said = here.run("train plane.csv --lr 5 --batch-size full --out run").with_code(1);
    assert!(said.err.ends_with("the run is in run; no model was written\n"), "{}", said.err);
    assert_eq!(reason(&here, "run"), "diverged");
    assert_eq!(
        here.listing(),
        [
            "plane.csv",
            "run/",
            "run/checkpoint/",
            "run/checkpoint/state.safetensors",
            "run/metrics.jsonl",
            "run/report.html",
            "run/run.json"
        ]
    );
    let finding = &here.json("run/run.json")["findings"][0];
    assert_eq!(finding["slug"], "learning-rate-too-high");
    assert!(finding["numbers"]["times_the_limit"].as_f64().unwrap() > 2.0, "{finding}");
    let remedy = finding["remedy"].as_str().unwrap();
    let lr = finding["flags"][0][1].as_str().unwrap();
    assert!(remedy.contains(&format!("`--lr {lr}`")), "{remedy}");
    here.run(&format!("train plane.csv --lr {lr} --batch-size full --out again --quiet")).with_code(0);
    assert_eq!(reason(&here, "again"), "epochs");
    let r2 = here.json("again/run.json")["train"]["r2"].as_f64().unwrap();
    assert!(r2 > 0.9, "{remedy}: r2 {r2}");
}

#[test]
fn each_batch_size_is_told_a_rate_that_works() {
    let here = with_plane();
    for batch_size in ["1", "8", "32"] {
        let flags = format!("--batch-size {batch_size} --epochs 50 --quiet");
        here.run(&format!("train plane.csv --lr 5 {flags} --out wild-{batch_size}")).with_code(1);
        let finding = &here.json(&format!("wild-{batch_size}/run.json"))["findings"][0];
        let lr = finding["flags"][0][1].as_str().unwrap();
        here.run(&format!("train plane.csv --lr {lr} {flags} --out tame-{batch_size}")).with_code(0);
    }
}

#[test]
fn a_run_that_left_the_numbers_can_still_be_read() {
    let here = with_plane();
    here.run("train plane.csv --lr 1e38 --batch-size 1 --out run --quiet").with_code(1);
    assert!(here.json("run/run.json")["train"]["loss"].is_null());
    here.run("report run").with_code(0);
    let said = here.run("resume run").with_code(1);
    assert_eq!(said.err, "nothing left to do: the run ended (diverged)\nthe run is in run; no model was written\n");
    let said = here.run("predict run plane.csv").with_code(2);
    assert_eq!(
        said.err,
        "error: cannot read `run/model.safetensors`: No such file or directory (os error 2)\n\
         hint: a run has a model once it has ended well; `downslope resume RUN` goes on with one that was stopped\n"
    );
}

#[test]
fn a_diverged_run_that_was_killed_before_its_record_was_written_ends_the_same() {
    let here = with_plane();
    let keep = "--log-every 1 --checkpoint-seconds 0.000001 --quiet";
    here.run(&format!("train plane.csv --lr 5 --batch-size 1 --out run {keep}")).with_code(1);
    let (record, events) = (here.json("run/run.json"), here.events("run"));
    let mut killed = record.clone();
    (killed["outcome"], killed["findings"]) = (Value::Null, Value::Array(Vec::new()));
    here.write("run/run.json", killed.to_string());
    // What a kill in the middle of writing leaves behind.
    here.write("run/checkpoint/.downslope-cut.tmp", "cut");
    here.run(&format!("resume run {keep}")).with_code(1);
    assert_eq!(without_times(here.json("run/run.json")), without_times(record));
    let untimed = |events: Vec<Value>| events.into_iter().map(without_times).collect::<Vec<_>>();
    assert_eq!(untimed(here.events("run")), untimed(events));
    assert!(!here.path("run/checkpoint/.downslope-cut.tmp").exists());
}

#[test]
fn a_target_is_reached_or_missed() {
    let here = with_plane();
    here.run("train plane.csv --target-loss 0.5 --out reached --quiet").with_code(0);
    assert_eq!(reason(&here, "reached"), "target");
    here.run("train plane.csv --target-loss 1e-12 --epochs 3 --out missed --quiet").with_code(1);
    assert_eq!(reason(&here, "missed"), "epochs");
    assert!(here.path("missed/model.safetensors").exists(), "it is a model, though not the one asked for");
}

#[test]
fn patience_keeps_the_best_weights() {
    let here = Workplace::new();
    here.run("data make logistic --rows 60 --features 20 --noise 0.4 --out t.csv").with_code(0);
    here.run("train t.csv --lr 1 --patience 3 --epochs 500 --out run --quiet").with_code(0);
    assert_eq!(reason(&here, "run"), "patience");
    let record = here.json("run/run.json");
    let losses: Vec<f64> = here.events("run").iter().filter_map(|event| event["validation_loss"].as_f64()).collect();
    let (best, lowest) = losses.iter().enumerate().min_by(|a, b| a.1.total_cmp(b.1)).unwrap();
    assert_eq!(record["outcome"]["best_epoch"], best as u64 + 1);
    assert_eq!(losses.len(), best + 1 + 3, "three epochs are borne");
    assert_eq!(record["validation"]["loss"].as_f64().unwrap().to_bits(), lowest.to_bits());
}

#[test]
fn a_momentum_that_never_fades_is_not_helped_by_lower_rates() {
    let here = Workplace::new();
    let said = here.run("train @digits --lr auto --momentum 1.5 --epochs 8 --out run").with_code(1);
    assert!(said.out.contains("The reason (momentum-too-high): momentum 1.5 keeps all"), "{said:?}");
    assert!(here.events("run").iter().all(|event| event["event"] != "backed-off"));
    assert!(!here.path("run/model.safetensors").exists());
}

#[test]
fn weights_that_l1_left_nothing_of_are_counted() {
    let here = Workplace::new();
    let said = here.run("train @digits --l1 0.02 --epochs 5 --out run").with_code(0);
    let counted = &here.json("run/run.json")["outcome"]["zero_weights"];
    let (zero, of) = (counted["zero"].as_u64().unwrap(), counted["of"].as_u64().unwrap());
    // 61 features and ten classes, the biases apart.
    assert!(of == 610 && (1..610).contains(&zero), "{counted}");
    let words = said.out.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains(&format!("L1 left {zero} of 610 weights at zero.")), "{}", said.out);
    here.run("train @digits --epochs 1 --out plain").with_code(0);
    assert!(here.json("plain/run.json")["outcome"].get("zero_weights").is_none());
}

#[test]
fn json_is_one_object_and_nothing_else() {
    let here = with_plane();
    let record = here.run("train plane.csv --epochs 2 --out run --json").with_code(0).json();
    assert_eq!(record, here.json("run/run.json"));
    assert_eq!(here.run("resume run --json").with_code(0).json(), record);
    let metrics = here.run("evaluate run plane.csv --json").with_code(0).json();
    assert!(metrics["r2"].is_f64(), "{metrics}");
    let comparison = here.run("compare plane.csv --epochs 2 --json --out kept").with_code(0).json();
    let sizes: Vec<&Value> = comparison["methods"].as_array().unwrap().iter().map(|m| &m["batch_size"]).collect();
    assert_eq!(sizes, [80, 32, 1]);
    assert_eq!(here.json("kept/comparison.json"), comparison);
    let map = here.run("compare plane.csv --map --epochs 2 --json --quiet --out mapped").with_code(0);
    assert_eq!((map.json(), map.err.as_str()), (here.json("mapped/map.json"), ""));
    assert_eq!(map.json()["columns"][0]["batch_size"], 1);
    assert!(here.path("mapped/report.html").exists());
    let wild = here.run("compare plane.csv --lr 50 --epochs 2 --json --quiet").with_code(1);
    assert_eq!((wild.json()["methods"][0]["reason"].as_str(), wild.err.as_str()), (Some("diverged"), ""));
}

#[test]
fn quiet_says_nothing() {
    let here = with_plane();
    for args in [
        "train plane.csv --epochs 2 --out run --quiet",
        "train plane.csv --epochs 2 --lr 50 --out wild --quiet",
        "resume run --quiet",
        "compare plane.csv --epochs 2 --quiet --report out.html --report out.csv",
        "compare plane.csv --map --quiet --report map.html --report map.svg --report map.png --report map.csv",
        "predict run plane.csv --quiet --out p.csv",
        "evaluate run plane.csv --quiet --json",
        "report run --quiet",
    ] {
        let said = here.run(args);
        assert_eq!(said.err, "", "{args}");
        assert!(said.out.is_empty() || args.contains("--json"), "{args}: {}", said.out);
    }
}

#[test]
fn data_go_out_and_words_go_beside() {
    let here = with_plane();
    let said = here.run("train plane.csv --epochs 2 --out run").with_code(0);
    assert!(said.err.starts_with("plane.csv: 80 rows to train on, 20 held out, 2 features → `y`\n"), "{}", said.err);
    assert!(said.err.contains("\nepoch     1  loss ") && !said.out.contains("epoch     1"), "{said:?}");
    assert!(!said.out.is_empty());
    let said = here.run("predict run plane.csv").with_code(0);
    assert_eq!((said.out.lines().next(), said.out.lines().count(), said.err.as_str()), (Some("prediction"), 101, ""));
    let said = here.run("data make --rows 20 --features 2").with_code(0);
    assert_eq!((said.out.lines().next(), said.out.lines().count()), (Some("x1,x2,target"), 21));
    assert!(said.err.starts_with("made 20 rows × 2 features"), "{}", said.err);
}

#[test]
fn no_escape_codes_where_no_terminal_is() {
    let here = with_plane();
    here.run("train plane.csv --epochs 2 --out run --quiet").with_code(0);
    for args in [
        "compare plane.csv --epochs 2",
        "compare plane.csv --map --epochs 2",
        "train plane.csv --epochs 2",
        "evaluate run plane.csv",
        "data list",
        "data show plane.csv",
        "train plane.csv --lr x",
        "--help",
    ] {
        for (name, value) in [("TERM", "xterm-256color"), ("NO_COLOR", "1")] {
            let said = Said::of(here.command(args).env(name, value).output().unwrap());
            assert!(!said.out.contains('\x1b') && !said.err.contains('\x1b'), "{args}: {said:?}");
            assert!(!said.err.contains('\r'), "{args}: {said:?}");
        }
    }
}

#[test]
fn words_for_a_missing_value_may_begin_with_a_hyphen() {
    let here = Workplace::new();
    here.write("t.csv", "a,b,y\n1,-999,0\n-,2,1\n3,4,0\n5,-999,1\n");
    let said = here.run("data show t.csv --missing -999,-").with_code(0);
    for notice in ["column `a` misses 1 training value", "column `b` misses 2 training values"] {
        assert!(said.err.contains(notice), "{said:?}");
    }
}

#[test]
fn nines_that_may_stand_for_a_missing_value_are_told_with_the_flag_that_says_so() {
    let here = Workplace::new();
    here.write("t.csv", "a,y\n1,0.5\n-999,2\n3,-9999\n-999.0,1\n-2,-9999\n4,1.5\n");
    let said = here.run("data show t.csv --target y").with_code(0);
    for (column, value) in
        [("a", "-999 in 2 training rows and at most 4"), ("y", "-9999 in 2 training rows and at most 2")]
    {
        let notice = format!(
            "column `{column}` is {value} away from 0 in all others: if that stands for a missing value, put -999"
        );
        assert!(said.err.contains(&notice), "{said:?}");
    }
    assert!(said.err.contains("among the words of `--missing` (`NA,null` unless given), and leave such rows out by"));
    let said =
        here.run("data show t.csv --target y --missing NA,null,-999,-9999 --on-missing-target drop").with_code(0);
    assert!(said.err.contains("column `a` misses 2 training values") && !said.err.contains("stands for"), "{said:?}");
    // Pairs of names and numbers have no words for it.
    here.write("wide.svm", "0.5 1:1\n-9999 20:1\n1 300:2\n-9999 4000:2\n");
    here.write("full.svm", "0.5 1:1 2:1\n-9999 1:-999 2:2\n1 1:2 2:1\n-9999 1:-999 2:2\n");
    for table in ["wide.svm", "full.svm"] {
        let said = here.run(&format!("data show {table}")).with_code(0);
        assert!(!said.err.contains("stands for"), "{said:?}");
    }
}

#[test]
fn numbered_directories_do_not_overwrite_each_other() {
    let here = with_plane();
    here.run("train plane.csv --epochs 1 --quiet").with_code(0);
    here.run("train plane.csv --epochs 1 --quiet").with_code(0);
    assert!(here.path("runs/plane-1/run.json").exists() && here.path("runs/plane-2/run.json").exists());
}

#[test]
fn predictions_are_what_was_evaluated_whatever_the_order_of_the_columns() {
    let here = with_classes();
    here.run("train classes.csv --epochs 5 --out run --quiet").with_code(0);
    let said = here.run("predict run classes.csv --probabilities").with_code(0);
    let mut reader = csv::Reader::from_reader(said.out.as_bytes());
    assert_eq!(reader.headers().unwrap(), vec!["prediction", "probability_no", "probability_yes, surely"]);
    let answers: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    let table = String::from_utf8(here.read("classes.csv")).unwrap();
    let rows: Vec<csv::StringRecord> =
        csv::Reader::from_reader(table.as_bytes()).records().map(Result::unwrap).collect();
    assert_eq!(answers.len(), rows.len());
    let right = answers.iter().zip(&rows).filter(|(answer, row)| answer[0] == row[3]).count();
    let accuracy = here.run("evaluate run classes.csv --json").with_code(0).json()["accuracy"].as_f64().unwrap();
    assert!((accuracy - right as f64 / rows.len() as f64).abs() < 1e-12, "{accuracy}, {right} right");
    for answer in &answers {
        let [no, yes] = [1, 2].map(|column| answer[column].parse::<f64>().unwrap());
        assert!((no + yes - 1.0).abs() < 1e-6 && (&answer[0] == "no") == (no >= yes), "{answer:?}");
    }

    // Backwards, without the target, with a column more.
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(["more", "colour", "is new", "size"]).unwrap();
    for row in &rows {
        writer.write_record(["x", &row[2], &row[1], &row[0]]).unwrap();
    }
    here.write("backwards.csv", writer.into_inner().unwrap());
    let again = here.run("predict run/model.safetensors backwards.csv --probabilities").with_code(0);
    assert_eq!((again.out, again.err), (said.out, said.err));
}

/// A rare class among others, too close to be told apart without a fault.
fn with_rare_class() -> Workplace {
    let here = Workplace::new();
    let mut draws = Draws(3);
    let row = |row: u32| {
        let (shift, class) = if row.is_multiple_of(12) { (1.2, "rare, but there") } else { (0.0, "common") };
        // About normal: a sum of four.
        let mut feature = || shift + (0..4).map(|_| draws.next() - 0.5).sum::<f64>() * 1.7;
        format!("{},{},\"{class}\"\n", feature(), feature())
    };
    here.write("t.csv", format!("a,b,class\n{}", (0..1200).map(row).collect::<String>()));
    here
}

#[test]
fn a_rare_class_is_found_more_often_where_classes_weigh_the_same() {
    let here = with_rare_class();
    let recall = |run: &str| {
        let answers = here.run(&format!("predict {run} t.csv")).with_code(0).out;
        let found = answers.lines().skip(1).step_by(12).filter(|answer| answer.contains("rare")).count();
        found as f64 / 100.0
    };
    here.run("train t.csv --out plain --quiet").with_code(0);
    let said = here.run("train t.csv --class-weight balanced --out balanced").with_code(0);
    assert!(said.err.contains("\nnote: classes weigh: common 0.545, rare, but there 6\n"), "{}", said.err);
    let (plain, balanced) = (recall("plain"), recall("balanced"));
    assert!(plain < 0.4 && balanced > 0.7, "{plain}, then {balanced}");

    // The loss is weighted on both sides, the other metrics on none; evaluating rows weighs none.
    here.run("train t.csv --class-weight balanced --validation t.csv --out twice --quiet").with_code(0);
    let twice = here.json("twice/run.json");
    assert_eq!(twice["validation"], twice["train"]);
    let answers = here.run("predict twice t.csv --probabilities").with_code(0).out;
    let mut reader = csv::Reader::from_reader(answers.as_bytes());
    let losses = reader.records().enumerate().map(|(row, answer)| {
        let (column, weight) = if row.is_multiple_of(12) { (2, 6.0) } else { (1, 6.0 / 11.0) };
        -weight * answer.unwrap()[column].parse::<f64>().unwrap().ln()
    });
    let expected = losses.sum::<f64>() / 1200.0;
    let [loss, log_loss] = ["loss", "log_loss"].map(|metric| twice["train"][metric].as_f64().unwrap());
    assert!((loss - expected).abs() < 1e-6 && (log_loss - expected).abs() > 1e-3, "{loss}, {log_loss}, {expected}");
    let evaluated = here.run("evaluate twice t.csv --json").with_code(0).json();
    assert_eq!(
        (evaluated["loss"].as_f64(), evaluated["accuracy"].as_f64()),
        (Some(log_loss), twice["train"]["accuracy"].as_f64())
    );

    // By name, the same weights are the same run.
    let mut named = here.command("train t.csv --out named --quiet --class-weight");
    let named = Said::of(named.arg("rare, but there=11,common=1").output().unwrap()).with_code(0);
    assert_eq!(named.err, "");
    let loss = |run: &str| here.json(&format!("{run}/run.json"))["train"]["loss"].as_f64().unwrap();
    assert!((loss("named") - loss("balanced")).abs() < 1e-4, "{} and {}", loss("named"), loss("balanced"));
}

/// How a line begins that a training says when it is well on its way.
const FOURTH: &str = "epoch     4";

/// Starts a run and returns once it has said a line that begins so, with the words that are still to come.
fn started(here: &Workplace, args: &str, until: &str) -> (Child, impl Read) {
    let mut child = here.command(args).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut err = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    while !line.starts_with(until) {
        line.clear();
        assert!(err.read_line(&mut line).unwrap() > 0, "the run ended before it said `{until}`");
    }
    (child, err)
}

/// Sends Ctrl-C to a run that has said a line, and returns how it ended.
#[cfg(unix)]
fn interrupted(here: &Workplace, args: &str, until: &str) -> (Option<i32>, String) {
    let (mut child, mut err) = started(here, args, until);
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    let mut rest = String::new();
    err.read_to_string(&mut rest).unwrap();
    (child.wait().unwrap().code(), rest)
}

#[cfg(unix)]
#[test]
fn ctrl_c_leaves_a_run_that_goes_on_to_the_same_bits() {
    let here = Workplace::new();
    here.run("data make logistic --rows 4000 --features 12 --noise 0.2 --out t.csv").with_code(0);
    let flags = "t.csv --batch-size 4 --momentum 0.9 --epochs 200 --log-every 500 --class-weight 1=3";
    let (code, words) = interrupted(&here, &format!("train {flags} --out run"), FOURTH);
    assert_eq!(code, Some(1), "{words}");
    assert!(words.ends_with("go on with: downslope resume run\n"), "{words}");
    assert_eq!(reason(&here, "run"), "interrupted");
    assert!(!here.path("run/model.safetensors").exists());
    here.run("report run --quiet").with_code(0);

    let said = here.run("resume run").with_code(0);
    assert!(said.err.starts_with("going on after epoch "), "{}", said.err);
    here.run(&format!("train {flags} --out alone --quiet")).with_code(0);
    assert!(here.read("run/model.safetensors") == here.read("alone/model.safetensors"), "another model");
    let events = |run| here.events(run).into_iter().map(without_times).collect::<Vec<_>>();
    assert_eq!(events("run"), events("alone"));
    let record = |run: &str| without_times(here.json(&format!("{run}/run.json")));
    assert_eq!(record("run"), record("alone"));
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_a_comparison_too() {
    let here = Workplace::new();
    here.run("data make --rows 4000 --features 12 --out t.csv").with_code(0);
    let (code, words) = interrupted(&here, "compare t.csv --batch-sizes 2,1 --epochs 2000", FOURTH);
    assert_eq!(code, Some(1), "{words}");
    assert!(words.ends_with("interrupted: the methods did not do all their epochs\n"), "{words}");
    let map = "compare t.csv --map --batch-sizes 1 --epochs 20000 --report kept.json";
    let (code, words) = interrupted(&here, map, "1 row a step");
    assert_eq!(code, Some(1), "{words}");
    assert!(words.ends_with("interrupted: the map is not whole\n"), "{words}");
    assert!(here.json("kept.json")["columns"][0]["best"].is_null());
}

#[test]
fn a_run_has_one_writer() {
    let here = with_plane();
    let (mut child, _words) = started(&here, "train plane.csv --batch-size 1 --epochs 100000 --out run", FOURTH);
    let said = here.run("resume run");
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(
        (said.code, said.err.as_str()),
        (
            2,
            "error: run: expected a run at rest, found one that another process is writing\nhint: wait for it to end, or stop it\n"
        )
    );
}

#[cfg(unix)]
#[test]
fn a_link_stays_a_link() {
    let here = with_plane();
    here.run("train plane.csv --epochs 1 --out run --quiet").with_code(0);
    here.write("there.csv", "old");
    std::os::unix::fs::symlink("there.csv", here.path("here.csv")).unwrap();
    here.run("predict run plane.csv --out here.csv").with_code(0);
    assert!(std::fs::symlink_metadata(here.path("here.csv")).unwrap().is_symlink());
    assert!(here.read("there.csv").starts_with(b"prediction\n"));
}
