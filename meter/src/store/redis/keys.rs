//! The names of our keys (`contract.md`, Redis): public, and each portal's in one slot of a cluster.

use std::sync::Arc;

use portalmeter_rules::id::Name;
use redis::cluster_routing::Slot as HashSlot;

use super::super::step::Slot;
use crate::day::Day;

/// Keys that belong to no portal.
#[derive(Debug, Clone)]
pub(super) struct Keys {
    prefix: String,
}

/// Keys of one portal.
#[derive(Debug, Clone)]
pub(super) struct PortalKeys {
    /// `pm:{support}:`
    root: String,
    /// The slot that all of them are in.
    pub(super) slot: HashSlot,
    /// A token made when the portal's keys were: gone or another if they were lost.
    pub(super) epoch: String,
    /// Visitors by last activity.
    pub(super) live: String,
    /// Entries on their way to the ledger.
    pub(super) records: String,
    /// Which hashes of days there are.
    pub(super) days: String,
}

impl Keys {
    pub(super) fn new(prefix: &str) -> Self {
        Self { prefix: prefix.to_owned() }
    }

    /// A key of the whole installation, such as `pm:nodes`.
    pub(super) fn shared(&self, name: &str) -> String {
        format!("{}:{name}", self.prefix)
    }

    pub(super) fn portal(&self, portal: &str) -> PortalKeys {
        let root = format!("{}:{{{portal}}}:", self.prefix);
        let key = |name: &str| format!("{root}{name}");
        PortalKeys {
            slot: HashSlot::for_key(&root),
            epoch: key("epoch"),
            live: key("live"),
            records: key("records"),
            days: key("days"),
            root,
        }
    }
}

impl PortalKeys {
    pub(super) fn of_slot(&self, slot: &Slot) -> String {
        let root = &self.root;
        match slot {
            Slot::Visitor(visitor, None) => format!("{root}visitor:{visitor}"),
            Slot::Visitor(visitor, Some(module)) => format!("{root}visitor:{visitor}:{module}"),
            Slot::Also(name) => format!("{root}also:{name}"),
        }
    }

    /// What the new names of foreign keys begin with.
    pub(super) fn aside(&self) -> String {
        format!("{}aside:", self.root)
    }

    /// A key of the portal that has no place here.
    pub(super) fn named(&self, name: &str) -> String {
        format!("{}{name}", self.root)
    }

    /// A key's name within the portal.
    pub(super) fn name<'k>(&self, key: &'k str) -> &'k str {
        key.strip_prefix(&self.root).unwrap_or(key)
    }

    pub(super) fn usage(&self, label: &str) -> String {
        format!("{}usage:{label}", self.root)
    }
}

/// A day's hash within the portal, and its member of `days`: `2026-03-12`, `2026-03-12:chat`.
pub(super) fn label(day: Day, module: Option<&str>) -> String {
    module.map_or_else(|| day.to_string(), |module| format!("{day}:{module}"))
}

/// The module and day of a label.
pub(super) fn of_label(label: &str) -> Option<(Option<Arc<str>>, Day)> {
    let (day, module) = label.split_once(':').map_or((label, None), |(day, module)| (day, Some(module)));
    Some((module.map(Arc::from), day.parse().ok()?))
}

/// A member of the live index: who, and where if sessions are counted per module.
pub(super) fn member(visitor: Name, module: Option<&str>) -> String {
    module.map_or_else(|| visitor.to_string(), |module| format!("{visitor}:{module}"))
}

/// Visitor and module of a member.
pub(super) fn of_member(member: &str) -> Option<(Name, Option<Arc<str>>)> {
    let (visitor, module) = member.split_once(':').map_or((member, None), |(who, module)| (who, Some(module)));
    Some((visitor.parse().ok()?, module.map(Arc::from)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_contract() {
        let keys = Keys::new("pm").portal("support");
        let visitor = Name([0xab; 16]);
        let hash = "ab".repeat(16);
        assert_eq!(keys.of_slot(&Slot::Visitor(visitor, None)), format!("pm:{{support}}:visitor:{hash}"));
        let module = Some("chat".into());
        assert_eq!(keys.of_slot(&Slot::Visitor(visitor, module)), format!("pm:{{support}}:visitor:{hash}:chat"));
        assert_eq!(keys.of_slot(&Slot::Also(visitor)), format!("pm:{{support}}:also:{hash}"));
        let day = "2026-03-12".parse().unwrap();
        assert_eq!(keys.usage(&label(day, Some("chat"))), "pm:{support}:usage:2026-03-12:chat");
        assert_eq!((&*keys.live, &*keys.records), ("pm:{support}:live", "pm:{support}:records"));
        assert_eq!(Keys::new("pm").shared("nodes"), "pm:nodes");
    }

    #[test]
    fn a_portals_keys_share_a_slot() {
        let keys = Keys::new("pm").portal("support");
        for key in [&keys.live, &keys.records, &keys.usage("2026-03-12")] {
            assert_eq!(HashSlot::for_key(key), keys.slot);
        }
    }

    #[test]
    fn labels_and_members_are_read_again() {
        let day: Day = "2026-03-12".parse().unwrap();
        assert_eq!(of_label(&label(day, Some("chat"))), Some((Some("chat".into()), day)));
        assert_eq!(of_label(&label(day, None)), Some((None, day)));
        assert_eq!(of_label("yesterday"), None);
        let visitor = Name([1; 16]);
        assert_eq!(of_member(&member(visitor, Some("chat"))), Some((visitor, Some("chat".into()))));
        assert_eq!(of_member("nobody"), None);
    }
}
