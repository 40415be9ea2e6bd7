//! Scores and gradients of several outputs.

use super::*;

#[test]
fn dots_agree_with_plain_sums_for_every_shape_width_and_order_and_turned_too() {
    let shapes = [(1, 1), (1, 13), (3, 1), (17, 2), (9, 3), (5, 7), (45, 16), (23, 37)];
    let every_shape = (1..=70).flat_map(|width| shapes.map(|shape| (width, shape)));
    let wide = [(130, (100, 8)), (260, (16, 21))];
    for (width, (n_rows, n_outputs)) in every_shape.chain(wide) {
        // Rows from an odd place on, and in an order of their own.
        let table = numbers(width * 2 * n_rows + 1, 1);
        let (weight, bias) = (numbers(width * n_outputs, 2), numbers(n_outputs, 3));
        let order: Vec<u32> = (0..n_rows as u32).map(|row| (7 * row + 1) % (2 * n_rows as u32)).collect();
        let plain = |row: u32, output: usize| {
            let (row, weight) = (&table[1 + row as usize * width..], &weight[output * width..][..width]);
            let products = row.iter().zip(weight).map(|(&x, &w)| f64::from(x) * f64::from(w));
            f64::from(bias[output]) + products.sum::<f64>()
        };
        for (activation, rows_beside) in [(None, true), (Some(Activation::Relu), false), (Some(Activation::Tanh), true)]
        {
            let found = [false, true].map(|is_turned| {
                the_same_on_all("dots", |machine| {
                    let padded = n_rows.next_multiple_of(LANES);
                    let (mut out, mut panel) = (vec![0.0; padded * n_outputs], vec![0.0; PanelDots::room(width)]);
                    let strides = if rows_beside {
                        Strides { row: 1, output: padded }
                    } else {
                        Strides { row: n_outputs, output: 1 }
                    };
                    let x = Rows::new(&table[1..], width, Batch::Rows(&order));
                    // Some outputs, then the others: that changes no bit.
                    let (first, others) = MatrixMut::new(&mut out, n_rows, n_outputs, strides).split_at(n_outputs / 3);
                    let (weight, bias) = (weight.split_at(n_outputs / 3 * width), bias.split_at(n_outputs / 3));
                    for (out, weight, bias) in [(first, weight.0, bias.0), (others, weight.1, bias.1)] {
                        let dots = Dots { x: x.clone(), weight, bias, activation, out };
                        match (is_turned, bias) {
                            (_, []) => {}
                            (true, _) => run_on(machine, PanelDots { dots, panel: &mut panel }),
                            (false, _) => run_on(machine, dots),
                        }
                    }
                    let at = |row: usize, output: usize| out[row * strides.row + output * strides.output];
                    (0..n_rows)
                        .flat_map(|row| (0..n_outputs).map(move |output| (row, output)))
                        .map(|(r, o)| at(r, o))
                        .collect()
                })
            });
            let expected = order.iter().flat_map(|&row| (0..n_outputs).map(move |output| (row, output)));
            let expected = expected.map(|(row, output)| match activation {
                None => plain(row, output),
                Some(Activation::Relu) => plain(row, output).max(0.0),
                Some(Activation::Tanh) => plain(row, output).tanh(),
            });
            for found in found {
                let what = format!("{n_rows} × {width} by {n_outputs}, {activation:?}");
                assert_close(&found, expected.clone(), 1e-5, &what);
            }
        }
    }
}

