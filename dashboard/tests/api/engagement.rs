//! What people do.

use serde_json::{Value, json};

use super::place::Place;
use super::say::visit;

fn place() -> Place {
    let mut place = Place::new();
    place.visited([
        visit(1, "2026-03-30T08:00:00Z")
            .external("acme", 1)
            .lasting(20)
            .seeing("docs", "/a", 3)
            .doing("download", "docs", "/a"),
        visit(2, "2026-03-31T08:00:00Z").external("acme", 1).lasting(10).seeing("docs", "/b", 1),
        visit(3, "2026-03-31T09:00:00Z").external("new", 2).lasting(6).seeing("docs", "/a", 2),
        visit(4, "2026-03-31T10:00:00Z").lasting(4).seeing("help", "/a", 1),
        visit(5, "2026-03-20T10:00:00Z").external("acme", 3).lasting(1),
    ]);
    place
}

const WEEK: &str = "from=2026-03-27&to=2026-04-03";

#[tokio::test]
async fn the_five_figures_and_those_of_the_days_before() {
    let place = place();
    let answer = place.json(&format!("/api/v1/engagement/summary?{WEEK}&compare=previous")).await;
    let told = |of: &Value| {
        ["unique_users", "sessions", "page_views", "actions", "average_duration_seconds"].map(|key| of[key].clone())
    };
    assert_eq!(told(&answer), [json!(2), json!(4), json!(7), json!(1), json!(600)]);
    assert_eq!(told(&answer["previous"]), [json!(1), json!(1), json!(0), json!(0), json!(60)]);
    assert_eq!((&answer["previous"]["from"], &answer["previous"]["to"]), (&json!("2026-03-20"), &json!("2026-03-27")));
    assert_eq!((&answer["state"], &answer["valid_for_billing"]), (&json!("open"), &json!(false)));
    let acme = place.json(&format!("/api/v1/engagement/summary?{WEEK}&account=acme&type=reseller")).await;
    assert_eq!(told(&acme), [json!(1), json!(2), json!(4), json!(1), json!(900)]);
    let none = place.json(&format!("/api/v1/engagement/summary?{WEEK}&account=acme&type=referral")).await;
    assert_eq!(told(&none), [json!(0), json!(0), json!(0), json!(0), Value::Null]);
}

#[tokio::test]
async fn a_timeline_goes_by_day_week_and_month_as_the_range_grows() {
    let place = place();
    for (to, by, points) in
        [("2026-03-14", "day", 13), ("2026-03-15", "week", 3), ("2026-04-30", "week", 10), ("2026-05-01", "month", 2)]
    {
        let answer = place.json(&format!("/api/v1/engagement/timeline?from=2026-03-01&to={to}")).await;
        let told = answer["points"].as_array().unwrap();
        assert_eq!((&answer["by"], told.len()), (&json!(by), points), "until {to}");
    }
    let answer = place.json("/api/v1/engagement/timeline?from=2026-03-01&to=2026-05-01").await;
    let march = &answer["points"][0];
    assert_eq!((&march["sessions"], &march["unique_users"], &march["page_views"]), (&json!(5), &json!(3), &json!(7)));
}

