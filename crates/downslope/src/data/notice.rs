//! What should a person be told, though nothing is wrong?
//!
//! Choices made for them and oddities met on the way. Fields only; words are made in `Display`, in the manner of
//! errors: lower case, no final period. Nothing is printed here.

use std::fmt;

use serde::Serialize;

use crate::data::missing::spelled;
use crate::data::table::shortest;
use crate::data::target::{MAX_DISTINCT, TaskKind};
use crate::memory::Bytes;

/// Something worth saying aloud about the data.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "notice", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Notice {
    /// No target was named, and a column's name says that it is one.
    TargetByName {
        /// The column.
        column: String,
    },
    /// No target was named, and no column's name says that it is one.
    TargetIsLast {
        /// The last column.
        column: String,
    },
    /// No task was named, and the target decided.
    TaskDetected {
        /// The target's column.
        column: String,
        /// What was decided.
        task: TaskKind,
        /// Whether the target holds numbers rather than texts or booleans.
        numeric: bool,
        /// Different values in the target.
        n_distinct: usize,
    },
    /// A target for regression that never changes.
    ConstantTarget {
        /// The target's column.
        column: String,
        /// Its only value.
        value: f64,
    },
    /// A column left out because every training row has the same value.
    ConstantColumn {
        /// The column.
        column: String,
        /// Its only value.
        value: String,
    },
    /// A column left out because no training row has a value.
    EmptyColumn {
        /// The column.
        column: String,
    },
    /// Missing values of training rows filled with the mean, and marked in a column of their own.
    MissingFilled {
        /// The column.
        column: String,
        /// Training rows without a value.
        rows: usize,
        /// What they were given.
        fill: f64,
    },
    /// Missing times of training rows filled with the mean, and marked in a column of their own.
    MissingTimes {
        /// The column.
        column: String,
        /// Training rows without a value.
        rows: usize,
        /// What they were given.
        fill: String,
    },
    /// A number that looks as if it stood for a missing value.
    StandIn {
        /// The column.
        column: String,
        /// Whether it is the target.
        is_target: bool,
        /// The number.
        value: f64,
        /// Training rows that have it.
        rows: usize,
        /// The largest absolute value of all other training rows.
        others: f64,
    },
    /// Texts of several words, hashed word by word.
    HashedWords {
        /// The column.
        column: String,
        /// Different texts in the training rows.
        n_values: usize,
        /// Whether there may be more of them than were counted.
        at_least: bool,
        /// They are hashed into 2^`bits` features.
        bits: u32,
    },
    /// Texts that are too many to be categories, hashed as they are.
    HashedValues {
        /// The column.
        column: String,
        /// Different texts in the training rows.
        n_values: usize,
        /// Whether there may be more of them than were counted.
        at_least: bool,
        /// They are hashed into 2^`bits` features.
        bits: u32,
        /// Whether no two training rows have the same text.
        all_differ: bool,
        /// Whether they are few enough to be categories where that is asked for.
        can_be_categories: bool,
    },
    /// Sparse rows, which are divided where other numbers are standardised.
    SparseByLargest {
        /// The column.
        column: String,
    },
    /// A product left out because one of its columns never changes.
    CrossLeftOut {
        /// The product.
        cross: String,
        /// The column that never changes.
        column: String,
    },
    /// Names of sparse rows that training never saw.
    UnknownNames {
        /// The column.
        column: String,
        /// How many.
        n_names: usize,
    },
    /// Missing values in a column that had none in training.
    MissingUnseen {
        /// The column.
        column: String,
        /// Rows without a value.
        rows: usize,
    },
    /// Rows left out because they could not be read.
    RowsSkipped {
        /// How many.
        rows: usize,
        /// What was wrong with the first, and where.
        first: String,
    },
    /// Rows left out because they have no target.
    RowsWithoutTarget {
        /// The target's column.
        column: String,
        /// How many.
        rows: usize,
    },
    /// A column left out because what it holds is not read.
    ColumnUnreadable {
        /// The column.
        column: String,
        /// Its type, as its format calls it.
        holds: String,
    },
    /// No weight was named, and the form of the table has one.
    WeightByForm {
        /// The column.
        column: String,
    },
    /// Rows weigh by their classes.
    ClassWeights {
        /// What a row of each class weighs, where a training row weighs 1 on average.
        weights: Vec<(String, f64)>,
    },
    /// No row is held out, though a share of them was to be.
    NoneHeldOut,
    /// Rows are streamed from a file.
    Streamed {
        /// Training rows.
        rows: usize,
        /// Rows in a block.
        block_rows: usize,
        /// Rows that are mixed at a time.
        buffer_rows: usize,
        /// The length of the file of encoded rows.
        bytes: u64,
        /// The memory there is for all of it.
        memory: Bytes,
    },
    /// A category that training never saw.
    UnknownLevel {
        /// The column.
        column: String,
        /// The category.
        level: String,
        /// Rows that have it.
        rows: usize,
    },
}

