//! Who asks, and what they may know.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;

use super::problem::Problem;
use crate::access::{Identity, Role};

/// Whom the guard let in.
pub(crate) struct Who(pub(crate) Identity);

impl<S: Send + Sync> FromRequestParts<S> for Who {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        parts.extensions.get::<Identity>().cloned().map(Self).ok_or_else(Problem::not_signed_in)
    }
}

impl Who {
    /// Nothing, if they may see what belongs to no account.
    pub(crate) fn sees_everything(&self) -> Result<(), Problem> {
        match self.0.role {
            Role::Admin | Role::Viewer => Ok(()),
            Role::Partner { .. } => Err(Problem::not_allowed("a partner sees the engagement of one account alone")),
        }
    }

    /// Nothing, if they may change something.
    pub(crate) fn changes_something(&self) -> Result<(), Problem> {
        match self.0.role {
            Role::Admin => Ok(()),
            Role::Viewer | Role::Partner { .. } => Err(Problem::not_allowed("this takes the role `admin`")),
        }
    }

    /// The only account they may see, if there is but one.
    pub(crate) fn account(&self) -> Option<&str> {
        match &self.0.role {
            Role::Admin | Role::Viewer => None,
            Role::Partner { account } => Some(account),
        }
    }
}
