//! What is to be learned, and as what kind of task?
//!
//! A column is chosen by name or by habit; numbers with many values make a regression, everything else a
//! classification. Every choice made without being asked for comes with a [`Notice`].

use std::collections::{BTreeSet, HashSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::data::levels::{Code, LevelCodes};
use crate::data::notice::Notice;
use crate::data::table::{Column, MISSING, Table, Values, shortest};
use crate::error::{Error, ErrorKind, Place, Result};

/// Names that say a column is the target, in any case; the first that a table has is taken. A `y` beside a `z` is a
/// coordinate or a length (as in the table of diamonds), not a target.
const TARGET_NAMES: [&str; 4] = ["target", "label", "class", "y"];

/// Numbers with more different values than this are no classes unless the caller says so.
const MAX_NUMERIC_CLASSES: usize = 20;

/// What is done about a row without a target.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnMissingTarget {
    /// It is an error.
    #[default]
    Error,
    /// It is left out, counted, and told of.
    Drop,
}

/// What kind of thing is predicted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TaskKind {
    /// A number.
    Regression,
    /// One of several classes.
    Classification,
}

impl fmt::Display for TaskKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Regression => "regression",
            Self::Classification => "classification",
        })
    }
}

/// The column to be learned, and what it holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Target {
    /// The column.
    pub name: String,
    /// What is to be learned of it.
    pub task: TaskKind,
    /// The names of the classes, numbered in this order: sorted, numbers as numbers. Empty for regression.
    pub classes: Vec<String>,
}

impl Target {
    /// Chooses the target and the task, and sees that the table can teach it.
    ///
    /// Without a name: the first of `target`, `label`, `class`, `y` that is a column, in any case, else the last column;
    /// but `y` only where there is no `z`.
    /// Without a task: text and booleans are classes; so are whole numbers with at most max(2, min(20, ⌊√n⌋)) different
    /// values in n rows; other numbers make a regression.
    ///
    /// # Errors
    /// [`ErrorKind::NoSuchColumn`]; [`ErrorKind::NoFeatures`] if it is the only column; [`ErrorKind::MissingTarget`] at
    /// the first row without a value; [`ErrorKind::TargetNotNumeric`] for regression on anything but numbers;
    /// [`ErrorKind::OneClass`]; and [`ErrorKind::TooManyClasses`] with fewer than two rows a class on average.
    pub fn choose(table: &Table, name: Option<&str>, task: Option<TaskKind>) -> Result<(Self, Vec<Notice>)> {
        let mut survey = TargetSurvey::begin(table, name)?;
        survey.add(table)?;
        survey.finish(task)
    }

    /// The rows that have a target, if any has none; chosen as [`Target::choose`] does.
    ///
    /// # Errors
    /// [`ErrorKind::NoSuchColumn`]; [`ErrorKind::MissingTarget`] if no row has one.
    pub fn present(table: &Table, name: Option<&str>) -> Result<Option<(Table, Notice)>> {
        let index = match name {
            Some(name) => table.column_index(name)?,
            None => guess(table, &mut Vec::new()),
        };
        let column = &table.columns()[index];
        let Some(kept) = table.with_values_in(index) else { return Ok(None) };
        let column = column.name.clone();
        if kept.n_rows() == 0 {
            return Err(Error::from(ErrorKind::MissingTarget { name: column }).at(table.place(0, index)));
        }
        let rows = table.n_rows() - kept.n_rows();
        Ok(Some((kept, Notice::RowsWithoutTarget { column, rows })))
    }

    /// The class code of every row, to hold rows out by class; none for regression.
    ///
    /// # Errors
    /// Whatever keeps the target of a row from being a class: see [`crate::data::Preprocessing::targets`].
    pub fn strata(&self, table: &Table) -> Result<Option<Vec<u32>>> {
        match self.task {
            TaskKind::Regression => Ok(None),
            TaskKind::Classification => {
                class_codes(&self.name, &self.classes, table, 0..table.n_rows() as u32).map(Some)
            }
        }
    }
}

