//! The keeper: brings what commits told to the ledger, keeps counters right by it, seals days, and sees off who
//! is live no more. One thread a node; any number of nodes may do the same work at once.

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use portalmeter_rules::time::Millis;

use crate::day::Zone;
use crate::ledger::{Asked, Ledger, LedgerError, OpenDay, Position, Stretch, Take, Which};
use crate::observation::Stamp;
use crate::stamping::Stamping;
use crate::store::StoreError;
use crate::store::redis::clock::Offset;
use crate::yielding::yield_to_requests;

mod feed;
mod nothing;
mod outgoing;
mod redis;

pub use feed::{Attendance, Feed, Read};
pub use nothing::Nothing;
pub use outgoing::Outgoing;

/// The portals that a keeper keeps, with their policies.
pub type Portals = Vec<(Arc<str>, Stamping)>;

/// What a keeper needs to know, beside the portals.
#[derive(Clone)]
pub struct Settings {
    /// A day is final this long after it ends …
    pub seal_after: Millis,
    /// … or at the latest this long, if somebody's journal is missing.
    pub seal_wait: Millis,
    /// Single sessions can be looked up this long.
    pub keep_sessions: Millis,
    /// How often counters, statistics and files are brought up to date.
    pub flush_interval: Duration,
    /// Reads the clock.
    pub clock: Arc<dyn Fn() -> Millis + Send + Sync>,
    /// Told what our clocks lack to the store's, now and then.
    pub clock_offset: Arc<dyn Fn(Offset) + Send + Sync>,
    /// Called after each flush, and at the end.
    pub each_flush: Arc<dyn Fn() + Send + Sync>,
}

/// How a keeper fares.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Health {
    /// Why the ledger does not do as asked.
    pub ledger: Option<String>,
    /// Why the store is not read.
    pub store: Option<String>,
    /// What an operator should know of the store.
    pub warnings: Vec<(String, String, String)>,
    /// Entries brought to the ledger.
    pub entries: u64,
    /// Entries that could not be read, or cannot be.
    pub strange: u64,
    /// Corrections of sealed days.
    pub corrected: u64,
    /// Counters that were set right.
    pub repaired: u64,
    /// Days that were sealed though somebody's journal is missing.
    pub sealed_without: u64,
    /// Milliseconds that our clock lacks to the store's.
    pub clock_offset: Millis,
}

/// Why a keeper's chore was not done.
#[derive(Debug, thiserror::Error)]
pub enum KeeperError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The ledger.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

struct Shared {
    settings: Settings,
    /// A reload changes them.
    portals: Mutex<Arc<Portals>>,
    health: Mutex<Health>,
    ends: Mutex<bool>,
    news: Condvar,
}

/// A keeper at work.
pub struct Keeper {
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
    asked: Asked,
}

/// How often it is looked whether there is something to read.
const PACE: Duration = Duration::from_millis(200);
/// A ledger that answers nothing for so long is frozen.
const SILENT: Duration = Duration::from_secs(15);
/// The entries of about so many steps are brought to the ledger at once.
const AT_ONCE: usize = 1_000;
/// Whoever finds that another brings a stream to the ledger leaves it to him for a while.
const LEFT_TO_OTHERS: Millis = 1_000;
/// So long after a day's end mostly all of it has been told, and its digests are made.
const TOLD: Millis = 3 * 3_600_000;
/// So many digests of a portal are made in a row.
const DIGESTS: usize = 8;
const MINUTE: Millis = 60_000;
const TEN_SECONDS: Millis = 10_000;

impl Keeper {
    /// Starts a keeper.
    pub fn start(
        feed: Box<dyn Feed>,
        ledger: Box<dyn Ledger>,
        portals: Portals,
        settings: Settings,
    ) -> std::io::Result<Self> {
        let shared = Arc::new(Shared {
            settings,
            portals: Mutex::new(Arc::new(portals)),
            health: Mutex::default(),
            ends: Mutex::default(),
            news: Condvar::new(),
        });
        let asked = ledger.asked();
        let thread = {
            let shared = Arc::clone(&shared);
            std::thread::Builder::new().name("keeper".to_owned()).spawn(move || {
                yield_to_requests();
                Work::new(&shared, feed, ledger).run();
            })?
        };
        Ok(Self { shared, thread: Mutex::new(Some(thread)), asked })
    }

    /// Keeps the portals by these policies from now on.
    pub fn change(&self, portals: Portals) {
        *self.shared.portals.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(portals);
    }

    /// How it fares.
    pub fn health(&self) -> Health {
        let mut health = self.shared.health.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(silent) = self.ledger_is_silent() {
            health.ledger.get_or_insert_with(|| format!("it has not answered for {} s", silent.as_secs()));
        }
        health
    }

