//! How does a [`Preprocessing`] turn the rows of a table into features and targets?

use std::collections::BTreeMap;

use crate::data::csv::ColumnKind;
use crate::data::dataset::{Dataset, Features, Matrix};
use crate::data::encode::{Encoding, Input, Preprocessing};
use crate::data::levels::{Code, LevelCodes};
use crate::data::notice::Notice;
use crate::data::table::{MISSING, Table, Values};

use crate::error::{Error, ErrorKind, Result};

impl Preprocessing {
    /// The features of some rows, (`rows.len()`, `n_features`), each rounded to `f32` once.
    ///
    /// Columns are found by name, whatever their order; others are not looked at. A level that training never saw is 0
    /// in all features of its column, and a missing value where training had none is the mean; a notice tells of both.
    ///
    /// # Errors
    /// [`ErrorKind::NoSuchColumn`]; [`ErrorKind::NotANumber`] and [`ErrorKind::NotABoolean`] at the first value of
    /// another kind; [`ErrorKind::NotFinite`] at a value beyond what `f32` holds.
    pub fn features(&self, table: &Table, rows: &[u32]) -> Result<(Matrix, Vec<Notice>)> {
        let n_features = self.n_features();
        let mut matrix = Matrix::zeros(rows.len(), n_features);
        let (mut notices, mut numbers) = (Vec::new(), Vec::new());
        let mut first = 0;
        for Input { name, encoding, .. } in self.inputs() {
            let index = table.column_index(name)?;
            numbers.clear();
            if let Values::Number(column) = &table.columns()[index].values {
                numbers.extend(column.of_rows(rows));
            }
            let values = matrix.values_mut();
            let cells = Cells { table, index, rows, numbers: &numbers, values, first, n_features };
            encoding.write(cells, &mut notices)?;
            first += encoding.width();
        }
        Ok((matrix, notices))
    }

    /// The targets of some rows: numbers, scaled if so learned, or class codes 0.0, 1.0 ….
    ///
    /// # Errors
    /// [`ErrorKind::NoSuchColumn`]; [`ErrorKind::MissingTarget`], [`ErrorKind::UnknownClass`],
    /// [`ErrorKind::TargetNotNumeric`] and [`ErrorKind::NotFinite`] at the first such value.
    pub fn targets(&self, table: &Table, rows: &[u32]) -> Result<Vec<f32>> {
        self.target().encode(table, rows)
    }

    /// Features and targets of some rows.
    ///
    /// # Errors
    /// Those of [`Preprocessing::features`] and [`Preprocessing::targets`].
    pub fn dataset(&self, table: &Table, rows: &[u32]) -> Result<(Dataset, Vec<Notice>)> {
        let targets = self.targets(table, rows)?;
        let (features, notices) = self.features(table, rows)?;
        Ok((Dataset::new(Features::Dense(features), targets)?, notices))
    }

    /// The kinds as which another table's columns are to be read so that they mean the same as in training: for
    /// [`crate::data::ReadOptions::kinds`]. A short table might otherwise take categories for numbers.
    pub fn kinds(&self) -> Vec<(String, ColumnKind)> {
        let kind = |encoding: &Encoding| match encoding {
            Encoding::Number { .. } => Some(ColumnKind::Number),
            Encoding::Category { .. } => Some(ColumnKind::Category),
            Encoding::Boolean { .. } | Encoding::Presence => None,
        };
        self.inputs().iter().filter_map(|input| Some((input.name.clone(), kind(&input.encoding)?))).collect()
    }
}

/// The cells that a column turns into: `rows` of it, written from feature `first` on.
struct Cells<'a> {
    table: &'a Table,
    index: usize,
    rows: &'a [u32],
    /// The numbers of the rows, where the column holds such.
    numbers: &'a [f64],
    values: &'a mut [f32],
    first: usize,
    n_features: usize,
}

impl Cells<'_> {
    fn name(&self) -> String {
        self.table.columns()[self.index].name.clone()
    }

    /// The place of a feature of the i-th row.
    fn at(&mut self, i: usize, feature: usize) -> &mut f32 {
        &mut self.values[i * self.n_features + self.first + feature]
    }

    fn refuse(&self, row: usize, kind: impl Fn(String, String) -> ErrorKind) -> Error {
        let found = self.table.columns()[self.index].values.text(row);
        Error::from(kind(self.name(), found)).at(self.table.place(row, self.index))
    }
}

/// (value − shift) / std, where a missing value is `fill`.
struct Scaling {
    fill: f64,
    shift: f64,
    std: f64,
}

