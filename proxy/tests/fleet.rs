//! Fleets of nodes before one portal: what they count is the truth, faults or not. The long forms are in
//! `examples/fleet.rs`.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on says so by panicking")]
#![allow(clippy::print_stdout, reason = "a test says what it measured")]

#[path = "fleet/whole.rs"]
mod fleet;

use std::path::Path;
use std::sync::Arc;

use fleet::calendar::Calendar;
use fleet::chance::Chance;
use fleet::crowd::Crowd;
use fleet::run;
use fleet::stage::{LedgerKind, Setup, Stage, StoreKind};
use fleet::wire::Wires;
use fleet::world::World;

const PROGRAM: &str = env!("CARGO_BIN_EXE_portalmeter");

#[test]
fn one_node_counts_the_truth() {
    let seed = Chance::seed();
    let setup = Setup { nodes: 1, store: StoreKind::Embedded, ledger: LedgerKind::Embedded, relays: false };
    let calendar = Calendar::at_noon();
    let stage = Stage::set(setup, Path::new(PROGRAM), &calendar);
    let wires = Wires::new(stage.nodes.iter().map(|node| node.listen));
    let world = Arc::new(World::new(wires, calendar, seed));
    let played = Crowd { from: 1, sessions: 2_000, at_once: 200, pace: None }.come(&world);
    let verdict = run::judge(&stage, &world, &played, true);
    assert!(verdict.tell(&world, &stage));
    assert!(run::judge_in_the_end(&stage, &world, &played, true).tell(&world, &stage));
}
