//! What does our Markdown form say?
//!
//! The grammar is in the documentation of [`super`].

use super::body::{Body, Spec, Writer};
use super::code::divided;
use super::draft::Draft;
use super::lines::{Line, Piece, heading, joined};
use super::mark::one_line;
use super::problem::{Problem, quoted};
use super::script;
use super::{Block, Choice, Code, Experiment, Lesson, Question, Sort, Unknown};

/// Reads the pieces of a file in our Markdown form.
pub(super) fn read(pieces: &[Piece<'_>], problems: &mut Vec<Problem>) -> Lesson {
    let mut draft = Draft::default();
    for piece in pieces {
        match piece {
            Piece::Listing(line) => draft.prose(*line),
            Piece::Block { body: None, .. } => {}
            Piece::Block { word, line, body: Some(body) } => draft.block(block(word, *line, body, problems)),
            Piece::Plain(line) => match heading(line.text) {
                None => {
                    if script::begins_engagement(line.text) {
                        let expected = "a `question` block, as the other blocks of this file";
                        problems.push(
                            Problem::new(line.number, expected, format!("{} of the plain script form", quoted(line.text)))
                                .hint("write the whole lesson in one form; `downslope learn --convert` makes Markdown of a script"),
                        );
                    }
                    draft.prose(*line);
                }
                Some((1, "")) => problems.push(Problem::new(line.number, "a title after `#`", "nothing")),
                Some((1, title)) if draft.has_title() || !draft.is_empty() => {
                    let expected = if draft.has_title() { "one title" } else { "the title before all else" };
                    problems.push(
                        Problem::new(line.number, expected, quoted(title))
                            .hint("a step begins with `##`, the title alone with `#`"),
                    );
                }
                Some((1, title)) => draft.title(title),
                Some((_, words)) => draft.heading(line.number, words, problems),
            },
        }
    }
    draft.finish(problems)
}

fn block(word: &str, line: u64, body: &[Line<'_>], problems: &mut Vec<Problem>) -> Block {
    match word {
        "question" => Block::Question(Question::read(line, body, problems)),
        "experiment" => Block::Experiment(Experiment::read(line, body, problems)),
        "sort" => Block::Sort(Sort::read(line, body, problems)),
        "choice" => Block::Choice(Choice::read(line, body, problems)),
        "code" => Block::Code(Code::read(line, body, problems)),
        _ => Block::Unknown(Unknown::read(line, body, problems)),
    }
}

impl Unknown {
    fn read(line: u64, lines: &[Line<'_>], problems: &mut Vec<Problem>) -> Self {
        let (keys, text) = divided("practice", line, lines, problems);
        let mut body = Body::read("practice", line, keys, Spec { texts: &["type"], lists: &[] }, problems);
        let kind = one_line(&body.need("type", problems).text);
        Self { kind, line, text: joined(text.iter().copied()) }
    }

    fn write(&self) -> String {
        let mut writer = Writer::default();
        writer.text("type", Some(&self.kind));
        writer.verbatim(&self.text);
        writer.fenced("practice")
    }
}

/// Writes a lesson in our Markdown form, so that it is read again as what it is.
pub(super) fn write(lesson: &Lesson) -> String {
    let mut parts = Vec::new();
    if !lesson.title.is_empty() {
        parts.push(format!("# {}\n", lesson.title));
    }
    for (i, step) in lesson.steps.iter().enumerate() {
        if i > 0 || !step.heading.is_empty() {
            parts.push(format!("## {}", step.heading).trim_end().to_owned() + "\n");
        }
        parts.extend(step.blocks.iter().map(|block| match block {
            Block::Prose(prose) => prose.text.clone() + "\n",
            Block::Question(question) => question.write(),
            Block::Experiment(experiment) => experiment.write(),
            Block::Sort(sort) => sort.write(),
            Block::Choice(choice) => choice.write(),
            Block::Code(code) => code.write(),
            Block::Unknown(practice) => practice.write(),
        }));
    }
    parts.join("\n")
}
