//! An entry that can be: within all bounds, and in the words of the tables.

use std::borrow::Cow;
use std::collections::HashSet;

use portalmeter_rules::id::Name;
use portalmeter_rules::time::Millis;

use super::super::line::{Line, clean};
use super::super::tables::{Reach, Scope};
use super::Needed;
use crate::acts::{Act, Acts};
use crate::day::Day;
use crate::entry::{Entry, Only, Presence, SessionRow};
use crate::session::Class;

#[derive(Debug)]
pub(super) enum Told<'a> {
    /// A record, and whether it holds.
    Record(Line, bool),
    Session(Cow<'a, SessionRow>),
    Presence(&'a Presence),
    Only(OnlyThese<'a>),
    Acts(&'a Acts),
}

/// What a visitor's sessions of a time count, and nothing else.
#[derive(Debug)]
pub(super) struct OnlyThese<'a> {
    pub(super) reach: Reach<'a>,
    pub(super) records: HashSet<Name>,
    pub(super) stored_time: Millis,
}

impl<'a> Told<'a> {
    /// The entry, unless it cannot be or is another portal's.
    pub(super) fn new(entry: &'a Entry, portal: Option<&str>) -> Option<Self> {
        if portal.is_some_and(|portal| portal != scope(entry).portal) || !is_possible(entry) {
            return None;
        }
        Some(match entry {
            Entry::Record(record) => Self::Record(Line::of_record(record), true),
            Entry::Withdrawn(record) => Self::Record(Line::of_record(record), false),
            Entry::Session(row) => Self::Session(cleaned(row)),
            Entry::Presence(presence) => Self::Presence(presence),
            Entry::Only(only) => Self::Only(these(only)),
            Entry::Acts(acts) => Self::Acts(acts),
        })
    }

    pub(super) fn reach(&self) -> Option<Reach<'a>> {
        match self {
            Self::Only(only) => Some(only.reach),
            _ => None,
        }
    }

    /// Which days decide what becomes of it.
    pub(super) fn need<'t>(&'t self, needed: &mut Needed<'t>) {
        match self {
            Self::Record(line, _) => needed.day(&line.portal, line.day),
            Self::Session(row) => {
                if let Some(day) = row.converted {
                    needed.day(&row.portal, day);
                }
            }
            Self::Presence(presence) => needed.day(&presence.portal, presence.day),
            Self::Only(_) | Self::Acts(_) => {}
        }
    }
}

fn these(only: &Only) -> OnlyThese<'_> {
    let bounded = |at: Millis| at.clamp(EARLIEST, LATEST);
    OnlyThese {
        reach: Reach {
            scope: Scope { portal: &only.portal, module: module(only.module.as_ref()) },
            visitor: only.visitor,
            after: bounded(only.after),
            upto: bounded(only.upto),
        },
        records: only.records.iter().copied().collect(),
        stored_time: only.stored_time,
    }
}

fn cleaned(row: &SessionRow) -> Cow<'_, SessionRow> {
    let texts = [Some(&row.zone), row.account.as_ref(), row.agent.as_ref()];
    let odd = |text: &String| text.contains('\0');
    if row.module.as_deref() != Some("") && !texts.into_iter().flatten().any(odd) {
        return Cow::Borrowed(row);
    }
    let mut row = row.clone();
    row.module = row.module.filter(|module| !module.is_empty());
    row.zone = clean(&row.zone);
    row.account = row.account.as_deref().map(clean);
    row.agent = row.agent.as_deref().map(clean);
    Cow::Owned(row)
}

fn scope(entry: &Entry) -> Scope<'_> {
    let none = &None;
    let (portal, of) = match entry {
        Entry::Record(record) | Entry::Withdrawn(record) => (&record.portal, &record.module),
        Entry::Session(row) => (&row.portal, &row.module),
        Entry::Presence(presence) => (&presence.portal, &presence.module),
        Entry::Only(only) => (&only.portal, &only.module),
        Entry::Acts(acts) => (&acts.portal, none),
    };
    Scope { portal, module: module(of.as_ref()) }
}

fn module(module: Option<&String>) -> Option<&str> {
    module.map(String::as_str).filter(|module| !module.is_empty())
}

/// Years 1 to 9999, which both databases can write.
const EARLIEST: Millis = -62_135_596_800_000;
const LATEST: Millis = 253_402_300_799_999;
const FIRST_DAY: Day = Day(-719_162);
const LAST_DAY: Day = Day(2_932_896);
/// A name longer than this fits no index of Postgres together with others, and is no portal's.
const LONGEST: usize = 255;

fn is_possible(entry: &Entry) -> bool {
    let name = |text: &str| text.len() <= LONGEST && !text.contains('\0');
    let time = |at: Millis| (EARLIEST..=LATEST).contains(&at);
    let day = |day: Day| (FIRST_DAY..=LAST_DAY).contains(&day);
    let Scope { portal, module } = scope(entry);
    let named = !portal.is_empty() && name(portal) && module.is_none_or(name);
    named
        && match entry {
            Entry::Record(record) | Entry::Withdrawn(record) => {
                day(record.day) && [record.started, record.event_time, record.stored_time].into_iter().all(time)
            }
            Entry::Session(row) => {
                day(row.counted_day)
                    && row.converted.is_none_or(day)
                    && [row.started, row.last_seen, row.stored_time].into_iter().all(time)
            }
            Entry::Presence(presence) => day(presence.day),
            Entry::Only(only) => time(only.stored_time),
            Entry::Acts(acts) => day(acts.day) && time(acts.at) && acts.acts.iter().all(is_possible_act),
        }
}

fn is_possible_act(act: &Act) -> bool {
    let texts = [act.module.as_deref(), act.account.as_deref(), act.action.as_deref()];
    let texts = texts.into_iter().flatten().chain([act.room.as_str(), act.resource.as_str()]);
    act.class != Class::Bot && texts.into_iter().all(|text| text.len() <= LONGEST && !text.contains('\0'))
}
