//! How do lines of JSON become a table?
//!
//! Every line is an object of numbers, booleans, texts and nulls; each key is a column, in the order in which they first
//! appear in the file. A column is of the kind that most of its values have (of several, the first met), and a value of
//! another kind is an error; texts that are all dates are times. What is `null`, or not there, or one of the
//! words in [`ReadOptions::missing`], is missing.
//!
//! The file is read twice: what its columns are is known only at its end.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::data::csv::{ColumnKind, ReadOptions, forced_kinds};
use crate::data::decimal::Number;
use crate::data::format::Consume;
use crate::data::libsvm::number;
use crate::data::missing::Missing;
use crate::data::skipped::Parts;
use crate::data::source::Source;
use crate::data::survey::Texts;
use crate::data::table::{Column, MISSING, Places, Table, Values, shortest};
use crate::data::text_rows::read_rows;
use crate::data::times;
use crate::error::{Error, ErrorKind, Place, Result};

/// Hands on the rows block by block.
pub(super) fn read_parts(source: &Source, options: &ReadOptions, consume: Consume) -> Result<()> {
    let missing = Missing::of(options);
    let mut survey = Survey::default();
    let add = |rows: &mut Survey, line: &str| rows.add(line, &missing);
    let seen = read_rows(source, options, add, |below, _| {
        survey.join(&below);
        Ok(())
    })?;
    let Survey { names, places, found, .. } = survey;
    let in_source = |error: Error| error.in_source(source.name());
    let mut parts = Parts::new(consume);
    if names.is_empty() {
        return parts.finish(seen.skipped, source.name()).map_err(in_source);
    }
    let forced = forced_kinds(&names, options).map_err(in_source)?;
    let kinds: Vec<ColumnKind> =
        forced.iter().zip(found).map(|(forced, found)| forced.unwrap_or_else(|| found.kind())).collect();
    let columns = Columns { names, places, kinds, forced: forced.iter().map(Option::is_some).collect() };
    let add = |rows: &mut Vec<Reading>, line: &str| columns.add(rows, line, &missing);
    let seen = read_rows(source, options, add, |rows, lines| {
        let columns = columns.names.iter().zip(rows);
        let columns = columns.map(|(name, values)| Column { name: name.clone(), values: values.finish() });
        parts.push(Table::from_columns(source.name(), columns.collect())?.with_places(Places::Lines(lines)))
    })?;
    parts.finish(seen.skipped, source.name()).map_err(in_source)
}

/// The value under a key.
enum Cell<'a> {
    Missing,
    Boolean(bool),
    Number(f64),
    Text(Cow<'a, str>),
    /// An array or an object.
    Nested(&'static str),
}

impl Cell<'_> {
    fn text(&self) -> String {
        match self {
            Self::Missing => "null".to_owned(),
            Self::Boolean(value) => value.to_string(),
            Self::Number(number) => shortest(*number),
            Self::Text(text) => text.clone().into_owned(),
            Self::Nested(what) => (*what).to_owned(),
        }
    }
}

type Row<'a> = Vec<(Cow<'a, str>, Cell<'a>)>;

/// The keys and values of a line.
fn row<'a>(line: &'a str, missing: &Missing) -> Result<Row<'a>> {
    let mut deserializer = serde_json::Deserializer::from_str(line);
    let row = deserializer.deserialize_map(RowVisitor).and_then(|row| deserializer.end().map(|()| row));
    let mut row = row.map_err(|error| {
        let words = error.to_string();
        let detail = words.split_once(" at line ").map_or(words.as_str(), |(detail, _)| detail);
        Error::malformed("JSON object", detail).at(Place::default().column(error.column().max(1) as u64))
    })?;
    let mut keys: Vec<&str> = row.iter().map(|(key, _)| &**key).collect();
    keys.sort_unstable();
    if let Some(twice) = keys.windows(2).find(|keys| keys[0] == keys[1]) {
        return Err(ErrorKind::DuplicateKey { name: twice[0].to_owned() }.into());
    }
    for (key, cell) in &mut row {
        match cell {
            Cell::Nested(found) => return Err(ErrorKind::Nested { name: key.clone().into_owned(), found }.into()),
            Cell::Number(number) if missing.is_number(*number) => *cell = Cell::Missing,
            Cell::Text(text) if missing.is_text(text) => *cell = Cell::Missing,
            _ => {}
        }
    }
    Ok(row)
}

