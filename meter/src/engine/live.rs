//! Who is live: a small copy of each session's state, good enough to tell whether a page may count.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use dashmap::DashMap;
use dashmap::mapref::entry::Entry;
use portalmeter_rules::id::Name;
use portalmeter_rules::time::Millis;
use portalmeter_rules::verdict::{Evidence, Kind};

use crate::day::Day;
use crate::fold::{is_live, step};
use crate::observation::{Key, Observation};
use crate::record::Reason;
use crate::session::{Class, Session};

/// The live sessions of a node. Bounded in time: each entry is looked at once per timeout, never all
/// at once.
#[derive(Debug)]
pub struct LiveSessions {
    /// Visitors are keyed hashes: nobody outside can choose them, so a quick hasher will do.
    sessions: DashMap<Key, Live, foldhash::fast::RandomState>,
    expiry: Mutex<VecDeque<(Millis, Key)>>,
    keep: Millis,
}

/// What of a session tells whether the next page may count; [`step`] remains the only judge.
#[derive(Debug, Clone, Copy)]
struct Live {
    started: Millis,
    last_seen: Millis,
    user: Option<Name>,
    counted_day: Day,
    pages: u32,
    idle: u32,
    began: Reason,
    class: Class,
    proven_guest: bool,
    logged_out: bool,
    counted: bool,
}

/// Beyond this, what would end first is forgotten; only the store's answer becomes a little later.
const MOST: usize = 8_000_000;

impl LiveSessions {
    /// No sessions; each is forgotten `keep` milliseconds after its idle timeout.
    pub fn new(keep: Millis) -> Self {
        Self { sessions: DashMap::default(), expiry: Mutex::default(), keep: keep.min(60_000) }
    }

    /// How many are known.
    pub fn len(&self) -> usize {
        self.sessions.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.sessions.is_empty()
    }

    /// Whether a visitor has a live session in a scope.
    pub fn is_live(&self, key: &Key, at: Millis) -> bool {
        self.sessions.get(key).is_some_and(|live| at - live.last_seen < Millis::from(live.idle))
    }

    /// What somebody with a live session is in it, and who is signed in.
    pub fn signed_in(&self, key: &Key, at: Millis) -> Option<(Class, Option<Name>)> {
        let live = self.sessions.get(key).filter(|live| at - live.last_seen < Millis::from(live.idle))?;
        Some(if live.logged_out { (Class::Guest, None) } else { (live.class, live.user) })
    }

    /// Takes an observation; says whether it may count or change who is signed in.
    pub fn touch(&self, key: Key, seen: &Observation) -> bool {
        match self.sessions.entry(key) {
            Entry::Occupied(mut there) => there.get_mut().touch(seen),
            Entry::Vacant(_) if seen.kind != Kind::Page => seen.kind == Kind::Logout,
            Entry::Vacant(free) => {
                let mut session = None;
                step(&mut session, seen, &mut |_| {});
                if let Some(session) = &session {
                    free.insert(Live::of(session, seen.stamp.policy.idle_timeout));
                    self.expect(key, seen.at + seen.stamp.policy.idle_timeout + self.keep);
                }
                true
            }
        }
    }

    /// Puts back what a store kept.
    pub fn restore(&self, key: Key, session: &Session, idle: Millis) {
        self.sessions.insert(key, Live::of(session, idle));
        self.expect(key, session.last_seen + idle + self.keep);
    }

    /// Forgets sessions that have ended.
    pub fn expire(&self, now: Millis) {
        loop {
            let due = {
                let mut expiry = self.expiry.lock().unwrap_or_else(PoisonError::into_inner);
                let crowded = self.sessions.len() > MOST;
                match expiry.front() {
                    Some((due, _)) if *due <= now || crowded => expiry.pop_front(),
                    _ => return,
                }
            };
            let Some((_, key)) = due else { return };
            let crowded = self.sessions.len() > MOST;
            let ends = |live: &Live| live.last_seen + Millis::from(live.idle) + self.keep;
            let removed = self.sessions.remove_if(&key, |_, live| ends(live) <= now || crowded);
            if removed.is_none()
                && let Some(later) = self.sessions.get(&key).map(|live| ends(&live))
            {
                self.expect(key, later);
            }
        }
    }

    fn expect(&self, key: Key, due: Millis) {
        self.expiry.lock().unwrap_or_else(PoisonError::into_inner).push_back((due, key));
    }
}

impl Live {
    fn of(session: &Session, idle: Millis) -> Self {
        Self {
            started: session.started,
            last_seen: session.last_seen,
            user: session.user,
            counted_day: session.counted_day,
            pages: session.pages,
            idle: u32::try_from(idle).unwrap_or(u32::MAX),
            began: session.began,
            class: session.class,
            proven_guest: session.proven_guest,
            logged_out: session.logged_out,
            counted: session.counted,
        }
    }

    fn session(&self) -> Session {
        Session {
            started: self.started,
            last_seen: self.last_seen,
            counted_day: self.counted_day,
            began: self.began,
            class: self.class,
            proven_guest: self.proven_guest,
            logged_out: self.logged_out,
            user: self.user,
            pages: self.pages,
            converted: None,
            counted: self.counted,
        }
    }

    fn touch(&mut self, seen: &Observation) -> bool {
        let policy = &*seen.stamp.policy;
        let before = self.session();
        let alive = is_live(&before, seen.at, policy);
        let mut after = Some(before.clone());
        let mut quiet = true;
        step(&mut after, seen, &mut |_| quiet = false);
        // An activity that finds no session leaves what is known of the old one.
        let Some(after) = after else { return seen.kind == Kind::Logout };
        let same = Session { last_seen: after.last_seen, pages: after.pages, ..before } == after;
        *self = Self::of(&after, policy.idle_timeout);
        seen.kind == Kind::Logout || !alive || !quiet || !same || !after.counted || is_sudden(seen)
    }
}

/// Evidence that cannot be in a session of this key, which only the store can sort out.
fn is_sudden(seen: &Observation) -> bool {
    seen.kind == Kind::Page && seen.evidence == Evidence::Bot && seen.user.is_some()
}
