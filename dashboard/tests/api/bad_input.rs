//! Whatever somebody may send.

use axum::body::Body;
use axum::http::Request;

use super::place::{ADMIN, Place};

/// Of each: the question, and what its refusal names.
const REFUSED: [(&str, &str); 44] = [
    ("usage?from=2026-03-02&to=2026-03-01", "not before"),
    ("usage?from=2026-03-01&to=2026-03-01", "not before"),
    ("usage?from=soon", "from=soon"),
    ("usage?to=2026-02-29", "to=2026-02-29"),
    ("usage?from=0001-01-01&to=2026-01-01", "from=0001-01-01"),
    ("usage?from=9999-12-31&to=9999-12-31", "from=9999"),
    ("usage?from=2016-03-01&to=2026-03-31", "3660 days"),
    ("usage?by=hour&from=2026-03-01&to=2026-04-02", "31 days"),
    ("usage?by=fortnight", "by=fortnight"),
    ("usage?group=zone", "group=zone"),
    ("usage?tz=Europe/Atlantis", "Europe/Atlantis"),
    ("usage?tz=../../etc/passwd", "etc/passwd"),
    ("usage?tz=%00", "character 0"),
    ("usage?portal=nowhere", "portal=nowhere"),
    ("usage?portal=%3Cscript%3Ealert(1)%3C/script%3E", "<script>"),
    ("usage?portal=%3DHYPERLINK(1)", "=HYPERLINK"),
    ("usage?portal=%E2%80%AEtroppus", "\u{202e}troppus"),
    ("usage?portal=%ff%fe", "portal="),
    ("usage?format=xml", "format=xml"),
    ("usage?form=csv", "`form`"),
    ("usage?from=today&from=today&from=yesterday", "more than once"),
    ("definitions?from=today", "`from`"),
    ("definitions?portal=nowhere", "portal=nowhere"),
    ("sessions/live?portal=nowhere", "portal=nowhere"),
    ("sessions/live?table=then", "table=then"),
    ("records?class=robot", "class=robot"),
    ("records?reason=because", "reason=because"),
    ("records?visitor=ann", "visitor=ann"),
    ("records?session=1234", "session=1234"),
    ("records?id=%E2%80%AE", "id="),
    ("records?corrections=maybe", "corrections=maybe"),
    ("records?limit=0", "limit=0"),
    ("records?limit=1001", "limit=1001"),
    ("records?limit=-1", "limit=-1"),
    ("records?cursor=AAAA", "cursor"),
    ("records?portal=nowhere", "portal=nowhere"),
    ("corrections?by_hand=1", "by_hand=1"),
    ("engagement/summary?type=partner", "type=partner"),
    ("engagement/summary?compare=next", "compare=next"),
    ("engagement/summary?tz=UTC", "`tz`"),
    ("engagement/accounts?sort=luck", "sort=luck"),
    ("engagement/accounts?order=up", "order=up"),
    ("engagement/resources/detail?portal=support&room=docs", "resource"),
    ("engagement/risk?from=today", "`from`"),
];

#[tokio::test]
async fn what_makes_no_sense_is_refused_by_name() {
    let place = Place::new();
    for (question, named) in REFUSED {
        let problem = place.refused(&format!("/api/v1/{question}"), 400).await;
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains(named), "{question}: {detail}");
    }
    let unknown = place.refused("/api/v1/usage?portal=nowhere", 400).await;
    assert_eq!(unknown["known"], serde_json::json!(["support", "widget"]));
    let long = format!("/api/v1/usage?portal={}", "x".repeat(20_000));
    place.refused(&long, 400).await;
}

#[tokio::test]
async fn an_account_that_nobody_knows_is_named_and_is_no_error() {
    let place = Place::new();
    for path in ["summary", "timeline", "resources", "rooms", "accounts", "risk"] {
        let path = format!("/api/v1/engagement/{path}?account=%3Cb%3E&account=acme");
        let answer = place.json(&path).await;
        assert_eq!(answer["unknown_accounts"], serde_json::json!(["<b>"]), "{path}");
    }
}

#[tokio::test]
async fn other_methods_and_addresses_are_problems_too() {
    let place = Place::new();
    for (method, path, status) in [
        ("DELETE", "/api/v1/records", 405),
        ("PUT", "/api/v1/corrections", 405),
        ("GET", "/api/v1/engagement", 404),
        ("GET", "/api/v2/usage", 404),
        ("GET", "/api/v1/policies/%00", 404),
        ("GET", "/api/v1/policies/%ff", 404),
        ("GET", "/api/v1/policies/..%2f..%2fetc", 404),
    ] {
        let request = Request::builder().method(method).uri(path).body(Body::empty()).unwrap();
        assert_eq!(place.request(Some(ADMIN), request).await.status, status, "{method} {path}");
    }
}