fn guess(table: &Table, notices: &mut Vec<Notice>) -> usize {
    let columns = table.columns();
    let find = |name: &str| columns.iter().position(|column| column.name.eq_ignore_ascii_case(name));
    let by_name = TARGET_NAMES.iter().filter(|&&name| name != "y" || find("z").is_none()).find_map(|name| find(name));
    let last = columns.iter().rposition(|column| !matches!(column.values, Values::Sparse(_)));
    let index = by_name.or(last).unwrap_or(columns.len() - 1);
    let column = columns[index].name.clone();
    notices.push(if by_name.is_some() { Notice::TargetByName { column } } else { Notice::TargetIsLast { column } });
    index
}

/// Sees what a target holds while its table goes by in parts: [`Target::choose`] for tables that are not in memory.
#[derive(Clone, Debug)]
pub struct TargetSurvey {
    name: String,
    source: String,
    notices: Vec<Notice>,
    n_rows: usize,
    distinct: Distinct,
    /// The first value, and where it stood, if it is no number.
    no_number: Option<(String, Place)>,
}

impl TargetSurvey {
    /// Chooses the column by the first part.
    ///
    /// # Errors
    /// [`ErrorKind::NoSuchColumn`]; [`ErrorKind::NoFeatures`] if it is the only column.
    pub fn begin(first: &Table, name: Option<&str>) -> Result<Self> {
        let mut notices = Vec::new();
        let index = match name {
            Some(name) => first.column_index(name)?,
            None => guess(first, &mut notices),
        };
        let Column { name, values } = &first.columns()[index];
        if first.columns().len() < 2 {
            return Err(Error::from(ErrorKind::NoFeatures).in_source(first.source()));
        }
        if let Values::Sparse(_) = values {
            return Err(Error::from(ErrorKind::SparseTarget { name: name.clone() }).in_source(first.source()));
        }
        let is_numeric = matches!(values, Values::Number(_) | Values::Time(_));
        let no_number = (!matches!(values, Values::Number(_))).then(|| (values.text(0), first.place(0, index)));
        let distinct = if is_numeric { Distinct::Numbers(HashSet::new()) } else { Distinct::Texts(BTreeSet::new()) };
        Ok(Self { name: name.clone(), source: first.source().to_owned(), notices, n_rows: 0, distinct, no_number })
    }

    /// The column.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Looks at the rows of a part.
    ///
    /// # Errors
    /// [`ErrorKind::NoSuchColumn`]; [`ErrorKind::MissingTarget`] at the first row without a value.
    pub fn add(&mut self, part: &Table) -> Result<()> {
        let index = part.column_index(&self.name)?;
        let values = &part.columns()[index].values;
        if let Some(row) = (0..part.n_rows()).find(|&row| values.is_missing(row)) {
            return Err(Error::from(ErrorKind::MissingTarget { name: self.name.clone() }).at(part.place(row, index)));
        }
        self.n_rows += part.n_rows();
        self.distinct.add(values);
        Ok(())
    }

    /// Decides on the task, and sees that the rows can teach it.
    ///
    /// # Errors
    /// [`ErrorKind::TargetNotNumeric`], [`ErrorKind::OneClass`] and [`ErrorKind::TooManyClasses`], as
    /// [`Target::choose`].
    pub fn finish(self, task: Option<TaskKind>) -> Result<(Target, Vec<Notice>)> {
        let Self { name, source, mut notices, n_rows, distinct, no_number } = self;
        let task = task.unwrap_or_else(|| {
            let task = distinct.task(n_rows);
            let (numeric, n_distinct) = (matches!(distinct, Distinct::Numbers(_)), distinct.len());
            notices.push(Notice::TaskDetected { column: name.clone(), task, numeric, n_distinct });
            task
        });
        if task == TaskKind::Regression {
            if let Some((found, place)) = no_number {
                return Err(Error::from(ErrorKind::TargetNotNumeric { name, found }).at(place));
            }
            return Ok((Target { name, task, classes: Vec::new() }, notices));
        }
        let here = |kind: ErrorKind| Error::from(kind).at(Place::source(source));
        let n_classes = distinct.len();
        if n_classes > 1 && 2 * n_classes > n_rows || n_classes > MAX_DISTINCT {
            return Err(here(ErrorKind::TooManyClasses { name, n_classes, n_rows }));
        }
        let classes = distinct.names();
        if let [class] = &classes[..] {
            return Err(here(ErrorKind::OneClass { name, class: class.clone() }));
        }
        Ok((Target { name, task, classes }, notices))
    }
}

