//! What a node keeps its counts in: store and ledger as configured, who brings one to the other, and the clock.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use portalmeter_meter::engine::{self, Engine, Recovered, Recovery, SharedStore};
use portalmeter_meter::history::Memory;
use portalmeter_meter::journal::adopt::adopt;
use portalmeter_meter::keeper::{self, Feed, Keeper, Nothing, Outgoing, Recalled};
use portalmeter_meter::observation::Stamp;
use portalmeter_meter::stamping::Stamping;
use portalmeter_meter::store::embedded::EmbeddedStore;
use portalmeter_meter::store::redis::clock::Offset;
use portalmeter_meter::store::redis::{self, NodeState, RedisStore};
use portalmeter_meter::store::{Recall, Store};
use portalmeter_meter::uptime::uptime;
use portalmeter_rules::time::{Millis, instant};

use crate::config::{self, Config, Place};
use crate::ledger;
use crate::metering::{micros_now, now};
use crate::usage_files::UsageFiles;

/// The time by which observations are stamped: the store's, if it has one, carried on by a clock that nobody sets.
#[derive(Debug, Clone, Default)]
pub(crate) struct Clock(Arc<Lacks>);

/// 0 before it is known.
#[derive(Debug, Default)]
struct Lacks {
    /// What the machine's uptime lacks to the store's time, in microseconds.
    uptime: AtomicI64,
    /// What its time of day lacks, in milliseconds, as it was put down.
    time_of_day: AtomicI64,
}

impl Clock {
    /// Now, in milliseconds since the Unix epoch.
    pub(crate) fn now(&self) -> Millis {
        match self.0.uptime.load(Ordering::Relaxed) {
            0 => now(),
            lacks => (uptime() + lacks).div_euclid(1000),
        }
    }

    /// What it lacks to the store's, also at a start that finds the store away.
    fn lacks(&self, offset: Offset, data_dir: &Path) {
        self.0.uptime.store(offset.uptime, Ordering::Relaxed);
        let offset = offset.millis;
        if self.0.time_of_day.swap(offset, Ordering::Relaxed) == offset {
            return;
        }
        let (draft, file) = (data_dir.join("clock.draft"), data_dir.join(OFFSET));
        if let Err(error) = std::fs::write(&draft, format!("{offset}\n")).and_then(|()| std::fs::rename(draft, file)) {
            tracing::debug!(%error, "how far our clock is from the store's could not be put down");
        }
    }

    /// What it lacked when the store was last there.
    fn lacks_as_before(&self, data_dir: &Path) {
        let before = std::fs::read_to_string(data_dir.join(OFFSET)).ok();
        let lacked: Millis = before.and_then(|text| instant(text.trim_end())).unwrap_or_default();
        self.0.uptime.store(micros_now() + lacked * 1000 - uptime(), Ordering::Relaxed);
    }
}

/// Holds by how many milliseconds our clock is behind the store's.
const OFFSET: &str = "clock";

/// So long a Redis is waited for that has the secret of all nodes.
const SECRET: Duration = Duration::from_secs(10);

/// The secret that all nodes share. Where none is configured, the first that any of them made.
pub(crate) fn secret(config: &Config) -> Result<Vec<u8>, String> {
    let ours = config::load_or_generate(config).map_err(|error| format!("the secret: {error}"))?;
    let config::Store::Redis(settings) = &config.store else { return Ok(ours) };
    if !config.secret.generated {
        return Ok(ours);
    }
    let mut redis = RedisStore::new(settings);
    let begun = Instant::now();
    let theirs = loop {
        match redis.secret(&ours) {
            Ok(theirs) => break theirs,
            Err(error) if begun.elapsed() > SECRET => {
                return Err(format!(
                    "no `secret` is configured, and the one that all nodes share cannot be had: {error}; configure one, and nodes start without Redis"
                ));
            }
            Err(_) => std::thread::sleep(redis.again_in().unwrap_or(Duration::from_millis(100))),
        }
    };
    if theirs != ours {
        config::keep_shared_secret(config, &theirs).map_err(|error| format!("the secret: {error}"))?;
    }
    Ok(theirs)
}

/// The store, and what the engine needs beside it.
pub(crate) fn store(config: &Config, clock: &Clock) -> Result<(Box<dyn Store>, Option<SharedStore>), String> {
    let journals = config.data_dir.join("journal");
    let told = |error: &dyn std::fmt::Display| error.to_string();
    match &config.store {
        config::Store::Embedded => {
            let open = match &config.ledger.place {
                Place::Embedded => EmbeddedStore::open,
                Place::Postgres(_) => EmbeddedStore::without_ledger,
            };
            let mut store = open(&config.data_dir).map_err(|error| told(&error))?;
            store.know(&stamps(config)).map_err(|error| told(&error))?;
            let memory = Memory::keeping(config.journal.keep);
            let recovery = Recovery { store: &mut store, recall: None, memory, now: clock.now() };
            engine::recover(&journals, recovery).map_err(|error| told(&error))?.tell();
            Ok((Box::new(store), None))
        }
        config::Store::Redis(settings) => {
            let mut store = connect(config, settings);
            match store.clock() {
                Ok(offset) => clock.lacks(offset, &config.data_dir),
                Err(_) => clock.lacks_as_before(&config.data_dir),
            }
            let recall = Arc::new(Mutex::new(Recalled(ledger::to_keep(config).map_err(|error| told(&error))?)));
            Ok((Box::new(store), Some(SharedStore { journals, portals: portals(config), recall })))
        }
    }
}

