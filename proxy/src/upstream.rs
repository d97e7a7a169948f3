//! A portal's upstreams: their addresses, as last resolved, taken in turn; one that cannot be reached is passed
//! over for a while.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use arc_swap::{ArcSwap, ArcSwapOption};
use pingora::upstreams::peer::HttpPeer;

use crate::config::{Patience, Upstream};

/// The upstreams of a portal.
#[derive(Debug)]
pub(crate) struct Upstreams {
    named: Vec<Upstream>,
    patience: Patience,
    known: ArcSwap<Vec<Arc<Target>>>,
    next: AtomicUsize,
}

#[derive(Debug)]
struct Target {
    address: SocketAddr,
    tls: bool,
    host: String,
    /// Passed over until then, if there is another.
    down_until: ArcSwapOption<Instant>,
}

/// Who could not be reached is passed over for so long.
const DOWN: Duration = Duration::from_secs(5);

impl Upstreams {
    /// These upstreams; addresses are known at once, names once they are resolved.
    pub(crate) fn new(named: Vec<Upstream>, patience: Patience) -> Self {
        let upstreams = Self { named, patience, known: ArcSwap::default(), next: AtomicUsize::new(0) };
        for (host, address) in upstreams.addresses().collect::<Vec<_>>() {
            upstreams.learn(&host, &[address]);
        }
        upstreams
    }

    fn addresses(&self) -> impl Iterator<Item = (String, IpAddr)> {
        self.named.iter().filter_map(|upstream| Some((upstream.host.clone(), upstream.host.parse().ok()?)))
    }

    /// Names that have to be resolved.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.named.iter().map(|upstream| upstream.host.as_str()).filter(|host| host.parse::<IpAddr>().is_err())
    }

    /// A name's addresses, from now on.
    pub(crate) fn learn(&self, host: &str, addresses: &[IpAddr]) {
        let known = self.known.load();
        let mut targets: Vec<Arc<Target>> = Vec::new();
        for upstream in &self.named {
            if upstream.host != host {
                let others = known.iter().filter(|target| {
                    target.host == upstream.host && target.address.port() == upstream.port && target.tls == upstream.tls
                });
                targets.extend(others.cloned());
                continue;
            }
            for address in addresses {
                let address = SocketAddr::new(*address, upstream.port);
                let same = |target: &&Arc<Target>| {
                    target.address == address && target.host == host && target.tls == upstream.tls
                };
                targets.push(known.iter().find(same).cloned().unwrap_or_else(|| {
                    let (tls, host) = (upstream.tls, host.to_owned());
                    Arc::new(Target { address, tls, host, down_until: ArcSwapOption::empty() })
                }));
            }
        }
        self.known.store(Arc::new(targets));
    }

    /// The next one in turn; `None`: no name could be resolved yet.
    pub(crate) fn next(&self, streams: bool) -> Option<Box<HttpPeer>> {
        let known = self.known.load();
        let turn = self.next.fetch_add(1, Ordering::Relaxed).checked_rem(known.len())?;
        let in_turn = || known[turn..].iter().chain(&known[..turn]);
        let target = in_turn().find(|target| !target.is_down()).or_else(|| in_turn().next())?;
        let mut peer = HttpPeer::new(target.address, target.tls, target.host.clone());
        let (options, patience) = (&mut peer.options, self.patience);
        options.connection_timeout = Some(patience.connect);
        options.total_connection_timeout = Some(patience.connect);
        options.read_timeout = (!streams).then_some(patience.silence);
        options.write_timeout = Some(patience.silence);
        options.idle_timeout = Some(patience.idle);
        Some(Box::new(peer))
    }

    /// One could not be reached. Whether there is another to try.
    pub(crate) fn unreachable(&self, address: SocketAddr) -> bool {
        let known = self.known.load();
        for target in known.iter().filter(|target| target.address == address) {
            target.down_until.store(Some(Arc::new(Instant::now() + DOWN)));
        }
        known.iter().any(|target| !target.is_down())
    }
}

impl Target {
    fn is_down(&self) -> bool {
        self.down_until.load().as_ref().is_some_and(|until| Instant::now() < **until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Patience = Patience { connect: DOWN, silence: DOWN, idle: DOWN };

    fn upstreams(hosts: &[&str]) -> Upstreams {
        let named = |host: &&str| Upstream { host: (*host).to_owned(), port: 80, tls: false };
        Upstreams::new(hosts.iter().map(named).collect(), PATIENCE)
    }

    fn taken(upstreams: &Upstreams) -> String {
        upstreams.next(false).map_or_else(|| "none".to_owned(), |peer| peer._address.to_string())
    }

    #[test]
    fn addresses_are_taken_in_turn() {
        let upstreams = upstreams(&["10.0.0.1", "10.0.0.2"]);
        assert_eq!([taken(&upstreams), taken(&upstreams)], ["10.0.0.1:80", "10.0.0.2:80"]);
    }

    #[test]
    fn a_name_is_taken_once_it_is_known_and_the_others_stay() {
        let upstreams = upstreams(&["portal.example", "10.0.0.2"]);
        assert_eq!(taken(&upstreams), "10.0.0.2:80");
        upstreams.learn("portal.example", &["10.0.0.7".parse().unwrap()]);
        let mut seen = [taken(&upstreams), taken(&upstreams)];
        seen.sort();
        assert_eq!(seen, ["10.0.0.2:80", "10.0.0.7:80"]);
        assert_eq!(upstreams.names().collect::<Vec<_>>(), ["portal.example"]);
    }

    #[test]
    fn one_that_cannot_be_reached_is_passed_over_while_there_is_another() {
        let upstreams = upstreams(&["10.0.0.1", "10.0.0.2"]);
        assert!(upstreams.unreachable("10.0.0.1:80".parse().unwrap()));
        assert_eq!([taken(&upstreams), taken(&upstreams)], ["10.0.0.2:80", "10.0.0.2:80"]);
        assert!(!upstreams.unreachable("10.0.0.2:80".parse().unwrap()), "nothing is left to try");
        assert_ne!(taken(&upstreams), "none", "and still a request may try");
    }

    #[test]
    fn what_is_not_resolved_is_nobody() {
        assert_eq!(taken(&upstreams(&["portal.example"])), "none");
    }
}
