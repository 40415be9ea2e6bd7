//! Which flag helps against an error?

use downslope::{Error, ErrorKind};

const A_RUN: &str = "name a directory that `downslope train` made: it says where at its end";

/// What may help against an error of a command, naming a flag or a command that exists.
#[allow(clippy::too_many_lines, reason = "one line of words a kind, in the order of the enum")]
pub(crate) fn hint(error: &Error, command: &str) -> Option<String> {
    let words = match error.kind() {
        ErrorKind::Io { action: "read", path, .. } if path.ends_with("model.safetensors") => {
            "a run has a model once it has ended well; `downslope resume RUN` goes on with one that was stopped"
                .to_owned()
        }
        ErrorKind::Io { action: "read", source, .. }
            if matches!(source.kind(), std::io::ErrorKind::UnexpectedEof | std::io::ErrorKind::InvalidData) =>
        {
            "fetch or pack the file again".to_owned()
        }
        ErrorKind::Io { action: "read", .. } if command == "predict" || command == "evaluate" => {
            "first comes a model file or the directory of a run, then the table".to_owned()
        }
        ErrorKind::Io { action: "read", .. } if command == "resume" => {
            "the data may have moved: `--data` says where they are now".to_owned()
        }
        ErrorKind::Io { action: "read", .. } if command == "learn" => {
            "check the path; without one, `downslope learn` takes the lesson that is built in".to_owned()
        }
        ErrorKind::Io { action: "open", .. } | ErrorKind::Malformed { what: "run directory" | "run record", .. } => {
            A_RUN.to_owned()
        }
        ErrorKind::Io { action: "read", .. } => {
            "check the path; `downslope data list` names the built-in tables".to_owned()
        }
        ErrorKind::Io { action, .. } if action.ends_with("a file in") => {
            "encoded rows are kept there while they are streamed: check the folder's permissions and free space, or name \
             another with `--cache`"
                .to_owned()
        }
        ErrorKind::Io { path, .. } if path.ends_with("standard output") => {
            "check the free space of the disk that the output is sent to".to_owned()
        }
        ErrorKind::Io { .. } if command == "compare" => {
            "check the folder's permissions and free space, or write elsewhere with `--report` or `--out`".to_owned()
        }
        ErrorKind::Io { .. } if command == "advise" => {
            "check the folder's permissions and free space, or write elsewhere with `--report`".to_owned()
        }
        ErrorKind::Io { .. } if command == "resume" => "check the folder's permissions and free space".to_owned(),
        ErrorKind::Io { .. } => {
            "check the folder's permissions and free space, or write elsewhere with `--out`".to_owned()
        }
        ErrorKind::EmptyFile => "write the file anew; a CSV has a line of column names and the rows below it".to_owned(),
        ErrorKind::NoRows => "the first line must hold the column names, the others the rows".to_owned(),
        ErrorKind::NotText { looks_like: Some("a JSON array") } => {
            "`jq -c '.[]'` makes a line of every object; lines of JSON are read".to_owned()
        }
        ErrorKind::NotText { looks_like: Some(_) } => "unpack or export it as CSV first".to_owned(),
        ErrorKind::NotText { looks_like: None } => "export it as CSV first".to_owned(),
        ErrorKind::NotUtf8 => "save it as UTF-8, for instance with `iconv -f latin1 -t utf-8`".to_owned(),
        ErrorKind::OpenQuote => {
            "a quotation mark opens a field that never ends; double it (\"\") to mean itself".to_owned()
        }
        ErrorKind::UnknownDelimiter { .. } => {
            "fields are separated by `,`, `;`, tab or `|`, the same in every line; quote a field that holds one"
                .to_owned()
        }
        ErrorKind::Ragged { .. } => {
            "fields are separated by `,`, `;`, tab or `|`, the same in every line; quote a field that holds one, \
             or let `--on-bad-row skip` leave the row out"
                .to_owned()
        }
        ErrorKind::NotAsExpected { .. } | ErrorKind::CutShort { .. }
        | ErrorKind::DuplicateKey { .. }
        | ErrorKind::Malformed { what: "JSON object", .. }
            if error.place().line.is_some() =>
        {
            "mend the line, or let `--on-bad-row skip` leave out and count what cannot be read".to_owned()
        }
        ErrorKind::Nested { .. } => {
            "a column holds one value a row: `jq -c '{a, b: .b.c}'` takes objects apart".to_owned()
        }
        ErrorKind::NotAText { name, .. } => format!("`--as {name}=category` reads all values as texts"),
        ErrorKind::NoMatch { .. } => {
            "check the folder and the pattern; quotation marks keep the shell from reading it itself".to_owned()
        }
        ErrorKind::NoFormFor { .. } => "csv, jsonl, parquet and arrow hold columns of every kind".to_owned(),
        ErrorKind::Malformed { what: "Parquet file" | "file of Arrow's" | "NumPy array" | "NumPy archive", .. } => {
            "the file is cut short, damaged, or of a kind that is not read: write it anew, or as CSV".to_owned()
        }
        ErrorKind::DuplicateColumn { .. } | ErrorKind::UnnamedColumn => {
            "name every column in the first line".to_owned()
        }
        ErrorKind::NoHeader => "put a line with column names first".to_owned(),
        ErrorKind::NoSuchColumn { nearest, .. } if nearest.is_empty() => {
            "`downslope data show DATA` lists the columns".to_owned()
        }
        ErrorKind::NoSuchColumn { nearest, .. } => {
            format!("did you mean `{}`? `downslope data show DATA` lists the columns", nearest[0])
        }
        ErrorKind::NoFeatures => "`--target` names the column to learn; `--drop` leaves columns out".to_owned(),
        ErrorKind::TargetDropped { .. } => {
            "name another column with `--target`, or leave it out of `--drop`".to_owned()
        }
        ErrorKind::MissingTarget { .. } if command == "evaluate" => {
            "a row without a target cannot be judged: leave it out of the table".to_owned()
        }
        ErrorKind::MissingTarget { .. } => {
            "`--on-missing-target drop` leaves such rows out; `--target` names another column".to_owned()
        }
        ErrorKind::NotANumber { found, .. } if has_decimal_comma(found) => {
            "decimal commas are not read: write numbers with a point".to_owned()
        }
        ErrorKind::NotANumber { .. } | ErrorKind::NotFinite { .. } if command == "predict" || command == "evaluate" => {
            "the model was trained on numbers in this column: where there is none leave the field empty, or write a word that \
             `--missing` named in training"
                .to_owned()
        }
        ErrorKind::NotANumber { name, found } if error.place().column.is_none() => {
            // `true` is no text there, and no word for a missing value.
            let missing = match found.as_str() {
                "true" | "false" => String::new(),
                found => format!("`--missing 'NA,null,{found}'` counts it as missing, "),
            };
            format!("{missing}`--as {name}=category` reads all values as texts, `--on-bad-row skip` leaves the row out")
        }
        ErrorKind::NotANumber { name, found } => {
            format!(
                "`--missing 'NA,null,{found}'` counts it as missing, `--as {name}=category` reads it as text, `--on-bad-row skip` leaves the row out"
            )
        }
        // Rows that count from one are of no text.
        ErrorKind::NotFinite { name, .. } if error.place().row.is_some() => {
            format!("write `NaN` or null where there is no number in `{name}`")
        }
        ErrorKind::NotFinite { found, .. } => {
            format!("`--missing 'NA,null,{found}'` counts it as missing, `--on-bad-row skip` leaves the row out")
        }
        ErrorKind::OneClass { .. } => "there is nothing to tell apart; `--target` names another column".to_owned(),
        ErrorKind::TooManyClasses { .. } => {
            "`--task regression` learns numbers; `--target` names another column".to_owned()
        }
        ErrorKind::NotABoolean { name, .. } => format!("`--drop {name}` leaves the column out"),
        ErrorKind::NotATime { .. } => {
            "dates are read as 2024-02-29, times as 2024-02-29T12:30:00, with an offset such as +02:00 where one is known"
                .to_owned()
        }
        ErrorKind::TooManyCategories { name, .. } => {
            format!("without `--as {name}=category` the column is hashed; `--drop {name}` leaves it out")
        }
        ErrorKind::TargetNotNumeric { .. } => {
            "`--task classification` and a loss for classes learn classes; `--target` names another column".to_owned()
        }
        ErrorKind::TargetOutOfRange { .. } => "`--loss squared` takes any number".to_owned(),
        ErrorKind::NoSuchClass { known, .. } => {
            format!("`--class-weight` takes names of classes, as in `--class-weight {}=2`", known[0])
        }
        ErrorKind::WeightOutOfRange { expected, .. } if expected.contains("row weight") => {
            "`--weight` names a column of numbers, one a row; 0 leaves a row out of the loss".to_owned()
        }
        ErrorKind::WeightOutOfRange { .. } => "`--class-weight balanced` lets every class weigh the same".to_owned(),
        ErrorKind::LossNeedsTwoClasses { .. } => "`--loss cross-entropy` takes any number of classes".to_owned(),
        ErrorKind::UnknownClass { .. } => "train on rows that hold every class, or remove the row".to_owned(),
        ErrorKind::TooFewRows { .. } => "`--validation none` trains on all rows".to_owned(),
        ErrorKind::NoSuchTable { .. } => "`downslope data list` tells more about each".to_owned(),
        ErrorKind::Settings(problems)
            if problems.iter().all(|problem| ["finding", "deny"].contains(&problem.setting)) =>
        {
            "`downslope explain` lists the findings".to_owned()
        }
        ErrorKind::Settings(problems) => {
            let flags: Vec<String> = problems.iter().map(|problem| format!("`--{}`", problem.setting)).collect();
            format!("see {} in `downslope {command} --help`", flags.join(", "))
        }
        ErrorKind::Malformed { what: "checkpoint", .. } => {
            "without that file, `downslope resume` begins the run anew".to_owned()
        }
        ErrorKind::Malformed { what: "model file", .. } => {
            "name the directory of a run, or the `model.safetensors` in it".to_owned()
        }
        ErrorKind::Malformed { what: "safetensors file", .. } => {
            "`--init` needs a file as `safetensors.torch.save_file` writes it, with numbers in F32 or F64".to_owned()
        }
        ErrorKind::NoCurvature { .. } => {
            "`--scale standard` brings the columns to one scale; `--lr X` sets a rate".to_owned()
        }
        ErrorKind::ShapeMismatch { .. } if command != "train" && command != "compare" => {
            "the file does not fit the rest of the run: it is damaged or from elsewhere".to_owned()
        }
        ErrorKind::ShapeMismatch { .. } => {
            "`--init` needs the tensors of the same model: check `--hidden`, the columns and the classes".to_owned()
        }
        ErrorKind::RunExists if command == "compare" => "choose another name with `--out`".to_owned(),
        ErrorKind::RunExists => "choose another name with `--out`, or go on with it: `downslope resume DIR`".to_owned(),
        ErrorKind::RunBusy => "wait for it to end, or stop it".to_owned(),
        ErrorKind::DataChanged { .. } => {
            "a run can only go on with the data it began with: `--data` names it".to_owned()
        }
        ErrorKind::DataNotKept => "name the same data with `--data`".to_owned(),
        _ => return None,
    };
    Some(words)
}

/// Whether a text would be a number with a point for its comma.
fn has_decimal_comma(text: &str) -> bool {
    text.matches(',').count() == 1 && text.replace(',', ".").parse::<f64>().is_ok()
}
