//! A portal that moves to another time zone: the golden tables of `changeover.md`, and what holds between any two zones.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use jiff::Timestamp;
use jiff::fmt::strtime;
use jiff::tz::TimeZone;
use portalmeter_meter::changeover::Changeover;
use portalmeter_meter::day::Zone;
use portalmeter_meter::fold::{Effect, step};
use portalmeter_meter::observation::{Evidence, Kind, Note, Observation, Stamp};
use portalmeter_meter::policy::{Experience, Policy};
use portalmeter_meter::session::Session;
use portalmeter_meter::stamping::Stamping;
use proptest::prelude::*;

const HOUR: i64 = 3_600_000;
const CLOCK: &str = "%Y-%m-%d %H:%M %:z";

#[test]
fn days_and_sessions_are_what_the_tables_say() {
    let cases = cases(include_str!("changeover.md"));
    assert_eq!(cases.len(), 9);
    for Case { title, zones, rows } in cases {
        let mut portal = Portal::in_zone(&zones[0]);
        for [what, old, new, day, sessions] in rows {
            let place = format!("{title}: {what} at {old}");
            let at = instant(&old);
            assert_eq!(shown(at, &zones[1]), new, "{place}, the other clock");
            match what.strip_prefix("moves to ") {
                Some(zone) => portal.moves(zone, at),
                None => assert_eq!(portal.page(at), day, "{place}, the day"),
            }
            assert_eq!(portal.sessions.to_string(), sessions, "{place}, the sessions");
        }
    }
}

#[test]
fn what_else_a_policy_says_counts_at_once_and_in_both_zones() {
    let (berlin, known) = (policy("Europe/Berlin"), instant("2026-06-10 15:00 +02:00"));
    let moving = Stamping::from(Stamp::new(berlin)).changed(policy("America/New_York"), known);
    let at = moving.changeover().unwrap().at();
    let shorter = Policy { idle_timeout: HOUR, ..policy("America/New_York") };
    let changed = moving.changed(shorter, known + HOUR);
    assert_eq!(changed.changeover(), moving.changeover());
    let said = |at: i64| {
        let policy = &changed.at(at).policy;
        (policy.zone.name().to_owned(), policy.idle_timeout)
    };
    assert_eq!(said(at - 1), ("Europe/Berlin".to_owned(), HOUR));
    assert_eq!(said(at), ("America/New_York".to_owned(), HOUR));
    assert_eq!(changed.stamps().count(), 2);
}

#[test]
fn found_at_a_start_it_is_as_told_by_a_reload() {
    let known = instant("2026-06-10 15:00 +02:00");
    let told = Stamping::from(Stamp::new(policy("Europe/Berlin"))).changed(policy("America/New_York"), known);
    let moved = |zone: &str| {
        let zone = Zone::named(zone).unwrap();
        Stamping::from(Stamp::new(policy("America/New_York"))).moved_from(zone, known)
    };
    assert_eq!(moved("Europe/Berlin").changeover(), told.changeover());
    assert_eq!(moved("America/New_York").changeover(), None);
}

#[test]
fn a_zone_is_the_same_however_it_is_come_by() {
    assert_eq!(Zone::utc(), Zone::named("UTC").unwrap());
}