struct RowVisitor;

impl<'de> Visitor<'de> for RowVisitor {
    type Value = Row<'de>;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<Row<'de>, A::Error> {
        let mut row = Row::new();
        while let Some(key) = map.next_key_seed(CellSeed)? {
            let Cell::Text(key) = key else { return Err(serde::de::Error::custom("expected a key")) };
            row.push((key, map.next_value_seed(CellSeed)?));
        }
        Ok(row)
    }
}

struct CellSeed;

impl<'de> DeserializeSeed<'de> for CellSeed {
    type Value = Cell<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> std::result::Result<Cell<'de>, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for CellSeed {
    type Value = Cell<'de>;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a number, a text, true, false or null")
    }

    fn visit_bool<E>(self, value: bool) -> std::result::Result<Cell<'de>, E> {
        Ok(Cell::Boolean(value))
    }

    fn visit_i64<E>(self, number: i64) -> std::result::Result<Cell<'de>, E> {
        Ok(Cell::Number(number as f64))
    }

    fn visit_u64<E>(self, number: u64) -> std::result::Result<Cell<'de>, E> {
        Ok(Cell::Number(number as f64))
    }

    fn visit_f64<E>(self, number: f64) -> std::result::Result<Cell<'de>, E> {
        Ok(Cell::Number(number))
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> std::result::Result<Cell<'de>, E> {
        Ok(Cell::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> std::result::Result<Cell<'de>, E> {
        Ok(Cell::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_unit<E>(self) -> std::result::Result<Cell<'de>, E> {
        Ok(Cell::Missing)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> std::result::Result<Cell<'de>, A::Error> {
        while array.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Cell::Nested("an array"))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<Cell<'de>, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Cell::Nested("an object"))
    }
}

/// The columns of some rows, as their lines go by.
#[derive(Default)]
struct Survey {
    names: Vec<String>,
    places: HashMap<String, usize>,
    found: Vec<Found>,
}

/// What was found in a column.
#[derive(Clone, Default)]
struct Found {
    n_numbers: u64,
    n_booleans: u64,
    n_texts: u64,
    n_times: u64,
    first: Option<ColumnKind>,
}

impl Found {
    fn add(&mut self, cell: &Cell) {
        let kind = match cell {
            Cell::Missing | Cell::Nested(_) => return,
            Cell::Number(_) => ColumnKind::Number,
            Cell::Boolean(_) => ColumnKind::Boolean,
            Cell::Text(_) => ColumnKind::Category,
        };
        self.first.get_or_insert(kind);
        match cell {
            Cell::Number(_) => self.n_numbers += 1,
            Cell::Boolean(_) => self.n_booleans += 1,
            Cell::Text(text) => {
                self.n_texts += 1;
                // Where one is no time, the column is none.
                self.n_times += u64::from(self.n_times + 1 == self.n_texts && times::parse(text).is_some());
            }
            Cell::Missing | Cell::Nested(_) => {}
        }
    }

    fn join(&mut self, below: &Self) {
        self.n_numbers += below.n_numbers;
        self.n_booleans += below.n_booleans;
        self.n_texts += below.n_texts;
        self.n_times += below.n_times;
        self.first = self.first.or(below.first);
    }

    fn kind(&self) -> ColumnKind {
        let of_texts = if self.n_times == self.n_texts { ColumnKind::Time } else { ColumnKind::Category };
        let counts = [
            (self.n_numbers, ColumnKind::Number, ColumnKind::Number),
            (self.n_booleans, ColumnKind::Boolean, ColumnKind::Boolean),
            (self.n_texts, ColumnKind::Category, of_texts),
        ];
        let most = counts.into_iter().max_by_key(|&(n, kind, _)| (n, self.first == Some(kind)));
        most.filter(|&(n, ..)| n > 0).map_or(ColumnKind::Number, |(_, _, kind)| kind)
    }
}

impl Survey {
    fn add(&mut self, line: &str, missing: &Missing) -> Result<bool> {
        for (at, (key, cell)) in row(line, missing)?.iter().enumerate() {
            let place = self.place(key, at);
            self.found[place].add(cell);
        }
        Ok(true)
    }

