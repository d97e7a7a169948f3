//! Which browser is it: every hand-over that `metering.md` names, on a sheet and a shelf alone.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use proptest::prelude::*;

use portalmeter_rules::id::Name;
use portalmeter_rules::time::Millis;
use portalmeter_rules::verdict::{Evidence, Kind};
use portalmeter_rules::visitor::ticket::Ticket;

use super::{Needs, Open, Sheet, Shelf, Value};
use crate::day::Day;
use crate::history::Memory;
use crate::intake::Sighted;
use crate::names::{Handed, Shown, Trace, Who};
use crate::observation::{Key, Note, Observation, Scope, Stamp};
use crate::policy::{Experience, Policy};
use crate::record::Reason;
use crate::session::{Class, Session};
use crate::store::step::Slot;

const IDLE: i64 = 30 * 60_000;
const SECOND: i64 = 1_000;
const FINGERPRINT: Name = Name([1; 16]);

/// Values in memory.
#[derive(Default)]
struct Values(HashMap<Slot, Value>);

impl Shelf for Values {
    fn take_down(&mut self, slot: &Slot) -> Result<Value, Needs> {
        Ok(self.0.get(slot).cloned().unwrap_or_default())
    }
}

/// One portal, and cookies to hand out.
struct Portal {
    scope: Arc<Scope>,
    stamp: Stamp,
    values: RefCell<Values>,
    next: Cell<u128>,
    counts: RefCell<Counts>,
}

/// How often each unit was counted, less how often it was withdrawn.
type Counts = BTreeMap<(Name, Millis, Day, Reason, Class), i32>;

/// A request by somebody behind one fingerprint.
#[derive(Clone, Copy)]
struct Asks {
    at: i64,
    answered: i64,
    kind: Kind,
    evidence: Evidence,
    user: Option<Name>,
    cookie: Option<Ticket>,
    response: Option<u8>,
    deletes: bool,
    fingerprint_only: bool,
    overheard: bool,
}

fn page(at: i64) -> Asks {
    Asks {
        at,
        answered: at + 100,
        kind: Kind::Page,
        evidence: Evidence::Guest,
        user: None,
        cookie: None,
        response: None,
        deletes: false,
        fingerprint_only: false,
        overheard: false,
    }
}

impl Asks {
    fn with(self, cookie: Ticket) -> Self {
        Self { cookie: Some(cookie), ..self }
    }

    /// The portal's own cookie of that value.
    fn with_portal_cookie(self, value: u8) -> Self {
        self.with(Ticket::bare(named(value)))
    }

    fn handed(self, value: u8) -> Self {
        Self { response: Some(value), ..self }
    }

    fn deleting(self) -> Self {
        Self { deletes: true, ..self }
    }

    fn by(self, user: u8) -> Self {
        Self { user: Some(named(user)), evidence: Evidence::External, fingerprint_only: true, ..self }
    }

    fn nameless(self) -> Self {
        Self { fingerprint_only: true, ..self }
    }

    fn logout(self) -> Self {
        Self { kind: Kind::Logout, ..self }
    }

    fn activity(self) -> Self {
        Self { kind: Kind::Activity, ..self }
    }

    fn answered(self, at: i64) -> Self {
        Self { answered: at, ..self }
    }
}

fn named(value: u8) -> Name {
    Name([value; 16])
}

impl Portal {
    fn new() -> Self {
        let stamp = Stamp::new(Policy { idle_timeout: IDLE, ..Policy::preset(Experience::ServicePortal) });
        let (values, next) = (RefCell::default(), Cell::new(1 << 64));
        Self { scope: Arc::new(Scope::portal("support")), stamp, values, next, counts: RefCell::default() }
    }

