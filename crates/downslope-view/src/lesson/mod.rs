//! What does a lesson say, ask and show?
//!
//! A [`Lesson`] is steps, a [`Step`] is blocks: prose, questions, experiments, practices. It is read from a text file in
//! one of two forms and goes to the page as JSON. Nothing here computes or draws: an experiment is a name with
//! parameters, and whoever plays the lesson runs it.
//!
//! Every text in a lesson is Markdown with `$math$`; only code and what stands in an [`Unknown`] practice is not.
//!
//! [`read`] takes the bytes of a file, [`to_markdown`] writes our form, [`html`] makes a page's texts, [`export`] quizzes
//! and cards. On the way from file to lesson: lines and pieces, the keys in a block, each block in its own file, then the
//! two forms and the draft that both fill.
//!
//! # The grammar
//!
//! `lessons/README.md` tells it to teachers, with examples. In short:
//!
//! ```text
//! file       = UTF-8, at most 1 MiB; any line ends; listings (other fences) are prose, whatever stands in them
//! Markdown   = if a block is in it:   [ "# " title ] { [ "## " heading ] { prose | block } }
//! block      = "```" name  body  "```"      name = question | experiment | sort | choice | code | practice
//! body       = { key ":" text | list-key ":" { "- " text { "  " key ":" text } } } [ "---" verbatim ]   (code, practice)
//! text       = the rest of the line, or lines below it that are indented deeper than the key (by 4 in an item)
//! script     = else, if a line is `Engagement Message` or `Type`:   { heading | prose | question | practice }
//! question   = "Engagement Message" line                                              closes the step
//! practice   = "Type" line { part }                                                   closes the step
//! part       = "Practice Question" lines | "Labels" { "- First Box Label: " name } | "First Box Items" { "- " text }
//!            | "Categories" { "- " name } | "Items" { "- " text ": " name }           divided at the last ":" with a name
//! mark       = Words | __Words__ | **Words** | Words:     in any case, blank lines around it
//! ```
//!
//! A file with neither blocks nor script lines is Markdown: prose under headings. A practice of another type is kept as
//! [`Unknown`]: all lines up to the first paragraph that stands under no heading, or to the next mark or heading.
//!
//! Problems do not stop the reading; all of a file are told together. What is read can be written and read again.
//!
//! # The way through a step
//!
//! Blocks are met in their order. A question and the first [`Experiment`] after it in the same step, up to the next
//! question, belong together: commit to a prediction, run the experiment, then choose a reason, read the reveal and tick
//! what one said. A question with no experiment after it goes on at once.
//!
//! # As JSON
//!
//! Every field is always there; what was not given is `null` or an empty list.
//!
//! ```json
//! {
//!   "title": "Downhill in fog",
//!   "steps": [
//!     {
//!       "id": "the-learning-rate",
//!       "heading": "The learning rate",
//!       "blocks": [
//!         { "type": "prose", "text": "How far do we go? That is the *learning rate* $\\eta$." },
//!         {
//!           "type": "question",
//!           "id": "the-learning-rate/question",
//!           "prompt": "The rate is 1.01 times the limit. What will the loss do?",
//!           "options": [
//!             { "text": "fall", "correct": false, "feedback": "Below the limit it would.", "sketch": "fall", "outcome": null },
//!             { "text": "grow without end", "correct": true, "feedback": null, "sketch": "explode", "outcome": null }
//!           ],
//!           "unit": null,
//!           "reasons": [
//!             { "text": "every step lands higher on the other side", "correct": true, "feedback": "Yes: …" }
//!           ],
//!           "own_words": "Say it in a sentence of your own.",
//!           "keywords": ["overshoot"],
//!           "reveal": "Each step leaps over the valley …",
//!           "ticks": ["I said that the step was too long."]
//!         },
//!         {
//!           "type": "experiment",
//!           "id": "the-learning-rate/experiment",
//!           "name": "learning-rate",
//!           "parameters": { "data": "@diabetes", "multiples": "0.99,1.01" },
//!           "caption": "Move the slider past the second mark."
//!         },
//!         {
//!           "type": "choice",
//!           "id": "the-learning-rate/choice",
//!           "prompt": "Which are signs of a rate that is too small?",
//!           "options": [
//!             { "text": "the loss crawls", "correct": true, "feedback": null },
//!             { "text": "the loss grows", "correct": false, "feedback": "That is the other end." }
//!           ],
//!           "reveal": null
//!         },
//!         {
//!           "type": "sort",
//!           "id": "the-learning-rate/sort",
//!           "prompt": "Too small or too large?",
//!           "boxes": ["Too small", "Too large"],
//!           "items": [
//!             {
//!               "text": "leaps over the valley",
//!               "box": 1,
//!               "reason": "A step longer than the valley is wide.",
//!               "prove": {
//!                 "id": "the-learning-rate/sort/prove-1",
//!                 "name": "learning-rate",
//!                 "parameters": { "multiples": "1.01" },
//!                 "caption": null
//!               }
//!             }
//!           ]
//!         },
//!         {
//!           "type": "code",
//!           "language": "python",
//!           "caption": "One step by hand",
//!           "highlight": [2],
//!           "text": "g = gradient(theta)\ntheta -= lr * g"
//!         },
//!         { "type": "unknown", "kind": "Fill In The Blanks", "line": 40, "text": "Practice Question\n…" }
//!       ]
//!     }
//!   ]
//! }
//! ```

