//! The embedded store: state, names, records and totals in one `SQLite` file, one transaction a commit.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use portalmeter_rules::id::Name;
use portalmeter_rules::time::Millis;
use rusqlite::{Connection, OptionalExtension, Transaction, params};

use super::aside::Aside;
use super::step::{Outcome, Place, Slot, Step};
use super::{NodeId, Resumed, Store, StoreError, value};
use crate::day::{Day, Zone};
use crate::entry::Entry;
use crate::ledger::sqlite;
use crate::observation::{Key, Scope, ScopeId, Stamp};
use crate::policy::{Policy, PolicyId};
use crate::sheet::Value;

/// The store of a data directory.
pub struct EmbeddedStore {
    database: Connection,
    stamps: HashMap<PolicyId, Stamp>,
    aside: Aside,
}

/// Expired rows go in pieces of so many, a transaction each.
const PIECE: usize = 512;

impl EmbeddedStore {
    /// Opens or makes the store in `data_dir`.
    pub fn open(data_dir: &Path) -> Result<Self, StoreError> {
        let database = sqlite::open(&data_dir.join(sqlite::FILE))?;
        let mut store = Self { database, stamps: HashMap::new(), aside: Aside::new("store")? };
        store.stamps = store.known_stamps()?;
        Ok(store)
    }

    fn known_stamps(&self) -> Result<HashMap<PolicyId, Stamp>, StoreError> {
        let mut ask = self.database.prepare("SELECT id, text FROM policy")?;
        let rows = ask.query_map([], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?)))?;
        let mut stamps = HashMap::new();
        for row in rows {
            let (id, text) = row?;
            if let Some(policy) = Policy::from_text(&text) {
                let id = PolicyId(id.cast_unsigned());
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
                params![stamp.id.0.cast_signed(), stamp.policy.to_text()],
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

    fn stamp(&mut self, id: PolicyId) -> Option<Stamp> {
        self.stamps.get(&id).cloned()
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

    fn apply(&mut self, steps: &[Step], now: Millis) -> Result<Vec<Outcome>, StoreError> {
        let Self { database, aside, .. } = self;
        let rows = steps.iter().map(|step| step.writes.len() + step.entries.len()).sum();
        // The data directory is locked: nobody else writes, and no race can be lost.
        aside.run(rows, || apply(database, steps, now).map(|()| vec![Outcome::Done; steps.len()]))
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
        let Self { database, aside, .. } = self;
        for table in ["state"] {
            // Until when the oldest of them expired.
            let piece = format!("SELECT expires FROM {table} WHERE expires <= ?1 ORDER BY expires LIMIT 1 OFFSET ?2");
            let sql = format!("DELETE FROM {table} WHERE expires <= COALESCE(({piece}), ?1)");
            while aside.run(PIECE, || remove(database, &sql, now))? > PIECE {}
        }
        Ok(())
    }

    fn seal(&mut self, now: Millis, seal_after: Millis) -> Result<u64, StoreError> {
        let mut ask = self.database.prepare_cached("SELECT DISTINCT zone, day FROM usage_day WHERE sealed IS NULL")?;
        let rows = ask.query_map([], |row| Ok((row.get::<_, String>(0)?, Day(row.get(1)?))))?;
        let open: Vec<(String, Day)> = rows.collect::<Result<_, _>>()?;
        drop(ask);
        let mut sealed = 0;
        for (zone, day) in open {
            let ended = Zone::named(&zone).unwrap_or_else(|_| Zone::utc()).end(day) + seal_after <= now;
            if ended {
                sealed += self
                    .database
                    .prepare_cached(
                        "UPDATE usage_day SET sealed = ?1, revision = revision + 1
                         WHERE zone = ?2 AND day = ?3 AND sealed IS NULL",
                    )?
                    .execute(params![now, zone, day.0])? as u64;
            }
        }
        Ok(sealed)
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

fn apply(database: &mut Connection, steps: &[Step], now: Millis) -> Result<(), StoreError> {
    let transaction = database.transaction()?;
    for step in steps {
        for write in &step.writes {
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
        tell(&transaction, step, now)?;
    }
    transaction.commit()?;
    Ok(())
}

/// Until the ledger takes entries itself.
fn tell(step: &Transaction<'_>, taken: &Step, now: Millis) -> Result<(), StoreError> {
    for gain in &taken.gains {
        let [guest, external, internal, bot] = gain.sums.records;
        step.prepare_cached(
            "INSERT INTO usage_day (portal, module, day, zone, guest, external, internal, bot, converted, page_views,
                                    actions, duration_ms, revision)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, 1)
             ON CONFLICT (portal, module, day) DO UPDATE SET
               guest = guest + excluded.guest, external = external + excluded.external,
               internal = internal + excluded.internal, bot = bot + excluded.bot,
               converted = converted + excluded.converted, page_views = page_views + excluded.page_views,
               actions = actions + excluded.actions, duration_ms = duration_ms + excluded.duration_ms,
               revision = revision + 1
             WHERE sealed IS NULL",
        )?
        .execute(params![
            &*taken.portal,
            gain.module.as_deref().unwrap_or_default(),
            gain.day.0,
            &*gain.zone,
            guest,
            external,
            internal,
            bot,
            gain.sums.converted,
            gain.sums.page_views,
            gain.sums.actions,
            gain.sums.duration_ms
        ])?;
    }
    for entry in &taken.entries {
        match entry {
            Entry::Record(record) => {
                step.prepare_cached(
                    "INSERT INTO usage_record (id, portal, module, session, day, zone, class, reason, account, user, agent,
                                               rule, policy, trial, event_time, stored_time)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)
                     ON CONFLICT (id) DO UPDATE SET
                       class = excluded.class, account = excluded.account, user = excluded.user, rule = excluded.rule,
                       event_time = excluded.event_time, withdrawn = 0
                     WHERE withdrawn = 1",
                )?
                .execute(params![
                    record.id.to_string(),
                    record.portal,
                    record.module.as_deref().unwrap_or_default(),
                    record.session.to_string(),
                    record.day.0,
                    record.zone,
                    record.class.name(),
                    record.reason.name(),
                    record.account,
                    record.user.map(|user| user.to_string()),
                    record.agent,
                    record.rule,
                    record.policy.to_string(),
                    record.trial,
                    record.event_time,
                    now,
                ])?;
            }
            Entry::Withdrawn(record) => {
                step.prepare_cached(
                    "UPDATE usage_record SET withdrawn = 1 WHERE id = ?1 AND withdrawn = 0 AND late = 0",
                )?
                .execute([record.id.to_string()])?;
            }
            Entry::Presence(here) => {
                let sql = if here.gone {
                    "DELETE FROM presence WHERE portal = ?1 AND module = ?2 AND day = ?3 AND visitor = ?4 AND user = ?5"
                } else {
                    "INSERT OR IGNORE INTO presence (portal, module, day, visitor, user) VALUES (?1, ?2, ?3, ?4, ?5)"
                };
                step.prepare_cached(sql)?.execute(params![
                    here.portal,
                    here.module.as_deref().unwrap_or_default(),
                    here.day.0,
                    &here.visitor.0[..],
                    here.user.map(|user| user.0.to_vec()).unwrap_or_default()
                ])?;
            }
            Entry::Session(_) | Entry::Only(_) => {}
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