    /// Who it is, and the meter's cookie that the response hands out.
    fn meets(&self, asks: Asks) -> (Option<Name>, Option<Ticket>) {
        let gives =
            asks.kind == Kind::Page && asks.cookie.is_none() && asks.response.is_none() && !asks.fingerprint_only;
        let handed = gives.then(|| {
            self.next.set(self.next.get() + 1);
            Ticket { name: Name(self.next.get().to_le_bytes()), issued: Some(asks.answered), origin: Some(FINGERPRINT) }
        });
        (self.sees(asks, handed.as_ref()), handed)
    }

    fn sees(&self, asks: Asks, ours: Option<&Ticket>) -> Option<Name> {
        let sighted = self.sighted(asks, ours);
        self.takes(&sighted);
        self.of(asks.at)
    }

    fn sighted(&self, asks: Asks, ours: Option<&Ticket>) -> Sighted {
        let theirs = asks.response.map(|value| Handed::Out(named(value)));
        let trace = Trace {
            cookie: asks.cookie.map(|Ticket { name, issued, origin }| Shown { name, issued, origin }),
            fingerprint: Some(FINGERPRINT),
            handed: if asks.deletes {
                Some(Handed::Deleted)
            } else {
                theirs.or(ours.map(|one| Handed::Ours(one.name)))
            },
            answered: asks.answered,
            fingerprint_only: asks.fingerprint_only,
        };
        let who = Who::Browser(trace);
        let Asks { at, kind, evidence, user, .. } = asks;
        let (day, note) = (self.stamp.policy.zone.day(at), Arc::<Note>::default());
        let observation =
            Observation { at, kind, evidence, user, day, stamp: self.stamp.clone(), note, by: None, tie: 0 };
        let key = Key { scope: self.scope.id(), visitor: who.at_hand() };
        Sighted { scope: Arc::clone(&self.scope), key, who, observation, overheard: asks.overheard }
    }

    fn takes(&self, sighted: &Sighted) {
        let mut values = self.values.borrow_mut();
        let mut sheet = Sheet::new(&mut *values, sighted, Memory::keeping(2 * IDLE));
        sheet.take(sighted).unwrap();
        let mut counts = self.counts.borrow_mut();
        for Open { slot, value, change, .. } in sheet.finish().0 {
            if let Slot::Visitor(name, _) = &slot {
                let changes =
                    change.counted.iter().map(|one| (one, 1)).chain(change.withdrawn.iter().map(|one| (one, -1)));
                for (one, more) in changes {
                    *counts.entry((*name, one.session, one.day, one.reason, one.class)).or_insert(0) += more;
                }
            }
            values.0.insert(slot, value);
        }
        counts.retain(|_, count| *count != 0);
    }

    /// All that counts, and every session as it stands.
    fn all(&self) -> (Counts, BTreeMap<Name, Session>) {
        let values = self.values.borrow();
        let session = |(slot, value): (&Slot, &Value)| match (slot, value) {
            (Slot::Visitor(name, _), Value::Visitor(one)) => {
                // How many pages there were of a kind that changes nothing is not remembered one by one.
                one.history.session().map(|session| (*name, Session { pages: 0, ..session.clone() }))
            }
            _ => None,
        };
        (self.counts.borrow().clone(), values.0.iter().filter_map(session).collect())
    }

    /// Whose the exchange of an instant is, as far as is known by now.
    fn of(&self, at: Millis) -> Option<Name> {
        let values = self.values.borrow();
        let mut of = values.0.iter().filter_map(|(slot, value)| match (slot, value) {
            (Slot::Visitor(name, _), Value::Visitor(visitor)) => {
                visitor.history.recent().iter().any(|one| one.at == at).then_some(*name)
            }
            _ => None,
        });
        let first = of.next();
        assert_eq!(of.next(), None, "it is one visitor's");
        first
    }

    /// As it was taken.
    fn taken(&self, at: Millis) -> (Kind, Evidence) {
        let values = self.values.borrow();
        let seen = values.0.values().find_map(|value| match value {
            Value::Visitor(visitor) => visitor.history.recent().iter().find(|one| one.at == at).cloned(),
            _ => None,
        });
        seen.map(|one| (one.kind, one.evidence)).unwrap()
    }

