//! Names of visitors: which session a cookie, a renewed cookie or a fingerprint stands for.
//!
//! A page without the mode's cookie is metered under the id that its response hands out, and the
//! fingerprint points to that session until a cookie comes back (`metering.md`, Which browser is
//! it). Wherever two readings are possible, the one that counts less is taken.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use dashmap::DashMap;
use portalmeter_rules::id::Name;
use portalmeter_rules::time::Millis;
use portalmeter_rules::verdict::{Evidence, Kind};
use portalmeter_rules::visitor::ticket::Ticket;
use portalmeter_rules::visitor::{Handed, Traces};

mod cookieless;
mod entry;
mod fingerprint;
mod pointers;

pub use entry::{Alias, Claim, Known, NameChange, Pointer, Slot};
use pointers::Pointers;

/// By names, which are keyed hashes: nobody outside can choose them, so a quick hasher will do.
type NameMap<T> = DashMap<Name, T, foldhash::fast::RandomState>;

/// The table of names, bounded in time and in number.
#[derive(Debug)]
pub struct Names {
    pointers: Pointers,
    aliases: NameMap<Alias>,
    claims: NameMap<Claim>,
    expiry: Queue<Slot>,
    /// Pointers that are new: most are closed soon and need not be looked for much later.
    opened: Queue<Name>,
    closing: Queue<Name>,
    changed: Mutex<Vec<Slot>>,
    forgotten: Mutex<Vec<Slot>>,
    /// Whoever has no cookie takes turns with the others of the same fingerprint, or two first pages of one
    /// browser would be two visitors.
    turns: [Mutex<()>; TURNS],
    remember: Millis,
    keeps_changes: bool,
}

/// What is to be looked at, and from when on.
type Queue<T> = Mutex<VecDeque<(Millis, T)>>;

/// A cookie handed out with a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HandedOut {
    /// Its name.
    pub name: Name,
    /// Whether the cookie itself says for whose session it is, so that nothing need be remembered.
    pub tells: bool,
}

/// One exchange, as far as names are concerned.
#[derive(Debug, Clone, Copy)]
pub struct Sighting<'a> {
    /// When the request arrived.
    pub at: Millis,
    /// When its response passed.
    pub now: Millis,
    /// Page, activity or logout.
    pub kind: Kind,
    /// What it proves.
    pub evidence: Evidence,
    /// The signed-in user.
    pub user: Option<Name>,
    /// The browser's traces.
    pub traces: &'a Traces<'a>,
    /// The portal's idle timeout.
    pub idle: Millis,
}

/// Who it is, and what remains of the evidence once doubt is taken into account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resolved {
    /// The visitor.
    pub visitor: Name,
    /// Page, activity or logout.
    pub kind: Kind,
    /// What it proves.
    pub evidence: Evidence,
}

/// How long two tabs opened at once may still show the cookie that lost.
const TABS: Millis = 2_000;
/// How stale the stored time of an entry may become.
const STALE: Millis = 10_000;
/// A page is answered within this time, or it may be taken for another browser's.
const ANSWERED: Millis = 60_000;
/// No more entries of a sort than this; beyond, new ones are not remembered.
const MOST: usize = 4_000_000;
/// As many fingerprints at least are looked up side by side.
const TURNS: usize = 64;
/// Who is signed in where nobody says as whom.
const SOMEBODY: Name = Name(*b"somebody unnamed");

impl Names {
    /// A table that remembers a name for `remember` milliseconds after its last use, for a store if
    /// `keeps_changes`.
    pub fn new(remember: Millis, keeps_changes: bool) -> Self {
        Self {
            pointers: Pointers::default(),
            aliases: NameMap::default(),
            claims: NameMap::default(),
            expiry: Mutex::default(),
            opened: Mutex::default(),
            closing: Mutex::default(),
            changed: Mutex::default(),
            forgotten: Mutex::default(),
            turns: std::array::from_fn(|_| Mutex::default()),
            remember,
            keeps_changes,
        }
    }

