//! Faults: three hands do harm at once, one to the nodes, one to Redis, one to Postgres, each one thing after another.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use redis::{Value, cmd};
use rustix::process::Signal;

use super::chance::Chance;
use super::plan;
use super::process::until;
use super::servers::relay::{Relay, Way};
use super::stage::{Stage, Store, StoreKind};
use super::world::World;

/// A storm over a stage.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Storm<'o> {
    pub(crate) seed: u64,
    /// How many faults.
    pub(crate) faults: usize,
    /// The longest that anything is away or quiet, in milliseconds.
    pub(crate) longest: u64,
    /// None but these, if there are any.
    pub(crate) only: &'o [Fault],
}

/// One sort of harm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub(crate) enum Fault {
    NodeKilled,
    /// Two at once.
    NodesKilled,
    NodePaused,
    /// Ended and started again, as for a new version.
    NodeReplaced,
    RedisKilled,
    /// Killed, and its append-only file lacks what came last, up to a second.
    RedisLostPower,
    /// Killed, and the replica that takes over lacks what came last, up to a second.
    RedisFailedOver,
    RedisFlushed,
    /// Somebody deletes a key of ours, or puts something else there.
    RedisKeyLost,
    RedisPaused,
    RedisCutClients,
    /// One node's questions do not arrive.
    RedisDeaf,
    /// What Redis answers one node does not arrive.
    RedisMute,
    RedisUnreachable,
    PostgresStopped,
    PostgresCrashed,
    PostgresPaused,
    PostgresCutClients,
    PostgresDeaf,
    PostgresMute,
    PostgresUnreachable,
}

const TO_NODES: [Fault; 5] =
    [Fault::NodeKilled, Fault::NodeKilled, Fault::NodesKilled, Fault::NodePaused, Fault::NodeReplaced];
const TO_REDIS: [Fault; 6] = [
    Fault::RedisKilled,
    Fault::RedisLostPower,
    Fault::RedisFlushed,
    Fault::RedisKeyLost,
    Fault::RedisPaused,
    Fault::RedisCutClients,
];
const ON_THE_WAY_TO_REDIS: [Fault; 3] = [Fault::RedisDeaf, Fault::RedisMute, Fault::RedisUnreachable];
const TO_POSTGRES: [Fault; 4] =
    [Fault::PostgresStopped, Fault::PostgresCrashed, Fault::PostgresPaused, Fault::PostgresCutClients];
const ON_THE_WAY_TO_POSTGRES: [Fault; 3] = [Fault::PostgresDeaf, Fault::PostgresMute, Fault::PostgresUnreachable];

/// Something that faults are done with, in turns of its own.
#[derive(Debug, Clone)]
struct Hand {
    chance: Chance,
    faults: Vec<Fault>,
}

impl Storm<'_> {
    /// Rages until all faults are done, and everything is well again; says how many there were of each.
    pub(crate) fn rage(self, stage: &Stage, world: &World) -> Vec<(Fault, usize)> {
        let (begun, done) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
        thread::scope(|scope| {
            for (number, faults) in (0..).zip(self.hands(stage)) {
                let (begun, done) = (&begun, &done);
                let hand = Hand { chance: Chance::stream(self.seed, u64::MAX - number), faults };
                scope.spawn(move || self.harm(hand, stage, world, begun, done));
            }
        });
        let mut done = done.into_inner().unwrap();
        done.sort_unstable();
        let mut counts: Vec<(Fault, usize)> = Vec::new();
        for fault in done {
            match counts.last_mut().filter(|(last, _)| *last == fault) {
                Some((_, count)) => *count += 1,
                None => counts.push((fault, 1)),
            }
        }
        counts
    }

    /// What can be done to this stage, by hand.
    fn hands(self, stage: &Stage) -> Vec<Vec<Fault>> {
        let mut redis = match stage.setup.store {
            StoreKind::Embedded => Vec::new(),
            StoreKind::Redis | StoreKind::Cluster => TO_REDIS.to_vec(),
            StoreKind::Replicated => [&TO_REDIS[..], &[Fault::RedisFailedOver; 2]].concat(),
        };
        if !stage.to_store.is_empty() {
            redis.extend(ON_THE_WAY_TO_REDIS);
        }
        let mut postgres = Vec::new();
        if stage.postgres.lock().unwrap().is_some() {
            postgres.extend(TO_POSTGRES);
        }
        if !stage.to_ledger.is_empty() {
            postgres.extend(ON_THE_WAY_TO_POSTGRES);
        }
        let mut hands = vec![TO_NODES.to_vec(), redis, postgres];
        for hand in &mut hands {
            hand.retain(|fault| self.only.is_empty() || self.only.contains(fault));
        }
        hands.retain(|hand| !hand.is_empty());
        hands
    }

    fn harm(self, mut hand: Hand, stage: &Stage, world: &World, begun: &AtomicUsize, done: &Mutex<Vec<Fault>>) {
        while begun.fetch_add(1, Ordering::Relaxed) < self.faults {
            thread::sleep(Duration::from_millis(hand.chance.between(50, 1_000)));
            let fault = hand.chance.one_of(&hand.faults);
            let from = world.calendar.now();
            fault.strike(stage, world, &mut hand.chance, self.longest);
            println!("{from:>7} to {:>7} ms: {fault:?}", world.calendar.now());
            done.lock().unwrap().push(fault);
        }
    }
}

