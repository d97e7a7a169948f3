//! What is in the books in the end: records, totals and sessions, and how those of two stores differ.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use portalmeter_meter::ledger::{Ledger, Lines, Which};
use portalmeter_meter::usage::Sums;
use portalmeter_rules::time::Millis;

use super::delivery::Weather;
use super::portals::Portal;

/// Facts by what they are about, both as a person reads them.
pub(crate) type Facts = BTreeMap<String, String>;

/// The books of all portals.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Books {
    /// Records that hold, by id.
    pub(crate) records: Facts,
    /// Records and conversions of each day.
    pub(crate) totals: Facts,
    /// Pages and durations of each day, which may be repeated where what was committed is committed again.
    pub(crate) statistics: Facts,
    /// Sessions that are some, by id.
    pub(crate) sessions: Facts,
}

impl Books {
    pub(crate) fn read(ledger: &mut dyn Ledger, portals: &[Portal], sessions: Facts) -> Self {
        let mut books = Self { sessions, ..Self::default() };
        let each = &mut |line: portalmeter_meter::ledger::Line| {
            let id = line.id.to_string();
            let reason = line.reason.map_or("none", |reason| reason.name());
            let module = line.module.unwrap_or_default();
            let at = (line.event_time - super::BEGIN, line.started.map(|started| started - super::BEGIN));
            let user = line.user.map(|user| user.to_string());
            let what = (line.portal, module, line.day.to_string(), line.class.name(), reason, at, user);
            books.records.insert(id, format!("{what:?} of {:?}", line.visitor));
            ControlFlow::Continue(())
        };
        ledger.records(&Lines::default(), each).unwrap();
        for portal in portals {
            for total in ledger.totals(&portal.name, Which::All).unwrap().days {
                let day = format!("{} {:?} {}", portal.name, total.module, total.day);
                let Sums { records, converted, page_views, duration_ms, .. } = total.sums;
                // A day that came to nothing may have a row, or none.
                if (records, converted) != ([0; 4], 0) {
                    books.totals.insert(day.clone(), format!("{records:?} converted {converted}"));
                }
                if (page_views, duration_ms) != (0, 0) {
                    books.statistics.insert(day, format!("{page_views} pages {duration_ms} ms"));
                }
            }
        }
        books
    }

    /// What of it has to be the same however it was told.
    pub(crate) fn told_in(mut self, weather: Weather) -> Self {
        if weather.again > 0 {
            // What is committed again may be a view again.
            self.statistics.clear();
        }
        if weather.away > 0 {
            // Whoever comes again after a session ended may be known by another name: what is told late found the
            // former forgotten.
            for facts in [&mut self.records, &mut self.sessions] {
                *facts = nameless(facts);
            }
        }
        self
    }

    /// How these differ from others: nothing if they do not.
    pub(crate) fn differ(&self, other: &Self) -> Vec<String> {
        let mut found = Vec::new();
        compare("record", &self.records, &other.records, &mut found);
        compare("total", &self.totals, &other.totals, &mut found);
        compare("statistics", &self.statistics, &other.statistics, &mut found);
        compare("session", &self.sessions, &other.sessions, &mut found);
        found
    }

    /// Where they differ, and when a session began that only one of them has, or that differs.
    pub(crate) fn first_difference<'b>(&'b self, other: &'b Self) -> Option<(&'b str, Option<Millis>)> {
        let only = |these: &'b Self, those: &'b Self| {
            these.sessions.iter().find(|(id, fact)| those.sessions.get(*id) != Some(fact)).map(|(_, fact)| fact)
        };
        let Some(session) = only(self, other).or_else(|| only(other, self)) else {
            let mut days = self.statistics.iter().filter(|(day, fact)| other.statistics.get(*day) != Some(fact));
            return days.next().and_then(|(day, _)| Some((day.split(' ').next()?, None)));
        };
        let mut words = session.splitn(4, ' ');
        let (portal, _module) = (words.next()?, words.next());
        Some((portal, words.next()?.parse().ok()))
    }
}

/// The same facts, numbered where there are several.
fn nameless(facts: &Facts) -> Facts {
    let mut count: BTreeMap<&str, u32> = BTreeMap::new();
    for fact in facts.values() {
        *count.entry(fact.split(" of ").next().unwrap_or(fact)).or_default() += 1;
    }
    let each = count.into_iter().flat_map(|(fact, count)| (1..=count).map(move |number| (fact, number)));
    each.map(|(fact, number)| (number.to_string() + " " + fact, fact.to_owned())).collect()
}

/// Says what only one of them has.
pub(crate) fn compare(what: &str, these: &Facts, those: &Facts, found: &mut Vec<String>) {
    for (name, fact) in these.iter().filter(|(name, fact)| those.get(*name) != Some(fact)) {
        found.push(format!("- {what} {name}: {fact}"));
    }
    for (name, fact) in those.iter().filter(|(name, fact)| these.get(*name) != Some(fact)) {
        found.push(format!("+ {what} {name}: {fact}"));
    }
}
