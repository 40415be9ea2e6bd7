//! How do the columns become features, and what is learned from the training rows for that?
//!
//! Everything that depends on the data (means, spreads, categories) is learned from the training rows alone and kept in
//! a [`Preprocessing`], which is stored with a model and repeats the same on other tables. How it is learned and applied is told in
//! the methods [`Preprocessing::learn`], [`Preprocessing::features`] and [`Preprocessing::targets`].
//!
//! | column | becomes |
//! |---|---|
//! | numbers | itself: (value − mean) / std; missing values are the mean first |
//! | booleans | itself: 0 or 1; missing values are the share of true |
//! | categories | one column a level, `name=level`: 1 in the rows that have it, else 0 |
//! | missing in a training row | besides: `name is missing`, 1 where it is (categories: the level `name=(missing)`) |
//!
//! Columns of zeros and ones are not standardised. One row in ten thousand with a rare level would become a value of a
//! hundred in a column of zeros, its curvature would be that of the whole problem, and the learning rate would have to
//! obey a level that hardly matters.

use serde::{Deserialize, Serialize};

use crate::data::target::TargetEncoding;

/// Whether numbers are brought to the same scale.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scale {
    /// To mean 0 and standard deviation 1 over the training rows; columns that never change are left out.
    #[default]
    Standard,
    /// As they are.
    None,
}

/// How columns become features.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EncodeOptions {
    /// Whether numbers are brought to the same scale.
    pub scale: Scale,
    /// Columns that are no features.
    pub drop: Vec<String>,
    /// Whether the target of a regression is brought to mean 0 and standard deviation 1 as well.
    pub scale_target: bool,
}

/// All that must be known to turn a row of a table into features and a target.
///
/// Its JSON, as it stands in model files:
///
/// ```json
/// {
///   "inputs": [
///     {"name": "age", "becomes": ["age", "age is missing"], "kind": "number", "mean": 29.7, "std": 13.0, "marks_missing": true},
///     {"name": "alone", "becomes": ["alone"], "kind": "boolean", "mean": 0.6, "marks_missing": false},
///     {"name": "deck", "becomes": ["deck=A", "deck=B", "deck=(missing)"], "kind": "category", "levels": ["A", "B"], "marks_missing": true}
///   ],
///   "target": {"task": "classification", "name": "survived", "classes": ["0", "1"]}
/// }
/// ```
///
/// Inputs are taken by name, in this order; `becomes` names the features they turn into. A number is (v − mean) / std
/// in `f64`, rounded to `f32` once; a boolean is 0 or 1; in both, a missing value is `mean` before anything else is done.
/// A category is 1 in the feature of its level and 0 in the others. `marks_missing` adds a last feature that is 1 where
/// the value is missing. The kind `presence` is that feature alone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Stored")]
pub struct Preprocessing {
    /// The columns read, in the order of their features.
    pub(super) inputs: Vec<Input>,
    /// What is predicted.
    pub(super) target: TargetEncoding,
}

/// A column and what becomes of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Input {
    /// The column.
    pub name: String,
    /// The features it turns into.
    pub becomes: Vec<String>,
    /// How.
    #[serde(flatten)]
    pub encoding: Encoding,
}

/// How a value becomes one or more features.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Encoding {
    /// (value − `mean`) / `std`.
    Number {
        /// What a missing value is filled with; subtracted if `std` is given.
        mean: f64,
        /// The standard deviation (of the population) over the training rows; none if the column is not scaled.
        std: Option<f64>,
        /// Whether a feature of its own says that the value was missing.
        marks_missing: bool,
    },
    /// 0 or 1.
    Boolean {
        /// What a missing value is filled with: the share of true.
        mean: f64,
        /// Whether a feature of its own says that the value was missing.
        marks_missing: bool,
    },
    /// 1 in the feature of the level, 0 in the others.
    Category {
        /// The levels of the training rows, sorted.
        levels: Vec<String>,
        /// Whether a missing value is a level of its own, the last; else it is 0 in all.
        marks_missing: bool,
    },
    /// 1 where the value is missing, else 0: a column whose values are all the same, where there are any.
    Presence,
}

impl Encoding {
    /// The number of features a value becomes.
    pub fn width(&self) -> usize {
        match self {
            Self::Number { marks_missing, .. } | Self::Boolean { marks_missing, .. } => 1 + usize::from(*marks_missing),
            Self::Category { levels, marks_missing } => levels.len() + usize::from(*marks_missing),
            Self::Presence => 1,
        }
    }

