//! `portalmeter compare`.

use std::fs;

use serde_json::Value;

use super::told::{Told, portalmeter};

const CSV: &str = "portal,module,day,timezone,guest,billable,state\nsupport,,2026-03-12,UTC,41,58,sealed\n\
                   support,,2026-03-13,UTC,4,5,open\n";
const JSONL: &str = "{\"portal\":\"support\",\"module\":null,\"day\":\"2026-03-12\",\"timezone\":\"UTC\",\"guest\":41,\"billable\":57,\"state\":\"sealed\"}\n";

fn compare(files: &[(&str, &str)], args: &[&str]) -> Told {
    let folder = tempfile::tempdir().unwrap();
    for (name, content) in files {
        fs::write(folder.path().join(name), content).unwrap();
    }
    portalmeter(folder.path(), ["compare"].iter().chain(args))
}

#[test]
fn the_same_in_two_formats_is_no_difference() {
    let told = compare(&[("a.csv", CSV), ("b.csv", CSV)], &["a.csv", "b.csv"]);
    assert_eq!((told.code, told.out.as_str(), told.aside.as_str()), (0, "", "no difference in 2 rows\n"));
}

#[test]
fn what_differs_is_told_row_by_row_and_column_by_column() {
    let files = [("a.csv", CSV), ("b.jsonl", JSONL)];
    let told = compare(&files, &["a.csv", "b.jsonl"]);
    let lines = "support 2026-03-12: billable is 58 in a.csv, 57 in b.jsonl\nsupport 2026-03-13: only in a.csv\n";
    assert_eq!((told.code, told.out.as_str(), told.aside.as_str()), (1, lines, "2 differences in 2 rows\n"));

    let told = compare(&files, &["--output", "json", "a.csv", "b.jsonl"]);
    let answer: Value = serde_json::from_str(&told.out).unwrap();
    assert_eq!(answer["differences"][0]["column"], "billable");
    assert_eq!(answer["differences"][0]["second"], "57");
    assert_eq!((told.code, answer["second"].as_str()), (1, Some("b.jsonl")));

    let told = compare(&files, &["--output", "csv", "a.csv", "b.jsonl"]);
    assert_eq!(told.out.lines().nth(1), Some("support,,2026-03-12,billable,58,57"));
}

#[test]
fn what_is_no_usage_is_told_with_file_and_line() {
    let told = compare(&[("a.csv", CSV), ("b.csv", "1;2\n")], &["a.csv", "b.csv"]);
    assert_eq!((told.code, told.out.as_str()), (1, ""));
    assert!(told.aside.starts_with("b.csv: line 1: no column `portal`"), "{}", told.aside);
    let told = compare(&[], &["gone.csv", "."]);
    assert_eq!(told.code, 1);
    assert!(
        told.aside.contains("gone.csv cannot be read") && told.aside.contains(". cannot be read"),
        "{}",
        told.aside
    );
    assert_eq!(compare(&[], &["a.csv"]).code, 2);
}
