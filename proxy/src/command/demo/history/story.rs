//! One visit, from its first page to its last: what is seen of it, and what is done in it.

use std::sync::Arc;

use portalmeter_meter::intake::Sighted;
use portalmeter_meter::names::Who;
use portalmeter_meter::observation::{Evidence, Key, Kind, Note, Observation};
use portalmeter_meter::session::Class;
use portalmeter_meter::store::Visit;
use portalmeter_rules::id::Name;
use portalmeter_rules::time::Millis;

use super::accounts::ACCOUNTS;
use super::catalogue::Number;
use super::people::People;
use super::plan::{Plan, Planned, Sort};
use super::stage::{Place, Stage};
use super::told::{Deed, Doer, STAFF};
use crate::command::demo::dice::Dice;

/// What all stories are made of.
pub(super) struct Teller<'a> {
    stages: &'a [Stage],
    people: People,
    guest: Arc<Note>,
    staff: Arc<Note>,
    of_account: Vec<Arc<Note>>,
    /// So many people of an account come to a stage.
    users: Vec<Vec<u64>>,
    /// So many guests come to a stage in a week.
    guests: Vec<u64>,
    /// Nothing is later.
    now: Millis,
}

/// Somebody comes about so many times to a portal during a history.
const VISITS_EACH: f64 = 60.0;
/// Which source says who is signed in.
const RULE: &str = "response_header";

impl<'a> Teller<'a> {
    pub(super) fn new(stages: &'a [Stage], plan: &Plan, seed: u64, now: Millis) -> Self {
        let note =
            |account: Option<&str>| Arc::new(Note { rule: RULE.into(), agent: None, account: account.map(Into::into) });
        let users = |stage: &Stage| {
            let each = |account| (plan.visits_of(stage, account) / VISITS_EACH) as u64 + 2;
            (0..ACCOUNTS.len() as u16).map(each).collect()
        };
        Self {
            stages,
            people: People::new(seed),
            guest: note(None),
            staff: note(Some(STAFF)),
            of_account: ACCOUNTS.iter().map(|account| note(Some(account.id))).collect(),
            users: stages.iter().map(users).collect(),
            guests: stages.iter().map(|stage| (plan.a_day(stage) * 7.0) as u64 + 20).collect(),
            now,
        }
    }

    /// A visit of people. What they do in it is added to `deeds`.
    pub(super) fn people(&self, planned: Planned, ago: i32, dice: &mut Dice, deeds: &mut Vec<Deed>) -> Visit {
        let stage = &self.stages[planned.stage];
        let place = place_of(stage, dice);
        let week = (planned.at / WEEK) as i32;
        let (first, device, note) = match planned.who {
            Sort::External(account) => {
                let user = self.user(planned.stage, account, dice);
                (Some(user), u64::from(dice.chance(0.15)), &self.of_account[usize::from(account)])
            }
            Sort::Internal => (Some(self.people.user(None, dice.between(0, STAFFED))), 0, &self.staff),
            Sort::Guest | Sort::Bot => (None, 0, &self.guest),
        };
        let visitor = match first {
            Some(user) => self.people.browser(user, device, week),
            None => self.people.stranger(dice.between(0, self.guests[planned.stage]), week),
        };
        let mut story = Story {
            at: planned.at,
            now: self.now,
            whole: (planned.stage, place),
            stage,
            place: &stage.places[place],
            key: Key { scope: stage.places[place].id, visitor },
            seen: Vec::with_capacity(6),
            dice,
            deeds,
            vigour: 1.0,
            acts: true,
        };
        let guest = Part { evidence: Evidence::Guest, doer: GUEST, note: &self.guest };
        match (planned.who, first) {
            (Sort::External(account), Some(user)) => {
                let of = &ACCOUNTS[usize::from(account)];
                (story.vigour, story.acts) = (of.vigour(ago), of.acts());
                let doer = Doer { class: Class::External, account: Some(account), user: Some(user) };
                let part = Part { evidence: Evidence::External, doer, note };
                if story.dice.chance(0.3) {
                    story.pages(&guest, 1.4);
                }
                story.pages(&part, 4.2);
                if story.dice.chance(0.25) {
                    story.logout(&part);
                    if story.dice.chance(0.12) {
                        // Back at once, now and then as a colleague.
                        let colleague = story.dice.chance(0.2).then(|| self.user(planned.stage, account, story.dice));
                        let doer = Doer { user: Some(colleague.unwrap_or(user)), ..doer };
                        story.pages(&Part { doer, ..part }, 2.0);
                    }
                }
            }
            (Sort::Internal, user) => {
                let doer = Doer { class: Class::Internal, account: None, user };
                story.pages(&Part { evidence: Evidence::Internal, doer, note }, 5.0);
            }
            _ => story.pages(&guest, 2.6),
        }
        story.end()
    }

