//! How far a ledger has taken a portal's stream.

use std::fmt;
use std::str::FromStr;

use super::LedgerError;
use crate::day::Day;
use crate::entry::Entry;

/// A ledger, by a random id made with its tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct LedgerId(pub [u8; 8]);

impl fmt::Display for LedgerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl LedgerId {
    /// The number of the stream that what is in the same file sends elsewhere.
    pub(crate) fn stream(self) -> u64 {
        u64::from_be_bytes(self.0)
    }

    pub(super) fn random() -> Result<Self, LedgerError> {
        let mut id = [0; 8];
        getrandom::fill(&mut id).map_err(|error| LedgerError::Refused(format!("no randomness: {error}")))?;
        Ok(Self(id))
    }
}

/// An entry of a stream, by its id and the stream's: `1789000000000-3 00c0ffee00c0ffee`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Position {
    /// When, in the store's milliseconds.
    pub at: u64,
    /// Which of that millisecond.
    pub number: u64,
    /// Of which stream: a random number made with it. 0: of whichever.
    pub stream: u64,
}

impl Position {
    /// Before every entry.
    pub const START: Self = Self { at: 0, number: 0, stream: 0 };

    /// The same place, of that stream.
    #[must_use]
    pub fn of(self, stream: u64) -> Self {
        Self { stream, ..self }
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.at, self.number)?;
        if self.stream == 0 { Ok(()) } else { write!(f, " {:016x}", self.stream) }
    }
}

/// The text is no id of a stream's entry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a stream position like 1789000000000-3")]
pub struct NotAPosition(String);

impl FromStr for Position {
    type Err = NotAPosition;

    fn from_str(text: &str) -> Result<Self, NotAPosition> {
        let (id, stream) = text.split_once(' ').unwrap_or((text, "0"));
        let parts = id.split_once('-').and_then(|(at, number)| {
            let stream = u64::from_str_radix(stream, 16).ok()?;
            Some(Self { at: at.parse().ok()?, number: number.parse().ok()?, stream })
        });
        parts.ok_or_else(|| NotAPosition(text.to_owned()))
    }
}

/// A stretch of a portal's stream, in its order.
#[derive(Debug, Clone, Copy)]
pub struct Stretch<'a> {
    /// The portal.
    pub portal: &'a str,
    /// The position it was read from, exclusive.
    pub from: Position,
    /// Its last entry. May be before `from`: a stream that begins again is read from its start.
    pub upto: Position,
    /// What is in it.
    pub entries: &'a [Entry],
}

/// What became of a stretch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Take {
    /// All of it is in, and the position has moved.
    Done(Taken),
    /// Another has moved the position, to here: nothing was taken.
    Moved(Position),
}

/// What entries changed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Taken {
    /// Records that hold now and did not before.
    pub added: u64,
    /// Records that hold no longer.
    pub withdrawn: u64,
    /// Corrections of sealed days.
    pub corrected: u64,
    /// Entries left out, because they cannot be: another portal's, an instant or a name out of all bounds,
    /// an id that means something else already.
    pub strange: u64,
    /// Modules and days whose totals changed, each of its portal, sorted.
    pub days: Vec<(String, Option<String>, Day)>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_comes_back_from_its_text() {
        let position = Position { at: 1_789_000_000_000, number: 3, stream: 0 };
        assert_eq!(position.to_string(), "1789000000000-3");
        for position in [position, position.of(7), position.of(u64::MAX)] {
            assert_eq!(position.to_string().parse(), Ok(position));
        }
        assert!("1789-3 soon".parse::<Position>().is_err());
        assert!("1789".parse::<Position>().is_err());
        assert!("-1".parse::<Position>().is_err());
    }
}
