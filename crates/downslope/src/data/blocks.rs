//! Where may a text be cut, and who reads which part?
//!
//! A file is read in blocks of whole rows, so that several threads can work at once and no copy of the whole text is
//! ever kept. A cut is a line end outside quotation marks; as every block begins with a row, which these are can be
//! told from the block alone. Where the cuts lie depends on the text and the size asked for, never on the threads.

use std::io::{self, Read};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::error::{Error, ErrorKind, Result};

/// A text in blocks of whole rows.
pub(super) struct Blocks<R> {
    source: R,
    delimiter: u8,
    block_bytes: usize,
    /// What has been read behind the last cut.
    rest: Vec<u8>,
    at_end: bool,
}

impl<R: Read> Blocks<R> {
    /// Blocks of about so many bytes, of a text that begins with a row.
    pub(super) fn new(source: R, delimiter: u8, block_bytes: usize) -> Self {
        Self { source, delimiter, block_bytes, rest: Vec::new(), at_end: false }
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
                && let Some(cut) = last_row_end(block, self.delimiter)
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

    /// Whether there is nothing behind the block given last.
    pub(super) fn at_end(&self) -> bool {
        self.at_end && self.rest.is_empty()
    }

    /// Does the same work on `first` and on every block that follows, on so many threads, and gives what came of it in
    /// the order of the text: everything up to the first block that failed, and its error.
    ///
    /// `work` gets room of its thread's own to use as it likes.
    pub(super) fn work<Room: Default, T: Send>(
        self,
        first: &[u8],
        n_threads: usize,
        work: impl Fn(&str, &mut Room) -> Result<T> + Sync,
    ) -> io::Result<(Vec<T>, Option<Error>)>
    where
        R: Send,
    {
        let work_on = |block: &[u8], room: &mut Room| {
            let text = std::str::from_utf8(block).map_err(|_| ErrorKind::NotUtf8)?;
            work(text, room)
        };
        let n_threads = if self.at_end() { 1 } else { n_threads.max(1) };
        let is_over = AtomicBool::new(false);
        // The blocks, the number of the next, and why no more can be read.
        let shared = Mutex::new((self, 1, Ok(())));
        let done = Mutex::new(Vec::new());
        let keep = |number: usize, result: Result<T>| {
            is_over.fetch_or(result.is_err(), Ordering::Relaxed);
            done.lock().unwrap_or_else(PoisonError::into_inner).push((number, result));
        };
        let work_on_those_that_follow = |room: &mut Room| {
            let mut block = Vec::new();
            while !is_over.load(Ordering::Relaxed) {
                let number = {
                    let (blocks, next, refusal) = &mut *shared.lock().unwrap_or_else(PoisonError::into_inner);
                    match blocks.next(&mut block) {
                        Ok(true) => {}
                        Ok(false) => break,
                        Err(error) => {
                            is_over.store(true, Ordering::Relaxed);
                            *refusal = Err(error);
                            break;
                        }
                    }
                    *next += 1;
                    *next - 1
                };
                keep(number, work_on(&block, room));
            }
        };
        std::thread::scope(|scope| {
            for _ in 1..n_threads {
                // Without that thread it only takes longer.
                let _ =
                    std::thread::Builder::new().spawn_scoped(scope, || work_on_those_that_follow(&mut Room::default()));
            }
            let mut room = Room::default();
            keep(0, work_on(first, &mut room));
            work_on_those_that_follow(&mut room);
        });
        let (_, _, refusal) = shared.into_inner().unwrap_or_else(PoisonError::into_inner);
        refusal?;
        let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
        done.sort_unstable_by_key(|&(number, _)| number);
        let mut results = Vec::with_capacity(done.len());
        for (_, result) in done {
            match result {
                Ok(result) => results.push(result),
                Err(error) => return Ok((results, Some(error))),
            }
        }
        Ok((results, None))
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