    /// A visit of a bot, which does nothing that engages anybody.
    pub(super) fn bot(&self, planned: Planned, (name, note): (&str, &Arc<Note>), dice: &mut Dice) -> Visit {
        let stage = &self.stages[planned.stage];
        let place = &stage.places[place_of(stage, dice)];
        // As many addresses as it takes to come anew each time, mostly.
        let visitor = self.people.bot(name, dice.between(0, self.guests[planned.stage] / 4));
        let key = Key { scope: place.id, visitor };
        let mut seen = Vec::with_capacity(4);
        let mut at = planned.at;
        for _ in 0..dice.between(1, 6) {
            if at > self.now {
                break;
            }
            seen.push(sighted(place, key, observation(stage, at, Kind::Page, Evidence::Bot, None, note)));
            at += dice.between(400, 9_000) as Millis;
        }
        Visit { scope: Arc::clone(&place.scope), key, sighted: seen }
    }

    fn user(&self, stage: usize, account: u16, dice: &mut Dice) -> Name {
        let last = self.users[stage][usize::from(account)] - 1;
        self.people.user(Some(account), dice.between(0, last))
    }
}

/// The first place of a portal is visited more than others.
fn place_of(stage: &Stage, dice: &mut Dice) -> usize {
    let last = stage.places.len() as u64 - 1;
    [(); 2].map(|()| dice.between(0, last)).into_iter().min().unwrap_or_default() as usize
}

/// So many employees look after customers.
const STAFFED: u64 = 24;
const GUEST: Doer = Doer { class: Class::Guest, account: None, user: None };
const MINUTE: Millis = 60_000;
const WEEK: Millis = 7 * 24 * 60 * MINUTE;

/// A part of a visit, in which its visitor is the same somebody.
#[derive(Clone, Copy)]
struct Part<'a> {
    evidence: Evidence,
    doer: Doer,
    note: &'a Arc<Note>,
}

/// A visit that is being told.
struct Story<'a> {
    at: Millis,
    now: Millis,
    whole: (usize, usize),
    stage: &'a Stage,
    place: &'a Place,
    key: Key,
    seen: Vec<Sighted>,
    dice: &'a mut Dice,
    deeds: &'a mut Vec<Deed>,
    vigour: f64,
    acts: bool,
}

impl Story<'_> {
    /// Pages, so many on average, and what is done on them.
    fn pages(&mut self, part: &Part<'_>, average: f64) {
        let another = 1.0 - 1.0 / (1.0 + (average - 1.0) * self.vigour);
        for _ in 0..MOST_PAGES {
            let resource = self.place.catalogue.page(self.dice);
            self.page(part, resource);
            self.act(part, resource);
            self.pause();
            if !self.dice.chance(another) {
                break;
            }
        }
    }

    fn page(&mut self, part: &Part<'_>, resource: Number) {
        if self.see(Kind::Page, part) {
            self.deeds.push(Deed::new(self.at, self.whole, part.doer, (resource, false)));
        }
    }

    /// What can be done there, or a search.
    fn act(&mut self, part: &Part<'_>, resource: Number) {
        if !self.acts || self.at > self.now {
            return;
        }
        let catalogue = &self.place.catalogue;
        let offers = catalogue.resource(resource).is_some_and(|resource| resource.action.is_some());
        let (done, search) = match catalogue.search() {
            _ if offers && self.dice.chance(0.35) => (resource, false),
            Some(search) if self.dice.chance(0.08) => (search, true),
            _ => return,
        };
        self.at += self.dice.between(2_000, 20_000) as Millis;
        if search {
            // What was found is a page.
            self.page(part, done);
        } else {
            self.see(Kind::Activity, part);
        }
        if self.at <= self.now {
            self.deeds.push(Deed::new(self.at, self.whole, part.doer, (done, true)));
        }
    }

    fn logout(&mut self, part: &Part<'_>) {
        self.see(Kind::Logout, part);
        self.pause();
    }

    /// Most pages are read within a minute or two, few take long.
    fn pause(&mut self) {
        let drawn = self.dice.fraction();
        let longest = 8.0 * self.vigour * MINUTE as f64;
        self.at += 4_000 + (longest * drawn * drawn * drawn) as Millis;
    }

    /// Whether it was seen: what is still to come is not.
    fn see(&mut self, kind: Kind, part: &Part<'_>) -> bool {
        if self.at > self.now {
            return false;
        }
        let seen = observation(self.stage, self.at, kind, part.evidence, part.doer.user, part.note);
        self.seen.push(sighted(self.place, self.key, seen));
        true
    }

    fn end(self) -> Visit {
        Visit { scope: Arc::clone(&self.place.scope), key: self.key, sighted: self.seen }
    }
}

/// Nobody reads more at once.
const MOST_PAGES: usize = 40;

fn observation(
    stage: &Stage,
    at: Millis,
    kind: Kind,
    evidence: Evidence,
    user: Option<Name>,
    note: &Arc<Note>,
) -> Observation {
    let day = stage.stamp.policy.zone.day(at);
    let (stamp, note) = (stage.stamp.clone(), Arc::clone(note));
    Observation { at, kind, evidence, user, day, stamp, note, by: None, tie: 0 }
}

/// Whose a cookie is was settled long ago: the visitor is known.
fn sighted(place: &Place, key: Key, observation: Observation) -> Sighted {
    Sighted { scope: Arc::clone(&place.scope), key, who: Who::Known(key.visitor), observation, overheard: false }
}
