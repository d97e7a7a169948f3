//! What the store in Redis does, and what it makes of servers that fail, forget or hold garbage.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]
#![allow(clippy::disallowed_methods, reason = "servers take their time")]
#![allow(missing_docs, reason = "a test's name says what it shows")]

#[path = "support/redis.rs"]
mod support;

use std::collections::BTreeMap;
use std::sync::Arc;

use portalmeter_meter::day::Day;
use portalmeter_meter::entry::{Entry, Presence};
use portalmeter_meter::store::redis::{Continuity, RedisError, RedisStore, Trouble};
use portalmeter_meter::store::step::{Gain, Lively, Outcome, Place, Slot, Step, Write};
use portalmeter_meter::usage::Sums;
use portalmeter_rules::id::Name;
use support::{everywhere, until};

const SOON: i64 = 4_102_444_800_000;

fn visitor(number: u8) -> Slot {
    Slot::Visitor(Name([number; 16]), None)
}

fn write(slot: Slot, before: Option<&str>, after: Option<&str>) -> Write {
    let bytes = |text: Option<&str>| text.map(|text| text.as_bytes().to_vec());
    Write { slot, before: bytes(before), after: bytes(after), expires: SOON }
}

fn entry(portal: &str, day: i32) -> Entry {
    let visitor = Name([1; 16]);
    Entry::Presence(Presence { portal: portal.into(), module: None, day: Day(day), visitor, user: None })
}

fn gain(module: Option<&str>, guests: i64) -> Gain {
    let sums = Sums { records: [guests, 0, 0, 0], page_views: 1, duration_ms: 1500, ..Sums::default() };
    Gain { module: module.map(Arc::from), day: "2026-03-12".parse().unwrap(), zone: "UTC".into(), sums }
}

/// A step of every part.
fn step(portal: &str, number: u8, before: Option<&str>, after: Option<&str>) -> Step {
    Step {
        portal: portal.into(),
        writes: vec![write(visitor(number), before, after)],
        gains: vec![gain(None, 1)],
        live: vec![Lively { visitor: Name([number; 16]), module: None, last_seen: Some(1_000) }],
        entries: vec![entry(portal, 1)],
    }
}

fn places(portal: &str, slots: &[Slot]) -> Vec<Place> {
    slots.iter().map(|slot| Place { portal: portal.into(), slot: slot.clone() }).collect()
}

fn load(store: &mut RedisStore, portal: &str, slot: Slot) -> Option<String> {
    let value = store.load(&places(portal, &[slot])).remove(0).unwrap();
    value.map(|value| String::from_utf8(value).unwrap())
}

/// Applies until every portal has an epoch, as a node does at its first commit.
fn apply(store: &mut RedisStore, steps: &[Step]) -> Vec<Outcome> {
    let outcomes: Result<Vec<_>, _> = store.apply(steps).into_iter().collect();
    let outcomes = outcomes.unwrap();
    if outcomes.contains(&Outcome::Reset) {
        store.begin_again().unwrap();
        return store.apply(steps).into_iter().collect::<Result<_, _>>().unwrap();
    }
    outcomes
}

fn refused(store: &mut RedisStore, step: &Step) -> RedisError {
    store.apply(std::slice::from_ref(step)).remove(0).unwrap_err()
}

fn lost(values: &[Option<&str>]) -> Outcome {
    Outcome::Lost(values.iter().map(|value| value.map(|value| value.as_bytes().to_vec())).collect())
}

#[test]
fn a_step_is_done_with_all_its_parts() {
    everywhere(|store, place| {
        assert_eq!(apply(store, &[step("support", 1, None, Some("one"))]), [Outcome::Done]);
        assert_eq!(load(store, "support", visitor(1)).as_deref(), Some("one"));
        let visitor = "01".repeat(16);
        let expires: i64 = place.does("support", &format!("PEXPIRETIME @visitor:{visitor}"));
        assert_eq!(expires, SOON);
        let live: Vec<(String, i64)> = place.does("support", "ZRANGE @live 0 -1 WITHSCORES");
        assert_eq!(live, [(visitor, 1_000)]);
        assert_eq!(place.does::<i64>("support", "XLEN @records"), 1);
        let day: BTreeMap<String, i64> = place.does("support", "HGETALL @usage:2026-03-12");
        let expected = [
            ("billable", 1),
            ("duration_ms", 1500),
            ("duration_seconds", 1),
            ("guest", 1),
            ("guest_raw", 1),
            ("page_views", 1),
        ];
        assert_eq!(day, expected.map(|(field, value)| (field.to_owned(), value)).into());
        assert_eq!(place.does::<Vec<String>>("support", "SMEMBERS @days"), ["2026-03-12"]);
    });
}

