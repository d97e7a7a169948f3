//! What commands print: answers to standard output, everything else to standard error.

use std::io::{self, IsTerminal, Write};

use comfy_table::presets::{ASCII_MARKDOWN, UTF8_FULL_CONDENSED};
use comfy_table::{CellAlignment, Table};
use portalmeter_meter::usage::{COLUMNS, Counters, UsageReport};

use crate::cli::Output;

/// Writes an answer. Whoever reads us may have hung up, and nobody else is left to tell.
pub(crate) fn say(text: &str) {
    let _hung_up = io::stdout().lock().write_all(text.as_bytes());
}

/// Writes a message beside the answer.
pub(crate) fn say_aside(text: &str) {
    let _hung_up = io::stderr().lock().write_all(text.as_bytes());
}

/// `1 line`, `2 lines`.
pub(crate) fn counted(number: u64, what: &str) -> String {
    if number == 1 { format!("1 {what}") } else { format!("{number} {what}s") }
}

/// Prints usage as asked. `period` is `day` or `month`.
pub(crate) fn usage(report: &UsageReport, output: Output, period: &str) -> io::Result<()> {
    let answer = match output {
        Output::Json => (serde_json::to_string(report)? + "\n").into_bytes(),
        Output::Csv => report.to_csv(period).map_err(io::Error::other)?,
        Output::Table => table(report, period).into_bytes(),
    };
    match io::stdout().lock().write_all(&answer) {
        // Whoever reads us has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}

/// Columns of the table for people: those that matter for the bill, then the rest.
const SHOWN: [&str; 12] = [
    "portal",
    "module",
    "day",
    "guest_raw",
    "bot",
    "guest",
    "external",
    "billable",
    "internal",
    "converted",
    "page_views",
    "state",
];

fn table(report: &UsageReport, period: &str) -> String {
    if report.usage.is_empty() {
        return "nothing was metered in that time\n".to_owned();
    }
    let mut table = Table::new();
    let pretty = io::stdout().is_terminal();
    table.load_style(if pretty { UTF8_FULL_CONDENSED } else { ASCII_MARKDOWN });
    table.set_header(SHOWN.map(|column| if column == "day" { period } else { column }));
    for row in &report.usage {
        let when = row.day.as_deref().or(row.month.as_deref()).unwrap_or_default();
        let of = [row.portal.as_str(), row.module.as_deref().unwrap_or_default(), when];
        table.add_row(cells(of, row.counters, &row.state.to_string()));
    }
    let sums = report.totals;
    table.add_row(cells(["total", "", ""], sums, ""));
    for column in 3..SHOWN.len() - 1 {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    debug_assert!(SHOWN.iter().all(|column| COLUMNS.contains(column)));
    format!(
        "{table}\nbillable = guest_raw - bot + external = {} - {} + {} = {}; days in {}; as of {}\n",
        sums.guest_raw,
        sums.bot,
        sums.external,
        sums.billable,
        report.zones(),
        report.as_of
    )
}

/// A row of the table: of what, its sums in the order of [`SHOWN`], and its state.
fn cells(of: [&str; 3], sums: Counters, state: &str) -> Vec<String> {
    let numbers = [
        sums.guest_raw,
        sums.bot,
        sums.guest,
        sums.external,
        sums.billable,
        sums.internal,
        sums.converted,
        sums.page_views,
    ];
    let numbers = numbers.into_iter().map(|number| number.to_string());
    of.into_iter().map(str::to_owned).chain(numbers).chain([state.to_owned()]).collect()
}
