//! How does a run end, and does it say so truly?

#![allow(clippy::unwrap_used, reason = "all of this is tests")]

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use downslope::clip::Clip;
use downslope::clock::Clock;
use downslope::data::{Dataset, Features, Matrix};
use downslope::event::Event;
use downslope::loader::{Batch, BatchSize, DataLoader, LastBatch, Order};
use downslope::loss::Loss;
use downslope::objective::{Gradient, LossSum, Objective};
use downslope::observer::{Control, Interrupt, Observer};
use downslope::schedule::Schedule;
use downslope::sgd::Sgd;
use downslope::state::State;
use downslope::stop::{Stop, StopReason};
use downslope::trainer::{OnDivergence, Trainer};
use support::{LOSSES, Path, bits, dense_table, objective};

fn loader(n_rows: usize, batch_size: &str) -> DataLoader {
    let batch_size: BatchSize = batch_size.parse().unwrap();
    DataLoader::new(n_rows, batch_size, Order::Shuffled { seed: 7 }, LastBatch::Keep)
}

fn run(trainer: &Trainer, objective: &mut dyn Objective, state: &mut State) -> StopReason {
    trainer.run(objective, None, state, &mut []).unwrap()
}

// Each way to end.

#[test]
fn all_epochs_done() {
    let data = dense_table(Loss::Squared, 100, 5, 1);
    let mut state = State::new(vec![0.0; 6]);
    let trainer = Trainer { loader: Some(loader(100, "32")), ..Trainer::new(Sgd::new(0.01), Stop::epochs(3)) };
    assert_eq!(run(&trainer, &mut objective(Loss::Squared, &[], &data), &mut state), StopReason::Epochs);
    assert_eq!((state.epoch, state.step, state.batch), (3, 12, 0));
}

#[test]
fn all_steps_done_in_the_middle_of_an_epoch() {
    let data = dense_table(Loss::Squared, 100, 5, 1);
    let mut state = State::new(vec![0.0; 6]);
    let stop = Stop { steps: Some(6), ..Stop::epochs(3) };
    let trainer = Trainer { loader: Some(loader(100, "32")), ..Trainer::new(Sgd::new(0.01), stop) };
    assert_eq!(run(&trainer, &mut objective(Loss::Squared, &[], &data), &mut state), StopReason::Steps);
    assert_eq!((state.epoch, state.step, state.batch), (1, 6, 2));
}

/// Whose every gradient takes a millisecond, and every look at all rows an hour.
struct Slow {
    nanoseconds: Arc<AtomicU64>,
    n_rows: usize,
}

impl Objective for Slow {
    fn n_parameters(&self) -> usize {
        1
    }

    fn n_rows(&self) -> usize {
        self.n_rows
    }

    fn loss_and_gradient(&mut self, theta: &[f32], batch: Batch<'_>, gradient: &mut Gradient) -> LossSum {
        self.nanoseconds.fetch_add(1_000_000, Ordering::Relaxed);
        gradient.values_mut()[0] += 2.0 * (theta[0] - 1.0) * batch.len() as f32;
        LossSum::new(f64::from(theta[0] - 1.0).powi(2) * batch.len() as f64, batch.len())
    }

    fn loss(&mut self, theta: &[f32], batch: Batch<'_>) -> LossSum {
        self.nanoseconds.fetch_add(3_600_000_000_000, Ordering::Relaxed);
        LossSum::new(f64::from(theta[0] - 1.0).powi(2) * batch.len() as f64, batch.len())
    }
}

#[test]
fn time_is_up_and_only_steps_have_used_it() {
    for (n_rows, epochs_done) in [(1_000_000, 0), (10, 5)] {
        let nanoseconds: Arc<AtomicU64> = Arc::default();
        let limit = Duration::from_millis(50);
        let trainer = Trainer {
            loader: Some(loader(n_rows, "1")),
            clock: Clock::manual(nanoseconds.clone()),
            ..Trainer::new(Sgd::new(0.1), Stop { time: Some(limit), ..Stop::default() })
        };
        let mut state = State::new(vec![0.0]);
        assert_eq!(run(&trainer, &mut Slow { nanoseconds, n_rows }, &mut state), StopReason::Seconds);
        assert_eq!(state.epoch, epochs_done);
        assert!(state.training_time >= limit && state.training_time < limit + Duration::from_millis(5));
        assert_eq!(state.training_time, Duration::from_millis(state.step));
    }
}

