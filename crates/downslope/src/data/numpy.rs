//! How does a NumPy array become a table?
//!
//! `.npy` holds one array of numbers or booleans; its columns are named `0`, `1`, … as pandas numbers them. `.npz` holds
//! several, packed or not: `X` becomes the columns `0`, `1`, … and `y` the column `target`, which may hold texts. Under
//! other names the only array of two dimensions and the only one of one are taken. NaN is missing, and so are the words in
//! [`ReadOptions::missing`].
//!
//! What a header says of shapes is not believed: memory grows with the bytes that are there. An array in Fortran's order is
//! read whole, since a row of it is scattered over all the file.

use std::io::Read;

use zip::ZipArchive;

use crate::data::csv::{ReadOptions, forced_kinds};
use crate::data::format::Consume;
use crate::data::missing::Missing;
use crate::data::source::{Positioned, Source};
use crate::data::table::{Column, Places, Table, Values, shortest};
use crate::error::{Error, ErrorKind, Place, Result};

/// First bytes of an array.
pub(super) const MAGIC: &[u8] = b"\x93NUMPY";

/// The column of the labels.
const TARGET: &str = "target";

/// So many values are handed on at a time, unless a row has more.
const PART_VALUES: u64 = 1 << 18;

/// A header of more bytes is none: NumPy refuses them too.
const MAX_HEADER: u32 = 10_000;

const WHAT: &str = "NumPy array";

/// Hands on the rows of an array.
pub(super) fn read_parts(source: &Source, options: &ReadOptions, consume: Consume) -> Result<()> {
    let x = Array::begin(source.reader()?).map_err(|error| error.in_source(source.name()))?;
    hand_on(source, x, None, options, consume).map_err(|error| error.in_source(source.name()))
}

/// Hands on the rows of an archive of arrays.
pub(super) fn read_archive(source: &Source, options: &ReadOptions, consume: Consume) -> Result<()> {
    from_archive(source, options, consume).map_err(|error| error.in_source(source.name()))
}

fn from_archive(source: &Source, options: &ReadOptions, consume: Consume) -> Result<()> {
    let open = || ZipArchive::new(source.packed()).map_err(damaged);
    let mut archive = open()?;
    let mut members = Vec::new();
    for index in 0..archive.len() {
        let member = archive.by_index(index).map_err(damaged)?;
        let name = member.name().map_err(damaged)?.into_owned();
        let Some(name) = name.strip_suffix(".npy") else { continue };
        let header = Array::begin(member).map_err(|error| in_member(&error, name))?.header;
        members.push(Member { index, name: name.to_owned(), shape: header.shape });
    }
    let (x, y) = Member::choose(&members)?;
    let begin = |archive: &mut ZipArchive<Positioned<'_>>, member: &Member| -> Result<Values> {
        let array = Array::begin(archive.by_index(member.index).map_err(damaged)?)?;
        array.vector().map_err(|error| in_member(&error, &member.name))
    };
    let y = y.map(|y| begin(&mut archive, y)).transpose()?;
    let x = Array::begin(archive.by_index(x.index).map_err(damaged)?)?;
    hand_on(source, x, y.as_ref(), options, consume)
}

fn damaged(error: zip::result::ZipError) -> Error {
    Error::malformed("NumPy archive", error)
}

fn in_member(error: &Error, name: &str) -> Error {
    match error.kind() {
        ErrorKind::Malformed { detail, .. } => Error::malformed(WHAT, format_args!("in `{name}`, {detail}")),
        kind => Error::malformed(WHAT, format_args!("in `{name}`, {kind}")),
    }
}

/// An array in an archive.
struct Member {
    index: usize,
    name: String,
    shape: Vec<u64>,
}

impl Member {
    /// The features, and the target if there is one.
    fn choose(members: &[Self]) -> Result<(&Self, Option<&Self>)> {
        let named = |name| members.iter().find(|member| member.name == name);
        let only = |n_dimensions| {
            let mut fitting = members.iter().filter(|member| member.shape.len() == n_dimensions);
            fitting.next().filter(|_| fitting.next().is_none())
        };
        let n_vectors = members.iter().filter(|member| member.shape.len() == 1).count();
        match (named("X").or_else(|| only(2)), named("y").or_else(|| only(1))) {
            (Some(x), y) if y.is_some() || n_vectors == 0 || x.name == "X" => Ok((x, y)),
            _ => {
                let list: Vec<String> =
                    members.iter().map(|Self { name, shape, .. }| format!("`{name}` {shape:?}")).collect();
                let list = if list.is_empty() { "none".to_owned() } else { list.join(", ") };
                Err(Error::malformed("NumPy archive with arrays `X` and `y`", format_args!("found {list}")))
            }
        }
    }
}

/// What an array holds.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Element {
    /// NumPy's letter.
    kind: u8,
    n_bytes: usize,
    is_big_endian: bool,
}

