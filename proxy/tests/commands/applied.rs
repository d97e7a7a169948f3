//! The journal of a node that never comes back, applied beside another that runs.

use std::fs;
use std::path::PathBuf;

use portalmeter_meter::journal::reader;

use super::told::portalmeter;
use crate::faults::meter::until;
use crate::faults::stage::{Given, Stage, get};
use crate::postgres::Postgres;
use crate::redis_server::Server;

/// The folder of the only node's journal.
fn journal(stage: &Stage) -> PathBuf {
    let folder = stage.setup.config.parent().unwrap().join("data/journal");
    fs::read_dir(folder).unwrap().next().unwrap().unwrap().path()
}

#[test]
fn what_only_a_lost_node_saw_is_counted_once_though_redis_is_flushed_afterwards() {
    let (mut redis, postgres) = (Server::start(&["--appendonly yes"]), Postgres::start());
    let portal = format!(
        "[store]\nurl = \"redis://127.0.0.1:{}\"\n[ledger]\nurl = \"{}\"\n[flush]\ninterval = \"200ms\"\n",
        redis.port,
        postgres.schema()
    );
    let given = Given { portal: &portal, ..Given::default() };
    let (lost, stays) = (Stage::new(&given), Stage::new(&given));
    let counted = || stays.setup.counted().guest;
    let ask = |stage: &Stage, numbers: std::ops::RangeInclusive<u8>| {
        numbers.for_each(|number| assert_eq!(stage.ask(&get(number, "/", "")).status, 200));
    };
    ask(&lost, 1..=3);
    until("the first are in the ledger", || counted() == 3);
    redis.kill();
    ask(&lost, 4..=6);
    let saved = journal(&lost);
    lost.running.kill();
    redis.start_again();
    until("Redis is back", || stays.running.is_ready());

    let folder = stays.setup.config.parent().unwrap();
    let apply = || {
        let told = portalmeter(folder, ["journal", "apply", saved.to_str().unwrap()]);
        assert_eq!((told.code, told.aside.as_str()), (0, ""), "{told:?}");
        told.out
    };
    assert!(apply().ends_with(" observations applied\n"));
    until("what it had not committed is in the ledger", || counted() == 6);
    let copy = folder.join("data/journal").join(saved.file_name().unwrap());
    let ages = |folder| {
        reader::segments(folder)
            .unwrap()
            .iter()
            .map(|file| file.metadata().unwrap().modified().unwrap())
            .collect::<Vec<_>>()
    };
    assert_eq!(ages(&copy), ages(&saved), "a copy is kept, for as long as the journal would be");
    apply();

    let here = || redis.does::<i64>("ZCARD pm:{help}:live");
    assert_eq!(here(), 6);
    redis.does::<()>("FLUSHALL");
    until("all are there again", || here() == 6);
    ask(&stays, 1..=6);
    ask(&stays, 7..=7);
    until("who is new is in the ledger", || counted() >= 7);
    assert_eq!(stays.settled().guest, 7, "who was at the lost node is known");
}
