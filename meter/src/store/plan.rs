//! From what was seen of a visitor, and what a store holds, to the one step that a commit takes.
//!
//! Pure: a sheet is filled with the values as they were read; the step writes them back if they still
//! are that. Nothing here knows of a database.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use portalmeter_rules::time::Millis;

use super::Committed;
use super::recall::{Recalled, Times, Vouched};
use super::row::Stamps;
use super::step::{Gain, Lively, Place, Slot, Step, Write};
use super::telling::{Gains, Whose};
use super::value;
use crate::entry::Entry;
use crate::history::Memory;
use crate::intake::Sighted;
use crate::names::{Handed, Who};
use crate::observation::{Key, Scope, Stamp};
use crate::policy::Policy;
use crate::sheet::{Needs, Open, Sheet, Shelf, Value, Visitor};
use crate::usage::Sums;

/// Values as a store holds them, or will once the steps before this one are taken.
pub(super) type Held = HashMap<Place, Option<Vec<u8>>>;

/// Everything that was seen of one visitor in one scope, as far as a node tells visitors apart.
#[derive(Debug, Clone)]
pub struct Visit {
    /// Where.
    pub scope: Arc<Scope>,
    /// Where and of whom.
    pub key: Key,
    /// What, in any order.
    pub sighted: Vec<Sighted>,
}

/// What a plan needs to know beside the values.
#[derive(Clone, Copy)]
pub(super) struct Circumstances<'a> {
    pub(super) held: &'a Held,
    /// What is known of visitors that the store may have forgotten.
    pub(super) recalled: &'a Recalled,
    /// While journals are sent again: whom the ledger was told all of.
    pub(super) again: Option<&'a Vouched>,
    pub(super) stamps: Stamps<'a>,
    pub(super) memory: Memory,
    pub(super) now: Millis,
}

impl Circumstances<'_> {
    fn times(&self, policy: &Policy) -> Times {
        let Policy { idle_timeout: idle, min_pages, .. } = *policy;
        Times { now: self.now, idle, min_pages, memory: self.memory }
    }
}

impl Visit {
    /// Slots that its plan will most likely ask for.
    pub(super) fn likely(&self) -> Vec<Place> {
        let module = self.scope.module.clone();
        let mut slots = vec![Slot::Visitor(self.key.visitor, module.clone()), Slot::Also(self.key.visitor)];
        for sighted in &self.sighted {
            let Who::Browser(trace) = &sighted.who else {
                slots.truncate(1);
                continue;
            };
            if let (None, Some(Handed::Ours(name) | Handed::Out(name))) = (trace.cookie, trace.handed) {
                slots.push(Slot::Visitor(name, module.clone()));
            }
        }
        slots.into_iter().map(|slot| Place { portal: Arc::clone(&self.scope.portal), slot }).collect()
    }

    /// Slots of those whose sessions it may be taken to begin: here, and where the ledger knows them.
    pub(super) fn may_begin<'v>(&'v self, recalled: &'v Recalled) -> impl Iterator<Item = Slot> + 'v {
        self.sighted.iter().flat_map(Sighted::may_begin).flat_map(|visitor| {
            let here = Slot::Visitor(visitor, self.scope.module.clone());
            std::iter::once(here).chain(recalled.slots_of(visitor).cloned())
        })
    }
}

/// Values as bytes, taken down and read.
struct Bytes<'a> {
    at: Circumstances<'a>,
    portal: &'a Arc<str>,
    policy: &'a Policy,
    before: Vec<Option<Vec<u8>>>,
    damaged: Vec<Place>,
}

impl Shelf for Bytes<'_> {
    fn take_down(&mut self, slot: &Slot) -> Result<Value, Needs> {
        let place = Place { portal: Arc::clone(self.portal), slot: slot.clone() };
        let Some(before) = self.at.held.get(&place) else { return Err(Needs([slot.clone()].into())) };
        let read = before.as_deref().map(|bytes| value::read(bytes, slot, self.at.stamps));
        let value = read.unwrap_or(Ok(Value::Nothing)).unwrap_or_else(|value::Damaged| {
            self.damaged.push(place.clone());
            let bytes = before.as_ref().map_or(0, Vec::len);
            tracing::warn!(?place, bytes, "a value could not be read; it is begun anew");
            Value::Nothing
        });
        let seen = if let Value::Visitor(visitor) = &value { visitor.history.last_seen() } else { None };
        let times = self.at.times(self.policy);
        if self.at.recalled.has_to_be_asked(&place, seen, times) {
            return Err(Needs([slot.clone()].into()));
        }
        self.before.push(before.clone());
        let recalled = self.at.recalled.visitor(&place, seen, times);
        Ok(recalled.map_or(value, |visitor| Value::Visitor(Box::new(visitor))))
    }
}

/// A step with what it does and whose values it could not read, or what has to be read first.
pub(super) type Planned = Result<(Step, Committed, Vec<Place>), BTreeSet<Place>>;

