//! Every record behind a number.

use portalmeter_meter::ledger::Ledger;
use portalmeter_meter::observation::Stamp;
use portalmeter_meter::policy::{Experience, Policy};
use portalmeter_meter::session::Class;
use serde_json::{Value, json};

use super::place::{ADMIN, Place};
use super::say::visit;

fn place() -> Place {
    let mut place = Place::new();
    place.visited((0..57).map(|number| {
        let visit = visit(number, &format!("2026-03-{:02}T08:{:02}:00Z", 1 + number % 28, number));
        match number % 5 {
            0 => visit.class(Class::Bot),
            1 => visit.external("acme", number),
            2 => visit.class(Class::Internal),
            _ => visit,
        }
    }));
    place.seal("support", "2026-03-01", "Europe/Berlin");
    place
}

/// All records of a question, page by page.
async fn paged(place: &Place, question: &str) -> Vec<Value> {
    let (mut all, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = place.json(&format!("/api/v1/records?{question}{cursor}")).await;
        all.extend(page["records"].as_array().unwrap().clone());
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return all,
        }
    }
}

#[tokio::test]
async fn all_pages_together_are_the_totals() {
    let place = place();
    let usage = place.json("/api/v1/usage?from=2026-03-01&to=2026-04-01&by=month").await;
    for limit in [1, 7, 56, 57, 58, 1000] {
        let records = paged(&place, &format!("portal=support&limit={limit}")).await;
        for class in ["guest", "external", "internal", "bot"] {
            let sum: i64 =
                records.iter().filter(|one| one["class"] == class).map(|one| one["amount"].as_i64().unwrap()).sum();
            assert_eq!(usage["totals"][class], sum, "{class}, {limit} a page");
        }
        let mut ids: Vec<_> = records.iter().map(|one| one["id"].as_str().unwrap()).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), 57);
    }
}

#[tokio::test]
async fn records_are_found_by_all_that_is_asked() {
    let place = place();
    let first = paged(&place, "limit=1000&from=2026-03-01&to=2026-03-02").await;
    let is = |key: &str, value: &Value| format!("{key}={}", value.as_str().unwrap());
    for (question, count) in [
        ("class=external".to_owned(), 12),
        ("class=external&account=acme".to_owned(), 12),
        ("account=nobody".to_owned(), 0),
        ("reason=start".to_owned(), 57),
        ("reason=manual".to_owned(), 0),
        ("corrections=true".to_owned(), 0),
        ("module=-&portal=support".to_owned(), 57),
        ("module=chat".to_owned(), 0),
        ("from=2026-03-01&to=2026-03-02".to_owned(), 3),
        ("from=today".to_owned(), 0),
        (is("id", &first[0]["id"]), 1),
        (is("visitor", &first[0]["visitor"]), 1),
        (is("session", &first[0]["session"]), 1),
    ] {
        assert_eq!(paged(&place, &format!("limit=1000&{question}")).await.len(), count, "{question}");
    }
    assert!(first.iter().all(|one| one["state"] == "sealed" && one["valid_for_billing"] == true), "{first:?}");
    assert_eq!((&first[0]["reason"], &first[0]["rule"]), (&json!("start"), &json!("document")));
    assert_eq!(paged(&place, "from=2026-03-02&to=2026-03-03").await[0]["state"], "open");
}

#[tokio::test]
async fn a_cursor_of_another_question_or_a_forged_one_is_refused() {
    let place = place();
    let page = place.json("/api/v1/records?portal=support&limit=2").await;
    let next = page["next"].as_str().unwrap();
    place.json(&format!("/api/v1/records?limit=50&cursor={next}&portal=support")).await;
    for question in [
        format!("cursor={next}"),
        format!("portal=support&class=bot&cursor={next}"),
        format!("portal=support&cursor={}", &next[1..]),
        format!("portal=support&cursor={next}A"),
        format!("portal=support&cursor={}", next.replace(|c: char| c.is_ascii_lowercase(), "x")),
        "portal=support&cursor=%00".to_owned(),
        "portal=support&cursor=%E2%80%AE".to_owned(),
    ] {
        place.refused(&format!("/api/v1/records?{question}"), 400).await;
    }
    let accounts = format!("/api/v1/engagement/accounts?cursor={next}");
    place.refused(&accounts, 400).await;
}

#[tokio::test]
async fn the_table_has_every_column_and_an_export_is_taken_down() {
    let place = place();
    let answer = place.ask(Some(ADMIN), "/api/v1/records?limit=3&format=csv").await;
    assert!(answer.header("x-next-cursor").is_some());
    let page = place.json("/api/v1/records?limit=3").await;
    let columns: Vec<&str> = answer.body.lines().next().unwrap().split(',').collect();
    let mut keys: Vec<&str> = page["records"][0].as_object().unwrap().keys().map(String::as_str).collect();
    keys.sort_unstable();
    let mut sorted = columns.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, keys);
    assert_eq!(*place.audit.lock().unwrap(), ["ann export /api/v1/records?format=csv&limit=3 (3 rows)"]);
}

#[tokio::test]
async fn a_records_policy_is_told_in_words() {
    let mut place = place();
    let policy = Policy::preset(Experience::PartnerPortal);
    place.ledger.know(&[Stamp::new(policy.clone())]).unwrap();
    let told = place.json(&format!("/api/v1/policies/{}", policy.id())).await;
    assert_eq!(told["policy"]["max_duration_seconds"], 14_400);
    assert!(told["policy"]["words"].as_str().unwrap().contains("240 min long"));
    place.refused("/api/v1/policies/0123456789abcdef", 404).await;
}
