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
mod tests {
    use downslope::random::{Purpose, Stream};

    use super::*;
    use crate::snapshot::assert_as_kept;

    const TWO_BOXES: &str = include_str!("../../../../lessons/examples/two-boxes.txt");
    const CATEGORIES: &str = include_str!("../../../../lessons/examples/categories.txt");
    const EVERYTHING: &str = include_str!("../../../../lessons/examples/everything.md");
    const EXAMPLES: [(&str, &str); 3] =
        [("two-boxes", TWO_BOXES), ("categories", CATEGORIES), ("everything", EVERYTHING)];

    /// A lesson, but for the line of a practice that is not known: that one is of its file.
    fn placeless(mut lesson: Lesson) -> Lesson {
        for block in lesson.steps.iter_mut().flat_map(|step| &mut step.blocks) {
            if let Block::Unknown(practice) = block {
                practice.line = 0;
            }
        }
        lesson
    }

    /// What is written reads back the same, and is written the same again.
    fn assert_survives(lesson: &Lesson, text: &str) {
        let written = to_markdown(lesson);
        let again = read("again.md", written.as_bytes())
            .unwrap_or_else(|problems| panic!("{text:?} became {written:?}: {problems}"));
        assert_eq!(placeless(lesson.clone()), placeless(again.clone()), "{text:?} became {written:?}");
        assert_eq!(to_markdown(&again), written, "{text:?}");
        let json = serde_json::to_string(lesson).unwrap();
        assert_eq!(serde_json::from_str::<Lesson>(&json).unwrap(), *lesson);
    }

    #[test]
    fn both_forms_are_read_as_they_are_kept() {
        for (name, text) in EXAMPLES {
            let lesson = read(name, text.as_bytes()).unwrap_or_else(|problems| panic!("{problems}"));
            assert_as_kept(&format!("lesson-{name}"), &(serde_json::to_string_pretty(&lesson).unwrap() + "\n"));
            assert_as_kept(&format!("lesson-{name}-converted"), &to_markdown(&lesson));
            assert_survives(&lesson, text);
        }
    }

    #[test]
    fn the_built_in_lesson_is_read_and_survives() {
        let lesson = builtin::lesson(builtin::DEFAULT).unwrap().unwrap_or_else(|problems| panic!("{problems}"));
        assert_survives(&lesson, builtin::DEFAULT);
    }

    /// The whole lessons in `lessons/README.md`: fenced text within it.
    #[test]
    fn the_examples_told_to_teachers_are_lessons_and_its_tables_are_complete() {
        let readme = include_str!("../../../../lessons/README.md");
        for (fence, n_steps) in [("````markdown\n", 2), ("```text\n", 2)] {
            let end = fence.trim_end_matches(|c: char| c != '`');
            let example =
                readme.split_once(fence).and_then(|(_, rest)| rest.split_once(&format!("\n{end}\n"))).unwrap().0;
            let lesson = read("README.md", example.as_bytes()).unwrap_or_else(|problems| panic!("{problems}"));
            assert_eq!(lesson.steps.len(), n_steps);
            assert!(lesson.steps.iter().all(|step| step.blocks.len() <= 2));
        }
        for known in known() {
            let row = readme.lines().find(|line| line.starts_with(&format!("| `{}` |", known.name))).unwrap();
            assert!(known.parameters.iter().all(|parameter| row.contains(&format!("`{}`", parameter.name))), "{row}");
        }
    }

    #[test]
    fn every_formula_of_the_built_in_lesson_is_drawn() {
        let lesson = builtin::lesson(builtin::DEFAULT).unwrap().unwrap();
        let html = serde_json::to_string(&html::lesson(&lesson)).unwrap();
        assert!(html.matches("<math").count() > 30 && !html.contains('$'), "{html}");
    }

    #[test]
    fn line_ends_and_a_byte_order_mark_change_nothing() {
        for (name, text) in EXAMPLES {
            let lesson = read(name, text.as_bytes()).unwrap();
            for other in [
                text.replace('\n', "\r\n"),
                text.replace('\n', "\r"),
                format!("\u{feff}{text}"),
                text.replace('\n', "  \n"),
            ] {
                assert_eq!(read(name, other.as_bytes()).unwrap(), lesson, "{name}");
            }
        }
    }

    #[test]
    fn a_file_cut_off_anywhere_is_a_lesson_or_names_its_problems() {
        let long = builtin::text(builtin::DEFAULT).unwrap();
        for (text, every) in EXAMPLES.map(|(_, text)| (text, 1)).into_iter().chain([(long, 13)]) {
            for end in (0..text.len()).step_by(every) {
                // Characters are cut through as well.
                match read("cut", &text.as_bytes()[..end]) {
                    Ok(lesson) => assert_survives(&lesson, &text[..text.floor_char_boundary(end)]),
                    Err(problems) => assert!(!problems.list().is_empty()),
                }
            }
        }
    }

