//! Browsers that lose cookies between pages.

use super::browser::{Browser, CALL, PAGE};
use super::portal::{Portal, SESSION};
use super::stage::{BY_COOKIE, COOKIE, MINUTE, PORTAL_COOKIE, SECOND, at_once, before, bill};
use crate::support::jar::Jar;

/// The cookie had come back, so the fingerprint points to nothing: who has lost it (cleared, a private
/// window closed) is another visitor.
#[test]
fn a_lost_cookie_that_had_come_back_is_a_new_visitor() {
    for mode in BY_COOKIE {
        let portal = Portal::start();
        let meter = before(&portal, mode);
        let mut browser = Browser::new(&meter);
        for _ in 0..5 {
            browser.page();
            meter.pass(SECOND);
            browser.page();
            browser.jar = Jar::default();
            meter.pass(SECOND);
        }
        assert_eq!(bill(&meter), [5, 0, 0], "{mode}");
    }
}

/// Lost before it came back, it is as if it had been refused: the fingerprint still points to the session.
#[test]
fn a_cookie_lost_before_it_came_back_changes_nothing() {
    for mode in BY_COOKIE {
        let portal = Portal::start();
        let meter = before(&portal, mode);
        let mut browser = Browser::new(&meter);
        for _ in 0..5 {
            browser.jar = Jar::default();
            browser.page();
            meter.pass(MINUTE);
        }
        browser.page();
        assert_eq!(bill(&meter), [1, 0, 0], "{mode}");
    }
}

/// Only the mode's cookie says which browser it is. The portal's own is lost with the login: under `cookie`
/// a guest's page logs out and a login counts again, under `portal_cookie` it is another visitor.
#[test]
fn losing_one_of_two_cookies_counts_if_it_is_the_modes() {
    for (mode, lost, counted) in [
        (COOKIE, "pm_visitor", [1, 1, 1]),
        (PORTAL_COOKIE, "pm_visitor", [1, 0, 1]),
        (COOKIE, SESSION, [1, 1, 1]),
        (PORTAL_COOKIE, SESSION, [2, 0, 2]),
    ] {
        let portal = Portal::start();
        let meter = before(&portal, mode);
        let mut browser = Browser::new(&meter);
        browser.page();
        browser.login("ann");
        meter.pass(MINUTE);
        browser.jar.lose(lost);
        browser.page();
        meter.pass(MINUTE);
        if lost == SESSION {
            browser.login("ann");
        }
        browser.page();
        assert_eq!(bill(&meter), counted, "{mode}, {lost} is lost");
    }
}

/// When the portal deletes its cookie the fingerprint points to the session again; the next login counts
/// once, by the fold, whether guests have a cookie or not.
#[test]
fn a_portal_cookie_deleted_at_logout_and_renewed_at_login_is_one_browser() {
    for mode in BY_COOKIE {
        for portal in [Portal::start(), Portal::without_cookies_for_guests()] {
            let meter = before(&portal, mode);
            let mut browser = Browser::new(&meter);
            browser.page();
            for round in 1..4 {
                meter.pass(MINUTE);
                browser.login("ann");
                meter.pass(MINUTE);
                browser.logout();
                meter.has(1 + 2 * round, round);
            }
            assert_eq!(bill(&meter), [1, 2, 1], "{mode}");
        }
    }
}

/// A script's call that left before the answer to the logout carries the deleted cookie. It is of the same
/// browser, and the fingerprint still points to the session: the guest's page counts nothing.
#[test]
fn a_call_with_the_deleted_cookie_leaves_the_session_to_the_fingerprint() {
    for portal in [Portal::start(), Portal::without_cookies_for_guests()] {
        let meter = before(&portal, PORTAL_COOKIE);
        let mut browser = Browser::new(&meter);
        browser.page();
        browser.login("ann");
        meter.pass(MINUTE);
        let polling = browser.clone();
        assert_eq!(browser.take("POST", "/logout", PAGE), 302);
        meter.pass(50);
        polling.ask("GET", "/api/tickets", CALL);
        meter.pass(50);
        browser.page();
        assert_eq!(bill(&meter), [1, 0, 1]);
    }
}

/// Forty browsers, each with a cookie that has come back; ten of them lose it: ten more, together, until
/// their own come back.
#[test]
fn of_many_browsers_those_who_lost_their_cookie_count_again() {
    for mode in BY_COOKIE {
        let portal = Portal::start();
        let meter = before(&portal, mode);
        let mut crowd = Browser::crowd(&meter, 40);
        for _ in 0..2 {
            at_once(&mut crowd, Browser::page);
            meter.pass(5 * SECOND);
        }
        crowd.iter_mut().take(10).for_each(|browser| browser.jar = Jar::default());
        for _ in 0..3 {
            at_once(&mut crowd, Browser::page);
            meter.pass(5 * SECOND);
        }
        assert_eq!(bill(&meter), [50, 0, 0], "{mode}");
    }
}
