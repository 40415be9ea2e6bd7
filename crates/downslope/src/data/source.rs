//! Where do the bytes come from, and can they be read again?
//!
//! A table is read more than once: to see what its columns hold, and to read them. So what can be read only once
//! (standard input, a pipe) is kept, in memory while it is small, else in a file that vanishes with the process.
//! Text may be packed by gzip, zstd or bzip2, told by its first bytes; it is unpacked anew each time it is read.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, Cursor, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;

use tempfile::{SpooledData, SpooledTempFile};

use crate::error::{Error, Result};

/// What cannot be read twice is kept for that: so much in memory, more in a file that vanishes with the process.
const KEPT_IN_MEMORY: usize = 1 << 24;

/// Bytes under a name, to be read from the start as often as needed.
pub(super) struct Source<'a> {
    name: String,
    bytes: Bytes<'a>,
    packing: Packing,
}

enum Bytes<'a> {
    Memory(Cow<'a, [u8]>),
    File(Arc<File>),
}

/// How bytes are packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packing {
    /// Not at all.
    None,
    /// gzip (RFC 1952).
    Gzip,
    /// Zstandard (RFC 8878).
    Zstd,
    /// bzip2.
    Bzip2,
}

impl Packing {
    /// Told by the first bytes.
    fn of(head: &[u8]) -> Self {
        match head {
            [0x1f, 0x8b, ..] => Self::Gzip,
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Self::Zstd,
            [b'B', b'Z', b'h', b'1'..=b'9', b'1', b'A', b'Y', b'&', b'S', b'Y', ..] => Self::Bzip2,
            _ => Self::None,
        }
    }

    /// Told by the end of a file's name, and the name without it.
    pub(super) fn of_name(name: &str) -> (Self, &str) {
        [(".gz", Self::Gzip), (".zst", Self::Zstd), (".bz2", Self::Bzip2)]
            .into_iter()
            .find_map(|(end, packing)| Some((packing, name.strip_suffix(end)?)))
            .unwrap_or((Self::None, name))
    }

    fn words(self) -> &'static str {
        match self {
            Self::None => "no packed",
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
            Self::Bzip2 => "bzip2",
        }
    }
}

impl<'a> Source<'a> {
    /// Bytes in memory.
    ///
    /// # Errors
    /// None: the bytes are only looked at.
    pub(super) fn of_bytes(name: &str, bytes: impl Into<Cow<'a, [u8]>>) -> Self {
        let bytes = bytes.into();
        Self { name: name.to_owned(), packing: Packing::of(&bytes), bytes: Bytes::Memory(bytes) }
    }

    /// A file; or standard input, by the name `-`.
    pub(super) fn open(name: &str) -> Result<Self> {
        if name == "-" {
            return Self::kept("standard input", &mut io::stdin().lock());
        }
        let refused = |error| Error::io("read", Path::new(name), error);
        let mut file = File::open(name).map_err(refused)?;
        let metadata = file.metadata().map_err(refused)?;
        if metadata.is_dir() {
            return Err(refused(io::ErrorKind::IsADirectory.into()));
        }
        if metadata.is_file() { Self::of_file(name, file) } else { Self::kept(name, &mut file) }
    }

    fn of_file(name: &str, file: File) -> Result<Self> {
        let bytes = Bytes::File(Arc::new(file));
        let mut source = Self { name: name.to_owned(), bytes, packing: Packing::None };
        let mut head = Vec::new();
        source.packed().take(16).read_to_end(&mut head).map_err(|error| source.refused(error))?;
        source.packing = Packing::of(&head);
        Ok(source)
    }

    fn kept(name: &str, mut from: &mut dyn Read) -> Result<Self> {
        let refused = |error| Error::io("read", Path::new(name), error);
        let mut kept = SpooledTempFile::new(KEPT_IN_MEMORY);
        io::copy(&mut from, &mut kept).map_err(refused)?;
        match kept.into_inner() {
            SpooledData::InMemory(bytes) => Ok(Source::of_bytes(name, bytes.into_inner())),
            SpooledData::OnDisk(file) => Self::of_file(name, file),
        }
    }

    /// What messages call it.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Whether it is packed.
    pub(super) fn is_packed(&self) -> bool {
        self.packing != Packing::None
    }

    /// The number of bytes, as they are kept.
    #[cfg(feature = "arrow")]
    pub(super) fn n_bytes(&self) -> u64 {
        match &self.bytes {
            Bytes::Memory(bytes) => bytes.len() as u64,
            Bytes::File(file) => file.metadata().map_or(0, |metadata| metadata.len()),
        }
    }

