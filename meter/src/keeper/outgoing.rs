//! Entries of an embedded store on their way to a ledger elsewhere.

use std::path::Path;
use std::sync::Arc;

use portalmeter_rules::time::Millis;
use rusqlite::{Connection, params};

use super::feed::{Attendance, Feed, Read};
use super::nothing::Passed;
use crate::day::Day;
use crate::entry::Entry;
use crate::ledger::{Position, Statistics, sqlite};
use crate::stamping::Stamping;
use crate::store::StoreError;

/// The feed of an embedded store without a ledger of its own.
pub struct Outgoing {
    database: Connection,
    stream: u64,
    passed: Passed,
}

impl Outgoing {
    /// The feed of the store in `data_dir`.
    pub fn open(data_dir: &Path, passed: Passed) -> Result<Self, StoreError> {
        let database = sqlite::open(&data_dir.join(sqlite::FILE))?;
        let stream = sqlite::id(&database)?.stream();
        Ok(Self { database, stream, passed })
    }
}

impl Feed for Outgoing {
    fn open(&mut self, _: &Arc<str>, _: &str) -> Result<(), StoreError> {
        Ok(())
    }

    fn read(&mut self, portal: &Arc<str>, after: Position, count: usize) -> Result<Read, StoreError> {
        let mut ask = self
            .database
            .prepare_cached("SELECT id, entry FROM outgoing WHERE portal = ?1 AND id > ?2 ORDER BY id LIMIT ?3")?;
        // What the ledger has is deleted: of another stream's position nothing is behind us.
        let after = if after.stream == self.stream { after.at.cast_signed() } else { 0 };
        let mut rows = ask.query(params![&**portal, after, count as i64])?;
        let mut read = Read::default();
        while let Some(row) = rows.next()? {
            let (id, entry): (i64, String) = (row.get(0)?, row.get(1)?);
            read.upto = Some(Position { at: id.cast_unsigned(), number: 0, stream: self.stream });
            match Entry::from_json(entry.as_bytes()) {
                Some(entry) => read.entries.push(entry),
                None => read.unreadable += 1,
            }
        }
        Ok(read)
    }

    fn acknowledge(&mut self, portal: &Arc<str>, _: &str, upto: Position) -> Result<(), StoreError> {
        self.database
            .prepare_cached("DELETE FROM outgoing WHERE portal = ?1 AND id <= ?2")?
            .execute(params![&**portal, upto.at.cast_signed()])?;
        Ok(())
    }

    fn statistics(&mut self, portal: &Arc<str>, _: &Stamping) -> Result<Vec<Statistics>, StoreError> {
        let mut ask = self.database.prepare_cached(
            "SELECT module, day, zone, page_views, actions, duration_ms FROM statistic WHERE portal = ?1",
        )?;
        let rows = ask.query_map([&**portal], |row| {
            let module: String = row.get(0)?;
            Ok(Statistics {
                module: (!module.is_empty()).then_some(module),
                day: Day(row.get(1)?),
                zone: row.get(2)?,
                page_views: row.get(3)?,
                actions: row.get(4)?,
                duration_ms: row.get(5)?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    fn attendance(&mut self, _: Millis) -> Result<Vec<Attendance>, StoreError> {
        Ok(vec![Attendance { name: "this node".to_owned(), passed: (self.passed)() }])
    }

    fn sealed(&mut self, portal: &Arc<str>, day: Day, _: Millis) -> Result<(), StoreError> {
        self.database
            .prepare_cached("DELETE FROM statistic WHERE portal = ?1 AND day <= ?2")?
            .execute(params![&**portal, day.0])?;
        Ok(())
    }
}