    /// The names of those features.
    pub(super) fn feature_names(&self, column: &str) -> Vec<String> {
        let missing = format!("{column} is missing");
        match self {
            Self::Number { marks_missing, .. } | Self::Boolean { marks_missing, .. } => {
                std::iter::once(column.to_owned()).chain(marks_missing.then_some(missing)).collect()
            }
            Self::Category { levels, marks_missing } => {
                let of_levels = levels.iter().map(|level| format!("{column}={level}"));
                of_levels.chain(marks_missing.then(|| format!("{column}=(missing)"))).collect()
            }
            Self::Presence => vec![missing],
        }
    }
}

impl Preprocessing {
    /// The columns read, in the order of their features.
    pub fn inputs(&self) -> &[Input] {
        &self.inputs
    }

    /// What is predicted, and how it is encoded.
    pub fn target(&self) -> &TargetEncoding {
        &self.target
    }

    /// The number of features.
    pub fn n_features(&self) -> usize {
        self.inputs.iter().map(|input| input.encoding.width()).sum()
    }

    /// The names of the features, in their order.
    pub fn feature_names(&self) -> Vec<String> {
        self.inputs.iter().flat_map(|input| input.becomes.iter().cloned()).collect()
    }
}

/// What stands in a file, before it is known to be sound.
#[derive(Deserialize)]
struct Stored {
    inputs: Vec<Input>,
    target: TargetEncoding,
}

impl TryFrom<Stored> for Preprocessing {
    type Error = String;

    fn try_from(Stored { inputs, target }: Stored) -> std::result::Result<Self, String> {
        for Input { name, becomes, encoding } in &inputs {
            if becomes.len() != encoding.width() {
                return Err(format!("`{name}` becomes {} features, not {}", encoding.width(), becomes.len()));
            }
            if matches!(encoding, Encoding::Number { std: Some(std), .. } if *std <= 0.0) {
                return Err(format!("the standard deviation of `{name}` is not above 0"));
            }
        }
        if matches!(target, TargetEncoding::Regression { std, .. } if std <= 0.0) {
            return Err("the standard deviation of the target is not above 0".to_owned());
        }
        Ok(Self { inputs, target })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::csv::ReadOptions;
    use crate::data::table::Table;
    use crate::data::target::{Target, TaskKind};

    fn learned(text: &str, target: &Target) -> Preprocessing {
        let table = Table::from_csv("t.csv", text.as_bytes(), &ReadOptions::default()).unwrap();
        let options = EncodeOptions { scale_target: true, ..EncodeOptions::default() };
        Preprocessing::learn(&table, target, &table.rows(), &options).unwrap().0
    }

    #[test]
    fn json_keeps_every_bit_and_is_checked() {
        let target = Target { name: "y".to_owned(), task: TaskKind::Regression, classes: Vec::new() };
        let text = "depth,wet,cut,y\n2,true,Good,1\n6.1,false,Fair,2.5\n,true,,1e-3\n4,,Good,1\n";
        let preprocessing = learned(text, &target);
        let json = serde_json::to_string(&preprocessing).unwrap();
        assert_eq!(serde_json::from_str::<Preprocessing>(&json).unwrap(), preprocessing);
        let damaged = json.replace("\"cut=Good\",", "");
        let error = serde_json::from_str::<Preprocessing>(&damaged).unwrap_err().to_string();
        assert!(error.starts_with("`cut` becomes 3 features, not 2"), "{error}");
    }

    #[test]
    fn the_json_reads_as_documented() {
        let classes = vec!["u".to_owned(), "v".to_owned()];
        let target = Target { name: "y".to_owned(), task: TaskKind::Classification, classes };
        let preprocessing = learned("age,alone,deck,y\n2,true,A,u\n4,false,B,v\n", &target);
        assert_eq!(
            serde_json::to_string(&preprocessing).unwrap(),
            concat!(
                r#"{"inputs":[{"name":"age","becomes":["age"],"kind":"number","mean":3.0,"std":1.0,"marks_missing":false},"#,
                r#"{"name":"alone","becomes":["alone"],"kind":"boolean","mean":0.5,"marks_missing":false},"#,
                r#"{"name":"deck","becomes":["deck=A","deck=B"],"kind":"category","levels":["A","B"],"marks_missing":false}],"#,
                r#""target":{"task":"classification","name":"y","classes":["u","v"]}}"#
            )
        );
    }
}
