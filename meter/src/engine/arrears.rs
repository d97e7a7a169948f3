//! What is owed to a store that nodes share: what dead processes left, and what the store has forgotten.

use std::cell::Cell;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;
use std::time::Duration;

use portalmeter_rules::time::Millis;

use super::recover::{Owed, Recovered, Recovery, recover};
use super::{Shared, SharedStore, lock};
use crate::history::Memory;
use crate::intake::Sighted;
use crate::journal::Acknowledged;
use crate::store::{self, Batch, Committed, Recall, Store, StoreError};

/// What is owed.
pub(super) struct Arrears {
    shared: Option<SharedStore>,
    /// Journals of dead processes are to be committed.
    dead: bool,
    /// The store has forgotten, and nothing was done about it yet.
    forgot: bool,
    /// The recent past of our own journal is to be sent again.
    again: bool,
    looked: Millis,
    attended: Millis,
    committed: Cell<Acknowledged>,
    acknowledged: u64,
}

/// How often it is looked whether the store still knows what it was told, and others are told of this node.
const LOOK: Millis = 1_000;
/// The journal's thread writes what waits within this time, or its disk is away.
const WRITTEN: Duration = Duration::from_secs(5);

impl Arrears {
    pub(super) fn at_start(shared: Option<SharedStore>, now: Millis) -> Self {
        let dead = shared.is_some();
        Self {
            shared,
            dead,
            forgot: false,
            again: false,
            looked: now - LOOK,
            attended: now - LOOK,
            committed: Cell::new(Acknowledged { upto: 0, at: now }),
            acknowledged: 0,
        }
    }

    pub(super) fn are_some(&self) -> bool {
        self.dead || self.forgot || self.again
    }

    /// The store does not know what it was told.
    pub(super) fn forgot(&mut self, shared: &Shared, why: &str) {
        if !self.forgot {
            tracing::warn!(why, "the store has forgotten what it was told: the recent past is sent again");
            shared.tally.resets.fetch_add(1, Ordering::Relaxed);
        }
        self.forgot = true;
    }

    /// Pays what is owed; an error if that cannot be done now.
    pub(super) fn settle(&mut self, shared: &Shared, store: &mut dyn Store, now: Millis) -> Result<(), StoreError> {
        let gap = lock(&shared.outbox).gap.is_some();
        let Some(ours) = self.shared.clone() else {
            return if gap { self.send_again(shared, store, now) } else { Ok(()) };
        };
        if now - self.looked >= LOOK || now < self.looked {
            self.looked = now;
            if let Some(why) = store.continuity()? {
                self.forgot(shared, &why);
            }
        }
        let memory = shared.settings.memory;
        if self.forgot {
            store.begin_again()?;
            let mut recall = ours.recall.lock().unwrap_or_else(PoisonError::into_inner);
            for portal in &ours.portals {
                // What was read from the streams of before must not be taken after the ledger was asked.
                recall.fence(portal).map_err(StoreError::Unrecalled)?;
            }
            // What dead processes here had committed is forgotten too, and nobody else has it.
            (self.forgot, self.again, self.dead) = (false, true, true);
        }
        if self.dead {
            let mut recall = ours.recall.lock().unwrap_or_else(PoisonError::into_inner);
            let recovery = Recovery { store, recall: Some(&mut *recall), memory, now };
            recover(&ours.journals, recovery)?.tell();
            self.dead = false;
        }
        if self.again || gap {
            self.send_again(shared, store, now)?;
        }
        Ok(())
    }

    /// Commits our own journal: its recent past, and what only the journal has because the store was away too long.
    fn send_again(&mut self, shared: &Shared, store: &mut dyn Store, now: Millis) -> Result<(), StoreError> {
        let (gap, upto) = {
            let mut outbox = lock(&shared.outbox);
            // From here on what comes waits for a commit again; what is before is in the journal.
            (outbox.gap.take(), outbox.number)
        };
        let restore = |error| {
            if gap.is_some() {
                lock(&shared.outbox).gap = gap;
            }
            error
        };
        if !shared.journal.wait_written(upto, WRITTEN) {
            let waits = StoreError::Open("the journal's disk does not take what has to be read from it".to_owned());
            return Err(restore(waits));
        }
        let mut recall = self.shared.as_ref().map(|ours| ours.recall.lock().unwrap_or_else(PoisonError::into_inner));
        let recall = recall.as_deref_mut().map(|recall| recall as &mut dyn Recall);
        let mut recovery = Recovery { store, recall, memory: shared.settings.memory, now };
        let committed = Acknowledged { upto: gap.map_or(u64::MAX, |gap| gap - 1), ..self.committed.get() };
        let owed = Owed { node: shared.journal.node(), committed, forgotten: self.again };
        let mut found = Recovered::default();
        let mut read = |entry: &mut dyn FnMut(&[u8])| shared.journal.read(entry);
        recovery.commit(&owed, &[], &mut read, &mut found).map_err(restore)?;
        shared.tally.postponed.store(0, Ordering::Relaxed);
        tracing::info!(observations = found.entries, "what the journal has was sent again");
        self.again = false;
        Ok(())
    }

    /// Commits a batch; while a shared store may have forgotten visitors, the ledger is asked of them.
    pub(super) fn commit(&self, store: &mut dyn Store, batch: &Batch, memory: Memory) -> Result<Committed, StoreError> {
        let done = match &self.shared {
            Some(ours) => {
                let mut recall = ours.recall.lock().unwrap_or_else(PoisonError::into_inner);
                store::commit_recalling(store, batch, memory, &mut *recall)?
            }
            None => store::commit(store, batch, memory)?,
        };
        self.committed.set(Acknowledged { upto: batch.upto, at: batch.now });
        Ok(done)
    }

    /// Tells other nodes of this one: that it is there, and what it has passed.
    pub(super) fn attend(&mut self, shared: &Shared, store: &mut dyn Store, waiting: &[Sighted], now: Millis) {
        if self.shared.is_none() || (now - self.attended < LOOK && now >= self.attended) {
            return;
        }
        self.attended = now;
        self.acknowledge(shared);
        let memory = shared.settings.memory;
        // An exchange may be under way for as long as a portal takes to answer.
        let oldest = waiting.iter().map(|one| one.observation.at).min().unwrap_or(now).min(now - memory.settle);
        let passed = if self.are_some() { oldest.min(now - memory.keep) } else { oldest };
        if let Err(error) = store.attend(shared.journal.node(), passed, now, memory) {
            tracing::debug!(%error, "other nodes could not be told of this one");
        }
    }

    /// Puts down what is committed, for whoever finds the journal.
    fn acknowledge(&mut self, shared: &Shared) {
        let committed = self.committed.get();
        if committed.upto == self.acknowledged {
            return;
        }
        match shared.journal.acknowledge(committed) {
            Ok(()) => self.acknowledged = committed.upto,
            Err(error) => tracing::warn!(%error, "what is committed could not be put down: it will be committed again"),
        }
    }

    /// Nobody need wait for this node any more, if it owes nothing.
    pub(super) fn leave(&mut self, shared: &Shared, store: &mut dyn Store, behind: bool) {
        if self.shared.is_some() {
            self.acknowledge(shared);
        }
        if self.shared.is_some()
            && !behind
            && let Err(error) = store.leave(shared.journal.node())
        {
            tracing::warn!(%error, "this node could not be taken off the list; the next start in this data_dir does it");
        }
    }
}
