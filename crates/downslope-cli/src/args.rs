//! What can be asked?
//!
//! Flags are PyTorch's words in kebab case. The same [`Fit`] flags serve every command that trains.

use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args as Group, Parser, Subcommand, ValueEnum};
use downslope::clip::Clip;
use downslope::data::{ColumnKind, Format, OnBadRow, OnMissingTarget, ReadOptions, Scale, TaskKind};
use downslope::error::Problem;
use downslope::loss::Loss;
use downslope::memory::Bytes;
use downslope::model::Activation;
use downslope::run::{
    BatchSetting, ClassWeight, DEFAULT_EPOCHS, Init, LearningRate, Settings, Stream, Streaming, Validation,
};
use downslope::schedule::Schedule;
use downslope::{Error, ErrorKind};
use downslope_view::lesson::export;

/// Gradient descent you can watch, measure and use.
#[derive(Debug, Parser)]
#[command(name = "downslope", version, about, max_term_width = 100, arg_required_else_help = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Batch, mini-batch and stochastic gradient descent side by side on the same data
    Compare(Compare),
    /// Fit a model to a table and keep the run in a directory
    Train(Train),
    /// Go on with a run from its last checkpoint, bit for bit
    Resume(Resume),
    /// Write a model's predictions for a table as CSV
    Predict(Predict),
    /// Measure a model on a table that has the target, every row counting the same
    Evaluate(Evaluate),
    /// Make a report of one run or several: html, svg, png or csv
    Report(Report),
    /// Learning rate and batch size for these data and this model, with the evidence
    Advise(Advise),
    /// A page on a finding: what it sees, why it matters, what to do, how to provoke it
    Explain(Explain),
    /// Check a lesson, bring it into another form, or play it in the browser
    Learn(Learn),
    /// List, show and make data
    Data(Data),
}

impl Command {
    /// The words that call it.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Compare(_) => "compare",
            Self::Train(_) => "train",
            Self::Resume(_) => "resume",
            Self::Predict(_) => "predict",
            Self::Evaluate(_) => "evaluate",
            Self::Report(_) => "report",
            Self::Advise(_) => "advise",
            Self::Explain(_) => "explain",
            Self::Learn(_) => "learn",
            Self::Data(Data { command: DataCommand::List }) => "data list",
            Self::Data(Data { command: DataCommand::Show(_) }) => "data show",
            Self::Data(Data { command: DataCommand::Make(_) }) => "data make",
            Self::Data(Data { command: DataCommand::Convert(_) }) => "data convert",
        }
    }
}

#[derive(Debug, Group)]
pub(crate) struct Compare {
    /// A table: a file, `-` for standard input, or a built-in one such as @digits, @breast-cancer, @diabetes
    #[arg(default_value = "@digits")]
    pub(crate) data: String,
    /// Map learning rates against batch sizes instead: many short runs, where they diverge, and where that was predicted
    #[arg(long)]
    pub(crate) map: bool,
    /// Batch sizes to compare; auto is the one that wins a race on these data [default: full,32,1; of a map 1, 4, 16 … and
    /// full]
    #[arg(long, value_name = "N|full|auto,…", value_delimiter = ',', value_parser = parse::<BatchSetting>, allow_hyphen_values = true)]
    pub(crate) batch_sizes: Vec<BatchSetting>,
    /// Also write the result to this file; the extension says how: html, svg, png, csv or json (can be repeated)
    #[arg(long, value_name = "FILE")]
    pub(crate) report: Vec<PathBuf>,
    /// Keep the result in a new directory: report.html, and comparison.json or map.json
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) fit: Fit,
    #[command(flatten)]
    pub(crate) judge: Judge,
    #[command(flatten)]
    pub(crate) voice: Voice,
}

