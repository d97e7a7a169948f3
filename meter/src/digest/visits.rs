//! Sessions by class and account: where the engagement of partners is counted from.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Digest, Kind};
use crate::day::Day;
use crate::ledger::Begun;
use crate::people::People;
use crate::session::Class;

/// A day's or a month's sessions of people, by when they began.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Visits {
    /// Sorted by class and account.
    pub rows: Vec<Visited>,
}

/// Sessions of a class and an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Visited {
    /// As what they count now.
    pub class: Class,
    /// The company of their users, as far as that is known.
    pub account: Option<String>,
    /// How many.
    pub sessions: u64,
    /// How long they lasted, in milliseconds.
    pub duration_ms: u64,
    /// The last day on which one began.
    pub last_day: Day,
    /// Who was signed in.
    pub users: People,
}

impl Visits {
    /// Of sessions that began on a day.
    pub fn of(day: Day, begun: &[Begun]) -> Self {
        let mut rows = BTreeMap::new();
        for one in begun.iter().filter(|one| one.class != Class::Bot) {
            let sum: &mut (u64, u64, Vec<u64>) = rows.entry((one.class, one.account.as_deref())).or_default();
            let (sessions, duration, users) = sum;
            *sessions += 1;
            *duration += (one.last_seen - one.started).unsigned_abs();
            users.extend(one.user);
        }
        let rows = rows.into_iter().map(|((class, account), (sessions, duration_ms, users))| Visited {
            class,
            account: account.map(str::to_owned),
            sessions,
            duration_ms,
            last_day: day,
            users: users.into_iter().collect(),
        });
        Self { rows: rows.collect() }
    }
}

impl Digest for Visits {
    const KIND: Kind = Kind::Visits;

    fn merge(parts: Vec<Self>) -> Self {
        let mut rows: BTreeMap<(Class, Option<String>), Vec<Visited>> = BTreeMap::new();
        for one in parts.into_iter().flat_map(|part| part.rows) {
            rows.entry((one.class, one.account.clone())).or_default().push(one);
        }
        let merged = rows.into_iter().map(|((class, account), rows)| Visited {
            class,
            account,
            sessions: rows.iter().map(|row| row.sessions).sum(),
            duration_ms: rows.iter().map(|row| row.duration_ms).sum(),
            last_day: rows.iter().map(|row| row.last_day).max().unwrap_or_default(),
            users: People::union(rows.iter().map(|row| &row.users)),
        });
        Self { rows: merged.collect() }
    }
}
