//! Commits a batch: reads what its plans need, takes their steps, and plans again where a race was lost.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use portalmeter_rules::time::Millis;

use super::plan::{Circumstances, Held, Visit, plan};
use super::step::{Outcome, Place, Step};
use super::{Committed, NodeId, Store, StoreError};
use crate::history::Memory;
use crate::intake::Sighted;
use crate::observation::Key;
use crate::observation::Stamp;
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

    /// What was seen, one by one.
    pub fn into_sighted(self) -> Vec<Sighted> {
        self.visits.into_iter().flat_map(|visit| visit.sighted).collect()
    }
}

/// A race is lost so often before the rest of a batch is put off.
const ROUNDS: usize = 64;

/// Commits a batch. What was committed stays so whatever becomes of the rest: to commit it again changes nothing.
pub fn commit(store: &mut dyn Store, batch: &Batch, memory: Memory) -> Result<Committed, StoreError> {
    let mut done = Committed::default();
    let mut stamps: HashMap<PolicyId, Option<Stamp>> = HashMap::new();
    let mut held = Held::new();
    let likely: BTreeSet<Place> = batch.visits.iter().flat_map(Visit::likely).collect();
    load(store, likely, &mut held)?;
    let mut left: Vec<&Visit> = batch.visits.iter().collect();
    for _ in 0..ROUNDS {
        if left.is_empty() {
            store.passed(batch.node, batch.upto, batch.now)?;
            return Ok(done);
        }
        let (mut steps, mut planned) = (Vec::new(), Vec::new());
        for visit in &left {
            let (step, outcome) = planned_step(store, visit, batch.now, memory, &mut held, &mut stamps)?;
            for write in &step.writes {
                let place = Place { portal: Arc::clone(&step.portal), slot: write.slot.clone() };
                held.insert(place, write.after.clone());
            }
            planned.push((*visit, outcome));
            steps.push(step);
        }
        let outcomes = store.apply(&steps, batch.now)?;
        left.clear();
        for ((step, (visit, committed)), outcome) in steps.iter().zip(planned).zip(outcomes) {
            match outcome {
                Outcome::Done => done.add(committed),
                Outcome::Reset => return Err(StoreError::Forgot),
                Outcome::Lost(there) => {
                    done.races += 1;
                    correct(&mut held, step, there);
                    left.push(visit);
                }
            }
        }
    }
    Err(StoreError::Contended(left.len()))
}

/// What a store really holds, where a step was refused.
fn correct(held: &mut Held, step: &Step, there: Vec<Option<Vec<u8>>>) {
    for (write, value) in step.writes.iter().zip(there) {
        held.insert(Place { portal: Arc::clone(&step.portal), slot: write.slot.clone() }, value);
    }
}

fn planned_step(
    store: &mut dyn Store,
    visit: &Visit,
    now: Millis,
    memory: Memory,
    held: &mut Held,
    stamps: &mut HashMap<PolicyId, Option<Stamp>>,
) -> Result<(Step, Committed), StoreError> {
    loop {
        let needs = {
            let store = std::cell::RefCell::new(&mut *store);
            let stamps = std::cell::RefCell::new(&mut *stamps);
            let stamp = |id| stamps.borrow_mut().entry(id).or_insert_with(|| store.borrow_mut().stamp(id)).clone();
            match plan(visit, Circumstances { held, stamps: &stamp, memory, now }) {
                Ok(planned) => return Ok(planned),
                Err(places) => places,
            }
        };
        load(store, needs, held)?;
    }
}

fn load(store: &mut dyn Store, places: BTreeSet<Place>, held: &mut Held) -> Result<(), StoreError> {
    let places: Vec<Place> = places.into_iter().collect();
    let values = store.load(&places)?;
    held.extend(places.into_iter().zip(values));
    Ok(())
}
