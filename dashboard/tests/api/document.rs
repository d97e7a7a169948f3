//! The document that describes the API.

use std::path::Path;

use serde_json::Value;

use super::place::Place;

fn document() -> Value {
    serde_json::to_value(portalmeter_dashboard::document()).unwrap()
}

#[test]
fn the_committed_document_describes_this_release() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/openapi.json");
    let committed = std::fs::read(path).ok().and_then(|text| serde_json::from_slice::<Value>(&text).ok());
    assert!(
        committed == Some(document()),
        "docs/openapi.json is out of date: cargo run -p portalmeter-dashboard --example openapi > docs/openapi.json"
    );
}

/// What is asked for by a name that is none of its parameters tells which there are.
#[tokio::test]
async fn each_endpoint_takes_the_parameters_that_are_described() {
    let place = Place::new();
    let document = document();
    let mut asked = 0;
    for (path, item) in document["paths"].as_object().unwrap() {
        let Some(get) = item.get("get").filter(|_| path != "/api/v1/me") else { continue };
        let described: Vec<&Value> = get["parameters"].as_array().into_iter().flatten().collect();
        let described = described.iter().filter(|one| one["in"] == "query").map(|one| one["name"].as_str().unwrap());
        let mut described: Vec<&str> = described.collect();
        // What an endpoint cannot do without.
        let path = path.replace("{id}", "0000000000000007");
        let needed = if path.ends_with("detail") { "portal=support&room=docs&resource=/a&" } else { "" };
        let problem = place.refused(&format!("{path}?{needed}nonsense=1"), 400).await;
        let mut known: Vec<&str> =
            problem["known"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        described.sort_unstable();
        known.sort_unstable();
        assert_eq!(known, described, "{path}");
        asked += 1;
    }
    assert!(asked >= 17, "{asked}");
}

#[tokio::test]
async fn it_is_served() {
    assert_eq!(Place::new().json("/api/v1/openapi.json").await, document());
}
