//! A portal's identity sources. Only those that a client cannot forge may yield internal.

use std::ops::Range;
use std::sync::Arc;

use ipnet::IpNet;
use portalmeter_rules::identity::{HeaderNames, ResponseHeader, Source, SourceKind};
use portalmeter_rules::pattern::Pattern;
use portalmeter_rules::roles::Roles;
use toml::{Spanned, Value};

use super::around::Around;
use super::names::{cookie_name, header_name};
use super::nearest::suggestion;
use super::problem::Notes;
use super::raw::{self, Text};
use super::{probe, server, token};

/// What a source is checked against.
pub(super) struct Context<'a> {
    pub(super) around: Around<'a>,
    pub(super) roles: &'a Roles,
    pub(super) trusted_proxies: &'a [IpNet],
}

const KINDS: [&str; 6] = ["network", "response_header", "jwt", "header", "cookie", "probe"];

pub(super) fn sources(raw: &[Spanned<raw::Identity>], context: &Context<'_>, notes: &mut Notes) -> Vec<Source> {
    let mut sources = Vec::new();
    let mut decided = false;
    for (index, source) in raw.iter().enumerate() {
        let at = source.get_ref().kind.as_ref().map_or(source.span(), Spanned::span);
        if decided {
            notes
                .warn(at.clone(), "never asked: the cookie source before it always has something to say")
                .advise("put the cookie source last");
        }
        let Some(kind) = kind(source.get_ref(), &at, context, notes) else { continue };
        decided |= matches!(kind, SourceKind::Cookie { .. });
        sources.push(Source { rule: Arc::from(format!("identity {}: {}", index + 1, kind.name())), kind });
    }
    sources
}

fn kind(raw: &raw::Identity, at: &Range<usize>, context: &Context<'_>, notes: &mut Notes) -> Option<SourceKind> {
    let Some(kind) = &raw.kind else {
        notes.missing(at.clone(), "an identity source has no `kind`", suggestion("", &KINDS));
        return None;
    };
    match kind.get_ref().as_str() {
        "network" => network(raw, at, context, notes),
        "response_header" => response_header(raw, at, notes),
        "jwt" => {
            let known = ["cookie", "header", "algorithms", "key", "audience", "issuer", "leeway", "claims"];
            only(raw, "jwt", &known, notes);
            token::build(raw, at, context.around, notes).map(|token| SourceKind::Jwt(Box::new(token)))
        }
        "header" => header(raw, at, context, notes),
        "cookie" => cookie(raw, at, context, notes),
        "probe" => {
            only(raw, "probe", &["url", "cookies", "external", "guest", "claims", "timeout", "keep"], notes);
            probe::build(raw, at, notes).map(|probe| SourceKind::Probe(Arc::new(probe)))
        }
        other => {
            let message = format!("`{other}` is not a kind of identity source");
            notes.error(at.clone(), message).advise(suggestion(other, &KINDS));
            None
        }
    }
}

fn network(raw: &raw::Identity, at: &Range<usize>, context: &Context<'_>, notes: &mut Notes) -> Option<SourceKind> {
    only(raw, "network", &["internal"], notes);
    let example = "internal = [\"192.0.2.0/24\"]";
    let Some(internal) = &raw.internal else {
        notes.missing(at.clone(), "a network source names no networks", example);
        return None;
    };
    let Value::Array(list) = internal.get_ref() else {
        notes.error(internal.span(), "expected a list of networks").advise(example);
        return None;
    };
    if list.is_empty() {
        notes.missing(internal.span(), "a network source names no networks", example);
    }
    if let Some(everybody) = everybody(context.trusted_proxies) {
        notes
            .error(internal.span(), "`internal` by address, but anybody may claim any address")
            .advise(format!("`server.trusted_proxies` trusts everybody ({everybody}); name the proxies alone"));
    }
    let mut networks = Vec::new();
    for network in list {
        let text = Spanned::new(internal.span(), network.as_str().unwrap_or_default().to_owned());
        networks.extend(server::network(&text, notes));
    }
    if let Some(all) = everybody(&networks) {
        notes.warn(internal.span(), format!("`{all}` makes everybody internal: nothing will be billed"));
    }
    Some(SourceKind::Network { internal: networks })
}

/// A network that everybody is in.
fn everybody(networks: &[IpNet]) -> Option<&IpNet> {
    networks.iter().find(|network| network.prefix_len() == 0)
}

fn response_header(raw: &raw::Identity, at: &Range<usize>, notes: &mut Notes) -> Option<SourceKind> {
    only(raw, "response_header", &["header", "external", "guest", "user", "roles", "account", "hide"], notes);
    let names = header_names(raw, notes);
    let header = field(raw.header.as_ref(), notes);
    let external = value("external", raw.external.as_ref(), notes);
    let guest = value("guest", raw.guest.as_ref(), notes);
    if let (Some(written), true) = (&raw.external, external.is_some() && external == guest) {
        notes
            .error(written.span(), "`external` and `guest` are the same value")
            .advise("one of them says who is signed in");
    }
    if raw.header.is_none() {
        notes.missing(at.clone(), "a response_header source has no `header`", "header = \"X-Is-Logged-In\"");
    }
    let hide = raw.hide.as_ref().is_none_or(|hide| *hide.get_ref());
    let marker = ResponseHeader { header: header?, external, guest, names, hide };
    let needed = marker.hidden().find(|name| NEEDED.contains(name)).map(str::to_owned);
    if let Some(needed) = needed {
        notes
            .error(at.clone(), format!("the browser needs `{needed}`, which this source would hide"))
            .advise("hide = false");
    }
    Some(SourceKind::ResponseHeader(marker))
}

