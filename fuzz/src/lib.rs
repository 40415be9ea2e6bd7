//! What must hold for any bytes that are read as a table in some form.

use downslope::ErrorKind;
use downslope::data::{Format, OnBadRow, ReadOptions, Table, Values};

/// So many values may a table hold for a byte of its file: packed forms repeat one value often.
const VALUES_A_BYTE: usize = 1 << 16;

/// Reads bytes in a form: a sound table no larger than the file can tell, or an error that says where.
pub fn read(format: Format, bytes: &[u8]) {
    for on_bad_row in [OnBadRow::Error, OnBadRow::Skip] {
        let options = ReadOptions { format: Some(format), on_bad_row, threads: Some(1), ..ReadOptions::default() };
        match Table::from_bytes("t", bytes, &options) {
            Ok(table) => check(&table, bytes.len()),
            Err(error) => {
                assert!(!error.to_string().is_empty());
                let is_placed = error.place().source.is_some() || matches!(error.kind(), ErrorKind::Io { .. });
                assert!(is_placed, "{error:?}");
            }
        }
    }
}

fn check(table: &Table, n_bytes: usize) {
    let n_rows = table.n_rows();
    assert!(n_rows > 0 && n_rows * table.columns().len() <= VALUES_A_BYTE * n_bytes.max(1));
    for (index, column) in table.columns().iter().enumerate() {
        assert_eq!(column.values.len(), n_rows);
        if let Values::Number(numbers) | Values::Time(numbers) = &column.values {
            assert!(numbers.iter().all(|number| !number.is_infinite()));
        }
        let _ = (column.values.text(n_rows - 1), table.place(n_rows - 1, index).to_string());
    }
}
