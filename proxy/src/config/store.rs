//! Where live state and counters are kept: in the data directory, or in Redis.

use std::ops::Range;

use portalmeter_meter::store::redis::address::{NotAnAddress, Shape};
use portalmeter_meter::store::redis::{Address, Settings};
use toml::Spanned;

use super::around::Around;
use super::certificates;
use super::hidden::{self, Hidden};
use super::location::{self, ESCAPES, Written, Wrong};
use super::names::plain_name;
use super::nearest::suggestion;
use super::problem::Notes;
use super::raw;
use super::units::time;

/// Where live state and counters are kept.
#[derive(Debug, Clone)]
pub(crate) enum Store {
    /// In the data directory, for a single node.
    Embedded,
    /// In Redis, for any number of nodes.
    Redis(Box<Settings>),
}

const SCHEMES: [&str; 7] = [
    "embedded",
    "redis://",
    "rediss://",
    "redis+cluster://",
    "rediss+cluster://",
    "redis+sentinel://",
    "rediss+sentinel://",
];

/// The store that is configured.
pub(super) fn build(raw: &raw::Store, around: Around<'_>, notes: &mut Notes) -> Store {
    let prefix = raw.prefix.as_ref().and_then(|prefix| plain_name(prefix, "prefix", notes));
    let written = location::written(raw.url.as_ref(), raw.url_env.as_ref(), raw.url_file.as_ref(), around, notes);
    let Some(written) = written.filter(|written| written.url != "embedded") else {
        if raw.url_env.is_none() && raw.url_file.is_none() {
            idle(raw, notes);
        }
        return Store::Embedded;
    };
    let password = hidden::password(raw.password.as_ref(), around, notes);
    let sentinel_password = hidden::password(raw.sentinel_password.as_ref(), around, notes);
    let ca = raw.ca_file.as_ref().and_then(|file| certificates::read(file, around, notes));
    let mut address = match Address::parse(&written.url).map_err(|why| in_words(&why, &written.url)).and_then(known) {
        Ok(address) => address,
        Err((message, hint)) => {
            notes.error(written.at.clone(), format!("{} {message}", written.name)).advise(hint);
            return Store::Embedded;
        }
    };
    unused(raw, &address, notes);
    let in_url = address.login.password.take().filter(|password| !password.is_empty()).map(Hidden::new);
    let password = one_password(in_url.as_ref(), password, raw.password.as_ref(), &written, notes);
    address.login.password = password.map(|password| password.reveal().to_owned());
    if let Shape::Sentinel { login, .. } = &mut address.shape {
        login.user = raw.sentinel_user.as_ref().map(|user| user.get_ref().clone()).or(login.user.take());
        login.password = sentinel_password.map(|password| password.reveal().to_owned()).or(login.password.take());
    }
    let mut settings = Settings { ca, ..Settings::new(address) };
    settings.prefix = prefix.unwrap_or(settings.prefix);
    for (timeout, written) in
        [(&mut settings.connect_timeout, &raw.timeouts.connect), (&mut settings.response_timeout, &raw.timeouts.answer)]
    {
        *timeout = time(written.as_ref(), *timeout, notes);
        if let Some(written) = written.as_ref().filter(|_| timeout.is_zero()) {
            notes.error(written.span(), "no answer comes in no time").advise("such as \"2s\"");
        }
    }
    Store::Redis(Box::new(settings))
}

/// The password of the URL, or the one beside it; and a word where it lies open.
pub(super) fn one_password(
    in_url: Option<&Hidden>,
    beside: Option<Hidden>,
    beside_at: Option<&Spanned<raw::Hidden>>,
    written: &Written,
    notes: &mut Notes,
) -> Option<Hidden> {
    if let (Some(_), Some(at)) = (in_url, beside_at) {
        let problem = notes.error(at.span(), "the URL has a password already");
        problem.also(written.at.clone(), "here").advise("leave it out of the URL");
    } else if in_url.is_some() && written.in_file {
        let hint =
            "leave it out of the URL, and write password = { file = \"…\" } or { env = \"…\" }, or use `url_env`";
        notes.warn(written.at.clone(), "whoever may read this file has the password").advise(hint);
    }
    in_url.cloned().or(beside)
}

