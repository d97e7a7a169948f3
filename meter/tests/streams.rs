//! A ledger that is told by more than one store.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]
#![allow(clippy::disallowed_methods, reason = "servers take their time")]
#![allow(missing_docs, reason = "a test's name says what it shows")]

#[path = "support/record.rs"]
mod record;
#[path = "support/redis.rs"]
mod support;

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use portalmeter_meter::entry::Entry;
use portalmeter_meter::keeper::{Feed, Keeper, Settings};
use portalmeter_meter::ledger::sqlite::SqliteLedger;
use portalmeter_meter::ledger::{Ledger, Lines};
use portalmeter_meter::observation::Stamp;
use portalmeter_meter::policy::{Experience, Policy};
use portalmeter_meter::session::Class;
use portalmeter_meter::store::redis::{Continuity, RedisStore};
use portalmeter_meter::store::step::{Outcome, Step};
use record::record;
use support::{Place, Server, prefix, until};

const YEAR: i64 = 365 * 86_400_000;

fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as i64
}

fn support() -> Arc<str> {
    "support".into()
}

fn guest(number: u8) -> Entry {
    Entry::Record(record(number, Class::Guest, None))
}

/// A node: what it tells the store, and its keeper.
struct Node<'p> {
    place: &'p Place,
    store: RedisStore,
    keeper: Keeper,
}

impl<'p> Node<'p> {
    fn start(place: &'p Place, dir: &Path) -> Self {
        let store = || {
            let mut store = place.store();
            store.serve(&[support()]).unwrap();
            store
        };
        let settings = Settings {
            seal_after: YEAR,
            seal_wait: YEAR,
            keep_sessions: YEAR,
            flush_interval: Duration::from_mins(10),
            clock: Arc::new(now),
            clock_offset: Arc::new(|_| {}),
            each_flush: Arc::new(|| {}),
        };
        let portals = vec![(support(), Stamp::new(Policy::preset(Experience::ServicePortal)).into())];
        let mut first = store();
        first.begin_again().unwrap();
        let ledger = SqliteLedger::create(dir).unwrap();
        let feed: Box<dyn Feed> = Box::new(store());
        Self { place, store: first, keeper: Keeper::start(feed, Box::new(ledger), portals, settings).unwrap() }
    }

    /// Commits these; all that were committed before are sent again where the store asks for it.
    fn commits(&mut self, numbers: &[u8]) {
        let step =
            Step { portal: support(), entries: numbers.iter().map(|one| guest(*one)).collect(), ..Step::default() };
        let outcome = self.store.apply(&[step], now()).remove(0).unwrap();
        assert_eq!(outcome, Outcome::Done);
    }

    /// Waits until the store says that its keys were made anew, as nodes do before they send the recent past again.
    fn is_asked_to_send_again(&mut self) {
        until("a new epoch", || {
            let forgot =
                matches!(self.store.continuity().unwrap(), Continuity::Forgot(why) if why.contains("made anew"));
            forgot.then_some(())
        });
        self.store.begin_again().unwrap();
    }

    /// As if its epoch had been made a while ago: nobody is asked to send all again twice within a minute.
    fn ages(self) {
        self.keeper.close();
        let epoch: String = self.place.does("support", "GET @epoch");
        let (server, made) = epoch.rsplit_once('.').unwrap();
        let made = made.parse::<i64>().unwrap() - 120_000;
        self.place.does::<()>("support", &format!("SET @epoch {server}.{made}"));
    }
}

fn counted(dir: &Path) -> usize {
    let mut count = 0;
    let mut ledger = SqliteLedger::create(dir).unwrap();
    let each = &mut |_| {
        count += 1;
        ControlFlow::Continue(())
    };
    ledger.records(&Lines::default(), each).unwrap();
    count
}

fn has(dir: &Path, records: usize) {
    until("the records in the ledger", || (counted(dir) == records).then_some(()));
}

/// A server with two prefixes, and the folder of a ledger.
fn two_stores() -> (Server, tempfile::TempDir, [Place; 2]) {
    let (server, dir) = (Server::start(&[]), tempfile::tempdir().unwrap());
    let places = [(); 2].map(|()| Place { prefix: prefix(), url: server.url() });
    (server, dir, places)
}

#[test]
fn who_comes_back_from_another_store_is_counted() {
    let (_server, dir, [one, other]) = two_stores();
    let mut node = Node::start(&one, dir.path());
    node.commits(&[1]);
    has(dir.path(), 1);
    node.ages();
    let mut node = Node::start(&other, dir.path());
    node.commits(&[2]);
    has(dir.path(), 2);
    node.ages();
    let mut node = Node::start(&one, dir.path());
    node.is_asked_to_send_again();
    node.commits(&[1]);
    node.commits(&[3]);
    has(dir.path(), 3);
    assert_eq!(node.keeper.health().store, None);
}

#[test]
fn two_stores_that_tell_one_ledger_are_told_apart_and_take_turns() {
    let (_server, dir, [one, other]) = two_stores();
    let mut here = Node::start(&one, dir.path());
    here.commits(&[1]);
    has(dir.path(), 1);
    let mut there = Node::start(&other, dir.path());
    there.commits(&[2]);
    has(dir.path(), 2);
    here.commits(&[3]);
    let said = until("word of the other store", || here.keeper.health().store);
    assert!(said.contains("the ledger is told of `support` by another store too"), "{said}");
    here.ages();
    let mut here = Node::start(&one, dir.path());
    here.is_asked_to_send_again();
    here.commits(&[1, 3]);
    has(dir.path(), 3);
}
