//! What a store keeps of a visitor in a scope: recent observations, and older ones as a checkpoint.
//!
//! The counts are those of the fold over the set. An observation that comes in order takes one
//! step; one that comes late is inserted and the recent past is folded again, and what no longer
//! follows is withdrawn.

use std::collections::BTreeSet;

use portalmeter_rules::id::Name;
use portalmeter_rules::time::Millis;

use crate::day::Day;
use crate::fold::{Conversion, Counted, Effect, is_live, step};
use crate::observation::{Kind, Observation};
use crate::session::Session;
use crate::terse::{Reader, Terse, Writer, read_checkpoint, write_checkpoint};

/// How far back, at least, the order of observations may still be mended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Memory {
    /// Older observations are forgotten into the checkpoint (`journal.keep`), in milliseconds.
    pub keep: Millis,
    /// What is so much older than the newest is settled, where all nodes have passed it: equal neighbours may be merged.
    pub settle: Millis,
    /// What is earlier than this instant no node has still to tell.
    pub passed: Millis,
}

impl Memory {
    /// Remember for `keep`; merge what is older than two minutes, longer than a portal takes to answer.
    pub fn keeping(keep: Millis) -> Self {
        Self { keep, settle: keep.min(2 * 60_000), passed: Millis::MAX }
    }

    /// Before which instant nothing is remembered one by one, where this is the newest that came: what all nodes have
    /// passed for so long, for what comes late may show of what was before whose that is.
    pub(crate) fn floor(&self, newest: Millis) -> Millis {
        newest.min(self.passed).saturating_sub(self.keep)
    }

    /// Whether somebody is further behind than usual.
    pub(crate) fn lags(&self, now: Millis) -> bool {
        self.passed < now - self.settle - TELLS
    }

    /// Before which instant nothing comes any more, where this is the newest that came.
    pub(crate) fn settled(&self, newest: Millis) -> Millis {
        (newest - self.settle).min(self.passed)
    }
}

/// A node that is there tells others how far it came within this time, in milliseconds: each second, if Redis is quick.
const TELLS: Millis = 10_000;

/// The difference a commit makes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Change {
    /// Sessions that now count.
    pub counted: Vec<Counted>,
    /// Those that no longer do.
    pub withdrawn: Vec<Counted>,
    /// Guest sessions that now became external.
    pub converted: Vec<Conversion>,
    /// Those that no longer did.
    pub unconverted: Vec<Conversion>,
    /// By how much sessions became longer on a day, in milliseconds; negative if shorter.
    pub lasted: Vec<(Day, Millis)>,
    /// Sessions that were touched, as they stand now.
    pub sessions: Vec<Session>,
    /// More of them is new than that they went on.
    pub altered: bool,
    /// Starts of sessions that turned out to be none.
    pub gone: Vec<Millis>,
    /// Days of new pages of people, each page once.
    pub pages: Vec<Day>,
    /// On which days which users were there, where that is news.
    pub present: Vec<Attendance>,
    /// Those that were told of and belong to another visitor.
    pub absent: Vec<Attendance>,
    /// Observations too old to count.
    pub late: u32,
}

/// A page's day, and its user where one is known.
pub type Attendance = (Day, Option<Name>);

impl Change {
    fn note(&mut self, effect: Effect) {
        match effect {
            Effect::Counted(counted) => self.counted.push(counted),
            Effect::Converted(conversion) => self.converted.push(conversion),
        }
    }

    /// Another change on top of this one. What the first said of records and the second takes back is not said.
    pub(crate) fn join(&mut self, later: Self) {
        fn cancel<T: PartialEq>(said: &mut Vec<T>, unsaid: &mut Vec<T>, later_said: Vec<T>, later_unsaid: Vec<T>) {
            for one in later_unsaid {
                match said.iter().position(|other| *other == one) {
                    Some(place) => drop(said.remove(place)),
                    None => unsaid.push(one),
                }
            }
            for one in later_said {
                match unsaid.iter().position(|other| *other == one) {
                    Some(place) => drop(unsaid.remove(place)),
                    None => said.push(one),
                }
            }
        }
        cancel(&mut self.counted, &mut self.withdrawn, later.counted, later.withdrawn);
        cancel(&mut self.converted, &mut self.unconverted, later.converted, later.unconverted);
        cancel(&mut self.present, &mut self.absent, later.present, later.absent);
        self.lasted.extend(later.lasted);
        self.pages.extend(later.pages);
        self.sessions.retain(|session| !later.gone.contains(&session.started));
        for session in later.sessions {
            self.gone.retain(|started| *started != session.started);
            match self.sessions.iter_mut().find(|one| one.started == session.started) {
                Some(there) => *there = session,
                None => self.sessions.push(session),
            }
        }
        self.gone.extend(later.gone);
        self.altered |= later.altered;
        self.late += later.late;
    }

