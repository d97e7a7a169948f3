//! `/api/v1/records`: every usage record behind a number, with the reason, the rule and the policy it was counted by.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use portalmeter_meter::day::Zone;
use portalmeter_meter::ledger::{After, Days, Ledger, Line, Lines};
use portalmeter_meter::record::Reason;
use portalmeter_meter::session::Class;
use portalmeter_rules::id::Name;
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use super::asked::Asked;
use super::chosen::unknown;
use super::cursor;
use super::desk::{Desk, Question, look};
use super::page::{self, PageParams};
use super::problem::{Problem, Told, Wrong};
use super::range::{Range, RangeParams};
use super::table::{Answer, Format, FormatParams};
use super::who::Who;
use crate::board::Portal;

mod record;

pub(super) use record::{COLUMNS, Record};

/// Which records.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "for the description alone")]
struct RecordParams {
    /// Of this portal.
    portal: Option<String>,
    /// Of this module; `-` is none.
    module: Option<String>,
    /// `guest`, `external`, `internal` or `bot`.
    class: Option<String>,
    /// `start`, `midnight`, `login`, `relogin`, `user_switch`, or `manual`: a correction by hand.
    reason: Option<String>,
    /// Of this company, by its id.
    account: Option<String>,
    /// Of this visitor, as records name it.
    visitor: Option<String>,
    /// Of this session.
    session: Option<String>,
    /// This one, and corrections of it.
    id: Option<String>,
    /// `true`: corrections alone.
    corrections: Option<bool>,
    /// `true`: those too that no longer follow from what is known, and are in no total.
    withdrawn: Option<bool>,
}

/// A page of records.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RecordPage {
    /// When the ledger was read.
    pub(super) as_of: String,
    /// Sorted by portal, day, visitor and id.
    pub(super) records: Vec<Record>,
    /// Where the next page begins; null: this is the last.
    pub(super) next: Option<String>,
}

/// Reasons by their names; nothing is a correction by hand.
const REASONS: [Option<Reason>; 6] = [
    Some(Reason::Start),
    Some(Reason::Midnight),
    Some(Reason::Login),
    Some(Reason::Relogin),
    Some(Reason::UserSwitch),
    None,
];

/// What stands for no module.
const NO_MODULE: &str = "-";

/// Usage records and corrections, one by one.
#[utoipa::path(
    get,
    path = "/api/v1/records",
    tag = "usage",
    params(RangeParams, RecordParams, PageParams, FormatParams),
    responses(
        (status = 200, content((RecordPage = "application/json"), (String = "text/csv"))),
        (status = "4XX", body = Told, content_type = "application/problem+json"),
        (status = 503, body = Told, content_type = "application/problem+json"),
    )
)]
pub(super) async fn records(State(desk): State<Arc<Desk>>, who: Who, mut asked: Asked) -> Result<Response, Problem> {
    who.sees_everything()?;
    let format = Format::of(&mut asked)?;
    let portal = asked.text("portal")?;
    let range = Range::of(&mut asked)?;
    let lines = Lines {
        module: asked.text("module")?.map(|module| Some(module).filter(|module| module != NO_MODULE)),
        class: asked.word("class", &Class::ALL, Class::name)?,
        reason: asked.word("reason", &REASONS, reason_name)?,
        account: asked.text("account")?,
        visitor: id(&mut asked, "visitor")?,
        session: id(&mut asked, "session")?,
        id: id(&mut asked, "id")?,
        corrections: truth(&mut asked, "corrections")?,
        withdrawn: truth(&mut asked, "withdrawn")?,
        ..Lines::default()
    };
    let page = Page { portal, range, lines, name: "records", format };
    page.answer(&desk, &who, asked).await
}

/// A page of records that somebody asks for.
pub(super) struct Page {
    pub(super) portal: Option<String>,
    pub(super) range: Range,
    pub(super) lines: Lines,
    pub(super) name: &'static str,
    pub(super) format: Format,
}

