//! What every test of the running program needs: the program, its clock, its report, and plain HTTP.

#![allow(dead_code, reason = "no test needs all of it")]

#[path = "clock.rs"]
pub(crate) mod clock;
#[path = "exchange.rs"]
pub(crate) mod exchange;
#[path = "jar.rs"]
pub(crate) mod jar;
#[path = "meter.rs"]
pub(crate) mod meter;
#[path = "usage.rs"]
pub(crate) mod usage;
