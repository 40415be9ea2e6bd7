//! How does Moodle's XML write it?
//!
//! Format: the documentation of Moodle, "Moodle XML format".

use std::fmt::Write;

use super::super::html::escaped;
use super::{Asked, Quiz, reasons, worth};

/// Right answers that can share the worth of a question: Moodle knows no smaller share than a tenth of it (but a twentieth).
const MOST_RIGHT: usize = 10;

pub(super) fn write(quiz: &mut Quiz) -> String {
    let mut out = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<quiz>\n".to_owned();
    let category = format!("$course$/top/{}", quiz.title.replace('/', "//"));
    let _ = writeln!(
        out,
        "<question type=\"category\"><category><text>{}</text></category></question>",
        escaped(&category)
    );
    let mut too_many = Vec::new();
    for asked in &quiz.asked {
        match asked {
            Asked::Read { name, text } => question(&mut out, "description", name, text, "", ""),
            Asked::Pick { name, answers, .. }
                if answers.iter().filter(|answer| answer.correct).count() > MOST_RIGHT =>
            {
                too_many.push(name.clone());
            }
            Asked::Pick { name, text, answers, after } => {
                let is_single = answers.iter().filter(|answer| answer.correct).count() == 1;
                let mut rest = format!(
                    "<defaultgrade>1</defaultgrade>\n<single>{is_single}</single>\n<shuffleanswers>true</shuffleanswers>\n<answernumbering>none</answernumbering>\n"
                );
                for answer in answers {
                    let fraction = match (answer.correct, is_single) {
                        (true, _) => worth(answers),
                        (false, true) => "0".to_owned(),
                        (false, false) => "-100".to_owned(),
                    };
                    let _ = writeln!(
                        rest,
                        "<answer fraction=\"{fraction}\" format=\"html\">{}<feedback format=\"html\">{}</feedback></answer>",
                        text_of(&answer.text),
                        text_of(&answer.feedback)
                    );
                }
                question(&mut out, "multichoice", name, text, after, &rest);
            }
            Asked::Match { name, text, pairs } => {
                let mut rest =
                    format!("<defaultgrade>{}</defaultgrade>\n<shuffleanswers>true</shuffleanswers>\n", pairs.len());
                for pair in pairs {
                    let (item, home) = (text_of(&pair.text), text_of(&pair.home));
                    let _ = writeln!(rest, "<subquestion format=\"html\">{item}<answer>{home}</answer></subquestion>");
                }
                question(&mut out, "matching", name, text, &reasons(pairs), &rest);
            }
            Asked::Open { name, text, after } => {
                let rest = "<defaultgrade>1</defaultgrade>\n<responseformat>plain</responseformat>\n<answer fraction=\"0\"><text></text></answer>\n";
                question(&mut out, "essay", name, text, after, rest);
            }
        }
    }
    for name in too_many {
        quiz.leave_out("question with more than ten right answers", &name);
    }
    out + "</quiz>\n"
}

fn question(out: &mut String, kind: &str, name: &str, text: &str, after: &str, rest: &str) {
    let _ = write!(
        out,
        "<question type=\"{kind}\">\n<name>{}</name>\n<questiontext format=\"html\">{}</questiontext>\n<generalfeedback format=\"html\">{}</generalfeedback>\n{rest}</question>\n",
        text_of(name),
        text_of(text),
        text_of(after)
    );
}

/// HTML within XML is text.
fn text_of(html: &str) -> String {
    format!("<text>{}</text>", escaped(html))
}
