//! Who may see what: users, their roles, and how they prove who they are.
//!
//! [`guard`] stands before everything below `/api/` but the login. It asks, in this order, for the cookie of a session, a
//! bearer token, and the header of an auth proxy; the first that is there and holds decides. A listener on the loopback
//! without users lets in whoever asks it by one of the machine's own names.
//!
//! # Requests that other sites could have a browser make
//!
//! A browser sends cookies, comes through an auth proxy, and reaches the loopback, whoever wrote the page that it shows. So
//! what changes something must prove that it comes from our own page, unless it brings a bearer token, which no browser
//! adds by itself. It needs two things, each of which would do ([`Access::admit`] asks for both):
//!
//! - the header `X-Portalmeter: 1`: a page of another site may not send it without being allowed to first (CORS), and
//!   nobody is allowed;
//! - `Sec-Fetch-Site: same-origin`; where a browser does not send it, an `Origin` with the host that was asked. Neither is
//!   in a script's request, and a script is nobody's browser.
//!
//! There is no token to hand out, to keep, or to lose with a restart. Requests that only read change nothing, so they need
//! neither.

use std::sync::{Arc, PoisonError, RwLock};

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use portalmeter_rules::time::Millis;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::board::Board;

mod attempts;
mod audit;
mod cookie;
mod guard;
mod hash;
mod login;
mod me;
mod password;
mod peer;
mod refusal;
mod same_origin;
mod session;
mod settings;
mod sso;
mod token;
mod totp;
mod verifying;

pub use audit::AUDIT_FILE;
pub use guard::guard;
pub use password::{PasswordHash, UnusableHash};
pub use refusal::{Refusal, Refused};
pub use session::LONGEST as LONGEST_SESSION;
pub use settings::{Reach, Settings, Sso, Unsound, User};
pub use token::{NotATokenHash, Token, TokenHash};
pub use totp::{TotpSecret, UnusableSecret};

use attempts::LoginAttempts;
use audit::Audit;
use session::Sessions;
use settings::Known;
use sso::Sightings;
use totp::UsedCodes;
use verifying::Verifier;

/// Now, in milliseconds since 1970.
pub type Clock = Arc<dyn Fn() -> Millis + Send + Sync>;

/// Who is let in, and how.
pub struct Access {
    known: RwLock<Arc<Known>>,
    sessions: Sessions,
    attempts: LoginAttempts,
    verifier: Verifier,
    used_codes: UsedCodes,
    sightings: Sightings,
    audit: Audit,
    clock: Clock,
}

/// What somebody may see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Role {
    /// Everything, and may book corrections.
    Admin,
    /// Everything, and may change nothing.
    Viewer,
    /// The engagement of one account alone, by its id.
    Partner {
        /// The account's id.
        account: String,
    },
}

/// Somebody who was let in; in every request's extensions behind the guard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Their name, as configured.
    pub name: String,
    /// What they may see.
    pub role: Role,
    /// How they proved who they are.
    pub how: How,
}

/// How somebody proved who they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum How {
    /// With the cookie that a login gave them.
    Session,
    /// With a bearer token.
    Token,
    /// An auth proxy says so.
    Sso,
    /// They are on this machine, and there are no users.
    Loopback,
}

/// The routes of logins: `login`, which the guard lets pass, `logout` and `me`.
pub fn routes() -> OpenApiRouter<Arc<Board>> {
    OpenApiRouter::new().routes(routes!(login::login)).routes(routes!(login::logout)).routes(routes!(me::me))
}

impl Access {
    /// For these users. What people did is written to the file `audit`, if there is one, beside the log.
    pub fn new(settings: Settings, clock: Clock, audit: Option<std::path::PathBuf>) -> Result<Self, Unsound> {
        Ok(Self {
            known: RwLock::new(Arc::new(Known::new(settings)?)),
            sessions: Sessions::default(),
            attempts: LoginAttempts::default(),
            verifier: Verifier::default(),
            used_codes: UsedCodes::default(),
            sightings: Sightings::default(),
            audit: audit.map_or_else(Audit::nowhere, Audit::to),
            clock,
        })
    }

    /// Lets in by other settings from now on. Sessions of users that changed are over.
    pub fn change(&self, settings: Settings) -> Result<(), Unsound> {
        let known = Arc::new(Known::new(settings)?);
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = known;
        Ok(())
    }

    /// Whether whoever is on this machine is let in: the listener is on the loopback, and there are no users.
    pub fn is_open(&self) -> bool {
        self.known().is_open()
    }

    /// Takes down what somebody did, in the log and in the audit file: `what` as one word, such as `correction` or
    /// `export`, and which.
    pub fn audit(&self, who: &Identity, what: &'static str, detail: &str) {
        self.audit.note(self.now(), &who.name, who.how.word(), what, detail);
    }

    fn known(&self) -> Arc<Known> {
        Arc::clone(&self.known.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn now(&self) -> Millis {
        (self.clock)()
    }
}

/// A loopback listener without users, where time stands still and nothing is written: for tests of what is behind it.
impl Default for Access {
    #[allow(clippy::expect_used, reason = "settings without users on the loopback are sound, which a test asserts")]
    fn default() -> Self {
        Self::new(Settings::default(), Arc::new(|| 0), None).expect("no users, on the loopback")
    }
}

impl std::fmt::Debug for Access {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Access").finish_non_exhaustive()
    }
}

impl Role {
    /// Its name in the configuration and the API.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Viewer => "viewer",
            Self::Partner { .. } => "partner",
        }
    }

    /// The only account they may see, if there is but one.
    pub fn account(&self) -> Option<&str> {
        match self {
            Self::Admin | Self::Viewer => None,
            Self::Partner { account } => Some(account),
        }
    }

    /// Whether they may see what belongs to this account.
    pub fn sees_account(&self, id: &str) -> bool {
        self.account().is_none_or(|own| own == id)
    }
}

impl Identity {
    /// Nothing, if they may change something; otherwise the refusal to answer with.
    pub fn must_be_admin(&self) -> Result<(), Refusal> {
        match self.role {
            Role::Admin => Ok(()),
            Role::Viewer | Role::Partner { .. } => Err(Refusal::NotAllowed("this takes the role `admin`")),
        }
    }

    /// Nothing, if they may see what belongs to no account; otherwise the refusal to answer with.
    pub fn must_see_everything(&self) -> Result<(), Refusal> {
        match self.role {
            Role::Admin | Role::Viewer => Ok(()),
            Role::Partner { .. } => Err(Refusal::NotAllowed("a partner sees the engagement of one account alone")),
        }
    }
}

/// Whom the guard let in.
impl<S: Send + Sync> FromRequestParts<S> for Identity {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Refusal> {
        parts.extensions.get::<Self>().cloned().ok_or(Refusal::NotSignedIn)
    }
}

impl How {
    /// As it is written.
    fn word(self) -> &'static str {
        match self {
            Self::Session => "session",
            Self::Token => "token",
            Self::Sso => "sso",
            Self::Loopback => "loopback",
        }
    }

    /// Whether a page of another site could have a browser ask like this.
    fn is_a_browsers(self) -> bool {
        match self {
            Self::Session | Self::Sso | Self::Loopback => true,
            Self::Token => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_but_a_partner_is_kept_to_an_account() {
        let partner = Role::Partner { account: "acme".to_owned() };
        assert!(partner.sees_account("acme") && !partner.sees_account("other") && !partner.sees_account(""));
        assert!(Role::Viewer.sees_account("other") && Role::Admin.sees_account("other"));
    }

    #[test]
    fn no_users_on_the_loopback_are_open() {
        assert!(Access::default().is_open());
    }
}
