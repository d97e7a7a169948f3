//! `/api/v1/engagement/…`: what people do. Statistics for whoever looks after partners, and no part of a bill.
//!
//! Without a filter by accounts it is about guests and external users; with one, about the external users of these accounts.

use portalmeter_meter::insight::Summary;
use serde::Serialize;
use utoipa::ToSchema;

mod accounts;
mod content;
mod detail;
mod filter;
mod risk;
mod summary;
mod timeline;

pub(super) use accounts::*;
pub(super) use content::*;
pub(super) use detail::*;
pub(super) use risk::*;
pub(super) use summary::*;
pub(super) use timeline::*;

/// The figures of engagement: the five that are shown first, and what the average is made of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, ToSchema)]
struct Figures {
    /// Different users who were signed in.
    unique_users: u64,
    /// Sessions that began.
    sessions: u64,
    /// Pages seen.
    page_views: u64,
    /// Actions taken.
    actions: u64,
    /// How long the sessions lasted together.
    duration_seconds: u64,
    /// How long a session lasted on average, over all sessions; null where there was none.
    average_duration_seconds: Option<u64>,
}

impl From<Summary> for Figures {
    fn from(of: Summary) -> Self {
        Self {
            unique_users: of.users,
            sessions: of.sessions,
            page_views: of.page_views,
            actions: of.actions,
            duration_seconds: of.duration_ms / 1000,
            average_duration_seconds: of.average_ms().map(|average| average / 1000),
        }
    }
}
