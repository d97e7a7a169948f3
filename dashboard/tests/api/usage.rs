//! Usage: the ledger's own numbers, and the same regrouped.

use portalmeter_meter::ledger::{By, Ledger, Query};
use portalmeter_meter::session::Class;
use portalmeter_meter::usage::{COLUMNS, UsageReport};
use serde_json::{Value, json};

use super::place::Place;
use super::say::{day, visit};

/// Days around the end of a year, a leap day and both changes of the clock.
fn eventful() -> Place {
    let mut place = Place::new();
    let support = [
        visit(1, "2023-12-31T22:30:00Z").class(Class::Bot),
        visit(2, "2023-12-31T23:30:00Z"),
        visit(3, "2024-02-29T11:00:00Z").external("acme", 1),
        visit(4, "2026-03-28T22:30:00Z"),
        visit(5, "2026-03-29T00:30:00Z").external("acme", 1),
        visit(5, "2026-03-29T21:59:00Z").external("acme", 2),
        visit(6, "2026-03-29T22:01:00Z").class(Class::Internal),
        visit(7, "2025-10-26T00:30:00Z"),
        visit(8, "2025-10-26T01:30:00Z"),
        visit(9, "2026-04-02T08:00:00Z").seeing("docs", "/a", 2).doing("download", "docs", "/a"),
    ];
    let widget = |number, when, module| visit(number, when).to("widget", "America/New_York").module(module);
    place.visited(support);
    place.visited([
        widget(1, "2026-03-29T03:30:00Z", "chat"),
        widget(1, "2026-03-29T04:30:00Z", "search"),
        widget(2, "2026-03-29T05:30:00Z", "chat"),
    ]);
    for on in ["2023-12-31", "2024-01-01", "2024-02-29", "2025-10-26", "2026-03-28"] {
        place.seal("support", on, "Europe/Berlin");
    }
    place
}

fn rows(answer: &Value) -> &Vec<Value> {
    answer["usage"].as_array().unwrap()
}

/// What of a row is in the columns of a report.
fn as_reported(row: &Value) -> Value {
    let month = COLUMNS.iter().chain(&["month"]);
    month.filter_map(|column| Some(((*column).to_owned(), row.get(*column)?.clone()))).collect()
}

#[tokio::test]
async fn by_day_and_by_month_it_is_what_the_ledger_reports() {
    let mut place = eventful();
    for (by, name) in [(By::Day, "day"), (By::Month, "month")] {
        for (from, to) in [("2023-12-01", "2026-04-03"), ("2024-02-29", "2024-03-01"), ("2026-03-29", "2026-03-30")] {
            let query = Query { from: day(from), to: day(to), by, portals: Vec::new() };
            let report = UsageReport::new(String::new(), place.ledger.usage(&query).unwrap());
            let path = format!("/api/v1/usage?from={from}&to={to}&by={name}");
            let answer = place.json(&path).await;
            let told: Vec<Value> = rows(&answer).iter().map(as_reported).collect();
            let mut expected = serde_json::to_value(&report).unwrap();
            for row in expected["usage"].as_array_mut().unwrap() {
                // A month that goes on is open here, whatever of it is sealed.
                if row["month"] == "2026-04" {
                    row["state"] = json!("open");
                }
            }
            assert_eq!(Value::Array(told), expected["usage"], "{path}");
            assert_eq!(answer["totals"], expected["totals"], "{path}");
            let csv = String::from_utf8(report.to_csv(name).unwrap()).unwrap();
            let longer = place.csv(&path).await;
            for (line, reported) in longer.lines().zip(csv.lines()) {
                assert!(line.starts_with(reported), "{line} / {reported}");
            }
            assert_eq!(longer.lines().count(), csv.lines().count());
        }
    }
}

#[tokio::test]
async fn a_portal_that_is_no_longer_configured_is_shown() {
    let mut place = Place::new();
    place.visited([visit(1, "2026-03-12T08:00:00Z").to("old", "Asia/Tokyo")]);
    let all = place.json("/api/v1/usage?from=2026-03-01&to=2026-04-01").await;
    let told: Vec<_> = rows(&all).iter().map(|row| (row["portal"].clone(), row["timezone"].clone())).collect();
    assert_eq!(told, [(json!("old"), json!("Asia/Tokyo"))]);
    assert_eq!(place.json("/api/v1/usage?from=2026-03-01&to=2026-04-01&portal=old").await["usage"], all["usage"]);
}

#[tokio::test]
async fn days_of_23_and_25_hours_have_that_many_hours_and_one_sum() {
    let place = eventful();
    for (from, to, hours) in [
        ("2026-03-29", "2026-03-30", vec!["2026-03-29T01:00:00+01:00", "2026-03-29T23:00:00+02:00"]),
        ("2025-10-26", "2025-10-27", vec!["2025-10-26T02:00:00+02:00", "2025-10-26T02:00:00+01:00"]),
    ] {
        let path = format!("/api/v1/usage?portal=support&from={from}&to={to}");
        let (by_hour, by_day) = (place.json(&format!("{path}&by=hour")).await, place.json(&path).await);
        let told: Vec<_> = rows(&by_hour).iter().map(|row| row["hour"].as_str().unwrap()).collect();
        assert_eq!(told, hours);
        assert_eq!(by_hour["totals"]["billable"], by_day["totals"]["billable"]);
        assert_eq!((&by_hour["for_looking"], &by_hour["valid_for_billing"]), (&json!(true), &json!(false)));
        assert_eq!(by_hour["totals"]["converted"], Value::Null, "not told apart by hour");
    }
}

