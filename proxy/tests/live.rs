//! The seeds' tables live: a portal, `portalmeter run` before it, browsers, and `portalmeter report`.
//!
//! Nothing is waited for by the clock but an idle timeout and midnight; that every page has been
//! counted is told by the report's page views.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on says so by panicking")]

#[path = "support/live.rs"]
mod support;

mod live {
    pub(crate) mod browser;
    pub(crate) mod portal;
}

use std::thread;
use std::time::Duration;

use live::browser::Browser;
use live::portal::Portal;
use support::clock;
use support::meter::{Meter, Settings, Time};

#[test]
fn on_a_portal_a_login_after_a_logout_counts_again() {
    login_logout_login("service_portal", [1, 1, 1, 2]);
}

#[test]
fn in_an_embedded_component_every_login_counts() {
    login_logout_login("web_embeddables", [1, 2, 2, 3]);
}

#[test]
fn on_a_portal_a_session_past_midnight_counts_on_the_new_day() {
    past_midnight("service_portal", [1, 1, 2, 2]);
}

#[test]
fn in_an_embedded_component_a_session_past_midnight_counts_on_the_new_day() {
    past_midnight("web_embeddables", [1, 2, 3, 3]);
}

#[test]
fn a_session_ends_when_it_has_been_idle() {
    let idle = Duration::from_secs(3);
    let portal = Portal::start();
    let settings = Settings { idle: "3s", ..Settings::new("service_portal") };
    let meter = Meter::start(portal.address, &settings);
    let mut browser = Browser::new(&meter);
    for _ in 0..8 {
        browser.page();
        thread::sleep(idle / 6);
    }
    meter.has(8, 1);
    thread::sleep(idle);
    browser.page();
    meter.has(9, 2);
    assert_eq!(meter.end().billable, 2);
}

#[test]
fn two_browsers_are_two_sessions_and_a_crawler_is_none_to_bill() {
    let portal = Portal::start();
    let meter = Meter::start(portal.address, &Settings::new("service_portal"));
    let (mut laptop, mut phone) = (Browser::new(&meter), Browser::new(&meter));
    laptop.page();
    laptop.login("ann");
    meter.has(2, 1);
    phone.login("ann");
    meter.has(3, 2);
    let mut crawler = Browser::crawler(&meter);
    for _ in 0..5 {
        crawler.page();
    }
    laptop.page();
    let usage = meter.has_usage(|usage| usage.page_views == 4 && usage.bot == 1);
    assert_eq!((usage.guest, usage.external, usage.converted, usage.billable), (1, 1, 1, 2));
    assert_eq!(meter.end(), usage);
}

#[test]
fn sigterm_ends_within_drain_with_everything_counted() {
    let portal = Portal::start();
    let meter = Meter::start(portal.address, &Settings::new("service_portal"));
    let mut slow = Browser::phone(&meter);
    let in_flight = thread::spawn(move || slow.page_at("/slow"));
    portal.wait_for("/slow");
    for _ in 0..20 {
        // With its second page a browser shows its cookie; without, they would all be one.
        let mut browser = Browser::new(&meter);
        browser.page();
        browser.login("ann");
    }
    let usage = meter.end();
    assert_eq!(in_flight.join().unwrap(), 200, "the page in flight was answered");
    assert_eq!((usage.guest, usage.converted, usage.billable, usage.page_views), (21, 20, 21, 41));
}

#[test]
fn a_second_run_goes_on_with_the_sessions_of_the_first() {
    let portal = Portal::start();
    let meter = Meter::start(portal.address, &Settings::new("service_portal"));
    let mut browser = Browser::new(&meter);
    browser.page();
    let usage = meter.end();
    assert_eq!((usage.guest, usage.billable), (1, 1));
    let meter = meter.start_again();
    browser.moved_to(&meter);
    browser.login("ann");
    meter.has(2, 1);
    browser.logout();
    browser.login("ann");
    meter.has(3, 2);
    assert_eq!(meter.end().converted, 1);
}

/// The seeds' first table: what is billable after a guest's page, a login, a logout, a login at once.
fn login_logout_login(experience: &'static str, billable: [i64; 4]) {
    let portal = Portal::start();
    let meter = Meter::start(portal.address, &Settings::new(experience));
    let mut browser = Browser::new(&meter);
    browser.page();
    meter.has(1, billable[0]);
    browser.login("ann");
    meter.has(2, billable[1]);
    browser.logout();
    meter.has(2, billable[2]);
    browser.login("ann");
    meter.has(3, billable[3]);
    assert_eq!(meter.end().billable, billable[3]);
}

/// The seeds' second table: a guest's page, a login, a page past midnight, a logout.
fn past_midnight(experience: &'static str, billable: [i64; 4]) {
    let portal = Portal::start();
    let settings = Settings { time: Time::From("2026-03-12 23:59:45"), ..Settings::new(experience) };
    let meter = Meter::start(portal.address, &settings);
    let mut browser = Browser::new(&meter);
    browser.page();
    meter.has(1, billable[0]);
    browser.login("ann");
    meter.has(2, billable[1]);
    let mut pages = 2;
    // Pages before midnight count nothing, and of those after it only the first does.
    clock::until("a page counts on the new day", || {
        browser.page();
        pages += 1;
        meter.usage_of("2026-03-13").page_views > 0
    });
    meter.has(pages, billable[2]);
    browser.logout();
    browser.page();
    meter.has(pages + 1, billable[3]);
    let (before, after) = (meter.usage_of("2026-03-12"), meter.usage_of("2026-03-13"));
    assert_eq!((before.billable, before.guest), (billable[1], 1), "on the old day");
    assert_eq!((after.billable, after.external), (1, 1), "on the new day");
    assert_eq!(meter.end().billable, billable[3]);
}