impl Element {
    fn of(descr: &str) -> Option<Self> {
        let (order, kind, size) = match descr.as_bytes() {
            [order @ (b'<' | b'>' | b'|' | b'='), kind, size @ ..] => (*order, *kind, size),
            _ => return None,
        };
        let size: usize = std::str::from_utf8(size).ok()?.parse().ok()?;
        let n_bytes = if kind == b'U' { size.checked_mul(4)? } else { size };
        let is_known = match kind {
            b'f' => [4, 8].contains(&size),
            b'i' | b'u' => [1, 2, 4, 8].contains(&size),
            b'b' => size == 1,
            b'U' | b'S' => (1..1 << 16).contains(&size),
            _ => false,
        };
        is_known.then_some(Self { kind, n_bytes, is_big_endian: order == b'>' })
    }

    fn is_text(self) -> bool {
        matches!(self.kind, b'U' | b'S')
    }

    fn number(self, bytes: &[u8]) -> f64 {
        let mut word = [0; 8];
        if self.is_big_endian {
            word.iter_mut().zip(bytes.iter().rev()).for_each(|(to, from)| *to = *from);
        } else {
            word[..bytes.len()].copy_from_slice(bytes);
        }
        let unsigned = u64::from_le_bytes(word);
        match (self.kind, self.n_bytes) {
            (b'f', 4) => f32::from_bits(unsigned as u32).into(),
            (b'f', _) => f64::from_bits(unsigned),
            (b'i', n_bytes) => {
                let above = 64 - 8 * n_bytes as u32;
                ((unsigned << above).cast_signed() >> above) as f64
            }
            _ => unsigned as f64,
        }
    }

    fn text(self, bytes: &[u8]) -> Option<String> {
        if self.kind == b'S' {
            let end = bytes.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
            return std::str::from_utf8(&bytes[..end]).ok().map(str::to_owned);
        }
        let points = bytes.as_chunks().0.iter();
        let points =
            points.map(|&bytes| if self.is_big_endian { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) });
        let text: String = points.map(char::from_u32).collect::<Option<_>>()?;
        Some(text.trim_end_matches('\0').to_owned())
    }

    /// The values of some rows that begin at places in the bytes.
    fn values(self, bytes: &[u8], starts: impl Iterator<Item = usize>) -> Result<Values> {
        let elements = starts.map(|start| &bytes[start..start + self.n_bytes]);
        if self.is_text() {
            let texts = elements.map(|bytes| self.text(bytes)).collect::<Option<Vec<_>>>();
            let texts = texts.ok_or_else(|| Error::malformed(WHAT, "a text in it is no Unicode"))?;
            return Ok(Values::categories(
                texts.iter().map(|text| Some(text.as_str()).filter(|text| !text.is_empty())),
            ));
        }
        Ok(match self.kind {
            b'b' => Values::Boolean(elements.map(|bytes| u32::from(bytes[0] != 0)).collect()),
            _ => Values::Number(elements.map(|bytes| self.number(bytes)).collect::<Vec<_>>().into()),
        })
    }
}

/// What stands before the values.
#[derive(Debug, PartialEq)]
struct Header {
    element: Element,
    is_fortran: bool,
    shape: Vec<u64>,
}

impl Header {
    /// Reads the Python dictionary that NumPy writes: `{'descr': '<f8', 'fortran_order': False, 'shape': (3, 4), }`.
    fn parse(text: &str) -> Result<Self> {
        let value = |key: &str| {
            let (_, behind) = text.split_once(&format!("'{key}':"))?;
            Some(behind.trim_start())
        };
        let malformed = |detail: &str| Error::malformed(WHAT, detail);
        let descr = value("descr").ok_or_else(|| malformed("its header says no `descr`"))?;
        let descr = descr.strip_prefix('\'').and_then(|text| Some(text.split_once('\'')?.0)).unwrap_or("records");
        let element = Element::of(descr)
            .ok_or_else(|| Error::malformed(WHAT, format_args!("values of type {descr:?} are not read")))?;
        let order = value("fortran_order").ok_or_else(|| malformed("its header says no `fortran_order`"))?;
        let shape = value("shape").and_then(|text| Some(text.strip_prefix('(')?.split_once(')')?.0));
        let shape = shape.ok_or_else(|| malformed("its header says no `shape`"))?;
        let lengths = shape.split(',').map(str::trim).filter(|length| !length.is_empty());
        let shape = lengths.map(|length| length.parse().ok()).collect::<Option<Vec<_>>>();
        let shape = shape.ok_or_else(|| malformed("a length in its shape is no number"))?;
        Ok(Self { element, is_fortran: order.starts_with("True"), shape })
    }
}

/// An array whose header was read.
struct Array<R> {
    header: Header,
    data: R,
}

impl<R: Read> Array<R> {
    fn begin(mut data: R) -> Result<Self> {
        let short = |_| Error::malformed(WHAT, "it is cut short in its header");
        let mut start = [0; 8];
        data.read_exact(&mut start).map_err(short)?;
        if !start.starts_with(MAGIC) {
            return Err(Error::malformed(WHAT, "it does not begin as one"));
        }
        let mut length = [0; 4];
        let n_bytes = if start[6] == 1 { 2 } else { 4 };
        data.read_exact(&mut length[..n_bytes]).map_err(short)?;
        let n_header = u32::from_le_bytes(length);
        if n_header > MAX_HEADER {
            return Err(Error::malformed(WHAT, format_args!("its header has {n_header} bytes")));
        }
        let mut text = vec![0; n_header as usize];
        data.read_exact(&mut text).map_err(short)?;
        let header = Header::parse(&String::from_utf8_lossy(&text))?;
        Ok(Self { header, data })
    }

