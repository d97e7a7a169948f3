//! Why somebody is not let in, or not allowed, as `application/problem+json` (RFC 9457).

use std::borrow::Cow;

use axum::extract::rejection::JsonRejection;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use portalmeter_rules::time::Millis;
use serde::Serialize;
use utoipa::ToSchema;

/// Why a request is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// Nobody says who asks, or what they say does not hold (any more).
    NotSignedIn,
    /// There is no such user, or that is not the password.
    WrongPassword,
    /// The password is right; the code of the authenticator app is missing.
    CodeNeeded,
    /// The password is right, the code is not.
    WrongCode,
    /// A login was tried too often.
    TooOften {
        /// So long to wait.
        wait: Millis,
    },
    /// Too many log in at this moment.
    Busy,
    /// A page of another site could have made this request.
    NotOurPage,
    /// The auth proxy knows somebody whom the configuration does not.
    Stranger,
    /// A proxy passed this on to a listener without users.
    ThroughAProxy,
    /// The loopback was asked by a name that is not the machine's own.
    OtherHost,
    /// They are known, and may not.
    NotAllowed(&'static str),
    /// The body is not what was expected.
    BadBody {
        /// As which status.
        status: StatusCode,
        /// What is wrong with it.
        detail: String,
    },
}

/// A refusal, as it is answered.
#[derive(Debug, Serialize, ToSchema)]
pub struct Refused {
    /// Which, as a URN that stays the same.
    #[schema(example = "urn:portalmeter:problem:not-signed-in")]
    r#type: String,
    /// What it is about.
    title: &'static str,
    /// The status.
    status: u16,
    /// What to do.
    detail: Cow<'static, str>,
}

impl Refusal {
    fn status(&self) -> StatusCode {
        match self {
            Self::NotSignedIn | Self::WrongPassword | Self::CodeNeeded | Self::WrongCode => StatusCode::UNAUTHORIZED,
            Self::TooOften { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::Busy => StatusCode::SERVICE_UNAVAILABLE,
            Self::NotOurPage | Self::Stranger | Self::ThroughAProxy | Self::NotAllowed(_) => StatusCode::FORBIDDEN,
            Self::OtherHost => StatusCode::MISDIRECTED_REQUEST,
            Self::BadBody { status, .. } => *status,
        }
    }

    fn word(&self) -> &'static str {
        match self {
            Self::NotSignedIn => "not-signed-in",
            Self::WrongPassword => "wrong-password",
            Self::CodeNeeded => "code-needed",
            Self::WrongCode => "wrong-code",
            Self::TooOften { .. } => "too-often",
            Self::Busy => "busy",
            Self::NotOurPage => "not-our-page",
            Self::Stranger => "stranger",
            Self::ThroughAProxy => "through-a-proxy",
            Self::OtherHost => "other-host",
            Self::NotAllowed(_) => "not-allowed",
            Self::BadBody { .. } => "bad-body",
        }
    }

    fn title(&self) -> &'static str {
        match self {
            Self::NotSignedIn => "not signed in",
            Self::WrongPassword => "wrong name or password",
            Self::CodeNeeded => "a code is needed",
            Self::WrongCode => "wrong code",
            Self::TooOften { .. } => "tried too often",
            Self::Busy => "too many logins at once",
            Self::NotOurPage => "not from our own page",
            Self::Stranger => "not a user here",
            Self::ThroughAProxy => "came through a proxy",
            Self::OtherHost => "asked by another name",
            Self::NotAllowed(_) => "not allowed",
            Self::BadBody { .. } => "the body cannot be read",
        }
    }

    fn detail(&self) -> Cow<'static, str> {
        match self {
            Self::NotSignedIn => "log in, or send a token as `Authorization: Bearer`".into(),
            Self::WrongPassword => "mind capitals; an admin can make a new hash: `portalmeter hash-password`".into(),
            Self::CodeNeeded => "send the six digits of the authenticator app as `code`".into(),
            Self::WrongCode => "each code works once; wait for the next, and see that the clocks agree".into(),
            Self::TooOften { wait } => format!("try again in {} s", seconds(*wait)).into(),
            Self::Busy => "try again in a second".into(),
            Self::NotOurPage => "what changes something needs `X-Portalmeter: 1`, and the same origin".into(),
            Self::Stranger => "the auth proxy let you in, but no [[admin.user]] has that name".into(),
            Self::ThroughAProxy => "without users, only this machine is let in; configure [[admin.user]]".into(),
            Self::OtherHost => "ask for localhost, 127.0.0.1 or [::1]".into(),
            Self::NotAllowed(detail) => (*detail).into(),
            Self::BadBody { detail, .. } => detail.clone().into(),
        }
    }

    /// How long to wait, where waiting helps.
    fn retry_after(&self) -> Option<u64> {
        match self {
            Self::TooOften { wait } => Some(seconds(*wait)),
            Self::Busy => Some(1),
            _ => None,
        }
    }
}

/// In whole seconds, and long enough.
fn seconds(wait: Millis) -> u64 {
    wait.unsigned_abs().div_ceil(1_000).max(1)
}

impl From<JsonRejection> for Refusal {
    fn from(rejection: JsonRejection) -> Self {
        Self::BadBody { status: rejection.status(), detail: rejection.body_text() }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status = self.status();
        let refused = Refused {
            r#type: format!("urn:portalmeter:problem:{}", self.word()),
            title: self.title(),
            status: status.as_u16(),
            detail: self.detail(),
        };
        let body = serde_json::to_string(&refused).unwrap_or_default();
        let mut response = (status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if status == StatusCode::UNAUTHORIZED {
            // RFC 9110, 11.6.1 wants one. `Basic` would have browsers open a window of their own.
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"portalmeter\""));
        }
        if let Some(seconds) = self.retry_after() {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        response
    }
}
