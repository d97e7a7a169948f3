//! The contract of a ledger, held by each of them: `SQLite` and a real Postgres.
#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a test fails by panicking, says which ledger it is told to, and waits for a server that nobody else can tell of"
)]

#[path = "support"]
mod support {
    pub(crate) mod postgres;
}
#[path = "ledger"]
mod ledger {
    pub(crate) mod both;
    pub(crate) mod say;

    mod days;
    mod encryption;
    mod insight;
    mod properties;
    mod questions;
    mod records;
    mod schemas;
    mod sealing;
    mod sessions;
    mod speed;
    mod weather;
    mod zones;
}
