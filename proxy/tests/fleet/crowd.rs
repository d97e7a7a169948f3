//! The crowd: actors come one after the other until there were enough, many at a time.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{interval, sleep};

use super::actor::{self, Played};
use super::world::World;

/// Who comes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Crowd {
    /// The number of the first: numbers are never used twice.
    pub(crate) from: u64,
    /// The script of the first.
    pub(crate) scripts: u64,
    /// They stop coming once so many sessions must have been counted, or when the world says so.
    pub(crate) sessions: u64,
    /// Or after this long.
    pub(crate) lasts: Duration,
    /// No more than this at a time.
    pub(crate) at_once: usize,
    /// So many new ones a second; as many as find room, if there is no pace.
    pub(crate) pace: Option<f64>,
}

impl Crowd {
    /// As many as there have to be, so many at a time.
    pub(crate) fn of(at_once: usize) -> Self {
        Self { from: 1, scripts: 1, sessions: u64::MAX, lasts: Duration::MAX, at_once, pace: None }
    }

    /// Lets them come, and waits until the last has gone.
    pub(crate) fn come(self, world: &Arc<World>) -> Vec<Played> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let played = runtime.block_on(self.play(world));
        world.wires.forget();
        played
    }

    async fn play(self, world: &Arc<World>) -> Vec<Played> {
        let room = Arc::new(Semaphore::new(self.at_once));
        let mut beat = self.pace.map(|pace| interval(Duration::from_secs_f64(1.0 / pace)));
        let (mut actors, mut played, mut counted) = (JoinSet::new(), Vec::new(), 0);
        let (mut number, begun) = (self.from, Instant::now());
        while begun.elapsed() < self.lasts && counted < self.sessions && !world.over.load(Ordering::Relaxed) {
            if let Some(beat) = &mut beat {
                beat.tick().await;
            }
            let place = tokio::time::timeout(Duration::from_millis(50), Arc::clone(&room).acquire_owned()).await;
            if let Ok(Ok(place)) = place {
                let (world, script) = (Arc::clone(world), self.scripts + number - self.from);
                actors.spawn(async move {
                    let played = actor::play(world, number, script).await;
                    drop(place);
                    played
                });
                number += 1;
            }
            while let Some(gone) = actors.try_join_next() {
                let gone = gone.unwrap();
                counted +=
                    gone.visitors.iter().filter_map(|visitor| visitor.units().next()).map(<[_]>::len).sum::<usize>()
                        as u64;
                played.push(gone);
            }
            if beat.is_none() && number.is_multiple_of(64) {
                // Let the others have their turns.
                sleep(Duration::from_millis(1)).await;
            }
        }
        while let Some(gone) = actors.join_next().await {
            played.push(gone.unwrap());
        }
        played
    }
}
