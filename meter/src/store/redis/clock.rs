//! The clock of Redis, by which observations are stamped: how far ours is from it.

use std::time::{SystemTime, UNIX_EPOCH};

use portalmeter_rules::time::Millis;
use redis::cluster_routing::Slot as HashSlot;
use redis::{Value, cmd};

use super::RedisStore;
use super::error::RedisError;
use crate::uptime::uptime;

/// How far the clock of Redis is from ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Offset {
    /// What our time of day lacks to its time, in milliseconds; negative where ours is ahead.
    pub millis: Millis,
    /// What our uptime lacks to its time, in microseconds: the same whoever sets our clock. Rounded to milliseconds, what
    /// one node saw just after what another did might come before it.
    pub uptime: i64,
    /// By how much that may be wrong, either way: half the quickest round trip.
    pub bound: Millis,
}

/// So many round trips are tried.
const TRIES: usize = 5;

impl RedisStore {
    /// The time of Redis.
    pub(super) fn time(&mut self) -> Result<Millis, RedisError> {
        let slot = HashSlot::for_key(self.keys.shared("portals"));
        read_micros(self.fleet.ask(slot, &cmd("TIME"))?).map(|micros| micros.div_euclid(1000))
    }

    /// Asks Redis for its time; the quickest of a few answers says most. In a cluster it is one primary that is asked,
    /// the same for all nodes.
    #[expect(clippy::disallowed_methods, reason = "two clocks are compared")]
    pub fn clock(&mut self) -> Result<Offset, RedisError> {
        let slot = HashSlot::for_key(self.keys.shared("portals"));
        let mut best: Option<(i64, i64, i64)> = None;
        for _ in 0..TRIES {
            let (ours, begun) = (micros(SystemTime::now()), uptime());
            let answer = self.fleet.ask(slot, &cmd("TIME"))?;
            let took = uptime() - begun;
            let theirs = read_micros(answer)?;
            if best.is_none_or(|(.., quickest)| took < quickest) {
                let then = theirs.saturating_sub(took / 2);
                best = Some((then.saturating_sub(ours), then.saturating_sub(begun), took));
            }
        }
        let (offset, uptime, took) = best.unwrap_or_default();
        Ok(Offset { millis: (offset + 500).div_euclid(1000), uptime, bound: took / 2000 + 1 })
    }
}

fn read_micros(answer: Value) -> Result<i64, RedisError> {
    let (seconds, micros): (i64, i64) = redis::from_redis_value(answer).map_err(|_| RedisError::strange("TIME"))?;
    Ok(seconds.saturating_mul(1_000_000).saturating_add(micros))
}

fn micros(time: SystemTime) -> i64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_micros() as i64)
}
