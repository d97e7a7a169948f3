//! What the dashboard stands on: the portals as configured, the ledger, the clock, and what is wrong.

use std::sync::Arc;

use portalmeter_meter::accounts::Directory;
use portalmeter_meter::ledger::{Ledger, LedgerError};
use portalmeter_meter::policy::Policy;
use portalmeter_rules::time::Millis;

use crate::access::{Access, Identity};

/// Opens the ledger anew. It blocks.
pub type Open = Arc<dyn Fn() -> Result<Box<dyn Ledger>, LedgerError> + Send + Sync>;

/// Takes down what somebody did: who, what as one word (`export`, `correction`), and which.
pub type Audit = Arc<dyn Fn(&Identity, &'static str, String) + Send + Sync>;

/// The portals, as they are configured now.
pub type Portals = Arc<dyn Fn() -> Vec<Portal> + Send + Sync>;

/// What the proxy tells the dashboard.
#[derive(Clone)]
pub struct Board {
    /// The portals as they are configured now, in the order of the file.
    pub portals: Portals,
    /// What the companies are called that signed-in users belong to.
    pub directory: Arc<dyn Fn() -> Arc<Directory> + Send + Sync>,
    /// Opens the ledger to be asked.
    pub read: Open,
    /// Opens the ledger to be told a correction.
    pub write: Open,
    /// Now.
    pub clock: Arc<dyn Fn() -> Millis + Send + Sync>,
    /// What is wrong at this moment, by what the node itself knows.
    pub problems: Arc<dyn Fn() -> Vec<Problem> + Send + Sync>,
    /// So long after its end a day is sealed at the latest, in milliseconds.
    pub seal_wait: Millis,
    /// Takes down corrections and exports.
    pub audit: Audit,
    /// Who may see what.
    pub access: Arc<Access>,
}

/// A portal as configured.
#[derive(Debug, Clone)]
pub struct Portal {
    /// Its name.
    pub name: Arc<str>,
    /// By which policy it counts: experience, zone, timeouts.
    pub policy: Arc<Policy>,
    /// Sessions a month that the contract covers.
    pub contracted_sessions: Option<u64>,
    /// The modules that the configuration names, where sessions are counted per module; nothing where they are not.
    pub modules: Option<Vec<Arc<str>>>,
}

/// Something an operator should know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Which, as one word: `journal`, `store`, `ledger` …
    pub what: String,
    /// What was seen.
    pub detail: String,
    /// What it means.
    pub meaning: String,
    /// What to do.
    pub remedy: String,
    /// Since when, as far as that is known.
    pub since: Option<Millis>,
}
