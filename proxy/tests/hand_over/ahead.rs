//! Pages fetched ahead: prefetched or prerendered, shown later or never.

use super::browser::{Browser, CALL, PAGE};
use super::portal::Portal;
use super::stage::{ALL, BY_COOKIE, COOKIE, MINUTE, PORTAL_COOKIE, before, bill, settings};
use crate::support::meter::{Meter, Settings};

const AHEAD: [&str; 5] = [
    "Sec-Purpose: prefetch\r\n",
    "Sec-Purpose: prefetch;prerender\r\n",
    "Sec-Purpose: prefetch;anonymous-client-ip\r\n",
    "Purpose: prefetch\r\n",
    "X-Moz: prefetch\r\n",
];

fn ahead(browser: &mut Browser, path: &str, purpose: &str) {
    let answer = browser.ask("GET", path, &format!("{PAGE}{purpose}"));
    assert_eq!(answer.word(1), "200");
    assert!(answer.all("set-cookie").all(|cookie| !cookie.starts_with("pm_visitor")), "nobody may ever see this page");
    browser.keep(&answer);
}

/// Ignored, whatever it is called: no page, no cookie, no session, though the page be shown later, for
/// showing it asks for nothing.
#[test]
fn what_is_fetched_ahead_counts_nothing() {
    for mode in ALL {
        let portal = Portal::start();
        let meter = before(&portal, mode);
        let mut browser = Browser::new(&meter);
        for purpose in AHEAD {
            ahead(&mut browser, "/", purpose);
        }
        // Shown: its script may ask now, which starts nothing.
        browser.call();
        let usage = meter.end();
        assert_eq!((usage.billable, usage.page_views), (0, 0), "{mode}");
    }
}

/// The visit of a prerendered page begins with the next request that is a page. A cookie that the portal
/// gave with the prerendered answer comes back then, and is this one browser's.
#[test]
fn a_prerendered_first_page_counts_with_the_next_one() {
    for mode in ALL {
        let portal = Portal::start();
        let meter = before(&portal, mode);
        let mut browser = Browser::new(&meter);
        ahead(&mut browser, "/", AHEAD[1]);
        browser.call();
        meter.pass(MINUTE);
        browser.visit("/articles");
        meter.pass(MINUTE);
        browser.visit("/articles/2");
        assert_eq!(bill(&meter), [1, 0, 0], "{mode}");
    }
}

/// Within a visit it counts nothing either, keeps no session alive, and takes no cookie away.
#[test]
fn what_is_fetched_ahead_keeps_no_session_alive() {
    for mode in ALL {
        let portal = Portal::start();
        let meter = before(&portal, mode);
        let mut browser = Browser::new(&meter);
        browser.page();
        meter.pass(MINUTE);
        browser.page();
        meter.pass(29 * MINUTE);
        ahead(&mut browser, "/articles", AHEAD[1]);
        meter.pass(MINUTE);
        browser.visit("/articles");
        assert_eq!(bill(&meter), [2, 0, 0], "{mode}");
    }
}

/// A portal that gives guests no cookie but this once: it comes back from where a session waits for one.
#[test]
fn a_cookie_first_given_by_a_prerendered_page_belongs_to_the_waiting_session() {
    let portal = Portal::without_cookies_for_guests();
    let meter = before(&portal, PORTAL_COOKIE);
    let mut browser = Browser::new(&meter);
    browser.page();
    let answer = browser.ask("GET", "/login?user=ann", &format!("{PAGE}{}", AHEAD[1]));
    browser.keep(&answer);
    meter.pass(MINUTE);
    browser.page();
    assert_eq!(bill(&meter), [1, 0, 1]);
}

/// When the portal renews its cookie the new value is another name of the same session. That is so
/// whatever the request is to the meter: fetched ahead, an asset, or polling in the background.
#[test]
fn a_cookie_renewed_by_an_ignored_answer_is_another_name_of_the_session() {
    for (path, fields) in
        [("/renew", format!("{PAGE}{}", AHEAD[1])), ("/rotate.js", CALL.to_owned()), ("/ping", CALL.to_owned())]
    {
        for mode in BY_COOKIE {
            let portal = Portal::start();
            let settings = Settings { pages: "background = [\"/ping\"]", ..settings(mode) };
            let meter = Meter::start(portal.address, &settings);
            let mut browser = Browser::new(&meter);
            browser.page();
            browser.login("ann");
            for _ in 0..5 {
                meter.pass(MINUTE);
                assert_eq!(browser.get(path, &fields), 200);
                meter.pass(MINUTE);
                browser.page();
            }
            assert_eq!(bill(&meter), [1, 0, 1], "{mode}, {path}");
        }
    }
}

/// Before any page, with a cookie that was renewed by ignored answers: one browser, one session.
#[test]
fn a_prerendered_page_whose_cookie_is_renewed_is_one_browser() {
    for mode in [COOKIE, PORTAL_COOKIE] {
        let portal = Portal::start();
        let meter = before(&portal, mode);
        let mut browser = Browser::new(&meter);
        ahead(&mut browser, "/", AHEAD[1]);
        ahead(&mut browser, "/renew", AHEAD[1]);
        browser.page();
        meter.pass(MINUTE);
        ahead(&mut browser, "/renew", AHEAD[1]);
        browser.page();
        assert_eq!(bill(&meter), [1, 0, 0], "{mode}");
    }
}
