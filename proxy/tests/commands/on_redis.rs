//! The same commands where the store is a Redis.

use std::sync::Arc;

use portalmeter_meter::ledger::sqlite::SqliteLedger;
use portalmeter_meter::ledger::{Ledger, Which};
use portalmeter_meter::store::redis::stream::{Position, StreamId};
use portalmeter_meter::store::redis::{Address, RedisStore, Settings};

use super::books::{Books, today};
use super::told::portalmeter;
use crate::faults::meter::until;
use crate::faults::stage::{Given, Stage, get};
use crate::postgres::Postgres;
use crate::redis_server::{Sentinel, Server};

fn check(store: &str) -> super::told::Told {
    let books = Books::empty(&format!("[store]\n{store}\n"));
    std::fs::write(books.path().join("password"), "hunter2\n").unwrap();
    books.ask("check")
}

#[test]
fn check_tells_what_could_make_counts_wrong() {
    let server = Server::start(&["--maxmemory 100mb", "--maxmemory-policy allkeys-lru"]);
    let told = check(&format!("url = \"redis://127.0.0.1:{}\"", server.port));
    assert_eq!(told.code, 0, "{told:?}");
    let place = format!("127.0.0.1:{}", server.port);
    assert!(told.out.contains(&format!("\n  store      redis://{place}/0, keys begin with pm:\n")), "{}", told.out);
    assert!(told.out.contains(&format!("\nthe store at redis://{place}/0 answers\n")), "{}", told.out);
    for said in ["maxmemory-policy is allkeys-lru", "it keeps nothing on disk"] {
        assert!(told.aside.contains(&format!("warning: the store at {place}: {said}: ")), "{said}: {}", told.aside);
    }
    let fine = Server::start(&["--appendonly yes", "--maxmemory-policy noeviction"]);
    let told = check(&format!("url = \"redis://127.0.0.1:{}\"", fine.port));
    assert_eq!((told.code, told.aside.as_str()), (0, ""), "{told:?}");
}

#[test]
fn check_tells_a_store_that_is_away_from_one_that_refuses() {
    let server = Server::start(&["--appendonly yes", "--requirepass hunter2"]);
    let url = format!("url = \"redis://127.0.0.1:{}\"", server.port);
    let told = check(&url);
    assert!(told.code == 1 && told.aside.contains("error: the store at redis://127.0.0.1"), "{told:?}");
    let told = check(&format!("{url}\npassword = {{ file = \"password\" }}"));
    assert_eq!((told.code, told.aside.as_str()), (0, ""), "{told:?}");
    drop(server);
    let told = check(&url);
    assert!(told.code == 0 && told.aside.contains("warning: the store at redis://127.0.0.1"), "{told:?}");
}

#[test]
fn check_says_how_to_mend_what_run_could_not_use() {
    let server = Server::start(&["--appendonly yes"]);
    let cluster = Server::start(&["--appendonly yes", "--cluster-enabled yes"]);
    let sentinel = Sentinel::of(&server);
    for user in ["blind ~pm:* +@all -@scripting", "elsewhere ~other:* +@all", "reader ~pm:* +@all -@write"] {
        server.does::<()>(&format!("ACL SETUSER {user} on >p"));
    }
    for user in ["streamless -@stream", "groupless -xgroup", "eternal -pexpire", "hoarder -del"] {
        let (name, without) = user.split_once(' ').unwrap();
        server.does::<()>(&format!("ACL SETUSER {name} ~pm:* +@all {without} on >p"));
    }
    let (there, slots, watches) = (server.port, cluster.port, sentinel.port);
    cluster.does::<()>("CLUSTER ADDSLOTS 1 2 3");
    for (url, remedy) in [
        (format!("redis://blind:p@127.0.0.1:{there}"), "the user of store.url needs"),
        (format!("redis://elsewhere:p@127.0.0.1:{there}"), "the user of store.url needs"),
        (format!("redis://reader:p@127.0.0.1:{there}"), "the user of store.url needs"),
        (format!("redis://streamless:p@127.0.0.1:{there}"), "the user of store.url needs"),
        (format!("redis://groupless:p@127.0.0.1:{there}"), "the user of store.url needs"),
        (format!("redis://eternal:p@127.0.0.1:{there}"), "the user of store.url needs"),
        (format!("redis://hoarder:p@127.0.0.1:{there}"), "the user of store.url needs"),
        (format!("redis://127.0.0.1:{there}/99"), "write a smaller one"),
        (format!("redis+sentinel://127.0.0.1:{there}/main"), "write it without +sentinel"),
        (format!("redis+sentinel://127.0.0.1:{watches}/other"), "store.url names another primary"),
        (format!("redis://127.0.0.1:{watches}"), "write redis+sentinel://"),
        (format!("redis+cluster://127.0.0.1:{there}"), "write redis:// in store.url"),
        (format!("redis://127.0.0.1:{slots}"), "nodes or slots are missing"),
    ] {
        let told = check(&format!("url = \"{url}\""));
        assert!(told.aside.contains(remedy), "{url}: {told:?}");
        assert_eq!(told.code, i32::from(!remedy.contains("slots")), "{url}: {told:?}");
    }
}

