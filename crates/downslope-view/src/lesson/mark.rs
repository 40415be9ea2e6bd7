//! Which answers are right?
//!
//! `[x]` before an answer says that it is right, `[ ]` that it is not.

use super::body::ListItem;
use super::problem::{Problem, quoted};

/// What the mark says, and the text behind it.
pub(super) fn marked(text: &str) -> (Option<bool>, &str) {
    let marks = [("[x]", true), ("[X]", true), ("[ ]", false), ("[]", false)];
    for (mark, correct) in marks {
        // `[x](…)` is a link.
        if let Some(rest) =
            text.strip_prefix(mark).filter(|rest| rest.is_empty() || rest.starts_with(char::is_whitespace))
        {
            return (Some(correct), rest.trim_start());
        }
    }
    (None, text)
}

/// A text with its mark.
pub(super) fn with_mark(correct: Option<bool>, text: &str) -> String {
    match correct {
        Some(true) => format!("[x] {text}"),
        Some(false) => format!("[ ] {text}"),
        None => text.to_owned(),
    }
}

/// Two answers or more, a mark and a text in each, and a right one among them.
pub(super) fn check_marks(list: &str, items: &[ListItem], problems: &mut Vec<Problem>) {
    let Some(first) = items.first() else { return };
    if items.len() == 1 {
        problems.push(Problem::new(first.text.line, format!("two or more `{list}`"), "one"));
    }
    for item in items {
        match marked(&item.text.text) {
            (None, text) if !text.is_empty() => {
                problems.push(Problem::new(item.text.line, "`[x]` or `[ ]` before the text", quoted(text)));
            }
            (Some(_), "") => problems.push(Problem::new(item.text.line, "a text after the mark", "nothing")),
            _ => {}
        }
    }
    if !items.iter().any(|item| marked(&item.text.text).0 == Some(true)) {
        let expected = format!("a right one among the `{list}`, marked `[x]`");
        problems.push(Problem::new(first.text.line, expected, "none"));
    }
}

/// A text in one line.
pub(super) fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
