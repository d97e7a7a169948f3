//! Fifty identical browsers behind one address.

use super::browser::Browser;
use super::portal::Portal;
use super::stage::{ALL, BY_COOKIE, FINGERPRINT, SECOND, at_once, before, bill};

const USERS: [&str; 10] = ["ann", "ben", "cem", "dan", "eve", "fay", "gus", "hal", "ida", "jan"];

/// A cookie that comes back when another of the session was seen more than 2 s after its issue has a
/// session of its own: fifty cookies that come back are fifty browsers.
#[test]
fn fifty_browsers_that_come_back_with_their_cookies_are_fifty() {
    for mode in BY_COOKIE {
        let portal = Portal::start();
        let meter = before(&portal, mode);
        let mut crowd = Browser::crowd(&meter, 50);
        at_once(&mut crowd, Browser::page);
        meter.has(50, 1);
        for round in 2..5 {
            meter.pass(5 * SECOND);
            at_once(&mut crowd, Browser::page);
            meter.has(50 * round, 50);
        }
        assert_eq!(bill(&meter), [50, 0, 0], "{mode}");
    }
}

/// Under a fingerprint they are one visitor: address, agent and language are all there is.
#[test]
fn under_a_fingerprint_fifty_identical_guests_are_one() {
    let portal = Portal::start();
    let meter = before(&portal, FINGERPRINT);
    let mut crowd = Browser::crowd(&meter, 50);
    for _ in 0..3 {
        at_once(&mut crowd, Browser::page);
        meter.pass(5 * SECOND);
    }
    assert_eq!(bill(&meter), [1, 0, 0]);
}

/// Within 2 s they might be tabs of one browser, each cookie taking the session over: one. Later they
/// have a session each, all but the one to whom the first belongs.
#[test]
fn within_two_seconds_they_might_be_tabs_of_one_browser() {
    for mode in BY_COOKIE {
        let portal = Portal::start();
        let meter = before(&portal, mode);
        let mut crowd = Browser::crowd(&meter, 50);
        at_once(&mut crowd, Browser::page);
        meter.pass(2 * SECOND);
        at_once(&mut crowd, Browser::page);
        meter.has(100, 1);
        meter.pass(1);
        at_once(&mut crowd, Browser::page);
        assert_eq!(bill(&meter), [50, 0, 0], "{mode}");
    }
}

/// Whoever refuses cookies is told by the fingerprint, and ten of them are one visitor. Once a cookie has
/// come back it points to nothing, so their next page begins a session of their own.
#[test]
fn those_who_refuse_cookies_are_one_more() {
    for mode in BY_COOKIE {
        let portal = Portal::start();
        let meter = before(&portal, mode);
        let mut honest = Browser::crowd(&meter, 40);
        let mut refusers: Vec<_> = Browser::crowd(&meter, 10).into_iter().map(Browser::refusing).collect();
        at_once(&mut [honest.clone(), refusers.clone()].concat(), Browser::page);
        at_once(&mut honest, Browser::page);
        meter.pass(5 * SECOND);
        at_once(&mut honest, Browser::page);
        for _ in 0..3 {
            at_once(&mut refusers, Browser::page);
            at_once(&mut honest, Browser::page);
            meter.pass(5 * SECOND);
        }
        assert_eq!(bill(&meter), [41, 0, 0], "{mode}");
    }
}

/// A login converts the guest session whose owner's cookie came back, and starts an external one for a
/// cookie that had counted nothing yet: each browser is counted once, whoever gets the first session.
#[test]
fn those_who_sign_in_at_once_count_once_each() {
    for mode in BY_COOKIE {
        let portal = Portal::start();
        let meter = before(&portal, mode);
        let mut guests = Browser::crowd(&meter, 50);
        at_once(&mut guests, Browser::page);
        let mut clients = guests.split_off(40);
        meter.pass(5 * SECOND);
        std::thread::scope(|scope| {
            scope.spawn(|| at_once(&mut clients, |browser| browser.login("ann")));
            scope.spawn(|| at_once(&mut guests, Browser::page));
        });
        meter.pass(5 * SECOND);
        at_once(&mut clients, Browser::page);
        at_once(&mut guests, Browser::page);
        let [guest, external, converted] = bill(&meter);
        assert_eq!(guest + external, 50, "{mode}");
        // Only the one session begun by all may have been a guest's before.
        assert!(converted <= 1 && external == 10 - converted, "{mode}: {external} external, {converted} converted");
    }
}

