//! What a fingerprint points to.

use portalmeter_rules::id::Name;
use portalmeter_rules::time::Millis;

use super::SOMEBODY;
use super::company::Item;
use crate::terse::terse;

/// What a fingerprint, or a user behind it, points to while no cookie has come back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pointer {
    pub(super) visitor: Name,
    /// When it began to.
    pub(super) began: Millis,
    /// When it was last of use.
    pub(super) seen: Millis,
    /// The user who took the session over without showing a cookie.
    pub(super) holder: Option<Name>,
    /// Several browsers share this fingerprint: what names no user proves nothing.
    pub(super) several: bool,
    /// A guest page was seen after the holder's, without a logout.
    pub(super) guest_since: bool,
    /// The holder signed out.
    pub(super) left: bool,
    /// A cookie of the session came back then: it points to nothing for what was asked later.
    pub(super) closed: Option<Millis>,
    /// The session's cookie was deleted then: only one handed out later is a cookie that came back.
    pub(super) since: Option<Millis>,
}

terse!(Pointer { visitor, began, seen, holder, several, guest_since, left, closed, since });

impl Pointer {
    pub(super) fn to(visitor: Name, at: Millis) -> Self {
        Self {
            visitor,
            began: at,
            seen: at,
            holder: None,
            several: false,
            guest_since: false,
            left: false,
            closed: None,
            since: None,
        }
    }

    /// Whether a signed-in user may take the session over, or has it.
    pub(super) fn is_open_to(&self, user: Name) -> bool {
        self.holder.is_none_or(|holder| holder == user || holder == SOMEBODY)
    }

    pub(super) fn is_live(&self, item: &Item) -> bool {
        item.at - self.seen < item.idle && self.closed.is_none_or(|closed| item.at < closed)
    }
}
