//! Which thing belongs into which box?

use serde::{Deserialize, Serialize};

use super::Experiment;

/// A *Sort Into Boxes* practice.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sort {
    /// Its name within the lesson: `practice/sort`.
    pub id: String,
    /// What is to be done.
    pub prompt: String,
    /// The names of the boxes: two to nine, so that a key places a chip.
    pub boxes: Vec<String>,
    /// What is to be sorted, in the order of the file; who plays it shuffles.
    pub items: Vec<Item>,
}

/// One thing to be sorted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// What the chip says.
    pub text: String,
    /// The box it belongs into, counted from 0.
    #[serde(rename = "box")]
    pub box_index: usize,
    /// Why it belongs there.
    pub reason: Option<String>,
    /// A measurement that shows it.
    pub prove: Option<Experiment>,
}
