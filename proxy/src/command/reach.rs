//! Whether what a configuration names can be reached from here, within a bounded time.

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use portalmeter_meter::ledger::{Ledger, LedgerError};

use crate::config::Config;
use crate::ledger;

/// What came of trying.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Reached {
    /// It answers as it should, or will be made.
    Fine(String),
    /// It does not answer now; `run` would begin without it.
    Away(String),
    /// It answers, and `run` could not use it.
    Useless(String),
}

/// Nobody waits longer for an answer that does not come.
const PATIENCE: Duration = Duration::from_secs(10);

/// Asks the ledger who it is.
pub(crate) fn ledger(config: &Config) -> Reached {
    let (place, config) = (ledger::place(config), config.clone());
    let ask = move || ledger::to_read(&config).and_then(|mut ledger: Box<dyn Ledger>| ledger.id());
    match within(PATIENCE, ask) {
        None => Reached::Away(format!("the ledger at {place} does not answer within {} s", PATIENCE.as_secs())),
        Some(Ok(id)) => Reached::Fine(format!("the ledger at {place} answers; its id is {id}")),
        Some(Err(error @ (LedgerError::Absent | LedgerError::Older { .. }))) => {
            Reached::Fine(format!("the ledger at {place}: {error}"))
        }
        Some(Err(error @ LedgerError::Away(_))) => Reached::Away(format!("the ledger at {place}: {error}")),
        Some(Err(error)) => Reached::Useless(format!("the ledger at {place}: {error}")),
    }
}

/// What `ask` says, if it says it in time. It is left to itself if not: the process is about to end.
fn within<T: Send + 'static>(patience: Duration, ask: impl FnOnce() -> T + Send + 'static) -> Option<T> {
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
