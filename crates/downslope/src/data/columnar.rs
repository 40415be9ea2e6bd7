//! How do Parquet files and Arrow's own become tables, and tables become them?
//!
//! Whole and decimal numbers of any width become `f64`: whole numbers beyond 2⁵³ are rounded. Booleans, texts (as a
//! dictionary or not), dates and timestamps are what they are; a timestamp with a zone is in UTC. Null and NaN are missing, and so are
//! the words in [`ReadOptions::missing`].
//! Columns of lists, records, bytes, durations are left out, and told of.
//!
//! Written are numbers as `f64`, booleans, texts, and times as timestamps of microseconds without a zone.

use std::fs::File;
use std::io::{self, Read, Write};
use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Date64Type, Decimal32Type, Decimal64Type, Decimal128Type, Decimal256Type, DecimalType, Float16Type,
    Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, TimestampMicrosecondType,
    TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType, UInt8Type, UInt16Type, UInt32Type,
    UInt64Type,
};
use arrow_array::{
    Array, ArrayRef, ArrowPrimitiveType, BooleanArray, Float64Array, NullArray, RecordBatch, StringArray,
    TimestampMicrosecondArray,
};
use arrow_ipc::reader::{FileReader, StreamReader};
use arrow_ipc::writer::FileWriter;
use arrow_schema::{ArrowError, DataType, Field, Schema, TimeUnit};
use bytes::Bytes;
use parquet::arrow::arrow_reader::{ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use parquet::arrow::{ArrowWriter, ProjectionMask};
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::reader::{ChunkReader, Length};

use crate::data::claims;
use crate::data::csv::{ColumnKind, ReadOptions, forced_kinds};
use crate::data::format::Consume;
use crate::data::missing::Missing;
use crate::data::notice::Notice;
use crate::data::numpy::check_finite;
use crate::data::source::{Source, read_at};
use crate::data::table::{Column, MISSING, Places, Table, Values};
use crate::error::{Error, ErrorKind, Place, Result};

/// So many rows are read, or written, at a time.
const PART_ROWS: usize = 1 << 15;

const PARQUET: &str = "Parquet file";
const ARROW: &str = "file of Arrow's";

/// Hands on the rows of a Parquet file.
pub(super) fn read_parquet(source: &Source, options: &ReadOptions, consume: Consume) -> Result<()> {
    from_parquet(source, options, consume).map_err(|error| error.in_source(source.name()))
}

fn from_parquet(source: &Source, options: &ReadOptions, consume: Consume) -> Result<()> {
    let damaged = |error: ParquetError| Error::malformed(PARQUET, error);
    // The schema of Arrow that a writer may have left beside Parquet's own would only make more kinds of columns.
    let arrow_options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
    let chunks = Chunks::of(source)?;
    let builder = guarded(PARQUET, || ParquetRecordBatchReaderBuilder::try_new_with_options(chunks, arrow_options))?;
    let builder = builder.map_err(damaged)?;
    let mut parts = Parts::new(source, builder.schema(), options, consume)?;
    let mask = ProjectionMask::roots(builder.parquet_schema(), parts.readable.iter().copied());
    let builder = builder.with_projection(mask).with_batch_size(PART_ROWS);
    let mut reader = guarded(PARQUET, || builder.build())?.map_err(damaged)?;
    while let Some(batch) = guarded(PARQUET, || reader.next())? {
        parts.hand_on(&batch.map_err(|error| Error::malformed(PARQUET, error))?)?;
    }
    parts.finish()
}

/// Hands on the rows of an Arrow file, also known as Feather.
pub(super) fn read_arrow(source: &Source, options: &ReadOptions, consume: Consume) -> Result<()> {
    claims::check_file(ARROW, source)?;
    let batches = |projection| FileReader::try_new_buffered(source.packed(), projection);
    let schema = || batches(None).map(|reader| reader.schema());
    from_arrow(source, schema, |projection| batches(Some(projection)), options, consume)
}

/// Hands on the rows of an Arrow stream.
pub(super) fn read_stream(source: &Source, options: &ReadOptions, consume: Consume) -> Result<()> {
    claims::check_stream(ARROW, source)?;
    let (head, bytes) = (source.reader()?, source.reader()?);
    let schema = || StreamReader::try_new(head, None).map(|reader| reader.schema());
    from_arrow(source, schema, |projection| StreamReader::try_new(bytes, Some(projection)), options, consume)
}

fn from_arrow<R: Iterator<Item = std::result::Result<RecordBatch, ArrowError>>>(
    source: &Source,
    schema: impl FnOnce() -> std::result::Result<Arc<Schema>, ArrowError>,
    batches: impl FnOnce(Vec<usize>) -> std::result::Result<R, ArrowError>,
    options: &ReadOptions,
    consume: Consume,
) -> Result<()> {
    let damaged = |error: ArrowError| Error::malformed(ARROW, error).in_source(source.name());
    let hand_on = || {
        let schema = guarded(ARROW, schema)?.map_err(damaged)?;
        let mut parts = Parts::new(source, &schema, options, consume)?;
        let readable = parts.readable.clone();
        let mut batches = guarded(ARROW, || batches(readable))?.map_err(damaged)?;
        while let Some(batch) = guarded(ARROW, || batches.next())? {
            let batch = batch.map_err(damaged)?;
            for first in (0..batch.num_rows()).step_by(PART_ROWS) {
                parts.hand_on(&batch.slice(first, PART_ROWS.min(batch.num_rows() - first)))?;
            }
        }
        parts.finish()
    };
    hand_on().map_err(|error| error.in_source(source.name()))
}

/// Does what a library does, which panics at some bytes that no writer would have written: that is an error like others.
fn guarded<T>(what: &'static str, read: impl FnOnce() -> T) -> Result<T> {
    panic::catch_unwind(AssertUnwindSafe(read)).map_err(|panic| {
        let words = panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
        Error::malformed(what, words.unwrap_or("it is damaged"))
    })
}

/// What a Parquet file is read from.
enum Chunks {
    Memory(Bytes),
    File { file: Arc<File>, n_bytes: u64 },
}

impl Chunks {
    fn of(source: &Source) -> Result<Self> {
        if let Some(file) = source.file() {
            return Ok(Self::File { file: Arc::clone(file), n_bytes: source.n_bytes() });
        }
        let mut bytes = Vec::new();
        source.packed().read_to_end(&mut bytes).map_err(|error| source.refused(error))?;
        Ok(Self::Memory(bytes.into()))
    }
}

impl Length for Chunks {
    fn len(&self) -> u64 {
        match self {
            Self::Memory(bytes) => bytes.len() as u64,
            Self::File { n_bytes, .. } => *n_bytes,
        }
    }
}

impl ChunkReader for Chunks {
    type T = io::BufReader<FromHere>;

    fn get_read(&self, start: u64) -> parquet::errors::Result<Self::T> {
        let chunks = match self {
            Self::Memory(bytes) => Self::Memory(bytes.clone()),
            Self::File { file, n_bytes } => Self::File { file: Arc::clone(file), n_bytes: *n_bytes },
        };
        Ok(io::BufReader::new(FromHere { chunks, at: start }))
    }

    fn get_bytes(&self, start: u64, length: usize) -> parquet::errors::Result<Bytes> {
        let end = start.checked_add(length as u64).filter(|&end| end <= self.len());
        let Some(end) = end else {
            return Err(ParquetError::EOF(format!("it ends before byte {}", start.saturating_add(length as u64))));
        };
        match self {
            Self::Memory(bytes) => Ok(bytes.slice(start as usize..end as usize)),
            Self::File { .. } => {
                let mut bytes = vec![0; length];
                self.get_read(start)?.read_exact(&mut bytes)?;
                Ok(bytes.into())
            }
        }
    }
}

/// The bytes from some place on.
struct FromHere {
    chunks: Chunks,
    at: u64,
}

impl Read for FromHere {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n_read = match &self.chunks {
            Chunks::Memory(bytes) => bytes.get(self.at as usize..).unwrap_or_default().read(buffer)?,
            Chunks::File { file, .. } => read_at(file, buffer, self.at)?,
        };
        self.at += n_read as u64;
        Ok(n_read)
    }
}

