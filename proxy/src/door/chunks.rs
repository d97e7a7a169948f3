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
            if let At::Data(left) = self.at {
                let data = (bytes.len() - taken).min(usize::try_from(left).unwrap_or(usize::MAX));
                let left = left - data as u64;
                self.at = if left == 0 { At::DataCr } else { At::Data(left) };
                taken += data;
            } else {
                self.at = self.step(bytes[taken])?;
                taken += 1;
            }
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
            (At::Size(size, 1..), b';') | (At::Extension(size), b'\t' | b' '..=b'~' | 0x80..) => At::Extension(size),
            (At::Size(size, 1..) | At::Extension(size), b'\r') => At::SizeLf(size),
            (At::SizeLf(0) | At::TrailerLf, b'\n') => At::Trailer,
            (At::SizeLf(size), b'\n') => At::Data(size),
            (At::DataCr, b'\r') => At::DataLf,
            (At::DataLf, b'\n') => At::Size(0, 0),
            // A line after the last chunk begins with a field's name: it is not folded.
            (At::Trailer, b'!'..=b'~') | (At::TrailerLine, b'\t' | b' '..=b'~' | 0x80..) => At::TrailerLine,
            (At::TrailerLine, b'\r') => At::TrailerLf,
            (At::Trailer, b'\r') => At::EndLf,
            (At::EndLf, b'\n') => At::Done,
            _ => return Err(BadChunk),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(body: &str) -> Result<Option<usize>, BadChunk> {
        let mut whole = Chunks::new();
        let taken = whole.pass(body.as_bytes()).map(|taken| whole.ended().then_some(taken));
        let (mut cut, mut passed) = (Chunks::new(), 0);
        let one_by_one = body.bytes().try_for_each(|byte| cut.pass(&[byte]).map(|taken| passed += taken));
        assert_eq!(taken, one_by_one.map(|()| cut.ended().then_some(passed)), "however it is cut: {body:?}");
        taken
    }

    #[test]
    fn a_body_ends_after_its_trailers() {
        for body in [
            "0\r\n\r\n",
            "5\r\nhello\r\n0\r\n\r\n",
            "00A;name=\"va lue\"\r\n0123456789\r\n0;x\r\nTrailer: a\r\nOther:\r\n\r\n",
        ] {
            assert_eq!(all(body), Ok(Some(body.len())));
            assert_eq!(all(&format!("{body}GET / HTTP/1.1")), Ok(Some(body.len())), "what follows is another request");
            assert_eq!(all(&body[..body.len() - 1]), Ok(None));
        }
    }

    #[test]
    fn what_two_readers_could_read_differently_is_refused() {
        for body in [
            "5\nhello\r\n0\r\n\r\n",
            "5 \r\nhello",
            " 5\r\nhello",
            "+5\r\nhello",
            "-1\r\nhello",
            "0x5\r\nhello",
            "5;a\nb\r\nhello",
            "5;a\0\r\nhello",
            "\r\nhello",
            ";a\r\n",
            "5\r\nhelloX\r\n",
            "5\r\nhello\n0\r\n",
            "0000000000000005\r\nhello",
            "FFFFFFFFFFFFFFFFF\r\n",
            "0\r\n folded\r\n\r\n",
            "0\r\nTrailer: a\n\r\n",
            "0\r\n\n",
        ] {
            assert_eq!(all(body), Err(BadChunk), "{body:?}");
        }
    }

    #[test]
    fn extensions_and_trailers_are_bounded() {
        assert_eq!(all(&format!("5;{}", "a".repeat(LINE))), Err(BadChunk));
        assert_eq!(all(&format!("0\r\n{}", "a: b\r\n".repeat(LINE / 6 + 1))), Err(BadChunk));
    }
}
