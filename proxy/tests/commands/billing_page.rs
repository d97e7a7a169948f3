//! Every command of `docs/billing.md` that asks Redis or a ledger, run.

use std::process::{Command, Stdio};
use std::sync::Arc;

use portalmeter_meter::day::{Day, Zone};
use portalmeter_meter::entry::Entry;
use portalmeter_meter::ledger::postgres::PostgresLedger;
use portalmeter_meter::ledger::sqlite::{FILE, SqliteLedger};
use portalmeter_meter::ledger::{Correction, Ledger, OpenDay, Position, Stretch};
use portalmeter_meter::session::Class;
use portalmeter_meter::store::NodeId;
use portalmeter_meter::store::redis::{Address, NodeState, RedisStore, Settings};
use portalmeter_meter::store::step::{Gain, Lively, Outcome, Slot, Step, Write};
use portalmeter_meter::usage::Sums;
use portalmeter_rules::id::Name;

use super::books::{now, records};
use crate::postgres::Postgres;
use crate::redis_server::Server;

const PAGE: &str = include_str!("../../../docs/billing.md");
/// The day of which the page speaks.
const DAY: &str = "2026-03-12";

/// What stands in the blocks that are marked so.
fn blocks(mark: &str) -> Vec<&'static str> {
    let begin = format!("```{mark}\n");
    let found: Vec<&str> = PAGE.split(&begin).skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    assert!(!found.is_empty(), "no block is marked `{mark}`");
    found
}

fn day() -> Day {
    DAY.parse().unwrap()
}

/// A Redis in which support had a session on that day, with a module, and somebody is live.
fn redis() -> Server {
    let server = Server::start(&["--appendonly yes"]);
    let address = Address::parse(&format!("redis://127.0.0.1:{}", server.port)).unwrap();
    let mut store = RedisStore::new(&Settings::new(address));
    let portal: Arc<str> = "support".into();
    store.serve(std::slice::from_ref(&portal)).unwrap();
    store.begin_again().unwrap();
    store.group(&portal, "0123456789abcdef", None).unwrap();
    let sums = Sums { records: [1, 0, 0, 0], page_views: 1, ..Sums::default() };
    let zone: Arc<str> = "UTC".into();
    let gain =
        |module: Option<&str>| Gain { module: module.map(Into::into), day: day(), zone: Arc::clone(&zone), sums };
    let visitor = Name([7; 16]);
    let step = Step {
        portal: Arc::clone(&portal),
        writes: vec![Write {
            slot: Slot::Visitor(visitor, None),
            before: None,
            after: Some(b"anything".to_vec()),
            expires: now() + 60_000,
        }],
        gains: vec![gain(None), gain(Some("chat"))],
        live: vec![Lively { visitor, module: None, last_seen: Some(now()) }],
        entries: records("support", day()).into_iter().map(Entry::Record).collect(),
    };
    assert!(matches!(store.apply(&[step], now()).as_slice(), [Ok(Outcome::Done)]));
    store.tell_node(NodeId([1; 8]), &NodeState { host: "proxy-1".into(), ..NodeState::default() }).unwrap();
    server
}

#[test]
fn redis_answers_every_command_of_the_page() {
    let server = redis();
    let mut asked = 0;
    for command in blocks("sh redis").iter().flat_map(|block| block.lines()) {
        assert!(command.starts_with("redis-cli "), "{command}");
        // The page's own words, to the test's server.
        let script = command.replacen("redis-cli", &format!("redis-cli -e -p {}", server.port), 1);
        let done = Command::new("sh").args(["-c", &script]).stdin(Stdio::null()).output().unwrap();
        let said = String::from_utf8_lossy(&done.stdout).into_owned() + &String::from_utf8_lossy(&done.stderr);
        assert!(done.status.success() && !said.contains("ERR") && !said.trim().is_empty(), "{command}: {said}");
        match command {
            HGETALL => assert!(said.contains("guest_raw\n") && said.contains("billable\n"), "{said}"),
            BILLABLE => assert!(said.trim().parse::<i64>().unwrap() > 0, "{said}"),
            LIVE => assert_eq!(said.trim(), "1", "{said}"),
            _ => {}
        }
        asked += 1;
    }
    assert!(asked >= 12, "{asked}");
}

const HGETALL: &str = "redis-cli HGETALL 'pm:{support}:usage:2026-03-12'";
const BILLABLE: &str = "redis-cli HGET 'pm:{support}:usage:2026-03-12' billable";
const LIVE: &str = "redis-cli ZCOUNT 'pm:{support}:live' \"$(( ($(date +%s) - 1800) * 1000 ))\" +inf";

/// The day in a ledger: two guests and an external session, one of them corrected by hand once it is sealed.
fn fill(ledger: &mut dyn Ledger) {
    let entries: Vec<Entry> = records("support", day()).into_iter().map(Entry::Record).collect();
    let upto = Position { at: 1, number: 0, stream: 0 };
    ledger.take(&Stretch { portal: "support", from: Position::START, upto, entries: &entries }, now()).unwrap();
    ledger.seal(&OpenDay { day: day(), portal: "support".to_owned(), zone: "UTC".to_owned() }, now()).unwrap();
    let correction = Correction {
        id: Correction::new_id(now()).unwrap(),
        portal: "support".to_owned(),
        module: None,
        day: day(),
        zone: Zone::utc(),
        class: Class::Guest,
        amount: (-1).try_into().unwrap(),
        account: None,
        trial: false,
        author: "ann".to_owned(),
        note: "a test".to_owned(),
    };
    ledger.correct(&correction, now()).unwrap();
}

#[test]
fn postgres_answers_every_question_of_the_page() {
    let server = Postgres::start();
    let url = server.schema();
    fill(&mut PostgresLedger::new(&url).unwrap());
    let schema = url.rsplit("%3D").next().unwrap();
    let mut asked = 0;
    for sql in blocks("sql postgres").iter().flat_map(|block| block.split(';')).filter(|sql| !sql.trim().is_empty()) {
        let said = server.sql(&format!("SET search_path = {schema}; {sql}"));
        assert!(!said.is_empty(), "{sql} answers nothing");
        asked += 1;
        if sql.contains("usage_day") {
            assert!(said.starts_with("2026-03-12||2|1|0|0|3|"), "{said}");
        }
    }
    assert_eq!(asked, 5);
}

#[test]
fn sqlite_answers_every_question_of_the_page() {
    let folder = tempfile::tempdir().unwrap();
    fill(&mut SqliteLedger::create(folder.path()).unwrap());
    let database = rusqlite::Connection::open(folder.path().join(FILE)).unwrap();
    let mut asked = 0;
    for sql in blocks("sql sqlite").iter().flat_map(|block| block.split(';')).filter(|sql| !sql.trim().is_empty()) {
        let mut ask = database.prepare(sql).unwrap();
        let mut rows = ask.query([]).unwrap();
        assert!(rows.next().unwrap().is_some(), "{sql} answers nothing");
        asked += 1;
    }
    assert_eq!(asked, 3);
}
