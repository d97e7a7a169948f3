//! Who is signed in: a bounded map from the random id in the portal's own cookie to a user.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::http::HeaderMap;
use axum::http::header::COOKIE;

use super::content::Company;

/// The portal's own session cookie.
pub(super) const COOKIE_NAME: &str = "acme_session";

/// Somebody who has signed in.
#[derive(Debug)]
pub(super) struct User {
    /// The name given at the login.
    pub(super) name: UserName,
    /// What the user may see.
    pub(super) role: Role,
    /// Whom the user works for.
    pub(super) company: &'static Company,
}

/// Who sent a request, as far as the portal knows.
#[derive(Debug, Clone)]
pub(super) enum Sender {
    /// Nobody signed in.
    Guest,
    /// The holder of a session.
    User(Arc<User>),
}

/// Customer or staff.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// Works for a company that buys from Acme.
    Customer,
    /// Works for Acme.
    Staff,
}

impl Role {
    /// The role's name in forms and headers.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Customer => "customer",
            Self::Staff => "staff",
        }
    }

    /// The role of that name; everybody else is a customer.
    pub(super) fn named(name: &str) -> Self {
        if name == "staff" { Self::Staff } else { Self::Customer }
    }
}

/// A name that fits into a header: trimmed, 1 to 40 characters, none of them a control.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct UserName(String);

impl UserName {
    /// The name in `text`, if it is one.
    pub(super) fn parse(text: &str) -> Result<Self, BadName> {
        let name = text.trim();
        match name.chars().count() {
            0 => Err(BadName::Empty),
            1..=40 if name.chars().any(char::is_control) => Err(BadName::Control),
            1..=40 => Ok(Self(name.to_owned())),
            _ => Err(BadName::TooLong),
        }
    }

    /// The name as given.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

/// Why a name was refused; shown beside the field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum BadName {
    /// Nothing but blanks.
    #[error("Please enter a name.")]
    Empty,
    /// More than 40 characters.
    #[error("Please use at most 40 characters.")]
    TooLong,
    /// A line break or another control character.
    #[error("Please use letters, digits and blanks.")]
    Control,
}

/// The live sessions. When full, the oldest makes room.
#[derive(Debug)]
pub(super) struct Sessions {
    most: usize,
    live: Mutex<Live>,
}

#[derive(Debug, Default)]
struct Live {
    users: HashMap<String, Arc<User>>,
    oldest_first: VecDeque<String>,
}

impl Sessions {
    /// No session yet, and never more than `most`.
    pub(super) fn new(most: usize) -> Self {
        Self { most, live: Mutex::default() }
    }

    /// Begins a session and returns its id.
    pub(super) fn begin(&self, user: User) -> Result<String, getrandom::Error> {
        let id = random_id()?;
        let mut live = self.live();
        while live.users.len() >= self.most {
            let Some(oldest) = live.oldest_first.pop_front() else { break };
            live.users.remove(&oldest);
        }
        live.users.insert(id.clone(), Arc::new(user));
        live.oldest_first.push_back(id.clone());
        Ok(id)
    }

    /// Ends the session that these request headers name, if there is one.
    pub(super) fn end(&self, headers: &HeaderMap) {
        let mut live = self.live();
        for id in ids(headers) {
            if live.users.remove(id).is_some() {
                live.oldest_first.retain(|other| other != id);
            }
        }
    }

    /// Who sent these request headers.
    pub(super) fn sender(&self, headers: &HeaderMap) -> Sender {
        let live = self.live();
        let user = ids(headers).find_map(|id| live.users.get(id));
        user.map_or(Sender::Guest, |user| Sender::User(Arc::clone(user)))
    }

    fn live(&self) -> MutexGuard<'_, Live> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The values of our cookie, wherever it stands among others.
fn ids(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let cookies = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok()).flat_map(|v| v.split(';'));
    cookies.filter_map(|pair| pair.trim().split_once('=')).filter(|(name, _)| *name == COOKIE_NAME).map(|(_, id)| id)
}

fn random_id() -> Result<String, getrandom::Error> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes)?;
    Ok(format!("{:032x}", u128::from_be_bytes(bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::demo::portal::content::ACME;

    fn ann() -> User {
        User { name: UserName::parse("Ann").unwrap(), role: Role::Staff, company: &ACME }
    }

    fn holding(id: &str) -> HeaderMap {
        let cookie = format!("theme=dark; {COOKIE_NAME}={id}");
        HeaderMap::from_iter([(COOKIE, cookie.parse().unwrap())])
    }

    #[test]
    fn a_session_is_known_until_it_ends() {
        let sessions = Sessions::new(10);
        let headers = holding(&sessions.begin(ann()).unwrap());
        assert!(matches!(sessions.sender(&headers), Sender::User(user) if user.name.as_str() == "Ann"));
        sessions.end(&headers);
        assert!(matches!(sessions.sender(&headers), Sender::Guest));
        assert!(sessions.live().oldest_first.is_empty());
    }

    #[test]
    fn the_oldest_session_makes_room() {
        let sessions = Sessions::new(2);
        let ids: Vec<_> = (0..3).map(|_| sessions.begin(ann()).unwrap()).collect();
        assert!(matches!(sessions.sender(&holding(&ids[0])), Sender::Guest));
        assert!(matches!(sessions.sender(&holding(&ids[1])), Sender::User(_)));
        assert_eq!(sessions.live().users.len(), 2);
    }

    #[test]
    fn a_name_fits_into_a_header() {
        assert_eq!(UserName::parse("  Zoë ").unwrap().as_str(), "Zoë");
        assert_eq!(UserName::parse(" "), Err(BadName::Empty));
        assert_eq!(UserName::parse("a\r\nX-Roles: staff"), Err(BadName::Control));
        assert_eq!(UserName::parse(&"x".repeat(41)), Err(BadName::TooLong));
    }
}
