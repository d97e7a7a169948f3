//! Everything that was seen behind one fingerprint, and who that makes them.
//!
//! Like a visitor's history this is a set: it is gone through in order of time, and what comes late is
//! put in its place and all of it gone through again. What then turns out to be another visitor's moves.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::sync::Arc;

use portalmeter_rules::id::Name;
use portalmeter_rules::time::Millis;
use portalmeter_rules::verdict::{Evidence, Kind};

use super::cookies::Cookie;
use super::pointer::Pointer;
use super::{ANSWERED, Resolved, Shown};
use crate::history::Memory;
use crate::terse::{OrNever, Reader, Terse, Writer, read_checkpoint, terse, write_checkpoint};

#[cfg(test)]
mod tests;

/// One exchange behind a fingerprint, as far as names are concerned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// When the request arrived.
    pub at: Millis,
    /// When its response passed.
    pub answered: Millis,
    /// Page, activity or logout.
    pub kind: Kind,
    /// What it proves.
    pub evidence: Evidence,
    /// The signed-in user.
    pub user: Option<Name>,
    /// The cookie it came with.
    pub cookie: Option<Shown>,
    /// The cookie that was handed out with the response.
    pub handed: Option<Name>,
    /// The cookie that was deleted, and whose it was: the fingerprint points there from now on.
    pub points: Option<(Name, Name)>,
    /// The module it was seen in, where sessions are counted per module.
    pub module: Option<Arc<str>>,
    /// The portal's idle timeout.
    pub idle: Millis,
    /// A fingerprint is all there will ever be.
    pub fingerprint_only: bool,
    /// Tells exchanges of one instant apart.
    pub tie: u16,
    /// Only its cookies matter: the exchange itself is not observed.
    pub overheard: bool,
}

terse!(Item {
    at,
    answered,
    kind,
    evidence,
    user,
    cookie,
    handed,
    points,
    module,
    idle as OrNever,
    fingerprint_only,
    tie,
    overheard,
});

impl Item {
    #[expect(clippy::type_complexity, reason = "the order of its fields")]
    fn rank(&self) -> (Millis, bool, bool, Kind, Evidence, Option<Name>, Option<Name>, Option<Name>, u16) {
        let cookie = self.cookie.map(|cookie| cookie.name);
        // Whichever way counts less: a cookie that goes at this instant is gone, one that comes back is not back yet.
        let first = (self.points.is_none(), cookie.is_some());
        (self.at, first.0, first.1, self.kind, self.evidence, self.user, cookie, self.handed, self.tie)
    }

    fn order(&self, other: &Self) -> Ordering {
        self.rank().cmp(&other.rank())
    }
}

/// What is known once some items were gone through.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Knowledge {
    pub(super) pointer: Option<Pointer>,
    /// Pointers of users that are known behind the fingerprint.
    pub(super) users: Vec<(Name, Pointer)>,
    pub(super) cookies: Vec<Cookie>,
}

terse!(Knowledge { pointer, users, cookies });

/// Those behind one fingerprint.
#[derive(Debug, Clone, Default)]
pub struct Company {
    base: Knowledge,
    floor: Millis,
    recent: Vec<Item>,
    tip: Knowledge,
    compact_at: usize,
}

/// What an item tells.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Told {
    /// Who it is; nothing: nobody with a session, and this starts none.
    pub who: Option<Resolved>,
    /// It came too late to tell.
    pub late: bool,
    /// What turned out to be another's.
    pub moves: Vec<Move>,
    /// Several cookies were handed out for the session of its cookie.
    pub contested: bool,
}

/// Something that turned out to be another visitor's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Move {
    /// One exchange without a cookie.
    One {
        /// Which.
        item: Item,
        /// Whose it was taken for.
        from: Option<Resolved>,
        /// Whose it is.
        to: Option<Resolved>,
    },
    /// All that came with a cookie.
    Cookie {
        /// Which.
        name: Name,
        /// Whose it was taken for.
        from: Name,
        /// Whose it is.
        to: Name,
    },
    /// Nobody else may have the session of this cookie any more; nothing moves for that.
    Own(Name),
    /// Somebody else may have the session of this cookie, too; nothing moves for that.
    Contested(Name),
}

