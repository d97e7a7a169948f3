//! SIGTERM and SIGINT: stop listening, let requests end, commit, and be gone within `drain`.
//!
//! Pingora by itself sleeps its whole grace period; the process ends before that, from here.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use pingora::server::{ShutdownSignal, ShutdownSignalWatch};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Notify;

/// The ledger gets this long at least to be told what it has not been told yet.
const LAST_WORDS: Duration = Duration::from_secs(1);
/// Journal and store get this long to be written out, even if requests took all of `drain`.
const FLUSH: Duration = Duration::from_secs(5);

/// Counts the requests in flight.
#[derive(Debug, Clone, Default)]
pub(crate) struct InFlight(Arc<State>);

#[derive(Debug, Default)]
struct State {
    passing: AtomicUsize,
    listening: AtomicBool,
    draining: AtomicBool,
    empty: Notify,
}

/// A request in flight, until it is dropped.
#[derive(Debug)]
pub(crate) struct Passing(Arc<State>);

impl InFlight {
    /// One more.
    pub(crate) fn enter(&self) -> Passing {
        self.0.passing.fetch_add(1, Ordering::SeqCst);
        Passing(Arc::clone(&self.0))
    }

    /// Visitors can come in.
    pub(crate) fn listens(&self) {
        self.0.listening.store(true, Ordering::SeqCst);
    }

    /// Whether visitors can come in yet.
    pub(crate) fn is_listening(&self) -> bool {
        self.0.listening.load(Ordering::SeqCst)
    }

    /// Whether the process is about to end.
    pub(crate) fn is_draining(&self) -> bool {
        self.0.draining.load(Ordering::SeqCst)
    }

    /// Waits until none is left, at most `drain`.
    async fn drain(&self, drain: Duration) {
        let empty = async {
            loop {
                let notified = self.0.empty.notified();
                if self.0.passing.load(Ordering::SeqCst) == 0 {
                    return;
                }
                notified.await;
            }
        };
        if tokio::time::timeout(drain, empty).await.is_err() {
            let left = self.0.passing.load(Ordering::SeqCst);
            tracing::warn!(left, "requests were still passing at the end of drain");
        }
    }
}

impl Drop for Passing {
    fn drop(&mut self) {
        if self.0.passing.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.0.empty.notify_waiters();
        }
    }
}

/// Tells Pingora to stop listening, and ends the process once everything has passed.
pub(crate) struct Drain {
    pub(crate) in_flight: InFlight,
    pub(crate) at_most: Duration,
    /// Commits and writes out what there is; says whether nothing was lost.
    pub(crate) finish: Arc<dyn Fn() -> bool + Send + Sync>,
    /// Tells the ledger what it can be told at once: the store keeps the rest.
    pub(crate) tell: Arc<dyn Fn() + Send + Sync>,
}

#[async_trait]
impl ShutdownSignalWatch for Drain {
    async fn recv(&self) -> ShutdownSignal {
        let name = asked_to_end().await;
        tracing::info!(signal = name, "draining");
        self.in_flight.0.draining.store(true, Ordering::SeqCst);
        let (in_flight, drain) = (self.in_flight.clone(), self.at_most);
        let (finish, tell) = (Arc::clone(&self.finish), Arc::clone(&self.tell));
        let supervisor = std::thread::Builder::new().name("drain".to_owned()).spawn(move || {
            let begun = Instant::now();
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            if let Ok(runtime) = runtime {
                runtime.block_on(async {
                    // Listeners close as soon as Pingora hears of it.
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    in_flight.drain(drain).await;
                });
            }
            let flush = Instant::now() + drain.saturating_sub(begun.elapsed()).max(FLUSH);
            let left = || flush.saturating_duration_since(Instant::now());
            let kept = within(left(), finish).unwrap_or_else(|| {
                tracing::error!("journal and store were not written in time: a disk or a server does not answer");
                false
            });
            if within(left().max(LAST_WORDS), tell).is_none() {
                tracing::warn!("the ledger does not answer in time: what it has not been told yet waits in the store");
            }
            tracing::info!("ended");
            exit(kept);
        });
        if supervisor.is_err() {
            let kept = (self.finish)();
            (self.tell)();
            exit(kept);
        }
        ShutdownSignal::GracefulTerminate
    }
}

/// What this says, if it says so in time. A disk that stalls would hold the process for ever.
fn within<T: Send + 'static>(patience: Duration, work: Arc<dyn Fn() -> T + Send + Sync>) -> Option<T> {
    let (tell, told) = mpsc::channel();
    let spawned = std::thread::Builder::new().name("finish".to_owned()).spawn(move || {
        let _ = tell.send(work());
    });
    spawned.ok()?;
    told.recv_timeout(patience).ok()
}

#[expect(clippy::exit, reason = "Pingora sleeps its grace period out otherwise")]
fn exit(kept: bool) -> ! {
    std::process::exit(i32::from(!kept))
}

/// Waits for SIGTERM or SIGINT.
pub(crate) async fn asked_to_end() -> &'static str {
    let (Ok(mut term), Ok(mut int)) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt())) else {
        tracing::error!("signals cannot be watched");
        return std::future::pending().await;
    };
    tokio::select! {
        _ = term.recv() => "SIGTERM",
        _ = int.recv() => "SIGINT",
    }
}
