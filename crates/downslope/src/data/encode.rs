//! How do the columns become features, and what is learned from the training rows for that?
//!
//! Everything that depends on the data (means, spreads, categories) is learned from the training rows alone and kept in
//! a [`Preprocessing`], which is stored with a model and repeats the same on other tables. How it is learned and applied is told in
//! [`crate::data::Learner`] and the methods [`Preprocessing::features`] and [`Preprocessing::targets`].
//!
//! | column | becomes |
//! |---|---|
//! | numbers | itself: (value − mean) / std; missing values are the mean first; powers of it where asked for |
//! | booleans | itself: 0 or 1; missing values are the share of true |
//! | categories | one column a level, `name=level`: 1 in the rows that have it, else 0 |
//! | texts with too many levels for that, and fewer than three words on average | `2^bits` columns: 1 in that of its hash |
//! | other texts | `2^bits` columns: words and pairs of neighbouring words in that of their hash, rows of length 1 |
//! | times | `name elapsed` in days, as a number; where in the year and in the day, as sine and cosine; the weekday |
//! | sparse rows | one column a name: value / largest absolute value |
//! | missing in a training row | besides: `name is missing`, 1 where it is (categories: the level `name=(missing)`) |
//!
//! Columns of zeros and ones are not standardised. One row in ten thousand with a rare level would become a value of a
//! hundred in a column of zeros, its curvature would be that of the whole problem, and the learning rate would have to
//! obey a level that hardly matters. Sparse rows are only divided, so that what is zero stays zero.

use serde::{Deserialize, Serialize};

use crate::data::calendar::WEEKDAYS;
use crate::data::csv::ColumnKind;
use crate::data::target::TargetEncoding;

/// Whether numbers are brought to the same scale.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scale {
    /// To mean 0 and standard deviation 1 over the training rows; sparse rows to a largest absolute value of 1. Columns
    /// that never change are left out.
    #[default]
    Standard,
    /// To a largest absolute value of 1 over the training rows, without a shift, so that zeros stay zero. Columns that
    /// never change are left out.
    MaxAbs,
    /// As they are.
    None,
}

/// How columns become features.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncodeOptions {
    /// Whether numbers are brought to the same scale.
    pub scale: Scale,
    /// Columns that are no features.
    pub drop: Vec<String>,
    /// The only columns that are features; all, if none is named.
    pub only: Vec<String>,
    /// Pairs of columns whose products are features besides.
    pub cross: Vec<(String, String)>,
    /// The highest power of numbers that is a feature. Default: 1, the number itself.
    pub polynomial: u32,
    /// The column that says what a row weighs, which is no feature.
    pub weight: Option<String>,
    /// What columns were asked to be; of texts only [`ColumnKind::Category`] and [`ColumnKind::Text`] matter here.
    pub kinds: Vec<(String, ColumnKind)>,
    /// Texts are hashed into at most 2^`hash_bits` features. Default: 18.
    pub hash_bits: u32,
    /// Whether the target of a regression is brought to mean 0 and standard deviation 1 as well.
    pub scale_target: bool,
}

impl EncodeOptions {
    /// The most bits of a hash: features of 2^24 are 64 MiB of weights a score.
    pub const MAX_HASH_BITS: u32 = 24;
    /// The highest power of numbers.
    pub const MAX_POWER: u32 = 4;
}

impl Default for EncodeOptions {
    fn default() -> Self {
        Self {
            scale: Scale::Standard,
            drop: Vec::new(),
            only: Vec::new(),
            cross: Vec::new(),
            polynomial: 1,
            weight: None,
            kinds: Vec::new(),
            hash_bits: 18,
            scale_target: false,
        }
    }
}

/// More levels than this are no categories in any table, unless they are asked to be.
pub(super) const MAX_LEVELS: usize = 1000;

