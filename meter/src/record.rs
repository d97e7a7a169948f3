//! A usage record: one counted unit, immutable, with a permanent id.

use std::fmt;

use portalmeter_rules::id::Name;
use portalmeter_rules::time::Millis;
use serde::{Deserialize, Serialize};

use crate::day::Day;
use crate::entry::UsageRecord;
use crate::fold::Counted;
use crate::observation::Scope;
use crate::terse::choices;

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

choices!(Reason, 3 { 0 => Start, 1 => Midnight, 2 => Login, 3 => Relogin, 4 => UserSwitch });

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

impl UsageRecord {
    /// The record of what a visitor counted in a scope.
    pub fn new(scope: &Scope, visitor: Name, counted: Counted, stored_time: Millis) -> Self {
        let Counted { session: started, day, class, reason, at, user, stamp, note } = counted;
        let session = session_id(scope, visitor, started);
        Self {
            id: record_id(session, started, day, reason),
            portal: scope.portal.to_string(),
            module: scope.module.as_deref().map(str::to_owned),
            visitor,
            session,
            started,
            day,
            zone: stamp.policy.zone.name().to_owned(),
            class,
            reason,
            account: note.account.as_deref().map(str::to_owned),
            user,
            agent: note.agent.as_deref().map(str::to_owned),
            rule: note.rule.to_string(),
            policy: stamp.id,
            trial: stamp.policy.trial,
            event_time: at,
            stored_time,
        }
    }
}

/// The id of the session that a visitor began in a scope at an instant.
pub fn session_id(scope: &Scope, visitor: Name, started: Millis) -> Name {
    derive(started, &[b"session", &scope.id().0.to_le_bytes(), &visitor.0])
}

/// The id of what a session that began at `started` counts on a day.
pub fn record_id(session: Name, started: Millis, day: Day, reason: Reason) -> Name {
    derive(started, &[b"record", &session.0, &day.0.to_le_bytes(), reason.name().as_bytes()])
}

/// Six bytes of time, so that what happened together rests together, then ten of a hash.
fn derive(started: Millis, parts: &[&[u8]]) -> Name {
    let mut hasher = blake3::Hasher::new();
    for part in parts {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    hasher.update(&started.to_le_bytes());
    let mut id = [0; 16];
    let (time, hash) = id.split_at_mut(6);
    time.copy_from_slice(&started.max(0).to_be_bytes()[2..]);
    hash.copy_from_slice(&hasher.finalize().as_bytes()[..10]);
    Name(id)
}