    fn ledger_is_silent(&self) -> Option<Duration> {
        self.asked.waits().filter(|waits| *waits >= SILENT)
    }

    /// Brings what is left to the ledger, as far as that can be done at once, and ends.
    pub fn close(&self) {
        *self.shared.ends.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.shared.news.notify_one();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        while thread.as_ref().is_some_and(|thread| !thread.is_finished()) {
            if self.ledger_is_silent().is_some() {
                tracing::error!("the ledger does not answer: what it has not been told yet waits in the store");
                return;
            }
            std::thread::park_timeout(Duration::from_millis(10));
        }
        if thread.is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the keeper's thread panicked");
        }
    }
}

struct Work<'a> {
    shared: &'a Shared,
    feed: Box<dyn Feed>,
    ledger: Box<dyn Ledger>,
    name: Option<String>,
    /// Whose policies the ledger knows.
    known: Option<Arc<Portals>>,
    left: BTreeMap<Arc<str>, Millis>,
    /// Up to where the ledger is known to have a portal's stream: it may have more, which it says when told it again.
    known_upto: BTreeMap<Arc<str>, Position>,
    flushed: Millis,
    swept: Millis,
    minute: Millis,
}

impl<'a> Work<'a> {
    fn new(shared: &'a Shared, feed: Box<dyn Feed>, ledger: Box<dyn Ledger>) -> Self {
        let long_ago = Millis::MIN / 2;
        Self {
            shared,
            feed,
            ledger,
            name: None,
            known: None,
            left: BTreeMap::new(),
            known_upto: BTreeMap::new(),
            flushed: long_ago,
            swept: long_ago,
            minute: long_ago,
        }
    }

    fn run(mut self) {
        loop {
            let ends = {
                let ends = self.shared.ends.lock().unwrap_or_else(PoisonError::into_inner);
                let waited = self.shared.news.wait_timeout_while(ends, PACE, |ends| !*ends);
                *waited.unwrap_or_else(PoisonError::into_inner).0
            };
            let now = (self.shared.settings.clock)();
            if ends {
                self.left.clear();
                self.known_upto.clear();
            }
            let outcome = self.once(now, ends);
            self.note(outcome);
            if ends {
                (self.shared.settings.each_flush)();
                return;
            }
        }
    }

    fn note(&self, outcome: Result<(), KeeperError>) {
        if matches!(&outcome, Err(KeeperError::Store(error)) if error.only_waits() && self.knows_why()) {
            return;
        }
        let mut health = self.shared.health.lock().unwrap_or_else(PoisonError::into_inner);
        let health = &mut *health;
        let (store, ledger) = match outcome {
            Ok(()) => (None, None),
            Err(KeeperError::Store(error)) => (Some(error.to_string()), None),
            Err(KeeperError::Ledger(error)) => (None, Some(error.to_string())),
        };
        for (what, was, is) in [("store", &mut health.store, store), ("ledger", &mut health.ledger, ledger)] {
            match (&was, &is) {
                (None, Some(error)) => {
                    tracing::error!(%error, "the {what} is not kept up to date; it is tried again, and nothing is lost meanwhile");
                }
                (Some(_), None) => tracing::info!("the {what} is kept up to date again"),
                _ => {}
            }
            *was = is;
        }
    }

    /// Why the store is not read was said before.
    fn knows_why(&self) -> bool {
        self.shared.health.lock().unwrap_or_else(PoisonError::into_inner).store.is_some()
    }

    fn health(&self, change: impl FnOnce(&mut Health)) {
        change(&mut self.shared.health.lock().unwrap_or_else(PoisonError::into_inner));
    }

