//! Usage files: a CSV and a JSON lines file a day and portal, and a month and portal, for whoever bills by files.
//!
//! Beside them lies a manifest with their checksums, written last. Files of an open day follow the ledger; those of a
//! sealed one are written once and never touched again. Nodes that share a folder take turns.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use portalmeter_rules::time::Millis;

use crate::day::{Day, Month, Zone, instant};
use crate::ledger::{By, Ledger, LedgerError, Query, Total, Which};
use crate::usage::{State, Usage, UsageReport};

mod manifest;
mod replace;

pub use manifest::{Manifest, SUFFIX, Written, sha256};
use replace::{remove_stale_drafts, replace};

/// Where usage files go, and in which formats.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Files {
    /// The folder.
    pub dir: PathBuf,
    /// Write CSV.
    pub csv: bool,
    /// Write JSON lines.
    pub jsonl: bool,
}

/// Why files were not written.
#[derive(Debug, thiserror::Error)]
pub enum FlushError {
    /// The folder does not do what a folder does.
    #[error("the folder of usage files, {}: {error}", dir.display())]
    Folder {
        /// Which.
        dir: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// A file could not be written; what was there before is still there.
    #[error("the usage file {}: {error}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// The files of a sealed day or month say something else than the ledger.
    #[error("the sealed usage files `{0}` are not what the ledger has, and were left alone: ask `portalmeter recount`")]
    Disagrees(String),
    /// The ledger did not say what there is to write.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

/// What a call wrote.
#[derive(Debug, Default)]
pub struct Wrote {
    /// Days and months whose files are new or changed.
    pub changed: u64,
    /// Another node is writing into the folder; to be called again.
    pub busy: bool,
    /// There is more to write; to be called again.
    pub more: bool,
    /// What went wrong, beside the rest, which went right.
    pub failed: Vec<FlushError>,
}

/// Keeps the files of a ledger's days and months up to date.
#[derive(Debug)]
pub struct Writer {
    files: Files,
    /// What comes after a day is sealed at the latest: by then a month is complete, visitors or none.
    patience: Millis,
    portals: BTreeMap<String, Known>,
    /// Since when another node has been writing.
    busy: Option<Millis>,
}

/// What was written of a portal.
#[derive(Debug, Default)]
struct Known {
    /// With the time that the day's manifest bears.
    days: BTreeMap<Day, (Standing, String)>,
    months: BTreeSet<Month>,
    open: BTreeSet<Day>,
    /// When all of its days were looked at.
    looked: Option<Millis>,
}

/// How a day of a portal stands, all modules together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Standing {
    revision: i64,
    sealed: bool,
}

/// What became of the files of a day or month.
enum Outcome {
    /// They are as they should be, since the time that their manifest bears.
    Stand(String),
    /// There is nothing to write, or not yet.
    Wait,
    /// They could not be written.
    Fail,
}

/// A day, or a month, of a portal.
struct Period<'a> {
    portal: &'a str,
    by: By,
    from: Day,
    standing: Standing,
}

/// Who holds it writes.
const LOCK: &str = ".portalmeter.lock";
/// Days and months that are written in one call: nobody waits long for the ledger.
const AT_A_TIME: u64 = 64;
/// How often all days are looked at, for months that ended without a visitor.
const LOOK: Millis = 3_600_000;
/// A node that writes for longer is stopped, or cut off, and is not waited for.
const STUCK: Millis = 5 * 60_000;

impl Writer {
    /// Writes into a folder. `seal_wait` is how long after its end a day is sealed at the latest.
    pub fn new(files: Files, seal_wait: Millis) -> Self {
        Self { files, patience: seal_wait.saturating_add(LOOK), portals: BTreeMap::new(), busy: None }
    }

    /// Writes what has changed of these portals, and of any others that have open days.
    pub fn write(&mut self, ledger: &mut dyn Ledger, portals: &[String], now: Millis) -> Result<Wrote, FlushError> {
        let folder = |error| FlushError::Folder { dir: self.files.dir.clone(), error };
        fs::create_dir_all(&self.files.dir).map_err(folder)?;
        let lock = lock(&self.files.dir).map_err(folder)?;
        self.busy = if lock.is_none() { self.busy.or(Some(now)) } else { None };
        if self.busy.is_some_and(|since| now - since < STUCK) {
            return Ok(Wrote { busy: true, ..Wrote::default() });
        }
        remove_stale_drafts(&self.files.dir, UNIX_EPOCH + Duration::from_millis(now.unsigned_abs())).map_err(folder)?;
        let mut open: BTreeMap<String, BTreeSet<Day>> = BTreeMap::new();
        for day in ledger.unsealed()? {
            open.entry(day.portal).or_default().insert(day.day);
        }
        for portal in portals.iter().chain(self.portals.keys()) {
            open.entry(portal.clone()).or_default();
        }
        let mut wrote = Wrote::default();
        for (portal, open) in open {
            let mut known = self.portals.remove(&portal).unwrap_or_default();
            let done = self.portal(ledger, &portal, open, &mut known, now, &mut wrote);
            self.portals.insert(portal, known);
            done?;
        }
        drop(lock);
        Ok(wrote)
    }

