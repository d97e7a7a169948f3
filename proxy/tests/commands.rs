//! The commands for whoever keeps the books, run as a person runs them: what they print, and how they end.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a test says what it measured")]

#[path = "faults"]
mod faults {
    pub(crate) mod meter;
    pub(crate) mod mount;
    pub(crate) mod origin;
    pub(crate) mod stage;
    pub(crate) mod wire;
}

#[path = "../../meter/tests/support/postgres.rs"]
mod postgres;

#[path = "../../meter/tests/support/redis.rs"]
mod redis_server;

#[path = "commands"]
mod commands {
    mod applied;
    mod beside;
    mod billing_page;
    pub(crate) mod books;
    mod check;
    mod compare;
    mod correct;
    mod full_disk;
    mod journal;
    mod on_postgres;
    mod on_redis;
    mod recount;
    pub(crate) mod told;
}
