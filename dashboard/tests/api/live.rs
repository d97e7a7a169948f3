//! Who is live, and how far contracts are used.

use portalmeter_meter::session::Class;
use serde_json::{Value, json};

use super::place::Place;
use super::say::visit;

fn place(guests: u64) -> Place {
    let mut place = Place::new();
    place.visited([
        visit(1, "2026-04-02T09:40:00Z"),
        visit(2, "2026-04-02T09:50:00Z").external("acme", 1).lasting(5),
        visit(3, "2026-04-02T09:50:00Z").class(Class::Bot).lasting(5),
        visit(4, "2026-04-02T09:00:00Z").lasting(30),
        visit(5, "2026-04-02T09:45:00Z").to("widget", "America/New_York").module("chat"),
    ]);
    place.visited((0..guests).map(|number| visit(100 + number, "2026-04-01T08:00:00Z")));
    place
}

#[tokio::test]
async fn those_are_live_who_have_not_been_idle_for_too_long() {
    let place = place(0);
    let answer = place.json("/api/v1/sessions/live").await;
    let support = &answer["portals"][0];
    assert_eq!(support["now"], json!({"guest": 1, "external": 1, "internal": 0, "bot": 1, "people": 2}));
    let past = support["over_time"].as_array().unwrap();
    assert_eq!((past.len(), past.last().unwrap()["at"].as_str()), (145, Some("2026-04-02T10:00:00Z")));
    assert_eq!(past.iter().map(|one| one["guest"].as_u64().unwrap()).max(), Some(2));
    assert_eq!(answer["portals"][1]["modules"][0]["module"], "chat");
    assert_eq!(answer["now"]["guest"], 2);
    let csv = place.csv("/api/v1/sessions/live").await;
    assert_eq!(csv.lines().collect::<Vec<_>>()[1..], ["support,,1,1,0,1,2", "widget,chat,1,0,0,0,1"]);
    assert_eq!(place.csv("/api/v1/sessions/live?table=over_time&portal=support").await.lines().count(), 146);
}

#[tokio::test]
async fn a_day_that_should_be_sealed_and_is_not_is_an_alert() {
    let mut place = Place::new();
    for (when, overdue) in [("2026-04-01T21:00:00Z", 0), ("2026-03-31T11:00:00Z", 1), ("2026-03-30T11:00:00Z", 1)] {
        place.visited([visit(1, when)]);
        let alerts = place.json("/api/v1/alerts").await;
        let sealing = |one: &&Value| one["what"] == "sealing" && one["portal"] == "support";
        assert_eq!(alerts["alerts"].as_array().unwrap().iter().filter(sealing).count(), overdue, "{alerts}");
    }
}

#[tokio::test]
async fn a_contract_is_used_up_step_by_step() {
    for (guests, used, percent, left, alert, since) in [
        (10, 13, 13.0, 87, "none", Value::Null),
        (77, 80, 80.0, 20, "80", json!("2026-04-02")),
        (99, 102, 102.0, 0, "100", json!("2026-04-02")),
        (100, 103, 103.0, 0, "100", json!("2026-04-01")),
    ] {
        let place = place(guests);
        let answer = place.json("/api/v1/sessions/live?portal=support").await;
        let contract = &answer["portals"][0]["contract"];
        let told =
            ["month", "contracted", "used", "percent", "left", "alert", "alert_since"].map(|key| contract[key].clone());
        let expected = [json!("2026-04"), json!(100), json!(used), json!(percent), json!(left), json!(alert), since];
        assert_eq!(told, expected);
        let alerts = place.json("/api/v1/alerts").await;
        let alerts: Vec<_> =
            alerts["alerts"].as_array().unwrap().iter().filter(|one| one["what"] == "contract").cloned().collect();
        assert_eq!(alerts.len(), usize::from(alert != "none"));
        assert!(alerts.iter().all(|one| one["portal"] == "support" && one["since"].is_string()));
    }
    let answer = place(1).json("/api/v1/sessions/live?portal=widget").await;
    assert_eq!(answer["portals"][0]["contract"]["contracted"], Value::Null);
}
