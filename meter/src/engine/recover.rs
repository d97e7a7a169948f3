//! After a crash: what dead processes journaled and did not commit is committed now.

use std::path::Path;

use portalmeter_rules::time::Millis;

use super::read_entry;
use crate::history::Memory;
use crate::intake::Sighted;
use crate::journal::reader;
use crate::store::{self, Batch, NodeId, Store, StoreError};

/// What was found in dead journals.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Recovered {
    /// Journals read.
    pub journals: u64,
    /// Entries that were not committed yet, and are now.
    pub entries: u64,
    /// Bytes behind the last whole entry of a segment: cut off by a crash, or damaged.
    pub torn_bytes: u64,
    /// Entries that could not be read.
    pub unreadable: u64,
    /// Files among the segments that are none.
    pub foreign: u64,
}

/// Entries committed in one step.
const AT_A_TIME: usize = 10_000;

/// Commits what dead processes left in their journals below `dir`.
pub fn recover(dir: &Path, store: &mut dyn Store, memory: Memory, now: Millis) -> Result<Recovered, StoreError> {
    let mut found = Recovered::default();
    let failed = |error: std::io::Error| StoreError::Open(format!("{}: {error}", dir.display()));
    for dead in reader::dead(dir).map_err(failed)? {
        let position = store.position(dead.node)?;
        let mut part = Part { node: dead.node, now, memory, upto: position, sighted: Vec::new() };
        let mut outcome = Ok(());
        let damage = dead.read(&mut |bytes| {
            if outcome.is_err() {
                return;
            }
            let stamps = std::cell::RefCell::new(&mut *store);
            let Some((number, sighted)) = read_entry(bytes, &|id| stamps.borrow_mut().stamp(id)) else {
                found.unreadable += 1;
                return;
            };
            if number <= position {
                return;
            }
            found.entries += 1;
            part.upto = part.upto.max(number);
            part.sighted.push(sighted);
            if part.sighted.len() >= AT_A_TIME {
                outcome = part.commit(store);
            }
        });
        outcome?;
        part.commit(store)?;
        found.journals += 1;
        let damage = damage.map_err(failed)?;
        found.torn_bytes += damage.torn_bytes;
        found.foreign += damage.foreign;
    }
    Ok(found)
}

/// Part of a dead journal.
struct Part {
    node: NodeId,
    now: Millis,
    memory: Memory,
    upto: u64,
    sighted: Vec<Sighted>,
}

impl Part {
    fn commit(&mut self, store: &mut dyn Store) -> Result<(), StoreError> {
        if self.sighted.is_empty() {
            return Ok(());
        }
        let batch = Batch::new(self.node, self.upto, std::mem::take(&mut self.sighted), self.now);
        store::commit(store, &batch, self.memory)?;
        Ok(())
    }
}
