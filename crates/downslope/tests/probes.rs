//! Do probes measure what they say?
//!
//! Everything is held against second derivatives, eigenvalues and gradients of rows computed here in `f64`
//! ([`support::algebra`]), or against what real runs do. `--nocapture` shows how far off each was.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "all of this is tests")]

mod support;

use std::sync::Arc;

use downslope::data::{
    Column, Dataset, EncodeOptions, Features, Generator, GeneratorKind, Matrix, Preprocessing, Scale, Table, Target,
};
use downslope::diagnosis::{best_constant_loss, columns, curvature, noise, quadratic};
use downslope::loader::Batch;
use downslope::loss::Loss;
use downslope::model::{Activation, Model};
use downslope::objective::{EmpiricalLoss, Gradient, LossSum, Objective};
use downslope::sgd::Sgd;
use downslope::state::State;
use downslope::stop::{Stop, StopReason};
use downslope::trainer::Trainer;
use support::algebra::{Linear, dot, largest_eigenvalue};
use support::{LOSSES, Numbers, generated, known_table, model, twin_tables, weighted, without_zeros};

/// A linear model on a table, with an output for each class.
fn linear(loss: Loss, n_classes: usize, data: &Arc<Dataset>) -> EmpiricalLoss {
    let n_outputs = if loss == Loss::CrossEntropy { n_classes } else { 1 };
    let model = Model { n_features: data.n_features(), hidden: vec![], activation: Activation::Relu, n_outputs };
    EmpiricalLoss::new(model, loss, data.clone()).unwrap()
}

/// θ after so many full-batch steps from zero.
fn trained(objective: &mut EmpiricalLoss, lr: f64, steps: u64) -> Vec<f32> {
    let mut state = State::new(vec![0.0; objective.n_parameters()]);
    Trainer::new(Sgd::new(lr), Stop::epochs(steps)).run(objective, None, &mut state, &mut []).unwrap();
    state.theta
}

fn spread(condition_number: f64, n_rows: usize, n_features: usize, seed: u64) -> Generator {
    Generator { kind: GeneratorKind::Regression, n_rows, n_features, condition_number, noise: 0.5, seed }
}

/// 1, 4.6, 21.5, 100 … 10⁶.
fn condition_numbers() -> impl Iterator<Item = (u64, f64)> {
    (0..10).map(|i| (i, 10_f64.powf(6.0 * i as f64 / 9.0)))
}

// The largest curvature.

/// Holds the probe against λmax at zero and after some training, and returns the largest error and share of rows.
fn worst_of_largest(name: &str, objective: &mut EmpiricalLoss) -> (f64, f64) {
    let (loss, data) = (objective.loss_function(), objective.data().clone());
    let zero = vec![0.0; objective.n_parameters()];
    let lambda_max = Linear::at(&zero, loss, &data).lambda_max();
    let learnt = trained(objective, 1.0 / lambda_max, 30);
    let mut worst = (0.0_f64, 0.0_f64);
    for (place, theta) in [("0", zero), ("learnt", learnt)] {
        let expected = Linear::at(&theta, loss, &data).lambda_max();
        let probed = curvature::largest(objective, &theta);
        let off = probed.lambda_max / expected - 1.0;
        let passes = probed.row_products as f64 / data.n_rows() as f64;
        println!("{name:32} {loss:14} at {place:6}: {expected:10.5} {off:+.2e} {passes:.2} passes");
        worst = (worst.0.max(off.abs()), worst.1.max(passes));
    }
    worst
}

#[test]
fn the_largest_curvature_of_known_tables_is_within_two_percent() {
    for (name, target, loss, n_classes) in [
        ("@diabetes", "target", Loss::Squared, 0),
        ("@breast-cancer", "target", Loss::Logistic, 2),
        ("@breast-cancer", "target", Loss::CrossEntropy, 2),
        ("@digits", "target", Loss::CrossEntropy, 10),
        ("california_housing.csv", "median_house_value", Loss::Squared, 0),
    ] {
        let Some((data, _)) = known_table(name, target) else { continue };
        let (off, _) = worst_of_largest(name, &mut linear(loss, n_classes, &data));
        assert!(off < 0.02, "{name}: {off}");
    }
}

