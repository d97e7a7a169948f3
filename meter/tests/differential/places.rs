//! Where a story is committed: a store for each node, a ledger, and a keeper between them.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use portalmeter_meter::history::Memory;
use portalmeter_meter::keeper::{Feed, Keeper, Nothing, Outgoing, Settings};
use portalmeter_meter::ledger::sqlite::FILE;
use portalmeter_meter::ledger::{Ledger, open};
use portalmeter_meter::observation::Stamp;
use portalmeter_meter::store::embedded::EmbeddedStore;
use portalmeter_meter::store::redis::RedisStore;
use portalmeter_meter::store::{Batch, NodeId, Store, StoreError, commit};
use portalmeter_rules::time::Millis;
use tempfile::TempDir;

use super::books::{Books, Facts};
use super::delivery::{Delivery, NODES};
use super::portals::Portal;
use super::{BEGIN, HOUR, MINUTE, SECOND};
use crate::support::postgres::Postgres;
use crate::support::redis as servers;

/// What a node remembers, as `journal.keep` is by default.
pub(crate) const MEMORY: Memory = Memory { keep: 45 * MINUTE, settle: 2 * MINUTE, passed: Millis::MAX };

const YEAR: Millis = 365 * 24 * HOUR;

/// Deliveries within this time go on at once: then everybody waits for the last.
pub(crate) const AT_ONCE: Millis = 20 * SECOND;

/// Where the ledger is.
pub(crate) enum Paper {
    Sqlite(TempDir),
    Postgres(String),
}

/// A place under test.
pub(crate) struct Place {
    pub(crate) name: String,
    /// One, or one for each node.
    stores: Vec<Box<dyn Store + Send>>,
    paper: Paper,
    keeper: Keeper,
    clock: Arc<AtomicI64>,
    redis: Option<servers::Place>,
    /// Of a store whose ledger is elsewhere.
    _dir: Option<TempDir>,
}

impl Place {
    /// The embedded store, with the ledger in its file.
    pub(crate) fn embedded(portals: &[Portal]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = EmbeddedStore::open(dir.path()).unwrap();
        let feed = Nothing(Arc::new(|| Millis::MAX));
        Self::with("embedded".into(), vec![Box::new(store)], Box::new(feed), Paper::Sqlite(dir), None, portals)
    }

    /// The embedded store, with the ledger in Postgres.
    pub(crate) fn embedded_with_postgres(portals: &[Portal]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = EmbeddedStore::without_ledger(dir.path()).unwrap();
        let feed = Outgoing::open(dir.path(), Arc::new(|| Millis::MAX)).unwrap();
        let stores: Vec<Box<dyn Store + Send>> = vec![Box::new(store)];
        let place = Self::with("embedded, Postgres".into(), stores, Box::new(feed), postgres(), None, portals);
        Self { _dir: Some(dir), ..place }
    }

    /// A Redis, with a store for each node.
    pub(crate) fn redis(name: &str, url: &str, paper: Paper, portals: &[Portal]) -> Self {
        let redis = servers::Place { prefix: servers::prefix(), url: url.to_owned() };
        let store = || -> RedisStore {
            let mut store = redis.store();
            store.serve(&portals.iter().map(|portal| Arc::clone(&portal.name)).collect::<Vec<_>>()).unwrap();
            store
        };
        let feed = store();
        let stores: Vec<Box<dyn Store + Send>> = (0..NODES).map(|_| Box::new(store()) as _).collect();
        Self::with(name.to_owned(), stores, Box::new(feed), paper, Some(redis), portals)
    }