    /// In a module of the portal.
    fn module(&self, module: &str, asks: Asks) -> Option<Name> {
        self.takes(&Sighted { scope: Arc::new(Scope::module("support", module)), ..self.sighted(asks, None) });
        self.of(asks.at)
    }

    /// What is of no use any more is forgotten.
    fn expires(&self, now: Millis) {
        let memory = Memory::keeping(2 * IDLE);
        // Each was written when the last of it was seen.
        let written = |value: &Value| value.lapses(IDLE, memory).map_or(now, |lapses| lapses - IDLE - memory.keep);
        self.values.borrow_mut().0.retain(|_, value| value.expires(written(value), IDLE, memory, memory.settle) > now);
    }

    fn visitor(&self, asks: Asks) -> Name {
        self.meets(asks).0.unwrap()
    }

    fn cookie(&self, asks: Asks) -> Ticket {
        self.meets(asks).1.unwrap()
    }

    /// Without cookies of ours: `portal_cookie` mode.
    fn guest(&self, asks: Asks) -> Option<Name> {
        self.sees(asks, None)
    }
}

#[test]
fn the_session_begun_without_a_cookie_belongs_to_the_cookie_that_comes_back() {
    let portal = Portal::new();
    let (visitor, cookie) = portal.meets(page(0));
    assert_eq!(visitor, portal.meets(page(SECOND).with(cookie.unwrap())).0);
}

#[test]
fn a_client_that_refuses_cookies_stays_one_visitor() {
    let portal = Portal::new();
    let first = portal.visitor(page(0));
    for minute in 1..50 {
        assert_eq!(portal.visitor(page(minute * 60 * SECOND)), first);
    }
}

#[test]
fn two_tabs_opened_at_once_are_one_visitor() {
    let portal = Portal::new();
    let (visitor, first) = portal.meets(page(0));
    let second = portal.cookie(page(300));
    // The first tab's style sheet still shows the first cookie, then the second has replaced it.
    assert_eq!(portal.meets(page(500).with(first.unwrap())).0, visitor);
    assert_eq!(portal.meets(page(5 * SECOND).with(second)).0, visitor);
    assert_eq!(portal.meets(page(60 * SECOND).with(second)).0, visitor);
}

#[test]
fn a_tab_answered_after_the_other_tabs_cookie_came_back_is_the_same_visitor() {
    let portal = Portal::new();
    let (visitor, first) = portal.meets(page(0));
    portal.meets(page(SECOND).with(first.unwrap()));
    let late = portal.cookie(page(500).answered(1_500));
    assert_eq!(portal.meets(page(4 * SECOND).with(late)).0, visitor);
}

#[test]
fn two_browsers_behind_one_address_are_two_visitors() {
    let portal = Portal::new();
    let (visitor, first) = portal.meets(page(0));
    let second = portal.cookie(page(SECOND));
    assert_eq!(portal.meets(page(10 * SECOND).with(first.unwrap())).0, visitor);
    let other = portal.visitor(page(11 * SECOND).with(second));
    assert_ne!(Some(other), visitor);
    // And so it stays, in whatever order they come.
    for minute in 1..20 {
        assert_eq!(portal.meets(page(minute * 60 * SECOND).with(first.unwrap())).0, visitor);
        assert_eq!(portal.visitor(page(minute * 60 * SECOND + 1).with(second)), other);
    }
}

#[test]
fn once_a_cookie_has_come_back_the_fingerprint_points_to_nothing() {
    let portal = Portal::new();
    let (visitor, cookie) = portal.meets(page(0));
    portal.meets(page(SECOND).with(cookie.unwrap()));
    assert_ne!(portal.meets(page(2 * SECOND)).0, visitor);
}

