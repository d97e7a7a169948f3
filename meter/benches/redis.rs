//! What a commit costs a Redis and us: session starts and further pages through one connection, in pipelines, with
//! the CPU time of both sides; and what a live visitor weighs in Redis.
//!
//! Its arguments, each optional: `commits=500000`, `visitors=1000000`, `batch=1000`.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a benchmark may panic")]
#![allow(clippy::print_stdout, clippy::disallowed_methods, reason = "it measures and tells")]
#![allow(missing_docs, reason = "a benchmark has no readers of its interface")]

#[path = "../tests/support/redis.rs"]
mod support;

use std::fs;
use std::sync::Arc;
use std::time::Instant;

use portalmeter_meter::day::Day;
use portalmeter_meter::entry::{Entry, Presence, SessionRow, UsageRecord};
use portalmeter_meter::policy::PolicyId;
use portalmeter_meter::record::Reason;
use portalmeter_meter::session::Class;
use portalmeter_meter::store::redis::RedisStore;
use portalmeter_meter::store::step::{Gain, Lively, Outcome, Slot, Step, Write};
use portalmeter_meter::usage::Sums;
use portalmeter_rules::id::Name;
use support::{Server, store};

const NOW: i64 = 1_790_000_000_000;
/// A visitor's state as the store has it, about.
const STATE: usize = 160;

fn main() {
    let commits = argument("commits", 300_000);
    let batch = argument("batch", 1_000);
    for (what, options) in [("without AOF", &[][..]), ("AOF everysec", &["--appendonly yes", "--appendfsync everysec"])]
    {
        let server = Server::start(options);
        let mut store = ready(&server);
        for (what_is_done, make) in STORIES {
            let figures = measure(&server, &mut store, commits, batch, *make);
            println!("{what:13} {what_is_done:24} {figures}");
        }
    }
    for state in [44, 92, STATE] {
        weigh(argument("visitors", 1_000_000), state);
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

fn measure(server: &Server, store: &mut RedisStore, commits: usize, batch: usize, make: Make) -> String {
    let (mut spent, mut own, mut theirs) = (0.0, 0.0, 0.0);
    for first in (0..commits).step_by(batch) {
        // The steps are the plan's work, not the store's.
        let steps: Vec<Step> = (first..first + batch).map(|number| make(number as u64)).collect();
        let (begun, cpu) = (Instant::now(), (cpu_of("self"), cpu_of(&server.pid().to_string())));
        for outcome in store.apply(&steps, NOW) {
            assert_eq!(outcome, Ok(Outcome::Done));
        }
        spent += begun.elapsed().as_secs_f64();
        own += cpu_of("self") - cpu.0;
        theirs += cpu_of(&server.pid().to_string()) - cpu.1;
    }
    let each = |seconds: f64| seconds / commits as f64 * 1e6;
    format!(
        "{:7.0} commits/s   Redis {:5.2} µs   we {:5.2} µs of CPU a commit",
        commits as f64 / spent,
        each(theirs),
        each(own)
    )
}

/// Seconds of CPU that a process used: nanoseconds of its first thread, where the kernel tells them.
fn cpu_of(process: &str) -> f64 {
    let tasks = fs::read_dir(format!("/proc/{process}/task")).unwrap();
    let times = tasks.filter_map(|task| fs::read_to_string(task.ok()?.path().join("schedstat")).ok());
    times.filter_map(|text| text.split(' ').next()?.parse::<f64>().ok()).sum::<f64>() / 1e9
}

/// What visitors with a state of so many bytes take; up to 44 Redis keeps a value in one piece with its head.
fn weigh(visitors: usize, state: usize) {
    let server = Server::start(&[]);
    let mut store = ready(&server);
    let used = || -> f64 {
        let info: String = server.does("INFO memory");
        info.lines().find_map(|line| line.strip_prefix("used_memory:")).unwrap().trim().parse().unwrap()
    };
    let before = used();
    for first in (0..visitors).step_by(1_000) {
        let steps: Vec<Step> = (first..first + 1_000).map(|number| bare(start(number as u64), state)).collect();
        assert!(store.apply(&steps, NOW).into_iter().all(|outcome| outcome == Ok(Outcome::Done)));
    }
    let each = (used() - before) / visitors as f64;
    println!("{visitors} live visitors of {state} bytes of state: {each:.0} bytes each, live index included");
}

/// The step without what goes to the ledger.
fn bare(mut step: Step, state: usize) -> Step {
    step.entries.clear();
    step.writes[0].after.iter_mut().for_each(|after| after.truncate(state));
    step
}
