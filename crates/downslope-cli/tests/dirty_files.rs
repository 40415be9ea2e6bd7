//! What is said of a file in any form that is dirty: the whole of standard error, exit status 2, and no file more or less
//! than before. One file for each way to be dirty that a reader can meet.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so and ends")]

mod support;

use support::Workplace;

#[track_caller]
fn refused(name: &str, bytes: impl AsRef<[u8]>, flags: &str, words: &str) {
    let here = Workplace::new();
    here.write(name, bytes);
    for command in ["train", "data show"] {
        let before = here.listing();
        let out = if command == "train" { "--out run" } else { "" };
        let said = here.run(&format!("{command} {name} {out} {flags}"));
        assert_eq!(said.err, words, "{command} {name}");
        assert_eq!((said.code, said.out.as_str()), (2, ""), "{command} {name}");
        assert_eq!(here.listing(), before, "{command} {name}");
    }
}

const SKIP: &str = "hint: mend the line, or let `--on-bad-row skip` leave out and count what cannot be read\n";
const DAMAGED: &str = "hint: the file is cut short, damaged, or of a kind that is not read: write it anew, or as CSV\n";

/// A table in some form, as the command itself writes it.
fn converted(name: &str, flags: &str) -> Vec<u8> {
    let here = Workplace::new();
    let rows: Vec<String> = (0..200).map(|row| format!("{},{},{}\n", row % 7, row * row % 11, row % 2)).collect();
    here.write("t.csv", format!("a,b,y\n{}", rows.concat()));
    here.run(&format!("data convert t.csv {name} {flags} --quiet")).with_code(0);
    here.read(name)
}

fn half(bytes: &[u8]) -> &[u8] {
    &bytes[..bytes.len() / 2]
}

#[test]
fn libsvm_text() {
    for (line, said) in [
        ("1 17:", "expected `index:value`, found `17:`"),
        ("1 17", "expected `index:value`, found `17`"),
        ("1 0:1", "expected an index of 1 or more, found `0:1`"),
        ("1 3:1 2:1", "expected an index above the one before it, found `2:1`"),
        ("1 3:1 3:2", "expected an index above the one before it, found `3:2`"),
        ("x 3:1", "expected a label that is a number, found `x`"),
        ("1 3:inf", "expected a finite number behind the index, found `3:inf`"),
        ("1 qid:3 1:1", "expected `index:value` (groups of ranked rows are not read), found `qid:3`"),
    ] {
        refused("t.svm", format!("1 1:1 2:0.5\n-1 1:2\n{line}"), "", &format!("error: t.svm:3: {said}\n{SKIP}"));
    }
}

#[test]
fn vowpal_text() {
    for (line, said) in [
        ("x | a", "expected a label that is a number, found `x`"),
        ("1 a", "expected `|` before the features, found `1 a`"),
        ("1|f a", "expected a space, or a tag such as `'a`, before `|`, found `1`"),
        ("1 | a:x", "expected `feature` or `feature:value`, found `a:x`"),
        ("1 2 3 | a", "expected `|` behind label and importance, found `3`"),
    ] {
        let text = format!("1 |f a b:2\n-1 |f a\n{line}\n");
        refused("t.vw", text, "--format vw", &format!("error: t.vw:3: {said}\n{SKIP}"));
    }
}

