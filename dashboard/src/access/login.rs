//! Logging in with a name, a password and, where one is configured, a code; and logging out.

use std::sync::Arc;

use axum::Json;
use axum::extract::{DefaultBodyLimit, FromRequest, Request, State};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::response::{AppendHeaders, IntoResponse, Response};
use serde::Deserialize;
use utoipa::ToSchema;

use super::attempts::Wait;
use super::guard::identity;
use super::me::Me;
use super::peer::Peer;
use super::refusal::{Refusal, Refused};
use super::settings::{Known, User};
use super::{Access, How, Identity, cookie, same_origin};
use crate::board::Board;

/// Where one logs in.
pub(super) const PATH: &str = "/api/v1/login";

/// A name, a password and perhaps a code, in JSON: far more than anybody types.
const LARGEST_BODY: usize = 4 * 1024;

/// Who somebody says to be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Login {
    /// The user's name.
    name: String,
    /// The password.
    #[schema(format = Password)]
    password: String,
    /// The six digits of the authenticator app, for a user who has one.
    #[serde(default)]
    code: Option<String>,
}

/// Logs in: sets the cookie of a session, and says who it is.
#[utoipa::path(
    post,
    path = PATH,
    tag = "access",
    request_body = Login,
    params(("X-Portalmeter" = String, Header, description = "`1`")),
    responses(
        (status = 200, body = Me, description = "logged in; the cookie is the session"),
        (status = 401, body = Refused, content_type = "application/problem+json", description = "`wrong-password`, `code-needed` or `wrong-code`"),
        (status = 403, body = Refused, content_type = "application/problem+json", description = "`not-our-page`: without `X-Portalmeter: 1`, or from another site"),
        (status = 429, body = Refused, content_type = "application/problem+json", description = "`too-often`: `Retry-After` says how long to wait"),
        (status = 503, body = Refused, content_type = "application/problem+json", description = "`busy`: too many log in at once"),
    )
)]
pub(super) async fn login(State(board): State<Arc<Board>>, request: Request) -> Result<Response, Refusal> {
    let access = &board.access;
    let (parts, body) = request.into_parts();
    let known = access.known();
    let peer = Peer::of(&parts, &known.trusted_proxies);
    same_origin::check(&parts.method, &parts.headers, peer.trusted)?;
    let mut request = Request::from_parts(parts.clone(), body);
    DefaultBodyLimit::max(LARGEST_BODY).apply(&mut request);
    let Json(login) = Json::<Login>::from_request(request, &()).await?;
    let user = access.prove(&known, login, peer).await?;
    let id = access.sessions.begin(Arc::clone(&user), access.now(), known.idle).ok_or(Refusal::Busy)?;
    // Whoever was signed in with this browser is not any more.
    access.end_sessions(&parts, peer);
    let identity = identity(&user, How::Session);
    access.audit(&identity, "login", &from(peer));
    let set = [(header::SET_COOKIE, cookie::set(&id, peer.https)), (header::CACHE_CONTROL, "no-store".to_owned())];
    Ok((AppendHeaders(set), Json(Me::from(identity))).into_response())
}

/// Logs out: ends the session, if that is how one came in.
#[utoipa::path(
    post,
    path = "/api/v1/logout",
    tag = "access",
    params(("X-Portalmeter" = String, Header, description = "`1`")),
    responses(
        (status = 204, description = "the session is over"),
        (status = 401, body = Refused, content_type = "application/problem+json"),
        (status = 403, body = Refused, content_type = "application/problem+json"),
    )
)]
pub(super) async fn logout(State(board): State<Arc<Board>>, who: Identity, request: Request) -> Response {
    let access = &board.access;
    let (parts, _) = request.into_parts();
    let peer = Peer::of(&parts, &access.known().trusted_proxies);
    if who.how == How::Session {
        access.end_sessions(&parts, peer);
        access.audit(&who, "logout", &from(peer));
    }
    (StatusCode::NO_CONTENT, [(header::SET_COOKIE, cookie::unset(peer.https))]).into_response()
}

/// Where somebody came from, for the audit file.
pub(super) fn from(peer: Peer) -> String {
    peer.ip.map_or_else(String::new, |ip| format!("from {ip}"))
}

impl Access {
    /// The user that somebody proves to be.
    async fn prove(&self, known: &Known, login: Login, peer: Peer) -> Result<Arc<User>, Refusal> {
        let Login { name, password, code } = login;
        self.attempts.take(peer.ip, &name, self.now()).map_err(|Wait(wait)| Refusal::TooOften { wait })?;
        let user = known.user(&name).filter(|user| user.password.is_some());
        // Who is not there takes as long to be refused as who is.
        let hash = user.and_then(|user| user.password.as_ref()).unwrap_or(&known.decoy).clone();
        let is_right = self.verifier.verify(hash, password).await?;
        let failed = |refusal: Refusal, why: &str| {
            self.audit.note(self.now(), &name, "password", "login_failed", format!("{why} {}", from(peer)).trim());
            Err(refusal)
        };
        let Some(user) = user.filter(|_| is_right) else {
            return failed(Refusal::WrongPassword, "wrong name or password");
        };
        if let Some(secret) = &user.totp {
            let code = code.ok_or(Refusal::CodeNeeded)?;
            if !self.used_codes.take(&name, secret, &code, self.now()) {
                return failed(Refusal::WrongCode, "wrong code");
            }
        }
        self.attempts.forgive(&name);
        Ok(Arc::clone(user))
    }

    fn end_sessions(&self, parts: &Parts, peer: Peer) {
        for id in cookie::ids(&parts.headers, peer.https) {
            self.sessions.end(id);
        }
    }
}
