//! What if the table does not fit in memory?
//!
//! Then it is gone through in parts, twice: once to learn what its columns hold and how they are scaled, once to encode
//! its rows, which are kept as the engine reads them in a file without a name ([`crate::data::RowCache`]). Epochs read
//! that file, blocks in a random order, several at a time, and mix the rows of those ([`crate::loader::Order::Buffered`]).
//!
//! What is measured before and after a run (a learning rate, findings) is measured on some of the blocks. The rows held
//! out are in memory: as many as tell the loss to a third of a per cent.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::experiment::{Encoded, Experiment, check_counts, pool};
use super::held_out::{HeldOutRows, own_weights};
use super::settings::{Settings, Validation, reads_as_text};
use super::weighing::{Weighing, Weights};
use crate::data::{
    CacheWriter, Dataset, Features, GuessedKinds, Learner, Notice, OnMissingTarget, Preprocessing, ReadOptions,
    RowCache, Table, TableSource, Target, TargetSurvey,
};
use crate::error::{Error, ErrorKind, Problem, Result};
use crate::loss::Loss;
use crate::memory::{self, Bytes};
use crate::objective::TOGETHER;
use crate::random::{Purpose, Stream as Random};

/// How rows come that may not fit in memory.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Streaming {
    /// Whether they are streamed.
    pub when: Stream,
    /// The memory there is for all of it; half of what is available, if not given.
    pub memory: Option<Bytes>,
    /// Rows that are mixed at a time; an eighth of the memory, if not given.
    pub shuffle_buffer: Option<usize>,
    /// Where the file of encoded rows is made; where temporary files are, if not given.
    pub cache: Option<PathBuf>,
}

impl Streaming {
    pub(super) fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// Whether rows are streamed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Stream {
    /// Where they would not fit in memory otherwise.
    #[default]
    Auto,
    /// Whatever their number.
    Always,
    /// Not at all.
    Never,
}

reads_as_text!(Stream);

impl std::fmt::Display for Stream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Auto => "auto",
            Self::Always => "always",
            Self::Never => "never",
        })
    }
}

impl std::str::FromStr for Stream {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "auto" => Ok(Self::Auto),
            "always" => Ok(Self::Always),
            "never" => Ok(Self::Never),
            _ => Err(ErrorKind::Settings(vec![Problem::new("stream", "`auto`, `always` or `never`", text)]).into()),
        }
    }
}

/// Rows in a file, and how many blocks of them are in memory at a time.
#[derive(Clone)]
pub(super) struct Streamed {
    pub(super) cache: Arc<RowCache>,
    pub(super) n_blocks: usize,
}

/// As much memory as is available, where that is not known.
const UNKNOWN_MEMORY: Bytes = Bytes(2 << 30);
/// At most so many rows are held out.
const MOST_HELD_OUT: usize = 100_000;
/// Of so many rows it is measured how steep and how noisy the loss is.
const MOST_PROBED: usize = 1 << 16;
/// A block is about so large: a disk reads it as fast as any number of neighbouring blocks.
const BLOCK_BYTES: usize = 1 << 19;
/// So many blocks are mixed at least.
const FEWEST_BLOCKS: usize = 16;

impl Experiment {
    /// Makes a table ready: whole, or streamed, if the settings or its size ask for it.
    ///
    /// # Errors
    /// Those of [`Table::read`] and [`Experiment::prepare`]; and the operating system's refusal to keep encoded rows.
    pub fn open(source: &str, settings: &Settings) -> Result<Self> {
        settings.check()?;
        let table = TableSource::open(source, &settings.read_options())?;
        let available = memory::available().map_or(UNKNOWN_MEMORY, |Bytes(bytes)| Bytes((bytes / 2) >> 20 << 20));
        let room = settings.streaming.memory.unwrap_or(available);
        let is_streamed = match settings.streaming.when {
            Stream::Always => true,
            Stream::Never => false,
            Stream::Auto => table.memory() > room,
        };
        if !is_streamed {
            return Self::prepare(&table.read(&settings.read_options())?, settings);
        }
        let mut settings = settings.clone();
        // As it is decided now, so that a run that goes on elsewhere sees the rows in the same order.
        (settings.streaming.when, settings.streaming.memory) = (Stream::Always, Some(room));
        settings.check()?;
        Self::prepare_streamed(&table, settings, room)
    }

