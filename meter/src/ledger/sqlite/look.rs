//! The file's rows, for those who look.

use portalmeter_rules::id::Name;
use portalmeter_rules::time::Millis;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Params, Row, params};

use super::rows;
use super::tables::SqliteTables;
use crate::acts::Act;
use crate::day::Day;
use crate::digest::{Kind, Span};
use crate::ledger::digests::Keep;
use crate::ledger::look::{Acted, Begun, Counted, Days, Look, Present, Zones};
use crate::ledger::tables::utc_day;
use crate::ledger::{LedgerError, Total, words};
use crate::session::Class;

impl Look for SqliteTables<'_> {
    fn first_day(&mut self, portal: &str) -> Result<Option<Day>, LedgerError> {
        let mut ask = self.0.prepare_cached("SELECT MIN(day) FROM usage_day WHERE portal = ?1")?;
        let first: Option<i32> = ask.query_row([portal], |row| row.get(0))?;
        Ok(first.map(Day))
    }

    fn totals(&mut self, portals: &[String], days: Days) -> Result<Vec<(String, Total)>, LedgerError> {
        // The key begins with the portal: one alone is asked for often, and is a short stretch of it.
        let only = if let [portal] = portals { Some(portal) } else { None };
        let of_portal = if only.is_some() { "portal = ?3" } else { "?3 IS NULL" };
        let sql = format!(
            "SELECT {} FROM usage_day WHERE day >= ?1 AND day < ?2 AND {of_portal} ORDER BY portal, day, module",
            rows::TOTAL
        );
        let mut all = each(self.0, &sql, params![days.from.0, days.to.0, only], rows::total)?;
        all.retain(|(portal, _)| portals.is_empty() || portals.contains(portal));
        Ok(all)
    }

    fn begun(&mut self, portal: &str, from: Millis, to: Millis) -> Result<Vec<Begun>, LedgerError> {
        let sql = format!(
            "SELECT {BEGUN} FROM session INDEXED BY session_started
             WHERE portal = ?1 AND started >= ?2 AND started < ?3 AND NOT gone"
        );
        let mut zones = Zones::default();
        each(self.0, &sql, params![portal, from, to], |row| begun(row, &mut zones))
    }

    fn seen_since(&mut self, portal: &str, since: Millis) -> Result<Vec<Begun>, LedgerError> {
        let sql = format!(
            "SELECT {BEGUN} FROM session INDEXED BY session_last_day
             WHERE last_day >= ?1 AND portal = ?2 AND last_seen >= ?3 AND NOT gone"
        );
        let mut zones = Zones::default();
        each(self.0, &sql, params![utc_day(since).0, portal, since], |row| begun(row, &mut zones))
    }

    fn counted(&mut self, portal: &str, days: Days) -> Result<Vec<Counted>, LedgerError> {
        let sql = "SELECT module, day, event_time, class, amount, zone, corrects IS NOT NULL FROM usage_record
                   WHERE portal = ?1 AND day >= ?2 AND day < ?3 AND NOT withdrawn";
        let mut zones = Zones::default();
        each(self.0, sql, params![portal, days.from.0, days.to.0], |row| {
            let (day, at) = (Day(row.get(1)?), row.get(2)?);
            let at = if row.get(6)? { zones.within(row.get_ref(5)?.as_str()?, day, at) } else { at };
            Ok(Counted { module: module(row, 0)?, day, at, class: class(row, 3)?, amount: row.get(4)? })
        })
    }

    fn present(&mut self, portal: &str, days: Days) -> Result<Vec<Present>, LedgerError> {
        let mut found = Vec::new();
        let sql = "SELECT DISTINCT module FROM usage_day WHERE portal = ?1 AND day >= ?2 AND day < ?3";
        for of in each(self.0, sql, params![portal, days.from.0, days.to.0], |row| Ok(row.get::<_, String>(0)?))? {
            // The key begins with the module.
            let sql = "SELECT day, visitor, user_hash FROM presence
                       WHERE portal = ?1 AND module = ?2 AND day >= ?3 AND day < ?4";
            found.extend(each(self.0, sql, params![portal, of, days.from.0, days.to.0], |row| {
                let visitor = person(row.get_ref(1)?)?.unwrap_or_default();
                let module = words::module(of.clone());
                Ok(Present { module, day: Day(row.get(0)?), visitor, user: person(row.get_ref(2)?)? })
            })?);
        }
        Ok(found)
    }

    fn acts(&mut self, portal: &str, days: Days) -> Result<Vec<Acted>, LedgerError> {
        let sql = "SELECT day, at, module, class, account, user_hash, room, resource, action, count FROM act
                   WHERE portal = ?1 AND day >= ?2 AND day < ?3 ORDER BY day";
        each(self.0, sql, params![portal, days.from.0, days.to.0], |row| {
            let user: String = row.get(5)?;
            let user = if user.is_empty() { None } else { Some(name(&user)?) };
            let act = Act {
                module: module(row, 2)?,
                class: class(row, 3)?,
                account: some(row.get(4)?),
                user,
                room: row.get(6)?,
                resource: row.get(7)?,
                action: some(row.get(8)?),
                count: u32::try_from(row.get::<_, i64>(9)?).unwrap_or(u32::MAX),
            };
            Ok(Acted { day: Day(row.get(0)?), at: row.get(1)?, act })
        })
    }

    fn digests(
        &mut self,
        portal: &str,
        (kind, span): (Kind, Span),
        days: Days,
    ) -> Result<Vec<(Day, Vec<u8>)>, LedgerError> {
        let sql = "SELECT day, body FROM digest
                   WHERE portal = ?1 AND kind = ?2 AND span = ?3 AND day >= ?4 AND day < ?5 ORDER BY day";
        let of = params![portal, kind.name(), span.name(), days.from.0, days.to.0];
        each(self.0, sql, of, |row| Ok((Day(row.get(0)?), row.get(1)?)))
    }

    fn digested(&mut self, portal: &str, (kind, span): (Kind, Span), days: Days) -> Result<Vec<Day>, LedgerError> {
        let sql = "SELECT day FROM digest
                   WHERE portal = ?1 AND kind = ?2 AND span = ?3 AND day >= ?4 AND day < ?5 ORDER BY day";
        let of = params![portal, kind.name(), span.name(), days.from.0, days.to.0];
        each(self.0, sql, of, |row| Ok(Day(row.get(0)?)))
    }
}

