//! How does a lesson come together, block by block?

use std::collections::BTreeMap;

use super::lines::{Line, joined};
use super::problem::{Problem, quoted};
use super::{Block, Lesson, Prose, Step};

/// A lesson on its way: the last step is open, and so is its last paragraph.
#[derive(Default)]
pub(super) struct Draft<'a> {
    title: String,
    steps: Vec<Step>,
    /// The heading of the open step and its line; none before the first step.
    open: Option<(u64, String)>,
    blocks: Vec<Block>,
    prose: Vec<Line<'a>>,
}

impl<'a> Draft<'a> {
    /// A line of prose.
    pub(super) fn prose(&mut self, line: Line<'a>) {
        self.prose.push(line);
    }

    /// A block that is no prose.
    pub(super) fn block(&mut self, block: Block) {
        self.close_prose();
        self.blocks.push(block);
    }

    /// Whether anything stands in the lesson so far.
    pub(super) fn is_empty(&self) -> bool {
        self.steps.is_empty()
            && self.open.is_none()
            && self.blocks.is_empty()
            && self.prose.iter().all(|line| line.is_blank())
    }

    /// The title, which comes before all else.
    pub(super) fn title(&mut self, title: &str) {
        title.clone_into(&mut self.title);
    }

    pub(super) fn has_title(&self) -> bool {
        !self.title.is_empty()
    }

    /// A heading: a new step.
    pub(super) fn heading(&mut self, line: u64, heading: &str, problems: &mut Vec<Problem>) {
        self.close(problems);
        self.open = Some((line, heading.to_owned()));
    }

    /// The end of a step. What comes next without a heading is a step without one.
    pub(super) fn close(&mut self, problems: &mut Vec<Problem>) {
        self.close_prose();
        let heading = self.open.take();
        let blocks = std::mem::take(&mut self.blocks);
        if blocks.is_empty() {
            if let Some((line, heading)) = heading {
                let expected = format!("something in the step {}", quoted(&heading));
                problems.push(Problem::new(line, expected, "nothing").hint("`###` makes a heading within a step"));
            }
            return;
        }
        let heading = heading.map(|(_, heading)| heading).unwrap_or_default();
        self.steps.push(Step { id: String::new(), heading, blocks });
    }

    fn close_prose(&mut self) {
        let text = joined(self.prose.drain(..));
        if !text.is_empty() {
            self.blocks.push(Block::Prose(Prose { text }));
        }
    }

    /// The lesson, in which everything has a name.
    pub(super) fn finish(mut self, problems: &mut Vec<Problem>) -> Lesson {
        self.close(problems);
        if self.steps.is_empty() && problems.is_empty() {
            problems.push(Problem::new(1, "a lesson with at least one step", "nothing to read or to do"));
        }
        let mut lesson = Lesson { title: self.title, steps: self.steps };
        let mut names = Names::default();
        for (step, number) in lesson.steps.iter_mut().zip(1..) {
            let slug = slug(&step.heading);
            step.id = names.distinct(&if slug.is_empty() { format!("step-{number}") } else { slug });
            name_blocks(step);
        }
        lesson
    }
}

fn name_blocks(step: &mut Step) {
    let mut names = Names::default();
    for block in &mut step.blocks {
        let mut name = |kind: &str| format!("{}/{}", step.id, names.distinct(kind));
        match block {
            Block::Question(question) => question.id = name("question"),
            Block::Experiment(experiment) => experiment.id = name("experiment"),
            Block::Choice(choice) => choice.id = name("choice"),
            Block::Sort(sort) => {
                sort.id = name("sort");
                for (item, number) in sort.items.iter_mut().zip(1..) {
                    if let Some(prove) = &mut item.prove {
                        prove.id = format!("{}/prove-{number}", sort.id);
                    }
                }
            }
            Block::Prose(_) | Block::Code(_) | Block::Unknown(_) => {}
        }
    }
}

/// Names that have been given, and the number after each at which to look for a free one.
#[derive(Default)]
struct Names(BTreeMap<String, u64>);

impl Names {
    /// The name itself, or with a number after it if it is taken.
    fn distinct(&mut self, name: &str) -> String {
        let mut candidate = name.to_owned();
        while self.0.contains_key(&candidate) {
            let number = self.0.entry(name.to_owned()).or_insert(1);
            *number += 1;
            candidate = format!("{name}-{number}");
        }
        self.0.insert(candidate.clone(), 1);
        candidate
    }
}

/// Letters and digits in small letters, a dash for all between.
fn slug(heading: &str) -> String {
    let mut slug = String::new();
    for character in heading.chars().flat_map(char::to_lowercase) {
        if character.is_alphanumeric() {
            slug.push(character);
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    slug.trim_end_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_words_with_dashes_and_distinct() {
        assert_eq!(slug("What does ∇f cost? 10⁶ rows!"), "what-does-f-cost-10⁶-rows");
        let mut names = Names::default();
        let given: Vec<String> = ["a", "a", "a-2", "a", "b"].map(|name| names.distinct(name)).to_vec();
        assert_eq!(given, ["a", "a-2", "a-2-2", "a-3", "b"]);
    }
}
