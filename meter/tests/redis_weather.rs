//! What the store in Redis makes of servers that fail, forget, refuse, or are others than they were.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]
#![allow(clippy::disallowed_methods, reason = "servers take their time")]

#[path = "support/redis.rs"]
mod support;
#[path = "support/wire.rs"]
mod wire;

use std::fs;
use std::sync::Arc;
use std::time::{Duration, Instant};

use portalmeter_meter::day::Day;
use portalmeter_meter::entry::{Entry, Presence};
use portalmeter_meter::store::redis::stream::{Position, StreamId};
use portalmeter_meter::store::redis::{Address, Continuity, RedisError, RedisStore, Settings, Trouble};
use portalmeter_meter::store::step::{Gain, Lively, Outcome, Place, Slot, Step, Write};
use portalmeter_meter::usage::Sums;
use portalmeter_rules::id::Name;
use redis::cluster_routing::Slot as HashSlot;
use support::{Cluster, Sentinel, Server, does, settings, store, until};
use wire::Wire;

const NOW: i64 = 1_773_000_000_000;

fn name(number: u32) -> Name {
    let mut bytes = [0; 16];
    bytes[..4].copy_from_slice(&number.to_be_bytes());
    Name(bytes)
}

/// A step of every part.
fn step(portal: &str, number: u32, before: Option<Vec<u8>>, after: &str) -> Step {
    let visitor = name(number);
    let sums = Sums { records: [1, 0, 0, 0], ..Sums::default() };
    Step {
        portal: portal.into(),
        writes: vec![Write {
            slot: Slot::Visitor(visitor, None),
            before,
            after: Some(after.as_bytes().to_vec()),
            expires: NOW + 3_600_000,
        }],
        gains: vec![Gain { module: None, day: "2026-03-12".parse().unwrap(), zone: "UTC".into(), sums }],
        live: vec![Lively { visitor, module: None, last_seen: Some(NOW) }],
        entries: vec![Entry::Presence(Presence {
            portal: portal.into(),
            module: None,
            day: Day(number as i32),
            visitor,
            user: None,
            gone: false,
        })],
    }
}

fn first(portal: &str, number: u32) -> Step {
    step(portal, number, None, "one")
}

fn apply_one(store: &mut RedisStore, step: Step) -> Result<Outcome, RedisError> {
    store.apply(&[step], NOW).remove(0)
}

fn load_one(store: &mut RedisStore, portal: &str, number: u32) -> Result<Option<Vec<u8>>, RedisError> {
    store.load(&[Place { portal: portal.into(), slot: Slot::Visitor(name(number), None) }]).remove(0)
}

/// A store that has begun, with a first step done.
fn begun(url: &str) -> RedisStore {
    begun_with(&settings(url))
}

fn begun_with(settings: &Settings) -> RedisStore {
    let mut store = RedisStore::new(settings);
    store.serve(&["support".into()]).unwrap();
    store.begin_again().unwrap();
    assert_eq!(store.continuity(), Ok(Continuity::Same));
    assert_eq!(apply_one(&mut store, first("support", 0)), Ok(Outcome::Done));
    store
}

/// Looks until it can be told, through pauses after failures.
fn look(store: &mut RedisStore) -> Continuity {
    until("a look", || store.continuity().ok())
}

fn forgets(store: &mut RedisStore, part: &str) {
    let Continuity::Forgot(why) = look(store) else { panic!("it is said to be the same") };
    assert!(why.contains(part), "{why}");
    let refused = apply_one(store, first("support", 99)).unwrap_err();
    assert_eq!(
        (refused.trouble, load_one(store, "support", 0).unwrap_err().trouble),
        (Trouble::Forgot, Trouble::Forgot)
    );
    store.begin_again().unwrap();
    assert_eq!(look(store), Continuity::Same);
}

fn done_at_last(store: &mut RedisStore, step: &Step) {
    until("a step that is done", || (apply_one(store, step.clone()) == Ok(Outcome::Done)).then_some(()));
}

