//! The binary.
#![allow(dead_code, unused_imports, reason = "the run command reads the rest of the configuration")]

use std::path::Path;
use std::process::ExitCode;

mod command;
mod config;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1).filter(|argument| argument != "--config");
    match (arguments.next().as_deref(), arguments.next()) {
        (Some("check"), file) => command::check::check(Path::new(file.as_deref().unwrap_or(config::DEFAULT_FILE))),
        _ => ExitCode::from(2),
    }
}