    fn once(&mut self, now: Millis, ends: bool) -> Result<(), KeeperError> {
        let shared = self.shared;
        let settings = &shared.settings;
        let portals = Arc::clone(&self.shared.portals.lock().unwrap_or_else(PoisonError::into_inner));
        if let Some(why) = self.feed.continuity()? {
            tracing::info!(why, "the keeper begins again with the store");
            self.feed.begin_again()?;
            self.name = None;
        }
        if !self.known.as_ref().is_some_and(|known| Arc::ptr_eq(known, &portals)) {
            let stamps: Vec<Stamp> = portals.iter().flat_map(|(_, stamping)| stamping.stamps()).cloned().collect();
            self.ledger.know(&stamps)?;
            self.known = Some(Arc::clone(&portals));
        }
        if self.name.is_none() {
            let name = self.ledger.id()?.to_string();
            for (portal, _) in &*portals {
                self.feed.open(portal, &name)?;
            }
            self.known_upto.clear();
            self.name = Some(name);
        }
        let mut outcome = Ok(());
        for (portal, _) in &*portals {
            // A portal whose shard is away holds up no other.
            let brought = self.bring(portal, now);
            outcome = outcome.and(brought);
        }
        outcome?;
        let interval = settings.flush_interval.as_millis() as Millis;
        if ends || now - self.flushed >= interval || now < self.flushed {
            self.flushed = now;
            // The ledger may have been restored from what it was.
            self.known_upto.clear();
            self.flush(&portals, now)?;
            if !ends {
                (settings.each_flush)();
            }
        }
        if now - self.swept >= TEN_SECONDS || now < self.swept {
            self.swept = now;
            self.sweep(&portals, now)?;
            self.digest(&portals, now)?;
            if let Some(offset) = self.feed.clock_offset()? {
                (settings.clock_offset)(offset);
                self.health(|health| health.clock_offset = offset.millis);
            }
        }
        if now - self.minute >= MINUTE || now < self.minute {
            self.minute = now;
            let warnings = self.feed.warnings()?;
            self.health(|health| health.warnings = warnings);
            self.seal(settings, &portals, now)?;
            self.ledger.expire(now - settings.keep_sessions)?;
        }
        Ok(())
    }

    /// Makes digests of days that are over, a few at a time: nobody waits long for the ledger.
    fn digest(&mut self, portals: &Portals, now: Millis) -> Result<(), KeeperError> {
        for (portal, stamping) in portals {
            let days = stamping.stamps().map(|stamp| stamp.policy.zone.day(now - TOLD));
            let Some(upto) = days.min() else { continue };
            for _ in 0..DIGESTS {
                if !self.ledger.digest(portal, upto, now)? {
                    break;
                }
            }
        }
        Ok(())
    }

    /// Brings a portal's stream to the ledger, as far as it goes.
    fn bring(&mut self, portal: &Arc<str>, now: Millis) -> Result<(), KeeperError> {
        if self.left.get(portal).is_some_and(|until| now < *until && now > until - LEFT_TO_OTHERS) {
            return Ok(());
        }
        let name = self.name.clone().unwrap_or_default();
        loop {
            let from = match self.known_upto.remove(portal) {
                Some(known) => known,
                None => self.ledger.position(portal)?,
            };
            let Read { entries, upto, unreadable } = match self.feed.read(portal, from, AT_ONCE) {
                Err(rival @ StoreError::Rival(_)) => {
                    return if self.renew(portal, from, now)? { Ok(()) } else { Err(rival.into()) };
                }
                read => read?,
            };
            let Some(upto) = upto else {
                self.known_upto.insert(Arc::clone(portal), from);
                return Ok(());
            };
            match self.ledger.take(&Stretch { portal, from, upto, entries: &entries }, now)? {
                Take::Done(taken) => {
                    self.health(|health| {
                        health.entries += entries.len() as u64;
                        health.strange += unreadable + taken.strange;
                        health.corrected += taken.corrected;
                    });
                    self.known_upto.insert(Arc::clone(portal), upto);
                    self.feed.acknowledge(portal, &name, upto)?;
                }
                Take::Moved(at) => {
                    self.known_upto.insert(Arc::clone(portal), at);
                    self.left.insert(Arc::clone(portal), now + LEFT_TO_OTHERS);
                    return Ok(());
                }
            }
        }
    }

    /// Has a portal's recent past sent again, for what the ledger lacks of it nobody will tell otherwise. Says whether that
    /// begins now.
    fn renew(&mut self, portal: &Arc<str>, ledger_has: Position, now: Millis) -> Result<bool, KeeperError> {
        let renewed = self.feed.renew(portal, ledger_has)?;
        if renewed {
            // Nothing is sealed before all is there.
            self.left.insert(Arc::clone(portal), now + LEFT_TO_OTHERS);
            let why = "the ledger was told by another store since";
            tracing::warn!(%portal, why, "the recent past of a portal is sent again");
        }
        Ok(renewed)
    }

    /// Statistics go to the ledger, and counters are set to what it has.
    fn flush(&mut self, portals: &Portals, now: Millis) -> Result<(), KeeperError> {
        for (portal, stamping) in portals {
            let statistics = self.feed.statistics(portal, stamping)?;
            if !statistics.is_empty() {
                self.ledger.set_statistics(portal, &statistics, now)?;
            }
            if self.feed.has_counters() {
                let totals = self.ledger.totals(portal, Which::Unsealed)?;
                let repaired = self.feed.settle(portal, &totals)?;
                if repaired > 0 {
                    tracing::warn!(%portal, counters = repaired, "counters differed from the ledger and were set right");
                    self.health(|health| health.repaired += repaired);
                }
            }
        }
        Ok(())
    }