#[test]
fn the_target_is_reached_and_not_passed() {
    let data = dense_table(Loss::Squared, 100, 5, 1);
    let mut free = State::new(vec![0.0; 6]);
    let trainer = |stop| Trainer { loader: Some(loader(100, "32")), ..Trainer::new(Sgd::new(0.01), stop) };
    run(&trainer(Stop::epochs(20)), &mut objective(Loss::Squared, &[], &data), &mut free);
    let target = free.train_losses[7];
    let mut state = State::new(vec![0.0; 6]);
    let stop = Stop { target: Some(target), ..Stop::epochs(20) };
    assert_eq!(run(&trainer(stop), &mut objective(Loss::Squared, &[], &data), &mut state), StopReason::Target);
    assert_eq!(state.train_losses, free.train_losses[..8]);
}

/// Keeps θ after every epoch.
#[derive(Default)]
struct Epochs(Vec<Vec<f32>>);

impl Observer for Epochs {
    fn observe(&mut self, event: &Event<'_>, state: &State) -> Control {
        if let Event::Epoch(_) = event {
            self.0.push(state.theta.clone());
        }
        Control::Continue
    }
}

#[test]
fn patience_restores_the_best_weights() {
    let data = dense_table(Loss::Squared, 100, 5, 6);
    let elsewhere = dense_table(Loss::Squared, 30, 5, 61);
    let (mut train, mut validation) = (objective(Loss::Squared, &[], &data), objective(Loss::Squared, &[], &elsewhere));
    let stop = Stop { patience: Some(3), ..Stop::epochs(200) };
    let trainer = Trainer { loader: Some(loader(100, "32")), ..Trainer::new(Sgd::new(0.02), stop) };
    let (mut state, mut epochs) = (State::new(vec![0.0; 6]), Epochs::default());
    let reason = trainer.run(&mut train, Some(&mut validation), &mut state, &mut [&mut epochs]).unwrap();
    assert_eq!(reason, StopReason::Patience);
    let losses = &state.validation_losses;
    let best = (0..losses.len()).min_by(|&a, &b| losses[a].total_cmp(&losses[b])).unwrap();
    assert_eq!(best + 4, losses.len());
    assert_eq!(bits(&state.theta), bits(&epochs.0[best]));
    assert_eq!(validation.evaluate(&state.theta).loss.to_bits(), losses[best].to_bits());
}

struct Impatient;

impl Observer for Impatient {
    fn observe(&mut self, _: &Event<'_>, _: &State) -> Control {
        Control::Stop
    }
}

#[test]
fn an_observer_that_stops_at_the_start_is_heard_before_the_first_step() {
    let data = dense_table(Loss::Squared, 100, 5, 1);
    let raised = Arc::new(true.into());
    let observers: [Box<dyn Observer>; 2] = [Box::new(Impatient), Box::new(Interrupt::new(raised))];
    for mut observer in observers {
        let mut state = State::new(vec![0.0; 6]);
        let trainer = Trainer::new(Sgd::new(0.01), Stop::epochs(3));
        let mut objective = objective(Loss::Squared, &[], &data);
        let reason = trainer.run(&mut objective, None, &mut state, &mut [&mut *observer]).unwrap();
        assert_eq!((reason, state.step), (StopReason::Interrupted, 0));
    }
}

// Divergence.

#[test]
fn a_rate_far_too_high_diverges_by_every_loss_in_its_first_epoch() {
    for loss in LOSSES {
        let data = dense_table(loss, 100, 5, 2);
        for hidden in [&[][..], &[6]] {
            for batch_size in ["1", "32", "full"] {
                for lr in [1e4, 1e30, 1e39] {
                    let trainer = Trainer {
                        loader: Some(loader(100, batch_size)),
                        ..Trainer::new(Sgd::new(lr), Stop::epochs(9))
                    };
                    let mut objective = objective(loss, hidden, &data);
                    let mut state = State::new(objective.model().init(1));
                    let reason = run(&trainer, &mut objective, &mut state);
                    let what = format!("{loss}, hidden {hidden:?}, batch {batch_size}, lr {lr}");
                    assert_eq!(reason, StopReason::Diverged, "{what}");
                    assert!(state.epoch <= 1, "{what}: seen only in epoch {}", state.epoch);
                }
            }
        }
    }
}

