//! What predicts?

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde::{Deserialize, Serialize};

use crate::checkpoint::write_whole;
use crate::data::{Dataset, Notice, Preprocessing, Table, TargetEncoding};
use crate::error::{Error, ErrorKind, Result};
use crate::loss::{Loss, Suits};
use crate::metrics::{Metrics, class_of};
use crate::model::Model;
use crate::numeric::{log_sum_exp, sigmoid};
use crate::objective::{EmpiricalLoss, Objective};

/// A trained model with all that turns a row of a table into its inputs and its outputs into an answer.
///
/// **The file** is in the safetensors format. Its tensors have the names and shapes of PyTorch's `nn.Sequential`, so
/// `load_state_dict(safetensors.torch.load_file(path))` works on the matching one; everything else is JSON in the
/// metadata under `downslope`: `model`, `loss`, the `preprocessing` documented at [`Preprocessing`], and the words that
/// stand for `missing` values.
///
/// In Python, for a linear model on numeric columns (the general case is `golden/check_model.py`):
///
/// ```python
/// import json, numpy as np, pandas as pd, safetensors
/// with safetensors.safe_open("model.safetensors", "np") as file:
///     about = json.loads(file.metadata()["downslope"])
///     weight, bias = file.get_tensor("0.weight"), file.get_tensor("0.bias")
/// rows = pd.read_csv("table.csv")
/// x = np.stack([(rows[i["name"]] - i["mean"]) / i["std"] for i in about["preprocessing"]["inputs"]], axis=1)
/// scores = x.astype(np.float32) @ weight.T + bias
/// target = about["preprocessing"]["target"]   # regression: the answer is mean + std · score
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct FittedModel {
    /// The shape.
    pub model: Model,
    /// The loss it was trained on, which says what its outputs mean.
    pub loss: Loss,
    /// From columns to features, and from outputs back to the target.
    pub preprocessing: Preprocessing,
    /// Words that stood for a missing value in the training table, besides the empty field.
    pub missing: Vec<String>,
    /// The parameters.
    pub theta: Vec<f32>,
}

/// What stands in the metadata of a model file.
#[derive(Serialize, Deserialize)]
struct About {
    version: String,
    model: Model,
    loss: Loss,
    preprocessing: Preprocessing,
    missing: Vec<String>,
}

/// The answers of a model, one a row.
#[derive(Clone, Debug, PartialEq)]
pub enum Predictions {
    /// Numbers, in the unit of the target.
    Numbers(Vec<f64>),
    /// Classes.
    Classes {
        /// The names of the classes.
        classes: Vec<String>,
        /// The number of each row's class.
        codes: Vec<usize>,
        /// How likely each class is, (`n_rows`, `n_classes`); none for losses that give no probabilities.
        probabilities: Option<Vec<f64>>,
    },
}

const KEY: &str = "downslope";

impl FittedModel {
    /// Writes the model file, whole or not at all.
    ///
    /// # Errors
    /// The operating system's refusal, with the path.
    pub fn save(&self, path: &Path) -> Result<()> {
        let about = About {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            model: self.model.clone(),
            loss: self.loss,
            preprocessing: self.preprocessing.clone(),
            missing: self.missing.clone(),
        };
        let refused = |error: &dyn std::fmt::Display| Error::malformed("model file", error);
        let about = serde_json::to_string(&about).map_err(|error| refused(&error))?;
        let parts = self.model.parts();
        let bytes: Vec<Vec<u8>> = parts
            .iter()
            .map(|part| self.theta[part.range.clone()].iter().flat_map(|value| value.to_le_bytes()).collect())
            .collect();
        let tensors: std::result::Result<Vec<_>, _> = parts
            .iter()
            .zip(&bytes)
            .map(|(part, bytes)| TensorView::new(Dtype::F32, part.shape.clone(), bytes).map(|view| (&part.name, view)))
            .collect();
        let about = HashMap::from([(KEY.to_owned(), about)]);
        let file = tensors.and_then(|tensors| safetensors::serialize(tensors, Some(about)));
        write_whole(path, &file.map_err(|error| refused(&error))?)
    }

    /// Reads a model file.
    ///
    /// # Errors
    /// A file that is missing, damaged, or no model of this program.
    pub fn load(path: &Path) -> Result<Self> {
        let bytes = std::fs::read(path).map_err(|error| Error::io("read", path, error))?;
        let refused =
            |detail: &dyn std::fmt::Display| Error::malformed("model file", detail).in_source(&path.to_string_lossy());
        let (_, metadata) = SafeTensors::read_metadata(&bytes).map_err(|error| refused(&error))?;
        let about = metadata.metadata().as_ref().and_then(|metadata| metadata.get(KEY));
        let about = about.ok_or_else(|| refused(&"its metadata has no entry `downslope`"))?;
        let About { model, loss, preprocessing, missing, .. } =
            serde_json::from_str(about).map_err(|error| refused(&error))?;
        if model.n_features != preprocessing.n_features() {
            return Err(refused(&"model and preprocessing have different numbers of features"));
        }
        let n_classes = preprocessing.target().classes().len();
        let fits = match loss.suits() {
            Suits::Regression => n_classes == 0 && model.n_outputs == 1,
            Suits::TwoClasses => n_classes == 2 && model.n_outputs == 1,
            Suits::Classes => n_classes == model.n_outputs && n_classes > 0,
        };
        if !fits || model.hidden.contains(&0) || model.check().is_err() {
            return Err(refused(&"its loss, classes and outputs do not belong together"));
        }
        let theta = parameters_of(&bytes, &model).map_err(|error| error.in_source(&path.to_string_lossy()))?;
        Ok(Self { model, loss, preprocessing, missing, theta })
    }

