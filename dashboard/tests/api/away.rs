//! A ledger that is away: no figure, which is not the figure 0.

use std::sync::atomic::Ordering;

use serde_json::{Value, json};

use super::place::{ACME, ADMIN, NEW, NOW, Place, VIEWER};
use super::say::visit;

#[tokio::test]
async fn a_refusal_says_when_the_same_question_was_answered_last() {
    let mut place = Place::new();
    place.visited([visit(1, "2026-03-12T08:00:00Z")]);
    place.json("/api/v1/usage?from=2026-03-01&to=2026-04-01&by=month").await;
    place.ask(Some(ACME), "/api/v1/engagement/summary").await;
    place.away.store(true, Ordering::SeqCst);
    for (who, path, as_of) in [
        (ADMIN, "usage?from=2026-03-01&to=2026-04-01&by=month", json!(NOW)),
        (VIEWER, "usage?by=month&to=2026-04-01&from=2026-03-01", json!(NOW)),
        (ADMIN, "usage?from=2026-02-01&to=2026-04-01&by=month", Value::Null),
        (ACME, "engagement/summary", json!(NOW)),
        (NEW, "engagement/summary", Value::Null),
        (ADMIN, "engagement/summary", Value::Null),
        (ADMIN, "definitions", Value::Null),
        (ADMIN, "sessions/live", Value::Null),
        (ADMIN, "records", Value::Null),
        (ADMIN, "engagement/accounts", Value::Null),
    ] {
        let answer = place.ask(Some(who), &format!("/api/v1/{path}")).await;
        assert_eq!(answer.status, 503, "{path}");
        assert!(answer.header("retry-after").is_some());
        let problem = answer.json();
        assert_eq!(problem.get("as_of"), Some(&as_of), "{path}");
        assert!(problem.get("usage").is_none() && problem.get("totals").is_none());
    }
    place.away.store(false, Ordering::SeqCst);
    place.json("/api/v1/definitions").await;
}

#[tokio::test]
async fn alerts_tell_that_the_ledger_is_away() {
    let place = Place::new();
    place.away.store(true, Ordering::SeqCst);
    let answer = place.json("/api/v1/alerts").await;
    let what: Vec<_> = answer["alerts"].as_array().unwrap().iter().map(|alert| alert["what"].clone()).collect();
    assert_eq!(what, ["journal", "ledger"]);
    for key in ["detail", "meaning", "remedy"] {
        assert!(answer["alerts"].as_array().unwrap().iter().all(|alert| alert[key].is_string()), "{key}");
    }
}

#[tokio::test]
async fn a_correction_that_may_be_booked_or_not_says_how_to_be_sure() {
    let place = Place::new();
    place.away.store(true, Ordering::SeqCst);
    let body = json!({"portal": "support", "day": "today", "class": "guest", "amount": 1, "note": "x"}).to_string();
    let answer = place.post(ADMIN, "/api/v1/corrections", &body).await;
    assert_eq!(answer.status, 503);
    assert_eq!(answer.json()["id"].as_str().map(str::len), Some(32));
    assert!(place.audit.lock().unwrap().is_empty());
}