/// Every step back: epochs done, and the rate it goes on at.
#[derive(Default)]
struct BackOffs(Vec<(u64, f64)>);

impl Observer for BackOffs {
    fn observe(&mut self, event: &Event<'_>, state: &State) -> Control {
        if let Event::BackedOff(back) = event {
            assert_eq!((back.step, back.epoch), (state.step, state.epoch));
            assert_eq!(bits(&state.theta), bits(&state.last_good));
            self.0.push((back.epoch, back.lr));
        }
        Control::Continue
    }
}

#[test]
fn a_run_that_may_back_off_ends_well_at_a_rate_that_works() {
    for loss in LOSSES {
        let data = dense_table(loss, 100, 5, 2);
        for hidden in [&[][..], &[6]] {
            for batch_size in ["1", "32", "full"] {
                let trainer = Trainer {
                    loader: Some(loader(100, batch_size)),
                    on_divergence: OnDivergence::BackOff,
                    ..Trainer::new(Sgd::new(1e4), Stop::epochs(9))
                };
                let mut objective = objective(loss, hidden, &data);
                let mut state = State::new(objective.model().init(1));
                let mut backs = BackOffs::default();
                let reason = trainer.run(&mut objective, None, &mut state, &mut [&mut backs]).unwrap();
                let what = format!("{loss}, hidden {hidden:?}, batch {batch_size}");
                assert_eq!((reason, state.epoch), (StopReason::Epochs, 9), "{what}");
                assert_eq!(backs.0.len() as u32, state.back_offs, "{what}");
                let halved = |n: i32| (1e4 * 0.5_f64.powi(n)).to_bits();
                assert!(backs.0.iter().zip(1..).all(|((_, lr), n)| lr.to_bits() == halved(n)), "{what}");
                assert!(state.train_losses[8] < state.initial_loss * 1.5, "{what}: {:?}", state.train_losses);
                let last = trainer.last_rate(&state).lr;
                assert_eq!(last.to_bits(), halved(state.back_offs.cast_signed()), "{what}");
            }
        }
    }
}

/// Flat at 0 and out of the numbers everywhere else.
struct Cliff;

impl Objective for Cliff {
    fn n_parameters(&self) -> usize {
        1
    }

    fn loss_and_gradient(&mut self, theta: &[f32], _: Batch<'_>, gradient: &mut Gradient) -> LossSum {
        gradient.values_mut()[0] += 1.0;
        LossSum::new(if theta[0] == 0.0 { 1.0 } else { f64::NAN }, 1)
    }
}

#[test]
fn a_run_that_no_rate_helps_ends_though_it_may_back_off() {
    let trainer = Trainer { on_divergence: OnDivergence::BackOff, ..Trainer::new(Sgd::new(1.0), Stop::epochs(9)) };
    let mut state = State::new(vec![0.0]);
    assert_eq!(run(&trainer, &mut Cliff, &mut state), StopReason::Diverged);
    assert!(state.back_offs > 10);
}

#[test]
fn a_rate_that_suits_converges_by_every_loss() {
    for loss in LOSSES {
        let data = dense_table(loss, 100, 5, 2);
        for hidden in [&[][..], &[6]] {
            for batch_size in ["1", "32", "full"] {
                let trainer =
                    Trainer { loader: Some(loader(100, batch_size)), ..Trainer::new(Sgd::new(0.01), Stop::epochs(9)) };
                let mut objective = objective(loss, hidden, &data);
                let mut state = State::new(objective.model().init(1));
                assert_eq!(run(&trainer, &mut objective, &mut state), StopReason::Epochs, "{loss} {batch_size}");
                assert!(state.train_losses[8] < state.initial_loss, "{loss} {batch_size}");
            }
        }
    }
}

/// Whose data hold something that is no number, met at a certain step.
struct Broken {
    at: u64,
    steps: u64,
    value: f64,
}

impl Objective for Broken {
    fn n_parameters(&self) -> usize {
        2
    }

    fn n_rows(&self) -> usize {
        10
    }

    fn loss_and_gradient(&mut self, _: &[f32], batch: Batch<'_>, gradient: &mut Gradient) -> LossSum {
        self.steps += 1;
        gradient.values_mut().fill(0.1);
        LossSum::new(if self.steps == self.at { self.value } else { 1.0 }, batch.len())
    }

