//! A sheet: values taken down from where they are kept, what was seen put where it belongs, and what that changes.
//!
//! Here it is worked out who it is (`names`), with whose history that goes (`history`), and what turns
//! out to be another visitor's. Stores and offline metering all come through here.

use std::collections::BTreeSet;
use std::sync::Arc;

use portalmeter_rules::id::Name;
use portalmeter_rules::time::Millis;
use portalmeter_rules::verdict::Kind;

use crate::history::{Change, Memory};
use crate::intake::Sighted;
use crate::names::{Company, Handed, Item, Move, Resolved, Shown, Told, Trace, Who};
use crate::observation::{Observation, Scope};
use crate::store::step::Slot;

#[cfg(test)]
mod tests;
mod value;

pub(crate) use value::{Also, Value, Visitor};

/// Where values are kept.
pub(crate) trait Shelf {
    /// The value in a slot, to be worked on.
    fn take_down(&mut self, slot: &Slot) -> Result<Value, Needs>;
}

/// Slots that have to be read before a sheet can be filled.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Needs(pub(crate) BTreeSet<Slot>);

/// Values of one scope that are worked on.
pub(crate) struct Sheet<'a> {
    shelf: &'a mut dyn Shelf,
    scope: &'a Arc<Scope>,
    memory: Memory,
    /// Values that lapsed before are none any more, be they still there or not.
    since: Millis,
    idle: Millis,
    /// What was seen before stays where it is.
    mends_from: Millis,
    open: Vec<Open>,
    late: Change,
}

/// A value that is worked on.
pub(crate) struct Open {
    /// Where it is kept.
    pub(crate) slot: Slot,
    /// What it is now.
    pub(crate) value: Value,
    /// How a visitor's history changed.
    pub(crate) change: Change,
    /// It may have changed.
    pub(crate) touched: bool,
}

/// Renewals that become known in the wrong order are followed so far.
const RENEWALS: usize = 16;

/// Whose a cookie is that came back, and what else that tells.
struct Back {
    visitor: Name,
    contested: bool,
    fingerprint: Option<Name>,
    moves: Vec<Move>,
}

/// Whose a cookie is that is renewed.
#[derive(Clone, Copy)]
struct Whose {
    cookie: Name,
    visitor: Name,
    contested: bool,
}

/// A cookie that those behind its fingerprint do not watch, and when it was seen first and last.
type Unwatched = (Name, (Millis, Millis));

/// What is known of a cookie.
enum Standing {
    /// It is this visitor's, and nothing can change that.
    Visitor(Name),
    /// That depends on who else was seen behind its fingerprint.
    Behind(Option<Name>),
}

impl<'a> Sheet<'a> {
    /// An empty sheet for what was seen in a scope, this first of all.
    pub(crate) fn new(shelf: &'a mut dyn Shelf, first: &'a Sighted, memory: Memory) -> Self {
        let Sighted { scope, observation: Observation { at, stamp, .. }, .. } = first;
        let idle = stamp.policy.idle_timeout;
        // Somebody who lags may tell what extends it.
        let since = if memory.lags(*at) { memory.passed } else { *at };
        let mends_from = Millis::MIN;
        Self { shelf, scope, memory, since, idle, mends_from, open: Vec::new(), late: Change::default() }
    }

    /// Every value that was worked on, and what came too late for any.
    pub(crate) fn finish(self) -> (Vec<Open>, Change) {
        (self.open, self.late)
    }

    /// Takes a value down of which nothing new is known.
    pub(crate) fn look_at(&mut self, slot: Slot) -> Result<(), Needs> {
        self.open(slot).map(drop)
    }

