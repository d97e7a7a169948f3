//! The ledger in Postgres: for several nodes, and for whoever asks it in SQL.
//!
//! Its tables are in the first schema of the connection's `search_path`. Whoever changes anything of a portal locks
//! the portal's row of `position` first. Calls block and must not be made from an async task.

use std::collections::HashMap;
use std::fmt;
use std::ops::ControlFlow;

use portalmeter_rules::id::Name;
use portalmeter_rules::time::Millis;
use postgres::types::ToSql;
use postgres::{Client, GenericClient, IsolationLevel};

use super::apply::apply;
use super::asked::Asked;
use super::filter::{Value, filter};
use super::tables::utc_day;
use super::{
    By, Correction, Ledger, LedgerError, LedgerId, Line, Lines, Looking, OpenDay, Position, Query, Statistics, Stretch,
    Take, Totals, Which, correction, digests, total, usage, words,
};
use crate::day::Day;
use crate::entry::SessionRow;
use crate::observation::Stamp;
use crate::policy::PolicyId;
use crate::usage::Usage;

mod address;
mod error;
mod look;
mod rows;
mod schema;
mod tables;
mod tls;
mod types;
mod write;

use address::Address;
use tables::{PostgresTables, Statements};
use types::{At, Date, Id};

/// A ledger in Postgres. Connects at the first call, and again at the call after one that found it away.
pub struct PostgresLedger {
    address: Address,
    to: Use,
    connected: Option<Connected>,
    asked: Asked,
}

/// What it is opened for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Use {
    Write,
    Read,
}

struct Connected {
    client: Client,
    id: LedgerId,
    statements: Statements,
}

/// Rows of records that are fetched at once.
const PAGE: i32 = 1000;

impl PostgresLedger {
    /// The ledger at `postgres://…`, whose tables are made if they are missing.
    pub fn new(url: &str) -> Result<Self, LedgerError> {
        Ok(Self { address: Address::parse(url)?, to: Use::Write, connected: None, asked: Asked::default() })
    }

    /// The same, to be asked only: nothing is made there. [`LedgerError::Absent`] if there is nothing.
    pub fn read_only(url: &str) -> Result<Self, LedgerError> {
        Ok(Self { to: Use::Read, ..Self::new(url)? })
    }

    /// Whether the user may write the tables, or make them if there are none: [`LedgerError::Refused`] if not.
    pub fn may_keep(&mut self) -> Result<(), LedgerError> {
        schema::may_keep(&mut self.address.connect()?)
    }

    fn connected<T>(&mut self, work: impl FnOnce(&mut Connected) -> Result<T, LedgerError>) -> Result<T, LedgerError> {
        let asked = self.asked.clone();
        asked.during(|| {
            let mut connected = match self.connected.take().filter(|connected| !connected.client.is_closed()) {
                Some(connected) => connected,
                None => self.connect()?,
            };
            let done = work(&mut connected);
            // A connection that failed is not trusted again.
            if !matches!(done, Err(LedgerError::Away(_))) {
                self.connected = Some(connected);
            }
            done
        })
    }

    fn connect(&mut self) -> Result<Connected, LedgerError> {
        let mut client = self.address.connect()?;
        let id = schema::ready(&mut client, self.to)?;
        Ok(Connected { client, id, statements: HashMap::new() })
    }

    /// Changes something of a portal, whose row is locked till the end.
    fn change<T>(
        &mut self,
        portal: &str,
        now: Millis,
        work: impl FnOnce(&mut PostgresTables<'_, '_>, Position) -> Result<T, LedgerError>,
    ) -> Result<T, LedgerError> {
        self.connected(|Connected { client, statements, .. }| {
            let mut tables = PostgresTables { step: client.transaction()?, statements };
            let at = lock(&mut tables, portal, now)?;
            let done = work(&mut tables, at)?;
            tables.step.commit()?;
            Ok(done)
        })
    }

    /// Asks within one view of the tables, whatever others commit meanwhile.
    fn view<T>(
        &mut self,
        work: impl FnOnce(&mut PostgresTables<'_, '_>) -> Result<T, LedgerError>,
    ) -> Result<T, LedgerError> {
        self.connected(|Connected { client, statements, .. }| {
            let view = client.build_transaction().read_only(true).isolation_level(IsolationLevel::RepeatableRead);
            let mut tables = PostgresTables { step: view.start()?, statements };
            let found = work(&mut tables)?;
            tables.step.commit()?;
            Ok(found)
        })
    }
}

impl fmt::Debug for PostgresLedger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresLedger").field("to", &self.to).finish_non_exhaustive()
    }
}

impl Ledger for PostgresLedger {
    fn asked(&self) -> Asked {
        self.asked.clone()
    }

    fn id(&mut self) -> Result<LedgerId, LedgerError> {
        self.connected(|connected| Ok(connected.id))
    }

    fn ping(&mut self) -> Result<(), LedgerError> {
        self.connected(|connected| Ok(connected.client.batch_execute("SELECT 1 FROM meta")?))
    }

