//! A line of the ledger: a usage record, or a correction.

use portalmeter_rules::id::Name;
use portalmeter_rules::time::Millis;

use super::tables::Scope;
use crate::day::Day;
use crate::entry::UsageRecord;
use crate::policy::PolicyId;
use crate::record::Reason;
use crate::session::Class;

/// A line of the ledger. Totals of an open or sealed day are the sums of `amount` over its lines that are not withdrawn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Permanent.
    pub id: Name,
    /// The portal.
    pub portal: String,
    /// The module, where sessions are counted per module.
    pub module: Option<String>,
    /// Which browser or device; unknown of records of schema 1 and of corrections by hand.
    pub visitor: Option<Name>,
    /// The session's id; none of a correction by hand.
    pub session: Option<Name>,
    /// The session's first page; unknown where the visitor is.
    pub started: Option<Millis>,
    /// The day it counts on.
    pub day: Day,
    /// Whose midnight it is.
    pub zone: String,
    /// As what.
    pub class: Class,
    /// By which rule of the fold; none of a correction by hand.
    pub reason: Option<Reason>,
    /// The company of a signed-in user.
    pub account: Option<String>,
    /// Who was signed in.
    pub user: Option<Name>,
    /// A bot's name.
    pub agent: Option<String>,
    /// The rule that gave the evidence; empty of a correction by hand.
    pub rule: String,
    /// The policy it was counted by; none of a correction by hand.
    pub policy: Option<PolicyId>,
    /// Of a portal that is only observed.
    pub trial: bool,
    /// The page that counted; of a correction by hand when it was made.
    pub event_time: Millis,
    /// When the store took it.
    pub stored_time: Millis,
    /// It no longer follows from what is known, and is in no total.
    pub withdrawn: bool,
    /// What it adds to the total of its class: 1 of a record, any number of a correction.
    pub amount: i32,
    /// The sealed day that it corrects.
    pub corrects: Option<Day>,
    /// The record that it corrects; none of a correction by hand.
    pub of: Option<Name>,
    /// Who made a correction by hand.
    pub author: Option<String>,
    /// Why.
    pub note: Option<String>,
}

/// Which lines are asked for: those that all of this is true of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lines {
    /// Of this portal.
    pub portal: Option<String>,
    /// Of this module; `Some(None)`: of none.
    pub module: Option<Option<String>>,
    /// On this day or later.
    pub from: Option<Day>,
    /// Before this day.
    pub to: Option<Day>,
    /// Of this visitor. Name portal and days too where there are many.
    pub visitor: Option<Name>,
    /// Of this session. Name days too where there are many: no index leads to a session.
    pub session: Option<Name>,
    /// Counted as this.
    pub class: Option<Class>,
    /// Counted by this rule; `Some(None)`: corrected by hand.
    pub reason: Option<Option<Reason>>,
    /// Of this company.
    pub account: Option<String>,
    /// With this id, or a correction of it.
    pub id: Option<Name>,
    /// Corrections only.
    pub corrections: bool,
    /// Withdrawn ones too.
    pub withdrawn: bool,
    /// Behind this line, so that a page follows a page.
    pub after: Option<After>,
    /// No more than these.
    pub limit: Option<u64>,
}

/// A line's place in the order of [`Lines`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct After {
    /// The portal.
    pub portal: String,
    /// The day.
    pub day: Day,
    /// The visitor.
    pub visitor: Option<Name>,
    /// The id.
    pub id: Name,
}

impl Line {
    /// Its place: where the next page begins.
    pub fn place(&self) -> After {
        After { portal: self.portal.clone(), day: self.day, visitor: self.visitor, id: self.id }
    }

    /// The line of a record that holds.
    pub(super) fn of_record(record: &UsageRecord) -> Self {
        Self {
            id: record.id,
            portal: record.portal.clone(),
            module: record.module.clone().filter(|module| !module.is_empty()),
            visitor: Some(record.visitor),
            session: Some(record.session),
            started: Some(record.started),
            day: record.day,
            zone: clean(&record.zone),
            class: record.class,
            reason: Some(record.reason),
            account: record.account.as_deref().map(clean),
            user: record.user,
            agent: record.agent.as_deref().map(clean),
            rule: clean(&record.rule),
            policy: Some(record.policy),
            trial: record.trial,
            event_time: record.event_time,
            stored_time: record.stored_time,
            withdrawn: false,
            amount: 1,
            corrects: None,
            of: None,
            author: None,
            note: None,
        }
    }

    /// Whether it says the same as another, whenever each was stored.
    pub(super) fn says(&self, other: &Self) -> bool {
        *self == Self { stored_time: self.stored_time, ..other.clone() }
    }

    /// The day on which what it is about counts: of a correction, the day that it corrects.
    pub(super) fn counts_on(&self) -> Day {
        self.corrects.unwrap_or(self.day)
    }

    pub(super) fn scope(&self) -> Scope<'_> {
        Scope { portal: &self.portal, module: self.module.as_deref() }
    }
}

/// Postgres has no character 0.
pub(super) fn clean(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}
