//! Whom an auth proxy speaks for, and that it is told once, not at every request.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::http::HeaderMap;
use portalmeter_rules::time::Millis;

use super::refusal::Refusal;
use super::settings::{Known, User};

/// The user that an auth proxy names; nothing if it names none. The caller has seen that it is the proxy who asks.
pub(super) fn user(known: &Known, headers: &HeaderMap) -> Result<Option<Arc<User>>, Refusal> {
    let Some(sso) = &known.sso else { return Ok(None) };
    let mut fields = headers.get_all(&sso.user).iter();
    let Some(name) = fields.next() else { return Ok(None) };
    // Two that differ: one of them may be the client's own, passed on.
    if fields.any(|other| other != name) {
        return Err(Refusal::Stranger);
    }
    let name = std::str::from_utf8(name.as_bytes()).map_err(|_| Refusal::Stranger)?.trim();
    if name.is_empty() {
        return Ok(None);
    }
    known.user(name).cloned().map(Some).ok_or(Refusal::Stranger)
}

/// When each user last came through the auth proxy. It is as large as there are users.
#[derive(Default)]
pub(super) struct Sightings {
    last: Mutex<HashMap<String, Millis>>,
}

impl Sightings {
    /// Whether a user was away for as long as it takes to end a session: then this is a login.
    pub(super) fn is_a_login(&self, user: &str, now: Millis, idle: Millis) -> bool {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let before = last.insert(user.to_owned(), now);
        before.is_none_or(|before| now.saturating_sub(before) >= idle)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Role;
    use super::super::settings::{Settings, Sso};
    use super::*;

    fn named(fields: &[&[u8]]) -> Result<Option<String>, Refusal> {
        let ann = User { name: "ann".to_owned(), role: Role::Viewer, password: None, token: None, totp: None };
        let sso = Some(Sso { user: "x-user".to_owned() });
        let known = Known::new(Settings { users: vec![ann], sso, ..Settings::default() }).unwrap();
        let mut headers = HeaderMap::new();
        for field in fields {
            headers.append("x-user", axum::http::HeaderValue::from_bytes(field).unwrap());
        }
        user(&known, &headers).map(|user| user.map(|user| user.name.clone()))
    }

    #[test]
    fn a_user_who_is_configured_is_known_and_nobody_else() {
        assert_eq!(named(&[b"ann"]), Ok(Some("ann".to_owned())));
        assert_eq!(named(&[b"ann", b"ann"]), Ok(Some("ann".to_owned())));
        assert_eq!(named(&[]), Ok(None));
        assert_eq!(named(&[b""]), Ok(None));
        for strange in [&[b"eve".as_slice()][..], &[b"Ann"], &[b"ann", b"eve"], &[b"ann,eve"], &[b"\xff\xfe"]] {
            assert_eq!(named(strange), Err(Refusal::Stranger), "{strange:?}");
        }
    }

    #[test]
    fn whoever_was_away_long_enough_logs_in_again() {
        let sightings = Sightings::default();
        assert_eq!([0, 10, 19, 30].map(|now| sightings.is_a_login("ann", now, 10)), [true, true, false, true]);
        assert!(sightings.is_a_login("bob", 30, 10));
    }
}
