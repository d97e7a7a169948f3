//! A probe: which cookies the portal is asked about, where, and what its answers mean.

use std::ops::Range;
use std::time::Duration;

use portalmeter_rules::identity::probe::{Pointers, Probe};
use portalmeter_rules::pattern::Pattern;
use toml::{Spanned, Value};

use super::problem::Notes;
use super::raw::{self, Text};
use super::units::time;

/// A page waits this long at most, so that a slow answer is not the visitor's trouble.
const LONGEST_WAIT: Duration = Duration::from_secs(10);
/// Who signs in elsewhere is noticed after this long at most.
const LONGEST_KEEP: Duration = Duration::from_hours(1);

pub(super) fn build(raw: &raw::Identity, at: &Range<usize>, notes: &mut Notes) -> Option<Probe> {
    let (url, cookies) = (url(raw, at, notes), cookies(raw, at, notes));
    let plain = Probe::new(url.as_deref().unwrap_or_default(), &cookies);
    let timeout = time(raw.timeout.as_ref(), plain.timeout, notes);
    if let Some(written) = raw.timeout.as_ref().filter(|_| timeout.is_zero() || timeout > LONGEST_WAIT) {
        notes.error(written.span(), "a page would wait for the answer that long").advise("from 1ms to 10s");
    }
    let keep = time(raw.keep.as_ref(), plain.keep, notes);
    if let Some(written) = raw.keep.as_ref().filter(|_| keep > LONGEST_KEEP) {
        notes.error(written.span(), "an answer may have changed long before").advise("at most 1h");
    }
    let external = statuses(raw.external.as_ref(), "external", notes).unwrap_or_else(|| plain.external.clone());
    let guest = statuses(raw.guest.as_ref(), "guest", notes);
    if let (Some(written), Some(guest)) = (&raw.guest, &guest)
        && let Some(both) = guest.iter().find(|status| external.contains(status))
    {
        notes.error(written.span(), format!("{both} is among `external` and among `guest`"));
    }
    let mut guest = guest.unwrap_or_else(|| plain.guest.clone());
    guest.retain(|status| !external.contains(status));
    let claims = pointers(raw.claims.as_ref(), notes);
    let mut probe = plain;
    (probe.timeout, probe.keep) = (timeout, keep);
    (probe.external, probe.guest, probe.claims) = (external, guest, claims);
    url.is_some().then_some(probe)
}

fn url(raw: &raw::Identity, at: &Range<usize>, notes: &mut Notes) -> Option<String> {
    let Some(text) = &raw.url else {
        notes.missing(at.clone(), "a probe does not say what to ask", "url = \"/api/me\"");
        return None;
    };
    let path = text.get_ref();
    let fine = path.starts_with('/') && !path.starts_with("//") && !path.contains('#');
    if fine && path.parse::<http::Uri>().is_ok() {
        return Some(path.clone());
    }
    let hint = "a path and, if need be, a query: \"/api/me\"; the portal's own upstream is asked";
    notes.error(text.span(), format!("`{path}` is not a path of the portal")).advise(hint);
    None
}

fn cookies(raw: &raw::Identity, at: &Range<usize>, notes: &mut Notes) -> Vec<Pattern> {
    let Some(list) = raw.cookies.as_ref().filter(|list| !list.get_ref().is_empty()) else {
        notes.missing(at.clone(), "a probe does not name the cookies it is about", "cookies = [\"sessionid\"]");
        return Vec::new();
    };
    let mut all = Vec::new();
    for text in list.get_ref() {
        let name = text.get_ref();
        let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$&'*-._^`|~".contains(&byte);
        match Pattern::name(name) {
            Ok(pattern) if name.bytes().all(legal) && name.bytes().any(|byte| byte != b'*') => all.push(pattern),
            _ => {
                notes
                    .error(text.span(), format!("`{name}` is not the name of a cookie"))
                    .advise("such as \"sessionid\", or \"SSESS*\" where the name goes on");
            }
        }
    }
    all
}

/// `{ status = 200 }` or `{ status = [401, 403] }`.
fn statuses(written: Option<&Spanned<Value>>, key: &str, notes: &mut Notes) -> Option<Vec<u16>> {
    let written = written?;
    let found = (|| {
        let table = written.get_ref().as_table().filter(|table| table.len() == 1)?;
        let list = match table.get("status")? {
            Value::Array(list) => list.clone(),
            one => vec![one.clone()],
        };
        let status = |value: &Value| {
            value
                .as_integer()
                .filter(|status| (200..=599).contains(status))
                .and_then(|status| u16::try_from(status).ok())
        };
        let all: Option<Vec<u16>> = list.iter().map(status).collect();
        all.filter(|all| !all.is_empty())
    })();
    if found.is_none() {
        let hint = format!("{key} = {{ status = 200 }}, or a list of codes");
        notes.error(written.span(), format!("`{key}` of a probe is the status codes that say so")).advise(hint);
    }
    found
}

fn pointers(raw: Option<&Spanned<raw::Claims>>, notes: &mut Notes) -> Pointers {
    let mut pointer = |text: Option<&Text>| {
        let text = text?;
        if !text.get_ref().starts_with('/') {
            notes
                .error(text.span(), format!("`{}` is not a place in the answer", text.get_ref()))
                .advise(format!("a JSON pointer (RFC 6901): \"/{}\"", text.get_ref()));
        }
        Some(text.get_ref().clone())
    };
    let Some(raw) = raw.map(Spanned::get_ref) else { return Pointers::default() };
    Pointers {
        user: pointer(raw.user.as_ref()),
        roles: pointer(raw.roles.as_ref()),
        account: pointer(raw.account.as_ref()),
    }
}
