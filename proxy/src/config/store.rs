//! Where live state and counters are kept: in the data directory, or in Redis.

use std::fmt;
use std::ops::Range;
use std::time::Duration;

use toml::Spanned;

use super::around::Around;
use super::certificates;
use super::hidden::{self, Hidden};
use super::location::{self, Host, Location, Written, Wrong};
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
    Redis(Box<Redis>),
}

/// How Redis is reached.
#[derive(Debug, Clone)]
#[allow(dead_code, reason = "the Redis store is on its way")]
pub(crate) struct Redis {
    /// Which servers.
    pub(crate) servers: Servers,
    /// The user of an access control list; none is `default`.
    pub(crate) user: Option<String>,
    /// Theirs.
    pub(crate) password: Option<Hidden>,
    /// The number of the database.
    pub(crate) database: u32,
    /// Over TLS.
    pub(crate) tls: bool,
    /// Certificates (PEM) of who signed the servers', instead of the machine's own.
    pub(crate) authorities: Option<Vec<u8>>,
    /// What all keys begin with.
    pub(crate) prefix: String,
    /// How long a connection may take.
    pub(crate) connect: Duration,
    /// How long an answer may take.
    pub(crate) answer: Duration,
}

/// Which servers.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(dead_code, reason = "the Redis store is on its way")]
pub(crate) enum Servers {
    /// This one.
    One(Server),
    /// A cluster, known by some of its nodes.
    Cluster(Vec<Server>),
    /// Whichever is the master, as sentinels say.
    Sentinel {
        /// The sentinels.
        sentinels: Vec<Server>,
        /// What they call the master.
        master: String,
        /// Their user.
        user: Option<String>,
        /// Their password.
        password: Option<Hidden>,
    },
}

/// A server: name or address, and port.
pub(crate) type Server = (String, u16);

const PORT: u16 = 6379;
const SENTINEL_PORT: u16 = 26_379;
const PREFIX: &str = "pm";
/// Longer than any round trip, shorter than anybody's patience.
const TIMEOUT: Duration = Duration::from_secs(2);

const SCHEMES: [&str; 7] = [
    "embedded",
    "redis://",
    "rediss://",
    "redis+cluster://",
    "rediss+cluster://",
    "redis+sentinel://",
    "rediss+sentinel://",
];

impl fmt::Display for Redis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let listed = |servers: &[Server]| {
            let host = |(name, port): &Server| Host { name: name.clone(), port: Some(*port) }.to_string();
            servers.iter().map(host).collect::<Vec<_>>().join(",")
        };
        let scheme = if self.tls { "rediss" } else { "redis" };
        match &self.servers {
            Servers::One(server) => write!(f, "{scheme}://{}/{}", listed(std::slice::from_ref(server)), self.database),
            Servers::Cluster(nodes) => write!(f, "{scheme}+cluster://{}", listed(nodes)),
            Servers::Sentinel { sentinels, master, .. } => {
                write!(f, "{scheme}+sentinel://{}/{master}/{}", listed(sentinels), self.database)
            }
        }
    }
}

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
    let authorities = raw.ca_file.as_ref().and_then(|file| certificates::read(file, around, notes));
    let timeout = |written: Option<&raw::Quantity>, notes: &mut Notes| {
        let timeout = time(written, TIMEOUT, notes);
        if let Some(written) = written.filter(|_| timeout.is_zero()) {
            notes.error(written.span(), "no answer comes in no time").advise("such as \"2s\"");
        }
        timeout
    };
    let (connect, answer) =
        (timeout(raw.timeouts.connect.as_ref(), notes), timeout(raw.timeouts.answer.as_ref(), notes));
    let location = match location::parse(&written.url).and_then(known) {
        Ok(location) => location,
        Err(wrong) => return refuse(&written, wrong, notes),
    };
    let sentinel_user = raw.sentinel_user.as_ref().map(|user| user.get_ref().clone());
    let (servers, database) = match servers(&location, sentinel_user, sentinel_password) {
        Ok(servers) => servers,
        Err(wrong) => return refuse(&written, wrong, notes),
    };
    let tls = location.scheme.starts_with("rediss");
    unused(raw, &servers, tls, notes);
    Store::Redis(Box::new(Redis {
        servers,
        user: location.user.clone(),
        password: one_password(location.password.as_ref(), password, raw.password.as_ref(), &written, notes),
        database,
        tls,
        authorities,
        prefix: prefix.unwrap_or_else(|| PREFIX.to_owned()),
        connect,
        answer,
    }))
}

