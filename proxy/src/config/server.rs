//! The process: where it listens, whom it trusts, what it keeps and for how long.

use std::net::{IpAddr, SocketAddr};
use std::thread;
use std::time::Duration;

use ipnet::IpNet;

use super::limits;
use super::problem::Notes;
use super::raw::{self, Text};
use super::units::time;
use crate::door::Timeouts;
use crate::door::head::Limits;

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
    /// How large a request's head may be.
    pub(crate) limits: Limits,
    /// Bytes a request's body may have, if there is a bound.
    pub(crate) largest_body: Option<u64>,
    /// DNS servers for the names of upstreams, instead of the machine's own.
    pub(crate) resolver: Vec<SocketAddr>,
    /// How long a client may take.
    pub(crate) timeouts: Timeouts,
}

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
    let (limits, largest_body) = limits::limits(&raw.limits, notes);
    Server {
        limits,
        largest_body,
        timeouts: limits::timeouts(&raw.timeouts, notes),
        resolver: raw.resolver.iter().flat_map(toml::Spanned::get_ref).filter_map(|text| dns(text, notes)).collect(),
        listen: listeners(raw, notes),
        threads: threads(raw, notes),
        trusted_proxies,
        drain: time(raw.drain.as_ref(), Duration::from_secs(10), notes),
    }
}

/// A DNS server's address, with or without a port.
fn dns(text: &Text, notes: &mut Notes) -> Option<SocketAddr> {
    const PORT: u16 = 53;
    let written = text.get_ref();
    let bare = written.parse::<IpAddr>().map(|ip| SocketAddr::new(ip, PORT));
    let server = bare.or_else(|_| written.parse()).ok().filter(|server| server.port() != 0);
    if server.is_none() {
        notes
            .error(text.span(), format!("`{written}` is not the address of a DNS server"))
            .advise("such as \"10.0.0.2\" or \"10.0.0.2:53\"");
    }
    server
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

pub(super) fn socket(text: &Text, notes: &mut Notes) -> Option<SocketAddr> {
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