    /// Takes what was seen, and puts it where it belongs.
    pub(crate) fn take(&mut self, sighted: &Sighted) -> Result<(), Needs> {
        let observation = sighted.observation.clone();
        // Every history remembers that: what others saw since is `settle` later at most, and as much again is to spare.
        let Memory { keep, settle, .. } = self.memory;
        self.mends_from = observation.at - (keep - 2 * settle).max(settle);
        let trace = match &sighted.who {
            Who::Known(visitor) => return self.place(*visitor, observation),
            Who::Browser(trace) => trace,
        };
        let Some(shown) = trace.cookie else { return self.without_a_cookie(sighted, trace) };
        let shown = Shown { name: self.first_of(shown.name, observation.at)?, ..shown };
        let Back { visitor, contested, fingerprint, moves } = match self.standing(shown.name, observation.at)? {
            Standing::Visitor(visitor) => Back { visitor, contested: false, fingerprint: None, moves: Vec::new() },
            Standing::Behind(fingerprint) => self.came_back(sighted, trace, shown, fingerprint)?,
        };
        // What follows from it finds it where it was taken to belong.
        if !sighted.overheard {
            self.place(visitor, Observation { by: contested.then_some(shown.name), ..observation })?;
        } else if fingerprint.is_none() {
            let (theirs, _) = self.visitor(Slot::Visitor(visitor, self.scope.module.clone()))?;
            theirs.overheard = theirs.overheard.max(Some(observation.at));
        }
        if let Some(fingerprint) = fingerprint {
            self.follow(moves, fingerprint, &sighted.observation)?;
            if contested && visitor != shown.name {
                self.watch_on(visitor, fingerprint, &sighted.observation)?;
            }
        }
        match (trace.handed, trace.fingerprint) {
            (Some(Handed::Out(name)), _) if name != shown.name => {
                let renewed = Whose { cookie: shown.name, visitor, contested };
                self.renew(name, renewed, trace.fingerprint, &sighted.observation)
            }
            (Some(Handed::Deleted), Some(fingerprint)) => {
                let item = Item { cookie: None, points: Some((shown.name, visitor)), ..item(sighted, trace) };
                let told = self.in_company(fingerprint, |company, memory| company.take(fingerprint, item, memory))?;
                self.follow(told.moves, fingerprint, &sighted.observation)
            }
            _ => Ok(()),
        }
    }

    fn without_a_cookie(&mut self, sighted: &Sighted, trace: &Trace) -> Result<(), Needs> {
        let Some(fingerprint) = trace.fingerprint else { return Ok(()) };
        let item = item(sighted, trace);
        let told = self.in_company(fingerprint, |company, memory| company.take(fingerprint, item, memory))?;
        if told.late {
            self.late(&sighted.observation);
        }
        let Some(Resolved { visitor, kind, evidence }) = told.who else {
            return self.follow(told.moves, fingerprint, &sighted.observation);
        };
        if let Some(Handed::Out(name)) = trace.handed.filter(|_| !trace.fingerprint_only) {
            self.link(name, Also::Behind(fingerprint))?;
        }
        if !sighted.overheard {
            self.place(visitor, Observation { kind, evidence, ..sighted.observation.clone() })?;
        }
        self.follow(told.moves, fingerprint, &sighted.observation)?;
        self.watch_again(visitor, fingerprint, sighted)?;
        match trace.handed {
            Some(Handed::Ours(name) | Handed::Out(name)) if !trace.fingerprint_only => {
                self.came_back_before(name, fingerprint, &sighted.observation)
            }
            _ => Ok(()),
        }
    }

    /// A cookie may have come back before it was known to be handed out, and those behind the fingerprint, who would
    /// know, may be forgotten since.
    fn came_back_before(&mut self, cookie: Name, fingerprint: Name, like: &Observation) -> Result<(), Needs> {
        let Some(first) = self.settled(cookie, self.scope.module.as_ref())? else { return Ok(()) };
        if !matches!(self.also(fingerprint)?, Some(Also::Company(company)) if company.has_come_back(cookie)) {
            self.watch((cookie, (first, first)), fingerprint, like)?;
        }
        match self.whose(cookie, fingerprint)?.filter(|(visitor, _)| *visitor != cookie) {
            Some((visitor, _)) => {
                let unwatched = self.move_cookie(cookie, cookie, visitor, fingerprint)?;
                unwatched.map_or(Ok(()), |cookie| self.watch(cookie, fingerprint, like))
            }
            // That it comes back again will tell nothing more.
            None => self.unlink(cookie),
        }
    }

