//! How observations and histories are written: compact, read defensively.

use std::sync::Arc;

use portalmeter_rules::id::Name;
use portalmeter_rules::time::Millis;
use portalmeter_rules::verdict::{Evidence, Kind};
use serde::{Deserialize, Serialize};

use crate::day::Day;
use crate::fold::{Conversion, Counted, Effect};
use crate::history::History;
use crate::observation::{Note, Observation, Stamp};
use crate::policy::PolicyId;
use crate::record::Reason;
use crate::session::{Class, Session};
use crate::sheet::Visitor;

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

#[derive(Debug, Clone, Serialize, Deserialize)]
enum EffectRow {
    Counted { session: Millis, day: Day, class: Class, reason: Reason, at: Millis, user: Option<Name>, mark: MarkRow },
    Converted { session: Millis, day: Day },
}

impl From<&Effect> for EffectRow {
    fn from(effect: &Effect) -> Self {
        match effect {
            Effect::Counted(Counted { session, day, class, reason, at, user, stamp, note }) => Self::Counted {
                session: *session,
                day: *day,
                class: *class,
                reason: *reason,
                at: *at,
                user: *user,
                mark: MarkRow::new(stamp, note),
            },
            Effect::Converted(one) => Self::Converted { session: one.session, day: one.day },
        }
    }
}

impl EffectRow {
    fn read(self, stamps: Stamps<'_>) -> Option<Effect> {
        Some(match self {
            Self::Counted { session, day, class, reason, at, user, mark } => {
                let (stamp, note) = mark.read(stamps)?;
                Effect::Counted(Counted { session, day, class, reason, at, user, stamp, note })
            }
            Self::Converted { session, day } => Effect::Converted(Conversion { session, day }),
        })
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct SessionRow {
    started: Millis,
    began: Reason,
    last_seen: Millis,
    counted_day: Day,
    class: Class,
    proven_guest: bool,
    logged_out: bool,
    user: Option<Name>,
    pages: u32,
    converted: Option<Day>,
    held: Vec<EffectRow>,
}

impl From<&Session> for SessionRow {
    fn from(session: &Session) -> Self {
        let Session {
            started,
            began,
            last_seen,
            counted_day,
            class,
            proven_guest,
            logged_out,
            user,
            pages,
            converted,
            held,
        } = session;
        Self {
            started: *started,
            began: *began,
            last_seen: *last_seen,
            counted_day: *counted_day,
            class: *class,
            proven_guest: *proven_guest,
            logged_out: *logged_out,
            user: *user,
            pages: *pages,
            converted: *converted,
            held: held.iter().map(EffectRow::from).collect(),
        }
    }
}

impl SessionRow {
    fn read(self, stamps: Stamps<'_>) -> Option<Session> {
        let Self {
            started,
            began,
            last_seen,
            counted_day,
            class,
            proven_guest,
            logged_out,
            user,
            pages,
            converted,
            held,
        } = self;
        let held = held.into_iter().map(|effect| effect.read(stamps)).collect::<Option<_>>()?;
        Some(Session {
            started,
            began,
            last_seen,
            counted_day,
            class,
            proven_guest,
            logged_out,
            user,
            pages,
            converted,
            held,
        })
    }
}

/// What is known of a visitor, as a value.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct VisitorRow {
    settled: Option<Millis>,
    told: Millis,
    base: Option<SessionRow>,
    floor: Millis,
    recent: Vec<ObservationRow>,
}

impl From<&Visitor> for VisitorRow {
    fn from(visitor: &Visitor) -> Self {
        let Visitor { settled, told, history } = visitor;
        Self {
            settled: *settled,
            told: *told,
            base: history.base().map(SessionRow::from),
            floor: history.floor(),
            recent: history.recent().iter().map(ObservationRow::from).collect(),
        }
    }
}

impl VisitorRow {
    pub(super) fn read(self, stamps: Stamps<'_>) -> Option<Visitor> {
        let Self { settled, told, base, floor, recent } = self;
        let base = match base {
            Some(base) => Some(base.read(stamps)?),
            None => None,
        };
        let recent = recent.into_iter().map(|seen| seen.read(stamps)).collect::<Option<Vec<_>>>()?;
        Some(Visitor { settled, told, history: History::restore(base, floor, recent) })
    }
}
