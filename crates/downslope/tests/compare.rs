//! Methods are compared from the same start, after equal steps and equal epochs, the same in every repetition.
#![allow(clippy::unwrap_used, reason = "a comparison that cannot run is a failed test")]

use downslope::Table;
use downslope::compare::{Comparison, compare};
use downslope::loader::BatchSize;
use downslope::run::{Experiment, LearningRate, Settings};
use downslope::stop::StopReason;

fn compared(settings: &Settings, batch_sizes: &[&str]) -> Comparison {
    let table = Table::read("@diabetes", &settings.read_options()).unwrap();
    let batch_sizes: Vec<BatchSize> = batch_sizes.iter().map(|size| size.parse().unwrap()).collect();
    compare(&Experiment::prepare(&table, settings).unwrap(), &batch_sizes, &mut []).unwrap()
}

#[test]
fn all_methods_start_at_the_same_loss_and_take_the_steps_their_batches_make() {
    let comparison = compared(&Settings::default(), &["full", "32", "1"]);
    let names: Vec<&str> = comparison.methods.iter().map(|method| method.name.as_str()).collect();
    assert_eq!(names, ["batch", "mini-batch", "stochastic"]);
    assert_eq!(comparison.methods.iter().map(|m| m.steps_per_epoch).collect::<Vec<_>>(), [1, 12, 354]);
    for method in &comparison.methods {
        assert_eq!(method.curve[0].loss.to_bits(), comparison.initial_loss.to_bits());
        assert_eq!(method.steps, 30 * method.steps_per_epoch);
        assert!(method.loss_at_equal_steps.is_some() && method.loss_at_equal_epochs.is_some());
    }
    assert_eq!(comparison.equal_steps, 30);
    let noise: Vec<f64> = comparison.methods.iter().map(|method| method.gradient_noise).collect();
    assert!(noise[0] == 0.0 && 0.0 < noise[1] && noise[1] < noise[2], "{noise:?}");
    // One row against 32: √(32·353/(354 − 32)) = 5.92 times the noise, measured on eleven batches.
    assert!((noise[2] / noise[1] - 5.92).abs() < 1.5, "{noise:?}");
}

#[test]
fn methods_that_stop_at_different_epochs_are_compared_after_those_all_did() {
    let settings = Settings { patience: Some(1), epochs: 200, ..Settings::default() };
    let comparison = compared(&settings, &["full", "32", "1"]);
    let epochs: Vec<u64> = comparison.methods.iter().map(|method| method.epochs).collect();
    assert!(epochs.iter().any(|&other| other != epochs[0]), "{epochs:?}");
    assert_eq!(comparison.equal_epochs, *epochs.iter().min().unwrap());
    for method in &comparison.methods {
        let step = comparison.equal_epochs * method.steps_per_epoch;
        let there = method.curve.iter().find(|point| point.step == step).unwrap();
        assert_eq!(method.loss_at_equal_epochs, Some(there.loss));
    }
}

#[test]
fn a_method_that_diverged_wins_nothing_and_says_why() {
    let settings = Settings { lr: LearningRate::Fixed(0.5), ..Settings::default() };
    let comparison = compared(&settings, &["full", "1"]);
    for method in &comparison.methods {
        assert_eq!(method.reason, StopReason::Diverged, "{}", method.name);
        assert_eq!(method.findings[0].slug, "learning-rate-too-high");
    }
    assert!(comparison.winners.equal_epochs.is_none() && !comparison.succeeded());
}