    fn prepare_streamed(table: &TableSource, mut settings: Settings, room: Bytes) -> Result<Self> {
        let told = |error: Error| match error.kind() {
            ErrorKind::Io { .. } => error,
            _ => error.in_source(table.name()),
        };
        let mut options = settings.read_options();
        let learnt = match table.guess_kinds(&options)? {
            None => learn(table, &options, &settings)?,
            Some(GuessedKinds { kinds, fit_all_rows }) => {
                let guessed = ReadOptions { kinds, ..options.clone() };
                match learn(table, &guessed, &settings) {
                    // Rows further on hold something else: all must be seen to know what.
                    Err(error) if !fit_all_rows && is_about_kinds(&error) => learn(table, &options, &settings)?,
                    learnt => learnt?,
                }
            }
        };
        options.kinds.clone_from(&learnt.kinds);
        settings.weight.clone_from(&learnt.weight);
        let kept = encode(table, &options, &settings, &learnt, room).map_err(told)?;
        let Learnt { target, loss, preprocessing, mut notices, largest_weight, .. } = learnt;
        let Kept { cache, held_out, weights, block_rows, n_blocks } = kept;
        let weighing = Weighing::new(&weights, &target, &settings).map_err(told)?;
        let cache = weighing.weighted_cache(cache, largest_weight);
        let held_out = match &settings.validation {
            Validation::File(path) => {
                Some(HeldOutRows::of_file(path, &target, &preprocessing, &settings, &mut notices)?)
            }
            _ => held_out,
        };
        let (validation, validation_fingerprint) = held_out.map(|rows| rows.weighted(&weighing)).transpose()?.unzip();
        let validation_fingerprint = validation_fingerprint.flatten();
        notices.extend(weighing.notice(&target));
        notices.push(Notice::Streamed {
            rows: cache.n_rows(),
            block_rows,
            buffer_rows: (n_blocks * block_rows).min(cache.n_rows()),
            bytes: cache.n_bytes(),
            memory: room,
        });
        let cache = Arc::new(cache);
        let row_bytes = cache.n_bytes().div_ceil(cache.n_rows() as u64).max(1);
        let most_probed = (room.0 / 8 / row_bytes).min(MOST_PROBED as u64) as usize;
        let n_probed = (most_probed / block_rows).clamp(1, cache.n_blocks());
        let mut probed: Vec<u32> = (0..cache.n_blocks() as u32).collect();
        Random::new(settings.seed, Purpose::Probe, 0).shuffle(&mut probed);
        probed.truncate(n_probed);
        probed.sort_unstable();
        let train = cache.read(&probed, None)?;
        let of_table = validation_fingerprint.is_none().then_some(validation.as_ref()).flatten();
        let n_rows = cache.n_rows() + of_table.map_or(0, Dataset::n_rows);
        if of_table.is_none() && matches!(settings.validation, Validation::Fraction(_)) {
            notices.push(Notice::NoneHeldOut);
        }
        let rows = Encoded {
            source: table.name().to_owned(),
            fingerprint: cache.fingerprint().to_owned(),
            n_rows,
            target,
            loss,
            preprocessing,
            train,
            validation,
            validation_fingerprint,
            notices,
            streamed: Some(Streamed { cache, n_blocks }),
        };
        let threads = pool(settings.threads)?;
        Self::of_rows(rows, &settings, threads)
    }
}

/// What the first pass has seen.
struct Learnt {
    kinds: Vec<(String, crate::data::ColumnKind)>,
    weight: Option<String>,
    /// The largest weight that a row has by itself; 1 where they have none.
    largest_weight: f64,
    target: Target,
    loss: Loss,
    preprocessing: Preprocessing,
    notices: Vec<Notice>,
    held_out: HeldOut,
}

fn is_about_kinds(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::NotANumber { .. }
            | ErrorKind::NotFinite { .. }
            | ErrorKind::NotABoolean { .. }
            | ErrorKind::NotATime { .. }
    )
}