    /// A cookie that came back, and about which there may be something to learn.
    fn came_back(
        &mut self,
        sighted: &Sighted,
        trace: &Trace,
        shown: Shown,
        fingerprint: Option<Name>,
    ) -> Result<Back, Needs> {
        let Some(fingerprint) = shown.origin.or(fingerprint).or(trace.fingerprint) else {
            return Ok(Back { visitor: shown.name, contested: false, fingerprint: None, moves: Vec::new() });
        };
        let item = Item { cookie: Some(shown), handed: None, ..item(sighted, trace) };
        let told = self.in_company(fingerprint, |company, memory| company.take(fingerprint, item, memory))?;
        if told.late {
            // It tells nothing new of whose the cookie is.
            let (visitor, contested) = self.whose(shown.name, fingerprint)?.unwrap_or((shown.name, false));
            return Ok(Back { visitor, contested, fingerprint: None, moves: told.moves });
        }
        let visitor = told.who.map_or(shown.name, |who| who.visitor);
        if told.contested && shown.origin.is_none() {
            self.link(shown.name, Also::Behind(fingerprint))?;
        } else if !told.contested && visitor == shown.name {
            let (theirs, _) = self.visitor(Slot::Visitor(visitor, self.scope.module.clone()))?;
            let at = sighted.observation.at;
            theirs.settled = Some(theirs.settled.map_or(at, |first| first.min(at)));
            self.unlink(shown.name)?;
        }
        Ok(Back { visitor, contested: told.contested, fingerprint: Some(fingerprint), moves: told.moves })
    }

    /// Another cookie was handed out for the session of one that is settled: it has to be watched again.
    fn watch_again(&mut self, visitor: Name, fingerprint: Name, sighted: &Sighted) -> Result<(), Needs> {
        let Who::Browser(Trace { handed: Some(_), fingerprint_only: false, .. }) = sighted.who else { return Ok(()) };
        let company = self.also(fingerprint)?;
        let contested = |company: &Company| company.whose(visitor).is_none_or(|(_, contested)| contested);
        if !matches!(company, Some(Also::Company(company)) if contested(company)) {
            return Ok(());
        }
        self.watch_on(visitor, fingerprint, &sighted.observation)
    }

    /// Those behind a fingerprint are told when a cookie was seen, and will be, if nobody watched that so far.
    fn watch_on(&mut self, cookie: Name, fingerprint: Name, like: &Observation) -> Result<(), Needs> {
        let unwatched = self.unsettle(cookie, fingerprint)?;
        unwatched.map_or(Ok(()), |cookie| self.watch(cookie, fingerprint, like))
    }

    /// Whose a cookie is that was seen behind a fingerprint, and whether that is contested.
    fn whose(&mut self, cookie: Name, fingerprint: Name) -> Result<Option<(Name, bool)>, Needs> {
        Ok(match self.also(fingerprint)? {
            Some(Also::Company(company)) => company.whose(cookie),
            _ => None,
        })
    }

    /// From now on it has to be known when a cookie is seen. Says when it was, if nobody watched that so far.
    fn unsettle(&mut self, cookie: Name, fingerprint: Name) -> Result<Option<Unwatched>, Needs> {
        let without_a_cookie = self.without_a_cookie_behind(fingerprint)?;
        let shown = |one: &&Observation| {
            one.by.map_or_else(|| !without_a_cookie.contains(&(one.at, one.tie)), |by| by == cookie)
        };
        let mut seen = Vec::new();
        for module in self.modules_of(cookie, fingerprint)? {
            if self.settled(cookie, module.as_ref())?.is_none() {
                continue;
            }
            let (theirs, _) = self.visitor(Slot::Visitor(cookie, module))?;
            seen.extend(theirs.unsettle().chain(theirs.history.recent().iter().rev().find(shown).map(|one| one.at)));
        }
        if seen.is_empty() {
            return Ok(None);
        }
        self.link(cookie, Also::Behind(fingerprint))?;
        Ok(first_and_last(&seen).map(|seen| (cookie, seen)))
    }

    /// Where a cookie was seen that was handed out behind a fingerprint, and here.
    fn modules_of(&mut self, cookie: Name, fingerprint: Name) -> Result<Vec<Option<Arc<str>>>, Needs> {
        let mut modules = match self.also(fingerprint)? {
            Some(Also::Company(company)) => company.modules_of(cookie),
            _ => Vec::new(),
        };
        if !modules.contains(&self.scope.module) {
            modules.push(self.scope.module.clone());
        }
        Ok(modules)
    }

    /// What is known of a cookie.
    fn standing(&mut self, cookie: Name, at: Millis) -> Result<Standing, Needs> {
        // An earlier return than the first that is known tells more: until then others may have been taken for it.
        if let Some(Also::Behind(fingerprint)) = self.also(cookie)? {
            return Ok(Standing::Behind(Some(*fingerprint)));
        }
        Ok(if self.settled(cookie, self.scope.module.as_ref())?.is_some_and(|first| at >= first) {
            Standing::Visitor(cookie)
        } else {
            Standing::Behind(None)
        })
    }

