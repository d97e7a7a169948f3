//! What people look at and do, through `portalmeter run` into the ledger: rooms, resources, actions, and what browsers tell.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on says so by panicking")]

#[path = "support/live.rs"]
mod support;

mod engagement {
    pub(crate) mod browser;
    pub(crate) mod portal;
}

use engagement::browser::Browser;
use engagement::portal::Portal;
use rusqlite::{Connection, OpenFlags};
use support::meter::{Meter, Settings};

const BEACON: &str = "[portal.engagement]\nbeacon = true\nactions = [{ name = \"chat\" }]\n";

fn meter(portal: &Portal, engagement: &'static str) -> Meter {
    Meter::start(portal.address, &Settings { pages: engagement, ..Settings::new("service_portal") })
}

/// What the ledger has in the end: class, room, resource, action and how often, in order.
fn acts(meter: &Meter) -> Vec<String> {
    let file = meter.data_dir().join("portalmeter.db");
    let ledger = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    let sql = "SELECT class || ' ' || room || ' ' || resource || ' ' || CASE action WHEN '' THEN 'view' ELSE action END \
               || ' ' || sum(count) FROM act GROUP BY class, room, resource, action ORDER BY 1";
    let mut rows = ledger.prepare(sql).unwrap();
    rows.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

fn told(action: &str, id: &str) -> String {
    format!(r#"{{"action":"{action}","resource":"/docs/intro","id":"{id}"}}"#)
}

#[test]
fn views_and_actions_of_traffic_are_in_the_ledger_and_in_the_report() {
    let portal = Portal::start();
    let meter = meter(
        &portal,
        "[portal.engagement]\nrooms = { help = [\"/docs/*\", \"/kb/*\"] }\nid_patterns = [\"/kb/{id}\"]\n\
         records = [\"/case/{id}\"]\nactions = [{ name = \"order\", path = \"/order/submit\", method = \"POST\" }]\n",
    );
    let mut browser = Browser::new(&meter);
    for page in ["/", "/docs/intro", "/docs/intro?from=mail", "/kb/printers", "/find?q=my+disease", "/case/4711"] {
        assert_eq!(browser.page(page).status, 200);
    }
    browser.login("ann");
    browser.page("/docs/intro");
    assert_eq!(browser.page("/docs/manual.pdf").status, 200);
    for call in ["/files/4711.bin", "/image.png?attachment", "/api/state", "/style.css"] {
        assert_eq!(browser.call("GET", call).status, 200);
    }
    assert_eq!(browser.call("POST", "/order/submit").status, 200);
    assert_eq!(browser.call("GET", "/order/submit").status, 200);
    assert_eq!(browser.call("GET", "/missing.zip").status, 404);
    Browser::crawler(&meter).page("/docs/intro");
    let usage = meter.end();
    assert_eq!(
        acts(&meter),
        [
            "external files /files/{id}.bin download 1",
            "external help /docs/intro view 1",
            "external help /docs/manual.pdf pdf 1",
            "external help /docs/manual.pdf view 1",
            "external home / view 1",
            "external image.png /image.png download 1",
            "external order /order/submit order 1",
            "guest case /case/{id} record 1",
            "guest case /case/{id} view 1",
            "guest find /find search 1",
            "guest find /find view 1",
            "guest help /docs/intro view 2",
            "guest help /kb/{id} view 1",
            "guest home / view 1",
        ]
    );
    assert_eq!(
        (usage.page_views, usage.actions),
        (9, 6),
        "every page is a view, and what was done shows in the report"
    );
}

#[test]
fn a_browser_tells_of_actions_in_a_live_session_and_nobody_else_does() {
    let portal = Portal::start();
    let meter = meter(&portal, BEACON);
    let mut ann = Browser::new(&meter);
    let video = told("video", "0000000000000001");
    assert_eq!(ann.tell(&video).status, 204, "without a session it is answered, and does not count");
    ann.page("/docs/intro");
    assert_eq!(ann.tell(&video).status, 204);
    assert_eq!(ann.tell(&video).status, 204, "a replay is answered, and does not count");
    assert_eq!(ann.tell(&told("chat", "0000000000000002")).status, 204);
    let goal = r#"{"action":"goal","resource":"/docs/intro?x=1","goal":"signed-up","id":"0000000000000003"}"#;
    assert_eq!(ann.tell(goal).status, 204);

    for (body, status) in [
        (format!("{{\"action\":\"video\",\"resource\":\"/{}\"}}", "x".repeat(1024)), 413),
        ("not json".to_owned(), 400),
        (told("order", "0000000000000004"), 400),
        (told("download", "0000000000000005"), 400),
    ] {
        assert_eq!(ann.tell(&body).status, status, "{body}");
    }
    let fresh = told("video", "0000000000000006");
    assert_eq!(ann.tell_from("https://evil.example", &fresh).status, 403);
    assert_eq!(ann.tell_from("null", &fresh).status, 403);
    assert_eq!(ann.call("GET", "/.portalmeter/action").status, 405);
    let mut nobody = Browser::new(&meter);
    nobody.cookie("pm_visitor=forged");
    assert_eq!(nobody.tell(&fresh).status, 204);

    let mut flood = Browser::new(&meter);
    flood.page("/");
    let statuses: Vec<u16> = (0..70).map(|id| flood.tell(&told("link", &format!("{id:016}"))).status).collect();
    assert_eq!(statuses.iter().filter(|status| **status == 429).count(), 10);

    assert_eq!(meter.metric("beacon_total{outcome=\"counted\"}"), Some(63));
    assert_eq!(meter.metric("beacon_total{outcome=\"replayed\"}"), Some(1));
    assert_eq!(meter.metric("beacon_total{outcome=\"not_live\"}"), Some(2));
    let usage = meter.end();
    assert_eq!(
        acts(&meter),
        [
            "guest docs /docs/intro chat 1",
            "guest docs /docs/intro link 60",
            "guest docs /docs/intro video 1",
            "guest docs /docs/intro view 1",
            "guest docs signed-up goal 1",
            "guest home / view 1",
        ]
    );
    // Neither browser has shown its cookie with a page: they are one, and what they told begins no session.
    assert_eq!((usage.page_views, usage.actions, usage.guest), (2, 63, 1));
    assert!(portal.asked().iter().all(|path| !path.starts_with("/.portalmeter")), "none of it is the portal's");
}

#[test]
fn the_script_is_served_and_a_connection_goes_on() {
    let portal = Portal::start();
    let meter = meter(&portal, BEACON);
    let mut browser = Browser::new(&meter);
    let script = browser.call("GET", "/.portalmeter/beacon.js");
    assert_eq!(script.status, 200);
    assert!(script.body.contains("sendBeacon") && script.field("content-type").unwrap().starts_with("text/javascript"));
    assert_eq!(script.field("x-content-type-options"), Some("nosniff"));
    let tag = script.field("etag").unwrap().to_owned();
    assert_eq!(browser.ask("GET", "/.portalmeter/beacon.js", &format!("If-None-Match: {tag}\r\n"), "").status, 304);
    assert_eq!(browser.call("POST", "/.portalmeter/beacon.js").status, 405);
    browser.page("/docs/intro");
    let answers = browser.in_a_row(&[&told("video", "0000000000000001"), &told("video", "0000000000000002")]);
    assert_eq!(answers, [204, 204, 200], "the page behind them comes on the same connection");
    for path in ["/metrics", "/readyz", "/.portalmeter/", "/.portalmeter/action/x", "/.portalmeter/metrics"] {
        let body = browser.call("GET", path).body;
        assert!(body.contains("<title>A portal"), "{path} is the portal's: {body}");
    }
    assert_eq!(meter.end().actions, 2);
}

#[test]
fn switched_off_the_paths_are_the_portals() {
    let portal = Portal::start();
    let meter = meter(&portal, "");
    let mut browser = Browser::new(&meter);
    browser.page("/");
    assert_eq!(browser.tell(&told("video", "0000000000000001")).status, 200);
    assert!(browser.call("GET", "/.portalmeter/beacon.js").body.contains("<title>A portal"));
    assert!(portal.asked().iter().any(|path| path == "/.portalmeter/action"));
    assert_eq!(meter.end().actions, 0);
}

#[test]
fn the_script_is_put_into_pages_and_nothing_else_changes() {
    let portal = Portal::start();
    let meter = meter(&portal, "[portal.engagement]\nbeacon = \"inject\"\n");
    let mut browser = Browser::new(&meter);
    let plain = portal.html("/docs/intro");
    let tag = "<script src=\"/.portalmeter/beacon.js\" defer></script>";
    let expected = plain.replacen("<head>", &format!("<head>{tag}"), 1);
    let page = browser.page("/docs/intro");
    assert_eq!(page.body, expected);
    assert_eq!(page.field("content-length"), None);
    let call = browser.call("GET", "/docs/intro");
    assert_eq!(call.body, plain, "a call of a script is no page");
    for path in ["/docs/strict", "/docs/packed"] {
        assert_eq!(browser.page(path).body, portal.html(path), "{path}");
    }
    let old = browser.version_10("/docs/intro");
    assert_eq!(old.body, plain);
    meter.end();
}
