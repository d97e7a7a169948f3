//! What of the names of visitors goes into a page's entry of the journal.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use portalmeter_meter::names::{HandedOut, Names, Sighting};
use portalmeter_rules::id::Name;
use portalmeter_rules::verdict::{Evidence, Kind};
use portalmeter_rules::visitor::Traces;
use portalmeter_rules::visitor::ticket::Ticket;

const MINUTE: i64 = 60_000;

fn name(number: u32, role: u8) -> Name {
    let mut bytes = [role; 16];
    bytes[..4].copy_from_slice(&number.to_le_bytes());
    Name(bytes)
}

/// A visitor's page at `at`, with the cookie or without.
fn page(names: &Names, number: u32, cookie: bool, at: i64) {
    let handed = name(number, 2);
    let traces = Traces {
        fingerprint: name(number, 1).into(),
        presented: cookie.then_some(Ticket { name: handed, issued: Some(0), of: None }),
        response: None,
        fingerprint_only: false,
    };
    let idle = 30 * MINUTE;
    let seen = Sighting { at, now: at, kind: Kind::Page, evidence: Evidence::Guest, user: None, traces: &traces, idle };
    names.resolve(&seen, &mut |_| Some(HandedOut { name: handed, tells: true })).unwrap();
}

#[test]
fn names_forgotten_in_thousands_go_to_the_store_alone() {
    let names = Names::new(90 * MINUTE, true);
    for number in 0..5_000 {
        page(&names, number, false, 0);
        page(&names, number, true, 1_000);
    }
    assert!(names.take_changes().len() >= 5_000);
    names.expire(10 * MINUTE);
    // A page's entry in the journal takes what changed; with these it would be too long to be kept.
    assert_eq!(names.take_changes().len(), 0);
    let forgotten = names.take_forgotten();
    assert_eq!(forgotten.len(), 5_000);
    assert!(forgotten.iter().all(|change| change.known.is_none()));
    assert_eq!(names.take_forgotten().len(), 0);
}
