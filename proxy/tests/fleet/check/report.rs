//! What `portalmeter report --output json` says.

use std::collections::BTreeMap;

use serde_json::Value;

use super::super::calendar::Calendar;
use super::super::nodes::Node;
use super::{Counts, Found};

pub(crate) fn read(node: &Node, calendar: &Calendar) -> Found {
    let report = node.report(&calendar.date(0), &calendar.date(2));
    let rows = report["usage"].as_array().expect("a report has rows");
    let counts = rows.iter().map(|row| (place(row), Counts::read(|column| row[column].as_i64().unwrap()))).collect();
    let found = Found { source: format!("report of {}", node.name()), counts };
    let sum: i64 = found.counts.values().map(|counts| counts.guest + counts.external).sum();
    assert_eq!(report["totals"]["billable"].as_i64(), Some(sum), "totals are sums of the rows");
    found
}

/// Where a row in JSON counts.
pub(super) fn place(row: &Value) -> super::Place {
    let text = |name: &str| row[name].as_str().unwrap_or_default().to_owned();
    (text("portal"), text("module"), text("day"))
}

/// Rows of usage as JSON lines.
pub(super) fn rows(lines: &str) -> BTreeMap<super::Place, Counts> {
    let rows = lines.lines().map(|line| {
        let row: Value = serde_json::from_str(line).expect("a line is a document");
        (place(&row), Counts::read(|column| row[column].as_i64().unwrap()))
    });
    rows.collect()
}
