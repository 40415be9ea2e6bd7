//! What does a table hold, and where did each value stand?
//!
//! Named columns of numbers, booleans or categories, with values missing here and there. How text becomes a table is
//! told in [`crate::data::csv`]; what a column means to a model, in [`crate::data::encode`].

use std::collections::HashMap;
use std::io;
use std::sync::Arc;

use ::csv::{QuoteStyle, WriterBuilder};

use crate::data::builtin;
use crate::data::csv::{self, ColumnKind, ReadOptions};
use crate::data::files::TableSource;
use crate::data::format::Format;
use crate::data::lines::Lines;
use crate::data::notice::Notice;
use crate::data::numbers::Numbers;
use crate::data::source::Source;
use crate::data::sparse::{MOST_PLAIN_COLUMNS, SparseRows};
use crate::data::times;
use crate::error::{Error, ErrorKind, Place, Result};

/// The code of a missing boolean or category.
pub const MISSING: u32 = u32::MAX;

/// The values of one column, a row each.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    /// Finite numbers; NaN where the value is missing.
    Number(Numbers),
    /// 0 (false), 1 (true) or [`MISSING`].
    Boolean(Vec<u32>),
    /// Texts out of a set.
    Category {
        /// The different texts, sorted, each once.
        levels: Vec<String>,
        /// For each row the place of its text in `levels`, or [`MISSING`].
        codes: Vec<u32>,
    },
    /// Points in time: seconds since 1970-01-01 00:00 UTC, or on a clock without a zone; NaN where missing.
    Time(Numbers),
    /// Numbers under many names, of which a row has few.
    Sparse(SparseRows),
}

