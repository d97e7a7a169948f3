//! What a keeper reads, and keeps right.

use std::sync::Arc;

use portalmeter_rules::time::Millis;

use crate::day::Day;
use crate::entry::Entry;
use crate::ledger::{Position, Statistics, Totals};
use crate::stamping::Stamping;
use crate::store::StoreError;
use crate::store::redis::clock::Offset;

/// A stretch of a portal's entries.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Read {
    /// The entries, in order.
    pub entries: Vec<Entry>,
    /// Where the last of them is; nothing if there is none.
    pub upto: Option<Position>,
    /// Entries that could not be read.
    pub unreadable: u64,
}

/// A node, and up to when all it saw is committed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attendance {
    /// Its id, and where it runs.
    pub name: String,
    /// All it saw before this is committed.
    pub passed: Millis,
}

/// A store's side that a keeper reads.
pub trait Feed: Send {
    /// Whether the store still knows what it was told; if not, why.
    fn continuity(&mut self) -> Result<Option<String>, StoreError> {
        Ok(None)
    }

    /// What it knows now is what counts.
    fn begin_again(&mut self) -> Result<(), StoreError> {
        Ok(())
    }

    /// Makes a ledger known, for whom a portal's entries are kept until it has them.
    fn open(&mut self, portal: &Arc<str>, ledger: &str) -> Result<(), StoreError>;

    /// Entries behind a position, of about so many steps at most. [`StoreError::Rival`] if the position is another stream's
    /// that is not behind this one.
    fn read(&mut self, portal: &Arc<str>, after: Position, count: usize) -> Result<Read, StoreError>;

    /// A ledger has all up to here for good.
    fn acknowledge(&mut self, portal: &Arc<str>, ledger: &str, upto: Position) -> Result<(), StoreError>;

    /// Lets all nodes send a portal's recent past again, to places behind what the ledger has; says whether they will. Not
    /// if they did within the last minute.
    fn renew(&mut self, _portal: &Arc<str>, _ledger_has: Position) -> Result<bool, StoreError> {
        Ok(false)
    }

    /// Statistics of a portal's days, where the store alone has them.
    fn statistics(&mut self, portal: &Arc<str>, stamping: &Stamping) -> Result<Vec<Statistics>, StoreError>;

    /// Whether there are counters that are a projection of the ledger.
    fn has_counters(&self) -> bool {
        false
    }

    /// Sets counters to what the ledger has and what is on its way to it; says how many differed.
    fn settle(&mut self, _portal: &Arc<str>, _totals: &Totals) -> Result<u64, StoreError> {
        Ok(0)
    }

    /// Takes those off the list of the living who were last seen before.
    fn sweep(&mut self, _portal: &Arc<str>, _seen_before: Millis, _now: Millis) -> Result<(), StoreError> {
        Ok(())
    }

    /// Every node that has not ended well, and how far it is.
    fn attendance(&mut self, now: Millis) -> Result<Vec<Attendance>, StoreError>;

    /// A day of a portal is sealed.
    fn sealed(&mut self, _portal: &Arc<str>, _day: Day, _at: Millis) -> Result<(), StoreError> {
        Ok(())
    }

    /// What our clocks lack to the store's, where that is another.
    fn clock_offset(&mut self) -> Result<Option<Offset>, StoreError> {
        Ok(None)
    }

    /// What an operator should know of it: what, detail, meaning.
    fn warnings(&mut self) -> Result<Vec<(String, String, String)>, StoreError> {
        Ok(Vec::new())
    }
}
