//! The command `downslope`: gradient descent you can watch, measure and use.
//!
//! [`args`] say what can be asked, one file in [`commands`] does each thing, [`console`] knows the terminal,
//! [`progress`] shows a run as it goes, [`interrupt`] turns Ctrl-C into a wish to stop, [`hint`] knows the flags that
//! help against an error. Words go to standard error, data to standard output.
//!
//! Exit status: 0 done, 1 ran but the result is not what was asked, 2 could not run.

mod args;
mod commands;
mod console;
mod hint;
mod interrupt;
mod progress;

use std::process::ExitCode;

use clap::Parser;

use args::{Args, Command};

/// Whether what was asked came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Done,
    NotAsAsked,
    /// What was given cannot be used, and why has been said.
    Refused,
}

fn main() -> ExitCode {
    let args = Args::parse();
    let name = args.command.name();
    let result = match args.command {
        Command::Compare(args) => commands::compare::run(&args),
        Command::Train(args) => commands::train::run(&args),
        Command::Resume(args) => commands::train::resume(&args),
        Command::Predict(args) => commands::predict::run(&args),
        Command::Evaluate(args) => commands::predict::evaluate(&args),
        Command::Report(args) => commands::report::run(&args),
        Command::Advise(args) => commands::advise::run(&args),
        Command::Explain(args) => commands::explain::run(&args),
        Command::Learn(args) => commands::learn::run(&args),
        Command::Data(args) => commands::data::run(args.command),
    };
    match result {
        Ok(Outcome::Done) => ExitCode::SUCCESS,
        Ok(Outcome::NotAsAsked) => ExitCode::from(1),
        Ok(Outcome::Refused) => ExitCode::from(2),
        Err(error) if console::is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            console::complain(&error, name);
            ExitCode::from(2)
        }
    }
}