impl Encoding {
    fn write(&self, cells: Cells, notices: &mut Vec<Notice>) -> Result<()> {
        match self {
            Self::Number { mean, std, marks_missing } => {
                // Without scaling, (v − 0) / 1 is v to the last bit.
                let (shift, std) = std.map_or((0.0, 1.0), |std| (*mean, std));
                write_numbers(cells, &Scaling { fill: *mean, shift, std }, *marks_missing, number, notices)
            }
            Self::Boolean { mean, marks_missing } => {
                let scaling = &Scaling { fill: *mean, shift: 0.0, std: 1.0 };
                write_numbers(cells, scaling, *marks_missing, boolean, notices)
            }
            Self::Category { levels, marks_missing } => {
                write_levels(cells, levels, *marks_missing, notices);
                Ok(())
            }
            Self::Presence => {
                write_presence(cells);
                Ok(())
            }
        }
    }
}

/// The value of the i-th row as a number, or none if it is missing.
fn number(cells: &Cells, i: usize) -> Result<Option<f64>> {
    let row = cells.rows[i] as usize;
    match &cells.table.columns()[cells.index].values {
        Values::Number(_) => Ok(Some(cells.numbers[i]).filter(|number| !number.is_nan())),
        values if values.is_missing(row) => Ok(None),
        _ => Err(cells.refuse(row, |name, found| ErrorKind::NotANumber { name, found })),
    }
}

/// The value of the i-th row as 0 or 1, or none if it is missing.
fn boolean(cells: &Cells, i: usize) -> Result<Option<f64>> {
    let row = cells.rows[i] as usize;
    match &cells.table.columns()[cells.index].values {
        Values::Boolean(codes) => Ok((codes[row] != MISSING).then(|| f64::from(codes[row]))),
        values if values.is_missing(row) => Ok(None),
        Values::Number(_) if [0.0, 1.0].contains(&cells.numbers[i]) => Ok(Some(cells.numbers[i])),
        _ => Err(cells.refuse(row, |name, found| ErrorKind::NotABoolean { name, found })),
    }
}

fn write_numbers(
    mut cells: Cells,
    scaling: &Scaling,
    marks_missing: bool,
    value: impl Fn(&Cells, usize) -> Result<Option<f64>>,
    notices: &mut Vec<Notice>,
) -> Result<()> {
    let mut n_missing = 0;
    for (i, &row) in cells.rows.iter().enumerate() {
        let row = row as usize;
        let value = value(&cells, i)?;
        let encoded = ((value.unwrap_or(scaling.fill) - scaling.shift) / scaling.std) as f32;
        if !encoded.is_finite() {
            return Err(cells.refuse(row, |name, found| ErrorKind::NotFinite { name, found }));
        }
        *cells.at(i, 0) = encoded;
        if value.is_none() {
            n_missing += 1;
            if marks_missing {
                *cells.at(i, 1) = 1.0;
            }
        }
    }
    note_missing(&cells, n_missing, marks_missing, notices);
    Ok(())
}

fn write_levels(mut cells: Cells, levels: &[String], marks_missing: bool, notices: &mut Vec<Notice>) {
    let values = &cells.table.columns()[cells.index].values;
    let codes = LevelCodes::new(values, levels);
    let mut n_missing = 0;
    let mut unknown: BTreeMap<String, usize> = BTreeMap::new();
    for (i, &row) in cells.rows.iter().enumerate() {
        match codes.code(row as usize) {
            Code::Known(code) => *cells.at(i, code as usize) = 1.0,
            Code::Unknown => *unknown.entry(values.text(row as usize)).or_default() += 1,
            Code::Missing => {
                n_missing += 1;
                if marks_missing {
                    *cells.at(i, levels.len()) = 1.0;
                }
            }
        }
    }
    note_missing(&cells, n_missing, marks_missing, notices);
    let column = cells.name();
    notices.extend(unknown.into_iter().map(|(level, rows)| Notice::UnknownLevel {
        column: column.clone(),
        level,
        rows,
    }));
}

fn write_presence(mut cells: Cells) {
    let values = &cells.table.columns()[cells.index].values;
    for (i, &row) in cells.rows.iter().enumerate() {
        *cells.at(i, 0) = f32::from(u8::from(values.is_missing(row as usize)));
    }
}

