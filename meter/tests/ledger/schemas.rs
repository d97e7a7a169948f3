//! Schemas: an older one is brought up to date, a newer one refused, and a reader makes nothing.

use std::path::Path;
use std::thread;

use portalmeter_meter::ledger::postgres::PostgresLedger;
use portalmeter_meter::ledger::sqlite::{FILE, SqliteLedger};
use portalmeter_meter::ledger::{By, Ledger, LedgerError, LedgerId, Position, Query, Stretch, open_to_read};
use portalmeter_meter::policy::{Experience, Policy};
use portalmeter_rules::id::Name;
use rusqlite::Connection;

use super::both::Place;
use super::say::{MORNING, PORTAL, all_lines, day, held, record, sums, tell};
use crate::support::postgres::Postgres;

/// What release 0.1 made.
const SCHEMA_1: &str = include_str!("../../src/ledger/migrations/sqlite-1.sql");

/// A file as release 0.1 left it: a record that holds, one withdrawn, one that came too late, a sealed day.
fn written_by_schema_1(dir: &Path) {
    let file = Connection::open(dir.join(FILE)).unwrap();
    let policy = Policy::preset(Experience::ServicePortal);
    let record = |number: u64, day: i32, withdrawn: bool, late: bool| {
        format!(
            "INSERT INTO usage_record VALUES ('{}', 'support', '', '{}', {day}, 'Europe/Berlin', 'guest', 'start',
               NULL, NULL, NULL, 'document', '{}', 0, {MORNING}, {MORNING}, {withdrawn}, {late});",
            Name([number as u8; 16]),
            Name([0x55; 16]),
            policy.id(),
        )
    };
    let (first, second) = (day(0).0, day(1).0);
    file.execute_batch(&format!(
        "{SCHEMA_1}
         PRAGMA user_version = 1;
         INSERT INTO policy VALUES ({}, '{}');
         INSERT INTO node VALUES (x'0102030405060708', 42);
         INSERT INTO visitor VALUES (7, x'{visitor}', 9000000000000, x'01');
         INSERT INTO name VALUES (x'01', 9000000000000, x'02');
         {} {} {}
         INSERT INTO usage_day VALUES ('support', '', {first}, 'Europe/Berlin', 1, 0, 0, 0, 2, 30, 4, 5000, 9, {MORNING});
         INSERT INTO usage_day VALUES ('support', '', {second}, 'Europe/Berlin', 1, 0, 0, 0, 0, 3, 0, 0, 2, NULL);
         INSERT INTO presence VALUES ('support', '', {first}, x'{visitor}', x'');
         INSERT INTO presence VALUES ('support', '', {first}, x'{visitor}', x'{user}');",
        policy.id().0.cast_signed(),
        policy.to_text(),
        record(1, first, false, false),
        record(2, second, false, false),
        record(3, first, false, true),
        visitor = Name([0xaa; 16]),
        user = Name([0xbb; 16]),
    ))
    .unwrap();
}