impl Values {
    /// Categories from one text a row; none where the value is missing.
    pub fn categories<'a>(texts: impl IntoIterator<Item = Option<&'a str>>) -> Self {
        let mut first_codes = HashMap::new();
        let mut codes = Vec::new();
        for text in texts {
            let next = first_codes.len() as u32;
            codes.push(text.map_or(MISSING, |text| *first_codes.entry(text.to_owned()).or_insert(next)));
        }
        Self::from_codes_in_order_of_appearance(first_codes, codes)
    }

    /// Renumbers codes given in order of appearance by the sorted order of their texts.
    pub(crate) fn from_codes_in_order_of_appearance(first_codes: HashMap<String, u32>, mut codes: Vec<u32>) -> Self {
        let mut sorted: Vec<(String, u32)> = first_codes.into_iter().collect();
        sorted.sort_unstable();
        let mut renumbered = vec![0; sorted.len()];
        for (code, (_, first_code)) in sorted.iter().enumerate() {
            renumbered[*first_code as usize] = code as u32;
        }
        for code in codes.iter_mut().filter(|code| **code != MISSING) {
            *code = renumbered[*code as usize];
        }
        Self::Category { levels: sorted.into_iter().map(|(level, _)| level).collect(), codes }
    }

    /// The number of rows.
    pub fn len(&self) -> usize {
        match self {
            Self::Number(numbers) | Self::Time(numbers) => numbers.len(),
            Self::Sparse(rows) => rows.len(),
            Self::Boolean(codes) | Self::Category { codes, .. } => codes.len(),
        }
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether the value of a row is missing.
    pub fn is_missing(&self, row: usize) -> bool {
        match self {
            Self::Number(numbers) | Self::Time(numbers) => numbers.get(row).is_nan(),
            Self::Sparse(_) => false,
            Self::Boolean(codes) | Self::Category { codes, .. } => codes[row] == MISSING,
        }
    }

    /// The value of a row as text: a number in its shortest form, nothing where it is missing.
    pub fn text(&self, row: usize) -> String {
        match self {
            _ if self.is_missing(row) => String::new(),
            Self::Number(numbers) => shortest(numbers.get(row)),
            Self::Time(numbers) => times::text(numbers.get(row)),
            Self::Sparse(rows) => {
                let (codes, values) = rows.row(row);
                let pairs = codes.iter().zip(values);
                let pairs = pairs.map(|(&code, &value)| format!("{}:{}", rows.names()[code as usize], shortest(value)));
                pairs.collect::<Vec<_>>().join(" ")
            }
            Self::Boolean(codes) => (codes[row] == 1).to_string(),
            Self::Category { levels, codes } => levels[codes[row] as usize].clone(),
        }
    }

    /// The same values as texts; sparse rows as they are.
    fn as_texts(&self) -> Self {
        if matches!(self, Self::Category { .. } | Self::Sparse(_)) {
            return self.clone();
        }
        let texts: Vec<_> = (0..self.len()).map(|row| (!self.is_missing(row)).then(|| self.text(row))).collect();
        Self::categories(texts.iter().map(Option::as_deref))
    }

    /// Some of the values, in the order given.
    ///
    /// # Panics
    /// If there is no such row.
    #[must_use]
    pub fn rows(&self, rows: &[u32]) -> Self {
        let picked = |codes: &[u32]| rows.iter().map(|&row| codes[row as usize]).collect();
        match self {
            Self::Number(numbers) => Self::Number(numbers.of_rows(rows).collect::<Vec<_>>().into()),
            Self::Time(numbers) => Self::Time(numbers.of_rows(rows).collect::<Vec<_>>().into()),
            Self::Boolean(codes) => Self::Boolean(picked(codes)),
            Self::Category { levels, codes } => Self::Category { levels: levels.clone(), codes: picked(codes) },
            Self::Sparse(sparse) => Self::Sparse(sparse.rows(rows)),
        }
    }

    /// The kind as which such values are read.
    pub(super) fn column_kind(&self) -> ColumnKind {
        match self {
            Self::Number(_) | Self::Sparse(_) => ColumnKind::Number,
            Self::Boolean(_) => ColumnKind::Boolean,
            Self::Category { .. } => ColumnKind::Category,
            Self::Time(_) => ColumnKind::Time,
        }
    }

    /// What messages call values of this kind.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Number(_) => "numbers",
            Self::Boolean(_) => "booleans",
            Self::Category { .. } => "texts",
            Self::Time(_) => "times",
            Self::Sparse(_) => "sparse rows",
        }
    }

    /// The values of several parts of a column, one below the other; none if they are not of one kind.
    pub(super) fn concat(parts: Vec<Self>) -> Option<Self> {
        fn same<T>(parts: Vec<Values>, of: impl Fn(Values) -> Option<T>) -> Option<Vec<T>> {
            parts.into_iter().map(of).collect()
        }
        fn joined(parts: Vec<Numbers>) -> Numbers {
            let mut all = Numbers::default();
            for part in parts {
                all.join(part);
            }
            all
        }
        match parts.first()? {
            Self::Number(_) => {
                let of = |part| if let Self::Number(numbers) = part { Some(numbers) } else { None };
                same(parts, of).map(|parts| Self::Number(joined(parts)))
            }
            Self::Time(_) => {
                let of = |part| if let Self::Time(numbers) = part { Some(numbers) } else { None };
                same(parts, of).map(|parts| Self::Time(joined(parts)))
            }
            Self::Boolean(_) => {
                let of = |part| if let Self::Boolean(codes) = part { Some(codes) } else { None };
                same(parts, of).map(|parts| Self::Boolean(parts.concat()))
            }
            Self::Sparse(_) => {
                let of = |part| if let Self::Sparse(rows) = part { Some(rows) } else { None };
                same(parts, of).map(|parts| Self::Sparse(SparseRows::concat(parts)))
            }
            Self::Category { .. } => {
                let of = |part| if let Self::Category { levels, codes } = part { Some((levels, codes)) } else { None };
                let mut first_codes = HashMap::new();
                let mut all = Vec::new();
                for (levels, codes) in same(parts, of)? {
                    let code = |level| {
                        let next = first_codes.len() as u32;
                        *first_codes.entry(level).or_insert(next)
                    };
                    let here: Vec<u32> = levels.into_iter().map(code).collect();
                    all.extend(
                        codes.into_iter().map(|code| if code == MISSING { MISSING } else { here[code as usize] }),
                    );
                }
                Some(Self::from_codes_in_order_of_appearance(first_codes, all))
            }
        }
    }

    /// What is wrong with the values themselves, if anything.
    fn defect(&self) -> Option<&'static str> {
        let sound = match self {
            Self::Number(numbers) | Self::Time(numbers) => {
                return numbers.any_infinite().then_some("an infinite number");
            }
            Self::Sparse(rows) => return rows.any_not_finite().then_some("a number that is not finite"),
            Self::Boolean(codes) => codes.iter().all(|&code| code < 2 || code == MISSING),
            Self::Category { levels, codes } => {
                if !levels.is_sorted_by(|a, b| a < b) {
                    return Some("levels that are not sorted or not different");
                }
                codes.iter().all(|&code| (code as usize) < levels.len() || code == MISSING)
            }
        };
        (!sound).then_some("a code without a level")
    }
}

