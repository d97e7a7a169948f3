//! What `portalmeter report` says.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// The totals of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Usage {
    pub(crate) guest: i64,
    pub(crate) external: i64,
    pub(crate) bot: i64,
    pub(crate) billable: i64,
    pub(crate) converted: i64,
    pub(crate) page_views: i64,
    pub(crate) actions: i64,
}

/// Asks for the days named by these arguments.
pub(crate) fn report(config: &Path, days: &[&str]) -> Usage {
    let report = ask(config, days);
    let of = |name: &str| report["totals"][name].as_i64().unwrap();
    Usage {
        guest: of("guest"),
        external: of("external"),
        bot: of("bot"),
        billable: of("billable"),
        converted: of("converted"),
        page_views: of("page_views"),
        actions: of("actions"),
    }
}

/// Of each row of a day, whose midnight it is and whether it is sealed.
pub(crate) fn standing(config: &Path, day: &str) -> Vec<String> {
    let report = ask(config, &["--day", day]);
    let rows = report["usage"].as_array().unwrap().iter();
    rows.map(|row| format!("{} {}", row["timezone"].as_str().unwrap(), row["state"].as_str().unwrap())).collect()
}

/// The whole document.
pub(crate) fn ask(config: &Path, days: &[&str]) -> Value {
    let output = Command::new(env!("CARGO_BIN_EXE_portalmeter"))
        .args(["report", "--output", "json", "--config"])
        .arg(config)
        .args(days)
        .output()
        .unwrap();
    assert!(output.status.success(), "report: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}
