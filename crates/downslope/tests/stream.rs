//! Rows that are streamed are learned from as rows in memory are.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so and ends")]

use std::fmt::Write;
use std::path::Path;

use downslope::data::{Generator, GeneratorKind, Notice, OnMissingTarget};
use downslope::memory::Bytes;
use downslope::run::{
    BatchSetting, ClassWeight, Experiment, LearningRate, Settings, Stream, Streaming, Trained, Validation,
};
use downslope::{ErrorKind, Table};

/// A file of text.
fn file(folder: &Path, name: &str, text: &str) -> String {
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    path.to_string_lossy().into_owned()
}

/// Sixteen thousand rows in which most kinds of column are, some with missing values; the class follows from them.
fn mixed(n_rows: usize) -> String {
    let mut text = "size,wet,cut,when,weight,label\n".to_owned();
    let mut number = 12_345_u64;
    let mut draw = |bound: u64| {
        number = number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (number >> 33) % bound
    };
    for _ in 0..n_rows {
        let (size, wet, cut, day, noise) = (draw(1000), draw(2), draw(4), draw(28), draw(300));
        let score = size as f64 / 250.0 + wet as f64 - cut as f64 + noise as f64 / 100.0;
        let missing = draw(20) == 0;
        let size = if missing { String::new() } else { format!("{size}.5") };
        let cut = ["fair", "good", "ideal", "poor"][cut as usize];
        let label = if score > 3.5 { "yes" } else { "no" };
        writeln!(text, "{size},{},{cut},2024-01-{:02},{},{label}", wet == 1, day + 1, 1 + draw(3)).unwrap();
    }
    text
}

fn settings(when: Stream) -> Settings {
    Settings {
        epochs: 5,
        lr: LearningRate::Fixed(0.1),
        streaming: Streaming { when, shuffle_buffer: Some(2048), ..Streaming::default() },
        ..Settings::default()
    }
}

fn trained(source: &str, settings: &Settings) -> (Experiment, Trained) {
    let experiment = Experiment::open(source, settings).unwrap();
    let trained = experiment.train(&mut []).unwrap();
    (experiment, trained)
}

#[test]
fn a_streamed_table_teaches_what_a_table_in_memory_does() {
    let folder = tempfile::tempdir().unwrap();
    let source = file(folder.path(), "mixed.csv", &mixed(16_000));
    for class_weight in [ClassWeight::None, ClassWeight::Balanced] {
        let with = |when| Settings { class_weight: class_weight.clone(), ..settings(when) };
        let (in_memory, expected) = trained(&source, &with(Stream::Never));
        let (streamed, found) = trained(&source, &with(Stream::Always));
        assert!(streamed.is_streamed() && !in_memory.is_streamed());
        let (before, after) = (in_memory.summary(), streamed.summary());
        assert_eq!((before.n_rows, &before.classes, &before.model), (after.n_rows, &after.classes, &after.model));
        assert_eq!(after.n_train + after.n_validation, 16_000);
        let share = after.n_validation as f64 / 16_000.0;
        assert!((share - 0.2).abs() < 0.02, "{share}");
        assert_eq!(in_memory.preprocessing().feature_names(), streamed.preprocessing().feature_names());
        let (expected, found) = (expected.validation.unwrap(), found.validation.unwrap());
        assert!((expected.loss - found.loss).abs() < 0.02, "{expected:?} {found:?}");
        assert!(found.accuracy.unwrap() > 0.8, "{found:?}");
    }
}

#[test]
fn all_rows_in_the_buffer_and_in_the_same_order_give_the_same_bits() {
    let folder = tempfile::tempdir().unwrap();
    let source = file(folder.path(), "mixed.csv", &mixed(3000));
    for batch_size in ["1", "32", "full"] {
        let with = |when| Settings {
            batch_size: batch_size.parse::<BatchSetting>().unwrap(),
            validation: Validation::None,
            shuffle: false,
            streaming: Streaming { when, shuffle_buffer: Some(1 << 20), ..Streaming::default() },
            ..settings(when)
        };
        let (_, expected) = trained(&source, &with(Stream::Never));
        let (_, found) = trained(&source, &with(Stream::Always));
        assert_eq!(expected.model.theta, found.model.theta, "{batch_size}");
        assert_eq!(expected.train.accuracy, found.train.accuracy);
    }
}

#[test]
fn neither_threads_nor_parts_of_the_file_change_a_bit() {
    let folder = tempfile::tempdir().unwrap();
    let source = file(folder.path(), "mixed.csv", &mixed(20_000));
    let with = |threads| Settings { threads: Some(threads), ..settings(Stream::Always) };
    let (one, expected) = trained(&source, &with(1));
    let (three, found) = trained(&source, &with(3));
    assert_eq!(one.summary().fingerprint, three.summary().fingerprint);
    assert_eq!(expected.model.theta, found.model.theta);
}

