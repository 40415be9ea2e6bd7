//! Which thing belongs into which box?

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Experiment;
use super::body::{Body, Spec, Text, Writer};
use super::lines::Line;
use super::mark::one_line;
use super::problem::{Problem, listed, nearest, quoted};

/// The most boxes a practice can have; the first nine have a key each.
pub(super) const MOST_BOXES: usize = 30;

/// A *Sort Into Boxes* practice.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sort {
    /// Its name within the lesson: `practice/sort`.
    pub id: String,
    /// What is to be done.
    pub prompt: String,
    /// The names of the boxes: two to thirty; the first nine have a key each.
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

const SPEC: Spec<'_> = Spec { texts: &["prompt"], lists: &[("boxes", &[]), ("items", &["box", "reason", "prove"])] };

impl Sort {
    pub(super) fn read(line: u64, lines: &[Line<'_>], problems: &mut Vec<Problem>) -> Self {
        let mut body = Body::read("sort", line, lines, SPEC, problems);
        let prompt = body.need("prompt", problems).text;
        let boxes = body.need_list("boxes", problems).into_iter().map(|item| item.text).collect();
        let items = body.need_list("items", problems);
        let names = check_boxes(boxes, problems);
        check_items(items.iter().map(|item| &item.text), problems);
        let items = items.into_iter().map(|mut item| {
            let name = item.take("box");
            let box_index = match &name {
                None => {
                    problems.push(Problem::new(item.text.line, "`box: …` below this item", "none"));
                    None
                }
                Some(name) => find(&one_line(&name.text), &names).or_else(|| {
                    if !name.text.is_empty() && !names.is_empty() {
                        problems.push(no_such_box(name.line, &name.text, &names));
                    }
                    None
                }),
            };
            Item {
                box_index: box_index.unwrap_or(0),
                reason: item.take("reason").map(|reason| reason.text),
                prove: item.take("prove").map(|prove| Experiment::read_line(&prove, problems)),
                text: item.text.text,
            }
        });
        Self { id: String::new(), prompt, items: items.collect(), boxes: names }
    }

    pub(super) fn write(&self) -> String {
        let mut writer = Writer::default();
        writer.text("prompt", Some(&self.prompt));
        writer.list("boxes", &self.boxes, |name, writer| writer.item(name));
        writer.list("items", &self.items, |item, writer| {
            writer.item(&item.text);
            writer.item_text("box", self.boxes.get(item.box_index).map(String::as_str));
            writer.item_text("reason", item.reason.as_deref());
            writer.item_text("prove", item.prove.as_ref().map(Experiment::write_line).as_deref());
        });
        writer.fenced("sort")
    }
}

/// The names of the boxes; it is a problem if they cannot be told apart.
pub(super) fn check_boxes(mut boxes: Vec<Text>, problems: &mut Vec<Problem>) -> Vec<String> {
    if let [only] = &boxes[..] {
        problems.push(Problem::new(only.line, "two boxes or more", "one"));
    }
    if let Some(next) = boxes.get(MOST_BOXES) {
        problems.push(Problem::new(next.line, format!("at most {MOST_BOXES} boxes"), boxes.len().to_string()));
    }
    boxes.truncate(MOST_BOXES);
    for name in &mut boxes {
        name.text = one_line(&name.text);
    }
    check_distinct(boxes.iter(), "every box to have a name of its own", problems);
    boxes.into_iter().map(|name| name.text).collect()
}

/// No item stands twice: it could not be told which of the two is meant.
pub(super) fn check_items<'a>(items: impl Iterator<Item = &'a Text>, problems: &mut Vec<Problem>) {
    check_distinct(items, "every item once", problems);
}

fn check_distinct<'a>(texts: impl Iterator<Item = &'a Text>, expected: &str, problems: &mut Vec<Problem>) {
    let mut seen = BTreeMap::new();
    for Text { line, text } in texts.filter(|text| !text.text.is_empty()) {
        if let Some(first) = seen.get(text.as_str()) {
            problems.push(Problem::new(*line, expected, format!("{} again (first in line {first})", quoted(text))));
        } else {
            seen.insert(text.as_str(), *line);
        }
    }
}

/// The box of a name, whatever its capitals.
pub(super) fn find(name: &str, boxes: &[String]) -> Option<usize> {
    let exactly = boxes.iter().position(|known| known == name);
    exactly.or_else(|| boxes.iter().position(|known| known.to_lowercase() == name.to_lowercase()))
}

fn no_such_box(line: u64, name: &str, boxes: &[String]) -> Problem {
    let names = || boxes.iter().map(String::as_str);
    let problem = Problem::new(line, format!("a box of this practice ({})", listed(names())), quoted(name));
    match nearest(name, names()) {
        Some(near) => problem.hint(format!("did you mean `{near}`?")),
        None => problem,
    }
}
