//! What was decided before the run?
//!
//! One value a flag, with PyTorch's words where it has one; what stands in `run.json` as meant. Everything is checked
//! once, in [`Settings::problems`], and told together.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::class_weight::ClassWeight;
use super::stream::{Stream, Streaming};
use crate::clip::Clip;
use crate::data::{
    ColumnKind, EncodeOptions, Format, Notice, OnBadRow, OnMissingTarget, ReadOptions, Scale, Table, Target, TaskKind,
};
use crate::error::{Error, ErrorKind, Problem, Result};
use crate::loader::BatchSize;
use crate::loss::{Loss, Suits};
use crate::model::Activation;
use crate::schedule::Schedule;
use crate::sgd::Sgd;
use crate::stop::Stop;

/// Epochs of a run that says nothing else.
pub const DEFAULT_EPOCHS: u64 = 30;

/// Everything a run can be told. See the fields for the defaults.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// The target's column; guessed and said aloud if not given.
    pub target: Option<String>,
    /// The kind of task; seen from the loss or the target, and said aloud, if not given.
    pub task: Option<TaskKind>,
    /// Columns that are no features.
    pub drop: Vec<String>,
    /// The only columns that are features; all, if none is named.
    pub only: Vec<String>,
    /// Pairs of columns whose products are features besides.
    pub cross: Vec<(String, String)>,
    /// The highest power of numbers that is a feature. Default: 1, the number itself.
    pub polynomial: u32,
    /// The column that says what a row weighs in the loss. Default: all the same.
    pub weight: Option<String>,
    /// Texts are hashed into at most 2 to this power features. Default: 18.
    pub hash_bits: u32,
    /// Words that stand for a missing value, besides the empty field. Default: `NA`, `null`.
    pub missing: Vec<String>,
    /// Columns read as of a kind, whatever they look like.
    pub kinds: Vec<(String, ColumnKind)>,
    /// The form of the table. Default: what its content, and then its name, say.
    pub format: Option<Format>,
    /// What is done about a row that cannot be read. Default: it is an error.
    pub on_bad_row: OnBadRow,
    /// What is done about a row without a target. Default: it is an error.
    pub on_missing_target: OnMissingTarget,
    /// Whether numbers, and the target of a regression, are brought to mean 0 and standard deviation 1.
    pub scale: Scale,
    /// Which rows tell how good the model is. Default: a fifth, held out.
    pub validation: Validation,
    /// How rows come that may not fit in memory. Only [`super::Experiment::open`] looks at it.
    #[serde(skip_serializing_if = "Streaming::is_default")]
    pub streaming: Streaming,
    /// Widths of the hidden layers. Default: none, a linear model.
    pub hidden: Vec<usize>,
    /// What stands between the layers.
    pub activation: Activation,
    /// What is gone down. Default: squared for numbers, logistic for two classes, cross-entropy for more.
    pub loss: Option<Loss>,
    /// What a row weighs in the loss, by its class. Default: all the same.
    pub class_weight: ClassWeight,
    /// Where it begins.
    pub init: Init,
    /// Rows a step. Default: 32.
    pub batch_size: BatchSetting,
    /// The learning rate. Default: chosen from measurements of the data.
    pub lr: LearningRate,
    /// Momentum.
    pub momentum: f64,
    /// Dampening.
    pub dampening: f64,
    /// L2 penalty.
    pub weight_decay: f64,
    /// Nesterov's momentum.
    pub nesterov: bool,
    /// L1 penalty on the weights.
    pub l1: f64,
    /// A limit on the gradient.
    pub clip: Clip,
    /// How the rate changes.
    pub schedule: Schedule,
    /// Whether the rows come in a new order each epoch.
    pub shuffle: bool,
    /// Whether a last short batch is left out.
    pub drop_last: bool,
    /// Passes over the rows. Default: 30.
    pub epochs: u64,
    /// Time spent on steps, in seconds.
    pub seconds: Option<f64>,
    /// A loss that is good enough.
    pub target_loss: Option<f64>,
    /// Epochs without a new lowest loss that are borne.
    pub patience: Option<u64>,
    /// Where all chance comes from.
    pub seed: u64,
    /// Threads that share large batches; changes no bit. Default: one a core.
    pub threads: Option<usize>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            target: None,
            task: None,
            drop: Vec::new(),
            only: Vec::new(),
            cross: Vec::new(),
            polynomial: 1,
            weight: None,
            hash_bits: EncodeOptions::default().hash_bits,
            missing: ReadOptions::default().missing,
            kinds: Vec::new(),
            format: None,
            on_bad_row: OnBadRow::Error,
            on_missing_target: OnMissingTarget::Error,
            scale: Scale::Standard,
            validation: Validation::Fraction(0.2),
            streaming: Streaming::default(),
            hidden: Vec::new(),
            activation: Activation::Relu,
            loss: None,
            class_weight: ClassWeight::None,
            init: Init::Auto,
            batch_size: BatchSetting::Fixed(BatchSize::Rows(
                const { std::num::NonZeroUsize::new(32).expect("32 is not 0") },
            )),
            lr: LearningRate::Auto,
            momentum: 0.0,
            dampening: 0.0,
            weight_decay: 0.0,
            nesterov: false,
            l1: 0.0,
            clip: Clip::None,
            schedule: Schedule::Constant,
            shuffle: true,
            drop_last: false,
            epochs: DEFAULT_EPOCHS,
            seconds: None,
            target_loss: None,
            patience: None,
            seed: 0,
            threads: None,
        }
    }
}

