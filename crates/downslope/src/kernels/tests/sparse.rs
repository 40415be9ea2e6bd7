//! Sparse rows.

use super::*;

/// Rows with few and with many values, kept sparse and dense.
fn twins(n_rows: usize, width: usize) -> (Csr, Vec<f32>) {
    let mut stream = Stream::new(3, Purpose::Probe, 9);
    let (mut indptr, mut indices, mut values) = (vec![0], Vec::new(), Vec::new());
    let mut table = vec![0.0; n_rows * width];
    for row in 0..n_rows {
        for column in 0..width {
            // From empty rows to nearly full ones.
            if stream.below(n_rows as u32) < row as u32 {
                let value = stream.normal() as f32;
                indices.push(column as u32);
                values.push(value);
                table[row * width + column] = value;
            }
        }
        indptr.push(indices.len());
    }
    (Csr::new(width, indptr, indices, values).unwrap(), table)
}

#[test]
fn sparse_kernels_agree_with_the_dense_ones_on_the_same_rows() {
    let (n_rows, width, n_outputs) = (23, 90, 3);
    let (x, table) = twins(n_rows, width);
    let (weight, bias) = (numbers(width * n_outputs, 2), numbers(n_outputs, 3));
    let strides = Strides { row: 1, output: n_rows };
    let order: Vec<u32> = (0..n_rows as u32).map(|row| (5 * row) % n_rows as u32).collect();
    let batch = Batch::Rows(&order);

    let scores = the_same_on_all("sparse scores", |machine| {
        let mut out = vec![0.0; n_rows * n_outputs];
        let (x, weight, bias) = (&x, &weight, &bias);
        run_on(machine, SparseScores { x, batch: &batch, weight, bias, out: &mut out, strides });
        out
    });
    let mut dense = vec![0.0; n_rows * n_outputs];
    let rows = || Rows::new(&table, width, batch.clone());
    let out = MatrixMut::new(&mut dense, n_rows, n_outputs, strides);
    run(Dots { x: rows(), weight: &weight, bias: &bias, activation: None, out });
    assert_close(&scores, dense.iter().map(|&score| f64::from(score)), 1e-5, "scores");

    let gradient = the_same_on_all("sparse gradient", |machine| {
        let mut into = vec![0.0; width * n_outputs];
        run_on(machine, SparseGradient { x: &x, batch: &batch, factors: &scores, strides, into: &mut into });
        into
    });
    let mut dense = vec![0.0; width * n_outputs];
    let into = MatrixMut::of_rows(&mut dense, width);
    run(Combine { rows: rows(), factors: &scores, strides, into, start: Start::Zero, next: None });
    assert_close(&gradient, dense.iter().map(|&sum| f64::from(sum)), 1e-5, "gradient");

    // The first ten rows by a factor each, then the sums over the others: both halves at once, and each alone.
    let (stepped, factors) = (10, numbers(10, 5));
    let step_and_score = |machine, at_once: bool| {
        let (mut weight, mut low, mut high) =
            (weight[..width].to_vec(), vec![0.0; n_rows - stepped], vec![0.0; n_rows - stepped]);
        let mut on = |halves: std::ops::Range<usize>, weight: &mut [f32]| {
            let (sums, batch, factors) = ([&mut low[..], &mut high[..]], &batch, &factors[..]);
            let (last, next) = (0..stepped, stepped..n_rows);
            run_on(machine, StepAndHalfScores { x: &x, batch, halves, last, factors, next, sums, weight });
        };
        if at_once {
            on(0..2, &mut weight);
        } else {
            let (first, second) = weight.split_at_mut(x.middle());
            on(0..1, first);
            on(1..2, second);
        }
        [weight, low, high].concat()
    };
    let at_once = the_same_on_all("step and half scores", |machine| step_and_score(machine, true));
    let halves = the_same_on_all("step and half scores, half by half", |machine| step_and_score(machine, false));
    assert_eq!(halves, at_once);
    let mut stepped_weight = weight[..width].to_vec();
    let (rows_of_step, strides) =
        (Rows::new(&table, width, batch.part(0..stepped)), Strides { row: 1, output: stepped });
    run(Combine {
        rows: rows_of_step,
        factors: &factors,
        strides,
        into: MatrixMut::of_rows(&mut stepped_weight, width),
        start: Start::Present,
        next: None,
    });
    let half_sums = [0..width / 2, width / 2..width].map(|half| {
        let of_row = |position: usize| {
            let row = &table[batch.row(position) * width..][..width];
            half.clone().map(|column| f64::from(row[column]) * f64::from(stepped_weight[column])).sum::<f64>()
        };
        (stepped..n_rows).map(of_row).collect::<Vec<f64>>()
    });
    let expected = stepped_weight.iter().map(|&value| f64::from(value)).chain(half_sums.concat());
    assert_close(&at_once, expected, 1e-5, "step and half scores");
}

