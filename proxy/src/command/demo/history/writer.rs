//! Brings a history into the ledger as a node would: commits, sums of what was done, sealed days.

use std::mem;
use std::path::Path;

use portalmeter_meter::acts::Acts;
use portalmeter_meter::day::Zone;
use portalmeter_meter::history::Memory;
use portalmeter_meter::ledger::Ledger;
use portalmeter_meter::ledger::sqlite::SqliteLedger;
use portalmeter_meter::observation::Stamp;
use portalmeter_meter::store::embedded::EmbeddedStore;
use portalmeter_meter::store::{Batch, NodeId, Store, Visit, commit};
use portalmeter_rules::time::Millis;

use super::{Failed, Written};

/// Visits that are committed at once.
const AT_ONCE: usize = 4_096;

/// A ledger that a history is written into.
pub(super) struct Writer {
    store: EmbeddedStore,
    ledger: SqliteLedger,
    memory: Memory,
    seal_after: Millis,
    waiting: Vec<Visit>,
    /// When the last of those was seen.
    newest: Millis,
    node: NodeId,
    upto: u64,
    pub(super) written: Written,
}

impl Writer {
    pub(super) fn open(data_dir: &Path, seed: u64, memory: Memory, seal_after: Millis) -> Result<Self, Failed> {
        Ok(Self {
            store: EmbeddedStore::open(data_dir)?,
            ledger: SqliteLedger::create(data_dir)?,
            memory,
            seal_after,
            waiting: Vec::with_capacity(AT_ONCE),
            newest: Millis::MIN,
            node: NodeId(seed.to_be_bytes()),
            upto: 0,
            written: Written::default(),
        })
    }

    pub(super) fn know(&mut self, stamps: &[Stamp]) -> Result<(), Failed> {
        Ok(self.store.know(stamps)?)
    }

    /// Takes a visit, after those that began before.
    pub(super) fn visit(&mut self, visit: Visit) -> Result<(), Failed> {
        let Some(last) = visit.sighted.last() else { return Ok(()) };
        self.newest = self.newest.max(last.observation.at);
        self.written.observations += visit.sighted.len() as u64;
        self.waiting.push(visit);
        if self.waiting.len() >= AT_ONCE { self.commit() } else { Ok(()) }
    }

    /// Commits what waits.
    pub(super) fn commit(&mut self) -> Result<(), Failed> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        self.upto += 1;
        let visits = mem::replace(&mut self.waiting, Vec::with_capacity(AT_ONCE));
        self.written.visits += visits.len() as u64;
        let batch = Batch { node: self.node, upto: self.upto, visits, now: self.newest + COMMITTED };
        let done = commit(&mut self.store, &batch, self.memory)?;
        self.written.records += done.added - done.withdrawn;
        Ok(())
    }

    /// What people did.
    pub(super) fn acts(&mut self, acts: Vec<Acts>) -> Result<(), Failed> {
        let steps: Vec<_> = acts.into_iter().map(Acts::into_step).collect();
        self.store.apply(&steps, self.newest)?;
        Ok(())
    }

    /// What is due at an instant, as the keeper does it: visitors are forgotten, days are sealed.
    pub(super) fn keep(&mut self, now: Millis) -> Result<(), Failed> {
        self.store.expire(now)?;
        for day in self.ledger.unsealed()? {
            let zone = Zone::named(&day.zone).unwrap_or_else(|_| Zone::utc());
            let final_at = zone.end(day.day) + self.seal_after;
            if final_at <= now {
                self.ledger.seal(&day, final_at)?;
            }
        }
        Ok(())
    }
}

/// So long a commit takes.
const COMMITTED: Millis = 1_000;
