//! What do the training rows teach a [`Preprocessing`]?

use crate::data::encode::{EncodeOptions, Encoding, Input, Preprocessing, Scale};
use crate::data::notice::Notice;
use crate::data::table::{Table, Values, shortest};
use crate::data::target::{self, Target, TargetEncoding, TaskKind};
use crate::error::{Error, ErrorKind, Place, Result};

/// More levels than this are no categories in any table.
const MAX_LEVELS: usize = 1000;
/// More than this are none either if they are more than a quarter of the rows.
const MAX_LEVELS_IN_A_SMALL_TABLE: usize = 50;

impl Preprocessing {
    /// Learns from the training rows how each column becomes features, and the target a number.
    ///
    /// # Errors
    /// [`ErrorKind::NoSuchColumn`] if a column to drop is not there, [`ErrorKind::TargetDropped`],
    /// [`ErrorKind::TooManyCategories`] with more than 1000 levels, or more than 50 that are also more than a quarter of
    /// the training rows, [`ErrorKind::NoFeatures`] if nothing is left, [`ErrorKind::NotFinite`] if numbers are so large
    /// that their mean or spread overflows, [`ErrorKind::TooFewRows`] without training rows, or with a single one to be scaled by.
    pub fn learn(
        table: &Table,
        target: &Target,
        train_rows: &[u32],
        options: &EncodeOptions,
    ) -> Result<(Self, Vec<Notice>)> {
        // Of a single row no column could be said to change.
        let needed = if options.scale == Scale::Standard { 2 } else { 1 };
        if train_rows.len() < needed {
            return Err(
                Error::from(ErrorKind::TooFewRows { needed, found: train_rows.len() }).in_source(table.source())
            );
        }
        for name in &options.drop {
            table.column_index(name)?;
            if *name == target.name {
                return Err(Error::from(ErrorKind::TargetDropped { name: name.clone() }).in_source(table.source()));
            }
        }
        let mut notices = Vec::new();
        let target_encoding = learn_target(table, target, train_rows, options, &mut notices)?;
        let mut inputs = Vec::new();
        for (index, column) in table.columns().iter().enumerate() {
            if column.name == target.name || options.drop.contains(&column.name) {
                continue;
            }
            if let Some(encoding) = learn_column(table, index, train_rows, options.scale, &mut notices)? {
                let name = column.name.clone();
                inputs.push(Input { becomes: encoding.feature_names(&name), name, encoding });
            }
        }
        if inputs.is_empty() {
            return Err(Error::from(ErrorKind::NoFeatures).in_source(table.source()));
        }
        Ok((Self { inputs, target: target_encoding }, notices))
    }
}

fn learn_target(
    table: &Table,
    target: &Target,
    train_rows: &[u32],
    options: &EncodeOptions,
    notices: &mut Vec<Notice>,
) -> Result<TargetEncoding> {
    let name = target.name.clone();
    if target.task == TaskKind::Classification {
        return Ok(TargetEncoding::Classification { name, classes: target.classes.clone() });
    }
    let numbers = target::numbers(&name, table, train_rows)?;
    let (mean, std) = moments(&numbers).ok_or_else(|| overflow(table, &name))?;
    if is_constant(&numbers) || std <= 0.0 {
        notices.push(Notice::ConstantTarget { column: name.clone(), value: numbers[0] });
        return Ok(TargetEncoding::Regression {
            name,
            mean: if options.scale_target { numbers[0] } else { 0.0 },
            std: 1.0,
        });
    }
    let (mean, std) = if options.scale_target { (mean, std) } else { (0.0, 1.0) };
    Ok(TargetEncoding::Regression { name, mean, std })
}

