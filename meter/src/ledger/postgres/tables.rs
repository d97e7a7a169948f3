//! The tables, within a transaction.

use std::collections::{BTreeMap, HashMap};

use portalmeter_rules::id::Name;
use portalmeter_rules::time::Millis;
use postgres::types::ToSql;
use postgres::{Row, Statement, Transaction};

use super::rows::{self, LINE, SESSION, TOTAL};
use super::types::{At, Date, Id};
use super::write;
use crate::day::Day;
use crate::entry::SessionRow;
use crate::ledger::tables::{Changes, Reach, Tables, utc_day};
use crate::ledger::{LedgerError, Line, Total};

/// Statements that are prepared already, by their text.
pub(super) type Statements = HashMap<String, Statement>;

pub(super) struct PostgresTables<'s, 'c> {
    pub(super) step: Transaction<'c>,
    pub(super) statements: &'s mut Statements,
}

type Parameters<'p> = &'p [&'p (dyn ToSql + Sync)];

impl PostgresTables<'_, '_> {
    pub(super) fn execute(&mut self, sql: &str, of: Parameters<'_>) -> Result<u64, LedgerError> {
        let statement = self.statement(sql)?;
        Ok(self.step.execute(&statement, of)?)
    }

    pub(super) fn query<T>(
        &mut self,
        sql: &str,
        of: Parameters<'_>,
        map: impl Fn(&Row) -> Result<T, LedgerError>,
    ) -> Result<Vec<T>, LedgerError> {
        let statement = self.statement(sql)?;
        self.step.query(&statement, of)?.iter().map(map).collect()
    }

    fn statement(&mut self, sql: &str) -> Result<Statement, LedgerError> {
        if let Some(statement) = self.statements.get(sql) {
            return Ok(statement.clone());
        }
        let statement = self.step.prepare(sql)?;
        self.statements.insert(sql.to_owned(), statement.clone());
        Ok(statement)
    }

    /// How visitors' sessions stand that were seen since then.
    pub(super) fn sessions_since(
        &mut self,
        portal: &str,
        visitors: &[Name],
        since: Millis,
    ) -> Result<Vec<SessionRow>, LedgerError> {
        let sql = format!(
            "SELECT {SESSION} FROM session
             WHERE last_day = ANY($1) AND portal = $2 AND visitor = ANY($3) AND last_seen >= $4 AND NOT gone"
        );
        let days = self.days_from(LAST_DAYS, portal, utc_day(since))?;
        let names: Vec<Id> = visitors.iter().map(|visitor| Id(*visitor)).collect();
        self.query(&sql, &[&days, &portal, &names, &At(since)], rows::session)
    }

    /// The days from one on that there are rows of. With them a database can go straight to each row.
    fn days_from(&mut self, days: &str, portal: &str, from: Day) -> Result<Vec<Date>, LedgerError> {
        let sql = format!("WITH RECURSIVE {days} SELECT d FROM days WHERE d IS NOT NULL");
        self.query(&sql, &[&portal, &Date(from)], |row| Ok(row.try_get(0)?))
    }
}

/// The days, from $2 on, that sessions were last seen on, found by jumps through an index.
const LAST_DAYS: &str = "days (d) AS (
    SELECT MIN(last_day) FROM session WHERE $1::text IS NOT NULL AND last_day >= $2
    UNION ALL SELECT (SELECT MIN(last_day) FROM session WHERE last_day > d) FROM days WHERE d IS NOT NULL)";
/// The days, from $2 on, that a portal has records of.
const RECORD_DAYS: &str = "days (d) AS (
    SELECT MIN(day) FROM usage_record WHERE portal = $1 AND day >= $2
    UNION ALL
    SELECT (SELECT MIN(day) FROM usage_record WHERE portal = $1 AND day > d) FROM days WHERE d IS NOT NULL)";

impl Tables for PostgresTables<'_, '_> {
    fn days(&mut self, portal: &str, from: Day) -> Result<Vec<Total>, LedgerError> {
        let sql = format!("SELECT {TOTAL} FROM usage_day WHERE portal = $1 AND day >= $2");
        self.query(&sql, &[&portal, &Date(from)], |row| Ok(rows::total(row)?.1))
    }

    fn lines(&mut self, ids: &[Name]) -> Result<Vec<Line>, LedgerError> {
        let sql = format!("SELECT {LINE} FROM usage_record WHERE id = ANY($1)");
        self.query(&sql, &[&self::ids(ids)], rows::line)
    }

    fn lines_within(&mut self, reaches: &[Reach<'_>]) -> Result<Vec<Line>, LedgerError> {
        let sql = format!("SELECT {LINE} FROM usage_record WHERE portal = $1 AND day = ANY($2) AND visitor = ANY($3)");
        self.within(RECORD_DAYS, &sql, reaches, rows::line)
    }

    fn corrections(&mut self, of: &[Name]) -> Result<Vec<Line>, LedgerError> {
        let sql = format!("SELECT {LINE} FROM usage_record WHERE of_record IS NOT NULL AND of_record = ANY($1)");
        self.query(&sql, &[&ids(of)], rows::line)
    }

    fn sessions(&mut self, ids: &[Name]) -> Result<Vec<SessionRow>, LedgerError> {
        let sql = format!("SELECT {SESSION} FROM session WHERE id = ANY($1)");
        self.query(&sql, &[&self::ids(ids)], rows::session)
    }

    fn sessions_within(&mut self, reaches: &[Reach<'_>]) -> Result<Vec<SessionRow>, LedgerError> {
        let sql =
            format!("SELECT {SESSION} FROM session WHERE portal = $1 AND last_day = ANY($2) AND visitor = ANY($3)");
        self.within(LAST_DAYS, &sql, reaches, rows::session)
    }

    fn write(&mut self, changes: &Changes<'_>) -> Result<(), LedgerError> {
        write::lines(self, changes.lines.clone())?;
        write::sessions(self, changes.sessions.clone())?;
        write::presences(self, &changes.presences)?;
        write::absences(self, &changes.absences)?;
        write::totals(self, &changes.days)
    }
}

impl PostgresTables<'_, '_> {
    /// Rows of the visitors within reach, on the days that may be, for each portal by itself.
    fn within<T>(
        &mut self,
        days: &str,
        sql: &str,
        reaches: &[Reach<'_>],
        map: impl Fn(&Row) -> Result<T, LedgerError>,
    ) -> Result<Vec<T>, LedgerError> {
        let mut portals: BTreeMap<&str, Vec<&Reach<'_>>> = BTreeMap::new();
        for reach in reaches {
            portals.entry(reach.scope.portal).or_default().push(reach);
        }
        let mut found = Vec::new();
        for (portal, reaches) in portals {
            let from = reaches.iter().map(|reach| reach.first_day()).min().unwrap_or(Day(0));
            let days = self.days_from(days, portal, from)?;
            let visitors: Vec<Id> = reaches.iter().map(|reach| Id(reach.visitor)).collect();
            found.extend(self.query(sql, &[&portal, &days, &visitors], &map)?);
        }
        Ok(found)
    }
}

fn ids(names: &[Name]) -> Vec<Id> {
    names.iter().copied().map(Id).collect()
}
