//! The commands for whoever keeps the books, run as a person runs them: what they print, and how they end.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod commands {
    pub(crate) mod books;
    mod compare;
    mod correct;
    mod journal;
    mod recount;
    pub(crate) mod told;
}