    /// From when on a cookie is known to be nobody else's.
    fn settled(&mut self, cookie: Name, module: Option<&Arc<str>>) -> Result<Option<Millis>, Needs> {
        Ok(match &self.open(Slot::Visitor(cookie, module.cloned()))?.value {
            Value::Visitor(visitor) => visitor.settled,
            _ => None,
        })
    }

    /// The cookie that a renewed one took the place of, first of all.
    fn first_of(&mut self, mut name: Name, at: Millis) -> Result<Name, Needs> {
        for _ in 0..RENEWALS {
            let open = self.open(Slot::Also(name))?;
            let Value::Also(Also::Renews(renewed, seen)) = &mut open.value else { break };
            open.touched |= *seen < at;
            *seen = at.max(*seen);
            name = *renewed;
        }
        Ok(name)
    }

    /// A cookie took another's place: what came with it, as far as it was taken for somebody else's, is that
    /// visitor's.
    fn renew(
        &mut self,
        name: Name,
        mut renewed: Whose,
        fingerprint: Option<Name>,
        like: &Observation,
    ) -> Result<(), Needs> {
        if matches!(self.also(name)?, Some(Also::Renews(first, _)) if *first == renewed.cookie) {
            return Ok(());
        }
        let (mut was, mut modules) = (name, vec![self.scope.module.clone()]);
        if let Some(fingerprint) = fingerprint {
            modules = self.modules_of(name, fingerprint)?;
            let for_it = (renewed.cookie, renewed.visitor);
            let told =
                self.in_company(fingerprint, |company, memory| company.renounce(fingerprint, name, for_it, memory))?;
            was = told.who.map_or(was, |who| who.visitor);
            self.follow(told.moves, fingerprint, like)?;
            // Without the other it may be another's itself.
            if let Some(Also::Company(company)) = self.also(fingerprint)?
                && let Some((visitor, contested)) = company.whose(renewed.cookie)
            {
                renewed = Whose { visitor, contested, ..renewed };
            }
        }
        self.link(name, Also::Renews(renewed.cookie, like.at))?;
        let mut seen = Vec::new();
        for module in modules {
            if self.settled(name, module.as_ref())?.is_some() {
                seen.extend(self.visitor(Slot::Visitor(name, module.clone()))?.0.unsettle());
            }
            let mut moved = self.take_out_of_cookie(name, was, module.as_ref(), fingerprint)?;
            for one in &mut moved {
                one.by = renewed.contested.then_some(renewed.cookie);
                seen.push(one.at);
            }
            self.put(Slot::Visitor(renewed.visitor, module), moved, true)?;
        }
        match (first_and_last(&seen).filter(|_| renewed.contested), fingerprint) {
            (Some(seen), Some(fingerprint)) => self.watch((renewed.cookie, seen), fingerprint, like),
            _ => Ok(()),
        }
    }

    /// What came with a cookie, as it was taken for a visitor's.
    fn take_out_of_cookie(
        &mut self,
        name: Name,
        from: Name,
        module: Option<&Arc<str>>,
        fingerprint: Option<Name>,
    ) -> Result<Vec<Observation>, Needs> {
        let without_a_cookie = match fingerprint {
            Some(fingerprint) => self.without_a_cookie_behind(fingerprint)?,
            None => Vec::new(),
        };
        if let Value::Visitor(theirs) = &mut self.open(Slot::Visitor(name, module.cloned()))?.value {
            theirs.settled = None;
        }
        if !matches!(self.open(Slot::Visitor(from, module.cloned()))?.value, Value::Visitor(_)) {
            return Ok(Vec::new());
        }
        let theirs = |one: &Observation| match one.by {
            Some(by) => by == name,
            None => from == name && !without_a_cookie.contains(&(one.at, one.tie)),
        };
        self.take_out(Slot::Visitor(from, module.cloned()), &theirs)
    }

    fn link(&mut self, name: Name, also: Also) -> Result<(), Needs> {
        let open = self.open(Slot::Also(name))?;
        // What is known for certain stays.
        if !matches!((&open.value, &also), (Value::Also(Also::Renews(..)), Also::Behind(_))) {
            open.value = Value::Also(also);
            open.touched = true;
        }
        Ok(())
    }

