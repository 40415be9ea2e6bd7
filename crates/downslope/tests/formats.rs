//! Is a table the same in every form it can be written in? To the last bit of a model trained on it.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so and ends")]

use downslope::Table;
use downslope::data::{Column, ColumnKind, Format, OnBadRow, Packing, ReadOptions, Values};
use downslope::run::{Experiment, Settings};

const PACKINGS: [(Packing, &str); 4] =
    [(Packing::None, ""), (Packing::Gzip, ".gz"), (Packing::Zstd, ".zst"), (Packing::Bzip2, ".bz2")];

fn written(table: &Table, format: Format, packing: Packing, target: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    table.write(format, packing, Some(target), &mut bytes).unwrap();
    bytes
}

fn read(name: &str, bytes: &[u8]) -> Table {
    Table::from_bytes(name, bytes, &ReadOptions::default()).unwrap()
}

/// The parameters after some epochs, bit for bit.
fn theta(table: &Table, target: &str) -> Vec<u32> {
    let settings =
        Settings { target: Some(target.to_owned()), epochs: 3, lr: "0.05".parse().unwrap(), ..Settings::default() };
    let trained = Experiment::prepare(table, &settings).unwrap().train(&mut []).unwrap();
    trained.model.theta.iter().map(|weight| weight.to_bits()).collect()
}

/// Numbers of many digits, counts, zeros and a label; with values missing here and there, if asked for.
fn numbers(with_missing: bool) -> Table {
    let number = |row: usize, column: usize| {
        let odd = ((row * 7919 + column * 104_729) % 1009) as f64;
        match column {
            _ if with_missing && (row * 31 + column).is_multiple_of(17) => f64::NAN,
            0 => odd / 7.0 - 60.0,
            1 => odd.sqrt() * 1e-3,
            2 => odd,
            _ => f64::from(u8::from(row.is_multiple_of(3))),
        }
    };
    let mut columns: Vec<Column> = ["0", "1", "2", "3"]
        .iter()
        .enumerate()
        .map(|(column, name)| Column::numbers(*name, (0..400).map(|row| number(row, column)).collect()))
        .collect();
    columns.push(Column::numbers("label", (0..400).map(|row| f64::from(u8::from(row % 5 < 2))).collect()));
    Table::from_columns("made", columns).unwrap()
}

#[test]
fn the_same_table_in_every_form_makes_the_same_model_bit_for_bit() {
    for with_missing in [false, true] {
        let table = numbers(with_missing);
        let expected = theta(&table, "label");
        for (format, name) in Format::ALL {
            let packings: &[_] = match format {
                Format::Parquet | Format::Arrow | Format::Npz => &PACKINGS[..1],
                _ => &PACKINGS,
            };
            for &(packing, extension) in packings {
                if with_missing && matches!(format, Format::Libsvm | Format::Vowpal) {
                    continue;
                }
                let bytes = written(&table, format, packing, "label");
                let target = match format {
                    Format::Npy => "4",
                    Format::Npz => "target",
                    _ => "label",
                };
                let read = read(&format!("t.{name}{extension}"), &bytes);
                assert_eq!(theta(&read, target), expected, "{format} {packing:?}");
            }
        }
    }
}

#[test]
fn every_kind_of_column_comes_back_from_the_forms_that_have_it() {
    let text = "size,cut,wet,when,label\n0.5,Good,true,2024-02-29,1\n,,false,2024-02-29T12:30:00.25,0\n-1e-7,\"a \"\"b\"\"\",,,1\n";
    let table = read("t.csv", text.as_bytes());
    for format in [Format::Csv, Format::JsonLines, Format::Parquet, Format::Arrow] {
        let read = read("t", &written(&table, format, Packing::None, "label"));
        let kinds = |table: &Table| table.columns().iter().map(|column| column.values.kind()).collect::<Vec<_>>();
        assert_eq!(kinds(&read), kinds(&table), "{format}");
        assert_eq!(read.fingerprint(), table.fingerprint(), "{format}");
    }
}

