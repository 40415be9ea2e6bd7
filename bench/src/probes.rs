//! What do the probes of a diagnosis cost, in epochs?
//!
//! Each is timed on one thread beside one epoch of training at 32 rows a step, on made tables and on those built in; the
//! middle of some repetitions. A probe is asked at the start, where nothing has been learnt; at hidden layers and at other
//! places the largest curvature may take more products.

use std::sync::Arc;
use std::time::Instant;

use downslope::data::{Dataset, EncodeOptions, Preprocessing, ReadOptions, Table, Target};
use downslope::diagnosis::{curvature, learning_rate, noise};
use downslope::loader::{BatchSize, DataLoader, LastBatch, Order};
use downslope::loss::Loss;
use downslope::model::{Activation, Model};
use downslope::objective::{EmpiricalLoss, Objective};
use downslope::sgd::Sgd;
use downslope::stop::Stop;
use downslope::trainer::Trainer;

use crate::cases::Case;
use crate::descent::Descent;
use crate::{Result, make, median};

const BATCH_SIZE: usize = 32;

/// What an epoch and each probe took, in seconds.
#[derive(Clone, Copy, Debug)]
pub struct Costs {
    /// An epoch of steps of 32 rows.
    pub epoch: f64,
    /// `curvature::largest`.
    pub largest: f64,
    /// Passes over the rows that were its products.
    pub passes: f64,
    /// `row_curvatures`.
    pub rows: f64,
    /// `noise::scale` on a sixteenth of the rows.
    pub noise: f64,
    /// `learning_rate::choose`.
    pub choose: f64,
}

/// The tables, by name.
pub const TABLES: [&str; 6] = ["10k x 32", "100k x 32", "60k x 784", "@diabetes", "@breast-cancer", "@digits"];

fn table(name: &str) -> Result<(Loss, usize, Dataset)> {
    let made = |case: &str, rows| {
        let mut case = Case::named(case)?;
        case.rows = rows;
        Ok((case.loss, case.outputs, make::dataset(&case)?))
    };
    let known = |loss, n_outputs| {
        let read = || -> downslope::Result<Dataset> {
            let table = Table::read(name, &ReadOptions::default())?;
            let (target, _) = Target::choose(&table, Some("target"), None)?;
            let options = EncodeOptions { scale_target: true, ..EncodeOptions::default() };
            let (preprocessing, _) = Preprocessing::learn(&table, &target, &table.rows(), &options)?;
            Ok(preprocessing.dataset(&table, &table.rows())?.0)
        };
        read().map(|data| (loss, n_outputs, data)).map_err(|error| error.to_string())
    };
    match name {
        "10k x 32" => made("L", 10_000),
        "100k x 32" => made("L", 100_000),
        "60k x 784" => made("D", 60_000),
        "@diabetes" => known(Loss::Squared, 1),
        "@breast-cancer" => known(Loss::Logistic, 1),
        _ => known(Loss::CrossEntropy, 10),
    }
}

/// Times the probes on a table.
///
/// # Errors
/// What the engine refuses.
pub fn measure(name: &str, repetitions: usize) -> Result<Costs> {
    let (loss, n_outputs, data) = table(name)?;
    let (n_rows, data) = (data.n_rows(), Arc::new(data));
    let model = Model { n_features: data.n_features(), hidden: Vec::new(), activation: Activation::Relu, n_outputs };
    let theta = vec![0.0; model.n_parameters()];
    let batch_size = BatchSize::rows(BATCH_SIZE).map_err(|error| error.to_string())?;
    let mut objective = EmpiricalLoss::new(model.clone(), loss, data.clone()).map_err(|error| error.to_string())?;
    let loader = DataLoader::new(n_rows, batch_size, Order::Shuffled { seed: 1 }, LastBatch::Keep);
    let trainer = Trainer { loader: Some(loader), ..Trainer::new(Sgd::new(1e-3), Stop::epochs(1)) };
    let descent = Descent { model, loss, data, batch_size, lr: 1e-3, epochs: repetitions as u64, threads: 1 };
    let epoch = median(&descent.measure(&theta)?.epoch_seconds);
    let passes = curvature::largest(&mut objective, &theta).row_products as f64 / n_rows as f64;
    let mut timed = |probe: &mut dyn FnMut(&mut EmpiricalLoss)| {
        let seconds: Vec<f64> = (0..repetitions)
            .map(|_| {
                let begin = Instant::now();
                probe(&mut objective);
                begin.elapsed().as_secs_f64()
            })
            .collect();
        median(&seconds)
    };
    Ok(Costs {
        epoch,
        passes,
        largest: timed(&mut |objective| _ = curvature::largest(objective, &theta)),
        rows: timed(&mut |objective| _ = objective.row_curvatures(&theta)),
        noise: timed(&mut |objective| _ = noise::scale(objective, &theta, Some(n_rows / 16), 1)),
        choose: timed(&mut |objective| _ = learning_rate::choose(objective, &theta, &trainer)),
    })
}
