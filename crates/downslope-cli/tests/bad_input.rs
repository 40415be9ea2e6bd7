//! What is said of input that cannot be used: the whole of standard error, exit status 2, nothing on standard output,
//! and not a file more or less than before. Beside them the oddities that must work.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so and ends")]

mod support;

use std::process::Stdio;

use support::{Said, Workplace};

const TABLE: &str = "a,b,y\n1,2,3.5\n2,1,4.5\n3,5,7.25\n4,4,8.5\n5,1,6.5\n6,2,8.25\n";
const CLASSES: &str = "a,b,y\n1,2,u\n2,1,v\n3,5,u\n4,4,v\n5,1,u\n6,2,v\n";

/// A folder with a table of numbers, one of classes, and an empty folder.
fn with_tables() -> Workplace {
    let here = Workplace::new();
    here.write("t.csv", TABLE);
    here.write("classes.csv", CLASSES);
    std::fs::create_dir(here.path("folder")).unwrap();
    here
}

/// The same with a run on the numbers and one on the classes.
fn with_runs() -> Workplace {
    let here = with_tables();
    here.run("train t.csv --epochs 2 --lr 0.01 --quiet --out run").with_code(0);
    here.run("train classes.csv --epochs 2 --lr 0.01 --quiet --out classes").with_code(0);
    here
}

/// Makes a run look as if it had been killed after its last epoch.
fn unfinish(here: &Workplace, run: &str) {
    let mut record = here.json(&format!("{run}/run.json"));
    record["outcome"] = serde_json::Value::Null;
    here.write(&format!("{run}/run.json"), record.to_string());
}

#[track_caller]
fn refused(here: &Workplace, args: &str, words: &str) {
    let before = here.listing();
    let said = here.run(args);
    let folder = std::fs::canonicalize(here.path("")).unwrap();
    let err = said.err.replace(&format!("{}/", folder.display()), "HERE/");
    assert_eq!(err, words, "{args}");
    assert_eq!((said.code, said.out.as_str()), (2, ""), "{args}");
    assert_eq!(here.listing(), before, "{args}");
}

#[track_caller]
fn table_refused(bytes: impl AsRef<[u8]>, words: &str) {
    let here = Workplace::new();
    here.write("bad.csv", bytes);
    refused(&here, "train bad.csv --target y --out run", words);
    refused(&here, "compare bad.csv --target y --out kept --report out.html --quiet", words);
    refused(&here, "data show bad.csv --target y", words);
}

/// What train says of a flag on a good table.
#[track_caller]
fn flag_refused(flags: &str, words: &str) {
    refused(&with_tables(), &format!("train t.csv --out run {flags}"), words);
}

#[test]
fn a_table_that_is_not_there() {
    let here = with_tables();
    let hint = "hint: check the path; `downslope data list` names the built-in tables\n";
    let missing = "error: cannot read `no.csv`: No such file or directory (os error 2)\n";
    for args in [
        "train no.csv --out run",
        "compare no.csv --quiet",
        "data show no.csv",
        "train t.csv --validation no.csv --out run",
    ] {
        refused(&here, args, &format!("{missing}{hint}"));
    }
    refused(&here, "train folder --out run", &format!("error: cannot read `folder`: is a directory\n{hint}"));
    refused(
        &here,
        "train @iris --out run",
        "error: expected a built-in table, found `@iris`; there are `@digits`, `@breast-cancer`, `@diabetes`\n\
         hint: `downslope data list` tells more about each\n",
    );
}

#[test]
fn a_table_with_nothing_in_it() {
    let hint = "hint: write the file anew; a CSV has a line of column names and the rows below it\n";
    table_refused("", &format!("error: bad.csv: expected a table, found an empty file\n{hint}"));
    let hint = "hint: the first line must hold the column names, the others the rows\n";
    table_refused("a,y\n", &format!("error: bad.csv: expected rows below the header, found none\n{hint}"));
}

