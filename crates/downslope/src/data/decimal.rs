//! What number does a field spell?
//!
//! Most fields of most tables are decimals of few digits, `-12.345`: a whole number m and a count of decimal places p.
//! Where |m| ≤ 2⁵³ and |p| ≤ 22, both m and 10^|p| are exact as `f64`, so one division (or multiplication) gives the
//! correctly rounded value, the same to the last bit as [`str::parse`] (Clinger 1990, "How to read floating point
//! numbers accurately", fast path). For the sixteen to nineteen digits of a printed `f64` one multiplication is enough
//! almost always. Everything else is left to [`str::parse`] itself.
//!
//! Digits are taken eight at a time out of one 64-bit word: fields have few digits, and a loop over them costs a
//! mispredicted branch a field.

use std::hint;

/// A number m · 10⁻ᵖ, as it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Decimal {
    /// m, at most 2⁵³ in magnitude.
    pub(super) mantissa: i64,
    /// p, from −22 to 22.
    pub(super) places: i8,
}

/// What a field spells.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Number {
    /// A decimal whose value is one rounding away.
    Decimal(Decimal),
    /// Any other finite number; −0 too, which a whole number cannot hold.
    Float(f64),
}

/// The largest mantissa, and the most places, of a [`Decimal`].
const MAX_MANTISSA: u64 = 1 << 53;
const MAX_PLACES: u8 = 22;

const POWERS_OF_TEN: [f64; MAX_PLACES as usize + 1] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20,
    1e21, 1e22,
];

/// 10ⁿ, exactly; n is at most 22.
#[inline]
pub(super) fn power_of_ten(n: u8) -> f64 {
    POWERS_OF_TEN[usize::from(n)]
}

/// 10ⁿ for the digits of one word, less than eight.
const WHOLE_POWERS_OF_TEN: [u64; 8] = [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000];

impl Decimal {
    /// The decimal of at most eight digits that a text begins with, and how many bytes spell it. None where there may be
    /// another number: with more digits, with no digit before or behind the point, with an exponent, −0, or shortly
    /// before the end of the text.
    ///
    /// Where it ends is seen before its digits are: from which of sixteen bytes are none. So the next field can be looked
    /// at meanwhile. There is no branch for the sign, which cannot be guessed.
    #[expect(clippy::inline_always, reason = "what it returns then stays in registers")]
    #[inline(always)]
    fn at_start_of(text: &[u8]) -> Option<(Self, usize)> {
        // A word may begin behind a point that is the tenth byte.
        let text: &[u8; 18] = text.first_chunk()?;
        let word = |at: usize| text.get(at..)?.first_chunk().map(|word| u64::from_le_bytes(*word));
        let negative = text[0] == b'-';
        let sign = usize::from(negative || text[0] == b'+');
        let others = (non_digits(word(0)?) | (non_digits(word(8)?) << 8)) & !(sign as u32);
        let point = others.trailing_zeros() as usize;
        if point == sign || point > sign + 8 {
            return None;
        }
        let mut digits = last_digits(word(sign)?, point - sign);
        let (mut end, mut n_places) = (point, 0);
        if text[point] == b'.' {
            end = (others & (others - 1)).trailing_zeros() as usize;
            n_places = end - point - 1;
            if n_places == 0 || point - sign + n_places > 8 {
                return None;
            }
            digits = (digits >> (8 * n_places)) | last_digits(word(point + 1)?, n_places);
        }
        let magnitude = eight_digits(digits).cast_signed();
        let is_negative_zero = (magnitude << 1) | i64::from(negative) == 1;
        if is_negative_zero || matches!(text[end], b'e' | b'E') {
            return None;
        }
        let mantissa = hint::select_unpredictable(negative, -magnitude, magnitude);
        Some((Self { mantissa, places: n_places as i8 }, end))
    }

    /// The value, correctly rounded.
    #[inline]
    pub(super) fn value(self) -> f64 {
        let power = power_of_ten(self.places.unsigned_abs());
        if self.places >= 0 { self.mantissa as f64 / power } else { self.mantissa as f64 * power }
    }
}

impl Number {
    /// The number at the start of a text, and how many bytes spell it; none where there is none, or an infinite one.
    #[inline]
    pub(super) fn at_start_of(text: &[u8]) -> Option<(Self, usize)> {
        match Decimal::at_start_of(text) {
            Some((decimal, length)) => Some((Self::Decimal(decimal), length)),
            None => Self::of_any_length_at_start_of(text),
        }
    }

