//! Whatever may be written, for tests: often the same, seldom far off.

use std::sync::{Arc, LazyLock};

use portalmeter_rules::id::Name;
use portalmeter_rules::time::Millis;
use portalmeter_rules::verdict::{Evidence, Kind};
use proptest::prelude::*;

use crate::day::Day;
use crate::observation::{Note, Stamp};
use crate::policy::{Experience, Policy, PolicyId};

pub(crate) fn time() -> impl Strategy<Value = Millis> {
    let now: Millis = 1_790_000_000_000;
    prop_oneof![
        4 => now..now + 60_000,
        2 => now..now + 86_400_000,
        1 => Just(0_i64),
        1 => -(1_i64 << 48)..=1 << 48,
    ]
}

pub(crate) fn day() -> impl Strategy<Value = Day> {
    prop_oneof![4 => 20_716..20_719, 1 => -3_000_000..3_000_000].prop_map(Day)
}

pub(crate) fn name() -> impl Strategy<Value = Name> {
    prop_oneof![4 => (0..3_u8).prop_map(|byte| [byte; 16]), 1 => any::<[u8; 16]>()].prop_map(Name)
}

pub(crate) fn text() -> impl Strategy<Value = Arc<str>> {
    prop_oneof![4 => "identity [12]: header", 1 => "\\PC{0,8}"].prop_map(Into::into)
}

pub(crate) fn note() -> impl Strategy<Value = Arc<Note>> {
    let optional = || prop::option::of(text());
    (text(), optional(), optional()).prop_map(|(rule, agent, account)| Arc::new(Note { rule, agent, account }))
}

pub(crate) fn stamp() -> impl Strategy<Value = Stamp> {
    (0..STAMPS.len()).prop_map(|which| STAMPS[which].clone())
}

/// Finds the policy of such a stamp.
pub(crate) fn stamps(id: PolicyId) -> Option<Stamp> {
    STAMPS.iter().find(|stamp| stamp.id == id).cloned()
}

pub(crate) fn kind() -> impl Strategy<Value = Kind> {
    prop_oneof![Just(Kind::Page), Just(Kind::Activity), Just(Kind::Logout)]
}

pub(crate) fn evidence() -> impl Strategy<Value = Evidence> {
    use Evidence::{Bot, External, Guest, Internal, Unknown};
    prop::sample::select(vec![Unknown, Guest, External, Internal, Bot])
}

static STAMPS: LazyLock<Vec<Stamp>> =
    LazyLock::new(|| Experience::ALL.map(|experience| Stamp::new(Policy::preset(experience))).into());