#[tokio::test]
async fn a_display_zone_regroups_and_says_that_it_is_for_looking_alone() {
    let place = eventful();
    let path = "/api/v1/usage?portal=support&from=2023-12-01&to=2024-02-01";
    let (own, utc) = (place.json(path).await, place.json(&format!("{path}&tz=UTC")).await);
    let days = |answer: &Value| rows(answer).iter().map(|row| row["day"].clone()).collect::<Vec<_>>();
    assert_eq!(days(&own), ["2023-12-31", "2024-01-01"]);
    assert_eq!(days(&utc), ["2023-12-31"], "half past eleven in UTC");
    let row = &rows(&utc)[0];
    assert_eq!((&row["guest"], &row["bot"], &row["guest_raw"]), (&json!(1), &json!(1), &json!(2)));
    assert_eq!((&row["unique_visitors"], &row["unique_users"]), (&Value::Null, &Value::Null));
    assert_eq!((&row["timezone"], &row["for_looking"]), (&json!("UTC"), &json!(true)));
    assert_eq!((&row["state"], &row["valid_for_billing"]), (&json!("sealed"), &json!(false)));
    assert!(utc["note"].as_str().unwrap().contains("for looking"));
    let same = place.json(&format!("{path}&tz=Europe/Berlin")).await;
    assert_eq!((&same["usage"], &same["for_looking"]), (&own["usage"], &json!(false)));
    assert!(rows(&own).iter().all(|row| row["valid_for_billing"] == true));
}

#[tokio::test]
async fn weeks_quarters_and_years_sum_the_days_in_them() {
    let place = eventful();
    for (by, first, last, count) in
        [("week", "2023-W52", "2026-W14", 6), ("quarter", "2023-Q4", "2026-Q2", 5), ("year", "2023", "2026", 4)]
    {
        let path = format!("/api/v1/usage?portal=support&from=2023-01-01&to=2026-12-31&by={by}");
        let answer = place.json(&path).await;
        let labels: Vec<_> = rows(&answer).iter().map(|row| row[by].as_str().unwrap()).collect();
        assert_eq!((labels.first(), labels.last(), labels.len()), (Some(&first), Some(&last), count), "{labels:?}");
        assert_eq!((&answer["totals"]["billable"], &answer["totals"]["bot"]), (&json!(8), &json!(1)));
    }
}

#[tokio::test]
async fn modules_portals_and_experiences_are_summed_up_and_uniques_are_not() {
    let place = eventful();
    let grouped = async |group: &str| {
        place.json(&format!("/api/v1/usage?from=2026-03-01&to=2026-04-01&by=month&group={group}")).await
    };
    let told = |answer: &Value| {
        let row = |row: &Value| {
            ["portal", "experience", "module", "billable", "unique_visitors"].map(|key| row[key].clone()).to_vec()
        };
        rows(answer).iter().map(row).collect::<Vec<_>>()
    };
    let module = [
        vec![json!("support"), json!("service_portal"), Value::Null, json!(3), json!(3)],
        vec![json!("widget"), json!("web_embeddables"), json!("chat"), json!(2), json!(2)],
        vec![json!("widget"), json!("web_embeddables"), json!("search"), json!(1), json!(1)],
    ];
    assert_eq!(told(&grouped("module").await), module);
    let widget = vec![json!("widget"), json!("web_embeddables"), Value::Null, json!(3), Value::Null];
    assert_eq!(told(&grouped("portal").await), [module[0].clone(), widget.clone()]);
    let of = |row: &[Value]| [vec![Value::Null], row[1..].to_vec()].concat();
    assert_eq!(told(&grouped("experience").await), [of(&module[0]), of(&widget)]);
    let all = grouped("all").await;
    assert_eq!(told(&all), [vec![Value::Null, Value::Null, Value::Null, json!(6), Value::Null]]);
    assert_eq!(rows(&all)[0]["timezone"], "America/New_York, Europe/Berlin");
    assert_eq!(rows(&all)[0]["state"], "open");
}

#[tokio::test]
async fn what_is_to_come_is_empty() {
    let place = eventful();
    for query in ["from=2030-01-01&to=2030-02-01", "from=8999-12-01&to=9000-01-01&by=week", "from=2027-01-01&by=hour"] {
        let answer = place.json(&format!("/api/v1/usage?{query}")).await;
        assert_eq!((rows(&answer).len(), &answer["totals"]["billable"]), (0, &json!(0)), "{query}");
        assert_eq!((&answer["state"], &answer["valid_for_billing"]), (&json!("open"), &json!(false)));
    }
}

#[tokio::test]
async fn today_is_another_day_in_another_zone() {
    let place = eventful();
    let answer = place.json("/api/v1/usage?from=today").await;
    let ranges: Vec<_> = answer["ranges"].as_array().unwrap().iter().map(|one| one["timezone"].clone()).collect();
    assert_eq!(ranges, ["America/New_York", "Europe/Berlin"]);
    assert_eq!(rows(&answer).len(), 1);
    let row = &rows(&answer)[0];
    assert_eq!((&row["page_views"], &row["actions"]), (&json!(0), &json!(0)), "statistics come from the store");
    let hour = place.json("/api/v1/usage?from=today&by=hour").await;
    let row = &rows(&hour)[0];
    assert_eq!(
        (&row["page_views"], &row["actions"], &row["hour"]),
        (&json!(2), &json!(1), &json!("2026-04-02T10:00:00+02:00"))
    );
}
