//! What a change of a visitor's history means for counters and ledger.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use portalmeter_rules::id::Name;
use portalmeter_rules::time::Millis;
use portalmeter_rules::verdict::Kind;

use super::step::{Lively, Place, Slot};
use super::{Store, StoreError, value};
use crate::day::Day;
use crate::entry::{Entry, Only, Presence, SessionRow, UsageRecord};
use crate::fold::Counted;
use crate::history::{Attendance, Change};
use crate::observation::{Note, Observation, Scope, Stamp};
use crate::record::{Reason, record_id, session_id};
use crate::session::{Class, Session};
use crate::sheet::{Value, Visitor};
use crate::usage::Sums;

/// What days gain, by module.
pub(super) type Gains = BTreeMap<(Option<Arc<str>>, Day), Sums>;

/// The ledger hears of a session that goes on this often.
const TELL: Millis = 60_000;

/// No node's clock is further ahead, in milliseconds.
const AHEAD: Millis = 86_400_000;

/// What the ledger is told last of those who are live no more.
pub(crate) fn farewell(
    store: &mut dyn Store,
    portal: &Arc<str>,
    overdue: Vec<Lively>,
    now: Millis,
) -> Result<Vec<(Lively, Vec<Entry>)>, StoreError> {
    let place =
        |one: &Lively| Place { portal: Arc::clone(portal), slot: Slot::Visitor(one.visitor, one.module.clone()) };
    let places: Vec<Place> = overdue.iter().map(place).collect();
    let values = store.load(&places)?;
    let store = RefCell::new(store);
    let stamps = |id| store.borrow_mut().stamp(id).ok().flatten();
    let told = overdue.into_iter().zip(places).zip(values).map(|((one, place), bytes)| {
        let Some(Ok(Value::Visitor(visitor))) = bytes.map(|bytes| value::read(&bytes, &place.slot, &stamps)) else {
            return (one, Vec::new());
        };
        let scope = Arc::new(Scope { portal: Arc::clone(portal), module: one.module.clone() });
        let whose = Whose { scope: &scope, visitor: one.visitor, now, stamp: None };
        let session = visitor.history.session().filter(|session| session.last_seen > visitor.told);
        let row = session.and_then(|session| whose.session(session, &visitor, false));
        (one, row.map(Entry::Session).into_iter().collect())
    });
    Ok(told.collect())
}

/// Whose history changed.
pub(super) struct Whose<'a> {
    pub(super) scope: &'a Arc<Scope>,
    pub(super) visitor: Name,
    pub(super) now: Millis,
    /// Of what was seen last, be it another's.
    pub(super) stamp: Option<&'a Stamp>,
}

