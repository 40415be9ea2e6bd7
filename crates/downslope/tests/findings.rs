//! Is the same found in a run that goes on, in its end, and in what was kept of it?

#![allow(clippy::unwrap_used, reason = "all of this is tests")]

use downslope::Table;
use downslope::data::Scale;
use downslope::diagnosis::{Case, Probes, examine};
use downslope::loader::BatchSize;
use downslope::run::{BatchSetting, Experiment, LearningRate, Record, RunDirectory, Settings};
use downslope::state::State;

/// Trains into a directory and gives what was kept there.
fn kept(settings: &Settings, table: &str, folder: &std::path::Path) -> RunDirectory {
    let table = Table::read(table, &settings.read_options()).unwrap();
    let experiment = Experiment::prepare(&table, settings).unwrap();
    let plan = experiment.plan().unwrap();
    let (trainer, lr_from) = (experiment.trainer_of(&plan), plan.lr_from);
    let record = Record::new(&experiment, plan, 7);
    let directory = RunDirectory::create(folder, &record).unwrap();
    let (mut state, mut recorder) = directory.go_on(experiment.start(), 7, None).unwrap();
    let trained = experiment.descend(&trainer, lr_from, &mut state, &mut [&mut recorder]).unwrap();
    recorder.finish().unwrap();
    directory.write_record(&record.ended(&trained)).unwrap();
    directory
}

#[test]
fn a_run_that_was_kept_is_judged_as_it_was() {
    let fixed = |lr: f64| Settings { lr: LearningRate::Fixed(lr), ..Settings::default() };
    let one = BatchSize::rows(1).unwrap();
    let hidden = || Settings { hidden: vec![32], ..Settings::default() };
    let runs = [
        ("@diabetes", fixed(5.0)),
        ("@diabetes", Settings { scale: Scale::None, ..fixed(0.01) }),
        ("@diabetes", Settings { scale: Scale::None, ..Settings::default() }),
        ("@diabetes", Settings { batch_size: BatchSetting::Fixed(one), ..fixed(0.02) }),
        ("@diabetes", Settings { batch_size: BatchSetting::Fixed(one), epochs: 60, ..fixed(0.008) }),
        ("@diabetes", Settings { batch_size: BatchSetting::Fixed(BatchSize::Full), epochs: 200, ..fixed(0.22) }),
        ("@diabetes", Settings { momentum: 0.9, ..Settings::default() }),
        ("@diabetes", Settings { schedule: "one-cycle:max-lr=3".parse().unwrap(), ..Settings::default() }),
        ("@breast-cancer", hidden()),
        ("@breast-cancer", Settings { patience: Some(3), ..hidden() }),
        (
            "@breast-cancer",
            Settings { batch_size: BatchSetting::Fixed(BatchSize::Full), epochs: 5, ..Settings::default() },
        ),
        // One that backs off from the rate it chose, as often as it must.
        ("@diabetes", Settings { seed: 4, hidden: vec![16], ..Settings::default() }),
        ("@digits", Settings { batch_size: BatchSetting::Auto, epochs: 5, ..Settings::default() }),
        ("@digits", fixed(0.0005)),
        (
            "@digits",
            Settings { scale: Scale::None, epochs: 10, ..Settings { lr: LearningRate::Fixed(0.1), ..hidden() } },
        ),
    ];
    let folder = tempfile::tempdir().unwrap();
    let mut found = Vec::new();
    for (index, (table, settings)) in runs.iter().enumerate() {
        let directory = kept(settings, table, &folder.path().join(index.to_string()));
        let saved = directory.saved().unwrap();
        let mut case = saved.case();
        assert!(case.subject.is_none());
        let again = serde_json::to_string_pretty(&examine(&mut case)).unwrap();
        assert_eq!(again, serde_json::to_string_pretty(&saved.record().findings).unwrap(), "{table}, {settings:?}");
        found.extend(saved.record().findings.iter().map(|finding| finding.slug.clone()));
    }
    found.sort();
    found.dedup();
    assert!(found.len() >= 8, "{found:?}");
}

#[test]
fn a_run_is_judged_alike_whoever_holds_it() {
    let settings = Settings { momentum: 0.9, ..Settings::default() };
    let table = Table::read("@diabetes", &settings.read_options()).unwrap();
    let experiment = Experiment::prepare(&table, &settings).unwrap();
    let trainer = experiment.trainer(BatchSize::rows(32).unwrap(), 0.007);
    let mut state = State::new(experiment.start().to_vec());
    let trained = experiment.descend(&trainer, None, &mut state, &mut []).unwrap();
    let mut case: Case<'_> = experiment.case(&trainer, &state, Some(trained.outcome.reason), Probes::default());
    (case.train, case.validation) = (Some(trained.train), trained.validation);
    assert_eq!(examine(&mut case), trained.findings);
    assert_eq!(case.probes, trained.probes);
}