/// Hands on batches of rows as tables.
struct Parts<'a> {
    source: &'a str,
    /// The columns that are read, by their place in the file.
    readable: Vec<usize>,
    names: Vec<String>,
    forced: Vec<Option<ColumnKind>>,
    missing: Missing<'a>,
    /// Of the columns that are not.
    notices: Vec<Notice>,
    n_rows: u64,
    consume: Consume<'a>,
}

impl<'a> Parts<'a> {
    fn new(source: &'a Source, schema: &Schema, options: &'a ReadOptions, consume: Consume<'a>) -> Result<Self> {
        let (mut readable, mut names, mut notices) = (Vec::new(), Vec::new(), Vec::new());
        for (place, field) in schema.fields().iter().enumerate() {
            if is_readable(field.data_type()) {
                readable.push(place);
                names.push(field.name().clone());
            } else {
                let column = field.name().clone();
                notices.push(Notice::ColumnUnreadable { column, holds: field.data_type().to_string() });
            }
        }
        if let (true, Some(Notice::ColumnUnreadable { column, holds })) = (readable.is_empty(), notices.first()) {
            let detail = format_args!("column `{column}` ({holds}) is not read, and there is no other that is");
            return Err(Error::malformed("table", detail));
        }
        let forced = forced_kinds(&names, options)?;
        Ok(Self {
            source: source.name(),
            readable,
            names,
            forced,
            missing: Missing::of(options),
            notices,
            n_rows: 0,
            consume,
        })
    }