/// So many different values are told apart; where there are more, they are a number's.
pub(super) const MAX_DISTINCT: usize = 1 << 16;

/// The different values of a target, at most one more than [`MAX_DISTINCT`].
#[derive(Clone, Debug)]
enum Distinct {
    /// Their bits.
    Numbers(HashSet<u64>),
    Texts(BTreeSet<String>),
}

impl Distinct {
    fn add(&mut self, values: &Values) {
        match (self, values) {
            (Self::Numbers(found), Values::Number(numbers) | Values::Time(numbers)) => {
                for number in numbers.iter() {
                    if found.len() > MAX_DISTINCT {
                        break;
                    }
                    found.insert(number.to_bits());
                }
            }
            (Self::Texts(found), Values::Boolean(codes)) => {
                let here = [0, 1].into_iter().filter(|code| codes.contains(code));
                found.extend(here.map(|code| (code == 1).to_string()));
            }
            (Self::Texts(found), Values::Category { levels, codes }) => {
                let mut seen = vec![false; levels.len()];
                codes.iter().filter(|&&code| code != MISSING).for_each(|&code| seen[code as usize] = true);
                let new = levels.iter().zip(seen).filter(|(level, seen)| *seen && !found.contains(*level));
                let new: Vec<String> = new.map(|(level, _)| level.clone()).collect();
                let room = (MAX_DISTINCT + 1).saturating_sub(found.len());
                found.extend(new.into_iter().take(room));
            }
            // Another part holds another kind: whoever encodes it says so.
            _ => {}
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::Numbers(numbers) => numbers.len(),
            Self::Texts(texts) => texts.len(),
        }
    }

    fn task(&self, n_rows: usize) -> TaskKind {
        let Self::Numbers(numbers) = self else { return TaskKind::Classification };
        let most = n_rows.isqrt().clamp(2, MAX_NUMERIC_CLASSES);
        let few_whole = numbers.len() <= most && numbers.iter().all(|&number| f64::from_bits(number).fract() == 0.0);
        if few_whole { TaskKind::Classification } else { TaskKind::Regression }
    }

    /// The names in the order of their numbers; texts that are all numbers are sorted as numbers.
    fn names(self) -> Vec<String> {
        match self {
            Self::Numbers(numbers) => {
                let mut numbers: Vec<f64> = numbers.into_iter().map(f64::from_bits).collect();
                numbers.sort_unstable_by(f64::total_cmp);
                numbers.dedup();
                numbers.into_iter().map(shortest).collect()
            }
            Self::Texts(texts) => {
                let mut texts: Vec<String> = texts.into_iter().collect();
                let number = |text: &str| text.parse::<f64>().ok().filter(|number| number.is_finite());
                if texts.iter().all(|text| number(text).is_some()) {
                    texts.sort_by(|a, b| f64::total_cmp(&number(a).unwrap_or(0.0), &number(b).unwrap_or(0.0)));
                }
                texts
            }
        }
    }
}

/// How a target becomes `f32`, and a prediction the target's value again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "task", rename_all = "kebab-case")]
pub enum TargetEncoding {
    /// (value − `mean`) / `std`.
    Regression {
        /// The column.
        name: String,
        /// The mean over the training rows; 0 if the target is not scaled.
        mean: f64,
        /// The standard deviation over the training rows; 1 if the target is not scaled.
        std: f64,
    },
    /// The place of the class in `classes`, from zero.
    Classification {
        /// The column.
        name: String,
        /// The names of the classes, sorted, numbers as numbers.
        classes: Vec<String>,
    },
}

impl TargetEncoding {
    /// The target's column.
    pub fn name(&self) -> &str {
        match self {
            Self::Regression { name, .. } | Self::Classification { name, .. } => name,
        }
    }

