//! How does a lesson get into a quiz or a pile of cards?
//!
//! Each format carries what it can and says what it could not. A lesson becomes what a quiz can ask first;
//! one file a format writes that down.

mod anki;
mod gift;
mod moodle;

use std::collections::BTreeMap;
use std::str::FromStr;

use super::html::{Math, block, escaped, flow, plain};
use super::{Block, Lesson, Question, Sort};

/// A format that other programs read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// GIFT, which Moodle and others read.
    Gift,
    /// Moodle's XML.
    MoodleXml,
    /// Cards for Anki, fields divided by tabs.
    AnkiTsv,
}

impl FromStr for Format {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        match name {
            "gift" => Ok(Self::Gift),
            "moodle-xml" => Ok(Self::MoodleXml),
            "anki-tsv" => Ok(Self::AnkiTsv),
            _ => Err("expected gift, moodle-xml or anki-tsv".to_owned()),
        }
    }
}

/// A lesson in another format.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exported {
    /// The file.
    pub text: String,
    /// What the format could not carry, in words: `3 experiments (the-mountain/experiment, …)`.
    pub left_out: Vec<String>,
}

/// Writes a lesson in a format.
pub fn export(lesson: &Lesson, format: Format) -> Exported {
    let mut quiz = Quiz::of(lesson);
    let text = match format {
        Format::Gift => gift::write(&mut quiz),
        Format::MoodleXml => moodle::write(&mut quiz),
        Format::AnkiTsv => anki::write(&mut quiz),
    };
    Exported { text, left_out: quiz.left_out() }
}

/// What a quiz can ask, every text as HTML with formulas in TeX.
#[derive(Debug)]
enum Asked {
    /// Something to read.
    Read { name: String, text: String },
    /// Some of several answers.
    Pick { name: String, text: String, answers: Vec<Answer>, after: String },
    /// Which belongs to which.
    Match { name: String, text: String, pairs: Vec<Pair> },
    /// An answer in one's own words.
    Open { name: String, text: String, after: String },
}

#[derive(Debug)]
struct Answer {
    text: String,
    correct: bool,
    feedback: String,
}

#[derive(Debug)]
struct Pair {
    text: String,
    /// The name of the box, without tags.
    home: String,
    reason: String,
}

/// A lesson as a quiz, and what found no room in it.
#[derive(Debug)]
struct Quiz {
    title: String,
    asked: Vec<Asked>,
    /// By kind in the singular, where.
    missing: BTreeMap<&'static str, Vec<String>>,
}

impl Quiz {
    fn of(lesson: &Lesson) -> Self {
        let title = if lesson.title.is_empty() { "Lesson".to_owned() } else { plain(&lesson.title) };
        let mut quiz = Self { title, asked: Vec::new(), missing: BTreeMap::new() };
        for step in &lesson.steps {
            for (place, part) in step.blocks.iter().enumerate() {
                let place = format!("{}/{}", step.id, place + 1);
                match part {
                    Block::Prose(prose) => {
                        // The heading goes with the first thing to read.
                        let is_first = matches!(step.blocks.first(), Some(first) if first == part);
                        let heading = if is_first && !step.heading.is_empty() {
                            format!("<h3>{}</h3>\n", flow(&step.heading, Math::Tex))
                        } else {
                            String::new()
                        };
                        let text = heading + &block(&prose.text, Math::Tex);
                        quiz.asked.push(Asked::Read { name: place, text });
                    }
                    Block::Question(question) => quiz.question(question),
                    Block::Experiment(experiment) => quiz.leave_out("experiment", &experiment.id),
                    Block::Choice(choice) => quiz.asked.push(Asked::Pick {
                        name: choice.id.clone(),
                        text: flow(&choice.prompt, Math::Tex),
                        answers: choice
                            .options
                            .iter()
                            .map(|option| answer(&option.text, option.correct, option.feedback.as_deref()))
                            .collect(),
                        after: choice.reveal.as_deref().map_or_else(String::new, |text| flow(text, Math::Tex)),
                    }),
                    Block::Sort(sort) => quiz.sort(sort),
                    Block::Code(code) => {
                        let caption =
                            code.caption.as_deref().map_or_else(String::new, |text| block(text, Math::Tex) + "\n");
                        let text = format!("{caption}<pre><code>{}</code></pre>", escaped(&code.text));
                        quiz.asked.push(Asked::Read { name: place, text });
                    }
                    Block::Unknown(practice) => {
                        quiz.leave_out("practice of an unknown kind", &format!("{place}, `{}`", practice.kind));
                    }
                }
            }
        }
        quiz
    }

