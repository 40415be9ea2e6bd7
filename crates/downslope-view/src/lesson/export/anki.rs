//! How does a pile of Anki cards write it?
//!
//! Format: Anki's manual, "Importing text files": lines with `#` say how to read the rest, fields are divided by tabs.
//! Every field is quoted, so that none is taken for a comment or for the beginning of a quotation.

use super::{Asked, Quiz, listed};

pub(super) fn write(quiz: &mut Quiz) -> String {
    let mut cards: Vec<(String, String, &str)> = Vec::new();
    let mut without_answer = Vec::new();
    let mut to_read = Vec::new();
    for asked in &quiz.asked {
        match asked {
            Asked::Read { name, .. } => to_read.push(name.clone()),
            Asked::Pick { name, text, answers, after } => {
                let all: Vec<String> = answers.iter().map(|answer| answer.text.clone()).collect();
                let right: Vec<String> = answers
                    .iter()
                    .filter(|answer| answer.correct)
                    .map(|answer| {
                        if answer.feedback.is_empty() {
                            answer.text.clone()
                        } else {
                            format!("{}<br>{}", answer.text, answer.feedback)
                        }
                    })
                    .collect();
                cards.push((text.clone() + &listed(&all), listed(&right) + after, name));
            }
            Asked::Match { name, text, pairs } => {
                let mut boxes: Vec<String> = Vec::new();
                for pair in pairs {
                    let home = super::escaped(&pair.home);
                    if !boxes.contains(&home) {
                        boxes.push(home);
                    }
                }
                cards.extend(pairs.iter().map(|pair| {
                    let front = format!("{text}<br><b>{}</b>{}", pair.text, listed(&boxes));
                    let reason = if pair.reason.is_empty() { String::new() } else { format!("<br>{}", pair.reason) };
                    (front, format!("<b>{}</b>{reason}", super::escaped(&pair.home)), name.as_str())
                }));
            }
            Asked::Open { name, after, .. } if after.is_empty() => without_answer.push(name.clone()),
            Asked::Open { name, text, after } => cards.push((text.clone(), after.clone(), name)),
        }
    }
    let mut out =
        format!("#separator:tab\n#html:true\n#deck:{}\n#columns:Front\tBack\tTags\n#tags column:3\n", quiz.title);
    for (front, back, name) in cards {
        let step = name.split('/').next().unwrap_or_default();
        out.push_str(&[field(&front), field(&back), field(step)].join("\t"));
        out.push('\n');
    }
    for name in without_answer {
        quiz.leave_out("question without an answer to put on a card", &name);
    }
    for name in to_read {
        quiz.leave_out("text to read", &name);
    }
    out
}

/// A field in one line, in which a tab is a space.
fn field(html: &str) -> String {
    // In a listing every line end counts.
    let mut out = String::new();
    for (i, part) in html.split("<pre>").enumerate() {
        let (listing, rest) = if i == 0 { ("", part) } else { part.split_once("</pre>").unwrap_or((part, "")) };
        if i > 0 {
            out.extend(["<pre>", &listing.replace('\n', "<br>"), "</pre>"]);
        }
        out.push_str(&rest.replace('\n', " "));
    }
    format!("\"{}\"", out.replace('\t', " ").replace('"', "\"\""))
}
