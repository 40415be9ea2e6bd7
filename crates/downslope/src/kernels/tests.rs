//! Every kernel on every instruction set of this machine: the bits of the portable twin, and the right numbers.

use super::functions::{NEAR, exp, exp_of_negative, ln, ln_1p_of_share, sigmoid_of_one, tanh};
use super::lanes::Wanted;
use super::*;
use crate::data::Csr;
use crate::loader::Batch;
use crate::loss::{Loss, OF_ONE_SCORE};
use crate::model::{Activation, Model};
use crate::objective::{Lazy, Moving, StepLosses, StepRule};
use crate::random::{Purpose, Stream};

mod functions;
mod one_score;
mod products;
mod slices;
mod sparse;

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

/// Weights from 0 to 3.
fn weights(n_rows: usize) -> Vec<f32> {
    (0..n_rows).map(|row| (row % 5) as f32 * 0.75).collect()
}

/// Plain, with penalties, with momentum, with all of it.
fn rules() -> [StepRule; 4] {
    let plain = StepRule::plain(0.1);
    let penalised = StepRule { weight_decay: 0.2, l1: 0.3, ..plain };
    let momentum = StepRule { momentum: 0.5, dampening: 0.3, ..plain };
    [plain, penalised, momentum, StepRule { momentum: 0.7, nesterov: true, ..penalised }]
}

/// As many as there are parameters, or none without momentum.
fn velocities(rule: StepRule, n: usize) -> Vec<f32> {
    if rule.momentum > 0.0 { numbers(n, 3) } else { Vec::new() }
}
