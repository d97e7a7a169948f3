//! Records and sessions of a day by quarter of an hour: what another zone's hours and days are regrouped from.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Digest, Kind};
use crate::acts::QUARTER;
use crate::ledger::{Begun, Counted};
use crate::session::Class;

/// A day by quarter of an hour.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hours {
    /// Sorted by module and time; those without anything are left out.
    pub quarters: Vec<Quarter>,
}

/// What a quarter of an hour had.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quarter {
    /// The module.
    pub module: Option<String>,
    /// When it began, in quarters of an hour since 1970-01-01 UTC.
    pub number: i64,
    /// The sums.
    pub counts: HourCounts,
}

/// Sums of a while.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HourCounts {
    /// Records that counted then, by class in the order of [`Class::ALL`], corrections among them.
    pub records: [i64; 4],
    /// People's sessions that began then.
    pub sessions: i64,
    /// Of those, the ones in which somebody signed in.
    pub signed_in: i64,
    /// How long they lasted, in milliseconds.
    pub duration_ms: i64,
}

impl HourCounts {
    /// Adds others.
    pub fn add(&mut self, other: &Self) {
        self.records.iter_mut().zip(other.records).for_each(|(sum, one)| *sum += one);
        self.sessions += other.sessions;
        self.signed_in += other.signed_in;
        self.duration_ms += other.duration_ms;
    }
}

impl Hours {
    /// Of what counted, and the sessions that began.
    pub fn of(counted: &[Counted], begun: &[Begun]) -> Self {
        let mut sums: BTreeMap<(Option<&str>, i64), HourCounts> = BTreeMap::new();
        for one in counted {
            let at = one.at.div_euclid(QUARTER);
            sums.entry((one.module.as_deref(), at)).or_default().records[one.class as usize] += one.amount;
        }
        for one in begun.iter().filter(|one| one.class != Class::Bot) {
            let counts = sums.entry((one.module.as_deref(), one.started.div_euclid(QUARTER))).or_default();
            counts.sessions += 1;
            counts.signed_in += i64::from(one.class != Class::Guest);
            counts.duration_ms += one.last_seen - one.started;
        }
        let quarters = sums.into_iter().map(|((module, number), counts)| {
            let module = module.map(str::to_owned);
            Quarter { module, number, counts }
        });
        Self { quarters: quarters.collect() }
    }
}

impl Digest for Hours {
    const KIND: Kind = Kind::Hours;

    fn merge(parts: Vec<Self>) -> Self {
        Self { quarters: parts.into_iter().flat_map(|part| part.quarters).collect() }
    }
}