#[test]
fn a_table_that_is_no_table() {
    let hint =
        "hint: fields are separated by `,`, `;`, tab or `|`, the same in every line; quote a field that holds one\n";
    let skip = hint.replace("holds one", "holds one, or let `--on-bad-row skip` leave the row out");
    table_refused(
        "a,b,y\n1,2,3\n1,2\n",
        &format!("error: bad.csv:3: expected 3 fields as in the header, found 2\n{skip}"),
    );
    let found = "error: bad.csv:1: expected commas, semicolons, tabs or `|` between the fields, found `a y`\n";
    table_refused("a y\n1 2\n", &format!("{found}{hint}"));
    table_refused(
        b"a,y\nJos\xe9,1\n",
        "error: bad.csv:2: expected UTF-8 text, found bytes of another encoding\n\
         hint: save it as UTF-8, for instance with `iconv -f latin1 -t utf-8`\n",
    );
    for (bytes, found) in [(&b"PK\x03\x04\x14\0\0\0data.csv"[..], "a zip archive"), (b"\xff\xfea\0,\0", "UTF-16 text")]
    {
        table_refused(
            bytes,
            &format!("error: bad.csv: expected a text table, found {found}\nhint: unpack or export it as CSV first\n"),
        );
    }
    table_refused(
        "a,y\n\"1,2\n2,3\n",
        "error: bad.csv:2:1: expected a closing quotation mark, found the end of the file\nhint: a quotation mark opens a field that never ends; double it (\"\") to mean itself\n",
    );
}

#[test]
fn a_header_that_names_no_columns() {
    table_refused(
        "a,a,y\n1,2,3\n",
        "error: bad.csv:1:2: expected every column to have its own name, found `a` again (first in field 1)\n\
         hint: name every column in the first line\n",
    );
    table_refused(
        "1,2,3\n4,5,6\n",
        "error: bad.csv:1: expected a header with column names, found a row of numbers\n\
         hint: put a line with column names first\n",
    );
}

#[test]
fn values_that_are_no_numbers() {
    table_refused(
        "a,y\n1,2\nx7,3\n4,4\n",
        "error: bad.csv:3:1: expected a number in column `a`, found `x7`\n\
         hint: `--missing 'NA,null,x7'` counts it as missing, `--as a=category` reads it as text, `--on-bad-row skip` leaves the row out\n",
    );
    for found in ["inf", "nan"] {
        table_refused(
            format!("a,y\n1,2\n{found},3\n"),
            &format!(
                "error: bad.csv:3:1: expected a finite number in column `a`, found `{found}`\n\
                 hint: `--missing 'NA,null,{found}'` counts it as missing, `--on-bad-row skip` leaves the row out\n"
            ),
        );
    }
}

#[test]
fn targets_that_teach_nothing() {
    table_refused(
        "a,y\n1,2\n2,\n3,4\n",
        "error: bad.csv:3:2: expected a value in the target `y`, found none\n\
         hint: `--on-missing-target drop` leaves such rows out; `--target` names another column\n",
    );
    table_refused(
        "a,y\n1,u\n2,u\n",
        "error: bad.csv: expected at least two classes in the target `y`, found only `u`\n\
         hint: there is nothing to tell apart; `--target` names another column\n",
    );
    table_refused(
        "a,y\n1,u\n2,v\n3,w\n",
        "error: bad.csv: expected at least two rows a class in the target `y`, found 3 classes in 3 rows\n\
         hint: `--task regression` learns numbers; `--target` names another column\n",
    );
    let no_features = "expected at least one column besides the target, found none\n\
                       hint: `--target` names the column to learn; `--drop` leaves columns out\n";
    table_refused("a,y\n7,1.5\n7,2.5\n7,3.5\n", &format!("error: bad.csv: {no_features}"));
    flag_refused("--drop a,b", &format!("error: t.csv: {no_features}"));
}

#[test]
fn a_text_column_that_is_different_in_every_row() {
    let rows: Vec<String> = (0..300).map(|row| format!("n{row},{row}.5\n")).collect();
    let here = Workplace::new();
    here.write("ids.csv", format!("id,y\n{}", rows.concat()));
    let said = here.run("train ids.csv --epochs 1 --out run").with_code(0);
    let note = "note: column `id` has 240 different texts: too many for a feature each, hashed into 2^9; \
                as each is in one row only, it cannot help on new rows; `--drop id` leaves it out\n";
    assert!(said.err.contains(note), "{}", said.err);
}

