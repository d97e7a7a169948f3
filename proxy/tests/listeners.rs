//! What the admin listener shows, no visitor reaches: on a portal's listener every path is the portal's.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on says so by panicking")]

#[path = "support/live.rs"]
mod support;

#[allow(dead_code, reason = "live.rs has more to do with them")]
mod live {
    pub(crate) mod browser;
    pub(crate) mod portal;
}

use live::browser::Browser;
use live::portal::Portal;
use support::meter::{Meter, Settings};

/// What the admin listener has beside the API.
const ADMIN: [&str; 4] = ["/livez", "/readyz", "/metrics", "/api/v1/"];
/// What the proxy answers itself where a portal asks for it, which this one does not.
const BEACON: [&str; 2] = ["/.portalmeter/action", "/.portalmeter/beacon.js"];

#[test]
fn nothing_of_the_admin_listener_is_reachable_through_a_portals() {
    let portal = Portal::start();
    let meter = Meter::start(portal.address, &Settings::new("service_portal"));
    let described = meter.api("openapi.json");
    let api = described["paths"].as_object().unwrap().keys().map(|path| path.replace("{id}", "0"));
    let paths: Vec<String> = api.chain(ADMIN.into_iter().chain(BEACON).map(str::to_owned)).collect();
    assert!(paths.len() > 20, "{paths:?}");
    let mut browser = Browser::new(&meter);
    for path in paths {
        assert_eq!(browser.page_at(&path), 200, "{path}");
        portal.wait_for(&path);
    }
}