/// What becomes of a column; nothing if it is left out.
fn learn_column(
    table: &Table,
    index: usize,
    train_rows: &[u32],
    scale: Scale,
    notices: &mut Vec<Notice>,
) -> Result<Option<Encoding>> {
    let column = &table.columns()[index];
    let name = &column.name;
    let rows = || train_rows.iter().map(|&row| row as usize);
    let numbers: Vec<f64> = match &column.values {
        Values::Number(numbers) => numbers.of_rows(train_rows).filter(|number| !number.is_nan()).collect(),
        _ => Vec::new(),
    };
    let n_missing = match &column.values {
        Values::Number(_) => train_rows.len() - numbers.len(),
        values => rows().filter(|&row| values.is_missing(row)).count(),
    };
    if n_missing == train_rows.len() {
        notices.push(Notice::EmptyColumn { column: name.clone() });
        return Ok(None);
    }
    let marks_missing = n_missing > 0;
    let (encoding, is_constant) = match &column.values {
        Values::Number(_) => {
            let (mean, mut std) = moments(&numbers).ok_or_else(|| overflow(table, name))?;
            // Filling with the mean keeps the mean, and shrinks the variance by the share of values that were there.
            std *= (numbers.len() as f64 / train_rows.len() as f64).sqrt();
            let constant = is_constant(&numbers) || std <= 0.0;
            let mean = if constant { numbers[0] } else { mean };
            let std = (scale == Scale::Standard).then_some(std);
            (Encoding::Number { mean, std, marks_missing }, constant)
        }
        Values::Time(_) | Values::Sparse(_) => return Ok(None),
        Values::Boolean(codes) => {
            let n_true = rows().filter(|&row| codes[row] == 1).count();
            let n_values = train_rows.len() - n_missing;
            let mean = n_true as f64 / n_values as f64;
            (Encoding::Boolean { mean, marks_missing }, n_true == 0 || n_true == n_values)
        }
        Values::Category { levels, codes } => {
            let mut seen = vec![false; levels.len()];
            rows().filter(|&row| !column.values.is_missing(row)).for_each(|row| seen[codes[row] as usize] = true);
            let levels: Vec<String> =
                levels.iter().zip(seen).filter(|(_, seen)| *seen).map(|(level, _)| level.clone()).collect();
            let (n_categories, n_rows) = (levels.len(), train_rows.len());
            if n_categories > MAX_LEVELS || (n_categories > MAX_LEVELS_IN_A_SMALL_TABLE && 4 * n_categories > n_rows) {
                let kind = ErrorKind::TooManyCategories { name: name.clone(), n_categories, n_rows };
                return Err(Error::from(kind).at(Place::source(table.source())));
            }
            let constant = n_categories == 1 && !marks_missing;
            (Encoding::Category { levels, marks_missing }, constant)
        }
    };
    if is_constant && scale == Scale::Standard {
        if marks_missing {
            return Ok(Some(Encoding::Presence));
        }
        let value = column.values.text(train_rows[0] as usize);
        notices.push(Notice::ConstantColumn { column: name.clone(), value });
        return Ok(None);
    }
    if let (Encoding::Number { mean: fill, .. } | Encoding::Boolean { mean: fill, .. }, true) =
        (&encoding, marks_missing)
    {
        notices.push(Notice::MissingFilled { column: name.clone(), rows: n_missing, fill: *fill });
    }
    Ok(Some(encoding))
}

fn is_constant(numbers: &[f64]) -> bool {
    numbers.iter().all(|number| number.to_bits() == numbers[0].to_bits())
}

/// Mean and standard deviation of the population; none where they overflow.
///
/// Two passes: the one-pass formula loses all digits where the spread is small beside the mean.
fn moments(numbers: &[f64]) -> Option<(f64, f64)> {
    let n = numbers.len() as f64;
    let mean = numbers.iter().sum::<f64>() / n;
    let std = (numbers.iter().map(|number| (number - mean).powi(2)).sum::<f64>() / n).sqrt();
    (mean.is_finite() && std.is_finite()).then_some((mean, std))
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

    fn table(text: &str) -> Table {
        Table::from_csv("t.csv", text.as_bytes(), &ReadOptions::default()).unwrap()
    }

    fn learn(table: &Table, options: &EncodeOptions) -> Result<(Preprocessing, Vec<Notice>)> {
        let (target, _) = Target::choose(table, None, None)?;
        let rows = table.rows();
        Preprocessing::learn(table, &target, &rows, options)
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
        let crate::data::Features::Dense(matrix) = &dataset.features else { panic!("dense") };
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
        let (matrix, notices) = preprocessing.features(&table, &[2]).unwrap();
        assert_eq!(matrix.row(0), [998.0, 0.0, 0.0]);
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
        let words: Vec<String> = notices.iter().map(ToString::to_string).collect();
        assert_eq!(
            words,
            [
                "column `one` is left out: every training row has `5`",
                "column `flag` is left out: every training row has `true`",
                "column `empty` is left out: no training row has a value",
            ]
        );
        let (matrix, _) = preprocessing.features(&table, &[1]).unwrap();
        assert_eq!(matrix.row(0)[1..], [0.0, 1.0, 1.0]);

        let (preprocessing, _) = learn(&table, &unscaled()).unwrap();
        let (matrix, _) = preprocessing.features(&table, &[1]).unwrap();
        assert_eq!(preprocessing.feature_names()[..3], ["a", "one", "flag"]);
        assert_eq!(matrix.row(0), [2.0, 5.0, 1.0, 0.0, 1.0, 7.0, 1.0]);
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
