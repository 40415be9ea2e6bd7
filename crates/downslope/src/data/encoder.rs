//! How does a value of one column become features?
//!
//! An [`Encoder`] writes the features of its column for a block of rows after the other, into a dense matrix or into
//! [`Entries`], and remembers what should be said.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::data::calendar::{Calendar, DAY, round};
use crate::data::dataset::Csr;
use crate::data::encode::{Encoding, Input, UNIT_SEPARATOR};
use crate::data::hash::{feature_of, hash, hash_words};
use crate::data::levels::{Code, LevelCodes};
use crate::data::notice::Notice;
use crate::data::sparse::SparseRows;
use crate::data::table::{MISSING, Table, Values};
use crate::error::{Error, ErrorKind, Place, Result};

/// Where features go: the rows of a block in a dense matrix, or their entries.
pub(super) enum Out<'a> {
    Dense { values: &'a mut [f32], n_features: usize },
    Sparse(&'a mut Entries),
}

impl Out<'_> {
    /// Puts a value into a feature of the block's k-th row. Features of a row come in ascending order.
    #[inline]
    fn put(&mut self, k: usize, feature: usize, value: f32) {
        match self {
            Self::Dense { values, n_features } => values[k * *n_features + feature] = value,
            Self::Sparse(entries) if value != 0.0 => entries.block.push((k as u32, feature as u32, value)),
            Self::Sparse(_) => {}
        }
    }
}

/// What is not 0: column by column for the rows of a block, row by row for those before.
#[derive(Default)]
pub(super) struct Entries {
    block: Vec<(u32, u32, f32)>,
    ends: Vec<usize>,
    indices: Vec<u32>,
    values: Vec<f32>,
}

impl Entries {
    /// Puts the entries of a block behind those of the rows before it.
    pub(super) fn end_block(&mut self, n_rows: usize) {
        // Stable, so that the features of a row stay in their order.
        self.block.sort_by_key(|&(k, _, _)| k);
        let mut entries = self.block.drain(..).peekable();
        for k in 0..n_rows as u32 {
            while let Some((_, feature, value)) = entries.next_if(|&(of, _, _)| of == k) {
                self.indices.push(feature);
                self.values.push(value);
            }
            self.ends.push(self.indices.len());
        }
    }

    pub(super) fn into_csr(self, n_features: usize) -> Result<Csr> {
        let starts = std::iter::once(0).chain(self.ends).collect();
        Csr::new(n_features, starts, self.indices, self.values)
    }
}

/// Writes the features of a column.
#[derive(Clone)]
pub(super) struct Encoder<'a> {
    name: &'a str,
    encoding: &'a Encoding,
    /// The first of its features.
    first: usize,
    column: Single<'a>,
    /// The second factor of a product.
    other: Option<Single<'a>>,
    /// Of sparse rows.
    names: Names,
    /// Of a text that is taken apart, or of a sparse row.
    features: Vec<(u32, f64)>,
    n_missing: usize,
    unknown: BTreeMap<String, usize>,
}

impl<'a> Encoder<'a> {
    /// The encoder of an input that is no pair.
    pub(super) fn new(table: &'a Table, input: &'a Input, rows: &'a [u32], first: usize) -> Result<Self> {
        let single = |name: &str, encoding: &'a Encoding| -> Result<Single<'a>> {
            let index = table.column_index(name)?;
            Ok(Single::new(Reading { table, index, values: &table.columns()[index].values, rows }, encoding))
        };
        let (column, other) = match &input.encoding {
            Encoding::Product { factors: [left, right] } => {
                (single(&left.name, &left.encoding)?, Some(single(&right.name, &right.encoding)?))
            }
            encoding => (single(&input.name, encoding)?, None),
        };
        let names = match (&input.encoding, column.reading.values) {
            (Encoding::Sparse { .. }, Values::Sparse(rows)) => Names::new(rows, &input.becomes),
            (Encoding::Sparse { .. }, values) => {
                let (name, expected, found) = (input.name.clone(), "sparse rows", values.kind());
                let kind = ErrorKind::KindsDiffer { name, expected, found };
                return Err(Error::from(kind).at(Place::source(table.source())));
            }
            _ => Names::default(),
        };
        Ok(Self { other, names, ..Self::of(&input.name, &input.encoding, column, first) })
    }

