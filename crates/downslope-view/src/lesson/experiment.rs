//! Which experiments are there, and what can they be told?

use std::collections::BTreeMap;
use std::str::FromStr;

use downslope::loader::BatchSize;
use downslope::loss::Loss;
use downslope::run::LearningRate;
use serde::{Deserialize, Serialize};

use super::body::{Body, Spec, Text, Writer};
use super::lines::Line;
use super::problem::{Problem, listed, nearest, quoted};

/// An experiment to run: a name that [`known`] has, and parameters that it accepts.
///
/// Parameters are kept as the file has them, checked but not read, so that what runs the experiment reads them with
/// the words of the command: `batch-size: full` is what `--batch-size full` is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Experiment {
    /// Its name within the lesson: `the-mountain/experiment`, or `practice/sort/prove-2` for the second item's proof.
    pub id: String,
    /// Which experiment.
    pub name: String,
    /// What it is told.
    pub parameters: BTreeMap<String, String>,
    /// What the learner is invited to do with it.
    pub caption: Option<String>,
}

/// An experiment that a lesson can name.
#[derive(Clone, Copy, Debug)]
pub struct Known {
    /// The name in a lesson file.
    pub name: &'static str,
    /// What it shows.
    pub about: &'static str,
    /// What it can be told.
    pub parameters: &'static [Parameter],
}

impl Known {
    /// The parameter of a name.
    pub fn parameter(&self, name: &str) -> Option<&'static Parameter> {
        self.parameters.iter().find(|parameter| parameter.name == name)
    }
}

/// Something an experiment can be told.
#[derive(Clone, Copy, Debug)]
pub struct Parameter {
    /// The key in a lesson file.
    pub name: &'static str,
    /// What its value must be.
    pub accepts: Accepts,
    /// The value if none is given, as a lesson file would have it; none where the data or the measurement decide.
    pub default: Option<&'static str>,
}

impl Parameter {
    /// Whether it must be given.
    pub fn is_required(&self) -> bool {
        self.default.is_none() && matches!(self.accepts, Accepts::OneOf(_))
    }
}

/// What a parameter's value must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accepts {
    /// Any text.
    Text,
    /// Names divided by commas.
    Names,
    /// A whole number above 0.
    Count,
    /// A whole number, 0 or above.
    Seed,
    /// A finite number above 0.
    Positive,
    /// Finite numbers above 0 divided by commas.
    Positives,
    /// A learning rate: a number above 0 or `auto`.
    Rate,
    /// A batch size: a number above 0 or `full`.
    BatchSize,
    /// Batch sizes divided by commas.
    BatchSizes,
    /// A loss as `--loss` has it.
    Loss,
    /// One of these words.
    OneOf(&'static [&'static str]),
}

impl Accepts {
    /// Whether it takes a value.
    pub fn accepts(self, value: &str) -> bool {
        let positive = |text: &str| text.parse::<f64>().is_ok_and(|number| number.is_finite() && number > 0.0);
        let each = |accepts: Self| value.split(',').all(|part| accepts.accepts(part.trim()));
        match self {
            Self::Text => !value.is_empty(),
            Self::Names => each(Self::Text),
            Self::Count => value.parse::<u32>().is_ok_and(|number| number > 0),
            Self::Seed => value.parse::<u64>().is_ok(),
            Self::Positive => positive(value),
            Self::Positives => each(Self::Positive),
            Self::Rate => LearningRate::from_str(value).is_ok() && (value == "auto" || positive(value)),
            Self::BatchSize => BatchSize::from_str(value).is_ok(),
            Self::BatchSizes => each(Self::BatchSize),
            Self::Loss => Loss::from_str(value).is_ok(),
            Self::OneOf(words) => words.contains(&value),
        }
    }

    /// What it takes, in words.
    fn words(self) -> String {
        match self {
            Self::Text => "a text".to_owned(),
            Self::Names => "names divided by commas".to_owned(),
            Self::Count => "a whole number above 0".to_owned(),
            Self::Seed => "a whole number, 0 or above".to_owned(),
            Self::Positive => "a number above 0".to_owned(),
            Self::Positives => "numbers above 0 divided by commas".to_owned(),
            Self::Rate => "`auto` or a number above 0".to_owned(),
            Self::BatchSize => "`full` or a whole number above 0".to_owned(),
            Self::BatchSizes => "batch sizes divided by commas, each `full` or a whole number above 0".to_owned(),
            Self::Loss => "a loss as `--loss` has it".to_owned(),
            Self::OneOf(words) => listed(words.iter().copied()),
        }
    }
}

