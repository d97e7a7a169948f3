//! What people did, added up: page views and actions, by whom and where. Statistics for engagement, no part of a bill.
//!
//! A node adds up what it sees off the request path and tells the sums now and then, beside its commits. A crash loses
//! what was not told yet; a store that took them and could not say so is told twice.

use std::sync::Arc;

use portalmeter_rules::id::Name;
use portalmeter_rules::time::Millis;
use serde::{Deserialize, Serialize};

use crate::day::Day;
use crate::entry::Entry;
use crate::session::Class;
use crate::store::step::{Gain, Step};
use crate::usage::Sums;

/// What was done in a portal within a quarter of an hour.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acts {
    /// The portal.
    pub portal: String,
    /// When the quarter of an hour began.
    pub at: Millis,
    /// The local day that it is of.
    pub day: Day,
    /// Whose midnight it is.
    pub zone: String,
    /// The sums.
    pub acts: Vec<Act>,
}

/// How often somebody did something.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Act {
    /// The module, where sessions are counted per module.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub module: Option<String>,
    /// As what they were there: guest, external or internal.
    pub class: Class,
    /// The company of a signed-in user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// Who was signed in.
    #[serde(with = "crate::entry::hex::option", default, skip_serializing_if = "Option::is_none")]
    pub user: Option<Name>,
    /// The group of pages.
    pub room: String,
    /// The page, or what was downloaded, searched or played.
    pub resource: String,
    /// What was done: `download`, `search` …; nothing of a page view.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<String>,
    /// How often.
    pub count: u32,
}

/// The length of a quarter of an hour, in milliseconds: every zone's hours and days begin with one.
pub const QUARTER: Millis = 900_000;

impl Acts {
    /// What a store is told: the entry, and the actions that days gain.
    pub fn into_step(self) -> Step {
        let portal: Arc<str> = self.portal.as_str().into();
        let zone: Arc<str> = self.zone.as_str().into();
        let mut gains: Vec<Gain> = Vec::new();
        for act in self.acts.iter().filter(|act| act.action.is_some()) {
            let (module, count) = (act.module.as_deref(), i64::from(act.count));
            match gains.iter_mut().find(|gain| gain.module.as_deref() == module) {
                Some(gain) => gain.sums.actions += count,
                None => gains.push(Gain {
                    module: module.map(Arc::from),
                    day: self.day,
                    zone: Arc::clone(&zone),
                    sums: Sums { actions: count, ..Sums::default() },
                }),
            }
        }
        Step { portal, gains, entries: vec![Entry::Acts(self)], ..Step::default() }
    }
}
