//! Metering without a store: what `replay` and `explain` count in memory.
//!
//! The same histories and the same fold as the stores use. Memory is bounded by who is live: a
//! visitor past its time is dropped, and a day's sets of unique visitors once nothing can add to it.

use std::collections::{HashMap, HashSet, VecDeque, hash_map};
use std::sync::Arc;

use portalmeter_rules::id::Name;
use portalmeter_rules::time::Millis;
use portalmeter_rules::verdict::Kind;

use crate::day::{Day, Zone};
use crate::fold::Counted;
use crate::history::{Change, Memory};
use crate::intake::{Sighted, Sink};
use crate::ledger::By;
use crate::names::Who;
use crate::observation::{Key, Scope, ScopeId};
use crate::sheet::{Needs, Open, Sheet, Shelf, Value};
use crate::store::step::Slot;
use crate::usage::{Counters, State, Sums, Usage};

/// What is looked up here is named by keyed hashes, which nobody outside can choose.
type QuickMap<K, V> = HashMap<K, V, foldhash::fast::RandomState>;
type QuickSet<K> = HashSet<K, foldhash::fast::RandomState>;

/// A meter in memory.
pub struct Offline {
    memory: Memory,
    values: Values,
    /// Who is live, as a node would know it.
    live: QuickMap<Key, (Millis, Millis)>,
    expiry: VecDeque<(Millis, Kept)>,
    days: QuickMap<(ScopeId, Day), DayTotals>,
    newest: Millis,
    line: u16,
    closed_to: Millis,
    late: u64,
    keeps_counted: bool,
    counted: Vec<(Arc<Scope>, Counted)>,
}

/// Values by scope of the whole portal, and slot; each with when it may be forgotten.
#[derive(Default)]
struct Values {
    portal: ScopeId,
    kept: QuickMap<(ScopeId, Slot), (Value, Millis)>,
}

/// What is forgotten in time.
enum Kept {
    Value(ScopeId, Slot),
    Live(Key),
}

impl Shelf for Values {
    fn take_down(&mut self, slot: &Slot) -> Result<Value, Needs> {
        let value = self.kept.get_mut(&(self.portal, slot.clone()));
        Ok(value.map(|(value, _)| std::mem::take(value)).unwrap_or_default())
    }
}

struct DayTotals {
    scope: Arc<Scope>,
    zone: Zone,
    ends: Millis,
    sums: Sums,
    uniques: Uniques,
}

enum Uniques {
    Open { visitors: QuickSet<Name>, users: QuickSet<Name> },
    Closed { visitors: i64, users: i64 },
}

/// How often what is past its time is looked for.
const SWEEP: Millis = 60_000;

impl Offline {
    /// A meter that remembers as long as `memory` says.
    pub fn new(memory: Memory) -> Self {
        Self {
            memory,
            values: Values::default(),
            live: QuickMap::default(),
            expiry: VecDeque::new(),
            days: QuickMap::default(),
            newest: Millis::MIN,
            line: 0,
            closed_to: Millis::MIN,
            late: 0,
            keeps_counted: false,
            counted: Vec::new(),
        }
    }

    /// One that also keeps what it counted, until it is asked for.
    pub fn explaining(memory: Memory) -> Self {
        Self { keeps_counted: true, ..Self::new(memory) }
    }

    /// What comes from here on is another line of the log, be it word by word the same: whoever writes it twice
    /// means it.
    pub fn another_line(&mut self) {
        self.line = self.line.wrapping_add(1);
    }

    /// What was counted since the last call.
    pub fn take_counted(&mut self) -> Vec<(Arc<Scope>, Counted)> {
        std::mem::take(&mut self.counted)
    }

    /// Observations that came too late to count.
    pub fn late(&self) -> u64 {
        self.late
    }

    /// How many visitors are in memory.
    pub fn len(&self) -> usize {
        self.values.kept.keys().filter(|(_, slot)| matches!(slot, Slot::Visitor(..))).count()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.values.kept.is_empty()
    }

    /// Usage by day.
    pub fn usage(&self) -> Vec<Usage> {
        let row = |(_, day): &(ScopeId, Day), totals: &DayTotals| {
            let (unique_visitors, unique_users) = totals.uniques.counts();
            let (day, month) = By::Day.label(*day);
            Usage {
                portal: totals.scope.portal.to_string(),
                module: totals.scope.module.as_deref().map(str::to_owned),
                day,
                month,
                timezone: totals.zone.name().to_owned(),
                counters: Counters::of(&totals.sums),
                unique_visitors,
                unique_users,
                state: State::Open,
            }
        };
        self.days.iter().map(|(key, totals)| row(key, totals)).collect()
    }