#[test]
fn a_fingerprint_points_to_nothing_after_the_idle_timeout() {
    let portal = Portal::new();
    let first = portal.visitor(page(0));
    assert_eq!(portal.visitor(page(IDLE - 1)), first);
    assert_ne!(portal.visitor(page(2 * IDLE - 1)), first);
}

#[test]
fn activity_without_a_session_is_nobodys() {
    let portal = Portal::new();
    assert_eq!(portal.meets(page(0).activity()).0, None);
    assert_eq!(portal.meets(page(0).logout()).0, None);
}

#[test]
fn a_login_that_hands_out_the_portals_cookie_goes_on_with_the_guests_session() {
    let portal = Portal::new();
    let guest = portal.guest(page(0)).unwrap();
    assert_eq!(portal.guest(page(SECOND).activity().handed(7)), Some(guest));
    assert_eq!(portal.visitor(page(2 * SECOND).with_portal_cookie(7)), guest);
}

#[test]
fn a_renewed_portal_cookie_is_another_name_of_the_same_session() {
    let portal = Portal::new();
    let visitor = portal.visitor(page(0).with_portal_cookie(7));
    assert_eq!(portal.visitor(page(SECOND).with_portal_cookie(7).handed(8)), visitor);
    assert_eq!(portal.visitor(page(60 * SECOND).with_portal_cookie(8).handed(9)), visitor);
    assert_eq!(portal.visitor(page(61 * SECOND).with_portal_cookie(8)), visitor);
    assert_eq!(portal.visitor(page(120 * SECOND).with_portal_cookie(9)), visitor);
}

#[test]
fn a_deleted_portal_cookie_leaves_the_session_to_the_fingerprint() {
    let portal = Portal::new();
    let visitor = portal.visitor(page(0).with_portal_cookie(7));
    portal.meets(page(SECOND).with_portal_cookie(7).logout().deleting());
    assert_eq!(portal.guest(page(2 * SECOND)), Some(visitor));
    assert_eq!(portal.guest(page(3 * SECOND).activity().handed(8)), Some(visitor));
    assert_eq!(portal.visitor(page(4 * SECOND).with_portal_cookie(8)), visitor);
}

#[test]
fn under_a_fingerprint_the_first_signed_in_page_takes_over_and_a_second_user_has_his_own() {
    let portal = Portal::new();
    let guest = portal.visitor(page(0).nameless());
    let ann = portal.visitor(page(SECOND).by(11));
    let bob = portal.visitor(page(2 * SECOND).by(12));
    assert_eq!(ann, guest);
    assert_ne!(bob, ann);
    for second in 3..100 {
        assert_eq!(portal.visitor(page(second * SECOND).by(11)), ann);
        assert_eq!(portal.visitor(page(second * SECOND + 1).by(12)), bob);
    }
}

#[test]
fn under_a_shared_fingerprint_nameless_requests_prove_nothing() {
    let portal = Portal::new();
    portal.visitor(page(0).nameless());
    let ann = portal.visitor(page(SECOND).by(11));
    portal.visitor(page(2 * SECOND).by(12));
    let (view, logout) = (page(3 * SECOND).nameless(), page(4 * SECOND).nameless().logout());
    assert_eq!((portal.visitor(view), portal.taken(view.at).1), (ann, Evidence::Unknown));
    assert_eq!((portal.visitor(logout), portal.taken(logout.at).0), (ann, Kind::Activity));
}

#[test]
fn users_without_a_cookie_have_a_visitor_each() {
    let portal = Portal::new();
    let user = |at, user| Asks { fingerprint_only: false, ..page(at).by(user) };
    let (ann, first) = portal.meets(user(0, 11));
    let (bob, second) = portal.meets(user(1, 12));
    assert_ne!(ann, bob);
    for minute in 1..20 {
        let at = minute * 60 * SECOND;
        assert_eq!(portal.meets(user(at, 11)).0, ann);
        assert_eq!(portal.meets(user(at + 1, 12)).0, bob);
        assert_eq!(portal.meets(page(at + 2)).0, ann, "nobody known is the first one's");
    }
    // And so it stays once their cookies have come back.
    let at = 20 * 60 * SECOND;
    assert_eq!(portal.meets(user(at, 11).with(first.unwrap())).0, ann);
    assert_eq!(portal.meets(user(at + 1, 12).with(second.unwrap())).0, bob);
    assert!(![ann, bob].contains(&portal.meets(user(at + SECOND, 11)).0), "the user's fingerprint points to nothing");
}