#[test]
fn lines_of_json() {
    for (line, said, hint) in [
        ("{\"a\":1,\"y\":", "4:11: expected a JSON object: EOF while parsing a value", SKIP),
        ("[1,2]", "4:1: expected a JSON object: invalid type: sequence, expected an object", SKIP),
        ("{\"a\":1,\"a\":2}", "4: expected every key once in a row, found `a` again", SKIP),
        (
            "{\"a\":[1]}",
            "4: expected a number, a text, true, false or null in column `a`, found an array",
            "hint: a column holds one value a row: `jq -c '{a, b: .b.c}'` takes objects apart\n",
        ),
        (
            "{\"a\":\"u\",\"y\":1}",
            "4: expected a number in column `a`, found `u`",
            "hint: `--missing 'NA,null,u'` counts it as missing, `--as a=category` reads all values as texts, `--on-bad-row skip` leaves the row out\n",
        ),
    ] {
        let text = format!("{{\"a\":1,\"y\":0}}\n\n{{\"a\":2,\"y\":1}}\n{line}");
        refused("t.jsonl", text, "", &format!("error: t.jsonl:{said}\n{hint}"));
    }
    refused(
        "t.json",
        "[{\"a\":1}]",
        "",
        "error: t.json: expected a text table, found a JSON array\n\
         hint: `jq -c '.[]'` makes a line of every object; lines of JSON are read\n",
    );
}

#[test]
fn a_text_that_is_cut_short_where_it_was_packed() {
    let cases = [("t.csv.gz", "gzip", 350), ("t.csv.zst", "zstd", 0), ("t.csv.bz2", "bzip2", 0)];
    for (name, packing, n_bytes) in cases {
        let words = format!(
            "error: cannot read `{name}`: its {packing} data are cut short, {n_bytes} bytes of text into it\n\
             hint: fetch or pack the file again\n"
        );
        refused(name, half(&converted(name, "")), "", &words);
    }
}

#[test]
fn columns_and_arrays_that_are_cut_short() {
    let parquet = converted("t.parquet", "");
    let words = "error: t.parquet: expected a Parquet file: Parquet error: Invalid Parquet file. Corrupt footer\n";
    refused("t.parquet", half(&parquet), "", &format!("{words}{DAMAGED}"));
    let arrow = converted("t.arrow", "");
    let words =
        "error: t.arrow: expected a file of Arrow's: Parser error: Arrow file does not contain correct footer\n";
    refused("t.arrow", half(&arrow), "", &format!("{words}{DAMAGED}"));
    let npy = converted("t.npy", "");
    let words = "error: t.npy: expected a NumPy array: it is cut short: of shape [200, 3], but its values end before\n";
    refused("t.npy", half(&npy), "", &format!("{words}{DAMAGED}"));
    let npz = converted("t.npz", "--target y");
    let words = "error: t.npz: expected a NumPy archive: invalid Zip archive: Could not find EOCD\n";
    refused("t.npz", half(&npz), "", &format!("{words}{DAMAGED}"));
}

#[test]
fn arrays_that_are_no_table() {
    let array = |header: &str, values: &[u8]| {
        let length = (header.len() as u16).to_le_bytes();
        [b"\x93NUMPY\x01\0", &length[..], header.as_bytes(), values].concat()
    };
    let infinite: Vec<u8> = [1.0, 2.0, f64::INFINITY, 4.0].into_iter().flat_map(f64::to_le_bytes).collect();
    let header =
        |descr: &str, shape: &str| format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}");
    for (bytes, said) in [
        (array(&header("<c16", "(2, 2)"), &infinite), "expected a NumPy array: values of type \"<c16\" are not read"),
        (
            array(&header("<f8", "(2, 1, 2)"), &infinite),
            "expected a NumPy array of one or two dimensions: found shape [2, 1, 2]",
        ),
        (
            array(&header("<f8", "(9000000000, 9000000000)"), &infinite),
            "expected a NumPy array: it is cut short: of shape [9000000000, 9000000000], but its values end before",
        ),
    ] {
        let hint = if said.contains("dimensions") { "" } else { DAMAGED };
        refused("t.npy", bytes, "", &format!("error: t.npy: {said}\n{hint}"));
    }
    refused(
        "t.npy",
        array(&header("<f8", "(2, 2)"), &infinite),
        "",
        "error: t.npy: row 2, column 1: expected a finite number in column `0`, found `inf`\n\
         hint: write `NaN` or null where there is no number in `0`\n",
    );
}