/// A number in the shortest form that reads back as the same number: `1`, `2.5`, `1e-20`.
pub(crate) fn shortest(number: f64) -> String {
    let magnitude = number.abs();
    if magnitude == 0.0 {
        "0".to_owned()
    } else if (1e-5..1e16).contains(&magnitude) {
        number.to_string()
    } else {
        format!("{number:e}")
    }
}

/// A name and the values under it.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    /// The name in the header.
    pub name: String,
    /// The values, a row each.
    pub values: Values,
}

impl Column {
    /// A column of numbers; NaN where the value is missing.
    pub fn numbers(name: impl Into<String>, numbers: Vec<f64>) -> Self {
        Self { name: name.into(), values: Values::Number(numbers.into()) }
    }
}

/// Columns of equal length, each with a name of its own, and where they came from.
#[derive(Clone, Debug)]
pub struct Table {
    source: String,
    columns: Vec<Column>,
    parts: Vec<Part>,
    notices: Vec<Notice>,
    /// The column that says what a row weighs, where the form of the table has such.
    weight: Option<String>,
    /// Whether its columns were sparse rows: a name that is not there is 0 in all of them.
    was_sparse: bool,
}

/// Rows that came from one source, and where in it.
#[derive(Clone, Debug)]
struct Part {
    source: Arc<str>,
    /// The row behind its last.
    end: usize,
    places: Places,
}

/// How messages tell where a row stood.
#[derive(Clone, Debug)]
pub(super) enum Places {
    /// By line and field.
    Fields(Lines),
    /// By line alone, where fields have no order.
    Lines(Lines),
    /// By row and column, where the file has no lines: the first one's number, from zero.
    Rows(u64),
}

impl Places {
    /// That of one row.
    fn from(&self, row: usize) -> Self {
        let alone = |lines: &Lines| {
            let mut alone = Lines::default();
            alone.push(lines.of(row));
            alone
        };
        match self {
            Self::Fields(lines) => Self::Fields(alone(lines)),
            Self::Lines(lines) => Self::Lines(alone(lines)),
            Self::Rows(first) => Self::Rows(first + row as u64),
        }
    }

    /// Adds that of another row, which stands at once below the last.
    fn goes_on(&mut self, of: &Self, row: usize) {
        if let (Self::Fields(lines), Self::Fields(of)) | (Self::Lines(lines), Self::Lines(of)) = (self, of) {
            lines.push(of.of(row));
        }
    }

    fn of(&self, source: &str, row: usize, column: usize) -> Place {
        let place = Place::source(source);
        match self {
            Self::Fields(lines) => place.line(lines.of(row)).column(column as u64 + 1),
            Self::Lines(lines) => place.line(lines.of(row)),
            Self::Rows(first) => place.row(first + row as u64 + 1).column(column as u64 + 1),
        }
    }
}

impl Table {
    /// Reads a table from a path, from several files (`part-*.csv`), from standard input (`-`) or from the tables built
    /// in (`@digits`), in any [`Format`].
    ///
    /// # Errors
    /// Whatever stops the source from being read, and all that keeps it from being a table, with its place.
    pub fn read(source: &str, options: &ReadOptions) -> Result<Self> {
        if let Some(name) = source.strip_prefix('@') {
            return builtin::find(name)?.read(options);
        }
        TableSource::open(source, options)?.read(options)
    }

    /// Reads a table from the bytes of a file in any [`Format`]; `source` names it in messages.
    ///
    /// # Errors
    /// Anything that makes the bytes no table, with its place.
    pub fn from_bytes(source: &str, bytes: &[u8], options: &ReadOptions) -> Result<Self> {
        let source = Source::of_bytes(source, bytes);
        Ok(Format::of(&source, options)?.read(&source, options)?.with_sparse_rows_in_order())
    }