#[test]
fn the_largest_curvature_of_any_spectrum_is_within_two_percent() {
    for (seed, condition) in condition_numbers() {
        for (kind, loss) in [
            (GeneratorKind::Regression, Loss::Squared),
            (GeneratorKind::Logistic, Loss::Logistic),
            (GeneratorKind::Softmax { n_classes: 4 }, Loss::CrossEntropy),
        ] {
            let (data, _) = generated(&Generator { kind, noise: 0.3, ..spread(condition, 2_000, 20, seed) });
            let Features::Dense(x) = &data.features else { panic!("dense rows") };
            let sparse = Dataset::new(Features::Sparse(without_zeros(x)), data.targets.clone()).unwrap();
            for (form, data) in [("", data.clone()), ("sparse", Arc::new(sparse)), ("weighted", weighted(&data))] {
                let name = format!("condition {condition:.0} {form}");
                let (off, passes) = worst_of_largest(&name, &mut linear(loss, 4, &data));
                assert!(off < 0.02 && passes < 14.0, "{name}, {loss}: {off}, {passes} passes");
            }
        }
    }
}

/// Where there are many rows most of the work is on some of them.
#[test]
fn the_largest_curvature_of_many_rows_costs_few_passes() {
    for (n_rows, most_passes) in [(12_000, 7.0), (60_000, 4.0)] {
        for (seed, condition) in condition_numbers().step_by(3) {
            let (data, optimum) = generated(&spread(condition, n_rows, 12, seed));
            let mut objective = linear(Loss::Squared, 0, &data);
            let probed = curvature::largest(&mut objective, &[0.0; 13]);
            let (off, passes) =
                (probed.lambda_max / optimum.lambda_max - 1.0, probed.row_products as f64 / n_rows as f64);
            println!("{n_rows} rows, condition {condition:.0}: {off:+.2e}, {passes:.2} passes");
            assert!(off.abs() < 0.02 && passes < most_passes, "{n_rows} rows, condition {condition}: {probed:?}");
        }
    }
}

// The limit of stability.

/// Runs just below and just above the limit that was probed.
fn check_limit(name: &str, objective: &mut EmpiricalLoss, epochs: u64) {
    let zero = vec![0.0; objective.n_parameters()];
    let lambda_max = curvature::largest(objective, &zero).lambda_max;
    let plain = Sgd::default();
    let heavy = Sgd { momentum: 0.9, ..plain };
    for sgd in [plain, heavy, Sgd { dampening: 0.5, ..heavy }, Sgd { nesterov: true, ..heavy }] {
        let limit = curvature::stability_limit(lambda_max, &sgd);
        for (share, diverges) in [(0.98, false), (1.05, true)] {
            let mut state = State::new(zero.clone());
            let trainer = Trainer::new(Sgd { lr: share * limit, ..sgd }, Stop::epochs(epochs));
            let reason = trainer.run(objective, None, &mut state, &mut []).unwrap();
            let what = format!("{name}, {share} of the limit, {sgd:?}: {reason}, {:?}", state.train_losses.last());
            assert_eq!(reason == StopReason::Diverged, diverges, "{what}");
            assert!(diverges || *state.train_losses.last().unwrap() < state.initial_loss, "{what}");
        }
    }
}

#[test]
fn descent_just_below_the_probed_limit_holds_and_just_above_diverges() {
    for (seed, condition) in condition_numbers() {
        let (data, _) = generated(&spread(condition, 400, 10, 100 + seed));
        check_limit(&format!("condition {condition:.0}"), &mut linear(Loss::Squared, 0, &data), 400);
    }
    for (name, target) in [("@diabetes", "target"), ("california_housing.csv", "median_house_value")] {
        let Some((data, _)) = known_table(name, target) else { continue };
        check_limit(name, &mut linear(Loss::Squared, 0, &data), 250);
    }
}

