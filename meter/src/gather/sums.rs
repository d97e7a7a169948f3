//! The gatherer's part: what was seen gets its names, and is added up. Pure: day and zone are the portal's, by its stamping.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use portalmeter_rules::engagement::{Engagement, GOAL, Glance, legible};
use portalmeter_rules::id::Name;
use portalmeter_rules::time::Millis;

use super::buffer::{Seen, What};
use crate::acts::{Act, Acts, QUARTER};
use crate::day::Day;
use crate::session::Class;
use crate::stamping::Stamping;

/// What people did, added up until it is told.
#[derive(Debug, Default)]
pub struct Gathering {
    portals: Vec<Portal>,
    sums: BTreeMap<Quarter, HashMap<Sum, u32>>,
    waiting: usize,
    /// Companies of users, for requests that name only the user.
    accounts: HashMap<Name, Arc<str>>,
}

#[derive(Debug)]
struct Portal {
    name: Arc<str>,
    engagement: Option<Arc<Engagement>>,
    /// The names of the last days, oldest first.
    days: Vec<(Day, Names)>,
    other: Other,
}

/// The names in use on a day.
#[derive(Debug, Default)]
struct Names {
    rooms: HashSet<Arc<str>>,
    resources: HashSet<Arc<str>>,
    actions: HashSet<Arc<str>>,
}

