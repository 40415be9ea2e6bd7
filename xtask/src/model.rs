//! Can a saved model be repeated outside Rust?
//!
//! The command trains on a small table and predicts; `golden/check_model.py` reads the model file and repeats the
//! predictions with numpy. Linear, logistic and softmax, with and without hidden layers.

use std::fs::File;

use crate::place::Place;
use crate::python::{Lack, environment};
use crate::steps::{Outcome, Step, succeed, succeeded};

const TABLE: &str = "golden/check_model.csv";
/// Times, texts, and columns to be crossed.
const COLUMNS: &str = "golden/check_columns.csv";
const REQUIREMENTS: [&str; 2] = ["numpy>=1.26,<3", "safetensors>=0.5,<1"];

/// Name, table, target, columns that are left out (other models' targets), and further words to `downslope train`.
type Model = (&'static str, &'static str, &'static str, &'static str, &'static [&'static str]);

const MODELS: [Model; 6] = [
    ("linear", TABLE, "price", "grade,sold", &[]),
    ("logistic", TABLE, "sold", "price,grade", &[]),
    ("tanh", TABLE, "price", "grade,sold", &["--hidden", "6", "--activation", "tanh"]),
    ("softmax-relu", TABLE, "grade", "price,sold", &["--hidden", "8,5", "--activation", "relu"]),
    ("columns", COLUMNS, "price", "count", &["--hash-bits", "10", "--polynomial", "3", "--cross", CROSSES]),
    (
        "columns-max-abs",
        COLUMNS,
        "price",
        "floor",
        &["--scale", "max-abs", "--weight", "count", "--hidden", "5", "--hash-bits", "9"],
    ),
];

const CROSSES: &str = "area*kind,kind*floor,area*street";

pub(crate) fn step() -> Step {
    Step { name: "python", run: check }
}

fn check(place: &Place) -> Outcome {
    let python = match environment(place, "venv", &REQUIREMENTS) {
        Ok(python) => python,
        Err(Lack::Python(reason)) => return Outcome::Skipped(reason),
        Err(Lack::Failure(reason)) => return Outcome::Failed(reason),
    };
    match saved_models(place) {
        Ok(arguments) => succeed(place.command(python).arg("golden/check_model.py").args(arguments)),
        Err(reason) => Outcome::Failed(reason),
    }
}

/// Trains each model and predicts with it; what `check_model.py` is to be called with.
fn saved_models(place: &Place) -> Result<Vec<std::path::PathBuf>, String> {
    // All crates but this one, so that features are those that `cargo test --workspace` has compiled already.
    succeeded(place.command("cargo").args(["build", "--workspace", "--exclude", "xtask"]))?;
    let downslope = place.programs.join(format!("downslope{}", std::env::consts::EXE_SUFFIX));
    let folder = place.target.join("check_model");
    if folder.exists() {
        std::fs::remove_dir_all(&folder).map_err(|error| format!("cannot empty {}: {error}", folder.display()))?;
    }
    std::fs::create_dir_all(&folder).map_err(|error| format!("cannot make {}: {error}", folder.display()))?;
    let mut arguments = Vec::new();
    for (name, table, target, drop, more) in MODELS {
        let run = folder.join(name);
        let words = ["train", table, "--target", target, "--drop", drop, "--epochs", "5", "--seed", "1", "--quiet"];
        succeeded(place.command(&downslope).args(words).args(more).arg("--out").arg(&run))?;
        let model = run.join("model.safetensors");
        if !model.exists() {
            return Err(format!("`downslope train` ended well and left no {}", model.display()));
        }
        let predictions = folder.join(format!("{name}.csv"));
        let out =
            File::create(&predictions).map_err(|error| format!("cannot write {}: {error}", predictions.display()))?;
        let probabilities: &[&str] = if target == "price" { &[] } else { &["--probabilities"] };
        succeeded(place.command(&downslope).arg("predict").arg(&model).arg(table).args(probabilities).stdout(out))?;
        arguments.extend([model, table.into(), predictions]);
    }
    Ok(arguments)
}
