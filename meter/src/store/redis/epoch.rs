//! Epochs: a random token made with a portal's keys, which commits name. Gone or another, the keys were lost.
//!
//! It also says when it was made, and by which run of which server. A server that was started anew, or took over, brings the epoch of the one
//! before from its disk or from replication, while it may lack what was last committed: to nodes that start only then
//! this is what tells. Whoever begins again makes a new one, so that nothing of before is taken for what is now.

use std::collections::HashMap;
use std::sync::Arc;

use portalmeter_rules::id::Name;
use portalmeter_rules::time::{Millis, instant};
use redis::{Cmd, Value, cmd};

use super::error::{RedisError, Trouble};
use super::fleet::Pipeline;
use super::{RedisStore, script};

/// Clocks of servers that take over from each other differ by less, in milliseconds: ten minutes.
const CLOCKS: Millis = 600_000;

/// An epoch is young so long, in milliseconds: a minute.
const YOUNG: Millis = 60_000;

/// A portal's entries of one epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stream {
    /// Of the epoch's token.
    pub(crate) number: u64,
    /// All its entries are in this millisecond or later.
    pub(crate) begins: u64,
}

/// A portal's epoch, if it has one; a portal whose primary is away holds up no other.
pub(super) type Epoch = Result<Option<String>, RedisError>;

impl RedisStore {
    /// Asks for the epochs of portals that were not asked for yet; returns those that could not be asked.
    pub(super) fn know_epochs<'p>(
        &mut self,
        portals: impl Iterator<Item = &'p Arc<str>>,
    ) -> HashMap<Arc<str>, RedisError> {
        let mut last = None;
        let mut unknown = Vec::new();
        for name in portals {
            if last != Some(name) && self.portal(name).epoch.is_none() && !unknown.contains(name) {
                unknown.push(Arc::clone(name));
            }
            last = Some(name);
        }
        let mut failed = HashMap::new();
        for (name, epoch) in self.epochs_of(unknown) {
            match epoch {
                Ok(epoch) => {
                    self.compare_server(&name, epoch.as_deref());
                    self.portal(&name).epoch = epoch;
                }
                Err(error) => drop(failed.insert(name, error)),
            }
        }
        failed
    }

    /// Since when a portal's keys are what they are, by the clock of Redis; nothing if there are none.
    pub(super) fn begun(&mut self, portal: &Arc<str>) -> Result<Option<Millis>, RedisError> {
        if let Some(error) = self.know_epochs(std::iter::once(portal)).remove(portal) {
            return Err(error);
        }
        Ok(self.portal(portal).epoch.as_deref().and_then(making_of).map(|(_, made)| made))
    }

    /// The epoch of a portal that a call needs: which making of its keys they are.
    pub(crate) fn epoch(&mut self, portal: &Arc<str>) -> Result<String, RedisError> {
        if let Some(error) = self.know_epochs(std::iter::once(portal)).remove(portal) {
            return Err(error);
        }
        self.portal(portal).epoch.clone().ok_or_else(|| gone(portal))
    }

    /// The epochs of all portals, as they are now.
    pub(super) fn find_epochs(&mut self) -> Vec<(Arc<str>, Epoch)> {
        let names = self.portals.keys().cloned().collect();
        self.epochs_of(names)
    }

    fn epochs_of(&mut self, names: Vec<Arc<str>>) -> Vec<(Arc<str>, Epoch)> {
        let mut pipeline = Pipeline::default();
        for name in &names {
            let keys = &self.portal(name).keys;
            pipeline.add(keys.slot, cmd("GET").arg(&keys.epoch));
            pipeline.add(keys.slot, cmd("EXISTS").arg(&keys.records));
        }
        let mut answers = self.fleet.run(&pipeline).into_iter();
        let epoch = |answer| match answer {
            Ok(Value::BulkString(epoch)) => Ok(read_epoch(epoch)),
            Ok(_) => Ok(None),
            Err(error) if RedisError::is_foreign(&error) => Ok(None),
            Err(error) => Err(error),
        };
        let each = names.into_iter().map(|name| {
            let (found, stream) = (answers.next(), answers.next());
            let missing = || Err(RedisError::strange("a pipeline"));
            let found = found.map_or_else(missing, epoch);
            // The stream is made with the epoch: without it, what was on its way to the ledger is gone.
            (name, if matches!(stream, Some(Ok(Value::Int(0)))) { found.map(|_| None) } else { found })
        });
        each.collect()
    }

    /// Makes the epochs that are missing; of two nodes that do so at once one is the first for both. An error only if
    /// it could be done for no portal: those of a primary that is away have none until it is back.
    pub(super) fn make_epochs(&mut self) -> Result<(), RedisError> {
        let mut failed = None;
        let mut made = self.portals.is_empty();
        for (name, found) in self.find_epochs() {
            let epoch = found.and_then(|found| match found {
                Some(found) if self.is_of_its_server(&name, &found) => Ok(Some(found)),
                Some(found) => self.renew_epoch(&name, &found, 0),
                None => self.make_epoch(&name),
            });
            made |= epoch.is_ok();
            self.portal(&name).epoch = epoch.unwrap_or_else(|error| {
                failed = Some(error);
                None
            });
        }
        match failed {
            Some(error) if !made => Err(error),
            _ => Ok(()),
        }
    }

    /// Puts a new epoch where `found` is, if that still is there; of two nodes that do so the first wins.
    fn renew_epoch(&mut self, portal: &Arc<str>, found: &str, behind: u64) -> Epoch {
        let keys = self.portal(portal).keys.clone();
        let script = &*script::RENEW;
        let mut call = Cmd::new();
        call.arg("EVALSHA").arg(&script.sha).arg(2).arg(&keys.epoch).arg(&keys.records);
        call.arg(found).arg(self.new_epoch(portal)?).arg(CLOCKS).arg(behind);
        let epoch = self.fleet.ask_script(keys.slot, &call, script)?;
        let epoch: Option<Vec<u8>> = redis::from_redis_value(epoch).map_err(|_| RedisError::strange("a new epoch"))?;
        Ok(epoch.and_then(read_epoch))
    }

    /// The stream that a portal's entries are in.
    pub(crate) fn stream(&mut self, portal: &Arc<str>) -> Result<Stream, RedisError> {
        let epoch = self.epoch(portal)?;
        let number = epoch.get(..16).and_then(|token| u64::from_str_radix(token, 16).ok()).unwrap_or_default().max(1);
        let begins = made(&epoch).saturating_add(CLOCKS).max(0).cast_unsigned();
        Ok(Stream { number, begins })
    }

    /// Asks whether a portal's epoch is the one that is known: an error if not. Epochs do not come back, so that what was
    /// asked between is of this one.
    pub(crate) fn is_still(&mut self, portal: &Arc<str>) -> Result<(), RedisError> {
        let known = self.epoch(portal)?;
        let (_, found) = self.epochs_of(vec![Arc::clone(portal)]).pop().ok_or_else(|| gone(portal))?;
        if found? == Some(known) { Ok(()) } else { Err(gone(portal)) }
    }

    /// Whether a portal's epoch was made within the last minute.
    pub(crate) fn is_young(&mut self, portal: &Arc<str>) -> Result<bool, RedisError> {
        let (made, now) = (made(&self.epoch(portal)?), self.time()?);
        Ok((made..made.saturating_add(YOUNG)).contains(&now))
    }

    /// Puts a new epoch in the place of a portal's, of which all entries get places behind `millis`.
    pub(crate) fn renew_behind(&mut self, portal: &Arc<str>, millis: u64) -> Result<(), RedisError> {
        let found = self.epoch(portal)?;
        self.renew_epoch(portal, &found, millis)?;
        Ok(())
    }

    fn new_epoch(&mut self, portal: &Arc<str>) -> Result<String, RedisError> {
        let slot = self.portal(portal).keys.slot;
        Ok(format!("{}.{}", token()?, self.fleet.run_of(slot).unwrap_or_default()))
    }

    /// Whether an epoch was made on the server that it is found on, as far as that is known.
    fn is_of_its_server(&mut self, portal: &Arc<str>, epoch: &str) -> bool {
        let slot = self.portal(portal).keys.slot;
        let made_on = making_of(epoch).map(|(server, _)| server).filter(|server| !server.is_empty());
        made_on.zip(self.fleet.run_of(slot)).is_none_or(|(made_on, found_on)| made_on == found_on)
    }

    /// Notes that a server may have forgotten, if the epoch that is first seen there was made on another.
    pub(super) fn compare_server(&mut self, portal: &Arc<str>, epoch: Option<&str>) {
        if epoch.is_some_and(|epoch| !self.is_of_its_server(portal, epoch)) {
            self.fleet
                .watch
                .forget(format!("the keys of `{portal}` were made on a server that was started anew or replaced"));
        }
    }

    /// Makes an epoch where there is none, or something that is no epoch.
    fn make_epoch(&mut self, portal: &Arc<str>) -> Epoch {
        let keys = self.portal(portal).keys.clone();
        match self.renew_epoch(portal, "", 0) {
            Ok(Some(epoch)) => Ok(Some(epoch)),
            Err(error) if !error.is_foreign() => Err(error),
            _ => {
                self.put_aside(portal, &keys.epoch, "of no type")?;
                self.renew_epoch(portal, "", 0)
            }
        }
    }
}

