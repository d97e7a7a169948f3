//! A record that is told to stores.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use portalmeter_meter::entry::UsageRecord;
use portalmeter_meter::policy::PolicyId;
use portalmeter_meter::record::Reason;
use portalmeter_meter::session::Class;
use portalmeter_rules::id::Name;

/// A record of the portal `support`, of the visitor and session of that number.
pub(crate) fn record(number: u8, class: Class, module: Option<&str>) -> UsageRecord {
    UsageRecord {
        id: Name([number; 16]),
        portal: "support".into(),
        module: module.map(str::to_owned),
        visitor: Name([number; 16]),
        session: Name([number; 16]),
        started: 0,
        day: "2026-03-12".parse().unwrap(),
        zone: "UTC".into(),
        class,
        reason: Reason::Start,
        account: None,
        user: None,
        agent: None,
        rule: "test".into(),
        policy: PolicyId(u64::MAX),
        trial: false,
        event_time: 0,
        stored_time: 0,
    }
}
