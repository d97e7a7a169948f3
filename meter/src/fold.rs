//! The fold: what one observation does to a visitor's session in a scope, and what it counts.
//!
//! The numbers in the comments are those of the rules in `metering.md`. There is no other place
//! in the program that decides what counts.

use std::sync::Arc;

use portalmeter_rules::id::Name;
use portalmeter_rules::time::Millis;

use crate::day::Day;
use crate::observation::{Evidence, Kind, Note, Observation, Stamp};
use crate::policy::{DayRollover, Login, Policy};
use crate::record::Reason;
use crate::session::{Class, Session};

/// What an observation brought about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// A session counted.
    Counted(Counted),
    /// A guest session became external without counting again.
    Converted(Conversion),
}

/// A session counted on a day: the heart of a usage record.
#[derive(Debug, Clone)]
pub struct Counted {
    /// The session's first page.
    pub session: Millis,
    /// The day it counts on.
    pub day: Day,
    /// As what.
    pub class: Class,
    /// By which rule.
    pub reason: Reason,
    /// The page that counted.
    pub at: Millis,
    /// Who was signed in.
    pub user: Option<Name>,
    /// The policy that page was counted by.
    pub stamp: Stamp,
    /// What the record says of it.
    pub note: Arc<Note>,
}

/// Two say the same if their records would: of a page that comes late and counts instead, the record says when.
impl PartialEq for Counted {
    fn eq(&self, other: &Self) -> bool {
        let says = |one: &Self| (one.session, one.day, one.reason, one.class, one.at, one.user, one.stamp.id);
        says(self) == says(other) && self.note == other.note
    }
}

impl Eq for Counted {}

/// A guest session that became external on a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Conversion {
    /// The session's first page.
    pub session: Millis,
    /// When it became external.
    pub day: Day,
}

/// Takes one observation, in order of [`Observation`], and tells `emit` what it brought about.
///
/// Returns by how much it lengthened the session, in milliseconds.
pub fn step(session: &mut Option<Session>, seen: &Observation, emit: &mut dyn FnMut(Effect)) -> Millis {
    let policy = &*seen.stamp.policy;
    let Some(live) = session.as_mut().filter(|session| is_live(session, seen.at, policy)) else {
        // 1. Without a live session a page starts one, and nothing else does anything.
        *session = None;
        if seen.kind == Kind::Page {
            start(session, seen, Reason::Start, emit);
        }
        return 0;
    };
    let lasted = (seen.at - live.last_seen).max(0);
    live.last_seen = live.last_seen.max(seen.at);
    match seen.kind {
        Kind::Activity => {}
        Kind::Logout => log_out(live),
        Kind::Page => {
            live.pages = live.pages.saturating_add(1);
            if let Some(reason) = page(live, seen, policy, emit) {
                start(session, seen, reason, emit);
                return 0;
            }
        }
    }
    lasted
}

/// Whether a session is live at an instant: a gap of exactly the idle timeout ends it.
pub fn is_live(session: &Session, at: Millis, policy: &Policy) -> bool {
    at - session.last_seen < policy.idle_timeout && policy.max_duration.is_none_or(|max| at - session.started < max)
}

/// A page in a live session. Returns why a new one has to start, if one has to.
fn page(live: &mut Session, seen: &Observation, policy: &Policy, emit: &mut dyn FnMut(Effect)) -> Option<Reason> {
    match (live.class, seen.evidence) {
        // 8. Bots have sessions of their own, in which nobody signs in.
        (Class::Bot, _) | (_, Evidence::Bot) => {}
        // 5. A login after a logout is a new session; anything else in it counts nothing (4.).
        (_, Evidence::External | Evidence::Internal) if live.logged_out => return Some(Reason::Relogin),
        _ if live.logged_out => return None,
        // 9. Unknown changes nothing about who is signed in.
        (_, Evidence::Unknown) => {}
        (Class::Guest, Evidence::Guest) => live.proven_guest = true,
        (Class::Guest, Evidence::External) => {
            learn(live, seen);
            live.class = Class::External;
            if live.counted {
                // 3. A login: counted if the policy says so and a page had proven the guest.
                if policy.login == Login::Count && live.proven_guest {
                    count(live, seen, Reason::Login, emit);
                    return None;
                }
                live.converted = Some(seen.day);
                emit(Effect::Converted(Conversion { session: live.started, day: seen.day }));
            }
        }
        // 7. A colleague: an earlier guest record stays.
        (Class::Guest, Evidence::Internal) => {
            learn(live, seen);
            live.class = Class::Internal;
        }
        // 4. A page that proves a guest logs out, and counts nothing.
        (Class::External | Class::Internal, Evidence::Guest) => {
            log_out(live);
            return None;
        }
        // 6. Another user, or the other side.
        (Class::External, Evidence::Internal) | (Class::Internal, Evidence::External) => {
            return Some(Reason::UserSwitch);
        }
        (Class::External, Evidence::External) | (Class::Internal, Evidence::Internal) => {
            if live.user.is_some() && seen.user.is_some() && live.user != seen.user {
                return Some(Reason::UserSwitch);
            }
            learn(live, seen);
        }
    }
    if !live.counted {
        count_once_due(live, seen, policy, emit);
    } else if policy.day_rollover == DayRollover::Count && seen.day > live.counted_day {
        // 2. The first page of a later day.
        count(live, seen, Reason::Midnight, emit);
    }
    None
}

fn start(session: &mut Option<Session>, seen: &Observation, reason: Reason, emit: &mut dyn FnMut(Effect)) {
    let class = match seen.evidence {
        Evidence::Unknown | Evidence::Guest => Class::Guest,
        Evidence::External => Class::External,
        Evidence::Internal => Class::Internal,
        Evidence::Bot => Class::Bot,
    };
    // Of two switches in one instant the second begins the same session again: that is one record.
    let same = |old: &Session| old.started == seen.at && old.began == reason && old.counted;
    let again = session.as_ref().is_some_and(same);
    // What begins in the same instant has the same name, and with it what was said of that.
    let converted = session.as_ref().filter(|old| old.started == seen.at).and_then(|old| old.converted);
    let fresh = session.insert(Session {
        started: seen.at,
        began: reason,
        last_seen: seen.at,
        counted_day: seen.day,
        class,
        proven_guest: seen.evidence == Evidence::Guest,
        logged_out: false,
        user: seen.user,
        pages: 1,
        converted,
        counted: again,
    });
    if !again {
        count_once_due(fresh, seen, &seen.stamp.policy, emit);
    }
}

/// 4. A logout in a guest session, or a bot's, changes nothing but when it was last seen.
fn log_out(live: &mut Session) {
    if matches!(live.class, Class::External | Class::Internal) {
        live.logged_out = true;
    }
}

fn learn(live: &mut Session, seen: &Observation) {
    if live.user.is_none() {
        live.user = seen.user;
    }
}

/// 1. A session counts with its first page, or with its `min_pages`-th, as what it is by then.
fn count_once_due(live: &mut Session, seen: &Observation, policy: &Policy, emit: &mut dyn FnMut(Effect)) {
    if live.pages >= policy.min_pages {
        count(live, seen, live.began, emit);
    }
}

fn count(live: &mut Session, seen: &Observation, reason: Reason, emit: &mut dyn FnMut(Effect)) {
    live.counted = true;
    live.counted_day = live.counted_day.max(seen.day);
    emit(Effect::Counted(Counted {
        session: live.started,
        day: seen.day,
        class: live.class,
        reason,
        at: seen.at,
        user: live.user,
        stamp: seen.stamp.clone(),
        note: Arc::clone(&seen.note),
    }));
}