    fn loss(&mut self, _: &[f32], batch: Batch<'_>) -> LossSum {
        LossSum::new(1.0, batch.len())
    }
}

#[test]
fn a_loss_that_is_no_number_ends_the_run_at_its_step() {
    for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        for at in [1, 4, 5, 17] {
            let trainer = Trainer { loader: Some(loader(10, "2")), ..Trainer::new(Sgd::new(0.01), Stop::epochs(9)) };
            let mut state = State::new(vec![0.0; 2]);
            let mut path = Path::default();
            let mut broken = Broken { at, steps: 0, value };
            let reason = trainer.run(&mut broken, None, &mut state, &mut [&mut path]).unwrap();
            assert_eq!((reason, state.step, broken.steps), (StopReason::Diverged, at, at), "{value}");
            assert_eq!(path.0.len() as u64, at + 1, "observers are told of the step that went wrong");
        }
    }
}

#[test]
fn a_start_or_data_that_are_no_numbers_end_the_run_before_a_step() {
    let data = dense_table(Loss::Squared, 100, 5, 1);
    let mut state = State::new(vec![f32::NAN; 6]);
    let trainer = Trainer::new(Sgd::new(0.01), Stop::epochs(3));
    assert_eq!(run(&trainer, &mut objective(Loss::Squared, &[], &data), &mut state), StopReason::Diverged);
    assert_eq!(state.step, 0);
    let x = Matrix::new(3, 1, vec![1.0, f32::INFINITY, 2.0]).unwrap();
    let data = Arc::new(Dataset::new(Features::Dense(x), vec![1.0; 3]).unwrap());
    let mut state = State::new(vec![0.0; 2]);
    assert_eq!(run(&trainer, &mut objective(Loss::Squared, &[], &data), &mut state), StopReason::Diverged);
    assert_eq!(state.step, 0);
}

#[test]
fn steps_or_seconds_that_end_a_run_do_not_hide_that_it_leapt_out() {
    let data = dense_table(Loss::Squared, 100, 5, 1);
    for lr in [1e4, 1e30] {
        for steps in [1, 2, 4] {
            let stop = Stop { steps: Some(steps), ..Stop::default() };
            let trainer = Trainer { loader: Some(loader(100, "32")), ..Trainer::new(Sgd::new(lr), stop) };
            let mut state = State::new(vec![0.0; 6]);
            let reason = run(&trainer, &mut objective(Loss::Squared, &[], &data), &mut state);
            assert_eq!(reason, StopReason::Diverged, "lr {lr}, {steps} steps");
        }
    }
    let nanoseconds: Arc<AtomicU64> = Arc::default();
    let trainer = Trainer {
        loader: Some(loader(1_000_000, "1")),
        clock: Clock::manual(nanoseconds.clone()),
        ..Trainer::new(Sgd::new(1.01), Stop { time: Some(Duration::from_millis(500)), ..Stop::default() })
    };
    let mut state = State::new(vec![0.0]);
    assert_eq!(run(&trainer, &mut Slow { nanoseconds, n_rows: 1_000_000 }, &mut state), StopReason::Diverged);
}

#[test]
fn infinite_weights_are_no_model_whatever_the_loss_says() {
    let x = Matrix::new(2, 1, vec![1.0, 2.0]).unwrap();
    let data = Arc::new(Dataset::new(Features::Dense(x), vec![1.0; 2]).unwrap());
    let mut state = State::new(vec![0.0; 2]);
    let trainer = Trainer::new(Sgd::new(1e39), Stop::epochs(3));
    let reason = run(&trainer, &mut objective(Loss::Hinge, &[], &data), &mut state);
    assert_eq!(state.train_losses[0].to_bits(), 0_f64.to_bits());
    assert_eq!(reason, StopReason::Diverged);
}

#[test]
fn a_penalty_may_raise_the_loss_beside_it() {
    let data = dense_table(Loss::Squared, 100, 5, 1);
    let mut state = State::new(vec![0.0; 6]);
    run(&Trainer::new(Sgd::new(0.3), Stop::epochs(300)), &mut objective(Loss::Squared, &[], &data), &mut state);
    // From three times the weights that fit best, past them, to ones that are also kept small: down, then up a little.
    let mut state = State::new(state.theta.iter().map(|value| 3.0 * value).collect());
    let sgd = Sgd { weight_decay: 0.5, ..Sgd::new(0.01) };
    let reason = run(&Trainer::new(sgd, Stop::epochs(400)), &mut objective(Loss::Squared, &[], &data), &mut state);
    assert_eq!(reason, StopReason::Epochs);
    let lowest = state.train_losses.iter().fold(f64::INFINITY, |lowest, &loss| lowest.min(loss));
    assert!(state.train_losses[399] > 1.5 * lowest);
}