    fn question(&mut self, question: &Question) {
        let prompt = flow(&question.prompt, Math::Tex);
        let after = after(question);
        let is_judged = question.options.iter().any(|option| option.correct == Some(true));
        if question.options.iter().any(|option| option.sketch.is_some()) {
            self.leave_out("sketch of a curve", &question.id);
        }
        if is_judged {
            let options = question.options.iter();
            let answers = options
                .map(|option| answer(&option.text, option.correct == Some(true), option.feedback.as_deref()))
                .collect();
            self.asked.push(Asked::Pick { name: question.id.clone(), text: prompt, answers, after: after.clone() });
        } else {
            if !question.options.is_empty() || question.unit.is_some() {
                self.leave_out("answer that an experiment gives", &question.id);
            }
            let unit = question.unit.as_deref().map_or_else(String::new, |unit| format!(" ({})", escaped(unit)));
            let options: Vec<String> = question.options.iter().map(|option| flow(&option.text, Math::Tex)).collect();
            let text = prompt.clone() + &unit + &listed(&options);
            self.asked.push(Asked::Open { name: question.id.clone(), text, after: after.clone() });
        }
        if !question.reasons.is_empty() {
            let reasons = question.reasons.iter();
            self.asked.push(Asked::Pick {
                name: format!("{}/why", question.id),
                text: format!("{} <em>Why?</em>", flow(&question.prompt, Math::Tex)),
                answers: reasons
                    .map(|reason| answer(&reason.text, reason.correct, reason.feedback.as_deref()))
                    .collect(),
                after,
            });
        }
        if question.own_words.is_some() {
            self.leave_out("invitation to use one's own words", &question.id);
        }
    }

    fn sort(&mut self, sort: &Sort) {
        let mut pairs = Vec::new();
        for item in &sort.items {
            pairs.push(Pair {
                text: flow(&item.text, Math::Tex),
                home: sort.boxes.get(item.box_index).map_or_else(String::new, |name| plain(name)),
                reason: item.reason.as_deref().map_or_else(String::new, |reason| flow(reason, Math::Tex)),
            });
            if let Some(prove) = &item.prove {
                self.leave_out("proof by measurement", &prove.id);
            }
        }
        self.asked.push(Asked::Match { name: sort.id.clone(), text: flow(&sort.prompt, Math::Tex), pairs });
    }

    fn leave_out(&mut self, what: &'static str, place: &str) {
        self.missing.entry(what).or_default().push(place.to_owned());
    }

    fn left_out(&self) -> Vec<String> {
        let said = |(what, places): (&&str, &Vec<String>)| match places.len() {
            1 => format!("1 {what} ({})", places[0]),
            n => format!("{n} {} ({})", plural(what), places.join(", ")),
        };
        self.missing.iter().map(said).collect()
    }
}

/// `sketch of a curve` becomes `sketches of a curve`.
fn plural(what: &str) -> String {
    let (noun, rest) = what.split_once(' ').unwrap_or((what, ""));
    let noun = if noun.ends_with("ch") { format!("{noun}es") } else { format!("{noun}s") };
    format!("{noun} {rest}").trim_end().to_owned()
}

fn answer(text: &str, correct: bool, feedback: Option<&str>) -> Answer {
    let feedback = feedback.map_or_else(String::new, |feedback| flow(feedback, Math::Tex));
    Answer { text: flow(text, Math::Tex), correct, feedback }
}

/// What is told when a question has been answered.
fn after(question: &Question) -> String {
    let reveal = question.reveal.as_deref().map_or_else(String::new, |reveal| block(reveal, Math::Tex));
    let ticks: Vec<String> = question.ticks.iter().map(|tick| flow(tick, Math::Tex)).collect();
    reveal + &listed(&ticks)
}

fn listed(items: &[String]) -> String {
    if items.is_empty() {
        return String::new();
    }
    format!("<ul><li>{}</li></ul>", items.join("</li><li>"))
}

/// Why each thing belongs where it does.
fn reasons(pairs: &[Pair]) -> String {
    let told = pairs.iter().filter(|pair| !pair.reason.is_empty());
    listed(&told.map(|pair| format!("{}: {}", pair.text, pair.reason)).collect::<Vec<_>>())
}

/// What each right answer is worth, in hundredths, where all of them together are worth 100.
fn worth(answers: &[Answer]) -> String {
    let n_right = answers.iter().filter(|answer| answer.correct).count().max(1);
    let worth = format!("{:.5}", 100.0 / n_right as f64);
    worth.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests;
