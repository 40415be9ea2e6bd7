//! Gradients and steps of dense rows of one score.

use super::*;

/// Σ wℓ and Σ w∇ℓ of rows of one score, by their formulas in `f64`.
fn plain_gradient(loss: Loss, table: &[f32], targets: Targets<'_>, theta: &[f32]) -> (f64, Vec<f64>) {
    let width = theta.len() - 1;
    let (mut total, mut gradient) = (0.0, vec![0.0; theta.len()]);
    for (number, row) in table.chunks_exact(width).enumerate() {
        let products = row.iter().zip(theta).map(|(&x, &w)| f64::from(x) * f64::from(w));
        let score = f64::from(theta[width]) + products.sum::<f64>();
        let weight = f64::from(targets.weight(number));
        let (value, derivative) = loss.of_score(score, f64::from(targets.value(number)), weight);
        total += weight * value;
        let with_one = row.iter().map(|&x| f64::from(x)).chain([1.0]);
        gradient.iter_mut().zip(with_one).for_each(|(sum, x)| *sum += derivative * x);
    }
    (total, gradient)
}

#[test]
fn gradients_of_one_score_agree_with_their_formula() {
    for width in (1..=70).chain([130, 300]) {
        for n_rows in [1, 15, 16, 70, 133] {
            let (table, theta) = (numbers(width * n_rows, 1), numbers(width + 1, 2));
            let theta: Vec<f32> = theta.into_iter().map(|value| 0.3 * value).collect();
            let targets: Vec<f32> = (0..n_rows).map(|row| (row % 2) as f32).collect();
            let weights = weights(n_rows);
            let targets = Targets { values: &targets, weights: (width % 2 == 0).then_some(&weights) };
            let (total, gradient) = plain_gradient(Loss::Logistic, &table, targets, &theta);
            // What is only fetched changes nothing, however much it is.
            let order: Vec<u32> = (0..n_rows as u32).rev().collect();
            let next = [None, Some(Batch::Rows(&order[..0])), Some(Batch::Rows(&order)), Some(Batch::Range(0..1))];
            let found = the_same_on_all("linear gradient", |machine| {
                let mut into = vec![0.0; width + 1];
                let next = next[width % 4].clone();
                let rows = LinearRows { loss: Loss::Logistic, x: Rows::all(&table, width), targets, next };
                let (positions, theta, into_it) = (0..n_rows, &theta, &mut into);
                let sum = run_on(machine, LinearGradient { rows, positions, theta, factor: 0.5, into: into_it });
                into.push(sum as f32);
                into
            });
            let what = format!("{n_rows} × {width}");
            assert_close(&found, gradient.into_iter().map(|sum| 0.5 * sum).chain([total]), 2e-5, &what);
        }
    }
}

#[test]
fn steps_of_small_batches_have_the_bits_of_gradients_taken_batch_by_batch() {
    let narrow =
        [(1, 2), (7, 5), (16, 32), (17, 3), (31, 16), (32, 1), (32, 15), (32, 100), (33, 20), (48, 33), (64, 64)];
    let shapes = narrow.into_iter().chain([(65, 64), (70, 47), (130, 16), (130, 1)]);
    for ((width, batch_size), rule) in shapes.flat_map(|shape| rules().map(|rule| (shape, rule))) {
        let n_rows = 137;
        let (table, start) = (numbers(width * n_rows, 1), numbers(width + 1, 2));
        let targets: Vec<f32> = (0..n_rows).map(|row| (row % 2) as f32).collect();
        let weights = weights(n_rows);
        let targets = Targets { values: &targets, weights: (width % 2 == 0).then_some(&weights) };
        let order: Vec<u32> = (0..n_rows as u32).map(|row| (5 * row) % n_rows as u32).collect();
        let rows = || LinearRows {
            loss: Loss::Logistic,
            x: Rows::new(&table, width, Batch::Rows(&order)),
            targets,
            next: None,
        };
        let found = the_same_on_all("linear steps", |machine| {
            let (mut theta, mut gradient, mut losses) = (start.clone(), vec![0.0; width + 1], StepLosses::default());
            let mut velocity = velocities(rule, width + 1);
            let (theta_of, gradient, losses_of) = (&mut theta, &mut gradient[..], &mut losses);
            let velocity_of = &mut velocity[..];
            let kernel = LinearSteps {
                rows: rows(),
                batch_size,
                rule,
                theta: theta_of,
                velocity: velocity_of,
                gradient,
                losses: losses_of,
            };
            run_on(machine, kernel);
            assert_eq!((losses.n_steps, losses.total.n_rows), (n_rows.div_ceil(batch_size) as u64, n_rows as u64));
            theta.extend([losses.total.sum as f32, losses.last.sum as f32]);
            theta.extend(velocity);
            theta
        });
        let (mut theta, mut total, mut last) = (start.clone(), 0.0, 0.0);
        let mut velocity = velocities(rule, width + 1);
        for first in (0..n_rows).step_by(batch_size) {
            let positions = first..(first + batch_size).min(n_rows);
            let (n, mut gradient) = (positions.len(), vec![0.0; width + 1]);
            let (theta_of, into) = (&theta, &mut gradient[..]);
            last = run(LinearGradient { rows: rows(), positions, theta: theta_of, factor: 1.0, into });
            total += last;
            if rule.is_plain() {
                axpy((-rule.lr / n as f64) as f32, &gradient, &mut theta);
                continue;
            }
            let factor = (1.0 / n as f64) as f32;
            for (rule, range) in [(rule, 0..width), (StepRule { l1: 0.0, ..rule }, width..width + 1)] {
                let of_range = if velocity.is_empty() { 0..0 } else { range.clone() };
                let (gradient, theta, velocity) =
                    (&gradient[range.clone()], &mut theta[range], &mut velocity[of_range]);
                run(Update { rule, is_first: false, factor, gradient, velocity, theta });
            }
        }
        theta.extend([total as f32, last as f32]);
        theta.extend(velocity);
        let bits = |values: &[f32]| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(&found), bits(&theta), "{width} in batches of {batch_size}");
    }
}