#[test]
fn check_speaks_tls_with_who_is_trusted() {
    let dir = tempfile::tempdir().unwrap();
    let (_server, port) = Server::encrypted(dir.path(), &["--appendonly yes"]);
    let url = format!("url = \"rediss://127.0.0.1:{port}\"");
    let told = check(&format!("{url}\nca_file = \"{}\"", dir.path().join("ca.pem").display()));
    assert_eq!((told.code, told.aside.as_str()), (0, ""), "{told:?}");
    let told = check(&url);
    assert!(told.code == 1 && told.aside.contains("store.ca_file"), "{told:?}");
    let told = check(&url.replace("rediss", "redis"));
    assert!(told.aside.contains("rediss:// if it speaks TLS"), "{told:?}");
}

#[test]
fn a_recount_compares_the_counters_in_redis() {
    let server = Server::start(&["--appendonly yes"]);
    let url = format!("redis://127.0.0.1:{}", server.port);
    let books = Books::empty(&format!("[store]\nurl = \"{url}\"\n"));
    let mut ledger = SqliteLedger::create(&books.data_dir()).unwrap();
    books.fill(&mut ledger);
    let mut store = RedisStore::new(&Settings::new(Address::parse(&url).unwrap()));
    for portal in ["support", "embedded"] {
        let totals = ledger.totals(portal, Which::All).unwrap().days;
        let days: Vec<_> =
            totals.iter().map(|total| (total.module.as_deref().map(Arc::from), total.day, total.sums)).collect();
        let position = Position { epoch: "none".to_owned(), id: StreamId::default() };
        store.serve(&[portal.into()]).unwrap();
        store.settle_counters(&portal.into(), &position, &days).unwrap();
        for total in totals.iter().filter(|total| total.sealed.is_some()) {
            store.mark_sealed(&portal.into(), None, total.day, 1).unwrap();
        }
    }
    let day = today().plus(-3);
    let recount = format!("recount --month {} --output json", day.month());
    let told = books.ask(&recount);
    let answer: serde_json::Value = serde_json::from_str(&told.out).unwrap();
    assert_eq!(told.code, 0, "{told:?}");
    assert!(answer["looked_at"]["counters"].as_u64().unwrap() >= 3, "{answer}");

    assert_eq!(server.does::<i64>(&format!("HINCRBY pm:{{support}}:usage:{day} external 1")), 2);
    let told = books.ask(&recount.replace(" --output json", ""));
    let line = format!("support {day}: counter external: expected 1, as the ledger has it, found 2\n");
    assert_eq!((told.code, told.out), (1, line));
    server.does::<()>(&format!("HDEL pm:{{support}}:usage:{day} external billable"));
    let told = books.ask(&recount.replace(" --output json", ""));
    assert!(told.out.contains("counter billable: expected 3, as the ledger has it, found no such field"), "{told:?}");
    server.does::<()>(&format!("DEL pm:{{support}}:usage:{day}"));
    let gone = || books.ask(&recount.replace(" --output json", "")).out.contains("found no counters");
    assert!(gone() && gone(), "a recount forgets nothing");
    drop(server);
    let told = books.ask(&recount);
    assert!(told.code == 1 && told.aside.contains("cannot be read: support: the store's counters: "), "{told:?}");
}