/// When cookies were seen first and last.
type Seen = HashMap<Name, (Millis, Millis)>;

/// No more items than this are remembered one by one.
const MOST: usize = 256;
/// No more cookies and users than this are known.
const MOST_NAMES: usize = 256;
/// Fewer are not worth it: while all is remembered, what comes late changes nothing that came since.
const FIRST_COMPACTION: usize = 64;

impl Company {
    /// Takes an item, in any order and any number of times, and says who it is and what else follows.
    pub fn take(&mut self, fingerprint: Name, item: Item, memory: Memory) -> Told {
        if item.at < self.floor {
            return Told { late: true, ..Told::default() };
        }
        let place = self.recent.binary_search_by(|one| one.order(&item));
        let (cookie, at) = (item.cookie.map(|cookie| cookie.name), item.at);
        let mut told = match place {
            // Where it is contested whose a cookie is, what it is seen with decides about what was before, too.
            Err(place) if place == self.recent.len() && !(cookie.is_some() && self.tip.has_contest()) => {
                self.append(fingerprint, item)
            }
            Ok(place) => {
                let (knowledge, who) = self.go_through(fingerprint);
                Told { who: who.get(place).copied().flatten(), ..knowledge.told_of(&self.recent[place]) }
            }
            Err(place) => self.insert(fingerprint, place, item),
        };
        if let Some(cookie) = cookie {
            let is_later = |item: &Item| item.at > at && item.cookie.is_some_and(|later| later.name == cookie);
            if told.contested && self.recent.iter().any(is_later) {
                // It shows of what is too old for a later return, that was told before, whose that is.
                told.moves.extend(moved_cookies(&self.tip.rivals_of(cookie), &self.tip));
            }
            self.keep_first_and_last(cookie);
        }
        self.compact_if_due(fingerprint, memory);
        told
    }

    /// Of a cookie it matters when it first came back, and when it was last seen.
    fn keep_first_and_last(&mut self, cookie: Name) {
        let is_it = |item: &Item| item.cookie.is_some_and(|one| one.name == cookie);
        for module in self.modules_of(cookie) {
            let is_it = |item: &Item| is_it(item) && item.module == module;
            let count = self.recent.iter().filter(|item| is_it(item)).count();
            let mut number = 0;
            self.recent.retain(|item| {
                number += usize::from(is_it(item));
                !is_it(item) || number == 1 || number == count
            });
        }
    }

    /// When a cookie first came back in a module, if nobody else may have it.
    pub fn settled(&self, cookie: Name, module: Option<&Arc<str>>) -> Option<Millis> {
        let is_it = |item: &&Item| item.cookie.is_some_and(|one| one.name == cookie) && item.module.as_ref() == module;
        self.recent.iter().find(is_it).filter(|_| self.tip.is_own(cookie)).map(|item| item.at)
    }

    /// Where a cookie was seen.
    pub fn modules_of(&self, cookie: Name) -> Vec<Option<Arc<str>>> {
        let mut modules: Vec<Option<Arc<str>>> = Vec::new();
        for item in self.recent.iter().filter(|item| item.cookie.is_some_and(|one| one.name == cookie)) {
            if !modules.contains(&item.module) {
                modules.push(item.module.clone());
            }
        }
        modules
    }

    /// When there last was anything.
    pub fn last_seen(&self) -> Millis {
        self.recent.last().map_or(self.floor, |item| item.answered.max(item.at))
    }

    /// Whether its cookies tell all of it that matters: each was handed out here, or says when, and came back.
    pub fn is_told_by_cookies(&self) -> bool {
        let is_handed =
            |cookie: &Shown| cookie.issued.is_some() || self.recent.iter().any(|item| item.handed == Some(cookie.name));
        let is_told = |item: &Item| match (item.cookie, item.handed, item.points, &item.module) {
            (Some(cookie), _, None, None) => self.tip.is_own(cookie.name) && is_handed(&cookie),
            (None, Some(handed), None, None) => self.tip.is_own(handed),
            _ => false,
        };
        self.base == Knowledge::default() && self.recent.iter().all(is_told)
    }