#[test]
fn a_flushed_server_takes_nothing_until_it_is_said() {
    let server = Server::start(&[]);
    let mut store = begun(&server.url());
    server.does::<()>("FLUSHALL");
    assert_eq!(apply_one(&mut store, first("support", 1)), Ok(Outcome::Reset));
    assert_eq!(server.does::<i64>("DBSIZE"), 0);
    forgets(&mut store, "`support` are gone");
    assert_eq!(apply_one(&mut store, first("support", 0)), Ok(Outcome::Done));
    assert_eq!(store.portals().unwrap(), ["support"]);
}

#[test]
fn scripts_are_loaded_where_they_are_missing() {
    let server = Server::start(&[]);
    let mut store = begun(&server.url());
    server.does::<()>("SCRIPT FLUSH");
    let steps: Vec<Step> = (1..300).map(|number| first("support", number)).collect();
    assert!(store.apply(&steps, NOW).into_iter().all(|outcome| outcome == Ok(Outcome::Done)));
    assert_eq!(server.does::<i64>("HGET pm:{support}:usage:2026-03-12 guest"), 300, "each once");
}

#[test]
fn a_restarted_server_is_found_and_told_apart() {
    let mut server = Server::start(&["--appendonly yes", "--appendfsync always"]);
    let mut store = begun(&server.url());
    server.kill();
    let away = apply_one(&mut store, first("support", 1)).unwrap_err();
    assert_eq!(away.trouble, Trouble::Away);
    assert!(away.again_in > Duration::ZERO && store.again_in().is_some());
    assert!(store.reach().is_err());
    server.start_again();
    until("a server that is reached", || store.reach().ok());
    let found = until("a server that is back", || match apply_one(&mut store, first("support", 1)) {
        Err(error) if error.trouble != Trouble::Forgot => None,
        other => Some(other),
    });
    assert!(found.is_err(), "the first step after a restart waits until it is said: {found:?}");
    forgets(&mut store, "was started anew");
    assert_eq!(load_one(&mut store, "support", 0), Ok(Some(b"one".to_vec())), "it has what it had");
    assert_eq!(apply_one(&mut store, first("support", 1)), Ok(Outcome::Done));
}

#[test]
fn a_node_that_starts_after_a_restart_knows_of_it_too() {
    let mut server = Server::start(&["--appendonly yes", "--appendfsync always"]);
    let mut store = begun(&server.url());
    let portal: Arc<str> = "support".into();
    let position = store.group(&portal, "ledger", None).unwrap();
    let position = Position { id: store.last_id(&portal).unwrap(), ..position };
    drop(store);
    server.start_again();
    let (mut one, mut other) = (support::store(&server.url()), support::store(&server.url()));
    for store in [&mut one, &mut other] {
        assert_eq!(apply_one(store, first("support", 1)).unwrap_err().trouble, Trouble::Forgot);
        assert!(matches!(store.continuity(), Ok(Continuity::Forgot(why)) if why.contains("started anew")));
    }
    one.begin_again().unwrap();
    other.begin_again().unwrap();
    for (number, store) in [&mut one, &mut other].into_iter().enumerate() {
        assert_eq!(store.continuity(), Ok(Continuity::Same), "one new epoch for both");
        assert_eq!(apply_one(store, first("support", 1 + number as u32)), Ok(Outcome::Done));
    }
    let again = one.group(&portal, "ledger", Some(&position)).unwrap();
    assert_ne!(again.epoch, position.epoch, "the stream may be another one");
    assert_eq!(one.read(&portal, again.id, 9).unwrap().len(), 3, "it is read from its start");
    let mut late = support::store(&server.url());
    assert_eq!(apply_one(&mut late, first("support", 9)), Ok(Outcome::Done), "who starts later finds nothing odd");
}

#[test]
fn an_old_snapshot_is_told_apart() {
    let mut server = Server::start(&[]);
    let mut store = begun(&server.url());
    server.does::<()>("SAVE");
    let snapshot = fs::read(server.dir().join("dump.rdb")).unwrap();
    assert_eq!(apply_one(&mut store, first("support", 1)), Ok(Outcome::Done));
    server.kill();
    fs::write(server.dir().join("dump.rdb"), snapshot).unwrap();
    server.start_again();
    forgets(&mut store, "was started anew");
    assert_eq!(load_one(&mut store, "support", 1), Ok(None));
}

