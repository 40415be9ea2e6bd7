//! What is said of a table that cannot be used? Every message whole, as a person reads it.

use downslope::data::{EncodeOptions, Preprocessing, ReadOptions, Table, Target, TaskKind};

/// What is said of a file `t.csv`, or `read without complaint`.
fn reading(bytes: impl AsRef<[u8]>) -> String {
    match Table::from_csv("t.csv", bytes.as_ref(), &ReadOptions::default()) {
        Ok(_) => "read without complaint".to_owned(),
        Err(error) => error.to_string(),
    }
}

/// What is said when the last column of `t.csv` is to be learned, or `learned without complaint`.
fn learning(text: &str, task: Option<TaskKind>, drop: &[&str]) -> String {
    let learned = || {
        let table = Table::from_csv("t.csv", text.as_bytes(), &ReadOptions::default())?;
        let rows = table.rows();
        let drop = drop.iter().map(|&name| name.to_owned()).collect();
        let (target, _) = Target::choose(&table, None, task)?;
        Preprocessing::learn(&table, &target, &rows, &EncodeOptions { drop, ..EncodeOptions::default() })
    };
    match learned() {
        Ok(_) => "learned without complaint".to_owned(),
        Err(error) => error.to_string(),
    }
}

#[test]
fn a_missing_file() {
    let error = Table::read("no/such/file.csv", &ReadOptions::default()).unwrap_err();
    assert_eq!(error.to_string(), "cannot read `no/such/file.csv`: No such file or directory (os error 2)");
}

#[test]
fn a_missing_built_in_table() {
    let error = Table::read("@iris", &ReadOptions::default()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "expected a built-in table, found `@iris`; there are `@digits`, `@breast-cancer`, `@diabetes`"
    );
}

#[test]
fn an_empty_file() {
    for empty in ["", "\u{feff}", "\n \r\n"] {
        assert_eq!(reading(empty), "t.csv: expected a table, found an empty file");
    }
}

#[test]
fn a_header_only() {
    for header in ["a,b", "a,b\n", "a,b\r\n\r\n"] {
        assert_eq!(reading(header), "t.csv: expected rows below the header, found none");
    }
}

#[test]
fn ragged_rows() {
    assert_eq!(reading("a,b,c\n1,2,3\n1,2\n"), "t.csv:3: expected 3 fields as in the header, found 2");
    assert_eq!(reading("a,b\r\n\r\n1,2\r\n1,2,3\r\n"), "t.csv:4: expected 2 fields as in the header, found 3");
    assert_eq!(reading("# a comment\na,b\n1,2\n"), "t.csv:2: expected 1 field as in the header, found 2");
    assert_eq!(reading("a,b\n1,\"x\ny\"\n1\n"), "t.csv:4: expected 2 fields as in the header, found 1");
}

#[test]
fn a_wrong_delimiter() {
    assert_eq!(
        reading("height weight\n1.8 80\n1.7 75\n"),
        "t.csv:1: expected commas, semicolons, tabs or `|` between the fields, found `height weight`"
    );
    assert_eq!(
        reading("height;weight\n1,8;80\n1,7;75\n"),
        "t.csv:2:1: expected a number in column `height`, found `1,8`"
    );
}

#[test]
fn text_that_is_not_utf8() {
    assert_eq!(
        reading(b"name,age\nAnna,5\nJos\xe9,7\n"),
        "t.csv:3: expected UTF-8 text, found bytes of another encoding"
    );
}

#[test]
fn formats_that_are_no_text_tables() {
    for (bytes, found) in [
        (&b"PAR1\x15\0"[..], "a Parquet file"),
        (b"PK\x03\x04\x14\0\0\0[Content_Types].xml", "an Excel workbook"),
        (b"PK\x03\x04\x14\0\0\0data.csv", "a zip archive"),
        (b"\xff\xfea\0,\0", "UTF-16 text"),
        (b"[{\"a\": 1}]", "a JSON array"),
        (b"\n<!DOCTYPE html>", "a web page"),
        (b"a,b\n\x01\0,2\n", "binary data"),
    ] {
        assert_eq!(reading(bytes), format!("t.csv: expected a text table, found {found}"));
    }
}

