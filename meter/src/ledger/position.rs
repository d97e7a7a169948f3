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
    pub(super) fn random() -> Result<Self, LedgerError> {
        let mut id = [0; 8];
        getrandom::fill(&mut id).map_err(|error| LedgerError::Refused(format!("no randomness: {error}")))?;
        Ok(Self(id))
    }
}

/// An entry of a Redis stream, by its id: `1789000000000-3`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Position {
    /// When, in the store's milliseconds.
    pub at: u64,
    /// Which of that millisecond.
    pub number: u64,
}

impl Position {
    /// Before every entry.
    pub const START: Self = Self { at: 0, number: 0 };
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.at, self.number)
    }
}

/// The text is no id of a stream's entry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a stream position like 1789000000000-3")]
pub struct NotAPosition(String);

impl FromStr for Position {
    type Err = NotAPosition;

    fn from_str(text: &str) -> Result<Self, NotAPosition> {
        let parts = text.split_once('-').and_then(|(at, number)| Some((at.parse().ok()?, number.parse().ok()?)));
        parts.map(|(at, number)| Self { at, number }).ok_or_else(|| NotAPosition(text.to_owned()))
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
        let position = Position { at: 1_789_000_000_000, number: 3 };
        assert_eq!(position.to_string().parse(), Ok(position));
        assert!("1789".parse::<Position>().is_err());
        assert!("-1".parse::<Position>().is_err());
    }
}
