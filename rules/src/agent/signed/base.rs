//! What a signature was made over (RFC 9421, section 2.5), put together again from the request.

use sfv::{Dictionary, InnerList, Item, ItemSerializer, ListEntry, ListSerializer};

use super::{dictionary, joined};
use crate::facts::Request;

/// The signature base of what is covered.
///
/// `None` if it leaves open for whom it was meant, names what is not there, or what cannot be told here.
pub(super) fn of(covered: &InnerList, request: &Request<'_>) -> Option<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut says_for_whom = false;
    if covered.items.len() > MOST_COMPONENTS {
        return None;
    }
    for item in &covered.items {
        let component = component(item);
        if lines.iter().any(|line| line.starts_with(&component)) {
            return None;
        }
        let name = item.bare_item.as_string()?.as_str();
        says_for_whom |= matches!(name, "@authority" | "@target-uri");
        let value = value(name, item, request)?;
        // A line end in a value could pass for another component.
        if value.bytes().any(|byte| byte.is_ascii_control()) {
            return None;
        }
        lines.push(component + &value);
    }
    lines.push(format!("\"@signature-params\": {}", list_entry(&ListEntry::InnerList(covered.clone()))?));
    says_for_whom.then(|| lines.join("\n"))
}

/// A component's name as its line begins: `"signature-agent";key="sig1": `.
fn component(item: &Item) -> String {
    ItemSerializer::new().bare_item(&item.bare_item).parameters(&item.params).finish() + ": "
}

fn value(name: &str, item: &Item, request: &Request<'_>) -> Option<String> {
    if let Some(key) = item.params.get("key") {
        let is_field = item.params.len() == 1 && !name.starts_with('@');
        return is_field.then(|| member(name, key.as_string()?.as_str(), request)).flatten();
    }
    if !item.params.is_empty() {
        return None;
    }
    let target = str::from_utf8(request.target).ok()?;
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let scheme = if request.https { "https" } else { "http" };
    match name {
        "@method" => Some(str::from_utf8(request.method).ok()?.to_owned()),
        "@authority" => authority(request),
        "@scheme" => Some(scheme.to_owned()),
        "@target-uri" => Some(format!("{scheme}://{}{target}", authority(request)?)),
        "@request-target" => Some(target.to_owned()),
        "@path" => Some(if path.is_empty() { "/" } else { path }.to_owned()),
        "@query" => Some(format!("?{query}")),
        field if field.starts_with('@') || field.bytes().any(|byte| byte.is_ascii_uppercase()) => None,
        field => String::from_utf8(joined(request.headers, field)?).ok(),
    }
}

/// A member of a field that is a dictionary.
fn member(name: &str, key: &str, request: &Request<'_>) -> Option<String> {
    let dictionary: Dictionary = dictionary(request.headers, name)?;
    list_entry(dictionary.get(key)?)
}

/// The host as it was asked for, lower case, without the port that its scheme implies.
fn authority(request: &Request<'_>) -> Option<String> {
    let sent = request.headers.first("host").and_then(|host| str::from_utf8(host).ok());
    let authority = sent.or(request.host)?.trim_ascii().to_ascii_lowercase();
    let implied = if request.https { ":443" } else { ":80" };
    Some(authority.strip_suffix(implied).map_or_else(|| authority.clone(), str::to_owned))
}

/// The strict form of an entry, as a list of its own has it.
fn list_entry(entry: &ListEntry) -> Option<String> {
    let mut list = ListSerializer::new();
    list.members([entry]);
    list.finish()
}

/// So many components a signature may cover.
const MOST_COMPONENTS: usize = 32;
