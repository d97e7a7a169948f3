//! The ledger: every usage record for good, and the totals that are sums of them.
//!
//! A ledger is told how things stand ([`crate::entry::Entry`]), in order, and anything may be told again: what it
//! holds in the end is the same. Records are unique by their ids for ever. A day that is sealed never
//! changes: what comes later becomes a correction in an open day that names the day it corrects.
//!
//! Two keep it alike, `SQLite` ([`sqlite`]) and Postgres ([`postgres`]); one suite of tests holds both to this contract.

use std::ops::ControlFlow;

use portalmeter_rules::id::Name;
use portalmeter_rules::time::Millis;

use crate::day::{Day, Month};
use crate::entry::SessionRow;
use crate::observation::Stamp;
use crate::policy::PolicyId;
use crate::usage::Usage;

mod apply;
mod asked;
mod correction;
mod days;
mod digests;
mod error;
mod filter;
mod line;
mod look;
mod open;
mod position;
pub mod postgres;
pub mod sqlite;
mod tables;
mod total;
mod usage;
mod words;

pub use asked::Asked;
pub use correction::Correction;
pub use error::LedgerError;
pub use line::{After, Line, Lines};
pub use look::{Acted, Begun, Counted, Days, Look, Present};
pub use open::{open, open_to_read};
pub use position::{LedgerId, Position, Stretch, Take, Taken};
pub use total::{OpenDay, Statistics, Total, Totals, Which};

/// How usage is grouped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// A row a day.
    Day,
    /// A row a month.
    Month,
}

impl By {
    /// Its name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Month => "month",
        }
    }

    /// The first day of the group that a day is in.
    pub fn start(self, day: Day) -> Day {
        match self {
            Self::Day => day,
            Self::Month => day.month().first(),
        }
    }

    /// The end of the group that a day is in, exclusive.
    pub fn end(self, day: Day) -> Day {
        match self {
            Self::Day => day.plus(1),
            Self::Month => day.month().end(),
        }
    }

    /// The group's name: the day or the month.
    pub fn label(self, day: Day) -> (Option<String>, Option<String>) {
        match self {
            Self::Day => (Some(day.to_string()), None),
            Self::Month => (None, Some(Month::to_string(&day.month()))),
        }
    }
}

/// A question to the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// The first day.
    pub from: Day,
    /// The day after the last.
    pub to: Day,
    /// A row a day or a month.
    pub by: By,
    /// These portals, or all if none is named.
    pub portals: Vec<String>,
}

/// What is asked of a ledger at one instant.
pub type Looking<'w> = &'w mut dyn FnMut(&mut dyn Look) -> Result<(), LedgerError>;

/// A ledger. Each call is one transaction: after an error nothing of it is there, and the next call connects again.
///
/// Calls block; they belong on a thread that no request waits for.
pub trait Ledger: Send {
    /// Tells for how long it has been asked what it has not answered yet, while it is.
    fn asked(&self) -> Asked {
        Asked::default()
    }

    /// Who this ledger is: random, made with its tables, the same for ever.
    /// Its consumer group of a portal's stream is called so.
    fn id(&mut self) -> Result<LedgerId, LedgerError>;

    /// Whether it can be reached and read.
    fn ping(&mut self) -> Result<(), LedgerError>;

    /// Keeps what policies say, under the ids that records name.
    fn know(&mut self, stamps: &[Stamp]) -> Result<(), LedgerError>;

    /// Every policy that was made known, as [`crate::policy::Policy::from_text`] reads it.
    fn policies(&mut self) -> Result<Vec<(PolicyId, String)>, LedgerError>;

    /// Up to which of its entries a portal's stream has been taken; [`Position::START`] of one never seen.
    fn position(&mut self, portal: &str) -> Result<Position, LedgerError>;

    /// Takes a stretch of a portal's stream and moves its position, in one transaction, unless another
    /// has moved it meanwhile: then nothing is taken, and whoever asked reads on from there.
    fn take(&mut self, stretch: &Stretch<'_>, now: Millis) -> Result<Take, LedgerError>;

    /// Usage over a range of days. Uniques are counted over each row's part of the range.
    fn usage(&mut self, query: &Query) -> Result<Vec<Usage>, LedgerError>;

    /// Totals of a portal's days, sorted by day and module, and the position they are as of, from one view.
    fn totals(&mut self, portal: &str, which: Which) -> Result<Totals, LedgerError>;

    /// Sets statistics of a portal's days to what its store has, making rows that are missing. Left alone are days
    /// that are sealed, and those of which the ledger knows of more page views. Says how many changed.
    fn set_statistics(&mut self, portal: &str, days: &[Statistics], now: Millis) -> Result<u64, LedgerError>;

    /// Days that are not sealed, sorted by day, portal and zone.
    fn unsealed(&mut self) -> Result<Vec<OpenDay>, LedgerError>;

    /// The zones of a portal's newest day that is not later than `upto`; none if it has no day yet.
    fn last_zones(&mut self, portal: &str, upto: Day) -> Result<Vec<String>, LedgerError>;

    /// Seals a day of a portal, for good; says how many rows that were (one a module). Whether it is time is
    /// the caller's to know. From then on the portal's days up to it that have no row are sealed too.
    fn seal(&mut self, day: &OpenDay, now: Millis) -> Result<u64, LedgerError>;

    /// Books a correction by hand and says on which day: the one it corrects if that is still open, else
    /// the day of `now`, or the first open one after it. The same id again changes nothing.
    fn correct(&mut self, correction: &Correction, now: Millis) -> Result<Day, LedgerError>;

    /// Records and corrections, one by one, sorted by portal, day, visitor and id, from one view, until `each` breaks.
    fn records(&mut self, query: &Lines, each: &mut dyn FnMut(Line) -> ControlFlow<()>) -> Result<(), LedgerError>;

    /// Looks at the ledger as it is at one instant.
    fn look(&mut self, work: Looking<'_>) -> Result<(), LedgerError>;

    /// Makes a portal's digests of days before `upto`, which is the first that is not over, and of its months: one day or
    /// month a call. Says whether there was one to make.
    fn digest(&mut self, portal: &str, upto: Day, now: Millis) -> Result<bool, LedgerError>;

    /// How the sessions of these visitors stand (module, visitor) that were seen at or after `since`, for a store
    /// that has forgotten them. Those that are gone are not among them.
    fn sessions(&mut self, portal: &str, visitors: &[Name], since: Millis) -> Result<Vec<SessionRow>, LedgerError>;

    /// Forgets sessions last seen before this, piece by piece; says how many. Records and totals stay.
    fn expire(&mut self, seen_before: Millis) -> Result<u64, LedgerError>;
}