#[test]
fn what_the_first_rows_promise_and_later_ones_break_is_seen_before_the_second_pass() {
    let folder = tempfile::tempdir().unwrap();
    // Four megabytes of numbers and booleans, then texts.
    let mut text = "a,b,label\n".to_owned();
    (0..500_000).for_each(|row| writeln!(text, "{},true,{}", row % 7, row % 2).unwrap());
    (0..600_000).for_each(|row| writeln!(text, "{},false,{}", ["x", "y"][row % 2], row % 2).unwrap());
    let source = file(folder.path(), "late.csv", &text);
    let (experiment, _) = trained(&source, &Settings { epochs: 1, ..settings(Stream::Always) });
    let names = experiment.preprocessing().feature_names();
    assert_eq!(names, ["a=0", "a=1", "a=2", "a=3", "a=4", "a=5", "a=6", "a=x", "a=y", "b"]);
    text.push_str("1,maybe,0\n7,true\n");
    let source = file(folder.path(), "late.csv", &text);
    let error = Experiment::open(&source, &settings(Stream::Always)).err().unwrap().to_string();
    assert!(error.ends_with("late.csv:1100003: expected 3 fields as in the header, found 2"), "{error}");
}

#[test]
fn rows_are_streamed_where_they_would_not_fit() {
    let folder = tempfile::tempdir().unwrap();
    let source = file(folder.path(), "mixed.csv", &mixed(10_000));
    let with = |memory| Settings {
        streaming: Streaming { memory: Some(Bytes(memory)), ..Streaming::default() },
        ..settings(Stream::Auto)
    };
    assert!(!Experiment::open(&source, &with(1 << 30)).unwrap().is_streamed());
    let experiment = Experiment::open(&source, &with(1 << 18)).unwrap();
    assert!(experiment.is_streamed());
    let told = experiment.notices().iter().map(ToString::to_string).find(|words| words.contains("streamed")).unwrap();
    assert!(told.starts_with("rows are streamed, within 256KiB of memory: "), "{told}");
    // What was decided is written down, so that a run goes on as it began.
    assert_eq!(experiment.settings().streaming.when, Stream::Always);
}

#[test]
fn a_folder_that_cannot_keep_rows_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let source = file(folder.path(), "mixed.csv", &mixed(1000));
    let cache = Some(folder.path().join("nowhere"));
    let streaming = Streaming { when: Stream::Always, cache, ..Streaming::default() };
    let error = Experiment::open(&source, &Settings { streaming, ..Settings::default() }).err().unwrap();
    assert!(matches!(error.kind(), ErrorKind::Io { .. }), "{error}");
    assert!(error.to_string().contains("nowhere"), "{error}");
}

/// Rows sorted by their target are the worst order there is. A buffer of a sixteenth of them, from random blocks, comes
/// as far in three epochs as a full shuffle.
#[test]
fn a_buffer_of_random_blocks_does_what_a_full_shuffle_does() {
    let folder = tempfile::tempdir().unwrap();
    let kind = GeneratorKind::Logistic;
    let made = Generator { kind, n_rows: 32_000, n_features: 8, condition_number: 10.0, noise: 0.1, seed: 5 };
    let mut csv = Vec::new();
    made.generate().unwrap().table.write_csv(&mut csv).unwrap();
    let csv = String::from_utf8(csv).unwrap();
    let mut lines: Vec<&str> = csv.lines().collect();
    let header = lines.remove(0);
    lines.sort_by_key(|line| line.chars().next_back());
    let source = file(folder.path(), "sorted.csv", &format!("{header}\n{}\n", lines.join("\n")));
    let loss = |shuffle, seed, when| {
        let lr = LearningRate::Fixed(0.05);
        let validation = Validation::None;
        let settings = Settings { epochs: 3, shuffle, seed, lr, validation, ..settings(when) };
        trained(&source, &settings).1.train.loss
    };
    let mean = |shuffle, when| (0..5).map(|seed| loss(shuffle, seed, when)).sum::<f64>() / 5.0;
    let (full, buffered, none) = (mean(true, Stream::Never), mean(true, Stream::Always), mean(false, Stream::Never));
    assert!(none > 1.2 * full, "an order that hurts: {none} against {full}");
    assert!(buffered < 1.01 * full, "{buffered} against {full}");
}

#[test]
fn a_table_without_rows_is_none() {
    let folder = tempfile::tempdir().unwrap();
    let source = file(folder.path(), "t.csv", "a,b\n");
    let open = || Experiment::open(&source, &settings(Stream::Always)).err().unwrap().to_string();
    let whole = Table::read(&source, &Settings::default().read_options()).unwrap_err().to_string();
    assert_eq!(open(), whole);
}

