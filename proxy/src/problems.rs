//! What is wrong at this moment, by what a node itself knows: for `/readyz`, the dashboard, and whoever is paged.

use std::sync::atomic::Ordering;

use portalmeter_meter::journal::{REMEDY, Room};
use serde::Serialize;

use crate::metering::Metering;

/// Something an operator should know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Problem {
    /// Which, as one word.
    pub(crate) what: String,
    /// What was seen.
    pub(crate) detail: String,
    /// What it means for the count.
    pub(crate) meaning: String,
    /// What to do.
    pub(crate) remedy: String,
}

impl Problem {
    pub(crate) fn new(what: &str, detail: impl Into<String>, meaning: &str, remedy: &str) -> Self {
        let (detail, remedy) = (detail.into(), remedy.to_owned());
        Self { what: what.to_owned(), detail, meaning: meaning.to_owned(), remedy }
    }
}

/// What makes the meter less than it should be: `/readyz` says `degraded`.
pub(crate) fn problems(metering: &Metering) -> Vec<Problem> {
    let mut problems = Vec::new();
    journal(metering, &mut problems);
    store(metering, &mut problems);
    ledger(metering, &mut problems);
    problems
}

/// What an operator should look at, though nothing is the worse for it.
pub(crate) fn notices(metering: &Metering) -> Vec<Problem> {
    let mut notices = Vec::new();
    reload(metering, &mut notices);
    engagement(metering, &mut notices);
    notices
}

fn reload(metering: &Metering, problems: &mut Vec<Problem>) {
    if metering.counters.config_reload_ok.get() == 0 {
        let detail = "the configuration that was read last is refused; the log says where and why";
        let meaning = "the one before it keeps running";
        problems.push(Problem::new(
            "reload_refused",
            detail,
            meaning,
            "run `portalmeter check`, mend it, and send SIGHUP",
        ));
    }
}

fn journal(metering: &Metering, problems: &mut Vec<Problem>) {
    let health = metering.engine.journal().health();
    if let Some(failure) = &health.failure {
        let meaning = "pages are counted in memory until the journal's disk takes writes again";
        problems.push(Problem::new(
            "journal",
            failure,
            meaning,
            "look at the disk of data_dir: full, broken, read-only",
        ));
    } else if health.room() != Room::Ample {
        let detail = match health.room() {
            Room::None => "it takes all of journal.max_size: pages are counted, but no longer journaled",
            _ => "it takes half of journal.max_size or more",
        };
        let detail = format!("{detail} ({} of {} bytes)", health.disk, health.bound);
        let meaning = "what is journaled waits for the store; beyond the bound a crash would cost pages";
        problems.push(Problem::new("journal_room", detail, meaning, REMEDY));
    } else if health.stalled {
        let detail = format!("{} bytes wait", health.waiting);
        let meaning = "the journal's disk is slow; pages leave before they are written";
        problems.push(Problem::new("journal", detail, meaning, "give data_dir a disk of its own, or a quicker one"));
    }
    if health.lost > 0 {
        let detail = format!("{} observations were not journaled", health.lost);
        let meaning = "a bound was reached; after a crash these pages would not be counted";
        let remedy = "make room for the journal; the number goes back to 0 with the next start";
        problems.push(Problem::new("journal_lost", detail, meaning, remedy));
    }
}

fn store(metering: &Metering, problems: &mut Vec<Problem>) {
    let tally = metering.engine.tally();
    let postponed = tally.postponed.load(Ordering::Relaxed);
    if postponed > 0 {
        let meaning = "the store was away long; the journal has them, and they are committed once it is back";
        let remedy = "bring the store back, then start this node anew: it commits what its journal holds";
        problems.push(Problem::new("postponed", format!("{postponed} observations"), meaning, remedy));
    }
    let (waiting, failure) = metering.engine.backlog();
    if let Some(failure) = failure {
        let detail = format!("{failure}; {waiting} observations wait");
        let meaning = "counts lag until the store takes commits again; visitors notice nothing";
        problems.push(Problem::new("store", detail, meaning, "bring the store back; nothing else needs to be done"));
    }
    let unsaid = tally.unsaid.load(Ordering::Relaxed);
    if unsaid > 0 {
        let meaning = "page views by resource and actions are too low by so many; sessions are not";
        let remedy = "none for these; the number goes back to 0 with the next start";
        problems.push(Problem::new("engagement_lost", format!("{unsaid} page views and actions"), meaning, remedy));
    }
}

fn engagement(metering: &Metering, problems: &mut Vec<Problem>) {
    for (portal, other) in metering.gatherer.other() {
        let names = [("rooms", other.rooms), ("resources", other.resources), ("actions", other.actions)];
        let beyond: Vec<&str> = names.into_iter().filter(|(_, many)| *many > 0).map(|(what, _)| what).collect();
        if beyond.is_empty() {
            continue;
        }
        let detail = format!("`{portal}` has more {} in a day than are told apart", beyond.join(" and "));
        let meaning = "those beyond are shown together as `other`; their page views and actions are counted";
        let remedy = "name `rooms` and `id_patterns` under [portal.engagement]: docs/engagement.md";
        problems.push(Problem::new(&format!("engagement_other_{portal}"), detail, meaning, remedy));
    }
}

fn ledger(metering: &Metering, problems: &mut Vec<Problem>) {
    let keeper = metering.keeper.health();
    let meaning = "records wait in the store; nothing is lost, and figures are as old as this problem";
    if let Some(failure) = keeper.ledger {
        problems.push(Problem::new("ledger", failure, meaning, "bring the ledger's database back"));
    }
    if let Some(failure) = keeper.store {
        problems.push(Problem::new("stream", failure, meaning, "bring the store back"));
    }
    if keeper.sealed_without > 0 {
        let detail = format!("{} days were sealed without a node's journal", keeper.sealed_without);
        let meaning = "what that node still holds becomes corrections";
        let remedy = "start that node again, or bring its journal with `portalmeter journal apply`";
        problems.push(Problem::new("sealed_incomplete", detail, meaning, remedy));
    }
    for (what, detail, meaning) in &keeper.warnings {
        problems.push(Problem::new(what, detail, meaning, "docs/fleet.md tells how Redis should be set up"));
    }
}
