//! Functions, losses and their derivatives, within their stated errors.

use super::*;

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
