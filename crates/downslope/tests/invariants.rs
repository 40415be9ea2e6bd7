//! What must never change a run: threads, observers, interruptions, the form of the order, the fusing of a step.

#![allow(clippy::unwrap_used, reason = "all of this is tests")]

mod support;

use std::sync::Arc;

use downslope::checkpoint::Checkpoint;
use downslope::clip::Clip;
use downslope::data::{Dataset, Features, Matrix};
use downslope::event::Event;
use downslope::loader::{Batch, BatchSize, Batches, DataLoader, LastBatch, Order};
use downslope::loss::Loss;
use downslope::model::{Activation, Model, Part};
use downslope::objective::{EmpiricalLoss, Gradient, LossSum, Objective, StepLosses, StepRule};
use downslope::observer::{Control, History, Interrupt, JsonLines, Observer};
use downslope::schedule::Schedule;
use downslope::sgd::Sgd;
use downslope::state::State;
use downslope::stop::{Stop, StopReason};
use downslope::trainer::{OnDivergence, Trainer};
use support::{
    LOSSES, Numbers, assert_close, bits, counts, dense_table, model, objective, twin_tables, weighted, without_zeros,
};

fn loader(n_rows: usize, batch_size: BatchSize) -> DataLoader {
    DataLoader::new(n_rows, batch_size, Order::Shuffled { seed: 7 }, LastBatch::Keep)
}

fn rows(n: usize) -> BatchSize {
    BatchSize::rows(n).unwrap()
}

/// θ not at zero, and the same for every objective of the same model.
fn start(objective: &EmpiricalLoss) -> Vec<f32> {
    Numbers(23).take_f32(objective.n_parameters()).into_iter().map(|value| 0.1 * value).collect()
}

// Threads.

/// Losses, models and tables so large that a batch of all rows is cut for several threads.
fn large_problems() -> Vec<(&'static str, Loss, Model, Arc<Dataset>)> {
    let softmax = Loss::CrossEntropy;
    let of = |loss, hidden: &[usize], data: &Dataset| model(loss, data.n_features(), hidden, Activation::Relu);
    let tall = dense_table(Loss::Squared, 9_000, 1_000, 1);
    let wide = dense_table(softmax, 1_500, 2_000, 2);
    let deep = dense_table(Loss::Logistic, 900, 150, 3);
    let (short, long) = (dense_table(softmax, 250, 800, 6), dense_table(Loss::Squared, 9_700, 150, 7));
    let (_, sparse) = twin_tables(softmax, 7_000, 2_000, 0.2, 4);
    let (_, halved) = twin_tables(Loss::Logistic, 1_500, 2_001, 0.1, 5);
    vec![
        ("linear", Loss::Squared, of(Loss::Squared, &[], &tall), tall),
        ("weighted softmax", softmax, of(softmax, &[], &wide), weighted(&wide)),
        ("weighted hidden", Loss::Logistic, of(Loss::Logistic, &[64, 32], &deep), weighted(&deep)),
        ("softmax", softmax, of(softmax, &[], &wide), wide),
        ("hidden", Loss::Logistic, of(Loss::Logistic, &[64, 32], &deep), deep),
        ("hidden, outputs shared", softmax, of(softmax, &[100, 70], &short), short),
        ("hidden, several spans", Loss::Squared, of(Loss::Squared, &[64, 32], &long), long),
        ("sparse", softmax, of(softmax, &[], &sparse), sparse),
        ("sparse, one score", Loss::Logistic, of(Loss::Logistic, &[], &halved), weighted(&halved)),
    ]
}

fn pool(n_threads: usize) -> Arc<rayon::ThreadPool> {
    Arc::new(rayon::ThreadPoolBuilder::new().num_threads(n_threads).build().unwrap())
}

#[test]
fn any_number_of_threads_gives_the_same_bits() {
    for (name, loss, model, data) in large_problems() {
        let run = |pool| {
            let mut objective = EmpiricalLoss::new(model.clone(), loss, data.clone()).unwrap().with_pool(pool);
            let mut state = State::new(start(&objective));
            // A batch of nine tenths of the rows, in random order, then one of the rest.
            let trainer = Trainer {
                loader: Some(loader(data.n_rows(), rows(data.n_rows() * 9 / 10))),
                ..Trainer::new(Sgd::new(0.001), Stop::epochs(2))
            };
            trainer.run(&mut objective, None, &mut state, &mut []).unwrap();
            let evaluated = objective.evaluate(&state.theta).loss.to_bits();
            (bits(&state.theta), state.train_losses.iter().map(|loss| loss.to_bits()).collect::<Vec<_>>(), evaluated)
        };
        let alone = run(None);
        for n_threads in [1, 2, 3, 8] {
            assert!(run(Some(pool(n_threads))) == alone, "{name} on {n_threads} threads");
        }
    }
}

#[test]
fn one_row_a_step_through_a_large_layer_gives_the_same_bits_on_any_number_of_threads() {
    let (dense, sparse) = twin_tables(Loss::CrossEntropy, 203, 600, 0.2, 16);
    for data in [dense, sparse] {
        let run = |pool: Option<_>, stops: &[u64]| {
            let mut objective = objective(Loss::CrossEntropy, &[200, 7], &data).with_pool(pool);
            let mut state = State::new(start(&objective));
            for &steps in stops {
                let stop = Stop { steps: Some(steps), ..Stop::default() };
                let trainer = Trainer { loader: Some(loader(203, rows(1))), ..Trainer::new(Sgd::new(0.02), stop) };
                trainer.run(&mut objective, None, &mut state, &mut []).unwrap();
            }
            assert_eq!(state.step, 406);
            bits(&state.theta)
        };
        let alone = run(None, &[406]);
        for n_threads in [1, 2, 3, 8] {
            // It stops between steps that are computed together, or between such groups, and goes on from there.
            for stops in [&[406][..], &[83, 406], &[112, 406]] {
                assert!(run(Some(pool(n_threads)), stops) == alone, "{n_threads} threads, {stops:?}");
            }
        }
    }
}

