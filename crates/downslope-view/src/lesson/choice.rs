//! What is asked without an experiment?

use serde::{Deserialize, Serialize};

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
