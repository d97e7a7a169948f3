//! Names of visitors: which session a cookie, a renewed cookie or a fingerprint stands for.
//!
//! A page without the mode's cookie is metered under the id that its response hands out, and the
//! fingerprint points to that session until a cookie comes back (`metering.md`, Which browser is
//! it). Who it was is not settled where a request is answered, but where it is committed: from the
//! set of what was seen behind one fingerprint, whichever proxies saw it and in whatever order it
//! becomes known. Wherever two readings are possible, the one that counts less is taken.

use portalmeter_rules::id::Name;
use portalmeter_rules::time::Millis;
use portalmeter_rules::verdict::{Evidence, Kind};
use serde::{Deserialize, Serialize};

use crate::terse::{Reader, Terse, Writer};

mod company;
mod cookieless;
mod cookies;
mod fingerprint;
mod pointer;

pub use company::{Company, Item, Move, Told};

/// Of whom an exchange is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Who {
    /// A visitor of that name, and nobody else: a bot.
    Known(Name),
    /// A browser, as far as its traces tell.
    Browser(Trace),
}

/// What an exchange tells of its browser.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trace {
    /// The mode's cookie as it came with the request.
    pub cookie: Option<Shown>,
    /// Address, User-Agent and Accept-Language; not made where the cookie tells enough.
    pub fingerprint: Option<Name>,
    /// What the response did to the mode's cookie.
    pub handed: Option<Handed>,
    /// When the response passed.
    pub answered: Millis,
    /// A fingerprint is all there will ever be, so that a known user is part of the visitor.
    pub fingerprint_only: bool,
}

/// A cookie that came with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shown {
    /// Its name.
    pub name: Name,
    /// When it was handed out, where it says so.
    pub issued: Option<Millis>,
    /// Behind which fingerprint it was handed out, where it says so.
    pub origin: Option<Name>,
}

/// What is kept behind a fingerprint was handed out there, if it says where.
impl Terse for Shown {
    fn write(&self, to: &mut Writer) {
        let Self { name, issued, origin } = self;
        name.write(to);
        issued.write(to);
        origin.is_some().write(to);
    }

    fn read(from: &mut Reader<'_>) -> Option<Self> {
        let (name, issued) = (Terse::read(from)?, Terse::read(from)?);
        Some(Self { name, issued, origin: bool::read(from)?.then_some(from.of) })
    }
}

/// What a response did to the mode's cookie.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Handed {
    /// It handed out one of ours, which says itself behind which fingerprint that was.
    Ours(Name),
    /// It handed out one of the portal's.
    Out(Name),
    /// It deleted it.
    Deleted,
}

impl Who {
    /// Whether the response handed out a cookie, or deleted one: a browser that has it is known by it from then on.
    pub fn changes_cookies(&self) -> bool {
        matches!(self, Self::Browser(Trace { handed: Some(_), .. }))
    }

    /// Whether its cookie, if a browser has one there, says when it was handed out.
    pub(crate) fn says_when(&self) -> bool {
        let Self::Browser(trace) = self else { return true };
        match (trace.cookie, trace.handed) {
            (Some(shown), _) => shown.issued.is_some(),
            (None, Some(Handed::Ours(_))) => true,
            (None, Some(Handed::Out(_) | Handed::Deleted) | None) => trace.fingerprint_only,
        }
    }

    /// Every visitor whose session it may be taken to begin, whatever else is known.
    pub(crate) fn may_begin(&self, at: Millis, user: Option<Name>) -> Vec<Name> {
        let trace = match self {
            Self::Known(name) => return vec![*name],
            Self::Browser(trace) => trace,
        };
        match (trace.cookie, trace.fingerprint, trace.handed) {
            (Some(shown), ..) => vec![shown.name, of_cookie(shown.name)],
            (None, Some(fingerprint), _) if trace.fingerprint_only => {
                let user = user.map(|user| of_user(fingerprint, user, at));
                user.into_iter().chain([of_page(fingerprint, at)]).collect()
            }
            (None, _, Some(Handed::Ours(name) | Handed::Out(name))) => vec![name],
            (None, Some(fingerprint), _) => vec![of_users_page(fingerprint, at, user)],
            (None, None, _) => Vec::new(),
        }
    }

    /// What a node keeps its live sessions by: the cookie, else the fingerprint.
    pub fn at_hand(&self) -> Name {
        match self {
            Self::Known(name) => *name,
            Self::Browser(trace) => trace.cookie.map(|cookie| cookie.name).or(trace.fingerprint).unwrap_or_default(),
        }
    }
}

/// Who it is, and what remains of the evidence once doubt is taken into account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resolved {
    /// The visitor.
    pub visitor: Name,
    /// Page, activity or logout.
    pub kind: Kind,
    /// What it proves.
    pub evidence: Evidence,
}

/// Two tabs opened at once may still show, for this long, the cookie that lost.
const TABS: Millis = 2_000;
/// A page is answered within this time, or it may be taken for another browser's.
pub(crate) const ANSWERED: Millis = 60_000;
/// Who is signed in where nobody says as whom.
const SOMEBODY: Name = Name(*b"somebody unnamed");

/// Whom a page without a user or a cookie begins a session for.
fn of_page(fingerprint: Name, at: Millis) -> Name {
    derived(b"page", &[&fingerprint.0, &at.to_le_bytes()])
}

/// Whom a page begins a session for that hands out no cookie.
fn of_users_page(fingerprint: Name, at: Millis, user: Option<Name>) -> Name {
    derived(b"page", &[&fingerprint.0, &at.to_le_bytes(), &user.unwrap_or_default().0])
}

/// Whom a user's page begins a session for, where a fingerprint is all there is.
fn of_user(fingerprint: Name, user: Name, at: Millis) -> Name {
    derived(b"signed in", &[&fingerprint.0, &user.0, &at.to_le_bytes()])
}

/// Who has a cookie that was handed out for another's session.
fn of_cookie(cookie: Name) -> Name {
    derived(b"own", &[&cookie.0])
}

/// A name made of others; those are keyed already.
fn derived(role: &[u8], parts: &[&[u8]]) -> Name {
    let mut hasher = blake3::Hasher::new_derive_key("portalmeter 2026 derived visitor");
    hasher.update(role);
    for part in parts {
        hasher.update(part);
    }
    let mut name = [0; 16];
    name.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
    Name(name)
}

fn signed_in(evidence: Evidence) -> bool {
    matches!(evidence, Evidence::External | Evidence::Internal)
}