    fn is_too_late(&self, sighted: &Sighted) -> bool {
        // Whoever was here then may have been dropped since; and a closed day takes nothing more.
        sighted.observation.at < self.newest.saturating_sub(self.memory.keep)
    }

    fn count(&mut self, scope: &Arc<Scope>, visitor: Name, bot: bool, change: &Change, zone: &Zone) {
        let id = scope.id();
        for counted in &change.counted {
            self.day(scope, id, counted.day, zone).sums.add(counted.class, 1);
        }
        for counted in &change.withdrawn {
            self.day(scope, id, counted.day, zone).sums.add(counted.class, -1);
        }
        for conversion in &change.converted {
            self.day(scope, id, conversion.day, zone).sums.converted += 1;
        }
        for conversion in &change.unconverted {
            self.day(scope, id, conversion.day, zone).sums.converted -= 1;
        }
        for (day, millis) in change.lasted.iter().filter(|_| !bot) {
            self.day(scope, id, *day, zone).sums.duration_ms += millis;
        }
        for day in &change.pages {
            self.day(scope, id, *day, zone).sums.page_views += 1;
        }
        for (day, user) in &change.present {
            if let Uniques::Open { visitors, users } = &mut self.day(scope, id, *day, zone).uniques {
                visitors.insert(visitor);
                users.extend(*user);
            }
        }
        for (day, _) in &change.absent {
            if let Uniques::Open { visitors, .. } = &mut self.day(scope, id, *day, zone).uniques {
                visitors.remove(&visitor);
            }
        }
    }

    fn day(&mut self, scope: &Arc<Scope>, id: ScopeId, day: Day, zone: &Zone) -> &mut DayTotals {
        self.days.entry((id, day)).or_insert_with(|| DayTotals {
            scope: Arc::clone(scope),
            ends: zone.end(day),
            zone: zone.clone(),
            sums: Sums::default(),
            uniques: Uniques::Open { visitors: QuickSet::default(), users: QuickSet::default() },
        })
    }

    fn sweep(&mut self) {
        let keep = self.memory.keep;
        while self.expiry.front().is_some_and(|(due, _)| *due <= self.newest) {
            let Some((due, kept)) = self.expiry.pop_front() else { break };
            let later = match &kept {
                Kept::Value(portal, slot) => {
                    self.values.kept.get(&(*portal, slot.clone())).map(|(_, expires)| *expires)
                }
                Kept::Live(key) => self.live.get(key).map(|(last_seen, idle)| last_seen + idle),
            };
            match (later, kept) {
                (Some(later), kept) if later > due && later > self.newest => self.expiry.push_back((later, kept)),
                (_, Kept::Value(portal, slot)) => drop(self.values.kept.remove(&(portal, slot))),
                (_, Kept::Live(key)) => drop(self.live.remove(&key)),
            }
        }
        for totals in self.days.values_mut().filter(|totals| totals.ends + keep < self.newest) {
            totals.uniques.close();
        }
    }
}

impl Sink for Offline {
    fn is_live(&self, key: &Key, at: Millis) -> bool {
        self.live.get(key).is_some_and(|(last_seen, idle)| at - last_seen < *idle)
    }

