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

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ObservationRow {
    at: Millis,
    kind: Kind,
    evidence: Evidence,
    user: Option<Name>,
    day: Day,
    policy: PolicyId,
    rule: Arc<str>,
    agent: Option<Arc<str>>,
    account: Option<Arc<str>>,
    by: Option<Name>,
    tie: u16,
}

impl From<&Observation> for ObservationRow {
    fn from(seen: &Observation) -> Self {
        let Observation { at, kind, evidence, user, day, stamp, note, by, tie } = seen;
        let Note { rule, agent, account } = (**note).clone();
        let (at, kind, evidence, user, day, policy) = (*at, *kind, *evidence, *user, *day, stamp.id);
        Self { at, kind, evidence, user, day, policy, rule, agent, account, by: *by, tie: *tie }
    }
}

impl ObservationRow {
    pub(crate) fn read(self, stamps: Stamps<'_>) -> Option<Observation> {
        let Self { at, kind, evidence, user, day, policy, rule, agent, account, by, tie } = self;
        let (stamp, note) = (stamps(policy)?, Arc::new(Note { rule, agent, account }));
        Some(Observation { at, kind, evidence, user, day, stamp, note, by, tie })
    }
}
