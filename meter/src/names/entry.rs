//! What the table of names holds, as a store keeps it.

use portalmeter_rules::id::Name;
use portalmeter_rules::time::Millis;
use serde::{Deserialize, Serialize};

use super::{SOMEBODY, Sighting};

/// What a fingerprint points to while no cookie has come back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pointer {
    /// The visitor.
    pub visitor: Name,
    /// When it was last of use.
    pub seen: Millis,
    /// The user who took the session over without showing a cookie.
    pub holder: Option<Name>,
    /// Several browsers share this fingerprint: what names no user proves nothing.
    pub several: bool,
    /// A guest page was seen after the holder's, without a logout.
    pub guest_since: bool,
    /// The holder signed out.
    pub left: bool,
    /// A cookie of the session came back then: it points to nothing for what was asked later.
    pub closed: Option<Millis>,
    /// The session's cookie was deleted then: only one handed out later is a cookie that came back.
    pub since: Option<Millis>,
}

impl Pointer {
    pub(super) fn to(visitor: Name, seen: Millis) -> Self {
        Self { visitor, seen, holder: None, several: false, guest_since: false, left: false, closed: None, since: None }
    }

    /// Whether a signed-in user may take the session over, or has it.
    pub(super) fn is_open_to(&self, user: Name) -> bool {
        self.holder.is_none_or(|holder| holder == user || holder == SOMEBODY)
    }

    pub(super) fn is_live(&self, seen: &Sighting<'_>) -> bool {
        seen.at - self.seen < seen.idle && self.closed.is_none_or(|closed| seen.at < closed)
    }
}

/// A cookie that stands for another visitor's session, or was found to have one of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alias {
    /// The visitor.
    pub of: Name,
    /// When it was handed out, where that is known.
    pub issued: Option<Millis>,
    /// Another cookie may have been handed out for the same session.
    pub contested: bool,
    /// When it was last seen.
    pub seen: Millis,
}

/// Who owns a session for which several cookies were handed out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// The cookie that came back last.
    pub owner: Option<Name>,
    /// When one of its cookies was last seen.
    pub cookie_seen: Millis,
    /// When it was last of use.
    pub seen: Millis,
}

/// One entry of the table, as a store keeps it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Known {
    /// Of a fingerprint.
    Pointer(Pointer),
    /// Of a cookie.
    Alias(Alias),
    /// Of a visitor.
    Claim(Claim),
}

impl Known {
    pub(super) fn seen(&self) -> Millis {
        match self {
            Self::Pointer(pointer) => pointer.seen,
            Self::Alias(alias) => alias.seen,
            Self::Claim(claim) => claim.seen,
        }
    }
}

/// Where an entry stands in the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Slot {
    /// Under a fingerprint.
    Pointer(Name),
    /// Under a cookie.
    Alias(Name),
    /// Under a visitor.
    Claim(Name),
}

/// A change of the table: what stands in a slot now, if anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct NameChange {
    /// Where.
    pub slot: Slot,
    /// What.
    pub known: Option<Known>,
}

impl NameChange {
    /// When the entry may be forgotten, if names are remembered for `remember` milliseconds.
    pub fn expires(&self, remember: Millis) -> Millis {
        self.known.map_or(0, |known| known.seen() + remember)
    }
}
