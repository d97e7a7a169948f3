//! What a commit costs a Redis and us: session starts and further pages through one connection, in pipelines, with
//! the CPU time of both sides, beside what the same writes cost as plain commands that compare nothing; and what a live
//! visitor weighs in Redis, as real commits leave him there.
//!
//! Its arguments, each optional: `commits=500000`, `visitors=1000000`, `batch=1000`; 0 leaves a part out.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a benchmark may panic")]
#![allow(clippy::print_stdout, clippy::disallowed_methods, reason = "it measures and tells")]
#![allow(missing_docs, reason = "a benchmark has no readers of its interface")]

#[path = "../tests/support/redis.rs"]
mod support;
#[path = "support/visitors.rs"]
mod visitors;

use std::fs;
use std::sync::Arc;
use std::time::{Duration, Instant};

use portalmeter_meter::day::Day;
use portalmeter_meter::entry::{Entry, Presence, SessionRow, UsageRecord};
use portalmeter_meter::history::Memory;
use portalmeter_meter::intake::Sighted;
use portalmeter_meter::policy::PolicyId;
use portalmeter_meter::record::Reason;
use portalmeter_meter::session::Class;
use portalmeter_meter::store::redis::RedisStore;
use portalmeter_meter::store::step::{Gain, Lively, Outcome, Slot, Step, Write};
use portalmeter_meter::store::{Batch, NodeId, Store, commit};
use portalmeter_meter::usage::Sums;
use portalmeter_rules::id::Name;
use support::{Server, store};
use visitors::{Crowd, Portal};

const NOW: i64 = 1_790_000_000_000;
/// A visitor's state as the store has it, about.
const STATE: usize = 66;
/// How long names and visitors are remembered after a session of 30 minutes, where nothing else is configured.
const KEEP: i64 = 45 * 60_000;
/// A fingerprint whose cookie has come back is forgotten after so long.
const COMPANY: Duration = Duration::from_mins(3);

fn main() {
    let commits = argument("commits", 300_000);
    let batch = argument("batch", 1_000);
    for (what, options) in [("without AOF", &[][..]), ("AOF everysec", &["--appendonly yes", "--appendfsync everysec"])]
    {
        let server = Server::start(options);
        let (mut store, mut connection) = (ready(&server), server.connection());
        for (what_is_done, make) in STORIES.iter().filter(|_| commits > 0) {
            let ours = measure(&server, commits, batch, *make, |steps| {
                store.apply(steps, NOW).into_iter().for_each(|outcome| assert_eq!(outcome, Ok(Outcome::Done)));
            });
            let plain = measure(
                &server,
                commits,
                batch,
                |number| make(number + PLAIN),
                |steps| {
                    let mut all = redis::pipe();
                    for step in steps {
                        plainly(&mut all, step);
                    }
                    all.exec(&mut connection).unwrap();
                },
            );
            let ratio = ours.redis / plain.redis;
            println!("{what:13} {what_is_done:24} {ours}; as plain commands {plain}: ratio {ratio:.2}");
        }
    }
    let count = argument("visitors", 1_000_000);
    for crowd in [Crowd::Usual, Crowd::OnePage].into_iter().filter(|_| count > 0) {
        weigh(count, crowd);
    }
}

type Make = fn(u64) -> Step;
const STORIES: &[(&str, Make)] =
    &[("session starts", start), ("further pages", page), ("session starts, modules", start_in_module)];

fn argument(name: &str, usual: usize) -> usize {
    let given = std::env::args().find_map(|argument| argument.strip_prefix(&format!("{name}="))?.parse().ok());
    given.unwrap_or(usual)
}

fn ready(server: &Server) -> RedisStore {
    let mut store = store(&server.url());
    store.serve(&["support".into()]).unwrap();
    store.begin_again().unwrap();
    store
}

