//! The embedded ledger: one `SQLite` file, written by the running meter and read beside it.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::Path;
use std::time::Duration;

use portalmeter_rules::id::Name;
use portalmeter_rules::time::Millis;
use rusqlite::{Connection, OpenFlags, Transaction, params};

use super::{
    Correction, Ledger, LedgerError, LedgerId, Line, Lines, OpenDay, Position, Query, Statistics, Stretch, Take, Taken,
    Totals, Which,
};
use crate::day::Day;
use crate::entry::{Entry, SessionRow};
use crate::observation::Stamp;
use crate::policy::PolicyId;
use crate::store::StoreError;
use crate::usage::{Counters, State, Sums, Usage};

/// The schema this release writes.
const SCHEMA: i64 = 1;
const PATIENCE: Duration = Duration::from_secs(5);

/// The ledger's file in a data directory.
pub const FILE: &str = "portalmeter.db";

/// Opens the file for writing, and makes or refuses its schema.
pub(crate) fn open(path: &Path) -> Result<Connection, StoreError> {
    let database = Connection::open(path).map_err(|error| unreachable(path, &error))?;
    database.busy_timeout(PATIENCE)?;
    database.pragma_update(None, "journal_mode", "WAL")?;
    database.pragma_update(None, "synchronous", "NORMAL")?;
    match schema(&database)? {
        0 => database.execute_batch(&format!(
            "BEGIN IMMEDIATE; {} PRAGMA user_version = {SCHEMA}; COMMIT;",
            include_str!("schema.sql")
        ))?,
        SCHEMA => {}
        found => return Err(StoreError::Newer { found, known: SCHEMA }),
    }
    Ok(database)
}

fn schema(database: &Connection) -> Result<i64, StoreError> {
    Ok(database.query_row("PRAGMA user_version", [], |row| row.get(0))?)
}

fn unreachable(path: &Path, error: &rusqlite::Error) -> StoreError {
    StoreError::Open(format!("{}: {error}", path.display()))
}

/// The ledger of a data directory, to be asked only.
#[derive(Debug)]
pub struct SqliteLedger {
    database: Connection,
}

impl SqliteLedger {
    /// Opens the ledger in `data_dir`; `None`: nothing was metered there yet.
    pub fn open(data_dir: &Path) -> Result<Option<Self>, StoreError> {
        let path = data_dir.join(FILE);
        if !path.exists() {
            return Ok(None);
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let database = Connection::open_with_flags(&path, flags).map_err(|error| unreachable(&path, &error))?;
        database.busy_timeout(PATIENCE)?;
        match schema(&database)? {
            0 => Ok(None),
            SCHEMA => Ok(Some(Self { database })),
            found => Err(StoreError::Newer { found, known: SCHEMA }),
        }
    }

    fn uniques(&self, portal: &str, module: &str, from: Day, to: Day) -> Result<(i64, i64), StoreError> {
        let mut ask = self.database.prepare_cached(
            "SELECT COUNT(DISTINCT visitor), COUNT(DISTINCT NULLIF(user, x'')) FROM presence
             WHERE portal = ?1 AND module = ?2 AND day >= ?3 AND day < ?4",
        )?;
        Ok(ask.query_row(params![portal, module, from.0, to.0], |row| Ok((row.get(0)?, row.get(1)?)))?)
    }
}

/// Rows of one group while they are summed.
struct Group {
    zone: String,
    counters: Counters,
    from: Day,
    to: Day,
    state: State,
}

#[expect(unused_variables, reason = "only the contract is here yet")]
impl Ledger for SqliteLedger {
    fn usage(&mut self, query: &Query) -> Result<Vec<Usage>, LedgerError> {
        // One view of the file for rows and uniques, whatever the meter commits meanwhile.
        self.database.execute_batch("BEGIN").map_err(StoreError::from)?;
        let usage = self.read(query);
        self.database.execute_batch("COMMIT").map_err(StoreError::from)?;
        Ok(usage?)
    }

    fn id(&mut self) -> Result<LedgerId, LedgerError> {
        Err(not_yet())
    }

    fn ping(&mut self) -> Result<(), LedgerError> {
        Err(not_yet())
    }

    fn know(&mut self, stamps: &[Stamp]) -> Result<(), LedgerError> {
        Err(not_yet())
    }

