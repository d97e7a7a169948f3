//! A usage file is what its manifest vouches for, and both are what the ledger has.

use std::collections::BTreeMap;
use std::fs;
use std::io;

use super::{Finding, Looked, What};
use crate::day::{Day, Month};
use crate::flush::{Files, Manifest, SUFFIX, Written, sha256, stem};
use crate::ledger::{By, Ledger, LedgerError, Query, Which};
use crate::usage::compare::differences;
use crate::usage::rows::Rows;
use crate::usage::{State, UsageReport};

/// Looks at the files of a portal's days in a month, and of the month.
pub(super) fn check(
    ledger: &mut dyn Ledger,
    month: Month,
    portal: &str,
    files: &Files,
    tell: &mut dyn FnMut(Finding),
    looked: &mut Looked,
) -> Result<(), LedgerError> {
    if !files.dir.is_dir() {
        let left = format!("{portal}: there is no folder {} of usage files", files.dir.display());
        looked.left_out.push(left);
        return Ok(());
    }
    let mut days: BTreeMap<Day, (i64, bool)> = BTreeMap::new();
    for total in ledger.totals(portal, Which::All)?.days {
        if total.day >= month.first() && total.day < month.end() {
            let (revision, sealed) = days.entry(total.day).or_insert((0, true));
            *revision += total.revision;
            *sealed &= total.sealed.is_some();
        }
    }
    for (day, (revision, sealed)) in &days {
        let period = Period { portal, by: By::Day, from: *day, revision: *revision, sealed: *sealed, files };
        period.check(ledger, tell, looked)?;
    }
    let revision = days.values().map(|(revision, _)| revision).sum();
    // A month whose last days had no visitor is complete when its files say so.
    let last = days.last_key_value().is_some_and(|(day, _)| day.plus(1) == month.end());
    let sealed = last && days.values().all(|(_, sealed)| *sealed);
    let of_month = Period { portal, by: By::Month, from: month.first(), revision, sealed, files };
    if sealed || of_month.is_there() {
        of_month.check(ledger, tell, looked)?;
    }
    Ok(())
}

/// A day or month, as the ledger has it.
struct Period<'a> {
    portal: &'a str,
    by: By,
    from: Day,
    revision: i64,
    sealed: bool,
    files: &'a Files,
}

impl Period<'_> {
    fn stem(&self) -> String {
        stem(self.portal, self.by, self.from)
    }

    /// Whether somebody vouches for its files.
    fn is_there(&self) -> bool {
        self.files.dir.join(format!("{}.{SUFFIX}", self.stem())).exists()
    }

    fn finding(
        &self,
        what: What,
        which: impl Into<String>,
        expected: impl Into<String>,
        found: impl Into<String>,
    ) -> Finding {
        Finding {
            portal: self.portal.to_owned(),
            module: None,
            day: self.from,
            what,
            which: which.into(),
            expected: expected.into(),
            found: found.into(),
        }
    }

    fn check(
        &self,
        ledger: &mut dyn Ledger,
        tell: &mut dyn FnMut(Finding),
        looked: &mut Looked,
    ) -> Result<(), LedgerError> {
        let name = format!("{}.{SUFFIX}", self.stem());
        let manifest = match Manifest::read(&self.files.dir, &self.stem()) {
            Ok(Some(manifest)) => manifest,
            Ok(None) if !self.sealed => return Ok(()),
            Ok(None) => {
                tell(self.finding(What::File, name, "a manifest, for it is sealed", "none"));
                return Ok(());
            }
            Err(error) => {
                tell(self.finding(What::File, name, "a manifest", error.to_string()));
                return Ok(());
            }
        };
        let is_final = manifest.state == State::Sealed;
        if !is_final && manifest.revision != self.revision {
            looked.left_out.push(format!("{}: its files are still behind the ledger", self.stem()));
            return Ok(());
        }
        let (from, to) = (self.from, self.by.end(self.from));
        let usage = ledger.usage(&Query { from, to, by: self.by, portals: vec![self.portal.to_owned()] })?;
        let report = UsageReport::new(String::new(), usage);
        let wanted = report.to_csv(self.by.name()).ok().and_then(|csv| Rows::read(&csv).ok()).unwrap_or_default();
        if manifest.rows != wanted.0.len() as u64 {
            tell(self.finding(
                What::Row,
                format!("rows in {name}"),
                wanted.0.len().to_string(),
                manifest.rows.to_string(),
            ));
        }
        if manifest.totals != report.totals {
            let told = |totals| serde_json::to_string(totals).unwrap_or_default();
            tell(self.finding(What::Row, format!("totals in {name}"), told(&report.totals), told(&manifest.totals)));
        }
        for file in &manifest.files {
            looked.files += 1;
            self.file(file, is_final, &wanted, tell);
        }
        Ok(())
    }

    /// Compares a file with what is vouched for, and its rows with the ledger's.
    fn file(&self, file: &Written, is_final: bool, wanted: &Rows, tell: &mut dyn FnMut(Finding)) {
        let name = &file.name;
        let content = match read(&self.files.dir.join(name), file.bytes) {
            Ok(content) => content,
            Err(error) => {
                tell(self.finding(What::File, name, format!("{} bytes", file.bytes), error.to_string()));
                return;
            }
        };
        let rows = Rows::read(&content);
        let same = rows.as_ref().is_ok_and(|rows| differences(wanted, rows).is_empty());
        let sum = sha256(&content);
        // Of an open day the manifest is written a moment after the file.
        if sum != file.sha256 && (is_final || !same) {
            let expected = format!("{} bytes with SHA-256 {}", file.bytes, file.sha256);
            let found = format!("{} bytes with SHA-256 {sum}", content.len());
            tell(self.finding(What::File, name, expected, found));
        }
        match rows {
            Ok(rows) => self.rows(name, wanted, &rows, tell),
            Err(wrong) => tell(self.finding(What::Row, name, "usage", wrong.to_string())),
        }
    }

    fn rows(&self, name: &str, wanted: &Rows, found: &Rows, tell: &mut dyn FnMut(Finding)) {
        for one in differences(wanted, found) {
            let said = |side: &Option<String>| side.clone().unwrap_or_else(|| "nothing".to_owned());
            let column = one.column.as_deref().unwrap_or("row");
            let module = Some(one.module.clone()).filter(|module| !module.is_empty());
            let which = if one.portal == self.portal { column.to_owned() } else { format!("{column} of {}", one.of()) };
            let found = self.finding(What::Row, format!("{which} in {name}"), said(&one.first), said(&one.second));
            tell(Finding { module, ..found });
        }
    }
}

/// Reads a file, unless it is far larger than it should be.
fn read(path: &std::path::Path, bytes: u64) -> io::Result<Vec<u8>> {
    if fs::metadata(path)?.len() > 2 * bytes + (1 << 20) {
        return Err(io::Error::other("a far larger file"));
    }
    fs::read(path)
}