#[test]
fn combinations_of_rows_agree_with_plain_sums_for_every_shape_and_width() {
    for width in (1..=70).chain([119]) {
        for (n_rows, n_outputs) in [(1, 1), (2, 13), (65, 2), (7, 7), (130, 1), (150, 61)] {
            let (table, factors) = (numbers(width * n_rows, 1), numbers(n_rows * n_outputs, 2));
            let ways = [
                (Strides { row: n_outputs, output: 1 }, Start::Present, numbers(width * n_outputs, 3)),
                (Strides { row: 1, output: n_rows }, Start::Zero, vec![f32::NAN; width * n_outputs]),
            ];
            for (strides, start, before) in ways {
                // All columns at once, with rows to fetch, and some columns, then the others, without.
                let [found, in_two] = [true, false].map(|is_whole| {
                    the_same_on_all("combine", |machine| {
                        let mut into = before.clone();
                        let middle = if is_whole { width } else { width / 3 };
                        let (first, others) = MatrixMut::of_rows(&mut into, width).split_at(middle);
                        for (into, columns) in [(first, 0..middle), (others, middle..width)] {
                            let rows = Rows::all(&table, width).columns(columns.clone());
                            let next = is_whole.then(|| rows.clone());
                            let combine = Combine { rows, factors: &factors, strides, into, start, next };
                            if !columns.is_empty() {
                                run_on(machine, combine);
                            }
                        }
                        into
                    })
                });
                assert_eq!(found, in_two);
                let expected = (0..n_outputs * width).map(|at| {
                    let (output, column) = (at / width, at % width);
                    let product = |row: usize| {
                        let factor = factors[row * strides.row + output * strides.output];
                        f64::from(factor) * f64::from(table[row * width + column])
                    };
                    let first = if start == Start::Zero { 0.0 } else { f64::from(before[at]) };
                    first + (0..n_rows).map(product).sum::<f64>()
                });
                assert_close(&found, expected, 1e-5, &format!("{n_rows} × {width} to {n_outputs}"));
            }
        }
    }
}

#[test]
fn factors_are_added_in_the_order_of_their_rows() {
    for (n_rows, n_outputs) in [1, 2, 15, 16, 17, 130].into_iter().flat_map(|n| [1, 10, 16, 61].map(|o| (n, o))) {
        let (apart, before) = (n_rows + 3, numbers(n_outputs, 1));
        let factors = &numbers(apart * n_outputs, 2)[..];
        let found = the_same_on_all("factors", |machine| {
            let mut into = before.clone();
            run_on(machine, AddFactors { factors, apart, n_rows, into: &mut into });
            into
        });
        let of_output =
            |output: usize| factors[output * apart..][..n_rows].iter().fold(before[output], |sum, f| sum + f);
        assert_eq!(found, (0..n_outputs).map(of_output).collect::<Vec<_>>(), "{n_rows} rows, {n_outputs} outputs");
    }
}

#[test]
fn derivatives_go_back_through_an_activation_and_are_turned() {
    for (n_rows, n_outputs) in [1, 2, 15, 16, 17, 40].into_iter().flat_map(|n| [1, 16, 61].map(|o| (n, o))) {
        let (derivatives, mut outputs) = (&numbers(n_rows * n_outputs, 1)[..], numbers(n_rows * n_outputs, 2));
        // Rectified zeros, as most are: no slope.
        outputs.iter_mut().step_by(3).for_each(|output| *output = 0.0);
        let (outputs, apart) = (&outputs[..], if n_rows == 1 { 1 } else { n_rows + 3 });
        for activation in [Activation::Relu, Activation::Tanh] {
            let found = the_same_on_all("back through", |machine| {
                let (mut derivatives, mut out) = (derivatives.to_vec(), vec![0.0; n_outputs * apart]);
                run_on(
                    machine,
                    BackThrough {
                        derivatives: MatrixMut::of_rows(&mut derivatives, n_outputs),
                        outputs: Rows::all(outputs, n_outputs),
                        activation,
                        out: MatrixMut::new(&mut out, n_rows, n_outputs, Strides { row: 1, output: apart }),
                    },
                );
                out
            });
            for at in 0..n_rows * n_outputs {
                let (row, output) = (at / n_outputs, at % n_outputs);
                let slope = match activation {
                    Activation::Relu => f32::from(u8::from(outputs[at] > 0.0)),
                    Activation::Tanh => 1.0 - outputs[at] * outputs[at],
                };
                let (found, expected) = (found[output * apart + row], derivatives[at] * slope);
                assert!((found - expected).abs() <= 0.0, "{n_rows} × {n_outputs}, {at}: {found} is not {expected}");
            }
        }
    }
}

