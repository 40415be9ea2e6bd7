//! What is wrong with a lesson file, and where?
//!
//! All problems of a file are told at once, each with its line, what was expected and what was found.

use std::fmt;

/// Problems that are told; a file with more has most likely one cause.
const MOST_TOLD: usize = 50;

/// Characters of a line that a message repeats.
const LONGEST_QUOTE: usize = 60;

/// One thing wrong with a lesson file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The line, counted from 1.
    pub line: u64,
    /// What would be accepted.
    pub expected: String,
    /// What stands there.
    pub found: String,
    /// What may help.
    pub hint: Option<String>,
}

impl Problem {
    /// A line, what it should hold and what it holds.
    pub fn new(line: u64, expected: impl Into<String>, found: impl Into<String>) -> Self {
        Self { line, expected: expected.into(), found: found.into(), hint: None }
    }

    /// The same with advice.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// Everything wrong with a lesson file, in the order of its lines.
///
/// `Display` writes one line a problem, ``lesson.md:12: expected …, found …``, and below it `hint: …` where there is one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problems {
    source: String,
    list: Vec<Problem>,
}

impl Problems {
    pub(super) fn new(source: &str, mut list: Vec<Problem>) -> Self {
        list.sort_by_key(|problem| problem.line);
        Self { source: source.to_owned(), list }
    }

    /// The file, or what stands for it.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Each problem; at least one.
    pub fn list(&self) -> &[Problem] {
        &self.list
    }
}

impl std::error::Error for Problems {}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, Problem { line, expected, found, hint }) in self.list.iter().take(MOST_TOLD).enumerate() {
            if i > 0 {
                writeln!(f)?;
            }
            write!(f, "{}:{line}: expected {expected}, found {found}", self.source)?;
            if let Some(hint) = hint {
                write!(f, "\nhint: {hint}")?;
            }
        }
        match self.list.len().saturating_sub(MOST_TOLD) {
            0 => Ok(()),
            more => write!(f, "\n{}: and {more} more", self.source),
        }
    }
}

/// A piece of the file as a message repeats it: in backquotes, one line, not too long.
pub(super) fn quoted(text: &str) -> String {
    let mut line = text.trim().lines();
    let first = line.next().unwrap_or_default();
    let mut short: String = first.chars().take(LONGEST_QUOTE).collect();
    if short.len() < first.len() || line.next().is_some() {
        short.push('…');
    }
    format!("`{short}`")
}

/// Names as a message lists them: `` `a`, `b` or `c` ``.
pub(super) fn listed<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let names: Vec<String> = names.into_iter().map(quoted).collect();
    match names.as_slice() {
        [] => "nothing".to_owned(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    }
}

/// The name most like a word, if any is near enough to have been meant.
pub(super) fn nearest<'a>(word: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // The distance takes time by the product of the lengths, and no name is that long.
    if word.chars().count() > 60 {
        return None;
    }
    let word = word.to_lowercase();
    let distance = |name: &str| strsim::damerau_levenshtein(&word, &name.to_lowercase());
    let near = names.into_iter().map(|name| (distance(name), name));
    near.filter(|(distance, name)| distance * 3 <= name.chars().count())
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}
