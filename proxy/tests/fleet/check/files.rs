//! What the usage files of a node say, in CSV and in JSON lines.

use std::collections::BTreeMap;
use std::fs;

use super::super::calendar::Calendar;
use super::super::nodes::Node;
use super::super::plan;
use super::{Counts, Found, Place, report};

/// The files of the run's days.
pub(crate) fn read(node: &Node, calendar: &Calendar) -> [Found; 2] {
    let (mut jsonl, mut csv) = (BTreeMap::new(), BTreeMap::new());
    for day in 0..2 {
        for portal in plan::ALL {
            let file = node.dir.join("usage").join(format!("{}-{}", portal.name, calendar.date(day)));
            let read = |kind: &str| fs::read_to_string(file.with_extension(kind)).unwrap_or_default();
            jsonl.extend(report::rows(&read("jsonl")));
            csv.extend(table(&read("csv")));
        }
    }
    let found = |kind: &str, counts| Found { source: format!("{kind} of {}", node.name()), counts };
    [found("jsonl", jsonl), found("csv", csv)]
}

/// No field of ours has a comma or a quote.
fn table(text: &str) -> BTreeMap<Place, Counts> {
    let mut lines = text.lines();
    let columns: Vec<&str> = lines.next().unwrap_or_default().split(',').collect();
    let rows = lines.map(|line| {
        let fields: Vec<&str> = line.split(',').collect();
        let field = |name: &str| {
            let place = columns.iter().position(|column| *column == name);
            fields[place.unwrap_or_else(|| panic!("a column `{name}` in {columns:?}"))]
        };
        let place = (field("portal").to_owned(), field("module").to_owned(), field("day").to_owned());
        (place, Counts::read(|column| field(column).parse().unwrap()))
    });
    rows.collect()
}
