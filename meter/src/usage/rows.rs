//! Usage as others may hand it back: CSV, JSON lines, or the JSON document of a report.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::{Map, Value};

/// A row's columns by name, as text; what is null is empty.
pub type Columns = BTreeMap<String, String>;

/// Usage rows by what they are of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rows(pub BTreeMap<Of, Columns>);

/// What a row is of.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Of {
    /// The portal.
    pub portal: String,
    /// The module; empty where there is none.
    pub module: String,
    /// The day or the month.
    pub period: String,
}

impl fmt::Display for Of {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.portal)?;
        if !self.module.is_empty() {
            write!(f, "/{}", self.module)?;
        }
        write!(f, " {}", self.period)
    }
}

/// The text is no usage, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {why}")]
pub struct NoUsage {
    /// Where, from 1.
    pub line: u64,
    /// Why, and what was expected.
    pub why: String,
}

fn wrong(line: u64, why: impl Into<String>) -> NoUsage {
    NoUsage { line, why: why.into() }
}

impl Rows {
    /// Reads rows in whichever of the formats they are.
    pub fn read(text: &[u8]) -> Result<Self, NoUsage> {
        let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
        if !text.trim_ascii_start().starts_with(b"{") {
            return Self::csv(text);
        }
        // A report is one document, which may stretch over many lines; JSON lines have one on each.
        if let Ok(Value::Object(report)) = serde_json::from_slice(text)
            && let Some(Value::Array(usage)) = report.get("usage")
        {
            return Self::from_objects(usage.iter().map(|row| (1, row.as_object().cloned())));
        }
        let lines = text.split(|byte| *byte == b'\n').zip(1..);
        let lines = lines.filter(|(line, _)| !line.trim_ascii().is_empty());
        let objects: Result<Vec<_>, NoUsage> = lines
            .map(|(line, number)| match serde_json::from_slice(line) {
                Ok(row) => Ok((number, Some(row))),
                Err(error) => Err(wrong(number, format!("not a JSON object: {error}"))),
            })
            .collect();
        Self::from_objects(objects?.into_iter())
    }

    fn csv(text: &[u8]) -> Result<Self, NoUsage> {
        let mut csv = csv::ReaderBuilder::new().from_reader(text);
        let at = |error: &csv::Error| error.position().map_or(1, csv::Position::line);
        let header = csv.headers().map_err(|error| wrong(at(&error), error.to_string()))?.clone();
        if !header.iter().any(|name| name == "portal") {
            return Err(wrong(1, "no column `portal`; usage begins with a line of column names, divided by commas"));
        }
        let mut rows = Self::default();
        for record in csv.records() {
            let record = record.map_err(|error| wrong(at(&error), error.to_string()))?;
            let line = record.position().map_or(1, csv::Position::line);
            let columns = header.iter().zip(&record).map(|(name, value)| (name.to_owned(), value.to_owned()));
            rows.add(columns.collect(), line)?;
        }
        Ok(rows)
    }

    fn from_objects(objects: impl Iterator<Item = (u64, Option<Map<String, Value>>)>) -> Result<Self, NoUsage> {
        let mut rows = Self::default();
        for (line, object) in objects {
            let object = object.ok_or_else(|| wrong(line, "a row of usage is a JSON object"))?;
            let columns: Result<Columns, NoUsage> = object
                .into_iter()
                .map(|(name, value)| match value {
                    Value::Null => Ok((name, String::new())),
                    Value::String(text) => Ok((name, text)),
                    Value::Number(number) => Ok((name, number.to_string())),
                    other => Err(wrong(line, format!("`{name}` is neither text nor a number: {other}"))),
                })
                .collect();
            rows.add(columns?, line)?;
        }
        Ok(rows)
    }

    fn add(&mut self, mut columns: Columns, line: u64) -> Result<(), NoUsage> {
        let period = columns.remove("day").or_else(|| columns.remove("month"));
        let period = period.ok_or_else(|| wrong(line, "neither a `day` nor a `month`"))?;
        let portal = columns.remove("portal").ok_or_else(|| wrong(line, "no `portal`"))?;
        let of = Of { portal, module: columns.remove("module").unwrap_or_default(), period };
        let twice = format!("{of} is there twice");
        match self.0.insert(of, columns) {
            None => Ok(()),
            Some(_) => Err(wrong(line, twice)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CSV: &str = "portal,module,day,guest,state\nsupport,,2026-03-12,41,open\nsupport,chat,2026-03-12,3,open\n";
    const JSONL: &str = "{\"portal\":\"support\",\"module\":null,\"day\":\"2026-03-12\",\"guest\":41,\"state\":\"open\"}\n\n\
                         {\"portal\":\"support\",\"module\":\"chat\",\"day\":\"2026-03-12\",\"guest\":3,\"state\":\"open\"}\n";

    #[test]
    fn the_three_formats_say_the_same() {
        let rows = Rows::read(CSV.as_bytes()).unwrap();
        assert_eq!(rows.0.len(), 2);
        let report = format!("{{\"as_of\":\"\",\n\"usage\":[{}]\n}}", JSONL.trim().replace("}\n\n{", "},\n{"));
        for text in [JSONL.to_owned(), report, format!("\u{feff}{}", CSV.replace('\n', "\r\n"))] {
            assert_eq!(Rows::read(text.as_bytes()).as_ref(), Ok(&rows), "{text}");
        }
        assert_eq!(Rows::read(b"portal,module,month\n"), Ok(Rows::default()));
    }

    #[test]
    fn what_is_no_usage_is_told_with_its_line() {
        for (text, line, why) in [
            ("", 1, "no column `portal`"),
            ("a;b\n1;2\n", 1, "divided by commas"),
            ("portal,day\na,2026-03-12\na\n", 3, "1 field"),
            ("portal,day\na,2026-03-12\na,2026-03-12\n", 3, "a 2026-03-12 is there twice"),
            ("portal,guest\na,1\n", 2, "neither a `day`"),
            ("{\"portal\":\"a\",\"day\":\"x\"}\n{\"portal\":", 2, "not a JSON object"),
            ("{\"day\":\"x\"}", 1, "no `portal`"),
            ("{\"usage\":[3]}", 1, "a JSON object"),
            ("{\"portal\":\"a\",\"day\":\"x\",\"guest\":[1]}", 1, "neither text nor a number"),
        ] {
            let wrong = Rows::read(text.as_bytes()).unwrap_err();
            assert!(wrong.line == line && wrong.why.contains(why), "{text:?}: {wrong}");
        }
        assert!(Rows::read(b"portal,day\n\xff,x\n").is_err());
    }
}
