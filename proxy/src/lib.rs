//! `portalmeter`: a metering reverse proxy for portals.
//!
//! This crate is thin: it reads the command line and the configuration, moves bytes with Pingora,
//! and hands what it sees to the rules and the meter. It decides nothing about counts itself.

use std::process::ExitCode;

mod admin;
mod answer;
mod beacon;
mod board;
mod cli;
mod command;
mod config;
mod door;
mod fetch;
mod forwarded;
#[cfg(fuzzing)]
#[doc(hidden)]
pub mod fuzz;
mod gateway;
mod gatherer;
mod headers;
mod inject;
mod issuers;
mod keeping;
mod ledger;
mod log;
mod metering;
mod metrics;
mod nominated;
mod output;
mod probes;
mod problems;
mod reload;
mod resolve;
mod shutdown;
mod upstream;
mod usage_files;
mod watch;
mod zones;

/// The program: reads the command line, and does what it says.
pub fn main() -> ExitCode {
    cli::run()
}