// Rows.

/// An objective that has only what every objective must have.
struct Bare(EmpiricalLoss);

impl Objective for Bare {
    fn n_parameters(&self) -> usize {
        self.0.n_parameters()
    }

    fn n_rows(&self) -> usize {
        self.0.n_rows()
    }

    fn loss_and_gradient(&mut self, theta: &[f32], batch: Batch<'_>, gradient: &mut Gradient) -> LossSum {
        self.0.loss_and_gradient(theta, batch, gradient)
    }
}

/// Every loss and model on dense and sparse rows, with and without weights: and a θ away from zero.
fn for_each_objective(mut check: impl FnMut(&str, &mut dyn FnMut() -> EmpiricalLoss, &[f32])) {
    for loss in LOSSES {
        let (dense, sparse) = twin_tables(loss, 300, 6, 0.6, 3);
        let tables = [
            ("dense", dense.clone()),
            ("sparse", sparse.clone()),
            ("dense, weighted", weighted(&dense)),
            ("sparse, weighted", weighted(&sparse)),
        ];
        for (form, data) in tables {
            for hidden in [&[][..], &[7], &[5, 4]] {
                let model = model(loss, 6, hidden, Activation::Tanh);
                let theta: Vec<f32> = Numbers(29).take_f32(model.n_parameters()).iter().map(|t| 0.5 * t).collect();
                let mut make = || EmpiricalLoss::new(model.clone(), loss, data.clone()).unwrap();
                check(&format!("{loss}, {form}, hidden {hidden:?}"), &mut make, &theta);
            }
        }
    }
}

#[track_caller]
fn assert_near(found: &[f64], expected: &[f64], tolerance: f64, what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    let scale = expected.iter().fold(1e-3_f64, |largest, x| largest.max(x.abs()));
    for (index, (found, expected)) in found.iter().zip(expected).enumerate() {
        assert!((found - expected).abs() <= tolerance * scale, "{what}: {index}: {found} is not {expected}");
    }
}

/// All rows, and some in an order of their own, more than are computed in one block.
fn some_rows() -> Vec<u32> {
    (0..290).map(|i| (i * 77) % 300).collect()
}

#[test]
fn the_norms_of_rows_are_those_of_their_own_gradients() {
    for_each_objective(|name, make, theta| {
        let rows = some_rows();
        let told = make().squared_gradient_norms(theta, Batch::Rows(&rows));
        let each = Bare(make()).squared_gradient_norms(theta, Batch::Rows(&rows));
        assert_near(&told, &each, 1e-5, name);
    });
}

#[test]
fn products_are_those_of_the_second_derivative() {
    for_each_objective(|name, make, theta| {
        let rows = some_rows();
        let v: Vec<f64> = Numbers(31).take(theta.len()).collect();
        let (mut told, mut differences) = (vec![0.0; v.len()], vec![0.0; v.len()]);
        let mut objective = make();
        objective.curvature(theta, Batch::Rows(&rows))(&v, &mut told);
        if objective.model().is_linear() {
            let mut by_formula = Linear::at(theta, objective.loss_function(), objective.data());
            by_formula.rows = rows.iter().map(|&row| by_formula.rows[row as usize].clone()).collect();
            by_formula.bends = rows.iter().map(|&row| by_formula.bends[row as usize].clone()).collect();
            assert_near(&told, &by_formula.product(&v), 1e-5, name);
            let diagonal = objective.curvature_diagonal(theta, Batch::Rows(&rows)).unwrap();
            let mut product = objective.curvature(theta, Batch::Rows(&rows));
            let of_units: Vec<f64> = (0..v.len())
                .map(|i| {
                    let unit: Vec<f64> = (0..v.len()).map(|j| f64::from(u8::from(i == j))).collect();
                    let mut out = vec![0.0; v.len()];
                    product(&unit, &mut out);
                    out[i]
                })
                .collect();
            assert_near(&diagonal, &of_units, 1e-5, name);
        } else {
            assert_eq!(objective.curvature_diagonal(theta, Batch::Rows(&rows)), None, "{name}");
            assert_eq!(objective.row_curvatures(theta), None, "{name}");
        }
        // What has a second derivative everywhere bends as the gradients say.
        if matches!(objective.loss_function(), Loss::Squared | Loss::Poisson | Loss::Logistic | Loss::CrossEntropy) {
            let mut bare = Bare(make());
            bare.curvature(theta, Batch::Rows(&rows))(&v, &mut differences);
            assert_near(&told, &differences, 1e-3, name);
        }
    });
}

