//! What do the keys in one of our blocks say?
//!
//! ```text
//! key: a text of one line
//! key:
//!   a text of several lines,
//!   each indented by two spaces or more
//! list:
//! - an item
//!   key: a text that belongs to the item, its key indented by two or three spaces
//! - another item, which goes on
//!     in a line indented deeper
//! ```

use super::lines::{Line, unindented};
use super::problem::{Problem, listed, nearest, quoted};

/// The keys that a block has.
#[derive(Clone, Copy)]
pub(super) struct Spec<'s> {
    /// Keys with a text.
    pub(super) texts: &'s [&'static str],
    /// Keys with a list, and the keys that an item of it can have.
    pub(super) lists: &'s [(&'static str, &'static [&'static str])],
}

/// A text and the line where it begins.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Text {
    pub(super) line: u64,
    pub(super) text: String,
}

/// An item of a list.
#[derive(Debug, Default)]
pub(super) struct ListItem {
    pub(super) text: Text,
    entries: Vec<(&'static str, Text)>,
}

impl ListItem {
    pub(super) fn take(&mut self, key: &str) -> Option<Text> {
        let at = self.entries.iter().position(|(name, _)| *name == key)?;
        Some(self.entries.remove(at).1)
    }
}

/// What the keys of a block say.
#[derive(Debug)]
pub(super) struct Body {
    word: &'static str,
    line: u64,
    texts: Vec<(&'static str, Text)>,
    lists: Vec<(&'static str, u64, Vec<ListItem>)>,
    /// Keys that were most likely meant by others: that they are missing need not be told as well.
    meant: Vec<&'static str>,
}

impl Body {
    /// Reads the lines of a block; `line` is where its fence opens.
    pub(super) fn read(
        word: &'static str,
        line: u64,
        lines: &[Line<'_>],
        spec: Spec<'_>,
        problems: &mut Vec<Problem>,
    ) -> Self {
        let mut reader = Reader {
            body: Self { word, line, texts: Vec::new(), lists: Vec::new(), meant: Vec::new() },
            spec,
            at: At::Nothing,
            text: Open::default(),
            problems,
        };
        for line in lines {
            reader.line(*line);
        }
        reader.close();
        reader.body
    }

    /// The text of a key.
    pub(super) fn take(&mut self, key: &str) -> Option<Text> {
        let at = self.texts.iter().position(|(name, _)| *name == key)?;
        Some(self.texts.remove(at).1)
    }

    /// The text of a key, without its line.
    pub(super) fn take_text(&mut self, key: &str) -> Option<String> {
        self.take(key).map(|text| text.text)
    }

    /// The text of a key that must be there.
    pub(super) fn need(&mut self, key: &str, problems: &mut Vec<Problem>) -> Text {
        self.take(key).unwrap_or_else(|| {
            if !self.meant.contains(&key) {
                problems.push(Problem::new(self.line, format!("`{key}: …` in this `{}` block", self.word), "none"));
            }
            Text::default()
        })
    }

    /// Every text left, with its key.
    pub(super) fn take_rest(&mut self) -> Vec<(&'static str, Text)> {
        std::mem::take(&mut self.texts)
    }

    /// The items of a list.
    pub(super) fn take_list(&mut self, key: &str) -> Vec<ListItem> {
        let at = self.lists.iter().position(|(name, _, _)| *name == key);
        at.map_or_else(Vec::new, |at| self.lists.remove(at).2)
    }

    /// The items of a list that must be there.
    pub(super) fn need_list(&mut self, key: &str, problems: &mut Vec<Problem>) -> Vec<ListItem> {
        if !self.meant.contains(&key) && !self.lists.iter().any(|(name, _, _)| *name == key) {
            problems.push(Problem::new(
                self.line,
                format!("`{key}:` with a list in this `{}` block", self.word),
                "none",
            ));
        }
        self.take_list(key)
    }
}

/// Where the reader stands.
#[derive(Clone, Copy)]
enum At {
    /// Before the first key.
    Nothing,
    /// In something that was refused: what belongs to it is passed over.
    Refused,
    /// In the text of a key.
    Text(&'static str),
    /// In a list, before its first item.
    List(&'static [&'static str]),
    /// In an item whose dash stands in a column.
    Item { keys: &'static [&'static str], column: usize },
    /// In a text of an item, or in a key of it that was refused.
    ItemText { keys: &'static [&'static str], column: usize, key: Option<&'static str> },
}

/// A text that may go on.
#[derive(Default)]
struct Open<'a> {
    line: u64,
    first: &'a str,
    more: Vec<Line<'a>>,
}

struct Reader<'a, 's, 'p> {
    body: Body,
    spec: Spec<'s>,
    at: At,
    text: Open<'a>,
    problems: &'p mut Vec<Problem>,
}

impl<'a> Reader<'a, '_, '_> {
    fn line(&mut self, line: Line<'a>) {
        if line.is_blank() {
            self.text.more.push(line);
            return;
        }
        let indent = line.indent();
        let (dash, key) = (dash(line.text), key(line.text));
        match (self.at, dash, key) {
            (At::List(keys), Some(text), _) => self.item(keys, indent, line, text),
            (At::Item { keys, column } | At::ItemText { keys, column, .. }, Some(text), _) if indent <= column => {
                self.item(keys, indent, line, text);
            }
            (At::Item { keys, column } | At::ItemText { keys, column, .. }, _, Some((key, value)))
                if !keys.is_empty() && (column + 2..column + 4).contains(&indent) =>
            {
                self.item_key(keys, column, line, key, value);
            }
            (At::Item { column, .. } | At::ItemText { column, .. }, _, _) if indent > column + 1 => {
                self.text.more.push(line);
            }
            (At::Text(_) | At::Refused, _, _) if indent > 1 => self.text.more.push(line),
            (At::Refused, Some(_), _) => {}
            (_, _, Some((key, value))) if indent < 2 => self.key(line, key, value),
            _ => self.refuse(line),
        }
    }

