//! The archived journals counted again, by the very commits that counted them first, into a store in memory.

use std::collections::{HashMap, HashSet};

use portalmeter_rules::id::Name;
use portalmeter_rules::time::Millis;

use crate::day::{Day, Month};
use crate::entry::{Entry, UsageRecord};
use crate::history::Memory;
use crate::intake::Sighted;
use crate::observation::Stamp;
use crate::policy::PolicyId;
use crate::record::Reason;
use crate::session::Class;
use crate::store::step::{Outcome, Place, Slot, Step};
use crate::store::{Batch, NodeId, Resumed, Store, StoreError, commit};

/// What follows from journals.
pub struct Refold {
    store: InMemory,
    memory: Memory,
    waiting: Vec<Sighted>,
    newest: Millis,
    swept: Millis,
}

/// A record that follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Expected {
    pub(super) module: Option<String>,
    pub(super) visitor: Name,
    pub(super) day: Day,
    pub(super) zone: String,
    pub(super) class: Class,
    pub(super) reason: Reason,
    pub(super) account: Option<String>,
    pub(super) event_time: Millis,
}

/// So many observations are committed in one step.
const AT_A_TIME: usize = 1_000;
/// How often what is past its time is forgotten.
const SWEEP: Millis = 60_000;

impl Refold {
    /// Counts a month of these portals, or of all if none is named. Visitors who were there before `unsure` may have
    /// been there before the journals begin: nothing is said of them.
    pub fn new(stamps: &[Stamp], memory: Memory, month: Month, portals: &[String], unsure: Option<Millis>) -> Self {
        let stamps = stamps.iter().map(|stamp| (stamp.id, stamp.clone())).collect();
        let (values, records, doubtful) = (HashMap::new(), HashMap::new(), HashSet::new());
        let store = InMemory { stamps, values, records, doubtful, month, portals: portals.to_vec(), unsure };
        Self { store, memory, waiting: Vec::new(), newest: Millis::MIN, swept: Millis::MIN }
    }

    /// Takes what was seen, in order of time as far as it was journaled so.
    pub fn take(&mut self, sighted: Sighted) -> Result<(), StoreError> {
        self.newest = self.newest.max(sighted.observation.at);
        self.waiting.push(sighted);
        if self.waiting.len() >= AT_A_TIME { self.commit() } else { Ok(()) }
    }

    /// What follows from all of it.
    pub fn finish(mut self) -> Result<Refolded, StoreError> {
        self.commit()?;
        let InMemory { records, doubtful, .. } = self.store;
        let mut portals: HashMap<String, HashMap<Name, Expected>> = HashMap::new();
        for (id, (portal, record)) in records {
            portals.entry(portal).or_default().insert(id, record);
        }
        Ok(Refolded { portals, doubtful })
    }

    fn commit(&mut self) -> Result<(), StoreError> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        let now = self.newest;
        let batch = Batch::new(NodeId([0; 8]), 0, std::mem::take(&mut self.waiting), now);
        commit(&mut self.store, &batch, self.memory)?;
        if now.saturating_sub(self.swept) > SWEEP {
            self.swept = now;
            self.store.values.retain(|_, (_, expires)| *expires > now);
        }
        Ok(())
    }
}

/// What follows from the journals of a month.
#[derive(Debug, Default)]
pub struct Refolded {
    /// By portal and id.
    pub(super) portals: HashMap<String, HashMap<Name, Expected>>,
    /// Visitors of whom nothing is said.
    pub(super) doubtful: HashSet<Somebody>,
}

/// A visitor in a portal, or in one of its modules.
pub(super) type Somebody = (String, Option<String>, Name);

struct InMemory {
    stamps: HashMap<PolicyId, Stamp>,
    values: HashMap<Place, (Vec<u8>, Millis)>,
    records: HashMap<Name, (String, Expected)>,
    doubtful: HashSet<Somebody>,
    month: Month,
    portals: Vec<String>,
    unsure: Option<Millis>,
}

impl InMemory {
    fn hear(&mut self, entry: &Entry) {
        match entry {
            Entry::Record(record) if record.day.month() == self.month && self.wants(&record.portal) => {
                self.records.insert(record.id, (record.portal.clone(), expected(record)));
            }
            Entry::Withdrawn(record) => drop(self.records.remove(&record.id)),
            _ => {}
        }
    }

    fn wants(&self, portal: &String) -> bool {
        self.portals.is_empty() || self.portals.contains(portal)
    }
}

fn expected(record: &UsageRecord) -> Expected {
    Expected {
        module: record.module.clone(),
        visitor: record.visitor,
        day: record.day,
        zone: record.zone.clone(),
        class: record.class,
        reason: record.reason,
        account: record.account.clone(),
        event_time: record.event_time,
    }
}

impl Store for InMemory {
    fn know(&mut self, stamps: &[Stamp]) -> Result<(), StoreError> {
        self.stamps.extend(stamps.iter().map(|stamp| (stamp.id, stamp.clone())));
        Ok(())
    }

    fn stamp(&mut self, id: PolicyId) -> Result<Option<Stamp>, StoreError> {
        Ok(self.stamps.get(&id).cloned())
    }

    fn position(&mut self, _: NodeId) -> Result<u64, StoreError> {
        Ok(0)
    }

    fn passed(&mut self, _: NodeId, _: u64, _: Millis) -> Result<(), StoreError> {
        Ok(())
    }

    fn load(&mut self, places: &[Place]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        Ok(places.iter().map(|place| self.values.get(place).map(|(value, _)| value.clone())).collect())
    }

    fn apply(&mut self, steps: &[Step], now: Millis) -> Result<Vec<Outcome>, StoreError> {
        for step in steps {
            for write in &step.writes {
                let place = Place { portal: step.portal.clone(), slot: write.slot.clone() };
                if let (Slot::Visitor(visitor, module), true) = (&write.slot, self.unsure.is_some_and(|at| now < at)) {
                    self.doubtful.insert((step.portal.to_string(), module.as_deref().map(str::to_owned), *visitor));
                }
                match &write.after {
                    Some(value) => drop(self.values.insert(place, (value.clone(), write.expires))),
                    None => drop(self.values.remove(&place)),
                }
            }
            step.entries.iter().for_each(|entry| self.hear(entry));
        }
        Ok(steps.iter().map(|_| Outcome::Done).collect())
    }

    fn resume(&mut self, _: Millis) -> Result<Resumed, StoreError> {
        Ok(Resumed::new())
    }

    fn expire(&mut self, _: Millis) -> Result<(), StoreError> {
        Ok(())
    }
}