    fn portal(
        &self,
        ledger: &mut dyn Ledger,
        portal: &str,
        open: BTreeSet<Day>,
        known: &mut Known,
        now: Millis,
        wrote: &mut Wrote,
    ) -> Result<(), LedgerError> {
        // A day that is open no longer has been sealed: only a look at all of them shows it.
        let all = known.looked.is_none_or(|then| now - then >= LOOK) || !known.open.is_subset(&open);
        let days = ledger.totals(portal, if all { Which::All } else { Which::Unsealed })?.days;
        let mut complete = true;
        for (day, standing) in standings(&days).into_iter().rev() {
            let period = Period { portal, by: By::Day, from: day, standing };
            let there = self.manifest(&period);
            let as_of = there.as_ref().map(|there| &there.as_of);
            if as_of.is_some()
                && known.days.get(&day).map(|(then, as_of)| (then, as_of)) == as_of.map(|it| (&standing, it))
            {
                continue;
            }
            if wrote.changed >= AT_A_TIME {
                (wrote.more, complete) = (true, false);
                break;
            }
            match self.period(ledger, &period, there.as_ref(), now, wrote)? {
                Outcome::Stand(as_of) => drop(known.days.insert(day, (standing, as_of))),
                Outcome::Wait => {}
                Outcome::Fail => complete = false,
            }
        }
        let months = if all && complete { self.complete_months(&days, now) } else { Vec::new() };
        for (month, standing) in months {
            let period = Period { portal, by: By::Month, from: month.first(), standing };
            if known.months.contains(&month) {
                continue;
            }
            match self.period(ledger, &period, self.manifest(&period).as_ref(), now, wrote)? {
                Outcome::Stand(_) => drop(known.months.insert(month)),
                Outcome::Wait => {}
                Outcome::Fail => complete = false,
            }
        }
        if complete {
            known.open = open;
            known.looked = if all { Some(now) } else { known.looked };
        } else {
            known.looked = None;
        }
        Ok(())
    }

    /// Months of which every day is sealed, and how often their figures changed.
    fn complete_months(&self, days: &[Total], now: Millis) -> Vec<(Month, Standing)> {
        let last_sealed = days.iter().filter(|day| day.sealed.is_some()).map(|day| day.day).max();
        let mut months: BTreeMap<Month, Option<Standing>> = BTreeMap::new();
        for day in days {
            let month = day.day.month();
            let last = month.end().plus(-1);
            let zone = Zone::named(&day.zone).unwrap_or_else(|_| Zone::utc());
            let over = last_sealed.is_some_and(|sealed| sealed >= last) || zone.end(last) + self.patience <= now;
            let standing = months.entry(month).or_insert(Some(Standing { revision: 0, sealed: true }));
            if day.sealed.is_none() || !over {
                *standing = None;
            } else if let Some(standing) = standing {
                standing.revision += day.revision;
            }
        }
        months.into_iter().filter_map(|(month, standing)| Some((month, standing?))).collect()
    }

    /// The manifest that is there. One that cannot be read vouches for nothing.
    fn manifest(&self, period: &Period<'_>) -> Option<Manifest> {
        Manifest::read(&self.files.dir, &period.stem()).ok().flatten()
    }

    /// Writes the files of a day or month if they are not what they should be.
    fn period(
        &self,
        ledger: &mut dyn Ledger,
        period: &Period<'_>,
        there: Option<&Manifest>,
        now: Millis,
        wrote: &mut Wrote,
    ) -> Result<Outcome, LedgerError> {
        let sealed = there.filter(|there| there.state == State::Sealed);
        if let Some(sealed) = sealed {
            if !period.standing.sealed {
                // This ledger lags behind the one that wrote it.
                return Ok(Outcome::Wait);
            }
            if sealed.revision == period.standing.revision && self.has_all(sealed) {
                return Ok(Outcome::Stand(sealed.as_of.clone()));
            }
        }
        let (from, to, by) = (period.from, period.by.end(period.from), period.by);
        let usage = ledger.usage(&Query { from, to, by, portals: vec![period.portal.to_owned()] })?;
        if usage.is_empty() {
            return Ok(Outcome::Wait);
        }
        match self.put(period, &UsageReport::new(String::new(), usage), there, now) {
            Ok((as_of, changed)) => {
                wrote.changed += u64::from(changed);
                Ok(Outcome::Stand(as_of))
            }
            Err(error) => {
                wrote.failed.push(error);
                Ok(Outcome::Fail)
            }
        }
    }