impl Experiment {
    /// Reads a block whose keys are the name, the caption and parameters.
    pub(super) fn read(line: u64, lines: &[Line<'_>], problems: &mut Vec<Problem>) -> Self {
        // Which keys there are depends on the name, wherever it stands.
        let name = lines.iter().find_map(|line| line.text.strip_prefix("name:")).map(str::trim);
        let mut keys = vec!["name", "caption"];
        match name.and_then(named) {
            Some(known) => keys.extend(known.parameters.iter().map(|parameter| parameter.name)),
            None => keys.extend(known().iter().flat_map(|known| known.parameters).map(|parameter| parameter.name)),
        }
        let mut body = Body::read("experiment", line, lines, Spec { texts: &keys, lists: &[] }, problems);
        let name = body.need("name", problems);
        let caption = body.take_text("caption");
        let given = body.take_rest().into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
        let mut experiment = Self::check(&name, given, problems);
        experiment.caption = caption;
        experiment
    }

    /// Reads a name and parameters from one line: `race data=@digits batch-sizes=full,1`.
    pub(super) fn read_line(text: &Text, problems: &mut Vec<Problem>) -> Self {
        let mut words = text.text.split_whitespace();
        let name = words.next().unwrap_or_default().to_owned();
        let mut given = Vec::new();
        for word in words {
            match word.split_once('=') {
                Some((key, value)) => given.push((key.to_owned(), Text { line: text.line, text: value.to_owned() })),
                None => {
                    problems.push(Problem::new(text.line, "`key=value` after the name of an experiment", quoted(word)));
                }
            }
        }
        Self::check(&Text { line: text.line, text: name }, given, problems)
    }

    fn check(name: &Text, given: Vec<(String, Text)>, problems: &mut Vec<Problem>) -> Self {
        let mut experiment = Self { name: name.text.clone(), ..Self::default() };
        let Some(known) = named(&name.text) else {
            if !name.text.is_empty() {
                let names = || known().iter().map(|known| known.name);
                let problem = Problem::new(name.line, "the name of an experiment", quoted(&name.text));
                problems.push(match nearest(&name.text, names()) {
                    Some(near) => problem.hint(format!("did you mean `{near}`?")),
                    None => problem.hint(format!("one of {}", listed(names()))),
                });
            }
            return experiment;
        };
        for (key, Text { line, text }) in given {
            let names = || known.parameters.iter().map(|parameter| parameter.name);
            let value = text.split_whitespace().collect::<Vec<_>>().join(" ");
            match known.parameter(&key) {
                None => {
                    let expected = format!("a parameter of `{}` ({})", known.name, listed(names()));
                    let problem = Problem::new(line, expected, quoted(&key));
                    let near = nearest(&key, names());
                    problems.push(near.map_or(problem.clone(), |near| problem.hint(format!("did you mean `{near}`?"))));
                }
                Some(parameter) => {
                    if !value.is_empty() && !parameter.accepts.accepts(&value) {
                        let expected = format!("{} for `{key}`", parameter.accepts.words());
                        problems.push(Problem::new(line, expected, quoted(&value)));
                    }
                    if experiment.parameters.insert(key.clone(), value).is_some() {
                        problems.push(Problem::new(line, format!("`{key}` once"), "it again"));
                    }
                }
            }
        }
        let is_missing =
            |parameter: &&Parameter| parameter.is_required() && !experiment.parameters.contains_key(parameter.name);
        if let Some(parameter) = known.parameters.iter().find(is_missing) {
            let expected = format!("`{}` for `{}`: {}", parameter.name, known.name, parameter.accepts.words());
            problems.push(Problem::new(name.line, expected, "none"));
        }
        experiment
    }

    pub(super) fn write(&self) -> String {
        let mut writer = Writer::default();
        writer.text("name", Some(&self.name));
        for (key, value) in &self.parameters {
            writer.text(key, Some(value));
        }
        writer.text("caption", self.caption.as_deref());
        writer.fenced("experiment")
    }

    pub(super) fn write_line(&self) -> String {
        let parameters = self.parameters.iter().map(|(key, value)| format!(" {key}={value}"));
        self.name.clone() + &parameters.collect::<String>()
    }
}

const fn parameter(name: &'static str, accepts: Accepts, default: Option<&'static str>) -> Parameter {
    Parameter { name, accepts, default }
}

// The table: a file or a built-in one, its target, and the columns that are features (all others, if not given).
const DATA: Parameter = parameter("data", Accepts::Text, Some("@digits"));
const PLANE: Parameter = parameter("data", Accepts::Text, Some("@diabetes"));
const TARGET: Parameter = parameter("target", Accepts::Text, None);
const COLUMNS: Parameter = parameter("columns", Accepts::Names, None);
const TWO_COLUMNS: Parameter = parameter("columns", Accepts::Names, Some("bmi,s5"));
// Rates to run, as multiples of the limit 2/λmax.
const MULTIPLES: Parameter = parameter("multiples", Accepts::Positives, Some("0.99,1.01"));
const LOSS: Parameter = parameter("loss", Accepts::Loss, None);
const BATCH_SIZE: Parameter = parameter("batch-size", Accepts::BatchSize, Some("32"));
const BATCH_SIZES: Parameter = parameter("batch-sizes", Accepts::BatchSizes, Some("full,32,1"));
const LR: Parameter = parameter("lr", Accepts::Rate, Some("auto"));
const EPOCHS: Parameter = parameter("epochs", Accepts::Count, Some("30"));
const STEPS: Parameter = parameter("steps", Accepts::Count, Some("100"));
const SEED: Parameter = parameter("seed", Accepts::Seed, Some("0"));

const CLAIMS: &[&str] = &[
    "uses-all-data",
    "slowest-per-update",
    "smooth-descent",
    "uses-one-example",
    "fastest-per-update",
    "noisy-descent",
];

const KNOWN: &[Known] = &[
    Known {
        name: "fog-mountain",
        about: "Steps down a mountain of which only the visited ground is seen, by hand and then by gradient descent",
        parameters: &[
            parameter("terrain", Accepts::OneOf(&["bowl", "valley", "two-valleys"]), Some("two-valleys")),
            LR,
            STEPS,
            SEED,
        ],
    },
    Known {
        name: "learning-rate",
        about: "One descent with a slider for the rate, on which the measured 1/λmax and 2/λmax are marked",
        parameters: &[PLANE, TARGET, COLUMNS, LOSS, LR, STEPS, SEED, MULTIPLES],
    },
    Known {
        name: "step-price",
        about: "What one step costs in time, by the number of rows it reads, measured on this machine",
        parameters: &[
            parameter("rows", Accepts::Count, Some("1000000")),
            parameter("features", Accepts::Count, Some("10")),
            BATCH_SIZES,
            SEED,
        ],
    },
    Known {
        name: "gradient-cloud",
        about: "The gradients of single rows, or of small batches, around the gradient of all rows",
        parameters: &[PLANE, TARGET, TWO_COLUMNS, LOSS, parameter("batch-size", Accepts::BatchSize, Some("1")), SEED],
    },
    Known {
        name: "zig-zag",
        about: "Paths of descent on the true contour of a fit with two parameters",
        parameters: &[PLANE, TARGET, TWO_COLUMNS, LOSS, BATCH_SIZES, LR, STEPS, SEED],
    },
    Known {
        name: "noise-and-batch",
        about: "The noise of the gradient and the time of a step by batch size, against the line of 1/B",
        parameters: &[
            DATA,
            TARGET,
            COLUMNS,
            LOSS,
            parameter("batch-sizes", Accepts::BatchSizes, Some("1,2,4,8,16,32,64,128,256,full")),
            SEED,
        ],
    },
    Known {
        name: "race",
        about: "Batch sizes that run for the same target loss, against the clock",
        parameters: &[
            DATA,
            TARGET,
            COLUMNS,
            LOSS,
            BATCH_SIZES,
            LR,
            EPOCHS,
            parameter("target-loss", Accepts::Positive, None),
            SEED,
        ],
    },
    Known {
        name: "pytorch-code",
        about: "The same training as a PyTorch program whose batch size follows a slider",
        parameters: &[DATA, TARGET, COLUMNS, LOSS, BATCH_SIZE, LR, EPOCHS, SEED],
    },
    Known {
        name: "recap",
        about: "The methods in one table, filled with what was measured in this sitting, on three clocks",
        parameters: &[DATA, TARGET, COLUMNS, LOSS, BATCH_SIZES, EPOCHS, SEED],
    },
    Known {
        name: "prove-it",
        about: "One measurement that shows whether a claim about a method is true here",
        parameters: &[parameter("claim", Accepts::OneOf(CLAIMS), None), DATA, TARGET, LOSS, BATCH_SIZES, SEED],
    },
];

/// Every experiment that a lesson can name.
pub fn known() -> &'static [Known] {
    KNOWN
}

/// The experiment of a name.
pub fn named(name: &str) -> Option<&'static Known> {
    KNOWN.iter().find(|known| known.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_default_is_accepted_by_its_own_parameter() {
        for known in known() {
            for parameter in known.parameters {
                assert!(
                    parameter.default.is_none_or(|value| parameter.accepts.accepts(value)),
                    "{} {}",
                    known.name,
                    parameter.name
                );
            }
        }
    }
}