#[test]
fn a_gradient_over_several_spans_is_the_sum_of_those_over_parts_of_them() {
    const N_ROWS: usize = 9_700;
    const N_OF_PART: usize = 970;
    let (dense, sparse) = twin_tables(Loss::CrossEntropy, N_ROWS, 40, 0.2, 17);
    for data in [weighted(&dense), sparse] {
        for n_threads in [1, 2] {
            let mut objective = objective(Loss::CrossEntropy, &[33, 32], &data).with_pool(Some(pool(n_threads)));
            let (theta, mut whole, mut parts) = (start(&objective), objective.gradient(), objective.gradient());
            // A larger batch before: nothing of it may be left.
            objective.loss_and_gradient(&theta, Batch::Range(0..N_ROWS), &mut parts);
            parts.clear();
            let loss = objective.loss_and_gradient(&theta, Batch::Range(0..N_ROWS - N_OF_PART), &mut whole);
            let mut of_parts = LossSum::default();
            for first in (0..N_ROWS - N_OF_PART).step_by(N_OF_PART) {
                let batch = Batch::Range(first..first + N_OF_PART);
                of_parts += objective.loss_and_gradient(&theta, batch, &mut parts);
            }
            assert_eq!([loss.n_rows, of_parts.n_rows], [(N_ROWS - N_OF_PART) as u64; 2]);
            assert!((loss.sum - of_parts.sum).abs() < 1e-9 * loss.sum, "{loss:?} {of_parts:?}");
            let largest = parts.values().iter().fold(0.0_f32, |largest, value| largest.max(value.abs()));
            let close = |(a, b): (&f32, &f32)| (a - b).abs() < 1e-5 * largest;
            assert!(whole.values().iter().zip(parts.values()).all(close), "{n_threads} threads");
        }
    }
}

/// Rows weighed so far apart that their sum in `f64` shows the order in which they were added, though not every time.
#[test]
fn losses_before_hidden_layers_are_added_in_one_order_by_any_number_of_threads() {
    let data = dense_table(Loss::Squared, 1_500, 150, 7);
    let weights = (0..data.n_rows()).map(|row| [1e-12, 1.0, 1e-6][row * 7 % 3]).collect();
    let data = Arc::new((*data).clone().with_weights(weights).unwrap());
    let losses = |pool: Option<_>| {
        let mut objective = objective(Loss::Squared, &[64, 32], &data).with_pool(pool);
        let (theta, mut gradient) = (start(&objective), objective.gradient());
        let mut loss_of = |first| {
            let batch = Batch::Range(first..first + 1_100);
            objective.loss_and_gradient(&theta, batch, &mut gradient).sum.to_bits()
        };
        (0..40).map(|start| loss_of(10 * start)).collect::<Vec<u64>>()
    };
    let alone = losses(None);
    for n_threads in [2, 3] {
        assert_eq!(losses(Some(pool(n_threads))), alone, "{n_threads} threads");
    }
}

/// Were large batches not cut, the first test above would prove nothing.
#[test]
fn batches_that_large_are_cut_in_parts_summed_apart() {
    let (_, loss, model, data) = large_problems().swap_remove(0);
    let mut objective = EmpiricalLoss::new(model, loss, data.clone()).unwrap();
    // So many that two halves are summed apart, and a half is not cut again.
    let (theta, n) = (start(&objective), 44);
    let mut sum_over = |bounds: &[usize]| {
        let mut total = objective.gradient();
        for part in bounds.windows(2) {
            let mut gradient = objective.gradient();
            objective.loss_and_gradient(&theta, Batch::Range(part[0]..part[1]), &mut gradient);
            total.add(&gradient);
        }
        bits(total.values())
    };
    assert!(sum_over(&[0, n]) == sum_over(&[0, n / 2, n]));
    assert!(sum_over(&[0, n / 2]) != sum_over(&[0, n / 4, n / 2]));
}

// Observers.

/// Wants to be told at odd moments, and now and then of a step long gone.
struct Curious {
    next: u64,
    told: u64,
}

impl Observer for Curious {
    fn next_step(&self) -> u64 {
        self.next
    }

    fn observe(&mut self, event: &Event<'_>, state: &State) -> Control {
        self.told += 1;
        if let Event::Step(step) = event {
            assert_eq!(step.step, state.step);
            self.next = if step.step % 3 == 0 { 0 } else { step.step * 2 - 1 };
        }
        Control::Continue
    }
}

#[test]
fn observers_change_no_bit() {
    let data = dense_table(Loss::Squared, 100, 5, 5);
    for batch_size in [rows(1), rows(32), BatchSize::Full] {
        for hidden in [&[][..], &[8]] {
            let run = |observers: &mut [&mut dyn Observer]| {
                let mut objective = objective(Loss::Squared, hidden, &data);
                let mut state = State::new(start(&objective));
                let trainer = Trainer {
                    loader: Some(loader(100, batch_size)),
                    schedule: "one-cycle".parse().unwrap(),
                    ..Trainer::new(Sgd { momentum: 0.9, ..Sgd::new(0.01) }, Stop::epochs(4))
                };
                let reason = trainer.run(&mut objective, None, &mut state, observers).unwrap();
                state.training_time = std::time::Duration::ZERO;
                (reason, bits(&state.theta), state)
            };
            let alone = run(&mut []);
            let (mut every, mut seldom) = (History::every(1), History::every(7));
            let mut lines = JsonLines::new(Vec::new(), 1, 0);
            let mut curious = Curious { next: 0, told: 0 };
            let mut interrupt = Interrupt::new(Arc::default());
            let watched = run(&mut [&mut every, &mut seldom, &mut lines, &mut curious, &mut interrupt]);
            assert_eq!(watched, alone);
            let n_steps = 4 * loader(100, batch_size).len();
            assert_eq!(every.steps.len(), n_steps);
            assert!(every.steps.iter().map(|step| step.0).eq(1..=n_steps as u64));
            assert!(seldom.steps.iter().all(|step| step.0 % 7 == 0) && seldom.steps.len() == n_steps / 7);
            let n_lines = std::str::from_utf8(lines.get_mut()).unwrap().lines().count();
            assert_eq!(n_lines, n_steps + 4 + 2, "steps, epochs, start and finish");
            assert!(curious.told > 6);
        }
    }
}

// Interruptions.

/// Stops a run after a step, or after an epoch.
struct StopAfter {
    step: u64,
    epoch: u64,
}

