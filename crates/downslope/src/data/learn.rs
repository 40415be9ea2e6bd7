//! What do the training rows teach a [`Preprocessing`]?

use crate::data::choose::{Chosen, MAX_LEVELS_ASKED, choose, product};
use crate::data::csv::ColumnKind;
use crate::data::encode::{EncodeOptions, Encoding, Input, MAX_LEVELS, Preprocessing, Scale};
use crate::data::missing::StandIn;
use crate::data::moments::Moments;
use crate::data::notice::Notice;
use crate::data::numbers::Numbers;
use crate::data::pair::pair;
use crate::data::table::{Column, Table, Values, shortest};
use crate::data::tally::{Levels, Tally};
use crate::data::target::{self, Target, TargetEncoding, TaskKind};
use crate::data::threads;
use crate::error::{Error, ErrorKind, Place, Problem, Result};

impl Preprocessing {
    /// Learns from the training rows how each column becomes features, and the target a number.
    ///
    /// # Errors
    /// Those of [`Learner::add`] and [`Learner::finish`]. Threads are told of there too.
    pub fn learn(
        table: &Table,
        target: &Target,
        train_rows: &[u32],
        options: &EncodeOptions,
    ) -> Result<(Self, Vec<Notice>)> {
        let mut learner = Learner::new(&target.name, options);
        learner.add(table, train_rows)?;
        learner.finish(target)
    }
}

/// Learns a [`Preprocessing`] from a table that goes by in parts.
///
/// ```
/// use downslope::data::{EncodeOptions, Learner, Preprocessing, ReadOptions, Table, TargetSurvey};
///
/// let part = |text: &str| Table::from_csv("part.csv", text.as_bytes(), &ReadOptions::default());
/// let (first, second) = (part("depth,cut,price\n2,Good,9.5\n4,Fair,7.5\n")?, part("depth,cut,price\n3,Poor,9.0\n")?);
/// let (mut learner, mut survey) =
///     (Learner::new("price", &EncodeOptions::default()), TargetSurvey::begin(&first, Some("price"))?);
/// for part in [&first, &second] {
///     survey.add(part)?;
///     learner.add(part, &part.rows())?;
/// }
/// let (target, _) = survey.finish(None)?;
/// let (preprocessing, _) = learner.finish(&target)?;
/// assert_eq!(preprocessing.feature_names(), ["depth", "cut=Fair", "cut=Good", "cut=Poor"]);
/// # Ok::<(), downslope::Error>(())
/// ```
///
/// **Memory** does not grow with the rows, only with the different texts of a column, and with those up to a limit.
#[derive(Clone, Debug)]
pub struct Learner {
    target: String,
    options: EncodeOptions,
    source: String,
    /// Whether rows are pairs of a name and a number, of which no word stands for a missing value.
    is_of_pairs: bool,
    n_rows: usize,
    of_target: Moments,
    stand_in_of_target: StandIn,
    columns: Vec<Counted>,
    crosses: Vec<Crossed>,
}

/// A column, and what was counted of it.
#[derive(Clone, Debug)]
pub(super) struct Counted {
    pub(super) name: String,
    /// What it was asked to be.
    pub(super) asked: Option<ColumnKind>,
    pub(super) n_missing: usize,
    pub(super) tally: Tally,
    /// Of numbers.
    pub(super) stand_in: StandIn,
    /// What messages call its values.
    kind: &'static str,
    /// Whether it is a feature by itself, and not only part of a cross.
    is_feature: bool,
}

/// Two columns whose products are features, and the texts of both as one, if texts are in both.
#[derive(Clone, Debug)]
struct Crossed {
    columns: [String; 2],
    pairs: Option<Counted>,
}

impl Learner {
    /// Nothing learned yet; the target's column by its name.
    pub fn new(target: &str, options: &EncodeOptions) -> Self {
        Self {
            target: target.to_owned(),
            options: options.clone(),
            source: String::new(),
            is_of_pairs: false,
            n_rows: 0,
            of_target: Moments::default(),
            stand_in_of_target: StandIn::default(),
            columns: Vec::new(),
            crosses: Vec::new(),
        }
    }

