//! The file's tables, within a transaction.

use std::collections::BTreeMap;

use portalmeter_rules::id::Name;
use rusqlite::{Connection, Params, Row, params};

use super::rows;
use crate::day::Day;
use crate::entry::SessionRow;
use crate::ledger::tables::{Changes, Reach, Tables, utc_day};
use crate::ledger::{LedgerError, Line, Total};

pub(super) struct SqliteTables<'c>(pub(super) &'c Connection);

impl Tables for SqliteTables<'_> {
    fn days(&mut self, portal: &str, from: Day) -> Result<Vec<Total>, LedgerError> {
        let sql = format!("SELECT {} FROM usage_day WHERE portal = ?1 AND day >= ?2", rows::TOTAL);
        let mut days = Vec::new();
        read(self.0, &sql, params![portal, from.0], &mut days, |row| Ok(rows::total(row)?.1))?;
        Ok(days)
    }

    fn lines(&mut self, ids: &[Name]) -> Result<Vec<Line>, LedgerError> {
        self.of_each(&format!("SELECT {} FROM usage_record WHERE id = ?1", rows::LINE), ids, rows::line)
    }

    fn lines_within(&mut self, reaches: &[Reach<'_>]) -> Result<Vec<Line>, LedgerError> {
        let next = "SELECT MIN(day) FROM usage_record WHERE portal = ?1 AND day >= ?2";
        let sql = format!(
            "SELECT {} FROM usage_record
             WHERE portal = ?1 AND day = ?2 AND visitor = ?3 AND module = ?4 AND started > ?5 AND started <= ?6",
            rows::LINE
        );
        self.within_each(next, &sql, reaches, rows::line)
    }

    fn corrections(&mut self, of: &[Name]) -> Result<Vec<Line>, LedgerError> {
        self.of_each(&format!("SELECT {} FROM usage_record WHERE of_record = ?1", rows::LINE), of, rows::line)
    }

    fn sessions(&mut self, ids: &[Name]) -> Result<Vec<SessionRow>, LedgerError> {
        self.of_each(&format!("SELECT {} FROM session WHERE id = ?1", rows::SESSION), ids, rows::session)
    }

    fn sessions_within(&mut self, reaches: &[Reach<'_>]) -> Result<Vec<SessionRow>, LedgerError> {
        let sql = format!(
            "SELECT {} FROM session
             WHERE last_day = ?2 AND portal = ?1 AND visitor = ?3 AND module = ?4 AND started > ?5 AND started <= ?6",
            rows::SESSION
        );
        self.within_each(NEXT_LAST_DAY, &sql, reaches, rows::session)
    }

    fn write(&mut self, changes: &Changes<'_>) -> Result<(), LedgerError> {
        rows::write(self.0, changes)
    }
}

/// Reads a row.
type Map<T> = fn(&Row<'_>) -> Result<T, LedgerError>;

/// The first day from one on that sessions of any portal were last seen on.
const NEXT_LAST_DAY: &str = "SELECT MIN(last_day) FROM session WHERE ?1 IS NOT NULL AND last_day >= ?2";

impl SqliteTables<'_> {
    /// How a visitor's sessions stand that were seen since then.
    pub(super) fn sessions_since(
        &self,
        portal: &str,
        visitors: &[Name],
        since: i64,
    ) -> Result<Vec<SessionRow>, LedgerError> {
        let sql = format!(
            "SELECT {} FROM session
             WHERE last_day = ?2 AND portal = ?1 AND visitor = ?3 AND last_seen >= ?4 AND NOT gone",
            rows::SESSION
        );
        let mut sessions = Vec::new();
        for day in self.all_days(NEXT_LAST_DAY, portal, utc_day(since))? {
            for visitor in visitors {
                let of = params![portal, day.0, visitor.to_string(), since];
                read(self.0, &sql, of, &mut sessions, rows::session)?;
            }
        }
        Ok(sessions)
    }

    /// What a statement finds by each of these ids.
    fn of_each<T>(&self, sql: &str, ids: &[Name], map: Map<T>) -> Result<Vec<T>, LedgerError> {
        let mut found = Vec::new();
        for id in ids {
            read(self.0, sql, [id.to_string()], &mut found, map)?;
        }
        Ok(found)
    }

    /// What a statement finds within each of these reaches, on each of the days that `next` finds.
    fn within_each<T>(&self, next: &str, sql: &str, reaches: &[Reach<'_>], map: Map<T>) -> Result<Vec<T>, LedgerError> {
        let (mut found, mut days) = (Vec::new(), BTreeMap::new());
        for reach in reaches {
            for day in self.days_from(&mut days, next, reach)? {
                let of = params![
                    reach.scope.portal,
                    day.0,
                    reach.visitor.to_string(),
                    reach.scope.module.unwrap_or_default(),
                    reach.after,
                    reach.upto
                ];
                read(self.0, sql, of, &mut found, map)?;
            }
        }
        Ok(found)
    }

    /// The days that there are from the first of a reach on, read once for each portal and first day.
    fn days_from<'r>(
        &self,
        known: &mut BTreeMap<(&'r str, Day), Vec<Day>>,
        next: &str,
        reach: &Reach<'r>,
    ) -> Result<Vec<Day>, LedgerError> {
        let (portal, from) = (reach.scope.portal, reach.first_day());
        if let Some(days) = known.get(&(portal, from)) {
            return Ok(days.clone());
        }
        let days = self.all_days(next, portal, from)?;
        known.insert((portal, from), days.clone());
        Ok(days)
    }

    /// Jumps through an index from day to day.
    fn all_days(&self, next: &str, portal: &str, mut from: Day) -> Result<Vec<Day>, LedgerError> {
        let mut next = self.0.prepare_cached(next)?;
        let mut days = Vec::new();
        while let Some(day) = next.query_row(params![portal, from.0], |row| row.get::<_, Option<i32>>(0))? {
            days.push(Day(day));
            from = Day(day).plus(1);
        }
        Ok(days)
    }
}

fn read<T>(
    database: &Connection,
    sql: &str,
    of: impl Params,
    into: &mut Vec<T>,
    map: impl Fn(&Row<'_>) -> Result<T, LedgerError>,
) -> Result<(), LedgerError> {
    let mut ask = database.prepare_cached(sql)?;
    let mut rows = ask.query(of)?;
    while let Some(row) = rows.next()? {
        into.push(map(row)?);
    }
    Ok(())
}
