//! Page views and actions of a day by quarter of an hour.

use std::collections::BTreeMap;

use portalmeter_rules::time::Millis;
use serde::{Deserialize, Serialize};

use super::{Digest, Kind};
use crate::acts::{Act, QUARTER};

/// A day by quarter of an hour.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Done {
    /// Sorted by module and time.
    pub quarters: Vec<DoneIn>,
}

/// What was done in a quarter of an hour.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DoneIn {
    /// The module.
    pub module: Option<String>,
    /// When it began, in quarters of an hour since 1970-01-01 UTC.
    pub number: i64,
    /// Pages of people.
    pub page_views: i64,
    /// Actions of people.
    pub actions: i64,
}

impl Done {
    /// Of what was done in quarters of an hour that began then.
    pub fn of<'a>(acts: impl IntoIterator<Item = (Millis, &'a Act)>) -> Self {
        let parts = acts.into_iter().map(|(at, act)| {
            let count = i64::from(act.count);
            let (page_views, actions) = if act.action.is_none() { (count, 0) } else { (0, count) };
            let module = act.module.clone();
            DoneIn { module, number: at.div_euclid(QUARTER), page_views, actions }
        });
        Self::sum(parts)
    }

    fn sum(parts: impl Iterator<Item = DoneIn>) -> Self {
        let mut sums: BTreeMap<(Option<String>, i64), (i64, i64)> = BTreeMap::new();
        for part in parts {
            let (page_views, actions) = sums.entry((part.module, part.number)).or_default();
            *page_views += part.page_views;
            *actions += part.actions;
        }
        let quarter = |((module, number), (page_views, actions))| DoneIn { module, number, page_views, actions };
        Self { quarters: sums.into_iter().map(quarter).collect() }
    }
}

impl Digest for Done {
    const KIND: Kind = Kind::Done;

    fn merge(parts: Vec<Self>) -> Self {
        Self::sum(parts.into_iter().flat_map(|part| part.quarters))
    }
}
