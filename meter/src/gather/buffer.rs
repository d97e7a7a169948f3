//! What requests leave behind, until it is read: bounded, and a short lock away.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use portalmeter_rules::engagement::{Carried, Verb};
use portalmeter_rules::id::Name;
use portalmeter_rules::time::Millis;

use crate::observation::{Note, Scope};
use crate::session::Class;

/// What was seen of an exchange, but for its target.
#[derive(Debug, Clone)]
pub struct Seen {
    /// When the request arrived.
    pub at: Millis,
    /// The portal's position.
    pub portal: usize,
    /// The portal, and the module where sessions are counted per module.
    pub scope: Arc<Scope>,
    /// What its sender was.
    pub class: Class,
    /// Who was signed in.
    pub user: Option<Name>,
    /// Where the user's company stands.
    pub note: Arc<Note>,
    /// What it was.
    pub what: What,
}

/// What it was.
#[derive(Debug, Clone)]
pub enum What {
    /// An exchange that succeeded.
    Exchange {
        /// Whether it was a page.
        page: bool,
        /// The method.
        verb: Verb,
        /// What came with the answer.
        carried: Carried,
    },
    /// An action that a browser tells of.
    Told {
        /// Its name.
        action: Arc<str>,
        /// The goal that was completed.
        goal: Option<Box<str>>,
    },
}

/// What requests leave behind.
#[derive(Debug)]
pub struct Buffer {
    shards: [Shard; SHARDS],
    dropped: AtomicU64,
}

/// A part of the buffer, on cache lines of its own.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Shard(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    seen: Vec<(Seen, u16)>,
    /// The targets, one behind the other.
    targets: Vec<u8>,
}

/// As many threads push without waiting for each other.
const SHARDS: usize = 8;
/// Read four times a second, this is for sixty thousand pages a second and thread: more than a thread passes on.
const MOST_SEEN: usize = 16_384;
const MOST_BYTES: usize = 2 * 1024 * 1024;
/// So much of a target is kept: names are shorter, and a query may go on.
const LONGEST_TARGET: usize = 512;

impl Default for Buffer {
    fn default() -> Self {
        Self { shards: std::array::from_fn(|_| Shard::default()), dropped: AtomicU64::new(0) }
    }
}

impl Buffer {
    /// Keeps what was seen until it is read; drops it, and counts that, where too much waits.
    pub fn push(&self, seen: Seen, target: &[u8]) {
        let target = &target[..target.len().min(LONGEST_TARGET)];
        let mut kept = self.shards[mine() % SHARDS].lock();
        if kept.seen.len() >= MOST_SEEN || kept.targets.len() + target.len() > MOST_BYTES {
            drop(kept);
            self.dropped.fetch_add(1, Ordering::Relaxed);
            return;
        }
        kept.targets.extend_from_slice(target);
        kept.seen.push((seen, target.len() as u16));
    }

    /// Hands out all that was kept, with its targets. Nobody who pushes waits for it longer than a swap takes.
    pub fn drain(&self, each: &mut dyn FnMut(&Seen, &[u8])) {
        let mut spare = Kept::default();
        for shard in &self.shards {
            {
                let mut kept = shard.lock();
                if kept.seen.is_empty() {
                    continue;
                }
                spare.seen.reserve(kept.seen.capacity().min(MOST_SEEN));
                spare.targets.reserve(kept.targets.capacity().min(MOST_BYTES));
                std::mem::swap(&mut *kept, &mut spare);
            }
            let mut rest = &spare.targets[..];
            for (seen, length) in spare.seen.drain(..) {
                let (target, after) = rest.split_at(usize::from(length).min(rest.len()));
                each(&seen, target);
                rest = after;
            }
            spare.targets.clear();
        }
    }

    /// What was dropped so far.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }
}

impl Shard {
    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The number of this thread among those that push.
fn mine() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static MINE: Cell<usize> = const { Cell::new(usize::MAX) };
    }
    MINE.with(|mine| {
        if mine.get() == usize::MAX {
            mine.set(NEXT.fetch_add(1, Ordering::Relaxed));
        }
        mine.get()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(at: Millis) -> Seen {
        Seen {
            at,
            portal: 0,
            scope: Arc::new(Scope::portal("help")),
            class: Class::Guest,
            user: None,
            note: Arc::default(),
            what: What::Exchange { page: true, verb: Verb::Get, carried: Carried::Nothing },
        }
    }

    fn drained(buffer: &Buffer) -> Vec<(Millis, Vec<u8>)> {
        let mut all = Vec::new();
        buffer.drain(&mut |seen, target| all.push((seen.at, target.to_vec())));
        all
    }

    #[test]
    fn all_that_is_pushed_is_drained_once_with_its_target() {
        let buffer = Buffer::default();
        std::thread::scope(|scope| {
            for thread in 0..3 {
                let buffer = &buffer;
                scope.spawn(move || {
                    for at in 0..100 {
                        let at = thread * 100 + at;
                        buffer.push(seen(at), format!("/{at}").as_bytes());
                    }
                });
            }
        });
        let mut all = drained(&buffer);
        all.sort();
        let expected: Vec<_> = (0..300).map(|at| (at, format!("/{at}").into_bytes())).collect();
        assert_eq!(all, expected);
        assert_eq!((drained(&buffer).len(), buffer.dropped()), (0, 0));
    }

    #[test]
    fn what_does_not_fit_is_dropped_and_counted() {
        let buffer = Buffer::default();
        for at in 0..MOST_SEEN as Millis + 7 {
            buffer.push(seen(at), b"/");
        }
        assert_eq!((drained(&buffer).len(), buffer.dropped()), (MOST_SEEN, 7));
        for at in 0..5_000 {
            buffer.push(seen(at), &[b'a'; 10_000]);
        }
        let all = drained(&buffer);
        assert_eq!(all.len(), MOST_BYTES / LONGEST_TARGET);
        assert!(all.iter().all(|(_, target)| target.len() == LONGEST_TARGET));
        buffer.push(seen(1), b"/");
        assert_eq!(drained(&buffer).len(), 1, "there is room again");
    }
}
