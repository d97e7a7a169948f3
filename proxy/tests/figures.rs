//! The figures of the five texts this project began with: real traffic through `portalmeter run`, each number found in the
//! API, equal to `portalmeter report` and to a sum over the records.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on says so by panicking")]

#[path = "support/live.rs"]
mod support;

#[allow(dead_code, reason = "live.rs has more to do with them")]
mod live {
    pub(crate) mod browser;
    pub(crate) mod portal;
}

use std::collections::BTreeSet;

use live::browser::Browser;
use live::portal::Portal;
use serde_json::Value;
use support::clock;
use support::meter::{Meter, Settings, Time};

const MINUTE: u64 = 60_000;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;
/// From the first day of the story to the last, exclusive.
const STORY: &str = "from=2026-03-12&to=2026-04-03";

/// Three days: 12 March, 1 April, and a little of 2 April, on which all is asked.
fn three_days() -> (Portal, Meter) {
    let portal = Portal::start();
    let settings = Settings { time: Time::Stands, ..Settings::new("partner_portal") };
    let meter = Meter::start(portal.address, &settings);
    let (mut laptop, mut guest, mut phone) = (Browser::new(&meter), Browser::new(&meter), Browser::phone(&meter));
    guest.page();
    meter.pass(3_000);
    assert_eq!(guest.page_at("/docs/intro?from=mail"), 200);
    meter.pass(3_000);
    laptop.page();
    meter.pass(3_000);
    laptop.login("ann@acme");
    meter.pass(MINUTE);
    assert_eq!(laptop.page_at("/files/guide.zip"), 200);
    phone.login("bob@globex");
    Browser::crawler(&meter).page();
    meter.pass(HOUR);
    laptop.page();
    meter.has(7, 4);
    // Statistics that come after a day was sealed are not added to it.
    meter.has_usage(|usage| usage.actions == 1);
    meter.pass(20 * DAY);
    laptop.page();
    guest.page();
    Browser::crawler(&meter).page();
    meter.pass(DAY + 2 * HOUR);
    guest.page();
    clock::until("what was seen is in the report, and what was done", || {
        let (told, shown) = (report(&meter, "2026-03-12", "2026-04-03"), meter.api(&format!("usage?{STORY}&by=hour")));
        total(&told, "guest") == 4 && ["page_views", "actions"].iter().all(|of| total(&told, of) == total(&shown, of))
    });
    (portal, meter)
}

fn report(meter: &Meter, from: &str, to: &str) -> Value {
    meter.report(&["--from", from, "--to", to])
}

fn total(report: &Value, column: &str) -> i64 {
    report["totals"][column].as_i64().unwrap()
}

/// What records and corrections of some days come to, by class, one by one.
fn sum_over_records(meter: &Meter, range: &str, class: &str) -> i64 {
    let mut sum = 0;
    let mut after = String::new();
    loop {
        let page = meter.api(&format!("records?{range}&class={class}&limit=2{after}"));
        sum += page["records"].as_array().unwrap().iter().map(|line| line["amount"].as_i64().unwrap()).sum::<i64>();
        let Some(next) = page["next"].as_str() else { return sum };
        after = format!("&cursor={next}");
    }
}

#[test]
fn what_is_billed_is_the_same_wherever_it_is_read() {
    let (_portal, meter) = three_days();
    for (from, to) in [("2026-03-12", "2026-04-03"), ("2026-03-01", "2026-04-01"), ("2026-04-01", "2026-04-02")] {
        let (told, range) = (report(&meter, from, to), format!("from={from}&to={to}"));
        for by in ["hour", "day", "week", "month", "quarter", "year"] {
            let usage = meter.api(&format!("usage?{range}&by={by}"));
            for column in ["guest", "external", "internal", "bot", "guest_raw", "billable", "page_views", "actions"] {
                let rows = usage["usage"].as_array().unwrap().iter();
                let sum: i64 = rows.map(|row| row[column].as_i64().unwrap()).sum();
                assert_eq!((sum, total(&usage, column)), (total(&told, column), sum), "{column} by {by} of {range}");
            }
        }
        for class in ["guest", "external", "internal", "bot"] {
            assert_eq!(sum_over_records(&meter, &range, class), total(&told, class), "{class} of {range}");
        }
    }
    let daily = report(&meter, "2026-03-12", "2026-04-03");
    let (api, rows) = (meter.api(&format!("usage?{STORY}&by=day")), daily["usage"].as_array().unwrap());
    for (shown, told) in api["usage"].as_array().unwrap().iter().zip(rows) {
        for (column, value) in told.as_object().unwrap() {
            assert_eq!(&shown[column], value, "{column} on {}", told["day"]);
        }
    }
    let march = report(&meter, "2026-03-01", "2026-04-01");
    assert_eq!((total(&march, "guest"), total(&march, "external"), total(&march, "bot")), (2, 2, 1), "by hand");
}

