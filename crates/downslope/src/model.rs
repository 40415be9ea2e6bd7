//! What is fitted: which parameters, in which shape, starting where?
//!
//! Dense layers with an activation between them, as PyTorch's `nn.Sequential(Linear, act, Linear, …)`. Without a hidden
//! layer this *is* linear, logistic or softmax regression (the loss decides which), so there is one model family, not
//! five. The parameters are one flat slice θ; each part has PyTorch's name and shape. How outputs and gradients are
//! computed is not here ([`crate::objective`]).

use std::fmt;
use std::ops::Range;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind, Problem, Result};
use crate::random::{Purpose, Stream};

/// What stands between two layers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Activation {
    /// max(0, z); slope 0 at 0, as PyTorch.
    #[default]
    Relu,
    /// tanh z.
    Tanh,
}

impl fmt::Display for Activation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Relu => "relu",
            Self::Tanh => "tanh",
        })
    }
}

impl FromStr for Activation {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "relu" => Ok(Self::Relu),
            "tanh" => Ok(Self::Tanh),
            _ => Err(ErrorKind::Settings(vec![Problem::new("activation", "relu or tanh", text)]).into()),
        }
    }
}

/// One named part of θ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// PyTorch's name: `0.weight`, `0.bias`, `2.weight` …
    pub name: String,
    /// (out, in) for a weight, (out) for a bias.
    pub shape: Vec<usize>,
    /// Where it stands in θ.
    pub range: Range<usize>,
}

impl Part {
    /// Whether this is a bias.
    pub fn is_bias(&self) -> bool {
        self.shape.len() == 1
    }
}

/// One dense layer: outputs = W·inputs + b, with W (`n_outputs`, `n_inputs`) row-major at the start of its range.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Layer {
    pub(crate) n_inputs: usize,
    pub(crate) n_outputs: usize,
    pub(crate) weight: Range<usize>,
    pub(crate) bias: Range<usize>,
}

impl Layer {
    /// Weights and biases.
    pub(crate) fn parts<'a>(&self, theta: &'a [f32]) -> (&'a [f32], &'a [f32]) {
        (&theta[self.weight.clone()], &theta[self.bias.clone()])
    }

    /// The same, to be changed; biases stand behind their weights.
    pub(crate) fn parts_mut<'a>(&self, theta: &'a mut [f32]) -> (&'a mut [f32], &'a mut [f32]) {
        theta[self.weight.start..self.bias.end].split_at_mut(self.weight.len())
    }
}

/// The shape of a model.
///
/// ```
/// use downslope::model::{Activation, Model};
/// let model = Model { n_features: 64, hidden: vec![32], activation: Activation::Relu, n_outputs: 10 };
/// assert_eq!(model.n_parameters(), 64 * 32 + 32 + 32 * 10 + 10);
/// assert_eq!(model.parts()[2].name, "2.weight");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Model {
    /// Features of a row.
    pub n_features: usize,
    /// The widths of the hidden layers; none makes a linear model.
    pub hidden: Vec<usize>,
    /// What stands between the layers.
    pub activation: Activation,
    /// Scores of a row: one, or one a class.
    pub n_outputs: usize,
}

impl Model {
    /// Whether there is no hidden layer.
    pub fn is_linear(&self) -> bool {
        self.hidden.is_empty()
    }

    /// The length of θ.
    pub fn n_parameters(&self) -> usize {
        // Without making the layers: this is asked in every step, which must not allocate.
        self.shapes().map(|(n_inputs, n_outputs)| (n_inputs + 1) * n_outputs).sum()
    }

