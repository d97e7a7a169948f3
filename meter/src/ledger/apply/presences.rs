//! Who was there: told once or often, it is one row.

use std::collections::HashSet;

use portalmeter_rules::id::Name;

use super::super::days::Days;
use super::super::tables::Scope;
use crate::day::Day;
use crate::entry::Presence;

/// Presences of open days, each once. What a sealed day's report says of its visitors stays.
#[derive(Debug, Default)]
pub(super) struct Presences<'a> {
    seen: HashSet<(Scope<'a>, Day, Name, Option<Name>)>,
    new: Vec<&'a Presence>,
}

impl<'a> Presences<'a> {
    pub(super) fn tell(&mut self, presence: &'a Presence, days: &Days) {
        let module = presence.module.as_deref().filter(|module| !module.is_empty());
        let scope = Scope { portal: &presence.portal, module };
        let first = self.seen.insert((scope, presence.day, presence.visitor, presence.user));
        if first && !days.is_sealed(scope, presence.day) {
            self.new.push(presence);
        }
    }

    pub(super) fn new(self) -> Vec<&'a Presence> {
        self.new
    }
}
