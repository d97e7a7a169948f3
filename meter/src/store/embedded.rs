//! The embedded store: state, names, records and totals in one `SQLite` file, one transaction a commit.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use portalmeter_rules::id::Name;
use portalmeter_rules::time::Millis;
use portalmeter_rules::verdict::{Evidence, Kind};
use rusqlite::{Connection, OptionalExtension, Transaction, params};

use super::aside::Aside;
use super::row::{read_history, write_history};
use super::{Batch, Committed, NodeId, Resumed, Store, StoreError, Visit};
use crate::day::{Day, Zone};
use crate::history::{Change, History, Memory};
use crate::ledger::sqlite;
use crate::names::NameChange;
use crate::observation::{Key, Scope, ScopeId, Stamp};
use crate::policy::{Policy, PolicyId};
use crate::record::Record;
use crate::usage::Sums;

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

    fn stamp(&self, id: PolicyId) -> Option<Stamp> {
        self.stamps.get(&id).cloned()
    }

    fn commit(&mut self, batch: &Batch, memory: Memory) -> Result<Committed, StoreError> {
        let Self { database, stamps, aside } = self;
        let rows = batch.names.len() + batch.visits.iter().map(|visit| visit.observations.len()).sum::<usize>();
        aside.run(rows, || commit(database, stamps, batch, memory))
    }

    fn resume(&mut self, now: Millis) -> Result<Resumed, StoreError> {
        let mut resumed = Resumed::default();
        let mut ask = self.database.prepare("SELECT scope, visitor, state FROM visitor WHERE expires > ?1")?;
        let mut rows = ask.query([now])?;
        while let Some(row) = rows.next()? {
            let (scope, visitor, state): (i64, [u8; 16], Vec<u8>) = (row.get(0)?, row.get(1)?, row.get(2)?);
            let history = read_history(&state, &|id| self.stamps.get(&id).cloned());
            let key = Key { scope: ScopeId(scope.cast_unsigned()), visitor: Name(visitor) };
            resumed.sessions.extend(history.and_then(|history| {
                let last = history.recent().last()?;
                Some((key, history.session()?.clone(), last.stamp.policy.idle_timeout))
            }));
        }
        let mut ask = self.database.prepare("SELECT known FROM name WHERE expires > ?1")?;
        let rows = ask.query_map([now], |row| row.get::<_, Vec<u8>>(0))?;
        for known in rows {
            resumed.names.extend(postcard::from_bytes::<NameChange>(&known?).ok());
        }
        Ok(resumed)
    }

    fn expire(&mut self, now: Millis) -> Result<(), StoreError> {
        let Self { database, aside, .. } = self;
        for table in ["visitor", "name"] {
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

fn commit(
    database: &mut Connection,
    stamps: &HashMap<PolicyId, Stamp>,
    batch: &Batch,
    memory: Memory,
) -> Result<Committed, StoreError> {
    let step = database.transaction()?;
    let mut commit = Commit { step: &step, stamps, now: batch.now, memory, totals: HashMap::new() };
    let mut done = Committed::default();
    for visit in &batch.visits {
        commit.visit(visit, &mut done)?;
    }
    commit.write_totals()?;
    for change in &batch.names {
        commit.name(change)?;
    }
    step.prepare_cached(
        "INSERT INTO node (id, position) VALUES (?1, ?2)
         ON CONFLICT (id) DO UPDATE SET position = MAX(position, excluded.position)",
    )?
    .execute(params![&batch.node.0[..], batch.upto.cast_signed()])?;
    step.commit()?;
    Ok(done)
}

/// What a day of a scope gains.
type Totals = HashMap<(Arc<Scope>, Day), (String, Sums)>;

/// One transaction.
struct Commit<'a> {
    step: &'a Transaction<'a>,
    stamps: &'a HashMap<PolicyId, Stamp>,
    now: Millis,
    memory: Memory,
    totals: Totals,
}

impl Commit<'_> {
    fn visit(&mut self, visit: &Visit, done: &mut Committed) -> Result<(), StoreError> {
        let mut history = self.history(visit.key, done)?;
        let change = history.add(visit.observations.clone(), self.memory);
        done.late += u64::from(change.late);
        self.records(visit, change, done)?;
        self.statistics(visit)?;
        let idle = visit.observations.last().map_or(0, |seen| seen.stamp.policy.idle_timeout);
        let last_seen = history.recent().last().map_or(self.now, |seen| seen.at);
        self.step
            .prepare_cached(
                "INSERT INTO visitor (scope, visitor, expires, state) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (scope, visitor) DO UPDATE SET expires = excluded.expires, state = excluded.state",
            )?
            .execute(params![
                visit.key.scope.0.cast_signed(),
                &visit.key.visitor.0[..],
                last_seen + idle + self.memory.keep,
                write_history(&history)
            ])?;
        Ok(())
    }

    fn history(&self, key: Key, done: &mut Committed) -> Result<History, StoreError> {
        let state: Option<Vec<u8>> = self
            .step
            .prepare_cached("SELECT state FROM visitor WHERE scope = ?1 AND visitor = ?2")?
            .query_row(params![key.scope.0.cast_signed(), &key.visitor.0[..]], |row| row.get(0))
            .optional()?;
        let Some(state) = state else { return Ok(History::default()) };
        let read = read_history(&state, &|id| self.stamps.get(&id).cloned());
        Ok(read.unwrap_or_else(|| {
            done.damaged += 1;
            History::default()
        }))
    }

    fn records(&mut self, visit: &Visit, change: Change, done: &mut Committed) -> Result<(), StoreError> {
        let zone = |day: &Day| (Arc::clone(&visit.scope), *day);
        let stamp = visit.observations.first().map(|seen| seen.stamp.clone());
        let zone_name = stamp.map_or_else(|| "UTC".to_owned(), |stamp| stamp.policy.zone.name().to_owned());
        // What no longer follows goes first: the same id may come back with another class.
        for gone in change.withdrawn {
            let record = Record::new(&visit.scope, visit.key.visitor, gone);
            if self.withdraw(&record)? {
                done.withdrawn += 1;
                self.sums(zone(&record.day), &zone_name).add(record.class, -1);
            }
        }
        for counted in change.counted {
            let record = Record::new(&visit.scope, visit.key.visitor, counted);
            match self.insert(&record)? {
                Inserted::Known => {}
                Inserted::Late => done.sealed += 1,
                Inserted::Counts => {
                    done.added += 1;
                    self.sums(zone(&record.day), &zone_name).add(record.class, 1);
                }
            }
        }
        for conversion in change.converted {
            self.sums(zone(&conversion.day), &zone_name).converted += 1;
        }
        for conversion in change.unconverted {
            self.sums(zone(&conversion.day), &zone_name).converted -= 1;
        }
        let people = visit.observations.iter().any(|seen| seen.evidence != Evidence::Bot);
        for (day, millis) in change.lasted.into_iter().filter(|_| people) {
            self.sums(zone(&day), &zone_name).duration_ms += millis;
        }
        Ok(())
    }

    fn statistics(&mut self, visit: &Visit) -> Result<(), StoreError> {
        for seen in &visit.observations {
            if seen.kind != Kind::Page || seen.evidence == Evidence::Bot {
                continue;
            }
            let zone = seen.stamp.policy.zone.name();
            self.sums((Arc::clone(&visit.scope), seen.day), zone).page_views += 1;
            let user = seen.user.map(|user| user.to_string()).unwrap_or_default();
            self.step
                .prepare_cached(
                    "INSERT OR IGNORE INTO presence (portal, module, day, visitor, user_hash) VALUES (?1, ?2, ?3, ?4, ?5)",
                )?
                .execute(params![
                    &*visit.scope.portal,
                    visit.scope.module.as_deref().unwrap_or_default(),
                    seen.day.0,
                    visit.key.visitor.to_string(),
                    user
                ])?;
        }
        Ok(())
    }

    fn sums(&mut self, of: (Arc<Scope>, Day), zone: &str) -> &mut Sums {
        &mut self.totals.entry(of).or_insert_with(|| (zone.to_owned(), Sums::default())).1
    }

    fn insert(&self, record: &Record) -> Result<Inserted, StoreError> {
        let late = self.is_sealed(record)?;
        let module = record.scope.module.as_deref().unwrap_or_default();
        let changed = self
            .step
            .prepare_cached(
                "INSERT INTO usage_record (id, portal, module, visitor, session, day, zone, class, reason, account,
                                           user_hash, agent, rule, policy, trial, event_time, stored_time, withdrawn,
                                           amount)
                 VALUES (?1, ?2, ?3, ?18, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, 1)
                 ON CONFLICT (id) DO UPDATE SET
                   class = excluded.class, account = excluded.account, user_hash = excluded.user_hash,
                   rule = excluded.rule, event_time = excluded.event_time, withdrawn = excluded.withdrawn
                 WHERE withdrawn = 1",
            )?
            .execute(params![
                record.id.to_string(),
                &*record.scope.portal,
                module,
                record.session.to_string(),
                record.day.0,
                record.stamp.policy.zone.name(),
                record.class.name(),
                record.reason.name(),
                record.note.account.as_deref(),
                record.user.map(|user| user.to_string()),
                record.note.agent.as_deref(),
                &*record.note.rule,
                record.stamp.id.to_string(),
                record.stamp.policy.trial,
                record.at,
                self.now,
                late,
                record.visitor.to_string()
            ])?;
        Ok(match (changed, late) {
            (0, _) => Inserted::Known,
            (_, true) => Inserted::Late,
            (_, false) => Inserted::Counts,
        })
    }

    /// Takes a record back, unless its day is sealed; says whether a total has to follow.
    fn withdraw(&self, record: &Record) -> Result<bool, StoreError> {
        if self.is_sealed(record)? {
            return Ok(false);
        }
        let changed = self
            .step
            .prepare_cached("UPDATE usage_record SET withdrawn = 1 WHERE id = ?1 AND withdrawn = 0")?
            .execute([record.id.to_string()])?;
        Ok(changed > 0)
    }

    fn is_sealed(&self, record: &Record) -> Result<bool, StoreError> {
        let sealed = self
            .step
            .prepare_cached("SELECT 1 FROM usage_day WHERE portal = ?1 AND day = ?2 AND sealed IS NOT NULL LIMIT 1")?
            .query_row(params![&*record.scope.portal, record.day.0], |_| Ok(()))
            .optional()?;
        Ok(sealed.is_some())
    }

    fn write_totals(&mut self) -> Result<(), StoreError> {
        let mut write = self.step.prepare_cached(
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
        )?;
        for ((scope, day), (zone, sums)) in self.totals.drain() {
            let [guest, external, internal, bot] = sums.records;
            write.execute(params![
                &*scope.portal,
                scope.module.as_deref().unwrap_or_default(),
                day.0,
                zone,
                guest,
                external,
                internal,
                bot,
                sums.converted,
                sums.page_views,
                sums.actions,
                sums.duration_ms
            ])?;
        }
        Ok(())
    }

    fn name(&self, change: &NameChange) -> Result<(), StoreError> {
        let slot = postcard::to_stdvec(&change.slot).unwrap_or_default();
        if change.known.is_none() {
            self.step.prepare_cached("DELETE FROM name WHERE slot = ?1")?.execute([slot])?;
            return Ok(());
        }
        let known = postcard::to_stdvec(change).unwrap_or_default();
        self.step
            .prepare_cached("INSERT OR REPLACE INTO name (slot, expires, known) VALUES (?1, ?2, ?3)")?
            .execute(params![slot, change.expires(2 * self.memory.keep), known])?;
        Ok(())
    }
}

enum Inserted {
    Known,
    Late,
    Counts,
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
            let sql = "INSERT INTO name (slot, expires, known) VALUES (?1, ?2, x'')";
            store.database.execute(sql, params![slot.to_be_bytes(), expires]).unwrap();
        };
        // Some in the same millisecond.
        (0..expired).for_each(|slot| insert(slot, now - slot / 10));
        (expired..expired + 5).for_each(|slot| insert(slot, now + 1));
        store.expire(now).unwrap();
        let left = "SELECT COUNT(*), MIN(expires) FROM name";
        let left: (i64, Millis) = store.database.query_row(left, [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        assert_eq!(left, (5, now + 1));
    }
}
