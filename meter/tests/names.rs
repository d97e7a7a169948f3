//! Which browser is it: every hand-over that `metering.md` names, on the name table alone.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::cell::Cell;
use std::sync::Barrier;

use portalmeter_meter::names::{HandedOut, Names, Sighting};
use portalmeter_rules::id::Name;
use portalmeter_rules::verdict::{Evidence, Kind};
use portalmeter_rules::visitor::ticket::Ticket;
use portalmeter_rules::visitor::{Handed, Traces};

const IDLE: i64 = 30 * 60_000;
const SECOND: i64 = 1_000;

/// One portal's name table, and cookies to hand out.
struct Portal {
    names: Names,
    next: Cell<u128>,
}

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
        Self { names: Names::new(3 * IDLE, false), next: Cell::new(1 << 64) }
    }

    /// Who it is, and the meter's cookie that the response hands out.
    fn meets(&self, asks: Asks) -> (Option<Name>, Option<Ticket>) {
        let response = asks.response.map(|value| Handed::Out(named(value)));
        let traces = Traces {
            fingerprint: named(1).into(),
            presented: asks.cookie,
            response: if asks.deletes { Some(Handed::Deleted) } else { response },
            fingerprint_only: asks.fingerprint_only,
        };
        let sighting = Sighting {
            at: asks.at,
            now: asks.answered,
            kind: asks.kind,
            evidence: asks.evidence,
            user: asks.user,
            traces: &traces,
            idle: IDLE,
        };
        let mut handed = None;
        let resolved = self.names.resolve(&sighting, &mut |of| {
            self.next.set(self.next.get() + 1);
            let name = Name(self.next.get().to_le_bytes());
            handed = Some(Ticket { name, issued: Some(asks.answered), of });
            Some(HandedOut { name, tells: true })
        });
        (resolved.map(|resolved| resolved.visitor), handed)
    }

    fn visitor(&self, asks: Asks) -> Name {
        self.meets(asks).0.unwrap()
    }

    fn cookie(&self, asks: Asks) -> Ticket {
        self.meets(asks).1.unwrap()
    }

    /// Without cookies of ours: `portal_cookie` mode.
    fn guest(&self, asks: Asks) -> Option<Name> {
        let traces = Traces {
            fingerprint: named(1).into(),
            presented: None,
            response: asks.response.map(|value| Handed::Out(named(value))),
            fingerprint_only: false,
        };
        let Asks { at, answered, kind, evidence, user, .. } = asks;
        let sighting = Sighting { at, now: answered, kind, evidence, user, traces: &traces, idle: IDLE };
        self.names.resolve(&sighting, &mut |_| None).map(|resolved| resolved.visitor)
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
    let traces = Traces { fingerprint: named(1).into(), presented: None, response: None, fingerprint_only: true };
    let seen = |kind| Sighting {
        at: 3 * SECOND,
        now: 3 * SECOND,
        kind,
        evidence: Evidence::Guest,
        user: None,
        traces: &traces,
        idle: IDLE,
    };
    let page = portal.names.resolve(&seen(Kind::Page), &mut |_| None).unwrap();
    let logout = portal.names.resolve(&seen(Kind::Logout), &mut |_| None).unwrap();
    assert_eq!((page.visitor, page.evidence), (ann, Evidence::Unknown));
    assert_eq!((logout.visitor, logout.kind), (ann, Kind::Activity));
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
    assert_eq!(portal.meets(user(at, 12).with(second.unwrap())).0, bob);
    assert!(![ann, bob].contains(&portal.meets(user(at + SECOND, 11)).0), "the user's fingerprint points to nothing");
}

#[test]
fn two_first_pages_of_a_user_at_once_are_one_visitor() {
    for fingerprint_only in [false, true] {
        for round in 0..500 {
            let (names, ready) = (Names::new(3 * IDLE, false), Barrier::new(4));
            let visitors: Vec<_> = std::thread::scope(|scope| {
                let asked = [0, 1, 2, 3].map(|millisecond| {
                    let (names, ready) = (&names, &ready);
                    scope.spawn(move || {
                        let traces =
                            Traces { fingerprint: named(1).into(), presented: None, response: None, fingerprint_only };
                        let (at, kind, evidence) = (round + millisecond, Kind::Page, Evidence::External);
                        let seen = Sighting {
                            at,
                            now: at,
                            kind,
                            evidence,
                            user: Some(named(11)),
                            traces: &traces,
                            idle: IDLE,
                        };
                        ready.wait();
                        names.resolve(&seen, &mut |_| None).unwrap().visitor
                    })
                });
                asked.map(|one| one.join().unwrap()).into()
            });
            assert!(visitors.iter().all(|visitor| *visitor == visitors[0]), "{visitors:?}");
        }
    }
}

#[test]
fn a_cookie_renewed_by_what_is_not_observed_is_another_name_of_the_same_session() {
    let portal = Portal::new();
    let visitor = portal.visitor(page(0).with_portal_cookie(7));
    let traces = Traces {
        fingerprint: named(1).into(),
        presented: Some(Ticket::bare(named(7))),
        response: Some(Handed::Out(named(8))),
        fingerprint_only: false,
    };
    portal.names.overhear(SECOND, SECOND, &traces, IDLE);
    assert_eq!(portal.visitor(page(60 * SECOND).with_portal_cookie(8)), visitor);
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

#[test]
fn what_is_not_used_for_long_is_forgotten() {
    let portal = Portal::new();
    for minute in 0..600 {
        let at = minute * 60 * SECOND;
        let cookie = portal.cookie(page(at));
        portal.meets(page(at + SECOND).with(cookie));
        portal.names.expire(at);
    }
    assert!(portal.names.len() < 10, "{} names are known", portal.names.len());
}
