//! What is asked before an experiment, and what is said after it?

use serde::{Deserialize, Serialize};

use super::body::{Body, ListItem, Spec, Writer};
use super::lines::Line;
use super::mark::{check_marks, marked, one_line, with_mark};
use super::problem::{Problem, listed, quoted};

/// A question in three movements: a prediction to commit to, a reason to choose, a reveal with points to tick.
///
/// What is committed to is one of the `options`; if there are none but a `unit`, a number; if there is neither, words.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Question {
    /// Its name within the lesson: `the-mountain/question`.
    pub id: String,
    /// What is asked.
    pub prompt: String,
    /// The predictions to choose from.
    pub options: Vec<Prediction>,
    /// The unit of a number to guess, `ms`; the experiment measures the truth.
    pub unit: Option<String>,
    /// Reasons to choose from once the experiment has run.
    pub reasons: Vec<Reason>,
    /// An invitation to say it in one sentence of one's own.
    pub own_words: Option<String>,
    /// Words to look for in that sentence: they may nudge, never judge.
    pub keywords: Vec<String>,
    /// What is told at the end.
    pub reveal: Option<String>,
    /// Points to tick if one said them.
    pub ticks: Vec<String>,
}

/// One answer that can be committed to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prediction {
    /// The answer.
    pub text: String,
    /// Whether it is right; `None` where the lesson does not say and the experiment decides.
    pub correct: Option<bool>,
    /// What is said to those who chose it.
    pub feedback: Option<String>,
    /// The loss curve it stands for, drawn beside it.
    pub sketch: Option<Sketch>,
    /// What the experiment calls its result when this prediction comes true: the batch size that wins a race.
    pub outcome: Option<String>,
}

/// One reason that can be chosen, with an answer to each.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// The reason.
    pub text: String,
    /// Whether it is the right one.
    pub correct: bool,
    /// Why it is right, or what is wrong with it.
    pub feedback: Option<String>,
}

/// The course of a loss, as a small drawing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sketch {
    /// Falls smoothly and levels off.
    Fall,
    /// Falls hardly at all.
    Crawl,
    /// Falls with a tremble that stays.
    Jitter,
    /// Swings from side to side, less each time.
    Bounce,
    /// Swings from side to side, more each time.
    Explode,
    /// Stays where it is.
    Flat,
}

impl Sketch {
    /// Every sketch, with the word a lesson file has for it.
    pub const ALL: [(&'static str, Self); 6] = [
        ("fall", Self::Fall),
        ("crawl", Self::Crawl),
        ("jitter", Self::Jitter),
        ("bounce", Self::Bounce),
        ("explode", Self::Explode),
        ("flat", Self::Flat),
    ];
}

const SPEC: Spec<'_> = Spec {
    texts: &["prompt", "unit", "own-words", "keywords", "reveal"],
    lists: &[("options", &["feedback", "sketch", "outcome"]), ("reasons", &["feedback"]), ("ticks", &[])],
};

impl Question {
    pub(super) fn read(line: u64, lines: &[Line<'_>], problems: &mut Vec<Problem>) -> Self {
        let mut body = Body::read("question", line, lines, SPEC, problems);
        let prompt = body.need("prompt", problems).text;
        let unit = body.take("unit");
        let options = body.take_list("options");
        if let Some(unit) = unit.as_ref().filter(|_| !options.is_empty()) {
            let expected = "a `unit` for a number to guess, or `options` to choose from";
            problems.push(Problem::new(unit.line, expected, "both"));
        }
        let is_marked = options.iter().any(|option| marked(&option.text.text).0.is_some());
        if is_marked || options.len() == 1 {
            check_marks("options", &options, problems);
        }
        if let [_, second, ..] = options.iter().filter(|o| marked(&o.text.text).0 == Some(true)).collect::<Vec<_>>()[..]
        {
            problems.push(
                Problem::new(second.text.line, "one right prediction", "a second one")
                    .hint("a `choice` block can have several right options"),
            );
        }
        let reasons = body.take_list("reasons");
        if !reasons.is_empty() {
            check_marks("reasons", &reasons, problems);
        }
        let keywords = body.take_text("keywords").unwrap_or_default();
        Self {
            id: String::new(),
            prompt,
            options: options.into_iter().map(|option| Prediction::read(option, problems)).collect(),
            unit: unit.map(|unit| one_line(&unit.text)),
            reasons: reasons.into_iter().map(Reason::read).collect(),
            own_words: body.take_text("own-words"),
            keywords: keywords.split(',').map(one_line).filter(|word| !word.is_empty()).collect(),
            reveal: body.take_text("reveal"),
            ticks: body.take_list("ticks").into_iter().map(|item| item.text.text).collect(),
        }
    }

    pub(super) fn write(&self) -> String {
        let mut writer = Writer::default();
        writer.text("prompt", Some(&self.prompt));
        writer.list("options", &self.options, |option, writer| {
            writer.item(&with_mark(option.correct, &option.text));
            writer.item_text("sketch", option.sketch.map(Sketch::word));
            writer.item_text("outcome", option.outcome.as_deref());
            writer.item_text("feedback", option.feedback.as_deref());
        });
        writer.text("unit", self.unit.as_deref());
        writer.list("reasons", &self.reasons, |reason, writer| {
            writer.item(&with_mark(Some(reason.correct), &reason.text));
            writer.item_text("feedback", reason.feedback.as_deref());
        });
        writer.text("own-words", self.own_words.as_deref());
        writer.text("keywords", (!self.keywords.is_empty()).then(|| self.keywords.join(", ")).as_deref());
        writer.text("reveal", self.reveal.as_deref());
        writer.list("ticks", &self.ticks, |tick, writer| writer.item(tick));
        writer.fenced("question")
    }
}

impl Prediction {
    fn read(mut item: ListItem, problems: &mut Vec<Problem>) -> Self {
        let (correct, text) = marked(&item.text.text);
        let text = text.to_owned();
        let sketch = item.take("sketch").and_then(|word| {
            let sketch = Sketch::ALL.iter().find(|(name, _)| *name == word.text).map(|(_, sketch)| *sketch);
            if sketch.is_none() {
                let expected = format!("a sketch ({})", listed(Sketch::ALL.iter().map(|(name, _)| *name)));
                problems.push(Problem::new(word.line, expected, quoted(&word.text)));
            }
            sketch
        });
        let outcome = item.take("outcome").map(|outcome| one_line(&outcome.text));
        Self { text, correct, feedback: item.take("feedback").map(|feedback| feedback.text), sketch, outcome }
    }
}

impl Reason {
    fn read(mut item: ListItem) -> Self {
        let (correct, text) = marked(&item.text.text);
        let text = text.to_owned();
        Self { text, correct: correct == Some(true), feedback: item.take("feedback").map(|feedback| feedback.text) }
    }
}

impl Sketch {
    /// The word a lesson file has for it.
    fn word(self) -> &'static str {
        Self::ALL.iter().find(|(_, sketch)| *sketch == self).map_or("", |(word, _)| word)
    }
}