#[test]
fn the_curvature_of_a_row_is_the_largest_eigenvalue_of_its_own_second_derivative() {
    for_each_objective(|name, make, theta| {
        let mut objective = make();
        let Some(told) = objective.row_curvatures(theta) else { return };
        let by_formula = Linear::at(theta, objective.loss_function(), objective.data());
        for (row, told) in told.iter().enumerate() {
            let x = &by_formula.rows[row];
            let expected = dot(x, x) * largest_eigenvalue(by_formula.bends[row].clone());
            let slack = 1e-5 * expected.max(0.1);
            assert!(*told >= expected - slack, "{name}, row {row}: {told} is below {expected}");
            let most = if objective.loss_function() == Loss::CrossEntropy { 1.35 } else { 1.0 };
            assert!(*told <= most * expected + slack, "{name}, row {row}: {told} is above {expected}");
        }
    });
}

// The noise of rows.

fn normal(numbers: &mut Numbers) -> f64 {
    let (u, v) = (f64::midpoint(numbers.next().unwrap(), 1.0), numbers.next().unwrap());
    (-2.0 * (1.0 - u).ln()).sqrt() * (std::f64::consts::PI * v).cos()
}

/// Student's t. With three degrees of freedom squares have no variance, with five they do.
fn heavy<const DEGREES: usize>(numbers: &mut Numbers) -> f64 {
    let squares: f64 = (0..DEGREES).map(|_| normal(numbers).powi(2)).sum();
    normal(numbers) / (squares / DEGREES as f64).sqrt()
}

fn made(n_rows: usize, feature: fn(&mut Numbers) -> f64, error: fn(&mut Numbers) -> f64) -> Arc<Dataset> {
    let mut numbers = Numbers(41);
    let values: Vec<f32> = (0..n_rows * 8).map(|_| feature(&mut numbers) as f32).collect();
    let targets = values.chunks(8).map(|x| x[0] + 0.5 * x[1] + error(&mut numbers) as f32).collect();
    Arc::new(Dataset::new(Features::Dense(Matrix::new(n_rows, 8, values).unwrap()), targets).unwrap())
}

/// tr Σ and `B_simple` of all rows, and how they are told by an eighth of them, drawn by so many seeds: the middle error of
/// each, and how many of the stated intervals hold the truth.
fn told_by_an_eighth(objective: &mut EmpiricalLoss, theta: &[f32], seeds: u64) -> ([f64; 2], [u64; 2]) {
    let n_rows = objective.n_rows();
    let (trace, squared_gradient) = Linear::at(theta, objective.loss_function(), objective.data()).noise();
    let b_simple = trace / squared_gradient;
    let all = noise::scale(objective, theta, Some(n_rows), 1);
    assert!((all.trace / trace - 1.0).abs() < 1e-3 && (all.b_simple / b_simple - 1.0).abs() < 1e-3, "{all:?}");
    assert!(all.trace_error <= 0.0 && all.b_simple_low >= all.b_simple && all.b_simple_high <= all.b_simple);
    let (mut errors, mut held) = ([Vec::new(), Vec::new()], [0, 0]);
    for seed in 0..seeds {
        let told = noise::scale(objective, theta, Some(n_rows / 8), seed);
        held[0] += u64::from((told.trace - trace).abs() <= told.trace_error);
        held[1] += u64::from((told.b_simple_low..=told.b_simple_high).contains(&b_simple));
        errors[0].push(told.trace / trace - 1.0);
        errors[1].push(told.b_simple / b_simple - 1.0);
    }
    let middle = errors.map(|mut errors| {
        errors.sort_by(f64::total_cmp);
        errors[errors.len() / 2]
    });
    (middle, held)
}