/// A day apart at the most: of two that are further apart, one is ahead of the other by a whole day for good.
const ZONES: [&str; 9] = [
    "America/New_York",
    "America/St_Johns",
    "UTC",
    "Europe/Berlin",
    "Asia/Kolkata",
    "Asia/Kathmandu",
    "Australia/Adelaide",
    "Australia/Lord_Howe",
    "Pacific/Chatham",
];

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_day_is_taken_up_again_and_none_is_left_out(
        from in prop::sample::select(&ZONES[..]),
        to in prop::sample::select(&ZONES[..]),
        known in 0..366 * 24 * 60_i64,
    ) {
        let known = instant("2026-01-01 00:00 +00:00") + known * 60_000;
        let stamping = Stamping::from(Stamp::new(policy(from))).changed(policy(to), known);
        let day = |at: i64| stamping.at(at).policy.zone.day(at);
        let today = Zone::named(from).unwrap().day(known);
        let quarters = (-96..400).map(|quarter| day(known - known.rem_euclid(HOUR / 4) + quarter * HOUR / 4));
        let days: Vec<_> = quarters.collect();
        prop_assert!(days.windows(2).all(|pair| pair[1] == pair[0] || pair[1] == pair[0].plus(1)), "{:?}", days);
        if let Some(changeover) = stamping.changeover() {
            let at = changeover.at();
            prop_assert_eq!(changeover.first_day(), today.plus(1));
            prop_assert!(at > known && day(at - 1) <= day(at));
            let end = stamping.zone_of(today).end(today);
            prop_assert_eq!((day(end - 1), day(end)), (today, today.plus(1)));
            let end = stamping.zone_of(today.plus(1)).end(today.plus(1));
            prop_assert_eq!((day(end - 1), day(end)), (today.plus(1), today.plus(2)));
        } else {
            prop_assert_eq!(from, to);
        }
    }
}

#[test]
fn zones_more_than_a_day_apart_leave_a_day_out_or_have_it_twice_and_lose_no_page() {
    let zone = |name: &str| Zone::named(name).unwrap();
    let known = instant("2026-06-10 12:00 +00:00");
    let east = Changeover::new(zone("Pacific/Niue"), zone("Pacific/Kiritimati"), known);
    assert_eq!(east.first_day(), zone("Pacific/Niue").day(known).plus(2));
    let west = Changeover::new(zone("Pacific/Kiritimati"), zone("Pacific/Niue"), known);
    assert_eq!(west.first_day(), zone("Pacific/Kiritimati").day(known).plus(1));
}

struct Case {
    title: String,
    zones: [String; 2],
    rows: Vec<[String; 5]>,
}

fn cases(text: &str) -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    for line in text.lines() {
        if let Some(title) = line.strip_prefix("## ") {
            cases.push(Case { title: title.to_owned(), zones: Default::default(), rows: Vec::new() });
        } else if line.starts_with('|') && !line.starts_with("| --") {
            let case = cases.last_mut().unwrap();
            let cells: Vec<String> = line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect();
            let cells: [String; 5] = cells.try_into().unwrap();
            if cells[0] == "what happens" {
                let [_, old, new, ..] = cells;
                case.zones = [old, new];
            } else {
                case.rows.push(cells);
            }
        }
    }
    cases
}

/// A portal with one visitor.
struct Portal {
    stamping: Stamping,
    session: Option<Session>,
    sessions: usize,
}

impl Portal {
    fn in_zone(zone: &str) -> Self {
        Self { stamping: Stamp::new(policy(zone)).into(), session: None, sessions: 0 }
    }

    fn moves(&mut self, zone: &str, at: i64) {
        self.stamping = self.stamping.changed(policy(zone), at);
    }

    /// Says on which day it is.
    fn page(&mut self, at: i64) -> String {
        let stamp = self.stamping.at(at).clone();
        let page = Observation {
            at,
            kind: Kind::Page,
            evidence: Evidence::Guest,
            user: None,
            day: stamp.policy.zone.day(at),
            stamp,
            note: Arc::<Note>::default(),
            by: None,
            tie: 0,
        };
        let sessions = &mut self.sessions;
        step(&mut self.session, &page, &mut |effect| *sessions += usize::from(matches!(effect, Effect::Counted(_))));
        page.day.to_string()
    }
}

fn policy(zone: &str) -> Policy {
    let zone = Zone::named(zone).unwrap();
    Policy { zone, idle_timeout: 3 * HOUR, ..Policy::preset(Experience::ServicePortal) }
}

fn instant(clock: &str) -> i64 {
    strtime::parse(CLOCK, clock).unwrap().to_timestamp().unwrap().as_millisecond()
}

fn shown(at: i64, zone: &str) -> String {
    let at = Timestamp::from_millisecond(at).unwrap().to_zoned(TimeZone::get(zone).unwrap());
    strtime::format(CLOCK, &at).unwrap()
}
