//! How are named steps run, timed and summed up?

use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use crate::place::Place;

/// One thing that must hold.
#[derive(Clone, Copy)]
pub(crate) struct Step {
    pub(crate) name: &'static str,
    pub(crate) run: fn(&Place) -> Outcome,
}

/// How a step ended.
pub(crate) enum Outcome {
    Passed,
    /// It could not run here, and why.
    Skipped(String),
    /// What went wrong.
    Failed(String),
}

/// Runs the steps in order up to the first failure, prints a table, and as the last line the counts.
pub(crate) fn run(place: &Place, steps: &[Step]) -> ExitCode {
    let must_run = std::env::var("CI").is_ok_and(|value| value == "true");
    let mut rows: Vec<(&str, &str, Duration)> = Vec::new();
    let (mut passed, mut failed) = (0, 0);
    for step in steps {
        println!("== {}", step.name);
        let start = Instant::now();
        let verdict = match (step.run)(place) {
            Outcome::Passed => {
                passed += 1;
                "passed"
            }
            Outcome::Skipped(reason) if !must_run => {
                println!("== {} is skipped: {reason}", step.name);
                "skipped"
            }
            Outcome::Skipped(reason) => {
                println!("== {} could not run, and CI=true forbids to skip it: {reason}", step.name);
                failed += 1;
                "failed"
            }
            Outcome::Failed(reason) => {
                println!("== {} failed: {reason}", step.name);
                failed += 1;
                "failed"
            }
        };
        rows.push((step.name, verdict, start.elapsed()));
        if failed > 0 {
            break;
        }
    }
    println!("\n{:<12} {:<8} {:>8}", "step", "", "seconds");
    for (name, verdict, took) in &rows {
        println!("{name:<12} {verdict:<8} {:>8.1}", took.as_secs_f64());
    }
    for step in &steps[rows.len()..] {
        println!("{:<12} {:<8} {:>8}", step.name, "not run", "-");
    }
    println!("\n{passed} passed, {failed} failed");
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Runs a command with nothing on its standard input; it passes where the command succeeds.
pub(crate) fn succeed(command: &mut Command) -> Outcome {
    match succeeded(command) {
        Ok(()) => Outcome::Passed,
        Err(reason) => Outcome::Failed(reason),
    }
}

/// As [`succeed`], for steps of several commands.
pub(crate) fn succeeded(command: &mut Command) -> Result<(), String> {
    let words = words_of(command);
    println!("   {words}");
    match command.stdin(Stdio::null()).status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("`{words}` ended with {status}")),
        Err(error) => Err(format!("`{words}` could not be started: {error}")),
    }
}

fn words_of(command: &Command) -> String {
    let words: Vec<_> = std::iter::once(command.get_program()).chain(command.get_args()).collect();
    words.join(std::ffi::OsStr::new(" ")).to_string_lossy().into_owned()
}
