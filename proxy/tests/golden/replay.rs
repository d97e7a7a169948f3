//! Runs `portalmeter replay` over a case's log, once after each step.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::case::Case;
use super::{config, log};

/// What replay said after each step; or that it, or the case, went wrong.
pub(crate) type Counted = Result<Vec<Value>, String>;

/// Replays every beginning of a case's log.
pub(crate) fn replay(case: &Case) -> Counted {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let file = folder.path().join("portalmeter.toml");
    std::fs::write(&file, config::config(case)).map_err(|error| error.to_string())?;
    for (name, text) in &case.files {
        std::fs::write(folder.path().join(name), text).map_err(|error| error.to_string())?;
    }
    let path = folder.path().join("access.log");
    let mut text = String::new();
    let mut counted = Vec::new();
    for step in &case.steps {
        for line in log::lines(case, step)? {
            text.push_str(&line);
            text.push('\n');
        }
        std::fs::write(&path, &text).map_err(|error| error.to_string())?;
        counted.push(one(&file, &path)?);
    }
    Ok(counted)
}

fn one(config: &Path, log: &Path) -> Result<Value, String> {
    let output = Command::new(env!("CARGO_BIN_EXE_portalmeter"))
        .args(["replay", "--output", "json", "--config"])
        .args([config, log])
        .output()
        .map_err(|error| error.to_string())?;
    let said = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() || !said.contains(" 0 skipped") {
        return Err(format!("replay ended with {}:\n{said}", output.status));
    }
    serde_json::from_slice(&output.stdout).map_err(|error| format!("replay printed no JSON: {error}"))
}