#[test]
fn a_replica_is_refused_with_a_hint() {
    let primary = Server::start(&[]);
    let replica = Server::start(&[&format!("--replicaof 127.0.0.1 {}", primary.port)]);
    let mut store = store(&replica.url());
    let refused = load_one(&mut store, "support", 1).unwrap_err();
    assert_eq!(refused.trouble, Trouble::ReadOnly);
    assert!(refused.hint().contains("name the primary"), "{}", refused.hint());
}

#[test]
fn a_primary_that_becomes_a_replica_takes_nothing() {
    let (server, other) = (Server::start(&[]), Server::start(&[]));
    let mut store = begun(&server.url());
    server.does::<()>(&format!("REPLICAOF 127.0.0.1 {}", other.port));
    let refused = until("a refusal", || apply_one(&mut store, first("support", 1)).err());
    assert!(matches!(refused.trouble, Trouble::ReadOnly | Trouble::Loading), "{refused:?}");
    until("a replica in step", || {
        let info: String = server.does("INFO replication");
        info.contains("master_link_status:up").then_some(())
    });
    server.does::<()>("REPLICAOF NO ONE");
    forgets(&mut store, "another data set");
    assert_eq!(load_one(&mut store, "support", 0), Ok(None));
}

#[test]
fn the_first_replica_changes_nothing() {
    let primary = Server::start(&[]);
    let mut store = begun(&primary.url());
    let history = || -> String {
        let info: String = primary.does("INFO replication");
        info.lines().find_map(|line| line.strip_prefix("master_replid:")).unwrap().to_owned()
    };
    let before = history();
    let _replica = Server::start(&[&format!("--replicaof 127.0.0.1 {}", primary.port)]);
    until("another history", || (history() != before).then_some(()));
    assert_eq!(store.continuity(), Ok(Continuity::Same));
    assert_eq!(apply_one(&mut support::store(&primary.url()), first("support", 1)), Ok(Outcome::Done));
}

#[test]
fn a_replica_that_takes_over_is_told_apart() {
    let mut primary = Server::start(&[]);
    let replica = Server::start(&[&format!("--replicaof 127.0.0.1 {}", primary.port)]);
    let wire = Wire::to(primary.port);
    let mut store = begun(&format!("redis://127.0.0.1:{}", wire.port));
    replicated(&primary, &replica);
    primary.kill();
    replica.does::<()>("REPLICAOF NO ONE");
    wire.lay_to(replica.port);
    forgets(&mut store, "was started anew, or is another");
    assert_eq!(load_one(&mut store, "support", 0), Ok(Some(b"one".to_vec())));
    done_at_last(&mut store, &first("support", 1));
}

#[test]
fn a_full_server_writes_nothing_of_a_step() {
    let server = Server::start(&["--maxmemory-policy noeviction"]);
    let mut store = begun(&server.url());
    server.does::<()>("CONFIG SET maxmemory 1mb");
    let mut refused = None;
    for number in 1..100_000 {
        let large = "x".repeat(10_000);
        match apply_one(&mut store, step("support", number, None, &large)) {
            Ok(outcome) => assert_eq!(outcome, Outcome::Done),
            Err(error) => {
                refused = Some((number, error));
                break;
            }
        }
    }
    let (number, refused) = refused.unwrap();
    assert_eq!(refused.trouble, Trouble::Full, "{refused}");
    assert_eq!(load_one(&mut store, "support", number), Ok(None));
    let (steps, guests) = (store.backlog(&"support".into()), server.does("HGET pm:{support}:usage:2026-03-12 guest"));
    assert_eq!((steps, guests), (Ok(u64::from(number)), number), "nothing of it");
    server.does::<()>("CONFIG SET maxmemory 0");
    assert_eq!(apply_one(&mut store, first("support", number)), Ok(Outcome::Done));
}

