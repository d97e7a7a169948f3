//! The embedded ledger: one `SQLite` file, written by the running meter and read beside it.

use std::ops::ControlFlow;
use std::path::Path;

use portalmeter_rules::id::Name;
use portalmeter_rules::time::Millis;
use rusqlite::types::{ToSql, ToSqlOutput};
use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};

use super::apply::apply as apply_entries;
use super::filter::{Value, filter};
use super::tables::utc_day;
use super::{
    Correction, Ledger, LedgerError, LedgerId, Line, Lines, Looking, OpenDay, Position, Query, Statistics, Stretch,
    Take, Taken, Totals, Which, correction, digests, total, usage, words,
};
use crate::day::Day;
use crate::entry::{Entry, SessionRow};
use crate::observation::Stamp;
use crate::policy::PolicyId;
use crate::usage::Usage;

mod error;
mod look;
mod rows;
mod schema;
mod tables;

use tables::SqliteTables;

/// The ledger's file in a data directory.
pub const FILE: &str = "portalmeter.db";

/// Opens the file for the embedded store, which shares it, and makes or mends its schema.
pub(crate) fn open(path: &Path) -> Result<Connection, LedgerError> {
    schema::open(path)
}

/// The random id that was made with the file.
pub(crate) fn id(database: &Connection) -> Result<LedgerId, LedgerError> {
    let sql = "SELECT value FROM meta WHERE name = 'ledger_id'";
    let id: Option<String> = database.query_row(sql, [], |row| row.get(0)).optional()?;
    words::ledger_id(id.as_deref())
}

/// Applies entries within a transaction of the file that ledger and embedded store share.
pub(crate) fn apply(step: &Transaction<'_>, entries: &[Entry]) -> Result<Taken, LedgerError> {
    apply_entries(&mut SqliteTables(step), entries, None)
}

/// The ledger of a data directory.
#[derive(Debug)]
pub struct SqliteLedger {
    database: Connection,
}

impl SqliteLedger {
    /// Opens the ledger in `data_dir`, to be asked only; `None`: nothing was metered there yet.
    pub fn open(data_dir: &Path) -> Result<Option<Self>, LedgerError> {
        Ok(schema::open_to_read(&data_dir.join(FILE))?.map(|database| Self { database }))
    }

    /// Opens or makes the ledger in `data_dir`. What it has taken survives a loss of power.
    pub fn create(data_dir: &Path) -> Result<Self, LedgerError> {
        let database = schema::open(&data_dir.join(FILE))?;
        database.pragma_update(None, "synchronous", "FULL")?;
        Ok(Self { database })
    }

    /// Changes something in one transaction, which waits for those of others at its beginning and not within.
    fn change<T>(&mut self, work: impl FnOnce(&Transaction<'_>) -> Result<T, LedgerError>) -> Result<T, LedgerError> {
        let step = self.database.transaction_with_behavior(TransactionBehavior::Immediate)?;
        // A release that came later may have changed the tables since this one opened them.
        schema::known(&step)?;
        let done = work(&step)?;
        step.commit()?;
        Ok(done)
    }

    /// Asks within one view of the file, whatever the meter commits meanwhile.
    fn view<T>(&mut self, work: impl FnOnce(&Connection) -> Result<T, LedgerError>) -> Result<T, LedgerError> {
        let view = self.database.transaction()?;
        work(&view)
    }
}

impl Ledger for SqliteLedger {
    fn id(&mut self) -> Result<LedgerId, LedgerError> {
        id(&self.database)
    }

    fn ping(&mut self) -> Result<(), LedgerError> {
        self.id().map(|_| ())
    }

    fn know(&mut self, stamps: &[Stamp]) -> Result<(), LedgerError> {
        self.change(|step| {
            let mut know = step.prepare_cached("INSERT OR IGNORE INTO policy (id, text) VALUES (?1, ?2)")?;
            for stamp in stamps {
                know.execute(params![stamp.id.to_string(), stamp.policy.to_text()])?;
            }
            Ok(())
        })
    }

