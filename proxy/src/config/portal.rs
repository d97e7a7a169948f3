//! One portal: where it lies, what of it counts, and where its requests go.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::ops::Range;
use std::sync::Arc;

use ipnet::IpNet;
use portalmeter_meter::observation::Stamp;
use portalmeter_meter::policy::Experience;
use portalmeter_rules::identity::{Source, SourceKind};
use portalmeter_rules::portal::{Host, Place};
use portalmeter_rules::visitor::Mode;
use portalmeter_rules::{judge, roles::Roles};
use toml::Spanned;

use super::around::Around;
use super::engagement::{self, Gathers};
use super::limits::{self, Patience};
use super::names::plain_name;
use super::overlap::Claim;
use super::problem::Notes;
use super::product::{self, Preset};
use super::raw;
use super::upstream::{Upstream, upstream};
use super::{bots, identity, pages, policy, visitor};

/// A metered portal, ready to run.
#[derive(Debug, Clone)]
pub(crate) struct Portal {
    /// What its traffic is.
    pub(crate) rules: judge::Portal,
    /// By which policy it counts.
    pub(crate) stamp: Stamp,
    /// Where its requests go; at least one.
    pub(crate) upstream: Vec<Upstream>,
    /// How long they may take.
    pub(crate) patience: Patience,
    /// Request fields of `header` sources, in lower case: taken from whoever is not a trusted peer.
    pub(crate) identity_headers: Vec<String>,
    /// Response fields that the client does not see, in lower case.
    pub(crate) hidden_headers: Vec<String>,
    /// Whether visitors get a cookie of ours: mode `cookie`, and metering on.
    pub(crate) issues_cookie: bool,
    /// What its product's preset filled in.
    pub(crate) preset: Preset,
    /// Sessions a minute that may begin at an address without a cookie.
    pub(crate) starts_per_minute: Option<NonZeroU32>,
    /// Sessions a month that the contract covers.
    pub(crate) contracted_sessions: Option<u64>,
    /// How its engagement is gathered, unless it is not.
    pub(crate) engagement: Option<Gathers>,
}

/// What a portal is checked against.
#[derive(Clone, Copy)]
pub(super) struct Context<'a> {
    pub(super) around: Around<'a>,
    pub(super) trusted_proxies: &'a [IpNet],
    pub(super) listen: &'a [SocketAddr],
}

/// A portal, and what it claims beside the others.
pub(super) fn build(raw: &Spanned<raw::Portal>, context: Context<'_>, notes: &mut Notes) -> (Portal, Claim) {
    let (at, raw) = (raw.span(), raw.get_ref());
    let name = name(raw, &at, notes);
    let experience = policy::experience(raw, notes);
    let hosts = hosts(raw, &at, notes);
    let paths = paths(raw, notes);
    let default = raw.default.as_ref().filter(|default| *default.get_ref()).map(Spanned::span);
    let policy = policy::build(raw, experience, notes);
    let preset = product::build(raw, notes);
    let roles = super::roles::build(&raw.roles, &preset, experience, notes);
    let sources = sources(raw, &preset, &roles, context, notes);
    if experience == Experience::WebEmbeddables {
        pages::embeddables(raw, notes);
    }
    let names: Vec<Host> = hosts.iter().map(|(host, _)| host.clone()).collect();
    let visitor = visitor::build(&raw.visitor, &preset, experience, &names, notes);
    let claim = Claim { name: name.clone().zip(raw.name.as_ref().map(Spanned::span)), hosts, paths, default };
    let place = Place { hosts: names, paths: prefixes(&claim), default: claim.default.is_some() };
    let portal = Portal {
        issues_cookie: visitor.mode == Mode::Cookie && !policy.trial,
        patience: limits::patience(&raw.timeouts, notes),
        upstream: upstreams(raw, &at, context.listen, notes),
        identity_headers: identity_headers(&sources),
        hidden_headers: hidden_headers(&sources),
        starts_per_minute: starts_per_minute(&raw.guard, notes),
        contracted_sessions: contracted(raw, notes),
        engagement: engagement::build(raw, notes),
        stamp: Stamp::new(policy),
        rules: judge::Portal {
            name: Arc::from(name.unwrap_or_default()),
            place,
            module: pages::module(&raw.pages, notes),
            pages: pages::build(&raw.pages, &preset, experience, notes),
            identity: sources,
            roles,
            visitor,
            agents: bots::build(&raw.bots, context.around, notes),
        },
        preset,
    };
    (portal, claim)
}

fn name(raw: &raw::Portal, at: &Range<usize>, notes: &mut Notes) -> Option<String> {
    let Some(text) = &raw.name else {
        notes.missing(at.clone(), "a portal has no `name`", "name = \"support\"");
        return None;
    };
    plain_name(text, "portal", notes)
}

fn hosts(raw: &raw::Portal, at: &Range<usize>, notes: &mut Notes) -> Vec<(Host, Range<usize>)> {
    let example = "hosts = [\"support.example.com\"], or [\"*\"] for any";
    let Some(list) = &raw.hosts else {
        notes.missing(at.clone(), "a portal has no `hosts`", example);
        return Vec::new();
    };
    if list.get_ref().is_empty() {
        notes.missing(list.span(), "a portal has no `hosts`", example);
    }
    let mut hosts: Vec<(Host, Range<usize>)> = Vec::new();
    for text in list.get_ref() {
        match text.get_ref().parse::<Host>() {
            Ok(host) if hosts.iter().any(|(other, _)| *other == host) => {
                notes.warn(text.span(), format!("`{}` is listed twice", text.get_ref()));
            }
            Ok(host) => hosts.push((host, text.span())),
            Err(error) => {
                notes.error(text.span(), error.to_string()).advise(host_hint(text.get_ref()));
            }
        }
    }
    hosts
}

