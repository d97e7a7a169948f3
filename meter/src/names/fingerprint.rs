//! Visitors told apart by fingerprint alone, where a known user is part of the visitor.
//!
//! The first signed-in page takes over the guest session, a second user has one of his own, and
//! nobody switches. Requests that name no user belong to the session the fingerprint points to;
//! once several browsers are known to share it, such requests prove nothing any more.

use portalmeter_rules::id::Name;
use portalmeter_rules::verdict::{Evidence, Kind};

use super::{Alias, Known, Names, Pointer, Resolved, SOMEBODY, Sighting, Slot, derived, of_user};

impl Names {
    pub(super) fn by_fingerprint(&self, seen: &Sighting<'_>) -> Option<Resolved> {
        let _turn = self.turn(seen.traces.fingerprint.name());
        match seen.user {
            Some(user) => {
                let visitor = self.signed_in(seen, user)?;
                Some(Resolved { visitor, kind: seen.kind, evidence: seen.evidence })
            }
            None => self.unnamed(seen),
        }
    }

    fn unnamed(&self, seen: &Sighting<'_>) -> Option<Resolved> {
        let fingerprint = seen.traces.fingerprint.name();
        let resolved = |visitor, kind, evidence| Some(Resolved { visitor, kind, evidence });
        let Some(mut pointer) = self.live(seen.traces.fingerprint.name(), seen) else {
            if seen.kind != Kind::Page {
                return None;
            }
            let visitor = derived(b"page", &[&fingerprint.0, &seen.at.to_le_bytes()]);
            let holder = signed_in(seen.evidence).then_some(SOMEBODY);
            self.point(fingerprint, Pointer { holder, ..Pointer::to(visitor, seen.at) });
            return resolved(visitor, seen.kind, seen.evidence);
        };
        pointer.seen = pointer.seen.max(seen.at);
        let (mut kind, mut evidence) = (seen.kind, seen.evidence);
        if seen.kind == Kind::Page && signed_in(seen.evidence) {
            pointer.holder.get_or_insert(SOMEBODY);
            pointer.several |= std::mem::take(&mut pointer.guest_since);
            pointer.left = false;
        } else if pointer.holder.is_some() {
            match (seen.kind, seen.evidence) {
                (Kind::Logout, _) if pointer.several => kind = Kind::Activity,
                (Kind::Logout, _) => pointer.left = true,
                (Kind::Page, Evidence::Guest) if pointer.several => evidence = Evidence::Unknown,
                (Kind::Page, Evidence::Guest) => pointer.guest_since = !pointer.left,
                _ => {}
            }
        }
        self.update(fingerprint, pointer);
        resolved(pointer.visitor, kind, evidence)
    }

    fn signed_in(&self, seen: &Sighting<'_>, user: Name) -> Option<Name> {
        let fingerprint = seen.traces.fingerprint.name();
        let page = seen.kind == Kind::Page;
        let name = of_user(fingerprint, user);
        let known = self.aliases.get(&name).map(|alias| *alias).filter(|alias| seen.at - alias.seen < seen.idle);
        let waiting = self.live(seen.traces.fingerprint.name(), seen);
        let visitor = match (known, waiting) {
            (Some(alias), _) => alias.of,
            (None, Some(pointer)) if pointer.is_open_to(user) => pointer.visitor,
            (None, _) if !page => return None,
            (None, _) => derived(b"signed in", &[&name.0, &seen.at.to_le_bytes()]),
        };
        if !page && known.is_none() {
            return Some(visitor);
        }
        let alias = Alias { of: visitor, issued: None, contested: false, seen: seen.at };
        match known {
            Some(_) => drop(self.aliases.insert(name, alias)),
            None => self.put(Slot::Alias(name), Known::Alias(alias)),
        }
        match waiting {
            Some(pointer) if pointer.visitor == visitor => {
                let returned = page && pointer.guest_since;
                self.update(
                    fingerprint,
                    Pointer {
                        seen: pointer.seen.max(seen.at),
                        holder: Some(user),
                        several: pointer.several || returned,
                        guest_since: pointer.guest_since && !page,
                        left: pointer.left && !page,
                        ..pointer
                    },
                );
            }
            Some(pointer) => self.update(fingerprint, Pointer { several: pointer.several || page, ..pointer }),
            None => self.point(fingerprint, Pointer { holder: Some(user), ..Pointer::to(visitor, seen.at) }),
        }
        Some(visitor)
    }

    fn update(&self, fingerprint: Name, pointer: Pointer) {
        if let Some(mut there) = self.pointers.get_mut(fingerprint) {
            let news = Pointer { seen: there.seen, ..pointer } != *there;
            if news || super::stale(there.seen, pointer.seen) {
                self.change(Slot::Pointer(fingerprint));
            }
            *there = pointer;
        }
    }
}

fn signed_in(evidence: Evidence) -> bool {
    matches!(evidence, Evidence::External | Evidence::Internal)
}