    /// Whether a cookie is known to have come back.
    pub fn has_come_back(&self, cookie: Name) -> bool {
        self.tip.cookie(cookie).is_some_and(Cookie::has_come_back)
    }

    /// A cookie is known to have been seen at an instant, be it that this was told or not.
    pub fn watch(&mut self, fingerprint: Name, cookie: Shown, at: Millis, memory: Memory) -> Told {
        let is_told = |item: &Item| item.at == at && item.cookie.is_some_and(|told| told.name == cookie.name);
        if self.recent.iter().any(is_told) {
            return Told::default();
        }
        let like = self.recent.last().map_or((Millis::MIN, false), |item| (item.idle, item.fingerprint_only));
        let seen = Item {
            at,
            answered: at,
            kind: Kind::Activity,
            evidence: Evidence::Unknown,
            user: None,
            cookie: Some(cookie),
            handed: None,
            points: None,
            module: None,
            idle: like.0,
            fingerprint_only: like.1,
            tie: 0,
            overheard: true,
        };
        self.take(fingerprint, seen, memory)
    }

    /// A cookie that was seen here is none of its own: it took the place of another, which is a visitor's.
    pub fn renounce(&mut self, fingerprint: Name, name: Name, for_it: (Name, Name), memory: Memory) -> Told {
        let is_it = |item: &Item| item.cookie.is_some_and(|cookie| cookie.name == name);
        let (before, was) = self.go_through(fingerprint);
        let who = self.recent.iter().zip(&was).find(|(item, _)| is_it(item)).and_then(|(_, who)| *who);
        let known = before.cookie(for_it.0).is_some();
        let mut all: Vec<(Item, Option<Resolved>)> = self.recent.drain(..).zip(was).collect();
        // Where it was seen, the other was: that one may turn out to be none either.
        all.retain(|(item, _)| known || !is_it(item));
        for (item, _) in &mut all {
            if let Some(cookie) = item.cookie.as_mut().filter(|cookie| cookie.name == name) {
                cookie.name = for_it.0;
            }
            if let Some(points) = item.points.as_mut().filter(|points| points.0 == name) {
                *points = for_it;
            }
        }
        all.sort_by(|(one, _), (other, _)| one.order(other));
        all.dedup_by(|(one, _), (other, _)| one.order(other).is_eq());
        let was: Vec<_> = all.iter().map(|(_, who)| *who).collect();
        self.recent = all.into_iter().map(|(item, _)| item).collect();
        let (after, is) = self.go_through(fingerprint);
        let moves = self.moves(&before, &after, &was, &is, Some(name));
        self.tip = after;
        self.compact_if_due(fingerprint, memory);
        Told { who, moves, ..Told::default() }
    }

    /// Whose a cookie is that was seen here or handed out, and whether that is contested.
    pub fn whose(&self, cookie: Name) -> Option<(Name, bool)> {
        self.tip.cookie(cookie)?;
        Some((self.tip.visitor_of(cookie), self.tip.is_contested(cookie)))
    }

    /// When somebody without a cookie was seen, and what tells that from others of the same instant.
    pub fn without_a_cookie(&self) -> impl Iterator<Item = (Millis, u16)> {
        self.recent.iter().filter(|item| item.cookie.is_none() && item.points.is_none()).map(|item| (item.at, item.tie))
    }

    fn append(&mut self, fingerprint: Name, item: Item) -> Told {
        let before = self.tip.contested();
        let who = self.tip.step(fingerprint, &item, &Seen::new());
        let moves = moved_cookies(&before, &self.tip);
        let told = Told { who, moves, ..self.tip.told_of(&item) };
        self.recent.push(item);
        told
    }