#[test]
fn words_for_a_missing_value_are_missing_in_every_form() {
    let table = read("t.csv", b"a,cut,label\n1.5,u,1\n-999,n/a,0\n2.5,u,-999\n-999,v,1\n");
    let numbers = Table::from_columns("made", vec![table.columns()[0].clone(), table.columns()[2].clone()]).unwrap();
    let words = ["-999.0".to_owned(), "n/a".to_owned()];
    for (format, name) in Format::ALL {
        let table = match format {
            // Sparse rows have no words: every number in them is one.
            Format::Libsvm | Format::Vowpal => continue,
            Format::Npy | Format::Npz => &numbers,
            _ => &table,
        };
        let options = ReadOptions { missing: words.to_vec(), ..ReadOptions::default() };
        let bytes = written(table, format, Packing::None, "label");
        let read = Table::from_bytes(&format!("t.{name}"), &bytes, &options).unwrap();
        for column in read.columns() {
            let missing: Vec<usize> = (0..4).filter(|&row| column.values.is_missing(row)).collect();
            let expected = match column.name.as_str() {
                "a" | "0" => &[1, 3][..],
                "cut" => &[1],
                _ => &[2],
            };
            assert_eq!(missing, expected, "{format}, `{}`", column.name);
        }
    }
}

#[test]
fn what_a_form_cannot_hold_is_refused_with_its_column() {
    let table = read("t.csv", b"a,cut,when,y\n1,u v,2024-01-02,1\n,v,2024-01-03,0\n");
    let refusal = |table: &Table, format, target| {
        table.write(format, Packing::None, target, &mut Vec::new()).unwrap_err().to_string()
    };
    let libsvm = "expected a number in every row of a column for LIBSVM text, found texts in `cut`";
    assert_eq!(refusal(&table, Format::Libsvm, Some("y")), libsvm);
    let npy = "expected numbers or booleans in every column of a NumPy array, found texts in `cut`";
    assert_eq!(refusal(&table, Format::Npy, None), npy);
    let vowpal = "expected names without spaces, `:` and `|` for Vowpal Wabbit text, found `u v`";
    assert_eq!(refusal(&table, Format::Vowpal, Some("y")), vowpal);
    let no_target = "`target`: expected the column that becomes the label of libsvm, found `none`";
    assert_eq!(refusal(&table, Format::Libsvm, None), no_target);
    let missing = read("t.csv", b"a,y\n1,1\n,0\n");
    let expected = "expected a number in every row of a column for LIBSVM text, found a missing value in `a`";
    assert_eq!(refusal(&missing, Format::Libsvm, Some("y")), expected);
}

#[test]
fn few_of_many_features_stay_sparse_and_many_of_few_become_columns() {
    let sparse = read("t.svm", b"1 3:1 900000000000:0.5\n-1 4:1 7:2 9:1\n1 5:1\n");
    let Values::Sparse(rows) = &sparse.columns()[1].values else { panic!("{:?}", sparse.columns()[1]) };
    assert_eq!(rows.names(), ["3", "4", "5", "7", "9", "900000000000"]);
    let dense = read("t.svm", b"1 1:1 10:0.5\n-1 2:1 10:2 # a comment\n\n1 1:1 2:1\n");
    let names: Vec<&str> = dense.columns().iter().map(|column| column.name.as_str()).collect();
    assert_eq!(names, ["label", "1", "2", "10"]);
    assert_eq!(dense.place(2, 0).to_string(), "t.svm:4:");
    for format in [Format::Libsvm, Format::Vowpal] {
        let back = read("t", &written(&sparse, format, Packing::None, "label"));
        assert_eq!(back.columns()[0], sparse.columns()[0]);
        assert_eq!(back.columns()[1], sparse.columns()[1], "{format}");
    }
    let plain = read("t", &written(&sparse, Format::Csv, Packing::None, "label"));
    assert_eq!(plain.columns().len(), 7);
}