#[test]
fn several_files_are_streamed_as_one_table_whatever_each_holds_in_a_column() {
    let folder = tempfile::tempdir().unwrap();
    let rows = |of: &dyn Fn(usize) -> String| (0..40).map(of).collect::<Vec<_>>().join("\n");
    file(folder.path(), "p1.csv", &format!("a,b,y\n{}\n", rows(&|row| format!("{row},{},{}", row % 3, row % 2))));
    file(
        folder.path(),
        "p2.csv",
        &format!("a,b,y\n{}\n", rows(&|row| format!("{row},{},{}", ["u", "v"][row % 2], row % 2))),
    );
    let source = folder.path().join("p*.csv").to_string_lossy().into_owned();
    let with = |when| Settings { validation: Validation::None, ..settings(when) };
    let (in_memory, _) = trained(&source, &with(Stream::Never));
    let (streamed, _) = trained(&source, &with(Stream::Always));
    assert_eq!(in_memory.preprocessing().feature_names(), streamed.preprocessing().feature_names());
    assert_eq!((streamed.summary().n_rows, streamed.summary().n_train), (80, 80));
    file(folder.path(), "p3.csv", "a,c,y\n1,2,0\n");
    let error = |when| Experiment::open(&source, &with(when)).err().unwrap().to_string();
    assert_eq!(error(Stream::Always), error(Stream::Never));
}

#[test]
fn weights_of_any_size_weigh_alike_when_streamed() {
    let folder = tempfile::tempdir().unwrap();
    let text = |unit: &str| {
        let rows: Vec<String> =
            (0..200).map(|row| format!("{},{}{unit},{}", row % 7, 1 + row % 3, row % 7 * 2)).collect();
        format!("a,w,y\n{}\n", rows.join("\n"))
    };
    let theta = |unit: &str| {
        let source = file(folder.path(), "w.csv", &text(unit));
        let weight = Some("w".to_owned());
        let settings = Settings { weight, task: Some(downslope::TaskKind::Regression), ..settings(Stream::Always) };
        trained(&source, &settings).1.model.theta
    };
    let (usual, tiny, huge) = (theta(""), theta("e-50"), theta("e50"));
    for (a, b) in usual.iter().zip(tiny.iter().chain(&huge).cycle().take(usual.len())) {
        assert!((a - b).abs() < 1e-5, "{usual:?} {tiny:?} {huge:?}");
    }
}

#[test]
fn a_built_in_table_can_be_streamed_and_rows_held_out_count_for_the_fingerprint() {
    let (experiment, trained) = trained("@digits", &settings(Stream::Always));
    assert!(experiment.is_streamed() && trained.validation.unwrap().accuracy.unwrap() > 0.9);
    let folder = tempfile::tempdir().unwrap();
    let print = |text: &str| {
        let source = file(folder.path(), "t.csv", text);
        Experiment::open(&source, &settings(Stream::Always)).unwrap().summary().fingerprint.clone()
    };
    let text = mixed(60);
    let lines: Vec<&str> = text.lines().collect();
    for changed in 1..lines.len() {
        let line = lines[changed].replace("2024-01-", "2024-02-");
        let other = [&lines[..changed], &[&line], &lines[changed + 1..]].concat().join("\n");
        assert_ne!(print(&text), print(&other), "{line}");
    }
}

#[test]
fn a_validation_file_is_read_alike_beside_rows_streamed_and_in_memory() {
    let folder = tempfile::tempdir().unwrap();
    let source = file(folder.path(), "mixed.csv", &mixed(2000));
    let rows = mixed(300);
    let (header, below) = rows.split_once('\n').unwrap();
    let without_targets = |keep: usize| {
        let cut = below.lines().enumerate().map(|(row, line)| match line.rsplit_once(',') {
            Some((features, _)) if row >= keep => format!("{features},"),
            _ => line.to_owned(),
        });
        [header.to_owned()].into_iter().chain(cut).collect::<Vec<_>>().join("\n")
    };
    let some = file(folder.path(), "some.csv", &without_targets(200));
    let none = file(folder.path(), "none.csv", &without_targets(0));
    let settings = |path: &str, when| Settings {
        validation: Validation::File(path.to_owned()),
        on_missing_target: OnMissingTarget::Drop,
        weight: Some("weight".to_owned()),
        ..settings(when)
    };
    let rows_and_notices = |when| {
        let experiment = Experiment::open(&source, &settings(&some, when)).unwrap();
        let dropped = experiment.notices().iter().filter(|notice| matches!(notice, Notice::RowsWithoutTarget { .. }));
        let dropped: Vec<String> = dropped.map(ToString::to_string).collect();
        (experiment.summary().n_validation, dropped)
    };
    let in_memory = rows_and_notices(Stream::Never);
    assert_eq!(rows_and_notices(Stream::Always), in_memory);
    assert_eq!((in_memory.0, in_memory.1.len()), (200, 1), "{in_memory:?}");
    let refused = |when| Experiment::open(&source, &settings(&none, when)).map(|_| ()).unwrap_err().to_string();
    assert_eq!(refused(Stream::Always), refused(Stream::Never));
    assert!(refused(Stream::Always).contains("none.csv") && refused(Stream::Always).contains("`label`"));
}
