//! What went wrong, and where?
//!
//! One opaque [`Error`]: a [`ErrorKind`] that holds fields, never sentences, and a [`Place`]. Words are made in
//! `Display` alone; hints that name a flag belong to the command, which knows its flags.
//! Divergence, interruption and patience are *outcomes* ([`crate::stop::StopReason`]), not errors.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::data::Format;

/// The result of everything in this crate that can fail.
pub type Result<T> = std::result::Result<T, Error>;

/// What went wrong, and where.
#[derive(Debug)]
pub struct Error(Box<Inner>);

#[derive(Debug)]
struct Inner {
    kind: ErrorKind,
    place: Place,
}

/// Where in a source of data something stands. Lines, rows and columns count from one, as editors do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// The file (or what stands for it: `standard input`, `@digits`).
    pub source: Option<String>,
    /// The line in the file.
    pub line: Option<u64>,
    /// The row, where the file has no lines.
    pub row: Option<u64>,
    /// The field in the line.
    pub column: Option<u64>,
}

impl Place {
    /// A place that names only its source.
    pub fn source(source: impl Into<String>) -> Self {
        Self { source: Some(source.into()), ..Self::default() }
    }

    /// The same source at a line.
    #[must_use]
    pub fn line(mut self, line: u64) -> Self {
        self.line = Some(line);
        self
    }

    /// The same source at a row.
    #[must_use]
    pub fn row(mut self, row: u64) -> Self {
        self.row = Some(row);
        self
    }

    /// The same line or row at a field.
    #[must_use]
    pub fn column(mut self, column: u64) -> Self {
        self.column = Some(column);
        self
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(source) = &self.source {
            write!(f, "{source}:")?;
        }
        if let Some(line) = self.line {
            write!(f, "{line}:")?;
        }
        if let Some(row) = self.row {
            write!(f, " row {row}")?;
            return match self.column {
                Some(column) => write!(f, ", column {column}:"),
                None => f.write_str(":"),
            };
        }
        if let Some(column) = self.column {
            write!(f, "{column}:")?;
        }
        Ok(())
    }
}

/// One setting that cannot be used, as part of [`ErrorKind::Settings`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The setting's name as the command spells it, without dashes: `lr`, `batch-size`.
    pub setting: &'static str,
    /// What would be accepted.
    pub expected: String,
    /// What was given.
    pub found: String,
}

impl Problem {
    /// A setting, what it accepts, and what it was given.
    pub fn new(setting: &'static str, expected: impl Into<String>, found: impl fmt::Display) -> Self {
        Self { setting, expected: expected.into(), found: found.to_string() }
    }
}