    /// The encoder of a pair, given the texts of both columns as one, and their places.
    pub(super) fn of_pair(
        table: &'a Table,
        input: &'a Input,
        encoding: &'a Encoding,
        (texts, places): (&'a Values, &'a [u32]),
        first: usize,
    ) -> Self {
        let reading = Reading { table, index: 0, values: texts, rows: places };
        Self::of(&input.name, encoding, Single::new(reading, encoding), first)
    }

    fn of(name: &'a str, encoding: &'a Encoding, column: Single<'a>, first: usize) -> Self {
        Self {
            name,
            encoding,
            first,
            column,
            other: None,
            names: Names::default(),
            features: Vec::new(),
            n_missing: 0,
            unknown: BTreeMap::new(),
        }
    }

    /// Writes the features of a block of rows.
    pub(super) fn write(&mut self, block: Range<usize>, out: &mut Out) -> Result<()> {
        self.column.load(&block)?;
        if let Some(other) = &mut self.other {
            other.load(&block)?;
        }
        match self.encoding {
            Encoding::Number { powers, .. } => {
                let scaling = self.column.scaling;
                for k in 0..block.len() {
                    let number = self.column.numbers[k];
                    let z = scaling.of(number);
                    self.put(k, 0, z, out)?;
                    for (place, power) in powers.iter().enumerate() {
                        let value = (z.powi(power.exponent.cast_signed()) - power.mean) / power.std;
                        self.put(k, 1 + place, value, out)?;
                    }
                    if number.is_nan() {
                        self.mark_missing(k, out);
                    }
                }
            }
            Encoding::Boolean { .. } | Encoding::Category { .. } | Encoding::Hashed { words: false, .. } => {
                for k in 0..block.len() {
                    let found = self.column.at(k)?;
                    if let Some((feature, value)) = found {
                        self.put(k, feature, value, out)?;
                    }
                    let row = self.column.row(k);
                    if self.column.reading.values.is_missing(row) {
                        self.mark_missing(k, out);
                    } else if found.is_none() {
                        let level = self.column.reading.values.text(row).replace(UNIT_SEPARATOR, "*");
                        *self.unknown.entry(level).or_default() += 1;
                    }
                }
            }
            Encoding::Hashed { bits, .. } => {
                for k in 0..block.len() {
                    if self.column.is_missing(k) {
                        self.mark_missing(k, out);
                        continue;
                    }
                    self.column.with_text(k, |text| hash_words(text, *bits, &mut self.features));
                    self.features.iter().for_each(|&(f, value)| out.put(k, self.first + f as usize, value as f32));
                }
            }
            Encoding::Time { year, day, weekdays, .. } => {
                for k in 0..block.len() {
                    self.write_time(k, [*year, *day], weekdays, out)?;
                }
            }
            Encoding::Sparse { divisors } => {
                for k in 0..block.len() {
                    self.write_sparse(k, divisors, out)?;
                }
            }
            Encoding::Product { factors: [_, right] } => {
                let width = right.encoding.width_as_factor();
                let Some(other) = &self.other else { return Ok(()) };
                for k in 0..block.len() {
                    if let (Some((i, x)), Some((j, y))) = (self.column.at(k)?, other.at(k)?) {
                        self.put(k, i * width + j, x * y, out)?;
                    }
                }
            }
            Encoding::Presence => {
                for k in (0..block.len()).filter(|&k| self.column.is_missing(k)) {
                    out.put(k, self.first, 1.0);
                }
            }
            Encoding::Pair { .. } => {}
        }
        Ok(())
    }

    fn write_time(&mut self, k: usize, rounds: [bool; 2], weekdays: &[u8], out: &mut Out) -> Result<()> {
        let Some((_, elapsed)) = self.column.at(k)? else { return Ok(()) };
        self.put(k, 0, elapsed, out)?;
        let seconds = self.column.numbers[k];
        if seconds.is_nan() {
            self.mark_missing(k, out);
            return Ok(());
        }
        let calendar = Calendar::of(seconds);
        let mut feature = self.first + 1;
        for (share, _) in [calendar.year, calendar.day].into_iter().zip(rounds).filter(|(_, is_there)| *is_there) {
            for value in round(share) {
                out.put(k, feature, value as f32);
                feature += 1;
            }
        }
        if let Some(place) = weekdays.iter().position(|&day| day == calendar.weekday) {
            out.put(k, feature + place, 1.0);
        }
        Ok(())
    }

