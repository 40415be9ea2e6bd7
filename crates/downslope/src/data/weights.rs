//! What does each row weigh?
//!
//! A column may say so. How weights enter the loss is told at [`crate::data::Dataset::with_weights`].

use crate::data::table::{Table, Values};
use crate::error::{Error, ErrorKind, Result};

impl Table {
    /// The weights that a column gives to some rows, as they stand there.
    ///
    /// # Errors
    /// [`ErrorKind::NoSuchColumn`]; [`ErrorKind::WeightOutOfRange`] at the first value that is missing, below 0 or no
    /// number.
    pub fn weights(&self, column: &str, rows: &[u32]) -> Result<Vec<f64>> {
        let index = self.column_index(column)?;
        let values = &self.columns()[index].values;
        let weights: Vec<f64> = match values {
            Values::Number(numbers) => numbers.of_rows(rows).collect(),
            _ => vec![f64::NAN; rows.len()],
        };
        let Some(at) = weights.iter().position(|weight| !(0.0..f64::INFINITY).contains(weight)) else {
            return Ok(weights);
        };
        let row = rows[at] as usize;
        let found = if values.is_missing(row) { "none".to_owned() } else { format!("`{}`", values.text(row)) };
        let kind = ErrorKind::WeightOutOfRange { expected: "a finite row weight, 0 or above", found };
        Err(Error::from(kind).at(self.place(row, index)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::csv::ReadOptions;

    #[test]
    fn weights_are_read_and_odd_ones_named_with_their_place() {
        let table = |text: &str| Table::from_csv("t.csv", text.as_bytes(), &ReadOptions::default()).unwrap();
        assert_eq!(table("w,y\n1,2\n0,3\n2.5,4\n").weights("w", &[0, 2]).unwrap(), [1.0, 2.5]);
        let refusal = |text: &str| table(text).weights("w", &[0, 1]).unwrap_err().to_string();
        assert_eq!(refusal("w,y\n1,2\n-1,3\n"), "t.csv:3:1: expected a finite row weight, 0 or above, found `-1`");
        assert_eq!(refusal("w,y\n,2\n1,3\n"), "t.csv:2:1: expected a finite row weight, 0 or above, found none");
        assert_eq!(refusal("w,y\na,2\nb,3\n"), "t.csv:2:1: expected a finite row weight, 0 or above, found `a`");
        assert!(refusal("v,y\n1,2\n1,3\n").starts_with("t.csv: expected a column `w`"));
    }
}