impl Keep for SqliteTables<'_> {
    fn put(&mut self, portal: &str, (kind, span, day): (Kind, Span, Day), body: &[u8]) -> Result<(), LedgerError> {
        let sql = "INSERT OR REPLACE INTO digest (portal, kind, span, day, body) VALUES (?1, ?2, ?3, ?4, ?5)";
        self.0.prepare_cached(sql)?.execute(params![portal, kind.name(), span.name(), day.0, body])?;
        Ok(())
    }

    fn forget_acts(&mut self, portal: &str, day: Day) -> Result<(), LedgerError> {
        let sql = "DELETE FROM act WHERE portal = ?1 AND day = ?2";
        self.0.prepare_cached(sql)?.execute(params![portal, day.0])?;
        Ok(())
    }

    fn forget_month(&mut self, portal: &str, first: Day) -> Result<(), LedgerError> {
        let sql = "DELETE FROM digest WHERE portal = ?1 AND span = 'month' AND day = ?2";
        self.0.prepare_cached(sql)?.execute(params![portal, first.0])?;
        Ok(())
    }
}

const BEGUN: &str = "module, started, last_seen, class, account, user_hash, zone";

fn begun(row: &Row<'_>, zones: &mut Zones) -> Result<Begun, LedgerError> {
    let started = row.get(1)?;
    Ok(Begun {
        module: module(row, 0)?,
        day: zones.day(row.get_ref(6)?.as_str()?, started),
        started,
        last_seen: row.get(2)?,
        class: class(row, 3)?,
        account: row.get(4)?,
        user: person(row.get_ref(5)?)?,
    })
}

fn module(row: &Row<'_>, at: usize) -> Result<Option<String>, LedgerError> {
    Ok(words::module(row.get(at)?))
}

fn class(row: &Row<'_>, at: usize) -> Result<Class, LedgerError> {
    words::class(row.get_ref(at)?.as_str()?)
}

fn some(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}

fn name(text: &str) -> Result<Name, LedgerError> {
    text.parse().map_err(|_| words::damaged("name", text))
}

/// Somebody's name cut to eight bytes, without reading the rest.
fn person(value: ValueRef<'_>) -> Result<Option<u64>, LedgerError> {
    let Some(text) = value.as_str_or_null()?.filter(|text| !text.is_empty()) else { return Ok(None) };
    let digits = text.get(..16).ok_or_else(|| words::damaged("name", text))?;
    u64::from_str_radix(digits, 16).map(Some).map_err(|_| words::damaged("name", text))
}

fn each<T>(
    database: &Connection,
    sql: &str,
    of: impl Params,
    mut map: impl FnMut(&Row<'_>) -> Result<T, LedgerError>,
) -> Result<Vec<T>, LedgerError> {
    let mut ask = database.prepare_cached(sql)?;
    let mut rows = ask.query(of)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(map(row)?);
    }
    Ok(found)
}