#[test]
fn a_cookie_renewed_by_what_is_not_observed_is_another_name_of_the_same_session() {
    let portal = Portal::new();
    let visitor = portal.visitor(page(0).with_portal_cookie(7));
    let asset = Asks { overheard: true, ..page(SECOND).activity().with_portal_cookie(7).handed(8) };
    assert_eq!(portal.guest(asset), None);
    assert_eq!(portal.visitor(page(60 * SECOND).with_portal_cookie(8)), visitor);
}

#[test]
fn a_cookie_renewed_twice_takes_along_what_came_with_it_in_a_module() {
    let portal = Portal::new();
    let renewal =
        |at, value| Asks { overheard: true, ..page(at).activity() }.with_portal_cookie(value).handed(value + 1);
    let third = page(2 * SECOND).with_portal_cookie(9);
    portal.module("chat", third);
    portal.guest(renewal(SECOND, 8));
    assert_eq!(portal.of(third.at), Some(named(8)));
    portal.guest(renewal(0, 7));
    assert_eq!(portal.of(third.at), Some(named(7)));
}

#[test]
fn a_cookie_that_only_its_deletion_tells_of_belongs_to_the_session_that_waits_for_one() {
    let portal = Portal::new();
    let [guest, again] = [page(0).handed(7), page(4 * SECOND).handed(9)];
    let logout = page(2 * SECOND).with_portal_cookie(8).logout().deleting();
    for late in [again, logout, guest] {
        portal.guest(late);
    }
    assert_eq!([logout, again].map(|one| portal.of(one.at)), [portal.of(guest.at); 2]);
}

#[test]
fn a_cookie_that_came_back_before_it_was_known_to_be_handed_out_is_settled_all_the_same() {
    let portal = Portal::new();
    portal.guest(page(SECOND).with_portal_cookie(7));
    portal.guest(page(0).handed(7));
    let values = portal.values.borrow();
    let Some(Value::Visitor(visitor)) = values.0.get(&Slot::Visitor(named(7), None)) else { panic!("nobody") };
    assert_eq!(visitor.settled, Some(SECOND));
    assert!(matches!(values.0.get(&Slot::Also(named(7))), None | Some(Value::Nothing)), "nothing leads elsewhere");
}

#[test]
fn a_cookie_that_turns_out_to_be_handed_out_for_its_own_session_is_settled() {
    let portal = Portal::new();
    let users = |at: i64| Asks { user: Some(named(5)), evidence: Evidence::External, ..page(at) };
    portal.guest(users(30));
    portal.guest(page(60).with_portal_cookie(7));
    // It was handed out before; this becomes known last.
    portal.guest(page(0).handed(7));
    let settled = match portal.values.borrow().0.get(&Slot::Visitor(named(7), None)) {
        Some(Value::Visitor(visitor)) => visitor.settled,
        _ => None,
    };
    assert_eq!(settled, Some(60));
    portal.expires(300 * SECOND);
    let users = portal.guest(users(300 * SECOND));
    assert_eq!(portal.guest(page(IDLE + 60).with_portal_cookie(7)), Some(named(7)));
    assert_ne!(users, Some(named(7)));
}