#[test]
fn a_server_that_cannot_save_or_lacks_replicas_says_so() {
    let server = Server::start(&[]);
    let mut store = begun(&server.url());
    server.does::<()>("CONFIG SET min-replicas-to-write 1");
    assert_eq!(apply_one(&mut store, first("support", 1)).unwrap_err().trouble, Trouble::TooFewReplicas);
    server.does::<()>("CONFIG SET min-replicas-to-write 0");

    fs::create_dir(server.dir().join("dump.rdb")).unwrap();
    redis::cmd("CONFIG").arg(&["SET", "save", "3600 1"]).exec(&mut server.connection()).unwrap();
    server.does::<()>("BGSAVE");
    let refused = until("a snapshot that fails", || {
        apply_one(&mut store, step("support", 0, Some(b"one".to_vec()), "one")).err()
    });
    assert_eq!(refused.trouble, Trouble::NotSaving, "{refused}");
    let findings = store.findings(1_000).unwrap();
    assert!(findings.iter().any(|finding| finding.what == "snapshot"), "{findings:?}");
}

#[test]
fn what_commits_need_is_tried_and_changes_nothing() {
    let server = Server::start(&[]);
    let mut store = begun(&server.url());
    let before = server.does::<i64>("DBSIZE");
    assert_eq!(store.probe(&"support".into()), Ok(()));
    assert_eq!(store.probe(&"another".into()), Ok(()), "whose keys nobody made");
    assert_eq!(server.does::<i64>("DBSIZE"), before);
    for lacking in ["mget", "xinfo", "zremrangebyscore", "evalsha", "xadd", "rename"] {
        server.does::<()>(&format!("ACL SETUSER pm on >word ~* +@all -{lacking}"));
        let address = format!("redis://pm:word@127.0.0.1:{}", server.port);
        let mut store = RedisStore::new(&settings(&address));
        let refused = store.probe(&"support".into()).unwrap_err();
        assert_eq!(refused.trouble, Trouble::Forbidden, "{lacking}: {refused}");
    }
}

#[test]
fn a_cut_connection_leaves_every_step_done_or_not_and_nothing_is_done_twice() {
    let server = Server::start(&[]);
    let wire = Wire::to(server.port);
    let mut store = begun(&format!("redis://127.0.0.1:{}", wire.port));
    let count = 600;
    for round in 1..=12_u32 {
        let numbers: Vec<u32> = (round * 10_000..round * 10_000 + count).collect();
        if round % 2 == 0 {
            wire.cut_going(i64::from(round) * 13_001);
        } else {
            wire.cut_coming(i64::from(round) * 23);
        }
        let mut cuts = 0;
        let mut left: Vec<Step> = numbers.iter().map(|number| first("support", *number)).collect();
        until("all steps", || {
            let outcomes = store.apply(&left, NOW);
            cuts += u32::from(
                outcomes.iter().any(|outcome| outcome.as_ref().is_err_and(|error| error.trouble == Trouble::Away)),
            );
            left = outcomes
                .into_iter()
                .zip(std::mem::take(&mut left))
                .filter_map(|(outcome, step)| match outcome {
                    Ok(Outcome::Done) => None,
                    Ok(Outcome::Lost(values)) => {
                        assert_eq!(values, [Some(b"one".to_vec())], "done before, by ourselves");
                        None
                    }
                    Ok(Outcome::Reset) => panic!("nothing was reset"),
                    Err(_) => Some(step),
                })
                .collect();
            left.is_empty().then_some(())
        });
        assert_eq!(cuts, 1, "round {round}");
        assert_eq!(look(&mut store), Continuity::Same, "the same server is behind it");
    }
    let all = i64::from(12 * count + 1);
    assert_eq!(server.does::<i64>("HGET pm:{support}:usage:2026-03-12 guest"), all);
    let entries = store.read(&"support".into(), StreamId::default(), 100_000).unwrap();
    assert_eq!(i64::try_from(entries.len()), Ok(all));
    assert_eq!(server.does::<i64>("ZCARD pm:{support}:live"), all);
}

#[test]
fn a_stopped_server_costs_one_timeout_and_then_no_time() {
    let server = Server::start(&[]);
    let quick = Settings { response_timeout: Duration::from_millis(300), ..settings(&server.url()) };
    let mut store = begun_with(&quick);
    server.signal("-STOP");
    assert_eq!(apply_one(&mut store, first("support", 1)).unwrap_err().trouble, Trouble::Away);
    let begun = Instant::now();
    let errors = until("a pause", || {
        let error = apply_one(&mut store, first("support", 1)).unwrap_err();
        (error.trouble == Trouble::Waiting).then_some(error)
    });
    assert!(errors.again_in <= Duration::from_secs(2) && begun.elapsed() < Duration::from_secs(30), "{errors:?}");
    server.signal("-CONT");
    until("an answer", || match apply_one(&mut store, first("support", 1)) {
        // The first try may have been done before its answer was lost.
        Ok(Outcome::Done | Outcome::Lost(_)) => Some(()),
        _ => None,
    });
    assert_eq!(server.does::<i64>("HGET pm:{support}:usage:2026-03-12 guest"), 2);
}