/// What is done about weights that a row has no value for.
#[derive(Clone, Copy, Debug)]
enum Way {
    Alike,
    Stepped,
    Wait,
}

#[test]
fn steps_of_one_sparse_row_agree_with_those_of_dense_ones() {
    let decaying = |weight_decay| StepRule { weight_decay, ..StepRule::plain(0.1) };
    let gliding = StepRule { momentum: 0.7, dampening: 0.4, ..decaying(0.2) };
    for way in [Way::Alike, Way::Stepped, Way::Wait] {
        let of_way = match way {
            // The last decays so fast that what is common to all weights has to go into them on the way.
            Way::Alike => vec![decaying(0.0), decaying(0.01), decaying(4.0)],
            Way::Stepped => vec![decaying(0.2), gliding],
            Way::Wait => vec![decaying(8.0), StepRule { l1: 0.3, ..decaying(0.0) }, gliding],
        };
        // Momentum with L1 cannot wait.
        let of_all = rules().into_iter().filter(|rule| match way {
            Way::Alike => rule.is_plain(),
            Way::Stepped => true,
            Way::Wait => rule.can_wait(),
        });
        for rule in of_way.into_iter().chain(of_all) {
            sparse_steps_agree_with_dense_ones(way, rule);
        }
    }
}

fn sparse_steps_agree_with_dense_ones(way: Way, rule: StepRule) {
    let (n_rows, width) = (23, 90);
    let (x, table) = twins(n_rows, width);
    let order: Vec<u32> = (0..20 * n_rows as u32).map(|row| (5 * row) % n_rows as u32).collect();
    let (batch, n_steps) = (Batch::Rows(&order), order.len());
    let targets: Vec<f32> = (0..n_rows).map(|row| (row % 2) as f32).collect();
    let weights = weights(n_rows);
    let targets = Targets { values: &targets, weights: Some(&weights) };
    let (loss, start) = (Loss::Logistic, [numbers(width + 1, 4), velocities(rule, width + 1)].concat());
    let result = |start: &[f32], losses: &StepLosses| [start, &[losses.total.sum as f32]].concat();
    let steps = the_same_on_all("sparse steps", |machine| {
        let (mut start, mut zeros, mut losses) = (start.clone(), vec![0.0; width], StepLosses::default());
        let mut lazy = Lazy::default();
        let (theta, velocity) = start.split_at_mut(width + 1);
        let others = match way {
            Way::Alike => Others::Alike,
            Way::Stepped => Others::Stepped(&mut zeros),
            Way::Wait => {
                let model = Model { n_features: width, hidden: Vec::new(), activation: Activation::Relu, n_outputs: 1 };
                lazy.begin(&model, rule, n_steps);
                Others::Wait(&mut lazy)
            }
        };
        {
            let (x, batch, losses) = (&x, &batch, &mut losses);
            let (theta, velocity) = (&mut *theta, &mut *velocity);
            run_on(machine, SparseOneRowSteps { loss, x, batch, targets, rule, theta, velocity, others, losses });
        }
        if let Way::Wait = way {
            lazy.catch_up_all(&mut Moving { theta, velocity }, n_steps);
        }
        assert!(zeros.iter().all(|&value| value == 0.0), "{way:?}");
        result(&start, &losses)
    });
    let (mut dense, mut losses) = (start, StepLosses::default());
    let (theta, velocity) = dense.split_at_mut(width + 1);
    let (x, n_before, ahead) = (Rows::new(&table, width, batch.clone()), 0, &mut Vec::new());
    let of_dense =
        OneRowSteps { loss, x, n_steps, n_before, ahead, targets, rule, theta, velocity, losses: &mut losses };
    run(of_dense);
    let expected = result(&dense, &losses).into_iter().map(f64::from);
    assert_close(&steps, expected, 2e-5, &format!("{way:?}, {rule:?}"));
}

#[test]
fn steps_on_all_weights_leave_their_scratch_zero_also_where_they_end_early() {
    let (x, _) = twins(23, 90);
    let (batch, targets) = (Batch::Range(0..23), vec![1.0; 23]);
    for machine in machines() {
        let (mut zeros, mut losses) = (vec![0.0; 90], StepLosses::default());
        {
            let (x, batch, losses) = (&x, &batch, &mut losses);
            let (theta, velocity) = (&mut numbers(91, 4)[..], &mut [][..]);
            let (targets, others) = (Targets { values: &targets, weights: None }, Others::Stepped(&mut zeros));
            let (loss, rule) = (Loss::Squared, StepRule { l1: 0.1, ..StepRule::plain(1e25) });
            run_on(machine, SparseOneRowSteps { loss, x, batch, targets, rule, theta, velocity, others, losses });
        }
        assert!((2..23).contains(&losses.n_steps) && !losses.last.sum.is_finite(), "{}", losses.n_steps);
        assert!(zeros.iter().all(|&value| value == 0.0), "on {machine:?}");
    }
}
