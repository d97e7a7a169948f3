//! Commits a batch: reads what its plans need, takes their steps, and plans again where a race was lost.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use portalmeter_rules::time::Millis;

use super::plan::{Circumstances, Held, Planned, Visit, plan};
use super::recall::{Recall, Recalled, Vouched};
use super::step::{Outcome, Place, Slot, Step};
use super::{Committed, NodeId, Store, StoreError};
use crate::history::Memory;
use crate::intake::Sighted;
use crate::observation::{Key, Stamp};
use crate::policy::PolicyId;

/// What a node commits at once.
#[derive(Debug, Clone)]
pub struct Batch {
    /// Whose.
    pub node: NodeId,
    /// The node's last entry in this batch: what it has up to here is in after the commit.
    pub upto: u64,
    /// What was seen, by visitor and scope.
    pub visits: Vec<Visit>,
    /// When, for the records' stored time.
    pub now: Millis,
}

impl Batch {
    /// A batch of what was seen, in any order.
    pub fn new(node: NodeId, upto: u64, sighted: Vec<Sighted>, now: Millis) -> Self {
        let mut visits: Vec<Visit> = Vec::new();
        let mut places: HashMap<Key, usize> = HashMap::new();
        for one in sighted {
            let place = *places.entry(one.key).or_insert_with(|| {
                visits.push(Visit { scope: Arc::clone(&one.scope), key: one.key, sighted: Vec::new() });
                visits.len() - 1
            });
            if let Some(visit) = visits.get_mut(place) {
                visit.sighted.push(one);
            }
        }
        Self { node, upto, visits, now }
    }

    /// Sessions that ended before do not matter to it.
    fn since(&self, memory: Memory) -> Millis {
        let seen = self.visits.iter().flat_map(|visit| &visit.sighted).map(|one| one.observation.at);
        seen.fold(self.now, Millis::min) - memory.keep
    }

    /// What was seen, one by one.
    pub fn into_sighted(self) -> Vec<Sighted> {
        self.visits.into_iter().flat_map(|visit| visit.sighted).collect()
    }
}

/// A race is lost so often before the rest of a batch is put off.
const ROUNDS: usize = 64;

/// For so many visits values are read at once …
const AHEAD: usize = 256;
/// … as often as one value leads to another, mostly.
const LOOKS: u32 = 3;

/// Commits a batch. What was committed stays so whatever becomes of the rest: to commit it again changes nothing.
pub fn commit(store: &mut dyn Store, batch: &Batch, memory: Memory) -> Result<Committed, StoreError> {
    Commit::new(store, batch, memory).run()
}

/// Commits a batch to a store that may have forgotten visitors: the ledger is asked who was there.
pub fn commit_recalling(
    store: &mut dyn Store,
    batch: &Batch,
    memory: Memory,
    recall: &mut dyn Recall,
) -> Result<Committed, StoreError> {
    Commit { recall: Some((recall, batch.since(memory))), ..Commit::new(store, batch, memory) }.run()
}

/// Commits a batch of what was committed before to a store that has forgotten it.
pub fn commit_again(
    store: &mut dyn Store,
    batch: &Batch,
    memory: Memory,
    recall: &mut dyn Recall,
    vouched: &mut Vouched,
) -> Result<Committed, StoreError> {
    let commit = Commit::new(store, batch, memory);
    Commit { recall: Some((recall, batch.since(memory))), again: Some(vouched), ..commit }.run()
}

/// A batch that is being committed.
struct Commit<'a> {
    store: &'a mut dyn Store,
    batch: &'a Batch,
    memory: Memory,
    /// Who is asked for visitors that the store may have forgotten, and since when they were seen.
    recall: Option<(&'a mut dyn Recall, Millis)>,
    again: Option<&'a mut Vouched>,
    held: Held,
    recalled: Recalled,
    stamps: HashMap<PolicyId, Option<Stamp>>,
}

impl<'a> Commit<'a> {
    fn new(store: &'a mut dyn Store, batch: &'a Batch, memory: Memory) -> Self {
        let memory = Memory { passed: memory.passed.min(store.passed_by_all()), ..memory };
        let (held, recalled, stamps) = (Held::new(), Recalled::default(), HashMap::new());
        Self { store, batch, memory, recall: None, again: None, held, recalled, stamps }
    }

    fn run(mut self) -> Result<Committed, StoreError> {
        let batch = self.batch;
        self.load(batch.visits.iter().flat_map(Visit::likely).collect())?;
        if self.again.is_some() {
            // Of those that are found in the ledger it tells where else.
            self.load_those_that_may_begin()?;
            self.load_those_that_may_begin()?;
        }
        let mut done = Committed::default();
        let mut left: Vec<&Visit> = batch.visits.iter().collect();
        for _ in 0..ROUNDS {
            if left.is_empty() {
                self.store.passed(batch.node, batch.upto, batch.now)?;
                return Ok(done);
            }
            left = self.round(&left, &mut done)?;
        }
        Err(StoreError::Contended(left.len()))
    }

