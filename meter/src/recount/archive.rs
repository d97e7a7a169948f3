//! The ledger has the records that follow from the archived journals, and no others.

use std::collections::{BTreeSet, HashMap};
use std::io;
use std::ops::ControlFlow;
use std::path::PathBuf;

use portalmeter_rules::id::Name;
use portalmeter_rules::time::Millis;

use super::refold::{Expected, Refold, Refolded, Somebody};
use super::{Finding, Looked, What};
use crate::day::{Day, Month, Zone, instant};
use crate::engine::read_entry;
use crate::history::Memory;
use crate::journal::in_order::InOrder;
use crate::ledger::{Ledger, LedgerError, Line, Lines};
use crate::observation::Stamp;
use crate::policy::{Policy, PolicyId};
use crate::store::StoreError;

/// Journals of nodes, and how they were counted.
#[derive(Debug, Clone)]
pub struct Journals {
    /// Folders of segments: archives, and what is not archived yet, of every node.
    pub folders: Vec<PathBuf>,
    /// Policies, beside those that the ledger knows.
    pub stamps: Vec<Stamp>,
    /// What the fold remembered.
    pub memory: Memory,
    /// What is later than this may be on its way.
    pub upto: Millis,
}

/// Why journals could not be counted again.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// A folder or file cannot be read.
    #[error("the journals cannot be read: {0}")]
    File(#[from] io::Error),
    /// The ledger did not say by which policies.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// They make no sense.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What follows from journals, and of which times it can be said.
#[derive(Debug, Default)]
pub(super) struct Archive {
    refolded: Refolded,
    /// Nothing is said of days before this.
    begins: Option<Millis>,
    /// Nor of those that touch one of these.
    gaps: Vec<(Millis, Millis)>,
    keep: Millis,
    upto: Millis,
}

/// Counts a month of these portals again.
pub(super) fn refold(
    ledger: &mut dyn Ledger,
    journals: &Journals,
    month: Month,
    portals: &[String],
    looked: &mut Looked,
) -> Result<Archive, ArchiveError> {
    let mut stamps: HashMap<PolicyId, Stamp> = journals.stamps.iter().map(|stamp| (stamp.id, stamp.clone())).collect();
    for (id, text) in ledger.policies()? {
        if let Some(policy) = Policy::from_text(&text) {
            stamps.insert(id, Stamp { id, policy: policy.into() });
        }
    }
    let longest_idle = stamps.values().map(|stamp| stamp.policy.idle_timeout).max().unwrap_or_default();
    let decode = |bytes: &[u8]| {
        let (number, sighted) = read_entry(bytes, &|id| stamps.get(&id).cloned())?;
        Some((number, sighted.observation.at, sighted))
    };
    let mut entries = InOrder::find(&journals.folders, &decode)?;
    let begins = match (entries.about().cut, entries.about().first) {
        (Some(cut), _) => Some(cut),
        (None, first) => first.filter(|first| first_record(ledger).is_ok_and(|earliest| earliest < Some(*first))),
    };
    let known: Vec<Stamp> = stamps.values().cloned().collect();
    let mut refold =
        Refold::new(&known, journals.memory, month, portals, begins.map(|begins| begins.saturating_add(longest_idle)));
    for entry in &mut entries {
        let (_, _, sighted) = entry?;
        refold.take(sighted)?;
    }
    let about = entries.about().clone();
    looked.observations += about.entries;
    tell_of(&about, begins, looked);
    let gaps = about.gaps.iter().map(|gap| (gap.from, gap.upto)).collect();
    let (keep, upto) = (journals.memory.keep, journals.upto);
    Ok(Archive { refolded: refold.finish()?, begins, gaps, keep, upto })
}

fn tell_of(about: &crate::journal::in_order::About, begins: Option<Millis>, looked: &mut Looked) {
    if let Some(begins) = begins {
        looked.left_out.push(format!("the journals begin at {}: records before that", instant(begins)));
    }
    for gap in &about.gaps {
        looked.unread.push(format!(
            "the journal of {} lacks entries {} to {}, between {} and {}: the days that this touches",
            gap.node,
            gap.after + 1,
            gap.before - 1,
            instant(gap.from),
            instant(gap.upto)
        ));
    }
    if about.unreadable > 0 || about.damage.foreign > 0 {
        looked.unread.push(format!(
            "{} entries that cannot be read, and {} files that are no journals",
            about.unreadable, about.damage.foreign
        ));
    }
}

/// When the ledger's first record was.
fn first_record(ledger: &mut dyn Ledger) -> Result<Option<Millis>, LedgerError> {
    let mut first = None;
    let query = Lines { limit: Some(1), withdrawn: true, ..Lines::default() };
    ledger.records(&query, &mut |line| {
        first = Some(line.event_time);
        ControlFlow::Break(())
    })?;
    Ok(first)
}

impl Archive {
    /// Compares what follows for a portal with the ledger's records of the month.
    pub(super) fn check(
        &mut self,
        ledger: &mut dyn Ledger,
        month: Month,
        portal: &str,
        tell: &mut dyn FnMut(Finding),
        looked: &mut Looked,
    ) -> Result<(), LedgerError> {
        let mut expected = self.refolded.portals.remove(portal).unwrap_or_default();
        let mut doubts = Doubts { archive: self, left: BTreeSet::new(), recent: 0, zones: HashMap::new() };
        let query = Lines {
            portal: Some(portal.to_owned()),
            from: Some(month.first()),
            to: Some(month.end()),
            ..Lines::default()
        };
        let mut others: Vec<(Line, Option<Expected>)> = Vec::new();
        ledger.records(&query, &mut |line| {
            let follows = expected.remove(&line.id);
            let is_record = line.of.is_none() && line.corrects.is_none();
            if let (true, Some(visitor)) = (is_record && line.started.is_some(), line.visitor) {
                let of = (line.portal.clone(), line.module.clone(), visitor);
                let same = follows.as_ref().is_some_and(|follows| {
                    (follows.class, follows.account.as_deref()) == (line.class, line.account.as_deref())
                });
                if !same && doubts.are_none(&of, line.event_time, line.day, &line.zone) {
                    others.push((line, follows));
                }
            }
            ControlFlow::Continue(())
        })?;
        for (line, follows) in others {
            if !holds(ledger, line.id, follows.as_ref())? {
                tell(told(&line, follows.as_ref()));
            }
        }
        let mut missing: Vec<(Name, Expected)> = expected.into_iter().collect();
        missing.sort_by_key(|(id, record)| (record.day, *id));
        for (id, follows) in missing {
            let of = (portal.to_owned(), follows.module.clone(), follows.visitor);
            let sure = doubts.are_none(&of, follows.event_time, follows.day, &follows.zone);
            if sure && !holds(ledger, id, Some(&follows))? {
                tell(lacking(portal, id, &follows));
            }
        }
        if !doubts.left.is_empty() {
            let count = doubts.left.len();
            looked.left_out.push(format!("{portal}: {count} visitors who were there when the journals begin"));
        }
        if doubts.recent > 0 {
            looked.left_out.push(format!(
                "{portal}: {} records since {}, by journals or ledger alone, for they may be on their way: ask again later",
                doubts.recent,
                instant(self.upto)
            ));
        }
        Ok(())
    }
}

/// What is not known for sure, and is no finding therefore.
struct Doubts<'a> {
    archive: &'a Archive,
    left: BTreeSet<Somebody>,
    /// Records that may be on their way.
    recent: u64,
    zones: HashMap<String, Zone>,
}

