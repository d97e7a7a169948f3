//! Who may ask what.

use serde_json::json;

use super::place::{ACME, ADMIN, GONE, Place, VIEWER};
use super::say::visit;

/// Every endpoint that is asked, and whether a partner may.
const ASKED: [(&str, bool); 18] = [
    ("/api/v1/usage", false),
    ("/api/v1/definitions", false),
    ("/api/v1/sessions/live", false),
    ("/api/v1/records", false),
    ("/api/v1/corrections", false),
    ("/api/v1/policies/0000000000000007", false),
    ("/api/v1/engagement/summary", true),
    ("/api/v1/engagement/timeline", true),
    ("/api/v1/engagement/resources", true),
    ("/api/v1/engagement/resources/detail?portal=support&room=docs&resource=/a", false),
    ("/api/v1/engagement/rooms", true),
    ("/api/v1/engagement/accounts", true),
    ("/api/v1/engagement/risk", false),
    ("/api/v1/alerts", false),
    ("/api/v1/portals", false),
    ("/api/v1/zones", false),
    ("/api/v1/openapi.json", false),
    ("/api/v1/nothing", true),
];

#[tokio::test]
async fn each_role_is_answered_what_it_may_know() {
    let place = Place::new();
    for (path, partners) in ASKED {
        // There is no such policy, and nothing at all.
        let there = if path.contains("policies") || path.contains("nothing") { 404 } else { 200 };
        for (who, status) in [(ADMIN, there), (VIEWER, there), (ACME, if partners { there } else { 403 })] {
            let answer = place.ask(Some(who), path).await;
            assert_eq!(answer.status, status, "{who:?} {path}: {answer:?}");
        }
        assert_eq!(place.ask(None, path).await.status, 401, "{path}");
    }
}

#[tokio::test]
async fn only_an_admin_books() {
    let place = Place::new();
    let body = json!({"portal": "support", "day": "today", "class": "guest", "amount": 1, "note": "x"}).to_string();
    for (who, status) in [(VIEWER, 403), (ACME, 403), (ADMIN, 201)] {
        assert_eq!(place.post(who, "/api/v1/corrections", &body).await.status, status);
    }
    assert_eq!(place.audit.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn a_partner_sees_one_account_whatever_it_asks() {
    let mut place = Place::new();
    place.visited([
        visit(1, "2026-03-30T08:00:00Z").external("acme", 1).seeing("docs", "/a", 3),
        visit(2, "2026-03-30T09:00:00Z").external("new", 2).seeing("docs", "/secret", 5),
        visit(3, "2026-03-30T10:00:00Z").seeing("docs", "/a", 7),
    ]);
    for (path, partners) in ASKED {
        if !partners || path.contains("nothing") {
            continue;
        }
        let own = place.ask(Some(ACME), path).await;
        let named = place.ask(Some(ACME), &format!("{path}?account=acme")).await;
        assert_eq!(own.body, named.body, "{path}");
        assert!(!own.body.contains("secret") && !own.body.contains("New &"), "{own:?}");
        for other in ["account=new", "account=acme&account=new", "account=nobody", "account=ACME"] {
            let answer = place.ask(Some(ACME), &format!("{path}?{other}")).await;
            assert_eq!(answer.status, 403, "{path}?{other}");
        }
        let wrong = place.ask(Some(ACME), &format!("{path}?portal=nowhere")).await;
        assert_eq!((wrong.status.as_u16(), wrong.json().get("known")), (400, None), "portals are not theirs to know");
    }
    let summary = place.ask(Some(ACME), "/api/v1/engagement/summary").await.json();
    assert_eq!((&summary["sessions"], &summary["page_views"]), (&json!(1), &json!(3)));
    let board = place.ask(Some(ACME), "/api/v1/engagement/accounts").await.json();
    assert_eq!(board["accounts"].as_array().unwrap().len(), 1);
    assert_eq!((&board["accounts"][0]["rank"], &board["accounts"][0]["sessions"]), (&json!(null), &json!(1)));
    let stranger = place.ask(Some(GONE), "/api/v1/engagement/summary").await.json();
    assert_eq!((&stranger["sessions"], &stranger["unknown_accounts"]), (&json!(0), &json!(["gone"])));
}