#[test]
fn a_gradient_of_no_rows_is_zero() {
    let (table, targets) = (numbers(70, 1), [0.0; 1]);
    let targets = Targets { values: &targets, weights: None };
    for width in [1, 32, 70] {
        let rows =
            LinearRows { loss: Loss::Squared, x: Rows::new(&table, width, Batch::Range(0..0)), targets, next: None };
        let (theta, mut into) = (vec![1.0; width + 1], vec![0.0; width + 1]);
        let kernel = LinearGradient { rows, positions: 0..0, theta: &theta, factor: 1.0, into: &mut into };
        assert_eq!(run(kernel).to_bits(), 0);
        assert_eq!(into, vec![0.0; width + 1]);
    }
}

#[test]
fn weights_that_do_not_suit_the_rows_are_refused() {
    let (table, targets) = (numbers(70, 1), [0.0; 70]);
    let targets = Targets { values: &targets, weights: None };
    for (width, n_weights, n_of_gradient) in [(7, 8, 8), (7, 6, 6), (32, 33, 33), (70, 80, 80), (7, 7, 9)] {
        let refused = std::panic::catch_unwind(|| {
            let rows = LinearRows { loss: Loss::Squared, x: Rows::all(&table, width), targets, next: None };
            let (theta, mut into) = (vec![1.0; n_weights + 1], vec![0.0; n_of_gradient + 1]);
            run(LinearGradient { rows, positions: 0..1, theta: &theta, factor: 1.0, into: &mut into })
        });
        assert!(refused.is_err(), "{n_weights} weights for {width} columns");
    }
}

#[test]
fn steps_end_after_a_batch_whose_loss_is_not_finite() {
    let (table, targets) = ([1.0, 2.0, f32::INFINITY, 3.0, 4.0, 5.0], [0.0; 6]);
    let targets = Targets { values: &targets, weights: None };
    let rows = LinearRows { loss: Loss::Squared, x: Rows::all(&table, 1), targets, next: None };
    let (mut theta, mut gradient, mut losses) = ([1.0, 0.0], [0.0; 2], StepLosses::default());
    let (theta, gradient) = (&mut theta[..], &mut gradient[..]);
    let (rule, velocity) = (StepRule::plain(0.1), &mut [][..]);
    run(LinearSteps { rows, batch_size: 2, rule, theta, velocity, gradient, losses: &mut losses });
    assert_eq!(losses.n_steps, 2);
    assert!(!losses.last.sum.is_finite());
}

#[test]
#[should_panic(expected = "every row is in the table")]
fn a_row_beyond_the_table_is_refused() {
    let (table, mut order) = (numbers(40, 1), vec![0; 16]);
    order[9] = 20;
    let mut out = [0.0; 16];
    let (x, out) = (Rows::new(&table, 2, Batch::Rows(&order)), MatrixMut::of_rows(&mut out, 1));
    run(Dots { x, weight: &[1.0, 1.0], bias: &[0.0], activation: None, out });
}

// Steps of one row.