fn note_missing(cells: &Cells, rows: usize, marks_missing: bool, notices: &mut Vec<Notice>) {
    if rows > 0 && !marks_missing {
        notices.push(Notice::MissingUnseen { column: cells.name(), rows });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::csv::ReadOptions;
    use crate::data::encode::EncodeOptions;
    use crate::data::target::Target;

    fn table(text: &str) -> Table {
        Table::from_csv("new.csv", text.as_bytes(), &ReadOptions::default()).unwrap()
    }

    /// `a` is (v − 2) / 1; `c` is u or v; `f` is true or false; `k` is 1 or 2, read as categories.
    fn learned() -> Preprocessing {
        let options = ReadOptions { kinds: vec![("k".to_owned(), ColumnKind::Category)], ..ReadOptions::default() };
        let text = b"a,c,f,k,y\n1,u,true,1,no\n3,v,false,2,yes\n1,u,true,1,no\n3,v,false,2,yes\n";
        let table = Table::from_csv("t.csv", text, &options).unwrap();
        let (target, _) = Target::choose(&table, None, None).unwrap();
        Preprocessing::learn(&table, &target, &[0, 1, 2, 3], &EncodeOptions::default()).unwrap().0
    }

    fn features(text: &str) -> Result<(Matrix, Vec<Notice>)> {
        let table = table(text);
        let rows = table.rows();
        learned().features(&table, &rows)
    }

    fn refusal(text: &str) -> String {
        features(text).unwrap_err().to_string()
    }

    #[test]
    fn columns_are_taken_by_name() {
        let (matrix, notices) = features("k,extra,f,c,a\n2,9,FALSE,u,4\n1,9,true,v,0\n").unwrap();
        assert_eq!(learned().feature_names(), ["a", "c=u", "c=v", "f", "k=1", "k=2"]);
        assert_eq!(matrix.row(0), [2.0, 1.0, 0.0, 0.0, 0.0, 1.0]);
        assert_eq!(matrix.row(1), [-2.0, 0.0, 1.0, 1.0, 1.0, 0.0]);
        assert!(notices.is_empty());
    }

    #[test]
    fn what_training_never_saw_is_told() {
        let (matrix, notices) = features("a,c,f,k\n,w,1,3\n2,,,1.0\n2,w,0,1\n").unwrap();
        assert_eq!(matrix.row(0), [0.0, 0.0, 0.0, 1.0, 0.0, 0.0]);
        assert_eq!(matrix.row(1), [0.0, 0.0, 0.0, 0.5, 1.0, 0.0]);
        let unknown = |column: &str, level: &str, rows| {
            let (column, level) = (column.to_owned(), level.to_owned());
            Notice::UnknownLevel { column, level, rows }
        };
        let missing = |column: &str| Notice::MissingUnseen { column: column.to_owned(), rows: 1 };
        assert_eq!(notices, [missing("a"), missing("c"), unknown("c", "w", 2), missing("f"), unknown("k", "3", 1)]);
    }

    #[test]
    fn columns_missing_or_of_another_kind_are_refused() {
        assert_eq!(
            refusal("a,cc,f,k\n1,u,true,1\n"),
            "new.csv: expected a column `c`, found none of that name; the nearest are `cc`"
        );
        assert_eq!(
            refusal("a,c,f,k\n,u,true,1\nlow,u,true,1\n"),
            "new.csv:3:1: expected a number in column `a`, found `low`"
        );
        assert_eq!(
            refusal("a,c,f,k\n1,u,yes,1\n"),
            "new.csv:2:3: expected `true` or `false` in column `f`, found `yes`"
        );
        assert_eq!(refusal("a,c,f,k\n1,u,2,1\n"), "new.csv:2:3: expected `true` or `false` in column `f`, found `2`");
    }

    #[test]
    fn targets_are_found_by_name_and_checked() {
        let refusal = |text: &str| learned().targets(&table(text), &[0, 1]).unwrap_err().to_string();
        assert_eq!(learned().targets(&table("y,a\nyes,1\nno,1\n"), &[0, 1]).unwrap(), [1.0, 0.0]);
        assert_eq!(
            refusal("y,a\nyes,1\nmaybe,1\n"),
            "new.csv:3:1: expected a class seen in training in the target `y`, found `maybe`; training has `no`, `yes`"
        );
        assert_eq!(refusal("y,a\nyes,1\n,1\n"), "new.csv:3:1: expected a value in the target `y`, found none");
    }

    #[test]
    fn a_short_table_is_read_as_the_long_one_was() {
        let kinds = learned().kinds();
        let (number, category) = (ColumnKind::Number, ColumnKind::Category);
        assert_eq!(kinds, [("a".to_owned(), number), ("c".to_owned(), category), ("k".to_owned(), category)]);
        let options = ReadOptions { kinds, ..ReadOptions::default() };
        let error = Table::from_csv("new.csv", b"a,c,f,k\nlow,7,true,1\n", &options).unwrap_err();
        assert_eq!(error.to_string(), "new.csv:2:1: expected a number in column `a`, found `low`");
    }
}
