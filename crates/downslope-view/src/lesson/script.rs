//! What does a plain script say?
//!
//! The form that teachers already have; its grammar is in the documentation of [`super`].

use super::body::Text;
use super::draft::Draft;
use super::lines::{Line, Piece, heading, joined, unindented};
use super::mark::one_line;
use super::practice::Parts;
use super::problem::{Problem, quoted};
use super::sort::Sort;
use super::{Block, Lesson, Question, Unknown};

/// What a line is called, in words, when none is left.
const END: &str = "the end of the file";

pub(super) const ORDINALS: [&str; 9] =
    ["First", "Second", "Third", "Fourth", "Fifth", "Sixth", "Seventh", "Eighth", "Ninth"];

/// A line that means more than it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    Engagement,
    Type,
    Question,
    Labels,
    Categories,
    Items,
    /// The items of a box, counted from 0.
    BoxItems(usize),
}

impl Mark {
    fn of(line: &str) -> Option<Self> {
        let words = unadorned(line);
        let is = |name: &str| words.eq_ignore_ascii_case(name);
        let marks = [
            ("Engagement Message", Self::Engagement),
            ("Type", Self::Type),
            ("Practice Question", Self::Question),
            ("Labels", Self::Labels),
            ("Categories", Self::Categories),
            ("Items", Self::Items),
        ];
        let mark = marks.into_iter().find(|(name, _)| is(name)).map(|(_, mark)| mark);
        mark.or_else(|| ORDINALS.iter().position(|ordinal| is(&format!("{ordinal} Box Items"))).map(Self::BoxItems))
    }
}

/// The words of a heading that may be written `__Type__`, `**Type**`, `Type:` or `Type`.
pub(super) fn unadorned(line: &str) -> &str {
    let words = line.trim();
    let words = words.strip_suffix(':').unwrap_or(words).trim_end();
    let bare = ["__", "**"].iter().find_map(|mark| words.strip_prefix(mark)?.strip_suffix(mark));
    let words = bare.map_or(words, str::trim);
    words.strip_suffix(':').unwrap_or(words).trim_end()
}

/// Whether a line has the look of a heading, `__Type__`.
fn is_adorned(line: &str) -> bool {
    let words = line.trim().trim_end_matches(':');
    words.len() > 4 && words.starts_with("__") && words.ends_with("__")
}

/// Whether a line says that a question follows.
pub(super) fn begins_engagement(line: &str) -> bool {
    Mark::of(line) == Some(Mark::Engagement)
}