mod question;
mod experiment;
mod choice;
mod sort;
mod code;
mod problem;
mod lines;
mod body;
mod mark;
mod draft;
mod markdown;
mod script;
mod practice;
pub mod html;
pub mod export;
pub mod builtin;

use serde::{Deserialize, Serialize};

pub use choice::{Choice, Choosable};
pub use code::Code;
pub use experiment::{Accepts, Experiment, Known, Parameter, known, named};
pub use lines::MOST_BYTES;
pub use problem::{Problem, Problems};
pub use question::{Prediction, Question, Reason, Sketch};
pub use sort::{Item, Sort};

/// A whole lesson.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lesson {
    /// The title; empty if the file has none.
    pub title: String,
    /// The steps, in the order they are taken.
    pub steps: Vec<Step>,
}

/// One step of a lesson: an idea and what is done with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Its name within the lesson: the heading in small letters with dashes, or `step-3` where there is no heading.
    pub id: String,
    /// The heading; empty if it has none, as in a plain script.
    pub heading: String,
    /// What it holds, in the order it is met.
    pub blocks: Vec<Block>,
}

/// A part of a step. In JSON the field `type` says which.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum Block {
    /// Something to read.
    Prose(Prose),
    /// Something to predict, and then to understand.
    Question(Question),
    /// Something to try.
    Experiment(Experiment),
    /// Things to put where they belong.
    Sort(Sort),
    /// Something to choose, without an experiment.
    Choice(Choice),
    /// A listing.
    Code(Code),
    /// A practice of a kind that this program does not know.
    Unknown(Unknown),
}

/// Reads a lesson in either form; `source` names it in messages.
///
/// # Errors
/// Everything that is wrong with it, each with its line.
pub fn read(source: &str, bytes: &[u8]) -> Result<Lesson, Problems> {
    let text = lines::text(bytes).map_err(|problem| Problems::new(source, vec![problem]))?;
    let mut problems = Vec::new();
    let lines = lines::lines(text);
    let pieces = lines::pieces(&lines, &mut problems);
    let lesson = match form(&pieces) {
        Form::Markdown => markdown::read(&pieces, &mut problems),
        Form::Script => script::read(&pieces, &mut problems),
    };
    if problems.is_empty() { Ok(lesson) } else { Err(Problems::new(source, problems)) }
}

/// Writes a lesson in our Markdown form. What [`read`] gives for it is the same lesson (but for the line of an
/// [`Unknown`] practice, which is where it stands in the file that was read).
pub fn to_markdown(lesson: &Lesson) -> String {
    markdown::write(lesson)
}

/// The two forms of a lesson file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Markdown,
    Script,
}

/// Which form a file has, by its content: a block makes it Markdown, else a line of a script makes it a script.
fn form(pieces: &[lines::Piece<'_>]) -> Form {
    let has_block = pieces.iter().any(|piece| matches!(piece, lines::Piece::Block { .. }));
    if !has_block && script::is_script(pieces) { Form::Script } else { Form::Markdown }
}

/// Paragraphs, lists, listings and formulas to read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prose {
    /// Markdown with `$math$`.
    pub text: String,
}

/// A practice of a kind that this program does not know: shown as it stands, so that nothing is lost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unknown {
    /// What the file calls it: `Fill In The Blanks`.
    pub kind: String,
    /// The line in the file where it begins.
    pub line: u64,
    /// Its lines as they stand, without the two that name its kind.
    pub text: String,
}

#[cfg(test)]
mod malformed;
#[cfg(test)]
mod tests;
