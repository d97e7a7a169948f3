//! Where state, counters and records are kept: one commit, one atomic step.
//!
//! The embedded store is here; Redis takes the same place. A commit is idempotent: the fold is over
//! sets, record ids are permanent, and a node's position says which of its entries are in already.

use std::fmt;
use std::sync::Arc;

use portalmeter_rules::time::Millis;

use crate::history::Memory;
use crate::ledger::LedgerError;
use crate::observation::{Key, Stamp};
use crate::policy::PolicyId;
use crate::session::Session;

mod aside;
mod commit;
pub mod embedded;
mod plan;
mod recall;
pub mod redis;
pub(crate) mod row;
pub mod step;
mod telling;
mod value;

pub use commit::{Batch, commit, commit_again, commit_recalling};
pub use plan::Visit;
pub use recall::{Recall, Vouched};
use step::{Outcome, Place, Step};
pub(crate) use telling::farewell;

/// A process, by a random id: a new one at every start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct NodeId(pub [u8; 8]);

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
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
    /// States that could not be read and were set aside.
    pub damaged: u64,
    /// Steps that were planned again because another node was faster.
    pub races: u64,
}

impl Committed {
    fn add(&mut self, other: Self) {
        self.added += other.added;
        self.withdrawn += other.withdrawn;
        self.late += other.late;
        self.damaged += other.damaged;
        self.races += other.races;
    }
}

/// Live sessions, each with its idle timeout: what a node knows of them after a restart.
pub type Resumed = Vec<(Key, Session, Millis)>;

/// Why a store did not do as asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database said so.
    #[error("the store failed: {0}")]
    Database(#[from] rusqlite::Error),
    /// A file could not be opened.
    #[error("the store cannot be opened: {0}")]
    Open(String),
    /// Other nodes were faster again and again.
    #[error("{0} visitors are written by other nodes all the time; they are tried again")]
    Contended(usize),
    /// Redis said so, or nothing.
    #[error("{}: {}", .0, .0.hint())]
    Redis(#[from] redis::RedisError),
    /// It does not know what it knew; see [`Store::continuity`].
    #[error("the store has forgotten what it was told")]
    Forgot,
    /// What the ledger knows of visitors that the store has forgotten cannot be asked for.
    #[error(
        "commits wait for the ledger, which has to be asked who was there before the keys of the store were made: {0}"
    )]
    Unrecalled(LedgerError),
    /// The ledger has entries of another stream that are behind what this store has.
    #[error(
        "the ledger is told of `{0}` by another store too, another Redis or another prefix: let all nodes use one store, or give each store a ledger of its own; what waits is sent again, once a minute at most"
    )]
    Rival(Arc<str>),
    /// The ledger that shares its file said so.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

impl StoreError {
    /// Nothing was asked: it failed a moment ago.
    pub(crate) fn only_waits(&self) -> bool {
        matches!(self, Self::Redis(error) if error.trouble == redis::error::Trouble::Waiting)
    }
}

/// A store: values that are compared and set, counters, and entries on their way to the ledger.
///
/// It knows nothing of sessions: what is written is planned ([`commit()`]).
pub trait Store: Send {
    /// Makes policies known, so that what they stamped can be read again.
    fn know(&mut self, stamps: &[Stamp]) -> Result<(), StoreError>;

    /// A policy made known before, by whichever node.
    fn stamp(&mut self, id: PolicyId) -> Result<Option<Stamp>, StoreError>;

    /// Up to which of its entries a node has committed, as far as the store remembers.
    fn position(&mut self, node: NodeId) -> Result<u64, StoreError>;

    /// Remembers that a node has committed its entries up to this one.
    fn passed(&mut self, node: NodeId, upto: u64, now: Millis) -> Result<(), StoreError>;

    /// The values at these places, in their order.
    fn load(&mut self, places: &[Place]) -> Result<Vec<Option<Vec<u8>>>, StoreError>;

    /// Puts values aside that cannot be read, if it can: then there is none. That it has forgotten is its error, where
    /// what was seen of them is to be sent again.
    fn set_aside(&mut self, _places: &[Place], _now: Millis) -> Result<bool, StoreError> {
        Ok(false)
    }

    /// Takes steps in their order, each atomically: all of it, or nothing because a value has changed.
    fn apply(&mut self, steps: &[Step], now: Millis) -> Result<Vec<Outcome>, StoreError>;

    /// An error if nothing of it can be reached.
    fn reach(&mut self) -> Result<(), StoreError> {
        Ok(())
    }

    /// Whether it still knows what it was told; if not, why, and it takes nothing until [`Store::begin_again`].
    fn continuity(&mut self) -> Result<Option<String>, StoreError> {
        Ok(None)
    }

    /// Since when it knows of a portal what it is told, if it may have forgotten what it was told before.
    fn begun(&mut self, _portal: &Arc<str>) -> Result<Option<Millis>, StoreError> {
        Ok(None)
    }

    /// What it knows now is what counts: the recent past is about to be sent again.
    fn begin_again(&mut self) -> Result<(), StoreError> {
        Ok(())
    }

    /// Tells other nodes that this one is there, and that all it saw before `passed` is committed.
    fn attend(&mut self, _node: NodeId, _passed: Millis, _now: Millis, _memory: Memory) -> Result<(), StoreError> {
        Ok(())
    }

    /// What was seen before this instant all nodes have committed.
    fn passed_by_all(&self) -> Millis {
        Millis::MAX
    }

    /// Nobody need wait for a node any more: all it saw is committed.
    fn leave(&mut self, _node: NodeId) -> Result<(), StoreError> {
        Ok(())
    }

    /// What is live at `now`, where a store of this node alone knows.
    fn resume(&mut self, now: Millis) -> Result<Resumed, StoreError>;

    /// Forgets what is past its time.
    fn expire(&mut self, now: Millis) -> Result<(), StoreError>;
}
