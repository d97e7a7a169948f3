//! `/api/v1/engagement/accounts`: accounts side by side, with their rank, and the sums over all of them.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use portalmeter_meter::accounts::AccountType;
use portalmeter_meter::insight::{self, Account, Leaderboard, Segment};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use super::Figures;
use super::filter::{About, Filter, FilterParams, Those};
use crate::api::asked::Asked;
use crate::api::desk::Desk;
use crate::api::live::contract::tenths;
use crate::api::page::{PageParams, Part};
use crate::api::problem::{Problem, Told};
use crate::api::range::RangeParams;
use crate::api::table::{Answer, Format, FormatParams};
use crate::api::who::Who;

mod sorting;

use sorting::Sorting;

/// How accounts are shown.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "for the description alone")]
struct AccountParams {
    /// `rank`, `name`, `users`, `sessions`, `page_views`, `average_duration` or `actions`.
    #[param(example = "rank")]
    sort: Option<String>,
    /// `asc` or `desc`; usually the best first, and names from A to Z.
    order: Option<String>,
    /// What the name has in it, in whatever case. Ranks and totals stay those of all.
    q: Option<String>,
}

/// Accounts side by side. The score is 40 parts sessions, 30 unique users, 20 page views and 10 the average duration of a
/// session, each in proportion to the best of those that are compared; a list of all accounts has those too that did nothing.
#[derive(Debug, Serialize, ToSchema)]
struct EngagementAccounts {
    #[serde(flatten)]
    about: About,
    accounts: Vec<AccountRow>,
    /// Over all pages.
    totals: AccountSums,
    /// Over those of each segment.
    segments: Vec<SegmentSums>,
    /// How many are on all pages.
    found: usize,
    /// Where the next page begins; null: this is the last.
    next: Option<String>,
}

/// What an account did.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(super) struct AccountRow {
    /// From 1; the same score has the same rank. Null for a partner, who sees but one.
    rank: Option<usize>,
    /// Its id.
    account: String,
    name: String,
    /// `referral` or `reseller`, if the list says.
    r#type: Option<&'static str>,
    logo: Option<String>,
    /// Since when it is a partner.
    since: Option<String>,
    #[serde(flatten)]
    figures: Figures,
    /// From 0 to 100, with one decimal.
    score: Option<f64>,
    /// A partner for no longer than 90 days; null where the list does not say since when.
    new: Option<bool>,
    /// Its score is above the average of those that are compared.
    above_average: Option<bool>,
    /// The last day on which a session began.
    last_day: Option<String>,
}

/// Sums over accounts.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
struct AccountSums {
    /// How many accounts.
    accounts: usize,
    /// A user of several accounts is one; the average is that of all sessions.
    #[serde(flatten)]
    figures: Figures,
}

/// Sums over the accounts of a segment.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
struct SegmentSums {
    /// Partners for no longer than 90 days; null: the list does not say.
    new: Option<bool>,
    above_average: bool,
    #[serde(flatten)]
    sums: AccountSums,
}

const COLUMNS: [&str; 16] = [
    "rank",
    "account",
    "name",
    "type",
    "since",
    "unique_users",
    "sessions",
    "page_views",
    "actions",
    "duration_seconds",
    "average_duration_seconds",
    "score",
    "new",
    "above_average",
    "last_day",
    "logo",
];

/// Accounts with their figures and their rank.
#[utoipa::path(
    get,
    path = "/api/v1/engagement/accounts",
    tag = "engagement",
    params(RangeParams, FilterParams, AccountParams, PageParams, FormatParams),
    responses(
        (status = 200, content((EngagementAccounts = "application/json"), (String = "text/csv"))),
        (status = "4XX", body = Told, content_type = "application/problem+json"),
        (status = 503, body = Told, content_type = "application/problem+json"),
    )
)]
pub(in crate::api) async fn accounts(
    State(desk): State<Arc<Desk>>,
    who: Who,
    mut asked: Asked,
) -> Result<Response, Problem> {
    let format = Format::of(&mut asked)?;
    let filter = Filter::of(&mut asked, &who)?;
    let sorting = Sorting::of(&mut asked)?;
    let part = Part::of(&mut asked)?;
    let question = desk.question(&who, &asked);
    asked.done()?;
    let (configured, directory, now) = (desk.portals(), desk.directory(), question.now);
    let answer = desk.look(&question, move |look| {
        let those = filter.those(look, &configured, &directory, now)?;
        let board = insight::leaderboard(look, &those.portals, those.days, &those.among, &those.directory)?;
        Ok((those, board))
    });
    let (those, Leaderboard { accounts, totals, segments }) = answer.await?;
    let alone = who.account().is_some();
    let rows = accounts.into_iter().map(|account| AccountRow::of(account, &those, alone));
    let rows = sorting.sort(rows.collect());
    let found = rows.len();
    let (accounts, next) = part.cut(rows);
    let sums = |of: insight::AccountTotals| AccountSums { accounts: of.accounts, figures: of.summary.into() };
    let segment = |(Segment { new, above_average }, of)| SegmentSums { new, above_average, sums: sums(of) };
    let segments = if alone { Vec::new() } else { segments.into_iter().map(segment).collect() };
    let about = those.about(question.as_of());
    let document = EngagementAccounts { about, accounts, totals: sums(totals), segments, found, next };
    let (rows, name, next) = (&document.accounts, "accounts".to_owned(), document.next.as_deref());
    format.answer((&desk, &who, &question), &Answer { document: &document, rows, columns: &COLUMNS, name, next })
}

impl AccountRow {
    /// `alone`: there is nobody to compare it with.
    fn of(account: Account, those: &Those, alone: bool) -> Self {
        let Account { id, summary, last_day, score, rank, segment } = account;
        let listed = those.directory.get(&id);
        Self {
            rank: (!alone).then_some(rank),
            name: those.name(&id),
            r#type: listed.and_then(|listed| listed.kind).map(AccountType::name),
            logo: listed.and_then(|listed| listed.logo.clone()),
            since: listed.and_then(|listed| listed.since).map(|since| since.to_string()),
            account: id,
            figures: summary.into(),
            score: (!alone).then_some(tenths(score)),
            new: segment.new,
            above_average: (!alone).then_some(segment.above_average),
            last_day: last_day.map(|day| day.to_string()),
        }
    }
}
