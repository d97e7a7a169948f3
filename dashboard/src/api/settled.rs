//! Whether figures may still change.

use portalmeter_meter::day::Day;
use portalmeter_meter::ledger::{Days, LedgerError, Look, Total};
use portalmeter_meter::usage::State;
use serde::Serialize;
use utoipa::ToSchema;

/// Whether a figure may still change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Settled {
    /// It may.
    Open,
    /// It is final.
    Sealed,
}

/// A day without usage is sealed with a later one of its portal, as the ledger has it: no more than this later.
const SEALS_BACK: i32 = 62;

impl From<State> for Settled {
    fn from(state: State) -> Self {
        match state {
            State::Open => Self::Open,
            State::Sealed => Self::Sealed,
        }
    }
}

impl Settled {
    /// Sealed, if that holds.
    pub(super) fn sealed_if(sealed: bool) -> Self {
        if sealed { Self::Sealed } else { Self::Open }
    }

    /// Whether all of these days are over and sealed in a portal where it is `today`, those without usage too.
    pub(super) fn of(look: &mut dyn Look, portal: &str, days: Days, today: Day) -> Result<Self, LedgerError> {
        if days.is_empty() || days.to > today {
            return Ok(Self::Open);
        }
        let last = days.to.plus(-1);
        let until = Days { from: days.from, to: last.plus(SEALS_BACK) };
        let totals = look.totals(&[portal.to_owned()], until)?;
        let sealed = |(_, total): &(String, Total)| total.sealed.is_some();
        let all = totals.iter().filter(|(_, total)| days.contains(total.day)).all(sealed);
        let until_the_end = totals.iter().any(|one| one.1.day >= last && sealed(one));
        Ok(Self::sealed_if(all && until_the_end))
    }
}
