//! How an observation is written that stands alone, as in a journal: read defensively.

use std::sync::Arc;

use portalmeter_rules::id::Name;
use portalmeter_rules::time::Millis;
use portalmeter_rules::verdict::{Evidence, Kind};
use serde::{Deserialize, Serialize};

use crate::day::Day;
use crate::observation::{Note, Observation, Stamp};
use crate::policy::PolicyId;

/// Finds a policy by its id.
pub(crate) type Stamps<'a> = &'a dyn Fn(PolicyId) -> Option<Stamp>;

/// By which policy, and with what note.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct MarkRow {
    policy: PolicyId,
    rule: Arc<str>,
    agent: Option<Arc<str>>,
    account: Option<Arc<str>>,
}

impl MarkRow {
    fn new(stamp: &Stamp, note: &Note) -> Self {
        Self {
            policy: stamp.id,
            rule: Arc::clone(&note.rule),
            agent: note.agent.clone(),
            account: note.account.clone(),
        }
    }

    fn read(self, stamps: Stamps<'_>) -> Option<(Stamp, Arc<Note>)> {
        let note = Note { rule: self.rule, agent: self.agent, account: self.account };
        Some((stamps(self.policy)?, Arc::new(note)))
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ObservationRow {
    at: Millis,
    kind: Kind,
    evidence: Evidence,
    user: Option<Name>,
    day: Day,
    mark: MarkRow,
    by: Option<Name>,
    tie: u16,
}

impl From<&Observation> for ObservationRow {
    fn from(seen: &Observation) -> Self {
        let Observation { at, kind, evidence, user, day, stamp, note, by, tie } = seen;
        let mark = MarkRow::new(stamp, note);
        Self { at: *at, kind: *kind, evidence: *evidence, user: *user, day: *day, mark, by: *by, tie: *tie }
    }
}

impl ObservationRow {
    pub(crate) fn read(self, stamps: Stamps<'_>) -> Option<Observation> {
        let Self { at, kind, evidence, user, day, mark, by, tie } = self;
        let (stamp, note) = mark.read(stamps)?;
        Some(Observation { at, kind, evidence, user, day, stamp, note, by, tie })
    }
}