    /// Any text at all is a lesson or a list of problems, and a lesson that is written reads back the same.
    #[test]
    fn whatever_is_read_can_be_written_and_read_again() {
        let pieces = [
            "a",
            "b c",
            ":",
            "-",
            "- ",
            "[x] ",
            "[ ] ",
            "  ",
            "    ",
            "\t",
            "\n",
            "\n",
            "\n",
            "\n\n",
            "#",
            "## ",
            "# ",
            "```",
            "````",
            "~~~",
            "---",
            "```question\n",
            "```sort\n",
            "```choice\n",
            "```code\n",
            "```experiment\n",
            "```practice\n",
            "\n```\n",
            "prompt: ",
            "options:\n",
            "- [x] yes\n- [ ] no\n",
            "reasons:\n",
            "  feedback: ",
            "reveal:\n",
            "ticks:\n- t\n",
            "unit: ms\n",
            "name: race\n",
            "lr: 0.1\n",
            "boxes:\n- A\n- B\n",
            "items:\n",
            "- i\n  box: A\n",
            "  reason: r\n",
            "  prove: race seed=1\n",
            "type: t\n",
            "Engagement Message\n",
            "__Type__\n",
            "Type\n",
            "Sort Into Boxes\n",
            "Practice Question\n",
            "Labels\n",
            "- First Box Label: A\n- Second Box Label: B\n",
            "First Box Items\n- u\n",
            "Second Box Items\n- v\n",
            "Categories\n- A\n- B\n",
            "Items\n- u: A\n",
            "é",
            "\u{a0}",
            "$x: y$",
            "`",
            "*",
            "_",
            "\r",
        ];
        let (mut n_lessons, mut n_blocks) = (0, 0);
        for number in 0..40_000 {
            let mut stream = Stream::new(3, Purpose::Probe, number);
            let n_pieces = stream.below(24);
            let text: String = (0..n_pieces).map(|_| pieces[stream.below(pieces.len() as u32) as usize]).collect();
            let Ok(lesson) = read("t", text.as_bytes()) else { continue };
            n_lessons += 1;
            n_blocks += lesson
                .steps
                .iter()
                .flat_map(|step| &step.blocks)
                .filter(|block| !matches!(block, Block::Prose(_)))
                .count();
            assert_survives(&lesson, &text);
        }
        assert!(n_lessons > 2000 && n_blocks > 1000, "{n_lessons} {n_blocks}");
    }

    /// The same with parts of good lessons, shuffled: nearer to what a person may write.
    #[test]
    fn lines_of_good_lessons_in_any_order_never_panic_and_survive() {
        let lines: Vec<&str> = EXAMPLES.iter().flat_map(|(_, text)| text.lines()).collect();
        let mut n_lessons = 0;
        for number in 0..4000 {
            let mut stream = Stream::new(4, Purpose::Probe, number);
            let n_parts = 1 + stream.below(6);
            let parts = (0..n_parts).map(|_| {
                let from = stream.below(lines.len() as u32) as usize;
                let until = (from + 1 + stream.below(30) as usize).min(lines.len());
                lines[from..until].join("\n")
            });
            let text = parts.collect::<Vec<_>>().join("\n");
            if let Ok(lesson) = read("t", text.as_bytes()) {
                n_lessons += 1;
                assert_survives(&lesson, &text);
            }
        }
        assert!(n_lessons > 200, "{n_lessons}");
    }

    #[test]
    fn an_item_is_divided_at_the_last_colon_that_a_category_follows() {
        let text = "Type\nSort Into Boxes\nPractice Question\nSort.\nCategories\n- A: x\n- B\nItems\n- a: B: B\n- ratio 1:2 of $f: X$: a: X\n- B: no: b\n";
        let lesson = read("t", text.as_bytes()).unwrap();
        let Block::Sort(sort) = &lesson.steps[0].blocks[0] else { panic!() };
        let items: Vec<(&str, usize)> = sort.items.iter().map(|item| (item.text.as_str(), item.box_index)).collect();
        assert_eq!(items, [("a: B", 1), ("ratio 1:2 of $f: X$", 0), ("B: no", 1)]);
    }

    #[test]
    fn the_json_in_this_modules_documentation_is_what_a_lesson_becomes() {
        let documented: String = include_str!("mod.rs")
            .lines()
            .skip_while(|line| *line != "//! ```json")
            .skip(1)
            .take_while(|line| *line != "//! ```")
            .map(|line| line.trim_start_matches("//! ").to_owned() + "\n")
            .collect();
        let lesson: Lesson = serde_json::from_str(&documented).unwrap();
        let value: serde_json::Value = serde_json::from_str(&documented).unwrap();
        assert_eq!(serde_json::to_value(&lesson).unwrap(), value);
        assert_eq!(lesson.steps[0].blocks.len(), 7);
    }
}