    /// Reads so many values, or all that are left of them.
    fn read(&mut self, n_values: u64) -> Result<Vec<u8>> {
        let wanted = n_values.saturating_mul(self.header.element.n_bytes as u64);
        let mut bytes = Vec::new();
        let n_read = self.data.by_ref().take(wanted).read_to_end(&mut bytes);
        let n_read = n_read.map_err(|error| Error::malformed(WHAT, error))? as u64;
        if n_read == wanted {
            return Ok(bytes);
        }
        Err(Error::malformed(
            WHAT,
            format_args!("it is cut short: of shape {:?}, but its values end before", self.header.shape),
        ))
    }

    /// All values of an array of one dimension.
    fn vector(mut self) -> Result<Values> {
        let Header { element, ref shape, .. } = self.header;
        let n_rows = match shape.as_slice() {
            &[n_rows] | &[n_rows, 1] => n_rows,
            shape => {
                return Err(Error::malformed(WHAT, format_args!("a target has one dimension, found shape {shape:?}")));
            }
        };
        let bytes = self.read(n_rows)?;
        let values = element.values(&bytes, (0..bytes.len()).step_by(element.n_bytes))?;
        check_finite(&values, TARGET, 0, &Place::default())?;
        Ok(values)
    }
}

/// Hands on the rows of a matrix, with a target beside it.
fn hand_on<R: Read>(
    source: &Source,
    mut x: Array<R>,
    y: Option<&Values>,
    options: &ReadOptions,
    consume: Consume,
) -> Result<()> {
    let Header { element, is_fortran, ref shape } = x.header;
    let (n_rows, n_columns) = match shape.as_slice() {
        &[n_rows] => (n_rows, 1),
        &[n_rows, n_columns] => (n_rows, n_columns),
        shape => {
            return Err(Error::malformed(
                "NumPy array of one or two dimensions",
                format_args!("found shape {shape:?}"),
            ));
        }
    };
    if element.is_text() {
        return Err(Error::malformed("NumPy array of numbers", "found texts"));
    }
    if let Some(y) = y
        && y.len() as u64 != n_rows
    {
        return Err(Error::malformed("NumPy archive", format_args!("`X` has {n_rows} rows, `y` {}", y.len())));
    }
    if n_rows == 0 || n_columns == 0 {
        return Err(ErrorKind::NoRows.into());
    }
    let n_values = n_rows.saturating_mul(n_columns);
    let whole = if is_fortran { Some(x.read(n_values)?) } else { None };
    let part_rows = (PART_VALUES / n_columns).max(1);
    let (mut forced, missing) = (Vec::new(), Missing::of(options));
    for first in (0..n_rows).step_by(part_rows as usize) {
        let n_part = part_rows.min(n_rows - first);
        let read = if is_fortran { None } else { Some(x.read(n_part * n_columns)?) };
        let bytes = whole.as_ref().or(read.as_ref()).map_or(&[][..], Vec::as_slice);
        let n_part = n_part as usize;
        let (down, across) = if is_fortran { (1, n_rows as usize) } else { (n_columns as usize, 1) };
        let start = if is_fortran { first as usize } else { 0 };
        let mut columns = Vec::new();
        for column in 0..n_columns as usize {
            let starts = (0..n_part).map(|row| (start + row * down + column * across) * element.n_bytes);
            let values = element.values(bytes, starts)?;
            let place = Place::default().column(column as u64 + 1);
            check_finite(&values, &column.to_string(), first, &place)?;
            columns.push(Column { name: column.to_string(), values: missing.taken_from(values) });
        }
        if let Some(y) = y {
            let rows: Vec<u32> = (first as u32..first as u32 + n_part as u32).collect();
            columns.push(Column { name: TARGET.to_owned(), values: missing.taken_from(y.rows(&rows)) });
        }
        if first == 0 {
            let names: Vec<String> = columns.iter().map(|column| column.name.clone()).collect();
            forced = forced_kinds(&names, options)?;
        }
        consume(Table::from_columns(source.name(), columns)?.with_places(Places::Rows(first)).with_kinds(&forced)?)?;
    }
    Ok(())
}

/// Numbers must be finite, or missing; rows count from `first`.
pub(super) fn check_finite(values: &Values, name: &str, first: u64, place: &Place) -> Result<()> {
    let (Values::Number(numbers) | Values::Time(numbers)) = values else { return Ok(()) };
    let infinite = numbers.iter().enumerate().find(|(_, number)| number.is_infinite());
    infinite.map_or(Ok(()), |(row, number)| {
        let kind = ErrorKind::NotFinite { name: name.to_owned(), found: shortest(number) };
        Err(Error::from(kind).at(place.clone().row(first + row as u64 + 1)))
    })
}
