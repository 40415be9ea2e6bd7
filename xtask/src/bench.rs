//! How fast is Downslope, beside others and beside the machine? `cargo xtask bench` prepares, `bench/compare.py` measures.

use std::path::PathBuf;
use std::process::ExitCode;

use crate::place::Place;
use crate::python::{Lack, environment};
use crate::steps::succeeded;

/// What the peers are made of. PyTorch's wheel brings some 5 GB with it.
const REQUIREMENTS: [&str; 9] = [
    "numpy>=2,<3",
    "scipy>=1.15",
    "scikit-learn>=1.7",
    "jax>=0.7",
    "torch==2.15.0",
    "vowpalwabbit>=9.11,<10",
    "polars>=1",
    "pyarrow>=20",
    "threadpoolctl>=3",
];
const ENVIRONMENT: &str = "bench-venv";

/// Builds ours, makes the peers' environment, and hands the words on to the script; `--quick` installs nothing and takes
/// few repetitions.
pub(crate) fn run(place: &Place, words: &[&str]) -> ExitCode {
    match measure(place, words) {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("xtask: {reason}");
            ExitCode::FAILURE
        }
    }
}

fn measure(place: &Place, words: &[&str]) -> Result<(), String> {
    let is_quick = words.contains(&"--quick");
    let rest: Vec<&str> = words.iter().copied().filter(|&word| word != "--quick").collect();
    succeeded(place.command("cargo").args(["build", "--release", "--package", "downslope-bench"]))?;
    let ours = place.target.join("release").join(format!("downslope-bench{}", std::env::consts::EXE_SUFFIX));
    let peers = if is_quick { installed(place) } else { Some(made(place)?) };
    let mut compare = place.command(peers.clone().unwrap_or_else(|| "python3".into()));
    compare.arg("bench/compare.py").arg("--ours").arg(ours).arg("--work").arg(place.target.join("bench"));
    if let Some(python) = peers {
        compare.arg("--python").arg(python);
    }
    if is_quick {
        compare.args(["--repetitions", "1", "--budget", "0.5", "--largest", "1000000", "--csv-rows", "100000"]);
    }
    succeeded(compare.args(rest))
}

/// The environment as an earlier run made it.
fn installed(place: &Place) -> Option<PathBuf> {
    let folder = place.target.join(ENVIRONMENT);
    let python = if cfg!(windows) { folder.join("Scripts/python.exe") } else { folder.join("bin/python") };
    python.exists().then_some(python)
}

fn made(place: &Place) -> Result<PathBuf, String> {
    environment(place, ENVIRONMENT, &REQUIREMENTS).map_err(|lack| match lack {
        Lack::Python(reason) => format!("{reason}; `--quick` runs without the peers"),
        Lack::Failure(reason) => {
            format!("{reason}; the peers need some 6 GB and a network, `--quick` runs without them")
        }
    })
}
