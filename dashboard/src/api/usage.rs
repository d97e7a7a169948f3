//! `/api/v1/usage`: what was counted, by any period, and summed up as asked.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use portalmeter_meter::day::Zone;
use portalmeter_meter::insight::By;
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use super::asked::Asked;
use super::chosen::{Together, chosen, together};
use super::desk::Desk;
use super::problem::{Problem, Told, Wrong};
use super::range::{Range, RangeParams, within};
use super::settled::Settled;
use super::table::{Answer, Format, FormatParams};
use super::who::Who;

mod group;
mod row;

use group::Groups;
use row::{Gather, gather};
pub(crate) use row::{UsageRow, UsageTotals};

/// How usage is asked for, beside the range.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "for the description alone")]
struct UsageParams {
    /// `hour` (of at most 31 days), `day`, `week`, `month`, `quarter` or `year`.
    #[param(example = "day")]
    by: Option<String>,
    /// A display zone: regroups hours and days for looking, never for the bill. Without it, each portal's own.
    #[param(example = "America/New_York")]
    tz: Option<String>,
    /// These portals alone; may be there several times.
    portal: Option<Vec<String>>,
    /// What is summed up: `module` (nothing), `portal`, `experience` or `all`.
    #[param(example = "module")]
    group: Option<String>,
}

/// What rows are summed up to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Group {
    Module,
    Portal,
    Experience,
    All,
}

impl Group {
    const EACH: [Self; 4] = [Self::Module, Self::Portal, Self::Experience, Self::All];

    fn name(self) -> &'static str {
        match self {
            Self::Module => "module",
            Self::Portal => "portal",
            Self::Experience => "experience",
            Self::All => "all",
        }
    }
}

/// Usage: a superset of what `portalmeter report --output json` prints.
#[derive(Debug, Serialize, ToSchema)]
struct UsageAnswer {
    /// When the ledger was read.
    as_of: String,
    /// How rows are grouped in time.
    by: &'static str,
    /// What rows are summed up to.
    group: &'static str,
    /// The figures are regrouped by hours, or by days of another zone than the portal's: no part of a bill.
    for_looking: bool,
    /// What to know about figures that are for looking alone.
    note: Option<&'static str>,
    /// Which days were asked for, in which zone.
    ranges: Vec<RangeTold>,
    /// Sorted by portal, module and time.
    usage: Vec<UsageRow>,
    /// Sums over all rows; uniques are never summed.
    totals: UsageTotals,
    /// Open as long as any row is.
    state: Settled,
    /// All rows are.
    valid_for_billing: bool,
}

/// The days of an answer, in a zone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct RangeTold {
    /// Whose days these are.
    timezone: String,
    /// The first.
    from: String,
    /// The one after the last.
    to: String,
    /// The portals of which these are the days.
    portals: Vec<String>,
}

impl From<&Together> for RangeTold {
    fn from(together: &Together) -> Self {
        let Together { zone, days, portals } = together;
        let timezone = zone.name().to_owned();
        Self { timezone, from: days.from.to_string(), to: days.to.to_string(), portals: portals.clone() }
    }
}

/// So many days by hour.
const MOST_BY_HOUR: usize = 31;
const LOOKING: &str = "regrouped for looking, by when each session counted: a bill is made of the portal's own days; \
    unique visitors and users, and conversions, are not told apart by hour";

/// The parameters of a question for usage.
struct Question {
    range: Range,
    by: By,
    group: Group,
    tz: Option<Zone>,
    portals: Vec<String>,
}

impl Question {
    fn of(asked: &mut Asked) -> Result<Self, Problem> {
        let range = Range::of(asked)?;
        let by = asked.word("by", &By::ALL, By::name)?.unwrap_or(By::Day);
        let tz = asked.text("tz")?.map(|name| zone(&name)).transpose()?;
        let portals = asked.all("portal");
        let group = asked.word("group", &Group::EACH, Group::name)?.unwrap_or(Group::Module);
        Ok(Self { range, by, group, tz, portals })
    }
}

/// The zone of that name.
fn zone(name: &str) -> Result<Zone, Problem> {
    let hint = "an IANA name, such as Europe/Berlin: /api/v1/zones lists them";
    Zone::named(name).map_err(|error| Problem::bad(format!("`tz`: {error}")).hint(hint))
}

/// Usage by hour, day, week, month, quarter or year.
#[utoipa::path(
    get,
    path = "/api/v1/usage",
    tag = "usage",
    params(RangeParams, UsageParams, FormatParams),
    responses(
        (status = 200, content((UsageAnswer = "application/json"), (String = "text/csv"))),
        (status = "4XX", body = Told, content_type = "application/problem+json"),
        (status = 503, body = Told, content_type = "application/problem+json"),
    )
)]
pub(super) async fn usage(State(desk): State<Arc<Desk>>, who: Who, mut asked: Asked) -> Result<Response, Problem> {
    who.sees_everything()?;
    let format = Format::of(&mut asked)?;
    let of = Question::of(&mut asked)?;
    let question = desk.question(&who, &asked);
    asked.done()?;
    let (by, group, now) = (of.by, of.group, question.now);
    let configured = desk.portals();
    let answer = desk.look(&question, move |look| {
        let portals = chosen(look, &configured, &of.portals, (&of.range, now))?;
        let mut together = together(&portals, &of.range, now)?;
        if let Some(tz) = &of.tz {
            for one in &mut together {
                one.days = of.range.days(tz.day(now))?;
            }
        }
        if by == By::Hour {
            together.iter().try_for_each(|one| within(one.days, MOST_BY_HOUR, "a month by hour").map(drop))?;
        }
        let mut groups = Groups::new(group);
        for one in &together {
            let zone = of.tz.as_ref().unwrap_or(&one.zone);
            gather(look, &Gather { together: one, zone, by, portals: &portals, now }, &mut groups)?;
        }
        let told = together.iter().map(|one| {
            let zone = of.tz.clone().unwrap_or_else(|| one.zone.clone());
            RangeTold::from(&Together { zone, ..one.clone() })
        });
        Ok::<_, Wrong>((groups.rows(), told.collect::<Vec<_>>()))
    });
    let (usage, ranges) = answer.await?;
    let name = format!("usage-by-{}", by.name());
    let document = document(question.as_of(), (by, group), ranges, usage);
    let columns = row::columns(by);
    let answer = Answer { document: &document, rows: &document.usage, columns: &columns, name, next: None };
    format.answer((&desk, &who, &question), &answer)
}

fn document(as_of: String, (by, group): (By, Group), ranges: Vec<RangeTold>, usage: Vec<UsageRow>) -> UsageAnswer {
    let for_looking = by == By::Hour || usage.iter().any(UsageRow::for_looking);
    let valid_for_billing = !usage.is_empty() && usage.iter().all(UsageRow::valid_for_billing);
    let sealed = !usage.is_empty() && usage.iter().all(|row| row.state() == Settled::Sealed);
    UsageAnswer {
        as_of,
        by: by.name(),
        group: group.name(),
        for_looking,
        note: for_looking.then_some(LOOKING),
        ranges,
        totals: UsageTotals::of(&usage),
        usage,
        state: Settled::sealed_if(sealed),
        valid_for_billing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_has_every_column() {
        let row = serde_json::to_value(UsageRow::default()).unwrap();
        for by in By::ALL {
            for column in row::columns(by) {
                assert!(column == by.name() || row.get(column).is_some(), "{column}");
            }
        }
    }
}
