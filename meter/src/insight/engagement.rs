//! The five figures of engagement, and how they went.
//!
//! It is about guests and external users; employees and bots are left out. A session belongs to the day on which it
//! began, and to the class and the account that it has at last; a page view or an action to those of that moment.

use std::collections::HashSet;

use super::period::{By, Period, buckets, periods};
use super::pieces::pieces;
use crate::day::Day;
use crate::digest::{View, Views, Visited, Visits};
use crate::ledger::{Days, LedgerError, Look};
use crate::people::People;
use crate::session::Class;

/// Whose engagement.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Whom {
    /// Guests and external users, whether of an account or not.
    #[default]
    Everybody,
    /// Of these accounts alone.
    Accounts(HashSet<String>),
}

/// The figures of a while.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Summary {
    /// Different users who were signed in.
    pub users: u64,
    /// Sessions that began.
    pub sessions: u64,
    /// Pages seen.
    pub page_views: u64,
    /// Actions taken.
    pub actions: u64,
    /// How long the sessions lasted together, in milliseconds.
    pub duration_ms: u64,
}

/// The figures of a point of the timeline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Point {
    /// When.
    pub period: Period,
    /// What.
    pub summary: Summary,
}

impl Summary {
    /// How long a session lasted on average, in milliseconds; nothing where there was none.
    pub fn average_ms(&self) -> Option<u64> {
        self.duration_ms.checked_div(self.sessions)
    }
}

impl Whom {
    /// Whether engagement of a class and an account is asked for.
    pub(super) fn has(&self, class: Class, account: Option<&str>) -> bool {
        let person = matches!(class, Class::Guest | Class::External);
        person
            && match self {
                Self::Everybody => true,
                Self::Accounts(accounts) => account.is_some_and(|account| accounts.contains(account)),
            }
    }

    pub(super) fn visited(&self, row: &Visited) -> bool {
        self.has(row.class, row.account.as_deref())
    }

    pub(super) fn viewed(&self, view: &View<'_>) -> bool {
        self.has(view.class, view.account)
    }
}

/// The five figures of these portals and days.
pub fn summary(look: &mut dyn Look, portals: &[String], days: Days, whom: &Whom) -> Result<Summary, LedgerError> {
    let whole = Period { label: String::new(), days, whole: true };
    let points = points(look, portals, vec![whole], whom, By::Year)?;
    Ok(points.into_iter().map(|point| point.summary).next().unwrap_or_default())
}

/// The figures by day, week or month, as [`buckets`] has it.
pub fn timeline(look: &mut dyn Look, portals: &[String], days: Days, whom: &Whom) -> Result<Vec<Point>, LedgerError> {
    let by = buckets(days);
    points(look, portals, periods(days, by), whom, by)
}

/// The figures of periods that follow on each other.
fn points(
    look: &mut dyn Look,
    portals: &[String],
    periods: Vec<Period>,
    whom: &Whom,
    by: By,
) -> Result<Vec<Point>, LedgerError> {
    let Some((first, last)) = periods.first().zip(periods.last()) else { return Ok(Vec::new()) };
    let days = Days { from: first.days.from, to: last.days.to };
    let place = |day: Day| periods.partition_point(|period| period.days.to <= day);
    let mut sums: Vec<(Summary, Vec<People>)> = periods.iter().map(|_| Default::default()).collect();
    for portal in portals {
        for (of, visits) in pieces::<Visits>(look, portal, days, by)? {
            let Some((sum, users)) = sums.get_mut(place(of.from)) else { continue };
            for row in visits.rows.into_iter().filter(|row| whom.visited(row)) {
                sum.sessions += row.sessions;
                sum.duration_ms += row.duration_ms;
                users.push(row.users);
            }
        }
        for (of, views) in pieces::<Views>(look, portal, days, by)? {
            let Some((sum, _)) = sums.get_mut(place(of.from)) else { continue };
            for view in views.iter().filter(|view| whom.viewed(view)) {
                match view.action {
                    None => sum.page_views += view.count,
                    Some(_) => sum.actions += view.count,
                }
            }
        }
    }
    let points = periods.into_iter().zip(sums).map(|(period, (summary, users))| {
        let users = People::union(&users).len() as u64;
        Point { period, summary: Summary { users, ..summary } }
    });
    Ok(points.collect())
}