fn host_hint(text: &str) -> String {
    let bare =
        judge::host_of(text.split_once("://").map_or(text, |(_, rest)| rest).split('/').next().unwrap_or_default());
    if !text.is_ascii() {
        "names with other letters are written in punycode: \"xn--…\"".to_owned()
    } else if bare != text && bare.parse::<Host>().is_ok() {
        format!("write \"{bare}\": a host has no scheme, port or path")
    } else if text.contains('*') {
        "a `*` stands alone, or as `*.` before a name".to_owned()
    } else {
        "such as \"support.example.com\", \"*.example.com\" or \"*\"".to_owned()
    }
}

/// Prefixes without a slash at the end; the empty one is everything.
fn paths(raw: &raw::Portal, notes: &mut Notes) -> Vec<(String, Range<usize>)> {
    let Some(list) = &raw.paths else { return vec![(String::new(), 0..0)] };
    if list.get_ref().is_empty() {
        notes.missing(list.span(), "no path is metered", "leave `paths` out to meter everything");
    }
    let mut paths: Vec<(String, Range<usize>)> = Vec::new();
    for text in list.get_ref() {
        let path = text.get_ref();
        if !path.starts_with('/') || path.contains(['*', '?', '#']) || path.contains(char::is_whitespace) {
            let stem = path.split(['*', '?', '#']).next().unwrap_or_default().trim_end_matches('/');
            let hint = if stem.starts_with('/') {
                format!("write \"{stem}\": a path means all that is below it")
            } else if path.contains('*') || path.is_empty() {
                "write \"/\", or leave `paths` out".to_owned()
            } else {
                pages::anchored(stem)
            };
            notes.error(text.span(), format!("`{path}` is not a path")).advise(hint);
            continue;
        }
        pages::one_form(text, notes);
        let prefix = path.trim_end_matches('/').to_owned();
        if paths.iter().any(|(other, _)| *other == prefix) {
            notes.warn(text.span(), format!("`{path}` is listed twice"));
        } else {
            paths.push((prefix, text.span()));
        }
    }
    paths
}

fn prefixes(claim: &Claim) -> Vec<String> {
    let prefix = |path: &String| if path.is_empty() { "/".to_owned() } else { path.clone() };
    claim.paths.iter().map(|(path, _)| prefix(path)).collect()
}

fn upstreams(raw: &raw::Portal, at: &Range<usize>, listen: &[SocketAddr], notes: &mut Notes) -> Vec<Upstream> {
    let example = "upstream = [\"http://10.0.0.5:8000\"]";
    let Some(list) = &raw.upstream else {
        notes.missing(at.clone(), "a portal has no `upstream`", example);
        return Vec::new();
    };
    if list.get_ref().is_empty() {
        notes.missing(list.span(), "a portal has no `upstream`", example);
    }
    list.get_ref().iter().filter_map(|text| upstream(text, listen, notes)).collect()
}

/// The portal's own sources, or those of its product where it names none.
fn sources(raw: &raw::Portal, preset: &Preset, roles: &Roles, context: Context<'_>, notes: &mut Notes) -> Vec<Source> {
    let Context { around, trusted_proxies, .. } = context;
    let context = identity::Context { around, roles, trusted_proxies };
    match (&raw.identity, &raw.product) {
        (None, Some(product)) => preset.sources(&product.span(), &context, notes),
        (own, _) => identity::sources(own.as_deref().unwrap_or_default(), &context, notes),
    }
}

fn identity_headers(sources: &[Source]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for source in sources {
        if let SourceKind::Header(headers) = &source.kind {
            names.extend(headers.all().map(str::to_owned));
        }
    }
    sorted(names)
}

fn hidden_headers(sources: &[Source]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for source in sources {
        if let SourceKind::ResponseHeader(marker) = &source.kind {
            names.extend(marker.hidden().map(str::to_owned));
        }
    }
    sorted(names)
}

fn sorted(mut names: Vec<String>) -> Vec<String> {
    names.sort();
    names.dedup();
    names
}

fn starts_per_minute(raw: &raw::Guard, notes: &mut Notes) -> Option<NonZeroU32> {
    const MOST: u64 = 60_000;
    let written = raw.starts_per_minute.as_ref()?;
    if *written.get_ref() > MOST {
        notes.error(written.span(), format!("more than {MOST} starts a minute are no guard")).advise("0 is off");
        return None;
    }
    NonZeroU32::new(*written.get_ref() as u32)
}

fn contracted(raw: &raw::Portal, notes: &mut Notes) -> Option<u64> {
    let written = raw.contracted_sessions.as_ref()?;
    if *written.get_ref() == 0 {
        notes.error(written.span(), "a contract over no sessions").advise("leave it out if there is none");
    }
    Some(*written.get_ref())
}

/// A host as configurations write it.
pub(crate) fn shown_host(host: &Host) -> String {
    match host {
        Host::Exact(name) => name.clone(),
        Host::Below(name) => format!("*.{name}"),
        Host::Any => "*".to_owned(),
    }
}
