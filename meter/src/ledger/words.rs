//! Words and ids as they are written in a ledger's columns, read back with suspicion.

use portalmeter_rules::id::Name;

use super::{LedgerError, LedgerId, Position};
use crate::policy::PolicyId;
use crate::record::Reason;
use crate::session::Class;

/// The reason of a correction by hand.
pub(super) const MANUAL: &str = "manual";

pub(super) fn class(text: &str) -> Result<Class, LedgerError> {
    Class::ALL.into_iter().find(|class| class.name() == text).ok_or_else(|| damaged("class", text))
}

/// A rule of the fold; none of a correction by hand.
pub(super) fn reason(text: &str) -> Result<Option<Reason>, LedgerError> {
    let reasons = [Reason::Start, Reason::Midnight, Reason::Login, Reason::Relogin, Reason::UserSwitch];
    let found = reasons.into_iter().find(|reason| reason.name() == text);
    if found.is_none() && text != MANUAL {
        return Err(damaged("reason", text));
    }
    Ok(found)
}

pub(super) fn policy(text: &str) -> Result<PolicyId, LedgerError> {
    u64::from_str_radix(text, 16).map(PolicyId).map_err(|_| damaged("policy", text))
}

pub(super) fn name(text: &str) -> Result<Name, LedgerError> {
    text.parse().map_err(|_| damaged("id", text))
}

/// Columns write no module as ''.
pub(super) fn module(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}

pub(super) fn damaged(what: &str, value: &str) -> LedgerError {
    LedgerError::Damaged(format!("`{value}` is no {what}"))
}

/// The position in a column; a portal without a row was never seen.
pub(super) fn position(text: Option<&str>) -> Result<Position, LedgerError> {
    text.map_or(Ok(Position::START), |text| text.parse().map_err(|_| damaged("position", text)))
}

pub(super) fn ledger_id(text: Option<&str>) -> Result<LedgerId, LedgerError> {
    let text = text.unwrap_or_default();
    let id = u64::from_str_radix(text, 16).ok().filter(|_| text.len() == 16);
    id.map(|id| LedgerId(id.to_be_bytes())).ok_or_else(|| damaged("ledger's id", text))
}
