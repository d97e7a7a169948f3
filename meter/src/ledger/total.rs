//! Totals of days, and their statistics.

use portalmeter_rules::time::Millis;

use super::Position;
use crate::day::Day;
use crate::usage::Sums;

/// Which of a portal's days.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// All of them.
    All,
    /// Those that may still change.
    Unsealed,
}

/// Totals of a portal, from one view of the ledger.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Totals {
    /// The portal's stream is in them up to here.
    pub position: Position,
    /// Its days, a row for each module.
    pub days: Vec<Total>,
}

/// What a day of a portal, or of a module, comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Total {
    /// The module, where sessions are counted per module.
    pub module: Option<String>,
    /// The day.
    pub day: Day,
    /// Whose midnight it is.
    pub zone: String,
    /// Sums of records, and statistics.
    pub sums: Sums,
    /// One more with each change.
    pub revision: i64,
    /// When it was sealed.
    pub sealed: Option<Millis>,
}

/// Statistics of a day, as a store has them: what they are, not what they gain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statistics {
    /// The module, where sessions are counted per module.
    pub module: Option<String>,
    /// The day.
    pub day: Day,
    /// Whose midnight it is.
    pub zone: String,
    /// Pages of people.
    pub page_views: i64,
    /// Downloads, searches and other actions.
    pub actions: i64,
    /// How long people's sessions lasted.
    pub duration_ms: i64,
}

/// A day of a portal that is not sealed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct OpenDay {
    /// The day.
    pub day: Day,
    /// The portal.
    pub portal: String,
    /// Whose midnight it is.
    pub zone: String,
}