#[test]
fn who_may_not_is_told_what_to_mend() {
    let mut server = Server::start(&["--requirepass s3cret"]);
    server.password = Some("s3cret".into());
    server.does::<()>("ACL SETUSER half on >half ~pm:* +@all -xadd");
    let at = |login: &str| format!("redis://{login}127.0.0.1:{}", server.port);
    for login in ["", ":wrong@", "nobody:s3cret@"] {
        let error = load_one(&mut store(&at(login)), "support", 1).unwrap_err();
        assert_eq!(error.trouble, Trouble::Denied, "{login}: {error}");
        assert!(error.hint().contains("password") && !error.to_string().contains("s3cret"), "{error}");
    }
    begun(&at(":s3cret@"));
    let mut half = store(&at("half:half@"));
    let error = apply_one(&mut half, first("support", 1)).unwrap_err();
    assert_eq!(error.trouble, Trouble::Forbidden, "{error}");
    assert_eq!(load_one(&mut half, "support", 1), Ok(None), "nothing of the step is done");
}

#[test]
fn the_rights_that_the_hint_names_are_enough() {
    let server = Server::start(&[]);
    let rights = Trouble::Forbidden.hint().split_once(" needs ").unwrap().1;
    server.does::<()>(&format!("ACL SETUSER meter on >p {rights}"));
    let mut store = begun(&format!("redis://meter:p@127.0.0.1:{}", server.port));
    let portal: Arc<str> = "support".into();
    let position = store.group(&portal, "ledger", None).unwrap();
    let told = store.read(&portal, position.id, 9).unwrap();
    store.acknowledge(&portal, "ledger", told[0].id).unwrap();
    store.trim(&portal).unwrap();
    let position = Position { id: told[0].id, ..position };
    store.settle_counters(&portal, &position, &[]).unwrap();
    store.mark_sealed(&portal, None, "2026-03-12".parse().unwrap(), NOW).unwrap();
    assert_eq!(store.statistics(&portal).unwrap().len(), 1);
    let overdue = store.overdue(&portal, NOW, 9).unwrap();
    assert_eq!(store.leave(&portal, NOW, &[(overdue[0].clone(), Vec::new())]), Ok(1));
    server.does::<()>("SET pm:nodes garbage");
    server.does::<()>("DEL pm:{support}:records");
    server.does::<()>("SET pm:{support}:records garbage");
    assert_eq!(store.nodes(), Ok(vec![]));
    assert_eq!(apply_one(&mut store, first("support", 2)), Ok(Outcome::Reset), "what was on its way is lost");
    store.begin_again().unwrap();
    assert_eq!(apply_one(&mut store, first("support", 2)), Ok(Outcome::Done));
    assert_eq!(store.secret(b"x").unwrap(), b"x");
    assert!(store.clock().is_ok());
    let findings: Vec<_> = store.findings(60_000).unwrap().into_iter().map(|finding| finding.what).collect();
    assert_eq!(findings, ["persistence"]);
}

#[test]
fn a_server_that_is_reading_its_data_is_waited_for() {
    let mut server = Server::start(&["--appendonly yes"]);
    let mut store = begun(&server.url());
    let steps: Vec<Step> = (1..3_000).map(|number| first("support", number)).collect();
    assert!(store.apply(&steps, NOW).into_iter().all(|outcome| outcome == Ok(Outcome::Done)));
    server.does::<()>("BGREWRITEAOF");
    until("a compact file", || {
        let info: String = server.does("INFO persistence");
        let idle = ["aof_rewrite_in_progress:0", "aof_rewrite_scheduled:0"];
        idle.iter().all(|word| info.contains(word)).then_some(())
    });
    // A millisecond a key.
    server.start_slowly(&["--key-load-delay 1000", "--loading-process-events-interval-bytes 1024"]);
    until("word that it is reading", || {
        let error = load_one(&mut support::store(&server.url()), "support", 1).err()?;
        (error.trouble == Trouble::Loading).then_some(())
    });
    forgets_at_last(&mut store);
    assert_eq!(load_one(&mut store, "support", 2_999), Ok(Some(b"one".to_vec())));
}

