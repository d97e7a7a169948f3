//! How observations and histories are written to disk: versioned, compact, decoded defensively.

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
}

impl From<&Observation> for ObservationRow {
    fn from(seen: &Observation) -> Self {
        let Observation { at, kind, evidence, user, day, stamp, note } = seen;
        let mark = MarkRow::new(stamp, note);
        Self { at: *at, kind: *kind, evidence: *evidence, user: *user, day: *day, mark }
    }
}

impl ObservationRow {
    pub(crate) fn read(self, stamps: Stamps<'_>) -> Option<Observation> {
        let Self { at, kind, evidence, user, day, mark } = self;
        let (stamp, note) = mark.read(stamps)?;
        Some(Observation { at, kind, evidence, user, day, stamp, note })
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
    held: Vec<EffectRow>,
}

impl From<&Session> for SessionRow {
    fn from(session: &Session) -> Self {
        let Session { started, began, last_seen, counted_day, class, proven_guest, logged_out, user, pages, held } =
            session;
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
            held: held.iter().map(EffectRow::from).collect(),
        }
    }
}

impl SessionRow {
    fn read(self, stamps: Stamps<'_>) -> Option<Session> {
        let Self { started, began, last_seen, counted_day, class, proven_guest, logged_out, user, pages, held } = self;
        let held = held.into_iter().map(|effect| effect.read(stamps)).collect::<Option<_>>()?;
        Some(Session { started, began, last_seen, counted_day, class, proven_guest, logged_out, user, pages, held })
    }
}

#[derive(Debug, Serialize, Deserialize)]
struct HistoryRow {
    base: Option<SessionRow>,
    floor: Millis,
    recent: Vec<ObservationRow>,
}

const VERSION: u8 = 1;

/// A history as bytes.
pub(crate) fn write_history(history: &History) -> Vec<u8> {
    let row = HistoryRow {
        base: history.base().map(SessionRow::from),
        floor: history.floor(),
        recent: history.recent().iter().map(ObservationRow::from).collect(),
    };
    postcard::to_extend(&row, vec![VERSION]).unwrap_or_default()
}

/// The history in these bytes, if they are one.
pub(crate) fn read_history(bytes: &[u8], stamps: Stamps<'_>) -> Option<History> {
    let (&version, rest) = bytes.split_first()?;
    if version != VERSION {
        return None;
    }
    let row: HistoryRow = postcard::from_bytes(rest).ok()?;
    let base = match row.base {
        Some(base) => Some(base.read(stamps)?),
        None => None,
    };
    let recent = row.recent.into_iter().map(|seen| seen.read(stamps)).collect::<Option<Vec<_>>>()?;
    Some(History::restore(base, row.floor, recent))
}
