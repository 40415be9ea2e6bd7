//! Every kernel on every instruction set of this machine: the bits of the portable twin, and the right numbers.

use super::functions::{NEAR, exp, exp_of_negative, ln, ln_1p_of_share, sigmoid_of_one, tanh};
use super::lanes::Wanted;
use super::*;
use crate::data::Csr;
use crate::loader::Batch;
use crate::loss::{Loss, OF_ONE_SCORE};
use crate::model::Activation;
use crate::objective::{StepLosses, StepRule};
use crate::random::{Purpose, Stream};

/// An instruction set of this machine.
#[derive(Clone, Copy, Debug)]
enum Machine {
    Portable,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    #[cfg(target_arch = "x86_64")]
    Avx512,
}

/// Those that are here, the portable twin first.
fn machines() -> Vec<Machine> {
    let mut machines = vec![Machine::Portable];
    #[cfg(target_arch = "x86_64")]
    {
        if std::is_x86_feature_detected!("avx2") && std::is_x86_feature_detected!("fma") {
            machines.push(Machine::Avx2);
        }
        if std::is_x86_feature_detected!("avx512f") {
            machines.push(Machine::Avx512);
        }
    }
    machines
}

fn run_on<K: Kernel>(machine: Machine, kernel: K) -> K::Output {
    match machine {
        Machine::Portable => kernel.run::<Portable>(),
        // SAFETY: `machines` found AVX2 and FMA.
        #[cfg(target_arch = "x86_64")]
        Machine::Avx2 => unsafe { avx2::run(kernel) },
        // SAFETY: `machines` found AVX-512F.
        #[cfg(target_arch = "x86_64")]
        Machine::Avx512 => unsafe { avx512::run(kernel) },
    }
}

/// What comes out on the portable twin, once every machine has been seen to give the same bits.
#[track_caller]
fn the_same_on_all(what: &str, compute: impl Fn(Machine) -> Vec<f32>) -> Vec<f32> {
    let of_twin = compute(Machine::Portable);
    for machine in machines() {
        let found = compute(machine);
        let bits = |values: &[f32]| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(&found), bits(&of_twin), "{what} on {machine:?}");
    }
    of_twin
}

fn numbers(n: usize, number: u64) -> Vec<f32> {
    let mut stream = Stream::new(3, Purpose::Probe, number);
    (0..n).map(|_| stream.normal() as f32).collect()
}

#[track_caller]
fn assert_close(found: &[f32], expected: impl IntoIterator<Item = f64>, tolerance: f64, what: &str) {
    let expected: Vec<f64> = expected.into_iter().collect();
    assert_eq!(found.len(), expected.len(), "{what}");
    for (index, (&found, expected)) in found.iter().zip(expected).enumerate() {
        assert!(
            (f64::from(found) - expected).abs() <= tolerance * (1.0 + expected.abs()),
            "{what}, {index}: {found} is not {expected}"
        );
    }
}

// Functions.

#[derive(Clone, Copy, Debug)]
enum Function {
    Exp,
    ExpOfNegative,
    Ln,
    Ln1p,
    Tanh,
}

struct Apply<'a>(Function, &'a mut [f32]);

impl Kernel for Apply<'_> {
    type Output = ();

    #[inline(always)]
    fn run<V: Lanes>(self) {
        for values in self.1.chunks_mut(LANES) {
            let x = V::load_part(values);
            let y = match self.0 {
                Function::Exp => exp(x),
                Function::ExpOfNegative => exp_of_negative(x),
                Function::Ln => ln(x),
                Function::Ln1p => ln_1p_of_share(x),
                Function::Tanh => tanh(x),
            };
            y.store_part(values);
        }
    }
}

/// The largest error over numbers spread over a domain, relative to the value (or to `floor` where that is larger).
fn largest_error(function: Function, domain: impl Iterator<Item = f32>, floor: f64, exact: impl Fn(f64) -> f64) -> f64 {
    let x: Vec<f32> = domain.collect();
    let y = the_same_on_all(&format!("{function:?}"), |machine| {
        let mut y = x.clone();
        run_on(machine, Apply(function, &mut y));
        y
    });
    let error = |(&x, &y): (&f32, &f32)| {
        let exact = exact(f64::from(x));
        (f64::from(y) - exact).abs() / exact.abs().max(floor)
    };
    x.iter().zip(&y).map(error).fold(0.0, f64::max)
}

