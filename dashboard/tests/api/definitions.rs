//! The four named meters.

use portalmeter_meter::session::Class;
use serde_json::{Value, json};

use super::place::Place;
use super::say::visit;

/// Yesterday: 2 guests, 1 bot, 1 external in Berlin. Last month: 3 guests, 2 bots.
fn place() -> Place {
    let mut place = Place::new();
    place.visited([
        visit(1, "2026-04-01T08:00:00Z"),
        visit(2, "2026-04-01T21:59:00Z"),
        visit(3, "2026-04-01T09:00:00Z").class(Class::Bot),
        visit(4, "2026-03-31T22:01:00Z").external("acme", 1),
        visit(5, "2026-04-01T22:01:00Z"),
        visit(6, "2026-03-31T21:59:00Z"),
        visit(7, "2026-03-01T09:00:00Z"),
        visit(8, "2026-02-28T23:01:00Z"),
        visit(9, "2026-02-28T22:59:00Z"),
        visit(10, "2026-03-12T09:00:00Z").class(Class::Bot),
        visit(11, "2026-03-12T09:00:00Z").class(Class::Bot),
        visit(12, "2026-03-12T09:00:00Z").class(Class::Internal),
    ]);
    for on in ["2026-02-28", "2026-03-01", "2026-03-12", "2026-03-31"] {
        place.seal("support", on, "Europe/Berlin");
    }
    place
}

#[tokio::test]
async fn they_show_yesterday_and_last_month_in_the_portals_own_zone() {
    let answer = place().json("/api/v1/definitions?portal=support").await;
    let told = |of: &Value| ["id", "name", "frequency"].map(|key| of[key].as_str().unwrap().to_owned());
    let figure = |of: &Value| {
        let total = &of["portals"][0];
        (total["period"].clone(), total["value"].clone(), total["state"].clone(), total["valid_for_billing"].clone())
    };
    let definitions = answer["definitions"].as_array().unwrap();
    let expected = [
        (["DEFN1003689", "guest_sessions_daily", "daily"], ("2026-04-01", 3, "open", false)),
        (["DEFN1003690", "bot_sessions_daily", "daily"], ("2026-04-01", 1, "open", false)),
        (["DEFN1003691", "external_sessions_daily", "daily"], ("2026-04-01", 1, "open", false)),
        (["DEFN1003724", "chargeable_sessions_monthly", "monthly"], ("2026-03", 3, "sealed", true)),
    ];
    assert_eq!(definitions.len(), 4);
    for (of, (words, (period, value, state, valid))) in definitions.iter().zip(expected) {
        assert_eq!(told(of), words);
        assert_eq!(figure(of), (json!(period), json!(value), json!(state), json!(valid)), "{words:?}");
        assert!(of["note"].as_str().unwrap().contains("login pages are excluded"));
    }
    assert_eq!(definitions[0]["total"]["formula"], "guest_raw = guest + bot = 2 + 1 = 3");
    assert_eq!(definitions[3]["total"]["formula"], "billable = guest_raw − bot + external = 5 − 2 + 0 = 3");
}

#[tokio::test]
async fn their_total_is_over_all_portals_and_names_all_zones() {
    let mut place = place();
    place.visited([visit(1, "2026-03-20T08:00:00Z").to("widget", "America/New_York").module("chat")]);
    let answer = place.json("/api/v1/definitions").await;
    let month = &answer["definitions"][3];
    assert_eq!((&month["total"]["value"], &month["total"]["valid_for_billing"]), (&json!(4), &json!(false)));
    assert_eq!(month["total"]["timezone"], "America/New_York, Europe/Berlin");
    assert_eq!(place.csv("/api/v1/definitions").await.lines().count(), 1 + 4 * 3);
}
