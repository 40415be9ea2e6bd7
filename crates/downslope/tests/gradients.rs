//! Is every gradient the slope of its loss?
//!
//! The slope is taken by central differences of a forward pass written out again here, in `f64` and from the formulas
//! of the documentation, so that nothing is compared with itself.

#![allow(clippy::unwrap_used, reason = "all of this is tests")]
#![allow(clippy::cast_sign_loss, reason = "a class is a number from 0")]

mod support;

use downslope::data::{Dataset, Features};
use downslope::loader::Batch;
use downslope::loss::Loss;
use downslope::model::{Activation, Model};
use downslope::objective::{EmpiricalLoss, Gradient, Objective};
use support::{LOSSES, Numbers, assert_close, dense_table, model, twin_tables, weighted};

/// The loss of one row, by its formula.
fn loss_of_row(loss: Loss, scores: &[f64], target: f64) -> f64 {
    let (s, r, y) = (scores[0], scores[0] - target, 2.0 * target - 1.0);
    match loss {
        Loss::Squared => r * r,
        Loss::Absolute => r.abs(),
        Loss::Huber { delta } if r.abs() <= delta => 0.5 * r * r,
        Loss::Huber { delta } => delta * (r.abs() - 0.5 * delta),
        Loss::Quantile { tau } => (-tau * r).max((1.0 - tau) * r),
        Loss::Poisson => s.exp() - target * s,
        Loss::Logistic => (-y * s).exp().ln_1p(),
        Loss::CrossEntropy => scores.iter().map(|s| s.exp()).sum::<f64>().ln() - scores[target as usize],
        Loss::Hinge => (1.0 - y * s).max(0.0),
        Loss::SquaredHinge => (1.0 - y * s).max(0.0).powi(2),
    }
}

fn scores(model: &Model, theta: &[f64], row: &[f32]) -> Vec<f64> {
    let mut values: Vec<f64> = row.iter().map(|&x| f64::from(x)).collect();
    let widths: Vec<usize> = model.hidden.iter().copied().chain([model.n_outputs]).collect();
    let mut rest = theta;
    for (layer, &width) in widths.iter().enumerate() {
        let (weight, after) = rest.split_at(width * values.len());
        let (bias, after) = after.split_at(width);
        rest = after;
        let outputs = weight.chunks_exact(values.len()).zip(bias);
        values = outputs.map(|(w, b)| b + w.iter().zip(&values).map(|(w, a)| w * a).sum::<f64>()).collect();
        if layer + 1 < widths.len() {
            for z in &mut values {
                *z = if model.activation == Activation::Relu { z.max(0.0) } else { z.tanh() };
            }
        }
    }
    assert!(rest.is_empty());
    values
}

fn row(data: &Dataset, row: usize) -> &[f32] {
    let Features::Dense(x) = &data.features else { panic!("dense rows") };
    x.row(row)
}

fn sum_of_losses(model: &Model, loss: Loss, data: &Dataset, theta: &[f64], rows: &[u32]) -> f64 {
    let of_row = |&at: &u32| {
        let at = at as usize;
        f64::from(data.weight(at))
            * loss_of_row(loss, &scores(model, theta, row(data, at)), f64::from(data.targets[at]))
    };
    rows.iter().map(of_row).sum()
}

/// Σ w∇ℓ over some rows, by central differences.
fn slopes(model: &Model, loss: Loss, data: &Dataset, theta: &[f32], rows: &[u32]) -> Vec<f32> {
    let mut theta: Vec<f64> = theta.iter().map(|&value| value.into()).collect();
    let slope = |index: usize| {
        let (at, h) = (theta[index], 1e-6);
        let mut side = |value: f64| {
            theta[index] = value;
            sum_of_losses(model, loss, data, &theta, rows)
        };
        let (up, down) = (side(at + h), side(at - h));
        theta[index] = at;
        ((up - down) / (2.0 * h)) as f32
    };
    (0..model.n_parameters()).map(slope).collect()
}

fn gradient(objective: &mut EmpiricalLoss, theta: &[f32], batch: Batch<'_>) -> (f64, Gradient) {
    let mut gradient = objective.gradient();
    let loss = objective.loss_and_gradient(theta, batch, &mut gradient);
    (loss.sum, gradient)
}

fn every_model(loss: Loss, n_features: usize) -> Vec<Model> {
    let hidden: [&[usize]; 3] = [&[], &[7], &[7, 5]];
    let of =
        |hidden| [Activation::Relu, Activation::Tanh].map(|activation| model(loss, n_features, hidden, activation));
    hidden.into_iter().flat_map(of).collect()
}

