//! What is written is read again, and what is not sound is damaged, whatever it is.

use proptest::prelude::*;

use portalmeter_rules::id::Name;
use portalmeter_rules::verdict::{Evidence, Kind};

use super::{Also, Damaged, VERSION, Value, Visitor, read, write};
use crate::history::{History, Memory};
use crate::names::{Company, Item, Shown};
use crate::observation::Observation;
use crate::record::Reason;
use crate::session::{Class, Session};
use crate::store::step::Slot;
use crate::terse::any;

const OF: Name = Name([9; 16]);

fn visitor_slot() -> Slot {
    Slot::Visitor(OF, None)
}

fn observation() -> impl Strategy<Value = Observation> {
    let who = (prop::option::of(any::name()), prop::option::of(any::name()));
    let what = (any::kind(), any::evidence(), any::stamp(), any::note());
    (any::time(), what, who, any::day(), proptest::num::u16::ANY).prop_map(
        |(at, (kind, evidence, stamp, note), (user, by), day, tie)| Observation {
            at,
            kind,
            evidence,
            user,
            day,
            stamp,
            note,
            by,
            tie,
        },
    )
}

fn class() -> impl Strategy<Value = Class> {
    prop::sample::select(Class::ALL.to_vec())
}

fn reason() -> impl Strategy<Value = Reason> {
    use Reason::{Login, Midnight, Relogin, Start, UserSwitch};
    prop::sample::select(vec![Start, Midnight, Login, Relogin, UserSwitch])
}

fn session() -> impl Strategy<Value = Session> {
    let when = (any::time(), any::time(), any::day(), prop::option::of(any::day()));
    let what = (reason(), class(), prop::option::of(any::name()));
    let rest = proptest::array::uniform3(proptest::bool::ANY);
    (when, what, rest, proptest::num::u32::ANY).prop_map(
        |(
            (started, last_seen, counted_day, converted),
            (began, class, user),
            [proven_guest, logged_out, counted],
            pages,
        )| {
            Session {
                started,
                began,
                last_seen,
                counted_day,
                class,
                proven_guest,
                logged_out,
                user,
                pages,
                converted,
                counted,
            }
        },
    )
}

fn visitor() -> impl Strategy<Value = Visitor> {
    let history = (prop::option::of(session()), any::time(), prop::collection::vec(observation(), 0..12));
    (prop::option::of(any::time()), prop::option::of(any::time()), any::time(), history)
        .prop_map(|(settled, overheard, told, (base, floor, recent))| Visitor {
            settled,
            overheard,
            told,
            history: History::restore(base, floor, recent),
        })
        .prop_filter("nothing", |visitor| !visitor.says_nothing())
}

/// Some who were seen behind a fingerprint.
fn company() -> Company {
    let mut company = Company::default();
    let first = Item {
        at: 1_790_000_000_000,
        answered: 1_790_000_000_150,
        kind: Kind::Page,
        evidence: Evidence::Guest,
        user: None,
        cookie: None,
        handed: Some(Name([1; 16])),
        points: None,
        module: None,
        idle: 1_800_000,
        fingerprint_only: false,
        tie: 7,
        overheard: false,
    };
    let cookie = |handed| Some(Shown { name: handed, issued: Some(first.answered), origin: Some(OF) });
    let back = Item { at: first.at + 2_000, cookie: cookie(Name([1; 16])), handed: None, ..first.clone() };
    let other = Item { at: first.at + 900, handed: Some(Name([2; 16])), module: Some("chat".into()), ..first.clone() };
    let third = Item { at: first.at + 9_000, user: Some(Name([3; 16])), cookie: cookie(Name([2; 16])), ..back.clone() };
    for item in [first, back, other, third] {
        company.take(OF, item, Memory::keeping(3_600_000));
    }
    company
}

fn told(value: &Value) -> String {
    let Value::Visitor(visitor) = value else { return format!("{value:?}") };
    let Visitor { settled, overheard, told, history } = &**visitor;
    format!("{settled:?} {overheard:?} {told} {:?} {} {:?}", history.base(), history.floor(), history.recent())
}

fn written(value: &Value) -> Vec<u8> {
    write(value).unwrap()
}

/// Whatever becomes of these bytes, they are read or not, and nothing worse happens.
fn meddle_with(bytes: &[u8], slot: &Slot) {
    for length in 0..bytes.len() {
        let _ = read(&bytes[..length], slot, &any::stamps);
    }
    let mut bytes = bytes.to_vec();
    for bit in 0..bytes.len() * 8 {
        bytes[bit / 8] ^= 1 << (bit % 8);
        let _ = read(&bytes, slot, &any::stamps);
        bytes[bit / 8] ^= 1 << (bit % 8);
    }
}

#[test]
fn those_behind_a_fingerprint_are_read_as_they_were_written() {
    let value = Value::Also(Also::Company(Box::new(company())));
    let bytes = written(&value);
    assert_eq!(told(&read(&bytes, &Slot::Also(OF), &any::stamps).unwrap()), told(&value));
    meddle_with(&bytes, &Slot::Also(OF));
}

#[test]
fn other_names_are_read_as_they_were_written() {
    for also in [Also::Behind(Name([3; 16])), Also::Renews(Name([4; 16]), 7)] {
        let value = Value::Also(also);
        let bytes = written(&value);
        assert_eq!(told(&read(&bytes, &Slot::Also(OF), &any::stamps).unwrap()), told(&value));
        meddle_with(&bytes, &Slot::Also(OF));
    }
}

#[test]
fn another_version_is_damaged() {
    let mut bytes = written(&Value::Also(Also::Behind(OF)));
    bytes[0] = VERSION - 1;
    assert_eq!(read(&bytes, &Slot::Also(OF), &any::stamps).err(), Some(Damaged));
}

#[test]
fn what_is_longer_than_it_says_is_damaged() {
    let mut bytes = written(&Value::Also(Also::Behind(OF)));
    bytes.push(0);
    assert_eq!(read(&bytes, &Slot::Also(OF), &any::stamps).err(), Some(Damaged));
}

proptest! {
    #[test]
    fn a_visitor_is_read_as_it_was_written(visitor in visitor()) {
        let value = Value::Visitor(Box::new(visitor));
        let again = read(&written(&value), &visitor_slot(), &any::stamps);
        prop_assert_eq!(told(&again.unwrap()), told(&value));
    }

    #[test]
    fn a_policy_that_nobody_knows_is_damage(seen in observation()) {
        let history = History::restore(None, 0, vec![seen]);
        let value = Value::Visitor(Box::new(Visitor { told: 0, history, ..Visitor::default() }));
        prop_assert_eq!(read(&written(&value), &visitor_slot(), &|_| None).err(), Some(Damaged));
    }

    #[test]
    fn whatever_is_found_is_read_or_damaged(mut bytes in prop::collection::vec(proptest::num::u8::ANY, 1..200)) {
        bytes[0] = VERSION;
        let _ = read(&bytes, &visitor_slot(), &any::stamps);
        let _ = read(&bytes, &Slot::Also(OF), &any::stamps);
    }
}

proptest! {
    // Each of them is thousands.
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn a_visitor_of_which_some_is_lost_or_changed_is_read_or_damaged(visitor in visitor()) {
        meddle_with(&written(&Value::Visitor(Box::new(visitor))), &visitor_slot());
    }
}