#[test]
fn columns_that_cannot_be_crossed_or_weigh() {
    let here = Workplace::new();
    here.write("t.csv", "a,b,w,y\n1,2,1,3.5\n2,1,-1,4.5\n3,5,1,7.25\n");
    let expected = "two different columns of numbers, booleans or texts besides the target";
    for (flags, words) in [
        ("--cross a*a", format!("error: t.csv: `cross`: expected {expected}, found `a*a`\nhint: see `--cross` in `downslope train --help`\n")),
        ("--weight y", "error: t.csv: `weight`: expected another column than the target, found `y`\nhint: see `--weight` in `downslope train --help`\n".to_owned()),
        ("--weight w --validation none", "error: t.csv:3:3: expected a finite row weight, 0 or above, found `-1`\nhint: `--weight` names a column of numbers, one a row; 0 leaves a row out of the loss\n".to_owned()),
        ("--polynomial 5", "error: `polynomial`: expected a power from 1 to 4, found `5`\nhint: see `--polynomial` in `downslope train --help`\n".to_owned()),
    ] {
        refused(&here, &format!("train t.csv --target y --task regression --out run {flags}"), &words);
    }
}

#[test]
fn columns_that_are_not_there() {
    let lists = "`downslope data show DATA` lists the columns\n";
    let here = Workplace::new();
    here.write("t.csv", "depth,weight,price\n1,2,3.5\n2,1,4.5\n3,5,7.25\n");
    for flags in ["--target wieght", "--drop wieght", "--as wieght=number"] {
        let near = "error: t.csv: expected a column `wieght`, found none of that name; the nearest are `weight`\n";
        refused(
            &here,
            &format!("train t.csv --out run {flags}"),
            &format!("{near}hint: did you mean `weight`? {lists}"),
        );
    }
    refused(
        &here,
        "train t.csv --out run --target zzzz",
        &format!("error: t.csv: expected a column `zzzz`, found none of that name\nhint: {lists}"),
    );
    refused(
        &here,
        "train t.csv --out run --target price --drop price",
        "error: t.csv: expected the target to be kept, found `price` among the columns to drop\n\
         hint: name another column with `--target`, or leave it out of `--drop`\n",
    );
}

#[test]
fn losses_and_tasks_that_do_not_fit_the_target() {
    let here = with_tables();
    refused(
        &here,
        "train classes.csv --loss hinge --target a --out run --task classification --validation none",
        "error: classes.csv: expected at least two rows a class in the target `a`, found 6 classes in 6 rows\n\
         hint: `--task regression` learns numbers; `--target` names another column\n",
    );
    here.write("three.csv", "a,y\n1,u\n2,v\n3,w\n4,u\n5,v\n6,w\n");
    refused(
        &here,
        "train three.csv --loss hinge --out run",
        "error: three.csv: expected two classes for the loss `hinge`, found 3\n\
         hint: `--loss cross-entropy` takes any number of classes\n",
    );
    refused(
        &here,
        "train classes.csv --loss squared --out run",
        "error: classes.csv:2:3: expected a numeric target for regression, found `u` in column `y`\n\
         hint: `--task classification` and a loss for classes learn classes; `--target` names another column\n",
    );
    here.write("negative.csv", "a,y\n1,2.5\n2,-1\n3,4\n");
    refused(
        &here,
        "train negative.csv --loss poisson --validation none --out run",
        "error: negative.csv:3:2: expected counts, 0 or above, in the target `y`, found `-1`\n\
         hint: `--loss squared` takes any number\n",
    );
    refused(
        &here,
        "train t.csv --loss logistic --task regression --out run",
        "error: `loss`: expected a loss for regression, found `logistic`\n\
         hint: see `--loss` in `downslope train --help`\n",
    );
}