    /// Number or class.
    pub fn task(&self) -> TaskKind {
        match self {
            Self::Regression { .. } => TaskKind::Regression,
            Self::Classification { .. } => TaskKind::Classification,
        }
    }

    /// The names of the classes in the order of their numbers; empty for regression.
    pub fn classes(&self) -> &[String] {
        match self {
            Self::Regression { .. } => &[],
            Self::Classification { classes, .. } => classes,
        }
    }

    /// A predicted number in the target's own unit. A class code stays what it is.
    pub fn decode(&self, predicted: f64) -> f64 {
        match self {
            Self::Regression { mean, std, .. } => predicted * std + mean,
            Self::Classification { .. } => predicted,
        }
    }

    /// The targets of some rows: scaled numbers, or class codes.
    pub(super) fn encode(&self, table: &Table, rows: &[u32]) -> Result<Vec<f32>> {
        match self {
            Self::Regression { name, mean, std } => numbers(name, table, rows)?
                .into_iter()
                .zip(rows)
                .map(|(value, &row)| {
                    let encoded = ((value - mean) / std) as f32;
                    if encoded.is_finite() {
                        return Ok(encoded);
                    }
                    let kind = ErrorKind::NotFinite { name: name.clone(), found: shortest(value) };
                    Err(Error::from(kind).at(table.place(row as usize, table.column_index(name)?)))
                })
                .collect(),
            Self::Classification { name, classes } => {
                let codes = class_codes(name, classes, table, rows.iter().copied())?;
                Ok(codes.into_iter().map(|code| code as f32).collect())
            }
        }
    }
}

/// The targets of some rows as numbers.
pub(super) fn numbers(name: &str, table: &Table, rows: &[u32]) -> Result<Vec<f64>> {
    let index = table.column_index(name)?;
    let values = &table.columns()[index].values;
    if let Values::Number(numbers) = values {
        let numbers: Vec<f64> = numbers.of_rows(rows).collect();
        if !numbers.iter().any(|number| number.is_nan()) {
            return Ok(numbers);
        }
    }
    let refuse = |row: usize| {
        let name = name.to_owned();
        let kind = if values.is_missing(row) {
            ErrorKind::MissingTarget { name }
        } else {
            ErrorKind::TargetNotNumeric { name, found: values.text(row) }
        };
        Err(Error::from(kind).at(table.place(row, index)))
    };
    let is_number = |row: usize| matches!(values, Values::Number(_)) && !values.is_missing(row);
    let refused = rows.iter().map(|&row| row as usize).find(|&row| !is_number(row));
    refused.map_or(Ok(Vec::new()), refuse)
}

