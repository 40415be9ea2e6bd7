//! Are features those that scikit-learn makes, or plain Python where it has none?
//!
//! `golden/columns.json` holds the numbers; `golden/columns.py` makes them and checks them.

#![allow(clippy::unwrap_used, reason = "all of this is tests")]

use std::path::Path;

use downslope::Table;
use downslope::data::{
    Column, ColumnKind, EncodeOptions, Features, Notice, Preprocessing, ReadOptions, Scale, Target, TaskKind, Values,
};
use serde_json::Value;

fn golden() -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../golden/columns.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn numbers(value: &Value) -> Vec<f64> {
    match value {
        Value::Array(values) => values.iter().flat_map(numbers).collect(),
        value => vec![value.as_f64().unwrap()],
    }
}

fn texts(value: &Value) -> Vec<&str> {
    value.as_array().unwrap().iter().map(|text| text.as_str().unwrap()).collect()
}

/// The columns with a target behind them.
fn table(mut columns: Vec<Column>) -> Table {
    let n_rows = columns[0].values.len();
    columns.push(Column::numbers("y", (0..n_rows).map(|row| row as f64).collect()));
    Table::from_columns("rows", columns).unwrap()
}

fn numeric(golden: &Value) -> Table {
    let of =
        |column: usize| golden["numbers"].as_array().unwrap().iter().map(|row| row[column].as_f64().unwrap()).collect();
    table(vec![Column::numbers("a", of(0)), Column::numbers("b", of(1))])
}

fn features(table: &Table, options: &EncodeOptions) -> (Preprocessing, Features, Vec<Notice>) {
    let target = Target { name: "y".to_owned(), task: TaskKind::Regression, classes: Vec::new() };
    let (preprocessing, notices) = Preprocessing::learn(table, &target, &table.rows(), options).unwrap();
    let (features, seen) = preprocessing.features(table, &table.rows()).unwrap();
    assert_eq!(seen, [], "nothing is new in the rows that were learned from");
    (preprocessing, features, notices)
}

fn assert_rows(features: &Features, expected: &Value) {
    let Features::Dense(matrix) = features else { panic!("dense") };
    let expected = numbers(expected);
    assert_eq!(matrix.values().len(), expected.len());
    for (&found, expected) in matrix.values().iter().zip(expected) {
        assert!((f64::from(found) - expected).abs() < 1e-6 * expected.abs().max(1.0), "{found} and {expected}");
    }
}

#[test]
fn numbers_are_scaled_as_scikit_learn_scales_them() {
    let golden = golden();
    let of = |scale| features(&numeric(&golden), &EncodeOptions { scale, ..EncodeOptions::default() }).1;
    assert_rows(&of(Scale::Standard), &golden["standard"]);
    assert_rows(&of(Scale::MaxAbs), &golden["max_abs"]);
    assert_rows(&of(Scale::None), &golden["numbers"]);
}

#[test]
fn powers_of_standardised_numbers_are_standardised_again() {
    let golden = golden();
    let options = EncodeOptions { polynomial: 4, ..EncodeOptions::default() };
    let (preprocessing, features, _) = features(&numeric(&golden), &options);
    assert_eq!(preprocessing.feature_names(), ["a", "a^2", "a^3", "a^4", "b", "b^2", "b^3", "b^4"]);
    assert_rows(&features, &golden["powers"]);
}

#[test]
fn a_product_is_that_of_the_standardised_numbers() {
    let golden = golden();
    let cross = vec![("a".to_owned(), "b".to_owned())];
    let drop = vec!["a".to_owned(), "b".to_owned()];
    let options = EncodeOptions { cross, drop, ..EncodeOptions::default() };
    let (preprocessing, features, _) = features(&numeric(&golden), &options);
    assert_eq!(preprocessing.feature_names(), ["a*b"]);
    assert_rows(&features, &golden["product"]);
}

#[test]
fn words_and_pairs_of_words_are_those_of_scikit_learn_and_hashed_as_documented() {
    let golden = golden();
    let column =
        Column { name: "t".to_owned(), values: Values::categories(texts(&golden["texts"]).into_iter().map(Some)) };
    let options = EncodeOptions {
        kinds: vec![("t".to_owned(), ColumnKind::Text)],
        hash_bits: golden["bits"].as_u64().unwrap() as u32,
        ..EncodeOptions::default()
    };
    let (preprocessing, features, notices) = features(&table(vec![column]), &options);
    assert_eq!(
        notices.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["column `t` is free text, 8 different texts: words and pairs of words are hashed into 2^12 features; \
          `--drop t` leaves it out"]
    );
    assert_eq!((preprocessing.n_features(), preprocessing.inputs()[0].feature_name(7)), (4096, "t#7".to_owned()));
    let Features::Sparse(csr) = &features else { panic!("sparse") };
    for (row, expected) in golden["words"].as_array().unwrap().iter().enumerate() {
        let (columns, values) = csr.row(row);
        let expected: Vec<(u64, f64)> = expected
            .as_array()
            .unwrap()
            .iter()
            .map(|pair| (pair[0].as_u64().unwrap(), pair[1].as_f64().unwrap()))
            .collect();
        assert_eq!(
            columns.iter().map(|&c| u64::from(c)).collect::<Vec<_>>(),
            expected.iter().map(|p| p.0).collect::<Vec<_>>()
        );
        for (&found, (_, expected)) in values.iter().zip(expected) {
            assert!((f64::from(found) - expected).abs() < 1e-7, "{found} and {expected}");
        }
    }
}

#[test]
fn times_are_elapsed_days_and_rounds_of_the_calendar() {
    let golden = golden();
    let rows: Vec<String> =
        texts(&golden["times"]).iter().enumerate().map(|(row, time)| format!("{time},{row}.5")).collect();
    let kinds = vec![("when".to_owned(), ColumnKind::Time)];
    let text = format!("when,y\n{}\n", rows.join("\n"));
    let table = Table::from_csv("t.csv", text.as_bytes(), &ReadOptions { kinds, ..ReadOptions::default() }).unwrap();
    let (preprocessing, features, _) = features(&table, &EncodeOptions::default());
    let names = preprocessing.feature_names();
    assert_eq!(names[..5], ["when elapsed", "when year sin", "when year cos", "when day sin", "when day cos"]);
    let Features::Dense(matrix) = &features else { panic!("dense") };
    for (row, expected) in golden["calendar"].as_array().unwrap().iter().enumerate() {
        let (expected, found) = (numbers(expected), matrix.row(row));
        for (&found, expected) in found[..5].iter().zip(&expected) {
            assert!((f64::from(found) - expected).abs() < 1e-6, "row {row}: {found} and {expected}");
        }
        let of_days = &names[5..];
        let day = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"][expected[5] as usize];
        let expected: Vec<f32> =
            of_days.iter().map(|name| f32::from(u8::from(*name == format!("when {day}")))).collect();
        assert_eq!(found[5..], expected, "row {row}, {day}");
    }
}
