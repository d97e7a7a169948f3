//! Who is live: the index of visitors by last activity, and who leaves it.

use std::sync::Arc;

use portalmeter_rules::time::Millis;
use redis::{Cmd, Value, cmd};

use super::super::step::Lively;
use super::epoch::gone;
use super::error::RedisError;
use super::keys::{member, of_member};
use super::{RedisStore, commit, script};
use crate::entry::Entry;

impl RedisStore {
    /// At most `count` of those who were last seen at `upto` or before, longest ago first.
    pub fn overdue(&mut self, portal: &Arc<str>, upto: Millis, count: usize) -> Result<Vec<Lively>, RedisError> {
        self.seen(portal, "-inf", &upto.to_string(), count)
    }

    /// At most `count` of those who were seen at `since` or later.
    pub fn live(&mut self, portal: &Arc<str>, since: Millis, count: usize) -> Result<Vec<Lively>, RedisError> {
        self.seen(portal, &since.to_string(), "+inf", count)
    }

    fn seen(&mut self, portal: &Arc<str>, from: &str, upto: &str, count: usize) -> Result<Vec<Lively>, RedisError> {
        let keys = self.portal(portal).keys.clone();
        let mut call = cmd("ZRANGEBYSCORE");
        call.arg(&keys.live).arg(from).arg(upto).arg("WITHSCORES").arg("LIMIT").arg(0).arg(count);
        let answer = match self.fleet.ask(keys.slot, &call) {
            Err(error) if error.is_foreign() => {
                self.put_aside(portal, &keys.live, "zset")?;
                return Ok(Vec::new());
            }
            answer => answer?,
        };
        let seen: Vec<(Vec<u8>, f64)> =
            redis::from_redis_value(answer).map_err(|_| RedisError::strange("ZRANGEBYSCORE"))?;
        let mut live = Vec::with_capacity(seen.len());
        for (text, at) in seen {
            match std::str::from_utf8(&text).ok().and_then(of_member) {
                Some((visitor, module)) => live.push(Lively { visitor, module, last_seen: Some(at as Millis) }),
                // Nobody of ours: it would be found again each time.
                None => drop(self.fleet.ask(keys.slot, cmd("ZREM").arg(&keys.live).arg(text))?),
            }
        }
        Ok(live)
    }

    /// Takes those out of the index who were not seen after `upto`, and tells the ledger of each in the same step;
    /// returns how many went.
    pub fn leave(&mut self, portal: &Arc<str>, upto: Millis, who: &[(Lively, Vec<Entry>)]) -> Result<u64, RedisError> {
        let epoch = self.epoch(portal)?;
        let keys = self.portal(portal).keys.clone();
        let script = &*script::LEAVE;
        let mut call = Cmd::new();
        call.arg("EVALSHA").arg(&script.sha).arg(3).arg(&keys.epoch).arg(&keys.live).arg(&keys.records);
        call.arg(epoch).arg(upto);
        for (lively, entries) in who {
            call.arg(member(lively.visitor, lively.module.as_deref())).arg(entries.len());
            for entry in entries {
                call.arg(entry.to_json());
            }
        }
        let (code, values, aside) = commit::parts(self.fleet.ask_script(keys.slot, &call, script)?)?;
        self.report_all_aside(portal, aside);
        match (code, values) {
            (0, _) => Err(gone(portal)),
            (1, Some(values)) => {
                let gone: Vec<u64> = redis::from_redis_value(values).map_err(|_| RedisError::strange("a sweep"))?;
                Ok(gone.into_iter().sum())
            }
            _ => Err(RedisError::strange("a sweep")),
        }
    }

    /// How many are in the index.
    pub fn live_count(&mut self, portal: &Arc<str>) -> Result<u64, RedisError> {
        let keys = self.portal(portal).keys.clone();
        match self.fleet.ask(keys.slot, cmd("ZCARD").arg(&keys.live)) {
            Ok(Value::Int(count)) => Ok(count.cast_unsigned()),
            Ok(_) => Err(RedisError::strange("ZCARD")),
            Err(error) if error.is_foreign() => self.put_aside(portal, &keys.live, "zset").map(|()| 0),
            Err(error) => Err(error),
        }
    }
}
