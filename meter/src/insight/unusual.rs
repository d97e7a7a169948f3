//! What should not be so, as far as the ledger shows it: days that ought to be sealed, and more bots than usual.

use portalmeter_rules::time::Millis;

use crate::day::{Day, Zone};
use crate::ledger::{Days, LedgerError, Look};

/// A day that is still open though it ought to be sealed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overdue {
    /// The portal.
    pub portal: String,
    /// The day.
    pub day: Day,
    /// When it ought to have been sealed.
    pub since: Millis,
}

/// A day with more bots than there usually are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Surge {
    /// The portal.
    pub portal: String,
    /// The day.
    pub day: Day,
    /// Records of bots on it.
    pub bots: i64,
    /// Records of bots a day over the four weeks before, rounded.
    pub usual: i64,
}

/// So far back it is looked, in days: further no day stays open.
const BACK: i32 = 62;
/// Sealing takes its turn once a minute: an hour late is late.
const GRACE: Millis = 3_600_000;
/// What bots are compared with, in days.
const WEEKS: i32 = 28;
/// Fewer bots are nothing to speak of; more, if so many times the usual.
const MANY: i64 = 100;
const TIMES: i64 = 3;

/// Days of the last two months that are open at `now`, though they ended longer than `seal_wait` ago.
pub fn overdue(
    look: &mut dyn Look,
    portals: &[String],
    seal_wait: Millis,
    now: Millis,
) -> Result<Vec<Overdue>, LedgerError> {
    let today = Zone::utc().day(now);
    let mut overdue = Vec::new();
    for (portal, total) in look.totals(portals, Days { from: today.plus(-BACK), to: today })? {
        let zone = Zone::named(&total.zone).unwrap_or_else(|_| Zone::utc());
        let since = zone.end(total.day).saturating_add(seal_wait);
        if total.sealed.is_none() && since.saturating_add(GRACE) < now {
            overdue.push(Overdue { portal, day: total.day, since });
        }
    }
    overdue.dedup_by(|a, b| (&a.portal, a.day) == (&b.portal, b.day));
    Ok(overdue)
}

/// Whether there were many more bots on one of the last two days than usual.
pub fn surges(look: &mut dyn Look, portals: &[String], today: Day) -> Result<Vec<Surge>, LedgerError> {
    let totals = look.totals(portals, Days { from: today.plus(-WEEKS - 1), to: today.plus(1) })?;
    let bots = |portal: &String, days: Days| -> i64 {
        let of = totals.iter().filter(|(of, total)| of == portal && days.contains(total.day));
        of.map(|(_, total)| total.sums.records[3]).sum()
    };
    let mut surges = Vec::new();
    for portal in portals {
        for day in [today.plus(-1), today] {
            let many = bots(portal, Days::one(day));
            let before = bots(portal, Days { from: today.plus(-WEEKS - 1), to: today.plus(-1) });
            let usual = (before + i64::from(WEEKS) / 2) / i64::from(WEEKS);
            if many >= MANY && many > TIMES * usual {
                surges.push(Surge { portal: portal.clone(), day, bots: many, usual });
            }
        }
    }
    Ok(surges)
}
