//! A segment that is read entry by entry.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

use super::reader::Damage;
use super::{FRAME, LONGEST, MAGIC};

/// A segment that is read.
#[derive(Debug)]
pub(crate) struct Segment {
    reader: BufReader<File>,
    rest: u64,
    payload: Vec<u8>,
}

impl Segment {
    /// Opens a file; what is no segment is noted, and has no entries.
    pub(crate) fn open(path: &Path, damage: &mut Damage) -> io::Result<Self> {
        let file = File::open(path)?;
        let rest = file.metadata()?.len();
        let mut segment = Self { reader: BufReader::new(file), rest, payload: Vec::new() };
        let mut magic = [0; MAGIC.len()];
        if rest < magic.len() as u64 {
            return Ok(segment);
        }
        segment.reader.read_exact(&mut magic)?;
        segment.rest -= magic.len() as u64;
        if magic != *MAGIC {
            damage.foreign += 1;
            segment.rest = 0;
        }
        Ok(segment)
    }

    /// The next whole entry; what is behind the last of them is noted.
    pub(crate) fn next(&mut self, damage: &mut Damage) -> io::Result<Option<&[u8]>> {
        if !self.advance()? {
            damage.torn_bytes += std::mem::take(&mut self.rest);
            return Ok(None);
        }
        self.rest -= (self.payload.len() + FRAME) as u64;
        Ok(Some(&self.payload))
    }

    fn advance(&mut self) -> io::Result<bool> {
        let mut frame = [0; FRAME];
        if self.rest < FRAME as u64 {
            return Ok(false);
        }
        self.reader.read_exact(&mut frame)?;
        let [a, b, c, d, checksum @ ..] = frame;
        let length = u32::from_le_bytes([a, b, c, d]) as usize;
        if length > LONGEST || (length + FRAME) as u64 > self.rest {
            return Ok(false);
        }
        self.payload.resize(length, 0);
        self.reader.read_exact(&mut self.payload)?;
        Ok(crc32fast::hash(&self.payload).to_le_bytes() == checksum)
    }
}
