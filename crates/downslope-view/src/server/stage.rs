//! What does an experiment of the lesson descend on?
//!
//! A lesson names an experiment and tells it a few things; the page may tell it others. Here that is checked, what was
//! not said is filled in, the table is read once and kept ready. Only tables that the lesson itself names, and built-in
//! ones, can be asked for: a page cannot have the server read a file.

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};

use downslope::loader::BatchSize;
use downslope::loss::Loss;
use downslope::run::{Experiment, LearningRate, Settings, Terrain, Validation};
use downslope::{Error, Table};

use super::protocol::Asked;
use super::subject::Subject;
use crate::lesson::{self, Block, Lesson};

/// Steps of a run, and rows and values of a made table, at most.
pub(crate) const MOST_STEPS: u64 = 200_000;
/// Tables kept ready at most.
const MOST_READY: usize = 16;

/// Why something cannot be done, in words for the person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal(pub(crate) String);

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self(error.to_string())
    }
}

pub(crate) fn refused<T>(words: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal(words.into()))
}

/// The lesson, and the tables of its experiments.
pub(crate) struct Stage {
    pub(crate) lesson: Lesson,
    tables: BTreeSet<String>,
    ready: Mutex<Vec<(String, Arc<Experiment>)>>,
}

/// An experiment, with everything it is told checked and filled in.
#[derive(Debug)]
pub(crate) struct Reading {
    pub(crate) name: &'static str,
    values: BTreeMap<&'static str, String>,
}

impl Reading {
    /// Checks what is asked.
    pub(crate) fn of(asked: &Asked) -> Result<Self, Refusal> {
        let Some(known) = lesson::named(&asked.name) else {
            return refused(format!("there is no experiment `{}`", shortened(&asked.name)));
        };
        let mut values = BTreeMap::new();
        for parameter in known.parameters {
            values.extend(parameter.default.map(|value| (parameter.name, value.to_owned())));
        }
        for (name, value) in &asked.parameters {
            match known.parameter(name) {
                Some(parameter) if parameter.accepts.accepts(value) => values.insert(parameter.name, value.clone()),
                Some(_) => return refused(format!("`{name}` cannot be `{}`", shortened(value))),
                None => return refused(format!("`{}` takes no `{}`", known.name, shortened(name))),
            };
        }
        Ok(Self { name: known.name, values })
    }

    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }

    pub(crate) fn read<T: FromStr>(&self, name: &str) -> Option<T> {
        self.text(name).and_then(|text| text.parse().ok())
    }

    pub(crate) fn batch_sizes(&self) -> Vec<BatchSize> {
        let text = self.text("batch-sizes").unwrap_or("full,32,1");
        text.split(',').filter_map(|size| size.trim().parse().ok()).take(16).collect()
    }

    /// The rate that was given as a number.
    pub(crate) fn lr(&self) -> Option<f64> {
        self.read("lr").filter(|lr: &f64| lr.is_finite() && *lr > 0.0)
    }

    /// Whether two parameters are looked at on all rows: then none are held out.
    fn is_in_a_plane(&self) -> bool {
        matches!(self.name, "learning-rate" | "gradient-cloud" | "zig-zag")
    }
}

/// What a person can have mistyped, short enough to be repeated.
fn shortened(text: &str) -> String {
    text.chars().take(60).collect()
}

impl Stage {
    pub(crate) fn new(lesson: Lesson) -> Self {
        let mut tables = BTreeSet::new();
        for block in lesson.steps.iter().flat_map(|step| &step.blocks) {
            let named = match block {
                Block::Experiment(experiment) => vec![experiment],
                Block::Sort(sort) => sort.items.iter().filter_map(|item| item.prove.as_ref()).collect(),
                _ => Vec::new(),
            };
            tables.extend(named.into_iter().filter_map(|experiment| experiment.parameters.get("data").cloned()));
        }
        Self { lesson, tables, ready: Mutex::new(Vec::new()) }
    }

    /// What an experiment is a run of.
    pub(crate) fn subject(&self, reading: &Reading) -> Result<Subject, Refusal> {
        match reading.text("terrain") {
            Some(terrain) => Ok(Subject::Terrain(terrain.parse::<Terrain>()?)),
            None => Ok(Subject::Table(self.experiment(reading, Some(1))?)),
        }
    }

