//! How are the numbers of a column kept, exactly and in little memory?
//!
//! A file says `0.345584`: seven digits, 24 bits. As `f64` it takes 64, and a table of a million rows twice the memory of
//! the `f32` matrix it is read for. So numbers are kept in runs of neighbouring rows, in as many bits as the run needs:
//!
//! - decimals as they were written, mantissa and places (see `decimal`), each less the lowest of the run;
//! - where one has more digits than that holds for, the bits of all as `f64`, less those of the run's smallest: of random
//!   numbers 57 or 58 are left, as their exponents differ little;
//! - numbers that never were text, and those that would not become fewer bits, as `f64`.
//!
//! [`Numbers::get`] gives back the very `f64` that [`str::parse`] gives for the text. It takes some nanoseconds, fewer for many
//! in turn ([`Numbers::of_rows`]); who goes through a column often takes a [`Vec`] of it.

use std::ops::Range;

use crate::data::decimal::{Decimal, Number, power_of_ten};

/// The numbers of a column, a row each: finite, or NaN where the value is missing.
#[derive(Clone, Default)]
pub struct Numbers {
    runs: Vec<Run>,
    /// For each run the row behind its last.
    ends: Vec<usize>,
}

/// Numbers of neighbouring rows, all kept in one form.
#[derive(Clone)]
pub(super) enum Run {
    Floats(Vec<f64>),
    Packed(Packed),
}

/// Numbers as codes of `width` bits, one after the other, the lowest bit first. A missing value is 0.
#[derive(Clone)]
pub(super) struct Packed {
    form: Form,
    n: usize,
    width: u32,
    /// Sixteen bytes longer than the codes, so that each can be read as part of sixteen.
    bytes: Vec<u8>,
}

/// What a code says.
#[derive(Clone, Copy)]
enum Form {
    /// 1 + ((mantissa − `mantissa`) · 2^`place_bits` + (places − `places`)).
    Decimals { mantissa: i64, places: i8, place_bits: u32 },
    /// 1 + the bits of the `f64`, the sign moved from the highest to the lowest, less `bits`.
    Floats { bits: u64 },
}

impl Numbers {
    /// The number of rows.
    pub fn len(&self) -> usize {
        self.ends.last().copied().unwrap_or(0)
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The number of a row; NaN where it is missing.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn get(&self, row: usize) -> f64 {
        let (run, span) = self.run_of(row);
        run.get(row - span.start)
    }

    /// The numbers, row by row.
    pub fn iter(&self) -> impl Iterator<Item = f64> {
        self.runs.iter().flat_map(|run| (0..run.len()).map(|i| run.get(i)))
    }

    /// The numbers of some rows; NaN where one is missing. Quickest where the rows ascend, and by [`Iterator::fold`] and
    /// what is made of it.
    ///
    /// # Panics
    /// The iterator does, at a row that there is not.
    pub fn of_rows<'a>(&'a self, rows: &'a [u32]) -> impl Iterator<Item = f64> + Clone + 'a {
        OfRows { numbers: self, rows, run: None, span: 0..0 }
    }

    /// The run that has a row, and which rows it has.
    fn run_of(&self, row: usize) -> (&Run, Range<usize>) {
        let at = self.ends.partition_point(|&end| end <= row);
        let first = if at == 0 { 0 } else { self.ends[at - 1] };
        (&self.runs[at], first..self.ends[at])
    }

    /// The numbers as `f64`, eight bytes a row.
    pub fn to_vec(&self) -> Vec<f64> {
        let mut numbers = Vec::with_capacity(self.len());
        self.runs.iter().for_each(|run| run.fold(0..run.len(), (), |(), number| numbers.push(number)));
        numbers
    }

    /// Puts the numbers of further rows at the end.
    pub(super) fn push(&mut self, run: Run) {
        if run.len() > 0 {
            self.ends.push(self.len() + run.len());
            self.runs.push(run);
        }
    }

    /// Puts the numbers of another column behind its own.
    pub(super) fn join(&mut self, below: Self) {
        below.runs.into_iter().for_each(|run| self.push(run));
    }

    /// Whether one is infinite. Those that were read are not.
    pub(super) fn any_infinite(&self) -> bool {
        // All are looked at, without a branch, as there is hardly ever one to stop at.
        let infinite = |floats: &[f64]| floats.iter().fold(false, |any, float| any | float.is_infinite());
        self.runs.iter().any(|run| matches!(run, Run::Floats(floats) if infinite(floats)))
    }
}

impl From<Run> for Numbers {
    fn from(run: Run) -> Self {
        let ends = vec![run.len()];
        Self { runs: vec![run], ends }
    }
}

impl From<Vec<f64>> for Numbers {
    fn from(numbers: Vec<f64>) -> Self {
        Run::Floats(numbers).into()
    }
}

/// By value: in which form a number is kept makes no difference, and NaN is not NaN.
impl PartialEq for Numbers {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl std::fmt::Debug for Numbers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl Run {
    fn len(&self) -> usize {
        match self {
            Self::Floats(floats) => floats.len(),
            Self::Packed(packed) => packed.n,
        }
    }