    fn hand_on(&mut self, batch: &RecordBatch) -> Result<()> {
        if batch.num_rows() == 0 {
            return Ok(());
        }
        let mut columns = Vec::with_capacity(self.names.len());
        for ((array, name), place) in batch.columns().iter().zip(&self.names).zip(1..) {
            let values = values(array).ok_or_else(|| Error::malformed("table", "a column changes its type"))?;
            check_finite(&values, name, self.n_rows, &Place::default().column(place))?;
            columns.push(Column { name: name.clone(), values: self.missing.taken_from(values) });
        }
        let table = Table::from_columns(self.source, columns)?.with_places(Places::Rows(self.n_rows));
        let table = table.with_kinds(&self.forced)?;
        self.n_rows += batch.num_rows() as u64;
        (self.consume)(self.notices.drain(..).fold(table, Table::with_notice))
    }

    fn finish(self) -> Result<()> {
        if self.n_rows == 0 { Err(ErrorKind::NoRows.into()) } else { Ok(()) }
    }
}

fn is_readable(of: &DataType) -> bool {
    match of {
        DataType::Dictionary(_, of) => matches!(**of, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View),
        DataType::Null
        | DataType::Boolean
        | DataType::Utf8
        | DataType::LargeUtf8
        | DataType::Utf8View
        | DataType::Date32
        | DataType::Date64
        | DataType::Timestamp(..) => true,
        of => of.is_numeric(),
    }
}

