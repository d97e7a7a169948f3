//! Fleets: real nodes, real Redis, real Postgres, visitors of known truth, faults.

#![allow(dead_code, reason = "each user needs a part of it")]

#[path = "../support/address.rs"]
mod address;
#[path = "../support/clock.rs"]
mod clock;
#[path = "../support/jar.rs"]
mod jar;

pub(crate) mod actor;
pub(crate) mod away;
pub(crate) mod calendar;
pub(crate) mod chance;
pub(crate) mod check;
pub(crate) mod crowd;
pub(crate) mod faults;
pub(crate) mod nodes;
pub(crate) mod plan;
mod portal;
pub(crate) mod process;
pub(crate) mod run;
pub(crate) mod servers;
pub(crate) mod stage;
pub(crate) mod story;
pub(crate) mod truth;
pub(crate) mod wire;
pub(crate) mod world;