/// A θ with no score at a kink. With `reach` the last layer is scaled until the largest score is ±`reach`.
fn theta_of(model: &Model, data: &Dataset, reach: Option<f64>) -> Vec<f32> {
    let mut theta = Numbers(17).take_f32(model.n_parameters());
    if let Some(reach) = reach {
        let wide: Vec<f64> = theta.iter().map(|&value| value.into()).collect();
        let all = (0..data.n_rows()).flat_map(|at| scores(model, &wide, row(data, at)));
        let factor = reach / all.fold(0.0_f64, |largest, score| largest.max(score.abs()));
        let last_layer = model.parts().iter().rev().nth(1).unwrap().range.start;
        theta[last_layer..].iter_mut().for_each(|value| *value *= factor as f32);
    }
    theta
}

fn check_part_by_part(model: &Model, loss: Loss, found: &[f32], slopes: &[f32], tolerance: f32) {
    for part in model.parts() {
        let what = format!("{loss}, hidden {:?}, {}: {}", model.hidden, model.activation, part.name);
        assert_close(&found[part.range.clone()], &slopes[part.range], tolerance, &what);
    }
}

/// More rows than are computed in one block.
const N_ROWS: usize = 300;

#[test]
fn every_gradient_is_the_slope_of_its_loss() {
    for (loss, weighs) in LOSSES.into_iter().flat_map(|loss| [(loss, false), (loss, true)]) {
        let data = dense_table(loss, N_ROWS, 6, 1);
        let data = if weighs { weighted(&data) } else { data };
        for model in every_model(loss, 6) {
            let theta = theta_of(&model, &data, None);
            let mut objective = EmpiricalLoss::new(model.clone(), loss, data.clone()).unwrap();
            let all: Vec<u32> = (0..N_ROWS as u32).collect();
            let some: Vec<u32> = (0..40).map(|i| (i * 77) % N_ROWS as u32).collect();
            for (batch, rows) in
                [(Batch::all(N_ROWS), &all), (Batch::Rows(&some), &some), (Batch::Range(3..4), &vec![3])]
            {
                let (sum, gradient) = gradient(&mut objective, &theta, batch);
                let wide: Vec<f64> = theta.iter().map(|&value| value.into()).collect();
                let expected = sum_of_losses(&model, loss, &data, &wide, rows);
                assert!((sum - expected).abs() <= 1e-5 * expected.abs().max(1.0), "{loss}: {sum} is not {expected}");
                let slopes = slopes(&model, loss, &data, &theta, rows);
                check_part_by_part(&model, loss, gradient.values(), &slopes, 2e-5);
            }
        }
    }
}

#[test]
fn gradients_hold_at_scores_of_a_hundred() {
    for loss in LOSSES {
        let data = dense_table(loss, 40, 6, 2);
        // e¹⁰⁰ is beyond f32: the gradient of `poisson` ends at e⁸⁸.
        let reach = if loss == Loss::Poisson { 80.0 } else { 100.0 };
        for model in every_model(loss, 6) {
            let theta = theta_of(&model, &data, Some(reach));
            let mut objective = EmpiricalLoss::new(model.clone(), loss, data.clone()).unwrap();
            let rows: Vec<u32> = (0..40).collect();
            let (sum, gradient) = gradient(&mut objective, &theta, Batch::all(40));
            assert!(sum.is_finite(), "{loss}: {sum}");
            let slopes = slopes(&model, loss, &data, &theta, &rows);
            check_part_by_part(&model, loss, gradient.values(), &slopes, 1e-4);
        }
    }
}

#[test]
fn logits_far_beyond_a_hundred_still_give_finite_gradients() {
    for loss in [Loss::Logistic, Loss::CrossEntropy, Loss::Hinge, Loss::SquaredHinge] {
        let data = dense_table(loss, 40, 6, 2);
        for model in every_model(loss, 6) {
            let theta = theta_of(&model, &data, Some(1e6));
            let mut objective = EmpiricalLoss::new(model, loss, data.clone()).unwrap();
            let (sum, gradient) = gradient(&mut objective, &theta, Batch::all(40));
            assert!(sum.is_finite() && gradient.values().iter().all(|value| value.is_finite()), "{loss}");
        }
    }
}

