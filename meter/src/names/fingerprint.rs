//! Visitors told apart by fingerprint alone, where a known user is part of the visitor.
//!
//! The first signed-in page takes over the guest session, a second user has one of his own, and
//! nobody switches. Requests that name no user belong to the session the fingerprint points to;
//! once several browsers are known to share it, such requests prove nothing any more.

use portalmeter_rules::id::Name;
use portalmeter_rules::verdict::{Evidence, Kind};

use super::company::{Item, Knowledge};
use super::pointer::Pointer;
use super::{Resolved, SOMEBODY, of_page, of_user, signed_in};

impl Knowledge {
    pub(super) fn by_fingerprint(&mut self, item: &Item, fingerprint: Name) -> Option<Resolved> {
        match item.user {
            Some(user) => {
                let visitor = self.signed_in(item, fingerprint, user)?;
                Some(Resolved { visitor, kind: item.kind, evidence: item.evidence })
            }
            None => self.unnamed(item, fingerprint),
        }
    }

    fn unnamed(&mut self, item: &Item, fingerprint: Name) -> Option<Resolved> {
        let Some(mut pointer) = self.pointer.filter(|pointer| pointer.is_live(item)) else {
            if item.kind != Kind::Page {
                return None;
            }
            let visitor = of_page(fingerprint, item.at);
            let holder = signed_in(item.evidence).then_some(SOMEBODY);
            self.pointer = Some(Pointer { holder, ..Pointer::to(visitor, item.at) });
            return Some(Resolved { visitor, kind: item.kind, evidence: item.evidence });
        };
        pointer.seen = pointer.seen.max(item.at);
        let (mut kind, mut evidence) = (item.kind, item.evidence);
        if item.kind == Kind::Page && signed_in(item.evidence) {
            pointer.holder.get_or_insert(SOMEBODY);
            pointer.several |= std::mem::take(&mut pointer.guest_since);
            pointer.left = false;
        } else if pointer.holder.is_some() {
            match (item.kind, item.evidence) {
                (Kind::Logout, _) if pointer.several => kind = Kind::Activity,
                (Kind::Logout, _) => pointer.left = true,
                (Kind::Page, Evidence::Guest) if pointer.several => evidence = Evidence::Unknown,
                (Kind::Page, Evidence::Guest) => pointer.guest_since = !pointer.left,
                _ => {}
            }
        }
        self.pointer = Some(pointer);
        Some(Resolved { visitor: pointer.visitor, kind, evidence })
    }

    fn signed_in(&mut self, item: &Item, fingerprint: Name, user: Name) -> Option<Name> {
        let page = item.kind == Kind::Page;
        let known = self.pointer_of(user).filter(|pointer| pointer.is_live(item));
        let waiting = self.pointer.filter(|pointer| pointer.is_live(item));
        let visitor = match (known, waiting) {
            (Some(known), _) => known.visitor,
            (None, Some(pointer)) if pointer.is_open_to(user) => pointer.visitor,
            (None, _) if !page => return None,
            (None, _) => of_user(fingerprint, user, item.at),
        };
        if !page && known.is_none() {
            return Some(visitor);
        }
        self.point(user, Pointer { seen: item.at, ..known.unwrap_or(Pointer::to(visitor, item.at)) });
        self.pointer = Some(match waiting {
            Some(pointer) if pointer.visitor == visitor => Pointer {
                seen: pointer.seen.max(item.at),
                holder: Some(user),
                several: pointer.several || (page && pointer.guest_since),
                guest_since: pointer.guest_since && !page,
                left: pointer.left && !page,
                ..pointer
            },
            Some(pointer) => Pointer { several: pointer.several || page, ..pointer },
            None => Pointer { holder: Some(user), ..Pointer::to(visitor, item.at) },
        });
        Some(visitor)
    }
}
