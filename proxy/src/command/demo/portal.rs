//! The demo's portal: a small help centre that knows nothing of the meter before it.
//!
//! It has what a real portal has and a meter must tell apart: pages, a search, downloads, a login
//! and a logout, a background poll, a health check, and a widget that is nothing but a script. It
//! says who is signed in with its own response headers (see [`identity`]). Everything lives in
//! memory, nothing is loaded from elsewhere, and no input reaches a page unescaped.

mod content;
mod downloads;
mod html;
mod identity;
mod pages;
mod partners;
mod session;
mod sign_in;
mod widget;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::middleware::from_fn_with_state;
use axum::response::IntoResponse;
use axum::routing::get;

use session::Sessions;

/// The portal as a service, with no session yet.
pub(crate) fn router() -> Router {
    let sessions = Arc::new(Sessions::new(MOST_SESSIONS));
    personal(&sessions).merge(shared())
}

/// Enough for a demo that runs for days; the oldest session is forgotten first.
const MOST_SESSIONS: usize = 4096;

/// More than any form here can need.
const LARGEST_BODY: usize = 16 * 1024;

/// What depends on who asks, and tells so in its headers.
fn personal(sessions: &Arc<Sessions>) -> Router {
    Router::new()
        .route("/", get(pages::home))
        .route("/articles", get(pages::articles))
        .route("/articles/{slug}", get(pages::article))
        .route("/search", get(pages::search))
        .route("/account", get(pages::account))
        .route("/login", get(sign_in::form).post(sign_in::sign_in))
        .route("/logout", get(sign_in::sign_out).post(sign_in::sign_out))
        .route("/downloads", get(downloads::page))
        .route("/downloads/quick-start.pdf", get(downloads::guide))
        .route("/downloads/price-list.csv", get(downloads::prices))
        .route("/partners", get(partners::rooms))
        .route("/partners/search", get(pages::search))
        .route("/partners/{*page}", get(partners::shown))
        .route("/embed-host", get(widget::host_page))
        .route("/embed/chat/api/open", get(widget::open))
        .route("/embed/search/api/open", get(widget::open))
        .fallback(pages::not_found)
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        .layer(from_fn_with_state(Arc::clone(sessions), identity::identify))
        .with_state(Arc::clone(sessions))
}

/// What is the same for everybody.
fn shared() -> Router {
    const CSS: &str = "text/css; charset=utf-8";
    const SCRIPT: &str = "text/javascript; charset=utf-8";
    Router::new()
        .route("/style.css", get(async || asset(CSS, include_str!("portal/assets/style.css"))))
        .route("/portal.js", get(async || asset(SCRIPT, include_str!("portal/assets/portal.js"))))
        .route("/icon.svg", get(async || asset("image/svg+xml", include_str!("portal/assets/icon.svg"))))
        .route("/embed/chat/widget.js", get(async || asset(SCRIPT, include_str!("portal/assets/widget.js"))))
        .route("/robots.txt", get(async || asset("text/plain", "User-agent: *\nDisallow: /account\n")))
        .route("/api/poll", get(async || fresh("application/json", r#"{"status":"All services are running"}"#)))
        .route("/healthz", get(async || fresh("text/plain", "ok\n")))
}

fn asset(kind: &'static str, text: &'static str) -> impl IntoResponse {
    ([(CONTENT_TYPE, kind), (CACHE_CONTROL, "public, max-age=300")], text)
}

fn fresh(kind: &'static str, text: &'static str) -> impl IntoResponse {
    ([(CONTENT_TYPE, kind), (CACHE_CONTROL, "no-store")], text)
}

#[cfg(test)]
mod tests;