    fn with(
        name: String,
        mut stores: Vec<Box<dyn Store + Send>>,
        feed: Box<dyn Feed>,
        paper: Paper,
        redis: Option<servers::Place>,
        portals: &[Portal],
    ) -> Self {
        let stamps: Vec<Stamp> = portals.iter().map(|portal| portal.stamp.clone()).collect();
        for store in &mut stores {
            store.know(&stamps).unwrap();
        }
        let clock = Arc::new(AtomicI64::new(BEGIN));
        let settings = Settings {
            // Nothing is sealed: corrections are another test's.
            seal_after: YEAR,
            seal_wait: YEAR,
            keep_sessions: YEAR,
            flush_interval: Duration::from_mins(10),
            clock: {
                let clock = Arc::clone(&clock);
                Arc::new(move || clock.load(Ordering::Relaxed))
            },
            clock_offset: Arc::new(|_| {}),
            each_flush: Arc::new(|| {}),
        };
        let portals = portals.iter().map(|portal| (Arc::clone(&portal.name), portal.stamp.clone().into())).collect();
        let keeper = Keeper::start(feed, paper.open(), portals, settings).unwrap();
        Self { name, stores, paper, keeper, clock, redis, _dir: None }
    }

    /// Commits all of it, each node what is its, and brings it to the ledger.
    pub(crate) fn take(&mut self, deliveries: &[Delivery]) {
        let mut left = deliveries;
        while let Some(first) = left.first() {
            let memory = Memory { passed: if self.redis.is_some() { Millis::MAX } else { earliest(left) }, ..MEMORY };
            let (together, later) = left.split_at(left.partition_point(|one| one.now <= first.now + AT_ONCE));
            left = later;
            let count = self.stores.len();
            let now = together.last().map_or(BEGIN, |last| last.now);
            self.clock.store(now, Ordering::Relaxed);
            std::thread::scope(|scope| {
                for (number, store) in self.stores.iter_mut().enumerate() {
                    let theirs = together.iter().filter(move |one| one.node % count == number);
                    scope.spawn(move || theirs.for_each(|one| deliver(&mut **store, one, now, memory)));
                }
            });
            for (number, store) in self.stores.iter_mut().enumerate() {
                store.expire(now).unwrap();
                let theirs = later.iter().filter(|one| one.node % count == number);
                store.attend(node(number), earliest(theirs), now, MEMORY).unwrap();
            }
        }
        // Whoever is still there goes home.
        self.clock.fetch_add(24 * HOUR, Ordering::Relaxed);
        self.keeper.close();
        let health = self.keeper.health();
        assert_eq!((health.store, health.ledger, health.strange), (None, None, 0), "{}", self.name);
        assert_eq!(health.repaired, 0, "{}: counters differed from the ledger", self.name);
    }

    /// What the ledger has.
    pub(crate) fn books(&self, portals: &[Portal]) -> Books {
        Books::read(&mut *self.paper.open(), portals, self.paper.sessions())
    }

    /// What the counters of a portal say, and what they should by the ledger.
    pub(crate) fn counters(&self, portals: &[Portal]) -> Option<(Facts, Facts)> {
        let redis = self.redis.as_ref()?;
        let (mut counted, mut booked) = (Facts::new(), Facts::new());
        for portal in portals {
            let days: Vec<String> = redis.does(&portal.name, "SMEMBERS @days");
            for day in days {
                let fields: BTreeMap<String, i64> = redis.does(&portal.name, &format!("HGETALL @usage:{day}"));
                counted.insert(format!("{}:usage:{day}", portal.name), fact(fields));
            }
            booked.extend(self.paper.usage(portal).into_iter().map(|(day, fields)| (day, fact(fields))));
        }
        Some((counted, booked))
    }
}

fn node(number: usize) -> NodeId {
    NodeId([number as u8 + 1; 8])
}

/// What was seen first of what is not told yet.
fn earliest<'a>(deliveries: impl IntoIterator<Item = &'a Delivery>) -> Millis {
    let seen = deliveries.into_iter().flat_map(|one| &one.sighted).map(|one| one.observation.at);
    seen.min().unwrap_or(Millis::MAX)
}

