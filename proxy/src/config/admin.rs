//! The admin listener: where operators come in, and who of them may.

use std::net::SocketAddr;
use std::time::Duration;

use portalmeter_dashboard::access::{LONGEST_SESSION, Reach, Settings};
use portalmeter_rules::time::Millis;

use super::around::Around;
use super::problem::Notes;
use super::server::{Server, socket};
use super::units::{in_words, time};
use super::{raw, sso, users};

/// Where operators come in.
#[derive(Debug, Clone)]
pub(crate) struct Admin {
    /// Dashboard, API and metrics.
    pub(crate) listen: SocketAddr,
    /// Metrics need neither token nor login.
    pub(crate) metrics_open: bool,
    /// Who may come in.
    pub(crate) access: Settings,
}

/// A working day.
const SESSION: Duration = Duration::from_hours(12);
/// In less, nobody gets anything done between two logins.
const SHORTEST: Millis = 60_000;

pub(super) fn build(raw: &raw::Admin, server: &Server, around: Around<'_>, notes: &mut Notes) -> Admin {
    let listen = raw.listen.as_ref().and_then(|text| socket(text, notes));
    let listen = listen.unwrap_or(SocketAddr::from(([127, 0, 0, 1], 9090)));
    let sso = raw.sso.as_ref().and_then(|sso| sso::build(sso, &server.trusted_proxies, notes));
    let (sso, trusted_proxies) = match sso {
        Some((sso, trusted)) => (Some(sso), trusted),
        None => (None, server.trusted_proxies.clone()),
    };
    let reach = if listen.ip().is_loopback() { Reach::Loopback } else { Reach::Network };
    let users = users::build(&raw.user, raw.sso.is_some(), around, notes);
    let access = Settings { users, sso, trusted_proxies, idle: idle(raw, notes), reach };
    reachable(raw, &access, listen, notes);
    apart(raw, server, listen, notes);
    Admin { listen, metrics_open: raw.metrics_open, access }
}

/// What others reach needs users, and somebody who ends TLS.
fn reachable(raw: &raw::Admin, access: &Settings, listen: SocketAddr, notes: &mut Notes) {
    if let Some(sso) = raw.sso.as_ref().filter(|_| raw.user.is_empty()) {
        notes.warn(sso.span(), "does nothing without users").advise("[[admin.user]] with the names that it sends");
    }
    let Some(text) = raw.listen.as_ref().filter(|_| access.reach == Reach::Network) else { return };
    if raw.user.is_empty() {
        notes.error(text.span(), "an admin listener off the loopback needs users").advise(format!(
            "[[admin.user]], with what `portalmeter hash-password` prints; or write \"127.0.0.1:{}\"",
            listen.port()
        ));
    } else if access.trusted_proxies.is_empty() {
        notes.warn(text.span(), "passwords and cookies cross the network unencrypted: there is no TLS here").advise(
            "end TLS in a proxy before it, and name that proxy in `server.trusted_proxies`; or listen on the loopback",
        );
    }
}

/// Visitors and operators come in by different doors.
fn apart(raw: &raw::Admin, server: &Server, listen: SocketAddr, notes: &mut Notes) {
    let Some(taken) = server.listen.iter().find(|visitors| collide(**visitors, listen)) else { return };
    let message = format!("the admin listener {listen} and `server.listen` {taken} are in each other's way");
    let hint = "admin.listen = \"127.0.0.1:9090\", or another port";
    match &raw.listen {
        Some(text) => notes.error(text.span(), message).advise(hint),
        None => notes.error_at_large(message).advise(hint),
    };
}

fn collide(one: SocketAddr, other: SocketAddr) -> bool {
    let same = one.ip() == other.ip() || one.ip().is_unspecified() || other.ip().is_unspecified();
    one.port() == other.port() && one.port() != 0 && same
}

/// How long a session may be idle.
fn idle(raw: &raw::Admin, notes: &mut Notes) -> Millis {
    let idle = time(raw.session.as_ref(), SESSION, notes).as_millis() as Millis;
    if let Some(written) = raw.session.as_ref().filter(|_| !(SHORTEST..=LONGEST_SESSION).contains(&idle)) {
        let in_words = |millis: Millis| in_words(Duration::from_millis(millis.unsigned_abs()));
        let range = format!("between {} and {}", in_words(SHORTEST), in_words(LONGEST_SESSION));
        notes
            .error(written.span(), format!("a session cannot be idle for {}", in_words(idle)))
            .advise(format!("{range}, after which every session is over"));
        return SESSION.as_millis() as Millis;
    }
    idle
}
