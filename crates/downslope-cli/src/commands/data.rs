//! `downslope data`: what is there, what is in it, and tables made to order.

use std::path::Path;

use downslope::checkpoint::{write_through, write_whole};
use downslope::data::{
    Column, Format, Generator, GeneratorKind, OnMissingTarget, Packing, Preprocessing, Values, builtin,
};
use downslope::error::Problem;
use downslope::loss::Loss;
use downslope::{Error, ErrorKind, Result, Table, Target};
use downslope_view::quantity::{count, number};
use downslope_view::table::{Column as Heading, Table as Shown};

use super::tell;
use crate::Outcome;
use crate::args::{Convert, DataCommand, Make, MakeKind, Show};
use crate::console::{canvas, give, give_through, say};

pub(crate) fn run(command: DataCommand) -> Result<Outcome> {
    match command {
        DataCommand::List => list(),
        DataCommand::Show(args) => show(&args),
        DataCommand::Make(args) => make(&args),
        DataCommand::Convert(args) => convert(&args),
    }
}

fn list() -> Result<Outcome> {
    let canvas = canvas();
    let mut text = String::new();
    let rows = builtin::list().iter().map(|table| {
        let rows = count(table.n_rows as u64);
        vec![format!("@{}", table.name), rows, count(table.n_features as u64), table.description.to_owned()]
    });
    let shown = Shown {
        caption: String::new(),
        columns: vec![
            Heading::text("name"),
            Heading::number("rows"),
            Heading::number("features"),
            Heading::text("what it is"),
        ],
        rows: rows.collect(),
    };
    text.push_str(&shown.to_text(canvas.width, canvas.glyphs));
    for table in builtin::list() {
        text.extend(["\n@", table.name, ": ", table.source, "\nLicence: ", table.licence, "\n"]);
    }
    give(text)?;
    Ok(Outcome::Done)
}

fn show(args: &Show) -> Result<Outcome> {
    let settings = args.read.settings();
    settings.check()?;
    let mut table = Table::read(&args.data, &settings.read_options())?;
    if args.csv {
        give_through(|out| table.write(Format::Csv, Packing::None, None, out))?;
        return Ok(Outcome::Done);
    }
    let mut read = table.notices().to_vec();
    if settings.on_missing_target == OnMissingTarget::Drop
        && let Some((kept, dropped)) = Target::present(&table, settings.target.as_deref())?
    {
        table = kept;
        read.push(dropped);
    }
    let (settings, weighed) = settings.weighed_by(&table);
    read.extend(weighed);
    let (target, mut notices) = Target::choose(&table, settings.target.as_deref(), settings.task)?;
    let options = settings.encode_options(Loss::Squared);
    let (preprocessing, learnt) = Preprocessing::learn(&table, &target, &table.rows(), &options)?;
    notices.extend(learnt);
    let becomes = |name: &str| match preprocessing.inputs().iter().find(|input| input.name == name) {
        _ if name == target.name => match target.classes.len() {
            0 => "the target".to_owned(),
            classes => format!("the target, {classes} classes"),
        },
        _ if settings.weight.as_deref() == Some(name) => "what a row weighs".to_owned(),
        None => "left out".to_owned(),
        Some(input) => input.encoding.to_string(),
    };
    let columns = table.columns().iter().map(|column| {
        let missing = (0..table.n_rows()).filter(|&row| column.values.is_missing(row)).count();
        let (kind, values) = describe(column);
        vec![column.name.clone(), kind.to_owned(), count(missing as u64), values, becomes(&column.name)]
    });
    let crosses = preprocessing.inputs().iter().filter(|input| table.column_index(&input.name).is_err()).map(|input| {
        let (kind, nothing) = ("cross".to_owned(), String::new);
        vec![input.name.clone(), kind, nothing(), nothing(), input.encoding.to_string()]
    });
    let rows = columns.chain(crosses);
    let canvas = canvas();
    let shown = Shown {
        caption: format!(
            "{}: {} rows, {} features",
            args.data,
            count(table.n_rows() as u64),
            count(preprocessing.n_features() as u64)
        ),
        columns: vec![
            Heading::text("column"),
            Heading::text("kind"),
            Heading::number("missing"),
            Heading::text("values"),
            Heading::text("becomes"),
        ],
        rows: rows.collect(),
    };
    give(shown.to_text(canvas.width, canvas.glyphs))?;
    for notice in read.into_iter().chain(notices) {
        say(format!("note: {notice}"));
    }
    Ok(Outcome::Done)
}