/// How often a name was `other`, because a day has no more of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Other {
    /// Rooms beyond [`MOST_ROOMS`].
    pub rooms: u64,
    /// Resources beyond [`MOST_RESOURCES`].
    pub resources: u64,
    /// Actions beyond [`MOST_ACTIONS`].
    pub actions: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Quarter {
    portal: usize,
    at: Millis,
    day: Day,
    zone: Arc<str>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Sum {
    module: Option<Arc<str>>,
    class: Class,
    account: Option<Arc<str>>,
    user: Option<Name>,
    room: Arc<str>,
    resource: Arc<str>,
    action: Option<Arc<str>>,
}

/// Rooms of a portal on a day; further ones are `other`.
pub const MOST_ROOMS: usize = 100;
/// Resources of a portal on a day; further ones are `other`.
pub const MOST_RESOURCES: usize = 1_000;
/// Actions of a portal on a day; further ones are `other`.
pub const MOST_ACTIONS: usize = 32;
/// What has no name of its own any more.
const OTHER: &str = "other";
/// Around midnight there are two days; a third comes with another zone.
const DAYS: usize = 3;
/// Sums that may wait: beyond, they are told at once.
const MOST_WAITING: usize = 20_000;
/// So many acts go into one entry of the ledger.
const TOGETHER: usize = 500;
/// Users whose company is remembered.
const MOST_ACCOUNTS: usize = 50_000;

impl Gathering {
    /// For portals by their names and how they gather, in the order of their positions.
    pub fn new(portals: impl IntoIterator<Item = (Arc<str>, Option<Arc<Engagement>>)>) -> Self {
        let portal = |(name, engagement)| Portal { name, engagement, days: Vec::new(), other: Other::default() };
        Self { portals: portals.into_iter().map(portal).collect(), ..Self::default() }
    }

    /// Adds what was seen; `stampings` are the portals'.
    pub fn add(&mut self, seen: &Seen, target: &[u8], stampings: &[Stamping]) {
        let (Some(portal), Some(stamping)) = (self.portals.get_mut(seen.portal), stampings.get(seen.portal)) else {
            return;
        };
        let Some(engagement) = portal.engagement.clone() else { return };
        let account = account(&mut self.accounts, seen);
        let zone = &stamping.at(seen.at).policy.zone;
        let day = zone.day(seen.at);
        let at = seen.at.div_euclid(QUARTER) * QUARTER;
        let (place, view, action) = match &seen.what {
            What::Exchange { page, verb, carried } => {
                let glance = Glance { target, page: *page, verb: *verb, carried: *carried };
                let Some(deed) = engagement.deed(&glance) else { return };
                (deed.place, deed.view, deed.action)
            }
            What::Told { action, goal } => {
                let mut place = engagement.place(target);
                if let Some(goal) = goal.as_deref().filter(|_| **action == *GOAL) {
                    place.resource = legible(goal.as_bytes());
                }
                (place, false, Some(&**action))
            }
        };
        let (names, other) = portal.names(day);
        let sum = Sum {
            module: seen.scope.module.clone(),
            class: seen.class,
            account,
            user: seen.user,
            room: admit(&mut names.rooms, &place.room, MOST_ROOMS, &mut other.rooms),
            resource: admit(&mut names.resources, &place.resource, MOST_RESOURCES, &mut other.resources),
            action: None,
        };
        let action = action.map(|action| admit(&mut names.actions, action, MOST_ACTIONS, &mut other.actions));
        let zone: Arc<str> = zone.name().into();
        let sums = self.sums.entry(Quarter { portal: seen.portal, at, day, zone }).or_default();
        for sum in [view.then(|| sum.clone()), action.map(|action| Sum { action: Some(action), ..sum })] {
            let Some(sum) = sum else { continue };
            let count = sums.entry(sum).or_insert_with(|| {
                self.waiting += 1;
                0
            });
            *count = count.saturating_add(1);
        }
    }

    /// Whether so much waits that it should be taken at once.
    pub fn is_full(&self) -> bool {
        self.waiting >= MOST_WAITING
    }

    /// Takes what was added up, in entries of a size that a ledger takes at once.
    pub fn take(&mut self) -> Vec<Acts> {
        self.waiting = 0;
        let mut taken = Vec::new();
        for (quarter, sums) in std::mem::take(&mut self.sums) {
            let Some(portal) = self.portals.get(quarter.portal) else { continue };
            let mut sums: Vec<(Sum, u32)> = sums.into_iter().collect();
            sums.sort();
            for some in sums.chunks(TOGETHER) {
                taken.push(Acts {
                    portal: portal.name.to_string(),
                    at: quarter.at,
                    day: quarter.day,
                    zone: quarter.zone.to_string(),
                    acts: some.iter().map(|(sum, count)| sum.act(*count)).collect(),
                });
            }
        }
        taken
    }

    /// How often names were `other`, by portal: whoever shows engagement has to say so.
    pub fn other(&self) -> Vec<(Arc<str>, Other)> {
        let gathers = self.portals.iter().filter(|portal| portal.engagement.is_some());
        gathers.map(|portal| (Arc::clone(&portal.name), portal.other)).collect()
    }
}

impl Portal {
    fn names(&mut self, day: Day) -> (&mut Names, &mut Other) {
        let at = self.days.iter().position(|(one, _)| *one == day).unwrap_or_else(|| {
            if self.days.len() >= DAYS {
                self.days.remove(0);
            }
            self.days.push((day, Names::default()));
            self.days.len() - 1
        });
        (&mut self.days[at].1, &mut self.other)
    }
}

impl Sum {
    fn act(&self, count: u32) -> Act {
        let text = |text: &Option<Arc<str>>| text.as_deref().map(str::to_owned);
        Act {
            module: text(&self.module),
            class: self.class,
            account: text(&self.account),
            user: self.user,
            room: self.room.to_string(),
            resource: self.resource.to_string(),
            action: text(&self.action),
            count,
        }
    }
}

/// A name as one of a day's, if there is room for it.
fn admit(names: &mut HashSet<Arc<str>>, name: &str, most: usize, other: &mut u64) -> Arc<str> {
    if let Some(known) = names.get(name) {
        return Arc::clone(known);
    }
    if names.len() >= most {
        *other += 1;
        return OTHER.into();
    }
    let name: Arc<str> = name.into();
    names.insert(Arc::clone(&name));
    name
}

/// The user's company: as it is named, or as it was named before.
fn account(known: &mut HashMap<Name, Arc<str>>, seen: &Seen) -> Option<Arc<str>> {
    if !matches!(seen.class, Class::External | Class::Internal) {
        return None;
    }
    let Some(account) = &seen.note.account else { return known.get(&seen.user?).cloned() };
    let whole = account.len() <= portalmeter_rules::engagement::LONGEST && !account.chars().any(char::is_control);
    let account = if whole { Arc::clone(account) } else { legible(account.as_bytes()).into() };
    if let Some(user) = seen.user
        && (known.len() < MOST_ACCOUNTS || known.contains_key(&user))
        && known.get(&user) != Some(&account)
    {
        known.insert(user, Arc::clone(&account));
    }
    Some(account)
}

#[cfg(test)]
mod tests;
