//! A segment that is read entry by entry.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use super::reader::Damage;
use super::{FRAME, LONGEST, MAGIC};

/// A segment that is read.
#[derive(Debug)]
pub(crate) struct Segment {
    reader: BufReader<File>,
    /// Where the next entry begins, and where the file ends.
    at: u64,
    end: u64,
    payload: Vec<u8>,
}

/// No entry is shorter: what a disk filled with zeros is none.
const SHORTEST: usize = 2;
/// So many bytes are looked through at once for an entry behind damage.
const WINDOW: usize = 1 << 20;

impl Segment {
    /// Opens a file; what is no segment is noted, and has no entries.
    pub(crate) fn open(path: &Path, damage: &mut Damage) -> io::Result<Self> {
        let file = File::open(path)?;
        let end = file.metadata()?.len();
        let mut segment = Self { reader: BufReader::new(file), at: 0, end, payload: Vec::new() };
        let mut magic = [0; MAGIC.len()];
        if end < magic.len() as u64 {
            return Ok(segment);
        }
        segment.reader.read_exact(&mut magic)?;
        segment.at += magic.len() as u64;
        if magic != *MAGIC {
            damage.foreign += 1;
            segment.at = end;
        }
        Ok(segment)
    }

    /// The next whole entry. What is between it and the one before is noted, and so is what is behind the last of them.
    pub(crate) fn next(&mut self, damage: &mut Damage) -> io::Result<Option<&[u8]>> {
        if !self.advance()? {
            let damaged = self.at;
            let Some(found) = self.find(damaged + 1)? else {
                damage.torn_bytes += self.end - damaged;
                self.at = self.end;
                return Ok(None);
            };
            damage.damaged_bytes += found - damaged;
            self.at = found;
        }
        self.at += (self.payload.len() + FRAME) as u64;
        Ok(Some(&self.payload))
    }

    /// Reads the entry at hand; there may be none, or a damaged one.
    fn advance(&mut self) -> io::Result<bool> {
        let mut frame = [0; FRAME];
        if self.end - self.at < FRAME as u64 {
            return Ok(false);
        }
        self.reader.read_exact(&mut frame)?;
        let [a, b, c, d, checksum @ ..] = frame;
        let length = u32::from_le_bytes([a, b, c, d]) as usize;
        if length > LONGEST || (length + FRAME) as u64 > self.end - self.at {
            return Ok(false);
        }
        self.payload.resize(length, 0);
        self.reader.read_exact(&mut self.payload)?;
        Ok(crc32fast::hash(&self.payload).to_le_bytes() == checksum)
    }

    /// Where the first entry at `from` or behind begins, with the entry read. What its checksum vouches for was written
    /// by us: to tell it again does no harm, whatever is damaged before it.
    fn find(&mut self, from: u64) -> io::Result<Option<u64>> {
        let (mut from, mut window) = (from, Vec::new());
        while self.end.saturating_sub(from) >= (FRAME + SHORTEST) as u64 {
            window.clear();
            self.reader.seek(SeekFrom::Start(from))?;
            self.reader.by_ref().take(WINDOW as u64).read_to_end(&mut window)?;
            let lengths = window.windows(4).zip(from..);
            for (bytes, place) in lengths {
                let length = u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]) as usize;
                if !(SHORTEST..=LONGEST).contains(&length) {
                    continue;
                }
                self.at = place;
                self.reader.seek(SeekFrom::Start(place))?;
                if self.advance()? {
                    return Ok(Some(place));
                }
            }
            // The last three bytes may begin a length.
            from += window.len().saturating_sub(3).max(1) as u64;
        }
        Ok(None)
    }
}