    fn unlink(&mut self, name: Name) -> Result<(), Needs> {
        let open = self.open(Slot::Also(name))?;
        if matches!(open.value, Value::Also(Also::Behind(_))) {
            open.value = Value::Nothing;
            open.touched = true;
        }
        Ok(())
    }

    fn in_company(
        &mut self,
        fingerprint: Name,
        take: impl FnOnce(&mut Company, Memory) -> Told,
    ) -> Result<Told, Needs> {
        let memory = self.memory;
        let open = self.open(Slot::Also(fingerprint))?;
        if !matches!(open.value, Value::Also(Also::Company(_))) {
            open.value = Value::Also(Also::Company(Box::default()));
        }
        let Value::Also(Also::Company(company)) = &mut open.value else { return Ok(Told::default()) };
        open.touched = true;
        Ok(take(company, memory))
    }

    /// When somebody without a cookie was seen behind a fingerprint, and what tells that from others of the same instant.
    fn without_a_cookie_behind(&mut self, fingerprint: Name) -> Result<Vec<(Millis, u16)>, Needs> {
        Ok(match self.also(fingerprint)? {
            Some(Also::Company(company)) => company.without_a_cookie().collect(),
            _ => Vec::new(),
        })
    }

    /// What turned out to be another visitor's moves there.
    fn follow(&mut self, moves: Vec<Move>, fingerprint: Name, like: &Observation) -> Result<(), Needs> {
        let (mut unwatched, mut own) = (Vec::new(), Vec::new());
        for one in moves {
            match one {
                Move::One { item, from, to } => self.move_one(&item, from, to, like)?,
                Move::Cookie { name, from, to } => unwatched.extend(self.move_cookie(name, from, to, fingerprint)?),
                Move::Own(name) => own.push(name),
                Move::Contested(name) => unwatched.extend(self.unsettle(name, fingerprint)?),
            }
        }
        own.into_iter().try_for_each(|cookie| self.settle(cookie, fingerprint))?;
        // Only then: what follows from it sees everything where it belongs.
        unwatched.into_iter().try_for_each(|cookie| self.watch(cookie, fingerprint, like))
    }

    fn move_one(
        &mut self,
        item: &Item,
        from: Option<Resolved>,
        to: Option<Resolved>,
        like: &Observation,
    ) -> Result<(), Needs> {
        let mut found = Vec::new();
        if let Some(from) = from {
            let is_it = |one: &Observation| {
                (one.at, one.kind, one.evidence, one.user, one.tie)
                    == (item.at, from.kind, from.evidence, item.user, item.tie)
            };
            found = self.take_out(Slot::Visitor(from.visitor, item.module.clone()), &is_it)?;
        }
        let Some(to) = to else { return Ok(()) };
        let slot = Slot::Visitor(to.visitor, item.module.clone());
        if from.is_none() && item.kind != Kind::Page && !item.overheard {
            // It was nobody's and was not kept; that it was there is all that matters of it.
            let day = like.stamp.policy.zone.day(item.at);
            let Item { at, user, tie, .. } = *item;
            found.push(Observation { at, user, tie, day, note: Arc::default(), ..like.clone() });
        }
        for one in &mut found {
            (one.kind, one.evidence, one.by) = (to.kind, to.evidence, None);
        }
        self.put(slot, found, true)
    }

    /// A cookie that came back turned out to be nobody else's: it is not asked any more what else it may be.
    fn settle(&mut self, cookie: Name, fingerprint: Name) -> Result<(), Needs> {
        for module in self.modules_of(cookie, fingerprint)? {
            let Some(Also::Company(company)) = self.also(fingerprint)? else { return Ok(()) };
            let Some(first) = company.settled(cookie, module.as_ref()) else { continue };
            self.visitor(Slot::Visitor(cookie, module))?.0.settled = Some(first);
        }
        self.unlink(cookie)
    }

    /// Says when the cookie was seen, if nobody watched that so far.
    fn move_cookie(&mut self, name: Name, from: Name, to: Name, fingerprint: Name) -> Result<Option<Unwatched>, Needs> {
        let (mut seen, mut unwatched) = (Vec::new(), false);
        for module in self.modules_of(name, fingerprint)? {
            if self.settled(name, module.as_ref())?.is_some() {
                let (theirs, _) = self.visitor(Slot::Visitor(name, module.clone()))?;
                seen.extend(theirs.unsettle());
                unwatched = true;
            }
            let mut moved = self.take_out_of_cookie(name, from, module.as_ref(), Some(fingerprint))?;
            for one in &mut moved {
                one.by = Some(name);
                seen.push(one.at);
            }
            self.put(Slot::Visitor(to, module), moved, true)?;
        }
        self.unlink(name)?;
        self.link(name, Also::Behind(fingerprint))?;
        Ok(first_and_last(&seen).filter(|_| unwatched).map(|seen| (name, seen)))
    }

