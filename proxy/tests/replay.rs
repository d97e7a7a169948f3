//! `replay` counts the same whatever way the same lines come to it.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

#[path = "support/access_log.rs"]
mod access_log;

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use access_log::Traffic;

const CONFIG: &str = r#"
[[portal]]
name = "support"
hosts = ["*"]
upstream = ["http://127.0.0.1:9"]
[portal.pages]
login = ["/login*"]
logout = ["/logout*"]
background = ["/api/poll*"]
"#;

#[test]
fn a_log_counts_the_same_whole_in_parts_and_out_of_order() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = Vec::new();
    access_log::write(Traffic { seed: 7, lines: 20_000, visitors: 120, days: 2 }, &mut log).unwrap();
    let newlines = log.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at + 1);
    let (first, second) = log.split_at(newlines.clone().nth(9_999).unwrap());
    let swapped = [second, first].concat();
    let whole = replay(dir.path(), &[&log]);

    let usage = String::from_utf8(whole.stdout.clone()).unwrap();
    let said = String::from_utf8(whole.stderr.clone()).unwrap();
    assert!(usage.contains("2026-03-02") && usage.contains("\"billable\":"), "{usage}");
    let broken = said.lines().filter(|line| line.contains(".log:")).count();
    assert!(broken > 0 && said.contains(" skipped"), "{said}");
    assert_eq!(whole.stdout, replay(dir.path(), &[first, second]).stdout);
    assert_eq!(whole.stdout, replay(dir.path(), &[second, first]).stdout);
    assert_eq!(whole.stdout, replay(dir.path(), &[&swapped]).stdout);
}

fn replay(dir: &Path, logs: &[&[u8]]) -> Output {
    let config = dir.join("portalmeter.toml");
    fs::write(&config, CONFIG).unwrap();
    let files: Vec<_> = (0..logs.len()).map(|number| dir.join(format!("{number}.log"))).collect();
    files.iter().zip(logs).for_each(|(file, log)| fs::write(file, log).unwrap());
    let output = Command::new(env!("CARGO_BIN_EXE_portalmeter"))
        .arg("replay")
        .args(["--output", "json", "--config"])
        .arg(&config)
        .args(&files)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output
}
