//! The ledger that a configuration names, opened.

use std::thread;
use std::time::Duration;

use portalmeter_meter::ledger::postgres::PostgresLedger;
use portalmeter_meter::ledger::sqlite::SqliteLedger;
use portalmeter_meter::ledger::{Asked, Ledger, LedgerError};

use crate::command::reach::PATIENCE;
use crate::config::{Config, Place};
use crate::output::say_aside;

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

/// The same for a command: who waits before a terminal is told what for.
pub(crate) fn to_ask(config: &Config) -> Result<Box<dyn Ledger>, LedgerError> {
    to_read(config).inspect(|ledger| tell_silence(config, ledger.asked()))
}

/// To be told something, beside a running `run` too; one that is not there is not made.
pub(crate) fn to_write(config: &Config) -> Result<Box<dyn Ledger>, LedgerError> {
    to_ask(config)?.ping()?;
    to_keep(config).inspect(|ledger| tell_silence(config, ledger.asked()))
}

/// Says, once, that a ledger leaves us waiting.
fn tell_silence(config: &Config, asked: Asked) {
    let place = place(config);
    thread::spawn(move || {
        while asked.waits().is_none_or(|waits| waits < PATIENCE) {
            thread::sleep(Duration::from_secs(1));
        }
        say_aside(&format!("{place}: the ledger has not answered for {} s; still waiting\n", PATIENCE.as_secs()));
    });
}

/// Whether a node could write it, as far as that can be said without writing.
pub(crate) fn may_keep(config: &Config) -> Result<(), LedgerError> {
    match &config.ledger.place {
        Place::Embedded => Ok(()),
        Place::Postgres(postgres) => PostgresLedger::new(postgres.url.reveal())?.may_keep(),
    }
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
