//! Where usage records rest: in the data directory, or in Postgres; and when a day of theirs is final.

use std::time::Duration;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use portalmeter_meter::ledger::LedgerError;
use portalmeter_meter::ledger::postgres::PostgresLedger;
use toml::Spanned;

use super::around::Around;
use super::certificates;
use super::hidden::{self, Hidden};
use super::location::{self, Location, Written, Wrong};
use super::nearest::suggestion;
use super::problem::Notes;
use super::raw;
use super::store::{Store, does_nothing, one_password};
use super::units::{in_words, time};
use super::veil::veiled_url;

/// Where records rest.
#[derive(Debug, Clone)]
pub(crate) struct Ledger {
    /// Where.
    pub(crate) place: Place,
    /// How long after its end a day is final.
    pub(crate) seal_after: Duration,
    /// How long that may wait for a missing journal.
    pub(crate) seal_wait: Duration,
    /// How long single sessions can be looked up.
    pub(crate) keep_sessions: Duration,
}

/// Where records rest.
#[derive(Debug, Clone)]
pub(crate) enum Place {
    /// In the data directory.
    Embedded,
    /// In Postgres.
    Postgres(Postgres),
}

/// How Postgres is reached.
#[derive(Debug, Clone)]
pub(crate) struct Postgres {
    /// Its URL, password, certificates and all, as libpq knows it.
    pub(crate) url: Hidden,
    /// Its URL as it may be shown.
    pub(crate) shown: String,
}

const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);
const SEAL_WAIT: Duration = DAY;

const SCHEMES: [&str; 3] = ["embedded", "postgres://", "postgresql://"];

/// The ledger that is configured.
pub(super) fn build(raw: &raw::Ledger, store: &Store, around: Around<'_>, notes: &mut Notes) -> Ledger {
    let place = place(raw, around, notes);
    let seal_after = time(raw.seal_after.as_ref(), 12 * HOUR, notes);
    let seal_wait = time(raw.seal_wait.as_ref(), SEAL_WAIT, notes);
    let written = raw.seal_wait.as_ref().or(raw.seal_after.as_ref());
    if let Some(written) = written.filter(|_| seal_wait < seal_after) {
        let message = format!(
            "a day is sealed at the latest after {}, and not before {}",
            in_words(seal_wait),
            in_words(seal_after)
        );
        notes.error(written.span(), message).advise("`seal_wait` is no shorter than `seal_after`");
    } else if let (Some(written), Store::Embedded) = (&raw.seal_wait, store)
        && seal_wait != SEAL_WAIT
    {
        let hint = "it is for several nodes, which share a Redis: [store] url = \"redis://…\"";
        does_nothing(written.span(), "with the embedded store, whose only node is waited for anyway", hint, notes);
    }
    Ledger { place, seal_after, seal_wait, keep_sessions: time(raw.keep_sessions.as_ref(), 400 * DAY, notes) }
}

fn place(raw: &raw::Ledger, around: Around<'_>, notes: &mut Notes) -> Place {
    let written = location::written(raw.url.as_ref(), raw.url_env.as_ref(), raw.url_file.as_ref(), around, notes);
    let Some(written) = written.filter(|written| written.url != "embedded") else {
        let settings = [raw.password.as_ref().map(Spanned::span), raw.ca_file.as_ref().map(Spanned::span)];
        for at in settings.into_iter().flatten().filter(|_| raw.url_env.is_none() && raw.url_file.is_none()) {
            does_nothing(at, "with the embedded ledger", "it belongs to url = \"postgres://…\"", notes);
        }
        return Place::Embedded;
    };
    let password = hidden::password(raw.password.as_ref(), around, notes);
    let authorities = raw.ca_file.as_ref().filter(|file| certificates::read(file, around, notes).is_some());
    let authorities = authorities.map(|file| around.path(file.get_ref()).to_string_lossy().into_owned());
    match location::parse(&written.url).and_then(known) {
        Ok(location) => {
            let in_url = location.password.as_ref();
            let beside =
                one_password(in_url, password, raw.password.as_ref(), &written, notes).filter(|_| in_url.is_none());
            let more = [("password", beside.as_ref().map(Hidden::reveal)), ("sslrootcert", authorities.as_deref())];
            match connection(&written.url, &location, &more) {
                Ok(url) => Place::Postgres(Postgres { shown: shown(&location), url }),
                Err(wrong) => refuse(&written, wrong, notes),
            }
        }
        Err(wrong) => refuse(&written, wrong, notes),
    }
}