    fn insert(&mut self, fingerprint: Name, place: usize, item: Item) -> Told {
        let (before, mut was) = self.go_through(fingerprint);
        self.recent.insert(place, item);
        let (after, is) = self.go_through(fingerprint);
        let who = is.get(place).copied().flatten();
        // It was nobody's, and does not move.
        was.insert(place, who);
        let moves = self.moves(&before, &after, &was, &is, None);
        let told = Told { who, moves, ..after.told_of(&self.recent[place]) };
        self.tip = after;
        told
    }

    /// What was another's before.
    fn moves(
        &self,
        before: &Knowledge,
        after: &Knowledge,
        was: &[Option<Resolved>],
        is: &[Option<Resolved>],
        but: Option<Name>,
    ) -> Vec<Move> {
        let moved = self.recent.iter().zip(was.iter().zip(is));
        let moved = moved.filter(|(item, (was, is))| item.cookie.is_none() && item.points.is_none() && was != is);
        let mut moves: Vec<Move> =
            moved.map(|(item, (from, to))| Move::One { item: item.clone(), from: *from, to: *to }).collect();
        let back = before.cookies.iter().filter(|cookie| Some(cookie.name) != but);
        let back: Vec<_> = back.map(|cookie| (cookie.name, before.visitor_of(cookie.name))).collect();
        moves.extend(moved_cookies(&back, after));
        for cookie in back.into_iter().map(|(cookie, _)| cookie) {
            match (before.is_contested(cookie), after.is_contested(cookie)) {
                (true, false) if after.is_own(cookie) => moves.push(Move::Own(cookie)),
                (false, true) if before.is_own(cookie) => moves.push(Move::Contested(cookie)),
                _ => {}
            }
        }
        moves
    }

    /// Who each of them is.
    fn go_through(&self, fingerprint: Name) -> (Knowledge, Vec<Option<Resolved>>) {
        let mut knowledge = self.base.clone();
        let mut seen = Seen::new();
        for item in &self.recent {
            if let Some(cookie) = item.cookie {
                let (first, last) = seen.entry(cookie.name).or_insert((item.at, item.at));
                (*first, *last) = (item.at.min(*first), item.at.max(*last));
            }
        }
        let mut who: Vec<Option<Resolved>> =
            self.recent.iter().map(|item| knowledge.step(fingerprint, item, &seen)).collect();
        // Whose a cookie is can be told only by the end.
        for (item, who) in self.recent.iter().zip(&mut who) {
            if let (Some(cookie), Some(who)) = (item.cookie, who) {
                who.visitor = knowledge.visitor_of(cookie.name);
            }
        }
        (knowledge, who)
    }

    fn compact_if_due(&mut self, fingerprint: Name, memory: Memory) {
        if self.recent.len() < self.compact_at.max(FIRST_COMPACTION) {
            return;
        }
        let newest = self.recent.last().map_or(0, |item| item.at);
        let old = self.recent.partition_point(|item| item.at < memory.floor(newest));
        self.forget(fingerprint, old, newest);
        self.merge(fingerprint, memory.settled(newest));
        if self.recent.len() > MOST {
            self.forget(fingerprint, self.recent.len() - MOST / 2, newest);
        }
        self.compact_at = 2 * self.recent.len();
    }

    fn forget(&mut self, fingerprint: Name, count: usize, now: Millis) {
        for item in self.recent.drain(..count) {
            self.base.step(fingerprint, &item, &Seen::new());
            self.floor = self.floor.max(item.at + 1);
        }
        if let Some(next) = self.recent.first() {
            self.floor = self.floor.min(next.at);
        }
        let lately = |seen: Millis, idle: Millis| now - seen < idle + ANSWERED;
        let idle = self.recent.last().map_or(0, |item| item.idle);
        for knowledge in [&mut self.base, &mut self.tip] {
            knowledge.users.retain(|(_, pointer)| lately(pointer.seen, idle));
            knowledge.cookies.retain(|cookie| lately(cookie.used(), idle));
            // Those that never came back go first.
            knowledge.cookies.sort_by_key(Cookie::has_come_back);
            let many = knowledge.cookies.len().saturating_sub(MOST_NAMES);
            knowledge.cookies.drain(..many);
            let many = knowledge.users.len().saturating_sub(MOST_NAMES);
            knowledge.users.drain(..many);
        }
    }

