//! `kill -9` under load of known truth: pages received ≤ sessions counted ≤ pages sent.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a test says what it measured")]

mod faults {
    pub(crate) mod crowd;
    pub(crate) mod meter;
    pub(crate) mod origin;
    pub(crate) mod wire;
}

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use faults::crowd::{Chance, Crowd, Truth};
use faults::meter::{Options, Setup, until};
use faults::origin::Origin;
use rusqlite::Connection;

const KILLS: u32 = 20;
const THREADS: usize = 4;

/// A disk that is busy must not decide what is known: pages wait for the journal as long as it takes.
const AS_LONG_AS_IT_TAKES: &str = "10s";

fn setup(dir: &Path) -> Setup {
    let origin = Origin::of_pages();
    let data_dir = dir.join("data");
    Setup::new(dir, &Options { max_wait: AS_LONG_AS_IT_TAKES, ..Options::of(origin.address, &data_dir) })
}

fn assert_known(setup: &Setup, truth: &Truth, when: &str) {
    let (received, counted, sent) = (truth.received(), setup.counted().guest, truth.sent());
    println!("{when}: {received} received, {counted} counted, {sent} sent");
    assert!(received <= counted, "{when}: {received} received, but only {counted} counted");
    assert!(counted <= sent, "{when}: {counted} counted, but only {sent} sent");
}

#[test]
fn pages_received_are_counted_and_pages_counted_were_sent_however_often_it_is_killed() {
    let dir = tempfile::tempdir().unwrap();
    let setup = setup(dir.path());
    let truth = Arc::new(Truth::default());
    let mut chance = Chance::printed();
    for kill in 1..=KILLS {
        let running = setup.start();
        let crowd = Crowd::new(&truth, setup.proxy, THREADS);
        let goal = truth.received() + 1 + chance.below(1500).cast_signed();
        until("pages are received", || truth.received() >= goal);
        std::thread::sleep(Duration::from_micros(chance.below(10_000)));
        running.kill();
        crowd.leave();
        let running = setup.start();
        assert_known(&setup, &truth, &format!("kill {kill}"));
        running.kill();
    }
}

#[test]
fn killed_in_the_middle_of_recovery_it_recovers_the_rest() {
    let dir = tempfile::tempdir().unwrap();
    let setup = setup(dir.path());
    let truth = Arc::new(Truth::default());
    let running = setup.start();
    // Somebody holds the database, so that everything stays in the journal.
    let database = Connection::open(dir.path().join("data/portalmeter.db")).unwrap();
    database.execute_batch("BEGIN IMMEDIATE").unwrap();
    let crowd = Crowd::new(&truth, setup.proxy, THREADS);
    until("there is much to recover", || truth.received() > 12_000);
    running.kill();
    crowd.leave();
    database.execute_batch("ROLLBACK").unwrap();
    assert!(setup.counted().guest < truth.received());
    let done = || database.query_row("SELECT count(*) FROM usage_record", [], |row| row.get::<_, i64>(0)).unwrap();

    let running = setup.spawn();
    until("a part is recovered", || done() > 0);
    running.kill();
    let part = done();
    println!("{part} of {} were recovered at the kill", truth.received());
    assert!(part < truth.received(), "recovery had ended before it was killed");

    let running = setup.start();
    assert_known(&setup, &truth, "after a recovery that was killed");
    running.kill();
    let running = setup.start();
    assert_known(&setup, &truth, "after another kill");
    running.kill();
}
