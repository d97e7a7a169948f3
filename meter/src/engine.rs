//! The engine: live sessions in memory, observations on their way to the store.
//!
//! The request path touches one map entry and two short locks, and never waits for the store. What
//! may count is committed at once, the rest together every second; what counts is decided by the
//! fold on the store's value, never here.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use portalmeter_rules::time::Millis;
use serde::{Deserialize, Serialize};

use crate::acts::Acts;
use crate::history::Memory;
use crate::intake::{Sighted, Sink};
use crate::journal::Journal;
use crate::names::Who;
use crate::observation::{Key, Observation, Scope, Stamp};
use crate::store::row::ObservationRow;
use crate::store::{Committed, NodeId, Recall, Store, StoreError};

mod arrears;
mod commit;
mod live;
mod recover;

pub use live::LiveSessions;
pub use recover::{Recovered, Recovery, apply, recover};

/// What an engine needs to know.
#[derive(Clone)]
pub struct Settings {
    /// What the fold remembers.
    pub memory: Memory,
    /// Where journals are, if other nodes share the store: then it may be away when this one starts, and
    /// forget, and what is in journals is committed beside everything else.
    pub shared: Option<SharedStore>,
    /// Reads the clock.
    pub clock: Arc<dyn Fn() -> Millis + Send + Sync>,
    /// Called about once a minute while everything is committed.
    pub each_minute: Arc<dyn Fn(&Journal) + Send + Sync>,
}

/// What an engine needs for a store that it shares with others.
#[derive(Clone)]
pub struct SharedStore {
    /// The folder of all journals of this data directory.
    pub journals: PathBuf,
    /// The portals of this node.
    pub portals: Vec<Arc<str>>,
    /// Who knows visitors that the store has forgotten.
    pub recall: Arc<Mutex<dyn Recall + Send>>,
}

/// Counts of what went through an engine, for metrics and readiness.
#[derive(Debug, Default)]
pub struct Tally {
    /// Observations taken.
    pub observed: AtomicU64,
    /// Observations that only the journal has, because the store was away too long: the next start
    /// commits them.
    pub postponed: AtomicU64,
    /// Records added.
    pub added: AtomicU64,
    /// Records withdrawn.
    pub withdrawn: AtomicU64,
    /// Observations too old to count.
    pub late: AtomicU64,
    /// States that could not be read.
    pub damaged: AtomicU64,
    /// Commits that failed.
    pub failed_commits: AtomicU64,
    /// Steps that were planned again because another node was faster.
    pub races: AtomicU64,
    /// How often the store had forgotten, and the recent past was sent again.
    pub resets: AtomicU64,
    /// What people did that nobody was told, because the store was away too long.
    pub unsaid: AtomicU64,
}

impl Tally {
    fn note(&self, done: Committed) {
        self.added.fetch_add(done.added, Ordering::Relaxed);
        self.withdrawn.fetch_add(done.withdrawn, Ordering::Relaxed);
        self.late.fetch_add(done.late, Ordering::Relaxed);
        self.damaged.fetch_add(done.damaged, Ordering::Relaxed);
        self.races.fetch_add(done.races, Ordering::Relaxed);
    }
}

/// One entry of the journal, as written.
#[derive(Debug, Serialize, Deserialize)]
struct EntryRow<'a> {
    number: u64,
    #[serde(borrow)]
    portal: std::borrow::Cow<'a, str>,
    module: Option<std::borrow::Cow<'a, str>>,
    who: Who,
    overheard: bool,
    seen: ObservationRow,
}

/// What waits for a commit.
#[derive(Default)]
struct Outbox {
    number: u64,
    /// The first entry that only the journal has; the node's position stays before it.
    gap: Option<u64>,
    waiting: Vec<Sighted>,
    /// What people did, on its way to the ledger.
    acts: Vec<Acts>,
    /// Policies that the store has not heard of.
    untold: Vec<Stamp>,
    urgent: bool,
    ends: bool,
    failure: Option<String>,
    stuck: usize,
}

