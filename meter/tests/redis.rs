//! What the store in Redis does, and what it makes of servers that fail, forget or hold garbage.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]
#![allow(clippy::disallowed_methods, reason = "servers take their time")]
#![allow(missing_docs, reason = "a test's name says what it shows")]

#[path = "support/record.rs"]
mod record;
#[path = "support/redis.rs"]
mod support;

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::Arc;

use portalmeter_meter::acts::{Act, Acts};
use portalmeter_meter::day::Day;
use portalmeter_meter::entry::{Entry, Presence, SessionRow};
use portalmeter_meter::observation::Stamp;
use portalmeter_meter::policy::{Experience, Policy, PolicyId};
use portalmeter_meter::record::Reason;
use portalmeter_meter::session::Class;
use portalmeter_meter::store::NodeId;
use portalmeter_meter::store::redis::counters::{Repair, Settled};
use portalmeter_meter::store::redis::shared::NodeState;
use portalmeter_meter::store::redis::stream::{Position, StreamId};
use portalmeter_meter::store::redis::{Continuity, RedisError, RedisStore, Trouble};
use portalmeter_meter::store::step::{Gain, Lively, Outcome, Place, Slot, Step, Write};
use portalmeter_meter::usage::Sums;
use portalmeter_rules::id::Name;
use record::record;
use support::everywhere;

/// Long ago: what matters is how long a value lives from here.
const NOW: i64 = 1_773_000_000_000;
const HOUR: i64 = 3_600_000;
const SOON: i64 = NOW + HOUR;

fn visitor(number: u8) -> Slot {
    Slot::Visitor(Name([number; 16]), None)
}

fn write(slot: Slot, before: Option<&str>, after: Option<&str>) -> Write {
    let bytes = |text: Option<&str>| text.map(|text| text.as_bytes().to_vec());
    Write { slot, before: bytes(before), after: bytes(after), expires: SOON }
}

fn entry(portal: &str, day: i32) -> Entry {
    let visitor = Name([1; 16]);
    Entry::Presence(Presence { portal: portal.into(), module: None, day: Day(day), visitor, user: None, gone: false })
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
    let outcomes: Result<Vec<_>, _> = store.apply(steps, NOW).into_iter().collect();
    let outcomes = outcomes.unwrap();
    if outcomes.contains(&Outcome::Reset) {
        store.begin_again().unwrap();
        return store.apply(steps, NOW).into_iter().collect::<Result<_, _>>().unwrap();
    }
    outcomes
}

