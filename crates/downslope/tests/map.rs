//! A map of rates and batch sizes has the border where theory puts it, and is the same in every repetition.
#![allow(clippy::unwrap_used, reason = "a map that cannot be made is a failed test")]

use downslope::map::{Grid, LearningRateMap, MapOptions, MapTime, check};
use downslope::observer::{Control, Observer};
use downslope::run::{Experiment, LearningRate, Settings};
use downslope::state::State;
use downslope::stop::StopReason;
use downslope::{Table, event::Event};

fn experiment(data: &str, settings: &Settings) -> Experiment {
    Experiment::prepare(&Table::read(data, &settings.read_options()).unwrap(), settings).unwrap()
}

fn mapped(data: &str, settings: &Settings, options: &MapOptions) -> LearningRateMap {
    let experiment = experiment(data, settings);
    Grid::new(&experiment, options).unwrap().map(&experiment, &mut []).unwrap()
}

/// The map without what the clock said and without the number of threads.
fn untimed(map: LearningRateMap) -> LearningRateMap {
    let settings = Settings { threads: None, ..map.settings.clone() };
    LearningRateMap { time: MapTime::default(), settings, ..map }
}

#[test]
fn on_a_quadratic_full_batches_diverge_at_the_limit_and_all_others_no_sooner_than_predicted() {
    for settings in [Settings::default(), Settings { momentum: 0.5, ..Settings::default() }] {
        // With momentum a few more epochs, so that what grows outgrows the first swings.
        let options =
            MapOptions { epochs: Some(if settings.momentum > 0.0 { 60 } else { 20 }), ..MapOptions::default() };
        let map = mapped("@diabetes", &settings, &options);
        let full = map.columns.last().unwrap();
        assert_eq!(full.batch_size, map.data.n_train);
        let limit = 2.0 * (1.0 + settings.momentum) / map.lambda_max;
        assert!((full.predicted_limit / limit - 1.0).abs() < 1e-9, "{} {limit}", full.predicted_limit);
        assert!((full.measured_border.unwrap() / limit).log2().abs() < 0.01, "{:?} {limit}", full.measured_border);
        for column in &map.columns {
            // √2: the border is measured between two rates.
            let border = column.measured_border.unwrap();
            assert!(border * 1.4143 > column.predicted_limit, "{} rows: {border}", column.batch_size);
            assert!(column.auto_lr < column.predicted_limit, "{} rows", column.batch_size);
        }
        let best: Vec<f64> = map.columns.iter().map(|column| column.best.unwrap().lr).collect();
        assert!(best.windows(2).all(|pair| pair[0] <= pair[1]), "{best:?}");
    }
}

#[test]
fn every_run_sees_the_same_rows() {
    let options = MapOptions { epochs: Some(3), ..MapOptions::default() };
    let map = mapped("@diabetes", &Settings::default(), &options);
    assert_eq!((map.rows_per_run, map.is_shortened), (3 * 354, false));
    let cells = || map.columns.iter().flat_map(|column| column.cells.iter().map(move |cell| (column, cell)));
    assert_eq!(cells().count(), map.columns.len() * map.rates.len());
    for (column, cell) in cells() {
        match cell.reason {
            StopReason::Epochs => assert_eq!(cell.steps, 3 * 354_u64.div_ceil(column.batch_size as u64)),
            reason => assert_eq!((reason, cell.loss), (StopReason::Diverged, None)),
        }
    }
}

#[test]
fn the_same_seed_gives_the_same_map_for_any_number_of_threads() {
    let options = MapOptions { epochs: Some(2), ..MapOptions::default() };
    let of = |threads| {
        let settings = Settings { threads: Some(threads), hidden: vec![8], ..Settings::default() };
        serde_json::to_string(&untimed(mapped("@digits", &settings, &options))).unwrap()
    };
    let first = of(1);
    assert_eq!(first, of(1));
    assert_eq!(first, of(3));
}

/// Asks to stop once so many runs have begun.
struct StopsAt(usize);

impl Observer for StopsAt {
    fn observe(&mut self, event: &Event<'_>, _: &State) -> Control {
        self.0 -= usize::from(matches!(event, Event::Started(_)));
        if self.0 == 0 { Control::Stop } else { Control::Continue }
    }
}

#[test]
fn a_map_that_is_stopped_keeps_the_runs_it_had() {
    let experiment = experiment("@diabetes", &Settings::default());
    let grid = Grid::new(&experiment, &MapOptions::default()).unwrap();
    let n_rates = grid.n_runs() as usize / 5;
    let map = grid.map(&experiment, &mut [&mut StopsAt(n_rates + 3)]).unwrap();
    assert!(!map.is_whole());
    assert_eq!(map.columns.iter().map(|column| column.cells.len()).collect::<Vec<_>>(), [n_rates, 3]);
    assert_eq!(map.columns[1].cells[2].loss, None);
}

#[test]
fn what_contradicts_a_map_is_told_together() {
    let settings = Settings {
        lr: LearningRate::Fixed(0.1),
        schedule: "one-cycle:max-lr=1".parse().unwrap(),
        seconds: Some(2.0),
        patience: Some(3),
        ..Settings::default()
    };
    assert_eq!(
        check(&settings).unwrap_err().to_string(),
        "`lr`: expected `auto` for a map, which tries many rates, found `0.1`; \
         `schedule`: expected no rate of its own for a map, which tries many rates, found `1`; \
         `seconds`: expected none for a map, whose runs all see the same rows, found `2`; \
         `patience`: expected none for a map, whose runs all see the same rows, found `3`"
    );
    assert!(check(&Settings { schedule: "cosine:t-max=3".parse().unwrap(), ..Settings::default() }).is_ok());
}
