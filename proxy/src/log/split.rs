//! Splitting a log into lines within bounded memory, whatever it holds.

use std::io::{self, Read};
use std::ops::Range;

use memchr::memchr;

/// No line is longer than this; servers cut headers off long before.
pub(super) const LONGEST: usize = 1 << 20;

/// The lines of a log, one at a time, in one buffer.
pub(super) struct Lines<R> {
    reader: R,
    buffer: Vec<u8>,
    /// Where the line that is being looked for begins, up to where it was looked at, and where what was read ends.
    start: usize,
    seen: usize,
    end: usize,
    /// How many lines there were so far.
    number: u64,
    /// Within a line that is too long, of which nothing is kept.
    skipping: bool,
    ended: bool,
}

/// A line that was found.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// Where it is in the buffer until the next one is asked for, without its end and surrounding blanks.
    Line(Range<usize>),
    /// Over `LONGEST`, and gone.
    TooLong,
}

impl<R: Read> Lines<R> {
    pub(super) fn new(reader: R) -> Self {
        Self { reader, buffer: vec![0; AT_FIRST], start: 0, seen: 0, end: 0, number: 0, skipping: false, ended: false }
    }

    /// How many lines were found.
    pub(super) fn number(&self) -> u64 {
        self.number
    }

    /// The bytes of a line that was just found.
    pub(super) fn bytes(&self, line: Range<usize>) -> &[u8] {
        &self.buffer[line]
    }

    /// The next line; `None` at the end. After an error the log has ended, and the line that it broke off is dropped.
    pub(super) fn next(&mut self) -> io::Result<Option<Found>> {
        loop {
            if let Some(length) = memchr(b'\n', &self.buffer[self.seen..self.end]) {
                return Ok(Some(self.found(self.seen + length)));
            }
            self.seen = self.end;
            if self.ended {
                let left = self.start < self.end || self.skipping;
                return Ok(left.then(|| self.found(self.end)));
            }
            if self.end - self.start > LONGEST {
                self.skipping = true;
            }
            if self.skipping {
                (self.start, self.seen, self.end) = (0, 0, 0);
            }
            if let Err(error) = self.fill() {
                self.ended = true;
                self.skipping = false;
                (self.start, self.seen, self.end) = (0, 0, 0);
                return Err(error);
            }
        }
    }

    /// The line up to `end`, where its line feed is or the log ends.
    fn found(&mut self, end: usize) -> Found {
        let line = self.start..end;
        self.start = self.end.min(end + 1);
        self.seen = self.start;
        self.number += 1;
        let whole = !std::mem::take(&mut self.skipping) && line.len() <= LONGEST;
        if whole { Found::Line(self.trimmed(line)) } else { Found::TooLong }
    }

    /// Without carriage returns and blanks, nor the zeros that a truncated log begins with and a byte order mark.
    fn trimmed(&self, line: Range<usize>) -> Range<usize> {
        let blank = |byte: &u8| *byte <= b' ';
        let mut bytes = &self.buffer[line.clone()];
        let mut start = line.start;
        if self.number == 1 && bytes.starts_with(BYTE_ORDER_MARK) {
            bytes = &bytes[BYTE_ORDER_MARK.len()..];
            start += BYTE_ORDER_MARK.len();
        }
        start += bytes.iter().take_while(|byte| blank(byte)).count();
        let tail = self.buffer[start..line.end].iter().rev().take_while(|byte| blank(byte)).count();
        start..line.end - tail
    }

    fn fill(&mut self) -> io::Result<()> {
        if self.end == self.buffer.len() {
            self.make_room();
        }
        let read = loop {
            match self.reader.read(&mut self.buffer[self.end..]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => break other?,
            }
        };
        self.end += read;
        self.ended = read == 0;
        Ok(())
    }

    fn make_room(&mut self) {
        if self.start == 0 {
            self.buffer.resize(self.buffer.len() * 2, 0);
        } else {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.seen -= self.start;
            self.start = 0;
        }
    }
}

/// The buffer to begin with; it grows with the longest line, to twice `LONGEST` at most.
const AT_FIRST: usize = 64 * 1024;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(log: impl Read) -> Vec<Option<Vec<u8>>> {
        let mut lines = Lines::new(log);
        let mut all = Vec::new();
        while let Some(found) = lines.next().unwrap() {
            all.push(match found {
                Found::Line(line) => Some(lines.bytes(line).to_vec()),
                Found::TooLong => None,
            });
            assert_eq!(lines.number(), all.len() as u64);
        }
        assert!(lines.buffer.len() <= 2 * LONGEST);
        assert_eq!(lines.next().unwrap(), None);
        all
    }

    #[test]
    fn any_line_end_will_do() {
        let log = b"\xef\xbb\xbfa b\r\n\nc\n\0\0d\xff\0e \n\xef\xbb\xbff";
        let wanted: [&[u8]; 5] = [b"a b", b"", b"c", b"d\xff\0e", b"\xef\xbb\xbff"];
        assert_eq!(lines(&log[..]), wanted.map(|line| Some(line.to_vec())));
        assert!(lines(&b""[..]).is_empty());
    }

    #[test]
    fn a_line_of_any_length_takes_bounded_memory() {
        let longest = vec![b'x'; LONGEST];
        for (length, kept) in [(LONGEST, true), (LONGEST + 1, false), (5 * LONGEST + 7, false), (500_000_000, false)] {
            let log = b"a\n".chain(io::repeat(b'x').take(length as u64)).chain(&b"\nb\n"[..]);
            let got = lines(log);
            assert_eq!(got.len(), 3);
            assert_eq!(got[1], kept.then(|| longest.clone()), "{length}");
            assert_eq!((&got[0], &got[2]), (&Some(b"a".to_vec()), &Some(b"b".to_vec())));
        }
        assert_eq!(lines(io::repeat(b'x').take(3 << 20)), [None]);
    }

    #[test]
    fn lines_do_not_depend_on_how_they_arrive() {
        struct Drip<'a>(&'a [u8]);
        impl Read for Drip<'_> {
            fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
                let some = self.0.len().min(7).min(buffer.len());
                let (now, later) = self.0.split_at(some);
                buffer[..some].copy_from_slice(now);
                self.0 = later;
                Ok(some)
            }
        }
        let log: Vec<u8> =
            (0..300_usize).flat_map(|n| [vec![b'a' + (n % 26) as u8; n * 7 % 1500], b"\n".to_vec()].concat()).collect();
        assert_eq!(lines(Drip(&log)), lines(&log[..]));
    }
}