    /// Learns from some rows of a part, which has the columns of the first part, of the same kinds; the levels of its
    /// categories may be others.
    ///
    /// # Errors
    /// [`ErrorKind::NoSuchColumn`] if a column named by the options is not there, [`ErrorKind::TargetDropped`],
    /// [`ErrorKind::Settings`] for a cross of what cannot be crossed, or if the target is to be the weight,
    /// [`ErrorKind::MissingTarget`], [`ErrorKind::NotFinite`] if numbers are so large that their mean or spread overflows,
    /// [`ErrorKind::KindsDiffer`] if a column is not as in the first part.
    ///
    /// # Threads
    /// Within [`rayon::ThreadPool::install`] those of the pool share the columns. They change no bit and no error; what
    /// a learner that has refused rows has counted of them is open.
    pub fn add(&mut self, table: &Table, rows: &[u32]) -> Result<()> {
        if self.source.is_empty() {
            table.source().clone_into(&mut self.source);
            self.is_of_pairs = table.is_of_pairs();
            self.begin(table).map_err(|error| error.in_source(table.source()))?;
        }
        self.n_rows += rows.len();
        if let Values::Number(_) = table.column(&self.target)?.values {
            let numbers = target::numbers(&self.target, table, rows)?;
            let below = Moments::of(&numbers.iter().copied(), LEAST_POWER);
            self.stand_in_of_target.join(StandIn::among(numbers.iter().copied(), below.max_abs()));
            join(&mut self.of_target, below, table, &self.target)?;
        }
        let highest = LEAST_POWER * self.options.polynomial.cast_signed();
        let add = |(): &mut (), counted: &mut Counted| counted.add(table, rows, highest);
        threads::for_each(self.columns.iter_mut(), || (), add)?;
        for Crossed { columns: [left, right], pairs } in &mut self.crosses {
            let Some(Counted { n_missing, tally: Tally::Category(counted), .. }) = pairs else { continue };
            let values = pair(&table.column(left)?.values, &table.column(right)?.values, rows);
            if let Values::Category { levels, codes } = &values {
                counted.add(levels, codes.iter().copied());
            }
            *n_missing += (0..rows.len()).filter(|&row| values.is_missing(row)).count();
        }
        Ok(())
    }

    /// Sees which columns there are.
    fn begin(&mut self, table: &Table) -> Result<()> {
        let EncodeOptions { drop, only, cross, weight, kinds, .. } = &self.options;
        let target = &self.target;
        for name in drop.iter().chain(only).chain(weight) {
            table.column_index(name)?;
        }
        if drop.contains(target) {
            return Err(ErrorKind::TargetDropped { name: target.clone() }.into());
        }
        if weight.as_ref() == Some(target) {
            let problem = Problem::new("weight", "another column than the target", target);
            return Err(ErrorKind::Settings(vec![problem]).into());
        }
        let is_feature = |name: &String| {
            name != target
                && weight.as_ref() != Some(name)
                && !drop.contains(name)
                && (only.is_empty() || only.contains(name))
        };
        let is_crossed = |name: &String| cross.iter().any(|(left, right)| left == name || right == name);
        for column in table.columns() {
            let is_feature = is_feature(&column.name);
            if is_feature || is_crossed(&column.name) {
                let asked = kinds.iter().rev().find(|(name, _)| *name == column.name).map(|(_, kind)| *kind);
                self.columns.push(Counted::new(column, asked, is_feature));
            }
        }
        for (left, right) in cross {
            let (of_left, of_right) = (table.column(left)?, table.column(right)?);
            let can_be_crossed = |column: &Column| {
                column.name != *target && !matches!(column.values, Values::Time(_) | Values::Sparse(_))
            };
            if left == right || !can_be_crossed(of_left) || !can_be_crossed(of_right) {
                let expected = "two different columns of numbers, booleans or texts besides the target";
                let problem = Problem::new("cross", expected, format_args!("{left}*{right}"));
                return Err(ErrorKind::Settings(vec![problem]).into());
            }
            let texts = |column: &Column| matches!(column.values, Values::Category { .. });
            let pairs = (texts(of_left) && texts(of_right)).then(|| Counted {
                name: format!("{left}*{right}"),
                asked: None,
                n_missing: 0,
                tally: Tally::Category(Levels::new(MAX_LEVELS)),
                stand_in: StandIn::default(),
                kind: of_left.values.kind(),
                is_feature: true,
            });
            self.crosses.push(Crossed { columns: [left.clone(), right.clone()], pairs });
        }
        Ok(())
    }

