//! The stream of entries on their way to the ledgers: read in order, acknowledged by position, trimmed when all have it.
//!
//! A portal's stream belongs to its epoch, and entries of a new epoch are placed behind those of the one before as long as
//! the clocks of servers that take over from each other are less than ten minutes apart. A ledger that keeps the epoch
//! beside its position needs no such bound: where it is another it reads from the beginning. Entries say how something
//! stands, so that reading one again changes nothing.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use redis::{Cmd, Value, cmd};

use super::epoch::gone;
use super::error::RedisError;
use super::{RedisStore, script};
use crate::entry::Entry;

/// Where in a stream an entry is: the millisecond it was appended, or up to ten minutes later after a new beginning, and
/// its number in it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamId {
    /// Milliseconds since 1970, by the clock of Redis.
    pub millis: u64,
    /// The number within the millisecond.
    pub number: u64,
}

impl fmt::Display for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.millis, self.number)
    }
}

/// The text is no place in a stream.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a place in a stream like 1773359999000-0")]
pub struct NotAStreamId(String);

impl FromStr for StreamId {
    type Err = NotAStreamId;

    fn from_str(text: &str) -> Result<Self, NotAStreamId> {
        let wrong = || NotAStreamId(text.to_owned());
        let (millis, number) = text.split_once('-').ok_or_else(wrong)?;
        Ok(Self { millis: millis.parse().map_err(|_| wrong())?, number: number.parse().map_err(|_| wrong())? })
    }
}

/// How far a ledger has read a portal's stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Position {
    /// Of which making of the portal's keys the stream is.
    pub epoch: String,
    /// The last entry that was read.
    pub id: StreamId,
}

/// An entry as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// Where it was: the place of its call.
    pub id: StreamId,
    /// The entry; nothing if it cannot be read.
    pub entry: Option<Entry>,
}

/// A ledger that reads a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Its name, which is the ledger's id.
    pub name: String,
    /// Up to where it has acknowledged.
    pub last: StreamId,
}

impl RedisStore {
    /// Makes a ledger known to a portal's stream, and says from where it reads on: from its position, or from the
    /// beginning if the stream is another than the position's.
    pub fn group(
        &mut self,
        portal: &Arc<str>,
        name: &str,
        position: Option<&Position>,
    ) -> Result<Position, RedisError> {
        let epoch = self.epoch(portal)?;
        let last = self.last_id(portal)?;
        let known = position.filter(|position| position.epoch == epoch && position.id <= last);
        let id = known.map_or_else(StreamId::default, |position| position.id);
        self.make_group(portal, name, id)?;
        Ok(Position { epoch, id })
    }

    fn make_group(&mut self, portal: &Arc<str>, name: &str, at: StreamId) -> Result<(), RedisError> {
        let mut call = cmd("XGROUP");
        call.arg("CREATE").arg(&self.portal(portal).keys.records).arg(name).arg(at.to_string());
        match self.ask_stream(portal, &call) {
            Err(error) if error.said.starts_with("BUSYGROUP") => Ok(()),
            Err(error) if error.said.contains("requires the key to exist") => Err(gone(portal)),
            made => made.map(drop),
        }
    }

    /// The entries of at most `count` places behind `after`, in order. Up to a hundred of a call have one place, and are read
    /// together.
    pub fn read(&mut self, portal: &Arc<str>, after: StreamId, count: usize) -> Result<Vec<Told>, RedisError> {
        let mut call = cmd("XRANGE");
        call.arg(&self.portal(portal).keys.records).arg(format!("({after}")).arg("+").arg("COUNT").arg(count);
        let answer = self.ask_stream(portal, &call)?;
        let Value::Array(told) = answer else { return Err(RedisError::strange("XRANGE")) };
        let mut entries = Vec::with_capacity(told.len());
        for place in told {
            read_place(place, &mut entries).ok_or_else(|| RedisError::strange("XRANGE"))?;
        }
        Ok(entries)
    }

    /// A ledger has all up to here for good.
    pub fn acknowledge(&mut self, portal: &Arc<str>, name: &str, upto: StreamId) -> Result<(), RedisError> {
        let mut call = cmd("XGROUP");
        call.arg("SETID").arg(&self.portal(portal).keys.records).arg(name).arg(upto.to_string());
        match self.ask_stream(portal, &call) {
            // Flushed a moment ago.
            Err(error) if error.said.starts_with("NOGROUP") || error.said.contains("requires the key to exist") => {
                self.make_group(portal, name, upto)
            }
            done => done.map(drop),
        }
    }

    /// A ledger reads no more: the stream no longer waits for it.
    pub fn leave_group(&mut self, portal: &Arc<str>, name: &str) -> Result<(), RedisError> {
        let mut call = cmd("XGROUP");
        call.arg("DESTROY").arg(&self.portal(portal).keys.records).arg(name);
        match self.ask_stream(portal, &call) {
            Err(error) if error.said.contains("requires the key to exist") => Ok(()),
            done => done.map(drop),
        }
    }

