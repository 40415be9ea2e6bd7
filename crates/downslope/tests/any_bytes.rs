//! What if a file holds anything at all? A sound table, or an error that names the file; never a panic, never more memory
//! than the bytes account for. `fuzz/` asks the same for hours; what it found is kept here.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so and ends")]

use downslope::data::{Column, Format, OnBadRow, Packing, ReadOptions, Values};
use downslope::{ErrorKind, Table};

/// Numbers that look random and are the same in every run of the tests.
struct Draws(u64);

impl Draws {
    fn below(&mut self, n: usize) -> usize {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) % n as u64) as usize
    }
}

fn check(format: Format, bytes: &[u8], on_bad_row: OnBadRow) {
    let options = ReadOptions { format: Some(format), on_bad_row, threads: Some(1), ..ReadOptions::default() };
    let table = match Table::from_bytes("t", bytes, &options) {
        Ok(table) => table,
        Err(error) => {
            let is_placed = error.place().source.is_some() || matches!(error.kind(), ErrorKind::Io { .. });
            return assert!(is_placed, "{error:?}");
        }
    };
    let n_rows = table.n_rows();
    assert!(n_rows > 0 && n_rows * table.columns().len() <= 4096 * bytes.len(), "{format}: {n_rows} rows");
    for Column { name, values } in table.columns() {
        assert_eq!(values.len(), n_rows, "{name}");
        if let Values::Number(numbers) | Values::Time(numbers) = values {
            assert!(numbers.iter().all(|number| !number.is_infinite()), "{name}");
        }
    }
}

fn sample(format: Format) -> Vec<u8> {
    let rows: Vec<String> =
        (0..20).map(|row| format!("{},{},{}", row % 7, row * row % 11, ["u", "v"][row % 2])).collect();
    let text = format!("a,b,y\n{}\n", rows.join("\n"));
    let table = Table::from_bytes("t.csv", text.as_bytes(), &ReadOptions::default()).unwrap();
    let numbers = Table::from_columns("t", table.columns()[..2].to_vec()).unwrap();
    let (table, target) = match format {
        Format::Libsvm | Format::Vowpal | Format::Npy => (numbers, "b"),
        _ => (table, "y"),
    };
    let mut bytes = Vec::new();
    table.write(format, Packing::None, Some(target), &mut bytes).unwrap();
    bytes
}

/// Cuts, flips, repeats and overwrites.
fn mutated(bytes: &[u8], draws: &mut Draws) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for _ in 0..=draws.below(3) {
        let at = draws.below(bytes.len().max(1)).min(bytes.len().saturating_sub(1));
        match draws.below(5) {
            _ if bytes.is_empty() => bytes.push(0),
            0 => bytes.truncate(at),
            1 => bytes[at] ^= 1 << draws.below(8),
            2 => bytes[at] = [0, 0xff, b':', b'|', b'"', b'{', b'\n', b'9', b'-'][draws.below(9)],
            3 => {
                let piece = bytes[at..bytes.len().min(at + 1 + draws.below(12))].to_vec();
                bytes.splice(at..at, piece);
            }
            _ => {
                let end = bytes.len().min(at + 8);
                bytes[at..end].fill(0xff);
            }
        }
    }
    bytes
}

#[test]
fn a_file_that_was_tampered_with_is_a_table_or_an_error() {
    let mut draws = Draws(1);
    for (format, _) in Format::ALL {
        let bytes = sample(format);
        check(format, &bytes, OnBadRow::Error);
        let n_cases = if matches!(format, Format::Parquet | Format::Arrow) { 1500 } else { 3000 };
        for number in 0..n_cases {
            let on_bad_row = if number % 2 == 0 { OnBadRow::Error } else { OnBadRow::Skip };
            check(format, &mutated(&bytes, &mut draws), on_bad_row);
        }
    }
}

#[test]
fn any_text_in_any_form_is_a_table_or_an_error() {
    let pieces = [
        "1", "-2.5", "a", ":", "|", " ", "\n", "\"", "{", "}", ",", "\"a\":", "null", "true", "'t", "#", "\u{e9}",
        "1e999", "0:1", "[", "\r\n", "\u{feff}", "qid:1",
    ];
    let mut draws = Draws(2);
    for (format, _) in Format::ALL {
        for number in 0..2000 {
            let text: String = (0..draws.below(20)).map(|_| pieces[draws.below(pieces.len())]).collect();
            let on_bad_row = if number % 2 == 0 { OnBadRow::Error } else { OnBadRow::Skip };
            check(format, text.as_bytes(), on_bad_row);
        }
    }
}

/// Found by fuzzing: packed buffers that claim to be 64 PiB long, for which the library would ask at once.
#[test]
fn an_arrow_file_may_not_claim_more_than_packing_could_save() {
    for bytes in [&include_bytes!("data/false-claim.arrow")[..], include_bytes!("data/false-claim-2.arrow")] {
        let error = Table::from_bytes("t.arrow", bytes, &ReadOptions::default()).unwrap_err().to_string();
        assert!(error.starts_with("t.arrow: expected a file of Arrow's: it claims 72"), "{error}");
    }
}
