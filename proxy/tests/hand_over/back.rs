//! Pages that a browser shows again: from its back-forward cache without a request, or asked for again.

use super::browser::{Browser, CALL, PAGE};
use super::portal::Portal;
use super::stage::{ALL, BY_COOKIE, MINUTE, PORTAL_COOKIE, SECOND, before, bill};

/// What the browser shows without asking is nobody's page; what follows goes on with the session.
#[test]
fn a_page_from_the_back_forward_cache_is_no_request_and_counts_nothing() {
    for mode in ALL {
        let portal = Portal::start();
        let meter = before(&portal, mode);
        let mut browser = Browser::new(&meter);
        browser.visit("/");
        browser.visit("/articles");
        meter.pass(29 * MINUTE);
        // Back, and forward: nothing is asked. Then the page's script asks, which keeps the session alive.
        browser.call();
        meter.pass(29 * MINUTE);
        browser.visit("/articles/2");
        assert_eq!(bill(&meter), [1, 0, 0], "{mode}");
    }
}

/// Shown again after the session had ended: a script's call starts nothing, the next page does.
#[test]
fn back_after_the_idle_timeout_counts_with_the_next_page() {
    for mode in ALL {
        let portal = Portal::start();
        let meter = before(&portal, mode);
        let mut browser = Browser::new(&meter);
        browser.page();
        browser.visit("/articles");
        meter.pass(30 * MINUTE);
        browser.call();
        meter.has(2, 1);
        meter.pass(SECOND);
        browser.page();
        meter.has(3, 2);
        assert_eq!(bill(&meter), [2, 0, 0], "{mode}");
    }
}

/// A page asked for again is a page, and so is a 304: in a live session it counts nothing.
#[test]
fn back_with_a_request_is_a_page_of_the_session() {
    let again = format!("{PAGE}Cache-Control: max-age=0\r\nIf-None-Match: \"1\"\r\n");
    for mode in ALL {
        let portal = Portal::start();
        let meter = before(&portal, mode);
        let mut browser = Browser::new(&meter);
        browser.page();
        for views in 2..6 {
            meter.pass(29 * MINUTE);
            assert_eq!(browser.get("/", &again), 304);
            meter.has(views, 1);
        }
        // After the idle timeout a 304 starts a session like any page.
        meter.pass(30 * MINUTE);
        assert_eq!(browser.get("/", &again), 304);
        meter.has(6, 2);
        assert_eq!(bill(&meter), [2, 0, 0], "{mode}");
    }
}

/// The page was shown, put away and shown again after a login had renewed the portal's cookie: a call that
/// still carries the old value, or the new one, is of the same session.
#[test]
fn a_page_put_away_before_a_login_goes_on_with_the_older_cookie() {
    let portal = Portal::start();
    let meter = before(&portal, PORTAL_COOKIE);
    let mut browser = Browser::new(&meter);
    browser.page();
    let put_away = browser.clone();
    for _ in 0..5 {
        meter.pass(MINUTE);
        browser.login("ann");
        meter.pass(MINUTE);
        put_away.ask("GET", "/api/tickets", CALL);
        browser.call();
    }
    meter.pass(MINUTE);
    browser.page();
    assert_eq!(bill(&meter), [1, 0, 1]);
}

/// Back behind a logout: what is shown is the signed-in page, without a request. Its script's calls log
/// nobody in, and the guest's pages count nothing; the next login does.
#[test]
fn back_behind_a_logout_counts_nothing_until_a_login() {
    for mode in BY_COOKIE {
        let portal = Portal::start();
        let meter = before(&portal, mode);
        let mut browser = Browser::new(&meter);
        browser.login("ann");
        meter.pass(MINUTE);
        browser.logout();
        for _ in 0..3 {
            meter.pass(MINUTE);
            browser.call();
            browser.page();
        }
        meter.has(5, 1);
        browser.login("ann");
        assert_eq!(bill(&meter), [0, 2, 0], "{mode}");
    }
}
