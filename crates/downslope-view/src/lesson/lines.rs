//! What are the lines of a lesson file, and which of them are no text?

use super::problem::{Problem, nearest, quoted};

/// The largest lesson file that is read.
pub const MOST_BYTES: usize = 1 << 20;

/// The fenced blocks of our Markdown form.
pub(super) const BLOCKS: [&str; 6] = ["question", "experiment", "sort", "choice", "code", "practice"];

/// A line without its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Line<'a> {
    pub(super) number: u64,
    pub(super) text: &'a str,
}

impl Line<'_> {
    pub(super) fn is_blank(self) -> bool {
        self.text.trim().is_empty()
    }

    /// Columns before the first character; a tab goes on to the next fourth.
    pub(super) fn indent(self) -> usize {
        let mut columns = 0;
        for character in self.text.chars() {
            match character {
                ' ' => columns += 1,
                '\t' => columns += 4 - columns % 4,
                _ => break,
            }
        }
        columns
    }
}

/// A part of a file, by what the line structure of Markdown says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    /// A line of text.
    Plain(Line<'a>),
    /// A line of a listing, its fences included.
    Listing(Line<'a>),
    /// One of our blocks.
    Block {
        word: &'static str,
        /// Where its fence opens.
        line: u64,
        /// Its lines; none if it never closes, for then they may be anything.
        body: Option<Vec<Line<'a>>>,
    },
}

/// The text of a file, or what stops it from being one.
pub(super) fn text(bytes: &[u8]) -> Result<&str, Problem> {
    let line_of = |offset: usize| 1 + bytes[..offset].split(|&byte| byte == b'\n').count() as u64 - 1;
    if bytes.len() > MOST_BYTES {
        return Err(Problem::new(1, format!("a lesson of at most {MOST_BYTES} bytes"), "more")
            .hint("divide it into several lessons"));
    }
    let bytes_of_text = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
    let text = std::str::from_utf8(bytes_of_text).map_err(|error| {
        let line = line_of(bytes.len() - bytes_of_text.len() + error.valid_up_to());
        Problem::new(line, "UTF-8 text", "bytes of another encoding")
            .hint("save it as UTF-8, for instance with `iconv -f latin1 -t utf-8`")
    })?;
    let is_foreign = |c: char| (c.is_control() && !"\t\n\r".contains(c)) || "\u{fffe}\u{ffff}".contains(c);
    match text.char_indices().find(|(_, character)| is_foreign(*character)) {
        None => Ok(text),
        Some((offset, character)) => {
            let line = line_of(bytes.len() - bytes_of_text.len() + offset);
            Err(Problem::new(line, "text", format!("the control character U+{:04X}", u32::from(character)))
                .hint("save it as plain text"))
        }
    }
}

/// The lines of a text, whatever ends them, without white space at their ends.
pub(super) fn lines(text: &str) -> Vec<Line<'_>> {
    let unix = text.split('\n').map(|line| line.strip_suffix('\r').unwrap_or(line));
    let lines = unix.flat_map(|line| line.split('\r')).map(str::trim_end);
    lines.zip(1..).map(|(text, number)| Line { number, text }).collect()
}

/// Parts lines into text, listings and our blocks. A fence that never closes is a problem.
pub(super) fn pieces<'a>(lines: &[Line<'a>], problems: &mut Vec<Problem>) -> Vec<Piece<'a>> {
    let mut pieces = Vec::new();
    let mut rest = lines;
    while let [line, after @ ..] = rest {
        let Some(fence) = Fence::opening(line.text) else {
            pieces.push(Piece::Plain(*line));
            rest = after;
            continue;
        };
        let close = after.iter().position(|line| fence.is_closed_by(line.text));
        if close.is_none() {
            problems.push(
                Problem::new(line.number, "a closing fence", "the end of the file")
                    .hint("a block ends in a line of as many ` or ~ as it begins with"),
            );
        }
        let body = &after[..close.unwrap_or(after.len())];
        rest = &after[close.map_or(after.len(), |close| close + 1)..];
        if let Some(word) = BLOCKS.iter().find(|word| **word == fence.word) {
            if !fence.after_word.is_empty() {
                let found = quoted(fence.after_word);
                problems.push(Problem::new(line.number, format!("nothing after `{word}`"), found));
            }
            let body = close.is_some().then(|| body.to_vec());
            pieces.push(Piece::Block { word, line: line.number, body });
        } else {
            if let Some(near) = fence.nearly_a_block() {
                let found = quoted(fence.word);
                let problem = Problem::new(line.number, "a block or a programming language", found);
                problems.push(problem.hint(format!("did you mean `{near}`?")));
            }
            pieces.push(Piece::Listing(*line));
            pieces.extend(after[..after.len() - rest.len()].iter().map(|line| Piece::Listing(*line)));
        }
    }
    pieces
}