fn name(number: u64) -> Name {
    let mut bytes = [0; 16];
    // Spread over the keyspace, as hashes are.
    bytes[..8].copy_from_slice(&number.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
    bytes[8..].copy_from_slice(&number.to_be_bytes());
    Name(bytes)
}

fn state(number: u64, version: u8) -> Vec<u8> {
    let mut state = vec![version; STATE];
    state[..8].copy_from_slice(&number.to_be_bytes());
    state
}

fn start(number: u64) -> Step {
    let sums = Sums { records: [1, 0, 0, 0], page_views: 1, ..Sums::default() };
    step(number, (None, 1), sums, None, entries(number))
}

fn start_in_module(number: u64) -> Step {
    let number = number + (1 << 40);
    let sums = Sums { records: [1, 0, 0, 0], page_views: 1, ..Sums::default() };
    step(number, (None, 1), sums, Some("chat".into()), entries(number))
}

fn page(number: u64) -> Step {
    let sums = Sums { page_views: 1, duration_ms: 1_234, ..Sums::default() };
    step(number, (Some(1), 2), sums, None, Vec::new())
}

fn step(
    number: u64,
    (before, after): (Option<u8>, u8),
    sums: Sums,
    module: Option<Arc<str>>,
    entries: Vec<Entry>,
) -> Step {
    let visitor = name(number);
    Step {
        portal: "support".into(),
        writes: vec![Write {
            slot: Slot::Visitor(visitor, module.clone()),
            before: before.map(|version| state(number, version)),
            after: Some(state(number, after)),
            expires: NOW + 4_500_000,
        }],
        gains: vec![Gain { module: module.clone(), day: Day(20_700), zone: "Europe/Berlin".into(), sums }],
        live: vec![Lively { visitor, module, last_seen: Some(NOW + number as i64 / 50) }],
        entries,
    }
}

fn entries(number: u64) -> Vec<Entry> {
    let (visitor, portal, zone) = (name(number), "support".to_owned(), "Europe/Berlin".to_owned());
    let record = UsageRecord {
        id: visitor,
        portal: portal.clone(),
        module: None,
        visitor,
        session: visitor,
        started: NOW,
        day: Day(20_700),
        zone: zone.clone(),
        class: Class::Guest,
        reason: Reason::Start,
        account: None,
        user: None,
        agent: None,
        rule: "response_header".into(),
        policy: PolicyId(u64::MAX),
        trial: false,
        event_time: NOW,
        stored_time: NOW,
    };
    let session = SessionRow {
        id: visitor,
        portal: portal.clone(),
        module: None,
        visitor,
        started: NOW,
        began: Reason::Start,
        last_seen: NOW,
        counted_day: Day(20_700),
        class: Class::Guest,
        proven_guest: true,
        logged_out: false,
        user: None,
        account: None,
        agent: None,
        pages: 1,
        actions: 0,
        converted: None,
        zone,
        policy: PolicyId(u64::MAX),
        gone: false,
        stored_time: NOW,
    };
    let presence = Presence { portal, module: None, day: Day(20_700), visitor, user: None, gone: false };
    vec![Entry::Record(record), Entry::Session(session), Entry::Presence(presence)]
}

/// The visitors who come by plain commands are others.
const PLAIN: u64 = 1 << 41;

/// What a step writes, as commands of their own: nothing is compared, and none knows of the others.
fn plainly(all: &mut redis::Pipeline, step: &Step) {
    let key = |name: &str| format!("pm:{{support}}:{name}");
    for write in &step.writes {
        let Slot::Visitor(visitor, module) = &write.slot else { continue };
        let key =
            key(&format!("visitor:{visitor}{}", module.as_ref().map_or_else(String::new, |one| format!(":{one}"))));
        all.cmd("SET").arg(key).arg(write.after.as_deref()).arg("PX").arg(write.expires - NOW);
    }
    for lively in &step.live {
        all.cmd("ZADD").arg(key("live")).arg(lively.last_seen).arg(lively.visitor.to_string());
    }
    if !step.entries.is_empty() {
        let told = all.cmd("XADD").arg(key("records")).arg("*");
        for entry in &step.entries {
            told.arg("entry").arg(entry.to_json());
        }
    }
    for gain in &step.gains {
        let Sums { records: [guests, ..], page_views, duration_ms, .. } = gain.sums;
        let fields = [guests, guests, guests, page_views, duration_ms].into_iter();
        let fields = fields.zip(["guest", "guest_raw", "billable", "page_views", "duration_ms"]);
        let label = |module: Option<&Arc<str>>| module.map_or_else(String::new, |module| format!(":{module}"));
        for module in [Some(None), gain.module.as_ref().map(Some)].into_iter().flatten() {
            let key = key(&format!("usage:{}{}", gain.day, label(module)));
            for (sum, field) in fields.clone().filter(|(sum, _)| *sum > 0) {
                all.cmd("HINCRBY").arg(&key).arg(field).arg(sum);
            }
        }
    }
}

/// What was done in a second, and what CPU time it took the servers and us, in microseconds.
struct Figures {
    a_second: f64,
    redis: f64,
    own: f64,
}

impl std::fmt::Display for Figures {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { a_second, redis, own } = self;
        write!(to, "{a_second:7.0} commits/s, Redis {redis:5.2} µs, we {own:5.2} µs of CPU a commit")
    }
}

fn measure(
    server: &Server,
    commits: usize,
    batch: usize,
    make: impl Fn(u64) -> Step,
    mut commit: impl FnMut(&[Step]),
) -> Figures {
    let (mut spent, mut own, mut theirs) = (0.0, 0.0, 0.0);
    for first in (0..commits).step_by(batch) {
        // The steps are the plan's work, not the store's.
        let steps: Vec<Step> = (first..first + batch).map(|number| make(number as u64)).collect();
        let (begun, cpu) = (Instant::now(), (cpu_of("self"), cpu_of(&server.pid().to_string())));
        commit(&steps);
        spent += begun.elapsed().as_secs_f64();
        own += cpu_of("self") - cpu.0;
        theirs += cpu_of(&server.pid().to_string()) - cpu.1;
    }
    let each = |seconds: f64| seconds / commits as f64 * 1e6;
    Figures { a_second: commits as f64 / spent, redis: each(theirs), own: each(own) }
}