    /// A key of the block begins.
    fn key(&mut self, line: Line<'a>, key: &'a str, value: &'a str) {
        self.close();
        self.text = Open { line: line.number, first: value, more: Vec::new() };
        if let Some((key, keys)) = self.spec.lists.iter().find(|(name, _)| *name == key) {
            if let Some((_, first, _)) = self.body.lists.iter().find(|(name, _, _)| name == key) {
                self.problems.push(again(key, line.number, *first));
            }
            if !value.is_empty() {
                let expected = format!("the items of `{key}` in lines of their own, each with a dash");
                self.problems.push(Problem::new(line.number, expected, quoted(value)));
            }
            self.body.lists.push((key, line.number, Vec::new()));
            self.at = At::List(keys);
            return;
        }
        let Some(key) = self.spec.texts.iter().find(|name| **name == key) else {
            let known = || self.spec.texts.iter().copied().chain(self.spec.lists.iter().map(|(name, _)| *name));
            let expected = format!("a key of `{}` ({})", self.body.word, listed(known()));
            let problem = Problem::new(line.number, expected, quoted(key));
            let near = nearest(key, known());
            self.body.meant.extend(near);
            self.problems.push(near.map_or(problem.clone(), |near| problem.hint(format!("did you mean `{near}`?"))));
            self.at = At::Refused;
            return;
        };
        if let Some((_, first)) = self.body.texts.iter().find(|(name, _)| name == key) {
            self.problems.push(again(key, line.number, first.line));
        }
        self.at = At::Text(key);
    }

    /// An item of a list begins.
    fn item(&mut self, keys: &'static [&'static str], column: usize, line: Line<'a>, text: &'a str) {
        if !matches!(self.at, At::List(_)) {
            self.close();
        }
        if let Some((_, _, items)) = self.body.lists.last_mut() {
            items.push(ListItem::default());
        }
        self.text = Open { line: line.number, first: text, more: Vec::new() };
        self.at = At::Item { keys, column };
    }

    /// A key of an item begins.
    fn item_key(&mut self, keys: &'static [&'static str], column: usize, line: Line<'a>, key: &'a str, value: &'a str) {
        self.close();
        self.text = Open { line: line.number, first: value, more: Vec::new() };
        let known = keys.iter().find(|name| **name == key).copied();
        self.at = At::ItemText { keys, column, key: known };
        let Some(known) = known else {
            let expected = format!("a key of an item ({})", listed(keys.iter().copied()));
            let hint = match nearest(key, keys.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "a line that goes on with the text is indented by four spaces more than the dash".to_owned(),
            };
            self.problems.push(Problem::new(line.number, expected, quoted(key)).hint(hint));
            return;
        };
        let first = self
            .last_item()
            .and_then(|item| item.entries.iter().find(|(name, _)| *name == known).map(|(_, text)| text.line));
        self.problems.extend(first.map(|first| again(known, line.number, first)));
    }

    fn last_item(&mut self) -> Option<&mut ListItem> {
        self.body.lists.last_mut().and_then(|(_, _, items)| items.last_mut())
    }

    fn refuse(&mut self, line: Line<'a>) {
        let expected = match self.at {
            At::List(_) => "an item: a dash, a space and a text",
            _ => "`key: value`, or a line indented by two spaces that goes on with the text above",
        };
        self.problems.push(Problem::new(line.number, expected, quoted(line.text)));
    }

    /// What was being read is complete.
    fn close(&mut self) {
        let open = std::mem::take(&mut self.text);
        let text = Text { line: open.line, text: unindented(open.first, &open.more) };
        let empty = |what: String| Problem::new(open.line, what, "nothing");
        match self.at {
            At::Nothing | At::Refused | At::ItemText { key: None, .. } => {}
            At::List(_) if !open.first.is_empty() => {}
            At::List(_) => self.problems.push(empty("items, each in a line with a dash".to_owned())),
            At::Text(key) if text.text.is_empty() => {
                self.problems.push(empty(format!("a text after `{key}:`")));
                // It is there, though it says nothing: that it is missing need not be told as well.
                self.body.texts.push((key, text));
            }
            At::Text(key) => self.body.texts.push((key, text)),
            At::Item { .. } => {
                if text.text.is_empty() {
                    self.problems.push(empty("a text after the dash".to_owned()));
                }
                if let Some(item) = self.last_item() {
                    item.text = text;
                }
            }
            At::ItemText { key: Some(key), .. } => {
                if text.text.is_empty() {
                    self.problems.push(empty(format!("a text after `{key}:`")));
                }
                if let Some(item) = self.last_item() {
                    item.entries.push((key, text));
                }
            }
        }
    }
}