impl Settings {
    /// How the table is to be read.
    pub fn read_options(&self) -> ReadOptions {
        ReadOptions {
            missing: self.missing.clone(),
            kinds: self.kinds.clone(),
            threads: self.threads,
            on_bad_row: self.on_bad_row,
            format: self.format,
        }
    }

    /// How the columns become features, and the target of a regression a number for this loss.
    pub fn encode_options(&self, loss: Loss) -> EncodeOptions {
        EncodeOptions {
            scale: self.scale,
            drop: self.drop.clone(),
            only: self.only.clone(),
            cross: self.cross.clone(),
            polynomial: self.polynomial,
            weight: self.weight.clone(),
            kinds: self.kinds.clone(),
            hash_bits: self.hash_bits,
            scale_target: self.scale != Scale::None && loss != Loss::Poisson,
        }
    }

    /// The optimiser at a rate.
    pub fn sgd(&self, lr: f64) -> Sgd {
        Sgd {
            lr,
            momentum: self.momentum,
            dampening: self.dampening,
            weight_decay: self.weight_decay,
            nesterov: self.nesterov,
            maximize: false,
            l1: self.l1,
        }
    }

    /// The rate that is given, by a schedule that has its own or else by itself; nothing where it is to be chosen.
    pub fn given_lr(&self) -> Option<f64> {
        self.schedule.own_lr().or(match self.lr {
            LearningRate::Fixed(lr) => Some(lr),
            LearningRate::Auto => None,
        })
    }

