//! Epochs: a random token made with a portal's keys, which commits name. Gone or another, the keys were lost.

use std::collections::HashMap;
use std::sync::Arc;

use portalmeter_rules::id::Name;
use redis::{Value, cmd};

use super::RedisStore;
use super::error::{RedisError, Trouble};
use super::fleet::Pipeline;

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
                Ok(epoch) => self.portal(&name).epoch = epoch,
                Err(error) => drop(failed.insert(name, error)),
            }
        }
        failed
    }

    /// Which making of its keys a portal's are.
    pub(crate) fn epoch_of(&mut self, portal: &Arc<str>) -> Result<String, RedisError> {
        self.epoch(portal)
    }

    /// The epoch of a portal that a call needs.
    pub(super) fn epoch(&mut self, portal: &Arc<str>) -> Result<String, RedisError> {
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
        }
        let answers = self.fleet.run(&pipeline);
        let epoch = |answer| match answer {
            Ok(Value::BulkString(epoch)) => {
                Ok(String::from_utf8(epoch).ok().filter(|text| text.parse::<Name>().is_ok()))
            }
            Ok(_) => Ok(None),
            Err(error) if RedisError::is_foreign(&error) => Ok(None),
            Err(error) => Err(error),
        };
        names.into_iter().zip(answers.into_iter().map(epoch)).collect()
    }

    /// Makes the epochs that are missing; of two nodes that do so at once one is the first for both. An error only if
    /// it could be done for no portal: those of a primary that is away have none until it is back.
    pub(super) fn make_epochs(&mut self) -> Result<(), RedisError> {
        let mut failed = None;
        let mut made = self.portals.is_empty();
        for (name, found) in self.find_epochs() {
            let epoch = found.and_then(|epoch| match epoch {
                Some(epoch) => Ok(Some(epoch)),
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

    fn make_epoch(&mut self, portal: &Arc<str>) -> Epoch {
        let keys = self.portal(portal).keys.clone();
        let call = |value| {
            let mut call = cmd("SET");
            call.arg(&keys.epoch).arg(value).arg("NX");
            call
        };
        if self.fleet.ask(keys.slot, &call(token()?))? == Value::Nil {
            // Another node's, or what is no epoch.
            if let Some((_, Ok(Some(epoch)))) = self.epochs_of(vec![Arc::clone(portal)]).pop() {
                return Ok(Some(epoch));
            }
            self.put_aside(portal, &keys.epoch, "of no type")?;
            self.fleet.ask(keys.slot, &call(token()?))?;
        }
        self.epochs_of(vec![Arc::clone(portal)]).pop().map_or(Ok(None), |(_, epoch)| epoch)
    }
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
