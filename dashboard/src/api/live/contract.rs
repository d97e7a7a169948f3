//! How far a contract is used: this month so far, and what it comes to if it goes on as it did.
//!
//! The forecast is what is billable so far, plus, for each day that is left after today, the average of that weekday over
//! the last 28 complete days. A portal that has been counted for less than two weeks has the plain average of its complete
//! days instead, and one without a complete day has no forecast.

use std::collections::BTreeMap;

use portalmeter_meter::day::{Day, Zone};
use portalmeter_meter::ledger::{Days, LedgerError, Look};
use portalmeter_meter::usage::Counters;
use portalmeter_rules::time::Millis;
use serde::Serialize;
use utoipa::ToSchema;

use crate::board::Portal;

/// How far a contract is used.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(crate) struct Contract {
    /// This month, in the portal's own zone.
    #[schema(example = "2026-03")]
    pub(crate) month: String,
    /// Sessions a month that the contract covers; null: nobody has said.
    pub(crate) contracted: Option<u64>,
    /// Billable so far.
    pub(crate) used: i64,
    /// What is left of the contract.
    pub(crate) left: Option<i64>,
    /// What is used beyond it.
    pub(crate) over: Option<i64>,
    /// How much of it is used, in percent with one decimal.
    pub(crate) percent: Option<f64>,
    /// What the month comes to if it goes on as the last 28 days did.
    pub(crate) forecast: Option<i64>,
    /// That, in percent of the contract.
    pub(crate) forecast_percent: Option<f64>,
    pub(crate) alert: ContractAlert,
    /// The day on which the alert's share was reached.
    pub(crate) alert_since: Option<String>,
    /// Always `open`: the month goes on.
    pub(crate) state: &'static str,
    /// Never: the month goes on.
    pub(crate) valid_for_billing: bool,
}

/// Which share of the contract is used, where that is worth an alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) enum ContractAlert {
    #[serde(rename = "none")]
    None,
    #[serde(rename = "80")]
    Most,
    #[serde(rename = "100")]
    All,
}

pub(super) const COLUMNS: [&str; 13] = [
    "portal",
    "month",
    "contracted",
    "used",
    "left",
    "over",
    "percent",
    "forecast",
    "forecast_percent",
    "alert",
    "alert_since",
    "state",
    "valid_for_billing",
];

/// So many complete days the forecast looks back.
const BACK: i32 = 28;
/// With fewer, weekdays are not told apart.
const ENOUGH: i32 = 14;

impl ContractAlert {
    fn of(used: i64, contracted: u64) -> Self {
        let used = i128::from(used) * 100;
        match i128::from(contracted) {
            all if used > 0 && used >= all * 100 => Self::All,
            all if used > 0 && used >= all * 80 => Self::Most,
            _ => Self::None,
        }
    }
}

/// How far a portal's contract is used.
pub(crate) fn contract(look: &mut dyn Look, portal: &Portal, now: Millis) -> Result<Contract, LedgerError> {
    let zone: &Zone = &portal.policy.zone;
    let today = zone.day(now);
    let (month, back) = (today.month(), today.plus(-BACK));
    let days = Days { from: month.first().min(back), to: today.plus(1) };
    let mut billable: BTreeMap<Day, i64> = BTreeMap::new();
    for (_, total) in look.totals(&[portal.name.to_string()], days)? {
        *billable.entry(total.day).or_default() += Counters::of(&total.sums).billable;
    }
    let known = look.first_day(&portal.name)?.map_or(0, |first| today.0 - first.max(back).0);
    Ok(of(&billable, (today, known), portal.contracted_sessions))
}

/// By what was billable on each day, where it is `today` and so many complete days are known.
fn of(billable: &BTreeMap<Day, i64>, (today, known): (Day, i32), contracted: Option<u64>) -> Contract {
    let month = today.month();
    let used: i64 = billable.range(month.first()..=today).map(|(_, count)| count).sum();
    let forecast = forecast(billable, today, known).map(|more| used + more);
    let bounded = contracted.map(|all| i64::try_from(all).unwrap_or(i64::MAX));
    let percent = |value: i64| contracted.filter(|all| *all > 0).map(|all| tenths(value as f64 * 100.0 / all as f64));
    let alert = contracted.map_or(ContractAlert::None, |all| ContractAlert::of(used, all));
    let mut so_far = 0;
    let since = billable.range(month.first()..=today).find(|(_, count)| {
        so_far += **count;
        contracted.is_some_and(|all| ContractAlert::of(so_far, all) == alert)
    });
    let since = since.filter(|_| alert != ContractAlert::None);
    Contract {
        month: month.to_string(),
        contracted,
        used,
        left: bounded.map(|all| (all - used).max(0)),
        over: bounded.map(|all| (used - all).max(0)),
        percent: percent(used),
        forecast,
        forecast_percent: forecast.and_then(percent),
        alert,
        alert_since: since.map(|(day, _)| day.to_string()),
        state: "open",
        valid_for_billing: false,
    }
}

