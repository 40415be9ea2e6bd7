//! When was it?
//!
//! Dates and times as ISO 8601 and RFC 3339 spell them: `2024-02-29`, `2024-02-29T12:30`, `2024-02-29 12:30:00.5`,
//! with `Z` or an offset such as `+02:00` where a zone is known.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use crate::data::csv::ColumnKind;
use crate::data::decimal::Number;
use crate::data::table::{MISSING, Values};
use crate::error::{Error, ErrorKind};

/// The point in time that a text spells, in seconds since 1970-01-01 00:00: in UTC where it names an offset, else on a
/// clock without a zone.
pub(super) fn parse(text: &str) -> Option<f64> {
    let digits = |range: std::ops::Range<usize>| text.as_bytes()[range].iter().all(u8::is_ascii_digit);
    let bytes = text.as_bytes();
    if !(bytes.len() >= 10 && bytes[4] == b'-' && bytes[7] == b'-' && digits(0..4) && digits(5..7) && digits(8..10)) {
        return None;
    }
    let seconds = |time: Timestamp| time.as_second() as f64 + f64::from(time.subsec_nanosecond()) * 1e-9;
    if let Ok(time) = text.parse::<Timestamp>() {
        return Some(seconds(time));
    }
    let time: DateTime = text.parse().ok()?;
    TimeZone::UTC.to_timestamp(time).ok().map(seconds)
}

/// A point in time as text: `2024-02-29`, or `2024-02-29T12:30:00` where it is not midnight.
pub(super) fn text(seconds: f64) -> String {
    // A double tells microseconds of our time apart, and nothing below.
    let microseconds = (seconds * 1e6).round();
    let whole = (microseconds / 1e6).floor();
    let nanoseconds = (microseconds - whole * 1e6) as i32 * 1000;
    let time = Timestamp::new(whole as i64, nanoseconds).map(|time| time.to_string()).unwrap_or_default();
    time.strip_suffix("T00:00:00Z").or(time.strip_suffix('Z')).unwrap_or(&time).to_owned()
}

/// Texts turned into numbers, booleans or times; none where they are to stay texts.
///
/// # Errors
/// The code of the first level that is none.
pub(super) fn of_texts(kind: ColumnKind, levels: &[String], codes: &[u32]) -> Result<Option<Values>, u32> {
    let turned = |of: &dyn Fn(&str) -> Option<f64>| -> Result<Vec<f64>, u32> {
        let levels: Vec<Option<f64>> = levels.iter().map(|level| of(level)).collect();
        let of_row = |&code: &u32| match code {
            MISSING => Ok(f64::NAN),
            code => levels[code as usize].ok_or(code),
        };
        codes.iter().map(of_row).collect()
    };
    Ok(Some(match kind {
        ColumnKind::Category | ColumnKind::Text => return Ok(None),
        ColumnKind::Number => {
            let number = |text: &str| match Number::at_start_of(text.as_bytes()) {
                Some((number, length)) if length == text.len() => Some(number.value()),
                _ => None,
            };
            Values::Number(turned(&number)?.into())
        }
        ColumnKind::Time => Values::Time(turned(&parse)?.into()),
        ColumnKind::Boolean => {
            let boolean = |text: &str| match text.to_ascii_lowercase().as_str() {
                "true" | "1" => Some(1.0),
                "false" | "0" => Some(0.0),
                _ => None,
            };
            let code = |number: f64| if number.is_nan() { MISSING } else { number as u32 };
            Values::Boolean(turned(&boolean)?.into_iter().map(code).collect())
        }
    }))
}

/// The error for a value that is not of the kind its column is to be.
pub(super) fn of_another_kind(name: &str, kind: ColumnKind, found: String) -> Error {
    let name = name.to_owned();
    match kind {
        ColumnKind::Boolean => ErrorKind::NotABoolean { name, found },
        ColumnKind::Time => ErrorKind::NotATime { name, found },
        _ if found.parse::<f64>().is_ok() => ErrorKind::NotFinite { name, found },
        _ => ErrorKind::NotANumber { name, found },
    }
    .into()
}
