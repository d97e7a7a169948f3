//! Corrections: records that an admin books beside the numbers.

use serde_json::{Value, json};

use super::place::{ADMIN, Place};
use super::say::visit;

fn place() -> Place {
    let mut place = Place::new();
    place.visited((0..5).map(|number| visit(number, "2026-03-12T08:00:00Z")));
    place.visited([visit(9, "2026-03-12T08:00:00Z").to("widget", "America/New_York").module("chat")]);
    place.seal("support", "2026-03-12", "Europe/Berlin");
    place
}

/// Three guests too many, on a sealed day.
fn three() -> Value {
    json!({"portal": "support", "day": "2026-03-12", "class": "guest", "amount": -3, "note": " load test "})
}

fn with(key: &str, value: Value) -> Value {
    let mut body = three();
    body[key] = value;
    body
}

#[tokio::test]
async fn a_sealed_day_stays_and_the_correction_is_a_record_of_today() {
    let place = place();
    let answer = place.post(ADMIN, "/api/v1/corrections", &three().to_string()).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    let booked = answer.json();
    assert_eq!((&booked["corrects"], &booked["day"]), (&json!("2026-03-12"), &json!("2026-04-02")));
    assert_eq!(
        (&booked["author"], &booked["note"], &booked["again"]),
        (&json!("ann"), &json!("load test"), &json!(false))
    );
    let record = place.json(answer.header("location").unwrap()).await["records"][0].clone();
    assert_eq!(
        (&record["amount"], &record["reason"], &record["author"]),
        (&json!(-3), &json!("manual"), &json!("ann"))
    );
    let usage = place.json("/api/v1/usage?portal=support&from=2026-03-01&to=2026-04-03").await;
    let told: Vec<_> =
        usage["usage"].as_array().unwrap().iter().map(|row| (row["day"].clone(), row["guest"].clone())).collect();
    assert_eq!(told, [(json!("2026-03-12"), json!(5)), (json!("2026-04-02"), json!(-3))]);
    let listed = place.json("/api/v1/corrections?by_hand=true").await;
    assert_eq!(listed["records"], json!([record]));
    let audit = place.audit.lock().unwrap().clone();
    assert!(audit.len() == 1 && audit[0].contains("ann correction") && audit[0].contains("load test"), "{audit:?}");
}

#[tokio::test]
async fn the_same_id_books_once() {
    let place = place();
    let id = "0123456789abcdef0123456789abcdef";
    let body = with("id", json!(id)).to_string();
    let first = place.post(ADMIN, "/api/v1/corrections", &body).await.json();
    let again = place.post(ADMIN, "/api/v1/corrections", &body).await;
    assert_eq!((again.status.as_u16(), &again.json()["again"]), (201, &json!(true)));
    assert_eq!(again.json()["day"], first["day"]);
    let mut other = with("id", json!(id));
    other["amount"] = json!(-2);
    assert_eq!(place.post(ADMIN, "/api/v1/corrections", &other.to_string()).await.status, 409);
    assert_eq!(place.json("/api/v1/corrections").await["records"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn what_makes_no_sense_is_not_booked() {
    let place = place();
    for (body, status, why) in [
        (with("portal", json!("nowhere")), 400, "portal=nowhere"),
        (with("module", json!("chat")), 400, "no modules"),
        (with("day", json!("2026-04-03")), 400, "has not begun"),
        (with("day", json!("soon")), 400, "soon"),
        (with("class", json!("robot")), 400, "class=robot"),
        (with("amount", json!(0)), 400, "corrects nothing"),
        (with("amount", json!(1_000_001)), 400, "1000001"),
        (with("amount", json!(-1_000_001)), 400, "-1000001"),
        (with("amount", json!(-6)), 400, "cannot be taken away"),
        (with("amount", json!(i64::MIN)), 400, "more than"),
        (with("amount", json!(0.5)), 422, "amount"),
        (with("note", json!("  ")), 400, "says nothing"),
        (with("note", json!("a\nb")), 400, "line end"),
        (with("note", json!("x".repeat(1001))), 400, "longer"),
        (with("account", json!("")), 400, "account"),
        (with("id", json!("x")), 400, "hexadecimal"),
        (with("author", json!("bob")), 422, "author"),
        (json!({"portal": "widget", "day": "today", "class": "guest", "amount": 1, "note": "x"}), 400, "per module"),
        (json!([]), 422, ""),
        (with("note", json!("x".repeat(17_000))), 413, ""),
    ] {
        let answer = place.post(ADMIN, "/api/v1/corrections", &body.to_string()).await;
        let told = answer.json()["detail"].as_str().unwrap().to_owned();
        assert_eq!(answer.status, status, "{body}: {told}");
        assert!(told.contains(why), "{body}: {told}");
    }
    assert_eq!(place.post(ADMIN, "/api/v1/corrections", "{").await.status, 400);
    assert_eq!(place.post(ADMIN, "/api/v1/corrections?dry_run=1", &three().to_string()).await.status, 400);
    assert_eq!(place.json("/api/v1/corrections").await["records"], json!([]));
}

#[tokio::test]
async fn a_module_that_is_configured_can_be_corrected_before_it_counts() {
    let place = place();
    let body =
        json!({"portal": "widget", "module": "search", "day": "yesterday", "class": "guest", "amount": 2, "note": "x"});
    assert_eq!(place.post(ADMIN, "/api/v1/corrections", &body.to_string()).await.status, 201);
}
