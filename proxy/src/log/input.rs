//! Opening logs: files and standard input, plain or compressed.

use std::cell::Cell;
use std::ffi::OsString;
use std::fmt;
use std::fs::File;
use std::io::{self, BufReader, Cursor, Read};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use flate2::bufread::MultiGzDecoder;

/// A log to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Input {
    /// Standard input, `-` on the command line.
    Stdin,
    /// A file; `.gz` and `.zst` are unpacked, whatever their names.
    File(PathBuf),
}

impl Input {
    /// The size of the log as it lies on disk, for a progress bar; `None` where nobody knows.
    pub(crate) fn size(&self) -> Option<u64> {
        match self {
            Self::Stdin => None,
            Self::File(path) => path.metadata().ok().filter(std::fs::Metadata::is_file).map(|meta| meta.len()),
        }
    }

    /// The log's bytes, unpacked; `count` grows with what is read from disk.
    pub(super) fn open(&self, count: &Rc<Cell<u64>>) -> io::Result<Box<dyn Read>> {
        let count = Rc::clone(count);
        match self {
            Self::Stdin => unpack(Counted { inner: io::stdin().lock(), count }, None),
            Self::File(path) => unpack(Counted { inner: File::open(path)?, count }, by_name(path)),
        }
    }
}

impl From<OsString> for Input {
    fn from(argument: OsString) -> Self {
        if argument == "-" { Self::Stdin } else { Self::File(argument.into()) }
    }
}

impl fmt::Display for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stdin => f.write_str("-"),
            Self::File(path) => path.display().fmt(f),
        }
    }
}

#[derive(Clone, Copy)]
enum Packing {
    Gzip,
    Zstd,
}

/// The first bytes tell how a log is packed; only where they do not is its name asked.
fn unpack(mut inner: impl Read + 'static, named: Option<Packing>) -> io::Result<Box<dyn Read>> {
    let mut start = Vec::with_capacity(MAGIC);
    inner.by_ref().take(MAGIC as u64).read_to_end(&mut start)?;
    let packing = by_magic(&start).or(named.filter(|_| !start.is_empty()));
    let whole = Cursor::new(start).chain(inner);
    Ok(match packing {
        Some(Packing::Gzip) => Box::new(MultiGzDecoder::new(BufReader::with_capacity(PACKED, whole))),
        Some(Packing::Zstd) => Box::new(zstd::Decoder::with_buffer(BufReader::with_capacity(PACKED, whole))?),
        None => Box::new(whole),
    })
}

fn by_magic(start: &[u8]) -> Option<Packing> {
    match start {
        [0x1f, 0x8b, ..] => Some(Packing::Gzip),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Some(Packing::Zstd),
        _ => None,
    }
}

fn by_name(path: &Path) -> Option<Packing> {
    let extension = path.extension()?.to_ascii_lowercase();
    match extension.to_str()? {
        "gz" => Some(Packing::Gzip),
        "zst" => Some(Packing::Zstd),
        _ => None,
    }
}

/// Counts what passes through.
struct Counted<R> {
    inner: R,
    count: Rc<Cell<u64>>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.count.set(self.count.get() + read as u64);
        Ok(read)
    }
}

/// As many bytes as the longest magic number has.
const MAGIC: usize = 4;

/// How much of a packed log is read at once.
const PACKED: usize = 64 * 1024;