/// All that must be known to turn a row of a table into features and a target.
///
/// Its JSON, as it stands in model files:
///
/// ```json
/// {
///   "inputs": [
///     {"name": "age", "becomes": ["age", "age is missing"], "kind": "number", "mean": 29.7, "std": 13.0, "marks_missing": true},
///     {"name": "alone", "becomes": ["alone"], "kind": "boolean", "mean": 0.6, "marks_missing": false},
///     {"name": "deck", "becomes": ["deck=A", "deck=B", "deck=(missing)"], "kind": "category", "levels": ["A", "B"], "marks_missing": true}
///   ],
///   "target": {"task": "classification", "name": "survived", "classes": ["0", "1"]}
/// }
/// ```
///
/// Inputs are taken by name, in this order; `becomes` names the features they turn into. A number is (v − mean) / std
/// in `f64`, rounded to `f32` once; a boolean is 0 or 1; in both, a missing value is `mean` before anything else is done.
/// A category is 1 in the feature of its level and 0 in the others. `marks_missing` adds a last feature that is 1 where
/// the value is missing. The kind `presence` is that feature alone.
///
/// A number with `max_abs` instead of `std` is v divided by it, and v itself where it has neither. With z for that, each of
/// its `powers` is one more feature, (z^exponent − mean) / std. The other kinds:
///
/// ```json
/// {"name": "when", "becomes": ["when elapsed", "when year sin", "when year cos", "when Monday"], "kind": "time",
///  "mean": 19723.5, "std": 200.0, "year": true, "day": false, "weekdays": [0], "marks_missing": false}
/// {"name": "review", "becomes": [], "kind": "hashed", "bits": 18, "words": true, "marks_missing": false}
/// {"name": "features", "becomes": ["1", "3"], "kind": "sparse", "divisors": [1.0, 2.5]}
/// {"name": "age*deck", "becomes": ["age*deck=A", "age*deck=B"], "kind": "product", "factors":
///  [{"name": "age", "kind": "number", …}, {"name": "deck", "kind": "category", …}]}
/// {"name": "deck*class", "becomes": ["deck=A*class=1"], "kind": "pair", "columns": ["deck", "class"],
///  "encoding": {"kind": "category", "levels": ["A\u001f1"], "marks_missing": false}}
/// ```
///
/// With t seconds since 1970-01-01 00:00 (UTC, where the time names an offset), a **time** is t/86400 scaled like a
/// number; then, where `year` and `day` say so, sine and cosine of 2π·share, of the year (days since the first of
/// January, with fraction, by 365 or 366) and of the day; then for each of `weekdays`, of 0 (Monday) to 6, 1 on that day.
/// A missing one is `mean`, and 0 in what follows.
///
/// A **hashed** value is 1 in the feature `hash mod 2^bits`, with the hash documented in `data/hash.rs`: FNV-1a, 64 bits,
/// of its UTF-8, finalised as `MurmurHash3` does. With `words` it is Σ ±1 over its words (runs of characters that are alphabetic
/// or numeric, in lower case) and its pairs of neighbouring words joined by a space, − where the hash's highest bit is 1;
/// each row divided by its Euclidean length. Hashed features have no names, so `becomes` is empty; `marks_missing` is
/// the last, as ever.
///
/// **Sparse** rows are value / divisor in the feature of their name; other names count as nothing.
///
/// A **product** has a feature for each feature i of the first factor and j of the second, at i·(features of the second) + j,
/// factors taken as they would be alone but for powers and marks of missing values. A **pair** is the text of both columns
/// with U+001F between, encoded as a category or hashed; it is missing where one is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Stored")]
pub struct Preprocessing {
    /// The columns read, in the order of their features.
    pub(super) inputs: Vec<Input>,
    /// What is predicted.
    pub(super) target: TargetEncoding,
}

/// A column, or a cross of two, and what becomes of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Input {
    /// The column.
    pub name: String,
    /// The features it turns into; none where they are hashed.
    pub becomes: Vec<String>,
    /// How.
    #[serde(flatten)]
    pub encoding: Encoding,
}

