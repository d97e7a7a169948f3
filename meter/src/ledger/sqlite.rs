//! The embedded ledger: one `SQLite` file, written by the running meter and read beside it.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, params};

use super::{Ledger, Query};
use crate::day::Day;
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

impl Ledger for SqliteLedger {
    fn usage(&mut self, query: &Query) -> Result<Vec<Usage>, StoreError> {
        // One view of the file for rows and uniques, whatever the meter commits meanwhile.
        self.database.execute_batch("BEGIN")?;
        let usage = self.read(query);
        self.database.execute_batch("COMMIT")?;
        usage
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