#[test]
fn the_noise_of_rows_is_told_with_an_interval_that_holds_it() {
    const SEEDS: u64 = 100;
    let (squared, huber) = (Loss::Squared, Loss::Huber { delta: 1.0 });
    let plain = made(4096, normal, normal);
    let kind = GeneratorKind::Logistic;
    let (two, _) = generated(&Generator { kind, noise: 0.2, ..spread(10.0, 4096, 8, 1) });
    for (name, loss, data, least_held) in [
        ("normal, weighted", squared, weighted(&plain), [90, 90]),
        ("normal", squared, plain, [90, 90]),
        ("two classes", Loss::Logistic, two, [90, 90]),
        ("far errors", squared, made(4096, normal, heavy::<3>), [90, 90]),
        ("far features", huber, made(4096, heavy::<5>, heavy::<3>), [90, 90]),
        // A few rows make up a tenth of it, and most samples have met none of them: no interval could know.
        ("very far features", huber, made(4096, heavy::<3>, heavy::<3>), [60, 90]),
    ] {
        let mut objective = linear(loss, 2, &data);
        let zero = vec![0.0; objective.n_parameters()];
        let lambda_max = curvature::largest(&mut objective, &zero).lambda_max;
        let learnt = trained(&mut objective, 0.2 / lambda_max, 3);
        for theta in [zero, learnt] {
            let (middle, held) = told_by_an_eighth(&mut objective, &theta, SEEDS);
            println!(
                "{name:20}: tr Σ {:+.3}, held by {}; B_simple {:+.3}, held by {}",
                middle[0], held[0], middle[1], held[1]
            );
            assert!(held[0] >= least_held[0] && held[1] >= least_held[1], "{name}: {held:?}");
            let far = if least_held[0] < 90 { 0.15 } else { 0.05 };
            assert!(middle.iter().all(|off| off.abs() < far), "{name}: {middle:?}");
        }
    }
}

/// Where the gradient is nothing but noise, no number is made up for it.
#[test]
fn a_gradient_lost_in_noise_is_told_as_unbounded() {
    let data = made(4096, normal, normal);
    let mut objective = linear(Loss::Squared, 0, &data);
    let lowest = trained(&mut objective, 0.3, 200);
    let told: Vec<noise::Scale> = (0..20).map(|seed| noise::scale(&mut objective, &lowest, Some(512), seed)).collect();
    assert!(told.iter().all(|scale| scale.b_simple_high.is_infinite() && scale.b_simple_low > 100.0), "{told:?}");
    assert!(told.iter().all(|scale| scale.b_simple > 0.0 && scale.squared_gradient >= 0.0), "{told:?}");
}

// The parabola.

/// Holds the steps that the parabola tells against those of a run that stops at the same share of the excess.
fn check_steps(data: &Arc<Dataset>, lowest: f64, condition: f64) {
    let mut objective = linear(Loss::Squared, 0, data);
    let zero = vec![0.0; objective.n_parameters()];
    let n_rows = data.n_rows();
    let parabola = quadratic::touching(&mut objective, &zero, Batch::all(n_rows));
    let excess = objective.loss(&zero, Batch::all(n_rows)).mean() - lowest;
    assert!((parabola.excess() / excess - 1.0).abs() < 1e-3, "{condition}: {} is not {excess}", parabola.excess());
    for lr in [1.0 / 2.0, 0.1 / 2.0] {
        let plain = Sgd::new(lr);
        let heavy = Sgd { momentum: 0.9, ..plain };
        for sgd in [plain, heavy, Sgd { dampening: 0.5, ..heavy }, Sgd { nesterov: true, ..heavy }] {
            for share in [0.01, 1e-4] {
                let told = parabola.steps_to(share, &sgd).unwrap();
                if told > 4_000 {
                    continue;
                }
                let target = Some(lowest + share * excess);
                let stop = Stop { target, epochs: Some(3 * told + 10), ..Stop::default() };
                let mut state = State::new(zero.clone());
                Trainer::new(sgd, stop).run(&mut objective, None, &mut state, &mut []).unwrap();
                let ratio = told as f64 / state.step as f64;
                println!("condition {condition}, share {share}: told {told}, took {}, {ratio:.3}, {sgd:?}", state.step);
                assert!(
                    (0.9..1.1).contains(&ratio),
                    "condition {condition}, {sgd:?}: told {told}, took {}",
                    state.step
                );
            }
        }
    }
}

