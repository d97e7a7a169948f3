//! Stands before the API: finds out who asks, and sends away whom it does not know.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use portalmeter_rules::judge::host_of;

use super::peer::{Peer, came_through_a_proxy};
use super::refusal::Refusal;
use super::settings::{Known, User};
use super::{Access, How, Identity, Role, cookie, login, same_origin, sso};

/// The names by which a machine asks itself.
const OWN_NAMES: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];
/// Who asks the loopback where there are no users.
const SOMEBODY: &str = "loopback";

/// Lets in who may come in, with an [`Identity`] in the request's extensions; only the login needs none.
///
/// For `axum::middleware::from_fn_with_state`. The listener must tell who is at the other end, by
/// `into_make_service_with_connect_info::<SocketAddr>()`: otherwise no proxy is trusted.
pub async fn guard(State(access): State<Arc<Access>>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    if parts.uri.path() != login::PATH {
        match access.admit(&parts) {
            Ok(identity) => parts.extensions.insert(identity),
            Err(refusal) => return refusal.into_response(),
        };
    }
    let mut response = next.run(Request::from_parts(parts, body)).await;
    // What one may see, a cache must not show to another.
    response.headers_mut().entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

impl Access {
    /// Who asks, if they may ask at all, and this.
    pub fn admit(&self, parts: &Parts) -> Result<Identity, Refusal> {
        let known = self.known();
        let peer = Peer::of(parts, &known.trusted_proxies);
        let identity = self.identify(&known, parts, peer)?;
        if identity.how.is_a_browsers() {
            same_origin::check(&parts.method, &parts.headers, peer.trusted)?;
        }
        Ok(identity)
    }

    fn identify(&self, known: &Known, parts: &Parts, peer: Peer) -> Result<Identity, Refusal> {
        let headers = &parts.headers;
        if known.is_open() {
            return neighbour(headers);
        }
        if let Some(user) = self.session(known, headers, peer) {
            return Ok(identity(&user, How::Session));
        }
        if let Some(user) = bearer(headers).and_then(|token| known.bearer(token)) {
            return Ok(identity(user, How::Token));
        }
        if peer.trusted
            && let Some(user) = sso::user(known, headers)?
        {
            let identity = identity(&user, How::Sso);
            if self.sightings.is_a_login(&user.name, self.now(), known.idle) {
                self.audit(&identity, "login", &login::from(peer));
            }
            return Ok(identity);
        }
        Err(Refusal::NotSignedIn)
    }

    /// Whose session a cookie is of. One of a user who is gone, or has changed since, is over.
    fn session(&self, known: &Known, headers: &HeaderMap, peer: Peer) -> Option<Arc<User>> {
        let now = self.now();
        cookie::ids(headers, peer.https).find_map(|id| {
            let user = self.sessions.find(id, now, known.idle)?;
            if known.user(&user.name) == Some(&user) {
                return Some(user);
            }
            self.sessions.end(id);
            None
        })
    }
}

/// Somebody on this machine. A browser could be lured here under another name, and a proxy lets others in.
fn neighbour(headers: &HeaderMap) -> Result<Identity, Refusal> {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).map(host_of);
    if !host.is_some_and(|host| OWN_NAMES.contains(&host.as_str())) {
        return Err(Refusal::OtherHost);
    }
    if came_through_a_proxy(headers) {
        return Err(Refusal::ThroughAProxy);
    }
    Ok(Identity { name: SOMEBODY.to_owned(), role: Role::Admin, how: How::Loopback })
}

/// The token that a request brings, if it brings one. What auth proxies pass on beside their header is another's.
fn bearer(headers: &HeaderMap) -> Option<&[u8]> {
    let mut fields = headers.get_all(header::AUTHORIZATION).iter();
    let (field, None) = (fields.next()?.as_bytes(), fields.next()) else { return None };
    let (scheme, token) = field.split_at_checked(SCHEME.len())?;
    scheme.eq_ignore_ascii_case(SCHEME).then(|| token.trim_ascii())
}

const SCHEME: &[u8] = b"Bearer ";

pub(super) fn identity(user: &User, how: How) -> Identity {
    Identity { name: user.name.clone(), role: user.role.clone(), how }
}
