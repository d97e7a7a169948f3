//! Who was there: told once or often, it is one row; the last word on it holds.

use std::collections::HashMap;

use portalmeter_rules::id::Name;

use super::super::days::Days;
use super::super::tables::Scope;
use crate::day::Day;
use crate::entry::Presence;

/// Presences of open days, each once. What a sealed day's report says of its visitors stays.
#[derive(Debug, Default)]
pub(super) struct Presences<'a> {
    told: HashMap<(Scope<'a>, Day, Name, Option<Name>), &'a Presence>,
}

impl<'a> Presences<'a> {
    pub(super) fn tell(&mut self, presence: &'a Presence, days: &Days) {
        let module = presence.module.as_deref().filter(|module| !module.is_empty());
        let scope = Scope { portal: &presence.portal, module };
        if !days.is_sealed(scope, presence.day) {
            self.told.insert((scope, presence.day, presence.visitor, presence.user), presence);
        }
    }

    /// Those that are, and those that turned out to be another's.
    pub(super) fn changed(self) -> (Vec<&'a Presence>, Vec<&'a Presence>) {
        self.told.into_values().partition(|presence| !presence.gone)
    }
}