    fn write_sparse(&mut self, k: usize, divisors: &[f64], out: &mut Out) -> Result<()> {
        let Values::Sparse(rows) = self.column.reading.values else { return Ok(()) };
        let (codes, values) = rows.row(self.column.row(k));
        self.features.clear();
        for (&code, &value) in codes.iter().zip(values) {
            match self.names.features[code as usize] {
                Some(feature) => self.features.push((feature, value / divisors[feature as usize])),
                None => self.names.is_unknown[code as usize] = true,
            }
        }
        self.features.sort_unstable_by_key(|&(feature, _)| feature);
        for at in 0..self.features.len() {
            let (feature, value) = self.features[at];
            self.put(k, feature as usize, value, out)?;
        }
        Ok(())
    }

    /// Puts a value into one of the column's features, if `f32` holds it.
    #[inline]
    fn put(&self, k: usize, feature: usize, value: f64, out: &mut Out) -> Result<()> {
        let encoded = value as f32;
        if !encoded.is_finite() {
            return Err(self.column.refuse(k, |name, found| ErrorKind::NotFinite { name, found }));
        }
        out.put(k, self.first + feature, encoded);
        Ok(())
    }

    fn mark_missing(&mut self, k: usize, out: &mut Out) {
        self.n_missing += 1;
        if self.encoding.marks_missing() {
            out.put(k, self.first + self.encoding.width() - 1, 1.0);
        }
    }

    /// Takes over what should be said about the rows that another encoder of the same column, no sparse one, has written.
    pub(super) fn join(&mut self, other: Self) {
        self.n_missing += other.n_missing;
        for (level, rows) in other.unknown {
            *self.unknown.entry(level).or_default() += rows;
        }
    }

    /// What should be said about the rows that were written.
    pub(super) fn into_notices(self) -> Vec<Notice> {
        let column = self.name.to_owned();
        let mut notices = Vec::new();
        if self.n_missing > 0 && !self.encoding.marks_missing() {
            notices.push(Notice::MissingUnseen { column: column.clone(), rows: self.n_missing });
        }
        let unknown = |(level, rows)| Notice::UnknownLevel { column: column.clone(), level, rows };
        notices.extend(self.unknown.into_iter().map(unknown));
        let n_names = self.names.is_unknown.iter().filter(|&&is_unknown| is_unknown).count();
        if n_names > 0 {
            notices.push(Notice::UnknownNames { column, n_names });
        }
        notices
    }
}

/// The features of the names of sparse rows.
#[derive(Clone, Default)]
struct Names {
    features: Vec<Option<u32>>,
    /// Whether a row has the name though it has no feature.
    is_unknown: Vec<bool>,
}

impl Names {
    fn new(rows: &SparseRows, known: &[String]) -> Self {
        let places: std::collections::HashMap<&str, u32> = known.iter().map(String::as_str).zip(0..).collect();
        let features = rows.names().iter().map(|name| places.get(name.as_str()).copied()).collect();
        Self { features, is_unknown: vec![false; rows.names().len()] }
    }
}

/// A column where it is read.
#[derive(Clone)]
struct Reading<'a> {
    table: &'a Table,
    index: usize,
    values: &'a Values,
    rows: &'a [u32],
}

/// A column of which a row has one feature at most, besides powers and marks of missing values.
#[derive(Clone)]
struct Single<'a> {
    reading: Reading<'a>,
    encoding: &'a Encoding,
    codes: Option<LevelCodes<'a>>,
    scaling: Scaling,
    /// The rows of the block.
    rows: &'a [u32],
    /// What stands in them, where the column holds numbers or times.
    numbers: Vec<f64>,
}

impl<'a> Single<'a> {
    fn new(reading: Reading<'a>, encoding: &'a Encoding) -> Self {
        let codes = match encoding {
            Encoding::Category { levels, .. } => Some(LevelCodes::new(reading.values, levels)),
            _ => None,
        };
        Self { reading, encoding, codes, scaling: Scaling::new(encoding), rows: &[], numbers: Vec::new() }
    }

