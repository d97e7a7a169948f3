//! Where a chunked body ends, and that it is written in one way only (RFC 9112, section 7.1).

/// A body in chunks, while it passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Chunks {
    at: At,
    /// Bytes of the size line or of the trailers so far.
    line: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    /// The size's digits: their value, and how many.
    Size(u64, u32),
    /// An extension, which nobody reads.
    Extension(u64),
    SizeLf(u64),
    Data(u64),
    DataCr,
    DataLf,
    /// The beginning of a line after the last chunk.
    Trailer,
    TrailerLine,
    TrailerLf,
    EndLf,
    Done,
}

/// What is not written as a body in chunks is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a chunk is not written as RFC 9112 says")]
pub(super) struct BadChunk;

/// A size of more digits would be of more bytes than there are.
const DIGITS: u32 = 15;
/// A size line, and all trailers together, are at most this long.
const LINE: usize = 16 * 1024;

impl Chunks {
    /// Before the first chunk.
    pub(super) const fn new() -> Self {
        Self { at: At::Size(0, 0), line: 0 }
    }

    /// Whether the body has ended.
    pub(super) fn ended(&self) -> bool {
        self.at == At::Done
    }

    /// How many of these bytes belong to the body: all of them, unless it ends among them.
    pub(super) fn pass(&mut self, bytes: &[u8]) -> Result<usize, BadChunk> {
        let mut taken = 0;
        while taken < bytes.len() && !self.ended() {
            taken += match self.at {
                At::Data(left) => {
                    let data = (bytes.len() - taken).min(usize::try_from(left).unwrap_or(usize::MAX));
                    let left = left - data as u64;
                    self.at = if left == 0 { At::DataCr } else { At::Data(left) };
                    data
                }
                _ => {
                    self.at = self.step(bytes[taken])?;
                    1
                }
            };
        }
        Ok(taken)
    }

    fn step(&mut self, byte: u8) -> Result<At, BadChunk> {
        self.line = if matches!(self.at, At::Data(_) | At::DataCr) { 0 } else { self.line + 1 };
        if self.line > LINE {
            return Err(BadChunk);
        }
        Ok(match (self.at, byte) {
            (At::Size(size, digits), byte) if byte.is_ascii_hexdigit() && digits < DIGITS => {
                let digit = (byte as char).to_digit(16).ok_or(BadChunk)?;
                At::Size(size << 4 | u64::from(digit), digits + 1)
            }
            (At::Size(size, 1..), b';') => At::Extension(size),
            (At::Size(size, 1..) | At::Extension(size), b'\r') => At::SizeLf(size),
            (At::Extension(size), b'\t' | b' '..=b'~' | 0x80..) => At::Extension(size),
            (At::SizeLf(0), b'\n') => At::Trailer,
            (At::SizeLf(size), b'\n') => At::Data(size),
            (At::DataCr, b'\r') => At::DataLf,
            (At::DataLf, b'\n') => At::Size(0, 0),
            (At::Trailer, b'\r') => At::EndLf,
            (At::TrailerLine, b'\r') => At::TrailerLf,
            (At::TrailerLf, b'\n') => At::Trailer,
            (At::EndLf, b'\n') => At::Done,
            // A line after the last chunk begins with a field's name: it is not folded.
            (At::Trailer, b'!'..=b'~') | (At::TrailerLine, b'\t' | b' '..=b'~' | 0x80..) => At::TrailerLine,
            _ => return Err(BadChunk),
        })
    }
}