impl Fault {
    /// Does harm, and mends it.
    pub(crate) fn strike(self, stage: &Stage, world: &World, chance: &mut Chance, longest: u64) {
        let away = Duration::from_millis(chance.below(longest));
        let node = chance.below(stage.nodes.len() as u64) as usize;
        match self {
            Self::NodeKilled => kill_nodes(stage, world, &[node], away),
            Self::NodesKilled => kill_nodes(stage, world, &[node, (node + 1) % stage.nodes.len()], away),
            Self::NodePaused => {
                stage.nodes[node].signal(Signal::STOP);
                thread::sleep(away);
                stage.nodes[node].signal(Signal::CONT);
            }
            Self::NodeReplaced => {
                stage.nodes[node].end();
                world.kills.note(node, world.calendar.now());
                stage.nodes[node].start_again();
            }
            Self::RedisDeaf => cut(&stage.to_store[node], Way::DeafToQuestions, away),
            Self::RedisMute => cut(&stage.to_store[node], Way::DeafToAnswers, away),
            Self::RedisUnreachable => cut_all(&stage.to_store, away),
            Self::PostgresDeaf => cut(&stage.to_ledger[node], Way::DeafToQuestions, away),
            Self::PostgresMute => cut(&stage.to_ledger[node], Way::DeafToAnswers, away),
            Self::PostgresUnreachable => cut_all(&stage.to_ledger, away),
            Self::PostgresStopped | Self::PostgresCrashed | Self::PostgresPaused | Self::PostgresCutClients => {
                self.strike_postgres(stage, away);
            }
            _ => self.strike_redis(stage, chance, away),
        }
    }

    fn strike_postgres(self, stage: &Stage, away: Duration) {
        let mut postgres = stage.postgres.lock().unwrap();
        let Some(postgres) = postgres.as_mut() else { return };
        match self {
            Self::PostgresPaused => postgres.pause(away),
            Self::PostgresCutClients => {
                let cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()";
                // Itself it may be cut by a restart that was not waited for.
                let _ = postgres.connect().map(|mut client| client.batch_execute(cut));
            }
            _ => {
                postgres.stop(if self == Self::PostgresCrashed { Signal::QUIT } else { Signal::INT });
                thread::sleep(away);
                postgres.start_again();
            }
        }
    }

    fn strike_redis(self, stage: &Stage, chance: &mut Chance, away: Duration) {
        let second = Duration::from_millis(chance.below(1_000));
        let mut store = stage.store.lock().unwrap();
        let many = store.primaries.len() as u64;
        let which = chance.below(many) as usize;
        if self == Self::RedisFailedOver {
            return store.fail_over(&stage.to_store, second, away);
        }
        let redis = &mut store.primaries[which];
        match self {
            Self::RedisKilled => {
                redis.kill();
                thread::sleep(away);
                redis.start_again();
            }
            Self::RedisLostPower => {
                redis.lose_what_comes(|| thread::sleep(second));
                thread::sleep(away);
                redis.start_again();
            }
            Self::RedisFlushed => drop(redis.ask::<String>(&cmd("FLUSHALL"))),
            Self::RedisKeyLost => {
                let portal = chance.one_of(&plan::ALL).name;
                let of = chance.one_of(&["records", "epoch", "live", "days"]);
                let key = format!("pm:{{{portal}}}:{of}");
                // In a cluster it is another's two times in three, and nothing happens.
                drop(redis.ask::<Value>(cmd("DEL").arg(&key)));
                if chance.percent(50) {
                    drop(redis.ask::<Value>(cmd("SET").arg(&key).arg("garbage")));
                }
            }
            Self::RedisPaused => {
                redis.signal(Signal::STOP);
                thread::sleep(away);
                redis.signal(Signal::CONT);
            }
            Self::RedisCutClients => {
                let mut kill = cmd("CLIENT");
                let _ = redis.ask::<i64>(kill.arg("KILL").arg("TYPE").arg("normal").arg("SKIPME").arg("yes"));
            }
            _ => {}
        }
    }
}

fn kill_nodes(stage: &Stage, world: &World, nodes: &[usize], away: Duration) {
    for &node in nodes {
        stage.nodes[node].kill();
        world.kills.note(node, world.calendar.now());
    }
    thread::sleep(away);
    for &node in nodes {
        stage.nodes[node].start_again();
    }
}

fn cut(relay: &Relay, way: Way, away: Duration) {
    relay.set(way);
    thread::sleep(away);
    relay.set(Way::Open);
}

fn cut_all(relays: &[Relay], away: Duration) {
    for way in [Way::Cut, Way::Open] {
        for relay in relays {
            relay.set(way);
        }
        if way == Way::Cut {
            thread::sleep(away);
        }
    }
}

impl Store {
    /// The replica takes over, without what came in the last moments.
    pub(crate) fn fail_over(&mut self, ways: &[Relay], lacks: Duration, away: Duration) {
        let (Some(replica), Some(following)) = (&self.replica, &self.following) else { return };
        until("the replica follows", || replica.is_following());
        following.set(Way::DeafToAnswers);
        thread::sleep(lacks);
        self.primaries[0].kill();
        following.set(Way::Cut);
        thread::sleep(away / 2);
        replica.lead();
        for way in ways {
            way.lead_to(replica.address);
        }
        let replica = self.replica.take().unwrap();
        let mut old = std::mem::replace(&mut self.primaries[0], replica);
        following.lead_to(self.primaries[0].address);
        following.set(Way::Open);
        old.start_again();
        old.follow(following.address);
        self.replica = Some(old);
    }
}
