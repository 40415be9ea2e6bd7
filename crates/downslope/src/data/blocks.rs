//! Where may a text be cut, and who reads which part?
//!
//! A file is read in blocks of whole rows, so that several threads can work at once and no copy of the whole text is
//! ever kept. A cut is a line end outside quotation marks; as every block begins with a row, which these are can be
//! told from the block alone. Where the cuts lie depends on the text and the size asked for, never on the threads.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use crate::error::{Error, ErrorKind, Result};

/// A text in blocks of whole rows.
pub(super) struct Blocks<R> {
    source: R,
    /// None where quotation marks are characters like any other.
    delimiter: Option<u8>,
    block_bytes: usize,
    /// What has been read behind the last cut.
    rest: Vec<u8>,
    at_end: bool,
}

impl<R: Read> Blocks<R> {
    /// Blocks of about so many bytes, of a text that begins with a row.
    pub(super) fn new(source: R, delimiter: u8, block_bytes: usize) -> Self {
        Self { source, delimiter: Some(delimiter), block_bytes, rest: Vec::new(), at_end: false }
    }

    /// Blocks of about so many bytes, of a text whose rows are its lines.
    pub(super) fn of_lines(source: R, block_bytes: usize) -> Self {
        Self { source, delimiter: None, block_bytes, rest: Vec::new(), at_end: false }
    }

    /// Fills `block` with the next rows; false behind the last. A row that is longer than a block is a block alone.
    pub(super) fn next(&mut self, block: &mut Vec<u8>) -> io::Result<bool> {
        block.clear();
        block.append(&mut self.rest);
        let mut wanted = self.block_bytes;
        while !self.at_end {
            // One byte more than is wanted, so that the end is noticed at the last block.
            let missing = (wanted + 1).saturating_sub(block.len());
            block.reserve_exact(missing);
            self.at_end = self.source.by_ref().take(missing as u64).read_to_end(block)? < missing;
            if !self.at_end
                && let Some(cut) = self.last_row_end(block)
            {
                self.rest.extend_from_slice(&block[cut..]);
                block.truncate(cut);
                break;
            }
            // Twice as much each time, so that a long row is searched only so often.
            wanted = 2 * block.len();
        }
        Ok(!block.is_empty())
    }

    fn last_row_end(&self, block: &[u8]) -> Option<usize> {
        match self.delimiter {
            Some(delimiter) => last_row_end(block, delimiter),
            None => memchr::memrchr(b'\n', block).map(|newline| newline + 1),
        }
    }

    /// Whether there is nothing behind the block given last.
    pub(super) fn at_end(&self) -> bool {
        self.at_end && self.rest.is_empty()
    }

    /// Does the same work on `first` and on every block that follows, on so many threads, and hands on what came of it in
    /// the order of the text, up to the first block that `consume` refuses: then its error is returned.
    ///
    /// `work` gets room of its thread's own to use as it likes. Only so many results wait for those before them.
    pub(super) fn work<Room: Default, T: Send>(
        self,
        first: &[u8],
        n_threads: usize,
        work: impl Fn(&str, &mut Room) -> Result<T> + Sync,
        consume: impl FnMut(Result<T>) -> Result<()> + Send,
    ) -> io::Result<Option<Error>>
    where
        R: Send,
    {
        let work_on = |block: &[u8], room: &mut Room| {
            let text = std::str::from_utf8(block).map_err(|_| ErrorKind::NotUtf8)?;
            work(text, room)
        };
        let n_threads = if self.at_end() { 1 } else { n_threads.max(1) };
        // The blocks, the number of the next, and why no more can be read.
        let shared = Mutex::new((self, 1, Ok(())));
        let results = InOrder::new(consume, 4 * n_threads);
        let work_on_those_that_follow = |room: &mut Room| {
            let mut block = Vec::new();
            loop {
                let number = {
                    let (blocks, next, refusal) = &mut *shared.lock().unwrap_or_else(PoisonError::into_inner);
                    if !results.has_room_for(*next) {
                        break;
                    }
                    match blocks.next(&mut block) {
                        Ok(true) => {}
                        Ok(false) => break,
                        Err(error) => {
                            *refusal = Err(error);
                            results.stop();
                            break;
                        }
                    }
                    *next += 1;
                    *next - 1
                };
                results.give(number, work_on(&block, room));
            }
        };
        std::thread::scope(|scope| {
            for _ in 1..n_threads {
                // Without that thread it only takes longer.
                let _ =
                    std::thread::Builder::new().spawn_scoped(scope, || work_on_those_that_follow(&mut Room::default()));
            }
            let mut room = Room::default();
            results.give(0, work_on(first, &mut room));
            work_on_those_that_follow(&mut room);
        });
        let (_, _, refusal) = shared.into_inner().unwrap_or_else(PoisonError::into_inner);
        refusal.map(|()| results.error())
    }
}