    /// What was learned, and what should be said about it.
    ///
    /// # Errors
    /// [`ErrorKind::TooFewRows`] without training rows, or with a single one to be scaled by;
    /// [`ErrorKind::TooManyCategories`] with more than 100000 levels in a column that was asked to be categories;
    /// [`ErrorKind::NoFeatures`] if nothing is left.
    pub fn finish(self, target: &Target) -> Result<(Preprocessing, Vec<Notice>)> {
        // Of a single row no column could be said to change.
        let needed = if self.options.scale == Scale::None { 1 } else { 2 };
        let refuse = |kind: ErrorKind| Error::from(kind).in_source(&self.source);
        if self.n_rows < needed {
            return Err(refuse(ErrorKind::TooFewRows { needed, found: self.n_rows }));
        }
        let mut notices = Vec::new();
        let target = target_encoding(target, &self.of_target, self.options.scale_target, &mut notices);
        if let TargetEncoding::Regression { name, .. } = &target {
            notices.extend(self.stand_in_of_target.notice(name, true));
        }
        let mut inputs = Vec::new();
        let mut factors = Vec::new();
        for counted in self.columns {
            let (name, is_feature) = (counted.name.clone(), counted.is_feature);
            let mut told = Vec::new();
            let chosen = choose(counted, self.n_rows, &self.options, &mut told).map_err(refuse)?;
            if !self.crosses.is_empty() {
                factors.push((name.clone(), chosen.as_ref().map(|chosen| chosen.encoding.clone())));
            }
            if is_feature {
                inputs.extend(chosen.map(|Chosen { encoding, becomes }| Input { name, becomes, encoding }));
                notices.extend(told);
            }
        }
        for Crossed { columns, pairs } in self.crosses {
            let name = columns.join("*");
            let encoding = match pairs {
                Some(pairs) => choose(pairs, self.n_rows, &self.options, &mut notices)
                    .map_err(refuse)?
                    .map(|Chosen { encoding, .. }| Encoding::Pair { columns, encoding: Box::new(encoding) })
                    .filter(
                        |pair| !matches!(pair, Encoding::Pair { encoding, .. } if **encoding == Encoding::Presence),
                    ),
                None => product(&columns, &factors, &mut notices),
            };
            inputs.extend(encoding.map(|encoding| Input { becomes: encoding.feature_names(&name), name, encoding }));
        }
        if inputs.is_empty() {
            return Err(refuse(ErrorKind::NoFeatures));
        }
        if self.is_of_pairs {
            notices.retain(|notice| !matches!(notice, Notice::StandIn { .. }));
        }
        Ok((Preprocessing { inputs, target }, notices))
    }
}

/// Mean and spread take squares of deviations.
const LEAST_POWER: i32 = 2;

/// Joins the moments of a part's numbers to those of the parts before.
fn join(moments: &mut Moments, below: Moments, table: &Table, name: &str) -> Result<()> {
    moments.join(below);
    if moments.are_finite() { Ok(()) } else { Err(overflow(table, name)) }
}

fn target_encoding(target: &Target, moments: &Moments, is_scaled: bool, notices: &mut Vec<Notice>) -> TargetEncoding {
    let name = target.name.clone();
    if target.task == TaskKind::Classification {
        return TargetEncoding::Classification { name, classes: target.classes.clone() };
    }
    if moments.is_constant() {
        let value = moments.first();
        notices.push(Notice::ConstantTarget { column: name.clone(), value });
        return TargetEncoding::Regression { name, mean: if is_scaled { value } else { 0.0 }, std: 1.0 };
    }
    let (mean, std) = if is_scaled { (moments.mean(), moments.std()) } else { (0.0, 1.0) };
    TargetEncoding::Regression { name, mean, std }
}

impl Counted {
    fn new(column: &Column, asked: Option<ColumnKind>, is_feature: bool) -> Self {
        let max_levels = if asked == Some(ColumnKind::Category) { MAX_LEVELS_ASKED } else { MAX_LEVELS };
        let (name, kind) = (column.name.clone(), column.values.kind());
        let (tally, stand_in) = (Tally::of(&column.values, max_levels), StandIn::default());
        Self { name, asked, n_missing: 0, tally, stand_in, kind, is_feature }
    }

    fn add(&mut self, table: &Table, rows: &[u32], highest: i32) -> Result<()> {
        let values = &table.column(&self.name)?.values;
        match (&mut self.tally, values) {
            (Tally::Number(moments), Values::Number(numbers)) => {
                let below = Moments::of(&present(numbers, rows), highest);
                self.n_missing += rows.len() - below.n();
                self.stand_in.join(StandIn::among(present(numbers, rows), below.max_abs()));
                return join(moments, below, table, &self.name);
            }
            (Tally::Time(times), Values::Time(seconds)) => times.add(&present(seconds, rows)),
            (Tally::Boolean { n_false, n_true }, Values::Boolean(codes)) => {
                *n_false += rows.iter().filter(|&&row| codes[row as usize] == 0).count();
                *n_true += rows.iter().filter(|&&row| codes[row as usize] == 1).count();
            }
            (Tally::Category(counted), Values::Category { levels, codes }) => {
                counted.add(levels, rows.iter().map(|&row| codes[row as usize]));
            }
            (Tally::Sparse(names), Values::Sparse(sparse)) => names.add(sparse, rows),
            _ => {
                let (name, expected, found) = (self.name.clone(), self.kind, values.kind());
                let kind = ErrorKind::KindsDiffer { name, expected, found };
                return Err(Error::from(kind).at(Place::source(table.source())));
            }
        }
        self.n_missing += rows.iter().filter(|&&row| values.is_missing(row as usize)).count();
        Ok(())
    }
}

