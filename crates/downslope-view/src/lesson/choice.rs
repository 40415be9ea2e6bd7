//! What is asked without an experiment?

use serde::{Deserialize, Serialize};

use super::body::{Body, Spec, Writer};
use super::lines::Line;
use super::mark::{check_marks, marked, with_mark};
use super::problem::Problem;

/// A plain multiple choice.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choice {
    /// Its name within the lesson: `the-mountain/choice`.
    pub id: String,
    /// What is asked.
    pub prompt: String,
    /// What can be chosen; one or more are right, and with more than one all of them are to be chosen.
    pub options: Vec<Choosable>,
    /// What is told at the end.
    pub reveal: Option<String>,
}

/// One thing that can be chosen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choosable {
    /// The answer.
    pub text: String,
    /// Whether it is right.
    pub correct: bool,
    /// What is said to those who chose it.
    pub feedback: Option<String>,
}

const SPEC: Spec<'_> = Spec { texts: &["prompt", "reveal"], lists: &[("options", &["feedback"])] };

impl Choice {
    pub(super) fn read(line: u64, lines: &[Line<'_>], problems: &mut Vec<Problem>) -> Self {
        let mut body = Body::read("choice", line, lines, SPEC, problems);
        let prompt = body.need("prompt", problems).text;
        let options = body.need_list("options", problems);
        if !options.is_empty() {
            check_marks("options", &options, problems);
        }
        let choosable = options.into_iter().map(|mut option| {
            let (correct, text) = marked(&option.text.text);
            let text = text.to_owned();
            Choosable { text, correct: correct == Some(true), feedback: option.take("feedback").map(|text| text.text) }
        });
        Self { id: String::new(), prompt, options: choosable.collect(), reveal: body.take_text("reveal") }
    }

    pub(super) fn write(&self) -> String {
        let mut writer = Writer::default();
        writer.text("prompt", Some(&self.prompt));
        writer.list("options", &self.options, |option, writer| {
            writer.item(&with_mark(Some(option.correct), &option.text));
            writer.item_text("feedback", option.feedback.as_deref());
        });
        writer.text("reveal", self.reveal.as_deref());
        writer.fenced("choice")
    }
}