    fn last(&mut self, day: Day, millis: Millis) {
        if millis != 0 {
            self.lasted.push((day, millis));
        }
    }

    /// A session as it stands: the last word on it.
    fn stands(&mut self, session: &Session) {
        match self.sessions.last_mut() {
            Some(last) if last.started == session.started => last.clone_from(session),
            _ => self.sessions.push(session.clone()),
        }
    }
}

/// A visitor's history in a scope.
#[derive(Debug, Clone, Default)]
pub struct History {
    base: Option<Session>,
    floor: Millis,
    recent: Vec<Observation>,
    tip: Option<Session>,
    compact_at: usize,
}

/// No more observations than this are remembered one by one; older ones go into the checkpoint early.
const MOST_RECENT: usize = 1024;
const FIRST_COMPACTION: usize = 8;

impl History {
    /// A history as a store kept it.
    pub fn restore(base: Option<Session>, floor: Millis, recent: Vec<Observation>) -> Self {
        let mut tip = base.clone();
        for seen in &recent {
            step(&mut tip, seen, &mut |_| {});
        }
        Self { base, floor, recent, tip, compact_at: FIRST_COMPACTION }
    }

    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        self.base.is_none() && self.recent.is_empty()
    }

    /// When the last of it was seen.
    pub fn last_seen(&self) -> Option<Millis> {
        let session = self.tip.as_ref().map(|session| session.last_seen);
        session.max(self.recent.last().map(|seen| seen.at))
    }

    /// The checkpoint: the session before everything in [`History::recent`].
    pub fn base(&self) -> Option<&Session> {
        self.base.as_ref()
    }

    /// Observations before this instant are late.
    pub fn floor(&self) -> Millis {
        self.floor
    }

    /// What is remembered one by one, in order.
    pub fn recent(&self) -> &[Observation] {
        &self.recent
    }

    /// The session as it is after everything.
    pub fn session(&self) -> Option<&Session> {
        self.tip.as_ref()
    }

    /// After which instant all that sessions count which began then follows from what is remembered one by one.
    pub(crate) fn complete_after(&self) -> Millis {
        self.base.as_ref().map_or(Millis::MIN, |base| base.started).max(self.floor - 1)
    }

    /// Everything that follows from what is remembered one by one, as if all of it were news.
    pub(crate) fn all(&self) -> Change {
        self.fold().1
    }

    /// Adds observations, in any order and any number of times, and says what that changes.
    pub fn add(&mut self, mut seen: Vec<Observation>, memory: Memory) -> Change {
        let mut change = Change::default();
        seen.sort();
        seen.dedup();
        let days = |seen: &[Observation]| seen.iter().filter(|one| one.is_view()).map(|one| one.day).collect();
        let floor = seen.partition_point(|one| one.at < self.floor);
        change.late = floor as u32;
        change.pages = days(&seen[..floor]);
        seen.drain(..floor);
        seen.retain(|one| self.recent.binary_search(one).is_err());
        change.pages.extend::<Vec<Day>>(days(&seen));
        let in_order = seen.first().is_none_or(|first| self.recent.last().is_none_or(|last| last < first));
        if in_order {
            for one in seen {
                self.append(one, &mut change);
            }
        } else {
            self.replace(&mut change, |recent| {
                recent.extend(seen);
                recent.sort();
            });
        }
        self.compact_if_due(memory);
        change
    }

    /// Adds one observation: [`History::add`] without its vector, for those that come in order.
    pub fn add_one(&mut self, seen: Observation, memory: Memory) -> Change {
        if seen.at >= self.floor && self.recent.last().is_none_or(|last| *last < seen) {
            let mut change = Change::default();
            change.pages.extend(seen.is_view().then_some(seen.day));
            self.append(seen, &mut change);
            self.compact_if_due(memory);
            return change;
        }
        self.add(vec![seen], memory)
    }

    /// Takes out observations that turned out to be another visitor's, and says what that changes.
    pub fn take_out(&mut self, is_theirs: impl Fn(&Observation) -> bool) -> (Vec<Observation>, Change) {
        let (mut change, mut taken) = (Change::default(), Vec::new());
        self.replace(&mut change, |recent| taken = recent.extract_if(.., |one| is_theirs(one)).collect());
        (taken, change)
    }

    fn append(&mut self, seen: Observation, change: &mut Change) {
        if seen.is_view() && !self.recent.iter().rev().any(|one| one.is_view() && attendance(one) == attendance(&seen))
        {
            change.present.push(attendance(&seen));
        }
        let before = self.tip.clone();
        let lasted = step(&mut self.tip, &seen, &mut |effect| change.note(effect));
        change.altered |= !is_same(before.as_ref(), self.tip.as_ref());
        before.iter().chain(&self.tip).for_each(|session| change.stands(session));
        change.last(seen.day, lasted);
        self.recent.push(seen);
    }

    fn replace(&mut self, change: &mut Change, with: impl FnOnce(&mut Vec<Observation>)) {
        let (_, before) = self.fold();
        with(&mut self.recent);
        let (tip, after) = self.fold();
        self.tip = tip;
        change.counted.extend(only_in(&after.counted, &before.counted));
        change.withdrawn.extend(only_in(&before.counted, &after.counted));
        change.converted.extend(only_in(&after.converted, &before.converted));
        change.unconverted.extend(only_in(&before.converted, &after.converted));
        change.present.extend(only_in(&after.present, &before.present));
        change.absent.extend(only_in(&before.present, &after.present));
        change.sessions.extend(only_in(&after.sessions, &before.sessions));
        change.altered = true;
        let began: BTreeSet<Millis> = after.sessions.iter().map(|session| session.started).collect();
        change.gone.extend(before.sessions.iter().map(|one| one.started).filter(|started| !began.contains(started)));
        change.lasted.extend(after.lasted);
        change.lasted.extend(before.lasted.into_iter().map(|(day, millis)| (day, -millis)));
    }

    /// All that follows from what is remembered.
    fn fold(&self) -> (Option<Session>, Change) {
        let mut all = Self { base: self.base.clone(), tip: self.base.clone(), ..Self::default() };
        let mut change = Change::default();
        // The checkpoint's stands even where nothing is left that came after it.
        self.base.iter().for_each(|session| change.stands(session));
        for seen in &self.recent {
            all.append(seen.clone(), &mut change);
        }
        (all.tip, change)
    }

    fn compact_if_due(&mut self, memory: Memory) {
        if self.recent.len() < self.compact_at.max(FIRST_COMPACTION) {
            return;
        }
        self.forget(memory);
        self.merge(memory);
        if self.recent.len() > MOST_RECENT {
            self.forget_first(self.recent.len() - MOST_RECENT / 2);
        }
        self.compact_at = 2 * self.recent.len();
    }

    /// Takes into the checkpoint what is older than `keep` before the newest.
    fn forget(&mut self, memory: Memory) {
        let Some(newest) = self.recent.last() else { return };
        let floor = memory.floor(newest.at);
        let old = self.recent.partition_point(|one| one.at < floor);
        self.forget_first(old);
    }

    fn forget_first(&mut self, count: usize) {
        for seen in self.recent.drain(..count) {
            step(&mut self.base, &seen, &mut |_| {});
            self.floor = self.floor.max(seen.at + 1);
        }
        // Observations of the last forgotten instant may be left: they stay part of the set.
        if let Some(next) = self.recent.first() {
            self.floor = self.floor.min(next.at);
        }
    }

    /// Of a run of settled neighbours that are equal and change nothing, keeps the first and the last.
    fn merge(&mut self, memory: Memory) {
        let Some(settled) = self.recent.last().map(|newest| memory.settled(newest.at)) else { return };
        let parts = self.parts();
        let mut kept: Vec<Observation> = Vec::with_capacity(self.recent.len());
        let mut rest = self.recent.drain(..).zip(parts).peekable();
        while let Some((seen, part)) = rest.next() {
            let bridged = kept.last().zip(rest.peek()).is_some_and(|(previous, (next, after))| {
                // Up to here the session lasted, if the next has none or another, or one that still may come between.
                *after != Part::Apart
                    && next.at < settled
                    && next.at - previous.at < seen.stamp.policy.idle_timeout
                    && if seen.kind == Kind::Activity {
                        // Neighbours that turn out to be another's move without it.
                        (seen.by, seen.user) == (previous.by, previous.user)
                            && (seen.by, seen.user) == (next.by, next.user)
                    } else {
                        alike(previous, &seen) && alike(&seen, next)
                    }
            });
            if !(part == Part::KeepsAlive && bridged) {
                kept.push(seen);
            }
        }
        drop(rest);
        self.recent = kept;
    }

    /// For each recent observation, what it is to the session before it.
    fn parts(&self) -> Vec<Part> {
        let mut session = self.base.clone();
        let parts = self.recent.iter().map(|seen| {
            let before = session.clone();
            let alive = before.as_ref().is_some_and(|one| is_live(one, seen.at, &seen.stamp.policy));
            let mut quiet = true;
            step(&mut session, seen, &mut |_| quiet = false);
            let started = |session: Option<&Session>| session.map(|session| session.started);
            if !alive || started(before.as_ref()) != started(session.as_ref()) {
                Part::Apart
            } else if quiet && unchanged(before.as_ref(), session.as_ref()) {
                Part::KeepsAlive
            } else {
                Part::Changes
            }
        });
        parts.collect()
    }
}