/// The weights of so many classes are told.
const CLASSES_TOLD: usize = 8;

impl fmt::Display for Notice {
    #[allow(clippy::too_many_lines, reason = "one line of words a kind, in the order of the enum")]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TargetByName { column } => write!(f, "no target was named: taking column `{column}`, by its name"),
            Self::TargetIsLast { column } => {
                write!(f, "no target was named: taking the last column, `{column}`")
            }
            Self::TaskDetected { column, task, numeric, n_distinct } => {
                let values = match (numeric, task) {
                    (false, _) => "different values that are no numbers",
                    (true, TaskKind::Classification) => "different whole numbers",
                    (true, TaskKind::Regression) => "different numbers",
                };
                let more = if *n_distinct > MAX_DISTINCT { "more than " } else { "" };
                let n = n_distinct.min(&MAX_DISTINCT);
                write!(f, "no task was named: the target `{column}` holds {more}{n} {values}, so this is {task}")
            }
            Self::ConstantTarget { column, value } => {
                write!(
                    f,
                    "the target `{column}` is {} in every training row: there is nothing to learn",
                    shortest(*value)
                )
            }
            Self::ConstantColumn { column, value } => {
                write!(f, "column `{column}` is left out: every training row has `{value}`")
            }
            Self::EmptyColumn { column } => write!(f, "column `{column}` is left out: no training row has a value"),
            Self::MissingFilled { column, rows, fill } => write!(
                f,
                "column `{column}` misses {}: filled with the mean {} and marked in `{column} is missing`",
                counted(*rows, "training value"),
                short(*fill)
            ),
            Self::MissingTimes { column, rows, fill } => write!(
                f,
                "column `{column}` misses {}: filled with the mean {fill} and marked in `{column} is missing`",
                counted(*rows, "training value")
            ),
            Self::StandIn { column, is_target, value, rows, others } => {
                let (value, others) = (spelled(*value), short(*others));
                write!(
                    f,
                    "column `{column}` is {value} in {} and at most {others} away from 0 in all others: if that stands for \
                     a missing value, put {value} among the words of `--missing` (`NA,null` unless given)",
                    counted(*rows, "training row")
                )?;
                f.write_str(if *is_target { ", and leave such rows out by `--on-missing-target drop`" } else { "" })
            }
            Self::HashedWords { column, n_values, at_least, bits } => write!(
                f,
                "column `{column}` is free text, {}: words and pairs of words are hashed into 2^{bits} features; \
                 `--drop {column}` leaves it out",
                different(*n_values, *at_least)
            ),
            Self::HashedValues { column, n_values, at_least, bits, all_differ, can_be_categories } => {
                let values = different(*n_values, *at_least);
                write!(f, "column `{column}` has {values}: too many for a feature each, hashed into 2^{bits}; ")?;
                if *all_differ {
                    f.write_str("as each is in one row only, it cannot help on new rows; ")?;
                }
                write!(f, "`--drop {column}` leaves it out")?;
                if *can_be_categories && !all_differ {
                    write!(f, ", `--as {column}=category` makes a feature of each")?;
                }
                Ok(())
            }
            Self::SparseByLargest { column } => write!(
                f,
                "column `{column}` is sparse: each of its features is divided by its largest absolute value, \
                 so that what is 0 stays 0"
            ),
            Self::CrossLeftOut { cross, column } => {
                write!(f, "the product `{cross}` is left out: column `{column}` never changes")
            }
            Self::UnknownNames { column, n_names } => {
                let (names, are) = (counted(*n_names, "name"), if *n_names == 1 { "it counts" } else { "they count" });
                write!(f, "column `{column}` has {names} that training never saw: {are} as nothing")
            }
            Self::MissingUnseen { column, rows } => write!(
                f,
                "column `{column}` misses {} though none was missing in training: \
                 numbers are filled with the training mean, categories count as none",
                counted(*rows, "value")
            ),
            Self::RowsSkipped { rows, first } => {
                let (rows, were) = (counted(*rows, "row"), if *rows == 1 { "was" } else { "were" });
                write!(f, "{rows} that cannot be read {were} skipped; the first: {first}")
            }
            Self::RowsWithoutTarget { column, rows } => {
                write!(f, "{} without a value in the target `{column}` left out", counted(*rows, "row"))
            }
            Self::ColumnUnreadable { column, holds } => {
                write!(f, "column `{column}` is left out: what it holds ({holds}) is not read")
            }
            Self::WeightByForm { column } => write!(f, "no weight was named: rows weigh what `{column}` says"),
            Self::ClassWeights { weights } => {
                let told: Vec<String> = weights
                    .iter()
                    .take(CLASSES_TOLD)
                    .map(|(class, weight)| format!("{class} {}", shortest(rounded(*weight, 3))))
                    .collect();
                write!(f, "classes weigh: {}", told.join(", "))?;
                let more = weights.len().saturating_sub(CLASSES_TOLD);
                if more > 0 { write!(f, " and {more} more") } else { Ok(()) }
            }
            Self::NoneHeldOut => {
                write!(f, "no row is held out: there are too few for each to be drawn by itself, as streamed rows are")
            }
            Self::Streamed { rows, block_rows, buffer_rows, bytes, memory } => {
                let (size, unit) =
                    if *bytes < 1_000_000 { (bytes.div_ceil(1000), "KB") } else { (bytes / 1_000_000, "MB") };
                write!(
                    f,
                    "rows are streamed, within {memory} of memory: {rows} of them are encoded in a file of {size} {unit}, and each \
                     epoch mixes {buffer_rows} at a time, from {} in random order",
                    counted(buffer_rows.div_ceil(*block_rows), "block")
                )
            }
            Self::UnknownLevel { column, level, rows } => write!(
                f,
                "column `{column}` has the category `{level}` in {}, which training never saw: it counts as none",
                counted(*rows, "row")
            ),
        }
    }
}

