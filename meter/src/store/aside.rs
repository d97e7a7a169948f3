//! Work that no visitor waits for, done when no request wants the core.

use std::time::{Duration, Instant};

use rayon_core::{ThreadPool, ThreadPoolBuilder};
use thread_priority::{NormalThreadSchedulePolicy, ThreadPriority, ThreadSchedulePolicy};

use super::StoreError;

/// A thread of idle priority: a request that comes takes the core from it at once, where another thread keeps it for
/// some milliseconds, however nice it is. It shares no lock with requests, so none can wait for it.
pub(super) struct Aside {
    thread: ThreadPool,
    starved: Option<Instant>,
}

/// More rows than this are the caller's: who is so far behind has to compete with requests.
const MANY: usize = 1_024;
/// Work that took longer did not get the core, and for a while the caller works itself.
const STARVED: Duration = Duration::from_secs(1);
const PAUSE: Duration = Duration::from_secs(30);

impl Aside {
    pub(super) fn new(name: &'static str) -> Result<Self, StoreError> {
        let builder = ThreadPoolBuilder::new().num_threads(1).thread_name(move |_| name.to_owned());
        let thread = builder.start_handler(|_| yield_to_all()).build();
        Ok(Self { thread: thread.map_err(|error| StoreError::Open(error.to_string()))?, starved: None })
    }

    /// Does work on so many rows, and waits for it.
    #[expect(clippy::disallowed_methods, reason = "how long work took is no event's time")]
    pub(super) fn run<R: Send>(&mut self, rows: usize, work: impl FnOnce() -> R + Send) -> R {
        let begun = Instant::now();
        if rows > MANY || self.starved.is_some_and(|since| begun.duration_since(since) < PAUSE) {
            return work();
        }
        let done = self.thread.install(work);
        self.starved = (begun.elapsed() > STARVED).then(Instant::now);
        done
    }
}

fn yield_to_all() {
    let idle = ThreadSchedulePolicy::Normal(NormalThreadSchedulePolicy::Idle);
    let this = thread_priority::thread_native_id();
    if let Err(error) = thread_priority::set_thread_priority_and_policy(this, ThreadPriority::Min, idle) {
        tracing::debug!(?error, "commits compete with requests");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn thread() -> String {
        std::thread::current().name().unwrap_or_default().to_owned()
    }

    #[test]
    fn work_is_done_by_a_thread_of_idle_priority() {
        let mut aside = Aside::new("aside").unwrap();
        let stat = || (thread(), std::fs::read_to_string("/proc/thread-self/stat").unwrap());
        let (name, stat) = aside.run(MANY, stat);
        assert_eq!(name, "aside");
        // The 41st field is the policy, 5 is SCHED_IDLE: proc(5), sched(7).
        assert_eq!(stat.split(' ').nth(40), Some("5"), "{stat}");
    }

    #[test]
    fn who_is_behind_works_itself() {
        let mut aside = Aside::new("aside").unwrap();
        assert_eq!(aside.run(MANY + 1, thread), thread());
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "stands for a core that others hold")]
    fn a_thread_that_does_not_get_the_core_is_not_asked_again_for_a_while() {
        let mut aside = Aside::new("aside").unwrap();
        aside.run(1, || std::thread::sleep(STARVED + Duration::from_millis(50)));
        assert_eq!(aside.run(1, thread), thread());
    }
}
