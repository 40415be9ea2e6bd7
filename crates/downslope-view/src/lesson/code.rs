//! What does it look like as a program?

use serde::{Deserialize, Serialize};

/// A listing of a program.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Code {
    /// The programming language, for colouring: `python`.
    pub language: Option<String>,
    /// What is said about it.
    pub caption: Option<String>,
    /// Lines to point out, counted from 1.
    pub highlight: Vec<usize>,
    /// The program, exactly.
    pub text: String,
}
