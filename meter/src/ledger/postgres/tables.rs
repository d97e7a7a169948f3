//! The tables, within a transaction.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use portalmeter_rules::id::Name;
use portalmeter_rules::time::Millis;
use postgres::types::ToSql;
use postgres::{GenericClient, Row, Statement, Transaction};

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
        let statement = prepared(&mut self.step, self.statements, sql)?;
        Ok(self.step.execute(&statement, of)?)
    }

    pub(super) fn query<T>(
        &mut self,
        sql: &str,
        of: Parameters<'_>,
        map: impl Fn(&Row) -> Result<T, LedgerError>,
    ) -> Result<Vec<T>, LedgerError> {
        query(&mut self.step, self.statements, (sql, of), map)
    }
}

/// What one statement finds, in a transaction or by itself.
pub(super) fn query<T>(
    client: &mut impl GenericClient,
    statements: &mut Statements,
    (sql, of): (&str, Parameters<'_>),
    map: impl Fn(&Row) -> Result<T, LedgerError>,
) -> Result<Vec<T>, LedgerError> {
    let statement = prepared(client, statements, sql)?;
    client.query(&statement, of)?.iter().map(map).collect()
}

fn prepared(client: &mut impl GenericClient, known: &mut Statements, sql: &str) -> Result<Statement, LedgerError> {
    if let Some(statement) = known.get(sql) {
        return Ok(statement.clone());
    }
    let statement = client.prepare(sql)?;
    known.insert(sql.to_owned(), statement.clone());
    Ok(statement)
}

/// How visitors' sessions stand that were seen since then.
pub(super) fn sessions_since(
    client: &mut impl GenericClient,
    statements: &mut Statements,
    (portal, visitors, since): (&str, &[Name], Millis),
) -> Result<Vec<SessionRow>, LedgerError> {
    let session = format!(
        "SELECT {SESSION} FROM session
         WHERE last_day = d AND portal = $1 AND visitor = v AND last_seen >= $4 AND NOT gone"
    );
    let of: Parameters<'_> = &[&portal, &Date(utc_day(since)), &ids(visitors), &At(since)];
    query(client, statements, (&of_each(LAST_DAYS, &session), of), rows::session)
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
        let sql = by_id(&format!("SELECT {LINE} FROM usage_record WHERE id = i"));
        self.query(&sql, &[&self::ids(ids)], rows::line)
    }

    fn lines_within(&mut self, reaches: &[Reach<'_>]) -> Result<Vec<Line>, LedgerError> {
        let sql = format!("SELECT {LINE} FROM usage_record WHERE portal = $1 AND day = d AND visitor = v");
        self.within(&of_each(RECORD_DAYS, &sql), reaches, rows::line)
    }

    fn corrections(&mut self, of: &[Name]) -> Result<Vec<Line>, LedgerError> {
        let sql = format!("SELECT {LINE} FROM usage_record WHERE of_record IS NOT NULL AND of_record = ANY($1)");
        self.query(&sql, &[&ids(of)], rows::line)
    }

    fn sessions(&mut self, ids: &[Name]) -> Result<Vec<SessionRow>, LedgerError> {
        let sql = by_id(&format!("SELECT {SESSION} FROM session WHERE id = i"));
        self.query(&sql, &[&self::ids(ids)], rows::session)
    }

    fn sessions_within(&mut self, reaches: &[Reach<'_>]) -> Result<Vec<SessionRow>, LedgerError> {
        let sql = format!("SELECT {SESSION} FROM session WHERE portal = $1 AND last_day = d AND visitor = v");
        self.within(&of_each(LAST_DAYS, &sql), reaches, rows::session)
    }

    fn write(&mut self, changes: &Changes<'_>) -> Result<(), LedgerError> {
        write::lines(self, changes.lines.clone())?;
        write::sessions(self, changes.sessions.clone())?;
        write::presences(self, &changes.presences)?;
        write::absences(self, &changes.absences)?;
        write::acts(self, &changes.acts)?;
        write::outdate(self, &changes.days_touched())?;
        write::totals(self, &changes.days)
    }
}

impl PostgresTables<'_, '_> {
    /// Rows of the visitors within reach, on the days that may be, for each portal by itself.
    fn within<T>(
        &mut self,
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
            let visitors: Vec<Name> = reaches.iter().map(|reach| reach.visitor).collect();
            found.extend(self.query(sql, &[&portal, &Date(from), &ids(&visitors)], &map)?);
        }
        Ok(found)
    }
}

/// The rows that a query finds for each day `d` that there are rows of, from $2 on, and each visitor `v` of $3. Left to
/// itself, Postgres reads all of a day where it takes a table for small, as it does in the first minutes.
fn of_each(days: &str, query: &str) -> String {
    format!(
        "WITH RECURSIVE {days}
         SELECT found.* FROM days, UNNEST($3::uuid[]) v, LATERAL ({query} OFFSET 0) found WHERE d IS NOT NULL"
    )
}

/// The rows that a query finds for each id `i` of $1, likewise.
fn by_id(query: &str) -> String {
    format!("SELECT found.* FROM UNNEST($1::uuid[]) i, LATERAL ({query} OFFSET 0) found")
}

/// Each of them once.
fn ids(names: &[Name]) -> Vec<Id> {
    names.iter().copied().collect::<BTreeSet<Name>>().into_iter().map(Id).collect()
}
