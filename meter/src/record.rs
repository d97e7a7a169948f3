//! A usage record: one counted unit, immutable, with a permanent id.

use std::fmt;
use std::sync::Arc;

use portalmeter_rules::id::Name;
use portalmeter_rules::time::Millis;
use serde::{Deserialize, Serialize};

use crate::day::Day;
use crate::fold::Counted;
use crate::observation::{Note, Scope, Stamp};
use crate::session::Class;

/// The rule of `metering.md` by which a session counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// Its first page.
    Start,
    /// The first page of a later day.
    Midnight,
    /// A login that counts.
    Login,
    /// A login after a logout.
    Relogin,
    /// Another user in the same browser.
    UserSwitch,
}

impl Reason {
    /// Its name in records.
    pub fn name(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Midnight => "midnight",
            Self::Login => "login",
            Self::Relogin => "relogin",
            Self::UserSwitch => "user_switch",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One counted unit: a session in a day.
#[derive(Debug, Clone)]
pub struct Record {
    /// Permanent, and the same wherever it is computed: from session, day and reason.
    pub id: Name,
    /// The session's id: from scope, visitor and start.
    pub session: Name,
    /// Where.
    pub scope: Arc<Scope>,
    /// Which browser or device.
    pub visitor: Name,
    /// The day it counts on.
    pub day: Day,
    /// As what.
    pub class: Class,
    /// By which rule of the fold.
    pub reason: Reason,
    /// The page that counted.
    pub at: Millis,
    /// Who was signed in.
    pub user: Option<Name>,
    /// The policy it was counted by.
    pub stamp: Stamp,
    /// The rule that gave the evidence, the bot's name, the account.
    pub note: Arc<Note>,
}

impl Record {
    /// The record of what `visitor` counted in `scope`.
    pub fn new(scope: &Arc<Scope>, visitor: Name, counted: Counted) -> Self {
        let session = session_id(scope, visitor, counted.session);
        Self {
            id: record_id(session, counted.day, counted.reason),
            session,
            scope: Arc::clone(scope),
            visitor,
            day: counted.day,
            class: counted.class,
            reason: counted.reason,
            at: counted.at,
            user: counted.user,
            stamp: counted.stamp,
            note: counted.note,
        }
    }
}

/// The id of the record that a session is on a day, for a reason.
pub fn record_id(session: Name, day: Day, reason: Reason) -> Name {
    derive(&[b"record", &session.0, &day.0.to_le_bytes(), reason.name().as_bytes()])
}

/// The id of the session that a visitor began in a scope at an instant.
pub fn session_id(scope: &Scope, visitor: Name, started: Millis) -> Name {
    derive(&[b"session", &scope.id().0.to_le_bytes(), &visitor.0, &started.to_le_bytes()])
}

fn derive(parts: &[&[u8]]) -> Name {
    let mut hasher = blake3::Hasher::new();
    for part in parts {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    let mut id = [0; 16];
    id.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
    Name(id)
}