    /// Whether the files that a manifest names are there. What is in them is for `recount`.
    fn has_all(&self, manifest: &Manifest) -> bool {
        manifest.files.iter().all(|file| self.files.dir.join(&file.name).exists())
    }

    /// The files' names and contents.
    fn contents(&self, stem: &str, report: &UsageReport, by: By) -> Result<Vec<(String, Vec<u8>)>, FlushError> {
        let mut contents = Vec::new();
        if self.files.csv {
            let name = format!("{stem}.csv");
            let csv = report.to_csv(by.name()).map_err(|error| self.failed(&name, io::Error::other(error)))?;
            contents.push((name, csv));
        }
        if self.files.jsonl {
            let name = format!("{stem}.jsonl");
            let lines = lines(&report.usage).map_err(|error| self.failed(&name, error))?;
            contents.push((name, lines));
        }
        Ok(contents)
    }

    /// Puts the files there, then their manifest. Says what time it bears, and whether anything changed.
    fn put(
        &self,
        period: &Period<'_>,
        report: &UsageReport,
        there: Option<&Manifest>,
        now: Millis,
    ) -> Result<(String, bool), FlushError> {
        let (dir, stem) = (&self.files.dir, period.stem());
        let contents = self.contents(&stem, report, period.by)?;
        let manifest = period.manifest(report, &contents, now);
        let agreed = there.filter(|there| there.agrees(&manifest));
        let sealed = there.is_some_and(|there| there.state == State::Sealed);
        if sealed && agreed.is_none() {
            return Err(FlushError::Disagrees(stem));
        }
        let mut changed = false;
        for (name, content) in &contents {
            let path = dir.join(name);
            // What is sealed is put back if it is gone, and left alone if it was changed: that is evidence.
            let stands = if sealed { path.exists() } else { fs::read(&path).is_ok_and(|there| there == *content) };
            if !stands {
                replace(dir, name, content).map_err(|error| self.failed(name, error))?;
                changed = true;
            }
        }
        if let (Some(there), false) = (agreed, changed && !sealed) {
            return Ok((there.as_of.clone(), changed));
        }
        let name = format!("{stem}.{SUFFIX}");
        let text = manifest.to_text().map_err(|error| self.failed(&name, error))?;
        replace(dir, &name, &text).map_err(|error| self.failed(&name, error))?;
        Ok((manifest.as_of, true))
    }

    fn failed(&self, name: &str, error: io::Error) -> FlushError {
        FlushError::File { path: self.files.dir.join(name), error }
    }
}

/// `None`: another node has it. On a file system without locks everybody has it: at worst two write the same.
fn lock(dir: &Path) -> io::Result<Option<File>> {
    let file = File::options().create(true).truncate(false).write(true).open(dir.join(LOCK))?;
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => Ok(None),
        Ok(()) | Err(TryLockError::Error(_)) => Ok(Some(file)),
    }
}

/// How the days stand, all modules together.
fn standings(days: &[Total]) -> BTreeMap<Day, Standing> {
    let mut all: BTreeMap<Day, Standing> = BTreeMap::new();
    for day in days {
        let standing = all.entry(day.day).or_insert(Standing { revision: 0, sealed: true });
        standing.revision += day.revision;
        standing.sealed &= day.sealed.is_some();
    }
    all
}

impl Period<'_> {
    /// What its files are called, without what tells them apart.
    fn stem(&self) -> String {
        stem(self.portal, self.by, self.from)
    }

    fn manifest(&self, report: &UsageReport, contents: &[(String, Vec<u8>)], now: Millis) -> Manifest {
        let (day, month) = self.by.label(self.from);
        let open = report.usage.iter().any(|row| row.state == State::Open);
        Manifest {
            portal: self.portal.to_owned(),
            day,
            month,
            timezone: report.zones(),
            state: if open { State::Open } else { State::Sealed },
            rows: report.usage.len() as u64,
            totals: report.totals,
            files: contents.iter().map(|(name, content)| Written::new(name.clone(), content)).collect(),
            revision: self.standing.revision,
            as_of: instant(now).to_string(),
        }
    }
}

/// What the files of a portal's day or month are called, without what tells them apart: `support-2026-03-12`.
pub fn stem(portal: &str, by: By, from: Day) -> String {
    let (day, month) = by.label(from);
    format!("{portal}-{}", day.or(month).unwrap_or_default())
}

fn lines(usage: &[Usage]) -> io::Result<Vec<u8>> {
    let mut lines = Vec::new();
    for row in usage {
        serde_json::to_writer(&mut lines, row)?;
        lines.push(b'\n');
    }
    Ok(lines)
}
