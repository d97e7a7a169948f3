//! A portal's upstreams: names resolved off the request path, taken in turn.

use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use pingora::upstreams::peer::HttpPeer;

use crate::config::Upstream;

/// The upstreams of a portal.
#[derive(Debug)]
pub(crate) struct Upstreams {
    named: Vec<Upstream>,
    known: ArcSwap<Vec<Target>>,
    next: AtomicUsize,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Target {
    address: SocketAddr,
    tls: bool,
    host: String,
}

/// How long a portal may take. A portal that streams may stay silent for minutes.
const CONNECT: Duration = Duration::from_secs(10);
const SILENCE: Duration = Duration::from_mins(5);
/// Below what portals keep an idle connection for, so that we close it first.
const IDLE: Duration = Duration::from_secs(50);
const RESOLVE_AGAIN: Duration = Duration::from_secs(30);

impl Upstreams {
    /// These upstreams, resolved now if they can be.
    pub(crate) fn new(named: Vec<Upstream>) -> Self {
        let upstreams = Self { named, known: ArcSwap::default(), next: AtomicUsize::new(0) };
        upstreams.resolve();
        upstreams
    }

    /// Resolves all names again; one that fails keeps its last addresses.
    fn resolve(&self) {
        let known = self.known.load();
        let mut targets = Vec::new();
        for upstream in &self.named {
            match (upstream.host.as_str(), upstream.port).to_socket_addrs() {
                Ok(addresses) => targets.extend(addresses.map(|address| Target {
                    address,
                    tls: upstream.tls,
                    host: upstream.host.clone(),
                })),
                Err(error) => {
                    tracing::warn!(host = upstream.host, %error, "an upstream's name cannot be resolved");
                    targets.extend(known.iter().filter(|target| target.host == upstream.host).cloned());
                }
            }
        }
        if **known != targets {
            self.known.store(Arc::new(targets));
        }
    }

    /// The next one in turn; `None`: no name could be resolved yet.
    pub(crate) fn next(&self, streams: bool) -> Option<Box<HttpPeer>> {
        let known = self.known.load();
        let turn = self.next.fetch_add(1, Ordering::Relaxed);
        let target = known.get(turn.checked_rem(known.len())?)?;
        let mut peer = HttpPeer::new(target.address, target.tls, target.host.clone());
        let options = &mut peer.options;
        options.connection_timeout = Some(CONNECT);
        options.total_connection_timeout = Some(CONNECT);
        options.read_timeout = (!streams).then_some(SILENCE);
        options.write_timeout = Some(SILENCE);
        options.idle_timeout = Some(IDLE);
        Some(Box::new(peer))
    }
}

/// Keeps resolving names in a thread of its own, for as long as the process lives.
pub(crate) fn keep_resolving(all: Vec<Arc<Upstreams>>) -> std::io::Result<()> {
    let thread = std::thread::Builder::new().name("resolve".to_owned());
    thread.spawn(move || {
        loop {
            std::thread::sleep(RESOLVE_AGAIN);
            for upstreams in &all {
                upstreams.resolve();
            }
        }
    })?;
    Ok(())
}