/// Hands on results in the order of their numbers, whoever brings them and when.
struct InOrder<T, C> {
    state: Mutex<Waiting<T, C>>,
    moved_on: Condvar,
    /// So many results may wait for one before them.
    most: usize,
}

struct Waiting<T, C> {
    results: BTreeMap<usize, Result<T>>,
    next: usize,
    consume: C,
    is_over: bool,
    error: Option<Error>,
}

impl<T, C: FnMut(Result<T>) -> Result<()>> InOrder<T, C> {
    fn new(consume: C, most: usize) -> Self {
        let state = Waiting { results: BTreeMap::new(), next: 0, consume, is_over: false, error: None };
        Self { state: Mutex::new(state), moved_on: Condvar::new(), most }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting<T, C>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until the result of a number may wait here; false when no more are wanted.
    fn has_room_for(&self, number: usize) -> bool {
        let mut waiting = self.lock();
        while !waiting.is_over && number > waiting.next + self.most {
            waiting = self.moved_on.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
        !waiting.is_over
    }

    fn give(&self, number: usize, result: Result<T>) {
        let waiting = &mut *self.lock();
        waiting.results.insert(number, result);
        while !waiting.is_over
            && let Some(result) = waiting.results.remove(&waiting.next)
        {
            waiting.next += 1;
            if let Err(error) = (waiting.consume)(result) {
                waiting.error = Some(error);
                waiting.is_over = true;
            }
        }
        self.moved_on.notify_all();
    }

    fn stop(&self) {
        self.lock().is_over = true;
        self.moved_on.notify_all();
    }

    fn error(self) -> Option<Error> {
        self.state.into_inner().unwrap_or_else(PoisonError::into_inner).error
    }
}

/// Behind the last line end of a text that is outside quotation marks; the text begins with a row.
fn last_row_end(text: &[u8], delimiter: u8) -> Option<usize> {
    let mut end = None;
    // From here on there are no quotation marks that matter up to the next one.
    let mut bare = 0;
    let mut line_ends_before = |bare: usize, quote: usize| {
        let span = &text[bare..quote];
        let last = memchr::memrchr(b'\n', span).or_else(|| memchr::memrchr(b'\r', span));
        end = last.map_or(end, |last| Some(bare + last + 1));
    };
    let mut from = 0;
    while let Some(quote) = memchr::memchr(b'"', &text[from..]).map(|distance| from + distance) {
        // A quotation mark amid a field is a character like any other.
        let opens = quote == 0 || [delimiter, b'\n', b'\r'].contains(&text[quote - 1]);
        if !opens {
            from = quote + 1;
            continue;
        }
        line_ends_before(bare, quote);
        let Some(behind) = behind_quoted(text, quote) else { return end };
        (bare, from) = (behind, behind);
    }
    line_ends_before(bare, text.len());
    end
}

/// Behind the quotation mark that closes the one at `open`; none where none does.
pub(super) fn behind_quoted(text: &[u8], open: usize) -> Option<usize> {
    let mut from = open + 1;
    loop {
        let quote = from + memchr::memchr(b'"', &text[from..])?;
        if text.get(quote + 1) != Some(&b'"') {
            return Some(quote + 1);
        }
        from = quote + 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::rows::Rows;
    use crate::random::{Purpose, Stream};

    fn blocks(text: &str, block_bytes: usize) -> Vec<String> {
        let mut blocks = Blocks::new(text.as_bytes(), b',', block_bytes);
        let (mut block, mut all) = (Vec::new(), Vec::new());
        while blocks.next(&mut block).unwrap() {
            all.push(String::from_utf8(block.clone()).unwrap());
        }
        assert!(blocks.at_end());
        all
    }

    /// All fields of all rows; what is open at the end is a field as well.
    fn rows(text: &str) -> Vec<Vec<String>> {
        let (mut rows, mut all) = (Rows::new(text, b','), Vec::new());
        while rows.next_row().is_some() {
            let mut fields = Vec::new();
            loop {
                if rows.field().is_err() {
                    fields.push("open".to_owned());
                    break;
                }
                fields.push(rows.text().to_owned());
                if !rows.next_field() {
                    break;
                }
            }
            let is_open = fields.last().is_some_and(|last| last == "open");
            all.push(fields);
            if is_open {
                break;
            }
        }
        all
    }

    #[test]
    fn cuts_are_between_rows_wherever_they_fall() {
        let pieces =
            ["a", "1", ",", ",", "\"", "\"", "\"\"", "\n", "\n", "\r\n", "\r", "é", "\"x\ny\"", "\n\"z\r\n,\","];
        for number in 0..3000 {
            let mut stream = Stream::new(4, Purpose::Probe, number);
            let n_pieces = stream.below(16);
            let text: String = (0..n_pieces).map(|_| pieces[stream.below(pieces.len() as u32) as usize]).collect();
            let whole = rows(&text);
            for block_bytes in 1..text.len() + 2 {
                let blocks = blocks(&text, block_bytes);
                assert_eq!(blocks.concat(), text, "{block_bytes}");
                let cut: Vec<_> = blocks.iter().flat_map(|block| rows(block)).collect();
                assert_eq!(cut, whole, "{text:?} in {blocks:?}");
            }
        }
    }

    #[test]
    fn blocks_are_as_long_as_asked_for_and_longer_only_for_a_long_row() {
        assert_eq!(blocks("aa\nbb\ncc\n", 6), ["aa\nbb\n", "cc\n"]);
        assert_eq!(blocks("aa\nbb\ncc", 100), ["aa\nbb\ncc"]);
        assert_eq!(blocks("a\n\"bbbb\nbbbb\"\nc\n", 4), ["a\n", "\"bbbb\nbbbb\"\nc\n"]);
        assert_eq!(blocks("aa\rbb\rcc", 4), ["aa\r", "bb\r", "cc"]);
    }

    #[test]
    fn results_come_in_the_order_of_the_text_up_to_the_first_error() {
        let text: String = (0..200).map(|row| row.to_string() + "\n").collect();
        for n_threads in [1, 2, 5] {
            let work = |refused: &'static str| {
                let mut blocks = Blocks::new(text.as_bytes(), b',', 3);
                let mut first = Vec::new();
                assert!(blocks.next(&mut first).unwrap());
                let work = |text: &str, seen: &mut usize| {
                    *seen += 1;
                    if text.lines().any(|line| line >= refused) {
                        Err(ErrorKind::NoRows.into())
                    } else {
                        Ok(text.to_owned())
                    }
                };
                let mut done = String::new();
                let consume = |text: Result<String>| {
                    done.push_str(&text?);
                    Ok(())
                };
                let error = blocks.work(&first, n_threads, work, consume).unwrap();
                (done, error.is_some())
            };
            assert_eq!(work("x"), (text.clone(), false));
            // `60` is the first that stands behind `6` in the order of letters.
            assert_eq!(work("6"), ("0\n1\n2\n3\n4\n5\n".to_owned(), true));
        }
    }

    #[test]
    fn a_source_that_breaks_off_is_an_error() {
        struct Broken(usize);
        impl Read for Broken {
            fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
                self.0 = self.0.checked_sub(1).ok_or_else(|| io::Error::other("gone"))?;
                buffer[0] = b'\n';
                Ok(1)
            }
        }
        for n_threads in [1, 3] {
            let mut blocks = Blocks::new(Broken(20), b',', 4);
            let mut first = Vec::new();
            assert!(blocks.next(&mut first).unwrap());
            let error = blocks.work(&first, n_threads, |_, (): &mut ()| Ok(()), |done| done).unwrap_err();
            assert_eq!(error.to_string(), "gone");
        }
    }
}