#[test]
fn class_weights_that_do_not_fit_the_classes() {
    let here = with_tables();
    refused(
        &here,
        "train classes.csv --class-weight u=2,w=1 --out run",
        "error: classes.csv: expected weights for classes of the target `y`, found `w`; there are `u`, `v`\n\
         hint: `--class-weight` takes names of classes, as in `--class-weight u=2`\n",
    );
    refused(
        &here,
        "compare classes.csv --class-weight u=0,v=0 --quiet",
        "error: classes.csv: expected a weight above 0 for a class of the training rows, found `u=0,v=0`\n\
         hint: `--class-weight balanced` lets every class weigh the same\n",
    );
    // Whether a regression is asked for or found out.
    for (flags, source) in [("--loss squared ", ""), ("", "t.csv: ")] {
        refused(
            &here,
            &format!("train t.csv --target y {flags}--class-weight balanced --out run"),
            &format!(
                "error: {source}`class-weight`: expected `none` for a regression, found `balanced`\n\
                 hint: see `--class-weight` in `downslope train --help`\n"
            ),
        );
    }
}

#[test]
fn a_validation_file_that_does_not_fit() {
    let here = with_tables();
    here.write("held.csv", "a,b,y\n1,2,u\n2,1,w\n");
    refused(
        &here,
        "train classes.csv --validation held.csv --out run",
        "error: HERE/held.csv:3:3: expected a class seen in training in the target `y`, found `w`; training has `u`, `v`\n\
         hint: train on rows that hold every class, or remove the row\n",
    );
    here.write("held.csv", "a,y\n1,u\n");
    refused(
        &here,
        "train classes.csv --validation held.csv --out run",
        "error: HERE/held.csv: expected a column `b`, found none of that name\n\
         hint: `downslope data show DATA` lists the columns\n",
    );
}

#[test]
fn flags_that_are_refused_as_they_are_read() {
    let rate = "expected `auto` or a finite number above 0";
    let batch = "expected `auto`, `full` or a whole number above 0";
    let whole = "expected a whole number, 0 or above";
    let schedules = "expected one of constant, step, multi-step, exponential, linear, polynomial, cosine, cosine-restarts, one-cycle, plateau, stable-decay, inverse-time, inverse-sqrt";
    let losses = "expected one of squared, absolute, huber[=δ], quantile=τ, poisson, logistic, cross-entropy, hinge, squared-hinge";
    for (flag, value, form, expected) in [
        ("--lr", "0", " <auto|X>", rate),
        ("--lr", "-1", " <auto|X>", rate),
        ("--lr", "nan", " <auto|X>", rate),
        ("--lr", "inf", " <auto|X>", rate),
        ("--batch-size", "0", " <N|full|auto>", batch),
        ("--batch-size", "-1", " <N|full|auto>", batch),
        ("--batch-size", "10.5", " <N|full|auto>", batch),
        ("--epochs", "-1", " <N>", whole),
        ("--epochs", "1.5", " <N>", whole),
        ("--hidden", "-3", " <N,…>", whole),
        ("--patience", "-1", " <N>", whole),
        ("--threads", "-1", " <N>", whole),
        ("--log-every", "x", " <N>", whole),
        ("--seed", "-1", " <N>", whole),
        ("--schedule", "cosin", " <NAME:KEY=VALUE,…>", schedules),
        ("--schedule", "step:step-size=0", " <NAME:KEY=VALUE,…>", "expected `step-size` to be a whole number above 0"),
        (
            "--schedule",
            "step:step-size=2,size=3",
            " <NAME:KEY=VALUE,…>",
            "expected arguments step-size, gamma, not `size`",
        ),
        ("--loss", "square", " <LOSS>", losses),
        ("--loss", "quantile=2", " <LOSS>", "expected `quantile=τ` with τ between 0 and 1"),
        (
            "--class-weight",
            "u=1,v=-2",
            " <balanced|CLASS=W,…>",
            "expected `balanced`, `none` or CLASS=WEIGHT,… with finite weights, 0 or above, each class once",
        ),
        ("--weight-decay", "abc", " <X>", "expected a number"),
        ("--activation", "sigmoid", " <ACTIVATION>", "expected relu or tanh"),
        ("--as", "a=date", " <COL=KIND,…>", "expected COL=number, COL=boolean, COL=category, COL=text or COL=time"),
    ] {
        let words = format!(
            "error: invalid value '{value}' for '{flag}{form}': {expected}\n\nFor more information, try '--help'.\n"
        );
        flag_refused(&format!("{flag} {value}"), &words);
    }
    flag_refused(
        "--batchsize 3",
        "error: unexpected argument '--batchsize' found\n\n  tip: a similar argument exists: '--batch-size'\n\n\
         Usage: downslope train --out <DIR> --batch-size <N|full|auto> <DATA>\n\nFor more information, try '--help'.\n",
    );
}

