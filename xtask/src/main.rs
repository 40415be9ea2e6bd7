//! What does the project do to itself? `cargo xtask test | golden | bench | help`.
//!
//! Nothing here is part of Downslope: it starts the tools that check it.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "announcing steps is what a chore does")]

mod bench;
mod golden;
mod model;
mod page;
mod place;
mod python;
mod steps;

use std::process::ExitCode;

use place::Place;
use steps::{Outcome, Step};

const HELP: &str = "\
Downslope's own chores.

  cargo xtask test           everything a change must pass
  cargo xtask test rust      formatting, lints, documentation, tests
  cargo xtask test page      the types of the lesson's page, and the lesson played in a browser
  cargo xtask test python    a saved model repeated outside Rust
  cargo xtask golden         run the reference trajectories again with PyTorch (installs it: some 3 GB)
  cargo xtask bench          Downslope beside its peers and the machine (installs the peers: some 6 GB); its words go to
                             bench/compare.py, as in `cargo xtask bench --case L,S --batch 1,32`
    --quick                  one repetition, with the peers that are installed already
  cargo xtask help           this page

With CI=true a step that cannot run is a failure; otherwise it is skipped, with the reason.";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let place = match Place::find() {
        Ok(place) => place,
        Err(reason) => {
            eprintln!("xtask: {reason}");
            return ExitCode::from(2);
        }
    };
    let steps = match words[..] {
        ["test"] => [rust_steps(), page::steps(), vec![model::step()]].concat(),
        ["test", "rust"] => rust_steps(),
        ["test", "page"] => page::steps(),
        ["test", "python"] => vec![model::step()],
        ["golden"] => golden::steps(),
        ["bench", ref rest @ ..] => return bench::run(&place, rest),
        [] | ["help" | "-h" | "--help"] => {
            println!("{HELP}");
            return ExitCode::SUCCESS;
        }
        _ => {
            eprintln!("xtask: cannot make sense of `{}`\n\n{HELP}", words.join(" "));
            return ExitCode::from(2);
        }
    };
    steps::run(&place, &steps)
}

/// Warnings are denied by arguments, not by `RUSTFLAGS`, so that no step throws away what another has compiled.
fn rust_steps() -> Vec<Step> {
    vec![
        Step { name: "format", run: |place| cargo(place, &["fmt", "--all", "--check"]) },
        Step {
            name: "clippy",
            run: |place| cargo(place, &["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]),
        },
        Step {
            name: "doc",
            run: |place| {
                let arguments = ["doc", "--workspace", "--no-deps"];
                steps::succeed(place.command("cargo").args(arguments).env("RUSTDOCFLAGS", "-D warnings"))
            },
        },
        Step { name: "test", run: |place| cargo(place, &["test", "--workspace"]) },
    ]
}

fn cargo(place: &Place, arguments: &[&str]) -> Outcome {
    steps::succeed(place.command("cargo").args(arguments))
}