/// The values of a column of any type that is read.
fn values(array: &ArrayRef) -> Option<Values> {
    let number = |numbers: Vec<f64>| Values::Number(numbers.into());
    Some(match array.data_type() {
        DataType::Null => number(vec![f64::NAN; array.len()]),
        DataType::Int8 => number(floats::<Int8Type>(array, f64::from)),
        DataType::Int16 => number(floats::<Int16Type>(array, f64::from)),
        DataType::Int32 => number(floats::<Int32Type>(array, f64::from)),
        DataType::Int64 => number(floats::<Int64Type>(array, |number| number as f64)),
        DataType::UInt8 => number(floats::<UInt8Type>(array, f64::from)),
        DataType::UInt16 => number(floats::<UInt16Type>(array, f64::from)),
        DataType::UInt32 => number(floats::<UInt32Type>(array, f64::from)),
        DataType::UInt64 => number(floats::<UInt64Type>(array, |number| number as f64)),
        DataType::Float16 => number(floats::<Float16Type>(array, f64::from)),
        DataType::Float32 => number(floats::<Float32Type>(array, f64::from)),
        DataType::Float64 => number(floats::<Float64Type>(array, |number| number)),
        DataType::Decimal32(..) => number(decimals::<Decimal32Type>(array)),
        DataType::Decimal64(..) => number(decimals::<Decimal64Type>(array)),
        DataType::Decimal128(..) => number(decimals::<Decimal128Type>(array)),
        DataType::Decimal256(..) => number(decimals::<Decimal256Type>(array)),
        DataType::Date32 => Values::Time(floats::<Date32Type>(array, |days| f64::from(days) * 86_400.0).into()),
        DataType::Date64 => Values::Time(floats::<Date64Type>(array, |ticks| seconds(ticks, 1_000)).into()),
        DataType::Timestamp(unit, _) => Values::Time(
            match unit {
                TimeUnit::Second => floats::<TimestampSecondType>(array, |ticks| seconds(ticks, 1)),
                TimeUnit::Millisecond => floats::<TimestampMillisecondType>(array, |ticks| seconds(ticks, 1_000)),
                TimeUnit::Microsecond => floats::<TimestampMicrosecondType>(array, |ticks| seconds(ticks, 1_000_000)),
                TimeUnit::Nanosecond => floats::<TimestampNanosecondType>(array, |ticks| seconds(ticks, 1_000_000_000)),
            }
            .into(),
        ),
        DataType::Boolean => {
            Values::Boolean(array.as_boolean().iter().map(|value| value.map_or(MISSING, u32::from)).collect())
        }
        DataType::Utf8 => Values::categories(array.as_string::<i32>()),
        DataType::LargeUtf8 => Values::categories(array.as_string::<i64>()),
        DataType::Utf8View => Values::categories(array.as_string_view()),
        DataType::Dictionary(..) => {
            let dictionary = array.as_any_dictionary_opt()?;
            let of_dictionary = values(dictionary.values())?;
            let Values::Category { levels, codes } = of_dictionary else { return None };
            // Without a text every key is null.
            let keys = if codes.is_empty() { vec![0; array.len()] } else { dictionary.normalized_keys() };
            Values::categories(keys.iter().enumerate().map(|(row, &key)| {
                let code = codes.get(key).copied().filter(|_| dictionary.keys().is_valid(row));
                code.and_then(|code| levels.get(code as usize)).map(String::as_str)
            }))
        }
        _ => return None,
    })
}

fn floats<T: ArrowPrimitiveType>(array: &ArrayRef, float: impl Fn(T::Native) -> f64) -> Vec<f64> {
    array.as_primitive::<T>().iter().map(|value| value.map_or(f64::NAN, &float)).collect()
}

/// Decimals as the nearest `f64`, which their digits spell.
fn decimals<T: DecimalType>(array: &ArrayRef) -> Vec<f64> {
    let array = array.as_primitive::<T>();
    let number =
        |row| if array.is_null(row) { f64::NAN } else { array.value_as_string(row).parse().unwrap_or(f64::NAN) };
    (0..array.len()).map(number).collect()
}

/// Ticks since 1970 in seconds, the whole and the rest apart as `times::parse` adds them.
fn seconds(ticks: i64, a_second: i64) -> f64 {
    let (whole, rest) = (ticks.div_euclid(a_second), ticks.rem_euclid(a_second));
    whole as f64 + (rest * (1_000_000_000 / a_second)) as f64 * 1e-9
}

