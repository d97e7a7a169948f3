//! The tables, within a transaction.

use std::collections::{BTreeMap, HashMap};

use portalmeter_rules::id::Name;
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
        visitors: &[(Option<String>, Name)],
        since: i64,
    ) -> Result<Vec<SessionRow>, LedgerError> {
        let sql = format!(
            "WITH RECURSIVE {LAST_DAYS}
             SELECT found.* FROM days, UNNEST($2::text[], $3::uuid[]) AS one (m, v),
               LATERAL (SELECT {SESSION} FROM session
                        WHERE last_day = d AND portal = $4 AND visitor = v AND module = m AND last_seen >= $5
                          AND NOT gone) AS found
             WHERE d IS NOT NULL"
        );
        let modules: Vec<&str> = visitors.iter().map(|(module, _)| module.as_deref().unwrap_or_default()).collect();
        let names: Vec<Id> = visitors.iter().map(|(_, visitor)| Id(*visitor)).collect();
        let from = Date(utc_day(since));
        self.query(&sql, &[&from, &modules, &names, &portal, &At(since)], rows::session)
    }
}

/// The days, from $1 on, that sessions were last seen on, found by jumps through an index.
const LAST_DAYS: &str = "days (d) AS (
    SELECT MIN(last_day) FROM session WHERE last_day >= $1
    UNION ALL SELECT (SELECT MIN(last_day) FROM session WHERE last_day > d) FROM days WHERE d IS NOT NULL)";
/// The days, from $1 on, that a portal has records of.
const RECORD_DAYS: &str = "days (d) AS (
    SELECT MIN(day) FROM usage_record WHERE portal = $6 AND day >= $1
    UNION ALL
    SELECT (SELECT MIN(day) FROM usage_record WHERE portal = $6 AND day > d) FROM days WHERE d IS NOT NULL)";

impl Tables for PostgresTables<'_, '_> {
    fn days(&mut self, portal: &str, from: Day) -> Result<Vec<Total>, LedgerError> {
        let sql = format!("SELECT {TOTAL} FROM usage_day WHERE portal = $1 AND day >= $2");
        self.query(&sql, &[&portal, &Date(from)], |row| Ok(rows::total(row)?.1))
    }

    fn lines(&mut self, ids: &[Name]) -> Result<Vec<Line>, LedgerError> {
        let sql = format!("SELECT {LINE} FROM usage_record WHERE id = ANY($1::uuid[])");
        self.query(&sql, &[&self::ids(ids)], rows::line)
    }

    fn lines_within(&mut self, reaches: &[Reach<'_>]) -> Result<Vec<Line>, LedgerError> {
        self.within(RECORD_DAYS, "usage_record", "day", LINE, reaches, rows::line)
    }

    fn corrections(&mut self, of: &[Name]) -> Result<Vec<Line>, LedgerError> {
        let sql = format!("SELECT {LINE} FROM usage_record WHERE of_record = ANY($1::uuid[])");
        self.query(&sql, &[&ids(of)], rows::line)
    }

    fn sessions(&mut self, ids: &[Name]) -> Result<Vec<SessionRow>, LedgerError> {
        let sql = format!("SELECT {SESSION} FROM session WHERE id = ANY($1::uuid[])");
        self.query(&sql, &[&self::ids(ids)], rows::session)
    }

    fn sessions_within(&mut self, reaches: &[Reach<'_>]) -> Result<Vec<SessionRow>, LedgerError> {
        self.within(LAST_DAYS, "session", "last_day", SESSION, reaches, rows::session)
    }

    fn write(&mut self, changes: &Changes<'_>) -> Result<(), LedgerError> {
        write::lines(self, changes.lines.clone())?;
        write::sessions(self, changes.sessions.clone())?;
        write::presences(self, &changes.presences)?;
        write::totals(self, &changes.days)
    }
}

impl PostgresTables<'_, '_> {
    /// Rows of what began within reach, for each portal by itself.
    fn within<T>(
        &mut self,
        days: &str,
        table: &str,
        day: &str,
        columns: &str,
        reaches: &[Reach<'_>],
        map: impl Fn(&Row) -> Result<T, LedgerError>,
    ) -> Result<Vec<T>, LedgerError> {
        let sql = format!(
            "WITH RECURSIVE {days}
             SELECT found.*
             FROM days, UNNEST($2::text[], $3::uuid[], $4::timestamptz[], $5::timestamptz[]) AS reach (m, v, after, upto),
               LATERAL (SELECT {columns} FROM {table}
                        WHERE {day} = d AND portal = $6 AND visitor = v AND module = m
                          AND started > after AND started <= upto) AS found
             WHERE d IS NOT NULL"
        );
        let mut portals: BTreeMap<&str, Vec<&Reach<'_>>> = BTreeMap::new();
        for reach in reaches {
            portals.entry(reach.scope.portal).or_default().push(reach);
        }
        let mut found = Vec::new();
        for (portal, reaches) in portals {
            let from = reaches.iter().map(|reach| reach.first_day()).min().unwrap_or(Day(0));
            let modules: Vec<&str> = reaches.iter().map(|reach| reach.scope.module.unwrap_or_default()).collect();
            let visitors: Vec<Id> = reaches.iter().map(|reach| Id(reach.visitor)).collect();
            let after: Vec<At> = reaches.iter().map(|reach| At(reach.after)).collect();
            let upto: Vec<At> = reaches.iter().map(|reach| At(reach.upto)).collect();
            let of: Parameters<'_> = &[&Date(from), &modules, &visitors, &after, &upto, &portal];
            found.extend(self.query(&sql, of, &map)?);
        }
        Ok(found)
    }
}

fn ids(names: &[Name]) -> Vec<Id> {
    names.iter().copied().map(Id).collect()
}