    /// Reads a table from the bytes of a text file; `source` names it in messages.
    ///
    /// # Errors
    /// Anything that makes the bytes no table, with its line and field: see [`crate::data::csv`].
    pub fn from_csv(source: &str, bytes: &[u8], options: &ReadOptions) -> Result<Self> {
        csv::read(&Source::of_bytes(source, bytes), options)
    }

    /// The rows of several tables with the same columns, one below the other.
    ///
    /// # Errors
    /// [`ErrorKind::NoRows`] without rows; [`ErrorKind::ColumnsDiffer`] if they have other columns.
    pub fn concat(source: impl Into<String>, tables: Vec<Self>) -> Result<Self> {
        let source = source.into();
        let mut tables = tables.into_iter();
        let Some(first) = tables.next() else { return Err(Error::from(ErrorKind::NoRows).in_source(&source)) };
        let Self { columns, mut parts, mut notices, weight, was_sparse, .. } = first;
        let names: Vec<String> = columns.iter().map(|column| column.name.clone()).collect();
        let mut values: Vec<Vec<Values>> = columns.into_iter().map(|column| vec![column.values]).collect();
        let mut n_rows = values.first().map_or(0, |parts| parts[0].len());
        for table in tables {
            let place = || Place::source(&table.source);
            let found: Vec<String> = table.columns.iter().map(|column| column.name.clone()).collect();
            if found != names {
                return Err(Error::from(ErrorKind::ColumnsDiffer { expected: names, found }).at(place()));
            }
            for (parts, column) in values.iter_mut().zip(table.columns) {
                if parts[0].kind() != column.values.kind() {
                    let (expected, found) = (parts[0].kind(), column.values.kind());
                    let kind = ErrorKind::KindsDiffer { name: column.name, expected, found };
                    return Err(Error::from(kind).at(Place::source(&table.source)));
                }
                parts.push(column.values);
            }
            parts.extend(table.parts.into_iter().map(|part| Part { end: n_rows + part.end, ..part }));
            notices.extend(table.notices);
            n_rows = parts.last().map_or(n_rows, |part| part.end);
        }
        let column = |(name, parts)| Some(Column { name, values: Values::concat(parts)? });
        let columns = names.into_iter().zip(values).filter_map(column).collect();
        Ok(Self { source, columns, parts, notices, weight, was_sparse })
    }

    /// Makes a table of columns.
    ///
    /// # Errors
    /// [`ErrorKind::NoRows`], [`ErrorKind::UnnamedColumn`], [`ErrorKind::DuplicateColumn`], and
    /// [`ErrorKind::Malformed`] if columns differ in length or a value is infinite or a code without a level.
    pub fn from_columns(source: impl Into<String>, columns: Vec<Column>) -> Result<Self> {
        let source = source.into();
        check_names(columns.iter().map(|column| column.name.as_str())).map_err(|error| error.in_source(&source))?;
        let n_rows = columns.first().map_or(0, |column| column.values.len());
        if n_rows == 0 {
            return Err(Error::from(ErrorKind::NoRows).in_source(&source));
        }
        for Column { name, values } in &columns {
            if values.len() != n_rows {
                let detail = format_args!("column `{name}` has {} rows, the first column {n_rows}", values.len());
                return Err(Error::malformed("table", detail).in_source(&source));
            }
            if let Some(defect) = values.defect() {
                return Err(
                    Error::malformed("table", format_args!("column `{name}` holds {defect}")).in_source(&source)
                );
            }
        }
        let part = Part { source: source.as_str().into(), end: n_rows, places: Places::Fields(Lines::default()) };
        Ok(Self { source, columns, parts: vec![part], notices: Vec::new(), weight: None, was_sparse: false })
    }

    /// The same table, with the places where its rows stood in its source.
    pub(super) fn with_places(mut self, places: Places) -> Self {
        self.parts = vec![Part { source: self.source.as_str().into(), end: self.n_rows(), places }];
        self
    }