fn refused(store: &mut RedisStore, step: &Step) -> RedisError {
    store.apply(std::slice::from_ref(step), NOW).remove(0).unwrap_err()
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
        let lives: i64 = place.does("support", &format!("PTTL @visitor:{visitor}"));
        assert!((HOUR - 60_000..=HOUR).contains(&lives), "{lives}");
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
fn what_people_do_is_a_step_without_values() {
    let act = |module: Option<&str>, action: Option<&str>, count: u32| Act {
        module: module.map(str::to_owned),
        class: Class::External,
        account: Some("acme".into()),
        user: Some(Name([7; 16])),
        room: "docs".into(),
        resource: "/docs/intro".into(),
        action: action.map(str::to_owned),
        count,
    };
    let acts = vec![act(None, None, 5), act(None, Some("download"), 2), act(Some("chat"), Some("video"), 3)];
    let day: Day = "2026-03-12".parse().unwrap();
    let acts = Acts { portal: "support".into(), at: NOW, day, zone: "UTC".into(), acts };
    everywhere(|store, place| {
        assert_eq!(apply(store, &[acts.clone().into_step()]), [Outcome::Done]);
        assert_eq!(place.does::<i64>("support", "HGET @usage:2026-03-12 actions"), 5);
        assert_eq!(place.does::<i64>("support", "HGET @usage:2026-03-12:chat actions"), 3);
        let told = store.read(&"support".into(), StreamId::default(), 9).unwrap();
        assert_eq!(told.into_iter().filter_map(|one| one.entry).collect::<Vec<_>>(), [Entry::Acts(acts.clone())]);
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
fn of_steps_that_go_together_each_has_its_own_outcome() {
    everywhere(|store, place| {
        apply(store, &[step("support", 2, None, Some("one"))]);
        let steps = [
            step("support", 1, None, Some("one")),
            step("support", 2, None, Some("two")),
            step("support", 3, None, Some("one")),
            step("support", 1, Some("one"), Some("two")),
            step("support", 1, Some("two"), Some("three")),
        ];
        let expected = [Outcome::Done, lost(&[Some("one")]), Outcome::Done, Outcome::Done, Outcome::Done];
        assert_eq!(apply(store, &steps), expected);
        let there = [1, 2, 3].map(|number| load(store, "support", visitor(number)).unwrap());
        assert_eq!(there, ["three", "one", "one"]);
        assert_eq!(place.does::<i64>("support", "HGET @usage:2026-03-12 guest"), 5);

        let apart = (10..30).map(|number| step("support", number, None, Some("x"))).collect::<Vec<_>>();
        let places = place.does::<i64>("support", "XLEN @records");
        assert_eq!(apply(store, &apart), vec![Outcome::Done; 20]);
        assert_eq!(place.does::<i64>("support", "XLEN @records") - places, 3, "eight, eight and four in a call");
        assert_eq!(place.does::<i64>("support", "HGET @usage:2026-03-12 guest"), 25);
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
        assert_eq!(apply(store, &[change(Some(&bytes), Some(&bytes), SOON + HOUR)]), [Outcome::Done], "only read");
        let key = format!("@visitor:{}:chat", "01".repeat(16));
        assert!(place.does::<i64>("support", &format!("PTTL {key}")) > HOUR);
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
fn a_step_may_tell_more_than_lua_hands_over_at_once() {
    everywhere(|store, _| {
        let entries: Vec<Entry> = (0..10_000).map(|number| entry("support", number)).collect();
        apply(store, &[Step { entries: entries.clone(), portal: support(), ..Step::default() }]);
        let told = store.read(&support(), StreamId::default(), 1_000).unwrap();
        assert!(told.into_iter().map(|told| told.entry.unwrap()).eq(entries));
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
        assert_eq!(apply(store, &[step("support", 1, None, Some("one"))]), [Outcome::Reset], "it was set aside");
        assert_eq!(apply(store, &[step("support", 1, None, Some("one"))]), [Outcome::Done]);
        assert_eq!(store.take_aside().len(), 1);
        assert_eq!(place.does::<i64>("support", "XLEN @records"), 1);
    });
}

#[test]
fn a_store_whose_stream_is_gone_has_forgotten() {
    everywhere(|store, place| {
        let portal = support();
        apply(store, &[told(1)]);
        let read = store.last_id(&portal).unwrap();
        for loss in ["DEL @records", "SET @records garbage"] {
            let mut other = place.store();
            apply(&mut other, &[step("support", 9, None, None)]);
            place.does::<()>("support", "DEL @records");
            place.does::<()>("support", loss);
            assert_eq!(store.apply(&[told(2)], NOW), [Ok(Outcome::Reset)], "{loss}");
            assert_eq!(place.does::<i64>("support", "EXISTS @records"), 0, "nothing makes it but a new beginning");
            assert_eq!(store.group(&portal, "a", None).map(drop).unwrap_err().trouble, Trouble::Forgot);
            for each in [&mut *store, &mut other] {
                assert!(matches!(each.continuity(), Ok(Continuity::Forgot(_))), "{loss}");
                each.begin_again().unwrap();
            }
            assert_eq!(apply(store, &[told(3)]), [Outcome::Done]);
            assert_eq!(other.continuity(), Ok(Continuity::Same), "both have the same");
            let behind = store.read(&portal, read, 9).unwrap();
            assert_eq!(behind.last().unwrap().entry, Some(entry("support", 3)), "it goes on behind what was read");
        }
    });
}

#[test]
fn a_store_that_lacks_the_value_of_somebody_who_is_live_has_forgotten() {
    everywhere(|store, place| {
        apply(store, &[step("support", 1, None, Some("one")), step("support", 2, None, Some("one"))]);
        let (now, _): (i64, i64) = place.does("support", "TIME");
        let mut again = |number: u8, later: i64, begun: i64| {
            place.does::<()>("support", &format!("DEL @visitor:{}", format!("{number:02}").repeat(16)));
            place.does::<()>("support", &format!("SET @epoch {}..{}", "0".repeat(32), (now - begun) * 1_000));
            *store = place.store();
            let mut step = step("support", number, None, Some("two"));
            step.live[0].last_seen = Some(1_000 + later);
            store.apply(&[step], NOW).remove(0)
        };
        assert_eq!(again(1, 1, 500), Ok(Outcome::Done), "no endless beginning again");
        assert_eq!(again(2, HOUR / 2, 700), Ok(Outcome::Done), "it may have expired");
        assert_eq!(again(1, 1, 700), Ok(Outcome::Reset));
        assert_eq!(place.does::<i64>("support", "EXISTS @epoch"), 0, "for every node");
        assert_eq!(apply(store, &[step("support", 1, None, Some("two"))]), [Outcome::Done]);
    });
}

#[test]
fn nothing_is_taken_without_the_epoch_that_was_known() {
    everywhere(|store, place| {
        let first = step("support", 1, None, Some("one"));
        assert_eq!(store.apply(std::slice::from_ref(&first), NOW), [Ok(Outcome::Reset)], "nobody made one yet");
        assert_eq!(place.does::<i64>("support", "EXISTS @records @live"), 0);
        apply(store, std::slice::from_ref(&first));
        assert_eq!(store.continuity(), Ok(Continuity::Same));
        let mut other = place.store();
        apply(&mut other, &[step("support", 2, None, Some("x"))]);

        place.does::<()>("support", "DEL @epoch");
        assert_eq!(store.apply(&[step("support", 3, None, Some("x"))], NOW), [Ok(Outcome::Reset)]);
        assert!(matches!(store.continuity(), Ok(Continuity::Forgot(why)) if why.contains("support")));
        assert_eq!(refused(store, &first).trouble, Trouble::Forgot, "nothing is sent before it is said");
        assert_eq!(store.load(&places("support", &[visitor(1)]))[0].as_ref().unwrap_err().trouble, Trouble::Forgot);
        store.begin_again().unwrap();
        assert_eq!(store.continuity(), Ok(Continuity::Same));
        assert_eq!(apply(store, &[step("support", 3, None, Some("x"))]), [Outcome::Done]);
        assert_eq!(
            other.apply(&[step("support", 4, None, Some("x"))], NOW),
            [Ok(Outcome::Reset)],
            "to the other it is new"
        );
        other.begin_again().unwrap();
        assert_eq!(other.apply(&[step("support", 4, None, Some("x"))], NOW), [Ok(Outcome::Done)]);
        assert_eq!(store.continuity(), Ok(Continuity::Same), "both have the same");

        for (number, garbage) in [(5, "RPUSH @epoch x"), (6, "SET @epoch x")] {
            place.does::<()>("support", "DEL @epoch");
            place.does::<()>("support", garbage);
            assert!(matches!(store.continuity(), Ok(Continuity::Forgot(_))));
            store.begin_again().unwrap();
            assert_eq!(apply(store, &[step("support", number, None, Some("x"))]), [Outcome::Done], "it is set aside");
        }
    });
}

fn support() -> Arc<str> {
    "support".into()
}

/// Each has a place of its own.
fn tell_each(store: &mut RedisStore, numbers: RangeInclusive<i32>) {
    numbers.for_each(|number| drop(apply(store, &[told(number)])));
}

fn told(number: i32) -> Step {
    Step { entries: vec![entry("support", number)], portal: support(), ..Step::default() }
}

#[test]
fn entries_are_read_in_order_and_what_is_none_is_told_apart() {
    everywhere(|store, place| {
        let portal = support();
        assert_eq!(store.read(&portal, StreamId::default(), 10), Ok(vec![]));
        assert_eq!(store.last_id(&portal), Ok(StreamId::default()));
        tell_each(store, 1..=5);
        place.does::<()>("support", "XADD @records * entry {}");
        place.does::<()>("support", "XADD @records * other x more y");
        let all = store.read(&portal, StreamId::default(), 100).unwrap();
        let entries: Vec<_> = all.iter().map(|told| told.entry.clone()).collect();
        let expected = (1..=5).map(|number| Some(entry("support", number))).chain([None, None, None]);
        assert_eq!(entries, expected.collect::<Vec<_>>());
        assert!(all.is_sorted_by_key(|told| told.id));
        assert_eq!(all[6].id, all[7].id, "what was appended at once has one place");
        assert_eq!(store.last_id(&portal).unwrap(), all[7].id);
        assert_eq!(store.backlog(&portal), Ok(7));
        let behind = store.read(&portal, all[1].id, 2).unwrap();
        assert_eq!(behind, all[2..4]);
    });
}

#[test]
fn a_stream_that_begins_anew_goes_on_behind_what_was_read() {
    everywhere(|store, place| {
        let portal = support();
        // As a server whose clock was nine minutes ahead placed it.
        let (seconds, _): (u64, u64) = place.does("support", "TIME");
        place.does::<()>("support", &format!("XADD @records {} entry x", (seconds + 540) * 1_000));
        let read = store.last_id(&portal).unwrap();
        for keys in ["DEL @epoch @records", "DEL @epoch"] {
            place.does::<()>("support", keys);
            apply(store, &[told(2)]);
            let behind = store.read(&portal, read, 9).unwrap();
            assert_eq!(behind.last().unwrap().entry, Some(entry("support", 2)), "{keys}");
            assert!(behind.iter().all(|told| told.entry.is_some()), "what made room is no entry: {behind:?}");
        }
    });
}

#[test]
fn the_stream_lets_go_of_what_every_ledger_has() {
    everywhere(|store, place| {
        let portal = support();
        assert_eq!(store.trim(&portal), Ok(0), "there is no stream yet");
        assert_eq!(store.group(&portal, "a", None).unwrap_err().trouble, Trouble::Forgot);
        tell_each(store, 1..=5);
        assert_eq!(store.trim(&portal), Ok(0), "without a ledger nothing goes");
        let start = store.group(&portal, "a", None).unwrap();
        assert_eq!(start.id, StreamId::default());
        store.group(&portal, "b", None).unwrap();
        let all = store.read(&portal, start.id, 100).unwrap();
        store.acknowledge(&portal, "a", all[4].id).unwrap();
        assert_eq!(store.trim(&portal), Ok(0), "the other has none");
        store.acknowledge(&portal, "b", all[2].id).unwrap();
        assert_eq!(store.trim(&portal), Ok(2), "the last that all have stays");
        assert_eq!(store.backlog(&portal), Ok(3));
        let mut groups = store.groups(&portal).unwrap();
        groups.sort_by(|a, b| a.name.cmp(&b.name));
        assert_eq!(groups.iter().map(|group| group.last).collect::<Vec<_>>(), [all[4].id, all[2].id]);

        let position = Position { id: all[4].id, ..start.clone() };
        assert_eq!(store.group(&portal, "a", Some(&position)), Ok(position.clone()), "it reads on where it was");
        let elsewhere = Position { epoch: "another".into(), ..position };
        assert_eq!(store.group(&portal, "a", Some(&elsewhere)), Ok(start), "another stream is read from its start");
        store.leave_group(&portal, "b").unwrap();
        let mut patient = place.store().lingering(60_000);
        assert_eq!(patient.trim(&portal), Ok(0), "another ledger may come a little later");
        assert_eq!(store.trim(&portal), Ok(2));

        place.does::<()>("support", "DEL @records");
        assert_eq!(store.acknowledge(&portal, "a", all[4].id).unwrap_err().trouble, Trouble::Forgot);
        store.begin_again().unwrap();
        store.acknowledge(&portal, "a", all[4].id).unwrap();
        assert_eq!(store.groups(&portal).unwrap().len(), 1, "a group that was flushed is made again");
        place.does::<()>("support", "DEL @records");
        place.does::<()>("support", "SET @records garbage");
        assert_eq!(store.read(&portal, StreamId::default(), 10), Ok(vec![]));
        assert_eq!(store.take_aside().len(), 1);
    });
}

#[test]
fn who_is_past_a_time_leaves_the_index_unless_seen_again() {
    everywhere(|store, place| {
        let portal = support();
        let seen = |number: u8, at: i64| Lively { visitor: Name([number; 16]), module: None, last_seen: Some(at) };
        let live = (1..=5).map(|number| seen(number, i64::from(number) * 10)).collect();
        apply(store, &[Step { live, portal: support(), ..Step::default() }]);
        place.does::<()>("support", "ZADD @live 5 nobody");
        assert_eq!(store.overdue(&portal, 30, 2), Ok(vec![seen(1, 10)]), "at most two, and one is nobody");
        let overdue = store.overdue(&portal, 30, 10).unwrap();
        assert_eq!(overdue, [seen(1, 10), seen(2, 20), seen(3, 30)]);
        assert_eq!(store.live(&portal, 40, 10), Ok(vec![seen(4, 40), seen(5, 50)]));
        apply(store, &[Step { live: vec![seen(2, 99)], portal: support(), ..Step::default() }]);
        let who: Vec<_> =
            overdue.into_iter().map(|who| (who, vec![entry("support", 1), entry("support", 2)])).collect();
        assert_eq!(store.leave(&portal, 30, &who), Ok(2));
        assert_eq!(store.leave(&portal, 30, &who), Ok(0), "they went before");
        assert_eq!(store.read(&portal, StreamId::default(), 9).unwrap().len(), 4, "and are told of once");
        assert_eq!(store.live_count(&portal), Ok(3));
        place.does::<()>("support", "DEL @epoch");
        assert_eq!(store.leave(&portal, 30, &who).unwrap_err().trouble, Trouble::Forgot);
    });
}

fn counted(guest: i64, external: i64) -> Sums {
    Sums { records: [guest, external, 0, 0], ..Sums::default() }
}

#[test]
fn counters_are_set_to_what_the_ledger_has_and_what_is_on_its_way() {
    everywhere(|store, place| {
        let (portal, day) = (support(), "2026-03-12".parse().unwrap());
        let module: Option<Arc<str>> = Some("chat".into());
        let gains = vec![Gain { sums: counted(3, 1), ..gain(Some("chat"), 0) }];
        let entries = vec![
            Entry::Record(record(1, Class::Guest, Some("chat"))),
            Entry::Record(record(2, Class::Guest, Some("chat"))),
            Entry::Record(record(2, Class::Guest, Some("chat"))),
            Entry::Record(record(3, Class::External, Some("chat"))),
            Entry::Record(record(4, Class::Guest, Some("chat"))),
        ];
        apply(store, &[Step { gains, entries, ..step("support", 1, None, Some("x")) }]);
        let start = store.group(&portal, "a", None).unwrap();
        let nothing = [(module.clone(), day, Sums::default())];
        assert_eq!(store.settle_counters(&portal, &start, &nothing), Ok(Settled::Repaired(vec![])), "all on its way");

        // The ledger has read all of these; a record is withdrawn that it has and one counts as another class.
        let position = Position { id: store.last_id(&portal).unwrap(), ..start.clone() };
        let withdrawn = Step {
            gains: vec![Gain { sums: counted(-2, 1), ..gain(Some("chat"), 0) }],
            entries: vec![
                Entry::Withdrawn(record(1, Class::Guest, Some("chat"))),
                Entry::Withdrawn(record(4, Class::Guest, Some("chat"))),
                Entry::Record(record(4, Class::External, Some("chat"))),
            ],
            ..step("support", 1, Some("x"), Some("y"))
        };
        apply(store, &[withdrawn]);
        let ledger = [(module.clone(), day, counted(3, 1))];
        assert_eq!(store.settle_counters(&portal, &position, &ledger), Ok(Settled::Repaired(vec![])));
        let position = Position { id: store.last_id(&portal).unwrap(), ..start.clone() };
        let ledger = [(module.clone(), day, counted(0, 2))];
        let Settled::Repaired(repaired) = store.settle_counters(&portal, &position, &ledger).unwrap() else {
            panic!("not behind");
        };
        let repair = |module: Option<Arc<str>>, field: &str, was: &str, is| Repair {
            module,
            day,
            field: field.into(),
            was: was.into(),
            is,
        };
        let expected = [None, module.clone()].into_iter().flat_map(|module| {
            [("guest", "1", 0), ("guest_raw", "1", 0), ("billable", "3", 2)]
                .map(|(field, was, is)| repair(module.clone(), field, was, is))
        });
        assert_eq!(repaired, expected.collect::<Vec<_>>());
        assert_eq!(store.settle_counters(&portal, &position, &ledger), Ok(Settled::Repaired(vec![])), "right now");

        place.does::<()>("support", "DEL @usage:2026-03-12 @usage:2026-03-12:chat");
        let with_views = [(module.clone(), day, Sums { page_views: 7, duration_ms: 2999, ..counted(0, 2) })];
        let Settled::Repaired(repaired) = store.settle_counters(&portal, &position, &with_views).unwrap() else {
            panic!("not behind");
        };
        assert!(repaired.contains(&repair(None, "page_views", "0", 7)), "{repaired:?}");
        let statistics = store.statistics(&portal).unwrap();
        assert_eq!(statistics.iter().map(|day| day.sums).collect::<Vec<_>>(), [with_views[0].2; 2]);
        assert_eq!(place.does::<i64>("support", "HGET @usage:2026-03-12 duration_seconds"), 2);

        store.mark_sealed(&portal, None, day, 5).unwrap();
        let ledger = [(module, day, counted(9, 9))];
        assert_eq!(store.settle_counters(&portal, &position, &ledger), Ok(Settled::Repaired(vec![])), "it is sealed");
    });
}

#[test]
fn counters_wait_for_a_ledger_that_is_far_behind() {
    everywhere(|store, _| {
        let many: Vec<_> = (0..1_501).map(told).collect();
        apply(store, &many);
        let start = store.group(&support(), "a", None).unwrap();
        assert_eq!(store.settle_counters(&support(), &start, &[]), Ok(Settled::Behind));
        let position = Position { id: store.read(&support(), start.id, 1).unwrap()[0].id, ..start };
        assert_eq!(store.settle_counters(&support(), &position, &[]), Ok(Settled::Repaired(vec![])));
    });
}

#[test]
fn counters_wait_for_who_knows_less_than_the_ledger() {
    everywhere(|store, place| {
        tell_each(store, 1..=3);
        let start = store.group(&support(), "a", None).unwrap();
        let all = store.read(&support(), start.id, 9).unwrap();
        let at = |number: usize| Position { id: all[number].id, ..start.clone() };
        let days = [(None, "2026-03-12".parse().unwrap(), Sums::default())];
        store.acknowledge(&support(), "a", all[2].id).unwrap();
        store.trim(&support()).unwrap();
        let late = store.settle_counters(&support(), &at(0), &days);
        assert_eq!(late, Ok(Settled::Behind), "another node has read on, and what it read is gone");
        assert_eq!(place.does::<i64>("support", "EXISTS @usage:2026-03-12"), 0);
        assert_eq!(store.settle_counters(&support(), &at(2), &days), Ok(Settled::Repaired(vec![])));
    });
}

#[test]
fn a_sealed_day_gains_no_records_but_statistics() {
    everywhere(|store, place| {
        let (portal, day) = (support(), "2026-03-12".parse().unwrap());
        let chat = Step { gains: vec![gain(Some("chat"), 1)], ..step("support", 1, None, Some("x")) };
        apply(store, &[chat]);
        store.mark_sealed(&portal, None, day, SOON).unwrap();
        let next = vec![gain(Some("chat"), 1), gain(Some("ask"), 1)];
        apply(store, &[Step { gains: next, ..step("support", 1, Some("x"), Some("y")) }]);
        let all = store.statistics(&portal).unwrap();
        let guests_and_views: Vec<_> =
            all.iter().map(|one| (one.module.as_deref(), one.sums.records[0], one.sums.page_views)).collect();
        assert_eq!(guests_and_views, [(None, 1, 3), (Some("ask"), 0, 1), (Some("chat"), 1, 2)]);
        assert_eq!([&all[0], &all[2]].map(|one| one.sealed), [Some(SOON); 2], "its modules with it");
        assert_eq!(all[0].sums.duration_ms, 4500);
        let days = place.does::<i64>("support", "PTTL @usage:2026-03-12") / (24 * HOUR);
        assert!((34..=35).contains(&days), "{days}");
        place.does::<()>("support", "DEL @usage:2026-03-12");
        assert_eq!(store.statistics(&portal).unwrap().len(), 2);
        let days = store.usage_days(&portal).unwrap();
        assert_eq!(days.len(), 3, "a hash that was deleted is still missed");
        place.does::<()>("support", "SADD @days 2026-04-18");
        store.statistics(&portal).unwrap();
        let days = store.usage_days(&portal).unwrap();
        let later = (None, "2026-04-18".parse().unwrap());
        let left = [(Some("ask".into()), day), (Some("chat".into()), day), later];
        assert_eq!(days, left, "what expired is no day any more");
    });
}

#[test]
fn what_nodes_share_is_the_same_for_all_and_survives_garbage() {
    everywhere(|store, place| {
        let mut other = place.store();
        let stamp = Stamp::new(Policy::preset(Experience::PartnerPortal));
        assert!(other.stamp(stamp.id).unwrap().is_none());
        store.know(std::slice::from_ref(&stamp)).unwrap();
        let mut third = place.store();
        assert_eq!(third.stamp(stamp.id).unwrap().unwrap().policy, stamp.policy);
        assert!(other.stamp(stamp.id).unwrap().is_none(), "it is asked for once");

        assert_eq!(store.secret(b"mine").unwrap(), b"mine");
        assert_eq!(other.secret(b"other").unwrap(), b"mine");

        store.serve(&["b".into(), "a".into()]).unwrap();
        assert_eq!(other.portals().unwrap(), ["a", "b"]);

        let state = NodeState { seen: 2, passed: 1, host: "h".into(), started: 0, version: "0.1.0".into() };
        store.tell_node(NodeId([1; 8]), &state).unwrap();
        store.tell_node(NodeId([2; 8]), &state).unwrap();
        let shared = |name: &str| format!("{}:{name}", place.prefix);
        place.does::<()>("", &format!("HSET {} 0303 {{", shared("nodes")));
        let nodes = other.nodes().unwrap();
        let expected = [("0101010101010101", Some(state.clone())), ("0202020202020202", Some(state)), ("0303", None)];
        let found: Vec<_> = nodes.iter().map(|node| (node.id.as_str(), node.state.clone())).collect();
        assert_eq!(found, expected);
        store.forget_node(NodeId([1; 8])).unwrap();
        assert_eq!(other.nodes().unwrap().len(), 2);

        for name in ["policies", "portals", "nodes", "secret"] {
            place.does::<()>("", &format!("DEL {}", shared(name)));
            place.does::<()>("", &format!("RPUSH {} garbage", shared(name)));
        }
        let another = Stamp::new(Policy::preset(Experience::Community));
        store.know(&[another]).unwrap();
        assert_eq!(store.portals().unwrap(), Vec::<String>::new());
        assert_eq!(store.nodes().unwrap(), []);
        assert_eq!(store.secret(b"new").unwrap(), b"new");
        assert_eq!(store.take_aside().len(), 4);
        place.does::<()>("", &format!("DEL {} {}", shared("policies"), shared("policies")));
        store.begin_again().unwrap();
        assert_eq!(place.store().portals().unwrap(), ["a", "b"], "what was made known is told again");
        assert!(place.store().stamp(stamp.id).unwrap().is_some());
    });
}

#[test]
fn a_conversion_that_cannot_be_is_set_right() {
    everywhere(|store, place| {
        let (portal, day): (_, Day) = (support(), "2026-03-12".parse().unwrap());
        let session = |number: u8, converted: Option<Day>| {
            Entry::Session(SessionRow {
                id: Name([number; 16]),
                portal: "support".into(),
                module: None,
                visitor: Name([number; 16]),
                started: 0,
                began: Reason::Start,
                last_seen: 0,
                counted_day: day,
                class: Class::External,
                proven_guest: true,
                logged_out: false,
                user: None,
                account: None,
                agent: None,
                pages: 1,
                actions: 0,
                converted,
                zone: "UTC".into(),
                policy: PolicyId(1),
                gone: false,
                stored_time: 0,
            })
        };
        let entries = vec![session(1, Some(day)), session(1, Some(day)), session(2, None)];
        apply(store, &[Step { entries, portal: support(), ..Step::default() }]);
        let start = store.group(&portal, "a", None).unwrap();
        // The ledger has 5; one session may have converted since, or two no longer be.
        let ledger = [(None, day, Sums { converted: 5, ..Sums::default() })];
        for (said, right) in [(2, 3), (3, 3), (6, 6), (7, 6), (-4, 3)] {
            place.does::<()>("support", &format!("HSET @usage:2026-03-12 converted {said}"));
            store.settle_counters(&portal, &start, &ledger).unwrap();
            assert_eq!(place.does::<i64>("support", "HGET @usage:2026-03-12 converted"), right, "{said}");
        }
    });
}

#[test]
fn a_store_may_work_on_a_thread_of_its_own() {
    fn goes_to_a_thread<T: Send>() {}
    goes_to_a_thread::<RedisStore>();
}
