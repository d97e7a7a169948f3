//! The embedded chat: a script on somebody's page, whose first call is the only thing a meter can
//! take for a page.

use axum::Extension;
use axum::http::header::CONTENT_TYPE;
use axum::response::{Html, IntoResponse};
use serde_json::json;

use super::html::{Place, page};
use super::session::Sender;

/// A page that embeds the chat, as a customer's own site would.
pub(super) async fn host_page(Extension(sender): Extension<Sender>) -> Html<String> {
    let main = r#"<h1>Chat with us</h1>
<p class="lead">This page embeds a chat with one line of script. The chat itself has no page of its own.</p>
<div id="acme-chat" class="chat" aria-live="polite"><noscript>The chat needs JavaScript.</noscript></div>
<script src="/embed/chat/widget.js" defer></script>"#;
    page("Chat", Place::Chat, &sender, main)
}

/// The chat's first call.
pub(super) async fn open(Extension(sender): Extension<Sender>) -> impl IntoResponse {
    let name = match &sender {
        Sender::Guest => "there",
        Sender::User(user) => user.name.as_str(),
    };
    let answer = json!({
        "greeting": format!("Hello {name}, what can we do for you?"),
        "agent": "Robin",
        "wait_minutes": 2,
    });
    ([(CONTENT_TYPE, "application/json")], answer.to_string())
}