#[test]
fn dense_and_sparse_rows_have_the_same_gradient() {
    for (loss, weighs) in LOSSES.into_iter().flat_map(|loss| [(loss, false), (loss, true)]) {
        let (dense, sparse) = twin_tables(loss, N_ROWS, 40, 0.2, 3);
        let (dense, sparse) = if weighs { (weighted(&dense), weighted(&sparse)) } else { (dense, sparse) };
        for model in every_model(loss, 40) {
            let theta = theta_of(&model, &dense, None);
            let of = |data: &std::sync::Arc<Dataset>, batch| {
                let mut objective = EmpiricalLoss::new(model.clone(), loss, data.clone()).unwrap();
                gradient(&mut objective, &theta, batch)
            };
            let (_, of_one_row) = of(&sparse, Batch::Range(0..1));
            let ((dense_sum, dense), (sparse_sum, sparse)) =
                (of(&dense, Batch::all(N_ROWS)), of(&sparse, Batch::all(N_ROWS)));
            assert!((dense_sum - sparse_sum).abs() <= 1e-6 * dense_sum.abs().max(1.0), "{loss}");
            check_part_by_part(&model, loss, sparse.values(), dense.values(), 2e-5);
            // What is touched is remembered where it is little.
            assert_eq!(of_one_row.touched().is_some(), model.is_linear(), "{loss}");
            assert!(sparse.touched().is_none(), "{loss}");
        }
    }
}

/// Where weights are many, blocks of rows are large.
#[test]
fn sparse_rows_of_many_features_have_the_gradient_of_dense_ones() {
    let (dense, sparse) = twin_tables(Loss::Logistic, 700, 9_000, 0.01, 3);
    let model = model(Loss::Logistic, 9_000, &[], Activation::Relu);
    let theta = theta_of(&model, &dense, None);
    let rows: Vec<u32> = (0..690).map(|row| row * 7 % 300).collect();
    for batch in [Batch::all(700), Batch::Range(3..4), Batch::Rows(&rows)] {
        let of = |data: &std::sync::Arc<Dataset>| {
            let mut objective = EmpiricalLoss::new(model.clone(), Loss::Logistic, data.clone()).unwrap();
            let loss = objective.loss(&theta, batch.clone()).sum;
            (loss, gradient(&mut objective, &theta, batch.clone()))
        };
        let ((_, (dense_sum, dense)), (loss, (sparse_sum, sparse))) = (of(&dense), of(&sparse));
        assert_eq!(loss.to_bits(), sparse_sum.to_bits());
        assert!((dense_sum - sparse_sum).abs() <= 1e-6 * dense_sum.abs().max(1.0));
        check_part_by_part(&model, Loss::Logistic, sparse.values(), dense.values(), 2e-5);
    }
}

#[test]
fn a_sparse_gradient_touches_only_the_features_of_its_rows() {
    let (_, sparse) = twin_tables(Loss::CrossEntropy, 50, 1000, 0.01, 4);
    let Features::Sparse(x) = &sparse.features else { panic!("sparse rows") };
    let mut objective =
        EmpiricalLoss::new(model(Loss::CrossEntropy, 1000, &[], Activation::Relu), Loss::CrossEntropy, sparse.clone())
            .unwrap();
    let theta = vec![0.0; objective.n_parameters()];
    let (_, gradient) = gradient(&mut objective, &theta, Batch::Range(7..8));
    let mut touched = gradient.touched().unwrap().to_vec();
    touched.sort_unstable();
    let columns = x.row(7).0;
    let weights = (0..3).flat_map(|class| columns.iter().map(move |column| class * 1000 + column));
    assert_eq!(touched, weights.chain(3000..3003).collect::<Vec<_>>());
}

#[test]
fn a_gradient_is_not_spoilt_by_what_was_computed_before_it() {
    for loss in [Loss::Squared, Loss::CrossEntropy] {
        let data = dense_table(loss, N_ROWS, 6, 5);
        for model in every_model(loss, 6) {
            let theta = theta_of(&model, &data, None);
            let mut objective = EmpiricalLoss::new(model.clone(), loss, data.clone()).unwrap();
            let fresh = gradient(&mut objective, &theta, Batch::all(N_ROWS));
            for wild in [f32::NAN, f32::INFINITY] {
                let (lost, _) = gradient(&mut objective, &vec![wild; theta.len()], Batch::all(N_ROWS));
                assert!(!lost.is_finite(), "{loss} at {wild}");
                let again = gradient(&mut objective, &theta, Batch::all(N_ROWS));
                assert_eq!(again.0.to_bits(), fresh.0.to_bits(), "{loss} after {wild}");
                assert_eq!(support::bits(again.1.values()), support::bits(fresh.1.values()), "{loss} after {wild}");
            }
        }
    }
}
