//! Why a question is not answered, as `application/problem+json` (RFC 9457).

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use portalmeter_meter::day::instant;
use portalmeter_meter::ledger::LedgerError;
use portalmeter_rules::time::Millis;
use serde::Serialize;
use utoipa::ToSchema;

/// Why a question is not answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem(Box<Told>);

/// Why a question is not answered.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Problem)]
pub(crate) struct Told {
    /// Which, as a URN that stays the same.
    #[schema(example = "urn:portalmeter:problem:bad-question")]
    r#type: String,
    /// What it is about.
    title: &'static str,
    /// The status of the answer.
    status: u16,
    /// What is wrong this time.
    detail: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
    /// What there is, where something was named that is not.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    known: Vec<String>,
    /// Where the ledger is away: when the same question was answered last; null if it never was.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    as_of: Option<AsOf>,
    /// Where a correction may be booked or not: the id with which to book it again, once.
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    #[serde(skip)]
    retry_after: Option<u32>,
}

/// When a question was answered last, if it ever was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct AsOf(Option<String>);

/// So long to wait for a ledger that is away, in seconds.
const AWAY: u32 = 10;
/// So long to wait where others wait already.
const BUSY: u32 = 2;

impl Problem {
    fn new(status: StatusCode, word: &str, title: &'static str, detail: impl Into<String>) -> Self {
        let r#type = format!("urn:portalmeter:problem:{word}");
        Self(Box::new(Told { r#type, title, status: status.as_u16(), detail: detail.into(), ..Told::default() }))
    }

    /// The question makes no sense.
    pub(crate) fn bad(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad-question", "This question makes no sense", detail)
    }

    /// Something has a value that nothing has.
    pub(crate) fn unknown(name: &str, value: &str, known: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self::bad(format!("`{name}={value}`: there is no such {name}")).known(known)
    }

    /// Who asks may not know.
    pub(crate) fn not_allowed(detail: &'static str) -> Self {
        Self::new(StatusCode::FORBIDDEN, "not-allowed", "You may not do this", detail)
    }

    /// Nobody says who asks.
    pub(crate) fn not_signed_in() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "not-signed-in", "Sign in first", "nobody says who asks")
    }

    /// There is nothing of that address.
    pub(crate) fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not-found", "There is no such thing", detail)
    }

    /// The address takes another method.
    pub(crate) fn wrong_method() -> Self {
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "wrong-method", "Not by this method", "this address takes another")
    }

    /// Something of that id is there already, and is something else.
    pub(crate) fn conflict(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, "conflict", "This id is taken", detail)
    }

    /// The body is not what was expected.
    pub(crate) fn bad_body(status: StatusCode, detail: impl Into<String>) -> Self {
        Self::new(status, "bad-body", "This body makes no sense", detail)
    }

    /// The ledger does not answer; the question was answered last at `as_of`.
    pub(crate) fn away(as_of: Option<Millis>) -> Self {
        let detail = "the ledger does not answer: there is no figure, which is not the figure 0";
        let mut problem = Self::new(StatusCode::SERVICE_UNAVAILABLE, "ledger-away", "The ledger is away", detail);
        problem.0.as_of = Some(AsOf(as_of.map(|at| instant(at).to_string())));
        problem.0.retry_after = Some(AWAY);
        problem
    }

    /// Others ask so much that this question would wait too long.
    pub(crate) fn busy(as_of: Option<Millis>) -> Self {
        let mut problem = Self::away(as_of);
        problem.0.title = "The ledger is busy";
        "urn:portalmeter:problem:ledger-busy".clone_into(&mut problem.0.r#type);
        problem.0.retry_after = Some(BUSY);
        problem
    }

    /// The ledger broke off while a correction was being booked.
    pub(crate) fn unsure(id: String) -> Self {
        let (status, title) = (StatusCode::SERVICE_UNAVAILABLE, "The ledger broke off");
        let mut problem = Self::new(status, "unsure", title, "the correction may be booked or not");
        (problem.0.id, problem.0.retry_after) = (Some(id), Some(AWAY));
        problem.hint("book it again with this `id`: it is booked once, and no more than once")
    }

    /// With what to do about it.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint = Some(hint.into());
        self
    }

    /// With what there is.
    pub(crate) fn known(mut self, known: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.0.known = known.into_iter().map(Into::into).collect();
        self
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.0.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = serde_json::to_string(&self.0).unwrap_or_default();
        let mut response = (status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(seconds) = self.0.retry_after {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"portalmeter\""));
        }
        response
    }
}

/// Why a ledger's answer is none.
#[derive(Debug)]
pub(crate) enum Wrong {
    /// The ledger says so.
    Ledger(LedgerError),
    /// What it has tells that the question makes no sense.
    Asked(Problem),
}

impl From<LedgerError> for Wrong {
    fn from(error: LedgerError) -> Self {
        Self::Ledger(error)
    }
}

impl From<Problem> for Wrong {
    fn from(problem: Problem) -> Self {
        Self::Asked(problem)
    }
}
