//! What is measured?
//!
//! `cases.json` beside `Cargo.toml`: shapes, rates and epochs, read by this program and by every script of the peers, so
//! that nobody has numbers of their own.

use std::collections::BTreeMap;

use downslope::loss::Loss;
use downslope::model::{Activation, Model};
use serde::Deserialize;

use crate::Result;

/// One model on one table.
#[derive(Clone, Debug, Deserialize)]
pub struct Case {
    /// Whose arrays it is trained on: the name of a case.
    pub data: String,
    /// The loss.
    pub loss: Loss,
    /// Rows of the table.
    pub rows: usize,
    /// Features of a row.
    pub features: usize,
    /// Scores of a row.
    pub outputs: usize,
    /// The widths of the hidden layers.
    pub hidden: Vec<usize>,
    /// Values kept of a sparse row; none where rows are dense.
    pub nonzeros: Option<usize>,
    /// What is run at each batch size.
    pub batches: BTreeMap<String, Pace>,
}

/// How long and how fast a case descends at one batch size.
#[derive(Clone, Debug, Deserialize)]
pub struct Pace {
    /// Learning rate.
    pub lr: f64,
    /// Epochs that are timed.
    pub epochs: u64,
    /// The first rows only, where all would take minutes.
    pub rows: Option<usize>,
}

impl Case {
    /// The case of a name.
    ///
    /// # Errors
    /// There is no such case.
    pub fn named(name: &str) -> Result<Self> {
        let mut cases: BTreeMap<String, Self> =
            serde_json::from_str(include_str!("../cases.json")).map_err(|error| format!("cases.json: {error}"))?;
        cases.remove(name).ok_or_else(|| format!("no case `{name}`; there are {:?}", cases.keys()))
    }

    /// What is run at a batch size.
    ///
    /// # Errors
    /// The case has no such batch size.
    pub fn pace(&self, batch: &str) -> Result<&Pace> {
        self.batches.get(batch).ok_or_else(|| format!("no batch size `{batch}`; there are {:?}", self.batches.keys()))
    }

    /// The model's shape.
    pub fn model(&self) -> Model {
        Model {
            n_features: self.features,
            hidden: self.hidden.clone(),
            activation: Activation::Relu,
            n_outputs: self.outputs,
        }
    }
}