    fn see(&mut self, mut sighted: Sighted) {
        if self.line > 0 {
            sighted.observation.tie = self.line;
        }
        let at = sighted.observation.at;
        if at > self.newest {
            self.newest = at;
            if at.saturating_sub(self.closed_to) > SWEEP {
                self.closed_to = at;
                self.sweep();
            }
        }
        let policy = Arc::clone(&sighted.observation.stamp.policy);
        if self.is_too_late(&sighted) {
            self.late += 1;
            let seen = &sighted.observation;
            let pages = seen.is_view().then_some(seen.day).into_iter().collect();
            let late = Change { pages, ..Change::default() };
            self.count(&sighted.scope, sighted.key.visitor, false, &late, &policy.zone);
            return;
        }
        self.touch(&sighted, policy.idle_timeout);
        let scope = Arc::clone(&sighted.scope);
        self.values.portal = if scope.module.is_none() { sighted.key.scope } else { Scope::portal(&scope.portal).id() };
        let mut sheet = Sheet::new(&mut self.values, &sighted, self.memory);
        // Everything is at hand.
        let _: Result<(), Needs> = sheet.take(&sighted);
        let (open, late) = sheet.finish();
        self.late += u64::from(late.late);
        self.count(&scope, sighted.key.visitor, false, &late, &policy.zone);
        for Open { slot, value, change, .. } in open {
            let expires = value.expires(self.newest, policy.idle_timeout, self.memory, self.memory.settle);
            if let (Slot::Visitor(name, module), Value::Visitor(visitor)) = (&slot, &value) {
                let bot = visitor.is_bot();
                let scope = if module == &scope.module {
                    Arc::clone(&scope)
                } else {
                    Arc::new(Scope { portal: Arc::clone(&scope.portal), module: module.clone() })
                };
                self.count(&scope, *name, bot, &change, &policy.zone);
                self.late += u64::from(change.late);
                if self.keeps_counted {
                    self.counted.extend(change.counted.into_iter().map(|counted| (Arc::clone(&scope), counted)));
                }
            }
            self.keep(slot, value, expires);
        }
    }
}

impl Offline {
    fn touch(&mut self, sighted: &Sighted, idle: Millis) {
        if sighted.overheard || !matches!(sighted.who, Who::Browser(_)) {
            return;
        }
        let at = sighted.observation.at;
        match self.live.entry(sighted.key) {
            hash_map::Entry::Occupied(mut live)
                if at - live.get().0 < idle || sighted.observation.kind == Kind::Page =>
            {
                live.get_mut().0 = live.get().0.max(at);
            }
            hash_map::Entry::Vacant(free) if sighted.observation.kind == Kind::Page => {
                free.insert((at, idle));
                self.expiry.push_back((at + idle, Kept::Live(sighted.key)));
            }
            _ => {}
        }
    }

    fn keep(&mut self, slot: Slot, value: Value, expires: Millis) {
        let portal = self.values.portal;
        match self.values.kept.entry((portal, slot)) {
            hash_map::Entry::Occupied(mut there) => *there.get_mut() = (value, expires),
            hash_map::Entry::Vacant(free) if !matches!(value, Value::Nothing) => {
                self.expiry.push_back((expires, Kept::Value(portal, free.key().1.clone())));
                free.insert((value, expires));
            }
            hash_map::Entry::Vacant(_) => {}
        }
    }
}

impl Uniques {
    fn counts(&self) -> (i64, i64) {
        match self {
            Self::Open { visitors, users } => (visitors.len() as i64, users.len() as i64),
            Self::Closed { visitors, users } => (*visitors, *users),
        }
    }

    fn close(&mut self) {
        if matches!(self, Self::Open { .. }) {
            let (visitors, users) = self.counts();
            *self = Self::Closed { visitors, users };
        }
    }
}

#[cfg(test)]
mod tests {
    use portalmeter_rules::verdict::Evidence;

    use super::*;
    use crate::observation::{Note, Observation, Stamp};
    use crate::policy::{Experience, Policy};

    fn seen(at: Millis, kind: Kind, evidence: Evidence) -> Sighted {
        let scope = Scope::portal("support");
        let stamp = Stamp::new(Policy::preset(Experience::ServicePortal));
        let (day, note) = (stamp.policy.zone.day(at), Arc::new(Note::default()));
        Sighted {
            key: Key { scope: scope.id(), visitor: Name([1; 16]) },
            scope: Arc::new(scope),
            who: Who::Known(Name([1; 16])),
            observation: Observation { at, kind, evidence, user: None, day, stamp, note, by: None, tie: 0 },
            overheard: false,
        }
    }

    #[test]
    fn a_logout_that_comes_before_its_sessions_first_page_is_a_logout_all_the_same() {
        let story = [
            seen(0, Kind::Page, Evidence::Guest),
            seen(60_000, Kind::Page, Evidence::External),
            seen(120_000, Kind::Logout, Evidence::Unknown),
            seen(121_000, Kind::Page, Evidence::External),
        ];
        for first in 0..story.len() {
            let mut meter = Offline::new(Memory::keeping(45 * 60_000));
            meter.see(story[first].clone());
            story.iter().cloned().for_each(|sighted| meter.see(sighted));
            let usage = meter.usage();
            let counters = usage.first().unwrap().counters;
            assert_eq!((counters.guest, counters.external), (1, 1), "line {first} first");
        }
    }
}
