//! The ledger that a configuration names.

use std::path::Path;

use super::postgres::PostgresLedger;
use super::sqlite::SqliteLedger;
use super::{Ledger, LedgerError};

/// `ledger.url` of the ledger in `data_dir`.
const EMBEDDED: &str = "embedded";

/// The ledger at `url`, `embedded` or `postgres://…`, made if it is missing. Postgres is not asked before the first call.
pub fn open(url: &str, data_dir: &Path) -> Result<Box<dyn Ledger>, LedgerError> {
    if url == EMBEDDED {
        return Ok(Box::new(SqliteLedger::create(data_dir)?));
    }
    Ok(Box::new(PostgresLedger::new(url)?))
}

/// The same, to be asked only: nothing is made. `None`: nothing was metered there yet.
pub fn open_to_read(url: &str, data_dir: &Path) -> Result<Option<Box<dyn Ledger>>, LedgerError> {
    if url == EMBEDDED {
        let ledger = SqliteLedger::open(data_dir)?;
        return Ok(ledger.map(|ledger| Box::new(ledger) as Box<dyn Ledger>));
    }
    let mut ledger = PostgresLedger::read_only(url)?;
    match ledger.ping() {
        Err(LedgerError::Absent) => Ok(None),
        Err(error) => Err(error),
        Ok(()) => Ok(Some(Box::new(ledger))),
    }
}
