//! Does PyTorch still compute what `golden/` says it computed?

use crate::place::Place;
use crate::python::{Lack, environment};
use crate::steps::{Outcome, Step, succeed, succeeded};

/// The version that made the files. Another agrees to rounding, which is what the comparison allows.
const REQUIREMENTS: [&str; 3] = ["torch==2.15.0", "scikit-learn>=1.7", "numpy>=1.26,<3"];
const SCRIPT: &str = "golden/torch_sgd.py";

pub(crate) fn steps() -> Vec<Step> {
    vec![
        Step {
            name: "repeat",
            run: |place| with_torch(place, SCRIPT, &["check", "golden/torch_sgd.json", "golden/torch_extra.json"]),
        },
        Step {
            name: "weights",
            run: |place| with_torch(place, "golden/weights.py", &["check", "golden/weights.json"]),
        },
        Step {
            name: "columns",
            run: |place| with_torch(place, "golden/columns.py", &["check", "golden/columns.json"]),
        },
        Step { name: "lesson", run: lesson },
        Step {
            name: "make",
            run: |place| {
                let folder = place.target.join("golden");
                with_torch(place, SCRIPT, &["make", &folder.to_string_lossy()])
            },
        },
    ]
}

/// The curves of the lesson's page, repeated from what it exports.
fn lesson(place: &Place) -> Outcome {
    if let Err(reason) = succeeded(place.command("cargo").args(["build", "--workspace", "--exclude", "xtask"])) {
        return Outcome::Failed(reason);
    }
    let downslope = place.programs.join(format!("downslope{}", std::env::consts::EXE_SUFFIX));
    with_torch(place, "golden/lesson_export.py", &[&downslope.to_string_lossy()])
}

fn with_torch(place: &Place, script: &str, words: &[&str]) -> Outcome {
    match environment(place, "torch-venv", &REQUIREMENTS) {
        Ok(python) => succeed(place.command(python).arg(script).args(words)),
        Err(Lack::Python(reason)) => Outcome::Skipped(reason),
        Err(Lack::Failure(reason)) => Outcome::Failed(format!("{reason}; PyTorch needs some 3 GB and a network")),
    }
}
