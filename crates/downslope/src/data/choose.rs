//! What becomes of a column, by what was counted of it?

use crate::data::calendar::DAY;
use crate::data::csv::ColumnKind;
use crate::data::encode::{EncodeOptions, Encoding, Factor, MAX_LEVELS, Power, Scale};
use crate::data::learn::Counted;
use crate::data::moments::Moments;
use crate::data::notice::Notice;
use crate::data::table::shortest;
use crate::data::tally::{Levels, MAX_DISTINCT, Names, Tally, Times};
use crate::data::times;
use crate::error::ErrorKind;

/// More than this are no categories either if they are more than a quarter of the rows.
const MAX_LEVELS_IN_A_SMALL_TABLE: usize = 50;
/// More levels than this are no categories even if they are asked to be.
pub(super) const MAX_LEVELS_ASKED: usize = 100_000;
/// Texts of so many words on average say more by their words than as a whole.
const WORDS_OF_FREE_TEXT: f64 = 3.0;
/// A power whose variance is this share of its mean square never changes but for rounding.
const ROUNDING: f64 = 1e-12;

/// What becomes of a column, and the names of its features.
pub(super) struct Chosen {
    pub(super) encoding: Encoding,
    pub(super) becomes: Vec<String>,
}

/// What becomes of a column; nothing if it is left out.
///
/// # Errors
/// [`ErrorKind::TooManyCategories`].
pub(super) fn choose(
    counted: Counted,
    n_rows: usize,
    options: &EncodeOptions,
    notices: &mut Vec<Notice>,
) -> Result<Option<Chosen>, ErrorKind> {
    let Counted { name, asked, n_missing, tally, stand_in, .. } = counted;
    if n_missing == n_rows {
        notices.push(Notice::EmptyColumn { column: name });
        return Ok(None);
    }
    let marks_missing = n_missing > 0;
    // What every row has, where it is the same, and what a missing value is filled with.
    let (encoding, constant, filled) = match tally {
        Tally::Number(moments) => {
            let constant = moments.is_constant_among(n_rows).then(|| shortest(moments.first()));
            let encoding = number(&name, &moments, n_rows, marks_missing, options, constant.is_none(), notices);
            let fill = if constant.is_some() { moments.first() } else { moments.mean() };
            (encoding, constant, Some(Notice::MissingFilled { column: name.clone(), rows: n_missing, fill }))
        }
        Tally::Boolean { n_false, n_true } => {
            let mean = n_true as f64 / (n_false + n_true) as f64;
            let constant = (n_false == 0 || n_true == 0).then(|| (n_true > 0).to_string());
            let filled = Notice::MissingFilled { column: name.clone(), rows: n_missing, fill: mean };
            (Encoding::Boolean { mean, marks_missing }, constant, Some(filled))
        }
        Tally::Time(counted) => {
            let moments = &counted.moments;
            let constant = moments.is_constant_among(n_rows).then(|| times::text(moments.first()));
            let fill = times::text(moments.mean().round());
            let filled = Notice::MissingTimes { column: name.clone(), rows: n_missing, fill };
            (time(&counted, n_rows, marks_missing, options.scale), constant, Some(filled))
        }
        Tally::Category(levels) => {
            let constant = levels.only_text().filter(|_| !marks_missing);
            (texts(&name, asked, levels, marks_missing, n_rows, options, notices)?, constant, None)
        }
        Tally::Sparse(names) => return Ok(sparse(name, names, options.scale, notices)),
    };
    if let (Some(value), true) = (constant, options.scale != Scale::None) {
        if marks_missing {
            let becomes = Encoding::Presence.feature_names(&name);
            return Ok(Some(Chosen { encoding: Encoding::Presence, becomes }));
        }
        notices.push(Notice::ConstantColumn { column: name, value });
        return Ok(None);
    }
    notices.extend(stand_in.notice(&name, false));
    notices.extend(filled.filter(|_| marks_missing));
    Ok(Some(Chosen { becomes: encoding.feature_names(&name), encoding }))
}

fn number(
    name: &str,
    moments: &Moments,
    n_rows: usize,
    marks_missing: bool,
    options: &EncodeOptions,
    varies: bool,
    notices: &mut Vec<Notice>,
) -> Encoding {
    let std = moments.std_among(n_rows);
    let mean = if varies { moments.mean() } else { moments.first() };
    let mut powers = Vec::new();
    for exponent in 2..=options.polynomial {
        if options.scale != Scale::Standard || !varies {
            powers.push(Power { exponent, mean: 0.0, std: 1.0 });
            continue;
        }
        // Of z = (v − mean)/std: mean zᵏ = Mₖ/(n·stdᵏ). Filled values have z = 0.
        let of_power = |k: u32| moments.sum(k as usize) / n_rows as f64 / std.powi(k.cast_signed());
        let (mean, mean_square) = (of_power(exponent), of_power(2 * exponent));
        let variance = mean_square - mean * mean;
        if variance > ROUNDING * mean_square {
            powers.push(Power { exponent, mean, std: variance.sqrt() });
        } else {
            let (column, value) = (format!("{name}^{exponent}"), shortest(mean));
            notices.push(Notice::ConstantColumn { column, value });
        }
    }
    Encoding::Number {
        mean,
        std: (options.scale == Scale::Standard).then_some(std),
        max_abs: (options.scale == Scale::MaxAbs).then_some(moments.max_abs()),
        powers,
        marks_missing,
    }
}