    /// Takes up a block of rows.
    ///
    /// # Errors
    /// [`ErrorKind::NotANumber`] or [`ErrorKind::NotATime`] at the first value of another kind.
    fn load(&mut self, block: &Range<usize>) -> Result<()> {
        self.rows = &self.reading.rows[block.clone()];
        self.numbers.clear();
        match self.reading.values {
            Values::Number(numbers) | Values::Time(numbers) => {
                let held = &mut self.numbers;
                // Not `extend`, which takes one by one.
                numbers.of_rows(self.rows).for_each(|number| held.push(number));
            }
            _ => self.numbers.resize(block.len(), f64::NAN),
        }
        let refuse: fn(String, String) -> ErrorKind = match (self.encoding, self.reading.values) {
            (Encoding::Number { .. }, Values::Number(_)) | (Encoding::Time { .. }, Values::Time(_)) => return Ok(()),
            (Encoding::Number { .. }, _) => |name, found| ErrorKind::NotANumber { name, found },
            (Encoding::Time { .. }, _) => |name, found| ErrorKind::NotATime { name, found },
            _ => return Ok(()),
        };
        let odd = (0..block.len()).find(|&k| !self.is_missing(k));
        odd.map_or(Ok(()), |k| Err(self.refuse(k, refuse)))
    }

    fn row(&self, k: usize) -> usize {
        self.rows[k] as usize
    }

    fn is_missing(&self, k: usize) -> bool {
        self.reading.values.is_missing(self.row(k))
    }

    /// The feature of the block's k-th row and the value in it.
    fn at(&self, k: usize) -> Result<Option<(usize, f64)>> {
        Ok(match self.encoding {
            Encoding::Number { .. } => Some((0, self.scaling.of(self.numbers[k]))),
            Encoding::Time { .. } => Some((0, self.scaling.of(self.numbers[k] / DAY))),
            Encoding::Boolean { mean, .. } => Some((0, self.boolean(k)?.unwrap_or(*mean))),
            Encoding::Hashed { bits, .. } if !self.is_missing(k) => {
                Some((self.with_text(k, |text| feature_of(hash(text), *bits)) as usize, 1.0))
            }
            _ => match self.codes.as_ref().map(|codes| codes.code(self.row(k))) {
                Some(Code::Known(code)) => Some((code as usize, 1.0)),
                _ => None,
            },
        })
    }

    fn boolean(&self, k: usize) -> Result<Option<f64>> {
        match self.reading.values {
            Values::Boolean(codes) => {
                let code = codes[self.row(k)];
                Ok((code != MISSING).then(|| f64::from(code)))
            }
            _ if self.is_missing(k) => Ok(None),
            Values::Number(_) if [0.0, 1.0].contains(&self.numbers[k]) => Ok(Some(self.numbers[k])),
            _ => Err(self.refuse(k, |name, found| ErrorKind::NotABoolean { name, found })),
        }
    }

    /// Does something with the text of a row.
    fn with_text<T>(&self, k: usize, mut of: impl FnMut(&str) -> T) -> T {
        match self.reading.values {
            Values::Category { levels, codes } => of(&levels[codes[self.row(k)] as usize]),
            values => of(&values.text(self.row(k))),
        }
    }

    #[cold]
    fn refuse(&self, k: usize, kind: impl Fn(String, String) -> ErrorKind) -> Error {
        let Reading { table, index, values, .. } = &self.reading;
        let kind = kind(table.columns()[*index].name.clone(), values.text(self.row(k)));
        Error::from(kind).at(table.place(self.row(k), *index))
    }
}

/// (value − shift) / divisor, where a missing value is `fill`. Without scaling that is (v − 0) / 1, v to the last bit.
#[derive(Clone, Copy)]
struct Scaling {
    fill: f64,
    shift: f64,
    divisor: f64,
}

impl Scaling {
    fn new(encoding: &Encoding) -> Self {
        let (Encoding::Number { mean, std, max_abs, .. } | Encoding::Time { mean, std, max_abs, .. }) = encoding else {
            return Self { fill: 0.0, shift: 0.0, divisor: 1.0 };
        };
        let (shift, divisor) = std.map_or((0.0, max_abs.unwrap_or(1.0)), |std| (*mean, std));
        Self { fill: *mean, shift, divisor }
    }

    #[inline]
    fn of(self, number: f64) -> f64 {
        ((if number.is_nan() { self.fill } else { number }) - self.shift) / self.divisor
    }
}
