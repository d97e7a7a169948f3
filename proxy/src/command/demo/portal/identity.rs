//! Says with every answer of its own who is signed in, so that a meter in front need not guess.
//!
//! Redirects say nothing: on the way out of a login or a logout the answer would be the old one.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderMap, HeaderName, HeaderValue, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use axum::middleware::Next;
use axum::response::Response;

use super::session::{Sender, Sessions, User};

/// `true` or `false`.
pub(super) const IS_LOGGED_IN: HeaderName = HeaderName::from_static("x-is-logged-in");
/// The user's name, in UTF-8.
pub(super) const USER: HeaderName = HeaderName::from_static("x-user");
/// `customer` or `staff`.
pub(super) const ROLES: HeaderName = HeaderName::from_static("x-roles");
/// The id of the user's company.
pub(super) const COMPANY: HeaderName = HeaderName::from_static("x-company");

/// Finds out who asks, tells the handler, and tells whoever reads the answer.
pub(super) async fn identify(State(sessions): State<Arc<Sessions>>, mut request: Request, next: Next) -> Response {
    let sender = sessions.sender(request.headers());
    request.extensions_mut().insert(sender.clone());
    let mut response = next.run(request).await;
    let redirected = response.status().is_redirection();
    let headers = response.headers_mut();
    protect(headers);
    if !redirected {
        tell(&sender, headers);
    }
    response
}

fn tell(sender: &Sender, headers: &mut HeaderMap) {
    match sender {
        Sender::Guest => {
            headers.insert(IS_LOGGED_IN, HeaderValue::from_static("false"));
        }
        Sender::User(user) => {
            headers.insert(IS_LOGGED_IN, HeaderValue::from_static("true"));
            tell_user(user, headers);
        }
    }
}

fn tell_user(user: &User, headers: &mut HeaderMap) {
    // A checked name has no control character, which is all that a header value forbids.
    if let Ok(name) = HeaderValue::from_bytes(user.name.as_str().as_bytes()) {
        headers.insert(USER, name);
    }
    headers.insert(ROLES, HeaderValue::from_static(user.role.as_str()));
    headers.insert(COMPANY, HeaderValue::from_static(user.company.id));
}

/// Nothing personal is stored by shared caches, and nothing is loaded from elsewhere.
fn protect(headers: &mut HeaderMap) {
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
}

const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; \
                      form-action 'self'; base-uri 'none'; frame-ancestors 'self'";