    #[inline(never)]
    fn of_any_length_at_start_of(text: &[u8]) -> Option<(Self, usize)> {
        let sign = text.first().copied().unwrap_or_default();
        let negative = sign == b'-';
        let first = usize::from(negative || sign == b'+');
        let mut mantissa = 0;
        let mut end = take_digits(text, first, &mut mantissa);
        let mut n_digits = end - first;
        let mut places = 0;
        if text.get(end) == Some(&b'.') {
            let point = end + 1;
            end = take_digits(text, point, &mut mantissa);
            places = (end - point).cast_signed();
            n_digits += end - point;
        }
        if n_digits == 0 {
            return None;
        }
        if matches!(text.get(end), Some(b'e' | b'E')) {
            let (exponent, length) = exponent(&text[end..]);
            places -= exponent;
            end += length;
        }
        // Nineteen digits always fit into the mantissa.
        let places = if n_digits <= 19 { i8::try_from(places).unwrap_or(i8::MAX) } else { i8::MAX };
        if mantissa <= MAX_MANTISSA && places.unsigned_abs() <= MAX_PLACES && !(negative && mantissa == 0) {
            let mantissa = if negative { -mantissa.cast_signed() } else { mantissa.cast_signed() };
            return Some((Self::Decimal(Decimal { mantissa, places }), end));
        }
        let float = match quotient(mantissa, places) {
            Some(float) => {
                if negative {
                    -float
                } else {
                    float
                }
            }
            None => std::str::from_utf8(&text[..end]).ok()?.parse().ok()?,
        };
        float.is_finite().then_some((Self::Float(float), end))
    }

    /// The value, correctly rounded.
    pub(super) fn value(self) -> f64 {
        match self {
            Self::Decimal(decimal) => decimal.value(),
            Self::Float(float) => float,
        }
    }
}

/// m · 10⁻ᵖ, correctly rounded, for 2⁵³ < m and 0 ≤ p ≤ 22; none where that takes more digits than are looked at here:
/// about once in three hundred times.
///
/// m · 10⁻ᵖ = m · 5⁻ᵖ · 2⁻ᵖ, and of 5⁻ᵖ the 64 highest bits are in a table (Lemire 2021, "Number parsing at a gigabyte per
/// second", without its second, longer multiplication). They are too low by less than one in the last place, the
/// upper half of the product so by less than two; 54 of its bits are kept to round by, and nine or ten tell of doubt.
#[inline]
fn quotient(mantissa: u64, places: i8) -> Option<f64> {
    let reciprocal = FIFTHS.get(usize::try_from(places).ok()?)?;
    if mantissa <= MAX_MANTISSA {
        return None;
    }
    let normal = mantissa.leading_zeros();
    let product = ((u128::from(mantissa << normal) * u128::from(reciprocal.bits)) >> 64) as u64;
    let n_below = 10 - product.leading_zeros();
    let below = product & ((1 << n_below) - 1);
    // Just at, or perhaps above, what is rounded to or from.
    if below == 0 || below + 2 >= 1 << n_below {
        return None;
    }
    let rounded = ((product >> n_below) + 1) >> 1;
    // From 2⁻²⁰ to 2⁶³, so always a normal number.
    let exponent = i64::from(n_below) + 1 + 64 - i64::from(normal) - reciprocal.exponent - i64::from(places);
    let scale = f64::from_bits(((1023 + exponent) as u64) << 52);
    Some(rounded as f64 * scale)
}

/// 5⁻ᵖ as `bits` · 2^−`exponent`, rounded down; the highest of the 64 bits is set.
#[derive(Clone, Copy)]
struct Reciprocal {
    bits: u64,
    exponent: i64,
}

const FIFTHS: [Reciprocal; MAX_PLACES as usize + 1] = {
    let mut fifths = [Reciprocal { bits: 1 << 63, exponent: 63 }; MAX_PLACES as usize + 1];
    let (mut power, mut places) = (5_u128, 1);
    while places < fifths.len() {
        // 2ⁿ⁻¹ < 5ᵖ < 2ⁿ, so 2⁶³⁺ⁿ / 5ᵖ has 64 bits.
        let exponent = 63 + (128 - power.leading_zeros());
        fifths[places] = Reciprocal { bits: ((1 << exponent) / power) as u64, exponent: exponent as i64 };
        power *= 5;
        places += 1;
    }
    fifths
};

