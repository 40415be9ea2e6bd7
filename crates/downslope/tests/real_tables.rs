//! Do tables that people use come out as they are known to be?
//!
//! The files stand beside the project, in `shared/data`; where they are missing, each test says so and passes.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "all of this is tests")]

use std::path::PathBuf;

use downslope::data::{
    Dataset, EncodeOptions, Features, MISSING, Preprocessing, ReadOptions, Table, Target, TaskKind, Values, hold_out,
};

fn read(name: &str) -> Option<Table> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data").join(name);
    if !path.exists() {
        println!("skipped: {} is missing", path.display());
        return None;
    }
    Some(Table::read(&path.to_string_lossy(), &ReadOptions::default()).unwrap())
}

fn n_missing(table: &Table, name: &str) -> usize {
    let values = &table.column(name).unwrap().values;
    (0..table.n_rows()).filter(|&row| values.is_missing(row)).count()
}

/// All rows, learned from and encoded, standardised.
fn encode(table: &Table, target: &str, drop: &[&str]) -> (Preprocessing, Dataset) {
    let (target, _) = Target::choose(table, Some(target), None).unwrap();
    let rows = table.rows();
    let drop = drop.iter().map(|&name| name.to_owned()).collect();
    let options = EncodeOptions { drop, ..EncodeOptions::default() };
    let (preprocessing, _) = Preprocessing::learn(table, &target, &rows, &options).unwrap();
    let (dataset, notices) = preprocessing.dataset(table, &rows).unwrap();
    assert_eq!(notices, [], "nothing is new in the rows that were learned from");
    (preprocessing, dataset)
}

/// Mean and standard deviation of a feature.
fn moments(preprocessing: &Preprocessing, dataset: &Dataset, feature: &str) -> (f64, f64) {
    let index = preprocessing.feature_names().iter().position(|name| name == feature).unwrap();
    let Features::Dense(matrix) = &dataset.features else { panic!("dense") };
    let n = matrix.n_rows() as f64;
    let values = || (0..matrix.n_rows()).map(|row| f64::from(matrix.row(row)[index]));
    let mean = values().sum::<f64>() / n;
    (mean, (values().map(|value| (value - mean).powi(2)).sum::<f64>() / n).sqrt())
}

fn assert_standardised((mean, std): (f64, f64)) {
    assert!(mean.abs() < 1e-6 && (std - 1.0).abs() < 1e-6, "{mean} {std}");
}

#[test]
fn penguins_have_three_species_and_missing_values() {
    let Some(table) = read("penguins.csv") else { return };
    assert_eq!((table.n_rows(), table.columns().len()), (344, 7));
    assert_eq!((n_missing(&table, "bill_length_mm"), n_missing(&table, "sex")), (2, 11));
    let (preprocessing, dataset) = encode(&table, "species", &[]);
    assert_eq!(preprocessing.target().classes(), ["Adelie", "Chinstrap", "Gentoo"]);
    assert_eq!(
        preprocessing.feature_names(),
        [
            "island=Biscoe",
            "island=Dream",
            "island=Torgersen",
            "bill_length_mm",
            "bill_length_mm is missing",
            "bill_depth_mm",
            "bill_depth_mm is missing",
            "flipper_length_mm",
            "flipper_length_mm is missing",
            "body_mass_g",
            "body_mass_g is missing",
            "sex=FEMALE",
            "sex=MALE",
            "sex=(missing)",
        ]
    );
    assert_standardised(moments(&preprocessing, &dataset, "bill_length_mm"));
    let gentoos = dataset.targets.iter().filter(|&&class| (class - 2.0).abs() < 0.5).count();
    assert_eq!(gentoos, 124);
}

#[test]
fn diamonds_are_numbers_and_three_kinds_of_quality() {
    let Some(table) = read("diamonds.csv") else { return };
    assert_eq!((table.n_rows(), table.columns().len()), (53_940, 10));
    let (target, _) = Target::choose(&table, Some("price"), None).unwrap();
    assert_eq!(target.task, TaskKind::Regression);
    let (preprocessing, dataset) = encode(&table, "price", &[]);
    assert_eq!(preprocessing.n_features(), 6 + 5 + 7 + 8);
    assert_standardised(moments(&preprocessing, &dataset, "carat"));
    let mean_price = dataset.targets.iter().map(|&price| f64::from(price)).sum::<f64>() / 53_940.0;
    assert!((mean_price - 3_932.799_722).abs() < 1e-5, "{mean_price}");
    let (target, _) = Target::choose(&table, Some("cut"), None).unwrap();
    assert_eq!(target.classes, ["Fair", "Good", "Ideal", "Premium", "Very Good"]);
    let codes = target.strata(&table).unwrap().unwrap();
    let (train, validation) = hold_out(table.n_rows(), Some(&codes), 0.2, 0).unwrap();
    // Fair 1610, Good 4906, Ideal 21551, Premium 13791, Very Good 12082: a fifth of each.
    assert_eq!((train.len(), validation.len()), (53_940 - 10_787, 322 + 981 + 4310 + 2758 + 2416));
}

#[test]
fn titanic_has_booleans_and_many_missing_values() {
    let Some(table) = read("titanic.csv") else { return };
    assert_eq!(table.n_rows(), 891);
    assert_eq!((n_missing(&table, "age"), n_missing(&table, "deck"), n_missing(&table, "embarked")), (177, 688, 2));
    let Values::Boolean(alone) = &table.column("alone").unwrap().values else { panic!("booleans") };
    assert_eq!(alone.iter().filter(|&&code| code == 1).count(), 537);
    assert!(!alone.contains(&MISSING));
    let (preprocessing, dataset) = encode(&table, "survived", &["alive"]);
    assert_eq!(preprocessing.target().classes(), ["0", "1"]);
    assert!((dataset.targets.iter().sum::<f32>() - 342.0).abs() < 0.5);
    assert!((moments(&preprocessing, &dataset, "age is missing").0 - 177.0 / 891.0).abs() < 1e-9);
    assert_standardised(moments(&preprocessing, &dataset, "age"));
}

#[test]
fn california_housing_has_207_missing_bedrooms() {
    let Some(table) = read("california_housing.csv") else { return };
    assert_eq!((table.n_rows(), n_missing(&table, "total_bedrooms")), (20_640, 207));
    let (preprocessing, dataset) = encode(&table, "median_house_value", &[]);
    assert_eq!(preprocessing.n_features(), 8 + 1 + 5);
    assert_standardised(moments(&preprocessing, &dataset, "total_bedrooms"));
    assert_standardised(moments(&preprocessing, &dataset, "longitude"));
}
