//! Cookies that were handed out behind a fingerprint, and whose session each of them is.

use portalmeter_rules::id::Name;
use portalmeter_rules::time::Millis;

use super::company::{Item, Knowledge};
use super::pointer::Pointer;
use super::{Shown, TABS, of_cookie};
use crate::terse::{OrNever, terse};

/// A cookie that was handed out, or came back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cookie {
    pub(super) name: Name,
    /// The visitor for whose session it was handed out.
    of: Name,
    /// When, where that is known.
    issued: Option<Millis>,
    /// Another cookie may have been handed out for the same session.
    contested: bool,
    /// When it first came back.
    first: Option<Millis>,
    /// When it was last seen.
    last: Millis,
}

terse!(Cookie { name, of, issued, contested, first, last as OrNever });

impl Cookie {
    /// When it was last of use.
    pub(super) fn used(&self) -> Millis {
        self.last.max(self.issued.unwrap_or(Millis::MIN))
    }

    pub(super) fn has_come_back(&self) -> bool {
        self.first.is_some()
    }

    /// As it was before it came back.
    pub(super) fn as_handed_out(&self) -> Self {
        Self { first: None, last: Millis::MIN, ..*self }
    }

    /// Two tabs opened at once are shown two cookies, of which the browser keeps one: the other is not
    /// seen any more soon after the one that stays was handed out.
    fn may_be_of_one_browser_with(&self, other: &Self) -> bool {
        let given_up = |lost: &Self, kept: &Self| kept.issued.is_some_and(|issued| lost.last <= issued + TABS);
        given_up(self, other) || given_up(other, self)
    }
}

impl Knowledge {
    pub(super) fn cookie(&self, name: Name) -> Option<&Cookie> {
        self.cookies.iter().find(|cookie| cookie.name == name)
    }

    pub(super) fn hand_out(&mut self, name: Name, of: Name, issued: Millis, contested: bool) {
        if self.cookie(name).is_none() {
            let (issued, last) = (Some(issued), Millis::MIN);
            self.cookies.push(Cookie { name, of, issued, contested, first: None, last });
        }
    }

    /// A cookie came back: the fingerprint points to its session no more.
    pub(super) fn came_back(&mut self, shown: &Shown, item: &Item, (first, last): (Millis, Millis)) {
        if self.cookie(shown.name).is_none() {
            let cookie = self.never_seen(shown, item);
            self.cookies.push(cookie);
        }
        if let Some(cookie) = self.cookies.iter_mut().find(|cookie| cookie.name == shown.name) {
            cookie.first = Some(cookie.first.map_or(first, |known| known.min(first)));
            cookie.last = cookie.last.max(last);
            let cookie = *cookie;
            self.close(&cookie, item.at);
        }
    }

    /// What is taken of a cookie whose handing out nobody here has seen.
    fn never_seen(&self, shown: &Shown, item: &Item) -> Cookie {
        let waiting = match shown.issued {
            // The page it was handed out with is forgotten: it joined the session that there was then.
            Some(issued) => self.pointer.filter(|pointer| {
                pointer.began <= issued && pointer.closed.is_none_or(|closed| issued < closed) && pointer.is_live(item)
            }),
            // From where a session waits for a cookie: it belongs together.
            None => self.pointer.filter(|pointer| pointer.is_live(item)),
        };
        let of = waiting.map_or(shown.name, |pointer| pointer.visitor);
        Cookie {
            name: shown.name,
            of,
            issued: shown.issued.or((of != shown.name).then_some(item.at)),
            contested: of != shown.name,
            first: None,
            last: Millis::MIN,
        }
    }

    fn close(&mut self, cookie: &Cookie, at: Millis) {
        let pointers = self.pointer.iter_mut().chain(self.users.iter_mut().map(|(_, pointer)| pointer));
        for pointer in pointers.filter(|pointer| pointer.visitor == cookie.of) {
            let new = pointer.since.is_none_or(|since| cookie.issued.is_some_and(|issued| issued >= since));
            if new && pointer.closed.is_none_or(|closed| at < closed) {
                // A page asked for before, and answered only now, still belongs to the session.
                pointer.closed = Some(at);
            }
        }
    }

