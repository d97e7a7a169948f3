//! What differs between a portal asked directly and through the proxy.
//!
//! These differences are meant, and are no differences here:
//!
//! - Fields of one connection: `Connection`, `Keep-Alive`, `Proxy-Connection`, `TE`, `Trailer`,
//!   `Transfer-Encoding`, `Upgrade`. Each side of the proxy has its own.
//! - `X-Forwarded-For`, `-Proto` and `-Host` on the way to the portal, with the values that they must have.
//! - `Date` on the way back: Pingora writes its own over the portal's, and that cannot be turned off.

use std::collections::{BTreeMap, BTreeSet};

use super::exchange::Outcome;
use super::message::{Answer, Body, Fields, Framing};
use super::origin::Seen;
use super::table::shown;

/// A difference: where it is, and what it is.
pub(crate) type Difference = (String, String);

const OF_ONE_CONNECTION: [&str; 7] =
    ["connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"];

/// The differences between the two, as they are seen from both ends.
pub(crate) fn differences(direct: &Outcome, proxied: &Outcome) -> Vec<Difference> {
    let mut all = Vec::new();
    for (side, outcome) in [("direct", direct), ("proxied", proxied)] {
        all.extend(outcome.wrong.iter().map(|wrong| (format!("wrong {side}"), wrong.clone())));
    }
    match (&direct.answer, &proxied.answer) {
        (Some(direct), Some(proxied)) => answers(direct, proxied, &mut all),
        (None, None) => {}
        (Some(_), None) => all.push(("answer".to_owned(), "the proxy closed without an answer".to_owned())),
        (None, Some(answer)) => {
            all.push(("answer".to_owned(), format!("only the proxy answered: {}", shown(&answer.head.line))));
        }
    }
    if direct.open && !proxied.open {
        all.push(("connection".to_owned(), "the portal keeps it open, the proxy closes it".to_owned()));
    }
    match (direct.seen.as_slice(), proxied.seen.as_slice()) {
        ([direct], [proxied]) => requests(direct, proxied, &mut all),
        (direct, proxied) => {
            let all_seen = |seen: &[Seen]| seen.iter().map(|seen| shown(&seen.head.line)).collect::<Vec<_>>();
            let told = format!("directly {:?}, through the proxy {:?}", all_seen(direct), all_seen(proxied));
            all.push(("requests".to_owned(), told));
        }
    }
    all
}

fn answers(direct: &Answer, proxied: &Answer, all: &mut Vec<Difference>) {
    unequal("answer.line", &shown(&direct.head.line), &shown(&proxied.head.line), all);
    let mut fields = proxied.head.fields.clone();
    let mut cookies = fields.iter().enumerate().filter(|(_, (name, _))| name.eq_ignore_ascii_case(b"set-cookie"));
    if let Some((last, _)) = cookies.next_back().filter(|(_, (_, value))| value.starts_with(b"pm_visitor=")) {
        all.push(("answer.our cookie".to_owned(), "it comes after the portal's".to_owned()));
        fields.remove(last);
    }
    named("answer", &direct.head.fields, &fields, &["date"], all);
    bodies("answer", &direct.body, &proxied.body, all);
    unequal("answer.interim count", &direct.interim.len().to_string(), &proxied.interim.len().to_string(), all);
    for (direct, proxied) in direct.interim.iter().zip(&proxied.interim) {
        unequal("answer.interim line", &shown(&direct.line), &shown(&proxied.line), all);
        named("answer.interim", &direct.fields, &proxied.fields, &[], all);
    }
}

/// The differences between two requests, as the portal saw them.
pub(crate) fn requests(direct: &Seen, proxied: &Seen, all: &mut Vec<Difference>) {
    unequal("request.line", &shown(&direct.head.line), &shown(&proxied.head.line), all);
    let ours = ["x-forwarded-for", "x-forwarded-proto", "x-forwarded-host"];
    named("request", &direct.head.fields, &proxied.head.fields, &ours, all);
    bodies("request", &direct.body, &proxied.body, all);
    let host = direct.head.text("host").unwrap_or_default();
    for (name, value) in ours.iter().zip(["127.0.0.1", "http", &host]) {
        let told = proxied.head.all(name);
        if told != [value.as_bytes()] {
            let told: Vec<String> = told.iter().map(|told| shown(told)).collect();
            all.push((format!("request.{name}"), format!("it is {told:?}, and should be `{value}`")));
        }
    }
}

fn bodies(of: &str, direct: &Body, proxied: &Body, all: &mut Vec<Difference>) {
    unequal(&format!("{of}.body"), &shown(&direct.bytes), &shown(&proxied.bytes), all);
    if direct.bytes != proxied.bytes && direct.bytes.len() == proxied.bytes.len() {
        all.push((format!("{of}.body"), "other bytes of the same length".to_owned()));
    }
    unequal(&format!("{of}.whole"), &direct.whole.to_string(), &proxied.whole.to_string(), all);
    unequal(&format!("{of}.framing"), &framing(direct), &framing(proxied), all);
    unequal(
        &format!("{of}.trailers"),
        &format!("{:?}", texts(&direct.trailers)),
        &format!("{:?}", texts(&proxied.trailers)),
        all,
    );
}

fn framing(body: &Body) -> String {
    match body.framing {
        Framing::Length(length) => format!("length {length}"),
        framing => format!("{framing:?}"),
    }
}

/// Fields by name: the same values in the same order, under names so written.
fn named(of: &str, direct: &Fields, proxied: &Fields, but: &[&str], all: &mut Vec<Difference>) {
    let (direct, proxied) = (by_name(direct), by_name(proxied));
    let names: BTreeSet<&String> = direct.keys().chain(proxied.keys()).collect();
    for name in names {
        if OF_ONE_CONNECTION.contains(&name.as_str()) || but.contains(&name.as_str()) {
            continue;
        }
        let none = Vec::new();
        let (direct, proxied) = (direct.get(name).unwrap_or(&none), proxied.get(name).unwrap_or(&none));
        let values = |fields: &Vec<(String, String)>| fields.iter().map(|(_, value)| value.clone()).collect::<Vec<_>>();
        let names = |fields: &Vec<(String, String)>| fields.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
        if values(direct) != values(proxied) {
            let told = format!("directly {:?}, through the proxy {:?}", values(direct), values(proxied));
            all.push((format!("{of}.{name}"), told));
        } else if names(direct) != names(proxied) {
            let told = format!("directly {:?}, through the proxy {:?}", names(direct), names(proxied));
            all.push((format!("{of}.name {name}"), told));
        }
    }
}

/// What was written as name and as value, by name in lower case.
fn by_name(fields: &Fields) -> BTreeMap<String, Vec<(String, String)>> {
    let mut map: BTreeMap<String, Vec<(String, String)>> = BTreeMap::new();
    for (name, value) in fields {
        let (name, value) = (name.escape_ascii().to_string(), value.escape_ascii().to_string());
        map.entry(name.to_ascii_lowercase()).or_default().push((name, value));
    }
    map
}

fn texts(fields: &Fields) -> Vec<String> {
    fields.iter().map(|(name, value)| format!("{}: {}", shown(name), shown(value))).collect()
}

fn unequal(what: &str, direct: &str, proxied: &str, all: &mut Vec<Difference>) {
    if direct != proxied {
        all.push((what.to_owned(), format!("directly `{direct}`, through the proxy `{proxied}`")));
    }
}
