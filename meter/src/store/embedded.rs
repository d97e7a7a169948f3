//! The embedded store: state, names, records and totals in one `SQLite` file, one transaction a commit.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Arc;

use portalmeter_rules::id::Name;
use portalmeter_rules::time::Millis;
use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};

use super::aside::Aside;
use super::step::{Gain, Lively, Outcome, Place, Slot, Step};
use super::{NodeId, Resumed, Store, StoreError, farewell, value};
use crate::entry::Entry;
use crate::ledger::sqlite;
use crate::observation::{Key, Scope, ScopeId, Stamp};
use crate::policy::{Policy, PolicyId};
use crate::sheet::Value;
use crate::usage::Sums;

mod quiet;

use quiet::Quiet;

/// The store of a data directory.
pub struct EmbeddedStore {
    database: Connection,
    stamps: HashMap<PolicyId, Stamp>,
    ledger_is_here: bool,
    aside: Aside,
    quiet: Quiet,
}

/// Expired rows go in pieces of so many, a transaction each.
const PIECE: usize = 512;

impl EmbeddedStore {
    /// Opens or makes the store in `data_dir`, and the ledger with it, which changes in the same step.
    pub fn open(data_dir: &Path) -> Result<Self, StoreError> {
        Self::beside(data_dir, true)
    }

    /// Opens or makes the store in `data_dir` for a ledger that is elsewhere.
    pub fn without_ledger(data_dir: &Path) -> Result<Self, StoreError> {
        Self::beside(data_dir, false)
    }

    fn beside(data_dir: &Path, ledger_is_here: bool) -> Result<Self, StoreError> {
        let database = sqlite::open(&data_dir.join(sqlite::FILE))?;
        let mut store = Self {
            database,
            stamps: HashMap::new(),
            ledger_is_here,
            aside: Aside::new("store")?,
            quiet: Quiet::default(),
        };
        store.stamps = store.known_stamps()?;
        Ok(store)
    }

    fn known_stamps(&self) -> Result<HashMap<PolicyId, Stamp>, StoreError> {
        let mut ask = self.database.prepare("SELECT id, text FROM policy")?;
        let rows = ask.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)))?;
        let mut stamps = HashMap::new();
        for row in rows {
            let (id, text) = row?;
            if let (Ok(id), Some(policy)) = (u64::from_str_radix(&id, 16), Policy::from_text(&text)) {
                let id = PolicyId(id);
                stamps.insert(id, Stamp { id, policy: Arc::new(policy) });
            }
        }
        Ok(stamps)
    }
}

impl Store for EmbeddedStore {
    fn know(&mut self, stamps: &[Stamp]) -> Result<(), StoreError> {
        for stamp in stamps {
            self.database.execute(
                "INSERT OR IGNORE INTO policy (id, text) VALUES (?1, ?2)",
                params![stamp.id.to_string(), stamp.policy.to_text()],
            )?;
            self.stamps.insert(stamp.id, stamp.clone());
        }
        Ok(())
    }

    fn position(&mut self, node: NodeId) -> Result<u64, StoreError> {
        let position: Option<i64> = self
            .database
            .query_row("SELECT position FROM node WHERE id = ?1", [&node.0[..]], |row| row.get(0))
            .optional()?;
        Ok(position.unwrap_or(0).cast_unsigned())
    }

    fn stamp(&mut self, id: PolicyId) -> Result<Option<Stamp>, StoreError> {
        Ok(self.stamps.get(&id).cloned())
    }

    fn passed(&mut self, node: NodeId, upto: u64, _now: Millis) -> Result<(), StoreError> {
        self.database
            .prepare_cached(
                "INSERT INTO node (id, position) VALUES (?1, ?2)
                 ON CONFLICT (id) DO UPDATE SET position = MAX(position, excluded.position)",
            )?
            .execute(params![&node.0[..], upto.cast_signed()])?;
        Ok(())
    }

    fn load(&mut self, places: &[Place]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        let Self { database, aside, .. } = self;
        let database = &mut *database;
        aside.run(places.len(), move || {
            let mut ask = database.prepare_cached("SELECT value FROM state WHERE slot = ?1")?;
            let value =
                |place: &Place| ask.query_row([key(place)], |row| row.get(0)).optional().map_err(StoreError::from);
            places.iter().map(value).collect()
        })
    }