#[test]
fn vowpal_rows_have_namespaces_scales_importances_and_tags() {
    let table = read("t.vw", b"1 2 'x|a:2 u:3 v |b u\n| w:0.5\n-1 |a v\n");
    let names: Vec<&str> = table.columns().iter().map(|column| column.name.as_str()).collect();
    assert_eq!(names, ["label", "importance", "features"]);
    assert_eq!(table.columns()[1].values, Values::Number(vec![2.0, 1.0, 1.0].into()));
    assert!(table.columns()[0].values.is_missing(1));
    let texts: Vec<String> = (0..3).map(|row| table.columns()[2].values.text(row)).collect();
    assert_eq!(texts, ["a^u:6 a^v:2 b^u:1", "w:0.5", "a^v:1"]);
}

#[test]
fn bad_rows_are_skipped_counted_and_told_once() {
    let skipping = ReadOptions { on_bad_row: OnBadRow::Skip, ..ReadOptions::default() };
    for (name, text, n_rows, told) in [
        (
            "t.csv",
            "a,y\n1,2\n3\nx,4\n5,6\n7,8\n",
            3,
            "2 rows that cannot be read were skipped; the first: t.csv:3: expected 2 fields as in the header, found 1",
        ),
        (
            "t.svm",
            "1 1:1\n0 2:x\n1 2:1\n1 1:",
            2,
            "2 rows that cannot be read were skipped; the first: t.svm:2: expected `index:value`, found `2:x`",
        ),
        (
            "t.vw",
            "1 |a b\nx |a\n-1 |a c\n",
            2,
            "1 row that cannot be read was skipped; the first: t.vw:2: expected a label that is a number, found `x`",
        ),
        (
            "t.jsonl",
            "{\"a\":1}\n{\"a\":\"u\"}\n{\"a\":\n{\"a\":3}\n",
            2,
            "2 rows that cannot be read were skipped; the first: t.jsonl:2: expected a number in column `a`, found `u`",
        ),
    ] {
        let options = ReadOptions { format: Format::of_name(name).map(|(format, _)| format), ..skipping.clone() };
        let table = Table::from_bytes(name, text.as_bytes(), &options).unwrap();
        assert_eq!(table.n_rows(), n_rows, "{name}");
        let notices: Vec<String> = table.notices().iter().map(ToString::to_string).collect();
        assert_eq!(notices, [told]);
        assert!(
            Table::from_bytes(name, text.as_bytes(), &ReadOptions { on_bad_row: OnBadRow::Error, ..options }).is_err()
        );
    }
    let none = Table::from_bytes("t.csv", b"a,b\n1\n2\n", &skipping).unwrap_err().to_string();
    assert_eq!(none, "t.csv:2: expected 2 fields as in the header, found 1");
}

#[test]
fn kinds_that_are_asked_for_are_obeyed_in_every_form() {
    let table = read("t.csv", b"a,b\n1,0.5\n0,2\n");
    let options = ReadOptions { kinds: vec![("a".into(), ColumnKind::Category)], ..ReadOptions::default() };
    for format in [Format::Csv, Format::JsonLines, Format::Parquet, Format::Arrow] {
        let bytes = written(&table, format, Packing::None, "a");
        let read = Table::from_bytes("t", &bytes, &options).unwrap();
        assert_eq!(read.columns()[0].values, Values::categories([Some("1"), Some("0")]), "{format}");
    }
}

/// A file that another program wrote: `golden/formats.py`.
fn foreign(name: &str) -> Table {
    let path = format!("{}/tests/data/{name}", env!("CARGO_MANIFEST_DIR"));
    Table::read(&path, &ReadOptions::default()).unwrap()
}