/// Goes through the table to learn from its training rows.
fn learn(table: &TableSource, options: &ReadOptions, settings: &Settings) -> Result<Learnt> {
    let mut begun: Option<(TargetSurvey, Learner, HeldOut)> = None;
    let (mut kinds, mut noticed, mut n_without_target) = (Vec::new(), Vec::new(), 0);
    let mut first_row = 0;
    let (mut weight, mut largest_weight) = (settings.weight.clone(), 0.0_f64);
    table.read_parts(options, &mut |part| {
        noticed.extend(part.notices().iter().cloned());
        if begun.is_none() {
            kinds = part.kinds();
            let survey = TargetSurvey::begin(&part, settings.target.as_deref())?;
            let (settings, weighed) = settings.weighed_by(&part);
            weight.clone_from(&settings.weight);
            noticed.extend(weighed);
            let encode_options = settings.encode_options(settings.loss.unwrap_or(Loss::Squared));
            let learner = Learner::new(survey.name(), &encode_options);
            let held_out = HeldOut::new(&settings, estimated_rows(table, &part));
            begun = Some((survey, learner, held_out));
        }
        let Some((survey, learner, held_out)) = &mut begun else { return Ok(()) };
        let n_rows = part.n_rows();
        let part = part_with_targets(part, survey.name(), settings)?;
        n_without_target += n_rows - part.n_rows();
        survey.add(&part)?;
        let (train, _) = held_out.split(first_row, part.n_rows());
        if let Some(weight) = &weight {
            largest_weight = part.weights(weight, &train)?.into_iter().fold(largest_weight, f64::max);
        }
        learner.add(&part, &train)?;
        first_row += part.n_rows() as u64;
        Ok(())
    })?;
    let Some((survey, learner, held_out)) = begun else {
        return Err(Error::from(ErrorKind::NoRows).in_source(table.name()));
    };
    let (target, mut notices) = survey.finish(settings.asked_task())?;
    let loss = settings.loss_for(&target).map_err(|error| error.in_source(table.name()))?;
    let (preprocessing, learnt) = learner.finish(&target)?;
    if n_without_target > 0 {
        noticed.push(Notice::RowsWithoutTarget { column: target.name.clone(), rows: n_without_target });
    }
    notices.splice(0..0, noticed);
    notices.extend(learnt);
    // Kept as `f32` beside the largest, weights of any size keep their digits.
    let largest_weight = if largest_weight > 0.0 { largest_weight } else { 1.0 };
    Ok(Learnt { kinds, weight, largest_weight, target, loss, preprocessing, notices, held_out })
}

/// What the second pass has made.
struct Kept {
    cache: RowCache,
    /// Rows held out, and what they weigh by themselves.
    held_out: Option<HeldOutRows>,
    /// What the training rows weigh by themselves.
    weights: Weights,
    block_rows: usize,
    n_blocks: usize,
}

/// Goes through the table to encode its rows.
fn encode(
    table: &TableSource,
    options: &ReadOptions,
    settings: &Settings,
    learnt: &Learnt,
    room: Bytes,
) -> Result<Kept> {
    let Learnt { preprocessing, target, loss, held_out, .. } = learnt;
    let temporary = std::env::temp_dir();
    let folder: &Path = settings.streaming.cache.as_deref().unwrap_or(&temporary);
    let mut writer: Option<(CacheWriter, usize, usize)> = None;
    let (mut held, mut held_weights) = (Vec::new(), Vec::new());
    let mut weights = Weights::new(target);
    let mut first_row = 0;
    table.read_parts(options, &mut |part| {
        let part = part_with_targets(part, &target.name, settings)?;
        let (train_rows, held_rows) = held_out.split(first_row, part.n_rows());
        first_row += part.n_rows() as u64;
        let (mut train, _) = preprocessing.dataset(&part, &train_rows)?;
        if *loss == Loss::Poisson {
            check_counts(&train, &part, &train_rows, &target.name)?;
        }
        let own = own_weights(settings, &part, &train_rows)?;
        weights.add(&train.targets, own.as_deref());
        if let Some(own) = own {
            train = train
                .with_scaled_weights(own.into_iter().map(|weight| (weight / learnt.largest_weight) as f32).collect())?;
        }
        if writer.is_none() {
            let (block_rows, n_blocks) = blocks(&train, settings, room);
            writer = Some((CacheWriter::new(folder, &train, block_rows)?, block_rows, n_blocks));
        }
        let Some((writer, ..)) = &mut writer else { return Ok(()) };
        if !held_rows.is_empty() {
            let (rows, _) = preprocessing.dataset(&part, &held_rows)?;
            writer.note(&rows);
            held.push(rows);
            held_weights.extend(own_weights(settings, &part, &held_rows)?.unwrap_or_default());
        }
        writer.push(&train)
    })?;
    let Some((writer, block_rows, n_blocks)) = writer else {
        return Err(Error::from(ErrorKind::NoRows).in_source(table.name()));
    };
    let cache = writer.finish()?;
    if cache.n_rows() == 0 {
        return Err(ErrorKind::TooFewRows { needed: 1, found: 0 }.into());
    }
    let n_blocks = n_blocks.min(cache.n_blocks());
    let own_weights = settings.weight.is_some().then_some(held_weights);
    let rows = if held.is_empty() { None } else { Some(Dataset::concat(&held)?) };
    let held_out = rows.map(|rows| HeldOutRows { rows, own_weights, fingerprint: None });
    Ok(Kept { cache, held_out, weights, block_rows, n_blocks })
}