#[derive(Debug, Group)]
pub(crate) struct Train {
    /// A table: a file, `-` for standard input, or a built-in one such as @digits
    pub(crate) data: String,
    /// Rows a step: all is batch, 1 is stochastic, a few are mini-batch gradient descent; auto lets them race on these
    /// data, and trains as long as the epochs of 32 rows a step would take
    #[arg(long, value_name = "N|full|auto", default_value = "32", value_parser = parse::<BatchSetting>, allow_hyphen_values = true)]
    pub(crate) batch_size: BatchSetting,
    /// The directory of the run; it must not exist [default: runs/NAME-1, -2, …]
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) fit: Fit,
    #[command(flatten)]
    stream: StreamArgs,
    #[command(flatten)]
    pub(crate) keep: Keep,
    #[command(flatten)]
    pub(crate) judge: Judge,
    #[command(flatten)]
    pub(crate) voice: Voice,
}

impl Train {
    pub(crate) fn settings(&self) -> Settings {
        let StreamArgs { stream, memory, shuffle_buffer, cache } = &self.stream;
        Settings {
            batch_size: self.batch_size,
            streaming: Streaming {
                when: *stream,
                memory: *memory,
                shuffle_buffer: *shuffle_buffer,
                cache: cache.clone(),
            },
            ..self.fit.settings()
        }
    }
}

/// How rows come that may not fit in memory.
#[derive(Debug, Group)]
#[command(next_help_heading = "Memory")]
struct StreamArgs {
    /// Keep encoded rows in a file and a part of them in memory: auto, where all would not fit, always, or never
    #[arg(long, value_name = "WHEN", default_value = "auto", num_args = 0..=1, default_missing_value = "always", require_equals = true, value_parser = parse::<Stream>)]
    stream: Stream,
    /// The memory there is, as in 1GiB or 500MB [default: half of what is available]
    #[arg(long, value_name = "SIZE", value_parser = parse::<Bytes>)]
    memory: Option<Bytes>,
    /// Rows that are mixed at a time when they are streamed [default: an eighth of the memory]
    #[arg(long, allow_negative_numbers = true, value_parser = whole::<usize>, value_name = "ROWS")]
    shuffle_buffer: Option<usize>,
    /// The folder in which encoded rows are kept while they are streamed [default: the one for temporary files]
    #[arg(long, value_name = "DIR")]
    cache: Option<PathBuf>,
}

#[derive(Debug, Group)]
pub(crate) struct Resume {
    /// The directory of a run
    pub(crate) run: PathBuf,
    /// The table, if it is elsewhere now or came from standard input
    #[arg(long, value_name = "DATA")]
    pub(crate) data: Option<String>,
    /// Threads that share large batches; changes no bit
    #[arg(long, allow_negative_numbers = true, value_parser = whole::<usize>, value_name = "N")]
    pub(crate) threads: Option<usize>,
    #[command(flatten)]
    pub(crate) keep: Keep,
    #[command(flatten)]
    pub(crate) judge: Judge,
    #[command(flatten)]
    pub(crate) voice: Voice,
}

#[derive(Debug, Group)]
pub(crate) struct Predict {
    /// A model file, or the directory of a run
    pub(crate) model: PathBuf,
    /// A table with the model's columns, in any order; the target is not needed
    pub(crate) data: String,
    /// Also write how likely each class is
    #[arg(long)]
    pub(crate) probabilities: bool,
    /// Write to this file instead of standard output
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) rows: Rows,
    /// Say nothing but errors
    #[arg(long, short)]
    pub(crate) quiet: bool,
}

#[derive(Debug, Group)]
pub(crate) struct Evaluate {
    /// A model file, or the directory of a run
    pub(crate) model: PathBuf,
    /// A table with the model's columns and the target
    pub(crate) data: String,
    #[command(flatten)]
    pub(crate) rows: Rows,
    #[command(flatten)]
    pub(crate) voice: Voice,
}

#[derive(Debug, Group)]
pub(crate) struct Report {
    /// Directories of runs
    #[arg(required = true)]
    pub(crate) runs: Vec<PathBuf>,
    /// The file to write; the extension says how: html, svg, png or csv [default: report.html in the run, or here for several]
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Say nothing but errors
    #[arg(long, short)]
    pub(crate) quiet: bool,
}

#[derive(Debug, Group)]
pub(crate) struct Advise {
    /// A table: a file, `-` for standard input, or a built-in one such as @digits
    pub(crate) data: String,
    /// Also write the result to this file; the extension says how: html, svg, png, csv or json (can be repeated)
    #[arg(long, value_name = "FILE")]
    pub(crate) report: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) fit: Fit,
    #[command(flatten)]
    pub(crate) voice: Voice,
}