#[test]
fn a_penalty_may_raise_the_loss_by_no_more_than_it_was_itself() {
    let data = dense_table(Loss::Logistic, 200, 5, 1);
    let run_from = |theta: Vec<f32>, sgd: Sgd, batch_size: &str| {
        let trainer = Trainer { loader: Some(loader(200, batch_size)), ..Trainer::new(sgd, Stop::epochs(40)) };
        let mut state = State::new(theta);
        let reason = run(&trainer, &mut objective(Loss::Logistic, &[], &data), &mut state);
        (reason, state)
    };
    for batch_size in ["1", "32", "full"] {
        for sgd in [Sgd { l1: 1e-6, ..Sgd::new(1e3) }, Sgd { weight_decay: 3.0, ..Sgd::new(1.0) }] {
            let (reason, state) = run_from(vec![0.0; 6], sgd, batch_size);
            assert_eq!(reason, StopReason::Diverged, "{sgd:?}, {batch_size}: {:?}", state.train_losses);
        }
    }
    // Weights that fit well shrink, and the loss of what they fit rises tenfold.
    let (_, good) = run_from(vec![0.0; 6], Sgd::new(1.0), "32");
    let theta: Vec<f32> = good.theta.iter().map(|value| 20.0 * value).collect();
    for sgd in [Sgd { l1: 1.0, ..Sgd::new(0.5) }, Sgd { weight_decay: 1.0, ..Sgd::new(0.5) }] {
        let (reason, state) = run_from(theta.clone(), sgd, "full");
        assert_eq!(reason, StopReason::Epochs, "{sgd:?}: {} {:?}", state.initial_loss, state.train_losses);
    }
}

#[test]
fn a_loss_below_zero_is_judged_by_how_far_it_rises() {
    // Counts about 100: at the optimum the loss of `poisson` is about −360, and a run that starts beside it stays.
    let x = Matrix::new(50, 1, (0..50).map(|i| i as f32 / 50.0).collect()).unwrap();
    let data = Arc::new(Dataset::new(Features::Dense(x), (0..50).map(|i| (95 + i % 11) as f32).collect()).unwrap());
    let trainer = |lr| Trainer { loader: Some(loader(50, "5")), ..Trainer::new(Sgd::new(lr), Stop::epochs(20)) };
    let mut state = State::new(vec![0.0, 100_f32.ln()]);
    let reason = run(&trainer(1e-4), &mut objective(Loss::Poisson, &[], &data), &mut state);
    assert!(state.initial_loss < -300.0);
    assert_eq!(reason, StopReason::Epochs);
    let mut state = State::new(vec![0.0, 100_f32.ln()]);
    let reason = run(&trainer(1.0), &mut objective(Loss::Poisson, &[], &data), &mut state);
    assert_eq!(reason, StopReason::Diverged);
}

/// 1 − (θ − 3)², a hill.
struct Hill;

impl Objective for Hill {
    fn n_parameters(&self) -> usize {
        1
    }

    fn loss_and_gradient(&mut self, theta: &[f32], _: Batch<'_>, gradient: &mut Gradient) -> LossSum {
        gradient.values_mut()[0] -= 2.0 * (theta[0] - 3.0);
        LossSum::new(1.0 - f64::from(theta[0] - 3.0).powi(2), 1)
    }
}

#[test]
fn going_up_on_purpose_is_no_divergence() {
    let sgd = Sgd { maximize: true, ..Sgd::new(0.1) };
    for theta in [0.0, 2.5] {
        let mut state = State::new(vec![theta]);
        assert_eq!(run(&Trainer::new(sgd, Stop::epochs(100)), &mut Hill, &mut state), StopReason::Epochs);
        assert!((state.theta[0] - 3.0).abs() < 1e-5);
        let mut state = State::new(vec![theta]);
        let too_high = Sgd { lr: 1.5, ..sgd };
        assert_eq!(run(&Trainer::new(too_high, Stop::epochs(500)), &mut Hill, &mut state), StopReason::Diverged);
    }
}

