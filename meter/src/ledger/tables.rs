//! The tables of a ledger, as what decides sees them: rows to read and rows to write, within one transaction.
//!
//! Databases know no rules; what entries change is decided in one place for all of them.

use std::collections::BTreeSet;

use portalmeter_rules::id::Name;
use portalmeter_rules::time::Millis;

use super::{LedgerError, Line, Total};
use crate::acts::Acts;
use crate::day::{Day, Zone};
use crate::entry::{Presence, SessionRow};

/// A portal, or one of its modules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Scope<'a> {
    pub(super) portal: &'a str,
    pub(super) module: Option<&'a str>,
}

/// What began within `(after, upto]` of a visitor in a scope.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reach<'a> {
    pub(super) scope: Scope<'a>,
    pub(super) visitor: Name,
    pub(super) after: Millis,
    pub(super) upto: Millis,
}

const DAY_MS: Millis = 86_400_000;

/// The civil day in UTC.
pub(super) fn utc_day(at: Millis) -> Day {
    Day(at.div_euclid(DAY_MS) as i32)
}

impl Reach<'_> {
    /// No record of it counts on a day before this, whatever the zone, and no session of it was last seen before.
    pub(super) fn first_day(&self) -> Day {
        utc_day(self.after).plus(-1)
    }
}

/// Rows that change, each as it shall be.
#[derive(Debug, Default)]
pub(super) struct Changes<'a> {
    pub(super) lines: Vec<&'a Line>,
    pub(super) sessions: Vec<&'a SessionRow>,
    pub(super) presences: Vec<&'a Presence>,
    pub(super) absences: Vec<&'a Presence>,
    /// What people did beside what they are known to have done.
    pub(super) acts: Vec<&'a Acts>,
    /// With the portal they are of. Each has a revision one above the one it was read with.
    pub(super) days: Vec<(&'a str, &'a Total)>,
}

impl Changes<'_> {
    /// The days of portals that digests of may no longer follow: when what changes counted, began or was there.
    pub(super) fn days_touched(&self) -> BTreeSet<(&str, Day)> {
        let lines = self.lines.iter().map(|line| (line.portal.as_str(), line.day));
        let sessions = self.sessions.iter().map(|row| (row.portal.as_str(), began(row)));
        let presences = self.presences.iter().chain(&self.absences).map(|one| (one.portal.as_str(), one.day));
        lines.chain(sessions).chain(presences).collect()
    }
}

/// The local day on which a session began; of a zone that is none of ours, that of UTC.
pub(super) fn began(row: &SessionRow) -> Day {
    Zone::named(&row.zone).map_or_else(|_| utc_day(row.started), |zone| zone.day(row.started))
}

/// The tables, in a transaction that nobody else changes the same portals in.
pub(super) trait Tables {
    /// A portal's days from this one on.
    fn days(&mut self, portal: &str, from: Day) -> Result<Vec<Total>, LedgerError>;

    /// Lines by their ids.
    fn lines(&mut self, ids: &[Name]) -> Result<Vec<Line>, LedgerError>;

    /// Records and their corrections of what began within reach; others of the same visitors may be among them.
    fn lines_within(&mut self, reaches: &[Reach<'_>]) -> Result<Vec<Line>, LedgerError>;

    /// Corrections of these records.
    fn corrections(&mut self, of: &[Name]) -> Result<Vec<Line>, LedgerError>;

    /// Sessions by their ids, those that are gone too.
    fn sessions(&mut self, ids: &[Name]) -> Result<Vec<SessionRow>, LedgerError>;

    /// Sessions that began within reach, those that are gone too; others of the same visitors may be among them.
    fn sessions_within(&mut self, reaches: &[Reach<'_>]) -> Result<Vec<SessionRow>, LedgerError>;

    /// Writes what changes. A day that another has changed or sealed meanwhile is an error.
    fn write(&mut self, changes: &Changes<'_>) -> Result<(), LedgerError>;
}
