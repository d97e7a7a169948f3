//! Whether what a configuration names can be reached from here, within a bounded time.

use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use portalmeter_meter::ledger::LedgerError;
use portalmeter_meter::store::redis::error::{RedisError, Trouble};
use portalmeter_meter::store::redis::guard::Finding;
use portalmeter_meter::store::redis::{RedisStore, Settings};

use crate::config::{Config, Store};
use crate::ledger;
use crate::metering::now;
use crate::{keeping, zones};

/// What came of trying.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Reached {
    /// It answers as it should, or will be made.
    Fine(String),
    /// It does not answer now, or not as it should; `run` would begin all the same.
    Away(String),
    /// It answers, and `run` could not use it.
    Useless(String),
}

/// Nobody waits longer for an answer that does not come.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// Clocks may be so many milliseconds apart before it is said: observations carry the store's time all the same.
const CLOCKS: i64 = 1_000;

/// Looks at the store's servers; nothing where it is embedded.
pub(crate) fn store(config: &Config) -> Vec<Reached> {
    let Store::Redis(settings) = &config.store else { return Vec::new() };
    let place = settings.address.to_string();
    let (settings, portals) = (settings.clone(), keeping::portals(config));
    match within(PATIENCE, move || look(&settings, &portals)) {
        None => {
            vec![Reached::Away(format!("the store at {place} does not answer within {} s", PATIENCE.as_secs()))]
        }
        Some(Ok(findings)) => {
            let fine = Reached::Fine(format!("the store at {place} answers"));
            std::iter::once(fine).chain(findings.into_iter().map(|finding| told(&place, finding))).collect()
        }
        Some(Err(error)) => {
            let said = format!("the store at {place}: {error}: {}", error.hint());
            let is_useless = matches!(
                error.trouble,
                Trouble::Denied
                    | Trouble::DeniedBySentinels
                    | Trouble::Forbidden
                    | Trouble::Address
                    | Trouble::NoDatabase
                    | Trouble::NoPrimary
                    | Trouble::IsNoSentinel
                    | Trouble::IsSentinel
                    | Trouble::Distrusted
                    | Trouble::IsCluster
                    | Trouble::IsNoCluster
                    | Trouble::ReadOnly
            );
            vec![if is_useless { Reached::Useless(said) } else { Reached::Away(said) }]
        }
    }
}

fn look(settings: &Settings, portals: &[Arc<str>]) -> Result<Vec<Finding>, RedisError> {
    let mut store = RedisStore::new(settings);
    store.clock()?;
    portals.iter().try_for_each(|portal| store.probe(portal))?;
    store.findings(CLOCKS)
}

fn told(place: &str, finding: Finding) -> Reached {
    let Finding { server, detail, meaning, .. } = finding;
    Reached::Away(format!("the store at {}: {detail}: {meaning}", server.as_deref().unwrap_or(place)))
}

/// Asks the ledger who it is, and whether portals had another time zone.
pub(crate) fn ledger(config: &Config) -> Vec<Reached> {
    let (place, config) = (ledger::place(config), config.clone());
    let names = keeping::portals(&config);
    let ask = move || {
        ledger::may_keep(&config)?;
        let mut ledger = ledger::to_read(&config)?;
        Ok((ledger.id()?, zones::as_counted(&config, &mut *ledger, now())?))
    };
    let reached = match within(PATIENCE, ask) {
        Some(Ok((id, stampings))) => {
            let fine = Reached::Fine(format!("the ledger at {place} answers; its id is {id}"));
            let moves = names.iter().zip(&stampings).filter_map(|(portal, stamping)| {
                stamping.changeover().map(|changeover| Reached::Fine(zones::in_words(portal, changeover)))
            });
            return std::iter::once(fine).chain(moves).collect();
        }
        None => Reached::Away(format!("the ledger at {place} does not answer within {} s", PATIENCE.as_secs())),
        Some(Err(error @ (LedgerError::Absent | LedgerError::Older { .. }))) => {
            Reached::Fine(format!("the ledger at {place}: {error}"))
        }
        Some(Err(error @ LedgerError::Away(_))) => Reached::Away(format!(
            "the ledger at {place}: {error}; nothing in it was checked: try again when it answers"
        )),
        Some(Err(error)) => Reached::Useless(format!("the ledger at {place}: {error}")),
    };
    vec![reached]
}

/// What `ask` says, if it says it in time. It is left to itself if not: the process is about to end.
pub(crate) fn within<T: Send + 'static>(patience: Duration, ask: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    let (tell, told) = mpsc::channel();
    thread::spawn(move || tell.send(ask()));
    told.recv_timeout(patience).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_waits_for_an_answer_that_does_not_come() {
        let (hold, held) = mpsc::channel::<()>();
        assert_eq!(within(Duration::from_millis(20), move || held.recv()), None);
        drop(hold);
        assert_eq!(within(PATIENCE, || 7), Some(7));
    }
}