    /// Fails where θ would have more places than an index of this program counts.
    ///
    /// # Errors
    /// [`ErrorKind::Settings`] naming `hidden`.
    pub fn check(&self) -> Result<()> {
        let widths = || self.hidden.iter().copied().chain([self.n_outputs]);
        let mut layers = widths().zip([self.n_features].into_iter().chain(widths()));
        let total = layers.try_fold(0_usize, |total, (n_outputs, n_inputs)| {
            total.checked_add(n_inputs.checked_add(1)?.checked_mul(n_outputs)?)
        });
        if total.is_some_and(|total| u32::try_from(total).is_ok()) {
            return Ok(());
        }
        let widths: Vec<String> = self.hidden.iter().map(usize::to_string).collect();
        let expected = format!("widths that make at most {} parameters", u32::MAX);
        Err(ErrorKind::Settings(vec![Problem::new("hidden", expected, widths.join(","))]).into())
    }

    /// Inputs and outputs of each layer, from the features to the outputs.
    pub(crate) fn shapes(&self) -> impl Iterator<Item = (usize, usize)> {
        let mut n_inputs = self.n_features;
        let widths = self.hidden.iter().copied().chain([self.n_outputs]);
        widths.map(move |n_outputs| (std::mem::replace(&mut n_inputs, n_outputs), n_outputs))
    }

    /// The layers, from the features to the outputs.
    pub(crate) fn layers(&self) -> Vec<Layer> {
        let mut start = 0;
        self.shapes()
            .map(|(n_inputs, n_outputs)| {
                let weight = start..start + n_outputs * n_inputs;
                let bias = weight.end..weight.end + n_outputs;
                start = bias.end;
                Layer { n_inputs, n_outputs, weight, bias }
            })
            .collect()
    }

    /// The named parts of θ, in order.
    pub fn parts(&self) -> Vec<Part> {
        let part = |index: usize, what: &str, shape: Vec<usize>, range: Range<usize>| Part {
            name: format!("{}.{what}", 2 * index),
            shape,
            range,
        };
        let layers = self.layers().into_iter().enumerate();
        layers
            .flat_map(|(index, Layer { n_inputs, n_outputs, weight, bias })| {
                [part(index, "weight", vec![n_outputs, n_inputs], weight), part(index, "bias", vec![n_outputs], bias)]
            })
            .collect()
    }

    /// The first θ: zero for a linear model (its loss is convex, every start leads to the same place), and
    /// U(−1/√in, 1/√in) for every layer of one with hidden layers, as `torch.nn.Linear`.
    pub fn init(&self, seed: u64) -> Vec<f32> {
        let mut theta = vec![0.0; self.n_parameters()];
        if !self.is_linear() {
            let mut stream = Stream::new(seed, Purpose::Init, 0);
            for layer in self.layers() {
                let bound = 1.0 / (layer.n_inputs as f64).sqrt();
                for value in &mut theta[layer.weight.start..layer.bias.end] {
                    *value = (bound * (2.0 * stream.uniform() - 1.0)) as f32;
                }
            }
        }
        theta
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_named_and_shaped_as_pytorch_does_and_fill_theta_without_gaps() {
        let model = Model { n_features: 6, hidden: vec![7, 5], activation: Activation::Tanh, n_outputs: 4 };
        let parts = model.parts();
        let names: Vec<_> = parts.iter().map(|part| part.name.as_str()).collect();
        assert_eq!(names, ["0.weight", "0.bias", "2.weight", "2.bias", "4.weight", "4.bias"]);
        assert_eq!(parts[2].shape, [5, 7]);
        let mut end = 0;
        for part in &parts {
            assert_eq!((part.range.start, part.range.len()), (end, part.shape.iter().product()));
            end = part.range.end;
        }
        assert_eq!(end, model.n_parameters());
    }

    #[test]
    fn linear_models_start_at_zero_and_others_within_their_bounds() {
        let linear = Model { n_features: 3, hidden: vec![], activation: Activation::Relu, n_outputs: 2 };
        assert!(linear.init(1).iter().all(|&value| value == 0.0));
        let deep = Model { hidden: vec![100], ..linear };
        let theta = deep.init(1);
        assert_ne!(theta, deep.init(2));
        assert!(theta[..400].iter().all(|value| value.abs() < 0.578) && theta[..400].iter().any(|v| v.abs() > 0.5));
        assert!(theta[400..].iter().all(|value| value.abs() <= 0.1));
    }
}
