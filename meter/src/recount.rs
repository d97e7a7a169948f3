//! The recount: every number of a month proved again from what it is made of.
//!
//! A day's total is the sum of its records; a record's id follows from what it says, and the record from the journals; a correction makes of a record
//! what it says it makes; the store's counters are what the ledger has; a file is what its manifest vouches for, and both
//! are what the ledger has. Nothing is changed.

use std::fmt;
use std::ops::ControlFlow;

use portalmeter_rules::id::Name;
use portalmeter_rules::time::Millis;

use crate::day::{Day, Month};
use crate::flush::Files;
use crate::ledger::{After, By, Ledger, LedgerError, Lines, Query};

mod archive;
mod counters;
mod files;
mod lines;
mod refold;
mod totals;

pub use archive::{ArchiveError, Journals};
pub use counters::{Counted, Counters};
pub use refold::{Refold, Refolded};

/// Something that is not as it must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The portal.
    pub portal: String,
    /// The module, where sessions are counted per module.
    pub module: Option<String>,
    /// The day; the month's first of what is about a whole month.
    pub day: Day,
    /// What kind of thing.
    pub what: What,
    /// Which of its kind: a column, a record, a file.
    pub which: String,
    /// What must be there.
    pub expected: String,
    /// What is.
    pub found: String,
}

/// Kinds of findings. Their names are stable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum What {
    /// A day's total is not the sum of its records.
    Total,
    /// A record says something of itself that cannot be.
    Record,
    /// The same was counted twice.
    Duplicate,
    /// A correction does not make sense.
    Correction,
    /// A record that follows from the journals is not in the ledger.
    Missing,
    /// A record in the ledger does not follow from the journals.
    Added,
    /// A record in the ledger counts otherwise than by the journals.
    Changed,
    /// The store's counters of a day are not what the ledger has.
    Counter,
    /// A usage file is not what its manifest vouches for.
    File,
    /// A usage file says something else than the ledger.
    Row,
}

impl What {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Total => "total",
            Self::Record => "record",
            Self::Duplicate => "duplicate",
            Self::Correction => "correction",
            Self::Missing => "missing",
            Self::Added => "added",
            Self::Changed => "changed",
            Self::Counter => "counter",
            Self::File => "file",
            Self::Row => "row",
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { portal, module, day, what, which, expected, found } = self;
        f.write_str(portal)?;
        module.as_ref().map_or(Ok(()), |module| write!(f, "/{module}"))?;
        write!(f, " {day}: {} {which}: expected {expected}, found {found}", what.name())
    }
}

/// What was looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Looked {
    /// Totals of days, one for each module.
    pub totals: u64,
    /// Records and corrections.
    pub lines: u64,
    /// Days of the store's counters, of portals and of modules.
    pub counters: u64,
    /// Usage files.
    pub files: u64,
    /// Observations in journals.
    pub observations: u64,
    /// What was left out for good reason, such as that it is on its way.
    pub left_out: Vec<String>,
    /// What could not be read, and why: of that nothing is proved.
    pub unread: Vec<String>,
}

/// What shall be recounted.
#[derive(Debug, Clone)]
pub struct Question<'a> {
    /// The month.
    pub month: Month,
    /// These portals, or all if none is named.
    pub portals: &'a [String],
    /// Where usage files are, if there are any.
    pub files: Option<&'a Files>,
    /// The journals, archived and not, if they are to be counted again.
    pub journals: Option<&'a Journals>,
    /// Now.
    pub now: Millis,
}

/// Recounts a month and tells each finding.
pub fn recount(
    ledger: &mut dyn Ledger,
    mut counters: Option<&mut dyn Counters>,
    question: &Question<'_>,
    tell: &mut dyn FnMut(Finding),
) -> Result<Looked, ArchiveError> {
    let mut looked = Looked::default();
    let mut archive = match question.journals {
        Some(journals) => Some(archive::refold(ledger, journals, question.month, question.portals, &mut looked)?),
        None => None,
    };
    for portal in portals(ledger, question)? {
        totals::check(ledger, question.month, &portal, tell, &mut looked)?;
        lines::check(ledger, question.month, &portal, tell, &mut looked)?;
        if let Some(archive) = &mut archive {
            archive.check(ledger, question.month, &portal, tell, &mut looked)?;
        }
        if let Some(counters) = &mut counters {
            counters::check(ledger, question, &portal, &mut **counters, tell, &mut looked)?;
        }
        if let Some(files) = question.files {
            files::check(ledger, question.month, &portal, files, tell, &mut looked)?;
        }
    }
    Ok(looked)
}

/// The portals that have records or totals in the month.
fn portals(ledger: &mut dyn Ledger, question: &Question<'_>) -> Result<Vec<String>, LedgerError> {
    let (from, to) = (question.month.first(), question.month.end());
    if !question.portals.is_empty() {
        return Ok(question.portals.to_vec());
    }
    let usage = ledger.usage(&Query { from, to, by: By::Month, portals: Vec::new() })?;
    let mut all: Vec<String> = usage.into_iter().map(|row| row.portal).collect();
    // From portal to portal, for there may be records without a total.
    let mut after = None;
    loop {
        let mut next = None;
        let query = Lines { from: Some(from), to: Some(to), limit: Some(1), after: after.take(), ..Lines::default() };
        ledger.records(&query, &mut |line| {
            next = Some(line.portal);
            ControlFlow::Break(())
        })?;
        let Some(portal) = next else { break };
        after = Some(After { portal: portal.clone(), day: to, visitor: Some(LAST), id: LAST });
        all.push(portal);
    }
    all.sort();
    all.dedup();
    Ok(all)
}

/// No name is behind it.
const LAST: Name = Name([0xff; 16]);