struct Shared {
    settings: Settings,
    live: LiveSessions,
    journal: Journal,
    outbox: Mutex<Outbox>,
    news: Condvar,
    tally: Tally,
}

/// The engine of a running meter.
pub struct Engine {
    shared: Arc<Shared>,
    /// Every policy that an entry of the journal may name.
    known: Mutex<Vec<Stamp>>,
    committer: Mutex<Option<JoinHandle<bool>>>,
}

/// No more observations than this wait for a store that is away.
const MOST_WAITING: usize = 1_000_000;
/// No more sums of what people did than this: some minutes of many portals.
const MOST_ACTS: usize = 256;

/// A page's entry in the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Receipt(u64);

impl Engine {
    /// Starts an engine on a store that was recovered.
    pub fn start(
        mut store: Box<dyn Store>,
        journal: Journal,
        stamps: &[Stamp],
        settings: Settings,
    ) -> Result<Self, StoreError> {
        store.know(stamps)?;
        journal.know(stamps).map_err(|error| StoreError::Open(format!("the journal: {error}")))?;
        let now = (settings.clock)();
        let live = LiveSessions::new(settings.memory.keep);
        for (key, session, idle) in &store.resume(now)? {
            live.restore(*key, session, *idle);
        }
        let shared = Arc::new(Shared {
            settings,
            live,
            journal,
            outbox: Mutex::default(),
            news: Condvar::new(),
            tally: Tally::default(),
        });
        let committer = {
            let shared = Arc::clone(&shared);
            let thread = std::thread::Builder::new().name("commit".to_owned());
            thread
                .spawn(move || commit::until_ended(&shared, store))
                .map_err(|error| StoreError::Open(error.to_string()))?
        };
        Ok(Self { shared, known: Mutex::new(stamps.to_vec()), committer: Mutex::new(Some(committer)) })
    }

    /// Makes further policies known, before an observation bears one.
    pub fn know(&self, stamps: &[Stamp]) -> std::io::Result<()> {
        let mut known = lock(&self.known);
        let new: Vec<Stamp> =
            stamps.iter().filter(|stamp| known.iter().all(|one| one.id != stamp.id)).cloned().collect();
        if !new.is_empty() {
            let all = [&known[..], &new].concat();
            self.shared.journal.know(&all)?;
            lock(&self.shared.outbox).untold.extend(new);
            *known = all;
        }
        Ok(())
    }

    /// Takes an observation: into the live sessions, the journal and the outbox.
    pub fn observe(&self, mut sighted: Sighted) -> Receipt {
        let shared = &*self.shared;
        let urgent = !sighted.overheard && shared.live.touch(sighted.key, &sighted.observation);
        shared.tally.observed.fetch_add(1, Ordering::Relaxed);
        let mut outbox = lock(&shared.outbox);
        outbox.number += 1;
        let number = outbox.number;
        sighted.observation.tie = tie(shared.journal.node(), number);
        shared.journal.append(number, |bytes| write_entry(bytes, number, &sighted));
        if outbox.waiting.len() + outbox.stuck < MOST_WAITING {
            outbox.waiting.push(sighted);
        } else {
            outbox.gap.get_or_insert(number);
            shared.tally.postponed.fetch_add(1, Ordering::Relaxed);
        }
        let wake = urgent && !outbox.urgent;
        outbox.urgent |= urgent;
        drop(outbox);
        if wake {
            shared.news.notify_one();
        }
        Receipt(number)
    }

    /// Takes what people did: told to the store after the next commit, or counted as unsaid where too much waits.
    pub fn engage(&self, acts: Acts) {
        let mut outbox = lock(&self.shared.outbox);
        if outbox.acts.len() < MOST_ACTS {
            outbox.acts.push(acts);
        } else {
            let count = acts.acts.iter().map(|act| u64::from(act.count)).sum();
            self.shared.tally.unsaid.fetch_add(count, Ordering::Relaxed);
        }
    }