    /// The bytes from the start, unpacked.
    ///
    /// # Errors
    /// Nothing but what a packed source needs memory for.
    pub(super) fn reader(&self) -> Result<Box<dyn Read + Send + '_>> {
        let packed = self.packed();
        let unpacked: Box<dyn Read + Send> = match self.packing {
            Packing::None => return Ok(Box::new(packed)),
            Packing::Gzip => Box::new(flate2::read::MultiGzDecoder::new(io::BufReader::new(packed))),
            Packing::Zstd => Box::new(zstd::Decoder::new(packed).map_err(|error| self.refused(error))?),
            Packing::Bzip2 => Box::new(bzip2::read::MultiBzDecoder::new(packed)),
        };
        Ok(Box::new(Unpacked { reader: unpacked, packing: self.packing, n_bytes: 0 }))
    }

    /// The bytes as they are kept, from anywhere.
    pub(super) fn packed(&self) -> Positioned<'_> {
        match &self.bytes {
            Bytes::Memory(bytes) => Positioned::Memory(Cursor::new(bytes)),
            Bytes::File(file) => Positioned::File { file: Arc::clone(file), at: 0 },
        }
    }

    /// The file that it is, unless it is in memory.
    #[cfg(feature = "arrow")]
    pub(super) fn file(&self) -> Option<&Arc<File>> {
        match &self.bytes {
            Bytes::Memory(_) => None,
            Bytes::File(file) => Some(file),
        }
    }

    /// A refusal of the operating system to read it.
    pub(super) fn refused(&self, error: io::Error) -> Error {
        Error::io("read", Path::new(&self.name), error)
    }
}

/// A place in bytes that others read too.
pub(super) enum Positioned<'a> {
    Memory(Cursor<&'a [u8]>),
    File { file: Arc<File>, at: u64 },
}

impl Read for Positioned<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Memory(bytes) => bytes.read(buffer),
            Self::File { file, at } => {
                let n_read = read_at(file, buffer, *at)?;
                *at += n_read as u64;
                Ok(n_read)
            }
        }
    }
}

impl Seek for Positioned<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        match self {
            Self::Memory(bytes) => bytes.seek(to),
            Self::File { file, at } => {
                let place = match to {
                    SeekFrom::Start(place) => Some(place),
                    SeekFrom::End(below) => file.metadata()?.len().checked_add_signed(below),
                    SeekFrom::Current(below) => at.checked_add_signed(below),
                };
                *at = place.ok_or(io::ErrorKind::InvalidInput)?;
                Ok(*at)
            }
        }
    }
}

/// Reads from a place of a file, whatever else reads it.
#[cfg(unix)]
pub(crate) fn read_at(file: &File, buffer: &mut [u8], at: u64) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, buffer, at)
}

/// Reads from a place of a file, whatever else reads it.
#[cfg(windows)]
pub(crate) fn read_at(file: &File, buffer: &mut [u8], at: u64) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_read(file, buffer, at)
}

/// Says of packed bytes that are cut short that they are.
struct Unpacked<R> {
    reader: R,
    packing: Packing,
    n_bytes: u64,
}

impl<R: Read> Read for Unpacked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n_read = self.reader.read(buffer).map_err(|error| {
            let packing = self.packing.words();
            let (how, kind) = match error.kind() {
                io::ErrorKind::UnexpectedEof => ("are cut short", io::ErrorKind::UnexpectedEof),
                io::ErrorKind::OutOfMemory | io::ErrorKind::Interrupted => return error,
                _ => ("are damaged", io::ErrorKind::InvalidData),
            };
            io::Error::new(kind, format!("its {packing} data {how}, {} bytes of text into it", self.n_bytes))
        })?;
        self.n_bytes += n_read as u64;
        Ok(n_read)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn packed(packing: Packing, text: &[u8]) -> Vec<u8> {
        match packing {
            Packing::None => text.to_vec(),
            Packing::Gzip => {
                let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
                encoder.write_all(text).unwrap();
                encoder.finish().unwrap()
            }
            Packing::Zstd => zstd::encode_all(text, 1).unwrap(),
            Packing::Bzip2 => {
                let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
                encoder.write_all(text).unwrap();
                encoder.finish().unwrap()
            }
        }
    }

    #[test]
    fn text_is_unpacked_as_often_as_it_is_read_and_parts_are_joined() {
        for packing in [Packing::None, Packing::Gzip, Packing::Zstd, Packing::Bzip2] {
            let bytes = [packed(packing, b"a,b\n1,2\n"), packed(packing, b"3,4\n")].concat();
            let source = Source::of_bytes("t.csv", bytes);
            assert_eq!(source.packing, packing);
            for _ in 0..2 {
                let mut text = String::new();
                source.reader().unwrap().read_to_string(&mut text).unwrap();
                assert_eq!(text, "a,b\n1,2\n3,4\n", "{packing:?}");
            }
        }
    }

    #[test]
    fn packed_text_that_is_cut_short_is_called_that() {
        let text: String = (0..20_000).map(|row| (row * 7919 % 10_007).to_string() + "\n").collect();
        for (packing, words) in [(Packing::Gzip, "gzip"), (Packing::Zstd, "zstd"), (Packing::Bzip2, "bzip2")] {
            let bytes = packed(packing, text.as_bytes());
            let source = Source::of_bytes("t.csv", &bytes[..bytes.len() / 2]);
            let error = source.reader().unwrap().read_to_end(&mut Vec::new()).unwrap_err().to_string();
            assert!(error.starts_with(&format!("its {words} data are cut short, ")), "{error}");
        }
    }

    #[test]
    fn a_folder_is_no_file() {
        let folder = tempfile::tempdir().unwrap();
        let error = Source::open(&folder.path().to_string_lossy()).err().unwrap().to_string();
        assert!(error.contains("directory"), "{error}");
    }
}
