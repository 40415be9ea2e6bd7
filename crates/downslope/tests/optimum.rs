//! Does descent arrive where algebra says, at the speed algebra says?

#![allow(clippy::unwrap_used, reason = "all of this is tests")]
#![allow(clippy::needless_range_loop, reason = "matrices are read by row and column")]

mod support;

use std::sync::Arc;

use downslope::data::{Dataset, Generator, GeneratorKind};
use downslope::diagnosis::curvature;
use downslope::loss::Loss;
use downslope::objective::{EmpiricalLoss, Objective};
use downslope::sgd::Sgd;
use downslope::state::State;
use downslope::stop::{Stop, StopReason};
use downslope::trainer::Trainer;
use support::algebra::{eigen, rows_with_one};
use support::{Path, dense_table, generated, objective};

/// Solves A·x = b by Gaussian elimination with pivoting.
fn solve(mut a: Vec<Vec<f64>>, mut b: Vec<f64>) -> Vec<f64> {
    let n = b.len();
    for column in 0..n {
        let pivot = (column..n).max_by(|&i, &j| a[i][column].abs().total_cmp(&a[j][column].abs())).unwrap();
        a.swap(column, pivot);
        b.swap(column, pivot);
        for row in column + 1..n {
            let factor = a[row][column] / a[column][column];
            for k in column..n {
                a[row][k] -= factor * a[column][k];
            }
            b[row] -= factor * b[column];
        }
    }
    for row in (0..n).rev() {
        let known: f64 = (row + 1..n).map(|k| a[row][k] * b[k]).sum();
        b[row] = (b[row] - known) / a[row][row];
    }
    b
}

/// 2·X̃ᵀX̃/n and 2·X̃ᵀy/n: where their equation holds, the squared loss is lowest.
fn normal_equations(data: &Dataset) -> (Vec<Vec<f64>>, Vec<f64>) {
    let rows = rows_with_one(data);
    let share = 2.0 / rows.len() as f64;
    let d = rows[0].len();
    let entry = |i: usize, j: usize| share * rows.iter().map(|row| row[i] * row[j]).sum::<f64>();
    let matrix = (0..d).map(|i| (0..d).map(|j| entry(i, j)).collect()).collect();
    let side = |i: usize| share * rows.iter().zip(&data.targets).map(|(row, &t)| row[i] * f64::from(t)).sum::<f64>();
    (matrix, (0..d).map(side).collect())
}

/// A quadratic whose second derivative has the eigenvalues 2, 2 and down to 2/`condition_number`, as a table.
fn quadratic(condition_number: f64, noise: f64) -> (Arc<Dataset>, Vec<f64>) {
    let kind = GeneratorKind::Regression;
    let generator = Generator { kind, n_rows: 60, n_features: 4, condition_number, noise, seed: 11 };
    let (data, optimum) = generated(&generator);
    let lowest = optimum.weights[0].iter().chain(&optimum.bias).copied().collect();
    (data, lowest)
}

fn path_of(objective: &mut EmpiricalLoss, sgd: Sgd, epochs: u64) -> (StopReason, Vec<Vec<f32>>) {
    let mut state = State::new(vec![0.0; objective.n_parameters()]);
    let mut path = Path::default();
    let reason = Trainer::new(sgd, Stop::epochs(epochs)).run(objective, None, &mut state, &mut [&mut path]).unwrap();
    (reason, path.0)
}

fn distance(theta: &[f32], lowest: &[f64]) -> f64 {
    theta.iter().zip(lowest).map(|(&t, l)| (f64::from(t) - l).powi(2)).sum::<f64>().sqrt()
}

#[test]
fn least_squares_meets_the_normal_equations() {
    for seed in 1..4 {
        let data = dense_table(Loss::Squared, 500, 8, seed);
        let (matrix, side) = normal_equations(&data);
        let lambda_max = eigen(matrix.clone()).iter().fold(0.0_f64, |largest, (value, _)| largest.max(*value));
        let lowest = solve(matrix, side);
        let (reason, path) = path_of(&mut objective(Loss::Squared, &[], &data), Sgd::new(1.0 / lambda_max), 400);
        assert_eq!(reason, StopReason::Epochs);
        let away = distance(path.last().unwrap(), &lowest);
        assert!(away < 1e-5, "{away} away");
    }
}

#[test]
fn the_error_along_each_eigenvector_shrinks_at_its_own_rate() {
    let (data, lowest) = quadratic(20.0, 0.5);
    let directions = eigen(normal_equations(&data).0);
    for lr in [0.3, 0.5, 0.8, 0.95] {
        let (_, path) = path_of(&mut objective(Loss::Squared, &[], &data), Sgd::new(lr), 30);
        assert_eq!(path.len(), 31);
        let along = |theta: &[f32], vector: &[f64]| -> f64 {
            theta.iter().zip(&lowest).zip(vector).map(|((&t, l), v)| (f64::from(t) - l) * v).sum()
        };
        for (value, vector) in &directions {
            for steps in path.windows(2) {
                let (before, after) = (along(&steps[0], vector), along(&steps[1], vector));
                let expected = (1.0 - lr * value) * before;
                assert!((after - expected).abs() < 2e-6, "lr {lr}, eigenvalue {value}: {after} is not {expected}");
            }
        }
    }
}

/// Starts with much noise in the targets, so that the loss stays near its floor while an error along the steepest
/// direction grows or shrinks: what is judged is where it ends, not how it begins.
fn ends(sgd: Sgd, epochs: u64) -> (StopReason, f64) {
    let (data, lowest) = quadratic(5.0, 30.0);
    let (reason, path) = path_of(&mut objective(Loss::Squared, &[], &data), sgd, epochs);
    (reason, distance(path.last().unwrap(), &lowest))
}

#[test]
fn a_rate_below_two_over_the_largest_curvature_converges_and_one_above_diverges() {
    let limit = 2.0 / 2.0;
    let (reason, away) = ends(Sgd::new(0.98 * limit), 500);
    assert!(reason == StopReason::Epochs && away < 1e-3, "{reason}, {away} away");
    let (reason, _) = ends(Sgd::new(1.02 * limit), 500);
    assert_eq!(reason, StopReason::Diverged);
}

#[test]
fn momentum_moves_the_limit_as_the_formula_says() {
    for momentum in [0.5, 0.9] {
        for (dampening, nesterov) in [(0.0, false), (0.5, false), (0.0, true)] {
            let sgd = Sgd { momentum, dampening, nesterov, ..Sgd::default() };
            let limit = curvature::stability_limit(2.0, &sgd);
            let (reason, away) = ends(Sgd { lr: 0.97 * limit, ..sgd }, 800);
            assert!(reason == StopReason::Epochs && away < 1e-3, "{sgd:?}: {reason}, {away} away");
            let (reason, _) = ends(Sgd { lr: 1.03 * limit, ..sgd }, 800);
            assert_eq!(reason, StopReason::Diverged, "{sgd:?}");
        }
    }
}

#[test]
fn the_probed_curvature_is_the_one_that_was_made() {
    let (data, _) = quadratic(5.0, 1.0);
    let probed = curvature::largest(&mut objective(Loss::Squared, &[], &data), &[0.0; 5]);
    assert!((probed.lambda_max - 2.0).abs() < 2e-3, "{probed:?}");
}