    fn apply(&mut self, steps: &[Step], _now: Millis) -> Result<Vec<Outcome>, StoreError> {
        let Self { database, aside, ledger_is_here, .. } = self;
        let here = *ledger_is_here;
        let rows = steps.iter().map(|step| step.writes.len() + step.entries.len()).sum();
        // The data directory is locked: nobody else writes, and no race can be lost.
        let done = aside.run(rows, || apply(database, steps, here).map(|()| vec![Outcome::Done; steps.len()]))?;
        self.quiet.note(steps);
        Ok(done)
    }

    fn resume(&mut self, now: Millis) -> Result<Resumed, StoreError> {
        let mut resumed = Resumed::default();
        let mut ask = self.database.prepare("SELECT slot, value FROM state WHERE expires > ?1")?;
        let mut rows = ask.query([now])?;
        while let Some(row) = rows.next()? {
            let (slot, bytes): (Vec<u8>, Vec<u8>) = (row.get(0)?, row.get(1)?);
            let Some((key, slot)) = visitor_of(&slot) else { continue };
            let read = value::read(&bytes, &slot, &|id| self.stamps.get(&id).cloned());
            let Ok(Value::Visitor(visitor)) = read else { continue };
            resumed.extend(
                visitor
                    .history
                    .recent()
                    .last()
                    .and_then(|last| Some((key, visitor.history.session()?.clone(), last.stamp.policy.idle_timeout))),
            );
        }
        Ok(resumed)
    }

    fn expire(&mut self, now: Millis) -> Result<(), StoreError> {
        self.tell_the_quiet(now)?;
        let Self { database, aside, .. } = self;
        for table in ["state"] {
            // Until when the oldest of them expired.
            let piece = format!("SELECT expires FROM {table} WHERE expires <= ?1 ORDER BY expires LIMIT 1 OFFSET ?2");
            let sql = format!("DELETE FROM {table} WHERE expires <= COALESCE(({piece}), ?1)");
            while aside.run(PIECE, || remove(database, &sql, now))? > PIECE {}
        }
        Ok(())
    }
}

impl EmbeddedStore {
    /// Tells the ledger how sessions stood when they were seen last.
    fn tell_the_quiet(&mut self, now: Millis) -> Result<(), StoreError> {
        loop {
            let quiet = self.quiet.take(now, PIECE);
            if quiet.is_empty() {
                return Ok(());
            }
            let mut portals: BTreeMap<Arc<str>, Vec<Lively>> = BTreeMap::new();
            for (portal, lively) in quiet {
                portals.entry(portal).or_default().push(lively);
            }
            for (portal, quiet) in portals {
                let entries: Vec<Entry> =
                    farewell(self, &portal, quiet, now)?.into_iter().flat_map(|(_, entries)| entries).collect();
                if !entries.is_empty() {
                    self.apply(&[Step { portal, entries, ..Step::default() }], now)?;
                }
            }
        }
    }
}

fn remove(database: &mut Connection, sql: &str, now: Millis) -> Result<usize, StoreError> {
    Ok(database.prepare_cached(sql)?.execute(params![now, PIECE as i64])?)
}

const VISITOR: u8 = b'v';
const ALSO: u8 = b'a';

/// A place as a key: what it is, its scope, the name.
fn key(place: &Place) -> Vec<u8> {
    let (role, module, name) = match &place.slot {
        Slot::Visitor(name, module) => (VISITOR, module.clone(), name),
        Slot::Also(name) => (ALSO, None, name),
    };
    let scope = Scope { portal: Arc::clone(&place.portal), module }.id();
    [&[role][..], &scope.0.to_le_bytes(), &name.0].concat()
}

/// The visitor that a key stands for.
fn visitor_of(key: &[u8]) -> Option<(Key, Slot)> {
    let (&[VISITOR], rest) = key.split_at_checked(1)? else { return None };
    let (scope, name) = rest.split_at_checked(8)?;
    let visitor = Name(name.try_into().ok()?);
    Some((Key { scope: ScopeId(u64::from_le_bytes(scope.try_into().ok()?)), visitor }, Slot::Visitor(visitor, None)))
}