#[test]
fn columns_of_every_type_that_pyarrow_writes_are_read() {
    let expected = [
        ["1", "9007199254740992", "1.8446744073709552e19", "0.10000000149011612", "0.1", "12.34", "true", "Good", "E"],
        ["", "0", "5", "", "", "", "", "", "D"],
        ["-3", "-4.611686018427388e18", "", "-2.5", "0", "-0.01", "false", "Fair", ""],
    ];
    let times = [["2024-02-29", "2024-02-29T12:30:00.25"], ["", ""], ["1969-12-31", ""]];
    for name in ["pyarrow.parquet", "pyarrow.feather", "pyarrow.arrows"] {
        let table = foreign(name);
        for row in 0..3 {
            let texts: Vec<String> = table.columns().iter().map(|column| column.values.text(row)).collect();
            assert_eq!(texts[..9], expected[row], "{name}");
            assert_eq!(texts[9..11], times[row], "{name}");
            assert_eq!(texts[11..], [""], "{name}");
        }
        let notices: Vec<String> = table.notices().iter().map(ToString::to_string).collect();
        let [notice] = &notices[..] else { panic!("{notices:?}") };
        assert!(notice.starts_with("column `words` is left out: what it holds (List("), "{notice}");
        assert_eq!(table.place(1, 0).to_string().rsplit_once('/').unwrap().1, format!("{name}: row 2, column 1:"));
    }
}

#[test]
fn arrays_that_numpy_writes_are_read() {
    let x = ["0.5 -1 ", "2 3 4"];
    let texts = |table: &Table, row, n| {
        let texts = table.columns()[..n].iter().map(|column| column.values.text(row));
        texts.collect::<Vec<_>>().join(" ")
    };
    let table = foreign("fortran.npy");
    assert_eq!([0, 1].map(|row| texts(&table, row, 3)), x);
    let table = foreign("texts.npz");
    assert_eq!([0, 1].map(|row| texts(&table, row, 3)), x);
    assert_eq!(table.column("target").unwrap().values, Values::categories([Some("yes"), Some("né")]));
}

#[test]
fn blocks_and_threads_change_neither_rows_nor_messages() {
    let svm: Vec<String> =
        (1..60_000).map(|row| format!("{} {}:1 {}:0.5\n", row % 2, row % 97 + 1, 70_000 + row % 89)).collect();
    let jsonl: Vec<String> = (1..40_000)
        .map(|row| {
            format!(
                "{{\"a\":{},\"b\":\"{}\",{}\"y\":{}}}\n",
                row,
                row % 5,
                if row > 39_000 { "\"c\":true," } else { "" },
                row % 3
            )
        })
        .collect();
    for (name, lines, bad, said) in [
        ("t.svm", svm, "1 0:1\n", "t.svm:60000: expected an index of 1 or more, found `0:1`"),
        ("t.jsonl", jsonl, "{\"a\":true}\n", "t.jsonl:40000: expected a number in column `a`, found `true`"),
    ] {
        let [good, dirty] = [lines.concat(), lines.concat() + bad + &lines[0]];
        let read = |text: &str, n_threads, on_bad_row| {
            let options = ReadOptions { threads: Some(n_threads), on_bad_row, ..ReadOptions::default() };
            Table::from_bytes(name, text.as_bytes(), &options)
        };
        let whole = read(&good, 1, OnBadRow::Error).unwrap();
        assert_eq!(whole.n_rows(), lines.len());
        assert_eq!(read(&good, 3, OnBadRow::Error).unwrap().fingerprint(), whole.fingerprint(), "{name}");
        assert_eq!(read(&dirty, 3, OnBadRow::Error).unwrap_err().to_string(), said);
        let skipped = read(&dirty, 2, OnBadRow::Skip).unwrap();
        assert_eq!(skipped.n_rows(), lines.len() + 1);
        assert_eq!(skipped.place(lines.len(), 0).line, Some(lines.len() as u64 + 2));
        let told = format!("1 row that cannot be read was skipped; the first: {said}");
        assert_eq!(skipped.notices().iter().map(ToString::to_string).collect::<Vec<_>>(), [told]);
    }
}