    /// Who is live no more leaves the index, and the ledger hears how long they were there.
    fn sweep(&mut self, portals: &Portals, now: Millis) -> Result<(), KeeperError> {
        for (portal, stamping) in portals {
            self.feed.sweep(portal, now - stamping.last().policy.idle_timeout - MINUTE, now)?;
        }
        Ok(())
    }

    /// Seals what is over and known to be complete.
    fn seal(&mut self, settings: &Settings, portals: &Portals, now: Millis) -> Result<(), KeeperError> {
        let days = self.ledger.unsealed()?;
        let due = |day: &OpenDay| {
            let end = end(day, portals);
            (end + settings.seal_after <= now).then_some(end)
        };
        let due: Vec<(OpenDay, Millis)> = days.into_iter().filter_map(|day| due(&day).map(|end| (day, end))).collect();
        if due.is_empty() {
            return Ok(());
        }
        let nodes = self.feed.attendance(now)?;
        for (day, end) in due {
            let missing: Vec<&str> =
                nodes.iter().filter(|node| node.passed < end).map(|node| node.name.as_str()).collect();
            if !missing.is_empty() && now < end + settings.seal_wait {
                continue;
            }
            if !missing.is_empty() {
                let nodes = missing.join(", ");
                tracing::error!(day = %day.day, portal = day.portal, nodes, "a day is sealed though journals of these nodes are missing; what they hold becomes corrections: start them again, or `portalmeter journal apply`");
                self.health(|health| health.sealed_without += 1);
            }
            let portal: Arc<str> = day.portal.as_str().into();
            // All that was committed before is on its way: it has to be there.
            self.left.remove(&portal);
            self.known_upto.remove(&portal);
            self.bring(&portal, now)?;
            if self.left.contains_key(&portal) {
                continue;
            }
            let rows = self.ledger.seal(&day, now)?;
            if rows > 0 {
                tracing::info!(day = %day.day, portal = day.portal, "sealed");
                self.feed.sealed(&portal, day.day, now)?;
            }
        }
        Ok(())
    }
}

/// When a day of a portal has ended in the zone that it has in the ledger, and in the one that the portal has.
fn end(day: &OpenDay, portals: &Portals) -> Millis {
    let counted = Zone::named(&day.zone).unwrap_or_else(|_| Zone::utc()).end(day.day);
    let portal = portals.iter().find(|(portal, _)| **portal == day.portal);
    portal.map_or(counted, |(_, stamping)| counted.max(stamping.zone_of(day.day).end(day.day)))
}

/// A ledger that is asked who was there.
pub struct Recalled(pub Box<dyn Ledger>);

impl crate::store::Recall for Recalled {
    fn fence(&mut self, portal: &str) -> Result<(), LedgerError> {
        loop {
            let from = self.0.position(portal)?;
            let stretch = Stretch { portal, from, upto: Position::START, entries: &[] };
            if let Take::Done(_) = self.0.take(&stretch, 0)? {
                return Ok(());
            }
        }
    }

    fn sessions(
        &mut self,
        portal: &str,
        visitors: &[portalmeter_rules::id::Name],
        since: Millis,
    ) -> Result<Vec<crate::entry::SessionRow>, LedgerError> {
        self.0.sessions(portal, visitors, since)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{Experience, Policy};

    #[test]
    fn a_day_is_not_over_before_it_is_in_every_zone_it_has() {
        let named = |zone: &str| Zone::named(zone).unwrap();
        let policy = |zone: &str| Policy { zone: named(zone), ..Policy::preset(Experience::ServicePortal) };
        let (berlin, new_york) = ("Europe/Berlin", "America/New_York");
        let today = "2026-06-10".parse().unwrap();
        let moved = |from: &str, to: &str| {
            let stamping = Stamping::from(Stamp::new(policy(from)));
            vec![("support".into(), stamping.changed(policy(to), named(from).start(today)))]
        };
        let end = |zone: &str, later: i32, portals: &Portals| {
            end(&OpenDay { day: today.plus(later), portal: "support".to_owned(), zone: zone.to_owned() }, portals)
        };
        let (west, east) = (moved(berlin, new_york), moved(new_york, berlin));
        assert_eq!(end(berlin, 0, &west), named(berlin).end(today));
        assert_eq!(end(berlin, 1, &west), named(new_york).end(today.plus(1)), "nobody came since it moved");
        assert_eq!(end(new_york, 0, &east), named(new_york).end(today));
        assert_eq!(end(berlin, 1, &east), named(berlin).end(today.plus(1)));
        assert_eq!(end(new_york, 1, &east), named(new_york).end(today.plus(1)), "another node has not moved yet");
        assert_eq!(end(berlin, 1, &Vec::new()), named(berlin).end(today.plus(1)), "a portal of another node");
    }
}