/// How a value becomes one or more features.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Encoding {
    /// (value − `mean`) / `std`, or value / `max_abs`, or the value.
    Number {
        /// What a missing value is filled with; subtracted if `std` is given.
        mean: f64,
        /// The standard deviation (of the population) over the training rows; none if the column is not standardised.
        std: Option<f64>,
        /// The largest absolute value of the training rows; none if the column is not divided by it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        max_abs: Option<f64>,
        /// The powers of it that are features too.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        powers: Vec<Power>,
        /// Whether a feature of its own says that the value was missing.
        marks_missing: bool,
    },
    /// 0 or 1.
    Boolean {
        /// What a missing value is filled with: the share of true.
        mean: f64,
        /// Whether a feature of its own says that the value was missing.
        marks_missing: bool,
    },
    /// 1 in the feature of the level, 0 in the others.
    Category {
        /// The levels of the training rows, sorted.
        levels: Vec<String>,
        /// Whether a missing value is a level of its own, the last; else it is 0 in all.
        marks_missing: bool,
    },
    /// Days since 1970, scaled like a number, and where in the year, the day and the week that is.
    Time {
        /// The mean in days; what a missing value is filled with.
        mean: f64,
        /// The standard deviation in days; none if the column is not standardised.
        std: Option<f64>,
        /// The largest absolute value in days; none if the column is not divided by it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        max_abs: Option<f64>,
        /// Whether sine and cosine of the time of year are features.
        year: bool,
        /// Whether sine and cosine of the time of day are features.
        day: bool,
        /// The days of the week that are features, of 0 (Monday) to 6.
        weekdays: Vec<u8>,
        /// Whether a feature of its own says that the value was missing.
        marks_missing: bool,
    },
    /// In the feature that a hash names.
    Hashed {
        /// There are 2^`bits` features.
        bits: u32,
        /// Whether words and pairs of words are hashed rather than the text as a whole.
        words: bool,
        /// Whether a feature of its own, the last, says that the value was missing.
        marks_missing: bool,
    },
    /// Each value divided by the divisor of its name.
    Sparse {
        /// One a feature.
        divisors: Vec<f64>,
    },
    /// The products of the features of two columns, one of which at least is a number or a boolean.
    Product {
        /// The columns.
        factors: [Factor; 2],
    },
    /// Two columns of texts as one.
    Pair {
        /// The columns.
        columns: [String; 2],
        /// What becomes of the texts of both.
        encoding: Box<Self>,
    },
    /// 1 where the value is missing, else 0: a column whose values are all the same, where there are any.
    Presence,
}

/// A power of a scaled number z as a feature: (z^`exponent` − `mean`) / `std`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Power {
    /// 2 or more.
    pub exponent: u32,
    /// The mean of z^`exponent` over the training rows; 0 if numbers are not standardised.
    pub mean: f64,
    /// Its standard deviation; 1 if numbers are not standardised.
    pub std: f64,
}

/// A column as a factor of a product.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Factor {
    /// The column.
    pub name: String,
    /// What becomes of it.
    #[serde(flatten)]
    pub encoding: Box<Encoding>,
}

/// Stands between the texts of a pair: the control character that is made for it.
pub(super) const UNIT_SEPARATOR: char = '\u{1f}';

impl Encoding {
    /// The number of features a value becomes.
    pub fn width(&self) -> usize {
        match self {
            Self::Number { powers, marks_missing, .. } => 1 + powers.len() + usize::from(*marks_missing),
            Self::Boolean { marks_missing, .. } => 1 + usize::from(*marks_missing),
            Self::Category { levels, marks_missing } => levels.len() + usize::from(*marks_missing),
            Self::Time { year, day, weekdays, marks_missing, .. } => {
                1 + 2 * usize::from(*year) + 2 * usize::from(*day) + weekdays.len() + usize::from(*marks_missing)
            }
            Self::Hashed { bits, marks_missing, .. } => (1 << bits) + usize::from(*marks_missing),
            Self::Sparse { divisors } => divisors.len(),
            Self::Product { factors } => factors.iter().map(|factor| factor.encoding.width_as_factor()).product(),
            Self::Pair { encoding, .. } => encoding.width(),
            Self::Presence => 1,
        }
    }

    /// The number of features of a factor, without powers and without marks of missing values.
    pub(super) fn width_as_factor(&self) -> usize {
        match self {
            Self::Category { levels, .. } => levels.len(),
            Self::Hashed { bits, .. } => 1 << bits,
            _ => 1,
        }
    }

    /// Whether its last feature says that the value was missing.
    pub(super) fn marks_missing(&self) -> bool {
        match self {
            Self::Number { marks_missing, .. }
            | Self::Boolean { marks_missing, .. }
            | Self::Category { marks_missing, .. }
            | Self::Time { marks_missing, .. }
            | Self::Hashed { marks_missing, .. } => *marks_missing,
            Self::Pair { encoding, .. } => encoding.marks_missing(),
            Self::Sparse { .. } | Self::Product { .. } | Self::Presence => false,
        }
    }