/// The exponent that a text begins with, and its length with the `e`; both 0 where no digit follows.
fn exponent(text: &[u8]) -> (isize, usize) {
    let negative = text.get(1) == Some(&b'-');
    let first = if negative || text.get(1) == Some(&b'+') { 2 } else { 1 };
    let digits = text.get(first..).unwrap_or_default().iter().take_while(|byte| byte.is_ascii_digit());
    let (mut exponent, mut n_digits) = (0_isize, 0);
    for digit in digits {
        // Whatever is larger is out of range as well.
        exponent = (10 * exponent + isize::from((digit - b'0').cast_signed())).min(1_000_000);
        n_digits += 1;
    }
    if n_digits == 0 { (0, 0) } else { (if negative { -exponent } else { exponent }, first + n_digits) }
}

/// Reads digits from `start` on, each making `mantissa` ten times what it was and itself; gives where they end.
/// After the nineteenth digit the mantissa may have overflowed.
#[inline]
fn take_digits(text: &[u8], start: usize, mantissa: &mut u64) -> usize {
    let mut at = start;
    while let Some(word) = text.get(at..).and_then(<[u8]>::first_chunk) {
        let word = u64::from_le_bytes(*word);
        let n_digits = leading_digits(word);
        // The first byte is the lowest: moving it up leaves zeros in front of the digits, and drops what follows them.
        let digits = if n_digits == 8 { word ^ ZEROS } else { ((word ^ ZEROS) << (8 * (7 - n_digits))) << 8 };
        if n_digits < 8 {
            *mantissa = mantissa.wrapping_mul(WHOLE_POWERS_OF_TEN[n_digits]).wrapping_add(eight_digits(digits));
            return at + n_digits;
        }
        *mantissa = mantissa.wrapping_mul(100_000_000).wrapping_add(eight_digits(digits));
        at += 8;
    }
    while let Some(digit) = text.get(at).map(|byte| byte.wrapping_sub(b'0')).filter(|&digit| digit < 10) {
        *mantissa = mantissa.wrapping_mul(10).wrapping_add(u64::from(digit));
        at += 1;
    }
    at
}

/// Eight times the character `0`.
const ZEROS: u64 = 0x3030_3030_3030_3030;

/// How many of the eight bytes, from the lowest, are digits before the first that is none.
#[inline]
fn leading_digits(word: u64) -> usize {
    // Less than `0` borrows, more than `9` carries, into the highest bit of its byte; what either does to the bytes
    // above does not matter, as the lowest one found counts.
    let none = (word.wrapping_add(0x4646_4646_4646_4646) | word.wrapping_sub(ZEROS)) & 0x8080_8080_8080_8080;
    none.trailing_zeros() as usize / 8
}

/// The first `n` digits of a word, one to eight, with zeros in front of them: eight digits.
#[inline]
fn last_digits(word: u64, n: usize) -> u64 {
    debug_assert!((1..=8).contains(&n), "a word has eight digits");
    (word ^ ZEROS) << (8 * (8 - n))
}

