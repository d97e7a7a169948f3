//! Rows of usage, as they are shown.

use portalmeter_meter::day::Zone;
use portalmeter_meter::insight::{self, By, Period, Row, Used};
use portalmeter_meter::ledger::{Days, Look};
use portalmeter_meter::usage::{COLUMNS, Counters, State};
use portalmeter_rules::time::Millis;
use serde::Serialize;
use utoipa::ToSchema;

use super::group::Groups;
use crate::api::chosen::{Chosen, Together};
use crate::api::problem::{Problem, Wrong};
use crate::api::settled::Settled;

/// Usage of a portal, or of what rows are summed up to, in a period.
#[expect(clippy::struct_excessive_bools, reason = "each is a column that people filter by")]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct UsageRow {
    /// The portal; null where several are summed up.
    pub(super) portal: Option<String>,
    /// The module, where sessions are counted per module.
    pub(super) module: Option<String>,
    #[serde(flatten)]
    pub(super) when: When,
    /// Whose midnight it is; several where rows of several zones are summed up, or a portal moved.
    #[schema(example = "Europe/Berlin")]
    pub(super) timezone: String,
    #[serde(flatten)]
    pub(super) sums: UsageTotals,
    /// Different browsers and devices of people over the period; null where that would have to be summed up.
    pub(super) unique_visitors: Option<u64>,
    /// Different signed-in users over the period; null where that would have to be summed up.
    pub(super) unique_users: Option<u64>,
    /// Whether it may still change.
    #[schema(value_type = Settled)]
    pub(super) state: Option<Settled>,
    /// What kind of portal it is; null of one that is no longer configured.
    pub(super) experience: Option<&'static str>,
    /// The first day that is in it.
    pub(super) from: String,
    /// The day after the last that is in it.
    pub(super) to: String,
    /// Whether these are all days of the period.
    pub(super) whole: bool,
    /// Of a portal that is only observed.
    pub(super) trial: bool,
    /// Regrouped by hours, or by days of another zone than the portal's.
    pub(super) for_looking: bool,
    /// Sealed, of the portal's own days, and no trial.
    pub(super) valid_for_billing: bool,
}

/// What a period is called: the one key of how rows are grouped.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct When {
    /// The hour's beginning, on the zone's clocks.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "2026-03-12T14:00:00+01:00")]
    hour: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "2026-03-12")]
    day: Option<String>,
    /// From Monday on.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "2026-W11")]
    week: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "2026-03")]
    month: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "2026-Q1")]
    quarter: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "2026")]
    year: Option<String>,
}

/// Sums of records and statistics.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct UsageTotals {
    /// Records of class guest.
    pub(super) guest: i64,
    /// Records of class external.
    pub(super) external: i64,
    /// Records of class internal: shown, never billed.
    pub(super) internal: i64,
    /// Records of class bot: shown, never billed.
    pub(super) bot: i64,
    /// Guests before bots are taken off: guest + bot.
    pub(super) guest_raw: i64,
    /// `guest_raw` − bot + external.
    pub(super) billable: i64,
    /// Guest sessions that became external without counting again; null where it is not told apart.
    pub(super) converted: Option<i64>,
    /// Pages of people, counted or not.
    pub(super) page_views: i64,
    /// Downloads, searches and other actions.
    pub(super) actions: i64,
    /// How long people's sessions lasted, in whole seconds.
    pub(super) duration_seconds: i64,
}

impl From<Counters> for UsageTotals {
    fn from(of: Counters) -> Self {
        Self {
            guest: of.guest,
            external: of.external,
            internal: of.internal,
            bot: of.bot,
            guest_raw: of.guest_raw,
            billable: of.billable,
            converted: Some(of.converted),
            page_views: of.page_views,
            actions: of.actions,
            duration_seconds: of.duration_seconds,
        }
    }
}

impl UsageTotals {
    /// The sums over rows.
    pub(super) fn of(rows: &[UsageRow]) -> Self {
        let mut totals = Self { converted: Some(0), ..Self::default() };
        for row in rows {
            totals.add(&row.sums);
        }
        totals
    }

    pub(super) fn add(&mut self, other: &Self) {
        self.guest += other.guest;
        self.external += other.external;
        self.internal += other.internal;
        self.bot += other.bot;
        self.guest_raw += other.guest_raw;
        self.billable += other.billable;
        self.converted = self.converted.zip(other.converted).map(|(sum, one)| sum + one);
        self.page_views += other.page_views;
        self.actions += other.actions;
        self.duration_seconds += other.duration_seconds;
    }
}

