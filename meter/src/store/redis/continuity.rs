//! Whether a Redis still knows what it was told: another process, data set or role may not.
//!
//! A server is known by the id of its process, the id of its data set's history and its role, each portal's
//! keys by a token made with them. If one of these is gone or another, what was committed may be gone too.

use std::collections::HashMap;

use redis::{Value, cmd};

use super::RedisStore;
use super::address::Host;
use super::error::{RedisError, Trouble};
use super::node::Node;

/// What a Redis is to us, compared with the last look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Continuity {
    /// It is what it was.
    Same,
    /// It may have forgotten what it was told, and is told nothing until [`RedisStore::begin_again`].
    Forgot(String),
}

/// What tells one server's data from another's.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Identity {
    run: String,
    history: String,
    /// It took its data set over from another server once. A new history without that is of its own making: the first
    /// replica came, or none was there for an hour.
    inherited: bool,
}

/// The servers as they were seen last.
#[derive(Debug, Default)]
pub(super) struct Watch {
    known: HashMap<Host, Option<Identity>>,
    /// The primaries were found once: a further one was made in the place of another.
    begun: bool,
    forgot: Vec<String>,
}

/// So many reasons are kept; one is enough.
const REASONS: usize = 16;

impl Watch {
    /// These are the primaries.
    pub(super) fn located(&mut self, primaries: &[Host]) {
        for host in primaries {
            if !self.known.contains_key(host) {
                self.known.insert(host.clone(), None);
                if self.begun {
                    self.forget(format!("{host} is a primary now"));
                }
            }
        }
        self.begun = true;
    }

    /// Looks at a primary.
    pub(super) fn look(&mut self, node: &mut Node) -> Result<(), RedisError> {
        let Some(identity) = identity(node)? else { return Ok(()) };
        let known = self.known.entry(node.host.clone()).or_default();
        let name = &node.name;
        let change = match &known {
            Some(before) if before.run != identity.run => Some(format!("{name} was started anew, or is another")),
            Some(before) if before.history != identity.history && identity.inherited => {
                Some(format!("{name} took another data set over"))
            }
            _ => None,
        };
        *known = Some(identity);
        if let Some(change) = change {
            self.forget(change);
        }
        Ok(())
    }

    pub(super) fn forget(&mut self, why: String) {
        if self.forgot.len() < REASONS && !self.forgot.contains(&why) {
            self.forgot.push(why);
        }
    }

    /// The process that a primary was when it was last looked at; nothing if that was not to be known.
    pub(super) fn run(&self, host: &Host) -> Option<String> {
        Some(self.known.get(host)?.as_ref()?.run.clone())
    }

    /// An error if it may have forgotten, and that has not been told yet.
    pub(super) fn check(&self) -> Result<(), RedisError> {
        if self.forgot.is_empty() {
            return Ok(());
        }
        Err(RedisError::new(Trouble::Forgot, None, self.forgot.join("; ")))
    }
}

/// Who answers there; nothing if we may not ask.
fn identity(node: &mut Node) -> Result<Option<Identity>, RedisError> {
    let mut calls = Vec::new();
    for section in ["server", "replication"] {
        cmd("INFO").arg(section).write_packed_command(&mut calls);
    }
    node.send(&calls)?;
    let mut info = String::new();
    for _ in 0..2 {
        match node.receive()? {
            Value::ServerError(reply) => {
                let error = RedisError::of_reply(&node.name, &reply);
                if error.trouble != Trouble::Forbidden {
                    return Err(error);
                }
            }
            value => info.push_str(&redis::from_redis_value::<String>(value).unwrap_or_default()),
        }
    }
    if field(&info, "role").is_some_and(|role| role != "master") {
        return Err(RedisError::new(Trouble::ReadOnly, Some(node.name.clone()), "it is a replica"));
    }
    let identity = field(&info, "run_id").zip(field(&info, "master_replid"));
    let inherited = field(&info, "master_replid2").is_some_and(|from| from.bytes().any(|digit| digit != b'0'));
    Ok(identity.map(|(run, history)| Identity { run: run.to_owned(), history: history.to_owned(), inherited }))
}

/// A field of the answer to INFO.
pub(super) fn field<'i>(info: &'i str, name: &str) -> Option<&'i str> {
    info.lines().find_map(|line| line.trim_end().strip_prefix(name)?.strip_prefix(':'))
}

impl RedisStore {
    /// Looks whether every primary and every portal's keys are what they were: cheap enough for each second.
    pub fn continuity(&mut self) -> Result<Continuity, RedisError> {
        self.fleet.verify();
        let mut away = None;
        for (host, linked) in self.fleet.primaries()? {
            let looked = linked.and_then(|()| self.fleet.look(&host));
            away = away.or(looked.err());
        }
        for (portal, found) in self.find_epochs() {
            let known = self.portals.get(&portal).and_then(|portal| portal.epoch.clone());
            let why = match (known, found) {
                (_, Err(error)) => {
                    away = away.or(Some(error));
                    continue;
                }
                (None, Ok(Some(found))) => {
                    self.compare_server(&portal, Some(&found));
                    continue;
                }
                (Some(known), Ok(Some(found))) if known == found => continue,
                (_, Ok(Some(_))) => format!("the keys of `{portal}` were made anew"),
                (_, Ok(None)) => format!("the keys of `{portal}` are gone"),
            };
            self.fleet.watch.forget(why);
        }
        match (self.fleet.watch.check(), away) {
            (Err(forgot), _) => Ok(Continuity::Forgot(forgot.said)),
            (Ok(()), Some(away)) => Err(away),
            (Ok(()), None) => Ok(Continuity::Same),
        }
    }

    /// Connects to the primaries that are not connected; an error if there is none that is.
    pub fn reach(&mut self) -> Result<(), RedisError> {
        let mut away = None;
        for (_, linked) in self.fleet.primaries()? {
            match linked {
                Ok(()) => return Ok(()),
                Err(error) => away = away.or(Some(error)),
            }
        }
        away.map_or(Ok(()), Err)
    }

    /// From now on what is there is what counts: epochs that are missing or were made on other servers are made anew,
    /// policies and portals are told again.
    pub fn begin_again(&mut self) -> Result<(), RedisError> {
        for (host, linked) in self.fleet.primaries()? {
            // Who is away is looked at when it is back.
            let _ = linked.and_then(|()| self.fleet.look(&host));
        }
        self.make_epochs()?;
        self.fleet.watch.forgot.clear();
        self.unknown.clear();
        self.tell_all_again()
    }
}