/// The kinds of error. Fields only; [`Error`]'s `Display` has the words.
#[derive(Debug)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The operating system refused to read, write, create or rename.
    Io {
        /// What was being done: `read`, `write`, `create`.
        action: &'static str,
        /// The path it was done to.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// A table without a byte in it.
    EmptyFile,
    /// A header without a row below it.
    NoRows,
    /// Bytes that are no text table at all; `looks_like` names a known format where one is recognised.
    NotText {
        /// The format the first bytes announce, if known.
        looks_like: Option<&'static str>,
    },
    /// A piece of text that its format does not allow there.
    NotAsExpected {
        /// What the format has there.
        expected: &'static str,
        /// The text.
        found: String,
    },
    /// A last row that has no end and less in it than any other.
    CutShort {
        /// The values it has.
        found: usize,
        /// The values that any other has at least.
        fewest: usize,
    },
    /// Text in another encoding.
    NotUtf8,
    /// A quotation mark that is never closed.
    OpenQuote,
    /// A row with another number of fields than the header.
    Ragged {
        /// Fields in the header.
        expected: usize,
        /// Fields in the row.
        found: usize,
    },
    /// A header with the same name twice.
    DuplicateColumn {
        /// The name.
        name: String,
        /// The field where it stood first, from one.
        first: usize,
    },
    /// A header field with no name.
    UnnamedColumn,
    /// A header whose fields are all numbers: most likely a table without a header.
    NoHeader,
    /// A header divided by spaces, or by something else that is no delimiter here.
    UnknownDelimiter {
        /// The header, or its beginning.
        found: String,
    },
    /// A column that is not in the table.
    NoSuchColumn {
        /// The name asked for.
        name: String,
        /// Names in the table that look like it, best first.
        nearest: Vec<String>,
    },
    /// A file whose columns are not those of the files before it.
    ColumnsDiffer {
        /// The columns of the others.
        expected: Vec<String>,
        /// Its own.
        found: Vec<String>,
    },
    /// A file in which a column is of another kind than in the files before it.
    KindsDiffer {
        /// The column.
        name: String,
        /// What it holds in the others.
        expected: &'static str,
        /// What it holds here.
        found: &'static str,
    },
    /// A table with no column besides the target.
    NoFeatures,
    /// A row whose target is missing.
    MissingTarget {
        /// The target's column.
        name: String,
    },
    /// Text where a number should be.
    NotANumber {
        /// The column.
        name: String,
        /// The text.
        found: String,
    },
    /// An infinity or NaN where a finite number should be.
    NotFinite {
        /// The column.
        name: String,
        /// The text.
        found: String,
    },
    /// Something else where `true` or `false` should be.
    NotABoolean {
        /// The column.
        name: String,
        /// The text.
        found: String,
    },
    /// Something else where a text should be.
    NotAText {
        /// The column.
        name: String,
        /// What was found.
        found: String,
    },
    /// A list, or a value of several parts, where one value should be.
    Nested {
        /// The column.
        name: String,
        /// What was found: `an array`, `an object`.
        found: &'static str,
    },
    /// A row that has a value twice.
    DuplicateKey {
        /// The column.
        name: String,
    },
    /// Something else where a date or time should be.
    NotATime {
        /// The column.
        name: String,
        /// The text.
        found: String,
    },
    /// The target among the columns to drop.
    TargetDropped {
        /// The target's column.
        name: String,
    },
    /// A target with one class only.
    OneClass {
        /// The target's column.
        name: String,
        /// The only class.
        class: String,
    },
    /// More classes than the rows can teach.
    TooManyClasses {
        /// The target's column.
        name: String,
        /// Distinct classes.
        n_classes: usize,
        /// Rows.
        n_rows: usize,
    },
    /// A text column with too many different values to become categories, though it was asked to.
    TooManyCategories {
        /// The column.
        name: String,
        /// Distinct values.
        n_categories: usize,
        /// The most that are borne.
        limit: usize,
    },
    /// A target that must be a number for this loss, and is not.
    TargetNotNumeric {
        /// The target's column.
        name: String,
        /// A value found in it.
        found: String,
    },
    /// A target that is not one value a row.
    SparseTarget {
        /// The target's column.
        name: String,
    },
    /// A target value outside what the loss is defined for.
    TargetOutOfRange {
        /// The target's column.
        name: String,
        /// What the loss needs.
        expected: &'static str,
        /// The value.
        found: String,
    },
    /// A weight for a class that the target does not have.
    NoSuchClass {
        /// The target's column.
        name: String,
        /// The class.
        found: String,
        /// The classes there are.
        known: Vec<String>,
    },
    /// Weights that say nothing: one below 0 or not finite, or all 0.
    WeightOutOfRange {
        /// What they must be.
        expected: &'static str,
        /// What was found, and where.
        found: String,
    },
    /// A loss that does not fit the classes of the target.
    LossNeedsTwoClasses {
        /// The loss.
        loss: String,
        /// Classes found.
        n_classes: usize,
    },
    /// A class in the validation rows that training never saw.
    UnknownClass {
        /// The target's column.
        name: String,
        /// The class.
        found: String,
        /// The classes known from training.
        known: Vec<String>,
    },
    /// Too few rows to hold some out and train on the rest.
    TooFewRows {
        /// Rows needed.
        needed: usize,
        /// Rows found.
        found: usize,
    },
    /// No such built-in table.
    NoSuchTable {
        /// The name asked for, without `@`.
        name: String,
        /// Names that exist.
        known: Vec<String>,
    },
    /// A pattern that no file matches.
    NoMatch {
        /// The pattern.
        pattern: String,
    },
    /// A form of tables that this build does not read or write.
    NotBuilt {
        /// The form.
        format: Format,
    },
    /// A column that cannot be written in some form.
    NoFormFor {
        /// The column.
        name: String,
        /// What could be written.
        expected: &'static str,
        /// What it holds.
        holds: &'static str,
    },
    /// Settings that cannot be used, all of them.
    Settings(Vec<Problem>),
    /// Curvature that is no number, so that no learning rate can be chosen from it.
    NoCurvature {
        /// The largest curvature of the mean loss.
        lambda_max: f64,
        /// The largest curvature of a row.
        row_curvature: f64,
    },
    /// Parameters of another shape than the model's.
    ShapeMismatch {
        /// The part of the model, under PyTorch's name.
        part: String,
        /// The shape the model has.
        expected: Vec<usize>,
        /// The shape in the file; empty if the part is missing.
        found: Vec<usize>,
    },
    /// A file that is no model, checkpoint or run of this program, or is damaged.
    Malformed {
        /// What it should be: `model file`, `checkpoint`, `run directory`.
        what: &'static str,
        /// What about it is wrong.
        detail: String,
    },
    /// A directory that exists and would be overwritten.
    RunExists,
    /// A run directory that another program is writing to right now.
    RunBusy,
    /// The data of a run is no longer what it was trained on.
    DataChanged {
        /// The fingerprint in the run.
        expected: String,
        /// The fingerprint now.
        found: String,
    },
    /// A run whose data came from standard input and is gone.
    DataNotKept,
}