#[test]
fn settings_that_cannot_be_used() {
    for (flag, value, expected) in [
        ("epochs", "0", "a whole number above 0"),
        ("patience", "0", "a whole number above 0"),
        ("threads", "0", "a whole number above 0"),
        ("hidden", "0", "whole numbers above 0"),
        ("validation", "1.5", "a share between 0 and 1, `none` or a file"),
        ("validation", "0", "a share between 0 and 1, `none` or a file"),
        ("momentum", "-1", "a finite number, 0 or above"),
        ("weight-decay", "NaN", "a finite number, 0 or above"),
        ("l1", "inf", "a finite number, 0 or above"),
        ("clip-norm", "0", "a finite number above 0"),
        ("clip-value", "-2", "a finite number above 0"),
        ("seconds", "0", "a finite number above 0"),
        ("target-loss", "inf", "a finite number"),
        ("checkpoint-seconds", "0", "a finite number above 0"),
    ] {
        let words = format!(
            "error: `{flag}`: expected {expected}, found `{value}`\nhint: see `--{flag}` in `downslope train --help`\n"
        );
        flag_refused(&format!("--{flag} {value}"), &words);
    }
    flag_refused(
        "--epochs 0 --nesterov",
        "error: `nesterov`: expected momentum above 0 and dampening 0 with it, found `momentum 0 and dampening 0`; \
         `epochs`: expected a whole number above 0, found `0`\n\
         hint: see `--nesterov`, `--epochs` in `downslope train --help`\n",
    );
    refused(
        &with_tables(),
        "data make --rows 5 --condition 0.5",
        "error: `rows`: expected at least 12 rows, two more than features, found `5`; \
         `condition`: expected a finite number from 1, found `0.5`\n\
         hint: see `--rows`, `--condition` in `downslope data make --help`\n",
    );
}

#[test]
fn what_contradicts_a_map() {
    refused(
        &with_tables(),
        "compare t.csv --map --lr 0.1 --patience 3 --quiet",
        "error: `lr`: expected `auto` for a map, which tries many rates, found `0.1`; \
         `patience`: expected none for a map, whose runs all see the same rows, found `3`\n\
         hint: see `--lr`, `--patience` in `downslope compare --help`\n",
    );
}

#[test]
fn initial_parameters_of_another_model() {
    let here = with_runs();
    let hint = "hint: `--init` needs the tensors of the same model: check `--hidden`, the columns and the classes\n";
    refused(
        &here,
        "train t.csv --hidden 4 --init run/model.safetensors --out again",
        &format!("error: HERE/run/model.safetensors: expected `0.weight` of shape [4, 2], found [1, 2]\n{hint}"),
    );
    refused(
        &here,
        "train t.csv --init t.csv --out again",
        "error: HERE/t.csv: expected a safetensors file: header too large\n\
         hint: `--init` needs a file as `safetensors.torch.save_file` writes it, with numbers in F32 or F64\n",
    );
}

#[test]
fn reports_of_no_known_form() {
    let here = with_runs();
    refused(
        &here,
        "compare t.csv --report out.doc",
        "error: `report`: expected a file that ends in .html, .svg, .png, .csv or .json, found `out.doc`\n\
         hint: see `--report` in `downslope compare --help`\n",
    );
    refused(
        &here,
        "report run --out out.doc",
        "error: `out`: expected a file that ends in .html, .svg, .png or .csv, found `out.doc`\n\
         hint: see `--out` in `downslope report --help`\n",
    );
}