impl When {
    pub(super) fn named(by: By, label: String) -> Self {
        let mut when = Self::default();
        let key = match by {
            By::Hour => &mut when.hour,
            By::Day => &mut when.day,
            By::Week => &mut when.week,
            By::Month => &mut when.month,
            By::Quarter => &mut when.quarter,
            By::Year => &mut when.year,
        };
        *key = Some(label);
        when
    }
}

impl UsageRow {
    pub(super) fn for_looking(&self) -> bool {
        self.for_looking
    }

    pub(super) fn valid_for_billing(&self) -> bool {
        self.valid_for_billing
    }

    pub(super) fn state(&self) -> Settled {
        self.state.unwrap_or(Settled::Open)
    }

    fn of_own_days(row: Row, by: By, of: Option<&Chosen>) -> Self {
        let Row { portal, module, period, zone, counters, unique_visitors, unique_users, state } = row;
        let trial = of.is_some_and(Chosen::trial);
        let Period { label, days, whole } = period;
        Self {
            portal: Some(portal),
            module,
            when: When::named(by, label),
            timezone: zone,
            sums: counters.into(),
            unique_visitors: Some(unique_visitors),
            unique_users: Some(unique_users),
            state: Some(state.into()),
            experience: of.and_then(Chosen::experience),
            from: days.from.to_string(),
            to: days.to.to_string(),
            whole,
            trial,
            for_looking: false,
            valid_for_billing: state == State::Sealed && !trial,
        }
    }

    fn regrouped(used: Used, by: By, zone: &Zone, (asked, of): (Days, Option<&Chosen>)) -> Self {
        let Used { portal, module, label, from, sums, state, .. } = used;
        let all = by.around(zone.day(from));
        let days = all.and(asked);
        Self {
            portal: Some(portal),
            module,
            when: When::named(by, label),
            timezone: zone.name().to_owned(),
            sums: UsageTotals { converted: None, ..Counters::of(&sums).into() },
            unique_visitors: None,
            unique_users: None,
            state: Some(state.into()),
            experience: of.and_then(Chosen::experience),
            from: days.from.to_string(),
            to: days.to.to_string(),
            whole: days == all,
            trial: of.is_some_and(Chosen::trial),
            for_looking: true,
            valid_for_billing: false,
        }
    }
}

/// What rows are asked for.
pub(super) struct Gather<'a> {
    pub(super) together: &'a Together,
    /// In whose days, or hours.
    pub(super) zone: &'a Zone,
    pub(super) by: By,
    pub(super) portals: &'a [Chosen],
    pub(super) now: Millis,
}

/// More rows nobody reads.
pub(super) const MOST_ROWS: usize = 50_000;

/// Puts the rows of portals of one zone into their groups.
pub(super) fn gather(look: &mut dyn Look, of: &Gather<'_>, groups: &mut Groups) -> Result<(), Wrong> {
    let Together { zone, days, portals } = of.together;
    let known = |name: &str| of.portals.iter().find(|portal| portal.name == name);
    if of.by != By::Hour && zone == of.zone {
        let today = |name: &str| known(name).map_or_else(|| zone.day(of.now), |portal| portal.zone.day(of.now));
        let asked = insight::Asked { portals, days: *days, by: of.by };
        for row in insight::usage(look, &asked, &today)? {
            let at = (Millis::from(row.period.days.from.0), row.period.label.clone());
            let chosen = known(&row.portal);
            groups.add(at, UsageRow::of_own_days(row, of.by, chosen))?;
        }
        return Ok(());
    }
    for portal in portals {
        for used in insight::used(look, portal, (*days, of.zone), of.by)? {
            let at = (used.from, used.label.clone());
            let row = UsageRow::regrouped(used, of.by, of.zone, (*days, known(portal)));
            groups.add(at, row)?;
        }
    }
    Ok(())
}

/// The columns of a table by such periods: those of a report first.
pub(super) fn columns(by: By) -> Vec<&'static str> {
    let report = COLUMNS.iter().map(|column| if *column == "day" { by.name() } else { column });
    report.chain(["experience", "from", "to", "whole", "trial", "for_looking", "valid_for_billing"]).collect()
}

/// Too many rows for one answer.
pub(super) fn too_many() -> Problem {
    let hint = "ask for fewer days or portals, or group them by month or portal";
    Problem::bad(format!("these are more than {MOST_ROWS} rows")).hint(hint)
}
