//! The schema: made, brought up to date, or refused, under a lock that all nodes share.

use std::cmp::Ordering;

use postgres::Client;
use postgres::error::SqlState;

use super::Use;
use crate::ledger::{LedgerError, LedgerId, words};

/// What brings the schema to each version from the one before; 2 is the first.
const MIGRATIONS: [(i64, &str); 2] =
    [(2, include_str!("../migrations/postgres-2.sql")), (3, include_str!("../migrations/postgres-3.sql"))];
/// The schema this release writes.
const SCHEMA: i64 = 3;
/// Below this, what the tables need is not there.
const OLDEST_SERVER: i32 = 130_000;
/// Any number that other programs will hardly lock.
const LOCK: i32 = 0x706d_6c67;

/// Finds the ledger, or makes it, and says which it is.
pub(super) fn ready(client: &mut Client, to: Use) -> Result<LedgerId, LedgerError> {
    let schema = server(client)?;
    client.batch_execute(match to {
        // Others wait for a node that stands still within a transaction, but not for ever.
        Use::Write => "SET lock_timeout = '30s'; SET idle_in_transaction_session_timeout = '60s'",
        Use::Read => "SET default_transaction_read_only = on",
    })?;
    let found = match (version(client, &schema)?, to) {
        (None, Use::Read) => return Err(LedgerError::Absent),
        (Some(found), Use::Read) => found,
        (Some(SCHEMA), Use::Write) => SCHEMA,
        (_, Use::Write) => migrate(client, &schema)?,
    };
    compare(found)?;
    let id = client.query_opt("SELECT value FROM meta WHERE name = 'ledger_id'", &[])?;
    let id: Option<String> = id.map(|row| row.try_get(0)).transpose()?;
    words::ledger_id(id.as_deref())
}

/// Whether who is connected may write the tables, or make them.
pub(super) fn may_keep(client: &mut Client) -> Result<(), LedgerError> {
    let schema = server(client)?;
    let (sql, cure) = if version(client, &schema)?.is_some() {
        let sql = "SELECT bool_and(has_table_privilege(place, 'INSERT') AND has_table_privilege(place, 'UPDATE'))
                   FROM (SELECT format('%I.%I', schemaname, tablename) AS place FROM pg_tables
                         WHERE schemaname = $1 AND tablename IN ('position', 'session', 'usage_day', 'usage_record')) ours";
        (sql, "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA")
    } else {
        ("SELECT has_schema_privilege($1::text, 'CREATE')", "GRANT USAGE, CREATE ON SCHEMA")
    };
    let may: Option<bool> = client.query_one(sql, &[&schema])?.try_get(0)?;
    if may == Some(false) {
        return Err(LedgerError::Refused(format!(
            "the user of ledger.url may not write in schema `{schema}`: {cure} \"{schema}\" TO it"
        )));
    }
    Ok(())
}

/// Whether the version in the tables is ours.
pub(super) fn known(value: &str) -> Result<(), LedgerError> {
    compare(value.parse().map_err(|_| words::damaged("schema", value))?)
}

fn compare(found: i64) -> Result<(), LedgerError> {
    match found.cmp(&SCHEMA) {
        Ordering::Less => Err(LedgerError::Older { found, known: SCHEMA }),
        Ordering::Equal => Ok(()),
        Ordering::Greater => Err(LedgerError::Newer { found, known: SCHEMA }),
    }
}

/// Looks at the server and says in which schema the tables are.
fn server(client: &mut Client) -> Result<String, LedgerError> {
    let sql = "SELECT current_setting('server_version_num')::int, current_setting('server_version'),
                      current_setting('server_encoding'), current_schema()::text";
    let row = client.query_one(sql, &[])?;
    let (number, version, encoding): (i32, String, String) = (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
    if number < OLDEST_SERVER {
        return Err(LedgerError::Refused(format!("Postgres {version} is too old: the ledger needs 13 or later")));
    }
    if encoding != "UTF8" {
        return Err(LedgerError::Refused(format!(
            "the database's encoding is {encoding}: create one with ENCODING 'UTF8' TEMPLATE template0"
        )));
    }
    let schema: Option<String> = row.try_get(3)?;
    schema.ok_or_else(|| {
        LedgerError::Refused("no schema of the search_path exists: CREATE SCHEMA, or name another in ledger.url".into())
    })
}

/// The version of the tables in that schema; `None`: there are none.
fn version(client: &mut impl postgres::GenericClient, schema: &str) -> Result<Option<i64>, LedgerError> {
    let sql = "SELECT EXISTS (SELECT FROM pg_tables WHERE schemaname = $1 AND tablename = 'meta')";
    let there: bool = client.query_one(sql, &[&schema])?.try_get(0)?;
    if !there {
        return Ok(None);
    }
    let others = || {
        LedgerError::Refused(format!(
            "the tables in schema `{schema}` are another program's: give the ledger a schema of its own (options=-csearch_path%3D… in ledger.url)"
        ))
    };
    let found = match client.query_opt("SELECT value FROM meta WHERE name = 'schema'", &[]) {
        Err(error) if error.code() == Some(&SqlState::UNDEFINED_COLUMN) => return Err(others()),
        found => found?,
    };
    let value: String = found.ok_or_else(others)?.try_get(0)?;
    value.parse().map(Some).map_err(|_| words::damaged("schema", &value))
}

/// Makes what is missing; who comes second finds it done.
fn migrate(client: &mut Client, schema: &str) -> Result<i64, LedgerError> {
    let mut step = client.transaction()?;
    step.execute("SELECT pg_advisory_xact_lock($1, hashtext($2))", &[&LOCK, &schema])?;
    let found = version(&mut step, schema)?;
    for (version, sql) in MIGRATIONS {
        if found.unwrap_or_default() < version {
            step.batch_execute(sql)?;
        }
    }
    if found.unwrap_or_default() < SCHEMA {
        let set = "INSERT INTO meta (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = $2";
        step.execute(set, &[&"schema", &SCHEMA.to_string()])?;
    }
    if found.is_none() {
        let id = LedgerId::random()?.to_string();
        step.execute("INSERT INTO meta (name, value) VALUES ('ledger_id', $1)", &[&id])?;
    }
    step.commit()?;
    Ok(found.unwrap_or_default().max(SCHEMA))
}
