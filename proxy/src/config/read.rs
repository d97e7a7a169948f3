//! From text to the raw structure, with every slip of syntax, key and type, not the first alone.
//!
//! Serde stops at its first error. What it points at is taken out and the rest read again, until
//! nothing is left to complain of: all keys may be absent, so that taking one out is no new error.

use std::mem;
use std::ops::Range;

use serde::Deserialize;
use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue, Deserializer};

use super::nearest::suggestion;
use super::problem::Notes;
use super::raw::Config;

/// More slips than this are not told one by one.
const MOST: usize = 50;

/// Reads the text, or as much of it as has the right shape; what has not is noted.
pub(super) fn read(text: &str, notes: &mut Notes) -> Option<Config> {
    let (mut document, slips) = DeTable::parse_recoverable(text);
    for slip in slips.iter().take(MOST) {
        let end = text.len();
        let at = slip.span().filter(|span| span.end <= end).unwrap_or(end..end);
        syntax(notes.error(at, slip.message()), slip.message());
    }
    if notes.has_errors() {
        return None;
    }
    for _ in 0..MOST {
        let slip = match Config::deserialize(Deserializer::from(document.clone())) {
            Ok(config) => return Some(config),
            Err(slip) => slip,
        };
        notes.has_gaps();
        let at = slip.span().unwrap_or(0..0);
        tell(slip.message(), text, at.clone(), notes);
        if !take_out(document.get_mut(), &at) {
            break;
        }
    }
    None
}

fn syntax(problem: &mut super::problem::Problem, message: &str) {
    if message.contains("duplicate key") {
        problem.advise("a key may be written once; several portals or sources are `[[portal]]`, `[[portal.identity]]`");
    } else {
        problem.advise("text is written in quotes, a list in brackets: name = \"support\", hosts = [\"a.example\"]");
    }
}

/// Says in our words what serde says in its own.
fn tell(message: &str, text: &str, at: Range<usize>, notes: &mut Notes) {
    let quoted: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    if message.starts_with("unknown field")
        && let Some((key, known)) = quoted.split_first()
    {
        notes.error(at, format!("unknown key `{key}`")).label("not known here").advise(suggestion(key, known));
        return;
    }
    if let Some(number) = message.strip_prefix("invalid value: integer `-").and_then(|rest| rest.split('`').next()) {
        notes.error(at, format!("`-{number}` is below zero")).advise("write a whole number, 0 or more");
        return;
    }
    let Some((found, expected)) =
        message.strip_prefix("invalid type: ").and_then(|rest| rest.split_once(", expected "))
    else {
        notes.error(at, message);
        return;
    };
    let expected = if expected.starts_with("struct ") { "a table" } else { in_toml(expected) };
    let written = text.get(at.clone()).unwrap_or_default().lines().next().unwrap_or_default();
    let hint = match (expected, found) {
        ("a list", "map") => Some("a table that may come several times has two brackets: [[portal]]".to_owned()),
        ("a list", _) => Some(format!("put it in brackets: [{written}]")),
        ("text", "sequence") => Some("one value, without brackets".to_owned()),
        ("text", "map") => None,
        ("text", _) => Some(format!("put it in quotes: \"{written}\"")),
        ("true or false", _) => Some("write true or false, without quotes".to_owned()),
        ("a whole number", _) => Some("write digits, without quotes and unit".to_owned()),
        _ => None,
    };
    let problem = notes.error(at, format!("expected {expected}, found {}", in_toml(found)));
    if let Some(hint) = hint {
        problem.advise(hint);
    }
}

/// A type by the name that people who write TOML know.
fn in_toml(kind: &str) -> &str {
    match kind {
        "a sequence" | "sequence" => "a list",
        "map" | "a map" => "a table",
        "a string" => "text",
        "a boolean" => "true or false",
        "u64" => "a whole number",
        string if string.starts_with("string ") => "text",
        boolean if boolean.starts_with("boolean ") => "true or false",
        integer if integer.starts_with("integer ") => "a number",
        float if float.starts_with("floating point ") => "a fraction",
        other => other,
    }
}

/// Takes out the key or value that stands at `at`.
fn take_out(table: &mut DeTable<'_>, at: &Range<usize>) -> bool {
    let mut found = false;
    let entries = mem::take(table).into_iter().filter_map(|(key, mut value)| {
        if !found && (key.span() == *at || value.span() == *at) {
            found = true;
            return None;
        }
        found = found || inside(&mut value, at);
        Some((key, value))
    });
    *table = entries.collect();
    found
}

fn inside(value: &mut Spanned<DeValue<'_>>, at: &Range<usize>) -> bool {
    match value.get_mut() {
        DeValue::Table(table) => take_out(table, at),
        DeValue::Array(array) => take_from(array, at),
        _ => false,
    }
}

fn take_from(array: &mut DeArray<'_>, at: &Range<usize>) -> bool {
    let mut found = false;
    let mut kept = DeArray::new();
    for mut element in mem::replace(array, DeArray::new()) {
        if !found && element.span() == *at {
            found = true;
            continue;
        }
        found = found || inside(&mut element, at);
        kept.push(element);
    }
    *array = kept;
    found
}
