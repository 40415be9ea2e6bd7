//! How is a quantity written for a person?
//!
//! Three significant digits, a unit a person would say, and nothing that pretends to more. Every report, figure and
//! terminal line takes its numbers from here, so that the same value reads the same everywhere. Machine-readable
//! output (CSV, JSON) does not: it keeps every digit.

/// A number to three significant digits, four from a thousand on: `0.0312`, `1.24`, `4,124`, `3.1e-7`, `2.5e8`.
///
/// Numbers below 0.001 or from a million on are written with an exponent, trailing zeros are left out, and what is not
/// finite is `∞`, `-∞` or `not a number`.
///
/// ```
/// # use downslope_view::quantity::number;
/// assert_eq!(number(0.031_24), "0.0312");
/// assert_eq!(number(412_000.0), "412,000");
/// assert_eq!(number(0.000_000_31), "3.1e-7");
/// ```
pub fn number(value: f64) -> String {
    if let Some(word) = not_finite(value) {
        return word;
    }
    let (mantissa, exponent) = scientific(value, 3);
    match exponent {
        _ if value.abs() < f64::MIN_POSITIVE => "0".to_owned(),
        -3..=2 => trimmed(format!("{value:.*}", decimals(2 - exponent))),
        3..=5 => {
            let (mantissa, exponent) = scientific(value, 4);
            grouped(mantissa * 10_f64.powi(exponent), 0)
        }
        _ => format!("{}e{exponent}", trimmed(format!("{mantissa:.2}"))),
    }
}

/// A whole number with its thousands set apart: `43,152`.
///
/// ```
/// # use downslope_view::quantity::count;
/// assert_eq!(count(43_152), "43,152");
/// ```
pub fn count(value: u64) -> String {
    group_digits(&value.to_string())
}

/// A span of time in the unit one would say it in: `412 ns`, `3.2 µs`, `1.25 ms`, `2.1 s`, `3 min 20 s`, `2 h 5 min`.
///
/// ```
/// # use downslope_view::quantity::seconds;
/// assert_eq!(seconds(0.001_25), "1.25 ms");
/// assert_eq!(seconds(200.0), "3 min 20 s");
/// ```
pub fn seconds(value: f64) -> String {
    if let Some(word) = not_finite(value) {
        return word;
    }
    if value < 0.0 {
        return format!("-{}", seconds(-value));
    }
    if value < f64::MIN_POSITIVE {
        return "0 s".to_owned();
    }
    // The thresholds are where three digits round up into the next unit.
    for (below, factor, unit) in [(999.5e-9, 1e9, "ns"), (999.5e-6, 1e6, "µs"), (0.9995, 1e3, "ms"), (59.95, 1.0, "s")]
    {
        if value < below {
            return format!("{} {unit}", number(value * factor));
        }
    }
    for (below, large, small, names) in [
        (3_599.5, 60.0, 1.0, ["min", "s"]),
        (86_370.0, 3_600.0, 60.0, ["h", "min"]),
        (f64::INFINITY, 86_400.0, 3_600.0, ["d", "h"]),
    ] {
        if value < below {
            let units = (value / small).round();
            let each = large / small;
            let (whole, rest) = ((units / each).floor(), units % each);
            let whole = grouped(whole, 0);
            return if rest < 0.5 {
                format!("{whole} {}", names[0])
            } else {
                format!("{whole} {} {rest} {}", names[0], names[1])
            };
        }
    }
    number(value)
}

/// Rows handled each second: `840 rows/s`, `35.2 k rows/s`, `1.2 M rows/s`, `3.4 G rows/s`.
///
/// ```
/// # use downslope_view::quantity::rate;
/// assert_eq!(rate(1_200_000.0), "1.2 M rows/s");
/// ```
pub fn rate(rows_per_s: f64) -> String {
    let magnitude = rows_per_s.abs();
    for (from, factor, unit) in [(999.5e6, 1e-9, "G "), (999.5e3, 1e-6, "M "), (999.5, 1e-3, "k ")] {
        if magnitude >= from && magnitude.is_finite() {
            return format!("{} {unit}rows/s", number(rows_per_s * factor));
        }
    }
    format!("{} rows/s", number(rows_per_s))
}

