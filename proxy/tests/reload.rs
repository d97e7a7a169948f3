//! A configuration that is read again while `portalmeter run` goes on: what changes at once, what a portal's new time zone
//! changes from its next day on, and what is refused.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on says so by panicking")]

#[path = "support/live.rs"]
mod support;

#[allow(dead_code, reason = "nobody signs in here")]
mod live {
    pub(crate) mod browser;
    pub(crate) mod portal;
}

use std::io::Write;
use std::net::TcpStream;

use live::browser::Browser;
use live::portal::Portal;
use support::clock;
use support::exchange::Message;
use support::meter::{Meter, Settings, Time};

const MINUTE: u64 = 60_000;
const MOVES: &str = "the portal moves to another time zone";

/// A meter at nine in the morning of 2026-03-12 in UTC, on a clock that stands.
fn meter(portal: &Portal) -> Meter {
    Meter::start(portal.address, &Settings { time: Time::Stands, ..Settings::new("service_portal") })
}

/// The lines of the log with these words.
fn told(meter: &Meter, words: &str) -> Vec<String> {
    meter.log().lines().filter(|line| line.contains(words)).map(str::to_owned).collect()
}

/// Has it read its configuration again, and waits for a line with these words.
fn reload(meter: &Meter, words: &str) -> String {
    let before = told(meter, words).len();
    meter.hang_up();
    clock::until(words, || told(meter, words).len() > before);
    told(meter, words).pop().unwrap()
}

#[test]
fn a_portal_moves_to_another_zone_from_its_next_day_on_and_no_session_is_lost_or_doubled() {
    let portal = Portal::start();
    let meter = meter(&portal);
    let mut browser = Browser::new(&meter);
    browser.page();
    meter.has(1, 1);
    meter.write("timezone = \"UTC\"", "timezone = \"America/New_York\"");
    let line = reload(&meter, MOVES);
    for said in ["support", "UTC", "America/New_York", "2026-03-13", "2026-03-13T04:00:00Z"] {
        assert!(line.contains(said), "{said}: {line}");
    }
    assert_eq!(meter.metric("config_reload_ok"), Some(1));
    past_two_midnights(&meter, &mut browser);
    assert_eq!(told(&meter, MOVES).len(), 1, "it is told once");
}

#[test]
fn a_start_with_another_zone_is_as_a_reload() {
    let portal = Portal::start();
    let meter = meter(&portal);
    let mut browser = Browser::new(&meter);
    browser.page();
    meter.has(1, 1);
    meter.end();
    meter.write("timezone = \"UTC\"", "timezone = \"America/New_York\"");
    let meter = meter.start_again();
    let lines = told(&meter, MOVES);
    assert!(lines.len() == 1 && lines[0].contains("2026-03-13T04:00:00Z"), "{lines:?}");
    past_two_midnights(&meter, &mut browser);
    meter.end();
    let meter = meter.start_again();
    assert_eq!(told(&meter, MOVES).len(), 1, "it has moved");
}

/// Of a browser that was there at nine in the morning and comes again before and after each zone's midnight. The first
/// day in New York begins with UTC's and has 28 hours.
fn past_two_midnights(meter: &Meter, browser: &mut Browser) {
    let mut pages = 1;
    let mut comes = |after: u64, sessions: i64| {
        meter.pass(after * MINUTE);
        browser.page();
        pages += 1;
        meter.has(pages, sessions);
    };
    comes(14 * 60 + 59, 2); // 23:59 in UTC, of the 12th
    comes(2, 3); // 00:01 in UTC, of the 13th
    comes(3 * 60 + 58, 4); // 03:59, of the 13th; a session of its own, for it was away
    comes(2, 4); // 04:01, 00:01 in New York, of the 13th still
    comes(23 * 60 + 58, 5); // 23:59 in New York, of the 13th
    comes(2, 6); // 00:01 in New York, of the 14th
    let by_day = ["12", "13", "14"].map(|day| meter.usage_of(&format!("2026-03-{day}")).billable);
    assert_eq!(by_day, [2, 3, 1]);
    // Twelve hours after the 13th has ended in New York.
    meter.pass(12 * 60 * MINUTE);
    clock::until("the 13th is sealed", || meter.standing_of("2026-03-13") == ["America/New_York sealed"]);
    assert_eq!(meter.standing_of("2026-03-12"), ["UTC sealed"]);
    assert_eq!(meter.standing_of("2026-03-14"), ["America/New_York open"]);
    assert!(meter.recount().contains("nothing is amiss"), "{}", meter.recount());
}

#[test]
fn a_policy_changes_at_once_and_no_connection_is_dropped() {
    let portal = Portal::start();
    let meter = meter(&portal);
    let mut browser = Browser::new(&meter);
    browser.page();
    meter.has(1, 1);
    let mut kept = TcpStream::connect(meter.address).unwrap();
    let mut asks = |path: &str| {
        let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nX-Requested-With: XMLHttpRequest\r\n\r\n");
        kept.write_all(request.as_bytes()).unwrap();
        kept.try_clone().unwrap()
    };
    assert_eq!(Message::read(&asks("/")).unwrap().word(1), "200");
    // On its way while the file is read again.
    let slow = asks("/slow");
    meter.write("idle_timeout = \"30m\"", "idle_timeout = \"20m\"");
    let line = reload(&meter, "the portal counts by another policy");
    assert!(line.contains("idle_timeout=1800000") && line.contains("idle_timeout=1200000"), "{line}");
    assert_eq!(Message::read(&slow).unwrap().word(1), "200");
    assert_eq!(Message::read(&asks("/")).unwrap().word(1), "200");
    meter.pass(20 * MINUTE);
    browser.page();
    meter.has(2, 2);
    meter.pass(19 * MINUTE);
    browser.page();
    meter.has(3, 2);
    // What was counted by it can be read by the next process.
    meter.end();
    let meter = meter.start_again();
    meter.pass(19 * MINUTE);
    browser.page();
    meter.has(4, 2);
}

#[test]
fn what_is_wrong_or_needs_a_restart_is_refused_whole_and_the_old_one_goes_on() {
    let portal = Portal::start();
    let meter = meter(&portal);
    let mut browser = Browser::new(&meter);
    browser.page();
    meter.has(1, 1);
    let refused = "the configuration is refused; the old one keeps running";
    meter.write("timezone = \"UTC\"", "timezone = \"Europe/Berlim\"");
    let line = reload(&meter, refused);
    assert!(line.contains("portalmeter.toml:") && line.contains("did you mean `Europe/Berlin`?"), "{line}");
    assert_eq!(meter.metric("config_reload_ok"), Some(0));

    meter.write("timezone = \"Europe/Berlim\"", "timezone = \"Europe/Berlin\"");
    meter.write("idle_timeout = \"30m\"", "idle_timeout = \"10m\"");
    meter.write("threads = 1", "threads = 2");
    let line = reload(&meter, refused);
    assert!(line.contains("a restart is needed for server.threads"), "{line}");
    assert_eq!((meter.metric("config_reload_ok"), told(&meter, MOVES).len()), (Some(0), 0));
    meter.pass(29 * MINUTE);
    browser.page();
    meter.has(2, 1);

    meter.write("threads = 2", "threads = 1");
    reload(&meter, MOVES);
    assert_eq!(meter.metric("config_reload_ok"), Some(1));
    meter.pass(10 * MINUTE);
    browser.page();
    meter.has(3, 2);
}
