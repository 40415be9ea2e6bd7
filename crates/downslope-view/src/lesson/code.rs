//! What does it look like as a program?

use serde::{Deserialize, Serialize};

use super::body::{Body, Spec, Writer};
use super::lines::{Line, joined};
use super::mark::one_line;
use super::problem::{Problem, quoted};

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

const SPEC: Spec<'_> = Spec { texts: &["language", "caption", "highlight"], lists: &[] };

impl Code {
    pub(super) fn read(line: u64, lines: &[Line<'_>], problems: &mut Vec<Problem>) -> Self {
        let (keys, text) = divided("code", line, lines, problems);
        let mut body = Body::read("code", line, keys, SPEC, problems);
        let text = joined(text.iter().copied());
        let n_lines = text.lines().count();
        if n_lines == 0 && lines.iter().any(|line| line.text == "---") {
            problems.push(Problem::new(line, "code below the line `---`", "none"));
        }
        let mut highlight = Vec::new();
        if let Some(numbers) = body.take("highlight").filter(|numbers| !numbers.text.is_empty()) {
            for number in numbers.text.split(',').map(str::trim) {
                match number.parse() {
                    Ok(number) if (1..=n_lines).contains(&number) => highlight.push(number),
                    _ => {
                        let expected = format!("line numbers from 1 to {n_lines} divided by commas");
                        problems.push(Problem::new(numbers.line, expected, quoted(number)));
                    }
                }
            }
        }
        let language = body.take_text("language").map(|language| one_line(&language));
        Self { language, caption: body.take_text("caption"), highlight, text }
    }

    pub(super) fn write(&self) -> String {
        let mut writer = Writer::default();
        writer.text("language", self.language.as_deref());
        writer.text("caption", self.caption.as_deref());
        let numbers: Vec<String> = self.highlight.iter().map(usize::to_string).collect();
        writer.text("highlight", (!numbers.is_empty()).then(|| numbers.join(", ")).as_deref());
        writer.verbatim(&self.text);
        writer.fenced("code")
    }
}

/// The keys of a block, and what stands as it is below its line `---`.
pub(super) fn divided<'l, 'a>(
    word: &str,
    line: u64,
    lines: &'l [Line<'a>],
    problems: &mut Vec<Problem>,
) -> (&'l [Line<'a>], &'l [Line<'a>]) {
    if let Some(at) = lines.iter().position(|line| line.text == "---") {
        return (&lines[..at], &lines[at + 1..]);
    }
    let expected = format!("a line `---` in this `{word}` block, between its keys and what is shown as it stands");
    problems.push(Problem::new(line, expected, "none"));
    (&[], &[])
}
