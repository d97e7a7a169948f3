//! Metering without a store: what `replay` and `explain` count in memory.
//!
//! The same histories and the same fold as the stores use. Memory is bounded by who is live: a
//! visitor past its time is dropped, and a day's sets of unique visitors once nothing can add to it.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;

use portalmeter_rules::id::Name;
use portalmeter_rules::time::Millis;
use portalmeter_rules::verdict::{Evidence, Kind};

use crate::day::{Day, Zone};
use crate::fold::Counted;
use crate::history::{Change, History, Memory};
use crate::intake::{Sighted, Sink};
use crate::ledger::By;
use crate::observation::{Key, Scope, ScopeId};
use crate::usage::{Counters, State, Sums, Usage};

/// What is looked up here is named by keyed hashes, which nobody outside can choose.
type QuickMap<K, V> = HashMap<K, V, foldhash::fast::RandomState>;
type QuickSet<K> = HashSet<K, foldhash::fast::RandomState>;

/// A meter in memory.
pub struct Offline {
    memory: Memory,
    visitors: QuickMap<Key, Visitor>,
    expiry: VecDeque<(Millis, Key)>,
    days: QuickMap<(ScopeId, Day), DayTotals>,
    newest: Millis,
    closed_to: Millis,
    late: u64,
    keeps_counted: bool,
    counted: Vec<(Arc<Scope>, Counted)>,
}

struct Visitor {
    history: History,
    last_seen: Millis,
    idle: Millis,
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
            visitors: QuickMap::default(),
            expiry: VecDeque::new(),
            days: QuickMap::default(),
            newest: Millis::MIN,
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
        self.visitors.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.visitors.is_empty()
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

    fn statistics(&mut self, sighted: &Sighted, change: &Change) {
        let Sighted { scope, key, observation } = sighted;
        let person = observation.evidence != Evidence::Bot;
        let page = observation.kind == Kind::Page;
        if !page && change.counted.is_empty() && change.withdrawn.is_empty() && change.lasted.is_empty() {
            return;
        }
        let zone = &observation.stamp.policy.zone;
        for counted in &change.counted {
            self.day(scope, key.scope, counted.day, zone).sums.add(counted.class, 1);
        }
        for counted in &change.withdrawn {
            self.day(scope, key.scope, counted.day, zone).sums.add(counted.class, -1);
        }
        for conversion in &change.converted {
            self.day(scope, key.scope, conversion.day, zone).sums.converted += 1;
        }
        for conversion in &change.unconverted {
            self.day(scope, key.scope, conversion.day, zone).sums.converted -= 1;
        }
        if !person {
            return;
        }
        for (day, millis) in &change.lasted {
            self.day(scope, key.scope, *day, zone).sums.duration_ms += millis;
        }
        if page {
            let (visitor, user) = (key.visitor, observation.user);
            let day = self.day(scope, key.scope, observation.day, zone);
            day.sums.page_views += 1;
            if let Uniques::Open { visitors, users } = &mut day.uniques {
                visitors.insert(visitor);
                users.extend(user);
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
        while let Some((due, key)) = self.expiry.front().copied().filter(|(due, _)| *due <= self.newest) {
            self.expiry.pop_front();
            match self.visitors.get(&key).map(|visitor| visitor.last_seen + visitor.idle + keep) {
                Some(later) if later > due && later > self.newest => self.expiry.push_back((later, key)),
                _ => drop(self.visitors.remove(&key)),
            }
        }
        for totals in self.days.values_mut().filter(|totals| totals.ends + keep < self.newest) {
            totals.uniques.close();
        }
    }
}

impl Sink for Offline {
    fn is_live(&self, key: &Key, at: Millis) -> bool {
        self.visitors.get(key).is_some_and(|visitor| at - visitor.last_seen < visitor.idle)
    }

    fn see(&mut self, sighted: Sighted) {
        let at = sighted.observation.at;
        if at > self.newest {
            self.newest = at;
            if at.saturating_sub(self.closed_to) > SWEEP {
                self.closed_to = at;
                self.sweep();
            }
        }
        if self.is_too_late(&sighted) {
            self.late += 1;
            self.statistics(&sighted, &Change::default());
            return;
        }
        let (memory, idle) = (self.memory, sighted.observation.stamp.policy.idle_timeout);
        let visitor = match self.visitors.entry(sighted.key) {
            std::collections::hash_map::Entry::Occupied(there) => there.into_mut(),
            std::collections::hash_map::Entry::Vacant(free) => {
                self.expiry.push_back((at + idle + memory.keep, sighted.key));
                free.insert(Visitor { history: History::default(), last_seen: at, idle })
            }
        };
        let change = visitor.history.add_one(sighted.observation.clone(), memory);
        visitor.last_seen = visitor.last_seen.max(at);
        visitor.idle = idle;
        self.late += u64::from(change.late);
        self.statistics(&sighted, &change);
        if self.keeps_counted {
            let counted = change.counted.into_iter().map(|counted| (Arc::clone(&sighted.scope), counted));
            self.counted.extend(counted);
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
            observation: Observation { at, kind, evidence, user: None, day, stamp, note },
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