#[test]
fn a_run_takes_as_many_steps_as_the_parabola_says() {
    for condition in [10.0, 100.0, 1e3, 1e4] {
        // As many products as directions, and fewer.
        for n_features in [10, 60] {
            let (data, optimum) = generated(&spread(condition, 400, n_features, 7));
            check_steps(&data, optimum.loss.unwrap(), condition);
        }
    }
}

// Columns.

fn table(columns: &[(&str, &[f64])], target: &str) -> (Arc<Dataset>, Preprocessing) {
    let column = |&(name, values): &(&str, &[f64])| Column::numbers(name, values.to_vec());
    let table = Table::from_columns("made", columns.iter().map(column).collect()).unwrap();
    let (target, _) = Target::choose(&table, Some(target), None).unwrap();
    let options = EncodeOptions { scale: Scale::None, ..EncodeOptions::default() };
    let (preprocessing, _) = Preprocessing::learn(&table, &target, &table.rows(), &options).unwrap();
    let (data, _) = preprocessing.dataset(&table, &table.rows()).unwrap();
    (Arc::new(data), preprocessing)
}

#[test]
fn the_steepest_and_the_flattest_column_are_named_with_their_curvatures() {
    let columns: [(&str, &[f64]); 3] =
        [("large", &[10.0, -20.0, 30.0]), ("small", &[0.1, 0.2, -0.1]), ("y", &[1.5, 2.5, 3.7])];
    let (data, preprocessing) = table(&columns, "y");
    let mut objective = linear(Loss::Squared, 0, &data);
    let scales = columns::scales(&mut objective, &[0.0; 3], Batch::all(3), &preprocessing).unwrap();
    assert_eq!((&scales.steepest.0[..], &scales.flattest.0[..]), ("large", "small"));
    // 2·(100 + 400 + 900)/3 and 2·(0.01 + 0.04 + 0.01)/3
    assert!((scales.steepest.1 - 2800.0 / 3.0).abs() < 1e-3 && (scales.flattest.1 - 0.04).abs() < 1e-6, "{scales:?}");
    // Of two classes at p = ½ each bends by p(1 − p) = ¼, and both together by ½.
    let mut objective =
        linear(Loss::CrossEntropy, 2, &Arc::new(Dataset::new(data.features.clone(), vec![0.0, 1.0, 1.0]).unwrap()));
    let scales = columns::scales(&mut objective, &[0.0; 6], Batch::all(3), &preprocessing).unwrap();
    assert!((scales.steepest.1 - 700.0 / 3.0).abs() < 1e-3 && (scales.flattest.1 - 0.01).abs() < 1e-6, "{scales:?}");
    let hidden = model(Loss::Squared, 2, &[3], Activation::Relu);
    let mut objective = EmpiricalLoss::new(hidden, Loss::Squared, data).unwrap();
    let theta = vec![0.1; objective.n_parameters()];
    assert_eq!(columns::scales(&mut objective, &theta, Batch::all(3), &preprocessing), None);
}

