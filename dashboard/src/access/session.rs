//! Sessions: who is signed in. They are in memory, so a restart ends them all.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use portalmeter_rules::time::Millis;

use super::hash::{Hashed, random};
use super::settings::User;

/// A session is over after a week, however busy it was.
pub const LONGEST: Millis = 7 * 86_400_000;

/// So many a user has at once: a desk, a laptop, a phone, each in some browsers. One more ends the one that was idle longest.
const MOST_OF_A_USER: usize = 32;

/// All sessions there are. Their ids are not kept, but their hashes: who reads our memory cannot ask in anybody's name.
#[derive(Default)]
pub(super) struct Sessions {
    all: Mutex<HashMap<Hashed, Session>>,
}

struct Session {
    user: Arc<User>,
    begun: Millis,
    seen: Millis,
}

impl Session {
    fn is_over(&self, now: Millis, idle: Millis) -> bool {
        now.saturating_sub(self.seen) >= idle || now.saturating_sub(self.begun) >= LONGEST
    }
}

impl Sessions {
    /// A new session's id; nothing if the system has no randomness.
    pub(super) fn begin(&self, user: Arc<User>, now: Millis, idle: Millis) -> Option<String> {
        let id = random()?;
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|_, session| !session.is_over(now, idle));
        let own = || all.iter().filter(|(_, session)| session.user.name == user.name);
        if own().count() >= MOST_OF_A_USER {
            let idlest = own().min_by_key(|(_, session)| session.seen).map(|(hash, _)| hash.clone());
            if let Some(idlest) = idlest {
                all.remove(&idlest);
            }
        }
        all.insert(Hashed::of(id.as_bytes()), Session { user, begun: now, seen: now });
        Some(id)
    }

    /// Whose session this is, if it is one and not over. It has been seen then.
    pub(super) fn find(&self, id: &str, now: Millis, idle: Millis) -> Option<Arc<User>> {
        let hash = Hashed::of(id.as_bytes());
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        let session = all.get_mut(&hash)?;
        if session.is_over(now, idle) {
            all.remove(&hash);
            return None;
        }
        session.seen = session.seen.max(now);
        Some(Arc::clone(&session.user))
    }

    /// Ends a session, if it is one.
    pub(super) fn end(&self, id: &str) {
        self.all.lock().unwrap_or_else(PoisonError::into_inner).remove(&Hashed::of(id.as_bytes()));
    }
}

#[cfg(test)]
mod tests {
    use super::super::Role;
    use super::*;

    const HOUR: Millis = 3_600_000;

    fn user(name: &str) -> Arc<User> {
        Arc::new(User { name: name.to_owned(), role: Role::Viewer, password: None, token: None, totp: None })
    }

    #[test]
    fn a_session_is_found_until_it_was_idle_for_too_long() {
        let sessions = Sessions::default();
        let id = sessions.begin(user("ann"), 0, HOUR).unwrap();
        assert_eq!(sessions.find(&id, HOUR - 1, HOUR).unwrap().name, "ann");
        assert!(sessions.find(&id, 2 * HOUR - 2, HOUR).is_some(), "it was seen meanwhile");
        assert!(sessions.find(&id, 3 * HOUR - 2, HOUR).is_none());
        assert!(sessions.find(&id, HOUR, HOUR).is_none(), "what is over stays over");
    }

    #[test]
    fn a_session_is_over_after_a_week_however_busy() {
        let sessions = Sessions::default();
        let id = sessions.begin(user("ann"), 0, 8 * 24 * HOUR).unwrap();
        assert!(sessions.find(&id, LONGEST - 1, 8 * 24 * HOUR).is_some());
        assert!(sessions.find(&id, LONGEST, 8 * 24 * HOUR).is_none());
    }

    #[test]
    fn what_was_not_given_is_nobodys() {
        let sessions = Sessions::default();
        let id = sessions.begin(user("ann"), 0, HOUR).unwrap();
        for forged in ["", "0", &id[1..], &id.to_uppercase(), &format!("{id} "), &"0".repeat(64)] {
            assert!(sessions.find(forged, 0, HOUR).is_none(), "{forged}");
        }
        sessions.end(&id);
        assert!(sessions.find(&id, 0, HOUR).is_none());
    }

    #[test]
    fn one_session_too_many_ends_the_users_idlest() {
        let sessions = Sessions::default();
        let other = sessions.begin(user("bob"), 0, HOUR).unwrap();
        let first = sessions.begin(user("ann"), 0, HOUR).unwrap();
        let second = sessions.begin(user("ann"), 1, HOUR).unwrap();
        sessions.find(&first, 2, HOUR);
        for at in 2..=MOST_OF_A_USER as Millis {
            sessions.begin(user("ann"), at, HOUR).unwrap();
        }
        let is_there = |id: &str| sessions.find(id, 40, HOUR).is_some();
        assert_eq!([&other, &first, &second].map(|id| is_there(id)), [true, true, false]);
        assert_eq!(sessions.all.lock().unwrap().len(), MOST_OF_A_USER + 1);
    }
}
