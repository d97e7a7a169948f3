//! What Postgres says, as a ledger's errors.

use std::error::Error as _;
use std::fmt::Write;
use std::io::{self, ErrorKind};

use postgres::Error;
use postgres::error::{DbError, SqlState};

use crate::ledger::LedgerError;

impl From<Error> for LedgerError {
    fn from(error: Error) -> Self {
        if let Some(said) = error.as_db_error() {
            return of_database(said);
        }
        let what = chain(&error);
        let broken = error.source().and_then(|cause| cause.downcast_ref::<io::Error>());
        if broken.is_some_and(|broken| !matches!(broken.kind(), ErrorKind::InvalidData | ErrorKind::InvalidInput)) {
            return Self::Away(what);
        }
        if what.contains("server does not support TLS") {
            return Self::Refused(format!("{what}: let the server speak TLS, or write sslmode=disable in ledger.url"));
        }
        if what.starts_with(TLS) {
            return Self::Refused(format!(
                "{what}: name its certificate's issuer (sslrootcert=FILE) or another sslmode in ledger.url"
            ));
        }
        if ["error deserializing", "invalid column"].iter().any(|words| what.starts_with(words)) {
            return Self::Damaged(what);
        }
        if ["authentication", "invalid con"].iter().any(|words| what.starts_with(words)) {
            return Self::Address(what);
        }
        Self::Away(what)
    }
}

/// How the driver's errors of TLS begin; it does not tell them otherwise.
const TLS: &str = "error performing TLS handshake";

/// An error with its causes, in one line.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let _ = write!(text, ": {error}");
        cause = error.source();
    }
    text.replace('\n', " ")
}

fn of_database(said: &DbError) -> LedgerError {
    let mut text = said.message().replace('\n', " ");
    if let Some(detail) = said.detail() {
        let _ = write!(text, " ({})", detail.replace('\n', " "));
    }
    let code = said.code();
    if will_pass(code) {
        return LedgerError::Away(text);
    }
    match hint(code) {
        Some(hint) => LedgerError::Refused(format!("{text}: {hint}")),
        None => LedgerError::Refused(format!("{text} (SQLSTATE {})", code.code())),
    }
}

/// The server is going, coming or busy: another try may do.
fn will_pass(code: &SqlState) -> bool {
    let class = code.code().get(..2).unwrap_or_default();
    class == "08"
        || [
            SqlState::ADMIN_SHUTDOWN,
            SqlState::CRASH_SHUTDOWN,
            SqlState::CANNOT_CONNECT_NOW,
            SqlState::TOO_MANY_CONNECTIONS,
            SqlState::QUERY_CANCELED,
            SqlState::LOCK_NOT_AVAILABLE,
            SqlState::T_R_DEADLOCK_DETECTED,
            SqlState::T_R_SERIALIZATION_FAILURE,
            SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT,
            SqlState::OUT_OF_MEMORY,
            // The tables, or the connection behind a pooler, changed under a prepared statement.
            SqlState::FEATURE_NOT_SUPPORTED,
            SqlState::INVALID_SQL_STATEMENT_NAME,
        ]
        .contains(code)
}

fn hint(code: &SqlState) -> Option<&'static str> {
    Some(match code {
        code if *code == SqlState::DISK_FULL => "make room on the disk of Postgres",
        code if *code == SqlState::INVALID_PASSWORD || *code == SqlState::INVALID_AUTHORIZATION_SPECIFICATION => {
            "mend user and password in ledger.url, or the server's pg_hba.conf"
        }
        code if *code == SqlState::INVALID_CATALOG_NAME => "create that database, or name another in ledger.url",
        code if *code == SqlState::INSUFFICIENT_PRIVILEGE => {
            "let the user of ledger.url create and change tables there (GRANT USAGE, CREATE ON SCHEMA)"
        }
        code if *code == SqlState::READ_ONLY_SQL_TRANSACTION => {
            "this server only reads (a standby?): name the one that writes in ledger.url"
        }
        _ => return None,
    })
}