#[test]
fn a_cookie_that_is_seen_on_after_another_took_its_session_is_another_browsers() {
    let seen = [
        page(0).with_portal_cookie(7),
        page(SECOND).with_portal_cookie(7).logout().deleting(),
        page(3 * SECOND).with_portal_cookie(8),
        page(60 * SECOND).with_portal_cookie(7),
        page(90 * SECOND).with_portal_cookie(8),
    ];
    for order in [[0, 1, 2, 3, 4], [0, 1, 3, 2, 4], [0, 1, 4, 3, 2], [3, 2, 1, 0, 4]] {
        let portal = Portal::new();
        for place in order {
            portal.takes(&portal.sighted(seen[place], None));
        }
        assert_eq!(portal.of(60 * SECOND), Some(named(7)), "{order:?}");
        assert_ne!(portal.of(3 * SECOND), portal.of(60 * SECOND), "{order:?}");
        assert_eq!(portal.of(3 * SECOND), portal.of(90 * SECOND), "{order:?}");
    }
}

/// What counts, and whose each exchange is, once all of these are told in this order.
fn told_in_order(story: &[Asks]) -> (Counts, Vec<Option<Name>>) {
    let portal = Portal::new();
    for asks in story {
        portal.takes(&portal.sighted(*asks, None));
    }
    let at: BTreeSet<i64> = story.iter().map(|asks| asks.at).collect();
    (portal.all().0, at.into_iter().map(|at| portal.of(at)).collect())
}

#[test]
fn a_cookie_that_another_turns_out_to_share_its_session_with_is_watched() {
    let first = page(0).handed(7);
    let call = page(IDLE - 1).activity();
    let other = Asks { evidence: Evidence::External, ..page(IDLE).handed(8) };
    let [back, later] = [1, 84 * SECOND].map(|after| page(IDLE + after).with_portal_cookie(7));
    let others = page(IDLE + 310 * SECOND).with_portal_cookie(8);
    // Only the call kept the session alive until the other came.
    let expected = told_in_order(&[first, call, other, back, later, others]);
    assert_ne!(expected.1[4], expected.1[5]);
    assert_eq!(told_in_order(&[first, other, back, call, later, others]), expected);
}

#[test]
fn another_browsers_past_parts_from_the_session_by_the_first_return_that_shows_it_be_that_told_late() {
    let first = page(0).handed(7);
    let second = page(60 * SECOND).handed(8);
    let shared = page(60 * SECOND).activity().with_portal_cookie(7);
    let other = page(90 * SECOND).with_portal_cookie(8);
    let [shows, far, farther] = [30, 59, 65].map(|minute| page(60 * minute * SECOND).with_portal_cookie(7));
    let story = [first, second, shared, other];
    let expected = told_in_order(&[&story[..], &[shows, far, farther]].concat());
    assert_ne!(expected.1[0], expected.1[2], "{expected:?}");
    assert_eq!(told_in_order(&[&story[..], &[far, farther, shows]].concat()), expected);
}

#[test]
fn a_cookie_nobody_saw_handed_out_contests_the_session_of_a_deleted_one() {
    let [first, later] = [0, 20].map(|at| page(at * SECOND).with_portal_cookie(7));
    let deleted = page(SECOND).with_portal_cookie(7).logout().deleting();
    let other = page(10 * SECOND).with_portal_cookie(8);
    let call = page(30 * SECOND).activity();
    let expected = told_in_order(&[first, deleted, other, later, call]);
    assert_eq!(told_in_order(&[first, deleted, call, other, later]), expected);
}

#[test]
fn a_renewed_cookie_was_there_whenever_it_was_seen_with_what_is_not_observed() {
    let asset = |at: i64| Asks { overheard: true, ..page(at).activity().with_portal_cookie(8).handed(8) };
    let [first, second] = [(0, 7), (SECOND, 9)].map(|(at, cookie)| page(at).handed(cookie));
    let back = page(1_500).with_portal_cookie(7);
    let renewal = page(2 * SECOND).activity().with_portal_cookie(7).handed(8);
    let (early, late) = (asset(2_500), asset(20 * SECOND));
    let other = page(30 * SECOND).with_portal_cookie(9);
    let expected = told_in_order(&[first, second, back, renewal, early, late, other]);
    assert_eq!(told_in_order(&[first, second, back, early, late, other, renewal]), expected);
}