    /// The answers for every row of a table, whose columns are taken by name.
    ///
    /// # Errors
    /// A column that is missing or holds something else than in training, with its place.
    pub fn predict(&self, table: &Table) -> Result<(Predictions, Vec<Notice>)> {
        let rows = table.rows();
        let (features, notices) = self.preprocessing.features(table, &rows)?;
        let data = Dataset::new(features, vec![0.0; rows.len()])?;
        let outputs = EmpiricalLoss::new(self.model.clone(), self.loss, Arc::new(data))?.outputs(&self.theta);
        Ok((self.answers(&outputs), notices))
    }

    fn answers(&self, outputs: &[f32]) -> Predictions {
        let target = self.preprocessing.target();
        if self.loss.suits() == Suits::Regression {
            let number = |&score: &f32| match self.loss {
                Loss::Poisson => f64::from(score).exp(),
                _ => target.decode(f64::from(score)),
            };
            return Predictions::Numbers(outputs.iter().map(number).collect());
        }
        let rows = || outputs.chunks_exact(self.model.n_outputs);
        let probabilities = match self.loss {
            Loss::Logistic => {
                Some(outputs.iter().flat_map(|&s| [sigmoid(-f64::from(s)), sigmoid(f64::from(s))]).collect())
            }
            Loss::CrossEntropy => {
                let of_row = |row: &[f32]| {
                    let normaliser = log_sum_exp(row);
                    row.iter().map(move |&score| (f64::from(score) - normaliser).exp()).collect::<Vec<_>>()
                };
                Some(rows().flat_map(of_row).collect())
            }
            _ => None,
        };
        Predictions::Classes {
            classes: target.classes().to_vec(),
            codes: rows().map(class_of).collect(),
            probabilities,
        }
    }

    /// How good the answers are on a table that has the target.
    ///
    /// # Errors
    /// As [`FittedModel::predict`], and a target that is missing or of a class never seen in training.
    pub fn evaluate(&self, table: &Table) -> Result<(Metrics, Vec<Notice>)> {
        let rows = table.rows();
        let (data, notices) = self.preprocessing.dataset(table, &rows)?;
        let mut objective = EmpiricalLoss::new(self.model.clone(), self.loss, Arc::new(data))?
            .with_target_unit(target_unit(&self.preprocessing));
        Ok((objective.evaluate(&self.theta), notices))
    }
}

/// How many of its own unit one unit of the encoded target is.
pub(super) fn target_unit(preprocessing: &Preprocessing) -> f64 {
    if let TargetEncoding::Regression { std, .. } = preprocessing.target() { *std } else { 1.0 }
}

/// The parameters of a model from the tensors of a safetensors file, under PyTorch's names; `f32` or `f64`.
///
/// # Errors
/// A file that is missing or damaged, and a tensor that is missing or has another shape.
pub fn read_parameters(path: &Path, model: &Model) -> Result<Vec<f32>> {
    let bytes = std::fs::read(path).map_err(|error| Error::io("read", path, error))?;
    parameters_of(&bytes, model).map_err(|error| error.in_source(&path.to_string_lossy()))
}

fn parameters_of(bytes: &[u8], model: &Model) -> Result<Vec<f32>> {
    let tensors = SafeTensors::deserialize(bytes).map_err(|error| Error::malformed("safetensors file", error))?;
    let mut theta = Vec::new();
    for part in model.parts() {
        let tensor = tensors.tensor(&part.name).ok();
        let found = tensor.as_ref().map_or(Vec::new(), |tensor| tensor.shape().to_vec());
        let Some(tensor) = tensor.filter(|tensor| tensor.shape() == part.shape) else {
            return Err(ErrorKind::ShapeMismatch { part: part.name, expected: part.shape, found }.into());
        };
        match tensor.dtype() {
            Dtype::F32 => theta.extend(tensor.data().as_chunks().0.iter().map(|&chunk| f32::from_le_bytes(chunk))),
            Dtype::F64 => {
                theta.extend(tensor.data().as_chunks().0.iter().map(|&chunk| f64::from_le_bytes(chunk) as f32));
            }
            other => {
                let detail = format!("`{}` holds {other:?}, not F32 or F64", part.name);
                return Err(Error::malformed("safetensors file", detail));
            }
        }
    }
    Ok(theta)
}