    #[inline]
    fn get(&self, i: usize) -> f64 {
        match self {
            Self::Floats(floats) => floats[i],
            Self::Packed(packed) => packed.get(i),
        }
    }

    /// Folds the numbers at some places.
    fn fold<B>(&self, places: impl Iterator<Item = usize>, begin: B, mut with: impl FnMut(B, f64) -> B) -> B {
        match self {
            Self::Floats(floats) => places.fold(begin, |folded, i| with(folded, floats[i])),
            Self::Packed(packed) => match packed.form {
                // As most tables are written: all with as many digits behind the point.
                Form::Decimals { mantissa, places: after_point @ 0.., place_bits: 0 } => {
                    let divisor = power_of_ten(after_point.unsigned_abs());
                    places.fold(begin, |folded, i| {
                        let code = packed.code(i).cast_signed();
                        with(folded, if code == 0 { f64::NAN } else { (mantissa + (code - 1)) as f64 / divisor })
                    })
                }
                form => places.fold(begin, |folded, i| with(folded, form.value(packed.code(i)))),
            },
        }
    }
}

/// The numbers of some rows, in the order of these.
#[derive(Clone)]
struct OfRows<'a> {
    numbers: &'a Numbers,
    rows: &'a [u32],
    /// Where the row before was found.
    run: Option<&'a Run>,
    span: Range<usize>,
}

impl Iterator for OfRows<'_> {
    type Item = f64;

    fn next(&mut self) -> Option<f64> {
        let (&row, rows) = self.rows.split_first()?;
        let row = row as usize;
        if !self.span.contains(&row) {
            let (run, span) = self.numbers.run_of(row);
            (self.run, self.span) = (Some(run), span);
        }
        self.rows = rows;
        self.run.map(|run| run.get(row - self.span.start))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.rows.len(), Some(self.rows.len()))
    }

    fn fold<B, F: FnMut(B, f64) -> B>(self, begin: B, mut with: F) -> B {
        let (mut rows, mut folded) = (self.rows, begin);
        while let Some(&row) = rows.first() {
            let (run, span) = self.numbers.run_of(row as usize);
            let n_here = rows.iter().position(|&row| !span.contains(&(row as usize))).unwrap_or(rows.len());
            let (here, rest) = rows.split_at(n_here);
            folded = run.fold(here.iter().map(|&row| row as usize - span.start), folded, &mut with);
            rows = rest;
        }
        folded
    }
}

impl Packed {
    /// Codes of which `largest` is the largest; none where they would not be smaller than the numbers.
    fn of(codes: impl ExactSizeIterator<Item = u64>, largest: u64, form: Form) -> Option<Self> {
        let (n, width) = (codes.len(), u64::BITS - largest.leading_zeros());
        if width > 60 {
            return None;
        }
        let mut bytes = Vec::with_capacity((n * width as usize).div_ceil(64) * 8 + 16);
        let (mut waiting, mut n_waiting) = (0_u64, 0);
        for code in codes {
            waiting |= code << n_waiting;
            n_waiting += width;
            if n_waiting >= u64::BITS {
                bytes.extend_from_slice(&waiting.to_le_bytes());
                n_waiting -= u64::BITS;
                // What there was no room for: none of the code, or its highest bits.
                waiting = code >> (width - n_waiting);
            }
        }
        if n_waiting > 0 {
            bytes.extend_from_slice(&waiting.to_le_bytes());
        }
        bytes.extend_from_slice(&[0; 16]);
        Some(Self { form, n, width, bytes })
    }

    #[inline]
    fn get(&self, i: usize) -> f64 {
        self.form.value(self.code(i))
    }

    #[inline]
    fn code(&self, i: usize) -> u64 {
        let bit = i * self.width as usize;
        let mut around = [0; 16];
        around.copy_from_slice(&self.bytes[bit / 8..][..16]);
        let around = u128::from_le_bytes(around);
        // Most codes end within eight bytes, wherever in the first one they begin.
        let from_here = if self.width <= 57 { around as u64 >> (bit % 8) } else { (around >> (bit % 8)) as u64 };
        from_here & mask(self.width)
    }
}