    /// Puts back what a store kept.
    pub fn restore(&self, change: NameChange) {
        match change.known {
            Some(known) => {
                self.insert(change.slot, known);
                lock(&self.expiry).push_back((known.seen() + self.remember, change.slot));
            }
            None => self.remove(change.slot),
        }
    }

    /// What changed since the last call, for journal and store.
    pub fn take_changes(&self) -> Vec<NameChange> {
        self.take(&self.changed)
    }

    /// What [`Names::expire`] forgot since the last call, for the store alone: it comes in thousands,
    /// too many for a page's entry in the journal.
    pub fn take_forgotten(&self) -> Vec<NameChange> {
        self.take(&self.forgotten)
    }

    fn take(&self, list: &Mutex<Vec<Slot>>) -> Vec<NameChange> {
        let mut slots = std::mem::take(&mut *lock(list));
        slots.sort_unstable();
        slots.dedup();
        slots.into_iter().map(|slot| NameChange { slot, known: self.known(slot) }).collect()
    }

    /// Forgets what was not used for long; call it now and then.
    pub fn expire(&self, now: Millis) {
        while let Some(fingerprint) = due(&self.closing, now) {
            if self.pointers.remove_if(fingerprint, |pointer| pointer.closed.is_some()) && self.keeps_changes {
                lock(&self.forgotten).push(Slot::Pointer(fingerprint));
            }
        }
        while let Some(fingerprint) = due(&self.opened, now) {
            // A closed one is looked for where it was closed.
            if let Some(open) = self.pointers.get(fingerprint).filter(|pointer| pointer.closed.is_none()) {
                lock(&self.expiry).push_back((open.seen + self.remember, Slot::Pointer(fingerprint)));
            }
        }
        while let Some(slot) = due(&self.expiry, now) {
            match self.known(slot).map(|known| known.seen() + self.remember) {
                Some(due) if due > now => lock(&self.expiry).push_back((due, slot)),
                _ => self.remove(slot),
            }
        }
    }

    /// How many names are known.
    pub fn len(&self) -> usize {
        self.pointers.len() + self.aliases.len() + self.claims.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Who the sender of an exchange is; `None`: nobody with a session, and this starts none.
    ///
    /// `hand_out` is asked for a cookie for a page that came without one, with the visitor for
    /// whose session it would be.
    pub fn resolve(
        &self,
        seen: &Sighting<'_>,
        hand_out: &mut dyn FnMut(Option<Name>) -> Option<HandedOut>,
    ) -> Option<Resolved> {
        if seen.traces.fingerprint_only {
            return self.by_fingerprint(seen);
        }
        let Some(ticket) = &seen.traces.presented else { return self.by_pointer(seen, hand_out) };
        let visitor = self.by_cookie(seen, ticket);
        Some(Resolved { visitor, kind: seen.kind, evidence: seen.evidence })
    }

    /// Whether a page without a cookie would begin a session here: nobody is known by its fingerprint.
    pub fn begins(&self, seen: &Sighting<'_>) -> bool {
        let fingerprint = seen.traces.fingerprint.name();
        let theirs = seen.user.map(|user| of_user(fingerprint, user));
        let pointed = |slot: Name| self.live(slot, seen).is_some();
        let named = |slot: Name| self.aliases.get(&slot).is_some_and(|alias| seen.at - alias.seen < seen.idle);
        seen.kind == Kind::Page
            && seen.traces.presented.is_none()
            && !pointed(fingerprint)
            && !theirs.is_some_and(|theirs| pointed(theirs) || named(theirs))
    }

    /// Learns what an exchange that is not observed does to the mode's cookie: its new value is another
    /// name of the same session all the same.
    pub fn overhear(&self, at: Millis, now: Millis, traces: &Traces<'_>, idle: Millis) {
        if traces.response.is_some() && !traces.fingerprint_only {
            let (kind, evidence) = (Kind::Activity, Evidence::Unknown);
            self.resolve(&Sighting { at, now, kind, evidence, user: None, traces, idle }, &mut |_| None);
        }
    }

    fn turn(&self, fingerprint: Name) -> MutexGuard<'_, ()> {
        lock(&self.turns[usize::from(fingerprint.0[0]) % TURNS])
    }