    /// Of a run of settled items that say the same of the same visitor, keeps the first and the last.
    fn merge(&mut self, fingerprint: Name, settled: Millis) {
        let (known, who) = self.go_through(fingerprint);
        let mut kept: Vec<(Item, Option<Resolved>)> = Vec::with_capacity(self.recent.len());
        let mut rest = self.recent.drain(..).zip(who).peekable();
        while let Some((item, who)) = rest.next() {
            let bridged = kept.last().zip(rest.peek()).is_some_and(|((previous, before), (next, after))| {
                next.at < settled
                    && next.at - previous.at < item.idle
                    && *before == who
                    && *after == who
                    && alike(previous, &item)
                    && alike(&item, next)
            });
            if bridged {
                // The cookie that was handed out with it may come back all the same.
                let handed = item.handed.filter(|_| item.cookie.is_none()).and_then(|handed| known.cookie(handed));
                self.base
                    .cookies
                    .extend(handed.filter(|handed| self.base.cookie(handed.name).is_none()).map(Cookie::as_handed_out));
            } else {
                kept.push((item, who));
            }
        }
        drop(rest);
        self.recent = kept.into_iter().map(|(item, _)| item).collect();
        self.tip = self.go_through(fingerprint).0;
    }
}

/// What it comes to follows from the rest.
impl Terse for Company {
    fn write(&self, to: &mut Writer) {
        let Self { base, floor, recent, tip: _, compact_at: _ } = self;
        write_checkpoint(to, *floor, base);
        recent.write(to);
    }

    fn read(from: &mut Reader<'_>) -> Option<Self> {
        let (floor, base) = read_checkpoint(from)?;
        let mut company = Self { base, floor, recent: Terse::read(from)?, ..Self::default() };
        company.tip = company.go_through(from.of).0;
        Some(company)
    }
}

impl Knowledge {
    fn told_of(&self, item: &Item) -> Told {
        let Some(cookie) = item.cookie else { return Told::default() };
        Told { contested: self.is_contested(cookie.name), ..Told::default() }
    }

    /// Takes the next item, where it is known when cookies are seen over all.
    fn step(&mut self, fingerprint: Name, item: &Item, seen: &Seen) -> Option<Resolved> {
        if let Some((cookie, visitor)) = item.points {
            // It goes before the return that it came with, which tells whose the cookie is.
            if let Some(seen) = seen.get(&cookie).filter(|seen| seen.0 == item.at && self.cookie(cookie).is_none()) {
                self.came_back(&Shown { name: cookie, issued: None, origin: None }, item, *seen);
            }
            let visitor = self.cookie(cookie).map_or(visitor, |cookie| self.visitor_of(cookie.name));
            self.pointer = Some(Pointer { since: Some(item.answered), ..Pointer::to(visitor, item.at) });
            return None;
        }
        if let Some(shown) = &item.cookie {
            let seen = seen.get(&shown.name).copied().unwrap_or((item.at, item.at));
            self.came_back(shown, item, seen);
            let visitor = self.visitor_of(shown.name);
            return Some(Resolved { visitor, kind: item.kind, evidence: item.evidence });
        }
        if item.fingerprint_only {
            return self.by_fingerprint(item, fingerprint);
        }
        self.without_a_cookie(item, fingerprint)
    }
}

fn moved_cookies(before: &[(Name, Name)], after: &Knowledge) -> Vec<Move> {
    let moved = before.iter().map(|(name, from)| (*name, *from, after.visitor_of(*name)));
    moved.filter(|(_, from, to)| from != to).map(|(name, from, to)| Move::Cookie { name, from, to }).collect()
}

fn alike(one: &Item, other: &Item) -> bool {
    let says = |item: &Item| (item.kind, item.evidence, item.user, item.cookie, item.points, item.fingerprint_only);
    says(one) == says(other) && one.module == other.module
}
