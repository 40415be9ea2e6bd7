//! Which loops does all the time go to?
//!
//! Each inner loop is a [`Kernel`], written once over [`Lanes`] (sixteen `f32` at a time) and compiled for every
//! instruction set; [`run`] takes the widest that the machine has, so a plain `cargo build --release` is enough.
//! Products are added fused, with one rounding, and the order of every sum is fixed by the kernel, not by the instruction
//! set: **every variant gives the same bits**. x86-64 machines without AVX2 and FMA (before 2013) run the portable twin,
//! where a fused product is a call; on aarch64 the portable twin *is* NEON, which every such machine has.
//!
//! | kernel | what |
//! |---|---|
//! | [`tiles`] | scores of dense rows, and what steps of one row need |
//! | [`combine`] | gradients summed over dense rows |
//! | [`panels`] | scores of many rows for many outputs |
//! | [`descent`] | steps of one dense row each, weights in registers |
//! | [`sparse`] | scores, gradients and steps of small batches of sparse rows |
//! | [`sparse_steps`] | steps of one sparse row each |
//! | [`linear`] | gradients and steps of small batches of dense rows of one score |
//! | [`losses`] | losses and derivatives of sixteen rows |
//! | [`update`] | what a step makes of a gradient |
//! | [`slices`] | what is done to a whole slice |
//! | [`matrix`] | what products are written to, which threads may share by columns |
//!
//! This is the only module with `unsafe` code.
#![allow(unsafe_code, reason = "instructions of particular machines")]
#![allow(clippy::needless_range_loop, reason = "tiles of several arrays are read by place")]
#![allow(clippy::inline_always, reason = "kernels must be compiled anew inside each instruction set's function")]

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod combine;
mod descent;
mod functions;
mod lanes;
mod linear;
mod losses;
mod matrix;
mod memory;
mod panels;
mod rows;
mod slices;
mod sparse;
mod sparse_steps;
mod targets;
mod tiles;
mod update;

pub(crate) use combine::{AddFactors, Combine, Start};
pub(crate) use descent::OneRowSteps;
pub(crate) use lanes::LANES;
pub(crate) use linear::{LinearGradient, LinearRows, LinearSteps};
pub(crate) use losses::{CrossEntropies, CrossEntropy, Losses, Scores, SumUp};
pub(crate) use matrix::{MatrixMut, Strides};
pub(crate) use memory::Aligned;
pub(crate) use panels::PanelDots;
pub(crate) use rows::{Rows, prefetch, prefetch_targets};
pub(crate) use slices::{SquaredLengths, axpy, scale, sum_of_squares};
pub(crate) use sparse::{SparseGradient, SparseScores, StepAndHalfScores};
pub(crate) use sparse_steps::{Decay, Others, SparseOneRowSteps};
pub(crate) use targets::Targets;
pub(crate) use tiles::{Activate, BackThrough, Dots, Products, StepAndDots};
pub(crate) use update::Update;

#[cfg(test)]
mod tests;

use lanes::{Lanes, Portable};

/// A loop over [`Lanes`] of whichever instruction set.
pub(crate) trait Kernel {
    /// What comes out of it.
    type Output;

    /// The loop. Implementations are `#[inline(always)]`: only so are they compiled for the set of their caller.
    fn run<V: Lanes>(self) -> Self::Output;
}

/// Runs a kernel with the widest instructions of the machine.
#[inline]
pub(crate) fn run<K: Kernel>(kernel: K) -> K::Output {
    #[cfg(target_arch = "x86_64")]
    {
        if std::is_x86_feature_detected!("avx512f") {
            // SAFETY: AVX-512F was found on this machine the line above.
            return unsafe { avx512::run(kernel) };
        }
        if std::is_x86_feature_detected!("avx2") && std::is_x86_feature_detected!("fma") {
            // SAFETY: AVX2 and FMA were found on this machine the line above.
            return unsafe { avx2::run(kernel) };
        }
    }
    kernel.run::<Portable>()
}