fn spread(from: f32, to: f32) -> impl Iterator<Item = f32> {
    const N: u32 = 400_000;
    (0..=N).map(move |i| from + (to - from) * (i as f32 / N as f32))
}

/// Numbers of every size between two, both above 0.
fn sizes(from: f32, to: f32) -> impl Iterator<Item = f32> {
    (from.to_bits()..=to.to_bits()).step_by(2048 - 1).map(f32::from_bits)
}

#[test]
fn functions_keep_their_stated_errors_over_their_whole_domain() {
    let errors = [
        largest_error(Function::Exp, spread(-87.3, 88.37), 0.0, f64::exp),
        largest_error(Function::ExpOfNegative, sizes(1e-30, 87.3).map(|x| -x), 0.0, f64::exp),
        largest_error(Function::Ln, sizes(f32::MIN_POSITIVE, f32::MAX), 1.0, f64::ln),
        largest_error(Function::Ln, spread(0.5, 2.0), 0.7, f64::ln),
        largest_error(Function::Ln1p, sizes(1e-37, 1.0), 0.0, f64::ln_1p),
        largest_error(Function::Tanh, sizes(1e-10, 100.0).flat_map(|x| [x, -x]), 0.0, f64::tanh),
    ];
    let stated = [4e-7, 4e-7, 1.5e-7, 1.5e-7, 2e-7, 4e-7];
    assert!(errors.iter().zip(stated).all(|(error, stated)| *error <= stated), "{errors:?}");
}

#[test]
fn functions_end_well_beyond_their_domain() {
    let of = |function, x: f32| {
        the_same_on_all("edge", |machine| {
            let mut y = vec![x; 3];
            run_on(machine, Apply(function, &mut y));
            y
        })[0]
    };
    assert!(of(Function::Exp, 89.0).is_infinite() && of(Function::Exp, f32::INFINITY).is_infinite());
    assert!((0.0..1.3e-38).contains(&of(Function::Exp, -1e30)));
    assert!((0.0..1.3e-38).contains(&of(Function::ExpOfNegative, f32::NEG_INFINITY)));
    assert_eq!(of(Function::Tanh, -1e30).to_bits(), (-1_f32).to_bits());
    assert_eq!(of(Function::Tanh, 0.0).to_bits(), 0_f32.to_bits());
    for function in [Function::Exp, Function::ExpOfNegative, Function::Ln1p, Function::Tanh] {
        assert!(of(function, f32::NAN).is_nan(), "{function:?}");
    }
}

/// Each loss in `f32` lanes against the same formula in `f64`.
#[test]
fn losses_and_derivatives_agree_with_their_formulas_in_f64() {
    let scores: Vec<f32> = spread(-80.0, 80.0).step_by(997).chain([0.0, 1.0, -1.0, 1e-20]).collect();
    for loss in OF_ONE_SCORE {
        for target in [0.0, 1.0] {
            let (targets, weights) = (vec![target; scores.len()], vec![0.25; scores.len()]);
            let targets = Targets { values: &targets, weights: Some(&weights) };
            let batch = Batch::all(scores.len());
            let derivatives = the_same_on_all(&loss.to_string(), |machine| {
                let mut scores = scores.clone();
                let then = Scores::Derive(2.0);
                run_on(machine, Losses { loss, scores: &mut scores, targets, batch: &batch, then });
                scores
            });
            let values = the_same_on_all(&loss.to_string(), |machine| {
                let one_by_one = scores.iter().enumerate().map(|(row, &score)| {
                    let (mut score, batch) = ([score], Batch::Range(row..row + 1));
                    let scores = &mut score;
                    run_on(machine, Losses { loss, scores, targets, batch: &batch, then: Scores::Keep }) as f32
                });
                one_by_one.collect()
            });
            let exact = |&score: &f32| loss.of_score(f64::from(score), f64::from(target), 0.5);
            assert_close(&values, scores.iter().map(|score| 0.25 * exact(score).0), 5e-7, &format!("{loss} {target}"));
            assert_close(&derivatives, scores.iter().map(|score| exact(score).1), 5e-7, &format!("{loss}′ {target}"));
        }
    }
}