    fn know(&mut self, stamps: &[Stamp]) -> Result<(), LedgerError> {
        let ids: Vec<String> = stamps.iter().map(|stamp| stamp.id.to_string()).collect();
        let texts: Vec<String> = stamps.iter().map(|stamp| stamp.policy.to_text()).collect();
        self.connected(|connected| {
            let sql = "INSERT INTO policy (id, text) SELECT * FROM UNNEST($1::text[], $2::text[])
                       ON CONFLICT DO NOTHING";
            connected.client.execute(sql, &[&ids, &texts])?;
            Ok(())
        })
    }

    fn policies(&mut self) -> Result<Vec<(PolicyId, String)>, LedgerError> {
        self.view(|tables| {
            let sql = "SELECT id, text FROM policy ORDER BY id";
            tables.query(sql, &[], |row| Ok((words::policy(row.try_get(0)?)?, row.try_get(1)?)))
        })
    }

    fn position(&mut self, portal: &str) -> Result<Position, LedgerError> {
        self.connected(|Connected { client, statements, .. }| position(client, statements, portal))
    }

    fn take(&mut self, stretch: &Stretch<'_>, now: Millis) -> Result<Take, LedgerError> {
        self.change(stretch.portal, now, |tables, at| {
            if at != stretch.from {
                return Ok(Take::Moved(at));
            }
            let taken = apply(tables, stretch.entries, Some(stretch.portal))?;
            let sql = "UPDATE position SET upto = $2, moved_time = $3 WHERE portal = $1";
            tables.execute(sql, &[&stretch.portal, &stretch.upto.to_string(), &At(now)])?;
            Ok(Take::Done(taken))
        })
    }

    fn usage(&mut self, query: &Query) -> Result<Vec<Usage>, LedgerError> {
        self.view(|tables| {
            let sql = format!(
                "SELECT {} FROM usage_day
                 WHERE day >= $1 AND day < $2 AND (portal = ANY($3) OR $3 = '{{}}')
                 ORDER BY portal, day, module",
                rows::TOTAL
            );
            let totals = tables.query(&sql, &[&Date(query.from), &Date(query.to), &query.portals], rows::total)?;
            let uniques = uniques(tables, query)?;
            usage::group(query, totals, |of| {
                let key = (of.portal.to_owned(), of.module.to_owned(), query.by.start(of.from));
                Ok(uniques.get(&key).copied().unwrap_or_default())
            })
        })
    }

    fn totals(&mut self, portal: &str, which: Which) -> Result<Totals, LedgerError> {
        self.view(|tables| {
            let sql = format!(
                "SELECT {} FROM usage_day WHERE portal = $1 AND ($2 OR sealed IS NULL) ORDER BY day, module",
                rows::TOTAL
            );
            let all = which == Which::All;
            let days = tables.query(&sql, &[&portal, &all], |row| Ok(rows::total(row)?.1))?;
            Ok(Totals { position: position(&mut tables.step, tables.statements, portal)?, days })
        })
    }

    fn set_statistics(&mut self, portal: &str, days: &[Statistics], now: Millis) -> Result<u64, LedgerError> {
        self.change(portal, now, |tables, _| total::set_statistics(tables, portal, days))
    }

    fn unsealed(&mut self) -> Result<Vec<OpenDay>, LedgerError> {
        self.view(|tables| {
            let sql = "SELECT DISTINCT day, portal, zone FROM usage_day WHERE sealed IS NULL";
            let mut days = tables.query(sql, &[], |row| {
                let day = row.try_get::<_, Date>(0)?.0;
                Ok(OpenDay { day, portal: row.try_get(1)?, zone: row.try_get(2)? })
            })?;
            days.sort();
            Ok(days)
        })
    }

    fn last_zones(&mut self, portal: &str, upto: Day) -> Result<Vec<String>, LedgerError> {
        self.view(|tables| {
            let sql = "SELECT DISTINCT zone FROM usage_day WHERE portal = $1 AND day =
                         (SELECT MAX(day) FROM usage_day WHERE portal = $1 AND day <= $2)";
            let mut zones = tables.query(sql, &[&portal, &Date(upto)], |row| Ok(row.try_get(0)?))?;
            zones.sort();
            Ok(zones)
        })
    }

    fn seal(&mut self, day: &OpenDay, now: Millis) -> Result<u64, LedgerError> {
        self.change(&day.portal, now, |tables, _| total::seal(tables, day, now))
    }

    fn correct(&mut self, correction: &Correction, now: Millis) -> Result<Day, LedgerError> {
        self.change(&correction.portal, now, |tables, _| correction::book(tables, correction, now))
    }