/// Seconds of CPU that a process used: nanoseconds of its first thread, where the kernel tells them.
fn cpu_of(process: &str) -> f64 {
    let tasks = fs::read_dir(format!("/proc/{process}/task")).unwrap();
    let times = tasks.filter_map(|task| fs::read_to_string(task.ok()?.path().join("schedstat")).ok());
    times.filter_map(|text| text.split(' ').next()?.parse::<f64>().ok()).sum::<f64>() / 1e9
}

/// What visitors take once what they did is committed, the live index included. What the ledger has read of the stream
/// is not theirs.
fn weigh(visitors: usize, crowd: Crowd) {
    let server = Server::start(&["--enable-debug-command local"]);
    let (mut store, portal) = (ready(&server), Portal::new());
    store.know(std::slice::from_ref(&portal.stamp)).unwrap();
    let long_ago = NOW - KEEP;
    store.attend(NodeId([7; 8]), long_ago, long_ago, Memory::keeping(KEEP)).unwrap();
    // All stays until it is told to go.
    server.does::<()>("DEBUG SET-ACTIVE-EXPIRE 0");
    let (before, mut spent, cpu) = (used(&server), 0, (cpu_of("self"), cpu_of(&server.pid().to_string())));
    for first in (0..visitors as u64).step_by(1_000) {
        spent += live(&mut store, &portal, first..first + 1_000, crowd);
        if first % 20_000 == 0 {
            server.does::<i64>("XTRIM pm:{support}:records MAXLEN 0");
        }
    }
    let each = |seconds: f64| seconds / spent as f64 * 1e6;
    let (own, theirs) = (cpu_of("self") - cpu.0, cpu_of(&server.pid().to_string()) - cpu.1);
    server.does::<i64>("XTRIM pm:{support}:records MAXLEN 0");
    let tell = |what: &str| {
        let bytes = (used(&server) - before) / visitors as f64;
        println!("{visitors} live visitors, {crowd:?}, {what}: {bytes:.0} bytes each, live index included");
    };
    println!(
        "{crowd:?}: plan and commit, {spent} commits: Redis {:.2} µs, we {:.2} µs of CPU",
        each(theirs),
        each(own)
    );
    tell("nothing has expired");
    for kind in ["visitor", "also"] {
        println!("{crowd:?}: values of `{kind}` are {}", sizes(&server, kind));
    }
    if let Crowd::Usual = crowd {
        server.does::<()>("DEBUG SET-ACTIVE-EXPIRE 1");
        std::thread::sleep(COMPANY);
        // Redis is content with nine in ten gone, until somebody asks.
        keys(&server, usize::MAX).for_each(drop);
        tell("fingerprints have expired, three minutes after the cookie came back");
    }
}

/// Has visitors do what they do, part by part; returns how many commits that took.
fn live(store: &mut RedisStore, portal: &Portal, numbers: std::ops::Range<u64>, crowd: Crowd) -> usize {
    let stories = numbers.map(|number| portal.story(number, NOW + number as i64 / 50, crowd));
    let mut stories: Vec<_> = stories.map(Vec::into_iter).collect();
    let mut commits = 0;
    loop {
        let seen: Vec<Sighted> = stories.iter_mut().filter_map(Iterator::next).flatten().collect();
        let Some(now) = seen.iter().map(|one| one.observation.at).max() else { return commits };
        let (node, memory) = (NodeId([7; 8]), Memory::keeping(KEEP));
        store.attend(node, now - memory.settle, now, memory).unwrap();
        let batch = Batch::new(node, 0, seen, now);
        commits += batch.visits.len();
        let done = commit(store, &batch, memory).unwrap();
        assert_eq!((done.damaged, done.late), (0, 0));
    }
}

fn used(server: &Server) -> f64 {
    let info: String = server.does("INFO memory");
    info.lines().find_map(|line| line.strip_prefix("used_memory:")).unwrap().trim().parse().unwrap()
}

/// How long values of a kind are, of the first some thousands that are found.
fn sizes(server: &Server, kind: &str) -> String {
    let mut connection = server.connection();
    let kind = format!(":{kind}:");
    let ours = keys(server, 20_000).filter(|key| key.contains(&kind));
    let lengths = ours.map(|key| support::does(&mut connection, &format!("STRLEN {key}")));
    // What has expired is not there.
    let lengths: Vec<usize> = lengths.filter(|length| *length > 0).collect();
    let mean = lengths.iter().sum::<usize>() as f64 / lengths.len() as f64;
    format!("{mean:.1} bytes in the mean, {:?} to {:?}", lengths.iter().min(), lengths.iter().max())
}

/// Its keys, or the first so many.
fn keys(server: &Server, most: usize) -> impl Iterator<Item = String> {
    let (mut connection, mut cursor) = (server.connection(), Some(0_u64));
    let pages = std::iter::from_fn(move || {
        let scan = format!("SCAN {} COUNT 10000", cursor?);
        let (next, keys): (u64, Vec<String>) = support::does(&mut connection, &scan);
        cursor = Some(next).filter(|next| *next > 0);
        Some(keys)
    });
    pages.flatten().take(most)
}