/// The epoch in what was found, if it is one.
fn read_epoch(found: Vec<u8>) -> Option<String> {
    String::from_utf8(found).ok().filter(|text| making_of(text).is_some())
}

/// The server that an epoch was made on, no name if that was not to be known, and when; nothing if it is no epoch.
fn making_of(epoch: &str) -> Option<(&str, Millis)> {
    let (token, making) = epoch.split_once('.')?;
    let (server, time) = making.split_once('.')?;
    token.parse::<Name>().ok()?;
    Some((server, instant(time)?))
}

/// When an epoch was made.
fn made(epoch: &str) -> Millis {
    making_of(epoch).map_or(0, |(_, made)| made)
}

/// The portal's keys are not there: nobody has begun again yet.
pub(super) fn gone(portal: &str) -> RedisError {
    RedisError::new(Trouble::Forgot, None, format!("the keys of `{portal}` are gone or were never made"))
}

/// A random token.
fn token() -> Result<String, RedisError> {
    let mut bytes = [0; 16];
    let drawn = getrandom::fill(&mut bytes);
    drawn.map_err(|error| RedisError::new(Trouble::Unexpected, None, format!("no randomness: {error}")))?;
    Ok(Name(bytes).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_epoch_is_a_token_a_server_and_an_instant() {
        let epoch = |of: &str| making_of(&format!("00112233445566778899aabbccddeeff.{of}")).map(|(_, made)| made);
        assert_eq!(epoch("run.1790000000000"), Some(1_790_000_000_000));
        assert_eq!(epoch(".1790000000000"), Some(1_790_000_000_000));
        for none in ["run", "run.", "run.soon", "run.9223372036854775807", "run.-9223372036854775808"] {
            assert_eq!(epoch(none), None, "{none}");
        }
        assert_eq!(making_of("token.run.1790000000000"), None);
    }
}