impl Form {
    #[inline]
    fn value(self, code: u64) -> f64 {
        let Some(code) = code.checked_sub(1) else { return f64::NAN };
        match self {
            Self::Decimals { mantissa, places, place_bits } => Decimal {
                mantissa: mantissa + (code >> place_bits).cast_signed(),
                places: places + (code & mask(place_bits)) as i8,
            }
            .value(),
            Self::Floats { bits } => f64::from_bits((bits + code).rotate_right(1)),
        }
    }
}

/// The lowest bits, fewer than 64.
fn mask(bits: u32) -> u64 {
    (1 << bits) - 1
}

/// The numbers of a run while they are read. Used again for the next run, so that nothing is allocated anew.
#[derive(Default)]
pub(super) struct Gathering {
    /// mantissa · 2⁸ + places, or [`ABSENT`]; of all rows, as long as all are decimals.
    decimals: Vec<i64>,
    /// Of all rows, from the first number on that is no decimal.
    floats: Vec<f64>,
}

/// Stands for a missing value among decimals. Their mantissas need 54 bits, so it is none of them.
const ABSENT: i64 = i64::MIN;

impl Gathering {
    /// A number for the next row.
    #[inline]
    pub(super) fn push(&mut self, number: Number) {
        match number {
            Number::Decimal(Decimal { mantissa, places }) if self.floats.is_empty() => {
                self.decimals.push((mantissa << 8) | i64::from(places.cast_unsigned()));
            }
            number => self.push_float(number.value()),
        }
    }

    /// No number in the next row.
    pub(super) fn push_missing(&mut self) {
        if self.floats.is_empty() { self.decimals.push(ABSENT) } else { self.floats.push(f64::NAN) }
    }

    #[inline]
    fn push_float(&mut self, float: f64) {
        if self.floats.is_empty() {
            self.leave_decimals();
        }
        self.floats.push(float);
    }

    #[cold]
    fn leave_decimals(&mut self) {
        self.floats.extend(self.decimals.drain(..).map(value));
    }

    /// The run, in the form that needs less memory, and room for the next.
    pub(super) fn take(&mut self) -> Run {
        let packed = if self.floats.is_empty() { pack_decimals(&self.decimals) } else { pack_floats(&self.floats) };
        let run = packed.map_or_else(
            || {
                let decimals = self.decimals.iter().map(|&decimal| value(decimal));
                Run::Floats(decimals.chain(self.floats.iter().copied()).collect())
            },
            Run::Packed,
        );
        self.decimals.clear();
        self.floats.clear();
        run
    }
}

/// The decimal of a number gathered; none where it is missing.
#[inline]
fn decimal(gathered: i64) -> Option<Decimal> {
    (gathered != ABSENT).then_some(Decimal { mantissa: gathered >> 8, places: gathered as i8 })
}

fn value(gathered: i64) -> f64 {
    decimal(gathered).map_or(f64::NAN, Decimal::value)
}

fn pack_decimals(gathered: &[i64]) -> Option<Packed> {
    // The lowest and the highest of each; of none they stay the wrong way round.
    let ((mut low, mut high), (mut fewest, mut most)) = ((i64::MAX, i64::MIN), (i8::MAX, i8::MIN));
    for &gathered in gathered.iter().filter(|&&gathered| gathered != ABSENT) {
        // With the places below them mantissas have the order they have without.
        (low, high) = (low.min(gathered), high.max(gathered));
        (fewest, most) = (fewest.min(gathered as i8), most.max(gathered as i8));
    }
    if low > high {
        let form = Form::Decimals { mantissa: 0, places: 0, place_bits: 0 };
        return Packed::of(gathered.iter().map(|_| 0), 0, form);
    }
    let (low, high) = (low >> 8, high >> 8);
    let place_bits = i8::BITS - (most - fewest).leading_zeros();
    let code = |mantissa: i64, places: i8| {
        1 + (((mantissa - low).cast_unsigned() << place_bits) | u64::from((places - fewest).cast_unsigned()))
    };
    let codes = gathered.iter().map(|&gathered| decimal(gathered).map_or(0, |of| code(of.mantissa, of.places)));
    Packed::of(codes, code(high, most), Form::Decimals { mantissa: low, places: fewest, place_bits })
}