impl Observer for StopAfter {
    fn next_step(&self) -> u64 {
        self.step
    }

    fn observe(&mut self, event: &Event<'_>, _: &State) -> Control {
        match event {
            Event::Step(step) if step.step == self.step => Control::Stop,
            Event::Epoch(epoch) if epoch.epoch == self.epoch => Control::Stop,
            _ => Control::Continue,
        }
    }
}

struct Experiment {
    trainer: Trainer,
    hidden: Vec<usize>,
    train: Arc<Dataset>,
    validation: Arc<Dataset>,
}

impl Experiment {
    fn run(&self, state: &mut State, observers: &mut [&mut dyn Observer]) -> StopReason {
        let mut train = objective(Loss::Squared, &self.hidden, &self.train);
        let mut validation = objective(Loss::Squared, &self.hidden, &self.validation);
        self.trainer.run(&mut train, Some(&mut validation), state, observers).unwrap()
    }

    fn begin(&self) -> State {
        let mut state = State::new(start(&objective(Loss::Squared, &self.hidden, &self.train)));
        // A first state that knows no loss yet must survive the way through the file as well.
        state = through_a_file(state);
        assert!(state.initial_loss.is_nan());
        state
    }
}

fn through_a_file(state: State) -> State {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.safetensors");
    Checkpoint { state, metrics_bytes: 0 }.write(&path).unwrap();
    Checkpoint::read(&path).unwrap().state
}

/// Everything but the time it took, to the bit.
fn without_time(mut state: State) -> String {
    state.training_time = std::time::Duration::ZERO;
    format!("{:?} {state:?}", bits(&state.theta))
}

fn resumes_to_the_bit(experiment: &Experiment, name: &str) {
    let mut whole = experiment.begin();
    let reason = experiment.run(&mut whole, &mut []);
    let a_pass = experiment.trainer.loader.as_ref().unwrap().len() as u64;
    assert!(whole.epoch >= 3, "{name} ends too early to be interrupted: {reason}");
    let interruptions = [
        StopAfter { step: 1, epoch: 0 },
        StopAfter { step: a_pass + a_pass.div_ceil(2), epoch: 0 },
        StopAfter { step: 2 * a_pass, epoch: 0 },
        StopAfter { step: 0, epoch: 2 },
    ];
    for mut interruption in interruptions {
        let what = format!("{name}, interrupted after step {} or epoch {}", interruption.step, interruption.epoch);
        let mut state = experiment.begin();
        assert_eq!(experiment.run(&mut state, &mut [&mut interruption]), StopReason::Interrupted, "{what}");
        let mut again = StopAfter { step: state.step + 1, epoch: 0 };
        let mut state = through_a_file(state);
        assert_eq!(experiment.run(&mut state, &mut [&mut again]), StopReason::Interrupted, "{what}, and again");
        let mut state = through_a_file(state);
        assert_eq!(experiment.run(&mut state, &mut []), reason, "{what}");
        assert_eq!(without_time(state), without_time(whole.clone()), "{what}");
    }
}

#[test]
fn an_interrupted_run_goes_on_to_the_same_bits() {
    let settings: [(&str, Sgd, &str, Stop); 9] = [
        ("plain", Sgd::new(0.01), "constant", Stop::epochs(5)),
        ("momentum", Sgd { momentum: 0.9, ..Sgd::new(0.001) }, "constant", Stop::epochs(5)),
        (
            "dampened momentum",
            Sgd { momentum: 0.5, dampening: 0.3, weight_decay: 0.01, l1: 0.01, ..Sgd::new(0.01) },
            "constant",
            Stop::epochs(5),
        ),
        ("nesterov", Sgd { momentum: 0.9, nesterov: true, ..Sgd::new(0.001) }, "constant", Stop::epochs(5)),
        ("plateau", Sgd::new(0.01), "plateau:factor=0.5,patience=0,threshold=0.2,cooldown=1", Stop::epochs(6)),
        ("one-cycle", Sgd { momentum: 0.9, ..Sgd::new(0.001) }, "one-cycle:max-lr=0.005", Stop::epochs(5)),
        ("cosine", Sgd::new(0.01), "cosine", Stop::epochs(5)),
        ("patience", Sgd::new(0.02), "constant", Stop { patience: Some(2), ..Stop::epochs(40) }),
        ("steps", Sgd::new(0.01), "cosine-restarts:t-0=2", Stop { steps: Some(403), ..Stop::default() }),
    ];
    let train = dense_table(Loss::Squared, 100, 5, 6);
    let validation = dense_table(Loss::Squared, 30, 5, 60);
    for batch_size in [rows(1), rows(32), BatchSize::Full] {
        for (name, sgd, schedule, stop) in settings {
            for hidden in [vec![], vec![6]] {
                let trainer = Trainer {
                    loader: Some(loader(100, batch_size)),
                    schedule: schedule.parse::<Schedule>().unwrap(),
                    ..Trainer::new(sgd, stop)
                };
                let name = format!("{name}, batch {batch_size}, hidden {hidden:?}");
                let (train, validation) = (train.clone(), validation.clone());
                resumes_to_the_bit(&Experiment { trainer, hidden, train, validation }, &name);
            }
        }
    }
}

#[test]
fn an_interrupted_run_that_backs_off_goes_on_to_the_same_bits() {
    let train = dense_table(Loss::Squared, 100, 5, 6);
    let validation = dense_table(Loss::Squared, 30, 5, 60);
    for batch_size in [rows(1), rows(32), BatchSize::Full] {
        // The first leaps out within an epoch, the second at the end of one.
        for (lr, momentum) in [(1e3, 0.0), (1.3, 0.0), (0.8, 0.9)] {
            for hidden in [vec![], vec![6]] {
                let trainer = Trainer {
                    loader: Some(loader(100, batch_size)),
                    on_divergence: OnDivergence::BackOff,
                    ..Trainer::new(Sgd { momentum, ..Sgd::new(lr) }, Stop::epochs(6))
                };
                let name = format!("lr {lr}, momentum {momentum}, batch {batch_size}, hidden {hidden:?}");
                let (train, validation) = (train.clone(), validation.clone());
                let experiment = Experiment { trainer, hidden, train, validation };
                let mut whole = experiment.begin();
                assert_eq!(experiment.run(&mut whole, &mut []), StopReason::Epochs, "{name}");
                assert!(lr < 1e3 || whole.back_offs > 0, "{name}");
                assert_eq!((whole.epoch, whole.train_losses.len()), (6, 6), "{name}");
                resumes_to_the_bit(&experiment, &name);
            }
        }
    }
}