    fn records(&mut self, query: &Lines, each: &mut dyn FnMut(Line) -> ControlFlow<()>) -> Result<(), LedgerError> {
        let (sql, values) = filter(query);
        let sql = format!("SELECT {} FROM usage_record{sql}", rows::LINE);
        let values: Vec<Box<dyn ToSql + Sync>> = values.into_iter().map(parameter).collect();
        let values: Vec<&(dyn ToSql + Sync)> = values.iter().map(AsRef::as_ref).collect();
        self.view(|tables| {
            let found = tables.step.bind(&sql, &values)?;
            loop {
                let page = tables.step.query_portal(&found, PAGE)?;
                for row in &page {
                    if each(rows::line(row)?).is_break() {
                        return Ok(());
                    }
                }
                if page.len() < PAGE as usize {
                    return Ok(());
                }
            }
        })
    }

    fn look(&mut self, work: Looking<'_>) -> Result<(), LedgerError> {
        self.view(|tables| work(tables))
    }

    fn digest(&mut self, portal: &str, upto: Day, now: Millis) -> Result<bool, LedgerError> {
        // Most often there is none, and nobody is kept from writing.
        if self.view(|tables| digests::next(tables, portal, upto))?.is_none() {
            return Ok(false);
        }
        self.change(portal, now, |tables, _| {
            let Some(due) = digests::next(tables, portal, upto)? else { return Ok(false) };
            digests::make(tables, portal, due).map(|()| true)
        })
    }

    fn sessions(&mut self, portal: &str, visitors: &[Name], since: Millis) -> Result<Vec<SessionRow>, LedgerError> {
        self.connected(|Connected { client, statements, .. }| {
            tables::sessions_since(client, statements, (portal, visitors, since))
        })
    }

    fn expire(&mut self, seen_before: Millis) -> Result<u64, LedgerError> {
        let sql = "DELETE FROM session WHERE id IN
                     (SELECT id FROM session WHERE last_day <= $1 AND last_seen < $2 LIMIT 1000)";
        let mut gone = 0;
        loop {
            let (day, before) = (Date(utc_day(seen_before)), At(seen_before));
            let piece = self.connected(|connected| Ok(connected.client.execute(sql, &[&day, &before])?))?;
            gone += piece;
            if piece == 0 {
                return Ok(gone);
            }
        }
    }
}

const POSITION: &str = "SELECT upto FROM position WHERE portal = $1";

fn position(
    client: &mut impl GenericClient,
    statements: &mut Statements,
    portal: &str,
) -> Result<Position, LedgerError> {
    let upto = tables::query(client, statements, (POSITION, &[&portal]), |row| Ok(row.try_get::<_, String>(0)?))?;
    words::position(upto.first().map(String::as_str))
}

/// Waits for whoever changes the portal, and keeps others waiting. Says where its stream is.
fn lock(tables: &mut PostgresTables<'_, '_>, portal: &str, now: Millis) -> Result<Position, LedgerError> {
    // A release that came later may have changed the tables since this one connected.
    let sql = "SELECT upto, (SELECT value FROM meta WHERE name = 'schema') FROM position WHERE portal = $1 FOR UPDATE";
    let upto = |row: &postgres::Row| {
        schema::known(row.try_get(1)?)?;
        Ok(row.try_get::<_, String>(0)?)
    };
    let mut found = tables.query(sql, &[&portal], upto)?;
    if found.is_empty() {
        let first = "INSERT INTO position (portal, upto, moved_time) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
        tables.execute(first, &[&portal, &Position::START.to_string(), &At(now)])?;
        found = tables.query(sql, &[&portal], upto)?;
    }
    words::position(found.first().map(String::as_str))
}

/// Visitors and users of each portal, module and group of days.
type Uniques = HashMap<(String, String, Day), (i64, i64)>;

fn uniques(tables: &mut PostgresTables<'_, '_>, query: &Query) -> Result<Uniques, LedgerError> {
    let start = match query.by {
        By::Day => "day",
        By::Month => "date_trunc('month', day::timestamp)::date",
    };
    let sql = format!(
        "SELECT portal, module, {start}, COUNT(DISTINCT visitor), COUNT(DISTINCT NULLIF(user_hash, $4)) FROM presence
         WHERE day >= $1 AND day < $2 AND (portal = ANY($3) OR $3 = '{{}}')
         GROUP BY 1, 2, 3"
    );
    let of: [&(dyn ToSql + Sync); 4] = [&Date(query.from), &Date(query.to), &query.portals, &Id(rows::NOBODY)];
    let found = tables.query(&sql, &of, |row| {
        let key = (row.try_get(0)?, row.try_get(1)?, row.try_get::<_, Date>(2)?.0);
        Ok((key, (row.try_get(3)?, row.try_get(4)?)))
    })?;
    Ok(found.into_iter().collect())
}

fn parameter(value: Value) -> Box<dyn ToSql + Sync> {
    match value {
        Value::Text(text) => Box::new(text),
        Value::Day(day) => Box::new(Date(day)),
        Value::Id(id) => Box::new(Id(id)),
        Value::Visitor(visitor) => Box::new(Id(visitor.unwrap_or(rows::NOBODY))),
        Value::Count(count) => Box::new(count),
    }
}
