//! Engagement on its way from requests to the ledger: a thread of its own reads what they left, adds it up, and tells the sums.

use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use portalmeter_meter::engine::Engine;
use portalmeter_meter::gather::{Gathering, Other, Watch};
use portalmeter_meter::intake::Intake;
use portalmeter_meter::yielding::yield_to_requests;

use crate::config::Config;
use crate::metering::Metering;

/// What is gathered of a running proxy's portals.
pub(crate) struct Gatherer {
    /// The requests' part.
    pub(crate) watch: Watch,
    sums: Mutex<Gathering>,
    thread: Mutex<Option<(Sender<()>, JoinHandle<()>)>>,
}

/// How often what requests left is read: their buffer holds what comes in that time.
const READ: Duration = Duration::from_millis(250);

impl Gatherer {
    /// For the portals of a configuration; it begins with [`begin`].
    pub(crate) fn new(config: &Config) -> Self {
        let by = |portal: &crate::config::Portal| portal.engagement.as_ref().map(|gathers| Arc::clone(&gathers.by));
        let portals = || config.portals.iter().map(|portal| (Arc::clone(&portal.rules.name), by(portal)));
        Self {
            watch: Watch::new(config.portals.iter().map(|portal| portal.engagement.as_ref().map(|one| &*one.by))),
            sums: Mutex::new(Gathering::new(portals())),
            thread: Mutex::default(),
        }
    }

    /// How often a name was `other` since the start, by portal, because a day has no more of them.
    pub(crate) fn other(&self) -> Vec<(Arc<str>, Other)> {
        lock(&self.sums).other()
    }

    /// Tells the last sums, and ends. The engine has to be told before it is closed.
    pub(crate) fn close(&self) {
        let Some((ends, thread)) = lock(&self.thread).take() else { return };
        drop(ends);
        if thread.join().is_err() {
            tracing::error!("the gatherer's thread panicked");
        }
    }

    fn read(&self, intake: &Intake) -> bool {
        let stampings = intake.stampings();
        let mut sums = lock(&self.sums);
        self.watch.buffer.drain(&mut |seen, target| sums.add(seen, target, &stampings));
        sums.is_full()
    }

    fn tell(&self, engine: &Engine) {
        let taken = lock(&self.sums).take();
        taken.into_iter().for_each(|acts| engine.engage(acts));
    }
}

/// Gathers from now on, and tells the sums at every `interval`.
pub(crate) fn begin(metering: &Arc<Metering>, interval: Duration) -> std::io::Result<()> {
    let gatherer = &metering.gatherer;
    if !gatherer.watch.is_on() {
        return Ok(());
    }
    let (ends, ended) = mpsc::channel();
    let work = {
        let metering = Arc::clone(metering);
        move || {
            yield_to_requests();
            let gatherer = &metering.gatherer;
            let mut told = Instant::now();
            loop {
                let ends = matches!(ended.recv_timeout(READ.min(interval)), Err(RecvTimeoutError::Disconnected));
                let full = gatherer.read(&metering.intake);
                if ends || full || told.elapsed() >= interval {
                    told = Instant::now();
                    gatherer.tell(&metering.engine);
                }
                if ends {
                    return;
                }
            }
        }
    };
    let thread = std::thread::Builder::new().name("gather".to_owned()).spawn(work)?;
    *lock(&gatherer.thread) = Some((ends, thread));
    Ok(())
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