impl Page {
    /// Finds the records of the page.
    pub(super) async fn answer(self, desk: &Desk, who: &Who, mut asked: Asked) -> Result<Response, Problem> {
        let Self { portal, range, mut lines, name, format } = self;
        let limit = page::limit(&mut asked)?;
        let question = desk.question(who, &asked);
        let same = asked.canonical_but(&["cursor", "limit", "format"]);
        lines.after = cursor::of::<After>(&mut asked, &same)?;
        asked.done()?;
        let configured = desk.portals();
        if range.is_said() {
            let days = days(&range, portal.as_deref(), &configured, &question)?;
            (lines.from, lines.to) = (Some(days.from), Some(days.to));
        }
        lines.portal = portal;
        // One more tells whether there is more.
        lines.limit = Some(u64::from(limit) + 1);
        let answer = desk.ask(&question, move |ledger| find(ledger, &lines, &configured)).await?;
        let (mut found, more) = (answer, limit as usize);
        let next = (found.len() > more).then(|| {
            found.truncate(more);
            found.last().map(|(place, _)| cursor::told(place, &same))
        });
        let (as_of, next) = (question.as_of(), next.flatten());
        let document = RecordPage { as_of, records: found.into_iter().map(|(_, record)| record).collect(), next };
        let answer = Answer {
            document: &document,
            rows: &document.records,
            columns: &COLUMNS,
            name: name.to_owned(),
            next: document.next.as_deref(),
        };
        format.answer((desk, who, &question), &answer)
    }
}

/// Days as the portal has them; where none is named, as the one has them where it is latest.
fn days(range: &Range, portal: Option<&str>, configured: &[Portal], question: &Question) -> Result<Days, Problem> {
    let of = configured.iter().filter(|one| portal.is_none_or(|portal| *one.name == *portal));
    let latest = of.map(|one| one.policy.zone.day(question.now)).max();
    range.days(latest.unwrap_or_else(|| Zone::utc().day(question.now)))
}

fn find(ledger: &mut dyn Ledger, lines: &Lines, configured: &[Portal]) -> Result<Vec<(After, Record)>, Wrong> {
    let mut found = Vec::new();
    for lines in by_portal(ledger, lines)? {
        let limit = lines.limit.map(|limit| limit.saturating_sub(found.len() as u64));
        if limit != Some(0) {
            ledger.records(&Lines { limit, ..lines }, &mut |line| {
                found.push(line);
                ControlFlow::Continue(())
            })?;
        }
    }
    look(ledger, &mut |look| {
        if let Some(portal) = lines.portal.as_deref()
            && found.is_empty()
            && !configured.iter().any(|one| *one.name == *portal)
            && look.first_day(portal)?.is_none()
        {
            return Err(unknown(portal, configured).into());
        }
        let sealed = record::sealed(look, &found)?;
        let with_place = |line: &Line| (line.place(), Record::of(line, &sealed));
        Ok(found.iter().map(with_place).collect())
    })
}

/// The same question of each portal by itself, for the ledger's lines are in the order of portals, then of days.
fn by_portal(ledger: &mut dyn Ledger, lines: &Lines) -> Result<Vec<Lines>, Wrong> {
    let (None, Some(from), Some(to), None) = (&lines.portal, lines.from, lines.to, lines.id) else {
        return Ok(vec![lines.clone()]);
    };
    let names: BTreeSet<String> =
        look(ledger, &mut |look| Ok(look.totals(&[], Days { from, to })?.into_iter().map(|one| one.0).collect()))?;
    let begins = lines.after.as_ref().map(|after| after.portal.as_str());
    let rest = names.into_iter().filter(|name| begins.is_none_or(|begins| name.as_str() >= begins));
    let of = |name: String| {
        let after = lines.after.clone().filter(|after| after.portal == name);
        Lines { portal: Some(name), after, ..lines.clone() }
    };
    Ok(rest.map(of).collect())
}

fn reason_name(reason: Option<Reason>) -> &'static str {
    reason.map_or("manual", Reason::name)
}

fn id(asked: &mut Asked, name: &'static str) -> Result<Option<Name>, Problem> {
    asked.parsed(name, "an id: 32 hexadecimal digits")
}

fn truth(asked: &mut Asked, name: &'static str) -> Result<bool, Problem> {
    Ok(asked.parsed(name, "true or false")?.unwrap_or(false))
}
