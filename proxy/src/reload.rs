//! SIGHUP: the configuration is read again. What may change while requests pass changes at once; a file that is wrong, or
//! that changes what only a restart can, is refused whole, and the old one keeps running.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use portalmeter_dashboard::access::{Access, Unsound};
use portalmeter_meter::policy::Policy;
use portalmeter_meter::stamping::Stamping;
use tokio::signal::unix::{SignalKind, signal};

use crate::config::{self, Config, Problems, in_words};
use crate::keeping;
use crate::metering::Metering;
use crate::zones;

/// What reads a running meter's configuration again.
pub(crate) struct Reload {
    file: Option<PathBuf>,
    runs: Config,
    metering: Arc<Metering>,
    access: Arc<Access>,
}

/// Why what was read does not run.
#[derive(Debug, thiserror::Error)]
enum Refused {
    #[error("there is no file to read again: run with --config")]
    NoFile,
    #[error(transparent)]
    Wrong(#[from] Problems),
    #[error("a restart is needed for {} (hint: restart, or take it back)", .0.join("; "))]
    NeedsRestart(Vec<String>),
    #[error(transparent)]
    Access(#[from] Unsound),
    #[error("the journal cannot put down the new policies: {0}")]
    Journal(io::Error),
}

impl Reload {
    /// For a meter that runs by a configuration, read from this file if from any.
    pub(crate) fn new(file: Option<PathBuf>, runs: Config, metering: Arc<Metering>, access: Arc<Access>) -> Self {
        metering.counters.config_reload_ok.set(1);
        Self { file, runs, metering, access }
    }

    /// Reads the file again at each SIGHUP from now on.
    pub(crate) fn at_each_hangup(self) -> io::Result<()> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let mut hangups = {
            let _within = runtime.enter();
            signal(SignalKind::hangup())?
        };
        let watch = async move {
            while hangups.recv().await.is_some() {
                self.reload();
            }
        };
        std::thread::Builder::new().name("reload".to_owned()).spawn(move || runtime.block_on(watch))?;
        Ok(())
    }

    fn reload(&self) {
        let outcome = self.try_reload();
        self.metering.counters.config_reload_ok.set(i64::from(outcome.is_ok()));
        match outcome {
            Ok(()) => tracing::info!("the configuration was read again, and counts"),
            Err(refused) => {
                for why in refused.to_string().lines() {
                    tracing::error!(why, "the configuration is refused; the old one keeps running");
                }
            }
        }
    }

    fn try_reload(&self) -> Result<(), Refused> {
        let file = self.file.as_ref().ok_or(Refused::NoFile)?;
        let (read, warnings) = config::load(file, &|name| std::env::var(name).ok())?;
        for warning in warnings {
            tracing::warn!(line = warning.line(), %warning, "the configuration may not be what was meant");
        }
        self.count_by(policies(&self.runs, &read)?)?;
        Ok(self.access.change(read.admin.access)?)
    }

    /// Counts by these policies, in the order of the portals that run.
    fn count_by(&self, policies: Vec<Policy>) -> Result<(), Refused> {
        let (metering, now) = (&self.metering, self.metering.now());
        let before = metering.intake.stampings();
        let after: Vec<Stamping> =
            before.iter().zip(policies).map(|(stamping, policy)| stamping.changed(policy, now)).collect();
        let stamps: Vec<_> = after.iter().flat_map(Stamping::stamps).cloned().collect();
        metering.engine.know(&stamps).map_err(Refused::Journal)?;
        let names = keeping::portals(&self.runs);
        metering.intake.restamp(after.iter().cloned());
        metering.keeper.change(names.iter().cloned().zip(after.iter().cloned()).collect());
        for ((portal, before), after) in names.iter().zip(&before).zip(&after) {
            tell(portal, before, after);
        }
        Ok(())
    }
}

fn tell(portal: &str, before: &Stamping, after: &Stamping) {
    if before.last().id != after.last().id {
        let (was, is) = (before.last().policy.to_text(), after.last().policy.to_text());
        tracing::info!(portal, was, is, "the portal counts by another policy");
    }
    if let Some(changeover) = after.changeover().filter(|changeover| before.changeover() != Some(changeover)) {
        zones::tell(portal, changeover);
    }
}

/// The policies that were read, in the order of the portals that run, if nothing else has changed.
fn policies(runs: &Config, read: &Config) -> Result<Vec<Policy>, Refused> {
    let mut differences = runs.written.differences(&read.written);
    let longest = read.portals.iter().map(|portal| portal.stamp.policy.idle_timeout).max().unwrap_or_default();
    if runs.journal.keep < longest.min(read.journal.keep) {
        let keep = in_words(Duration::from_millis(runs.journal.keep.unsigned_abs()));
        differences.push(format!("a session.idle_timeout longer than journal.keep, which is {keep}"));
    }
    let of = |portal: &config::Portal| {
        let found = read.portals.iter().find(|one| one.rules.name == portal.rules.name);
        found.map(|found| (*found.stamp.policy).clone())
    };
    let policies: Option<Vec<Policy>> = runs.portals.iter().map(of).collect();
    policies.filter(|_| differences.is_empty()).ok_or(Refused::NeedsRestart(differences))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    const PORTALS: &str = "data_dir = \"data\"\n\
        [[portal]]\nname = \"help\"\nhosts = [\"help.example\"]\nupstream = [\"http://127.0.0.1:8000\"]\n#help\n\
        [[portal]]\nname = \"shop\"\nhosts = [\"shop.example\"]\nupstream = [\"http://127.0.0.1:8001\"]\n#shop\n";

    fn read(help: &str, shop: &str) -> Config {
        let text = PORTALS.replace("#help", help).replace("#shop", shop);
        config::parse(&text, Path::new(""), &|_| None).unwrap().0
    }

    #[test]
    fn policies_are_taken_in_the_order_of_the_portals_that_run() {
        let runs = read("", "");
        let text = PORTALS.replace("#shop", "session.idle_timeout = \"20m\"\ntimezone = \"Europe/Berlin\"");
        let (head, portals) = text.split_once("[[portal]]").unwrap();
        let (help, shop) = portals.split_once("[[portal]]").unwrap();
        let turned = format!("{head}[[portal]]{shop}\n[[portal]]{help}");
        let read = config::parse(&turned, Path::new(""), &|_| None).unwrap().0;
        let found = policies(&runs, &read).unwrap();
        assert_eq!(found[0], *runs.portals[0].stamp.policy);
        assert_eq!((found[1].idle_timeout, found[1].zone.name()), (20 * 60_000, "Europe/Berlin"));
    }

    #[test]
    fn what_needs_a_restart_is_named() {
        let refused = policies(&read("", ""), &read("timeouts.connect = \"3s\"", "visitor.mode = \"fingerprint\""));
        let why = refused.unwrap_err().to_string();
        assert_eq!(
            why,
            "a restart is needed for portal `help`: timeouts; portal `shop`: visitor (hint: restart, or take it back)"
        );
    }

    #[test]
    fn a_session_may_not_be_idle_for_longer_than_the_journal_remembers() {
        let runs = read("", "");
        assert!(policies(&runs, &read("session.idle_timeout = \"45m\"", "")).is_ok());
        let why = policies(&runs, &read("session.idle_timeout = \"46m\"", "")).unwrap_err().to_string();
        assert!(why.contains("longer than journal.keep, which is 45m"), "{why}");
    }
}