#[test]
fn one_row_steps_agree_with_gradients_taken_row_by_row() {
    let widths = (1..=70).chain([128, 129, 200]);
    for (width, rule) in widths.flat_map(|width| rules().map(|rule| (width, rule))) {
        let n_rows = 37;
        let (table, start) = (numbers(width * n_rows, 1), numbers(width + 1, 2));
        let start: Vec<f32> = start.into_iter().map(|value| 0.3 * value).collect();
        let targets: Vec<f32> = (0..n_rows).map(|row| (row % 2) as f32).collect();
        let weights = weights(n_rows);
        let targets = Targets { values: &targets, weights: (width % 3 == 0).then_some(&weights) };
        let order: Vec<u32> = (0..n_rows as u32).map(|row| (5 * row) % n_rows as u32).collect();
        let steps = |machine, ends: &[usize]| {
            let (mut theta, mut losses, mut n_before) = (start.clone(), StepLosses::default(), 0);
            // What an earlier epoch has left means nothing.
            let (mut ahead, mut velocity) = (vec![7.0], velocities(rule, width + 1));
            for &end in ends {
                let x = Rows::new(&table, width, Batch::Rows(&order[n_before..]));
                let (loss, n_steps, ahead) = (Loss::Logistic, end - n_before, &mut ahead);
                let (theta, velocity, losses) = (&mut theta[..], &mut velocity[..], &mut losses);
                let steps = OneRowSteps { loss, x, n_steps, n_before, ahead, targets, rule, theta, velocity, losses };
                run_on(machine, steps);
                n_before = end;
            }
            assert_eq!((losses.n_steps, losses.total.n_rows), (n_rows as u64, n_rows as u64));
            theta.extend([losses.total.sum as f32, losses.last.sum as f32]);
            theta.extend(velocity);
            theta
        };
        let found = the_same_on_all("one-row steps", |machine| steps(machine, &[n_rows]));
        // However the steps are shared out, not a bit changes.
        for ends in [&[1, 18, n_rows][..], &[15, 16, 17, 31, 32, 33, 34, n_rows]] {
            assert_eq!(found, steps(Machine::Portable, ends), "{width}");
        }
        let mut theta: Vec<f64> = start.iter().map(|&value| f64::from(value)).collect();
        let mut velocity: Vec<f64> = velocities(rule, width + 1).iter().map(|&value| f64::from(value)).collect();
        let mut total = 0.0;
        for &row in &order {
            let row = row as usize;
            let rounded: Vec<f32> = theta.iter().map(|&value| value as f32).collect();
            let x = &table[row * width..][..width];
            let weights = targets.weights.map(|weights| &weights[row..=row]);
            let target = Targets { values: &targets.values[row..=row], weights };
            let (value, gradient) = plain_gradient(Loss::Logistic, x, target, &rounded);
            for (index, (theta, slope)) in theta.iter_mut().zip(gradient).enumerate() {
                let direction = slope + rule.weight_decay * *theta;
                let mut way = direction;
                if let Some(velocity) = velocity.get_mut(index) {
                    *velocity = rule.momentum * *velocity + (1.0 - rule.dampening) * direction;
                    way = if rule.nesterov { direction + rule.momentum * *velocity } else { *velocity };
                }
                *theta -= rule.lr * way;
                if index < width {
                    *theta = theta.signum() * (theta.abs() - rule.lr * rule.l1).max(0.0);
                }
            }
            total += value;
        }
        assert_close(&found[..=width], theta, 1e-5, &format!("{width} by {rule:?}"));
        assert_close(&found[width + 1..=width + 1], [total], 1e-5, &format!("{width} by {rule:?}"));
        assert_close(&found[width + 3..], velocity, 1e-5, &format!("velocities of {width} by {rule:?}"));
    }
}

#[test]
fn one_row_steps_end_with_the_first_loss_that_is_not_finite() {
    let (table, targets) = (vec![1.0, 1.0, 1e30, 1.0, 1.0], vec![0.0; 5]);
    // A weight of 0 hides no row that left the numbers.
    for (loss, weights) in
        [(Loss::Squared, None), (Loss::Poisson, None), (Loss::Squared, Some(&[1.0, 1.0, 0.0, 1.0, 1.0][..]))]
    {
        for machine in machines() {
            let (mut theta, mut losses) = (vec![1.0, 0.0], StepLosses::default());
            let (x, losses_of, theta) = (Rows::all(&table, 1), &mut losses, &mut theta);
            let targets = Targets { values: &targets, weights };
            let (n_steps, n_before, ahead, rule) = (5, 0, &mut Vec::new(), StepRule::plain(0.1));
            let (losses, velocity) = (losses_of, &mut [][..]);
            let steps = OneRowSteps { loss, x, n_steps, n_before, ahead, targets, rule, theta, velocity, losses };
            run_on(machine, steps);
            assert_eq!(losses.n_steps, 3, "{loss} on {machine:?}");
            assert!(!losses.last.sum.is_finite());
        }
    }
}

#[test]
fn one_row_steps_of_nothing_change_nothing_whatever_the_product_of_their_rows() {
    // Each row's score is far above its target's margin, and 1e25 · 1e25 is no number.
    let (table, targets) = ([1e25; 20], [1.0; 20]);
    for machine in machines() {
        let (theta, losses) = (&mut [1.0, 0.0][..], &mut StepLosses::default());
        let (x, targets) = (Rows::all(&table, 1), Targets { values: &targets, weights: None });
        let (loss, n_steps, n_before, ahead) = (Loss::Hinge, 20, 0, &mut Vec::new());
        let (rule, velocity) = (StepRule::plain(0.1), &mut [][..]);
        run_on(machine, OneRowSteps { loss, x, n_steps, n_before, ahead, targets, rule, theta, velocity, losses });
        assert_eq!((losses.n_steps, losses.total.sum, &theta[..]), (20, 0.0, &[1.0, 0.0][..]), "on {machine:?}");
    }
}
