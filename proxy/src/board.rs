//! What the dashboard is told of a running meter.

use std::sync::Arc;

use portalmeter_dashboard::access::Access;
use portalmeter_dashboard::board::{Portal, Problem};
use portalmeter_dashboard::{Board, board};

use crate::config::Config;
use crate::ledger;
use crate::metering::Metering;
use crate::watch::Watch;

/// The board of a meter that runs by a configuration; policies are those of the last reload.
pub(crate) fn board(config: &Config, metering: &Arc<Metering>, watch: Arc<Watch>, access: Arc<Access>) -> Board {
    let (reading, writing) = (Arc::new(config.clone()), Arc::new(config.clone()));
    let (clock, directory, auditor) = (Arc::clone(metering), Arc::clone(&config.accounts), Arc::clone(&access));
    Board {
        portals: portals(config, metering),
        directory: Arc::new(move || Arc::clone(&directory)),
        read: Arc::new(move || ledger::to_read(&reading)),
        write: Arc::new(move || ledger::to_keep(&writing)),
        clock: Arc::new(move || clock.now()),
        problems: Arc::new(move || watch.problems().into_iter().map(told).collect()),
        audit: Arc::new(move |who, what, detail| auditor.audit(who, what, &detail)),
        seal_wait: i64::try_from(config.ledger.seal_wait.as_millis()).unwrap_or(i64::MAX),
        access,
    }
}

fn portals(config: &Config, metering: &Arc<Metering>) -> board::Portals {
    let metering = Arc::clone(metering);
    let configured: Vec<_> = config
        .portals
        .iter()
        .map(|portal| {
            let modules = portal.rules.module.as_ref().map(|rule| rule.names().unwrap_or_default().to_vec());
            (Arc::clone(&portal.rules.name), portal.contracted_sessions, modules)
        })
        .collect();
    Arc::new(move || {
        let stampings = metering.intake.stampings();
        let portals = configured.iter().zip(stampings).map(|((name, contracted_sessions, modules), stamping)| Portal {
            name: Arc::clone(name),
            policy: Arc::clone(&stamping.last().policy),
            contracted_sessions: *contracted_sessions,
            modules: modules.clone(),
        });
        portals.collect()
    })
}

fn told((problem, since): (crate::problems::Problem, i64)) -> Problem {
    let crate::problems::Problem { what, detail, meaning, remedy } = problem;
    Problem { what, detail, meaning, remedy, since: Some(since) }
}