#[test]
fn several_files() {
    let here = Workplace::new();
    here.write("part-1.csv", "a,y\n1,2\n");
    here.write("part-2.csv", "a,z\n1,2\n");
    let said = here.run("data show part-*.csv").with_code(2);
    let words = "error: part-2.csv: expected the columns of the files before it, found `z` instead of `y`\n";
    assert_eq!(said.err, words);
    here.write("part-2.csv", "a,y\n1,2,3\n");
    let said = here.run("data show part-*.csv").with_code(2);
    assert!(said.err.starts_with("error: part-2.csv:2: expected 2 fields as in the header, found 3\n"), "{}", said.err);
    let said = here.run("data show none-*.csv").with_code(2);
    let words = "error: expected files that match `none-*.csv`, found none\n\
                 hint: check the folder and the pattern; quotation marks keep the shell from reading it itself\n";
    assert_eq!(said.err, words);
}

#[test]
fn bad_rows_and_rows_without_a_target_are_left_out_where_asked() {
    let here = Workplace::new();
    let rows: Vec<String> = (0..40).map(|row| format!("{},{}\n", row % 7, row % 2)).collect();
    let rows = rows.concat();
    here.write("t.csv", format!("a,y\n{rows}1,2,3\nx,1\n3,\n"));
    let flags = "--on-bad-row skip --on-missing-target drop";
    let said = here.run(&format!("train t.csv --epochs 1 --out run {flags}")).with_code(0);
    let skipped = "note: 2 rows that cannot be read were skipped; the first: t.csv:42: expected 2 fields as in the header, found 3\n";
    let dropped = "note: 1 row without a value in the target `y` left out\n";
    assert!(said.err.contains(skipped) && said.err.contains(dropped), "{}", said.err);
    here.run("resume run").with_code(0);
}

#[test]
fn what_cannot_be_written_leaves_the_old_file() {
    let here = Workplace::new();
    here.write("t.csv", "a,cut,y\n1,u,0\n2,v,1\n");
    here.write("t.svm", "old");
    let before = here.listing();
    let said = here.run("data convert t.csv t.svm --target y").with_code(2);
    assert_eq!(
        said.err,
        "error: expected a number in every row of a column for LIBSVM text, found texts in `cut`\n\
         hint: csv, jsonl, parquet and arrow hold columns of every kind\n"
    );
    assert_eq!((here.read("t.svm"), here.listing()), (b"old".to_vec(), before));
    let said = here.run("data convert t.csv t.xyz").with_code(2);
    assert_eq!(
        said.err,
        "error: `to`: expected a form, or a file name that ends in one, found `t.xyz`\n\
         hint: see `--to` in `downslope data convert --help`\n"
    );
    let said = here.run("data convert t.csv - --to jsonl --quiet").with_code(0);
    assert_eq!(said.out, "{\"a\":1,\"cut\":\"u\",\"y\":0}\n{\"a\":2,\"cut\":\"v\",\"y\":1}\n");
}

#[test]
fn a_kill_in_the_middle_of_a_conversion_leaves_the_old_file() {
    let here = Workplace::new();
    here.run("data make regression --rows 20000 --features 12 --out t.csv").with_code(0);
    let mut draws = support::Draws(3);
    let mut kills = 0;
    while kills < 8 {
        here.write("t.jsonl", "old");
        let mut child = here.command("data convert t.csv t.jsonl --quiet").spawn().unwrap();
        // The moment is what is tried here; nothing waits for it.
        std::thread::sleep(std::time::Duration::from_secs_f64(0.3 * draws.next()));
        child.kill().unwrap();
        if child.wait().unwrap().code().is_none() {
            kills += 1;
            let found = here.read("t.jsonl");
            let is_whole = found.split(|&byte| byte == b'\n').count() == 20_001;
            assert!(found == b"old" || is_whole, "{} bytes", found.len());
        }
    }
}
