//! Is this the data it was?

use crate::data::table::{Column, Table, Values};

impl Table {
    /// Sixteen hexadecimal digits that change when a name or a value changes: FNV-1a (Fowler, Noll, Vo; 64 bits).
    ///
    /// Hashed in turn: for each column its name, a byte for its kind (0 number, 1 boolean, 2 category, 3 time, 4 sparse
    /// rows), for categories the levels, for sparse rows the names, then the values as little-endian `f64` bits (missing: the bits of -0.0) or `u32` codes. Texts and
    /// lists are preceded by their length as `u64`. Neither the source nor the way a number was written counts.
    pub fn fingerprint(&self) -> String {
        let mut hash = Fnv1a::new();
        hash.write_length(self.columns().len());
        for Column { name, values } in self.columns() {
            hash.write_text(name);
            match values {
                Values::Number(numbers) => {
                    hash.write(&[0]);
                    hash.write_numbers(numbers.len(), numbers.iter());
                }
                Values::Time(numbers) => {
                    hash.write(&[3]);
                    hash.write_numbers(numbers.len(), numbers.iter());
                }
                Values::Sparse(rows) => {
                    hash.write(&[4]);
                    hash.write_length(rows.names().len());
                    for name in rows.names() {
                        hash.write_text(name);
                    }
                    for row in 0..rows.len() {
                        let (codes, values) = rows.row(row);
                        hash.write_codes(codes);
                        hash.write_numbers(values.len(), values.iter().copied());
                    }
                }
                Values::Boolean(codes) => {
                    hash.write(&[1]);
                    hash.write_codes(codes);
                }
                Values::Category { levels, codes } => {
                    hash.write(&[2]);
                    hash.write_length(levels.len());
                    for level in levels {
                        hash.write_text(level);
                    }
                    hash.write_codes(codes);
                }
            }
        }
        format!("{:016x}", hash.0)
    }
}

/// The same hash, of words of eight bytes instead of bytes, so that it keeps up with a disk; of pieces that are each
/// filled up with zeros.
#[derive(Debug)]
pub(super) struct Words(u64);

impl Words {
    pub(super) fn new() -> Self {
        Self(Fnv1a::new().0)
    }

    pub(super) fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        let mut last = [0; 8];
        last[..rest.len()].copy_from_slice(rest);
        for &word in words.iter().chain([&last]) {
            // The rotation lets high bits count for low ones, which a product alone does not.
            self.0 = (self.0 ^ u64::from_le_bytes(word)).wrapping_mul(0x0100_0000_01b3).rotate_left(23);
        }
    }

    pub(super) fn digits(&self) -> String {
        format!("{:016x}", self.0)
    }
}

/// A hash of bytes, taken in one after the other.
pub(super) struct Fnv1a(pub(super) u64);

impl Fnv1a {
    pub(super) fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    pub(super) fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    fn write_length(&mut self, length: usize) {
        self.write(&(length as u64).to_le_bytes());
    }

    fn write_text(&mut self, text: &str) {
        self.write_length(text.len());
        self.write(text.as_bytes());
    }

    fn write_numbers(&mut self, length: usize, numbers: impl Iterator<Item = f64>) {
        self.write_length(length);
        for number in numbers {
            let number = if number.is_nan() { -0.0 } else { number + 0.0 };
            self.write(&number.to_bits().to_le_bytes());
        }
    }

    fn write_codes(&mut self, codes: &[u32]) {
        self.write_length(codes.len());
        for code in codes {
            self.write(&code.to_le_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::csv::ReadOptions;

    fn table(text: &str) -> Table {
        Table::from_csv("t.csv", text.as_bytes(), &ReadOptions::default()).unwrap()
    }

    #[test]
    fn the_hash_is_fnv_1a() {
        let mut hash = Fnv1a::new();
        hash.write(b"foobar");
        assert_eq!(hash.0, 0x8594_4171_f739_67e8);
    }

    #[test]
    fn the_fingerprint_is_of_names_and_values_only() {
        let fingerprint = table("a,b\n1,x\n2,y\n").fingerprint();
        assert_eq!(fingerprint, table("a;b\r\n1.0;\"x\"\r\n\r\n2e0;y").fingerprint());
        for other in ["a,c\n1,x\n2,y\n", "a,b\n1,x\n3,y\n", "a,b\n1,x\n2,x\n", "a,b\n1,x\n2,\n", "b,a\n1,x\n2,y\n"] {
            assert_ne!(fingerprint, table(other).fingerprint(), "{other}");
        }
        assert_eq!(fingerprint, "59ebe5617944fdb1");
    }
}