    /// Whether most of its features are 0 in most rows.
    pub(super) fn is_sparse(&self) -> bool {
        match self {
            Self::Hashed { .. } | Self::Sparse { .. } => true,
            Self::Category { levels, .. } => levels.len() > MAX_LEVELS,
            Self::Product { factors } => factors.iter().any(|factor| factor.encoding.is_sparse()),
            Self::Pair { encoding, .. } => encoding.is_sparse(),
            Self::Number { .. } | Self::Boolean { .. } | Self::Time { .. } | Self::Presence => false,
        }
    }

    /// Whether its features have no names.
    fn is_hashed(&self) -> bool {
        match self {
            Self::Hashed { .. } => true,
            Self::Product { factors } => factors.iter().any(|factor| factor.encoding.is_hashed()),
            Self::Pair { encoding, .. } => encoding.is_hashed(),
            _ => false,
        }
    }

    /// The names of those features; none where they are hashed. Those of sparse rows are not known here.
    pub(super) fn feature_names(&self, column: &str) -> Vec<String> {
        if self.is_hashed() {
            return Vec::new();
        }
        let with_mark = |mut names: Vec<String>, marks_missing: bool| {
            names.extend(marks_missing.then(|| format!("{column} is missing")));
            names
        };
        match self {
            Self::Number { powers, marks_missing, .. } => {
                let of_powers = powers.iter().map(|power| format!("{column}^{}", power.exponent));
                with_mark(std::iter::once(column.to_owned()).chain(of_powers).collect(), *marks_missing)
            }
            Self::Boolean { marks_missing, .. } => with_mark(vec![column.to_owned()], *marks_missing),
            Self::Category { levels, marks_missing } => {
                let of_levels = levels.iter().map(|level| format!("{column}={level}"));
                of_levels.chain(marks_missing.then(|| format!("{column}=(missing)"))).collect()
            }
            Self::Time { year, day, weekdays, marks_missing, .. } => {
                let rounds = [("year", year), ("day", day)].into_iter().filter(|(_, is_there)| **is_there);
                let of_rounds =
                    rounds.flat_map(|(round, _)| [format!("{column} {round} sin"), format!("{column} {round} cos")]);
                let of_days = weekdays.iter().map(|&day| format!("{column} {}", WEEKDAYS[usize::from(day)]));
                let elapsed = std::iter::once(format!("{column} elapsed"));
                with_mark(elapsed.chain(of_rounds).chain(of_days).collect(), *marks_missing)
            }
            Self::Product { factors: [left, right] } => {
                let right = right.names();
                left.names().iter().flat_map(|left| right.iter().map(move |right| format!("{left}*{right}"))).collect()
            }
            Self::Pair { columns: [left, right], encoding } => {
                let Self::Category { levels, marks_missing } = &**encoding else { return Vec::new() };
                let parts = levels.iter().map(|level| level.split_once(UNIT_SEPARATOR).unwrap_or((level, "")));
                let of_levels = parts.map(|(of_left, of_right)| format!("{left}={of_left}*{right}={of_right}"));
                of_levels.chain(marks_missing.then(|| format!("{column}=(missing)"))).collect()
            }
            Self::Presence => vec![format!("{column} is missing")],
            Self::Hashed { .. } | Self::Sparse { .. } => Vec::new(),
        }
    }