/// The step for a visit.
pub(super) fn plan(visit: &Visit, at: Circumstances<'_>) -> Planned {
    let portal = &visit.scope.portal;
    let mut sighted: Vec<&Sighted> = visit.sighted.iter().collect();
    sighted.sort_by(|one, other| one.observation.cmp(&other.observation));
    let Some(&first) = sighted.first() else { return Ok(Default::default()) };
    let stamp = &first.observation.stamp;
    let policy = &*stamp.policy;
    let mut bytes = Bytes { at, portal, policy, before: Vec::new(), damaged: Vec::new() };
    let mut sheet = Sheet::new(&mut bytes, first, at.memory);
    let looked = match at.again {
        Some(_) => visit.may_begin(at.recalled).try_for_each(|slot| sheet.look_at(slot)),
        None => Ok(()),
    };
    looked.and_then(|()| sighted.into_iter().try_for_each(|one| sheet.take(one))).map_err(|Needs(slots)| {
        slots.into_iter().map(|slot| Place { portal: Arc::clone(portal), slot }).collect::<BTreeSet<_>>()
    })?;
    let (open, late) = sheet.finish();
    let Memory { keep, settle, .. } = at.memory;
    // Of a cookie that does not say when it was handed out only the store can tell that it is known: also to those who
    // commit late because the store was away.
    let spare = if visit.sighted.iter().all(|one| one.who.says_when()) { settle } else { keep };
    let mut made = Made::new(at, portal, policy, spare);
    made.done = Committed { damaged: bytes.damaged.len() as u64, late: u64::from(late.late), ..Committed::default() };
    for day in late.pages {
        made.gains.entry((visit.scope.module.clone(), day)).or_default().page_views += 1;
    }
    for (open, before) in open.into_iter().zip(bytes.before) {
        made.write(open, before, stamp);
    }
    let (step, done) = made.finish(stamp);
    Ok((step, done, bytes.damaged))
}

/// A step in the making.
struct Made<'a> {
    at: Circumstances<'a>,
    policy: &'a Policy,
    /// For so long what has lapsed is kept.
    spare: Millis,
    step: Step,
    done: Committed,
    gains: Gains,
    vouched: Vec<Entry>,
    withdrawn: Vec<Entry>,
    told: Vec<Entry>,
}

impl<'a> Made<'a> {
    fn new(at: Circumstances<'a>, portal: &Arc<str>, policy: &'a Policy, spare: Millis) -> Self {
        Self {
            at,
            policy,
            spare,
            step: Step { portal: Arc::clone(portal), ..Step::default() },
            done: Committed::default(),
            gains: Gains::new(),
            vouched: Vec::new(),
            withdrawn: Vec::new(),
            told: Vec::new(),
        }
    }

    fn write(&mut self, open: Open, before: Option<Vec<u8>>, stamp: &Stamp) {
        let Open { slot, mut value, change, touched } = open;
        self.vouch(&slot, &value, before.is_some(), stamp);
        if let (Slot::Visitor(name, module), Value::Visitor(visitor), true) = (&slot, &mut value, touched) {
            let scope = Arc::new(Scope { portal: Arc::clone(&self.step.portal), module: module.clone() });
            let whose = Whose { scope: &scope, visitor: *name, now: self.at.now, stamp: Some(stamp) };
            self.done.late += u64::from(change.late);
            whose.gains(visitor, &change, &mut self.gains);
            whose.entries(visitor, change, &mut self.told, &mut self.withdrawn);
            let last_seen = visitor.history.session().map(|session| session.last_seen);
            self.step.live.push(Lively { visitor: *name, module: module.clone(), last_seen });
        }
        let expires = value.expires(self.at.now, self.policy.idle_timeout, self.at.memory, self.spare);
        let after = if touched { value::write(&value) } else { before.clone() };
        // What was not there has to be away still: a cookie may have been renewed meanwhile.
        self.step.writes.push(Write { slot, before, after, expires });
    }

    /// Tells the ledger all that there is of a visitor, where that is due.
    fn vouch(&mut self, slot: &Slot, value: &Value, is_there: bool, stamp: &Stamp) {
        let Slot::Visitor(name, module) = slot else { return };
        let place = Place { portal: Arc::clone(&self.step.portal), slot: slot.clone() };
        let Some(from) = self.at.recalled.vouches(&place, is_there, self.at.again, self.at.times(self.policy)) else {
            return;
        };
        let scope = Arc::new(Scope { portal: place.portal, module: module.clone() });
        let whose = Whose { scope: &scope, visitor: *name, now: self.at.now, stamp: Some(stamp) };
        let nothing = Visitor::default();
        let visitor = if let Value::Visitor(visitor) = value { visitor } else { &nothing };
        self.vouched.extend(whose.vouch(visitor, from, is_there));
    }

    fn finish(self, stamp: &Stamp) -> (Step, Committed) {
        let Self { mut step, mut done, gains, vouched, withdrawn, told, .. } = self;
        done.withdrawn += withdrawn.len() as u64;
        done.added += told.iter().filter(|entry| matches!(entry, Entry::Record(_))).count() as u64;
        // What no longer follows goes first: the same id may come back with another class.
        step.entries = vouched;
        step.entries.extend(withdrawn);
        step.entries.extend(told);
        let zone: Arc<str> = stamp.policy.zone.name().into();
        let gained = gains.into_iter().filter(|(_, sums)| *sums != Sums::default());
        step.gains = gained.map(|((module, day), sums)| Gain { module, day, zone: Arc::clone(&zone), sums }).collect();
        (step, done)
    }
}
