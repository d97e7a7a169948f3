//! The process: where it listens, whom it trusts, what it keeps and for how long.

use std::net::{IpAddr, SocketAddr};
use std::ops::Range;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use ipnet::IpNet;
use portalmeter_rules::time::Millis;

use super::around::Around;
use super::nearest::suggestion;
use super::problem::Notes;
use super::raw::{self, Quantity, Text};
use super::units::{self, in_words};

/// Where visitors come in.
#[derive(Debug, Clone)]
pub(crate) struct Server {
    /// Plain listeners.
    pub(crate) listen: Vec<SocketAddr>,
    /// Worker threads.
    pub(crate) threads: usize,
    /// Peers whose `X-Forwarded-*` and identity headers count.
    pub(crate) trusted_proxies: Vec<IpNet>,
    /// How long a stop may take.
    pub(crate) drain: Duration,
}

/// Where operators come in.
#[derive(Debug, Clone)]
pub(crate) struct Admin {
    /// Dashboard, API and metrics.
    pub(crate) listen: SocketAddr,
    /// Metrics need no token.
    pub(crate) metrics_open: bool,
}

/// What is written before a page goes out.
#[derive(Debug, Clone)]
pub(crate) struct Journal {
    /// How long an acknowledged segment is kept, and how late an observation may come.
    pub(crate) keep: Millis,
    /// How large it may grow, in bytes.
    pub(crate) max_size: u64,
    /// How long a stalled disk may hold a page.
    pub(crate) max_wait: Duration,
    /// Where acknowledged segments go, for `recount`.
    pub(crate) archive: Option<PathBuf>,
    /// How long they stay there.
    pub(crate) archive_keep: Duration,
}

/// Where records rest.
#[derive(Debug, Clone)]
pub(crate) struct Ledger {
    /// How long after its end a day is final.
    pub(crate) seal_after: Duration,
    /// How long that may wait for a missing journal.
    pub(crate) seal_wait: Duration,
    /// How long single sessions can be looked up.
    pub(crate) keep_sessions: Duration,
}

/// How usage gets out.
#[derive(Debug, Clone)]
pub(crate) struct Flush {
    /// How often.
    pub(crate) interval: Duration,
    /// The files to write, if any.
    pub(crate) files: Option<Files>,
}

/// Usage files, one a day and portal.
#[derive(Debug, Clone)]
pub(crate) struct Files {
    /// Their folder.
    pub(crate) dir: PathBuf,
    /// As CSV.
    pub(crate) csv: bool,
    /// As JSON lines.
    pub(crate) jsonl: bool,
}

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);
/// Any machine we know of has fewer cores.
const MOST_THREADS: u64 = 1_024;

pub(super) fn server(raw: &raw::Server, notes: &mut Notes) -> Server {
    for tls in &raw.tls {
        notes
            .error(tls.span(), "TLS listeners come with a later release")
            .advise("until then, end TLS before portalmeter, and name that proxy in `trusted_proxies`");
    }
    let trusted_proxies: Vec<IpNet> = raw.trusted_proxies.iter().filter_map(|text| network(text, notes)).collect();
    for text in &raw.trusted_proxies {
        if text.get_ref().ends_with("/0") {
            notes
                .warn(text.span(), "every client is trusted: anybody may say who he is and where he comes from")
                .advise("name the proxies before portalmeter alone");
        }
    }
    Server {
        listen: listeners(raw, notes),
        threads: threads(raw, notes),
        trusted_proxies,
        drain: time(raw.drain.as_ref(), 10 * SECOND, notes),
    }
}

fn listeners(raw: &raw::Server, notes: &mut Notes) -> Vec<SocketAddr> {
    let Some(list) = &raw.listen else { return vec![SocketAddr::from(([0, 0, 0, 0], 8080))] };
    if list.get_ref().is_empty() {
        notes.missing(list.span(), "no address to listen on", "listen = [\"0.0.0.0:8080\"]");
    }
    let mut all: Vec<SocketAddr> = Vec::new();
    for text in list.get_ref() {
        let Some(address) = socket(text, notes) else { continue };
        if all.contains(&address) && address.port() != 0 {
            notes.error(text.span(), format!("`{address}` is listed twice"));
        }
        all.push(address);
    }
    all
}

fn threads(raw: &raw::Server, notes: &mut Notes) -> usize {
    let cores = || thread::available_parallelism().map_or(1, usize::from);
    let Some(threads) = &raw.threads else { return cores() };
    if !(1..=MOST_THREADS).contains(threads.get_ref()) {
        notes
            .error(threads.span(), format!("`{}` threads are not between 1 and {MOST_THREADS}", threads.get_ref()))
            .advise("leave it out to have one a core");
        return 1;
    }
    *threads.get_ref() as usize
}