#[test]
fn directories_that_are_taken_or_no_run() {
    let here = with_runs();
    for out in ["run", "folder", "t.csv"] {
        refused(
            &here,
            &format!("train t.csv --out {out}"),
            &format!(
                "error: {out}: expected a new directory for the run, found one that exists\n\
                 hint: choose another name with `--out`, or go on with it: `downslope resume DIR`\n"
            ),
        );
    }
    refused(
        &here,
        "compare t.csv --out run",
        "error: run: expected a new directory for the run, found one that exists\nhint: choose another name with `--out`\n",
    );
    let hint = "hint: name a directory that `downslope train` made: it says where at its end\n";
    for command in ["resume", "report"] {
        for (run, found) in [
            ("nothing", "cannot open `nothing`: No such file or directory (os error 2)"),
            ("t.csv", "cannot open `t.csv`: not a directory"),
            ("folder", "folder: expected a run directory: there is no `run.json` in it"),
        ] {
            refused(&here, &format!("{command} {run}"), &format!("error: {found}\n{hint}"));
        }
    }
}

#[test]
fn runs_that_are_damaged() {
    let here = with_runs();
    unfinish(&here, "run");
    let checkpoint = here.read("run/checkpoint/state.safetensors");
    here.write("run/checkpoint/state.safetensors", &checkpoint[..checkpoint.len() - 5]);
    refused(
        &here,
        "resume run --quiet",
        "error: run/checkpoint/state.safetensors: expected a checkpoint: incomplete metadata, file not fully covered\n\
         hint: without that file, `downslope resume` begins the run anew\n",
    );
    std::fs::remove_file(here.path("run/checkpoint/state.safetensors")).unwrap();
    here.run("resume run --quiet").with_code(0);
    let record = here.read("run/run.json");
    here.write("run/run.json", &record[..record.len() / 2]);
    let said = here.run("report run").with_code(2);
    assert!(said.err.starts_with("error: run/run.json: expected a run record: EOF while parsing "), "{}", said.err);
    assert!(said.err.ends_with("\nhint: name a directory that `downslope train` made: it says where at its end\n"));
}

#[test]
fn models_that_are_damaged() {
    let here = with_runs();
    let model = here.read("run/model.safetensors");
    here.write("cut.safetensors", &model[..model.len() / 2]);
    let hint = "hint: name the directory of a run, or the `model.safetensors` in it\n";
    for (name, found) in [
        ("cut.safetensors", "invalid header length"),
        ("t.csv", "header too large"),
        ("run/checkpoint/state.safetensors", "its metadata has no entry `downslope`"),
    ] {
        for command in ["predict", "evaluate"] {
            refused(
                &here,
                &format!("{command} {name} t.csv"),
                &format!("error: {name}: expected a model file: {found}\n{hint}"),
            );
        }
    }
    refused(
        &here,
        "predict nothing t.csv",
        "error: cannot read `nothing`: No such file or directory (os error 2)\n\
         hint: first comes a model file or the directory of a run, then the table\n",
    );
}

#[test]
fn runs_whose_data_are_gone_or_changed() {
    let here = with_runs();
    unfinish(&here, "run");
    here.write("t.csv", TABLE.replace("8.25", "8.5"));
    let began = here.json("run/run.json")["data"]["fingerprint"].as_str().unwrap().to_owned();
    here.run("train t.csv --epochs 1 --lr 0.01 --quiet --out other").with_code(0);
    let now = here.json("other/run.json")["data"]["fingerprint"].as_str().unwrap().to_owned();
    refused(
        &here,
        "resume run",
        &format!(
            "error: HERE/t.csv: expected the data of the run (fingerprint {began}), found other data ({now})\n\
             hint: a run can only go on with the data it began with: `--data` names it\n"
        ),
    );
    std::fs::remove_file(here.path("t.csv")).unwrap();
    refused(
        &here,
        "resume run",
        "error: cannot read `HERE/t.csv`: No such file or directory (os error 2)\n\
         hint: the data may have moved: `--data` says where they are now\n",
    );
    here.write("moved.csv", TABLE);
    here.run("resume run --data moved.csv --quiet").with_code(0);
}

