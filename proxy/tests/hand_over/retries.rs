//! A balancer that sends the same request twice, byte for byte.

use std::thread;

use super::browser::{Browser, CALL, PAGE};
use super::portal::Portal;
use super::stage::{ALL, BY_COOKIE, MINUTE, SECOND, before, bill};

/// The first answer is lost, so the client never gets that cookie: the fingerprint points to the session,
/// and the cookie that does arrive takes it over.
#[test]
fn a_first_page_delivered_again_is_one_session() {
    for mode in ALL {
        for wait in [0, 100, 3 * SECOND, 29 * MINUTE] {
            let portal = Portal::start();
            let meter = before(&portal, mode);
            let mut browser = Browser::new(&meter);
            for _ in 0..3 {
                browser.ask("GET", "/", PAGE);
                meter.pass(wait);
            }
            browser.page();
            for _ in 0..3 {
                meter.pass(5 * SECOND);
                browser.page();
            }
            assert_eq!(bill(&meter), [1, 0, 0], "{mode}, again after {wait} ms");
        }
    }
}

/// With a cookie it is the same visitor anyway, delivered one after the other or all at once.
#[test]
fn a_page_with_a_cookie_delivered_again_is_one_session() {
    for mode in ALL {
        let portal = Portal::start();
        let meter = before(&portal, mode);
        let mut browser = Browser::new(&meter);
        browser.page();
        for _ in 0..5 {
            meter.pass(5 * SECOND);
            super::stage::at_once(&mut vec![browser.clone(); 5], Browser::page);
            browser.page();
        }
        meter.pass(30 * MINUTE);
        // The page that starts the next session, five times in one moment.
        super::stage::at_once(&mut vec![browser.clone(); 5], Browser::page);
        assert_eq!(bill(&meter), [2, 0, 0], "{mode}");
    }
}

/// The balancer gives up waiting and asks again on a second connection, the first still being answered.
/// Whichever answer reaches the client, before or after the other was given up: one session.
#[test]
fn a_page_asked_for_again_before_it_is_answered_is_one_session() {
    for mode in ALL {
        for reaches in 0..2 {
            let portal = Portal::start();
            let meter = before(&portal, mode);
            let mut browser = Browser::new(&meter);
            let answers = thread::scope(|scope| {
                let first = scope.spawn(|| browser.ask("GET", "/slow", PAGE));
                portal.wait_for_slow(1);
                meter.pass(10 * SECOND);
                let second = scope.spawn(|| browser.ask("GET", "/slow", PAGE));
                portal.wait_for_slow(2);
                portal.answer_slow();
                [first, second].map(|one| one.join().unwrap())
            });
            browser.keep(&answers[reaches]);
            for _ in 0..3 {
                meter.pass(5 * SECOND);
                browser.page();
            }
            assert_eq!(bill(&meter), [1, 0, 0], "{mode}, answer {reaches} reaches the client");
        }
    }
}

/// A login form delivered twice renews the portal's cookie twice; the first answer is lost. The one that
/// arrives is another name of the session, of a guest with a cookie and of one without.
#[test]
fn a_login_delivered_again_is_one_login() {
    for mode in BY_COOKIE {
        for portal in [Portal::start(), Portal::without_cookies_for_guests()] {
            let meter = before(&portal, mode);
            let mut browser = Browser::new(&meter);
            browser.page();
            meter.pass(MINUTE);
            browser.ask("POST", "/login?user=ann", PAGE);
            meter.pass(3 * SECOND);
            browser.login("ann");
            for _ in 0..3 {
                meter.pass(5 * SECOND);
                browser.page();
            }
            assert_eq!(bill(&meter), [1, 0, 1], "{mode}");
        }
    }
}

/// A form delivered twice is activity twice: it starts nothing, and changes nothing.
#[test]
fn a_form_delivered_again_counts_nothing() {
    for mode in ALL {
        let portal = Portal::start();
        let meter = before(&portal, mode);
        let mut browser = Browser::new(&meter);
        for _ in 0..2 {
            assert_eq!(browser.ask("POST", "/api/tickets", PAGE).word(1), "200");
        }
        browser.page();
        for _ in 0..2 {
            assert_eq!(browser.take("POST", "/api/tickets", CALL), 200);
            meter.pass(SECOND);
        }
        browser.page();
        assert_eq!(bill(&meter), [1, 0, 0], "{mode}");
    }
}

/// A logout delivered twice logs out once: the second one comes with the deleted cookie, and the portal,
/// which knows it no more, deletes nothing. The guest's page behind it counts nothing, the login does.
#[test]
fn a_logout_delivered_again_is_one_logout() {
    for mode in BY_COOKIE {
        for portal in [Portal::start(), Portal::without_cookies_for_guests()] {
            let meter = before(&portal, mode);
            let mut browser = Browser::new(&meter);
            browser.page();
            browser.login("ann");
            meter.pass(MINUTE);
            let first = browser.ask("POST", "/logout", PAGE);
            meter.pass(SECOND);
            browser.ask("POST", "/logout", PAGE);
            browser.keep(&first);
            meter.pass(SECOND);
            browser.page();
            meter.has(3, 1);
            browser.login("ann");
            meter.has(4, 2);
            assert_eq!(bill(&meter), [1, 1, 1], "{mode}");
        }
    }
}

/// Delivered twice in one moment, first page, login and logout: the same counts.
#[test]
fn everything_delivered_twice_at_once_counts_once() {
    for mode in BY_COOKIE {
        let portal = Portal::start();
        let meter = before(&portal, mode);
        let mut browser = Browser::new(&meter);
        let twice = |browser: &mut Browser, method: &str, path: &str| {
            let answers = thread::scope(|scope| {
                let asked = [(); 2].map(|()| scope.spawn(|| browser.ask(method, path, PAGE)));
                asked.map(|one| one.join().unwrap())
            });
            browser.keep(&answers[1]);
            meter.pass(100);
        };
        for path in ["/", "/articles"] {
            twice(&mut browser, "GET", path);
        }
        for _ in 0..2 {
            twice(&mut browser, "POST", "/login?user=ann");
            twice(&mut browser, "GET", "/");
            twice(&mut browser, "POST", "/logout");
            browser.jar.lose(super::portal::SESSION);
            twice(&mut browser, "GET", "/");
        }
        assert_eq!(bill(&meter), [1, 1, 1], "{mode}");
    }
}
