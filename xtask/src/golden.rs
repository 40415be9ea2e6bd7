//! Does PyTorch still compute what `golden/` says it computed?

use crate::place::Place;
use crate::python::{Lack, environment};
use crate::steps::{Outcome, Step, succeed};

/// The version that made the files. Another agrees to rounding, which is what the comparison allows.
const REQUIREMENTS: [&str; 2] = ["torch==2.15.0", "numpy>=1.26,<3"];
const SCRIPT: &str = "golden/torch_sgd.py";

pub(crate) fn steps() -> Vec<Step> {
    vec![
        Step {
            name: "repeat",
            run: |place| with_torch(place, &["check", "golden/torch_sgd.json", "golden/torch_extra.json"]),
        },
        Step {
            name: "make",
            run: |place| {
                let folder = place.target.join("golden");
                with_torch(place, &["make", &folder.to_string_lossy()])
            },
        },
    ]
}

fn with_torch(place: &Place, words: &[&str]) -> Outcome {
    match environment(place, "torch-venv", &REQUIREMENTS) {
        Ok(python) => succeed(place.command(python).arg(SCRIPT).args(words)),
        Err(Lack::Python(reason)) => Outcome::Skipped(reason),
        Err(Lack::Failure(reason)) => Outcome::Failed(format!("{reason}; PyTorch needs some 3 GB and a network")),
    }
}