impl Terse for History {
    fn write(&self, to: &mut Writer) {
        let Self { base, floor, recent, tip: _, compact_at: _ } = self;
        write_checkpoint(to, *floor, base);
        recent.write(to);
    }

    fn read(from: &mut Reader<'_>) -> Option<Self> {
        let (floor, base) = read_checkpoint(from)?;
        Some(Self::restore(base, floor, Terse::read(from)?))
    }
}

/// What an observation is to the session that was there before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    /// None of it.
    Apart,
    /// It does no more than to keep it alive.
    KeepsAlive,
    /// It does more.
    Changes,
}

fn unchanged(before: Option<&Session>, after: Option<&Session>) -> bool {
    let (Some(earlier), Some(later)) = (before, after) else { return false };
    (earlier.counted || earlier.pages == later.pages) && is_same(before, after)
}

/// Whether a session only went on.
fn is_same(before: Option<&Session>, after: Option<&Session>) -> bool {
    let (Some(before), Some(after)) = (before, after) else { return before.is_none() && after.is_none() };
    Session { last_seen: after.last_seen, pages: after.pages, ..before.clone() } == *after
}

fn alike(one: &Observation, other: &Observation) -> bool {
    (one.kind, one.evidence, one.user, one.day, one.stamp.id, one.by)
        == (other.kind, other.evidence, other.user, other.day, other.stamp.id, other.by)
}