    /// The rules that end the run.
    pub fn stop(&self) -> Stop {
        Stop {
            epochs: Some(self.epochs),
            steps: None,
            time: self.seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()),
            target: self.target_loss,
            patience: self.patience,
        }
    }

    /// The kind of task the settings ask for, if they do: by `task`, or by what the loss can be used for.
    pub fn asked_task(&self) -> Option<TaskKind> {
        let by_loss = self.loss.map(|loss| match loss.suits() {
            Suits::Regression => TaskKind::Regression,
            Suits::TwoClasses | Suits::Classes => TaskKind::Classification,
        });
        self.task.or(by_loss)
    }

    /// The same settings with the weight that the form of a table has, if they name none, and the notice of it.
    pub fn weighed_by(&self, table: &Table) -> (Self, Option<Notice>) {
        let own = table.own_weight().filter(|_| self.weight.is_none()).map(str::to_owned);
        let notice = own.clone().map(|column| Notice::WeightByForm { column });
        (Self { weight: own.or(self.weight.clone()), ..self.clone() }, notice)
    }

    /// The loss for a target: the given one, if it fits.
    pub(super) fn loss_for(&self, target: &Target) -> Result<Loss> {
        let n_classes = target.classes.len();
        let loss = self.loss.unwrap_or(match (target.task, n_classes) {
            (TaskKind::Regression, _) => Loss::Squared,
            (TaskKind::Classification, 2) => Loss::Logistic,
            (TaskKind::Classification, _) => Loss::CrossEntropy,
        });
        if loss.suits() == Suits::TwoClasses && n_classes != 2 {
            return Err(ErrorKind::LossNeedsTwoClasses { loss: loss.to_string(), n_classes }.into());
        }
        Ok(loss)
    }

    /// Fails with everything that is wrong, told together.
    ///
    /// # Errors
    /// [`ErrorKind::Settings`].
    pub fn check(&self) -> Result<()> {
        Error::unless_empty(self.problems())
    }

    fn problems(&self) -> Vec<Problem> {
        let lr = if let LearningRate::Fixed(lr) = self.lr { lr } else { 1.0 };
        let mut problems = [self.sgd(lr).problems(), self.stop().problems(), self.clip.problems()].concat();
        if let Some(seconds) = self.seconds.filter(|&s| Duration::try_from_secs_f64(s).is_err()) {
            problems.push(Problem::new("seconds", "a finite number above 0", seconds));
        }
        if self.hidden.contains(&0) {
            problems.push(Problem::new("hidden", "whole numbers above 0", 0));
        }
        if let Validation::Fraction(share) = self.validation
            && !(share > 0.0 && share < 1.0)
        {
            problems.push(Problem::new("validation", "a share between 0 and 1, `none` or a file", share));
        }
        if self.streaming.when == Stream::Always && self.batch_size == BatchSetting::Auto {
            problems.push(Problem::new(
                "batch-size",
                "`full` or a whole number above 0 where rows are streamed, as they are unless `--stream=never`",
                "auto",
            ));
        }
        if self.streaming.shuffle_buffer == Some(0) {
            problems.push(Problem::new("shuffle-buffer", "a whole number of rows above 0", 0));
        }
        if !(1..=EncodeOptions::MAX_POWER).contains(&self.polynomial) {
            let expected = format!("a power from 1 to {}", EncodeOptions::MAX_POWER);
            problems.push(Problem::new("polynomial", expected, self.polynomial));
        }
        if !(1..=EncodeOptions::MAX_HASH_BITS).contains(&self.hash_bits) {
            let expected = format!("a whole number from 1 to {}", EncodeOptions::MAX_HASH_BITS);
            problems.push(Problem::new("hash-bits", expected, self.hash_bits));
        }
        if self.threads == Some(0) {
            problems.push(Problem::new("threads", "a whole number above 0", 0));
        }
        if let (Some(task), Some(loss)) = (self.task, self.loss) {
            let suits = if loss.suits() == Suits::Regression { TaskKind::Regression } else { TaskKind::Classification };
            if suits != task {
                problems.push(Problem::new("loss", format!("a loss for {task}"), loss));
            }
        }
        if self.asked_task() == Some(TaskKind::Regression) {
            problems.extend(self.class_weight.problem_of_regression());
        }
        problems
    }
}

/// How the learning rate is found.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum LearningRate {
    /// Chosen from measurements of the data: [`crate::diagnosis::learning_rate`].
    Auto,
    /// Given.
    Fixed(f64),
}

/// How the batch size is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum BatchSetting {
    /// The winner of a race: [`crate::advise::choose`].
    Auto,
    /// Given.
    Fixed(BatchSize),
}

/// Which rows tell how good the model is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Validation {
    /// A share of the rows, held out; of each class the same share.
    Fraction(f64),
    /// None: all rows train.
    None,
    /// Another table.
    File(String),
}

