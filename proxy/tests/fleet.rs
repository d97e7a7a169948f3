//! Fleets of nodes before one portal: what they count is the truth, faults or not. The long forms are in
//! `examples/fleet.rs`.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on says so by panicking")]
#![allow(clippy::print_stdout, reason = "a test says what it measured")]

#[path = "fleet/whole.rs"]
mod fleet;
#[path = "fleet/harm.rs"]
mod harm;

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use fleet::away::{Rounds, Side};
use fleet::calendar::Calendar;
use fleet::chance::Chance;
use fleet::crowd::Crowd;
use fleet::faults::Storm;
use fleet::plan;
use fleet::run;
use fleet::stage::{LedgerKind, Setup, Stage, StoreKind};
use fleet::story;
use fleet::wire::Wires;
use fleet::world::World;

const PROGRAM: &str = env!("CARGO_BIN_EXE_portalmeter");

/// They share two cores with what they measure: one after the other.
static ALONE: Mutex<()> = Mutex::new(());

const ONE: Setup = Setup {
    nodes: 1,
    store: StoreKind::Embedded,
    ledger: LedgerKind::Embedded,
    relays: false,
    ahead: 0,
    elsewhere: false,
    takes: Duration::ZERO,
};

const THREE: Setup = Setup { nodes: 3, store: StoreKind::Redis, ledger: LedgerKind::Postgres, ..ONE };

fn set(setup: Setup, seed: u64) -> (Stage, Arc<World>) {
    set_at(Calendar::at_noon(), setup, seed)
}

fn set_at(calendar: Calendar, setup: Setup, seed: u64) -> (Stage, Arc<World>) {
    let stage = Stage::set(setup, Path::new(PROGRAM), &calendar);
    let wires = Wires::new(stage.nodes.iter().map(|node| node.listen));
    (stage, Arc::new(World::new(wires, calendar, seed)))
}

/// Counts are the truth, beside running nodes and after they have ended.
fn count_the_truth(setup: Setup, sessions: u64) {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let (stage, world) = set(setup, Chance::seed());
    let played = Crowd { sessions, ..Crowd::of(200) }.come(&world);
    assert!(run::judge(&stage, &world, &played, true).tell(&world, &stage));
    assert!(run::judge_in_the_end(&stage, &world, &played, true).tell(&world, &stage));
}

/// They are, whatever happens to nodes, Redis and Postgres meanwhile.
fn count_the_truth_in_a_storm(setup: Setup, faults: usize) {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let seed = Chance::seed();
    let (stage, world) = set(setup, seed);
    let played = thread::scope(|scope| {
        let storm = scope.spawn(|| {
            let _over = world.over_at_the_end();
            Storm { seed, faults, longest: 700, only: &[] }.rage(&stage, &world)
        });
        let played = Crowd::of(60).come(&world);
        println!("{:?}", storm.join().unwrap());
        played
    });
    assert!(run::judge(&stage, &world, &played, false).tell(&world, &stage));
    assert!(run::judge_in_the_end(&stage, &world, &played, false).tell(&world, &stage));
}

#[test]
fn one_node_counts_the_truth() {
    count_the_truth(ONE, 1_000);
}

#[test]
fn one_node_that_is_killed_again_and_again_counts_the_truth() {
    count_the_truth_in_a_storm(ONE, 10);
}

#[test]
fn three_nodes_count_the_truth() {
    count_the_truth(THREE, 1_500);
}

/// Each node has a ledger of its own then, and each is complete.
#[test]
fn nodes_with_embedded_ledgers_before_a_cluster_count_the_truth() {
    count_the_truth(Setup { nodes: 2, store: StoreKind::Cluster, ledger: LedgerKind::Embedded, ..THREE }, 1_000);
}

#[test]
fn three_nodes_in_a_storm_count_the_truth() {
    count_the_truth_in_a_storm(Setup { store: StoreKind::Replicated, relays: true, ahead: 5, ..THREE }, 24);
}

/// The measured form is `make away`; here only the counts are compared, and that visitors are served.
#[test]
fn while_redis_is_away_visitors_are_served_and_counted_later() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let (calendar, seed) = (Calendar::at_noon(), Chance::seed());
    let fleets = [false, true].map(|elsewhere| set_at(calendar.clone(), Setup { elsewhere, ..THREE }, seed));
    let mut sides = fleets.each_ref().map(|(stage, world)| Side { stage, world, played: Vec::new() });
    let rounds = Rounds { count: 2, lasts: Duration::from_secs(3), pace: 20.0 };
    let ratios = rounds.measure(&mut sides);
    assert!(ratios.throughput > 0.5, "{ratios:?}");
    for Side { stage, world, played } in sides {
        assert!(run::judge(stage, world, &played, false).tell(world, stage));
    }
}

/// The portal renews its cookie in the answer to a login; the node that passed it on is killed a moment later. The new
/// value is another name of the same session all the same.
#[test]
fn a_cookie_that_was_renewed_just_before_a_kill_is_the_same_session() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let (stage, world) = set(ONE, 1);
    let played = story::tell("p p l k0 p", &plan::SERVICE, 5, &stage, &world);
    assert!(run::judge(&stage, &world, &played, false).tell(&world, &stage));
}