/// The line that opens a listing or a block.
struct Fence<'a> {
    mark: char,
    length: usize,
    word: &'a str,
    after_word: &'a str,
}

impl<'a> Fence<'a> {
    fn opening(line: &'a str) -> Option<Self> {
        let text = line.trim_start_matches(' ');
        let mark = text.chars().next().filter(|mark| "`~".contains(*mark))?;
        let info = text.trim_start_matches(mark);
        let length = text.len() - info.len();
        if line.len() - text.len() > 3 || length < 3 || (mark == '`' && info.contains('`')) {
            return None;
        }
        let (word, after_word) = info.trim().split_once(char::is_whitespace).unwrap_or((info.trim(), ""));
        Some(Self { mark, length, word, after_word: after_word.trim() })
    }

    fn is_closed_by(&self, line: &str) -> bool {
        let text = line.trim_start_matches(' ');
        let after = text.trim_start_matches(self.mark);
        line.len() - text.len() <= 3 && text.len() - after.len() >= self.length && after.trim().is_empty()
    }

    /// The block that a word was most likely meant to be; programming languages have short names.
    fn nearly_a_block(&self) -> Option<&'static str> {
        nearest(self.word, BLOCKS).filter(|near| near.len() > 5 || near.eq_ignore_ascii_case(self.word))
    }
}

/// The words of a heading with one or two `#`, and how many.
pub(super) fn heading(line: &str) -> Option<(usize, &str)> {
    let text = line.trim_start_matches(' ');
    let words = text.trim_start_matches('#');
    let level = text.len() - words.len();
    if line.len() - text.len() > 3 || !(1..=2).contains(&level) || !(words.is_empty() || words.starts_with([' ', '\t']))
    {
        return None;
    }
    let mut words = words.trim();
    // `## Like this ##` is the same heading, closed.
    while let Some(shorter) = closed(words) {
        words = shorter;
    }
    Some((level, words))
}

fn closed(words: &str) -> Option<&str> {
    let shorter = words.trim_end_matches('#');
    let is_closed = shorter.len() < words.len() && (shorter.is_empty() || shorter.ends_with(char::is_whitespace));
    is_closed.then(|| shorter.trim_end())
}

/// Lines as one text, without blank lines at either end.
pub(super) fn joined<'a>(lines: impl IntoIterator<Item = Line<'a>>) -> String {
    let lines: Vec<Line<'_>> = lines.into_iter().collect();
    let text = |line: &Line<'_>| !line.is_blank();
    let first = lines.iter().position(text).unwrap_or(0);
    let last = lines.iter().rposition(text).map_or(first, |last| last + 1);
    lines[first..last].iter().map(|line| line.text).collect::<Vec<_>>().join("\n")
}

/// A first line and more lines as one text, without the indentation that those have in common.
pub(super) fn unindented(first: &str, more: &[Line<'_>]) -> String {
    let common = more.iter().filter(|line| !line.is_blank()).map(|line| line.indent()).min().unwrap_or(0);
    let mut text = first.to_owned();
    for line in more {
        text.push('\n');
        if !line.is_blank() {
            text.extend(std::iter::repeat_n(' ', line.indent() - common));
            text.push_str(line.text.trim_start_matches([' ', '\t']));
        }
    }
    text.trim().to_owned()
}