#[test]
fn what_comes_too_late_behind_a_busy_address_does_not_settle_whose_a_cookie_is() {
    let portal = Portal::new();
    let (_, first) = portal.meets(page(0));
    let second = portal.cookie(page(SECOND));
    portal.meets(page(10 * SECOND).with(first.unwrap()));
    let other = portal.visitor(page(100 * SECOND).with(second));
    for number in 0..600 {
        let user = Some(named(11 + (number % 2) as u8));
        portal.meets(Asks { user, evidence: Evidence::External, ..page(101 * SECOND + number * 100) });
    }
    portal.meets(page(100 * SECOND + 500).with(second));
    assert_eq!(portal.visitor(page(200 * SECOND).with(second)), other);
}

#[test]
fn what_is_not_observed_keeps_no_session_alive_that_becomes_known_later() {
    let portal = Portal::new();
    let asset = Asks { overheard: true, ..page(SECOND).activity().handed(8) };
    portal.guest(asset);
    portal.guest(page(0).handed(7)).unwrap();
    assert_eq!(portal.of(asset.at), None);
}

#[test]
fn a_deleted_cookie_that_is_still_seen_leaves_the_session_to_the_fingerprint() {
    let portal = Portal::new();
    let visitor = portal.visitor(page(0).with_portal_cookie(7));
    portal.meets(page(SECOND).with_portal_cookie(7).logout().deleting());
    portal.meets(page(2 * SECOND).with_portal_cookie(7).activity());
    assert_eq!(portal.guest(page(3 * SECOND).handed(8)), Some(visitor));
    // The one that is handed out then ends that.
    assert_eq!(portal.visitor(page(4 * SECOND).with_portal_cookie(8)), visitor);
    assert_ne!(portal.guest(page(5 * SECOND)), Some(visitor));
}

#[test]
fn the_first_portal_cookie_takes_the_session_back_within_two_seconds() {
    let portal = Portal::new();
    let visitor = portal.guest(page(0).handed(7)).unwrap();
    assert_eq!(portal.guest(page(100).handed(8)), Some(visitor));
    assert_eq!(portal.visitor(page(SECOND).with_portal_cookie(8)), visitor);
    assert_eq!(portal.visitor(page(1_100).with_portal_cookie(7)), visitor);
}

/// What browsers behind one fingerprint do, one thing after the other.
#[derive(Debug, Clone, Copy)]
struct Deed {
    /// Which of them.
    browser: usize,
    /// After so many milliseconds.
    after: Millis,
    what: What,
}

#[derive(Debug, Clone, Copy)]
enum What {
    Page,
    Call,
    /// Two pages before either is answered; the browser keeps the later cookie.
    Tabs,
    /// The portal renews its cookie.
    Renewal,
    /// The portal deletes its cookie.
    Logout,
    /// The browser forgets its cookie.
    Lost,
    /// The portal hands out the same cookie with what is not observed …
    Asset,
    /// … or a new one.
    RenewalOverheard,
    /// A cookie that nobody saw handed out.
    Stray,
}

fn deed() -> impl Strategy<Value = Deed> {
    let what = prop_oneof![
        4 => Just(What::Page), 2 => Just(What::Call), 1 => Just(What::Tabs),
        1 => Just(What::Renewal), 1 => Just(What::Logout), 1 => Just(What::Lost),
        2 => Just(What::Asset), 1 => Just(What::RenewalOverheard), 1 => Just(What::Stray),
    ];
    let after = prop_oneof![2 => Just(0), 4 => 1..50_i64, 2 => 50..3_000_i64, 1 => 3_000..8_000_i64];
    (0..3_usize, after, what).prop_map(|(browser, after, what)| Deed { browser, after, what })
}

