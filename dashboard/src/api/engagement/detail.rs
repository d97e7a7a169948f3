//! `/api/v1/engagement/resources/detail`: one resource by itself.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use portalmeter_meter::insight::{self, SeenBy, SeenIn, buckets};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use super::filter::{About, Filter, FilterParams};
use super::timeline::PeriodTold;
use crate::api::asked::Asked;
use crate::api::desk::Desk;
use crate::api::problem::{Problem, Told};
use crate::api::range::RangeParams;
use crate::api::table::{Answer, Format, FormatParams};
use crate::api::who::Who;

/// Which resource.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "for the description alone")]
struct DetailParams {
    /// The group of pages that it is in.
    room: String,
    /// The page.
    resource: String,
    /// Which table is written as CSV: `timeline` or `accounts`.
    #[param(example = "timeline")]
    table: Option<String>,
}

/// How one resource was seen.
#[derive(Debug, Serialize, ToSchema)]
struct ResourceDetail {
    #[serde(flatten)]
    about: About,
    portal: String,
    room: String,
    resource: String,
    /// How often it was seen.
    views: u64,
    /// Different users who were signed in and saw it, or did something there.
    unique_users: u64,
    /// `day` of fewer than 14 days, `week` of 14 to 60, `month` of more.
    by: &'static str,
    timeline: Vec<ResourcePoint>,
    /// Those that saw it most first.
    accounts: Vec<ResourceAccount>,
    /// What was done there, by name.
    actions: BTreeMap<String, u64>,
}

/// How it was seen in a period.
#[derive(Debug, Serialize, ToSchema)]
struct ResourcePoint {
    #[serde(flatten)]
    when: PeriodTold,
    views: u64,
    unique_users: u64,
}

/// How it was seen by an account.
#[derive(Debug, Serialize, ToSchema)]
struct ResourceAccount {
    /// The account's id; null: guests, and users of no account.
    account: Option<String>,
    name: Option<String>,
    views: u64,
    unique_users: u64,
    /// What they did there.
    actions: u64,
}

#[derive(Debug, Clone, Copy)]
enum Table {
    Timeline,
    Accounts,
}

impl Table {
    fn name(self) -> &'static str {
        match self {
            Self::Timeline => "timeline",
            Self::Accounts => "accounts",
        }
    }
}

const POINTS: [&str; 6] = ["period", "from", "to", "whole", "views", "unique_users"];
const ACCOUNTS: [&str; 5] = ["account", "name", "views", "unique_users", "actions"];
/// More accounts of one resource nobody reads.
const MOST: usize = 1_000;

/// One resource over time, by accounts, and what was done there. It takes exactly one `portal`.
#[utoipa::path(
    get,
    path = "/api/v1/engagement/resources/detail",
    tag = "engagement",
    params(RangeParams, FilterParams, DetailParams, FormatParams),
    responses(
        (status = 200, content((ResourceDetail = "application/json"), (String = "text/csv"))),
        (status = "4XX", body = Told, content_type = "application/problem+json"),
        (status = 503, body = Told, content_type = "application/problem+json"),
    )
)]
pub(in crate::api) async fn detail(
    State(desk): State<Arc<Desk>>,
    who: Who,
    mut asked: Asked,
) -> Result<Response, Problem> {
    who.sees_everything()?;
    let format = Format::of(&mut asked)?;
    let filter = Filter::of(&mut asked, &who)?;
    let needed = || Problem::bad("name the `portal`, `room` and `resource` that it is about, each once");
    let portal = filter.one_portal().ok_or_else(needed)?;
    let (room, resource) = (asked.text("room")?.unwrap_or_default(), asked.text("resource")?.ok_or_else(needed)?);
    let table = asked.word("table", &[Table::Timeline, Table::Accounts], Table::name)?.unwrap_or(Table::Timeline);
    let question = desk.question(&who, &asked);
    asked.done()?;
    let (configured, directory, now) = (desk.portals(), desk.directory(), question.now);
    let of = (portal.clone(), room.clone(), resource.clone());
    let answer = desk.look(&question, move |look| {
        let those = filter.those(look, &configured, &directory, now)?;
        let detail = insight::detail(look, (&of.0, &of.1, &of.2), those.days, &those.whom)?;
        Ok((those, detail))
    });
    let (those, mut detail) = answer.await?;
    detail.accounts.truncate(MOST);
    let document = ResourceDetail {
        about: those.about(question.as_of()),
        portal,
        room,
        resource,
        views: detail.views,
        unique_users: detail.users,
        by: buckets(those.days).name(),
        timeline: detail.points.into_iter().map(ResourcePoint::from).collect(),
        accounts: detail.accounts.into_iter().map(|one| account(one, |id| those.name(id))).collect(),
        actions: detail.actions,
    };
    let (desk, name) = ((&*desk, &who, &question), format!("resource-{}", table.name()));
    let document = &document;
    match table {
        Table::Timeline => {
            format.answer(desk, &Answer { document, rows: &document.timeline, columns: &POINTS, name, next: None })
        }
        Table::Accounts => {
            format.answer(desk, &Answer { document, rows: &document.accounts, columns: &ACCOUNTS, name, next: None })
        }
    }
}

impl From<SeenIn> for ResourcePoint {
    fn from(seen: SeenIn) -> Self {
        Self { when: seen.period.into(), views: seen.views, unique_users: seen.users }
    }
}

fn account(seen: SeenBy, name: impl Fn(&str) -> String) -> ResourceAccount {
    let SeenBy { account, views, users, actions } = seen;
    ResourceAccount { name: account.as_deref().map(name), account, views, unique_users: users, actions }
}