#[test]
fn cross_entropies_agree_with_their_formula_in_f64() {
    for (n_rows, n_classes) in [(1_usize, 2), (7, 3), (16, 10), (45, 4)] {
        let stride = n_rows.next_multiple_of(LANES);
        let scores: Vec<f32> = numbers(n_classes * stride, 4).into_iter().map(|score| 12.0 * score).collect();
        let targets: Vec<f32> = (0..n_rows).map(|row| (row % n_classes) as f32).collect();
        let weights = weights(n_rows);
        let batch = Batch::all(n_rows);
        let both = the_same_on_all("cross-entropy", |machine| {
            let (mut scores, mut values) = (scores.clone(), vec![0.0; n_rows]);
            let (targets, then) = (Targets { values: &targets, weights: Some(&weights) }, Scores::Derive(0.5));
            run_on(
                machine,
                CrossEntropies { scores: &mut scores, stride, targets, batch: &batch, then, values: &mut values },
            );
            let by_row = |row: usize| (0..n_classes).map(move |class| class * stride + row);
            values.into_iter().chain((0..n_rows).flat_map(by_row).map(|at| scores[at])).collect()
        });
        let rows = (0..n_rows).map(|row| {
            let mut outputs: Vec<f32> = (0..n_classes).map(|class| scores[class * stride + row]).collect();
            let (value, weight) = (Loss::CrossEntropy.value_and_derivative(&mut outputs, targets[row]), weights[row]);
            (f64::from(weight) * value, outputs.into_iter().map(|derivative| weight * derivative).collect())
        });
        let (values, derivatives): (Vec<f64>, Vec<Vec<f32>>) = rows.unzip();
        assert_close(&both[..n_rows], values, 1e-6, "value");
        let halves = derivatives.concat().into_iter().map(|derivative| 0.5 * f64::from(derivative));
        assert_close(&both[n_rows..], halves, 1e-6, "derivative");
    }
}

#[test]
fn the_cross_entropy_of_one_row_agrees_with_its_formula_in_f64() {
    for n_classes in [2_usize, 3, 10, 15, 16, 17, 40] {
        let scores: Vec<f32> = numbers(n_classes, 4).into_iter().map(|score| 12.0 * score - 3.0).collect();
        let whole = scores.clone();
        for class in [0, n_classes - 1] {
            let (target, weight) = ([0.0, class as f32], [1.0, 0.7]);
            let targets = Targets { values: &target, weights: Some(&weight) };
            let both = the_same_on_all("cross-entropy of a row", |machine| {
                let (mut kept, mut scores) = (scores.clone(), scores.clone());
                let value = run_on(machine, CrossEntropy { scores: &mut kept, targets, row: 1, then: Scores::Keep });
                let then = Scores::Derive(0.5);
                let also = run_on(machine, CrossEntropy { scores: &mut scores, targets, row: 1, then });
                assert_eq!(value.to_bits(), also.to_bits());
                assert_eq!(kept, whole);
                scores.push(value as f32);
                scores
            });
            let mut outputs = scores.clone();
            let value = Loss::CrossEntropy.value_and_derivative(&mut outputs, target[1]);
            let derivatives = outputs.iter().map(|&derivative| 0.5 * 0.7 * f64::from(derivative));
            assert_close(&both, derivatives.chain([0.7 * value]), 1e-6, &format!("{n_classes} classes"));
        }
    }
}

#[test]
fn the_sigmoid_of_one_number_keeps_its_stated_error() {
    let mut worst = 0.0_f64;
    for score in (-180_000..=180_000).map(|ten_thousandth| ten_thousandth as f32 * 1e-4).filter(|x| x.abs() < NEAR) {
        for sign in [1.0, -1.0] {
            let exact = crate::numeric::sigmoid(f64::from(sign * score));
            worst = worst.max((f64::from(sigmoid_of_one(sign, score)) - exact).abs() / exact);
        }
    }
    assert!(worst <= 3e-7, "{worst}");
}