    fn policies(&mut self) -> Result<Vec<(PolicyId, String)>, LedgerError> {
        let mut ask = self.database.prepare("SELECT id, text FROM policy ORDER BY id")?;
        let rows = ask.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get(1)?)))?;
        rows.map(|row| row.map_err(LedgerError::from).and_then(|(id, text)| Ok((words::policy(&id)?, text)))).collect()
    }

    fn position(&mut self, portal: &str) -> Result<Position, LedgerError> {
        position(&self.database, portal)
    }

    fn take(&mut self, stretch: &Stretch<'_>, now: Millis) -> Result<Take, LedgerError> {
        self.change(|step| {
            let at = position(step, stretch.portal)?;
            if at != stretch.from {
                return Ok(Take::Moved(at));
            }
            let taken = apply_entries(&mut SqliteTables(step), stretch.entries, Some(stretch.portal))?;
            step.prepare_cached("INSERT OR REPLACE INTO position (portal, upto, moved_time) VALUES (?1, ?2, ?3)")?
                .execute(params![stretch.portal, stretch.upto.to_string(), now])?;
            Ok(Take::Done(taken))
        })
    }

    fn usage(&mut self, query: &Query) -> Result<Vec<Usage>, LedgerError> {
        self.view(|view| {
            let mut ask = view.prepare_cached(&format!(
                "SELECT {} FROM usage_day WHERE day >= ?1 AND day < ?2 ORDER BY portal, day, module",
                rows::TOTAL
            ))?;
            let mut found = ask.query(params![query.from.0, query.to.0])?;
            let mut totals = Vec::new();
            while let Some(row) = found.next()? {
                let (portal, total) = rows::total(row)?;
                if query.portals.is_empty() || query.portals.contains(&portal) {
                    totals.push((portal, total));
                }
            }
            let mut uniques = view.prepare_cached(
                "SELECT COUNT(DISTINCT visitor), COUNT(DISTINCT NULLIF(user_hash, '')) FROM presence
                 WHERE portal = ?1 AND module = ?2 AND day >= ?3 AND day < ?4",
            )?;
            usage::group(query, totals, |of| {
                let of = params![of.portal, of.module, of.from.0, of.to.0];
                Ok(uniques.query_row(of, |row| Ok((row.get(0)?, row.get(1)?)))?)
            })
        })
    }

    fn totals(&mut self, portal: &str, which: Which) -> Result<Totals, LedgerError> {
        self.view(|view| {
            let mut ask = view.prepare_cached(&format!(
                "SELECT {} FROM usage_day WHERE portal = ?1 AND (?2 OR sealed IS NULL) ORDER BY day, module",
                rows::TOTAL
            ))?;
            let mut found = ask.query(params![portal, which == Which::All])?;
            let mut days = Vec::new();
            while let Some(row) = found.next()? {
                days.push(rows::total(row)?.1);
            }
            Ok(Totals { position: position(view, portal)?, days })
        })
    }

    fn set_statistics(&mut self, portal: &str, days: &[Statistics], _: Millis) -> Result<u64, LedgerError> {
        self.change(|step| total::set_statistics(&mut SqliteTables(step), portal, days))
    }

    fn unsealed(&mut self) -> Result<Vec<OpenDay>, LedgerError> {
        let mut ask = self.database.prepare_cached(
            "SELECT DISTINCT day, portal, zone FROM usage_day WHERE sealed IS NULL ORDER BY day, portal, zone",
        )?;
        let days =
            ask.query_map([], |row| Ok(OpenDay { day: Day(row.get(0)?), portal: row.get(1)?, zone: row.get(2)? }))?;
        Ok(days.collect::<Result<_, _>>()?)
    }

    fn last_zones(&mut self, portal: &str, upto: Day) -> Result<Vec<String>, LedgerError> {
        let mut ask = self.database.prepare_cached(
            "SELECT DISTINCT zone FROM usage_day WHERE portal = ?1 AND day =
               (SELECT MAX(day) FROM usage_day WHERE portal = ?1 AND day <= ?2) ORDER BY zone",
        )?;
        let zones = ask.query_map(params![portal, upto.0], |row| row.get(0))?;
        Ok(zones.collect::<Result<_, _>>()?)
    }

    fn seal(&mut self, day: &OpenDay, now: Millis) -> Result<u64, LedgerError> {
        self.change(|step| total::seal(&mut SqliteTables(step), day, now))
    }

    fn correct(&mut self, correction: &Correction, now: Millis) -> Result<Day, LedgerError> {
        self.change(|step| correction::book(&mut SqliteTables(step), correction, now))
    }

    fn records(&mut self, query: &Lines, each: &mut dyn FnMut(Line) -> ControlFlow<()>) -> Result<(), LedgerError> {
        let (sql, values) = filter(query);
        let mut ask = self.database.prepare(&format!("SELECT {} FROM usage_record{sql}", rows::LINE))?;
        let mut found = ask.query(rusqlite::params_from_iter(&values))?;
        while let Some(row) = found.next()? {
            if each(rows::line(row)?).is_break() {
                break;
            }
        }
        Ok(())
    }

    fn look(&mut self, work: Looking<'_>) -> Result<(), LedgerError> {
        self.view(|view| work(&mut SqliteTables(view)))
    }

    fn digest(&mut self, portal: &str, upto: Day, _: Millis) -> Result<bool, LedgerError> {
        // Most often there is none, and nobody is kept from writing.
        if self.view(|view| digests::next(&mut SqliteTables(view), portal, upto))?.is_none() {
            return Ok(false);
        }
        self.change(|step| {
            let mut tables = SqliteTables(step);
            let Some(due) = digests::next(&mut tables, portal, upto)? else { return Ok(false) };
            digests::make(&mut tables, portal, due).map(|()| true)
        })
    }

    fn sessions(&mut self, portal: &str, visitors: &[Name], since: Millis) -> Result<Vec<SessionRow>, LedgerError> {
        self.view(|view| SqliteTables(view).sessions_since(portal, visitors, since))
    }

    fn expire(&mut self, seen_before: Millis) -> Result<u64, LedgerError> {
        let mut expire = self.database.prepare_cached(
            "DELETE FROM session WHERE id IN
               (SELECT id FROM session WHERE last_day <= ?1 AND last_seen < ?2 LIMIT 1000)",
        )?;
        let mut gone = 0;
        loop {
            let piece = expire.execute(params![utc_day(seen_before).0, seen_before])?;
            gone += piece as u64;
            if piece == 0 {
                return Ok(gone);
            }
        }
    }
}

