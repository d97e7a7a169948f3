//! Fleets of nodes before one portal: what they count is the truth, faults or not. The long forms are in
//! `examples/fleet.rs`.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on says so by panicking")]
#![allow(clippy::print_stdout, reason = "a test says what it measured")]

#[path = "fleet/whole.rs"]
mod fleet;

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use fleet::calendar::Calendar;
use fleet::chance::Chance;
use fleet::crowd::Crowd;
use fleet::faults::Storm;
use fleet::run;
use fleet::stage::{LedgerKind, Setup, Stage, StoreKind};
use fleet::wire::Wires;
use fleet::world::World;

const PROGRAM: &str = env!("CARGO_BIN_EXE_portalmeter");

/// They share two cores with what they measure: one after the other.
static ALONE: Mutex<()> = Mutex::new(());

const ONE: Setup = Setup { nodes: 1, store: StoreKind::Embedded, ledger: LedgerKind::Embedded, relays: false };

fn set(setup: Setup, seed: u64) -> (Stage, Arc<World>) {
    let calendar = Calendar::at_noon();
    let stage = Stage::set(setup, Path::new(PROGRAM), &calendar);
    let wires = Wires::new(stage.nodes.iter().map(|node| node.listen));
    (stage, Arc::new(World::new(wires, calendar, seed)))
}

/// Counts are the truth, beside running nodes and after they have ended.
fn count_the_truth(setup: Setup, sessions: u64) {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let (stage, world) = set(setup, Chance::seed());
    let played = Crowd { from: 1, sessions, at_once: 200, pace: None }.come(&world);
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
            Storm { seed, faults, longest: 1_000 }.rage(&stage, &world)
        });
        let played = Crowd { from: 1, sessions: u64::MAX, at_once: 60, pace: None }.come(&world);
        println!("{:?}", storm.join().unwrap());
        played
    });
    assert!(run::judge(&stage, &world, &played, false).tell(&world, &stage));
    assert!(run::judge_in_the_end(&stage, &world, &played, false).tell(&world, &stage));
}

#[test]
fn one_node_counts_the_truth() {
    count_the_truth(ONE, 1_500);
}

#[test]
fn one_node_that_is_killed_again_and_again_counts_the_truth() {
    count_the_truth_in_a_storm(ONE, 12);
}