#[test]
fn a_step_taken_on_the_way_to_the_next_scores_has_the_bits_of_both_one_by_one() {
    let shapes = (1..=70).flat_map(|width| [1, 2, 5, 9, 10, 23].map(|n_outputs| (width, n_outputs)));
    for (width, n_outputs) in shapes {
        let (last, x, next) = (&numbers(width, 1)[..], &numbers(width, 2)[..], &numbers(width, 5)[..]);
        let (theta, factors) = (numbers((width + 1) * n_outputs, 3), &numbers(3 * n_outputs, 4)[..]);
        for activation in [None, Some(Activation::Relu), Some(Activation::Tanh)] {
            let found = the_same_on_all("a step and scores", |machine| {
                let (mut theta, mut scores) = (theta.clone(), vec![0.0; 2 * n_outputs]);
                let (weight, bias) = theta.split_at_mut(width * n_outputs);
                let (factors_apart, out, out_apart) = (3, &mut scores, 2);
                let kernel =
                    StepAndDots { last, factors, factors_apart, x, next, weight, bias, activation, out, out_apart };
                run_on(machine, kernel);
                [theta, scores.into_iter().step_by(2).collect()].concat()
            });
            let mut theta = theta.clone();
            let (into, bias) = theta.split_at_mut(width * n_outputs);
            let (rows, strides) = (Rows::all(last, width), Strides { row: 1, output: 3 });
            run(Combine {
                rows,
                factors,
                strides,
                into: MatrixMut::of_rows(into, width),
                start: Start::Present,
                next: None,
            });
            bias.iter_mut().zip(factors.iter().step_by(3)).for_each(|(bias, factor)| *bias += factor);
            let mut out = vec![0.0; n_outputs];
            let (x, out_of) = (Rows::all(x, width), MatrixMut::of_rows(&mut out, n_outputs));
            run(Dots { x, weight: into, bias, activation, out: out_of });
            let bits = |values: &[f32]| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
            assert_eq!(bits(&found), bits(&[theta, out].concat()), "{width} to {n_outputs}, {activation:?}");
        }
    }
}

#[test]
fn products_of_rows_with_each_other_agree_with_plain_sums() {
    for (n_rows, width) in
        [1, 2, 3, 4, 5, 9, 16].into_iter().flat_map(|n_rows| [1, 15, 33].map(|width| (n_rows, width)))
    {
        let table = numbers(width * 2 * n_rows, 1);
        let order: Vec<u32> = (0..n_rows as u32).map(|row| (7 * row + 1) % (2 * n_rows as u32)).collect();
        let n = n_rows.div_ceil(2);
        let found = the_same_on_all("products", |machine| {
            let products = |n: usize| {
                let mut out = vec![0.0; n * n_rows];
                run_on(machine, Products { x: Rows::new(&table, width, Batch::Rows(&order)), n, out: &mut out });
                (0..n).flat_map(|i| out[i * n_rows..][i + 1..n_rows].to_vec()).collect::<Vec<_>>()
            };
            let (all, some) = (products(n_rows), products(n));
            assert_eq!(all[..some.len()], some);
            all
        });
        let row = |i: usize| &table[order[i] as usize * width..][..width];
        let product =
            |(i, j): (usize, usize)| row(i).iter().zip(row(j)).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum();
        let pairs = (0..n_rows).flat_map(|i| (i + 1..n_rows).map(move |j| (i, j)));
        assert_close(&found, pairs.map(product), 1e-5, &format!("{n_rows} × {width}"));
    }
}

#[test]
fn what_a_layer_makes_of_its_sums_is_written_as_far_apart_as_asked() {
    for (n, apart) in [(1, 1), (16, 1), (23, 1), (5, 16), (40, 3)] {
        for (activation, plain) in [
            (None, (|sum| sum) as fn(f64) -> f64),
            (Some(Activation::Relu), |sum: f64| sum.max(0.0)),
            (Some(Activation::Tanh), f64::tanh),
        ] {
            let sums = &numbers(n, 1)[..];
            let found = the_same_on_all("activate", |machine| {
                let mut out = vec![7.0; (n - 1) * apart + 2];
                run_on(machine, Activate { sums, activation, out: &mut out[..=(n - 1) * apart], out_apart: apart });
                out
            });
            let written = |place: usize| (place.is_multiple_of(apart) && place / apart < n).then(|| place / apart);
            let expected = (0..found.len()).map(|place| written(place).map_or(7.0, |sum| plain(f64::from(sums[sum]))));
            assert_close(&found, expected, 1e-6, &format!("{n} {apart} apart, {activation:?}"));
        }
    }
}
