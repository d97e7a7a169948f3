//! How long a ledger has been thinking: a server that is frozen answers nothing, and refuses nothing either.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Since when a ledger is being asked; clones tell the same.
#[derive(Debug, Clone, Default)]
pub struct Asked(Arc<Mutex<Option<Instant>>>);

impl Asked {
    /// Does what asks the ledger.
    #[expect(clippy::disallowed_methods, reason = "how long an answer takes is no event's time")]
    pub(super) fn during<T>(&self, work: impl FnOnce() -> T) -> T {
        self.note(Some(Instant::now()));
        let done = work();
        self.note(None);
        done
    }

    /// For how long it has been asked what it has not answered yet.
    pub fn waits(&self) -> Option<Duration> {
        Some(self.0.lock().unwrap_or_else(PoisonError::into_inner).as_ref()?.elapsed())
    }

    fn note(&self, since: Option<Instant>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = since;
    }
}