fn class_codes(name: &str, classes: &[String], table: &Table, rows: impl Iterator<Item = u32>) -> Result<Vec<u32>> {
    let index = table.column_index(name)?;
    let values = &table.columns()[index].values;
    let codes = LevelCodes::new(values, classes);
    rows.map(|row| {
        let row = row as usize;
        let kind = match codes.code(row) {
            Code::Known(code) => return Ok(code),
            Code::Missing => ErrorKind::MissingTarget { name: name.to_owned() },
            Code::Unknown => {
                ErrorKind::UnknownClass { name: name.to_owned(), found: values.text(row), known: classes.to_vec() }
            }
        };
        Err(Error::from(kind).at(table.place(row, index)))
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::csv::ReadOptions;

    fn choose(text: &str, name: Option<&str>, task: Option<TaskKind>) -> Result<(Target, Vec<Notice>)> {
        Target::choose(&Table::from_csv("t.csv", text.as_bytes(), &ReadOptions::default()).unwrap(), name, task)
    }

    fn classes(text: &str) -> Vec<String> {
        choose(text, None, Some(TaskKind::Classification)).unwrap().0.classes
    }

    fn refusal(text: &str, name: Option<&str>, task: Option<TaskKind>) -> String {
        choose(text, name, task).unwrap_err().to_string()
    }

    #[test]
    fn the_target_is_named_or_by_its_name_or_the_last() {
        let target = |text, name| choose(text, name, Some(TaskKind::Regression)).unwrap();
        let (named, notices) = target("a,b,c\n1,2,3\n4,5,6\n", Some("b"));
        assert_eq!((named.name.as_str(), notices.len()), ("b", 0));
        let (by_name, notices) = target("a,Y,Label,c\n1,2,3,4\n4,5,6,7\n", None);
        assert_eq!(by_name.name, "Label");
        assert_eq!(notices, [Notice::TargetByName { column: "Label".into() }]);
        let (among_lengths, _) = target("x,y,z,price\n1,2,3,4\n4,5,6,7\n", None);
        assert_eq!(among_lengths.name, "price");
        let (last, notices) = target("a,b,c\n1,2,3\n4,5,6\n", None);
        assert_eq!(last.name, "c");
        assert_eq!(notices[0].to_string(), "no target was named: taking the last column, `c`");
    }

    #[test]
    fn the_task_follows_from_the_targets_values() {
        let task = |values: &[&str]| {
            let text = format!("a,y\n1,{}\n", values.join("\n1,"));
            choose(&text, None, None).unwrap().0.task
        };
        let repeated = |values: &[&'static str], n: usize| values.iter().cycle().take(n).copied().collect::<Vec<_>>();
        assert_eq!(task(&["u", "v", "u", "v"]), TaskKind::Classification);
        assert_eq!(task(&["true", "false", "true", "false"]), TaskKind::Classification);
        assert_eq!(task(&repeated(&["1", "2", "3"], 9)), TaskKind::Classification);
        assert_eq!(task(&repeated(&["1", "2", "3"], 8)), TaskKind::Regression);
        assert_eq!(task(&repeated(&["0.5", "1.5"], 100)), TaskKind::Regression);
        let names: Vec<String> = (0..21).map(|i| i.to_string()).collect();
        let many: Vec<&str> = names.iter().map(String::as_str).cycle().take(2100).collect();
        assert_eq!(task(&many), TaskKind::Regression);
    }

    #[test]
    fn classes_are_numbered_in_order_and_numbers_as_numbers() {
        assert_eq!(classes("a,y\n1,10\n1,2\n1,-1\n1,2\n1,10\n1,-1\n"), ["-1", "2", "10"]);
        assert_eq!(classes("a,y\n1,2.50\n1,1.0\n1,1\n1,2.5\n"), ["1", "2.5"]);
        assert_eq!(classes("a,y\n1,b\n1,B\n1,a\n1,a\n1,b\n1,B\n"), ["B", "a", "b"]);
        assert_eq!(classes("a,y\n1,TRUE\n1,False\n1,true\n1,false\n"), ["false", "true"]);
    }

    #[test]
    fn a_target_that_cannot_teach_is_refused() {
        assert_eq!(refusal("a,y\n1,2\n3,\n", None, None), "t.csv:3:2: expected a value in the target `y`, found none");
        assert_eq!(
            refusal("a,y\n1,u\n3,u\n", None, None),
            "t.csv: expected at least two classes in the target `y`, found only `u`"
        );
        assert_eq!(
            refusal("a,y\n1,u\n3,v\n5,w\n", None, None),
            "t.csv: expected at least two rows a class in the target `y`, found 3 classes in 3 rows"
        );
        assert_eq!(
            refusal("a,y\n1,u\n3,v\n", None, Some(TaskKind::Regression)),
            "t.csv:2:2: expected a numeric target for regression, found `u` in column `y`"
        );
        assert_eq!(
            refusal("y\n1\n3\n", None, None),
            "t.csv: expected at least one column besides the target, found none"
        );
        assert_eq!(
            refusal("price,cut\n1,2\n", Some("prize"), None),
            "t.csv: expected a column `prize`, found none of that name; the nearest are `price`"
        );
    }

    #[test]
    fn strata_are_class_codes() {
        let table = Table::from_csv("t.csv", b"a,y\n1,10\n1,2\n1,2\n1,10\n", &ReadOptions::default()).unwrap();
        let (target, _) = Target::choose(&table, None, None).unwrap();
        assert_eq!(target.strata(&table).unwrap(), Some(vec![1, 0, 0, 1]));
    }
}