/// What the days after today will bring, until the end of the month.
fn forecast(billable: &BTreeMap<Day, i64>, today: Day, known: i32) -> Option<i64> {
    if known <= 0 {
        return None;
    }
    let of = |day: Day| billable.get(&day).copied().unwrap_or_default();
    let past = || (today.0 - known..today.0).map(Day);
    let average = |days: Vec<Day>| {
        let sum: i64 = days.iter().map(|day| of(*day)).sum();
        sum as f64 / days.len().max(1) as f64
    };
    let same = |day: Day, other: Day| known < ENOUGH || (day.0 - other.0).rem_euclid(7) == 0;
    let left = today.0 + 1..today.month().end().0;
    let more: f64 = left.map(|day| average(past().filter(|one| same(*one, Day(day))).collect())).sum();
    Some(more.round() as i64)
}

/// With one decimal.
pub(crate) fn tenths(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn days(from: &str, counts: impl IntoIterator<Item = i64>) -> BTreeMap<Day, i64> {
        let from: Day = from.parse().unwrap();
        (0..).map(|later| from.plus(later)).zip(counts).collect()
    }

    /// 2026-03-24 is a Tuesday. Each of the four weeks before has 70, of which Mondays have 40 and the others 5.
    #[test]
    fn the_days_that_are_left_are_like_the_same_weekdays_before() {
        let week = [5, 5, 5, 5, 5, 5, 40];
        let billable = days("2026-02-24", week.into_iter().cycle().take(28).chain([3]));
        let contract = of(&billable, ("2026-03-24".parse().unwrap(), 28), Some(1_000));
        // March: 5 days of the first week are 5, 5 Sundays … by hand: 1 March is a Sunday.
        let march: i64 = billable.range("2026-03-01".parse::<Day>().unwrap()..).map(|(_, count)| count).sum();
        assert_eq!(contract.used, march);
        // 25 to 31 March: one of each weekday.
        assert_eq!(contract.forecast, Some(march + 70));
        assert_eq!((contract.alert, contract.left), (ContractAlert::None, Some(1_000 - march)));
    }

    #[test]
    fn a_young_portal_goes_by_the_plain_average() {
        let today: Day = "2026-03-29".parse().unwrap();
        let billable = days("2026-03-26", [10, 20, 30, 1]);
        assert_eq!(of(&billable, (today, 3), None).forecast, Some(61 + 40));
        assert_eq!(of(&days("2026-03-29", [9]), (today, 0), None).forecast, None);
        let last: Day = "2026-03-31".parse().unwrap();
        assert_eq!(of(&days("2026-03-30", [10, 1]), (last, 1), None).forecast, Some(11), "no day is left");
    }

    #[test]
    fn alerts_begin_at_80_and_at_100_percent() {
        let today: Day = "2026-03-03".parse().unwrap();
        let told = |last: i64, contracted| {
            let contract = of(&days("2026-03-01", [40, 39, last]), (today, 2), Some(contracted));
            (contract.alert, contract.alert_since, contract.percent, contract.left, contract.over)
        };
        let since = Some("2026-03-03".to_owned());
        assert_eq!(told(0, 100), (ContractAlert::None, None, Some(79.0), Some(21), Some(0)));
        assert_eq!(told(1, 100), (ContractAlert::Most, since.clone(), Some(80.0), Some(20), Some(0)));
        assert_eq!(told(21, 100), (ContractAlert::All, since, Some(100.0), Some(0), Some(0)));
        assert_eq!(told(21, 0), (ContractAlert::All, Some("2026-03-01".into()), None, Some(0), Some(100)));
        assert_eq!(told(-79, 0), (ContractAlert::None, None, None, Some(0), Some(0)));
        assert_eq!(told(-200, 10).3, Some(131), "corrected below nothing");
    }
}
