//! Where state, counters and records are kept: one commit, one atomic step.
//!
//! The embedded store is here; Redis takes the same place. A commit is idempotent: the fold is over
//! sets, record ids are permanent, and a node's position says which of its entries are in already.

use std::fmt;
use std::sync::Arc;

use portalmeter_rules::time::Millis;

use crate::history::Memory;
use crate::names::NameChange;
use crate::observation::{Key, Observation, Scope, Stamp};
use crate::session::Session;

mod aside;
pub mod embedded;
pub mod redis;
pub(crate) mod row;
pub mod step;

/// A process, by a random id: a new one at every start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct NodeId(pub [u8; 8]);

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Observations of one visitor in one scope.
#[derive(Debug, Clone)]
pub struct Visit {
    /// Where.
    pub scope: Arc<Scope>,
    /// Where and of whom.
    pub key: Key,
    /// What, in any order.
    pub observations: Vec<Observation>,
}

/// What a node commits at once.
#[derive(Debug, Clone)]
pub struct Batch {
    /// Whose.
    pub node: NodeId,
    /// The node's last entry in this batch: what it has up to here is in after the commit.
    pub upto: u64,
    /// The observations.
    pub visits: Vec<Visit>,
    /// Changed names of visitors.
    pub names: Vec<NameChange>,
    /// When, for the records' stored time.
    pub now: Millis,
}

/// What a commit did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Committed {
    /// Records that were added.
    pub added: u64,
    /// Records that were withdrawn.
    pub withdrawn: u64,
    /// Observations too old to count.
    pub late: u64,
    /// Records of days that are sealed: kept, not summed.
    pub sealed: u64,
    /// States that could not be read and were set aside.
    pub damaged: u64,
}

/// What a node needs to go on after a restart.
#[derive(Debug, Default)]
pub struct Resumed {
    /// Live sessions, each with its idle timeout.
    pub sessions: Vec<(Key, Session, Millis)>,
    /// Names of visitors.
    pub names: Vec<NameChange>,
}

/// Why a store did not do as asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database said so.
    #[error("the store failed: {0}")]
    Database(#[from] rusqlite::Error),
    /// A file could not be opened.
    #[error("the store cannot be opened: {0}")]
    Open(String),
    /// Written by a newer release.
    #[error("the store has schema {found}, newer than {known}, which this release knows")]
    Newer {
        /// The file's.
        found: i64,
        /// Ours.
        known: i64,
    },
}

/// A store of state, counters and records.
pub trait Store: Send {
    /// Makes policies known, so that what they stamped can be read again.
    fn know(&mut self, stamps: &[Stamp]) -> Result<(), StoreError>;

    /// Up to which of its entries a node has committed.
    fn position(&mut self, node: NodeId) -> Result<u64, StoreError>;

    /// A policy made known before.
    fn stamp(&self, id: crate::policy::PolicyId) -> Option<Stamp>;

    /// Commits a batch: all of it or nothing.
    fn commit(&mut self, batch: &Batch, memory: Memory) -> Result<Committed, StoreError>;

    /// What is live at `now`.
    fn resume(&mut self, now: Millis) -> Result<Resumed, StoreError>;

    /// Forgets state that is past its time.
    fn expire(&mut self, now: Millis) -> Result<(), StoreError>;

    /// Seals the days that ended `seal_after` before `now`; returns how many.
    fn seal(&mut self, now: Millis, seal_after: Millis) -> Result<u64, StoreError>;
}