/// Begins again as soon as that is possible.
fn forgets_at_last(store: &mut RedisStore) {
    until("word that it may have forgotten", || matches!(store.continuity(), Ok(Continuity::Forgot(_))).then_some(()));
    until("a beginning", || store.begin_again().ok());
    assert_eq!(look(store), Continuity::Same);
}

#[test]
fn a_databases_number_is_obeyed() {
    let server = Server::start(&[]);
    begun(&format!("{}/3", server.url()));
    assert_eq!(server.does::<i64>("DBSIZE"), 0);
    let mut connection = server.connection();
    does::<()>(&mut connection, "SELECT 3");
    assert_eq!(does::<i64>(&mut connection, "EXISTS pm:{support}:epoch"), 1);
}

#[test]
fn tls_with_an_authority_of_its_own_and_a_user() {
    let dir = tempfile::tempdir().unwrap();
    let (server, port) = Server::encrypted(dir.path(), &[]);
    server.does::<()>("ACL SETUSER meter on >p@ss ~pm:* +@all");
    let url = format!("rediss://meter:p%40ss@localhost:{port}/2");
    let ca = fs::read(dir.path().join("ca.pem")).unwrap();
    let mut store = begun_with(&Settings { ca: Some(ca), ..settings(&url) });
    assert_eq!(load_one(&mut store, "support", 0), Ok(Some(b"one".to_vec())));

    let strange = load_one(&mut support::store(&url), "support", 0).unwrap_err();
    assert!(strange.to_string().contains("certificate"), "{strange}");
    let garbage = Settings { ca: Some(b"-----BEGIN CERTIFICATE-----\nx\n".to_vec()), ..settings(&url) };
    assert!(load_one(&mut RedisStore::new(&garbage), "support", 0).is_err());
}

#[test]
fn what_is_no_redis_is_an_error_and_no_hang() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for client in listener.incoming().flatten() {
            use std::io::Write;
            (&client).write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").ok();
        }
    });
    let mut store = store(&format!("redis://127.0.0.1:{port}"));
    assert!(load_one(&mut store, "support", 0).is_err());
    let address = Address::parse("redis://no-such-host.invalid").unwrap();
    let error = load_one(&mut RedisStore::new(&Settings::new(address)), "support", 0).unwrap_err();
    assert!(matches!(error.trouble, Trouble::Away | Trouble::Address), "{error:?}");
}

#[test]
fn findings_name_what_could_make_counts_wrong() {
    let server = Server::start(&[]);
    let mut store = store(&server.url());
    let found = |store: &mut RedisStore, bound| -> Vec<_> {
        store.findings(bound).unwrap().into_iter().map(|finding| finding.what).collect()
    };
    assert_eq!(found(&mut store, 60_000), ["persistence"]);
    server.does::<()>("CONFIG SET maxmemory-policy allkeys-lru");
    server.does::<()>("CONFIG SET appendonly yes");
    assert_eq!(found(&mut store, 60_000), ["eviction"]);
    server.does::<()>("CONFIG SET maxmemory-policy noeviction");
    assert_eq!(found(&mut store, i64::MIN / 2), ["clock"]);
    let offset = store.clock().unwrap();
    assert!(offset.millis.abs() <= offset.bound, "one machine has one clock: {offset:?}");
}

fn replicated(primary: &Server, replica: &Server) {
    let offset = |server: &Server, field: &str| -> Option<String> {
        let info: String = server.does("INFO replication");
        Some(info.lines().find_map(|line| line.strip_prefix(field))?.to_owned())
    };
    until("a replica in step", || {
        let last = offset(primary, "master_repl_offset:")?;
        let is_linked = offset(replica, "master_link_status:")?.trim() == "up";
        (is_linked && last == offset(replica, "slave_repl_offset:")?).then_some(())
    });
}

