//! Entries as short as the stories that need them.

use portalmeter_meter::acts::{Act, Acts, QUARTER};
use portalmeter_meter::day::{Day, Zone};
use portalmeter_meter::entry::{Entry, Presence, SessionRow, UsageRecord};
use portalmeter_meter::policy::PolicyId;
use portalmeter_meter::record::Reason;
use portalmeter_meter::session::Class;
use portalmeter_rules::id::Name;

pub(crate) const MINUTE: i64 = 60_000;

/// The instant of a text like `2026-03-12T08:00:00Z`.
pub(crate) fn at(text: &str) -> i64 {
    text.parse::<jiff::Timestamp>().unwrap().as_millisecond()
}

pub(crate) fn day(text: &str) -> Day {
    text.parse().unwrap()
}

pub(crate) fn name(number: u64) -> Name {
    Name(u128::from(number + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835).to_be_bytes())
}

/// A visit: one session, what it counts, who was there, and what was seen.
#[derive(Clone)]
pub(crate) struct Visit {
    portal: String,
    module: Option<String>,
    zone: &'static str,
    at: i64,
    number: u64,
    class: Class,
    account: Option<String>,
    user: Option<u64>,
    minutes: i64,
    pages: Vec<(&'static str, &'static str, Option<&'static str>, u32)>,
}

/// A guest's visit to the portal `support` in Berlin. The number is the visitor's, and the session's at that time.
pub(crate) fn visit(number: u64, when: &str) -> Visit {
    Visit {
        portal: "support".into(),
        module: None,
        zone: "Europe/Berlin",
        at: at(when),
        number,
        class: Class::Guest,
        account: None,
        user: None,
        minutes: 10,
        pages: Vec::new(),
    }
}

impl Visit {
    pub(crate) fn to(mut self, portal: &str, zone: &'static str) -> Self {
        (self.portal, self.zone) = (portal.into(), zone);
        self
    }

    pub(crate) fn module(mut self, module: &str) -> Self {
        self.module = Some(module.into());
        self
    }

    pub(crate) fn class(mut self, class: Class) -> Self {
        self.class = class;
        self
    }

    /// Of a signed-in user of a company.
    pub(crate) fn external(mut self, account: &str, user: u64) -> Self {
        (self.class, self.account, self.user) = (Class::External, Some(account.into()), Some(user));
        self
    }

    pub(crate) fn lasting(mut self, minutes: i64) -> Self {
        self.minutes = minutes;
        self
    }

    pub(crate) fn seeing(mut self, room: &'static str, resource: &'static str, count: u32) -> Self {
        self.pages.push((room, resource, None, count));
        self
    }

    pub(crate) fn doing(mut self, action: &'static str, room: &'static str, resource: &'static str) -> Self {
        self.pages.push((room, resource, Some(action), 1));
        self
    }

    pub(crate) fn portal(&self) -> &str {
        &self.portal
    }

    pub(crate) fn record(&self) -> UsageRecord {
        let mut id = self.number.to_be_bytes().repeat(2);
        id[..6].copy_from_slice(&self.at.to_be_bytes()[2..]);
        let name_of = |kind: u8| {
            id[6] = kind;
            Name(id.clone().try_into().unwrap())
        };
        let [record, session] = [1, 2].map(name_of);
        UsageRecord {
            id: record,
            portal: self.portal.clone(),
            module: self.module.clone(),
            visitor: name(self.number),
            session,
            started: self.at,
            day: Zone::named(self.zone).unwrap().day(self.at),
            zone: self.zone.into(),
            class: self.class,
            reason: Reason::Start,
            account: self.account.clone(),
            user: self.user.map(name),
            agent: None,
            rule: "document".into(),
            policy: PolicyId(7),
            trial: false,
            event_time: self.at,
            stored_time: self.at + 1,
        }
    }

    pub(crate) fn entries(&self) -> Vec<Entry> {
        let record = self.record();
        let session = SessionRow {
            id: record.session,
            portal: record.portal.clone(),
            module: record.module.clone(),
            visitor: record.visitor,
            started: self.at,
            began: record.reason,
            last_seen: self.at + self.minutes * MINUTE,
            counted_day: record.day,
            class: self.class,
            proven_guest: false,
            logged_out: false,
            user: record.user,
            account: record.account.clone(),
            agent: None,
            pages: 1,
            actions: 0,
            converted: None,
            zone: self.zone.into(),
            policy: record.policy,
            gone: false,
            stored_time: record.stored_time,
        };
        let presence = Presence {
            portal: record.portal.clone(),
            module: record.module.clone(),
            day: record.day,
            visitor: record.visitor,
            user: record.user,
            gone: false,
        };
        let mut entries = vec![Entry::Record(record), Entry::Session(session)];
        if self.class != Class::Bot {
            entries.push(Entry::Presence(presence));
        }
        if !self.pages.is_empty() {
            entries.push(Entry::Acts(self.acts()));
        }
        entries
    }

    fn acts(&self) -> Acts {
        let act = |(room, resource, action, count): &(&str, &str, Option<&str>, u32)| Act {
            module: self.module.clone(),
            class: self.class,
            account: self.account.clone(),
            user: self.user.map(name),
            room: (*room).into(),
            resource: (*resource).into(),
            action: action.map(str::to_owned),
            count: *count,
        };
        Acts {
            portal: self.portal.clone(),
            at: self.at.div_euclid(QUARTER) * QUARTER,
            day: Zone::named(self.zone).unwrap().day(self.at),
            zone: self.zone.into(),
            acts: self.pages.iter().map(act).collect(),
        }
    }
}
