//! May what an Arrow file says of its own size be believed?
//!
//! A packed buffer says how long it is unpacked, and a batch how many rows it has; the library takes so much memory at
//! once. So before it is asked to read, no claim may go beyond what any packing could save. Whatever else is wrong with
//! the file is left to the library to say.

use std::io::{self, Read, Seek, SeekFrom};

use arrow_ipc::{RecordBatch, root_as_footer, root_as_message};

use crate::data::source::Source;
use crate::error::{Error, Result};

/// Stands in front of the length of a message, but for files of old.
const CONTINUATION_MARKER: [u8; 4] = [0xff; 4];

/// A packed byte becomes so many at most: zstd writes a run of 128 KiB in four.
const MOST_A_BYTE: u64 = 1 << 16;

/// Whether all claims of a file can be true.
///
/// # Errors
/// [`crate::ErrorKind::Malformed`] at the first that cannot.
pub(super) fn check_file(what: &'static str, source: &Source) -> Result<()> {
    let mut file = source.packed();
    let n_bytes = source.n_bytes();
    let mut check = || -> io::Result<Option<String>> {
        let mut tail = [0; 10];
        file.seek(SeekFrom::End(-10))?;
        file.read_exact(&mut tail)?;
        let length = u64::from(u32::from_le_bytes([tail[0], tail[1], tail[2], tail[3]]));
        let footer = read_at(&mut file, n_bytes.saturating_sub(10 + length), length)?;
        let Ok(footer) = root_as_footer(&footer) else { return Ok(None) };
        for block in footer.dictionaries().into_iter().chain(footer.recordBatches()).flatten() {
            let (Ok(at), Ok(length)) = (u64::try_from(block.offset()), u64::try_from(block.metaDataLength())) else {
                continue;
            };
            let head = read_at(&mut file, at, length)?;
            let marked = head.strip_prefix(&CONTINUATION_MARKER).unwrap_or(&head);
            let body = at.saturating_add(length);
            let claim = |offset: u64| {
                let bytes = read_at(&mut file, body.saturating_add(offset), 8).ok()?;
                bytes.try_into().ok().map(i64::from_le_bytes)
            };
            if let Some(problem) = marked.get(4..).and_then(|message| false_claim(message, n_bytes, claim)) {
                return Ok(Some(problem));
            }
        }
        Ok(None)
    };
    said(what, source, check())
}

/// Whether all claims of a stream can be true.
///
/// # Errors
/// As [`check_file`].
pub(super) fn check_stream(what: &'static str, source: &Source) -> Result<()> {
    let mut stream = source.reader()?;
    let mut check = || -> io::Result<Option<String>> {
        loop {
            let mut length = [0; 4];
            stream.read_exact(&mut length)?;
            if length == CONTINUATION_MARKER {
                stream.read_exact(&mut length)?;
            }
            let message = read_next(&mut stream, u64::from(u32::from_le_bytes(length)))?;
            let Ok(head) = root_as_message(&message) else { return Ok(None) };
            let body = read_next(&mut stream, u64::try_from(head.bodyLength()).unwrap_or_default())?;
            let claim = |offset: u64| {
                let at = usize::try_from(offset).ok()?;
                body.get(at..)?.first_chunk().map(|bytes| i64::from_le_bytes(*bytes))
            };
            let n_bytes = (message.len() + body.len()) as u64;
            if let Some(problem) = false_claim(&message, n_bytes, claim) {
                return Ok(Some(problem));
            }
        }
    };
    said(what, source, check())
}

fn said(what: &'static str, source: &Source, checked: io::Result<Option<String>>) -> Result<()> {
    match checked {
        Ok(Some(problem)) => Err(Error::malformed(what, problem).in_source(source.name())),
        // A file that ends too early is the library's to tell of.
        Ok(None) | Err(_) => Ok(()),
    }
}

/// A claim of a message that cannot be true; `claim` reads the number in front of a packed buffer.
fn false_claim(message: &[u8], n_bytes: u64, mut claim: impl FnMut(u64) -> Option<i64>) -> Option<String> {
    let message = root_as_message(message).ok()?;
    let batch: RecordBatch =
        message.header_as_record_batch().or_else(|| message.header_as_dictionary_batch().and_then(|it| it.data()))?;
    let rows = u64::try_from(batch.length()).unwrap_or(u64::MAX);
    if rows > n_bytes.saturating_mul(MOST_A_BYTE) {
        return Some(format!("it claims {rows} rows in {n_bytes} bytes"));
    }
    batch.compression()?;
    for buffer in batch.buffers()? {
        let (offset, length) = (u64::try_from(buffer.offset()).ok()?, u64::try_from(buffer.length()).ok()?);
        let Some(unpacked) = claim(offset).filter(|_| length >= 8) else { continue };
        // -1 stands for a buffer that is not packed.
        if u64::try_from(unpacked).is_ok_and(|unpacked| unpacked > length.saturating_mul(MOST_A_BYTE)) {
            return Some(format!("it claims {unpacked} bytes packed in {length}"));
        }
    }
    None
}

fn read_at(file: &mut (impl Read + Seek), at: u64, length: u64) -> io::Result<Vec<u8>> {
    file.seek(SeekFrom::Start(at))?;
    read_next(file, length)
}

/// So many bytes, or an error; memory is only taken for what is there.
fn read_next(from: &mut impl Read, length: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let n_read = from.take(length).read_to_end(&mut bytes)?;
    if n_read as u64 == length { Ok(bytes) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}