#[tokio::test]
async fn what_is_seen_most_comes_first() {
    let place = place();
    let resources = place.json(&format!("/api/v1/engagement/resources?{WEEK}")).await;
    let told: Vec<_> = resources["content"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| format!("{} {} {} {}", one["room"], one["resource"], one["views"], one["unique_users"]))
        .collect();
    assert_eq!(told, [r#""docs" "/a" 5 2"#, r#""docs" "/b" 1 1"#, r#""help" "/a" 1 0"#]);
    let rooms = place.json(&format!("/api/v1/engagement/rooms?{WEEK}&limit=1")).await;
    assert_eq!((&rooms["content"][0]["views"], &rooms["found"]), (&json!(6), &json!(2)));
    let next = rooms["next"].as_str().unwrap();
    let rest = place.json(&format!("/api/v1/engagement/rooms?{WEEK}&limit=1&cursor={next}")).await;
    assert_eq!((&rest["content"][0]["room"], &rest["next"]), (&json!("help"), &Value::Null));
    let detail = format!("/api/v1/engagement/resources/detail?{WEEK}&portal=support&room=docs&resource=/a");
    let answer = place.json(&detail).await;
    assert_eq!(
        (&answer["views"], &answer["unique_users"], &answer["actions"]),
        (&json!(5), &json!(2), &json!({"download": 1}))
    );
    let accounts: Vec<_> =
        answer["accounts"].as_array().unwrap().iter().map(|one| (one["name"].clone(), one["views"].clone())).collect();
    assert_eq!(accounts, [(json!("=Acme, Inc."), json!(3)), (json!("New & <b>Co</b>"), json!(2))]);
    assert_eq!(answer["timeline"].as_array().unwrap().len(), 7);
    assert_eq!(
        place.csv(&format!("{detail}&table=accounts")).await.lines().nth(1),
        Some("acme,\"'=Acme, Inc.\",3,1,1")
    );
}

#[tokio::test]
async fn accounts_are_ranked_sorted_and_searched() {
    let place = place();
    let ids = |answer: &Value| {
        let rows = answer["accounts"].as_array().unwrap().iter();
        rows.map(|row| row["account"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    for (question, expected) in [
        ("", vec!["acme", "new", "idle"]),
        ("&sort=rank&order=desc", vec!["idle", "new", "acme"]),
        ("&sort=name", vec!["acme", "new", "idle"]),
        ("&sort=average_duration", vec!["acme", "new", "idle"]),
        ("&sort=actions&order=asc", vec!["idle", "new", "acme"]),
        ("&q=CO%3C", vec!["new"]),
        ("&q=nothing", vec![]),
        ("&type=referral", vec!["new", "idle"]),
    ] {
        assert_eq!(
            ids(&place.json(&format!("/api/v1/engagement/accounts?{WEEK}{question}")).await),
            expected,
            "{question}"
        );
    }
    let all = place.json(&format!("/api/v1/engagement/accounts?{WEEK}&q=co")).await;
    assert_eq!((&all["totals"]["accounts"], &all["totals"]["sessions"]), (&json!(3), &json!(3)), "over all of them");
    assert_eq!((&all["accounts"][0]["rank"], &all["accounts"][0]["new"]), (&json!(2), &json!(true)));
    assert_eq!(all["accounts"][0]["score"], json!(20.0 + 30.0 + 10.0 + 4.0));
    assert!(all["segments"].as_array().unwrap().len() > 1);
    let csv = place.csv(&format!("/api/v1/engagement/accounts?{WEEK}")).await;
    assert!(csv.contains("1,acme,\"'=Acme, Inc.\",reseller") && csv.contains(",New & <b>Co</b>,"), "{csv}");
}

#[tokio::test]
async fn totals_are_over_every_page_of_a_thousand_accounts() {
    let list = (0..1_100).map(|number| format!("a{number},Account {number}\n"));
    let mut place = Place::with(&format!("id,name\n{}", list.collect::<String>()));
    // A hundred users, each of eleven accounts.
    place.visited((0..1_100).map(|number| {
        visit(number, "2026-03-30T08:00:00Z")
            .external(&format!("a{number}"), number % 100)
            .lasting(1 + i64::from(number % 2 == 0))
    }));
    let (mut cursor, mut seen, mut pages) = (String::new(), std::collections::HashSet::new(), 0);
    loop {
        let page = place.json(&format!("/api/v1/engagement/accounts?{WEEK}&limit=200{cursor}")).await;
        let totals = &page["totals"];
        assert_eq!((&totals["accounts"], &totals["sessions"]), (&json!(1100), &json!(1100)));
        assert_eq!((&totals["unique_users"], &totals["average_duration_seconds"]), (&json!(100), &json!(90)));
        assert_eq!(page["found"], 1100);
        seen.extend(page["accounts"].as_array().unwrap().iter().map(|one| one["account"].to_string()));
        pages += 1;
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!((seen.len(), pages), (1_100, 6));
}

#[tokio::test]
async fn accounts_at_risk_are_told_with_the_reason_and_those_never_seen_first() {
    let place = place();
    let answer = place.json("/api/v1/engagement/risk").await;
    let told: Vec<_> = answer["accounts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["account"].clone(), one["because"].clone()))
        .collect();
    assert_eq!(told, [(json!("idle"), json!(["no_session"]))]);
    assert_eq!(place.csv("/api/v1/engagement/risk").await.lines().count(), 2);
}