pub(super) fn admin(raw: &raw::Admin, server: &Server, notes: &mut Notes) -> Admin {
    let listen = raw.listen.as_ref().and_then(|text| socket(text, notes));
    if let (Some(text), Some(address)) = (&raw.listen, listen)
        && !address.ip().is_loopback()
    {
        notes
            .error(text.span(), "an admin listener off the loopback needs users, which come with a later release")
            .advise(format!(
                "write \"127.0.0.1:{}\", and reach it through ssh -L or a proxy that asks",
                address.port()
            ));
    }
    users(&raw.user, notes);
    let listen = listen.unwrap_or(SocketAddr::from(([127, 0, 0, 1], 9090)));
    if let Some(taken) = server.listen.iter().find(|visitors| collide(**visitors, listen)) {
        let message = format!("the admin listener {listen} and `server.listen` {taken} are in each other's way");
        let hint = "admin.listen = \"127.0.0.1:9090\", or another port";
        match &raw.listen {
            Some(text) => notes.error(text.span(), message).advise(hint),
            None => notes.error_at_large(message).advise(hint),
        };
    }
    Admin { listen, metrics_open: raw.metrics_open }
}

fn collide(one: SocketAddr, other: SocketAddr) -> bool {
    let same = one.ip() == other.ip() || one.ip().is_unspecified() || other.ip().is_unspecified();
    one.port() == other.port() && one.port() != 0 && same
}

fn users(users: &[toml::Spanned<raw::User>], notes: &mut Notes) {
    const ROLES: [&str; 3] = ["admin", "viewer", "partner"];
    for user in users {
        let (at, user) = (user.span(), user.get_ref());
        notes.warn(at.clone(), "admin users take effect with a later release");
        if user.name.is_none() {
            notes.missing(at.clone(), "a user has no `name`", "name = \"ann\"");
        }
        match &user.role {
            Some(role) if !ROLES.contains(&role.get_ref().as_str()) => {
                let hint = suggestion(role.get_ref(), &ROLES);
                notes.error(role.span(), format!("`{}` is not a role", role.get_ref())).advise(hint);
            }
            Some(role) if role.get_ref() == "partner" && user.account.is_none() => {
                notes.missing(
                    at.clone(),
                    "a partner has no `account`",
                    "account = \"acme\": what the partner gets to see",
                );
            }
            Some(_) => {}
            None => notes.missing(at.clone(), "a user has no `role`", suggestion("", &ROLES)),
        }
        if user.password_hash.is_some() == user.token_hash.is_some() {
            notes.missing(at, "a user has either a `password_hash` or a `token_hash`", "one of the two");
        }
    }
}

/// The store is the embedded one; others come later.
pub(super) fn store(raw: &raw::Store, notes: &mut Notes) {
    const LATER: [&str; 4] = ["redis://", "rediss://", "redis+cluster://", "redis+sentinel://"];
    embedded(raw.url.as_ref(), "store", "a Redis store", &LATER, notes);
    if let Some(prefix) = &raw.prefix {
        super::names::plain_name(prefix, "prefix", notes);
    }
}

fn embedded(url: Option<&Text>, what: &str, later: &str, schemes: &[&str], notes: &mut Notes) {
    let Some(url) = url.filter(|url| url.get_ref() != "embedded") else { return };
    if schemes.iter().any(|scheme| url.get_ref().starts_with(scheme)) {
        notes.error(url.span(), format!("{later} comes with a later release")).advise("until then: url = \"embedded\"");
    } else {
        let message = format!("`{}` is not a {what}", url.get_ref());
        notes.error(url.span(), message).advise("url = \"embedded\"");
    }
}

/// `longest_idle` is the longest idle timeout of the portals.
pub(super) fn journal(raw: &raw::Journal, longest_idle: Millis, around: Around<'_>, notes: &mut Notes) -> Journal {
    let default = Duration::from_millis(longest_idle.unsigned_abs()) + Duration::from_mins(15);
    let keep = time(raw.keep.as_ref(), default, notes);
    if let Some(written) = &raw.keep
        && (keep.as_millis() as Millis) < longest_idle
    {
        let idle = in_words(Duration::from_millis(longest_idle.unsigned_abs()));
        notes
            .warn(
                written.span(),
                format!("shorter than the longest idle timeout, {idle}: what comes late may not count"),
            )
            .advise(format!("leave it out to have {}", in_words(default)));
    }
    if let (None, Some(written)) = (&raw.archive, &raw.archive_keep) {
        notes.warn(written.span(), "does nothing without `archive`").advise("archive = \"archive\"");
    }
    let max_size = raw.max_size.as_ref().map(|value| (value.span(), units::size(value.get_ref())));
    let max_size = match max_size {
        None => 10 << 30,
        Some((_, Ok(size))) if size >= SMALLEST_JOURNAL => size,
        Some((at, Ok(_))) => {
            notes.error(at, "the journal has no room for a segment").advise("at least \"16MiB\"");
            SMALLEST_JOURNAL
        }
        Some((at, Err(wrong))) => {
            notes.error(at, wrong.message).advise(wrong.hint);
            SMALLEST_JOURNAL
        }
    };
    Journal {
        keep: keep.as_millis() as Millis,
        max_size,
        max_wait: time(raw.max_wait.as_ref(), Duration::from_millis(20), notes),
        archive: raw.archive.as_ref().map(|text| around.folder(text, notes)),
        archive_keep: time(raw.archive_keep.as_ref(), 100 * DAY, notes),
    }
}