/// Commits segments of a node that never comes back, and keeps a copy with our own journals: the store may forget. The
/// error beside what was found is the copy's.
pub(crate) fn apply(config: &Config, segments: &[PathBuf]) -> Result<(Recovered, io::Result<()>), String> {
    let clock = Clock::default();
    let lock = match config.store {
        config::Store::Embedded => Some(super::command::run::lock(&config.data_dir)?),
        config::Store::Redis(_) => None,
    };
    let (mut store, shared) = store(config, &clock)?;
    let mut recall = shared.as_ref().map(|shared| shared.recall.lock().unwrap_or_else(PoisonError::into_inner));
    if shared.is_some() {
        // A node that begins with an empty Redis makes what is missing there.
        if store.continuity().map_err(|error| error.to_string())?.is_some() {
            store.begin_again().map_err(|error| error.to_string())?;
        }
    }
    let recovery = Recovery {
        store: &mut *store,
        recall: recall.as_deref_mut().map(|recall| recall as &mut dyn Recall),
        memory: Memory::keeping(config.journal.keep),
        now: clock.now(),
    };
    let found = engine::apply(segments, recovery).map_err(|error| error.to_string())?;
    let kept = adopt(&config.data_dir.join("journal"), segments, clock.now());
    drop(lock);
    Ok((found, kept))
}

/// Nodes that each have a ledger start within so many milliseconds of each other, and notice a reset.
const LEDGERS_COME: Millis = 60_000;

/// Brings what commits tell to the ledger.
pub(crate) fn keeper(
    config: &Config,
    clock: &Clock,
    engine: &Arc<Engine>,
    stampings: Vec<Stamping>,
) -> Result<Keeper, String> {
    let passed = {
        let (engine, clock) = (Arc::clone(engine), clock.clone());
        Arc::new(move || if engine.backlog().0 == 0 { clock.now() } else { 0 })
    };
    let feed: Box<dyn Feed> = match (&config.store, &config.ledger.place) {
        (config::Store::Embedded, Place::Embedded) => Box::new(Nothing(passed)),
        (config::Store::Embedded, Place::Postgres(_)) => {
            Box::new(Outgoing::open(&config.data_dir, passed).map_err(|error| error.to_string())?)
        }
        (config::Store::Redis(settings), Place::Embedded) => {
            Box::new(connect(config, settings).lingering(LEDGERS_COME))
        }
        (config::Store::Redis(settings), Place::Postgres(_)) => Box::new(connect(config, settings)),
    };
    let files = Mutex::new(UsageFiles::new(config));
    let at_most = |duration: Duration| Millis::try_from(duration.as_millis()).unwrap_or(Millis::MAX);
    let settings = keeper::Settings {
        seal_after: at_most(config.ledger.seal_after),
        seal_wait: at_most(config.ledger.seal_wait),
        keep_sessions: at_most(config.ledger.keep_sessions),
        flush_interval: config.flush.interval,
        clock: {
            let clock = clock.clone();
            Arc::new(move || clock.now())
        },
        each_flush: Arc::new(move || files.lock().unwrap_or_else(PoisonError::into_inner).write()),
        clock_offset: {
            let (clock, data_dir) = (clock.clone(), config.data_dir.clone());
            Arc::new(move |offset| clock.lacks(offset, &data_dir))
        },
    };
    let ledger = ledger::to_keep(config).map_err(|error| error.to_string())?;
    let portals = portals(config).into_iter().zip(stampings).collect();
    Keeper::start(feed, ledger, portals, settings).map_err(|error| error.to_string())
}

fn connect(config: &Config, settings: &redis::Settings) -> RedisStore {
    let host = std::fs::read_to_string(Path::new("/proc/sys/kernel/hostname")).unwrap_or_default();
    let version = env!("CARGO_PKG_VERSION").to_owned();
    let about = NodeState { host: host.trim().to_owned(), started: now(), version, ..NodeState::default() };
    let mut store = RedisStore::new(settings).introduced(about);
    // One that is away is told when it is back.
    if let Err(error) = store.serve(&portals(config)) {
        tracing::warn!(%error, hint = error.trouble.hint(), "Redis cannot be told of this node's portals yet");
    }
    store
}

/// The portals' names, in the order of the file.
pub(crate) fn portals(config: &Config) -> Vec<Arc<str>> {
    config.portals.iter().map(|portal| Arc::clone(&portal.rules.name)).collect()
}

fn stamps(config: &Config) -> Vec<Stamp> {
    config.portals.iter().map(|portal| portal.stamp.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_knows_the_stores_time_goes_by_uptime_alone() {
        let dir = tempfile::tempdir().unwrap();
        let clock = Clock::default();
        assert!((clock.now() - now()).abs() < 60_000, "without a store, the machine's");
        let day = 86_400_000;
        let uptime = |lacks: Millis| (uptime() / 1000 + lacks, Offset { millis: 5, uptime: lacks * 1000, bound: 1 });
        let (time, offset) = uptime(day);
        clock.lacks(offset, dir.path());
        assert!((clock.now() - time).abs() < 60_000, "whatever the time of day is");

        let later = Clock::default();
        later.lacks_as_before(dir.path());
        assert!((later.now() - now()).abs() < 60_000, "five milliseconds, as was put down");
        std::fs::write(dir.path().join(OFFSET), format!("{day}\n")).unwrap();
        later.lacks_as_before(dir.path());
        assert!((later.now() - now() - day).abs() < 60_000);
    }
}