#[test]
fn values_are_compared_to_the_byte_and_a_lost_race_is_told_all_that_is_there() {
    everywhere(|store, place| {
        apply(store, &[step("support", 1, None, Some("one"))]);
        let mut other = place.store();
        assert_eq!(apply(&mut other, &[step("support", 1, Some("one"), Some("two"))]), [Outcome::Done]);
        let mut late = step("support", 1, Some("one"), Some("three"));
        late.writes.push(write(visitor(2), None, None));
        assert_eq!(apply(store, &[late.clone()]), [lost(&[Some("two"), None])]);
        late.writes[0].before = None;
        assert_eq!(apply(store, &[late.clone()]), [lost(&[Some("two"), None])]);
        late.writes = vec![write(visitor(1), Some("two"), Some("two")), write(visitor(2), Some(""), Some("x"))];
        assert_eq!(apply(store, &[late]), [lost(&[Some("two"), None])], "no value is not an empty value");
        assert_eq!(place.does::<i64>("support", "XLEN @records"), 2, "who lost wrote nothing");
        assert_eq!(place.does::<i64>("support", "HGET @usage:2026-03-12 guest"), 2);
    });
}

#[test]
fn values_are_any_bytes_and_go_as_they_came() {
    everywhere(|store, place| {
        let bytes: Vec<u8> = (0..=255).collect();
        let change = |before: Option<&[u8]>, after: Option<&[u8]>, expires| Step {
            portal: "support".into(),
            writes: vec![Write {
                slot: Slot::Visitor(Name([1; 16]), Some("chat".into())),
                before: before.map(<[u8]>::to_vec),
                after: after.map(<[u8]>::to_vec),
                expires,
            }],
            ..Step::default()
        };
        assert_eq!(apply(store, &[change(None, Some(&bytes), SOON)]), [Outcome::Done]);
        let slot = Slot::Visitor(Name([1; 16]), Some("chat".into()));
        assert_eq!(store.load(&places("support", std::slice::from_ref(&slot))), [Ok(Some(bytes.clone()))]);
        assert_eq!(apply(store, &[change(Some(&bytes), Some(&bytes), SOON + 5)]), [Outcome::Done], "only read");
        let key = format!("@visitor:{}:chat", "01".repeat(16));
        assert_eq!(place.does::<i64>("support", &format!("PEXPIRETIME {key}")), SOON + 5);
        assert_eq!(apply(store, &[change(Some(&bytes), None, SOON)]), [Outcome::Done]);
        assert_eq!(store.load(&places("support", &[slot])), [Ok(None)]);
        assert_eq!(apply(store, &[change(None, None, SOON)]), [Outcome::Done], "nothing is still there");
    });
}

#[test]
fn steps_of_many_portals_go_at_once_and_each_gets_its_own_answer() {
    everywhere(|store, _| {
        let portals: Vec<String> = (0..40).map(|number| format!("portal-{number}")).collect();
        let steps: Vec<Step> = portals
            .iter()
            .flat_map(|portal| (0..10).map(move |number| step(portal, number, None, Some(portal))))
            .collect();
        assert!(apply(store, &steps).iter().all(|outcome| *outcome == Outcome::Done));
        assert!(
            apply(store, &steps).iter().zip(&steps).all(|(outcome, step)| { *outcome == lost(&[Some(&step.portal)]) })
        );
        let places: Vec<Place> =
            steps.iter().map(|step| Place { portal: step.portal.clone(), slot: step.writes[0].slot.clone() }).collect();
        for (value, place) in store.load(&places).into_iter().zip(&places) {
            assert_eq!(value.unwrap().unwrap(), place.portal.as_bytes());
        }
    });
}

#[test]
fn a_modules_gain_is_the_portals_too_and_what_is_zero_is_not_written() {
    everywhere(|store, place| {
        let sums = Sums { records: [1, 2, 3, -4], converted: 5, actions: 7, duration_ms: 999, ..Sums::default() };
        let gains = vec![gain(Some("chat"), 2), Gain { sums, ..gain(Some("ask"), 0) }, gain(Some("chat"), 1)];
        apply(store, &[Step { gains, ..step("help", 1, None, Some("x")) }]);
        let field = |label: &str, field: &str| -> Option<i64> {
            place.does("help", &format!("HGET @usage:2026-03-12{label} {field}"))
        };
        let guests = ["", ":chat", ":ask"].map(|label| field(label, "guest"));
        assert_eq!(guests, [Some(4), Some(3), Some(1)]);
        assert_eq!([field(":ask", "guest_raw"), field(":ask", "billable")], [Some(-3), Some(3)]);
        assert_eq!([field("", "guest_raw"), field("", "billable")], [None, Some(6)]);
        assert_eq!([field(":ask", "duration_seconds"), field(":ask", "duration_ms")], [Some(0), Some(999)]);
        assert_eq!([field("", "duration_seconds"), field("", "duration_ms")], [Some(3), Some(3999)]);
        assert_eq!([field(":chat", "converted"), field(":ask", "page_views")], [None, None]);
        let mut days: Vec<String> = place.does("help", "SMEMBERS @days");
        days.sort();
        assert_eq!(days, ["2026-03-12", "2026-03-12:ask", "2026-03-12:chat"]);
    });
}