    fn load_those_that_may_begin(&mut self) -> Result<(), StoreError> {
        let places = self.batch.visits.iter().flat_map(|visit| {
            let place = |slot| Place { portal: Arc::clone(&visit.scope.portal), slot };
            visit.may_begin(&self.recalled).map(place)
        });
        self.load(places.filter(|place| !self.held.contains_key(place)).collect())
    }

    /// Plans these visits in their order on what the store is thought to hold, and takes their steps; returns those that
    /// lost a race.
    fn round<'v>(&mut self, visits: &[&'v Visit], done: &mut Committed) -> Result<Vec<&'v Visit>, StoreError> {
        let (mut steps, mut planned) = (Vec::new(), Vec::new());
        for part in visits.chunks(AHEAD) {
            let (mut next, mut looks) = (part, LOOKS);
            while let Some((visit, others)) = next.split_first() {
                next = others;
                let (step, outcome) = loop {
                    match self.plan(visit)? {
                        Ok((step, outcome, damaged)) => {
                            if damaged.is_empty() || !self.store.set_aside(&damaged, self.batch.now)? {
                                break (step, outcome);
                            }
                            done.damaged += damaged.len() as u64;
                            self.held.extend(damaged.into_iter().map(|place| (place, None)));
                        }
                        Err(needs) => self.load_ahead(needs, if looks > 0 { next } else { &[] })?,
                    }
                    looks = looks.saturating_sub(1);
                };
                for write in &step.writes {
                    let place = Place { portal: Arc::clone(&step.portal), slot: write.slot.clone() };
                    self.held.insert(place, write.after.clone());
                }
                planned.push((*visit, outcome));
                steps.push(step);
            }
        }
        let outcomes = self.store.apply(&steps, self.batch.now)?;
        let mut lost = Vec::new();
        for ((step, (visit, committed)), outcome) in steps.iter().zip(planned).zip(outcomes) {
            match outcome {
                Outcome::Done => {
                    self.vouched(step);
                    done.add(committed);
                }
                Outcome::Reset => return Err(StoreError::Forgot),
                Outcome::Lost(there) => {
                    done.races += 1;
                    for (write, value) in step.writes.iter().zip(there) {
                        self.held.insert(Place { portal: Arc::clone(&step.portal), slot: write.slot.clone() }, value);
                    }
                    lost.push(visit);
                }
            }
        }
        Ok(lost)
    }

    /// Reads what a plan needs, and with it what those of the next visits will.
    fn load_ahead(&mut self, mut needs: BTreeSet<Place>, next: &[&Visit]) -> Result<(), StoreError> {
        for visit in next {
            needs.extend(self.plan(visit)?.err().into_iter().flatten());
        }
        self.load(needs)
    }

    fn vouched(&mut self, step: &Step) {
        let Some(vouched) = &mut self.again else { return };
        for write in step.writes.iter().filter(|write| matches!(write.slot, Slot::Visitor(..))) {
            vouched.note(Place { portal: Arc::clone(&step.portal), slot: write.slot.clone() });
        }
    }

    fn plan(&mut self, visit: &Visit) -> Result<Planned, StoreError> {
        let Self { store, stamps, held, recalled, memory, batch, again, .. } = self;
        let (asking, failure) = (RefCell::new((store, stamps)), RefCell::new(None));
        let stamp = |id| {
            let (store, stamps) = &mut *asking.borrow_mut();
            if let Some(known) = stamps.get(&id) {
                return known.clone();
            }
            let found = store.stamp(id).unwrap_or_else(|error| {
                failure.replace(Some(error));
                None
            });
            stamps.insert(id, found.clone());
            found
        };
        let again = again.as_deref();
        let at = Circumstances { held, recalled, again, stamps: &stamp, memory: *memory, now: batch.now };
        let planned = plan(visit, at);
        // A value whose policy cannot be asked for is not damaged.
        failure.into_inner().map_or(Ok(planned), Err)
    }

    fn load(&mut self, places: BTreeSet<Place>) -> Result<(), StoreError> {
        if places.is_empty() {
            return Ok(());
        }
        let places: Vec<Place> = places.into_iter().collect();
        let values = self.store.load(&places)?;
        if let Some((recall, since)) = &mut self.recall {
            self.recalled.learn_begun(self.store, &places)?;
            // Of a visitor that the store has a plan says whether that is enough, and needs it once more if not.
            let (held, always) = (&self.held, self.again.is_some());
            let unknown = places
                .iter()
                .zip(&values)
                .filter(|(place, value)| always || value.is_none() || held.contains_key(place));
            let unknown = unknown.map(|(place, _)| place).collect();
            self.recalled.ask(*recall, unknown, (*since, self.batch.now, self.memory), always)?;
        }
        self.held.extend(places.into_iter().zip(values));
        Ok(())
    }
}