#[test]
fn runs_whose_data_came_from_standard_input() {
    let here = with_tables();
    let train = |args: &str| {
        let table = std::fs::File::open(here.path("t.csv")).unwrap();
        Said::of(here.command(args).stdin(table).output().unwrap())
    };
    train("train - --epochs 2 --lr 0.01 --quiet --out run").with_code(0);
    let model = here.read("run/model.safetensors");
    unfinish(&here, "run");
    refused(
        &here,
        "resume run",
        "error: run: expected the data of the run, which came from standard input and was not kept\n\
         hint: name the same data with `--data`\n",
    );
    here.run("resume run --data t.csv --quiet").with_code(0);
    assert!(here.read("run/model.safetensors") == model);
    unfinish(&here, "run");
    train("resume run --data - --quiet").with_code(0);
}

#[test]
fn columns_at_prediction() {
    let here = with_runs();
    here.write("few.csv", "y,a\n3.5,1\n4.5,2\n");
    refused(
        &here,
        "predict run few.csv",
        "error: few.csv: expected a column `b`, found none of that name\n\
         hint: `downslope data show DATA` lists the columns\n",
    );
    here.write("untold.csv", "a,b\n1,2\n");
    refused(
        &here,
        "evaluate run untold.csv",
        "error: untold.csv: expected a column `y`, found none of that name\n\
         hint: `downslope data show DATA` lists the columns\n",
    );
    here.write("words.csv", "a,b\nx,2\nz,3\n");
    refused(
        &here,
        "predict run words.csv",
        "error: words.csv:2:1: expected a number in column `a`, found `x`\n\
         hint: the model was trained on numbers in this column: where there is none leave the field empty, or write a word that `--missing` named in training\n",
    );
    here.write("new.csv", "a,b,y\n1,2,w\n");
    refused(
        &here,
        "evaluate classes new.csv",
        "error: new.csv:2:3: expected a class seen in training in the target `y`, found `w`; training has `u`, `v`\n\
         hint: train on rows that hold every class, or remove the row\n",
    );
    refused(
        &here,
        "predict run t.csv --probabilities",
        "error: `probabilities`: expected a model trained on the loss `logistic` or `cross-entropy`, found `squared`\n\
         hint: see `--probabilities` in `downslope predict --help`\n",
    );
}

#[test]
fn places_that_cannot_be_written() {
    let here = with_runs();
    let hint = "hint: check the folder's permissions and free space, or write elsewhere with `--out`\n";
    for (out, refusal) in [
        ("no/p.csv", "No such file or directory (os error 2)"),
        ("t.csv/p.csv", "not a directory"),
        ("t.csv/no/p.csv", "Not a directory (os error 20)"),
        ("folder", "is a directory"),
    ] {
        let words = format!("error: cannot write `{out}`: {refusal}\n{hint}");
        refused(&here, &format!("predict run t.csv --out {out}"), &words);
    }
    refused(
        &here,
        "report run --quiet --out no/out.html",
        &format!("error: cannot write `no/out.html`: No such file or directory (os error 2)\n{hint}"),
    );
    refused(
        &here,
        "train t.csv --quiet --out t.csv/run",
        &format!("error: cannot create `t.csv/run`: File exists (os error 17)\n{hint}"),
    );
    let hint = "hint: check the folder's permissions and free space, or write elsewhere with `--report` or `--out`\n";
    refused(
        &here,
        "compare t.csv --report no/out.html",
        &format!("error: cannot write `no/out.html`: No such file or directory (os error 2)\n{hint}"),
    );
}

#[cfg(target_os = "linux")]
#[test]
fn a_disk_that_is_full() {
    use std::os::unix::fs::FileTypeExt;
    let here = with_runs();
    let full = std::path::Path::new("/dev/full");
    refused(
        &here,
        "predict run t.csv --out /dev/full",
        "error: cannot write `/dev/full`: No space left on device (os error 28)\n\
         hint: check the folder's permissions and free space, or write elsewhere with `--out`\n",
    );
    assert!(std::fs::metadata(full).unwrap().file_type().is_char_device(), "a device was replaced by a file");
    for args in [
        "predict run t.csv",
        "evaluate run t.csv --json",
        "data list",
        "data show t.csv --csv",
        "train t.csv --quiet --json --out again",
    ] {
        let out = std::fs::OpenOptions::new().write(true).open(full).unwrap();
        let said = Said::of(here.command(args).stdout(out).output().unwrap());
        let words = "error: cannot write `standard output`: No space left on device (os error 28)\n\
                     hint: check the free space of the disk that the output is sent to\n";
        assert_eq!((said.code, said.err.as_str()), (2, words), "{args}");
    }
    assert!(here.path("again/model.safetensors").exists(), "the run itself is whole");
}