fn convert(args: &Convert) -> Result<Outcome> {
    let to_standard_output = args.out == "-";
    let by_name = Format::of_name(&args.out);
    let problem = |setting, expected, found: &str| -> Error {
        ErrorKind::Settings(vec![Problem::new(setting, expected, found)]).into()
    };
    let (format, packing) = match (args.to, by_name) {
        (Some(format), by_name) => (format, by_name.map_or(Packing::None, |(_, packing)| packing)),
        (None, Some(by_name)) => by_name,
        (None, None) if to_standard_output => {
            return Err(problem("to", "the form to write to standard output", "none"));
        }
        (None, None) => return Err(problem("to", "a form, or a file name that ends in one", &args.out)),
    };
    if packing != Packing::None && matches!(format, Format::Parquet | Format::Arrow | Format::Npz) {
        return Err(problem(
            "to",
            "a form that does not pack itself, in front of .gz, .zst or .bz2",
            &format.to_string(),
        ));
    }
    let table = Table::read(&args.data, &args.reading.options())?;
    let target = args.target.as_deref();
    if to_standard_output {
        give_through(|out| table.write(format, packing, target, out))?;
    } else {
        write_through(Path::new(&args.out), |out| table.write(format, packing, target, out))?;
    }
    if !args.quiet {
        tell(table.notices());
        say(format!("{}: {} rows as {format}", args.out, count(table.n_rows() as u64)));
    }
    Ok(Outcome::Done)
}

/// The kind of a column, and its values in a few words.
fn describe(column: &Column) -> (&'static str, String) {
    match &column.values {
        Values::Number(numbers) => {
            let present = || numbers.iter().filter(|number| !number.is_nan());
            let (low, high) = present().fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), n| (l.min(n), h.max(n)));
            ("number", if low > high { "none".to_owned() } else { format!("{} to {}", number(low), number(high)) })
        }
        Values::Boolean(_) => ("boolean", "true, false".to_owned()),
        Values::Time(times) => {
            let present = (0..times.len()).filter(|&row| !times.get(row).is_nan());
            let by_time = |a: &usize, b: &usize| times.get(*a).total_cmp(&times.get(*b));
            let (first, last) = (present.clone().min_by(by_time), present.max_by(by_time));
            let text = |row: usize| column.values.text(row);
            ("time", first.zip(last).map_or("none".to_owned(), |(a, b)| format!("{} to {}", text(a), text(b))))
        }
        Values::Sparse(rows) => ("sparse", format!("{} names", count(rows.names().len() as u64))),
        Values::Category { levels, .. } => {
            let first: Vec<String> = levels.iter().take(4).map(|level| shortened(level)).collect();
            let more = if levels.len() > 4 { format!(" and {} more", levels.len() - 4) } else { String::new() };
            ("category", format!("{}{more}", first.join(", ")))
        }
    }
}

/// So much of a text is shown.
const CHARACTERS_SHOWN: usize = 24;

fn shortened(text: &str) -> String {
    match text.char_indices().nth(CHARACTERS_SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

fn make(args: &Make) -> Result<Outcome> {
    let made = Generator {
        kind: match args.kind {
            MakeKind::Regression => GeneratorKind::Regression,
            MakeKind::Logistic => GeneratorKind::Logistic,
            MakeKind::Softmax => GeneratorKind::Softmax { n_classes: args.classes },
        },
        n_rows: args.rows,
        n_features: args.features,
        condition_number: args.condition,
        noise: args.noise,
        seed: args.seed,
    }
    .generate()?;
    if let Some(path) = &args.optimum {
        let mut json =
            serde_json::to_vec_pretty(&made.optimum).map_err(|error| Error::malformed("JSON value", error))?;
        json.push(b'\n');
        write_whole(path, &json)?;
    }
    match &args.out {
        Some(path) => write_through(path, |out| made.table.write(Format::Csv, Packing::None, None, out))?,
        None => give_through(|out| made.table.write(Format::Csv, Packing::None, None, out))?,
    }
    say(format!(
        "made {} rows × {} features; the largest curvature at zero weights is {}{}",
        count(args.rows as u64),
        args.features,
        number(made.optimum.lambda_max),
        made.optimum.loss.map_or(String::new(), |loss| format!(", the lowest possible loss {}", number(loss))),
    ));
    Ok(Outcome::Done)
}