fn pack_floats(floats: &[f64]) -> Option<Packed> {
    // The sign as the lowest bit, so that numbers of like size lie together.
    let bits = |float: &f64| float.to_bits().rotate_left(1);
    let present = || floats.iter().filter(|float| !float.is_nan()).map(bits);
    let (low, high) = (present().min()?, present().max()?);
    let codes = floats.iter().map(|float| if float.is_nan() { 0 } else { 1 + (bits(float) - low) });
    Packed::of(codes, (high - low).saturating_add(1), Form::Floats { bits: low })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Purpose, Stream};

    /// The run that numbers make as they are spelled; an empty text is a missing value.
    fn run<'a>(gathering: &mut Gathering, texts: impl IntoIterator<Item = &'a str>) -> Run {
        for text in texts {
            match Number::at_start_of(text.as_bytes()) {
                Some((number, _)) => gathering.push(number),
                None => gathering.push_missing(),
            }
        }
        gathering.take()
    }

    fn bits_a_number(run: &Run) -> u32 {
        match run {
            Run::Floats(_) => 64,
            Run::Packed(packed) => packed.width,
        }
    }

    #[test]
    fn every_number_comes_back_to_the_last_bit() {
        let mut gathering = Gathering::default();
        for number in 0..3000 {
            let mut stream = Stream::new(5, Purpose::Probe, number);
            let odd = [
                "",
                "0",
                "-0",
                "-0.0",
                "1e-22",
                "9007199254740992",
                "-9007199254740992",
                "1e22",
                "5e-324",
                "1e308",
                "-1e308",
            ];
            let digits = [1, 100, 1 << 20, u32::MAX][stream.below(4) as usize];
            let places = 1 + stream.below(8);
            let kinds = 1 + stream.below(5);
            let texts: Vec<String> = (0..stream.below(70))
                .map(|_| match stream.below(kinds) {
                    0 => {
                        format!("{:.*}", stream.below(places) as usize, f64::from(stream.below(digits)) / 64.0 - 100.0)
                    }
                    1 => stream.below(digits).to_string(),
                    2 => stream.normal().to_string(),
                    3 => String::new(),
                    _ => odd[stream.below(odd.len() as u32) as usize].to_owned(),
                })
                .collect();
            let run = run(&mut gathering, texts.iter().map(String::as_str));
            let numbers = Numbers::from(run);
            let expected: Vec<u64> = texts.iter().map(|text| text.parse().unwrap_or(f64::NAN).to_bits()).collect();
            let found: Vec<u64> = numbers.iter().map(f64::to_bits).collect();
            assert_eq!(found, expected, "{texts:?}");
            let found: Vec<u64> = numbers.to_vec().into_iter().map(f64::to_bits).collect();
            assert_eq!(found, expected, "{texts:?}, one after the other");
        }
    }

    #[test]
    fn numbers_take_as_many_bits_as_they_need() {
        let bits = |texts: &[&str]| bits_a_number(&run(&mut Gathering::default(), texts.iter().copied()));
        assert_eq!(bits(&["", ""]), 0);
        assert_eq!(bits(&["7"]), 1);
        assert_eq!(bits(&["100000", "100001", "100002", ""]), 2);
        assert_eq!(bits(&["-1.000000", "1.000000"]), 21);
        assert_eq!(bits(&["0.5", "0.25", "12"]), 7);
        // Doubles of like size share sign and exponent.
        assert_eq!(bits(&["0.6185023210123456", "0.9348201112345678", "-0.55555555555555555"]), 53);
        assert_eq!(bits(&["1e-300", "1.5", "1e300"]), 64);
        assert_eq!(bits(&["-9007199254740992", "9007199254740992", "1e-22"]), 60);
    }

    #[test]
    fn rows_are_found_in_whatever_run_they_are() {
        let mut gathering = Gathering::default();
        let mut numbers = Numbers::default();
        numbers.push(run(&mut gathering, ["1", "2.5", ""]));
        numbers.push(run(&mut gathering, []));
        numbers.push(run(&mut gathering, ["0.1234567890123456"]));
        numbers.join(vec![4.0, f64::INFINITY].into());
        assert_eq!((numbers.len(), numbers.is_empty(), numbers.any_infinite()), (6, false, true));
        let rows = [5, 0, 1, 3, 4, 1, 5];
        let found: Vec<f64> = numbers.of_rows(&rows).collect();
        assert_eq!(found, [f64::INFINITY, 1.0, 2.5, 0.123_456_789_012_345_6, 4.0, 2.5, f64::INFINITY]);
        assert_eq!(found, rows.map(|row| numbers.get(row as usize)));
        let mut folded = Vec::new();
        numbers.of_rows(&rows).for_each(|number| folded.push(number));
        assert_eq!(folded, found);
        let mut behind = numbers.of_rows(&rows);
        assert_eq!((behind.next(), behind.sum()), (Some(f64::INFINITY), f64::INFINITY));
        assert!(numbers.get(2).is_nan());
        let all: Vec<u64> = numbers.to_vec().into_iter().map(f64::to_bits).collect();
        assert_eq!(all, numbers.iter().map(f64::to_bits).collect::<Vec<_>>());
        assert!(Numbers::default().is_empty() && !Numbers::default().any_infinite());
    }
}
