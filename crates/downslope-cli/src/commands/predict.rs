//! `downslope predict` and `downslope evaluate`: what does a model say, and how good is it?

use std::fmt::Write;
use std::path::{Path, PathBuf};

use downslope::checkpoint::write_whole;
use downslope::data::ReadOptions;
use downslope::error::Problem;
use downslope::run::{FittedModel, Predictions};
use downslope::{Error, ErrorKind, Result, Table};
use downslope_view::quality;

use super::tell;
use crate::Outcome;
use crate::args::{Evaluate, Predict, Rows};
use crate::console::{canvas, give, give_json};

pub(crate) fn run(args: &Predict) -> Result<Outcome> {
    let (model, table) = read(&args.model, &args.data, &args.rows)?;
    let (predictions, notices) = model.predict(&table)?;
    if !args.quiet {
        tell(&[table.notices(), &notices].concat());
    }
    let text = to_csv(&predictions, args.probabilities, &model)?;
    match &args.out {
        Some(path) => write_whole(path, &text)?,
        None => give(text)?,
    }
    Ok(Outcome::Done)
}

pub(crate) fn evaluate(args: &Evaluate) -> Result<Outcome> {
    let (model, table) = read(&args.model, &args.data, &args.rows)?;
    let (metrics, notices) = model.evaluate(&table)?;
    if !args.voice.quiet {
        tell(&[table.notices(), &notices].concat());
    }
    if args.voice.json {
        give_json(&metrics)?;
    } else {
        let canvas = canvas();
        give(quality::table(&metrics, table.n_rows()).to_text(canvas.width, canvas.glyphs))?;
    }
    Ok(Outcome::Done)
}

/// The model of a file or of a run's directory, and a table read the way its training data were.
fn read(path: &Path, data: &str, rows: &Rows) -> Result<(FittedModel, Table)> {
    let file: PathBuf = if path.is_dir() { path.join("model.safetensors") } else { path.to_owned() };
    let model = FittedModel::load(&file)?;
    let kinds = model.preprocessing.kinds();
    let options = ReadOptions { missing: model.missing.clone(), kinds, ..rows.options() };
    // Columns the model does not need may be absent, and of any kind.
    let table = Table::read(data, &options)?;
    Ok((model, table))
}

fn to_csv(predictions: &Predictions, with_probabilities: bool, model: &FittedModel) -> Result<Vec<u8>> {
    let mut text = String::from("prediction");
    match predictions {
        Predictions::Numbers(numbers) => {
            if with_probabilities {
                return Err(no_probabilities(model));
            }
            text.push('\n');
            for number in numbers {
                let _ = writeln!(text, "{number}");
            }
        }
        Predictions::Classes { classes, codes, probabilities } => {
            if with_probabilities && probabilities.is_none() {
                return Err(no_probabilities(model));
            }
            let probabilities = probabilities.as_ref().filter(|_| with_probabilities);
            if probabilities.is_some() {
                for class in classes {
                    let _ = write!(text, ",{}", quoted(&format!("probability_{class}")));
                }
            }
            text.push('\n');
            for (row, &code) in codes.iter().enumerate() {
                text.push_str(&quoted(&classes[code]));
                if let Some(probabilities) = probabilities {
                    for probability in &probabilities[row * classes.len()..][..classes.len()] {
                        let _ = write!(text, ",{probability}");
                    }
                }
                text.push('\n');
            }
        }
    }
    Ok(text.into_bytes())
}

fn no_probabilities(model: &FittedModel) -> Error {
    let expected = "a model trained on the loss `logistic` or `cross-entropy`";
    ErrorKind::Settings(vec![Problem::new("probabilities", expected, model.loss)]).into()
}

/// A field of a CSV file.
fn quoted(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_owned() }
}