// Products.

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

/// Weights from 0 to 3.
fn weights(n_rows: usize) -> Vec<f32> {
    (0..n_rows).map(|row| (row % 5) as f32 * 0.75).collect()
}

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

/// Plain, with penalties, with momentum, with all of it.
fn rules() -> [StepRule; 4] {
    let plain = StepRule::plain(0.1);
    let penalised = StepRule { weight_decay: 0.2, l1: 0.3, ..plain };
    let momentum = StepRule { momentum: 0.5, ..plain };
    [plain, penalised, momentum, StepRule { momentum: 0.7, nesterov: true, ..penalised }]
}

/// As many as there are parameters, or none without momentum.
fn velocities(rule: StepRule, n: usize) -> Vec<f32> {
    if rule.momentum > 0.0 { numbers(n, 3) } else { Vec::new() }
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

#[test]
fn steps_of_one_sparse_row_agree_with_those_of_dense_ones() {
    let (n_rows, width) = (23, 90);
    let (x, table) = twins(n_rows, width);
    let order: Vec<u32> = (0..20 * n_rows as u32).map(|row| (5 * row) % n_rows as u32).collect();
    let batch = Batch::Rows(&order);
    let targets: Vec<f32> = (0..n_rows).map(|row| (row % 2) as f32).collect();
    let weights = weights(n_rows);
    let targets = Targets { values: &targets, weights: Some(&weights) };
    let (loss, lr, start) = (Loss::Logistic, 0.1, numbers(width + 1, 4));
    // The last decays so fast that what is common to all weights has to go into them on the way.
    for weight_decay in [0.0, 0.01, 4.0] {
        let steps = the_same_on_all("sparse steps", |machine| {
            let (mut theta, mut losses) = (start.clone(), StepLosses::default());
            let (x, batch, theta_of, losses_of) = (&x, &batch, &mut theta, &mut losses);
            let steps =
                SparseOneRowSteps { loss, x, batch, targets, lr, weight_decay, theta: theta_of, losses: losses_of };
            run_on(machine, steps);
            theta.push(losses.total.sum as f32);
            theta
        });
        let (theta, losses, velocity) = (&mut start.clone()[..], &mut StepLosses::default(), &mut [][..]);
        let (x, n_steps, n_before, ahead) = (Rows::new(&table, width, batch.clone()), order.len(), 0, &mut Vec::new());
        let rule = StepRule { weight_decay, ..StepRule::plain(lr) };
        run(OneRowSteps { loss, x, n_steps, n_before, ahead, targets, rule, theta, velocity, losses });
        let expected = theta.iter().map(|&value| f64::from(value)).chain([losses.total.sum]);
        assert_close(&steps, expected, 1e-5, &format!("weight decay {weight_decay}"));
    }
}

// Slices and lanes.

struct Sums<'a>(&'a [f32], &'a mut [f32; LANES]);

impl Kernel for Sums<'_> {
    type Output = f32;

    #[inline(always)]
    fn run<V: Lanes>(self) -> f32 {
        V::prefetch(self.0, 0, Wanted::Next);
        let mut rows = [V::splat(0.0); LANES];
        for (row, values) in rows.iter_mut().zip(self.0.chunks_exact(LANES)) {
            *row = V::load_part(values);
        }
        V::sums(rows).store(self.1);
        assert_eq!(Some(rows[5].largest().first()), self.0[5 * LANES..][..LANES].iter().copied().reduce(f32::max));
        rows[3].sum().first()
    }
}

#[test]
fn sums_of_lanes_stand_in_the_order_of_their_rows() {
    let values = numbers(LANES * LANES, 5);
    let found = the_same_on_all("sums", |machine| {
        let mut sums = [0.0; LANES];
        let third = run_on(machine, Sums(&values, &mut sums));
        assert_eq!(third.to_bits(), sums[3].to_bits());
        sums.to_vec()
    });
    let expected = values.chunks_exact(LANES).map(|row| row.iter().map(|&value| f64::from(value)).sum());
    assert_close(&found, expected, 1e-6, "sums");
}

