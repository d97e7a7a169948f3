//! Days and months that are over, added up for looking at: what a bill needs is in the ledger's rows, this is beside it.
//!
//! A day's digests of a portal follow from its rows, a month's from those of its days. Rows of what people did go into
//! them for good, all others stay. Whatever was not digested yet is read from the rows, so that an answer never depends
//! on whether a digest has been made.

use serde::Serialize;
use serde::de::DeserializeOwned;

mod done;
mod hours;
mod reach;
mod views;
mod visits;

pub use done::{Done, DoneIn};
pub use hours::{HourCounts, Hours, Quarter};
pub use reach::{Reach, Reached};
pub use views::{View, Views};
pub use visits::{Visited, Visits};

/// What a digest is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Records and sessions by quarter of an hour.
    Hours,
    /// Visitors and users of modules.
    Reach,
    /// Sessions and users of accounts.
    Visits,
    /// Page views and actions, by whom and where.
    Views,
    /// Page views and actions by quarter of an hour.
    Done,
}

/// How long it is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Span {
    /// A civil day of its portal.
    Day,
    /// The days of a civil month.
    Month,
}

impl Kind {
    /// Its name in the ledger.
    pub fn name(self) -> &'static str {
        match self {
            Self::Hours => "hours",
            Self::Reach => "reach",
            Self::Visits => "visits",
            Self::Views => "views",
            Self::Done => "done",
        }
    }
}

impl Span {
    /// Its name in the ledger.
    pub fn name(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Month => "month",
        }
    }
}

/// A digest that can be kept, and added to others.
pub trait Digest: Default + Serialize + DeserializeOwned {
    /// Which it is.
    const KIND: Kind;

    /// All of them as one.
    fn merge(parts: Vec<Self>) -> Self;

    /// As it is kept: a version, and what it says.
    fn to_bytes(&self) -> Vec<u8> {
        postcard::to_extend(self, vec![VERSION]).unwrap_or_default()
    }

    /// What was kept; nothing of another version's, or where it is damaged.
    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (&VERSION, body) = bytes.split_first()? else { return None };
        postcard::from_bytes(body).ok()
    }
}

const VERSION: u8 = 1;