/// Two segments, each of a few megabytes.
const SMALLEST_JOURNAL: u64 = 16 << 20;

pub(super) fn ledger(raw: &raw::Ledger, notes: &mut Notes) -> Ledger {
    embedded(raw.url.as_ref(), "ledger", "a Postgres ledger", &["postgres://", "postgresql://"], notes);
    let seal_after = time(raw.seal_after.as_ref(), 12 * HOUR, notes);
    let seal_wait = time(raw.seal_wait.as_ref(), 24 * HOUR, notes);
    let written = raw.seal_wait.as_ref().or(raw.seal_after.as_ref());
    if let Some(written) = written.filter(|_| seal_wait < seal_after) {
        let message = format!(
            "a day is sealed at the latest after {}, and not before {}",
            in_words(seal_wait),
            in_words(seal_after)
        );
        notes.error(written.span(), message).advise("`seal_wait` is no shorter than `seal_after`");
    }
    Ledger { seal_after, seal_wait, keep_sessions: time(raw.keep_sessions.as_ref(), 400 * DAY, notes) }
}

pub(super) fn flush(raw: &raw::Flush, around: Around<'_>, notes: &mut Notes) -> Flush {
    let interval = time(raw.interval.as_ref(), 10 * SECOND, notes);
    if let Some(written) = raw.interval.as_ref().filter(|_| interval.is_zero()) {
        notes.error(written.span(), "an interval of nothing").advise("interval = \"10s\"");
    }
    Flush { interval, files: raw.files.as_ref().map(|files| usage_files(files.span(), files.get_ref(), around, notes)) }
}

fn usage_files(at: Range<usize>, raw: &raw::Files, around: Around<'_>, notes: &mut Notes) -> Files {
    const FORMATS: [&str; 2] = ["csv", "jsonl"];
    let dir = raw.dir.as_ref().map(|dir| around.folder(dir, notes));
    if dir.is_none() {
        notes.missing(at, "usage files have no `dir`", "files = { dir = \"usage\" }");
    }
    let mut files = Files { dir: dir.unwrap_or_default(), csv: raw.formats.is_none(), jsonl: raw.formats.is_none() };
    let Some(formats) = &raw.formats else { return files };
    if formats.get_ref().is_empty() {
        notes.missing(formats.span(), "no format is named", "formats = [\"csv\", \"jsonl\"]");
    }
    for format in formats.get_ref() {
        match format.get_ref().as_str() {
            "csv" => files.csv = true,
            "jsonl" => files.jsonl = true,
            other => {
                let message = format!("`{other}` is not a format of usage files");
                notes.error(format.span(), message).advise(suggestion(other, &FORMATS));
            }
        }
    }
    files
}

/// A duration, or the default where none is written.
pub(super) fn time(written: Option<&Quantity>, default: Duration, notes: &mut Notes) -> Duration {
    written.and_then(|written| duration(written, notes)).unwrap_or(default)
}

/// A duration as written.
pub(super) fn duration(written: &Quantity, notes: &mut Notes) -> Option<Duration> {
    let wrong = match units::duration(written.get_ref()) {
        Ok(duration) => return Some(duration),
        Err(wrong) => wrong,
    };
    notes.error(written.span(), wrong.message).advise(wrong.hint);
    None
}

/// A network, or one address.
pub(super) fn network(text: &Text, notes: &mut Notes) -> Option<IpNet> {
    let written = text.get_ref();
    let parsed = written.parse::<IpNet>().ok().or_else(|| written.parse::<IpAddr>().ok().map(IpNet::from));
    if parsed.is_none() {
        notes
            .error(text.span(), format!("`{written}` is not a network"))
            .advise("an address and the length of its prefix, such as \"10.0.0.0/8\" or \"2001:db8::/32\"");
    }
    parsed
}

fn socket(text: &Text, notes: &mut Notes) -> Option<SocketAddr> {
    let written = text.get_ref();
    if let Ok(address) = written.parse::<SocketAddr>() {
        if address.port() == 0 {
            notes.warn(text.span(), "the system picks a port, another one at each start").advise("such as 8080");
        }
        return Some(address);
    }
    let port = written.rsplit(':').next().filter(|port| port.parse::<u16>().is_ok());
    let hint = match (port, written.parse::<IpAddr>()) {
        (_, Ok(IpAddr::V6(address))) => format!("write \"[{address}]:8080\""),
        (_, Ok(IpAddr::V4(address))) => format!("write \"{address}:8080\""),
        (Some(port), _) if written.starts_with("localhost") => format!("write \"127.0.0.1:{port}\""),
        (Some(port), _) if *port == **written || written.starts_with([':', '*']) => format!("write \"0.0.0.0:{port}\""),
        _ => "an IP address and a port, such as \"0.0.0.0:8080\" or \"[::]:8080\"".to_owned(),
    };
    notes.error(text.span(), format!("`{written}` is not an address to listen on")).advise(hint);
    None
}