#[cfg(unix)]
#[test]
fn a_reader_that_has_seen_enough() {
    let here = with_runs();
    for args in ["data make --rows 20000 --features 5", "data list", "predict run t.csv"] {
        let mut child = here.command(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let said = Said::of(child.wait_with_output().unwrap());
        assert_eq!(said.code, 0, "{args}: {said:?}");
        assert!(!said.err.contains("error"), "{args}: {said:?}");
    }
}

#[test]
fn oddities_that_work() {
    let here = Workplace::new();
    here.write("plain.csv", TABLE);
    here.write(
        "odd.csv",
        format!("\u{feff}{}", TABLE.replace("a,b,y\n1,2,", "\"a\",b,y\n\"1\",2,").replace('\n', "\r\n")),
    );
    here.write("semicolons.csv", TABLE.replace(',', ";"));
    let train = |table: &str| {
        let said = here.run(&format!(
            "train {table}.csv --target y --task regression --batch-size full --lr 0.1 --epochs 2 --out {table}"
        ));
        assert_eq!(said.code, 0, "{said:?}");
        assert!(!said.err.contains("note:"), "{}", said.err);
        here.read(&format!("{table}/model.safetensors"))
    };
    let model = train("plain");
    assert!(train("odd") == model && train("semicolons") == model);
}

#[test]
fn a_pipe_is_as_good_as_a_file() {
    use std::io::Write as _;
    let here = Workplace::new();
    // Categories are read twice, and a pipe can be read only once.
    let rows: Vec<String> = (0..400).map(|row| format!("{row},{},{}\n", ["u", "v", "w"][row % 3], row % 7)).collect();
    let table = format!("a,kind,y\n{}", rows.concat());
    here.write("t.csv", &table);
    let of_file = here.run("data show t.csv --csv").with_code(0);
    let mut child = here.command("data show - --csv");
    let mut child = child.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(table.as_bytes()).unwrap();
    let of_pipe = Said::of(child.wait_with_output().unwrap()).with_code(0);
    assert_eq!(of_pipe.out, of_file.out);
}

#[test]
fn oddities_that_are_told() {
    let here = Workplace::new();
    here.write("t.csv", "a,same,colour,y\n1,7,red,1.5\n2,7,blue,2.5\n3,7,red,3.5\n4,7,blue,4.5\n");
    let said = here.run("train t.csv --target y --task regression --validation none --lr 0.1 --epochs 1 --out run");
    assert!(said.err.contains("\nnote: column `same` is left out: every training row has `7`\n"), "{}", said.err);
    let rows: Vec<String> = (0..10).map(|row| format!("{row},c{row}\n")).collect();
    here.write("new.csv", format!("a,colour\n{}", rows.concat()));
    let said = here.run("predict run new.csv").with_code(0);
    assert_eq!(
        said.err,
        "note: column `colour` has the category `c0` in 1 row, which training never saw: it counts as none\n\
         note: column `colour` has the category `c1` in 1 row, which training never saw: it counts as none\n\
         note: column `colour` has the category `c2` in 1 row, which training never saw: it counts as none\n\
         note: 7 more categories that training never saw count as none\n"
    );
    assert_eq!(said.out.lines().count(), 11);
    let said = here.run("train t.csv --validation none --lr 0.1 --epochs 1 --out again").with_code(0);
    assert!(
        said.err.contains(
            "\nnote: no target was named: taking column `y`, by its name\n\
             note: no task was named: the target `y` holds 4 different numbers, so this is regression\n"
        ),
        "{}",
        said.err
    );
}
