//! Names of upstreams to addresses, off the request path, and again when DNS says that they may have changed.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::sync::Arc;
use std::sync::mpsc::{self, Sender};
use std::time::{Duration, Instant};

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{LookupIpStrategy, NameServerConfig, ResolverConfig};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use tokio::task::JoinSet;

use crate::upstream::Upstreams;

/// A record's time to live counts between these: one of none would be asked for all the time, and one of a day
/// would hold a portal that moved.
const SHORTEST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_mins(5);
/// Names that only the machine itself knows have no time to live.
const UNTIMED: Duration = Duration::from_secs(30);
/// A name that could not be resolved is tried again so soon.
const AGAIN: Duration = Duration::from_secs(5);
/// A start waits so long for the first answers.
const AT_START: Duration = Duration::from_secs(5);

/// Keeps resolving names in a thread of its own, for as long as the process lives; `servers` are asked instead of
/// the machine's own, if there are any. Returns once all names were tried, or after a while.
pub(crate) fn keep_resolving(all: &[Arc<Upstreams>], servers: &[SocketAddr]) -> io::Result<()> {
    let mut names: BTreeMap<String, Vec<Arc<Upstreams>>> = BTreeMap::new();
    for upstreams in all {
        for name in upstreams.names() {
            names.entry(name.to_owned()).or_default().push(Arc::clone(upstreams));
        }
    }
    if names.is_empty() {
        return Ok(());
    }
    let (trying, first_round) = mpsc::channel();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let servers = servers.to_vec();
    std::thread::Builder::new().name("resolve".to_owned()).spawn(move || {
        let _within = runtime.enter();
        let servers = Arc::new(Servers::asking(&servers));
        // A task a name: who waits for one that nobody answers holds up no other.
        let all: JoinSet<()> = names
            .into_iter()
            .map(|(name, upstreams)| Arc::clone(&servers).keep(name, upstreams, trying.clone()))
            .collect();
        drop(trying);
        runtime.block_on(all.join_all());
    })?;
    // Nothing is sent: it ends when the last one has tried.
    let _ = first_round.recv_timeout(AT_START);
    Ok(())
}

/// Who is asked.
struct Servers {
    dns: Option<TokioResolver>,
    /// Only who was named is asked.
    only_dns: bool,
}

impl Servers {
    fn asking(servers: &[SocketAddr]) -> Self {
        let builder = if servers.is_empty() {
            TokioResolver::builder_tokio().ok()
        } else {
            let server = |address: &SocketAddr| {
                let mut server = NameServerConfig::udp_and_tcp(address.ip());
                server.connections.iter_mut().for_each(|connection| connection.port = address.port());
                server
            };
            let config = ResolverConfig::from_name_servers(servers.iter().map(server).collect());
            Some(TokioResolver::builder_with_config(config, TokioRuntimeProvider::default()))
        };
        let dns = builder.and_then(|mut builder| {
            let options = builder.options_mut();
            // The time to live is kept here, and nothing is asked twice.
            options.cache_size = 0;
            options.ip_strategy = LookupIpStrategy::Ipv4thenIpv6;
            builder.build().ok()
        });
        Self { dns, only_dns: !servers.is_empty() }
    }

    async fn keep(self: Arc<Self>, name: String, upstreams: Vec<Arc<Upstreams>>, trying: Sender<()>) {
        let (mut trying, mut lost) = (Some(trying), false);
        loop {
            let holds = match self.ask(&name).await {
                Ok((addresses, holds)) => {
                    for upstreams in &upstreams {
                        upstreams.learn(&name, &addresses);
                    }
                    if lost {
                        tracing::info!(name, "an upstream's name is resolved again");
                    }
                    lost = false;
                    holds
                }
                Err(error) => {
                    if !lost {
                        tracing::warn!(name, error, "an upstream's name cannot be resolved; what it was is kept");
                    }
                    lost = true;
                    AGAIN
                }
            };
            drop(trying.take());
            tokio::time::sleep(holds).await;
        }
    }

    /// A name's addresses, and how long they hold.
    async fn ask(&self, name: &str) -> Result<(Vec<IpAddr>, Duration), String> {
        let mut why = "the machine names no DNS server".to_owned();
        if let Some(dns) = &self.dns {
            match dns.lookup_ip(name).await {
                Ok(answer) => {
                    let holds = answer.valid_until().saturating_duration_since(Instant::now());
                    return Ok((answer.iter().collect(), holds.clamp(SHORTEST, LONGEST)));
                }
                Err(error) => why = error.to_string(),
            }
        }
        if self.only_dns {
            return Err(why);
        }
        let host = name.to_owned();
        let local = tokio::task::spawn_blocking(move || (host.as_str(), 0).to_socket_addrs());
        match local.await {
            Ok(Ok(addresses)) => Ok((addresses.map(|address| address.ip()).collect(), UNTIMED)),
            Ok(Err(error)) => Err(format!("{why}; {error}")),
            Err(error) => Err(error.to_string()),
        }
    }
}
