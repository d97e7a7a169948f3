//! The clock of Redis, by which observations are stamped: how far ours is from it.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use portalmeter_rules::time::Millis;
use redis::cluster_routing::Slot as HashSlot;
use redis::cmd;

use super::RedisStore;
use super::error::RedisError;

/// How far the clock of Redis is from ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Offset {
    /// What our clock lacks to its time, in milliseconds; negative where ours is ahead.
    pub millis: Millis,
    /// By how much that may be wrong, either way: half the quickest round trip.
    pub bound: Millis,
}

/// So many round trips are tried.
const TRIES: usize = 5;

impl RedisStore {
    /// Asks Redis for its time; the quickest of a few answers says most. In a cluster it is one primary that is asked,
    /// the same for all nodes.
    #[expect(clippy::disallowed_methods, reason = "two clocks are compared")]
    pub fn clock(&mut self) -> Result<Offset, RedisError> {
        let slot = HashSlot::for_key(self.keys.shared("portals"));
        let mut best: Option<(i64, i64)> = None;
        for _ in 0..TRIES {
            let (ours, begun) = (micros(SystemTime::now()), Instant::now());
            let answer = self.fleet.ask(slot, &cmd("TIME"))?;
            let took = begun.elapsed().as_micros() as i64;
            let (seconds, micros): (i64, i64) =
                redis::from_redis_value(answer).map_err(|_| RedisError::strange("TIME"))?;
            let theirs = seconds.saturating_mul(1_000_000).saturating_add(micros);
            if best.is_none_or(|(_, quickest)| took < quickest) {
                best = Some((theirs.saturating_sub(ours + took / 2), took));
            }
        }
        let (offset, took) = best.unwrap_or_default();
        Ok(Offset { millis: (offset + 500).div_euclid(1000), bound: took / 2000 + 1 })
    }
}

fn micros(time: SystemTime) -> i64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_micros() as i64)
}
