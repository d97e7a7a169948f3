//! Entries and questions as short as the stories that need them.

use portalmeter_meter::day::Day;
use portalmeter_meter::entry::{Entry, Only, Presence, SessionRow, UsageRecord};
use portalmeter_meter::ledger::{Ledger, Line, Lines, OpenDay, Position, Statistics, Stretch, Take, Taken, Which};
use portalmeter_meter::policy::PolicyId;
use portalmeter_meter::record::Reason;
use portalmeter_meter::session::Class;
use portalmeter_rules::id::Name;
use std::ops::ControlFlow;

pub(crate) const PORTAL: &str = "support";
pub(crate) const ZONE: &str = "Europe/Berlin";
pub(crate) const HOUR: i64 = 3_600_000;
/// 2026-03-12T08:00:00Z, nine o'clock in Berlin.
pub(crate) const MORNING: i64 = 1_773_302_400_000;

/// 12 March 2026, or so many days later.
pub(crate) fn day(later: i32) -> Day {
    "2026-03-12".parse::<Day>().unwrap().plus(later)
}

/// An id that begins with an instant, as those of records and sessions do.
pub(crate) fn id(at: i64, number: u64) -> Name {
    let mut id = [0; 16];
    id[..6].copy_from_slice(&at.to_be_bytes()[2..]);
    id[8..].copy_from_slice(&number.to_be_bytes());
    Name(id)
}

pub(crate) fn visitor(number: u64) -> Name {
    Name(u128::from(number).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835).to_be_bytes())
}

/// The first record of a visitor: a guest's, at nine on 12 March.
pub(crate) fn record(number: u64) -> UsageRecord {
    UsageRecord {
        id: id(MORNING, number),
        portal: PORTAL.into(),
        module: None,
        visitor: visitor(number),
        session: id(MORNING, 1_000_000 + number),
        started: MORNING,
        day: day(0),
        zone: ZONE.into(),
        class: Class::Guest,
        reason: Reason::Start,
        account: None,
        user: None,
        agent: None,
        rule: "document".into(),
        policy: PolicyId(7),
        trial: false,
        event_time: MORNING,
        stored_time: MORNING + 1,
    }
}

/// The session that a record is of.
pub(crate) fn session(of: &UsageRecord) -> SessionRow {
    SessionRow {
        id: of.session,
        portal: of.portal.clone(),
        module: of.module.clone(),
        visitor: of.visitor,
        started: of.started,
        began: of.reason,
        last_seen: of.event_time,
        counted_day: of.day,
        class: of.class,
        proven_guest: true,
        logged_out: false,
        user: of.user,
        account: of.account.clone(),
        agent: of.agent.clone(),
        pages: 1,
        actions: 0,
        converted: None,
        zone: of.zone.clone(),
        policy: of.policy,
        gone: false,
        stored_time: of.stored_time,
    }
}

pub(crate) fn presence(number: u64, on: Day, user: Option<u64>) -> Presence {
    Presence {
        portal: PORTAL.into(),
        module: None,
        day: on,
        visitor: visitor(number),
        user: user.map(visitor),
        gone: false,
    }
}

/// Of what a visitor began on 12 March, these hold.
pub(crate) fn only(number: u64, records: Vec<Name>, stored_time: i64) -> Only {
    Only {
        portal: PORTAL.into(),
        module: None,
        visitor: visitor(number),
        after: MORNING - HOUR,
        upto: MORNING + HOUR,
        records,
        stored_time,
    }
}

pub(crate) fn held(records: impl IntoIterator<Item = UsageRecord>) -> Vec<Entry> {
    records.into_iter().map(Entry::Record).collect()
}

/// Takes entries as the next stretch of the portal's stream.
pub(crate) fn tell(ledger: &mut dyn Ledger, entries: &[Entry]) -> Taken {
    let from = ledger.position(PORTAL).unwrap();
    let upto = Position { at: from.at + 1, number: 0, stream: 0 };
    match ledger.take(&Stretch { portal: PORTAL, from, upto, entries }, MORNING).unwrap() {
        Take::Done(taken) => taken,
        Take::Moved(at) => panic!("moved to {at}, though nobody else is here"),
    }
}

/// guest, external, internal, bot of a day, over all modules.
pub(crate) fn sums(ledger: &mut dyn Ledger, on: Day) -> [i64; 4] {
    let totals = ledger.totals(PORTAL, Which::All).unwrap().days;
    let mut sums = [0; 4];
    for total in totals.iter().filter(|total| total.day == on) {
        (0..4).for_each(|class| sums[class] += total.sums.records[class]);
    }
    sums
}

pub(crate) fn lines(ledger: &mut dyn Ledger, query: &Lines) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut each = |line| {
        lines.push(line);
        ControlFlow::Continue(())
    };
    ledger.records(query, &mut each).unwrap();
    lines
}

pub(crate) fn all_lines(ledger: &mut dyn Ledger) -> Vec<Line> {
    lines(ledger, &Lines { withdrawn: true, ..Lines::default() })
}

pub(crate) fn seal(ledger: &mut dyn Ledger, on: Day) -> u64 {
    ledger.seal(&OpenDay { day: on, portal: PORTAL.into(), zone: ZONE.into() }, MORNING + 36 * HOUR).unwrap()
}

pub(crate) fn statistics(on: Day, page_views: i64) -> Statistics {
    Statistics { module: None, day: on, zone: ZONE.into(), page_views, actions: 1, duration_ms: 2000 }
}