fn refuse(written: &Written, (message, hint): Wrong, notes: &mut Notes) -> Store {
    notes.error(written.at.clone(), format!("{} {message}", written.name)).advise(hint);
    Store::Embedded
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
        notes.warn(written.at.clone(), "whoever may read this file has the password").advise(
            "leave it out of the URL, and write password = { file = \"…\" } or { env = \"…\" }, or use `url_env`",
        );
    }
    in_url.cloned().or(beside)
}

fn known(location: Location) -> Result<Location, Wrong> {
    let scheme = format!("{}://", location.scheme);
    if SCHEMES.contains(&scheme.as_str()) {
        return Ok(location);
    }
    let hint = match location.scheme.as_str() {
        "postgres" | "postgresql" => "that is a ledger: [ledger] url = \"postgres://…\"".to_owned(),
        "redis-sentinel" => "redis+sentinel://".to_owned(),
        "redis-cluster" => "redis+cluster://".to_owned(),
        "valkey" => "Valkey is spoken to as Redis: redis://".to_owned(),
        _ => suggestion(&scheme, &SCHEMES),
    };
    Err(("is not a store".to_owned(), hint))
}

/// The servers and the database of a location.
fn servers(
    location: &Location,
    sentinel_user: Option<String>,
    sentinel_password: Option<Hidden>,
) -> Result<(Servers, u32), Wrong> {
    let wrong = |message: &str, hint: &str| Err((message.to_owned(), hint.to_owned()));
    if location.fragment.is_some() {
        return wrong("has a `#`", "whom to trust is said by `ca_file`");
    }
    if !location.query.is_empty() {
        return wrong("has a `?`", "what it would set has keys of its own in [store]");
    }
    let kind = location.scheme.split_once('+').map_or("", |(_, kind)| kind);
    let port = if kind == "sentinel" { SENTINEL_PORT } else { PORT };
    let all: Vec<Server> = location.hosts.iter().map(|host| (host.name.clone(), host.port.unwrap_or(port))).collect();
    let Some(first) = all.first().cloned() else { return wrong("names no host", "such as \"redis://10.0.0.5:6379\"") };
    if all.iter().any(|(name, _)| matches!(name.as_str(), "0.0.0.0" | "::")) {
        return wrong("names no host", "0.0.0.0 is where one listens, not where one asks");
    }
    let (master, database) = match kind {
        "sentinel" => location.path.split_once('/').unwrap_or((&location.path, "")),
        _ => ("", location.path.as_str()),
    };
    let Ok(database) = (if database.is_empty() { Ok(0) } else { database.trim_end_matches('/').parse::<u32>() }) else {
        return wrong("does not end with the number of a database", "such as \"redis://10.0.0.5:6379/0\"");
    };
    match kind {
        "cluster" if database != 0 => wrong("names a database", "a cluster has one alone: leave the number out"),
        "cluster" => Ok((Servers::Cluster(all), 0)),
        "sentinel" if master.is_empty() => wrong(
            "does not say what the sentinels call the master",
            "such as \"redis+sentinel://10.0.0.5:26379,10.0.0.6:26379/mymaster\"",
        ),
        "sentinel" => {
            let (master, user, password) = (master.to_owned(), sentinel_user, sentinel_password);
            Ok((Servers::Sentinel { sentinels: all, master, user, password }, database))
        }
        _ if all.len() > 1 => {
            wrong("names several servers", "they are a cluster or sentinels: redis+cluster://, redis+sentinel://")
        }
        _ => Ok((Servers::One(first), database)),
    }
}

/// Settings of Redis that do nothing, as there is none.
fn idle(raw: &raw::Store, notes: &mut Notes) {
    let prefix = raw.prefix.as_ref().filter(|prefix| prefix.get_ref() != PREFIX).map(Spanned::span);
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
fn unused(raw: &raw::Store, servers: &Servers, tls: bool, notes: &mut Notes) {
    if let Some(file) = raw.ca_file.as_ref().filter(|_| !tls) {
        does_nothing(file.span(), "without TLS", "write rediss:// to have the connection encrypted", notes);
    }
    if !matches!(servers, Servers::Sentinel { .. }) {
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
