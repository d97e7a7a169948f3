//! OIDC silent renewal: every few minutes a hidden frame goes through redirects with `prompt=none`.

use super::browser::{Browser, FRAME};
use super::portal::Portal;
use super::stage::{ALL, BY_COOKIE, MINUTE, PORTAL_COOKIE, before, bill, settings};
use crate::support::meter::{Meter, Settings};

const HOUR: u64 = 60 * MINUTE;

/// One renewal: two redirects, and the page in the frame that takes the code.
fn renew(browser: &mut Browser) {
    assert_eq!(browser.get("/oidc/start", FRAME), 302);
    assert_eq!(browser.get("/oidc/authorize?prompt=none", FRAME), 302);
    assert_eq!(browser.get("/oidc/done?code=1", FRAME), 200);
}

/// A page in a frame is activity on a portal, and so are redirects: hours of renewals keep the session
/// alive and count nothing.
#[test]
fn renewals_keep_a_session_alive_for_hours() {
    for mode in ALL {
        let portal = Portal::start();
        let meter = before(&portal, mode);
        let mut browser = Browser::new(&meter);
        browser.page();
        browser.login("ann");
        for _ in 0..36 {
            meter.pass(10 * MINUTE);
            renew(&mut browser);
        }
        meter.pass(29 * MINUTE);
        browser.page();
        assert_eq!(bill(&meter), [1, 0, 1], "{mode}");
    }
}

/// Activity starts nothing: neither before the first page, nor after the session has ended.
#[test]
fn renewals_start_nothing() {
    for mode in ALL {
        let portal = Portal::start();
        let meter = before(&portal, mode);
        let mut browser = Browser::new(&meter);
        for _ in 0..6 {
            renew(&mut browser);
            meter.pass(10 * MINUTE);
        }
        browser.page();
        meter.has(1, 1);
        meter.pass(30 * MINUTE);
        for _ in 0..6 {
            renew(&mut browser);
            meter.pass(10 * MINUTE);
        }
        meter.has(1, 1);
        browser.page();
        assert_eq!(bill(&meter), [2, 0, 0], "{mode}");
    }
}

/// Past midnight they count nothing on the new day; the first page does.
#[test]
fn an_open_tab_that_renews_all_night_counts_when_somebody_opens_a_page() {
    for mode in ALL {
        let portal = Portal::start();
        let meter = before(&portal, mode);
        let mut browser = Browser::new(&meter);
        browser.page();
        browser.login("ann");
        for _ in 0..(23 * HOUR / (20 * MINUTE)) {
            meter.pass(20 * MINUTE);
            renew(&mut browser);
        }
        assert_eq!(meter.usage_of("2026-03-13").billable, 0);
        browser.page();
        meter.has(3, 2);
        let tomorrow = meter.usage_of("2026-03-13");
        assert_eq!((tomorrow.billable, tomorrow.external), (1, 1), "{mode}");
    }
}

/// A renewal may renew the portal's cookie too: each new value is another name of the same session.
#[test]
fn renewals_that_renew_the_portals_cookie_are_one_browser() {
    for mode in BY_COOKIE {
        let portal = Portal::start();
        let meter = before(&portal, mode);
        let mut browser = Browser::new(&meter);
        browser.page();
        browser.login("ann");
        for _ in 0..24 {
            meter.pass(10 * MINUTE);
            renew(&mut browser);
            let late = browser.clone();
            assert_eq!(browser.get("/renew", FRAME), 200);
            late.ask("GET", "/api/tickets", FRAME);
        }
        browser.page();
        assert_eq!(bill(&meter), [1, 0, 1], "{mode}");
    }
}

/// In embeddables a frame is a page: a renewal within a module's paths counts like one, after the session
/// has ended too. What is not to be counted is named in `ignore`.
#[test]
fn in_an_embedded_component_a_frame_is_a_page_unless_ignored() {
    for mode in ALL {
        for (pages, counted) in [("", [2, 0, 0]), ("ignore = [\"/embed/chat/renewed*\"]", [0, 0, 0])] {
            let portal = Portal::start();
            let settings = Settings { experience: "web_embeddables", pages, ..settings(mode) };
            let meter = Meter::start(portal.address, &settings);
            let mut browser = Browser::new(&meter);
            for wait in [10, 10, 30, 10] {
                assert_eq!(browser.get("/embed/chat/renewed?code=1", FRAME), 200);
                meter.pass(wait * MINUTE);
            }
            assert_eq!(bill(&meter), counted, "{mode} {pages}");
        }
    }
}

/// Outside every module a frame belongs to none: renewals elsewhere on the host count nothing and keep
/// nothing alive.
#[test]
fn renewals_outside_the_modules_are_nobodys() {
    let portal = Portal::start();
    let settings = Settings { experience: "web_embeddables", ..settings(PORTAL_COOKIE) };
    let meter = Meter::start(portal.address, &settings);
    let mut browser = Browser::new(&meter);
    assert_eq!(browser.get("/embed/chat", FRAME), 200);
    for _ in 0..3 {
        meter.pass(10 * MINUTE);
        renew(&mut browser);
    }
    meter.has(1, 1);
    assert_eq!(browser.get("/embed/chat", FRAME), 200);
    assert_eq!(bill(&meter), [2, 0, 0]);
}