impl Whose<'_> {
    /// What its days gain.
    pub(super) fn gains(&self, visitor: &Visitor, change: &Change, gains: &mut Gains) {
        let mut gain = |day: Day, with: &dyn Fn(&mut Sums)| {
            with(gains.entry((self.scope.module.clone(), day)).or_default());
        };
        for counted in &change.counted {
            gain(counted.day, &|sums| sums.add(counted.class, 1));
        }
        for counted in &change.withdrawn {
            gain(counted.day, &|sums| sums.add(counted.class, -1));
        }
        for conversion in &change.converted {
            gain(conversion.day, &|sums| sums.converted += 1);
        }
        for conversion in &change.unconverted {
            gain(conversion.day, &|sums| sums.converted -= 1);
        }
        for day in &change.pages {
            gain(*day, &|sums| sums.page_views += 1);
        }
        for (day, millis) in change.lasted.iter().filter(|_| !visitor.is_bot()) {
            gain(*day, &|sums| sums.duration_ms += millis);
        }
    }

    /// What the ledger is told: what no longer follows apart, for that goes first.
    pub(super) fn entries(
        &self,
        visitor: &mut Visitor,
        change: Change,
        told: &mut Vec<Entry>,
        withdrawn: &mut Vec<Entry>,
    ) {
        let counts = !change.counted.is_empty() || !change.withdrawn.is_empty();
        let news = counts || change.altered || !change.gone.is_empty();
        withdrawn.extend(change.withdrawn.into_iter().map(|counted| Entry::Withdrawn(self.record(counted))));
        told.extend(change.counted.into_iter().map(|counted| Entry::Record(self.record(counted))));
        for session in &change.sessions {
            if news || session.last_seen - visitor.told >= TELL {
                told.extend(self.session(session, visitor, false).map(Entry::Session));
                visitor.told = visitor.told.max(session.last_seen);
            }
        }
        for started in change.gone {
            told.extend(self.gone(started, visitor).map(Entry::Session));
        }
        told.extend(change.present.into_iter().map(|one| self.presence(one, false)));
        told.extend(change.absent.into_iter().map(|one| self.presence(one, true)));
    }

    /// All that follows of a visitor's sessions that began from `from` on, and that there is nothing else. Of a visitor
    /// whom the store still has, also what it was told since then and may have lost on its way to the ledger.
    pub(super) fn vouch(&self, visitor: &Visitor, from: Millis, is_there: bool) -> Vec<Entry> {
        let after = visitor.history.complete_after().max(from - 1);
        let all = visitor.history.all();
        let id = |counted: &Counted| {
            let session = session_id(self.scope, self.visitor, counted.session);
            record_id(session, counted.session, counted.day, counted.reason)
        };
        let Scope { portal, module } = &**self.scope;
        let only = Entry::Only(Only {
            portal: portal.to_string(),
            module: module.as_deref().map(str::to_owned),
            visitor: self.visitor,
            after,
            upto: self.now + AHEAD,
            records: all.counted.iter().filter(|counted| counted.session > after).map(id).collect(),
            stored_time: self.now,
        });
        let mut told = vec![only];
        let sessions = all.sessions.iter().filter(|session| session.started > after);
        told.extend(sessions.filter_map(|session| self.session(session, visitor, false)).map(Entry::Session));
        if is_there {
            let counted = all.counted.into_iter().filter(|counted| counted.at >= from);
            told.extend(counted.map(|counted| Entry::Record(self.record(counted))));
            told.extend(all.present.into_iter().map(|one| self.presence(one, false)));
        }
        told
    }

    fn record(&self, counted: Counted) -> UsageRecord {
        UsageRecord::new(self.scope, self.visitor, counted, self.now)
    }

    fn presence(&self, (day, user): Attendance, gone: bool) -> Entry {
        let Scope { portal, module } = &**self.scope;
        let (portal, module) = (portal.to_string(), module.as_deref().map(str::to_owned));
        Entry::Presence(Presence { portal, module, day, visitor: self.visitor, user, gone })
    }

    /// A session that turned out to be none: only what it was called by matters.
    fn gone(&self, started: Millis, visitor: &Visitor) -> Option<SessionRow> {
        let stamp = visitor.history.recent().last().map(|seen| &seen.stamp).or(self.stamp)?;
        let none = Session {
            started,
            began: Reason::Start,
            last_seen: started,
            counted_day: stamp.policy.zone.day(started),
            class: Class::Guest,
            proven_guest: false,
            logged_out: false,
            user: None,
            pages: 0,
            converted: None,
            counted: false,
        };
        self.session(&none, visitor, true)
    }

    fn session(&self, session: &Session, visitor: &Visitor, gone: bool) -> Option<SessionRow> {
        let stamp = visitor.history.recent().last().map(|seen| &seen.stamp).or(self.stamp)?;
        let its =
            |seen: &&Observation| seen.kind == Kind::Page && (session.started..=session.last_seen).contains(&seen.at);
        let notes = visitor.history.recent().iter().rev().filter(its).map(|seen| &seen.note);
        let last =
            |of: fn(&Note) -> Option<&Arc<str>>| notes.clone().find_map(|note| of(note)).map(ToString::to_string);
        Some(SessionRow {
            id: session_id(self.scope, self.visitor, session.started),
            portal: self.scope.portal.to_string(),
            module: self.scope.module.as_deref().map(str::to_owned),
            visitor: self.visitor,
            started: session.started,
            began: session.began,
            last_seen: session.last_seen,
            counted_day: session.counted_day,
            class: session.class,
            proven_guest: session.proven_guest,
            logged_out: session.logged_out,
            user: session.user,
            account: last(|note| note.account.as_ref()),
            agent: last(|note| note.agent.as_ref()),
            pages: session.pages,
            actions: 0,
            converted: session.converted,
            zone: stamp.policy.zone.name().to_owned(),
            policy: stamp.id,
            gone,
            stored_time: self.now,
        })
    }
}
