//! Epochs: a random token made with a portal's keys, which commits name. Gone or another, the keys were lost.

use std::sync::Arc;

use portalmeter_rules::id::Name;
use redis::{Value, cmd};

use super::RedisStore;
use super::error::{RedisError, Trouble};
use super::fleet::Pipeline;

/// A portal and its epoch, if it has one.
type Epoch = (Arc<str>, Option<String>);

impl RedisStore {
    /// Asks for the epochs of portals that were not asked for yet.
    pub(super) fn know_epochs<'p>(&mut self, portals: impl Iterator<Item = &'p Arc<str>>) -> Result<(), RedisError> {
        let mut last = None;
        let mut unknown = Vec::new();
        for name in portals {
            if last != Some(name) && self.portal(name).epoch.is_none() && !unknown.contains(name) {
                unknown.push(Arc::clone(name));
            }
            last = Some(name);
        }
        for (name, epoch) in self.epochs_of(unknown)? {
            self.portal(&name).epoch = epoch;
        }
        Ok(())
    }

    /// The epochs of all portals, as they are now.
    pub(super) fn find_epochs(&mut self) -> Result<Vec<Epoch>, RedisError> {
        let names = self.portals.keys().cloned().collect();
        self.epochs_of(names)
    }

    fn epochs_of(&mut self, names: Vec<Arc<str>>) -> Result<Vec<Epoch>, RedisError> {
        if names.is_empty() {
            return Ok(Vec::new());
        }
        let mut pipeline = Pipeline::default();
        for name in &names {
            let keys = &self.portal(name).keys;
            pipeline.add(keys.slot, cmd("GET").arg(&keys.epoch));
        }
        let answers = self.fleet.run(&pipeline);
        let epochs = names.into_iter().zip(answers).map(|(name, answer)| match answer {
            Ok(Value::BulkString(epoch)) => Ok((name, Some(String::from_utf8_lossy(&epoch).into_owned()))),
            Ok(_) => Ok((name, None)),
            Err(error) if error.is_foreign() => Ok((name, None)),
            Err(error) => Err(error),
        });
        epochs.collect()
    }

    /// Makes the epochs that are missing; of two nodes that do so at once one is the first for both.
    pub(super) fn make_epochs(&mut self) -> Result<(), RedisError> {
        let names: Vec<Arc<str>> = self.portals.keys().cloned().collect();
        for name in names {
            let keys = self.portal(&name).keys.clone();
            self.put_aside(&name, &keys.epoch, "string")?;
            self.fleet.ask(keys.slot, cmd("SET").arg(&keys.epoch).arg(token()?).arg("NX"))?;
            self.portal(&name).epoch = None;
        }
        for (name, epoch) in self.find_epochs()? {
            self.portal(&name).epoch = epoch;
        }
        Ok(())
    }
}

/// A random token.
fn token() -> Result<String, RedisError> {
    let mut bytes = [0; 16];
    let drawn = getrandom::fill(&mut bytes);
    drawn.map_err(|error| RedisError::new(Trouble::Unexpected, None, format!("no randomness: {error}")))?;
    Ok(Name(bytes).to_string())
}