#[test]
fn what_is_done_to_slices_agrees_with_plain_loops_for_every_length_and_offset() {
    for length in 0..=70 {
        for offset in 0..4 {
            let (x, y) = (&numbers(length + offset, 1)[offset..], &numbers(length + offset, 2)[offset..]);
            let mut sum = y.to_vec();
            axpy(0.37, x, &mut sum);
            let plain = y.iter().zip(x).map(|(&y, &x)| f64::from(y) + f64::from(0.37_f32) * f64::from(x));
            assert_close(&sum, plain, 1e-7, "axpy");
            let mut scaled = x.to_vec();
            scale(0.37, &mut scaled);
            assert_close(&scaled, x.iter().map(|&x| f64::from(0.37_f32) * f64::from(x)), 1e-7, "scale");
            let squares: f64 = x.iter().map(|&x| f64::from(x).powi(2)).sum();
            assert!((sum_of_squares(x) - squares).abs() <= 1e-12 * (1.0 + squares));
            let total: f64 = x.iter().map(|&x| f64::from(x)).sum();
            assert!((run(SumUp(x)) - total).abs() <= 1e-12 * (1.0 + total.abs()));
        }
    }
}

#[test]
fn squared_lengths_of_rows_are_those_of_their_formula() {
    for width in 1..=70 {
        let values = numbers(5 * width, width as u64);
        let found = the_same_on_all("squared lengths", |machine| {
            let mut out = vec![0.0; 5];
            run_on(machine, SquaredLengths { x: Rows::all(&values, width), out: &mut out });
            out
        });
        let squares = values.chunks_exact(width).map(|row| row.iter().map(|&x| f64::from(x).powi(2)).sum());
        assert_close(&found, squares, 1e-6, "squared lengths");
    }
}

#[test]
fn parts_of_a_matrix_are_all_of_it_once_whichever_way_it_stands() {
    for (strides, in_columns) in [(Strides { row: 7, output: 1 }, false), (Strides { row: 1, output: 5 }, true)] {
        let mut values = vec![0.0; 40];
        let (low, high) = MatrixMut::new(&mut values, 4, 7, strides).split_at(3);
        for (mut part, of_part) in [(low, 1.0), (high, 2.0)] {
            for row in 0..4 {
                part.write_row(row, 0, &vec![of_part; part.n_columns()]);
            }
        }
        for row in 0..4 {
            let found = [0, 1, 2, 3, 4, 5, 6].map(|column| values[row * strides.row + column * strides.output]);
            assert_eq!(found.to_vec(), [1.0, 1.0, 1.0, 2.0, 2.0, 2.0, 2.0], "{in_columns}");
        }
        assert_eq!(values.iter().filter(|&&value| value == 0.0).count(), 40 - 28);
    }
}

#[test]
#[should_panic(expected = "no two numbers stand at one place")]
fn a_matrix_whose_rows_overlap_is_refused() {
    MatrixMut::new(&mut [0.0; 20], 4, 5, Strides { row: 3, output: 1 });
}

#[test]
#[should_panic(expected = "they are there")]
fn no_part_of_a_matrix_reaches_into_another() {
    let mut values = [0.0; 20];
    MatrixMut::of_rows(&mut values, 5).split_at(2).0.in_row(0, 1..3);
}

#[test]
fn large_memory_starts_at_a_cache_line_and_holds_what_is_written() {
    for len in [0, 1, 16, 17, 1 << 20] {
        let mut values = Aligned::zeros(len);
        assert_eq!((values.len(), values.as_ptr().align_offset(64)), (len, 0));
        assert!(values.iter().all(|&value| value == 0.0));
        if let Some(last) = values.last_mut() {
            *last = 7.0;
            let clone = values.clone();
            assert_eq!(clone.last().map(|value| value.to_bits()), Some(7_f32.to_bits()));
            assert_eq!(clone.as_ptr().align_offset(64), 0);
        }
        values.resize(2 * len + 3);
        assert_eq!((values.len(), values.as_ptr().align_offset(64)), (2 * len + 3, 0));
    }
}

#[test]
#[should_panic(expected = "capacity overflow")]
fn more_numbers_than_memory_can_hold_are_refused_at_once() {
    Aligned::zeros(usize::MAX);
}
