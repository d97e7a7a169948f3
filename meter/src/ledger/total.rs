//! Totals of days, and their statistics.

use std::collections::BTreeMap;

use portalmeter_rules::time::Millis;

use super::days::Days;
use super::tables::{Changes, Scope, Tables};
use super::{LedgerError, Position};
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
    /// Pages of people. A day on which a number is negative, or beyond 2⁵⁰, is left alone.
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

/// Sets statistics to what a store has, and says of how many days they changed.
pub(super) fn set_statistics<T: Tables>(tables: &mut T, portal: &str, told: &[Statistics]) -> Result<u64, LedgerError> {
    let Some(from) = told.iter().map(|one| one.day).min() else { return Ok(0) };
    let mut days = Days::load(tables, BTreeMap::from([(portal, from)]))?;
    for one in told.iter().filter(|one| one.is_possible()) {
        let scope = Scope { portal, module: one.module.as_deref() };
        let has = days.total(scope, one.day).map(|total| total.sums).unwrap_or_default();
        let shall = Sums { page_views: one.page_views, actions: one.actions, duration_ms: one.duration_ms, ..has };
        if days.is_sealed(scope, one.day) || shall.page_views < has.page_views || shall == has {
            continue;
        }
        days.change(scope, one.day, &one.zone).sums = shall;
    }
    let changed = days.changed();
    tables.write(&Changes { days: changed.clone(), ..Changes::default() })?;
    Ok(changed.len() as u64)
}

impl Statistics {
    fn is_possible(&self) -> bool {
        [self.page_views, self.actions, self.duration_ms].iter().all(|number| (0..=MOST).contains(number))
    }
}

/// More than this nobody counts in a day; sums of it over all days stay within bounds.
const MOST: i64 = 1 << 50;

/// Seals a day of a portal and says how many rows that were.
pub(super) fn seal<T: Tables>(tables: &mut T, day: &OpenDay, now: Millis) -> Result<u64, LedgerError> {
    let mut days = Days::load(tables, BTreeMap::from([(day.portal.as_str(), day.day)]))?;
    let open = |total: &&Total| total.zone == day.zone && total.sealed.is_none();
    let modules: Vec<Option<String>> =
        days.totals(&day.portal, day.day).filter(open).map(|total| total.module.clone()).collect();
    for module in &modules {
        let scope = Scope { portal: &day.portal, module: module.as_deref() };
        days.change(scope, day.day, &day.zone).sealed = Some(now);
    }
    tables.write(&Changes { days: days.changed(), ..Changes::default() })?;
    Ok(modules.len() as u64)
}
