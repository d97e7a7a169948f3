//! After a crash, and after a store has forgotten: what is in journals and may be missing is committed again.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use portalmeter_rules::time::Millis;

use super::read_entry;
use crate::history::Memory;
use crate::intake::Sighted;
use crate::journal::Acknowledged;
use crate::journal::reader::{self, Damage};
use crate::observation::Stamp;
use crate::policy::PolicyId;
use crate::store::{self, Batch, NodeId, Recall, Store, StoreError, Vouched};

/// What was found in journals.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Recovered {
    /// Journals read.
    pub journals: u64,
    /// Entries that were committed, be it again.
    pub entries: u64,
    /// Bytes behind the last whole entry of a segment: cut off by a crash.
    pub torn_bytes: u64,
    /// Bytes before a whole entry that are none: damaged.
    pub damaged_bytes: u64,
    /// Entries that could not be read.
    pub unreadable: u64,
    /// Files among the segments that are none.
    pub foreign: u64,
}

impl Recovered {
    /// One more journal was read.
    fn note(&mut self, damage: &Damage) {
        self.journals += 1;
        self.torn_bytes += damage.torn_bytes;
        self.damaged_bytes += damage.damaged_bytes;
        self.foreign += damage.foreign;
    }

    /// Logs what was found, if there was anything.
    pub fn tell(&self) {
        let Self { entries, torn_bytes, damaged_bytes, unreadable, foreign, .. } = *self;
        if damaged_bytes > 0 {
            tracing::error!(
                damaged_bytes,
                "a journal is damaged, and what stood there is lost: see whether its disk is sound"
            );
        }
        if entries > 0 || torn_bytes > 0 || unreadable > 0 || foreign > 0 {
            tracing::warn!(
                entries,
                torn_bytes,
                unreadable,
                foreign_files = foreign,
                "committed what an earlier process left in its journal"
            );
        }
    }
}

/// How journals are committed.
pub struct Recovery<'a> {
    /// Where to.
    pub store: &'a mut dyn Store,
    /// Who knows visitors that the store has forgotten; nothing for a store that forgets nobody.
    pub recall: Option<&'a mut dyn Recall>,
    /// What the fold remembers.
    pub memory: Memory,
    /// When.
    pub now: Millis,
}

/// Entries committed in one step.
const AT_A_TIME: usize = 10_000;

/// Commits what dead processes left in their journals below `dir`.
pub fn recover(dir: &Path, mut recovery: Recovery<'_>) -> Result<Recovered, StoreError> {
    let mut found = Recovered::default();
    for dead in reader::dead(dir).map_err(|error| unreadable(dir, &error))? {
        let owed = Owed::by(dead.node, dead.acknowledged(), recovery.store)?;
        let damage = recovery.commit(&owed, &dead.policies(), &mut |entry| dead.read(entry), &mut found)?;
        found.note(&damage);
        recovery.store.leave(dead.node)?;
    }
    Ok(found)
}

/// Commits segments of a node that never comes back. What it knew to be committed is left out.
pub fn apply(segments: &[PathBuf], mut recovery: Recovery<'_>) -> Result<Recovered, StoreError> {
    let mut nodes: BTreeMap<PathBuf, (NodeId, Vec<&PathBuf>)> = BTreeMap::new();
    for segment in segments {
        let refused = |why: &str| StoreError::Open(format!("{}: {why}", segment.display()));
        let folder = segment.parent().map(Path::to_owned).unwrap_or_default();
        let node = reader::node_of(segment).ok_or_else(|| {
            refused("whose journal it was is told by its folder: copy that with it, such as 8a1c…/0000…1.journal")
        })?;
        if reader::is_being_written(&folder) {
            return Err(refused("its node runs, and commits it by itself"));
        }
        nodes.entry(folder).or_insert_with(|| (node, Vec::new())).1.push(segment);
    }
    let mut found = Recovered::default();
    for (folder, (node, segments)) in nodes {
        let owed = Owed::by(node, reader::acknowledged(&folder), recovery.store)?;
        let mut read = |entry: &mut dyn FnMut(&[u8])| {
            let mut damage = Damage::default();
            segments.iter().try_for_each(|segment| reader::read_segment(segment, entry, &mut damage))?;
            Ok(damage)
        };
        let damage = recovery.commit(&owed, &reader::policies(&folder), &mut read, &mut found)?;
        found.note(&damage);
        recovery.store.leave(node)?;
    }
    Ok(found)
}

fn unreadable(dir: &Path, error: &std::io::Error) -> StoreError {
    StoreError::Open(format!("{}: {error}", dir.display()))
}