    /// The same table, its columns turned into what they are to be: as texts, if they are of another kind.
    ///
    /// # Errors
    /// [`ErrorKind::NotANumber`], [`ErrorKind::NotFinite`], [`ErrorKind::NotABoolean`] or [`ErrorKind::NotATime`] at the
    /// first value that is none.
    pub(super) fn with_kinds(mut self, kinds: &[Option<ColumnKind>]) -> Result<Self> {
        for (index, kind) in kinds.iter().enumerate() {
            let column = &mut self.columns[index];
            if kind.is_some_and(|kind| kind != column.values.column_kind()) {
                column.values = column.values.as_texts();
            }
            let column = &self.columns[index];
            let Some((kind, Values::Category { levels, codes })) = kind.map(|kind| (kind, &column.values)) else {
                continue;
            };
            let turned = times::of_texts(kind, levels, codes).map_err(|code| {
                let row = codes.iter().position(|&other| other == code).unwrap_or(0);
                times::of_another_kind(&column.name, kind, levels[code as usize].clone()).at(self.place(row, index))
            })?;
            if let Some(values) = turned {
                self.columns[index].values = values;
            }
        }
        Ok(self)
    }

    /// The same table, the names of its sparse rows in order; as plain columns where the rows are mostly filled.
    pub(super) fn with_sparse_rows_in_order(mut self) -> Self {
        for column in &mut self.columns {
            if let Values::Sparse(rows) = &mut column.values {
                *rows = std::mem::take(rows).in_order();
            }
        }
        let is_plain = |column: &Column| !matches!(&column.values, Values::Sparse(rows) if !rows.is_mostly_filled());
        if self.columns.iter().all(is_plain)
            && let Ok(Some(plain)) = self.with_plain_columns(MOST_PLAIN_COLUMNS)
        {
            return plain;
        }
        self
    }

    /// The same table with its numbers under some names as sparse rows besides; none if it has none of them.
    pub(super) fn with_sparse_column(&self, name: &str, names: &[String]) -> Option<Self> {
        let columns = self.columns.iter().filter(|column| names.contains(&column.name));
        let empty = || self.was_sparse.then(|| SparseRows::empty(self.n_rows()));
        let rows = SparseRows::of_plain_columns(columns).or_else(empty)?;
        let mut table = self.clone();
        table.columns.push(Column { name: name.to_owned(), values: Values::Sparse(rows) });
        Some(table)
    }

    /// Whether its rows name what they have, in pairs of a name and a number.
    pub(super) fn is_of_pairs(&self) -> bool {
        self.was_sparse || self.columns.iter().any(|column| matches!(column.values, Values::Sparse(_)))
    }

    /// The same table with plain columns besides for some names of its sparse rows, 0 where no row has such a name; none
    /// if it has no sparse rows, or no name is asked for.
    pub(super) fn with_plain_columns_of(&self, names: &[String]) -> Option<Self> {
        let sparse = self.columns.iter().find_map(|column| match &column.values {
            Values::Sparse(rows) => Some(rows.only(names)),
            _ => None,
        });
        let zeros = || self.was_sparse.then(|| SparseRows::empty(self.n_rows()).only(names));
        let plain = sparse.or_else(zeros)?.plain_columns();
        (!names.is_empty())
            .then(|| Self { columns: self.columns.iter().cloned().chain(plain).collect(), ..self.clone() })
    }

    /// The same table, its sparse rows as plain columns; none if it has no sparse rows.
    ///
    /// # Errors
    /// [`ErrorKind::NoFormFor`] more than so many names; [`ErrorKind::DuplicateColumn`] if a name is a column's too.
    pub(super) fn with_plain_columns(&self, most: usize) -> Result<Option<Self>> {
        if !self.columns.iter().any(|column| matches!(column.values, Values::Sparse(_))) {
            return Ok(None);
        }
        let mut columns = Vec::new();
        for column in &self.columns {
            match &column.values {
                Values::Sparse(rows) if rows.names().len() > most => {
                    return Err(column.no_form("at most 4096 names for plain columns"));
                }
                Values::Sparse(rows) => columns.extend(rows.plain_columns()),
                _ => columns.push(column.clone()),
            }
        }
        check_names(columns.iter().map(|column| column.name.as_str()))?;
        Ok(Some(Self {
            columns,
            source: self.source.clone(),
            parts: self.parts.clone(),
            notices: self.notices.clone(),
            weight: self.weight.clone(),
            was_sparse: true,
        }))
    }