fn refuse(written: &Written, (message, hint): Wrong, notes: &mut Notes) -> Place {
    notes.error(written.at.clone(), format!("{} {message}", written.name)).advise(hint);
    Place::Embedded
}

fn known(location: Location) -> Result<Location, Wrong> {
    let scheme = format!("{}://", location.scheme);
    if SCHEMES.contains(&scheme.as_str()) {
        return Ok(location);
    }
    let hint = if location.scheme.starts_with("redis") {
        "that is a store: [store] url = \"redis://…\"".to_owned()
    } else {
        suggestion(&scheme, &SCHEMES)
    };
    Err(("is not a ledger".to_owned(), hint))
}

/// Without user and options.
fn shown(location: &Location) -> String {
    let hosts = location.hosts.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
    veiled_url(&format!("postgres://{hosts}/{}", location.path))
}

/// What libpq may be told in a URL, as far as this program understands it.
const OPTIONS: [&str; 19] = [
    "application_name",
    "channel_binding",
    "connect_timeout",
    "dbname",
    "host",
    "hostaddr",
    "keepalives",
    "keepalives_idle",
    "keepalives_interval",
    "keepalives_retries",
    "load_balance_hosts",
    "options",
    "password",
    "port",
    "sslmode",
    "sslnegotiation",
    "sslrootcert",
    "target_session_attrs",
    "user",
];

/// The whole URL, with what was written beside it.
fn connection(url: &str, location: &Location, more: &[(&str, Option<&str>)]) -> Result<Hidden, Wrong> {
    let mut options: Vec<String> = Vec::new();
    for pair in location.query.split('&').filter(|pair| !pair.is_empty()) {
        let name = pair.split('=').next().unwrap_or(pair);
        if matches!(name, "sslcert" | "sslkey") {
            let hint = "a user and a password are, or their certificate at a proxy beside it";
            return Err((format!("has `{name}`, which is not understood here"), hint.to_owned()));
        }
        if !OPTIONS.contains(&name) {
            return Err((format!("has an option that is not understood, `{name}`"), suggestion(name, &OPTIONS)));
        }
        options.push(pair.to_owned());
    }
    if location.fragment.is_some() {
        return Err(("has a `#`".to_owned(), "within user and password write %23 for #".to_owned()));
    }
    if location.hosts.is_empty() && !options.iter().any(|pair| pair.starts_with("host")) {
        let hint = "such as \"postgres://10.0.0.5/portalmeter\", or \"postgres:///portalmeter?host=/run/postgresql\"";
        return Err(("names no host".to_owned(), hint.to_owned()));
    }
    for (name, value) in more {
        options.extend(value.map(|value| format!("{name}={}", utf8_percent_encode(value, NON_ALPHANUMERIC))));
    }
    let base = url.split(['?', '#']).next().unwrap_or(url);
    let whole = if options.is_empty() { base.to_owned() } else { format!("{base}?{}", options.join("&")) };
    match PostgresLedger::new(&whole) {
        Ok(_) => Ok(Hidden::new(whole)),
        Err(error) => {
            let hint = "such as \"postgres://pm@10.0.0.5/portalmeter?sslmode=verify-full\"";
            let why = match &error {
                LedgerError::Address(why) => why.clone(),
                other => other.to_string(),
            };
            Err((format!("cannot be used: {why}"), hint.to_owned()))
        }
    }
}