impl Doubts<'_> {
    fn are_none(&mut self, of: &Somebody, at: Millis, day: Day, zone: &str) -> bool {
        let Archive { refolded, begins, gaps, keep, upto } = self.archive;
        if refolded.doubtful.contains(of) {
            self.left.insert(of.clone());
            return false;
        }
        if at > *upto {
            self.recent += 1;
            return false;
        }
        if begins.is_none() && gaps.is_empty() {
            return true;
        }
        let zone =
            self.zones.entry(zone.to_owned()).or_insert_with(|| Zone::named(zone).unwrap_or_else(|_| Zone::utc()));
        let (start, end) = (zone.start(day), zone.end(day));
        begins.is_none_or(|begins| start >= begins)
            && gaps.iter().all(|(from, upto)| end <= *from || start >= upto.saturating_add(*keep))
    }
}

/// Whether the ledger, with what was corrected later, comes to what follows.
fn holds(ledger: &mut dyn Ledger, id: Name, follows: Option<&Expected>) -> Result<bool, LedgerError> {
    let mut sums: HashMap<(&'static str, Option<String>), i64> = HashMap::new();
    let query = Lines { id: Some(id), ..Lines::default() };
    ledger.records(&query, &mut |line| {
        *sums.entry((line.class.name(), line.account)).or_default() += i64::from(line.amount);
        ControlFlow::Continue(())
    })?;
    if let Some(follows) = follows {
        *sums.entry((follows.class.name(), follows.account.clone())).or_default() -= 1;
    }
    Ok(sums.values().all(|sum| *sum == 0))
}

/// A record that does not follow, or not as it is.
fn told(line: &Line, follows: Option<&Expected>) -> Finding {
    Finding {
        portal: line.portal.clone(),
        module: line.module.clone(),
        day: line.day,
        what: if follows.is_some() { What::Changed } else { What::Added },
        which: line.id.to_string(),
        expected: follows.map_or_else(|| "no such record, by the journals".to_owned(), words),
        found: words(&Expected {
            module: None,
            visitor: Name::default(),
            day: line.day,
            zone: String::new(),
            class: line.class,
            reason: line.reason.unwrap_or(crate::record::Reason::Start),
            account: line.account.clone(),
            event_time: line.event_time,
        }),
    }
}

/// A record that follows and is not there.
fn lacking(portal: &str, id: Name, follows: &Expected) -> Finding {
    Finding {
        portal: portal.to_owned(),
        module: follows.module.clone(),
        day: follows.day,
        what: What::Missing,
        which: id.to_string(),
        expected: words(follows),
        found: "no such record".to_owned(),
    }
}

fn words(record: &Expected) -> String {
    let Expected { class, reason, account, event_time, .. } = record;
    let account = account.as_ref().map(|account| format!(" of {account}")).unwrap_or_default();
    format!("{class}{account}, {reason}, {}", instant(*event_time))
}