    /// What is wrong with it, if anything.
    fn defect(&self) -> Option<&'static str> {
        let is_divisor = |divisor: &f64| *divisor > 0.0 && divisor.is_finite();
        match self {
            Self::Number { std, max_abs, .. } | Self::Time { std, max_abs, .. }
                if std.is_some_and(|std| std <= 0.0) || max_abs.is_some_and(|max_abs| max_abs <= 0.0) =>
            {
                Some("a standard deviation or largest value that is not above 0")
            }
            Self::Number { powers, .. } if powers.iter().any(|power| power.std <= 0.0 || power.exponent > 64) => {
                Some("a power that cannot be scaled")
            }
            Self::Time { weekdays, .. } if weekdays.iter().any(|&day| usize::from(day) >= WEEKDAYS.len()) => {
                Some("a weekday beyond 6")
            }
            Self::Hashed { bits, .. } if !(1..=EncodeOptions::MAX_HASH_BITS).contains(bits) => Some("too many bits"),
            Self::Sparse { divisors } if !divisors.iter().all(is_divisor) => Some("a divisor that is not above 0"),
            Self::Product { factors } => {
                let is_factor = |factor: &Factor| match &*factor.encoding {
                    Self::Hashed { words, .. } => !words,
                    encoding => matches!(encoding, Self::Number { .. } | Self::Boolean { .. } | Self::Category { .. }),
                };
                let hashed = factors.iter().filter(|factor| factor.encoding.is_hashed()).count();
                if hashed > 1 || !factors.iter().all(is_factor) {
                    return Some("a factor that is none");
                }
                factors.iter().find_map(|factor| factor.encoding.defect())
            }
            Self::Pair { encoding, .. } => match &**encoding {
                Self::Category { .. } | Self::Hashed { words: false, .. } => encoding.defect(),
                _ => Some("an encoding that is none for pairs"),
            },
            _ => None,
        }
    }
}

impl Factor {
    fn names(&self) -> Vec<String> {
        match &*self.encoding {
            Encoding::Category { levels, .. } => levels.iter().map(|level| format!("{}={level}", self.name)).collect(),
            _ => vec![self.name.clone()],
        }
    }
}

impl Input {
    /// The name of one of its features, of which the first is 0.
    pub fn feature_name(&self, feature: usize) -> String {
        self.becomes.get(feature).cloned().unwrap_or_else(|| format!("{}#{feature}", self.name))
    }
}

impl Preprocessing {
    /// The columns read, in the order of their features.
    pub fn inputs(&self) -> &[Input] {
        &self.inputs
    }

    /// What is predicted, and how it is encoded.
    pub fn target(&self) -> &TargetEncoding {
        &self.target
    }

    /// The number of features.
    pub fn n_features(&self) -> usize {
        self.inputs.iter().map(|input| input.encoding.width()).sum()
    }

    /// The names of the features, in their order; hashed ones are numbered.
    pub fn feature_names(&self) -> Vec<String> {
        let names = |input: &Input| (0..input.encoding.width()).map(|feature| input.feature_name(feature)).collect();
        self.inputs.iter().flat_map::<Vec<String>, _>(names).collect()
    }

    /// Whether rows are kept without their zeros.
    pub fn is_sparse(&self) -> bool {
        self.inputs.iter().any(|input| input.encoding.is_sparse())
    }
}

/// What stands in a file, before it is known to be sound.
#[derive(Deserialize)]
struct Stored {
    inputs: Vec<Input>,
    target: TargetEncoding,
}

impl TryFrom<Stored> for Preprocessing {
    type Error = String;