/// Under a fingerprint a known user is part of the visitor: the first takes over the guests' session,
/// each further one has one of his own.
#[test]
fn under_a_fingerprint_each_user_counts_once() {
    let portal = Portal::start();
    let meter = before(&portal, FINGERPRINT);
    let mut guests = Browser::crowd(&meter, 40);
    at_once(&mut guests, Browser::page);
    meter.pass(5 * SECOND);
    let mut clients = USERS.map(|user| Browser::new(&meter).signed_in(user));
    for _ in 0..5 {
        at_once(&mut clients, Browser::page);
        meter.pass(SECOND);
    }
    // Several are known to share the fingerprint: a guest's page proves nothing, and nobody switches.
    for _ in 0..5 {
        at_once(&mut guests, Browser::page);
        meter.pass(SECOND);
        at_once(&mut clients, Browser::page);
    }
    assert_eq!(bill(&meter), [1, 9, 1]);
}

/// Signed in before their first page (SSO), nobody "switches": where only a fingerprint tells who it is, a
/// known user is part of the visitor. Ten users are ten sessions, and still ten once their cookies are back.
#[test]
fn ten_users_signed_in_from_the_first_page_are_ten() {
    for mode in ALL {
        let portal = Portal::start();
        let meter = before(&portal, mode);
        let mut crowd = USERS.map(|user| Browser::new(&meter).signed_in(user));
        at_once(&mut crowd, Browser::page);
        meter.has(10, 10);
        for _ in 0..3 {
            meter.pass(5 * SECOND);
            at_once(&mut crowd, Browser::page);
        }
        assert_eq!(bill(&meter), [0, 10, 0], "{mode}");
    }
}

/// Two browsers of one user are two, once both their cookies have come back; under a fingerprint they
/// are one, for user and fingerprint are the same.
#[test]
fn ten_browsers_of_one_user_are_ten_by_their_cookies() {
    for (mode, external) in ALL.into_iter().zip([10, 10, 1]) {
        let portal = Portal::start();
        let meter = before(&portal, mode);
        let mut crowd = [(); 10].map(|()| Browser::new(&meter).signed_in("ann"));
        at_once(&mut crowd, Browser::page);
        meter.has(10, 1);
        for _ in 0..3 {
            meter.pass(5 * SECOND);
            at_once(&mut crowd, Browser::page);
        }
        assert_eq!(bill(&meter), [0, external, 0], "{mode}");
    }
}

/// Guests and users in one moment: whose page came first is chance, but each browser counts once when
/// its cookie is back.
#[test]
fn guests_beside_users_signed_in_from_the_first_page_count_once_each() {
    for mode in BY_COOKIE {
        let portal = Portal::start();
        let meter = before(&portal, mode);
        let clients = USERS.map(|user| Browser::new(&meter).signed_in(user));
        let mut crowd = [Browser::crowd(&meter, 10), clients.to_vec()].concat();
        at_once(&mut crowd, Browser::page);
        for _ in 0..3 {
            meter.pass(5 * SECOND);
            at_once(&mut crowd, Browser::page);
        }
        let [guest, external, converted] = bill(&meter);
        // The guests' session is taken over by one of the users, or left to them.
        assert!(guest + external <= 20, "{mode}: {guest} guests, {external} external, {converted} converted");
        assert!(guest + external >= 19, "{mode}: {guest} guests, {external} external, {converted} converted");
    }
}
