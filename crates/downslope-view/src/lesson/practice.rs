//! What is a sorting practice of a script made of?

use super::body::Text;
use super::mark::one_line;
use super::problem::{Problem, listed, quoted};
use super::script::{Mark, ORDINALS, unadorned};
use super::sort::{self, Item, Sort};

/// What a sorting practice is made of.
#[derive(Default)]
pub(super) struct Parts {
    pub(super) marks: Vec<Mark>,
    pub(super) prompt: Option<String>,
    pub(super) labels: (u64, Vec<Text>),
    pub(super) categories: (u64, Vec<Text>),
    pub(super) items: (u64, Vec<Text>),
    pub(super) box_items: Vec<(usize, u64, Vec<Text>)>,
}

impl Parts {
    /// The practice, and everything that is wrong with it; `line` is where it begins.
    pub(super) fn into_sort(self, line: u64, problems: &mut Vec<Problem>) -> Sort {
        let has = |mark| self.marks.contains(&mark);
        if self.prompt.is_none() {
            problems.push(Problem::new(line, "`Practice Question` in this practice", "none"));
        }
        let prompt = self.prompt.clone().unwrap_or_default();
        let (boxes, items) = match (has(Mark::Labels), has(Mark::Categories)) {
            (true, true) => {
                let line = self.labels.0.max(self.categories.0);
                problems.push(Problem::new(line, "either `Labels` or `Categories` in a practice", "both"));
                return Sort::default();
            }
            (false, false) => {
                problems.push(Problem::new(line, "`Labels` or `Categories` in this practice", "neither"));
                return Sort::default();
            }
            (true, false) => self.two_boxes(line, problems),
            (false, true) => self.categories(line, problems),
        };
        Sort { id: String::new(), prompt, boxes, items }
    }

    /// `- First Box Label: name`, and below `First Box Items` what belongs into it.
    fn two_boxes(&self, line: u64, problems: &mut Vec<Problem>) -> (Vec<String>, Vec<Item>) {
        if self.marks.contains(&Mark::Items) {
            problems.push(
                Problem::new(self.items.0, "`First Box Items` below `Labels`", "`Items`")
                    .hint("`Items` belong to `Categories`"),
            );
        }
        let mut labels: Vec<(usize, Text)> = Vec::new();
        for label in self.labels.1.iter().filter(|label| !label.text.is_empty()) {
            match box_label(&label.text) {
                Some((index, name)) if !name.is_empty() => {
                    if let Some((_, first)) = labels.iter().find(|(known, _)| *known == index) {
                        let expected = format!("`{} Box Label` once", ORDINALS[index]);
                        problems.push(Problem::new(
                            label.line,
                            expected,
                            format!("it again (first in line {})", first.line),
                        ));
                    }
                    labels.push((index, Text { line: label.line, text: name.to_owned() }));
                }
                _ => {
                    let expected = "a label such as `First Box Label: its name`";
                    problems.push(Problem::new(label.line, expected, quoted(&label.text)));
                }
            }
        }
        labels.sort_by_key(|(index, _)| *index);
        let names = sort::check_boxes(labels.iter().map(|(_, name)| name.clone()).collect(), problems);
        for (index, name) in &labels {
            if !self.marks.contains(&Mark::Items) && !self.box_items.iter().any(|(known, _, _)| known == index) {
                let expected = format!("`{} Box Items` for the box {}", ORDINALS[*index], quoted(&name.text));
                problems.push(Problem::new(line, expected, "none"));
            }
        }
        let mut items = Vec::new();
        for (index, line, texts) in &self.box_items {
            if let Some(box_index) = labels.iter().position(|(known, _)| known == index) {
                items.extend(texts.iter().map(|text| (box_index, text)));
            } else {
                let expected = format!("a `{} Box Label` among the labels", ORDINALS[*index]);
                problems.push(Problem::new(*line, expected, "none"));
            }
        }
        sort::check_items(items.iter().map(|(_, text)| *text), problems);
        let item =
            |(box_index, text): (usize, &Text)| Item { text: text.text.clone(), box_index, reason: None, prove: None };
        (names, items.into_iter().map(item).collect())
    }

    /// A list of names, and `- text: name` for each item.
    fn categories(&self, line: u64, problems: &mut Vec<Problem>) -> (Vec<String>, Vec<Item>) {
        for (index, line, _) in &self.box_items {
            let found = format!("`{} Box Items`", ORDINALS[*index]);
            problems.push(
                Problem::new(*line, "`Items` below `Categories`", found)
                    .hint("boxes with items of their own belong to `Labels`"),
            );
        }
        if !self.marks.contains(&Mark::Items) {
            problems.push(Problem::new(line, "`Items` in this practice", "none"));
        }
        let boxes = sort::check_boxes(self.categories.1.clone(), problems);
        let mut items = Vec::new();
        let mut texts = Vec::new();
        for Text { line, text } in self.items.1.iter().filter(|item| !item.text.is_empty()) {
            match parted(text, &boxes) {
                Some((text, box_index)) => {
                    texts.push(Text { line: *line, text: text.to_owned() });
                    items.push(Item { text: text.to_owned(), box_index, reason: None, prove: None });
                }
                None if boxes.is_empty() => {}
                None => {
                    let expected = format!(
                        "an item that ends in a colon and a category ({})",
                        listed(boxes.iter().map(String::as_str))
                    );
                    problems.push(Problem::new(*line, expected, quoted(text)));
                }
            }
        }
        sort::check_items(texts.iter(), problems);
        (boxes, items)
    }
}

/// The box, counted from 0, and the name in `First Box Label: name`.
fn box_label(text: &str) -> Option<(usize, &str)> {
    let (label, name) = text.split_once(':')?;
    let is = |ordinal: &&str| unadorned(label).eq_ignore_ascii_case(&format!("{ordinal} Box Label"));
    Some((ORDINALS.iter().position(is)?, name.trim()))
}

/// The text and its box, divided at the last colon that a known box follows.
fn parted<'t>(text: &'t str, boxes: &[String]) -> Option<(&'t str, usize)> {
    let longest = boxes.iter().map(String::len).max().unwrap_or(0);
    text.rmatch_indices(':').find_map(|(at, _)| {
        let name = text[at + 1..].trim();
        // Small letters may take more room than capitals, but not much.
        let box_index = (name.len() <= 2 * longest).then(|| sort::find(&one_line(name), boxes))??;
        let text = text[..at].trim_end();
        (!text.is_empty()).then_some((text, box_index))
    })
}