#[derive(Debug, Group)]
pub(crate) struct Explain {
    /// The finding; without one all are listed
    pub(crate) finding: Option<String>,
}

#[derive(Debug, Group)]
pub(crate) struct Learn {
    /// A lesson: a file in either form, `-` for standard input, or the built-in gradient-descent
    #[arg(default_value = downslope_view::lesson::builtin::DEFAULT)]
    pub(crate) lesson: String,
    /// Tell what is wrong with it, line by line, and do no more
    #[arg(long, conflicts_with_all = ["convert", "export", "out"])]
    pub(crate) check: bool,
    /// Write it in the Markdown form
    #[arg(long, conflicts_with = "export")]
    pub(crate) convert: bool,
    /// Write it for another program: gift, moodle-xml or anki-tsv
    #[arg(long, value_name = "FORMAT", value_parser = <export::Format as FromStr>::from_str)]
    pub(crate) export: Option<export::Format>,
    /// Write to this file instead of standard output
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Say nothing but errors
    #[arg(long, short)]
    pub(crate) quiet: bool,
    #[command(flatten)]
    pub(crate) serve: Serve,
}

/// Where the page is served, and for whom.
#[derive(Debug, Group)]
pub(crate) struct Serve {
    /// The port; 0 takes one that is free
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub(crate) port: u16,
    /// Open the page in a browser [default: where there is a terminal]
    #[arg(long, overrides_with = "no_open")]
    pub(crate) open: bool,
    /// Only print the address
    #[arg(long)]
    pub(crate) no_open: bool,
    /// Listen at this address for other machines too; the page's address then holds a token
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) host: Option<std::net::IpAddr>,
    /// Keep the answers in this file [default: one under your folder for data]
    #[arg(long, value_name = "FILE")]
    pub(crate) answers: Option<PathBuf>,
}

