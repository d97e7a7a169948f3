//! Bad weather: a database that is away, killed, full, locked or reached by several at once.

use std::thread;
use std::time::{Duration, Instant};

use portalmeter_meter::entry::{Entry, UsageRecord};
use portalmeter_meter::ledger::postgres::PostgresLedger;
use portalmeter_meter::ledger::{Ledger, LedgerError, Position, Stretch, Take};

use super::both::Place;
use super::say::{PORTAL, all_lines, day, held, record, session, sums, tell};
use crate::support::postgres::Postgres;

const POLL: Duration = Duration::from_millis(5);
const PATIENCE: Duration = Duration::from_mins(1);

fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < PATIENCE, "waited in vain: {what}");
        thread::sleep(POLL);
    }
}

fn batch() -> Vec<Entry> {
    let records: Vec<UsageRecord> = (1..=500).map(record).collect();
    let sessions: Vec<Entry> = records.iter().map(session).map(Entry::Session).collect();
    held(records).into_iter().chain(sessions).collect()
}

fn stretch(entries: &[Entry]) -> Stretch<'_> {
    Stretch { portal: PORTAL, from: Position::START, upto: Position { at: 1, number: 0, stream: 0 }, entries }
}

/// Keeps `take` from ending: somebody else holds the table that it writes last.
fn hold(url: &str) -> postgres::Client {
    let mut holder = postgres::Client::connect(url, postgres::NoTls).unwrap();
    holder.batch_execute("BEGIN; LOCK TABLE usage_day IN EXCLUSIVE MODE").unwrap();
    holder
}

const BLOCKED: &str =
    "SELECT pid FROM pg_stat_activity WHERE application_name = 'portalmeter' AND wait_event_type = 'Lock'";

#[test]
fn a_transaction_killed_halfway_leaves_nothing_and_the_next_call_does_all() {
    let server = Postgres::start();
    let url = server.schema();
    let entries = batch();
    let mut ledger = PostgresLedger::new(&url).unwrap();
    ledger.ping().unwrap();
    let mut observer = PostgresLedger::read_only(&url).unwrap();
    for kill in [
        |server: &Postgres, pid: &str| {
            server.sql(&format!("SELECT pg_terminate_backend({pid})"));
        },
        |server: &Postgres, _: &str| {
            server.crash();
            server.start_again();
        },
    ] {
        let mut holder = hold(&url);
        let failed = thread::scope(|scope| {
            let taking = scope.spawn(|| ledger.take(&stretch(&entries), 0));
            until("the transaction stands still before its end", || !server.sql(BLOCKED).is_empty());
            kill(&server, &server.sql(BLOCKED));
            taking.join().unwrap().unwrap_err()
        });
        assert!(matches!(failed, LedgerError::Away(_)), "{failed:?}");
        let _ = holder.batch_execute("ROLLBACK");
        until("the observer sees the server again", || observer.ping().is_ok());
        assert_eq!((all_lines(&mut observer).len(), observer.position(PORTAL).unwrap()), (0, Position::START));
    }
    let Take::Done(taken) = ledger.take(&stretch(&entries), 0).unwrap() else { panic!("nobody else was here") };
    assert_eq!((taken.added, sums(&mut ledger, day(0))), (500, [500, 0, 0, 0]));
    assert!(matches!(ledger.take(&stretch(&entries), 0).unwrap(), Take::Moved(_)));
}

#[test]
fn a_server_that_is_away_is_said_to_be_and_found_again() {
    let server = Postgres::start();
    let mut ledger = PostgresLedger::new(&server.schema()).unwrap();
    tell(&mut ledger, &held([record(1)]));
    server.stop();
    for _ in 0..2 {
        let away = ledger.position(PORTAL).unwrap_err();
        assert!(matches!(away, LedgerError::Away(_)), "{away:?}");
        let said = away.to_string();
        assert!(said.starts_with("the ledger is away: "), "{said}");
        assert!(!said.contains('\n'), "{said}");
    }
    server.start_again();
    tell(&mut ledger, &held([record(1), record(2)]));
    assert_eq!(sums(&mut ledger, day(0)), [2, 0, 0, 0]);
}

