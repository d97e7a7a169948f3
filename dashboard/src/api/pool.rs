//! Ledgers that are open to be asked: a few, kept between questions. Who finds all of them taken waits a little, and who
//! is not answered does not wait for ever.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use portalmeter_meter::ledger::{Ledger, LedgerError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use super::problem::{Problem, Wrong};
use crate::board::Open;

/// Ledgers that are open to be asked.
pub(super) struct Pool {
    open: Open,
    idle: Arc<Mutex<Vec<Box<dyn Ledger>>>>,
    places: Arc<Semaphore>,
    patience: Patience,
}

/// How long somebody waits.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    /// For a ledger that others are asking.
    pub(super) turn: Duration,
    /// For its answer.
    pub(super) answer: Duration,
}

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum NoAnswer {
    /// Others ask so much.
    Busy,
    /// The ledger says no, or nothing.
    Ledger(LedgerError),
    /// The question makes no sense.
    Asked(Problem),
}

impl Default for Patience {
    fn default() -> Self {
        Self { turn: Duration::from_secs(5), answer: Duration::from_secs(30) }
    }
}

impl Pool {
    /// At most so many ledgers at once.
    pub(super) fn new(open: Open, most: usize, patience: Patience) -> Self {
        Self { open, idle: Arc::default(), places: Arc::new(Semaphore::new(most)), patience }
    }

    /// Asks a ledger, on a thread that may block. Who gives up leaves the ledger to its answer, and its place taken.
    pub(super) async fn ask<T: Send + 'static>(
        &self,
        question: impl FnMut(&mut dyn Ledger) -> Result<T, Wrong> + Send + 'static,
    ) -> Result<T, NoAnswer> {
        let turn = timeout(self.patience.turn, Arc::clone(&self.places).acquire_owned()).await;
        let Ok(Ok(place)) = turn else { return Err(NoAnswer::Busy) };
        let (open, idle) = (Arc::clone(&self.open), Arc::clone(&self.idle));
        let answer = spawn_blocking(move || ask(&open, &idle, question, place));
        match timeout(self.patience.answer, answer).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(broke)) => Err(NoAnswer::Ledger(LedgerError::Away(format!("the question broke off: {broke}")))),
            Err(_) => Err(NoAnswer::Ledger(LedgerError::Away("it takes too long to answer".to_owned()))),
        }
    }
}

fn ask<T>(
    open: &Open,
    idle: &Mutex<Vec<Box<dyn Ledger>>>,
    mut question: impl FnMut(&mut dyn Ledger) -> Result<T, Wrong>,
    place: OwnedSemaphorePermit,
) -> Result<T, NoAnswer> {
    let kept = idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
    // One that was kept may have lost its connection meanwhile, which the first question tells.
    let kept = kept.and_then(|mut ledger| match question(&mut *ledger) {
        Err(Wrong::Ledger(_)) => None,
        answer => Some((ledger, answer)),
    });
    let (ledger, answer) = if let Some(kept) = kept {
        kept
    } else {
        let mut ledger = open().map_err(NoAnswer::Ledger)?;
        let answer = question(&mut *ledger);
        (ledger, answer)
    };
    let answer = answer.map_err(|wrong| match wrong {
        Wrong::Ledger(error) => NoAnswer::Ledger(error),
        Wrong::Asked(problem) => NoAnswer::Asked(problem),
    });
    if !matches!(answer, Err(NoAnswer::Ledger(_))) {
        idle.lock().unwrap_or_else(PoisonError::into_inner).push(ledger);
    }
    drop(place);
    answer
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc;

    use portalmeter_meter::ledger::sqlite::SqliteLedger;

    use super::*;

    fn counting(dir: &std::path::Path) -> (Open, Arc<AtomicUsize>) {
        let (dir, opened) = (dir.to_owned(), Arc::new(AtomicUsize::new(0)));
        let count = Arc::clone(&opened);
        let open = move || {
            count.fetch_add(1, Ordering::SeqCst);
            SqliteLedger::create(&dir).map(|ledger| Box::new(ledger) as Box<dyn Ledger>)
        };
        (Arc::new(open), opened)
    }

    #[tokio::test]
    async fn a_ledger_is_kept_until_it_fails() {
        let dir = tempfile::tempdir().unwrap();
        let (open, opened) = counting(dir.path());
        let pool = Pool::new(open, 2, Patience::default());
        for _ in 0..3 {
            pool.ask(|ledger| Ok(ledger.ping()?)).await.unwrap();
        }
        assert_eq!(opened.load(Ordering::SeqCst), 1);
        let failing = |_: &mut dyn Ledger| -> Result<(), Wrong> { Err(LedgerError::Away(String::new()).into()) };
        assert!(matches!(pool.ask(failing).await, Err(NoAnswer::Ledger(_))));
        assert_eq!(opened.load(Ordering::SeqCst), 2, "the one that was kept failed, and so did a new one");
        pool.ask(|ledger| Ok(ledger.ping()?)).await.unwrap();
        assert_eq!(opened.load(Ordering::SeqCst), 3);
        let odd = |_: &mut dyn Ledger| -> Result<(), Wrong> { Err(Problem::bad("odd").into()) };
        assert!(matches!(pool.ask(odd).await, Err(NoAnswer::Asked(_))));
        pool.ask(|ledger| Ok(ledger.ping()?)).await.unwrap();
        assert_eq!(opened.load(Ordering::SeqCst), 3, "an odd question is not the ledger's fault");
    }

    #[tokio::test]
    async fn nobody_waits_for_ever() {
        let dir = tempfile::tempdir().unwrap();
        let short = Duration::from_millis(30);
        let pool = Pool::new(counting(dir.path()).0, 1, Patience { turn: short, answer: short });
        let (done, wait) = mpsc::channel::<()>();
        let frozen = pool.ask(move |_| {
            let _ = wait.recv();
            Ok(())
        });
        assert!(matches!(frozen.await, Err(NoAnswer::Ledger(LedgerError::Away(_)))));
        assert!(matches!(pool.ask(|_| Ok(())).await, Err(NoAnswer::Busy)), "the only place is still taken");
        drop(done);
        let patient = Pool { patience: Patience::default(), ..pool };
        patient.ask(|_| Ok(())).await.unwrap();
    }
}
