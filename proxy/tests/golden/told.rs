//! What differs between a case and the count, told as the case's own table.

use std::fmt::Write as _;

use comfy_table::Table;
use comfy_table::presets::ASCII_MARKDOWN;
use serde_json::Value;

use super::case::{Case, Column, End};
use super::replay::Counted;

/// The case as a table with what was counted instead, if anything differs.
pub(crate) fn difference(case: &Case, counted: &Counted) -> Option<String> {
    let counted = match counted {
        Ok(counted) => counted,
        Err(wrong) => return Some(format!("{}\n{wrong}\n", heading(case))),
    };
    let unsound = counted.iter().find_map(unsound);
    let end = counted.last().and_then(|report| end_differs(case.end.as_ref()?, report));
    let steps_differ = case
        .steps
        .iter()
        .zip(counted)
        .any(|(step, report)| step.counts.iter().any(|(column, expected)| total(report, *column) != *expected));
    if !steps_differ && unsound.is_none() && end.is_none() {
        return None;
    }
    let mut text = format!("{}\n{}\n", heading(case), table(case, counted));
    for more in [unsound, end].into_iter().flatten() {
        writeln!(text, "{more}").unwrap();
    }
    Some(text)
}

fn heading(case: &Case) -> String {
    let law = case.law.join("\n  > ");
    format!("{}: {} ({})\n  > {law}", case.place, case.title, case.experience)
}

fn table(case: &Case, counted: &[Value]) -> String {
    let mut table = Table::new();
    table.load_style(ASCII_MARKDOWN);
    let columns = case.steps.first().map(|step| step.counts.iter().map(|(column, _)| column.0).collect::<Vec<_>>());
    table.set_header(["time", "browser", "what"].into_iter().chain(columns.unwrap_or_default()));
    for (step, report) in case.steps.iter().zip(counted) {
        let counts = step.counts.iter().map(|(column, expected)| match total(report, *column) {
            same if same == *expected => same.to_string(),
            other => format!("{expected}, but counted {other}"),
        });
        table.add_row(step.written.iter().cloned().chain(counts));
    }
    table.to_string()
}

/// A column's sum over all rows.
fn total(report: &Value, column: Column) -> i64 {
    rows(report).iter().map(|row| number(row, column.0)).sum()
}

/// What must hold on every report: `billable = guest_raw − bot + external`, and totals that are sums.
fn unsound(report: &Value) -> Option<String> {
    for row in rows(report) {
        let of = |name| number(row, name);
        if of("billable") != of("guest_raw") - of("bot") + of("external") || of("guest_raw") != of("guest") + of("bot")
        {
            return Some(format!("billable is not guest_raw − bot + external in {row}"));
        }
    }
    let sums = ["guest", "external", "internal", "bot", "guest_raw", "billable", "converted", "page_views"];
    let wrong = sums.into_iter().find(|name| total(report, Column(name)) != number(&report["totals"], name))?;
    Some(format!("the total of `{wrong}` is not the sum of its rows"))
}

fn end_differs(end: &End, report: &Value) -> Option<String> {
    let cell = |row: &Value, name: &String| row[name.as_str()].as_str().unwrap_or("-").to_owned();
    let columns: Vec<Column> =
        end.rows.first().map(|row| row.counts.iter().map(|(column, _)| *column).collect()).unwrap_or_default();
    let line = |keys: Vec<String>, counts: Vec<i64>| {
        let counts = columns.iter().zip(counts).map(|(column, count)| format!("{} {count}", column.0));
        keys.into_iter().chain(counts).collect::<Vec<_>>().join(" | ")
    };
    let expected: Vec<String> = end
        .rows
        .iter()
        .map(|row| line(row.keys.clone(), row.counts.iter().map(|(_, count)| *count).collect()))
        .collect();
    let found: Vec<String> = rows(report)
        .iter()
        .map(|row| {
            let keys = end.keys.iter().map(|key| cell(row, key)).collect();
            line(keys, columns.iter().map(|column| number(row, column.0)).collect())
        })
        .collect();
    (expected != found).then(|| {
        format!("in the end expected\n  {}\nbut the report says\n  {}", expected.join("\n  "), found.join("\n  "))
    })
}

fn rows(report: &Value) -> &[Value] {
    report["usage"].as_array().map(Vec::as_slice).unwrap_or_default()
}

fn number(row: &Value, name: &str) -> i64 {
    row[name].as_i64().unwrap_or(i64::MIN / 1024)
}