#[derive(Debug, Group)]
pub(crate) struct Data {
    #[command(subcommand)]
    pub(crate) command: DataCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum DataCommand {
    /// The built-in tables, with source and licence
    List,
    /// The columns of a table, and what becomes of each
    Show(Show),
    /// Make a table whose best model and condition number are known
    Make(Make),
    /// Bring a table into another form: csv, jsonl, libsvm, vw, npy, npz, parquet or arrow
    Convert(Convert),
}

#[derive(Debug, Group)]
pub(crate) struct Convert {
    /// A table: a file, a pattern such as 'part-*.csv', `-` for standard input, or a built-in one
    pub(crate) data: String,
    /// The file to write; the extension says how: .csv .jsonl .svm .vw .npy .npz .parquet .arrow, and .gz .zst .bz2
    /// behind those of text; `-` for standard output
    pub(crate) out: String,
    /// The form to write, whatever the name says
    #[arg(long, value_name = "FORMAT", value_parser = parse::<Format>)]
    pub(crate) to: Option<Format>,
    /// The column that becomes the label (libsvm and vw need one) or the array y (npz)
    #[arg(long, value_name = "COL")]
    pub(crate) target: Option<String>,
    #[command(flatten)]
    pub(crate) reading: Reading,
    /// Say nothing but errors
    #[arg(long, short)]
    pub(crate) quiet: bool,
}

#[derive(Debug, Group)]
pub(crate) struct Show {
    /// A table
    pub(crate) data: String,
    #[command(flatten)]
    pub(crate) read: Read,
    /// Write the table itself as CSV to standard output
    #[arg(long)]
    pub(crate) csv: bool,
}

#[derive(Debug, Group)]
pub(crate) struct Make {
    /// What kind of target
    #[arg(value_enum, default_value = "regression")]
    pub(crate) kind: MakeKind,
    /// Rows
    #[arg(long, allow_negative_numbers = true, value_parser = whole::<usize>, value_name = "N", default_value_t = 1000)]
    pub(crate) rows: usize,
    /// Features
    #[arg(long, allow_negative_numbers = true, value_parser = whole::<usize>, value_name = "N", default_value_t = 10)]
    pub(crate) features: usize,
    /// Largest over smallest curvature, 1 or above
    #[arg(long, value_name = "X", default_value_t = 10.0, allow_negative_numbers = true, value_parser = number)]
    pub(crate) condition: f64,
    /// Noise: the standard deviation of what no model can predict (regression), or the share of labels drawn anew
    #[arg(long, value_name = "X", default_value_t = 0.1, allow_negative_numbers = true, value_parser = number)]
    pub(crate) noise: f64,
    /// Classes, for softmax
    #[arg(long, allow_negative_numbers = true, value_parser = whole::<usize>, value_name = "N", default_value_t = 3)]
    pub(crate) classes: usize,
    /// Where all chance comes from
    #[arg(long, allow_negative_numbers = true, value_parser = whole::<u64>, value_name = "N", default_value_t = 0)]
    pub(crate) seed: u64,
    /// Write the table to this file instead of standard output
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Write what is known of the best model to this file, as JSON
    #[arg(long, value_name = "FILE")]
    pub(crate) optimum: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum MakeKind {
    Regression,
    Logistic,
    Softmax,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum ScaleArg {
    Standard,
    MaxAbs,
    None,
}

impl From<ScaleArg> for Scale {
    fn from(scale: ScaleArg) -> Self {
        match scale {
            ScaleArg::Standard => Self::Standard,
            ScaleArg::MaxAbs => Self::MaxAbs,
            ScaleArg::None => Self::None,
        }
    }
}

/// How loud.
#[derive(Debug, Group)]
pub(crate) struct Voice {
    /// Print the result as one JSON object on standard output
    #[arg(long)]
    pub(crate) json: bool,
    /// Say nothing but errors
    #[arg(long, short)]
    pub(crate) quiet: bool,
}

/// Which results are good enough.
#[derive(Debug, Group)]
pub(crate) struct Judge {
    /// End with exit status 1 if one of these is found (`downslope explain` lists them)
    #[arg(long, value_name = "FINDING,…", value_delimiter = ',')]
    pub(crate) deny: Vec<String>,
}

/// How a run is written down.
#[derive(Debug, Group)]
pub(crate) struct Keep {
    /// Write every N-th step to metrics.jsonl; 0 writes epochs only [default: 100, or as the run began]
    #[arg(long, allow_negative_numbers = true, value_parser = whole::<u64>, value_name = "N")]
    pub(crate) log_every: Option<u64>,
    /// Also write a checkpoint every so many seconds within an epoch
    #[arg(long, value_name = "S", default_value_t = 30.0, allow_negative_numbers = true, value_parser = number)]
    pub(crate) checkpoint_seconds: f64,
}

/// How a table is read.
#[derive(Debug, Group)]
#[command(next_help_heading = "Data")]
pub(crate) struct Read {
    /// The column to learn [default: target, label, class or y, else the last]
    #[arg(long, value_name = "COL")]
    target: Option<String>,
    /// What to learn of it
    #[arg(long, value_enum, default_value = "auto")]
    task: Task,
    /// Columns to leave out
    #[arg(long, value_name = "COL,…", value_delimiter = ',')]
    drop: Vec<String>,
    /// The only columns that are features
    #[arg(long, value_name = "COL,…", value_delimiter = ',')]
    only: Vec<String>,
    /// Products of two columns as features besides: of scaled numbers, of a number with each level, or pairs of levels
    #[arg(long, value_name = "COL*COL,…", value_delimiter = ',', value_parser = cross)]
    cross: Vec<(String, String)>,
    /// Powers of numbers as features besides, up to this one, at most 4; without products of different columns
    #[arg(long, allow_negative_numbers = true, value_parser = whole::<u32>, value_name = "N", default_value_t = 1, hide_default_value = true)]
    polynomial: u32,
    /// The column that says what a row weighs in the loss (1/B) Σ wᵢ ℓᵢ; weights are divided by their mean over the
    /// training rows, and metrics count every row once
    #[arg(long, value_name = "COL")]
    weight: Option<String>,
    /// Bring numbers (and the target of a regression) to mean 0 and standard deviation 1, or numbers to a largest
    /// absolute value of 1 without a shift, or leave them; sparse rows are never shifted
    #[arg(long, value_enum, default_value = "standard")]
    scale: ScaleArg,
    /// Hash texts into at most 2^N features
    #[arg(long, allow_negative_numbers = true, value_parser = whole::<u32>, value_name = "N", default_value_t = 18)]
    hash_bits: u32,
    /// What is done about a row without a target
    #[arg(long, value_enum, default_value = "error")]
    on_missing_target: OnMissingTargetArg,
    #[command(flatten)]
    reading: Reading,
}

impl Read {
    /// The settings that concern the data.
    pub(crate) fn settings(&self) -> Settings {
        let ReadOptions { missing, kinds, threads, on_bad_row, format } = self.reading.options();
        Settings {
            target: self.target.clone(),
            task: self.task.kind(),
            drop: self.drop.clone(),
            only: self.only.clone(),
            cross: self.cross.clone(),
            polynomial: self.polynomial,
            weight: self.weight.clone(),
            hash_bits: self.hash_bits,
            missing,
            kinds,
            threads,
            on_bad_row,
            format,
            on_missing_target: self.on_missing_target.into(),
            scale: self.scale.into(),
            ..Settings::default()
        }
    }
}

/// How a file becomes a table.
#[derive(Debug, Group)]
#[command(next_help_heading = "Data")]
pub(crate) struct Reading {
    /// Words that stand for a missing value, besides the empty field and in place of these; a number counts however it is
    /// spelled
    #[arg(long, value_name = "WORD,…", value_delimiter = ',', default_value = "NA,null", allow_hyphen_values = true)]
    missing: Vec<String>,
    /// Read columns as number, boolean, category, text (taken apart into words) or time, whatever they look like
    #[arg(long = "as", value_name = "COL=KIND,…", value_delimiter = ',', value_parser = column_kind)]
    kinds: Vec<(String, ColumnKind)>,
    #[command(flatten)]
    rows: Rows,
}

/// How a file becomes rows.
#[derive(Debug, Group)]
#[command(next_help_heading = "Data")]
pub(crate) struct Rows {
    /// The form of the table: csv jsonl libsvm vw npy npz parquet arrow [default: what content and name say]
    #[arg(long, value_name = "FORMAT", value_parser = parse::<Format>)]
    format: Option<Format>,
    /// What is done about a row of text that cannot be read
    #[arg(long, value_enum, default_value = "error")]
    on_bad_row: OnBadRowArg,
}

impl Reading {
    pub(crate) fn options(&self) -> ReadOptions {
        ReadOptions { missing: self.missing.clone(), kinds: self.kinds.clone(), ..self.rows.options() }
    }
}

impl Rows {
    pub(crate) fn options(&self) -> ReadOptions {
        ReadOptions { on_bad_row: self.on_bad_row.into(), format: self.format, ..ReadOptions::default() }
    }
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum OnBadRowArg {
    Error,
    Skip,
}

impl From<OnBadRowArg> for OnBadRow {
    fn from(on: OnBadRowArg) -> Self {
        match on {
            OnBadRowArg::Error => Self::Error,
            OnBadRowArg::Skip => Self::Skip,
        }
    }
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum OnMissingTargetArg {
    Error,
    Drop,
}

impl From<OnMissingTargetArg> for OnMissingTarget {
    fn from(on: OnMissingTargetArg) -> Self {
        match on {
            OnMissingTargetArg::Error => Self::Error,
            OnMissingTargetArg::Drop => Self::Drop,
        }
    }
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Task {
    Auto,
    Regression,
    Classification,
}

impl Task {
    pub(crate) fn kind(self) -> Option<TaskKind> {
        match self {
            Self::Auto => None,
            Self::Regression => Some(TaskKind::Regression),
            Self::Classification => Some(TaskKind::Classification),
        }
    }
}

/// Everything a training can be told.
#[derive(Debug, Group)]
pub(crate) struct Fit {
    #[command(flatten)]
    pub(crate) read: Read,
    /// Which rows tell how good the model is: a share to hold out, none, or another file
    #[arg(long, value_name = "SHARE|none|FILE", default_value = "0.2", value_parser = parse::<Validation>, allow_hyphen_values = true, help_heading = "Data")]
    validation: Validation,

    /// Widths of hidden layers; none makes a linear model
    #[arg(long, allow_negative_numbers = true, value_parser = whole::<usize>, value_name = "N,…", value_delimiter = ',', help_heading = "Model")]
    hidden: Vec<usize>,
    /// What stands between the layers: relu or tanh
    #[arg(long, default_value = "relu", value_parser = parse::<Activation>, help_heading = "Model")]
    activation: Activation,
    /// squared absolute huber[=δ] quantile=τ poisson logistic cross-entropy hinge squared-hinge [default: by the task]
    #[arg(long, value_parser = parse::<Loss>, help_heading = "Model")]
    loss: Option<Loss>,
    /// What a row of each class weighs in the loss (1/B) Σ wᵢ ℓᵢ, as in rare=5; balanced lets every class weigh the
    /// same. Weights are divided by their mean over the training rows; accuracy and the other metrics count every row once
    #[arg(long, value_name = "balanced|CLASS=W,…", default_value = "none", value_parser = parse::<ClassWeight>, hide_default_value = true, help_heading = "Model")]
    class_weight: ClassWeight,
    /// Where the parameters begin: auto, zeros, or a safetensors file with PyTorch's names
    #[arg(long, value_name = "auto|zeros|FILE", default_value = "auto", value_parser = parse::<Init>, help_heading = "Model")]
    init: Init,

    /// Learning rate; auto measures the data
    #[arg(long, value_name = "auto|X", default_value = "auto", value_parser = parse::<LearningRate>, allow_hyphen_values = true, help_heading = "Descent")]
    lr: LearningRate,
    /// Momentum
    #[arg(long, value_name = "X", default_value_t = 0.0, allow_negative_numbers = true, value_parser = number, help_heading = "Descent")]
    momentum: f64,
    /// Dampening of the momentum
    #[arg(long, value_name = "X", default_value_t = 0.0, allow_negative_numbers = true, value_parser = number, help_heading = "Descent")]
    dampening: f64,
    /// Nesterov's momentum
    #[arg(long, help_heading = "Descent")]
    nesterov: bool,
    /// L2 penalty, as PyTorch's
    #[arg(long, value_name = "X", default_value_t = 0.0, allow_negative_numbers = true, value_parser = number, help_heading = "Descent")]
    weight_decay: f64,
    /// L1 penalty on the weights (not the biases)
    #[arg(long, value_name = "X", default_value_t = 0.0, allow_negative_numbers = true, value_parser = number, help_heading = "Descent")]
    l1: f64,
    /// Shorten a gradient longer than this
    #[arg(long, value_name = "X", allow_negative_numbers = true, value_parser = number, help_heading = "Descent")]
    clip_norm: Option<f64>,
    /// Cut each value of a gradient to ±this
    #[arg(
        long,
        value_name = "X",
        allow_negative_numbers = true,
        value_parser = number,
        conflicts_with = "clip_norm",
        help_heading = "Descent"
    )]
    clip_value: Option<f64>,
    /// How the rate changes: constant step multi-step exponential linear polynomial cosine cosine-restarts one-cycle
    /// plateau stable-decay inverse-time inverse-sqrt, as in cosine:t-max=6,eta-min=0.001
    #[arg(long, value_name = "NAME:KEY=VALUE,…", default_value = "constant", value_parser = parse::<Schedule>, help_heading = "Descent")]
    schedule: Schedule,
    /// Read the rows as they stand
    #[arg(long, help_heading = "Descent")]
    no_shuffle: bool,
    /// Leave out a last short batch
    #[arg(long, help_heading = "Descent")]
    drop_last: bool,
    /// Where all chance comes from
    #[arg(long, allow_negative_numbers = true, value_parser = whole::<u64>, value_name = "N", default_value_t = 0, help_heading = "Descent")]
    seed: u64,

    /// Passes over the rows [default: 30; of `compare --map` 10, fewer where that takes long]
    #[arg(long, allow_negative_numbers = true, value_parser = whole::<u64>, value_name = "N", help_heading = "Stop")]
    pub(crate) epochs: Option<u64>,
    /// Stop after so many seconds of training
    #[arg(long, value_name = "S", allow_negative_numbers = true, value_parser = number, help_heading = "Stop")]
    seconds: Option<f64>,
    /// Stop when the loss is this low (validation rows, where there are any); missing it is exit status 1
    #[arg(long, value_name = "X", allow_negative_numbers = true, value_parser = number, help_heading = "Stop")]
    target_loss: Option<f64>,
    /// Stop after so many epochs without a new lowest loss, and keep the weights of the lowest
    #[arg(long, allow_negative_numbers = true, value_parser = whole::<u64>, value_name = "N", help_heading = "Stop")]
    patience: Option<u64>,
    /// Threads that share large batches; changes no bit [default: one a core]
    #[arg(long, allow_negative_numbers = true, value_parser = whole::<usize>, value_name = "N", help_heading = "Stop")]
    threads: Option<usize>,
}

impl Fit {
    pub(crate) fn settings(&self) -> Settings {
        Settings {
            validation: match &self.validation {
                Validation::File(path) => Validation::File(full_path(path)),
                other => other.clone(),
            },
            hidden: self.hidden.clone(),
            activation: self.activation,
            loss: self.loss,
            class_weight: self.class_weight.clone(),
            init: match &self.init {
                Init::File(path) => Init::File(full_path(path)),
                other => other.clone(),
            },
            lr: self.lr,
            momentum: self.momentum,
            dampening: self.dampening,
            weight_decay: self.weight_decay,
            nesterov: self.nesterov,
            l1: self.l1,
            clip: self.clip_norm.map(Clip::Norm).or(self.clip_value.map(Clip::Value)).unwrap_or_default(),
            schedule: self.schedule.clone(),
            shuffle: !self.no_shuffle,
            drop_last: self.drop_last,
            epochs: self.epochs.unwrap_or(DEFAULT_EPOCHS),
            seconds: self.seconds,
            target_loss: self.target_loss,
            patience: self.patience,
            seed: self.seed,
            threads: self.threads,
            ..self.read.settings()
        }
    }
}

/// The full path of a file that exists, so that a run can go on from another folder.
fn full_path(path: &str) -> String {
    std::fs::canonicalize(path).map_or_else(|_| path.to_owned(), |path| path.to_string_lossy().into_owned())
}

/// Reads a setting, and tells what was expected without repeating its name.
fn parse<T: FromStr<Err = Error>>(text: &str) -> Result<T, String> {
    text.parse().map_err(|error: Error| match error.kind() {
        ErrorKind::Settings(problems) => problems
            .iter()
            .map(|Problem { expected, .. }| format!("expected {expected}"))
            .collect::<Vec<_>>()
            .join("; "),
        _ => error.to_string(),
    })
}

fn number(text: &str) -> Result<f64, String> {
    text.parse().map_err(|_| "expected a number".to_owned())
}

fn whole<T: FromStr>(text: &str) -> Result<T, String> {
    text.parse().map_err(|_| "expected a whole number, 0 or above".to_owned())
}

fn column_kind(text: &str) -> Result<(String, ColumnKind), String> {
    let kind = |word: &str| match word {
        "number" => Some(ColumnKind::Number),
        "boolean" => Some(ColumnKind::Boolean),
        "category" => Some(ColumnKind::Category),
        "text" => Some(ColumnKind::Text),
        "time" => Some(ColumnKind::Time),
        _ => None,
    };
    let pair = text.rsplit_once('=').and_then(|(column, word)| Some((column.to_owned(), kind(word)?)));
    pair.ok_or_else(|| "expected COL=number, COL=boolean, COL=category, COL=text or COL=time".to_owned())
}

fn cross(text: &str) -> Result<(String, String), String> {
    let pair = text.split_once('*').filter(|(left, right)| !left.is_empty() && !right.is_empty());
    pair.map(|(left, right)| (left.to_owned(), right.to_owned())).ok_or_else(|| "expected COL*COL".to_owned())
}