    /// The ledgers that read a portal's stream.
    pub fn groups(&mut self, portal: &Arc<str>) -> Result<Vec<Group>, RedisError> {
        let mut call = cmd("XINFO");
        call.arg("GROUPS").arg(&self.portal(portal).keys.records);
        let answer = match self.ask_stream(portal, &call) {
            Err(error) if error.said.contains("no such key") => return Ok(Vec::new()),
            answer => answer?,
        };
        let strange = || RedisError::strange("XINFO GROUPS");
        let groups: Vec<std::collections::HashMap<String, Value>> =
            redis::from_redis_value(answer).map_err(|_| strange())?;
        let groups = groups.into_iter().map(|mut group| {
            let mut text = |field: &str| -> Option<String> { redis::from_redis_value(group.remove(field)?).ok() };
            let last = text("last-delivered-id").and_then(|id| id.parse().ok()).ok_or_else(strange)?;
            Ok(Group { name: text("name").ok_or_else(strange)?, last })
        });
        groups.collect()
    }

    /// Lets go of what every ledger has acknowledged; returns how many places it had. Without any group nothing goes.
    pub fn trim(&mut self, portal: &Arc<str>) -> Result<u64, RedisError> {
        let keys = &self.portal(portal).keys;
        let (slot, script) = (keys.slot, &*script::TRIM);
        let mut call = Cmd::new();
        call.arg("EVALSHA").arg(&script.sha).arg(1).arg(&keys.records).arg(self.lingers);
        match self.fleet.ask_script(slot, &call, script)? {
            Value::Int(gone) => Ok(gone.cast_unsigned()),
            _ => Err(RedisError::strange("a trim")),
        }
    }

    /// The last entry that a portal's stream was told.
    pub fn last_id(&mut self, portal: &Arc<str>) -> Result<StreamId, RedisError> {
        let mut call = cmd("XINFO");
        call.arg("STREAM").arg(&self.portal(portal).keys.records);
        let answer = match self.ask_stream(portal, &call) {
            Err(error) if error.said.contains("no such key") => return Ok(StreamId::default()),
            answer => answer?,
        };
        let strange = || RedisError::strange("XINFO STREAM");
        let mut info: std::collections::HashMap<String, Value> =
            redis::from_redis_value(answer).map_err(|_| strange())?;
        let last = info.remove("last-generated-id").and_then(|id| redis::from_redis_value::<String>(id).ok());
        last.and_then(|id| id.parse().ok()).ok_or_else(strange)
    }

    /// How many places a portal's stream has: those that not every ledger has, and the last that all have.
    pub fn backlog(&mut self, portal: &Arc<str>) -> Result<u64, RedisError> {
        let mut call = cmd("XLEN");
        call.arg(&self.portal(portal).keys.records);
        match self.ask_stream(portal, &call)? {
            Value::Int(length) => Ok(length.cast_unsigned()),
            _ => Err(RedisError::strange("XLEN")),
        }
    }

    /// A call on a portal's stream; what is no stream is set aside first.
    fn ask_stream(&mut self, portal: &Arc<str>, call: &Cmd) -> Result<Value, RedisError> {
        let keys = self.portal(portal).keys.clone();
        match self.fleet.ask(keys.slot, call) {
            Err(error) if error.is_foreign() => {
                self.put_aside(portal, &keys.records, "stream")?;
                self.fleet.ask(keys.slot, call)
            }
            answer => answer,
        }
    }
}

/// The entries of one place. Whoever appended it: what is no field `entry` with an entry of ours cannot be read.
fn read_place(place: Value, entries: &mut Vec<Told>) -> Option<()> {
    let Value::Array(parts) = place else { return None };
    let [Value::BulkString(id), Value::Array(fields)] = &parts[..] else { return None };
    let id = std::str::from_utf8(id).ok()?.parse().ok()?;
    entries.extend(fields.chunks(2).map(|field| match field {
        [Value::BulkString(name), Value::BulkString(text)] if name == b"entry" => {
            Told { id, entry: Entry::from_json(text) }
        }
        _ => Told { id, entry: None },
    }));
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_read_as_they_are_written_and_in_order() {
        let id = StreamId { millis: 1_773_359_999_000, number: 7 };
        assert_eq!(id.to_string().parse(), Ok(id));
        assert!(StreamId { millis: 9, number: 9 } < StreamId { millis: 10, number: 0 });
        for garbage in ["", "1", "1-", "-1-2", "1-2-3", "a-b"] {
            assert!(garbage.parse::<StreamId>().is_err(), "{garbage}");
        }
    }
}
