//! Clients that never send a cookie back.

use super::browser::Browser;
use super::portal::Portal;
use super::stage::{ALL, BY_COOKIE, MINUTE, SECOND, at_once, before, bill, settings};
use crate::support::meter::{Meter, Settings, Time};

/// No cookie ever comes back, so the fingerprint keeps it one visitor, for hours.
#[test]
fn a_hundred_pages_without_a_cookie_are_one_visitor() {
    for mode in ALL {
        let portal = Portal::start();
        let meter = before(&portal, mode);
        let mut refuser = Browser::new(&meter).refusing();
        for _ in 0..100 {
            refuser.page();
            meter.pass(5 * MINUTE);
        }
        assert_eq!(bill(&meter), [1, 0, 0], "{mode}");
    }
}

/// An honest browser's first page is taken for the refuser's, whose session its cookie then takes along;
/// the refuser's next page begins another. In the end each honest browser counts once, and the refuser
/// once.
#[test]
fn beside_honest_browsers_a_refuser_counts_once() {
    for mode in BY_COOKIE {
        let portal = Portal::start();
        let meter = before(&portal, mode);
        let mut refuser = Browser::new(&meter).refusing();
        let mut honest = Vec::new();
        for _ in 0..8 {
            refuser.page();
            let mut browser = Browser::new(&meter);
            browser.page();
            meter.pass(10 * SECOND);
            browser.page();
            honest.push(browser);
            for _ in 0..10 {
                refuser.page();
                at_once(&mut honest, Browser::page);
                meter.pass(SECOND);
            }
        }
        assert_eq!(bill(&meter), [9, 0, 0], "{mode}");
    }
}

/// A guest who signs in is converted; without a cookie too.
#[test]
fn a_refuser_that_signs_in_is_converted() {
    for mode in ALL {
        let portal = Portal::start();
        let meter = before(&portal, mode);
        let mut refuser = Browser::new(&meter).refusing();
        refuser.page();
        let mut refuser = refuser.signed_in("ann");
        for _ in 0..20 {
            refuser.page();
            meter.pass(MINUTE);
        }
        assert_eq!(bill(&meter), [1, 0, 1], "{mode}");
    }
}

/// Where only a fingerprint tells who it is, a known user is part of the visitor, and nobody switches.
#[test]
fn signed_in_refusers_behind_one_address_count_once_each() {
    for mode in ALL {
        let portal = Portal::start();
        let meter = before(&portal, mode);
        let mut refusers = ["ann", "ben", "cem"].map(|user| Browser::new(&meter).refusing().signed_in(user));
        for _ in 0..20 {
            for refuser in &mut refusers {
                refuser.page();
                meter.pass(SECOND);
            }
            at_once(&mut refusers, Browser::page);
        }
        assert_eq!(bill(&meter), [0, 3, 0], "{mode}");
    }
}

/// A guest's page after a user's might be his logout or another client's page. In doubt it is not counted
/// twice, so that page after page of both cannot count again and again: at most once, before the
/// fingerprint is known to be shared.
#[test]
fn a_guest_and_a_user_without_cookies_do_not_log_each_other_out() {
    taking_turns_with_a_guest("ann");
}

/// The same where the portal says that somebody is signed in, but not who.
#[test]
fn a_guest_and_an_unnamed_user_without_cookies_do_not_log_each_other_out() {
    taking_turns_with_a_guest("-");
}

fn taking_turns_with_a_guest(user: &'static str) {
    for mode in ALL {
        let portal = Portal::start();
        let meter = before(&portal, mode);
        let mut guest = Browser::new(&meter).refusing();
        let mut user = Browser::new(&meter).refusing().signed_in(user);
        for _ in 0..20 {
            guest.page();
            meter.pass(SECOND);
            user.page();
            meter.pass(SECOND);
        }
        let [guests, external, converted] = bill(&meter);
        assert!((1..=2).contains(&(guests + external)), "{mode}: {guests} guests, {external} external");
        assert_eq!(converted, 1, "{mode}");
    }
}

/// What the names of visitors remember outlives the process: nobody counts again after a restart.
#[test]
fn refusers_go_on_with_their_sessions_after_a_restart() {
    for mode in ALL {
        let portal = Portal::start();
        let mut meter = before(&portal, mode);
        for _ in 0..3 {
            let mut refusers = ["ann", "ben", "cem"].map(|user| Browser::new(&meter).refusing().signed_in(user));
            for _ in 0..3 {
                at_once(&mut refusers, Browser::page);
                meter.pass(MINUTE);
            }
            assert_eq!(bill(&meter), [0, 3, 0], "{mode}");
            meter = meter.start_again();
        }
    }
}

/// On a clock that goes on, where the pages of one moment come a millisecond apart: one user, one session.
#[test]
fn first_pages_of_a_refuser_in_one_moment_are_one_session() {
    for mode in ALL {
        for user in [None, Some("ann")] {
            let portal = Portal::start();
            let meter = Meter::start(portal.address, &Settings { time: Time::Machine, ..settings(mode) });
            let refuser = Browser::new(&meter).refusing();
            let refuser = user.map_or(refuser.clone(), |user| refuser.signed_in(user));
            at_once(&mut vec![refuser; 30], Browser::page);
            let usage = meter.end();
            assert_eq!((usage.billable, usage.page_views), (1, 30), "{mode}, {user:?}");
        }
    }
}