/// A share of one as a percentage: `0.965` is `96.5%`.
///
/// What is not quite everything never reads `100%`, and what is not quite nothing never reads `0%`.
///
/// ```
/// # use downslope_view::quantity::percent;
/// assert_eq!(percent(0.965), "96.5%");
/// assert_eq!(percent(0.9998), "99.98%");
/// ```
pub fn percent(share: f64) -> String {
    if let Some(word) = not_finite(share) {
        return word;
    }
    if share < 0.0 {
        return format!("-{}", percent(-share));
    }
    let value = share * 100.0;
    let whole = [0.0, 100.0];
    for digits in 1..=3 {
        let text = trimmed(format!("{value:.digits$}"));
        let rounded_onto_whole = whole.iter().any(|w| text == w.to_string() && (value - w).abs() > 1e-9);
        if !rounded_onto_whole {
            return format!("{text}%");
        }
    }
    if value < 1.0 {
        "<0.001%".to_owned()
    } else if value < 100.0 {
        ">99.999%".to_owned()
    } else {
        "100%".to_owned()
    }
}

/// A number with exactly `digits` digits after the point and its thousands set apart.
pub(crate) fn grouped(value: f64, digits: usize) -> String {
    let text = format!("{value:.digits$}");
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let whole = group_digits(whole);
    if fraction.is_empty() { whole } else { format!("{whole}.{fraction}") }
}

/// The mantissa and exponent of a finite number, rounded to some digits, so that 9.996 is (1.00, 1).
fn scientific(value: f64, digits: usize) -> (f64, i32) {
    let text = format!("{value:.*e}", digits - 1);
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    (mantissa.parse().unwrap_or(0.0), exponent.parse().unwrap_or(0))
}

fn decimals(wanted: i32) -> usize {
    usize::try_from(wanted).unwrap_or(0)
}

fn trimmed(text: String) -> String {
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

fn group_digits(digits: &str) -> String {
    let (sign, digits) = digits.strip_prefix('-').map_or(("", digits), |rest| ("-", rest));
    let mut out = sign.to_owned();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

fn not_finite(value: f64) -> Option<String> {
    let word = match value {
        v if v.is_nan() => "not a number",
        f64::INFINITY => "∞",
        f64::NEG_INFINITY => "-∞",
        _ => return None,
    };
    Some(word.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_three_digits_and_stay_readable() {
        let cases = [
            (0.0, "0"),
            (-0.0, "0"),
            (0.031_249, "0.0312"),
            (1.24, "1.24"),
            (1.0, "1"),
            (9.999, "10"),
            (999.6, "1,000"),
            (-12.345, "-12.3"),
            (4_123.6, "4,124"),
            (412_000.0, "412,000"),
            (412_345.0, "412,300"),
            (999_999.0, "1e6"),
            (3.1e-7, "3.1e-7"),
            (0.001, "0.001"),
            (0.000_999_9, "0.001"),
            (0.000_5, "5e-4"),
            (1.234e38, "1.23e38"),
            (5e-324, "0"),
            (f64::NAN, "not a number"),
            (f64::NEG_INFINITY, "-∞"),
        ];
        for (value, text) in cases {
            assert_eq!(number(value), text, "{value}");
        }
    }

    #[test]
    fn seconds_are_said_in_the_unit_one_would_say() {
        let cases = [
            (0.0, "0 s"),
            (4.12e-7, "412 ns"),
            (3.2e-6, "3.2 µs"),
            (999.7e-6, "1 ms"),
            (0.001_25, "1.25 ms"),
            (2.1, "2.1 s"),
            (59.96, "1 min"),
            (60.0, "1 min"),
            (200.0, "3 min 20 s"),
            (3_599.7, "1 h"),
            (7_500.0, "2 h 5 min"),
            (270_000.0, "3 d 3 h"),
            (-1.5, "-1.5 s"),
            (f64::INFINITY, "∞"),
        ];
        for (value, text) in cases {
            assert_eq!(seconds(value), text, "{value}");
        }
    }

    #[test]
    fn counts_and_rates_set_thousands_apart() {
        assert_eq!(count(0), "0");
        assert_eq!(count(999), "999");
        assert_eq!(count(u64::MAX), "18,446,744,073,709,551,615");
        assert_eq!(rate(840.0), "840 rows/s");
        assert_eq!(rate(999.9), "1 k rows/s");
        assert_eq!(rate(35_210.0), "35.2 k rows/s");
        assert_eq!(rate(3.4e9), "3.4 G rows/s");
    }

    #[test]
    fn a_percentage_never_rounds_onto_all_or_nothing() {
        let cases = [
            (0.0, "0%"),
            (1.0, "100%"),
            (0.5, "50%"),
            (0.9996, "99.96%"),
            (0.999_99, "99.999%"),
            (0.999_999_9, ">99.999%"),
            (1e-7, "<0.001%"),
            (0.000_4, "0.04%"),
            (-0.25, "-25%"),
            (2.0, "200%"),
        ];
        for (share, text) in cases {
            assert_eq!(percent(share), text, "{share}");
        }
    }
}