    fn try_from(Stored { inputs, target }: Stored) -> std::result::Result<Self, String> {
        for Input { name, becomes, encoding } in &inputs {
            if let Some(defect) = encoding.defect() {
                return Err(format!("`{name}` has {defect}"));
            }
            if !encoding.is_hashed() && becomes.len() != encoding.width() {
                return Err(format!("`{name}` becomes {} features, not {}", encoding.width(), becomes.len()));
            }
        }
        if matches!(target, TargetEncoding::Regression { std, .. } if std <= 0.0) {
            return Err("the standard deviation of the target is not above 0".to_owned());
        }
        Ok(Self { inputs, target })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::csv::ReadOptions;
    use crate::data::table::Table;
    use crate::data::target::{Target, TaskKind};

    fn learned(text: &str, target: &Target) -> Preprocessing {
        let table = Table::from_csv("t.csv", text.as_bytes(), &ReadOptions::default()).unwrap();
        let options = EncodeOptions { scale_target: true, ..EncodeOptions::default() };
        Preprocessing::learn(&table, target, &table.rows(), &options).unwrap().0
    }

    #[test]
    fn json_keeps_every_bit_and_is_checked() {
        let target = Target { name: "y".to_owned(), task: TaskKind::Regression, classes: Vec::new() };
        let text = "depth,wet,cut,y\n2,true,Good,1\n6.1,false,Fair,2.5\n,true,,1e-3\n4,,Good,1\n";
        let preprocessing = learned(text, &target);
        let json = serde_json::to_string(&preprocessing).unwrap();
        assert_eq!(serde_json::from_str::<Preprocessing>(&json).unwrap(), preprocessing);
        let damaged = json.replace("\"cut=Good\",", "");
        let error = serde_json::from_str::<Preprocessing>(&damaged).unwrap_err().to_string();
        assert!(error.starts_with("`cut` becomes 3 features, not 2"), "{error}");
    }

    #[test]
    fn the_json_reads_as_documented() {
        let classes = vec!["u".to_owned(), "v".to_owned()];
        let target = Target { name: "y".to_owned(), task: TaskKind::Classification, classes };
        let preprocessing = learned("age,alone,deck,y\n2,true,A,u\n4,false,B,v\n", &target);
        assert_eq!(
            serde_json::to_string(&preprocessing).unwrap(),
            concat!(
                r#"{"inputs":[{"name":"age","becomes":["age"],"kind":"number","mean":3.0,"std":1.0,"marks_missing":false},"#,
                r#"{"name":"alone","becomes":["alone"],"kind":"boolean","mean":0.5,"marks_missing":false},"#,
                r#"{"name":"deck","becomes":["deck=A","deck=B"],"kind":"category","levels":["A","B"],"marks_missing":false}],"#,
                r#""target":{"task":"classification","name":"y","classes":["u","v"]}}"#
            )
        );
    }

    #[test]
    fn every_kind_is_kept_by_its_json_and_checked() {
        let target = Target { name: "y".to_owned(), task: TaskKind::Regression, classes: Vec::new() };
        let options = ReadOptions { kinds: vec![("when".to_owned(), ColumnKind::Time)], ..ReadOptions::default() };
        let text = "n,c,d,t,when,y\n1,u,p,a b,2024-01-01,1\n5,v,q,c,2024-06-05T10:00,2\n4,u,q,a,2023-01-07,4\n";
        let table = Table::from_csv("t.csv", text.as_bytes(), &options).unwrap();
        let crossed = |left: &str, right: &str| (left.to_owned(), right.to_owned());
        let options = EncodeOptions {
            cross: vec![crossed("n", "c"), crossed("c", "d"), crossed("n", "t")],
            kinds: vec![("t".to_owned(), ColumnKind::Text)],
            hash_bits: 3,
            polynomial: 2,
            scale: Scale::MaxAbs,
            ..EncodeOptions::default()
        };
        let (preprocessing, _) = Preprocessing::learn(&table, &target, &table.rows(), &options).unwrap();
        let names = [
            "n",
            "n^2",
            "c=u",
            "c=v",
            "d=p",
            "d=q",
            "t#0",
            "t#1",
            "t#2",
            "t#3",
            "t#4",
            "t#5",
            "t#6",
            "t#7",
            "when elapsed",
            "when year sin",
            "when year cos",
            "when day sin",
            "when day cos",
            "when Monday",
            "when Wednesday",
            "when Saturday",
            "n*c=u",
            "n*c=v",
            "c=u*d=p",
            "c=u*d=q",
            "c=v*d=q",
        ];
        assert_eq!(preprocessing.feature_names()[..names.len()], names);
        assert_eq!(preprocessing.n_features(), names.len() + 8);
        let json = serde_json::to_string(&preprocessing).unwrap();
        assert_eq!(serde_json::from_str::<Preprocessing>(&json).unwrap(), preprocessing);
        let pair = r#"{"name":"c*d","becomes":["c=u*d=p","c=u*d=q","c=v*d=q"],"kind":"pair","columns":["c","d"],"#;
        let texts =
            r#""encoding":{"kind":"category","levels":["u\u001fp","u\u001fq","v\u001fq"],"marks_missing":false}}"#;
        assert!(json.contains(&format!("{pair}{texts}")), "{json}");
        for (sound, damaged, words) in [
            (r#""bits":3"#, r#""bits":63"#, "`t` has too many bits"),
            (
                r#""max_abs":5.0"#,
                r#""max_abs":0.0"#,
                "`n` has a standard deviation or largest value that is not above 0",
            ),
            (r#""weekdays":[0"#, r#""weekdays":[7"#, "`when` has a weekday beyond 6"),
        ] {
            let error = serde_json::from_str::<Preprocessing>(&json.replace(sound, damaged)).unwrap_err().to_string();
            assert!(error.starts_with(words), "{error}");
        }
    }
}