/// Commits until it is in.
fn deliver(store: &mut dyn Store, delivery: &Delivery, now: Millis, memory: Memory) {
    loop {
        let batch = Batch::new(node(delivery.node), 0, delivery.sighted.clone(), now);
        match commit(store, &batch, memory) {
            Ok(done) => {
                assert_eq!(done.damaged, 0);
                return;
            }
            // Nobody has committed anything for the portal yet.
            Err(StoreError::Forgot) => store.begin_again().unwrap(),
            Err(StoreError::Contended(_)) => {}
            Err(error) => panic!("{error}"),
        }
    }
}

/// Counters that say something, in order.
fn fact(fields: BTreeMap<String, i64>) -> String {
    let said: Vec<String> =
        fields.into_iter().filter(|(_, count)| *count != 0).map(|(field, count)| format!("{field}={count}")).collect();
    said.join(" ")
}

/// An empty ledger in a Postgres.
pub(crate) fn postgres() -> Paper {
    Paper::Postgres(Postgres::shared().schema())
}

pub(crate) fn sqlite() -> Paper {
    Paper::Sqlite(tempfile::tempdir().unwrap())
}

impl Paper {
    fn open(&self) -> Box<dyn Ledger> {
        match self {
            Self::Sqlite(dir) => open("embedded", dir.path()).unwrap(),
            Self::Postgres(url) => open(url, Path::new("nowhere")).unwrap(),
        }
    }

    /// Sessions that are some: when each began, its class, and the last day it counted on.
    fn sessions(&self) -> Facts {
        match self {
            Self::Sqlite(dir) => {
                let sql = "SELECT id, portal || ' ' || module || ' ' || started || ' ' || class || ' ' || counted_day
                           FROM session WHERE NOT gone";
                let database = rusqlite::Connection::open(dir.path().join(FILE)).unwrap();
                let mut ask = database.prepare(sql).unwrap();
                let rows = ask.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
                rows.map(Result::unwrap).collect()
            }
            Self::Postgres(url) => {
                let schema = url.rsplit_once("%3D").unwrap().1;
                let sql = format!(
                    "SELECT replace(id::text, '-', ''), portal || ' ' || module || ' '
                            || (extract(epoch FROM started) * 1000)::bigint || ' ' || class || ' '
                            || (counted_day - DATE '1970-01-01')
                     FROM {schema}.session WHERE NOT gone"
                );
                let said = Postgres::shared().sql(&sql);
                said.lines()
                    .map(|line| line.split_once('|').unwrap())
                    .map(|(id, what)| (id.into(), what.into()))
                    .collect()
            }
        }
    }

    /// Usage of a portal's days and of those of its modules, under the names of the counters.
    fn usage(&self, portal: &Portal) -> BTreeMap<String, BTreeMap<String, i64>> {
        let totals = self.open().totals(&portal.name, portalmeter_meter::ledger::Which::All).unwrap();
        let mut usage: BTreeMap<String, BTreeMap<String, i64>> = BTreeMap::new();
        for total in totals.days {
            let day = format!("{}:usage:{}", portal.name, total.day);
            let module = total.module.map(|module| format!("{day}:{module}"));
            let [guest, external, internal, bot] = total.sums.records;
            let portalmeter_meter::usage::Sums { converted, page_views, actions, duration_ms, .. } = total.sums;
            for name in [Some(day), module].into_iter().flatten() {
                let fields = usage.entry(name).or_default();
                for (field, more) in [
                    ("guest", guest),
                    ("external", external),
                    ("internal", internal),
                    ("bot", bot),
                    ("guest_raw", guest + bot),
                    ("billable", guest + external),
                    ("converted", converted),
                    ("page_views", page_views),
                    ("actions", actions),
                    ("duration_ms", duration_ms),
                ] {
                    *fields.entry(field.to_owned()).or_default() += more;
                }
                let whole = fields["duration_ms"].div_euclid(1000);
                fields.insert("duration_seconds".to_owned(), whole);
            }
        }
        usage
    }
}