/// Somewhere that can be asked.
fn known(address: Address) -> Result<Address, Wrong> {
    let hosts = match &address.shape {
        Shape::Single { host, .. } => std::slice::from_ref(host),
        Shape::Cluster { hosts } | Shape::Sentinel { hosts, .. } => hosts,
    };
    if hosts.iter().any(|host| matches!(host.name.as_str(), "0.0.0.0" | "::")) {
        return Err(("names no host".to_owned(), "0.0.0.0 is where one listens, not where one asks".to_owned()));
    }
    Ok(address)
}

/// What is wrong with an address, without anything of it that may be a password.
fn in_words(why: &NotAnAddress, url: &str) -> Wrong {
    let said = |message: &str, hint: &str| (message.to_owned(), hint.to_owned());
    match why {
        NotAnAddress::Scheme => ("is not a store".to_owned(), another_scheme(url)),
        NotAnAddress::NoHost => said("names no host", "such as \"redis://10.0.0.5:6379\""),
        NotAnAddress::Hosts(_) => {
            said("names several servers", "they are a cluster or sentinels: redis+cluster://, redis+sentinel://")
        }
        NotAnAddress::Host(text) if text.contains('#') => said("has a `#`", "whom to trust is said by `ca_file`"),
        NotAnAddress::Host(_) => said("names a server that cannot be", "such as \"redis://10.0.0.5:6379\""),
        NotAnAddress::Database(_) => {
            said("does not end with the number of a database", "such as \"redis://10.0.0.5:6379/0\"")
        }
        NotAnAddress::ClusterDatabase(_) => said("names a database", "a cluster has one alone: leave the number out"),
        NotAnAddress::NoMaster => said(
            "does not say what the sentinels call the primary",
            "such as \"redis+sentinel://10.0.0.5:26379,10.0.0.6:26379/mymaster\"",
        ),
        NotAnAddress::Path(_) => said("goes on where it should end", "such as \"redis://10.0.0.5:6379/0\""),
        NotAnAddress::Parameter(_) => {
            said("has a `?` and a parameter that there is not", "what it would set has a key of its own in [store]")
        }
        NotAnAddress::Percent | NotAnAddress::Ambiguous => said("cannot be told from its password", ESCAPES),
    }
}

fn another_scheme(url: &str) -> String {
    let Some((scheme, _)) = url.split_once("://") else { return "such as \"redis://10.0.0.5:6379\"".to_owned() };
    match scheme {
        "postgres" | "postgresql" => "that is a ledger: [ledger] url = \"postgres://…\"".to_owned(),
        "redis-sentinel" => "redis+sentinel://".to_owned(),
        "redis-cluster" => "redis+cluster://".to_owned(),
        "valkey" => "Valkey is spoken to as Redis: redis://".to_owned(),
        _ => suggestion(&format!("{scheme}://"), &SCHEMES),
    }
}

/// Settings of Redis that do nothing, as there is none.
fn idle(raw: &raw::Store, notes: &mut Notes) {
    let prefix = raw.prefix.as_ref().filter(|prefix| prefix.get_ref() != "pm").map(Spanned::span);
    let settings = [
        prefix,
        raw.password.as_ref().map(Spanned::span),
        raw.sentinel_user.as_ref().map(Spanned::span),
        raw.sentinel_password.as_ref().map(Spanned::span),
        raw.ca_file.as_ref().map(Spanned::span),
        raw.timeouts.connect.as_ref().map(Spanned::span),
        raw.timeouts.answer.as_ref().map(Spanned::span),
    ];
    for at in settings.into_iter().flatten() {
        does_nothing(at, "with the embedded store", "it belongs to url = \"redis://…\"", notes);
    }
}

/// Settings that do nothing with these servers.
fn unused(raw: &raw::Store, address: &Address, notes: &mut Notes) {
    if let Some(file) = raw.ca_file.as_ref().filter(|_| !address.tls) {
        does_nothing(file.span(), "without TLS", "write rediss:// to have the connection encrypted", notes);
    }
    if !matches!(address.shape, Shape::Sentinel { .. }) {
        let settings =
            [raw.sentinel_user.as_ref().map(Spanned::span), raw.sentinel_password.as_ref().map(Spanned::span)];
        for at in settings.into_iter().flatten() {
            does_nothing(at, "without sentinels", "it belongs to url = \"redis+sentinel://…\"", notes);
        }
    }
}

/// Warns of a setting that does nothing.
pub(super) fn does_nothing(at: Range<usize>, why: &str, hint: &str, notes: &mut Notes) {
    notes.warn(at, format!("does nothing {why}")).advise(hint);
}
