//! What is configured: users, the auth proxy, who is believed; checked together, once.

use std::collections::HashMap;
use std::sync::Arc;

use ipnet::IpNet;
use portalmeter_rules::time::Millis;

use super::{PasswordHash, Role, TokenHash, TotpSecret};

/// Who may come in, as configured.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The users.
    pub users: Vec<User>,
    /// The auth proxy, if one asks people who they are.
    pub sso: Option<Sso>,
    /// Peers whose `X-Forwarded-*` fields, and whose header of the auth proxy, are believed.
    pub trusted_proxies: Vec<IpNet>,
    /// After so long without a request a session is over.
    pub idle: Millis,
    /// Who can reach the listener.
    pub reach: Reach,
}

/// Somebody who may come in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// What they are called here and in the audit file.
    pub name: String,
    /// What they may see.
    pub role: Role,
    /// For logins.
    pub password: Option<PasswordHash>,
    /// For machines.
    pub token: Option<TokenHash>,
    /// A second proof, for logins.
    pub totp: Option<TotpSecret>,
}

/// How an auth proxy says who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sso {
    /// The header with the user's name, in lower case.
    pub user: String,
}

/// Who can reach the listener.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// This machine alone.
    Loopback,
    /// Others too.
    Network,
}

/// Why nobody can be let in by these settings.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unsound {
    /// Two users of one name.
    #[error("there are two users `{0}`")]
    Twice(String),
    /// Nobody could tell whether it is them.
    #[error("the user `{0}` has neither password nor token, and no auth proxy speaks for them")]
    WithoutProof(String),
    /// Everybody would be an admin.
    #[error("a listener off the loopback needs users")]
    Open,
}

/// Twelve hours: a working day.
const IDLE: Millis = 12 * 3_600_000;

impl Default for Settings {
    fn default() -> Self {
        Self { users: Vec::new(), sso: None, trusted_proxies: Vec::new(), idle: IDLE, reach: Reach::Loopback }
    }
}

/// Settings that make sense.
pub(super) struct Known {
    users: HashMap<String, Arc<User>>,
    pub(super) sso: Option<Sso>,
    pub(super) trusted_proxies: Vec<IpNet>,
    pub(super) idle: Millis,
    /// Checked in place of a password that nobody has, so that both take the same time.
    pub(super) decoy: PasswordHash,
}

impl Known {
    pub(super) fn new(settings: Settings) -> Result<Self, Unsound> {
        if settings.users.is_empty() && settings.reach == Reach::Network {
            return Err(Unsound::Open);
        }
        let decoy = PasswordHash::decoy(settings.users.iter().find_map(|user| user.password.as_ref()));
        let mut users = HashMap::new();
        for user in settings.users {
            if user.password.is_none() && user.token.is_none() && settings.sso.is_none() {
                return Err(Unsound::WithoutProof(user.name));
            }
            if let Some(first) = users.insert(user.name.clone(), Arc::new(user)) {
                return Err(Unsound::Twice(first.name.clone()));
            }
        }
        let Settings { sso, trusted_proxies, idle, .. } = settings;
        Ok(Self { users, sso, trusted_proxies, idle, decoy })
    }

    /// Whether whoever reaches the listener, which is on the loopback, is let in.
    pub(super) fn is_open(&self) -> bool {
        self.users.is_empty()
    }

    /// The user of this name.
    pub(super) fn user(&self, name: &str) -> Option<&Arc<User>> {
        self.users.get(name)
    }

    /// Whose token this is. All are compared, each in constant time.
    pub(super) fn bearer(&self, token: &[u8]) -> Option<&Arc<User>> {
        let asked = TokenHash::of(token);
        self.users
            .values()
            .fold(None, |found, user| if user.token.as_ref() == Some(&asked) { Some(user) } else { found })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(name: &str) -> User {
        let token = Some(TokenHash::of(name.as_bytes()));
        User { name: name.to_owned(), role: Role::Admin, password: None, token, totp: None }
    }

    fn unsound(settings: Settings) -> Option<Unsound> {
        Known::new(settings).err()
    }

    #[test]
    fn a_listener_that_others_reach_needs_users() {
        let settings = |users: Vec<User>| Settings { users, reach: Reach::Network, ..Settings::default() };
        assert_eq!(unsound(settings(Vec::new())), Some(Unsound::Open));
        assert_eq!(unsound(settings(vec![user("ann")])), None);
    }

    #[test]
    fn a_name_is_one_users_alone() {
        let users = vec![user("ann"), user("bob"), user("ann")];
        assert_eq!(unsound(Settings { users, ..Settings::default() }), Some(Unsound::Twice("ann".to_owned())));
    }

    #[test]
    fn without_password_or_token_an_auth_proxy_must_speak_for_a_user() {
        let users = vec![User { token: None, ..user("ann") }];
        let settings = Settings { users, ..Settings::default() };
        assert_eq!(unsound(settings.clone()), Some(Unsound::WithoutProof("ann".to_owned())));
        assert_eq!(unsound(Settings { sso: Some(Sso { user: "x-user".to_owned() }), ..settings }), None);
    }

    #[test]
    fn a_token_is_its_users() {
        let known = Known::new(Settings { users: vec![user("ann"), user("bob")], ..Settings::default() }).unwrap();
        assert_eq!(known.bearer(b"bob").unwrap().name, "bob");
        assert!(known.bearer(b"eve").is_none() && known.bearer(b"").is_none());
    }
}