/// A header's value, as text.
fn value(key: &str, written: Option<&Spanned<Value>>, notes: &mut Notes) -> Option<String> {
    let written = written?;
    let text = written.get_ref().as_str().map(str::to_owned);
    if text.is_none() {
        notes.error(written.span(), "expected the header's value as text").advise(format!("{key} = \"true\""));
    }
    text
}

/// Response fields that no browser does without.
const NEEDED: [&str; 8] = [
    "cache-control",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "location",
    "set-cookie",
    "transfer-encoding",
];

fn header(raw: &raw::Identity, at: &Range<usize>, context: &Context<'_>, notes: &mut Notes) -> Option<SourceKind> {
    only(raw, "header", &["user", "roles", "account"], notes);
    auth_proxy(at, context, notes);
    let names = header_names(raw, notes);
    if raw.user.is_none() {
        let hint = "user = \"X-Auth-Request-User\"";
        notes.missing(at.clone(), "a header source does not name the header with the user", hint);
    }
    let named = [&raw.user, &raw.roles, &raw.account].into_iter().flatten();
    for text in named.filter(|text| PLAIN.iter().any(|plain| text.get_ref().eq_ignore_ascii_case(plain))) {
        notes
            .error(text.span(), format!("`{}` is every request's, and would be taken from it", text.get_ref()))
            .advise("name a header that only the auth proxy sets");
    }
    names.user.is_some().then_some(SourceKind::Header(names))
}

/// Whether somebody may set the headers of an auth proxy, and not everybody.
pub(super) fn auth_proxy(at: &Range<usize>, context: &Context<'_>, notes: &mut Notes) {
    if context.trusted_proxies.is_empty() {
        let hint = "name the auth proxy: trusted_proxies = [\"10.0.0.5/32\"]";
        notes.missing(at.clone(), "a header source without `server.trusted_proxies`: nobody could set it", hint);
    }
    if let (Some(everybody), false) = (everybody(context.trusted_proxies), context.roles.internal.is_empty()) {
        notes
            .error(at.clone(), "`roles.internal` with a header that anybody may set")
            .advise(format!("`server.trusted_proxies` trusts everybody ({everybody}); name the proxies alone"));
    }
}

/// Request fields that are no auth proxy's: taking them from a request would break it.
const PLAIN: [&str; 14] = [
    "accept",
    "connection",
    "content-length",
    "content-type",
    "cookie",
    "forwarded",
    "host",
    "referer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
];

fn header_names(raw: &raw::Identity, notes: &mut Notes) -> HeaderNames {
    HeaderNames {
        user: field(raw.user.as_ref(), notes),
        roles: field(raw.roles.as_ref(), notes),
        account: field(raw.account.as_ref(), notes),
    }
}

fn field(text: Option<&Text>, notes: &mut Notes) -> Option<String> {
    header_name(text?, notes)
}

fn cookie(raw: &raw::Identity, at: &Range<usize>, context: &Context<'_>, notes: &mut Notes) -> Option<SourceKind> {
    only(raw, "cookie", &["logged_in", "user", "internal", "roles", "account"], notes);
    let trusted = "name a source that the client cannot forge: jwt, response_header, header, network";
    if let Some(internal) = &raw.internal {
        notes.error(internal.span(), "a cookie can be forged, and cannot yield `internal`").advise(trusted);
    }
    match &raw.roles {
        Some(roles) if context.roles.internal.is_empty() => {
            notes.error(roles.span(), "a cookie source cannot name roles").advise(trusted);
        }
        Some(roles) => {
            let message = "a cookie can be forged: roles from it cannot go with `roles.internal`";
            notes.error(roles.span(), message).advise(trusted);
        }
        None => {}
    }
    if let Some(account) = &raw.account {
        notes.error(account.span(), "a cookie source cannot name the account").advise(trusted);
    }
    let user = raw.user.as_ref().and_then(|text| cookie_name(text, notes));
    let patterns = raw.logged_in.as_ref().filter(|list| !list.get_ref().is_empty());
    let Some(patterns) = patterns else {
        let hint = "logged_in = [\"wordpress_logged_in_*\"]";
        notes.missing(at.clone(), "a cookie source does not name the cookies of the signed-in", hint);
        return None;
    };
    let mut logged_in = Vec::new();
    for text in patterns.get_ref() {
        match Pattern::name(text.get_ref()) {
            Ok(pattern) => logged_in.push(pattern),
            Err(error) => {
                notes.error(text.span(), error.to_string());
            }
        }
    }
    Some(SourceKind::Cookie { logged_in, user })
}

/// Notes keys that mean nothing to a source of this kind.
fn only(raw: &raw::Identity, kind: &str, known: &[&str], notes: &mut Notes) {
    for (name, at) in raw.given() {
        if !known.contains(&name) {
            let forged = if name == "internal" { "; `internal` is for networks, and for `roles.internal`" } else { "" };
            notes.error(at, format!("`{name}` means nothing to a source of kind `{kind}`{forged}")).advise(format!(
                "it knows {}",
                known.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
            ));
        }
    }
}
