//! How much does a row of each class count?

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::settings::reads_as_text;
use crate::error::{Error, ErrorKind, Problem, Result};

/// What a row weighs by its class.
///
/// The weights are then divided by their mean over the training rows, as [`crate::data::Dataset::with_weights`] says;
/// rows held out weigh the same, so that `loss` means the same on both. Written as `none`, `balanced` or `a=2,b=1`.
///
/// **Differs from** scikit-learn's `class_weight`: its `LogisticRegression` does not divide by the mean, so that weights
/// also scale the loss against a penalty. `balanced` has mean 1 there too.
///
/// References: King and Zeng 2001, "Logistic regression in rare events data", on weighting.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum ClassWeight {
    /// Every row counts the same.
    #[default]
    None,
    /// Every class counts the same: `n/(k·n_c)` for each of the `n_c` among n training rows of k classes.
    Balanced,
    /// Given by class; those that are not named weigh 1.
    Given(Vec<(String, f64)>),
}

impl ClassWeight {
    /// What a row of each class weighs, given how many of each train, so that they weigh 1 on average; none where all
    /// rows count the same.
    pub(super) fn of(&self, target: &str, classes: &[String], counts: &[usize]) -> Result<Option<Vec<f64>>> {
        let n: usize = counts.iter().sum();
        let mut weights = vec![1.0; classes.len()];
        match self {
            Self::None => return Ok(None),
            Self::Balanced => {
                // A class that no row trains on weighs as one of a single row.
                weights.iter_mut().zip(counts).for_each(|(weight, &n_c)| *weight = 1.0 / n_c.max(1) as f64);
            }
            Self::Given(given) => {
                for (class, weight) in given {
                    let Some(code) = classes.iter().position(|known| known == class) else {
                        let (name, found, known) = (target.to_owned(), class.clone(), classes.to_vec());
                        return Err(ErrorKind::NoSuchClass { name, found, known }.into());
                    };
                    weights[code] = *weight;
                }
            }
        }
        let mean = weights.iter().zip(counts).map(|(weight, &n_c)| weight * (n_c as f64 / n as f64)).sum::<f64>();
        if !(mean > 0.0 && mean.is_finite()) {
            let (expected, found) = ("a weight above 0 for a class of the training rows", format!("`{self}`"));
            return Err(ErrorKind::WeightOutOfRange { expected, found }.into());
        }
        Ok(Some(weights.into_iter().map(|weight| weight / mean).collect()))
    }

    /// The problem there is where the target has no classes.
    pub(super) fn problem_of_regression(&self) -> Option<Problem> {
        (*self != Self::None).then(|| Problem::new("class-weight", "`none` for a regression", self))
    }
}

reads_as_text!(ClassWeight);

impl fmt::Display for ClassWeight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("none"),
            Self::Balanced => f.write_str("balanced"),
            Self::Given(given) => {
                let pairs: Vec<String> = given.iter().map(|(class, weight)| format!("{class}={weight}")).collect();
                f.write_str(&pairs.join(","))
            }
        }
    }
}

impl FromStr for ClassWeight {
    type Err = Error;

    /// A comma that no weight stands before belongs to the name of a class.
    fn from_str(text: &str) -> Result<Self> {
        let refused = || {
            let expected = "`balanced`, `none` or CLASS=WEIGHT,… with finite weights, 0 or above, each class once";
            ErrorKind::Settings(vec![Problem::new("class-weight", expected, text)]).into()
        };
        match text {
            "none" => return Ok(Self::None),
            "balanced" => return Ok(Self::Balanced),
            _ => {}
        }
        let mut given: Vec<(String, f64)> = Vec::new();
        let mut start = 0;
        for (end, _) in text.match_indices(',').chain([(text.len(), "")]) {
            let pair = text[start..end].rsplit_once('=');
            let Some((class, weight)) = pair.and_then(|(class, weight)| Some((class, weight.parse().ok()?))) else {
                continue;
            };
            if !(0.0..f64::INFINITY).contains(&weight) || given.iter().any(|(other, _)| other == class) {
                return Err(refused());
            }
            given.push((class.to_owned(), weight));
            start = end + 1;
        }
        if start <= text.len() { Err(refused()) } else { Ok(Self::Given(given)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn classes() -> Vec<String> {
        ["a", "b"].map(str::to_owned).to_vec()
    }

    #[test]
    fn balanced_weights_are_scikit_learns() {
        // compute_class_weight("balanced", …) on two rows of a and eight of b.
        let weights = ClassWeight::Balanced.of("y", &classes(), &[2, 8]).unwrap().unwrap();
        assert!((weights[0] - 2.5).abs() < 1e-12 && (weights[1] - 0.625).abs() < 1e-12, "{weights:?}");
    }

    #[test]
    fn given_weights_are_divided_by_their_mean_over_the_rows() {
        let of = |text: &str| text.parse::<ClassWeight>().unwrap().of("y", &classes(), &[2, 8]);
        let weights = of("a=6").unwrap().unwrap();
        assert!((weights[0] - 3.0).abs() < 1e-12 && (weights[1] - 0.5).abs() < 1e-12, "{weights:?}");
        assert_eq!(of("none").unwrap(), None);
        assert_eq!(
            of("c=1").unwrap_err().to_string(),
            "expected weights for classes of the target `y`, found `c`; there are `a`, `b`"
        );
        assert_eq!(
            of("a=0,b=0").unwrap_err().to_string(),
            "expected a weight above 0 for a class of the training rows, found `a=0,b=0`"
        );
    }

    #[test]
    fn weights_are_read_as_they_are_written_whatever_the_classes_are_called() {
        let given = |pairs: &[(&str, f64)]| {
            ClassWeight::Given(pairs.iter().map(|&(class, weight)| (class.to_owned(), weight)).collect())
        };
        for (text, weights) in [
            ("none", ClassWeight::None),
            ("balanced", ClassWeight::Balanced),
            ("a=2,b=0.5", given(&[("a", 2.0), ("b", 0.5)])),
            ("yes, surely=2,no=1", given(&[("yes, surely", 2.0), ("no", 1.0)])),
            ("x=1=3,balanced=0", given(&[("x=1", 3.0), ("balanced", 0.0)])),
        ] {
            assert_eq!(text.parse::<ClassWeight>().unwrap(), weights, "{text}");
            assert_eq!(weights.to_string(), text);
        }
        for wrong in ["", "a", "a=", "a=-1", "a=nan", "a=inf", "a=1,", "a=1,b", "a=1,a=2"] {
            assert!(wrong.parse::<ClassWeight>().is_err(), "{wrong}");
        }
    }
}