impl Error {
    /// What went wrong.
    pub fn kind(&self) -> &ErrorKind {
        &self.0.kind
    }

    /// Where.
    pub fn place(&self) -> &Place {
        &self.0.place
    }

    /// The same error at a place.
    #[must_use]
    pub fn at(mut self, place: Place) -> Self {
        self.0.place = place;
        self
    }

    /// The same error in a source, where it does not name one yet.
    #[must_use]
    pub fn in_source(mut self, source: &str) -> Self {
        self.0.place.source.get_or_insert_with(|| source.to_owned());
        self
    }

    /// An operating system's refusal, with the path it concerns.
    pub fn io(action: &'static str, path: &Path, source: std::io::Error) -> Self {
        ErrorKind::Io { action, path: path.to_owned(), source }.into()
    }

    /// An operating system's refusal to write, whose path is told later.
    pub(crate) fn not_written(source: std::io::Error) -> Self {
        Self::io("write", Path::new(""), source)
    }

    /// The same error, with the path it concerns if it is a refusal that names none.
    #[must_use]
    pub fn at_path(mut self, to: &Path) -> Self {
        if let ErrorKind::Io { path, .. } = &mut self.0.kind
            && path.as_os_str().is_empty()
        {
            to.clone_into(path);
        }
        self
    }

    /// A file that is not what it should be.
    pub fn malformed(what: &'static str, detail: impl fmt::Display) -> Self {
        ErrorKind::Malformed { what, detail: detail.to_string() }.into()
    }

    /// Nothing if there are no problems, otherwise all of them.
    ///
    /// # Errors
    /// [`ErrorKind::Settings`] with every problem.
    pub fn unless_empty(problems: Vec<Problem>) -> Result<()> {
        if problems.is_empty() { Ok(()) } else { Err(ErrorKind::Settings(problems).into()) }
    }
}