fn apply(database: &mut Connection, steps: &[Step], ledger_is_here: bool) -> Result<(), StoreError> {
    // Others write into the file too, such as a correction: they are waited for here, and not within.
    let transaction = database.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for step in steps {
        for write in step.writes.iter().filter(|write| write.before.is_some() || write.after.is_some()) {
            let key = key(&Place { portal: Arc::clone(&step.portal), slot: write.slot.clone() });
            match &write.after {
                Some(value) => transaction
                    .prepare_cached(
                        "INSERT INTO state (slot, expires, value) VALUES (?1, ?2, ?3)
                         ON CONFLICT (slot) DO UPDATE SET expires = excluded.expires, value = excluded.value",
                    )?
                    .execute(params![key, write.expires, value])?,
                None => transaction.prepare_cached("DELETE FROM state WHERE slot = ?1")?.execute([key])?,
            };
        }
    }
    if ledger_is_here {
        let entries: Vec<Entry> = steps.iter().flat_map(|step| step.entries.iter().cloned()).collect();
        if !entries.is_empty() {
            sqlite::apply(&transaction, &entries)?;
        }
    } else {
        let mut send = transaction.prepare_cached("INSERT INTO outgoing (portal, entry) VALUES (?1, ?2)")?;
        for step in steps {
            for entry in &step.entries {
                send.execute(params![&*step.portal, entry.to_json()])?;
            }
        }
    }
    for step in steps {
        statistics(&transaction, step, ledger_is_here)?;
    }
    transaction.commit()?;
    Ok(())
}

/// What is no sum of records is added up where it happens.
fn statistics(transaction: &Transaction<'_>, step: &Step, ledger_is_here: bool) -> Result<(), StoreError> {
    let sql = if ledger_is_here {
        "INSERT INTO usage_day (portal, module, day, zone, guest, external, internal, bot, converted, page_views,
                                actions, duration_ms, revision)
         VALUES (?1, ?2, ?3, ?4, 0, 0, 0, 0, 0, ?5, ?6, ?7, 1)
         ON CONFLICT (portal, day, module) DO UPDATE SET
           page_views = page_views + excluded.page_views, actions = actions + excluded.actions,
           duration_ms = duration_ms + excluded.duration_ms, revision = revision + 1
         WHERE sealed IS NULL"
    } else {
        "INSERT INTO statistic (portal, module, day, zone, page_views, actions, duration_ms)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
         ON CONFLICT (portal, module, day) DO UPDATE SET
           page_views = page_views + excluded.page_views, actions = actions + excluded.actions,
           duration_ms = duration_ms + excluded.duration_ms"
    };
    let mut add = transaction.prepare_cached(sql)?;
    for Gain { module, day, zone, sums } in &step.gains {
        if (sums.page_views, sums.actions, sums.duration_ms) != (0, 0, 0) {
            let module = module.as_deref().unwrap_or_default();
            let Sums { page_views, actions, duration_ms, .. } = *sums;
            add.execute(params![&*step.portal, module, day.0, &**zone, page_views, actions, duration_ms])?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_that_has_expired_goes_piece_by_piece_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let mut store = EmbeddedStore::open(dir.path()).unwrap();
        let (now, expired) = (1_000_000, 3 * PIECE as i64 + 7);
        let insert = |slot: i64, expires: Millis| {
            let sql = "INSERT INTO state (slot, expires, value) VALUES (?1, ?2, x'')";
            store.database.execute(sql, params![slot.to_be_bytes(), expires]).unwrap();
        };
        // Some in the same millisecond.
        (0..expired).for_each(|slot| insert(slot, now - slot / 10));
        (expired..expired + 5).for_each(|slot| insert(slot, now + 1));
        store.expire(now).unwrap();
        let left = "SELECT COUNT(*), MIN(expires) FROM state";
        let left: (i64, Millis) = store.database.query_row(left, [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        assert_eq!(left, (5, now + 1));
    }
}