// Settings that cannot be used.

#[test]
fn every_setting_that_cannot_be_used_is_named_before_anything_is_changed() {
    let data = dense_table(Loss::Squared, 10, 5, 1);
    let trainer = Trainer {
        schedule: Schedule::Step { step_size: 0, gamma: 0.5 },
        clip: Clip::Norm(-1.0),
        ..Trainer::new(Sgd::new(f64::NAN), Stop { steps: Some(0), ..Stop::default() })
    };
    let mut state = State::new(vec![0.0; 6]);
    let before = format!("{state:?}");
    let error = trainer.run(&mut objective(Loss::Squared, &[], &data), None, &mut state, &mut []).unwrap_err();
    for setting in ["`lr`", "`steps`", "`schedule`", "`clip-norm`"] {
        assert!(error.to_string().contains(setting), "{error}");
    }
    assert_eq!(format!("{state:?}"), before);
}

#[test]
fn a_clip_that_is_no_limit_is_refused() {
    let data = dense_table(Loss::Squared, 10, 5, 1);
    for most in [0.0, -1.0, f64::NAN] {
        for clip in [Clip::Norm(most), Clip::Value(most)] {
            let trainer = Trainer { clip, ..Trainer::new(Sgd::new(0.1), Stop::epochs(1)) };
            assert!(trainer.train(&mut objective(Loss::Squared, &[], &data), &mut vec![0.0; 6]).is_err(), "{clip:?}");
        }
    }
}

#[test]
fn a_theta_or_a_loader_of_another_length_is_refused() {
    let data = dense_table(Loss::Squared, 10, 5, 1);
    let trainer = Trainer::new(Sgd::new(0.1), Stop::epochs(1));
    let error = trainer.train(&mut objective(Loss::Squared, &[], &data), &mut vec![0.0; 5]).unwrap_err();
    assert_eq!(error.to_string(), "expected `theta` of shape [6], found [5]");
    let other = Trainer { loader: Some(loader(11, "2")), ..trainer.clone() };
    let error = other.train(&mut objective(Loss::Squared, &[], &data), &mut vec![0.0; 6]).unwrap_err();
    assert_eq!(error.to_string(), "expected `loader` of shape [10], found [11]");
    for order in [vec![0, 1, 2], vec![10; 10]] {
        let given = DataLoader::new(10, BatchSize::rows(2).unwrap(), Order::Given(vec![order]), LastBatch::Keep);
        let trainer = Trainer { loader: Some(given), ..trainer.clone() };
        let error = trainer.train(&mut objective(Loss::Squared, &[], &data), &mut vec![0.0; 6]).unwrap_err();
        assert!(error.to_string().contains("order"), "{error}");
    }
}

// Rates.

/// Keeps the rate of every step.
#[derive(Default)]
struct Rates(Vec<f64>);

impl Observer for Rates {
    fn next_step(&self) -> u64 {
        0
    }

    fn observe(&mut self, event: &Event<'_>, _: &State) -> Control {
        if let Event::Step(step) = event {
            self.0.push(step.lr);
        }
        Control::Continue
    }
}

#[test]
fn one_cycle_has_its_whole_course_in_a_run_of_so_many_steps() {
    let data = dense_table(Loss::Squared, 100, 5, 1);
    let rates = |schedule: &str, stop| {
        let (mut state, mut rates) = (State::new(vec![0.0; 6]), Rates::default());
        let schedule = schedule.parse().unwrap();
        let trainer = Trainer { loader: Some(loader(100, "10")), schedule, ..Trainer::new(Sgd::new(0.01), stop) };
        trainer.run(&mut objective(Loss::Squared, &[], &data), None, &mut state, &mut [&mut rates]).unwrap();
        rates.0
    };
    let by_epochs = rates("one-cycle", Stop::epochs(2));
    let by_steps = rates("one-cycle", Stop { steps: Some(20), ..Stop::default() });
    assert_eq!(by_epochs, by_steps);
    assert!((by_steps[5] - 0.01).abs() < 1e-12);
    // A way up of no length: at its top from the first step.
    let at_the_top = rates("one-cycle:pct-start=0.05", Stop::epochs(2));
    assert!((at_the_top[0] - 0.01).abs() < 1e-12 && at_the_top.iter().all(|lr| lr.is_finite()));
}
