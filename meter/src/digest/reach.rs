//! Who was there: visitors and users of each module.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Digest, Kind};
use crate::ledger::Present;
use crate::people::People;

/// A day's or a month's visitors and users.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reach {
    /// Sorted by module; a portal without modules has one.
    pub modules: Vec<Reached>,
}

/// Who was in a module.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reached {
    /// The module.
    pub module: Option<String>,
    /// People's browsers and devices.
    pub visitors: People,
    /// Those who were signed in.
    pub users: People,
}

impl Reach {
    /// Of who was present.
    pub fn of(present: &[Present]) -> Self {
        let mut modules: BTreeMap<Option<&str>, (Vec<u64>, Vec<u64>)> = BTreeMap::new();
        for one in present {
            let (visitors, users) = modules.entry(one.module.as_deref()).or_default();
            visitors.push(one.visitor);
            users.extend(one.user);
        }
        let reached = |(module, (visitors, users)): (Option<&str>, (Vec<u64>, Vec<u64>))| Reached {
            module: module.map(str::to_owned),
            visitors: visitors.into_iter().collect(),
            users: users.into_iter().collect(),
        };
        Self { modules: modules.into_iter().map(reached).collect() }
    }
}

impl Digest for Reach {
    const KIND: Kind = Kind::Reach;

    fn merge(parts: Vec<Self>) -> Self {
        let mut modules: BTreeMap<Option<String>, Vec<(People, People)>> = BTreeMap::new();
        for one in parts.into_iter().flat_map(|part| part.modules) {
            modules.entry(one.module).or_default().push((one.visitors, one.users));
        }
        let merged = modules.into_iter().map(|(module, sets)| Reached {
            module,
            visitors: People::union(sets.iter().map(|(visitors, _)| visitors)),
            users: People::union(sets.iter().map(|(_, users)| users)),
        });
        Self { modules: merged.collect() }
    }
}
