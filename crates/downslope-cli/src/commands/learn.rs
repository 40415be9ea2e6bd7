//! `downslope learn`: a lesson, checked, written in another form, or played.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use downslope::checkpoint::write_whole;
use downslope::{Error, Result};
use downslope_view::lesson::export::{Exported, export};
use downslope_view::lesson::{self, Block, Lesson, MOST_BYTES, builtin};

use crate::Outcome;
use crate::args::Learn;
use crate::console::{give, say};

pub(crate) fn run(args: &Learn) -> Result<Outcome> {
    let (source, bytes) = open(&args.lesson)?;
    let lesson = match lesson::read(&source, &bytes) {
        Ok(lesson) => lesson,
        Err(problems) => {
            let told = problems.to_string();
            // A hint begins a line of its own; every other line is a problem.
            for line in told.lines() {
                say(if line.starts_with("hint: ") { line.to_owned() } else { format!("error: {line}") });
            }
            return Ok(Outcome::Refused);
        }
    };
    if args.check {
        if !args.quiet {
            say(format!("{source}: {}", contents(&lesson)));
            tell_unknown(&source, &lesson);
        }
    } else if args.convert {
        write(args, &lesson::to_markdown(&lesson))?;
    } else if let Some(format) = args.export {
        let Exported { text, left_out } = export(&lesson, format);
        write(args, &text)?;
        if !args.quiet {
            for what in left_out {
                say(format!("note: left out {what}"));
            }
        }
    } else {
        return super::play::serve(lesson, &args.serve);
    }
    Ok(Outcome::Done)
}

/// The bytes of a lesson, and what messages call it. Of a file that is too large, enough is read to say so.
fn open(lesson: &str) -> Result<(String, Vec<u8>)> {
    if let Some(text) = builtin::text(lesson) {
        return Ok((lesson.to_owned(), text.as_bytes().to_vec()));
    }
    let source = if lesson == "-" { "standard input" } else { lesson };
    let refused = |error| Error::io("read", Path::new(source), error);
    let reader: Box<dyn Read> =
        if lesson == "-" { Box::new(std::io::stdin()) } else { Box::new(File::open(lesson).map_err(refused)?) };
    let mut bytes = Vec::new();
    reader.take(MOST_BYTES as u64 + 1).read_to_end(&mut bytes).map_err(refused)?;
    Ok((source.to_owned(), bytes))
}

fn write(args: &Learn, text: &str) -> Result<()> {
    match &args.out {
        None => give(text),
        Some(path) => {
            write_whole(path, text.as_bytes())?;
            if !args.quiet {
                say(format!("wrote {}", path.display()));
            }
            Ok(())
        }
    }
}

/// `8 steps: 10 questions, 11 experiments, 1 sort`.
fn contents(lesson: &Lesson) -> String {
    let names = ["question", "experiment", "choice", "sort", "listing"];
    let mut counts: BTreeMap<usize, usize> = BTreeMap::new();
    for block in lesson.steps.iter().flat_map(|step| &step.blocks) {
        let kind = match block {
            Block::Question(_) => 0,
            Block::Experiment(_) => 1,
            Block::Choice(_) => 2,
            Block::Sort(_) => 3,
            Block::Code(_) => 4,
            Block::Prose(_) | Block::Unknown(_) => continue,
        };
        *counts.entry(kind).or_default() += 1;
    }
    let some = |n: usize, noun: &str| format!("{n} {noun}{}", if n == 1 { "" } else { "s" });
    let parts: Vec<String> = counts.iter().map(|(kind, n)| some(*n, names[*kind])).collect();
    let parts = if parts.is_empty() { "nothing to do but to read".to_owned() } else { parts.join(", ") };
    format!("{}: {parts}", some(lesson.steps.len(), "step"))
}

/// Practices that are shown as they stand, for nobody knows how to play them.
fn tell_unknown(source: &str, lesson: &Lesson) {
    for block in lesson.steps.iter().flat_map(|step| &step.blocks) {
        if let Block::Unknown(practice) = block {
            say(format!(
                "note: {source}:{}: a practice of the type `{}` is not known; it is shown as it stands",
                practice.line, practice.kind
            ));
        }
    }
}
