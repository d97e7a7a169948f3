//! The partner portal: rooms full of pages that say no more than what they would be about.

use axum::Extension;
use axum::extract::Path;
use axum::response::{Html, IntoResponse, Response};

use super::html::{Place, Text, page};
use super::pages::not_found;
use super::session::Sender;
use crate::command::demo::history;

/// Every room with its pages.
pub(super) async fn rooms(Extension(sender): Extension<Sender>) -> Html<String> {
    let main = format!(
        r#"<h1>Partners</h1><p class="lead">For those who sell and install what we make.</p><div class="cards">{}</div>"#,
        history::rooms().map(|(room, pages)| card(room, pages)).collect::<String>()
    );
    page("Partners", Place::Partners, &sender, &main)
}

/// One page of a room.
pub(super) async fn shown(Extension(sender): Extension<Sender>, Path(rest): Path<String>) -> Response {
    let path = format!("/partners/{rest}");
    let room = history::rooms().find(|(_, pages)| pages.contains(&path.as_str()));
    let Some((room, pages)) = room else { return not_found(Extension(sender)).await.into_response() };
    let main = format!(
        r#"<article class="reading"><p class="crumb"><a href="/partners">Partners</a> / {}</p><h1>{}</h1>
<p class="lead">What partners know about it would be here.</p><h2>Read on</h2>{}</article>"#,
        Text(room),
        Text(&title(&path)),
        list(pages)
    );
    page(&title(&path), Place::Partners, &sender, &main).into_response()
}

fn card(room: &str, pages: Vec<&str>) -> String {
    format!(r#"<section class="card"><h2>{}</h2>{}</section>"#, Text(room), list(pages))
}

fn list(pages: Vec<&str>) -> String {
    let entries = pages.into_iter().map(|path| format!(r#"<li><a href="{path}">{}</a></li>"#, Text(&title(path))));
    format!("<ul>{}</ul>", entries.collect::<String>())
}

/// `/partners/docs/getting-started` as people would write it.
fn title(path: &str) -> String {
    let name = path.rsplit('/').next().unwrap_or_default().replace('-', " ");
    let mut letters = name.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}
