//! The lines of an access log that a case's steps leave behind.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::case::{Case, Step};
use super::phrase::{self, Exchange};

/// The lines of a step; in a repeated one, `{n}` is the number of the repetition.
pub(crate) fn lines(case: &Case, step: &Step) -> Result<Vec<String>, String> {
    let spelt =
        case.words.iter().fold(step.what.clone(), |what, (word, text)| what.replace(&format!("{{{word}}}"), text));
    let mut lines = Vec::new();
    for (index, at) in step.at.iter().enumerate() {
        let what = spelt.replace("{n}", &(index + 1).to_string());
        let line = if case.combined { combined } else { jsonl };
        lines.extend(exchanges(case, step, &what)?.iter().map(|one| line(one, at + one.after)));
    }
    Ok(lines)
}

fn exchanges(case: &Case, step: &Step, what: &str) -> Result<Vec<Exchange>, String> {
    let mut parts = what.split(';').map(str::trim);
    let deed = parts.next().unwrap_or_default();
    let details: Vec<&str> = parts.collect();
    let mut exchanges = phrase::exchanges(deed, page(case))?;
    for exchange in &mut exchanges {
        exchange.host = phrase::host(&case.portals[0].name);
        exchange.client = address(case, &step.browser);
        phrase::refine(exchange, &format!("cookie pm_visitor={}", step.browser.replace(' ', "-")))?;
        let browser = case.browsers.iter().find(|browser| browser.name == step.browser);
        for detail in browser.iter().flat_map(|browser| &browser.details) {
            phrase::refine(exchange, detail)?;
        }
        for detail in &details {
            phrase::refine(exchange, detail)?;
        }
    }
    Ok(exchanges)
}

/// Where a page is, if the step does not say.
fn page(case: &Case) -> &'static str {
    if case.experience == "web_embeddables" { "/embed/chat" } else { "/home" }
}

/// Every browser has an address of its own, by its place among those of the case.
fn address(case: &Case, browser: &str) -> String {
    let mut names: Vec<&str> = Vec::new();
    for step in &case.steps {
        if !names.contains(&step.browser.as_str()) {
            names.push(&step.browser);
        }
    }
    let place = names.iter().position(|name| *name == browser).unwrap_or_default();
    format!("198.51.100.{}", place + 10)
}

fn jsonl(exchange: &Exchange, at: i64) -> String {
    let time = Timestamp::from_millisecond(at).unwrap().to_string();
    let Exchange { client, method, host, path, status, .. } = exchange;
    let line = json!({
        "time": time, "client": client, "method": method, "host": host, "path": path, "status": status,
        "request_headers": fields(&exchange.sent), "response_headers": fields(&exchange.answered),
    });
    line.to_string()
}

fn fields(fields: &[(String, String)]) -> Value {
    let mut map = Map::new();
    for (name, value) in fields {
        let list = map.entry(name.clone()).or_insert_with(|| json!([]));
        if let Value::Array(list) = list {
            list.push(json!(value));
        }
    }
    Value::Object(map)
}

fn combined(exchange: &Exchange, at: i64) -> String {
    let time = Timestamp::from_millisecond(at).unwrap().strftime("%d/%b/%Y:%H:%M:%S +0000").to_string();
    let sent = |name: &str| exchange.sent.iter().find(|(known, _)| known == name).map_or("-", |(_, value)| value);
    let Exchange { client, method, path, status, .. } = exchange;
    let user = exchange.user.as_deref().unwrap_or("-");
    let (referer, agent) = (sent("Referer"), sent("User-Agent"));
    format!("{client} - {user} [{time}] \"{method} {path} HTTP/1.1\" {status} 512 \"{referer}\" \"{agent}\"")
}