#[test]
fn patience_that_runs_out_after_a_resumption_restores_the_best_weights_of_the_whole_run() {
    // The validation rows follow another rule: their loss falls for a while and then rises.
    let train = dense_table(Loss::Squared, 100, 5, 6);
    let validation = dense_table(Loss::Squared, 30, 5, 61);
    let trainer = Trainer {
        loader: Some(loader(100, rows(32))),
        ..Trainer::new(Sgd::new(0.02), Stop { patience: Some(3), ..Stop::epochs(200) })
    };
    let experiment = Experiment { trainer, hidden: vec![], train, validation };
    let mut whole = experiment.begin();
    assert_eq!(experiment.run(&mut whole, &mut []), StopReason::Patience);
    let best = whole.validation_losses.len() as u64 - 3;
    assert!(best >= 1);
    let mut state = experiment.begin();
    let reason = experiment.run(&mut state, &mut [&mut StopAfter { step: 0, epoch: best + 1 }]);
    assert_eq!(reason, StopReason::Interrupted);
    assert_ne!(bits(&state.theta), bits(&state.best_theta));
    let mut state = through_a_file(state);
    assert_eq!(experiment.run(&mut state, &mut []), StopReason::Patience);
    assert_eq!(without_time(state), without_time(whole));
}

#[test]
fn best_weights_are_restored_without_what_was_known_of_rows_to_come_at_others() {
    let (train, validation) = (dense_table(Loss::Squared, 100, 5, 6), dense_table(Loss::Squared, 30, 5, 61));
    let known_after = |patience| {
        let trainer = Trainer {
            loader: Some(loader(100, rows(1))),
            ..Trainer::new(Sgd::new(0.02), Stop { patience, steps: Some(210), ..Stop::epochs(200) })
        };
        let (train, validation) = (train.clone(), validation.clone());
        let experiment = Experiment { trainer, hidden: vec![], train, validation };
        let mut state = experiment.begin();
        assert_eq!(experiment.run(&mut state, &mut []), StopReason::Steps);
        state.ahead
    };
    assert_eq!(known_after(None).len(), 1);
    assert!(known_after(Some(9)).is_empty());
}

// Fused steps.

/// An objective that never fuses a step.
struct Unfused(EmpiricalLoss);

impl Objective for Unfused {
    fn n_parameters(&self) -> usize {
        self.0.n_parameters()
    }

    fn n_rows(&self) -> usize {
        self.0.n_rows()
    }

    fn loss_and_gradient(&mut self, theta: &[f32], batch: Batch<'_>, gradient: &mut Gradient) -> LossSum {
        self.0.loss_and_gradient(theta, batch, gradient)
    }

    fn gradient(&self) -> Gradient {
        self.0.gradient()
    }

    fn parts(&self) -> Vec<Part> {
        self.0.parts()
    }
}

#[test]
fn a_fused_step_equals_an_unfused_one_up_to_rounding() {
    for (loss, weighs) in [(Loss::CrossEntropy, false), (Loss::CrossEntropy, true), (Loss::Logistic, true)] {
        let (dense, sparse) = twin_tables(loss, 300, 30, 0.2, 8);
        let (dense, sparse) = if weighs { (weighted(&dense), weighted(&sparse)) } else { (dense, sparse) };
        let problems = [
            ("dense", &dense, vec![]),
            ("sparse", &sparse, vec![]),
            ("hidden", &dense, vec![9]),
            ("deep", &dense, vec![9, 5]),
            ("sparse before hidden", &sparse, vec![9]),
            ("large", &dense, vec![600]),
            ("large and deep", &dense, vec![600, 5]),
            ("sparse before large", &sparse, vec![600]),
        ];
        for (name, data, hidden) in problems {
            // Beside 600 units a longer step would leap out.
            let lr = if hidden.first() > Some(&100) { 0.002 } else { 0.05 };
            fused_equals_unfused(name, loss, data, &hidden, lr);
        }
    }
}

/// Momentum and penalties.
fn optimisers() -> [Sgd; 4] {
    let plain = Sgd::new(0.02);
    let penalised = Sgd { weight_decay: 0.1, l1: 0.01, ..plain };
    [
        penalised,
        Sgd { momentum: 0.8, ..plain },
        Sgd { momentum: 0.8, dampening: 0.3, ..penalised },
        Sgd { momentum: 0.8, nesterov: true, ..penalised },
    ]
}

/// From the second step on, where there is momentum: that such steps are fused, and what comes of them fused and not.
fn by_rule(of: impl Fn() -> EmpiricalLoss, sgd: Sgd, batch_size: usize, what: &str) -> [Vec<f32>; 2] {
    let mut velocity = if sgd.momentum > 0.0 { vec![0.0; of().n_parameters()] } else { Vec::new() };
    let (batches, mut losses) = (Batches::new(Batch::Range(0..64), batch_size), StepLosses::default());
    let rule = sgd.rule(sgd.rate()).unwrap();
    let ahead = &mut vec![1.0];
    assert!(of().fused_steps(&mut start(&of()), &mut velocity, ahead, &batches, rule, &mut losses), "{what}");
    assert_eq!((losses.n_steps, losses.total.n_rows), (64_usize.div_ceil(batch_size) as u64, 64), "{what}");
    let run = |objective: &mut dyn Objective| {
        let mut state = State::new(start(&of()));
        let loader = Some(loader(objective.n_rows(), rows(batch_size)));
        let trainer = Trainer { loader, ..Trainer::new(sgd, Stop::epochs(2)) };
        assert_eq!(trainer.run(objective, None, &mut state, &mut []).unwrap(), StopReason::Epochs);
        [state.theta, state.velocity].concat()
    };
    [run(&mut of()), run(&mut Unfused(of()))]
}

