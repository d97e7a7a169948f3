//! Threads that work for nobody who waits.

/// On Linux a thread's own niceness.
const YIELDING: i32 = 10;

/// Lets requests go before this thread: where cores are few, visitors wait neither for commits nor for the ledger.
pub fn yield_to_requests() {
    if let Err(error) = rustix::process::nice(YIELDING) {
        tracing::debug!(%error, "commits and the ledger compete with requests");
    }
}