    /// Tells those behind a fingerprint when a cookie that was not watched until now was seen first, and last.
    fn watch(&mut self, (cookie, seen): Unwatched, fingerprint: Name, like: &Observation) -> Result<(), Needs> {
        let cookie = Shown { name: cookie, issued: None, origin: None };
        for at in [seen.0, seen.1] {
            let told =
                self.in_company(fingerprint, |company, memory| company.watch(fingerprint, cookie, at, memory))?;
            self.follow(told.moves, fingerprint, like)?;
        }
        Ok(())
    }

    fn place(&mut self, visitor: Name, observation: Observation) -> Result<(), Needs> {
        self.put(Slot::Visitor(visitor, self.scope.module.clone()), vec![observation], false)
    }

    fn put(&mut self, slot: Slot, mut seen: Vec<Observation>, moved: bool) -> Result<(), Needs> {
        let memory = self.memory;
        let (visitor, change) = self.visitor(slot)?;
        let mut news = match (seen.pop(), seen.is_empty()) {
            (None, _) => return Ok(()),
            (Some(one), true) => visitor.history.add_one(one, memory),
            (Some(one), false) => {
                seen.push(one);
                visitor.history.add(seen, memory)
            }
        };
        if moved {
            // Its page was seen before.
            news.pages.clear();
        }
        change.join(news);
        Ok(())
    }

    fn take_out(&mut self, slot: Slot, is_theirs: &dyn Fn(&Observation) -> bool) -> Result<Vec<Observation>, Needs> {
        let from = self.mends_from;
        let (visitor, change) = self.visitor(slot)?;
        let (taken, news) = visitor.history.take_out(|one: &Observation| one.at >= from && is_theirs(one));
        change.join(news);
        Ok(taken)
    }

    fn late(&mut self, seen: &Observation) {
        self.late.late += 1;
        self.late.pages.extend(seen.is_view().then_some(seen.day));
    }

    fn also(&mut self, name: Name) -> Result<Option<&Also>, Needs> {
        Ok(match &self.open(Slot::Also(name))?.value {
            Value::Also(also) => Some(also),
            _ => None,
        })
    }

    fn visitor(&mut self, slot: Slot) -> Result<(&mut Visitor, &mut Change), Needs> {
        let open = self.open(slot)?;
        if !matches!(open.value, Value::Visitor(_)) {
            open.value = Value::Visitor(Box::default());
        }
        open.touched = true;
        match open {
            Open { value: Value::Visitor(visitor), change, .. } => Ok((visitor, change)),
            _ => Err(Needs::default()),
        }
    }

    fn open(&mut self, slot: Slot) -> Result<&mut Open, Needs> {
        let place = if let Some(place) = self.open.iter().position(|open| open.slot == slot) {
            place
        } else {
            let value = self.shelf.take_down(&slot)?;
            let has_lapsed = value.lapses(self.idle, self.memory).is_some_and(|at| at <= self.since);
            let value = if has_lapsed { Value::Nothing } else { value };
            // For whoever comes later with what was before it has lapsed, too: they belong together.
            self.open.push(Open { slot, value, change: Change::default(), touched: has_lapsed });
            self.open.len() - 1
        };
        self.open.get_mut(place).ok_or_else(Needs::default)
    }
}

fn first_and_last(seen: &[Millis]) -> Option<(Millis, Millis)> {
    Some((*seen.iter().min()?, *seen.iter().max()?))
}

fn item(sighted: &Sighted, trace: &Trace) -> Item {
    let Observation { at, kind, evidence, user, ref stamp, tie, .. } = sighted.observation;
    Item {
        at,
        answered: trace.answered,
        kind,
        evidence,
        user,
        cookie: trace.cookie,
        handed: match trace.handed {
            Some(Handed::Ours(name) | Handed::Out(name)) => Some(name),
            _ => None,
        },
        points: None,
        module: sighted.scope.module.clone(),
        idle: stamp.policy.idle_timeout,
        fingerprint_only: trace.fingerprint_only,
        tie,
        overheard: sighted.overheard,
    }
}
