//! The contract of a ledger, held by each of them: `SQLite` and a real Postgres.
#![expect(clippy::print_stderr, reason = "a story says which ledger it is told to")]

#[path = "support"]
mod support {
    pub(crate) mod postgres;
}
#[path = "ledger"]
mod ledger {
    pub(crate) mod both;
    pub(crate) mod say;

    mod days;
    mod questions;
    mod records;
    mod sealing;
    mod sessions;
}