    /// The rows that have a value in a column, if others have none.
    pub(crate) fn with_values_in(&self, column: usize) -> Option<Self> {
        let values = &self.columns[column].values;
        let rows: Vec<u32> = self.rows().into_iter().filter(|&row| !values.is_missing(row as usize)).collect();
        (rows.len() < self.n_rows()).then(|| self.only(&rows))
    }

    /// Some of the rows, in ascending order.
    pub(super) fn only(&self, rows: &[u32]) -> Self {
        let columns = self.columns.iter();
        let columns = columns.map(|Column { name, values }| Column { name: name.clone(), values: values.rows(rows) });
        let mut parts: Vec<Part> = Vec::new();
        let (mut part, mut first, mut before) = (0, 0, None);
        for (&row, end) in rows.iter().zip(1..) {
            let row = row as usize;
            while self.parts[part].end <= row {
                first = self.parts[part].end;
                part += 1;
                before = None;
            }
            let Part { source, places, .. } = &self.parts[part];
            match parts.last_mut().filter(|_| before == Some(row)) {
                Some(run) => {
                    run.end = end;
                    run.places.goes_on(places, row - first);
                }
                None => parts.push(Part { source: Arc::clone(source), end, places: places.from(row - first) }),
            }
            before = Some(row + 1);
        }
        Self {
            source: self.source.clone(),
            columns: columns.collect(),
            parts,
            notices: self.notices.clone(),
            weight: self.weight.clone(),
            was_sparse: self.was_sparse,
        }
    }

    /// The same table, with something that a person should be told about it.
    pub(super) fn with_notice(mut self, notice: Notice) -> Self {
        self.notices.push(notice);
        self
    }

    /// The same table, one column of which says what a row weighs.
    pub(super) fn with_weight(self, column: &str) -> Self {
        Self { weight: Some(column.to_owned()), ..self }
    }

    /// The column that says what a row weighs, where the form of the table has such: Vowpal Wabbit's importance.
    pub fn own_weight(&self) -> Option<&str> {
        self.weight.as_deref()
    }

    /// What a person should be told about how it was read.
    pub fn notices(&self) -> &[Notice] {
        &self.notices
    }

    /// The number of rows.
    pub fn n_rows(&self) -> usize {
        self.columns.first().map_or(0, |column| column.values.len())
    }

    /// The numbers of all rows, from zero.
    pub fn rows(&self) -> Vec<u32> {
        (0..self.n_rows() as u32).collect()
    }

    /// The columns, in the order of the file.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The kinds of all columns, as which other parts of the same table are to be read.
    pub(crate) fn kinds(&self) -> Vec<(String, ColumnKind)> {
        let have_kinds = self.columns.iter().filter(|column| !matches!(column.values, Values::Sparse(_)));
        have_kinds.map(|column| (column.name.clone(), column.values.column_kind())).collect()
    }

    /// The column of a name.
    ///
    /// # Errors
    /// [`ErrorKind::NoSuchColumn`] with the names that look most like it.
    pub fn column(&self, name: &str) -> Result<&Column> {
        self.column_index(name).map(|index| &self.columns[index])
    }

    /// The place of a name among the columns, from zero.
    ///
    /// # Errors
    /// [`ErrorKind::NoSuchColumn`] with the names that look most like it.
    pub fn column_index(&self, name: &str) -> Result<usize> {
        self.columns.iter().position(|column| column.name == name).ok_or_else(|| {
            let names = self.columns.iter().map(|column| column.name.as_str());
            no_such_column(name, names).at(Place::source(&self.source))
        })
    }

    /// What messages call the table: its path, `standard input` or `@digits`.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Where a value stood: line and field, or row and column, from one. A table that was never a file answers as if
    /// [`Table::write_csv`] had written it.
    pub fn place(&self, row: usize, column: usize) -> Place {
        let part = self.parts.partition_point(|part| part.end <= row);
        let first = if part == 0 { 0 } else { self.parts[part - 1].end };
        self.parts
            .get(part)
            .map_or_else(|| Place::source(&self.source), |part| part.places.of(&part.source, row - first, column))
    }