#[test]
fn what_schema_1_held_is_there_in_schema_2() {
    let dir = tempfile::tempdir().unwrap();
    written_by_schema_1(dir.path());
    let mut ledger = SqliteLedger::create(dir.path()).unwrap();
    let lines = all_lines(&mut ledger);
    let holding: Vec<_> = lines.iter().filter(|line| !line.withdrawn).collect();
    assert_eq!((lines.len(), holding.len()), (3, 2));
    assert!(lines.iter().all(|line| line.visitor.is_none() && line.started.is_none() && line.amount == 1));
    assert!(lines.iter().any(|line| line.withdrawn && line.note.as_deref().unwrap().contains("sealed")));

    let query = Query { from: day(0), to: day(2), by: By::Day, portals: Vec::new() };
    let rows = ledger.usage(&query).unwrap();
    let row = &rows[0];
    assert_eq!((rows.len(), row.counters.billable, row.counters.converted), (2, 1, 2));
    assert_eq!((row.counters.page_views, row.unique_visitors, row.unique_users), (30, 1, 1));
    assert_eq!(row.state.to_string(), "sealed");
    let policies = ledger.policies().unwrap();
    assert_eq!(Policy::from_text(&policies[0].1).unwrap().id(), policies[0].0);

    // And it goes on.
    tell(&mut ledger, &held([portalmeter_meter::entry::UsageRecord { day: day(1), ..record(9) }]));
    assert_eq!(sums(&mut ledger, day(1)), [2, 0, 0, 0]);
    let file = Connection::open(dir.path().join(FILE)).unwrap();
    let kept = "SELECT (SELECT position FROM node), (SELECT COUNT(*) FROM state)";
    let kept: (i64, i64) = file.query_row(kept, [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    assert_eq!(kept, (42, 0), "how far journals are committed is kept; who is live is not");
}

#[test]
fn a_made_schema_and_a_mended_one_are_the_same() {
    let schema = |written: bool| {
        let dir = tempfile::tempdir().unwrap();
        if written {
            written_by_schema_1(dir.path());
        }
        drop(SqliteLedger::create(dir.path()).unwrap());
        let file = Connection::open(dir.path().join(FILE)).unwrap();
        let mut ask = file.prepare("SELECT sql FROM sqlite_schema WHERE sql NOT NULL ORDER BY name").unwrap();
        let rows = ask.query_map([], |row| row.get::<_, String>(0)).unwrap();
        rows.map(Result::unwrap).collect::<Vec<_>>()
    };
    assert_eq!(schema(true), schema(false));
}

#[test]
fn a_reader_of_an_older_schema_says_what_brings_it_up_to_date() {
    let dir = tempfile::tempdir().unwrap();
    written_by_schema_1(dir.path());
    let said = SqliteLedger::open(dir.path()).unwrap_err().to_string();
    assert!(said.contains("schema 1") && said.contains("`portalmeter run`"), "{said}");
}

#[test]
fn a_newer_schema_is_refused_with_both_versions() {
    let [file, server] = Place::each();
    file.open().ping().unwrap();
    server.open().ping().unwrap();
    file.sql("PRAGMA user_version = 7");
    server.sql("UPDATE meta SET value = '7' WHERE name = 'schema'");
    let (Place::Sqlite(dir), Place::Postgres(_, url)) = (&file, &server) else { panic!() };
    for refused in [
        SqliteLedger::create(dir.path()).map(|_| ()).unwrap_err(),
        SqliteLedger::open(dir.path()).map(|_| ()).unwrap_err(),
        PostgresLedger::new(url).unwrap().ping().unwrap_err(),
        PostgresLedger::read_only(url).unwrap().ping().unwrap_err(),
    ] {
        assert!(matches!(refused, LedgerError::Newer { found: 7, known: 3 }), "{refused}");
        let said = refused.to_string();
        assert!(said.contains('7') && said.contains('3') && said.contains("run the release"), "{said}");
    }
}

#[test]
fn a_schema_that_becomes_newer_under_a_running_release_is_refused_too() {
    for place in Place::each() {
        let mut ledger = place.open();
        tell(&mut *ledger, &held([record(1)]));
        place.sql(match place {
            Place::Sqlite(_) => "PRAGMA user_version = 4",
            Place::Postgres(..) => "UPDATE meta SET value = '4' WHERE name = 'schema'",
        });
        let entries = held([record(2)]);
        let stretch = Stretch {
            portal: PORTAL,
            from: ledger.position(PORTAL).unwrap(),
            upto: Position::START,
            entries: &entries,
        };
        let refused = ledger.take(&stretch, 0).unwrap_err();
        assert!(matches!(refused, LedgerError::Newer { found: 4, known: 3 }), "{refused}");
    }
}

#[test]
fn a_reader_makes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    assert!(SqliteLedger::open(dir.path()).unwrap().is_none());
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);

    let server = Postgres::shared();
    let url = server.schema();
    let schema = url.split("%3D").last().unwrap();
    let mut reader = PostgresLedger::read_only(&url).unwrap();
    assert!(matches!(reader.ping(), Err(LedgerError::Absent)));
    let count = format!("SELECT COUNT(*) FROM pg_tables WHERE schemaname = '{schema}'");
    assert_eq!(server.sql(&count), "0");
    assert!(open_to_read(&url, dir.path()).unwrap().is_none());
    assert!(open_to_read("embedded", dir.path()).unwrap().is_none());
    // Beside a writer it reads, and cannot write.
    let mut writer = PostgresLedger::new(&url).unwrap();
    tell(&mut writer, &held([record(1)]));
    assert_eq!(sums(&mut reader, day(0)), [1, 0, 0, 0]);
    let refused = reader.expire(0).unwrap_err();
    assert!(matches!(refused, LedgerError::Refused(_)) && refused.to_string().contains("reads"), "{refused}");
}

#[test]
fn several_may_start_at_once() {
    for place in Place::each() {
        let ids: Vec<LedgerId> = thread::scope(|scope| {
            let starts: Vec<_> = (0..6).map(|_| scope.spawn(|| place.open().id().unwrap())).collect();
            starts.into_iter().map(|start| start.join().unwrap()).collect()
        });
        assert!(ids.iter().all(|id| *id == ids[0]), "{}: {ids:?}", place.name());
    }
}

#[test]
fn tables_of_another_program_are_left_alone() {
    let server = Postgres::shared();
    for table in ["CREATE TABLE meta (key int)", "CREATE TABLE meta (name text, value text)"] {
        let url = server.schema();
        let schema = url.split("%3D").last().unwrap();
        server.sql(&format!("SET search_path = {schema}; {table}"));
        let refused = PostgresLedger::new(&url).unwrap().ping().unwrap_err().to_string();
        assert!(refused.contains("another program's") && refused.contains("search_path"), "{refused}");
    }
    let nowhere = PostgresLedger::new(&server.url("nowhere")).unwrap().ping().unwrap_err().to_string();
    assert!(nowhere.contains("CREATE SCHEMA"), "{nowhere}");
}
