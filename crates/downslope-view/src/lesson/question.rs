//! What is asked before an experiment, and what is said after it?

use serde::{Deserialize, Serialize};

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
