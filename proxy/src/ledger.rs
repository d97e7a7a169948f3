//! The ledger that a configuration names, opened.

use portalmeter_meter::ledger::postgres::PostgresLedger;
use portalmeter_meter::ledger::sqlite::SqliteLedger;
use portalmeter_meter::ledger::{Ledger, LedgerError};

use crate::config::{Config, Place};

/// To be asked only. [`LedgerError::Absent`]: nothing was ever metered into it.
pub(crate) fn to_read(config: &Config) -> Result<Box<dyn Ledger>, LedgerError> {
    match &config.ledger.place {
        Place::Embedded => match SqliteLedger::open(&config.data_dir)? {
            Some(ledger) => Ok(Box::new(ledger)),
            None => Err(LedgerError::Absent),
        },
        Place::Postgres(postgres) => Ok(Box::new(PostgresLedger::read_only(postgres.url.reveal())?)),
    }
}

/// To be told something, beside a running `run` too; one that is not there is not made.
pub(crate) fn to_write(config: &Config) -> Result<Box<dyn Ledger>, LedgerError> {
    to_read(config)?.ping()?;
    to_keep(config)
}

/// As a node writes it: a file that is not there is made, and a server that is away is connected to later.
pub(crate) fn to_keep(config: &Config) -> Result<Box<dyn Ledger>, LedgerError> {
    match &config.ledger.place {
        Place::Embedded => Ok(Box::new(SqliteLedger::create(&config.data_dir)?)),
        Place::Postgres(postgres) => Ok(Box::new(PostgresLedger::new(postgres.url.reveal())?)),
    }
}

/// Why it did not do as a command asked, in a line, and what to do where another try makes sense.
pub(crate) fn told(config: &Config, error: &LedgerError) -> String {
    let more = if matches!(error, LedgerError::Away(_)) { "; try again when it answers" } else { "" };
    format!("{}: {error}{more}\n", place(config))
}

/// Where it is, as it may be shown.
pub(crate) fn place(config: &Config) -> String {
    match &config.ledger.place {
        Place::Embedded => config.data_dir.display().to_string(),
        Place::Postgres(postgres) => postgres.shown.clone(),
    }
}
