//! Service workers: what they fetch, what they keep, and what they ask for before they are awake.

use super::browser::{Browser, CALL, PAGE};
use super::portal::Portal;
use super::stage::{ALL, MINUTE, before, bill, settings};
use crate::support::meter::{Meter, Settings};

/// A worker's fetches are activity, which starts nothing: shell, calls, and pages fetched for its cache.
#[test]
fn what_a_worker_fetches_starts_nothing() {
    for mode in ALL {
        let portal = Portal::start();
        let meter = before(&portal, mode);
        let mut browser = Browser::new(&meter);
        assert_eq!(browser.get("/worker.js", "Sec-Fetch-Dest: serviceworker\r\nService-Worker: script\r\n"), 200);
        for path in ["/", "/articles", "/offline", "/api/tickets"] {
            assert_eq!(browser.get(path, CALL), 200);
        }
        let usage = meter.end();
        assert_eq!((usage.billable, usage.page_views), (0, 0), "{mode}");
    }
}

/// A navigation that is preloaded while the worker starts is the page itself, and what the worker then
/// fetches for it is activity: one session, one page view.
#[test]
fn a_preloaded_navigation_is_one_page() {
    let preload = format!("{PAGE}Service-Worker-Navigation-Preload: true\r\n");
    for mode in ALL {
        let portal = Portal::start();
        let meter = before(&portal, mode);
        let mut browser = Browser::new(&meter);
        for views in 1..4 {
            assert_eq!(browser.get("/", &preload), 200);
            assert_eq!(browser.get("/", CALL), 200);
            meter.has(views, 1);
            meter.pass(MINUTE);
        }
        assert_eq!(bill(&meter), [1, 0, 0], "{mode}");
    }
}

/// The worker and the preload both ask for the same page, in one moment and without a cookie: two tabs, as
/// far as anybody can tell, and one session.
#[test]
fn a_page_asked_for_by_the_worker_and_by_the_preload_is_one_session() {
    let preload = format!("{PAGE}Service-Worker-Navigation-Preload: true\r\n");
    for mode in ALL {
        let portal = Portal::start();
        let meter = before(&portal, mode);
        let mut browser = Browser::new(&meter);
        let answers = std::thread::scope(|scope| {
            let asked = [&preload, PAGE].map(|fields| scope.spawn(|| browser.ask("GET", "/", fields)));
            asked.map(|one| one.join().unwrap())
        });
        browser.keep_all(&answers);
        meter.pass(MINUTE);
        browser.page();
        assert_eq!(bill(&meter), [1, 0, 0], "{mode}");
    }
}

/// A shell from the cache: only calls arrive. They start nothing and keep alive what a page began, all day.
#[test]
fn calls_behind_a_cached_shell_keep_alive_but_start_nothing() {
    for mode in ALL {
        let portal = Portal::start();
        let meter = before(&portal, mode);
        let mut browser = Browser::new(&meter);
        for _ in 0..10 {
            browser.call();
            meter.pass(10 * MINUTE);
        }
        browser.page();
        for _ in 0..30 {
            browser.call();
            meter.pass(10 * MINUTE);
        }
        browser.page();
        assert_eq!(bill(&meter), [1, 0, 0], "{mode}");
    }
}

/// A portal that names its views' first call in `pages` is counted by it, whatever fetches it.
#[test]
fn a_named_call_is_the_page_of_a_cached_shell() {
    for mode in ALL {
        let portal = Portal::start();
        let settings = Settings { pages: "pages = [\"/api/views/*\"]", ..settings(mode) };
        let meter = Meter::start(portal.address, &settings);
        let mut browser = Browser::new(&meter);
        for view in 1..6 {
            assert_eq!(browser.get(&format!("/api/views/{view}"), CALL), 200);
            browser.call();
            meter.has(view, 1);
            meter.pass(10 * MINUTE);
        }
        meter.pass(20 * MINUTE);
        assert_eq!(browser.get("/api/views/1", CALL), 200);
        meter.has(6, 2);
        assert_eq!(bill(&meter), [2, 0, 0], "{mode}");
    }
}
