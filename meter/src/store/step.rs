//! What a commit reads and writes: values under slots, in atomic steps.
//!
//! A store knows nothing of sessions. It compares, sets, adds and appends; what is written is
//! decided by the plan that made the step.

use std::sync::Arc;

use portalmeter_rules::id::Name;
use portalmeter_rules::time::Millis;

use crate::day::Day;
use crate::entry::Entry;
use crate::usage::Sums;

/// Where a value is kept, within a portal.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Slot {
    /// What is known of a visitor in the portal, or in one of its modules: `visitor:<hash>`, `visitor:<hash>:<module>`.
    Visitor(Name, Option<Arc<str>>),
    /// What is known of another name of visitors, a fingerprint or a cookie: `also:<hash>`.
    Also(Name),
}

/// A slot of a portal.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The portal.
    pub portal: Arc<str>,
    /// Where in it.
    pub slot: Slot,
}

/// A value that changes if it still is what it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Write {
    /// Where.
    pub slot: Slot,
    /// What was read there, to the byte; nothing if nothing was there.
    pub before: Option<Vec<u8>>,
    /// What shall be there.
    pub after: Option<Vec<u8>>,
    /// When it may be forgotten, in milliseconds since 1970.
    pub expires: Millis,
}

/// What a day of a portal, or of a module, gains.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gain {
    /// The module, where sessions are counted per module.
    pub module: Option<Arc<str>>,
    /// The day.
    pub day: Day,
    /// Whose midnight it is.
    pub zone: Arc<str>,
    /// By how much; may be negative.
    pub sums: Sums,
}

/// A visitor who is live, or was until lately.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lively {
    /// Who.
    pub visitor: Name,
    /// Where, if sessions are counted per module.
    pub module: Option<Arc<str>>,
    /// The last observation; nothing if there is no session any more.
    pub last_seen: Option<Millis>,
}

/// One atomic step: all of it, or nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Step {
    /// The portal that all of it is in.
    pub portal: Arc<str>,
    /// Values to set, each if it still is what it was; what is only read is written back as it is.
    pub writes: Vec<Write>,
    /// Counters to add to.
    pub gains: Vec<Gain>,
    /// Who is live.
    pub live: Vec<Lively>,
    /// What the ledger is told, in order.
    pub entries: Vec<Entry>,
}

/// What became of a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It is done.
    Done,
    /// Nothing of it: the store does not know the portal as it did (`RedisStore::begin_again`).
    Reset,
    /// Some value was not what it should have been: these are there now, in the order of the writes.
    Lost(Vec<Option<Vec<u8>>>),
}