/// Writes a table as a Parquet file, packed by zstd.
pub(super) fn write_parquet(table: &Table, out: &mut (dyn Write + Send)) -> Result<()> {
    let level = ZstdLevel::try_new(3).map_err(refused_by_parquet)?;
    let properties = WriterProperties::builder().set_compression(Compression::ZSTD(level)).build();
    let schema = schema(table)?;
    let writer = ArrowWriter::try_new(out, Arc::clone(&schema), Some(properties));
    let mut writer = writer.map_err(refused_by_parquet)?;
    for first in (0..table.n_rows()).step_by(PART_ROWS) {
        writer.write(&batch(table, &schema, first)?).map_err(refused_by_parquet)?;
    }
    writer.close().map(drop).map_err(refused_by_parquet)
}

/// Writes a table as an Arrow file, not packed.
pub(super) fn write_arrow(table: &Table, out: &mut (dyn Write + Send)) -> Result<()> {
    let schema = schema(table)?;
    let mut writer = FileWriter::try_new_buffered(out, &schema).map_err(refused)?;
    for first in (0..table.n_rows()).step_by(PART_ROWS) {
        writer.write(&batch(table, &schema, first)?).map_err(refused)?;
    }
    writer.finish().map_err(refused)
}

fn refused_by_parquet(error: ParquetError) -> Error {
    match error {
        ParquetError::External(error) => match error.downcast::<io::Error>() {
            Ok(error) => Error::not_written(*error),
            Err(error) => Error::malformed(PARQUET, error),
        },
        error => Error::malformed(PARQUET, error),
    }
}

fn refused(error: ArrowError) -> Error {
    match error {
        ArrowError::IoError(_, error) => Error::not_written(error),
        error => Error::malformed(ARROW, error),
    }
}

fn schema(table: &Table) -> Result<Arc<Schema>> {
    let field = |column: &Column| {
        let of = match &column.values {
            Values::Number(_) => DataType::Float64,
            Values::Boolean(_) => DataType::Boolean,
            Values::Category { .. } => DataType::Utf8,
            Values::Time(_) => DataType::Timestamp(TimeUnit::Microsecond, None),
            Values::Sparse(_) => return Err(column.no_form("plain columns")),
        };
        Ok(Field::new(&column.name, of, true))
    };
    Ok(Arc::new(Schema::new(table.columns().iter().map(field).collect::<Result<Vec<_>>>()?)))
}

/// Some rows as Arrow has them.
fn batch(table: &Table, schema: &Arc<Schema>, first: usize) -> Result<RecordBatch> {
    let rows = first..table.n_rows().min(first + PART_ROWS);
    let array = |column: &Column| -> ArrayRef {
        let present = |number: f64| Some(number).filter(|number| !number.is_nan());
        match &column.values {
            Values::Number(numbers) => {
                Arc::new(rows.clone().map(|row| present(numbers.get(row))).collect::<Float64Array>())
            }
            Values::Time(times) => {
                let ticks = rows.clone().map(|row| present(times.get(row)).map(|time| (time * 1e6).round() as i64));
                Arc::new(ticks.collect::<TimestampMicrosecondArray>())
            }
            Values::Boolean(codes) => {
                let values = codes[rows.clone()].iter().map(|&code| (code != MISSING).then_some(code == 1));
                Arc::new(values.collect::<BooleanArray>())
            }
            Values::Category { levels, codes } => {
                let texts = codes[rows.clone()].iter().map(|&code| levels.get(code as usize).map(String::as_str));
                Arc::new(texts.collect::<StringArray>())
            }
            // `schema` has refused them.
            Values::Sparse(_) => Arc::new(NullArray::new(rows.len())),
        }
    };
    let columns = table.columns().iter().map(array).collect();
    RecordBatch::try_new(Arc::clone(schema), columns).map_err(refused)
}
