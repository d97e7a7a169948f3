//! What all actors share: the ways to the nodes, the time, and how long they waited.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::time::sleep;

use super::calendar::{Calendar, Span};
use super::chance::Chance;
use super::truth::{Done, Kills};
use super::wire::{Answer, Fate, Wires};

/// The world of a run.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) wires: Wires,
    pub(crate) calendar: Calendar,
    pub(crate) kills: Kills,
    pub(crate) seed: u64,
    /// Commits, consumers, repairs and flushes are done with what they got after this long.
    pub(crate) patience: Duration,
    /// No further visitor comes.
    pub(crate) over: AtomicBool,
    /// Requests that were answered, and those of which nobody knows whether they were seen.
    pub(crate) answered: AtomicU64,
    pub(crate) lost: AtomicU64,
    /// How long answers took, in microseconds; noted while someone looks.
    waits: Mutex<Option<Vec<u32>>>,
}

/// Some node answers within this time, whatever is done to the others.
const PATIENCE: Duration = Duration::from_mins(2);

impl World {
    pub(crate) fn new(wires: Wires, calendar: Calendar, seed: u64) -> Self {
        Self {
            wires,
            calendar,
            kills: Kills::default(),
            seed,
            patience: PATIENCE,
            over: AtomicBool::new(false),
            answered: AtomicU64::new(0),
            lost: AtomicU64::new(0),
            waits: Mutex::default(),
        }
    }

    /// With the value's end no further visitor comes, even if it ends in a panic.
    pub(crate) fn over_at_the_end(&self) -> impl Drop + '_ {
        struct AtTheEnd<'w>(&'w AtomicBool);
        impl Drop for AtTheEnd<'_> {
            fn drop(&mut self) {
                self.0.store(true, Ordering::Relaxed);
            }
        }
        AtTheEnd(&self.over)
    }

    /// From now on notes how long answers take.
    pub(crate) fn look(&self) {
        *self.waits.lock().unwrap() = Some(Vec::new());
    }

    /// How long answers took since, in order.
    pub(crate) fn looked(&self) -> Vec<u32> {
        let mut waits = self.waits.lock().unwrap().take().unwrap_or_default();
        waits.sort_unstable();
        waits
    }

    /// Sends a request to some node, or to this one first, and if it gets lost to another, until it is answered.
    ///
    /// Nobody gives up waiting for a node that takes long: what it has in its buffers it would see when nobody knows.
    /// A request is lost if its connection ends, and then its node is gone: it sees nothing later.
    pub(crate) async fn ask(&self, chance: &mut Chance, first: Option<usize>, request: &[u8]) -> (Done, Answer) {
        let nodes = self.wires.nodes() as u64;
        let mut node = first.unwrap_or_else(|| chance.below(nodes) as usize);
        let (begun, mut tried_first, mut sent) = (Instant::now(), None, 0);
        loop {
            while let Some(hush) = self.calendar.hush() {
                sleep(hush).await;
            }
            let (asked, tried) = (self.calendar.now(), Instant::now());
            let fate = self.wires.ask(node, request).await;
            let answered = Span { first: asked, last: self.calendar.now() };
            if !matches!(fate, Fate::Unsent) {
                sent += 1;
                tried_first.get_or_insert(asked);
            }
            match fate {
                Fate::Answered(answer) => {
                    self.answered.fetch_add(1, Ordering::Relaxed);
                    if let Some(waits) = &mut *self.waits.lock().unwrap() {
                        waits.push(tried.elapsed().as_micros() as u32);
                    }
                    let whole = Span { first: tried_first.unwrap_or(asked), last: answered.last };
                    return (Done { whole, answered, node, sent }, answer);
                }
                Fate::Lost(error) => {
                    if self.lost.fetch_add(1, Ordering::Relaxed) < 3 {
                        println!("a request to node {node} was lost after {:?}: {error}", tried.elapsed());
                    }
                }
                Fate::Unsent => {}
            }
            assert!(begun.elapsed() < PATIENCE, "no node answers");
            sleep(Duration::from_millis(chance.between(5, 50))).await;
            // Another one, if there is one.
            node = (node + 1 + chance.below(nodes.saturating_sub(1)) as usize) % nodes as usize;
        }
    }
}
