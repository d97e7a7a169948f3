//! Several tabs of one browser that has no cookie yet.

use std::thread;

use super::browser::{Browser, FRAME, PAGE};
use super::portal::Portal;
use super::stage::{ALL, BY_COOKIE, FINGERPRINT, MINUTE, SECOND, at_once, before, bill, settings};
use crate::support::exchange::Message;
use crate::support::meter::{Meter, Settings};

/// So many tabs opened at once: all ask before one is answered. The answers, none of them kept yet.
fn open(browser: &Browser, tabs: usize) -> Vec<Message> {
    thread::scope(|scope| {
        let asked: Vec<_> = (0..tabs).map(|_| scope.spawn(|| browser.ask("GET", "/", PAGE))).collect();
        asked.into_iter().map(|tab| tab.join().unwrap()).collect()
    })
}

/// Whichever cookie the browser kept takes the session over, for no other one came back: one.
#[test]
fn tabs_opened_at_once_are_one_browser() {
    for mode in ALL {
        for tabs in [2, 5] {
            let portal = Portal::start();
            let meter = before(&portal, mode);
            let mut browser = Browser::new(&meter);
            let answers = open(&browser, tabs);
            browser.keep_all(&answers);
            meter.pass(5 * SECOND);
            at_once(&mut [browser.clone(), browser.clone(), browser.clone()], Browser::page);
            meter.pass(20 * MINUTE);
            browser.page();
            assert_eq!(bill(&meter), [1, 0, 0], "{mode}, {tabs} tabs");
        }
    }
}

/// While the answers arrive, the browser shows one cookie after the other; up to 2 s after the last one's
/// issue that is still the tabs' doing.
#[test]
fn each_cookie_may_come_back_before_the_next_one_replaces_it() {
    for mode in BY_COOKIE {
        let portal = Portal::start();
        let meter = before(&portal, mode);
        let mut browser = Browser::new(&meter);
        for answer in open(&browser, 5) {
            browser.keep(&answer);
            browser.call();
            meter.pass(400);
        }
        let late = browser.clone();
        browser.call();
        meter.pass(10 * SECOND);
        browser.page();
        late.ask("GET", "/api/tickets", PAGE);
        assert_eq!(bill(&meter), [1, 0, 0], "{mode}");
    }
}

/// An older cookie seen until exactly 2 s after the other's issue is a tab's; a millisecond later it is
/// another browser's, and the other cookie has a session of its own.
#[test]
fn an_older_cookie_is_a_tabs_for_two_seconds() {
    for mode in BY_COOKIE {
        for (late, sessions) in [(2 * SECOND, 1), (2 * SECOND + 1, 2)] {
            let portal = Portal::start();
            let meter = before(&portal, mode);
            let mut browser = Browser::new(&meter);
            let answers = open(&browser, 2);
            browser.keep(&answers[0]);
            let old = browser.clone();
            browser.keep(&answers[1]);
            meter.pass(late);
            old.ask("GET", "/api/tickets", PAGE);
            meter.pass(SECOND);
            browser.page();
            meter.pass(SECOND);
            browser.page();
            assert_eq!(bill(&meter), [sessions, 0, 0], "{mode}, {late} ms late");
        }
    }
}

/// The second tab is opened more than 2 s after the first, neither answered yet: no cookie was seen, so the
/// one that comes back takes the session.
#[test]
fn tabs_opened_seconds_apart_before_an_answer_are_one_browser() {
    for mode in ALL {
        let portal = Portal::start();
        let meter = before(&portal, mode);
        let mut browser = Browser::new(&meter);
        let answers = thread::scope(|scope| {
            let first = scope.spawn(|| browser.ask("GET", "/slow", PAGE));
            portal.wait_for_slow(1);
            meter.pass(5 * SECOND);
            let second = scope.spawn(|| browser.ask("GET", "/slow", PAGE));
            portal.wait_for_slow(2);
            meter.pass(5 * SECOND);
            portal.answer_slow();
            [first, second].map(|tab| tab.join().unwrap())
        });
        browser.keep_all(&answers);
        for _ in 0..3 {
            meter.pass(5 * SECOND);
            browser.page();
        }
        assert_eq!(bill(&meter), [1, 0, 0], "{mode}");
    }
}

/// A tab asked for before the first cookie came back belongs to the session, however late its answer: its
/// cookie is issued then, and the first one was not seen more than 2 s after that.
#[test]
fn a_slow_tab_answered_after_the_first_cookie_came_back_is_the_same_browser() {
    for mode in BY_COOKIE {
        let portal = Portal::start();
        let meter = before(&portal, mode);
        let mut browser = Browser::new(&meter);
        let slow = thread::scope(|scope| {
            let empty = browser.clone();
            let slow = scope.spawn(move || empty.ask("GET", "/slow", PAGE));
            portal.wait_for_slow(1);
            meter.pass(100);
            browser.page();
            meter.pass(5 * SECOND);
            browser.page();
            meter.pass(10 * SECOND);
            portal.answer_slow();
            slow.join().unwrap()
        });
        let old = browser.clone();
        browser.keep(&slow);
        meter.pass(SECOND);
        old.ask("GET", "/api/tickets", PAGE);
        for _ in 0..3 {
            meter.pass(5 * SECOND);
            browser.page();
        }
        assert_eq!(bill(&meter), [1, 0, 0], "{mode}");
    }
}

/// Tabs that a browser opens again at its start all send the one cookie it has kept.
#[test]
fn tabs_with_the_same_cookie_are_one_browser() {
    for mode in ALL {
        let portal = Portal::start();
        let meter = before(&portal, mode);
        let mut browser = Browser::new(&meter);
        browser.page();
        let mut tabs = vec![browser.clone(); 20];
        at_once(&mut tabs, Browser::page);
        meter.pass(5 * SECOND);
        at_once(&mut tabs, Browser::page);
        assert_eq!(bill(&meter), [1, 0, 0], "{mode}");
    }
}

/// Components of one page are frames that load at once: a session for each module, and the cookie that was
/// kept goes on with all of them.
#[test]
fn components_loaded_at_once_count_once_a_module() {
    for visitor in [super::stage::COOKIE, super::stage::PORTAL_COOKIE, FINGERPRINT] {
        let portal = Portal::start();
        let settings = Settings { experience: "web_embeddables", ..settings(visitor) };
        let meter = Meter::start(portal.address, &settings);
        let mut browser = Browser::new(&meter);
        let modules = ["chat", "search", "news", "cases", "forms"];
        let load = |browser: &Browser| -> Vec<Message> {
            thread::scope(|scope| {
                let frames =
                    modules.map(|name| scope.spawn(move || browser.ask("GET", &format!("/embed/{name}"), FRAME)));
                frames.map(|frame| frame.join().unwrap()).into()
            })
        };
        for _ in 0..3 {
            let answers = load(&browser);
            browser.keep_all(&answers);
            meter.pass(5 * SECOND);
        }
        assert_eq!(bill(&meter), [5, 0, 0], "{visitor}");
    }
}
