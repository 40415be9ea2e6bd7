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
        let Ok(footer) = root_as_footer(&footer) else { return Ok(Some("its footer is damaged".to_owned())) };
        for block in footer.dictionaries().into_iter().chain(footer.recordBatches()).flatten() {
            let number = |number: i64| u64::try_from(number).map_err(|_| io::Error::from(io::ErrorKind::InvalidData));
            let (at, head) = (number(block.offset())?, number(block.metaDataLength().into())?);
            let bytes = read_at(&mut file, at, head.saturating_add(number(block.bodyLength())?))?;
            let marked = if bytes.starts_with(&CONTINUATION_MARKER) { 8 } else { 4 };
            // The library takes the message from the whole of the block too, whatever length it is said to have.
            let message = bytes.get(marked..).unwrap_or_default();
            let body = usize::try_from(head).ok().and_then(|head| bytes.get(head..)).unwrap_or_default();
            if let Some(problem) = false_claim(message, body) {
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
            if let Some(problem) = false_claim(&message, &body) {
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

/// A claim of a message, and of the buffers in its body, that cannot be true.
fn false_claim(message: &[u8], body: &[u8]) -> Option<String> {
    let n_bytes = (message.len() + body.len()) as u64;
    let message = root_as_message(message).ok()?;
    let batch: RecordBatch =
        message.header_as_record_batch().or_else(|| message.header_as_dictionary_batch().and_then(|it| it.data()))?;
    let rows = u64::try_from(batch.length()).unwrap_or(u64::MAX);
    if rows > n_bytes.saturating_mul(MOST_A_BYTE) {
        return Some(format!("it claims {rows} rows in {n_bytes} bytes"));
    }
    batch.compression()?;
    let mut all_unpacked = 0_u64;
    // An empty buffer claims nothing.
    for buffer in batch.buffers().into_iter().flatten().filter(|buffer| buffer.length() > 0) {
        let unpacked = usize::try_from(buffer.offset()).ok().and_then(|at| body.get(at..)?.first_chunk());
        // -1 stands for a buffer that is not packed.
        let unpacked = unpacked.and_then(|&bytes| u64::try_from(i64::from_le_bytes(bytes)).ok());
        all_unpacked = all_unpacked.saturating_add(unpacked.unwrap_or(0));
        if all_unpacked > n_bytes.saturating_mul(MOST_A_BYTE) {
            return Some(format!("it claims {all_unpacked} bytes packed in {n_bytes}"));
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