/// What a portal sees of that, in order.
fn story(portal: &Portal, deeds: &[Deed], ours: bool) -> Vec<Sighted> {
    let mut jars: [Option<Ticket>; 3] = [None; 3];
    let (mut at, mut next, mut story, mut since) = (0, 100_u8, Vec::new(), 0);
    for deed in deeds {
        // An answer and what is asked for next may come within a millisecond, no more than that; nobody is that quick
        // to sign out.
        let quick = at != since && !matches!(deed.what, What::Logout);
        let after = if quick { deed.after } else { deed.after.max(1) };
        (since, at) = (at, at + after);
        let mut fresh = || {
            next = next.wrapping_add(1);
            let (name, issued) = (named(next), at);
            if ours { Ticket { name, issued: Some(issued), origin: Some(FINGERPRINT) } } else { Ticket::bare(name) }
        };
        let jar = &mut jars[deed.browser];
        let asks = Asks { cookie: *jar, answered: at, ..page(at) };
        let handed = |asks: Asks, ticket: Ticket| {
            if ours { portal.sighted(asks, Some(&ticket)) } else { portal.sighted(asks.handed(ticket.name.0[0]), None) }
        };
        match deed.what {
            What::Call => story.push(portal.sighted(asks.activity(), None)),
            What::Lost => *jar = None,
            What::Page if jar.is_some() => story.push(portal.sighted(asks, None)),
            What::Page => {
                let ticket = fresh();
                story.push(handed(asks, ticket));
                *jar = Some(ticket);
            }
            What::Tabs if jar.is_none() => {
                let tickets = [fresh(), fresh()];
                story.extend(tickets.map(|ticket| handed(asks, ticket)));
                *jar = Some(tickets[1]);
            }
            What::Renewal if !ours && jar.is_some() => {
                let ticket = fresh();
                story.push(handed(asks.activity(), ticket));
                *jar = Some(ticket);
            }
            What::Asset | What::RenewalOverheard if !ours && jar.is_some() => {
                let ticket = jar.filter(|_| matches!(deed.what, What::Asset)).unwrap_or_else(&mut fresh);
                story.push(handed(Asks { overheard: true, ..asks.activity() }, ticket));
                *jar = Some(ticket);
            }
            What::Stray if !ours && jar.is_none() => {
                *jar = Some(fresh());
                story.push(portal.sighted(Asks { cookie: *jar, ..asks }, None));
            }
            What::Logout if !ours && jar.is_some() => {
                story.push(portal.sighted(asks.logout().deleting(), None));
                *jar = None;
            }
            _ => {}
        }
    }
    for (tie, one) in story.iter_mut().enumerate() {
        one.observation.tie = tie as u16;
    }
    story
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4_000, ..ProptestConfig::default() })]

    /// In whatever order it becomes known, and however often, it is the same people who did the same.
    #[test]
    fn who_it_is_does_not_depend_on_the_order_in_which_it_becomes_known(
        deeds in prop::collection::vec(deed(), 1..16),
        ours in any::<bool>(),
        order in prop::collection::vec(any::<u32>(), 64),
    ) {
        let portal = Portal::new();
        let story = story(&portal, &deeds, ours);
        for one in &story {
            portal.takes(one);
        }
        let expected = portal.all();

        let again = Portal::new();
        let mut shuffled: Vec<_> = story.iter().chain(&story).zip(order.iter().cycle()).collect();
        shuffled.sort_by_key(|(_, place)| **place);
        for (one, _) in &shuffled {
            again.takes(one);
        }
        let told = |one: &Sighted| format!("{} {:?} {:?}", one.observation.at, one.observation.kind, one.who);
        prop_assert_eq!(again.all().0, expected.0, "{}\nas {:?}", story.iter().map(told).collect::<Vec<_>>().join("\n"), shuffled.iter().map(|(one, _)| one.observation.tie).collect::<Vec<_>>());
    }
}