#[test]
fn the_primary_that_sentinels_name_is_followed() {
    let mut primary = Server::start(&[]);
    let replica = Server::start(&[&format!("--replicaof 127.0.0.1 {}", primary.port)]);
    let sentinel = Sentinel::of(&primary);
    sentinel.knows_replicas(1);
    let gone = support::free_port();
    let sentinels = format!("redis+sentinel://127.0.0.1:{gone},127.0.0.1:{}", sentinel.port);
    let unknown = load_one(&mut store(&format!("{sentinels}/other")), "support", 1).unwrap_err();
    assert_eq!(unknown.trouble, Trouble::NoPrimary, "{unknown}");
    let mut store = begun(&format!("{sentinels}/main/0"));
    replicated(&primary, &replica);
    primary.kill();
    assert_eq!(apply_one(&mut store, first("support", 1)).unwrap_err().trouble, Trouble::Away);
    forgets(&mut store, &format!("127.0.0.1:{} is a primary now", replica.port));
    let findings = |store: &mut RedisStore| -> Vec<_> {
        store.findings(60_000).unwrap().into_iter().map(|finding| finding.what).collect()
    };
    assert!(!findings(&mut store).contains(&"sentinels"));
    assert_eq!(load_one(&mut store, "support", 0), Ok(Some(b"one".to_vec())));
    done_at_last(&mut store, &first("support", 1));
    drop(sentinel);
    until("word that no sentinel answers", || {
        assert_eq!(look(&mut store), Continuity::Same, "the primary is what it was");
        findings(&mut store).contains(&"sentinels").then_some(())
    });
    assert_eq!(apply_one(&mut store, first("support", 2)), Ok(Outcome::Done));
}

#[test]
fn a_primary_that_sentinels_have_replaced_is_left_though_it_answers() {
    let primary = Server::start(&[]);
    let replica = Server::start(&[&format!("--replicaof 127.0.0.1 {}", primary.port)]);
    let sentinel = Sentinel::of(&primary);
    sentinel.knows_replicas(1);
    let mut store = begun(&format!("redis+sentinel://127.0.0.1:{}/main", sentinel.port));
    replicated(&primary, &replica);
    let client = redis::Client::open(format!("redis://127.0.0.1:{}", sentinel.port)).unwrap();
    does::<()>(&mut client.get_connection().unwrap(), "SENTINEL FAILOVER main");
    until("another primary", || {
        let forgot = store.continuity();
        matches!(forgot, Ok(Continuity::Forgot(why)) if why.contains(&replica.port.to_string())).then_some(())
    });
    store.begin_again().unwrap();
    done_at_last(&mut store, &first("support", 1));
    assert_eq!(replica.does::<i64>("HGET pm:{support}:usage:2026-03-12 guest"), 2);
}

/// A portal whose keys are on a node of a cluster.
fn portal_on(cluster: &Cluster, node: usize) -> String {
    let range = [0..5461, 5461..10923, 10923..16384_u16][node].clone();
    assert_eq!(cluster.nodes.len() - node, 3 - node, "three primaries");
    let slots: Vec<HashSlot> = range.map(|slot| HashSlot::new(slot).unwrap()).collect();
    (0..1_000).map(|number| format!("portal-{number}")).find(|name| slots.contains(&HashSlot::for_key(name))).unwrap()
}

#[test]
fn portals_of_other_primaries_do_not_wait_for_the_one_that_is_away() {
    let mut cluster = Cluster::start();
    let (gone, here) = (portal_on(&cluster, 0), portal_on(&cluster, 1));
    let quick = Settings { connect_timeout: Duration::from_secs(5), ..settings(&cluster.url()) };
    let mut store = begun_with(&quick);
    store.serve(&[gone.as_str().into(), here.as_str().into()]).unwrap();
    store.begin_again().unwrap();
    let both = |number| [first(&gone, number), first(&here, number)];
    assert_eq!(store.apply(&both(1), NOW), [Ok(Outcome::Done), Ok(Outcome::Done)]);
    cluster.nodes[0].kill();
    let mut other = RedisStore::new(&quick);
    for number in 2..6 {
        let outcomes = store.apply(&both(number), NOW);
        assert_eq!(outcomes[1], Ok(Outcome::Done), "round {number}");
        assert!(outcomes[0].is_err());
        let outcomes = other.apply(&both(number + 100), NOW);
        assert!(outcomes[0].is_err() && outcomes[1] == Ok(Outcome::Done), "who starts only now: {outcomes:?}");
    }
    assert!(store.continuity().is_err(), "not all can be looked at");
    assert!(store.findings(60_000).is_ok_and(|findings| findings.iter().any(|finding| finding.what == "away")));
}