    /// Writes the table as comma-separated text with a header; missing values become empty fields.
    ///
    /// Texts are quoted where they must be; all of them where one holds what might be taken for a delimiter.
    ///
    /// # Errors
    /// Whatever `out` refuses. The path is the caller's to add.
    pub fn write_csv(&self, out: impl io::Write) -> io::Result<()> {
        let alone = self.columns.len() == 1;
        let is_delicate = |text: &String| text.contains([';', '|', '\t']) || (alone && text.contains(' '));
        let delicate = self.columns.iter().any(|Column { name, values }| match values {
            Values::Category { levels, .. } => is_delicate(name) || levels.iter().any(is_delicate),
            _ => is_delicate(name),
        });
        let style = if delicate { QuoteStyle::NonNumeric } else { QuoteStyle::Necessary };
        let mut writer = WriterBuilder::new().quote_style(style).from_writer(out);
        let refused = |error: ::csv::Error| match error.into_kind() {
            ::csv::ErrorKind::Io(error) => error,
            kind => io::Error::other(format!("{kind:?}")),
        };
        writer.write_record(self.columns.iter().map(|column| &column.name)).map_err(refused)?;
        for row in 0..self.n_rows() {
            writer.write_record(self.columns.iter().map(|column| column.values.text(row))).map_err(refused)?;
        }
        writer.flush()
    }
}

/// Every column must have a name, and no two the same.
pub(crate) fn check_names<'a>(names: impl Iterator<Item = &'a str>) -> Result<()> {
    let mut first_fields = HashMap::new();
    for (name, field) in names.zip(1..) {
        let place = Place::default().line(1).column(field);
        if name.is_empty() {
            return Err(Error::from(ErrorKind::UnnamedColumn).at(place));
        }
        if let Some(first) = first_fields.insert(name, field) {
            let kind = ErrorKind::DuplicateColumn { name: name.to_owned(), first: first as usize };
            return Err(Error::from(kind).at(place));
        }
    }
    Ok(())
}

/// A name that is not there, with at most three that look like it, best first.
pub(crate) fn no_such_column<'a>(name: &str, names: impl Iterator<Item = &'a str>) -> Error {
    let lower = name.to_lowercase();
    let mut nearest: Vec<(f64, &str)> = names
        .map(|other| (strsim::jaro_winkler(&lower, &other.to_lowercase()), other))
        .filter(|(likeness, _)| *likeness > 0.7)
        .collect();
    nearest.sort_by(|a, b| b.0.total_cmp(&a.0));
    let nearest = nearest.into_iter().take(3).map(|(_, other)| other.to_owned()).collect();
    ErrorKind::NoSuchColumn { name: name.to_owned(), nearest }.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(text: &str) -> Table {
        Table::from_csv("t.csv", text.as_bytes(), &ReadOptions::default()).unwrap()
    }

    #[test]
    fn a_written_table_reads_back_the_same() {
        let first = table("a,b c,d\n0.1,\"x, \"\"y\"\"\",TRUE\n-1e-300,,false\n,z,\n123456789012345680000,z,true\n");
        let mut written = Vec::new();
        first.write_csv(&mut written).unwrap();
        let text = String::from_utf8(written).unwrap();
        assert_eq!(text, "a,b c,d\n0.1,\"x, \"\"y\"\"\",true\n-1e-300,,false\n,z,\n1.2345678901234568e20,z,true\n");
        assert_eq!(first.fingerprint(), table(&text).fingerprint());
    }

    #[test]
    fn a_missing_column_is_answered_with_the_nearest_names() {
        let error = table("depth,table,price\n1,2,3\n").column("pirce").unwrap_err();
        assert_eq!(
            error.to_string(),
            "t.csv: expected a column `pirce`, found none of that name; the nearest are `price`"
        );
    }

    #[test]
    fn columns_that_cannot_be_a_table_are_refused() {
        let made = |columns| Table::from_columns("made", columns).unwrap_err().to_string();
        assert_eq!(made(vec![]), "made: expected rows below the header, found none");
        assert_eq!(
            made(vec![Column::numbers("a", vec![1.0]), Column::numbers("b", vec![1.0, 2.0])]),
            "made: expected a table: column `b` has 2 rows, the first column 1"
        );
        assert_eq!(
            made(vec![Column::numbers("a", vec![f64::INFINITY])]),
            "made: expected a table: column `a` holds an infinite number"
        );
    }
}