/// Where the parameters begin.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Init {
    /// [`crate::model::Model::init`]: zero without hidden layers, else random.
    Auto,
    /// All zero.
    Zeros,
    /// The tensors of a safetensors file, under PyTorch's names.
    File(String),
}

/// Gives a setting that is one of a few words, or something else, its text form and the way back.
macro_rules! reads_as_text {
    ($type:ident) => {
        impl TryFrom<String> for $type {
            type Error = Error;

            fn try_from(text: String) -> Result<Self> {
                text.parse()
            }
        }

        impl From<$type> for String {
            fn from(value: $type) -> Self {
                value.to_string()
            }
        }
    };
}

pub(super) use reads_as_text;

reads_as_text!(LearningRate);
reads_as_text!(BatchSetting);
reads_as_text!(Validation);
reads_as_text!(Init);

impl fmt::Display for LearningRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Fixed(lr) => lr.fmt(f),
        }
    }
}

impl FromStr for LearningRate {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let refused =
            || ErrorKind::Settings(vec![Problem::new("lr", "`auto` or a finite number above 0", text)]).into();
        match text {
            "auto" => Ok(Self::Auto),
            _ => text.parse().ok().filter(|&lr: &f64| lr > 0.0 && lr.is_finite()).map(Self::Fixed).ok_or_else(refused),
        }
    }
}

impl fmt::Display for BatchSetting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Fixed(batch_size) => batch_size.fmt(f),
        }
    }
}

impl FromStr for BatchSetting {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        if text == "auto" {
            return Ok(Self::Auto);
        }
        text.parse().map(Self::Fixed).map_err(|_| {
            ErrorKind::Settings(vec![Problem::new("batch-size", "`auto`, `full` or a whole number above 0", text)])
                .into()
        })
    }
}

impl fmt::Display for Validation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fraction(share) => share.fmt(f),
            Self::None => f.write_str("none"),
            Self::File(path) => f.write_str(path),
        }
    }
}

impl FromStr for Validation {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Ok(match (text, text.parse()) {
            ("none", _) => Self::None,
            (_, Ok(share)) => Self::Fraction(share),
            _ => Self::File(text.to_owned()),
        })
    }
}

impl fmt::Display for Init {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Zeros => f.write_str("zeros"),
            Self::File(path) => f.write_str(path),
        }
    }
}

impl FromStr for Init {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Ok(match text {
            "auto" => Self::Auto,
            "zeros" => Self::Zeros,
            path => Self::File(path.to_owned()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_read_back_as_they_were_written() {
        let settings = Settings {
            lr: LearningRate::Fixed(0.1),
            loss: Some(Loss::Quantile { tau: 0.3 }),
            schedule: "one-cycle:max-lr=1".parse().unwrap(),
            validation: Validation::File("held.csv".to_owned()),
            clip: Clip::Norm(2.0),
            kinds: vec![("age".to_owned(), ColumnKind::Number)],
            class_weight: "yes, surely=2,no=0.5".parse().unwrap(),
            ..Settings::default()
        };
        let text = serde_json::to_string(&settings).unwrap();
        assert_eq!(serde_json::from_str::<Settings>(&text).unwrap(), settings, "{text}");
    }

    #[test]
    fn everything_wrong_with_the_settings_is_told_at_once() {
        let settings = Settings {
            epochs: 0,
            momentum: -1.0,
            validation: Validation::Fraction(1.5),
            loss: Some(Loss::Squared),
            task: Some(TaskKind::Classification),
            ..Settings::default()
        };
        assert_eq!(
            settings.check().unwrap_err().to_string(),
            "`momentum`: expected a finite number, 0 or above, found `-1`; \
             `epochs`: expected a whole number above 0, found `0`; \
             `validation`: expected a share between 0 and 1, `none` or a file, found `1.5`; \
             `loss`: expected a loss for classification, found `squared`"
        );
    }
}
