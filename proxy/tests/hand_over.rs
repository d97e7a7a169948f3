//! Which browser is it, under stress: the program before a portal, browsers that nothing but a cookie
//! tells apart, and the count that the law gives.
//!
//! Each test says in its own words the rule its count follows from (`metering.md`, Which browser is it
//! and What is a page). The clock stands and is moved by the test, so two seconds and half hours are
//! exact and cost nothing; what is said to happen at once happens in threads, in one millisecond.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on says so by panicking")]

#[path = "support/live.rs"]
mod support;

mod hand_over {
    pub(crate) mod ahead;
    pub(crate) mod back;
    pub(crate) mod browser;
    pub(crate) mod losers;
    pub(crate) mod nat;
    pub(crate) mod portal;
    pub(crate) mod refusers;
    pub(crate) mod renewals;
    pub(crate) mod retries;
    pub(crate) mod stage;
    pub(crate) mod tabs;
    pub(crate) mod workers;
}
