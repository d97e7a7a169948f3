//! `/api/v1/engagement/{resources,rooms}`: what was looked at, the most seen first.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use portalmeter_meter::insight::{self, Content, Seen};
use serde::Serialize;
use utoipa::ToSchema;

use super::filter::{About, Filter, FilterParams};
use crate::api::asked::Asked;
use crate::api::desk::Desk;
use crate::api::page::{PageParams, Part};
use crate::api::problem::{Problem, Told};
use crate::api::range::RangeParams;
use crate::api::table::{Answer, Format, FormatParams};
use crate::api::who::Who;

/// Rooms or resources.
#[derive(Debug, Serialize, ToSchema)]
struct EngagementContent {
    #[serde(flatten)]
    about: About,
    /// The most seen first.
    content: Vec<SeenContent>,
    /// How many there are on all pages.
    found: usize,
    /// Where the next page begins; null: this is the last.
    next: Option<String>,
}

/// How a room or a resource was seen.
#[derive(Debug, Serialize, ToSchema)]
struct SeenContent {
    portal: String,
    /// The group of pages.
    room: String,
    /// The page; null of a room as a whole.
    resource: Option<String>,
    /// How often it was seen.
    views: u64,
    /// Different users who were signed in and saw it, or did something there.
    unique_users: u64,
    /// What was done there, by name.
    actions: BTreeMap<String, u64>,
}

const RESOURCES: [&str; 6] = ["portal", "room", "resource", "views", "unique_users", "actions"];
const ROOMS: [&str; 5] = ["portal", "room", "views", "unique_users", "actions"];

impl From<Seen> for SeenContent {
    fn from(seen: Seen) -> Self {
        let Seen { portal, room, resource, views, users, actions } = seen;
        Self { portal, room, resource, views, unique_users: users, actions }
    }
}

/// Pages, and what was done there.
#[utoipa::path(
    get,
    path = "/api/v1/engagement/resources",
    tag = "engagement",
    params(RangeParams, FilterParams, PageParams, FormatParams),
    responses(
        (status = 200, content((EngagementContent = "application/json"), (String = "text/csv"))),
        (status = "4XX", body = Told, content_type = "application/problem+json"),
        (status = 503, body = Told, content_type = "application/problem+json"),
    )
)]
pub(in crate::api) async fn resources(
    State(desk): State<Arc<Desk>>,
    who: Who,
    asked: Asked,
) -> Result<Response, Problem> {
    content(&desk, &who, asked, Content::Resources).await
}

/// Groups of pages, and what was done there.
#[utoipa::path(
    get,
    path = "/api/v1/engagement/rooms",
    tag = "engagement",
    params(RangeParams, FilterParams, PageParams, FormatParams),
    responses(
        (status = 200, content((EngagementContent = "application/json"), (String = "text/csv"))),
        (status = "4XX", body = Told, content_type = "application/problem+json"),
        (status = 503, body = Told, content_type = "application/problem+json"),
    )
)]
pub(in crate::api) async fn rooms(State(desk): State<Arc<Desk>>, who: Who, asked: Asked) -> Result<Response, Problem> {
    content(&desk, &who, asked, Content::Rooms).await
}

async fn content(desk: &Desk, who: &Who, mut asked: Asked, what: Content) -> Result<Response, Problem> {
    let format = Format::of(&mut asked)?;
    let filter = Filter::of(&mut asked, who)?;
    let part = Part::of(&mut asked)?;
    let question = desk.question(who, &asked);
    asked.done()?;
    let (configured, directory, now) = (desk.portals(), desk.directory(), question.now);
    let answer = desk.look(&question, move |look| {
        let those = filter.those(look, &configured, &directory, now)?;
        let seen = insight::content(look, &those.portals, those.days, &those.whom, what)?;
        Ok((those, seen))
    });
    let (those, seen) = answer.await?;
    let found = seen.len();
    let (content, next) = part.cut(seen.into_iter().map(SeenContent::from).collect());
    let document = EngagementContent { about: those.about(question.as_of()), content, found, next };
    let (columns, name) = match what {
        Content::Resources => (&RESOURCES[..], "resources".to_owned()),
        Content::Rooms => (&ROOMS[..], "rooms".to_owned()),
    };
    let (rows, next) = (&document.content, document.next.as_deref());
    format.answer((desk, who, &question), &Answer { document: &document, rows, columns, name, next })
}