    fn policies(&mut self) -> Result<Vec<(PolicyId, String)>, LedgerError> {
        Err(not_yet())
    }

    fn position(&mut self, portal: &str) -> Result<Position, LedgerError> {
        Err(not_yet())
    }

    fn take(&mut self, stretch: &Stretch<'_>, now: Millis) -> Result<Take, LedgerError> {
        Err(not_yet())
    }

    fn totals(&mut self, portal: &str, which: Which) -> Result<Totals, LedgerError> {
        Err(not_yet())
    }

    fn set_statistics(&mut self, portal: &str, days: &[Statistics], now: Millis) -> Result<u64, LedgerError> {
        Err(not_yet())
    }

    fn unsealed(&mut self) -> Result<Vec<OpenDay>, LedgerError> {
        Err(not_yet())
    }

    fn seal(&mut self, day: &OpenDay, now: Millis) -> Result<u64, LedgerError> {
        Err(not_yet())
    }

    fn correct(&mut self, correction: &Correction, now: Millis) -> Result<Day, LedgerError> {
        Err(not_yet())
    }

    fn records(&mut self, query: &Lines, each: &mut dyn FnMut(Line) -> ControlFlow<()>) -> Result<(), LedgerError> {
        Err(not_yet())
    }

    fn sessions(
        &mut self,
        portal: &str,
        visitors: &[(Option<String>, Name)],
        since: Millis,
    ) -> Result<Vec<SessionRow>, LedgerError> {
        Err(not_yet())
    }

    fn expire(&mut self, seen_before: Millis) -> Result<u64, LedgerError> {
        Err(not_yet())
    }
}

fn not_yet() -> LedgerError {
    LedgerError::Refused("only the contract is here yet".to_owned())
}

impl From<StoreError> for LedgerError {
    fn from(error: StoreError) -> Self {
        Self::Refused(error.to_string())
    }
}

impl SqliteLedger {
    fn read(&self, query: &Query) -> Result<Vec<Usage>, StoreError> {
        let mut ask = self.database.prepare_cached(
            "SELECT portal, module, day, zone, guest, external, internal, bot, converted, page_views, actions,
                    duration_ms, sealed IS NOT NULL
             FROM usage_day WHERE day >= ?1 AND day < ?2 ORDER BY portal, module, day",
        )?;
        let mut rows = ask.query(params![query.from.0, query.to.0])?;
        let mut groups: BTreeMap<(String, String, Day), Group> = BTreeMap::new();
        while let Some(row) = rows.next()? {
            let (portal, module, day): (String, String, i32) = (row.get(0)?, row.get(1)?, row.get(2)?);
            if !query.portals.is_empty() && !query.portals.contains(&portal) {
                continue;
            }
            let day = Day(day);
            let end = query.by.end(day);
            let sums = Sums {
                records: [row.get(4)?, row.get(5)?, row.get(6)?, row.get(7)?],
                converted: row.get(8)?,
                page_views: row.get(9)?,
                actions: row.get(10)?,
                duration_ms: row.get(11)?,
            };
            let sealed: bool = row.get(12)?;
            let zone: String = row.get(3)?;
            let group = groups.entry((portal, module, end)).or_insert_with(|| Group {
                zone,
                counters: Counters::default(),
                from: day,
                to: end.min(query.to),
                state: State::Sealed,
            });
            group.counters += Counters::of(&sums);
            if !sealed {
                group.state = State::Open;
            }
        }
        let rows = groups.into_iter().map(|((portal, module, _), group)| {
            let (unique_visitors, unique_users) = self.uniques(&portal, &module, group.from, group.to)?;
            let (day, month) = query.by.label(group.from);
            Ok(Usage {
                portal,
                module: (!module.is_empty()).then_some(module),
                day,
                month,
                timezone: group.zone,
                counters: group.counters,
                unique_visitors,
                unique_users,
                state: group.state,
            })
        });
        rows.collect()
    }
}

/// Applies entries within a transaction of the file that ledger and embedded store share.
#[expect(dead_code, unused_variables, reason = "only the contract is here yet")]
pub(crate) fn apply(step: &Transaction<'_>, entries: &[Entry], now: Millis) -> Result<Taken, LedgerError> {
    Err(not_yet())
}
