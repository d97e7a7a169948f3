//! One page, activity or logout, stamped with all that the fold needs to know of it.

use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

use portalmeter_rules::id::Name;
use portalmeter_rules::time::Millis;
pub use portalmeter_rules::verdict::{Evidence, Kind};

use crate::day::Day;
use crate::policy::{Policy, PolicyId};
use crate::terse::{choices, terse};

/// What a session belongs to: the portal, or the portal and module.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Scope {
    /// The portal's name.
    pub portal: Arc<str>,
    /// The module's, where sessions are counted per module.
    pub module: Option<Arc<str>>,
}

impl Scope {
    /// The scope of a whole portal.
    pub fn portal(name: &str) -> Self {
        Self { portal: name.into(), module: None }
    }

    /// The scope of one module of a portal.
    pub fn module(portal: &str, module: &str) -> Self {
        Self { portal: portal.into(), module: Some(module.into()) }
    }

    /// A number for it, the same everywhere.
    pub fn id(&self) -> ScopeId {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&(self.portal.len() as u64).to_le_bytes());
        hasher.update(self.portal.as_bytes());
        if let Some(module) = &self.module {
            hasher.update(&[1]);
            hasher.update(module.as_bytes());
        }
        let mut id = [0; 8];
        id.copy_from_slice(&hasher.finalize().as_bytes()[..8]);
        ScopeId(u64::from_le_bytes(id))
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.module {
            Some(module) => write!(f, "{}/{module}", self.portal),
            None => f.write_str(&self.portal),
        }
    }
}

/// A scope as a number.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ScopeId(pub u64);

/// A visitor in a scope: what sessions are kept by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// Where.
    pub scope: ScopeId,
    /// Which browser or device.
    pub visitor: Name,
}

/// A policy with its id, as observations carry it.
#[derive(Debug, Clone)]
pub struct Stamp {
    /// The policy's id.
    pub id: PolicyId,
    /// The policy.
    pub policy: Arc<Policy>,
}

impl Stamp {
    /// The stamp of a policy.
    pub fn new(policy: Policy) -> Self {
        Self { id: policy.id(), policy: Arc::new(policy) }
    }
}

/// What a record shall say of the observation that counted, beside the numbers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Note {
    /// The rule that gave the evidence.
    pub rule: Arc<str>,
    /// A bot's name.
    pub agent: Option<Arc<str>>,
    /// The company of a signed-in user.
    pub account: Option<Arc<str>>,
}

/// One page, activity or logout.
#[derive(Debug, Clone)]
pub struct Observation {
    /// When the request arrived.
    pub at: Millis,
    /// What it was.
    pub kind: Kind,
    /// What it proves about its sender.
    pub evidence: Evidence,
    /// Who is signed in, where that is known.
    pub user: Option<Name>,
    /// The local day, in the policy's zone.
    pub day: Day,
    /// By which rules it counts.
    pub stamp: Stamp,
    /// What its record says.
    pub note: Arc<Note>,
    /// The cookie by which it is the visitor's, where another visitor may turn out to hold it.
    pub by: Option<Name>,
    /// Tells exchanges of one instant apart: the same exchange, told again, has the same.
    pub tie: u16,
}

terse!(Observation { at, kind, evidence, user, day, stamp, note, by, tie });
choices!(Kind, 2 { 0 => Page, 1 => Activity, 2 => Logout });
choices!(Evidence, 3 { 0 => Unknown, 1 => Guest, 2 => External, 3 => Internal, 4 => Bot });

impl Observation {
    /// A page of a person.
    pub fn is_view(&self) -> bool {
        self.kind == Kind::Page && self.evidence != Evidence::Bot
    }

    /// The fold's order: by time; in one instant pages before activity before logouts, and among
    /// pages the one that proves least first, so that no arrival order can add a login.
    fn rank(&self) -> (Millis, Kind, Evidence, Option<Name>, u16) {
        (self.at, self.kind, self.evidence, self.user, self.tie)
    }
}

/// Two observations of one visitor and scope are the same element of its set if they say the same.
impl PartialEq for Observation {
    fn eq(&self, other: &Self) -> bool {
        self.rank() == other.rank()
    }
}

impl Eq for Observation {}

impl Ord for Observation {
    fn cmp(&self, other: &Self) -> Ordering {
        self.rank().cmp(&other.rank())
    }
}

impl PartialOrd for Observation {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
