//! The portals of the simulation: every way to tell browsers apart, every preset's peculiarity, midnight in four zones.

use std::sync::Arc;

use portalmeter_meter::day::Zone;
use portalmeter_meter::observation::{Scope, Stamp};
use portalmeter_meter::policy::{Experience, Policy};
use portalmeter_rules::time::Millis;

use super::{HOUR, MINUTE};

/// How a portal tells browsers apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// By the meter's own cookie, which says behind which fingerprint it was handed out.
    Ours,
    /// By the portal's own, which it renews and deletes.
    Theirs,
    /// By the fingerprint alone.
    Fingerprint,
}

/// A portal.
pub(crate) struct Portal {
    pub(crate) name: Arc<str>,
    pub(crate) mode: Mode,
    pub(crate) stamp: Stamp,
    /// Where sessions are counted: as a whole, or in each module.
    pub(crate) scopes: Vec<Arc<Scope>>,
}

impl Portal {
    fn new(name: &str, mode: Mode, modules: &[&str], zone: &str, policy: &Policy) -> Self {
        let policy = Policy { zone: Zone::named(zone).unwrap(), ..policy.clone() };
        let scope = |module: &&str| Arc::new(Scope::module(name, module));
        let mut scopes: Vec<Arc<Scope>> = modules.iter().map(scope).collect();
        if scopes.is_empty() {
            scopes.push(Arc::new(Scope::portal(name)));
        }
        Self { name: name.into(), mode, stamp: Stamp::new(policy), scopes }
    }

    pub(crate) fn idle(&self) -> Millis {
        self.stamp.policy.idle_timeout
    }

    /// The scope of what is observed of the portal as a whole.
    pub(crate) fn whole(&self) -> Arc<Scope> {
        Arc::new(Scope::portal(&self.name))
    }
}

/// All of them.
pub(crate) fn all() -> Vec<Portal> {
    let preset = Policy::preset;
    let partners = Policy { max_duration: Some(HOUR + 30 * MINUTE), ..preset(Experience::PartnerPortal) };
    let patient = Policy { min_pages: 2, idle_timeout: 10 * MINUTE, ..preset(Experience::Community) };
    vec![
        Portal::new("support", Mode::Ours, &[], "UTC", &preset(Experience::ServicePortal)),
        Portal::new(
            "widgets",
            Mode::Ours,
            &["chat", "ask", "kb"],
            "Europe/Berlin",
            &preset(Experience::WebEmbeddables),
        ),
        Portal::new("help", Mode::Theirs, &["chat", "ask"], "Atlantic/Azores", &preset(Experience::WebEmbeddables)),
        Portal::new("partners", Mode::Theirs, &[], "America/Sao_Paulo", &partners),
        Portal::new("logs", Mode::Fingerprint, &[], "Europe/Berlin", &preset(Experience::ServicePortal)),
        Portal::new("patient", Mode::Ours, &[], "UTC", &patient),
    ]
}