#[test]
fn the_four_definitions_say_yesterday_and_last_month() {
    let (_portal, meter) = three_days();
    let definitions = meter.api("definitions");
    let value = |id: &str| {
        let all = definitions["definitions"].as_array().unwrap();
        all.iter().find(|one| one["id"] == id).expect(id)["total"]["value"].as_i64().unwrap()
    };
    let (yesterday, march) = (report(&meter, "2026-04-01", "2026-04-02"), report(&meter, "2026-03-01", "2026-04-01"));
    assert_eq!(value("DEFN1003689"), total(&yesterday, "guest_raw"));
    assert_eq!(value("DEFN1003690"), total(&yesterday, "bot"));
    assert_eq!(value("DEFN1003691"), total(&yesterday, "external"));
    assert_eq!(value("DEFN1003724"), total(&march, "billable"));
    let by_hand = ["DEFN1003689", "DEFN1003690", "DEFN1003691", "DEFN1003724"].map(value);
    assert_eq!(by_hand, [2, 1, 1, 4]);
    assert_eq!(by_hand[3], sum_over_records(&meter, "from=2026-03-01&to=2026-04-01", "guest") + 2);
}

#[test]
fn who_is_live_is_told_by_class() {
    let (_portal, meter) = three_days();
    let live = meter.api("sessions/live");
    let now = &live["portals"][0]["now"];
    assert_eq!((&now["guest"], &now["external"], &now["bot"]), (&1.into(), &0.into(), &0.into()), "{now}");
    meter.pass(31 * MINUTE);
    let live = meter.api("sessions/live");
    assert_eq!(live["portals"][0]["now"]["people"], 0);
    let over_time = live["portals"][0]["over_time"].as_array().unwrap();
    let most = over_time.iter().map(|one| one["people"].as_i64().unwrap()).max();
    assert_eq!(most, Some(1), "the guest was there within the last day");
}

#[test]
fn engagement_is_what_the_records_and_the_report_say() {
    let (_portal, meter) = three_days();
    let summary = meter.api(&format!("engagement/summary?{STORY}"));
    let told = report(&meter, "2026-03-12", "2026-04-03");
    assert_eq!(summary["actions"].as_i64().unwrap(), total(&told, "actions"));
    let records = meter.api(&format!("records?{STORY}&limit=1000"));
    let people: Vec<&Value> =
        records["records"].as_array().unwrap().iter().filter(|record| record["class"] != "bot").collect();
    let of = |column: &str| people.iter().filter_map(|record| record[column].as_str()).collect::<BTreeSet<_>>().len();
    assert_eq!(summary["sessions"], of("session"));
    assert_eq!(summary["unique_users"], 2, "ann and bob");
    assert_eq!(summary["duration_seconds"].as_i64().unwrap(), total(&told, "duration_seconds"));

    let accounts = meter.api(&format!("engagement/accounts?{STORY}"));
    let figures = |id: &str| {
        let all = accounts["accounts"].as_array().unwrap();
        let one = all.iter().find(|one| one["account"] == id).expect(id);
        ["unique_users", "sessions", "page_views", "actions"].map(|column| one[column].as_i64().unwrap())
    };
    // Ann's page before she signed in is nobody's.
    assert_eq!((figures("acme"), figures("globex")), ([1, 3, 4, 1], [1, 1, 1, 0]));
    assert_eq!(accounts["totals"]["unique_users"], 2);

    let rooms = meter.api(&format!("engagement/rooms?{STORY}"));
    let views: i64 = rooms["content"].as_array().unwrap().iter().map(|room| room["views"].as_i64().unwrap()).sum();
    assert_eq!(views, total(&told, "page_views"));
    let timeline = meter.api(&format!("engagement/timeline?{STORY}"));
    assert_eq!(timeline["by"], "week", "22 days");
    let points = timeline["points"].as_array().unwrap().iter();
    assert_eq!(
        points.map(|point| point["sessions"].as_i64().unwrap()).sum::<i64>(),
        summary["sessions"].as_i64().unwrap()
    );
}