fn position(database: &Connection, portal: &str) -> Result<Position, LedgerError> {
    let mut ask = database.prepare_cached("SELECT upto FROM position WHERE portal = ?1")?;
    let upto: Option<String> = ask.query_row([portal], |row| row.get(0)).optional()?;
    words::position(upto.as_deref())
}

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self {
            Self::Text(text) => text.as_str().into(),
            Self::Day(day) => day.0.into(),
            Self::Id(id) => id.to_string().into(),
            Self::Visitor(visitor) => visitor.map(|visitor| visitor.to_string()).unwrap_or_default().into(),
            Self::Count(count) => (*count).into(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entry::Presence;

    fn presence(portal: &str) -> Entry {
        let visitor = Name([1; 16]);
        Entry::Presence(Presence {
            portal: portal.into(),
            module: None,
            day: Day(20_000),
            visitor,
            user: None,
            gone: false,
        })
    }

    #[test]
    fn entries_of_any_portal_are_part_of_the_stores_own_transaction() {
        let dir = tempfile::tempdir().unwrap();
        let mut store = open(&dir.path().join(FILE)).unwrap();
        let present = "SELECT COUNT(*) FROM presence";
        let step = store.transaction().unwrap();
        apply(&step, &[presence("support"), presence("shop")]).unwrap();
        step.rollback().unwrap();
        assert_eq!(store.query_row(present, [], |row| row.get::<_, i64>(0)).unwrap(), 0);
        let step = store.transaction().unwrap();
        apply(&step, &[presence("support"), presence("shop")]).unwrap();
        step.commit().unwrap();
        assert_eq!(store.query_row(present, [], |row| row.get::<_, i64>(0)).unwrap(), 2);
    }

    #[test]
    fn a_full_disk_is_told_and_once_there_is_room_all_goes_in() {
        let dir = tempfile::tempdir().unwrap();
        let mut ledger = SqliteLedger::create(dir.path()).unwrap();
        let entries: Vec<Entry> = (0..2000).map(|number| presence(&format!("support{number}"))).collect();
        let pages: i64 = ledger.database.query_row("PRAGMA page_count", [], |row| row.get(0)).unwrap();
        let most = |ledger: &SqliteLedger, pages: i64| {
            let set = format!("PRAGMA max_page_count = {pages}");
            ledger.database.query_row(&set, [], |_| Ok(())).unwrap();
        };
        most(&ledger, pages);
        let full = ledger.change(|step| apply(step, &entries)).unwrap_err();
        assert!(matches!(full, LedgerError::Refused(_)) && full.to_string().contains("make room"), "{full}");
        most(&ledger, 1 << 30);
        let taken = ledger.change(|step| apply(step, &entries)).unwrap();
        assert_eq!(taken.strange, 0);
    }
}
