//! What `SQLite` says, as a ledger's errors.

use rusqlite::types::FromSqlError;
use rusqlite::{Error, ErrorCode};

use crate::ledger::LedgerError;

impl From<Error> for LedgerError {
    fn from(error: Error) -> Self {
        let Some(code) = error.sqlite_error_code() else { return of_value(&error) };
        match code {
            ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => {
                Self::Away(format!("another program writes into its file ({error})"))
            }
            ErrorCode::DiskFull => Self::Refused(format!("{error}: make room on the disk of data_dir")),
            ErrorCode::ReadOnly | ErrorCode::PermissionDenied => {
                Self::Refused(format!("{error}: let portalmeter's user write to data_dir"))
            }
            ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt => Self::Damaged(error.to_string()),
            _ => Self::Refused(error.to_string()),
        }
    }
}

impl From<FromSqlError> for LedgerError {
    fn from(error: FromSqlError) -> Self {
        Self::Damaged(error.to_string())
    }
}

/// A value that cannot be read is not what was written.
fn of_value(error: &Error) -> LedgerError {
    match error {
        Error::FromSqlConversionFailure(..)
        | Error::IntegralValueOutOfRange(..)
        | Error::InvalidColumnType(..)
        | Error::Utf8Error(..) => LedgerError::Damaged(error.to_string()),
        error => LedgerError::Refused(error.to_string()),
    }
}