/// Rows in registers and beyond, one and few a step.
#[test]
fn fused_steps_with_momentum_and_penalties_equal_unfused_ones_up_to_rounding() {
    for (width, weighs) in [(5, false), (30, true), (64, true), (150, false)] {
        let (data, _) = twin_tables(Loss::Logistic, 300, width, 0.5, 8);
        let data = if weighs { weighted(&data) } else { data };
        for (sgd, batch_size) in optimisers().into_iter().flat_map(|sgd| [1, 7, 32].map(|batch_size| (sgd, batch_size)))
        {
            let what = format!("{width} columns, batch {batch_size}, {sgd:?}");
            let [fused, unfused] = by_rule(|| objective(Loss::Logistic, &[], &data), sgd, batch_size, &what);
            assert_close(&fused, &unfused, 2e-5, &what);
        }
    }
}

/// Of several scores and before hidden layers, some of them so wide that a few outputs are taken at a time; and by two threads.
#[test]
fn fused_steps_with_momentum_and_penalties_that_go_through_all_weights_have_the_bits_of_unfused_ones() {
    let (narrow, sparse) = twin_tables(Loss::CrossEntropy, 300, 30, 0.5, 8);
    let (wide, _) = twin_tables(Loss::Logistic, 200, 3_000, 0.1, 9);
    let (_, very_wide) = twin_tables(Loss::Logistic, 70, 140_000, 0.0001, 10);
    let pool = Some(pool(2));
    let problems = [
        (Loss::CrossEntropy, weighted(&narrow), vec![]),
        (Loss::CrossEntropy, narrow, vec![9, 5]),
        (Loss::CrossEntropy, sparse, vec![9]),
        (Loss::Logistic, wide, vec![40]),
        (Loss::Logistic, very_wide, vec![17]),
    ];
    for (loss, data, hidden) in problems {
        for (sgd, batch_size) in optimisers().into_iter().flat_map(|sgd| [1, 7, 64].map(|batch_size| (sgd, batch_size)))
        {
            let sgd = Sgd { lr: 0.002, ..sgd };
            let what = format!("{loss}, hidden {hidden:?}, batch {batch_size}, {sgd:?}");
            let [fused, unfused] = by_rule(|| objective(loss, &hidden, &data), sgd, batch_size, &what);
            assert!(support::bits(&fused) == support::bits(&unfused), "{what}");
            let [shared, _] =
                by_rule(|| objective(loss, &hidden, &data).with_pool(pool.clone()), sgd, batch_size, &what);
            assert!(support::bits(&fused) == support::bits(&shared), "{what}, two threads");
        }
    }
}

/// Of a batch that is shared out by rows the last may be too small for that, and too large for one block. So it depends on
/// where somebody looks whether a step is fused, and must change no bit.
#[test]
fn a_short_last_batch_is_stepped_down_by_a_rule_as_well() {
    let (data, _) = twin_tables(Loss::CrossEntropy, 2_300, 100, 0.5, 11);
    let sgd = Sgd { momentum: 0.8, weight_decay: 0.01, ..Sgd::new(0.01) };
    for hidden in [9, 32] {
        let of = || objective(Loss::CrossEntropy, &[hidden], &data);
        let run = |objective: &mut dyn Objective, observers: &mut [&mut dyn Observer]| {
            let mut state = State::new(start(&of()));
            let trainer = Trainer { loader: Some(loader(2_300, rows(1_000))), ..Trainer::new(sgd, Stop::epochs(3)) };
            assert_eq!(trainer.run(objective, None, &mut state, observers).unwrap(), StopReason::Epochs);
            bits(&[state.theta, state.velocity].concat())
        };
        let unfused = run(&mut Unfused(of()), &mut []);
        assert!(run(&mut of(), &mut []) == unfused, "{hidden} hidden");
        assert!(run(&mut of(), &mut [&mut History::every(1)]) == unfused, "{hidden} hidden, watched");
    }
}

/// Rows of many scores, and of products that are beyond all numbers.
#[test]
fn steps_of_a_large_first_layer_equal_those_taken_one_by_one() {
    let (n_rows, width, n_classes) = (300, 1_000, 20);
    let x = Matrix::new(n_rows, width, Numbers(14).take_f32(n_rows * width)).unwrap();
    let targets: Vec<f32> = (0..n_rows).map(|row| (row * row % n_classes) as f32).collect();
    // In every other row, and only there, one column stands so far off that products of two such rows are infinite.
    let mut far = x.values().to_vec();
    far.chunks_exact_mut(2 * width).for_each(|rows| rows[0] = 3e19);
    let far = Matrix::new(n_rows, width, far).unwrap();
    // A rate at which the far column's steps are as long as its values are large.
    for (name, x, lr, scale) in [("wide", x, 0.01, 1.0), ("far", far, 1e-39, 1e18)] {
        let data = Arc::new(Dataset::new(Features::Dense(x), targets.clone()).unwrap());
        let model = Model { n_features: width, hidden: Vec::new(), activation: Activation::Relu, n_outputs: n_classes };
        let of = || EmpiricalLoss::new(model.clone(), Loss::CrossEntropy, Arc::clone(&data)).unwrap();
        let run = |objective: &mut dyn Objective| {
            let mut state = State::new(vec![0.0; objective.n_parameters()]);
            let trainer =
                Trainer { loader: Some(loader(n_rows, rows(1))), ..Trainer::new(Sgd::new(lr), Stop::epochs(1)) };
            assert_eq!(trainer.run(objective, None, &mut state, &mut []).unwrap(), StopReason::Epochs, "{name}");
            state.theta.into_iter().map(|value| scale * value).collect::<Vec<f32>>()
        };
        let together = run(&mut of());
        assert!(together.iter().any(|value| value.abs() > 1e-3), "{name}");
        assert_close(&together, &run(&mut Unfused(of())), 2e-5, name);
    }
}