/// What a journal's node owes to the store.
#[derive(Debug, Clone, Copy)]
pub(super) struct Owed {
    pub(super) node: NodeId,
    /// What is behind this is not committed.
    pub(super) committed: Acknowledged,
    /// Nor may be what is before: the store says so itself.
    pub(super) forgotten: bool,
}

impl Owed {
    fn by(node: NodeId, acknowledged: Acknowledged, store: &mut dyn Store) -> Result<Self, StoreError> {
        let upto = store.position(node)?.max(acknowledged.upto);
        Ok(Self { node, committed: Acknowledged { upto, ..acknowledged }, forgotten: false })
    }

    /// From when on what was committed may have been forgotten by a store that began at `begun`.
    fn forgotten_from(&self, begun: Millis, memory: Memory) -> Millis {
        let Acknowledged { at, .. } = self.committed;
        if self.forgotten || begun + NOTICED > at { begun.clamp(at - NOTICED, at) - memory.keep } else { Millis::MAX }
    }
}

/// A node that runs has noticed by then that the store began anew, in milliseconds.
const NOTICED: Millis = 10_000;

/// Reads entries, in order.
type Read<'a> = &'a mut dyn FnMut(&mut dyn FnMut(&[u8])) -> std::io::Result<Damage>;

impl Recovery<'_> {
    /// Commits what a node owes.
    pub(super) fn commit(
        &mut self,
        owed: &Owed,
        policies: &[Stamp],
        read: Read<'_>,
        found: &mut Recovered,
    ) -> Result<Damage, StoreError> {
        let mut vouched = Vouched::default();
        let mut forgotten: HashMap<Arc<str>, Millis> = HashMap::new();
        let mut known: HashMap<PolicyId, Option<Stamp>> =
            policies.iter().map(|stamp| (stamp.id, Some(stamp.clone()))).collect();
        self.store.know(policies)?;
        let mut part = Vec::new();
        let mut outcome = Ok(());
        let damage = read(&mut |bytes| {
            if outcome.is_err() {
                return;
            }
            let mut failure = None;
            let read = {
                let known = std::cell::RefCell::new((&mut known, &mut *self.store, &mut failure));
                read_entry(bytes, &|id| {
                    let (known, store, failure) = &mut *known.borrow_mut();
                    let asked = known.entry(id).or_insert_with(|| match store.stamp(id) {
                        Ok(stamp) => stamp,
                        Err(error) => {
                            **failure = Some(error);
                            None
                        }
                    });
                    asked.clone()
                })
            };
            if let Some(failure) = failure {
                outcome = Err(failure);
                return;
            }
            let Some((number, sighted)) = read else {
                found.unreadable += 1;
                return;
            };
            if number <= owed.committed.upto {
                match self.forgotten_from(owed, &sighted.scope.portal, &mut forgotten) {
                    Ok(from) if sighted.observation.at >= from => {}
                    Ok(_) => return,
                    Err(error) => {
                        outcome = Err(error);
                        return;
                    }
                }
            }
            found.entries += 1;
            part.push((number, sighted));
            if part.len() >= AT_A_TIME {
                outcome = self.take(owed.node, &mut part, &mut vouched);
            }
        });
        outcome?;
        self.take(owed.node, &mut part, &mut vouched)?;
        damage.map_err(|error| StoreError::Open(format!("the journal of {}: {error}", owed.node)))
    }

    /// From when on a portal's store may have forgotten what it was told of this; asked for once.
    fn forgotten_from(
        &mut self,
        owed: &Owed,
        portal: &Arc<str>,
        known: &mut HashMap<Arc<str>, Millis>,
    ) -> Result<Millis, StoreError> {
        if let Some(from) = known.get(portal) {
            return Ok(*from);
        }
        let begun = if self.recall.is_some() { self.store.begun(portal)? } else { None };
        let from = begun.map_or(Millis::MAX, |begun| owed.forgotten_from(begun, self.memory));
        known.insert(Arc::clone(portal), from);
        Ok(from)
    }

    fn take(&mut self, node: NodeId, part: &mut Vec<(u64, Sighted)>, vouched: &mut Vouched) -> Result<(), StoreError> {
        let Some(upto) = part.iter().map(|(number, _)| *number).max() else { return Ok(()) };
        let sighted = std::mem::take(part).into_iter().map(|(_, sighted)| sighted).collect();
        let batch = Batch::new(node, upto, sighted, self.now);
        match &mut self.recall {
            Some(recall) => store::commit_again(self.store, &batch, self.memory, *recall, vouched)?,
            None => store::commit(self.store, &batch, self.memory)?,
        };
        Ok(())
    }
}