    /// Waits until the journal has an entry on disk, at most as long as `max_wait` takes.
    pub async fn written(&self, receipt: Receipt, max_wait: impl Future<Output = ()>) {
        self.shared.journal.written(receipt.0, max_wait).await;
    }

    /// The live sessions.
    pub fn live(&self) -> &LiveSessions {
        &self.shared.live
    }

    /// The journal.
    pub fn journal(&self) -> &Journal {
        &self.shared.journal
    }

    /// What went through.
    pub fn tally(&self) -> &Tally {
        &self.shared.tally
    }

    /// Observations that wait for a commit, and why the last commit failed, if it did.
    pub fn backlog(&self) -> (usize, Option<String>) {
        let outbox = lock(&self.shared.outbox);
        (outbox.waiting.len() + outbox.stuck, outbox.failure.clone())
    }

    /// Commits what waits, writes the journal out and ends. Says whether nothing was lost: what is
    /// in the journal only is committed at the next start.
    pub fn close(&self) -> bool {
        lock(&self.shared.outbox).ends = true;
        self.shared.news.notify_one();
        let Some(committer) = lock(&self.committer).take() else { return true };
        let committed = committer.join().unwrap_or_else(|_| {
            tracing::error!("the committer's thread panicked");
            false
        });
        let written = self.shared.journal.close() && self.shared.journal.health().lost == 0;
        if !committed && written {
            tracing::warn!("ended before everything was committed; the next start takes it from the journal");
        }
        committed || written
    }
}

/// The engine as a sink, remembering the receipt of the last page or logout.
pub struct EngineSink<'e> {
    engine: &'e Engine,
    /// What to wait for before the headers leave.
    pub precious: Option<Receipt>,
}

impl<'e> EngineSink<'e> {
    /// A sink into an engine.
    pub fn new(engine: &'e Engine) -> Self {
        Self { engine, precious: None }
    }
}

impl Sink for EngineSink<'_> {
    fn is_live(&self, key: &Key, at: Millis) -> bool {
        self.engine.shared.live.is_live(key, at)
    }

    fn see(&mut self, sighted: Sighted) {
        let precious = sighted.observation.kind.is_precious() || sighted.who.changes_cookies();
        let receipt = self.engine.observe(sighted);
        if precious {
            self.precious = Some(receipt);
        }
    }
}

/// An entry of a node's journal has its own, as far as two bytes go.
fn tie(node: NodeId, number: u64) -> u16 {
    let [a, b, ..] = node.0;
    u16::from_le_bytes([a, b]).wrapping_add(number as u16)
}

fn write_entry(bytes: &mut Vec<u8>, number: u64, sighted: &Sighted) {
    let Sighted { scope, key: _, who, observation, overheard } = sighted;
    let entry = EntryRow {
        number,
        portal: (&*scope.portal).into(),
        module: scope.module.as_deref().map(Into::into),
        who: *who,
        overheard: *overheard,
        seen: ObservationRow::from(observation),
    };
    let start = bytes.len();
    // `to_extend` gives the buffer back; it fails only where memory does.
    match postcard::to_extend(&entry, std::mem::take(bytes)) {
        Ok(written) => *bytes = written,
        Err(_) => bytes.truncate(start),
    }
}

pub(crate) fn read_entry(
    bytes: &[u8],
    stamps: &dyn Fn(crate::policy::PolicyId) -> Option<Stamp>,
) -> Option<(u64, Sighted)> {
    let EntryRow { number, portal, module, who, overheard, seen } = postcard::from_bytes(bytes).ok()?;
    let scope = Scope { portal: (*portal).into(), module: module.as_deref().map(Into::into) };
    let observation: Observation = seen.read(stamps)?;
    let key = Key { scope: scope.id(), visitor: who.at_hand() };
    Some((number, Sighted { scope: Arc::new(scope), key, who, observation, overheard }))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