impl From<ErrorKind> for Error {
    fn from(kind: ErrorKind) -> Self {
        Self(Box::new(Inner { kind, place: Place::default() }))
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self.kind() {
            ErrorKind::Io { source, .. } => Some(source),
            _ => None,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = self.place().to_string();
        if !place.is_empty() {
            write!(f, "{place} ")?;
        }
        self.kind().fmt(f)
    }
}

impl fmt::Display for ErrorKind {
    #[allow(clippy::too_many_lines, reason = "one line of words a kind, in the order of the enum")]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io { action, path, source } => write!(f, "cannot {action} `{}`: {source}", path.display()),
            Self::EmptyFile => write!(f, "expected a table, found an empty file"),
            Self::NoRows => write!(f, "expected rows below the header, found none"),
            Self::NotText { looks_like: Some(format) } => write!(f, "expected a text table, found {format}"),
            Self::NotText { looks_like: None } => write!(f, "expected a text table, found binary data"),
            Self::NotAsExpected { expected, found } if found.is_empty() => {
                write!(f, "expected {expected}, found the end of the line")
            }
            Self::NotAsExpected { expected, found } => write!(f, "expected {expected}, found `{found}`"),
            Self::CutShort { found, fewest } => write!(
                f,
                "expected a line end behind the last row, found none, and {found} values where any other row has {fewest} or more: \
                 it seems to be cut short"
            ),
            Self::NotUtf8 => write!(f, "expected UTF-8 text, found bytes of another encoding"),
            Self::OpenQuote => write!(f, "expected a closing quotation mark, found the end of the file"),
            Self::Ragged { expected, found } => {
                let s = if *expected == 1 { "" } else { "s" };
                write!(f, "expected {expected} field{s} as in the header, found {found}")
            }
            Self::DuplicateColumn { name, first } => {
                write!(f, "expected every column to have its own name, found `{name}` again (first in field {first})")
            }
            Self::UnnamedColumn => write!(f, "expected a column name in the header, found an empty field"),
            Self::NoHeader => write!(f, "expected a header with column names, found a row of numbers"),
            Self::UnknownDelimiter { found } => {
                write!(f, "expected commas, semicolons, tabs or `|` between the fields, found `{found}`")
            }
            Self::NoSuchColumn { name, nearest } => {
                write!(f, "expected a column `{name}`, found none of that name")?;
                write_list(f, "; the nearest are ", nearest)
            }
            Self::ColumnsDiffer { expected, found } => {
                let other = found.iter().zip(expected).find(|(found, expected)| found != expected);
                match other {
                    Some((found, expected)) => {
                        write!(
                            f,
                            "expected the columns of the files before it, found `{found}` instead of `{expected}`"
                        )
                    }
                    None => write!(
                        f,
                        "expected the {} columns of the files before it, found {}",
                        expected.len(),
                        found.len()
                    ),
                }
            }
            Self::KindsDiffer { name, expected, found } => {
                write!(f, "expected {expected} in column `{name}` as in the files before it, found {found}")
            }
            Self::NoFeatures => write!(f, "expected at least one column besides the target, found none"),
            Self::MissingTarget { name } => write!(f, "expected a value in the target `{name}`, found none"),
            Self::NotANumber { name, found } => write!(f, "expected a number in column `{name}`, found `{found}`"),
            Self::NotFinite { name, found } => {
                write!(f, "expected a finite number in column `{name}`, found `{found}`")
            }
            Self::NotABoolean { name, found } => {
                write!(f, "expected `true` or `false` in column `{name}`, found `{found}`")
            }
            Self::NotAText { name, found } => {
                write!(f, "expected a text in column `{name}`, as in most rows, found `{found}`")
            }
            Self::Nested { name, found } => {
                write!(f, "expected a number, a text, true, false or null in column `{name}`, found {found}")
            }
            Self::DuplicateKey { name } => write!(f, "expected every key once in a row, found `{name}` again"),
            Self::NotATime { name, found } => write!(
                f,
                "expected a date such as `2024-02-29`, or one with a time as in `2024-02-29T12:30:00`, in column `{name}`, found `{found}`"
            ),
            Self::TargetDropped { name } => {
                write!(f, "expected the target to be kept, found `{name}` among the columns to drop")
            }
            Self::OneClass { name, class } => {
                write!(f, "expected at least two classes in the target `{name}`, found only `{class}`")
            }
            Self::TooManyClasses { name, n_classes, n_rows } => write!(
                f,
                "expected at least two rows a class in the target `{name}`, found {n_classes} classes in {n_rows} rows"
            ),
            Self::TooManyCategories { name, n_categories, limit } => {
                write!(f, "expected at most {limit} categories in column `{name}`, found {n_categories}")
            }
            Self::TargetNotNumeric { name, found } => {
                write!(f, "expected a numeric target for regression, found `{found}` in column `{name}`")
            }
            Self::SparseTarget { name } => {
                write!(f, "expected a target of one value a row, found the sparse features `{name}`")
            }
            Self::TargetOutOfRange { name, expected, found } => {
                write!(f, "expected {expected} in the target `{name}`, found `{found}`")
            }
            Self::NoSuchClass { name, found, known } => {
                write!(f, "expected weights for classes of the target `{name}`, found `{found}`")?;
                write_list(f, "; there are ", known)
            }
            Self::WeightOutOfRange { expected, found } => write!(f, "expected {expected}, found {found}"),
            Self::LossNeedsTwoClasses { loss, n_classes } => {
                write!(f, "expected two classes for the loss `{loss}`, found {n_classes}")
            }
            Self::UnknownClass { name, found, known } => {
                write!(f, "expected a class seen in training in the target `{name}`, found `{found}`")?;
                write_list(f, "; training has ", known)
            }
            Self::TooFewRows { needed, found } => write!(f, "expected at least {needed} rows, found {found}"),
            Self::NoSuchTable { name, known } => {
                write!(f, "expected a built-in table, found `@{name}`")?;
                write_list(f, "; there are ", known)
            }
            Self::NoMatch { pattern } => write!(f, "expected files that match `{pattern}`, found none"),
            Self::NotBuilt { format } => {
                write!(
                    f,
                    "expected a form that this build reads, found {format}: it was built without the feature `arrow`"
                )
            }
            Self::NoFormFor { name, expected, holds } => write!(f, "expected {expected}, found {holds} in `{name}`"),
            Self::Settings(problems) => {
                for (i, Problem { setting, expected, found }) in problems.iter().enumerate() {
                    let separator = if i == 0 { "" } else { "; " };
                    write!(f, "{separator}`{setting}`: expected {expected}, found `{found}`")?;
                }
                Ok(())
            }
            Self::NoCurvature { lambda_max, row_curvature } => write!(
                f,
                "expected a finite curvature to choose a learning rate from, found {lambda_max:e} (and {row_curvature:e} of a single row)"
            ),
            Self::ShapeMismatch { part, expected, found } if found.is_empty() => {
                write!(f, "expected `{part}` of shape {expected:?}, found no such tensor")
            }
            Self::ShapeMismatch { part, expected, found } => {
                write!(f, "expected `{part}` of shape {expected:?}, found {found:?}")
            }
            Self::Malformed { what, detail } => write!(f, "expected a {what}: {detail}"),
            Self::RunExists => write!(f, "expected a new directory for the run, found one that exists"),
            Self::RunBusy => write!(f, "expected a run at rest, found one that another process is writing"),
            Self::DataChanged { expected, found } => {
                write!(f, "expected the data of the run (fingerprint {expected}), found other data ({found})")
            }
            Self::DataNotKept => {
                write!(f, "expected the data of the run, which came from standard input and was not kept")
            }
        }
    }
}

fn write_list(f: &mut fmt::Formatter<'_>, lead: &str, names: &[String]) -> fmt::Result {
    for (i, name) in names.iter().take(8).enumerate() {
        write!(f, "{}`{name}`", if i == 0 { lead } else { ", " })?;
    }
    if names.len() > 8 { write!(f, " and {} more", names.len() - 8) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_names_place_expectation_and_finding() {
        let error = Error::from(ErrorKind::NotANumber { name: "depth".into(), found: "n/a".into() }).at(Place::source(
            "diamonds.csv",
        )
        .line(412)
        .column(7));
        assert_eq!(error.to_string(), "diamonds.csv:412:7: expected a number in column `depth`, found `n/a`");
    }

    #[test]
    fn all_problems_of_the_settings_are_told_together() {
        let problems = vec![
            Problem::new("lr", "a finite number above 0", -1.0),
            Problem::new("batch-size", "`full` or a whole number above 0", 0),
        ];
        let error = Error::unless_empty(problems).unwrap_err();
        assert_eq!(
            error.to_string(),
            "`lr`: expected a finite number above 0, found `-1`; `batch-size`: expected `full` or a whole number above 0, found `0`"
        );
    }
}