#[test]
fn books_of_a_meter_on_redis_and_postgres_are_proved_beside_it() {
    let (redis, postgres) = (Server::start(&["--appendonly yes"]), Postgres::start());
    let (url, ledger) = (format!("redis://127.0.0.1:{}", redis.port), postgres.schema());
    let portal = format!(
        "session.idle_timeout = \"2s\"\n[store]\nurl = \"{url}\"\n[ledger]\nurl = \"{ledger}\"\n\
         [flush]\ninterval = \"200ms\"\nfiles = {{ dir = \"usage\" }}\n"
    );
    let journal = "keep = \"2s\"\narchive = \"archive\"\n";
    let stage = Stage::new(&Given { portal: &portal, journal, ..Given::default() });
    let folder = stage.setup.config.parent().unwrap();
    for number in 1..=5 {
        stage.ask(&get(number, "/", ""));
    }
    until("five sessions are in the ledger", || stage.setup.counted().guest == 5);
    let ask = |words: &str| portalmeter(folder, words.split(' '));
    let recount = || -> (i32, serde_json::Value) {
        let told = ask("recount --month this --output json");
        (told.code, serde_json::from_str(&told.out).unwrap_or_else(|_| panic!("{told:?}")))
    };
    std::thread::sleep(std::time::Duration::from_millis(2_500));
    let (code, answer) = recount();
    assert_eq!(code, 0, "{answer}");
    let looked = &answer["looked_at"];
    assert_eq!((&looked["records"], &looked["observations"]), (&5.into(), &5.into()), "{answer}");
    assert!(looked["counters"] == 1 && looked["unread"] == serde_json::json!([]), "{answer}");

    redis.does::<()>("HSET pm:nodes 0101010101010101 {}");
    let (code, answer) = recount();
    let left = answer["looked_at"]["left_out"][0].as_str().unwrap();
    assert!(code == 0 && answer["looked_at"]["observations"] == 0, "{answer}");
    assert!(
        left.starts_with(
            "the journals: Redis knows 1 node whose journal is not here; name with --archive each node's archive"
        ),
        "{left}"
    );
    let told = ask("recount --month this");
    assert!(told.aside.ends_with("nothing is amiss, but no journal was compared\n"), "{told:?}");
    let told = ask("recount --month this --archive archive --output json");
    assert!(told.code == 0 && told.out.contains("\"observations\":5"), "{told:?}");
    redis.does::<()>("HDEL pm:nodes 0101010101010101");

    let told = ask("correct --portal help --day today --class guest --amount -2 --author ann --reason test");
    assert_eq!(told.code, 0, "{told:?}");
    let (code, answer) = recount();
    assert_eq!(code, 0, "{answer}");
    let key = redis.does::<Vec<String>>("KEYS pm:{help}:usage:*").remove(0);
    assert_eq!(redis.does::<i64>(&format!("HGET {key} guest")), 3, "the running node has set it right");
    let told = ask("check");
    assert!(told.code == 0 && told.out.contains("the store at redis://") && told.out.contains("answers"), "{told:?}");
}

#[test]
fn a_node_that_ends_while_the_ledger_is_silent_has_lost_nothing() {
    let (redis, postgres) = (Server::start(&["--appendonly yes"]), Postgres::start());
    let (url, ledger) = (format!("redis://127.0.0.1:{}", redis.port), postgres.schema());
    let portal = format!("[store]\nurl = \"{url}\"\n[ledger]\nurl = \"{ledger}\"\n[flush]\ninterval = \"200ms\"\n");
    let stage = Stage::new(&Given { portal: &portal, drain: "3s", ..Given::default() });
    stage.ask(&get(1, "/", ""));
    until("a session is in the ledger", || stage.setup.counted().guest == 1);
    let (_, schema) = ledger.rsplit_once("%3D").unwrap();
    let lock = format!("BEGIN; LOCK TABLE {schema}.usage_day; SELECT pg_sleep(12)");
    std::thread::scope(|scope| {
        let held = scope.spawn(|| postgres.sql(&lock));
        let locks = "SELECT COUNT(*) FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND granted AND relation > 16383";
        until("the ledger is locked", || postgres.sql(locks) == "1");
        stage.ask(&get(2, "/", ""));
        stage.running.signal("-TERM");
        let Stage { running, setup, .. } = stage;
        let (status, spent) = running.end();
        assert!(status.success() && !held.is_finished(), "{status} after {spent:?}: {}", setup.log());
        let said = "the ledger does not answer in time: what it has not been told yet waits in the store";
        assert!(setup.log().contains(said), "{}", setup.log());
    });
}