#[test]
fn a_clusters_failover_is_told_apart_and_survived() {
    let mut cluster = Cluster::start();
    let portal = portal_on(&cluster, 0);
    let replica = Cluster::node(support::flavours()[0]);
    cluster.meet(&replica);
    let primary: String = cluster.nodes[0].does("CLUSTER MYID");
    until("a replica of the first", || {
        let mut call = redis::cmd("CLUSTER");
        call.arg("REPLICATE").arg(&primary).exec(&mut replica.connection()).ok()
    });
    let mut store = begun(&cluster.url());
    store.serve(&[portal.as_str().into()]).unwrap();
    store.begin_again().unwrap();
    assert_eq!(apply_one(&mut store, first(&portal, 1)), Ok(Outcome::Done));
    replicated(&cluster.nodes[0], &replica);
    cluster.nodes[0].kill();
    let refused = until("word of a failover", || {
        let error = apply_one(&mut store, first(&portal, 2)).err()?;
        (error.trouble == Trouble::Forgot).then_some(error)
    });
    assert!(refused.said.contains(&format!("{} is a primary now", replica.port)), "{refused}");
    forgets(&mut store, "is a primary now");
    assert_eq!(load_one(&mut store, &portal, 1), Ok(Some(b"one".to_vec())));
    done_at_last(&mut store, &first(&portal, 2));
}

#[test]
fn a_slot_that_moves_is_followed() {
    let cluster = Cluster::start();
    let portal = portal_on(&cluster, 0);
    let mut store = begun(&cluster.url());
    store.serve(&[portal.as_str().into()]).unwrap();
    store.begin_again().unwrap();
    assert_eq!(apply_one(&mut store, first(&portal, 1)), Ok(Outcome::Done));
    let (from, to) = (&cluster.nodes[0], &cluster.nodes[1]);
    let id = |server: &Server| -> String { server.does("CLUSTER MYID") };
    let slot: u16 = from.does(&format!("CLUSTER KEYSLOT {{{portal}}}"));
    to.does::<()>(&format!("CLUSTER SETSLOT {slot} IMPORTING {}", id(from)));
    from.does::<()>(&format!("CLUSTER SETSLOT {slot} MIGRATING {}", id(to)));
    let moving = apply_one(&mut store, first(&portal, 2)).unwrap_err();
    assert_eq!(moving.trouble, Trouble::Moving, "{moving}");
    let keys: Vec<String> = from.does(&format!("CLUSTER GETKEYSINSLOT {slot} 100"));
    from.does::<()>(&format!("MIGRATE 127.0.0.1 {} '' 0 60000 KEYS {}", to.port, keys.join(" ")));
    assert_eq!(load_one(&mut store, &portal, 1), Ok(Some(b"one".to_vec())), "asked where it went");
    for node in [to, from, &cluster.nodes[2]] {
        node.does::<()>(&format!("CLUSTER SETSLOT {slot} NODE {}", id(to)));
    }
    assert_eq!(apply_one(&mut store, first(&portal, 2)), Ok(Outcome::Done));
    assert_eq!(look(&mut store), Continuity::Same, "nothing was forgotten on the way");
    assert_eq!(to.does::<i64>(&format!("HGET pm:{{{portal}}}:usage:2026-03-12 guest")), 2);
}

#[test]
fn a_cluster_that_is_named_as_one_server_is_told() {
    let cluster = Cluster::start();
    let mut store = store(&cluster.nodes[0].url());
    let error = load_one(&mut store, &portal_on(&cluster, 2), 1).unwrap_err();
    assert_eq!((error.trouble, error.hint()), (Trouble::IsCluster, "write redis+cluster:// in store.url"));
}