/// In the middle of rows that are computed together, that is.
#[test]
fn the_first_step_of_one_row_without_a_finite_loss_is_the_last_and_is_taken() {
    let (dense, sparse) = twin_tables(Loss::Squared, 45, 1_000, 0.2, 17);
    for data in [dense, sparse] {
        let mut targets = data.targets.clone();
        targets[21] = 1e30;
        let data = Arc::new(Dataset::new(data.features.clone(), targets).unwrap());
        let (of, lr) = (|| objective(Loss::Squared, &[20], &data), 1e-3);
        let (mut together, mut losses) = (start(&of()), StepLosses::default());
        let batches = Batches::new(Batch::all(45), 1);
        assert!(of().fused_steps(&mut together, &mut [], &mut Vec::new(), &batches, StepRule::plain(lr), &mut losses));
        assert_eq!((losses.n_steps, losses.last.sum), (22, f64::INFINITY));
        let (mut objective, mut alone) = (of(), start(&of()));
        for row in 0..22 {
            let mut gradient = objective.gradient();
            objective.loss_and_gradient(&alone, Batch::Range(row..row + 1), &mut gradient);
            alone.iter_mut().zip(gradient.values()).for_each(|(value, slope)| *value -= lr as f32 * slope);
        }
        assert!(alone.iter().any(|value| value.abs() > 1e20) && alone.iter().all(|value| value.is_finite()));
        for (a, b) in together.iter().zip(&alone) {
            assert!((a - b).abs() <= 1e-4 * (1e-2 + a.abs()), "{a} and {b}");
        }
    }
}

fn fused_equals_unfused(name: &str, loss: Loss, data: &Arc<Dataset>, hidden: &[usize], lr: f64) {
    for batch_size in [1, 7, 32, 256] {
        let trainer = |clip| Trainer {
            loader: Some(loader(300, rows(batch_size))),
            clip,
            ..Trainer::new(Sgd::new(lr), Stop::epochs(2))
        };
        let of = || objective(loss, hidden, data);
        let mut losses = StepLosses::default();
        let batches = Batches::new(Batch::Range(0..batch_size), batch_size);
        assert!(
            of().fused_steps(&mut start(&of()), &mut [], &mut Vec::new(), &batches, StepRule::plain(lr), &mut losses),
            "{name} is fused"
        );
        assert_eq!(losses.total.n_rows, batch_size as u64);
        let run = |trainer: Trainer, objective: &mut dyn Objective| {
            let mut state = State::new(start(&of()));
            assert_eq!(trainer.run(objective, None, &mut state, &mut []).unwrap(), StopReason::Epochs);
            state.theta
        };
        let fused = run(trainer(Clip::None), &mut of());
        let what = format!("{loss}, {name}, batch {batch_size}");
        assert_close(&fused, &run(trainer(Clip::None), &mut Unfused(of())), 2e-5, &what);
        assert_close(&fused, &run(trainer(Clip::Norm(f64::MAX)), &mut of()), 2e-5, &what);
    }
}

// Weights.

/// The rows of a table, each as often as its weight in [`weighted`] says.
fn repeated(dense: &Dataset) -> (Arc<Dataset>, Arc<Dataset>) {
    let Features::Dense(x) = &dense.features else { panic!("dense rows") };
    let rows: Vec<usize> = (0..).zip(counts(x.n_rows())).flat_map(|(row, n)| std::iter::repeat_n(row, n)).collect();
    let values = rows.iter().flat_map(|&row| x.row(row).to_vec()).collect();
    let x = Matrix::new(rows.len(), x.n_columns(), values).unwrap();
    let targets: Vec<f32> = rows.iter().map(|&row| dense.targets[row]).collect();
    let sparse = Dataset::new(Features::Sparse(without_zeros(&x)), targets.clone()).unwrap();
    (Arc::new(Dataset::new(Features::Dense(x), targets).unwrap()), Arc::new(sparse))
}

#[test]
fn a_weight_is_a_row_that_stands_there_as_often() {
    for loss in LOSSES {
        let (dense, sparse) = twin_tables(loss, 300, 12, 0.5, 12);
        let of_repeated = repeated(&dense);
        for (data, repeated) in [(dense, of_repeated.0), (sparse, of_repeated.1)] {
            for hidden in [&[][..], &[5]] {
                let (mut by_weight, mut by_count) =
                    (objective(loss, hidden, &weighted(&data)), objective(loss, hidden, &repeated));
                let theta = start(&by_weight);
                let means = |objective: &mut EmpiricalLoss| {
                    let all = Batch::all(objective.n_rows());
                    let mut gradient = objective.gradient();
                    let total = objective.loss_and_gradient(&theta, all.clone(), &mut gradient);
                    gradient.scale(1.0 / objective.n_rows() as f32);
                    let mut curved = vec![0.0; theta.len()];
                    let along: Vec<f64> = theta.iter().map(|&value| f64::from(value)).collect();
                    objective.curvature(&theta, all)(&along, &mut curved);
                    let curved: Vec<f32> = curved.into_iter().map(|value| value as f32).collect();
                    assert!(
                        (objective.evaluate(&theta).loss - total.mean()).abs() < 1e-6 * total.mean().abs().max(1.0)
                    );
                    (total.mean(), gradient.values().to_vec(), curved)
                };
                let (found, expected) = (means(&mut by_weight), means(&mut by_count));
                let what = format!("{loss}, hidden {hidden:?}");
                assert!((found.0 - expected.0).abs() < 1e-6 * expected.0.abs().max(1.0), "{what}: {found:?}");
                assert_close(&found.1, &expected.1, 1e-5, &what);
                if !hidden.is_empty() {
                    continue;
                }
                assert_close(&found.2, &expected.2, 1e-5, &what);
                let curvatures = [&mut by_weight, &mut by_count].map(|objective| {
                    let of_rows = objective.row_curvatures(&theta).unwrap();
                    of_rows.iter().sum::<f64>() / of_rows.len() as f64
                });
                assert!((curvatures[0] - curvatures[1]).abs() < 1e-6 * curvatures[1], "{what}: {curvatures:?}");
            }
        }
    }
}