fn counted(n: usize, noun: &str) -> String {
    format!("{n} {noun}{}", if n == 1 { "" } else { "s" })
}

fn different(n_values: usize, at_least: bool) -> String {
    format!("{}{n_values} different texts", if at_least { "at least " } else { "" })
}

/// Six significant digits are enough to recognise a mean by.
fn short(number: f64) -> String {
    shortest(rounded(number, 6))
}

/// A number of so many significant digits.
fn rounded(number: f64, digits: usize) -> f64 {
    format!("{number:.*e}", digits - 1).parse().unwrap_or(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_notice_is_one_sentence_with_the_names_in_it() {
        let notice = Notice::UnknownLevel { column: "cut".into(), level: "Odd".into(), rows: 1 };
        assert_eq!(
            notice.to_string(),
            "column `cut` has the category `Odd` in 1 row, which training never saw: it counts as none"
        );
        let notice = Notice::MissingFilled { column: "age".into(), rows: 177, fill: 29.699_117_647 };
        assert_eq!(
            notice.to_string(),
            "column `age` misses 177 training values: filled with the mean 29.6991 and marked in `age is missing`"
        );
        let notice = Notice::ClassWeights { weights: vec![("a".into(), 2.5), ("b".into(), 0.633_333)] };
        assert_eq!(notice.to_string(), "classes weigh: a 2.5, b 0.633");
    }
}