    /// Whether several cookies were handed out for some session.
    pub(super) fn has_contest(&self) -> bool {
        self.cookies.iter().any(|cookie| cookie.contested)
    }

    /// Whether it is open whose session a cookie has.
    pub(super) fn is_contested(&self, name: Name) -> bool {
        let cookie = self.cookie(name);
        cookie.is_some_and(|cookie| self.cookies.iter().any(|other| other.of == cookie.of && other.contested))
    }

    /// Whether a cookie has come back that is for the session of nobody else.
    pub(super) fn is_own(&self, name: Name) -> bool {
        let cookie = self.cookie(name).filter(|cookie| cookie.has_come_back() && cookie.of == name);
        cookie.is_some() && !self.is_contested(name)
    }

    /// Whose session a cookie has. The first that comes back has the one it was handed out for; another has it
    /// too if it may be the same browser's, else one of its own from its first return.
    pub(super) fn visitor_of(&self, name: Name) -> Name {
        let Some(cookie) = self.cookie(name) else { return name };
        if !self.is_contested(cookie.name) {
            return cookie.of;
        }
        let mut rivals: Vec<&Cookie> =
            self.cookies.iter().filter(|one| one.of == cookie.of && one.first.is_some()).collect();
        rivals.sort_by_key(|one| (one.first, one.name));
        let mut holder: Option<&Cookie> = None;
        for rival in rivals {
            let granted = holder.is_none_or(|holder| holder.may_be_of_one_browser_with(rival));
            if rival.name == cookie.name {
                return if granted { cookie.of } else { of_cookie(cookie.name) };
            }
            if granted && holder.is_none_or(|holder| holder.last < rival.last) {
                holder = Some(rival);
            }
        }
        cookie.of
    }

    /// Cookies that have come back and were handed out for the same session as this one, and whose that is.
    pub(super) fn rivals_of(&self, name: Name) -> Vec<(Name, Name)> {
        let of = self.cookie(name).map(|cookie| cookie.of);
        let rivals = self.cookies.iter().filter(|one| Some(one.of) == of && one.first.is_some());
        rivals.map(|one| (one.name, one.of)).collect()
    }

    /// Cookies that have come back for a session that several were handed out for.
    pub(super) fn contested(&self) -> Vec<(Name, Name)> {
        let back = self.cookies.iter().filter(|cookie| cookie.first.is_some() && self.is_contested(cookie.name));
        back.map(|cookie| (cookie.name, self.visitor_of(cookie.name))).collect()
    }

    pub(super) fn pointer_of(&self, user: Name) -> Option<Pointer> {
        self.users.iter().find(|(name, _)| *name == user).map(|(_, pointer)| *pointer)
    }

    pub(super) fn pointer_mut(&mut self, user: Name) -> Option<&mut Pointer> {
        self.users.iter_mut().find(|(name, _)| *name == user).map(|(_, pointer)| pointer)
    }

    pub(super) fn point(&mut self, user: Name, pointer: Pointer) {
        match self.pointer_mut(user) {
            Some(there) => *there = pointer,
            None => self.users.push((user, pointer)),
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::terse::any;

    pub(in super::super) fn cookie() -> impl Strategy<Value = Cookie> {
        let names = (any::name(), any::name());
        let times = (prop::option::of(any::time()), prop::option::of(any::time()), any::time());
        let never = prop_oneof![Just(false), Just(true)];
        (names, times, never.clone(), never).prop_map(|((name, of), (issued, first, last), contested, never)| Cookie {
            name,
            of,
            issued,
            contested,
            first,
            last: if never { Millis::MIN } else { last },
        })
    }
}
