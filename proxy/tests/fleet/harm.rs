//! The servers do the harm they are asked for: faults that harm nothing prove nothing.

use std::thread;
use std::time::{Duration, Instant};

use crate::fleet::process::until;
use crate::fleet::servers::postgres::Postgres;
use crate::fleet::servers::redis::Redis;
use crate::fleet::servers::relay::{Relay, Way};
use crate::fleet::stage::{Store, StoreKind};
use redis::cmd;
use rustix::process::Signal;

fn count(redis: &Redis) {
    redis.ask::<i64>(cmd("INCR").arg("count")).expect("Redis counts");
}

fn counted(redis: &Redis) -> i64 {
    redis.ask::<Option<i64>>(cmd("GET").arg("count")).expect("Redis answers").unwrap_or_default()
}

#[test]
fn a_killed_redis_comes_back_with_what_it_had() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = Store::start(StoreKind::Redis, dir.path());
    let redis = &mut store.primaries[0];
    count(redis);
    redis.kill();
    assert!(redis.connect().is_none());
    redis.start_again();
    assert_eq!(counted(redis), 1);
}

#[test]
fn a_power_failure_takes_what_came_last() {
    let dir = tempfile::tempdir().unwrap();
    let redis = &mut Store::start(StoreKind::Redis, dir.path()).primaries[0];
    count(redis);
    let client = redis.connect().unwrap();
    redis.lose_what_comes(|| drop(cmd("INCR").arg("count").query::<i64>(&mut { client })));
    redis.start_again();
    assert_eq!(counted(redis), 1);
}

#[test]
fn a_failover_loses_what_the_replica_lacks_and_the_way_leads_to_it() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = Store::start(StoreKind::Replicated, dir.path());
    for _ in 0..2 {
        let way = Relay::to(store.primaries[0].address);
        count(&store.primaries[0]);
        let replica = store.replica.as_ref().unwrap();
        until("the replica has it", || replica.is_following() && counted(replica) == counted(&store.primaries[0]));
        let before = counted(&store.primaries[0]);
        let first = store.primaries[0].address;
        let through = redis::Client::open(format!("redis://{}", way.address)).unwrap();
        thread::scope(|scope| {
            scope.spawn(|| {
                // While the replica lacks what comes.
                thread::sleep(Duration::from_millis(200));
                cmd("INCR").arg("count").query::<i64>(&mut through.get_connection().unwrap()).unwrap();
            });
            store.fail_over(std::slice::from_ref(&way), Duration::from_secs(1), Duration::ZERO);
        });
        assert_ne!(store.primaries[0].address, first);
        assert_eq!(counted(&store.primaries[0]), before);
        let mut connection = through.get_connection().unwrap();
        assert_eq!(cmd("GET").arg("count").query::<i64>(&mut connection).unwrap(), before);
    }
}

#[test]
fn three_primaries_share_the_slots() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::start(StoreKind::Cluster, dir.path());
    assert_eq!(store.primaries.len(), 3);
    let held: usize = (0..30).filter(|key| store.primaries[0].ask::<i64>(cmd("INCR").arg(key)).is_some()).count();
    assert!((1..30).contains(&held), "{held} of 30 keys");
}

#[test]
fn a_postgres_that_is_stopped_or_crashes_keeps_what_was_committed() {
    let dir = tempfile::tempdir().unwrap();
    let mut postgres = Postgres::start(dir.path());
    postgres.connect().unwrap().batch_execute("CREATE TABLE kept (number int)").unwrap();
    for signal in [Signal::INT, Signal::QUIT] {
        postgres.connect().unwrap().batch_execute("INSERT INTO kept VALUES (1)").unwrap();
        postgres.stop(signal);
        assert!(postgres.connect().is_none());
        postgres.start_again();
    }
    let paused = Instant::now();
    thread::scope(|scope| {
        scope.spawn(|| postgres.pause(Duration::from_millis(700)));
        thread::sleep(Duration::from_millis(200));
        let kept: i64 = postgres.connect().unwrap().query_one("SELECT count(*) FROM kept", &[]).unwrap().get(0);
        assert_eq!(kept, 2);
        assert!(paused.elapsed() >= Duration::from_millis(700), "it was paused");
    });
}

#[test]
fn a_way_is_cut_in_the_direction_that_is_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::start(StoreKind::Redis, dir.path());
    let redis = &store.primaries[0];
    let way = Relay::to(redis.address);
    let client = redis::Client::open(format!("redis://{}", way.address)).unwrap();
    let patient = || {
        let connection = client.get_connection().unwrap();
        connection.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
        connection
    };
    let count = |connection: &mut redis::Connection| cmd("INCR").arg("count").query::<i64>(connection);
    let mut connections: Vec<_> = (0..3).map(|_| patient()).collect();
    way.set(Way::DeafToQuestions);
    assert!(count(&mut connections[0]).is_err());
    assert_eq!(counted(redis), 0, "the question did not arrive");
    way.set(Way::Open);
    way.set(Way::DeafToAnswers);
    assert!(count(&mut connections[1]).is_err());
    until("the question arrives", || counted(redis) >= 1);
    way.set(Way::Open);
    assert!(count(&mut connections[2]).is_ok());
    way.cut_once();
    until("the connection is cut", || count(&mut connections[2]).is_err());
    assert!(count(&mut patient()).is_ok(), "new ones get through");
    way.set(Way::Cut);
    assert!(client.get_connection().is_err());
}