/// The rows of a part that have a target, if others are to be left out; then there may be none.
fn part_with_targets(part: Table, target: &str, settings: &Settings) -> Result<Table> {
    if settings.on_missing_target == OnMissingTarget::Error {
        return Ok(part);
    }
    let kept = part.with_values_in(part.column_index(target)?);
    Ok(kept.unwrap_or(part))
}

/// How many rows a block has, a power of two, and how many blocks are in memory at a time.
fn blocks(sample: &Dataset, settings: &Settings, room: Bytes) -> (usize, usize) {
    let of_features = match &sample.features {
        Features::Dense(x) => x.n_columns(),
        Features::Sparse(x) => 1 + 2 * x.n_values() / x.n_rows().max(1),
    };
    let row_bytes = 4 * (of_features + 2);
    // Two buffers are in memory, the one that is read from and the one that is fetched, and a third while it is used
    // again; the places of all rows; those held out and those probed.
    let buffer_rows = settings.streaming.shuffle_buffer.unwrap_or(room.0 as usize / 8 / row_bytes).max(1);
    let block_rows = (BLOCK_BYTES / row_bytes).min(buffer_rows / FEWEST_BLOCKS).max(1);
    let block_rows = 1 << block_rows.ilog2();
    // Whole sixteens, where there is one: so steps that look at rows to come see as many as if all were in memory.
    let in_sixteen = TOGETHER.div_ceil(block_rows);
    let n_blocks = (buffer_rows / block_rows).max(1);
    (block_rows, if n_blocks > in_sixteen { n_blocks - n_blocks % in_sixteen } else { n_blocks })
}

/// About how many rows a table has, by its first part.
fn estimated_rows(table: &TableSource, first: &Table) -> f64 {
    let mut text = Vec::new();
    // As CSV, which is what most tables are, or are about as long as. Into memory nothing can fail.
    let _ = first.write_csv(&mut text);
    let bytes = text.len() as f64;
    (table.memory().0 as f64 / 2.0 / bytes.max(1.0) * first.n_rows() as f64).max(first.n_rows() as f64)
}

/// Which rows are held out: each by itself, by a hash of its number, so that nothing needs to be known of the others.
struct HeldOut {
    seed: u64,
    /// Hashes below this are held out.
    below: u64,
}

impl HeldOut {
    fn new(settings: &Settings, estimated_rows: f64) -> Self {
        let share = match settings.validation {
            Validation::Fraction(share) => share.min(MOST_HELD_OUT as f64 / estimated_rows),
            Validation::None | Validation::File(_) => 0.0,
        };
        Self { seed: settings.seed, below: (share * u64::MAX as f64) as u64 }
    }

    fn holds(&self, row: u64) -> bool {
        // SplitMix64 (Steele, Lea, Flood 2014) of the row's number.
        let mut z = self.seed.wrapping_add((row + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) < self.below
    }

    /// The rows of a part that train and those that are held out.
    fn split(&self, first_row: u64, n_rows: usize) -> (Vec<u32>, Vec<u32>) {
        (0..n_rows as u32).partition(|&row| !self.holds(first_row + u64::from(row)))
    }
}
