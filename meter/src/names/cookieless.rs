//! Requests without the mode's cookie, told by the fingerprint until a cookie comes back.
//!
//! Where only a fingerprint tells who it is, a known user is part of the visitor: each user has a
//! pointer of his own beside the fingerprint's, and nobody switches. Once a signed-in page holds the
//! fingerprint's session, a guest's page may be another client's and proves nothing; it is metered
//! there all the same, until its own cookie comes back.

use portalmeter_rules::id::Name;
use portalmeter_rules::time::Millis;
use portalmeter_rules::verdict::{Evidence, Kind};
use portalmeter_rules::visitor::Handed;

use super::{
    Alias, Claim, HandedOut, Known, Names, Pointer, Resolved, SOMEBODY, Sighting, Slot, derived, of_user, stale,
};

impl Names {
    pub(super) fn by_pointer(
        &self,
        seen: &Sighting<'_>,
        hand_out: &mut dyn FnMut(Option<Name>) -> Option<HandedOut>,
    ) -> Option<Resolved> {
        let fingerprint = seen.traces.fingerprint.name();
        let _turn = self.turn(fingerprint);
        let page = seen.kind == Kind::Page;
        let mut handed = |of: Option<Name>| match seen.traces.response {
            Some(Handed::Out(name)) => Some(HandedOut { name, tells: false }),
            _ if page => hand_out(of),
            _ => None,
        };
        let theirs = seen.user.map(|user| of_user(fingerprint, user));
        let own = theirs.and_then(|theirs| self.live(theirs, seen));
        let shared = self.live(fingerprint, seen);
        let joined = own.or(shared.filter(|shared| seen.user.is_none_or(|user| shared.is_open_to(user))));
        let visitor = match joined {
            Some(pointer) => {
                if let Some(cookie) = handed(Some(pointer.visitor)) {
                    self.contest(seen, cookie, pointer.visitor);
                }
                pointer.visitor
            }
            None if page => self.begin(seen, handed(None)),
            None => return None,
        };
        if shared.is_none() && page {
            self.point(fingerprint, Pointer::to(visitor, seen.at));
        }
        if let Some(theirs) = theirs.filter(|_| own.is_none() && page) {
            self.point(theirs, Pointer::to(visitor, seen.at));
        } else if let Some(theirs) = theirs {
            self.touch(theirs, seen, |_| {});
        }
        let (mut kind, mut evidence) = (seen.kind, seen.evidence);
        self.touch(fingerprint, seen, |pointer| {
            let holder = seen.user.unwrap_or(SOMEBODY);
            match (seen.kind, seen.evidence) {
                (Kind::Page, _) if pointer.visitor != visitor => pointer.several = true,
                (Kind::Page, Evidence::External | Evidence::Internal) if pointer.is_open_to(holder) => {
                    pointer.holder = Some(seen.user.or(pointer.holder).unwrap_or(SOMEBODY));
                }
                (Kind::Page, Evidence::Guest) if pointer.holder.is_some() => evidence = Evidence::Unknown,
                (Kind::Logout, _) if pointer.several && seen.user.is_none() => kind = Kind::Activity,
                _ => {}
            }
        });
        Some(Resolved { visitor, kind, evidence })
    }

    /// A session of the visitor whose cookie is handed out, or of nobody else's if none can be.
    fn begin(&self, seen: &Sighting<'_>, handed: Option<HandedOut>) -> Name {
        let Some(cookie) = handed else {
            let (fingerprint, user) = (seen.traces.fingerprint.name(), seen.user.unwrap_or_default());
            return derived(b"page", &[&fingerprint.0, &seen.at.to_le_bytes(), &user.0]);
        };
        if !cookie.tells {
            self.hand(cookie.name, cookie.name, seen.now, false);
        }
        cookie.name
    }

    /// Another cookie was handed out for a session that nobody has claimed yet.
    fn contest(&self, seen: &Sighting<'_>, cookie: HandedOut, visitor: Name) {
        if cookie.name == visitor {
            return;
        }
        if !cookie.tells {
            self.hand(cookie.name, visitor, seen.now, true);
        }
        self.claims.entry(visitor).or_insert_with(|| {
            self.remember(Slot::Claim(visitor), seen.at);
            Claim { owner: None, cookie_seen: 0, seen: seen.at }
        });
    }

    /// Remembers of a cookie what it does not say itself.
    fn hand(&self, cookie: Name, of: Name, now: Millis, contested: bool) {
        self.put(Slot::Alias(cookie), Known::Alias(Alias { of, issued: Some(now), contested, seen: now }));
    }

    fn touch(&self, slot: Name, seen: &Sighting<'_>, change: impl FnOnce(&mut Pointer)) {
        let Some(mut pointer) = self.pointers.get_mut(slot).filter(|pointer| pointer.is_live(seen)) else { return };
        let before = *pointer;
        change(&mut pointer);
        if *pointer != before || stale(before.seen, seen.at) {
            self.change(Slot::Pointer(slot));
        }
        pointer.seen = before.seen.max(seen.at);
    }
}