fn attendance(seen: &Observation) -> Attendance {
    (seen.day, seen.user)
}

/// What is in `these` and not in `those`, once.
fn only_in<T: Clone + PartialEq>(these: &[T], those: &[T]) -> Vec<T> {
    let mut only: Vec<T> = Vec::new();
    for this in these {
        if !those.contains(this) && !only.contains(this) {
            only.push(this.clone());
        }
    }
    only
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::observation::{Evidence, Note, Stamp};
    use crate::policy::{Experience, Policy};

    const HOUR: Millis = 3_600_000;
    const MINUTE: Millis = 60_000;

    fn page(at: Millis) -> Observation {
        let stamp = Stamp::new(Policy::preset(Experience::ServicePortal));
        let (day, note) = (stamp.policy.zone.day(at), Arc::new(Note::default()));
        let (kind, evidence) = (Kind::Page, Evidence::Guest);
        Observation { at, kind, evidence, user: None, day, stamp, note, by: None, tie: 0 }
    }

    /// What a page that comes late adds to the length of sessions, where somebody signed in was idle from the sixth
    /// minute to the twentieth.
    fn late(last: Observation, late: Observation) -> Millis {
        let (memory, mut history) = (Memory::keeping(HOUR), History::default());
        history.add_one(by(1, page(0)), memory);
        for minute in 1..=6 {
            history.add_one(Observation { kind: Kind::Activity, ..page(minute * MINUTE) }, memory);
        }
        history.add_one(last, memory);
        history.add_one(late, memory).lasted.iter().map(|(_, millis)| millis).sum()
    }

    fn by(user: u8, page: Observation) -> Observation {
        Observation { evidence: Evidence::External, user: Some(Name([user; 16])), ..page }
    }

    #[test]
    fn a_session_that_only_the_checkpoint_knows_stays_when_what_came_later_is_anothers() {
        let (memory, mut history) = (Memory::keeping(HOUR), History::default());
        for at in (0..FIRST_COMPACTION as Millis - 1).map(|minute| minute * MINUTE).chain([3 * HOUR]) {
            history.add_one(page(at), memory);
        }
        assert_eq!(history.recent().len(), 1);
        let (taken, change) = history.take_out(|one| one.at == 3 * HOUR);
        assert_eq!((taken.len(), change.gone), (1, vec![3 * HOUR]));
    }

    #[test]
    fn what_was_done_between_others_pages_is_remembered_when_those_turn_out_to_be_anothers() {
        let (memory, mut history) = (Memory::keeping(HOUR), History::default());
        let with = |cookie, at| Observation { by: Some(Name([cookie; 16])), ..page(at) };
        history.add_one(with(1, 0), memory);
        history.add_one(Observation { kind: Kind::Activity, ..with(1, MINUTE) }, memory);
        for minute in 2..=FIRST_COMPACTION as Millis {
            history.add_one(with(2, minute * MINUTE), memory);
        }
        let (_, change) = history.take_out(|one| one.by == Some(Name([2; 16])));
        assert_eq!(change.sessions.iter().map(|one| one.last_seen).collect::<Vec<_>>(), [MINUTE]);
    }

    #[test]
    fn a_session_is_told_as_the_checkpoint_knows_it_when_what_came_later_is_anothers() {
        let policy = Policy { idle_timeout: 3 * HOUR, ..Policy::preset(Experience::ServicePortal) };
        let long = |page: Observation| Observation { stamp: Stamp::new(policy.clone()), ..page };
        let (memory, mut history) = (Memory::keeping(HOUR), History::default());
        for at in (0..FIRST_COMPACTION as Millis - 1).map(|minute| minute * MINUTE) {
            history.add_one(long(page(at)), memory);
        }
        history.add_one(long(by(2, page(2 * HOUR))), memory);
        let (_, change) = history.take_out(|one| one.at == 2 * HOUR);
        let stand: Vec<_> = change.sessions.iter().map(|one| (one.started, one.last_seen, one.class)).collect();
        assert_eq!(stand, [(0, 6 * MINUTE, crate::session::Class::Guest)]);
    }

    #[test]
    fn a_session_lasted_until_another_began_also_where_what_tells_so_is_old() {
        assert_eq!(late(by(2, page(20 * MINUTE)), by(1, page(10 * MINUTE))), 4 * MINUTE);
    }

    #[test]
    fn a_session_lasted_until_another_began_also_where_that_becomes_known_late() {
        let nobody = Observation { evidence: Evidence::Unknown, ..page(20 * MINUTE) };
        assert_eq!(late(nobody, by(2, page(19 * MINUTE))), (6 + 1 - 20) * MINUTE);
    }

    #[test]
    fn the_record_of_a_day_is_of_its_first_page_be_it_the_last_that_becomes_known() {
        let memory = Memory::keeping(HOUR);
        let mut history = History::default();
        history.add(vec![page(24 * HOUR - MINUTE), page(24 * HOUR + MINUTE)], memory);
        let change = history.add_one(page(24 * HOUR), memory);
        let of = |counted: &[Counted]| counted.iter().map(|one| (one.day, one.at)).collect::<Vec<_>>();
        assert_eq!(of(&change.withdrawn), [(Day(1), 24 * HOUR + MINUTE)]);
        assert_eq!(of(&change.counted), [(Day(1), 24 * HOUR)]);
    }
}