/// For each of eight bytes a bit, the lowest for the lowest: whether it is no digit.
#[inline]
fn non_digits(word: u64) -> u32 {
    const LOW_BITS: u64 = 0x7f7f_7f7f_7f7f_7f7f;
    // Of a digit the four lowest bits are left, less than ten; ten and more carry into the highest bit of the byte.
    let value = word ^ ZEROS;
    let none = (((value & LOW_BITS) + 0x7676_7676_7676_7676) | value) & !LOW_BITS;
    // Brings the highest bits of all bytes together in the highest byte.
    ((none >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56) as u32
}

/// The number that eight digits make, one a byte, the lowest byte first. By pairs, fours, and eights at once.
#[inline]
fn eight_digits(digits: u64) -> u64 {
    const EVERY_FOURTH: u64 = 0x0000_00ff_0000_00ff;
    let pairs = digits.wrapping_mul(10).wrapping_add(digits >> 8);
    let low = (pairs & EVERY_FOURTH).wrapping_mul(100 + (1_000_000 << 32));
    let high = ((pairs >> 16) & EVERY_FOURTH).wrapping_mul(1 + (10_000 << 32));
    low.wrapping_add(high) >> 32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Purpose, Stream};

    /// The value of a whole text, as the reader would take it: only a number that reaches the end counts.
    fn value(text: &str) -> Option<f64> {
        Number::at_start_of(text.as_bytes()).filter(|&(_, end)| end == text.len()).map(|(number, _)| number.value())
    }

    fn assert_as_the_standard_library(text: &str) {
        let expected = text.parse::<f64>().ok().filter(|number| number.is_finite());
        // Words that std takes for infinities and NaN are not finite; nothing else differs.
        assert_eq!(value(text).map(f64::to_bits), expected.map(f64::to_bits), "{text}");
        // What stands behind a number changes nothing.
        if let Some(number) = value(text) {
            for behind in
                [",", "\n", ",123456789", ";;;;;;;;;;", ",.123456789012345678901234", "e.e-.-123456789012345678901"]
            {
                let (found, end) = Number::at_start_of(format!("{text}{behind}").as_bytes()).unwrap();
                assert_eq!((found.value().to_bits(), end), (number.to_bits(), text.len()), "{text}{behind}");
            }
        }
    }

    #[test]
    fn numbers_are_those_of_the_standard_library() {
        for text in [
            "",
            "-",
            "+",
            ".",
            "-.",
            "e5",
            ".e5",
            "0",
            "-0",
            "+0",
            "-0.000",
            "1",
            "-1",
            "+1",
            "1.",
            ".5",
            "-.5",
            "00012",
            "1e5",
            "1E5",
            "1e+5",
            "1e-5",
            "1e",
            "1e+",
            "1.e3",
            ".5e-3",
            "1e999",
            "-1e999",
            "1e-999",
            "--1",
            "1-",
            "1 ",
            "0x10",
            "9007199254740992",
            "9007199254740993",
            "-9007199254740993",
            "12345678",
            "123456789",
            "1234567812345678",
            "9999999999999999999",
            "99999999999999999999",
            "18446744073709551616",
            "0.1",
            "0.30000000000000004",
            "123456.7890123456",
            "1.7976931348623157e308",
            "1.7976931348623159e308",
            "5e-324",
            "2e-324",
            "2.2250738585072011e-308",
            "0.0000000000000000000001",
            "0.00000000000000000000001",
            "1e22",
            "1e23",
            "inf",
            "nan",
            "infinity",
            "1_000",
        ] {
            assert_as_the_standard_library(text);
        }
    }

    #[test]
    fn short_decimals_are_read_at_once_and_as_any_others() {
        let behind = ",/:é;é123456789012";
        for text in ["0", "0.0", "+7", "12345678", "-12345678", "1234567.8", "-0.1234567", "0.00", "-1"] {
            let found = Decimal::at_start_of(format!("{text}{behind}").as_bytes());
            assert!(found.is_some_and(|(_, end)| end == text.len()), "{text}");
        }
        let pieces = ["0", "1", "9", "12345678", "-", "+", ".", "e", "E", ",", "/", ":", "é", "\0"];
        for number in 0..200_000 {
            let mut stream = Stream::new(7, Purpose::Probe, number);
            let n_pieces = 1 + stream.below(9);
            let text: String = (0..n_pieces).map(|_| pieces[stream.below(pieces.len() as u32) as usize]).collect();
            let text = text + behind;
            if let Some((decimal, end)) = Decimal::at_start_of(text.as_bytes()) {
                let expected = Some((Number::Decimal(decimal), end));
                assert_eq!(Number::of_any_length_at_start_of(text.as_bytes()), expected, "{text}");
            }
        }
    }

    #[test]
    fn random_numbers_are_those_of_the_standard_library() {
        for number in 0..40_000 {
            let mut stream = Stream::new(1, Purpose::Probe, number);
            let pieces = ["-", "+", ".", "e", "E", "e-", "0", "1", "9", "000", "4503599627370496", "12345678", "7"];
            let n_pieces = 1 + stream.below(6);
            let text: String = (0..n_pieces).map(|_| pieces[stream.below(pieces.len() as u32) as usize]).collect();
            assert_as_the_standard_library(&text);
            // Of every length and with the point everywhere.
            let n_digits = 1 + stream.below(24) as usize;
            let mut text: String = (0..n_digits).map(|_| char::from(b'0' + stream.below(10) as u8)).collect();
            text.insert(stream.below(n_digits as u32 + 1) as usize, '.');
            assert_as_the_standard_library(&text);
            let spread = f64::from(stream.below(40)) - 20.0;
            let double = stream.normal() * 10.0_f64.powf(spread);
            for text in [double.to_string(), format!("{double:e}"), format!("{double:.6}"), (double as f32).to_string()]
            {
                assert_as_the_standard_library(&text);
            }
        }
    }
}