#[test]
fn the_column_that_goes_with_the_target_is_named_with_its_share() {
    // Σ(a−ā)(y−ȳ) = 8, Σ(a−ā)² = 10, Σ(y−ȳ)² = 8: r² = 64/80. b hardly goes with y.
    let columns: [(&str, &[f64]); 3] =
        [("b", &[1.0, -2.0, 2.0, -2.0, 1.0]), ("a", &[1.0, 2.0, 3.0, 4.0, 5.0]), ("y", &[1.0, 2.0, 4.0, 4.0, 4.0])];
    let (data, preprocessing) = table(&columns, "y");
    let ten_times = |n_rows: u32| (0..10 * n_rows).map(|row| row % n_rows).collect::<Vec<_>>();
    let five = ten_times(5);
    let told = columns::telltale(&data, &Batch::Rows(&five), 0, &preprocessing).unwrap();
    let adjusted = 1.0 - (1.0 - 64.0 / 80.0) * 49.0 / 48.0;
    assert!(told.column == "a" && (told.explains - adjusted).abs() < 1e-6, "{told:?}");
    // Five rows show nothing.
    assert_eq!(columns::telltale(&data, &Batch::all(5), 0, &preprocessing), None);
    // Classes 0, 0, 1, 1: a lies at 1, 2 | 3, 4, so 4 of its 5 lie between them.
    let columns: [(&str, &[f64]); 2] = [("b", &[1.0, 2.0, 1.0, 2.0]), ("a", &[1.0, 2.0, 3.0, 4.0])];
    let (x, preprocessing) = table(&[columns[0], columns[1], ("y", &[0.3, 0.6, 0.1, 0.9])], "y");
    let data = Dataset::new(x.features.clone(), vec![0.0, 0.0, 1.0, 1.0]).unwrap();
    let four = ten_times(4);
    let told = columns::telltale(&data, &Batch::Rows(&four), 2, &preprocessing).unwrap();
    let adjusted = 1.0 - 0.2 * 39.0 / 38.0;
    assert!(told.column == "a" && (told.explains - adjusted).abs() < 1e-6, "{told:?}");
    // A column that never changes explains nothing, and is not divided by its spread.
    let told = columns::telltale(&data, &Batch::Rows(&[0; 40]), 2, &preprocessing);
    assert_eq!(told, None);
    let Features::Dense(x) = &data.features else { panic!("dense rows") };
    let sparse = Dataset::new(Features::Sparse(without_zeros(x)), data.targets.clone()).unwrap();
    let of_sparse = columns::telltale(&sparse, &Batch::Rows(&four), 2, &preprocessing).unwrap();
    assert!((of_sparse.explains - adjusted).abs() < 1e-6);
}

#[test]
fn the_best_constant_is_never_beaten_by_another_whatever_rows_weigh() {
    for loss in LOSSES {
        let (dense, _) = twin_tables(loss, 200, 3, 1.0, 9);
        for data in [dense.clone(), weighted(&dense)] {
            let n_classes = if loss == Loss::CrossEntropy { 3 } else { 2 };
            let told = best_constant_loss(loss, &data, n_classes);
            let n_scores = if loss == Loss::CrossEntropy { 3 } else { 1 };
            let mean = |scores: &[f32]| {
                let of_row = |(row, &t): (usize, &f32)| f64::from(data.weight(row)) * loss.value(scores, t);
                data.targets.iter().enumerate().map(of_row).sum::<f64>() / data.n_rows() as f64
            };
            // Descends along one score after the other by ever smaller steps.
            let (mut scores, mut step) = (vec![0.0_f32; n_scores], 1.0_f32);
            let mut lowest = mean(&scores);
            while step > 1e-5 {
                let before = lowest;
                for index in 0..n_scores {
                    for sign in [1.0, -1.0] {
                        let mut other = scores.clone();
                        other[index] += sign * step;
                        if mean(&other) < lowest {
                            (lowest, scores) = (mean(&other), other);
                        }
                    }
                }
                if lowest >= before {
                    step *= 0.5;
                }
            }
            assert!((told - lowest).abs() < 1e-4 * lowest.max(0.1), "{loss}: {told} is not {lowest}");
        }
    }
}