#[test]
fn who_has_gone_is_no_longer_in_the_live_index() {
    everywhere(|store, place| {
        let member = |module: Option<&str>, last_seen| Lively {
            visitor: Name([1; 16]),
            module: module.map(Arc::from),
            last_seen,
        };
        let come = Step {
            live: vec![member(None, Some(5)), member(Some("chat"), Some(9))],
            ..step("support", 1, None, Some("x"))
        };
        apply(store, &[come]);
        let go = Step { live: vec![member(None, None)], ..step("support", 1, Some("x"), Some("y")) };
        apply(store, &[go]);
        let live: Vec<String> = place.does("support", "ZRANGE @live 0 -1");
        assert_eq!(live, [format!("{}:chat", "01".repeat(16))]);
    });
}

#[test]
fn what_is_not_ours_under_our_keys_is_set_aside_and_work_goes_on() {
    everywhere(|store, place| {
        apply(store, &[step("support", 1, None, Some("one"))]);
        let hash = "02".repeat(16);
        let garbage = [
            format!("RPUSH @visitor:{hash} x"),
            "SET @live garbage".into(),
            "SET @records garbage".into(),
            "SET @days garbage".into(),
            "SET @usage:2026-03-12 garbage".into(),
        ];
        place.does::<()>("support", "DEL @live @records @days @usage:2026-03-12");
        for line in &garbage {
            place.does::<()>("support", line);
        }
        let step = step("support", 2, None, Some("two"));
        assert_eq!(apply(store, &[step]), [Outcome::Done]);
        assert_eq!(store.take_aside().len(), garbage.len());
        assert_eq!(place.does::<i64>("support", "XLEN @records"), 1);
        assert_eq!(place.does::<i64>("support", "HGET @usage:2026-03-12 guest"), 1);
        assert_eq!(load(store, "support", visitor(2)).as_deref(), Some("two"));

        place.does::<()>("support", "HSET @usage:2026-03-12 guest many billable 9223372036854775807");
        place.does::<()>("support", &format!("DEL @visitor:{hash}"));
        place.does::<()>("support", &format!("SADD @visitor:{hash} x"));
        assert_eq!(load(store, "support", visitor(2)), None, "a value that is none is none");
        let next = self::step("support", 2, None, Some("three"));
        assert_eq!(apply(store, &[next]), [Outcome::Done]);
        let day: BTreeMap<String, i64> = place.does("support", "HGETALL @usage:2026-03-12");
        assert_eq!((day["guest"], day["billable"], day["page_views"]), (1, 1, 1), "the hash began anew as a whole");
        let aside = store.take_aside();
        assert_eq!(aside.len(), 2);
        for one in aside {
            assert!(one.renamed.starts_with(&place.key("support", "aside:")), "{one:?}");
            assert_eq!(place.does::<i64>("support", &format!("EXISTS {}", one.renamed)), 1);
        }
    });
}

#[test]
fn a_stream_that_takes_no_more_is_set_aside() {
    everywhere(|store, place| {
        place.does::<()>("support", "XADD @records 18446744073709551615-18446744073709551615 entry x");
        assert_eq!(apply(store, &[step("support", 1, None, Some("one"))]), [Outcome::Done]);
        assert_eq!(store.take_aside().len(), 1);
        assert_eq!(place.does::<i64>("support", "XLEN @records"), 1);
    });
}

#[test]
fn nothing_is_taken_without_the_epoch_that_was_known() {
    everywhere(|store, place| {
        let first = step("support", 1, None, Some("one"));
        assert_eq!(store.apply(std::slice::from_ref(&first)), [Ok(Outcome::Reset)], "nobody made one yet");
        assert_eq!(place.does::<i64>("support", "EXISTS @records @live"), 0);
        apply(store, &[first.clone()]);
        assert_eq!(store.continuity(), Ok(Continuity::Same));
        let mut other = place.store();
        apply(&mut other, &[step("support", 2, None, Some("x"))]);

        place.does::<()>("support", "DEL @epoch");
        assert_eq!(store.apply(&[step("support", 3, None, Some("x"))]), [Ok(Outcome::Reset)]);
        assert!(matches!(store.continuity(), Ok(Continuity::Forgot(why)) if why.contains("support")));
        assert_eq!(refused(store, &first).trouble, Trouble::Forgot, "nothing is sent before it is said");
        assert_eq!(store.load(&places("support", &[visitor(1)]))[0].as_ref().unwrap_err().trouble, Trouble::Forgot);
        store.begin_again().unwrap();
        assert_eq!(store.continuity(), Ok(Continuity::Same));
        assert_eq!(apply(store, &[step("support", 3, None, Some("x"))]), [Outcome::Done]);
        assert_eq!(other.apply(&[step("support", 4, None, Some("x"))]), [Ok(Outcome::Reset)], "to the other it is new");
        other.begin_again().unwrap();
        assert_eq!(other.apply(&[step("support", 4, None, Some("x"))]), [Ok(Outcome::Done)]);
        assert_eq!(store.continuity(), Ok(Continuity::Same), "both have the same");

        place.does::<()>("support", "DEL @epoch");
        place.does::<()>("support", "RPUSH @epoch x");
        assert!(matches!(store.continuity(), Ok(Continuity::Forgot(_))));
        store.begin_again().unwrap();
        assert_eq!(apply(store, &[step("support", 5, None, Some("x"))]), [Outcome::Done], "garbage is set aside");
    });
}
