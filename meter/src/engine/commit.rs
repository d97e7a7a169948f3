//! The committer: takes what waits, commits it, and tries again until it is in.

use std::sync::PoisonError;
use std::sync::atomic::Ordering;
use std::time::Duration;

use portalmeter_rules::time::Millis;

use super::arrears::Arrears;
use super::{Outbox, Shared, lock};
use crate::acts::Acts;
use crate::intake::Sighted;
use crate::store::step::{Outcome, Step};
use crate::store::{Batch, Store, StoreError};
use crate::yielding::yield_to_requests;

/// Pages that change nothing are committed together this often.
const TOGETHER: Duration = Duration::from_secs(1);
/// A page that may count waits this long for others.
const AT_ONCE: Duration = Duration::from_millis(50);
/// After a failed commit.
const RETRY: Duration = Duration::from_millis(500);
const MINUTE: Millis = 60_000;

/// What was taken out of the outbox and is not committed yet.
#[derive(Default)]
struct Taken {
    upto: u64,
    sighted: Vec<Sighted>,
}

/// Says whether everything was committed.
pub(super) fn until_ended(shared: &Shared, mut store: Box<dyn Store>) -> bool {
    yield_to_requests();
    let now = (shared.settings.clock)();
    let mut taken = Taken::default();
    let mut arrears = Arrears::at_start(shared.settings.shared.clone(), now);
    let mut chores = Chores { minute: 0 };
    let mut failed = false;
    loop {
        let ends = take(shared, &mut taken);
        let now = (shared.settings.clock)();
        let store = &mut *store;
        // To prepare a commit takes the longer the more waits: not for a store that is away.
        let reached = if failed { store.reach() } else { Ok(()) };
        let mut outcome =
            reached.and_then(|()| tell_policies(shared, store)).and_then(|()| arrears.settle(shared, store, now));
        if outcome.is_ok() && !taken.is_empty() {
            outcome = commit(shared, store, &mut taken, &arrears, now);
        }
        if outcome.is_ok() {
            outcome = tell_acts(shared, store, now);
        }
        failed = outcome.is_err();
        note(shared, &mut arrears, outcome);
        let behind = failed || arrears.are_some() || lock(&shared.outbox).gap.is_some();
        if ends {
            if failed {
                tracing::error!(observations = taken.sighted.len(), "the last commit failed");
            }
            arrears.leave(shared, store, behind);
            // What is behind a gap is in the journal only.
            return !behind;
        }
        arrears.attend(shared, store, &taken.sighted, now);
        chores.run(shared, store, now, failed, behind);
    }
}

fn note(shared: &Shared, arrears: &mut Arrears, outcome: Result<(), StoreError>) {
    let mut outbox = lock(&shared.outbox);
    match outcome {
        Ok(()) => {
            if outbox.failure.take().is_some() {
                tracing::info!("the store takes commits again");
            }
        }
        Err(StoreError::Forgot) => {
            drop(outbox);
            arrears.forgot(shared, "its keys are gone");
        }
        Err(error) => {
            shared.tally.failed_commits.fetch_add(1, Ordering::Relaxed);
            let reason = error.to_string();
            // Why it is not asked again yet was said before.
            let said = |before: &String| error.only_waits() || *before == reason;
            if !outbox.failure.as_ref().is_some_and(said) {
                tracing::error!(%error, "the store takes no commits; they are tried again");
                outbox.failure = Some(reason);
            }
        }
    }
}

/// Waits for something to commit, and takes it. Says whether this is the end.
fn take(shared: &Shared, taken: &mut Taken) -> bool {
    let mut outbox = lock(&shared.outbox);
    let wait = if taken.is_empty() { TOGETHER } else { RETRY };
    let retries = !taken.is_empty();
    if !outbox.ends && (retries || !outbox.urgent) {
        let idle = |outbox: &mut Outbox| !outbox.ends && (retries || !outbox.urgent);
        outbox = shared.news.wait_timeout_while(outbox, wait, idle).unwrap_or_else(PoisonError::into_inner).0;
    }
    if outbox.urgent && !outbox.ends {
        let more = |outbox: &mut Outbox| !outbox.ends;
        outbox = shared.news.wait_timeout_while(outbox, AT_ONCE, more).unwrap_or_else(PoisonError::into_inner).0;
    }
    outbox.urgent = false;
    taken.upto = outbox.gap.map_or(outbox.number, |gap| gap - 1);
    taken.sighted.append(&mut outbox.waiting);
    outbox.stuck = taken.sighted.len();
    outbox.ends
}

/// What people did goes to the ledger as it is: nothing of it can race.
fn tell_acts(shared: &Shared, store: &mut dyn Store, now: Millis) -> Result<(), StoreError> {
    let acts = std::mem::take(&mut lock(&shared.outbox).acts);
    if acts.is_empty() {
        return Ok(());
    }
    let steps: Vec<Step> = acts.iter().cloned().map(Acts::into_step).collect();
    let outcomes = store.apply(&steps, now);
    if outcomes.is_err() {
        lock(&shared.outbox).acts.splice(0..0, acts);
    }
    if outcomes?.contains(&Outcome::Reset) { Err(StoreError::Forgot) } else { Ok(()) }
}

/// Policies are known before an observation is committed that bears one.
fn tell_policies(shared: &Shared, store: &mut dyn Store) -> Result<(), StoreError> {
    let untold = std::mem::take(&mut lock(&shared.outbox).untold);
    if untold.is_empty() {
        return Ok(());
    }
    store.know(&untold).inspect_err(|_| lock(&shared.outbox).untold.extend(untold))
}

impl Taken {
    fn is_empty(&self) -> bool {
        self.sighted.is_empty()
    }
}

fn commit(
    shared: &Shared,
    store: &mut dyn Store,
    taken: &mut Taken,
    arrears: &Arrears,
    now: Millis,
) -> Result<(), StoreError> {
    let Taken { upto, sighted } = std::mem::take(taken);
    let batch = Batch::new(shared.journal.node(), upto, sighted, now);
    match arrears.commit(store, &batch, shared.settings.memory) {
        Ok(done) => {
            shared.tally.note(done);
            lock(&shared.outbox).stuck = 0;
            Ok(())
        }
        Err(error) => {
            *taken = Taken { upto, sighted: batch.into_sighted() };
            Err(error)
        }
    }
}

/// What is done now and then, between commits.
struct Chores {
    minute: Millis,
}

impl Chores {
    fn run(&mut self, shared: &Shared, store: &mut dyn Store, now: Millis, failed: bool, behind: bool) {
        shared.live.expire(now);
        if failed || (now - self.minute < MINUTE && now >= self.minute) {
            return;
        }
        self.minute = now;
        if let Err(error) = store.expire(now) {
            tracing::warn!(%error, "what has expired could not be removed");
        }
        if !behind {
            (shared.settings.each_minute)(&shared.journal);
        }
    }
}
