//! The meter before the portal in each mode, and what all browsers do at once.

use std::sync::Barrier;
use std::thread;

use super::browser::Browser;
use super::portal::Portal;
use crate::support::meter::{Meter, Settings, Time};

/// How browsers are told apart, as written in a `[[portal]]`.
pub(crate) const COOKIE: &str = "visitor.mode = \"cookie\"";
pub(crate) const PORTAL_COOKIE: &str = "visitor.mode = \"portal_cookie\"\nvisitor.portal_cookie = [\"JSESSIONID\"]";
pub(crate) const FINGERPRINT: &str = "visitor.mode = \"fingerprint\"";

/// The modes that live on a cookie.
pub(crate) const BY_COOKIE: [&str; 2] = [COOKIE, PORTAL_COOKIE];
/// All modes.
pub(crate) const ALL: [&str; 3] = [COOKIE, PORTAL_COOKIE, FINGERPRINT];

pub(crate) const SECOND: u64 = 1_000;
pub(crate) const MINUTE: u64 = 60 * SECOND;

/// A meter before this portal, its clock standing at nine.
pub(crate) fn before(portal: &Portal, visitor: &'static str) -> Meter {
    Meter::start(portal.address, &settings(visitor))
}

/// How it runs.
pub(crate) fn settings(visitor: &'static str) -> Settings {
    Settings { visitor, time: Time::Stands, ..Settings::new("service_portal") }
}

/// All of them do it in the same moment.
pub(crate) fn at_once(browsers: &mut [Browser], act: impl Fn(&mut Browser) + Sync) {
    let (ready, act) = (Barrier::new(browsers.len()), &act);
    thread::scope(|scope| {
        for browser in browsers {
            let ready = &ready;
            scope.spawn(move || {
                ready.wait();
                act(browser);
            });
        }
    });
}

/// Guests, external sessions and conversions in the end.
pub(crate) fn bill(meter: &Meter) -> [i64; 3] {
    let usage = meter.end();
    assert_eq!(usage.bot, 0, "none of them is a bot");
    assert_eq!(usage.billable, usage.guest + usage.external);
    [usage.guest, usage.external, usage.converted]
}