fn time(counted: &Times, n_rows: usize, marks_missing: bool, scale: Scale) -> Encoding {
    let moments = &counted.moments;
    Encoding::Time {
        mean: moments.mean() / DAY,
        std: (scale == Scale::Standard).then_some(moments.std_among(n_rows) / DAY),
        max_abs: (scale == Scale::MaxAbs).then_some(moments.max_abs() / DAY),
        year: counted.year_varies,
        day: counted.day_varies,
        weekdays: counted.weekdays(),
        marks_missing,
    }
}

fn texts(
    name: &str,
    asked: Option<ColumnKind>,
    levels: Levels,
    marks_missing: bool,
    n_rows: usize,
    options: &EncodeOptions,
    notices: &mut Vec<Notice>,
) -> Result<Encoding, ErrorKind> {
    let n_values = levels.n_distinct();
    if asked == Some(ColumnKind::Category) {
        if levels.are_too_many() {
            let (name, limit) = (name.to_owned(), MAX_LEVELS_ASKED);
            return Err(ErrorKind::TooManyCategories { name, n_categories: n_values, limit });
        }
        return Ok(Encoding::Category { levels: levels.into_texts(), marks_missing });
    }
    let too_many = n_values > MAX_LEVELS || (n_values > MAX_LEVELS_IN_A_SMALL_TABLE && 4 * n_values > n_rows);
    if asked != Some(ColumnKind::Text) && !too_many {
        return Ok(Encoding::Category { levels: levels.into_texts(), marks_missing });
    }
    let (column, at_least) = (name.to_owned(), n_values >= MAX_DISTINCT);
    if asked == Some(ColumnKind::Text) || levels.words_a_text() >= WORDS_OF_FREE_TEXT {
        let bits = options.hash_bits;
        notices.push(Notice::HashedWords { column, n_values, at_least, bits });
        return Ok(Encoding::Hashed { bits, words: true, marks_missing });
    }
    // Twice as many features as levels, or more: then at most two in five share theirs with another.
    let bits = (2 * n_values + 1).next_power_of_two().trailing_zeros().min(options.hash_bits);
    let all_differ = levels.all_differ();
    let can_be_categories = n_values <= MAX_LEVELS_ASKED;
    notices.push(Notice::HashedValues { column, n_values, at_least, bits, all_differ, can_be_categories });
    Ok(Encoding::Hashed { bits, words: false, marks_missing })
}

fn sparse(name: String, names: Names, scale: Scale, notices: &mut Vec<Notice>) -> Option<Chosen> {
    let (becomes, max_abs): (Vec<_>, Vec<_>) = names.into_max_abs().into_iter().unzip();
    if becomes.is_empty() {
        notices.push(Notice::EmptyColumn { column: name });
        return None;
    }
    let divisor = |max_abs: f64| if scale == Scale::None || max_abs == 0.0 { 1.0 } else { max_abs };
    let divisors: Vec<f64> = max_abs.into_iter().map(divisor).collect();
    if scale == Scale::Standard && divisors.iter().any(|divisor| divisor.to_bits() != 1_f64.to_bits()) {
        notices.push(Notice::SparseByLargest { column: name });
    }
    Some(Chosen { encoding: Encoding::Sparse { divisors }, becomes })
}

/// The product of two columns, not both of texts; nothing if one of them is left out because it never changes.
pub(super) fn product(
    columns: &[String; 2],
    encodings: &[(String, Option<Encoding>)],
    notices: &mut Vec<Notice>,
) -> Option<Encoding> {
    let mut factor = |name: &String| {
        let found = encodings.iter().find(|(column, _)| column == name);
        let encoding = match found.and_then(|(_, encoding)| encoding.clone()) {
            Some(Encoding::Number { mean, std, max_abs, .. }) => {
                Some(Encoding::Number { mean, std, max_abs, powers: Vec::new(), marks_missing: false })
            }
            Some(Encoding::Boolean { mean, .. }) => Some(Encoding::Boolean { mean, marks_missing: false }),
            Some(Encoding::Category { levels, .. }) => Some(Encoding::Category { levels, marks_missing: false }),
            Some(Encoding::Hashed { bits, .. }) => Some(Encoding::Hashed { bits, words: false, marks_missing: false }),
            _ => None,
        };
        if encoding.is_none() {
            notices.push(Notice::CrossLeftOut { cross: columns.join("*"), column: name.clone() });
        }
        encoding.map(|encoding| Factor { name: name.clone(), encoding: Box::new(encoding) })
    };
    let [left, right] = columns;
    Some(Encoding::Product { factors: [factor(left)?, factor(right)?] })
}
