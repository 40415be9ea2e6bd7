//! How does GIFT write it?
//!
//! Format: the documentation of Moodle, "GIFT format". Texts are HTML (`[html]`), so that Markdown and formulas survive.

use super::{Answer, Asked, Quiz, reasons, worth};

pub(super) fn write(quiz: &mut Quiz) -> String {
    let mut out = format!("$CATEGORY: $course$/top/{}\n", escaped(&quiz.title).replace('/', "//"));
    for asked in &quiz.asked {
        out.push('\n');
        out.push_str(&match asked {
            Asked::Read { name, text } => head(name, text) + "\n",
            Asked::Pick { name, text, answers, after } => {
                let answers: String = answers.iter().map(|answer| line(answer, answers)).collect();
                head(name, text) + "{\n" + &answers + &general(after) + "}\n"
            }
            Asked::Match { name, text, pairs } => {
                // Only the first arrow of a line divides it.
                let arrow = |text: &str| escaped(text).replace("->", "-&gt;");
                let lines = pairs.iter().map(|pair| format!("={} -> {}\n", arrow(&pair.text), escaped(&pair.home)));
                head(name, text) + "{\n" + &lines.collect::<String>() + &general(&reasons(pairs)) + "}\n"
            }
            Asked::Open { name, text, after } => head(name, text) + "{" + general(after).trim_end() + "}\n",
        });
    }
    out
}

fn head(name: &str, text: &str) -> String {
    format!("::{}::[html]{} ", escaped(name), escaped(text))
}

fn line(answer: &Answer, all: &[Answer]) -> String {
    let is_single = all.iter().filter(|answer| answer.correct).count() == 1;
    let mark = match (is_single, answer.correct) {
        (true, true) => "=".to_owned(),
        (true, false) => "~".to_owned(),
        (false, true) => format!("~%{}%", worth(all)),
        (false, false) => "~%-100%".to_owned(),
    };
    let feedback = if answer.feedback.is_empty() { String::new() } else { format!("#{}", escaped(&answer.feedback)) };
    // A number between percent signs at the beginning would be a weight.
    let text = match answer.text.strip_prefix('%') {
        Some(rest) => format!("&percnt;{rest}"),
        None => answer.text.clone(),
    };
    format!("{mark}{}{feedback}\n", escaped(&text))
}

fn general(after: &str) -> String {
    if after.is_empty() { String::new() } else { format!("####{}\n", escaped(after)) }
}

/// A text in which nothing but itself is meant.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for character in text.chars() {
        match character {
            '\n' => out.push_str("\\n"),
            '\\' | '~' | '=' | '#' | '{' | '}' | ':' => out.extend(['\\', character]),
            _ => out.push(character),
        }
    }
    out
}
