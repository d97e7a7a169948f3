//! The commands for whoever keeps the books, run as a person runs them: what they print, and how they end.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a test says what it measured")]

#[path = "faults"]
mod faults {
    pub(crate) mod meter;
    pub(crate) mod origin;
    pub(crate) mod stage;
    pub(crate) mod wire;
}

#[path = "../../meter/tests/support/postgres.rs"]
mod postgres;

#[path = "commands"]
mod commands {
    mod beside;
    pub(crate) mod books;
    mod check;
    mod compare;
    mod correct;
    mod journal;
    mod on_postgres;
    mod recount;
    pub(crate) mod told;
}