#[test]
fn a_full_disk_is_told_and_once_there_is_room_all_goes_in() {
    let server = Postgres::shared();
    let url = server.schema();
    let schema = url.split("%3D").last().unwrap();
    let mut ledger = PostgresLedger::new(&url).unwrap();
    tell(&mut ledger, &held([record(1)]));
    server.sql(&format!(
        "SET search_path = {schema};
         CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS
           $$ BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = '53100'; END $$;
         CREATE TRIGGER full_disk BEFORE INSERT ON session EXECUTE FUNCTION full_disk()"
    ));
    let entries = [Entry::Record(record(2)), Entry::Session(session(&record(2)))];
    let at = ledger.position(PORTAL).unwrap();
    let stretch =
        Stretch { portal: PORTAL, from: at, upto: Position { at: 9, number: 0, stream: 0 }, entries: &entries };
    let full = ledger.take(&stretch, 0).unwrap_err();
    assert!(matches!(full, LedgerError::Refused(_)) && full.to_string().contains("make room"), "{full}");
    assert_eq!(sums(&mut ledger, day(0)), [1, 0, 0, 0]);
    server.sql(&format!("SET search_path = {schema}; DROP TRIGGER full_disk ON session"));
    assert!(matches!(ledger.take(&stretch, 0).unwrap(), Take::Done(_)));
    assert_eq!(sums(&mut ledger, day(0)), [2, 0, 0, 0]);
}

#[test]
fn who_may_not_come_in_is_told_what_to_mend() {
    let server = Postgres::shared();
    let at = |place: &str| format!("postgres://{place}");
    let (port, schema) = (server.port(), server.schema().split("%3D").last().unwrap().to_owned());
    server.sql(&format!("CREATE ROLE guest_{schema} LOGIN"));
    for (url, word) in [
        (at(&format!("nobody@127.0.0.1:{port}/postgres")), "nobody"),
        (at(&format!("postgres@127.0.0.1:{port}/missing")), "create that database"),
        (at(&format!("guest_{schema}@127.0.0.1:{port}/postgres?options=-csearch_path%3D{schema}")), "ledger.url"),
        (at(&format!("postgres@127.0.0.1:{port}/postgres?sslmode=require")), "sslmode"),
    ] {
        let refused = PostgresLedger::new(&url).unwrap().ping().unwrap_err();
        assert!(matches!(refused, LedgerError::Refused(_)), "{url}: {refused:?}");
        assert!(refused.to_string().contains(word), "{url}: {refused}");
    }
}

#[test]
fn any_number_of_consumers_take_a_stream_once_and_in_order() {
    // Entry by entry the record holds and does not: only the order tells that it holds in the end.
    let entries: Vec<Entry> = (0..120)
        .map(|number| {
            let record = record(number / 3);
            if number % 3 == 1 { Entry::Withdrawn(record) } else { Entry::Record(record) }
        })
        .collect();
    for place in Place::each() {
        place.open().ping().unwrap();
        thread::scope(|scope| {
            for size in [1, 3, 7] {
                let (place, entries) = (&place, &entries);
                scope.spawn(move || consume(&mut *place.open(), entries, size));
            }
        });
        let mut ledger = place.open();
        assert_eq!(sums(&mut *ledger, day(0)), [40, 0, 0, 0], "{}", place.name());
        assert_eq!(ledger.position(PORTAL).unwrap().at, 120);
    }
}

fn consume(ledger: &mut dyn Ledger, stream: &[Entry], size: usize) {
    loop {
        let from = ledger.position(PORTAL).unwrap();
        let rest = &stream[from.at as usize..];
        if rest.is_empty() {
            return;
        }
        let entries = &rest[..size.min(rest.len())];
        let upto = Position { at: from.at + entries.len() as u64, number: 0, stream: 0 };
        ledger.take(&Stretch { portal: PORTAL, from, upto, entries }, 0).unwrap();
    }
}

#[test]
fn a_damaged_value_is_told_and_not_guessed() {
    for place in Place::each() {
        let mut ledger = place.open();
        tell(&mut *ledger, &held([record(1)]));
        place.sql("UPDATE usage_record SET class = 'gold'");
        let each = &mut |_| std::ops::ControlFlow::Continue(());
        let damaged = ledger.records(&portalmeter_meter::ledger::Lines::default(), each).unwrap_err();
        assert!(matches!(damaged, LedgerError::Damaged(_)) && damaged.to_string().contains("`gold`"), "{damaged}");
        place.sql("UPDATE position SET upto = 'somewhere'");
        assert!(matches!(ledger.position(PORTAL), Err(LedgerError::Damaged(_))));
    }
}

#[test]
fn a_ledger_that_does_not_answer_can_be_told_from_one_that_is_quiet() {
    let server = Postgres::start();
    let url = server.schema();
    let mut ledger = PostgresLedger::new(&url).unwrap();
    ledger.ping().unwrap();
    let asked = ledger.asked();
    assert_eq!(asked.waits(), None);
    let mut holder = hold(&url);
    let entries = batch();
    let taken = thread::spawn(move || ledger.take(&stretch(&entries), 0));
    until("it waits", || asked.waits().is_some_and(|waits| waits > POLL));
    holder.batch_execute("COMMIT").unwrap();
    assert!(matches!(taken.join().unwrap(), Ok(Take::Done(_))));
    assert_eq!(asked.waits(), None);
}