/// The numbers of those rows that have one.
fn present<'a>(numbers: &'a Numbers, rows: &'a [u32]) -> impl Iterator<Item = f64> + Clone + 'a {
    numbers.of_rows(rows).filter(|number| !number.is_nan())
}

/// The error for a column whose numbers are too large for their moments, at the largest.
fn overflow(table: &Table, name: &str) -> Error {
    let mut largest = (0, 0.0_f64);
    let Ok(index) = table.column_index(name) else { return ErrorKind::NoFeatures.into() };
    if let Values::Number(numbers) = &table.columns()[index].values {
        for (row, number) in numbers.iter().enumerate() {
            if number.abs() > largest.1.abs() {
                largest = (row, number);
            }
        }
    }
    let kind = ErrorKind::NotFinite { name: name.to_owned(), found: shortest(largest.1) };
    Error::from(kind).at(table.place(largest.0, index))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::csv::ReadOptions;
    use crate::data::dataset::{Features, Matrix};

    fn table(text: &str) -> Table {
        Table::from_csv("t.csv", text.as_bytes(), &ReadOptions::default()).unwrap()
    }

    fn learn(table: &Table, options: &EncodeOptions) -> Result<(Preprocessing, Vec<Notice>)> {
        let (target, _) = Target::choose(table, None, None)?;
        let rows = table.rows();
        Preprocessing::learn(table, &target, &rows, options)
    }

    fn dense(preprocessing: &Preprocessing, table: &Table, rows: &[u32]) -> Matrix {
        let (features, notices) = preprocessing.features(table, rows).unwrap();
        let Features::Dense(matrix) = features else { panic!("dense: {notices:?}") };
        matrix
    }

    fn words(notices: &[Notice]) -> Vec<String> {
        notices.iter().map(ToString::to_string).collect()
    }

    fn unscaled() -> EncodeOptions {
        EncodeOptions { scale: Scale::None, ..EncodeOptions::default() }
    }

    #[test]
    fn a_tiny_table_is_encoded_as_by_hand() {
        // depth: filled with 4 it is 2, 6, 4, 4: mean 4, variance 2.
        let text = "depth,wet,cut,y\n2,true,Good,u\n6,false,Fair,v\n,true,,u\n4,,Good,v\n";
        let table = table(text);
        let (preprocessing, notices) = learn(&table, &EncodeOptions::default()).unwrap();
        assert_eq!(
            preprocessing.feature_names(),
            ["depth", "depth is missing", "wet", "wet is missing", "cut=Fair", "cut=Good", "cut=(missing)"]
        );
        let (dataset, seen) = preprocessing.dataset(&table, &[0, 1, 2, 3]).unwrap();
        let Features::Dense(matrix) = &dataset.features else { panic!("dense") };
        let root = std::f32::consts::SQRT_2;
        let share = (2.0_f64 / 3.0) as f32;
        assert_eq!(matrix.row(0), [-root, 0.0, 1.0, 0.0, 0.0, 1.0, 0.0]);
        assert_eq!(matrix.row(1), [root, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0]);
        assert_eq!(matrix.row(2), [0.0, 1.0, 1.0, 0.0, 0.0, 0.0, 1.0]);
        assert_eq!(matrix.row(3), [0.0, 0.0, share, 1.0, 0.0, 1.0, 0.0]);
        assert_eq!(dataset.targets, [0.0, 1.0, 0.0, 1.0]);
        assert!(seen.is_empty());
        assert_eq!(notices.len(), 2, "depth and wet were filled");
    }

    #[test]
    fn nothing_is_learned_from_rows_held_out() {
        let table = table("a,c,y\n1,u,1.5\n3,v,2.5\n1000,w,9.5\n");
        let (target, _) = Target::choose(&table, None, None).unwrap();
        let options = EncodeOptions { scale_target: true, ..EncodeOptions::default() };
        let (preprocessing, _) = Preprocessing::learn(&table, &target, &[0, 1], &options).unwrap();
        assert_eq!(preprocessing.feature_names(), ["a", "c=u", "c=v"]);
        let notices = preprocessing.features(&table, &[2]).unwrap().1;
        assert_eq!(dense(&preprocessing, &table, &[2]).row(0), [998.0, 0.0, 0.0]);
        assert_eq!(notices, [Notice::UnknownLevel { column: "c".into(), level: "w".into(), rows: 1 }]);
        assert_eq!(preprocessing.targets(&table, &[0, 1, 2]).unwrap(), [-1.0, 1.0, 15.0]);
        assert!((preprocessing.target().decode(15.0) - 9.5).abs() < 1e-12);
    }

    #[test]
    fn columns_that_never_change_are_left_out_only_when_scaling() {
        let text = "a,one,flag,empty,some,half,y\n1,5,true,,x,7,u\n2,5,true,,,,v\n3,5,true,,x,7,u\n4,5,true,,x,7,v\n";
        let table = table(text);
        let (preprocessing, notices) = learn(&table, &EncodeOptions::default()).unwrap();
        assert_eq!(preprocessing.feature_names(), ["a", "some=x", "some=(missing)", "half is missing"]);
        assert_eq!(
            words(&notices),
            [
                "column `one` is left out: every training row has `5`",
                "column `flag` is left out: every training row has `true`",
                "column `empty` is left out: no training row has a value",
            ]
        );
        let matrix = dense(&preprocessing, &table, &[1]);
        assert_eq!(matrix.row(0)[1..], [0.0, 1.0, 1.0]);

        let (preprocessing, _) = learn(&table, &unscaled()).unwrap();
        let matrix = dense(&preprocessing, &table, &[1]);
        assert_eq!(preprocessing.feature_names()[..3], ["a", "one", "flag"]);
        assert_eq!(matrix.row(0), [2.0, 5.0, 1.0, 0.0, 1.0, 7.0, 1.0]);
    }

    #[test]
    fn a_table_in_parts_teaches_what_it_teaches_whole() {
        let text =
            "depth,wet,cut,one,y\n2,true,Good,5,1\n6,false,Fair,5,2\n,true,,5,4\n7,,Poor,5,8\n5,true,Good,5,16\n";
        let whole = table(text);
        let target = Target { name: "y".to_owned(), task: TaskKind::Regression, classes: Vec::new() };
        let options = EncodeOptions { scale_target: true, ..EncodeOptions::default() };
        let (expected, notices) = Preprocessing::learn(&whole, &target, &whole.rows(), &options).unwrap();
        let mut learner = Learner::new(&target.name, &options);
        let lines: Vec<&str> = text.lines().collect();
        for part in [&lines[1..3], &lines[3..]] {
            let part = table(&format!("{}\n{}\n", lines[0], part.join("\n")));
            learner.add(&part, &part.rows()).unwrap();
            learner.add(&part, &[]).unwrap();
        }
        let (found, told) = learner.finish(&target).unwrap();
        assert_eq!(found.feature_names(), expected.feature_names());
        assert_eq!(told.last(), notices.last());
        let (found, expected) = (dense(&found, &whole, &whole.rows()), dense(&expected, &whole, &whole.rows()));
        for (found, expected) in found.values().iter().zip(expected.values()) {
            assert!((found - expected).abs() < 1e-6, "{found} and {expected}");
        }
    }

    #[test]
    fn parts_of_another_kind_are_refused() {
        let target = Target { name: "y".to_owned(), task: TaskKind::Regression, classes: Vec::new() };
        let mut learner = Learner::new(&target.name, &EncodeOptions::default());
        learner.add(&table("a,y\n1,1\n2,2\n"), &[0, 1]).unwrap();
        let error = learner.add(&table("a,y\nu,1\nv,2\n"), &[0, 1]).unwrap_err();
        assert_eq!(error.to_string(), "t.csv: expected numbers in column `a` as in the files before it, found texts");
    }

    #[test]
    fn numbers_too_large_to_average_are_named() {
        let error = learn(&table("a,y\n1,u\n-1e308,v\n1e308,u\n1.5e308,v\n"), &EncodeOptions::default()).unwrap_err();
        assert_eq!(error.to_string(), "t.csv:5:1: expected a finite number in column `a`, found `1.5e308`");
        let error = learn(&table("a,y\n1,u\n1e39,v\n1,u\n1,v\n"), &unscaled())
            .map(|(preprocessing, _)| preprocessing.features(&table("a\n1e39\n"), &[0]).unwrap_err().to_string());
        assert_eq!(error.unwrap(), "t.csv:2:1: expected a finite number in column `a`, found `1e39`");
    }
}