    /// The pointer of a fingerprint, or of a user beside it, if it leads to a live session.
    fn live(&self, pointer: Name, seen: &Sighting<'_>) -> Option<Pointer> {
        self.pointers.get(pointer).filter(|pointer| pointer.is_live(seen))
    }

    fn by_cookie(&self, seen: &Sighting<'_>, ticket: &Ticket) -> Name {
        let of = self.session_of(seen, ticket);
        let visitor =
            if of.contested || self.claims.contains_key(&of.of) { self.claim(seen, ticket.name, &of) } else { of.of };
        if visitor == of.of {
            // Once a cookie has come back, the fingerprint points to nothing.
            self.close(seen, visitor, of.issued);
        }
        match seen.traces.response {
            Some(Handed::Out(name)) => {
                let alias = Alias { of: visitor, issued: Some(seen.now), contested: false, seen: seen.now };
                self.put(Slot::Alias(name), Known::Alias(alias));
            }
            Some(Handed::Deleted) => {
                let pointer = Pointer { since: Some(seen.now), ..Pointer::to(visitor, seen.at) };
                self.point(seen.traces.fingerprint.name(), pointer);
            }
            None => {}
        }
        visitor
    }

    fn close(&self, seen: &Sighting<'_>, visitor: Name, issued: Option<Millis>) {
        if !self.pointers.lead_to(visitor) {
            return;
        }
        let fingerprint = seen.traces.fingerprint.name();
        for slot in [Some(fingerprint), seen.user.map(|user| of_user(fingerprint, user))].into_iter().flatten() {
            let Some(mut pointer) = self.pointers.get_mut(slot) else { continue };
            let new = pointer.since.is_none_or(|since| issued.is_some_and(|issued| issued >= since));
            if pointer.visitor == visitor && new && pointer.closed.is_none_or(|closed| seen.at < closed) {
                // A page asked for before, and answered only now, still belongs to the session.
                pointer.closed = Some(seen.at);
                drop(pointer);
                lock(&self.closing).push_back((seen.at + ANSWERED, slot));
                self.change(Slot::Pointer(slot));
            }
        }
    }

    /// For whose session a cookie was handed out, as far as anybody knows.
    fn session_of(&self, seen: &Sighting<'_>, ticket: &Ticket) -> Alias {
        if let Some(mut alias) = self.aliases.get_mut(&ticket.name) {
            if stale(alias.seen, seen.at) {
                self.change(Slot::Alias(ticket.name));
            }
            alias.seen = alias.seen.max(seen.at);
            return *alias;
        }
        let plain = Alias { of: ticket.name, issued: ticket.issued, contested: false, seen: seen.at };
        if let Some(of) = ticket.of {
            return Alias { of, contested: true, ..plain };
        }
        if ticket.issued.is_some() {
            return plain;
        }
        // A cookie nobody saw handed out, from where a session waits for one: it belongs together.
        let waiting = self.live(seen.traces.fingerprint.name(), seen);
        match waiting.map(|pointer| pointer.visitor) {
            Some(of) if of != ticket.name => {
                let alias = Alias { of, issued: Some(seen.at), contested: true, seen: seen.at };
                self.put(Slot::Alias(ticket.name), Known::Alias(alias));
                alias
            }
            _ => plain,
        }
    }