#[test]
fn rows_that_weigh_the_same_change_no_bit() {
    for (loss, hidden) in [(Loss::Logistic, vec![]), (Loss::CrossEntropy, vec![]), (Loss::Squared, vec![5])] {
        let (dense, sparse) = twin_tables(loss, 200, 12, 0.5, 13);
        for data in [dense, sparse] {
            let twos = Arc::new(Dataset::clone(&data).with_weights(vec![2.0; 200]).unwrap());
            for batch_size in [rows(1), rows(32), BatchSize::Full] {
                let run = |data: &Arc<Dataset>| {
                    let mut objective = objective(loss, &hidden, data);
                    let mut state = State::new(start(&objective));
                    let trainer = Trainer {
                        loader: Some(loader(200, batch_size)),
                        ..Trainer::new(Sgd::new(0.05), Stop::epochs(2))
                    };
                    trainer.run(&mut objective, None, &mut state, &mut []).unwrap();
                    (bits(&state.theta), state.train_losses, objective.evaluate(&state.theta))
                };
                assert_eq!(run(&twos), run(&data), "{loss}, {batch_size}");
            }
        }
    }
}

// Penalties and momentum on sparse rows.

/// Rows of few of many features, in which most weights are left alone for a long time.
fn rare_rows(share: f64) -> Arc<Dataset> {
    twin_tables(Loss::Logistic, 400, 3_000, share, 11).1
}

#[test]
fn penalties_and_momentum_applied_lazily_equal_those_applied_in_every_step() {
    let data = weighted(&rare_rows(0.002));
    let shrinking = [Sgd { l1: 0.003, ..Sgd::new(0.5) }, Sgd { weight_decay: 0.02, l1: 0.003, ..Sgd::new(0.5) }];
    for sgd in [
        shrinking[0],
        shrinking[1],
        Sgd { weight_decay: 0.02, ..Sgd::new(0.5) },
        Sgd { momentum: 0.9, ..Sgd::new(0.1) },
        Sgd { momentum: 0.9, weight_decay: 0.02, ..Sgd::new(0.1) },
        Sgd { momentum: 0.9, weight_decay: 0.02, nesterov: true, ..Sgd::new(0.1) },
        Sgd { momentum: 0.7, weight_decay: 0.02, dampening: 0.4, ..Sgd::new(0.3) },
    ] {
        for batch_size in [1, 7, 32] {
            let what = format!("{sgd:?}, batch {batch_size}");
            assert!(objective_on(&data).steps_between_looks(batch_size, sgd.rule(sgd.rate()).unwrap()) > 5, "{what}");
            let lazy = equals_unfused_on_sparse_rows(sgd, batch_size, &data, &what);
            if sgd.l1 > 0.0 {
                assert!(lazy.iter().filter(|value| **value == 0.0).count() > 500, "{what}");
            }
        }
    }
    // What cannot wait, or with few weights to each value of a row: steps of one row go through all.
    let both = Sgd { momentum: 0.8, l1: 0.003, ..Sgd::new(0.05) };
    equals_unfused_on_sparse_rows(both, 1, &data, &format!("{both:?} on all"));
    let data = weighted(&rare_rows(0.05));
    for sgd in shrinking {
        assert_eq!(objective_on(&data).steps_between_looks(1, sgd.rule(sgd.rate()).unwrap()), 1);
        equals_unfused_on_sparse_rows(Sgd { lr: 0.05, ..sgd }, 1, &data, &format!("{sgd:?} on all"));
    }
}

/// θ and v after three epochs.
fn equals_unfused_on_sparse_rows(sgd: Sgd, batch_size: usize, data: &Arc<Dataset>, what: &str) -> Vec<f32> {
    let trainer = Trainer { loader: Some(loader(400, rows(batch_size))), ..Trainer::new(sgd, Stop::epochs(3)) };
    let run = |objective: &mut dyn Objective| {
        let mut state = State::new(start(&objective_on(data)));
        assert_eq!(trainer.run(objective, None, &mut state, &mut []).unwrap(), StopReason::Epochs);
        assert_eq!(state.velocity.is_empty(), sgd.momentum == 0.0);
        [state.theta, state.velocity].concat()
    };
    let fused = run(&mut objective_on(data));
    assert_close(&fused, &run(&mut Unfused(objective_on(data))), 1e-5, what);
    fused
}

#[test]
fn whoever_watches_or_stops_a_lazily_penalised_run_changes_no_bit() {
    let data = rare_rows(0.01);
    for sgd in [
        Sgd { weight_decay: 0.02, ..Sgd::new(0.5) },
        Sgd { weight_decay: 0.02, l1: 0.003, ..Sgd::new(0.5) },
        Sgd { weight_decay: 0.02, momentum: 0.9, ..Sgd::new(0.1) },
    ] {
        for batch_size in [1, 2] {
            let looks = watched_or_stopped_is_the_same(sgd, batch_size, || objective_on(&data));
            // Nobody looks after every one of 600 steps and more, and yet often.
            assert!((10..300).contains(&looks), "{sgd:?}, {batch_size}: {looks}");
        }
    }
}

#[test]
fn a_lazily_penalised_run_ends_with_its_first_loss_that_is_not_finite() {
    let data = rare_rows(0.01);
    // The decay alone, with L1, with momentum: by a rate at which θ leaps out.
    let decaying = Sgd { weight_decay: 1e-9, ..Sgd::new(4e8) };
    for sgd in [decaying, Sgd { l1: 1e-9, ..decaying }, Sgd { momentum: 0.5, ..decaying }] {
        for batch_size in [1, 2] {
            let trainer = Trainer { loader: Some(loader(400, rows(batch_size))), ..Trainer::new(sgd, Stop::epochs(3)) };
            let mut state = State::new(start(&objective_on(&data)));
            let of =
                || EmpiricalLoss::new(objective_on(&data).model().clone(), Loss::Squared, Arc::clone(&data)).unwrap();
            let reason = trainer.run(&mut of(), None, &mut state, &mut []).unwrap();
            assert_eq!(reason, StopReason::Diverged, "{sgd:?}, {batch_size}");
            assert!(state.step > 2 && state.step < 200, "{sgd:?}, {batch_size}: {}", state.step);
        }
    }
}

#[test]
fn whoever_watches_or_stops_steps_that_are_computed_together_changes_no_bit() {
    let (dense, sparse) = twin_tables(Loss::CrossEntropy, 403, 40, 0.2, 15);
    for data in [dense, sparse] {
        let of = || objective(Loss::CrossEntropy, &[500, 7], &data);
        assert_eq!(watched_or_stopped_is_the_same(Sgd::new(0.02), 1, of), 3 * 403);
        let mut state = State::new(start(&of()));
        let trainer = |steps| Trainer {
            loader: Some(loader(403, rows(1))),
            ..Trainer::new(Sgd::new(0.02), Stop { steps: Some(steps), ..Stop::default() })
        };
        trainer(5).run(&mut of(), None, &mut state, &mut []).unwrap();
        // Between steps that are computed together, a run knows of the eleven rows to come; behind them of none.
        assert_eq!(state.ahead.len(), 11 * 500);
        trainer(16).run(&mut of(), None, &mut state, &mut []).unwrap();
        assert!(state.ahead.is_empty());
    }
}