    /// The table of an experiment, made ready.
    pub(crate) fn experiment(&self, reading: &Reading, threads: Option<usize>) -> Result<Arc<Experiment>, Refusal> {
        let source = reading.text("data").unwrap_or("@digits");
        if !source.starts_with('@') && !self.tables.contains(source) {
            return refused(format!("`{}` is no table of this lesson", shortened(source)));
        }
        let mut settings = Settings {
            target: reading.text("target").map(str::to_owned),
            loss: reading.read::<Loss>("loss"),
            lr: reading.lr().map_or(LearningRate::Auto, LearningRate::Fixed),
            seed: reading.read("seed").unwrap_or(0),
            epochs: reading.read::<u64>("epochs").unwrap_or(30).min(1_000),
            threads,
            ..Settings::default()
        };
        if reading.is_in_a_plane() {
            settings.validation = Validation::None;
        }
        let columns = reading.text("columns").unwrap_or("").to_owned();
        let key = format!("{source} {columns} {settings:?}");
        let found = |ready: &Vec<(String, Arc<Experiment>)>| {
            ready.iter().find(|(name, _)| *name == key).map(|(_, experiment)| Arc::clone(experiment))
        };
        if let Some(experiment) = found(&self.ready.lock().unwrap_or_else(PoisonError::into_inner)) {
            return Ok(experiment);
        }
        let table = Table::read(source, &settings.read_options())?;
        settings.drop = left_out(&table, &columns, settings.target.as_deref())?;
        let experiment = Arc::new(Experiment::prepare(&table, &settings)?);
        let mut ready = self.ready.lock().unwrap_or_else(PoisonError::into_inner);
        if ready.len() >= MOST_READY {
            ready.remove(0);
        }
        ready.push((key, Arc::clone(&experiment)));
        Ok(experiment)
    }
}

/// The columns that are neither features asked for nor the target.
fn left_out(table: &Table, columns: &str, target: Option<&str>) -> Result<Vec<String>, Refusal> {
    if columns.is_empty() {
        return Ok(Vec::new());
    }
    let wanted: Vec<&str> = columns.split(',').map(str::trim).collect();
    for name in &wanted {
        table.column(name)?;
    }
    let target = target.unwrap_or("target");
    let others = table.columns().iter().map(|column| column.name.clone());
    Ok(others.filter(|name| name != target && !wanted.contains(&name.as_str())).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(name: &str, parameters: &[(&str, &str)]) -> Asked {
        let parameters = parameters.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Asked { name: name.to_owned(), parameters }
    }

    #[test]
    fn what_is_not_said_is_filled_in_and_what_cannot_be_is_refused() {
        let reading = Reading::of(&asked("zig-zag", &[("steps", "7")])).unwrap();
        assert_eq!((reading.read("steps"), reading.text("data")), (Some(7_u64), Some("@diabetes")));
        assert_eq!(reading.batch_sizes().len(), 3);
        for wrong in [
            asked("fly", &[]),
            asked("zig-zag", &[("steps", "0")]),
            asked("zig-zag", &[("wings", "2")]),
            asked("zig-zag", &[("batch-sizes", "2,,")]),
        ] {
            assert!(Reading::of(&wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_page_cannot_have_a_file_read() {
        let stage = Stage::new(Lesson { title: String::new(), steps: Vec::new() });
        let reading = Reading::of(&asked("race", &[("data", "Cargo.toml")])).unwrap();
        let refusal = stage.experiment(&reading, None).err().unwrap();
        assert_eq!(refusal.0, "`Cargo.toml` is no table of this lesson");
    }

    #[test]
    fn the_plane_has_the_columns_it_names_and_holds_no_rows_back() {
        let stage = Stage::new(Lesson { title: String::new(), steps: Vec::new() });
        let reading = Reading::of(&asked("zig-zag", &[("columns", "s1,s2")])).unwrap();
        let experiment = stage.experiment(&reading, Some(1)).unwrap();
        let summary = experiment.summary();
        assert_eq!((summary.n_features, summary.n_train, summary.n_validation), (2, 442, 0));
        assert!(Arc::ptr_eq(&experiment, &stage.experiment(&reading, Some(1)).unwrap()));
    }
}