    /// Whether a cookie may have the session it was handed out for, or gets one of its own.
    fn claim(&self, seen: &Sighting<'_>, cookie: Name, of: &Alias) -> Name {
        let mut claim = self.claims.entry(of.of).or_insert_with(|| {
            self.remember(Slot::Claim(of.of), seen.at);
            Claim { owner: None, cookie_seen: seen.at, seen: seen.at }
        });
        let mine = claim.owner.is_none_or(|owner| owner == cookie);
        let in_time = of.issued.is_some_and(|issued| claim.cookie_seen <= issued + TABS);
        if mine || in_time {
            if claim.owner != Some(cookie) || stale(claim.seen, seen.at) {
                self.change(Slot::Claim(of.of));
            }
            claim.seen = claim.seen.max(seen.at);
            claim.owner = Some(cookie);
            claim.cookie_seen = claim.cookie_seen.max(seen.at);
            return of.of;
        }
        drop(claim);
        let own = derived(b"own", &[&cookie.0]);
        let alias = Alias { of: own, issued: of.issued, contested: false, seen: seen.at };
        self.put(Slot::Alias(cookie), Known::Alias(alias));
        own
    }

    fn point(&self, fingerprint: Name, pointer: Pointer) {
        self.put(Slot::Pointer(fingerprint), Known::Pointer(pointer));
    }

    fn put(&self, slot: Slot, known: Known) {
        self.remember(slot, known.seen());
        self.insert(slot, known);
    }

    fn insert(&self, slot: Slot, known: Known) {
        match (slot, known) {
            (Slot::Pointer(name), Known::Pointer(pointer))
                if self.pointers.len() < MOST || self.pointers.get(name).is_some() =>
            {
                self.pointers.insert(name, pointer);
            }
            (Slot::Alias(name), Known::Alias(alias)) if self.aliases.len() < MOST => {
                self.aliases.insert(name, alias);
            }
            (Slot::Claim(name), Known::Claim(claim)) if self.claims.len() < MOST => {
                self.claims.insert(name, claim);
            }
            _ => {}
        }
    }

    fn remember(&self, slot: Slot, seen: Millis) {
        match slot {
            Slot::Pointer(fingerprint) => lock(&self.opened).push_back((seen + ANSWERED, fingerprint)),
            Slot::Alias(_) | Slot::Claim(_) => lock(&self.expiry).push_back((seen + self.remember, slot)),
        }
        self.change(slot);
    }

    fn change(&self, slot: Slot) {
        if self.keeps_changes {
            lock(&self.changed).push(slot);
        }
    }

    fn known(&self, slot: Slot) -> Option<Known> {
        match slot {
            Slot::Pointer(name) => self.pointers.get(name).map(Known::Pointer),
            Slot::Alias(name) => self.aliases.get(&name).map(|one| Known::Alias(*one)),
            Slot::Claim(name) => self.claims.get(&name).map(|one| Known::Claim(*one)),
        }
    }

    fn remove(&self, slot: Slot) {
        match slot {
            Slot::Pointer(name) => drop(self.pointers.remove_if(name, |_| true)),
            Slot::Alias(name) => drop(self.aliases.remove(&name)),
            Slot::Claim(name) => drop(self.claims.remove(&name)),
        }
    }
}

fn due<T>(queue: &Queue<T>, now: Millis) -> Option<T> {
    let mut queue = lock(queue);
    queue.front().filter(|(due, _)| *due <= now)?;
    queue.pop_front().map(|(_, one)| one)
}

/// Whether a time moved on enough to be stored again.
fn stale(stored: Millis, now: Millis) -> bool {
    now.div_euclid(STALE) > stored.div_euclid(STALE)
}

/// A user behind a fingerprint.
fn of_user(fingerprint: Name, user: Name) -> Name {
    derived(b"user", &[&fingerprint.0, &user.0])
}

/// A name made of others; those are keyed already.
fn derived(role: &[u8], parts: &[&[u8]]) -> Name {
    let mut hasher = blake3::Hasher::new_derive_key("portalmeter 2026 derived visitor");
    hasher.update(role);
    for part in parts {
        hasher.update(part);
    }
    let mut name = [0; 16];
    name.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
    Name(name)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