#[test]
fn rows_without_a_target_are_dropped_and_the_others_keep_their_places() {
    let table = read("t.csv", b"a,y\n1,\n2,3\n\n4,\n5,6\n6,7\n");
    let (kept, notice) = downslope::Target::present(&table, Some("y")).unwrap().unwrap();
    assert_eq!(kept.column("a").unwrap().values, Values::Number(vec![2.0, 5.0, 6.0].into()));
    assert_eq!([0, 1, 2].map(|row| kept.place(row, 1).to_string()), ["t.csv:3:2:", "t.csv:6:2:", "t.csv:7:2:"]);
    assert_eq!(notice.to_string(), "2 rows without a value in the target `y` left out");
    assert!(downslope::Target::present(&kept, None).unwrap().is_none());
    let none = downslope::Target::present(&read("t.csv", b"a,y\n1,\n2,\n"), None).unwrap_err().to_string();
    assert_eq!(none, "t.csv:2:2: expected a value in the target `y`, found none");
}

#[test]
fn a_last_row_that_seems_cut_short_is_met_as_the_policy_says() {
    let whole = (0..20).map(|row| format!("{} 1:1 2:{row} 3:4", row % 2)).collect::<Vec<_>>().join("\n") + "\n";
    let read = |text: &str, on_bad_row| {
        let options = ReadOptions { on_bad_row, ..ReadOptions::default() };
        Table::from_bytes("t.svm", text.as_bytes(), &options)
    };
    let cut = whole.trim_end().trim_end_matches(" 3:4");
    let error = read(cut, OnBadRow::Error).unwrap_err().to_string();
    assert_eq!(
        error,
        "t.svm:20: expected a line end behind the last row, found none, and 2 values where any other row has 3 or more: \
         it seems to be cut short"
    );
    let table = read(cut, OnBadRow::Skip).unwrap();
    assert_eq!(table.n_rows(), 19);
    let told = table.notices()[0].to_string();
    assert!(told.starts_with("1 row that cannot be read was skipped; the first: t.svm:20: "), "{told}");
    // Whole rows need no line end, and short ones are rows where others are short, or where they end.
    for text in
        [whole.trim_end(), &format!("{whole}1 1:1\n"), &format!("{whole}1 1:1\n0 2:2"), &format!("{whole}1 1:1\n# end")]
    {
        let n_comments = text.matches('#').count();
        assert_eq!(read(text, OnBadRow::Error).unwrap().n_rows(), text.lines().count() - n_comments);
    }
    // The row may be alone in its block.
    let padded = format!("{}\n", "1 1:1 2:2 3:3".to_owned() + &" ".repeat(499)).repeat(2048) + "1 1:2";
    assert_eq!(read(&padded, OnBadRow::Skip).unwrap().n_rows(), 2048);
}

#[test]
fn importances_of_vowpal_wabbit_weigh_the_rows() {
    let line = |row: usize| format!("{} {} | a:{} b:{}", row % 2, 1 + row % 3, row % 7, row % 5);
    let text = (0..60).map(line).collect::<Vec<_>>().join("\n");
    let table = read("t.vw", text.as_bytes());
    assert_eq!(table.own_weight(), Some("importance"));
    let settings = Settings { target: Some("label".to_owned()), ..Settings::default() };
    let experiment = Experiment::prepare(&table, &settings).unwrap();
    assert_eq!(experiment.preprocessing().feature_names(), ["a", "b"]);
    assert_eq!(experiment.settings().weight.as_deref(), Some("importance"));
    let told: Vec<String> = experiment.notices().iter().map(ToString::to_string).collect();
    assert!(told.contains(&"no weight was named: rows weigh what `importance` says".to_owned()), "{told:?}");
}