/// Whether a file is a plain script: it asks or practises in the way that scripts do.
pub(super) fn is_script(pieces: &[Piece<'_>]) -> bool {
    pieces.iter().any(|piece| match piece {
        Piece::Plain(line) => matches!(Mark::of(line.text), Some(Mark::Engagement | Mark::Type)),
        _ => false,
    })
}

/// Reads the pieces of a plain script, none of which is a block.
pub(super) fn read(pieces: &[Piece<'_>], problems: &mut Vec<Problem>) -> Lesson {
    let lines = pieces.iter().filter_map(|piece| match piece {
        Piece::Plain(line) => Some((*line, true)),
        Piece::Listing(line) => Some((*line, false)),
        Piece::Block { .. } => None,
    });
    let mut reader = Reader { lines: lines.collect(), at: 0, draft: Draft::default(), problems };
    reader.lesson();
    reader.draft.finish(problems)
}

struct Reader<'a, 'p> {
    /// Each line, and whether it is text: a line of a listing means nothing but itself.
    lines: Vec<(Line<'a>, bool)>,
    at: usize,
    draft: Draft<'a>,
    problems: &'p mut Vec<Problem>,
}

impl<'a> Reader<'a, '_> {
    fn lesson(&mut self) {
        while let Some((line, is_text)) = self.peek() {
            self.at += 1;
            let mark = Mark::of(line.text).filter(|_| is_text);
            match (mark, heading(line.text).filter(|_| is_text)) {
                (Some(Mark::Engagement), _) => self.question(line),
                (Some(Mark::Type), _) => self.practice(line),
                (Some(_), _) if is_adorned(line.text) => self.problems.push(
                    Problem::new(line.number, "a practice to begin with `Type`", quoted(line.text))
                        .hint("above it stand a line `Type` and a line `Sort Into Boxes`"),
                ),
                (_, Some((1, title))) if !title.is_empty() && self.draft.is_empty() && !self.draft.has_title() => {
                    self.draft.title(title);
                }
                (_, Some((_, words))) => self.draft.heading(line.number, words, self.problems),
                _ => self.draft.prose(line),
            }
        }
    }

    fn peek(&self) -> Option<(Line<'a>, bool)> {
        self.lines.get(self.at).copied()
    }

    /// Passes over blank lines, and tells how many there were.
    fn skip_blank(&mut self) -> usize {
        let from = self.at;
        while self.peek().is_some_and(|(line, _)| line.is_blank()) {
            self.at += 1;
        }
        self.at - from
    }

    /// The next line with a mark or heading, as it is found where something else was expected.
    fn found(&self) -> String {
        self.peek().map_or_else(|| END.to_owned(), |(line, _)| quoted(line.text))
    }

    /// Whether the next line is text of no further meaning.
    fn is_at_words(&self) -> bool {
        self.peek()
            .is_some_and(|(line, is_text)| !is_text || (Mark::of(line.text).is_none() && heading(line.text).is_none()))
    }

    /// The one line after `Engagement Message` is a question, and closes the step.
    fn question(&mut self, mark: Line<'_>) {
        self.skip_blank();
        match self.peek() {
            Some((line, true)) if self.is_at_words() => {
                self.at += 1;
                let prompt = line.text.trim().to_owned();
                self.draft.block(Block::Question(Question { prompt, ..Question::default() }));
                self.draft.close(self.problems);
            }
            _ => {
                let found = self.found();
                self.problems.push(Problem::new(
                    mark.number,
                    "a question in the line after `Engagement Message`",
                    found,
                ));
            }
        }
    }

    /// A practice closes its step as well.
    fn practice(&mut self, mark: Line<'_>) {
        self.skip_blank();
        let kind = match self.peek() {
            Some((line, true)) if self.is_at_words() && !unadorned(line.text).is_empty() => {
                one_line(unadorned(line.text))
            }
            _ => {
                let found = self.found();
                let problem = Problem::new(mark.number, "the type of the practice in the line after `Type`", found);
                self.problems.push(problem.hint("`Sort Into Boxes` is the type that is played"));
                return;
            }
        };
        self.at += 1;
        let is_sort = ["Sort Into Boxes", "Sort Into Categories"].iter().any(|name| kind.eq_ignore_ascii_case(name));
        let block =
            if is_sort { Block::Sort(self.sort(mark.number)) } else { Block::Unknown(self.unknown(kind, mark)) };
        self.draft.block(block);
        self.draft.close(self.problems);
    }

    /// Lines up to what cannot belong to a practice any more.
    ///
    /// Nothing says where an unknown practice ends. Its parts are a heading with a paragraph or a list below it. If its
    /// `__Type__` is marked, its headings are, and up to the last of them all is its own; if not, a heading is a few words
    /// without a full stop. The first paragraph after that which stands under no heading is prose again.
    fn unknown(&mut self, kind: String, begin: Line<'_>) -> Unknown {
        let is_marked = is_adorned(begin.text);
        let from = self.at;
        let mut is_under_heading = true;
        loop {
            let before = self.at;
            let n_blank = self.skip_blank();
            let Some((line, is_text)) = self.peek() else { break };
            let mut is_heading = is_text
                && (is_adorned(line.text)
                    || (!is_marked && (Mark::of(line.text).is_some() || looks_like_heading(line.text))));
            // A listing is not cut in two.
            let is_in_listing = !is_text && self.at > 0 && !self.lines[self.at - 1].1;
            let goes_on = is_in_listing
                || n_blank == 0
                || is_heading
                || is_under_heading
                || bullet(line.text).is_some()
                || line.indent() > 1;
            if self.is_over(self.at) {
                self.at = before;
                break;
            }
            if !goes_on {
                if let Some(next) = self.next_adorned().filter(|_| is_marked) {
                    (self.at, is_heading) = (next, true);
                } else {
                    self.at = before;
                    break;
                }
            }
            is_under_heading = is_heading;
            self.at += 1;
        }
        let text = joined(self.lines[from..self.at].iter().map(|(line, _)| *line));
        Unknown { kind, line: begin.number, text }
    }

    /// Whether no practice can go on at a line.
    fn is_over(&self, at: usize) -> bool {
        self.lines.get(at).is_none_or(|(line, is_text)| {
            let mark = Mark::of(line.text);
            *is_text && (matches!(mark, Some(Mark::Engagement | Mark::Type)) || heading(line.text).is_some())
        })
    }

    /// The next heading that is marked as such, if nothing ends the practice before it.
    fn next_adorned(&self) -> Option<usize> {
        let is_adorned = |at: &usize| self.lines[*at].1 && is_adorned(self.lines[*at].0.text);
        (self.at..self.lines.len()).take_while(|at| !self.is_over(*at)).find(is_adorned)
    }

    /// The parts of a sorting practice, in any order.
    fn sort(&mut self, line: u64) -> Sort {
        let mut parts = Parts::default();
        loop {
            let from = self.at;
            self.skip_blank();
            let Some((line, is_text)) = self.peek() else { break };
            match Mark::of(line.text).filter(|_| is_text) {
                Some(Mark::Engagement | Mark::Type) => break,
                Some(mark) => {
                    self.at += 1;
                    self.part(line, mark, &mut parts);
                }
                None if is_text && is_adorned(line.text) => {
                    self.at += 1;
                    let expected = "`Practice Question`, `Labels`, `Categories` or `Items` in a practice";
                    self.problems.push(Problem::new(line.number, expected, quoted(line.text)));
                }
                None if parts.marks.is_empty() && is_text && heading(line.text).is_none() => {
                    self.at += 1;
                    let problem = Problem::new(
                        line.number,
                        "`Practice Question` after the type of the practice",
                        quoted(line.text),
                    );
                    parts.prompt.get_or_insert_default();
                    self.problems.push(problem);
                }
                None => {
                    // The practice is over.
                    self.at = from;
                    break;
                }
            }
        }
        parts.into_sort(line, self.problems)
    }

    fn part(&mut self, line: Line<'_>, mark: Mark, parts: &mut Parts) {
        if parts.marks.contains(&mark) {
            self.problems.push(Problem::new(
                line.number,
                format!("{} once in a practice", quoted(unadorned(line.text))),
                "it again",
            ));
        }
        parts.marks.push(mark);
        match mark {
            Mark::Question => {
                let mut lines = Vec::new();
                while let Some((line, is_text)) = self.peek() {
                    if is_text && !line.is_blank() && (!self.is_at_words() || is_adorned(line.text)) {
                        break;
                    }
                    lines.push(line);
                    self.at += 1;
                }
                let text = unindented("", &lines);
                if text.is_empty() {
                    let found = self.found();
                    self.problems.push(Problem::new(line.number, "what to do, below `Practice Question`", found));
                }
                parts.prompt = Some(text);
            }
            Mark::Labels => parts.labels = (line.number, self.list("Labels", line.number)),
            Mark::Categories => parts.categories = (line.number, self.list("Categories", line.number)),
            Mark::Items => parts.items = (line.number, self.list("Items", line.number)),
            Mark::BoxItems(index) => {
                let name = format!("{} Box Items", ORDINALS[index]);
                let items = self.list(&name, line.number);
                parts.box_items.push((index, line.number, items));
            }
            Mark::Engagement | Mark::Type => {}
        }
    }

    /// Lines with a dash. A line indented below one goes on with it.
    fn list(&mut self, name: &str, line: u64) -> Vec<Text> {
        let mut items: Vec<Text> = Vec::new();
        loop {
            let from = self.at;
            let n_blank = self.skip_blank();
            if !self.is_at_words() {
                break;
            }
            let Some((line, is_text)) = self.peek() else { break };
            if is_text && is_adorned(line.text) && bullet(line.text).is_none() {
                break;
            }
            match (bullet(line.text), items.last_mut()) {
                (Some(text), _) => items.push(Text { line: line.number, text: text.to_owned() }),
                (None, Some(item)) if n_blank == 0 && line.indent() > 1 => {
                    item.text.push(' ');
                    item.text.push_str(line.text.trim());
                }
                (None, Some(_)) if n_blank > 0 => {
                    self.at = from;
                    break;
                }
                _ => {
                    let expected = format!("an item of `{name}`: a dash, a space and a text");
                    self.problems.push(Problem::new(line.number, expected, quoted(line.text)));
                }
            }
            self.at += 1;
        }
        for item in items.iter().filter(|item| item.text.is_empty()) {
            self.problems.push(Problem::new(item.line, "a text after the dash", "nothing"));
        }
        if items.is_empty() {
            let found = self.found();
            self.problems.push(Problem::new(line, format!("a list below `{name}`"), found));
        }
        items
    }
}

/// The text behind the dash of a list.
fn bullet(line: &str) -> Option<&str> {
    let text = line.trim_start().strip_prefix(['-', '*', '+', '•'])?;
    (text.is_empty() || text.starts_with(char::is_whitespace)).then(|| text.trim())
}

/// Whether a line of a practice that is not known may be a heading in it.
fn looks_like_heading(line: &str) -> bool {
    let line = line.trim();
    let is_short = line.chars().count() <= 40 && line.split_whitespace().count() <= 5;
    is_adorned(line) || (is_short && bullet(line).is_none() && !line.ends_with(['.', '!', '?', ',', ';', '…']))
}