fn again(key: &str, line: u64, first: u64) -> Problem {
    Problem::new(line, format!("`{key}` once"), format!("it again (first in line {first})"))
}

/// The text after a dash.
fn dash(line: &str) -> Option<&str> {
    let text = line.trim_start().strip_prefix('-')?;
    (text.is_empty() || text.starts_with([' ', '\t'])).then(|| text.trim())
}

/// A key and what follows its colon.
fn key(line: &str) -> Option<(&str, &str)> {
    let (key, value) = line.trim_start().split_once(':')?;
    let is_key =
        key.starts_with(|c: char| c.is_ascii_lowercase()) && key.chars().all(|c| c.is_ascii_lowercase() || c == '-');
    (is_key && (value.is_empty() || value.starts_with([' ', '\t']))).then(|| (key, value.trim()))
}

/// What is written into a block: keys with their texts, and lists.
#[derive(Default)]
pub(super) struct Writer {
    lines: Vec<String>,
}

impl Writer {
    /// A key and its text, if there is one.
    pub(super) fn text(&mut self, key: &str, text: Option<&str>) {
        self.indented(key, text, 0);
    }

    /// A list, if it has items; each writes what belongs to it.
    pub(super) fn list<T>(&mut self, key: &str, items: &[T], write: impl Fn(&T, &mut Self)) {
        if !items.is_empty() {
            self.lines.push(format!("{key}:"));
        }
        for item in items {
            write(item, self);
        }
    }

    /// An item of a list.
    pub(super) fn item(&mut self, text: &str) {
        let (first, more) = text.split_once('\n').unwrap_or((text, ""));
        if more.lines().all(|line| line.is_empty() || line.starts_with(' ')) && !more.is_empty() {
            // Lines that are all indented would lose it, were the first not among them.
            self.lines.push("-".to_owned());
            self.lines.push(indented(first, 4));
        } else {
            self.lines.push(format!("- {first}"));
        }
        self.lines.extend(more.lines().map(|line| indented(line, 4)));
    }

    /// A key of an item and its text, if there is one.
    pub(super) fn item_text(&mut self, key: &str, text: Option<&str>) {
        self.indented(key, text, 2);
    }

    fn indented(&mut self, key: &str, text: Option<&str>, by: usize) {
        let Some(text) = text else { return };
        let indent = " ".repeat(by);
        if text.contains('\n') {
            self.lines.push(format!("{indent}{key}:"));
            self.lines.extend(text.lines().map(|line| indented(line, by + 2)));
        } else {
            self.lines.push(format!("{indent}{key}: {text}"));
        }
    }

    /// A line `---` and then a text as it is.
    pub(super) fn verbatim(&mut self, text: &str) {
        self.lines.push("---".to_owned());
        self.lines.extend(text.lines().map(str::to_owned));
    }

    /// The block, in a fence that nothing in it closes.
    pub(super) fn fenced(&self, word: &str) -> String {
        let runs = self.lines.iter().map(|line| line.chars().take_while(|&c| c == ' ').count()).zip(&self.lines);
        let longest = runs.map(|(indent, line)| line[indent..].chars().take_while(|&c| c == '`').count()).max();
        let fence = "`".repeat(longest.map_or(3, |longest| (longest + 1).max(3)));
        format!("{fence}{word}\n{}\n{fence}\n", self.lines.join("\n"))
    }
}

fn indented(line: &str, by: usize) -> String {
    if line.is_empty() { String::new() } else { format!("{}{line}", " ".repeat(by)) }
}
