use downslope::data::TaskKind;
use downslope::loss::Loss;
use downslope::map::{Best, Cell, Column, MapTime};
use downslope::run::{DataSummary, Machine, Settings};

use super::*;
use crate::snapshot::{assert_as_kept, assert_fits, assert_well_formed};
use crate::terminal::Glyphs;

const ROWS: usize = 1000;

/// A column whose losses have their lowest at a power of two of the rate, and that diverges from another on.
fn column(batch_size: usize, best: i32, border: i32, predicted: f64) -> Column {
    let cells = (-8..3).map(|power| {
        let loss = (power < border).then(|| 0.2 + 0.004 * f64::from(power - best).abs().powi(3).min(180.0));
        let reason = if loss.is_some() { StopReason::Epochs } else { StopReason::Diverged };
        let steps = 10 * ROWS.div_ceil(batch_size) as u64;
        Cell { lr: f64::from(power).exp2(), loss, steps: if loss.is_some() { steps } else { 3 }, reason }
    });
    let lr = f64::from(best).exp2();
    Column {
        batch_size,
        steps: 10 * ROWS.div_ceil(batch_size) as u64,
        predicted_limit: predicted,
        measured_border: (-8 < border && border < 3).then(|| (f64::from(border) - 0.5).exp2()),
        auto_lr: predicted / 2.0,
        best: (best < border).then_some(Best { lr, loss: 0.2 }),
        cells: cells.collect(),
    }
}

fn map() -> LearningRateMap {
    let columns = vec![
        column(1, -7, -3, 0.02),
        column(4, -5, -1, 0.07),
        column(16, -3, 0, 0.3),
        column(64, -1, 1, 0.7),
        column(256, 0, 1, 1.1),
        column(ROWS, 0, 1, 1.4),
    ];
    LearningRateMap {
        downslope: "0.1.0".to_owned(),
        settings: Settings { epochs: 10, ..Settings::default() },
        data: DataSummary {
            source: "@diabetes".to_owned(),
            fingerprint: "0123456789abcdef".to_owned(),
            validation_fingerprint: None,
            n_rows: ROWS,
            n_train: ROWS,
            n_validation: 0,
            n_features: 10,
            target: "target".to_owned(),
            task: TaskKind::Regression,
            classes: Vec::new(),
            model: "linear regression".to_owned(),
            n_parameters: 11,
            loss: Loss::Squared,
        },
        machine: Machine { os: "linux".to_owned(), arch: "x86_64".to_owned(), cores: 2 },
        seed: 0,
        rows_per_run: 10 * ROWS as u64,
        is_shortened: false,
        initial_loss: 1.0,
        lambda_max: 1.41,
        largest_row_curvature: 100.0,
        rates: (-8..3).map(|power| f64::from(power).exp2()).collect(),
        columns,
        ridge_slope: Some(1.0),
        time: MapTime { seconds: 0.5 },
    }
}

/// No border within the map, on a part of the rows, beside hidden layers.
fn without_border() -> LearningRateMap {
    let mut map = map();
    map.data.loss = Loss::CrossEntropy;
    map.settings.hidden = vec![64];
    map.columns = vec![column(1, -2, 3, 0.02), column(64, 2, 3, 0.5)];
    (map.ridge_slope, map.rows_per_run, map.is_shortened) = (None, 256, true);
    map
}

fn all_diverged() -> LearningRateMap {
    let mut map = map();
    map.data.loss = Loss::Logistic;
    map.columns = vec![column(16, 0, -9, 0.3)];
    map.ridge_slope = None;
    map
}

fn interrupted() -> LearningRateMap {
    let mut map = map();
    map.columns.truncate(2);
    let cells = &mut map.columns[1].cells;
    cells.truncate(4);
    (cells[3].reason, cells[3].loss) = (StopReason::Interrupted, None);
    (map.columns[1].measured_border, map.columns[1].best, map.ridge_slope) = (None, None, None);
    map
}

fn nothing_yet() -> LearningRateMap {
    LearningRateMap { columns: Vec::new(), ridge_slope: None, ..map() }
}

fn all() -> Vec<(&'static str, LearningRateMap)> {
    vec![
        ("whole", map()),
        ("without-border", without_border()),
        ("all-diverged", all_diverged()),
        ("interrupted", interrupted()),
        ("nothing-yet", nothing_yet()),
    ]
}

fn canvas(width: usize) -> Canvas {
    Canvas { width, ..Canvas::default() }
}

#[test]
fn the_whole_text_is_as_it_was_read_at_80_columns() {
    for (name, map) in all() {
        let text = to_text(&map, canvas(80));
        assert_fits(&text, 80);
        assert_as_kept(&format!("map-{name}"), &text);
    }
}

#[test]
fn narrow_and_plain_terminals_get_the_same_in_their_width() {
    for (name, map) in all() {
        for width in [120, 60, 40] {
            assert_fits(&to_text(&map, canvas(width)), width);
            let text = to_text(&map, Canvas { glyphs: Glyphs::Ascii, ..canvas(width) });
            assert_fits(&text, width);
            assert!(text.is_ascii(), "{name}: {:?}", text.chars().filter(|c| !c.is_ascii()).collect::<String>());
        }
    }
}

#[test]
fn every_page_and_picture_is_well_formed() {
    for (name, map) in all() {
        assert_well_formed(&to_page(&map));
        roxmltree::Document::parse(&to_svg(&map)).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
    assert!(to_png(&map()).unwrap().starts_with(b"\x89PNG"));
}

#[test]
fn the_runs_are_given_away_with_every_digit() {
    let csv = to_csv(&map());
    assert!(csv.starts_with("batch_size,lr,steps,diverged,loss\r\n1,0.00390625,10000,false,0.204"), "{csv}");
    assert!(csv.contains("\r\n1,0.125,3,true,NaN\r\n"), "{csv}");
    assert_eq!(csv.lines().count(), 1 + 6 * 11);
}

#[test]
fn the_command_that_repeats_a_map_says_its_epochs_unless_the_map_chose_them() {
    let again = |map: &LearningRateMap| verdict::again(map);
    assert_eq!(again(&map()), "downslope compare @diabetes --map --batch-sizes 1,4,16,64,256,full --epochs 10");
    assert_eq!(again(&without_border()), "downslope compare @diabetes --map --batch-sizes 1,64 --hidden 64");
}
