//! The file's schema: made, brought up to date, or refused.

use std::cmp::Ordering;
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use crate::ledger::LedgerError;

/// What brings the schema from each version to the next.
const MIGRATIONS: [&str; 3] = [
    include_str!("../migrations/sqlite-1.sql"),
    include_str!("../migrations/sqlite-2.sql"),
    include_str!("../migrations/sqlite-3.sql"),
];
/// The schema this release writes.
const SCHEMA: i64 = MIGRATIONS.len() as i64;
/// So long another's transaction is waited for.
const PATIENCE: Duration = Duration::from_secs(5);
/// Statements that are kept prepared: all there are.
const STATEMENTS: usize = 64;

/// Opens the file for writing, and makes, mends or refuses its schema.
pub(super) fn open(path: &Path) -> Result<Connection, LedgerError> {
    let mut database = Connection::open(path).map_err(|error| at(path, error))?;
    prepare(&database)?;
    database.pragma_update(None, "journal_mode", "WAL").map_err(|error| at(path, error))?;
    database.pragma_update(None, "synchronous", "NORMAL")?;
    migrate(&mut database).map_err(|error| error.at(&path.display().to_string()))?;
    Ok(database)
}

/// Opens the file to be read only; `None`: nothing was ever written into it.
pub(super) fn open_to_read(path: &Path) -> Result<Option<Connection>, LedgerError> {
    if !path.exists() {
        return Ok(None);
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let database = Connection::open_with_flags(path, flags).map_err(|error| at(path, error))?;
    prepare(&database)?;
    if version(&database).map_err(|error| error.at(&path.display().to_string()))? == 0 {
        return Ok(None);
    }
    known(&database)?;
    Ok(Some(database))
}

/// Whether the version of the tables is ours.
pub(super) fn known(database: &Connection) -> Result<(), LedgerError> {
    let found = version(database)?;
    match found.cmp(&SCHEMA) {
        Ordering::Less => Err(LedgerError::Older { found, known: SCHEMA }),
        Ordering::Equal => Ok(()),
        Ordering::Greater => Err(LedgerError::Newer { found, known: SCHEMA }),
    }
}

fn prepare(database: &Connection) -> Result<(), LedgerError> {
    database.busy_timeout(PATIENCE)?;
    database.set_prepared_statement_cache_capacity(STATEMENTS);
    Ok(())
}

fn version(database: &Connection) -> Result<i64, LedgerError> {
    Ok(database.query_row("PRAGMA user_version", [], |row| row.get(0))?)
}

fn migrate(database: &mut Connection) -> Result<(), LedgerError> {
    if version(database)? == SCHEMA {
        return Ok(());
    }
    // Whoever comes second finds it done.
    let step = database.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let found = version(&step)?;
    let done = usize::try_from(found).unwrap_or(MIGRATIONS.len() + 1);
    let Some(missing) = MIGRATIONS.get(done..) else {
        return Err(LedgerError::Newer { found, known: SCHEMA });
    };
    for migration in missing {
        step.execute_batch(migration)?;
    }
    step.pragma_update(None, "user_version", SCHEMA)?;
    Ok(step.commit()?)
}

fn at(path: &Path, error: rusqlite::Error) -> LedgerError {
    LedgerError::from(error).at(&path.display().to_string())
}