    /// The place of a key, which most rows have where the first had it.
    fn place(&mut self, key: &str, at: usize) -> usize {
        if self.names.get(at).is_some_and(|name| name == key) {
            return at;
        }
        if let Some(&place) = self.places.get(key) {
            return place;
        }
        self.places.insert(key.to_owned(), self.names.len());
        self.names.push(key.to_owned());
        self.found.push(Found::default());
        self.names.len() - 1
    }

    /// Adds what was found in the rows that follow.
    fn join(&mut self, below: &Self) {
        for (at, (name, found)) in below.names.iter().zip(&below.found).enumerate() {
            let place = self.place(name, at);
            self.found[place].join(found);
        }
    }
}

/// Columns whose kinds are known.
struct Columns {
    names: Vec<String>,
    places: HashMap<String, usize>,
    kinds: Vec<ColumnKind>,
    /// Which kinds were asked for.
    forced: Vec<bool>,
}

/// The values of a column in some rows.
enum Reading {
    Numbers(Vec<f64>),
    Times(Vec<f64>),
    Booleans(Vec<u32>),
    Texts(Texts),
}

impl Columns {
    fn add(&self, rows: &mut Vec<Reading>, line: &str, missing: &Missing) -> Result<bool> {
        let mut cells: Vec<Cell> = self.names.iter().map(|_| Cell::Missing).collect();
        for (at, (key, cell)) in row(line, missing)?.into_iter().enumerate() {
            let here = self.names.get(at).is_some_and(|name| *name == key).then_some(at);
            let place = here.or_else(|| self.places.get(&*key).copied());
            let place = place.ok_or_else(|| Error::malformed("table", "the file changed while it was read"))?;
            cells[place] = self.of_its_kind(place, cell)?;
        }
        if rows.is_empty() {
            rows.extend(self.kinds.iter().map(|&kind| Reading::new(kind)));
        }
        rows.iter_mut().zip(cells).for_each(|(column, cell)| column.push(&cell));
        Ok(true)
    }

    /// A value as one of its column's kind; times as the numbers they are kept as.
    fn of_its_kind<'a>(&self, place: usize, cell: Cell<'a>) -> Result<Cell<'a>> {
        let kind = self.kinds[place];
        let turned = match (kind, &cell) {
            (_, Cell::Missing)
            | (ColumnKind::Number, Cell::Number(_))
            | (ColumnKind::Boolean, Cell::Boolean(_))
            | (ColumnKind::Category | ColumnKind::Text, Cell::Text(_)) => return Ok(cell),
            (ColumnKind::Category | ColumnKind::Text, _) if self.forced[place] => {
                return Ok(Cell::Text(Cow::Owned(cell.text())));
            }
            (ColumnKind::Number, Cell::Text(text)) if self.forced[place] => number(text).map(Number::value),
            (ColumnKind::Time, Cell::Text(text)) => times::parse(text),
            _ => None,
        };
        let refused = || match (kind, &cell) {
            (ColumnKind::Category | ColumnKind::Text, _) => {
                ErrorKind::NotAText { name: self.names[place].clone(), found: cell.text() }.into()
            }
            _ => times::of_another_kind(&self.names[place], kind, cell.text()),
        };
        turned.map(Cell::Number).ok_or_else(refused)
    }
}

impl Reading {
    fn new(kind: ColumnKind) -> Self {
        match kind {
            ColumnKind::Number => Self::Numbers(Vec::new()),
            ColumnKind::Time => Self::Times(Vec::new()),
            ColumnKind::Boolean => Self::Booleans(Vec::new()),
            ColumnKind::Category | ColumnKind::Text => Self::Texts(Texts::default()),
        }
    }

    fn push(&mut self, cell: &Cell) {
        match self {
            Self::Numbers(numbers) | Self::Times(numbers) => {
                numbers.push(if let Cell::Number(number) = cell { *number } else { f64::NAN });
            }
            Self::Booleans(codes) => {
                codes.push(if let Cell::Boolean(value) = cell { u32::from(*value) } else { MISSING });
            }
            Self::Texts(texts) => texts.add(if let Cell::Text(text) = cell { Some(text) } else { None }),
        }
    }

    fn finish(self) -> Values {
        match self {
            Self::Numbers(numbers) => Values::Number(numbers.into()),
            Self::Times(times) => Values::Time(times.into()),
            Self::Booleans(codes) => Values::Boolean(codes),
            Self::Texts(texts) => texts.finish(),
        }
    }
}
