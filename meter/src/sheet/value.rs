//! What is kept of visitors and their other names, and for how long.

use portalmeter_rules::id::Name;
use portalmeter_rules::time::Millis;
use portalmeter_rules::verdict::Evidence;

use crate::history::{History, Memory};
use crate::names::{ANSWERED, Company};

/// What is known of a visitor in a scope.
#[derive(Debug, Clone, Default)]
pub(crate) struct Visitor {
    /// When its cookie first came back, if nobody else may turn out to hold it.
    pub(crate) settled: Option<Millis>,
    /// When its cookie was last seen with what is not observed.
    pub(crate) overheard: Option<Millis>,
    /// Up to when the ledger knows of its session.
    pub(crate) told: Millis,
    /// What was seen of it.
    pub(crate) history: History,
}

/// What is known of another name.
#[derive(Debug, Clone)]
pub(crate) enum Also {
    /// Those behind a fingerprint.
    Company(Box<Company>),
    /// Behind which fingerprint a cookie was handed out.
    Behind(Name),
    /// The cookie that this one took the place of, and when this one was last seen.
    Renews(Name, Millis),
}

/// What stands in a slot.
#[derive(Debug, Clone, Default)]
pub(crate) enum Value {
    /// Nothing.
    #[default]
    Nothing,
    /// In a visitor's.
    Visitor(Box<Visitor>),
    /// In another name's.
    Also(Also),
}

impl Visitor {
    /// Whether to keep it would be to keep nothing.
    pub(crate) fn says_nothing(&self) -> bool {
        self.history.is_empty() && self.settled.is_none()
    }

    /// From now on others watch when its cookie is seen. Says when it was, as far as nobody else knows that.
    pub(super) fn unsettle(&mut self) -> impl Iterator<Item = Millis> + use<> {
        [self.settled.take(), self.overheard.take()].into_iter().flatten()
    }

    /// Bots have sessions of their own, and no browser has their names.
    pub(crate) fn is_bot(&self) -> bool {
        self.history.recent().last().is_some_and(|seen| seen.evidence == Evidence::Bot)
    }
}

impl Value {
    /// Until when it says something, where that depends on what was seen; sessions end after `idle` milliseconds.
    pub(super) fn lapses(&self, idle: Millis, memory: Memory) -> Option<Millis> {
        let seen = match self {
            // All that was seen of it may be its cookie.
            Self::Visitor(visitor) => visitor.history.last_seen().max(visitor.settled).max(visitor.overheard),
            Self::Also(Also::Company(company)) => Some(company.last_seen()),
            Self::Also(Also::Renews(_, seen)) => Some(*seen),
            Self::Nothing | Self::Also(Also::Behind(_)) => None,
        };
        seen.map(|seen| seen + idle + memory.keep)
    }

    /// When it may be forgotten: `spare` milliseconds after it lapsed. That it is changes nothing, but for a node that
    /// falls three minutes behind just then.
    pub(crate) fn expires(&self, now: Millis, idle: Millis, memory: Memory, spare: Millis) -> Millis {
        let as_if_now = now + idle + memory.keep + spare;
        match (self, self.lapses(idle, memory)) {
            (Self::Nothing | Self::Visitor(_), None) => now,
            // Where a store was away, others will come even later with what belongs to it.
            (_, Some(lapses)) if lapses < now + idle + memory.keep - memory.settle => as_if_now,
            (Self::Also(Also::Company(company)), _) if company.is_told_by_cookies() && !memory.lags(now) => {
                company.last_seen() + memory.settle + ANSWERED
            }
            (_, Some(lapses)) => lapses + spare,
            (Self::Also(_), None) => as_if_now,
        }
    }
}
