//! Why a ledger did not do as asked, and what its operator does about it: one line each.

/// Why a ledger did not do as asked. Nothing of the call is in the ledger.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// The address is none.
    #[error("the ledger's url: {0}")]
    Address(String),
    /// It cannot be reached, or the connection broke: another try makes sense.
    #[error("the ledger is away: {0}")]
    Away(String),
    /// Nothing was ever written there.
    #[error("there is no ledger yet: `portalmeter run` makes it")]
    Absent,
    /// Written by a newer release.
    #[error(
        "the ledger has schema {found}, newer than {known}, which this release knows: run the release that wrote it, or a later one"
    )]
    Newer {
        /// The ledger's.
        found: i64,
        /// Ours.
        known: i64,
    },
    /// Written by an older release, and opened only to be read.
    #[error(
        "the ledger has schema {found}, older than {known}: start `portalmeter run` of this release once, which brings it up to date"
    )]
    Older {
        /// The ledger's.
        found: i64,
        /// Ours.
        known: i64,
    },
    /// The database says no, and will say so again until somebody does something.
    #[error("the ledger's database refuses: {0}")]
    Refused(String),
    /// What is there is not what was written.
    #[error("the ledger is damaged: {0}; restore it from a backup, or ask `portalmeter recount` what is left")]
    Damaged(String),
}

impl LedgerError {
    /// Another has changed a day between reading and writing it, past every lock.
    pub(super) fn overtaken() -> Self {
        Self::Away("another program changed its totals meanwhile".to_owned())
    }

    /// The same, with the place it happened at.
    pub(super) fn at(self, place: &str) -> Self {
        match self {
            Self::Away(what) => Self::Away(format!("{place}: {what}")),
            Self::Refused(what) => Self::Refused(format!("{place}: {what}")),
            Self::Damaged(what) => Self::Damaged(format!("{place}: {what}")),
            other => other,
        }
    }
}