/// How often can an objective be looked at in three epochs? Whoever does, and whoever stops it and goes on, changes no bit.
fn watched_or_stopped_is_the_same(sgd: Sgd, batch_size: usize, of: impl Fn() -> EmpiricalLoss) -> usize {
    let trainer =
        Trainer { loader: Some(loader(of().n_rows(), rows(batch_size))), ..Trainer::new(sgd, Stop::epochs(3)) };
    let run = |state: &mut State, observers: &mut [&mut dyn Observer]| {
        trainer.run(&mut of(), None, state, observers).unwrap()
    };
    let begin = || State::new(start(&of()));
    let mut alone = begin();
    run(&mut alone, &mut []);
    let (mut watched, mut every) = (begin(), History::every(1));
    run(&mut watched, &mut [&mut every]);
    assert_eq!(without_time(watched), without_time(alone.clone()));
    let mut stopped = begin();
    let reason = run(&mut stopped, &mut [&mut StopAfter { step: every.steps[1].0, epoch: 0 }]);
    assert_eq!((reason, stopped.step), (StopReason::Interrupted, every.steps[1].0));
    let mut stopped = through_a_file(stopped);
    run(&mut stopped, &mut []);
    assert_eq!(without_time(stopped), without_time(alone));
    every.steps.len()
}

fn objective_on(data: &Arc<Dataset>) -> EmpiricalLoss {
    objective(Loss::Logistic, &[], data)
}

// Sums with counts.

#[test]
fn the_parts_of_a_batch_add_up_to_the_whole() {
    let (dense, sparse) = twin_tables(Loss::CrossEntropy, 700, 20, 0.3, 9);
    for (data, hidden) in [(&dense, vec![]), (&sparse, vec![]), (&dense, vec![6])] {
        let mut objective = objective(Loss::CrossEntropy, &hidden, data);
        let theta = start(&objective);
        let order: Vec<u32> = (0..700).map(|i| (i * 13) % 700).collect();
        for (batch, cut) in [(Batch::all(700), 300), (Batch::Rows(&order), 1), (Batch::Range(5..5), 0)] {
            let mut over = |batch: Batch<'_>| {
                let mut gradient = objective.gradient();
                let loss = objective.loss_and_gradient(&theta, batch.clone(), &mut gradient);
                let same = objective.loss(&theta, batch);
                assert_eq!((loss.sum.to_bits(), loss.n_rows), (same.sum.to_bits(), same.n_rows));
                (loss, gradient)
            };
            let (whole, whole_gradient) = over(batch.clone());
            let (mut sum, mut gradient) = over(batch.part(0..cut));
            let (rest, rest_gradient) = over(batch.part(cut..batch.len()));
            sum += rest;
            gradient.add(&rest_gradient);
            assert_eq!((sum.n_rows, whole.n_rows), (batch.len() as u64, batch.len() as u64));
            // Matrix products round a row's scores according to the rows beside it.
            let rounding = if hidden.is_empty() { 1e-13 } else { 1e-8 };
            assert!((sum.sum - whole.sum).abs() <= rounding * whole.sum, "{sum:?} is not {whole:?}");
            assert_close(gradient.values(), whole_gradient.values(), 1e-6, "gradients of parts");
        }
    }
}

#[test]
fn a_gradient_over_many_rows_does_not_lose_the_small_ones() {
    // A million rows that pull alike: added one by one in f32 they would be lost in the growing sum.
    let n_rows = 1 << 20;
    let x = downslope::data::Matrix::new(n_rows, 1, vec![0.1; n_rows]).unwrap();
    let data = Arc::new(Dataset::new(downslope::data::Features::Dense(x), vec![0.05; n_rows]).unwrap());
    for hidden in [vec![], vec![2]] {
        let mut objective = objective(Loss::Squared, &hidden, &data);
        let theta = vec![0.3; objective.n_parameters()];
        let (mut one, mut all) = (objective.gradient(), objective.gradient());
        objective.loss_and_gradient(&theta, Batch::Range(0..1), &mut one);
        objective.loss_and_gradient(&theta, Batch::all(n_rows), &mut all);
        all.scale(1.0 / n_rows as f32);
        assert_close(all.values(), one.values(), 2e-5, &format!("mean of a million equal rows, hidden {hidden:?}"));
    }
}

// Orders.

#[test]
fn an_order_gives_the_same_bits_shuffled_or_given() {
    let data = dense_table(Loss::Logistic, 103, 5, 10);
    for last_batch in [LastBatch::Keep, LastBatch::Drop] {
        for batch_size in [1, 32, 102, 103] {
            let with = |order| DataLoader::new(103, rows(batch_size), order, last_batch);
            let shuffled = with(Order::Shuffled { seed: 3 });
            let orders = (0..4).map(|epoch| {
                let mut order = Vec::new();
                shuffled.write_order(epoch, &mut order);
                if batch_size == 103 { (0..103).rev().collect() } else { order }
            });
            let given = with(Order::Given(orders.collect()));
            let run = |loader| {
                let mut objective = objective(Loss::Logistic, &[6], &data);
                let mut state = State::new(start(&objective));
                let trainer = Trainer { loader: Some(loader), ..Trainer::new(Sgd::new(0.1), Stop::epochs(4)) };
                trainer.run(&mut objective, None, &mut state, &mut []).unwrap();
                assert_eq!(state.step, 4 * trainer.loader.unwrap().len() as u64);
                bits(&state.theta)
            };
            assert_eq!(run(shuffled.clone()), run(given), "batch {batch_size}");
            let other = run(with(Order::Sequential));
            assert_eq!(
                run(shuffled) == other,
                batch_size == 103,
                "batch {batch_size}: only a full batch has one order"
            );
        }
    }
}
