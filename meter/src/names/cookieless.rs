//! Requests without the mode's cookie, told by the fingerprint until a cookie comes back.
//!
//! Where only a fingerprint tells who it is, a known user is part of the visitor: each user has a
//! pointer of his own beside the fingerprint's, and nobody switches. Once a signed-in page holds the
//! fingerprint's session, a guest's page may be another client's and proves nothing; it is metered
//! there all the same, until its own cookie comes back.

use portalmeter_rules::id::Name;
use portalmeter_rules::verdict::{Evidence, Kind};

use super::company::{Item, Knowledge};
use super::pointer::Pointer;
use super::{Resolved, SOMEBODY, of_users_page};

impl Knowledge {
    pub(super) fn without_a_cookie(&mut self, item: &Item, fingerprint: Name) -> Option<Resolved> {
        let page = item.kind == Kind::Page;
        let own = item.user.and_then(|user| self.pointer_of(user)).filter(|pointer| pointer.is_live(item));
        let shared = self.pointer.filter(|pointer| pointer.is_live(item));
        let joined = own.or(shared.filter(|shared| item.user.is_none_or(|user| shared.is_open_to(user))));
        let visitor = match joined {
            Some(pointer) => {
                if let Some(cookie) = item.handed {
                    self.hand_out(cookie, pointer.visitor, item.answered, cookie != pointer.visitor);
                }
                pointer.visitor
            }
            None if page => self.begin(item, fingerprint),
            None => return None,
        };
        if shared.is_none() && page {
            self.pointer = Some(Pointer::to(visitor, item.at));
        }
        if let Some(user) = item.user {
            if own.is_none() && page {
                self.point(user, Pointer::to(visitor, item.at));
            } else if let Some(own) = self.pointer_mut(user).filter(|pointer| pointer.is_live(item)) {
                own.seen = own.seen.max(item.at);
            }
        }
        let (mut kind, mut evidence) = (item.kind, item.evidence);
        if let Some(pointer) = self.pointer.as_mut().filter(|pointer| pointer.is_live(item)) {
            match (item.kind, item.evidence) {
                (Kind::Page, _) if pointer.visitor != visitor => pointer.several = true,
                (Kind::Page, Evidence::External | Evidence::Internal)
                    if pointer.is_open_to(item.user.unwrap_or(SOMEBODY)) =>
                {
                    pointer.holder = Some(item.user.or(pointer.holder).unwrap_or(SOMEBODY));
                }
                (Kind::Page, Evidence::Guest) if pointer.holder.is_some() => evidence = Evidence::Unknown,
                (Kind::Logout, _) if pointer.several && item.user.is_none() => kind = Kind::Activity,
                _ => {}
            }
            pointer.seen = pointer.seen.max(item.at);
        }
        Some(Resolved { visitor, kind, evidence })
    }

    /// A session of the visitor whose cookie is handed out, or of nobody else's if none is.
    fn begin(&mut self, item: &Item, fingerprint: Name) -> Name {
        let Some(cookie) = item.handed else {
            return of_users_page(fingerprint, item.at, item.user);
        };
        self.hand_out(cookie, cookie, item.answered, false);
        cookie
    }
}
