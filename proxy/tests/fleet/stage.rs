//! Everything that runs: portal, Redis, Postgres, nodes; gone with its value.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

use tempfile::TempDir;

use super::calendar::Calendar;
use super::nodes::{Node, Settings};
use super::portal;
use super::servers::postgres::Postgres;
use super::servers::redis::{Cluster, Redis};
use super::servers::relay::Relay;

/// Where sessions live.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum StoreKind {
    Embedded,
    Redis,
    /// With a replica, behind relays.
    Replicated,
    Cluster,
}

/// Where records rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum LedgerKind {
    Embedded,
    Postgres,
}

/// What to set up.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Setup {
    pub(crate) nodes: usize,
    pub(crate) store: StoreKind,
    pub(crate) ledger: LedgerKind,
    /// Nodes reach Redis and Postgres by ways that can be cut.
    pub(crate) relays: bool,
    /// The clock of the last node is ahead by so many seconds, or behind.
    pub(crate) ahead: i64,
    /// Redis and Postgres write into memory: the disks of other machines are not the nodes'.
    pub(crate) elsewhere: bool,
    /// So long does the portal take for each answer.
    pub(crate) takes: Duration,
}

/// Redis, in one of its shapes.
#[derive(Debug, Default)]
pub(crate) struct Store {
    /// The one that nodes write to, or the primaries of a cluster.
    pub(crate) primaries: Vec<Redis>,
    pub(crate) replica: Option<Redis>,
    /// The replica's way to its primary.
    pub(crate) following: Option<Relay>,
}

/// A stage that is set.
#[derive(Debug)]
pub(crate) struct Stage {
    pub(crate) setup: Setup,
    pub(crate) nodes: Vec<Node>,
    pub(crate) store: Mutex<Store>,
    pub(crate) postgres: Mutex<Option<Postgres>>,
    /// Each node's way to Redis, and to Postgres.
    pub(crate) to_store: Vec<Relay>,
    pub(crate) to_ledger: Vec<Relay>,
    folder: Option<TempDir>,
    servers: Option<TempDir>,
}

impl Stage {
    /// Starts everything; `program` is `portalmeter`.
    pub(crate) fn set(setup: Setup, program: &Path, calendar: &Calendar) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path();
        let servers = setup.elsewhere.then(|| tempfile::tempdir_in("/dev/shm").unwrap());
        let of_servers = servers.as_ref().unwrap_or(&folder).path();
        let upstream = portal::start(setup.takes);
        let store = Store::start(setup.store, of_servers);
        let postgres = (setup.ledger == LedgerKind::Postgres).then(|| Postgres::start(of_servers));
        let relays = |server: Option<SocketAddr>| -> Vec<Relay> {
            let server = server.filter(|_| setup.relays);
            server.map(|server| (0..setup.nodes).map(|_| Relay::to(server)).collect()).unwrap_or_default()
        };
        // A cluster tells its clients addresses of its own, which no relay can stand for.
        let alone = store.primaries.first().filter(|_| setup.store != StoreKind::Cluster);
        let to_store = relays(alone.map(|redis| redis.address));
        let to_ledger = relays(postgres.as_ref().map(|postgres| postgres.address));
        let node = |number: usize| {
            let through = to_store.get(number).map(|relay| relay.address);
            let ledger = postgres
                .as_ref()
                .map(|postgres| Postgres::url(to_ledger.get(number).map_or(postgres.address, |relay| relay.address)));
            let settings = Settings {
                dir,
                program,
                upstream,
                zone: &calendar.zone,
                store: store.url(setup.store, through),
                ledger: ledger.unwrap_or_else(|| "embedded".to_owned()),
                ahead: if number + 1 == setup.nodes { setup.ahead } else { 0 },
            };
            Node::start(number, &settings)
        };
        let nodes = (0..setup.nodes).map(node).collect();
        Self {
            setup,
            nodes,
            store: Mutex::new(store),
            postgres: Mutex::new(postgres),
            to_store,
            to_ledger,
            folder: Some(folder),
            servers,
        }
    }

    /// Leaves everything on disk, and says where.
    pub(crate) fn keep(&mut self) -> Option<PathBuf> {
        self.servers.take().map(TempDir::keep);
        self.folder.take().map(TempDir::keep)
    }
}

impl Store {
    pub(crate) fn start(kind: StoreKind, dir: &Path) -> Self {
        match kind {
            StoreKind::Embedded => Self::default(),
            StoreKind::Redis => Self { primaries: vec![Redis::start(dir, &[])], ..Self::default() },
            StoreKind::Cluster => Self { primaries: Cluster::start(dir).primaries, ..Self::default() },
            StoreKind::Replicated => {
                let (primary, replica) = (Redis::start(dir, &[]), Redis::start(dir, &[]));
                let following = Relay::to(primary.address);
                replica.follow(following.address);
                Self { primaries: vec![primary], replica: Some(replica), following: Some(following) }
            }
        }
    }

    fn url(&self, kind: StoreKind, through: Option<SocketAddr>) -> String {
        let addresses: Vec<String> = match through {
            Some(relay) => vec![relay.to_string()],
            None => self.primaries.iter().map(|redis| redis.address.to_string()).collect(),
        };
        match kind {
            StoreKind::Embedded => "embedded".to_owned(),
            StoreKind::Redis | StoreKind::Replicated => format!("redis://{}", addresses[0]),
            StoreKind::Cluster => format!("redis+cluster://{}", addresses.join(",")),
        }
    }
}