#[test]
fn an_open_quotation_mark() {
    let open = "expected a closing quotation mark, found the end of the file";
    assert_eq!(reading("a,b\n1,\"x\n2,y\n3,z\n"), format!("t.csv:2:2: {open}"));
    assert_eq!(reading("a,b\n1,x\n\"\"\"2,y\n"), format!("t.csv:3:1: {open}"));
    assert_eq!(reading("a,\"b\n1,x\n"), format!("t.csv:1:2: {open}"));
    assert_eq!(reading("a,b\n\"x\ny\",\"z\n"), format!("t.csv:3:2: {open}"));
    assert_eq!(reading("a,b\n1,5\" pipe\n"), "read without complaint");
}

#[test]
fn duplicate_and_nameless_columns() {
    assert_eq!(
        reading("a,b,a\n1,2,3\n"),
        "t.csv:1:3: expected every column to have its own name, found `a` again (first in field 1)"
    );
    assert_eq!(reading("\"\",a\n1,2\n"), "t.csv:1:1: expected a column name in the header, found an empty field");
}

#[test]
fn no_header() {
    assert_eq!(
        reading("5.1,3.5,1.4\n4.9,3.0,1.4\n"),
        "t.csv:1: expected a header with column names, found a row of numbers"
    );
}

#[test]
fn a_word_among_numbers() {
    assert_eq!(reading("a,b\n1,2\n1,n/a\n1,3\n"), "t.csv:3:2: expected a number in column `b`, found `n/a`");
    assert_eq!(reading("a\n\n1\n2\n\"1,234\"\n"), "t.csv:5:1: expected a number in column `a`, found `1,234`");
}

#[test]
fn numbers_in_foreign_dress() {
    for found in ["1,5", "-1,234,567.5", "12%", "$5", "+£1,000", "5€"] {
        let expected = format!("t.csv:2:1: expected a number in column `a`, found `{found}`");
        assert_eq!(reading(format!("a\tb\n{found}\t2\n")), expected);
    }
    for text in ["1.2.3", "2020-01-02", "10:30", "%", "$", "1,2,x", ","] {
        assert_eq!(reading(format!("a\tb\n{text}\t2\n")), "read without complaint", "{text}");
    }
}

#[test]
fn infinities_and_nan() {
    for found in ["inf", "-Infinity", "nan", "NaN", "1e999"] {
        let expected = format!("t.csv:3:1: expected a finite number in column `a`, found `{found}`");
        assert_eq!(reading(format!("a,b\n1,2\n{found},2\n")), expected);
    }
}

#[test]
fn a_word_among_numbers_can_be_named_as_missing() {
    let options = ReadOptions { missing: vec!["n/a".to_owned()], ..ReadOptions::default() };
    let table = Table::from_csv("t.csv", b"a\n1\nn/a\n", &options).unwrap();
    assert!(table.columns()[0].values.is_missing(1));
}

#[test]
fn a_target_that_is_missing_in_a_row() {
    assert_eq!(learning("a,y\n1,2\n2,NA\n", None, &[]), "t.csv:3:2: expected a value in the target `y`, found none");
}

#[test]
fn one_class_only() {
    assert_eq!(
        learning("a,y\n1,2\n2,2\n", None, &[]),
        "t.csv: expected at least two classes in the target `y`, found only `2`"
    );
}

#[test]
fn more_classes_than_rows_allow() {
    assert_eq!(
        learning("a,name\n1,u\n2,v\n3,w\n", None, &[]),
        "t.csv: expected at least two rows a class in the target `name`, found 3 classes in 3 rows"
    );
}

#[test]
fn constant_columns_and_nothing_else() {
    assert_eq!(
        learning("a,y\n1,2.5\n1,3.5\n", None, &[]),
        "t.csv: expected at least one column besides the target, found none"
    );
}

#[test]
fn columns_that_cannot_be_dropped() {
    let text = "depth,table,y\n1,2,3.5\n2,3,4.5\n";
    assert_eq!(
        learning(text, None, &["detph"]),
        "t.csv: expected a column `detph`, found none of that name; the nearest are `depth`"
    );
    assert_eq!(
        learning(text, None, &["y"]),
        "t.csv: expected the target to be kept, found `y` among the columns to drop"
    );
    assert_eq!(
        learning(text, None, &["depth", "table"]),
        "t.csv: expected at least one column besides the target, found none"
    );
}

#[test]
fn a_regression_on_text() {
    assert_eq!(
        learning("a,y\n1,u\n2,v\n", Some(TaskKind::Regression), &[]),
        "t.csv:2:2: expected a numeric target for regression, found `u` in column `y`"
    );
}
